"""One process of `comptoir serve`: `python -m comptoir.surfaces.cli.child ROLE SOCKETS CONTROL`."""

from __future__ import annotations

import logging
import os
import socket
import sys

import structlog
import uvloop

from comptoir.kernel.errors import Fault, Refusal
from comptoir.runtime import log
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli.control import Parent as Control
from comptoir.surfaces.cli.exits import DATABASE_FAULTS, Exit


async def _web(settings: Settings, numbers: list[int], control: Control) -> None:
    from comptoir.surfaces.cli.web import serve_sockets  # noqa: PLC0415 - the worker needs no web server

    await serve_sockets(settings, [socket.socket(fileno=number) for number in numbers], control)


async def _worker(settings: Settings, control: Control) -> None:
    from comptoir.surfaces.cli.worker import work  # noqa: PLC0415 - as above

    await work(settings, control)


def main() -> int:
    role, sockets, control = sys.argv[1:4]
    settings = Settings.load()
    log.setup(settings.log, settings.log_level)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it tells of every step
    numbers = [int(number) for number in sockets.split(",") if number]
    try:
        with Control(int(control)) as end:
            uvloop.run(_web(settings, numbers, end) if role == "web" else _worker(settings, end))
    except Refusal as refusal:
        structlog.get_logger("comptoir").error("cannot run", process=role, pid=os.getpid(), problem=str(refusal))
        return Exit.REFUSED
    except Fault as fault:
        structlog.get_logger("comptoir").error("cannot run", process=role, pid=os.getpid(), problem=fault.detail)
        return Exit.DATABASE if fault.code in DATABASE_FAULTS else Exit.FAULT
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())
