"""A database in which the demo is set up, to be cloned for every test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
import pytest_asyncio

from comptoir.runtime.database import Database
from comptoir.runtime.embedded import EmbeddedPostgres
from comptoir.surfaces.demo.plan import Plan, build
from support.replay import load, small


@pytest.fixture(scope="session")
def plan() -> Plan:
    """The year with only the stock and the products of its first baskets."""
    return small(build())


@pytest.fixture(scope="session")
def loaded(postgres: EmbeddedPostgres, template: str, plan: Plan, worker_id: str) -> Iterator[str]:
    """The name of a database that is set up, to be cloned."""
    name = f"demo_{worker_id}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
        asyncio.run(load(postgres.url(name), plan))
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def url(postgres: EmbeddedPostgres, loaded: str) -> Iterator[str]:
    name = f"{loaded}_play"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {loaded} STRATEGY FILE_COPY".encode())
        yield postgres.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest_asyncio.fixture
async def shop(url: str) -> AsyncIterator[Database]:
    async with Database(url) as opened:
        yield opened
