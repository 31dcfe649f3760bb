"""Supplies: what suppliers have promised to send."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import Expectation, Supply, SupplyFilter, SupplyId
from comptoir.modules.inventory.contracts import Quantity as Units
from comptoir.modules.inventory.errors import UnknownSupply
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Named
from comptoir.modules.lots.errors import LotDiffers, LotsNotAsked, TooManyInLots
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, show, show_location
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Day,
    Instant,
    LocationRef,
    Note,
    PageQuery,
    Quantity,
    Reference,
    Request,
    Shape,
    SkuText,
    SupplyRef,
)
from comptoir.surfaces.api.stock import MAX_ROWS, Levels, locations_of, place, shown

supplies = Resource("Supplies", "Units that are on their way from suppliers, with the days that they are promised for.")

_Units = Annotated[int, Meta(examples=[0])]


class SupplyShape(Shape, frozen=True, kw_only=True):
    """Units that are expected at a location."""

    id: SupplyRef
    sku: SkuText
    location_id: LocationRef
    quantity: Quantity
    received: _Units
    cancelled: _Units
    open: Annotated[int, Meta(description="What is still to come.", examples=[24])]
    expected_on: Day
    reference: str
    at: Instant


class Supplies(Shape, frozen=True, kw_only=True):
    """The supplies that were announced, in the order of the request."""

    supplies: list[SupplyShape]


class SupplyQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["expected", "-expected", "at", "-at", "sku", "-sku"] = "expected"
    sku: tuple[SkuText, ...] = ()
    location_id: tuple[LocationRef, ...] = ()
    open_only: bool = False
    reference: Annotated[Reference, Meta(description="What the reference begins with.")] = ""


class ExpectLine(Request, frozen=True, kw_only=True):
    sku: SkuText
    location_id: LocationRef
    quantity: Quantity
    expected_on: Day


class ExpectSupplies(Request, frozen=True, kw_only=True):
    """What a supplier has promised."""

    lines: Annotated[tuple[ExpectLine, ...], Meta(min_length=1, max_length=MAX_ROWS)]
    reference: Annotated[Reference, Meta(examples=["PO-2026-117"])] = ""


class MoveSupply(Request, frozen=True, kw_only=True):
    expected_on: Day


class ReceiveSupplyLine(Request, frozen=True, kw_only=True):
    """So many units of a supply."""

    supply_id: SupplyRef
    sku: SkuText
    quantity: Quantity
    lot: Annotated[
        str,
        Meta(max_length=40, pattern="^[^\\x00]*$", examples=["L2481"], description="What is written on them, if it has lots."),
    ] = ""
    expires_on: Annotated[Day | None, Meta(description="The last day.")] = None


class ReceiveSupplies(Request, frozen=True, kw_only=True):
    """What has arrived, each where it was expected."""

    lines: Annotated[tuple[ReceiveSupplyLine, ...], Meta(min_length=1, max_length=MAX_ROWS)]
    reference: Note = ""


@supplies.get("/v1/supplies", Scope.STOCK_READ)
async def list_supplies(call: Call, query: SupplyQuery) -> Answer[PageOf[SupplyShape]]:
    """List supplies."""
    wanted = SupplyFilter(query.sku or None, locations_of(query.location_id), query.open_only, query.reference)
    async with call.reading() as reader:
        page = await api.find_supplies(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shape)


@supplies.get("/v1/supplies/{supply_id}", Scope.STOCK_READ, refuses=(UnknownSupply,))
async def get_supply(call: Call) -> Answer[SupplyShape]:
    """Get a supply."""
    supply_id = SupplyId(call.id("supply"))
    async with call.reading() as reader:
        found = (await api.supplies(reader, [supply_id])).get(supply_id)
    if found is None:
        raise UnknownSupply(kind="supply", id=supply_id)
    return call.answer(_shape(found))


@supplies.post("/v1/supplies", Scope.STOCK_WRITE, status=201, refuses=(UnknownLocation,))
async def expect_supplies(call: Call, body: ExpectSupplies) -> Answer[Supplies]:
    """Announce supplies: their units are incoming from now on."""
    lines = [Expectation(line.sku, place(line.location_id), line.quantity, line.expected_on) for line in body.lines]
    async with call.transaction() as tx:
        made = await api.expect(tx, lines, reference=body.reference)
        return await call.done(tx, Supplies(supplies=[_shape(one) for one in made]))


@supplies.post("/v1/supplies/receipts", Scope.STOCK_WRITE, refuses=(UnknownSupply, LotsNotAsked, LotDiffers, TooManyInLots))
async def receive_supplies(call: Call, body: ReceiveSupplies) -> Answer[Levels]:
    """Receive supplies, whole or in part. What comes on top of what was expected is taken in as well."""
    lines = [(SupplyId(parsed("supply", line.supply_id)), Units(line.sku, line.quantity)) for line in body.lines]
    async with call.transaction() as tx:
        levels = await api.receive_supplies(tx, lines, reference=body.reference)
        known = await api.supplies(tx, [supply_id for supply_id, _ in lines])
        read: dict[LocationId, list[Named]] = {}
        for line, (supply_id, arrived) in zip(body.lines, lines, strict=True):
            if line.lot or line.expires_on:
                named = Named(arrived.sku, arrived.quantity, line.lot, line.expires_on)
                read.setdefault(known[supply_id].location_id, []).append(named)
        for location_id, rows in sorted(read.items()):
            await lots.name(tx, location_id, rows)
        return await call.done(tx, shown(levels))


@supplies.post("/v1/supplies/{supply_id}/move", Scope.STOCK_WRITE, refuses=(UnknownSupply,))
async def move_supply(call: Call, body: MoveSupply) -> Answer[SupplyShape]:
    """Note that a supply is promised for another day."""
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await api.move_supply(tx, SupplyId(call.id("supply")), body.expected_on)))


@supplies.post("/v1/supplies/{supply_id}/cancel", Scope.STOCK_WRITE, refuses=(UnknownSupply,))
async def cancel_supply(call: Call) -> Answer[SupplyShape]:
    """Note that what has not come will not come. Doing it again changes nothing."""
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await api.cancel_supply(tx, SupplyId(call.id("supply")))))


def _shape(supply: Supply) -> SupplyShape:
    return SupplyShape(
        id=show("supply", supply.id),
        sku=supply.sku,
        location_id=show_location(supply.location_id),
        quantity=supply.quantity,
        received=supply.received,
        cancelled=supply.cancelled,
        open=supply.open,
        expected_on=supply.expected_on,
        reference=supply.reference,
        at=supply.at,
    )
