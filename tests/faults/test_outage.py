"""A database that is away: answers come soon, the log stays readable, and everything goes on when it is back."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
import pytest_asyncio
import structlog

from comptoir.app import consumers, create_app
from comptoir.migrations import schema
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime import log
from comptoir.runtime.database import Database, DatabaseUnavailable
from comptoir.runtime.embedded import EmbeddedPostgres
from comptoir.runtime.settings import Settings
from comptoir.surfaces.jobs.worker import Worker
from comptoir.surfaces.services import open_services
from support.shop import Shop

SOON = 6.0
"""Seconds: well below the ten for which a burst may wait, with something to spare for a machine that is busy."""

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of this test's own, to be stopped and started."""
    own = EmbeddedPostgres(tmp_path / "own", durable=False, settings={"shared_buffers": "16MB"})
    schema.migrate(own.start())
    try:
        yield own
    finally:
        own.stop()


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    log.setup("json", "info", out)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest_asyncio.fixture
async def client(server: EmbeddedPostgres, lines: Lines, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """The API with a worker beside it, and a small shop behind them."""
    settings = Settings(data=tmp_path, given_secret="x" * 40, database_url=server.url())
    async with open_services(settings) as services:
        shop = Shop(services.database)
        await shop.market()
        await shop.location("paris")
        await shop.channel("web", ["paris"])
        await shop.product("TEA", 500, stock={"paris": 1000})
        async with services.database.transaction() as tx:
            _, token = await staff.create_token(tx, "test", list(Scope))
        app = create_app(services)
        worker = Worker(services, consumers(services), grace=1.0)
        running = asyncio.create_task(worker.run())
        transport: Any = httpx2.ASGITransport(app=app)  # pyright: ignore[reportArgumentType]
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://testserver", headers={"authorization": f"Bearer {token}"}
        ) as asking:
            yield asking
        worker.ask_to_stop()
        await asyncio.wait_for(running, 60)


async def _ask(client: httpx2.AsyncClient, number: int) -> tuple[httpx2.Response, float]:
    begun = time.monotonic()
    match number % 4:
        case 0:
            order = {"channel": "web", "lines": [{"sku": "TEA", "quantity": 1}]}
            answer = await client.post("/v1/orders", json=order, headers={"idempotency-key": f"k{number}"})
        case 1:
            answer = await client.get("/v1/availability/TEA", params={"channel": "web"})
        case 2:
            answer = await client.get("/v1/orders")
        case _:
            answer = await client.post("/v1/customers", json={"name": "Camille"}, headers={"idempotency-key": f"k{number}"})
    return answer, time.monotonic() - begun


async def test_answers_come_soon_and_the_log_tells_it_once(
    client: httpx2.AsyncClient, server: EmbeddedPostgres, lines: Lines
) -> None:
    await asyncio.gather(*(_ask(client, number) for number in range(16)))
    await asyncio.sleep(1.5)  # the worker's parts are all at work
    before = len(lines())
    await asyncio.to_thread(server.stop)
    for turn in range(3):
        told = await asyncio.gather(*(_ask(client, 100 + turn * 40 + number) for number in range(40)))
        for answer, seconds in told:
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable"), answer.text
            assert int(answer.headers["retry-after"]) >= 1
            assert seconds < SOON
    begun = time.monotonic()
    await asyncio.sleep(5)
    await asyncio.to_thread(server.start)
    async with asyncio.timeout(60):
        while (await _ask(client, 100))[0].status_code != 201:  # noqa: ASYNC110 - it waits for a server
            await asyncio.sleep(0.1)
    await asyncio.sleep(3)
    said = [line for line in lines()[before:] if line["event"] not in {"the worker runs", "the worker has stopped"}]
    events = [line["event"] for line in said]
    assert events.count("the database does not answer") == 1, said
    assert events.count("the database answers again") == 1, said
    assert not [line for line in said if "exception" in line], said
    rest = [line for line in said if not line["event"].startswith("the database")]
    seconds = time.monotonic() - begun
    assert len(rest) <= 4 + seconds / 5, rest


async def test_a_burst_that_waits_for_connections_is_served_late_rather_than_refused(server: EmbeddedPostgres) -> None:
    async with Database(server.url(), max_connections=2) as database:

        async def slow() -> None:
            async with database.read() as reader:
                await reader.run("SELECT pg_sleep(0.5)")

        await asyncio.gather(*(slow() for _ in range(20)))  # the last ones wait for five seconds


async def test_a_server_that_takes_no_connection_and_does_not_say_so_is_away(server: EmbeddedPostgres) -> None:
    """The port is open, and nobody answers: as when the machine behind it hangs."""

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await asyncio.sleep(30)
        writer.close()

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    database = Database(f"postgresql://nobody@127.0.0.1:{port}/nothing")
    await database._pool.open(wait=False)
    try:
        for _ in range(2):
            begun = time.monotonic()
            with pytest.raises(DatabaseUnavailable):
                async with database.read():
                    pass
            assert time.monotonic() - begun < SOON
    finally:
        await database.close()
        silent.close()


async def test_a_connection_that_is_cut_alone_is_no_outage(server: EmbeddedPostgres, lines: Lines) -> None:
    async with Database(server.url()) as database:
        with pytest.raises(DatabaseUnavailable):
            async with database.read() as reader:
                pid = await reader.value("SELECT pg_backend_pid()")
                with psycopg.connect(server.url(), autocommit=True) as other:
                    other.execute("SELECT pg_terminate_backend(%s)", (pid,))
                await reader.run("SELECT 1")
        async with database.read() as reader:
            assert await reader.value("SELECT 1") == 1
    assert [line["event"] for line in lines()] == []
