"""When parcels leave and arrive, and what carriers ask: by calendars, and by the zones of their tariffs."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from comptoir.kernel.calendars import is_public_holiday
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Service, Zone
from comptoir.modules.locations.contracts import Closures
from comptoir.modules.routing.contracts import Job, Site

UNKNOWN_KM = 40_000.0
"""Where nobody knows how far it is, it is farther than anything."""

_DAY = 24 * 60
_LOOK_AHEAD = 800
"""Days, after which what is still closed stays closed."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Fences = NDArray[np.int8]
Positions = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Calendar:
    """When parcels leave: the time zone, the minute of a day from which on it is too late for it, and the days of the week."""

    zone: str
    cut_off: int
    works: tuple[bool, ...]
    slack: int = 0
    """Days that are added to what carriers take from here; the parcels are to leave as if there were none."""
    closures: Closures = field(default_factory=Closures)
    """On which nothing leaves, either."""
    takers: frozenset[int] | None = None
    """The carrier services that collect there, by their position in the network; None for all of them."""

    def leaves_on(self, at: datetime) -> date | None:
        """The local day on which leaves what is decided at `at`; None for a place from which nothing ever leaves."""
        local = at.astimezone(ZoneInfo(self.zone))
        day = local.date() if local.hour * 60 + local.minute < self.cut_off else local.date() + timedelta(days=1)
        return self.next_day(day)

    def next_day(self, day: date) -> date | None:
        """The first of the days from `day` on that parcels leave on."""
        found = working_day(day, self.works)
        if not self.closures:
            return found
        last = day + timedelta(days=_LOOK_AHEAD)
        while found is not None and self.closures.shut(found):
            found = None if found > last else working_day(found + timedelta(days=1), self.works)
        return found

    def leaves_at(self, day: date) -> datetime:
        """The instant of the cut-off on that day; of two, where clocks are changed at that hour, the later."""
        return _instant(self.zone, day, min(self.cut_off, _DAY))


@lru_cache(maxsize=4096)
def _instant(zone: str, day: date, minutes: int) -> datetime:
    wall = datetime.combine(day, time(), ZoneInfo(zone)) + timedelta(minutes=minutes)
    return max(wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC))


def working_day(day: date, works: Sequence[bool]) -> date | None:
    """The first of the days from `day` on that is worked; None where none ever is."""
    if not any(works):
        return None
    while not works[day.weekday()]:
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=4096)
def arrival(leaves_on: date, days: int, delivers: tuple[bool, ...], resting: str = "") -> date | None:
    """The day at the door: so many delivering days after the parcel has left. None where nothing is ever delivered.

    On the public holidays of the country that is `resting` nothing is.
    """
    day = leaves_on
    if not any(delivers):
        return None
    if days == 0:
        return delivering_day(day, delivers, resting)
    left = days
    while left:
        day += timedelta(days=1)
        left -= delivers[day.weekday()] and not (resting and is_public_holiday(resting, day))
    return day


def delivering_day(day: date, delivers: Sequence[bool], resting: str = "") -> date | None:
    """The first of the days from `day` on that is delivered on, as in `arrival`; None where none ever is."""
    found = working_day(day, delivers)
    while found is not None and resting and is_public_holiday(resting, found):
        found = working_day(found + timedelta(days=1), delivers)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Tariff:
    """A carrier service with its zones as arrays."""

    service: CarrierServiceDraft
    up_to: Floats
    base: Ints
    per_kg: Ints
    days: Ints
    """Without slack."""
    slack: int = 0

    @classmethod
    def of(cls, service: CarrierServiceDraft, slack: int = 0) -> Tariff:
        zones = service.zones
        return cls(
            service,
            np.array([zone.up_to_km for zone in zones], dtype=np.float64),
            np.array([zone.base for zone in zones], dtype=np.int64),
            np.array([zone.per_kg for zone in zones], dtype=np.int64),
            np.array([zone.days for zone in zones], dtype=np.int64),
            slack,
        )

    def takes(self, job: Job) -> bool:
        """Whether it takes such goods to that country at all, from wherever.

        Of a split, too, each part goes with a service that takes the whole order; only where there is none, see `parting`.
        """
        heaviest = max((need.weight for need in job.needs), default=0)
        return self.service.service is job.service and self.carries(heaviest, any(n.dangerous for n in job.needs), job.country)

    def carries(self, heaviest: int, dangerous: bool, country: str) -> bool:
        service = self.service
        return (
            heaviest <= service.max_weight
            and (service.dangerous or not dangerous)
            and (not service.countries or country in service.countries)
        )

    def collects_at(self, site: Site) -> bool:
        return self.service.origins.include(site.id, site.kind, site.country)

    def resting(self, country: str) -> str:
        """The country on whose public holidays it does not deliver there; empty where it always does."""
        return "" if self.service.delivers_on_holidays else country

    def boxes(self, weight: int) -> int:
        """How many it takes; each is paid for."""
        return 1 if weight <= self.service.max_weight else -(-weight // self.service.max_weight)

    def zone(self, distance: float) -> int | None:
        """The position of the zone at that distance; the last where nobody knows it, None beyond the last."""
        if distance >= UNKNOWN_KM:
            return len(self.up_to) - 1
        position = int(np.searchsorted(self.up_to, distance, side="left"))
        return None if position == len(self.up_to) else position

    @property
    def reach(self) -> float:
        """Kilometres that count as the way where nobody knows it."""
        return min(float(self.up_to[-1]), UNKNOWN_KM)


BY_HAND = tuple(
    Tariff.of(
        CarrierServiceDraft(
            code="",
            name="",
            service=service,
            zones=(Zone(math.inf, 0, 0, 0),),
            dangerous=True,
            max_weight=2**62,
            carbon=0.0,
            delivers=(True,) * 7,
            delivers_on_holidays=True,
        )
    )
    for service in Service
    if service is not Service.PICKUP
)
"""Where no carrier service is set up at all, carriers stop nobody and ask nothing."""


class Option(NamedTuple):
    """What the best carrier service asks for a parcel from a calendar and a band of distances."""

    late: bool
    asked: int
    arrives_on: date
    tariff: int
    leaves_on: date


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The best option for each calendar and band of distances (for pickups: for each site), as arrays for looking up."""

    options: tuple[Option | None, ...]
    fences: Fences
    insisting: Fences
    """The same, where the date that was promised is insisted on."""
    asked: Floats
    arrives: Floats
    """As ordinal of the date; infinite where it never comes."""
    tariff: Positions
    carbon: Floats
    """Grams for each kilometre."""
    reach: Floats


class Bands:
    """The carrier services of one kind, and the distances at which any of them changes its zone.

    A band is open below and closed above. After the last there are one for what is too far, and one for what is not known.
    """

    def __init__(self, tariffs: Iterable[tuple[int, Tariff]], calendar_of: Positions) -> None:
        self.tariffs = tuple(tariffs)
        limits = sorted({float(limit) for _, tariff in self.tariffs for limit in tariff.up_to})
        self.limits: Floats = np.array(limits, dtype=np.float64)
        self.width = len(limits) + 2
        self.offset: Positions = calendar_of * self.width
        self.zones: dict[int, list[int | None]] = {
            position: [
                *(z if (z := bisect_left(tariff.up_to.tolist(), limit)) < len(tariff.up_to) else None for limit in limits),
                None,
                len(tariff.up_to) - 1,
            ]
            for position, tariff in self.tariffs
        }

    def cells(self, distance: Floats) -> Positions:
        """Where to look in a table, for each site."""
        band = self.limits.searchsorted(distance, side="left")
        return self.offset + np.where(distance >= UNKNOWN_KM, self.width - 1, band)
