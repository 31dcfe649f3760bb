"""What the pages of the store share: where somebody stands, how long each task has left, and who works on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    FULFILMENT_PREFIX,
    WAVE_PREFIX,
    Fulfilment,
    FulfilmentId,
    Method,
    Stage,
    State,
)
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, Location, LocationId
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Reader
from comptoir.surfaces import collecting
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.naming import People, channels_of, people_of, places_of
from comptoir.surfaces.console.pages.work_words import STAGE_TONES, STAGE_WORDS
from comptoir.surfaces.console.reaching import stands_at
from comptoir.surfaces.console.visits import STORE_COOKIE
from comptoir.surfaces.console.web import Answer, Visit

COOKIE = STORE_COOKIE
CAMERA = "camera=(self), geolocation=(), microphone=()"
"""The pages on which a camera reads labels; all others may not use it."""
SOON = 3600
"""Seconds before it leaves, from which on a task is urgent."""

_PAGES: Mapping[Stage, str] = {
    Stage.WAITING: "pick",
    Stage.TO_PICK: "pick",
    Stage.TO_PACK: "pack",
    Stage.TO_HAND_OVER: "pack",
    Stage.TO_RECEIVE: "collect",
    Stage.READY: "collect",
    Stage.DONE: "pack",
    Stage.CANCELLED: "pick",
}


async def here(visit: Visit, reader: Reader) -> Location | None:
    """Where whoever uses this device stands; None until they have said so, and when nobody works there any more.

    Who works at one location only stands there; who works at some, at none of the others.
    """
    told = place_of(visit)
    try:
        found = await locations.get(reader, told) if told is not None else None
    except NotFound:
        return None
    return found if found is not None and found.active else None


def place_of(visit: Visit) -> LocationId | None:
    """As `here`, without asking whether anybody works there still."""
    own, told = visit.principal.locations, stands_at(visit)
    if told is not None and visit.principal.reaches(told):
        return told
    return next(iter(own)) if len(own) == 1 else None


async def elsewhere(visit: Visit, reader: Reader, one: Fulfilment) -> str:
    """The name of the location whose work it is, where that is not the one at which this device stands."""
    if visit.request.cookies.get(COOKIE, "") in {"", to_text(LOCATION_PREFIX, one.location_id)}:
        return ""
    return (await places_of(reader, [one.location_id]))[one.location_id]


def choose_first(visit: Visit) -> Answer:
    return visit.redirect(f"/store/here?next={quote(visit.page.url, safe='')}")


def id_of(visit: Visit) -> FulfilmentId:
    return FulfilmentId(visit.path_id("fulfilment_id", FULFILMENT_PREFIX))


def text_of(fulfilment_id: FulfilmentId) -> str:
    return to_text(FULFILMENT_PREFIX, fulfilment_id)


def page_of(one: Fulfilment) -> str:
    """Where the next step of it is taken. What several people pick together is picked on their walk."""
    if one.stage is Stage.TO_PICK and one.wave_id is not None and one.state is State.IN_PROGRESS and not one.assignee:
        return f"/store/waves/{to_text(WAVE_PREFIX, one.wave_id)}"
    return f"/store/{_PAGES[one.stage]}/{text_of(one.id)}"


def pickup_code(keyring: Keyring, one: Fulfilment) -> str:
    """What a buyer shows at the counter."""
    return collecting.code_of(keyring, one)


@dataclass(frozen=True, slots=True)
class Due:
    words: str
    tone: str
    icon: str


def due(visit: Visit, one: Fulfilment) -> Due:
    """How long it has, or by how much it is late."""
    if one.leaves_by is None or one.stage in {Stage.DONE, Stage.CANCELLED, Stage.READY, Stage.TO_RECEIVE}:
        return Due("", "neutral", "")
    left = (one.leaves_by - visit.page.now).total_seconds()
    time = formatting.duration(abs(left), visit.page.locale)
    if left < 0:
        return Due(visit.say(N_("late by %(time)s"), time=time), "bad", "alert-triangle")
    return Due(visit.say(N_("%(time)s left"), time=time), "warn" if left < SOON else "neutral", "clock")


def answer_due(visit: Visit, one: Fulfilment) -> Due:
    """How long it is there for somebody to begin."""
    if one.answer_by is None or one.state not in {State.OPEN, State.SCHEDULED}:
        return Due("", "neutral", "")
    left = (one.answer_by - visit.page.now).total_seconds()
    if left <= 0:
        return Due(visit.say(N_("goes elsewhere now")), "bad", "arrows-split-2")
    time = formatting.duration(left, visit.page.locale)
    words = visit.say(N_("begin within %(time)s, or it goes elsewhere"), time=time)
    return Due(words, "warn" if left < SOON else "neutral", "hourglass")


def ends(one: Fulfilment) -> datetime:
    """When it has to leave, or goes elsewhere because nobody has begun it."""
    return min((at for at in (one.leaves_by, one.answer_by) if at is not None), default=datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Task:
    """A fulfilment order in a list."""

    one: Fulfilment
    id: str
    href: str
    title: str
    words: str
    due: Due
    answer: Due
    """How long somebody has to begin it before it goes elsewhere."""
    who: str
    """Somebody else who works on it; empty for nobody."""
    mine: bool

    @property
    def number(self) -> str:
        return f"F{self.one.number}"


async def workers(visit: Visit, reader: Reader, found: Iterable[Fulfilment]) -> People:
    own = visit.principal.actor
    others = {one.assignee for one in found if one.assignee and one.assignee != own}
    return await people_of(visit, reader, others, await channels_of(visit, reader))


async def tasks(visit: Visit, reader: Reader, found: Sequence[Fulfilment]) -> list[Task]:
    people = await workers(visit, reader, found)
    pieces = await pieces_of(reader, found)
    return [task(visit, one, people, pieces.get(one.id)) for one in found]


async def pieces_of(reader: Reader, found: Sequence[Fulfilment]) -> dict[FulfilmentId, int]:
    """How many pieces each is: what is weighed is one for each line, however much it is."""
    if not found:
        return {}
    full = await fulfilment.get_all(reader, [one.id for one in found])
    names = await lists.goods(reader, {line.sku for one in full for line in one.lines})
    return {one.id: sum(min(1, line.open) if names.is_weighed(line.sku) else line.open for line in one.lines) for one in full}


def task(visit: Visit, one: Fulfilment, people: People, pieces: int | None = None) -> Task:
    """`pieces` is how many it is, where what is weighed is in it."""
    mine = one.assignee == visit.principal.actor
    number = visit.say(N_("Order %(number)s"), number=one.order_number)
    parts = [
        number if one.recipient else "",
        visit.says("%(num)s unit", "%(num)s units", one.quantity - one.gone if pieces is None else pieces),
        visit.say(N_("collected here")) if one.method in {Method.COLLECT, Method.HAND_OUT} else one.carrier,
    ]
    return Task(
        one=one,
        id=text_of(one.id),
        href=page_of(one),
        title=one.recipient or number,
        words=" · ".join(part for part in parts if part),
        due=due(visit, one),
        answer=answer_due(visit, one),
        who="" if mine or not one.assignee else people[one.assignee],
        mine=mine,
    )


@dataclass(frozen=True, slots=True)
class Stamp:
    """A stage in words, with its tone and icon."""

    word: str
    tone: str
    icon: str


def stamp(visit: Visit, one: Fulfilment) -> Stamp:
    return Stamp(visit.say(STAGE_WORDS[one.stage]), *STAGE_TONES[one.stage])


def with_camera(answer: Answer) -> Answer:
    answer.headers["Permissions-Policy"] = CAMERA
    return answer
