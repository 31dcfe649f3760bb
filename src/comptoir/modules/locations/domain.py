"""The rules of locations, as functions of values: opening hours, and who is nearest."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from comptoir.kernel.calendars import keeps_holidays
from comptoir.kernel.checking import Checks
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.kernel.quantities import sku as printable_code
from comptoir.kernel.time import time_zone
from comptoir.modules.locations.contracts import (
    DAY,
    Closure,
    Closures,
    Interval,
    LocationDraft,
    LocationKind,
    OpeningHours,
    PoolDraft,
    PoolMember,
    Postcode,
)

EARTH_RADIUS_KM = 6371.0088
"""The mean radius of the International Union of Geodesy and Geophysics."""

WEEK = 7
MAX_POSTCODE = 12
MAX_INTERVALS = 10
MAX_MEMBERS = 10_000
MAX_PRIORITY = 1_000_000
MAX_CLOSURES = 200
MAX_CLOSED = 366
"""Days in a row; what is closed for longer is no longer active."""
_LOOK_AHEAD = 16
"""Days. A weekly opening can fall into the hour that a change of clocks skips, so that one week is not enough."""
_LOOK_FAR = 800
"""Days, where closures may be in between."""

_COUNTRY = re.compile(r"[A-Z]{2}")
_DAY = re.compile(r"(\d{4}-)?\d{2}-\d{2}")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


# Opening hours


def is_open(hours: OpeningHours, zone: ZoneInfo, at: datetime) -> bool:
    """Whether the clock on the wall reads a time at which the door is open; the closing minute is not one."""
    if hours.always:
        return True
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return any(interval.opens <= minute < interval.closes for interval in hours.on(local.date()))


def next_opening(hours: OpeningHours, zone: ZoneInfo, at: datetime) -> datetime | None:
    """The first instant from `at` on (itself, when it is open then) with an open door; None where it never is."""
    if is_open(hours, zone, at):
        return at
    if hours.never:
        return None
    found = _next_opening(hours, zone, at, _LOOK_AHEAD)
    return _next_opening(hours, zone, at, _LOOK_FAR) if found is None and hours.closures else found


def _next_opening(hours: OpeningHours, zone: ZoneInfo, at: datetime, ahead: int) -> datetime | None:
    openings = (instant for instant in _turns(hours, zone, at, ahead) if instant > at and is_open(hours, zone, instant))
    return min(openings, default=None)


def _turns(hours: OpeningHours, zone: ZoneInfo, at: datetime, look_ahead: int) -> Iterator[datetime]:
    """The instants at which the door may open: a time on the sign (twice, when the clock repeats it) or a change of clocks."""
    today = at.astimezone(zone).date()
    for ahead in range(look_ahead):
        day = today + timedelta(days=ahead)
        for interval in hours.on(day):
            opens = datetime.combine(day, time(*divmod(interval.opens, 60)), zone)
            yield opens.astimezone(UTC)
            yield opens.replace(fold=1).astimezone(UTC)
    start = at.astimezone(UTC)
    for ahead in range(look_ahead):
        before, after = start + timedelta(days=ahead), start + timedelta(days=ahead + 1)
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            yield _change_of_clocks(zone, before, after)


def _change_of_clocks(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second with the later offset."""
    offset = before.astimezone(zone).utcoffset()
    low, high = int(before.timestamp()), math.ceil(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def clock(text: str) -> int:
    """Minutes after midnight of `9:00` or `24:00`; raises ValueError for anything else."""
    found = _TIME.fullmatch(text.strip())
    if found is None or (minutes := int(found[1]) * 60 + int(found[2])) > DAY or int(found[2]) > 59:
        msg = f"{text!r} is not a time from 00:00 to 24:00"
        raise ValueError(msg)
    return minutes


def clock_text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def hours_to_json(hours: OpeningHours) -> list[list[list[str]]]:
    """Seven days of intervals of times, from Monday on: `[[["09:00", "12:30"]], …]`."""
    return [[[clock_text(interval.opens), clock_text(interval.closes)] for interval in day] for day in hours.days]


def hours_from_json(days: Sequence[Sequence[Sequence[str]]]) -> OpeningHours:
    """The inverse of `hours_to_json`; raises ValueError for what is not times. `checked` says whether they make sense."""
    return OpeningHours(tuple(tuple(_interval(pair) for pair in day) for day in days))


def _interval(pair: Sequence[str]) -> Interval:
    if len(pair) != 2:
        msg = "an interval is an opening and a closing time"
        raise ValueError(msg)
    return Interval(clock(pair[0]), clock(pair[1]))


# Who is nearest


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """The great-circle distance of two (latitude, longitude) in degrees, by the haversine formula."""
    (lat1, lon1), (lat2, lon2) = ((math.radians(x), math.radians(y)) for x, y in (a, b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h)))


@dataclass(frozen=True, slots=True, eq=False)
class PoolGeometry:
    """The members of a pool, prepared for `rank`: made once, when the pool is loaded.

    `members` are by priority, then code. Each place is a unit vector from the middle of the earth; a location without
    coordinates has the null vector and a `handicap` that puts it after all others of its priority.
    """

    members: tuple[PoolMember, ...]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    z: NDArray[np.float64]
    handicap: NDArray[np.float64]
    groups: tuple[tuple[int, int], ...]
    """The slices of equal priority."""
    all: NDArray[np.intp]
    points: tuple[tuple[float, float, float, float], ...]
    """The same as (x, y, z, handicap) of each, for pools of so few members that arrays are not worth their while."""

    @classmethod
    def of(cls, members: Sequence[PoolMember]) -> PoolGeometry:
        ordered = tuple(sorted(members, key=lambda member: (member.priority, member.code)))
        placed = np.array([m.latitude is not None and m.longitude is not None for m in ordered], dtype=np.bool_)
        latitude = np.radians(np.array([m.latitude or 0.0 for m in ordered], dtype=np.float64))
        longitude = np.radians(np.array([m.longitude or 0.0 for m in ordered], dtype=np.float64))
        level = np.cos(latitude)
        starts = [i for i, m in enumerate(ordered) if i == 0 or ordered[i - 1].priority != m.priority]
        x = np.where(placed, level * np.cos(longitude), 0.0)
        y = np.where(placed, level * np.sin(longitude), 0.0)
        z = np.where(placed, np.sin(latitude), 0.0)
        handicap = np.where(placed, 0.0, 4.0)
        few = len(ordered) <= _FEW
        return cls(
            members=ordered,
            x=x,
            y=y,
            z=z,
            handicap=handicap,
            points=tuple(zip(x.tolist(), y.tolist(), z.tolist(), handicap.tolist(), strict=True)) if few else (),
            groups=tuple(pairwise([*starts, len(ordered)])),
            all=np.arange(len(ordered), dtype=np.intp),
        )


def rank(
    geometry: PoolGeometry,
    destination: tuple[float, float] | None,
    first: int | None = None,
    among: NDArray[np.intp] | None = None,
) -> list[int]:
    """The positions in `geometry.members` in the order in which to ask them: by priority, then distance, then code.

    `destination` is (latitude, longitude) in degrees; without one distance does not count. `first` stops after so many (all of
    them otherwise), `among` looks only at these positions, which are in ascending order.

    The distance is compared by the cosine of its angle, which is exact to a metre. It is added up by hand rather than as a
    matrix product, because BLAS may round two equal rows differently and would so break ties by chance.
    """
    chosen = geometry.all if among is None else among
    wanted = len(chosen) if first is None else min(first, len(chosen))
    if destination is None or not wanted:
        return chosen[:wanted].tolist()
    latitude, longitude = math.radians(destination[0]), math.radians(destination[1])
    level = math.cos(latitude)
    x, y, z = level * math.cos(longitude), level * math.sin(longitude), math.sin(latitude)
    if geometry.points and among is None:
        far = [handicap - (a * x + b * y + c * z) for a, b, c, handicap in geometry.points]
        return [i for start, end in geometry.groups for i in sorted(range(start, end), key=far.__getitem__)][:wanted]
    apart = _apart(geometry, x, y, z, among)
    if len(geometry.groups) == 1:
        return chosen[_nearest(apart, wanted)].tolist()
    parts: list[NDArray[np.intp]] = []
    for start, end in geometry.groups:
        begin, stop = (start, end) if among is None else (int(i) for i in np.searchsorted(among, (start, end)))
        if begin == stop:
            continue
        parts.append(chosen[begin:stop][_nearest(apart[begin:stop], min(wanted, stop - begin))])
        wanted -= len(parts[-1])
        if not wanted:
            break
    return np.concatenate(parts).tolist()


def _apart(geometry: PoolGeometry, x: float, y: float, z: float, among: NDArray[np.intp] | None) -> NDArray[np.float64]:
    """Grows with the distance: minus the cosine of the angle."""
    if among is None:
        return geometry.handicap - (geometry.x * x + geometry.y * y + geometry.z * z)
    return geometry.handicap[among] - (geometry.x[among] * x + geometry.y[among] * y + geometry.z[among] * z)


_FEW = 16
_WORTH_PARTITIONING = 64


def _nearest(apart: NDArray[np.float64], wanted: int) -> NDArray[np.intp]:
    """The positions of the smallest, in order, ties to the earlier position (which has the earlier code)."""
    if wanted * 4 > len(apart) or len(apart) < _WORTH_PARTITIONING:
        return np.argsort(apart, kind="stable")[:wanted]
    farthest = np.partition(apart, wanted - 1)[wanted - 1]
    candidates = np.flatnonzero(apart <= farthest)  # more than wanted, where several are equally far
    return candidates[np.argsort(apart[candidates], kind="stable")[:wanted]]


# Input


def checked(draft: LocationDraft, checks: Checks) -> LocationDraft:
    """The draft with clean values; what is wrong with it is in `checks`."""
    country = draft.country.strip().upper()
    checks.require("country", bool(_COUNTRY.fullmatch(country)), "is a country's two letters (ISO 3166-1)")
    checks.parsed("time_zone", time_zone, draft.time_zone, None)
    both = (draft.latitude is None) == (draft.longitude is None)
    checks.require("latitude", both, "and longitude go together")
    for path, value, most in (("latitude", draft.latitude, 90), ("longitude", draft.longitude, 180)):
        checks.require(path, value is None or -most <= value <= most, f"is from -{most} to {most} degrees")
    email = checks.words("email", draft.email)
    checks.require("email", not email or bool(_EMAIL.fullmatch(email)), "is an e-mail address")
    if draft.daily_capacity is not None:
        checks.whole("daily_capacity", draft.daily_capacity, 0, MAX_QUANTITY)
    return replace(
        draft,
        code=checks.parsed("code", location_code, draft.code, ""),
        name=checks.words("name", draft.name, least=1),
        kind=checks.parsed("kind", LocationKind, draft.kind, LocationKind.STORE),
        country=country,
        line1=checks.words("line1", draft.line1),
        line2=checks.words("line2", draft.line2),
        postcode=checks.words("postcode", draft.postcode, most=20),
        city=checks.words("city", draft.city),
        region=checks.words("region", draft.region),
        contact=checks.words("contact", draft.contact),
        phone=checks.words("phone", draft.phone, most=40),
        email=email,
        opening_hours=OpeningHours(
            _checked_days(draft.opening_hours, checks), checked_closures(draft.opening_hours.closures, checks)
        ),
    )


def checked_postcode(given: Postcode, checks: Checks) -> Postcode:
    """Clean; what is wrong with it is in `checks`."""
    country, code = given.country.strip().upper(), postcode(given.postcode)
    checks.require("country", bool(_COUNTRY.fullmatch(country)), "is a country's two letters (ISO 3166-1)")
    checks.require("postcode", 1 <= len(code) <= MAX_POSTCODE, f"has 1 to {MAX_POSTCODE} letters and digits")
    for path, value, most in (("latitude", given.latitude, 90), ("longitude", given.longitude, 180)):
        checks.require(path, -most <= value <= most, f"is from -{most} to {most} degrees")
    return Postcode(country, code, given.latitude, given.longitude, checks.words("place", given.place))


def postcode(text: str) -> str:
    """The one way to write a postcode: letters in capitals and digits, nothing else."""
    return "".join(character for character in text.upper() if character.isalnum())


def location_code(text: str) -> str:
    """Codes of locations come from the retailer's other systems and may be anything printable, up to 80 characters."""
    try:
        return printable_code(text)
    except ValueError:
        msg = "has 1 to 80 printable characters"
        raise ValueError(msg) from None


def checked_closures(closures: Closures, checks: Checks) -> Closures:
    """Clean, in order, each once; what is wrong with them is in `checks`."""
    checks.require("closures", len(closures.days) <= MAX_CLOSURES, f"has at most {MAX_CLOSURES} of them")
    days: list[Closure] = []
    for n, one in enumerate(closures.days):
        at = checks.at(f"closures[{n}].")
        at.require("last", one.first <= one.last, "is not before the first day")
        at.require("last", (one.last - one.first).days < MAX_CLOSED, f"is at most {MAX_CLOSED} days after the first")
        days.append(replace(one, reason=at.words("reason", one.reason)))
    country = closures.public_holidays.strip().upper()
    known = not country or keeps_holidays(country)
    checks.require("public_holidays", known, "names a country, or a part of one, whose public holidays are known")
    for n, text in enumerate(closures.open_on):
        checks.require(f"open_on[{n}]", is_day(text), "is a day such as 05-08, or 2027-03-29")
    return Closures(tuple(sorted(set(days))), country, tuple(sorted(set(closures.open_on))))


def is_day(text: str) -> bool:
    """Whether it is the day of one year, or of every year."""
    match = _DAY.fullmatch(text)
    try:
        return match is not None and bool(date.fromisoformat(text if match[1] else f"2000-{text}"))
    except ValueError:
        return False


def _checked_days(hours: OpeningHours, checks: Checks) -> tuple[tuple[Interval, ...], ...]:
    if not hours.stated:
        return ()
    checks.require("opening_hours", len(hours.days) == WEEK, "has seven days, from Monday on")
    days = [tuple(sorted(day)) for day in hours.days]
    for n, day in enumerate(days):
        at = checks.at(f"opening_hours[{n}]")
        at.require("", len(day) <= MAX_INTERVALS, f"has at most {MAX_INTERVALS} intervals")
        at.require("", all(0 <= i.opens < i.closes <= DAY for i in day), "opens before it closes, from 00:00 to 24:00")
        at.require("", all(a.closes <= b.opens for a, b in pairwise(day)), "has intervals that overlap")
    return tuple(days)


def checked_pool(draft: PoolDraft, checks: Checks) -> PoolDraft:
    members = tuple(draft.members)
    checks.require("members", len(members) <= MAX_MEMBERS, f"has at most {MAX_MEMBERS} locations")
    checks.require("members", len({location for location, _ in members}) == len(members), "names a location twice")
    for n, (_, priority) in enumerate(members):
        checks.whole(f"members[{n}].priority", priority, 0, MAX_PRIORITY)
    code = checks.code("code", draft.code)
    return replace(draft, code=code, name=checks.words("name", draft.name) or code, members=members)
