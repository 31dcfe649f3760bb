"""Lots and expiry: what lies where and until when, recalls, and which order got which lot."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from comptoir.modules.fulfilment.contracts import FulfilmentId
from comptoir.modules.fulfilment.errors import UnknownFulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import TransferId
from comptoir.modules.inventory.errors import UnknownTransfer
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.lots import api
from comptoir.modules.lots.contracts import Named, Picked, Shelf, ShelfFilter, Terms, Tracks
from comptoir.modules.lots.errors import LotDiffers, LotRefused, LotsNotAsked, TooManyInLots, UnknownLot
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Reader
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import show, show_actor, show_location
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Actor,
    Day,
    FulfilmentRef,
    Instant,
    LineNo,
    LocationRef,
    Note,
    OrderRef,
    PageQuery,
    Quantity,
    Request,
    Shape,
    SkuText,
)
from comptoir.surfaces.api.stock import UnitCount, locations_of, place

lots = Resource("Lots", "Lots and expiry: what lies where and until when, recalls, and which order got which lot.")

LotCode = Annotated[str, Meta(max_length=40, pattern="^[^\\x00]*$", examples=["L2481"])]
_Days = Annotated[int, Meta(ge=0, le=3650, examples=[5])]
_Expires = Annotated[Day | None, Meta(description="The last day.")]


class LotTerms(Request, frozen=True, kw_only=True):
    """What a SKU asks for."""

    sku: SkuText
    tracks: Annotated[Tracks | None, Meta(description="None: it has no lots any more.")]
    shelf_life_left: Annotated[_Days, Meta(description="Days that have to be left when it reaches the buyer.")] = 0
    transit_days: Annotated[int, Meta(ge=0, le=60, description="Days that it takes to the buyer.", examples=[2])] = 2


class PutLotTerms(Request, frozen=True, kw_only=True):
    rows: Annotated[tuple[LotTerms, ...], Meta(min_length=1, max_length=1000)]


class WrittenLotTerms(Shape, frozen=True, kw_only=True):
    rows: Annotated[int, Meta(examples=[1])]


class LotsQuery(PageQuery, frozen=True, kw_only=True):
    sku: SkuText | None = None
    lot: LotCode | None = None
    location_id: tuple[LocationRef, ...] = ()
    expires_before: Annotated[Day | None, Meta(description="Not included.")] = None
    held: Annotated[bool, Meta(description="Only what is kept from buyers: take it off the shelf.")] = False


class LotShape(Shape, frozen=True, kw_only=True):
    """So much of a lot at a location."""

    sku: SkuText
    lot: LotCode
    location_id: LocationRef
    expires_on: _Expires
    blocked: bool
    on_hand: UnitCount
    held: Annotated[int, Meta(description="Of these, kept from buyers in the quality hold.", examples=[0])]
    received_at: Instant


class NamedUnits(Request, frozen=True, kw_only=True):
    """Units of which somebody has read the lot or the date."""

    sku: SkuText
    quantity: Quantity
    lot: Annotated[LotCode, Meta(description="Without it the date is the lot.")] = ""
    expires_on: _Expires = None


class NameLots(Request, frozen=True, kw_only=True):
    location_id: LocationRef
    lines: Annotated[tuple[NamedUnits, ...], Meta(min_length=1, max_length=1000)]


class LotOf(Request, frozen=True, kw_only=True):
    sku: SkuText
    lot: Annotated[LotCode, Meta(min_length=1)]


class BlockLot(LotOf, frozen=True, kw_only=True):
    note: Annotated[Note, Meta(examples=["Glass found in it"])] = ""


class AdjustLot(BlockLot, frozen=True, kw_only=True):
    location_id: LocationRef
    to: Annotated[int, Meta(ge=0, examples=[4], description="So many are there.")]


class WriteOffLot(BlockLot, frozen=True, kw_only=True):
    location_id: LocationRef
    quantity: Quantity


class LotWritten(Shape, frozen=True, kw_only=True):
    sku: SkuText
    lot: LotCode


class LotUseShape(Shape, frozen=True, kw_only=True):
    """Units of a lot that an order got."""

    order_id: OrderRef
    fulfilment_id: FulfilmentRef
    line_no: LineNo
    location_id: LocationRef
    sku: SkuText
    lot: LotCode
    quantity: Quantity
    at: Instant
    actor: Actor


class LotUsesQuery(PageQuery, frozen=True, kw_only=True):
    sku: SkuText
    lot: Annotated[LotCode, Meta(min_length=1)]


class LotsOfOrder(Shape, frozen=True, kw_only=True):
    items: list[LotUseShape]


class PickLot(Request, frozen=True, kw_only=True):
    line_no: LineNo
    quantity: Quantity
    lot: LotCode = ""
    expires_on: _Expires = None


class CarriedLot(Shape, frozen=True, kw_only=True):
    """So much of a lot in a transfer."""

    sku: SkuText
    lot: Annotated[LotCode, Meta(description="Empty: units of which nobody knows the lot.")]
    expires_on: _Expires
    blocked: bool
    sent: UnitCount
    received: Annotated[int, Meta(description="More than was sent, where a lot came that was not.", examples=[0])]
    missing: Annotated[int, Meta(examples=[0])]
    assumed: Annotated[bool, Meta(description="Nobody has read that it is this lot: it is what expires first.")]
    read_out: Annotated[int, Meta(description="Read where it leaves, and not sent yet.", examples=[0])]
    read_in: Annotated[int, Meta(description="Read where it arrives, and not received yet.", examples=[0])]


class LotsOfTransfer(Shape, frozen=True, kw_only=True):
    items: list[CarriedLot]


class TransferLots(Request, frozen=True, kw_only=True):
    lines: Annotated[tuple[NamedUnits, ...], Meta(min_length=1, max_length=1000)]


@lots.get("/v1/lots", Scope.STOCK_READ)
async def list_lots(call: Call, query: LotsQuery) -> Answer[PageOf[LotShape]]:
    """List what lies where of which lot, by SKU."""
    wanted = ShelfFilter(query.sku, query.lot, locations_of(query.location_id), query.expires_before, query.held)
    async with call.reading() as reader:
        page = await api.find(reader, wanted, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shelf)


@lots.put("/v1/lots/terms", Scope.CATALOGUE_WRITE)
async def put_lot_terms(call: Call, body: PutLotTerms) -> Answer[WrittenLotTerms]:
    """Say which SKUs have lots, and how long they have to last; other SKUs stay as they are."""
    wanted = [Terms(row.sku, row.tracks, row.shelf_life_left, row.transit_days) for row in body.rows if row.tracks is not None]
    async with call.transaction() as tx:
        if wanted:
            await api.put_terms(tx, wanted)
        for row in body.rows:
            if row.tracks is None:
                await api.drop_terms(tx, row.sku)
        return await call.done(tx, WrittenLotTerms(rows=len(body.rows)))


@lots.post("/v1/lots/names", Scope.STOCK_WRITE, refuses=(UnknownLocation, LotsNotAsked, LotDiffers, TooManyInLots))
async def name_lots(call: Call, body: NameLots) -> Answer[WrittenLotTerms]:
    """Say which lot units are that are on hand, as a rule after they were received.

    However they came: received, announced, transferred, counted or taken back. Units of which nobody says a lot are in none.
    """
    rows = [Named(line.sku, line.quantity, line.lot, line.expires_on) for line in body.lines]
    async with call.transaction() as tx:
        await api.name(tx, place(body.location_id), rows)
        return await call.done(tx, WrittenLotTerms(rows=len(rows)))


@lots.post("/v1/lots/adjustments", Scope.STOCK_WRITE, refuses=(UnknownLocation, UnknownLot, TooManyInLots))
async def adjust_lot(call: Call, body: AdjustLot) -> Answer[LotWritten]:
    """Correct how much is of a lot; what is on hand in all stays."""
    async with call.transaction() as tx:
        await api.adjust(tx, place(body.location_id), body.sku, body.lot, body.to, body.note)
        await staff.record(tx, "lot.adjust", body.sku, {"lot": body.lot, "to": body.to}, address=call.address)
        return await call.done(tx, LotWritten(sku=body.sku, lot=body.lot))


@lots.post("/v1/lots/write-offs", Scope.STOCK_WRITE, refuses=(UnknownLocation, UnknownLot, TooManyInLots))
async def write_off_lot(call: Call, body: WriteOffLot) -> Answer[LotWritten]:
    """Units of a lot were taken off the shelf and thrown away: they are not on hand any more."""
    async with call.transaction() as tx:
        await api.write_off(tx, place(body.location_id), body.sku, body.lot, body.quantity, body.note)
        told = {"lot": body.lot, "quantity": body.quantity}
        await staff.record(tx, "lot.off", body.sku, told, address=call.address)
        return await call.done(tx, LotWritten(sku=body.sku, lot=body.lot))


@lots.post("/v1/lots/block", Scope.STOCK_WRITE, refuses=(UnknownLot,))
async def block_lot(call: Call, body: BlockLot) -> Answer[LotWritten]:
    """Recall a lot: nobody gets it any more, from anywhere. `/v1/lots/orders` says who has got it."""
    async with call.transaction() as tx:
        await api.block(tx, body.sku, body.lot, body.note)
        await staff.record(tx, "lot.block", body.sku, {"lot": body.lot, "note": body.note}, address=call.address)
        return await call.done(tx, LotWritten(sku=body.sku, lot=body.lot))


@lots.post("/v1/lots/unblock", Scope.STOCK_WRITE, refuses=(UnknownLot,))
async def unblock_lot(call: Call, body: LotOf) -> Answer[LotWritten]:
    """A lot may be sold again."""
    async with call.transaction() as tx:
        await api.unblock(tx, body.sku, body.lot)
        await staff.record(tx, "lot.unblock", body.sku, {"lot": body.lot}, address=call.address)
        return await call.done(tx, LotWritten(sku=body.sku, lot=body.lot))


@lots.get("/v1/lots/orders", Scope.ORDERS_READ)
async def list_orders_of_lot(call: Call, query: LotUsesQuery) -> Answer[PageOf[LotUseShape]]:
    """List who got a lot, the latest first."""
    async with call.reading() as reader:
        page = await api.orders_of(reader, query.sku, query.lot, limit=query.limit, cursor=query.cursor)
    return call.page(page, _used)


@lots.get("/v1/orders/{order_id}/lots", Scope.ORDERS_READ)
async def list_lots_of_order(call: Call) -> Answer[LotsOfOrder]:
    """List which lots an order got."""
    async with call.reading() as reader:
        found = await api.of_order(reader, OrderId(call.id("order")))
    return call.answer(LotsOfOrder(items=[_used(one) for one in found]))


@lots.post(
    "/v1/fulfilments/{fulfilment_id}/lots",
    Scope.FULFILMENT_WRITE,
    refuses=(UnknownFulfilment, LotsNotAsked, LotDiffers, LotRefused, TooManyInLots),
)
async def pick_lot(call: Call, body: PickLot) -> Answer[LotsOfOrder]:
    """Write down which lot picked units of a line are. A lot that is expired or recalled is refused."""
    fulfilment_id = FulfilmentId(call.id("fulfilment"))
    async with call.transaction() as tx:
        await api.pick(tx, fulfilment_id, body.line_no, body.lot, body.quantity, body.expires_on)
        return await call.done(tx, LotsOfOrder(items=[_used(one) for one in await api.of_fulfilment(tx, fulfilment_id)]))


@lots.get("/v1/transfers/{transfer_id}/lots", Scope.STOCK_READ, refuses=(UnknownTransfer,))
async def list_lots_of_transfer(call: Call) -> Answer[LotsOfTransfer]:
    """List which lots are in a transfer: what was sent, what has come, and where that differs."""
    transfer_id = TransferId(call.id("transfer"))
    async with call.reading() as reader:
        await inventory.transfer(reader, transfer_id)
        return call.answer(await _of_transfer(reader, transfer_id))


_TELL = (UnknownTransfer, LotsNotAsked, LotDiffers)


@lots.post("/v1/transfers/{transfer_id}/lots/sent", Scope.STOCK_WRITE, refuses=(*_TELL, LotRefused))
async def name_sent_lots(call: Call, body: TransferLots) -> Answer[LotsOfTransfer]:
    """Say which lots a transfer takes along, before it is sent; what nobody says is taken to be what expires first.

    A lot that is expired or recalled is refused.
    """
    return await _told(call, body, leaving=True)


@lots.post("/v1/transfers/{transfer_id}/lots/received", Scope.STOCK_WRITE, refuses=_TELL)
async def name_received_lots(call: Call, body: TransferLots) -> Answer[LotsOfTransfer]:
    """Say which lots have come, before they are received. A lot that was not sent is taken in all the same."""
    return await _told(call, body, leaving=False)


async def _told(call: Call, body: TransferLots, *, leaving: bool) -> Answer[LotsOfTransfer]:
    transfer_id = TransferId(call.id("transfer"))
    rows = [Named(line.sku, line.quantity, line.lot, line.expires_on) for line in body.lines]
    async with call.transaction() as tx:
        await api.tell_on_road(tx, transfer_id, rows, leaving=leaving)
        return await call.done(tx, await _of_transfer(tx, transfer_id))


async def _of_transfer(reader: Reader, transfer_id: TransferId) -> LotsOfTransfer:
    return LotsOfTransfer(
        items=[
            CarriedLot(
                sku=one.sku,
                lot=one.code,
                expires_on=one.expires_on,
                blocked=one.blocked,
                sent=one.sent,
                received=one.received,
                missing=one.missing,
                assumed=one.assumed,
                read_out=one.read_out,
                read_in=one.read_in,
            )
            for one in await api.carried(reader, transfer_id)
        ]
    )


def _shelf(one: Shelf) -> LotShape:
    return LotShape(
        sku=one.sku,
        lot=one.code,
        location_id=show_location(one.location_id),
        expires_on=one.expires_on,
        blocked=one.blocked,
        on_hand=one.on_hand,
        held=one.held,
        received_at=one.received_at,
    )


def _used(one: Picked) -> LotUseShape:
    return LotUseShape(
        order_id=show("order", one.order_id),
        fulfilment_id=show("fulfilment", one.fulfilment_id),
        line_no=one.line_no,
        location_id=show_location(one.location_id),
        sku=one.sku,
        lot=one.code,
        quantity=one.quantity,
        at=one.at,
        actor=show_actor(one.actor),
    )
