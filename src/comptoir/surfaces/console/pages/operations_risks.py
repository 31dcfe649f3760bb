"""Promises that have been missed or will be, the most urgent first, each with its reason and what is best done next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FulfilmentFilter
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import WaitingFilter
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import MovingFilter
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Count, Page
from comptoir.surfaces.console.pages import operations_sources as sources
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.pages.operations_rows import Row, of_parcel, of_waiting, of_work
from comptoir.surfaces.console.pages.operations_standings import AT_LOCATIONS, Horizon
from comptoir.surfaces.console.web import PAGE_SIZE, Visit

SHOWN = 8
"""So many are named in the tower."""
_LAST = datetime.max.replace(tzinfo=UTC)


def _work(visit: Visit, ahead: Horizon) -> FulfilmentFilter:
    return FulfilmentFilter(stages=AT_LOCATIONS, due=ahead.risk, locations=visit.places())


def _waiting(visit: Visit, ahead: Horizon) -> WaitingFilter:
    return WaitingFilter(promised_before=ahead.risk.on, pickups=visit.places())


def _moving(visit: Visit) -> MovingFilter:
    return MovingFilter(late_at=visit.page.now, locations=visit.places())


async def most_urgent(visit: Visit, reader: Reader, sites: Sites, ahead: Horizon, limit: int = SHOWN) -> list[Row]:
    """Of all that is at risk, whose time ends first. Three queries, and those for names."""
    now = visit.page.now
    work = (await fulfilment.find(reader, _work(visit, ahead), sort="due", limit=limit)).items
    waiting = (await orders.find_waiting(reader, _waiting(visit, ahead), limit=limit)).items
    parcels = (await tracking.overview.moving(reader, _moving(visit), now, limit=limit)).items
    called = await sources.names(visit, reader, sites, work, waiting)
    rows = [
        *(of_work(visit, one, called) for one in work),
        *(of_waiting(visit, one, called) for one in waiting),
        *(of_parcel(visit, one, called) for one in parcels),
    ]
    return sorted(rows, key=lambda row: (row.ends or _LAST, row.since))[:limit]


@dataclass(frozen=True, slots=True)
class Listed:
    """One of the three lists of promises, with how many each has."""

    rows: Sequence[Row]
    before: str | None
    after: str | None
    totals: dict[str, Count]


async def listed(visit: Visit, reader: Reader, sites: Sites, ahead: Horizon, which: str) -> Listed:
    now = visit.page.now
    late = _moving(visit)
    totals = {
        "locations": await fulfilment.count(reader, _work(visit, ahead)),
        "carriers": await tracking.overview.count_moving(reader, late, now),
        "stock": await orders.count_waiting(reader, _waiting(visit, ahead)),
    }
    page: Page[Row]
    if which == "carriers":
        parcels = await tracking.overview.moving(reader, late, now, limit=PAGE_SIZE, cursor=visit.cursor)
        called = await sources.names(visit, reader, sites)
        page = parcels.map(lambda one: of_parcel(visit, one, called))
    elif which == "stock":
        waiting = await orders.find_waiting(reader, _waiting(visit, ahead), limit=PAGE_SIZE, cursor=visit.cursor)
        called = await sources.names(visit, reader, sites, waiting=waiting.items)
        page = waiting.map(lambda one: of_waiting(visit, one, called))
    else:
        work = await fulfilment.find(reader, _work(visit, ahead), sort="due", limit=PAGE_SIZE, cursor=visit.cursor)
        called = await sources.names(visit, reader, sites, work.items)
        page = work.map(lambda one: of_work(visit, one, called))
    return Listed(page.items, page.previous, page.next, totals)
