"""Each way in which a database cannot be used is told in its own words, with exit code 3."""

from __future__ import annotations

import json
from urllib.parse import quote

import psycopg
import pytest

from cli.conftest import Command
from comptoir.runtime import preflight
from comptoir.runtime.embedded import EmbeddedPostgres
from comptoir.runtime.preflight import ServerFacts


def test_no_server(comptoir: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://comptoir@127.0.0.1:1/comptoir")
    for line in ("migrate", "user list", "serve --port 0", "worker"):
        ended = comptoir(*line.split())
        assert (ended.code, ended.out) == (3, "")
        assert "No PostgreSQL answers at 127.0.0.1" in ended.err


def test_no_such_database(comptoir: Command, monkeypatch: pytest.MonkeyPatch, postgres: EmbeddedPostgres) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.url("nowhere"))
    ended = comptoir("user", "list")
    assert ended.code == 3
    assert "The server has no database nowhere: create it" in ended.err


def test_another_version_of_postgresql(comptoir: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def old(facts: ServerFacts) -> dict[str, str]:
        return judge(ServerFacts(160_004, facts.encoding, facts.may_create, facts.read_only, (), ()))

    judge = preflight.shortcomings
    monkeypatch.setattr(preflight, "shortcomings", old)
    ended = comptoir("migrate")
    assert ended.code == 3
    assert "The server is PostgreSQL 16.4; Comptoir needs 18 or newer: upgrade it." in ended.err


def test_missing_rights(comptoir: Command, monkeypatch: pytest.MonkeyPatch, postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS foreign_house")
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN")
        connection.execute("CREATE DATABASE foreign_house")
        connection.execute("REVOKE CREATE ON DATABASE foreign_house FROM guest, PUBLIC")
        try:
            monkeypatch.setenv("DATABASE_URL", postgres.url("foreign_house").replace("//comptoir@", "//guest@"))
            ended = comptoir("migrate")
        finally:
            connection.execute("DROP DATABASE foreign_house WITH (FORCE)")
            connection.execute("DROP ROLE guest")
    assert ended.code == 3
    assert "GRANT CREATE ON DATABASE" in ended.err


def test_migrations_behind(comptoir: Command, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP TABLE public.alembic_version")
    for line in ("user list", "serve --port 0", "worker"):
        ended = comptoir(*line.split())
        assert (ended.code, ended.out) == (3, "")
        assert "run `comptoir migrate`" in ended.err


def test_the_doctor_cannot_tell_without_a_server_and_says_so(comptoir: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://comptoir@/comptoir?host={quote('/nowhere', safe='')}")
    ended = comptoir("doctor", "--json")
    assert ended.code == 2
    told = json.loads(ended.out)
    assert (told["clean"], told["checks"][0]["state"]) == (False, "unknown")
