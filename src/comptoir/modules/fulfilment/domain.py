"""The rules of fulfilment, as functions of values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentLine,
    Handshake,
    Parcel,
    ParcelId,
    Request,
    SkuBin,
    State,
    Step,
)

STEPS: Mapping[tuple[State, Step], State] = {
    (State.SCHEDULED, Step.RELEASE): State.OPEN,
    (State.SCHEDULED, Step.HOLD): State.ON_HOLD,
    (State.OPEN, Step.HOLD): State.ON_HOLD,
    (State.ON_HOLD, Step.RESUME): State.OPEN,
    (State.SCHEDULED, Step.BEGIN): State.IN_PROGRESS,
    (State.OPEN, Step.BEGIN): State.IN_PROGRESS,
    (State.INCOMPLETE, Step.BEGIN): State.IN_PROGRESS,
    (State.IN_PROGRESS, Step.PUT_BACK): State.OPEN,
    (State.IN_PROGRESS, Step.STOP): State.INCOMPLETE,
    **{(state, Step.CLOSE): State.CLOSED for state in State if state not in {State.CLOSED, State.CANCELLED}},
    **{(state, Step.CANCEL): State.CANCELLED for state in State if state not in {State.CLOSED, State.CANCELLED}},
}
"""A fulfilment order's life. It is closed from anywhere: what has left has left, whatever was thought of it."""

HANDSHAKE: Mapping[tuple[Request, Handshake], Request] = {
    (Request.UNSUBMITTED, Handshake.SUBMIT): Request.SUBMITTED,
    (Request.SUBMITTED, Handshake.ACCEPT): Request.ACCEPTED,
    (Request.SUBMITTED, Handshake.REJECT): Request.REJECTED,
    (Request.SUBMITTED, Handshake.ASK_CANCELLATION): Request.CANCELLATION_REQUESTED,
    (Request.ACCEPTED, Handshake.ASK_CANCELLATION): Request.CANCELLATION_REQUESTED,
    (Request.CANCELLATION_REJECTED, Handshake.ASK_CANCELLATION): Request.CANCELLATION_REQUESTED,
    (Request.CANCELLATION_REQUESTED, Handshake.ACCEPT_CANCELLATION): Request.CANCELLATION_ACCEPTED,
    (Request.CANCELLATION_REQUESTED, Handshake.REJECT_CANCELLATION): Request.CANCELLATION_REJECTED,
    (Request.ACCEPTED, Handshake.CLOSE): Request.CLOSED,
    (Request.CANCELLATION_REJECTED, Handshake.CLOSE): Request.CLOSED,
}
"""What a third party and we say to each other."""

_TAKEN = frozenset({Request.ACCEPTED, Request.CANCELLATION_REQUESTED, Request.CANCELLATION_REJECTED})
ACTIVE = (State.SCHEDULED, State.OPEN, State.ON_HOLD, State.IN_PROGRESS, State.INCOMPLETE)
NOT_BEGUN = (State.SCHEDULED, State.OPEN, State.ON_HOLD)

STAGE_SQL = """CASE
WHEN state = 'cancelled' THEN 'cancelled'
WHEN state = 'closed' THEN 'done'
WHEN state IN ('scheduled', 'on_hold', 'incomplete') THEN 'waiting'
WHEN method = 'hand_out' AND ready_at IS NULL THEN 'to_receive'
WHEN method = 'hand_out' THEN 'ready'
WHEN picked < quantity THEN 'to_pick'
WHEN method = 'collect' AND ready_at IS NOT NULL THEN 'ready'
WHEN packed < quantity OR method = 'collect' THEN 'to_pack'
ELSE 'to_hand_over' END"""
"""`contracts.Stage`, for the database."""


def next_state(state: State, step: Step) -> State | None:
    """None where the step cannot be taken."""
    return STEPS.get((state, step))


def is_taken(one: Fulfilment) -> bool:
    """Whether a third party has accepted it, and has not given it back."""
    return one.state in ACTIVE and one.request in _TAKEN


def answer(request: Request, step: Handshake) -> Request | None:
    """None where it cannot be said."""
    return HANDSHAKE.get((request, step))


HEAVIER = 10
"""Per cent: so much more on the scales than was ordered is what was ordered."""


def gone_past(line: FulfilmentLine, units: int, *, in_hand: bool = False) -> tuple[FulfilmentLine, int]:
    """The line after units of it have left that nobody took out of a box for that, and how many of them were in boxes.

    Those nobody has picked leave first, unless they were handed out of somebody's hands; then what is in no box. What has gone
    counts as picked and packed, so that what is packed and has not gone is always what is in the boxes that are still here.
    """
    unpicked = 0 if in_hand else min(units, line.quantity - line.picked)
    loose = min(units - unpicked, line.picked - line.packed)
    after = replace(line, picked=line.picked + unpicked, packed=line.packed + unpicked + loose, gone=line.gone + units)
    return after, units - unpicked - loose


def out_of_boxes(boxes: Sequence[Parcel], units: Mapping[int, int]) -> dict[ParcelId, dict[int, int]]:
    """From which boxes units are taken: from those of which nothing is left then (few are opened), then from the last."""
    left = {no: quantity for no, quantity in units.items() if quantity > 0}
    whole: list[Parcel] = []
    for box in reversed(boxes):
        if box.lines and all(left.get(no, 0) >= quantity for no, quantity in box.lines):
            whole.append(box)
            for no, quantity in box.lines:
                left[no] -= quantity
    taken = {box.id: dict(box.lines) for box in whole}
    for box in reversed(boxes):
        if box.id in taken:
            continue
        for no, quantity in box.lines:
            part = min(quantity, left.get(no, 0))
            if part > 0:
                left[no] -= part
                taken.setdefault(box.id, {})[no] = part
    return taken


def weighed(thousandths: int | None, wanted: int) -> int | None:
    """How many of the thousandths that are wanted this is; None where nobody knows the weight, or it is far too much."""
    if thousandths is None or thousandths < 1 or thousandths * 100 > wanted * (100 + HEAVIER):
        return None
    return min(thousandths, wanted)


_PARTS = re.compile(r"\d+|[^\W\d_]+", re.UNICODE)


def bin_parts(code: str) -> tuple[tuple[int, int, str], ...]:
    """The parts of a bin's code, such that codes sort as people read them: A-2-1 before A-10-1."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in _PARTS.findall(code))


def zone(code: str) -> str:
    """The first part of a bin's code: the zone, or the aisle, that it is in."""
    found = _PARTS.search(code)
    return "" if found is None else found[0].upper()


def walked(shelves: Sequence[SkuBin]) -> dict[str, int]:
    """The bins by their place on the walk: those that have a number first, by it; then the others, as `route` says."""
    numbered = {one.bin: one.sequence for one in shelves if one.sequence is not None}
    others = sorted({one.bin for one in shelves} - set(numbered))
    order = sorted(numbered, key=lambda code: (numbered[code], bin_parts(code)))
    return {code: n for n, code in enumerate([*order, *route(others)])}


def route(bins: Sequence[str]) -> list[str]:
    """The bins in the order of a walk in S-shape: aisle by aisle, up one and down the next. What has no bin comes last."""
    aisles: dict[tuple[tuple[int, int, str], ...], list[str]] = {}
    for code in sorted({code for code in bins if bin_parts(code)}, key=bin_parts):
        aisles.setdefault(bin_parts(code)[:1] if len(bin_parts(code)) < 3 else bin_parts(code)[:-2], []).append(code)
    walk: list[str] = []
    for n, aisle in enumerate(aisles.values()):
        walk.extend(reversed(aisle) if n % 2 else aisle)
    return walk + sorted({code for code in bins if not bin_parts(code)})
