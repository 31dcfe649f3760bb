"""Feeds: where a reader of a log has got to, as text that it sends back."""

from __future__ import annotations

import base64
import binascii
from struct import Struct, error
from typing import Annotated

from msgspec import Meta

from comptoir.kernel.checking import invalid
from comptoir.runtime.events import Position

FeedCursor = Annotated[str, Meta(max_length=64, pattern="^[A-Za-z0-9_-]{0,64}$", description="`next` of the answer before.")]

_POSITION = Struct("!QQ")
_MOST = 2**63 - 1


def feed_cursor(position: Position) -> str:
    return base64.urlsafe_b64encode(_POSITION.pack(position.tx, position.seq)).decode().rstrip("=")


def feed_position(text: str) -> Position:
    """Raises Invalid for what `feed_cursor` cannot have written."""
    try:
        tx, seq = _POSITION.unpack(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (error, binascii.Error, ValueError) as problem:
        raise invalid("after", "is not a `next` of this feed") from problem
    if max(tx, seq) > _MOST:
        raise invalid("after", "is not a `next` of this feed")
    return Position(tx, seq)
