"""What has to be done again and again so that nothing piles up and nothing is held for ever.

Holds are given back within seconds by every worker (the rows are locked, so that two never give back the same). The rest is
jobs that recur, once per tick over all workers, which delete in small transactions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import structlog

from comptoir.kernel.errors import Fault
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.api import DueRun
from comptoir.modules.inventory import api as inventory
from comptoir.modules.invoicing import api as invoicing
from comptoir.modules.orders import api as orders
from comptoir.modules.payments import api as payments
from comptoir.modules.routing import api as routing
from comptoir.modules.staff import api as staff
from comptoir.modules.webhooks import api as webhooks
from comptoir.runtime import consumers, idempotency, jobs
from comptoir.runtime.database import Database, Tx
from comptoir.runtime.jobs import JobRunner, Recurrence
from comptoir.runtime.metrics import Metrics
from comptoir.runtime.presence import REMIND_EVERY, Presence
from comptoir.runtime.settings import Settings
from comptoir.surfaces import collecting
from comptoir.surfaces.imports.keeping import forget_uploads
from comptoir.surfaces.pools import pool_id_of, pool_of
from comptoir.surfaces.run_task import RUN_TASK

log = structlog.get_logger("comptoir.housekeeping")

JOBS_FOR = timedelta(days=7)
FAILED_JOBS_FOR = timedelta(days=90)
DELIVERIES_FOR = timedelta(days=30)

_EVERY = 2.0
_LONGEST_PAUSE = 30.0
_PASSES = 1000
_BATCH = 5000


class Housekeeping:
    """Add its jobs to a runner with `add_to`, and run `expire_holds` and `show_figures` beside it."""

    def __init__(self, database: Database, settings: Settings, metrics: Metrics) -> None:
        self._database = database
        self._data = settings.data
        self._keys_for = timedelta(days=settings.keep_keys_days)
        self._events_for = timedelta(days=settings.keep_events_days)
        self._kept = settings.promises_kept / 100
        self._metrics = metrics
        self._third_party_hours = settings.third_party_hours
        self._setting = fulfilment.Setting(pool_id_of)

    def add_to(self, runner: JobRunner) -> None:
        runner.add("orders.review", self.review_orders, every=Recurrence("*/5 * * * *"), attempts=2)
        runner.add("fulfilment.clock", self.tick_fulfilment, every=Recurrence("* * * * *"), attempts=1)
        runner.add(RUN_TASK, self.run_now, attempts=2)
        runner.add("fulfilment.collections", self.tick_collections, every=Recurrence("*/5 * * * *"), attempts=1)
        runner.add("fulfilment.give_up", self.give_up, every=Recurrence("13 * * * *"), attempts=2)
        runner.add("orders.backorders", self.review_backorders, every=Recurrence("7 2 * * *"), attempts=3)
        runner.add("routing.learn", self.learn, every=Recurrence("41 3 * * *"), attempts=3)
        runner.add("invoicing.forget", self.forget_buyers, every=Recurrence("19 4 * * *"), attempts=2)
        runner.add("payments.expire", self.expire_accounts, every=Recurrence("23 * * * *"), attempts=2)
        runner.add("housekeeping.idempotency", self.forget_keys, every=Recurrence("17 * * * *"), attempts=2)
        runner.add("housekeeping.events", self.forget_events, every=Recurrence("7 * * * *"), attempts=2)
        runner.add("housekeeping.jobs", self.forget_jobs, every=Recurrence("27 * * * *"), attempts=2)
        runner.add("housekeeping.sessions", self.forget_sessions, every=Recurrence("37 * * * *"), attempts=2)
        runner.add("housekeeping.webhooks", self.forget_deliveries, every=Recurrence("47 * * * *"), attempts=2)
        runner.add("housekeeping.uploads", self.forget_uploads, every=Recurrence("57 3 * * *"), attempts=2)

    async def expire_holds(self) -> None:
        """For ever: gives back what carts have held for too long."""

        async def sweep() -> None:
            while await self._in_transaction(lambda tx: inventory.expire_holds(tx, 500)) == 500:
                pass

        await _forever(self._database.presence, sweep, _EVERY)

    async def show_figures(self) -> None:
        """For ever: how far the consumers are behind and how many jobs wait, for this process's metrics."""

        async def look() -> None:
            async with self._database.read() as reader:
                self._metrics.show_lag(await consumers.lag(reader))
                self._metrics.show_jobs(await jobs.counts(reader))

        await _forever(self._database.presence, look, 10.0)

    async def review_orders(self) -> None:
        """Looks again at what waits for stock or for a remedy, in case no event has said it."""
        async with self._database.transaction() as tx:
            await orders.review(tx, pool_of)

    async def review_backorders(self) -> None:
        """Tells somebody of the backorders for which nothing is on its way."""
        async with self._database.transaction() as tx:
            late = await orders.review_backorders(tx, pool_of)
        log.info("backorders were reviewed", late=late)

    async def tick_fulfilment(self) -> None:
        """Decides together what waited for that, opens it, gives what was not begun in time to somebody else, takes back what
        third parties have not answered for, and tries again what nobody might send.
        """
        now = utcnow()
        async with self._database.read() as reader:
            runs = await fulfilment.due_runs(reader, self._setting, now)
        for run in runs:
            await self._decide(run)
        # Deciding takes a while: what has become due meanwhile is the next run's, and not opened before that.
        await self._until_none(lambda tx: fulfilment.release_due(tx, now))
        await self._until_none(fulfilment.expire)
        await self._until_none(lambda tx: fulfilment.give_way(tx, self._third_party_hours))
        await self._until_none(lambda tx: fulfilment.try_again(tx, self._setting))

    async def run_now(self, key: str) -> None:
        """A run of a schedule before its time, because somebody wants it: what waits for it can be begun then."""
        async with self._database.read() as reader:
            runs = await fulfilment.early_run(reader, self._setting, UUID(key), utcnow())
        for run in runs:
            await self._decide(run)
        if runs:
            await self._until_none(fulfilment.release_due)

    async def _decide(self, run: DueRun) -> None:
        """What comes later in the order of runs finds what this one has left."""
        async with self._database.read() as reader:
            batches = await fulfilment.due_batches(reader, self._setting, run)
        for batch in batches:
            decisions = await asyncio.to_thread(fulfilment.decide_together, batch)
            async with self._database.transaction() as tx:
                moved = await fulfilment.carry_out(tx, self._setting, batch, decisions)
            log.info("orders were decided together", orders=len(batch.jobs), moved=moved, run=run.waits.code)
        async with self._database.transaction() as tx:
            await fulfilment.finish_run(tx, self._setting, run)

    async def tick_collections(self) -> None:
        """Has buyers reminded of what waits for them, and gives back what has waited for too long."""
        await self._until_none(fulfilment.remind)
        await self._until_none(collecting.give_back_overdue)

    async def give_up(self) -> None:
        """Cancels what nobody may send for longer than its rule set has patience."""
        await self._until_none(lambda tx: fulfilment.given_up(tx, self._setting))

    async def learn(self) -> None:
        """From promises that were kept and broken: how many days are added to the next ones."""
        async with self._database.transaction() as tx:
            learned = await routing.learn_again(tx, self._kept)
        added = [lesson for lesson in (*learned.carriers.values(), *learned.sites.values()) if lesson.slack]
        log.info("promises were looked at", carriers=len(learned.carriers), sites=len(learned.sites), careful_with=len(added))

    async def expire_accounts(self) -> None:
        """Takes off what is left on gift cards and store credit whose time is over."""
        await self._until_none(payments.expire_accounts)

    async def forget_buyers(self) -> None:
        """Takes erased buyers off invoices that need not be kept any more."""
        await self._until_none(invoicing.forget_due)

    async def forget_keys(self) -> None:
        await self._until_none(lambda tx: idempotency.purge(tx, tx.now - self._keys_for, _BATCH))

    async def forget_events(self) -> None:
        """Only where somebody has said how long they are kept: orders tell their story by them."""
        if self._events_for:
            await self._until_none(lambda tx: consumers.purge(tx, tx.now - self._events_for, _BATCH))

    async def forget_jobs(self) -> None:
        await self._until_none(lambda tx: jobs.purge(tx, tx.now - JOBS_FOR, limit=_BATCH))
        ended = ("failed", "cancelled", "aborted")
        await self._until_none(lambda tx: jobs.purge(tx, tx.now - FAILED_JOBS_FOR, statuses=ended, limit=_BATCH))

    async def forget_sessions(self) -> None:
        await self._in_transaction(staff.purge_sessions)

    async def forget_deliveries(self) -> None:
        await self._until_none(lambda tx: webhooks.purge(tx, tx.now - DELIVERIES_FOR, limit=_BATCH))

    async def forget_uploads(self) -> None:
        gone = await asyncio.to_thread(forget_uploads, self._data)
        log.info("old uploads were removed", files=gone, at=utcnow().isoformat())

    async def _in_transaction(self, work: Callable[[Tx], Awaitable[int]]) -> int:
        async with self._database.transaction() as tx:
            return await work(tx)

    async def _until_none(self, work: Callable[[Tx], Awaitable[int]]) -> None:
        for _ in range(_PASSES):
            if not await self._in_transaction(work):
                return


async def _forever(presence: Presence, work: Callable[[], Awaitable[None]], every: float) -> None:
    """Again and again; while the database is away, ever more slowly."""
    pause = every
    while True:
        try:
            await work()
            pause = every
        except Fault as fault:
            pause = min(pause * 2, _LONGEST_PAUSE)
            if not presence.troubled:
                log.warning("housekeeping waits", problem=fault.detail, seconds=pause, seldom=REMIND_EVERY)
        await asyncio.sleep(pause)
