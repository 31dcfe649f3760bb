"""Which carrier's service to take: by rules, price and how well each did, with shares of the load."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from comptoir.modules.tracking.contracts import Counts
from comptoir.modules.tracking.domain.steering import CarrierRule, Do, Effect, Sent, against, first_fit, is_preferred

_PRIOR = 20
"""A lane's own figures count as much as this many parcels of an average carrier: a handful of lucky parcels proves nothing."""
_AVERAGE = 0.9
_NOTHING = Counts()


@dataclass(frozen=True, slots=True)
class Offer:
    """What a service asks for a parcel, and how it did on the way there. `cost` is minor units of the house's currency."""

    carrier: str
    service: str
    cost: int
    days: int | None = None
    counts: Counts = _NOTHING

    @property
    def key(self) -> tuple[str, str]:
        return (self.carrier, self.service)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the retailer wants. `late_costs` is what a late parcel costs the house, in minor units; `loss_costs`, a lost one."""

    excluded: frozenset[str] = frozenset()
    """Carriers that are not to be used."""
    within_days: int | None = None
    at_least_on_time: float = 0.0
    """Services that are less often on time are taken only when there is no other."""
    at_most: int | None = None
    late_costs: int = 500
    loss_costs: int = 5_000
    shares: Mapping[str, int] | None = None
    """How the load is shared over carriers, as weights; None for whoever is best."""
    tolerance: int = 0
    """Minor units that a share may cost: an offer dearer than the best by more is not taken for its share."""
    rules: tuple[CarrierRule, ...] = ()
    """In their order: the first that fits a parcel decides who may carry it. What the house says beside them holds always, but
    for its shares, which are those of parcels that no rule fits.
    """
    effects: tuple[Effect, ...] = ()
    """What the rule that fits says; only of one parcel, as `steered` gives it."""
    rule_no: int | None = None
    """Which rule that is, counted from 1."""

    @property
    def rule(self) -> CarrierRule | None:
        return None if self.rule_no is None else self.rules[self.rule_no - 1]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The offers that may be taken, the best first, with what each really costs; and why the others may not."""

    ranked: tuple[tuple[Offer, int], ...]
    ruled_out: tuple[tuple[Offer, str], ...] = ()

    @property
    def best(self) -> Offer | None:
        return self.ranked[0][0] if self.ranked else None


def steered(ruling: Ruling, parcel: Sent) -> Ruling:
    """What holds for this parcel: the first rule that fits it says who may carry it, and who gets which share."""
    n = first_fit(ruling.rules, parcel)
    if n is None:
        return ruling
    effects = ruling.rules[n].effects
    shares: dict[str, int] = {}
    for one in effects:
        if one.do is Do.SHARE:
            shares[one.carrier] = shares.get(one.carrier, 0) + one.share
    return replace(ruling, effects=effects, rule_no=n + 1, shares=shares or None)


def expected_on_time(counts: Counts) -> float:
    """The share that is on time, drawn towards an average while there are few parcels to go by."""
    return (counts.on_time + _PRIOR * _AVERAGE) / (counts.promised + _PRIOR)


def expected_loss(counts: Counts) -> float:
    """The share that is lost or damaged; half a parcel in `_PRIOR` hundred to begin with."""
    return (counts.lost + counts.damaged + 0.5) / (counts.parcels + _PRIOR * 5)


def real_cost(offer: Offer, ruling: Ruling) -> int:
    """The price, and what being late or lost will have cost on average."""
    late = (1 - expected_on_time(offer.counts)) * ruling.late_costs
    lost = expected_loss(offer.counts) * ruling.loss_costs
    return offer.cost + math.ceil(late + lost)


def choose(offers: Sequence[Offer], ruling: Ruling, given: Mapping[str, int] | None = None) -> Chosen:
    """`given` is how many parcels each carrier has had, for the shares.

    With shares, of the offers that are within the tolerance of the best, the carrier goes first that is furthest behind its
    share. Which offers may be taken does not depend on the order in which they come.
    """
    allowed: list[Offer] = []
    ruled_out: list[tuple[Offer, str]] = []
    for offer in offers:
        reason = _against(offer, ruling)
        if reason:
            ruled_out.append((offer, reason))
        else:
            allowed.append(offer)
    punctual = [offer for offer in allowed if expected_on_time(offer.counts) >= ruling.at_least_on_time]
    if punctual:
        ruled_out += [(offer, "late too often") for offer in allowed if offer not in punctual]
        allowed = punctual
    ranked = sorted(((offer, real_cost(offer, ruling)) for offer in allowed), key=lambda pair: (pair[1], pair[0].key))
    preferred = [pair for pair in ranked if is_preferred(ruling.effects, *pair[0].key)]
    others = [pair for pair in ranked if pair not in preferred]
    if ruling.shares:
        preferred, others = (_shared(group, ruling, given or {}) if group else [] for group in (preferred, others))
    return Chosen((*preferred, *others), tuple(ruled_out))


def _against(offer: Offer, ruling: Ruling) -> str:
    if offer.carrier in ruling.excluded:
        return "the carrier is excluded"
    ruled = against(ruling.effects, offer.carrier, offer.service)
    if ruled:
        return ruled
    if ruling.shares is not None and ruling.shares and not ruling.shares.get(offer.carrier):
        return "the carrier has no share"
    if ruling.within_days is not None and (offer.days is None or offer.days > ruling.within_days):
        return "too slow"
    if ruling.at_most is not None and offer.cost > ruling.at_most:
        return "too dear"
    return ""


def _shared(ranked: list[tuple[Offer, int]], ruling: Ruling, given: Mapping[str, int]) -> list[tuple[Offer, int]]:
    shares = ruling.shares or {}
    near = [pair for pair in ranked if pair[1] <= ranked[0][1] + ruling.tolerance]
    present = {offer.carrier for offer, _ in near}
    whole = sum(shares[carrier] for carrier in present)
    total = sum(given.get(carrier, 0) for carrier in present) + 1

    def behind(pair: tuple[Offer, int]) -> float:
        carrier = pair[0].carrier
        return given.get(carrier, 0) - total * shares[carrier] / whole

    near.sort(key=lambda pair: (behind(pair), pair[1], pair[0].key))
    return near + [pair for pair in ranked if pair not in near]
