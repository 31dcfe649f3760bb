"""The processes of one supervisor, which tell one another their figures: whichever is scraped shows those of all.

Each listens on a Unix socket that has its name, in a folder that nobody but our account may enter. Who connects is told, and
hung up on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import structlog

log = structlog.get_logger("comptoir.neighbours")

_PATIENCE = 1.0
"""Seconds that one may take to answer."""
_END = b"# EOF\n"
"""Told last, as in OpenMetrics: who died while telling is not believed."""
_MAX_FOLDER = 60
"""Bytes: the path of a socket may have 103 on macOS, and 107 on Linux."""


@contextlib.contextmanager
def meeting_place() -> Generator[Path]:
    """A private folder for their sockets; gone at the end, with all that is in it."""
    short = len(os.fsencode(tempfile.gettempdir())) <= _MAX_FOLDER
    with tempfile.TemporaryDirectory(prefix="comptoir-", dir=None if short else "/tmp") as folder:  # noqa: S108 - with a name of its own
        yield Path(folder)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """All of them by name. There are none for a process that runs alone."""

    folder: Path = Path()
    names: Sequence[str] = ()

    @contextlib.asynccontextmanager
    async def telling(self, process: str, figures: Callable[[], bytes]) -> AsyncGenerator[None]:
        """Within it, the others hear the figures of this process.

        Where that cannot be, a warning is all that comes of it: nobody stops selling for want of figures.
        """
        if process not in self.names:
            yield
            return
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)  # the last one took it away
            # The loop takes away the socket of a predecessor that was killed.
            server = await asyncio.get_running_loop().create_unix_server(lambda: _Teller(figures), self._path(process))
        except OSError as problem:
            log.warning("the figures of this process are only shown by itself", process=process, problem=str(problem))
            yield
            return
        try:
            yield
        finally:
            server.close()
            with contextlib.suppress(OSError):  # the last one tidies up: the supervisor may have been killed
                (self.folder / process).unlink()
                self.folder.rmdir()

    async def ask(self, process: str) -> dict[str, bytes | None]:
        """What the others than this process tell; None for those who do not answer within a second."""
        others = [name for name in self.names if name != process]
        return dict(zip(others, await asyncio.gather(*map(self._asked, others)), strict=True))

    async def _asked(self, name: str) -> bytes | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                reader, writer = await asyncio.open_unix_connection(self._path(name))
                with contextlib.closing(writer):
                    told = await reader.read()
        except OSError:  # also when it takes too long
            return None
        return told if told.endswith(_END) else None

    def _path(self, name: str) -> str:
        return str(self.folder / name)


class _Teller(asyncio.Protocol):
    """Says everything at once to whoever connects."""

    def __init__(self, figures: Callable[[], bytes]) -> None:
        self._figures = figures

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        to = cast("asyncio.WriteTransport", transport)  # uvloop's transports are of no class of asyncio's
        with contextlib.closing(to):
            to.write(self._figures() + _END)
