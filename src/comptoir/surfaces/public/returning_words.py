"""Returns in words for whoever sends something back."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from comptoir.i18n import N_
from comptoir.modules.changes.contracts import Reason, RefundMoment, ReturnState, Why


class Way(StrEnum):
    """How it gets back to us."""

    LABEL = "label"
    """An address to print and stick on the box."""
    QR = "qr"
    """Its code on a telephone: whoever takes it in scans that."""
    STORE = "store"


class Money(StrEnum):
    """What the buyer gets for it."""

    REFUND = "refund"
    CREDIT = "credit"
    EXCHANGE = "exchange"


REASONS: Mapping[Reason, str] = {
    Reason.TOO_SMALL: N_("It is too small"),
    Reason.TOO_LARGE: N_("It is too large"),
    Reason.CHANGED_MIND: N_("I have changed my mind"),
    Reason.NOT_AS_DESCRIBED: N_("It is not as described"),
    Reason.DEFECTIVE: N_("It does not work"),
    Reason.DAMAGED: N_("It arrived damaged"),
    Reason.WRONG_ITEM: N_("I got the wrong article"),
    Reason.LATE: N_("It came too late"),
    Reason.OTHER: N_("Another reason"),
}
WAYS: Mapping[Way, tuple[str, str]] = {
    Way.LABEL: (
        N_("Send it, with a label to print"),
        N_("You print the address and the slip, and take the box to a carrier of your choice."),
    ),
    Way.QR: (
        N_("Send it, without a printer"),
        N_("You write the address and the return number on the box by hand, or show the code."),
    ),
    Way.STORE: (N_("Bring it to a store"), N_("Any of our stores takes it. Show the code there.")),
}
PREPAID = (
    N_("Send it, with a prepaid label"),
    N_("We buy the label from a carrier: you print it, stick it on the box, and hand it in."),
)
"""Of `Way.LABEL`, where the terms give a label."""
MONEY: Mapping[Money, str] = {
    Money.REFUND: N_("My money back, as I paid"),
    Money.CREDIT: N_("Store credit"),
    Money.EXCHANGE: N_("Another size or version of it"),
}
MOMENTS: Mapping[RefundMoment, str] = {
    RefundMoment.FIRST_SCAN: N_("as soon as the carrier has it"),
    RefundMoment.RECEIPT: N_("when we have received it"),
    RefundMoment.INSPECTION: N_("when we have looked at it"),
}
STATES: Mapping[ReturnState, tuple[str, str]] = {
    ReturnState.REQUESTED: (N_("We look at it and tell you soon"), "note"),
    ReturnState.APPROVED: (N_("We wait for it"), "note"),
    ReturnState.DECLINED: (N_("We cannot take it back"), "bad"),
    ReturnState.IN_TRANSIT: (N_("On its way back to us"), "note"),
    ReturnState.RECEIVED: (N_("We have it, and look at it"), "good"),
    ReturnState.INSPECTED: (N_("We have it, and have looked at it"), "good"),
    ReturnState.CLOSED: (N_("Done"), "good"),
    ReturnState.CANCELLED: (N_("Given up"), "note"),
}
"""What is said of it, and how that is set."""
VERDICTS: Mapping[Why, tuple[str, str]] = {
    Why.WITHDRAWAL: (
        N_("You may return it until %(day)s, without saying why: that is your right of withdrawal."),
        N_("You may return it: your 14 days to withdraw begin with the delivery."),
    ),
    Why.WITHIN_WINDOW: (N_("You may return it until %(day)s."), N_("You may return it: your days begin with the delivery.")),
    Why.DEFECT: (
        N_("It is guaranteed until %(day)s: you may return it."),
        N_("It is guaranteed: you may return it."),
    ),
    Why.FINAL_SALE: (
        N_("This was a final sale. You may return it only if something is wrong with it."),
        N_("This was a final sale. You may return it only if something is wrong with it."),
    ),
    Why.TOO_LATE: (
        N_("The last day to return it was %(day)s. You may return it only if something is wrong with it."),
        N_("It can no longer be returned, unless something is wrong with it."),
    ),
}
"""With a day, and where there is none yet."""
