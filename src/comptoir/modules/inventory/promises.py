"""Promises: reservations for orders and for cart holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from comptoir.modules.inventory import domain
from comptoir.modules.inventory.contracts import EntryKind, HoldId, HoldReleased, Movement, Reservation, Spot
from comptoir.modules.inventory.errors import HoldGone
from comptoir.modules.inventory.ledger import announce, lock
from comptoir.modules.inventory.store import levels
from comptoir.modules.inventory.store import promises as store
from comptoir.runtime.database import Reader, Tx


async def reserve(tx: Tx, reservations: Sequence[Reservation]) -> None:
    """Gives promises on levels that `lock_available` has locked and whose availability covers them."""
    for limit, group in _by_limit(reservations).items():
        await store.write_reservations(tx, group, limit)


def reserve_last(tx: Tx, reservations: Sequence[Reservation]) -> None:
    """Gives new promises, of orders and holds alike, at the end of this transaction, if what they take is still available then.

    If it is not, the transaction fails with `Outrun`: nothing was done. Until then nobody is locked out.
    """
    wanted: dict[Spot, int] = {}
    for r in reservations:
        wanted[r.sku, r.location_id] = wanted.get((r.sku, r.location_id), 0) + r.quantity

    async def work() -> None:
        for limit, group in _by_limit(reservations).items():
            await store.write_new_reservations(tx, group, limit)
        await levels.claim(tx, wanted)

    if reservations:
        tx.defer(work)


async def promise_regardless(tx: Tx, reservations: Sequence[Reservation]) -> None:
    """Gives the promises that a channel has given already: also of what is not there. What that breaks is told."""
    if not reservations:
        return
    changes = domain.summed(domain.reserve(reservations))
    before = await lock(tx, changes)
    await store.write_reservations(tx, reservations, None)
    announce(tx, before, changes)


async def open_holds(tx: Tx, holds: Sequence[tuple[HoldId, UUID, str, datetime]]) -> None:
    """Opens holds, rows of (hold id, channel id, cart, expires at); what they keep is reserved with their time limit."""
    await store.insert_holds(tx, holds)


def _by_limit(reservations: Sequence[Reservation]) -> dict[datetime | None, list[Reservation]]:
    by_limit: dict[datetime | None, list[Reservation]] = {}
    for reservation in reservations:
        by_limit.setdefault(reservation.hold_until, []).append(reservation)
    return by_limit


async def release(tx: Tx, reservations: Sequence[Reservation]) -> None:
    """Ends promises: whoever waits for these units may have them."""
    if not reservations:
        return
    movements = domain.release(reservations)
    changes = domain.summed(movements)
    before = await lock(tx, changes)
    await store.reduce_reservations(tx, reservations)
    await levels.post(tx, movements)
    announce(tx, before, changes)


async def ship(tx: Tx, reservations: Sequence[Reservation], order_id: UUID, shipment_id: UUID) -> None:
    """The promised units leave the building: off reserved and off hand in one entry."""
    await ship_many(tx, [(order_id, shipment_id, reservations)])


async def ship_many(tx: Tx, shipments: Sequence[tuple[UUID, UUID, Sequence[Reservation]]]) -> None:
    """As `ship` for many at a time, rows of (order, shipment, its reservations)."""
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
        for order_id, shipment_id, reservations in shipments
        for r in reservations
    ]
    if not movements:
        return
    await lock(tx, (m.spot for m in movements))
    await store.reduce_reservations(tx, [r for *_, reservations in shipments for r in reservations])
    await levels.post(tx, movements)


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
    # Whoever mends a shortfall may take units of a hold away: what is there is known only under the lock of the levels.
    await lock(tx, {(r.sku, r.location_id) for r in await store.reservations_of(tx, ids)})
    await release(tx, await store.reservations_of(tx, ids))
    await store.end_holds(tx, [(i, None) for i in ids])
    tx.emit(*(HoldReleased(hold_id=HoldId(i), expired=expired) for i in ids))


async def reservations_for(reader: Reader, promise_id: UUID) -> list[Reservation]:
    """What one promise holds now."""
    return await store.reservations_of(reader, [promise_id])
