"""Facts: written whatever they break, and what they break is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.inventory import domain
from comptoir.modules.inventory.contracts import (
    Disposition,
    EntryKind,
    Level,
    Movement,
    Spot,
    StockReceived,
    StockShort,
)
from comptoir.modules.inventory.errors import QuantityTooLarge
from comptoir.modules.inventory.store import levels
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Tx


async def record(tx: Tx, movements: Sequence[Movement]) -> dict[Spot, Level]:
    """Writes facts: locks the levels, adds ledger entries, and says what they break and whom they may serve.

    Gives the levels as they are now.
    """
    if not movements:
        return {}
    before = await lock(tx, (m.spot for m in movements))
    return await write(tx, before, movements)


async def lock(tx: Tx, spots: Iterable[Spot]) -> dict[Spot, Level]:
    """Locks these levels in the order that everybody keeps to."""
    return await levels.lock_levels(tx, sorted(set(spots)))


async def write(tx: Tx, before: Mapping[Spot, Level], movements: Sequence[Movement]) -> dict[Spot, Level]:
    """As `record`, on levels that are locked; `before` is how they are."""
    changes = domain.summed(movements)
    for (sku, location), change in changes.items():
        most = max(abs(was + delta) for was, delta in zip(before[sku, location], change, strict=True))
        if most > _MOST:
            raise QuantityTooLarge(sku=sku, open=_MOST, asked=most)
    if movements:
        await levels.post(tx, movements)
    return announce(tx, before, changes)


async def record_locked(tx: Tx, before: Mapping[Spot, Level], movements: Sequence[Movement]) -> dict[Spot, Level]:
    """As `record`, on levels that `lock_levels` has locked in this transaction; `before` is how they are."""
    return await write(tx, before, movements) if movements else {}


_MOST = 2 * MAX_QUANTITY
"""A level that is beyond this would not fit into its column after one more movement."""


def announce(tx: Tx, before: Mapping[Spot, Level], changes: Mapping[Spot, Level]) -> dict[Spot, Level]:
    """Says what has become short and what has become free; gives the changed levels as they are now."""
    after = {spot: Level(*map(int.__add__, before[spot], change)) for spot, change in changes.items()}
    arrived: dict[LocationId, list[str]] = {}
    for (sku, location), level in after.items():
        was = before[sku, location]
        if domain.short_after(was, level):
            tx.emit(StockShort(sku=sku, location_id=location, missing=level.missing, on_hand=level.on_hand))
        if level.available > max(0, was.available) or level.missing < was.missing:
            arrived.setdefault(location, []).append(sku)
    for location, skus in arrived.items():
        tx.emit(StockReceived(location_id=location, skus=tuple(skus)))
    return after


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
