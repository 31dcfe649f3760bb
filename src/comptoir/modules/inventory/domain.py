"""The rules of stock, as functions of values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from enum import StrEnum

from comptoir.modules.inventory.contracts import (
    Allocation,
    Demand,
    EntryKind,
    Level,
    Movement,
    Reservation,
    Spot,
    TransferState,
)
from comptoir.modules.locations.contracts import LocationId


def allocate(
    demands: Sequence[Demand], candidates: Sequence[LocationId], available: MutableMapping[Spot, int]
) -> tuple[list[Allocation], list[Demand]]:
    """Where the units of an order come from, and what is lacking.

    `candidates` is in order of preference. One location that can serve everything is taken before any split; then each line
    goes to the first location that can serve it whole; then it is gathered from wherever there is some. `available` is
    lowered by what is allocated, so that the next order of a batch sees what is left.
    """
    needed: dict[str, int] = {}
    for demand in demands:
        needed[demand.sku] = needed.get(demand.sku, 0) + demand.quantity
    get = available.get
    for location in candidates:
        if all(get((sku, location), 0) >= quantity for sku, quantity in needed.items()):
            for sku, quantity in needed.items():
                available[sku, location] -= quantity
            return [Allocation(demand.line_no, location, demand.quantity) for demand in demands], []
    allocations: list[Allocation] = []
    lacking: list[Demand] = []
    for demand in demands:
        whole = next((loc for loc in candidates if get((demand.sku, loc), 0) >= demand.quantity), None)
        left = demand.quantity
        for location in candidates if whole is None else (whole,):
            taken = min(left, get((demand.sku, location), 0))
            if taken > 0:
                available[demand.sku, location] -= taken
                allocations.append(Allocation(demand.line_no, location, taken))
                left -= taken
                if left == 0:
                    break
        if left:
            lacking.append(Demand(demand.line_no, demand.sku, left))
    return allocations, lacking


def give_back(allocations: Iterable[Allocation], skus: Mapping[int, str], available: MutableMapping[Spot, int]) -> None:
    """Undoes `allocate`: the order is refused, and its neighbours may have the units."""
    for allocation in allocations:
        available[skus[allocation.line_no], allocation.location_id] += allocation.quantity


def reserve(reservations: Iterable[Reservation]) -> list[Movement]:
    """The entries that make these reservations."""
    return [
        Movement(
            kind=EntryKind.RESERVED,
            sku=r.sku,
            location_id=r.location_id,
            reserved=r.quantity,
            order_id=None if r.hold_until else r.promise_id,
            hold_id=r.promise_id if r.hold_until else None,
        )
        for r in reservations
    ]


def release(reservations: Iterable[Reservation]) -> list[Movement]:
    """The entries that end these reservations."""
    return [
        Movement(
            kind=EntryKind.RELEASED,
            sku=r.sku,
            location_id=r.location_id,
            reserved=-r.quantity,
            order_id=None if r.hold_until else r.promise_id,
            hold_id=r.promise_id if r.hold_until else None,
        )
        for r in reservations
    ]


def take(reservations: Sequence[Reservation], line_no: int, quantity: int, at: LocationId | None = None) -> list[Reservation]:
    """The parts of a promise's reservations that make up `quantity` of one line, at one location if it is named.

    Raises ValueError when they do not reach it.
    """
    taken: list[Reservation] = []
    left = quantity
    for r in reservations:
        if left == 0:
            break
        if r.line_no == line_no and (at is None or r.location_id == at):
            part = min(left, r.quantity)
            taken.append(r._replace(quantity=part))
            left -= part
    if left:
        msg = f"line {line_no} has {quantity - left} reserved of the {quantity} asked for"
        raise ValueError(msg)
    return taken


class TransferStep(StrEnum):
    SEND = "send"
    RECEIVE_PART = "receive_part"
    RECEIVE_ALL = "receive_all"
    CANCEL = "cancel"
    FIND = "find"
    """What was lost has turned up."""


TRANSFER_STEPS: Mapping[tuple[TransferState, TransferStep], TransferState] = {
    (TransferState.DRAFT, TransferStep.SEND): TransferState.IN_TRANSIT,
    (TransferState.DRAFT, TransferStep.CANCEL): TransferState.CANCELLED,
    (TransferState.IN_TRANSIT, TransferStep.RECEIVE_PART): TransferState.PARTLY_RECEIVED,
    (TransferState.IN_TRANSIT, TransferStep.RECEIVE_ALL): TransferState.RECEIVED,
    (TransferState.PARTLY_RECEIVED, TransferStep.RECEIVE_PART): TransferState.PARTLY_RECEIVED,
    (TransferState.PARTLY_RECEIVED, TransferStep.RECEIVE_ALL): TransferState.RECEIVED,
    (TransferState.PARTLY_RECEIVED, TransferStep.FIND): TransferState.PARTLY_RECEIVED,
    (TransferState.RECEIVED, TransferStep.FIND): TransferState.RECEIVED,
}
"""A transfer's life. What is on the road cannot be cancelled: it is received where it arrives, also with units missing."""


def summed(movements: Iterable[Movement]) -> dict[Spot, Level]:
    """What the movements change, by spot."""
    totals: dict[Spot, list[int]] = {}
    for m in movements:
        sums = totals.setdefault(m.spot, [0] * len(Level._fields))
        for i, delta in enumerate((m.on_hand, m.reserved, m.safety, m.damaged, m.quality, m.incoming)):
            sums[i] += delta
    return {spot: Level(*sums) for spot, sums in totals.items()}


def short_after(before: Level, after: Level) -> int:
    """Promised units that this change has left without stock, on top of those that lacked it before."""
    return max(0, after.missing - before.missing)


def recounted(level: Level, on_hand: int) -> Level:
    """The change that makes a level's on hand `on_hand`.

    Units that are set aside are part of it: where fewer are left than were set aside, the held ones are taken to be gone first,
    then the damaged ones.
    """
    left = max(0, on_hand)
    damaged = min(level.damaged, left)
    quality = min(level.quality, left - damaged)
    return Level(on_hand=on_hand - level.on_hand, damaged=damaged - level.damaged, quality=quality - level.quality)


def free_of_defects(level: Level) -> int:
    """Units on hand that are neither damaged nor held for quality; 0 where less than nothing is on hand."""
    return max(0, level.on_hand - level.damaged - level.quality)


def next_state(state: TransferState, step: TransferStep) -> TransferState | None:
    """None where the step cannot be taken."""
    return TRANSFER_STEPS.get((state, step))
