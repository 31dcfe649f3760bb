"""`comptoir serve`."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from socket import socket
from typing import Annotated

from cyclopts import Parameter

from comptoir.runtime import log
from comptoir.runtime.neighbours import Neighbours, meeting_place
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli import forking, sockets, terminal
from comptoir.surfaces.cli.child import run_web, run_worker
from comptoir.surfaces.cli.databases import Ready, ready
from comptoir.surfaces.cli.supervisor import Plan, Supervisor


def serve(
    *,
    host: Annotated[str | None, Parameter(help="The address to listen on. [COMPTOIR_HOST, default: 127.0.0.1]")] = None,
    port: Annotated[int | None, Parameter(help="The port; 0 takes a free one. [COMPTOIR_PORT, default: 8000]")] = None,
    processes: Annotated[int | None, Parameter(help="Web processes. [COMPTOIR_WEB_PROCESSES, default: 1]")] = None,
    worker: Annotated[bool, Parameter(help="Run a worker beside. [default: yes]")] = True,
) -> None:
    """Run the web server and the worker, until Ctrl-C.

    Without DATABASE_URL the embedded PostgreSQL is started, and migrated, in the data folder. With it, that database must be at
    this version already: see `comptoir migrate`. A process that dies is started again; the port stays open meanwhile. A second
    Ctrl-C stops at once: what was acknowledged is safe either way.

    For example:

        comptoir serve
        comptoir serve --host 0.0.0.0 --port 80 --processes 4
        DATABASE_URL=postgresql://comptoir@db/comptoir comptoir serve --no-worker
    """
    settings = Settings.load(environment(host, port, processes))
    serve_with(settings, worker=worker)


def serve_with(settings: Settings, *, worker: bool = True, when_ready: Callable[[str], None] | None = None) -> None:
    """Serves until it is told to stop. `when_ready` hears the address once everything answers."""
    log.setup(settings.log, settings.log_level)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    listening = sockets.listening(settings.host, settings.port)
    try:
        with ready(settings) as found:
            address = _address(settings, listening)
            forking.preload()
            with meeting_place() as folder:
                supervisor = Supervisor(
                    plans(roles(settings, listening, worker=worker), folder, _child_environment(found, settings, listening)),
                    found.server,
                    when_ready=lambda: (when_ready or _announce)(address),
                )
                supervisor.run()
    finally:
        sockets.close(listening)
    terminal.note("Comptoir has stopped.")


def environment(host: str | None, port: int | None, processes: int | None) -> Mapping[str, str]:
    """The environment with what the command line says instead."""
    said = {"COMPTOIR_HOST": host, "COMPTOIR_PORT": port, "COMPTOIR_WEB_PROCESSES": processes}
    return os.environ | {name: str(value) for name, value in said.items() if value is not None}


def _child_environment(found: Ready, settings: Settings, listening: Sequence[socket]) -> Mapping[str, str]:
    port = str(listening[0].getsockname()[1])
    own = {"COMPTOIR_HOST": settings.host, "COMPTOIR_PORT": port}
    if settings.port != 0:
        own["COMPTOIR_PUBLIC_URL"] = settings.public_url
    return {**found.environment(), **own}


@dataclass(frozen=True, slots=True)
class Role:
    """What a process does, given its name, its neighbours and its end of the socket pair; it gives its exit code."""

    run: Callable[[str, Neighbours, int], int]
    keep: Sequence[int] = ()
    """The descriptors that it needs."""


def roles(settings: Settings, listening: Sequence[socket], *, worker: bool) -> dict[str, Role]:
    """The web processes on these sockets, and the worker, by name."""
    numbers = [one.fileno() for one in listening]
    web = {f"web-{n}": Role(partial(run_web, numbers), numbers) for n in range(1, settings.web_processes + 1)}
    return web | {"worker": Role(run_worker)} if worker else web


def plans(roles: Mapping[str, Role], folder: Path, environment: Mapping[str, str]) -> list[Plan]:
    """Processes that are each other's neighbours, and meet in this folder."""
    neighbours = Neighbours(folder, list(roles))
    return [
        Plan(name, forking.forked(name, partial(role.run, name, neighbours), environment, role.keep))
        for name, role in roles.items()
    ]


def _address(settings: Settings, listening: Sequence[socket]) -> str:
    if settings.port != 0:
        return settings.public_url
    return settings.public_url.removesuffix(":0") + f":{listening[0].getsockname()[1]}"


def _announce(address: str) -> None:
    terminal.done(f"Comptoir is ready at {address}")
    terminal.hint("Ctrl-C stops it.")
