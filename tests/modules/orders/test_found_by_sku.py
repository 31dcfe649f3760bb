"""Orders that have a SKU are found by an index of lines, however many orders there are."""

from __future__ import annotations

import pytest

from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import OrderFilter
from comptoir.modules.orders.store.reading import where_orders
from comptoir.runtime.database import Database
from support.shop import Shop


async def found(shop: Shop, wanted: OrderFilter) -> list[int]:
    async with shop.database.read() as reader:
        return [one.number for one in (await api.find(reader, wanted, sort="number")).items]


async def test_orders_are_found_by_the_whole_sku_and_nothing_else(shop: Shop) -> None:
    await shop.product("TEA-1", 500, stock={"paris": 10})
    await shop.product("TEA-10", 500, stock={"paris": 10})
    await shop.product("tea-1", 500, stock={"paris": 10})
    numbers = [(await shop.place("web", {sku: 1})).number for sku in ("TEA-1", "TEA-10", "tea-1")]
    both = (await shop.place("web", {"TEA-1": 2, "TEA-10": 1})).number
    assert await found(shop, OrderFilter(sku="TEA-1")) == [numbers[0], both]
    assert await found(shop, OrderFilter(sku=" TEA-10 ")) == [numbers[1], both]
    assert await found(shop, OrderFilter(search="tea-1")) == [numbers[2]]
    assert await found(shop, OrderFilter(sku="TEA")) == []


@pytest.mark.parametrize("wanted", [OrderFilter(sku="TEA-1"), OrderFilter(search="TEA-1")])
async def test_the_lines_are_looked_up_and_not_read_through(database: Database, wanted: OrderFilter) -> None:
    where = where_orders(wanted, sku=True)
    async with database.transaction() as tx:
        await tx.run("SET LOCAL enable_seqscan = off")
        rows = await tx.rows(f"EXPLAIN SELECT o.id FROM orders.orders o {where.sql}", where.params)
    plan = "\n".join(row[0] for row in rows)
    assert "lines_by_sku" in plan, plan
    assert "Seq Scan on lines" not in plan, plan
