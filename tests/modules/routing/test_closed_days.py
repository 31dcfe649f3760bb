"""Days on which nothing leaves, and days on which nothing is delivered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

from plainly import PARIS, WEEK, site

from comptoir.modules.carriers.contracts import CarrierServiceDraft, Zone
from comptoir.modules.locations.contracts import Closure, Closures, OpeningHours
from comptoir.modules.routing.contracts import Job, Need, Rules
from comptoir.modules.routing.domain.carrying import Calendar, arrival
from comptoir.modules.routing.domain.network import Network, survey

POST = CarrierServiceDraft(code="post", zones=(Zone(2000, 500, 0, 1),))
BASTILLE = datetime(2026, 7, 13, 8, tzinfo=UTC)
"""A Monday; the next day is a public holiday in France."""


def job(country: str = "FR") -> Job:
    return Job(id=UUID(int=7), needs=(Need(1, "A", 1, 100),), country=country, destination=PARIS, placed_at=BASTILLE)


def arrives(network: Network, country: str = "FR", now: datetime = BASTILLE) -> date:
    found = survey(network, Rules(), job(country), now)
    return date.fromordinal(int(found.table.arrives.take(found.cells)[0]))


def test_nothing_leaves_while_a_location_is_closed() -> None:
    closed = Closures((Closure(date(2026, 12, 28), date(2026, 12, 31)),), "FR")
    calendar = Calendar("Europe/Paris", 14 * 60, WEEK, closures=closed)
    assert calendar.leaves_on(datetime(2026, 12, 24, 12, tzinfo=UTC)) == date(2026, 12, 24)
    assert calendar.leaves_on(datetime(2026, 12, 24, 14, tzinfo=UTC)) == date(2027, 1, 4), (
        "Christmas, a week end, closed, New Year"
    )


def test_a_location_that_is_closed_for_years_sends_nothing() -> None:
    years = tuple(Closure(date(year, 1, 1), date(year, 12, 31)) for year in range(2026, 2032))
    assert Calendar("Europe/Paris", 14 * 60, WEEK, closures=Closures(years)).leaves_on(BASTILLE) is None


def test_a_public_holiday_is_no_day_of_a_carrier() -> None:
    monday, every_day = date(2026, 7, 13), (True,) * 7
    assert arrival(monday, 1, every_day, "FR") == date(2026, 7, 15)
    assert arrival(monday, 1, every_day) == date(2026, 7, 14)
    assert arrival(date(2026, 7, 14), 0, every_day, "FR") == date(2026, 7, 15)


def test_promises_reckon_with_the_holidays_of_where_it_goes() -> None:
    network = Network([site(1)], [POST])
    assert arrives(network) == date(2026, 7, 15)
    assert arrives(network, "BE") == date(2026, 7, 14)
    assert arrives(network) == date(2026, 7, 15), "each country has a table of its own"


def test_a_carrier_may_deliver_on_holidays() -> None:
    assert arrives(Network([site(1)], [replace(POST, delivers_on_holidays=True)])) == date(2026, 7, 14)


def test_of_two_locations_that_which_is_open_leaves_earlier() -> None:
    shut = OpeningHours(closures=Closures((Closure(date(2026, 7, 13), date(2026, 7, 17)),)))
    network = Network([site(1, hours=shut), site(2)], [POST])
    found = survey(network, Rules(), job("BE"), BASTILLE)
    days = [date.fromordinal(int(day)) for day in found.table.arrives.take(found.cells)]
    assert days == [date(2026, 7, 22), date(2026, 7, 14)], "the 21st is a public holiday in Belgium"
