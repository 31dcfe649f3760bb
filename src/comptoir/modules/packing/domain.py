"""The rules of packing, as functions of values: which cartons units fit in.

A carton is filled by guillotine cuts: a block of alike units is put into a corner of a free room, and what is left of that room
is cut into three rooms that do not overlap. What is placed can therefore neither overlap nor stick out, whatever the choice of
rooms; the choice only decides how well a carton is used. Nothing is ever proposed that does not fit by the measures that are
known; that something fits better than is proposed can happen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import NamedTuple

from comptoir.kernel.checking import Checks
from comptoir.modules.catalogue.contracts import Goods, Unit
from comptoir.modules.packing.contracts import Carton, CartonDraft, Load, Proposal, ProposedBox, Share

MAX_LENGTH = 10_000
MAX_WEIGHT = 2_000_000
MAX_COST = 10**9
VOLUME_PER_GRAM = 5_000
"""Cubic millimetres: carriers reckon five litres for a kilogram."""
VOLUME_OF_THE_UNKNOWN = 1_000_000
"""Cubic millimetres of a unit of which neither measures nor weight are known: a litre."""
_AT_ONCE = 60
"""Kinds of goods that are packed together; an order of hundreds of lines is packed in turns."""
_ROOMS = 60
"""Free rooms that are kept in mind; the smallest are forgotten first."""
_TRIED = 4
"""Cartons that are tried for what does not fit in one."""

Sides = tuple[int, int, int]


def checked(draft: CartonDraft, checks: Checks) -> CartonDraft:
    """The draft with clean values; what is wrong with it is in `checks`."""
    code = checks.code("code", draft.code)
    return replace(
        draft,
        code=code,
        name=checks.words("name", draft.name) or code,
        length=checks.whole("length", draft.length, 1, MAX_LENGTH),
        width=checks.whole("width", draft.width, 1, MAX_LENGTH),
        height=checks.whole("height", draft.height, 1, MAX_LENGTH),
        weight=checks.whole("weight", draft.weight, 0, MAX_WEIGHT),
        max_weight=checks.whole("max_weight", draft.max_weight, 1, MAX_WEIGHT),
        cost=checks.whole("cost", draft.cost, 0, MAX_COST),
    )


@dataclass(frozen=True, slots=True)
class Stack:
    """Alike pieces that want a carton. A piece is `units` of its line: one, or all of what is weighed."""

    line_no: int
    sides: Sides
    weight: int
    count: int
    units: int = 1

    @property
    def volume(self) -> int:
        return math.prod(self.sides)


class Room(NamedTuple):
    """A cuboid inside a carton: from a corner, with its sides."""

    at: Sides
    sides: Sides

    @property
    def volume(self) -> int:
        return math.prod(self.sides)


@dataclass(frozen=True, slots=True)
class Block:
    """Pieces of a stack side by side: `grid` of them along each axis, each with `sides` as it lies."""

    stack: int
    at: Sides
    sides: Sides
    grid: Sides

    @property
    def count(self) -> int:
        return math.prod(self.grid)

    @property
    def extent(self) -> Sides:
        (a, b, c), (x, y, z) = self.sides, self.grid
        return a * x, b * y, c * z


def propose(cartons: Sequence[Carton], loads: Sequence[Load], goods: Mapping[str, Goods]) -> Proposal:
    """Boxes for all units, in as few cartons as the search finds, each the cheapest that holds what is in it.

    Of equally dear cartons the smallest is taken. A piece that fits none goes alone.
    """
    largest = max(cartons, key=lambda one: one.volume)
    stacks, guessed, unweighed = _stacks(loads, goods, largest)
    by_cost = sorted(cartons, key=lambda one: (one.cost, one.volume, one.code))
    boxes: list[ProposedBox] = []
    for begin in range(0, len(stacks), _AT_ONCE):
        boxes += _boxes(by_cost, stacks[begin : begin + _AT_ONCE])
    return Proposal(boxes=tuple(boxes), guessed=tuple(sorted(guessed)), unweighed=tuple(sorted(unweighed)))


def _stacks(loads: Sequence[Load], goods: Mapping[str, Goods], largest: Carton) -> tuple[list[Stack], set[str], set[str]]:
    stacks: list[Stack] = []
    guessed: set[str] = set()
    unweighed: set[str] = set()
    for load in loads:
        if load.quantity <= 0:
            continue
        known = goods.get(load.sku)
        whole = known is not None and known.unit is not Unit.UNIT
        units = load.quantity if whole else 1
        weight = 0 if known is None else known.weighs(units)
        sides = (0, 0, 0) if known is None or whole else (known.length, known.width, known.height)
        if not weight:
            unweighed.add(load.sku)
        if not all(sides):
            guessed.add(load.sku)
            sides = shaped(guessed_volume(weight), largest)
        stacks.append(Stack(load.line_no, sides, weight, load.quantity // units, units))
    return stacks, guessed, unweighed


def guessed_volume(weight: int) -> int:
    """Cubic millimetres of a piece whose measures nobody knows: by its weight as carriers reckon it, else a litre."""
    return weight * VOLUME_PER_GRAM or VOLUME_OF_THE_UNKNOWN


def shaped(volume: int, largest: Carton) -> Sides:
    """A cube of that volume, or, where the largest carton is too flat or too narrow for it, what is nearest to one."""
    low, middle, _ = sorted((largest.length, largest.width, largest.height))
    height = min(_root(volume, 3), low)
    base = -(-volume // height)
    width = min(_root(base, 2), middle)
    return -(-base // width), width, height


def _root(value: int, degree: int) -> int:
    """The smallest whole number whose power is at least the value."""
    root = max(1, round(value ** (1 / degree)))
    while root**degree < value:
        root += 1
    while root > 1 and (root - 1) ** degree >= value:
        root -= 1
    return root


def _boxes(by_cost: Sequence[Carton], stacks: Sequence[Stack]) -> Iterator[ProposedBox]:
    left = [stack.count for stack in stacks]
    while any(left):
        wanted = [replace(stack, count=count) for stack, count in zip(stacks, left, strict=True)]
        found = _one_for_all(by_cost, wanted) or _fullest(by_cost, wanted)
        if found is None:
            n = next(n for n, count in enumerate(left) if count)
            yield _alone(stacks[n])
            left[n] -= 1
            continue
        carton, blocks = found
        for block in blocks:
            left[block.stack] -= block.count
        carton, blocks = _smaller(by_cost, carton, wanted, blocks)
        yield _box(carton, wanted, blocks)


def _one_for_all(by_cost: Sequence[Carton], stacks: Sequence[Stack]) -> tuple[Carton, list[Block]] | None:
    pieces = sum(stack.count for stack in stacks)
    volume, weight = sum(one.volume * one.count for one in stacks), sum(one.weight * one.count for one in stacks)
    for carton in by_cost:
        if carton.volume >= volume and carton.max_weight >= weight:
            blocks = fill(carton, stacks)
            if sum(block.count for block in blocks) == pieces:
                return carton, blocks
    return None


def _fullest(by_cost: Sequence[Carton], stacks: Sequence[Stack]) -> tuple[Carton, list[Block]] | None:
    """Of the largest cartons, the one that takes most; None where nothing fits in any."""
    largest = sorted(by_cost, key=lambda one: -one.volume)
    tried = [(carton, fill(carton, stacks)) for carton in largest[:_TRIED]]
    if not any(blocks for _, blocks in tried):
        tried = [(carton, fill(carton, stacks)) for carton in largest[_TRIED:]]
    best = max(tried, key=lambda pair: sum(stacks[one.stack].volume * one.count for one in pair[1]), default=None)
    return best if best is not None and best[1] else None


def _smaller(
    by_cost: Sequence[Carton], carton: Carton, stacks: Sequence[Stack], blocks: Sequence[Block]
) -> tuple[Carton, list[Block]]:
    """The cheapest carton that holds the same."""
    counts = _counts(blocks)
    inside = [replace(stack, count=counts.get(n, 0)) for n, stack in enumerate(stacks)]
    found = _one_for_all(by_cost[: by_cost.index(carton)], inside)
    return found or (carton, list(blocks))


def _counts(blocks: Sequence[Block]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for block in blocks:
        counts[block.stack] = counts.get(block.stack, 0) + block.count
    return counts


def _box(carton: Carton, stacks: Sequence[Stack], blocks: Sequence[Block]) -> ProposedBox:
    inside = [(stacks[n], count) for n, count in sorted(_counts(blocks).items())]
    return ProposedBox(
        carton=carton,
        shares=tuple([Share(stack.line_no, stack.units * count) for stack, count in inside]),
        weight=carton.weight + sum(stack.weight * count for stack, count in inside),
        filled=sum(stack.volume * count for stack, count in inside) / carton.volume,
    )


def _alone(stack: Stack) -> ProposedBox:
    return ProposedBox(carton=None, shares=(Share(stack.line_no, stack.units),), weight=stack.weight, filled=0.0)


# Filling one carton


def fill(carton: Carton, stacks: Sequence[Stack]) -> list[Block]:
    """As much of the stacks as the search gets into a carton: the bulkiest first. Never more than it may weigh."""
    rooms = [Room((0, 0, 0), (carton.length, carton.width, carton.height))]
    may_weigh = carton.max_weight
    blocks: list[Block] = []
    for n in sorted(range(len(stacks)), key=lambda n: (-stacks[n].volume, -max(stacks[n].sides), n)):
        stack = stacks[n]
        left = min(stack.count, may_weigh // stack.weight) if stack.weight else stack.count
        while left and (found := _best(rooms, n, stack, left)) is not None:
            room, block = found
            rooms.remove(room)
            rooms += _cut(room, block.extent)
            rooms.sort(key=lambda one: one.volume)
            del rooms[:-_ROOMS]
            blocks.append(block)
            left -= block.count
            may_weigh -= stack.weight * block.count
    return blocks


def _best(rooms: Sequence[Room], n: int, stack: Stack, left: int) -> tuple[Room, Block] | None:
    """Where most pieces lie together; of equals, in the smallest room, and as flush with it as can be."""
    best: tuple[int, int, int] | None = None
    found: tuple[Room, Block] | None = None
    ways = sorted({(a, b, c) for a, b, c in permutations(stack.sides)})
    for room in rooms:
        for sides in ways:
            grid = _grid(room.sides, sides, left)
            if grid is None:
                continue
            gap = min(space - side * count for space, side, count in zip(room.sides, sides, grid, strict=True))
            rank = (math.prod(grid), -room.volume, -gap)
            if best is None or rank > best:
                best, found = rank, (room, Block(n, room.at, sides, grid))
    return found


def _grid(space: Sides, sides: Sides, left: int) -> Sides | None:
    """How many lie along each axis, with no gap among them; None where not one fits."""
    x = min(space[0] // sides[0], left)
    y = min(space[1] // sides[1], left // x) if x else 0
    z = min(space[2] // sides[2], left // (x * y)) if y else 0
    return (x, y, z) if z else None


def _cut(room: Room, taken: Sides) -> list[Room]:
    """What is left of a room whose corner is taken: three rooms at most, cut so that one of them is as large as can be."""
    return max((_cut_along(room, taken, axes) for axes in permutations(range(3))), key=_largest)


def _largest(rooms: Sequence[Room]) -> int:
    return max((room.volume for room in rooms), default=0)


def _cut_along(room: Room, taken: Sides, axes: Sequence[int]) -> list[Room]:
    """The first cut goes through the whole room, each further one through what is left beside the block."""
    rooms: list[Room] = []
    sides = list(room.sides)
    for axis in axes:
        rest = sides[axis] - taken[axis]
        if rest:
            at, size = list(room.at), list(sides)
            at[axis] += taken[axis]
            size[axis] = rest
            rooms.append(Room((at[0], at[1], at[2]), (size[0], size[1], size[2])))
        sides[axis] = taken[axis]
    return rooms
