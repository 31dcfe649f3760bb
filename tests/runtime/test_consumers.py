"""The event log's consumers: each event once, in commit order, whoever is slow, breaks or dies."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import ClassVar

import pytest

from comptoir.kernel.errors import Fault, NotFound, Remedy
from comptoir.kernel.ids import ActorId, uuid7
from comptoir.runtime.consumers import Consumer, ConsumerRunner, discard, fits, lag, parked, read_log, rewind, unpark
from comptoir.runtime.database import Context, Database, Tx, _open_tx
from comptoir.runtime.events import Event, Position, Recorded
from support.consumers import drained


class Rung(Event, frozen=True):
    type: ClassVar[str] = "bell.rung"
    n: int


class Cracked(Event, frozen=True):
    type: ClassVar[str] = "bell.cracked"
    n: int


class Painted(Event, frozen=True):
    type: ClassVar[str] = "bellfry_painted"


TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

Handler = Callable[[Tx, list[Recorded]], Awaitable[None]]


async def write(database: Database, *events: Event) -> None:
    async with database.transaction() as tx:
        tx.emit(*events)


async def ring(database: Database, *numbers: int) -> None:
    await write(database, *(Rung(n=n) for n in numbers))


def numbers(events: list[Recorded]) -> list[int]:
    return [int(str(event.data["n"])) for event in events]


class Notebook:
    """Effects in the database, so that they commit or vanish with the cursor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, tx: Tx, events: list[Recorded]) -> None:
        for event in events:
            await tx.run("INSERT INTO notebook (n, type) VALUES (%(n)s, %(type)s)", {"n": event.data["n"], "type": event.type})

    async def read(self) -> list[int]:
        async with self._database.read() as reader:
            return [row[0] for row in await reader.rows("SELECT n FROM notebook ORDER BY line")]


@pytest.fixture
async def notebook(database: Database) -> Notebook:
    async with database.transaction() as tx:
        await tx.run("CREATE TABLE notebook (line bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int, type text)")
    return Notebook(database)


@contextlib.asynccontextmanager
async def running(runner: ConsumerRunner) -> AsyncGenerator[None]:
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        await runner.stop()
        await task


async def eventually(check: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110 - what is waited for happens in the database
            await asyncio.sleep(0.02)


async def settled(database: Database) -> None:
    """Waits until all that is committed can be read: the neighbours' transactions on this server hold the horizon back."""
    unreadable = "SELECT count(*) FROM runtime.events WHERE tx >= pg_snapshot_xmin(pg_current_snapshot())"

    async def readable() -> bool:
        async with database.read() as reader:
            return await reader.value(unreadable) == 0

    await eventually(readable)


@pytest.mark.parametrize(
    ("pattern", "event_type", "expected"),
    [
        ("bell.rung", "bell.rung", True),
        ("bell.*", "bell.rung", True),
        ("bell.*", "bell.rung.twice", True),
        ("*", "bell.rung", True),
        ("bell.*", "bellfry_painted", False),
        ("bell.*", "bell", False),
        ("bell", "bell.rung", False),
        ("bell.rung", "bell.rung.twice", False),
    ],
)
def test_a_pattern_is_a_type_a_prefix_or_all(pattern: str, event_type: str, expected: bool) -> None:
    assert fits(pattern, event_type) is expected


async def test_each_handler_gets_the_events_that_fit_in_commit_order(database: Database) -> None:
    seen: dict[str, list[str]] = {"one": [], "prefix": [], "all": []}

    def note(name: str) -> Handler:
        async def handler(_: Tx, events: list[Recorded]) -> None:
            seen[name].extend(event.type for event in events)

        return handler

    handlers = {"bell.cracked": note("one"), "bell.*": note("prefix"), "*": note("all")}
    runner = ConsumerRunner(database, [Consumer("reader", handlers, start="beginning")])
    await write(database, Rung(n=1), Painted(), Cracked(n=2))
    await drained(database, runner)
    assert seen == {
        "one": ["bell.cracked"],
        "prefix": ["bell.rung", "bell.cracked"],
        "all": ["bell.rung", "bellfry_painted", "bell.cracked"],
    }


async def test_a_new_consumer_begins_now_unless_it_asks_for_the_beginning(database: Database, notebook: Notebook) -> None:
    await ring(database, 1)
    await settled(database)
    late = ConsumerRunner(database, [Consumer("late", {"*": notebook.write})])
    await late.register()
    await ring(database, 2)
    await drained(database, late)
    assert await notebook.read() == [2]

    early = ConsumerRunner(database, [Consumer("early", {"*": notebook.write}, start="beginning")])
    await drained(database, early)
    assert await notebook.read() == [2, 1, 2]


async def test_a_transaction_open_at_registration_is_not_missed(database: Database, notebook: Notebook) -> None:
    runner = ConsumerRunner(database, [Consumer("new", {"*": notebook.write})])
    async with database.transaction() as tx:
        tx.emit(Rung(n=1))
        await tx.flush_events()
        await asyncio.create_task(_in_its_own_context(runner.register()))
    await drained(database, runner)
    assert await notebook.read() == [1]


async def _in_its_own_context(work: Awaitable[None]) -> None:
    _open_tx.set(False)
    await work


async def test_an_event_of_a_slow_transaction_is_not_skipped(database: Database, notebook: Notebook) -> None:
    runner = ConsumerRunner(database, [Consumer("reader", {"*": notebook.write}, start="beginning")])
    await runner.register()
    taken, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with database.transaction() as tx:
            tx.emit(Rung(n=1))
            await tx.flush_events()  # its number is taken, it is not committed
            taken.set()
            await go_on.wait()

    task = asyncio.create_task(slow())
    await taken.wait()
    await ring(database, 2)

    await runner.drain()
    assert await notebook.read() == [], "2 is committed, and 1 may still come before it"
    async with database.read() as reader:
        assert [one.events for one in await lag(reader)] == [1]
        assert await read_log(reader, Position()) == ([], Position())

    go_on.set()
    await task
    await drained(database, runner)
    assert await notebook.read() == [1, 2]
    await ring(database, 3)
    await drained(database, runner)
    assert await notebook.read() == [1, 2, 3]


async def test_a_slow_transaction_that_rolls_back_leaves_a_gap_that_is_passed(database: Database, notebook: Notebook) -> None:
    runner = ConsumerRunner(database, [Consumer("reader", {"*": notebook.write}, start="beginning")])
    with contextlib.suppress(ZeroDivisionError):
        async with database.transaction() as tx:
            tx.emit(Rung(n=1))
            await tx.flush_events()
            raise ZeroDivisionError
    await ring(database, 2)
    await drained(database, runner)
    assert await notebook.read() == [2]


async def test_of_many_concurrent_writers_every_event_is_read_once_in_order(database: Database, notebook: Notebook) -> None:
    """Two workers read while sixteen writers write, some slowly, some rolling back."""
    dice = random.Random(7)
    consumer = Consumer("reader", {"*": notebook.write}, batch=7, start="beginning")
    written: set[int] = set()
    gate = asyncio.Semaphore(8)

    async def writer(w: int) -> None:
        for i in range(12):
            mine = [w * 10_000 + i * 100 + k for k in range(dice.randint(1, 3))]
            pauses = [dice.choice((0, 0, 0.001, 0.01)) for _ in mine]
            fails = dice.random() < 0.2
            async with gate:
                with contextlib.suppress(ZeroDivisionError):
                    async with database.transaction() as tx:
                        for n, pause in zip(mine, pauses, strict=True):
                            tx.emit(Rung(n=n))
                            await tx.flush_events()
                            await asyncio.sleep(pause)
                        if fails:
                            raise ZeroDivisionError
                    written.update(mine)

    runners = [ConsumerRunner(database, [consumer], poll=0.05) for _ in range(2)]
    async with running(runners[0]), running(runners[1]):
        await asyncio.gather(*(writer(w) for w in range(16)))

        async def all_read() -> bool:
            return len(await notebook.read()) >= len(written)

        await eventually(all_read)
        await asyncio.sleep(0.2)
    await settled(database)
    read = await notebook.read()
    assert Counter(read) == Counter(written)
    async with database.read() as reader:
        log, _ = await read_log(reader, Position(), limit=10_000)
    assert read == numbers(log), "the order of the log is the order of reading"
    for w in range(16):
        own = [n for n in read if n // 10_000 == w]
        assert own == sorted(own), "what one writer committed later is read later"


async def test_effects_and_cursor_commit_together(database: Database, notebook: Notebook) -> None:
    broken = True

    async def handler(tx: Tx, events: list[Recorded]) -> None:
        await notebook.write(tx, events)
        if broken:
            raise Fault("away", remedy=Remedy.WAIT, retry_after=0.01)

    runner = ConsumerRunner(database, [Consumer("reader", {"*": handler}, start="beginning")])
    await runner.register()
    await ring(database, 1, 2)
    task = asyncio.create_task(runner.drain())
    await asyncio.sleep(0.3)
    assert await notebook.read() == []
    async with database.read() as reader:
        assert await parked(reader) == [], "a fault that says wait parks nothing"
        assert [one.events for one in await lag(reader)] == [2]
    broken = False
    await task
    await drained(database, runner)
    assert await notebook.read() == [1, 2]


async def test_a_poisoned_event_is_parked_and_blocks_nothing(database: Database, notebook: Notebook) -> None:
    tries: Counter[int] = Counter()
    poisoned = {13, 14, 40}

    async def handler(tx: Tx, events: list[Recorded]) -> None:
        await notebook.write(tx, events)
        if len(events) == 1:
            tries.update(numbers(events))
        if poisoned.intersection(numbers(events)):
            raise ValueError("this bell is cracked")

    consumers = [
        Consumer("breaks", {"*": handler}, start="beginning", attempts=3, backoff=0.01),
        Consumer("works", {"bell.*": lambda _tx, _events: asyncio.sleep(0)}, start="beginning"),
    ]
    runner = ConsumerRunner(database, consumers)
    await ring(database, *range(60))
    await drained(database, runner)
    assert await notebook.read() == [n for n in range(60) if n not in poisoned]
    assert {n: tries[n] for n in poisoned} == {13: 3, 14: 3, 40: 3}
    async with database.read() as reader:
        found = await parked(reader)
        assert [(one.consumer, one.type, one.problem, one.attempts) for one in found] == [
            ("breaks", "bell.rung", "ValueError: this bell is cracked", 3)
        ] * 3
        assert {one.name: (one.events, one.parked) for one in await lag(reader)} == {"breaks": (0, 3), "works": (0, 0)}

    # A person has mended 13 and 14, has 13 handled again, and gives up on 40.
    poisoned -= {13, 14}
    async with database.transaction() as tx:
        await unpark(tx, "breaks", found[0].event_id)
        await discard(tx, "breaks", found[2].event_id)
    await drained(database, runner)
    assert (await notebook.read())[-1] == 13
    async with database.read() as reader:
        assert [one.event_id for one in await parked(reader, "breaks")] == [found[1].event_id]


async def test_an_event_that_breaks_again_is_parked_again(database: Database) -> None:
    async def handler(_: Tx, events: list[Recorded]) -> None:
        raise ValueError(f"{len(events)} is too many")

    runner = ConsumerRunner(database, [Consumer("breaks", {"*": handler}, start="beginning", attempts=2, backoff=0.01)])
    await ring(database, 1)
    await drained(database, runner)
    async with database.read() as reader:
        (first,) = await parked(reader)
    async with database.transaction() as tx:
        await unpark(tx, "breaks", first.event_id)
    await ring(database, 2)
    await drained(database, runner)
    async with database.read() as reader:
        assert [(one.problem, one.attempts) for one in await parked(reader)] == [("ValueError: 1 is too many", 2)] * 2


async def test_a_merchants_fault_is_parked(database: Database) -> None:
    async def handler(_tx: Tx, _events: list[Recorded]) -> None:
        raise Fault("the account is closed", remedy=Remedy.MERCHANT)

    runner = ConsumerRunner(database, [Consumer("c", {"*": handler}, start="beginning", attempts=1)])
    await ring(database, 1)
    await drained(database, runner)
    async with database.read() as reader:
        assert [one.problem for one in await parked(reader)] == ["Fault: the account is closed"]


async def test_what_is_not_there_cannot_be_unparked_discarded_or_rewound(database: Database) -> None:
    for step in (
        lambda tx: unpark(tx, "c", uuid7()),
        lambda tx: discard(tx, "c", uuid7()),
        lambda tx: rewind(tx, "c", Position()),
    ):
        with pytest.raises(NotFound):
            async with database.transaction() as tx:
                await step(tx)


async def test_rewinding_reads_again_from_a_position_or_an_instant(database: Database, notebook: Notebook) -> None:
    runner = ConsumerRunner(database, [Consumer("reader", {"*": notebook.write}, start="beginning")])
    await ring(database, 1)
    await ring(database, 2)
    await settled(database)
    async with database.read() as reader:
        (_, second), _ = await read_log(reader, Position())
    await drained(database, runner)
    async with database.transaction() as tx:
        await rewind(tx, "reader", second.at)
    await drained(database, runner)
    assert await notebook.read() == [1, 2, 2]
    async with database.transaction() as tx:
        await rewind(tx, "reader", Position())
    await drained(database, runner)
    assert await notebook.read() == [1, 2, 2, 1, 2]
    with pytest.raises(NotFound):
        async with database.transaction() as tx:
            await rewind(tx, "reader", tx.now + timedelta(hours=1))


async def test_a_notice_wakes_consumers_long_before_they_poll(database: Database, notebook: Notebook) -> None:
    runner = ConsumerRunner(database, [Consumer("reader", {"*": notebook.write}, start="beginning")], poll=60)
    async with running(runner):
        await asyncio.sleep(0.3)
        await ring(database, 1)

        async def read() -> bool:
            return await notebook.read() == [1]

        # Where a neighbour's transaction holds the horizon back the first notice comes too early: ring until one is in time.
        async with asyncio.timeout(20):
            while not await read():
                await asyncio.sleep(0.1)
                database.wake_consumers()


async def test_consumers_survive_the_loss_of_their_connections(database: Database, notebook: Notebook) -> None:
    runner = ConsumerRunner(database, [Consumer("reader", {"*": notebook.write}, start="beginning")], poll=0.05)
    async with running(runner):
        await ring(database, 1)
        async with database.read() as reader:
            await reader.run(TERMINATE)

        async def rung() -> bool:
            with contextlib.suppress(Fault):
                await ring(database, 2)
                return True
            return False

        await eventually(rung)

        async def read() -> bool:
            with contextlib.suppress(Fault):
                return await notebook.read() == [1, 2]
            return False

        await eventually(read)


async def test_an_event_says_who_did_it_in_which_request(database: Database) -> None:
    async with database.transaction(Context(ActorId("user:1"), request_id="r-1")) as tx:
        tx.emit(Rung(n=1))
    await settled(database)
    async with database.read() as reader:
        (event,), position = await read_log(reader, Position())
    assert (event.type, event.actor, event.request_id, event.data, event.subject) == (
        "bell.rung",
        "user:1",
        "r-1",
        {"n": 1},
        None,
    )
    assert position == Position(event.tx, event.seq)


async def test_the_feed_filters_by_types_and_goes_on_where_it_stopped(database: Database) -> None:
    for n in range(3):
        await write(database, Rung(n=n), Cracked(n=n), Painted())
    await settled(database)
    async with database.read() as reader:
        first, position = await read_log(reader, Position(), ["bell.cracked"], limit=2)
        rest, end = await read_log(reader, position, ["bell.cracked"], limit=2)
        assert numbers(first) + numbers(rest) == [0, 1, 2]
        assert await read_log(reader, end, ["bell.cracked"], limit=2) == ([], end), "caught up: past what did not fit as well"
        by_prefix, _ = await read_log(reader, Position(), ["bell.*"])
        assert len(by_prefix) == 6, "`bell.*` is not `bellfry_painted`: the underscore stands for itself"
        everything, _ = await read_log(reader, Position(), ["bell.rung", "*"])
        assert len(everything) == 9
        nothing, _ = await read_log(reader, Position(), ["%", "bell_rung", "'; DROP TABLE runtime.events --", "bell%.*"])
        assert nothing == []
