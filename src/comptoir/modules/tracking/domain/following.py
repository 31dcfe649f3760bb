"""What scans make of a parcel: the next state of its row, when to ask next, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from comptoir.modules.tracking.contracts import Correction, Tracked
from comptoir.sdk.tracking import (
    FINAL,
    Lane,
    Scan,
    TrackingStatus,
    distinct,
    estimated_delivery,
    is_stuck,
    journey_of,
    scan_key,
)

_S = TrackingStatus
OLD_SCANS = timedelta(days=30)
"""Carriers use numbers again: what was scanned longer before the parcel left is another parcel's."""
POLL_FOR = timedelta(days=60)
_POLL_STEPS = (timedelta(hours=1), timedelta(hours=2), timedelta(hours=4), timedelta(hours=8), timedelta(hours=16))
_SOON = timedelta(minutes=30)
USUAL_DAYS = 3
WORSE = timedelta(days=3)
"""A day that slips by less is not told again."""


def digest_of(scan: Scan) -> str:
    """What makes two reports the same scan, as one text for a unique key."""
    return "\x1f".join(str(part) for part in scan_key(scan))


def lane(parcel: Tracked) -> Lane:
    return Lane.usual(parcel.usual_days, ZoneInfo(parcel.zone), resting=parcel.destination_country)


def followed(parcel: Tracked, scans: Sequence[Scan], now: datetime) -> Tracked:
    """The parcel as its scans have it, in whatever order they came."""
    journey = journey_of(scans)
    today = now.astimezone(ZoneInfo(parcel.zone)).date()
    estimated = estimated_delivery(parcel.promised_on, lane(parcel), scans, today)
    return replace(
        parcel,
        status=journey.status,
        since=journey.since,
        last_at=journey.last_at,
        moved_at=journey.moved_at,
        delivered_at=journey.delivered_at,
        attempts=journey.attempts,
        estimated_on=_refined(parcel, journey.status, estimated, today),
    )


def _refined(parcel: Tracked, status: TrackingStatus, estimated: date | None, today: date) -> date | None:
    """The carrier's own day where it is on its way and the carrier says one: it knows its vans. A day that has passed without
    the parcel is no expectation.
    """
    said = parcel.carrier_estimate
    if estimated is None or said is None or said < today or status in FINAL or status is _S.AVAILABLE_FOR_PICKUP:
        return estimated
    return max(said, estimated) if status is _S.DELIVERY_FAILED else said


def corrections(parcel: Tracked, scans: Sequence[Scan]) -> list[Correction]:
    """How the expected day came to be what it is: each scan that moved it, from the first to the last."""
    ordered = distinct(scans)
    found: list[Correction] = []
    last = parcel.promised_on
    for n, scan in enumerate(ordered, 1):
        expected = estimated_delivery(
            parcel.promised_on, lane(parcel), ordered[:n], scan.at.astimezone(ZoneInfo(parcel.zone)).date()
        )
        if expected != last:
            found.append(Correction(scan.at, scan.status, expected))
            last = expected
    return found


def next_poll(parcel: Tracked, now: datetime, *, news: bool) -> tuple[datetime | None, int]:
    """When to ask the carrier next, and how many times in a row nothing was new. None when there is nothing to wait for."""
    if parcel.status in FINAL or now - parcel.shipped_at > POLL_FOR:
        return None, 0
    quiet = 0 if news else parcel.polls + 1
    if parcel.status is _S.OUT_FOR_DELIVERY:
        return now + _SOON, quiet
    return now + _POLL_STEPS[min(quiet, len(_POLL_STEPS) - 1)], quiet


def silent_since(parcel: Tracked, scans: Sequence[Scan], now: datetime) -> datetime | None:
    """Since when nothing was heard of it, when that is too long; else None."""
    if not is_stuck(lane(parcel), scans, now, bought_at=parcel.shipped_at):
        return None
    return journey_of(scans).last_at or parcel.shipped_at


def has_worse_news(parcel: Tracked) -> bool:
    """Whether its buyer should hear that it comes late, or so much later than was said last."""
    if not is_late(parcel):
        return False
    assert parcel.estimated_on is not None
    return parcel.delay_told is None or parcel.estimated_on >= parcel.delay_told + WORSE


def is_late(parcel: Tracked) -> bool:
    """Whether it is going to arrive after the promised day."""
    return (
        parcel.promised_on is not None
        and parcel.estimated_on is not None
        and parcel.status not in FINAL
        and parcel.status is not _S.AVAILABLE_FOR_PICKUP
        and parcel.estimated_on > parcel.promised_on
    )
