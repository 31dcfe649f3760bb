"""Closed though the week says otherwise: by the day, and on public holidays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import cast

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.modules.fulfilment.hours import answer_by
from comptoir.modules.fulfilment.waiting import waits_until
from comptoir.modules.locations import api
from comptoir.modules.locations.contracts import Closure, Closures, LocationDraft, LocationKind, OpeningHours
from comptoir.runtime.database import Database

WEEK = api.hours_from_json([[["10:00", "20:00"]]] * 6 + [[]])
PARIS = "Europe/Paris"
COUNTING = Closure(date(2027, 1, 4), date(2027, 1, 5), "Stocktaking")
LYON = LocationDraft(
    code="LYO1", name="Lyon", kind=LocationKind.STORE, country="FR", time_zone=PARIS, opening_hours=WEEK, pickup=True
)


def utc(*at: int) -> datetime:
    year, month, day, hour = at
    return datetime(year, month, day, hour, tzinfo=UTC)


def closed(*days: Closure, holidays: str = "", open_on: tuple[str, ...] = (), hours: OpeningHours = WEEK) -> OpeningHours:
    return replace(hours, closures=Closures(days, holidays, open_on))


def test_a_door_that_is_closed_for_two_days_opens_on_the_third() -> None:
    hours = closed(COUNTING)
    assert api.opens_at(hours, PARIS, utc(2027, 1, 4, 12)) == utc(2027, 1, 6, 9)
    assert api.opens_at(WEEK, PARIS, utc(2027, 1, 4, 12)) == utc(2027, 1, 4, 12)


def test_who_states_no_hours_is_closed_on_these_days_alone() -> None:
    hours = closed(COUNTING, hours=OpeningHours())
    assert api.opens_at(hours, PARIS, utc(2027, 1, 3, 12)) == utc(2027, 1, 3, 12)
    assert api.opens_at(hours, PARIS, utc(2027, 1, 4, 12)) == utc(2027, 1, 5, 23)


def test_a_month_of_works_is_waited_for() -> None:
    august = closed(Closure(date(2026, 8, 1), date(2026, 8, 31)))
    assert api.opens_at(august, PARIS, utc(2026, 7, 31, 20)) == utc(2026, 9, 1, 8)


def test_public_holidays_are_closed_but_for_those_that_are_worked() -> None:
    hours = closed(holidays="FR", open_on=("05-08", "2027-03-29"))
    shut = hours.closures.shut
    assert [shut(date(2026, 7, 14)), shut(date(2026, 12, 25)), shut(date(2026, 4, 6))] == [True, True, True]
    assert [shut(date(2026, 5, 8)), shut(date(2027, 5, 8)), shut(date(2027, 3, 29))] == [False, False, False]
    assert [shut(date(2026, 7, 15)), Closures(open_on=("05-08",)).shut(date(2026, 5, 1))] == [False, False]
    assert api.opens_at(hours, PARIS, utc(2026, 12, 25, 12)) == utc(2026, 12, 26, 9)


def test_who_is_closed_has_no_time_to_answer_in() -> None:
    hours = closed(holidays="FR")
    assert answer_by(hours, PARIS, utc(2026, 12, 24, 18), 120) == utc(2026, 12, 26, 10)
    assert answer_by(closed(COUNTING, hours=OpeningHours()), PARIS, utc(2027, 1, 3, 22), 120) == utc(2027, 1, 6, 0)


def test_what_waits_for_its_buyer_waits_to_the_end_of_an_open_day() -> None:
    assert waits_until(utc(2026, 12, 23, 12), 2, closed(holidays="FR"), PARIS) == utc(2026, 12, 26, 23)
    assert waits_until(utc(2026, 12, 23, 12), 2, WEEK, PARIS) == utc(2026, 12, 25, 23)


async def test_closures_are_kept_in_order_and_each_once(database: Database) -> None:
    works = Closure(date(2026, 12, 1), date(2026, 12, 2), "Works")
    draft = replace(LYON, opening_hours=closed(COUNTING, works, COUNTING, holidays="fr", open_on=("05-08", "05-08")))
    async with database.transaction() as tx:
        made = await api.create(tx, draft)
    assert made.opening_hours == closed(works, COUNTING, holidays="FR", open_on=("05-08",))
    async with database.transaction() as tx:
        assert (await api.upsert(tx, [made])).unchanged == 1
        before = await api.pools_version(tx)
        changed = await api.update(tx, made.id, replace(made, opening_hours=closed(COUNTING)))
        assert changed.opening_hours == closed(COUNTING)
        assert await api.pools_version(tx) == before + 1, "whoever keeps a network has to read it again"


async def test_closures_that_cannot_be_are_refused(database: Database) -> None:
    backwards = Closure(date(2027, 1, 5), date(2027, 1, 4))
    for_ever = Closure(date(2027, 1, 1), date(2029, 1, 1))
    hours = closed(backwards, for_ever, holidays="XX", open_on=("8 May", "02-30", "2027-W01-1", "02-29"))
    async with database.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await api.create(tx, replace(LYON, opening_hours=hours))
    assert [error["path"] for error in cast("list[dict[str, str]]", refused.value.data["errors"])] == [
        "closures[0].last", "closures[1].last", "public_holidays", "open_on[0]", "open_on[1]", "open_on[2]",
    ]  # fmt: skip
