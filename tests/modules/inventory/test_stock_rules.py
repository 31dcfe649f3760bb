"""The laws of the rules of stock."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.modules.inventory.contracts import (
    Demand,
    EntryKind,
    Level,
    Movement,
    PromiseId,
    Reservation,
    Spot,
)
from comptoir.modules.inventory.domain import (
    allocate,
    free_of_defects,
    give_back,
    recounted,
    release,
    reserve,
    short_after,
    summed,
    take,
)
from comptoir.modules.locations.contracts import LocationId

PLACES = [LocationId(UUID(int=n)) for n in range(4)]
ORDER = PromiseId(UUID(int=99))
SKUS = "ABC"

places = st.sampled_from(PLACES)
stocks = st.dictionaries(st.tuples(st.sampled_from(SKUS), places), st.integers(-3, 12))
candidates = st.lists(places, unique=True)


@st.composite
def demand_lists(draw: st.DrawFn) -> list[Demand]:
    rows = draw(st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 10)), min_size=1, max_size=5))
    return [Demand(n, sku, quantity) for n, (sku, quantity) in enumerate(rows, start=1)]


def reachable(available: Mapping[Spot, int], sku: str, locations: list[LocationId]) -> int:
    return sum(max(0, available.get((sku, location), 0)) for location in locations)


@given(demand_lists(), candidates, stocks)
def test_allocation_gives_all_that_is_there_and_never_more(
    demands: list[Demand], locations: list[LocationId], stock: dict[Spot, int]
) -> None:
    left = dict(stock)
    allocations, lacking = allocate(demands, locations, left)
    skus = {demand.line_no: demand.sku for demand in demands}
    for (sku, location), before in stock.items():
        taken = sum(a.quantity for a in allocations if a.location_id == location and skus[a.line_no] == sku)
        assert left[sku, location] == before - taken
        assert taken == 0 or (left[sku, location] >= 0 and location in locations)
    for demand in demands:
        given_units = sum(a.quantity for a in allocations if a.line_no == demand.line_no)
        missing = sum(x.quantity for x in lacking if x.line_no == demand.line_no)
        assert given_units + missing == demand.quantity
        assert all(a.quantity > 0 for a in allocations)
    for sku in set(skus.values()):
        if any(x.sku == sku for x in lacking):
            assert reachable(left, sku, locations) == 0
    keys = [(a.line_no, a.location_id) for a in allocations]
    assert len(set(keys)) == len(keys)


@given(demand_lists(), candidates, stocks)
def test_one_location_that_can_serve_everything_is_taken_before_any_split(
    demands: list[Demand], locations: list[LocationId], stock: dict[Spot, int]
) -> None:
    needed: dict[str, int] = {}
    for demand in demands:
        needed[demand.sku] = needed.get(demand.sku, 0) + demand.quantity
    able = [at for at in locations if all(stock.get((sku, at), 0) >= units for sku, units in needed.items())]
    allocations, lacking = allocate(demands, locations, dict(stock))
    if able:
        assert lacking == []
        assert {a.location_id for a in allocations} == {able[0]}


@given(demand_lists(), candidates, stocks)
def test_what_is_given_back_was_never_taken(demands: list[Demand], locations: list[LocationId], stock: dict[Spot, int]) -> None:
    left = dict(stock)
    allocations, _ = allocate(demands, locations, left)
    give_back(allocations, {demand.line_no: demand.sku for demand in demands}, left)
    assert left == stock


reservation_lists = st.dictionaries(
    st.tuples(st.integers(1, 3), places), st.tuples(st.sampled_from(SKUS), st.integers(1, 9)), max_size=8
).map(lambda rows: [Reservation(ORDER, line_no, at, sku, units) for (line_no, at), (sku, units) in rows.items()])


@given(reservation_lists, st.integers(1, 3), st.integers(1, 30), st.none() | places)
def test_take_gives_exactly_what_is_asked_or_refuses(
    reservations: list[Reservation], line_no: int, quantity: int, at: LocationId | None
) -> None:
    fitting = [r for r in reservations if r.line_no == line_no and at in (None, r.location_id)]
    if sum(r.quantity for r in fitting) < quantity:
        with pytest.raises(ValueError, match="reserved of the"):
            take(reservations, line_no, quantity, at)
        return
    taken = take(reservations, line_no, quantity, at)
    assert sum(r.quantity for r in taken) == quantity
    for part in taken:
        (whole,) = [r for r in fitting if r.location_id == part.location_id]
        assert 0 < part.quantity <= whole.quantity


@given(reservation_lists)
def test_releasing_undoes_reserving(reservations: list[Reservation]) -> None:
    assert all(not any(change) for change in summed([*reserve(reservations), *release(reservations)]).values())


units = st.integers(-20, 20)
movements = st.builds(
    Movement, st.sampled_from(EntryKind), st.sampled_from(SKUS), places, units, units, units, units, units, units
)


@given(st.lists(movements), st.lists(movements))
def test_sums_of_parts_are_the_sum_of_the_whole(some: list[Movement], others: list[Movement]) -> None:
    whole = summed([*some, *others])
    parts = (summed(some), summed(others))
    assert set(whole) == set(parts[0]) | set(parts[1])
    for spot, change in whole.items():
        assert tuple(change) == tuple(map(sum, zip(*(part.get(spot, Level()) for part in parts), strict=True)))
    assert summed(reversed([*some, *others])) == whole


amounts = st.integers(0, 20)
levels = st.builds(Level, units, amounts, amounts, amounts, amounts, amounts)


@given(levels, units)
def test_a_recounted_level_has_no_more_set_aside_than_on_hand(level: Level, on_hand: int) -> None:
    change = recounted(level, on_hand)
    after = Level(*map(sum, zip(level, change, strict=True)))
    assert after.on_hand == on_hand
    assert (after.reserved, after.safety, after.incoming) == (level.reserved, level.safety, level.incoming)
    assert 0 <= after.damaged <= level.damaged
    assert 0 <= after.quality <= level.quality
    assert after.damaged + after.quality <= max(0, on_hand)
    if level.damaged + level.quality <= max(0, on_hand):
        assert (after.damaged, after.quality) == (level.damaged, level.quality)


@given(levels, levels)
def test_shortage_is_told_when_it_grows(before: Level, after: Level) -> None:
    assert short_after(before, after) == max(0, after.missing - before.missing)
    assert 0 <= after.missing <= after.reserved
    assert after.missing == max(0, after.reserved - free_of_defects(after))
