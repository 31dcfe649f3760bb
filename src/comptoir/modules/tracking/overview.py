"""What is on its way at this moment, how long already, and what about it is open: for whoever has an eye on all of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from comptoir.modules.tracking.contracts import InTrouble, InTroubleFilter, MovingFilter, ParcelAge, Tracked
from comptoir.modules.tracking.store import overview as store
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Count, Page


async def ages(reader: Reader, bounds: Sequence[datetime], now: datetime) -> list[ParcelAge]:
    """How many parcels are on their way by when they left, and how many troubles are open by kind and by when they were opened;
    `bounds` are the earliest first.
    """
    return await store.ages(reader, bounds, now)


async def moving(
    reader: Reader, wanted: MovingFilter, now: datetime, *, sort: str = "due", limit: int = 50, cursor: str | None = None
) -> Page[Tracked]:
    """Sorts: shipped, due (what was promised for the earliest day first), and each with a `-` before it."""
    return await store.MOVING.page(reader, store.where_moving(wanted, now), sort=sort, limit=limit, cursor=cursor)


async def count_moving(reader: Reader, wanted: MovingFilter, now: datetime) -> Count:
    return await store.MOVING.count(reader, store.where_moving(wanted, now))


async def in_trouble(
    reader: Reader, wanted: InTroubleFilter, *, sort: str = "opened", limit: int = 50, cursor: str | None = None
) -> Page[InTrouble]:
    """Sorts: opened and -opened."""
    return await store.TROUBLED.page(reader, store.where_troubled(wanted), sort=sort, limit=limit, cursor=cursor)


async def count_in_trouble(reader: Reader, wanted: InTroubleFilter) -> Count:
    return await store.TROUBLED.count(reader, store.where_troubled(wanted))
