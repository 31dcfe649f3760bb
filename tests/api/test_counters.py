"""What is kept at hand of channels: bounded, read once for many, and as fresh as it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from api.conftest import Api
from comptoir.kernel.errors import NotFound
from comptoir.runtime.database import Database, DatabaseUnavailable, Reader, Remedy
from comptoir.surfaces.selling import Counters


async def test_codes_of_strangers_leave_nothing_behind(api: Api) -> None:
    counters = Counters(api.services.database)
    answers = await asyncio.gather(*(counters.get(f"nope-{n}") for n in range(300)), return_exceptions=True)
    assert all(isinstance(answer, NotFound) for answer in answers)
    assert (len(counters._loading), len(counters._kept)) == (0, 0)
    assert (await counters.get("web")).channel.code == "web"
    assert (len(counters._loading), len(counters._kept)) == (0, 1)


async def test_who_asks_at_once_reads_once_and_fails_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0

    @asynccontextmanager
    async def slow(_: Database) -> AsyncGenerator[Reader]:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0.2)
        raise DatabaseUnavailable("away", remedy=Remedy.WAIT)
        yield  # pragma: no cover

    monkeypatch.setattr(Database, "read", slow)
    counters = Counters(api.services.database)
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*(counters.get("web") for _ in range(100)), return_exceptions=True)
    assert all(isinstance(answer, DatabaseUnavailable) for answer in answers)
    assert reads == 1


async def test_who_goes_away_takes_nothing_from_the_others(api: Api) -> None:
    counters = Counters(api.services.database)
    first, second = asyncio.create_task(counters.get("web")), asyncio.create_task(counters.get("web"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).channel.code == "web"
