"""One web process: uvicorn on sockets that the parent has bound."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Generator

import uvicorn

from comptoir.app import create_app, settled
from comptoir.runtime.metrics import Metrics
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli.connections import Connection
from comptoir.surfaces.cli.control import Control
from comptoir.surfaces.services import open_services

GRACE = 4
"""Seconds that requests under way may take when we stop."""
_CONNECTIONS = 2000
"""More at once are told 503: better than to let all of them wait."""
_TRUSTED = "COMPTOIR_TRUSTED_PROXIES"
"""Addresses of proxies whose X-Forwarded-For and -Proto are believed, with commas between; none unless it is set."""


class _Server(uvicorn.Server):
    """Leaves signals to us, and says when it accepts."""

    def __init__(self, config: uvicorn.Config, control: Control) -> None:
        super().__init__(config)
        self._control = control

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._control.ready()

    def ask_to_stop(self) -> None:
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True


async def serve_sockets(settings: Settings, sockets: list[socket.socket], control: Control, metrics: Metrics) -> None:
    """Until the control says stop: requests under way are answered, then everything is closed."""
    proxies = os.environ.get(_TRUSTED, "").strip()
    async with open_services(settings, metrics=metrics) as services:
        config = uvicorn.Config(
            create_app(services, settled),
            loop="none",
            http=Connection,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies or None,
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE,
        )
        server = _Server(config, control)
        async with control.stopping(server.ask_to_stop):
            await server.serve(sockets=sockets)
