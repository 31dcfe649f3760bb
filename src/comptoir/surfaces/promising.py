"""What channels may tell buyers before the order: the questions of all callers are gathered and read together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from comptoir.kernel.time import utcnow
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import PublishRules
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.api import Wanted
from comptoir.modules.inventory.contracts import Reservation, Spot
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import Collection, Delivery, Network, Planned, Situation
from comptoir.modules.routing.contracts import Job, Need, Profile, Site
from comptoir.runtime.batching import Batcher
from comptoir.runtime.database import Database
from comptoir.surfaces.selling import Counter

LOAD_FOR = 5.0
"""How old what is known of the day's work may be, in seconds."""


@dataclass(frozen=True, slots=True)
class Options:
    """All that can be told for a basket."""

    deliveries: tuple[Delivery, ...]
    collections: tuple[Collection, ...]


class PromiseDesk:
    """Open it with `start`, close it with `stop`. What it says holds at a moment after it was asked."""

    def __init__(self, database: Database, *, batch: int = 256) -> None:
        self._database = database
        self._cache = inventory.SpotCache()
        self._batcher: Batcher[Wanted, list[NDArray[np.int64]]] = Batcher(self._work, limit=batch, at_once=1)
        self._loads: dict[tuple[Network, bool], tuple[datetime, dict[LocationId, int]]] = {}
        self._sold: dict[str, dict[Spot, float]] = {}
        self._sold_on: date | None = None
        self._names: dict[Network, str] = {}
        self._limited: WeakKeyDictionary[Network, list[Site]] = WeakKeyDictionary()

    def start(self) -> None:
        self._batcher.start()

    async def stop(self) -> None:
        await self._batcher.stop()

    async def options(
        self,
        counter: Counter,
        job: Job,
        services: Sequence[Service],
        *,
        profile: Profile,
        counters: int,
        at: LocationId | None = None,
        held: Sequence[Reservation] = (),
    ) -> Options:
        """What each of the services would bring, and when it could be collected at so many counters nearby, or at one.

        `profile` says by which rules it will be decided, and for which run it will wait: see `Counters.profile`. What is `held`
        for this buyer is there for this buyer. Of what the channel does not publish nothing is told: it would not take the
        order.
        """
        network = counter.network
        assert network is not None, "a channel that is kept has its network"
        skus = tuple(dict.fromkeys(need.sku for need in job.needs))
        rows = await self._batcher.submit(Wanted(self._name(network), tuple(network.position), skus))
        now = utcnow()
        free = dict(zip(skus, rows, strict=True))
        _give(free, network, held)
        job, kept_back = _published(job, free, counter.channel.rules)
        everybody = any(routing.rates_load(one.rules) for one in counter.rule_sets)
        load = await self._load(network, now, everybody=everybody)
        situation = Situation.of_arrays(network, free, load, await self._daily(counter, skus, now))
        deliveries: list[Delivery] = []
        for service in services:
            plan = routing.planned(counter.rule_sets, counter.schedules, profile._replace(service=service))
            found = routing.delivery(network, plan.rules, _as_planned(job, service, plan, now), situation, now, plan.runs)
            deliveries.append(_lacks(found, kept_back))
        if at is None and not counters:
            return Options(tuple(deliveries), ())
        plan = routing.planned(counter.rule_sets, counter.schedules, profile._replace(service=Service.PICKUP))
        rules, job = plan.rules, _as_planned(job, job.service, plan, now)
        if at is not None:
            nearby = [routing.collection(network, rules, job, situation, now, network.position[at])]
        else:
            nearby = routing.collections(network, rules, job, situation, now, most=counters)
        return Options(tuple(deliveries), tuple([_lacks(one, kept_back) for one in nearby]))

    async def _work(self, questions: Sequence[Wanted]) -> Sequence[list[NDArray[np.int64]]]:
        async with self._database.read() as reader:
            return await self._cache.read(reader, questions)

    def _name(self, network: Network) -> str:
        """A network is made anew when anything about it changes: what was kept under its name is then forgotten in time."""
        name = self._names.get(network)
        if name is None:
            if len(self._names) > _NETWORKS:
                self._names.clear()
                self._loads.clear()
            name = self._names[network] = f"network:{len(self._names)}:{utcnow().timestamp()}"
        return name

    async def _load(self, network: Network, now: datetime, *, everybody: bool) -> dict[LocationId, int]:
        """The orders that sites have to prepare today, a few seconds old at most: of those with a limit, or of everybody, where
        a live rule set rates it.
        """
        limited = self._limited.get(network)
        if limited is None:
            limited = self._limited[network] = [site for site in network.sites if site.capacity is not None]
        sites = network.sites if everybody else limited
        if not sites:
            return {}
        key = (network, everybody)
        kept = self._loads.get(key)
        if kept is None or now - kept[0] > timedelta(seconds=LOAD_FOR):
            since = [(site.id, _midnight(now, site.time_zone)) for site in sites]
            async with self._database.read() as reader:
                kept = self._loads[key] = (now, await fulfilment.load_since(reader, since))
        return kept[1]

    async def _daily(self, counter: Counter, skus: Sequence[str], now: datetime) -> Mapping[Spot, float]:
        """What is sold of these in a day, where a live rule set asks for how long stock lasts: the same until midnight."""
        if not any(routing.rates_lasting(one.rules) for one in counter.rule_sets):
            return {}
        today = now.date()
        if self._sold_on != today or len(self._sold) > _SKUS:
            self._sold, self._sold_on = {}, today
        kept = self._sold
        new = [sku for sku in skus if sku not in kept]
        if new:
            async with self._database.read() as reader:
                read = await routing.sold_daily(reader, [one.rules for one in counter.rule_sets], new, now)
            kept |= {sku: {} for sku in new}
            for (sku, place), units in read.items():
                kept[sku][sku, place] = units
        return {spot: units for sku in skus for spot, units in kept[sku].items()}


_NETWORKS = 50
_SKUS = 20_000
"""Of so many at most it is kept what is sold of them."""
_Told = TypeVar("_Told", Delivery, Collection)


def _give(free: dict[str, NDArray[np.int64]], network: Network, held: Sequence[Reservation]) -> None:
    """Adds what the buyer's own hold keeps to what is free."""
    own: set[str] = set()
    for one in held:
        position = network.position.get(one.location_id)
        if position is None or one.sku not in free:
            continue
        if one.sku not in own:  # what came from the cache is everybody's
            own.add(one.sku)
            free[one.sku] = free[one.sku].copy()
        free[one.sku][position] += one.quantity


def _as_planned(job: Job, service: Service, plan: Planned, now: datetime) -> Job:
    """The job by a service, begun when that is planned. Most are as they should be, and are not copied."""
    begins_at = plan.begins_at(now)
    if (service, begins_at) == (job.service, job.begins_at):
        return job
    return replace(job, service=service, begins_at=begins_at)


def _published(job: Job, free: Mapping[str, NDArray[np.int64]], rules: PublishRules) -> tuple[Job, tuple[tuple[int, int], ...]]:
    """The job with no more than the channel would sell, and by line what it would not although it is there."""
    if rules == PublishRules():
        return job, ()
    total = {sku: int(np.maximum(row, 0).sum()) for sku, row in free.items()}
    left = {sku: channels.publishable_of(units, rules) for sku, units in total.items()}
    needs: list[Need] = []
    kept_back: list[tuple[int, int]] = []
    for need in job.needs:
        units = min(need.quantity, left[need.sku])
        left[need.sku] -= units
        lacking = need.quantity - units
        if lacking:
            kept_back.append((need.line_no, lacking))
        if units:
            needs.append(replace(need, quantity=units))
    return replace(job, needs=tuple(needs)), tuple(kept_back)


def _lacks(told: _Told, kept_back: Sequence[tuple[int, int]]) -> _Told:
    if not kept_back:
        return told
    lacking = dict(told.lacking)
    for line_no, units in kept_back:
        lacking[line_no] = lacking.get(line_no, 0) + units
    return replace(told, complete=False, lacking=tuple(sorted(lacking.items())))


def _midnight(now: datetime, zone: str) -> datetime:
    return datetime.combine(now.astimezone(ZoneInfo(zone)).date(), time(), ZoneInfo(zone)).astimezone(UTC)
