from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.money import Currency, Money, added_tax, currency, included_tax, round_half_even, split

amounts = st.integers(-(10**12), 10**12)
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=50)
rates = st.decimals(0, 1, places=5)
EUR, JPY = Currency("EUR"), Currency("JPY")


@given(amounts, weights)
def test_a_split_loses_nothing(total: int, by: list[int]) -> None:
    assert sum(split(total, by)) == total


@given(amounts, weights)
def test_no_part_of_a_split_is_a_unit_away_from_its_exact_share(total: int, by: list[int]) -> None:
    whole = sum(by)
    for part, weight in zip(split(total, by), by, strict=True):
        exact = Fraction(total * weight, whole) if whole else Fraction(total, len(by))
        assert abs(part - exact) < 1


@given(amounts, weights)
def test_a_negative_split_mirrors_the_positive_one(total: int, by: list[int]) -> None:
    assert split(-total, by) == [-part for part in split(total, by)]


def test_ties_go_to_the_earlier_part() -> None:
    assert split(100, [1, 1, 1]) == [34, 33, 33]
    assert split(-100, [1, 1, 1]) == [-34, -33, -33]


def test_nothing_can_be_shared_over_nobody() -> None:
    assert split(0, []) == []
    with pytest.raises(ValueError, match="no parts"):
        split(1, [])
    with pytest.raises(ValueError, match="negative"):
        split(1, [1, -1])


@given(st.integers(0, 10**9), rates)
def test_taxes_round_half_to_even_as_decimals_do(gross: int, rate: Decimal) -> None:
    assert added_tax(gross, rate) == int((Decimal(gross) * rate).quantize(Decimal(1), ROUND_HALF_EVEN))
    exact = Fraction(gross) * Fraction(rate) / (1 + Fraction(rate))
    assert abs(included_tax(gross, rate) - exact) <= Fraction(1, 2)


def test_rounding_is_to_the_even_neighbour() -> None:
    assert [round_half_even(Decimal(x)) for x in ("0.5", "1.5", "2.5", "-0.5")] == [0, 2, 2, 0]


def test_money_of_two_currencies_does_not_add() -> None:
    assert Money.of("12.30", EUR) + Money.of("0.70", EUR) == Money(1300, EUR)
    with pytest.raises(ValueError, match="EUR"):
        _ = Money(1, EUR) + Money(1, JPY)


def test_money_knows_how_many_decimals_its_currency_has() -> None:
    assert Money.of("12.34", EUR).minor == 1234
    assert Money.of("1234", JPY).minor == 1234
    assert Money(1234, JPY).major == Decimal(1234)
    with pytest.raises(ValueError, match="decimals"):
        Money.of("0.001", EUR)


def test_a_currency_is_one_that_exists() -> None:
    assert currency(" eur ") == "EUR"
    with pytest.raises(ValueError, match="ISO 4217"):
        currency("EUROS")
