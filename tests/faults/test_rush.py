"""Many buyers, few units, several processes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from comptoir.runtime.database import Database
from support.serving import Buyer, Reply, open_shop, serving
from support.shop import Shop

CONNECTIONS = 100


async def rush(ports: Sequence[int], token: str, buyers: int) -> list[Reply]:
    """Each buyer wants one unit, once. Connections are kept alive and shared out over the servers."""
    waiting = iter(range(buyers))

    async def one_connection(number: int) -> list[Reply]:
        async with Buyer(ports[number % len(ports)], token) as buyer:
            return [await buyer.ask("POST", "/v1/orders", buyer.wanted({"LAST": 1}), key=f"buyer-{one}") for one in waiting]

    answers = await asyncio.gather(*(one_connection(number) for number in range(min(CONNECTIONS, buyers))))
    return [reply for replies in answers for reply in replies]


async def sell_out(database: Database, url: str, folder: Path, *, buyers: int, units: int, servers: int) -> None:
    shop, token = await open_shop(database, {"LAST": units})
    with ExitStack() as stack:
        running = [stack.enter_context(serving(folder, database_url=url)) for _ in range(servers)]
        replies = await rush([server.port for server in running], token, buyers)
    await everything_fits(shop, replies, buyers=buyers, units=units)


async def everything_fits(shop: Shop, replies: Sequence[Reply], *, buyers: int, units: int) -> None:
    assert Counter(reply.status for reply in replies) == {201: units, 409: buyers - units}
    assert len({reply.json["id"] for reply in replies if reply.status == 201}) == units
    for reply in replies:
        if reply.status == 409:
            assert reply.code == "insufficient_stock"
            assert reply.json["data"]["lines"] == [{"sku": "LAST", "requested": 1, "available": 0}]
    level = await shop.level("LAST", "paris")
    assert (level.on_hand, level.reserved) == (units, units)
    async with shop.database.read() as reader:
        assert await reader.value("SELECT count(*) FROM orders.orders") == units
        assert await reader.value("SELECT sum(reserved) FROM inventory.entries WHERE sku = 'LAST'") == units
        assert await reader.value("SELECT sum(quantity) FROM inventory.reservations WHERE sku = 'LAST'") == units
        assert await reader.value("SELECT count(*) FROM runtime.idempotency") == buyers
        assert await reader.value("SELECT count(*) FROM runtime.events WHERE type = 'order.placed'") == units
    await shop.doctors()


async def test_of_300_buyers_of_the_last_20_at_two_processes_exactly_20_get_one(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await sell_out(database, database_url, tmp_path, buyers=300, units=20, servers=2)


@pytest.mark.soak
async def test_of_1000_buyers_of_the_last_50_at_four_processes_exactly_50_get_one(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await sell_out(database, database_url, tmp_path, buyers=1000, units=50, servers=4)
