"""The batch optimiser: how near it is to the best, how long it takes, and what it saves in the demo's busiest week."""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bench.figures import Figure
from bench.groups.capture import capture_rate
from bench.routing_instances import NOW, instances
from bench.routing_mip import optimum
from bench.routing_week import GROUND, Week, busiest
from bench.stage import postgres
from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.routing.contracts import Decision, Job, Need, Objective, Rating, Rules, Site, Weight
from comptoir.modules.routing.domain.choosing import choose
from comptoir.modules.routing.domain.network import Network
from comptoir.modules.routing.domain.optimising import improve
from comptoir.modules.routing.domain.stock import Situation

INSTANCES = 200
ORDERS, LOCATIONS, WAREHOUSES, SKUS = 10_000, 457, 3, 10_000
SEARCH = 0.5
"""Seconds that the optimiser may search in the batch, after greedy and listing the ways."""
DAY = 5.0
"""The same, for a day of the demo."""
NEAREST = Rules(ratings=(Weight(Rating.DISTANCE),), kinds=(LocationKind.STORE,))


def measure() -> list[Figure]:
    return [_optimum(), _batch(), *_week()]


def _optimum() -> Figure:
    """What must lack even in the best answer is left out on both sides: it would make all ratios look like 1."""
    ratios: list[float] = []
    greedy: list[float] = []
    for one in instances(INSTANCES):
        best = optimum(one.network, one.rules, one.jobs, one.stock, one.load, NOW, one.objective)
        situation = Situation(one.network, one.stock, one.load)
        plan = improve(one.network, one.rules, one.jobs, situation, NOW, objective=one.objective)
        unsent = best.lacking * one.objective.lacking_unit
        if best.cost > unsent:
            ratios.append((plan.cost - unsent) / (best.cost - unsent))
            greedy.append((plan.greedy_cost - unsent) / (best.cost - unsent))
        else:
            assert plan.cost == best.cost, "where nothing can be sent"
    best_found = sum(ratio == 1 for ratio in ratios)
    beside = (
        f"mean {sum(ratios) / len(ratios):.6f}, worst {max(ratios):.4f}; the optimum itself in {best_found} of {len(ratios)}; "
        f"greedy {statistics.median(greedy):.3f} (median)"
    )
    return Figure("routing_optimum", sum(ratios) / len(ratios), beside)


def _batch() -> Figure:
    """Two lines for an order on average, as capture has; a store has few of a SKU, a warehouse not everything."""
    network, jobs, stock = _large()
    situation = Situation(network, stock)
    begun = time.perf_counter()
    plan = improve(network, Rules(), jobs, situation, NOW, objective=Objective(), seconds=SEARCH)
    seconds = time.perf_counter() - begun
    with postgres() as server:
        per_second = capture_rate(server)
    beside = (
        f"{seconds:.1f} s ({ORDERS / seconds:.0f} orders/s) ÷ {ORDERS / per_second:.1f} s ({per_second:.0f} orders/s); "
        f"cost {plan.cost / plan.greedy_cost:.3f} of greedy, bound {(plan.bound or 0) / plan.greedy_cost:.3f}"
    )
    return Figure("routing_batch", seconds * per_second / ORDERS, beside)


def _large() -> tuple[Network, list[Job], dict[Spot, int]]:
    chance = random.Random(1)

    def point() -> tuple[float, float]:
        return chance.uniform(37, 44), chance.uniform(-88, -78)

    sites: list[Site] = []
    for n in range(LOCATIONS):
        latitude, longitude = point()
        warehouse = n < WAREHOUSES
        site = Site(
            id=LocationId(UUID(int=n + 1)),
            code=f"L{n:03}",
            name=f"Location {n}",
            kind=LocationKind.WAREHOUSE if warehouse else LocationKind.STORE,
            country="US",
            time_zone="America/New_York",
            latitude=latitude,
            longitude=longitude,
            priority=0 if warehouse else 1,
            capacity=None if warehouse else 60,
            pack_cost=60 if warehouse else 110,
            pick_cost=15 if warehouse else 35,
        )
        sites.append(site)
    stock: dict[Spot, int] = {}
    for n in range(SKUS):
        for site in chance.sample(sites[WAREHOUSES:], 45):
            stock[f"SKU{n}", site.id] = chance.randint(1, 2)
        for site in sites[:WAREHOUSES]:
            stock[f"SKU{n}", site.id] = chance.choice((0, 1, 2, 3, 4, 5))
    jobs: list[Job] = []
    for n in range(ORDERS):
        lines = chance.choice((1, 2, 2, 3))
        needs = tuple(
            Need(line, f"SKU{chance.randrange(SKUS)}", 1 + (chance.random() < 0.2), chance.randint(100, 3_000), 1_000)
            for line in range(1, lines + 1)
        )
        job = Job(id=UUID(int=n + 1), needs=needs, country="US", destination=point(), placed_at=NOW)
        jobs.append(job)
    return Network(sites, (GROUND,)), jobs, stock


@dataclass(slots=True)
class _Sum:
    """What a week was under one policy."""

    cost: int = 0
    """Of parcels, and of days that they come late."""
    bound: int = 0
    lacking: int = 0
    parcels: int = 0


def _week() -> list[Figure]:
    week = busiest()
    ours, greedy, nearest = _routed(week, Rules(), together=True), _routed(week, Rules()), _routed(week, NEAREST)
    assert ours.lacking <= min(greedy.lacking, nearest.lacking), "what is not sent costs nothing"
    of = f"week {week.number}, {week.jobs} orders: ${ours.cost / 100:,.0f} ÷ "
    beside = f"${greedy.cost / 100:,.0f}; no plan is below {ours.bound / greedy.cost:.3f}"
    stores = (
        f"${nearest.cost / 100:,.0f} in {nearest.parcels} parcels, which lack {nearest.lacking} units (ours {ours.lacking})"
    )
    return [
        Figure("routing_greedy", ours.cost / greedy.cost, of + beside),
        Figure("routing_nearest", ours.cost / nearest.cost, of + stores),
    ]


def _routed(week: Week, rules: Rules, *, together: bool = False) -> _Sum:
    """Day by day: each finds the stock that the days before have left, and a new day's work."""
    stock, total, objective = dict(week.stock), _Sum(), Objective()
    for now, jobs in week.days:
        situation = Situation(week.network, stock)
        if together:
            plan = improve(week.network, rules, jobs, situation, now, objective=objective, seconds=DAY)
            decisions = plan.decisions
            total.bound += plan.bound or 0
        else:
            decisions = _in_order(week.network, rules, jobs, situation, now)
        for job, decision in zip(jobs, decisions, strict=True):
            total.lacking += sum(units for _, units in decision.lacking)
            total.parcels += len(decision.parcels)
            for parcel in decision.parcels:
                late = 0 if job.needed_by is None else max(0, (parcel.arrives_on - job.needed_by).days)
                total.cost += parcel.cost + objective.late_day * late
                for pick in parcel.picks:
                    stock[pick.sku, pick.site] -= pick.quantity
    return total


def _in_order(
    network: Network, rules: Rules, jobs: tuple[Job, ...], situation: Situation, now: datetime
) -> tuple[Decision, ...]:
    decisions: list[Decision] = []
    for job in jobs:
        decisions.append(choose(network, rules, job, situation, now))
        situation.take(decisions[-1])
    return tuple(decisions)
