"""What staff read of parcels: where they are, what buyers answer, what buyers are told."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.modules.notices.contracts import NoticeKind
from comptoir.modules.tracking.contracts import AnswerKind, TrackingStatus

TRACKING_WORDS: Mapping[TrackingStatus, str] = {
    TrackingStatus.UNKNOWN: N_("The carrier has it"),
    TrackingStatus.LABEL_CREATED: N_("Announced to the carrier"),
    TrackingStatus.AWAITING_PICKUP: N_("Waiting for the driver"),
    TrackingStatus.PICKED_UP: N_("Taken by the carrier"),
    TrackingStatus.IN_TRANSIT: N_("On its way"),
    TrackingStatus.ON_HOLD: N_("Held up"),
    TrackingStatus.EXCEPTION: N_("Held up: the carrier is looking into it"),
    TrackingStatus.OUT_FOR_DELIVERY: N_("Out for delivery"),
    TrackingStatus.DELIVERY_FAILED: N_("Could not be delivered"),
    TrackingStatus.AVAILABLE_FOR_PICKUP: N_("Waits at the pickup point"),
    TrackingStatus.CANCELLED: N_("Called back"),
    TrackingStatus.EXPIRED: N_("The carrier has no more news"),
    TrackingStatus.DAMAGED: N_("Damaged on the way"),
    TrackingStatus.LOST: N_("Lost on the way"),
    TrackingStatus.DELIVERED: N_("Delivered"),
    TrackingStatus.RETURNING: N_("On its way back"),
    TrackingStatus.RETURNED: N_("Came back"),
}
ANSWER_WORDS: Mapping[AnswerKind, str] = {
    AnswerKind.DATE: N_("another day"),
    AnswerKind.ADDRESS: N_("another address"),
    AnswerKind.PICKUP: N_("a pickup point"),
    AnswerKind.RETURN: N_("back to the sender"),
}
NOTICE_WORDS: Mapping[NoticeKind, str] = {
    NoticeKind.CONFIRMED: N_("the order is confirmed"),
    NoticeKind.READY: N_("it can be collected"),
    NoticeKind.REMINDER: N_("it still waits to be collected"),
    NoticeKind.GIVEN_BACK: N_("it was not collected"),
    NoticeKind.SHIPPED: N_("it has left"),
    NoticeKind.OUT_FOR_DELIVERY: N_("it arrives today"),
    NoticeKind.FAILED: N_("it could not be delivered"),
    NoticeKind.DELIVERED: N_("it was delivered"),
    NoticeKind.DELAYED: N_("it is late"),
    NoticeKind.SUBSTITUTED: N_("what was taken instead"),
    NoticeKind.RETURN: N_("where the papers of the return are"),
    NoticeKind.RETURN_DECLINED: N_("the return is declined"),
    NoticeKind.RETURN_GIVEN_BACK: N_("what was declined is on its way back"),
    NoticeKind.RETURN_RECEIVED: N_("what was sent back has come"),
    NoticeKind.CANCELLED: N_("the order is cancelled, or a part of it"),
    NoticeKind.CHANGED: N_("the order is changed"),
    NoticeKind.REFUND_GRANTED: N_("money is to be paid back"),
    NoticeKind.REFUNDED: N_("money was paid back"),
    NoticeKind.CREDITED: N_("money is on store credit"),
    NoticeKind.LOST: N_("the parcel is lost"),
    NoticeKind.DAMAGED: N_("the parcel is damaged"),
    NoticeKind.RETURNING: N_("the parcel is on its way back"),
}
