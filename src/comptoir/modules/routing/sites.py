"""Locations as routing sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from comptoir.modules.locations.contracts import Location, LocationId
from comptoir.modules.routing.contracts import Site, SiteSettings
from comptoir.modules.routing.domain.learning import Lesson
from comptoir.modules.routing.store import lessons as store_lessons
from comptoir.modules.routing.store import sets as store
from comptoir.runtime.database import Reader


async def site_settings(reader: Reader, locations: Sequence[LocationId]) -> dict[LocationId, SiteSettings]:
    """Of each of these locations; the defaults where nobody has said anything."""
    there = await store.sites(reader, locations)
    return {location: there.get(location) or SiteSettings(location_id=location) for location in locations}


async def sites(reader: Reader, locations: Sequence[Location], priorities: Mapping[LocationId, int]) -> list[Site]:
    """These locations as routing sees them. `priorities` are those of the pool, 0 where it does not say."""
    known = await site_settings(reader, [location.id for location in locations])
    learned = (await store_lessons.lessons(reader)).sites
    return [_site(one, known[one.id], priorities.get(one.id, 0), learned.get(one.id, _NOTHING)) for one in locations]


_NOTHING = Lesson()


def _site(location: Location, known: SiteSettings, priority: int, learned: Lesson) -> Site:
    return Site(
        id=location.id,
        code=location.code,
        name=location.name,
        kind=location.kind,
        country=location.country,
        time_zone=location.time_zone,
        latitude=location.latitude,
        longitude=location.longitude,
        priority=priority,
        active=location.active,
        ships=location.ships,
        pickup=location.pickup,
        hours=location.opening_hours,
        capacity=location.daily_capacity,
        pick_cost=known.pick_cost,
        pack_cost=known.pack_cost,
        cut_off=known.cut_off,
        preparation=known.preparation,
        works=known.works,
        slack=learned.slack,
    )
