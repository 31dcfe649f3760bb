"""Which tables there are, and whether a database has them."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from comptoir.kernel.errors import Fault, Remedy
from comptoir.modules.carriers import tables as carriers
from comptoir.modules.catalogue import tables as catalogue
from comptoir.modules.changes import tables as changes
from comptoir.modules.channels import tables as channels
from comptoir.modules.customers import tables as customers
from comptoir.modules.fulfilment import tables as fulfilment
from comptoir.modules.imports import tables as imports
from comptoir.modules.inventory import tables as inventory
from comptoir.modules.invoicing import tables as invoicing
from comptoir.modules.locations import tables as locations
from comptoir.modules.lots import tables as lots
from comptoir.modules.notices import tables as notices
from comptoir.modules.orders import tables as orders
from comptoir.modules.packing import tables as packing
from comptoir.modules.payments import tables as payments
from comptoir.modules.pricing import tables as pricing
from comptoir.modules.purchasing import tables as purchasing
from comptoir.modules.routing import tables as routing
from comptoir.modules.staff import tables as staff
from comptoir.modules.substitution import tables as substitution
from comptoir.modules.tracking import tables as tracking
from comptoir.modules.webhooks import tables as webhooks
from comptoir.runtime import tables as runtime
from comptoir.surfaces.demo import tables as demo

METADATAS = [
    module.metadata
    for module in (
        runtime,
        locations,
        carriers,
        catalogue,
        customers,
        pricing,
        inventory,
        packing,
        payments,
        routing,
        orders,
        fulfilment,
        changes,
        channels,
        staff,
        webhooks,
        tracking,
        notices,
        purchasing,
        substitution,
        lots,
        invoicing,
        imports,
        demo,
    )
]
SCHEMAS = frozenset(str(metadata.schema) for metadata in METADATAS)

_ADVISORY_LOCK = 7_236_501


class MigrationsBehind(Fault):
    """The database was made by another version of Comptoir."""

    code = "migrations_behind"


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = sqlalchemy_url(url)
    return config


def sqlalchemy_url(url: str) -> str:
    """The same database for SQLAlchemy, with psycopg 3."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1).replace("postgres://", "postgresql+psycopg://", 1)


def head() -> str:
    """The newest version that this code knows."""
    newest = ScriptDirectory.from_config(_config("")).get_current_head()
    assert newest is not None
    return newest


def current(url: str) -> str | None:
    """The version of that database, None for an empty one."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()
        if found is None or found[0] is None:
            return None
        row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
        return None if row is None else str(row[0])


def migrate(url: str) -> tuple[str | None, str]:
    """Brings the database to the newest version, once, however many try at the same time; gives (before, after)."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_ADVISORY_LOCK,))
        before = current(url)
        if before != head():
            command.upgrade(_config(url), "head")
        return before, head()


def check(url: str) -> None:
    """Raises `MigrationsBehind` when the database is not at the version that this code needs."""
    found = current(url)
    if found != head():
        raise MigrationsBehind(
            f"the database is at version {found or 'none'}, this program needs {head()}: run `comptoir migrate`",
            remedy=Remedy.MERCHANT,
            found=found,
            needed=head(),
        )


def differences(url: str) -> None:
    """Raises when the tables in code and those in the migrations differ (for tests)."""
    command.check(_config(url))


def revision(url: str, message: str) -> None:
    """Writes a new version from the difference between code and database (for developers)."""
    command.revision(_config(url), message=message, autogenerate=True)
