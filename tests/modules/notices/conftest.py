from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Sender
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from support.depot import KEY, Depot, open_depot
from support.post import Post, plain_links


@pytest_asyncio.fixture
async def depot(database: Database) -> AsyncGenerator[Depot]:
    """A web shop that writes to its buyers."""
    async with open_depot(database, *notices.consumers(Keyring(KEY), plain_links)) as opened:
        async with database.transaction() as tx:
            await notices.put_sender(tx, Sender(channel="web", name="Étoffes & Cie", email="orders@example.com"))
        yield opened


@pytest.fixture
async def post() -> AsyncGenerator[Post]:
    post = Post()
    await post.open()
    yield post
    await post.close()
