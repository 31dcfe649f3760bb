"""Waves: several orders picked on one walk, each into a slot of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    FULFILMENT_PREFIX,
    WAVE_PREFIX,
    Fulfilment,
    FulfilmentId,
    RejectReason,
    Scanned,
    Stop,
    WaveId,
    WaveKind,
    WaveZone,
)
from comptoir.modules.fulfilment.errors import SomebodyElse
from comptoir.modules.lots import api as lots
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.substitution import api as substitution
from comptoir.modules.substitution.contracts import Offer
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, store_desk
from comptoir.surfaces.console.pages.naming import People, channels_of, people_of
from comptoir.surfaces.console.pages.store_desk import Task
from comptoir.surfaces.console.pages.store_lots import again_of, lots_here, refused_words
from comptoir.surfaces.console.pages.store_pick import WAVE_KINDS, codes_of, is_scan, progress_of, told_of, typed_weight
from comptoir.surfaces.console.pages.work_words import REJECT_WORDS
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.substituting import settle

area = Area("store")


REASONS = (RejectReason.NOT_FOUND, RejectReason.DAMAGED)


@dataclass(frozen=True, slots=True)
class Part:
    """Units of a stop that go into one slot."""

    slot: int
    units: int
    left: int
    loose: int
    who: str
    """Somebody else who has taken its order over; empty for nobody."""


@dataclass(frozen=True, slots=True)
class Instead:
    """What may be taken for one of the orders instead."""

    slot: int
    fulfilment_id: str
    line_no: int
    units: int
    offer: Offer


@dataclass(frozen=True, slots=True)
class StopRow:
    """A place on the walk. What is left and what is in hand is what whoever looks may take and put back."""

    bin: str
    zone: str
    sku: str
    name: str
    weighed: bool
    codes: str
    parts: tuple[Part, ...]
    instead: tuple[Instead, ...] = ()

    @property
    def units(self) -> int:
        return sum(part.units for part in self.parts)

    @property
    def open(self) -> int:
        return sum(part.left for part in self.parts)

    @property
    def left(self) -> int:
        return sum(part.left for part in self.parts if not part.who)

    @property
    def loose(self) -> int:
        return sum(part.loose for part in self.parts if not part.who)


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the walk; a walk that is not by zones is one part without a code."""

    rows: tuple[StopRow, ...]
    code: str = ""
    zones: bool = False
    mine: bool = True
    who: str = ""
    """Somebody else who picks it."""

    @property
    def left(self) -> int:
        return sum(row.open for row in self.rows)


@dataclass(frozen=True, slots=True)
class Slot:
    number: int
    task: Task
    left: int
    href: str


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

    kind = fields.choice("kind", WaveKind, WaveKind.BATCH)

    async def work(tx: Tx) -> Done:
        fields.done()
        made = await fulfilment.start(tx, ids, kind)
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
        way = await fulfilment.route(reader, wave, members)
        zones = await fulfilment.zones(reader, wave, way)
        actors = {one.assignee for one in (*members, *zones)} | {wave.created_by}
        people = await people_of(visit, reader, sorted(actors - {""}), await channels_of(visit, reader))
        rows = await _rows(visit, reader, way, members, people)
        here = await lots_here(visit, reader, wave.location_id, {row.sku for row in rows})
        tasks = await store_desk.tasks(visit, reader, members)
    slots = [
        Slot(n, one, one.one.quantity - one.one.picked, f"/store/pick/{store_desk.text_of(one.one.id)}")
        for n, one in enumerate(tasks, 1)
    ]
    taken = isinstance(refusal, SomebodyElse)
    answer = visit.respond(
        "store/_wave.html" if is_scan(visit) else "store/wave.html",
        status=refusal.status if refusal else 200,
        wave=wave,
        kind=visit.say(WAVE_KINDS[wave.kind][0]),
        by_zones=wave.kind is WaveKind.ZONE,
        parts_of_it=_parts(visit, rows, zones, people),
        slots=slots,
        left=sum(row.left for row in rows),
        progress=progress_of([(row.units, row.open) for row in rows], weighed=any(row.weighed for row in rows)),
        mine=any(one.assignee == visit.principal.actor for one in (*members, *zones)),
        reasons=[(reason.value, visit.say(REJECT_WORDS[reason]), _ICONS[reason]) for reason in REASONS],
        lots=here,
        anyway=again_of(visit, refusal),
        refused=_refused(visit, refusal, people) if refusal else "",
        taken=taken,
        said=said,
        action=_href(wave_id),
    )
    return store_desk.with_camera(answer)


_ICONS = {RejectReason.NOT_FOUND: "package-off", RejectReason.DAMAGED: "alert-triangle"}


def _refused(visit: Visit, refusal: Refusal, people: People) -> str:
    if isinstance(refusal, SomebodyElse):
        return visit.say(N_("%(name)s works on it"), name=people[str(refusal.data["assignee"])])
    return refused_words(visit, refusal)


def _parts(visit: Visit, rows: Sequence[StopRow], zones: Sequence[WaveZone], people: People) -> list[Zone]:
    """One's own zones first, then those that nobody picks."""
    if not zones:
        return [Zone(tuple(rows))]
    own = visit.principal.actor
    found = [
        Zone(
            tuple([row for row in rows if row.zone == zone.code]),
            zone.code,
            zones=True,
            mine=zone.assignee == own,
            who=people[zone.assignee] if zone.assignee not in {"", own} else "",
        )
        for zone in zones
    ]
    return sorted(found, key=lambda zone: (bool(zone.who), not zone.mine))


async def _rows(
    visit: Visit, reader: Reader, way: Sequence[Stop], members: Sequence[Fulfilment], people: People
) -> list[StopRow]:
    slots = {one.id: n for n, one in enumerate(members, 1)}
    lines = {(one.id, line.line_no): line for one in members for line in one.lines}
    own = visit.principal.actor
    others = {one.id: people[one.assignee] for one in members if one.assignee not in {"", own}}
    instead = await _instead(reader, members, slots)
    names = await lists.goods(reader, [stop.sku for stop in way])
    codes = await codes_of(reader, [stop.sku for stop in way])
    return [
        StopRow(
            bin=stop.bin,
            zone=stop.zone,
            sku=stop.sku,
            name=stop.name,
            weighed=names.is_weighed(stop.sku),
            codes=codes.get(stop.sku, stop.sku),
            parts=tuple(
                [
                    Part(
                        slots[key],
                        units,
                        lines[key, line_no].quantity - lines[key, line_no].picked,
                        lines[key, line_no].picked - lines[key, line_no].packed,
                        others.get(key, ""),
                    )
                    for key, line_no, units in stop.takes
                ]
            ),
            instead=tuple(
                [one for key, line_no, _ in stop.takes if key not in others for one in instead.get((key, line_no), ())]
            ),
        )
        for stop in way
    ]


async def _instead(
    reader: Reader, members: Sequence[Fulfilment], slots: Mapping[FulfilmentId, int]
) -> dict[tuple[FulfilmentId, int], list[Instead]]:
    """What may be taken instead of what is still to be picked, by order and line."""
    lacking = [(one, line) for one in members for line in one.lines if line.picked < line.quantity]
    known = await substitution.substitutes(reader, sorted({line.sku for _, line in lacking}))
    found: dict[tuple[FulfilmentId, int], list[Instead]] = {}
    for one in {one.id: one for one, line in lacking if line.sku in known}.values():
        left = {line.line_no: line.quantity - line.picked for line in one.lines}
        for line_no, offers in (await substitution.offers(reader, one.id)).items():
            found[one.id, line_no] = [
                Instead(slots[one.id], store_desk.text_of(one.id), line_no, min(left[line_no], offer.available), offer)
                for offer in offers
            ]
    return found


@area.post("/store/waves/{wave_id:str}/scan", Permission.FULFIL)
async def scan(visit: Visit) -> Answer:
    """One unit, for the oldest order that still lacks it: the answer says into which slot."""
    wave_id, fields = _id(visit), visit.fields()
    code = fields.raw("code")[:100]
    units, weight = fields.whole("quantity", least=1, default=0), typed_weight(fields)
    anyway = fields.checked("anyway")

    async def work(tx: Tx) -> Done:
        return await _taken(visit, tx, wave_id, code, units, weight, anyway=anyway)

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


async def _taken(visit: Visit, tx: Tx, wave_id: WaveId, code: str, units: int, weight: int | None, *, anyway: bool) -> Done:
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
    if names.is_weighed(sku) and not units:
        first, found = await fulfilment.weigh(tx, wave_id, code, weight)
        if found.outcome not in {Scanned.PICKED, Scanned.ALL_PICKED}:
            return told_of(visit, found, href, code, weight)
        into = {first}
    else:
        into = {one.id for one in await fulfilment.take(tx, wave_id, sku, units or 1)}
        await lots.scanned_on_walk(tx, sorted(into), code, sku, in_order=not anyway)
    slots = [n for n, one in enumerate(members, 1) if one.id in into]
    numbers = ", ".join(str(n) for n in slots)
    words = visit.says("Into slot %(slots)s: %(name)s", "Into slots %(slots)s: %(name)s", len(slots), slots=numbers,
                       name=lines[0].name)  # fmt: skip
    return Done(href, words, detail=Scanned.PICKED, tone="good")


# What else is done on the way


@area.post("/store/waves/{wave_id:str}/{step:str}", Permission.FULFIL)
async def take_step(visit: Visit) -> Answer:
    wave_id, step, fields = _id(visit), visit.path("step"), visit.fields()
    if step not in _STEPS:
        raise NotFound(kind="page", id=step[:40])

    async def work(tx: Tx) -> Done:
        words = await _stepped(visit, tx, step, wave_id, fields)
        wave = await fulfilment.wave(tx, wave_id)
        subject, data = to_text(WAVE_PREFIX, wave_id), {"number": wave.number}
        if step == "give-up":
            await visit.record(tx, "fulfilment.walk_give_up", subject, data)
        elif step == "instead":
            await visit.record(tx, "fulfilment.walk_instead", subject, data)
        elif step == "drop":
            await visit.record(tx, "fulfilment.walk_drop", subject, data)
        elif step == "leave":
            await visit.record(tx, "fulfilment.walk_leave", subject, data)
        return Done("/store/pick" if step == "leave" or not wave.orders else _href(wave_id), words)

    try:
        if is_scan(visit) and step == "undo":
            return await _show(visit, wave_id, said=await visit.once(work))
        return await visit.act(work)
    except Refusal as refusal:
        return await _show(visit, wave_id, refusal)


_STEPS = frozenset({"undo", "give-up", "instead", "drop", "leave", "take-zone", "leave-zone"})


async def _stepped(visit: Visit, tx: Tx, step: str, wave_id: WaveId, fields: Fields) -> str:
    match step:
        case "undo":
            sku, units = _some(fields)
            await fulfilment.put_down(tx, wave_id, sku, units)
            return visit.say(N_("It lies in its place again."))
        case "give-up":
            sku, units = _some(fields)
            reason = fields.choice("reason", RejectReason)
            fields.done()
            await fulfilment.give_up(tx, wave_id, sku, units, reason)
            return visit.say(N_("Given back: another location is found for it."))
        case "instead":
            return await _taken_instead(visit, tx, fields)
        case _:
            return await _with_order_or_zone(visit, tx, step, wave_id, fields)


async def _with_order_or_zone(visit: Visit, tx: Tx, step: str, wave_id: WaveId, fields: Fields) -> str:
    match step:
        case "drop":
            one = await fulfilment.drop(tx, wave_id, _order(fields), take_over=fields.checked("take_over"))
            return visit.say(
                N_("F%(number)s is not on this walk any more. What is picked of it stays picked."), number=one.number
            )
        case "leave":
            left = await fulfilment.leave(tx, wave_id)
            return visit.says(
                "You have left the walk. %(num)s order is left to others: put back what you had picked of it.",
                "You have left the walk. %(num)s orders are left to others: put back what you had picked of them.",
                len(left),
            )
        case "take-zone":
            await fulfilment.take_zone(tx, wave_id, fields.raw("zone"), take_over=fields.checked("take_over"))
            return visit.say(N_("The zone is yours now."))
        case _:
            await fulfilment.leave_zone(tx, wave_id, fields.raw("zone"))
            return visit.say(N_("The zone is left to others. What is picked of it stays picked."))


def _some(fields: Fields) -> tuple[str, int]:
    sku, units = fields.text("sku", required=True, most=100), fields.whole("quantity", least=1)
    fields.done()
    return sku, units


def _order(fields: Fields) -> FulfilmentId:
    found = FulfilmentId(fields.id("order", FULFILMENT_PREFIX))
    fields.done()
    return found


async def _taken_instead(visit: Visit, tx: Tx, fields: Fields) -> str:
    line_no, units = fields.whole("line", least=1, most=1_000_000), fields.whole("quantity", least=1)
    code = fields.text("code", required=True, most=100)
    one = _order(fields)
    sku, theirs = await fulfilment.sku_of(tx, code), visit.principal.limited
    await substitution.substitute(tx, one, line_no, units, sku, settle, theirs=theirs)
    return visit.say(N_("It goes instead. The buyer is told, and pays no more."))
