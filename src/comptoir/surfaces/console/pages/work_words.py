"""Fulfilment in words: stages, reasons, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.modules.fulfilment.contracts import HoldReason, Method, RejectReason, Stage

STAGE_WORDS: Mapping[Stage, str] = {
    Stage.WAITING: N_("Waiting"),
    Stage.TO_PICK: N_("To pick"),
    Stage.TO_PACK: N_("To pack"),
    Stage.TO_HAND_OVER: N_("To hand over"),
    Stage.TO_RECEIVE: N_("On its way here"),
    Stage.READY: N_("Ready to collect"),
    Stage.DONE: N_("Done"),
    Stage.CANCELLED: N_("Cancelled"),
}
STAGE_TONES: Mapping[Stage, tuple[str, str]] = {
    Stage.WAITING: ("warn", "hourglass"),
    Stage.TO_PICK: ("active", "list-check"),
    Stage.TO_PACK: ("active", "package"),
    Stage.TO_HAND_OVER: ("active", "truck"),
    Stage.TO_RECEIVE: ("neutral", "truck"),
    Stage.READY: ("good", "shopping-bag"),
    Stage.DONE: ("good", "circle-check"),
    Stage.CANCELLED: ("neutral", "ban"),
}
METHOD_WORDS: Mapping[Method, str] = {
    Method.SHIP: N_("Sent to the buyer"),
    Method.COLLECT: N_("Collected here"),
    Method.SEND_TO_STORE: N_("Sent to the store where it is collected"),
    Method.HAND_OUT: N_("Sent here, and collected here"),
}
REJECT_WORDS: Mapping[RejectReason, str] = {
    RejectReason.NOT_FOUND: N_("not found"),
    RejectReason.DAMAGED: N_("damaged"),
    RejectReason.NO_STAFF: N_("no staff"),
    RejectReason.CLOSED: N_("closed"),
    RejectReason.NO_ANSWER: N_("not begun in time"),
    RejectReason.THIRD_PARTY: N_("the third party does not do it"),
    RejectReason.OTHER: N_("another reason"),
}
HOLD_WORDS: Mapping[HoldReason, str] = {
    HoldReason.UNROUTABLE: N_("no location may send it"),
    HoldReason.PAYMENT: N_("the payment"),
    HoldReason.ADDRESS: N_("the address"),
    HoldReason.FRAUD: N_("a suspicion of fraud"),
    HoldReason.BUYER: N_("the buyer asked to wait"),
    HoldReason.OTHER: N_("another reason"),
}
