"""Revisions: a channel tells a newer version of an order that is in the book."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Demand, EntryKind, Movement
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import lifecycle, store
from comptoir.modules.orders.contracts import Fact, LineQuantity, Order, OrderId, OrderLine, OrderUpdated, ReturnLine
from comptoir.modules.orders.reported import Units, home, line_row, move_stock, open_unknown, payment_entries, sellable
from comptoir.modules.orders.stopping import CHANNEL, Bound, BoundOf, wait_for_stop
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Entry
from comptoir.runtime.database import Tx
from comptoir.sdk.orders import ChannelLine, LineKind, OrderKind

Pair = tuple[OrderLine, ChannelLine]


@dataclass(slots=True)
class _Hands:
    """What third parties have in hand of an order, and what of that the channel does not want any more."""

    bound: Bound
    asked: Counter[tuple[int, LocationId]] = field(default_factory=Counter[tuple[int, LocationId]])
    shrunk: Counter[tuple[int, LocationId]] = field(default_factory=Counter[tuple[int, LocationId]])
    """Of what is asked for, what the channel does not even tell as cancelled."""

    def spare(self, line: OrderLine, units: int) -> int:
        """How many of these open units can be taken away at once; for the others their third parties have to stop."""
        places = sorted(place for no, place in self.bound if no == line.line_no)
        free = max(0, line.open - sum(self.bound[line.line_no, place] for place in places))
        left = max(0, units - free)
        for place in places:
            part = min(left, self.bound[line.line_no, place] - self.asked[line.line_no, place])
            self.asked[line.line_no, place] += part
            left -= part
        return min(units, free)


async def revise(tx: Tx, order_id: OrderId, fact: Fact, bound_of: BoundOf | None = None) -> int | None:
    """Brings the order to what the channel says now: what was cancelled, shipped or returned there since, lines that came,
    grew, shrank or went, and the money. Nothing is undone: a channel that takes back a shipment is for a person to look at.
    What a third party has in hand stays promised until it has stopped (see `stopping`).

    Gives how many units are promised though they are not there; None when this version is known after all.
    """
    order = await lifecycle.load(tx, order_id)
    if fact.order.version <= (order.external_version or ""):
        return None
    pairs, added, vanished = _pair(order, fact.order.lines)
    if order.kind == OrderKind.CREDIT:
        await _recount_credit(tx, order, fact, pairs)
    else:
        hands = _Hands({} if bound_of is None else await bound_of(tx, order_id))
        await _shrink(tx, order, pairs, hands)
        hands.shrunk.update(hands.asked)
        await _cancel(tx, order_id, pairs, vanished, hands)
        await wait_for_stop(tx, order_id, hands.asked, CHANNEL, shrunk=hands.shrunk)
    short = await _grow(tx, order, fact, pairs, added)
    if order.kind == OrderKind.SALE:
        await _leave(tx, order_id, fact, pairs)
        await _return(tx, order_id, fact, pairs)
    await _restate(tx, order, fact, pairs, vanished)
    return short


def _pair(order: Order, lines: Sequence[ChannelLine]) -> tuple[list[Pair], list[ChannelLine], list[OrderLine]]:
    """Our lines with the reported ones, the reported ones that we do not have, and ours that are no longer reported.

    They belong together by the channel's id of the line, else by what is sold, the first with the first.
    """
    ours: dict[tuple[str, ...], list[OrderLine]] = defaultdict(list)
    for line in order.lines:
        ours[(line.external_id,) if line.external_id else _sort(line)].append(line)
    pairs: list[Pair] = []
    added: list[ChannelLine] = []
    for line in lines:
        found = ours.get((line.external_id,)) if line.external_id else None
        found = found or ours.get(_sort(line))
        if found:
            pairs.append((found.pop(0), line))
        else:
            added.append(line)
    return pairs, added, [line for rest in ours.values() for line in rest]


def _sort(line: OrderLine | ChannelLine) -> tuple[str, ...]:
    return (line.kind, line.sku or "") if line.kind == LineKind.ITEM else (line.kind, line.name)


async def _recount_credit(tx: Tx, order: Order, fact: Fact, pairs: Sequence[Pair]) -> None:
    """A credit's units came back as soon as it was written: a corrected quantity corrects what came back."""
    changed = [(old, line.quantity - old.quantity) for old, line in pairs if line.quantity not in {old.quantity, 0}]
    if fact.moves_stock:
        await inventory.record(
            tx,
            [
                Movement(kind=EntryKind.RETURNED, sku=old.sku, location_id=home(fact), on_hand=units, order_id=order.id)
                for old, units in changed
                if old.stocked and old.sku
            ],
        )
    if changed:
        await store.change_lines(tx, order.id, [store.LineChange(old.line_no, quantity=n, shipped=n) for old, n in changed])


async def _shrink(tx: Tx, order: Order, pairs: Sequence[Pair], hands: _Hands) -> None:
    """Lines of which the channel tells fewer units: those that we knew as cancelled go first, then those still open."""
    changes: list[store.LineChange] = []
    freed: list[LineQuantity] = []
    for old, line in pairs:
        gone = max(0, old.quantity - line.quantity)
        cancelled = min(gone, max(0, old.cancelled - line.cancelled))
        open_units = hands.spare(old, min(gone - cancelled, old.open))
        waiting = min(open_units, old.backordered)
        if cancelled + open_units:
            changes.append(
                store.LineChange(old.line_no, quantity=-cancelled - open_units, cancelled=-cancelled, backordered=-waiting)
            )
        if old.stocked and open_units > waiting:
            freed.append(LineQuantity(old.line_no, open_units - waiting))
    if freed:
        reservations = lifecycle.but(await inventory.reservations_of(tx, [order.id]), hands.bound)
        await inventory.release(tx, [r for part in freed for r in inventory.take(reservations, part.line_no, part.quantity)])
    if changes:
        await store.change_lines(tx, order.id, changes)


async def _cancel(tx: Tx, order_id: OrderId, pairs: Sequence[Pair], vanished: Sequence[OrderLine], hands: _Hands) -> None:
    now = await _lines(tx, order_id)
    wanted = {old.line_no: line.cancelled - now[old.line_no].cancelled for old, line in pairs}
    wanted |= {line.line_no: line.open for line in vanished}
    parts = {no: hands.spare(now[no], min(units, now[no].open)) for no, units in wanted.items() if min(units, now[no].open) > 0}
    lines = [LineQuantity(no, units) for no, units in parts.items() if units]
    if lines:
        await lifecycle.cancel(tx, order_id, lines, CHANNEL, keeping=hands.bound)


async def _lines(tx: Tx, order_id: OrderId) -> dict[int, OrderLine]:
    return {line.line_no: line for line in (await lifecycle.load(tx, order_id)).lines}


async def _grow(tx: Tx, order: Order, fact: Fact, pairs: Sequence[Pair], added: Sequence[ChannelLine]) -> int:
    """Lines that are new, and lines with more units than before."""
    units = Units(order.id, fact)
    grown = [(old, line.quantity - old.quantity) for old, line in pairs if line.quantity > old.quantity]
    if grown and order.kind == OrderKind.SALE:
        await store.change_lines(tx, order.id, [store.LineChange(old.line_no, quantity=more) for old, more in grown])
        units.open.extend(Demand(old.line_no, old.sku, more) for old, more in grown if old.stocked and old.sku)
    if added:
        known = await sellable(tx, added)
        first = max((line.line_no for line in order.lines), default=0) + 1
        rows = [line_row(order.id, no, line, fact, known) for no, line in enumerate(added, first)]
        await store.insert_lines(tx, rows)
        await open_unknown(tx, rows, known)
        for row in rows:
            units.add(row)
    await move_stock(tx, [units])
    return units.short


async def _leave(tx: Tx, order_id: OrderId, fact: Fact, pairs: Sequence[Pair]) -> None:
    """What has been shipped on the channel's side since: from where the channel says, else from where it was promised."""
    now = await _lines(tx, order_id)
    wanted = {old.line_no: min(line.shipped - now[old.line_no].shipped, now[old.line_no].open) for old, line in pairs}
    wanted = {no: units for no, units in wanted.items() if units > 0}
    if not wanted:
        return
    by_location: dict[LocationId, list[LineQuantity]] = defaultdict(list)
    reservations = [] if fact.location_id else await inventory.reservations_of(tx, [order_id])
    for no, units in wanted.items():
        left = units
        for r in reservations:
            part = min(left, r.quantity) if r.line_no == no else 0
            if part:
                by_location[r.location_id].append(LineQuantity(no, part))
                left -= part
        if left:
            by_location[home(fact)].append(LineQuantity(no, left))
    for location, lines in by_location.items():
        await lifecycle.depart(tx, order_id, location, lines, moves_stock=fact.moves_stock)


async def _return(tx: Tx, order_id: OrderId, fact: Fact, pairs: Sequence[Pair]) -> None:
    now = await _lines(tx, order_id)
    returned = [
        ReturnLine(no, units)
        for no, units in (
            (old.line_no, min(line.returned, now[old.line_no].shipped) - now[old.line_no].returned) for old, line in pairs
        )
        if units > 0
    ]
    if returned:
        await lifecycle.take_back(tx, order_id, home(fact), returned, "channel", moves_stock=fact.moves_stock)


async def _restate(tx: Tx, order: Order, fact: Fact, pairs: Sequence[Pair], vanished: Sequence[OrderLine]) -> None:
    """The money as the channel tells it now."""
    rows = [line_row(order.id, old.line_no, line, fact, {}) for old, line in pairs]
    if rows:
        await store.restate_lines(tx, order.id, rows)
    if vanished:
        await store.empty_lines(tx, order.id, [line.line_no for line in vanished])
    new = await payments.record(tx, await _new_entries(tx, order.id, fact))
    if new:
        await store.add_payments(tx, new)
    total, quantity = await store.sum_up(tx, order.id)
    await store.set_external_version(tx, order.id, fact.order.version)
    tx.emit(
        OrderUpdated(
            order_id=order.id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(LineQuantity(old.line_no, line.quantity) for old, line in pairs),
            version=fact.order.version,
            total=total,
            total_change=total - order.total,
            quantity_change=quantity - order.quantity,
        )
    )


async def _new_entries(tx: Tx, order_id: OrderId, fact: Fact) -> list[Entry]:
    """The payments that are told for the first time.

    One without a reference cannot be recognised: of each kind, method and amount as many are new as there are more than before.
    """
    told = payment_entries(order_id, fact)
    before = Counter((e.kind, e.method, e.amount) for e in await payments.entries_of(tx, order_id) if not e.reference)
    new: list[Entry] = []
    for entry in told:
        key = (entry.kind, entry.method, entry.amount)
        if not entry.reference and before[key] > 0:
            before[key] -= 1
        else:
            new.append(entry)
    return new
