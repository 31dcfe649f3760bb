"""What holds for every channel: when telephones are silent, and who takes messages to them."""

from __future__ import annotations

import base64
import secrets
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from standardwebhooks import Webhook, WebhookVerificationError

from comptoir.kernel.checking import Checks
from comptoir.modules.notices import store_house
from comptoir.modules.notices.contracts import Gateway, House
from comptoir.modules.notices.errors import NoGateway
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Reader, Tx

_PURPOSE = "text-gateway"
_MINUTES = 24 * 60
_SECRET_BYTES = 32


async def house(reader: Reader) -> House:
    return await store_house.house(reader)


async def put_quiet_hours(tx: Tx, quiet_from: int, quiet_until: int) -> House:
    """Minutes of the buyer's day; the same twice is never. Raises Invalid."""
    checks = Checks()
    checks.whole("quiet_from", quiet_from, 0, _MINUTES - 1)
    checks.whole("quiet_until", quiet_until, 0, _MINUTES - 1)
    checks.done()
    changed = replace(await store_house.house(tx), quiet_from=quiet_from, quiet_until=quiet_until)
    await store_house.put_house(tx, changed)
    return changed


async def put_gateway(
    tx: Tx, keyring: Keyring, url: str, *, active: bool = True, new_secret: bool = False, allow_private: bool = False
) -> str | None:
    """Says who takes messages to telephones; gives the secret where there is a new one, told this once.

    Raises Invalid. Outside of a private network only https is taken.
    """
    checks = Checks()
    url = checks.words("url", url, least=1, most=2_000)
    if url:
        problem = _problem(url, allow_private=allow_private)
        checks.require("url", not problem, problem)
    checks.done()
    there = await store_house.house(tx)
    secret = None
    if there.gateway is None or new_secret:
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    sealed = there.gateway.sealed if there.gateway is not None else b""
    if secret is not None:
        sealed = keyring.encrypt(secret.encode(), _PURPOSE)
    await store_house.put_house(tx, replace(there, gateway=Gateway(url=url, sealed=sealed, active=active)))
    return secret


async def remove_gateway(tx: Tx) -> None:
    await store_house.put_house(tx, replace(await store_house.house(tx), gateway=None))


def _problem(url: str, *, allow_private: bool) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no web address"
    if parts.scheme not in {"https", "http"} or not host or any(char.isspace() for char in url):
        return "is an address such as https://example.com/messages"
    if parts.username is not None or parts.password is not None:
        return "holds no user name or password: messages are signed"
    if parts.fragment:
        return "has no part after a #"
    return "" if allow_private or parts.scheme == "https" else "begins with https://"


def signed(gateway: Gateway, keyring: Keyring, message_id: str, body: str, now: datetime) -> dict[str, str]:
    """The headers of a message, by Standard Webhooks. Raises Undecipherable."""
    secret = keyring.decrypt(gateway.sealed, _PURPOSE).decode()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body),
    }


async def from_gateway(reader: Reader, keyring: Keyring, headers: dict[str, str], body: bytes) -> object:
    """What the gateway says, when it has signed it. Raises NoGateway for whatever is not from it."""
    gateway = (await store_house.house(reader)).gateway
    if gateway is None:
        raise NoGateway
    secret = keyring.decrypt(gateway.sealed, _PURPOSE).decode()
    try:
        return Webhook(secret).verify(body, headers)
    except (WebhookVerificationError, ValueError) as problem:  # also what is no JSON
        raise NoGateway from problem
