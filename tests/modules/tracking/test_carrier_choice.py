from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.modules.tracking.api import Verdict, verdict
from comptoir.modules.tracking.contracts import Counts, LaneKey, Performance
from comptoir.modules.tracking.domain.choosing import Offer, Ruling, choose, expected_on_time, real_cost, steered
from comptoir.modules.tracking.domain.measuring import on_the_way
from comptoir.modules.tracking.domain.steering import CarrierRule, Do, Effect, Sent

CARRIERS = ("colis", "eclair", "lumen", "relais")


@st.composite
def counts(draw: st.DrawFn) -> Counts:
    delivered = draw(st.integers(0, 1_000))
    promised = draw(st.integers(0, delivered))
    on_time = draw(st.integers(0, promised))
    lost, damaged = draw(st.integers(0, 20)), draw(st.integers(0, 20))
    return Counts(delivered + lost + damaged, delivered, promised, on_time, delivered * 2, on_time, damaged, lost)


offers = st.lists(
    st.builds(
        Offer,
        carrier=st.sampled_from(CARRIERS),
        service=st.sampled_from(("road", "air")),
        cost=st.integers(0, 10_000),
        days=st.none() | st.integers(0, 9),
        counts=counts(),
    ),
    max_size=8,
    unique_by=lambda offer: offer.key,
)
rulings = st.builds(
    Ruling,
    excluded=st.frozensets(st.sampled_from(CARRIERS), max_size=2),
    within_days=st.none() | st.integers(0, 9),
    at_least_on_time=st.floats(0, 1),
    at_most=st.none() | st.integers(0, 10_000),
)


@given(offers, rulings)
def test_every_offer_is_ranked_or_ruled_out_for_a_reason(asked: list[Offer], ruling: Ruling) -> None:
    chosen = choose(asked, ruling)
    ranked = [offer for offer, _ in chosen.ranked]
    assert sorted(offer.key for offer in [*ranked, *(offer for offer, _ in chosen.ruled_out)]) == sorted(o.key for o in asked)
    assert all(reason for _, reason in chosen.ruled_out)
    for offer in ranked:
        assert offer.carrier not in ruling.excluded
        assert ruling.at_most is None or offer.cost <= ruling.at_most
        assert ruling.within_days is None or (offer.days is not None and offer.days <= ruling.within_days)
    assert [cost for _, cost in chosen.ranked] == sorted(cost for _, cost in chosen.ranked)


@given(offers, rulings, st.randoms(use_true_random=False))
def test_the_choice_does_not_depend_on_the_order_of_the_offers(asked: list[Offer], ruling: Ruling, chance: Random) -> None:
    shuffled = asked[:]
    chance.shuffle(shuffled)
    assert choose(asked, ruling).best == choose(shuffled, ruling).best


@given(st.integers(1, 5_000), counts(), st.integers(1, 2_000))
def test_of_two_that_did_equally_well_the_cheaper_one_is_taken(cost: int, did: Counts, more: int) -> None:
    cheap, dear = Offer("a", "x", cost, 2, did), Offer("b", "x", cost + more, 2, did)
    assert choose([dear, cheap], Ruling()).best == cheap


@given(counts())
def test_each_late_parcel_makes_a_lane_look_worse(did: Counts) -> None:
    worse = did._replace(promised=did.promised + 1)
    assert expected_on_time(worse) < expected_on_time(did)
    assert real_cost(Offer("a", "x", 100, 1, worse), Ruling()) >= real_cost(Offer("a", "x", 100, 1, did), Ruling())


@given(st.dictionaries(st.sampled_from(CARRIERS), st.integers(1, 9), min_size=1), st.integers(1, 200))
def test_the_load_follows_its_shares_to_within_a_parcel_for_each_carrier(shares: dict[str, int], parcels: int) -> None:
    asked = [Offer(carrier, "road", 500) for carrier in shares]
    given_out: Counter[str] = Counter()
    for _ in range(parcels):
        best = choose(asked, Ruling(shares=shares), given_out).best
        assert best is not None
        given_out[best.carrier] += 1
    for carrier, share in shares.items():
        assert abs(given_out[carrier] - parcels * share / sum(shares.values())) < len(shares)


def test_a_share_costs_no_more_than_it_may() -> None:
    cheap, dear = Offer("a", "road", 500), Offer("b", "road", 900)
    shares = {"a": 1, "b": 1}
    assert choose([cheap, dear], Ruling(shares=shares, tolerance=100), {"a": 50}).best == cheap
    assert choose([cheap, dear], Ruling(shares=shares, tolerance=400), {"a": 50}).best == dear


def test_a_dear_carrier_that_is_punctual_beats_a_cheap_one_that_is_late() -> None:
    late = Offer("late", "road", 500, counts=Counts(200, 200, 200, 60, 600, 60))
    punctual = Offer("punctual", "road", 650, counts=Counts(200, 200, 200, 198, 400, 198))
    assert choose([late, punctual], Ruling(late_costs=500)).best == punctual
    assert choose([late, punctual], Ruling(late_costs=0, loss_costs=0)).best == late


def test_figures_come_to_a_verdict() -> None:
    few, good = Counts(5, 5, 5, 0), Counts(100, 100, 100, 95)
    assert [verdict(one) for one in (few, good, good._replace(on_time=80), good._replace(lost=1))] == [
        Verdict.UNPROVEN,
        Verdict.RELIABLE,
        Verdict.LATE,
        Verdict.RISKY,
    ]


CORSICA = CarrierRule(name="Corsica", countries=("FR",), postcodes=("20",), effects=(Effect(do=Do.ONLY, carrier="a"),))
HEAVY = CarrierRule(weight_from=10_000, dangerous=False, effects=(Effect(do=Do.EXCLUDE, carrier="b", service="x"),))
SHARED = CarrierRule(effects=(Effect(do=Do.SHARE, carrier="a", share=3), Effect(do=Do.SHARE, carrier="b", share=1)))
RULES = Ruling(rules=(CORSICA, HEAVY, SHARED))


@pytest.mark.parametrize(
    ("sent", "no"),
    [
        (Sent(country="FR", postcode="20 090", weight=20_000), 1),
        (Sent(country="IT", postcode="20090", weight=10_000), 2),
        (Sent(country="FR", postcode="75011", weight=20_000, dangerous=True), 3),
        (Sent(country="FR", postcode="75011", weight=9_999), 3),
    ],
)
def test_the_first_rule_that_fits_a_parcel_decides(sent: Sent, no: int) -> None:
    assert steered(RULES, sent).rule_no == no


def test_conditions_are_met_together_and_any_value_of_one_will_do() -> None:
    only = (Effect(do=Do.ONLY, carrier="a"),)
    rule = CarrierRule(channels=("web", "app"), categories=("Food",), services=("express",), effects=only)
    fitting = Sent(channel="app", service="express", categories=frozenset({"Food", "Food > Tea"}))
    house = Ruling(rules=(rule,))
    assert steered(house, fitting).rule is rule
    for other in (
        replace(fitting, channel="shop"),
        replace(fitting, service="standard"),
        replace(fitting, categories=frozenset()),
    ):
        assert steered(house, other).rule is None


def test_a_rule_excludes_services_keeps_to_carriers_and_prefers_them() -> None:
    cheap, other, dear = Offer("b", "x", 100), Offer("b", "y", 200), Offer("a", "x", 900)
    offers = [cheap, other, dear]
    assert choose(offers, steered(RULES, Sent(country="FR", postcode="20090"))).best == dear
    heavy = choose(offers, steered(RULES, Sent(weight=10_000)))
    assert (heavy.best, heavy.ruled_out) == (other, ((cheap, "the rule excludes it"),))
    liked = Ruling(rules=(CarrierRule(effects=(Effect(do=Do.PREFER, carrier="A"),)),))
    assert [offer for offer, _ in choose(offers, steered(liked, Sent())).ranked] == [dear, cheap, other]
    assert choose([cheap, other], steered(liked, Sent())).best == cheap


def test_a_rule_shares_the_load_of_its_parcels() -> None:
    a, b = Offer("a", "x", 100), Offer("b", "x", 100)
    ruling = steered(RULES, Sent())
    assert choose([a, b], ruling, {"a": 30}).best == b
    assert choose([a, b], ruling, {"a": 30, "b": 30}).best == a


def lane(origin: str, there: str, parcels: int, lost: int, country: str = "FR") -> Performance:
    key = LaneKey("a", "x", "FR", origin, country, there)
    return Performance(key, Counts(parcels=parcels, delivered=parcels - lost, lost=lost))


def test_a_lane_is_that_of_the_regions_where_enough_parcels_went_and_else_of_the_countries() -> None:
    lanes = [lane("75", "13", 30, 3), lane("75", "20", 29, 9), lane("69", "13", 100, 0), lane("75", "13", 50, 50, "IT")]
    for region, counts in (("13", (30, 3)), ("20", (159, 12)), ("33", (159, 12))):
        found = on_the_way(lanes, ("FR", "75"), ("FR", region))[("a", "x")]
        assert (found.parcels, found.lost) == counts
    assert on_the_way(lanes, ("DE", ""), ("FR", "13")) == {}
