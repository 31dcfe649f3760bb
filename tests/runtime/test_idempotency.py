"""One key, one effect, one answer."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.errors import Invalid
from comptoir.runtime.database import Database, Outrun
from comptoir.runtime.idempotency import (
    IdempotencyKeyReused,
    Row,
    Stored,
    ask_many,
    checked_key,
    fingerprint,
    lock,
    lookup,
    purge,
    store,
    store_many,
)

ONE = fingerprint("POST", "/orders", b'{"sku":"A"}')
OTHER = fingerprint("POST", "/orders", b'{"sku":"B"}')


def row(key: str, scope: str = "token:1") -> Row:
    return (scope, key, ONE, 201, f"answer to {key}".encode())


async def test_a_stored_answer_comes_back_byte_for_byte(database: Database) -> None:
    answer = b'{"id":"ord_1"}\x00\xff'
    async with database.transaction() as tx:
        assert await lookup(tx, "token:1", "k", ONE) is None
        await store(tx, "token:1", "k", ONE, 201, answer)
    async with database.read() as reader:
        assert await lookup(reader, "token:1", "k", ONE) == Stored(201, answer)
        assert await lookup(reader, "token:2", "k", ONE) is None, "another caller's key is another key"


async def test_the_same_key_with_another_request_is_refused(database: Database) -> None:
    async with database.transaction() as tx:
        await store(tx, "token:1", "k", ONE, 201, b"first")
    async with database.read() as reader:
        with pytest.raises(IdempotencyKeyReused) as refused:
            await lookup(reader, "token:1", "k", OTHER)
        assert (refused.value.status, refused.value.code, refused.value.data) == (422, "idempotency_key_reused", {"key": "k"})
        assert await lookup(reader, "token:1", "k", ONE) == Stored(201, b"first")


async def test_of_twenty_that_come_at_once_with_one_key_one_has_its_effect_and_all_get_its_answer(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.run("CREATE TABLE effects (n int)")

    async def command(n: int) -> bytes:
        async with database.transaction() as tx:
            await lock(tx, "token:1", "k")
            stored = await lookup(tx, "token:1", "k", ONE)
            if stored is not None:
                return stored.answer
            await tx.run("INSERT INTO effects VALUES (%(n)s)", {"n": n})
            await asyncio.sleep(0.01)
            answer = f"done by {n}".encode()
            await store(tx, "token:1", "k", ONE, 201, answer)
            return answer

    answers = await asyncio.gather(*(command(n) for n in range(20)))
    assert len(set(answers)) == 1
    async with database.read() as reader:
        assert [f"done by {n}".encode() for (n,) in await reader.rows("SELECT n FROM effects")] == [answers[0]]


async def test_a_command_that_failed_may_be_tried_again(database: Database) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with database.transaction() as tx:
            await lock(tx, "token:1", "k")
            await store(tx, "token:1", "k", ONE, 201, b"never")
            raise ZeroDivisionError
    async with database.transaction() as tx:
        await lock(tx, "token:1", "k")
        assert await lookup(tx, "token:1", "k", ONE) is None


async def test_a_batch_is_stored_and_looked_up_at_once(database: Database) -> None:
    rows = [row(f"k{n}") for n in range(300)]
    async with database.transaction() as tx:
        await store_many(tx, rows)
        await store_many(tx, [])
    async with database.read() as reader:
        asked = [("token:1", "k7"), ("token:1", "unknown"), ("token:2", "k7")]
        assert await (await ask_many(reader, asked))() == {("token:1", "k7"): (ONE, 201, b"answer to k7")}
        assert await (await ask_many(reader, []))() == {}


@pytest.mark.parametrize("pipelined", [False, True])
async def test_a_batch_fails_when_one_of_its_keys_was_taken_meanwhile(database: Database, *, pipelined: bool) -> None:
    """Ten batches at once, each with the same keys in another order, and one that shares a single key with them."""
    keys = [f"k{n}" for n in range(40)]

    async def batch(names: list[str]) -> bool:
        try:
            async with database.transaction(pipelined=pipelined) as tx:
                await store_many(tx, [row(key) for key in names])
        except Outrun:
            return False
        return True

    stored = await asyncio.gather(*(batch(keys[n:] + keys[:n]) for n in range(10)))
    assert stored.count(True) == 1
    assert not await batch(["another", "k39"])
    async with database.read() as reader:
        assert len(await (await ask_many(reader, [("token:1", key) for key in [*keys, "another"]]))()) == len(keys)


async def test_old_answers_are_forgotten_a_slice_at_a_time(database: Database) -> None:
    async with database.transaction() as tx:
        await store_many(tx, [row(f"k{n}") for n in range(5)])
    async with database.transaction() as tx:
        assert await purge(tx, tx.now - timedelta(days=1)) == 0
        assert [await purge(tx, tx.now + timedelta(seconds=1), limit=3) for _ in range(3)] == [3, 2, 0]


@given(st.tuples(st.text(), st.text(), st.binary()), st.tuples(st.text(), st.text(), st.binary()))
def test_fingerprints_agree_exactly_when_the_requests_do(one: tuple[str, str, bytes], other: tuple[str, str, bytes]) -> None:
    assert (fingerprint(*one) == fingerprint(*other)) is (one == other)


def test_the_parts_of_a_request_cannot_pose_as_each_other() -> None:
    assert fingerprint("POST", "/a", b"b") != fingerprint("POST", "/ab", b"")
    assert len(ONE) == 16


@pytest.mark.parametrize(
    ("text", "key"), [("abc", "abc"), ('"abc"', "abc"), (" a,b ", "a,b"), ('"', '"'), ("x" * 255, "x" * 255)]
)
def test_a_key_may_be_quoted_as_the_draft_standard_has_it(text: str, key: str) -> None:
    assert checked_key(text) == key


@pytest.mark.parametrize("text", ["", "  ", '""', "x" * 256, "a\nb", "clé", "a\x00b"])
def test_what_cannot_be_a_key_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_key(text)
    assert refused.value.data["errors"] == [
        {"path": "Idempotency-Key", "message": "must have 1 to 255 printable ASCII characters"}
    ]
