"""The worker: events, jobs, holds and housekeeping in one process, through a database that comes and goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import ClassVar

import psycopg
import pytest

from comptoir.modules.imports.contracts import ImportKind
from comptoir.runtime import idempotency, jobs
from comptoir.runtime.consumers import Consumer, ConsumerRunner, discard, lag
from comptoir.runtime.database import Database, Tx
from comptoir.runtime.events import Event, Recorded
from comptoir.runtime.metrics import Metrics
from comptoir.runtime.settings import Settings
from comptoir.surfaces.imports import ImportRequest, start_import
from comptoir.surfaces.jobs.housekeeping import Housekeeping
from comptoir.surfaces.jobs.worker import Worker
from comptoir.surfaces.services import Services, open_services
from support import uci

_PATIENCE = 60.0


@contextlib.asynccontextmanager
async def _working(services: Services, *consumers: Consumer) -> AsyncGenerator[Worker]:
    worker = Worker(services, consumers, grace=1.0)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.ask_to_stop()
        await asyncio.wait_for(running, _PATIENCE)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, database_url=database_url)


async def _until(found: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not await found():  # noqa: ASYNC110 - it waits for another connection's commit
            await asyncio.sleep(0.05)


async def _state(database: Database) -> str | None:
    async with database.read() as reader:
        return await reader.value("SELECT state FROM imports.runs")


async def test_an_upload_is_imported_and_its_events_are_heard(settings: Settings, database: Database, tmp_path: Path) -> None:
    heard: list[str] = []

    async def hear(_tx: Tx, events: list[Recorded]) -> None:
        heard.extend(event.type for event in events)

    path = uci.write(tmp_path / "year.csv", uci.orders(8))
    async with open_services(settings) as services, _working(services, Consumer("ear", {"order.*": hear}, start="beginning")):
        async with database.transaction() as tx:
            await start_import(tx, ImportRequest(kind=ImportKind.ORDERS, files=(str(path),)))

        async def done() -> bool:
            return await _state(database) == "done" and len(heard) == 8

        await _until(done)
    assert heard == ["order.placed"] * 8
    async with database.read() as reader:
        assert await reader.value("SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'") >= 1


async def test_it_goes_on_after_all_its_connections_were_cut(
    settings: Settings, database: Database, database_url: str, tmp_path: Path
) -> None:
    path = uci.write(tmp_path / "year.csv", uci.orders(8))
    async with open_services(settings) as services, _working(services):
        await asyncio.sleep(0.5)
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name LIKE 'comptoir-web%' AND pid <> pg_backend_pid()"
            )
        async with database.transaction() as tx:
            await start_import(tx, ImportRequest(kind=ImportKind.ORDERS, files=(str(path),)))

        async def done() -> bool:
            return await _state(database) == "done"

        await _until(done)


async def test_housekeeping_forgets_what_is_old_and_keeps_what_is_not(database: Database, tmp_path: Path) -> None:
    async with database.transaction() as tx:
        for key in ("old", "new"):
            await idempotency.store(tx, "s", key, b"f" * 16, 200, b"{}")
        await tx.run("UPDATE runtime.idempotency SET at = at - interval '31 days' WHERE key = 'old'")
        for task in ("old", "new"):
            await jobs.defer(tx, task)
        await tx.run("UPDATE procrastinate_jobs SET status = 'succeeded'")
        await tx.run(
            "UPDATE procrastinate_events e SET at = e.at - interval '8 days' "
            "FROM procrastinate_jobs j WHERE j.id = e.job_id AND j.task_name = 'old'"
        )
    housekeeping = Housekeeping(database, Settings(data=tmp_path), Metrics())
    await housekeeping.forget_keys()
    await housekeeping.forget_jobs()
    await housekeeping.forget_sessions()
    await housekeeping.forget_deliveries()
    await housekeeping.forget_uploads()
    await housekeeping.review_orders()
    await housekeeping.review_backorders()
    async with database.read() as reader:
        assert await reader.values("SELECT key FROM runtime.idempotency") == ["new"]
        assert await reader.values("SELECT task_name FROM procrastinate_jobs") == ["new"]


async def test_figures_are_shown_in_the_metrics(database: Database, tmp_path: Path) -> None:
    metrics = Metrics("worker")
    async with database.transaction() as tx:
        await jobs.defer(tx, "anything", queue="imports")
        await tx.run("INSERT INTO runtime.consumers (name) VALUES ('ear')")
    showing = asyncio.create_task(Housekeeping(database, Settings(data=tmp_path), metrics).show_figures())

    async def shown() -> bool:
        text = metrics.render().decode()
        return 'comptoir_jobs{process="worker",queue="imports",status="todo"} 1.0' in text and 'consumer="ear"' in text

    await _until(shown)
    showing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await showing


class Rung(Event, frozen=True):
    type: ClassVar[str] = "bell.rung"
    n: int


async def test_old_events_are_forgotten_once_everybody_has_read_them(database: Database, tmp_path: Path) -> None:
    async def hear(_tx: Tx, events: list[Recorded]) -> None:
        if any(event.data["n"] == 2 for event in events):
            raise ValueError("out of tune")

    def consumer(name: str) -> ConsumerRunner:
        return ConsumerRunner(database, [Consumer(name, {"*": hear}, start="beginning", attempts=1)])

    async def left() -> list[int]:
        async with database.read() as reader:
            return await reader.values("SELECT (data->>'n')::int FROM runtime.events ORDER BY tx, seq")

    async def aged(*events: Rung) -> None:
        async with database.transaction() as tx:
            tx.emit(*events)
            await tx.flush_events()
            await tx.run("UPDATE runtime.events SET at = at - interval '31 days'")

    quick, slow = consumer("quick"), consumer("slow")
    await quick.register()
    await slow.register()
    await aged(*(Rung(n=n) for n in range(4)))
    await drained_one(quick, database, "quick")
    forgetful = Housekeeping(database, Settings(data=tmp_path, keep_events_days=30), Metrics())
    await forgetful.forget_events()
    assert await left() == [0, 1, 2, 3], "one consumer has not read them"
    await drained_one(slow, database, "slow")
    async with database.transaction() as tx:
        tx.emit(Rung(n=4))
    await Housekeeping(database, Settings(data=tmp_path), Metrics()).forget_events()
    assert await left() == [0, 1, 2, 3, 4], "nobody has said that events are to be forgotten"
    await forgetful.forget_events()
    assert await left() == [2, 4], "one is parked, and one is young"
    async with database.transaction() as tx:
        for name in ("quick", "slow"):
            await discard(tx, name, await tx.value("SELECT event_id FROM runtime.parked_events LIMIT 1"))
    await forgetful.forget_events()
    assert await left() == [4]


async def drained_one(runner: ConsumerRunner, database: Database, name: str) -> None:
    """Waits until this one has read all; neighbours on this server may keep something back for a moment."""

    async def done() -> bool:
        await runner.drain()
        async with database.read() as reader:
            return all(one.events == 0 for one in await lag(reader) if one.name == name)

    await _until(done)
