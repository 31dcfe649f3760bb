"""`comptoir worker`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Annotated

import uvloop
from cyclopts import Parameter
from prometheus_client import start_http_server

from comptoir.app import consumers
from comptoir.runtime import log
from comptoir.runtime.metrics import Metrics
from comptoir.runtime.settings import Settings, authority
from comptoir.surfaces.cli import sockets, terminal
from comptoir.surfaces.cli.control import Control, Terminal
from comptoir.surfaces.cli.databases import ready
from comptoir.surfaces.jobs.worker import Worker
from comptoir.surfaces.services import open_services


def worker(
    *,
    metrics_host: Annotated[
        str | None, Parameter(help="The address for its figures. [COMPTOIR_METRICS_HOST, default: 127.0.0.1]")
    ] = None,
    metrics_port: Annotated[
        int | None, Parameter(help="The port for its figures; 0 takes a free one. [COMPTOIR_METRICS_PORT, default: none]")
    ] = None,
) -> None:
    """Run a worker by itself: jobs, consumers, webhooks, housekeeping.

    `comptoir serve` runs one already. Any number run side by side, on any number of machines that see the same data folder
    (uploaded files are in it). With a metrics port it shows its figures there, at /metrics; those of the worker that
    `comptoir serve` runs are at the web port.

    For example:

        comptoir serve --no-worker
        comptoir worker
        comptoir worker --metrics-port 9100
    """
    settings = Settings.load(_environment(metrics_host, metrics_port))
    log.setup(settings.log, settings.log_level)
    metrics = Metrics("worker")
    with _shown(metrics, settings), ready(settings) as found:
        control = Terminal("The worker is ready. Ctrl-C stops it.")
        uvloop.run(work(replace(settings, database_url=found.url), control, metrics))


async def work(settings: Settings, control: Control, metrics: Metrics) -> None:
    """Until the control says stop."""
    async with open_services(settings, application="comptoir-worker", metrics=metrics) as services:
        running = Worker(services, consumers(services))
        async with control.stopping(running.ask_to_stop):
            control.ready()
            await running.run()


def _environment(host: str | None, port: int | None) -> Mapping[str, str]:
    """The environment with what the command line says instead."""
    said = {"COMPTOIR_METRICS_HOST": host, "COMPTOIR_METRICS_PORT": port}
    return os.environ | {name: str(value) for name, value in said.items() if value is not None}


@contextlib.contextmanager
def _shown(metrics: Metrics, settings: Settings) -> Generator[None]:
    """Within it, the figures are shown where the settings say. Raises PortTaken."""
    host, port = settings.metrics_host, settings.metrics_port
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, host, metrics.shown)
    except OSError as problem:
        raise sockets.refusal(problem, host, port, prefix="metrics-") from problem
    terminal.note(f"The figures are at http://{authority(host, server.server_port)}/metrics")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
