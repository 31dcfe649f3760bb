"""What each vendor's own codes mean in our vocabulary. A code that is not here is `unknown`, and is kept as it came."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.sdk.tracking.vocabulary import TrackingStatus

_S = TrackingStatus

VENDORS: Mapping[str, Mapping[str, TrackingStatus]] = {
    "aftership": {
        "Pending": _S.UNKNOWN,
        "InfoReceived": _S.LABEL_CREATED,
        "InTransit": _S.IN_TRANSIT,
        "OutForDelivery": _S.OUT_FOR_DELIVERY,
        "AttemptFail": _S.DELIVERY_FAILED,
        "AvailableForPickup": _S.AVAILABLE_FOR_PICKUP,
        "Delivered": _S.DELIVERED,
        "Exception": _S.EXCEPTION,
        "Expired": _S.EXPIRED,
    },
    "clickpost": {
        "1": _S.LABEL_CREATED,
        "28": _S.LABEL_CREATED,
        "2": _S.AWAITING_PICKUP,
        "25": _S.AWAITING_PICKUP,
        "3": _S.EXCEPTION,
        "4": _S.PICKED_UP,
        "5": _S.IN_TRANSIT,
        "1004": _S.IN_TRANSIT,
        "6": _S.OUT_FOR_DELIVERY,
        "8": _S.DELIVERED,
        "9": _S.DELIVERY_FAILED,
        "7": _S.EXCEPTION,
        "18": _S.EXCEPTION,
        "19": _S.EXCEPTION,
        "20": _S.ON_HOLD,
        "10": _S.CANCELLED,
        "11": _S.RETURNING,
        "12": _S.RETURNING,
        "13": _S.RETURNING,
        "15": _S.RETURNING,
        "21": _S.RETURNING,
        "26": _S.RETURNING,
        "27": _S.RETURNING,
        "14": _S.RETURNED,
        "16": _S.LOST,
        "17": _S.DAMAGED,
        "23": _S.EXPIRED,
    },
    "easypost": {
        "unknown": _S.UNKNOWN,
        "pre_transit": _S.LABEL_CREATED,
        "in_transit": _S.IN_TRANSIT,
        "out_for_delivery": _S.OUT_FOR_DELIVERY,
        "available_for_pickup": _S.AVAILABLE_FOR_PICKUP,
        "delivered": _S.DELIVERED,
        "return_to_sender": _S.RETURNING,
        "failure": _S.DELIVERY_FAILED,
        "cancelled": _S.CANCELLED,
        "error": _S.EXCEPTION,
    },
    "karrio": {
        "pending": _S.LABEL_CREATED,
        "picked_up": _S.PICKED_UP,
        "in_transit": _S.IN_TRANSIT,
        "out_for_delivery": _S.OUT_FOR_DELIVERY,
        "ready_for_pickup": _S.AVAILABLE_FOR_PICKUP,
        "delivered": _S.DELIVERED,
        "delivery_failed": _S.DELIVERY_FAILED,
        "delivery_delayed": _S.EXCEPTION,
        "on_hold": _S.ON_HOLD,
        "return_to_sender": _S.RETURNING,
        "cancelled": _S.CANCELLED,
        "unknown": _S.UNKNOWN,
    },
    "shipengine": {
        "UN": _S.UNKNOWN,
        "NY": _S.LABEL_CREATED,
        "AC": _S.PICKED_UP,
        "IT": _S.IN_TRANSIT,
        "AT": _S.DELIVERY_FAILED,
        "EX": _S.EXCEPTION,
        "SP": _S.AVAILABLE_FOR_PICKUP,
        "DE": _S.DELIVERED,
    },
    "shippo": {
        "UNKNOWN": _S.UNKNOWN,
        "PRE_TRANSIT": _S.LABEL_CREATED,
        "TRANSIT": _S.IN_TRANSIT,
        "DELIVERED": _S.DELIVERED,
        "RETURNED": _S.RETURNED,
        "FAILURE": _S.EXCEPTION,
    },
    "17track": {
        "NotFound": _S.UNKNOWN,
        "InfoReceived": _S.LABEL_CREATED,
        "InTransit": _S.IN_TRANSIT,
        "OutForDelivery": _S.OUT_FOR_DELIVERY,
        "AvailableForPickup": _S.AVAILABLE_FOR_PICKUP,
        "Delivered": _S.DELIVERED,
        "DeliveryFailure": _S.DELIVERY_FAILED,
        "Exception": _S.EXCEPTION,
        "Expired": _S.EXPIRED,
    },
}


def mapped(vendor: str, code: str) -> TrackingStatus:
    """What a vendor's code means; `unknown` for one that we do not know."""
    return VENDORS[vendor].get(code, TrackingStatus.UNKNOWN)
