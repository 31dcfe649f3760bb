"""The batch of routing as a mixed-integer programme for HiGHS: an exact reference, which shares nothing with the optimiser.

Variables: units of each line from each site, whether the line is picked there, and for each parcel one of the steps of its
price by weight. A step's price is that of the parcel that would be sent (`choosing.parcel`), asked for at its heaviest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import highspy

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.routing.contracts import Job, Need, Objective, Rules
from comptoir.modules.routing.domain.choosing import parcel
from comptoir.modules.routing.domain.network import OPEN, Network, survey


class Best(NamedTuple):
    cost: int
    lacking: int
    """Units that are not sent."""


def optimum(
    network: Network,
    rules: Rules,
    jobs: Sequence[Job],
    stock: Mapping[Spot, int],
    load: Mapping[LocationId, int],
    now: datetime,
    objective: Objective,
    *,
    seconds: float = 120,
) -> Best:
    """The best of all answers; raises ValueError when HiGHS cannot prove it in time."""
    solver = highspy.Highs()
    for name, value in (
        ("output_flag", False),
        ("mip_rel_gap", 0.0),
        ("mip_abs_gap", 0.5),
        ("time_limit", seconds),
        ("threads", 1),
    ):
        solver.setOptionValue(name, value)
    spots: dict[Spot, list[Any]] = defaultdict(list)
    places: dict[LocationId, list[Any]] = defaultdict(list)
    wanted = sum(_add(solver, network, rules, job, stock, now, objective, spots, places) for job in jobs)
    for (sku, at), variables in spots.items():
        solver.addConstr(solver.qsum(variables) <= _sendable(network, rules, stock, (sku, at)))
    for site in network.sites:
        if rules.respect_capacity and site.capacity is not None and places[site.id]:
            solver.addConstr(solver.qsum(places[site.id]) <= max(0, site.capacity - load.get(site.id, 0)))
    solver.minimize()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        msg = f"HiGHS ended as {solver.getModelStatus()}"
        raise ValueError(msg)
    sent = round(sum(solver.vals([one for variables in spots.values() for one in variables])))
    return Best(objective.lacking_unit * wanted + round(solver.getObjectiveValue()), wanted - sent)


def _sendable(network: Network, rules: Rules, stock: Mapping[Spot, int], spot: Spot) -> int:
    kept = rules.safety if network.sites[network.position[spot[1]]].kind is LocationKind.STORE else 0
    return max(0, stock.get(spot, 0) - kept)


def _add(
    solver: Any,
    network: Network,
    rules: Rules,
    job: Job,
    stock: Mapping[Spot, int],
    now: datetime,
    objective: Objective,
    spots: dict[Spot, list[Any]],
    places: dict[LocationId, list[Any]],
) -> int:
    """One job; gives the units that it wants."""
    fences = survey(network, rules, job, now).fences
    parcels: list[Any] = []
    sent: dict[int, list[Any]] = defaultdict(list)
    split = solver.addBinary()
    for position, site in enumerate(network.sites):
        if fences[position] != OPEN:
            continue
        here: list[tuple[Need, Any, Any]] = []
        for line, need in enumerate(job.needs):
            most = min(need.quantity, _sendable(network, rules, stock, (need.sku, site.id)))
            if most:
                units = solver.addIntegral(lb=0, ub=most, obj=-objective.lacking_unit)
                picked = solver.addBinary(obj=site.pick_cost)
                solver.addConstr(units <= most * picked)
                here.append((need, units, picked))
                sent[line].append(units)
                spots[need.sku, site.id].append(units)
        if not here:
            continue
        begun = solver.addBinary(obj=site.pack_cost)
        parcels.append(begun)
        places[site.id].append(begun)
        for _, _, picked in here:
            solver.addConstr(picked <= begun)
        _price(solver, network, job, position, now, objective, begun, here)
        value = solver.qsum([need.value * units for need, units, _ in here])
        if site.kind is LocationKind.STORE and job.service is not Service.PICKUP:
            solver.addConstr(value >= rules.minimum_pick * begun)
        if rules.splitting.least_value:
            solver.addConstr(value >= rules.splitting.least_value * (begun + split - 1))
    if parcels:
        most = 1 if job.service is Service.PICKUP else max(1, rules.splitting.parcels)
        solver.addConstr(solver.qsum(parcels) <= 1 + (most - 1) * split)
    for line, variables in sent.items():
        solver.addConstr(solver.qsum(variables) <= job.needs[line].quantity)
    return sum(need.quantity for need in job.needs)


def _price(
    solver: Any,
    network: Network,
    job: Job,
    position: int,
    now: datetime,
    objective: Objective,
    begun: Any,
    here: Sequence[tuple[Need, Any, Any]],
) -> None:
    heaviest = sum(need.weight * need.quantity for need, _, _ in here)
    edges = {0, heaviest} | set(range(1000, heaviest, 1000))
    for tariff in network.tariffs:
        edges |= set(range(tariff.service.max_weight, heaviest, tariff.service.max_weight))
    steps: list[Any] = []
    low = 0
    grams = solver.qsum([need.weight * units for need, units, _ in here])
    most, least = [], []
    for edge in sorted(edges):
        step = solver.addBinary(obj=_asked(network, job, position, edge, now, objective))
        steps.append(step)
        most.append(edge * step)
        least.append(low * step)
        low = edge + 1
    solver.addConstr(solver.qsum(steps) == begun)
    solver.addConstr(grams <= solver.qsum(most))
    solver.addConstr(grams >= solver.qsum(least))


def _asked(network: Network, job: Job, position: int, grams: int, now: datetime, objective: Objective) -> int:
    """For a parcel of so many grams, beside packing and picking."""
    content = replace(job.needs[0], quantity=1, weight=grams)
    one = parcel(network, job, position, [(content, 1)], now)
    late = 0 if job.needed_by is None else max(0, (one.arrives_on - job.needed_by).days)
    site = network.sites[position]
    return (
        one.cost - site.pack_cost - site.pick_cost + objective.late_day * late + round(objective.carbon_kg * one.carbon / 1000)
    )
