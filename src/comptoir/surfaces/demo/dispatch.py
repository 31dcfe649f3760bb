"""Sending what was ordered: a day after it was placed, in the data's time, a parcel leaves from each place that holds some."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderFilter, OrderId, Tracking
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.demo.dropping import dropped
from comptoir.surfaces.demo.furnishing import LIVELY
from comptoir.surfaces.demo.plan import Plan
from comptoir.surfaces.demo.stream import Basket, Channel

AFTER = timedelta(hours=22)
"""So long after it was placed an order is sent."""
REMOTE = tuple(channel for channel in Channel if channel is not Channel.POS)

CARRIER = "ground"
"""The code of the service by table rates that the demo sends with."""
_COLLECTED = "Collected"


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


class People:
    """Which orders the people of the demo bring to their end themselves, while somebody watches: what is collected at a lively
    store, whose buyers come when they come, and what a supplier has a part in.
    """

    def __init__(self, plan: Plan) -> None:
        self._theirs = dropped(plan.year, plan.catalogue)
        self._lively = frozenset(index for index, place in enumerate(plan.stores) if place.rank <= LIVELY)

    def see_to(self, basket: Basket) -> bool:
        if basket.pickup:
            return basket.store in self._lively
        return any(self._theirs[line.product] for line in basket.lines)


async def send(tx: Tx, parcels: Sequence[tuple[Basket, OrderId]]) -> None:
    """Ships whatever these orders hold, from where it is promised; what waits for stock stays."""
    await orders.ship_all(tx, {order_id: _tracking(basket) for basket, order_id in parcels})


def _tracking(basket: Basket) -> Tracking:
    return Tracking(_COLLECTED) if basket.pickup else Tracking(CARRIER, f"DP{basket.number}")
