"""Somebody sits on a row: a person in psql, a bulk load. Who needs that row is told to come again; nobody else waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import psycopg
import pytest
import pytest_asyncio

from comptoir.kernel.errors import Refusal
from comptoir.modules.orders.contracts import Candidates, Held, Placed
from comptoir.runtime.database import Database, Locked
from comptoir.runtime.metrics import Metrics
from comptoir.surfaces.capture import Call, CaptureDesk, Outcome
from support.serving import open_shop
from support.shop import Shop


@dataclass
class Counter:
    shop: Shop
    desk: CaptureDesk

    async def buy(self, sku: str) -> Outcome:
        def answer(result: Placed | Held | Refusal) -> Outcome:
            return Outcome(409, result.code.encode()) if isinstance(result, Refusal) else Outcome(201, b"")

        pool: Callable[[], Candidates] = lambda: self.shop.candidates("web")  # noqa: E731
        return await self.desk.submit(Call(self.shop.placement("web", {sku: 1}), pool, answer, None))


@pytest_asyncio.fixture
async def counter(database: Database, database_url: str) -> AsyncGenerator[Counter]:
    shop, _ = await open_shop(database, {"TEA": 10, "CUP": 10})
    async with Database(database_url, lock_timeout_ms=200) as impatient:
        desk = CaptureDesk(impatient, Metrics())
        desk.start()
        yield Counter(shop, desk)
        await desk.stop()
    await shop.doctors()


async def test_one_locked_sku_holds_up_nobody_else(counter: Counter, database_url: str) -> None:
    with psycopg.connect(database_url) as sitting:
        sitting.execute("SELECT 1 FROM inventory.levels WHERE sku = 'TEA' FOR UPDATE")
        together = [counter.buy(sku) for sku in ("CUP", "TEA", "CUP", "TEA", "CUP")]
        first, *others = await asyncio.gather(*together, return_exceptions=True)
        assert isinstance(first, Outcome)
        assert [type(one) for one in others] == [Locked, Outcome, Locked, Outcome]
    assert {(await counter.buy(sku)).status for sku in ("TEA", "CUP")} == {201}
    assert (await counter.shop.level("TEA", "paris")).reserved == 1
    assert (await counter.shop.level("CUP", "paris")).reserved == 4


async def test_a_batch_that_meets_no_lock_waits_for_none(counter: Counter, database_url: str) -> None:
    with psycopg.connect(database_url) as sitting:
        sitting.execute("SELECT 1 FROM inventory.levels WHERE sku = 'TEA' FOR UPDATE")
        assert (await counter.buy("CUP")).status == 201
        with pytest.raises(Locked):
            await counter.buy("TEA")
