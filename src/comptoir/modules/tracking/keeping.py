"""Promises that were kept at doors: an order counts by the parcel that came last."""

from __future__ import annotations

from datetime import date

from comptoir.modules.fulfilment.contracts import Broken, Kept
from comptoir.modules.tracking.store import kept as store
from comptoir.runtime.database import Reader


async def kept(reader: Reader, since: date, until: date) -> list[Kept]:
    """Of orders that were promised for the days from `since` up to `until`, a day that is over."""
    return await store.kept(reader, since, until)


async def broken(reader: Reader, since: date, until: date, *, limit: int = 100) -> list[Broken]:
    """Those of them that were not kept, the latest day first."""
    return await store.broken(reader, since, until, limit)
