"""The timeline's sentences about what comes after the sale: parcels, notices, changes, returns, money back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from comptoir.i18n import N_
from comptoir.modules.changes.contracts import ChangeKind, ChangeState
from comptoir.modules.notices.contracts import NoticeKind
from comptoir.modules.tracking.contracts import AnswerKind, TrackingStatus
from comptoir.sdk.carriers import InstructionKind
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.change_words import KIND_WORDS, reason_words
from comptoir.surfaces.console.pages.parcel_words import ANSWER_WORDS, NOTICE_WORDS, TRACKING_WORDS
from comptoir.surfaces.console.pages.telling import Teller, Words, joined, other

Tell = Callable[[Teller, str, Mapping[str, object]], Words]


def _day(t: Teller, value: object) -> str:
    return formatting.day(date.fromisoformat(str(value)), t.visit.page.locale, t.visit.page.zone) if value else ""


def _status(t: Teller, value: object) -> str:
    status = str(value)
    return t.say(TRACKING_WORDS[TrackingStatus(status)]) if status in TrackingStatus.__members__.values() else status


def _parcel_moved(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    expected = _day(t, data.get("estimated_on"))
    detail = t.say(N_("expected on %(day)s"), day=expected) if expected else ""
    return t.say(N_("Parcel: %(status)s"), status=_status(t, data.get("status"))), "truck-delivery", "neutral", detail


def _parcel_delivered(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    promised = _day(t, data.get("promised_on"))
    detail = t.say(N_("promised for %(day)s"), day=promised) if promised else ""
    return t.say(N_("Parcel delivered")), "circle-check", "warn" if data.get("late") else "good", detail


def _parcel_failed(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    tries = t.visit.says("%(num)s attempt", "%(num)s attempts", int(str(data.get("attempts") or 1)))
    return t.say(N_("The parcel could not be handed over")), "alert-triangle", "bad", tries


def _parcel_reminded(t: Teller, _: str, _data: Mapping[str, object]) -> Words:
    return t.say(N_("The buyer is asked once more what is to become of the parcel")), "bell", "neutral", ""


def _parcel_answered(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    answer = str(data.get("answer"))
    words = t.say(ANSWER_WORDS[AnswerKind(answer)]) if answer in AnswerKind.__members__.values() else answer
    return t.say(N_("The buyer asks for %(answer)s"), answer=words), "message", "neutral", ""


_INSTRUCTIONS: Mapping[str, str] = {
    InstructionKind.REATTEMPT: N_("The carrier is told to try again"),
    InstructionKind.ADDRESS: N_("The carrier is told to deliver elsewhere"),
    InstructionKind.PICKUP: N_("The carrier is told to take it to a pickup point"),
    InstructionKind.RETURN: N_("The carrier is told to send it back"),
}


def _parcel_instructed(t: Teller, type_: str, data: Mapping[str, object]) -> Words:
    words = _INSTRUCTIONS.get(str(data.get("instruction")))
    return other(t, type_, data) if words is None else (t.say(words), "send", "neutral", "")


def _parcel_stuck(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("The parcel has not moved for too long")), "hourglass", "warn", _status(t, data.get("status"))


def _parcel_delayed(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    days = {"expected": _day(t, data.get("estimated_on")), "promised": _day(t, data.get("promised_on"))}
    return t.say(N_("The parcel will be late")), "clock", "warn", t.say(N_("%(expected)s instead of %(promised)s"), **days)


def _label_bought(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("Label bought")), "printer", "neutral", joined(data.get("carrier"), data.get("tracking_number"))


def _label_voided(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("Label voided")), "ban", "neutral", str(data.get("tracking_number") or "")


def _about(t: Teller, data: Mapping[str, object]) -> str:
    kind = str(data.get("kind"))
    return t.say(NOTICE_WORDS[NoticeKind(kind)]) if kind in NoticeKind.__members__.values() else kind


def _notice_sent(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("The buyer was told: %(what)s"), what=_about(t, data)), "send", "neutral", ""


def _notice_failed(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("The buyer could not be told: %(what)s"), what=_about(t, data)), "alert-circle", "warn", ""


_CHANGE_STATES: Mapping[str, tuple[str, str]] = {
    ChangeState.REQUESTED: (N_("%(change)s: asked for"), "neutral"),
    ChangeState.APPROVED: (N_("%(change)s: approved"), "neutral"),
    ChangeState.DECLINED: (N_("%(change)s: declined"), "warn"),
    ChangeState.CONFIRMED: (N_("%(change)s: done"), "good"),
    ChangeState.CANCELLED: (N_("%(change)s: given up"), "neutral"),
}


def _change_moved(t: Teller, type_: str, data: Mapping[str, object]) -> Words:
    known = str(data.get("kind"))
    kind = KIND_WORDS[ChangeKind(known)] if known in ChangeKind.__members__.values() else None
    state = _CHANGE_STATES.get(str(data.get("state")))
    if kind is None or state is None:
        return other(t, type_, data)
    words, tone = state
    return t.say(words, change=t.say(kind)), "edit", tone, reason_words(t.visit, str(data.get("reason") or ""))


_RETURNS: Mapping[str, tuple[str, str]] = {
    "request": (N_("Return asked for"), "neutral"),
    "approve": (N_("Return approved"), "neutral"),
    "decline": (N_("Return declined"), "warn"),
    "send": (N_("Return on its way"), "neutral"),
    "receive": (N_("Return received"), "neutral"),
    "inspect": (N_("Return inspected"), "neutral"),
    "close": (N_("Return finished"), "good"),
    "cancel": (N_("Return given up"), "neutral"),
    "decline_rest": (N_("Rest of the return declined"), "warn"),
    "give_back": (N_("Declined goods given back"), "neutral"),
    "keep": (N_("Declined goods kept by agreement"), "neutral"),
    "send_again": (N_("What came back goes to the buyer again"), "good"),
}


def _return_moved(t: Teller, type_: str, data: Mapping[str, object]) -> Words:
    found = _RETURNS.get(str(data.get("step")))
    if found is None:
        return other(t, type_, data)
    words, tone = found
    return t.say(words), "truck-return", tone, ""


def _return_declined(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("The buyer learns that the return is declined")), "send", "warn", str(data.get("reason") or "")


def _goods_back(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    sent = data.get("goods") == "sent"
    words = N_("What was declined goes back to the buyer") if sent else N_("The buyer has taken back what was declined")
    return t.say(words), "truck-return", "neutral", joined(data.get("carrier"), data.get("tracking_number"))


def _return_parcel(t: Teller, type_: str, data: Mapping[str, object]) -> Words:
    status = str(data.get("status"))
    if status not in set(TrackingStatus):
        return other(t, type_, data)
    where = t.say(TRACKING_WORDS[TrackingStatus(status)])
    return t.say(N_("The parcel of the return: %(where)s"), where=where), "truck-return", "neutral", ""


def _given_back(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("Not taken back: the buyer has it again")), "arrow-back-up", "neutral", t.units(data)


def _papers_sent(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("The papers of the return go to the buyer")), "send", "neutral", str(data.get("code") or "")


def _refund_granted(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("%(amount)s to be refunded"), amount=t.money(data.get("amount") or 0)), "receipt-refund", "neutral", ""


def _refund_withdrawn(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("%(amount)s is not refunded after all"), amount=t.money(data.get("amount") or 0)), "ban", "neutral", ""


AFTER: Mapping[str, Tell] = {
    "parcel.moved": _parcel_moved,
    "parcel.delivered": _parcel_delivered,
    "parcel.failed": _parcel_failed,
    "parcel.reminded": _parcel_reminded,
    "parcel.answered": _parcel_answered,
    "parcel.instructed": _parcel_instructed,
    "parcel.stuck": _parcel_stuck,
    "parcel.delayed": _parcel_delayed,
    "label.bought": _label_bought,
    "label.voided": _label_voided,
    "notice.sent": _notice_sent,
    "notice.failed": _notice_failed,
    "change.moved": _change_moved,
    "return.moved": _return_moved,
    "return.declined": _return_declined,
    "return.given_back": _goods_back,
    "return.parcel_moved": _return_parcel,
    "order.given_back": _given_back,
    "return.papers_sent": _papers_sent,
    "refund.granted": _refund_granted,
    "refund.withdrawn": _refund_withdrawn,
}
