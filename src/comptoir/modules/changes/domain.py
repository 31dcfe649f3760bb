"""The rules of changes and returns, as functions of values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from comptoir.modules.changes.contracts import (
    Action,
    AddCharge,
    AddItem,
    Allow,
    AnyAction,
    CancelUnits,
    ChangeAddress,
    ChangeKind,
    ChangePickup,
    ChangeService,
    ChangeState,
    ChangeStep,
    Fate,
    ItemCondition,
    LabelStanding,
    Recall,
    ReceivedUnits,
    RefundMoment,
    ReturnCase,
    ReturnState,
    ReturnStep,
    TakeBack,
)
from comptoir.modules.fulfilment.contracts import Fulfilment, State
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.api import Allowance
from comptoir.modules.orders.contracts import OrderLine
from comptoir.modules.payments.contracts import Standing

S = TypeVar("S")

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=2), timedelta(hours=6)

CHANGE_STEPS: Mapping[tuple[ChangeState, ChangeStep], ChangeState] = {
    (ChangeState.REQUESTED, ChangeStep.RENEW): ChangeState.REQUESTED,
    (ChangeState.REQUESTED, ChangeStep.APPROVE): ChangeState.APPROVED,
    (ChangeState.REQUESTED, ChangeStep.DECLINE): ChangeState.DECLINED,
    (ChangeState.REQUESTED, ChangeStep.CONFIRM): ChangeState.CONFIRMED,
    (ChangeState.REQUESTED, ChangeStep.CANCEL): ChangeState.CANCELLED,
    (ChangeState.APPROVED, ChangeStep.RENEW): ChangeState.REQUESTED,
    (ChangeState.APPROVED, ChangeStep.CONFIRM): ChangeState.CONFIRMED,
    (ChangeState.APPROVED, ChangeStep.CANCEL): ChangeState.CANCELLED,
}
"""The life of a change. What needs approval is not confirmed before it has it."""

RETURN_STEPS: Mapping[tuple[ReturnState, ReturnStep], ReturnState] = {
    (ReturnState.REQUESTED, ReturnStep.APPROVE): ReturnState.APPROVED,
    (ReturnState.REQUESTED, ReturnStep.DECLINE): ReturnState.DECLINED,
    (ReturnState.REQUESTED, ReturnStep.RECEIVE): ReturnState.RECEIVED,
    (ReturnState.REQUESTED, ReturnStep.CANCEL): ReturnState.CANCELLED,
    (ReturnState.APPROVED, ReturnStep.SEND): ReturnState.IN_TRANSIT,
    (ReturnState.APPROVED, ReturnStep.RECEIVE): ReturnState.RECEIVED,
    (ReturnState.APPROVED, ReturnStep.CANCEL): ReturnState.CANCELLED,
    (ReturnState.IN_TRANSIT, ReturnStep.RECEIVE): ReturnState.RECEIVED,
    (ReturnState.IN_TRANSIT, ReturnStep.CLOSE): ReturnState.CLOSED,
    (ReturnState.RECEIVED, ReturnStep.APPROVE): ReturnState.RECEIVED,
    (ReturnState.RECEIVED, ReturnStep.RECEIVE): ReturnState.RECEIVED,
    (ReturnState.RECEIVED, ReturnStep.INSPECT): ReturnState.INSPECTED,
    (ReturnState.INSPECTED, ReturnStep.RECEIVE): ReturnState.RECEIVED,
    (ReturnState.INSPECTED, ReturnStep.CLOSE): ReturnState.CLOSED,
    (ReturnState.CLOSED, ReturnStep.RECEIVE): ReturnState.RECEIVED,
    (ReturnState.RECEIVED, ReturnStep.DECLINE): ReturnState.DECLINED,
    (ReturnState.RECEIVED, ReturnStep.DECLINE_REST): ReturnState.INSPECTED,
    (ReturnState.DECLINED, ReturnStep.GIVE_BACK): ReturnState.DECLINED,
    (ReturnState.DECLINED, ReturnStep.KEEP): ReturnState.DECLINED,
    (ReturnState.RECEIVED, ReturnStep.GIVE_BACK): ReturnState.RECEIVED,
    (ReturnState.RECEIVED, ReturnStep.KEEP): ReturnState.RECEIVED,
    (ReturnState.INSPECTED, ReturnStep.GIVE_BACK): ReturnState.INSPECTED,
    (ReturnState.INSPECTED, ReturnStep.KEEP): ReturnState.INSPECTED,
}
"""The life of a return. What came before anybody had approved it may be approved while it lies here. What arrives late opens it
again: it is there, whatever was thought of it. A part that is inspected leaves it received until all is. Goods that are
declined lie here until they are given back or kept; where some of them were taken, the return goes on with those.
"""

BEGUN = (State.IN_PROGRESS, State.INCOMPLETE)
WORKED_ON = (State.SCHEDULED, State.OPEN, State.ON_HOLD, *BEGUN)
"""Fulfilment orders in one of these are there to be done."""

OPEN_CHANGES = (ChangeState.REQUESTED, ChangeState.APPROVED)
EXPECTED = (ReturnState.REQUESTED, ReturnState.APPROVED, ReturnState.IN_TRANSIT, ReturnState.RECEIVED, ReturnState.INSPECTED)
"""What is still to come of a return in one of these is on its way, or may be."""

ACTIONS: Mapping[ChangeKind, tuple[type[Action], ...]] = {
    ChangeKind.EDIT: (AddItem, AddCharge, CancelUnits, ChangeAddress, ChangeService, ChangePickup),
    ChangeKind.CANCEL: (CancelUnits, AddCharge),
    ChangeKind.RETURN: (TakeBack, AddCharge),
    ChangeKind.EXCHANGE: (TakeBack, AddItem, AddCharge, Allow),
    ChangeKind.CLAIM: (Allow, AddItem, TakeBack),
    ChangeKind.ADJUSTMENT: (Allow, AddCharge),
}
"""What each kind of change may do."""


def change_state(state: ChangeState, step: ChangeStep) -> ChangeState | None:
    """None where the step cannot be taken."""
    return CHANGE_STEPS.get((state, step))


def return_state(state: ReturnState, step: ReturnStep) -> ReturnState | None:
    """None where the step cannot be taken."""
    return RETURN_STEPS.get((state, step))


def foreign(kind: ChangeKind, actions: Iterable[AnyAction]) -> list[int]:
    """Which of the actions, counted from 0, a change of this kind may not do."""
    return [n for n, action in enumerate(actions) if not isinstance(action, ACTIONS[kind])]


def runs(actions: Sequence[AnyAction]) -> list[tuple[AnyAction, ...]]:
    """What is done at once: items that are added one after the other are promised together, everything else is by itself."""
    found: list[tuple[AnyAction, ...]] = []
    for action in actions:
        if found and isinstance(action, AddItem) and isinstance(found[-1][-1], AddItem):
            found[-1] += (action,)
        else:
            found.append((action,))
    return found


def named_lines(actions: Iterable[AnyAction]) -> set[int]:
    """The lines that these actions name."""
    return {
        action.line_no
        for action in actions
        if isinstance(action, (CancelUnits, TakeBack, Allow)) and action.line_no is not None
    }


def recalled(work: Iterable[Fulfilment], lost: Mapping[tuple[int, LocationId], int]) -> list[Recall]:
    """Which work that has begun is called back when a location loses so many units of each line: what nobody has begun goes
    first, as `fulfilment` does it.
    """
    surplus = dict(lost)
    found: list[Recall] = []
    for one in sorted(work, key=lambda one: (one.state in BEGUN, one.number)):
        picked = packed = 0
        for line in one.lines:
            place = (line.line_no, one.location_id)
            less = min(line.open, max(0, surplus.get(place, 0)))
            if less and one.state in WORKED_ON:
                surplus[place] -= less
                picked += max(0, line.picked - (line.quantity - less))
                packed += max(0, line.packed - (line.quantity - less))
        if picked:
            found.append(Recall(one.id, one.number, one.location_id, picked, packed))
    return found


def needs_approval(given: int, limits: Iterable[int | None]) -> bool:
    """Whether so much may not be given back without somebody's approval."""
    return any(limit is not None and given > limit for limit in limits)


def advanced(cases: Iterable[ReturnCase], lines: Sequence[OrderLine], off: Sequence[Allowance]) -> int:
    """What buyers get for units that a carrier has and we have not, where the first scan is enough, less the fees to come."""
    by_no = {line.line_no: line for line in lines}
    coming: dict[int, int] = {}
    fees = 0
    for case in cases:
        if case.moment is RefundMoment.FIRST_SCAN and case.sent_at is not None and case.state in EXPECTED:
            if case.fee_charged is None:
                fees += case.fee + (case.label_fee if label_used(case, "") else 0)
            for item in case.items:
                coming[item.line_no] = coming.get(item.line_no, 0) + max(0, item.quantity - item.received)
    total = 0
    for line_no, units in coming.items():
        line = by_no[line_no]
        there = min(units, line.shipped - line.returned)
        total += max(0, orders.worth(line, off, line.returned, line.returned + there)) if there > 0 else 0
    return max(0, total - fees)


def withheld(cases: Iterable[ReturnCase]) -> int:
    """What has come back and is refunded only when somebody has looked at it."""
    return sum(row.value - row.deduct for case in cases for row in case.received if not row.released)


def promised(there: Standing, early: int, late: int) -> int:
    """What should be promised to the buyer and not have moved: what they are owed, with what they get early, and without what
    they get late.
    """
    return max(0, there.paid - there.value + early - late)


RETURN_CODE = "RMA"
"""What stands before a return's number on its papers, so that nobody takes it for an order's."""
_CODE = re.compile(r"(?:RMA[- ]?)?(\d{1,18})", re.IGNORECASE)


def return_code(number: int) -> str:
    """What a return's papers say and its QR code holds."""
    return f"{RETURN_CODE}{number}"


def return_number(text: str) -> int | None:
    """The number in a code of ours, or a bare number; None where it is neither."""
    fits = _CODE.fullmatch(text.strip()) if text.isascii() else None
    number = None if fits is None else int(fits[1])
    return number if number is not None and number < 2**63 else None


FATES: Mapping[ItemCondition, Fate] = {
    ItemCondition.NEW: Fate.RESTOCK,
    ItemCondition.OPENED: Fate.RESTOCK,
    ItemCondition.USED: Fate.REFURBISH,
    ItemCondition.DAMAGED: Fate.DAMAGED,
    ItemCondition.UNUSABLE: Fate.DESTROY,
}
"""What usually becomes of a unit in such a condition."""


def undecided(case: ReturnCase) -> bool:
    """Whether somebody has to approve it before it is refunded."""
    return case.announced and case.decided_at is None


def inspected(rows: Sequence[ReceivedUnits]) -> bool:
    """Whether somebody has looked at all of it, or declined it."""
    return not any(row.to_inspect for row in rows)


def without_label(case: ReturnCase) -> LabelStanding:
    """How the label of a return stands that nobody needs any more: what may have been bought is to be given back, unless a
    carrier has the parcel.
    """
    match case.label:
        case LabelStanding.WANTED | LabelStanding.REFUSED if case.label_tries:
            return LabelStanding.TO_VOID
        case LabelStanding.WANTED | LabelStanding.REFUSED:
            return LabelStanding.NONE
        case LabelStanding.BOUGHT if case.sent_at is None:
            return LabelStanding.TO_VOID
        case _:
            return case.label


def label_used(case: ReturnCase, parcel: str) -> bool:
    """Whether what comes was sent with the label that we have bought: a carrier has scanned it, or that is its number."""
    return case.label is LabelStanding.BOUGHT and (case.sent_at is not None or bool(parcel and parcel == case.tracking_number))


def pause(tries: int) -> timedelta:
    """How long to wait before a label is asked for again: two minutes, then twice as long, up to six hours."""
    return min(_FIRST_PAUSE * 2 ** min(max(0, tries - 1), 16), _LONGEST_PAUSE)
