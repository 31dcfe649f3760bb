"""Runs by the clock of a place, and which of them an order waits for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.calendars import is_public_holiday
from comptoir.kernel.checking import Checks
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.routing import api
from comptoir.modules.routing.api import Timetable
from comptoir.modules.routing.contracts import (
    Condition,
    Profile,
    Rules,
    RuleSet,
    RuleSetId,
    RuleSetState,
    Schedule,
    ScheduleDraft,
    ScheduleId,
)
from comptoir.modules.routing.domain.timetables import checked_schedule

PARIS = ZoneInfo("Europe/Paris")
ALL_DAYS = (True,) * 7
WEEKDAYS = (True,) * 5 + (False,) * 2
THEN = datetime(2026, 1, 5, tzinfo=UTC)
WEB = Profile("web", "FR", Service.STANDARD)

zones = st.sampled_from(
    ["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo"]
)
tables = st.builds(
    Timetable,
    zone=zones,
    works=st.tuples(*[st.booleans()] * 7).filter(any),
    minutes=st.lists(st.integers(0, 1439), min_size=1, max_size=6, unique=True).map(lambda found: tuple(sorted(found))),
    resting=st.sampled_from(["", "FR", "US"]),
)
instants = st.integers(0, 5 * 366 * 86_400).map(lambda n: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=n))


def at(text: str, zone: ZoneInfo = PARIS) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def schedule(code: str, priority: int = 0, *, serial: int = 1, **more: Any) -> Schedule:
    one = Schedule(
        code=code,
        times=(600,),
        priority=priority,
        id=ScheduleId(UUID(int=serial)),
        version=1,
        created_at=THEN,
        updated_at=THEN,
    )
    return replace(one, **more)


def rule_set(every: int = 0) -> RuleSet:
    return RuleSet(
        code="rules",
        rules=Rules(every=every),
        id=RuleSetId(UUID(int=99)),
        state=RuleSetState.LIVE,
        version=1,
        created_at=THEN,
        updated_at=THEN,
    )


@given(tables, instants)
def test_a_run_is_after_now_on_a_day_and_at_a_time_that_the_table_names(table: Timetable, now: datetime) -> None:
    found = table.next_run(now)
    assert found is not None
    assert found > now
    local = found.astimezone(ZoneInfo(table.zone))
    days = [local.date(), local.date() - timedelta(days=1)]  # what the clock skips at midnight is on the day after
    day = next(day for day in days if found in _walls(table, day))
    assert table.works[day.weekday()]
    assert not table.resting or not is_public_holiday(table.resting, day)


@given(tables, instants)
def test_there_is_no_run_between_now_and_the_next_one(table: Timetable, now: datetime) -> None:
    found = table.next_run(now)
    assert found is not None
    assert table.next_run(found - timedelta(microseconds=1)) == found
    assert table.last_run(found, now + timedelta(microseconds=1)) is None
    after = table.next_run(found)
    assert after is not None
    assert after > found
    assert table.last_run(after, now) == found


@given(instants, st.sampled_from([1, 7, 15, 60, 1440]))
def test_a_rule_set_runs_at_full_multiples_after_midnight_in_utc(now: datetime, minutes: int) -> None:
    found = api.every(minutes).next_run(now)
    midnight = datetime.combine(now.date(), time(), UTC)
    wanted = midnight + ((now - midnight) // timedelta(minutes=minutes) + 1) * timedelta(minutes=minutes)
    assert found == min(wanted, midnight + timedelta(days=1))


def _walls(table: Timetable, day: date) -> set[datetime]:
    midnight = datetime.combine(day, time(), ZoneInfo(table.zone))
    return {(midnight + timedelta(minutes=minutes)).astimezone(UTC) for minutes in table.minutes}


def test_ten_o_clock_is_ten_o_clock_in_winter_and_in_summer() -> None:
    table = Timetable("Europe/Paris", ALL_DAYS, (600,))
    assert table.next_run(at("2026-03-28T12:00")) == at("2026-03-29T10:00") == datetime(2026, 3, 29, 8, tzinfo=UTC)
    assert table.next_run(at("2026-10-24T12:00")) == datetime(2026, 10, 25, 9, tzinfo=UTC)


def test_a_time_that_the_clock_skips_is_an_hour_later_and_one_that_it_shows_twice_is_the_first() -> None:
    table = Timetable("Europe/Paris", ALL_DAYS, (150,))
    assert table.next_run(at("2026-03-29T00:30")) == at("2026-03-29T03:30")
    first = table.next_run(at("2026-10-25T00:30"))
    assert first is not None
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert table.next_run(first) == at("2026-10-26T02:30")


def test_a_schedule_that_rests_has_no_run_on_a_public_holiday() -> None:
    resting = api.timetable(ScheduleDraft(code="a", times=(600,), works=WEEKDAYS, time_zone="Europe/Paris", rests_in="FR"))
    working = replace(resting, resting="")
    assert working.next_run(at("2026-07-13T12:00")) == at("2026-07-14T10:00")
    assert resting.next_run(at("2026-07-13T12:00")) == at("2026-07-15T10:00")


def test_times_and_steps_make_one_table() -> None:
    one = ScheduleDraft(code="a", times=(605, 1200), every=30, opens=480, closes=570)
    assert api.timetable(one).minutes == (480, 510, 540, 570, 605, 1200)
    assert api.timetable(ScheduleDraft(code="a", every=720)).minutes == (0, 720)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"times": ()}, "every"),
        ({"times": (1440,)}, "times"),
        ({"works": (False,) * 7}, "works"),
        ({"time_zone": "Mars/Crater"}, "time_zone"),
        ({"rests_in": "XX"}, "rests_in"),
        ({"every": 30, "opens": 600, "closes": 500}, "closes"),
        ({"priority": -1}, "priority"),
        ({"code": "a b"}, "code"),
        ({"condition": Condition(least_value=100)}, "condition.currency"),
        ({"condition": Condition(least_value=100, most_value=99, currency="EUR")}, "condition.most_value"),
        ({"condition": Condition(skus=("\t",))}, "condition.skus[0]"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(wrong: dict[str, Any], path: str) -> None:
    checks = Checks()
    checked_schedule(replace(ScheduleDraft(code="a", times=(600,)), **wrong), checks)
    assert path in [error["path"] for error in checks.errors]


def test_an_order_waits_for_the_first_schedule_that_is_for_it() -> None:
    express = schedule("express", 1, serial=1, condition=Condition(services=(Service.EXPRESS,)))
    ours = schedule("ours", 2, serial=2, rule_set_id=RuleSetId(UUID(int=99)))
    rest = schedule("rest", 3, serial=3)
    waits = api.waits_for([express, ours, rest], rule_set(), WEB)
    assert waits is not None
    assert (waits.key, waits.priority) == (ours.id, 2)
    without = api.waits_for([express, ours, rest], None, WEB)
    assert without is not None
    assert without.key == rest.id
    quick = api.waits_for([express, ours, rest], rule_set(), WEB._replace(service=Service.EXPRESS))
    assert quick is not None
    assert quick.key == express.id


def test_what_no_schedule_is_for_waits_for_its_rule_sets_own_runs_or_for_none() -> None:
    express = schedule("express", condition=Condition(services=(Service.EXPRESS,)))
    own = api.waits_for([express], rule_set(30), WEB)
    assert own is not None
    assert (own.key, own.table) == (UUID(int=99), api.every(30))
    assert api.waits_for([express], rule_set(), WEB) is None
    assert api.waits_for([express], None, WEB) is None


def test_turns_are_by_priority_then_code_and_rule_sets_come_last() -> None:
    found = api.turns([schedule("b", 1), schedule("a", 1), schedule("c", 0)], [rule_set(30), rule_set()])
    assert [one.code for one in found] == ["c", "a", "b", "rules"]


def test_a_schedule_is_due_once_for_each_of_its_times_and_never_for_those_before_it_was_made() -> None:
    (one,) = api.turns([schedule("a", updated_at=datetime(2026, 1, 5, 10, 30, tzinfo=UTC))], [])
    assert not one.is_due(None, datetime(2026, 1, 5, 11, tzinfo=UTC))
    tomorrow = datetime(2026, 1, 6, 10, tzinfo=UTC)
    assert one.is_due(None, tomorrow)
    assert not one.is_due(tomorrow + timedelta(seconds=20), tomorrow + timedelta(hours=1))


@given(
    st.sets(st.sampled_from("ABC")),
    st.sets(st.sampled_from(["x", "y"])),
    st.integers(0, 100),
    st.sampled_from(["EUR", "USD"]),
)
def test_an_order_is_meant_by_its_products_its_brands_and_what_it_is_worth(
    skus: set[str], brands: set[str], value: int, currency: str
) -> None:
    order = WEB._replace(skus=frozenset(skus), brands=frozenset(brands), value=value, currency=currency)
    assert api.is_for(Condition(), order)
    assert api.is_for(Condition(skus=("A", "Z")), order) == ("A" in skus)
    assert api.is_for(Condition(brands=("y",)), order) == ("y" in brands)
    assert api.is_for(Condition(least_value=40, currency="EUR"), order) == (value >= 40 and currency == "EUR")
    assert api.is_for(Condition(most_value=60, currency="EUR"), order) == (value <= 60 and currency == "EUR")
    assert api.is_for(Condition(least_value=40, most_value=60, currency="USD"), order) == (
        40 <= value <= 60 and currency == "USD"
    )


def _as(code: str, position: int, condition: Condition) -> RuleSet:
    return replace(rule_set(), code=code, position=position, rules=Rules(condition=condition))


def test_a_rule_set_for_a_wider_range_of_values_leaves_nothing_to_a_narrower_one() -> None:
    wide = _as("a", 0, Condition(least_value=100, currency="EUR"))
    narrow = _as("b", 1, Condition(least_value=200, most_value=300, currency="EUR"))
    assert api.takes_all(wide, narrow)
    assert not api.takes_all(wide, _as("b", 1, Condition(most_value=300, currency="EUR")))
    assert not api.takes_all(wide, _as("b", 1, Condition(least_value=200, currency="USD")))
    assert not api.takes_all(wide, _as("b", 1, Condition()))
    assert not api.takes_all(_as("a", 0, Condition(skus=("A",))), narrow)
