"""One PostgreSQL server for a whole run: the first worker that asks starts it, the others attach, the last one stops it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from comptoir.runtime.embedded import EmbeddedPostgres
from support import thrift

pytest_plugins = ["support.database"]

RUN_FOLDER = "COMPTOIR_TEST_FOLDER"
settings.register_profile("comptoir", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("comptoir")


MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that have to be free there."""


def _new_folder() -> str:
    """In memory where there is room: a database for each test is a thousand small files, made and removed again."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return tempfile.mkdtemp(prefix="comptoir-tests-", dir=MEMORY if roomy else None)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # workers of pytest-xdist inherit the environment
        os.environ[RUN_FOLDER] = _new_folder()


def pytest_collection_finish() -> None:
    thrift.collect_seldom()
    thrift.read_signatures_once()
    thrift.add_routes_quickly()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop(RUN_FOLDER))
        EmbeddedPostgres(folder).kill()  # only still there when a worker crashed
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """A folder that all workers of this run share, and that goes with it."""
    return Path(os.environ[RUN_FOLDER])


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[EmbeddedPostgres]:
    """The server that all workers share. It loses its data in a power cut, which nobody here minds."""
    with EmbeddedPostgres(run_folder, durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: EmbeddedPostgres) -> str:
    """The maintenance database of the shared server, as superuser: where databases are created and dropped."""
    return postgres.url("postgres")
