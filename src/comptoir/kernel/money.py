"""Money: integer minor units and a currency, never a float."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import NewType, Self

from babel.numbers import get_currency_precision, list_currencies

Currency = NewType("Currency", str)
"""An ISO 4217 code in capitals."""

MAX_MINOR = 2**53
"""No single amount is larger: above it, a consumer that parses JSON numbers as doubles would read another sum."""


@lru_cache(maxsize=1)
def _known_currencies() -> frozenset[str]:
    return frozenset(list_currencies())


def currency(code: str) -> Currency:
    """The currency of that ISO 4217 code; raises ValueError for one that does not exist."""
    upper = code.strip().upper()
    if upper not in _known_currencies():
        msg = f"{code!r} is not an ISO 4217 currency code"
        raise ValueError(msg)
    return Currency(upper)


@lru_cache(maxsize=512)
def exponent(code: Currency) -> int:
    """Digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD (CLDR)."""
    return get_currency_precision(code)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` in proportion to `weights`, losing nothing: sum(result) == total.

    Largest remainder, ties to the earlier part (Hamilton's method). Weights are >= 0; when all are zero the parts are equal.
    A negative total is shared as the mirror of the positive one.
    """
    if not weights:
        if total:
            msg = "cannot share an amount over no parts"
            raise ValueError(msg)
        return []
    if min(weights) < 0:
        msg = "weights must not be negative"
        raise ValueError(msg)
    if total < 0:
        return [-part for part in split(-total, weights)]
    whole = sum(weights)
    if whole == 0:
        weights = [1] * len(weights)
        whole = len(weights)
    shares = [divmod(total * weight, whole) for weight in weights]
    parts = [quotient for quotient, _ in shares]
    missing = total - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda i: (-shares[i][1], i))
    for i in by_remainder[:missing]:
        parts[i] += 1
    return parts


def round_half_even(amount: Decimal) -> int:
    """The one place where an exact amount in minor units becomes a whole number of them (banker's rounding)."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units of one currency. Adding two currencies is a bug and raises ValueError."""

    minor: int
    currency: Currency

    @classmethod
    def of(cls, amount: Decimal | str | int, code: Currency) -> Self:
        """From major units; raises ValueError when the amount has more digits than the currency."""
        minor = Decimal(amount).scaleb(exponent(code))
        if minor != minor.to_integral_value():
            msg = f"{amount} has more decimals than {code} allows"
            raise ValueError(msg)
        return cls(int(minor), code)

    @classmethod
    def zero(cls, code: Currency) -> Self:
        return cls(0, code)

    @property
    def major(self) -> Decimal:
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            msg = f"cannot combine {self.currency} with {other.currency}"
            raise ValueError(msg)

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, quantity: int) -> Money:
        return Money(self.minor * quantity, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Shares that add up to this amount exactly; see `split`."""
        return [Money(part, self.currency) for part in split(self.minor, weights)]

    def rate(self, rate: Decimal) -> Money:
        """The amount times a rate, rounded once, half to even."""
        return Money(round_half_even(Decimal(self.minor) * rate), self.currency)


@lru_cache(maxsize=1024)
def _fraction(rate: Decimal) -> tuple[int, int]:
    return rate.as_integer_ratio()


def _divide_half_even(numerator: int, denominator: int) -> int:
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


def included_tax(gross_minor: int, rate: Decimal) -> int:
    """The tax contained in a gross amount: gross * rate / (1 + rate), rounded once, half to even."""
    over, under = _fraction(rate)
    return _divide_half_even(gross_minor * over, under + over)


def added_tax(net_minor: int, rate: Decimal) -> int:
    """The tax that comes on top of a net amount: net * rate, rounded once, half to even."""
    over, under = _fraction(rate)
    return _divide_half_even(net_minor * over, under)


def total(amounts: Iterable[Money], code: Currency) -> Money:
    """The sum, in a currency that is stated so that the sum of nothing has one too."""
    result = Money.zero(code)
    for amount in amounts:
        result += amount
    return result
