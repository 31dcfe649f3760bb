"""Purchase orders follow the fulfilment orders of suppliers, level by level: whatever has happened to an order, what its
suppliers have to send is compared with what they were asked for, and this is made to fit.

Locks are taken in the order that everybody keeps to: orders by id, purchase orders, fulfilment orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID
from zoneinfo import ZoneInfo

from comptoir.kernel.ids import uuid7
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentFilter, Handshake, State
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationFilter, LocationId, LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.purchasing import domain, writing
from comptoir.modules.purchasing.contracts import (
    LetterKind,
    Purchase,
    PurchaseId,
    PurchaseLine,
    PurchaseState,
    PurchaseStep,
    Terms,
)
from comptoir.modules.purchasing.store import asking
from comptoir.modules.purchasing.store import purchases as store
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.events import Recorded

_FOLLOWED = ("order.*", "fulfilment.*")
_WORKED_ON = (State.OPEN, State.IN_PROGRESS, State.INCOMPLETE)


def consumers() -> tuple[Consumer, ...]:
    async def release(tx: Tx, events: list[Recorded]) -> None:
        await follow(tx, {OrderId(one.subject) for one in events if one.subject})

    return (Consumer("purchasing.follow", dict.fromkeys(_FOLLOWED, release), batch=250),)


async def suppliers(reader: Reader) -> dict[LocationId, Location]:
    """Every location that is one."""
    wanted = LocationFilter(kind=LocationKind.SUPPLIER)
    return {one.id: one async for one in locations.stream(reader, wanted)}


async def follow(tx: Tx, ids: Iterable[OrderId]) -> None:
    """Makes the purchase orders of these orders fit what their suppliers have to send."""
    known = await suppliers(tx)
    wanted = sorted(set(ids))
    if not known or not wanted:
        return
    concerned = sorted({one.order_id for one in await fulfilment.of_orders(tx, wanted) if one.location_id in known})
    for order_id in concerned:
        await orders.load(tx, order_id)
        existing = await store.of_orders(tx, [order_id], lock=True)
        for one in await fulfilment.of_orders(tx, [order_id]):
            if one.location_id in known:
                own = [purchase for purchase in existing if purchase.fulfilment_id == one.id]
                await _fit(tx, one, own, known[one.location_id])


async def _fit(tx: Tx, one: Fulfilment, own: Sequence[Purchase], supplier: Location) -> None:
    live = next((purchase for purchase in own if purchase.state in domain.LIVE), None)
    if live is not None:
        await _adapt(tx, one, await _waited_for(tx, one, live))
    elif one.state is State.OPEN and one.quantity > one.gone and supplier.active:
        await _ask(tx, one, supplier)


async def _ask(tx: Tx, one: Fulfilment, supplier: Location) -> None:
    """Makes a purchase order of a supplier's fulfilment order."""
    terms = (await asking.terms(tx, [supplier.id])).get(supplier.id, Terms(location_id=supplier.id))
    answer_by, remind_at = domain.deadlines(terms, tx.now)
    order = await orders.order(tx, one.order_id)
    lines = await _lines(tx, supplier.id, {line.line_no: (line.sku, line.name, line.open) for line in one.lines if line.open})
    due = one.leaves_by
    new = Purchase(
        id=PurchaseId(uuid7()),
        number=0,
        fulfilment_id=one.id,
        order_id=one.order_id,
        order_number=one.order_number,
        channel_code=one.channel_code,
        location_id=supplier.id,
        state=PurchaseState.ASKED,
        revision=1,
        service=one.service,
        currency=terms.currency,
        ship_to=order.ship_to or {},
        requested_on=None if due is None else due.astimezone(ZoneInfo(supplier.time_zone)).date(),
        promised_on=None,
        answer_by=answer_by,
        remind_at=remind_at,
        created_at=tx.now,
        answered_at=None,
        answered_by="",
        ended_at=None,
        note="",
        cost=domain.costs(lines)[0],
        booked=0,
        version=1,
        lines=tuple(lines),
    )
    await store.insert(tx, new)
    if (one.request, Handshake.SUBMIT) in fulfilment.HANDSHAKE:
        await fulfilment.say(tx, one.id, Handshake.SUBMIT)
    await fulfilment.await_answer(tx, one.id, answer_by)
    (made,) = await store.get(tx, [new.id])
    await writing.write_to(tx, made, LetterKind.ORDER)
    writing.tell(tx, made, "ask")


async def _waited_for(tx: Tx, one: Fulfilment, purchase: Purchase) -> Purchase:
    """Nobody is waited for while it is held; once it goes on, the supplier has the whole time again, and is reminded again."""
    held = one.state is State.ON_HOLD
    if purchase.state is not PurchaseState.ASKED or not (held or one.state is State.OPEN):
        return purchase
    waited_for = purchase.answer_by is not None and purchase.answer_by == one.answer_by
    if (purchase.answer_by is None) if held else waited_for:
        return purchase
    answer_by, remind_at = None, None
    if not held:
        own = (await asking.terms(tx, [purchase.location_id])).get(purchase.location_id)
        answer_by, remind_at = domain.deadlines(own or Terms(location_id=purchase.location_id), tx.now)
        await fulfilment.await_answer(tx, one.id, answer_by)
    await store.put(tx, purchase.id, {"answer_by": answer_by, "remind_at": remind_at})
    return replace(purchase, answer_by=answer_by, remind_at=remind_at)


async def _lines(tx: Tx, supplier_id: LocationId, wanted: dict[int, tuple[str, str, int]]) -> list[PurchaseLine]:
    skus = sorted({sku for sku, _, _ in wanted.values()})
    articles = await asking.articles(tx, supplier_id, skus)
    sold = await catalogue.sellable(tx, skus)
    return [
        PurchaseLine(
            line_no=line_no,
            sku=sku,
            name=name,
            supplier_sku=articles[sku].supplier_sku if sku in articles else "",
            weighed=sku in sold and sold[sku].unit == Unit.THOUSANDTH,
            quantity=units,
            cost=articles[sku].cost if sku in articles else None,
        )
        for line_no, (sku, name, units) in sorted(wanted.items())
    ]


async def _adapt(tx: Tx, one: Fulfilment, purchase: Purchase) -> None:
    """What was asked becomes what is wanted now: more, less, or nothing any more; and what has left, has."""
    wanted = {line.line_no: line.quantity for line in one.lines}
    gone = {line.line_no: line.gone for line in one.lines}
    there = {line.line_no for line in purchase.lines}
    before = purchase.lines
    lines = domain.fitted(before, wanted, gone)
    new = {line.line_no: (line.sku, line.name, line.quantity) for line in one.lines if line.line_no not in there}
    lines += await _lines(tx, purchase.location_id, {no: row for no, row in new.items() if row[2]})
    if lines == list(before):
        return
    late = purchase.state is PurchaseState.ASKED and purchase.answer_by is not None and purchase.answer_by <= tx.now
    step = domain.step_of(before, lines, PurchaseStep.EXPIRE if late else PurchaseStep.CANCEL)
    changes = writing.changed_units(before, lines)
    revision = purchase.revision + (1 if changes else 0)
    after = await writing.save(tx, purchase, lines, step, revision=revision)
    if changes and after.state is not PurchaseState.SHIPPED:
        ended = after.state not in domain.LIVE
        await writing.write_to(tx, after, LetterKind.CANCELLED if ended else LetterKind.CHANGED)
    if step is not None or changes:
        writing.tell(tx, after, step or "change", () if step else changes)


async def review(tx: Tx) -> int:
    """Looks again at what suppliers have to send, in case no event has said it. Says how many orders it looked at."""
    known = await suppliers(tx)
    if not known:
        return 0
    wanted = FulfilmentFilter(locations=tuple(sorted(known)), states=_WORKED_ON)
    found = (await fulfilment.find(tx, wanted, sort="-number", limit=200)).items
    ids: set[UUID] = {one.order_id for one in found}
    await follow(tx, [OrderId(key) for key in ids])
    return len(ids)
