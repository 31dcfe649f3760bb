"""The door to stock.

Promises (`lock_available`, then `reserve`) are given only against what is available under lock. Facts (`record`) are always
written; what they break is emitted as `StockShort`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from comptoir.modules.inventory import domain, store
from comptoir.modules.inventory.contracts import (
    Disposition,
    EntryKind,
    HoldId,
    HoldReleased,
    Level,
    Movement,
    Reservation,
    Spot,
    StockReceived,
    StockShort,
)
from comptoir.modules.inventory.domain import allocate, give_back, take
from comptoir.modules.inventory.errors import HoldGone
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Reader, Tx

__all__ = [
    "allocate",
    "available_in_pool",
    "end_holds",
    "expire_holds",
    "give_back",
    "hold",
    "lock_available",
    "lock_holds",
    "lock_levels",
    "promise_regardless",
    "record",
    "release",
    "release_hold",
    "reservations_at",
    "reservations_of",
    "reserve",
    "ship",
    "take",
    "take_back",
]

lock_available = store.lock_available
lock_levels = store.lock_levels
available_in_pool = store.available_in_pool
reservations_of = store.reservations_of
reservations_at = store.reservations_at
lock_holds = store.lock_holds
end_holds = store.end_holds


async def record(tx: Tx, movements: Sequence[Movement]) -> dict[Spot, Level]:
    """Writes facts: locks the levels, adds ledger entries, and says what they break and whom they may serve.

    Gives the levels as they are now.
    """
    if not movements:
        return {}
    changes = domain.summed(movements)
    before = await store.lock_levels(tx, sorted(changes))
    await store.post(tx, movements)
    return _announce(tx, before, changes)


def _announce(tx: Tx, before: dict[Spot, Level], changes: dict[Spot, Level]) -> dict[Spot, Level]:
    after = {spot: Level(*map(int.__add__, before[spot], change)) for spot, change in changes.items()}
    arrived: dict[LocationId, list[str]] = {}
    for (sku, location), level in after.items():
        was = before[sku, location]
        if domain.short_after(was, level):
            tx.emit(StockShort(sku=sku, location_id=location, missing=level.missing, on_hand=level.on_hand))
        if level.available > max(0, was.available):
            arrived.setdefault(location, []).append(sku)
    for location, skus in arrived.items():
        tx.emit(StockReceived(location_id=location, skus=tuple(skus)))
    return after


async def reserve(tx: Tx, reservations: Sequence[Reservation]) -> None:
    """Gives promises on levels that `lock_available` has locked and whose availability covers them."""
    if reservations:
        await store.write_reservations(tx, reservations, None)


async def promise_regardless(tx: Tx, reservations: Sequence[Reservation]) -> None:
    """Gives the promises that a channel has given already, on levels that `lock_levels` has locked: also what is not there. What
    that breaks is told."""
    if not reservations:
        return
    changes = domain.summed(domain.reserve(reservations))
    before = await store.lock_levels(tx, sorted(changes))
    await store.write_reservations(tx, reservations, None)
    _announce(tx, before, changes)


async def hold(tx: Tx, holds: Sequence[tuple[HoldId, UUID, str, datetime]], reservations: Sequence[Reservation]) -> None:
    """Gives promises with a time limit, rows of (hold id, channel id, cart, expires at), on levels that are locked."""
    await store.insert_holds(tx, holds)
    by_limit: dict[datetime, list[Reservation]] = {}
    for reservation in reservations:
        assert reservation.hold_until is not None, "a hold has a time limit"
        by_limit.setdefault(reservation.hold_until, []).append(reservation)
    for limit, group in by_limit.items():
        await store.write_reservations(tx, group, limit)


async def release(tx: Tx, reservations: Sequence[Reservation]) -> None:
    """Ends promises: whoever waits for these units may have them."""
    if not reservations:
        return
    movements = domain.release(reservations)
    changes = domain.summed(movements)
    before = await store.lock_levels(tx, sorted(changes))
    await store.reduce_reservations(tx, reservations)
    await store.post(tx, movements)
    _announce(tx, before, changes)


async def ship(tx: Tx, reservations: Sequence[Reservation], order_id: UUID, shipment_id: UUID) -> None:
    """The promised units leave the building: off reserved and off hand in one entry."""
    movements = [
        Movement(
            kind=EntryKind.SHIPPED,
            sku=r.sku,
            location_id=r.location_id,
            on_hand=-r.quantity,
            reserved=-r.quantity,
            order_id=order_id,
            shipment_id=shipment_id,
        )
        for r in reservations
    ]
    await store.lock_levels(tx, sorted({m.spot for m in movements}))
    await store.reduce_reservations(tx, reservations)
    await store.post(tx, movements)


async def take_back(tx: Tx, units: Sequence[tuple[str, LocationId, Disposition, int]], order_id: UUID, return_id: UUID) -> None:
    """Returned units, rows of (SKU, location, disposition, quantity), come on hand where they were handed in."""
    await record(
        tx,
        [
            Movement(
                kind=EntryKind.RETURNED,
                sku=sku,
                location_id=location_id,
                on_hand=quantity,
                damaged=quantity if disposition is Disposition.DAMAGED else 0,
                quality=quantity if disposition is Disposition.QUALITY else 0,
                order_id=order_id,
                return_id=return_id,
            )
            for sku, location_id, disposition, quantity in units
        ],
    )


async def release_hold(tx: Tx, hold_id: HoldId, *, expired: bool = False) -> None:
    """Gives a cart's units back. Raises HoldGone when it is over already."""
    if not await store.lock_holds(tx, [hold_id]):
        raise HoldGone(hold_id=str(hold_id))
    await _give_up(tx, [hold_id], expired=expired)


async def expire_holds(tx: Tx, limit: int = 500) -> int:
    """Gives back what the clock has taken; says how many holds there were."""
    ids = await store.expired_holds(tx, limit)
    if ids:
        await _give_up(tx, ids, expired=True)
    return len(ids)


async def _give_up(tx: Tx, ids: Iterable[UUID], *, expired: bool) -> None:
    ids = list(ids)
    await release(tx, await store.reservations_of(tx, ids, lock=True))
    await store.end_holds(tx, [(i, None) for i in ids])
    tx.emit(*(HoldReleased(hold_id=HoldId(i), expired=expired) for i in ids))


async def reservations_for(reader: Reader, promise_id: UUID) -> list[Reservation]:
    """What one promise holds now."""
    return await store.reservations_of(reader, [promise_id])
