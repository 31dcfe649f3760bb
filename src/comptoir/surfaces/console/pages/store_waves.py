"""Waves: several orders picked on one walk, each into a slot of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    FULFILMENT_PREFIX,
    WAVE_PREFIX,
    Fulfilment,
    FulfilmentId,
    Scanned,
    WaveId,
    WaveKind,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.pages import lists, store_desk
from comptoir.surfaces.console.pages.store_desk import Task
from comptoir.surfaces.console.pages.store_pick import codes_of, is_scan, progress_of
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("store")


@dataclass(frozen=True, slots=True)
class Part:
    """Units of a stop that go into one slot."""

    slot: int
    units: int
    left: int


@dataclass(frozen=True, slots=True)
class StopRow:
    bin: str
    sku: str
    name: str
    weighed: bool
    codes: str
    parts: tuple[Part, ...]

    @property
    def units(self) -> int:
        return sum(part.units for part in self.parts)

    @property
    def left(self) -> int:
        return sum(part.left for part in self.parts)


@dataclass(frozen=True, slots=True)
class Slot:
    number: int
    task: Task
    left: int


def _id(visit: Visit) -> WaveId:
    return WaveId(visit.path_id("wave_id", WAVE_PREFIX))


def _href(wave_id: WaveId) -> str:
    return f"/store/waves/{to_text(WAVE_PREFIX, wave_id)}"


@area.post("/store/waves", Permission.FULFIL)
async def start(visit: Visit) -> Answer:
    """What was ticked is picked together by whoever ticked it."""
    fields = visit.fields()
    ids = [FulfilmentId(found) for text in fields.all("chosen") if (found := _parsed(text)) is not None]
    if not ids:
        return visit.finish(Done("/store/pick", visit.say(N_("Tick what you want to pick together.")), tone="warn"))

    async def work(tx: Tx) -> Done:
        made = await fulfilment.start(tx, ids, WaveKind.BATCH)
        words = visit.says("%(num)s order on one walk.", "%(num)s orders on one walk.", made.orders)
        return Done(_href(made.id), words)

    try:
        return await visit.act(work)
    except Refusal as refusal:
        return visit.finish(Done("/store/pick", visit.refusal(refusal), tone="bad"))


def _parsed(text: str) -> FulfilmentId | None:
    try:
        return FulfilmentId(from_text(FULFILMENT_PREFIX, text))
    except ValueError:
        return None


@area.get("/store/waves/{wave_id:str}", Permission.ORDERS_READ)
async def wave_page(visit: Visit) -> Answer:
    return await _show(visit, _id(visit))


async def _show(visit: Visit, wave_id: WaveId, refusal: Refusal | None = None, said: Done | None = None) -> Answer:
    async with visit.read() as reader:
        wave = await fulfilment.wave(reader, wave_id)
        members = await fulfilment.members(reader, wave_id)
        rows = await _rows(reader, wave_id, members)
        tasks = await store_desk.tasks(visit, reader, members)
    slots = [Slot(n, one, one.one.quantity - one.one.picked) for n, one in enumerate(tasks, 1)]
    answer = visit.respond(
        "store/_wave.html" if is_scan(visit) else "store/wave.html",
        status=refusal.status if refusal else 200,
        wave=wave,
        rows=rows,
        slots=slots,
        left=sum(row.left for row in rows),
        progress=progress_of([(row.units, row.left) for row in rows], weighed=any(row.weighed for row in rows)),
        refused=visit.refusal(refusal) if refusal else "",
        said=said,
        action=_href(wave_id),
    )
    return store_desk.with_camera(answer)


async def _rows(reader: Reader, wave_id: WaveId, members: Sequence[Fulfilment]) -> list[StopRow]:
    slots = {one.id: n for n, one in enumerate(members, 1)}
    left = {(one.id, line.line_no): line.quantity - line.picked for one in members for line in one.lines}
    walk = await fulfilment.route(reader, wave_id)
    names = await lists.goods(reader, [stop.sku for stop in walk])
    codes = await codes_of(reader, [stop.sku for stop in walk])
    return [
        StopRow(
            bin=stop.bin,
            sku=stop.sku,
            name=stop.name,
            weighed=names.is_weighed(stop.sku),
            codes=codes.get(stop.sku, stop.sku),
            parts=tuple([Part(slots[key], units, left[key, line_no]) for key, line_no, units in stop.takes]),
        )
        for stop in walk
    ]


@area.post("/store/waves/{wave_id:str}/scan", Permission.FULFIL)
async def scan(visit: Visit) -> Answer:
    """One unit, for the oldest order that still lacks it: the answer says into which slot."""
    wave_id, fields = _id(visit), visit.fields()
    code = fields.raw("code")[:100]
    units = fields.whole("quantity", least=1, default=0)

    async def work(tx: Tx) -> Done:
        return await _taken(visit, tx, wave_id, code, units)

    if not code:
        return visit.redirect(_href(wave_id))
    try:
        fields.done()
        done = await visit.once(work)
    except Refusal as refusal:
        return await _show(visit, wave_id, refusal)
    if is_scan(visit):
        return await _show(visit, wave_id, said=done)
    return visit.finish(Done(done.location, done.words, tone=done.tone))


async def _taken(visit: Visit, tx: Tx, wave_id: WaveId, code: str, units: int) -> Done:
    href = _href(wave_id)
    sku = await fulfilment.sku_of(tx, code)
    members = await fulfilment.members(tx, wave_id)
    lines = [line for one in members for line in one.lines if line.sku == sku]
    left = sum(line.quantity - line.picked for line in lines)
    names = await lists.goods(tx, [sku] if sku else [])
    if not lines:
        if names.is_known(sku):
            words = visit.say(N_("%(code)s is in none of these orders. Put it back."), code=code)
            return Done(href, words, detail=Scanned.NOT_IN_ORDER, tone="bad")
        words = visit.say(N_("The catalogue does not know the code %(code)s."), code=code)
        return Done(href, words, detail=Scanned.UNKNOWN, tone="bad")
    if not left:
        words = visit.say(N_("One too many: %(name)s is complete. Put this one back."), name=lines[0].name)
        return Done(href, words, detail=Scanned.TOO_MANY, tone="bad")
    changed = await fulfilment.take(tx, wave_id, sku, units or (left if names.is_weighed(sku) else 1))
    into = {one.id for one in changed}
    slots = [n for n, one in enumerate(members, 1) if one.id in into]
    numbers = ", ".join(str(n) for n in slots)
    words = visit.says("Into slot %(slots)s: %(name)s", "Into slots %(slots)s: %(name)s", len(slots), slots=numbers,
                       name=lines[0].name)  # fmt: skip
    return Done(href, words, detail=Scanned.PICKED, tone="good")
