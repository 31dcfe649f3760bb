"""What the API says of parcels on their way, and what it is told."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from comptoir.modules.tracking.contracts import AnswerKind, CaseState, FailReason, InstructionState, Kept, TroubleKind
from comptoir.sdk.carriers import InstructionKind
from comptoir.sdk.tracking import TrackingStatus
from comptoir.surfaces.api.shapes import (
    PRINTABLE,
    CarrierAccountRef,
    Code,
    Count,
    CountryCode,
    Day,
    HandScanRef,
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

_Kind = Annotated[Literal["parcel", "collection"], Meta(description="A collection was taken at the counter.")]
_Share = Annotated[float, Meta(ge=0, le=1, examples=[0.94], description="Null while there is nothing to say.")]


class ParcelScanShape(Shape, frozen=True, kw_only=True):
    """Something that a carrier said."""

    status: TrackingStatus
    at: Instant
    text: Annotated[str, Meta(description="In the carrier's words.", examples=["Arrived at the depot"])]
    place: Annotated[str, Meta(examples=["Lyon"])]
    code: Annotated[str, Meta(description="The carrier's own.", examples=["in_transit"])]
    detail: str
    noted_id: Annotated[HandScanRef, Meta(description="Names what one of you wrote down, to take it back.")] | None


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
    point_id: str
    note: str


class InstructionShape(Shape, frozen=True, kw_only=True):
    """What the carrier is told for the answer: by us where it takes that (`instruct`), else somebody has to call it."""

    kind: InstructionKind
    state: InstructionState
    attempts: Annotated[int, Meta(ge=0, examples=[1])]
    problem: Annotated[str, Meta(description="Why it was not told when it was last tried.", examples=[""])]
    confirmation: Annotated[str, Meta(description="What the carrier calls it.", examples=[""])]
    told_at: Instant | None


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
    instruction: InstructionShape | None
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
    location_id: Annotated[tuple[LocationRef, ...], Meta(description="From which they left.")] = ()
    troubled: Annotated[bool, Meta(description="Whether a person has to look at it.")] | None = None
    search: Annotated[Search, Meta(description="The beginning of a tracking number, or an order's number.")] = ""


class TroubleQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["opened", "-opened"] = "-opened"
    kind: tuple[TroubleKind, ...] = ()
    order_id: OrderRef | None = None
    location_id: Annotated[
        tuple[LocationRef, ...], Meta(description="From which parcels left. What is about a label alone is told all the same.")
    ] = ()
    open_only: bool = True


_Line = Annotated[str, Meta(max_length=200, pattern=PRINTABLE, examples=[""])]


class OpenDay(Shape, frozen=True, kw_only=True):
    """A day of a pickup point."""

    day: Day
    hours: Annotated[str, Meta(description="Empty where it is closed.", examples=["09:00–12:00, 14:00–19:00"])]


class PickupPointShape(Shape, frozen=True, kw_only=True):
    """Where a parcel can wait for its buyer: a counter of ours, or a point of the carrier's."""

    name: str
    address: Annotated[str, Meta(examples=["2 quai du Port, 13002 Marseille"])]
    text: Annotated[str, Meta(description="All of it in one line: what `pickup_point` of an answer says.")]
    point_id: Annotated[str, Meta(description="What the carrier calls it; empty for our own.", examples=["FR-77"])]
    kilometres: Annotated[float, Meta(description="From the address.", examples=[0.6])] | None
    lockers: Annotated[bool, Meta(description="Whether it has lockers, or is one.")]
    hours: Annotated[list[OpenDay], Meta(description="Of the next days; none where nobody says.")]


class PickupPointsShape(Shape, frozen=True, kw_only=True):
    items: list[PickupPointShape]


class AnswerFailedDelivery(Request, frozen=True, kw_only=True):
    """What the buyer has said, on the telephone say."""

    kind: AnswerKind
    on: Annotated[Day, Meta(description="For `date`: a day of the next two weeks.")] | None = None
    line1: _Line = ""
    line2: _Line = ""
    postcode: _Line = ""
    city: _Line = ""
    pickup_point: _Line = ""
    point_id: Annotated[_Line, Meta(description="What the carrier calls the pickup point, where it is one of its own.")] = ""
    note: Annotated[Words, Meta(examples=["Ring twice."])] = ""


class NoteScan(Request, frozen=True, kw_only=True):
    """What one of you has seen or heard of a parcel."""

    status: Annotated[TrackingStatus, Meta(description="Any but `unknown`.", examples=["delivered"])]
    at: Annotated[Instant, Meta(description="Without it, now.")] | None = None
    text: Annotated[str, Meta(max_length=300, pattern=PRINTABLE, examples=["The neighbour has it."])] = ""
    place: Annotated[str, Meta(max_length=300, pattern=PRINTABLE, examples=["Marseille"])] = ""


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


class KeptWeeksQuery(Request, frozen=True, kw_only=True):
    since: Annotated[Day, Meta(description="Counts from the Monday of its week; without it, twelve weeks.")] | None = None


class KeptWeekShape(Shape, frozen=True, kw_only=True):
    """Promises for the days of a week, of one channel, service, location and carrier."""

    week: Annotated[Day, Meta(description="Its Monday.")]
    channel: Code
    service: Annotated[str, Meta(description="At the door the carrier's, at the counter `pickup`.", examples=["express"])]
    location_id: LocationRef
    carrier: Annotated[str, Meta(description="Empty at the counter.", examples=["dpd"])]
    kept: Annotated[int, Meta(examples=[98])]
    broken: Annotated[int, Meta(examples=[2])]


class KeptWeeksShape(Shape, frozen=True, kw_only=True):
    kept: Annotated[int, Meta(examples=[98])]
    broken: Annotated[int, Meta(examples=[2])]
    items: list[KeptWeekShape]


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
