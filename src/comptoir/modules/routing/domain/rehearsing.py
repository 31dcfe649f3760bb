"""Promises against what then happens: past orders are promised, decided and sent again, with the mishaps that stores and
carriers have, and what comes late makes later promises more careful.

Everything is what runs live: the promise (`promising`), the decision and its repetition elsewhere (`choosing`), and what is
learned (`learning`). Only the mishaps are drawn.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import numpy as np

from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing.contracts import Job, Parcel
from comptoir.modules.routing.domain.carrying import delivering_day
from comptoir.modules.routing.domain.choosing import best_offer, serve
from comptoir.modules.routing.domain.learning import Came, learn
from comptoir.modules.routing.domain.network import Network
from comptoir.modules.routing.domain.promising import delivery
from comptoir.modules.routing.domain.simulating import Flow, Past
from comptoir.modules.routing.domain.stock import Situation

_TRIES = 4
"""How often a part of an order is given back before it stays where it is."""


@dataclass(frozen=True, slots=True)
class Mishaps:
    """How often what goes wrong, as shares from 0 to 1. `careless` sites fail `times` as often as the others."""

    rejected: float = 0.06
    """Parts that a store gives back; who else never does."""
    answered: timedelta = timedelta(hours=3)
    """After so long."""
    left_late: float = 0.03
    """Parcels that leave a day after they were to."""
    came_late: Mapping[int, float] = field(default_factory=lambda: {1: 0.05, 2: 0.02, 4: 0.005})
    """Parcels that take so many days longer than the carrier says."""
    careless: float = 0.1
    times: float = 4.0


@dataclass(slots=True)
class Record:
    """What became of promises."""

    promised: int = 0
    kept: int = 0
    days: int = 0
    """From the orders to their promised days."""
    rejected: int = 0
    unpromised: int = 0
    """Orders that could not be had whole, so that no day was told."""
    weeks: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """(promised, kept) week by week."""

    @property
    def share(self) -> float:
        return self.kept / self.promised if self.promised else 1.0


def rehearse(
    network: Network,
    orders: Iterable[Past],
    flow: Flow,
    mishaps: Mishaps,
    *,
    target: float,
    chance: random.Random,
    warm: int = 0,
) -> Record:
    """Orders one after another. Each week begins with what was learned from parcels that have come so far; the first `warm`
    weeks are not counted. `chance` draws the mishaps.
    """
    world = _World(network, flow, mishaps, chance)
    record, week, promised, kept = Record(), 0, 0, 0
    begin: datetime | None = None
    for past in orders:
        now = past.job.placed_at
        begin = begin or now
        while now >= begin + timedelta(days=7 * (week + 1)):
            record.weeks.append((promised, kept))
            week, promised, kept = week + 1, 0, 0
            world.learn(target, now.date())
        world.until(past.recorded, now)
        told = delivery(world.network, past.rules, past.job, world.situation, now)
        came = world.sent(past)
        if not told.complete or told.arrives_on is None:
            record.unpromised += week >= warm
            continue
        promised, kept = promised + 1, kept + (came <= told.arrives_on)
        if week >= warm:
            record.promised += 1
            record.kept += came <= told.arrives_on
            record.days += (told.arrives_on - now.date()).days
    record.weeks.append((promised, kept))
    record.rejected = world.rejected
    return record


class _World:
    """The stock, the day's work, who is careless, and what has been learned."""

    def __init__(self, network: Network, flow: Flow, mishaps: Mishaps, chance: random.Random) -> None:
        self.network = network
        self.rejected = 0
        self._bare, self._flow, self._mishaps, self._chance = network, flow, mishaps, chance
        self._free = flow.opening.copy()
        self.situation = self._situation()
        self._done = 0
        self._day: date | None = None
        self._times = {site.id: mishaps.times if chance.random() < mishaps.careless else 1.0 for site in network.sites}
        self._coming: list[tuple[date, LocationId, str, int]] = []
        self._came: Counter[tuple[LocationId, str, int]] = Counter()

    def _situation(self) -> Situation:
        return Situation.of_arrays(self.network, {sku: self._free[n] for n, sku in enumerate(self._flow.skus)})

    def until(self, recorded: int, now: datetime) -> None:
        """What came in and went out beside the orders."""
        until = int(np.searchsorted(self._flow.at, recorded, side="right"))
        done = slice(self._done, until)
        if until > self._done:
            np.add.at(self._free, (self._flow.sku[done], self._flow.site[done]), self._flow.units[done])
            self._done = until
        if now.date() != self._day:
            self._day = now.date()
            self.situation.load[:] = 0

    def learn(self, target: float, today: date) -> None:
        still: list[tuple[date, LocationId, str, int]] = []
        for one in self._coming:
            if one[0] < today:
                self._came[one[1:]] += 1
            else:
                still.append(one)
        self._coming = still
        found = learn((Came(site, carrier, late, n) for (site, carrier, late), n in self._came.items()), target)
        slack = {code: lesson.slack for code, lesson in found.carriers.items()}
        sites = [replace(one, slack=found.sites[one.id].slack if one.id in found.sites else 0) for one in self._bare.sites]
        load = self.situation.load
        self.network = Network(sites, self._bare.services, slack)
        self.situation = self._situation()
        self.situation.load[:] = load

    def sent(self, past: Past) -> date:
        """The day on which the last parcel came; never, where a part of it could not be sent at all."""
        first = serve(self.network, past.rules, past.job, self.situation, past.job.placed_at)
        if not first.parcels:
            return date.max
        self.situation.take(first)
        ends = [date.max] if first.lacking else []
        for parcel in first.parcels:
            came = max(self._ways(past, parcel), default=date.max)
            ends.append(came)
            if came < date.max:
                late = (came - parcel.arrives_on).days + parcel.slack
                self._coming.append((came, parcel.site, parcel.carrier, max(0, late)))
        return max(ends)

    def _ways(self, past: Past, first: Parcel) -> Iterator[date]:
        """When the parts of what was planned as one parcel come."""
        open_: list[tuple[Parcel, Job, datetime]] = [(first, past.job, past.job.placed_at)]
        while open_:
            parcel, job, now = open_.pop()
            if len(job.rejected_by) < _TRIES and self._gives_back(parcel.site):
                self.rejected += 1
                again, later = self._left_of(job, parcel), now + self._mishaps.answered
                decision = serve(self.network, past.rules, again, self.situation, later)
                self.situation.take(decision)
                if decision.lacking:
                    yield date.max
                open_ += [(one, again, later) for one in decision.parcels]
            else:
                yield self._arrival(parcel, job, now)

    def _left_of(self, job: Job, parcel: Parcel) -> Job:
        needs = {need.line_no: need for need in job.needs}
        left = [replace(needs[pick.line_no], quantity=pick.quantity) for pick in parcel.picks]
        return replace(job, needs=tuple(left), rejected_by=(*job.rejected_by, parcel.site))

    def _gives_back(self, site: LocationId) -> bool:
        at = self.network.position[site]
        return bool(self.network.stores[at]) and self._chance.random() < self._mishaps.rejected * self._times[site]

    def _arrival(self, parcel: Parcel, job: Job, now: datetime) -> date:
        """When it comes: as calendars and carriers have it, and then as it goes wrong."""
        site = self._bare.position[parcel.site]
        offer = best_offer(self._bare, job, site, parcel.weight, now)
        assert offer is not None, "it is carried with slack as without"
        calendar, day = self._bare.calendars[int(self._bare.calendar_of[site])], offer.arrives_on
        if self._chance.random() < self._mishaps.left_late * self._times[parcel.site]:
            leaves = calendar.leaves_on(now)
            after = None if leaves is None else calendar.next_day(leaves + timedelta(days=1))
            day += timedelta(days=1 if leaves is None or after is None else (after - leaves).days)
        drawn = self._chance.random()
        for days, share in self._mishaps.came_late.items():
            if drawn < share:
                day += timedelta(days=days)
                break
            drawn -= share
        return delivering_day(day, offer.tariff.service.delivers, offer.tariff.resting(job.country)) or date.max
