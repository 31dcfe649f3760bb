"""Lots on paper: which to take, what expires first first, and which are in the parcel."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pypdfium2
import pytest

from comptoir.surfaces.documents.contracts import ItemLot, PackingSlip, Paper, PickList
from comptoir.surfaces.documents.rendering import Printer
from support import paper

SOON, LATER = date(2026, 4, 3), date(2026, 5, 7)


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return " ".join(page.get_textpage().get_text_bounded() for page in document).replace("\r\n", "\n")


def picked(kind: Paper) -> PickList:
    """Two orders want of the same bin: lots are told once for the stop."""
    found = paper.pick_list(paper=kind)
    lots = {"10415": (ItemLot("A1", 2, SOON),), "10419": (ItemLot("A1", 1, SOON), ItemLot("B7", 1, LATER), ItemLot("C"))}
    lines = [replace(line, lots=lots.get(line.order_number, ()) if line.sku == "ABJ-LIN-35" else ()) for line in found.lines]
    return replace(found, lines=tuple(lines))


@pytest.mark.parametrize("kind", Paper)
def test_a_pick_list_says_which_lots_to_take(printer: Printer, kind: Paper) -> None:
    told = text_of(printer.printed([(picked(kind), "en_GB")]).pdf).replace("\n", " ")
    assert "Lot A1 · until 3 April 2026 × 3" in told
    assert told.index("Lot A1") < told.index("Lot B7 · until 7 May 2026 × 1") < told.index("Lot C")
    assert told.count("Lot A1") == 1


def test_a_packing_slip_says_which_lots_are_in_it(printer: Printer) -> None:
    slip = paper.packing_slip()
    assert isinstance(slip, PackingSlip)
    first, *rest = slip.lines
    slip = replace(slip, lines=(replace(first, lots=(ItemLot("A1", first.quantity, SOON),)), *rest))
    assert "Lot A1 · jusqu’au 3 avril 2026" in text_of(printer.printed([(slip, "fr_FR")]).pdf).replace("\n", " ")
