"""Pictures that somebody sends, drawn anew: whatever else is in such a file (place, time, camera, more pictures, scripts) stays
outside.

The file is read by a library that knows only JPEG, PNG and WebP, after its size in pixels was looked at; what is kept is a JPEG
of our own making, and a small one of it.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from typing import Final

from comptoir.kernel.errors import Refusal
from comptoir.modules.changes.contracts import Drawn

MOST_BYTES: Final = 12 * 1024 * 1024
"""Of one file."""
AT_ONCE: Final = 6
"""Files in one form."""
FORM_BYTES: Final = 40 * 1024 * 1024
ACCEPT: Final = "image/jpeg,image/png,image/webp"
_DRAWING = asyncio.Semaphore(2)
"""How many are drawn at a time in this process: each needs up to a hundred megabytes."""


class NoPicture(Refusal):
    """The file is no picture that we can read: JPEG, PNG or WebP. `data["name"]`."""

    code = "no_picture"
    status = 422
    title = "This is no picture that we can read"


class PictureTooLarge(Refusal):
    """It has more bytes than `data["most"]`, or more pixels than anybody needs."""

    code = "picture_too_large"
    status = 413
    title = "The picture is too large"


async def drawn(files: Sequence[tuple[str, bytes]]) -> list[Drawn]:
    """These files, (name, content), drawn anew. Raises NoPicture and PictureTooLarge; then none is."""
    made: list[Drawn] = []
    drawing = importlib.import_module("comptoir.surfaces.return_drawing")
    for name, content in files:
        if len(content) > MOST_BYTES:
            raise PictureTooLarge(name=name[:100], most=MOST_BYTES)
        async with _DRAWING:
            made.append(await asyncio.to_thread(drawing.draw, name, content))
    return made
