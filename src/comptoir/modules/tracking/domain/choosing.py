"""Which carrier's service to take: by rules, price and how well each did, with shares of the load."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comptoir.modules.tracking.contracts import Counts

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


@dataclass(frozen=True, slots=True)
class Chosen:
    """The offers that may be taken, the best first, with what each really costs; and why the others may not."""

    ranked: tuple[tuple[Offer, int], ...]
    ruled_out: tuple[tuple[Offer, str], ...] = ()

    @property
    def best(self) -> Offer | None:
        return self.ranked[0][0] if self.ranked else None


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
    if ruling.shares and ranked:
        ranked = _shared(ranked, ruling, given or {})
    return Chosen(tuple(ranked), tuple(ruled_out))


def _against(offer: Offer, ruling: Ruling) -> str:
    if offer.carrier in ruling.excluded:
        return "the carrier is excluded"
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
