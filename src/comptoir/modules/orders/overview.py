"""What waits at this moment, for whoever has an eye on all of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import UrgentException, WaitingAge, WaitingFilter, WaitingOrder
from comptoir.modules.orders.store import overview as store
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Count, Page


async def find_waiting(
    reader: Reader, wanted: WaitingFilter, *, sort: str = "due", limit: int = 50, cursor: str | None = None
) -> Page[WaitingOrder]:
    """Orders with units that wait for stock. Sorts: placed, due (what was promised for the earliest day first), and each with
    a `-` before it.
    """
    return await store.WAITING.page(reader, store.where_waiting(wanted), sort=sort, limit=limit, cursor=cursor)


async def count_waiting(reader: Reader, wanted: WaitingFilter) -> Count:
    return await store.WAITING.count(reader, store.where_waiting(wanted))


async def waiting_ages(reader: Reader, bounds: Sequence[datetime], *, late_on: date, risk_on: date) -> list[WaitingAge]:
    """Orders that wait for stock by when they were placed; `bounds` are the earliest first. Late and at risk are those that
    were promised for a day before these.
    """
    return await store.ages(reader, bounds, late_on, risk_on)


async def urgent_exceptions(reader: Reader, risk_on: date, limit: int = 50) -> list[UrgentException]:
    """Open exceptions, those first of whose orders the promised day is before this one, then what is worth most, then the
    oldest. Amounts of several currencies are compared as numbers.
    """
    return await store.urgent(reader, risk_on, limit)


async def rejected_since(reader: Reader, since: Sequence[tuple[LocationId, datetime]]) -> dict[LocationId, int]:
    """Of how many orders each location gave units back, since an instant of its own; those with none are left out."""
    return await store.rejected(reader, since) if since else {}
