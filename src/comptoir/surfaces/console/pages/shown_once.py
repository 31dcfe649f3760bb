"""Secrets that are shown once: sealed into the address that the form's answer leads to, for a few minutes and this session.

The answer to a form is kept so that a second click gets the same one; what is kept is sealed with our key.
"""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta

import msgspec

from comptoir.kernel.time import utcnow
from comptoir.runtime.crypto import Undecipherable
from comptoir.surfaces.console.web import Visit

_PURPOSE = "shown-once"
_FOR = timedelta(minutes=5)


class Shown(msgspec.Struct, frozen=True):
    """`what` says which kind of secret it is, `of` whose."""

    what: str
    of: str
    secret: str


class _Sealed(msgspec.Struct, frozen=True):
    shown: Shown
    token: str
    """The form token of the session that it is for."""
    until: float


def seal(visit: Visit, shown: Shown) -> str:
    plain = msgspec.json.encode(_Sealed(shown, visit.token, (utcnow() + _FOR).timestamp()))
    return base64.urlsafe_b64encode(visit.console.keyring.encrypt(plain, _PURPOSE)).decode().rstrip("=")


def shown(visit: Visit) -> Shown | None:
    """What the address of this page may show; None when there is nothing, it is too late, or it is another's."""
    text = visit.param("shown")
    if not text:
        return None
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        sealed = msgspec.json.decode(visit.console.keyring.decrypt(packed, _PURPOSE), type=_Sealed)
    except (binascii.Error, ValueError, Undecipherable, msgspec.MsgspecError):
        return None
    return sealed.shown if sealed.token == visit.token and sealed.until > utcnow().timestamp() else None
