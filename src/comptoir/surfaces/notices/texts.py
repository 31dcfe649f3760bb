"""Messages to telephones: what a provider has to do, the gateway that anybody can attach, and one for development that sends
nothing.

The gateway is an address of the retailer's: each message is posted to it as JSON, signed by Standard Webhooks. What it says
back is its answer: 2xx has taken it, 429 and 5xx are asked again later, anything else has refused it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import structlog

from comptoir.kernel.errors import Fault, Remedy
from comptoir.kernel.time import utcnow
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Medium
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.runtime.http import HttpClient
from comptoir.runtime.settings import Settings

log = structlog.get_logger("comptoir.texts")

TYPE = "message.send"
_SECONDS = 15.0
_MOST_BYTES = 16_384
_BUSY = 429


class NoProvider(Fault):
    """Messages to telephones are asked for, and no provider is set up."""

    code = "no_text_provider"


class GatewayRefused(Fault):
    """The gateway does not take this message: `data["status"]`."""

    code = "text_gateway_refused"


class GatewayBusy(Fault):
    """The gateway takes it later, it says, or is broken."""

    code = "text_gateway_busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMessage:
    """One message. `id` is the same at each try; `sender` is a number, or up to eleven letters."""

    id: str
    medium: Medium
    sender: str
    to: str = field(repr=False)
    text: str = field(repr=False)
    locale: str = ""
    kind: str = ""


class TextProvider(Protocol):
    """Whoever takes messages to telephones."""

    async def send(self, message: TextMessage) -> None:
        """Raises a Fault that says who can put it right; its text names no number."""
        ...


class LogProvider:
    """Says in the log that there was a message, without whom it was to and what it said. For development only."""

    async def send(self, message: TextMessage) -> None:
        log.info(
            "a message to a telephone",
            medium=message.medium.value,
            sender=message.sender,
            digits=len(message.to),
            characters=len(message.text),
        )


class Refuses:
    """Where nothing is set up: a message that nobody sends must not look as if it had been sent."""

    async def send(self, message: TextMessage) -> None:
        raise NoProvider(
            f"no gateway for {message.medium.value} is set up, and no provider (COMPTOIR_TEXTS)", remedy=Remedy.MERCHANT
        )


class GatewayProvider:
    """The gateway that is set up in the settings; where none is, `instead`."""

    def __init__(self, database: Database, keyring: Keyring, http: HttpClient, instead: TextProvider) -> None:
        self._database = database
        self._keyring = keyring
        self._http = http
        self._instead = instead

    async def send(self, message: TextMessage) -> None:
        async with self._database.read() as reader:
            gateway = (await notices.house(reader)).gateway
        if gateway is None or not gateway.active:
            await self._instead.send(message)
            return
        now = utcnow()
        body = msgspec.json.encode({"type": TYPE, "timestamp": now, "id": message.id, "data": _data(message)})
        headers = notices.signed(gateway, self._keyring, message.id, body.decode(), now)
        answer = await self._http.exchange(
            "POST",
            gateway.url,
            content=body,
            headers=headers,
            timeout=_SECONDS,
            max_bytes=_MOST_BYTES,
            compressed=False,
            cut=True,
        )
        if 200 <= answer.status < 300:
            return
        said = f"the gateway of messages answered {answer.status}"
        if answer.status == _BUSY or answer.status >= 500:
            raise GatewayBusy(said, remedy=Remedy.WAIT, retry_after=answer.retry_after, status=answer.status)
        raise GatewayRefused(said, remedy=Remedy.NOBODY, status=answer.status)


def _data(message: TextMessage) -> dict[str, str]:
    return {
        "medium": message.medium.value,
        "from": message.sender,
        "to": message.to,
        "text": message.text,
        "locale": message.locale,
        "kind": message.kind,
    }


def provider(settings: Settings) -> TextProvider:
    """What is used without a gateway."""
    return LogProvider() if settings.texts == "log" else Refuses()
