"""Jobs: enqueued with their transaction or not at all, and done although workers die."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta

import pytest

from comptoir.kernel.errors import Conflict, Fault, Remedy
from comptoir.runtime import jobs
from comptoir.runtime.database import Database
from comptoir.runtime.jobs import JobRunner, Recurrence

TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def runner_of(database: Database, *, heartbeat: float = 0.2, stalled_after: float = 1.0, **options: object) -> JobRunner:
    return JobRunner(database, poll=0.1, grace=2, heartbeat=heartbeat, stalled_after=stalled_after, **options)  # pyright: ignore[reportArgumentType]


@contextlib.asynccontextmanager
async def running(runner: JobRunner) -> AsyncGenerator[None]:
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        await runner.stop()
        await task


async def eventually(check: Callable[[], Awaitable[bool] | bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while True:
            answer = check()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.02)


async def statuses(database: Database) -> dict[str, int]:
    async with database.read() as reader:
        return {one.status: one.count for one in await jobs.counts(reader)}


async def defer(database: Database, task: str, **arguments: object) -> int | None:
    async with database.transaction() as tx:
        return await jobs.defer(tx, task, **arguments)  # pyright: ignore[reportArgumentType]


async def test_a_job_is_done_with_its_arguments(database: Database) -> None:
    done: list[tuple[str, int]] = []
    ends: list[tuple[str, str]] = []

    async def greet(name: str, times: int) -> None:
        done.append((name, times))

    runner = runner_of(database, ended=lambda task, outcome, _seconds: ends.append((task, outcome)))
    runner.add("greet", greet)
    async with running(runner):
        await defer(database, "greet", name="Zoé'; --", times=2)
        await eventually(lambda: bool(done))
    assert done == [("Zoé'; --", 2)]
    assert ends == [("greet", "succeeded")]
    assert await statuses(database) == {"succeeded": 1}


async def test_what_is_rolled_back_was_never_enqueued(database: Database) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with database.transaction() as tx:
            assert await jobs.defer(tx, "greet") is not None
            raise ZeroDivisionError
    assert await statuses(database) == {}


async def test_of_jobs_that_are_wanted_once_the_second_is_not_enqueued_and_spoils_nothing(database: Database) -> None:
    async with database.transaction() as tx:
        assert await jobs.defer(tx, "sweep", once="sweep:1") is not None
        assert await jobs.defer(tx, "sweep", once="sweep:1") is None
        assert await jobs.defer(tx, "sweep", once="sweep:2") is not None
    assert await statuses(database) == {"todo": 2}


async def test_a_job_waits_for_its_time(database: Database) -> None:
    done: list[int] = []

    async def work(n: int) -> None:
        done.append(n)

    runner = runner_of(database)
    runner.add("work", work)
    async with running(runner):
        async with database.transaction() as tx:
            await jobs.defer(tx, "work", at=tx.now + timedelta(hours=1), n=1)
            await jobs.defer(tx, "work", at=tx.now + timedelta(milliseconds=300), n=2)
        await eventually(lambda: done == [2])
    assert await statuses(database) == {"succeeded": 1, "todo": 1}


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (Fault("away", remedy=Remedy.WAIT), "todo"),
        (Fault("wrong password", remedy=Remedy.MERCHANT), "failed"),
        (Fault("nonsense", remedy=Remedy.NOBODY), "failed"),
        (Conflict(), "failed"),
        (ValueError("a bug"), "todo"),
    ],
)
async def test_only_what_may_help_is_tried_again(database: Database, problem: Exception, status: str) -> None:
    tries: list[Exception] = []

    async def work() -> None:
        tries.append(problem)
        raise problem

    runner = runner_of(database)
    runner.add("work", work)
    async with running(runner):
        await defer(database, "work")

        async def ended() -> bool:
            return bool(tries) and await statuses(database) == {status: 1}

        await eventually(ended)
    assert len(tries) == 1


async def test_a_fault_says_when_to_retry_and_attempts_are_counted(database: Database) -> None:
    tries: list[float] = []

    async def work() -> None:
        tries.append(asyncio.get_running_loop().time())
        raise Fault("busy", remedy=Remedy.WAIT, retry_after=0.3)

    runner = runner_of(database)
    runner.add("work", work, attempts=3)
    async with running(runner):
        await defer(database, "work")

        async def failed() -> bool:
            return await statuses(database) == {"failed": 1}

        await eventually(failed)
    assert len(tries) == 3
    assert all(later - earlier >= 0.3 for earlier, later in itertools.pairwise(tries))


async def test_stopping_lets_a_job_finish(database: Database) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(0.5)
        ended.set()

    runner = runner_of(database)
    runner.add("work", work)
    async with running(runner):
        await defer(database, "work")
        await begun.wait()
    assert ended.is_set()
    assert await statuses(database) == {"succeeded": 1}


async def test_a_job_that_does_not_finish_in_time_is_enqueued_again(database: Database) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(60)

    runner = JobRunner(database, poll=0.1, grace=0.2, heartbeat=0.2, stalled_after=1)
    runner.add("work", work, attempts=1)
    async with running(runner):
        await defer(database, "work")
        await begun.wait()
    assert await statuses(database) == {"todo": 1}


async def test_one_that_is_stopped_while_it_connects_stops(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = runner_of(database)
    opening = asyncio.Event()
    opened = runner.app.open_async

    async def slow(*_: object) -> None:
        opening.set()
        with contextlib.suppress(asyncio.CancelledError):  # as a wait does that ends in the same instant
            await asyncio.sleep(3600)
        await opened()

    monkeypatch.setattr(runner.app, "open_async", slow)
    running = asyncio.create_task(runner.run())
    await opening.wait()
    await runner.stop()
    running.cancel()
    async with asyncio.timeout(20):
        await asyncio.wait({running})


WORKER = """
import asyncio, sys
from comptoir.runtime.database import Database
from comptoir.runtime.jobs import JobRunner

async def hang(n):
    print("begun", n, flush=True)
    await asyncio.sleep(600)

runner = JobRunner(Database(sys.argv[1]), poll=0.1, heartbeat=0.2, stalled_after=1)
runner.add("hang", hang)
asyncio.run(runner.run())
"""


async def killed_worker(database: Database) -> None:
    """A worker that begins the job `hang` and dies of kill -9."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, database.url, stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 30) == b"begun 7\n"
    process.send_signal(signal.SIGKILL)
    await process.wait()


async def test_the_job_of_a_killed_worker_is_done_by_another(database: Database) -> None:
    await defer(database, "hang", n=7)
    await killed_worker(database)
    assert await statuses(database) == {"doing": 1}

    done: list[int] = []

    async def hang(n: int) -> None:
        done.append(n)

    runner = runner_of(database)
    runner.add("hang", hang)
    async with running(runner):
        await eventually(lambda: done == [7])
    assert await statuses(database) == {"succeeded": 1}


async def test_a_job_that_kills_its_workers_is_given_up(database: Database) -> None:
    await defer(database, "hang", n=7)
    await killed_worker(database)

    async def hang(n: int) -> None:
        raise AssertionError("not again")

    runner = runner_of(database)
    runner.add("hang", hang, attempts=1)
    async with running(runner):

        async def failed() -> bool:
            return await statuses(database) == {"failed": 1}

        await eventually(failed)


async def test_the_worker_survives_the_loss_of_its_connections(database: Database) -> None:
    done: list[int] = []

    async def work(n: int) -> None:
        done.append(n)

    runner = runner_of(database)
    runner.add("work", work)
    async with running(runner):
        await defer(database, "work", n=1)
        await eventually(lambda: done == [1])
        async with database.read() as reader:
            await reader.run(TERMINATE)

        async def enqueued() -> bool:
            with contextlib.suppress(Fault):
                return await defer(database, "work", n=2) is not None
            return False

        await eventually(enqueued)
        await eventually(lambda: 2 in done)


async def test_a_recurring_task_runs_by_itself(database: Database) -> None:
    ticks: list[str] = []

    async def tick(name: str) -> None:
        ticks.append(name)

    runner = runner_of(database)
    runner.add("tick", tick, every=Recurrence("* * * * * *", {"name": "every second"}))
    async with running(runner):
        await eventually(lambda: len(ticks) >= 2)
    assert set(ticks) == {"every second"}


async def test_ended_jobs_are_forgotten_after_a_while_and_failed_ones_when_asked(database: Database) -> None:
    async def work() -> None:
        return

    async def broken() -> None:
        raise Conflict

    runner = runner_of(database)
    runner.add("work", work)
    runner.add("broken", broken)
    async with running(runner):
        await defer(database, "work")
        await defer(database, "broken")

        async def both() -> bool:
            return await statuses(database) == {"succeeded": 1, "failed": 1}

        await eventually(both)
    await defer(database, "work")
    async with database.transaction() as tx:
        assert await jobs.purge(tx, tx.now - timedelta(days=1)) == 0
        assert await jobs.purge(tx, tx.now + timedelta(minutes=1)) == 1
    assert await statuses(database) == {"failed": 1, "todo": 1}
    async with database.transaction() as tx:
        assert await jobs.purge(tx, tx.now + timedelta(minutes=1), statuses=("succeeded", "failed")) == 1
    assert await statuses(database) == {"todo": 1}
