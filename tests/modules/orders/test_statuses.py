"""Statuses derive from counters: the same in the database and in Python."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.kernel.money import split
from comptoir.modules.orders.domain import (
    FULFILMENT_STATUS_SQL,
    PAYMENT_STATUS_SQL,
    RETURN_STATUS_SQL,
    Counters,
    FulfilmentStatus,
    PaymentStatus,
    ReturnStatus,
    fulfilment_status,
    payment_status,
    return_status,
    share,
)

Figures = tuple[Counters, tuple[int, int, int, int, int]]

_amounts = st.one_of(st.integers(-3, 3), st.integers(-(2**53), 2**53))
_paid = st.one_of(st.integers(0, 3), st.integers(0, 2**53))


@st.composite
def counters(draw: st.DrawFn) -> Counters:
    cancelled, backordered, shipped, reserved = draw(st.tuples(*[st.integers(0, 3)] * 4))
    return Counters(
        cancelled + backordered + shipped + reserved, cancelled, backordered, shipped, draw(st.integers(0, shipped))
    )


@settings(deadline=None, max_examples=10)
@given(st.lists(st.tuples(counters(), st.tuples(_amounts, _amounts, _paid, _paid, _paid)), min_size=50, max_size=200))
def test_the_database_derives_the_same_statuses(postgres_url: str, rows: list[Figures]) -> None:
    columns = "quantity, cancelled, backordered, shipped, returned, total, value, authorised, captured, refunded"
    flat = [(c.quantity, c.cancelled, c.backordered, c.shipped, c.returned, *money) for c, money in rows]
    params = [[row[n] for row in flat] for n in range(10)]
    arrays = ", ".join(["%s::bigint[]"] * 10)
    statement = f"SELECT {FULFILMENT_STATUS_SQL}, {PAYMENT_STATUS_SQL}, {RETURN_STATUS_SQL} FROM unnest({arrays}) t ({columns})"
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute(statement.encode(), params).fetchall()
    assert found == [(fulfilment_status(c), payment_status(*money), return_status(c)) for c, money in rows]


@pytest.mark.parametrize(
    ("counters", "status"),
    [
        (Counters(0), FulfilmentStatus.FULFILLED),
        (Counters(3), FulfilmentStatus.UNFULFILLED),
        (Counters(3, cancelled=2), FulfilmentStatus.UNFULFILLED),
        (Counters(3, cancelled=3), FulfilmentStatus.CANCELLED),
        (Counters(3, cancelled=1, shipped=2), FulfilmentStatus.FULFILLED),
        (Counters(3, shipped=2), FulfilmentStatus.PARTIAL),
        (Counters(3, shipped=2, backordered=1), FulfilmentStatus.PARTIAL),
        (Counters(3, backordered=1), FulfilmentStatus.BACKORDERED),
    ],
)
def test_fulfilment(counters: Counters, status: FulfilmentStatus) -> None:
    assert fulfilment_status(counters) is status


@pytest.mark.parametrize(
    ("money", "status"),
    [
        ((100, 100, 0, 0, 0), PaymentStatus.PENDING),
        ((100, 100, 100, 0, 0), PaymentStatus.AUTHORISED),
        ((100, 100, 100, 40, 0), PaymentStatus.PARTIAL),
        ((100, 100, 100, 100, 0), PaymentStatus.PAID),
        ((100, 100, 0, 101, 0), PaymentStatus.OVERPAID),
        ((100, 100, 0, 100, 1), PaymentStatus.PARTLY_REFUNDED),
        ((100, 100, 0, 100, 100), PaymentStatus.REFUNDED),
        ((0, 0, 0, 0, 0), PaymentStatus.PAID),
        ((-100, -100, 0, 0, 0), PaymentStatus.PENDING),
        ((-100, -100, 0, 0, 60), PaymentStatus.PARTLY_REFUNDED),
        ((-100, -100, 0, 0, 100), PaymentStatus.REFUNDED),
        ((100, 0, 0, 100, 0), PaymentStatus.OVERPAID),
        ((100, 60, 0, 100, 0), PaymentStatus.OVERPAID),
        ((100, 60, 0, 100, 20), PaymentStatus.OVERPAID),
        ((100, 60, 0, 100, 40), PaymentStatus.PARTLY_REFUNDED),
        ((100, 0, 0, 100, 100), PaymentStatus.REFUNDED),
        ((100, 60, 0, 60, 0), PaymentStatus.PAID),
        ((100, 60, 0, 30, 0), PaymentStatus.PARTIAL),
        ((100, 0, 0, 0, 0), PaymentStatus.NOTHING_DUE),
        ((100, 0, 100, 0, 0), PaymentStatus.AUTHORISED),
    ],
)
def test_payment(money: tuple[int, int, int, int, int], status: PaymentStatus) -> None:
    assert payment_status(*money) is status


def test_return() -> None:
    assert return_status(Counters(3, shipped=3)) is ReturnStatus.NONE
    assert return_status(Counters(3, shipped=3, returned=1)) is ReturnStatus.PARTIAL
    assert return_status(Counters(3, shipped=2, returned=2)) is ReturnStatus.RETURNED


@given(st.integers(-(10**9), 10**9), st.integers(1, 40), st.data())
def test_a_share_is_what_splitting_the_amount_over_the_units_gives(amount: int, quantity: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, quantity))
    units = data.draw(st.integers(0, quantity - first))
    assert share(amount, quantity, first, units) == sum(split(amount, [1] * quantity)[first : first + units])
