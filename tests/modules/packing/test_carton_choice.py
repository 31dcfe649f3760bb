"""Which cartons units fit in: never overfull, never too heavy, every unit placed, and good where a person sees what is good."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.kernel.time import utcnow
from comptoir.modules.catalogue.contracts import Goods, Unit
from comptoir.modules.packing.contracts import Carton, CartonId, Load
from comptoir.modules.packing.domain import Block, Stack, fill, guessed_volume, propose, shaped
from support.effort import examples

NOW = utcnow()


def carton(code: str, length: int, width: int, height: int, *, weight: int = 0, most: int = 30_000, cost: int = 0) -> Carton:
    return Carton(
        id=CartonId(UUID(int=length * width * height)),
        code=code,
        name=code,
        length=length,
        width=width,
        height=height,
        weight=weight,
        max_weight=most,
        cost=cost,
        version=1,
        created_at=NOW,
        updated_at=NOW,
    )


def goods(sku: str, length: int = 0, width: int = 0, height: int = 0, weight: int = 0, unit: Unit = Unit.UNIT) -> Goods:
    return Goods(
        sku=sku, unit=unit, weight=weight, length=length, width=width, height=height, dangerous=False, hs_code="", origin="",
        category=(),
    )  # fmt: skip


S, M, L = carton("S", 200, 150, 100, weight=90), carton("M", 300, 200, 150, weight=180), carton("L", 400, 300, 300, weight=400)


def proposed(cartons: list[Carton], *wanted: tuple[Goods, int]) -> list[tuple[str, dict[int, int]]]:
    loads = [Load(no, one.sku, quantity) for no, (one, quantity) in enumerate(wanted, 1)]
    boxes = propose(cartons, loads, {one.sku: one for one, _ in wanted}).boxes
    return [(box.carton.code if box.carton else "", dict(box.shares)) for box in boxes]


# Laws

sides = st.integers(1, 60)
stacks = st.lists(
    st.builds(
        Stack,
        line_no=st.integers(1, 9),
        sides=st.tuples(sides, sides, sides),
        weight=st.integers(0, 400),
        count=st.integers(1, 30),
    ),
    min_size=1,
    max_size=8,
)


def cells(block: Block) -> tuple[tuple[int, int], ...]:
    return tuple((at, at + size) for at, size in zip(block.at, block.extent, strict=True))


@settings(max_examples=examples(150), deadline=None)
@given(stacks, st.tuples(st.integers(5, 120), st.integers(5, 120), st.integers(5, 120)), st.integers(1, 5_000))
def test_what_is_filled_neither_overlaps_nor_sticks_out_nor_is_too_heavy(
    wanted: list[Stack], inside: tuple[int, int, int], most: int
) -> None:
    box = carton("X", *inside, most=most)
    blocks = fill(box, wanted)
    for block in blocks:
        assert sorted(block.sides) == sorted(wanted[block.stack].sides), "turned, and not bent"
        assert all(0 <= low < high <= side for (low, high), side in zip(cells(block), inside, strict=True))
    for one, other in combinations(blocks, 2):
        apart = any(a[1] <= b[0] or b[1] <= a[0] for a, b in zip(cells(one), cells(other), strict=True))
        assert apart, (one, other)
    assert sum(wanted[block.stack].weight * block.count for block in blocks) <= most
    placed: Counter[int] = Counter()
    for block in blocks:
        placed[block.stack] += block.count
    assert all(placed[n] <= stack.count for n, stack in enumerate(wanted))


kinds = st.builds(
    goods,
    sku=st.just(""),
    length=st.integers(0, 500),
    width=st.integers(1, 400),
    height=st.integers(1, 300),
    weight=st.integers(0, 9_000),
    unit=st.sampled_from([Unit.UNIT, Unit.UNIT, Unit.UNIT, Unit.THOUSANDTH]),
)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.tuples(kinds, st.integers(1, 40)), min_size=1, max_size=7), st.permutations([S, M, L]))
def test_every_unit_gets_a_box_and_no_box_is_too_heavy(wanted: list[tuple[Goods, int]], cartons: list[Carton]) -> None:
    named = [(replace(one, sku=f"G{n}"), quantity) for n, (one, quantity) in enumerate(wanted)]
    known = {one.sku: one for one, _ in named}
    loads = [Load(n, one.sku, quantity) for n, (one, quantity) in enumerate(named)]
    found = propose(cartons, loads, known)
    placed: Counter[int] = Counter()
    for box in found.boxes:
        contents = 0
        for line, quantity in box.shares:
            placed[line] += quantity
            contents += known[f"G{line}"].weighs(quantity)
        if box.carton is None:
            assert len(box.shares) == 1, "what fits nowhere goes alone"
            continue
        assert contents <= box.carton.max_weight
        assert box.weight == contents + box.carton.weight
        assert 0 < box.filled <= 1
    assert placed == Counter({load.line_no: load.quantity for load in loads})
    assert propose(list(reversed(cartons)), loads, known) == found, "the order of the cartons does not matter"
    unmeasured = {one.sku for one, _ in named if not one.length or one.unit is not Unit.UNIT}
    assert set(found.guessed) == unmeasured
    assert set(found.unweighed) == {one.sku for one, q in named if not one.weighs(q if one.unit is not Unit.UNIT else 1)}


@given(st.integers(1, 10**8))
def test_what_is_not_known_is_a_body_of_that_volume_no_flatter_than_it_has_to_be(volume: int) -> None:
    shape = shaped(volume, M)
    assert shape[0] * shape[1] * shape[2] >= volume
    assert shape[1] <= 200
    assert shape[2] <= 150


# By example


def test_books_go_into_the_smallest_carton_that_holds_them() -> None:
    book = goods("BOOK", 190, 140, 30, 400)
    assert proposed([L, M, S], (book, 3)) == [("S", {1: 3})]
    assert proposed([L, M, S], (book, 4)) == [("M", {1: 4})]


def test_twenty_seven_bricks_fit_where_three_times_three_times_three_do() -> None:
    """65 × 66 × 83 into 200 × 200 × 300: a known trap for packers that place one piece after another."""
    box = carton("X", 200, 200, 300)
    assert proposed([box], (goods("BRICK", 65, 66, 83, 19), 27)) == [("X", {1: 27})]
    assert [units for _, units in proposed([box], (goods("BRICK", 65, 66, 83, 19), 30))] == [{1: 27}, {1: 3}]


def test_different_goods_share_a_carton_and_the_cheaper_one_is_taken() -> None:
    lamp, bulb = goods("LAMP", 280, 180, 90, 900), goods("BULB", 60, 60, 55, 40)
    assert proposed([S, M, L], (bulb, 4), (lamp, 1)) == [("M", {1: 4, 2: 1})]
    dear = replace(M, cost=90)
    cheap = replace(L, cost=60)
    assert proposed([S, dear, cheap], (bulb, 4), (lamp, 1)) == [("L", {1: 4, 2: 1})]


def test_what_is_too_heavy_for_one_goes_in_several() -> None:
    weak = replace(M, max_weight=1_000)
    assert proposed([weak], (goods("IRON", 30, 30, 30, 400), 5)) == [("M", {1: 2}), ("M", {1: 2}), ("M", {1: 1})]


def test_what_fits_in_no_carton_goes_alone() -> None:
    ski = goods("SKI", 1_800, 100, 40, 3_000)
    assert proposed([S, M, L], (ski, 2)) == [("", {1: 1}), ("", {1: 1})]
    anvil = goods("ANVIL", 100, 100, 100, 45_000)
    assert proposed([S, M, L], (anvil, 1)) == [("", {1: 1})]


def test_without_measures_the_weight_says_how_large_it_is_and_without_weight_it_is_a_litre() -> None:
    assert (guessed_volume(200), guessed_volume(0)) == (1_000_000, 1_000_000)
    found = propose(
        [S, M, L], [Load(1, "A", 2), Load(2, "B", 1), Load(3, "NOBODY", 1)], {"A": goods("A", weight=400), "B": goods("B")}
    )
    assert (found.guessed, found.unweighed) == (("A", "B", "NOBODY"), ("B", "NOBODY"))
    (box,) = found.boxes
    assert box.carton is L
    assert box.weight == 800 + 400
    flat = carton("FLAT", 400, 300, 50)
    assert proposed([flat], (goods("A", weight=1_000), 1)) == [("FLAT", {1: 1})], "a cube of 171 mm would not go in"


def test_what_is_weighed_goes_as_one_piece() -> None:
    ham = goods("HAM", weight=1_000, unit=Unit.THOUSANDTH)
    assert proposed([S, M, L], (ham, 1_250)) == [("L", {1: 1_250})]


@pytest.mark.parametrize("lines", [500])
def test_an_order_of_hundreds_of_lines_does_not_take_long(lines: int) -> None:
    many = [(goods(f"G{n}", 20 + n % 83, 30 + n % 61, 10 + n % 37, 50 + n), 1 + n % 7) for n in range(lines)]
    boxes = proposed([S, M, L], *many)
    assert sum(sum(units.values()) for _, units in boxes) == sum(quantity for _, quantity in many)
