"""The batch optimiser: jobs that nobody has begun to pick, decided together.

Greedy, in order, is where it starts, and it is never worse. Each job's ways are listed with their prices; where everybody's
cheapest way fits with all the others', that is the best there is. Elsewhere jobs compete for units or for places in the day's
work: few of them are solved exactly, many by letting groups that are in each other's way choose anew, for as long as it helps.

Beside the fences of `choosing`, a parcel that the optimiser makes is itself worth the rules' minimum pick in a store.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from comptoir.modules.routing.contracts import Decision, Job, Objective, Rating, Rules
from comptoir.modules.routing.domain.choosing import View, decide, look
from comptoir.modules.routing.domain.network import Ints, Network, survey
from comptoir.modules.routing.domain.quoting import Ground, behind, worth
from comptoir.modules.routing.domain.rules import aims
from comptoir.modules.routing.domain.solving import Answer, choose_among, exactly
from comptoir.modules.routing.domain.stock import Situation
from comptoir.modules.routing.domain.ways import Case, Enumerator, Left, Way, decided

_SMALL = 30_000
"""Jobs times sites: up to here it is worth looking for jobs that have nothing to do with each other, to solve them exactly."""
_EXACT = 2_500
"""Lines times sites, of all jobs of a group: the size of an exact model."""
_GROUP = 160
"""Jobs that choose anew together."""
_FEW = 5
"""Who has fewer ways than this that are still free is asked for more."""
_SWEEPS = 4
_MOVING = frozenset({Rating.COVER, Rating.MARKDOWN, Rating.LOAD})
"""Ratings that every decision changes for the next one."""
_EFFORT = 20.0
"""Deterministic seconds for an exact model of one group; a listed choice has a tenth."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One decision for each job, in the order of the jobs, and what they are in the objective's minor units.

    No plan at all costs less than `bound`; `proven` says that this one costs just that.
    """

    decisions: tuple[Decision, ...]
    cost: int
    greedy_cost: int
    bound: int | None
    proven: bool


def improve(
    network: Network,
    rules: Rules,
    jobs: Sequence[Job],
    situation: Situation,
    now: datetime,
    *,
    objective: Objective | None = None,
    seconds: float = 10.0,
    seed: int = 0,
) -> Plan:
    """The jobs decided together, never worse than one after another; `situation` stays as it is. Without an `objective` it is
    what the rules say.

    `seconds` limits the search beyond greedy. The same seed gives the same plan unless the clock cuts the search short.
    """
    objective = objective or aims(rules)
    batch = _Batch(Ground(network, rules, objective, now), situation, seconds, seed)
    greedy = batch.prepare(jobs)
    greedy_cost = batch.worth(greedy)
    bound = batch.search()
    decisions = tuple(
        decision if way is case.greedy else decided(batch.ground, case.job, way)
        for case, way, decision in zip(batch.cases, batch.chosen, greedy, strict=True)
    )
    cost = batch.worth(decisions)
    if cost >= greedy_cost:
        cost, decisions = greedy_cost, tuple(greedy)
    bound = min(bound, cost)
    return Plan(decisions, cost, greedy_cost, bound, proven=bound == cost)


class _Batch:
    """The cases, the way that each has at present, and what they leave together."""

    def __init__(self, ground: Ground, situation: Situation, seconds: float, seed: int) -> None:
        self.ground = ground
        self.situation = situation
        self.seconds = seconds
        self.seed = seed
        self.deadline = 0.0
        self.cases: list[Case] = []
        self.chosen: list[Way] = []
        self.left = Left(ground.network, ground.rules, situation)
        self._renewed: set[int] = set()
        self._holders: dict[tuple[str, int], dict[int, None]] = {}
        """By SKU (empty for a place in the day's work) and site: who has it."""

    @property
    def remaining(self) -> float:
        return self.deadline - time.monotonic()

    def prepare(self, jobs: Sequence[Job]) -> list[Decision]:
        """Decides greedily, and lists each job's ways in the untouched situation."""
        ground, trial = self.ground, self.situation.copy()
        moving = any(weight.rating in _MOVING for weight in ground.rules.ratings)
        decisions: list[Decision] = []
        for number, job in enumerate(jobs):
            view = look(ground.network, ground.rules, job, trial, ground.now)
            decision = decide(ground.network, ground.rules, job, view, ground.now)
            trial.take(decision)
            decisions.append(decision)
            own = self._own(job, view, moving=moving)
            one = Enumerator(ground, job, view.survey, own)
            ways, bound = one.find(self.left)
            greedy = _listed_as(decision, ways, ground.network) or one.of(decision)
            if greedy not in ways:
                ways = _merged(ways, (greedy,))
            self.cases.append(Case(number, job, one.asked, ways, greedy, min(bound, greedy.cost), own))
        self.chosen = [case.greedy for case in self.cases]
        return decisions

    def _own(self, job: Job, view: View, *, moving: bool) -> Ints | None:
        """What the rules' own order makes of a parcel, by site: the order as all units are free. Where it moves with what is
        taken, those that are not out of it yet stand in their places as greedy has them.
        """
        ground = self.ground
        if not ground.objective.own_order:
            return None
        order = look(ground.network, ground.rules, job, self.situation, ground.now).order
        if moving:
            order = order.copy()
            order[view.able[order]] = view.order[np.isin(view.order, order)]
        return behind(ground.network, order, ground.objective)

    def worth(self, decisions: Sequence[Decision]) -> int:
        """What these decisions, one for each case, are in the objective's minor units."""
        total = 0
        for case, decision in zip(self.cases, decisions, strict=True):
            total += worth(case.job, decision, self.ground.objective)
            if case.own is not None:
                total += sum(int(case.own[self.ground.network.position[parcel.site]]) for parcel in decision.parcels)
        return total

    def search(self) -> int:
        """Improves what is chosen; the bound that it found on the way."""
        self.deadline = time.monotonic() + self.seconds
        bound = sum(case.bound for case in self.cases)
        for case in self.cases:
            self.left.take(case.greedy)
        self._begin()
        if self._cost() == bound:
            return bound
        if len(self.cases) * len(self.ground.network.sites) > _SMALL:
            self._settle(list(range(len(self.cases))))
            return bound
        return sum(self._solve(group) for group in self._groups())

    def _cost(self) -> int:
        return sum(way.cost for way in self.chosen)

    # Two beginnings, each swept: greedy, and choosing in the order of who loses most by not having the cheapest way.

    def _begin(self) -> None:
        numbers = list(range(len(self.cases)))
        self._sweep(numbers)
        ours, ours_cost = list(self.chosen), self._cost()
        for number in numbers:
            self.left.give_back(self.chosen[number])
        # The first in this order lose most if they do not get their cheapest way.
        order = sorted(numbers, key=lambda n: (-self._regret(self.cases[n]), n))
        for number in order:
            case = self.cases[number]
            way = next(way for way in case.ways if self.left.fits(way))
            if not way.parts and len(case.ways) > 1:
                # All that was listed is gone: what else is there?
                more, _ = self._enumerator(number).find(self.left)
                case.ways = _merged(case.ways, more)
                way = more[0]
            self._set(number, way)
        self._sweep(numbers)
        if self._cost() >= ours_cost:
            for number in numbers:
                self._set(number, None)
            for number in numbers:
                self._set(number, ours[number])

    @staticmethod
    def _regret(case: Case) -> int:
        return case.ways[min(1, len(case.ways) - 1)].cost - case.ways[0].cost

    def _set(self, number: int, way: Way | None) -> None:
        """Gives back what a case has, or (after that) takes a way for it."""
        if way is None:
            self.left.give_back(self.chosen[number])
        else:
            self.chosen[number] = way
            self.left.take(way)

    def _sweep(self, numbers: Sequence[int]) -> None:
        """Each in turn, who could save most first, takes a cheaper way where one has become free."""
        for _ in range(_SWEEPS):
            moved = False
            wanting = [n for n in numbers if self.chosen[n].cost > self.cases[n].ways[0].cost]
            for number in sorted(wanting, key=lambda n: (self.cases[n].ways[0].cost - self.chosen[n].cost, n)):
                case, now = self.cases[number], self.chosen[number]
                self.left.give_back(now)
                better = next((way for way in case.ways if way.cost < now.cost and self.left.fits(way)), now)
                self.chosen[number] = better
                self.left.take(better)
                moved = moved or better is not now
            if not moved or self.remaining < 0:
                return

    # A small batch: groups of jobs that may get into each other's way, each of them exactly.

    def _groups(self) -> list[list[int]]:
        """The cases in groups that share nothing that could run out."""
        root = Left(self.ground.network, self.ground.rules, self.situation)
        able = [self._enumerator(n).quote.able & (root.places >= 1) & root.rows(c.asked).any(axis=0) for n, c in self._pairs()]
        parcels = np.sum(able, axis=0) if able else np.zeros(0)
        users: dict[tuple[str, int], list[int]] = {}
        for site in np.flatnonzero(parcels > root.places).tolist():
            users["", site] = [n for n, sites in enumerate(able) if sites[site]]
        wanted: dict[str, np.ndarray] = {}
        for number, case in self._pairs():
            for sku, units in case.asked.items():
                most = np.where(able[number], np.minimum(units, root.row(sku)), 0)
                wanted[sku] = wanted.get(sku, 0) + most
        for number, case in self._pairs():
            for sku in case.asked:
                row = root.row(sku)
                for site in np.flatnonzero(able[number] & (row > 0) & (wanted[sku] > row)).tolist():
                    users.setdefault((sku, site), []).append(number)
        return _joined(len(self.cases), list(users.values()))

    def _pairs(self) -> list[tuple[int, Case]]:
        return list(enumerate(self.cases))

    def _enumerator(self, number: int) -> Enumerator:
        ground, case = self.ground, self.cases[number]
        return Enumerator(ground, case.job, survey(ground.network, ground.rules, case.job, ground.now), case.own)

    def _solve(self, group: list[int]) -> int:
        """Solves a group, and gives its bound."""
        bound = sum(self.cases[n].bound for n in group)
        if sum(self.chosen[n].cost for n in group) == bound:
            return bound
        them = [self._enumerator(n) for n in group]
        for n in group:
            self._set(n, None)
        current = [self.chosen[n] for n in group]
        size = sum(int(one.quote.able.sum()) * len(one.job.needs) for one in them)
        answer: Answer | None = None
        if size <= _EXACT and self.remaining > 0:
            answer = exactly(
                them,
                current,
                self.left,
                seconds=self.remaining,
                effort=_EFFORT,
                seed=self.seed,
            )
        better = answer is not None and answer.ways is not None and _sum(answer.ways) < _sum(current)
        ways = answer.ways if answer is not None and answer.ways is not None and better else current
        for n, way in zip(group, ways, strict=True):
            self._set(n, way)
        if answer is None or answer.bound is None:
            self._settle(group)
            return bound
        if not answer.optimal:
            self._settle(group)
        return max(bound, answer.bound)

    # A large batch: those who would gain, and those who are in their way, choose anew together.

    def _settle(self, numbers: Sequence[int]) -> None:
        improved = True
        while improved and self.remaining > 0:
            improved = False
            tried: set[int] = set()
            wanting = sorted(
                (n for n in numbers if self.chosen[n].cost > self.cases[n].bound),
                key=lambda n: (self.cases[n].bound - self.chosen[n].cost, n),
            )
            self._hold(numbers)
            while self.remaining > 0:
                seeds = [n for n in wanting if n not in tried and self.chosen[n].cost > self.cases[n].bound]
                if not seeds:
                    break
                group = self._grown(seeds)
                tried.update(group)
                improved = self._choose_anew(group) or improved

    def _hold(self, numbers: Sequence[int]) -> None:
        """Notes who uses what, at present."""
        self._holders.clear()
        for number in numbers:
            for key in _used(self.chosen[number]):
                self._holders.setdefault(key, {})[number] = None

    def _hand_over(self, number: int, before: Way) -> None:
        for key in _used(before):
            self._holders.get(key, {}).pop(number, None)
        for key in _used(self.chosen[number]):
            self._holders.setdefault(key, {})[number] = None

    def _grown(self, seeds: list[int]) -> list[int]:
        """From those who would gain, to those who hold what they want, and so on."""
        found: dict[int, None] = {}
        for seed in seeds:
            queue = [seed]
            for number in queue:
                if number in found:
                    continue
                found[number] = None
                if len(found) >= _GROUP:
                    return sorted(found)
                now = self.chosen[number].cost
                for way in self.cases[number].ways:
                    if way.cost >= now and number == seed:
                        break
                    queue += self._in_the_way(way)[: _GROUP // 4]
        return sorted(found)

    def _in_the_way(self, way: Way) -> list[int]:
        found: list[int] = []
        for site, _ in way.parts:
            if self.left.places[site] < 1:
                found += self._holders.get(("", site), ())
        for sku, site, units in way.uses:
            if self.left.row(sku)[site] < units:
                found += self._holders.get((sku, site), ())
        # Who would lose least by leaving is asked first.
        return sorted(found, key=lambda n: (self._regret(self.cases[n]), n))

    def _choose_anew(self, group: list[int]) -> bool:
        current = [self.chosen[n] for n in group]
        for n in group:
            self._set(n, None)
        listed = [self._listed(n) for n in group]
        answer = choose_among(listed, current, self.left, seconds=self.remaining, effort=_EFFORT / 10, seed=self.seed)
        better = answer.ways is not None and _sum(answer.ways) < _sum(current)
        ways = answer.ways if answer.ways is not None and better else current
        for n, way, before in zip(group, ways, current, strict=True):
            self._set(n, way)
            if way is not before:
                self._hand_over(n, before)
        return better

    def _listed(self, number: int) -> list[Way]:
        """Its ways, the present one, and those that are good now that much is gone."""
        case, now = self.cases[number], self.chosen[number]
        fitting = [way for way in case.ways if self.left.fits(way)]
        if len(fitting) < _FEW and number not in self._renewed:
            self._renewed.add(number)
            more, _ = self._enumerator(number).find(self.left, splits=True)
            case.ways = _merged(case.ways, more)
            fitting = _merged(fitting, more)
        return fitting if now in fitting else [*fitting, now]


def _listed_as(decision: Decision, ways: Sequence[Way], network: Network) -> Way | None:
    """The way of a decision that sends everything from one site, if it is one of these."""
    if len(decision.parcels) != 1 or decision.lacking:
        return None
    site, picks = network.position[decision.parcels[0].site], len(decision.parcels[0].picks)
    return next(
        (way for way in ways if len(way.parts) == 1 and way.parts[0][0] == site and len(way.parts[0][1]) == picks), None
    )


def _used(way: Way) -> list[tuple[str, int]]:
    return [*(("", site) for site, _ in way.parts), *((sku, site) for sku, site, _ in way.uses)]


def _merged(ways: Sequence[Way], more: Sequence[Way]) -> list[Way]:
    return sorted({*ways, *more}, key=lambda way: (way.cost, way.parts))


def _sum(ways: Sequence[Way]) -> int:
    return sum(way.cost for way in ways)


def _joined(count: int, shared: Sequence[Sequence[int]]) -> list[list[int]]:
    """Numbers 0 to `count` in groups: those who share something are together."""
    parent = list(range(count))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for users in shared:
        for user in users[1:]:
            parent[root(user)] = root(users[0])
    groups: dict[int, list[int]] = {}
    for number in range(count):
        groups.setdefault(root(number), []).append(number)
    return list(groups.values())
