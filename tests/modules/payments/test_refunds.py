"""Refunds that are promised: what is executed comes off them, and never more is promised than was meant."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import Currency
from comptoir.modules.payments import api, domain
from comptoir.modules.payments.contracts import Entry, EntryKind, Grant, GrantId, GrantState, GrantStep, PaymentId
from comptoir.modules.payments.errors import GrantClosed, UnknownGrant
from comptoir.runtime.database import Database

EUR = Currency("EUR")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

grants = st.builds(
    lambda amount, share, withdrawn: Grant(
        GrantId(uuid7()),
        uuid7(),
        amount,
        amount * share // 4,
        EUR,
        "",
        "",
        None,
        NOON,
        "",
        NOON if withdrawn else None,
        None,
    ),
    st.integers(1, 1000),
    st.integers(0, 4),
    st.booleans(),
)


@given(st.lists(grants, max_size=8), st.integers(1, 5000))
def test_a_refund_executes_the_oldest_first_and_none_too_far(there: list[Grant], amount: int) -> None:
    parts = domain.paid_off(there, amount)
    open_of = {one.id: one.open for one in there}
    assert sum(part for _, part in parts) == min(amount, sum(open_of.values()))
    assert all(0 < part <= open_of[grant_id] for grant_id, part in parts)
    assert all(part == open_of[grant_id] for grant_id, part in parts[:-1])


@given(st.lists(grants, max_size=8), st.integers(0, 5000))
def test_lowering_withdraws_the_youngest_and_gives_the_rest_anew(there: list[Grant], by: int) -> None:
    total = sum(one.open for one in there)
    by = min(by, total)
    withdrawn, anew = domain.lowered(there, by)
    assert total - sum(one.open for one in withdrawn) + anew == total - by
    assert anew == 0 or anew < withdrawn[-1].open


@given(grants, st.sampled_from(GrantStep))
def test_what_is_over_takes_no_step(grant: Grant, step: GrantStep) -> None:
    over = grant.state in {GrantState.EXECUTED, GrantState.WITHDRAWN}
    assert (api.grant_state(grant.state, step) is None) == over
    assert over == (grant.open == 0)


async def test_exactly_what_is_owed_is_promised(database: Database) -> None:
    order = uuid7()
    for target, change in ((500, 500), (500, 0), (800, 300), (250, -550), (0, -250)):
        async with database.transaction() as tx:
            assert await api.promise(tx, order, target, EUR, "test") == change
            assert await api.granted(tx, order) == target


async def test_a_refund_that_names_no_grant_counts_for_the_oldest(database: Database) -> None:
    order = uuid7()
    async with database.transaction() as tx:
        first = await api.grant(tx, order, 100, EUR, "a")
        second = await api.grant(tx, order, 100, EUR, "b")
        entry = Entry(PaymentId(uuid7()), order, EntryKind.REFUNDED, "card", 150, EUR, "r", NOON)
        await api.record(tx, [entry])
        again = Entry(PaymentId(uuid7()), order, EntryKind.REFUNDED, "card", 150, EUR, "r", NOON)
        assert await api.record(tx, [again]) == []
        found = {one.id: (one.state, one.executed) for one in await api.grants_of(tx, order)}
        assert found == {first: (GrantState.EXECUTED, 100), second: (GrantState.PARTLY, 50)}
        with pytest.raises(GrantClosed):
            await api.withdraw(tx, order, first)
        with pytest.raises(UnknownGrant):
            await api.withdraw(tx, uuid7(), second)
        assert (await api.withdraw(tx, order, second)).open == 0
