"""Which locations have how much to do, against what they can do in a day: a map, and the same as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import cast
from zoneinfo import ZoneInfo

from comptoir.i18n import N_
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import PlaceCount, Stage
from comptoir.modules.locations.contracts import Location, LocationId
from comptoir.modules.orders import api as orders
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.pages.locations import map_of
from comptoir.surfaces.console.pages.operations_standings import AT_LOCATIONS, Standing, orders_href
from comptoir.surfaces.console.web import Visit

FULL, NEARLY = 1.0, 0.8


@dataclass(frozen=True, slots=True)
class Load:
    """What a location has to do. `given` is what it was given today, by its own clock, of `capacity`; None for no limit."""

    location: Location
    name: str
    href: str
    open: int
    ready: int
    late: int
    late_href: str
    ready_href: str
    given: int
    capacity: int | None
    rejected: int
    """Orders of which it gave units back today."""

    @property
    def share(self) -> float | None:
        return None if self.capacity is None else self.given / max(1, self.capacity)

    @property
    def tone(self) -> str:
        """What is late needs somebody; what is nearly full, or gives orders back, is to be watched."""
        share = self.share or 0.0
        if self.late or share > FULL:
            return "bad"
        return "warn" if share >= NEARLY or self.rejected else ""

    @property
    def is_busy(self) -> bool:
        return bool(self.open or self.ready or self.given or self.rejected)


def midnights(places: Iterable[Location], now: datetime) -> list[tuple[LocationId, datetime]]:
    """When today began, at each of them."""
    begun: list[tuple[LocationId, datetime]] = []
    for place in places:
        zone = ZoneInfo(place.time_zone)
        begun.append((place.id, datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(UTC)))
    return sorted(begun)


async def read(reader: Reader, sites: Sites, work: Iterable[PlaceCount], now: datetime) -> list[Load]:
    """Two queries. Those that need somebody first, then the fullest, then those with most to do."""
    since = midnights([one for one in sites.rows if one.active], now)
    given = await fulfilment.load_since(reader, since) if since else {}
    return loads(sites.rows, work, given, await orders.rejected_since(reader, since))


def loads(
    places: Iterable[Location],
    work: Iterable[PlaceCount],
    given: Mapping[LocationId, int],
    rejected: Mapping[LocationId, int],
) -> list[Load]:
    at: dict[LocationId, list[PlaceCount]] = {}
    for one in work:
        at.setdefault(one.location_id, []).append(one)
    found: list[Load] = []
    for place in places:
        own = at.get(place.id, [])
        text = Sites.text(place.id)
        found.append(
            Load(
                location=place,
                name=lists.label(place),
                href=orders_href(location=text),
                open=sum(one.count for one in own if one.stage in AT_LOCATIONS),
                ready=sum(one.count for one in own if one.stage is Stage.READY),
                late=sum(one.late for one in own if one.stage in AT_LOCATIONS),
                late_href=orders_href(location=text, late="yes"),
                ready_href=orders_href(stage=Standing.READY.value, location=text),
                given=given.get(place.id, 0),
                capacity=place.daily_capacity,
                rejected=rejected.get(place.id, 0),
            )
        )
    order = {"bad": 0, "warn": 1, "": 2}
    return sorted(
        (one for one in found if one.location.active or one.is_busy),
        key=lambda one: (order[one.tone], -one.late, -(one.share or 0.0), -one.open, one.name.casefold()),
    )


def spec(visit: Visit, found: Sequence[Load]) -> dict[str, object] | None:
    """The map: as large as what is open, and marked where somebody has to look."""
    by_id = {one.location.id: one for one in found}

    def sized(place: Location) -> tuple[float, str]:
        return by_id[place.id].open, words(visit, by_id[place.id])

    drawn = map_of(visit, [one.location for one in found], sized)
    if drawn is None:
        return None
    placed = [one for one in found if one.location.latitude is not None and one.location.longitude is not None]
    points = cast("list[dict[str, object]]", drawn["points"])
    marked = [point | {"tone": one.tone, "href": one.href} for point, one in zip(points, placed, strict=True)]
    return drawn | {"points": marked, "words": summary(visit, found)}


def words(visit: Visit, one: Load) -> str:
    parts = [visit.says("%(num)s to do", "%(num)s to do", one.open)]
    if one.capacity is not None:
        parts.append(
            visit.say(
                N_("%(given)s of %(most)s for today"),
                given=formatting.number(one.given, visit.page.locale),
                most=formatting.number(one.capacity, visit.page.locale),
            )
        )
    if one.late:
        parts.append(visit.says("%(num)s late", "%(num)s late", one.late))
    if one.rejected:
        parts.append(visit.says("%(num)s given back today", "%(num)s given back today", one.rejected))
    return " · ".join(parts)


def summary(visit: Visit, found: Sequence[Load]) -> str:
    """What the map shows, in a sentence."""
    busy = sum(1 for one in found if one.open)
    full = sum(1 for one in found if (one.share or 0.0) >= FULL)
    late = sum(1 for one in found if one.late)
    parts = [visit.says("%(num)s location has something to do", "%(num)s locations have something to do", busy)]
    if full:
        parts.append(visit.says("%(num)s is full for today", "%(num)s are full for today", full))
    if late:
        parts.append(visit.says("%(num)s is late with something", "%(num)s are late with something", late))
    return ", ".join(parts) + "."
