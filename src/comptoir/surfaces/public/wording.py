"""Where a parcel is, in words for whoever waits for it."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.modules.tracking.contracts import AnswerKind, CaseState
from comptoir.sdk.tracking import TrackingStatus

_S = TrackingStatus

STATUS: Mapping[TrackingStatus, str] = {
    _S.UNKNOWN: N_("The carrier has it"),
    _S.LABEL_CREATED: N_("Announced to the carrier"),
    _S.AWAITING_PICKUP: N_("Waiting for the driver"),
    _S.PICKED_UP: N_("Taken by the carrier"),
    _S.IN_TRANSIT: N_("On its way"),
    _S.ON_HOLD: N_("Held up"),
    _S.EXCEPTION: N_("Held up: the carrier is looking into it"),
    _S.OUT_FOR_DELIVERY: N_("With the driver: it arrives today"),
    _S.DELIVERY_FAILED: N_("It could not be delivered"),
    _S.AVAILABLE_FOR_PICKUP: N_("Waiting for you at the pickup point"),
    _S.CANCELLED: N_("Called back"),
    _S.EXPIRED: N_("The carrier has no more news"),
    _S.DAMAGED: N_("Damaged on the way"),
    _S.LOST: N_("Lost on the way"),
    _S.DELIVERED: N_("Delivered to you"),
    _S.RETURNING: N_("On its way back to us"),
    _S.RETURNED: N_("Back with us"),
}

STEPS = (N_("Has left"), N_("On its way"), N_("With the driver"), N_("Delivered to you"))

_STEP: Mapping[TrackingStatus, int] = {
    _S.PICKED_UP: 1, _S.IN_TRANSIT: 1, _S.ON_HOLD: 1, _S.EXCEPTION: 1, _S.OUT_FOR_DELIVERY: 2, _S.DELIVERY_FAILED: 2,
    _S.AVAILABLE_FOR_PICKUP: 2, _S.DELIVERED: 3,
}  # fmt: skip

DECIDED: Mapping[CaseState, str] = {
    CaseState.REATTEMPT: N_("The carrier tries again."),
    CaseState.RETURNING: N_("Your parcel goes back to the shop."),
    CaseState.DELIVERED: N_("Your parcel has been delivered."),
    CaseState.RETURNED: N_("Your parcel is back at the shop."),
}
"""What came of a failed delivery."""
BAD = frozenset({_S.DELIVERY_FAILED, _S.DAMAGED, _S.LOST, _S.EXCEPTION, _S.ON_HOLD, _S.CANCELLED, _S.RETURNING, _S.RETURNED})
ENDED_BADLY = frozenset({_S.DAMAGED, _S.LOST, _S.CANCELLED, _S.RETURNING, _S.RETURNED})

NEXT: Mapping[TrackingStatus, tuple[str, ...]] = {
    _S.AVAILABLE_FOR_PICKUP: (
        N_("Fetch it there with an identity card and the number of the parcel. It usually waits for a week or two."),
        N_("The carrier's page says until when, and when they are open."),
    ),
    _S.LOST: (
        N_("We are sorry. You need not do anything: we look after it with the carrier."),
        N_("We send it again, or pay you back, and write to you which."),
    ),
    _S.DAMAGED: (
        N_("We are sorry. You need not do anything: we look after it with the carrier."),
        N_("We send it again, or pay you back, and write to you which."),
        N_("Has it come to you all the same? Keep it as it is, and send us pictures with a return."),
    ),
    _S.RETURNING: (
        N_("It could not be handed over. When it is back with us we send it again, or pay you back, and write to you."),
        N_("Did you want it after all, or is the address wrong? Tell us now, and it goes faster."),
    ),
    _S.RETURNED: (N_("It is back with us. We send it again, or pay you back, and write to you which."),),
}
"""What happens next, where the buyer would ask."""

CHOICES: Mapping[AnswerKind, str] = {
    AnswerKind.DATE: N_("Deliver it on another day"),
    AnswerKind.ADDRESS: N_("Correct the address"),
    AnswerKind.PICKUP: N_("Bring it to a pickup point"),
    AnswerKind.RETURN: N_("Send it back to the shop"),
}


def step_of(status: TrackingStatus) -> int:
    """Which of the steps it has reached; it left, at least."""
    return _STEP.get(status, 0)
