"""What units are still worth: the arithmetic of what was allowed off their price.

A line's units are counted from 0. They come back from the first on and are cancelled from the last on, so that what is left
is always a stretch `returned` to `quantity - cancelled`. An allowance covers a stretch, too, and its amount is split over its
units once and for all, as the line's total is over the line's: whatever leaves takes its own share of both along, to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

from comptoir.kernel.money import split
from comptoir.modules.orders.domain import share


class Allowance(NamedTuple):
    """So much off the units `first` to `first + units - 1` of a line, in minor units."""

    line_no: int
    first: int
    units: int
    amount: int


class Line(Protocol):
    """What has to be known of a line."""

    @property
    def line_no(self) -> int: ...
    @property
    def quantity(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def cancelled(self) -> int: ...
    @property
    def returned(self) -> int: ...


def worth(line: Line, allowances: Iterable[Allowance], first: int, last: int) -> int:
    """What the units `first` to `last - 1` of a line come to after what was allowed off them."""
    whole = share(line.total, line.quantity, first, last - first)
    return whole - sum(_within(one, first, last) for one in allowances if one.line_no == line.line_no)


def _within(one: Allowance, first: int, last: int) -> int:
    begin, end = max(first, one.first), min(last, one.first + one.units)
    return share(one.amount, one.units, begin - one.first, end - begin) if begin < end else 0


def left(line: Line, allowances: Iterable[Allowance]) -> int:
    """What is left of a line: without what was cancelled, has come back, and was allowed off the rest.

    Never below nothing for what was sold: a channel may lower a price under an allowance.
    """
    value = worth(line, allowances, line.returned, line.quantity - line.cancelled)
    return max(0, value) if line.total > 0 else value


def value(lines: Iterable[Line], allowances: Sequence[Allowance]) -> int:
    """What is left of an order."""
    return sum(left(line, allowances) for line in lines)


def spread(line: Line, allowances: Sequence[Allowance], amount: int, first: int, last: int) -> list[Allowance]:
    """Allows an amount off the units `first` to `last - 1`, in proportion to what each is still worth; it is at most that.

    Units that are worth the same stand together, so that no unit's share is larger than what it is worth.
    """
    own = [one for one in allowances if one.line_no == line.line_no]
    edges = {first, last, line.total % line.quantity}
    for one in own:
        edges |= {one.first, one.first + one.amount % one.units, one.first + one.units}
    cuts = sorted(edge for edge in edges if first <= edge <= last)
    stretches = list(pairwise(cuts))
    parts = split(amount, [max(0, worth(line, own, begin, end)) for begin, end in stretches])
    return [
        Allowance(line.line_no, begin, end - begin, part)
        for (begin, end), part in zip(stretches, parts, strict=True)
        if part > 0
    ]
