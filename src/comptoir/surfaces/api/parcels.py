"""Parcels on their way: where they are, failed deliveries, troubles, and how well carriers keep promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Annotated, Any, Literal

from msgspec import Meta

from comptoir.kernel.time import utcnow
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.staff.contracts import Scope
from comptoir.modules.tracking import api
from comptoir.modules.tracking.contracts import (
    AccountId,
    AnswerKind,
    Case,
    CaseState,
    CaseStep,
    FailReason,
    Kept,
    Performance,
    Promise,
    Tracked,
    TrackedDetails,
    TrackedFilter,
    TrackedId,
    Trouble,
    TroubleId,
    TroubleKind,
)
from comptoir.modules.tracking.contracts import Answer as BuyersAnswer
from comptoir.modules.tracking.errors import CaseClosed, UnknownTracked, UnknownTrouble
from comptoir.runtime.database import Reader
from comptoir.sdk.tracking import Scan, TrackingStatus
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show, show_location, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    PRINTABLE,
    CarrierAccountRef,
    Code,
    Count,
    CountryCode,
    Day,
    Instant,
    LocationRef,
    OrderRef,
    PageQuery,
    Request,
    Search,
    Shape,
    ShipmentRef,
    TrackedRef,
    TroubleRef,
    Version,
    Words,
)

parcels = Resource("Parcels", "Where parcels are, what has gone wrong with them, and how well carriers keep promises.")

_Kind = Annotated[Literal["parcel", "collection"], Meta(description="A collection was taken at the counter.")]
_Share = Annotated[float, Meta(ge=0, le=1, examples=[0.94], description="Null while there is nothing to say.")]
_LOOK_BACK = timedelta(days=180)


class ParcelScanShape(Shape, frozen=True, kw_only=True):
    """Something that a carrier said."""

    status: TrackingStatus
    at: Instant
    text: Annotated[str, Meta(description="In the carrier's words.", examples=["Arrived at the depot"])]
    place: Annotated[str, Meta(examples=["Lyon"])]
    code: Annotated[str, Meta(description="The carrier's own.", examples=["in_transit"])]
    detail: str


class TroubleShape(Shape, frozen=True, kw_only=True):
    """Something with a parcel, or with its label, that a person has to look at."""

    id: TroubleRef
    kind: TroubleKind
    tracked_id: TrackedRef | None
    order_id: OrderRef
    reason: str
    opened_at: Instant
    resolved_at: Instant | None
    resolution: str


class BuyersAnswerShape(Shape, frozen=True, kw_only=True):
    """What the buyer wants done with a parcel that could not be handed over."""

    kind: AnswerKind
    on: Day | None
    line1: str
    line2: str
    postcode: str
    city: str
    pickup_point: str
    note: str


class FailedDeliveryShape(Shape, frozen=True, kw_only=True):
    """A parcel that could not be handed over, until it is delivered or back."""

    state: CaseState
    reason: FailReason
    attempts: int
    opened_at: Instant
    answer_until: Instant
    choices: Annotated[list[AnswerKind], Meta(description="What may be answered, the likeliest first.")]
    answer: BuyersAnswerShape | None
    answered_at: Instant | None
    closed_at: Instant | None
    version: Version


class TrackedParcelShape(Shape, frozen=True, kw_only=True):
    """A shipment of an order on its way."""

    id: TrackedRef
    order_id: OrderRef
    order_number: int
    shipment_id: ShipmentRef
    channel: Code
    location_id: LocationRef
    kind: _Kind
    account_id: CarrierAccountRef | None
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str
    destination_country: str
    shipped_at: Instant
    promised_on: Annotated[Day, Meta(description="The day that the buyer was told.")] | None
    status: TrackingStatus
    since: Instant | None
    last_at: Annotated[Instant, Meta(description="When the carrier last said something.")] | None
    delivered_at: Instant | None
    attempts: int
    carrier_estimate: Annotated[Day, Meta(description="The day that the carrier expects.")] | None
    estimated_on: Annotated[Day, Meta(description="The day that is expected, from all that is known.")] | None
    signed_by: str
    delayed: Annotated[bool, Meta(description="Its buyer has been told that it comes later than promised.", examples=[False])]
    version: Version


class TrackedParcelDetailShape(TrackedParcelShape, frozen=True, kw_only=True):
    """A parcel with all that was said of it."""

    scans: list[ParcelScanShape]
    troubles: list[TroubleShape]
    failed_delivery: FailedDeliveryShape | None


class ParcelQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["shipped", "-shipped"] = "-shipped"
    status: tuple[TrackingStatus, ...] = ()
    order_id: OrderRef | None = None
    account_id: CarrierAccountRef | None = None
    carrier: Words = ""
    troubled: Annotated[bool, Meta(description="Whether a person has to look at it.")] | None = None
    search: Annotated[Search, Meta(description="The beginning of a tracking number, or an order's number.")] = ""


class TroubleQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["opened", "-opened"] = "-opened"
    kind: tuple[TroubleKind, ...] = ()
    order_id: OrderRef | None = None
    open_only: bool = True


_Line = Annotated[str, Meta(max_length=200, pattern=PRINTABLE, examples=[""])]


class AnswerFailedDelivery(Request, frozen=True, kw_only=True):
    """What the buyer has said, on the telephone say."""

    kind: AnswerKind
    on: Annotated[Day, Meta(description="For `date`: a day of the next two weeks.")] | None = None
    line1: _Line = ""
    line2: _Line = ""
    postcode: _Line = ""
    city: _Line = ""
    pickup_point: _Line = ""
    note: Annotated[Words, Meta(examples=["Ring twice."])] = ""


class CarryOut(Request, frozen=True, kw_only=True):
    """What the carrier has been told to do."""

    step: Literal["try_again", "send_back"]


class Dismissed(Shape, frozen=True, kw_only=True):
    """How many troubles are looked after now."""

    troubles: Count


class LaneShape(Shape, frozen=True, kw_only=True):
    """How a carrier's service did between two regions."""

    carrier: str
    service: str
    origin_country: str
    origin_region: str
    destination_country: str
    destination_region: str
    parcels: Annotated[Count, Meta(description="Whose end is known.")]
    delivered: Count
    promised: Annotated[Count, Meta(description="Delivered ones of which a day had been promised, and lost ones.")]
    on_time: Count
    first_time: Annotated[Count, Meta(description="Delivered without a failed attempt.")]
    damaged: Count
    lost: Count
    late: Annotated[Count, Meta(description="Delivered after the promised day.")]
    late_days: Annotated[int, Meta(ge=0, description="By how many days, together.", examples=[12])]
    on_time_share: _Share | None
    damaged_share: _Share | None
    lost_share: _Share | None
    days: Annotated[float, Meta(description="From leaving to the door, on average.", examples=[2.4])] | None


class LanesShape(Shape, frozen=True, kw_only=True):
    items: list[LaneShape]


class LaneQuery(Request, frozen=True, kw_only=True):
    since: Annotated[Day, Meta(description="Counts from the first of its month; without it, half a year.")] | None = None
    carrier: tuple[Annotated[str, Meta(max_length=100, pattern=PRINTABLE)], ...] = ()
    destination_country: CountryCode | None = None


class KeptQuery(Request, frozen=True, kw_only=True):
    order_id: OrderRef


class KeptPromiseShape(Shape, frozen=True, kw_only=True):
    """The promised day of a parcel or a collection against what happened."""

    tracked_id: TrackedRef
    order_id: OrderRef
    kind: _Kind
    promised_on: Day | None
    happened_on: Day | None
    kept: Kept
    days_late: Annotated[int, Meta(examples=[0])]


class KeptPromisesShape(Shape, frozen=True, kw_only=True):
    items: list[KeptPromiseShape]


@parcels.get("/v1/parcels", Scope.ORDERS_READ)
async def list_parcels(call: Call, query: ParcelQuery) -> Answer[PageOf[TrackedParcelShape]]:
    """List parcels on their way, and those that have arrived."""
    order_id = parsed_some("order", query.order_id)
    account_id = parsed_some("carrier_account", query.account_id)
    wanted = TrackedFilter(
        statuses=query.status,
        order_id=None if order_id is None else OrderId(order_id),
        account_id=None if account_id is None else AccountId(account_id),
        carrier=query.carrier,
        stuck=query.troubled,
        search=query.search,
    )
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, lambda one: TrackedParcelShape(**_fields(one)))


@parcels.get("/v1/parcels/{tracked_id}", Scope.ORDERS_READ, refuses=(UnknownTracked,))
async def get_parcel(call: Call) -> Answer[TrackedParcelDetailShape]:
    """Get a parcel with its scans, its troubles and its failed delivery."""
    async with call.reading() as reader:
        return call.answer(await _detail(reader, _id(call)))


@parcels.post("/v1/parcels/{tracked_id}/answer", Scope.FULFILMENT_WRITE, refuses=(UnknownTracked, CaseClosed))
async def answer_failed_delivery(call: Call, body: AnswerFailedDelivery) -> Answer[TrackedParcelDetailShape]:
    """Say what the buyer wants done with a parcel that could not be handed over.

    Until it is carried out, another answer takes its place.
    """
    given = BuyersAnswer(**{name: getattr(body, name) for name in body.__struct_fields__})
    async with call.transaction() as tx:
        await api.cases.answer(tx, _id(call), given)
        return await call.done(tx, await _detail(tx, _id(call)))


@parcels.post("/v1/parcels/{tracked_id}/carry-out", Scope.FULFILMENT_WRITE, refuses=(UnknownTracked, CaseClosed))
async def carry_failed_delivery_out(call: Call, body: CarryOut) -> Answer[TrackedParcelDetailShape]:
    """Say that the carrier has been told to try again, or to send it back."""
    async with call.transaction() as tx:
        await api.cases.carry_out(tx, _id(call), CaseStep(body.step))
        return await call.done(tx, await _detail(tx, _id(call)))


@parcels.post("/v1/parcels/{tracked_id}/dismiss", Scope.FULFILMENT_WRITE, refuses=(UnknownTracked,))
async def dismiss_parcel_troubles(call: Call) -> Answer[Dismissed]:
    """Say that somebody has looked at all that is open about a parcel, and nothing is left to do."""
    async with call.transaction() as tx:
        found = [one for one in (await api.get(tx, _id(call))).troubles if one.resolved_at is None]
        for one in found:
            await api.dismiss(tx, one.id)
        return await call.done(tx, Dismissed(troubles=len(found)))


@parcels.get("/v1/parcel-troubles", Scope.ORDERS_READ)
async def list_parcel_troubles(call: Call, query: TroubleQuery) -> Answer[PageOf[TroubleShape]]:
    """List what a person has to look at: parcels that are stuck, failed or lost, and labels that could not be bought."""
    order_id = parsed_some("order", query.order_id)
    async with call.reading() as reader:
        page = await api.find_troubles(
            reader,
            query.kind,
            order_id=None if order_id is None else OrderId(order_id),
            open_only=query.open_only,
            sort=query.sort,
            limit=query.limit,
            cursor=query.cursor,
        )
    return call.page(page, _trouble)


@parcels.post("/v1/parcel-troubles/{trouble_id}/dismiss", Scope.FULFILMENT_WRITE, refuses=(UnknownTrouble,))
async def dismiss_parcel_trouble(call: Call) -> Answer[Dismissed]:
    """Say that somebody has looked at one thing, and nothing is left to do."""
    async with call.transaction() as tx:
        await api.dismiss(tx, TroubleId(call.id("trouble")))
        return await call.done(tx, Dismissed(troubles=1))


@parcels.get("/v1/carrier-performance", Scope.ORDERS_READ)
async def measure_carriers(call: Call, query: LaneQuery) -> Answer[LanesShape]:
    """Measure how well each carrier's service does, from region to region."""
    since = query.since or utcnow().date() - _LOOK_BACK
    async with call.reading() as reader:
        found = await api.performance(
            reader, since, carriers=query.carrier, destination_country=query.destination_country or ""
        )
    return call.answer(LanesShape(items=[_lane(one) for one in found]))


@parcels.get("/v1/promises/kept", Scope.ORDERS_READ)
async def list_kept_promises(call: Call, query: KeptQuery) -> Answer[KeptPromisesShape]:
    """Tell whether what the buyer of an order was told was kept, for each parcel and collection."""
    async with call.reading() as reader:
        found = await api.promises(reader, OrderId(parsed("order", query.order_id)), utcnow())
    return call.answer(KeptPromisesShape(items=[_kept(one) for one in found]))


def _id(call: Call) -> TrackedId:
    return TrackedId(call.id("tracked"))


async def _detail(reader: Reader, tracked_id: TrackedId) -> TrackedParcelDetailShape:
    found: TrackedDetails = await api.get(reader, tracked_id)
    return TrackedParcelDetailShape(
        **_fields(found.parcel),
        scans=_scans(found.scans),
        troubles=[_trouble(one) for one in found.troubles],
        failed_delivery=None if found.case is None else _case(found.case),
    )


def _fields(one: Tracked) -> dict[str, Any]:
    shown = {name: getattr(one, name) for name in TrackedParcelShape.__struct_fields__}
    return shown | {
        "id": show("tracked", one.id),
        "order_id": show("order", one.order_id),
        "shipment_id": show("shipment", one.shipment_id),
        "location_id": show_location(one.location_id),
        "account_id": show_some("carrier_account", one.account_id),
        "kind": one.kind.value,
    }


def _scans(scans: Sequence[Scan]) -> list[ParcelScanShape]:
    return [
        ParcelScanShape(
            status=scan.status, at=scan.at, text=scan.text, place=scan.place, code=scan.raw_code, detail=scan.detail
        )
        for scan in scans
    ]


def _trouble(one: Trouble) -> TroubleShape:
    return TroubleShape(
        id=show("trouble", one.id),
        kind=one.kind,
        tracked_id=show_some("tracked", one.tracked_id),
        order_id=show("order", one.order_id),
        reason=one.reason,
        opened_at=one.opened_at,
        resolved_at=one.resolved_at,
        resolution=one.resolution,
    )


def _case(case: Case) -> FailedDeliveryShape:
    said = case.answer
    return FailedDeliveryShape(
        state=case.state,
        reason=case.reason,
        attempts=case.attempts,
        opened_at=case.opened_at,
        answer_until=case.answer_until,
        choices=list(api.cases.choices(case)),
        answer=None if said is None else BuyersAnswerShape(**{one.name: getattr(said, one.name) for one in fields(said)}),
        answered_at=case.answered_at,
        closed_at=case.closed_at,
        version=case.version,
    )


def _lane(one: Performance) -> LaneShape:
    counts = one.counts
    return LaneShape(
        **one.lane._asdict(),
        parcels=counts.parcels,
        delivered=counts.delivered,
        promised=counts.promised,
        on_time=counts.on_time,
        first_time=counts.first_time,
        damaged=counts.damaged,
        lost=counts.lost,
        late=counts.late,
        late_days=counts.late_days,
        on_time_share=one.on_time,
        damaged_share=one.damage,
        lost_share=one.loss,
        days=one.days,
    )


def _kept(one: Promise) -> KeptPromiseShape:
    return KeptPromiseShape(
        tracked_id=show("tracked", one.tracked_id),
        order_id=show("order", one.order_id),
        kind=one.kind.value,
        promised_on=one.promised_on,
        happened_on=one.happened_on,
        kept=one.kept,
        days_late=one.days_late,
    )
