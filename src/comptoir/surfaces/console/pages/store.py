"""The store at a glance: what is best done next, how much waits at each stage, and a field that understands every code."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

from comptoir.kernel.ids import to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FulfilmentFilter, Stage
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import TransferFilter, TransferState
from comptoir.modules.locations.contracts import LOCATION_PREFIX, Location, LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import ShelfFilter
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import lists, store_arrivals, store_desk, store_next, transfer_words
from comptoir.surfaces.console.pages.stock import sku_href
from comptoir.surfaces.console.pages.store_desk import Task
from comptoir.surfaces.console.pages.transfers import transfer_href
from comptoir.surfaces.console.web import REMEMBER_FOR, Answer, Area, Visit, own_address

area = Area("store")

FEW_PLACES, MOST_PLACES = 12, 60
"""Among more than so many locations somebody searches; no more are listed at once."""
OPEN = (*store_next.TO_DO, Stage.READY, Stage.TO_RECEIVE, Stage.WAITING)
FEW = 20
_LOTS = 5
_CODE = re.compile(r"(\d{1,18})-([0-9A-Z]{4})")
_TRANSFER = re.compile(r"T(\d{1,15})", re.IGNORECASE)
_NUMBER = re.compile(r"[#F]?(\d{1,18})", re.IGNORECASE)


@area.get("/store", Permission.ORDERS_READ)
async def home(visit: Visit) -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        waiting = await fulfilment.waiting_count(reader, place.id, visit.page.now)
        outside = await store_arrivals.arrivals(visit, reader, place.id, visit.page.now) if waiting.here else []
        held = (await lots.find(reader, ShelfFilter(location_ids=(place.id,), held=True), limit=_LOTS)).items
        work = await store_next.work(visit, reader, place.id, waiting, outside=bool(outside))
    answer = visit.respond(
        "store/home.html",
        place=lists.label(place),
        work=work,
        arrivals=outside,
        off_shelf=", ".join(f"{one.sku} ({one.code})" for one in held),
        off_shelf_href="/lots?" + urlencode({"held": "yes", "location": lists.Sites.text(place.id)}),
        may_place=visit.may(Permission.ORDERS_PLACE),
    )
    return store_desk.with_camera(answer)


# Where one stands


@area.get("/store/here", Permission.ORDERS_READ)
async def choose(visit: Visit) -> Answer:
    async with visit.read() as reader:
        places = await lists.sites(reader)
        place = await store_desk.here(visit, reader)
    rows = sorted((one for one in places.rows if one.active and visit.principal.reaches(one.id)), key=_first_stores)
    q = visit.param("q").strip()[:100]
    words = q.casefold().split()
    found = [one for one in rows if all(word in _sought(one) for word in words)]
    return visit.respond(
        "store/here.html",
        places=[(lists.Sites.text(one.id), lists.label(one), one.city) for one in found[:MOST_PLACES]],
        more=max(0, len(found) - MOST_PLACES),
        q=q,
        many=len(rows) > FEW_PLACES,
        current=place and lists.Sites.text(place.id),
        next=own_address(visit.param("next", "/store")),
    )


def _sought(one: Location) -> str:
    return f"{one.name} {one.code} {one.city} {one.postcode}".casefold()


def _first_stores(one: Location) -> tuple[bool, str]:
    return one.kind != "store", lists.label(one).casefold()


@area.post("/store/here", Permission.ORDERS_READ)
async def stand_here(visit: Visit) -> Answer:
    fields = visit.fields()
    location_id = LocationId(fields.id("location", LOCATION_PREFIX))
    fields.done()
    async with visit.read() as reader:
        place = (await lists.sites(reader)).find(location_id)
    if not place.active:
        return visit.redirect("/store/here")
    visit.set_cookie(store_desk.COOKIE, to_text(LOCATION_PREFIX, place.id), REMEMBER_FOR)
    ahead = own_address(fields.raw("next"))
    return visit.redirect(ahead if ahead.startswith(("/store", "/returns")) else "/store")


# Whatever was scanned or typed


@area.get("/store/find", Permission.ORDERS_READ)
async def find(visit: Visit) -> Answer:
    q = visit.param("q").strip()[:100]
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        if not q:
            return visit.redirect("/store")
        code = await _by_code(reader, place, q)
        if code is not None:
            return visit.redirect(code)
        transfer = await _by_transfer(visit, reader, place, q)
        if transfer:
            return visit.redirect(transfer)
        found = await _tasks(visit, reader, place, q)
        sku = await lists.sku_of(reader, q)
        wanting = await fulfilment.wanting(reader, place.id, sku, visit.principal.actor, visit.page.now) if sku else []
        goods = await lists.goods(reader, [sku] if sku else [])
        also = await store_desk.tasks(visit, reader, wanting)
    if len(found) == 1 and not also:
        return visit.redirect(found[0].href)
    answer = visit.respond(
        "store/found.html",
        place=lists.label(place),
        q=q,
        found=found,
        wanting=also,
        sku=sku or "",
        name=goods[sku] if sku else "",
        sku_href=sku_href(sku) if sku else "",
        count_href=f"/counts/new?location={lists.Sites.text(place.id)}&code={quote(sku, safe='')}" if sku else "",
    )
    return store_desk.with_camera(answer)


async def _by_code(reader: Reader, place: Location, q: str) -> str | None:
    """Where to go with a pickup code. Its letters are shown there, and looked at."""
    fits = _CODE.fullmatch(q.upper())
    if fits is None:
        return None
    wanted = FulfilmentFilter(locations=(place.id,), stages=OPEN, search=fits[1])
    for one in (await fulfilment.find(reader, wanted, limit=FEW)).items:
        if one.number == int(fits[1]):
            return f"/store/collect/{store_desk.text_of(one.id)}?code={fits[0]}"
    return None


async def _by_transfer(visit: Visit, reader: Reader, place: Location, q: str) -> str:
    """Where a transfer of this location is worked on, by its number; empty for what is none."""
    number = _TRANSFER.fullmatch(q)
    if number is None or not visit.may(Permission.STOCK_READ):
        return ""
    wanted = TransferFilter(number=int(number[1]), location_ids=(place.id,))
    for one in (await inventory.find_transfers(reader, wanted, limit=1)).items:
        if one.from_location_id == place.id and one.state is TransferState.DRAFT:
            return transfer_words.sending_href(one.id)
        if one.to_location_id == place.id and one.state in store_next.ON_THE_ROAD:
            return transfer_words.arriving_href(one.id)
        return transfer_href(one.id)
    return ""


async def _tasks(visit: Visit, reader: Reader, place: Location, q: str) -> list[Task]:
    """What is open here by an order's number, its own number, or the beginning of who gets it."""
    number = _NUMBER.fullmatch(q)
    search = number[1] if number else q
    wanted = FulfilmentFilter(locations=(place.id,), stages=OPEN, search=search)
    found = (await fulfilment.find(reader, wanted, limit=FEW)).items
    if number and q[0] in "Ff":
        found = [one for one in found if one.number == int(number[1])]
    return await store_desk.tasks(visit, reader, found)
