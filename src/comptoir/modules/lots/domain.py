"""The rules of lots: who may get them, which leaves first, and what is kept from buyers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from comptoir.modules.lots.contracts import Carried, Shelf, Terms, Why


def why_not(expires_on: date | None, terms: Terms, today: date, *, blocked: bool) -> Why | None:
    """Why nobody may get a lot today; None where they may. The day that is written on it is its last."""
    if blocked:
        return Why.BLOCKED
    if expires_on is None:
        return None
    if expires_on < today:
        return Why.EXPIRED
    arrives = today + timedelta(days=terms.transit_days)
    return Why.TOO_SOON if (expires_on - arrives).days < terms.shelf_life_left else None


def first_expired(shelves: Iterable[Shelf]) -> list[Shelf]:
    """What expires first is first; what has no date leaves in the order in which it came."""
    return sorted(shelves, key=lambda one: (one.expires_on or date.max, one.received_at, one.code))


def shed(shelves: Sequence[Shelf], excess: int, freed: int) -> dict[str, tuple[int, int]]:
    """Which units are gone, by lot, as (units, held units), where `excess` units more are in lots than on hand.

    `freed` units have left the hold otherwise: those are gone first. Then what expires first and is not held.
    """
    gone: dict[str, tuple[int, int]] = {}
    left = max(0, excess)

    def take(of_held: bool, most: int) -> int:
        taken = 0
        for one in first_expired(shelves):
            units, held = gone.get(one.code, (0, 0))
            there = one.held - held if of_held else one.on_hand - one.held - (units - held)
            n = min(there, most - taken)
            if n > 0:
                gone[one.code] = (units + n, held + n if of_held else held)
                taken += n
        return taken

    left -= take(True, min(left, max(0, freed)))
    left -= take(False, left)
    take(True, left)
    return gone


def holds(shelves: Sequence[Shelf], terms: Terms, today: date, room: int) -> dict[str, int]:
    """How much of each lot is to be held, of at most `room` units that are in order."""
    wanted: dict[str, int] = {}
    left = max(0, room)
    for one in first_expired(shelves):
        barred = why_not(one.expires_on, terms, today, blocked=one.blocked)
        n = min(left, one.on_hand) if barred else 0
        wanted[one.code] = n
        left -= n
    return wanted


def proposed(shelves: Iterable[Shelf], terms: Mapping[str, Terms], today: date) -> dict[str, list[Shelf]]:
    """By SKU what may be taken, what expires first first."""
    found: dict[str, list[Shelf]] = {}
    for one in first_expired(shelves):
        known = terms.get(one.sku)
        if known is not None and one.on_hand > one.held and not why_not(one.expires_on, known, today, blocked=one.blocked):
            found.setdefault(one.sku, []).append(one)
    return found


def earlier(shelves: Iterable[Shelf], code: str, expires_on: date | None) -> Shelf | None:
    """Of what may be taken, what is to be taken before a lot; None where that one is as good as any."""
    first = first_expired(shelves)
    if not first or first[0].code == code:
        return None
    own = next((one for one in first if one.code == code), None)
    if own is None:  # nothing is known to lie here of it
        return first[0] if (first[0].expires_on or date.max) < (expires_on or date.max) else None
    return first[0] if (first[0].expires_on or date.max) < (own.expires_on or date.max) else None


def on_the_road(rows: Iterable[Carried]) -> list[str]:
    """The lots in the order in which they are taken to have come, what expires first first; those without a lot at the end."""
    found = sorted(rows, key=lambda one: (not one.code, one.expires_on or date.max, one.code))
    return [one.code for one in found]
