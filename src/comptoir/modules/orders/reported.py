"""What a channel reports, as rows of the book and as movements of stock: shared by new orders and by revisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import exponent
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Sellable
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Allocation, Demand, EntryKind, Level, Movement, PromiseId, Reservation, Spot
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import store
from comptoir.modules.orders.contracts import ExceptionKind, Fact, OrderId
from comptoir.modules.orders.exceptions import Opening, note_negative, open_exceptions
from comptoir.modules.payments.contracts import Entry, PaymentId
from comptoir.modules.payments.contracts import EntryKind as PaymentKind
from comptoir.runtime.database import Tx
from comptoir.sdk.orders import ChannelLine, LineKind, OrderKind

_encode = msgspec.json.Encoder().encode

_OTHERS = 8
"""How many locations beyond the preferred ones are worth a lock."""


@dataclass(slots=True)
class Units:
    """Reported units of one order on their way into the stock: `gone` have left (below 0: come back), `open` are still owed.

    `short` is how many of the open ones are promised though they are not there.
    """

    order_id: OrderId
    fact: Fact
    gone: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    open: list[Demand] = field(default_factory=list[Demand])
    short: int = 0

    def add(self, row: store.NewLine) -> None:
        """Counts the units of a new line."""
        if not row.stocked or row.sku is None:
            return
        if self.fact.order.kind is OrderKind.CREDIT:
            self.gone.append((row.sku, -row.quantity))
            return
        if row.shipped:
            self.gone.append((row.sku, row.shipped))
        if row.returned:
            self.gone.append((row.sku, -row.returned))
        if row.quantity > row.cancelled + row.shipped:
            self.open.append(Demand(row.line_no, row.sku, row.quantity - row.cancelled - row.shipped))


def home(fact: Fact) -> LocationId:
    """Where what has left was taken from, and where units are promised that are nowhere."""
    if fact.location_id is not None:
        return fact.location_id
    assert fact.candidates.locations, "whoever reports an order knows a location that answers for it"
    return fact.candidates.locations[0]


async def sellable(tx: Tx, lines: Iterable[ChannelLine]) -> dict[str, Sellable]:
    """What the catalogue knows of the items among these lines."""
    skus = list({line.sku for line in lines if line.kind is LineKind.ITEM})
    return await catalogue.sellable(tx, skus) if skus else {}


def line_row(order_id: OrderId, line_no: int, line: ChannelLine, fact: Fact, known: dict[str, Sellable]) -> store.NewLine:
    """A reported line as a row. What the buyer pays is derived as `ChannelLine` says; nothing is recomputed.

    Counters that contradict each other (more shipped than ordered) are cut to what can be: a fact is never refused. What the
    catalogue does not know counts as stocked.
    """
    discount = sum(d.amount for d in line.discounts)
    tax = sum(t.amount for t in line.taxes)
    credit = fact.order.kind is OrderKind.CREDIT
    item = line.kind is LineKind.ITEM
    variant = known.get(line.sku) if item else None
    price = line.unit_price
    if price is None:
        price = Decimal(line.amount).scaleb(-exponent(fact.order.currency)) / line.quantity
    quantity = max(1, min(line.quantity, MAX_QUANTITY))
    cancelled = 0 if credit else max(0, min(line.cancelled, quantity))
    shipped = quantity if credit else max(0, min(line.shipped, quantity - cancelled))
    return store.NewLine(
        order_id=order_id,
        line_no=line_no,
        kind=line.kind,
        sku=line.sku if item else None,
        name=line.name,
        stocked=item and (variant is None or variant.stocked),
        quantity=quantity,
        unit_price=str(round(price, 6)),
        amount=line.amount,
        discount=discount,
        tax=tax,
        total=line.amount - discount + (0 if fact.order.tax_included else tax),
        discounts=_encode(line.discounts) if line.discounts else None,
        taxes=_encode(line.taxes) if line.taxes else None,
        external_id=line.external_id or None,
        cancelled=cancelled,
        backordered=0,
        shipped=shipped,
        returned=0 if credit else max(0, min(line.returned, shipped)),
    )


def payment_entries(order_id: OrderId, fact: Fact) -> list[Entry]:
    """The payments that the channel reports, as entries of the ledger.

    Those of nothing are left out, and of two with one reference the second. What was handed over at a location, and is sent to
    nobody, was paid there.
    """
    counter = None if fact.order.pickup or fact.order.ship_to is not None else fact.location_id
    entries: list[Entry] = []
    seen: set[tuple[str, str, str]] = set()
    for p in fact.order.payments:
        key = (p.kind, p.method, p.reference)
        if p.amount > 0 and (key not in seen or not p.reference):
            entries.append(
                Entry(
                    PaymentId(uuid7()),
                    order_id,
                    PaymentKind(p.kind),
                    p.method,
                    p.amount,
                    fact.order.currency,
                    p.reference,
                    p.at,
                    fact.terms.channel_code,
                    counter,
                )
            )
            seen.add(key)
    return entries


async def open_unknown(tx: Tx, rows: Sequence[store.NewLine], known: dict[str, Sellable]) -> None:
    """Tells a person of every item that the catalogue does not know."""
    await open_exceptions(
        tx,
        [
            Opening(ExceptionKind.UNKNOWN_SKU, row.order_id, row.line_no, row.sku, None, row.quantity)
            for row in rows
            if row.sku is not None and row.sku not in known
        ],
    )


async def move_stock(tx: Tx, reported: Sequence[Units]) -> None:
    """Takes off what has left, and promises what has not, even where it is not there."""
    movements = [m for units in reported if units.fact.moves_stock for m in _gone(units)]
    waiting = [units for units in reported if units.open]
    places = await _places(tx, waiting)
    spots: set[Spot] = {m.spot for m in movements}
    for units in waiting:
        spots.update((demand.sku, location) for demand in units.open for location in places[units.order_id])
    if not spots:
        return
    levels = await inventory.lock_levels(tx, sorted(spots))
    available = {spot: level.available for spot, level in levels.items()}
    for movement in movements:
        available[movement.spot] += movement.on_hand
    reservations = [r for units in waiting for r in _promised(units, places[units.order_id], available)]
    after = await inventory.record_locked(tx, levels, movements)
    await inventory.promise_regardless(tx, reservations)
    await note_negative(tx, _lowered(levels, after))


def _gone(units: Units) -> Iterable[Movement]:
    """The entries of what has left, or has come back, before we were told."""
    location = home(units.fact)
    for sku, quantity in units.gone:
        kind = EntryKind.SOLD if quantity > 0 else EntryKind.RETURNED
        yield Movement(kind=kind, sku=sku, location_id=location, on_hand=-quantity, order_id=units.order_id)


def _lowered(before: dict[Spot, Level], after: dict[Spot, Level]) -> dict[Spot, Level]:
    return {spot: level for spot, level in after.items() if level.on_hand < before[spot].on_hand}


def _promised(units: Units, candidates: Sequence[LocationId], available: dict[Spot, int]) -> list[Reservation]:
    """Where the open units of one order come from; what is nowhere is promised at the first candidate all the same."""
    allocations, lacking = inventory.allocate(units.open, candidates, available)
    units.short = sum(demand.quantity for demand in lacking)
    for demand in lacking:
        allocations.append(Allocation(demand.line_no, candidates[0], demand.quantity))
        available[demand.sku, candidates[0]] -= demand.quantity
    skus = {demand.line_no: demand.sku for demand in units.open}
    merged: dict[tuple[int, LocationId], int] = {}
    for a in allocations:
        merged[a.line_no, a.location_id] = merged.get((a.line_no, a.location_id), 0) + a.quantity
    return [Reservation(PromiseId(units.order_id), no, location, skus[no], q) for (no, location), q in merged.items()]


async def _places(tx: Tx, reported: Sequence[Units]) -> dict[OrderId, tuple[LocationId, ...]]:
    """Where the open units of each order may come from: the preferred locations, and for what these lack, whichever others of
    the pool have it. Read without locks, to know what to lock.
    """
    if not reported:
        return {}
    places = {units.order_id: units.fact.candidates.locations or (home(units.fact),) for units in reported}
    preferred = list({location for locations in places.values() for location in locations})
    skus = list({demand.sku for units in reported for demand in units.open})
    there = {(sku, loc): n for sku, loc, n in await inventory.available_in_pool(tx, skus, preferred)}
    lacking: dict[tuple[LocationId, ...], set[str]] = {}
    for units in reported:
        for demand in units.open:
            found = sum(there.get((demand.sku, location), 0) for location in places[units.order_id])
            if found < demand.quantity and not units.fact.candidates.complete:
                lacking.setdefault(units.fact.terms.pool, set()).add(demand.sku)
    for pool, wanted in lacking.items():
        elsewhere: dict[str, list[LocationId]] = {}
        for sku, location, _ in await inventory.available_in_pool(tx, list(wanted), pool):
            elsewhere.setdefault(sku, []).append(location)
        for units in reported:
            if units.fact.terms.pool == pool:
                others = (loc for demand in units.open for loc in sorted(elsewhere.get(demand.sku, ()))[:_OTHERS])
                places[units.order_id] = tuple(dict.fromkeys((*places[units.order_id], *others)))
    return places
