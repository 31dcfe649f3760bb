"""Many at once: nothing is promised twice, and nobody waits in a circle."""

from __future__ import annotations

import asyncio
import random
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from comptoir.kernel.errors import Refusal
from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import (
    Adjustment,
    AdjustReason,
    Counted,
    Demand,
    EntryKind,
    Expectation,
    HoldId,
    Level,
    Movement,
    PromiseId,
    Quantity,
    Reservation,
    StockColumns,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Database, Tx
from modules.inventory.stocking import ORDER, level, places, stock

CHANNEL = UUID("00000000-0000-7000-8000-0000000000cc")
RUSH = Path(__file__).with_name("rush.py")


async def test_of_two_hundred_buyers_in_four_processes_exactly_fifty_get_one_of_fifty_units(
    database: Database, database_url: str
) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=50)

    async def process() -> int:
        child = await asyncio.create_subprocess_exec(
            sys.executable, str(RUSH), database_url, "A", str(here), "50", stdout=asyncio.subprocess.PIPE
        )
        out, _ = await child.communicate()
        assert child.returncode == 0
        return int(out)

    got = await asyncio.gather(*(process() for _ in range(4)))
    assert sum(got) == 50
    async with database.read() as reader:
        assert await level(reader, "A", here) == Level(on_hand=50, reserved=50)
        assert len(await api.reservations_at(reader, "A", here)) == 50
        assert (await api.audit(reader)).clean


class Worker:
    """Does random things to the same few SKUs as everybody else, in no particular order."""

    def __init__(self, database: Database, locations: list[LocationId], seed: int) -> None:
        self.database = database
        self.locations = locations
        self.random = random.Random(seed)
        self.promised: list[PromiseId] = []
        self.done = 0

    def skus(self) -> list[str]:
        return [f"SKU-{n}" for n in self.random.sample(range(12), self.random.randint(1, 8))]

    def quantities(self) -> list[Quantity]:
        return [Quantity(sku, self.random.randint(1, 4)) for sku in self.skus()]

    async def step(self) -> None:
        here, there = self.random.sample(self.locations, 2)
        steps = (
            self.receive, self.promise, self.hold, self.expire, self.ship, self.release, self.transfer, self.count,
            self.sell, self.supply, self.load, self.spoil,
        )  # fmt: skip
        chosen = self.random.choice(steps)
        try:
            async with self.database.transaction() as tx:
                await chosen(tx, here, there)
        except Refusal:
            return
        self.done += 1

    async def receive(self, tx: Tx, here: LocationId, _there: LocationId) -> None:
        await api.receive(tx, here, self.quantities())

    async def sell(self, tx: Tx, here: LocationId, there: LocationId) -> None:
        movements = [
            Movement(EntryKind.SOLD, sku, place, on_hand=-1, order_id=ORDER) for sku in self.skus() for place in (there, here)
        ]
        await api.record(tx, movements)

    async def allocate(self, tx: Tx, promise: PromiseId) -> list[Reservation]:
        demands = [Demand(n, row.sku, row.quantity) for n, row in enumerate(self.quantities(), start=1)]
        spots = sorted((demand.sku, location) for demand in demands for location in self.locations)
        available = await api.lock_available(tx, spots)
        allocations, _ = api.allocate(demands, self.locations, available)
        skus = {demand.line_no: demand.sku for demand in demands}
        return [Reservation(promise, a.line_no, a.location_id, skus[a.line_no], a.quantity) for a in allocations]

    async def promise(self, tx: Tx, _here: LocationId, _there: LocationId) -> None:
        promise = PromiseId(uuid7())
        reservations = await self.allocate(tx, promise)
        await api.reserve(tx, reservations)
        if reservations:
            self.promised.append(promise)

    async def hold(self, tx: Tx, _here: LocationId, _there: LocationId) -> None:
        hold_id = HoldId(uuid7())
        until = tx.now - timedelta(seconds=1)
        reservations = [r._replace(hold_until=until) for r in await self.allocate(tx, PromiseId(hold_id))]
        await api.open_holds(tx, [(hold_id, CHANNEL, "cart", until)])
        await api.reserve(tx, reservations)

    async def expire(self, tx: Tx, _here: LocationId, _there: LocationId) -> None:
        await api.expire_holds(tx, limit=5)

    async def mine(self, tx: Tx) -> list[Reservation]:
        if not self.promised:
            return []
        return await api.reservations_of(tx, [self.promised.pop(self.random.randrange(len(self.promised)))])

    async def ship(self, tx: Tx, _here: LocationId, _there: LocationId) -> None:
        if reservations := await self.mine(tx):
            await api.ship(tx, reservations, reservations[0].promise_id, uuid7())

    async def release(self, tx: Tx, _here: LocationId, _there: LocationId) -> None:
        await api.release(tx, await self.mine(tx))

    async def transfer(self, tx: Tx, here: LocationId, there: LocationId) -> None:
        made = await api.create_transfer(tx, here, there, self.quantities())
        await api.send_transfer(tx, made.id, force=self.random.random() < 0.5)
        await api.receive_transfer(tx, made.id, close=True)

    async def count(self, tx: Tx, here: LocationId, _there: LocationId) -> None:
        await api.count(tx, here, [Counted(sku, self.random.randint(0, 9)) for sku in self.skus()])

    async def supply(self, tx: Tx, here: LocationId, there: LocationId) -> None:
        expectations = [
            Expectation(row.sku, place, row.quantity, tx.now.date()) for row in self.quantities() for place in (there, here)
        ]
        made = await api.expect(tx, expectations)
        await api.receive_supplies(tx, [(supply.id, Quantity(supply.sku, 1)) for supply in made])

    async def load(self, tx: Tx, here: LocationId, there: LocationId) -> None:
        skus = self.skus()
        await api.load_levels(tx, StockColumns(skus * 2, [here] * len(skus) + [there] * len(skus), [5] * 2 * len(skus)))

    async def spoil(self, tx: Tx, here: LocationId, _there: LocationId) -> None:
        # One step to a transaction: a second one would lock levels out of order.
        if self.random.random() < 0.5:
            await api.mark_damaged(tx, here, [Quantity(sku, 1) for sku in self.skus()])
        else:
            await api.adjust(tx, here, [Adjustment(sku, delta=1) for sku in self.skus()], AdjustReason.FOUND)


async def test_whatever_is_done_in_whatever_order_nobody_waits_in_a_circle(database_url: str) -> None:
    async with Database(database_url, max_connections=8) as database:
        locations = await places(database, 3)
        workers = [Worker(database, locations, seed) for seed in range(8)]

        async def work(worker: Worker) -> None:
            for _ in range(60):
                await worker.step()  # a deadlock is a Contended, which is no refusal and fails the test

        await asyncio.gather(*map(work, workers))
        assert min(worker.done for worker in workers) > 20
        async with database.transaction(snapshot=True) as tx:
            report = await api.audit(tx)
            assert report.findings == ()
