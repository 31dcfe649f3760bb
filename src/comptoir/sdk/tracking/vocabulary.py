"""The one vocabulary of tracking, and which status may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class TrackingStatus(StrEnum):
    """Where a parcel is on its way, in the order in which most parcels get there."""

    UNKNOWN = "unknown"
    """The carrier says something that we have no word for; its own code is kept beside it."""
    LABEL_CREATED = "label_created"
    AWAITING_PICKUP = "awaiting_pickup"
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    ON_HOLD = "on_hold"
    """It waits for somebody: customs, the buyer, the retailer."""
    EXCEPTION = "exception"
    """Something went wrong that may still come right."""
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"
    """It was at the door and could not be handed over."""
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    """It waits for the buyer in a shop or a locker."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """The carrier has stopped looking."""
    DAMAGED = "damaged"
    LOST = "lost"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"


_ALL = frozenset(TrackingStatus)
_S = TrackingStatus
_PAPERS = frozenset({_S.UNKNOWN, _S.LABEL_CREATED, _S.AWAITING_PICKUP})
"""What is said of a parcel before anybody has touched it."""

FINAL = frozenset({_S.DELIVERED, _S.RETURNED, _S.LOST, _S.DAMAGED, _S.CANCELLED, _S.EXPIRED})
"""Nothing more is waited for. Carriers err: what is lost may be found, what is cancelled may be on its way all the same."""

HOLDS: Mapping[TrackingStatus, frozenset[TrackingStatus]] = {
    _S.UNKNOWN: frozenset({_S.UNKNOWN}),
    _S.LABEL_CREATED: frozenset({_S.UNKNOWN}),
    _S.AWAITING_PICKUP: frozenset({_S.UNKNOWN, _S.LABEL_CREATED}),
    _S.PICKED_UP: _PAPERS,
    _S.IN_TRANSIT: _PAPERS | {_S.PICKED_UP},
    _S.ON_HOLD: frozenset({_S.UNKNOWN, _S.LABEL_CREATED}),
    _S.EXCEPTION: frozenset({_S.UNKNOWN, _S.LABEL_CREATED}),
    _S.OUT_FOR_DELIVERY: _PAPERS | {_S.PICKED_UP},
    _S.DELIVERY_FAILED: _PAPERS | {_S.PICKED_UP},
    _S.AVAILABLE_FOR_PICKUP: _PAPERS | {_S.PICKED_UP},
    _S.CANCELLED: _PAPERS | {_S.ON_HOLD, _S.EXCEPTION, _S.EXPIRED},
    _S.EXPIRED: _PAPERS,
    _S.DAMAGED: _ALL - {_S.DELIVERED, _S.LOST, _S.RETURNING, _S.RETURNED},
    _S.LOST: _PAPERS | {_S.ON_HOLD, _S.EXCEPTION, _S.CANCELLED, _S.EXPIRED},
    _S.DELIVERED: _ALL - {_S.RETURNING, _S.RETURNED},
    _S.RETURNING: _ALL - {_S.DELIVERED, _S.DAMAGED, _S.LOST, _S.RETURNED},
    _S.RETURNED: _ALL,
}
"""For each status, the later ones that do not change it: a scan that is merely late, or paperwork, takes nothing back."""
