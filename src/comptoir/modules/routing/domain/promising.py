"""What a buyer may be told before the order: dates at the door, and times at the counter, by the code that routes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.api import opens_at
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing.contracts import Job, Parcel, Profile, Rules, RuleSet, Schedule
from comptoir.modules.routing.domain.choosing import serve
from comptoir.modules.routing.domain.network import Network
from comptoir.modules.routing.domain.rules import is_for
from comptoir.modules.routing.domain.stock import Situation
from comptoir.modules.routing.domain.timetables import Timetable, waits_for


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one service brings to the door."""

    service: Service
    complete: bool
    """Whether all of it can be had."""
    arrives_on: date | None
    """The last of the parcels; None where nothing can be sent."""
    order_by: datetime | None
    """Until when an order keeps this date: the first cut-off of those who send it, or the last run before that."""
    parcels: int
    lacking: tuple[tuple[int, int], ...]
    """(line, units)."""


@dataclass(frozen=True, slots=True)
class Collection:
    """When it can be collected at one counter."""

    location_id: LocationId
    distance: float
    """Kilometres from the buyer; 40,000 where nobody knows."""
    complete: bool
    ready_at: datetime | None
    in_stock: bool
    """Whether the counter has all of it itself."""
    lacking: tuple[tuple[int, int], ...]


class Planned(NamedTuple):
    """How such an order will be decided."""

    rules: Rules
    runs: Timetable | None = None
    """That it waits for; None where it is decided at once."""

    def begins_at(self, now: datetime) -> datetime | None:
        """When anybody may begin what is ordered now; None is at once."""
        return None if self.runs is None else self.runs.next_run(now)


def planned(live: Iterable[RuleSet], schedules: Iterable[Schedule], order: Profile) -> Planned:
    """The rules by which such an order will be decided and the runs that it will wait for, as far as can be said without one:
    those for most of them.
    """
    found = next((one for one in live if one.share >= _MOST and is_for(one.rules.condition, order)), None)
    waits = waits_for(schedules, found, order)
    return Planned(_DEFAULT if found is None else found.rules, None if waits is None else waits.table)


_MOST = 50
_DEFAULT = Rules(respect_capacity=False)
"""Where no rule set is live orders stay where they are promised, however busy that is: only rules look at the day's limit."""


def delivery(
    network: Network, rules: Rules, job: Job, situation: Situation, now: datetime, runs: Timetable | None = None
) -> Delivery:
    """What the job's service would bring if it were ordered now; `runs` are those that it would wait for."""
    decision = serve(network, rules, job, situation, now)
    parcels = decision.parcels
    until = min((parcel.ready_at for parcel in parcels), default=None)
    if until is not None and runs is not None and job.begins_at is not None:
        until = runs.last_run(until, job.begins_at) or job.begins_at
    return Delivery(
        job.service,
        bool(parcels) and not decision.lacking,
        max((parcel.arrives_on for parcel in parcels), default=None),
        until,
        len(parcels),
        decision.lacking,
    )


def collections(
    network: Network, rules: Rules, job: Job, situation: Situation, now: datetime, *, most: int = 5
) -> list[Collection]:
    """The nearest counters, nearest first, with what collecting it there would be like."""
    able = np.flatnonzero(network.pickup & network.active)
    distances = network.distances(job.destination)
    nearest = able[np.argsort(distances[able], kind="stable")][:most].tolist()
    return [collection(network, rules, job, situation, now, site) for site in nearest]


def collection(network: Network, rules: Rules, job: Job, situation: Situation, now: datetime, site: int) -> Collection:
    """What collecting it at one counter would be like."""
    place = network.sites[site]
    decision = serve(network, rules, replace(job, service=Service.PICKUP, pickup_at=place.id), situation, now)
    times = [_ready(network, site, parcel) for parcel in decision.parcels]
    known = [at for at in times if at is not None]
    complete = bool(known) and not decision.lacking and len(known) == len(times)
    return Collection(
        place.id,
        float(network.distances(job.destination)[site]),
        complete,
        max(known, default=None),
        complete and all(parcel.site == place.id for parcel in decision.parcels),
        decision.lacking,
    )


def _ready(network: Network, site: int, parcel: Parcel) -> datetime | None:
    """When a parcel is on the counter: prepared there, or opened with the next door after it has come."""
    place = network.sites[site]
    if parcel.site == place.id:
        return parcel.ready_at
    noon = datetime.combine(parcel.arrives_on, time(12), ZoneInfo(place.time_zone)).astimezone(UTC)
    return opens_at(place.hours, place.time_zone, noon)
