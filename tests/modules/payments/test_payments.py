"""The payment ledger: each reference once, and sums that follow from the entries."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import Currency
from comptoir.modules.payments import api
from comptoir.modules.payments.contracts import Balance, Entry, EntryKind, PaymentId
from comptoir.runtime.database import Database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ORDER = UUID(int=1)

entries = st.builds(
    lambda kind, method, amount, reference: entry(kind, amount, reference, method=method),
    st.sampled_from(EntryKind),
    st.sampled_from(("card", "cash")),
    st.integers(1, 2**53),
    st.sampled_from(("", "a", "b")),
)


def entry(kind: EntryKind, amount: int, reference: str = "", *, method: str = "card", order: UUID = ORDER) -> Entry:
    return Entry(PaymentId(uuid7()), order, kind, method, amount, Currency("EUR"), reference, NOON)


async def record(database: Database, *new: Entry) -> list[Entry]:
    async with database.transaction() as tx:
        return await api.record(tx, new)


async def test_entries_are_read_back_in_order(database: Database) -> None:
    first, second = entry(EntryKind.AUTHORISED, 100, "a"), entry(EntryKind.CAPTURED, 60, "c")
    assert await record(database, first, second) == [first, second]
    async with database.read() as reader:
        assert await api.entries_of(reader, ORDER) == [first, second]
        assert await api.balance_of(reader, ORDER) == Balance(100, 60, 0)
        assert await api.balances(reader, [ORDER, UUID(int=2)]) == {ORDER: Balance(100, 60, 0)}
        assert await api.entries_of(reader, UUID(int=2)) == []
    assert await record(database) == []


async def test_a_reference_counts_once_per_order_kind_and_method(database: Database) -> None:
    first = entry(EntryKind.CAPTURED, 60, "r")
    others = [
        entry(EntryKind.REFUNDED, 60, "r"),
        entry(EntryKind.CAPTURED, 60, "r", method="cash"),
        entry(EntryKind.CAPTURED, 60, "r", order=UUID(int=2)),
        entry(EntryKind.CAPTURED, 60),
        entry(EntryKind.CAPTURED, 60),
    ]
    assert await record(database, first) == [first]
    assert await record(database, entry(EntryKind.CAPTURED, 99, "r"), *others) == others
    async with database.read() as reader:
        assert await api.is_known(reader, ORDER, EntryKind.CAPTURED, "card", "r")
        assert not await api.is_known(reader, ORDER, EntryKind.VOIDED, "card", "r")
        assert not await api.is_known(reader, ORDER, EntryKind.CAPTURED, "card", "")
        assert await api.balance_of(reader, ORDER) == Balance(0, 240, 60)


async def test_two_processes_that_are_told_the_same_write_it_once(database: Database) -> None:
    written = await asyncio.gather(*(record(database, entry(EntryKind.CAPTURED, 60, "r")) for _ in range(8)))
    assert sum(len(own) for own in written) == 1


@pytest.mark.parametrize("amount", [0, -1])
async def test_an_entry_of_nothing_cannot_be_written(database: Database, amount: int) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        await record(database, entry(EntryKind.CAPTURED, amount))


@given(st.lists(entries, max_size=20))
def test_the_balance_is_the_sum_whatever_the_order(given_entries: list[Entry]) -> None:
    balance = api.balance(given_entries)
    assert balance == api.balance(list(reversed(given_entries)))
    halves = api.balance(given_entries[:7]), api.balance(given_entries[7:])
    assert balance == Balance(*(a + b for a, b in zip(*map(_figures, halves), strict=True)))


def _figures(balance: Balance) -> tuple[int, int, int]:
    return balance.authorised, balance.captured, balance.refunded


def test_the_database_adds_up_as_python_does(database_url: str) -> None:
    """Also when everything is told twice."""
    with asyncio.Runner() as runner:
        database = Database(database_url, max_connections=1)
        runner.run(database.open())

        @settings(deadline=None, max_examples=25)
        @given(st.lists(entries, max_size=12))
        def check(told: list[Entry]) -> None:
            order = uuid7()
            mine = [Entry(e.id, order, e.kind, e.method, e.amount, e.currency, e.reference, e.at) for e in told]
            written = runner.run(record(database, *mine))
            assert [e for e in runner.run(record(database, *[_again(e) for e in mine])) if e.reference] == []
            runner.run(_check(database, order, written))

        try:
            check()
        finally:
            runner.run(database.close())


def _again(e: Entry) -> Entry:
    return Entry(PaymentId(uuid7()), e.order_id, e.kind, e.method, e.amount, e.currency, e.reference, e.at)


async def _check(database: Database, order: UUID, written: list[Entry]) -> None:
    async with database.read() as reader:
        there = await api.entries_of(reader, order)
        balances = await api.balances(reader, [order])
    assert {e.id for e in written} <= {e.id for e in there}
    assert balances.get(order, Balance()) == api.balance(there)
