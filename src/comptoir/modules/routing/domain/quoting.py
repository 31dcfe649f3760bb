"""What parcels cost to the batch optimiser: as `choosing.parcel` reckons, with what else the objective counts as money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.routing.contracts import FARTHEST_BACK, Decision, Fence, Job, Objective, Parcel, Rules
from comptoir.modules.routing.domain.network import (
    OPEN,
    UNKNOWN_KM,
    Flags,
    Floats,
    Ints,
    Network,
    Positions,
    Survey,
    Table,
    fence_code,
)

_STOPPED_LATER = (Fence.CAPACITY, Fence.STOCK, Fence.MINIMUM_PICK)
"""Fences that follow from stock and load; the others follow from the job alone."""
_NOT_STOPPED = np.zeros(len(Fence) + 1, dtype=np.bool_)
_NOT_STOPPED[[OPEN, *(fence_code(fence) for fence in _STOPPED_LATER)]] = True


def money(parcel: Parcel, job: Job, objective: Objective) -> int:
    """A parcel in the objective's minor units. Carbon rounds once for each parcel, half to even."""
    late = 0 if job.needed_by is None else max(0, (parcel.arrives_on - job.needed_by).days)
    return parcel.cost + objective.late_day * late + round(objective.carbon_kg * parcel.carbon / 1000)


def worth(job: Job, decision: Decision, objective: Objective) -> int:
    """A decision in the objective's minor units, without what the rules' own order is worth: see `behind`."""
    lacking = sum(units for _, units in decision.lacking)
    return sum(money(parcel, job, objective) for parcel in decision.parcels) + objective.lacking * lacking


def behind(network: Network, order: Positions, objective: Objective) -> Ints | None:
    """By site, what the rules' own order, the first one first, makes of a parcel from there; None where it is worth nothing.

    Each parcel counts as much as the last place, and its own place beside that: two from the first places are no better than
    one from the last.
    """
    if not objective.own_order:
        return None
    places = np.full(len(network.sites), FARTHEST_BACK, dtype=np.int64)
    places[order] = np.minimum(np.arange(len(order)), FARTHEST_BACK)
    return objective.own_order * (FARTHEST_BACK + places)


@dataclass(slots=True, eq=False)
class Cheapest:
    """Under each parcel, by site: never more than `fixed` for beginning it and `per_kg` for each kilogram."""

    fixed: Floats
    per_kg: Floats


class Ground:
    """What is the same for all jobs of a batch."""

    def __init__(self, network: Network, rules: Rules, objective: Objective, now: datetime) -> None:
        self.network = network
        self.rules = rules
        self.objective = objective
        self.now = now
        self.pick: list[int] = network.pick_cost.tolist()
        self.pack: list[int] = network.pack_cost.tolist()
        self.is_store: list[bool] = network.stores.tolist()
        self.least_pick = min(self.pick, default=0)
        self.least_pack = min(self.pack, default=0) + FARTHEST_BACK * (objective.own_order or 0)
        self.least_base = [int(tariff.base.min()) for tariff in network.tariffs]
        self.least_per_kg = [int(tariff.per_kg.min()) for tariff in network.tariffs]


class Quote:
    """What parcels of one job cost from each site."""

    def __init__(self, ground: Ground, job: Job, found: Survey, own: Ints | None = None) -> None:
        """`own` is what the rules' own order makes of a parcel, by site: see `behind`."""
        self.ground = ground
        self.job = job
        self.found = found
        self.own = own
        self.pickup = job.service is Service.PICKUP
        self.able: Flags = _NOT_STOPPED[found.fences]
        self.total: Floats = self._total()
        """Of everything in one parcel, by site; infinite for who may not."""
        self._tables: dict[int, Table] = {}

    @cached_property
    def takes(self) -> list[int]:
        """The positions of the carrier services that take the job."""
        return [] if self.pickup else [t for t, tariff in enumerate(self.ground.network.tariffs) if tariff.takes(self.job)]

    def _total(self) -> Floats:
        objective, job, found = self.ground.objective, self.job, self.found
        total = np.where(self.able, found.cost, np.inf)
        if job.needed_by is not None and objective.late_day:
            total += objective.late_day * np.maximum(0.0, found.days - (job.needed_by - job.placed_at.date()).days)
        if objective.carbon_kg:
            total += np.rint(objective.carbon_kg * found.carbon / 1000)
        if self.own is not None:
            total += self.own
        return total

    def begun(self, site: int) -> int:
        """What it takes to begin a parcel there, before anything is picked for it or carried."""
        return self.ground.pack[site] + (0 if self.own is None else int(self.own[site]))

    def _pack(self) -> Floats:
        pack = self.ground.network.pack_cost.astype(np.float64)
        return pack if self.own is None else pack + self.own

    def price(self, site: int, weight: int) -> int:
        """The way of a parcel of so many grams, without packing and picking. The service is the one that `choosing` takes."""
        table = self._tables.get(weight)
        if table is None:
            network = self.ground.network
            table = self.found.table if self.pickup else network.table(self.job, weight, self.ground.now)
            self._tables[weight] = table
        objective, cell = self.ground.objective, self.found.cells[site]
        price = int(table.asked[cell])
        if objective.late_day and self.job.needed_by is not None:
            price += objective.late_day * max(0, int(table.arrives[cell]) - self.job.needed_by.toordinal())
        if objective.carbon_kg and not self.pickup:
            distance = float(self.found.distance[site])
            way = float(table.reach[cell]) if distance >= UNKNOWN_KM else distance
            price += round(objective.carbon_kg * (float(table.carbon[cell]) * way) / 1000)
        return price

    def cheapest(self) -> Cheapest:
        """Bounds from below, from the table rates alone."""
        network = self.ground.network
        n = len(network.sites)
        if self.pickup:
            return Cheapest(self._pack(), np.zeros(n))
        fixed, per_kg = np.full(n, np.inf), np.full(n, np.inf)
        for t in self.takes:
            tariff = network.tariffs[t]
            distance = self.found.distance
            zone = np.searchsorted(tariff.up_to, distance, side="left")
            reached = ((zone < len(tariff.up_to)) | (distance >= UNKNOWN_KM)) & network.collected(t)
            zone = np.minimum(zone, len(tariff.up_to) - 1)
            fixed = np.minimum(fixed, np.where(reached, tariff.base[zone], np.inf))
            per_kg = np.minimum(per_kg, np.where(reached, tariff.per_kg[zone], np.inf))
        return Cheapest(fixed + self._pack(), per_kg)

    def least_begun(self) -> tuple[int, int]:
        """(for a parcel, for a kilogram): what no site at all is below."""
        ground = self.ground
        base = min((ground.least_base[t] for t in self.takes), default=0)
        return ground.least_pack + base, min((ground.least_per_kg[t] for t in self.takes), default=0)
