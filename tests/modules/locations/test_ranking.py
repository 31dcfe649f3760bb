from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.ids import uuid7
from comptoir.modules.locations.contracts import LocationId, PoolMember
from comptoir.modules.locations.domain import PoolGeometry, distance_km, rank

METRE = 0.001


def member(code: str, latitude: float | None = None, longitude: float | None = None, priority: int = 0) -> PoolMember:
    return PoolMember(LocationId(uuid7()), code, priority, latitude, longitude, ships=True, pickup=False, active=True)


def codes(members: list[PoolMember], destination: tuple[float, float] | None, first: int | None = None) -> list[str]:
    geometry = PoolGeometry.of(members)
    return [geometry.members[i].code for i in rank(geometry, destination, first)]


PARIS, LYON, LILLE = (48.8566, 2.3522), (45.764, 4.8357), (50.6292, 3.0573)
SHOPS = [member("LIL", *LILLE), member("LYO", *LYON), member("PAR", *PARIS), member("NOWHERE")]


def test_the_nearest_is_asked_first_and_whoever_has_no_place_last() -> None:
    assert codes(SHOPS, (45.7, 4.9)) == ["LYO", "PAR", "LIL", "NOWHERE"]
    assert codes(SHOPS, PARIS) == ["PAR", "LIL", "LYO", "NOWHERE"]


def test_priority_comes_before_distance() -> None:
    preferred = [*SHOPS[:3], replace(SHOPS[3], priority=0)]
    later = [replace(shop, priority=1) if shop.code == "PAR" else shop for shop in preferred]
    assert codes(later, PARIS) == ["LIL", "LYO", "NOWHERE", "PAR"]


def test_without_a_destination_it_is_priority_then_code() -> None:
    assert codes([member("b"), member("a"), member("z", priority=-1)], None) == ["z", "a", "b"]


def test_shops_in_one_place_are_asked_by_code() -> None:
    mall = [member(f"{n:03}", *LYON) for n in random.Random(3).sample(range(500), 500)]
    assert codes(mall, PARIS) == sorted(shop.code for shop in mall)
    assert codes(mall, PARIS, first=7) == [f"{n:03}" for n in range(7)]


def test_the_earth_is_round() -> None:
    assert codes([member("FIJI", -17.8, 178.0), member("NZ", -41.3, 174.8)], (-14.0, -171.0)) == ["FIJI", "NZ"]
    assert distance_km((0, 179.5), (0, -179.5)) == pytest.approx(111.195, abs=METRE)
    assert distance_km(PARIS, LYON) == pytest.approx(391.5, abs=0.1)


def test_an_empty_pool_has_nobody_to_ask() -> None:
    assert codes([], PARIS) == []


latitudes, longitudes = st.floats(-90, 90, width=32), st.floats(-180, 180, width=32)
places = st.tuples(latitudes, longitudes)


@st.composite
def pools(draw: st.DrawFn) -> list[PoolMember]:
    spots = draw(st.lists(places, min_size=1, max_size=4)) + draw(st.lists(places, max_size=6))
    count = draw(st.integers(1, 100))
    choice = random.Random(draw(st.integers(0, 1000)))
    return [
        member(f"{n:03}", *(choice.choice([*spots, (None, None)])), priority=choice.choice([0, 0, 1, 5]))
        for n in choice.sample(range(1000), count)
    ]


@given(pools(), places, st.integers(1, 120), st.booleans())
def test_the_order_is_that_of_haversine(
    members: list[PoolMember], destination: tuple[float, float], first: int, some: bool
) -> None:
    geometry = PoolGeometry.of(members)
    among = np.flatnonzero([n % 3 != 0 for n in range(len(members))]) if some else None
    positions = rank(geometry, destination, first, among)
    candidates = list(range(len(members))) if among is None else among.tolist()

    def away(position: int) -> float:
        shop = geometry.members[position]
        return (
            1e6
            if shop.latitude is None or shop.longitude is None
            else distance_km((shop.latitude, shop.longitude), destination)
        )

    def place(position: int) -> tuple[int, float | None, float | None]:
        shop = geometry.members[position]
        return shop.priority, shop.latitude, shop.longitude

    assert len(set(positions)) == len(positions) == min(first, len(candidates))
    assert set(positions) <= set(candidates)
    rest = [candidate for candidate in candidates if candidate not in positions]
    pairs = [*pairwise(positions), *((positions[-1], other) for other in rest if positions)]
    for earlier, later in pairs:
        a, b = geometry.members[earlier], geometry.members[later]
        assert a.priority <= b.priority
        if a.priority == b.priority:
            assert away(earlier) <= away(later) + 200 * METRE  # a cosine near the antipode tells 100 m apart
        if place(earlier) == place(later):
            assert a.code < b.code


@given(pools(), places, st.integers(1, 120))
def test_the_first_few_are_the_beginning_of_the_whole_order(
    members: list[PoolMember], destination: tuple[float, float], first: int
) -> None:
    geometry = PoolGeometry.of(members)
    assert rank(geometry, destination, first) == rank(geometry, destination)[:first]
