from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plainly import LILLE, LYON, NOWHERE, PARIS, WEEK, leaves_on, site

from comptoir.modules.carriers.contracts import CarrierServiceDraft, Service, Zone
from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.locations.api import distance_km
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.routing.contracts import Decision, Fence, Job, Need, Parcel, Pick, Rules
from comptoir.modules.routing.domain.choosing import best_offer
from comptoir.modules.routing.domain.network import UNKNOWN_KM, Calendar, Network, arrival, fence_code, survey
from comptoir.modules.routing.domain.stock import Situation

NOON = datetime(2026, 3, 4, 11, tzinfo=UTC)
SLOW = CarrierServiceDraft(code="slow", name="", zones=(Zone(500, 400, 50, 3), Zone(2000, 500, 100, 5)), max_weight=10_000)
FAST = CarrierServiceDraft(code="fast", name="", zones=(Zone(500, 900, 0, 1),), max_weight=10_000)
METRE = 0.001


def job(weight: int = 500, quantity: int = 1, **changes: object) -> Job:
    plain = Job(id=UUID(int=7), needs=(Need(1, "A", quantity, weight),), country="FR", destination=PARIS, placed_at=NOON)
    return replace(plain, **changes)


def utc(*at: int) -> datetime:
    year, month, day, hour, minute = at
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


# Calendars


def test_what_is_decided_after_the_cut_off_leaves_on_the_next_day_of_work() -> None:
    paris = Calendar("Europe/Paris", 14 * 60, WEEK)
    assert paris.leaves_on(utc(2026, 3, 6, 12, 59)) == date(2026, 3, 6)  # a Friday
    assert paris.leaves_on(utc(2026, 3, 6, 13, 0)) == date(2026, 3, 9)
    assert paris.leaves_at(date(2026, 3, 9)) == utc(2026, 3, 9, 13, 0)


def test_the_day_is_that_of_the_place() -> None:
    at = utc(2026, 3, 4, 23, 30)
    assert Calendar("Europe/Paris", 14 * 60, WEEK).leaves_on(at) == date(2026, 3, 5)
    assert Calendar("America/New_York", 20 * 60, WEEK).leaves_on(at) == date(2026, 3, 4)
    assert Calendar("Pacific/Auckland", 14 * 60, WEEK).leaves_on(at) == date(2026, 3, 5)


def test_a_cut_off_at_midnight_is_the_end_or_the_beginning_of_the_day() -> None:
    late, early = Calendar("Europe/Paris", 24 * 60, WEEK), Calendar("Europe/Paris", 0, WEEK)
    at = utc(2026, 3, 4, 22, 59)
    assert (late.leaves_on(at), late.leaves_at(date(2026, 3, 4))) == (date(2026, 3, 4), utc(2026, 3, 4, 23, 0))
    assert (early.leaves_on(at), early.leaves_at(date(2026, 3, 5))) == (date(2026, 3, 5), utc(2026, 3, 4, 23, 0))


def test_where_nobody_ever_works_nothing_leaves() -> None:
    assert Calendar("Europe/Paris", 0, (False,) * 7).leaves_on(NOON) is None


def test_where_clocks_are_changed_at_the_cut_off_it_is_not_before_the_decision() -> None:
    paris = Calendar("Europe/Paris", 2 * 60 + 30, (True,) * 7)
    assert paris.leaves_at(date(2026, 3, 29)) == utc(2026, 3, 29, 1, 30)  # there is no half past two
    assert paris.leaves_at(date(2026, 10, 25)) == utc(2026, 10, 25, 1, 30)  # there are two


@given(
    st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
    st.sampled_from(["Europe/Paris", "America/New_York", "Pacific/Auckland", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    st.integers(0, 24 * 60),
    st.tuples(*[st.booleans()] * 7),
)
def test_nothing_leaves_before_it_is_decided_nor_on_a_day_off(
    at: datetime, zone: str, cut_off: int, works: tuple[bool, ...]
) -> None:
    calendar = Calendar(zone, cut_off, works)
    day = calendar.leaves_on(at)
    assert day == leaves_on(site(1, time_zone=zone, cut_off=cut_off, works=works), at)
    if day is not None:
        assert works[day.weekday()]
        assert 0 <= (day - at.astimezone(ZoneInfo(zone)).date()).days <= 7
        assert calendar.leaves_at(day) > at - timedelta(minutes=1)


def test_carriers_count_the_days_on_which_they_deliver() -> None:
    friday, all_but_sunday = date(2026, 3, 6), (*(True,) * 6, False)
    assert [arrival(friday, days, all_but_sunday) for days in range(4)] == [date(2026, 3, day) for day in (6, 7, 9, 10)]
    assert arrival(date(2026, 3, 8), 0, all_but_sunday) == date(2026, 3, 9)
    assert arrival(friday, 2, (False,) * 7) is None


# Places

_PLACES = st.tuples(st.floats(-90, 90, width=32), st.floats(-180, 180, width=32))


@given(st.lists(st.one_of(st.none(), _PLACES), min_size=1, max_size=20), st.one_of(st.none(), _PLACES))
def test_distances_are_those_of_haversine_and_what_is_not_known_is_farther_than_anything(
    places: list[tuple[float, float] | None], destination: tuple[float, float] | None
) -> None:
    sites = [site(n, latitude=p and p[0], longitude=p and p[1]) for n, p in enumerate(places, start=1)]
    found = Network(sites, []).distances(destination).tolist()
    for place, distance in zip(places, found, strict=True):
        if place is None or destination is None:
            assert distance == UNKNOWN_KM
        else:
            assert distance == pytest.approx(distance_km(place, destination), abs=METRE)
            assert distance <= math.pi * 6372


def test_what_is_remembered_cannot_be_spoilt() -> None:
    network = Network([site(1)], [])
    with pytest.raises(ValueError, match="read-only"):
        network.distances(LYON)[0] = 0
    assert network.distances(LYON) is network.distances(LYON)


def test_a_network_forgets_before_it_remembers_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comptoir.modules.routing.domain.network._REMEMBERED", 4)
    monkeypatch.setattr("comptoir.modules.routing.domain.network._TABLES", 2)
    network = Network([site(1), site(2, latitude=LILLE[0], longitude=LILLE[1])], [SLOW, FAST])
    for n in range(20):
        order = job(n * 1000, destination=(n, n) if n % 3 else None, placed_at=NOON)
        at = NOON + timedelta(days=n)
        again, once = (survey(one, Rules(), order, at) for one in (network, Network(network.sites, [SLOW, FAST])))
        assert np.array_equal(again.cost, once.cost)
        assert np.array_equal(again.days, once.days)
        assert len(network._distances) <= 4
        assert len(network._leaving_at) <= 2


# Carriers


def offered(order: Job, weight: int, *services: CarrierServiceDraft) -> tuple[str, int, date] | None:
    offer = best_offer(Network([site(1)], services), order, 0, weight, NOON)
    return None if offer is None else (offer.tariff.service.code, offer.asked, offer.arrives_on)


def test_the_cheapest_service_is_taken_and_a_dearer_one_where_the_cheapest_is_late() -> None:
    assert offered(job(), 500, SLOW, FAST) == ("slow", 450, date(2026, 3, 7))
    assert offered(job(needed_by=date(2026, 3, 6)), 500, SLOW, FAST) == ("fast", 900, date(2026, 3, 5))
    assert offered(job(needed_by=date(2026, 3, 4)), 500, SLOW, FAST) == ("slow", 450, date(2026, 3, 7))
    assert offered(job(), 9500, SLOW) == ("slow", 900, date(2026, 3, 7))
    assert offered(job(), 9500, SLOW, FAST) == ("fast", 900, date(2026, 3, 5))  # as cheap, and sooner
    assert offered(job(), 500, replace(SLOW, code="b"), SLOW) == ("b", 450, date(2026, 3, 7))  # the first of equals


def test_heavy_orders_go_in_several_boxes_and_heavy_goods_in_none() -> None:
    assert offered(job(5000, 4), 20_000, SLOW) == ("slow", 2 * 400 + 20 * 50, date(2026, 3, 7))
    assert offered(job(5000, 5), 20_001, SLOW) == ("slow", 3 * 400 + 21 * 50, date(2026, 3, 7))
    assert offered(job(10_000, 1), 10_000, SLOW) is not None
    assert offered(job(10_001, 1), 10_001, SLOW) is None
    assert offered(job(0, 3), 0, replace(SLOW, max_weight=0)) == ("slow", 400, date(2026, 3, 7))


def test_dangerous_goods_go_only_with_who_takes_them() -> None:
    order = job(needs=(Need(1, "A", 1, 500), Need(2, "B", 1, 500, dangerous=True)))
    assert offered(order, 1000, SLOW, FAST) is None
    assert offered(order, 1000, SLOW, replace(FAST, dangerous=True)) == ("fast", 900, date(2026, 3, 5))


def test_a_service_goes_to_its_countries_in_its_zones() -> None:
    assert offered(job(), 500, replace(SLOW, countries=("DE",))) is None
    assert offered(job(country="DE"), 500, replace(SLOW, countries=("DE",))) is not None
    assert offered(job(service=Service.EXPRESS), 500, SLOW) is None
    assert offered(job(destination=LYON), 500, SLOW) == ("slow", 450, date(2026, 3, 7))
    assert offered(job(destination=(40.4, -3.7)), 500, SLOW) == ("slow", 600, date(2026, 3, 10))
    assert offered(job(destination=(0.0, 0.0)), 500, SLOW) is None
    assert offered(job(destination=None), 500, SLOW) == ("slow", 600, date(2026, 3, 10))
    assert offered(job(), 500, replace(SLOW, zones=()), FAST) == ("fast", 900, date(2026, 3, 5))


def test_the_end_of_a_zone_belongs_to_it() -> None:
    network = Network([site(1)], [])
    away = float(network.distances(LYON)[0])
    near = replace(SLOW, zones=(Zone(away, 1, 0, 1), Zone(away + 1, 2, 0, 1)))
    assert offered(job(destination=LYON), 500, near) == ("slow", 1, date(2026, 3, 5))
    short = replace(near, zones=(Zone(math.nextafter(away, 0), 1, 0, 1), Zone(away + 1, 2, 0, 1)))
    assert offered(job(destination=LYON), 500, short) == ("slow", 2, date(2026, 3, 5))
    tariff = Network([site(1)], [short]).tariffs[0]
    assert [tariff.zone(d) for d in (0, away, away + 2, UNKNOWN_KM)] == [0, 1, None, 1]


def test_rules_that_come_and_go_are_not_mistaken_for_each_other() -> None:
    network = Network([site(1), site(2, kind=LocationKind.STORE)], [])
    for n in range(200):
        kind = (LocationKind.STORE, LocationKind.WAREHOUSE)[n % 2]
        fences = survey(network, Rules(kinds=(kind,)), job(), NOON).fences.tolist()
        assert fences == [fence_code(Fence.EXCLUDED), 0] if n % 2 == 0 else [0, fence_code(Fence.EXCLUDED)]


# Stock


def test_a_situation_knows_only_the_sites_of_its_network() -> None:
    network = Network([site(1), site(2)], [])
    one = network.sites[0].id
    stock: dict[Spot, int] = {("A", one): 3, ("A", NOWHERE): 9, ("B", one): 0, ("C", one): -2}
    situation = Situation(network, stock, {one: 2, NOWHERE: 5})
    assert [situation.of(sku).tolist() for sku in "ABCD"] == [[3, 0], [0, 0], [0, 0], [0, 0]]
    assert situation.load.tolist() == [2, 0]


def test_what_was_decided_before_is_given_back_even_where_nothing_is_left_of_it() -> None:
    network = Network([site(1), site(2)], [])
    situation = Situation(network, {})

    def sent(at: LocationId) -> Parcel:
        return Parcel(at, (Pick(1, "A", at, 2),), "", 0.0, 0, 0.0, NOON, NOON.date(), 0)

    decision = Decision(UUID(int=7), (sent(network.sites[1].id), sent(NOWHERE)))
    situation.give_back(decision)
    assert (situation.of("A").tolist(), situation.load.tolist()) == ([0, 2], [0, -1])
    assert situation.of("B").tolist() == [0, 0]
    situation.take(decision)
    assert (situation.of("A").tolist(), situation.load.tolist()) == ([0, 0], [0, 0])
