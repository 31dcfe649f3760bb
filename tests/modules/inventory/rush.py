"""One of several processes that want the same units: rush.py URL SKU LOCATION TASKS prints how many of its tasks got one."""

from __future__ import annotations

import asyncio
import sys
from uuid import UUID

from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import Demand, PromiseId, Reservation
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Database


async def buy(database: Database, sku: str, location_id: LocationId) -> bool:
    async with database.transaction() as tx:
        available = await api.lock_available(tx, [(sku, location_id)])
        allocations, lacking = api.allocate([Demand(1, sku, 1)], [location_id], available)
        if lacking:
            return False
        promise = PromiseId(uuid7())
        await api.reserve(tx, [Reservation(promise, 1, a.location_id, sku, a.quantity) for a in allocations])
        return True


async def rush(url: str, sku: str, location_id: LocationId, tasks: int) -> int:
    async with Database(url, max_connections=5) as database:
        return sum(await asyncio.gather(*(buy(database, sku, location_id) for _ in range(tasks))))


if __name__ == "__main__":
    _, target, wanted, place, number = sys.argv
    print(asyncio.run(rush(target, wanted, LocationId(UUID(place)), int(number))))  # noqa: T201 - its answer
