"""Purchase orders: what suppliers are asked to send to buyers, and what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta

from comptoir.kernel.errors import Refusal
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.fulfilment.errors import NotInThatState
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.purchasing import api
from comptoir.modules.purchasing.contracts import (
    Answer as Said,
)
from comptoir.modules.purchasing.contracts import (
    DeclineReason,
    Letter,
    LetterKind,
    LetterState,
    LineAnswer,
    Purchase,
    PurchaseFilter,
    PurchaseId,
    PurchaseLine,
    PurchaseState,
    Sent,
    Units,
)
from comptoir.modules.purchasing.errors import NotThatManyOpen, PurchaseStepRefused, UnknownPurchase
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show, show_actor, show_location
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Actor,
    AddressShape,
    Code,
    CurrencyCode,
    Day,
    FulfilmentRef,
    Instant,
    LineNo,
    LocationRef,
    Note,
    OrderRef,
    PageQuery,
    PurchaseRef,
    Quantity,
    Reference,
    Request,
    Search,
    Shape,
    SkuText,
    Version,
    Words,
)
from comptoir.surfaces.supplying import address, csv_of

purchases = Resource(
    "Purchase orders",
    "What suppliers are asked to send to buyers from their own stock. A supplier's token sees those of their location alone.",
)

REFUSED: tuple[type[Refusal], ...] = (UnknownPurchase, PurchaseStepRefused, NotThatManyOpen, NotInThatState)
_Units = Annotated[int, Meta(examples=[2])]
_Cost = Annotated[int, Meta(description="Minor units of the currency.", examples=[1750])]


class PurchaseLineShape(Shape, frozen=True, kw_only=True):
    """Units of one line of the buyer's order."""

    line_no: LineNo
    sku: SkuText
    supplier_sku: str
    name: str
    weighed: Annotated[bool, Meta(description="Quantities count thousandths.")]
    quantity: Annotated[int, Meta(description="All that was ever asked.", examples=[2])]
    wanted: Annotated[int, Meta(description="Without what was rejected or cancelled.", examples=[2])]
    open: Annotated[int, Meta(description="Wanted, and not sent yet.", examples=[2])]
    rejected: _Units
    cancelled: _Units
    shipped: _Units
    cost: Annotated[int, Meta(description="Of one unit, or of a whole kilogram of what is weighed.", examples=[1750])] | None
    reason: DeclineReason | None
    promised_on: Day | None


class PurchaseLetterShape(Shape, frozen=True, kw_only=True):
    """A message to the supplier."""

    kind: LetterKind
    revision: int
    state: LetterState
    attempts: int
    problem: str
    created_at: Instant
    sent_at: Instant | None


class PurchaseShape(Shape, frozen=True, kw_only=True):
    """A purchase order. `letters` is empty in a list, and for suppliers."""

    id: PurchaseRef
    number: Annotated[int, Meta(examples=[117])]
    fulfilment_id: FulfilmentRef
    order_id: OrderRef
    order_number: Annotated[int, Meta(examples=[100_042])]
    channel: Code
    location_id: LocationRef
    state: PurchaseState
    revision: Annotated[int, Meta(description="Grows whenever what is asked changes.", examples=[1])]
    service: Service
    currency: CurrencyCode
    ship_to: AddressShape
    requested_on: Annotated[Day, Meta(description="The day on which it should leave.")] | None
    promised_on: Annotated[Day, Meta(description="The day on which the supplier says that it leaves.")] | None
    answer_by: Annotated[Instant, Meta(description="After that it goes elsewhere.")] | None
    created_at: Instant
    answered_at: Instant | None
    answered_by: Actor
    ended_at: Instant | None
    note: str
    cost: Annotated[int, Meta(description="Of what is wanted, in minor units.", examples=[3500])] | None
    booked: _Cost
    version: Version
    lines: list[PurchaseLineShape]
    letters: list[PurchaseLetterShape]


class PurchaseQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["number", "-number"] = "-number"
    location_id: tuple[LocationRef, ...] = ()
    state: tuple[PurchaseState, ...] = ()
    order_id: OrderRef | None = None
    search: Annotated[Search, Meta(description="A number: the purchase order's or the buyer's order's.")] = ""


class AcceptedLine(Request, frozen=True, kw_only=True):
    """So many units are sent; the others are not, for that reason."""

    line_no: LineNo
    accepted: Annotated[int, Meta(ge=0, le=2_000_000_000, examples=[2])]
    reason: DeclineReason = DeclineReason.OUT_OF_STOCK
    promised_on: Day | None = None


class AcknowledgePurchase(Request, frozen=True, kw_only=True):
    """Lines that are not named are accepted whole."""

    lines: Annotated[tuple[AcceptedLine, ...], Meta(max_length=500)] = ()
    promised_on: Annotated[Day, Meta(description="The day on which it leaves.")] | None = None
    note: Note = ""


class OpenPurchaseLine(Request, frozen=True, kw_only=True):
    line_no: LineNo
    quantity: Quantity


_Lines = Annotated[tuple[OpenPurchaseLine, ...], Meta(min_length=1, max_length=500)]


class DeclinePurchase(Request, frozen=True, kw_only=True):
    reason: DeclineReason
    lines: Annotated[_Lines, Meta(description="Without it, all that has not left.")] | None = None
    note: Note = ""


class SentParcel(Request, frozen=True, kw_only=True):
    """A parcel that has left."""

    carrier: Words = ""
    tracking_number: Reference = ""
    tracking_url: Annotated[
        str, Meta(max_length=500, examples=["https://track.example.com/1Z1"], pattern="^(https?://[^\\s]*)?$")
    ] = ""
    lines: Annotated[_Lines, Meta(description="Without it, all that is open.")] | None = None


class ShipPurchase(Request, frozen=True, kw_only=True):
    parcels: Annotated[tuple[SentParcel, ...], Meta(min_length=1, max_length=100)]


@purchases.get("/v1/purchases", Scope.ORDERS_READ)
async def list_purchases(call: Call, query: PurchaseQuery) -> Answer[PageOf[PurchaseShape]]:
    """List purchase orders."""
    return await _list(call, query, tuple([LocationId(parsed("location", one)) for one in query.location_id]))


@purchases.get("/v1/purchases/{purchase_id}", Scope.ORDERS_READ, refuses=(UnknownPurchase,))
async def get_purchase(call: Call) -> Answer[PurchaseShape]:
    """Get a purchase order with what was written to the supplier."""
    async with call.reading() as reader:
        found = await api.get(reader, _id(call))
        return call.answer(shape(found, await api.letters(reader, found.id)))


@purchases.post(
    "/v1/purchases/{purchase_id}/send-again", Scope.FULFILMENT_WRITE, refuses=(UnknownPurchase, PurchaseStepRefused)
)
async def send_purchase_again(call: Call) -> Answer[PurchaseShape]:
    """Write to the supplier once more."""
    async with call.transaction() as tx:
        return await call.done(tx, shape(await api.send_again(tx, _id(call))))


@purchases.post(
    "/v1/purchases/{purchase_id}/withdraw",
    Scope.FULFILMENT_WRITE,
    refuses=(UnknownPurchase, PurchaseStepRefused, NotInThatState),
)
async def withdraw_purchase(call: Call) -> Answer[PurchaseShape]:
    """Take back what has not left: it is routed elsewhere, and the supplier is told."""
    async with call.transaction() as tx:
        return await call.done(tx, shape(await api.withdraw(tx, _id(call))))


# What suppliers do


@purchases.get("/v1/supplier/purchases", Scope.PURCHASES_ANSWER)
async def list_asked(call: Call, query: PurchaseQuery) -> Answer[PageOf[PurchaseShape]]:
    """List what is asked of you: with a supplier's token, of your location alone."""
    places = tuple([LocationId(parsed("location", one)) for one in query.location_id])
    own = call.asker.location_id
    return await _list(call, query, places if own is None else (own,))


@purchases.get("/v1/supplier/purchases/{purchase_id}", Scope.PURCHASES_ANSWER, refuses=(UnknownPurchase,))
async def get_asked(call: Call) -> Answer[PurchaseShape]:
    """Get what is asked of you."""
    async with call.reading() as reader:
        return call.answer(shape(await api.get(reader, _id(call), at=call.asker.location_id)))


@purchases.get(
    "/v1/supplier/purchases/{purchase_id}/file", Scope.PURCHASES_ANSWER, refuses=(UnknownPurchase,), content_type="text/csv"
)
async def get_asked_as_file(call: Call) -> Answer[str]:
    """Get it as a CSV file, a row for each line."""
    async with call.reading() as reader:
        found = await api.get(reader, _id(call), at=call.asker.location_id)
    return Answer(200, csv_of(found), content_type=b"text/csv; charset=utf-8")


@purchases.post("/v1/supplier/purchases/{purchase_id}/acknowledge", Scope.PURCHASES_ANSWER, refuses=REFUSED)
async def acknowledge_purchase(call: Call, body: AcknowledgePurchase) -> Answer[PurchaseShape]:
    """Say that you send it, whole or in part, and for which day. What you do not send goes elsewhere."""
    lines = tuple([LineAnswer(line.line_no, line.accepted, line.reason, line.promised_on) for line in body.lines])
    async with call.transaction() as tx:
        found = await api.get(tx, _id(call), at=call.asker.location_id)
        after = await api.acknowledge(tx, found.id, Said(lines=lines, promised_on=body.promised_on, note=body.note))
        return await call.done(tx, shape(after))


@purchases.post("/v1/supplier/purchases/{purchase_id}/decline", Scope.PURCHASES_ANSWER, refuses=REFUSED)
async def decline_purchase(call: Call, body: DeclinePurchase) -> Answer[PurchaseShape]:
    """Say that you do not send it, or some of it: also after you have said that you would."""
    async with call.transaction() as tx:
        found = await api.get(tx, _id(call), at=call.asker.location_id)
        return await call.done(tx, shape(await api.decline(tx, found.id, _units(body.lines), body.reason, body.note)))


@purchases.post("/v1/supplier/purchases/{purchase_id}/ship", Scope.PURCHASES_ANSWER, refuses=REFUSED)
async def ship_purchase(call: Call, body: ShipPurchase) -> Answer[PurchaseShape]:
    """Say which parcels have left: each is a shipment of the order, and is followed. Who ships has accepted."""
    parcels = [
        Sent(
            carrier=one.carrier,
            tracking_number=one.tracking_number,
            tracking_url=one.tracking_url,
            lines=tuple(_units(one.lines) or ()),
        )
        for one in body.parcels
    ]
    async with call.transaction() as tx:
        found = await api.get(tx, _id(call), at=call.asker.location_id)
        return await call.done(tx, shape(await api.ship(tx, found.id, parcels)))


async def _list(call: Call, query: PurchaseQuery, places: tuple[LocationId, ...]) -> Answer[PageOf[PurchaseShape]]:
    order_id = parsed_some("order", query.order_id)
    wanted = PurchaseFilter(
        locations=places,
        states=query.state,
        order_id=None if order_id is None else OrderId(order_id),
        search=query.search,
    )
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, shape)


def _id(call: Call) -> PurchaseId:
    return PurchaseId(call.id("purchase"))


def _units(lines: Sequence[OpenPurchaseLine] | None) -> list[Units] | None:
    return None if lines is None else [Units(line.line_no, line.quantity) for line in lines]


def shape(one: Purchase, letters: Sequence[Letter] = ()) -> PurchaseShape:
    where = address(one.ship_to)
    given: dict[str, Any] = {name: getattr(where, name) for name in where.__slots__}
    return PurchaseShape(
        id=show("purchase", one.id),
        number=one.number,
        fulfilment_id=show("fulfilment", one.fulfilment_id),
        order_id=show("order", one.order_id),
        order_number=one.order_number,
        channel=one.channel_code,
        location_id=show_location(one.location_id),
        state=one.state,
        revision=one.revision,
        service=one.service,
        currency=one.currency,
        ship_to=AddressShape(**given),
        requested_on=one.requested_on,
        promised_on=one.promised_on,
        answer_by=one.answer_by,
        created_at=one.created_at,
        answered_at=one.answered_at,
        answered_by=show_actor(one.answered_by),
        ended_at=one.ended_at,
        note=one.note,
        cost=one.cost,
        booked=one.booked,
        version=one.version,
        lines=[_line(line) for line in one.lines],
        letters=[
            PurchaseLetterShape(
                kind=letter.kind,
                revision=letter.revision,
                state=letter.state,
                attempts=letter.attempts,
                problem=letter.problem,
                created_at=letter.created_at,
                sent_at=letter.sent_at,
            )
            for letter in letters
        ],
    )


def _line(line: PurchaseLine) -> PurchaseLineShape:
    promised: date | None = line.promised_on
    return PurchaseLineShape(
        line_no=line.line_no,
        sku=line.sku,
        supplier_sku=line.supplier_sku,
        name=line.name,
        weighed=line.weighed,
        quantity=line.quantity,
        wanted=line.wanted,
        open=line.open,
        rejected=line.rejected,
        cancelled=line.cancelled,
        shipped=line.shipped,
        cost=line.cost,
        reason=line.reason,
        promised_on=promised,
    )
