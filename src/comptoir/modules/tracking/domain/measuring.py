"""Whether promises were kept, and how well carriers do: sums that grow and shrink with each parcel's story."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from comptoir.modules.tracking.contracts import Counts, Kept, Kind, LaneKey, Performance, Promise, Tracked
from comptoir.sdk.tracking import TrackingStatus

_S = TrackingStatus
DAMAGED, LOST = "damaged", "lost"
"""What a parcel may be found to be."""
_NOTHING = Counts()
_REGION_DIGITS = 2
_ENOUGH, _LATE_IN, _RISKY_IN = 30, 10, 100
_NEVER = frozenset({_S.LOST, _S.DAMAGED, _S.RETURNING, _S.RETURNED, _S.CANCELLED})


def lane_of(parcel: Tracked) -> LaneKey:
    return LaneKey(
        parcel.carrier,
        parcel.service,
        parcel.origin_country,
        parcel.origin_region,
        parcel.destination_country,
        parcel.destination_region,
    )


def region_of(region: str, postcode: str) -> str:
    """As it is stated, else the beginning of the postcode, which is a region of some kind in most countries."""
    return region.strip().casefold() or postcode.strip()[:_REGION_DIGITS].casefold()


def on_the_way(
    lanes: Sequence[Performance], origin: tuple[str, str], destination: tuple[str, str]
) -> dict[tuple[str, str], Counts]:
    """How each (carrier, service) did from one (country, region) to another: between these regions where enough parcels of it
    have come to their end, else between the two countries.
    """
    near: dict[tuple[str, str], Counts] = {}
    far: dict[tuple[str, str], Counts] = {}
    for one in lanes:
        lane = one.lane
        if (lane.origin_country, lane.destination_country) != (origin[0], destination[0]):
            continue
        key = (lane.carrier, lane.service)
        far[key] = far.get(key, _NOTHING).plus(one.counts)
        if (lane.origin_region, lane.destination_region) == (origin[1], destination[1]):
            near[key] = near.get(key, _NOTHING).plus(one.counts)
    return {key: near[key] if key in near and near[key].parcels >= _ENOUGH else counts for key, counts in far.items()}


def month_of(parcel: Tracked) -> date:
    """Under which month it is counted: the one in which it left, which never changes."""
    return local_day(parcel, parcel.shipped_at).replace(day=1)


def local_day(parcel: Tracked, at: datetime) -> date:
    return at.astimezone(ZoneInfo(parcel.zone)).date()


def counts_of(parcel: Tracked) -> Counts:
    """What one parcel adds to its lane: nothing before its end, nor when it comes back for a reason that is the buyer's. What
    was found to be damaged or lost is counted so, whatever its carrier says of it.

    It is a function of the parcel as it stands, so that a correction takes back exactly what was counted.
    """
    promised = int(parcel.promised_on is not None)
    if parcel.status is TrackingStatus.LOST or parcel.claimed == LOST:
        return Counts(parcels=1, promised=promised, lost=1)
    broken = int(parcel.claimed == DAMAGED)
    match parcel.status:
        case TrackingStatus.DELIVERED if parcel.delivered_at is not None:
            on = local_day(parcel, parcel.delivered_at)
            late = 0 if parcel.promised_on is None else max(0, (on - parcel.promised_on).days)
            return Counts(
                parcels=1,
                delivered=1,
                promised=promised,
                on_time=int(bool(promised) and not late),
                days=max(0, (on - local_day(parcel, parcel.shipped_at)).days),
                first_time=int(parcel.attempts == 0),
                late=int(late > 0),
                late_days=late,
                damaged=broken,
            )
        case TrackingStatus.DAMAGED:
            return Counts(parcels=1, promised=promised, damaged=1)
        case _:
            return Counts(parcels=1, promised=promised, damaged=1) if broken else _NOTHING


def arrived_on(parcel: Tracked) -> date | None:
    """The day on which it was at the door; None before, and for what is collected."""
    if parcel.kind is not Kind.PARCEL or parcel.status is not _S.DELIVERED or parcel.delivered_at is None:
        return None
    return local_day(parcel, parcel.delivered_at)


class Verdict(StrEnum):
    """What the figures of a lane come to, for people."""

    UNPROVEN = "unproven"
    """Too few parcels to say."""
    RELIABLE = "reliable"
    LATE = "late"
    """One parcel in ten or more comes late."""
    RISKY = "risky"
    """One in a hundred or more is lost or damaged."""


def verdict(counts: Counts) -> Verdict:
    if counts.parcels < _ENOUGH:
        return Verdict.UNPROVEN
    if (counts.lost + counts.damaged) * _RISKY_IN >= counts.parcels:
        return Verdict.RISKY
    late = counts.promised - counts.on_time
    return Verdict.LATE if late and late * _LATE_IN >= counts.promised else Verdict.RELIABLE


def promise_of(parcel: Tracked, now: datetime) -> Promise:
    """The promised day against what happened. What waits at a pickup point has arrived."""
    happened = None
    if parcel.status is _S.DELIVERED and parcel.delivered_at is not None:
        happened = local_day(parcel, parcel.delivered_at)
    elif parcel.status is _S.AVAILABLE_FOR_PICKUP and parcel.since is not None:
        happened = local_day(parcel, parcel.since)
    kept, late = _kept(parcel, happened, local_day(parcel, now))
    return Promise(parcel.id, parcel.order_id, parcel.kind, parcel.promised_on, happened, kept, late)


def _kept(parcel: Tracked, happened: date | None, today: date) -> tuple[Kept, int]:
    promised = parcel.promised_on
    if promised is None:
        return Kept.NONE, 0
    if happened is not None:
        late = max(0, (happened - promised).days)
        return (Kept.LATE if late else Kept.KEPT), late
    if parcel.status in _NEVER:
        return Kept.BROKEN, 0
    late = max(0, (today - promised).days)
    return (Kept.OVERDUE if late else Kept.OPEN), late
