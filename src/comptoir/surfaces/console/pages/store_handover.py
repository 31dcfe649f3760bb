"""Handing over: labels are scanned one by one, and what is ticked leaves; what may not stays, and is named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from comptoir.i18n import N_
from comptoir.kernel.errors import Refusal
from comptoir.kernel.ids import from_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    FULFILMENT_PREFIX,
    PARCEL_PREFIX,
    FulfilmentId,
    Parcel,
    ParcelId,
)
from comptoir.modules.fulfilment.errors import BoxRecalled, NotInThatState, NotPicked
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.errors import LotRecalled
from comptoir.modules.orders.contracts import Tracking
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces import handing
from comptoir.surfaces.console.forms import Fields, FormRefused
from comptoir.surfaces.console.pages import store_desk, store_recalled, store_van
from comptoir.surfaces.console.pages.carrier_words import problem_words
from comptoir.surfaces.console.pages.store_pack import tracking_of
from comptoir.surfaces.console.pages.store_pick import is_scan
from comptoir.surfaces.console.pages.store_van import Stayed
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.sending import carried

area = Area("store")


@area.get("/store/out", Permission.ORDERS_READ)
async def out_list(visit: Visit) -> Answer:
    return await store_van.show(visit)


# Scanning


@area.post("/store/out/scan", Permission.FULFIL)
async def scan(visit: Visit) -> Answer:
    """Reads the label of a parcel and marks its box; what is marked already is marked still."""
    code = visit.fields().text("code", most=200)
    async with visit.read() as reader:
        here = await store_van.waiting(visit, reader)
        stop = await store_recalled.scanned(reader, here.place.id, code) if here and code else None
    if here is None:
        return store_desk.choose_first(visit)
    if stop is not None:
        return await store_van.show(visit, stop=stop)
    found = handing.read(code, here.parcels, here.works, here.labels) if code else []
    if not found:
        words = visit.say(N_("No box here has this label: %(code)s"), code=code[:80])
        return await store_van.show(visit, words, 404)

    async def work(tx: Tx) -> Done:
        await fulfilment.mark(tx, found)
        names = [here.boxes[key] for key in found]
        first = here.works[names[0].parcel.fulfilment_id]
        number = f"F{first.number}-{names[0].parcel.number}" if len(names) == 1 else f"F{first.number}"
        return Done("/store/out", visit.say(N_("Goes along: %(number)s, %(name)s"), number=number, name=first.recipient))

    done = await visit.once(work)
    return await store_van.show(visit, said=done) if is_scan(visit) else visit.finish(done)


@area.post("/store/out/unmark", Permission.FULFIL)
async def unmark(visit: Visit) -> Answer:
    """Nothing has been read: begins anew."""
    async with visit.read() as reader:
        here = await store_van.waiting(visit, reader)
    if here is None:
        return store_desk.choose_first(visit)

    async def work(tx: Tx) -> Done:
        await fulfilment.mark(tx, [one.id for one in here.parcels], marked=False)
        return Done("/store/out", visit.say(N_("No box is marked any more.")))

    return await visit.act(work)


# Handing over


@area.post("/store/out", Permission.FULFIL)
async def hand_over_several(visit: Visit) -> Answer:
    fields = visit.fields()
    here = await _chosen(visit, fields)
    chosen: dict[FulfilmentId, set[ParcelId]] = defaultdict(set)
    for one in here:
        chosen[one.fulfilment_id].add(one.id)
    if not chosen:
        return await store_van.show(visit, visit.say(N_("Tick what the carrier takes along.")))

    left = 0
    stayed: list[Stayed] = []
    for one_id in sorted(chosen):
        try:
            typed = tracking_of(fields, [one for one in here if one.id in chosen[one_id]])
            fields.done()
            left += await _handed_over(visit, one_id, chosen[one_id], typed)
        except FormRefused as refusal:
            return await store_van.show(visit, problem_words(visit, refusal), left=left)
        except Refusal as refusal:
            stayed.append(await _stayed(visit, one_id, refusal))
    if stayed:
        return await store_van.show(visit, left=left, stayed=stayed)
    return visit.finish(Done("/store/out", visit.says("%(num)s box has left.", "%(num)s boxes have left.", left)))


async def _handed_over(visit: Visit, one_id: FulfilmentId, chosen: set[ParcelId], typed: Mapping[ParcelId, Tracking]) -> int:
    """How many boxes have left. Each order leaves by itself: one that may not keeps none of the others here."""

    async def work(tx: Tx) -> Done:
        there = await fulfilment.parcels(tx, [one_id])
        own = {one.id: typed[one.id] for one in there if one.id in chosen and one.shipment_id is None and one.id in typed}
        if not own:
            return Done("/store/out", "", detail="0")  # somebody else has handed it over a moment ago
        leaving = await carried(tx, one_id, own, labels_needed=False)
        await lots.require_not_recalled(tx, one_id)
        after, shipments = await fulfilment.hand_over(tx, one_id, leaving)
        await visit.record(tx, "fulfilment.hand_over", store_desk.text_of(one_id), {"number": after.number})
        return Done("/store/out", "", detail=str(len(shipments)))

    return int((await visit.once(work, f":{one_id.hex}")).detail)


_TODO: Mapping[type[Refusal], str] = {
    BoxRecalled: N_("Take it off the van, open it and take out what was cancelled."),
    LotRecalled: N_("Take it off the van, open it and put back what is recalled."),
    NotPicked: N_("Keep it here until all of it is packed."),
    NotInThatState: N_("Take it off the van: it is not to be sent any more."),
}


async def _stayed(visit: Visit, one_id: FulfilmentId, refusal: Refusal) -> Stayed:
    async with visit.read() as reader:
        one = await fulfilment.get(reader, one_id)
    todo = next(
        (words for kind, words in _TODO.items() if isinstance(refusal, kind)), N_("Take it off the van and look at it.")
    )
    name = f"F{one.number} {one.recipient}".strip()
    return Stayed(name, problem_words(visit, refusal), visit.say(todo), f"/store/pack/{store_desk.text_of(one_id)}")


async def _chosen(visit: Visit, fields: Fields) -> list[Parcel]:
    """The boxes that are ticked; a fulfilment order that is ticked means all of its boxes."""
    parcel_ids = [ParcelId(key) for key in _ids(fields, "box", PARCEL_PREFIX)]
    whole = [FulfilmentId(key) for key in _ids(fields, "chosen", FULFILMENT_PREFIX)]
    async with visit.read() as reader:
        boxes = await fulfilment.some_parcels(reader, parcel_ids) if parcel_ids else []
        boxes += await fulfilment.parcels(reader, whole) if whole else []
    return boxes


def _ids(fields: Fields, name: str, prefix: str) -> list[UUID]:
    found: list[UUID] = []
    for text in fields.all(name):
        try:
            found.append(from_text(prefix, text))
        except ValueError:
            fields.refuse(name, N_("Choose one."))
    return found
