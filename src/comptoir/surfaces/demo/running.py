"""`comptoir demo`: sets the demo up, serves it, plays it, and stops all of it together."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from socket import socket

from comptoir.runtime import log
from comptoir.runtime.database import Database
from comptoir.runtime.neighbours import Neighbours, meeting_place
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli import forking, sockets, terminal
from comptoir.surfaces.cli.databases import Ready, opened, ready
from comptoir.surfaces.cli.exits import Exit, Stopped
from comptoir.surfaces.cli.serve import Role, plans, roles
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
            forking.preload()
            with meeting_place() as folder:
                supervisor = Supervisor(
                    plans(_roles(settings, listening, play=options.play), folder, _environment(found, settings, listening)),
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
        if not await is_set_up(database):
            terminal.note(ABOUT)
            await asyncio.to_thread(_set_up_apart, found)
        if options.speed is not None or options.reset:
            async with database.transaction() as tx:
                await state.control(tx, speed=options.speed, paused=False, reset=options.reset)
        return await access.ensure(database, found.settings.data)


async def is_set_up(database: Database) -> bool:
    async with database.read() as reader:
        return _READY in await state.steps(reader)


async def set_up(database: Database) -> None:
    """Loads what is missing, with a bar where somebody looks."""
    if await is_set_up(database):
        return
    with terminal.progress("Setting up the demo") as tell:
        await loading.load(database, build(), tell)
    async with database.transaction() as tx:
        await state.step(tx, _READY, 1)


def _set_up_apart(found: Ready) -> None:
    """In a process of its own: the plan of a year takes memory that ours would keep until the end."""
    command = [sys.executable, "-m", "comptoir.surfaces.demo.setting_up"]
    code = subprocess.run(command, env=dict(found.environment()), check=False).returncode  # noqa: S603 - our own program
    if code:
        raise Stopped(Exit(code) if code in set(Exit) else Exit.INTERRUPTED)


def _roles(settings: Settings, listening: Sequence[socket], *, play: bool) -> dict[str, Role]:
    found = roles(settings, listening, worker=True)
    return found | {"player": Role(_play)} if play else found


def _play(name: str, neighbours: Neighbours, control: int) -> int:
    from comptoir.surfaces.demo.playing import run_player  # noqa: PLC0415 - nobody but the player needs what it loads

    return run_player(name, neighbours, control)


def _environment(found: Ready, settings: Settings, listening: Sequence[socket]) -> dict[str, str]:
    own = {
        "COMPTOIR_HOST": settings.host,
        "COMPTOIR_PORT": str(listening[0].getsockname()[1]),
        "COMPTOIR_LOG_LEVEL": "warning" if settings.log_level == "info" else settings.log_level,
        "COMPTOIR_PUBLIC_URL": _address(settings, listening),
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
