"""What is not wanted any more and lies in a box: the box is opened, it is taken out, and the rest leaves.

What is `packed` and has not `gone` is what is wanted of the boxes that are still here. Units that nobody wants any more stay
written down in their box beside these, until somebody says that they are out: until then the box does not leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentId, FulfilmentLine, Method, Parcel
from comptoir.modules.fulfilment.domain import out_of_boxes
from comptoir.modules.fulfilment.errors import BoxRecalled
from comptoir.modules.fulfilment.store import boxes as store
from comptoir.modules.fulfilment.store import work
from comptoir.modules.orders import api as orders
from comptoir.runtime.database import Tx

Units = Mapping[int, int]
"""By line."""
_CARRIED = (Method.SHIP, Method.SEND_TO_STORE)


@dataclass(frozen=True, slots=True)
class InHand:
    """Units that somebody had in hand when they were taken away, by line; `boxed` are those of them that were in boxes."""

    units: dict[int, int] = field(default_factory=dict[int, int])
    boxed: dict[int, int] = field(default_factory=dict[int, int])


def noted(line: FulfilmentLine, after: FulfilmentLine, taken: InHand) -> FulfilmentLine:
    """Notes what of a line was in hand and in boxes before it became smaller; gives the line as it is then."""
    if line.picked > after.picked:
        taken.units[line.line_no] = line.picked - after.picked
    if line.packed > after.packed:
        taken.boxed[line.line_no] = line.packed - after.packed
    return after


async def _here(tx: Tx, fulfilment_id: FulfilmentId) -> list[Parcel]:
    return [box for box in await work.parcels(tx, [fulfilment_id]) if box.shipment_id is None]


async def recall(tx: Tx, one: Fulfilment, boxed: Units) -> list[tuple[Parcel, dict[int, int]]]:
    """These units of what is packed are not wanted any more: in which boxes they are.

    What a carrier would take is marked as to be opened. What lies at a counter is not: it is put back from there.
    """
    if not boxed:
        return []
    here = await _here(tx, one.id)
    inside = out_of_boxes(here, boxed)
    if one.method in _CARRIED:
        await store.recall(tx, inside)
    else:
        await store.take(tx, inside, recalled=False)
    return [(box, inside[box.id]) for box in here if box.id in inside]


async def left_past(tx: Tx, one: Fulfilment, boxed: Units) -> None:
    """These units of what is packed have left without a word to us. Boxes of which nothing is left here have left with them."""
    here = await _here(tx, one.id)
    inside = out_of_boxes(here, boxed)
    gone = [box for box in here if not box.recalled and dict(box.lines) == inside.get(box.id)]
    if one.method is Method.SHIP and gone:
        await _left_with(tx, one, gone)
        inside = {key: units for key, units in inside.items() if key not in {box.id for box in gone}}
    if inside:
        await store.take(tx, inside, recalled=False)


async def _left_with(tx: Tx, one: Fulfilment, gone: Sequence[Parcel]) -> None:
    """The last shipment from there is with what they left; a channel may have told of none."""
    sent = [s for s in (await orders.get(tx, one.order_id)).shipments if s.location_id == one.location_id]
    for box in gone:
        found = next((s for s in reversed(sent) if {line.line_no for line in s.lines} >= {no for no, _ in box.lines}), None)
        if found is None:
            await store.take(tx, {box.id: dict(box.lines)}, recalled=False)
        else:
            await work.parcel_left(tx, box.id, found.id, found.carrier, found.tracking_number, found.tracking_url)


async def reduce(tx: Tx, one: Fulfilment, boxed: Units) -> None:
    """Somebody has taken these units out of their boxes already."""
    if boxed:
        await store.take(tx, out_of_boxes(await _here(tx, one.id), boxed), recalled=False)


def require_wanted(boxes: Iterable[Parcel]) -> None:
    """Raises BoxRecalled where one of them is to be opened before it leaves."""
    recalled = [box.id for box in boxes if box.recalled]
    if recalled:
        raise BoxRecalled(parcel_ids=recalled)


async def take_out(tx: Tx, one: Fulfilment, box: Parcel, units: Units) -> Parcel | None:
    """These recalled units are out of their box, which weighs so much less; None where nothing is in it any more."""
    await store.take(tx, {box.id: units}, recalled=True)
    after = next(iter(await work.some_parcels(tx, [box.id])), None)
    if after is not None and after.weight:
        skus = {line.line_no: line.sku for line in one.lines}
        goods = await catalogue.goods(tx, sorted({skus[no] for no in units if no in skus}))
        less = sum(goods[skus[no]].weighs(quantity) for no, quantity in units.items() if skus.get(no) in goods)
        await store.weigh(tx, box.id, max(1, after.weight - less))
        (after,) = await work.some_parcels(tx, [box.id])
    return after


def shelf_of(one: Fulfilment, box: Parcel) -> str:
    """Where units lie that are to be taken out of a box."""
    return f"F{one.number}-{box.number}"
