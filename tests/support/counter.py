"""Click & collect for tests: orders that are collected at a store, brought to where somebody hands them out."""

from __future__ import annotations

from typing import Any

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, Method
from comptoir.modules.orders.contracts import Payment
from comptoir.runtime.database import Database
from comptoir.sdk.orders import PaymentKind
from support.depot import Depot
from support.shop import Shop

House = Shop | Depot
"""Whose orders they are: both settle, each with its own consumers."""


def paid(amount: int) -> tuple[Payment, ...]:
    """With a card, before."""
    return (Payment(PaymentKind.CAPTURED, "card", amount, "ch_1"),)


def _shop(house: House) -> Shop:
    return house if isinstance(house, Shop) else house.shop


async def collected(house: House, units: dict[str, int], *, at: str = "store", **more: Any) -> Fulfilment:
    """An order that its buyer collects, as the work of whoever has its units."""
    shop = _shop(house)
    placed = await shop.place("web", units, pickup_location_id=shop.locations[at], **more)
    await house.settle()
    (one,) = await shop.work(placed.id)
    return one


async def made_ready(house: House, units: dict[str, int], **more: Any) -> Fulfilment:
    """From the store's own stock."""
    one = await collected(house, units, **more)
    assert one.method is Method.COLLECT
    async with house.database.transaction() as tx:
        await fulfilment.pick(tx, one.id)
        return await fulfilment.ready(tx, one.id, shelf="B-2")


async def sent(house: House, units: dict[str, int], **more: Any) -> Fulfilment:
    """From elsewhere, on its way to the store; as the store sees it."""
    one = await collected(house, units, **more)
    assert one.method is Method.SEND_TO_STORE
    async with house.database.transaction() as tx:
        await fulfilment.pick(tx, one.id)
        await fulfilment.pack(tx, one.id)
        await fulfilment.hand_over(tx, one.id)
    await house.settle()
    return next(other for other in await _shop(house).work(one.order_id) if other.method is Method.HAND_OUT)


async def arrived(house: House, units: dict[str, int], **more: Any) -> Fulfilment:
    one = await sent(house, units, **more)
    async with house.database.transaction() as tx:
        return await fulfilment.ready(tx, one.id, shelf="B-2")


async def time_is_over(database: Database) -> None:
    """Whatever waits has waited for too long."""
    async with database.transaction() as tx:
        await tx.run("UPDATE fulfilment.collections SET waits_until = now() - interval '1 minute' WHERE ended_at IS NULL")
