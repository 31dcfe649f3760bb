"""The rules of webhooks: Standard Webhooks 1.0 as to payload, signature, retries and what a status means."""

from __future__ import annotations

import base64
import ipaddress
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from standardwebhooks import Webhook

from comptoir.kernel.checking import Checks
from comptoir.kernel.ids import to_text
from comptoir.modules.webhooks.contracts import EVENT_PREFIX, DeliveryState, EndpointDraft, Result
from comptoir.runtime.consumers import fits
from comptoir.runtime.events import Recorded
from comptoir.runtime.http import is_public

SCHEDULE = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds before each attempt, the example of the specification: ten attempts in about three days."""
JITTER = 0.1
"""Each wait is up to this share longer, so that what failed together does not come back together."""
DISABLE_AFTER = timedelta(days=5)
"""An endpoint that took nothing for so long is switched off."""
OVERLAP = timedelta(hours=24)
"""How long a rotated secret goes on signing beside the new one."""
MAX_OVERLAP = timedelta(days=7)
SEND_WITHIN = 15.0
LEASE = timedelta(seconds=60)
"""Whoever claims a delivery and does not come back (it was killed) loses it after so long: above any attempt's duration."""
MAX_RESPONSE = 1000
_THROTTLES = frozenset({429, 502, 503, 504})
_PAUSE = 5.0
_LONGEST_PAUSE = 600.0
_SECRET_BYTES = 32
_MAX_TYPES = 50
_MAX_URL = 2000
_TYPE = re.compile(r"\*|[a-z0-9_]+(?:\.[a-z0-9_]+)*(?:\.\*)?")

Verdict = Literal["delivered", "retry", "failed", "gone"]
DELIVERY_STEPS: Mapping[tuple[DeliveryState, Verdict], DeliveryState] = {
    (DeliveryState.PENDING, "delivered"): DeliveryState.DELIVERED,
    (DeliveryState.PENDING, "retry"): DeliveryState.PENDING,
    (DeliveryState.PENDING, "failed"): DeliveryState.FAILED,
    (DeliveryState.PENDING, "gone"): DeliveryState.FAILED,
}
"""What an attempt makes of a delivery. A replay makes it pending again, whatever it is."""


class Secret(msgspec.Struct, frozen=True):
    """One that has been rotated signs until its end."""

    text: str
    until: datetime | None = None


def checked(draft: EndpointDraft, *, allow_private: bool) -> EndpointDraft:
    """The draft in its clean form; raises Invalid. Outside of a private network only https is taken."""
    checks = Checks()
    url = checks.words("url", draft.url, least=1, most=_MAX_URL)
    if url:
        problem = _url_problem(url, allow_private=allow_private)
        checks.require("url", not problem, problem)
    types = tuple(dict.fromkeys(draft.types))
    checks.require("types", 1 <= len(types) <= _MAX_TYPES, f"has 1 to {_MAX_TYPES} event types")
    for n, name in enumerate(types[:_MAX_TYPES]):
        checks.require(f"types[{n}]", bool(_TYPE.fullmatch(name)), "is an event type, a prefix such as order.*, or *")
    description = checks.words("description", draft.description, most=500)
    checks.done()
    return EndpointDraft(url=url, types=types, description=description)


def _url_problem(url: str, *, allow_private: bool) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no web address"
    if parts.scheme not in {"https", "http"} or not host or any(char.isspace() for char in url):
        return "is an address such as https://example.com/hook"
    if parts.username is not None or parts.password is not None:
        return "holds no user name or password: deliveries are signed"
    if parts.fragment:
        return "has no part after a #"
    if allow_private:
        return ""
    return "begins with https://" if parts.scheme != "https" else _host_problem(host)


def _host_problem(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "leads to this machine" if host == "localhost" or host.endswith(".localhost") else ""
    return "" if is_public(host) else "leads into a private network"


def wants(types: Sequence[str], event_type: str) -> bool:
    return any(fits(pattern, event_type) for pattern in types)


Outward = Callable[[Mapping[str, object]], Mapping[str, object]]
"""Writes the ids of an event's data as the API does."""


def payload(event: Recorded, outward: Outward) -> bytes:
    """`id` is also the webhook-id: the same for every endpoint and every attempt."""
    text = to_text(EVENT_PREFIX, event.id)
    return msgspec.json.encode({"type": event.type, "timestamp": event.at, "data": outward(event.data), "id": text})


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def pack_secrets(ring: Sequence[Secret]) -> bytes:
    return msgspec.json.encode(ring)


def unpack_secrets(plain: bytes) -> list[Secret]:
    return msgspec.json.decode(plain, type=list[Secret])


def rotated(ring: Sequence[Secret], new: str, now: datetime, overlap: timedelta) -> list[Secret]:
    """The new secret first; the one before it signs beside it until the overlap ends, and earlier ones no longer than they
    did.
    """
    until = now + overlap
    old = [Secret(one.text, until if one.until is None else min(one.until, until)) for one in ring]
    return [Secret(new), *(one for one in old if one.until is not None and one.until > now)][:4]


def headers(ring: Sequence[Secret], message_id: str, body: str, now: datetime) -> Mapping[str, str]:
    """The headers of one attempt, signed with every secret that holds now."""
    signatures = [Webhook(one.text).sign(message_id, now, body) for one in ring if one.until is None or one.until > now]
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: Verdict
    next_at: datetime | None = None


def decide(result: Result, attempts: int, now: datetime, jitter: float) -> Decision:
    """What to do after an attempt, of which there were `attempts` with this one. `jitter` is between 0 and 1."""
    if result.status is not None and 200 <= result.status < 300:
        return Decision("delivered")
    if result.status == 410:
        return Decision("gone")
    if attempts >= len(SCHEDULE):
        return Decision("failed")
    wait = SCHEDULE[attempts] * (1 + JITTER * jitter)
    return Decision("retry", now + timedelta(seconds=max(wait, result.retry_after or 0.0)))


def pause_for(result: Result) -> float:
    """Seconds for which nothing more is sent to this endpoint: it said that it is overloaded."""
    if result.status not in _THROTTLES:
        return 0.0
    return min(_PAUSE if result.retry_after is None else result.retry_after, _LONGEST_PAUSE)
