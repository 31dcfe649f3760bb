"""`comptoir user`, `comptoir token` and `comptoir migrate`."""

from __future__ import annotations

import io
import re

import psycopg
import pytest

from cli.conftest import Command


def test_somebody_is_added_listed_changed_and_shut_out(comptoir: Command) -> None:
    added = comptoir("user", "add", "marie@example.com", "--name", "Marie", "--role", "owner")
    assert added.code == 0
    assert re.search(r"Password, shown this once: \S{12,}", added.out)
    assert comptoir("user", "add", "bob@example.com").code == 0
    assert comptoir("user", "role", "bob@example.com", "analyst").code == 0
    assert comptoir("user", "deactivate", "bob@example.com").code == 0
    lines = [line.split("\t")[:4] for line in comptoir("user", "list").out.splitlines()]
    assert lines == [
        ["e-mail", "name", "role", "active"],
        ["bob@example.com", "bob", "analyst", "no"],
        ["marie@example.com", "Marie", "owner", "yes"],
    ]
    assert comptoir("user", "deactivate", "bob@example.com", "--undo").code == 0
    assert "\tyes\t" in comptoir("user", "list", "--role", "analyst").out


def test_a_password_comes_from_standard_input(comptoir: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert comptoir("user", "add", "marie@example.com", "--password-stdin").code == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("another horse battery\n"))
    assert comptoir("user", "password", "marie@example.com", "--password-stdin").code == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    refused = comptoir("user", "password", "marie@example.com", "--password-stdin")
    assert (refused.code, refused.out) == (1, "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("user role nobody@example.com owner", "No such user"),
        ("user add marie@example.com", "Another user has this e-mail address"),
        ("user add nonsense", "email"),
        ("user deactivate marie@example.com", "This is the last active owner"),
        ("token create x", "says what the token may do: --all"),
        ("token revoke nonsense", "not an id"),
    ],
)
def test_a_refusal_is_one_sentence_and_changes_nothing(comptoir: Command, line: str, words: str) -> None:
    comptoir("user", "add", "marie@example.com", "--role", "owner")
    before = comptoir("user", "list").out
    refused = comptoir(*line.split())
    assert (refused.code, refused.out) == (1, "")
    assert words in refused.err
    assert comptoir("user", "list").out == before


def test_only_the_secret_of_a_token_goes_to_standard_output_once(comptoir: Command) -> None:
    made = comptoir("token", "create", "shop", "--scope", "orders:write", "--scope", "stock:read", "--days", 30)
    assert made.code == 0
    assert re.fullmatch(r"ctk_\w+\n", made.out)
    listed = comptoir("token", "list").out
    assert made.out.strip() not in listed
    row = listed.splitlines()[1].split("\t")
    assert row[1:3] == ["shop", "orders:write stock:read"]
    assert comptoir("token", "revoke", row[0]).code == 0
    assert "revoked" in comptoir("token", "list").out


def test_migrate_says_from_where_to_where(comptoir: Command, database_url: str) -> None:
    assert comptoir("migrate").out.startswith("The database was at version ")
    assert comptoir("migrate", "--check").code == 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE public.alembic_version SET version_num = '0000'")
    behind = comptoir("migrate", "--check")
    assert (behind.code, behind.out) == (1, "")
    unknown = comptoir("migrate")
    assert unknown.code == 3
    assert "newer Comptoir" in unknown.err
