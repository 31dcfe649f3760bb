"""What benchmarks compare with does the same work as we do: it places an order in the tables of today."""

from __future__ import annotations

from pathlib import Path

from comptoir.runtime.database import Database
from support.shop import Shop

PLAIN = Path(__file__).parents[1] / "bench" / "plain.sql"


async def test_the_plain_function_places_an_order_as_ours_does(database: Database) -> None:
    shop = Shop(database)
    await shop.market()
    await shop.location("paris")
    await shop.channel("web", ["paris"])
    await shop.product("TEA", 500, stock={"paris": 10})
    ours = await shop.place("web", {"TEA": 2})
    async with database.transaction() as tx:
        await tx.run(PLAIN.read_text())
        plain = await tx.value(
            """SELECT bench.place('web', 'key', '[{"sku": "TEA", "quantity": 2}]', 48.85, 2.35)""",
        )
    async with database.read() as reader:
        rows = await reader.rows(
            "SELECT amount, tax, total, quantity, service, kind, market FROM orders.orders WHERE number IN (%(a)s, %(b)s)",
            {"a": ours.number, "b": plain},
        )
        lines = await reader.rows(
            "SELECT l.sku, l.name, l.quantity, l.unit_price, l.amount, l.tax, l.total FROM orders.lines l "
            "JOIN orders.orders o ON o.id = l.order_id WHERE o.number IN (%(a)s, %(b)s)",
            {"a": ours.number, "b": plain},
        )
    assert (await shop.level("TEA", "paris")).reserved == 4
    assert len(rows) == len(lines) == 2
    assert rows[0] == rows[1]
    assert lines[0] == lines[1]
