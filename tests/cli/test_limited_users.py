"""`comptoir user … --location`: what is no location is refused, and nobody is made."""

from __future__ import annotations

from cli.conftest import Command


def test_a_location_that_there_is_not_is_named_and_nobody_is_added(comptoir: Command) -> None:
    comptoir("user", "add", "owner@example.com", "--role", "owner")
    before = comptoir("user", "list").out
    refused = comptoir("user", "add", "marie@example.com", "--role", "store", "--location", "S367")
    assert (refused.code, "'S367' is the code of no location" in refused.err) == (1, True)
    assert comptoir("user", "list").out == before
    refused = comptoir("token", "create", "till", "--scope", "orders:read", "--location", "S367")
    assert (refused.code, refused.out, "S367" in refused.err) == (1, "", True)
    assert comptoir("user", "locations", "owner@example.com").code == 0
    assert before.splitlines()[1].split("\t")[5] == "all"
