"""`comptoir demo`: sets the demo up, serves it, plays it, and stops all of it together."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from socket import socket

from comptoir.runtime import log
from comptoir.runtime.database import Database
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli import sockets, terminal
from comptoir.surfaces.cli.databases import Ready, opened, ready
from comptoir.surfaces.cli.supervisor import Plan as Process
from comptoir.surfaces.cli.supervisor import Supervisor
from comptoir.surfaces.demo import access, checking, loading, state
from comptoir.surfaces.demo.access import Login
from comptoir.surfaces.demo.checking import Verdict
from comptoir.surfaces.demo.plan import ABOUT, build

_READY = "ready"
"""The step after the last: a demo that has it needs no look at the plan before it is served."""
_GRACE = 12.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How the demo is to run. `speed` None leaves it as it was; 0 is as fast as it goes."""

    settings: Settings
    speed: float | None = None
    reset: bool = False
    """Empty the order book and begin the year anew."""
    play: bool = True


def run_demo(options: DemoOptions) -> None:
    """Until Ctrl-C. The first start takes about half a minute, later ones a few seconds: they keep their data, and go on.

    Raises Invalid for a speed that is none, DemoDataMissing without the packages of the extra `demo`, and what `ready` raises.
    """
    settings = options.settings
    log.setup(settings.log, "warning" if settings.log_level == "info" else settings.log_level)
    listening = sockets.listening(settings.host, settings.port)
    try:
        with ready(settings) as found:
            login = asyncio.run(_prepare(found, options))
            supervisor = Supervisor(
                _processes(settings, listening, play=options.play),
                _environment(found, settings, listening),
                found.server,
                when_ready=lambda: _announce(_address(settings, listening), login),
                grace=_GRACE,
            )
            supervisor.run()
    finally:
        sockets.close(listening)
    terminal.note("The demo has stopped. `comptoir demo` goes on where it was.")


def verify_demo(settings: Settings) -> Verdict:
    """Compares what has played so far with the data set; see `checking.verify`."""
    with ready(settings) as found:
        return asyncio.run(_verify(found))


async def _verify(found: Ready) -> Verdict:
    plan = build()
    async with opened(found) as database, database.transaction(snapshot=True) as tx:
        await tx.run("SET LOCAL statement_timeout = 0")
        return await checking.verify(tx, plan)


async def _prepare(found: Ready, options: DemoOptions) -> Login:
    async with opened(found) as database:
        await set_up(database)
        if options.speed is not None or options.reset:
            async with database.transaction() as tx:
                await state.control(tx, speed=options.speed, paused=False, reset=options.reset)
        return await access.ensure(database, found.settings.data)


async def set_up(database: Database) -> None:
    """Loads what is missing, with a bar where somebody looks."""
    async with database.read() as reader:
        if _READY in await state.steps(reader):
            return
    terminal.note(ABOUT)
    with terminal.progress("Setting up the demo") as tell:
        await loading.load(database, build(), tell)
    async with database.transaction() as tx:
        await state.step(tx, _READY, 1)


def _processes(settings: Settings, listening: Sequence[socket], *, play: bool) -> list[Process]:
    numbers = [one.fileno() for one in listening]
    child = [sys.executable, "-m", "comptoir.surfaces.cli.child"]
    web = [*child, "web", ",".join(map(str, numbers))]
    processes = [Process(f"web-{n}", web, numbers) for n in range(1, settings.web_processes + 1)]
    processes.append(Process("worker", [*child, "worker", ""]))
    if play:
        processes.append(Process("player", [sys.executable, "-m", "comptoir.surfaces.demo.playing"]))
    return processes


def _environment(found: Ready, settings: Settings, listening: Sequence[socket]) -> dict[str, str]:
    own = {
        "COMPTOIR_HOST": settings.host,
        "COMPTOIR_PORT": str(listening[0].getsockname()[1]),
        "COMPTOIR_LOG_LEVEL": "warning" if settings.log_level == "info" else settings.log_level,
        "COMPTOIR_PUBLIC_URL": _address(settings, listening),
        "PYTHONUNBUFFERED": "1",
    }
    return {**found.environment(), **own}


def _address(settings: Settings, listening: Sequence[socket]) -> str:
    if settings.port != 0:
        return settings.public_url
    return settings.public_url.removesuffix(":0") + f":{listening[0].getsockname()[1]}"


def _announce(address: str, login: Login) -> None:
    terminal.done(f"The demo is ready at {address}")
    terminal.say(f"  Sign in as  {login.email}")
    terminal.say(f"  Password    {login.password}")
    terminal.say(f"  API token   {login.token}")
    terminal.hint(f"Other roles, same password: {', '.join(login.others)}")
    terminal.hint("The speed is set on the Live page, or with --speed. Ctrl-C stops it; the next start goes on.")
