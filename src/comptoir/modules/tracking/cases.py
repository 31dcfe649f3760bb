"""Failed deliveries: the buyer is asked, the answer is carried out, and silence has an end. Troubles are what a person sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from comptoir.kernel.checking import Checks
from comptoir.modules.tracking.contracts import (
    Answer,
    AnswerKind,
    Case,
    CaseState,
    CaseStep,
    FailReason,
    ParcelAnswered,
    ParcelFailed,
    ParcelReminded,
    Tracked,
    TrackedId,
    TroubleKind,
)
from comptoir.modules.tracking.domain import states
from comptoir.modules.tracking.errors import CaseClosed, UnknownTracked
from comptoir.modules.tracking.store import cases as store
from comptoir.modules.tracking.store import parcels
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.tracking import Scan, TrackingStatus, distinct

_S = TrackingStatus
_MOST = 200
OVERDUE = "overdue: "
"""What the reason of a trouble begins with where nothing came of what was decided."""

_BY_STATUS: Mapping[TrackingStatus, CaseStep] = {
    _S.DELIVERED: CaseStep.DELIVER,
    _S.AVAILABLE_FOR_PICKUP: CaseStep.DELIVER,
    _S.RETURNING: CaseStep.SEND_BACK,
    _S.RETURNED: CaseStep.COME_BACK,
}
_BEGUN: Mapping[CaseState, frozenset[TrackingStatus]] = {
    CaseState.REATTEMPT: frozenset({_S.OUT_FOR_DELIVERY}),
    CaseState.RETURNING: frozenset({_S.RETURNING}),
}
"""By which scans we know that a carrier does what it was told."""


async def was_received(tx: Tx, tracked_id: TrackedId, resolution: str) -> None:
    """What came back to the sender was seen to: it goes to the buyer again, or is paid back."""
    await store.resolve(tx, tracked_id, [TroubleKind.RETURNED], resolution)


async def of_parcels(reader: Reader, ids: Sequence[TrackedId]) -> dict[TrackedId, Case]:
    return await store.of_parcels(reader, ids)


async def follow(tx: Tx, before: Tracked, after: Tracked, scans: Sequence[Scan], known: Case | None) -> None:
    """What the scans of a parcel mean for its failed delivery; `known` is the case that it has, locked."""
    if after.status is _S.DELIVERY_FAILED and (known is None or after.attempts > known.attempts):
        await _failed(tx, after, scans, known)
    elif known is not None and after.status is not before.status:
        step = _BY_STATUS.get(after.status)
        if step is not None and (known.state, step) in states.CASE_STEPS:
            await _take(tx, known, step)
        elif after.status in _BEGUN.get(known.state, ()):
            await store.begun(tx, known.tracked_id)
            await store.resolve(tx, known.tracked_id, [TroubleKind.FAILED], known.state.value)


async def _failed(tx: Tx, parcel: Tracked, scans: Sequence[Scan], known: Case | None) -> None:
    last = [scan for scan in distinct(scans) if scan.status is _S.DELIVERY_FAILED][-1]
    reason = states.fail_reason(last.detail, last.text)
    until = tx.now + states.ANSWER_WITHIN
    if known is None or known.state in states.ENDED:
        opened = known.opened_at if known is not None else tx.now
        case = Case(
            tracked_id=parcel.id,
            order_id=parcel.order_id,
            state=CaseState.ASKED,
            reason=reason,
            attempts=parcel.attempts,
            opened_at=opened,
            answer_until=until,
        )
    elif (known.state, CaseStep.FAIL) in states.CASE_STEPS:
        state = states.case_after(known.state, CaseStep.FAIL)
        asked = state is CaseState.ASKED
        case = replace(
            known,
            state=state,
            reason=reason,
            attempts=parcel.attempts,
            answer_until=until if asked else known.answer_until,
            answer=None if asked else known.answer,
            due_at=None if asked else known.due_at,
            reminded_at=None if asked else known.reminded_at,
        )
    else:
        case = replace(known, reason=reason, attempts=parcel.attempts)  # it is on its way back
    await store.put(tx, case)
    if case.state is CaseState.ASKED:
        await store.open_trouble(tx, TroubleKind.FAILED, parcel.id, parcel.id, parcel.order_id, f"asked: {reason.value}")
        tx.emit(
            ParcelFailed(
                order_id=parcel.order_id,
                tracked_id=parcel.id,
                shipment_id=parcel.shipment_id,
                reason=reason.value,
                attempts=case.attempts,
                answer_until=case.answer_until,
            )
        )


async def _take(tx: Tx, case: Case, step: CaseStep, due_at: datetime | None = None) -> Case:
    state = states.case_after(case.state, step)
    ended = state in states.ENDED
    after = replace(case, state=state, closed_at=tx.now if ended else None, due_at=due_at)
    await store.put(tx, after)
    if state in {CaseState.UNANSWERED, CaseState.ANSWERED}:
        said = case.answer.kind.value if state is CaseState.ANSWERED and case.answer is not None else ""
        reason = f"answered: {said}" if said else "unanswered"
        await store.open_trouble(tx, TroubleKind.FAILED, case.tracked_id, case.tracked_id, case.order_id, reason)
    elif state is not CaseState.ASKED:
        await store.resolve(tx, case.tracked_id, [TroubleKind.FAILED], state.value)
    return after


async def answer(tx: Tx, tracked_id: TrackedId, given: Answer) -> Case:
    """The buyer says what is to happen. Until it is carried out another answer takes its place, and one that comes after the
    term is taken, too. Raises Invalid, CaseClosed.
    """
    case = await _locked(tx, tracked_id)
    if case.state not in states.ANSWERABLE:
        raise CaseClosed(state=case.state)
    clean = _checked(tx, given)
    if case.answer == clean:
        return case
    due_at = states.due_at(clean, tx.now)
    after = await _take(tx, replace(case, answer=clean, answered_at=tx.now), CaseStep.ANSWER, due_at)
    parcel = await parcels.get(tx, tracked_id)
    assert parcel is not None
    tx.emit(
        ParcelAnswered(order_id=case.order_id, tracked_id=tracked_id, shipment_id=parcel.shipment_id, answer=clean.kind.value)
    )
    return after


def _checked(tx: Tx, given: Answer) -> Answer:
    checks = Checks()
    clean = replace(given, **{name: " ".join(getattr(given, name).split()) for name in _TEXTS})
    for name in _TEXTS:
        checks.require(name, len(getattr(clean, name)) <= _MOST, f"has at most {_MOST} characters")
    match clean.kind:
        case AnswerKind.DATE:
            today = tx.now.date()
            checks.require("on", clean.on is not None, "is needed")
            checks.require("on", clean.on is None or 0 < (clean.on - today).days <= 14, "is a day of the next two weeks")
        case AnswerKind.ADDRESS:
            for name in ("line1", "postcode", "city"):
                checks.require(name, bool(getattr(clean, name)), "is needed")
        case AnswerKind.PICKUP:
            checks.require("pickup_point", bool(clean.pickup_point), "is needed")
        case AnswerKind.RETURN:
            pass
    checks.done()
    return clean


_TEXTS = ("line1", "line2", "postcode", "city", "pickup_point", "point_id", "note")


async def carry_out(tx: Tx, tracked_id: TrackedId, step: CaseStep) -> Case:
    """Somebody has told the carrier to try again, or to send it back. Raises CaseClosed."""
    assert step in {CaseStep.TRY_AGAIN, CaseStep.SEND_BACK}, "the other steps are told by scans and by the clock"
    case = await _locked(tx, tracked_id)
    return await _take(tx, case, step, states.due_at(case.answer if step is CaseStep.TRY_AGAIN else None, tx.now))


async def time_out(tx: Tx, limit: int) -> int:
    """Cases whose buyers said nothing in time: while carriers still try they are tried again, then they go back; either way a
    person has to tell the carrier, and sees it. Gives how many.
    """
    late = await store.overdue(tx, limit)
    for case in late:
        await _take(tx, case, CaseStep.TIME_OUT)
        wish = states.after_silence(case.attempts)
        await store.open_trouble(
            tx, TroubleKind.FAILED, case.tracked_id, case.tracked_id, case.order_id, f"unanswered: {wish.value}"
        )
    return len(late)


async def remind(tx: Tx, limit: int) -> int:
    """Asks buyers once more who have said nothing and whose time ends soon; gives how many."""
    silent = await store.to_remind(tx, tx.now + states.REMIND_BEFORE, limit)
    there = {parcel.id: parcel for parcel in await parcels.some(tx, [case.tracked_id for case in silent])}
    for case in silent:
        tx.emit(
            ParcelReminded(
                order_id=case.order_id,
                tracked_id=case.tracked_id,
                shipment_id=there[case.tracked_id].shipment_id,
                reason=case.reason.value,
                attempts=case.attempts,
                answer_until=case.answer_until,
            )
        )
    return len(silent)


async def chase(tx: Tx, limit: int) -> int:
    """What was decided of a failed delivery should have begun, and nothing of it was scanned: a person sees it, once for each
    decision. Gives how many.
    """
    late = await store.not_begun(tx, limit)
    for case in late:
        wanted = case.answer.kind.value if case.answer is not None else case.state.value
        reason = f"{OVERDUE}{wanted}"
        await store.open_trouble(tx, TroubleKind.FAILED, case.tracked_id, case.tracked_id, case.order_id, reason)
    return len(late)


async def _locked(tx: Tx, tracked_id: TrackedId) -> Case:
    found = (await store.of_parcels(tx, [tracked_id], lock=True)).get(tracked_id)
    if found is None:
        raise UnknownTracked(kind="tracked", id=tracked_id)
    return found


def choices(case: Case) -> tuple[AnswerKind, ...]:
    """What the buyer may answer, the likeliest first: who gave a wrong address corrects it."""
    if case.reason is FailReason.ADDRESS:
        return (AnswerKind.ADDRESS, AnswerKind.PICKUP, AnswerKind.DATE, AnswerKind.RETURN)
    if case.reason is FailReason.REFUSED:
        return (AnswerKind.RETURN, AnswerKind.DATE, AnswerKind.PICKUP, AnswerKind.ADDRESS)
    return (AnswerKind.DATE, AnswerKind.PICKUP, AnswerKind.ADDRESS, AnswerKind.RETURN)
