"""When a parcel should arrive, corrected with each scan, and when its silence is too long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from comptoir.kernel.calendars import is_public_holiday
from comptoir.sdk.tracking.scans import Journey, Scan, journey_of
from comptoir.sdk.tracking.vocabulary import TrackingStatus

_S = TrackingStatus
_DAY = timedelta(days=1)
_LONGEST = 120
"""Days after which silence is silence, however many of them were holidays."""

_NOT_YET_MOVED = frozenset({_S.UNKNOWN, _S.LABEL_CREATED, _S.AWAITING_PICKUP})
_NEVER_ARRIVES = frozenset({_S.CANCELLED, _S.EXPIRED, _S.DAMAGED, _S.LOST, _S.RETURNING, _S.RETURNED})

_PATIENCE: Mapping[TrackingStatus, timedelta] = {
    _S.UNKNOWN: 2 * _DAY,
    _S.LABEL_CREATED: 2 * _DAY,
    _S.AWAITING_PICKUP: 2 * _DAY,
    _S.PICKED_UP: 2 * _DAY,
    _S.IN_TRANSIT: 3 * _DAY,
    _S.ON_HOLD: 2 * _DAY,
    _S.EXCEPTION: _DAY,
    _S.OUT_FOR_DELIVERY: _DAY,
    _S.DELIVERY_FAILED: 2 * _DAY,
    _S.AVAILABLE_FOR_PICKUP: 7 * _DAY,
    _S.RETURNING: 7 * _DAY,
}


def delivers_on(day: date, delivers: tuple[bool, ...], resting: str = "") -> bool:
    return delivers[day.weekday()] and not (resting and is_public_holiday(resting, day))


def delivery_day(day: date, days: int, delivers: tuple[bool, ...], resting: str = "") -> date:
    """So many days of delivery after a day, or the next such day when it is none itself.

    `delivers` is from Monday on; nothing comes on the public holidays of the country that is `resting`.
    """
    assert any(delivers), "a carrier delivers on one day at least"
    while days > 0 or not delivers_on(day, delivers, resting):
        day += _DAY
        days -= delivers_on(day, delivers, resting)
    return day


@dataclass(frozen=True, slots=True)
class Lane:
    """What is usual between two places with one service of a carrier."""

    remaining: Mapping[TrackingStatus, int]
    """From reaching a status to the door, in days on which the carrier delivers."""
    patience: Mapping[TrackingStatus, timedelta]
    """How long it is usually silent there; days on which the carrier does not deliver do not count."""
    zone: ZoneInfo
    """Of the destination: whose days are meant."""
    delivers: tuple[bool, ...] = (True, True, True, True, True, True, False)
    """From Monday on."""
    resting: str = ""
    """The country on whose public holidays nothing is delivered."""

    def __post_init__(self) -> None:
        assert len(self.delivers) == 7, "a week has seven days"
        assert any(self.delivers), "a carrier delivers on one day at least"

    @classmethod
    def usual(cls, days: int, zone: ZoneInfo, delivers: tuple[bool, ...] = (True,) * 6 + (False,), resting: str = "") -> Self:
        """Of a service that takes so many days, as long as nothing else is known of the lane."""
        last_mile = max(1, days - 1)
        remaining = {
            _S.LABEL_CREATED: days + 1,
            _S.AWAITING_PICKUP: days,
            _S.PICKED_UP: days,
            _S.IN_TRANSIT: last_mile,
            _S.ON_HOLD: last_mile + 1,
            _S.EXCEPTION: last_mile + 1,
            _S.OUT_FOR_DELIVERY: 0,
            _S.DELIVERY_FAILED: 1,
            _S.AVAILABLE_FOR_PICKUP: 0,
        }
        return cls(remaining, _PATIENCE, zone, delivers, resting)

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def works_on(self, day: date) -> bool:
        return delivers_on(day, self.delivers, self.resting)

    def after(self, day: date, days: int) -> date:
        return delivery_day(day, days, self.delivers, self.resting)


def estimated_delivery(promised_on: date | None, lane: Lane, scans: Iterable[Scan], today: date) -> date | None:
    """The day on which the parcel arrives, as far as its scans tell; None when it does not arrive, or nothing is known.

    Before the carrier has it the promise stands, unless it can no longer be kept. From then on the lane's usual days count from
    when the parcel got to where it is, so that the estimate moves in both directions. What has not arrived arrives today at the
    earliest.
    """
    journey = journey_of(scans)
    if journey.status in _NEVER_ARRIVES:
        return None
    if journey.status in {_S.DELIVERED, _S.AVAILABLE_FOR_PICKUP}:
        return None if journey.since is None else lane.day(journey.since)
    expected = _by_stage(journey, lane, today)
    if journey.status not in _NOT_YET_MOVED or promised_on is None:
        return expected
    return max(promised_on, expected or promised_on, today)


def _by_stage(journey: Journey, lane: Lane, today: date) -> date | None:
    remaining = lane.remaining.get(journey.status)
    if remaining is None or journey.since is None:
        return None
    expected = lane.after(lane.day(journey.since), remaining)
    return expected if expected >= today else lane.after(today, min(remaining, 1))


def quiet_for(lane: Lane, since: datetime, now: datetime) -> timedelta:
    """The time between two instants without the days on which the carrier does not deliver."""
    day, last = lane.day(since), lane.day(now)
    if (last - day).days > _LONGEST:
        return now - since
    quiet = timedelta()
    while day <= last:
        if lane.works_on(day):
            begin, end = (datetime.combine(d, time(), lane.zone).astimezone(UTC) for d in (day, day + _DAY))
            quiet += max(min(end, now) - max(begin, since), timedelta())
        day += _DAY
    return quiet


def is_stuck(lane: Lane, scans: Iterable[Scan], now: datetime, *, bought_at: datetime | None = None) -> bool:
    """Whether nothing was heard of the parcel for longer than is usual where it is.

    `bought_at` is when its label was bought: silence before the first scan counts from then.
    """
    journey = journey_of(scans)
    last = journey.last_at or bought_at
    if journey.over or last is None:
        return False
    patience = lane.patience.get(journey.status)
    return patience is not None and quiet_for(lane, last, now) > patience
