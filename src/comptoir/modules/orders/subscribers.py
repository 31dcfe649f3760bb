"""What the order book does when something happens elsewhere, or in itself. Handlers get events in commit order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import Sighting
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import LevelFilter, LevelState, Spot, SpotLevel
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import exceptions, figures, mending, store
from comptoir.modules.orders.contracts import (
    ExceptionKind,
    OrderId,
    OrderLinked,
    PoolOf,
    Resolution,
)
from comptoir.modules.orders.exceptions import Opening
from comptoir.modules.orders.stopping import review_stops
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded
from comptoir.sdk.orders import Buyer

_CHANGED = frozenset({"order.cancelled", "order.released", "order.rejected", "order.moved", "order.shipped", "order.updated"})
_LOOKED_AT = (*sorted(_CHANGED), "stock.short", "stock.received", "stock.loaded", "stock.counted", "product.changed")
_SWEEP = 200
"""How many exceptions, SKUs or lines one sweep looks at."""


def consumers(pool_of: PoolOf) -> tuple[Consumer, ...]:
    """The consumers of the order book. `pool_of` says which locations a channel sells from."""

    async def promises(tx: Tx, events: list[Recorded]) -> None:
        await keep_promises(tx, events, pool_of)

    return (
        Consumer("orders.promises", dict.fromkeys(_LOOKED_AT, promises), batch=100),
        Consumer(figures.CONSUMER, {"order.*": figures.roll_up}, start="beginning"),
        Consumer("orders.customers", {"order.placed": link_customers}),
    )


async def keep_promises(tx: Tx, events: Sequence[Recorded], pool_of: PoolOf) -> None:
    """Mends what facts have broken, gives out what has come in, and closes exceptions that are none any more.

    All that a batch tells is looked at together, so that orders are locked before levels.
    """
    told = _Told()
    for event in events:
        told.note(event)
    if told.loaded:
        told.spots |= await _everywhere(tx, pool_of)
    if told.changed:
        await _review_parked(tx, told.changed)
        await review_stops(tx, told.changed)
        for one in await store.open_of_orders(tx, ExceptionKind.SHORTFALL, sorted(told.changed)):
            if one.sku is not None and one.location_id is not None:
                told.spots.add((one.sku, one.location_id))
    await mending.put_right(tx, told.spots, pool_of)
    await _review_negative(tx, told.counted, told.spots)
    if told.known:
        for one in await store.open_of_skus(tx, ExceptionKind.UNKNOWN_SKU, sorted(told.known)):
            await exceptions.close(tx, one, Resolution.IDENTIFIED)


@dataclass(slots=True)
class _Told:
    """What a batch of events says that the order book has to look at."""

    spots: set[Spot] = field(default_factory=set[Spot])
    counted: set[LocationId] = field(default_factory=set[LocationId])
    known: set[str] = field(default_factory=set[str])
    changed: set[OrderId] = field(default_factory=set[OrderId])
    loaded: bool = False

    def note(self, event: Recorded) -> None:
        data = event.data
        match event.type:
            case "stock.short":
                self.spots.add((str(data["sku"]), _location(data)))
            case "stock.received":
                self.spots.update((sku, _location(data)) for sku in _texts(data["skus"]))
            case "stock.loaded":
                self.loaded = True
            case "stock.counted":
                self.counted.add(_location(data))
            case "product.changed":
                self.known.update(_texts(data["skus"]))
            case _ if event.type in _CHANGED and event.subject is not None:
                self.changed.add(OrderId(event.subject))
            case _:
                pass


def _location(data: Mapping[str, object]) -> LocationId:
    return LocationId(UUID(str(data["location_id"])))


def _texts(value: object) -> list[str]:
    return msgspec.convert(value, list[str])


async def _everywhere(tx: Tx, pool_of: PoolOf) -> set[Spot]:
    """Wherever there is something of the SKUs that are waited for."""
    pools = mending.Pools(tx, pool_of)
    skus = await store.waiting_skus(tx, "", _SWEEP)
    found: set[Spot] = set()
    waiting = await store.waiting_channels(tx, skus) if skus else []
    for sku, channel in waiting:
        found.update(
            (sku, location) for _, location, _ in await inventory.available_in_pool(tx, [sku], await pools.of(channel))
        )
    return found


async def _review_parked(tx: Tx, changed: Iterable[OrderId]) -> None:
    """What has left, was cancelled or has a place again is no longer parked."""
    parked = await store.open_of_orders(tx, ExceptionKind.UNROUTABLE, sorted(changed))
    if not parked:
        return
    opened = await store.open_orders(tx, sorted({one.order_id for one in parked if one.order_id is not None}))
    for one in parked:
        order = None if one.order_id is None else opened.get(one.order_id)
        line = None if order is None else next((line for line in order.lines if line.line_no == one.line_no), None)
        if line is None:
            await exceptions.close(tx, one, Resolution.CANCELLED)


async def _review_negative(tx: Tx, counted: Iterable[LocationId], changed: Iterable[Spot]) -> None:
    for location in sorted(counted):
        found = await store.open_at_location(tx, ExceptionKind.NEGATIVE_STOCK, location)
        await exceptions.review_negative(tx, found, Resolution.COUNTED)
    spots = sorted(changed)
    if spots:
        found = await store.open_at_spots(tx, ExceptionKind.NEGATIVE_STOCK, spots)
        await exceptions.review_negative(tx, found, Resolution.FILLED)


async def link_customers(tx: Tx, events: Sequence[Recorded]) -> None:
    """Recognises the buyers of new orders that came without a customer."""
    ids = sorted({event.subject for event in events if event.subject is not None})
    strangers = await store.strangers(tx, ids)
    if not strangers:
        return
    sightings = [Sighting(msgspec.convert(one.buyer, Buyer), one.channel_code, one.country) for one in strangers]
    found = await customers.recognise_many(tx, sightings)
    links = [(one.order_id, customer) for one, customer in zip(strangers, found, strict=True) if customer is not None]
    for linked in await store.link(tx, links) if links else []:
        tx.emit(
            OrderLinked(
                order_id=linked.order_id, number=linked.number, channel=linked.channel_code, customer_id=linked.customer_id
            )
        )


async def review(tx: Tx, pool_of: PoolOf) -> None:
    """Looks again at what is open and at who waits, whatever the events have said. To be run every few minutes."""
    shortfalls = await store.oldest_open(tx, ExceptionKind.SHORTFALL, _SWEEP)
    spots = {(one.sku, one.location_id) for one in shortfalls if one.sku is not None and one.location_id is not None}
    spots |= {one.spot for one in await _levels(tx, LevelState.OVERSOLD)}
    await mending.put_right(tx, spots | await _everywhere(tx, pool_of), pool_of)
    negative = await _levels(tx, LevelState.NEGATIVE)
    if negative:
        await exceptions.note_negative(tx, await inventory.lock_levels(tx, sorted(one.spot for one in negative)))
    open_now = await store.oldest_open(tx, ExceptionKind.NEGATIVE_STOCK, _SWEEP)
    await exceptions.review_negative(tx, open_now, Resolution.FILLED)


async def _levels(tx: Tx, state: LevelState) -> list[SpotLevel]:
    return (await inventory.find_levels(tx, LevelFilter(state=state), limit=_SWEEP)).items


async def review_backorders(tx: Tx, pool_of: PoolOf, patience: timedelta = timedelta(days=14)) -> int:
    """Opens an exception for each line that has waited longer than `patience` and for whose SKU nothing is promised from today
    on; closes those of lines that wait no longer. Gives how many are new. To be run every day.
    """
    for exception_id in await store.served_overdue(tx, _SWEEP):
        await exceptions.close(tx, await exceptions.get(tx, exception_id), Resolution.FILLED)
    late = await store.waiting_since(tx, tx.now - patience, _SWEEP)
    expected = await _expected(tx, {one.sku for one in late}, tx.now)
    pools = mending.Pools(tx, pool_of)
    overdue = [one for one in late if not expected.get(one.sku, set()) & set(await pools.of(one.channel_id))]
    opened = await exceptions.open_exceptions(
        tx,
        [Opening(ExceptionKind.OVERDUE_BACKORDER, one.order_id, one.line_no, one.sku, None, one.units) for one in overdue],
    )
    return len(opened)


async def _expected(tx: Tx, skus: Iterable[str], now: datetime) -> dict[str, set[LocationId]]:
    """Where something of these SKUs is promised for today or later, or is on the road."""
    found: dict[str, set[LocationId]] = {}
    wanted = sorted(skus)
    if wanted:
        for sku, arrivals in (await inventory.incoming(tx, wanted)).items():
            found[sku] = {a.location_id for a in arrivals if a.expected_on is None or a.expected_on >= now.date()}
    return found
