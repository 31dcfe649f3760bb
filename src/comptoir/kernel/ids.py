"""Ids: UUIDv7 inside, prefixed text outside (`ord_01j...` in Crockford's base 32)."""

from __future__ import annotations

import os
import time
from struct import unpack
from typing import NewType
from uuid import UUID, SafeUUID

ActorId = NewType("ActorId", str)
"""Who did something: `user:<uuid>`, `token:<uuid>`, `channel:<code>` or `system`."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {char: value for value, char in enumerate(_ALPHABET)} | {"i": 1, "l": 1, "o": 0}
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_TEXT_LENGTH = 26
_SHIFTS = range((_TEXT_LENGTH - 2) * 5, -1, -10)
_UUID_BITS = 128

_last_ms = 0
_counter = 0
_entropy: list[int] = []
"""Random numbers of 62 bits that no id has had yet."""


def uuid7() -> UUID:
    """A UUIDv7 (RFC 9562, method 1): milliseconds, a 12-bit counter within one, and 62 random bits.

    Within a process the ids grow strictly, also when the clock is set back.
    """
    made = _new(UUID)
    _set(made, "int", _next())
    _set(made, "is_safe", SafeUUID.unknown)
    return made


_new, _set = object.__new__, object.__setattr__
"""What `UUID(int=…)` does but for its checks, which take most of its time."""


def uuid7_hex() -> str:
    """As `uuid7`, as 32 hexadecimal digits."""
    return f"{_next():032x}"


def _next() -> int:
    global _last_ms, _counter  # noqa: PLW0603 - the counter of one process is state by definition
    now = time.time_ns() // 1_000_000
    if now > _last_ms:
        _last_ms, _counter = now, 0
    else:
        _counter += 1
        if _counter > 0xFFF:
            _last_ms, _counter = _last_ms + 1, 0
    if not _entropy:
        _refill()
    return (_last_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | _counter << 64 | 0b10 << 62 | _entropy.pop()


def _refill() -> None:
    """Asking the system for each number would take longer than all the rest."""
    _entropy.extend(number & 0x3FFF_FFFF_FFFF_FFFF for number in unpack("512Q", os.urandom(4096)))


os.register_at_fork(after_in_child=_entropy.clear)


def to_text(prefix: str, value: UUID) -> str:
    """`prefix_` and 26 letters and digits that sort as the UUID does."""
    number = value.int
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def from_text(prefix: str, text: str) -> UUID:
    """The UUID of a prefixed id; raises ValueError when it is not one of this prefix."""
    head, separator, body = text.strip().rpartition("_")
    if not separator or head != prefix or len(body) != _TEXT_LENGTH:
        msg = f"{text!r} is not an id of the form {prefix}_…"
        raise ValueError(msg)
    number = 0
    for char in body.lower():
        value = _VALUES.get(char)
        if value is None:
            msg = f"{text!r} is not an id of the form {prefix}_…"
            raise ValueError(msg)
        number = number << 5 | value
    if number >> _UUID_BITS:
        msg = f"{text!r} is not an id of the form {prefix}_…"
        raise ValueError(msg)
    return UUID(int=number)
