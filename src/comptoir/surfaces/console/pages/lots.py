"""Lots: what lies where and until when, what is to come off the shelf, recalls, and who got a lot."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import MAX_CODE, Named, Picked, Shelf, ShelfFilter, Terms, Tracks
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.pages.stock import sku_href, tabs
from comptoir.surfaces.console.pages.stock_acts import units
from comptoir.surfaces.console.pages.transfers import transfer_href
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("stock")

_ROADS = 20
"""So many transfers are named that have a lot on the road."""

TRACKS_WORDS = {
    Tracks.LOT: N_("A lot, perhaps with a date"),
    Tracks.EXPIRY: N_("A date, perhaps with a lot"),
}


@dataclass(frozen=True, slots=True)
class LotRow:
    """So much of a lot at a location, and how it stands."""

    shelf: Shelf
    place: str
    word: str
    tone: str

    @property
    def query(self) -> str:
        return urlencode({"sku": self.shelf.sku, "lot": self.shelf.code, "location": Sites.text(self.shelf.location_id)})

    @property
    def lot_query(self) -> str:
        return urlencode({"sku": self.shelf.sku, "lot": self.shelf.code})


def lot_rows(visit: Visit, shelves: Sequence[Shelf], places: Sites) -> list[LotRow]:
    today = visit.page.now.astimezone(visit.page.zone).date()
    return [LotRow(one, places[one.location_id], *_standing(visit, one, today)) for one in shelves]


def _standing(visit: Visit, one: Shelf, today: date) -> tuple[str, str]:
    if one.blocked:
        return visit.say(N_("Recalled")), "bad"
    if one.expires_on is not None and one.expires_on < today:
        return visit.say(N_("Expired")), "bad"
    if one.held:
        return visit.say(N_("Expires too soon")), "warn"
    return visit.say(N_("May be sold")), "good"


@area.get("/lots", Permission.STOCK_READ)
async def lot_list(visit: Visit) -> Answer:
    sku, code, held = visit.param("sku").strip(), visit.param("q").strip(), visit.param("held") == "yes"
    at = _location(visit.param("location"))
    wanted = ShelfFilter(sku or None, code or None, None if at is None else (at,), held=held)
    async with visit.read() as reader:
        page = await lots.find(reader, wanted, limit=PAGE_SIZE, cursor=visit.cursor)
        names = await lists.goods(reader, {one.sku for one in page.items} | ({sku} if sku else set()))
        places = await lists.sites(reader)
        known = (await lots.terms(reader, [sku])).get(sku) if sku else None
    return visit.respond(
        "lots/list.html",
        "lots/_results.html",
        rows=lot_rows(visit, page.items, places),
        before=page.previous,
        after=page.next,
        names=names,
        sku=sku,
        known=known,
        known_word=visit.say(TRACKS_WORDS[known.tracks]) if known else "",
        held=held,
        href=sku_href,
        tabs=tabs(visit, "lots"),
        sku_query=urlencode({"sku": sku}),
        is_empty=not page.items and not code and not held and at is None,
    )


@area.get("/lots/orders", Permission.ORDERS_READ)
async def lot_orders(visit: Visit) -> Answer:
    """Who got a lot: what a recall begins with."""
    sku, code = visit.param("sku"), visit.param("lot")
    async with visit.read() as reader:
        one = await lots.lot(reader, sku, code)
        page = await lots.orders_of(reader, sku, code, limit=PAGE_SIZE, cursor=visit.cursor)
        shelves = (await lots.find(reader, ShelfFilter(sku=sku, code=code), limit=PAGE_SIZE)).items
        under_way = await lots.under_way(reader, sku, code)
        roads = [(one, await inventory.transfer(reader, one.transfer_id)) for one in under_way[:_ROADS]]
        numbers = await _numbers(reader, page.items)
        names = await lists.goods(reader, [sku])
        places = await lists.sites(reader)
    return visit.respond(
        "lots/orders.html",
        one=one,
        name=names[sku],
        names=names,
        weighed=names.is_weighed(sku),
        rows=[
            {
                "number": numbers.get(to_text(ORDER_PREFIX, row.order_id), ""),
                "href": f"/orders/{to_text(ORDER_PREFIX, row.order_id)}",
                "place": places[row.location_id],
                "quantity": row.quantity,
                "at": row.at,
            }
            for row in page.items
        ],
        shelves=lot_rows(visit, shelves, places),
        roads=[(transfer_href(one.id), one.number, lot.open, places[one.to_location_id]) for lot, one in roads],
        before=page.previous,
        after=page.next,
        query=urlencode({"sku": sku, "lot": code}),
        back="/lots?" + urlencode({"sku": sku}),
    )


async def _numbers(reader: Reader, rows: Sequence[Picked]) -> dict[str, str]:
    found = await orders.numbers(reader, sorted({row.order_id for row in rows}))
    return {to_text(ORDER_PREFIX, order_id): str(number) for order_id, number in found.items()}


@dataclass(frozen=True, slots=True)
class Act:
    """Something that is done about lots."""

    title: str
    words: str
    confirm: str
    permission: Permission
    danger: bool = False


ACTS: Mapping[str, Act] = {
    "terms": Act(
        N_("What it asks for in lots"), N_("What does not last so long where it arrives is promised to nobody."),
        N_("Save"), Permission.CATALOGUE_WRITE,
    ),
    "name": Act(
        N_("Say which lot units are"), N_("For units that are on hand, as a rule when they have just arrived."),
        N_("Write it down"), Permission.STOCK_RECEIVE,
    ),
    "adjust": Act(
        N_("Correct a lot"), N_("How many units of this lot are there. What is on hand in all stays."),
        N_("Correct"), Permission.STOCK_ADJUST,
    ),
    "off": Act(
        N_("Throw a lot away"), N_("These units come off the shelf and are not on hand any more."),
        N_("Throw away"), Permission.STOCK_ADJUST, danger=True,
    ),
    "block": Act(
        N_("Recall a lot"), N_("Nobody gets it any more, from any location. The page of the lot says who has got it."),
        N_("Recall"), Permission.STOCK_ADJUST, danger=True,
    ),
    "unblock": Act(
        N_("End the recall"), N_("The lot may be sold again."),
        N_("End the recall"), Permission.STOCK_ADJUST,
    ),
}  # fmt: skip


def _act(visit: Visit) -> Act:
    found = ACTS.get(visit.path("act"))
    if found is None:
        raise NotFound(kind="page", id=visit.path("act"))
    visit.require(found.permission)
    return found


@area.get("/lots/changes/{act:str}", Permission.STOCK_READ)
async def act_form(visit: Visit) -> Answer:
    return await _form(visit, _act(visit), visit.param("sku"), asking.NOTHING_TYPED)


async def _form(visit: Visit, act: Act, sku: str, typed: Typed) -> Answer:
    async with visit.read() as reader:
        names = await lists.goods(reader, [sku])
        places = await lists.sites(reader)
        known = (await lots.terms(reader, [sku])).get(sku)
    values: dict[str, object] = {name: visit.param(name) for name in ("sku", "lot", "location")}
    if known is not None:
        values |= {"tracks": known.tracks.value, "left": known.shelf_life_left, "transit": known.transit_days}
    question = Question(
        title=visit.say(act.title),
        fields="lots/_form.html",
        action=f"/lots/changes/{visit.path('act')}",
        back="/lots?" + urlencode({"sku": sku}),
        confirm=visit.say(act.confirm),
        words=visit.say(act.words),
        tone="danger" if act.danger else "primary",
        crumbs=[(visit.say(N_("Lots")), "/lots")],
    )
    location = _location(str(typed.values.get("location", values["location"])))
    return asking.ask(
        visit,
        question,
        typed,
        values,
        act=visit.path("act"),
        name=names[sku] if sku else "",
        sites=places.own_active(visit),
        place=places[location] if location is not None else "",
        kinds=[("", visit.say(N_("Nothing: it has no lots"))), *lists.options_of(visit, TRACKS_WORDS)],
    )


def _location(text: str) -> LocationId | None:
    try:
        return LocationId(from_text(LOCATION_PREFIX, text))
    except ValueError:
        return None


@area.post("/lots/changes/{act:str}", Permission.STOCK_READ)
async def do_act(visit: Visit) -> Answer:
    act, name, fields = _act(visit), visit.path("act"), visit.fields()
    said = fields.text("sku", required=True, most=80)
    async with visit.read() as reader:
        sku = (await lists.sku_of(reader, said) if said else None) or said
        names = await lists.goods(reader, [sku] if sku else [])
    if said and not names.is_known(sku):
        fields.refuse("sku", N_("The catalogue does not know this SKU."))
    weighed = names.is_weighed(sku)
    work = _worked(visit, name, fields, sku, weighed=weighed)
    return await asking.answer(visit, fields, work, lambda typed: _form(visit, act, sku, typed))


def _worked(visit: Visit, name: str, fields: Fields, sku: str, *, weighed: bool) -> asking.Work:
    if name == "terms":
        tracks = fields.one_of("tracks", ["", *(one.value for one in Tracks)], "")
        left, transit = fields.whole("left", most=3650, default=0), fields.whole("transit", most=60, default=2)
        wanted = Terms(sku, Tracks(tracks), left, transit) if tracks else None
        return _kept(visit, fields, sku, lambda tx: _put_terms(tx, sku, wanted))
    code = fields.text("lot", required=name != "name", most=MAX_CODE)
    note = fields.text("note", most=500)
    if name == "block":
        return _kept(visit, fields, sku, lambda tx: lots.block(tx, sku, code, note))
    if name == "unblock":
        return _kept(visit, fields, sku, lambda tx: lots.unblock(tx, sku, code))
    location_id = LocationId(fields.id("location", LOCATION_PREFIX))
    quantity = units(fields, "quantity", weighed=weighed, least=0 if name == "adjust" else 1)
    if name == "adjust":
        return _kept(visit, fields, sku, lambda tx: lots.adjust(tx, location_id, sku, code, quantity, note))
    if name == "off":
        return _kept(visit, fields, sku, lambda tx: lots.write_off(tx, location_id, sku, code, quantity, note))
    day = _day(fields)
    if not code and day is None and "expires_on" not in fields.errors:
        fields.refuse("lot", N_("Type the lot, or the date."))
    row = Named(sku, quantity, code, day)
    return _kept(visit, fields, sku, lambda tx: lots.name(tx, location_id, [row]))


async def _put_terms(tx: Tx, sku: str, wanted: Terms | None) -> None:
    if wanted is None:
        await lots.drop_terms(tx, sku)
    else:
        await lots.put_terms(tx, [wanted])


def _day(fields: Fields) -> date | None:
    text = fields.raw("expires_on")
    if not text:
        return None
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    fields.refuse("expires_on", N_("Type a date."))
    return None


def _kept(visit: Visit, fields: Fields, sku: str, do: Callable[[Tx], Awaitable[None]]) -> asking.Work:
    async def work(tx: Tx) -> Done:
        await do(tx)
        await visit.record(tx, f"lot.{visit.path('act')}", sku, {name: value for name, value in fields.values.items() if value})
        return Done("/lots?" + urlencode({"sku": sku}), visit.say(N_("It is written down.")))

    return work
