"""Where the units of orders come from, after they were promised: sent elsewhere by routing, or given back by a location.

Locks are taken in the order that everybody keeps to: orders by id, then levels by key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import PromiseId, Reservation, Spot
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import lifecycle, store
from comptoir.modules.orders.contracts import (
    Chosen,
    ExceptionKind,
    LineQuantity,
    OpenOrder,
    OrderAllocated,
    OrderId,
    OrderMoved,
    OrderParked,
    OrderRejected,
    Placing,
    Rejection,
    Resolution,
    Unsent,
)
from comptoir.modules.orders.domain import UnitPlace, UnitStep
from comptoir.modules.orders.errors import NotReservedThere, QuantityNotOpen
from comptoir.modules.orders.exceptions import Opening, close, open_exceptions
from comptoir.modules.orders.store import history
from comptoir.runtime.columnar import Columns
from comptoir.runtime.database import Reader, Tx


async def open_orders(reader: Reader, ids: Sequence[UUID]) -> dict[OrderId, OpenOrder]:
    """Those of these orders of which units have neither left nor been cancelled."""
    return await store.open_orders(reader, ids)


async def rejections(reader: Reader, ids: Sequence[UUID]) -> list[Rejection]:
    """Which locations have given back units of these orders; the oldest of an order first."""
    return await store.rejections(reader, ids)


async def reject(
    tx: Tx, order_id: OrderId, location_id: LocationId, lines: Sequence[LineQuantity] | None, reason: str
) -> list[LineQuantity]:
    """A location gives units back that are promised there, those named or all: they wait for another one, and this one is not
    asked for these lines again. Gives what waits now. Raises NotFound, UnknownLine, NotReservedThere and QuantityNotOpen.
    """
    order = await lifecycle.load(tx, order_id)
    reservations = await inventory.reservations_of(tx, [order_id])
    here: Counter[int] = Counter()
    for r in reservations:
        if r.location_id == location_id:
            here[r.line_no] += r.quantity
    chosen = lifecycle.open_lines(order, lines, here)
    if not chosen:
        raise NotReservedThere(lines=[])
    parts = [part for line, units in chosen for part in inventory.take(reservations, line.line_no, units, location_id)]
    await inventory.release(tx, parts)
    await store.forget_choices(tx, [(order_id, line.line_no, location_id) for line, _ in chosen])
    released = [lifecycle.stepped(line.line_no, UnitStep.RELEASE, {UnitPlace.RESERVED: units}) for line, units in chosen]
    await store.change_lines(tx, order_id, released)
    await store.insert_rejections(tx, order_id, location_id, reason, [(line.line_no, units) for line, units in chosen])
    given = [LineQuantity(line.line_no, units) for line, units in chosen]
    tx.emit(
        OrderRejected(
            order_id=order_id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(given),
            location_id=location_id,
            reason=reason,
        )
    )
    return given


async def choose(tx: Tx, order_id: OrderId, parts: Iterable[tuple[int, LocationId]]) -> None:
    """A person wants these lines, rows of (line, location), to come from there: routing leaves them alone until that location
    gives them back. That they are promised there is for the caller to see to, with `assign`.
    """
    await store.put_choices(tx, [(order_id, line_no, location_id) for line_no, location_id in parts])


async def choices(reader: Reader, ids: Sequence[UUID]) -> list[Chosen]:
    """From where persons want units of these orders to come."""
    return await store.choices(reader, ids)


async def wanted(reader: Reader, channels: Sequence[str], since: datetime, until: datetime) -> Columns:
    """The items of past orders that were promised, by the time of placing: a row per line, in the order of recording. Columns:
    order and pickup (UUIDs as text), recorded and placed (microseconds since 1970), channel, service, country, latitude,
    longitude, promised (days since 1970), line_no, sku, units (without what was cancelled, unless it was for want of stock),
    value (of one, minor units) and gone (units of them that were cancelled for want of stock).
    """
    return await history.wanted(reader, channels, since, until)


async def sent(reader: Reader, channels: Sequence[str], since: datetime, until: datetime) -> Columns:
    """What of these orders has left from where: order, location, line_no and units."""
    return await history.sent(reader, channels, since, until)


async def given_back(reader: Reader, channels: Sequence[str], since: datetime, until: datetime) -> list[tuple[UUID, int, int]]:
    """By location: parts of past orders that it gave back, of so many that it was to send."""
    return await history.given_back(reader, channels, since, until)


async def recorded_between(
    reader: Reader, channels: Sequence[str], since: datetime, until: datetime
) -> tuple[datetime, datetime] | None:
    """When the first and the last of these orders were recorded, which is the clock of the ledger; None without any."""
    return await history.clock(reader, channels, since, until)


async def shipped_from(reader: Reader, ids: Sequence[UUID]) -> dict[OrderId, Counter[tuple[int, LocationId]]]:
    """Units of these orders that have left, by line and the location that they left from."""
    found: dict[OrderId, Counter[tuple[int, LocationId]]] = {}
    for order_id, line_no, location_id, units in await store.shipped_from(reader, ids):
        found.setdefault(order_id, Counter())[line_no, location_id] = units
    return found


async def park(tx: Tx, parked: Mapping[OrderId, Sequence[Unsent]]) -> None:
    """Puts units that nobody may send before a person, with the reason. Told once for as long as it is open."""
    opened = await store.open_orders(tx, list(parked))
    openings: list[Opening] = []
    for order_id, lines in parked.items():
        skus = {line.line_no: line.sku for line in opened[order_id].lines} if order_id in opened else {}
        openings += [
            Opening(ExceptionKind.UNROUTABLE, order_id, one.line_no, skus[one.line_no], None, one.units, _why(one))
            for one in lines
            if one.line_no in skus
        ]
    fresh = set(await open_exceptions(tx, openings))
    for order_id, lines in parked.items():
        if fresh and order_id in opened:
            order = opened[order_id]
            tx.emit(
                OrderParked(
                    order_id=order_id,
                    number=order.number,
                    channel=order.channel_code,
                    lines=tuple([LineQuantity(one.line_no, one.units) for one in lines]),
                )
            )


def _why(one: Unsent) -> dict[str, object]:
    """As an exception keeps it: a database does not keep the order of `sites`."""
    return {"reason": next(iter(one.sites)), "sites": dict(one.sites)} if one.sites else {}


async def unpark(tx: Tx, settled: Mapping[OrderId, Sequence[int]]) -> None:
    """Somebody sends these lines after all."""
    for one in await store.open_of_orders(tx, ExceptionKind.UNROUTABLE, sorted(settled)):
        if one.order_id is not None and one.line_no in settled[one.order_id]:
            await close(tx, one, Resolution.MOVED)


@dataclass(slots=True)
class _Change:
    """What one order has to give up and to get, so that its units come from where they are wanted."""

    order: OpenOrder
    given_up: list[Reservation] = field(default_factory=list[Reservation])
    taken: list[Reservation] = field(default_factory=list[Reservation])
    moved: list[tuple[int, LocationId, LocationId, int]] = field(default_factory=list[tuple[int, LocationId, LocationId, int]])
    """(line, from, to, units)."""
    allocated: Counter[int] = field(default_factory=Counter[int])
    """By line: units that waited."""
    emptied: list[tuple[OrderId, int, LocationId]] = field(default_factory=list[tuple[OrderId, int, LocationId]])
    """Where nothing is promised any more."""


async def assign(tx: Tx, wanted: Mapping[OrderId, Sequence[Placing]], reason: str) -> set[OrderId]:
    """Lets units of orders come from where they are wanted: what is promised elsewhere is moved, what waits is promised.

    `wanted` says it for whole lines: of a line that is named, units that are not wanted anywhere stay where they are. An order
    for which something is lacking under lock stays as it was; these are given back. Raises QuantityNotOpen for more units than
    are open.
    """
    await store.lock(tx, sorted(wanted))
    orders = await store.open_orders(tx, list(wanted))
    reservations: dict[UUID, list[Reservation]] = {}
    for r in await inventory.reservations_of(tx, sorted(wanted)):
        reservations.setdefault(r.promise_id, []).append(r)
    changes = [
        _change(orders[order_id], reservations.get(order_id, []), wanted[order_id])
        for order_id in sorted(wanted)
        if order_id in orders
    ]
    changes = [change for change in changes if change.taken]
    spots = {(r.sku, r.location_id) for change in changes for r in (*change.given_up, *change.taken)}
    available = await inventory.lock_available(tx, sorted(spots)) if spots else {}
    done = _possible(changes, available)
    await _carry_out(tx, done, reason)
    return {change.order.id for change in changes} - {change.order.id for change in done}


def _change(order: OpenOrder, reservations: Sequence[Reservation], wanted: Sequence[Placing]) -> _Change:
    found = _Change(order)
    lines = {line.line_no: line for line in order.lines}
    asked: dict[int, Counter[LocationId]] = {}
    for placing in wanted:
        asked.setdefault(placing.line_no, Counter())[placing.location_id] += placing.quantity
    for line_no, places in asked.items():
        line = lines.get(line_no)
        if line is None or places.total() > line.open:
            opened = 0 if line is None else line.open
            raise QuantityNotOpen(lines=[{"line_no": line_no, "asked": places.total(), "open": opened}])
        surplus: list[tuple[LocationId, int]] = []
        lacking = Counter(places)
        for r in reservations:
            if r.line_no == line_no:
                surplus.append((r.location_id, max(0, r.quantity - places[r.location_id])))
                lacking[r.location_id] -= min(r.quantity, places[r.location_id])
        for place, units in (+lacking).items():
            _find(found, line_no, line.sku, place, units, surplus)
        if found.allocated[line_no] > line.backordered:
            raise QuantityNotOpen(lines=[{"line_no": line_no, "asked": places.total(), "open": line.open}])
    found.emptied = lifecycle.emptied(order.id, reservations, found.given_up)
    return found


def _find(
    change: _Change, line_no: int, sku: str, place: LocationId, units: int, surplus: list[tuple[LocationId, int]]
) -> None:
    """Takes units from where they are not wanted any more, and what is lacking then from those that wait."""
    promise = PromiseId(change.order.id)
    change.taken.append(Reservation(promise, line_no, place, sku, units))
    for i, (source, there) in enumerate(surplus):
        part = min(units, there)
        if part:
            surplus[i] = (source, there - part)
            change.given_up.append(Reservation(promise, line_no, source, sku, part))
            change.moved.append((line_no, source, place, part))
            units -= part
    change.allocated[line_no] += units


def _possible(changes: Sequence[_Change], available: Mapping[Spot, int]) -> list[_Change]:
    """Those that can all be carried out together: what one gives up, another may take. The later one gives way."""
    left = Counter(available)
    for change in changes:
        _apply(left, change, 1)
    kept = list(changes)
    while True:
        gone = next((one for one in reversed(kept) if any(left[r.sku, r.location_id] < 0 for r in one.taken)), None)
        if gone is None:
            return kept
        kept.remove(gone)
        _apply(left, gone, -1)


def _apply(left: Counter[Spot], change: _Change, sign: int) -> None:
    for r in change.given_up:
        left[r.sku, r.location_id] += sign * r.quantity
    for r in change.taken:
        left[r.sku, r.location_id] -= sign * r.quantity


async def _carry_out(tx: Tx, changes: Sequence[_Change], reason: str) -> None:
    if not changes:
        return
    await inventory.release(tx, _merged(r for change in changes for r in change.given_up))
    await inventory.reserve(tx, _merged(r for change in changes for r in change.taken))
    gone = [part for change in changes for part in change.emptied]
    if gone:
        await store.forget_choices(tx, gone)
    # Also with no units that waited: whoever holds a version of the order is to see that it has changed.
    await store.change_waiting(
        tx,
        [
            (change.order.id, line_no, -change.allocated[line_no])
            for change in changes
            for line_no in sorted({r.line_no for r in change.taken})
        ],
    )
    for change in changes:
        _tell(tx, change, reason)


def _merged(reservations: Iterable[Reservation]) -> list[Reservation]:
    """One row for each promise, line and location."""
    found: dict[tuple[UUID, int, LocationId], Reservation] = {}
    for r in reservations:
        key = (r.promise_id, r.line_no, r.location_id)
        found[key] = r._replace(quantity=r.quantity + (found[key].quantity if key in found else 0))
    return list(found.values())


def _tell(tx: Tx, change: _Change, reason: str) -> None:
    order = change.order
    ways: dict[tuple[LocationId, LocationId], Counter[int]] = {}
    for line_no, source, place, units in change.moved:
        ways.setdefault((source, place), Counter())[line_no] += units
    for (source, place), lines in ways.items():
        tx.emit(
            OrderMoved(
                order_id=order.id,
                number=order.number,
                channel=order.channel_code,
                lines=tuple([LineQuantity(no, units) for no, units in lines.items()]),
                from_location_id=source,
                to_location_id=place,
                reason=reason,
            )
        )
    allocated = tuple([LineQuantity(no, units) for no, units in change.allocated.items() if units])
    if allocated:
        tx.emit(OrderAllocated(order_id=order.id, number=order.number, channel=order.channel_code, lines=allocated))
