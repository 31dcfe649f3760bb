"""What channels may tell buyers before the order: the questions of all callers are gathered and read together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from comptoir.kernel.time import utcnow
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.api import Wanted
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import Collection, Delivery, Network, Situation
from comptoir.modules.routing.contracts import Job, Profile, Site
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
        self._loads: dict[Network, tuple[datetime, dict[LocationId, int]]] = {}
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
        categories: frozenset[str],
        counters: int,
        at: LocationId | None = None,
    ) -> Options:
        """What each of the services would bring, and when it could be collected at so many counters nearby, or at one.

        `categories` are those of its products, where rule sets ask for them: see `Counters.categories`.
        """
        network = counter.network
        assert network is not None, "a channel that is kept has its network"
        skus = tuple(dict.fromkeys(need.sku for need in job.needs))
        rows = await self._batcher.submit(Wanted(self._name(network), tuple(network.position), skus))
        now = utcnow()
        situation = Situation.of_arrays(network, dict(zip(skus, rows, strict=True)), await self._load(network, now))
        deliveries: list[Delivery] = []
        asked = Profile(counter.channel.code, job.country, Service.PICKUP, categories)
        for service in services:
            rules = routing.for_rules(counter.rule_sets, asked._replace(service=service))
            deliveries.append(routing.delivery(network, rules, replace(job, service=service), situation, now))
        rules = routing.for_rules(counter.rule_sets, asked)
        if at is not None:
            found = [routing.collection(network, rules, job, situation, now, network.position[at])]
        else:
            found = routing.collections(network, rules, job, situation, now, most=counters) if counters else []
        return Options(tuple(deliveries), tuple(found))

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

    async def _load(self, network: Network, now: datetime) -> dict[LocationId, int]:
        """The orders that sites with a limit have to prepare today, a few seconds old at most."""
        limited = self._limited.get(network)
        if limited is None:
            limited = self._limited[network] = [site for site in network.sites if site.capacity is not None]
        if not limited:
            return {}
        kept = self._loads.get(network)
        if kept is None or now - kept[0] > timedelta(seconds=LOAD_FOR):
            since = [(site.id, _midnight(now, site.time_zone)) for site in limited]
            async with self._database.read() as reader:
                kept = self._loads[network] = (now, await fulfilment.load_since(reader, since))
        return kept[1]


_NETWORKS = 50


def _midnight(now: datetime, zone: str) -> datetime:
    return datetime.combine(now.astimezone(ZoneInfo(zone)).date(), time(), ZoneInfo(zone)).astimezone(UTC)
