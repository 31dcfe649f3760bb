"""The player's process, started and kept running by `comptoir demo`."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence

import structlog
import uvloop

from comptoir.kernel.errors import Fault
from comptoir.runtime import log
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.runtime.metrics import Metrics
from comptoir.runtime.neighbours import Neighbours
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli.control import Control, Parent
from comptoir.surfaces.cli.exits import Exit
from comptoir.surfaces.demo import loading
from comptoir.surfaces.demo.crew import Crew
from comptoir.surfaces.demo.furnishing import lively
from comptoir.surfaces.demo.plan import build
from comptoir.surfaces.demo.planning import Planner
from comptoir.surfaces.demo.player import Player
from comptoir.surfaces.demo.road import Road
from comptoir.surfaces.demo.service import CustomerService
from comptoir.surfaces.demo.shelves import Shelves
from comptoir.surfaces.demo.shift import Shift
from comptoir.surfaces.demo.supply import Suppliers
from comptoir.surfaces.demo.visitors import Visitors


def leave_alone() -> None:
    """Keeps the collector of cycles away from what stays as long as the process, the plan above all, and makes it look at the
    rest less often: batches make many small things at once, and no cycles. That is a third of the player's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)


def _people(database: Database, keyring: Keyring, stores: Sequence[str]) -> list[Shift]:
    return [
        Crew(database, keyring, stores),
        Visitors(database, keyring, stores),
        Road(database, keyring, stores),
        CustomerService(database),
        Suppliers(database),
        Planner(database),
        Shelves(database),
    ]


def _told(task: asyncio.Task[None]) -> None:
    """The year goes on without somebody who breaks; that they did is told at once."""
    if not task.cancelled() and (problem := task.exception()) is not None:
        structlog.get_logger("comptoir.demo").error("a part of the demo's people broke", part=task.get_name(), exc_info=problem)


async def play(url: str, keyring: Keyring, control: Control, metrics: Metrics) -> None:
    """Follows the viewer's wishes until the control says stop."""
    async with metrics.told(), Database(url, max_connections=8, application="comptoir-demo") as database:
        metrics.watch_pool("main", database.stats)
        plan = build()
        await loading.load(database, plan)
        player = Player(database, plan)
        leave_alone()
        people = _people(database, keyring, lively(plan))

        def stop() -> None:
            player.stop()
            for one in people:
                one.stop()

        async with control.stopping(stop):
            control.ready()
            working = [asyncio.create_task(one.run(), name=f"demo-{type(one).__name__.lower()}") for one in people]
            for task in working:
                task.add_done_callback(_told)
            try:
                await player.run()
            finally:
                for one in people:
                    one.stop()
                await asyncio.gather(*working)


def run_player(name: str, neighbours: Neighbours, control: int) -> int:
    """The player's process; gives its exit code."""
    settings = Settings.load()
    log.setup(settings.log, settings.log_level)
    assert settings.database_url is not None, "whoever starts this process says which database it is"
    try:
        with Parent(control) as end:
            uvloop.run(play(settings.database_url, Keyring(settings.secret_key), end, Metrics(name, neighbours)))
    except Fault as fault:
        structlog.get_logger("comptoir.demo").error("the demo cannot be played", problem=fault.detail)
        return Exit.FAULT
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.OK
