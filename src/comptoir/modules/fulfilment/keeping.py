"""Promises that counters kept, or that nobody has kept yet although their day is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from comptoir.modules.fulfilment.contracts import Broken, Kept
from comptoir.modules.fulfilment.store import kept as store
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Reader


async def kept(reader: Reader, since: date, until: date, zones: Mapping[LocationId, str]) -> list[Kept]:
    """Of promises for the days from `since` up to `until`: ready at the counter on the day that was told, or by the time; what
    was to be at a door and has not even left is broken. `zones` are the time zones of the locations.
    """
    return await store.kept(reader, since, until, zones)


async def broken(
    reader: Reader, since: date, until: date, zones: Mapping[LocationId, str], *, limit: int = 100
) -> list[Broken]:
    """Those of them that were not kept, the latest day first."""
    return await store.broken(reader, since, until, zones, limit)
