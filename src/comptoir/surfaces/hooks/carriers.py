"""Messages of carriers: verified, kept, answered. What they say is thought about later, by the worker.

The address names the account, so that its secret is known before anything is read. A carrier that gets no 2xx sends again, so
that whatever is not kept for sure is answered with an error.
"""

from __future__ import annotations

import structlog
from litestar import Response
from litestar.handlers import HTTPRouteHandler

from comptoir.kernel.errors import Fault, Refusal
from comptoir.kernel.ids import from_text
from comptoir.kernel.time import utcnow
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import ACCOUNT_PREFIX, AccountId
from comptoir.modules.tracking.errors import UnknownAccount
from comptoir.runtime.database import Database
from comptoir.runtime.limits import Limiter, TooManyRequests, address_key
from comptoir.sdk.carriers import CarrierConnector, ForgedWebhook, UnreadableWebhook
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.console.web import Web

log = structlog.get_logger("comptoir.hooks")

PATH = "/hooks/carriers"


class CarrierHooks:
    """Takes the messages for this process."""

    def __init__(self, database: Database, carriage: Carriage, strangers: Limiter) -> None:
        self._database = database
        self._carriage = carriage
        self._strangers = strangers

    def route(self) -> HTTPRouteHandler:
        async def answer(request: Web) -> Response[None]:  # a function: the framework copies what methods are bound to
            return await self.answer(request)

        return HTTPRouteHandler(
            f"{PATH}/{{account:str}}",
            http_method="POST",
            status_code=204,
            include_in_schema=False,
            request_max_body_size=tracking.inbox.MAX_BYTES,
        )(answer)

    async def answer(self, request: Web) -> Response[None]:
        caller = address_key(request.client.host if request.client is not None else "")
        try:
            self._strangers.check(caller)
            kept = await self.take(request.path_params["account"], dict(request.headers), await request.body())
        except (ForgedWebhook, UnknownAccount) as refused:
            return self._forged(caller, refused)
        except TooManyRequests as refused:
            return Response(None, status_code=429, headers={"Retry-After": str(refused.data["retry_after"])})
        except Refusal as refused:
            return Response(None, status_code=refused.status)
        except Fault as fault:
            log.warning("a message of a carrier could not be kept", code=fault.code)
            return Response(None, status_code=503, headers={"Retry-After": str(max(1, round(fault.retry_after or 5)))})
        return Response(None, status_code=204 if kept else 200)

    def _forged(self, caller: str, refused: Refusal) -> Response[None]:
        try:
            self._strangers.take(caller)
        except TooManyRequests as slow:
            return Response(None, status_code=429, headers={"Retry-After": str(slow.data["retry_after"])})
        log.info("a message was refused", code=refused.code)
        return Response(None, status_code=refused.status)

    async def take(self, account: str, headers: dict[str, str], body: bytes) -> bool:
        """Whether it is new. Raises UnknownAccount, ForgedWebhook and CarrierCannot."""
        try:
            account_id = AccountId(from_text(ACCOUNT_PREFIX, account))
        except ValueError as problem:
            raise UnknownAccount(kind="carrier_account", id=account[:64]) from problem
        known, carrier = await self._carriage.account(account_id)
        if not known.active:
            raise UnknownAccount(kind="carrier_account", id=account_id)
        carrier.verify_webhook(headers, body, utcnow())
        delivery = tracking.inbox.delivery(account_id, body, _event_id(carrier, body))
        async with self._database.transaction() as tx:
            return bool(await tracking.inbox.receive(tx, [delivery]))


def _event_id(carrier: CarrierConnector, body: bytes) -> str:
    """The carrier's id of the message; empty where it has none, or cannot be read, and is kept all the same."""
    try:
        updates = carrier.read_webhook(body)
    except UnreadableWebhook:
        return ""
    return next((update.event_id for update in updates if update.event_id), "")
