"""Lists as CSV files that spreadsheets open as they are."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal

from comptoir.kernel.money import Currency, exponent
from comptoir.surfaces.console.rendering import Page

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would take for a formula."""


def plain_amount(minor: int, currency: Currency, locale: str) -> str:
    """An amount for a file or a field: `12.50`, in French `12,50`."""
    text = str(Decimal(minor).scaleb(-exponent(currency)))
    return text.replace(".", ",") if locale.startswith("fr") else text


async def written(page: Page, header: Sequence[str], rows: AsyncIterable[Sequence[object]]) -> AsyncIterator[bytes]:
    """The file, piece by piece.

    Excel in French wants semicolons, and everywhere takes what begins like a formula for one: a quote disarms it.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";" if page.language == "fr" else ",", lineterminator="\r\n")
    writer.writerow(header)
    yield b"\xef\xbb\xbf"
    async for row in rows:
        writer.writerow([_cell(value, page) for value in row])
        if buffer.tell() > 65536:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _cell(value: object, page: Page) -> object:
    match value:
        case None:
            return ""
        case datetime():
            return value.astimezone(page.zone).strftime("%Y-%m-%d %H:%M:%S")
        case str() if value.startswith(_FORMULA):
            return f"'{value}"
        case _:
            return value
