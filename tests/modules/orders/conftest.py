from __future__ import annotations

import pytest_asyncio

from comptoir.modules.locations.contracts import LocationKind
from comptoir.runtime.database import Database
from support.shop import Shop


@pytest_asyncio.fixture
async def shop(database: Database) -> Shop:
    """Two warehouses and a store; a web shop sells from all of them, a marketplace from the warehouses, a till in the store."""
    shop = Shop(database)
    await shop.market()
    await shop.location("paris")
    await shop.location("lyon")
    await shop.location("store", LocationKind.STORE, pickup=True)
    await shop.channel("web", ["paris", "lyon", "store"], backorder=True)
    await shop.channel("market", ["paris", "lyon"])
    await shop.channel("till", ["store"])
    await shop.settle()
    return shop
