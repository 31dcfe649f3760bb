"""Changes that give something back: a cancellation, a claim, a lower price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from comptoir.i18n import N_
from comptoir.kernel.money import Money, round_half_even
from comptoir.modules.changes.contracts import AddCharge, AddItem, Allow, AnyAction, CancelUnits, ChangeDraft, ChangeKind
from comptoir.modules.orders.contracts import OrderLine, ShipmentId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Kind as ParcelKind
from comptoir.sdk.orders import LineKind
from comptoir.surfaces.console.pages import amounts
from comptoir.surfaces.console.pages.change_forms import Case, Kind, Row, Values, chosen_units, reasons, with_buyer
from comptoir.surfaces.console.pages.change_words import line_name

# Cancel


class Extent(StrEnum):
    PART = "part"
    WHOLE = "whole"


CANCEL_REASONS = ("customer", "stock", "payment", "fraud", "error")


def open_rows(case: Case) -> list[Row]:
    """What has not left, charges too."""
    return [
        Row(line.line_no, line.sku or "", line_name(case.visit, line), 0, line.open, 0)
        for line in case.order.lines
        if line.open > 0
    ]


async def show_cancel(case: Case) -> Values:
    rows = open_rows(case)
    say = case.visit.say
    return {
        "rows": rows,
        "nothing_here": not rows,
        "extents": [
            (Extent.WHOLE.value, say(N_("Everything that has not left")), _whole_words(case)),
            (Extent.PART.value, say(N_("Only some units")), say(N_("Type below how many of each."))),
        ],
        "reasons": reasons(case.visit, CANCEL_REASONS),
    }


def _whole_words(case: Case) -> str:
    if case.order.shipped:
        return case.visit.say(N_("What has left stays; charges such as shipping stay as well."))
    return case.visit.say(N_("The whole order, with its charges."))


async def read_cancel(case: Case) -> ChangeDraft:
    fields, rows = case.fields, open_rows(case)
    extent = fields.choice("extent", Extent)
    if extent is Extent.WHOLE:
        chosen = {row.line_no: row.most for row in rows if row.sku or not case.order.shipped}
    else:
        chosen = dict(chosen_units(case, rows))
    reason = fields.one_of("reason", CANCEL_REASONS)
    actions: list[AnyAction] = [CancelUnits(line_no=line_no, quantity=units) for line_no, units in chosen.items()]
    if fields.raw("fee"):
        fee = fields.money("fee", case.order.currency)
        actions.append(AddCharge(kind=LineKind.FEE, name="Cancellation fee", amount=fee))
    return case.draft(ChangeKind.CANCEL, actions, reason)


CANCEL = Kind(
    ChangeKind.CANCEL,
    N_("In part or whole, until it is handed over. What is promised can be sold again; what is picked is recalled."),
    "changes/_cancel.html",
    show_cancel,
    read_cancel,
)


# Claim


class Remedy(StrEnum):
    REFUND = "refund"
    PART = "part"
    AGAIN = "again"


CLAIM_REASONS = ("damaged", "lost", "wrong", "defective", "late", "other")


async def show_claim(case: Case) -> Values:
    say = case.visit.say
    rows = with_buyer(case)
    return {
        "rows": rows,
        "nothing_here": not rows,
        "parcels": await _parcels(case),
        "reasons": reasons(case.visit, CLAIM_REASONS),
        "remedies": [
            (Remedy.REFUND.value, say(N_("Refund all of it")), say(N_("What these units cost is refunded."))),
            (Remedy.PART.value, say(N_("Refund a part of it")), say(N_("The amount below, over these units."))),
            (Remedy.AGAIN.value, say(N_("Send it again")), say(N_("The same once more, for nothing, promised at once."))),
        ],
    }


async def _parcels(case: Case) -> list[tuple[str, str]]:
    """The parcels that it may be about, where there are several."""
    found = [one.parcel for one in await tracking.of_order(case.reader, case.order.id) if one.parcel.kind is ParcelKind.PARCEL]
    names = [(str(one.shipment_id), f"{one.carrier} {one.tracking_number}".strip() or str(n)) for n, one in enumerate(found, 1)]
    return names if len(names) > 1 else []


async def read_claim(case: Case) -> ChangeDraft:
    fields, rows = case.fields, with_buyer(case)
    remedy = fields.choice("remedy", Remedy)
    chosen = dict(chosen_units(case, rows))
    reason = fields.one_of("reason", CLAIM_REASONS)
    amount = fields.money("amount", case.order.currency) if remedy is Remedy.PART else 0
    lines = {line.line_no: line for line in case.order.lines}
    if remedy is Remedy.AGAIN:
        actions: list[AnyAction] = [
            AddItem(sku=lines[line_no].sku or "", quantity=units, unit_price=0) for line_no, units in chosen.items()
        ]
    else:
        actions = _given(case, [(lines[line_no], units) for line_no, units in chosen.items()], amount or None)
    known = [text for text, _ in await _parcels(case)]
    parcel = fields.one_of("parcel", ["", *known], "") if known else ""
    draft = case.draft(ChangeKind.CLAIM, actions, reason)
    return replace(draft, shipment_id=ShipmentId(UUID(parcel))) if parcel else draft


def _given(case: Case, units: Sequence[tuple[OrderLine, int]], amount: int | None) -> list[AnyAction]:
    """What is given back for units that the buyer keeps: all that they are worth, or an amount over them by their worth."""
    worths = [max(0, case.worth(line, n)) for line, n in units]
    if amount is not None and amount > sum(worths):
        case.fields.refuse("amount", N_("That is more than these units are worth."))
    elif not sum(worths) and units:
        case.fields.refuse("lines", N_("These units are worth nothing any more: all of their price was given back."))
    if case.fields.errors or not sum(worths):
        return []
    parts = worths if amount is None else [part.minor for part in Money(amount, case.order.currency).split(worths)]
    return [Allow(line_no=line.line_no, units=n, amount=part) for (line, n), part in zip(units, parts, strict=True) if part > 0]


CLAIM = Kind(
    ChangeKind.CLAIM,
    N_("Damaged, lost or wrong, and nothing has to come back. What is to come back is a return."),
    "changes/_claim.html",
    show_claim,
    read_claim,
)


# The price


class How(StrEnum):
    AMOUNT = "amount"
    PERCENT = "percent"


PRICE_REASONS = ("price", "late", "damaged", "goodwill", "error", "other")
_ORDER = "order"


def priced_rows(case: Case) -> list[Row]:
    """The lines of which something is left to pay for."""
    return [
        Row(line.line_no, line.sku or "", line_name(case.visit, line), 0, 0, 0, left)
        for line in case.order.lines
        if (left := case.left(line)) > 0
    ]


async def show_price(case: Case) -> Values:
    say = case.visit.say
    rows = priced_rows(case)
    return {
        "rows": rows,
        "nothing_here": not rows,
        "hows": [(How.AMOUNT.value, case.order.currency), (How.PERCENT.value, "%")],
        "of_order": say(N_("The whole order")),
        "reasons": reasons(case.visit, PRICE_REASONS),
    }


async def read_price(case: Case) -> ChangeDraft:
    fields = case.fields
    lefts = {str(row.line_no): row.worth for row in priced_rows(case)}
    line = fields.one_of("line", (_ORDER, *lefts), _ORDER)
    left = sum(lefts.values()) if line == _ORDER else lefts.get(line, 0)
    how = fields.choice("how", How, How.AMOUNT)
    if how is How.PERCENT:
        percent = amounts.decimal(fields, "number", least=0.01, most=100)
        amount = round_half_even(left * Decimal(str(percent)) / 100)
        if not amount and not fields.errors:
            fields.refuse("number", N_("That comes to nothing."))
    else:
        amount = fields.money("number", case.order.currency)
        if amount > left:
            fields.refuse("number", N_("That is more than is left to pay for it."))
    reason = fields.one_of("reason", PRICE_REASONS)
    action = Allow(amount=max(1, amount), line_no=None if line == _ORDER else int(line))
    return case.draft(ChangeKind.ADJUSTMENT, [action], reason)


PRICE = Kind(
    ChangeKind.ADJUSTMENT,
    N_("So much off the price of the order or of one line. What was paid too much by then is owed to the buyer."),
    "changes/_price.html",
    show_price,
    read_price,
)
