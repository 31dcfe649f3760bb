"""What is looked for among orders and seldom the case is found by an index of its own, however many orders there are."""

from __future__ import annotations

import pytest

from comptoir.kernel.ids import uuid7
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.api import PaymentStatus, ReturnStatus
from comptoir.modules.orders.contracts import OrderFilter
from comptoir.modules.orders.store.reading import where_orders
from comptoir.runtime.database import Database

FOUND = {
    "orders_returned": OrderFilter(returned=(ReturnStatus.PARTIAL, ReturnStatus.RETURNED)),
    "orders_unsettled": OrderFilter(payment=(PaymentStatus.OVERPAID,)),
    "orders_location": OrderFilter(location=LocationId(uuid7())),
}


@pytest.mark.parametrize("index", FOUND)
async def test_orders_are_looked_up_and_not_read_through(database: Database, index: str) -> None:
    where = where_orders(FOUND[index], sku=False)
    async with database.transaction() as tx:
        await tx.run("SET LOCAL enable_seqscan = off")
        rows = await tx.rows(f"EXPLAIN SELECT o.id FROM orders.orders o {where.sql}", where.params)
    plan = "\n".join(row[0] for row in rows)
    assert index in plan, plan
    assert "Seq Scan" not in plan, plan
