"""A database that is taken away, is full of others, is slow, or is out of room: clear answers meanwhile, nothing lost after."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from comptoir.migrations import schema
from comptoir.runtime.database import Database
from comptoir.runtime.embedded import EmbeddedPostgres
from support.serving import PATIENCE, Buyer, Reply, Serving, open_shop, serving
from support.shop import Shop

CONNECTIONS = 16
WEB = "application_name LIKE 'comptoir-web%'"
_serial = iter(range(1_000_000))


@dataclass
class Stage:
    """A server of ours, and a shop that is served from it as from anybody's."""

    postgres: EmbeddedPostgres
    server: Serving
    token: str
    promised: int = 0

    @contextlib.contextmanager
    def operator(self) -> Generator[psycopg.Connection]:
        with psycopg.connect(self.postgres.url(), autocommit=True, application_name="operator") as connection:
            yield connection

    def buyer(self) -> Buyer:
        return Buyer(self.server.port, self.token)

    async def sell(self, orders: int, *, at_once: int = 16, sku: str = "TEA", over: asyncio.Event | None = None) -> list[str]:
        """Places so many orders, insistently, fewer when it is `over` before; gives their keys when all are promised."""
        keys: list[str] = []

        async def one() -> None:
            async with self.buyer() as buyer:
                while len(keys) < orders and not (over and over.is_set()):
                    keys.append(key := f"order-{next(_serial)}")
                    reply = await buyer.order({sku: 1}, key, note=key)
                    assert reply.status == 201, reply.body
                    self.promised += 1

        await asyncio.gather(*(one() for _ in range(at_once)))
        return keys

    async def more(self, orders: int) -> None:
        """Waits until so many more have been promised."""
        wanted = self.promised + orders
        async with asyncio.timeout(PATIENCE):
            while self.promised < wanted:  # noqa: ASYNC110 - what is counted has no event
                await asyncio.sleep(0.01)

    async def kept(self, keys: Sequence[str]) -> None:
        """Each of them is there once, and everything adds up."""
        async with Database(self.postgres.url(), max_connections=1) as database:
            async with database.read() as reader:
                rows = await reader.values("SELECT note FROM orders.orders WHERE note = ANY(%(keys)s)", {"keys": list(keys)})
            assert Counter(rows) == dict.fromkeys(keys, 1)
            await Shop(database).doctors()


@pytest_asyncio.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    folder = tmp_path_factory.mktemp("scarcity")
    settings = {"max_connections": str(CONNECTIONS), "shared_buffers": "32MB"}
    postgres = EmbeddedPostgres(folder / "server", durable=False, settings=settings)
    await asyncio.to_thread(postgres.start)
    try:
        await asyncio.to_thread(schema.migrate, postgres.url())
        async with Database(postgres.url(), max_connections=2) as database:
            _, token = await open_shop(database, {"TEA": 1_000_000, "MILK": 1_000_000})
        with serving(folder, database_url=postgres.url()) as server:
            yield Stage(postgres, server, token)
    finally:
        await asyncio.to_thread(postgres.stop)


async def test_when_all_connections_are_cut_again_and_again_every_order_is_placed_once(stage: Stage) -> None:
    over = asyncio.Event()
    selling = asyncio.create_task(stage.sell(1_000_000, over=over))
    cut = 0
    with stage.operator() as operator:
        for _ in range(10):
            await stage.more(5)
            await asyncio.sleep(random.random() / 20)
            found = operator.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {WEB}".encode())
            cut += len(found.fetchall())
    over.set()
    keys = await selling
    assert cut > 0
    await stage.kept(keys)


async def test_while_the_database_is_stopped_answers_say_so_and_after_its_restart_all_goes_on(stage: Stage) -> None:
    before = await stage.sell(10)
    await asyncio.to_thread(stage.postgres.stop)
    assert not stage.postgres.running()
    async with stage.buyer() as buyer:
        assert (await buyer.ask("GET", "/healthz")).status == 200
        ready = await buyer.ask("GET", "/readyz")
        assert (ready.status, ready.code) == (503, "not_ready")
        assert ready.json["data"]["database"] is False
        lost = await buyer.ask("POST", "/v1/orders", buyer.wanted({"TEA": 1}, note="while-down"), key="while-down")
        assert (lost.status, lost.code) == (503, "database_unavailable")
        assert int(lost.headers["retry-after"]) >= 1
    selling = asyncio.create_task(stage.sell(40))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(stage.postgres.start)
    during = await selling
    async with stage.buyer() as buyer:
        again = await buyer.order({"TEA": 1}, "while-down", note="while-down")
        assert again.status == 201
    await stage.kept([*before, *during, "while-down"])


async def test_with_no_further_connection_to_be_had_the_few_there_are_serve_everybody(stage: Stage) -> None:
    await stage.sell(1)
    with contextlib.ExitStack() as stack:
        hog_connections(stage, stack)

        async def look() -> Reply:
            async with stage.buyer() as buyer:
                return await buyer.ask("GET", "/v1/orders?limit=5")

        selling = asyncio.create_task(stage.sell(60, at_once=30))
        seen = await asyncio.gather(*(look() for _ in range(40)))
        keys = await selling
    assert {reply.status for reply in seen} == {200}
    await stage.kept(keys)


@pytest.mark.soak
async def test_with_no_connection_at_all_answers_say_so_until_there_is_one(stage: Stage) -> None:
    await stage.sell(1)
    with contextlib.ExitStack() as stack:
        taken = hog_connections(stage, stack)
        while web_connections(taken[0]):
            taken[0].execute(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {WEB}".encode())
            await asyncio.sleep(0.1)  # until its place is free
            taken += hog_connections(stage, stack)
        async with stage.buyer() as buyer:
            lost = await buyer.ask("POST", "/v1/orders", buyer.wanted({"TEA": 1}, note="no-room"), key="no-room")
            assert (lost.status, lost.code) == (503, "database_unavailable")
    async with stage.buyer() as buyer:
        assert (await buyer.order({"TEA": 1}, "no-room", note="no-room")).status == 201
    await stage.kept(["no-room"])


def hog_connections(stage: Stage, stack: contextlib.ExitStack) -> list[psycopg.Connection]:
    """Takes all connections that are left."""
    taken: list[psycopg.Connection] = []
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            taken.append(stack.enter_context(psycopg.connect(stage.postgres.url(), autocommit=True)))
    return taken


def web_connections(operator: psycopg.Connection) -> int:
    row = operator.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {WEB}".encode()).fetchone()
    assert row is not None
    return int(row[0])


async def test_who_waits_too_long_for_a_lock_is_told_to_come_again_and_then_gets_the_order(stage: Stage) -> None:
    await stage.sell(1)
    with stage.operator() as operator, stage.operator() as locker:
        with locker.transaction():
            locker.execute("SELECT FROM inventory.levels WHERE sku = 'MILK' FOR UPDATE")
            async with stage.buyer() as buyer:
                asking = asyncio.create_task(
                    buyer.ask("POST", "/v1/orders", buyer.wanted({"MILK": 1}, note="patient"), key="patient")
                )
                # What the statement timeout does after 30 s, done at once.
                pid = await waiting_for_a_lock(operator)
                operator.execute("SELECT pg_cancel_backend(%s)", (pid,))
                told = await asking
        assert (told.status, told.code) == (503, "database_unavailable")
        async with stage.buyer() as buyer:
            assert (await buyer.order({"MILK": 1}, "patient", note="patient")).status == 201
    await stage.kept(["patient"])


async def test_a_lock_that_is_let_go_in_time_is_noticed_by_nobody(stage: Stage) -> None:
    await stage.sell(1)
    with stage.operator() as operator, stage.operator() as locker:
        with locker.transaction():
            locker.execute("SELECT FROM inventory.levels WHERE sku = 'MILK' FOR UPDATE")
            selling = asyncio.gather(stage.sell(20, sku="MILK"), stage.sell(20, sku="TEA"))
            await waiting_for_a_lock(operator)
        milk, tea = await selling
    await stage.kept([*milk, *tea])


async def waiting_for_a_lock(operator: psycopg.Connection) -> int:
    async with asyncio.timeout(PATIENCE):
        while True:
            found = operator.execute(f"SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND {WEB}".encode())
            row = found.fetchone()
            if row is not None:
                return int(row[0])
            await asyncio.sleep(0.02)


SIZE_MB = 160


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=0755", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk cannot be mounted here: it needs root and the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_on_a_full_disk_answers_say_so_and_with_some_room_all_goes_on(small_disk: Path, tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(small_disk / "data", settings={"shared_buffers": "16MB"})
    ballast = small_disk / "ballast"
    await asyncio.to_thread(postgres.start)
    try:
        await asyncio.to_thread(schema.migrate, postgres.url())
        async with Database(postgres.url(), max_connections=2) as database:
            _, token = await open_shop(database, {"TEA": 1_000_000})
        with serving(tmp_path, data=postgres.data) as server:
            stage = Stage(postgres, server, token)
            before = await stage.sell(5)
            fill(ballast)
            refused, during = await until_refused(stage)
            ballast.unlink()
            async with stage.buyer() as buyer:
                assert (await buyer.order({"TEA": 1}, refused, **large(refused))).status == 201
            after = await stage.sell(20)
            await stage.kept([*before, *during, refused, *after])
    finally:
        await asyncio.to_thread(postgres.stop)


def fill(ballast: Path) -> None:
    """Leaves no room at all."""
    size = 1 << 20
    with ballast.open("wb", buffering=0) as file:
        while size:
            try:
                if file.write(b"x" * size) < size:
                    size //= 2
            except OSError:
                size //= 2


def large(key: str) -> dict[str, object]:
    """What makes an order take some room."""
    return {"note": key, "tags": [f"{n}-{key}".ljust(200, "x") for n in range(40)]}


async def until_refused(stage: Stage) -> tuple[str, list[str]]:
    """The first key whose order finds no room, and the keys of those that still did."""
    placed: list[str] = []
    async with stage.buyer() as buyer:
        while True:
            key = f"full-{len(placed)}"
            reply = await buyer.ask("POST", "/v1/orders", buyer.wanted({"TEA": 1}, **large(key)), key=key)
            if reply.status != 201:
                assert (reply.status, reply.code) == (503, "database_unavailable"), reply.body
                return key, placed
            placed.append(key)


async def test_connections_that_were_cut_while_idle_fail_nobody(stage: Stage) -> None:
    asked = "SELECT pg_backend_pid()"
    async with Database(stage.postgres.url(), max_connections=4, application="idle") as database:
        async with contextlib.AsyncExitStack() as stack:  # all at once, so that each is another one
            readers = [await stack.enter_async_context(database.read()) for _ in range(4)]
            before = {int(await reader.value(asked)) for reader in readers}
        assert len(before) == 4
        with stage.operator() as operator:
            operator.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'idle'")
        for _ in range(12):
            async with database.read() as reader:
                assert int(await reader.value(asked)) not in before
