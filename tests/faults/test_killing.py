"""`kill -9` for the database, a web process or the worker, while people buy."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil
import psycopg
import pytest

from comptoir.kernel.ids import from_text
from comptoir.migrations import schema
from comptoir.modules.orders.contracts import ORDER_PREFIX
from comptoir.runtime.database import Database
from comptoir.runtime.embedded import EmbeddedPostgres
from comptoir.surfaces.doctor import CHECKS, examine
from support.serving import PATIENCE, Buyer, Reply, Serving, caught_up, open_shop, rolled_up, serving
from support.shop import Shop

Victim = Literal["database", "web", "worker"]
PLENTY = {f"PLENTY-{n}": 1_000_000 for n in range(4)}
SCARCE = {f"SCARCE-{n}": 25 for n in range(4)}


@dataclass
class Asked:
    """A request and the first answer to it."""

    path: str
    body: dict[str, Any]
    key: str
    reply: Reply


@dataclass
class Load:
    """Buyers who order, hold, change their mind and never give up; it keeps what they were told."""

    port: int
    token: str
    answered: list[Asked] = field(default_factory=list[Asked])
    hiccups: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self, buyers: int) -> None:
        self._tasks = [asyncio.create_task(self._buy(number)) for number in range(buyers)]

    async def stop(self) -> None:
        """Everybody gets an answer to what was asked last."""
        self._over.set()
        await asyncio.gather(*self._tasks)

    async def more(self, answers: int) -> None:
        """Waits until so many more have been given."""
        wanted = len(self.answered) + answers
        async with asyncio.timeout(PATIENCE):
            while len(self.answered) < wanted:
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.01)

    async def _buy(self, number: int) -> None:
        chance = random.Random(number)
        own: list[str] = []
        serial = 0
        async with Buyer(self.port, self.token) as buyer:
            while not self._over.is_set():
                serial += 1
                path, body = self._wish(chance, buyer, own, f"{number}-{serial}")
                key = f"key-{number}-{serial}"
                reply = await buyer.insist("POST", path, body, key=key)
                self.answered.append(Asked(path, body, key, reply))
                if path == "/v1/orders" and reply.status == 201:
                    own.append(reply.json["id"])
            self.hiccups += buyer.hiccups

    def _wish(self, chance: random.Random, buyer: Buyer, own: list[str], name: str) -> tuple[str, dict[str, Any]]:
        what = chance.random()
        if own and what < 0.15:
            return f"/v1/orders/{own.pop(chance.randrange(len(own)))}/cancel", {"reason": name}
        skus = [chance.choice([*PLENTY]), chance.choice([*SCARCE] if chance.random() < 0.3 else [*PLENTY])]
        units = {sku: chance.randint(1, 3) for sku in skus}
        if what < 0.25:
            lines = [{"sku": sku, "quantity": quantity} for sku, quantity in units.items()]
            return "/v1/holds", {"channel": "web", "cart": name, "lines": lines, "seconds": 3600}
        return "/v1/orders", buyer.wanted(units, note=name)


@dataclass
class House:
    """A shop that is served with the embedded database, which is started again by whoever serves."""

    data: Path
    server: Serving
    token: str

    @property
    def postgres(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.data)

    async def kill(self, victim: Victim) -> None:
        """Waits until there is somebody to kill."""
        kill: Callable[[], bool] = (
            self._kill_database if victim == "database" else lambda: self.server.kill(victim, random.randrange(4))
        )
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(kill):  # noqa: ASYNC110 - a process that comes up sets no event of ours
                await asyncio.sleep(0.05)

    def _kill_database(self) -> bool:
        postgres = self.postgres
        if not postgres.running():
            return False
        postgres.kill()
        return True

    @contextlib.asynccontextmanager
    async def database(self) -> AsyncGenerator[Database]:
        async with Database(self.postgres.url(), max_connections=2, application="tests") as database:
            yield database

    async def doctors(self) -> None:
        """Stock and orders add up, also in the middle of everything."""
        async with self.database() as database:
            await Shop(database).doctors()

    async def whole_doctor(self) -> None:
        """Nothing is found by any check, once those who died have been replaced."""
        async with self.database() as database, asyncio.timeout(PATIENCE):
            for check in CHECKS:
                while (examined := await examine(database, check)).total:
                    assert check.name in {"consumers", "jobs"}, examined.findings
                    await asyncio.sleep(0.5)


@contextlib.asynccontextmanager
async def a_house(folder: Path, *, processes: int) -> AsyncGenerator[House]:
    postgres = EmbeddedPostgres(folder / "data")
    await asyncio.to_thread(postgres.start)
    try:
        await asyncio.to_thread(schema.migrate, postgres.url())
        async with Database(postgres.url(), max_connections=2) as database:
            _, token = await open_shop(database, PLENTY | SCARCE)
    finally:
        await asyncio.to_thread(postgres.stop)  # it is to be the child of whoever serves
    with serving(folder, processes=processes, worker=True) as server:
        yield House(postgres.data, server, token)
    assert not postgres.running()


async def kill_and_sell(folder: Path, victims: Sequence[Victim], *, processes: int, buyers: int, doctor_each: bool) -> None:
    async with a_house(folder, processes=processes) as house:
        load = Load(house.server.port, house.token)
        load.start(buyers)
        for victim in victims:
            await load.more(3 * buyers)
            await asyncio.sleep(random.random() / 4)
            await house.kill(victim)
            if doctor_each:
                await load.more(buyers)
                await house.doctors()
        await load.more(3 * buyers)
        await load.stop()
        assert load.hiccups > 0, "something was killed, and nobody noticed"
        async with house.database() as database:
            await nothing_is_lost(database, load)
            await caught_up(database)
            told, stands = await rolled_up(database)
        assert told == stands
        await the_same_again(house, load)
        await house.whole_doctor()


async def nothing_is_lost(database: Database, load: Load) -> None:
    """Every order that was acknowledged is there once, and there is no other."""
    placed = [asked for asked in load.answered if asked.path == "/v1/orders" and asked.reply.status == 201]
    refused = [asked for asked in load.answered if asked.reply.status not in {200, 201}]
    assert {asked.reply.status for asked in refused} <= {409}
    assert {asked.reply.code for asked in refused} <= {"insufficient_stock"}
    async with database.read() as reader:
        rows = await reader.rows("SELECT id, note, number, total FROM orders.orders")
        cancelled = await reader.value("SELECT count(*) FROM orders.orders WHERE cancelled = quantity")
        held = await reader.values("SELECT cart FROM inventory.holds")
        keys = await reader.value("SELECT count(*) FROM runtime.idempotency")
        events = Counter(await reader.values("SELECT subject FROM runtime.events WHERE type = 'order.placed'"))
    assert Counter(row[1] for row in rows) == Counter(asked.body["note"] for asked in placed)
    assert {row[0]: (row[1], row[2], row[3]) for row in rows} == {
        from_text(ORDER_PREFIX, asked.reply.json["id"]): (
            asked.body["note"],
            asked.reply.json["number"],
            asked.reply.json["total"],
        )
        for asked in placed
    }
    assert events == Counter(row[0] for row in rows)
    assert cancelled == sum(asked.path.endswith("/cancel") and asked.reply.status == 200 for asked in load.answered)
    carts = [asked.body["cart"] for asked in load.answered if asked.path == "/v1/holds" and asked.reply.status == 201]
    assert Counter(held) == Counter(carts)
    assert keys == len(load.answered)


async def the_same_again(house: House, load: Load) -> None:
    """Whoever asks again with a key is told what was said before, byte for byte."""
    waiting = iter(load.answered)

    async def ask_again() -> None:
        async with Buyer(house.server.port, house.token) as buyer:
            for asked in waiting:
                again = await buyer.insist("POST", asked.path, asked.body, key=asked.key)
                assert again.outcome == asked.reply.outcome
                assert again.replayed

    await asyncio.gather(*(ask_again() for _ in range(8)))


def test_a_server_that_is_killed_behind_its_starters_back_is_started_again(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False, settings={"shared_buffers": "16MB"}) as postgres:
        for _ in range(2):
            pid = postgres.pid
            assert pid is not None
            process = psutil.Process(pid)
            process.kill()  # nobody waits for it: it stays a zombie, which PostgreSQL takes for the owner of its socket
            while process.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.01)
            postgres.start()
            assert postgres.pid not in {None, pid}
            assert not psutil.pid_exists(pid)
            with psycopg.connect(postgres.url()) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)


async def test_after_a_kill_of_each_nothing_acknowledged_is_lost_and_nothing_is_done_twice(tmp_path: Path) -> None:
    victims: list[Victim] = ["database", "web", "worker"]
    random.shuffle(victims)
    await kill_and_sell(tmp_path, victims, processes=1, buyers=8, doctor_each=False)


@pytest.mark.soak
async def test_after_24_kills_nothing_acknowledged_is_lost_and_nothing_is_done_twice(tmp_path: Path) -> None:
    victims: list[Victim] = ["database", "web", "worker"] * 8
    random.shuffle(victims)
    await kill_and_sell(tmp_path, victims, processes=2, buyers=24, doctor_each=True)
