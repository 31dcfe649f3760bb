"""The worker: consumers of the event log, jobs, webhooks and housekeeping in one process; any number of them side by side."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import structlog

from comptoir.runtime.consumers import Consumer, ConsumerRunner
from comptoir.runtime.jobs import JobRunner, Task
from comptoir.runtime.tasks import end
from comptoir.surfaces.imports.keeping import IMPORT_TASK
from comptoir.surfaces.jobs.housekeeping import Housekeeping
from comptoir.surfaces.jobs.imports import ImportJob
from comptoir.surfaces.jobs.notices import NoticeSender
from comptoir.surfaces.jobs.returns import Returns
from comptoir.surfaces.jobs.simulations import SimulationJob
from comptoir.surfaces.jobs.supplying import Supplying
from comptoir.surfaces.jobs.tracking import Parcels
from comptoir.surfaces.jobs.webhooks import WebhookSender
from comptoir.surfaces.services import Services
from comptoir.surfaces.simulation_task import SIMULATION_TASK

log = structlog.get_logger("comptoir.worker")

_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


class Worker:
    """Runs until it is asked to stop. It waits for a database that is away; a part that breaks is started again, ever later."""

    def __init__(self, services: Services, consumers: Sequence[Consumer], *, grace: float = 4.0) -> None:
        """`grace` is how long it waits for jobs at the end before it puts them back into the queue."""
        self._services = services
        database, metrics = services.database, services.metrics
        self.consumers = ConsumerRunner(database, consumers)
        self.jobs = JobRunner(database, grace=grace, ended=metrics.job_ended)
        self.jobs.add(IMPORT_TASK, ImportJob(database), queue="imports", attempts=20)
        self.jobs.add(
            SIMULATION_TASK, SimulationJob(database, services.settings.promises_kept / 100), queue="simulations", attempts=5
        )
        self.housekeeping = Housekeeping(database, services.settings, metrics)
        self.housekeeping.add_to(self.jobs)
        self.webhooks = WebhookSender(database, services.http, services.keyring, attempted=self._attempted)
        self.parcels = Parcels(database, services.parcels)
        self.parcels.add_to(self.jobs)
        Returns(database, services.return_labels).add_to(self.jobs)
        self.notices = NoticeSender.of(database, services.keyring, services.settings, services.http)
        self.notices.add_to(self.jobs)
        self.supplying = Supplying.of(database, services.keyring, services.settings)
        self.supplying.add_to(self.jobs)
        self._stopping = asyncio.Event()
        self._grace = grace

    def add(self, name: str, task: Task, *, attempts: int = 8) -> None:
        """A further job, before `run`."""
        self.jobs.add(name, task, attempts=attempts)

    def _attempted(self, outcome: str, seconds: float) -> None:
        self._services.metrics.webhook_attempts.labels(outcome).inc()
        self._services.metrics.webhook_seconds.observe(seconds)

    async def run(self) -> None:
        """Until asked to stop; what is under way then ends or is put back."""
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "consumers": self.consumers.run,
            "jobs": self.jobs.run,
            "webhooks": self.webhooks.run,
            "parcels": self.parcels.run,
            "notices": self.notices.run,
            "supplying": self.supplying.run,
            "holds": self.housekeeping.expire_holds,
            "figures": self.housekeeping.show_figures,
        }
        running = [asyncio.create_task(self._keep(name, part), name=f"worker-{name}") for name, part in parts.items()]
        log.info("the worker runs")
        try:
            await self._stopping.wait()
            stops = (self.consumers, self.jobs, self.webhooks, self.parcels, self.notices, self.supplying)
            ending = [part.stop() for part in stops]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*ending, return_exceptions=True), self._grace + 2)
        finally:
            await end(*running)
            log.info("the worker has stopped")

    def ask_to_stop(self) -> None:
        """`run` returns soon after."""
        self._stopping.set()

    async def _keep(self, name: str, part: Callable[[], Awaitable[None]]) -> None:
        """A part that ends by a bug must not take the others with it, nor stay away."""
        pause = _PAUSE
        while not self._stopping.is_set():
            begun = asyncio.get_running_loop().time()
            try:
                await part()
            except Exception:
                log.exception("a part of the worker broke and starts again", part=name, seconds=pause)
            if asyncio.get_running_loop().time() - begun > _LONGEST_PAUSE:
                pause = _PAUSE
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
