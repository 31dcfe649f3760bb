"""Where parcels are: one vocabulary for all carriers, and what follows from their scans, in whatever order they come."""

from comptoir.sdk.tracking.expectations import Lane, delivery_day, estimated_delivery, is_stuck, quiet_for
from comptoir.sdk.tracking.scans import Journey, Scan, ScanKey, TrackingUpdate, distinct, journey_of, scan_key, status_of
from comptoir.sdk.tracking.vendors import VENDORS, mapped
from comptoir.sdk.tracking.vocabulary import FINAL, HOLDS, TrackingStatus

__all__ = [
    "FINAL",
    "HOLDS",
    "VENDORS",
    "Journey",
    "Lane",
    "Scan",
    "ScanKey",
    "TrackingStatus",
    "TrackingUpdate",
    "delivery_day",
    "distinct",
    "estimated_delivery",
    "is_stuck",
    "journey_of",
    "mapped",
    "quiet_for",
    "scan_key",
    "status_of",
]
