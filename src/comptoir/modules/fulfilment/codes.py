"""The codes by which buyers get what waits for them: at a counter, and at a locker."""

from __future__ import annotations

import hmac
import secrets

from comptoir.modules.fulfilment.contracts import FulfilmentId
from comptoir.runtime.crypto import Keyring

_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without those that are taken for others."""
_LOCKER_DIGITS = 6
_LOCKER = "locker"


def pickup_code(keyring: Keyring, fulfilment_id: FulfilmentId, number: int) -> str:
    """What a buyer shows at the counter: the number of the work, and letters that nobody can guess."""
    rest = int.from_bytes(keyring.mac(fulfilment_id.bytes, "pickup")[:8])
    letters = ""
    for _ in range(4):
        rest, at = divmod(rest, len(_LETTERS))
        letters += _LETTERS[at]
    return f"{number}-{letters}"


def same_code(typed: str, code: str) -> bool:
    """Whatever spaces and small letters were typed; takes the same time whatever differs."""
    clean = "".join(typed.split()).upper()
    return hmac.compare_digest(clean.encode(), code.upper().encode())


def new_locker_code() -> str:
    """Digits, for a keypad."""
    return "".join(secrets.choice("0123456789") for _ in range(_LOCKER_DIGITS))


def seal_locker_code(keyring: Keyring, code: str) -> bytes:
    return keyring.encrypt(code.encode(), _LOCKER)


def locker_code(keyring: Keyring, sealed: bytes) -> str:
    """Raises Undecipherable."""
    return keyring.decrypt(sealed, _LOCKER).decode()
