"""Facts: orders that a channel has taken already. They are recorded whatever the stock says; what they break is told.

Written for many at a time: the year of a chain goes through here, and so does one webhook.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from comptoir.kernel.ids import uuid7
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.orders import allowances, store
from comptoir.modules.orders.capture import array_literal
from comptoir.modules.orders.contracts import Fact, OrderId, OrderPlaced, Recorded, RecordOutcome
from comptoir.modules.orders.reported import Units, line_row, move_stock, open_unknown, payment_entries, sellable
from comptoir.modules.orders.revisions import revise
from comptoir.modules.orders.stopping import BoundOf
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Entry
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.orders import Address, Buyer, LineKind

_encode = msgspec.json.Encoder().encode
_NOBODY = Buyer()

_Key = store.Key
"""A channel and its own id of an order."""


async def record(tx: Tx, facts: Sequence[Fact], bound_of: BoundOf | None = None) -> list[Recorded]:
    """Takes what channels report, one answer per fact in order. `bound_of` says what third parties have in hand.

    A version that is known already changes nothing; a newer one revises the order that is there. Several versions of one order
    in one call are taken one after the other.
    """
    answers: list[Recorded | None] = [None] * len(facts)
    rest = list(range(len(facts)))
    while rest:
        first: dict[_Key, int] = {}
        later = [i for i in rest if first.setdefault(_key(facts[i]), i) != i]
        for i, answer in zip(first.values(), await _record(tx, [facts[i] for i in first.values()], bound_of), strict=True):
            answers[i] = answer
        rest = later
    return [answer for answer in answers if answer is not None]


async def foresee(reader: Reader, channel_id: UUID, told: Sequence[tuple[str, str]]) -> list[RecordOutcome]:
    """What `record` would answer to these (external id, version) of one channel, in order, without recording anything."""
    known = await store.known(reader, [(channel_id, external_id) for external_id, _ in told])
    versions = {external_id: version for (_, external_id), (_, _, version) in known.items()}
    outcomes: list[RecordOutcome] = []
    for external_id, version in told:
        there = versions.get(external_id)
        if there is not None and version <= there:
            outcomes.append(RecordOutcome.KNOWN)
            continue
        outcomes.append(RecordOutcome.CREATED if there is None else RecordOutcome.UPDATED)
        versions[external_id] = version
    return outcomes


def _key(fact: Fact) -> _Key:
    return (fact.terms.channel_id, fact.order.external_id)


async def _record(tx: Tx, facts: Sequence[Fact], bound_of: BoundOf | None) -> list[Recorded]:
    """`facts` are of different orders."""
    known = await store.known(tx, [(fact.terms.channel_id, fact.order.external_id) for fact in facts])
    newer = [fact for fact in facts if _key(fact) in known and fact.order.version > known[_key(fact)][2]]
    if newer:
        await store.lock(tx, [known[_key(fact)][0] for fact in newer])
    created = await _create(tx, [fact for fact in facts if _key(fact) not in known])
    revised = {_key(fact): await revise(tx, known[_key(fact)][0], fact, bound_of) for fact in newer}
    return [_answer(fact, created, known, revised) for fact in facts]


def _answer(
    fact: Fact,
    created: dict[_Key, Recorded],
    known: dict[_Key, tuple[OrderId, int, str]],
    revised: dict[_Key, int | None],
) -> Recorded:
    key = _key(fact)
    if key in created:
        return created[key]
    order_id, number, _ = known[key]
    short = revised.get(key)
    if short is None:
        return Recorded(key[1], order_id, number, RecordOutcome.KNOWN)
    return Recorded(key[1], order_id, number, RecordOutcome.UPDATED, short)


async def _create(tx: Tx, facts: Sequence[Fact]) -> dict[_Key, Recorded]:
    if not facts:
        return {}
    known = await sellable(tx, (line for fact in facts for line in fact.order.lines))
    news = [Units(OrderId(uuid7()), fact) for fact in facts]
    own = [
        [line_row(new.order_id, no, line, new.fact, known) for no, line in enumerate(new.fact.order.lines, 1)] for new in news
    ]
    for new, rows in zip(news, own, strict=True):
        for row in rows:
            new.add(row)
    numbers = await _write(tx, news, own)
    await move_stock(tx, news)
    await open_unknown(tx, [row for rows in own for row in rows], known)
    return {
        _key(new.fact): Recorded(new.fact.order.external_id, new.order_id, number, RecordOutcome.CREATED, new.short)
        for new, number in zip(news, numbers, strict=True)
    }


async def _write(tx: Tx, news: Sequence[Units], own: Sequence[Sequence[store.NewLine]]) -> list[int]:
    """Orders, lines and payments; gives the orders' numbers."""
    numbers = await store.next_numbers(tx, len(news))
    orders: list[store.NewOrder] = []
    entries: list[Entry] = []
    for new, number, rows in zip(news, numbers, own, strict=True):
        paid = payment_entries(new.order_id, new.fact)
        orders.append(_order_row(new, number, rows, paid))
        entries.extend(paid)
        tx.emit(_placed(orders[-1], new.fact, rows))
    await store.insert_orders(tx, orders)
    await store.insert_lines(tx, [row for rows in own for row in rows])
    await payments.record(tx, entries)
    return numbers


def _placed(row: store.NewOrder, fact: Fact, lines: Sequence[store.NewLine]) -> OrderPlaced:
    return OrderPlaced(
        order_id=row.id,
        number=row.number,
        channel=fact.terms.channel_code,
        kind=row.kind,
        currency=row.currency,
        total=row.total,
        quantity=row.quantity,
        backordered=0,
        placed_at=row.placed_at,
        fact=True,
        lines=tuple((line.line_no, line.sku, line.quantity) for line in lines),
    )


def _order_row(new: Units, number: int, lines: Sequence[store.NewLine], paid: Sequence[Entry]) -> store.NewOrder:
    fact, order = new.fact, new.fact.order
    items = [line for line in lines if line.kind == LineKind.ITEM]
    balance = payments.balance(paid)
    return store.NewOrder(
        id=new.order_id,
        number=number,
        channel_id=fact.terms.channel_id,
        channel_code=fact.terms.channel_code,
        kind=order.kind,
        external_id=order.external_id,
        external_version=order.version,
        placed_at=order.placed_at,
        market=fact.terms.market,
        currency=order.currency,
        tax_included=order.tax_included,
        customer_id=fact.customer_id,
        buyer=None if order.buyer == _NOBODY else _encode(order.buyer),
        ship_to=_address(order.ship_to),
        bill_to=_address(order.bill_to),
        service=Service.PICKUP if order.pickup else Service.STANDARD,
        promised_on=None,
        pickup_location_id=fact.location_id if order.pickup else None,
        location_id=fact.location_id,
        amount=sum(line.amount for line in lines),
        discount=sum(line.discount for line in lines),
        tax=sum(line.tax for line in lines),
        total=sum(line.total for line in lines),
        value=allowances.value(lines, ()),
        authorised=balance.authorised,
        captured=balance.captured,
        refunded=balance.refunded,
        quantity=sum(line.quantity for line in items),
        cancelled=sum(line.cancelled for line in items),
        backordered=0,
        shipped=sum(line.shipped for line in items),
        returned=sum(line.returned for line in items),
        note=order.note or None,
        tags=array_literal(order.tags) if order.tags else None,
    )


def _address(address: Address | None) -> bytes | None:
    return None if address is None else _encode(address)
