"""Scans as carriers report them (late, repeated, in any order) and the one journey that they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple

from comptoir.sdk.tracking.vocabulary import FINAL, HOLDS, TrackingStatus

_ORDER = {status: position for position, status in enumerate(TrackingStatus)}
_MOVED = frozenset(
    {
        TrackingStatus.PICKED_UP,
        TrackingStatus.IN_TRANSIT,
        TrackingStatus.OUT_FOR_DELIVERY,
        TrackingStatus.DELIVERY_FAILED,
        TrackingStatus.AVAILABLE_FOR_PICKUP,
        TrackingStatus.DELIVERED,
    }
)
"""What can only be said of a parcel that the carrier has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One thing that a carrier reports of a parcel."""

    status: TrackingStatus
    at: datetime
    """When it happened, in UTC."""
    raw_code: str = ""
    """The vendor's own code, also where we have a word for it."""
    detail: str = ""
    """The vendor's finer code, such as why a delivery failed."""
    text: str = ""
    place: str = ""
    latitude: float | None = None
    longitude: float | None = None
    id: str = ""
    """The carrier's id, where the same scan has the same one however it reaches us; empty otherwise."""


class ScanKey(NamedTuple):
    """What makes two reports the same scan."""

    id: str
    status: TrackingStatus
    raw_code: str
    at: str
    place: str
    text: str


def scan_key(scan: Scan) -> ScanKey:
    """By the carrier's id where there is one, else by what is said: to the second, whatever the case and the spaces.

    A scan that the carrier corrects afterwards has another status, and so another key.
    """
    if scan.id:
        return ScanKey(scan.id, scan.status, scan.raw_code, "", "", "")
    at = scan.at.astimezone(UTC).replace(microsecond=0).isoformat()
    return ScanKey("", scan.status, scan.raw_code, at, _plain(scan.place), _plain(scan.text))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def distinct(scans: Iterable[Scan]) -> list[Scan]:
    """Each scan once, from the first to the last; what happened at once goes in the order of most journeys."""
    unique = {scan_key(scan): scan for scan in sorted(scans, key=_all_of)}
    return [unique[key] for key in sorted(unique, key=lambda key: (unique[key].at, _ORDER[key.status], key))]


def _all_of(scan: Scan) -> tuple[object, ...]:
    """Every field, so that of two reports of one scan the same one is kept in whichever order they came."""
    return (scan.at, _ORDER[scan.status], *(str(getattr(scan, name)) for name in Scan.__slots__))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingUpdate:
    """What a carrier says of one parcel, asked or unasked: some of its scans, or all of them."""

    tracking_number: str
    scans: tuple[Scan, ...] = ()
    latest: Scan | None = None
    """The one to act on, where the vendor tells it apart from the others. It is among the scans."""
    estimated_on: date | None = None
    """The day of delivery that the carrier itself expects."""
    carrier: str = ""
    """As the vendor names it."""
    reference: str = ""
    """Ours, where it comes back with the update."""
    signed_by: str = ""
    event_id: str = ""
    """Of the message; the same for each of its repetitions."""


@dataclass(frozen=True, slots=True)
class Journey:
    """What the scans of a parcel add up to."""

    status: TrackingStatus = TrackingStatus.UNKNOWN
    since: datetime | None = None
    """When it got there; None without any scan."""
    last_at: datetime | None = None
    """The latest news, whether or not it changed anything."""
    moved_at: datetime | None = None
    """When the carrier is first known to have it."""
    delivered_at: datetime | None = None
    """None unless it is delivered."""
    attempts: int = 0
    """How often it could not be handed over."""

    @property
    def over(self) -> bool:
        return self.status in FINAL


def journey_of(scans: Iterable[Scan]) -> Journey:
    """The same for the same scans, in whatever order and however often they came."""
    status, since = TrackingStatus.UNKNOWN, None
    ordered = distinct(scans)
    for scan in ordered:
        if since is None or (scan.status is not status and scan.status not in HOLDS[status]):
            status, since = scan.status, scan.at
    return Journey(
        status=status,
        since=since,
        last_at=ordered[-1].at if ordered else None,
        moved_at=next((scan.at for scan in ordered if scan.status in _MOVED), None),
        delivered_at=since if status is TrackingStatus.DELIVERED else None,
        attempts=sum(scan.status is TrackingStatus.DELIVERY_FAILED for scan in ordered),
    )


def status_of(scans: Iterable[Scan]) -> TrackingStatus:
    """Where the parcel is; `unknown` when nothing that we understand was said of it."""
    return journey_of(scans).status
