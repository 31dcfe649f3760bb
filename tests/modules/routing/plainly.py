"""How a location is chosen, once more: slow, site by site, without arrays. And the cases on which both are compared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from comptoir.kernel.calendars import is_public_holiday
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Origins, Service, Zone
from comptoir.modules.locations.api import distance_km, opens_at
from comptoir.modules.locations.contracts import Interval, LocationId, LocationKind, OpeningHours
from comptoir.modules.routing.contracts import Fence, Job, Mode, Need, Rating, Rules, Site, Splitting, Weight

NOWHERE = LocationId(UUID(int=999))
WEEK = (True, True, True, True, True, False, False)
PARIS, LYON, LILLE = (48.8566, 2.3522), (45.764, 4.8357), (50.6292, 3.0573)


def site(n: int, **changes: object) -> Site:
    plain = Site(
        id=LocationId(UUID(int=n)),
        code=f"S{n:03}",
        name="",
        kind=LocationKind.WAREHOUSE,
        country="FR",
        time_zone="Europe/Paris",
        latitude=PARIS[0],
        longitude=PARIS[1],
    )
    return replace(plain, **changes)


@dataclass(frozen=True)
class Case:
    """One order, and the world in which its location is chosen."""

    sites: tuple[Site, ...]
    services: tuple[CarrierServiceDraft, ...]
    rules: Rules
    job: Job
    now: datetime
    stock: Mapping[tuple[str, LocationId], int]
    load: Mapping[LocationId, int]

    def have(self, place: Site, sku: str) -> int:
        kept = self.rules.safety if place.kind is LocationKind.STORE else 0
        return max(0, self.stock.get((sku, place.id), 0) - kept)

    @property
    def asked(self) -> dict[str, int]:
        asked: dict[str, int] = {}
        for need in self.job.needs:
            asked[need.sku] = asked.get(need.sku, 0) + need.quantity
        return asked

    def whole(self, place: Site) -> bool:
        return all(self.have(place, sku) >= units for sku, units in self.asked.items())


def distance(place: Site, job: Job) -> float | None:
    if job.destination is None or place.latitude is None or place.longitude is None:
        return None
    return distance_km((place.latitude, place.longitude), job.destination)


@dataclass(frozen=True, order=True)
class Ask:
    """What one carrier service asks for everything in one parcel; the least is the best."""

    late: bool
    asked: int
    arrives_on: date
    nth: int
    carbon: float


def asks(case: Case, place: Site) -> list[Ask]:
    job, away = case.job, distance(place, case.job)
    weight = sum(need.weight * need.quantity for need in job.needs)
    leaves = leaves_on(place, case.now)
    found: list[Ask] = []
    usable = [service for service in case.services if service.zones]
    for nth, service in enumerate(usable):
        zone = next((z for z in service.zones if away is not None and away <= z.up_to_km), None)
        if away is None:
            zone = service.zones[-1]
        if zone is None or leaves is None or service.service is not job.service or not any(service.delivers):
            continue
        if service.countries and job.country not in service.countries:
            continue
        if not collects(service, place):
            continue
        if any(need.weight > service.max_weight or (need.dangerous and not service.dangerous) for need in job.needs):
            continue
        day, left = leaves, zone.days
        while left or (not zone.days and not delivers_on(service, job.country, day)):
            day += timedelta(days=1)
            left -= bool(left) and delivers_on(service, job.country, day)
        kilograms, boxes = math.ceil(weight / 1000), max(1, math.ceil(weight / service.max_weight))
        way = min(service.zones[-1].up_to_km, 40_000) if away is None else away
        late = job.needed_by is not None and day > job.needed_by
        found.append(Ask(late, zone.base * boxes + zone.per_kg * kilograms, day, nth, service.carbon * kilograms * way))
    if not case.services and leaves is not None:
        found.append(Ask(job.needed_by is not None and leaves > job.needed_by, 0, leaves, 0, 0.0))
    return found


def collects(service: CarrierServiceDraft, place: Site) -> bool:
    said = service.origins
    everywhere = not said.locations and not said.kinds and not said.countries
    of_kind = not said.kinds or place.kind in said.kinds
    in_country = not said.countries or place.country in said.countries
    return everywhere or place.id in said.locations or (bool(said.kinds or said.countries) and of_kind and in_country)


def delivers_on(service: CarrierServiceDraft, country: str, day: date) -> bool:
    rests = not service.delivers_on_holidays and is_public_holiday(country, day)
    return service.delivers[day.weekday()] and not rests


def leaves_on(place: Site, now: datetime) -> date | None:
    local = now.astimezone(ZoneInfo(place.time_zone))
    days = [local.date() + timedelta(days=n) for n in range(40)]
    if local.hour * 60 + local.minute >= place.cut_off:
        days = days[1:]
    return next((day for day in days if place.works[day.weekday()] and not place.hours.closures.shut(day)), None)


def ready_on(case: Case, place: Site) -> date | None:
    ready = opens_at(place.hours, place.time_zone, case.now + timedelta(minutes=place.preparation))
    return None if ready is None else ready.astimezone(ZoneInfo(place.time_zone)).date()


def fence(case: Case, place: Site) -> Fence | None:  # noqa: PLR0911 - one for each fence
    rules, job = case.rules, case.job
    collected = job.service is Service.PICKUP
    away = distance(place, job)
    too_far = rules.max_distance is not None and job.destination is not None and not collected
    if place.kind not in rules.kinds or place.id in rules.excluded:
        return Fence.EXCLUDED
    if too_far and (away is None or away > (rules.max_distance or 0)):
        return Fence.EXCLUDED
    if collected and job.pickup_at not in {None, place.id}:
        return Fence.EXCLUDED
    if place.id in job.rejected_by:
        return Fence.REJECTED
    if not place.active or not (place.pickup if collected else place.ships):
        return Fence.UNABLE
    if collected and ready_on(case, place) is None:
        return Fence.UNABLE
    if not collected and not asks(case, place):
        return Fence.NO_CARRIER
    there = ready_on(case, place) if collected else min(asks(case, place)).arrives_on
    assert there is not None
    if rules.insist_on_date and job.needed_by is not None and there > job.needed_by:
        return Fence.TOO_LATE
    return _fence_of_stock(case, place)


def _fence_of_stock(case: Case, place: Site) -> Fence | None:
    rules = case.rules
    if rules.respect_capacity and place.capacity is not None and case.load.get(place.id, 0) >= place.capacity:
        return Fence.CAPACITY
    if not any(case.have(place, sku) for sku in case.asked):
        return Fence.STOCK
    if place.kind is LocationKind.STORE and case.job.service is not Service.PICKUP:
        (content,) = shares(case, [place])
        if sum(need.value * units for need, units in content) < rules.minimum_pick:
            return Fence.MINIMUM_PICK
    return None


def measure(case: Case, place: Site, rating: Rating) -> float:  # noqa: PLR0911 - one for each rating
    collected, away = case.job.service is Service.PICKUP, distance(place, case.job)
    best = None if collected else min(asks(case, place))
    there = ready_on(case, place) if best is None else best.arrives_on
    assert there is not None
    asked = case.asked
    match rating:
        case Rating.PRIORITY:
            return place.priority
        case Rating.DISTANCE:
            return 40_000 if away is None else away
        case Rating.DELIVERY:
            return (there - case.job.placed_at.date()).days
        case Rating.COST:
            return place.pack_cost + place.pick_cost * len(case.job.needs) + (0 if best is None else best.asked)
        case Rating.PARCELS:
            return sum(case.have(place, sku) < units for sku, units in asked.items())
        case Rating.COVER:
            return max(
                min(case.have(place, s), n) / case.have(place, s) if case.have(place, s) else 0 for s, n in asked.items()
            )
        case Rating.MARKDOWN:
            return -sum(case.have(place, sku) / units for sku, units in asked.items()) / len(asked)
        case Rating.LOAD:
            load = case.load.get(place.id, 0)
            limits = [one.capacity for one in case.sites if one.capacity]
            usual = sum(limits) / len(limits) if limits else max(1, *case.load.values(), 0)
            return load / usual if place.capacity is None else load / place.capacity if place.capacity else 1 + load
        case Rating.CARBON:
            return 0 if best is None else best.carbon


def ordered(rules: Rules, sites: Sequence[Site], measured: Mapping[LocationId, Mapping[Rating, float]]) -> list[list[Site]]:
    """Those that may serve, the best first, in groups of equals; by what was measured, so that roundings do not matter."""
    inside = sorted(sites, key=lambda place: (place.priority, place.code))
    if rules.mode is Mode.WEIGHTED:
        score = {place.id: _score(rules, place, inside, measured) for place in inside}
        return [[place] for place in sorted(inside, key=lambda place: score[place.id])]
    groups = [inside]
    for weight in rules.ratings:
        groups = [part for group in groups for part in _parted(group, weight, measured)]
    return groups


def _parted(
    group: Sequence[Site], weight: Weight, measured: Mapping[LocationId, Mapping[Rating, float]]
) -> Iterator[list[Site]]:
    values = {place.id: measured[place.id][weight.rating] for place in group}
    best = min(values.values())
    steps = {id_: math.floor((v - best) / weight.tolerance) if weight.tolerance else v for id_, v in values.items()}
    for step in sorted(set(steps.values())):
        yield [place for place in group if steps[place.id] == step]


def _score(rules: Rules, place: Site, sites: Sequence[Site], measured: Mapping[LocationId, Mapping[Rating, float]]) -> float:
    score = 0.0
    total = sum(weight.weight for weight in rules.ratings) or 1.0
    for weight in rules.ratings:
        values = [measured[one.id][weight.rating] for one in sites]
        known = [v for v in values if weight.rating is not Rating.DISTANCE or v < 40_000]
        value = measured[place.id][weight.rating]
        if not known:
            continue
        if weight.rating is Rating.DISTANCE and value >= 40_000:
            scaled = 1.0
        else:
            scaled = (value - min(known)) / (max(known) - min(known)) if max(known) > min(known) else 0.0
        score += weight.weight / total * scaled
    return score


def shares(case: Case, ranked: Sequence[Site]) -> list[list[tuple[Need, int]]]:
    """What each of these sites, of which the best is first, sends."""
    left = {(sku, place.id): case.have(place, sku) for sku in case.asked for place in ranked}
    found: list[list[tuple[Need, int]]] = [[] for _ in ranked]
    for need in case.job.needs:
        able = [n for n, place in enumerate(ranked) if left[need.sku, place.id] >= need.quantity][:1]
        missing = need.quantity
        for n in able or range(len(ranked)):
            taken = min(missing, left[need.sku, ranked[n].id])
            if taken:
                found[n].append((need, taken))
                missing -= taken
                left[need.sku, ranked[n].id] -= taken
    return found


def splits(case: Case, ranked: Sequence[Site], scores: Mapping[LocationId, float]) -> list[tuple[int, int, float]]:
    """(units lacking, parcels, scores) of every set of sites that is worth it, the best first."""
    rules, job = case.rules, case.job
    most = 1 if job.service is Service.PICKUP else max(1, rules.splitting.parcels)
    found: list[tuple[int, int, float]] = []
    for size in range(1, most + 1):
        for sites in combinations(ranked, size):
            contents = shares(case, sites)
            lacking = sum(n.quantity for n in job.needs) - sum(units for content in contents for _, units in content)
            if all(_worth_it(case, place, content, size) for place, content in zip(sites, contents, strict=True)):
                found.append((lacking, size, sum(scores[place.id] for place in sites)))
    return sorted(found)


def _worth_it(case: Case, place: Site, content: Sequence[tuple[Need, int]], size: int) -> bool:
    value = sum(need.value * units for need, units in content)
    if not content or (size > 1 and value < case.rules.splitting.least_value):
        return False
    store = place.kind is LocationKind.STORE and case.job.service is not Service.PICKUP
    return not store or value >= case.rules.minimum_pick


# Cases

_HOURS = (
    OpeningHours(),
    OpeningHours(((),) * 7),
    OpeningHours(tuple((Interval(540, 720), Interval(840, 1140)) if day < 6 else () for day in range(7))),
)
_COORDINATES = st.one_of(
    st.none(), st.sampled_from([PARIS, LYON, LILLE]), st.tuples(st.integers(-80, 80), st.integers(-179, 179))
).map(lambda at: (None, None) if at is None else at)
_DAYS = st.sampled_from([WEEK, (True,) * 7, (False,) * 7, (False,) * 6 + (True,)])


@st.composite
def sites(draw: st.DrawFn, n: int) -> Site:
    latitude, longitude = draw(_COORDINATES)
    return site(
        n,
        kind=draw(st.sampled_from(LocationKind)),
        time_zone=draw(st.sampled_from(["Europe/Paris", "America/New_York", "Pacific/Auckland", "Asia/Kolkata"])),
        latitude=latitude,
        longitude=longitude,
        priority=draw(st.integers(0, 2)),
        active=draw(st.integers(0, 9)) > 0,
        ships=draw(st.integers(0, 9)) > 0,
        pickup=draw(st.booleans()),
        hours=draw(st.sampled_from(_HOURS)),
        capacity=draw(st.sampled_from([None, None, 0, 2, 5])),
        pick_cost=draw(st.sampled_from([0, 20])),
        pack_cost=draw(st.sampled_from([0, 100])),
        cut_off=draw(st.sampled_from([0, 600, 840, 1440])),
        preparation=draw(st.sampled_from([0, 120, 1500])),
        works=draw(st.one_of(st.just(WEEK), _DAYS)),
    )


_ZONES = (
    (),
    (Zone(500, 400, 50, 1), Zone(40_000, 900, 90, 3)),
    (Zone(1000, 450, 40, 0),),
    (Zone(100, 300, 0, 2), Zone(300, 300, 10, 4), Zone(9000, 700, 20, 5), Zone(math.inf, 2000, 100, 9)),
)


_ORIGINS = st.one_of(
    st.just(Origins()),
    st.builds(
        Origins,
        locations=st.sampled_from([(), (UUID(int=1),), (UUID(int=2), UUID(int=3))]),
        kinds=st.sampled_from([(), ("store",), ("warehouse",)]),
        countries=st.sampled_from([(), (), ("FR",), ("DE",)]),
    ),
)


@st.composite
def services(draw: st.DrawFn, n: int) -> CarrierServiceDraft:
    return CarrierServiceDraft(
        code=f"c{n}",
        name="",
        service=draw(st.sampled_from([Service.STANDARD, Service.STANDARD, Service.EXPRESS])),
        zones=draw(st.sampled_from(_ZONES)),
        countries=draw(st.sampled_from([(), (), ("FR",), ("DE", "AT")])),
        origins=draw(_ORIGINS),
        dangerous=draw(st.booleans()),
        max_weight=draw(st.sampled_from([1000, 30_000])),
        carbon=draw(st.sampled_from([0.0, 0.1])),
        delivers=draw(st.one_of(st.just(WEEK), _DAYS)),
    )


_WEIGHTS = st.builds(
    Weight, st.sampled_from(Rating), st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.sampled_from([0.0, 0.0, 0.3, 50.0])
)
_IDS = st.sampled_from([*(LocationId(UUID(int=n)) for n in range(1, 7)), NOWHERE])


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    return Rules(
        mode=draw(st.sampled_from(Mode)),
        ratings=tuple(draw(st.lists(_WEIGHTS, max_size=4))),
        splitting=Splitting(draw(st.integers(0, 4)), draw(st.sampled_from([0, 0, 1500, 4000]))),
        kinds=draw(st.sampled_from([tuple(LocationKind), tuple(LocationKind), Rules().kinds, (LocationKind.STORE,)])),
        excluded=tuple(draw(st.lists(_IDS, max_size=1))),
        safety=draw(st.sampled_from([0, 0, 1])),
        minimum_pick=draw(st.sampled_from([0, 0, 1200, 3000])),
        max_distance=draw(st.sampled_from([None, None, 400.0, 8000.0])),
        respect_capacity=draw(st.booleans()),
        insist_on_date=draw(st.booleans()),
    )


_NEEDS = st.builds(
    Need,
    line_no=st.integers(1, 3),
    sku=st.sampled_from("ABC"),
    quantity=st.integers(1, 4),
    weight=st.sampled_from([0, 300, 300, 1000, 12_000]),
    value=st.sampled_from([0, 500, 1000, 2500]),
    dangerous=st.integers(0, 5).map(lambda n: n == 0),
)
# Around midnight, and around the changes of clocks in Europe, America and New Zealand.
_NOWS = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from([datetime(2026, *day, tzinfo=UTC) for day in ((1, 1), (3, 8), (3, 29), (4, 4), (10, 25), (11, 1))]),
    st.integers(-1500, 1500),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    places = tuple([draw(sites(n)) for n in range(1, draw(st.integers(1, 6)) + 1)])
    now = draw(_NOWS)
    placed_at = now - timedelta(minutes=draw(st.sampled_from([0, 30, 3000])))
    job = Job(
        id=UUID(int=1),
        needs=tuple(draw(st.lists(_NEEDS, min_size=1, max_size=4))),
        service=draw(st.sampled_from([Service.STANDARD, Service.STANDARD, Service.EXPRESS, Service.PICKUP])),
        country=draw(st.sampled_from(["FR", "DE", ""])),
        destination=draw(st.one_of(st.none(), st.just(LYON), st.tuples(st.integers(-80, 80), st.integers(-179, 179)))),
        pickup_at=draw(st.one_of(st.none(), _IDS)),
        placed_at=placed_at,
        needed_by=draw(st.one_of(st.none(), st.integers(-1, 9).map(lambda n: placed_at.date() + timedelta(days=n)))),
        rejected_by=tuple(draw(st.lists(_IDS, max_size=1))),
    )
    return Case(
        places,
        tuple(draw(services(n)) for n in range(draw(st.integers(0, 3)))),
        draw(rules()),
        job,
        now,
        {(sku, place.id): draw(st.sampled_from([0, 1, 2, 3, 5, 9])) for sku in "ABC" for place in places},
        {place.id: draw(st.integers(0, 3)) for place in places},
    )


@st.composite
def scarce(draw: st.DrawFn) -> Case:
    """Cases in which little stands in the way but stock."""
    case = draw(cases())
    opened = tuple(
        replace(place, kind=kind, active=True, ships=True, pickup=True, works=WEEK, hours=OpeningHours(), capacity=capacity)
        for place in case.sites
        for kind, capacity in [
            draw(st.sampled_from([(LocationKind.WAREHOUSE, None), (LocationKind.WAREHOUSE, 9), (LocationKind.STORE, 7)]))
        ]
    )
    everywhere = CarrierServiceDraft(code="all", name="", zones=_ZONES[3], dangerous=True)
    skus = [f"{need.sku}{n}" if draw(st.booleans()) else need.sku for n, need in enumerate(case.job.needs)]
    stock = st.sampled_from([0, 0, 1, 1, 2, 3])
    return replace(
        case,
        sites=opened,
        services=(everywhere, *case.services),
        rules=replace(case.rules, kinds=tuple(LocationKind), excluded=(), max_distance=None, insist_on_date=False),
        job=replace(
            case.job,
            service=draw(st.sampled_from([Service.STANDARD] * 6 + [Service.PICKUP])),
            pickup_at=None,
            rejected_by=(),
            needs=tuple(replace(need, sku=sku, value=need.value + 500) for need, sku in zip(case.job.needs, skus, strict=True)),
        ),
        stock={(sku, place.id): draw(stock) for sku in dict.fromkeys(skus) for place in opened},
    )


every = st.one_of(cases(), scarce(), scarce())
