"""The database of a command: the embedded server or the one of DATABASE_URL, fit for use, or a clear word why not."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Generator, Mapping
from dataclasses import dataclass

from comptoir.kernel.ids import ActorId
from comptoir.migrations import schema
from comptoir.runtime.database import Context, Database, database_faults
from comptoir.runtime.embedded import EmbeddedPostgres
from comptoir.runtime.preflight import check_server
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli import terminal

OPERATOR = Context(ActorId("system"))
"""Whoever may run commands on this machine may everything."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A database that can be used."""

    settings: Settings
    url: str
    server: EmbeddedPostgres | None
    """When it is ours to start and stop."""

    def environment(self) -> Mapping[str, str]:
        """The environment of our processes that are to use it too."""
        return os.environ | {"DATABASE_URL": self.url, "COMPTOIR_DATA": str(self.settings.data)}


@contextlib.contextmanager
def reachable(settings: Settings) -> Generator[Ready]:
    """A server that answers and suits; its tables may be of any version. Raises DatabaseNotReady and PostgresNotStarted."""
    if settings.database_url is not None:
        asyncio.run(check_server(settings.database_url))
        yield Ready(settings, settings.database_url, None)
        return
    server = EmbeddedPostgres(settings.data)
    if not server.running():
        with terminal.working("Starting the database"):
            server.start()
    else:
        server.start()
    try:
        yield Ready(settings, server.url(), server)
    finally:
        server.stop()


@contextlib.contextmanager
def ready(settings: Settings) -> Generator[Ready]:
    """A database with the tables of this version. Ours is brought there; anybody else's raises MigrationsBehind."""
    with reachable(settings) as found:
        with database_faults():
            if found.server is None:
                schema.check(found.url)
            elif schema.current(found.url) != schema.head():
                with terminal.working("Preparing the database"):
                    schema.migrate(found.url)
        yield found


@contextlib.asynccontextmanager
async def opened(found: Ready) -> AsyncGenerator[Database]:
    """A small pool on it, for a command."""
    async with Database(found.url, max_connections=4, application="comptoir-cli") as database:
        yield database
