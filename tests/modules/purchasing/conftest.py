from __future__ import annotations

import pytest_asyncio

from comptoir.runtime.database import Database
from support.dropship import Dropship, open_dropship


@pytest_asyncio.fixture
async def trade(database: Database) -> Dropship:
    return await open_dropship(database)
