"""Whether something may come back: what the law gives, no policy takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.modules.changes import policies
from comptoir.modules.changes.contracts import Policy, Reason, RefundMethod, RefundMoment, Sign, Sold, Why

DAYS = st.dates(date(2024, 1, 1), date(2028, 12, 31))
TERMS = st.builds(
    Policy,
    code=st.just("p"),
    position=st.just(1),
    window=st.integers(0, 90),
    fee=st.integers(0, 1000),
    free_reasons=st.lists(st.sampled_from(Reason), unique=True).map(tuple),
    moment=st.sampled_from(RefundMoment),
    method=st.sampled_from(RefundMethod),
    final_sale=st.booleans(),
    exempt=st.booleans(),
)
SOLD = st.builds(
    lambda bought, delivery, **more: Sold(
        category=(), channel="web", bought_on=bought, delivered_on=None if delivery is None else bought + delivery, **more
    ),
    DAYS,
    st.one_of(st.none(), st.timedeltas(timedelta(0), timedelta(days=20))),
    country=st.sampled_from(("FR", "DE", "RE", "US")),
    distance=st.booleans(),
    consumer=st.booleans(),
    reason=st.sampled_from(Reason),
)
LATER = st.integers(0, 1000).map(lambda days: timedelta(days=days))


@given(TERMS, SOLD, LATER)
def test_a_european_consumer_withdraws_in_time_without_a_fee_whatever_the_policy_says(
    policy: Policy, sold: Sold, later: timedelta
) -> None:
    asked = sold.bought_on + later
    verdict = policies.allowed(policy, sold, asked)
    if sold.country in policies.WITHDRAWAL_COUNTRIES and sold.distance and sold.consumer and not policy.exempt:
        if sold.delivered_on is None or asked <= sold.delivered_on + timedelta(days=14):
            assert (verdict.allowed, verdict.why, verdict.method) == (True, Why.WITHDRAWAL, RefundMethod.ORIGINAL)
            assert verdict.fee == 0
    else:
        assert verdict.why is not Why.WITHDRAWAL


@given(TERMS, SOLD, LATER, LATER)
def test_what_is_too_late_is_never_in_time_later(policy: Policy, sold: Sold, later: timedelta, more: timedelta) -> None:
    asked = sold.bought_on + later
    if not policies.allowed(policy, sold, asked).allowed:
        assert not policies.allowed(policy, sold, asked + more).allowed


@given(TERMS, SOLD, LATER)
def test_a_longer_window_takes_nothing_away(policy: Policy, sold: Sold, later: timedelta) -> None:
    asked = sold.bought_on + later
    wider = replace(policy, window=policy.window + 10)
    if policies.allowed(policy, sold, asked).allowed:
        assert policies.allowed(wider, sold, asked).allowed


@given(TERMS, SOLD, LATER)
def test_the_last_day_is_in_time_and_what_is_at_fault_costs_no_fee(policy: Policy, sold: Sold, later: timedelta) -> None:
    verdict = policies.allowed(policy, sold, sold.bought_on + later)
    if verdict.allowed and verdict.until is not None:
        assert policies.allowed(policy, sold, verdict.until).allowed
    if sold.reason in policies.FAULTS or sold.reason in policy.free_reasons:
        assert verdict.fee == 0


@pytest.mark.parametrize(
    ("delivered", "until"),
    [
        (date(2026, 3, 2), date(2026, 3, 16)),  # a Monday
        (date(2026, 3, 7), date(2026, 3, 23)),  # ends on a Saturday
        (date(2026, 4, 17), date(2026, 5, 4)),  # ends on the first of May, a Friday
        (date(2026, 5, 11), date(2026, 5, 26)),  # ends on Whit Monday
    ],
)
def test_a_term_that_ends_on_no_working_day_ends_on_the_next(delivered: date, until: date) -> None:
    sold = Sold(
        category=(),
        channel="web",
        country="FR",
        distance=True,
        consumer=True,
        bought_on=delivered,
        delivered_on=delivered,
        reason=Reason.CHANGED_MIND,
    )
    assert policies.withdrawal_until(policies.STANDARD, sold) == until


def test_the_first_policy_that_fits_holds() -> None:
    sold = Sold(
        category=("clothes", "shoes"),
        channel="web",
        country="FR",
        distance=True,
        consumer=True,
        bought_on=date(2026, 12, 1),
        delivered_on=None,
        reason=Reason.OTHER,
    )
    christmas = Policy(code="christmas", position=2, valid_from=date(2026, 11, 15), valid_until=date(2026, 12, 24))
    shoes = Policy(code="shoes", position=1, category=("clothes", "shoes"))
    hats = Policy(code="hats", position=0, category=("clothes", "hats"))
    abroad = Policy(code="abroad", position=0, countries=("BE",))
    till = Policy(code="till", position=0, channels=("till",))
    off = Policy(code="off", position=0, active=False)
    assert policies.first_fit([christmas, shoes, hats, abroad, till, off], sold).code == "shoes"
    assert policies.first_fit([christmas, hats], sold).code == "christmas"
    assert policies.first_fit([hats], sold).code == "standard"


def test_a_marketplace_keeps_no_fee_of_ours_and_pays_back_as_it_was_paid() -> None:
    sold = Sold(
        category=(),
        channel="market",
        country="US",
        distance=True,
        consumer=True,
        bought_on=date(2026, 12, 1),
        delivered_on=None,
        reason=Reason.OTHER,
    )
    ours = Policy(code="ours", position=1, fee=250, prepaid=True, label_fee=100, method=RefundMethod.STORE_CREDIT)
    theirs = replace(ours, code="theirs", channels=("market",))
    found = [policies.of_marketplace(policies.allowed(one, sold, date(2026, 12, 2)), one) for one in (ours, theirs)]
    assert [(one.fee, one.label_fee) for one in found] == [(0, 0), (250, 100)]
    assert {one.method for one in found} == {RefundMethod.ORIGINAL}


def test_signals_are_words_for_a_person() -> None:
    assert policies.signals(2, 10, 9, wrong=0, value=100, high=50_000) == []
    found = policies.signals(3, 10, 6, wrong=2, value=50_001, high=50_000)
    assert [one.sign for one in found] == [Sign.SERIAL_RETURNER, Sign.WRONG_ITEM, Sign.HIGH_VALUE]
    assert found[0].words == "60 % of 10 units came back, from 3 orders"
    assert policies.signals(0, 0, 0, wrong=0, value=0, high=50_000) == []


def test_a_final_sale_may_be_withdrawn_from_and_no_longer() -> None:
    sold = Sold(
        category=(),
        channel="web",
        country="FR",
        distance=True,
        consumer=True,
        bought_on=date(2026, 3, 1),
        delivered_on=date(2026, 3, 2),
        reason=Reason.CHANGED_MIND,
    )
    final = Policy(code="final", position=1, window=90, final_sale=True)
    verdict = policies.allowed(final, sold, date(2026, 3, 10))
    assert (verdict.allowed, verdict.until) == (True, date(2026, 3, 16))
    assert policies.allowed(final, sold, date(2026, 3, 17)).why is Why.FINAL_SALE
