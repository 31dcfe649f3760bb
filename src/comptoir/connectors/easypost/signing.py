"""The signatures of EasyPost's webhooks.

The first, `X-Hmac-Signature`, is over the body alone. The second, `X-Hmac-Signature-V2`, is over the time, the method, the path
and the body, so that an old message can be told from a new one; where it is there, it has to fit as well.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from comptoir.sdk.carriers import ForgedWebhook

TOLERANCE = timedelta(minutes=5)
"""EasyPost repeats a message up to six times, each with a signature of its own."""
_PREFIX = "hmac-sha256-hex="


def check_signature(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> None:
    """Raises ForgedWebhook."""
    given = {name.lower(): value for name, value in headers.items()}
    first, second = given.get("x-hmac-signature"), given.get("x-hmac-signature-v2")
    if first is None and second is None:
        raise ForgedWebhook(reason="there is no signature")
    if first is not None and not _fits(first, body, secret):
        raise ForgedWebhook(reason="the signature does not fit")
    if second is not None:
        stamp, path = given.get("x-timestamp", ""), given.get("x-path", "")
        if not _fits(second, f"{stamp}POST{path}".encode() + body, secret):
            raise ForgedWebhook(reason="the signature does not fit")
        _check_age(stamp, now)


def signature(message: bytes, secret: str) -> str:
    """As EasyPost makes it: the secret in the normal form NFKD."""
    return _PREFIX + hmac.digest(unicodedata.normalize("NFKD", secret).encode(), message, "sha256").hex()


def _fits(given: str, message: bytes, secret: str) -> bool:
    return hmac.compare_digest(given.strip().lower().encode(), signature(message, secret).encode())


def _check_age(stamp: str, now: datetime) -> None:
    try:
        at = parsedate_to_datetime(stamp)
    except (ValueError, TypeError) as problem:
        raise ForgedWebhook(reason="the time is none") from problem
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at  # -0000 is UTC that says nothing of where it was written
    if abs(now - at) > TOLERANCE:
        raise ForgedWebhook(reason="the message is old")
