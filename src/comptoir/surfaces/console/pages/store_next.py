"""What a store best does next, and how much waits at each stage: on its first page, on what streams to it, after each task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from comptoir.i18n import N_
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import ReturnFilter
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, Method, Stage, StageCount, WaitingCount
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import TransferState
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import store_desk
from comptoir.surfaces.console.pages.store_desk import Task
from comptoir.surfaces.console.web import Visit

TO_DO = (Stage.TO_PICK, Stage.TO_PACK, Stage.TO_HAND_OVER)
ON_THE_ROAD = (TransferState.IN_TRANSIT, TransferState.PARTLY_RECEIVED)


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


@dataclass(frozen=True, slots=True)
class Next:
    """A task with what is done about it, in words."""

    task: Task
    act: str


@dataclass(frozen=True, slots=True)
class Work:
    """What waits at a location, for whoever looks."""

    best: Next | None
    tiles: tuple[Tile, ...]
    newest: int
    """The number of the latest that is to be picked: a higher one is new."""


async def after(visit: Visit, reader: Reader, location_id: LocationId) -> Next | None:
    """What comes next, when something is done."""
    firsts = await fulfilment.firsts(reader, location_id, visit.principal.actor, visit.page.now)
    return await _next(visit, reader, firsts)


async def _next(visit: Visit, reader: Reader, firsts: dict[Stage, Fulfilment]) -> Next | None:
    one = _best(visit, firsts)
    if one is None:
        return None
    return Next((await store_desk.tasks(visit, reader, [one]))[0], visit.say(_ACTS[_act(one)]))


async def work(visit: Visit, reader: Reader, location_id: LocationId, waiting: WaitingCount, *, outside: bool = False) -> Work:
    """Whoever waits `outside` comes before everything else."""
    now = visit.page.now
    stages = {one.stage: one for one in await fulfilment.stages(reader, [location_id])}
    firsts = await fulfilment.firsts(reader, location_id, visit.principal.actor, now)
    moving = await inventory.transfer_tasks(reader, location_id, now.astimezone(visit.page.zone).date())
    doubts = await fulfilment.count_tasks(reader, location_id, limit=100)
    back = (await changes.count_returns(reader, ReturnFilter(inspecting=location_id))).rows
    newest = stages[Stage.TO_PICK].newest if Stage.TO_PICK in stages else 0
    best = None if outside else await _next(visit, reader, firsts)
    tiles = [_tile(visit, stage, word, icon, href, stages, firsts) for stage, word, icon, href in _TILES]
    if moving.to_send:
        tiles.append(Tile(visit.say(N_("Transfers to send")), "arrows-exchange", "/store/transfers", moving.to_send))
    to_receive = moving.to_receive + waiting.coming
    tiles.append(Tile(visit.say(N_("To receive")), "package-import", "/store/receive", to_receive, late=moving.late))
    tiles.append(Tile(visit.say(N_("To count")), "clipboard-check", "/store/counts", len(doubts), len(doubts) >= 100))
    if visit.may(Permission.ORDERS_ACT):
        tiles.append(Tile(visit.say(N_("Returns")), "truck-return", "/returns/new", back))
    tiles.append(Tile(visit.say(N_("To put back")), "arrow-back-up", "/store/put-back", waiting.put_backs))
    if waiting.recalled:
        words = visit.say(N_("Boxes to open"))
        tiles.append(Tile(words, "package-off", "/store/pack#recalled", waiting.recalled, tone="bad"))
    if waiting.lockers_to_empty:
        tiles.append(Tile(visit.say(N_("Lockers to empty")), "lock-open", "/store/lockers", waiting.lockers_to_empty))
    return Work(best, tuple(tiles), newest)


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
        late = one.leaves_by is not None and one.leaves_by < now
        return not late, one.assignee != own, store_desk.ends(one), one.placed_at

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
