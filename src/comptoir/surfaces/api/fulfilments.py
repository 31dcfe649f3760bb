"""Fulfilment orders: what each location has to do for an order, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from comptoir.kernel.errors import Refusal
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentFilter,
    FulfilmentId,
    FulfilmentLine,
    Handshake,
    HoldReason,
    LineUnits,
    Method,
    Parcel,
    ParcelDraft,
    ParcelId,
    RejectReason,
    Scanned,
    Stage,
    State,
)
from comptoir.modules.fulfilment.contracts import Request as Asked
from comptoir.modules.fulfilment.errors import (
    AtThirdParty,
    BoxRecalled,
    NothingToDo,
    NotInThatState,
    NotPicked,
    NotThatMany,
    NotTogether,
    SomebodyElse,
    UnknownFulfilment,
)
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.errors import LotDiffers, LotNotFirst, LotRecalled, LotRefused, TooManyInLots
from comptoir.modules.orders.contracts import OrderId, Tracking
from comptoir.modules.orders.errors import NotReservedThere
from comptoir.modules.staff.contracts import Scope
from comptoir.modules.tracking.errors import (
    LabelBusy,
    LabelHasLeft,
    LabelNotInThatState,
    LabelNotTakenBack,
    LabelStillThere,
)
from comptoir.runtime.database import Tx
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import id_example, named, parsed, parsed_some, show, show_actor, show_location, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Actor,
    Code,
    Day,
    FulfilmentRef,
    Instant,
    LineNo,
    LocationRef,
    Note,
    OrderRef,
    PageQuery,
    ParcelRef,
    Quantity,
    Reference,
    Request,
    Search,
    Shape,
    ShipmentRef,
    SkuText,
    Version,
    WaveRef,
    Words,
)
from comptoir.surfaces.boxing import completed
from comptoir.surfaces.opening import label_of_recalled, take_out
from comptoir.surfaces.sending import LabelMissing, carried, unpack, without_label

fulfilments = Resource("Fulfilment", "What each location has to do for an order: to pick, to pack, to hand over, to give back.")

_Units = Annotated[int, Meta(examples=[2])]
_Millimetres = Annotated[int, Meta(ge=0, le=1_000_000, examples=[300])]
REFUSED: tuple[type[Refusal], ...] = (UnknownFulfilment, NotInThatState, SomebodyElse)
_LINES: tuple[type[Refusal], ...] = (*REFUSED, NotThatMany, NothingToDo)


class FulfilmentLineShape(Shape, frozen=True, kw_only=True):
    """Units of one line of the order."""

    line_no: LineNo
    sku: SkuText
    name: str
    quantity: _Units
    picked: _Units
    packed: _Units
    gone: Annotated[int, Meta(description="Shipped or collected.", examples=[0])]


class PackedLine(Shape, frozen=True, kw_only=True):
    line_no: LineNo
    quantity: Quantity


class ParcelShape(Shape, frozen=True, kw_only=True):
    """A packed box."""

    id: ParcelRef
    number: Annotated[int, Meta(examples=[1])]
    carton: str
    weight: Annotated[int, Meta(description="Grams.", examples=[420])]
    length: _Millimetres
    width: _Millimetres
    height: _Millimetres
    carrier: str
    tracking_number: str
    tracking_url: str
    shipment_id: ShipmentRef | None
    packed_at: Instant
    packed_by: Actor
    lines: list[PackedLine]
    recalled: Annotated[
        list[PackedLine],
        Meta(description="Units in it beside `lines` that are not wanted any more: take them out before the box leaves."),
    ]
    recalled_at: Instant | None


class FulfilmentShape(Shape, frozen=True, kw_only=True):
    """What one location has to do for an order. `lines` and `parcels` are empty in a list."""

    id: FulfilmentRef
    number: int
    order_id: OrderRef
    order_number: int
    channel: Code
    location_id: LocationRef
    state: State
    stage: Annotated[Stage, Meta(description="What is to be done next.")]
    request: Annotated[Asked, Meta(description="How far a third party who does it has been asked.")]
    method: Method
    service: Service
    hold_reason: HoldReason | None
    hold_note: str
    carrier: str
    leaves_by: Instant | None
    arrives_on: Day | None
    promised_on: Day | None
    answer_by: Annotated[Instant, Meta(description="After that it goes elsewhere.")] | None
    release_at: Instant | None
    assignee: str
    wave_id: WaveRef | None
    recipient: str
    city: str
    country: str
    placed_at: Instant
    created_at: Instant
    begun_at: Instant | None
    picked_at: Instant | None
    packed_at: Instant | None
    ready_at: Instant | None
    closed_at: Instant | None
    asked_at: Annotated[Instant, Meta(description="When a third party was last asked something, or answered.")] | None
    quantity: _Units
    picked: _Units
    packed: _Units
    gone: _Units
    version: Version
    lines: list[FulfilmentLineShape]
    parcels: list[ParcelShape]


class FulfilmentQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["placed", "-placed", "number", "-number"] = "placed"
    location_id: tuple[LocationRef, ...] = ()
    stage: tuple[Stage, ...] = ()
    state: tuple[State, ...] = ()
    request: Annotated[
        tuple[Asked, ...],
        Meta(description="Only what is to be done and a third party was asked about so far: `submitted` waits for an answer."),
    ] = ()
    order_id: OrderRef | None = None
    method: Method | None = None
    assignee: Words = ""
    late_at: Annotated[Instant, Meta(description="Only what had to be ready before then.")] | None = None
    search: Search = ""


class LineOf(Request, frozen=True, kw_only=True):
    """So many units of a line."""

    line_no: LineNo
    quantity: Quantity


_Lines = Annotated[tuple[LineOf, ...], Meta(min_length=1, max_length=500)]


class HoldFulfilment(Request, frozen=True, kw_only=True):
    reason: HoldReason
    note: Note = ""


class Begin(Request, frozen=True, kw_only=True):
    take_over: Annotated[bool, Meta(description="Also where somebody else works on it.")] = False


class TakeOver(Request, frozen=True, kw_only=True):
    take_over: Annotated[bool, Meta(description="Also where somebody else works on it.")] = False


class SomeLines(Request, frozen=True, kw_only=True):
    lines: Annotated[_Lines, Meta(description="Without it, all that there are.")] | None = None


class TheseLines(Request, frozen=True, kw_only=True):
    lines: _Lines


class ScanCode(Request, frozen=True, kw_only=True):
    code: Annotated[
        Reference,
        Meta(
            min_length=1,
            description="A GTIN, a SKU, or a GS1 element string with a GTIN and the net weight, as read.",
            examples=["4006381333931"],
        ),
    ]
    weight: (
        Annotated[int, Meta(ge=1, le=2_000_000_000, description="Thousandths, of what is weighed.", examples=[1250])] | None
    ) = None
    in_order: Annotated[
        bool,
        Meta(description="Refuse (409, `lot_not_first`) a lot that expires later than another one that lies there."),
    ] = False


class ScanShape(Shape, frozen=True, kw_only=True):
    """What became of a scan. Only `picked` and `all_picked` changed anything."""

    outcome: Scanned
    sku: str
    line: FulfilmentLineShape | None
    left: Annotated[int, Meta(description="Units that are still to be picked.", examples=[3])]


class Reject(Request, frozen=True, kw_only=True):
    reason: RejectReason
    lines: Annotated[_Lines, Meta(description="Without it, all that is not packed.")] | None = None
    take_over: Annotated[bool, Meta(description="Also where somebody else works on it.")] = False


class Pack(Request, frozen=True, kw_only=True):
    lines: Annotated[_Lines, Meta(description="Without it, all that is picked and in no box.")] | None = None
    carton: Annotated[Words, Meta(examples=["M"])] = ""
    weight: Annotated[int, Meta(ge=0, le=1_000_000, description="Grams; 0 takes the catalogue's.")] = 0
    length: _Millimetres = 0
    width: _Millimetres = 0
    height: _Millimetres = 0


class Unpack(Request, frozen=True, kw_only=True):
    abandon_label: Annotated[
        bool, Meta(description="Also where the carrier does not take its label back.", examples=[False])
    ] = False


class CarriedParcel(Request, frozen=True, kw_only=True):
    parcel_id: ParcelRef
    carrier: Words = ""
    tracking_number: Reference = ""
    tracking_url: Annotated[
        str, Meta(max_length=500, examples=["https://track.example.com/1Z1"], pattern="^(https?://[^\\s]*)?$")
    ] = ""


class HandOver(Request, frozen=True, kw_only=True):
    parcels: (
        Annotated[
            tuple[CarriedParcel, ...],
            Meta(min_length=1, max_length=100, description="Without it, all packed boxes that are still here."),
        ]
        | None
    ) = None
    use_labels: Annotated[bool, Meta(description="Take carrier and number from each box's bought label.", examples=[False])] = (
        False
    )


class MoveTo(Request, frozen=True, kw_only=True):
    location_id: LocationRef
    lines: Annotated[_Lines, Meta(description="Without it, all that is not picked.")] | None = None


_TWO = [id_example("fulfilment"), id_example("fulfilment")[:-1] + "e"]


class Merge(Request, frozen=True, kw_only=True):
    fulfilment_ids: Annotated[tuple[FulfilmentRef, ...], Meta(min_length=2, max_length=50)]


class Say(Request, frozen=True, kw_only=True):
    step: Handshake
    note: Note = ""


class StageCountShape(Shape, frozen=True, kw_only=True):
    """How much work there is at a location and stage."""

    location_id: LocationRef
    stage: Stage
    count: _Units
    units: _Units
    late: _Units
    oldest: Instant


class StagesShape(Shape, frozen=True, kw_only=True):
    items: list[StageCountShape]


class StagesQuery(Request, frozen=True, kw_only=True):
    location_id: tuple[LocationRef, ...] = ()


@fulfilments.get("/v1/fulfilments", Scope.ORDERS_READ)
async def list_fulfilments(call: Call, query: FulfilmentQuery) -> Answer[PageOf[FulfilmentShape]]:
    """List fulfilment orders."""
    order_id = parsed_some("order", query.order_id)
    wanted = FulfilmentFilter(
        locations=tuple([LocationId(parsed("location", one)) for one in query.location_id]),
        stages=query.stage,
        states=query.state,
        requests=query.request,
        order_id=None if order_id is None else OrderId(order_id),
        method=query.method,
        assignee=query.assignee,
        late_at=query.late_at,
        search=query.search,
    )
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, shape)


@fulfilments.get("/v1/fulfilments/stages", Scope.ORDERS_READ)
async def count_stages(call: Call, query: StagesQuery) -> Answer[StagesShape]:
    """Count what is to be done, by location and stage."""
    places = [LocationId(parsed("location", one)) for one in query.location_id]
    async with call.reading() as reader:
        found = await api.stages(reader, places or None)
    return call.answer(
        StagesShape(
            items=[
                StageCountShape(
                    location_id=show_location(one.location_id),
                    stage=one.stage,
                    count=one.count,
                    units=one.units,
                    late=one.late,
                    oldest=one.oldest,
                )
                for one in found
            ]
        )
    )


@fulfilments.get("/v1/fulfilments/{fulfilment_id}", Scope.ORDERS_READ, refuses=(UnknownFulfilment,))
async def get_fulfilment(call: Call) -> Answer[FulfilmentShape]:
    """Get a fulfilment order with its lines and boxes."""
    async with call.reading() as reader:
        found = await api.get(reader, _id(call))
        return call.answer(shape(found, await api.parcels(reader, [found.id])))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/hold", Scope.FULFILMENT_WRITE, refuses=REFUSED)
async def hold_fulfilment(call: Call, body: HoldFulfilment) -> Answer[FulfilmentShape]:
    """Hold what nobody has begun."""
    async with call.transaction() as tx:
        return await _done(call, tx, await api.hold(tx, _id(call), body.reason, body.note))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/resume", Scope.FULFILMENT_WRITE, refuses=REFUSED)
async def resume_fulfilment(call: Call) -> Answer[FulfilmentShape]:
    """Let go on what was held."""
    async with call.transaction() as tx:
        return await _done(call, tx, await api.resume(tx, _id(call)))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/begin", Scope.FULFILMENT_WRITE, refuses=REFUSED)
async def begin_fulfilment(call: Call, body: Begin) -> Answer[FulfilmentShape]:
    """Begin to work on it. Nobody else can meanwhile, unless they take it over."""
    async with call.transaction() as tx:
        return await _done(call, tx, await api.begin(tx, _id(call), take_over=body.take_over))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/put-back", Scope.FULFILMENT_WRITE, refuses=REFUSED)
async def put_fulfilment_back(call: Call, query: TakeOver) -> Answer[FulfilmentShape]:
    """Leave it to others: what is picked and not packed goes back to its place. What somebody else picks is theirs, unless it
    is taken over.
    """
    async with call.transaction() as tx:
        return await _done(call, tx, await api.put_back(tx, _id(call), take_over=query.take_over))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/stop", Scope.FULFILMENT_WRITE, refuses=REFUSED)
async def stop_fulfilment(call: Call, body: Begin) -> Answer[FulfilmentShape]:
    """Stop half-way: what is picked stays picked, and somebody else goes on with it. What somebody else picks is theirs,
    unless it is taken over.
    """
    async with call.transaction() as tx:
        return await _done(call, tx, await api.stop(tx, _id(call), take_over=body.take_over))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/release", Scope.FULFILMENT_WRITE, refuses=REFUSED)
async def release_fulfilment(call: Call) -> Answer[FulfilmentShape]:
    """Open at once what waits for its run."""
    async with call.transaction() as tx:
        return await _done(call, tx, await api.open_now(tx, _id(call)))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/pick", Scope.FULFILMENT_WRITE, refuses=_LINES)
async def pick_fulfilment(call: Call, body: SomeLines) -> Answer[FulfilmentShape]:
    """Say what is in hand."""
    async with call.transaction() as tx:
        return await _done(call, tx, await api.pick(tx, _id(call), _units(body.lines)))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/unpick", Scope.FULFILMENT_WRITE, refuses=_LINES)
async def unpick_fulfilment(call: Call, body: TheseLines) -> Answer[FulfilmentShape]:
    """Say what lies in its place again."""
    async with call.transaction() as tx:
        after = await api.unpick(tx, _id(call), _units(body.lines) or ())
        await lots.follow(tx, after)
        return await _done(call, tx, after)


@fulfilments.post(
    "/v1/fulfilments/{fulfilment_id}/scan",
    Scope.FULFILMENT_WRITE,
    refuses=(*REFUSED, LotDiffers, LotNotFirst, LotRefused, TooManyInLots),
)
async def scan_item(call: Call, body: ScanCode) -> Answer[ScanShape]:
    """Pick one unit by its label. What does not belong to the order changes nothing, and is told.

    Of what is weighed it takes the weight that the label says, or `weight`; without both it answers `weigh`. A lot
    that the label says is written down; one that is expired or recalled is refused.
    """
    async with call.transaction() as tx:
        found = await api.scan(tx, _id(call), body.code, body.weight)
        if found.line is not None and found.outcome in {Scanned.PICKED, Scanned.ALL_PICKED}:
            await lots.scanned(tx, _id(call), body.code, found.line.line_no, in_order=body.in_order)
        line = None if found.line is None else line_shape(found.line)
        return await call.done(tx, ScanShape(outcome=found.outcome, sku=found.sku, line=line, left=found.left))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/reject", Scope.FULFILMENT_WRITE, refuses=(*_LINES, NotReservedThere))
async def reject_fulfilment(call: Call, body: Reject) -> Answer[FulfilmentShape]:
    """Give back what cannot be sent from here.

    The units are routed again, never to this location. What was not found is set aside until somebody has counted.
    """
    async with call.transaction() as tx:
        lines = _units(body.lines)
        return await _done(call, tx, await api.reject(tx, _id(call), lines, body.reason, take_over=body.take_over))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/pack", Scope.FULFILMENT_WRITE, refuses=(*_LINES, NotPicked))
async def pack_parcel(call: Call, body: Pack) -> Answer[FulfilmentShape]:
    """Put picked units into a box.

    Where `carton` is the code of a carton of the location, what is not said of its measures is the carton's, and the weight
    is the goods' and the carton's, as far as the catalogue knows.
    """
    draft = ParcelDraft(
        lines=tuple(_units(body.lines) or ()),
        carton=body.carton,
        weight=body.weight,
        length=body.length,
        width=body.width,
        height=body.height,
    )
    async with call.transaction() as tx:
        await api.pack(tx, _id(call), await completed(tx, await api.get(tx, _id(call)), draft))
        return await _done(call, tx, await api.get(tx, _id(call)))


@fulfilments.post(
    "/v1/fulfilments/{fulfilment_id}/parcels/{parcel_id}/unpack",
    Scope.FULFILMENT_WRITE,
    refuses=(*REFUSED, LabelBusy, LabelHasLeft, LabelNotInThatState, LabelNotTakenBack, LabelStillThere),
)
async def unpack_parcel(call: Call, query: Unpack) -> Answer[FulfilmentShape]:
    """Open a box that has not left.

    Its label is given back first. Where the carrier does not take it back (409, `label_not_taken_back`), open the box with
    `abandon_label`: the label stays paid for.
    """
    parcel_id = ParcelId(named("parcel", call.text("parcel_id")))
    services = call.services
    async with call.transaction() as tx:  # what was answered before under this key is answered again, without asking anybody
        await api.get(tx, _id(call))
    await without_label(services.parcels, services.database, parcel_id, call.context, abandon=query.abandon_label)
    async with call.transaction() as tx:
        return await _done(call, tx, await unpack(tx, _id(call), parcel_id, abandon=query.abandon_label))


@fulfilments.post(
    "/v1/fulfilments/{fulfilment_id}/parcels/{parcel_id}/take-out",
    Scope.FULFILMENT_WRITE,
    refuses=(*_LINES, LabelBusy, LabelHasLeft, LabelNotInThatState),
)
async def take_recalled_out(call: Call, body: SomeLines) -> Answer[FulfilmentShape]:
    """Say that what is not wanted any more is out of a box: `recalled`, all of it or some lines.

    The rest of the box leaves as it is packed. A box with nothing in it is no more: its label is given back first, and what a
    carrier does not take back is a trouble for a person.
    """
    parcel_id = ParcelId(named("parcel", call.text("parcel_id")))
    services = call.services
    async with call.transaction() as tx:  # as above
        await api.get(tx, _id(call))
    await label_of_recalled(services.parcels, services.database, parcel_id, call.context)
    async with call.transaction() as tx:
        await take_out(tx, _id(call), parcel_id, _units(body.lines))
        return await _done(call, tx, await api.get(tx, _id(call)))


@fulfilments.post(
    "/v1/fulfilments/{fulfilment_id}/hand-over",
    Scope.FULFILMENT_WRITE,
    refuses=(*REFUSED, NotPicked, LabelMissing, BoxRecalled, LotRecalled),
)
async def hand_parcels_over(call: Call, body: HandOver) -> Answer[FulfilmentShape]:
    """Hand packed boxes to the carrier: each is a shipment of the order, and its units leave the stock.

    With `use_labels`, each leaves with the carrier and the number of its bought label; a number that is named goes first. A box
    with units that are not wanted any more (409, `box_recalled`) is opened first.
    """
    tracking = None
    if body.parcels is not None:
        tracking = {
            ParcelId(parsed("parcel", one.parcel_id)): Tracking(one.carrier, one.tracking_number, one.tracking_url)
            for one in body.parcels
        }
    async with call.transaction() as tx:
        tracking = await carried(tx, _id(call), tracking, labels_needed=body.use_labels)
        await lots.require_not_recalled(tx, _id(call))
        left, _ = await api.hand_over(tx, _id(call), tracking)
        return await _done(call, tx, left)


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/ready", Scope.FULFILMENT_WRITE, refuses=(*REFUSED, NotPicked))
async def ready_for_collection(call: Call) -> Answer[FulfilmentShape]:
    """Say that all of it is on the counter, for the buyer."""
    async with call.transaction() as tx:
        return await _done(call, tx, await api.ready(tx, _id(call)))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/collect", Scope.FULFILMENT_WRITE, refuses=_LINES)
async def collect_fulfilment(call: Call, body: SomeLines) -> Answer[FulfilmentShape]:
    """Hand it to the buyer. What they leave stays on the counter.

    For systems that have taken the money themselves: the hand-out of its collection looks at what is still to be paid.
    """
    async with call.transaction() as tx:
        return await _done(call, tx, await api.collect(tx, _id(call), _units(body.lines)))


@fulfilments.post(
    "/v1/fulfilments/{fulfilment_id}/move",
    Scope.FULFILMENT_WRITE,
    refuses=(*_LINES, AtThirdParty, InsufficientStock, NotReservedThere),
)
async def move_fulfilment(call: Call, body: MoveTo) -> Answer[FulfilmentShape]:
    """Let another location do it, which has to have the units."""
    async with call.transaction() as tx:
        await api.move(tx, _id(call), LocationId(parsed("location", body.location_id)), _units(body.lines))
        return await _done(call, tx, await api.get(tx, _id(call)))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/split", Scope.FULFILMENT_WRITE, status=201, refuses=_LINES)
async def split_fulfilment(call: Call, body: TheseLines) -> Answer[FulfilmentShape]:
    """Make a fulfilment order of its own of some units. Gives that one."""
    async with call.transaction() as tx:
        return await _done(call, tx, await api.split(tx, _id(call), _units(body.lines) or ()))


@fulfilments.post("/v1/fulfilments/merge", Scope.FULFILMENT_WRITE, refuses=(NotTogether,), example={"fulfilment_ids": _TWO})
async def merge_fulfilments(call: Call, body: Merge) -> Answer[FulfilmentShape]:
    """Make one of several that nobody has begun: of one order, one location and one method."""
    ids = [FulfilmentId(parsed("fulfilment", one)) for one in body.fulfilment_ids]
    async with call.transaction() as tx:
        return await _done(call, tx, await api.merge(tx, ids))


@fulfilments.post("/v1/fulfilments/{fulfilment_id}/request", Scope.FULFILMENT_WRITE, refuses=(*REFUSED, NotReservedThere))
async def say_to_third_party(call: Call, body: Say) -> Answer[FulfilmentShape]:
    """Take a step of the handshake with a third party who does the work.

    Who rejects what was submitted, or accepts a cancellation, gives the units back: the fulfilment order ends, and they are
    routed again, never to this location.
    """
    async with call.transaction() as tx:
        return await _done(call, tx, await api.say(tx, _id(call), body.step, body.note))


def _id(call: Call) -> FulfilmentId:
    return FulfilmentId(call.id("fulfilment"))


def _units(lines: Sequence[LineOf] | None) -> list[LineUnits] | None:
    return None if lines is None else [LineUnits(line.line_no, line.quantity) for line in lines]


async def _done(call: Call, tx: Tx, one: Fulfilment) -> Answer[FulfilmentShape]:
    return await call.done(tx, shape(one, await api.parcels(tx, [one.id])))


def line_shape(line: FulfilmentLine) -> FulfilmentLineShape:
    return FulfilmentLineShape(
        line_no=line.line_no,
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        picked=line.picked,
        packed=line.packed,
        gone=line.gone,
    )


def _parcel(parcel: Parcel) -> ParcelShape:
    return ParcelShape(
        id=show("parcel", parcel.id),
        number=parcel.number,
        carton=parcel.carton,
        weight=parcel.weight,
        length=parcel.length,
        width=parcel.width,
        height=parcel.height,
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        tracking_url=parcel.tracking_url,
        shipment_id=show_some("shipment", parcel.shipment_id),
        packed_at=parcel.packed_at,
        packed_by=show_actor(parcel.packed_by),
        lines=[PackedLine(line_no=line.line_no, quantity=line.quantity) for line in parcel.lines],
        recalled=[PackedLine(line_no=line.line_no, quantity=line.quantity) for line in parcel.recalled],
        recalled_at=parcel.recalled_at,
    )


def shape(one: Fulfilment, parcels: Sequence[Parcel] = ()) -> FulfilmentShape:
    return FulfilmentShape(
        id=show("fulfilment", one.id),
        number=one.number,
        order_id=show("order", one.order_id),
        order_number=one.order_number,
        channel=one.channel_code,
        location_id=show_location(one.location_id),
        state=one.state,
        stage=one.stage,
        request=one.request,
        method=one.method,
        service=one.service,
        hold_reason=one.hold_reason,
        hold_note=one.hold_note,
        carrier=one.carrier,
        leaves_by=one.leaves_by,
        arrives_on=one.arrives_on,
        promised_on=one.promised_on,
        answer_by=one.answer_by,
        release_at=one.release_at,
        assignee=show_actor(one.assignee),
        wave_id=show_some("wave", one.wave_id),
        recipient=one.recipient,
        city=one.city,
        country=one.country,
        placed_at=one.placed_at,
        created_at=one.created_at,
        begun_at=one.begun_at,
        picked_at=one.picked_at,
        packed_at=one.packed_at,
        ready_at=one.ready_at,
        closed_at=one.closed_at,
        asked_at=one.asked_at,
        quantity=one.quantity,
        picked=one.picked,
        packed=one.packed,
        gone=one.gone,
        version=one.version,
        lines=[line_shape(line) for line in one.lines],
        parcels=[_parcel(parcel) for parcel in parcels],
    )
