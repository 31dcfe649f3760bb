"""Packing: what is picked goes into boxes, the boxes get their papers and leave with a carrier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.carriers import api as carriers
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    FULFILMENT_PREFIX,
    PARCEL_PREFIX,
    FulfilmentId,
    FulfilmentLine,
    LineUnits,
    Method,
    Parcel,
    ParcelDraft,
    ParcelId,
    Stage,
    State,
)
from comptoir.modules.fulfilment.errors import SomebodyElse
from comptoir.modules.orders.contracts import Tracking
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, store_desk, store_sheets
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.store_desk import Task
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("store")

CARTONS = ("S", "M", "L", "XL")
MOST_TRACKING = 80


@dataclass(frozen=True, slots=True)
class Box:
    """A packed box, with what is in it in words."""

    parcel: Parcel
    id: str
    inside: str

    @property
    def left(self) -> bool:
        return self.parcel.shipment_id is not None


@area.get("/store/pack", Permission.ORDERS_READ)
async def pack_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        found = await fulfilment.urgent(reader, place.id, [Stage.TO_PACK], visit.principal.actor, visit.page.now)
        tasks = await store_desk.tasks(visit, reader, found)
    return visit.respond("store/pack_list.html", place=lists.label(place), tasks=tasks)


@area.get("/store/pack/{fulfilment_id:str}", Permission.ORDERS_READ)
async def pack_page(visit: Visit) -> Answer:
    return await _show(visit, store_desk.id_of(visit))


async def _show(visit: Visit, fulfilment_id: FulfilmentId, refusal: Refusal | None = None) -> Answer:
    async with visit.read() as reader:
        one = await fulfilment.get(reader, fulfilment_id)
        parcels = await fulfilment.parcels(reader, [one.id])
        people = await people_of(visit, reader, [one.assignee], await channels_of(visit, reader))
        names = await lists.goods(reader, [line.sku for line in one.lines])
        services = await carriers.everything(reader)
        loose = [line for line in one.lines if line.picked > line.packed]
        weight = await _weight(reader, loose)
        elsewhere = await store_desk.elsewhere(visit, reader, one)
    fields = visit.fields() if visit.given is not None else None
    others = one.assignee and one.assignee != visit.principal.actor and one.state is State.IN_PROGRESS
    taken = isinstance(refusal, SomebodyElse)
    return visit.respond(
        "store/pack.html",
        status=refusal.status if refusal else 200,
        one=one,
        task=store_desk.task(visit, one, people),
        stamp=store_desk.stamp(visit, one),
        elsewhere=elsewhere,
        loose=loose,
        names=names,
        weight=weight,
        cartons=CARTONS,
        boxes=[_box(parcel, one.lines) for parcel in parcels],
        to_pick=one.quantity - one.picked,
        carriers=sorted({service.code for service in services if service.active}),
        collected=one.method is Method.COLLECT,
        active=one.state in {State.OPEN, State.SCHEDULED, State.IN_PROGRESS, State.INCOMPLETE},
        others=people[one.assignee] if others or taken else "",
        refused=visit.refusal(refusal) if refusal and not taken else "",
        typed=fields.values if fields and refusal else {},
        action=f"/store/pack/{store_desk.text_of(one.id)}",
        papers=f"/store/papers/{store_desk.text_of(one.id)}",
        may_act=visit.may(Permission.FULFIL),
    )


def _box(parcel: Parcel, lines: Sequence[FulfilmentLine]) -> Box:
    names = {line.line_no: line.name or line.sku for line in lines}
    inside = ", ".join(f"{line.quantity} × {names.get(line.line_no, '')}" for line in parcel.lines)
    return Box(parcel, to_text(PARCEL_PREFIX, parcel.id), inside)


async def _weight(reader: Reader, loose: Sequence[FulfilmentLine]) -> int:
    """Grams of what is picked and in no box, by the catalogue; 0 where it does not know."""
    goods = await catalogue.goods(reader, sorted({line.sku for line in loose})) if loose else {}
    return sum(goods[line.sku].weighs(line.picked - line.packed) for line in loose if line.sku in goods)


@area.post("/store/pack/{fulfilment_id:str}/{step:str}", Permission.FULFIL)
async def take_step(visit: Visit) -> Answer:
    fulfilment_id, step, fields = store_desk.id_of(visit), visit.path("step"), visit.fields()
    if step not in {"box", "open", "hand-over", "ready", "begin"}:
        raise NotFound(kind="page", id=step)

    async def work(tx: Tx) -> Done:
        words = await _taken(visit, tx, step, fulfilment_id, fields)
        after = await fulfilment.get(tx, fulfilment_id)
        if step == "hand-over":
            await visit.record(tx, "fulfilment.hand_over", store_desk.text_of(fulfilment_id), {"number": after.number})
        elif step == "ready":
            await visit.record(tx, "fulfilment.ready", store_desk.text_of(fulfilment_id), {"number": after.number})
        href = store_desk.page_of(after) if after.stage is Stage.READY else f"/store/pack/{store_desk.text_of(after.id)}"
        return Done(href, words)

    try:
        return await visit.act(work)
    except Refusal as refusal:
        return await _show(visit, fulfilment_id, refusal)


async def _taken(visit: Visit, tx: Tx, step: str, fulfilment_id: FulfilmentId, fields: Fields) -> str:
    match step:
        case "begin":
            await fulfilment.begin(tx, fulfilment_id, take_over=fields.checked("take_over"))
            return visit.say(N_("It is yours now."))
        case "box":
            parcel = await fulfilment.pack(tx, fulfilment_id, _draft(fields))
            return visit.say(N_("Box %(number)s is packed."), number=parcel.number)
        case "open":
            await fulfilment.unpack(tx, fulfilment_id, ParcelId(fields.id("parcel", PARCEL_PREFIX)))
            return visit.say(N_("The box is open again."))
        case "ready":
            await fulfilment.ready(tx, fulfilment_id)
            return visit.say(N_("It is ready to collect."))
        case _:
            here = [one for one in await fulfilment.parcels(tx, [fulfilment_id]) if one.shipment_id is None]
            tracking = _tracking(fields, here)
            fields.done()
            _, shipments = await fulfilment.hand_over(tx, fulfilment_id, tracking)
            return visit.says("%(num)s box has left.", "%(num)s boxes have left.", len(shipments))


def _draft(fields: Fields) -> ParcelDraft:
    """The units that are named; a field that was cleared puts none of its line into the box."""
    named = {no: fields.whole(f"units:{no}", default=0) for no in fields.starting("units:") if no.isdecimal()}
    carton = fields.text("carton", most=64)
    weight = fields.whole("weight", most=1_000_000, default=0)
    if named and not any(named.values()):
        fields.refuse("units", N_("Put something into the box."))
    fields.done()
    return ParcelDraft(
        lines=tuple([LineUnits(int(no), units) for no, units in named.items() if units]), carton=carton, weight=weight
    )


def _tracking(fields: Fields, here: Sequence[Parcel]) -> Mapping[ParcelId, Tracking]:
    carrier = fields.text("carrier", most=64)
    return {
        one.id: Tracking(carrier, fields.text(f"tracking:{to_text(PARCEL_PREFIX, one.id)}", most=MOST_TRACKING)) for one in here
    }


# Several at once


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A packed order that waits for its carrier."""

    task: Task
    boxes: tuple[Box, ...]


@area.get("/store/out", Permission.ORDERS_READ)
async def out_list(visit: Visit) -> Answer:
    return await _out(visit)


async def _out(visit: Visit, refused: str = "") -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        found = await fulfilment.urgent(reader, place.id, [Stage.TO_HAND_OVER], visit.principal.actor, visit.page.now)
        tasks = await store_desk.tasks(visit, reader, found)
        parcels = await fulfilment.parcels(reader, [one.id for one in found])
        services = await carriers.everything(reader)
        today = await store_sheets.carriers_today(reader, place, visit.page.now)
    rows = [
        Outgoing(
            task, tuple([_box(one, ()) for one in parcels if one.fulfilment_id == task.one.id and one.shipment_id is None])
        )
        for task in tasks
    ]
    by_carrier: dict[str, list[Outgoing]] = {}
    for row in rows:
        by_carrier.setdefault(row.task.one.carrier, []).append(row)
    known = {service.code for service in services if service.active}
    return visit.respond(
        "store/out.html",
        status=409 if refused else 200,
        place=lists.label(place),
        groups=sorted(by_carrier.items()),
        today=today,
        carriers=sorted(known | {code for code in by_carrier if code}),
        typed=visit.fields().values if visit.given is not None else {},
        chosen=set(visit.fields().all("chosen")) if visit.given is not None else None,
        refused=refused,
    )


@area.post("/store/out", Permission.FULFIL)
async def hand_over_several(visit: Visit) -> Answer:
    fields = visit.fields()
    chosen: list[FulfilmentId] = []
    for text in fields.all("chosen"):
        try:
            chosen.append(FulfilmentId(from_text(FULFILMENT_PREFIX, text)))
        except ValueError:
            fields.refuse("chosen", N_("Choose one."))
    if not chosen:
        return await _out(visit, visit.say(N_("Tick what the carrier takes along.")))

    async def work(tx: Tx) -> Done:
        parcels = await fulfilment.parcels(tx, chosen)
        boxes = 0
        for one_id in sorted(chosen):
            own = [one for one in parcels if one.fulfilment_id == one_id and one.shipment_id is None]
            after, shipments = await fulfilment.hand_over(tx, one_id, _tracking(fields, own))
            boxes += len(shipments)
            await visit.record(tx, "fulfilment.hand_over", store_desk.text_of(one_id), {"number": after.number})
        return Done("/store/out", visit.says("%(num)s box has left.", "%(num)s boxes have left.", boxes))

    try:
        fields.done()
        return await visit.act(work)
    except Refusal as refusal:
        return await _out(visit, visit.refusal(refusal))
