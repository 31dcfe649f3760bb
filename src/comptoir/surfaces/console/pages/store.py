"""The store at a glance: what is best done next, how much waits at each stage, and a field that understands every code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import ReturnFilter
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentFilter, Method, Stage, StageCount
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import TransferFilter, TransferState
from comptoir.modules.locations.contracts import LOCATION_PREFIX, Location, LocationId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import lists, store_arrivals, store_desk
from comptoir.surfaces.console.pages.stock import sku_href
from comptoir.surfaces.console.pages.store_desk import Task
from comptoir.surfaces.console.web import REMEMBER_FOR, Answer, Area, Visit, own_address

area = Area("store")

TO_DO = (Stage.TO_PICK, Stage.TO_PACK, Stage.TO_HAND_OVER)
OPEN = (*TO_DO, Stage.READY, Stage.TO_RECEIVE, Stage.WAITING)
ON_THE_ROAD = (TransferState.IN_TRANSIT, TransferState.PARTLY_RECEIVED)
FEW = 20
_CODE = re.compile(r"(\d{1,18})-([0-9A-Z]{4})")
_NUMBER = re.compile(r"[#F]?(\d{1,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tile:
    """A stage with how much waits there."""

    word: str
    icon: str
    href: str
    count: int
    more: bool = False
    """There are more than were counted."""
    late: int = 0
    words: str = ""
    tone: str = "neutral"


@area.get("/store", Permission.ORDERS_READ)
async def home(visit: Visit) -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        stages = {one.stage: one for one in await fulfilment.stages(reader, [place.id])}
        firsts = await fulfilment.firsts(reader, place.id, visit.principal.actor, visit.page.now)
        coming = await inventory.find_transfers(
            reader, TransferFilter(states=ON_THE_ROAD, to_location_id=place.id), sort="number", limit=100
        )
        doubts = await fulfilment.count_tasks(reader, place.id, limit=100)
        back = (await changes.count_returns(reader, ReturnFilter(inspecting=place.id))).rows
        waiting = await fulfilment.waiting_count(reader, place.id, visit.page.now)
        outside = await store_arrivals.arrivals(visit, reader, place.id, visit.page.now) if waiting.here else []
        upcoming = None if outside else _best(visit, firsts)
        chosen = (await store_desk.tasks(visit, reader, [upcoming]))[0] if upcoming else None
    tiles = [_tile(visit, stage, word, icon, href, stages, firsts) for stage, word, icon, href in _TILES]
    to_receive = len(coming.items) + waiting.coming
    tiles.append(Tile(visit.say(N_("To receive")), "package-import", "/store/receive", to_receive, bool(coming.next)))
    tiles.append(Tile(visit.say(N_("To count")), "clipboard-check", "/store/counts", len(doubts), len(doubts) >= 100))
    if visit.may(Permission.ORDERS_ACT):
        tiles.append(Tile(visit.say(N_("Returns")), "truck-return", "/returns/new", back))
    tiles.append(Tile(visit.say(N_("To put back")), "arrow-back-up", "/store/put-back", waiting.put_backs))
    if waiting.lockers_to_empty:
        tiles.append(Tile(visit.say(N_("Lockers to empty")), "lock-open", "/store/lockers", waiting.lockers_to_empty))
    answer = visit.respond(
        "store/home.html",
        place=lists.label(place),
        best=chosen,
        act=visit.say(_ACTS[_act(upcoming)]) if upcoming else "",
        arrivals=outside,
        may_place=visit.may(Permission.ORDERS_PLACE),
        tiles=tiles,
    )
    return store_desk.with_camera(answer)


_TILES = (
    (Stage.TO_PICK, N_("To pick"), "list-check", "/store/pick"),
    (Stage.TO_PACK, N_("To pack"), "package", "/store/pack"),
    (Stage.TO_HAND_OVER, N_("To hand over"), "truck", "/store/out"),
    (Stage.READY, N_("Ready to collect"), "shopping-bag", "/store/ready"),
)
_ACTS = {
    "pick": N_("Pick this now"),
    "go_on": N_("Go on picking"),
    "pack": N_("Pack this now"),
    "counter": N_("Put this on the counter"),
    "hand_over": N_("Hand this over"),
}


def _act(one: Fulfilment) -> str:
    if one.stage is Stage.TO_PICK:
        return "go_on" if one.begun_at and one.picked else "pick"
    if one.stage is Stage.TO_HAND_OVER:
        return "hand_over"
    return "counter" if one.method is Method.COLLECT else "pack"


def _best(visit: Visit, firsts: dict[Stage, Fulfilment]) -> Fulfilment | None:
    """What is late first, then what one works on already, then what leaves first. What others work on is theirs."""
    own, now = visit.principal.actor, visit.page.now
    able = [firsts[stage] for stage in TO_DO if stage in firsts and firsts[stage].assignee in {"", own}]

    def urgency(one: Fulfilment) -> tuple[bool, bool, datetime, datetime]:
        leaves = one.leaves_by or datetime.max.replace(tzinfo=UTC)
        return leaves >= now, one.assignee != own, leaves, one.placed_at

    return min(able, key=urgency, default=None)


def _tile(
    visit: Visit,
    stage: Stage,
    word: str,
    icon: str,
    href: str,
    stages: dict[Stage, StageCount],
    firsts: dict[Stage, Fulfilment],
) -> Tile:
    count, first = stages.get(stage), firsts.get(stage)
    if count is None or first is None:
        return Tile(visit.say(word), icon, href, 0)
    due = store_desk.due(visit, first)
    late = 0 if stage is Stage.READY else count.late
    return Tile(visit.say(word), icon, href, count.count, late=late, words=due.words, tone=due.tone)


# Where one stands


@area.get("/store/here", Permission.ORDERS_READ)
async def choose(visit: Visit) -> Answer:
    async with visit.read() as reader:
        places = await lists.sites(reader)
        place = await store_desk.here(visit, reader)
    rows = sorted((one for one in places.rows if one.active), key=_first_stores)
    return visit.respond(
        "store/here.html",
        places=[(lists.Sites.text(one.id), lists.label(one), one.city) for one in rows],
        current=place and lists.Sites.text(place.id),
        next=own_address(visit.param("next", "/store")),
    )


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


async def _tasks(visit: Visit, reader: Reader, place: Location, q: str) -> list[Task]:
    """What is open here by an order's number, its own number, or the beginning of who gets it."""
    number = _NUMBER.fullmatch(q)
    search = number[1] if number else q
    wanted = FulfilmentFilter(locations=(place.id,), stages=OPEN, search=search)
    found = (await fulfilment.find(reader, wanted, limit=FEW)).items
    if number and q[0] in "Ff":
        found = [one for one in found if one.number == int(number[1])]
    return await store_desk.tasks(visit, reader, found)
