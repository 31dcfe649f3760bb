"""How a process is told to stop, and says that it is ready."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncGenerator, Callable
from typing import Protocol, Self

from comptoir.surfaces.cli import terminal
from comptoir.surfaces.cli.supervisor import READY


class Control(Protocol):
    """Whoever runs a process: a parent, or somebody at a terminal."""

    def ready(self) -> None:
        """The process works now."""
        ...

    def stopping(self, stop: Callable[[], None]) -> contextlib.AbstractAsyncContextManager[None]:
        """Within it, `stop` is called when the process is to end."""
        ...


class Parent:
    """The child's end of the supervisor's socket pair; closed at the end of its block."""

    def __init__(self, number: int) -> None:
        self._socket = socket.socket(fileno=number)
        self._socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ready(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.send(READY)

    @contextlib.asynccontextmanager
    async def stopping(self, stop: Callable[[], None]) -> AsyncGenerator[None]:
        """Stops on a signal, and when the parent is gone."""
        loop = asyncio.get_running_loop()

        def closed() -> None:
            loop.remove_reader(self._socket)
            stop()

        loop.add_reader(self._socket, closed)
        _on_signals(stop)
        try:
            yield
        finally:
            loop.remove_reader(self._socket)


class Terminal:
    """Somebody who started this process by itself."""

    def __init__(self, welcome: str) -> None:
        self._welcome = welcome

    def ready(self) -> None:
        terminal.note(self._welcome)

    @contextlib.asynccontextmanager
    async def stopping(self, stop: Callable[[], None]) -> AsyncGenerator[None]:
        """Stops on a signal."""
        _on_signals(stop)
        yield


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
