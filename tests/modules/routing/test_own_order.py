"""Runs keep to the rules' own order as far as it is worth money to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plainly import LILLE, LYON, PARIS, site

from comptoir.modules.carriers.contracts import CarrierServiceDraft, Zone
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing.contracts import Decision, Job, Mode, Need, Objective, Rating, Rules, Site, Weight
from comptoir.modules.routing.domain.choosing import choose
from comptoir.modules.routing.domain.network import Network
from comptoir.modules.routing.domain.optimising import Plan, improve
from comptoir.modules.routing.domain.rules import USUAL_OWN_ORDER, aims
from comptoir.modules.routing.domain.stock import Situation

NOON = datetime(2026, 3, 4, 11, tzinfo=UTC)
POST = CarrierServiceDraft(code="post", name="Post", zones=(Zone(100, 400, 50, 1), Zone(1000, 900, 60, 2)), max_weight=5_000)
MARKDOWN = Rules(ratings=(Weight(Rating.MARKDOWN),))
SITES = (
    site(1, latitude=PARIS[0], longitude=PARIS[1]),
    site(2, latitude=LILLE[0], longitude=LILLE[1]),
    site(3, latitude=LYON[0], longitude=LYON[1]),
)


def job(n: int, *needs: tuple[str, int]) -> Job:
    lines = tuple(Need(i, sku, units, 500, 1000) for i, (sku, units) in enumerate(needs or (("A", 1),), start=1))
    return Job(id=UUID(int=100 + n), needs=lines, country="FR", destination=PARIS, placed_at=NOON)


def improved(rules: Rules, jobs: list[Job], stock: dict[str, list[int]], sites: tuple[Site, ...] = SITES) -> Plan:
    network = Network(sites, [POST])
    available = {(sku, place.id): n for sku, row in stock.items() for place, n in zip(sites, row, strict=True)}
    return improve(network, rules, jobs, Situation(network, available), NOON)


def from_where(decisions: tuple[Decision, ...]) -> list[list[int]]:
    return [sorted(parcel.site.int for parcel in decision.parcels) for decision in decisions]


def test_what_lies_longest_goes_first_in_a_run_as_it_does_at_once() -> None:
    network = Network(SITES, [POST])
    stock = {("A", LocationId(UUID(int=n))): units for n, units in ((1, 5), (2, 8), (3, 90))}
    alone = choose(network, MARKDOWN, job(1), Situation(network, stock), NOON)
    together = improved(MARKDOWN, [job(1), job(2)], {"A": [5, 8, 90]})
    assert from_where((alone,)) == [[3]]
    assert from_where(together.decisions) == [[3], [3]]


def test_an_own_order_that_is_worth_little_gives_way_to_money() -> None:
    rules = replace(MARKDOWN, objective=Objective(own_order=1))
    assert from_where(improved(rules, [job(1), job(2)], {"A": [5, 8, 90]}).decisions) == [[1], [1]]


def test_two_parcels_from_the_first_places_are_no_better_than_one_from_the_last() -> None:
    plan = improved(Rules(ratings=(Weight(Rating.PRIORITY),)), [job(1, ("A", 1), ("B", 1))], {"A": [9, 0, 9], "B": [0, 9, 9]})
    assert from_where(plan.decisions) == [[3]]


def test_what_the_first_cannot_send_the_next_does() -> None:
    plan = improved(MARKDOWN, [job(n) for n in range(3)], {"A": [0, 1, 2]})
    assert sorted(from_where(plan.decisions)) == [[2], [3], [3]]
    assert all(not decision.lacking for decision in plan.decisions)


def test_the_usual_worth_follows_from_the_first_rating() -> None:
    assert aims(MARKDOWN).own_order == USUAL_OWN_ORDER
    assert aims(Rules(ratings=(Weight(Rating.COST), Weight(Rating.MARKDOWN)))).own_order == 0
    assert aims(Rules(ratings=(Weight(Rating.DELIVERY),))).own_order == 0
    weighed = Rules(mode=Mode.WEIGHTED, ratings=(Weight(Rating.LOAD, 1.0), Weight(Rating.COST, 3.0)))
    assert aims(weighed).own_order == 0
    assert aims(replace(MARKDOWN, objective=Objective(own_order=7))).own_order == 7


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rating=st.sampled_from([Rating.PRIORITY, Rating.DISTANCE, Rating.MARKDOWN, Rating.COVER, Rating.LOAD, Rating.CARBON]),
    worth=st.sampled_from([0, 1, 60, 5_000]),
    rows=st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=2, max_size=2),
    orders=st.lists(st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 2)), min_size=1, max_size=2), max_size=4),
    capacity=st.sampled_from([None, 1, 2]),
)
def test_a_run_is_never_worse_than_one_after_another_by_its_own_measure(
    rating: Rating, worth: int, rows: list[list[int]], orders: list[list[tuple[str, int]]], capacity: int | None
) -> None:
    rules = Rules(ratings=(Weight(rating),), objective=Objective(own_order=worth))
    sites = (replace(SITES[0], capacity=capacity), *SITES[1:])
    plan = improved(rules, [job(n, *needs) for n, needs in enumerate(orders)], dict(zip("AB", rows, strict=True)), sites)
    assert plan.cost <= plan.greedy_cost
    assert plan.bound is None or plan.bound <= plan.cost
    taken: dict[tuple[str, int], int] = {}
    for decision in plan.decisions:
        for parcel in decision.parcels:
            for pick in parcel.picks:
                key = (pick.sku, pick.site.int)
                taken[key] = taken.get(key, 0) + pick.quantity
    assert all(units <= rows["AB".index(sku)][place - 1] for (sku, place), units in taken.items())
