"""What exactly a fence found, and how busy who has no limit is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from plainly import LYON, PARIS, site

from comptoir.modules.carriers.contracts import CarrierServiceDraft, Origins, Service, Zone
from comptoir.modules.locations.contracts import LocationId, LocationKind, OpeningHours
from comptoir.modules.routing.contracts import Detail, Fence, Job, Need, Rating, Rules, Site, Splitting, Weight
from comptoir.modules.routing.domain.choosing import as_placed, choose, explain
from comptoir.modules.routing.domain.network import Network
from comptoir.modules.routing.domain.stock import Situation

NOON = datetime(2026, 3, 4, 11, tzinfo=UTC)
POST = CarrierServiceDraft(code="post", name="Post", zones=(Zone(100, 400, 50, 1), Zone(300, 600, 60, 2)), max_weight=5_000)
S1, S2, S3 = (LocationId(UUID(int=n)) for n in (1, 2, 3))


def at(n: int, place: tuple[float, float] = PARIS, **changes: object) -> Site:
    return site(n, latitude=place[0], longitude=place[1], **changes)


def job(need: Need | None = None, **changes: object) -> Job:
    needs = (need or Need(1, "A", 2, 500, 1000),)
    return replace(Job(id=UUID(int=7), needs=needs, country="FR", destination=PARIS, placed_at=NOON), **changes)


def found(
    place: Site, order: Job, rules: Rules | None = None, services: tuple[CarrierServiceDraft, ...] = (POST,)
) -> tuple[Fence | None, Detail | None]:
    network = Network([place], services)
    (verdict,) = explain(network, rules or Rules(), order, Situation(network, {("A", place.id): 9}), NOON)
    return verdict.fence, verdict.detail


CASES = {
    "no service of its kind": (at(1), job(service=Service.EXPRESS), None, (POST,), Fence.NO_CARRIER, Detail.SERVICE),
    "another country": (at(1), job(), None, (replace(POST, countries=("BE",)),), Fence.NO_CARRIER, Detail.COUNTRY),
    "dangerous": (at(1), job(Need(1, "A", 1, 500, dangerous=True)), None, (POST,), Fence.NO_CARRIER, Detail.DANGEROUS),
    "too heavy": (at(1), job(Need(1, "A", 1, 9_000)), None, (POST,), Fence.NO_CARRIER, Detail.WEIGHT),
    "not collected there": (
        at(1),
        job(),
        None,
        (replace(POST, origins=Origins(kinds=("store",))),),
        Fence.NO_CARRIER,
        Detail.NOT_COLLECTED,
    ),
    "beyond the zones": (at(1, LYON), job(), None, (POST,), Fence.NO_CARRIER, Detail.DISTANCE),
    "never leaves": (at(1, works=(False,) * 7), job(), None, (POST,), Fence.NO_CARRIER, Detail.NO_DAY),
    "named": (at(1), job(), Rules(excluded=(S1,)), (POST,), Fence.EXCLUDED, Detail.LISTED),
    "wrong kind": (at(1), job(), Rules(kinds=(LocationKind.STORE,)), (POST,), Fence.EXCLUDED, Detail.KIND),
    "too far": (at(1, LYON), job(), Rules(max_distance=100), (POST,), Fence.EXCLUDED, Detail.TOO_FAR),
    "another counter": (
        at(1, pickup=True),
        job(service=Service.PICKUP, pickup_at=S2),
        None,
        (POST,),
        Fence.EXCLUDED,
        Detail.OTHER_COUNTER,
    ),
    "closed": (at(1, active=False), job(), None, (POST,), Fence.UNABLE, Detail.CLOSED),
    "sends nothing": (at(1, ships=False), job(), None, (POST,), Fence.UNABLE, Detail.SENDS_NOTHING),
    "never open": (
        at(1, pickup=True, hours=OpeningHours(((),) * 7)),
        job(service=Service.PICKUP),
        None,
        (POST,),
        Fence.UNABLE,
        Detail.NEVER_OPEN,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_fence_says_what_it_found(
    case: tuple[Site, Job, Rules | None, tuple[CarrierServiceDraft, ...], Fence, Detail],
) -> None:
    place, order, rules, services, fence, detail = case
    assert found(place, order, rules, services) == (fence, detail)


def test_who_may_serve_says_what_it_lacks() -> None:
    network = Network([at(1), at(2)], [POST])
    told = explain(network, Rules(), job(), Situation(network, {("A", S1): 1, ("A", S2): 2}), NOON)
    assert {one.site: (one.fence, one.detail, one.lacking) for one in told} == {S1: (None, None, 1), S2: (None, None, 0)}


BY_LOAD = Rules(ratings=(Weight(Rating.LOAD),))


def busy(sites: list[Site], load: list[int]) -> dict[int, float]:
    network = Network(sites, [POST])
    loads = {place.id: n for place, n in zip(sites, load, strict=True)}
    told = explain(network, BY_LOAD, job(), Situation(network, {("A", place.id): 9 for place in sites}, loads), NOON)
    return {one.site.int: one.ratings[Rating.LOAD] for one in told}


def test_without_a_limit_it_is_measured_against_those_of_the_others() -> None:
    assert busy([at(1, capacity=10), at(2, capacity=30), at(3)], [5, 6, 15]) == {1: 0.5, 2: 0.2, 3: 0.75}


def test_where_nobody_has_a_limit_it_is_measured_against_the_busiest() -> None:
    assert busy([at(1), at(2), at(3)], [8, 2, 0]) == {1: 1.0, 2: 0.25, 3: 0.0}
    assert busy([at(1), at(2)], [0, 0]) == {1: 0.0, 2: 0.0}


def test_work_goes_round_where_nobody_has_a_limit() -> None:
    sites = [at(1), at(2), at(3)]
    network = Network(sites, [POST])
    situation = Situation(network, {("A", place.id): 99 for place in sites})
    sent: list[int] = []
    for _ in range(6):
        decision = choose(network, BY_LOAD, job(), situation, NOON)
        situation.take(decision)
        sent += [parcel.site.int for parcel in decision.parcels]
    assert sent == [1, 2, 3, 1, 2, 3]


# What no carrier takes together

HAZMAT = CarrierServiceDraft(code="hazmat", name="Hazmat", zones=(Zone(2_000, 900, 90, 3),), max_weight=5_000, dangerous=True)
FREIGHT = CarrierServiceDraft(code="freight", name="Freight", zones=(Zone(2_000, 4_000, 20, 4),), max_weight=500_000)
PERFUME, WARDROBE = Need(1, "A", 1, 500, 3000, dangerous=True), Need(2, "B", 1, 80_000, 40_000)


def mixed(*needs: Need) -> Job:
    return replace(job(), needs=needs)


def world(sites: list[Site], stock: dict[str, list[int]]) -> tuple[Network, Situation]:
    network = Network(sites, [HAZMAT, FREIGHT])
    available = {(sku, place.id): n for sku, row in stock.items() for place, n in zip(sites, row, strict=True)}
    return network, Situation(network, available)


def sent(rules: Rules, order: Job, sites: list[Site], stock: dict[str, list[int]]) -> list[tuple[int, str, list[int]]]:
    network, situation = world(sites, stock)
    decision = choose(network, rules, order, situation, NOON)
    told = [(parcel.site.int, parcel.carrier, [pick.line_no for pick in parcel.picks]) for parcel in decision.parcels]
    if told:
        picks = [pick for parcel in decision.parcels for pick in parcel.picks]
        assert as_placed(network, order, picks, NOON).cost == decision.cost
    return told


def test_what_no_carrier_takes_together_goes_in_parts() -> None:
    order, sites = mixed(PERFUME, WARDROBE), [at(1), at(2)]
    assert sent(Rules(), order, sites, {"A": [9, 0], "B": [0, 9]}) == [(1, "hazmat", [1]), (2, "freight", [2])]
    assert sent(Rules(), order, [at(1)], {"A": [9], "B": [9]}) == [(1, "hazmat", [1]), (1, "freight", [2])]
    network, situation = world([at(1)], {"A": [9], "B": [9]})
    (told,) = explain(network, Rules(), order, situation, NOON)
    assert (told.fence, told.detail) == (Fence.NO_CARRIER, Detail.TOGETHER)


def test_it_stays_together_where_the_rules_want_it_so_or_a_part_is_worth_too_little() -> None:
    order, stock = mixed(PERFUME, WARDROBE), {"A": [9], "B": [9]}
    assert sent(Rules(splitting=Splitting(1)), order, [at(1)], stock) == []
    assert sent(Rules(splitting=Splitting(3, 5_000)), order, [at(1)], stock) == []


def test_what_goes_with_either_makes_no_third_part() -> None:
    shirt = Need(3, "C", 1, 300, 2000)
    found = sent(Rules(), mixed(PERFUME, WARDROBE, shirt), [at(1)], {"A": [9], "B": [9], "C": [9]})
    assert [lines for _, _, lines in found] == [[1], [2, 3]]


# How long stock lasts


def days(rating: Rating, units: list[int], daily: list[float]) -> list[float]:
    sites = [at(n) for n in range(1, len(units) + 1)]
    network = Network(sites, [POST])
    available = {("A", place.id): n for place, n in zip(sites, units, strict=True)}
    sold = {("A", place.id): n for place, n in zip(sites, daily, strict=True) if n}
    situation = Situation(network, available, None, sold)
    told = explain(network, Rules(ratings=(Weight(rating),)), job(), situation, NOON)
    assert all(one.fence is None for one in told)
    return [one.ratings[rating] for one in sorted(told, key=lambda one: one.site.int)]


def test_stock_is_measured_in_days_where_it_is_known_what_is_sold() -> None:
    assert days(Rating.MARKDOWN, [10, 90, 4], [0.5, 9.0, 0.0]) == [-20.0, -10.0, -3650.0]
    assert days(Rating.COVER, [10, 92, 4], [0.5, 9.0, 0.0]) == [-16.0, -10.0, -3650.0]


def test_where_nobody_has_sold_any_the_order_is_the_measure() -> None:
    assert days(Rating.MARKDOWN, [10, 90], [0, 0]) == [-5.0, -45.0]
    assert days(Rating.COVER, [10, 100], [0, 0]) == [0.2, 0.02]


# Carriers that do not collect everywhere


def test_who_would_take_it_from_elsewhere_is_named() -> None:
    store_post = replace(POST, origins=Origins(kinds=("store",)))
    network = Network([at(1)], [store_post, replace(POST, code="bikes", name="", origins=Origins(locations=(S2,)))])
    (verdict,) = explain(network, Rules(), job(), Situation(network, {("A", S1): 9}), NOON)
    assert (verdict.detail, verdict.carriers) == (Detail.NOT_COLLECTED, ("Post", "bikes"))


def test_an_order_goes_from_where_its_carrier_collects() -> None:
    near, far = at(1), at(2, LYON, kind=LocationKind.STORE)
    van = replace(POST, zones=(Zone(2_000, 400, 0, 1),), origins=Origins(kinds=("store",), countries=("FR",)))
    network = Network([near, far], [van])
    decision = choose(network, Rules(), job(), Situation(network, {("A", S1): 9, ("A", S2): 9}), NOON)
    assert [(parcel.site, parcel.carrier) for parcel in decision.parcels] == [(S2, "post")]


def test_a_named_location_is_collected_at_beside_those_of_a_kind() -> None:
    said = Origins(locations=(S1,), kinds=("store",), countries=("FR",))
    assert said.include(S1, "warehouse", "BE")
    assert said.include(S2, "store", "FR")
    assert not said.include(S2, "store", "BE")
    assert not said.include(S2, "warehouse", "FR")
    assert not Origins(locations=(S1,)).include(S2, "store", "FR")
    assert Origins().include(S2, "store", "FR")


def test_what_the_carriers_of_each_place_take_goes_from_several_places() -> None:
    depot, shop = at(1), at(2, kind=LocationKind.STORE)
    of_depot = replace(HAZMAT, origins=Origins(locations=(S1,)))
    of_shop = replace(POST, origins=Origins(locations=(S2,)))
    network = Network([depot, shop], [of_depot, of_shop])
    order = replace(job(), needs=(Need(1, "A", 1, 500, dangerous=True), Need(2, "B", 1, 500)))
    rules = Rules(splitting=Splitting(2))
    decision = choose(network, rules, order, Situation(network, {("A", S1): 9, ("B", S2): 9}), NOON)
    assert not decision.lacking
    assert {(parcel.site, parcel.carrier) for parcel in decision.parcels} == {(S1, "hazmat"), (S2, "post")}
    placed = as_placed(network, order, [pick for parcel in decision.parcels for pick in parcel.picks], NOON)
    assert {(parcel.site, parcel.carrier) for parcel in placed.parcels} == {(S1, "hazmat"), (S2, "post")}
