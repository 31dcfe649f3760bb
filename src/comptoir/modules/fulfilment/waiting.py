"""How long something waits for its buyer, as functions of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from comptoir.modules.fulfilment.contracts import CollectionTerms, LockerState, LockerStep, TermsRule
from comptoir.modules.locations.contracts import LocationId, OpeningHours, PoolId

MOST_DAYS = 365
MOST_REMINDERS = 5
TRIES = 5
"""Wrong codes, after which none is looked at for a while."""
BARRED_FOR = timedelta(minutes=15)
HERE_FOR = timedelta(hours=2)
"""Whoever said that they are there is waited for so long, whatever the clock says."""
_LOOK_AHEAD = 60
"""Days in which a closed counter is looked for an open day."""

LOCKER_STEPS: Mapping[tuple[LockerState, LockerStep], LockerState] = {
    (LockerState.FREE, LockerStep.ASSIGN): LockerState.TAKEN,
    (LockerState.FREE, LockerStep.BREAK): LockerState.OUT_OF_ORDER,
    (LockerState.TAKEN, LockerStep.OPEN): LockerState.FREE,
    (LockerState.TAKEN, LockerStep.TAKE_OUT): LockerState.FREE,
    (LockerState.TAKEN, LockerStep.EXPIRE): LockerState.TO_EMPTY,
    (LockerState.TO_EMPTY, LockerStep.EMPTY): LockerState.FREE,
    (LockerState.OUT_OF_ORDER, LockerStep.MEND): LockerState.FREE,
}
"""The life of a locker."""


def next_locker_state(state: LockerState, step: LockerStep) -> LockerState | None:
    """None where the step cannot be taken."""
    return LOCKER_STEPS.get((state, step))


def waits_until(since: datetime, days: int, hours: OpeningHours, zone: str) -> datetime:
    """The end of the day so many days later, by the counter's clock; where it is closed on that day, of the next open one."""
    place = ZoneInfo(zone)
    day = since.astimezone(place).date() + timedelta(days=days)
    if not hours.always and not hours.never:
        ahead = next((n for n in range(_LOOK_AHEAD) if hours.on(day + timedelta(days=n))), 0)
        day += timedelta(days=ahead)
    return datetime.combine(day + timedelta(days=1), time(), place).astimezone(UTC)


def next_reminder(until: datetime, days_before: Sequence[int], now: datetime) -> datetime | None:
    """When the buyer is reminded next: so many days before the end; None when no reminder is left."""
    ahead = [until - timedelta(days=days) for days in days_before]
    return min((at for at in ahead if at > now), default=None)


def barred(tries: int, now: datetime) -> datetime | None:
    """Until when no code is looked at after so many wrong ones in a row."""
    return now + BARRED_FOR if tries >= TRIES else None


def terms_for(rules: Sequence[TermsRule], location_id: LocationId, pools: Sequence[PoolId]) -> CollectionTerms:
    """The location's own, else those of the pool of it that gives most time, else everybody's, else the house's."""
    own = [rule for rule in rules if rule.location_id == location_id]
    shared = sorted((rule for rule in rules if rule.pool_id in pools), key=lambda rule: -rule.days)
    general = [rule for rule in rules if rule.location_id is None and rule.pool_id is None]
    return next(iter([*own, *shared, *general]), CollectionTerms())
