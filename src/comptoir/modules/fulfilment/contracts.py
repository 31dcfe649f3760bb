"""What crosses the door of fulfilment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple, NewType
from uuid import UUID

from comptoir.kernel.money import Currency
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.contracts import LocationId, PoolId
from comptoir.modules.orders.contracts import OrderId, ShipmentId
from comptoir.runtime.events import Event

FulfilmentId = NewType("FulfilmentId", UUID)
WaveId = NewType("WaveId", UUID)
ParcelId = NewType("ParcelId", UUID)
HandoutId = NewType("HandoutId", UUID)
PutBackId = NewType("PutBackId", UUID)
TermsId = NewType("TermsId", UUID)
LockerId = NewType("LockerId", UUID)

FULFILMENT_PREFIX = "ful"
WAVE_PREFIX = "wav"
PARCEL_PREFIX = "pcl"
PUT_BACK_PREFIX = "pbk"
TERMS_PREFIX = "ctm"
LOCKER_PREFIX = "lck"


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
    HAND_OUT = "hand_out"
    """The buyer comes to this counter for what another location has sent to it. Its units are off everybody's stock already."""


class Stage(StrEnum):
    """What is to be done next, derived from state, method and counters."""

    WAITING = "waiting"
    TO_PICK = "to_pick"
    TO_PACK = "to_pack"
    TO_HAND_OVER = "to_hand_over"
    """Packed, for the carrier."""
    TO_RECEIVE = "to_receive"
    """On its way to the counter where the buyer collects it."""
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
    THIRD_PARTY = "third_party"
    """A third party has refused it, or has stopped when asked to."""
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
    answer_within: int
    """Minutes in which it has to be begun, of those in which the location is open; 0 is no limit."""
    count_unanswered: bool
    """Whether its location counts what it does not begin in time, or has no staff for."""
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
    asked_at: datetime | None = None
    """When a third party was last asked something, or answered."""
    lines: tuple[FulfilmentLine, ...] = ()


class Kept(NamedTuple):
    """Promises of a week that were kept and broken, of one channel, way, location and carrier."""

    week: date
    """Its Monday."""
    channel: str
    service: str
    """At the door the carrier's, at the counter `pickup`."""
    location_id: LocationId
    carrier: str
    """Empty at the counter, and where nothing has left."""
    kept: int
    broken: int


class Broken(NamedTuple):
    """A promise that was not kept: what had been told, and what came of it."""

    order_id: OrderId
    order_number: int
    channel: str
    service: str
    location_id: LocationId
    carrier: str
    promised_on: date
    came_on: date | None
    """At the door, or ready at the counter; None where it is not yet."""


class Pulse(NamedTuple):
    """What changes whenever anything changes about the open work of a location."""

    open: int
    versions: int


class Deadline(NamedTuple):
    """What has to be ready before an instant, or was promised for a day before that one."""

    at: datetime
    on: date
    foreseen: bool = False
    """Also what arrives after the promised day although it leaves in time."""


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
    requests: tuple[Request, ...] = ()
    """How far a third party has been asked; only of what is to be done."""
    search: str = ""
    """An order's number, or the beginning of who gets it."""
    channel: str = ""
    settled: bool | None = None
    """False: those that may still go elsewhere, because their run has not come or no location may send them."""
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    due: Deadline | None = None
    """Only those that miss it, and neither are ready nor on their way to the counter."""


@dataclass(frozen=True, slots=True)
class StageCount:
    """How many fulfilment orders of a location are at a stage, and since when the oldest was placed."""

    location_id: LocationId
    stage: Stage
    count: int
    units: int
    late: int
    oldest: datetime
    newest: int
    """The highest of their numbers."""


@dataclass(frozen=True, slots=True)
class AgeCount:
    """How many fulfilment orders are at a stage whose orders were placed in the same span of time.

    `band` counts the bounds up to their placing: 0 for those before the first bound, the oldest.
    """

    stage: Stage
    settled: bool
    band: int
    count: int
    late: int
    """Had to be ready, or was promised for a day that has passed."""
    at_risk: int


@dataclass(frozen=True, slots=True)
class PlaceCount:
    """How many fulfilment orders of a location are at a stage, and how many of these are late."""

    location_id: LocationId
    stage: Stage
    count: int
    late: int


@dataclass(frozen=True, slots=True)
class OpenWork:
    """All open fulfilment orders, counted by age and by location."""

    ages: tuple[AgeCount, ...]
    places: tuple[PlaceCount, ...]


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
    marked_at: datetime | None = None
    """When its label was read for the driver who takes it along."""
    recalled: tuple[LineUnits, ...] = ()
    """Units that are in it beside `lines` and are not wanted any more: they are taken out before it leaves."""
    recalled_at: datetime | None = None

    @property
    def unwanted(self) -> bool:
        """Nothing of what is in it is wanted any more."""
        return bool(self.recalled) and not self.lines


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
    WEIGH = "weigh"
    """It is weighed, and its label does not say how much it is: scan it again with the weight."""


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
    zone: str = ""
    """The zone, or the aisle, that the bin is in; empty where there is no bin."""


class WaveZone(NamedTuple):
    """A part of a zone wave. Whoever picks it picks it for all of the orders."""

    code: str
    assignee: str
    """Who picks it; empty for nobody."""
    quantity: int
    picked: int


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


class SkuBin(NamedTuple):
    """Where a SKU lies at a location."""

    sku: str
    bin: str
    zone: str = ""
    """That the bin was put into; empty where its code says it."""
    sequence: int | None = None
    """The bin's number on the walk; None where the walk goes by the codes."""


class BinRow(NamedTuple):
    """A SKU, the bin it lies in, and where that is on the walk. Without a SKU it is said of the bin alone."""

    location_id: LocationId
    sku: str
    bin: str
    zone: str | None = None
    """None leaves what is there."""
    sequence: int | None = None
    """None leaves what is there."""


class BinsLoaded(NamedTuple):
    """What a file of bins has done, in rows."""

    created: int
    changed: int
    unchanged: int


# Collecting


class Checked(StrEnum):
    """What whoever handed something out has looked at."""

    CODE = "code"
    """The pickup code."""
    ID_CARD = "id_card"
    KNOWN = "known"
    """They know each other."""
    LOCKER = "locker"
    """Nobody was there: a locker's code was typed."""
    NOTHING = "nothing"
    """Another system handed it out, and does not say."""


class HandedAt(StrEnum):
    COUNTER = "counter"
    CAR = "car"
    LOCKER = "locker"


class BackReason(StrEnum):
    """Why units do not go to the buyer who was to collect them."""

    NOT_COLLECTED = "not_collected"
    """They waited for as long as they were to wait."""
    REFUSED = "refused"
    """The buyer did not want them at the counter."""
    DAMAGED = "damaged"
    """They came broken, or broke on the counter."""
    MISSING = "missing"
    """They were not in what came from elsewhere."""
    RECALLED = "recalled"
    """The order was cancelled, or its units come from elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionTerms:
    """How long units wait for their buyer. `reminders` are so many days before the end; `extension` is how many days more
    the buyer may ask for, once; 0 for none. `curbside` is whether they may say that they wait outside.
    """

    days: int = 7
    reminders: tuple[int, ...] = (2,)
    extension: int = 3
    curbside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsRule(CollectionTerms):
    """For one location, for the locations of a pool, or (both None) for all others."""

    id: TermsId
    location_id: LocationId | None
    pool_id: PoolId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Somebody else who may collect an order, named by its buyer or for them."""

    order_id: OrderId
    name: str
    named_at: datetime
    named_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits at a counter, or comes to it, for its buyer: what a fulfilment order alone does not know."""

    fulfilment_id: FulfilmentId
    order_id: OrderId
    location_id: LocationId
    origin_id: FulfilmentId | None
    """The fulfilment order of the location that has sent it here; None for the store's own stock."""
    shelf: str
    """Where it lies."""
    received_at: datetime | None
    """When it came in from elsewhere."""
    waits_until: datetime | None
    """After that it is given back. None while it is not ready."""
    extended: bool
    """The buyer has had more time already."""
    extension: int
    """Days more that the buyer may still ask for once."""
    curbside: bool
    reminded: int
    """How often the buyer was reminded."""
    barred_until: datetime | None
    """No pickup code is looked at before then: too many were wrong."""
    here_at: datetime | None
    """When the buyer said that they are there."""
    car: str
    spot: str
    locker_id: LockerId | None
    locker_code: bytes | None
    """Opens the locker; sealed."""

    @property
    def may_extend(self) -> bool:
        return not self.extended and self.extension > 0 and self.waits_until is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandingOver:
    """To whom, where, and what was looked at. `collector` is the name of whoever took it."""

    collector: str = ""
    checked: Checked = Checked.NOTHING
    at: HandedAt = HandedAt.COUNTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Handout(HandingOver):
    """Something was handed to somebody."""

    id: HandoutId
    fulfilment_id: FulfilmentId
    lines: tuple[LineUnits, ...]
    handed_at: datetime
    actor: str


class ToPay(NamedTuple):
    """What has to be paid before some units are handed out, and what the buyer owes for everything; minor units."""

    due: int
    whole: int
    currency: Currency


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """Units that are free again and still lie on the counter: somebody has to put them where they belong."""

    id: PutBackId
    location_id: LocationId
    sku: str
    name: str
    units: int
    reason: BackReason
    shelf: str
    fulfilment_id: FulfilmentId
    number: int
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """What was given back of a collection."""

    fulfilment_id: FulfilmentId
    order_id: OrderId
    units: int
    worth: int
    """What it stands for, in minor units."""


class CodeVerdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    BARRED = "barred"
    """Too many were wrong: no code is looked at for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCount:
    """What waits at a location's counters, in numbers."""

    ready: int = 0
    here: int = 0
    """Buyers who have said that they are there."""
    ends_soon: int = 0
    """Given back within a day."""
    coming: int = 0
    """On its way from elsewhere."""
    put_backs: int = 0
    lockers_to_empty: int = 0
    recalled: int = 0
    """Boxes that are to be opened again."""


class LockerSize(StrEnum):
    S = "s"
    M = "m"
    L = "l"
    XL = "xl"


class LockerState(StrEnum):
    FREE = "free"
    TAKEN = "taken"
    TO_EMPTY = "to_empty"
    """What was in it was not collected: somebody has to take it out."""
    OUT_OF_ORDER = "out_of_order"


class LockerStep(StrEnum):
    ASSIGN = "assign"
    OPEN = "open"
    TAKE_OUT = "take_out"
    """Whoever works there has taken it out, for the counter."""
    EXPIRE = "expire"
    EMPTY = "empty"
    BREAK = "break"
    MEND = "mend"


MANUAL_LOCKERS = "manual"
"""Lockers without a system of their own: whoever puts something in sets the code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockerDraft:
    """A compartment as somebody wants it. `bank` is the part of the location where it stands."""

    location_id: LocationId
    code: str
    size: LockerSize
    bank: str = ""
    system: str = MANUAL_LOCKERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Locker(LockerDraft):
    """A compartment as it is."""

    id: LockerId
    state: LockerState
    fulfilment_id: FulfilmentId | None
    sealed_code: bytes | None
    barred_until: datetime | None
    changed_at: datetime


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
    boxed: int = 0
    """How many of these were in a box already: it is opened again."""


class FulfilmentGrown(FulfilmentEvent, frozen=True, kw_only=True):
    """More units joined what nobody has begun."""

    type: ClassVar[str] = "fulfilment.grown"
    number: int
    lines: tuple[LineUnits, ...]


class FulfilmentSplit(FulfilmentEvent, frozen=True, kw_only=True):
    """Units that nobody has picked are a fulfilment order of their own now: `into_fulfilment_id`."""

    type: ClassVar[str] = "fulfilment.split"
    number: int
    lines: tuple[LineUnits, ...]
    into_fulfilment_id: FulfilmentId
    into: int
    """Its number."""


class FulfilmentMerged(FulfilmentEvent, frozen=True, kw_only=True):
    """Others that nobody had begun became part of this one."""

    type: ClassVar[str] = "fulfilment.merged"
    number: int
    lines: tuple[LineUnits, ...]
    merged: tuple[int, ...]
    """Their numbers."""


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


class FulfilmentReceived(FulfilmentEvent, frozen=True, kw_only=True):
    """What another location has sent is at the store where the buyer collects it."""

    type: ClassVar[str] = "fulfilment.received"
    number: int


class FulfilmentStowed(FulfilmentEvent, frozen=True, kw_only=True):
    """It lies in a locker. `moved` is whether it was ready on the counter before."""

    type: ClassVar[str] = "fulfilment.stowed"
    number: int
    locker_id: LockerId
    locker: str
    moved: bool


class FulfilmentReminded(FulfilmentEvent, frozen=True, kw_only=True):
    """The buyer is to be reminded that it waits, for the `reminder`-th time."""

    type: ClassVar[str] = "fulfilment.reminded"
    number: int
    reminder: int
    waits_until: datetime


class FulfilmentExtended(FulfilmentEvent, frozen=True, kw_only=True):
    """It waits longer."""

    type: ClassVar[str] = "fulfilment.extended"
    number: int
    waits_until: datetime
    by_buyer: bool


class CollectorNamed(Event, frozen=True, kw_only=True):
    """Somebody else may collect an order, or (`named` false) nobody else any more. The name is not told."""

    type: ClassVar[str] = "fulfilment.collector_named"
    order_id: OrderId
    named: bool
    by_buyer: bool

    @property
    def subject(self) -> UUID:
        return self.order_id


class BuyerHere(FulfilmentEvent, frozen=True, kw_only=True):
    """The buyer waits at the store, or (`waits` false) has gone again."""

    type: ClassVar[str] = "fulfilment.buyer_here"
    number: int
    waits: bool


class FulfilmentCollected(FulfilmentEvent, frozen=True, kw_only=True):
    """Units were handed to somebody; `checked` is what was looked at."""

    type: ClassVar[str] = "fulfilment.collected"
    number: int
    lines: tuple[LineUnits, ...]
    checked: str
    at: str


class FulfilmentGivenBack(FulfilmentEvent, frozen=True, kw_only=True):
    """Units go back to the stock instead of to the buyer."""

    type: ClassVar[str] = "fulfilment.given_back"
    number: int
    lines: tuple[LineUnits, ...]
    reason: str
    worth: int
    """What they stand for, in minor units."""


class AuditKind(StrEnum):
    COUNTER = "counter"
    """A counter of a fulfilment order is not the sum of its lines."""
    WORK = "work"
    """What a location has to do is not what is promised from there."""


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that does not fit: `found`, and what it should be."""

    kind: AuditKind
    order_id: OrderId
    line_no: int | None
    location_id: LocationId
    what: str
    found: int
    expected: int


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What the doctor saw."""

    orders: int
    """Of which something is to be done."""
    findings: tuple[AuditFinding, ...]

    @property
    def clean(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class NotedRun:
    """The last time that the orders of a schedule, or of a rule set with runs of its own, were decided together."""

    at: datetime
    orders: int = 0
    """That were decided together."""
    moved: int = 0
    """That went elsewhere by it."""
    saved: int = 0
    """What these cost less than before, in minor units of the house's currency."""
