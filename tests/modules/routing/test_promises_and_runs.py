"""What is promised before an order is what its decision plans, whatever runs it waits for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from comptoir.modules.carriers.contracts import CarrierServiceDraft, Zone
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.routing import api
from comptoir.modules.routing.api import Network, Situation, Timetable
from comptoir.modules.routing.contracts import Job, Need, Rules, Site

PLACE = LocationId(UUID(int=1))
DAYS = st.tuples(*[st.booleans()] * 7).filter(any)
RULES = Rules()
tables = st.builds(
    Timetable,
    zone=st.sampled_from(["UTC", "Europe/Paris", "America/New_York"]),
    works=DAYS,
    minutes=st.lists(st.integers(0, 1439), min_size=1, max_size=5, unique=True).map(lambda found: tuple(sorted(found))),
    resting=st.sampled_from(["", "FR"]),
)
instants = st.integers(0, 2 * 366 * 86_400).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n))


@st.composite
def networks(draw: st.DrawFn) -> Network:
    site = Site(
        id=PLACE,
        code="lyon",
        name="Lyon",
        kind=LocationKind.WAREHOUSE,
        country="FR",
        time_zone=draw(st.sampled_from(["Europe/Paris", "Asia/Tokyo"])),
        latitude=45.76,
        longitude=4.84,
        cut_off=draw(st.integers(0, 1440)),
        works=draw(DAYS),
    )
    zones = (Zone(2_000.0, 500, 0, draw(st.integers(0, 4))),)
    return Network([site], [CarrierServiceDraft(code="road", zones=zones, delivers=draw(DAYS))], {})


def job(now: datetime, runs: Timetable) -> Job:
    begins_at = runs.next_run(now)
    needs = (Need(1, "TEA", 1),)
    return Job(id=UUID(int=9), needs=needs, country="FR", destination=(48.86, 2.35), placed_at=now, begins_at=begins_at)


def situation(network: Network) -> Situation:
    return Situation(network, {("TEA", PLACE): 5}, {})


@given(networks(), tables, instants)
def test_a_promise_is_the_day_that_the_decision_plans_and_that_the_run_keeps(
    network: Network, runs: Timetable, now: datetime
) -> None:
    asked = job(now, runs)
    told = api.delivery(network, RULES, asked, situation(network), now, runs)
    decided = api.serve(network, RULES, asked, situation(network), now + timedelta(seconds=1))
    assert asked.begins_at is not None
    kept = api.serve(network, RULES, replace(asked, begins_at=None), situation(network), asked.begins_at)
    assert [one.arrives_on for one in (*decided.parcels, *kept.parcels)] == [told.arrives_on] * 2


@given(networks(), tables, instants, st.floats(0, 1, exclude_max=True))
def test_an_order_before_its_last_moment_keeps_the_date(network: Network, runs: Timetable, now: datetime, share: float) -> None:
    told = api.delivery(network, RULES, job(now, runs), situation(network), now, runs)
    assert told.order_by is not None
    assert told.order_by > now
    # Multiplied, a share of almost all of it is rounded up to the last moment itself.
    then = min(now + (told.order_by - now) * share, told.order_by - timedelta.resolution)
    later = api.delivery(network, RULES, job(then, runs), situation(network), then, runs)
    assert later.arrives_on == told.arrives_on


@given(networks(), tables, instants)
def test_an_order_at_its_last_moment_waits_for_a_later_run(network: Network, runs: Timetable, now: datetime) -> None:
    told = api.delivery(network, RULES, job(now, runs), situation(network), now, runs)
    assert told.order_by is not None
    begins = job(told.order_by, runs).begins_at
    assert begins is not None
    assert begins > told.order_by
    assert runs.last_run(begins, now) == told.order_by
