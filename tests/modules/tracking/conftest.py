from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest_asyncio

from comptoir.runtime.database import Database
from support.depot import Depot, open_depot


@pytest_asyncio.fixture
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database) as opened:
        yield opened
