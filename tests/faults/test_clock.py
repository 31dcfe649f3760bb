"""A wall clock that jumps: an hour back, a day ahead. Order, promises and answers do not hang on it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from comptoir.kernel.errors import Refusal
from comptoir.kernel.time import utcnow
from comptoir.modules.inventory import api as inventory
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Candidates, Held, Placed
from comptoir.runtime import database as runtime_database
from comptoir.runtime.consumers import Consumer, ConsumerRunner
from comptoir.runtime.database import Database, Tx
from comptoir.runtime.events import Recorded
from comptoir.runtime.metrics import Metrics
from comptoir.surfaces.capture import Call, CaptureDesk, Key, Outcome
from support.consumers import drained
from support.serving import open_shop
from support.shop import Shop

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass
class Clock:
    """The time that transactions see."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utcnow() + self.ahead


@dataclass
class Till:
    """Sells through the capture desk, under a key."""

    shop: Shop
    desk: CaptureDesk
    seen: list[Placed | Held | Refusal] = field(default_factory=list[Placed | Held | Refusal])
    serial: itertools.count[int] = field(default_factory=itertools.count)

    async def sell(self, quantity: int = 1, key: str | None = None) -> Outcome:
        def answer(result: Placed | Held | Refusal) -> Outcome:
            self.seen.append(result)
            return Outcome(409, result.code.encode()) if isinstance(result, Refusal) else Outcome(201, str(result.id).encode())

        request = self.shop.placement("web", {"TEA": quantity})
        pool: Callable[[], Candidates] = lambda: self.shop.candidates("web")  # noqa: E731
        name = key or f"key-{next(self.serial)}"
        return await self.desk.submit(Call(request, pool, answer, Key("test", name, b"same")))

    async def expire(self) -> int:
        async with self.shop.database.transaction() as tx:
            return await inventory.expire_holds(tx)

    async def available(self) -> int:
        level = await self.shop.level("TEA", "paris")
        return level.on_hand - level.reserved


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(runtime_database, "utcnow", made)
    return made


@pytest_asyncio.fixture
async def till(database: Database, clock: Clock) -> AsyncGenerator[Till]:
    shop, _ = await open_shop(database, {"TEA": 10})
    desk = CaptureDesk(database, Metrics())
    desk.start()
    yield Till(shop, desk)
    await desk.stop()
    await shop.doctors()


JUMPS = [-HOUR, DAY, -DAY, HOUR]


async def test_consumers_read_in_the_order_of_commits_whatever_the_clock_says(till: Till, clock: Clock) -> None:
    read: list[Recorded] = []

    async def keep(_: Tx, events: list[Recorded]) -> None:
        read.extend(events)

    runner = ConsumerRunner(till.shop.database, [Consumer("test.clock", {"order.placed": keep})])
    await runner.register()
    told: list[bytes] = []
    for jump in JUMPS:
        told.append((await till.sell()).body)
        clock.ahead += jump
        told.append((await till.sell()).body)
        await drained(till.shop.database, runner)
    assert [str(event.subject).encode() for event in read] == told
    assert [event.at for event in read] != sorted(event.at for event in read)


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_key_gives_its_first_answer_whatever_the_clock_says(till: Till, clock: Clock, jump: timedelta) -> None:
    first, refused = await till.sell(key="a"), await till.sell(20, key="b")
    clock.ahead = jump
    again, refused_again = await till.sell(key="a"), await till.sell(20, key="b")
    assert again == first._replace(replayed=True)
    assert refused.status == 409
    assert refused_again == refused._replace(replayed=True)
    assert len(till.seen) == 2
    assert await till.available() == 9


async def test_a_hold_ends_by_the_clock_and_no_unit_is_promised_twice(till: Till, clock: Clock) -> None:
    await till.shop.hold("web", {"TEA": 4}, seconds=600)
    clock.ahead = -HOUR
    assert await till.expire() == 0
    assert (await till.sell(6)).status == 201
    assert (await till.sell(1)).status == 409
    clock.ahead = DAY
    assert await till.expire() == 1
    assert await till.expire() == 0
    assert await till.available() == 4
    clock.ahead = timedelta()
    assert await till.expire() == 0
    assert (await till.sell(4)).status == 201
    assert (await till.sell(1)).status == 409


async def test_a_hold_that_was_made_in_the_future_can_still_become_an_order(till: Till, clock: Clock) -> None:
    clock.ahead = DAY
    hold = await till.shop.hold("web", {"TEA": 10}, seconds=600)
    clock.ahead = timedelta()
    assert await till.expire() == 0
    assert (await till.sell(1)).status == 409
    await till.shop.place("web", {"TEA": 10}, hold_id=hold.id)
    assert (await till.sell(1)).status == 409
    assert await till.available() == 0


async def test_the_life_of_an_order_is_told_in_the_order_in_which_it_happened(till: Till, clock: Clock) -> None:
    placed = await till.shop.place("web", {"TEA": 3})
    clock.ahead = -HOUR
    async with till.shop.database.transaction() as tx:
        await orders.release(tx, placed.id, None, "clock")
    clock.ahead = DAY
    async with till.shop.database.transaction() as tx:
        await orders.allocate(tx, placed.id, list(till.shop.locations.values()))
    clock.ahead = -DAY
    async with till.shop.database.transaction() as tx:
        await orders.cancel(tx, placed.id, None, "clock")
    async with till.shop.database.read() as reader:
        page = await orders.timeline(reader, placed.id)
    assert [entry.type for entry in page.items] == ["order.placed", "order.released", "order.allocated", "order.cancelled"]
    assert await till.available() == 10
    after = [(await till.shop.place("web", {"TEA": 1})).number for _ in JUMPS]
    assert after == sorted(after)
    assert after[0] > placed.number
