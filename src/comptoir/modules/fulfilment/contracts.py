"""What crosses the door of fulfilment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple, NewType
from uuid import UUID

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId, ShipmentId
from comptoir.runtime.events import Event

FulfilmentId = NewType("FulfilmentId", UUID)
WaveId = NewType("WaveId", UUID)
ParcelId = NewType("ParcelId", UUID)

FULFILMENT_PREFIX = "ful"
WAVE_PREFIX = "wav"
PARCEL_PREFIX = "pcl"


class State(StrEnum):
    """Of a fulfilment order, as Shopify has them."""

    SCHEDULED = "scheduled"
    """Its time has not come: a later run may still send it elsewhere."""
    OPEN = "open"
    """To be begun."""
    ON_HOLD = "on_hold"
    """Something has to be settled first."""
    IN_PROGRESS = "in_progress"
    INCOMPLETE = "incomplete"
    """Whoever does it has stopped half-way."""
    CLOSED = "closed"
    """Everything that was left of it has gone out."""
    CANCELLED = "cancelled"
    """Nothing of it has: the units were cancelled, or come from elsewhere."""


class Step(StrEnum):
    RELEASE = "release"
    HOLD = "hold"
    RESUME = "resume"
    BEGIN = "begin"
    PUT_BACK = "put_back"
    STOP = "stop"
    CLOSE = "close"
    CANCEL = "cancel"


class Request(StrEnum):
    """How far a third party who does the work has been asked."""

    UNSUBMITTED = "unsubmitted"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLATION_REQUESTED = "cancellation_requested"
    CANCELLATION_ACCEPTED = "cancellation_accepted"
    CANCELLATION_REJECTED = "cancellation_rejected"
    CLOSED = "closed"


class Handshake(StrEnum):
    SUBMIT = "submit"
    ACCEPT = "accept"
    REJECT = "reject"
    ASK_CANCELLATION = "ask_cancellation"
    ACCEPT_CANCELLATION = "accept_cancellation"
    REJECT_CANCELLATION = "reject_cancellation"
    CLOSE = "close"


class Method(StrEnum):
    """How the goods leave."""

    SHIP = "ship"
    """To the buyer's door."""
    COLLECT = "collect"
    """The buyer comes to this counter."""
    SEND_TO_STORE = "send_to_store"
    """To the counter where the buyer collects it."""


class Stage(StrEnum):
    """What is to be done next, derived from state, method and counters."""

    WAITING = "waiting"
    TO_PICK = "to_pick"
    TO_PACK = "to_pack"
    TO_HAND_OVER = "to_hand_over"
    """Packed, for the carrier."""
    READY = "ready"
    """On the counter, for the buyer."""
    DONE = "done"
    CANCELLED = "cancelled"


class HoldReason(StrEnum):
    UNROUTABLE = "unroutable"
    """No location may serve it under the rules; the units stay promised where they are."""
    PAYMENT = "payment"
    ADDRESS = "address"
    FRAUD = "fraud"
    BUYER = "buyer"
    """The buyer asked to wait."""
    OTHER = "other"


class RejectReason(StrEnum):
    """Why a location gives units back."""

    NOT_FOUND = "not_found"
    DAMAGED = "damaged"
    NO_STAFF = "no_staff"
    CLOSED = "closed"
    NO_ANSWER = "no_answer"
    """It did not begin in time."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FulfilmentLine:
    """Units of one order line. `gone` have been shipped or collected."""

    line_no: int
    sku: str
    name: str
    quantity: int
    picked: int = 0
    packed: int = 0
    gone: int = 0

    @property
    def open(self) -> int:
        return self.quantity - self.gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfilment:
    """A fulfilment order: what one location has to do for an order."""

    id: FulfilmentId
    number: int
    order_id: OrderId
    order_number: int
    channel_code: str
    location_id: LocationId
    state: State
    stage: Stage
    request: Request
    method: Method
    service: Service
    hold_reason: HoldReason | None
    hold_note: str
    carrier: str
    """The code of the carrier service that was thought of; empty for none."""
    leaves_by: datetime | None
    """When it has to be ready, to arrive as was thought."""
    arrives_on: date | None
    promised_on: date | None
    answer_by: datetime | None
    """Until when it has to be begun; after that it goes elsewhere."""
    release_at: datetime | None
    assignee: str
    """Who works on it; empty for nobody."""
    wave_id: WaveId | None
    recipient: str
    city: str
    country: str
    placed_at: datetime
    created_at: datetime
    begun_at: datetime | None
    picked_at: datetime | None
    packed_at: datetime | None
    ready_at: datetime | None
    closed_at: datetime | None
    quantity: int
    picked: int
    packed: int
    gone: int
    version: int
    lines: tuple[FulfilmentLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentFilter:
    """None and empty do not filter; of several values any one will do."""

    locations: tuple[LocationId, ...] = ()
    stages: tuple[Stage, ...] = ()
    states: tuple[State, ...] = ()
    order_id: OrderId | None = None
    method: Method | None = None
    assignee: str = ""
    late_at: datetime | None = None
    """Only those that had to be ready before this instant."""
    search: str = ""
    """An order's number, or the beginning of who gets it."""


@dataclass(frozen=True, slots=True)
class StageCount:
    """How many fulfilment orders of a location are at a stage, and since when the oldest was placed."""

    location_id: LocationId
    stage: Stage
    count: int
    units: int
    late: int
    oldest: datetime


class LineUnits(NamedTuple):
    """So many units of a line."""

    line_no: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelDraft:
    """What goes into one box. No lines means everything that is picked and not in a box yet."""

    lines: tuple[LineUnits, ...] = ()
    carton: str = ""
    weight: int = 0
    """Grams."""
    length: int = 0
    """Millimetres, as are `width` and `height`."""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel(ParcelDraft):
    """A packed box."""

    id: ParcelId
    fulfilment_id: FulfilmentId
    number: int
    """From 1 on, of its fulfilment order."""
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    shipment_id: ShipmentId | None = None
    packed_at: datetime
    packed_by: str


class Scanned(StrEnum):
    """What a scan meant."""

    PICKED = "picked"
    ALL_PICKED = "all_picked"
    """It was the last unit."""
    TOO_MANY = "too_many"
    """All units of it are picked already."""
    NOT_IN_ORDER = "not_in_order"
    UNKNOWN = "unknown"
    """No SKU and no GTIN."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What became of a scan; `line` is as it stands now."""

    outcome: Scanned
    sku: str
    line: FulfilmentLine | None
    left: int
    """Units still to be picked, of all lines."""


class WaveKind(StrEnum):
    SINGLE = "single"
    """One order after another."""
    BATCH = "batch"
    """Every SKU once for all of them, sorted into orders afterwards."""
    ZONE = "zone"
    """By the first part of the bin; who picks a zone picks it for all of them."""


class WaveState(StrEnum):
    OPEN = "open"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Fulfilment orders that are picked together."""

    id: WaveId
    number: int
    location_id: LocationId
    kind: WaveKind
    state: WaveState
    created_at: datetime
    created_by: str
    orders: int
    units: int
    picked: int


class Stop(NamedTuple):
    """A place on the way through the shop or the warehouse, and what is to be taken there."""

    bin: str
    sku: str
    name: str
    quantity: int
    picked: int
    takes: tuple[tuple[FulfilmentId, int, int], ...]
    """(fulfilment order, line, units), in the order of the wave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTask:
    """A SKU whose count at a location is in doubt."""

    location_id: LocationId
    sku: str
    units: int
    """That were not found, and are set aside until somebody has counted."""
    reason: str
    opened_at: datetime
    order_id: OrderId | None = None


class FulfilmentEvent(Event, frozen=True, kw_only=True):
    """Something happened to a fulfilment order; its order's timeline tells it."""

    type: ClassVar[str] = ""
    order_id: OrderId
    fulfilment_id: FulfilmentId
    location_id: LocationId

    @property
    def subject(self) -> UUID:
        return self.order_id


class FulfilmentCreated(FulfilmentEvent, frozen=True, kw_only=True):
    type: ClassVar[str] = "fulfilment.created"
    number: int
    state: str
    units: int


class FulfilmentChanged(FulfilmentEvent, frozen=True, kw_only=True):
    """It went to another state."""

    type: ClassVar[str] = "fulfilment.changed"
    number: int
    step: str
    state: str
    reason: str = ""


class FulfilmentRecalled(FulfilmentEvent, frozen=True, kw_only=True):
    """Units are not wanted any more; who has picked them puts them back."""

    type: ClassVar[str] = "fulfilment.recalled"
    number: int
    lines: tuple[LineUnits, ...]
    picked: int
    """How many of them were in somebody's hands."""


class FulfilmentPicked(FulfilmentEvent, frozen=True, kw_only=True):
    """All units are picked."""

    type: ClassVar[str] = "fulfilment.picked"
    number: int
    units: int


class FulfilmentPacked(FulfilmentEvent, frozen=True, kw_only=True):
    type: ClassVar[str] = "fulfilment.packed"
    number: int
    parcels: int


class FulfilmentReady(FulfilmentEvent, frozen=True, kw_only=True):
    """It can be collected."""

    type: ClassVar[str] = "fulfilment.ready"
    number: int


class FulfilmentRequested(FulfilmentEvent, frozen=True, kw_only=True):
    """A step of the handshake with a third party."""

    type: ClassVar[str] = "fulfilment.requested"
    number: int
    step: str
    request: str
    note: str = ""
