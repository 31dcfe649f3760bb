"""Jobs: work to be done later, at a time, or again and again. Procrastinate keeps them in PostgreSQL.

`defer` enqueues on the caller's own transaction: what is rolled back was never enqueued, what commits is done at least once.
A task may be done twice (a worker can die between its effect and its mark), so tasks are idempotent. Their arguments are
JSON: ids travel as text.

What becomes of a task that raises is read from the exception: a `Fault` that says WAIT is retried when it says; another
`Fault` or a `Refusal` would fail again and is not retried; anything else is a bug, retried with growing pauses in case it was
not.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import procrastinate
import psycopg
import structlog
from procrastinate import exceptions as procrastinate_errors
from procrastinate.app import WorkerOptions
from procrastinate.jobs import Job as QueuedJob
from procrastinate.jobs import Status

from comptoir.kernel.errors import Fault, Refusal, Remedy
from comptoir.kernel.time import utcnow
from comptoir.runtime.database import SOCKET, Database, Reader, Tx, database_faults
from comptoir.runtime.presence import REMIND_EVERY
from comptoir.runtime.tasks import end

log = structlog.get_logger("comptoir.jobs")

HEARTBEAT = 5.0
"""Seconds between a worker's signs of life."""
STALLED_AFTER = 20.0
"""Seconds without one after which its jobs are given to others."""
_FIRST_PAUSE = 0.5
RETRY_STEPS = (5, 30, 120, 600, 1800, 3600)
"""Seconds before each further try; the last one repeats."""

Task = Callable[..., Awaitable[None]]
Ended = Literal["succeeded", "failed", "retried"]


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When a task runs by itself: a cron line in UTC, with a sixth field for seconds if wanted. Once per tick over all
    workers.
    """

    cron: str
    arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class JobCount:
    """How many jobs stand where; `status` is procrastinate's (todo, doing, succeeded, failed, …)."""

    queue: str
    status: str
    count: int


_COUNTS = """
SELECT queue_name AS queue, status::text AS status, count(*) AS count
FROM procrastinate_jobs GROUP BY queue_name, status ORDER BY 1, 2
"""

_PURGE = """
DELETE FROM procrastinate_jobs WHERE id = ANY(ARRAY(
  SELECT j.id FROM procrastinate_jobs j
  WHERE j.status = ANY(%(statuses)s::procrastinate_job_status[])
    AND NOT EXISTS (SELECT FROM procrastinate_events e WHERE e.job_id = j.id AND e.at >= %(older_than)s)
  ORDER BY j.id LIMIT %(limit)s
))
"""

_enqueuer = procrastinate.App(connector=procrastinate.PsycopgConnector())
"""Never opened: it only writes on connections that it is given, so that a module enqueues without knowing any worker."""


async def defer(
    tx: Tx,
    task: str,
    *,
    at: datetime | None = None,
    queue: str = "default",
    priority: int = 0,
    lock: str | None = None,
    once: str | None = None,
    **arguments: Any,
) -> int | None:
    """Enqueues a task in this transaction and gives the job's id.

    `at` is the earliest time; of jobs with the same `lock` one runs at a time, in order; while a job with the same `once`
    waits, nothing is enqueued and None is given back.
    """
    job = _enqueuer.configure_task(
        task,
        queue=queue,
        priority=priority,
        lock=lock,
        queueing_lock=once,
        schedule_at=at,
        connection=tx.connection,
        task_kwargs=arguments,
    )
    try:
        if once is None:
            return await job.defer_async()
        async with tx.connection.transaction():  # a savepoint: the unique key that says no would else spoil the transaction
            return await job.defer_async()
    except procrastinate_errors.AlreadyEnqueued:
        return None
    except procrastinate_errors.ConnectorException as problem:
        raise problem.__cause__ or problem from None


async def counts(reader: Reader) -> list[JobCount]:
    return await reader.all(JobCount, _COUNTS)


async def purge(tx: Tx, older_than: datetime, *, statuses: Sequence[str] = ("succeeded",), limit: int = 5_000) -> int:
    """Forgets jobs that ended before an instant, at most `limit`; gives how many. Failed ones stay unless asked for."""
    ended = {"succeeded", "failed", "cancelled", "aborted"}
    assert ended.issuperset(statuses), "only what has ended is forgotten"
    return await tx.run(_PURGE, {"statuses": list(statuses), "older_than": older_than, "limit": limit})


class _Retry(procrastinate.BaseRetryStrategy):
    def __init__(self, attempts: int) -> None:
        self._attempts = attempts

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> procrastinate.RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):  # this worker stops; that is not the job's doing
            return procrastinate.RetryDecision(retry_at=utcnow())
        if isinstance(exception, Refusal) or not _may_help(exception) or job.attempts + 1 >= self._attempts:
            return None
        seconds: float = RETRY_STEPS[min(job.attempts, len(RETRY_STEPS) - 1)]
        if isinstance(exception, Fault) and exception.retry_after is not None:
            seconds = exception.retry_after
        seconds *= random.uniform(1.0, 1.2)  # noqa: S311 - spreads out what failed together
        return procrastinate.RetryDecision(retry_at=utcnow() + timedelta(seconds=seconds))


def _may_help(problem: BaseException) -> bool:
    """Whether another try may go better."""
    return not isinstance(problem, Fault) or problem.remedy is Remedy.WAIT


class JobRunner:
    """Does jobs in this process, beside whatever else runs in it.

    Add the tasks, then `run` until `stop`. When the database goes away it comes back with it; jobs of workers that died are
    found by their missing heartbeat and done again, at most `attempts` times in all.
    """

    def __init__(
        self,
        database: Database,
        *,
        concurrency: int = 4,
        queues: Sequence[str] | None = None,
        grace: float = 20.0,
        poll: float = 2.0,
        heartbeat: float = HEARTBEAT,
        stalled_after: float = STALLED_AFTER,
        ended: Callable[[str, Ended, float], None] | None = None,
    ) -> None:
        """`grace` is how long `stop` lets jobs finish before they are cancelled and enqueued again. `ended` hears of each
        job's end: task, outcome, seconds.
        """
        assert stalled_after > 2 * heartbeat, "one late heartbeat is no death"
        self._stalled_after = stalled_after
        self._heartbeat = heartbeat
        self._ended = ended
        self._presence = database.presence
        self._attempts: dict[str, int] = {}
        self._stopping = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        options: WorkerOptions = {
            "name": database.application,
            "concurrency": concurrency,
            "fetch_job_polling_interval": poll,
            "install_signal_handlers": False,
            "shutdown_graceful_timeout": grace,
            "update_heartbeat_interval": heartbeat,
            "stalled_worker_timeout": stalled_after,
        }
        if queues is not None:
            options["queues"] = list(queues)
        self.app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=database.url,
                connection_class=database.presence.connections(),
                min_size=1,
                max_size=2,
                timeout=5,
                reconnect_timeout=2,
                kwargs={**SOCKET, "application_name": f"{database.application}-jobs", "options": "-c timezone=UTC -c jit=off"},
            ),
            worker_defaults=options,
        )

    def add(
        self,
        name: str,
        task: Task,
        *,
        attempts: int = 8,
        queue: str = "default",
        every: Recurrence | None = None,
    ) -> None:
        """Makes a task known under the name that `defer` uses. One that recurs skips a tick while the last one waits."""
        assert attempts >= 1
        self._attempts[name] = attempts

        async def watched(**arguments: Any) -> None:
            arguments.pop("timestamp", None)  # procrastinate tells a recurring task its tick
            await self._watch(name, task, arguments)

        registered = self.app.task(
            name=name, queue=queue, retry=_Retry(attempts), queueing_lock=name if every else None, pass_context=False
        )(watched)
        if every is not None:
            recurring = self.app.periodic(cron=every.cron, task_kwargs=dict(every.arguments or {}))
            recurring(cast("Any", registered))

    async def _watch(self, name: str, task: Task, arguments: dict[str, Any]) -> None:
        begun = asyncio.get_running_loop().time()
        outcome: Ended = "failed"
        try:
            await task(**arguments)
            outcome = "succeeded"
        except BaseException as problem:
            outcome = "retried" if _may_help(problem) and not isinstance(problem, Refusal) else "failed"
            raise
        finally:
            if self._ended is not None:
                self._ended(name, outcome, asyncio.get_running_loop().time() - begun)

    async def run(self) -> None:
        """Until `stop`."""
        self._stopping.clear()
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                with database_faults():
                    async with self._opened():
                        pause = _FIRST_PAUSE
                        if not self._stopping.is_set():
                            await self._one_life()
            except (Fault, procrastinate_errors.ConnectorException) as problem:
                if pause == _FIRST_PAUSE:  # most often a connection that was cut, or the beginning of an outage
                    self._presence.lost()
                if not self._presence.troubled:
                    log.warning("the job worker starts again", problem=str(problem), seconds=pause, seldom=REMIND_EVERY)
            if not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
                pause = min(pause * 2, 10.0)

    async def stop(self) -> None:
        """Takes no further job, lets those under way finish within the grace, then returns."""
        self._stopping.set()
        if self._work is not None:
            work = self._work
            work.cancel()
            await asyncio.wait({work})

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncGenerator[None]:
        try:
            await self.app.open_async()
            yield
        finally:
            with contextlib.suppress(psycopg.Error, procrastinate_errors.ConnectorException):
                await self.app.close_async()

    async def _one_life(self) -> None:
        """One worker, with the recovery of others' jobs beside it; ends when either does."""
        self._work = asyncio.create_task(self.app.run_worker_async(), name="job-worker")
        recovery = asyncio.create_task(self._recover(), name="job-recovery")
        try:
            done, _ = await asyncio.wait({self._work, recovery}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if not task.cancelled():
                    task.result()
        finally:
            await end(recovery, self._work)
            self._work = None

    async def _recover(self) -> None:
        while True:
            await self.recover()
            await asyncio.sleep(self._heartbeat)

    async def recover(self) -> int:
        """Gives the jobs of dead workers back to the queue; gives how many. One that has had all its attempts is marked
        failed.
        """
        manager = self.app.job_manager
        stalled = await manager.get_stalled_jobs(seconds_since_heartbeat=self._stalled_after)
        recovered = 0
        for job in stalled:
            assert job.id is not None
            with contextlib.suppress(procrastinate_errors.ConnectorException):  # another worker recovered it first
                if job.attempts + 1 >= self._attempts.get(job.task_name, 1_000):
                    await manager.finish_job(job, Status.FAILED, delete_job=False)
                    log.error("a job died with its worker once too often", job=job.id, task=job.task_name)
                else:
                    await manager.retry_job(job)
                    recovered += 1
                    log.warning("the job of a dead worker is done again", job=job.id, task=job.task_name)
        return recovered
