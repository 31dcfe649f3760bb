"""What the gateway of messages to telephones tells us: that a buyer has written STOP.

It is signed as our own messages are, with the same secret. What is no answer that we know is taken, and nothing is done.
"""

from __future__ import annotations

from typing import cast

import structlog
from litestar import Response
from litestar.handlers import HTTPRouteHandler

from comptoir.kernel.errors import Fault, Invalid
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import ON_PHONES, ConsentSource
from comptoir.modules.notices.errors import NoGateway
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.runtime.limits import Limiter, TooManyRequests, address_key
from comptoir.surfaces.console.web import Web

log = structlog.get_logger("comptoir.hooks")

PATH = "/hooks/texts"
TYPE = "message.received"
_MOST_BYTES = 16_384


class TextHooks:
    """Takes the messages for this process."""

    def __init__(self, database: Database, keyring: Keyring, strangers: Limiter) -> None:
        self._database = database
        self._keyring = keyring
        self._strangers = strangers

    def route(self) -> HTTPRouteHandler:
        async def answer(request: Web) -> Response[None]:  # a function: the framework copies what methods are bound to
            return await self.answer(request)

        return HTTPRouteHandler(
            PATH, http_method="POST", status_code=204, include_in_schema=False, request_max_body_size=_MOST_BYTES
        )(answer)

    async def answer(self, request: Web) -> Response[None]:
        caller = address_key(request.client.host if request.client is not None else "")
        try:
            self._strangers.check(caller)
            async with self._database.read() as reader:
                said = await notices.from_gateway(reader, self._keyring, dict(request.headers), await request.body())
            await self._take(said)
        except NoGateway as refused:
            return self._forged(caller, refused)
        except TooManyRequests as refused:
            return Response(None, status_code=429, headers={"Retry-After": str(refused.data["retry_after"])})
        except Invalid:
            log.info("a message from a telephone names no number that we can read")
            return Response(None, status_code=422)
        except Fault as fault:
            log.warning("a message from a telephone could not be taken", code=fault.code)
            return Response(None, status_code=503, headers={"Retry-After": str(max(1, round(fault.retry_after or 5)))})
        return Response(None, status_code=204)

    def _forged(self, caller: str, refused: NoGateway) -> Response[None]:
        try:
            self._strangers.take(caller)
        except TooManyRequests as slow:
            return Response(None, status_code=429, headers={"Retry-After": str(slow.data["retry_after"])})
        return Response(None, status_code=refused.status)

    async def _take(self, said: object) -> None:
        """A buyer's STOP or START, for the medium that it came by, or for both."""
        if not isinstance(said, dict):
            return
        message = cast("dict[str, object]", said)
        data = message.get("data")
        if message.get("type") != TYPE or not isinstance(data, dict):
            return
        given = {str(name): str(value) for name, value in cast("dict[object, object]", data).items()}
        answer = notices.answer_of(given.get("text", ""))
        if answer is None:
            return
        media = [medium for medium in ON_PHONES if given.get("medium", "") in {medium.value, ""}]
        async with self._database.transaction() as tx:
            await notices.say(tx, given.get("from", ""), media, ConsentSource.MESSAGE, allowed=answer)
        log.info("a buyer wrote back", wanted=answer, media=[medium.value for medium in media])
