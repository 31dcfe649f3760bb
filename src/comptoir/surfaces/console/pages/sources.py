"""Which other locations could serve, and how far away they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId, PoolMember
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.web import Visit


@dataclass(frozen=True, slots=True)
class Target:
    """A location that could serve instead, and how far it is, in km, where both places are known."""

    location_id: LocationId
    available: int
    distance: float | None


async def nearest_sources(
    reader: Reader, sku: str, members: Sequence[PoolMember], origin: LocationId | None, limit: int = 40
) -> list[Target]:
    """Who of a pool has some of the SKU, the nearest to the origin first."""
    by_id = {member.id: member for member in members if member.active}
    here = by_id.get(origin) if origin is not None else None
    found = await inventory.available_in_pool(reader, [sku], [one for one in by_id if one != origin])
    targets = [Target(location, available, distance(here, by_id[location])) for _, location, available in found]
    return sorted(targets, key=lambda t: (t.distance is None, t.distance or 0, -t.available, t.location_id))[:limit]


def distance(here: PoolMember | None, there: PoolMember) -> float | None:
    """In km, where both places are known."""
    if here is None or here.latitude is None or here.longitude is None or there.latitude is None or there.longitude is None:
        return None
    return locations.distance_km((here.latitude, here.longitude), (there.latitude, there.longitude))


def target_words(visit: Visit, target: Target, name: str) -> str:
    locale = visit.page.locale
    words = visit.say(N_("%(place)s · %(units)s available"), place=name, units=formatting.number(target.available, locale))
    if target.distance is None:
        return words
    return f"{words} · {formatting.number(round(target.distance), locale)} km"
