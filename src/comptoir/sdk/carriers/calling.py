"""Calling a carrier: whatever goes wrong becomes a fault of `errors`, and no secret gets into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
import stamina

from comptoir.kernel.errors import Fault
from comptoir.runtime.http import BadAnswer, HttpClient, Response, Unreachable
from comptoir.sdk.carriers.errors import (
    CarrierBusy,
    CarrierUnavailable,
    NotAuthorised,
    NotUnderstood,
    OutcomeUnknown,
    PaymentNeeded,
)
from comptoir.sdk.carriers.values import Label

T = TypeVar("T")

_HIDDEN = "[redacted]"
_MOST = 300
"""Characters of a carrier's own words that go into a fault."""
_LABEL_BYTES = 10_000_000
_PATIENCE = 5.0


class Caller:
    """The one way from a connector to its carrier.

    Answers come back up to 499, without 401, 402, 403 and 429, which mean the same everywhere. What a carrier says is only
    repeated through `clean`.
    """

    def __init__(self, http: HttpClient, carrier: str, secrets: Sequence[str] = (), *, seconds: float = 30.0) -> None:
        self._http = http
        self._carrier = carrier
        self._secrets = sorted(
            {text for secret in secrets if secret for text in (secret, quote(secret, safe=""))}, key=len, reverse=True
        )
        self._seconds = seconds

    def __repr__(self) -> str:
        return f"Caller({self._carrier})"

    def clean(self, text: str) -> str:
        """A carrier's words without our secrets in them, on one line and not too many."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return " ".join(text.split())[:_MOST]

    async def read(self, method: str, url: str, **options: Any) -> Response:
        """For what changes nothing, or the same however often it is done: tried again after a passing failure."""
        async for attempt in stamina.retry_context(
            on=_passes, attempts=3, timeout=60.0, wait_initial=0.2, wait_max=2.0, wait_jitter=0.2
        ):
            with attempt:
                return await self.write(method, url, **options)
        raise AssertionError("stamina gives an answer or raises")

    async def write(self, method: str, url: str, **options: Any) -> Response:
        """For what may be done twice without harm, but need not be: tried once."""
        found = await self._exchange(method, url, options)
        if isinstance(found, Response):
            return found
        raise found.fault(self._carrier)

    async def purchase(self, reference: str, method: str, url: str, **options: Any) -> Response:
        """For what costs money: tried once. Raises OutcomeUnknown unless the carrier said yes or no, or was not reached."""
        found = await self._exchange(method, url, options)
        if isinstance(found, Response):
            return found
        if found.kind in {CarrierUnavailable, NotUnderstood} and found.asked:
            raise OutcomeUnknown(self._carrier, reference, found.detail, retry_after=found.retry_after)
        raise found.fault(self._carrier)

    def decoded(self, response: Response, kind: type[T]) -> T:
        """The body as a value; raises NotUnderstood."""
        try:
            return msgspec.json.decode(response.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            detail = f"the answer is not what it should be: {self.clean(str(problem))}"
        raise NotUnderstood(self._carrier, detail)

    async def _exchange(self, method: str, url: str, options: dict[str, Any]) -> Response | _Failure:
        """Faults are made outside the exceptions that they stand for, which know the whole address, secrets and all."""
        try:
            response = await self._http.exchange(method, url, timeout=self._seconds, **options)
        except Unreachable as problem:
            return _Failure(CarrierUnavailable, self.clean(problem.detail), asked=problem.sent)
        except BadAnswer as problem:
            return _Failure(NotUnderstood, self.clean(problem.detail))
        return _failure(response) or response


@dataclass(frozen=True, slots=True)
class _Failure:
    kind: type[CarrierUnavailable | NotUnderstood | NotAuthorised]
    detail: str
    retry_after: float | None = None
    asked: bool = True
    """Whether the carrier may have heard it."""

    def fault(self, carrier: str) -> Fault:
        if issubclass(self.kind, CarrierUnavailable):
            return self.kind(carrier, self.detail, retry_after=self.retry_after)
        return self.kind(carrier, self.detail)


def _failure(response: Response) -> _Failure | None:
    """What a status means whoever the carrier is; None for one that is the carrier's own to explain."""
    status = response.status
    if status == 429:
        return _Failure(CarrierBusy, "we ask too often", response.retry_after)
    if status >= 500 or status in {408, 425}:
        return _Failure(CarrierUnavailable, f"answered {status}", response.retry_after)
    if status in {401, 403}:
        return _Failure(NotAuthorised, f"the key is not accepted ({status})")
    if status == 402:
        return _Failure(PaymentNeeded, "the account cannot pay")
    return None


def _passes(problem: Exception) -> bool | float:
    if not isinstance(problem, CarrierUnavailable):
        return False
    if problem.retry_after is None:
        return True
    return problem.retry_after if problem.retry_after <= _PATIENCE else False


async def label_content(http: HttpClient, label: Label) -> bytes:
    """The document of a label: what came along with it, else what is at its address, which is asked without any key.

    Raises CarrierUnavailable, and NotUnderstood when there is nothing.
    """
    return label.content or await paper(http, label.carrier, label.url)


async def paper(http: HttpClient, carrier: str, url: str) -> bytes:
    """What is at an address that a carrier gave us, which is asked without any key.

    Raises CarrierUnavailable, and NotUnderstood when there is nothing.
    """
    if not url:
        raise NotUnderstood(carrier, "it has no document")
    response = await Caller(http, carrier).read("GET", url, max_bytes=_LABEL_BYTES, redirects=True)
    if response.status != 200 or not response.body:
        raise NotUnderstood(carrier, f"the document is not there ({response.status})")
    return response.body
