"""A dump is restored into another server, whose transaction counter knows nothing of the old one's."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from cli.conftest import Command
from comptoir.modules.inventory import api as inventory
from comptoir.runtime.consumers import Consumer, ConsumerRunner
from comptoir.runtime.database import Database, Tx
from comptoir.runtime.embedded import EmbeddedPostgres, client_programs
from comptoir.runtime.events import Position, Recorded
from comptoir.surfaces.doctor import queries
from support.consumers import drained
from support.shop import Shop

AHEAD = 200_000
"""Transactions that the old server was used for before: more than a fresh one has had."""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path / "other", durable=False, settings={"shared_buffers": "16MB"}) as server:
        yield server


async def furnished(url: str) -> tuple[Shop, Position]:
    """A shop on a server that has seen much; where the feed of stock changes stood at its end."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(queries.BURN.format(count=AHEAD).encode())
    async with Database(url) as database:
        shop = Shop(database)
        await shop.market()
        await shop.location("paris")
        await shop.channel("web", ["paris"])
        await shop.product("TEA", 500, stock={"paris": 10})
        await shop.place("web", {"TEA": 2})
        await shop.settle()
        async with database.read() as reader:
            return shop, await inventory.feed_position(reader)


def restore(source: str, target: str, folder: Path) -> None:
    """As the operations guide says it."""
    dump = folder / "house.dump"
    programs = client_programs()
    subprocess.run([programs / "pg_dump", "--format=custom", "--file", dump, source], check=True)
    subprocess.run([programs / "pg_restore", "--no-owner", "--exit-on-error", "--dbname", target, dump], check=True)


async def test_after_a_restore_the_doctor_lets_everything_go_on(
    comptoir: Command,
    database_url: str,
    other: EmbeddedPostgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, feed = await furnished(database_url)
    restore(database_url, other.url(), tmp_path)
    monkeypatch.setenv("DATABASE_URL", other.url())
    monkeypatch.setattr(queries, "FACTS", "SELECT current_setting('server_version'), '1 MB', true, true")

    found = await asyncio.to_thread(comptoir, "doctor", "--json")
    checks = {check["check"]: check for check in json.loads(found.out)["checks"]}
    assert found.code == 1
    assert [one["code"] for one in checks["event log"]["findings"]] == ["log_ahead"]
    assert "doctor --repair" in checks["event log"]["findings"][0]["advice"]
    repaired = await asyncio.to_thread(comptoir, "doctor", "--repair")
    assert repaired.code == 0, repaired.out + repaired.err
    assert "The counter was moved on" in repaired.out
    assert (await asyncio.to_thread(comptoir, "doctor")).code == 0

    heard: list[str] = []

    async def hear(_tx: Tx, events: list[Recorded]) -> None:
        heard.extend(event.type for event in events)

    async with Database(other.url()) as database:
        moved = Shop(database, dict(shop.locations), dict(shop.terms))
        runner = ConsumerRunner(database, [Consumer("ear", {"order.*": hear})])
        await runner.register()
        await moved.settle()
        await moved.place("web", {"TEA": 3})
        await asyncio.gather(moved.settle(), drained(database, runner))
        async with database.read() as reader:
            changes = await inventory.changed_since(reader, feed, limit=100)
            assert await reader.value("SELECT sum(orders) FROM orders.trade WHERE clock = 'placed' AND grain = 'hour'") == 2
        await moved.doctors()
    assert heard == ["order.placed"]
    assert [(spot.sku, spot.level.reserved) for spot in changes.levels] == [("TEA", 5)]


async def test_a_worker_says_that_the_log_is_ahead(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.run(
            "INSERT INTO runtime.events (tx, id, type, at, actor, request_id, data) VALUES "
            "((pg_current_xact_id()::text::bigint + 50000)::text::xid8, gen_random_uuid(), 'a.b', now(), 's', '', '{}')"
        )
    runner = ConsumerRunner(database, [])
    with capture_logs() as logged:  # whatever the tests before have set up
        await runner.start()
        await runner.stop()
    assert any("comptoir doctor --repair" in line["event"] for line in logged)
