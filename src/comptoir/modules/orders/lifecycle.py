"""What can be done with an order that is there: each step loads it locked, asks the rules, writes and tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Allocation, Demand, Disposition, PromiseId, Reservation
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import store
from comptoir.modules.orders.contracts import (
    LineQuantity,
    Order,
    OrderAllocated,
    OrderCancelled,
    OrderId,
    OrderLine,
    OrderMoved,
    OrderNoted,
    OrderPaid,
    OrderReleased,
    OrderReturned,
    OrderShipped,
    ReturnId,
    ReturnLine,
    ShipmentId,
)
from comptoir.modules.orders.domain import share
from comptoir.modules.orders.errors import NotReservedThere, OverRefund, QuantityNotOpen, UnknownLine
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Entry, EntryKind, PaymentId
from comptoir.runtime.database import Tx


async def load(tx: Tx, order_id: OrderId) -> Order:
    """The order with its lines, locked; raises NotFound."""
    order = await store.load(tx, order_id, lock=True)
    if order is None:
        raise NotFound(kind="order", id=str(order_id))
    return order


def _open_lines(
    order: Order, lines: Sequence[LineQuantity] | None, open_units: Mapping[int, int]
) -> list[tuple[OrderLine, int]]:
    """The lines and units that are meant: those named, or everything that is open. Refuses more than is open."""
    by_no = {line.line_no: line for line in order.lines}
    if lines is None:
        return [(line, open_units[line.line_no]) for line in order.lines if open_units.get(line.line_no, 0) > 0]
    asked: dict[int, int] = {}
    for named in lines:
        if named.line_no not in by_no:
            raise UnknownLine(line_no=named.line_no)
        asked[named.line_no] = asked.get(named.line_no, 0) + named.quantity
    too_many = [
        {"line_no": no, "asked": quantity, "open": open_units.get(no, 0)}
        for no, quantity in asked.items()
        if quantity < 1 or quantity > open_units.get(no, 0)
    ]
    if too_many:
        raise QuantityNotOpen(lines=too_many)
    return [(by_no[no], quantity) for no, quantity in asked.items()]


async def cancel(tx: Tx, order_id: OrderId, lines: Sequence[LineQuantity] | None, reason: str) -> None:
    """Takes back units that have not left: whole (`lines` None) or in part. Waiting units go first, then promised ones."""
    order = await load(tx, order_id)
    chosen = _open_lines(order, lines, {line.line_no: line.open for line in order.lines})
    if not chosen:
        raise QuantityNotOpen(lines=[])
    reservations = await inventory.reservations_of(tx, [order_id])
    freed: list[Reservation] = []
    changes: list[store.LineChange] = []
    for line, quantity in chosen:
        waiting = min(quantity, line.backordered)
        changes.append(store.LineChange(line.line_no, cancelled=quantity, backordered=-waiting))
        if line.stocked and quantity > waiting:
            freed.extend(inventory.take(reservations, line.line_no, quantity - waiting))
    await inventory.release(tx, freed)
    await store.change_lines(tx, order_id, changes)
    cancelled = {line.line_no: quantity for line, quantity in chosen}
    whole = all(line.open == cancelled.get(line.line_no, 0) for line in order.lines)
    tx.emit(
        OrderCancelled(
            order_id=order_id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(LineQuantity(line.line_no, quantity) for line, quantity in chosen),
            reason=reason,
            whole=whole,
        )
    )


async def release(tx: Tx, order_id: OrderId, lines: Sequence[LineQuantity] | None, reason: str) -> None:
    """Takes promised units off their locations: they wait for stock again, for this order."""
    order = await load(tx, order_id)
    chosen = _open_lines(order, lines, {line.line_no: line.reserved for line in order.lines if line.stocked})
    if not chosen:
        raise QuantityNotOpen(lines=[])
    reservations = await inventory.reservations_of(tx, [order_id])
    freed = [r for line, quantity in chosen for r in inventory.take(reservations, line.line_no, quantity)]
    await inventory.release(tx, freed)
    await store.change_lines(tx, order_id, [store.LineChange(line.line_no, backordered=q) for line, q in chosen])
    tx.emit(
        OrderReleased(
            order_id=order_id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(LineQuantity(line.line_no, q) for line, q in chosen),
            reason=reason,
        )
    )


async def allocate(tx: Tx, order_id: OrderId, candidates: Sequence[LocationId]) -> int:
    """Promises to the waiting units what the candidates have, in their order; says how many units got a place."""
    order = await load(tx, order_id)
    demands = [
        Demand(line.line_no, line.sku, line.backordered)
        for line in order.lines
        if line.stocked and line.backordered and line.sku is not None
    ]
    if not demands or not candidates:
        return 0
    spots = sorted({(demand.sku, location) for demand in demands for location in candidates})
    available = await inventory.lock_available(tx, spots)
    allocations, _ = inventory.allocate(demands, candidates, available)
    if not allocations:
        return 0
    await _promise(tx, order, allocations)
    return sum(a.quantity for a in allocations)


async def _promise(tx: Tx, order: Order, allocations: Sequence[Allocation]) -> None:
    skus = {line.line_no: line.sku or "" for line in order.lines}
    await inventory.reserve(
        tx, [Reservation(PromiseId(order.id), a.line_no, a.location_id, skus[a.line_no], a.quantity) for a in allocations]
    )
    by_line: dict[int, int] = {}
    for allocation in allocations:
        by_line[allocation.line_no] = by_line.get(allocation.line_no, 0) + allocation.quantity
    await store.change_lines(tx, order.id, [store.LineChange(no, backordered=-q) for no, q in by_line.items()])
    tx.emit(
        OrderAllocated(
            order_id=order.id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(LineQuantity(no, q) for no, q in by_line.items()),
        )
    )


async def move(
    tx: Tx,
    order_id: OrderId,
    line_no: int,
    quantity: int,
    *,
    from_location_id: LocationId,
    to_location_id: LocationId,
    reason: str,
) -> None:
    """Lets promised units come from another location. Refuses when they are not promised there, or the other has too few."""
    order = await load(tx, order_id)
    line = next((line for line in order.lines if line.line_no == line_no), None)
    if line is None or line.sku is None:
        raise UnknownLine(line_no=line_no)
    reservations = await inventory.reservations_of(tx, [order_id])
    parts = _reserved_at(reservations, [(line, quantity)], from_location_id)
    spots = sorted({(line.sku, from_location_id), (line.sku, to_location_id)})
    available = await inventory.lock_available(tx, spots)
    there = max(0, available.get((line.sku, to_location_id), 0))
    if there < quantity:
        raise InsufficientStock(lines=[{"sku": line.sku, "requested": quantity, "available": there}])
    await inventory.release(tx, parts)
    await inventory.reserve(tx, [Reservation(PromiseId(order_id), line_no, to_location_id, line.sku, quantity)])
    await store.touch(tx, order_id)
    tx.emit(
        OrderMoved(
            order_id=order_id,
            number=order.number,
            channel=order.channel_code,
            lines=(LineQuantity(line_no, quantity),),
            from_location_id=from_location_id,
            to_location_id=to_location_id,
            reason=reason,
        )
    )


def _reserved_at(
    reservations: Sequence[Reservation], chosen: Sequence[tuple[OrderLine, int]], location_id: LocationId
) -> list[Reservation]:
    parts: list[Reservation] = []
    lacking: list[dict[str, int]] = []
    for line, quantity in chosen:
        there = sum(r.quantity for r in reservations if r.line_no == line.line_no and r.location_id == location_id)
        if there < quantity:
            lacking.append({"line_no": line.line_no, "asked": quantity, "reserved": there})
        else:
            parts.extend(inventory.take(reservations, line.line_no, quantity, location_id))
    if lacking:
        raise NotReservedThere(lines=lacking)
    return parts


async def ship(
    tx: Tx,
    order_id: OrderId,
    location_id: LocationId,
    lines: Sequence[LineQuantity] | None,
    *,
    carrier: str = "",
    tracking_number: str = "",
    tracking_url: str = "",
) -> ShipmentId:
    """Sends promised units from one location: those named, or all that this location holds for the order."""
    order = await load(tx, order_id)
    reservations = await inventory.reservations_of(tx, [order_id])
    here: dict[int, int] = {}
    for r in reservations:
        if r.location_id == location_id:
            here[r.line_no] = here.get(r.line_no, 0) + r.quantity
    unstocked = {line.line_no: line.reserved for line in order.lines if line.sku is not None and not line.stocked}
    open_units = here | unstocked if lines is None else {line.line_no: line.reserved for line in order.lines}
    chosen = _open_lines(order, lines, open_units)
    if not chosen:
        raise NotReservedThere(lines=[])
    parts = _reserved_at(reservations, [(line, q) for line, q in chosen if line.stocked], location_id)
    shipment_id = ShipmentId(uuid7())
    await inventory.ship(tx, parts, order_id, shipment_id)
    chosen_units = [(line.line_no, quantity) for line, quantity in chosen]
    await store.insert_shipment(tx, shipment_id, order_id, location_id, (carrier, tracking_number, tracking_url), chosen_units)
    await store.change_lines(tx, order_id, [store.LineChange(line.line_no, shipped=q) for line, q in chosen])
    shipped = {line.line_no: q for line, q in chosen}
    tx.emit(
        OrderShipped(
            order_id=order_id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(LineQuantity(line.line_no, q) for line, q in chosen),
            shipment_id=shipment_id,
            location_id=location_id,
            carrier=carrier,
            tracking_number=tracking_number,
            whole=all(line.open == shipped.get(line.line_no, 0) for line in order.lines if line.sku is not None),
        )
    )
    return shipment_id


async def take_back(
    tx: Tx, order_id: OrderId, location_id: LocationId, lines: Sequence[ReturnLine], reason: str
) -> tuple[ReturnId, int]:
    """Takes units back at any location; gives the return and what they stand for, in minor units, to the cent.

    The first unit that comes back stands for the first share of its line, and so on: returning everything gives back exactly
    what the line cost.
    """
    order = await load(tx, order_id)
    wanted = [LineQuantity(line.line_no, line.quantity) for line in lines]
    _open_lines(order, wanted, {line.line_no: line.shipped - line.returned for line in order.lines})
    by_no = {line.line_no: line for line in order.lines}
    return_id = ReturnId(uuid7())
    already = {line.line_no: line.returned for line in order.lines}
    rows: list[tuple[int, Disposition, int, int]] = []
    for part in lines:
        line = by_no[part.line_no]
        # Units that were cancelled are the last of the line; those that come back are counted from its first.
        amount = share(line.total, line.quantity, already[part.line_no], part.quantity)
        already[part.line_no] += part.quantity
        rows.append((part.line_no, part.disposition, part.quantity, amount))
    merged = _merge(rows)
    await inventory.take_back(
        tx,
        [(by_no[no].sku or "", location_id, disposition, q) for no, disposition, q, _ in merged if by_no[no].stocked],
        order_id,
        return_id,
    )
    await store.insert_return(tx, return_id, order_id, location_id, reason, merged)
    returned: dict[int, int] = {}
    for no, _, quantity, _ in merged:
        returned[no] = returned.get(no, 0) + quantity
    await store.change_lines(tx, order_id, [store.LineChange(no, returned=q) for no, q in returned.items()])
    refundable = sum(amount for *_, amount in merged)
    tx.emit(
        OrderReturned(
            order_id=order_id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(LineQuantity(no, q) for no, q in returned.items()),
            return_id=return_id,
            location_id=location_id,
            reason=reason,
            refundable=refundable,
        )
    )
    return return_id, refundable


def _merge(rows: Sequence[tuple[int, Disposition, int, int]]) -> list[tuple[int, Disposition, int, int]]:
    merged: dict[tuple[int, Disposition], tuple[int, int]] = {}
    for no, disposition, quantity, amount in rows:
        before = merged.get((no, disposition), (0, 0))
        merged[no, disposition] = (before[0] + quantity, before[1] + amount)
    return [(no, disposition, quantity, amount) for (no, disposition), (quantity, amount) in merged.items()]


async def pay(
    tx: Tx, order_id: OrderId, kind: EntryKind, method: str, amount: int, reference: str = "", payment_id: UUID | None = None
) -> bool:
    """Writes money that moved for this order. False when (kind, method, reference) was known already; refuses to refund more
    than was captured."""
    order = await load(tx, order_id)
    if kind is EntryKind.REFUNDED and order.refunded + amount > order.captured:
        raise OverRefund(captured=order.captured, refunded=order.refunded, asked=amount)
    entry = Entry(PaymentId(payment_id or uuid7()), order_id, kind, method, amount, order.currency, reference, tx.now)
    if not await payments.record(tx, [entry]):
        return False
    await store.add_payments(tx, [entry])
    tx.emit(OrderPaid(order_id=order_id, number=order.number, kind=kind, method=method, amount=amount, currency=order.currency))
    return True


async def note(tx: Tx, order_id: OrderId, text: str) -> None:
    """Adds a remark to the timeline."""
    await load(tx, order_id)
    tx.emit(OrderNoted(order_id=order_id, note=text))
