"""Documents as PDF.

    pdf = await documents.render(PackingSlip(…), "fr_FR")
    pdf = await documents.render_many([(slip, "fr_FR"), (other, "en_GB")])

Call it outside of any transaction: it takes from a twentieth of a second to some seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from comptoir.surfaces.documents.contracts import (
    CustomsDeclaration,
    Document,
    Manifest,
    PackingSlip,
    ParcelLabel,
)
from comptoir.surfaces.documents.errors import DocumentTooLarge
from comptoir.surfaces.documents.press import Press

MAX_DOCUMENTS = 200
MAX_LINES = 2000
"""Of all the documents of one PDF together. All pages are there at once while it is made, each with three megabytes."""

_press = Press()


async def render(document: Document, locale: str) -> bytes:
    """The document as PDF. English stands in for languages that we have no words for.

    Raises DocumentTooLarge, DocumentsUnavailable, DocumentsBusy and DocumentNotPrinted.
    """
    return await render_many([(document, locale)])


async def render_many(sheets: Sequence[tuple[Document, str]]) -> bytes:
    """One PDF of several documents, each in the language beside it: the packing slips of a wave. There is at least one.

    Raises as `render` does.
    """
    if not sheets:
        raise ValueError("a PDF has at least one page")
    lines = sum(_lines(document) for document, _ in sheets)
    if len(sheets) > MAX_DOCUMENTS or lines > MAX_LINES:
        raise DocumentTooLarge(documents=len(sheets), lines=lines, most_documents=MAX_DOCUMENTS, most_lines=MAX_LINES)
    return await _press.printed(sheets)


async def close() -> None:
    """Ends the process that prints, if there is one. The next document starts another."""
    await asyncio.to_thread(_press.close)


def _lines(document: Document) -> int:
    match document:
        case Manifest():
            return len(document.parcels)
        case CustomsDeclaration():
            return len(document.items)
        case PackingSlip():
            return len(document.lines) + len(document.to_follow)
        case ParcelLabel():
            return 0
        case _:
            return len(document.lines)
