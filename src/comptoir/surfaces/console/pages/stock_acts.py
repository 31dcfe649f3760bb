"""What people do to stock at one place: adjust, keep back, set aside, receive. Each decides on the figures that it showed."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Literal
from urllib.parse import urlencode

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Adjustment, AdjustReason, Level, Quantity, SafetyStock
from comptoir.modules.inventory.errors import QuantityTooLarge, StaleQuantity
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Named
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists, stock_words
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.lists import Goods, Sites
from comptoir.surfaces.console.pages.lot_fields import lot_refused, read_of
from comptoir.surfaces.console.pages.stock import sku_href
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("stock")

_WEIGHED = re.compile(r"[+-]?\d{1,9}([.,]\d{0,3})?")


@dataclass(frozen=True, slots=True)
class Place:
    """One SKU at one location, as the form was sent."""

    visit: Visit
    fields: Fields
    sku: str
    weighed: bool
    location_id: LocationId


Do = Callable[[Tx], Awaitable[str]]
"""Does it, and gives what to say afterwards."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is done to the stock of a SKU at a location."""

    title: str
    words: str
    confirm: str
    icon: str
    permission: Permission
    read: Callable[[Place], Do]
    tone: Literal["primary", "danger"] = "primary"


def units(
    fields: Fields, name: str, *, weighed: bool, least: int = 0, most: int = MAX_QUANTITY, default: int | None = None
) -> int:
    """A quantity as it is typed: whole units, or with three digits (thousandths) where the SKU is weighed."""
    if not weighed:
        return fields.whole(name, least=least, most=most, default=default)
    text = re.sub(r"[\s\u00a0\u202f]", "", fields.raw(name)).replace("\N{MINUS SIGN}", "-")
    if not text and default is not None:
        return default
    try:
        number = int(Decimal(text.replace(",", ".")).scaleb(3)) if _WEIGHED.fullmatch(text) else None
    except InvalidOperation:
        number = None
    if number is None:
        fields.refuse(name, N_("Type a quantity such as 1.250."))
        return least
    if not least <= number <= most:
        fields.refuse(name, N_("Type a number from %(least)s to %(most)s."), least=least / 1000, most=most / 1000)
        return least
    return number


def shown(visit: Visit, quantity: int, *, weighed: bool) -> str:
    return (formatting.weighed if weighed else formatting.number)(quantity, visit.page.locale)


class Mode(StrEnum):
    BY = "by"
    TO = "to"


def _adjust(place: Place) -> Do:
    fields = place.fields
    mode = fields.choice("mode", Mode, Mode.BY)
    least = -MAX_QUANTITY if mode is Mode.BY else 0
    quantity = units(fields, "quantity", weighed=place.weighed, least=least)
    if mode is Mode.BY and not quantity and "quantity" not in fields.errors:
        fields.refuse("quantity", N_("Nothing would change."))
    reason = fields.choice("reason", AdjustReason)
    note = fields.text("note", most=500)
    change = Adjustment(
        place.sku,
        delta=quantity if mode is Mode.BY else None,
        to=quantity if mode is Mode.TO else None,
        expected=_expected(fields),
    )

    async def do(tx: Tx) -> str:
        after = await inventory.adjust(tx, place.location_id, [change], reason, note)
        now = shown(place.visit, after[place.sku, place.location_id].on_hand, weighed=place.weighed)
        return place.visit.say(N_("Adjusted: %(now)s on hand now."), now=now)

    return do


def _expected(fields: Fields) -> int | None:
    text = fields.raw("expected")
    return int(text) if re.fullmatch(r"-?\d{1,10}", text) else None


def _safety(place: Place) -> Do:
    safety = units(place.fields, "safety", weighed=place.weighed)
    note = place.fields.text("note", most=500)
    wanted = SafetyStock(place.sku, safety, _expected(place.fields))

    async def do(tx: Tx) -> str:
        await inventory.set_safety(tx, place.location_id, [wanted], note)
        now = shown(place.visit, safety, weighed=place.weighed)
        return place.visit.say(N_("%(now)s units are kept back now."), now=now)

    return do


class Aside(StrEnum):
    """What becomes of units that are not in order."""

    DAMAGED = "damaged"
    QUALITY = "quality"
    REPAIRED = "repaired"
    WRITTEN_OFF = "written_off"
    PASSED = "passed"
    FAILED = "failed"


ASIDE_WORDS = {
    Aside.DAMAGED: N_("Good units are damaged"),
    Aside.QUALITY: N_("Good units have to be inspected"),
    Aside.PASSED: N_("Inspected: they are good"),
    Aside.FAILED: N_("Inspected: they are damaged"),
    Aside.REPAIRED: N_("Damaged units are good again"),
    Aside.WRITTEN_OFF: N_("Damaged units are thrown away"),
}


def _aside(place: Place) -> Do:
    move = place.fields.choice("move", Aside)
    quantity = [Quantity(place.sku, units(place.fields, "quantity", weighed=place.weighed, least=1))]
    note = place.fields.text("note", most=500)

    async def do(tx: Tx) -> str:
        match move:
            case Aside.DAMAGED:
                await inventory.mark_damaged(tx, place.location_id, quantity, note)
            case Aside.QUALITY:
                await inventory.hold_quality(tx, place.location_id, quantity, note)
            case Aside.REPAIRED:
                await inventory.repair_damaged(tx, place.location_id, quantity, note)
            case Aside.WRITTEN_OFF:
                await inventory.write_off_damaged(tx, place.location_id, quantity, note)
            case Aside.PASSED | Aside.FAILED:
                damaged = move is Aside.FAILED
                await inventory.release_quality(tx, place.location_id, quantity, note, damaged=damaged)
        return place.visit.say(N_("It is written down: %(what)s."), what=place.visit.say(ASIDE_WORDS[move]))

    return do


def _receive(place: Place) -> Do:
    quantity = units(place.fields, "quantity", weighed=place.weighed, least=1)
    reference = place.fields.text("reference", most=200)
    read = read_of(place.fields, also=place.fields.raw("sku"))

    async def do(tx: Tx) -> str:
        after = await inventory.receive(tx, place.location_id, [Quantity(place.sku, quantity)], reference=reference)
        if any(read):
            await lots.name(tx, place.location_id, [Named(place.sku, quantity, *read)])
        now = shown(place.visit, after[place.sku, place.location_id].on_hand, weighed=place.weighed)
        return place.visit.say(N_("Received: %(now)s on hand now."), now=now)

    return do


CHANGES: Mapping[str, Change] = {
    "adjust": Change(
        N_("Adjust the stock"), N_("For what has gone or turned up without a sale. A whole shelf is better counted."),
        N_("Adjust"), "adjustments-horizontal", Permission.STOCK_ADJUST, _adjust,
    ),
    "safety": Change(
        N_("Safety stock"), N_("These units are kept back from every channel. The till can still sell them."),
        N_("Keep back"), "shield-check", Permission.STOCK_ADJUST, _safety,
    ),
    "aside": Change(
        N_("Damaged or to be inspected"), N_("Units that are set aside stay on hand, but nobody can promise them."),
        N_("Write it down"), "alert-triangle", Permission.STOCK_ADJUST, _aside,
    ),
    "receive": Change(
        N_("Receive a delivery"), N_("For what came without being announced. What was announced is received under Incoming."),
        N_("Receive"), "package-import", Permission.STOCK_RECEIVE, _receive,
    ),
}  # fmt: skip


def _change(visit: Visit) -> Change:
    found = CHANGES.get(visit.path("change"))
    if found is None:
        raise NotFound(kind="page", id=visit.path("change"))
    visit.require(found.permission)
    return found


def _location(text: str) -> LocationId | None:
    try:
        return LocationId(from_text(LOCATION_PREFIX, text))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class At:
    """What the form is about, as far as it is known."""

    sku: str
    location_id: LocationId | None
    level: Level | None
    places: Sites
    names: Goods


async def _at(reader: Reader, sku: str, location_id: LocationId | None) -> At:
    level = None
    if sku and location_id is not None:
        level = (await inventory.levels_at(reader, [(sku, location_id)])).get((sku, location_id), Level())
    return At(sku, location_id, level, await lists.sites(reader), await lists.goods(reader, [sku] if sku else []))


@area.get("/stock-changes/{change:str}", Permission.STOCK_READ)
async def change_form(visit: Visit) -> Answer:
    change = _change(visit)
    return await _form(visit, change, visit.param("sku"), _location(visit.param("location")), asking.NOTHING_TYPED)


async def _form(visit: Visit, change: Change, sku: str, location_id: LocationId | None, typed: Typed) -> Answer:
    name = visit.path("change")
    async with visit.read() as reader:
        at = await _at(reader, sku, location_id)
        asks = bool(await lots.terms(reader, [sku])) if sku and name == "receive" else False
    now = at.level
    expected = "" if now is None else str(now.safety if name == "safety" else now.on_hand)
    weighed = at.names.is_weighed(sku)
    kept = dict(typed.values) | {"expected": expected}
    values: dict[str, object] = {"sku": sku, "location": Sites.text(location_id) if location_id else "", "expected": expected}
    if name == "safety" and now is not None:
        values["safety"] = _plain(now.safety, weighed=weighed)
    question = Question(
        title=visit.say(change.title),
        fields=f"stock/changes/{name}.html",
        action=f"/stock-changes/{name}",
        back=sku_href(sku) if sku else "/stock",
        confirm=visit.say(change.confirm),
        icon=change.icon,
        tone=change.tone,
        words=visit.say(change.words),
        crumbs=[(visit.say(N_("Stock")), "/stock")],
    )
    return asking.ask(
        visit,
        question,
        replace(typed, values=kept) if typed.refused else typed,
        values,
        level=now,
        name=at.names[sku] if sku else "",
        weighed=weighed,
        asks_lots=asks,
        sites=at.places.own_active(visit),
        place=at.places[location_id] if location_id else "",
        reasons=lists.options_of(visit, stock_words.REASON_WORDS),
        moves=lists.options_of(visit, ASIDE_WORDS),
        modes=[
            (Mode.BY.value, visit.say(N_("Change by")), visit.say(N_("so many more, or fewer with a minus"))),
            (Mode.TO.value, visit.say(N_("Set to")), visit.say(N_("so many are there"))),
        ],
        fixed=bool(visit.param("sku") or typed.values.get("fixed")),
    )


def _plain(quantity: int, *, weighed: bool) -> str:
    return f"{quantity / 1000:.3f}" if weighed else str(quantity)


@area.post("/stock-changes/{change:str}", Permission.STOCK_READ)
async def make_change(visit: Visit) -> Answer:
    change, fields = _change(visit), visit.fields()
    said = fields.text("sku", required=True, most=80)
    async with visit.read() as reader:
        known = await lists.sku_of(reader, said) if said else None
        there = known or (said if said and await inventory.levels_of_sku(reader, said) else None)
        names = await lists.goods(reader, [there] if there else [])
    if said and there is None:
        fields.refuse("sku", N_("The catalogue does not know this SKU."))
    sku = there or said
    location_id = LocationId(fields.id("location", LOCATION_PREFIX))
    do = change.read(Place(visit, fields, sku, names.is_weighed(sku), location_id))

    async def work(tx: Tx) -> Done:
        words = await do(tx)
        values = {name: value for name, value in fields.values.items() if name not in {"expected", "fixed"} and value}
        await visit.record(tx, f"stock.{visit.path('change')}", sku, values)
        back = fields.raw("back")
        return Done(back if back.startswith("/stock") else sku_href(sku), words)

    try:
        fields.done()
        return await visit.act(work)
    except (StaleQuantity, QuantityTooLarge) as refusal:
        words = _what_is_there(visit, refusal, weighed=names.is_weighed(sku))
        return await _form(visit, change, sku, location_id, asking.typed_of(visit, fields, refusal, words))
    except NotFound:
        raise
    except Refusal as refusal:
        at = location_id if "location" not in fields.errors else None
        lot_refused(visit, fields, refusal, {sku: "lot"})
        return await _form(visit, change, sku, at, asking.typed_of(visit, fields, refusal))


def _what_is_there(visit: Visit, refusal: Refusal, *, weighed: bool) -> str:
    """The stock has moved since the form was opened, or there never was so much."""
    data = {name: shown(visit, int(str(data)), weighed=weighed) for name, data in refusal.data.items() if isinstance(data, int)}
    if isinstance(refusal, StaleQuantity):
        return visit.say(N_("It has changed since you opened this: there were %(expected)s, now there are %(found)s."), **data)
    return visit.say(N_("There are only %(open)s such units."), **data)


def change_href(change: str, sku: str = "", location_id: LocationId | None = None) -> str:
    query = {"sku": sku, "location": to_text(LOCATION_PREFIX, location_id) if location_id else ""}
    return f"/stock-changes/{change}?{urlencode({name: value for name, value in query.items() if value})}"
