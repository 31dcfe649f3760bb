"""What units are worth after something was allowed off: never below nothing, and to the cent whatever leaves first."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from comptoir.modules.orders.allowances import Allowance, left, spread, worth


@dataclass(frozen=True)
class Line:
    total: int
    quantity: int
    cancelled: int = 0
    returned: int = 0
    line_no: int = 1


stretches = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
lines = st.builds(Line, total=st.integers(0, 500), quantity=st.integers(1, 12))


def allowed(line: Line, wishes: list[tuple[float, float, float]]) -> list[Allowance]:
    """As much off stretch after stretch as the wishes say."""
    rows: list[Allowance] = []
    for begin, end, part in wishes:
        first = int(begin * (line.quantity - 1))
        last = first + 1 + int(end * (line.quantity - first - 1))
        amount = int(worth(line, rows, first, last) * part)
        before = worth(line, rows, 0, line.quantity)
        new = spread(line, rows, amount, first, last)
        assert sum(one.amount for one in new) == amount
        rows += new
        assert worth(line, rows, 0, line.quantity) == before - amount
    return rows


@given(lines, st.lists(stretches, max_size=6))
def test_no_unit_is_worth_less_than_nothing(line: Line, wishes: list[tuple[float, float, float]]) -> None:
    rows = allowed(line, wishes)
    assert all(worth(line, rows, n, n + 1) >= 0 for n in range(line.quantity))


@given(lines, st.lists(stretches, max_size=6), st.lists(st.tuples(st.booleans(), st.integers(1, 4))))
def test_whatever_leaves_takes_its_own_share_along(
    line: Line, wishes: list[tuple[float, float, float]], leaving: list[tuple[bool, int]]
) -> None:
    rows = allowed(line, wishes)
    there = left(line, rows)
    for comes_back, units in leaving:
        most = min(units, line.quantity - line.cancelled - line.returned)
        moved = "returned" if comes_back else "cancelled"
        line = replace(line, **{moved: getattr(line, moved) + most})
        now = left(line, rows)
        assert 0 <= now <= there
        there = now
    if line.cancelled + line.returned == line.quantity:
        assert there == 0


def test_a_credit_keeps_its_sign() -> None:
    assert left(Line(-500, 2), []) == -500
    assert left(Line(-500, 2, returned=1), []) == -250
