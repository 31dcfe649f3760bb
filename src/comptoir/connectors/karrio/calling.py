"""Calling a Karrio server: the key goes with every call, and what is no yes becomes a fault that says what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from comptoir.connectors.karrio import answers, mapping
from comptoir.connectors.karrio.answers import Failure
from comptoir.connectors.karrio.messages import Document, Shipment
from comptoir.connectors.karrio.server import root_of, same_origin
from comptoir.kernel.errors import Fault
from comptoir.runtime.http import BlockedAddress, HttpClient, Response
from comptoir.sdk.carriers import Caller, NotAuthorised, NotUnderstood

T = TypeVar("T")

_BESIDE = "COMPTOIR_ALLOW_PRIVATE_HOSTS=yes lets Comptoir call a Karrio that runs beside it"


class Far:
    """One server, and our key to it."""

    def __init__(self, http: HttpClient, server: str, api_key: str, secrets: Sequence[str], *, seconds: float) -> None:
        self.root = root_of(server)
        self.caller = Caller(http, mapping.KEY, (api_key, *secrets), seconds=seconds)
        self._api_key = api_key

    def __repr__(self) -> str:
        return f"Far({self.root})"

    def clean(self, text: str) -> str:
        return self.caller.clean(text)

    def decoded(self, response: Response, kind: type[T]) -> T:
        """Raises NotUnderstood."""
        return self.caller.decoded(response, kind)

    def shipment(self, response: Response) -> Shipment:
        return self.caller.decoded(response, Shipment)

    async def read(self, method: str, path: str, **options: Any) -> Response:
        """For what changes nothing, or the same however often it is done."""
        return await self._ask(self.caller.read, method, f"{self.root}{path}", options)

    async def write(self, method: str, path: str, **options: Any) -> Response:
        """For what may be done twice without harm, but need not be."""
        return await self._ask(self.caller.write, method, f"{self.root}{path}", options)

    async def purchase(self, reference: str, path: str, **options: Any) -> Response:
        """For what costs money. Raises OutcomeUnknown."""
        return await self._ask(partial(self.caller.purchase, reference), "POST", f"{self.root}{path}", options)

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Response | None:
        """None when there is nothing by that name."""
        response = await self.read("GET", path, params=params)
        if response.status == 404 and self.failure(response).read:
            return None
        if response.status not in {200, 202}:
            raise self.no(response)
        return response

    async def there(self, path: str, params: Mapping[str, str | int] | None = None) -> Response:
        """What has to be there. Raises NotUnderstood when it is not."""
        response = await self.get(path, params)
        if response is None:
            raise NotUnderstood(mapping.KEY, "what Karrio has given us is not there any more")
        return response

    async def document(self, path: str, url: str) -> bytes:
        """A paper; empty where there is none. Newer servers have a call for it, older ones an address that wants no key."""
        response = await self.read("POST", path)
        if response.status in {200, 201}:
            return mapping.decoded(self.decoded(response, Document).base64)
        address = url if "://" in url else f"{self.root}{url}"
        if not url or not same_origin(address, self.root):
            return b""
        response = await self._ask(self.caller.read, "GET", address, {})
        return response.body if response.status == 200 else b""

    async def _ask(
        self, how: Callable[..., Awaitable[Response]], method: str, address: str, options: Mapping[str, Any]
    ) -> Response:
        """Raises NotAuthorised where the server may not be called, besides what `how` raises."""
        try:
            return await how(method, address, headers={"authorization": f"Token {self._api_key}"}, **options)
        except BlockedAddress as problem:
            detail = self.clean(problem.detail)
        raise NotAuthorised(mapping.KEY, f"{detail}: {_BESIDE}")

    def failure(self, response: Response) -> Failure:
        return answers.failure(response, self.caller)

    def no(self, response: Response, reference: str = "") -> Fault:
        return answers.fault(response, self.failure(response), reference)
