"""Exchanging what the buyer has for something else: another size as a rule. The new one is promised at once."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from comptoir.i18n import N_
from comptoir.kernel.ids import from_text, to_text
from comptoir.kernel.money import round_half_even
from comptoir.modules.changes.contracts import (
    AddItem,
    AnyAction,
    ChangeKind,
    Extra,
    Reason,
    ReturnDraft,
    TakeBack,
    Units,
)
from comptoir.modules.inventory.contracts import Disposition
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationFilter, LocationId
from comptoir.modules.orders.contracts import OrderLine
from comptoir.surfaces.console.pages.change_forms import Case, Kind, Row, Values, Wanted, reasons, with_buyer
from comptoir.surfaces.console.pages.change_offers import Offer, found, offers_of, variants_of

SENT = "sent"
EXCHANGE_REASONS = ("size", "mind", "wrong", "defective", "damaged", "other")
_AS_RETURN = {
    "size": Reason.TOO_SMALL,
    "mind": Reason.CHANGED_MIND,
    "wrong": Reason.WRONG_ITEM,
    "defective": Reason.DEFECTIVE,
    "damaged": Reason.DAMAGED,
    "other": Reason.OTHER,
}


class Price(StrEnum):
    SAME = "same"
    TODAY = "today"


def _chosen(case: Case, rows: list[Row]) -> Row | None:
    """The line that is exchanged: the one that was named, or the only one."""
    named = case.fields.raw("line")
    if not named and len(rows) == 1:
        return rows[0]
    return next((row for row in rows if str(row.line_no) == named), None)


async def show_exchange(case: Case) -> Values:
    rows, say = with_buyer(case), case.visit.say
    row = _chosen(case, rows)
    variants = await variants_of(case.reader, case.order, row.sku) if row is not None else []
    sku = case.fields.raw("sku")
    if case.fields.raw("step") == "find":
        variants = [*await found(case.reader, case.order, case.fields.raw("find")), *variants]
    elif sku and all(one.sku != sku for one in variants):
        variants = [*(await offers_of(case.reader, case.order, [sku])).values(), *variants]
    return {
        "rows": rows,
        "row": row,
        "nothing_here": row is None,
        "variants": _once(variants),
        "places": [(SENT, say(N_("With the buyer, who sends it back"))), *await _places(case)],
        "dispositions": [
            (Disposition.RESTOCK.value, say(N_("Back to stock"))),
            (Disposition.QUALITY.value, say(N_("To be inspected"))),
            (Disposition.DAMAGED.value, say(N_("Damaged"))),
        ],
        "prices": [
            (Price.SAME.value, say(N_("What the other one cost")), say(N_("An even exchange."))),
            (Price.TODAY.value, say(N_("Today's price")), say(N_("The difference is paid, or given back."))),
        ],
        "reasons": reasons(case.visit, EXCHANGE_REASONS),
    }


def _once(offers: list[Offer]) -> list[Offer]:
    return list({one.sku: one for one in offers}.values())


async def _places(case: Case) -> list[tuple[str, str]]:
    say, principal = case.visit.say, case.visit.principal
    return [
        (to_text(LOCATION_PREFIX, one.id), say(N_("Here, at %(place)s"), place=one.name or one.code))
        async for one in locations.stream(case.reader, LocationFilter(active=True), sort="name")
        if one.returns and principal.reaches(one.id)
    ]


async def read_exchange(case: Case) -> Wanted:
    fields, rows = case.fields, with_buyer(case)
    row = _chosen(case, rows)
    if row is None:
        fields.refuse("line", N_("Choose one."))
    units = fields.whole("units", least=1, most=row.most if row else 1)
    sku = fields.text("sku", required=True)
    place, reason = fields.text("place", required=True), fields.one_of("reason", EXCHANGE_REASONS)
    price = fields.choice("price", Price, Price.SAME)
    disposition = fields.choice("disposition", Disposition, Disposition.RESTOCK)
    offer = (await offers_of(case.reader, case.order, [sku])).get(sku)
    if sku and offer is None:
        fields.refuse("sku", N_("The catalogue does not know this SKU."))
    location_id: LocationId | None = None
    if place and place != SENT:
        try:
            location_id = LocationId(from_text(LOCATION_PREFIX, place))
        except ValueError:
            fields.refuse("place", N_("Choose one."))
    line = next(line for line in case.order.lines if row is None or line.line_no == row.line_no)
    each = _same_price(line, offer.per) if price is Price.SAME and offer is not None else None
    if location_id is None:
        note = fields.text("note", most=500, lines=True)
        back = (Units(line.line_no, units, _AS_RETURN[reason]),)
        return ReturnDraft(order_id=case.order.id, units=back, exchange=(Extra(sku, units, each),), note=note)
    actions: list[AnyAction] = [
        TakeBack(
            line_no=line.line_no, quantity=units, location_id=location_id, disposition=disposition, reason=_AS_RETURN[reason]
        ),
        AddItem(sku=sku, quantity=units, unit_price=each),
    ]
    return case.draft(ChangeKind.EXCHANGE, actions, reason)


def _same_price(line: OrderLine, per: int) -> int:
    """What one unit of the line cost after discounts, before any tax that comes on top: the new one costs as much."""
    return round_half_even(Decimal((line.amount - line.discount) * per) / line.quantity)


EXCHANGE = Kind(
    ChangeKind.EXCHANGE,
    N_("Something that the buyer has for something else. The new one is reserved at once."),
    "changes/_exchange.html",
    show_exchange,
    read_exchange,
)
