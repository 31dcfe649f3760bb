"""Doing what a change says, and telling what it came to: the preview is the same, undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import assert_never
from uuid import UUID

from comptoir.kernel.money import round_half_even
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.changes import domain
from comptoir.modules.changes.contracts import (
    AddCharge,
    AddItem,
    Allow,
    AnyAction,
    CancelUnits,
    ChangeAddress,
    ChangeDraft,
    ChangeKind,
    ChangePickup,
    ChangeService,
    Effect,
    Preview,
    Recall,
    Setting,
    StockEffect,
    TakeBack,
    Why,
)
from comptoir.modules.changes.errors import NoAddress, NotCollectedThere, PickingBegun
from comptoir.modules.changes.settling import settle
from comptoir.modules.changes.store import changes as store
from comptoir.modules.changes.terms import limits, terms
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Charge, LineQuantity, Order, OrderId, ReturnLine
from comptoir.modules.pricing import api as pricing
from comptoir.runtime.database import Reader, Tx

_WHERE = (ChangeAddress, ChangeService, ChangePickup)
_Place = tuple[int, LocationId | None]
_Places = dict[_Place, Counter[str]]


async def carry_out(tx: Tx, draft: ChangeDraft, setting: Setting, about_id: UUID | None = None) -> Preview:
    """Does the actions in their order and promises the buyer what they are owed then."""
    if draft.kind is ChangeKind.EDIT:
        await _require_not_begun(tx, draft)
    order = await orders.load(tx, draft.order_id)
    away = await _given_away(tx, order, draft.actions)
    above = await limits(tx, order, sorted(domain.named_lines(draft.actions)), setting, tx.now)
    against = await _against(tx, order, draft, setting)
    before, at_first = await orders.standing_of(tx, order), await places(tx, order)
    effects: list[Effect] = []
    worth, there = before.value, at_first
    for run in domain.runs(draft.actions):
        added = await _do(tx, draft.order_id, run, draft.reason, setting)
        order = await orders.load(tx, draft.order_id)
        value, now = (await orders.standing_of(tx, order)).value, await places(tx, order)
        effects += _effects(order, run, added, value - worth, differences(order, there, now))
        worth, there = value, now
    granted = await settle(tx, draft.order_id, draft.reason, about="change", about_id=about_id)
    given = max(0, before.value - worth) + away
    earlier = await store.given_unapproved(tx, draft.order_id) if given else 0
    return Preview(
        tuple(effects),
        before,
        await orders.standing(tx, draft.order_id),
        granted,
        needs_approval=bool(against) or domain.needs_approval(given + earlier, above),
        given=given,
        given_before=earlier,
        approval_above=min((limit for limit in above if limit is not None), default=None),
        recalls=await recalls(tx, draft.order_id, at_first, there),
        against=against,
    )


async def _against(tx: Tx, order: Order, draft: ChangeDraft, setting: Setting) -> tuple[tuple[int, Why], ...]:
    """Which lines the terms do not take back, and why: a change is no way round them. A claim is about what was at fault."""
    if draft.kind is ChangeKind.CLAIM:
        return ()
    reasons = {action.line_no: action.reason for action in draft.actions if isinstance(action, TakeBack)}
    if not reasons:
        return ()
    found = await terms(tx, order, reasons, setting, tx.now)
    return tuple([(no, verdict.why) for no, verdict in sorted(found.verdicts.items()) if not verdict.allowed])


async def recalls(reader: Reader, order_id: OrderId, before: _Places, now: _Places) -> tuple[Recall, ...]:
    """Which work that has begun is called back."""
    lost = {
        (line_no, location_id): units["reserved"] - now.get((line_no, location_id), Counter[str]())["reserved"]
        for (line_no, location_id), units in before.items()
        if location_id is not None
    }
    return tuple(domain.recalled(await fulfilment.of_orders(reader, [order_id]), lost))


async def _require_not_begun(tx: Tx, draft: ChangeDraft) -> None:
    """An edit leaves what somebody picks alone: a cancellation recalls it."""
    whole = any(isinstance(action, _WHERE) for action in draft.actions)
    named = {action.line_no for action in draft.actions if isinstance(action, CancelUnits)}
    begun = [
        one.number
        for one in await fulfilment.of_orders(tx, [draft.order_id])
        if one.state in domain.BEGUN and (whole or named & {line.line_no for line in one.lines})
    ]
    if begun:
        raise PickingBegun(fulfilments=begun)


async def _given_away(reader: Reader, order: Order, actions: Iterable[AnyAction]) -> int:
    """By how much what is added costs less than on any other day: what is sent again for nothing is worth its price."""
    cheap = [action for action in actions if isinstance(action, AddItem) and action.unit_price is not None]
    if not cheap:
        return 0
    skus = sorted({action.sku for action in cheap})
    prices, goods = await pricing.prices(reader, order.market, skus), await catalogue.goods(reader, skus)
    total = 0
    for action in cheap:
        if action.sku in prices and action.sku in goods:
            per = 1000 if goods[action.sku].unit is Unit.THOUSANDTH else 1
            less = prices[action.sku].amount - (action.unit_price or 0)
            total += max(0, round_half_even(Decimal(less * action.quantity) / per))
    return total


def _effects(
    order: Order, run: Sequence[AnyAction], added: Sequence[int], value: int, stock: Sequence[StockEffect]
) -> list[Effect]:
    """What each action of a run came to. What is added together is told apart by its lines, which are worth what they cost."""
    if len(run) == 1:
        return [Effect(run[0], value, tuple(stock))]
    costs = {line.line_no: line.total for line in order.lines}
    return [
        Effect(action, costs[line_no], tuple(one for one in stock if one.line_no == line_no))
        for action, line_no in zip(run, added, strict=True)
    ]


async def _do(tx: Tx, order_id: OrderId, run: Sequence[AnyAction], reason: str, setting: Setting) -> list[int]:
    """Gives the numbers of the lines of items that are there since."""
    match action := run[0]:
        case AddItem():
            items = [orders.Addition(one.sku, one.quantity, one.unit_price) for one in run if isinstance(one, AddItem)]
            return await add(tx, order_id, items, setting)
        case AddCharge():
            charge = Charge(action.kind, action.name, action.amount, tax_rate=action.tax_rate)
            await orders.add_lines(tx, order_id, [], [charge], [], backorder=False)
        case CancelUnits(line_no=line_no, quantity=quantity):
            await orders.cancel(tx, order_id, [LineQuantity(line_no, quantity)], reason)
        case ChangeAddress(address=address):
            await orders.change_delivery(tx, order_id, ship_to=address)
        case ChangeService(service=service):
            await _send(tx, order_id, service, setting)
        case ChangePickup(location_id=location_id):
            await _collect(tx, order_id, location_id, setting)
        case TakeBack():
            line = ReturnLine(action.line_no, action.quantity, action.disposition)
            await orders.take_back(tx, order_id, action.location_id, [line], reason)
        case Allow(amount=amount, line_no=line_no, units=units):
            await orders.allow(tx, order_id, line_no, amount, reason, units=units)
        case _:
            assert_never(action)
    return []


async def add(
    tx: Tx,
    order_id: OrderId,
    items: Sequence[orders.Addition],
    setting: Setting,
    *,
    backorder: bool = False,
) -> list[int]:
    """Lines on top, promised at once from where the order's channel sends; what is lacking waits where the channel takes orders
    for that, or with `backorder`.
    """
    order = await orders.load(tx, order_id)
    waits = backorder or (await setting.facts_of(tx, order.channel_id)).backorder
    return await orders.add_lines(tx, order_id, items, [], await candidates(tx, order, setting), backorder=waits)


async def candidates(reader: Reader, order: Order, setting: Setting) -> tuple[LocationId, ...]:
    """From where what is added comes, in this order: where it is collected, then where the channel sends from."""
    found = orders.senders(await setting.pool_of(reader, order.channel_id))
    if order.pickup_location_id is None:
        return found
    return (order.pickup_location_id, *[one for one in found if one != order.pickup_location_id])


async def _send(tx: Tx, order_id: OrderId, service: Service, setting: Setting) -> None:
    """What is collected is sent from now on; anything else is sent with this service."""
    order = await orders.load(tx, order_id)
    if order.pickup_location_id is None:
        await orders.change_delivery(tx, order_id, service=service)
        return
    await orders.change_pickup(tx, order_id, None, service)
    await _promise_anew(tx, order_id, setting)


async def _collect(tx: Tx, order_id: OrderId, location_id: LocationId | None, setting: Setting) -> None:
    if location_id is not None:
        place = await locations.get(tx, location_id)
        if not (place.active and place.pickup):
            raise NotCollectedThere(location_id=location_id)
    await orders.change_pickup(tx, order_id, location_id)
    await _promise_anew(tx, order_id, setting)


async def _promise_anew(tx: Tx, order_id: OrderId, setting: Setting) -> None:
    """Promises all that has not left where it is wanted now. Raises NoAddress, and InsufficientStock where something would have
    to wait and may not.
    """
    order = await orders.load(tx, order_id)
    if order.pickup_location_id is None and not (order.ship_to or {}).get("country"):
        raise NoAddress
    waited = sum(line.backordered for line in order.lines)
    if any(line.reserved and line.stocked for line in order.lines):
        await orders.release(tx, order_id, None, "delivery")
    await orders.allocate(tx, order_id, await candidates(tx, order, setting))
    now = await orders.load(tx, order_id)
    facts = await setting.facts_of(tx, order.channel_id)
    if not facts.backorder and sum(line.backordered for line in now.lines) > waited:
        short = [line for line in now.lines if line.backordered]
        raise InsufficientStock(
            lines=[{"sku": line.sku, "requested": line.open, "available": line.open - line.backordered} for line in short]
        )


async def places(reader: Reader, order: Order) -> _Places:
    """How the units of each line stand, by the location where they are promised, and nowhere."""
    found: _Places = {}
    for r in await inventory.reservations_of(reader, [order.id]):
        found.setdefault((r.line_no, r.location_id), Counter())["reserved"] += r.quantity
    for line in order.lines:
        found[line.line_no, None] = Counter(waiting=line.backordered, cancelled=line.cancelled, returned=line.returned)
    return found


def differences(
    order: Order, before: Mapping[_Place, Counter[str]], after: Mapping[_Place, Counter[str]]
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
