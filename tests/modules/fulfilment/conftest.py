from __future__ import annotations

import pytest_asyncio

from comptoir.modules.locations.contracts import LocationKind
from comptoir.runtime.database import Database
from support.shop import Shop


@pytest_asyncio.fixture
async def shop(database: Database) -> Shop:
    """Two warehouses and a store; a web shop sells from all of them."""
    shop = Shop(database)
    await shop.market()
    await shop.location("paris", latitude=48.86, longitude=2.35)
    await shop.location("lyon", latitude=45.76, longitude=4.84)
    await shop.location("store", LocationKind.STORE, pickup=True, latitude=43.3, longitude=5.37)
    await shop.channel("web", ["paris", "lyon", "store"], backorder=True)
    await shop.settle()
    return shop
