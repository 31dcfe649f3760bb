"""`comptoir migrate`."""

from __future__ import annotations

from typing import Annotated

from alembic.util.exc import CommandError
from cyclopts import Parameter

from comptoir.kernel.errors import Remedy
from comptoir.migrations import schema
from comptoir.runtime.database import database_faults
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli import terminal
from comptoir.surfaces.cli.databases import reachable
from comptoir.surfaces.cli.exits import Exit, Stopped


def migrate(
    *, check: Annotated[bool, Parameter(negative="", help="Change nothing; exit code 1 when there is something to do.")] = False
) -> None:
    """Bring the database to the version of this program.

    The embedded database is brought there by every command that uses it. Another one is changed only by this command: run it
    once after installing a new version, with a role that may create tables. Several at once do it once.

    For example:

          comptoir migrate
          DATABASE_URL=postgresql://comptoir@db/comptoir comptoir migrate --check
    """
    with reachable(Settings.load()) as found, database_faults():
        if check:
            now, needed = schema.current(found.url), schema.head()
            if now == needed:
                terminal.done(f"The database is at version {now}, as this program needs it.")
                return
            terminal.warn(f"The database is at version {now or 'none'}, this program needs {needed}: run `comptoir migrate`.")
            raise Stopped(Exit.REFUSED)
        try:
            with terminal.working("Bringing the database to the newest version"):
                before, after = schema.migrate(found.url)
        except CommandError as problem:
            raise schema.MigrationsBehind(
                f"The database is at version {schema.current(found.url)}, which this program does not know: it was made by a "
                "newer Comptoir. Install that one. Nothing was changed.",
                remedy=Remedy.MERCHANT,
            ) from problem
    if before == after:
        terminal.done(f"The database was at version {after} already.")
    else:
        terminal.done(f"The database went from version {before or 'none (it was empty)'} to {after}.")
