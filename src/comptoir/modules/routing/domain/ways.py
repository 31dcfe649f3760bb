"""The ways in which one job can be served: single sites and splits, with what they cost and what they use up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, islice, product

import numpy as np

from comptoir.modules.routing.contracts import Decision, Job, Rules
from comptoir.modules.routing.domain.choosing import parcel
from comptoir.modules.routing.domain.network import Flags, Floats, Ints, Network, Positions, Survey
from comptoir.modules.routing.domain.quoting import Ground, Quote
from comptoir.modules.routing.domain.stock import Situation

_SINGLES = 8
"""So many of the cheapest sites that have everything are kept as ways of a job."""
_AMONG = 12
"""Splits are sought among so many sites."""
_BEST_FOR_A_LINE = 3
_LARGEST = 3
"""Parcels of a split that is enumerated; more only where greedy or the exact model make them."""
_EVALUATED = 8
"""So many sets of sites are shared out and priced exactly."""
_ASSIGNMENTS = 9
"""Of lines to the sites of one set."""
_KEPT = 16

Part = tuple[int, tuple[tuple[int, int], ...]]
"""A site, and (position of the need, units) that it sends."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to serve a job: what each site sends, and what it is in the objective's minor units."""

    cost: int
    parts: tuple[Part, ...]
    uses: tuple[tuple[str, int, int], ...]
    """(SKU, site, units)."""


class Left:
    """What is left at each site: units of each SKU that may be sent (above the rules' safety), and orders of the day."""

    def __init__(self, network: Network, rules: Rules, situation: Situation) -> None:
        self._network = network
        self._rules = rules
        self._situation = situation
        self._rows: dict[str, Ints] = {}
        free = network.capacity - situation.load if rules.respect_capacity else np.full(len(network.sites), np.inf)
        self.places: Floats = np.floor(np.maximum(0.0, free))

    def row(self, sku: str) -> Ints:
        """Units at each site; not to be written to."""
        row = self._rows.get(sku)
        if row is None:
            row = self._situation.of(sku).copy()
            if self._rules.safety:
                row -= np.where(self._network.stores, self._rules.safety, 0)
            np.maximum(row, 0, out=row)
            self._rows[sku] = row
        return row

    def rows(self, skus: Collection[str]) -> Ints:
        return np.array([self.row(sku) for sku in skus], dtype=np.int64).reshape(len(skus), len(self.places))

    def fits(self, way: Way) -> bool:
        return all(self.places[site] >= 1 for site, _ in way.parts) and all(
            self.row(sku)[site] >= units for sku, site, units in way.uses
        )

    def take(self, way: Way) -> None:
        self._change(way, -1)

    def give_back(self, way: Way) -> None:
        self._change(way, 1)

    def _change(self, way: Way, sign: int) -> None:
        for site, _ in way.parts:
            self.places[site] += sign
        for sku, site, units in way.uses:
            self.row(sku)[site] += sign * units


@dataclass(slots=True, eq=False)
class Case:
    """A job in the batch: its ways, the cheapest first, and a cost below which no way of it can be.

    Sending nothing is always among the ways.
    """

    number: int
    job: Job
    asked: dict[str, int]
    ways: list[Way]
    greedy: Way
    bound: int
    own: Ints | None = None
    """What the rules' own order makes of a parcel, by site."""


class Enumerator:
    """Finds the ways of one job among the units and places that are left."""

    def __init__(self, ground: Ground, job: Job, found: Survey, own: Ints | None = None) -> None:
        self.ground = ground
        self.job = job
        self.quote = Quote(ground, job, found, own)
        self.asked: dict[str, int] = {}
        for need in job.needs:
            self.asked[need.sku] = self.asked.get(need.sku, 0) + need.quantity
        self._row = {sku: row for row, sku in enumerate(self.asked)}
        self._units = np.array([[units] for units in self.asked.values()], dtype=np.int64).reshape(len(self.asked), 1)
        self.minimum_pick = 0 if self.quote.pickup else ground.rules.minimum_pick
        self.most = 1 if self.quote.pickup else max(1, ground.rules.splitting.parcels)
        self._value = sum(need.value * need.quantity for need in job.needs)
        self._apart = len(self.asked) == len(job.needs)
        self._wanted = sum(need.quantity for need in job.needs)
        self._weight = sum(need.weight * need.quantity for need in job.needs)

    @property
    def nothing(self) -> Way:
        """Nobody sends anything."""
        return Way(self.ground.objective.lacking * self._wanted, (), ())

    def way(self, parts: Sequence[Part]) -> Way:
        """With its cost."""
        ground, needs = self.ground, self.job.needs
        cost, sent = 0, 0
        uses: dict[tuple[str, int], int] = {}
        for site, content in parts:
            weight = 0
            for i, units in content:
                need = needs[i]
                weight += need.weight * units
                sent += units
                uses[need.sku, site] = uses.get((need.sku, site), 0) + units
            cost += self.quote.begun(site) + ground.pick[site] * len(content) + self.quote.price(site, weight)
        cost += ground.objective.lacking * (self._wanted - sent)
        return Way(cost, tuple(parts), tuple((sku, site, units) for (sku, site), units in uses.items()))

    def of(self, decision: Decision) -> Way:
        """A decision as a way."""
        parts: list[Part] = []
        for one in decision.parcels:
            # Picks are in the order of the needs; several needs may be of one line.
            needs = enumerate(self.job.needs)
            content = tuple(
                (next(i for i, need in needs if (need.line_no, need.sku) == (pick.line_no, pick.sku)), pick.quantity)
                for pick in one.picks
            )
            parts.append((self.ground.network.position[one.site], content))
        return self.way(parts)

    def find(self, left: Left, *, splits: bool = False) -> tuple[list[Way], int]:
        """The good ways, the cheapest first and sending nothing last, and a cost below which there is none.

        Splits are looked for where they might be cheaper than the best single site, or when they are asked for.
        """
        able = self.quote.able & (left.places >= 1)
        have = left.rows(self.asked)
        nothing = self.nothing
        ways = self._singles(able & np.all(have >= self._units, axis=0)) if self.asked else []
        best = ways[0].cost if ways else None
        if best is not None and best <= min(self._least_split(), self.ground.objective.lacking):
            bound = best
        else:
            able &= have.any(axis=0)
            bound = self._bound(able, have, best) if able.any() else nothing.cost
        if splits or best is None or bound < best:
            able &= have.any(axis=0)
            if able.any():
                ways = sorted({*ways, *self._splits(able, have, _EVALUATED * (3 if splits else 1))}, key=_by_cost)[:_KEPT]
        ways = [way for way in ways if way.cost < nothing.cost]
        return [*ways, nothing], min(bound, nothing.cost)

    def _least_split(self) -> int:
        """Below what two parcels with everything can be, from wherever."""
        each, per_kg = self.quote.least_begun()
        return 2 * each + len(self.job.needs) * self.ground.least_pick + per_kg * -(-self._weight // 1000)

    def _singles(self, whole: Flags) -> list[Way]:
        if self.minimum_pick > self._value:
            whole = whole & ~self.ground.network.stores
        sites = np.flatnonzero(whole)
        if len(sites) > _SINGLES:
            # By cost, then by position: as a stable sort of them all would give.
            edge = np.partition(self.quote.total[sites], _SINGLES - 1)[_SINGLES - 1]
            sites = sites[self.quote.total[sites] <= edge]
        sites = sites[np.argsort(self.quote.total[sites], kind="stable")][:_SINGLES]
        content = tuple((i, need.quantity) for i, need in enumerate(self.job.needs))
        return [
            Way(int(self.quote.total[site]), ((site, content),), tuple((sku, site, n) for sku, n in self.asked.items()))
            for site in sites.tolist()
        ]

    def _bound(self, able: Flags, have: Ints, single: int | None) -> int:
        """Of every way: a single site with everything is exact; what sends less, or from several, costs at least this."""
        lacking = self.ground.objective.lacking
        cheapest = self.quote.cheapest()
        fixed = np.sort(cheapest.fixed[able])
        pick, rate = self.ground.network.pick_cost[able], cheapest.per_kg[able]
        there = have[:, able]
        most = there.sum(axis=1)
        content, forced = 0.0, 0
        for sku, units in self.asked.items():
            forced += max(0, units - int(most[self._row[sku]]))
        for need in self.job.needs:
            row = self._row[need.sku]
            got = min(need.quantity, int(most[row]))
            content += lacking * (need.quantity - got)
            if got:
                sent = float((pick + rate * (need.weight * got / 1000))[there[row] > 0].min())
                content += min(lacking * got, sent)
        nothing = lacking * self._wanted
        if forced:
            return min(nothing, int(np.ceil(fixed[0] + content - 1e-6)))
        # Not from one site with everything: from two or more, or less than everything.
        several = fixed[:2].sum() + content if len(fixed) > 1 else np.inf
        other = min(nothing, int(np.ceil(min(several, fixed[0] + lacking) - 1e-6)))
        return other if single is None else min(single, other)

    def _splits(self, able: Flags, have: Ints, evaluated: int) -> Iterable[Way]:
        among = self._promising(able, have)
        stock = {site: have[:, site].tolist() for site in among}
        found: dict[tuple[Part, ...], Way] = {}
        for members in self._sets(among, have, evaluated):
            for parts in self._contents([among[member] for member in members], stock):
                if parts not in found and self._is_allowed(parts):
                    found[parts] = self.way(parts)
        return found.values()

    def _sets(self, among: list[int], have: Ints, count: int) -> list[list[int]]:
        """So many sets of these sites, by their positions among them: the most promising first, smaller before larger ones."""
        cheapest = self.quote.cheapest()
        fixed = cheapest.fixed[among]
        there = have[:, among]
        pick, rate = self.ground.network.pick_cost[among], cheapest.per_kg[among]
        lines = np.array(
            [
                np.where(there[self._row[need.sku]] > 0, pick + rate * (need.weight * need.quantity / 1000), np.inf)
                for need in self.job.needs
            ]
        )
        found: list[list[int]] = []
        ratings: list[Floats] = []
        most = min(self.most, _LARGEST, len(among))
        for size in range(1, most + 1):
            sets = _combinations(len(among), size)
            lacking = np.maximum(self._units - there[:, sets].sum(axis=2), 0).sum(axis=0)
            each = lines[:, sets].min(axis=2)
            rating = fixed[sets].sum(axis=1) + each.sum(axis=0, where=np.isfinite(each))
            rating += self.ground.objective.lacking * lacking
            best = np.argsort(rating, kind="stable")[:count]
            found += sets[best].tolist()
            ratings.append(rating[best])
        return [found[i] for i in np.argsort(np.concatenate(ratings), kind="stable")[:count].tolist()] if found else []

    def _promising(self, able: Flags, have: Ints) -> list[int]:
        """The cheapest of those who cover most, then by turns what is best for each SKU: cheap and enough, and much."""
        total = self.quote.total
        some = np.flatnonzero(able)
        there, cost = have[:, some], total[some]
        covered = np.minimum(there, self._units).sum(axis=0)
        found = dict.fromkeys(some[np.lexsort((cost, -covered))[:2]].tolist())
        best = [
            some[np.lexsort((cost, -np.minimum(row, asked)))[: min(_BEST_FOR_A_LINE, int((row > 0).sum()))]].tolist()
            for row, asked in zip(there, self._units[:, 0].tolist(), strict=True)
        ]
        cheap = [some[np.argsort(np.where(row > 0, cost, np.inf), kind="stable")[:1]].tolist() for row in there]
        for nth in range(_BEST_FOR_A_LINE):
            found |= dict.fromkeys(sites[nth] for sites in best if len(sites) > nth)
        found |= dict.fromkeys(site for sites, row in zip(cheap, there, strict=True) if row.any() for site in sites)
        return sorted(list(found)[:_AMONG])

    def _contents(self, sites: Sequence[int], stock: dict[int, list[int]]) -> Iterable[tuple[Part, ...]]:
        """Ways to share the lines out among these sites: each line has one that gives first, the others give what it lacks."""
        choices: list[list[int]] = []
        for need in self.job.needs:
            row = self._row[need.sku]
            whole = [site for site in sites if stock[site][row] >= need.quantity]
            some = whole or [site for site in sites if stock[site][row]] or [sites[0]]
            choices.append(sorted(some, key=lambda site: (self.quote.total[site], site)))
        for first in islice(product(*choices), _ASSIGNMENTS):
            parts = self._shared(sites, first, stock)
            if len(parts) == len(sites):
                yield parts

    def _shared(self, sites: Sequence[int], first: Sequence[int], stock: dict[int, list[int]]) -> tuple[Part, ...]:
        content: dict[int, list[tuple[int, int]]] = {site: [] for site in sites}
        rows = [self._row[need.sku] for need in self.job.needs]
        if self._apart and all(
            stock[site][row] >= need.quantity for need, row, site in zip(self.job.needs, rows, first, strict=True)
        ):
            for i, site in enumerate(first):
                content[site].append((i, self.job.needs[i].quantity))
            return tuple((site, tuple(content[site])) for site in sites if content[site])
        left = {site: list(stock[site]) for site in sites}
        for i, (need, preferred) in enumerate(zip(self.job.needs, first, strict=True)):
            row, missing = self._row[need.sku], need.quantity
            for site in (preferred, *(site for site in sites if site != preferred)):
                taken = min(missing, left[site][row])
                if taken > 0:
                    left[site][row] -= taken
                    missing -= taken
                    content[site].append((i, taken))
        return tuple((site, tuple(content[site])) for site in sites if content[site])

    def _is_allowed(self, parts: tuple[Part, ...]) -> bool:
        least = self.ground.rules.splitting.least_value if len(parts) > 1 else 0
        if not least and not self.minimum_pick:
            return True
        for site, content in parts:
            value = sum(self.job.needs[i].value * units for i, units in content)
            if value < least or (self.ground.is_store[site] and value < self.minimum_pick):
                return False
        return True


def _by_cost(way: Way) -> tuple[int, tuple[Part, ...]]:
    return way.cost, way.parts


def decided(ground: Ground, job: Job, way: Way) -> Decision:
    """A way as a decision, with its parcels."""
    parcels = tuple(
        parcel(ground.network, job, site, [(job.needs[i], units) for i, units in content], ground.now)
        for site, content in way.parts
    )
    sent: dict[int, int] = {}
    for _, content in way.parts:
        for i, units in content:
            sent[i] = sent.get(i, 0) + units
    lacking: dict[int, int] = {}
    for i, need in enumerate(job.needs):
        lacking[need.line_no] = lacking.get(need.line_no, 0) + need.quantity - sent.get(i, 0)
    return Decision(job.id, parcels, tuple((line, units) for line, units in lacking.items() if units))


@lru_cache(maxsize=64)
def _combinations(n: int, size: int) -> Positions:
    """All sets of so many of n, a row for each."""
    return np.array(list(combinations(range(n), size)), dtype=np.intp).reshape(-1, size)
