from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from comptoir.modules.tracking.api import Verdict, verdict
from comptoir.modules.tracking.contracts import Counts
from comptoir.modules.tracking.domain.choosing import Offer, Ruling, choose, expected_on_time, real_cost

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
