"""Changing an order before anybody picks it: other units, more products, another address, service or place of collection."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.kernel.ids import from_text, to_text
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.changes.contracts import (
    AddCharge,
    AddItem,
    AnyAction,
    CancelUnits,
    ChangeAddress,
    ChangeDraft,
    ChangeKind,
    ChangePickup,
    ChangeService,
)
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationFilter, LocationId
from comptoir.modules.orders.contracts import Order
from comptoir.sdk.countries import country_code
from comptoir.sdk.orders import Address, LineKind
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages.change_forms import Case, Kind, Row, Values
from comptoir.surfaces.console.pages.change_offers import Offer, found, offers_of, variants_of
from comptoir.surfaces.console.pages.change_words import line_name

ADDRESS = ("name", "company", "line1", "line2", "postcode", "city", "region", "country", "phone")
CHARGES = {
    LineKind.SHIPPING: "Shipping",
    LineKind.FEE: "Fee",
    LineKind.GIFT_WRAP: "Gift wrap",
}
"""What may be charged on top, and what the line is called."""
_KEEP, _ADD, _DROP, _VARIANTS = "keep-", "add:", "drop:", "variants:"
MAX_ROWS = 50


def kept_rows(case: Case) -> list[Row]:
    """What of each line has not left: so many stay as were there."""
    return [
        Row(
            line.line_no,
            line.sku or "",
            line_name(case.visit, line),
            line.shipped,
            MAX_QUANTITY if line.sku is not None else line.quantity - line.cancelled,
            line.quantity - line.cancelled,
        )
        for line in case.order.lines
        if line.open > 0
    ]


def added(fields: Fields) -> list[tuple[str, str]]:
    """The rows of products on top as they were typed, with what the pressed button does to them."""
    step = fields.raw("step")
    rows = list(zip(fields.all("sku"), fields.all("quantity"), strict=False))[:MAX_ROWS]
    if step.startswith(_ADD):
        rows.append((step.removeprefix(_ADD), "1"))
    if step.startswith(_DROP) and step.removeprefix(_DROP).isascii() and step.removeprefix(_DROP).isdigit():
        gone = int(step.removeprefix(_DROP))
        rows = [row for n, row in enumerate(rows) if n != gone]
    return [(sku, quantity) for sku, quantity in rows if sku]


async def show_edit(case: Case) -> Values:
    order, fields = case.order, case.fields
    step = fields.raw("step")
    rows = added(fields)
    offers = await offers_of(case.reader, order, [sku for sku, _ in rows])
    looked_for: list[Offer] = []
    if step == "find":
        looked_for = await found(case.reader, order, fields.raw("find"))
    elif step.startswith(_VARIANTS):
        looked_for = await variants_of(case.reader, order, step.removeprefix(_VARIANTS))
    kept = kept_rows(case)
    return {
        "kept": kept,
        "in_sizes": await catalogue.with_siblings(case.reader, sorted({row.sku for row in kept if row.sku})),
        "rows": [
            Offer(sku, one.name if one else sku, one.price if one else None, one.available if one else 0,
                  one.per if one else 1, quantity, fields.errors.get(f"added-{n}", ""))
            for n, (sku, quantity) in enumerate(rows)
            for one in [offers.get(sku)]
        ],
        "offers": looked_for,
        "looked": step == "find" or step.startswith(_VARIANTS),
        "ways": await _ways(case),
        "way": way_of(order),
        "address": {name: str((order.ship_to or {}).get(name) or "") for name in ADDRESS},
        "charges": [(kind.value, case.visit.say(_CHARGE_WORDS[kind])) for kind in CHARGES],
    }  # fmt: skip


_CHARGE_WORDS: Mapping[LineKind, str] = {
    LineKind.SHIPPING: N_("Shipping"),
    LineKind.FEE: N_("Fee"),
    LineKind.GIFT_WRAP: N_("Gift wrap"),
}


async def _ways(case: Case) -> list[tuple[str, str]]:
    stores = (await locations.find(case.reader, LocationFilter(active=True, pickup=True), sort="name", limit=200)).items
    say = case.visit.say
    return [
        (Service.STANDARD.value, say(N_("Sent as standard"))),
        (Service.EXPRESS.value, say(N_("Sent by express"))),
        *((to_text(LOCATION_PREFIX, one.id), say(N_("Collected at %(place)s"), place=one.name or one.code)) for one in stores),
    ]


def way_of(order: Order) -> str:
    if order.pickup_location_id is not None:
        return to_text(LOCATION_PREFIX, order.pickup_location_id)
    service = Service(order.service)
    return (Service.STANDARD if service is Service.PICKUP else service).value


async def read_edit(case: Case) -> ChangeDraft:
    actions = [*_units(case), *_products(case.fields), *await _delivery(case), *_charge(case)]
    reason = case.fields.text("reason")
    if not actions and not case.fields.errors:
        case.fields.refuse("lines", N_("Nothing is different yet: change units, add a product, or change the delivery."))
    return case.draft(ChangeKind.EDIT, actions, reason)


def _units(case: Case) -> list[AnyAction]:
    """Fewer units are cancelled; more of them are bought at the price of today."""
    actions: list[AnyAction] = []
    for row in kept_rows(case):
        units = case.fields.whole(f"{_KEEP}{row.line_no}", least=row.least, most=row.most, default=row.value)
        if units < row.value:
            actions.append(CancelUnits(line_no=row.line_no, quantity=row.value - units))
        elif units > row.value and row.sku:
            actions.append(AddItem(sku=row.sku, quantity=units - row.value))
    return actions


def _products(fields: Fields) -> list[AnyAction]:
    actions: list[AnyAction] = []
    for n, (sku, quantity) in enumerate(added(fields)):
        row = Fields({f"added-{n}": [quantity]}, fields.locale)
        units = row.whole(f"added-{n}", least=0, most=MAX_QUANTITY, default=0)
        fields.errors.update(row.errors)
        if units:
            actions.append(AddItem(sku=sku, quantity=units))
    return actions


async def _delivery(case: Case) -> list[AnyAction]:
    """The address first: what is sent instead of collected needs one."""
    fields, order = case.fields, case.order
    actions: list[AnyAction] = []
    way = fields.text("way") or way_of(order)
    sent = way in {Service.STANDARD.value, Service.EXPRESS.value}
    was = {name: str((order.ship_to or {}).get(name) or "") for name in ADDRESS}
    typed = {name: fields.text(f"to_{name}") for name in ADDRESS}
    if sent and typed != was and any(typed.values()):
        actions.append(ChangeAddress(address=await _address(case, typed)))
    elif sent and order.pickup_location_id is not None and not was["country"]:
        fields.refuse("to_line1", N_("Fill this in: there is no address to send it to."))
    if way == way_of(order):
        return actions
    if sent:
        return [*actions, ChangeService(service=Service(way))]
    try:
        return [*actions, ChangePickup(location_id=LocationId(from_text(LOCATION_PREFIX, way)))]
    except ValueError:
        fields.refuse("way", N_("Choose one."))
        return actions


async def _address(case: Case, typed: Mapping[str, str]) -> Address:
    """With where it is on the map, as far as the postcode tells."""
    fields = case.fields
    for name in ("line1", "city", "country"):
        if not typed[name]:
            fields.refuse(f"to_{name}", N_("Fill this in."))
    code = country_code(typed["country"]) if typed["country"] else ""
    if typed["country"] and not code:
        fields.refuse("to_country", N_("This is no country that we know."))
    spot = await locations.place_of(case.reader, code, typed["postcode"]) if code and typed["postcode"] else None
    return Address(
        **{name: typed[name] for name in ADDRESS if name != "country"},
        country=code,
        latitude=None if spot is None else spot[0],
        longitude=None if spot is None else spot[1],
    )


def _charge(case: Case) -> list[AnyAction]:
    fields = case.fields
    if not fields.raw("charge"):
        return []
    amount = fields.money("charge", case.order.currency)
    kind = fields.choice("charge_kind", LineKind, LineKind.SHIPPING)
    if kind not in CHARGES:
        fields.refuse("charge_kind", N_("Choose one."))
        return []
    return [AddCharge(kind=kind, name=CHARGES[kind], amount=amount)]


EDIT = Kind(
    ChangeKind.EDIT,
    N_("Before anybody picks it. What is picked already is recalled by a cancellation."),
    "changes/_edit.html",
    show_edit,
    read_edit,
)
