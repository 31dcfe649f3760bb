from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from comptoir.kernel.errors import Remedy
from comptoir.runtime.embedded import EmbeddedPostgres
from comptoir.runtime.preflight import DatabaseNotReady, ServerFacts, check_server, shortcomings

FIT = ServerFacts(
    version=180006, encoding="UTF8", may_create=True, read_only=False, missing_extensions=(), forbidden_extensions=()
)

PREPARE = (
    "CREATE ROLE clerk LOGIN PASSWORD 'right'",
    "CREATE ROLE owner LOGIN PASSWORD 'right'",
    "CREATE DATABASE owned OWNER owner",
    "CREATE DATABASE old TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' OWNER owner",
    "CREATE DATABASE standby OWNER owner",
    "ALTER DATABASE standby SET default_transaction_read_only = on",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server of its own, since it asks for passwords."""
    settings = {"shared_buffers": "16MB"}
    with EmbeddedPostgres(tmp_path_factory.mktemp("strict"), durable=False, settings=settings) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            for order in PREPARE:
                connection.execute(order.encode())
        (server.directory / "pg_hba.conf").write_text("local all comptoir trust\nlocal all clerk,owner scram-sha-256\n")
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
        yield server


def url_of(server: EmbeddedPostgres, role: str, password: str, database: str) -> str:
    return f"postgresql://{role}:{password}@/{database}?{urlsplit(server.url()).query}"


async def fault_of(url: str) -> DatabaseNotReady:
    with pytest.raises(DatabaseNotReady) as fault:
        await check_server(url)
    return fault.value


async def test_the_embedded_server_is_fit(postgres: EmbeddedPostgres) -> None:
    await check_server(postgres.url())


async def test_the_owner_of_a_database_need_not_be_superuser(server: EmbeddedPostgres) -> None:
    await check_server(url_of(server, "owner", "right", "owned"))


async def test_a_wrong_password_is_said_to_be_one_and_is_not_repeated(server: EmbeddedPostgres) -> None:
    fault = await fault_of(url_of(server, "clerk", "hunter2", "owned"))
    assert fault.data["kind"] == "password"
    assert fault.remedy is Remedy.MERCHANT
    assert "The password for clerk is wrong or missing." in fault.detail
    assert "hunter2" not in fault.detail


async def test_a_database_that_does_not_exist_is_named(server: EmbeddedPostgres) -> None:
    fault = await fault_of(url_of(server, "owner", "right", "nowhere"))
    assert fault.data["kind"] == "no_database"
    assert "no database nowhere" in fault.detail


async def test_a_role_that_may_not_come_in_is_told_so(server: EmbeddedPostgres) -> None:
    fault = await fault_of(url_of(server, "stranger", "x", "owned"))
    assert fault.data["kind"] == "not_allowed"


async def test_a_role_that_does_not_exist_is_named(postgres_url: str) -> None:
    fault = await fault_of(postgres_url.replace("comptoir@", "stranger@"))
    assert fault.data["kind"] == "no_role"
    assert "no role stranger" in fault.detail


async def test_a_port_where_nobody_listens_is_no_server() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, so that nobody else takes it, and not listening
        fault = await fault_of(f"postgresql://clerk@127.0.0.1:{held.getsockname()[1]}/owned")
    assert fault.data["kind"] == "no_server"
    assert "No PostgreSQL answers at 127.0.0.1" in fault.detail


async def test_a_socket_that_is_not_there_is_no_server(tmp_path: Path) -> None:
    fault = await fault_of(f"postgresql://clerk@/owned?host={tmp_path}")
    assert fault.data["kind"] == "no_server"


async def test_an_address_that_is_none_is_refused_without_repeating_it() -> None:
    fault = await fault_of("postgresql://clerk:hunter2@[::1/owned")
    assert fault.data["kind"] == "address"
    assert "hunter2" not in fault.detail


async def test_a_role_without_rights_is_told_all_that_it_lacks(server: EmbeddedPostgres) -> None:
    fault = await fault_of(url_of(server, "clerk", "right", "owned"))
    assert fault.data["kind"] == "rights"
    assert fault.data["reasons"] == [
        "This role may not create schemas: GRANT CREATE ON DATABASE to it, or make it the owner.",
        "This role may not install the extensions btree_gist, pg_trgm, unaccent: have an administrator create them.",
    ]


async def test_extensions_that_are_installed_already_need_no_rights(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE prepared")
    with psycopg.connect(server.url("prepared"), autocommit=True) as connection:
        connection.execute("GRANT CREATE ON DATABASE prepared TO clerk")
        for name in ("pg_trgm", "unaccent", "btree_gist"):
            connection.execute(f"CREATE EXTENSION {name}".encode())
    await check_server(url_of(server, "clerk", "right", "prepared"))


async def test_a_database_in_another_encoding_is_refused(server: EmbeddedPostgres) -> None:
    fault = await fault_of(url_of(server, "owner", "right", "old"))
    assert fault.data["kind"] == "encoding"
    assert "SQL_ASCII" in fault.detail


async def test_a_server_that_only_lets_read_is_refused(server: EmbeddedPostgres) -> None:
    assert (await fault_of(url_of(server, "owner", "right", "standby"))).data["kind"] == "read_only"


def test_a_server_that_is_too_old_is_told_its_version() -> None:
    wrong = shortcomings(dataclasses.replace(FIT, version=170004))
    assert wrong == {"version": "The server is PostgreSQL 17.4; Comptoir needs 18 or newer: upgrade it."}


def test_extensions_that_the_server_lacks_are_named() -> None:
    wrong = shortcomings(dataclasses.replace(FIT, missing_extensions=["pg_trgm", "unaccent"]))
    assert wrong == {
        "extensions_missing": "The server lacks the extensions pg_trgm, unaccent: install PostgreSQL's contrib package there."
    }


def test_nothing_is_wrong_with_a_newer_server() -> None:
    assert shortcomings(dataclasses.replace(FIT, version=190000)) == {}
