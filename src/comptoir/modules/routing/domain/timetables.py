"""When orders that wait are decided: runs by the clock of a place, and which of them an order waits for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from comptoir.kernel.calendars import is_public_holiday, keeps_holidays
from comptoir.kernel.checking import Checks
from comptoir.kernel.time import time_zone
from comptoir.modules.locations.contracts import DAY
from comptoir.modules.routing.contracts import Profile, RuleSet, ScheduleDraft
from comptoir.modules.routing.domain.carrying import instant
from comptoir.modules.routing.domain.rules import MAX_POSITION, is_for

MAX_TIMES = 96
LAST_OF_ALL = MAX_POSITION + 1
"""The priority of rule sets' own runs: those of schedules go first."""
_LOOK_AHEAD = 60
"""Days in which a run is looked for."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """The runs of a week, by the clock of a zone."""

    zone: str
    works: tuple[bool, ...]
    """From Monday on."""
    minutes: tuple[int, ...]
    """After midnight, in order."""
    resting: str = ""
    """The country on whose public holidays there are none."""

    def next_run(self, now: datetime) -> datetime:
        """The first run after `now`; a day later where there is none for months."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        found = (at for ahead in range(_LOOK_AHEAD) for at in _runs(self, today + timedelta(days=ahead)) if at > now)
        return next(found, now + timedelta(days=1))

    def last_run(self, before: datetime, since: datetime) -> datetime | None:
        """The last run before an instant, at `since` or later; None where there is none."""
        day, first = (at.astimezone(ZoneInfo(self.zone)).date() for at in (before, since))
        while day >= first:
            found = [at for at in _runs(self, day) if since <= at < before]
            if found:
                return found[-1]
            day -= timedelta(days=1)
        return None


@lru_cache(maxsize=4096)
def _runs(table: Timetable, day: date) -> tuple[datetime, ...]:
    if not table.works[day.weekday()] or (table.resting and is_public_holiday(table.resting, day)):
        return ()
    return tuple(sorted({instant(table.zone, day, minutes) for minutes in table.minutes}))


def timetable(one: ScheduleDraft) -> Timetable:
    steps = range(one.opens, min(one.closes, DAY - 1) + 1, one.every) if one.every else ()
    return Timetable(one.time_zone, one.works, tuple(sorted({*one.times, *steps})), one.resting)


def every(minutes: int) -> Timetable:
    """The full multiples of so many minutes after midnight, in UTC."""
    return Timetable("UTC", (True,) * 7, tuple(range(0, DAY, minutes)))


class Waits(NamedTuple):
    """What an order waits for."""

    key: UUID
    """Of the schedule; of the rule set, where it is its own runs."""
    table: Timetable
    priority: int = LAST_OF_ALL


def waits_for(schedules: Iterable[ScheduleDraft], rule_set: RuleSet, order: Profile) -> Waits | None:
    """The first schedule, by priority, then code, that is for the order; else the rule set's own runs. None where it waits for
    nothing. The schedules are given in their order.
    """
    for one in schedules:
        if (one.rule_set_id is None or one.rule_set_id == rule_set.id) and is_for(one.condition, order):
            return Waits(one.id, _kept(one), one.priority)
    own = rule_set.rules.every
    return Waits(rule_set.id, _own(own)) if own else None


@lru_cache(maxsize=256)
def _own(minutes: int) -> Timetable:
    return every(minutes)


@lru_cache(maxsize=1024)
def _kept(one: ScheduleDraft) -> Timetable:
    return timetable(one)


def checked_schedule(draft: ScheduleDraft, checks: Checks) -> ScheduleDraft:
    """The draft with clean values; what is wrong with it is in `checks`."""
    checks.parsed("time_zone", time_zone, draft.time_zone, None)
    checks.whole("priority", draft.priority, 0, MAX_POSITION)
    checks.require("works", len(draft.works) == 7 and any(draft.works), "names one of seven days at least")
    checks.require(
        "resting", not draft.resting or keeps_holidays(draft.resting), "is a country whose public holidays are known"
    )
    checks.require("times", len(draft.times) <= MAX_TIMES, f"has at most {MAX_TIMES} of them")
    checks.require("times", all(0 <= at < DAY for at in draft.times), "are from 00:00 to 23:59")
    checks.whole("every", draft.every, 0, DAY)
    checks.require("every", bool(draft.times) or draft.every > 0, "or times must say when runs are")
    checks.require("closes", 0 <= draft.opens <= draft.closes <= DAY, "is not before the beginning")
    return draft
