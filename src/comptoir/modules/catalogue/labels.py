"""What a label says that more is written on than a number: GS1 element strings, with the weight of what is in the bag."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

import biip
from biip import ParseError

from comptoir.modules.catalogue.domain import gtin

_LONGEST = 200
_MEASURES = ("310", "311", "315", "316")
"""Application identifiers of net weight in kilograms, length in metres, and volumes in litres and cubic metres."""


class Label(NamedTuple):
    """A code as it was read: `gtin` in its shortest form, empty where there is none; `thousandths` is how much is in it.

    `lot` and the day on which it expires (or is best before) are there where the label says them.
    """

    gtin: str
    thousandths: int | None = None
    lot: str = ""
    expires_on: date | None = None


def read_label(code: str) -> Label:
    """Of a plain number, the number; of an element string (GS1-128, DataBar, DataMatrix), its number and its measure. What is
    neither has no number.
    """
    clean = code.strip()[:_LONGEST]
    try:
        return Label(gtin(clean))
    except ValueError:
        pass
    try:
        message = biip.parse(clean).gs1_message
    except ParseError:
        return Label("")
    number = None if message is None else message.element_strings.get(ai="01") or message.element_strings.get(ai="02")
    if message is None or number is None:
        return Label("")
    measures = [message.element_strings.get(ai=ai) for ai in _MEASURES]
    amount = next((one.decimal for one in measures if one is not None and one.decimal is not None), None)
    thousandths = None if amount is None else int((amount * 1000).to_integral_value()) if amount > Decimal(0) else None
    lot = message.element_strings.get(ai="10")
    day = message.element_strings.get(ai="17") or message.element_strings.get(ai="15")
    try:
        return Label(gtin(number.value), thousandths, lot.value if lot else "", day.date if day else None)
    except ValueError:
        return Label("")
