"""The player's process, started and kept running by `comptoir demo`."""

from __future__ import annotations

import asyncio
import gc

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
from comptoir.surfaces.demo.plan import build
from comptoir.surfaces.demo.player import Player
from comptoir.surfaces.demo.road import Road


def leave_alone() -> None:
    """Keeps the collector of cycles away from what stays as long as the process, the plan above all, and makes it look at the
    rest less often: batches make many small things at once, and no cycles. That is a third of the player's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)


async def play(url: str, keyring: Keyring, control: Control, metrics: Metrics) -> None:
    """Follows the viewer's wishes until the control says stop."""
    async with metrics.told(), Database(url, max_connections=8, application="comptoir-demo") as database:
        metrics.watch_pool("main", database.stats)
        plan = build()
        await loading.load(database, plan)
        player = Player(database, plan)
        leave_alone()
        crew, road = Crew(database), Road(database, keyring)

        def stop() -> None:
            player.stop()
            crew.stop()
            road.stop()

        async with control.stopping(stop):
            control.ready()
            working = [
                asyncio.create_task(crew.run(), name="demo-crew"),
                asyncio.create_task(road.run(), name="demo-road"),
            ]
            try:
                await player.run()
            finally:
                crew.stop()
                road.stop()
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
