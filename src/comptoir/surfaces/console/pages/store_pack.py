"""Packing: what is picked goes into the cartons that are proposed; boxes get labels and papers, and leave with a carrier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, NotFound, Refusal
from comptoir.kernel.ids import to_text
from comptoir.modules.carriers import api as carriers
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    PARCEL_PREFIX,
    Fulfilment,
    FulfilmentId,
    LineUnits,
    Method,
    Parcel,
    ParcelDraft,
    ParcelId,
    Stage,
    State,
)
from comptoir.modules.fulfilment.errors import SomebodyElse
from comptoir.modules.locations import api as locations
from comptoir.modules.lots import api as lots
from comptoir.modules.orders.contracts import Tracking
from comptoir.modules.packing import api as packing
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces import boxing, customs
from comptoir.surfaces.boxing import Fitting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, store_desk, store_labels, store_next, store_recalled
from comptoir.surfaces.console.pages.carrier_words import problem_words
from comptoir.surfaces.console.pages.lists import Goods
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.store_labels import Tag
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.sending import carried, unpack, without_label

area = Area("store")

MOST_TRACKING = 80
COLLECTED = frozenset({Method.COLLECT, Method.HAND_OUT})
"""What the buyer fetches: no carrier takes it."""
_STEPS = frozenset({"box", "proposed", "open", "hand-over", "ready", "begin"}) | store_recalled.STEPS


@dataclass(frozen=True, slots=True)
class Box:
    """A packed box, with what is in it in words, and its label."""

    parcel: Parcel
    id: str
    inside: str
    tag: Tag = store_labels.NO_TAG
    out: str = ""
    """What is to be taken out again."""

    @property
    def left(self) -> bool:
        return self.parcel.shipment_id is not None


@dataclass(frozen=True, slots=True)
class Proposed:
    """What is proposed for what is still loose, in words. What is no list is of the first box, for the form."""

    boxes: tuple[tuple[str, str], ...] = ()
    guessed: str = ""
    units: Mapping[int, int] | None = None
    carton: str = ""
    weight: int = 0


@area.get("/store/pack", Permission.ORDERS_READ)
async def pack_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        found = await fulfilment.urgent(reader, place.id, [Stage.TO_PACK], visit.principal.actor, visit.page.now)
        tasks = await store_desk.tasks(visit, reader, found)
        recalled = store_recalled.rows_of(*await store_recalled.boxes_at(reader, place.id))
    answer = visit.respond("store/pack_list.html", place=lists.label(place), tasks=tasks, recalled=recalled)
    return store_desk.with_camera(answer)


@area.get("/store/pack/{fulfilment_id:str}", Permission.ORDERS_READ)
async def pack_page(visit: Visit) -> Answer:
    return await _show(visit, store_desk.id_of(visit))


async def _show(visit: Visit, fulfilment_id: FulfilmentId, problem: Refusal | Fault | None = None) -> Answer:
    refusal = problem if isinstance(problem, Refusal) else None
    async with visit.read() as reader:
        one = await fulfilment.get(reader, fulfilment_id)
        parcels = await fulfilment.parcels(reader, [one.id])
        people = await people_of(visit, reader, [one.assignee], await channels_of(visit, reader))
        names = await lists.goods(reader, [line.sku for line in one.lines])
        services = await carriers.everything(reader)
        cartons = await packing.in_use(reader, one.location_id)
        loose = [line for line in one.lines if line.picked > line.packed]
        fit = await boxing.fitting(reader, one, picked_only=True) if loose and cartons else None
        weight = await boxing.estimated(reader, one.lines, (), None) if loose else 0
        elsewhere = await store_desk.elsewhere(visit, reader, one)
        tags = await store_labels.tags(visit, reader, parcels) if parcels else {}
        accounts = await tracking.accounts.everything(reader)
        place = await locations.get(reader, one.location_id)
        done = one.state in {State.CLOSED, State.CANCELLED}
        upcoming = await store_next.after(visit, reader, one.location_id) if done else None
    fields = visit.fields() if visit.given is not None else None
    others = one.assignee and one.assignee != visit.principal.actor and one.state is State.IN_PROGRESS
    taken = isinstance(problem, SomebodyElse)
    collected = one.method in COLLECTED
    answer = visit.respond(
        "store/pack.html",
        status=refusal.status if refusal else 503 if problem else 200,
        one=one,
        task=store_desk.task(visit, one, people),
        stamp=store_desk.stamp(visit, one),
        elsewhere=elsewhere,
        loose=loose,
        names=names,
        weight=weight,
        cartons=[(carton.code, carton.name) for carton in cartons],
        proposed=_proposed(visit, one, fit, names),
        boxes=[_box(parcel, one, tags[parcel.id]) for parcel in parcels],
        to_pick=one.quantity - one.picked,
        carriers=sorted({service.code for service in services if service.active}),
        collected=collected,
        abroad=not collected and customs.crosses(place.country, one.country),
        buys=store_labels.anybody(accounts, services) and not collected,
        now_label=visit.param("label"),
        scan_box=fields.raw("parcel") if fields else visit.param("scan"),
        active=one.state in {State.OPEN, State.SCHEDULED, State.IN_PROGRESS, State.INCOMPLETE},
        others=people[one.assignee] if others or taken else "",
        refused=problem_words(visit, problem) if problem and not taken else "",
        abandon=fields.raw("parcel") if fields and refusal and refusal.code == "label_not_taken_back" else "",
        typed=fields.values if fields and problem else {},
        action=f"/store/pack/{store_desk.text_of(one.id)}",
        papers=f"/store/papers/{store_desk.text_of(one.id)}",
        may_act=visit.may(Permission.FULFIL),
        may_set=visit.may(Permission.ROUTING_WRITE),
        upcoming=upcoming,
    )
    return store_desk.with_camera(answer)


def _box(parcel: Parcel, one: Fulfilment, tag: Tag) -> Box:
    inside, out = (store_recalled.units_of(one, units) for units in (parcel.lines, parcel.recalled))
    return Box(parcel, to_text(PARCEL_PREFIX, parcel.id), inside, tag, out)


def _proposed(visit: Visit, one: Fulfilment, fit: Fitting | None, names: Goods) -> Proposed:
    if fit is None or not fit.proposal.boxes:
        return Proposed()
    skus = {line.line_no: line.sku for line in one.lines}

    def pieces(shares: Sequence[tuple[int, int]]) -> int:
        return sum(1 if names.is_weighed(skus[no]) else quantity for no, quantity in shares)

    boxes = [
        (
            box.carton.name if box.carton else visit.say(N_("Without a carton")),
            visit.says("%(num)s unit", "%(num)s units", pieces(box.shares)),
        )
        for box in fit.proposal.boxes
    ]
    first = fit.proposal.boxes[0]
    return Proposed(
        tuple(boxes),
        ", ".join(names[sku] for sku in fit.proposal.guessed),
        dict(first.shares),
        first.carton.code if first.carton else "",
        0 if fit.proposal.unweighed else first.weight,
    )


@area.post("/store/pack/{fulfilment_id:str}/{step:str}", Permission.FULFIL)
async def take_step(visit: Visit) -> Answer:
    fulfilment_id, step, fields = store_desk.id_of(visit), visit.path("step"), visit.fields()
    if step not in _STEPS:
        raise NotFound(kind="page", id=step)

    async def work(tx: Tx) -> Done:
        if step in store_recalled.STEPS:
            words, label = await store_recalled.take(visit, tx, step, fulfilment_id, fields), ""
        else:
            words, label = await _taken(visit, tx, step, fulfilment_id, fields)
        after = await fulfilment.get(tx, fulfilment_id)
        if step == "hand-over":
            await visit.record(tx, "fulfilment.hand_over", store_desk.text_of(fulfilment_id), {"number": after.number})
        elif step == "ready":
            await visit.record(tx, "fulfilment.ready", store_desk.text_of(fulfilment_id), {"number": after.number})
        href = store_desk.page_of(after) if after.stage is Stage.READY else f"/store/pack/{store_desk.text_of(after.id)}"
        return Done(f"{href}?label={label}" if label and after.method not in COLLECTED else href, words)

    try:
        if step == "open":
            await _label_back(visit, fields)
        elif step in store_recalled.STEPS:
            await store_recalled.before(visit, fields)
        return await visit.act(work)
    except Refusal as refusal:
        return await _show(visit, fulfilment_id, refusal)
    except Fault as fault:
        if step not in {"open", *store_recalled.STEPS} or fault.code in {"database_unavailable", "contended"}:
            raise
        return await _show(visit, fulfilment_id, fault)


async def _label_back(visit: Visit, fields: Fields) -> None:
    """Before a box is opened, its label is given back; the carrier is asked outside of any transaction."""
    parcel_id = ParcelId(fields.id("parcel", PARCEL_PREFIX))
    fields.done()
    desk = visit.console.services.parcels
    await without_label(desk, visit.database, parcel_id, visit.context, abandon=fields.checked("abandon"))


async def _taken(visit: Visit, tx: Tx, step: str, fulfilment_id: FulfilmentId, fields: Fields) -> tuple[str, str]:
    """What was done, in words, and the box whose label comes next."""
    match step:
        case "begin":
            await fulfilment.begin(tx, fulfilment_id, take_over=fields.checked("take_over"))
            return visit.say(N_("It is yours now.")), ""
        case "box":
            one = await fulfilment.get(tx, fulfilment_id)
            parcel = await fulfilment.pack(tx, fulfilment_id, await boxing.completed(tx, one, _draft(fields)))
            return visit.say(N_("Box %(number)s is packed."), number=parcel.number), to_text(PARCEL_PREFIX, parcel.id)
        case "proposed":
            return await _as_proposed(visit, tx, fulfilment_id)
        case "open":
            parcel_id = ParcelId(fields.id("parcel", PARCEL_PREFIX))
            await unpack(tx, fulfilment_id, parcel_id, abandon=fields.checked("abandon"))
            return visit.say(N_("The box is open again.")), ""
        case "ready":
            await fulfilment.ready(tx, fulfilment_id)
            return visit.say(N_("It is ready to collect.")), ""
        case _:
            return await _handed_over(visit, tx, fulfilment_id, fields)


async def _handed_over(visit: Visit, tx: Tx, fulfilment_id: FulfilmentId, fields: Fields) -> tuple[str, str]:
    there = await fulfilment.parcels(tx, [fulfilment_id])
    here = [one for one in there if one.shipment_id is None and not one.recalled]
    if not here:
        fulfilment.require_wanted(there)
    typed = tracking_of(fields, here)
    fields.done()
    leaving = await carried(tx, fulfilment_id, typed, labels_needed=False)
    await lots.require_not_recalled(tx, fulfilment_id)
    _, shipments = await fulfilment.hand_over(tx, fulfilment_id, leaving)
    return visit.says("%(num)s box has left.", "%(num)s boxes have left.", len(shipments)), ""


async def _as_proposed(visit: Visit, tx: Tx, fulfilment_id: FulfilmentId) -> tuple[str, str]:
    one = await fulfilment.get(tx, fulfilment_id)
    fit = await boxing.fitting(tx, one, picked_only=True)
    packed = [await fulfilment.pack(tx, one.id, draft) for draft in fit.drafts]
    if not packed:  # somebody has packed it meanwhile, or switched the cartons off
        packed = [await fulfilment.pack(tx, one.id)]
    words = visit.says("%(num)s box is packed as proposed.", "%(num)s boxes are packed as proposed.", len(packed))
    return words, to_text(PARCEL_PREFIX, packed[0].id)


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


def tracking_of(fields: Fields, here: Sequence[Parcel]) -> Mapping[ParcelId, Tracking]:
    """The numbers that were typed for boxes without a label of a carrier's."""
    carrier = fields.text("carrier", most=64)
    return {
        one.id: Tracking(carrier, fields.text(f"tracking:{to_text(PARCEL_PREFIX, one.id)}", most=MOST_TRACKING)) for one in here
    }


async def boxes_of(visit: Visit, reader: Reader, parcels: Sequence[Parcel]) -> dict[ParcelId, Box]:
    """With their labels, without what is in them."""
    tags = await store_labels.tags(visit, reader, parcels) if parcels else {}
    return {one.id: Box(one, to_text(PARCEL_PREFIX, one.id), "", tags[one.id]) for one in parcels}
