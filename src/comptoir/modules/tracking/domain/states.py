"""The life cycles of labels and of failed deliveries. docs/lifecycles.md is drawn from these tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

from comptoir.kernel.errors import Fault, Refusal, Remedy
from comptoir.modules.tracking.contracts import (
    Answer,
    AnswerKind,
    CaseState,
    CaseStep,
    FailReason,
    InstructionState,
    InstructionStep,
    LabelState,
    LabelStep,
)
from comptoir.modules.tracking.errors import CaseClosed, LabelNotInThatState
from comptoir.sdk.carriers import OutcomeUnknown

_L, _D = LabelState, LabelStep
LABEL_STEPS: Mapping[tuple[LabelState, LabelStep], LabelState] = {
    (_L.ASKED, _D.BUY): _L.BOUGHT,
    (_L.ASKED, _D.LOSE): _L.UNKNOWN,
    (_L.ASKED, _D.REFUSE): _L.REFUSED,
    (_L.ASKED, _D.FIND): _L.BOUGHT,
    (_L.ASKED, _D.MISS): _L.ASKED,
    (_L.UNKNOWN, _D.FIND): _L.BOUGHT,
    (_L.UNKNOWN, _D.MISS): _L.ASKED,
    (_L.BOUGHT, _D.ASK_BACK): _L.VOIDING,
    (_L.BOUGHT, _D.VOID): _L.VOIDED,
    (_L.BOUGHT, _D.KEEP): _L.BOUGHT,
    (_L.VOIDING, _D.ASK_BACK): _L.VOIDING,
    (_L.VOIDING, _D.VOID): _L.VOIDED,
    (_L.VOIDING, _D.KEEP): _L.BOUGHT,
}

_C, _S = CaseState, CaseStep
CASE_STEPS: Mapping[tuple[CaseState, CaseStep], CaseState] = {
    (_C.ASKED, _S.ANSWER): _C.ANSWERED,
    (_C.ASKED, _S.TIME_OUT): _C.UNANSWERED,
    (_C.ASKED, _S.FAIL): _C.ASKED,
    (_C.ANSWERED, _S.ANSWER): _C.ANSWERED,
    (_C.ANSWERED, _S.FAIL): _C.ANSWERED,
    (_C.ANSWERED, _S.TRY_AGAIN): _C.REATTEMPT,
    (_C.UNANSWERED, _S.ANSWER): _C.ANSWERED,
    (_C.UNANSWERED, _S.FAIL): _C.UNANSWERED,
    (_C.UNANSWERED, _S.TRY_AGAIN): _C.REATTEMPT,
    (_C.REATTEMPT, _S.FAIL): _C.ASKED,
    **{(state, _S.DELIVER): _C.DELIVERED for state in _C if state not in {_C.DELIVERED, _C.RETURNED}},
    **{(state, _S.SEND_BACK): _C.RETURNING for state in (_C.ASKED, _C.ANSWERED, _C.UNANSWERED, _C.REATTEMPT, _C.DELIVERED)},
    **{(state, _S.COME_BACK): _C.RETURNED for state in _C if state is not _C.RETURNED},
}

_I, _T = InstructionState, InstructionStep
INSTRUCTION_STEPS: Mapping[tuple[InstructionState, InstructionStep], InstructionState] = {
    **{(state, _T.ASK): _I.ASKED for state in _I if state is not _I.TOLD},
    **{(state, _T.TELL): _I.TOLD for state in _I},  # an answer may come after somebody else has asked and given up
    **{(state, _T.LOSE): _I.UNKNOWN for state in (_I.ASKED, _I.UNKNOWN)},
    **{(state, _T.PUT_OFF): _I.ASKED for state in (_I.ASKED, _I.UNKNOWN)},
    **{(state, _T.REFUSE): _I.REFUSED for state in (_I.ASKED, _I.UNKNOWN)},
    **{(state, _T.HAND_OVER): _I.CANNOT for state in (_I.ASKED, _I.UNKNOWN)},
}

ENDED = frozenset({CaseState.DELIVERED, CaseState.RETURNED})
ANSWERABLE = frozenset(state for state, step in CASE_STEPS if step is CaseStep.ANSWER)
ANSWER_WITHIN = timedelta(days=5)
"""Carriers keep what could not be handed over for a week or more before they send it back."""
MOST_ATTEMPTS = 3
REMIND_BEFORE = timedelta(days=1)
"""So long before the end of the term who has said nothing is asked once more."""
_BEGUN_WITHIN = timedelta(days=4)
"""So soon a carrier tries again that was told to, or has the parcel on its way back."""
_DAY_ENDS = time(12, tzinfo=UTC)
"""At noon of the next day it is over everywhere."""


def label_after(state: LabelState, step: LabelStep) -> LabelState:
    """Raises LabelNotInThatState."""
    after = LABEL_STEPS.get((state, step))
    if after is None:
        raise LabelNotInThatState(state=state, step=step)
    return after


def case_after(state: CaseState, step: CaseStep) -> CaseState:
    """Raises CaseClosed."""
    after = CASE_STEPS.get((state, step))
    if after is None:
        raise CaseClosed(state=state, step=step)
    return after


def step_of_failure(problem: Refusal | Fault) -> LabelStep | None:
    """What a purchase that did not succeed means for its label; None leaves it asked, to be tried again with its reference."""
    if isinstance(problem, OutcomeUnknown):
        return LabelStep.LOSE
    if isinstance(problem, Fault) and problem.remedy is Remedy.WAIT:
        return None
    return LabelStep.REFUSE


def after_silence(attempts: int) -> CaseStep:
    """What happens to a parcel of which the buyer says nothing: it is tried again as long as carriers do, then it goes back."""
    return CaseStep.TRY_AGAIN if attempts < MOST_ATTEMPTS else CaseStep.SEND_BACK


def due_at(answer: Answer | None, now: datetime) -> datetime:
    """When what a buyer wants should have begun: on the day that they named, else in a few days."""
    if answer is not None and answer.on is not None:
        named = datetime.combine(answer.on + timedelta(days=1), _DAY_ENDS)
        if named > now:
            return named
    return now + _BEGUN_WITHIN


def after_answer(kind: AnswerKind) -> CaseStep:
    return CaseStep.SEND_BACK if kind is AnswerKind.RETURN else CaseStep.TRY_AGAIN


_WORDS: tuple[tuple[FailReason, tuple[str, ...]], ...] = (
    (FailReason.REFUSED, ("refus", "rejected by", "declined")),
    (FailReason.PAYMENT, ("payment", "cod ", "cash", "money", "paiement")),
    (FailReason.ADDRESS, ("address", "adresse", "incorrect", "incomplete", "insufficient", "unknown recipient", "moved")),
    (FailReason.CLOSED, ("closed", "holiday", "fermé", "business hours")),
    (FailReason.ACCESS, ("access", "gate", "entry", "secure", "accès", "digicode")),
    (FailReason.ABSENT, ("absent", "not home", "not available", "unavailable", "notice left", "no one", "nobody", "no answer")),
    (FailReason.CARRIER, ("weather", "vehicle", "capacity", "out of time", "delay", "operational")),
)
"""In the vendors' finer codes and texts; the first that fits."""

_CODES: Mapping[str, FailReason] = {
    "ndr:1": FailReason.ABSENT,
    "ndr:2": FailReason.REFUSED,
    "ndr:4": FailReason.CARRIER,
    "ndr:5": FailReason.ABSENT,
    "ndr:6": FailReason.ADDRESS,
    "ndr:7": FailReason.PAYMENT,
    "ndr:8": FailReason.ADDRESS,
    "ndr:9": FailReason.REFUSED,
}
"""ClickPost's codes, as its connector names them."""


def fail_reason(detail: str, text: str = "") -> FailReason:
    """Why a delivery failed, by the vendor's finer code, else by what the vendor's text says in English or French."""
    known = _CODES.get(detail)
    if known is not None:
        return known
    said = f"{detail.replace('_', ' ')} {text} ".casefold()
    return next((reason for reason, words in _WORDS if any(word in said for word in words)), FailReason.OTHER)
