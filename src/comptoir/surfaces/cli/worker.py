"""`comptoir worker`."""

from __future__ import annotations

from dataclasses import replace

import uvloop

from comptoir.app import consumers
from comptoir.runtime import log
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli.control import Control, Terminal
from comptoir.surfaces.cli.databases import ready
from comptoir.surfaces.jobs.worker import Worker
from comptoir.surfaces.services import open_services


def worker() -> None:
    """Run a worker by itself: jobs, consumers, webhooks, housekeeping.

    `comptoir serve` runs one already. Any number run side by side, on any number of machines that see the same data folder
    (uploaded files are in it).

    For example:

        comptoir serve --no-worker
        comptoir worker
    """
    settings = Settings.load()
    log.setup(settings.log, settings.log_level)
    with ready(settings) as found:
        uvloop.run(work(replace(settings, database_url=found.url), Terminal("The worker is ready. Ctrl-C stops it.")))


async def work(settings: Settings, control: Control) -> None:
    """Until the control says stop."""
    async with open_services(settings, application="comptoir-worker") as services:
        running = Worker(services, consumers(services))
        async with control.stopping(running.ask_to_stop):
            control.ready()
            await running.run()
