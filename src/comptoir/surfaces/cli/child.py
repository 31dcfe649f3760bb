"""What one process of `comptoir serve` does."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
import uvloop

from comptoir.kernel.errors import Fault, Refusal
from comptoir.runtime import log
from comptoir.runtime.metrics import Metrics
from comptoir.runtime.neighbours import Neighbours
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli.control import Parent as Control
from comptoir.surfaces.cli.exits import DATABASE_FAULTS, Exit


async def _web(settings: Settings, numbers: list[int], control: Control, metrics: Metrics) -> None:
    from comptoir.surfaces.cli.web import serve_sockets  # noqa: PLC0415 - the worker needs no web server

    await serve_sockets(settings, [socket.socket(fileno=number) for number in numbers], control, metrics)


async def _worker(settings: Settings, control: Control, metrics: Metrics) -> None:
    from comptoir.surfaces.cli.worker import work  # noqa: PLC0415 - as above

    await work(settings, control, metrics)


def run_web(numbers: list[int], name: str, neighbours: Neighbours, control: int) -> int:
    """A web process on sockets that have these numbers; gives its exit code."""
    return _run(name, control, lambda settings, end: _web(settings, numbers, end, Metrics(name, neighbours)))


def run_worker(name: str, neighbours: Neighbours, control: int) -> int:
    """A worker; gives its exit code."""
    return _run(name, control, lambda settings, end: _worker(settings, end, Metrics(name, neighbours)))


def _run(name: str, control: int, work: Callable[[Settings, Control], Coroutine[Any, Any, None]]) -> int:
    settings = Settings.load()
    log.setup(settings.log, settings.log_level)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it tells of every step
    try:
        with Control(control) as end:
            uvloop.run(work(settings, end))
    except Refusal as refusal:
        structlog.get_logger("comptoir").error("cannot run", process=name, pid=os.getpid(), problem=str(refusal))
        return Exit.REFUSED
    except Fault as fault:
        structlog.get_logger("comptoir").error("cannot run", process=name, pid=os.getpid(), problem=fault.detail)
        return Exit.DATABASE if fault.code in DATABASE_FAULTS else Exit.FAULT
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.OK
