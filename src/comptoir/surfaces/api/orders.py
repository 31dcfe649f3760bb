"""Orders: looking at them, and every step from being placed to coming back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from comptoir.kernel.errors import Refusal, Stale
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import ChannelId
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.errors import AtThirdParty
from comptoir.modules.inventory.contracts import Disposition
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.orders import api
from comptoir.modules.orders.api import FulfilmentStatus, PaymentStatus, ReturnStatus
from comptoir.modules.orders.contracts import LineQuantity, OrderFilter, OrderId, Owed, ReturnLine, TimelineEntry
from comptoir.modules.orders.errors import NotReservedThere, OverRefund, OverVoid, QuantityNotOpen, UnknownLine
from comptoir.modules.payments.contracts import EntryKind
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Tx
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import outward, parsed, parsed_some, show, show_actor
from comptoir.surfaces.api.operations import Answer, PageOf
from comptoir.surfaces.api.order_shapes import LineUnits, OrderShape, OrderSummaryShape, order_shape, summary_shape
from comptoir.surfaces.api.placing import placing
from comptoir.surfaces.api.shapes import (
    Actor,
    Amount,
    Code,
    CurrencyCode,
    CustomerRef,
    EventRef,
    Instant,
    LineNo,
    LocationRef,
    PageQuery,
    Positive,
    Prose,
    Quantity,
    Reference,
    Request,
    Search,
    Shape,
    SkuText,
    Words,
)

orders = placing
"""One resource in two files: what goes through the desk, and what comes after."""

_Lines = Annotated[tuple[LineUnits, ...], Meta(min_length=1, max_length=500)]
_Reason = Annotated[Words, Meta(examples=["The buyer changed their mind"])]


class OrderQuery(PageQuery, frozen=True, kw_only=True):
    """Which orders, in which order. Of a parameter that comes several times any one will do."""

    sort: Literal["placed", "-placed", "total", "-total", "number", "-number"] = "-placed"
    channel: tuple[Code, ...] = ()
    fulfilment: tuple[FulfilmentStatus, ...] = ()
    payment: tuple[PaymentStatus, ...] = ()
    returned: tuple[ReturnStatus, ...] = ()
    kind: Literal["sale", "credit"] | None = None
    placed_from: Instant | None = None
    placed_before: Instant | None = None
    search: Annotated[Search, Meta(description="A number, an id, the beginning of a channel's id, or a SKU.")] = ""
    customer_id: CustomerRef | None = None
    location_id: Annotated[LocationRef, Meta(description="Where it was sold, is handed out, or was sent from.")] | None = None
    sku: SkuText | None = None
    has_exception: bool | None = None
    currency: CurrencyCode | None = None
    total_from: Amount | None = None
    total_to: Amount | None = None
    tag: Words = ""
    owed: Annotated[Owed, Meta(description="Only orders of which money is owed, that way.")] | None = None


class TimelineQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["at", "-at"] = "at"


class TimelineEntryShape(Shape, frozen=True, kw_only=True):
    """Something that happened to an order: who did what when, through which channel."""

    id: EventRef
    at: Instant
    type: Annotated[str, Meta(examples=["order.shipped"])]
    actor: Actor
    request_id: str
    channel: str
    data: dict[str, Any]


class CancelOrder(Request, frozen=True, kw_only=True):
    """What is taken back; without `lines` all that has not left."""

    lines: _Lines | None = None
    reason: _Reason = ""


class ReleaseOrder(Request, frozen=True, kw_only=True):
    """What loses its place; without `lines` all that is promised."""

    lines: _Lines | None = None
    reason: _Reason = ""


class ShipOrder(Request, frozen=True, kw_only=True):
    """What leaves a location; without `lines` all that it holds for the order."""

    location_id: LocationRef
    lines: _Lines | None = None
    carrier: Annotated[Words, Meta(examples=["Colissimo"])] = ""
    tracking_number: Annotated[Reference, Meta(examples=["6A123456789"])] = ""
    tracking_url: Annotated[
        str, Meta(max_length=2000, pattern=r"^(https?://[!-~]+)?$", examples=["https://track.example.com/6A123456789"])
    ] = ""


class ReturnUnits(Request, frozen=True, kw_only=True):
    """Units of a line that come back, and what becomes of them."""

    line_no: LineNo
    quantity: Quantity
    disposition: Disposition = Disposition.RESTOCK


class ReturnOrder(Request, frozen=True, kw_only=True):
    """What comes back, at any location."""

    location_id: LocationRef
    lines: Annotated[tuple[ReturnUnits, ...], Meta(min_length=1, max_length=500)]
    reason: Annotated[Words, Meta(examples=["Too small"])] = ""


class AllocateOrder(Request, frozen=True, kw_only=True):
    """Where waiting units may come from, in order of preference; without it the channel's pool."""

    location_ids: Annotated[tuple[LocationRef, ...], Meta(min_length=1, max_length=500)] | None = None


class MoveUnits(Request, frozen=True, kw_only=True):
    """Promised units that are to come from another location."""

    line_no: LineNo
    quantity: Quantity
    from_location_id: LocationRef
    to_location_id: LocationRef
    reason: _Reason = "moved"


class NoteOrder(Request, frozen=True, kw_only=True):
    note: Annotated[Prose, Meta(min_length=1)]


class RecordPayment(Request, frozen=True, kw_only=True):
    """Money that has moved. Of two with the same kind, method and reference the second changes nothing."""

    kind: Literal["authorised", "captured", "voided"]
    method: Annotated[Words, Meta(min_length=1, examples=["card"])]
    amount: Positive
    reference: Annotated[Reference, Meta(description="The provider's own id of it.")] = ""
    location_id: Annotated[LocationRef, Meta(description="The store or desk where it moved.")] | None = None


class RecordRefund(Request, frozen=True, kw_only=True):
    """Money that has gone back."""

    method: Annotated[Words, Meta(min_length=1, examples=["card"])]
    amount: Positive
    reference: Annotated[Reference, Meta(description="The provider's own id of it.")] = ""
    location_id: Annotated[LocationRef, Meta(description="The store or desk where it moved.")] | None = None


@orders.get("/v1/orders", Scope.ORDERS_READ)
async def list_orders(call: Call, query: OrderQuery) -> Answer[PageOf[OrderSummaryShape]]:
    """List orders."""
    location, customer = parsed_some("location", query.location_id), parsed_some("customer", query.customer_id)
    wanted = OrderFilter(
        channels=query.channel,
        kind=query.kind,
        fulfilment=query.fulfilment,
        payment=query.payment,
        returned=query.returned,
        placed_from=query.placed_from,
        placed_before=query.placed_before,
        search=query.search,
        customer=customer,
        location=None if location is None else LocationId(location),
        sku=query.sku or "",
        has_exception=query.has_exception,
        currency=query.currency,
        total_from=query.total_from,
        total_to=query.total_to,
        tag=query.tag,
        owed=query.owed,
    )
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, summary_shape)


@orders.get("/v1/orders/{order_id}", Scope.ORDERS_READ)
async def get_order(call: Call) -> Answer[OrderShape]:
    """Get an order with everything around it."""
    async with call.services.database.transaction(call.context, snapshot=True) as tx:
        details = await api.get(tx, OrderId(call.id("order")))
    return call.answer(order_shape(details))


@orders.get("/v1/orders/{order_id}/timeline", Scope.ORDERS_READ)
async def get_order_timeline(call: Call, query: TimelineQuery) -> Answer[PageOf[TimelineEntryShape]]:
    """List what happened to an order."""
    order_id = OrderId(call.id("order"))
    async with call.reading() as reader:
        await api.order(reader, order_id)
        page = await api.timeline(reader, order_id, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _entry)


def _entry(entry: TimelineEntry) -> TimelineEntryShape:
    return TimelineEntryShape(
        id=show("event", entry.id),
        at=entry.at,
        type=entry.type,
        actor=show_actor(entry.actor),
        request_id=entry.request_id,
        channel=entry.channel,
        data=outward(entry.data),
    )


def _step(path: str, *refuses: type[Refusal], example: Any = None) -> Any:
    return orders.post(f"/v1/orders/{{order_id}}/{path}", Scope.ORDERS_WRITE, refuses=refuses, if_match=True, example=example)


@_step("cancel", AtThirdParty, QuantityNotOpen, UnknownLine)
async def cancel_order(call: Call, body: CancelOrder) -> Answer[OrderShape]:
    """Cancel an order, whole or by line.

    Units that wait for stock go first, then promised ones, which others may have from now on. What has been shipped is returned
    instead. What a third party has accepted (409, `at_third_party`) is asked back by a change of kind `cancel`, which waits for
    their answer.
    """
    async with call.transaction() as tx:
        order_id = await _at_version(call, tx)
        lines = _units(body.lines)
        await fulfilment.require_free(tx, order_id, None if lines is None else {line.line_no for line in lines})
        await api.cancel(tx, order_id, lines, body.reason)
        return await _stands(call, tx, order_id)


@_step("release", AtThirdParty, QuantityNotOpen, UnknownLine)
async def release_order(call: Call, body: ReleaseOrder) -> Answer[OrderShape]:
    """Take promised units off their locations: they wait for stock again, for this order."""
    async with call.transaction() as tx:
        order_id = await _at_version(call, tx)
        lines = _units(body.lines)
        await fulfilment.require_free(tx, order_id, None if lines is None else {line.line_no for line in lines})
        await api.release(tx, order_id, lines, body.reason)
        return await _stands(call, tx, order_id)


@_step("ship", NotReservedThere, QuantityNotOpen, UnknownLine, UnknownLocation)
async def ship_order(call: Call, body: ShipOrder) -> Answer[OrderShape]:
    """Send units from a location, whole or in part."""
    async with call.transaction() as tx:
        order_id = await _at_version(call, tx)
        await api.ship(
            tx,
            order_id,
            await _location(tx, body.location_id),
            _units(body.lines),
            carrier=body.carrier,
            tracking_number=body.tracking_number,
            tracking_url=body.tracking_url,
        )
        return await _stands(call, tx, order_id)


@_step("return", QuantityNotOpen, UnknownLine, UnknownLocation)
async def return_order(call: Call, body: ReturnOrder) -> Answer[OrderShape]:
    """Take units back, whole or in part, at any location.

    `refundable` of the return is what the units stand for: returning everything gives exactly what was paid for it.
    """
    lines = [ReturnLine(line.line_no, line.quantity, line.disposition) for line in body.lines]
    async with call.transaction() as tx:
        order_id = await _at_version(call, tx)
        await api.take_back(tx, order_id, await _location(tx, body.location_id), lines, body.reason)
        return await _stands(call, tx, order_id)


@_step("allocate", UnknownLocation)
async def allocate_order(call: Call, body: AllocateOrder) -> Answer[OrderShape]:
    """Give waiting units a place, as far as there is stock."""
    async with call.transaction() as tx:
        order_id = await _at_version(call, tx)
        if body.location_ids is None:
            channel = await channels.get(tx, ChannelId((await api.order(tx, order_id)).channel_id))
            candidates = [one.id for one in (await locations.pool(tx, channel.pool_id)).members if one.active]
        else:
            candidates = [await _location(tx, text) for text in dict.fromkeys(body.location_ids)]
        await api.allocate(tx, order_id, candidates)
        return await _stands(call, tx, order_id)


@_step("move", AtThirdParty, NotReservedThere, QuantityNotOpen, UnknownLine, InsufficientStock, UnknownLocation)
async def move_order_units(call: Call, body: MoveUnits) -> Answer[OrderShape]:
    """Let promised units come from another location."""
    async with call.transaction() as tx:
        order_id = await _at_version(call, tx)
        origin = await _location(tx, body.from_location_id)
        await fulfilment.require_free(tx, order_id, {body.line_no}, origin)
        await api.move(
            tx,
            order_id,
            body.line_no,
            body.quantity,
            from_location_id=origin,
            to_location_id=await _location(tx, body.to_location_id),
            reason=body.reason,
        )
        return await _stands(call, tx, order_id)


@_step("notes")
async def note_order(call: Call, body: NoteOrder) -> Answer[OrderShape]:
    """Add a remark to the timeline."""
    async with call.transaction() as tx:
        order_id = await _at_version(call, tx)
        await api.note(tx, order_id, body.note)
        return await _stands(call, tx, order_id)


@_step("payments", OverVoid, UnknownLocation)
async def record_payment(call: Call, body: RecordPayment) -> Answer[OrderShape]:
    """Record money that was authorised, captured or voided elsewhere."""
    async with call.transaction() as tx:
        order_id = await _at_version(call, tx)
        at = None if body.location_id is None else await _location(tx, body.location_id)
        await api.pay(tx, order_id, EntryKind(body.kind), body.method, body.amount, body.reference, location_id=at)
        return await _stands(call, tx, order_id)


@_step("refunds", OverRefund, UnknownLocation)
async def record_refund(call: Call, body: RecordRefund) -> Answer[OrderShape]:
    """Record money that went back to the buyer; never more than was captured."""
    async with call.transaction() as tx:
        order_id = await _at_version(call, tx)
        at = None if body.location_id is None else await _location(tx, body.location_id)
        await api.pay(tx, order_id, EntryKind.REFUNDED, body.method, body.amount, body.reference, location_id=at)
        return await _stands(call, tx, order_id)


def _units(lines: tuple[LineUnits, ...] | None) -> list[LineQuantity] | None:
    return None if lines is None else [LineQuantity(line.line_no, line.quantity) for line in lines]


async def _at_version(call: Call, tx: Tx) -> OrderId:
    """The order in the path, locked and as the caller saw it. Raises Stale."""
    order = await api.load(tx, OrderId(call.id("order")))
    expected = call.expected_version()
    if expected not in {None, order.version}:
        raise Stale(kind="order", id=order.id, version=order.version)
    return order.id


async def _location(tx: Tx, text: str) -> LocationId:
    return (await locations.get(tx, LocationId(parsed("location", text)))).id


async def _stands(call: Call, tx: Tx, order_id: OrderId) -> Answer[OrderShape]:
    return await call.done(tx, order_shape(await api.get(tx, order_id)))
