from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.modules.channels.contracts import PublishRules
from comptoir.modules.channels.domain import publishable, publishable_of

quantities = st.integers(0, 60)
rules = st.builds(
    PublishRules,
    buffer=quantities,
    publish_percent=st.integers(0, 100),
    publish_max=st.none() | quantities,
    publish_min=st.integers(0, 20),
    stop_below=quantities,
).filter(lambda rule: rule.publish_max is None or rule.publish_min <= rule.publish_max)
pools = st.lists(st.integers(-20, 40), max_size=8)


@pytest.mark.parametrize(
    ("available", "rule", "promised"),
    [
        ([3, 4, 5], PublishRules(), 12),
        ([3, -4, 5], PublishRules(), 8),
        ([], PublishRules(), 0),
        ([10], PublishRules(buffer=3), 7),
        ([10], PublishRules(buffer=10), 0),
        ([10], PublishRules(buffer=11, publish_min=5), 0),
        ([10], PublishRules(publish_percent=50), 5),
        ([9], PublishRules(publish_percent=50), 4),
        ([1], PublishRules(publish_percent=50), 0),
        ([1], PublishRules(publish_percent=50, publish_min=1), 1),
        ([100], PublishRules(publish_max=20), 20),
        ([100], PublishRules(buffer=10, publish_percent=10, publish_max=20, publish_min=12), 12),
        ([8], PublishRules(buffer=2, publish_percent=10, publish_min=12), 6),
        ([4], PublishRules(stop_below=5), 0),
        ([5], PublishRules(stop_below=5), 5),
        ([2, 3], PublishRules(stop_below=5, buffer=4), 1),
        ([4], PublishRules(stop_below=5, publish_min=2), 0),
    ],
)
def test_what_a_channel_may_promise(available: list[int], rule: PublishRules, promised: int) -> None:
    assert publishable(available, rule) == promised


@given(pools, rules)
def test_nobody_promises_more_than_is_there_after_the_buffer(available: list[int], rule: PublishRules) -> None:
    total = sum(max(0, units) for units in available)
    promised = publishable(available, rule)
    assert 0 <= promised <= max(0, total - rule.buffer)
    assert rule.publish_max is None or promised <= rule.publish_max
    assert promised == publishable_of(total, rule)


@given(pools, rules, st.integers(0, 7), st.integers(1, 30))
def test_more_stock_never_promises_less(available: list[int], rule: PublishRules, where: int, more: int) -> None:
    richer = [units + more if n == where else units for n, units in enumerate(available)]
    assert publishable(richer, rule) >= publishable(available, rule)


@given(pools, rules)
def test_the_order_of_locations_does_not_matter(available: list[int], rule: PublishRules) -> None:
    assert publishable(sorted(available), rule) == publishable(available, rule)


@given(pools, rules)
def test_the_minimum_is_promised_whenever_it_is_there(available: list[int], rule: PublishRules) -> None:
    total = sum(max(0, units) for units in available)
    if total >= rule.stop_below and total - rule.buffer >= rule.publish_min:
        assert publishable(available, rule) >= rule.publish_min


@given(pools)
def test_without_rules_everything_is_promised(available: list[int]) -> None:
    assert publishable(available, PublishRules()) == sum(max(0, units) for units in available)
