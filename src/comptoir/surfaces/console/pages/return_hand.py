"""What somebody has in hand at the desk, as a form says it: units, why they come back, how they are, what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Fate, ItemCondition, Reason, Seen, Units
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.orders.contracts import Order
from comptoir.surfaces.console.forms import Fields


@dataclass(frozen=True, slots=True)
class Hand:
    units: tuple[Units, ...]
    seen: tuple[Seen, ...]


def in_hand(fields: Fields, order: Order) -> Hand:
    """The units that were chosen for each line, with what was said of them; what is wrong is noted at its field."""
    units: list[Units] = []
    seen: list[Seen] = []
    for line in order.lines:
        most = line.shipped - line.returned
        if line.sku is None or most <= 0:
            continue
        quantity = fields.whole(f"units-{line.line_no}", least=0, most=most, default=0)
        if not quantity:
            continue
        reason = fields.choice(f"reason-{line.line_no}", Reason, Reason.CHANGED_MIND)
        units.append(Units(line.line_no, quantity, reason))
        seen.append(_seen(fields, order, line.line_no, quantity))
    return Hand(tuple(units), tuple(seen))


def _seen(fields: Fields, order: Order, no: int, quantity: int) -> Seen:
    condition = fields.choice(f"condition-{no}", ItemCondition, ItemCondition.NEW)
    fate = fields.choice(f"fate-{no}", Fate, changes.FATES[condition])
    to = fields.optional_id(f"to-{no}", LOCATION_PREFIX)
    if fate is Fate.SEND_ON and to is None:
        fields.refuse(f"to-{no}", N_("Say where it goes."))
    deduct = fields.money(f"deduct-{no}", order.currency, least=0) if fields.raw(f"deduct-{no}") else 0
    other = fields.text(f"other-{no}", most=64)
    return Seen(no, quantity, condition, fate, other or None, deduct, None if to is None else LocationId(to))
