"""Telling carriers what is to become of parcels that they could not hand over.

What is to be told is written down before the carrier is asked, as labels are, and belongs to one answer of the buyer: whoever
changes their mind makes another. A carrier that did not answer is told again with the same reference, which it takes once.
Where nobody can be told, or the carrier says no, a person calls it: the trouble of the parcel says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec

from comptoir.kernel.errors import Fault, Refusal, Remedy
from comptoir.kernel.ids import to_text, uuid7
from comptoir.modules.orders import api as orders
from comptoir.modules.tracking import cases
from comptoir.modules.tracking.contracts import (
    INSTRUCTION_PREFIX,
    AccountId,
    Answer,
    AnswerKind,
    Case,
    CaseInstruction,
    CaseState,
    CaseStep,
    InstructionId,
    InstructionState,
    InstructionStep,
    ParcelInstructed,
    Tracked,
    TrackedId,
    TroubleKind,
)
from comptoir.modules.tracking.domain import states
from comptoir.modules.tracking.errors import CarrierBeingTold, CaseClosed, NotFollowed, UnknownTracked
from comptoir.modules.tracking.store import cases as store_cases
from comptoir.modules.tracking.store import instructions as store
from comptoir.modules.tracking.store import parcels
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk import orders as sdk
from comptoir.sdk.carriers import Address, CarrierCannot, Instructed, Instruction, InstructionKind, OutcomeUnknown, Waybill

LEASE = timedelta(minutes=3)
SECOND_THOUGHTS = timedelta(minutes=15)
"""Buyers correct what they have just said."""
AGAIN_AFTER = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 15, 60, 120, 240))
"""After each attempt that nobody answered; then a person has to call."""

_TELLABLE = frozenset({CaseState.ANSWERED, CaseState.UNANSWERED})
_OVER = frozenset({InstructionState.TOLD, InstructionState.REFUSED, InstructionState.CANNOT})
_KINDS: Mapping[AnswerKind, InstructionKind] = {
    AnswerKind.DATE: InstructionKind.REATTEMPT,
    AnswerKind.ADDRESS: InstructionKind.ADDRESS,
    AnswerKind.PICKUP: InstructionKind.PICKUP,
    AnswerKind.RETURN: InstructionKind.RETURN,
}
_SILENCE: Mapping[CaseStep, InstructionKind] = {
    CaseStep.TRY_AGAIN: InstructionKind.REATTEMPT,
    CaseStep.SEND_BACK: InstructionKind.RETURN,
}


@dataclass(frozen=True, slots=True)
class Telling:
    """What its holder is to tell a carrier now."""

    id: InstructionId
    tracked_id: TrackedId
    account_id: AccountId | None
    """None where nobody can be told."""
    instruction: Instruction


async def due(tx: Tx, limit: int) -> list[TrackedId]:
    """Parcels whose carriers are to be told something: an answer that has stood for a while, and what was tried in vain."""
    return await store.due(tx, tx.now, tx.now - SECOND_THOUGHTS, limit)


async def latest(reader: Reader, ids: Sequence[TrackedId]) -> dict[TrackedId, CaseInstruction]:
    """What carriers were told of these parcels last, or are to be told."""
    return await store.latest(reader, ids) if ids else {}


async def ask(tx: Tx, tracked_id: TrackedId) -> Telling:
    """Leases what is to be told to whoever tells it, written down with the reference that it keeps.

    What was told in vain is told again. Raises UnknownTracked, CaseClosed where nothing is to be told, and CarrierBeingTold
    while somebody else tells it.
    """
    found, parcel = await _tellable(tx, tracked_id)
    fresh = InstructionId(uuid7())
    await store.insert(
        tx,
        {
            "id": fresh,
            "reference": to_text(INSTRUCTION_PREFIX, fresh),
            "tracked": tracked_id,
            "order": found.order_id,
            "account": parcel.account_id,
            "version": found.version,
            "kind": kind_of(found).value,
        },
    )
    row = await store.lock(tx, tracked_id, found.version)
    assert row is not None, "the row was written, or was there"
    if row.busy_until is not None and row.busy_until > tx.now:
        raise CarrierBeingTold(id=tracked_id, until=row.busy_until.isoformat())
    state = states.INSTRUCTION_STEPS.get((row.state, InstructionStep.ASK))
    if state is None:
        raise CaseClosed(state=found.state)
    account_id = parcel.account_id if parcel.tracking_number else None
    leased = {"account_id": account_id, "busy_until": tx.now + LEASE, "attempts": row.attempts + 1, "state": state.value}
    await store.put(tx, row.id, leased)
    return Telling(row.id, tracked_id, account_id, await _instruction(tx, row.reference, found, parcel))


async def _tellable(tx: Tx, tracked_id: TrackedId) -> tuple[Case, Tracked]:
    found = (await store_cases.of_parcels(tx, [tracked_id], lock=True)).get(tracked_id)
    parcel = await parcels.get(tx, tracked_id)
    if found is None or parcel is None:
        raise UnknownTracked(kind="tracked", id=tracked_id)
    if found.state not in _TELLABLE:
        raise CaseClosed(state=found.state)
    return found, parcel


def kind_of(case: Case) -> InstructionKind:
    """What is to be told of a failed delivery: what the buyer wants, or what follows from silence."""
    return _KINDS[case.answer.kind] if case.answer is not None else _SILENCE[states.after_silence(case.attempts)]


async def _instruction(tx: Tx, reference: str, case: Case, parcel: Tracked) -> Instruction:
    order = await orders.order(tx, case.order_id)
    there = msgspec.convert(order.ship_to or {}, sdk.Address)
    buyer = msgspec.convert(order.buyer or {}, sdk.Buyer)
    known: dict[str, Any] = msgspec.structs.asdict(there)
    known |= {"name": there.name or buyer.name, "phone": there.phone or buyer.phone}
    home = Address(**known, email=buyer.email)
    said = case.answer or Answer(kind=AnswerKind.DATE)
    return Instruction(
        reference=reference,
        waybill=Waybill(parcel.tracking_number, parcel.service),
        kind=kind_of(case),
        on=said.on,
        recipient=_elsewhere(home, said) if said.kind is AnswerKind.ADDRESS else home,
        pickup_point=said.pickup_point,
        point_id=said.point_id,
        note=said.note,
    )


def _elsewhere(home: Address, said: Answer) -> Address:
    """What the buyer typed, in the same country; where exactly that is on the map nobody knows."""
    typed = {"line1": said.line1, "line2": said.line2, "postcode": said.postcode, "city": said.city}
    return msgspec.structs.replace(home, **typed, region="", latitude=None, longitude=None)


async def told(tx: Tx, instruction_id: InstructionId, answer: Instructed) -> CaseInstruction:
    """The carrier has taken it: the failed delivery goes on, unless something else has happened to it meanwhile."""
    row = await _known(tx, instruction_id)
    found = (await store_cases.of_parcels(tx, [row.tracked_id], lock=True))[row.tracked_id]
    values = {
        "state": states.INSTRUCTION_STEPS[row.state, InstructionStep.TELL].value,
        "told_at": tx.now,
        "confirmation": answer.confirmation[:200],
        "problem": "",
        "busy_until": None,
    }
    await store.put(tx, instruction_id, values)
    if found.version == row.case_version and found.state in _TELLABLE:
        parcel = await parcels.get(tx, row.tracked_id)
        assert parcel is not None, "a failed delivery is of a parcel"
        await cases.carry_out(tx, row.tracked_id, _step_of(row.kind))
        tx.emit(
            ParcelInstructed(
                order_id=row.order_id, tracked_id=row.tracked_id, shipment_id=parcel.shipment_id, instruction=row.kind.value
            )
        )
    return await _known(tx, instruction_id)


def _step_of(kind: InstructionKind) -> CaseStep:
    return CaseStep.SEND_BACK if kind is InstructionKind.RETURN else CaseStep.TRY_AGAIN


async def failed(tx: Tx, tracked_id: TrackedId, problem: Refusal | Fault) -> CaseInstruction | None:
    """The carrier was told in vain: it is told again, or a person has to call it. None where there was nothing to tell."""
    found = (await store_cases.of_parcels(tx, [tracked_id], lock=True)).get(tracked_id)
    row = None if found is None else await store.lock(tx, tracked_id, found.version)
    after = None if row is None else states.INSTRUCTION_STEPS.get((row.state, _step_after(row, problem)))
    if row is None or after is None:
        return row
    pause = AGAIN_AFTER[min(row.attempts, len(AGAIN_AFTER)) - 1] if row.attempts else timedelta(0)
    values = {"state": after.value, "problem": str(problem)[:500], "busy_until": None, "next_at": tx.now + pause}
    await store.put(tx, row.id, values)
    if after in _OVER:
        reason = f"call the carrier: {row.kind.value}"
        await store_cases.reword(tx, row.tracked_id, TroubleKind.FAILED, reason)
    return replace(row, state=after, problem=str(problem)[:500], busy_until=None)


def _step_after(row: CaseInstruction, problem: Refusal | Fault) -> InstructionStep:
    if isinstance(problem, CarrierCannot | NotFollowed):
        return InstructionStep.HAND_OVER
    waits = isinstance(problem, Fault) and problem.remedy is Remedy.WAIT
    if not waits or row.attempts > len(AGAIN_AFTER):
        return InstructionStep.REFUSE
    return InstructionStep.LOSE if isinstance(problem, OutcomeUnknown) else InstructionStep.PUT_OFF


async def _known(reader: Reader, instruction_id: InstructionId) -> CaseInstruction:
    found = await store.get(reader, instruction_id)
    assert found is not None, "what is told has been written down"
    return found
