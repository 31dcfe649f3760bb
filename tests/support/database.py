"""Databases for tests: one migrated template for the run, and a clone of it for each test that asks."""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from comptoir.migrations import schema
from comptoir.runtime.database import Database
from comptoir.runtime.embedded import EmbeddedPostgres

TEMPLATE = "comptoir_template"
_serial = itertools.count()


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres, run_folder: Path) -> str:
    """The name of a database with all migrations and no rows."""
    with (run_folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone()
            if found is None:
                connection.execute(f"CREATE DATABASE {TEMPLATE}_new".encode())
                schema.migrate(postgres.url(f"{TEMPLATE}_new"))
                connection.execute(f"ALTER DATABASE {TEMPLATE}_new RENAME TO {TEMPLATE}".encode())
    return TEMPLATE


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """A fresh, migrated, empty database; gone after the test."""
    name = f"t_{os.getpid()}_{next(_serial)}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
        yield postgres.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open pool on a fresh database."""
    async with Database(database_url) as opened:
        yield opened
