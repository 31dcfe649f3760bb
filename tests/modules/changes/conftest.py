from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import pytest_asyncio

from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import AnyAction, Change, ChangeDraft, ChangeKind, Preview
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import EntryKind, Grant, Standing
from comptoir.runtime.database import Database, Tx
from comptoir.surfaces.changing import SETTING
from support.shop import Shop

T = TypeVar("T")


@dataclass(slots=True)
class Desk:
    """Whoever changes orders of a shop; each verb is a transaction of its own."""

    shop: Shop

    async def do(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        async with self.shop.database.transaction() as tx:
            return await work(tx)

    async def sold(self, *, channel: str = "web", paid: bool = True, shipped: bool = True, **units: int) -> OrderId:
        """An order that is paid and has left."""
        placed = await self.shop.place(channel, units)
        if paid:
            await self.do(lambda tx: orders.pay(tx, placed.id, EntryKind.CAPTURED, "card", placed.total, "c"))
        if shipped:
            for place in sorted({place for _, place in await self.shop.reserved(placed.id)}):
                await self.do(lambda tx, place=place: orders.ship(tx, placed.id, self.shop.locations[place], None))
        return placed.id

    async def standing(self, order_id: OrderId) -> Standing:
        async with self.shop.database.read() as reader:
            return await orders.standing(reader, order_id)

    async def grants(self, order_id: OrderId) -> list[Grant]:
        async with self.shop.database.read() as reader:
            return await payments.grants_of(reader, order_id)

    def draft(self, order_id: OrderId, kind: ChangeKind, *actions: AnyAction) -> ChangeDraft:
        return ChangeDraft(order_id=order_id, kind=kind, actions=actions, reason="asked")

    async def request(self, order_id: OrderId, kind: ChangeKind, *actions: AnyAction) -> tuple[Change, Preview]:
        return await self.do(lambda tx: api.request_change(tx, self.draft(order_id, kind, *actions), SETTING))

    async def confirm(self, change: Change) -> tuple[Change, Preview | None]:
        return await self.do(lambda tx: api.confirm_change(tx, change.id, SETTING))

    async def change(self, order_id: OrderId, kind: ChangeKind, *actions: AnyAction) -> Preview:
        """Asked for and confirmed; what came of it is what was foreseen."""
        change, foreseen = await self.request(order_id, kind, *actions)
        _, done = await self.confirm(change)
        assert done is not None
        assert done._replace(needs_approval=foreseen.needs_approval) == foreseen
        await self.shop.settle()
        await self.shop.doctors()
        return done


@pytest_asyncio.fixture
async def desk(database: Database) -> Desk:
    """Two warehouses and a store; a web shop that takes backorders, a shop that does not, and a till."""
    shop = Shop(database)
    await shop.market()
    await shop.location("paris")
    await shop.location("lyon")
    await shop.location("store", LocationKind.STORE, pickup=True)
    await shop.channel("web", ["paris", "lyon"], backorder=True)
    await shop.channel("strict", ["paris"])
    await shop.product("TEA", 333, stock={"paris": 10, "lyon": 5})
    await shop.product("CUP", 1000, stock={"paris": 10})
    await shop.settle()
    return Desk(shop)
