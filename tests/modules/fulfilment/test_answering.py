"""Until when a location answers: only the minutes count in which its door is open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import HoldReason
from comptoir.modules.fulfilment.hours import answer_by
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import DAY, Interval, LocationKind, OpeningHours
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Rating, Rules, RuleSetDraft, RuleSetState, Weight
from comptoir.sdk.orders import Address
from support.shop import Shop

MARSEILLE = Address(name="Zoé", city="Marseille", country="FR", latitude=43.3, longitude=5.4)
SHUT: tuple[Interval, ...] = ()
SHOP = OpeningHours((*[(Interval(9 * 60, 12 * 60), Interval(14 * 60, 19 * 60))] * 6, SHUT))
"""Monday to Saturday, with a long lunch."""


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """In March 2026, of which the 2nd is a Monday; UTC, which is an hour before Paris until the 29th."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "minutes", "until"),
    [
        (at(2, 9), 60, at(2, 10)),
        (at(2, 10, 30), 60, at(2, 13, 30)),  # half an hour before lunch, half an hour after
        (at(2, 0), 30, at(2, 8, 30)),  # asked at night
        (at(7, 17, 30), 60, at(9, 8, 30)),  # Saturday evening to Monday morning
        (at(2, 8), 8 * 60, at(2, 18)),  # a whole day, to its last minute
        (at(28, 17, 30), 60, at(30, 7, 30)),  # the clocks change on that Sunday
    ],
)
def test_only_minutes_with_an_open_door_count(since: datetime, minutes: int, until: datetime) -> None:
    assert answer_by(SHOP, "Europe/Paris", since, minutes) == until


def test_without_hours_every_minute_counts_and_so_it_does_where_the_door_never_opens() -> None:
    for hours in (OpeningHours(), OpeningHours((SHUT,) * 7)):
        assert answer_by(hours, "Europe/Paris", at(2, 1), 90) == at(2, 2, 30)
    assert answer_by(SHOP, "Europe/Paris", at(2, 1), 0) is None


@given(
    days=st.lists(st.lists(st.integers(0, DAY), min_size=0, max_size=4, unique=True), min_size=7, max_size=7),
    start=st.integers(0, 7 * DAY),
    minutes=st.integers(1, 3_000),
)
def test_so_many_minutes_are_open_between_the_two(days: list[list[int]], start: int, minutes: int) -> None:
    week = tuple(tuple(Interval(*sorted(day)[n : n + 2]) for n in range(0, len(day) - 1, 2)) for day in days)
    hours = OpeningHours(week)
    since = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=start)
    until = answer_by(hours, "UTC", since, minutes)
    assert until is not None
    if not any(week):
        assert until == since + timedelta(minutes=minutes)
        return
    passed = round((until - since) / timedelta(minutes=1))
    first = since - datetime(2026, 6, 1, tzinfo=UTC)
    begin = round(first / timedelta(minutes=1))
    opened = [n for n in range(begin, begin + passed) if any(i.opens <= n % DAY < i.closes for i in week[n // DAY % 7])]
    assert len(opened) == minutes
    assert opened[-1] == begin + passed - 1, "not a minute longer"


async def asked(shop: Shop, hours: OpeningHours) -> None:
    """A store in Marseille with these hours, that has to answer within half an hour."""
    await shop.location("corner", LocationKind.STORE, latitude=43.3, longitude=5.4, opening_hours=hours)
    await shop.channel("shop", ["corner", "paris"])
    await shop.settle()
    await shop.product("TEA", stock={"corner": 9, "paris": 9})
    async with shop.database.transaction() as tx:
        rules = Rules(ratings=(Weight(Rating.DISTANCE),), answer_within=30)
        made = await routing.create(tx, RuleSetDraft(code="rules", rules=rules))
        await routing.move(tx, made.id, RuleSetState.LIVE)


def open_later(hours: int) -> OpeningHours:
    """Open all day, every day but those that are less than so many hours away."""
    today = utcnow().astimezone().date()
    shut = {(utcnow() + timedelta(hours=n)).date().weekday() for n in range(-14, hours)} | {today.weekday()}
    return OpeningHours(tuple(SHUT if day in shut else (Interval(0, DAY),) for day in range(7)))


async def test_a_closed_store_does_not_fail_to_answer(shop: Shop) -> None:
    await asked(shop, open_later(26))
    placed = await shop.place("shop", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    assert one.location_id == shop.locations["corner"]
    assert one.answer_by is not None
    assert one.answer_by > utcnow() + timedelta(hours=1)
    async with shop.database.read() as reader:
        place = await locations.get(reader, one.location_id)
    assert one.answer_by == answer_by(place.opening_hours, place.time_zone, one.created_at, 30)


async def test_after_a_hold_the_store_has_its_time_again(shop: Shop) -> None:
    await asked(shop, OpeningHours())
    placed = await shop.place("shop", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    assert one.answer_by == one.created_at + timedelta(minutes=30)
    async with shop.database.transaction() as tx:
        assert (await api.hold(tx, one.id, HoldReason.ADDRESS)).answer_by is None
    async with shop.database.transaction() as tx:
        resumed, now = await api.resume(tx, one.id), tx.now
    assert resumed.answer_by == now + timedelta(minutes=30)


async def test_who_puts_it_back_lets_the_next_one_have_the_whole_time(shop: Shop) -> None:
    await asked(shop, OpeningHours())
    placed = await shop.place("shop", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    async with shop.database.transaction() as tx:
        assert (await api.begin(tx, one.id)).answer_by is None
        back, now = await api.put_back(tx, one.id), tx.now
    assert back.answer_by == now + timedelta(minutes=30)
