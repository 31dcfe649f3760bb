"""Who may serve, prepared for many questions: places, calendars and tariffs as arrays, made once for a set of sites.

A job is surveyed against all sites at once. What depends on the job alone (where it goes, what it weighs, when it was placed)
is the `Survey`; stock and load come later, since they change with every decision.

What carriers ask and when they come depends on few things: the distance only counts by the band between two limits of zones,
the weight by its kilograms and boxes, the hour by the days on which parcels leave. So it is reckoned once for each such case
(`Table`), in plain Python, and looked up for all sites at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import product
from zoneinfo import ZoneInfo

import numpy as np

from comptoir.modules.carriers.contracts import CarrierServiceDraft, Service
from comptoir.modules.locations.api import opens_at
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.routing.contracts import Fence, Job, Rules, Site
from comptoir.modules.routing.domain.carrying import (
    BY_HAND,
    UNKNOWN_KM,
    Bands,
    Calendar,
    Fences,
    Flags,
    Floats,
    Ints,
    Option,
    Positions,
    Table,
    Tariff,
    arrival,
)

__all__ = [
    "FENCES",
    "OPEN",
    "UNKNOWN_KM",
    "Calendar",
    "Flags",
    "Floats",
    "Ints",
    "Network",
    "Positions",
    "Survey",
    "Table",
    "Tariff",
    "arrival",
    "fence_code",
    "survey",
]

EARTH_RADIUS_KM = 6371.0088
FENCES = tuple(Fence)
OPEN = 0
"""In an array of fences: nothing stops it. Others are one more than the position in `FENCES`."""

_REMEMBERED = 2_000_000
"""Numbers in the distances that a network remembers."""
_TABLES = 4096

_CODES = {fence: code for code, fence in enumerate(FENCES, start=1)}


def fence_code(fence: Fence) -> int:
    return _CODES[fence]


@dataclass(frozen=True, slots=True, eq=False)
class _Leaving:
    """The days on which parcels leave, by calendar, and the tables that were made for them."""

    on: tuple[date | None, ...]
    tables: dict[tuple[object, ...], Table]


class Network:
    """Sites and carrier services. Sites are in a fixed order (priority, then code); arrays are by that position.

    It remembers what it was asked, within limits; arrays that it gives are not to be written to.
    """

    def __init__(
        self, sites: Iterable[Site], services: Iterable[CarrierServiceDraft], slack: Mapping[str, int] | None = None
    ) -> None:
        """`slack` is in days, by the code of the carrier service: how much later it comes than it says, as was measured."""
        self.sites: tuple[Site, ...] = tuple(sorted(sites, key=lambda site: (site.priority, site.code)))
        services = tuple(services)
        self.services: tuple[CarrierServiceDraft, ...] = services
        self.slack: Mapping[str, int] = slack or {}
        usable = [Tariff.of(s, self.slack.get(s.code, 0)) for s in services if s.zones]
        self.tariffs: tuple[Tariff, ...] = tuple(usable) if services else BY_HAND
        self._never_rests = all(tariff.service.delivers_on_holidays for tariff in self.tariffs)
        self.position: Mapping[LocationId, int] = {site.id: i for i, site in enumerate(self.sites)}
        self._places()
        self.priority: Floats = np.array([s.priority for s in self.sites], dtype=np.float64)
        self.pick_cost: Ints = np.array([s.pick_cost for s in self.sites], dtype=np.int64)
        self.pack_cost: Ints = np.array([s.pack_cost for s in self.sites], dtype=np.int64)
        self.capacity: Floats = np.array(
            [math.inf if s.capacity is None else float(s.capacity) for s in self.sites], dtype=np.float64
        )
        limits = self.capacity[(self.capacity > 0) & np.isfinite(self.capacity)]
        self.usual_capacity: float | None = float(limits.mean()) if len(limits) else None
        """The average limit of those that have one and prepare anything at all."""
        self.active: Flags = np.array([s.active for s in self.sites], dtype=np.bool_)
        self.ships: Flags = np.array([s.ships for s in self.sites], dtype=np.bool_)
        self.pickup: Flags = np.array([s.pickup for s in self.sites], dtype=np.bool_)
        kinds = list(LocationKind)
        self._kind: Positions = np.array([kinds.index(s.kind) for s in self.sites], dtype=np.intp)
        self.stores: Flags = np.array([s.kind is LocationKind.STORE for s in self.sites], dtype=np.bool_)
        calendars: dict[Calendar, int] = {}
        self.calendar_of: Positions = np.array(
            [calendars.setdefault(_calendar(site, self.tariffs), len(calendars)) for site in self.sites],
            dtype=np.intp,
        )
        self.calendars: tuple[Calendar, ...] = tuple(calendars)
        self._bands = {
            service: Bands([(i, t) for i, t in enumerate(self.tariffs) if t.service.service is service], self.calendar_of)
            for service in Service
        }
        self.each: Positions = np.arange(len(self.sites), dtype=np.intp)
        self._distances: dict[tuple[float, float] | None, Floats] = {}
        self._cells: dict[tuple[tuple[float, float] | None, Service], Positions] = {}
        self._leaving_at: dict[datetime, _Leaving] = {}
        self._leaving_on: dict[tuple[date | None, ...], _Leaving] = {}
        self._barred: dict[tuple[int, bool], tuple[Rules, Fences]] = {}

    def _places(self) -> None:
        """Unit vectors from the middle of the earth."""
        placed = np.array([s.latitude is not None and s.longitude is not None for s in self.sites], dtype=np.bool_)
        latitude = np.radians(np.array([s.latitude or 0.0 for s in self.sites], dtype=np.float64))
        longitude = np.radians(np.array([s.longitude or 0.0 for s in self.sites], dtype=np.float64))
        self._unplaced: Positions = np.flatnonzero(~placed)
        self.x: Floats = np.cos(latitude) * np.cos(longitude)
        self.y: Floats = np.cos(latitude) * np.sin(longitude)
        self.z: Floats = np.sin(latitude)

    def distances(self, destination: tuple[float, float] | None) -> Floats:
        """Kilometres from each site to (latitude, longitude) in degrees, on the great circle; 40,000 where it is not known.

        By the cosine of the angle, as locations rank: exact to a metre, and the same for two sites in one place.
        """
        known = self._distances.get(destination)
        if known is None:
            if len(self._distances) * len(self.sites) > _REMEMBERED:
                self._distances.clear()
                self._cells.clear()
            known = self._distances[destination] = self._measured(destination)
            known.flags.writeable = False
        return known

    def _measured(self, destination: tuple[float, float] | None) -> Floats:
        if destination is None:
            return np.full(len(self.sites), UNKNOWN_KM)
        latitude, longitude = math.radians(destination[0]), math.radians(destination[1])
        level = math.cos(latitude)
        cosine = self.x * (level * math.cos(longitude)) + self.y * (level * math.sin(longitude)) + self.z * math.sin(latitude)
        found = EARTH_RADIUS_KM * np.arccos(np.minimum(1.0, np.maximum(-1.0, cosine)))
        if len(self._unplaced):
            found[self._unplaced] = UNKNOWN_KM
        return found

    def cells(self, job: Job) -> Positions:
        """Where in the table of a job that is carried each site looks."""
        key = (job.destination, job.service)
        known = self._cells.get(key)
        if known is None:
            known = self._bands[job.service].cells(self.distances(job.destination))
            self._cells[key] = known
        return known

    def table(self, job: Job, weight: int, now: datetime) -> Table:
        """What carriers ask for a parcel of this job with so many grams."""
        bands, leaving = self._bands[job.service], self._leaving(now)
        heaviest, dangerous = 0, False
        for need in job.needs:
            heaviest, dangerous = max(heaviest, need.weight), dangerous or need.dangerous
        boxes = tuple([(i, t.boxes(weight)) for i, t in bands.tariffs if t.carries(heaviest, dangerous, job.country)])
        kilograms = -(-weight // 1000)
        country = "" if self._never_rests else job.country
        key = (job.service, boxes, kilograms, job.needed_by, country)
        known = leaving.tables.get(key)
        if known is None:
            if len(leaving.tables) >= _TABLES:
                leaving.tables.clear()
            known = leaving.tables[key] = self._tabled(bands, boxes, kilograms, leaving.on, job.needed_by, country)
        return known

    def _leaving(self, now: datetime) -> _Leaving:
        known = self._leaving_at.get(now)
        if known is None:
            if len(self._leaving_at) >= _TABLES:
                self._leaving_at.clear()
                self._leaving_on.clear()
            on = tuple([calendar.leaves_on(now) for calendar in self.calendars])
            known = self._leaving_at[now] = self._leaving_on.setdefault(on, _Leaving(on, {}))
        return known

    def _tabled(
        self,
        bands: Bands,
        boxes: tuple[tuple[int, int], ...],
        kilograms: int,
        leaving: Sequence[date | None],
        needed_by: date | None,
        country: str,
    ) -> Table:
        departures = list(zip(leaving, self.calendars, strict=True))
        options = tuple(
            min(self._options(bands, boxes, kilograms, departure, band, needed_by, country), default=None)
            for departure, band in product(departures, range(bands.width))
        )
        far, late = fence_code(Fence.NO_CARRIER), fence_code(Fence.TOO_LATE)
        services = [None if o is None else self.tariffs[o.tariff] for o in options]
        return Table(
            options,
            np.array([far if o is None else OPEN for o in options], dtype=np.int8),
            np.array([far if o is None else late if o.late else OPEN for o in options], dtype=np.int8),
            np.array([math.inf if o is None else o.asked for o in options], dtype=np.float64),
            np.array([math.inf if o is None else o.arrives_on.toordinal() for o in options], dtype=np.float64),
            np.array([-1 if o is None else o.tariff for o in options], dtype=np.intp),
            np.array([0.0 if t is None else t.service.carbon * kilograms for t in services], dtype=np.float64),
            np.array([0.0 if t is None else t.reach for t in services], dtype=np.float64),
        )

    def _options(
        self,
        bands: Bands,
        boxes: tuple[tuple[int, int], ...],
        kilograms: int,
        departure: tuple[date | None, Calendar],
        band: int,
        needed_by: date | None,
        country: str,
    ) -> Iterable[Option]:
        """In their order the least is: in time before late, then cheaper, then sooner, then the first of the network."""
        leaves_on, calendar = departure
        if leaves_on is None:
            return
        for position, count in boxes:
            zone, tariff = bands.zones[position][band], self.tariffs[position]
            if zone is None or not (calendar.takers is None or position in calendar.takers):
                continue
            days = int(tariff.days[zone]) + tariff.slack + calendar.slack
            arrives_on = arrival(leaves_on, days, tariff.service.delivers, tariff.resting(country))
            if arrives_on is not None:
                asked = int(tariff.base[zone]) * count + int(tariff.per_kg[zone]) * kilograms
                yield Option(needed_by is not None and arrives_on > needed_by, asked, arrives_on, position, leaves_on)

    @property
    def is_collected_everywhere(self) -> bool:
        """Whether each carrier service collects at each site."""
        return all(calendar.takers is None for calendar in self.calendars)

    def takers(self, site: int) -> frozenset[int]:
        """The carrier services that collect there, by their position."""
        known = self.calendars[int(self.calendar_of[site])].takers
        return frozenset(range(len(self.tariffs))) if known is None else known

    def collected(self, tariff: int) -> Flags:
        """The sites at which this carrier service collects."""
        there = np.array([c.takers is None or tariff in c.takers for c in self.calendars], dtype=np.bool_)
        return there[self.calendar_of]

    def ready_at(self, site: int, now: datetime) -> datetime | None:
        """From when on what is decided now can be collected: it is prepared, and the door is open. None where it never is."""
        place = self.sites[site]
        return opens_at(place.hours, place.time_zone, now + timedelta(minutes=place.preparation))

    def local_day(self, site: int, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.sites[site].time_zone)).date()

    def counters(self, job: Job, now: datetime, able: Iterable[int]) -> Table:
        """What collecting it would be like at these sites; the others hand nothing out."""
        n = len(self.sites)
        fences = np.full(n, fence_code(Fence.UNABLE), dtype=np.int8)
        arrives = np.full(n, math.inf)
        for site in able:
            ready = self.ready_at(site, now)
            if ready is not None:
                fences[site] = OPEN
                arrives[site] = self.local_day(site, ready).toordinal()
        insisting = fences.copy()
        if job.needed_by is not None:
            insisting[(fences == OPEN) & (arrives > job.needed_by.toordinal())] = fence_code(Fence.TOO_LATE)
        nothing = np.zeros(n)
        return Table((None,) * n, fences, insisting, nothing, arrives, np.full(n, -1, dtype=np.intp), nothing, nothing)

    def barred(self, rules: Rules, *, collected: bool) -> Fences:
        """Who is out for every job under these rules. Rules are known again by identity: comparing them would take longer."""
        key = (id(rules), collected)
        known = self._barred.get(key)
        if known is None or known[0] is not rules:
            if len(self._barred) >= _TABLES:
                self._barred.clear()
            able = self.active & (self.pickup if collected else self.ships)
            fences = np.where(able, OPEN, fence_code(Fence.UNABLE)).astype(np.int8)
            wanted = np.array([kind in rules.kinds for kind in LocationKind], dtype=np.bool_)
            np.putmask(fences, ~wanted[self._kind], fence_code(Fence.EXCLUDED))
            fences[[self.position[id_] for id_ in rules.excluded if id_ in self.position]] = fence_code(Fence.EXCLUDED)
            known = self._barred[key] = (rules, fences)
        return known[1]


def _calendar(site: Site, tariffs: Sequence[Tariff]) -> Calendar:
    takers = frozenset(i for i, tariff in enumerate(tariffs) if tariff.collects_at(site))
    known = None if len(takers) == len(tariffs) else takers
    return Calendar(site.time_zone, site.cut_off, tuple(site.works), site.slack, site.hours.closures, known)


@dataclass(eq=False)
class Survey:
    """What a job would be at each site, stock and load apart. Who is fenced out may measure as infinite.

    Only what is asked for is worked out; what was given is not to be written to.
    """

    network: Network
    job: Job
    table: Table
    cells: Positions
    distance: Floats
    fences: Fences

    @cached_property
    def cost(self) -> Floats:
        """Of everything in one parcel, in minor units; infinite where nobody takes it."""
        network = self.network
        return network.pack_cost + network.pick_cost * len(self.job.needs) + self.table.asked.take(self.cells)

    @cached_property
    def days(self) -> Floats:
        """From the day of the order (in UTC) to the door, or to the counter; infinite where it never comes."""
        return self.table.arrives.take(self.cells) - self.job.placed_at.date().toordinal()

    @cached_property
    def carbon(self) -> Floats:
        """Grams. A way that nobody knows counts as far as the carrier goes."""
        way = np.where(self.distance >= UNKNOWN_KM, self.table.reach.take(self.cells), self.distance)
        return self.table.carbon.take(self.cells) * way

    @cached_property
    def tariff(self) -> Positions:
        """The carrier service that would take it, by its position in the network; -1 for none, and for a pickup."""
        return self.table.tariff.take(self.cells)


def survey(network: Network, rules: Rules, job: Job, now: datetime) -> Survey:
    """Every site for this job: which fence stops it, and how it measures where none does."""
    collected = job.service is Service.PICKUP
    barred = network.barred(rules, collected=collected)
    distance = network.distances(job.destination)
    elsewhere: Flags | None = None
    if collected:
        cells = network.each
        if job.pickup_at is None:
            able = np.flatnonzero(barred == OPEN).tolist()
        else:
            there = network.position.get(job.pickup_at, -1)
            elsewhere = cells != there
            able = [there] if there >= 0 else []
        table = network.counters(job, now, able)
    else:
        cells = network.cells(job)
        table = network.table(job, _weight(job), now)
    fences = np.where(barred, barred, (table.insisting if rules.insist_on_date else table.fences).take(cells))
    _shut_out(network, rules, job, fences, distance)
    if elsewhere is not None:
        np.putmask(fences, elsewhere, fence_code(Fence.EXCLUDED))
    return Survey(network, job, table, cells, distance, fences)


def _weight(job: Job) -> int:
    weight = 0
    for need in job.needs:
        weight += need.weight * need.quantity
    return weight


def _shut_out(network: Network, rules: Rules, job: Job, fences: Fences, distance: Floats) -> None:
    """Puts up the fences that come before all others: who gave it back, and who is too far away."""
    excluded = fence_code(Fence.EXCLUDED)
    for rejected in job.rejected_by:
        there = network.position.get(rejected)
        if there is not None and fences[there] != excluded:
            fences[there] = fence_code(Fence.REJECTED)
    # Without an address nobody is too far; a site without a place is, since nobody knows that it is near enough.
    if rules.max_distance is not None and job.destination is not None and job.service is not Service.PICKUP:
        np.putmask(fences, distance > rules.max_distance, excluded)
