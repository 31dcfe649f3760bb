"""Sending what was ordered: a day after it was placed, in the data's time, a parcel leaves from each place that holds some."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Fact, OrderFilter, OrderId
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.demo.stream import Basket, Channel

AFTER = timedelta(hours=22)
"""So long after it was placed an order is sent."""
REMOTE = tuple(channel for channel in Channel if channel is not Channel.POS)

_CARRIER, _COLLECTED = "Demo Parcel", "Collected"


class Waiting:
    """The ids of the orders that have been placed and not sent, by their channel's own id."""

    def __init__(self) -> None:
        self._ids: dict[str, OrderId] = {}

    def add(self, external_id: str, order_id: OrderId) -> None:
        self._ids[external_id] = order_id

    def find(self, external_id: str) -> OrderId | None:
        return self._ids.get(external_id)

    def forget(self, external_id: str) -> None:
        self._ids.pop(external_id, None)

    async def recall(self, reader: Reader, since: float, until: float) -> None:
        """Reads from the book what was placed in that time (seconds since 1970): for a player that has just started."""
        wanted = OrderFilter(
            channels=tuple(channel.value for channel in REMOTE),
            placed_from=datetime.fromtimestamp(since, UTC),
            placed_before=datetime.fromtimestamp(until + 1, UTC),
        )
        async for order in orders.stream(reader, wanted, sort="placed"):
            if order.external_id is not None:
                self._ids[order.external_id] = order.id


async def send(tx: Tx, parcels: Sequence[tuple[Basket, OrderId]], told: Sequence[Fact]) -> None:
    """Ships whatever these orders hold, from where it is promised; what waits for stock stays. What the marketplace has sent,
    it has `told`.

    All locks are taken first, orders before levels and each in their order, as everybody does who locks many.
    """
    for order_id in sorted(order_id for _, order_id in parcels):
        await orders.load(tx, order_id)
    held: dict[OrderId, set[LocationId]] = {}
    reservations = await inventory.reservations_of(tx, [order_id for _, order_id in parcels])
    for reservation in reservations:
        held.setdefault(OrderId(reservation.promise_id), set()).add(reservation.location_id)
    if reservations:
        await inventory.lock_levels(tx, sorted({(r.sku, r.location_id) for r in reservations}))
    if told:
        await orders.record(tx, told)
    for basket, order_id in parcels:
        if basket.channel is Channel.MARKETPLACE:
            continue
        for location in sorted(held.get(order_id, ())):
            await orders.ship(
                tx,
                order_id,
                location,
                None,
                carrier=_COLLECTED if basket.pickup else _CARRIER,
                tracking_number="" if basket.pickup else f"DP{basket.number}",
            )
