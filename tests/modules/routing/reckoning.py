"""What the optimiser's tests hold its answers against: a checker, and every possible answer of tiny batches.

Nothing here calls the optimiser or its parts; costs come from the zones themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.routing.contracts import Decision, Job, Objective, Parcel, Rules, Site
from comptoir.modules.routing.domain.choosing import parcel
from comptoir.modules.routing.domain.network import FENCES, OPEN, Network, survey

Stock = Mapping[Spot, int]
Load = Mapping[LocationId, int]


def price(job: Job, parcels: Sequence[Parcel], lacking: int, objective: Objective) -> int:
    total = objective.lacking_unit * lacking
    for one in parcels:
        total += one.cost + round(objective.carbon_kg * one.carbon / 1000)
        if job.needed_by is not None and one.arrives_on > job.needed_by:
            total += objective.late_day * (one.arrives_on - job.needed_by).days
    return total


def faults(
    network: Network, rules: Rules, jobs: Sequence[Job], stock: Stock, load: Load, now: datetime, decisions: Sequence[Decision]
) -> list[str]:
    """What is wrong with these decisions; nothing for those that may be carried out."""
    found: list[str] = []
    sites = {site.id: site for site in network.sites}
    used: dict[Spot, int] = {}
    parcels: dict[LocationId, int] = {}
    if [decision.job for decision in decisions] != [job.id for job in jobs]:
        return ["not one decision for each job in order"]
    for job, decision in zip(jobs, decisions, strict=True):
        found += [f"{job.id}: {fault}" for fault in _of_job(network, rules, job, now, decision)]
        for one in decision.parcels:
            parcels[one.site] = parcels.get(one.site, 0) + 1
            for pick in one.picks:
                used[pick.sku, pick.site] = used.get((pick.sku, pick.site), 0) + pick.quantity
    for (sku, at), units in used.items():
        if units > _sendable(rules, sites[at], stock.get((sku, at), 0)):
            found.append(f"{units} of {sku} from {sites[at].code}")
    for at, count in parcels.items():
        capacity = sites[at].capacity
        if rules.respect_capacity and capacity is not None and count > max(0, capacity - load.get(at, 0)):
            found.append(f"{count} parcels from {sites[at].code}")
    return found


def _sendable(rules: Rules, site: Site, units: int) -> int:
    return max(0, units - (rules.safety if site.kind is LocationKind.STORE else 0))


def _of_job(network: Network, rules: Rules, job: Job, now: datetime, decision: Decision) -> Iterator[str]:
    sent = dict(decision.lacking)
    if any(units <= 0 for units in sent.values()):
        yield "lacks nothing or less"
    at = [one.site for one in decision.parcels]
    if len(set(at)) != len(at):
        yield "two parcels from one site"
    if len(at) > _most(rules, job):
        yield "too many parcels"
    for one in decision.parcels:
        yield from _of_parcel(network, rules, job, now, one, split=len(at) > 1)
        for pick in one.picks:
            sent[pick.line_no] = sent.get(pick.line_no, 0) + pick.quantity
    if sent != {need.line_no: need.quantity for need in job.needs}:
        yield f"units do not add up: {sent}"


def _of_parcel(network: Network, rules: Rules, job: Job, now: datetime, one: Parcel, *, split: bool) -> Iterator[str]:
    needs = {need.line_no: need for need in job.needs}
    position = network.position[one.site]
    fence = survey(network, rules, job, now).fences[position]
    if fence != OPEN:
        yield f"fenced: {FENCES[fence - 1]}"
    if not one.picks:
        yield "an empty parcel"
    for pick in one.picks:
        if pick.site != one.site or pick.quantity <= 0 or needs[pick.line_no].sku != pick.sku:
            yield f"a wrong pick: {pick}"
    value = _value(job, one)
    if split and value < rules.splitting.least_value:
        yield "a part of little worth"
    if _is_too_little(rules, job, network.sites[position], value):
        yield "less than the minimum pick"
    if one != parcel(network, job, position, [(needs[p.line_no], p.quantity) for p in one.picks], now):
        yield "not the parcel that would be sent"
    if job.service is not Service.PICKUP and one.cost != _by_hand(network, job, position, one):
        yield "a wrong price"


def _by_hand(network: Network, job: Job, position: int, one: Parcel) -> int:
    """The price of its carrier's zone."""
    site = network.sites[position]
    service = next(t.service for t in network.tariffs if t.service.code == one.carrier)
    zone = next(zone for zone in service.zones if one.distance <= zone.up_to_km)
    boxes = max(1, math.ceil(one.weight / service.max_weight))
    return site.pack_cost + site.pick_cost * len(one.picks) + boxes * zone.base + math.ceil(one.weight / 1000) * zone.per_kg


def least(
    network: Network, rules: Rules, jobs: Sequence[Job], stock: Stock, load: Load, now: datetime, objective: Objective
) -> int:
    """The cost of the best of all answers, by trying every one: for a few jobs of a few units at a few sites."""
    sites = [site.id for site in network.sites]
    places = {
        site.id: math.inf
        if site.capacity is None or not rules.respect_capacity
        else max(0, site.capacity - load.get(site.id, 0))
        for site in network.sites
    }
    units = {
        (sku, site.id): _sendable(rules, site, stock.get((sku, site.id), 0))
        for site in network.sites
        for sku in {need.sku for job in jobs for need in job.needs}
    }
    options = [sorted(_answers(network, rules, job, now, objective, sites), key=lambda o: o[0]) for job in jobs]
    floor = [0] * (len(jobs) + 1)
    for n in reversed(range(len(jobs))):
        floor[n] = floor[n + 1] + options[n][0][0]
    best = math.inf

    def go(n: int, cost: int) -> None:
        nonlocal best
        if n == len(jobs):
            best = min(best, cost)
            return
        for price_, uses, at in options[n]:
            if cost + price_ + floor[n + 1] >= best:
                return
            if any(places[site] < 1 for site in at) or any(units[spot] < count for spot, count in uses.items()):
                continue
            for site in at:
                places[site] -= 1
            for spot, count in uses.items():
                units[spot] -= count
            go(n + 1, cost + price_)
            for site in at:
                places[site] += 1
            for spot, count in uses.items():
                units[spot] += count

    go(0, 0)
    return int(best)


def _answers(
    network: Network, rules: Rules, job: Job, now: datetime, objective: Objective, sites: Sequence[LocationId]
) -> Iterator[tuple[int, dict[Spot, int], set[LocationId]]]:
    """Every way to spread the units of a job over the sites, itself allowed: (cost, units used, sites)."""
    fences = survey(network, rules, job, now).fences
    open_ = [site for site in sites if fences[network.position[site]] == OPEN]
    spreads = [_spread(need.quantity, len(open_)) for need in job.needs]
    for counts in product(*spreads):
        parcels: list[Parcel] = []
        uses: dict[Spot, int] = {}
        allowed = True
        for i, site in enumerate(open_):
            content = [(need, row[i]) for need, row in zip(job.needs, counts, strict=True) if row[i]]
            if not content:
                continue
            parcels.append(parcel(network, job, network.position[site], content, now))
            for need, count in content:
                uses[need.sku, site] = uses.get((need.sku, site), 0) + count
            value = sum(need.value * count for need, count in content)
            place = network.sites[network.position[site]]
            allowed = allowed and not _is_too_little(rules, job, place, value)
        if not allowed or len(parcels) > _most(rules, job):
            continue
        if len(parcels) > 1 and any(_value(job, one) < rules.splitting.least_value for one in parcels):
            continue
        lacking = sum(need.quantity - sum(row) for need, row in zip(job.needs, counts, strict=True))
        yield price(job, parcels, lacking, objective), uses, {one.site for one in parcels}


def _most(rules: Rules, job: Job) -> int:
    """A buyer goes to one counter."""
    return 1 if job.service is Service.PICKUP else max(1, rules.splitting.parcels)


def _is_too_little(rules: Rules, job: Job, site: Site, value: int) -> bool:
    return job.service is not Service.PICKUP and site.kind is LocationKind.STORE and value < rules.minimum_pick


def _value(job: Job, one: Parcel) -> int:
    values = {need.line_no: need.value for need in job.needs}
    return sum(values[pick.line_no] * pick.quantity for pick in one.picks)


def _spread(units: int, places: int) -> list[tuple[int, ...]]:
    """Every way to send up to so many units from so many places."""
    if not places:
        return [()]
    return [(here, *rest) for here in range(units + 1) for rest in _spread(units - here, places - 1)]
