"""Facts: orders that a channel has taken already. They are recorded whatever the stock says; what they break is told.

Written for many at a time: the year of a chain goes through here, and so does one webhook.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from comptoir.kernel.errors import Remedy
from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import exponent
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Allocation, Demand, EntryKind, Movement, PromiseId, Reservation, Spot
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import store
from comptoir.modules.orders.capture import array_literal
from comptoir.modules.orders.contracts import (
    ExceptionKind,
    Fact,
    OrderId,
    OrderPlaced,
    Recorded,
    RecordOutcome,
)
from comptoir.modules.orders.exceptions import Opening, open_exceptions
from comptoir.modules.orders.revisions import revise
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Entry, PaymentId
from comptoir.modules.payments.contracts import EntryKind as PaymentKind
from comptoir.runtime.database import Contended, Tx
from comptoir.sdk.orders import Address, Buyer, ChannelLine, LineKind, OrderKind

_encode = msgspec.json.Encoder().encode
_NOBODY = Buyer()


async def record(tx: Tx, facts: Sequence[Fact]) -> list[Recorded]:
    """Takes what channels report, one answer per fact in order.

    A version that is known already changes nothing; a newer one revises the order that is there. Several versions of one order
    in one call are taken one after the other.
    """
    answers: list[Recorded | None] = [None] * len(facts)
    rest = list(range(len(facts)))
    while rest:
        first: dict[tuple[object, str], int] = {}
        later: list[int] = []
        for i in rest:
            key = (facts[i].terms.channel_id, facts[i].order.external_id)
            if key in first:
                later.append(i)
            else:
                first[key] = i
        for i, answer in zip(first.values(), await _record(tx, [facts[i] for i in first.values()]), strict=True):
            answers[i] = answer
        rest = later
    return [answer for answer in answers if answer is not None]


async def _record(tx: Tx, facts: Sequence[Fact]) -> list[Recorded]:
    keys = [(fact.terms.channel_id, fact.order.external_id) for fact in facts]
    known = await store.known(tx, keys)
    created = await _create(tx, [fact for fact, key in zip(facts, keys, strict=True) if key not in known])
    answers: list[Recorded] = []
    for fact, key in zip(facts, keys, strict=True):
        if key in created:
            answers.append(created[key])
            continue
        order_id, number, version = known[key]
        if fact.order.version <= version:
            answers.append(Recorded(key[1], order_id, number, RecordOutcome.KNOWN))
        else:
            await revise(tx, order_id, fact)
            answers.append(Recorded(key[1], order_id, number, RecordOutcome.UPDATED))
    return answers


@dataclass(slots=True)
class _New:
    """A reported order on its way into the book."""

    fact: Fact
    id: OrderId
    demands: list[Demand] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    short: int = 0


async def _create(tx: Tx, facts: Sequence[Fact]) -> dict[tuple[object, str], Recorded]:
    if not facts:
        return {}
    skus = list({line.sku for fact in facts for line in fact.order.lines if line.kind is LineKind.ITEM})
    sellable = await catalogue.sellable(tx, skus) if skus else {}
    unstocked = {sku for sku, variant in sellable.items() if not variant.stocked}
    news = [_New(fact, OrderId(uuid7())) for fact in facts]
    for new in news:
        new.demands = [
            Demand(no, line.sku, line.quantity - line.cancelled - line.shipped)
            for no, line in enumerate(new.fact.order.lines, 1)
            if line.kind is LineKind.ITEM and line.sku not in unstocked and line.quantity > line.cancelled + line.shipped
        ]
    numbers = await _write(tx, news, unstocked)
    await _move_stock(tx, news, unstocked)
    await open_exceptions(
        tx,
        [
            Opening(ExceptionKind.UNKNOWN_SKU, new.id, no, line.sku, None, line.quantity)
            for new in news
            for no, line in enumerate(new.fact.order.lines, 1)
            if line.kind is LineKind.ITEM and line.sku not in sellable
        ],
    )
    return {
        (new.fact.terms.channel_id, new.fact.order.external_id): Recorded(
            new.fact.order.external_id, new.id, number, RecordOutcome.CREATED, new.short
        )
        for new, number in zip(news, numbers, strict=True)
    }


async def _write(tx: Tx, news: Sequence[_New], unstocked: set[str]) -> list[int]:
    """Orders, lines and payments; gives the orders' numbers."""
    numbers = await store.next_numbers(tx, len(news))
    orders: list[store.NewOrder] = []
    lines: list[store.NewLine] = []
    entries: list[Entry] = []
    for new, number in zip(news, numbers, strict=True):
        own = [line_row(new.id, no, line, new.fact, unstocked) for no, line in enumerate(new.fact.order.lines, 1)]
        paid = payment_entries(new.id, new.fact)
        orders.append(_order_row(new, number, own, paid))
        lines.extend(own)
        entries.extend(paid)
        row = orders[-1]
        tx.emit(
            OrderPlaced(
                order_id=new.id,
                number=number,
                channel=new.fact.terms.channel_code,
                kind=row.kind,
                currency=row.currency,
                total=row.total,
                quantity=row.quantity,
                backordered=0,
                placed_at=row.placed_at,
                fact=True,
                lines=tuple((line.line_no, line.sku, line.quantity) for line in own),
            )
        )
    if len(await store.insert_orders(tx, orders)) < len(orders):
        raise Contended("an order of the same external id came in between", remedy=Remedy.WAIT, retry_after=0.1)
    await store.insert_lines(tx, lines)
    await payments.record(tx, entries)
    return numbers


def line_row(order_id: OrderId, line_no: int, line: ChannelLine, fact: Fact, unstocked: set[str]) -> store.NewLine:
    """A reported line as a row. What the buyer pays is derived as `ChannelLine` says; nothing is recomputed."""
    discount = sum(d.amount for d in line.discounts)
    tax = sum(t.amount for t in line.taxes)
    total = line.amount - discount + (0 if fact.order.tax_included else tax)
    credit = fact.order.kind is OrderKind.CREDIT
    price = line.unit_price
    if price is None:
        price = Decimal(line.amount).scaleb(-exponent(fact.order.currency)) / line.quantity
    return store.NewLine(
        order_id,
        line_no,
        line.kind,
        line.sku if line.kind is LineKind.ITEM else None,
        line.name,
        line.kind is LineKind.ITEM and line.sku not in unstocked,
        line.quantity,
        str(round(price, 6)),
        line.amount,
        discount,
        tax,
        total,
        _encode(line.discounts) if line.discounts else None,
        _encode(line.taxes) if line.taxes else None,
        line.external_id or None,
        0 if credit else line.cancelled,
        0,
        line.quantity if credit else line.shipped,
        0 if credit else line.returned,
    )


def payment_entries(order_id: OrderId, fact: Fact) -> list[Entry]:
    """The payments that the channel reports, as entries of the ledger; those of nothing are left out."""
    return [
        Entry(PaymentId(uuid7()), order_id, PaymentKind(p.kind), p.method, p.amount, fact.order.currency, p.reference, p.at)
        for p in fact.order.payments
        if p.amount > 0
    ]


def _order_row(new: _New, number: int, lines: Sequence[store.NewLine], paid: Sequence[Entry]) -> store.NewOrder:
    fact, order = new.fact, new.fact.order
    items = [line for line in lines if line.kind == LineKind.ITEM]
    balance = payments.balance(paid)
    return store.NewOrder(
        new.id,
        number,
        fact.terms.channel_id,
        order.kind,
        order.external_id,
        order.version,
        order.placed_at,
        fact.terms.market,
        order.currency,
        order.tax_included,
        fact.customer_id,
        None if order.buyer == _NOBODY else _encode(order.buyer),
        _address(order.ship_to),
        _address(order.bill_to),
        fact.location_id if order.pickup else None,
        sum(line.amount for line in lines),
        sum(line.discount for line in lines),
        sum(line.tax for line in lines),
        sum(line.total for line in lines),
        balance.authorised,
        balance.captured,
        balance.refunded,
        sum(line.quantity for line in items),
        sum(line.cancelled for line in items),
        0,
        sum(line.shipped for line in items),
        sum(line.returned for line in items),
        order.note or None,
        array_literal(order.tags) if order.tags else None,
    )


def _address(address: Address | None) -> bytes | None:
    return None if address is None else _encode(address)


async def _move_stock(tx: Tx, news: Sequence[_New], unstocked: set[str]) -> None:
    """Takes off what has left, and promises what has not, even where it is not there."""
    movements = [m for new in news if new.fact.moves_stock for m in _gone(new, unstocked)]
    waiting = [new for new in news if new.demands]
    places = await _places(tx, waiting)
    spots: set[Spot] = {m.spot for m in movements}
    for new in waiting:
        spots.update((demand.sku, location) for demand in new.demands for location in places[new.id])
    if not spots:
        return
    available = {spot: level.available for spot, level in (await inventory.lock_levels(tx, sorted(spots))).items()}
    for movement in movements:
        available[movement.spot] += movement.on_hand
    reservations: list[Reservation] = []
    for new in waiting:
        candidates = places[new.id]
        allocations, lacking = inventory.allocate(new.demands, candidates, available)
        new.short = sum(demand.quantity for demand in lacking)
        for demand in lacking:
            allocations.append(Allocation(demand.line_no, candidates[0], demand.quantity))
            available[demand.sku, candidates[0]] -= demand.quantity
        skus = {demand.line_no: demand.sku for demand in new.demands}
        merged: dict[tuple[int, LocationId], int] = {}
        for a in allocations:
            merged[a.line_no, a.location_id] = merged.get((a.line_no, a.location_id), 0) + a.quantity
        reservations.extend(
            Reservation(PromiseId(new.id), no, location, skus[no], quantity) for (no, location), quantity in merged.items()
        )
    await inventory.record(tx, movements)
    await inventory.promise_regardless(tx, reservations)


def _gone(new: _New, unstocked: set[str]) -> Iterable[Movement]:
    """The entries of what has left, or has come back, before we were told."""
    order = new.fact.order
    location = new.fact.location_id or new.fact.candidates.locations[0]
    credit = order.kind is OrderKind.CREDIT
    for line in order.lines:
        if line.kind is not LineKind.ITEM or line.sku in unstocked:
            continue
        if credit:
            yield Movement(kind=EntryKind.RETURNED, sku=line.sku, location_id=location, on_hand=line.quantity, order_id=new.id)
            continue
        if line.shipped:
            yield Movement(kind=EntryKind.SOLD, sku=line.sku, location_id=location, on_hand=-line.shipped, order_id=new.id)
        if line.returned:
            yield Movement(kind=EntryKind.RETURNED, sku=line.sku, location_id=location, on_hand=line.returned, order_id=new.id)


async def _places(tx: Tx, news: Sequence[_New]) -> dict[OrderId, tuple[LocationId, ...]]:
    """Where the open units of each order may come from: the preferred locations, and for what these lack, whichever others of the
    pool have it. Read without locks, to know what to lock."""
    preferred = list({location for new in news for location in new.fact.candidates.locations})
    skus = list({demand.sku for new in news for demand in new.demands})
    there: dict[Spot, int] = {}
    if skus:
        there = {(sku, loc): n for sku, loc, n in await inventory.available_in_pool(tx, skus, preferred)}
    places = {new.id: new.fact.candidates.locations for new in news}
    lacking: dict[tuple[LocationId, ...], set[str]] = {}
    for new in news:
        for demand in new.demands:
            found = sum(there.get((demand.sku, location), 0) for location in places[new.id])
            if found < demand.quantity and not new.fact.candidates.complete:
                lacking.setdefault(new.fact.terms.pool, set()).add(demand.sku)
    for pool, wanted in lacking.items():
        elsewhere: dict[str, list[LocationId]] = {}
        for sku, location, _ in await inventory.available_in_pool(tx, list(wanted), pool):
            elsewhere.setdefault(sku, []).append(location)
        for new in news:
            if new.fact.terms.pool == pool:
                others = (loc for demand in new.demands for loc in sorted(elsewhere.get(demand.sku, ()))[:_OTHERS])
                places[new.id] = tuple(dict.fromkeys((*places[new.id], *others)))
    return places


_OTHERS = 8
"""How many locations beyond the preferred ones are worth a lock."""
