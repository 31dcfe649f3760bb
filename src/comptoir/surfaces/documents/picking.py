"""The order in which a round goes through the bins, and what is taken at each stop."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from comptoir.surfaces.documents.contracts import ItemLot, PickLine

_PARTS = re.compile(r"\d+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Stop:
    """One SKU in one bin, for one order or several."""

    first: PickLine
    """What is said of the SKU is said here."""
    lines: tuple[PickLine, ...]
    new_aisle: bool

    @property
    def quantity(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def lots(self) -> list[ItemLot]:
        """Which lots to take, in the order in which to take them."""
        found: dict[str, ItemLot] = {}
        for lot in (lot for line in self.lines for lot in line.lots):
            before = found.get(lot.code)
            found[lot.code] = lot if before is None else replace(lot, quantity=lot.quantity + before.quantity)
        return list(found.values())


def stops(lines: Iterable[PickLine]) -> list[Stop]:
    """What to take, in the order of the bins: `A-2` stands before `A-10`, and what has no bin comes last."""
    result: list[Stop] = []
    aisle: str | None = None
    for _, together in groupby(sorted(lines, key=_in_walking_order), key=_stop):
        group = tuple(together)
        begins = _aisle(group[0].bin)
        result.append(Stop(group[0], group, new_aisle=aisle is not None and begins != aisle))
        aisle = begins
    return result


def _stop(line: PickLine) -> tuple[str, str, bool]:
    return line.bin, line.sku, line.weighed


def _in_walking_order(line: PickLine) -> tuple[object, ...]:
    return (not line.bin, _natural(line.bin), line.bin, line.sku, line.weighed, line.tote, _natural(line.order_number))


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Digits are compared as numbers, and come before letters."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in _PARTS.findall(name))


def _aisle(name: str) -> str:
    """The first part of a bin's name."""
    found = _PARTS.search(name)
    return found.group() if found else ""
