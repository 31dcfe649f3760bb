"""Cartons: what goods are packed in, and what each measures, weighs and costs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from comptoir.i18n import N_
from comptoir.kernel.errors import Stale
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.packing import api as packing
from comptoir.modules.packing.api import MAX_COST, MAX_LENGTH, MAX_WEIGHT
from comptoir.modules.packing.contracts import CARTON_PREFIX, Carton, CartonDraft, CartonFilter, CartonId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page
from comptoir.surfaces.console.exporting import plain_amount
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists
from comptoir.surfaces.console.pages.amounts import affixes, amount, house_currency, plain_or_empty
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.pages.settings_tabs import tabs
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("settings")

_FIRST = {"max_weight": "30000", "active": "yes"}


def carton_text(carton_id: CartonId) -> str:
    return to_text(CARTON_PREFIX, carton_id)


def carton_href(carton_id: CartonId) -> str:
    return f"/cartons/{carton_text(carton_id)}"


# The list


@area.get("/cartons", Permission.ROUTING_READ)
async def carton_list(visit: Visit) -> Answer:
    sort = visit.sort(("code", "name"), "code")
    place = visit.optional_id("location", LOCATION_PREFIX)
    wanted = CartonFilter(
        search=visit.param("q"),
        location_id=None if place is None else LocationId(place),
        active={"yes": True, "no": False}.get(visit.param("active")),
    )
    if visit.wants_csv:
        return visit.csv("cartons", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await packing.find(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        currency = await house_currency(reader)
        places = await lists.sites(reader)
    return visit.respond(
        "cartons/list.html",
        "cartons/_results.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        currency=currency,
        places=places,
        chips=lists.chips(
            visit,
            [
                (N_("Location"), "location", dict(places.options)),
                (N_("Active"), "active", {"yes": visit.say(N_("yes")), "no": visit.say(N_("no"))}),
            ],
        ),
        tabs=tabs(visit, "cartons"),
        href=carton_href,
        is_empty=not page.items and not visit.page.query,
    )


_COLUMNS = (
    N_("Code"), N_("Name"), N_("Location"), N_("Length, mm"), N_("Width, mm"), N_("Height, mm"), N_("Empty weight, g"),
    N_("Holds up to, g"), N_("Cost"), N_("Active"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: CartonFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        currency, places = await house_currency(reader), await lists.sites(reader)

        async def page_of(cursor: str | None) -> Page[Carton]:
            return await packing.find(reader, wanted, sort=sort, limit=200, cursor=cursor)

        yes, no, locale = visit.say(N_("yes")), visit.say(N_("no")), visit.page.locale
        async for one in lists.every(page_of):
            yield (
                one.code, one.name, places[one.location_id] if one.location_id else "", one.length, one.width, one.height,
                one.weight, one.max_weight, plain_amount(one.cost, currency, locale), yes if one.active else no,
            )  # fmt: skip


# One carton, as a form


def _id(visit: Visit) -> CartonId:
    return CartonId(visit.path_id("carton_id", CARTON_PREFIX))


@area.get("/cartons/new", Permission.ROUTING_WRITE)
async def new_carton(visit: Visit) -> Answer:
    return await _form(visit, None, asking.NOTHING_TYPED)


@area.get("/cartons/{carton_id:str}", Permission.ROUTING_WRITE)
async def edit_carton(visit: Visit) -> Answer:
    async with visit.read() as reader:
        one = await packing.get(reader, _id(visit))
    return await _form(visit, one, asking.NOTHING_TYPED)


async def _form(visit: Visit, one: Carton | None, typed: Typed) -> Answer:
    async with visit.read() as reader:
        currency = await house_currency(reader)
        places = await lists.sites(reader)
    question = Question(
        title=visit.say(N_("New carton")) if one is None else one.name,
        fields="cartons/_fields.html",
        action="/cartons/new" if one is None else carton_href(one.id),
        back="/cartons",
        confirm=visit.say(N_("Create")) if one is None else visit.say(N_("Save")),
        icon="plus" if one is None else "device-floppy",
        crumbs=[(visit.say(N_("Settings")), "/settings"), (visit.say(N_("Cartons")), "/cartons")],
    )
    proposed: dict[str, object] = dict(_FIRST) if one is None else _values(one, currency, visit.page.locale)
    if typed.refused:  # a box that is not ticked is not sent
        proposed.pop("active", None)
    return asking.ask(
        visit, question, typed, proposed, coin=affixes(currency, visit.page.locale), places=places.active, at_least=1
    )


def _values(one: Carton, currency: Currency, locale: str) -> dict[str, object]:
    names = ("code", "name", "length", "width", "height", "weight", "max_weight", "version")
    values: dict[str, object] = {name: getattr(one, name) for name in names}
    return values | {
        "location": Sites.text(one.location_id) if one.location_id else "",
        "cost": plain_or_empty(one.cost, currency, locale),
        "active": "yes" if one.active else "",
    }


def _draft(fields: Fields, currency: Currency) -> CartonDraft:
    place = fields.optional_id("location", LOCATION_PREFIX)
    return CartonDraft(
        code=fields.text("code", required=True, most=64),
        name=fields.text("name"),
        location_id=None if place is None else LocationId(place),
        length=fields.whole("length", least=1, most=MAX_LENGTH),
        width=fields.whole("width", least=1, most=MAX_LENGTH),
        height=fields.whole("height", least=1, most=MAX_LENGTH),
        weight=fields.whole("weight", most=MAX_WEIGHT, default=0),
        max_weight=fields.whole("max_weight", least=1, most=MAX_WEIGHT),
        cost=amount(fields, "cost", currency, most=MAX_COST),
        active=fields.checked("active"),
    )


@area.post("/cartons/new", Permission.ROUTING_WRITE)
async def create_carton(visit: Visit) -> Answer:
    return await _save(visit, None)


@area.post("/cartons/{carton_id:str}", Permission.ROUTING_WRITE)
async def save_carton(visit: Visit) -> Answer:
    async with visit.read() as reader:
        one = await packing.get(reader, _id(visit))
    return await _save(visit, one)


async def _save(visit: Visit, one: Carton | None) -> Answer:
    fields = visit.fields()
    async with visit.read() as reader:
        currency = await house_currency(reader)
    draft, version = _draft(fields, currency), fields.whole("version", default=0)

    async def work(tx: Tx) -> Done:
        if one is None:
            kept = await packing.create(tx, draft)
        else:
            kept = await packing.update(tx, one.id, draft, version=version)
        action = "carton.created" if one is None else "carton.changed"
        await visit.record(tx, action, carton_text(kept.id), {"code": kept.code, "name": kept.name, "version": kept.version})
        return Done("/cartons", visit.say(N_("%(name)s is saved. It is proposed from now on where it fits."), name=kept.name))

    async def show(typed: Typed) -> Answer:
        if one is None or not isinstance(typed.refusal, Stale):
            return await _form(visit, one, typed)
        async with visit.read() as reader:
            now = await _now(reader, one)
        values = dict(typed.values) | {"version": str(now.version)}
        return await _form(visit, now, Typed(values, typed.errors, typed.refused, typed.refusal))

    return await asking.answer(visit, fields, work, show)


async def _now(reader: Reader, one: Carton) -> Carton:
    return await packing.get(reader, one.id)
