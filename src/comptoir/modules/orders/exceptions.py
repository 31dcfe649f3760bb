"""Exceptions: what a fact broke, until it is put right by a rule or by a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Reservation
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import lifecycle, store
from comptoir.modules.orders.contracts import (
    ExceptionId,
    ExceptionKind,
    ExceptionOpened,
    ExceptionResolved,
    LineQuantity,
    OrderException,
    OrderId,
    Resolution,
)
from comptoir.modules.orders.errors import ExceptionClosed
from comptoir.runtime.database import Tx


@dataclass(frozen=True, slots=True)
class Opening:
    """An exception to be."""

    kind: ExceptionKind
    order_id: OrderId | None
    line_no: int | None
    sku: str | None
    location_id: LocationId | None
    quantity: int


async def open_exceptions(tx: Tx, openings: Sequence[Opening]) -> list[ExceptionId]:
    """Opens them; one that is open already for the same thing keeps its place and takes the new quantity."""
    if not openings:
        return []
    ids = [ExceptionId(uuid7()) for _ in openings]
    written = await store.open_exceptions(
        tx,
        [(i, o.kind, o.order_id, o.line_no, o.sku, o.location_id, o.quantity) for i, o in zip(ids, openings, strict=True)],
    )
    tx.emit(
        *(
            ExceptionOpened(
                exception_id=i,
                kind=o.kind,
                order_id=o.order_id,
                sku=o.sku,
                location_id=o.location_id,
                quantity=o.quantity,
            )
            for i, o in zip(ids, openings, strict=True)
            if i in written
        )
    )
    return [i for i in ids if i in written]


async def resolve(tx: Tx, exception_id: ExceptionId, resolution: Resolution) -> OrderException:
    """Closes it; raises ExceptionClosed when somebody was faster."""
    found = await store.lock_exception(tx, exception_id)
    if found is None:
        raise NotFound(kind="exception", id=str(exception_id))
    if found.state != "open":
        raise ExceptionClosed(resolution=found.resolution)
    await store.close_exceptions(tx, [exception_id], resolution)
    tx.emit(ExceptionResolved(exception_id=exception_id, kind=found.kind, order_id=found.order_id, resolution=resolution))
    return found


async def mend_shortfall(tx: Tx, sku: str, location_id: LocationId, pool: Sequence[LocationId]) -> None:
    """Puts right that more of a SKU is promised at a location than is there.

    The latest promises give way first. Each is moved to the location of the pool that has most, where one has it; what cannot
    be moved becomes an exception on its order for a person to decide. Cart holds lose their units without further ado.
    """
    missing = (await inventory.lock_levels(tx, [(sku, location_id)]))[sku, location_id].missing
    if missing <= 0:
        return
    for reservation in await inventory.reservations_at(tx, sku, location_id):
        if missing <= 0:
            break
        units = min(missing, reservation.quantity)
        missing -= units
        if reservation.hold_until is not None:
            await inventory.release(tx, [reservation._replace(quantity=units)])
            continue
        units -= await _move_elsewhere(tx, reservation, units, pool)
        if units:
            opening = Opening(
                ExceptionKind.SHORTFALL, OrderId(reservation.promise_id), reservation.line_no, sku, location_id, units
            )
            await open_exceptions(tx, [opening])


async def _move_elsewhere(tx: Tx, reservation: Reservation, units: int, pool: Sequence[LocationId]) -> int:
    """Moves as many of these promised units as other locations can take; says how many."""
    others = [location for location in pool if location != reservation.location_id]
    found = await inventory.available_in_pool(tx, [reservation.sku], others)
    moved = 0
    for _, location, available in sorted(found, key=lambda row: (-row[2], row[1])):
        part = min(units - moved, available)
        if part <= 0:
            break
        await lifecycle.move(
            tx,
            OrderId(reservation.promise_id),
            reservation.line_no,
            part,
            from_location_id=reservation.location_id,
            to_location_id=location,
            reason="shortfall",
        )
        moved += part
    return moved


async def settle(tx: Tx, sku: str, location_id: LocationId) -> None:
    """Closes the shortfalls at a location that stock has since made good, the oldest first."""
    level = (await inventory.lock_levels(tx, [(sku, location_id)]))[sku, location_id]
    still = level.missing
    waiting = await store.open_shortfalls(tx, sku, location_id)
    for found in reversed(waiting):
        # The latest are the last to be served: they stay open for as many units as are still missing.
        if still > 0:
            still -= found.quantity
            continue
        await resolve(tx, found.id, Resolution.FILLED)


async def choose_move(tx: Tx, exception_id: ExceptionId, to_location_id: LocationId) -> None:
    """A person's choice: the units come from another location."""
    found = await resolve(tx, exception_id, Resolution.MOVED)
    assert found.order_id is not None
    assert found.line_no is not None
    assert found.location_id is not None
    await lifecycle.move(
        tx,
        found.order_id,
        found.line_no,
        found.quantity,
        from_location_id=found.location_id,
        to_location_id=to_location_id,
        reason="exception",
    )


async def choose_cancel(tx: Tx, exception_id: ExceptionId, reason: str) -> None:
    """A person's choice: the buyer does not get the units."""
    found = await resolve(tx, exception_id, Resolution.CANCELLED)
    assert found.order_id is not None
    assert found.line_no is not None
    await lifecycle.cancel(tx, found.order_id, [LineQuantity(found.line_no, found.quantity)], reason)


async def choose_backorder(tx: Tx, exception_id: ExceptionId) -> None:
    """A person's choice: the units wait for stock."""
    found = await resolve(tx, exception_id, Resolution.BACKORDERED)
    assert found.order_id is not None
    assert found.line_no is not None
    await lifecycle.release(tx, found.order_id, [LineQuantity(found.line_no, found.quantity)], "exception")
