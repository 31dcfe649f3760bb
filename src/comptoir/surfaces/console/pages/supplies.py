"""What suppliers have announced: so much, at such a place, for such a day; and what has come of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Expectation, Quantity, Supply, SupplyFilter, SupplyId
from comptoir.modules.inventory.errors import UnknownSupply
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Named
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.lot_fields import read_of
from comptoir.surfaces.console.pages.stock import plain_quantity, sku_href, tabs
from comptoir.surfaces.console.pages.stock_acts import shown, units
from comptoir.surfaces.console.pages.stock_words import SUPPLY_PREFIX
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit
from comptoir.surfaces.returned_lots import NOTHING_READ

area = Area("stock")


def supply_text(supply_id: SupplyId) -> str:
    return to_text(SUPPLY_PREFIX, supply_id)


@area.get("/supplies", Permission.STOCK_READ)
async def supply_list(visit: Visit) -> Answer:
    sort = visit.sort(("expected", "at", "sku"), "expected")
    async with visit.read() as reader:
        wanted = await _wanted(visit, reader)
        if visit.wants_csv:
            return visit.csv("incoming", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
        page = await inventory.find_supplies(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        places = await lists.sites(reader)
        names = await lists.goods(reader, [one.sku for one in page.items])
    return visit.respond(
        "stock/supplies.html",
        "stock/_supplies.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        sites=places.own(visit),
        places=places,
        names=names,
        today=visit.page.now.astimezone(visit.page.zone).date(),
        chips=lists.chips(
            visit,
            [
                (N_("Location"), "location", dict(places.options)),
                (N_("State"), "state", {"all": visit.say(N_("Also what has come"))}),
            ],
        ),
        tabs=tabs(visit, "supplies"),
        href=sku_href,
        text_of=supply_text,
        is_empty=not page.items and not visit.page.query,
    )


async def _wanted(visit: Visit, reader: Reader) -> SupplyFilter:
    """A search is for a product, or for the beginning of a reference."""
    q = visit.param("q").strip() or visit.param("sku")
    found = await lists.skus_found(reader, q) if q else []
    return SupplyFilter(
        skus=tuple(found) or None,
        location_ids=visit.places() or None,
        open_only=visit.param("state") != "all",
        reference="" if found else q,
    )


_COLUMNS = (
    N_("SKU"), N_("Product"), N_("Location"), N_("Expected on"), N_("Announced"), N_("Received"), N_("Cancelled"),
    N_("Still to come"), N_("Reference"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: SupplyFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        places = await lists.sites(reader)

        async def page_of(cursor: str | None) -> Page[Supply]:
            return await inventory.find_supplies(reader, wanted, sort=sort, limit=200, cursor=cursor)

        async for some in lists.by_many(lists.every(page_of)):
            names = await lists.goods(reader, [one.sku for one in some])
            for one in some:
                weighed = names.is_weighed(one.sku)
                figures = (plain_quantity(weighed, n) for n in (one.quantity, one.received, one.cancelled, one.open))
                yield (one.sku, names[one.sku], places[one.location_id], one.expected_on, *figures, one.reference)


# Announce


def _day(fields: Fields, name: str) -> date:
    return fields.parsed(name, date.fromisoformat, date.min, N_("Type a day such as 2026-03-03."))


@area.get("/supplies/new", Permission.STOCK_RECEIVE)
async def new_supply(visit: Visit) -> Answer:
    return await _new(visit, asking.NOTHING_TYPED)


async def _new(visit: Visit, typed: Typed) -> Answer:
    async with visit.read() as reader:
        places = await lists.sites(reader)
    question = Question(
        title=visit.say(N_("Announce a delivery")),
        fields="stock/supply_new.html",
        action="/supplies/new",
        back="/supplies",
        confirm=visit.say(N_("Announce")),
        icon="calendar-event",
        words=visit.say(N_("From now on it counts as incoming: whoever waits for it sees the day.")),
        crumbs=[(visit.say(N_("Incoming")), "/supplies")],
    )
    values = {"sku": visit.param("sku"), "location": visit.param("location")}
    return asking.ask(visit, question, typed, values, sites=places.own_active(visit))


@area.post("/supplies/new", Permission.STOCK_RECEIVE)
async def announce(visit: Visit) -> Answer:
    fields = visit.fields()
    said = fields.text("sku", required=True, most=80)
    async with visit.read() as reader:
        sku = await lists.sku_of(reader, said) if said else None
        names = await lists.goods(reader, [sku] if sku else [])
    if said and sku is None:
        fields.refuse("sku", N_("The catalogue does not know this SKU."))
    location_id = LocationId(fields.id("location", LOCATION_PREFIX))
    quantity = units(fields, "quantity", weighed=names.is_weighed(sku or ""), least=1)
    expected_on = _day(fields, "expected_on")
    reference = fields.text("reference", most=200)

    async def work(tx: Tx) -> Done:
        wanted = Expectation(sku or said, location_id, quantity, expected_on)
        (made,) = await inventory.expect(tx, [wanted], reference=reference)
        await visit.record(tx, "supply.announced", supply_text(made.id), {"sku": made.sku, "units": quantity})
        return Done("/supplies", visit.say(N_("The delivery is announced.")))

    return await asking.answer(visit, fields, work, lambda typed: _new(visit, typed))


# Receive, put off, cancel

_STEPS = {
    "receive": (N_("Receive this delivery"), N_("What came on top is taken in as well."), N_("Receive"), "package-import"),
    "move": (N_("Another day"), N_("Whoever waits for it is told the new day."), N_("Put it off"), "calendar-event"),
    "cancel": (N_("It will not come?"), N_("What has not come no longer counts as incoming."), N_("Cancel the rest"), "ban"),
}  # fmt: skip


def _id(visit: Visit) -> SupplyId:
    return SupplyId(visit.path_id("supply_id", SUPPLY_PREFIX))


async def _supply(reader: Reader, supply_id: SupplyId) -> Supply:
    found = (await inventory.supplies(reader, [supply_id])).get(supply_id)
    if found is None:
        raise UnknownSupply(kind="supply", id=supply_id)
    return found


@area.get("/supplies/{supply_id:str}/{step:str}", Permission.STOCK_RECEIVE)
async def step_form(visit: Visit) -> Answer:
    return await _form(visit, asking.NOTHING_TYPED)


async def _form(visit: Visit, typed: Typed) -> Answer:
    name = visit.path("step")
    if name not in _STEPS:
        raise NotFound(kind="page", id=name)
    async with visit.read() as reader:
        supply = await _supply(reader, _id(visit))
        places = await lists.sites(reader)
        names = await lists.goods(reader, [supply.sku])
        asks = name == "receive" and bool(await lots.terms(reader, [supply.sku]))
    title, words, confirm, icon = _STEPS[name]
    weighed = names.is_weighed(supply.sku)
    question = Question(
        title=visit.say(title),
        fields=f"stock/supply_steps/{name}.html",
        action=f"/supplies/{supply_text(supply.id)}/{name}",
        back="/supplies",
        confirm=visit.say(confirm),
        icon=icon,
        tone="danger" if name == "cancel" else "primary",
        words=visit.say(words),
        crumbs=[(visit.say(N_("Incoming")), "/supplies")],
    )
    proposed = f"{supply.open / 1000:.3f}" if weighed else str(supply.open)
    values = {"quantity": proposed, "expected_on": supply.expected_on.isoformat(), "reference": supply.reference}
    place, product = places[supply.location_id], names[supply.sku]
    shown_there = {"supply": supply, "place": place, "name": product, "weighed": weighed, "asks_lots": asks}
    return asking.ask(visit, question, typed, values, **shown_there)


@area.post("/supplies/{supply_id:str}/{step:str}", Permission.STOCK_RECEIVE)
async def take_step(visit: Visit) -> Answer:
    name, fields, supply_id = visit.path("step"), visit.fields(), _id(visit)
    if name not in _STEPS:
        raise NotFound(kind="page", id=name)
    async with visit.read() as reader:
        supply = await _supply(reader, supply_id)
        weighed = (await lists.goods(reader, [supply.sku])).is_weighed(supply.sku)
    quantity = units(fields, "quantity", weighed=weighed, least=1) if name == "receive" else 0
    reference = fields.text("reference", most=200) if name == "receive" else ""
    expected_on = _day(fields, "expected_on") if name == "move" else supply.expected_on
    read = read_of(fields) if name == "receive" else NOTHING_READ

    async def work(tx: Tx) -> Done:
        match name:
            case "receive":
                await inventory.receive_supplies(tx, [(supply_id, Quantity(supply.sku, quantity))], reference=reference)
                if any(read):
                    await lots.name(tx, supply.location_id, [Named(supply.sku, quantity, *read)])
                words = visit.say(N_("%(units)s units are on hand now."), units=shown(visit, quantity, weighed=weighed))
            case "move":
                await inventory.move_supply(tx, supply_id, expected_on)
                words = visit.say(N_("The delivery is expected on another day."))
            case _:
                await inventory.cancel_supply(tx, supply_id)
                words = visit.say(N_("The rest of the delivery is cancelled."))
        data = {"sku": supply.sku, "units": quantity, "expected_on": expected_on.isoformat()}
        await visit.record(tx, f"supply.{name}", supply_text(supply_id), data)
        return Done("/supplies", words)

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, typed))
