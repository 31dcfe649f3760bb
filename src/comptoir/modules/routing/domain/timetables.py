"""When orders that wait are decided: runs by the clock of a place, and which of them an order waits for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from comptoir.kernel.calendars import is_public_holiday, keeps_holidays
from comptoir.kernel.checking import Checks
from comptoir.kernel.time import time_zone
from comptoir.modules.locations.contracts import DAY
from comptoir.modules.routing.contracts import Profile, RuleSet, Schedule, ScheduleDraft
from comptoir.modules.routing.domain.rules import MAX_POSITION, WEEK, checked_condition, is_for

MAX_TIMES = 96
LAST_OF_ALL = MAX_POSITION + 1
"""The priority of rule sets' own runs: those of schedules go first."""
_LOOK_AHEAD = 400
"""Days in which a run is looked for."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """The runs of a week, by the clock of a zone. A time that the clock skips is an hour later, one that it shows twice is the
    first of the two.
    """

    zone: str
    works: tuple[bool, ...]
    """From Monday on."""
    minutes: tuple[int, ...]
    """After midnight, in order."""
    resting: str = ""
    """The country on whose public holidays there are none."""

    def next_run(self, now: datetime) -> datetime | None:
        """The first run after `now`; None where there is none for a year."""
        day = now.astimezone(ZoneInfo(self.zone)).date()
        for ahead in range(_LOOK_AHEAD):
            runs = _runs(self, day + timedelta(days=ahead))
            at = bisect_right(runs, now)
            if at < len(runs):
                return runs[at]
        return None

    def last_run(self, before: datetime, since: datetime) -> datetime | None:
        """The last run before an instant, at `since` or later; None where there is none."""
        zone = ZoneInfo(self.zone)
        day, first = before.astimezone(zone).date(), since.astimezone(zone).date()
        while day >= first:
            runs = _runs(self, day)
            at = bisect_left(runs, before)
            if at:
                return runs[at - 1] if runs[at - 1] >= since else None
            day -= timedelta(days=1)
        return None


@lru_cache(maxsize=4096)
def _runs(table: Timetable, day: date) -> tuple[datetime, ...]:
    if not table.works[day.weekday()] or (table.resting and is_public_holiday(table.resting, day)):
        return ()
    midnight = datetime.combine(day, time(), ZoneInfo(table.zone))
    return tuple(sorted({(midnight + timedelta(minutes=minutes)).astimezone(UTC) for minutes in table.minutes}))


def timetable(one: ScheduleDraft) -> Timetable:
    steps = range(one.opens, min(one.closes, DAY - 1) + 1, one.every) if one.every else ()
    return Timetable(one.time_zone, one.works, tuple(sorted({*one.times, *steps})), one.rests_in)


@lru_cache(maxsize=256)
def every(minutes: int) -> Timetable:
    """The full multiples of so many minutes after midnight, in UTC."""
    return Timetable("UTC", (True,) * WEEK, tuple(range(0, DAY, minutes)))


class Waits(NamedTuple):
    """What orders wait for: the runs of a schedule, or those of a rule set itself."""

    key: UUID
    """Of the schedule, or of the rule set."""
    code: str
    priority: int
    table: Timetable
    since: datetime | None = None
    """When the schedule was changed last: what it would have run before that is over. None for the runs of a rule set."""

    @property
    def turn(self) -> tuple[int, str]:
        """Who is decided first, of those that fall together."""
        return self.priority, self.code

    def is_due(self, last: datetime | None, now: datetime) -> bool:
        """Whether its turn has come, where it had it last at `last`. A rule set that never had one has it now."""
        begin = max([at for at in (last, self.since) if at is not None], default=None)
        found = now if begin is None else self.table.next_run(begin)
        return found is not None and found <= now


def waits_for(schedules: Iterable[Schedule], rule_set: RuleSet | None, order: Profile) -> Waits | None:
    """What an order waits for: the first schedule that is for it, else its rule set's own runs; None where it is decided at
    once. The schedules are the active ones, in their order.
    """
    for one in schedules:
        if _is_meant(one, rule_set) and is_for(one.condition, order):
            return of_schedule(one)
    return None if rule_set is None else of_rule_set(rule_set)


def _is_meant(one: Schedule, rule_set: RuleSet | None) -> bool:
    return one.rule_set_id is None or (rule_set is not None and rule_set.id == one.rule_set_id)


@lru_cache(maxsize=1024)
def of_schedule(one: Schedule) -> Waits:
    return Waits(one.id, one.code, one.priority, timetable(one), one.updated_at)


def of_rule_set(one: RuleSet) -> Waits | None:
    """Its own runs; None where it has none."""
    own = one.rules.every
    return Waits(one.id, one.code, LAST_OF_ALL, every(own)) if own else None


def turns(schedules: Iterable[Schedule], live: Iterable[RuleSet]) -> list[Waits]:
    """Whatever has runs, in the order in which those that fall together are decided."""
    own = [found for one in live if (found := of_rule_set(one)) is not None]
    return sorted([*map(of_schedule, schedules), *own], key=lambda one: one.turn)


def checked_schedule(draft: ScheduleDraft, checks: Checks) -> ScheduleDraft:
    """The draft with clean values; what is wrong with it is in `checks`."""
    code = checks.code("code", draft.code)
    checks.parsed("time_zone", time_zone, draft.time_zone, None)
    checks.whole("priority", draft.priority, 0, MAX_POSITION)
    checks.require("works", len(draft.works) == WEEK and any(draft.works), "names one of seven days at least")
    known = not draft.rests_in or keeps_holidays(draft.rests_in)
    checks.require("rests_in", known, "is a country whose public holidays are known")
    checks.require("times", len(draft.times) <= MAX_TIMES, f"has at most {MAX_TIMES} of them")
    checks.require("times", all(0 <= at < DAY for at in draft.times), "are from 00:00 to 23:59")
    checks.whole("every", draft.every, 0, DAY)
    checks.require("every", bool(draft.times) or draft.every > 0, "or times must say when runs are")
    checks.require("closes", 0 <= draft.opens <= draft.closes <= DAY, "is not before opens")
    checks.require("opens", not draft.every or draft.opens < DAY, "is before midnight")
    return replace(
        draft,
        code=code,
        name=checks.words("name", draft.name) or code,
        condition=checked_condition(draft.condition, checks.at("condition.")),
        times=tuple(sorted(set(draft.times))),
    )
