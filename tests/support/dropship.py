"""A shop whose goods lie with two suppliers, and one warehouse that has some of them too.

trade = await open_dropship(database)
order_id = await trade.order({"LAMP": 2})
(purchase,) = await trade.purchases(order_id)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from comptoir.kernel.ids import ActorId
from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.purchasing.contracts import Article, Purchase, Terms
from comptoir.modules.tracking import api as tracking
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.runtime.database import Context, Database, Tx
from comptoir.sdk.orders import Address, Buyer
from comptoir.surfaces.pools import pool_id_of, pool_of
from support.consumers import drained
from support.shop import Shop

T = TypeVar("T")

HOME = Address(
    name="Camille Roux", line1="3 rue des Lilas", postcode="13001", city="Marseille", country="FR", phone="+33612345678"
)
BUYER = Buyer(name="Camille Roux", email="camille@example.com")
SUPPLIER = Context(ActorId("token:supplier"), "test")


@dataclass(slots=True)
class Dropship:
    database: Database
    shop: Shop
    runner: ConsumerRunner

    async def settle(self) -> None:
        await drained(self.database, self.runner)

    async def order(self, units: Mapping[str, int], **more: Any) -> OrderId:
        named = {"ship_to": HOME, "buyer": BUYER} | more
        placed = await self.shop.place("web", units, **named)
        await self.settle()
        return placed.id

    async def purchases(self, order_id: OrderId) -> list[Purchase]:
        async with self.database.read() as reader:
            return await purchasing.of_orders(reader, [order_id])

    async def act(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """A transaction of the supplier's, after which everybody has followed."""
        async with self.database.transaction(SUPPLIER) as tx:
            result = await work(tx)
        await self.settle()
        return result

    async def pass_time(self, hours: float) -> None:
        """As if so many hours had gone by since everything was asked."""
        async with self.database.transaction() as tx:
            age = {"age": timedelta(hours=hours)}
            await tx.run(
                "UPDATE purchasing.purchases SET answer_by = answer_by - %(age)s, remind_at = remind_at - %(age)s", age
            )
            await tx.run("UPDATE fulfilment.orders SET answer_by = answer_by - %(age)s", age)

    async def tick(self) -> None:
        """What the clock does."""
        async with self.database.transaction() as tx:
            await purchasing.remind(tx)
        for _ in range(20):
            async with self.database.transaction() as tx:
                if not await fulfilment.expire(tx):
                    break
        await self.settle()

    async def told(self, order_id: OrderId) -> list[tuple[str, str]]:
        """(step, state) of what was told of the order's purchase orders."""
        async with self.database.read() as reader:
            rows = await reader.rows(
                "SELECT data ->> 'step', data ->> 'state' FROM runtime.events "
                "WHERE type = 'purchase.moved' AND subject = %(id)s ORDER BY tx, seq",
                {"id": order_id},
            )
        return [(row[0], row[1]) for row in rows]


async def open_dropship(database: Database) -> Dropship:
    shop = Shop(database)
    await shop.market()
    await shop.location("acme", LocationKind.SUPPLIER, latitude=48.86, longitude=2.35)
    await shop.location("bolt", LocationKind.SUPPLIER, latitude=45.76, longitude=4.84)
    await shop.location("depot", latitude=43.3, longitude=5.37)
    await shop.channel("web", ["acme", "bolt", "depot"], backorder=True)
    await shop.product("LAMP", 4000, stock={"acme": 10, "bolt": 10})
    await shop.product("VASE", 2500, stock={"acme": 5, "depot": 5})
    await shop.product("CORD", 900, stock={"acme": 9_000}, unit=Unit.THOUSANDTH)
    acme = shop.locations["acme"]
    async with database.transaction() as tx:
        await purchasing.put_terms(tx, Terms(location_id=acme, email="orders@acme.example", locale="en"))
        await purchasing.put_articles(
            tx,
            acme,
            [Article(sku="LAMP", supplier_sku="AC-1", cost=1750), Article(sku="CORD", supplier_sku="AC-9", cost=333)],
        )
    own = (*orders.consumers(pool_of), *fulfilment.consumers(pool_id_of), *tracking.consumers(), *purchasing.consumers())
    runner = ConsumerRunner(database, own)
    await drained(database, runner)
    return Dropship(database, shop, runner)
