"""What can be done with an order that is there: each step loads it locked, asks the rules, writes and tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Allocation, Demand, Disposition, Movement, PromiseId, Reservation
from comptoir.modules.inventory.contracts import EntryKind as StockKind
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import store
from comptoir.modules.orders.contracts import (
    BY_PERSON,
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
    Tracking,
)
from comptoir.modules.orders.domain import UnitPlace, UnitStep, counted, share
from comptoir.modules.orders.errors import NotReservedThere, OverRefund, OverVoid, QuantityNotOpen, UnknownLine
from comptoir.modules.orders.exceptions import note_negative
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Entry, EntryKind, GrantId, PaymentId
from comptoir.runtime.database import Tx


async def load(tx: Tx, order_id: OrderId) -> Order:
    """The order with its lines, locked; raises NotFound."""
    order = await store.load(tx, order_id, lock=True)
    if order is None:
        raise NotFound(kind="order", id=str(order_id))
    return order


def open_lines(
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
        if named.quantity < 1:
            raise invalid("lines", "name at least one unit each")
        asked[named.line_no] = asked.get(named.line_no, 0) + named.quantity
    too_many = [
        {"line_no": no, "asked": quantity, "open": open_units.get(no, 0)}
        for no, quantity in asked.items()
        if quantity > open_units.get(no, 0)
    ]
    if too_many:
        raise QuantityNotOpen(lines=too_many)
    return [(by_no[no], quantity) for no, quantity in asked.items()]


def stepped(line_no: int, step: UnitStep, units: Mapping[UnitPlace, int]) -> store.LineChange:
    """What a step of so many units of each place makes of the counters of their line."""
    by = counted(step, units)
    return store.LineChange(
        line_no, cancelled=by.cancelled, backordered=by.backordered, shipped=by.shipped, returned=by.returned
    )


def leaving(line_no: int, step: UnitStep, units: int, waiting: int) -> store.LineChange:
    """For units that are cancelled or shipped, of which so many waited for stock."""
    return stepped(line_no, step, {UnitPlace.WAITING: waiting, UnitPlace.RESERVED: units - waiting})


async def cancel(
    tx: Tx,
    order_id: OrderId,
    lines: Sequence[LineQuantity] | None,
    reason: str,
    *,
    at: LocationId | None = None,
    keeping: Mapping[tuple[int, LocationId], int] | None = None,
) -> int:
    """Takes back units that have not left: whole (`lines` None) or in part. Waiting units go first, then promised ones; with
    `at` those promised there go first of all. So many of a line as `keeping` says stay promised at a location: the caller has
    seen to it that there are enough others.

    Gives what they stand for, in minor units, to the cent. Charges are cancelled when they are named, and with an order of
    which nothing has left.
    """
    order = await load(tx, order_id)
    charges = lines is not None or order.shipped == 0
    chosen = open_lines(order, lines, {line.line_no: line.open for line in order.lines if charges or line.sku is not None})
    if not chosen:
        raise QuantityNotOpen(lines=[])
    reservations = but(await inventory.reservations_of(tx, [order_id]), keeping or {})
    freed: list[Reservation] = []
    changes: list[store.LineChange] = []
    for line, quantity in chosen:
        there = sum(r.quantity for r in reservations if r.line_no == line.line_no and r.location_id == at)
        waiting = min(max(0, quantity - there), line.backordered)
        changes.append(leaving(line.line_no, UnitStep.CANCEL, quantity, waiting))
        if line.stocked and quantity > waiting:
            freed.extend(inventory.take(_first_at(reservations, at), line.line_no, quantity - waiting))
    await inventory.release(tx, freed)
    await store.change_lines(tx, order_id, changes)
    refundable = sum(_cancelled_share(line, quantity) for line, quantity in chosen)
    items = sum(quantity for line, quantity in chosen if line.sku is not None)
    tx.emit(
        OrderCancelled(
            order_id=order_id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(LineQuantity(line.line_no, quantity) for line, quantity in chosen),
            reason=reason,
            whole=order.cancelled + items == order.quantity,
            units=items,
            refundable=refundable,
        )
    )
    return refundable


def _cancelled_share(line: OrderLine, units: int) -> int:
    """Units are cancelled from the last of a line on, and come back from its first on: no unit's share is given back twice."""
    return share(line.total, line.quantity, line.quantity - line.cancelled - units, units)


def but(reservations: Sequence[Reservation], keeping: Mapping[tuple[int, LocationId], int]) -> list[Reservation]:
    """What may be taken of these, where so much is kept."""
    left, free = dict(keeping), list[Reservation]()
    for r in reservations:
        kept = min(r.quantity, left.get((r.line_no, r.location_id), 0))
        left[r.line_no, r.location_id] = left.get((r.line_no, r.location_id), 0) - kept
        if r.quantity > kept:
            free.append(r._replace(quantity=r.quantity - kept))
    return free


def _first_at(reservations: Sequence[Reservation], location_id: LocationId | None) -> list[Reservation]:
    return sorted(reservations, key=lambda r: r.location_id != location_id)


async def release(
    tx: Tx, order_id: OrderId, lines: Sequence[LineQuantity] | None, reason: str, *, at: LocationId | None = None
) -> None:
    """Takes promised units off their locations, those at `at` first: they wait for stock again, for this order."""
    order = await load(tx, order_id)
    chosen = open_lines(order, lines, {line.line_no: line.reserved for line in order.lines if line.stocked})
    if not chosen:
        raise QuantityNotOpen(lines=[])
    reservations = await inventory.reservations_of(tx, [order_id])
    freed = [r for line, quantity in chosen for r in inventory.take(_first_at(reservations, at), line.line_no, quantity)]
    await inventory.release(tx, freed)
    await store.forget_choices(tx, emptied(order_id, reservations, freed))
    released = [stepped(line.line_no, UnitStep.RELEASE, {UnitPlace.RESERVED: q}) for line, q in chosen]
    await store.change_lines(tx, order_id, released)
    tx.emit(
        OrderReleased(
            order_id=order_id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(LineQuantity(line.line_no, q) for line, q in chosen),
            reason=reason,
        )
    )


async def allocate(tx: Tx, order_id: OrderId, candidates: Sequence[LocationId], skus: Collection[str] | None = None) -> int:
    """Promises to the waiting units (of these SKUs) what the candidates have, in their order; says how many got a place.

    A location that has given units of a line back is not asked for them again.
    """
    order = await load(tx, order_id)
    demands = [
        Demand(line.line_no, line.sku, line.backordered)
        for line in order.lines
        if line.stocked and line.backordered and line.sku is not None and (skus is None or line.sku in skus)
    ]
    if not demands or not candidates:
        return 0
    barred = {(one.line_no, one.location_id) for one in await store.rejections(tx, [order_id])}
    spots = sorted({(demand.sku, location) for demand in demands for location in candidates})
    available = await inventory.lock_available(tx, spots)
    allocations: list[Allocation] = []
    for group, asked in _by_candidates(demands, candidates, barred):
        found, _ = inventory.allocate(group, asked, available)
        allocations.extend(found)
    if not allocations:
        return 0
    await _promise(tx, order, allocations)
    return sum(a.quantity for a in allocations)


def _by_candidates(
    demands: Sequence[Demand], candidates: Sequence[LocationId], barred: Collection[tuple[int, LocationId]]
) -> list[tuple[list[Demand], list[LocationId]]]:
    """Demands together that may be asked of the same locations."""
    groups: dict[tuple[LocationId, ...], list[Demand]] = {}
    for demand in demands:
        asked = tuple([location for location in candidates if (demand.line_no, location) not in barred])
        groups.setdefault(asked, []).append(demand)
    return [(group, list(asked)) for asked, group in groups.items() if asked]


async def _promise(tx: Tx, order: Order, allocations: Sequence[Allocation]) -> None:
    skus = {line.line_no: line.sku or "" for line in order.lines}
    await inventory.reserve(
        tx, [Reservation(PromiseId(order.id), a.line_no, a.location_id, skus[a.line_no], a.quantity) for a in allocations]
    )
    by_line: dict[int, int] = {}
    for allocation in allocations:
        by_line[allocation.line_no] = by_line.get(allocation.line_no, 0) + allocation.quantity
    promised = [stepped(no, UnitStep.ALLOCATE, {UnitPlace.WAITING: q}) for no, q in by_line.items()]
    await store.change_lines(tx, order.id, promised)
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
    """Lets promised units come from another location; who wants it so is remembered, where it is a person (`BY_PERSON`).

    Refuses when they are not promised there, or the other has too few.
    """
    order = await load(tx, order_id)
    ((line, _),) = open_lines(order, [LineQuantity(line_no, quantity)], {line.line_no: line.reserved for line in order.lines})
    if line.sku is None or from_location_id == to_location_id:
        raise NotReservedThere(lines=[])
    reservations = await inventory.reservations_of(tx, [order_id])
    parts = _reserved_at(reservations, [(line, quantity)], from_location_id)
    spots = sorted({(line.sku, from_location_id), (line.sku, to_location_id)})
    available = await inventory.lock_available(tx, spots)
    there = max(0, available.get((line.sku, to_location_id), 0))
    if there < quantity:
        raise InsufficientStock(lines=[{"sku": line.sku, "requested": quantity, "available": there}])
    await inventory.release(tx, parts)
    await inventory.reserve(tx, [Reservation(PromiseId(order_id), line_no, to_location_id, line.sku, quantity)])
    await store.forget_choices(tx, emptied(order_id, reservations, parts))
    if reason in BY_PERSON:
        await store.put_choices(tx, [(order_id, line_no, to_location_id)])
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


def emptied(
    order_id: OrderId, reservations: Sequence[Reservation], freed: Sequence[Reservation]
) -> list[tuple[OrderId, int, LocationId]]:
    """The lines and locations of which nothing is promised any more, once these units are not."""
    left: Counter[tuple[int, LocationId]] = Counter()
    for r in reservations:
        left[r.line_no, r.location_id] += r.quantity
    for r in freed:
        left[r.line_no, r.location_id] -= r.quantity
    return [(order_id, line_no, location) for (line_no, location), units in left.items() if units <= 0]


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
    chosen = open_lines(order, lines, open_units)
    if not chosen:
        raise NotReservedThere(lines=[])
    parts = _reserved_at(reservations, [(line, q) for line, q in chosen if line.stocked], location_id)
    shipment_id = ShipmentId(uuid7())
    await inventory.ship(tx, parts, order_id, shipment_id)
    await _sent(tx, order, shipment_id, location_id, chosen, (carrier, tracking_number, tracking_url))
    return shipment_id


async def ship_all(tx: Tx, wave: Mapping[OrderId, Tracking]) -> dict[OrderId, list[ShipmentId]]:
    """Sends everything that is promised to these orders, a shipment from each location that holds some of it, in a handful of
    statements: a warehouse's wave. What waits for stock stays; an order for which nothing is promised is left out. Where
    several locations send, the second parcel has the order's tracking number with -2 behind it, and so on.
    """
    await store.lock(tx, sorted(wave))
    parts: dict[OrderId, dict[LocationId, list[Reservation]]] = {}
    for r in await inventory.reservations_of(tx, sorted(wave)):
        parts.setdefault(OrderId(r.promise_id), {}).setdefault(r.location_id, []).append(r)
    if not parts:
        return {}
    unstocked = await store.unstocked(tx, list(parts))
    taken: list[tuple[OrderId, ShipmentId, Sequence[Reservation]]] = []
    rows: list[tuple[ShipmentId, OrderId, LocationId, Tracking, tuple[LineQuantity, ...]]] = []
    for order_id, places in parts.items():
        beside = unstocked.get(order_id, [])
        for nth, (location_id, held) in enumerate(places.items(), 1):
            shipment_id = ShipmentId(uuid7())
            lines = (*(LineQuantity(r.line_no, r.quantity) for r in held), *beside)
            taken.append((order_id, shipment_id, held))
            rows.append((shipment_id, order_id, location_id, _nth(wave[order_id], nth), lines))
            beside = []  # what is not stocked goes with the first parcel
    await inventory.ship_many(tx, taken)
    heads = await store.insert_shipments(tx, rows)
    result: dict[OrderId, list[ShipmentId]] = {}
    for shipment_id, order_id, location_id, tracking, lines in rows:
        result.setdefault(order_id, []).append(shipment_id)
        number, channel, whole = heads[order_id]
        tx.emit(
            OrderShipped(
                order_id=order_id,
                number=number,
                channel=channel,
                lines=lines,
                shipment_id=shipment_id,
                location_id=location_id,
                carrier=tracking.carrier,
                tracking_number=tracking.number,
                whole=whole,
            )
        )
    return result


def _nth(tracking: Tracking, nth: int) -> Tracking:
    return tracking if nth == 1 or not tracking.number else replace(tracking, number=f"{tracking.number}-{nth}")


async def _sent(
    tx: Tx,
    order: Order,
    shipment_id: ShipmentId,
    location_id: LocationId,
    chosen: Sequence[tuple[OrderLine, int]],
    tracking: tuple[str, str, str],
    waited: Mapping[int, int] | None = None,
) -> None:
    """Writes a shipment whose units have been taken off the stock; `waited` is how many of each line had no promise."""
    lines = tuple(LineQuantity(line.line_no, quantity) for line, quantity in chosen)
    await store.insert_shipment(tx, shipment_id, order.id, location_id, tracking, lines)
    waiting = waited or {}
    await store.change_lines(
        tx,
        order.id,
        [leaving(part.line_no, UnitStep.SHIP, part.quantity, waiting.get(part.line_no, 0)) for part in lines],
    )
    items = sum(quantity for line, quantity in chosen if line.sku is not None)
    tx.emit(
        OrderShipped(
            order_id=order.id,
            number=order.number,
            channel=order.channel_code,
            lines=lines,
            shipment_id=shipment_id,
            location_id=location_id,
            carrier=tracking[0],
            tracking_number=tracking[1],
            whole=order.cancelled + order.shipped + items == order.quantity,
        )
    )


async def depart(
    tx: Tx, order_id: OrderId, location_id: LocationId, lines: Sequence[LineQuantity], *, moves_stock: bool = True
) -> ShipmentId:
    """A fact: these units have left that location, whatever was promised where. What was promised elsewhere is freed, what
    waited for stock waits no longer. Without `moves_stock` the promises end and on hand stays: it has been counted since.
    """
    order = await load(tx, order_id)
    chosen = open_lines(order, lines, {line.line_no: line.open for line in order.lines})
    reservations = await inventory.reservations_of(tx, [order_id])
    here: list[Reservation] = []
    elsewhere: list[Reservation] = []
    unpromised: list[tuple[str, int]] = []
    waited: dict[int, int] = {}
    for line, quantity in chosen:
        waited[line.line_no] = max(0, quantity - line.reserved)
        if not line.stocked or line.sku is None:
            continue
        own = [r for r in reservations if r.line_no == line.line_no]
        mine = min(quantity, sum(r.quantity for r in own if r.location_id == location_id))
        here.extend(inventory.take(own, line.line_no, mine, location_id))
        others = [r for r in own if r.location_id != location_id]
        elsewhere.extend(inventory.take(others, line.line_no, quantity - mine - waited[line.line_no]))
        unpromised.append((line.sku, quantity - mine))
    shipment_id = ShipmentId(uuid7())
    if moves_stock:
        await _take_off(tx, order_id, shipment_id, location_id, here, elsewhere, unpromised)
    else:
        await inventory.release(tx, here + elsewhere)
    await _sent(tx, order, shipment_id, location_id, chosen, ("", "", ""), waited)
    return shipment_id


async def _take_off(
    tx: Tx,
    order_id: OrderId,
    shipment_id: ShipmentId,
    location_id: LocationId,
    here: Sequence[Reservation],
    elsewhere: Sequence[Reservation],
    unpromised: Sequence[tuple[str, int]],
) -> None:
    sold = [
        Movement(
            kind=StockKind.SOLD,
            sku=sku,
            location_id=location_id,
            on_hand=-units,
            order_id=order_id,
            shipment_id=shipment_id,
        )
        for sku, units in unpromised
        if units
    ]
    spots = {m.spot for m in sold} | {(r.sku, r.location_id) for r in (*here, *elsewhere)}
    if not spots:
        return
    await inventory.lock_levels(tx, sorted(spots))
    await inventory.ship(tx, here, order_id, shipment_id)
    await inventory.release(tx, elsewhere)
    await note_negative(tx, await inventory.record(tx, sold))


async def take_back(
    tx: Tx,
    order_id: OrderId,
    location_id: LocationId,
    lines: Sequence[ReturnLine],
    reason: str,
    *,
    moves_stock: bool = True,
) -> tuple[ReturnId, int]:
    """Takes units back at any location; gives the return and what they stand for, in minor units, to the cent.

    The first unit that comes back stands for the first share of its line, and so on: returning everything gives back exactly
    what the line cost. A charge can be given back, too, whenever it is not cancelled.
    """
    order = await load(tx, order_id)
    by_no = {line.line_no: line for line in order.lines}
    returnable = {line.line_no: _returnable(line) for line in order.lines}
    if not open_lines(order, [LineQuantity(line.line_no, line.quantity) for line in lines], returnable):
        raise QuantityNotOpen(lines=[])
    rows = _shares(by_no, lines)
    return_id = ReturnId(uuid7())
    stocked = [(by_no[no].sku or "", location_id, what, units) for no, what, units, _ in rows if by_no[no].stocked]
    if moves_stock and stocked:
        await inventory.take_back(tx, stocked, order_id, return_id)
    await store.insert_return(tx, return_id, order_id, location_id, reason, rows)
    returned: Counter[int] = Counter()
    for no, _, units, _ in rows:
        returned[no] += units
    await store.change_lines(tx, order_id, [_returning(by_no[no], units) for no, units in returned.items()])
    refundable = sum(amount for *_, amount in rows)
    tx.emit(
        OrderReturned(
            order_id=order_id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(LineQuantity(no, units) for no, units in returned.items()),
            return_id=return_id,
            location_id=location_id,
            reason=reason,
            units=sum(units for no, units in returned.items() if by_no[no].sku is not None),
            refundable=refundable,
        )
    )
    return return_id, refundable


def _returnable(line: OrderLine) -> int:
    """What has left and not come back. A charge goes nowhere: all of it that is not cancelled."""
    return (line.shipped if line.sku is not None else line.quantity - line.cancelled) - line.returned


def _returning(line: OrderLine, units: int) -> store.LineChange:
    """The units of a charge count as sent when they are given back."""
    back = stepped(line.line_no, UnitStep.TAKE_BACK, {UnitPlace.SHIPPED: units})
    return replace(back, shipped=max(0, line.returned + units - line.shipped))


def _shares(by_no: Mapping[int, OrderLine], lines: Sequence[ReturnLine]) -> list[tuple[int, Disposition, int, int]]:
    """(line, disposition, units, minor units that they stand for), one per line and disposition."""
    already = {no: line.returned for no, line in by_no.items()}
    merged: dict[tuple[int, Disposition], tuple[int, int]] = {}
    for part in lines:
        line = by_no[part.line_no]
        amount = share(line.total, line.quantity, already[part.line_no], part.quantity)
        already[part.line_no] += part.quantity
        units, before = merged.get((part.line_no, part.disposition), (0, 0))
        merged[part.line_no, part.disposition] = (units + part.quantity, before + amount)
    return [(no, disposition, units, amount) for (no, disposition), (units, amount) in merged.items()]


async def pay(
    tx: Tx,
    order_id: OrderId,
    kind: EntryKind,
    method: str,
    amount: int,
    reference: str = "",
    payment_id: UUID | None = None,
    *,
    grant_id: GrantId | None = None,
    location_id: UUID | None = None,
) -> bool:
    """Writes money that moved for this order, at that store or desk. False when (kind, method, reference) was known already.

    A refund counts against what was granted: against `grant_id`, or the oldest first. Refuses to
    refund more than was captured, and to void more than is authorised.
    """
    order = await load(tx, order_id)
    if amount < 1:
        raise invalid("amount", "is at least one minor unit")
    if reference and await payments.is_known(tx, order_id, kind, method, reference):
        return False
    if kind is EntryKind.REFUNDED and order.refunded + amount > order.captured:
        raise OverRefund(captured=order.captured, refunded=order.refunded, asked=amount)
    if kind is EntryKind.VOIDED and amount > order.authorised:
        raise OverVoid(authorised=order.authorised, asked=amount)
    entry = Entry(
        PaymentId(payment_id or uuid7()),
        order_id,
        kind,
        method,
        amount,
        order.currency,
        reference,
        tx.now,
        order.channel_code,
        location_id,
    )
    await payments.record(tx, [entry], grant_id=grant_id)
    await store.add_payments(tx, [entry])
    tx.emit(OrderPaid(order_id=order_id, number=order.number, kind=kind, method=method, amount=amount, currency=order.currency))
    return True


async def note(tx: Tx, order_id: OrderId, text: str) -> None:
    """Adds a remark to the timeline."""
    await load(tx, order_id)
    tx.emit(OrderNoted(order_id=order_id, note=text))
