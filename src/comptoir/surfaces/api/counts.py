"""Counts: what somebody found on the shelf."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import Counted, CountId, StockCount
from comptoir.modules.inventory.errors import UnknownCount
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import show, show_actor, show_location
from comptoir.surfaces.api.operations import Answer, PageOf
from comptoir.surfaces.api.shapes import Actor, Count, CountRef, Instant, LocationRef, Note, PageQuery, Request, Shape, SkuText
from comptoir.surfaces.api.stock import MAX_ROWS, UnitChange, UnitCount, place, stock


class CountLineGiven(Request, frozen=True, kw_only=True):
    """What is on the shelf; `expected` is what the books said when it was counted, without it what they say now."""

    sku: SkuText
    counted: Count
    expected: Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000)] | None = None


class CountStock(Request, frozen=True, kw_only=True):
    """What somebody found."""

    location_id: LocationRef
    lines: Annotated[tuple[CountLineGiven, ...], Meta(min_length=1, max_length=MAX_ROWS)]
    note: Note = ""


class CountQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["at", "-at"] = "-at"
    location_id: tuple[LocationRef, ...] = ()


class CountedShape(Shape, frozen=True, kw_only=True):
    sku: SkuText
    expected: UnitCount
    counted: UnitCount
    difference: UnitChange


class CountShape(Shape, frozen=True, kw_only=True):
    """A count. `lines` is empty in a list."""

    id: CountRef
    location_id: LocationRef
    at: Instant
    actor: Actor
    note: str
    skus: UnitCount
    differences: Annotated[int, Meta(description="How many SKUs were not as expected.", examples=[1])]
    lines: list[CountedShape]


@stock.post("/v1/stock/counts", Scope.STOCK_WRITE, status=201, refuses=(UnknownLocation,))
async def count_stock(call: Call, body: CountStock) -> Answer[CountShape]:
    """Record a count.

    Differences go into the ledger, and what they break is told. That there was none is recorded as well.
    """
    lines = [Counted(line.sku, line.counted, line.expected) for line in body.lines]
    async with call.transaction() as tx:
        made = await api.count(tx, place(body.location_id), lines, body.note)
        return await call.done(tx, _count(made))


@stock.get("/v1/stock/counts", Scope.STOCK_READ)
async def list_stock_counts(call: Call, query: CountQuery) -> Answer[PageOf[CountShape]]:
    """List counts."""
    places = [place(one) for one in query.location_id]
    async with call.reading() as reader:
        page = await api.find_counts(reader, places, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _count)


@stock.get("/v1/stock/counts/{count_id}", Scope.STOCK_READ, refuses=(UnknownCount,))
async def get_stock_count(call: Call) -> Answer[CountShape]:
    """Get a count with its lines."""
    async with call.reading() as reader:
        found = await api.stock_count(reader, CountId(call.id("count")))
    return call.answer(_count(found))


def _count(count: StockCount) -> CountShape:
    return CountShape(
        id=show("count", count.id),
        location_id=show_location(count.location_id),
        at=count.at,
        actor=show_actor(count.actor),
        note=count.note,
        skus=count.skus,
        differences=count.differences,
        lines=[
            CountedShape(sku=line.sku, expected=line.expected, counted=line.counted, difference=line.difference)
            for line in count.lines
        ],
    )
