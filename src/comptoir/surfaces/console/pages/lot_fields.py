"""The lot and the last day of units, as a form asks for them: typed, or scanned as the label of the product."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from comptoir.i18n import N_
from comptoir.kernel.errors import Refusal
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.lots.contracts import MAX_CODE
from comptoir.modules.lots.errors import LotDiffers, LotNotSaid, LotRefused, LotsNotAsked, TooManyInLots
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.web import Visit
from comptoir.surfaces.returned_lots import Read

_LONGEST = 200
_LABELS = ("(", "]", "01", "02")
"""What a scanned label begins with."""


def read_of(fields: Fields, lot: str = "lot", day: str = "expires_on", *, also: str = "") -> Read:
    """What was typed in the fields of these names; where nothing was, what stands on the label `also` that was scanned."""
    text = fields.text(lot, most=_LONGEST)
    told = fields.parsed(day, date.fromisoformat, None, N_("Type a date.")) if fields.raw(day) else None
    label = catalogue.read_label(text) if text.startswith(_LABELS) and len(text) > MAX_CODE // 2 else None
    if label is not None and (label.lot or label.expires_on):
        return Read(label.lot, told or label.expires_on)
    if not text and told is None and also:
        label = catalogue.read_label(also)
        return Read(label.lot, label.expires_on)
    if len(text) > MAX_CODE:
        fields.text(lot, most=MAX_CODE)
    return Read(text, told)


def lot_refused(visit: Visit, fields: Fields, refusal: Refusal, keys: Mapping[str, str]) -> None:
    """What is said of the lot of a SKU stands at its field: `keys` by SKU."""
    key = keys.get(str(refusal.data.get("sku", "")))
    if key is not None and isinstance(refusal, LotRefused | LotNotSaid | LotDiffers | LotsNotAsked | TooManyInLots):
        fields.errors[key] = visit.refusal(refusal)
