"""Parcels, troubles, failed deliveries, labels and notices as staff read them: each state in a word, with its tone and icon."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.modules.notices.contracts import Medium, NoticeState
from comptoir.modules.tracking.contracts import (
    AnswerKind,
    CaseState,
    FailReason,
    InstructionState,
    LabelState,
    TrackingStatus,
    TroubleKind,
)

Tones = tuple[str, str]

_S = TrackingStatus
STATUS_TONES: Mapping[TrackingStatus, Tones] = {
    _S.UNKNOWN: ("neutral", "circle-dashed"),
    _S.LABEL_CREATED: ("neutral", "tag"),
    _S.AWAITING_PICKUP: ("neutral", "clock"),
    _S.PICKED_UP: ("active", "truck"),
    _S.IN_TRANSIT: ("active", "truck"),
    _S.ON_HOLD: ("warn", "hourglass"),
    _S.EXCEPTION: ("warn", "alert-circle"),
    _S.OUT_FOR_DELIVERY: ("active", "truck-delivery"),
    _S.DELIVERY_FAILED: ("bad", "alert-triangle"),
    _S.AVAILABLE_FOR_PICKUP: ("good", "map-pin"),
    _S.CANCELLED: ("neutral", "ban"),
    _S.EXPIRED: ("warn", "clock"),
    _S.DAMAGED: ("bad", "package-off"),
    _S.LOST: ("bad", "package-off"),
    _S.DELIVERED: ("good", "circle-check"),
    _S.RETURNING: ("warn", "truck-return"),
    _S.RETURNED: ("neutral", "truck-return"),
}

TROUBLE_WORDS: Mapping[TroubleKind, tuple[str, str]] = {
    TroubleKind.FAILED: (
        N_("Could not be handed over"),
        N_("The carrier keeps it for some days: somebody has to say what happens."),
    ),
    TroubleKind.LOST: (N_("Lost"), N_("The carrier has lost it: the buyer gets another one, or the money back.")),
    TroubleKind.DAMAGED: (N_("Damaged"), N_("It broke on the way: the buyer gets another one, or the money back.")),
    TroubleKind.RETURNED: (
        N_("Back at the sender"),
        N_("It could not be delivered: receive it, then send it again or refund it."),
    ),
    TroubleKind.REJECTED: (
        N_("Label refused"),
        N_("A carrier does not sell the label of a box: what is wrong has to be put right."),
    ),
    TroubleKind.UNUSED: (
        N_("Label not needed"),
        N_("What it was bought for was cancelled, and the carrier does not take it back: ask them, or leave it paid for."),
    ),
    TroubleKind.STUCK: (N_("Stuck"), N_("Nothing was heard of it for longer than is usual where it is.")),
    TroubleKind.LATE: (N_("Late"), N_("It arrives later than was promised; its buyer has been told.")),
}
"""In the order of urgency."""
TROUBLE_TONES: Mapping[TroubleKind, Tones] = {
    TroubleKind.FAILED: ("bad", "hand-stop"),
    TroubleKind.LOST: ("bad", "package-off"),
    TroubleKind.DAMAGED: ("bad", "alert-triangle"),
    TroubleKind.RETURNED: ("bad", "truck-return"),
    TroubleKind.REJECTED: ("bad", "tag"),
    TroubleKind.UNUSED: ("warn", "tag"),
    TroubleKind.STUCK: ("warn", "hourglass"),
    TroubleKind.LATE: ("warn", "clock"),
}
RESOLUTION_WORDS: Mapping[str, str] = {
    "dismissed": N_("looked at, nothing left to do"),
    "moved": N_("it moves again"),
    "bought": N_("the label was bought"),
    "voided": N_("the label was given back"),
    "sent_again": N_("sent to the buyer again"),
    "inspected": N_("received and looked at"),
    "closed": N_("the return is finished"),
}
"""The others are states of tracking, and of failed deliveries."""

FAIL_WORDS: Mapping[FailReason, str] = {
    FailReason.ABSENT: N_("nobody was there"),
    FailReason.ADDRESS: N_("the address is wrong or incomplete"),
    FailReason.REFUSED: N_("the buyer refused it"),
    FailReason.PAYMENT: N_("nobody paid at the door"),
    FailReason.CLOSED: N_("it was closed"),
    FailReason.ACCESS: N_("the driver could not get to the door"),
    FailReason.CARRIER: N_("the carrier did not manage it"),
    FailReason.OTHER: N_("the carrier does not say why"),
}
CASE_WORDS: Mapping[CaseState, str] = {
    CaseState.ASKED: N_("The buyer is asked"),
    CaseState.ANSWERED: N_("The buyer has answered: the carrier has to be told"),
    CaseState.UNANSWERED: N_("No answer in time: the carrier has to be told"),
    CaseState.REATTEMPT: N_("The carrier tries again"),
    CaseState.RETURNING: N_("It goes back"),
    CaseState.DELIVERED: N_("It was delivered after all"),
    CaseState.RETURNED: N_("It came back"),
}
CASE_TONES: Mapping[CaseState, Tones] = {
    CaseState.ASKED: ("warn", "message"),
    CaseState.ANSWERED: ("bad", "phone"),
    CaseState.UNANSWERED: ("bad", "phone"),
    CaseState.REATTEMPT: ("active", "truck-delivery"),
    CaseState.RETURNING: ("warn", "truck-return"),
    CaseState.DELIVERED: ("good", "circle-check"),
    CaseState.RETURNED: ("neutral", "truck-return"),
}
ANSWER_CHOICES: Mapping[AnswerKind, tuple[str, str]] = {
    AnswerKind.DATE: (N_("Another day"), N_("The carrier comes again on a day that suits.")),
    AnswerKind.ADDRESS: (N_("Another address"), N_("It was wrong, or somebody else takes it.")),
    AnswerKind.PICKUP: (N_("A pickup point"), N_("The buyer fetches it there.")),
    AnswerKind.RETURN: (N_("Back to the sender"), N_("The buyer does not want it any more.")),
}
INSTRUCTION_WORDS: Mapping[InstructionState, str] = {
    InstructionState.ASKED: N_("is being told to the carrier"),
    InstructionState.UNKNOWN: N_("no answer came: it is told again by itself"),
    InstructionState.TOLD: N_("the carrier was told"),
    InstructionState.REFUSED: N_("the carrier did not take it: call them"),
    InstructionState.CANNOT: N_("cannot be told from here: call the carrier"),
}

LABEL_WORDS: Mapping[LabelState, str] = {
    LabelState.ASKED: N_("Not bought"),
    LabelState.BOUGHT: N_("Bought"),
    LabelState.UNKNOWN: N_("In doubt"),
    LabelState.REFUSED: N_("Refused by the carrier"),
    LabelState.VOIDING: N_("Being given back"),
    LabelState.VOIDED: N_("Given back"),
}
LABEL_TONES: Mapping[LabelState, Tones] = {
    LabelState.ASKED: ("warn", "circle-dashed"),
    LabelState.BOUGHT: ("good", "circle-check"),
    LabelState.UNKNOWN: ("bad", "help-circle"),
    LabelState.REFUSED: ("bad", "circle-x"),
    LabelState.VOIDING: ("warn", "hourglass"),
    LabelState.VOIDED: ("neutral", "ban"),
}

MEDIUM_WORDS: Mapping[Medium, str] = {
    Medium.EMAIL: N_("E-mail"),
    Medium.SMS: N_("SMS"),
    Medium.WHATSAPP: N_("WhatsApp"),
}
MEDIUM_ICONS: Mapping[Medium, str] = {Medium.EMAIL: "mail", Medium.SMS: "message", Medium.WHATSAPP: "phone"}
NOTICE_STATE_WORDS: Mapping[NoticeState, str] = {
    NoticeState.PENDING: N_("To be sent"),
    NoticeState.SENT: N_("Sent"),
    NoticeState.FAILED: N_("Not sent"),
}
NOTICE_TONES: Mapping[NoticeState, Tones] = {
    NoticeState.PENDING: ("active", "clock"),
    NoticeState.SENT: ("good", "check"),
    NoticeState.FAILED: ("bad", "circle-x"),
}
