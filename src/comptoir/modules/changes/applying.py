"""Doing what a change says, and telling what it came to: the preview is the same, undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import assert_never
from uuid import UUID

from comptoir.modules.changes.contracts import (
    AddCharge,
    AddItem,
    Allow,
    AnyAction,
    CancelUnits,
    ChangeAddress,
    ChangeDraft,
    ChangeKind,
    ChangeService,
    Effect,
    Preview,
    Setting,
    StockEffect,
    TakeBack,
)
from comptoir.modules.changes.errors import PickingBegun
from comptoir.modules.changes.settling import settle
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import State
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Charge, LineQuantity, Order, OrderId, ReturnLine
from comptoir.runtime.database import Tx

_BEGUN = {State.IN_PROGRESS, State.INCOMPLETE}
_Place = tuple[int, LocationId | None]


async def carry_out(tx: Tx, draft: ChangeDraft, setting: Setting, about_id: UUID | None = None) -> Preview:
    """Does the actions in their order and promises the buyer what they are owed then."""
    if draft.kind is ChangeKind.EDIT:
        await _require_not_begun(tx, draft)
    order = await orders.load(tx, draft.order_id)
    before = await orders.standing_of(tx, order)
    effects: list[Effect] = []
    worth, there = before.value, await _places(tx, order)
    for action in draft.actions:
        await _do(tx, draft.order_id, action, draft.reason, setting)
        order = await orders.load(tx, draft.order_id)
        value, now = (await orders.standing_of(tx, order)).value, await _places(tx, order)
        effects.append(Effect(action, value - worth, _differences(order, there, now)))
        worth, there = value, now
    granted = await settle(tx, draft.order_id, draft.reason, about="change", about_id=about_id)
    return Preview(tuple(effects), before, await orders.standing(tx, draft.order_id), granted, needs_approval=False)


async def _require_not_begun(tx: Tx, draft: ChangeDraft) -> None:
    """An edit leaves what somebody picks alone: a cancellation recalls it."""
    whole = any(isinstance(action, (ChangeAddress, ChangeService)) for action in draft.actions)
    named = {action.line_no for action in draft.actions if isinstance(action, CancelUnits)}
    begun = [
        one.number
        for one in await fulfilment.of_orders(tx, [draft.order_id])
        if one.state in _BEGUN and (whole or named & {line.line_no for line in one.lines})
    ]
    if begun:
        raise PickingBegun(fulfilments=begun)


async def _do(tx: Tx, order_id: OrderId, action: AnyAction, reason: str, setting: Setting) -> None:
    match action:
        case AddItem(sku=sku, quantity=quantity, unit_price=unit_price):
            await add(tx, order_id, [orders.Addition(sku, quantity, unit_price)], setting)
        case AddCharge():
            charge = Charge(action.kind, action.name, action.amount, tax_rate=action.tax_rate)
            await orders.add_lines(tx, order_id, [], [charge], [], backorder=False)
        case CancelUnits(line_no=line_no, quantity=quantity):
            await orders.cancel(tx, order_id, [LineQuantity(line_no, quantity)], reason)
        case ChangeAddress(address=address):
            await orders.change_delivery(tx, order_id, ship_to=address)
        case ChangeService(service=service):
            await orders.change_delivery(tx, order_id, service=service)
        case TakeBack():
            line = ReturnLine(action.line_no, action.quantity, action.disposition)
            await orders.take_back(tx, order_id, action.location_id, [line], reason)
        case Allow(amount=amount, line_no=line_no, units=units):
            await orders.allow(tx, order_id, line_no, amount, reason, units=units)
        case _:
            assert_never(action)


async def add(tx: Tx, order_id: OrderId, items: Sequence[orders.Addition], setting: Setting) -> list[int]:
    """Lines on top, promised at once from where the order's channel sends."""
    order = await orders.load(tx, order_id)
    candidates = orders.senders(await setting.pool_of(tx, order.channel_id))
    if order.pickup_location_id is not None:
        candidates = (order.pickup_location_id, *[one for one in candidates if one != order.pickup_location_id])
    facts = await setting.facts_of(tx, order.channel_id)
    return await orders.add_lines(tx, order_id, items, [], candidates, backorder=facts.backorder)


async def _places(tx: Tx, order: Order) -> dict[_Place, Counter[str]]:
    found: dict[_Place, Counter[str]] = {}
    for r in await inventory.reservations_of(tx, [order.id]):
        found.setdefault((r.line_no, r.location_id), Counter())["reserved"] += r.quantity
    for line in order.lines:
        found[line.line_no, None] = Counter(waiting=line.backordered, cancelled=line.cancelled, returned=line.returned)
    return found


def _differences(
    order: Order, before: dict[_Place, Counter[str]], after: dict[_Place, Counter[str]]
) -> tuple[StockEffect, ...]:
    skus = {line.line_no: line.sku for line in order.lines}
    found: list[StockEffect] = []
    for place in sorted(before.keys() | after.keys(), key=lambda p: (p[0], p[1] is not None, str(p[1]))):
        was, now = before.get(place, Counter[str]()), after.get(place, Counter[str]())
        change = {name: now[name] - was[name] for name in ("reserved", "waiting", "cancelled", "returned")}
        sku = skus.get(place[0])
        if sku is not None and any(change.values()):
            found.append(StockEffect(place[0], sku, place[1], **change))
    return tuple(found)
