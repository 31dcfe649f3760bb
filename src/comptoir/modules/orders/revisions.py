"""Revisions: a channel tells a newer version of an order that is in the book."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Disposition, EntryKind, Movement, PromiseId, Reservation
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import lifecycle, store
from comptoir.modules.orders.contracts import (
    Fact,
    LineQuantity,
    Order,
    OrderId,
    OrderLine,
    OrderUpdated,
    ReturnLine,
)
from comptoir.modules.payments import api as payments
from comptoir.runtime.database import Tx
from comptoir.sdk.orders import ChannelLine, LineKind


async def revise(tx: Tx, order_id: OrderId, fact: Fact) -> None:
    """Brings the order to what the channel says now: what was cancelled, shipped or returned there since, lines that were added
    or grew, and the money. Nothing is undone: a channel that takes back a shipment is a fact that a person looks at."""
    from comptoir.modules.orders.facts import line_row, payment_entries  # noqa: PLC0415 - the two halves of one door

    order = await lifecycle.load(tx, order_id)
    pairs = _pairs(order, fact.order.lines)
    added = [line for old, line in pairs if old is None]
    if added:
        await _add(tx, order, fact, added)
    for old, line in pairs:
        if old is not None and line.quantity > old.quantity:
            await _grow(tx, order, fact, old, line.quantity - old.quantity)
    cancelled = [
        LineQuantity(old.line_no, min(extra, old.open))
        for old, line in pairs
        if old is not None and (extra := line.cancelled + max(0, old.quantity - line.quantity) - old.cancelled) > 0 and old.open
    ]
    if cancelled:
        await lifecycle.cancel(tx, order_id, cancelled, "channel")
    await _leave(tx, order_id, fact, [(old, line) for old, line in pairs if old is not None])
    returned = [
        ReturnLine(old.line_no, line.returned - old.returned, Disposition.RESTOCK)
        for old, line in pairs
        if old is not None and line.returned > old.returned
    ]
    if returned:
        location = fact.location_id or fact.candidates.locations[0]
        await lifecycle.take_back(tx, order_id, location, returned, "channel")
    rows = [line_row(order_id, no, line, fact, set()) for no, line in enumerate(fact.order.lines, 1)]
    paid = await payments.record(tx, payment_entries(order_id, fact))
    if paid:
        await store.add_payments(tx, paid)
    await store.revise_order(tx, order_id, fact.order.version, rows)
    tx.emit(
        OrderUpdated(
            order_id=order_id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(LineQuantity(no, line.quantity) for no, line in enumerate(fact.order.lines, 1)),
            version=fact.order.version,
        )
    )


def _pairs(order: Order, lines: Sequence[ChannelLine]) -> list[tuple[OrderLine | None, ChannelLine]]:
    """Each reported line with ours: by the channel's line id where it has one, else by its place."""
    by_external = {line.external_id: line for line in order.lines if line.external_id}
    by_no = {line.line_no: line for line in order.lines if not line.external_id}
    return [
        (by_external.get(line.external_id) if line.external_id else by_no.get(no), line) for no, line in enumerate(lines, 1)
    ]


async def _add(tx: Tx, order: Order, fact: Fact, lines: Sequence[ChannelLine]) -> None:
    from comptoir.modules.orders.facts import line_row  # noqa: PLC0415 - see revise

    sellable = await catalogue.sellable(tx, [line.sku for line in lines if line.sku])
    unstocked = {sku for sku, variant in sellable.items() if not variant.stocked}
    first = max((line.line_no for line in order.lines), default=0) + 1
    rows = [line_row(order.id, no, line, fact, unstocked) for no, line in enumerate(lines, first)]
    await store.insert_lines(tx, rows)
    await store.count_lines(tx, order.id)
    await _promise(
        tx,
        order.id,
        fact.candidates.locations[0],
        [(row.line_no, row.sku, row.quantity - row.cancelled - row.shipped) for row in rows if row.stocked],
    )


async def _grow(tx: Tx, order: Order, fact: Fact, line: OrderLine, units: int) -> None:
    await store.grow_line(tx, order.id, line.line_no, units)
    if line.stocked:
        await _promise(tx, order.id, fact.candidates.locations[0], [(line.line_no, line.sku, units)])


async def _promise(tx: Tx, order_id: OrderId, location_id: LocationId, units: Sequence[tuple[int, str | None, int]]) -> None:
    reservations = [Reservation(PromiseId(order_id), no, location_id, sku, q) for no, sku, q in units if sku and q]
    await inventory.promise_regardless(tx, reservations)


async def _leave(tx: Tx, order_id: OrderId, fact: Fact, pairs: Sequence[tuple[OrderLine, ChannelLine]]) -> None:
    """What has been shipped on the channel's side since: it leaves from where it was reserved."""
    order = await lifecycle.load(tx, order_id)
    now = {line.line_no: line for line in order.lines}
    wanted = {
        old.line_no: min(line.shipped - now[old.line_no].shipped, now[old.line_no].open)
        for old, line in pairs
        if line.kind is LineKind.ITEM and line.shipped > now[old.line_no].shipped
    }
    waiting = {no: min(q, now[no].backordered) for no, q in wanted.items() if now[no].reserved < q}
    if any(waiting.values()):
        # It has left although it was never promised here: a sale of what we thought was not there.
        location = fact.location_id or fact.candidates.locations[0]
        sold = {no: wanted[no] - now[no].reserved for no in waiting}
        await inventory.record(
            tx,
            [
                Movement(kind=EntryKind.SOLD, sku=now[no].sku or "", location_id=location, on_hand=-units, order_id=order_id)
                for no, units in sold.items()
                if now[no].stocked
            ],
        )
        await store.change_lines(
            tx, order_id, [store.LineChange(no, backordered=-units, shipped=units) for no, units in sold.items()]
        )
        wanted = {no: q - sold.get(no, 0) for no, q in wanted.items()}
    by_location: dict[LocationId, list[LineQuantity]] = {}
    reservations = await inventory.reservations_of(tx, [order_id])
    for no, units in wanted.items():
        if units and now[no].stocked:
            for part in inventory.take(reservations, no, units):
                by_location.setdefault(part.location_id, []).append(LineQuantity(no, part.quantity))
        elif units:
            by_location.setdefault(fact.candidates.locations[0], []).append(LineQuantity(no, units))
    for location, lines in by_location.items():
        await lifecycle.ship(tx, order_id, location, lines)
