"""The arithmetic of replenishment, as functions of values. The database does the same for all locations at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One SKU at one location: `free` is on hand without what is reserved or set aside, and still has the safety stock in it;
    `leaving` and `incoming` are with what is only planned.
    """

    free: int
    safety: int = 0
    incoming: int = 0
    leaving: int = 0
    sold: int = 0
    days: int = 28

    def lasting(self, days: int) -> int:
        """Units that cover so many days, with the safety stock."""
        return -(-max(0, self.sold) * days // self.days) + self.safety


class Share(NamedTuple):
    """So many units from one to the other, by their places in what was given."""

    donor: int
    needer: int
    units: int


def need(shelf: Shelf, *, cover: int, reorder: int, multiple: int = 1) -> int:
    """Units to fill it up with, in whole packs; none where what is there and coming lasts long enough."""
    there = shelf.free + shelf.incoming - shelf.leaving
    if there >= shelf.lasting(reorder):
        return 0
    return -(-(shelf.lasting(cover) - there) // multiple) * multiple


def spare(shelf: Shelf, *, keep: int, multiple: int = 1) -> int:
    """Units that may leave, in whole packs: never what is reserved, planned to leave, safety stock, or sold in `keep` days."""
    return max(0, (shelf.free - shelf.leaving - shelf.lasting(keep)) // multiple * multiple)


def share(spares: Sequence[int], needs: Sequence[int]) -> list[Share]:
    """Who gives what to whom: the first donor to the first needer, and so on as far as it reaches."""
    found: list[Share] = []
    donor = needer = 0
    left, wanted = list(spares), list(needs)
    while donor < len(left) and needer < len(wanted):
        units = min(left[donor], wanted[needer])
        if units > 0:
            found.append(Share(donor, needer, units))
            left[donor] -= units
            wanted[needer] -= units
        if not left[donor]:
            donor += 1
        elif not wanted[needer]:
            needer += 1
    return found
