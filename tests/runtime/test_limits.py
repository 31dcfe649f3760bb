"""How often a stranger may try."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.runtime.limits import Limiter, TooManyRequests, address_key


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def tries(limiter: Limiter, key: str, count: int) -> int:
    allowed = 0
    for _ in range(count):
        try:
            limiter.take(key)
        except TooManyRequests:
            continue
        allowed += 1
    return allowed


def test_a_burst_then_one_by_one() -> None:
    clock = Clock()
    limiter = Limiter(burst=5, seconds=12, clock=clock)
    assert tries(limiter, "a", 20) == 5
    assert tries(limiter, "b", 20) == 5, "everybody has a bucket"
    with pytest.raises(TooManyRequests) as refused:
        limiter.take("a")
    assert (refused.value.status, refused.value.data) == (429, {"retry_after": 12.0})
    clock.now += 11.9
    assert tries(limiter, "a", 20) == 0
    clock.now += 0.1
    assert tries(limiter, "a", 20) == 1
    clock.now += 3600
    assert tries(limiter, "a", 20) == 5


def test_checking_counts_nothing() -> None:
    limiter = Limiter(burst=2, seconds=60, clock=Clock())
    for _ in range(10):
        limiter.check("a")
    assert tries(limiter, "a", 3) == 2
    with pytest.raises(TooManyRequests):
        limiter.check("a")
    limiter.forget("a")
    limiter.check("a")


def test_a_flood_of_keys_neither_grows_the_table_nor_frees_those_that_are_slowed_down() -> None:
    clock = Clock()
    limiter = Limiter(burst=2, seconds=60, max_keys=10, clock=clock)
    assert tries(limiter, "guesser", 5) == 2
    assert sum(tries(limiter, f"k{n}", 1) for n in range(1000)) == 9 + 2, "nine places, then one bucket for all the others"
    assert len(limiter) == 10
    assert tries(limiter, "guesser", 5) == 0
    clock.now += 121
    assert tries(limiter, "newcomer", 5) == 2
    assert len(limiter) == 1


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5), st.integers(1, 20))
def test_in_any_stretch_no_more_is_allowed_than_the_burst_and_the_rate(pauses: list[float], burst: int, seconds: int) -> None:
    clock = Clock()
    limiter = Limiter(burst=burst, seconds=seconds, clock=clock)
    allowed: list[float] = []
    for pause in pauses:
        clock.now += pause
        if tries(limiter, "a", 1):
            allowed.append(clock.now)
    for i, begin in enumerate(allowed):
        for j in range(i, len(allowed)):
            assert j - i + 1 <= burst + (allowed[j] - begin) / seconds + 1e-6


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("x" * 500, "x" * 64),
    ],
)
def test_a_line_is_one_key_however_many_addresses_it_has(address: str, key: str) -> None:
    assert address_key(address) == key
