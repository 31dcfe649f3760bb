"""What was sent to a counter past our own hand-over: by the API, from the page of an order, by another system.

The counter receives it like what we hand over ourselves: the box with its number is written down where it left, and the units
become work of the counter. A shipment is written down once: its box says which it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from comptoir.kernel.ids import uuid7
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentId,
    FulfilmentLine,
    LineUnits,
    Method,
    ParcelDraft,
    ParcelId,
    State,
)
from comptoir.modules.fulfilment.forwarding import announce
from comptoir.modules.fulfilment.store import work
from comptoir.modules.fulfilment.store.work import NewFulfilment
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Departure, LineQuantity, Order, ShipmentId
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded

_SENT = "order.shipped"


async def receive_elsewhere(tx: Tx, events: Sequence[Recorded]) -> None:
    """Announces to counters what has left for them and nobody has announced."""
    left = {ShipmentId(msgspec.convert(one.data["shipment_id"], ShipmentId)): one for one in events if one.type == _SENT}
    if not left:
        return
    bound = [
        one
        for one in await orders.departures(tx, sorted(left))
        if one.pickup_location_id is not None and one.pickup_location_id != one.location_id
    ]
    known = await work.known_shipments(tx, [one.order_id for one in bound]) if bound else set[ShipmentId]()
    for one in bound:
        if one.id not in known:
            await _announce(tx, one, _units(left[one.id]))


def _units(event: Recorded) -> Counter[int]:
    parts = msgspec.convert(event.data["lines"], list[LineQuantity])
    return Counter({part.line_no: part.quantity for part in parts})


async def _announce(tx: Tx, one: Departure, units: Counter[int]) -> None:
    order = await orders.order(tx, one.order_id)
    goods = {line.line_no for line in order.lines if line.stocked and line.sku is not None}
    sent = Counter({line_no: quantity for line_no, quantity in units.items() if line_no in goods})
    if not sent or order.service != Service.PICKUP or one.pickup_location_id is None:
        return
    origin = await _origin(tx, one, order, sent)
    if origin is None:
        return
    number = 1 + max((box.number for box in await work.parcels(tx, [origin.id])), default=0)
    parcel_id = ParcelId(uuid7())
    inside = tuple([LineUnits(line_no, quantity) for line_no, quantity in sorted(sent.items())])
    await work.insert_parcel(tx, parcel_id, origin.id, number, ParcelDraft(lines=inside))
    await work.parcel_left(tx, parcel_id, one.id, one.carrier, one.tracking_number, one.tracking_url)
    await announce(tx, origin, sent, one.pickup_location_id)


async def _origin(tx: Tx, one: Departure, order: Order, sent: Mapping[int, int]) -> Fulfilment | None:
    """The work that this was where it left, or what it would have been. None for what only a channel tells without a number: it
    may be long over.
    """
    there = [
        other
        for other in await work.of_orders(tx, [one.order_id], lock=True)
        if other.location_id == one.location_id and other.method is Method.SEND_TO_STORE
    ]
    for other in reversed(there):
        if set(sent) <= {line.line_no for line in other.lines}:
            return other
    return await _made(tx, one, order, sent) if one.tracking_number else None


async def _made(tx: Tx, one: Departure, order: Order, sent: Mapping[int, int]) -> Fulfilment:
    lines = tuple(
        [
            FulfilmentLine(line.line_no, line.sku or "", line.name or "", sent[line.line_no])
            for line in order.lines
            if line.line_no in sent
        ]
    )
    there, buyer = order.ship_to or {}, order.buyer or {}
    new = NewFulfilment(
        id=FulfilmentId(uuid7()),
        order_id=order.id,
        order_number=order.number,
        channel_code=order.channel_code,
        location_id=one.location_id,
        state=State.CLOSED,
        method=Method.SEND_TO_STORE,
        service=order.service,
        hold_reason=None,
        carrier=one.carrier,
        leaves_by=None,
        arrives_on=None,
        promised_on=order.promised_on,
        answer_by=None,
        release_at=None,
        recipient=str(there.get("name") or buyer.get("name") or ""),
        city=str(there.get("city") or ""),
        country=str(there.get("country") or ""),
        placed_at=order.placed_at,
        lines=lines,
    )
    await work.insert(tx, [new])
    gone = [
        FulfilmentLine(line.line_no, line.sku, line.name, line.quantity, line.quantity, line.quantity, line.quantity)
        for line in lines
    ]
    await work.put_lines(tx, [(new.id, line) for line in gone])
    await work.put(tx, [new.id], {"closed_at": tx.now})
    (made,) = [other for other in await work.of_orders(tx, [order.id]) if other.id == new.id]
    return made
