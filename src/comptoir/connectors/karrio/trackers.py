"""What Karrio's trackers say, in our vocabulary.

Karrio gives carriers' times without the zone that they are in, or with a Z that means nothing: they are taken for UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from comptoir.connectors.karrio.mapping import KEY, day_of
from comptoir.connectors.karrio.messages import Tracker, TrackingEvent
from comptoir.sdk.tracking import Scan, TrackingStatus, TrackingUpdate, mapped

_CREATED = "CREATED"
"""The code of the event that Karrio itself writes when a label is bought."""
_REASONS: Mapping[str, TrackingStatus] = {
    "carrier_damaged_parcel": TrackingStatus.DAMAGED,
    "carrier_parcel_lost": TrackingStatus.LOST,
}
_TROUBLED = frozenset({TrackingStatus.DELIVERY_FAILED, TrackingStatus.EXCEPTION, TrackingStatus.ON_HOLD})
"""Where the reason says more than the status that it comes with."""
_CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")


def update_of(tracker: Tracker) -> TrackingUpdate:
    """All that Karrio knows of a parcel. What is delivered after it was sent back is delivered to the sender."""
    placed = [(at, event) for event in tracker.events or () if (at := moment(event)) is not None]
    placed.sort(key=lambda one: one[0])
    scans: list[Scan] = []
    returning = False
    for at, event in placed:
        scan = _scan(event, at, returning=returning)
        returning = returning or scan.status is TrackingStatus.RETURNING
        scans.append(scan)
    if (own := _own_status(tracker, scans, returning=returning)) is not None:
        scans.append(own)
    return TrackingUpdate(
        tracking_number=tracker.tracking_number,
        scans=tuple(scans),
        latest=scans[-1] if scans else None,
        estimated_on=day_of(tracker.estimated_delivery),
        carrier=tracker.carrier_name or "",
        signed_by="" if tracker.info is None else tracker.info.signed_by or "",
    )


def moment(event: TrackingEvent) -> datetime | None:
    """None for an event of which nobody can say on which day it was."""
    try:
        at = datetime.fromisoformat(event.timestamp or "")
    except ValueError:
        return _day_and_time(event.date or "", event.time or "")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _day_and_time(day: str, clock: str) -> datetime | None:
    """A time that cannot be read is midnight."""
    try:
        midnight = datetime.fromisoformat(day[:10]).replace(tzinfo=UTC)
    except ValueError:
        return None
    for pattern in _CLOCKS:
        try:
            at = datetime.strptime(clock.strip().upper(), pattern)  # noqa: DTZ007 - a time of day, without a day
        except ValueError:
            continue
        return midnight.replace(hour=at.hour, minute=at.minute, second=at.second)
    return midnight


def _scan(event: TrackingEvent, at: datetime, *, returning: bool) -> Scan:
    """The vendor's code is Karrio's status, where it has one for each scan; else the carrier's own code, which is unknown."""
    code, own = event.status or event.code or "", event.code or ""
    status = TrackingStatus.LABEL_CREATED if not event.status and own == _CREATED else mapped(KEY, event.status or "")
    return Scan(
        status=_refined(status, event.reason, returning=returning),
        at=at,
        raw_code=code,
        detail=event.reason or (own if own != code else ""),
        text=event.description or "",
        place=event.location or "",
        latitude=event.latitude,
        longitude=event.longitude,
    )


def _refined(status: TrackingStatus, reason: str | None, *, returning: bool) -> TrackingStatus:
    if status in _TROUBLED:
        return _REASONS.get(reason or "", status)
    return TrackingStatus.RETURNED if returning and status is TrackingStatus.DELIVERED else status


def _own_status(tracker: Tracker, scans: list[Scan], *, returning: bool) -> Scan | None:
    """The status of the parcel as a whole, where no scan says it: older servers have one for the whole parcel only."""
    code = tracker.status or ""
    status = _refined(mapped(KEY, code), None, returning=returning)
    if not scans or not code or status is TrackingStatus.UNKNOWN:
        return None
    if any(scan.raw_code == code or scan.status is status for scan in scans):
        return None
    return Scan(status=status, at=scans[-1].at, raw_code=code)
