"""Putting right what facts have broken, and giving out what has come in.

Level-triggered: every step looks at the levels as they are under lock, so that doing it twice, late, or for nothing changes
nothing. Locks are taken in the order that everybody keeps to: orders by id, cart holds by id, levels by key, then exceptions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import HoldId, Level, Reservation, Spot, StockReceived, StockShort
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import exceptions, lifecycle, store
from comptoir.modules.orders.contracts import (
    ChannelId,
    ExceptionId,
    ExceptionKind,
    LineQuantity,
    Order,
    OrderException,
    OrderId,
    OrderLine,
    Place,
    PoolOf,
    Resolution,
)
from comptoir.modules.orders.domain import senders
from comptoir.modules.orders.errors import NotThatKind
from comptoir.modules.orders.exceptions import Opening
from comptoir.modules.orders.store.waiting import Waiting
from comptoir.runtime.database import Reader, Tx

_OTHERS = 8
"""How many other locations are worth a lock for each SKU that is short."""
_PROMISES = 100
"""How many promises one transaction mends, or serves, for one SKU and location; the others are the next one's."""


class Pools:
    """The pools of channels, each asked for once."""

    def __init__(self, reader: Reader, pool_of: PoolOf) -> None:
        self._reader = reader
        self._pool_of = pool_of
        self._known: dict[ChannelId, tuple[Place, ...]] = {}

    async def of(self, channel_id: ChannelId) -> tuple[LocationId, ...]:
        return tuple([place.location_id for place in await self._places(channel_id)])

    async def senders(self, channel_id: ChannelId) -> tuple[LocationId, ...]:
        """Who may send what another location cannot."""
        return senders(await self._places(channel_id))

    async def _places(self, channel_id: ChannelId) -> tuple[Place, ...]:
        if channel_id not in self._known:
            self._known[channel_id] = tuple(await self._pool_of(self._reader, channel_id))
        return self._known[channel_id]


@dataclass(slots=True)
class _Work:
    """What is to be done in one transaction, and what has been locked for it."""

    pools: Pools
    short: dict[Spot, int] = field(default_factory=dict[Spot, int])
    """How many units are missing, where some are or were."""
    shortfalls: list[OrderException] = field(default_factory=list[OrderException])
    queue: list[tuple[Waiting, Spot]] = field(default_factory=list[tuple[Waiting, Spot]])
    """Who waits for what has come in, and where that is."""
    cut: set[Spot] = field(default_factory=set[Spot])
    """Where more wait than this transaction looks at."""
    asked: set[UUID] = field(default_factory=set[UUID])
    """Whose locks were asked for; `orders` and `holds` are those that are there."""
    orders: dict[OrderId, ChannelId] = field(default_factory=dict[OrderId, ChannelId])
    holds: set[HoldId] = field(default_factory=set[HoldId])
    levels: dict[Spot, Level] = field(default_factory=dict[Spot, Level])
    free: dict[Spot, int] = field(default_factory=dict[Spot, int])


async def put_right(tx: Tx, spots: Collection[Spot], pool_of: PoolOf) -> None:
    """Looks at these spots: mends what is missing there, and gives what is free there to the orders that wait for it.

    Of what is missing, cart holds lose theirs first, then the latest promises: these are moved to the location of their
    channel's pool that has most; what nobody has becomes an exception on its order. Exceptions whose units are there again, or
    have gone another way, are closed.
    """
    if not spots:
        return
    work = _Work(Pools(tx, pool_of))
    free = await _look(tx, work, spots)
    await _line_up(tx, work, free)
    if not work.short and not work.queue:
        return
    await _lock(tx, work)
    for spot in sorted(work.short):
        await _mend(tx, work, spot)
    await _serve(tx, work)


async def _look(tx: Tx, work: _Work, spots: Collection[Spot]) -> list[Spot]:
    """Finds where something is missing or is known to have been, without locks; gives the spots where something is free.

    What is free here may be what is missing elsewhere.
    """
    levels = await inventory.levels_at(tx, list(spots))
    free = [spot for spot, level in levels.items() if level.available > 0]
    work.shortfalls = await store.open_at_spots(tx, ExceptionKind.SHORTFALL, list(spots))
    if free:
        known = {one.id for one in work.shortfalls}
        elsewhere = await store.open_of_skus(tx, ExceptionKind.SHORTFALL, sorted({sku for sku, _ in free}))
        work.shortfalls.extend(one for one in elsewhere if one.id not in known)
    wanted = {(one.sku, one.location_id) for one in work.shortfalls if one.sku is not None and one.location_id is not None}
    levels |= await inventory.levels_at(tx, sorted(wanted - levels.keys())) if wanted - levels.keys() else {}
    work.short = {spot: level.missing for spot, level in levels.items() if level.missing or spot in wanted}
    return free


async def _line_up(tx: Tx, work: _Work, arrived: Collection[Spot]) -> None:
    """Finds who waits for what is free, without locks: the oldest orders of the channels that may sell from there."""
    channels: dict[str, list[ChannelId]] = defaultdict(list)
    if arrived:
        for sku, channel_id in await store.waiting_channels(tx, list({sku for sku, _ in arrived})):
            channels[sku].append(channel_id)
    for sku, location in sorted(spot for spot in arrived if spot[0] in channels):
        sending = [channel for channel in channels[sku] if location in await work.pools.senders(channel)]
        others = [channel for channel in channels[sku] if channel not in sending and location in await work.pools.of(channel)]
        if not sending and not others:
            continue
        waiting = await store.waiting_for(tx, sku, _PROMISES + 1, location, sending=sending, handing_out=others)
        if len(waiting) > _PROMISES:
            work.cut.add((sku, location))
        work.queue.extend((one, (sku, location)) for one in waiting[:_PROMISES])
    work.queue.sort()


async def _lock(tx: Tx, work: _Work) -> None:
    """Locks whoever may lose or win something, then the levels, also those to which promises may be moved."""
    orders: set[OrderId] = {one.order_id for one, _ in work.queue}
    orders.update(one.order_id for one in work.shortfalls if one.order_id is not None)
    holds: set[HoldId] = set()
    told = {(one.order_id, one.line_no, one.sku, one.location_id) for one in work.shortfalls}
    for spot, missing in work.short.items():
        losers = _losers(await inventory.reservations_at(tx, *spot), missing)
        for r in [r for r in losers if (r.promise_id, r.line_no, *spot) not in told][:_PROMISES]:
            if r.hold_until is None:
                orders.add(OrderId(r.promise_id))
            else:
                holds.add(HoldId(r.promise_id))
    work.asked = {*orders, *holds}
    work.orders = await store.lock(tx, sorted(orders))
    work.holds = {HoldId(i) for i in await inventory.lock_holds(tx, sorted(holds))} if holds else set()
    spots = set(work.short) | {spot for _, spot in work.queue}
    spots |= await _others(tx, work)
    work.levels = await inventory.lock_levels(tx, sorted(spots))
    work.free = {spot: level.available for spot, level in work.levels.items()}


def _losers(reservations: Sequence[Reservation], missing: int) -> list[Reservation]:
    """Who gives way when so many units are missing: cart holds, then the latest promises, which `reservations` has first."""
    found: list[Reservation] = []
    for r in sorted(reservations, key=lambda r: r.hold_until is None):
        if missing <= 0:
            break
        found.append(r)
        missing -= r.quantity
    return found


async def _others(tx: Tx, work: _Work) -> set[Spot]:
    """Where else in the pools of the locked orders there is something of the SKUs that are short."""
    found: set[Spot] = set()
    skus = list({sku for sku, _ in work.short})
    for pool in {await work.pools.senders(channel) for channel in set(work.orders.values())}:
        by_sku: dict[str, list[tuple[int, LocationId]]] = defaultdict(list)
        for sku, location, available in await inventory.available_in_pool(tx, skus, pool):
            by_sku[sku].append((-available, location))
        for sku, places in by_sku.items():
            found.update((sku, location) for _, location in sorted(places)[:_OTHERS])
    return found


async def _mend(tx: Tx, work: _Work, spot: Spot) -> None:
    """One spot: its level is locked, and so is everybody who is expected to give way."""
    missing = work.levels[spot].missing
    between = False
    lacking: dict[tuple[OrderId, int], int] = {}
    moved: set[tuple[OrderId, int]] = set()
    reservations = await inventory.reservations_at(tx, *spot)
    for r in _losers(reservations, missing):
        units = min(missing, r.quantity)
        if r.hold_until is not None and r.promise_id in work.holds:
            await inventory.release(tx, [r._replace(quantity=units)])
        elif r.hold_until is None and r.promise_id in work.orders:
            key = (OrderId(r.promise_id), r.line_no)
            gone = await _move_elsewhere(tx, work, r, units)
            if gone:
                moved.add(key)
            if gone < units:
                lacking[key] = units - gone
        else:
            between = between or r.promise_id not in work.asked
            continue
        missing -= units
    if missing and between:  # This brings us back for the others, and for whoever came since we looked.
        still = missing + sum(lacking.values())
        tx.emit(StockShort(sku=spot[0], location_id=spot[1], missing=still, on_hand=work.levels[spot].on_hand))
    own = [one for one in work.shortfalls if (one.sku, one.location_id) == spot]
    await _account(tx, spot, own, lacking, moved)


async def _move_elsewhere(tx: Tx, work: _Work, reservation: Reservation, units: int) -> int:
    """Moves as many of these promised units as other locations of the pool can take; says how many."""
    order_id, sku = OrderId(reservation.promise_id), reservation.sku
    pool = await work.pools.senders(work.orders[order_id])
    barred = {one.location_id for one in await store.rejections(tx, [order_id]) if one.line_no == reservation.line_no}
    moved = 0
    for location in sorted(pool, key=lambda location: (-work.free.get((sku, location), 0), location)):
        part = min(units - moved, work.free.get((sku, location), 0))
        if part <= 0 or location == reservation.location_id or location in barred:
            continue
        await lifecycle.move(
            tx,
            order_id,
            reservation.line_no,
            part,
            from_location_id=reservation.location_id,
            to_location_id=location,
            reason="shortfall",
        )
        work.free[sku, location] -= part
        moved += part
    return moved


async def _account(
    tx: Tx,
    spot: Spot,
    shortfalls: Sequence[OrderException],
    lacking: Mapping[tuple[OrderId, int], int],
    moved: Collection[tuple[OrderId, int]],
) -> None:
    """Brings the exceptions of a spot to what is lacking there now."""
    same: set[tuple[OrderId, int]] = set()
    for one in shortfalls:
        assert one.order_id is not None
        assert one.line_no is not None
        key = (one.order_id, one.line_no)
        if key not in lacking:
            resolution = Resolution.MOVED if key in moved else await _what_became(tx, one)
            await exceptions.close(tx, one, resolution)
        elif lacking[key] == one.quantity:
            same.add(key)
    await exceptions.open_exceptions(
        tx,
        [
            Opening(ExceptionKind.SHORTFALL, order_id, line_no, spot[0], spot[1], units)
            for (order_id, line_no), units in sorted(lacking.items())
            if (order_id, line_no) not in same
        ],
    )


async def _what_became(tx: Tx, shortfall: OrderException) -> Resolution:
    """How units that are lacking no longer have gone."""
    assert shortfall.order_id is not None
    reservations = await inventory.reservations_of(tx, [shortfall.order_id])
    if any((r.line_no, r.location_id) == (shortfall.line_no, shortfall.location_id) for r in reservations):
        return Resolution.FILLED
    line = _line(await lifecycle.load(tx, shortfall.order_id), shortfall.line_no)
    if line.backordered:
        return Resolution.BACKORDERED
    if line.open:
        return Resolution.MOVED
    return Resolution.SHIPPED if line.shipped else Resolution.CANCELLED


def _line(order: Order, line_no: int | None) -> OrderLine:
    return next(line for line in order.lines if line.line_no == line_no)


async def _serve(tx: Tx, work: _Work) -> None:
    """Gives what has come in to those who wait, the oldest order first."""
    for one, spot in work.queue:
        if work.free[spot] > 0 and one.order_id in work.orders:
            work.free[spot] -= await lifecycle.allocate(tx, one.order_id, [spot[1]], [spot[0]])
    again: dict[LocationId, list[str]] = defaultdict(list)
    for sku, location in sorted(work.cut):
        if work.free[sku, location] > 0:
            again[location].append(sku)
    for location, skus in again.items():
        tx.emit(StockReceived(location_id=location, skus=tuple(skus)))


async def _locked(tx: Tx, exception_id: ExceptionId) -> tuple[OrderException, OrderId, OrderLine]:
    """An exception of an order's line with that line, the order locked before the exception."""
    found = await exceptions.get(tx, exception_id)
    if found.order_id is None or found.line_no is None:
        raise NotThatKind(kind=found.kind)
    line = _line(await lifecycle.load(tx, found.order_id), found.line_no)
    return await exceptions.get(tx, exception_id), found.order_id, line


async def choose_move(tx: Tx, exception_id: ExceptionId, to_location_id: LocationId, quantity: int | None = None) -> None:
    """A person's choice: the units, or some of them, come from another location. What is not moved stays an exception."""
    found, order_id, line = await _locked(tx, exception_id)
    if found.kind != ExceptionKind.SHORTFALL or found.location_id is None:
        raise NotThatKind(kind=found.kind)
    units = found.quantity if quantity is None else min(quantity, found.quantity)
    if units < found.quantity and found.state == "open":
        rest = Opening(found.kind, order_id, line.line_no, found.sku, found.location_id, found.quantity - units)
        await exceptions.open_exceptions(tx, [rest])
    else:
        await exceptions.resolve(tx, exception_id, Resolution.MOVED)
    await lifecycle.move(
        tx,
        order_id,
        line.line_no,
        units,
        from_location_id=found.location_id,
        to_location_id=to_location_id,
        reason="exception",
    )


async def choose_cancel(tx: Tx, exception_id: ExceptionId, reason: str, *, at: LocationId | None = None) -> int:
    """A person's choice: the buyer does not get the units. Gives what they stand for, in minor units.

    Units that are promised `at` a location go before others; without it, at the one that the exception names.
    """
    found, order_id, line = await _locked(tx, exception_id)
    await exceptions.resolve(tx, exception_id, Resolution.CANCELLED)
    units = max(1, min(found.quantity, line.open))
    first = found.location_id if at is None else at
    return await lifecycle.cancel(tx, order_id, [LineQuantity(line.line_no, units)], reason, at=first)


async def choose_backorder(tx: Tx, exception_id: ExceptionId) -> None:
    """A person's choice: the units wait for stock."""
    found, order_id, line = await _locked(tx, exception_id)
    if found.kind != ExceptionKind.SHORTFALL:
        raise NotThatKind(kind=found.kind)
    await exceptions.resolve(tx, exception_id, Resolution.BACKORDERED)
    units = [LineQuantity(line.line_no, found.quantity)]
    await lifecycle.release(tx, order_id, units, "exception", at=found.location_id)
