"""Where lists of open work come from: each standing is read from the module that knows it, and shown as the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentFilter, Method
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId, WaitingFilter, WaitingOrder
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import InTroubleFilter, MovingFilter, TroubleKind
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Count, Page
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.operations_rows import Names, Row, of_parcel, of_trouble, of_waiting, of_work
from comptoir.surfaces.console.pages.operations_standings import AT_LOCATIONS, STAGES, Standing, horizon, span
from comptoir.surfaces.console.web import PAGE_SIZE, Visit


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for. `standing` None is all that stands at locations."""

    standing: Standing | None
    age: str
    locations: tuple[LocationId, ...]
    channel: str
    method: Method | None
    late: bool
    kind: TroubleKind | None
    search: str


def wanted_of(visit: Visit) -> Wanted:
    return Wanted(
        standing=lists.chosen(visit, "stage", Standing),
        age=visit.param("age"),
        locations=visit.places(),
        channel=visit.param("channel"),
        method=lists.chosen(visit, "method", Method),
        late=visit.param("late") == "yes",
        kind=lists.chosen(visit, "kind", TroubleKind),
        search=visit.param("q").strip(),
    )


async def names(
    visit: Visit, reader: Reader, sites: Sites, work: Iterable[Fulfilment] = (), waiting: Iterable[WaitingOrder] = ()
) -> Names:
    """At most three queries."""
    channels = await channels_of(visit, reader)
    people = await people_of(visit, reader, {one.assignee for one in work if one.assignee}, channels)
    goods = await lists.goods(reader, {sku for one in waiting for sku in one.skus})
    return Names(channels, sites, people, goods)


@dataclass(frozen=True, slots=True)
class Look:
    """A list that is looked at: which, and as of when. `clock` is the time of the trade, from which ages of orders count."""

    visit: Visit
    reader: Reader
    wanted: Wanted
    sites: Sites
    clock: datetime

    @property
    def work(self) -> FulfilmentFilter:
        wanted = self.wanted
        stages, settled = AT_LOCATIONS, None
        if wanted.standing is not None and wanted.standing in STAGES:
            stage, settled = STAGES[wanted.standing]
            stages = (stage,)
        since, before = span(wanted.age, self.clock)
        return FulfilmentFilter(
            stages=stages,
            settled=settled,
            locations=self.wanted.locations,
            channel=wanted.channel,
            method=wanted.method,
            placed_from=since,
            placed_before=before,
            due=horizon(self.visit).late if wanted.late else None,
            search=wanted.search,
        )

    @property
    def waiting(self) -> WaitingFilter:
        since, before = span(self.wanted.age, self.clock)
        return WaitingFilter(
            channel=self.wanted.channel,
            pickups=self.wanted.locations,
            placed_from=since,
            placed_before=before,
            promised_before=horizon(self.visit).late.on if self.wanted.late else None,
            search=self.wanted.search,
        )

    @property
    def moving(self) -> MovingFilter:
        since, before = span(self.wanted.age, self.visit.page.now)
        return MovingFilter(
            locations=self.wanted.locations,
            channel=self.wanted.channel,
            shipped_from=since,
            shipped_before=before,
            in_trouble=False,
            late_at=self.visit.page.now if self.wanted.late else None,
            search=self.wanted.search,
        )

    @property
    def troubled(self) -> InTroubleFilter:
        since, before = span(self.wanted.age, self.visit.page.now)
        return InTroubleFilter(
            kinds=() if self.wanted.kind is None else (self.wanted.kind,),
            locations=self.wanted.locations,
            channel=self.wanted.channel,
            opened_from=since,
            opened_before=before,
            search=self.wanted.search,
        )


async def count(look: Look) -> Count:
    match look.wanted.standing:
        case Standing.STOCK:
            return await orders.count_waiting(look.reader, look.waiting)
        case Standing.ON_THE_WAY:
            return await tracking.overview.count_moving(look.reader, look.moving, look.visit.page.now)
        case Standing.TROUBLE:
            return await tracking.overview.count_in_trouble(look.reader, look.troubled)
        case _:
            return await fulfilment.count(look.reader, look.work)


async def rows(look: Look, cursor: str | None, limit: int = PAGE_SIZE) -> Page[Row]:
    """A page of exactly those, what has the least time left first; troubles by when they began."""
    visit, reader, sites = look.visit, look.reader, look.sites
    match look.wanted.standing:
        case Standing.STOCK:
            waiting = await orders.find_waiting(reader, look.waiting, limit=limit, cursor=cursor)
            called = await names(visit, reader, sites, waiting=waiting.items)
            return waiting.map(lambda one: of_waiting(visit, one, called))
        case Standing.ON_THE_WAY:
            moving = await tracking.overview.moving(reader, look.moving, visit.page.now, limit=limit, cursor=cursor)
            called = await names(visit, reader, sites)
            return moving.map(lambda one: of_parcel(visit, one, called))
        case Standing.TROUBLE:
            troubled = await tracking.overview.in_trouble(reader, look.troubled, limit=limit, cursor=cursor)
            called = await names(visit, reader, sites)
            numbers = await _numbers(reader, [one.order_id for one in troubled.items if one.parcel is None])
            return troubled.map(lambda one: of_trouble(visit, one, numbers, called))
        case _:
            work = await fulfilment.find(reader, look.work, sort="due", limit=limit, cursor=cursor)
            called = await names(visit, reader, sites, work.items)
            return work.map(lambda one: of_work(visit, one, called))


async def _numbers(reader: Reader, ids: Sequence[OrderId]) -> dict[OrderId, int]:
    """Of orders of which no parcel has left."""
    return {key: order.number for key, order in (await orders.open_orders(reader, ids)).items()} if ids else {}
