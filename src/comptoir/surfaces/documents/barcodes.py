"""Bars and squares as SVG, as wide as a scanner needs them.

The smallest element is a multiple of an eighth of a millimetre: that is one dot of a thermal printer, so that every bar comes
out as wide as it was meant, and a laser printer does not mind. What cannot be encoded, or would become too fine to be read, is
None, and the document shows its text alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby

import segno
from barcode.codex import Code128
from barcode.ean import EAN8, EAN13
from barcode.itf import ITF
from markupsafe import Markup
from segno.encoder import DataOverflowError
from stdnum import ean

DOT = 0.125
"""Millimetres: one dot at 203 dots per inch."""
_FINEST = 2
_COARSEST = 4
"""Dots that one module of bars has."""
_QUIET_QR = 4
_MAX_CODE128 = 80
"""Characters. Longer ones are wider than any paper here, and cost time to find that out."""


@dataclass(frozen=True, slots=True)
class Bars:
    """`modules` is a string of 0 and 1; `quiet` is how many modules stay white on either side."""

    modules: str
    quiet: int
    finest: int = _FINEST
    """Dots that a module has at least."""


def code128(text: str) -> Bars | None:
    """Any ASCII text, such as a tracking number. None when something in it is not ASCII."""
    if not 0 < len(text) <= _MAX_CODE128 or not text.isascii() or not text.isprintable():
        return None
    return Bars("".join(Code128(text).build()), 10)


def gtin(text: str) -> Bars | None:
    """EAN-8, EAN-13, UPC-A or ITF-14 by the number of digits. None for anything else, and where the check digit is wrong."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal() and ean.is_valid(digits)):
        return None
    match len(digits):
        case 8:
            return Bars("".join(EAN8(digits).build()), 7)
        case 12 | 13:
            return Bars("".join(EAN13(digits.zfill(13)).build()), 11)
        case _:
            # Wide bars are two and a half times the narrow ones: a narrow one has two modules.
            return Bars("".join(ITF(digits).build()), 20, finest=1)


def bars_svg(bars: Bars | None, title: str, *, width: float, height: float, flush: bool = False) -> Markup | None:
    """The bars in at most so many millimetres, with their quiet zones. None when they would be too fine for that.

    `flush` puts the last bar at the right edge; the quiet zone then lies in a margin, which has to be white.
    """
    if bars is None:
        return None
    modules = len(bars.modules) + 2 * bars.quiet
    dots = min(int(width / DOT / modules), _COARSEST * bars.finest // _FINEST)
    if dots < bars.finest:
        return None
    path = "".join(f"M{x} 0h{wide}v1h-{wide}z" for x, wide in _runs(bars.modules, bars.quiet))
    return Markup(
        '<svg class="bars" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {modules} 1" preserveAspectRatio="none"'
        ' style="width:{width:.3f}mm;height:{height}mm;{right}"><title>{title}</title>'
        '<path d="{path}" fill="#000"/></svg>'
    ).format(
        modules=modules,
        width=modules * dots * DOT,
        height=height,
        right=_right(bars.quiet * dots * DOT, flush),
        title=title,
        path=path,
    )


def qr_svg(text: str, title: str, *, size: float, flush: bool = False) -> Markup | None:
    """A QR code with its quiet zone in a square of so many millimetres; a seventh of it may be damaged.

    None for no text, and for more than fits. `flush` as in `bars_svg`.
    """
    found = qr_path(text)
    if found is None:
        return None
    side, path = found
    return Markup(
        '<svg class="qr" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" style="width:{size}mm;height:{size}mm;'
        '{right}"><title>{title}</title><path d="{path}" fill="#000"/></svg>'
    ).format(side=side, size=size, right=_right(size * _QUIET_QR / side, flush), title=title, path=path)


def qr_path(text: str) -> tuple[int, str] | None:
    """A QR code as the path of its dark squares, and how many squares wide it is with its quiet zone; None as `qr_svg`."""
    if not text:
        return None
    try:
        code = segno.make_qr(text, error="m")
    except DataOverflowError:
        return None
    rows = [[int(bool(cell)) for cell in row] for row in code.matrix]
    side = len(rows) + 2 * _QUIET_QR
    return side, "".join(
        f"M{x} {y}h{wide}v1h-{wide}z" for y, row in enumerate(rows, _QUIET_QR) for x, wide in _runs(row, _QUIET_QR)
    )


def qr_png(text: str, *, scale: int = 6) -> bytes | None:
    """A QR code as a picture, so many pixels to a square; None as `qr_svg`."""
    if not text:
        return None
    kept = BytesIO()
    try:
        segno.make_qr(text, error="m").save(kept, kind="png", scale=scale, border=_QUIET_QR)
    except DataOverflowError:
        return None
    return kept.getvalue()


def _right(quiet: float, flush: bool) -> str:
    return f"margin-right:-{quiet:.3f}mm" if flush else ""


def _runs(cells: Sequence[int] | str, start: int) -> list[tuple[int, int]]:
    """Where each unbroken dark stretch begins, and how long it is."""
    result: list[tuple[int, int]] = []
    for dark, group in groupby(cells, key=lambda cell: int(cell) == 1):
        wide = sum(1 for _ in group)
        if dark:
            result.append((start, wide))
        start += wide
    return result
