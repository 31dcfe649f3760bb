"""Choosing for one order: fences first, then ratings, then a split where nobody has it all and every part is worth it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property, lru_cache
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.routing.contracts import (
    Decision,
    Detail,
    Fence,
    Job,
    Mode,
    Need,
    Parcel,
    Pick,
    Rating,
    Rules,
    Verdict,
)
from comptoir.modules.routing.domain.explaining import detail, elsewhere
from comptoir.modules.routing.domain.network import (
    FENCES,
    OPEN,
    UNKNOWN_KM,
    Flags,
    Floats,
    Ints,
    Network,
    Positions,
    Survey,
    Tariff,
    fence_code,
    survey,
)
from comptoir.modules.routing.domain.parting import by_takers, parts
from comptoir.modules.routing.domain.rating import OF_STOCK, leading, measured, ranked, surveyed, wanted, weighted
from comptoir.modules.routing.domain.stock import Situation

_AMONG = 12
"""Splits are sought among so many of the best sites that have something of it, and the best for each line."""
_BEST_FOR_A_LINE = 3
_SETS = 4_096
"""While there are no more sets of sites than this, all are looked at; then only those that grow from the best smaller ones."""
_GROWN_FROM = 20

_CAPACITY, _STOCK, _MINIMUM_PICK = fence_code(Fence.CAPACITY), fence_code(Fence.STOCK), fence_code(Fence.MINIMUM_PICK)


@dataclass(eq=False)
class View:
    """A job before its decision: the survey, what the sites have of it, and how they compare."""

    rules: Rules
    survey: Survey
    asked: dict[str, int]
    """Units by SKU: a SKU on two lines is asked for once."""
    have: Ints
    """By SKU, in the order of `asked`, and site: what may be sent."""
    whole: Flags
    """Who has everything, fenced out or not."""
    ratings: dict[Rating, Floats]

    @cached_property
    def able(self) -> Flags:
        """Who may serve."""
        return self.survey.fences == OPEN

    @cached_property
    def order(self) -> Positions:
        """The sites that may serve, best first; equals stay in the order of the network."""
        chosen = np.flatnonzero(self.able)
        if self.rules.mode is Mode.WEIGHTED:
            return chosen[np.argsort(self.scores[chosen], kind="stable")]
        return ranked(self.rules.ratings, self.ratings, chosen)

    @cached_property
    def scores(self) -> Floats:
        """By site: 0 is best; infinite for who may not serve."""
        scores = np.full(len(self.able), np.inf)
        if self.rules.mode is Mode.WEIGHTED:
            chosen = np.flatnonzero(self.able)
            scores[chosen] = weighted(self.rules.ratings, self.ratings, chosen)
        else:
            scores[self.order] = np.arange(len(self.order), dtype=np.float64)
        return scores

    def best_whole(self) -> int | None:
        """The best of those that may serve and have everything."""
        among = np.flatnonzero(self.able & self.whole)
        if len(among) <= 1:
            return int(among[0]) if len(among) else None
        if self.rules.mode is Mode.WEIGHTED or any(weight.tolerance > 0 for weight in self.rules.ratings):
            return int(among[self.scores[among].argmin()])
        # Without tolerances the order of some does not depend on the others, and one is found without sorting them.
        for weight in self.rules.ratings:
            values = self.ratings[weight.rating][among]
            among = among[values == values.min()]
            if len(among) == 1:
                break
        return int(among[0])


def look(network: Network, rules: Rules, job: Job, situation: Situation, now: datetime) -> View:
    """Every site with its fence, and those that may serve in order."""
    found = survey(network, rules, job, now)
    asked: dict[str, int] = {}
    for need in job.needs:
        asked[need.sku] = asked.get(need.sku, 0) + need.quantity
    have = np.array([situation.of(sku) for sku in asked], dtype=np.int64).reshape(len(asked), len(network.sites))
    if rules.safety:
        have = np.maximum(have - np.where(network.stores, rules.safety, 0), 0)
    sent = np.minimum(have, wanted(asked)).sum(axis=0)
    # From the last to the first: the first that applies is the one that is told.
    later = np.zeros(len(network.sites), dtype=np.int8)
    if rules.minimum_pick and job.service is not Service.PICKUP:
        np.putmask(later, network.stores & (_worth(job.needs, asked, have) < rules.minimum_pick), _MINIMUM_PICK)
    np.putmask(later, sent == 0, _STOCK)
    if rules.respect_capacity:
        np.putmask(later, situation.load >= network.capacity, _CAPACITY)
    found.fences = np.where(found.fences, found.fences, later)
    whole = sent == sum(asked.values())
    ratings = {weight.rating: measured(weight.rating, network, situation, found, asked, have) for weight in rules.ratings}
    return View(rules, found, asked, have, whole, ratings)


def _worth(needs: Sequence[Need], asked: Mapping[str, int], have: Ints) -> Ints:
    """What each site would send of it by itself, in minor units: of a SKU on several lines the first lines are served first."""
    row = {sku: i for i, sku in enumerate(asked)}
    before = dict.fromkeys(asked, 0)
    worth = np.zeros(have.shape[1], dtype=np.int64)
    for need in needs:
        worth += need.value * np.clip(have[row[need.sku]] - before[need.sku], 0, need.quantity)
        before[need.sku] += need.quantity
    return worth


def rank_sites(network: Network, rules: Rules, job: Job, now: datetime, first: int | None = None) -> list[int]:
    """The positions of the sites that may serve, as far as that can be said without stock and load: the best first, and with
    `first` only so many.
    """
    found = survey(network, rules, job, job.planned_from(now))
    weights = [weight for weight in rules.ratings if weight.rating not in OF_STOCK]
    ratings = {weight.rating: surveyed(weight.rating, network, found) for weight in weights}
    chosen = np.flatnonzero(found.fences == OPEN)
    if rules.mode is Mode.WEIGHTED:
        return chosen[np.argsort(weighted(weights, ratings, chosen), kind="stable")[:first]].tolist()
    if first is not None:
        return leading(weights, ratings, chosen, first).tolist()
    return ranked(weights, ratings, chosen).tolist()


def _worth_at_most(needs: Sequence[Need], asked: Mapping[str, int], have: Ints) -> Ints:
    """What nobody's part of a split is above: of a SKU on several lines it may be the dearest that is left to a site."""
    dearest = dict.fromkeys(asked, 0)
    for need in needs:
        dearest[need.sku] = max(dearest[need.sku], need.value)
    return (np.minimum(have, wanted(asked)) * wanted(dearest)).sum(axis=0)


def choose(network: Network, rules: Rules, job: Job, situation: Situation, now: datetime) -> Decision:
    """Where this order goes; `situation` stays as it is. What nobody may send is `lacking`."""
    now = job.planned_from(now)
    view = look(network, rules, job, situation, now)
    decision = decide(network, rules, job, view, now)
    if decision.lacking and job.service is not Service.PICKUP:
        return _in_parts(network, rules, job, decision, situation, now)
    return decision


def _in_parts(network: Network, rules: Rules, job: Job, decision: Decision, situation: Situation, now: datetime) -> Decision:
    """The decision, or a better one where no carrier takes everything together: each part with a carrier that takes it.

    Two parts may come from one location; each is a parcel, within what the rules allow.
    """
    groups = parts(network, job)
    if len(groups) == 1 and not network.is_collected_everywhere:
        groups = by_takers(network, job)
    most = rules.splitting.parcels
    if not 1 < len(groups) <= most:
        return decision
    trial = situation.copy()
    parcels: list[Parcel] = []
    lacking: dict[int, int] = {}
    for n, needs in enumerate(groups, start=1):
        room = most - len(parcels) - (len(groups) - n)
        own = replace(rules, splitting=replace(rules.splitting, parcels=room))
        part = replace(job, needs=needs)
        found = decide(network, own, part, look(network, own, part, trial, now), now)
        trial.take(found)
        parcels += found.parcels
        for line, units in found.lacking:
            lacking[line] = lacking.get(line, 0) + units
    if sum(lacking.values()) >= sum(units for _, units in decision.lacking):
        return decision
    if len(parcels) > 1 and rules.splitting.least_value:
        value = {(need.line_no, need.sku): need.value for need in job.needs}
        worths = [sum(value[pick.line_no, pick.sku] * pick.quantity for pick in one.picks) for one in parcels]
        if min(worths) < rules.splitting.least_value:
            return decision
    return Decision(job.id, tuple(parcels), tuple(sorted(lacking.items())))


def serve(network: Network, rules: Rules, job: Job, situation: Situation, now: datetime) -> Decision:
    """As `choose`; and what the counter where it is collected does not have itself is sent there by others."""
    decision = choose(network, rules, job, situation, now)
    if decision.lacking and job.pickup_at in network.position:
        return _sent_to_counter(network, rules, job, decision, situation, now)
    return decision


def _sent_to_counter(
    network: Network, rules: Rules, job: Job, decision: Decision, situation: Situation, now: datetime
) -> Decision:
    """A decision for a counter that lacks something, with what others send to it."""
    lacking = dict(decision.lacking)
    needs = tuple([replace(need, quantity=lacking[need.line_no]) for need in job.needs if need.line_no in lacking])
    sent = choose(network, rules, to_counter(network, job, needs), situation, now)
    return Decision(job.id, (*decision.parcels, *sent.parcels), sent.lacking)


def to_counter(network: Network, job: Job, needs: tuple[Need, ...]) -> Job:
    """These needs as a job of others, who send them to the counter where the job is collected."""
    assert job.pickup_at is not None
    counter = network.sites[network.position[job.pickup_at]]
    place = None if counter.latitude is None or counter.longitude is None else (counter.latitude, counter.longitude)
    return replace(
        job,
        needs=needs,
        service=Service.STANDARD,
        country=counter.country,
        destination=place,
        pickup_at=None,
        rejected_by=(*job.rejected_by, counter.id),
    )


def decide(network: Network, rules: Rules, job: Job, view: View, now: datetime) -> Decision:
    """The decision that follows from a view."""
    whole = view.best_whole()
    if whole is not None:
        content = [(need, need.quantity) for need in job.needs]
        return Decision(job.id, (parcel(network, job, whole, content, now),))
    return assigned(network, job, view, _best_split(network, rules, job, view), now)


def _best_split(network: Network, rules: Rules, job: Job, view: View) -> tuple[int, ...]:
    """The set of sites that lacks least, in the fewest parcels, with the best scores; empty where nobody may send anything."""
    most = 1 if job.service is Service.PICKUP else max(1, rules.splitting.parcels)  # a buyer goes to one counter
    among = _promising(view, most)
    if most > 1 and rules.splitting.least_value:
        worth = _worth_at_most(job.needs, view.asked, view.have)
        worthy = [site for site in among if worth[site] >= rules.splitting.least_value]
    else:
        worthy = among
    best = _best_of(network, rules, job, view, _sets(len(among), 1), among, None) if among else None
    sets = _sets(len(worthy), 1)
    for size in range(2, min(most, len(worthy)) + 1):
        if best is not None and best[0] == 0:
            break
        sets = _sets(len(worthy), size) if comb(len(worthy), size) <= _SETS else _grown(view, worthy, sets)
        best = _best_of(network, rules, job, view, sets, worthy, best)
    return () if best is None else best[1]


def _promising(view: View, most: int) -> list[int]:
    """The sites among which a split is sought: the best, and those that send most of it all, and of each SKU.

    With few sites that is all of them, and for a single site it is always enough.
    """
    found = dict.fromkeys(view.order[:_AMONG].tolist())
    most = max(_BEST_FOR_A_LINE, most)
    could = np.minimum(view.have, wanted(view.asked))[:, view.order]
    for sends in (could.sum(axis=0), *could):
        greatest = np.argsort(-sends, kind="stable")[:most]
        for best in (greatest[sends[greatest] > 0], np.flatnonzero(sends)[:most]):
            found |= dict.fromkeys(view.order[best].tolist())
    return list(found)


@lru_cache(maxsize=256)
def _sets(n: int, size: int) -> Positions:
    """All sets of so many of n, a row for each."""
    return np.array(list(combinations(range(n), size)), dtype=np.intp).reshape(-1, size)


def _grown(view: View, among: Sequence[int], sets: Positions) -> Positions:
    """The best of these sets, each with one more."""
    best = sets[np.lexsort(_compared(view, sets, among))[:_GROWN_FROM]].tolist()
    grown = {tuple(sorted((*members, one))) for members in best for one in range(len(among)) if one not in members}
    return np.array(sorted(grown), dtype=np.intp)


def _compared(view: View, sets: Positions, among: Sequence[int]) -> tuple[Floats, Ints]:
    """What each set scores and lacks."""
    lacking = np.maximum(wanted(view.asked) - view.have[:, among][:, sets].sum(axis=2), 0).sum(axis=0)
    return view.scores[among][sets].sum(axis=1), lacking


Found = tuple[int, tuple[int, ...]]
"""What a set of sites lacks, and the set."""


def _best_of(
    network: Network, rules: Rules, job: Job, view: View, sets: Positions, among: Sequence[int], best: Found | None
) -> Found | None:
    """The best set of one size that lacks less than what was found before."""
    scores, lacking = _compared(view, sets, among)
    for i in np.lexsort((scores, lacking)).tolist():
        if best is not None and lacking[i] >= best[0]:
            return best
        members: list[int] = sets[i].tolist()
        sites = tuple([among[member] for member in members])
        if _is_worth_it(network, rules, job, view, sites):
            return int(lacking[i]), sites
    return best


def _is_worth_it(network: Network, rules: Rules, job: Job, view: View, sites: tuple[int, ...]) -> bool:
    split = len(sites) > 1
    for site, content in zip(sites, contents(job, view, sites), strict=True):
        if not content:
            return False
        least = rules.splitting.least_value if split else 0
        if job.service is not Service.PICKUP and network.sites[site].kind is LocationKind.STORE:
            least = max(least, rules.minimum_pick)
        if least and sum(need.value * units for need, units in content) < least:
            return False
    return True


def contents(job: Job, view: View, sites: Sequence[int]) -> list[list[tuple[Need, int]]]:
    """What each of the sites sends: a need goes whole to the best that has it, else it is gathered, the best first."""
    ranked = sorted(range(len(sites)), key=lambda i: (view.scores[sites[i]], sites[i]))
    left = {sku: [int(view.have[row, site]) for site in sites] for row, sku in enumerate(view.asked)}
    found: list[list[tuple[Need, int]]] = [[] for _ in sites]
    for need in job.needs:
        there = left[need.sku]
        whole = next((i for i in ranked if there[i] >= need.quantity), None)
        missing = need.quantity
        for i in ranked if whole is None else (whole,):
            taken = min(missing, there[i])
            if taken > 0:
                there[i] -= taken
                missing -= taken
                found[i].append((need, taken))
    return found


def assigned(network: Network, job: Job, view: View, sites: Sequence[int], now: datetime) -> Decision:
    """The decision for these sites, with parcels as they would be sent."""
    shares = list(zip(sites, contents(job, view, sites), strict=True))
    parcels = tuple([parcel(network, job, site, content, now) for site, content in shares if content])
    lacking: dict[int, int] = {}
    for need in job.needs:
        lacking[need.line_no] = lacking.get(need.line_no, 0) + need.quantity
    for _, content in shares:
        for need, units in content:
            lacking[need.line_no] -= units
    return Decision(job.id, parcels, tuple([(line, units) for line, units in lacking.items() if units]))


def parcel(network: Network, job: Job, site: int, content: Sequence[tuple[Need, int]], now: datetime) -> Parcel:
    """What it takes to send (or to have ready for collection) this content from there."""
    place = network.sites[site]
    picks = tuple([Pick(need.line_no, need.sku, place.id, units) for need, units in content])
    weight = 0
    for need, units in content:
        weight += need.weight * units
    own = place.pack_cost + place.pick_cost * len(picks)
    if job.service is Service.PICKUP:
        ready_at = network.ready_at(site, now)
        assert ready_at is not None, "where the door never opens there is a fence"
        return Parcel(place.id, picks, "", 0.0, own, 0.0, ready_at, network.local_day(site, ready_at), weight)
    offer = best_offer(network, job, site, weight, now)
    assert offer is not None, "who has no carrier is fenced out"
    service = offer.tariff.service
    carbon = service.carbon * -(-weight // 1000) * offer.distance
    cost = own + offer.asked
    slack = offer.tariff.slack + place.slack
    return Parcel(place.id, picks, service.code, offer.distance, cost, carbon, offer.leaves_at, offer.arrives_on, weight, slack)


def _apart(network: Network, job: Job, site: int | None, content: Sequence[tuple[Need, int]]) -> list[list[tuple[Need, int]]]:
    """What is sent from one place, in parcels: one, unless no carrier takes it together."""
    if job.service is Service.PICKUP:
        return [list(content)]
    groups = parts(network, replace(job, needs=tuple([need for need, _ in content])), site)
    return [[one for one in content if one[0] in needs] for needs in groups]


def as_placed(network: Network, job: Job, picks: Sequence[Pick], now: datetime) -> Decision:
    """The decision that these picks are, taken already. Of sites that the network does not know, that no carrier takes it from,
    or whose door never opens, nothing but the picks is said.
    """
    now = job.planned_from(now)
    needs = {need.line_no: need for need in job.needs}
    by_site: dict[LocationId, list[Pick]] = {}
    for pick in picks:
        by_site.setdefault(pick.site, []).append(pick)
    parcels: list[Parcel] = []
    for place, own in by_site.items():
        site = network.position.get(place)
        content = [(needs[pick.line_no], pick.quantity) for pick in own]
        for part in _apart(network, job, site, content):
            whole = replace(job, needs=tuple([need for need, _ in part])) if len(part) < len(job.needs) else job
            weight = sum(need.weight * units for need, units in part)
            if site is not None and _leaves(network, job, site, weight, now):
                parcels.append(parcel(network, job, site, part, now))
            elif site is not None and _leaves(network, whole, site, weight, now):
                parcels.append(parcel(network, whole, site, part, now))
            else:
                picks = tuple([Pick(need.line_no, need.sku, place, units) for need, units in part])
                parcels.append(Parcel(place, picks, "", 0.0, 0, 0.0, now, now.date(), weight))
    return Decision(job.id, tuple(parcels))


def _leaves(network: Network, job: Job, site: int, weight: int, now: datetime) -> bool:
    if job.service is Service.PICKUP:
        return network.ready_at(site, now) is not None
    return best_offer(network, job, site, weight, now) is not None


class Offer(NamedTuple):
    """What a carrier service asks for one parcel."""

    tariff: Tariff
    distance: float
    """Where nobody knows it, how far the carrier goes at most."""
    asked: int
    leaves_at: datetime
    arrives_on: date


def best_offer(network: Network, job: Job, site: int, weight: int, now: datetime) -> Offer | None:
    """Of the services that take it: in time before late, then cheaper, then sooner. As `survey` chooses, for one site."""
    option = network.table(job, weight, now).options[int(network.cells(job)[site])]
    if option is None:
        return None
    tariff = network.tariffs[option.tariff]
    distance = float(network.distances(job.destination)[site])
    leaves_at = network.calendars[int(network.calendar_of[site])].leaves_at(option.leaves_on)
    return Offer(tariff, tariff.reach if distance >= UNKNOWN_KM else distance, option.asked, leaves_at, option.arrives_on)


def explain(network: Network, rules: Rules, job: Job, situation: Situation, now: datetime) -> list[Verdict]:
    """What was thought of every site: those that may serve first, the best first, then the others in the network's order."""
    view = look(network, rules, job, situation, job.planned_from(now))
    rest = np.flatnonzero(~view.able)
    lacking = np.maximum(wanted(view.asked) - view.have, 0).sum(axis=0).tolist()
    return [_verdict(network, rules, job, view, i, lacking[i]) for i in [*view.order.tolist(), *rest.tolist()]]


def explain_some(
    network: Network, rules: Rules, job: Job, situation: Situation, able: int, stopped: int, also: Collection[LocationId]
) -> tuple[list[Verdict], int]:
    """As `explain`, of so many of the best and so many of those that were stopped, and of these sites; and how many may serve.
    For when there is time for a few of hundreds of sites.
    """
    view = look(network, rules, job, situation, job.planned_from(job.placed_at))
    named = {network.position[one] for one in also if one in network.position}
    order, rest = view.order.tolist(), np.flatnonzero(~view.able).tolist()
    chosen = [i for n, i in enumerate(order) if n < able or i in named]
    chosen += sorted(rest, key=lambda i: i not in named)[:stopped]
    lacking = np.maximum(wanted(view.asked) - view.have, 0).sum(axis=0).tolist()
    return [_verdict(network, rules, job, view, i, lacking[i]) for i in chosen], len(order)


def _verdict(network: Network, rules: Rules, job: Job, view: View, position: int, lacking: int) -> Verdict:
    site = network.sites[position]
    code = int(view.survey.fences[position])
    if code != OPEN:
        fence = FENCES[code - 1]
        found = detail(network, rules, job, position, fence)
        names = elsewhere(network, job) if found is Detail.NOT_COLLECTED else ()
        return Verdict(site.id, fence, {}, None, found, lacking, carriers=names)
    measured = {rating: float(values[position]) for rating, values in view.ratings.items()}
    return Verdict(site.id, None, measured, float(view.scores[position]), None, lacking)
