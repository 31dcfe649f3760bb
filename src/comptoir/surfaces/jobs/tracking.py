"""What the worker does for parcels: works off what carriers send, asks them, notices silence, takes up labels."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import structlog

from comptoir.kernel.errors import Fault
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import TrackedId
from comptoir.runtime.database import Database
from comptoir.runtime.jobs import JobRunner, Recurrence
from comptoir.runtime.presence import REMIND_EVERY
from comptoir.surfaces.parcels import ParcelDesk
from comptoir.surfaces.unwanted import give_back_unwanted

log = structlog.get_logger("comptoir.parcels")

MESSAGES_FOR = timedelta(days=30)
_EVERY = 1.0
_LONGEST_PAUSE = 30.0
_BATCH = 200
_PASSES = 1_000


class Parcels:
    """Add its jobs to a runner with `add_to`, and `run` it beside them until `stop`."""

    def __init__(self, database: Database, desk: ParcelDesk) -> None:
        self._database = database
        self._desk = desk
        self._stopping = asyncio.Event()

    def add_to(self, runner: JobRunner) -> None:
        runner.add("tracking.poll", self.poll, every=Recurrence("* * * * *"), attempts=2)
        runner.add("tracking.review", self.review, every=Recurrence("22 * * * *"), attempts=2)
        runner.add("tracking.cases", self.time_out, every=Recurrence("*/10 * * * *"), attempts=2)
        runner.add("tracking.instruct", self.instruct, every=Recurrence("* * * * *"), attempts=2)
        runner.add("tracking.labels", self.settle, every=Recurrence("*/2 * * * *"), attempts=2)
        runner.add("tracking.forget", self.forget, every=Recurrence("42 3 * * *"), attempts=2)

    async def run(self) -> None:
        """Works off the messages of carriers as they come."""
        self._stopping.clear()
        pause = _EVERY
        while not self._stopping.is_set():
            try:
                while await self._desk.work_off() and not self._stopping.is_set():
                    pass
                pause = _EVERY
            except Fault as fault:
                pause = min(pause * 2, _LONGEST_PAUSE)
                if not self._database.presence.troubled:
                    log.warning("messages of carriers wait", code=fault.code, seconds=pause, seldom=REMIND_EVERY)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def stop(self) -> None:
        self._stopping.set()

    async def poll(self) -> None:
        while await self._desk.poll():
            pass

    async def settle(self) -> None:
        await self._desk.settle_all()
        await give_back_unwanted(self._database, self._desk)

    async def instruct(self) -> None:
        await self._desk.teller.instruct_all()

    async def review(self) -> None:
        """Looks over everything that is on its way, in small transactions."""
        after: TrackedId | None = None
        for _ in range(_PASSES):
            async with self._database.transaction() as tx:
                after = await tracking.review(tx, after, _BATCH)
            if after is None:
                return

    async def time_out(self) -> None:
        """Failed deliveries: who says nothing is reminded, then no longer waited for; what was decided has to begin."""
        for step in (tracking.cases.remind, tracking.cases.time_out, tracking.cases.chase):
            for _ in range(_PASSES):
                async with self._database.transaction() as tx:
                    if not await step(tx, _BATCH):
                        break

    async def forget(self) -> None:
        for _ in range(_PASSES):
            async with self._database.transaction() as tx:
                if not await tracking.inbox.purge(tx, tx.now - MESSAGES_FOR):
                    return
