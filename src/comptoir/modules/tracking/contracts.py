"""What crosses the door of tracking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple, NewType
from uuid import UUID

from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId, ShipmentId
from comptoir.runtime.events import Event
from comptoir.sdk.carriers import InstructionKind, LabelFormat
from comptoir.sdk.tracking import Scan, TrackingStatus, TrackingUpdate

AccountId = NewType("AccountId", UUID)
TrackedId = NewType("TrackedId", UUID)
LabelId = NewType("LabelId", UUID)
PickupId = NewType("PickupId", UUID)
TroubleId = NewType("TroubleId", UUID)
InstructionId = NewType("InstructionId", UUID)

ACCOUNT_PREFIX = "cac"
TRACKED_PREFIX = "trk"
LABEL_PREFIX = "lbl"
PICKUP_PREFIX = "pku"
TROUBLE_PREFIX = "tbl"
INSTRUCTION_PREFIX = "ins"
HAND_SCAN_PREFIX = "scn"


# Accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDraft:
    """An account with a carrier, or with a vendor who stands before many, as somebody wants it."""

    connector: str
    name: str
    carriers: tuple[str, ...] = ()
    """What shipments call the carriers whose parcels this account tells of; empty where nobody else does."""
    active: bool = True
    test: bool = False
    """Its labels are worth nothing; nothing is polled for it."""


HOUSE = AccountId(UUID("01900000-0000-7000-8000-000000000001"))
"""The account of carriers that are known by the house's own tables, and that nobody else has an account for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(AccountDraft):
    id: AccountId
    version: int
    created_at: datetime
    problem: str = ""
    """Why the carrier last refused us; empty since it has not."""
    problem_at: datetime | None = None
    answered_at: datetime | None = None
    """When it last answered as it should, to the minute."""


@dataclass(frozen=True, slots=True)
class Post:
    """The messages that a carrier has sent for an account."""

    waiting: int = 0
    failed: int = 0
    """Which nobody could read."""
    received_at: datetime | None = None
    problem: str = ""
    """Of the last one that failed."""


# Parcels


class Kind(StrEnum):
    PARCEL = "parcel"
    COLLECTION = "collection"
    """The buyer took it at the counter: nobody carries it, and the day counts all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A shipment of an order on its way."""

    id: TrackedId
    shipment_id: ShipmentId
    order_id: OrderId
    order_number: int
    channel: str
    location_id: LocationId
    kind: Kind
    account_id: AccountId | None
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str
    origin_country: str
    origin_region: str
    destination_country: str
    destination_region: str
    zone: str
    """The time zone of the destination, or of where it was sent from while nobody knows better."""
    usual_days: int
    shipped_at: datetime
    promised_on: date | None
    status: TrackingStatus = TrackingStatus.UNKNOWN
    since: datetime | None = None
    last_at: datetime | None = None
    moved_at: datetime | None = None
    delivered_at: datetime | None = None
    attempts: int = 0
    carrier_estimate: date | None = None
    """What the carrier itself expects."""
    estimated_on: date | None = None
    signed_by: str = ""
    claimed: str = ""
    """`damaged` or `lost` where it was found to be, whatever its carrier says: by the buyer, or by whoever opened it."""
    delay_told: date | None = None
    """The day that its buyer was last told, later than the promised one."""
    next_poll_at: datetime | None = None
    polls: int = 0
    """In a row, without any news."""
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedDetails:
    """A parcel with all that was said of it."""

    parcel: Tracked
    scans: tuple[Scan, ...]
    troubles: tuple[Trouble, ...]
    case: Case | None
    instruction: CaseInstruction | None = None
    """What the carrier was told last after a failed delivery, or is to be told."""
    by_hand: Mapping[str, str] = field(default_factory=dict[str, str])
    """By the id of a scan that one of us wrote down, who."""


class Correction(NamedTuple):
    """A scan that moved the expected day; None where it is not going to arrive."""

    at: datetime
    status: TrackingStatus
    expected_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedFilter:
    """None and empty do not filter; of several values any one will do."""

    statuses: tuple[TrackingStatus, ...] = ()
    order_id: OrderId | None = None
    carrier: str = ""
    account_id: AccountId | None = None
    locations: tuple[LocationId, ...] = ()
    """From which they left."""
    channel: str = ""
    destination_country: str = ""
    shipped_from: datetime | None = None
    shipped_before: datetime | None = None
    late: bool | None = None
    """Whether it came, or is going to come, after the promised day."""
    stuck: bool | None = None
    """Whether something about it is open that a person has to look at."""
    search: str = ""
    """The beginning of a tracking number, or an order's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingFilter:
    """Which of the parcels on their way that a carrier tells us of. None and empty do not filter."""

    locations: tuple[LocationId, ...] = ()
    channel: str = ""
    carrier: str = ""
    shipped_from: datetime | None = None
    shipped_before: datetime | None = None
    in_trouble: bool | None = None
    late_at: datetime | None = None
    """Only those that arrive after the promised day, or whose promised day had passed at this instant."""
    search: str = ""
    """The beginning of a tracking number, or an order's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A parcel to ask its carrier about."""

    tracked_id: TrackedId
    account_id: AccountId
    tracking_number: str
    service: str


# Troubles and failed deliveries


class TroubleKind(StrEnum):
    STUCK = "stuck"
    """Nothing was heard of it for longer than is usual where it is."""
    FAILED = "failed"
    """It could not be handed over, and somebody has to say what happens."""
    LOST = "lost"
    DAMAGED = "damaged"
    RETURNED = "returned"
    """It is back at the sender: somebody has to receive it, and to send it again or to refund it."""
    LATE = "late"
    """It is on its way, and arrives later than was promised."""
    REJECTED = "rejected"
    """A label could not be bought, and waiting does not help."""
    UNUSED = "unused"
    """Nothing of what its label was bought for leaves, and the carrier has not taken the label back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something with a parcel that a person has to look at."""

    id: TroubleId
    kind: TroubleKind
    tracked_id: TrackedId | None
    order_id: OrderId
    reason: str
    opened_at: datetime
    resolved_at: datetime | None = None
    resolution: str = ""
    label_id: LabelId | None = None
    """Of a label that could not be bought, where there is no parcel yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InTroubleFilter:
    """Which of the open troubles. None and empty do not filter."""

    kinds: tuple[TroubleKind, ...] = ()
    locations: tuple[LocationId, ...] = ()
    channel: str = ""
    carrier: str = ""
    opened_from: datetime | None = None
    opened_before: datetime | None = None
    search: str = ""
    """The beginning of a tracking number, or an order's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InTrouble:
    """An open trouble with its parcel; a label that could not be bought has none."""

    id: TroubleId
    kind: TroubleKind
    order_id: OrderId
    reason: str
    opened_at: datetime
    parcel: Tracked | None


@dataclass(frozen=True, slots=True)
class ParcelAge:
    """How many parcels are on their way that left in the same span of time, or how many troubles of a `kind` were opened in it.

    `band` counts the bounds up to then: 0 for those before the first bound, the oldest.
    """

    kind: TroubleKind | None
    """None: parcels about which nothing is open."""
    band: int
    count: int
    late: int
    at_risk: int
    """All parcels on their way that are late, also those about which something is open."""


class FailReason(StrEnum):
    """Why a parcel could not be handed over."""

    ABSENT = "absent"
    ADDRESS = "address"
    """The address is wrong or incomplete."""
    REFUSED = "refused"
    PAYMENT = "payment"
    """Nobody paid at the door."""
    CLOSED = "closed"
    ACCESS = "access"
    """The driver could not get to the door."""
    CARRIER = "carrier"
    """The carrier's own doing: weather, a full van."""
    OTHER = "other"


class CaseState(StrEnum):
    """Of a failed delivery."""

    ASKED = "asked"
    """The buyer has been asked what is to happen."""
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    """The buyer said nothing in time."""
    REATTEMPT = "reattempt"
    """The carrier tries again."""
    RETURNING = "returning"
    DELIVERED = "delivered"
    RETURNED = "returned"


class CaseStep(StrEnum):
    ANSWER = "answer"
    TIME_OUT = "time_out"
    TRY_AGAIN = "try_again"
    SEND_BACK = "send_back"
    FAIL = "fail"
    DELIVER = "deliver"
    COME_BACK = "come_back"


class AnswerKind(StrEnum):
    """What a buyer may ask for."""

    DATE = "date"
    ADDRESS = "address"
    PICKUP = "pickup"
    RETURN = "return"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the buyer wants done."""

    kind: AnswerKind
    on: date | None = None
    line1: str = ""
    line2: str = ""
    postcode: str = ""
    city: str = ""
    pickup_point: str = ""
    point_id: str = ""
    """What the carrier calls the pickup point, where it is one that the carrier told us of."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A parcel that could not be handed over, until it is delivered or back."""

    tracked_id: TrackedId
    order_id: OrderId
    state: CaseState
    reason: FailReason
    attempts: int
    opened_at: datetime
    answer_until: datetime
    answer: Answer | None = None
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    due_at: datetime | None = None
    """When what was decided should have begun; a person is told of what has not. None once it has, or somebody was told."""
    reminded_at: datetime | None = None
    version: int = 1


class InstructionState(StrEnum):
    """Of what a carrier is to be told after a failed delivery."""

    ASKED = "asked"
    """Written down, and not told as far as we know."""
    UNKNOWN = "unknown"
    """No answer came: it is told again with the same reference, which the carrier takes once."""
    TOLD = "told"
    REFUSED = "refused"
    """The carrier said no, or nothing for too long: a person has to call it."""
    CANNOT = "cannot"
    """Nobody can be told by us: a person has to call the carrier."""


class InstructionStep(StrEnum):
    ASK = "ask"
    TELL = "tell"
    LOSE = "lose"
    PUT_OFF = "put_off"
    REFUSE = "refuse"
    HAND_OVER = "hand_over"
    """To a person, who calls the carrier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInstruction:
    """What a carrier is to be told for one answer after a failed delivery. What exactly stands in the answer."""

    id: InstructionId
    reference: str
    tracked_id: TrackedId
    order_id: OrderId
    account_id: AccountId | None
    case_version: int
    """Of the failed delivery when it was decided: what happens to it afterwards needs another."""
    kind: InstructionKind
    state: InstructionState
    attempts: int
    problem: str
    """Why it was not told when it was last tried."""
    confirmation: str
    """What the carrier calls it."""
    created_at: datetime
    told_at: datetime | None
    next_at: datetime
    busy_until: datetime | None


# Labels


class LabelState(StrEnum):
    ASKED = "asked"
    """Written down, and not bought as far as we know."""
    BOUGHT = "bought"
    UNKNOWN = "unknown"
    """No answer came: it may be there."""
    REFUSED = "refused"
    """Nothing was bought; what is wrong has to be put right, under a new reference."""
    VOIDING = "voiding"
    """The carrier takes its time to take it back."""
    VOIDED = "voided"


class LabelStep(StrEnum):
    BUY = "buy"
    LOSE = "lose"
    """The answer got lost."""
    FIND = "find"
    MISS = "miss"
    """It was looked for, and is not there."""
    REFUSE = "refuse"
    ASK_BACK = "ask_back"
    VOID = "void"
    KEEP = "keep"
    """The carrier does not take it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchasedLabel:
    """A label, from before it is bought until it is given back. `subject_id` is what it is for: one box has one label."""

    id: LabelId
    reference: str
    account_id: AccountId
    subject_id: UUID
    order_id: OrderId
    state: LabelState
    service: str
    format: LabelFormat
    attempts: int
    problem: str
    problem_code: str
    tracking_number: str
    tracking_url: str
    shipment_ref: str
    carrier: str
    url: str
    cost: int | None
    currency: str
    has_document: bool
    manifest_ref: str
    created_at: datetime
    created_by: str
    bought_at: datetime | None
    voided_at: datetime | None
    busy_until: datetime | None
    version: int
    is_return: bool = False
    """Whether `subject_id` is a return, and the buyer sends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFilter:
    """None and empty do not filter; of several values any one will do."""

    states: tuple[LabelState, ...] = ()
    account_id: AccountId | None = None
    carrier: str = ""
    order_id: OrderId | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    search: str = ""
    """The beginning of a tracking number, or of our reference."""


class ServiceUsed(NamedTuple):
    """A service that labels were bought of, and what they cost in one currency."""

    carrier: str
    service: str
    currency: str
    labels: int
    cost: int


class Cost(NamedTuple):
    """What labels cost in one currency, in minor units."""

    currency: str
    labels: int
    cost: int


class PickupStanding(StrEnum):
    ASKED = "asked"
    SCHEDULED = "scheduled"
    UNKNOWN = "unknown"
    """No answer came: the driver may come. Asked again with the same reference, the carrier says which."""
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverWanted:
    """Parcels at a location that a driver is to take. `weight` is of all of them, in grams."""

    account_id: AccountId
    location_id: LocationId
    label_ids: tuple[LabelId, ...]
    from_at: datetime
    until_at: datetime
    weight: int
    instructions: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver(DriverWanted):
    """A driver who was asked for."""

    id: PickupId
    reference: str
    state: PickupStanding
    carrier_ref: str
    confirmation: str
    problem: str
    busy_until: datetime | None


ManifestId = NewType("ManifestId", UUID)

MANIFEST_PREFIX = "mnf"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedManifest:
    """A manifest that a carrier has made. Without a `url` it was still at it."""

    id: ManifestId
    account_id: AccountId
    location_id: LocationId | None
    label_ids: tuple[LabelId, ...]
    carrier_ref: str
    url: str
    tracking_numbers: tuple[str, ...]
    created_at: datetime
    created_by: str


# How well carriers do


class LaneKey(NamedTuple):
    """A carrier's service between two regions."""

    carrier: str
    service: str
    origin_country: str
    origin_region: str
    destination_country: str
    destination_region: str


class Counts(NamedTuple):
    """What became of parcels; each field is a sum, so that they can be added and taken back."""

    parcels: int = 0
    """Whose end is known."""
    delivered: int = 0
    promised: int = 0
    """Delivered ones of which a day had been promised, and lost ones."""
    on_time: int = 0
    days: int = 0
    """From leaving to the door, in calendar days, of the delivered ones."""
    first_time: int = 0
    """Delivered without a failed attempt."""
    damaged: int = 0
    lost: int = 0
    late: int = 0
    """Delivered after the promised day."""
    late_days: int = 0
    """By how many days, together."""

    def plus(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def minus(self, other: Counts) -> Counts:
        return Counts(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Performance:
    """How a lane did. Shares are None while there is nothing to say."""

    lane: LaneKey
    counts: Counts

    @property
    def on_time(self) -> float | None:
        return self.counts.on_time / self.counts.promised if self.counts.promised else None

    @property
    def days(self) -> float | None:
        return self.counts.days / self.counts.delivered if self.counts.delivered else None

    @property
    def damage(self) -> float | None:
        return self.counts.damaged / self.counts.parcels if self.counts.parcels else None

    @property
    def loss(self) -> float | None:
        return self.counts.lost / self.counts.parcels if self.counts.parcels else None

    @property
    def late_by(self) -> float | None:
        """Days, of those that came late."""
        return self.counts.late_days / self.counts.late if self.counts.late else None


class Monthly(NamedTuple):
    """What became of the parcels of a carrier that left in a month."""

    month: date
    carrier: str
    counts: Counts


class Spent(NamedTuple):
    """What the labels of a lane's parcels cost, in one currency."""

    lane: LaneKey
    currency: str
    parcels: int
    cost: int


class Kept(StrEnum):
    """Whether a promise was kept."""

    KEPT = "kept"
    LATE = "late"
    OPEN = "open"
    """The day has not come."""
    OVERDUE = "overdue"
    """The day has passed, and it is not there."""
    BROKEN = "broken"
    """It will never arrive."""
    NONE = "none"
    """Nothing was promised."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The promised day of a parcel or a collection against what happened."""

    tracked_id: TrackedId
    order_id: OrderId
    kind: Kind
    promised_on: date | None
    happened_on: date | None
    kept: Kept
    days_late: int = 0


# What came in


class Delivery(NamedTuple):
    """A message of a carrier's, verified, to be worked off."""

    account_id: AccountId
    dedup: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that is ours to work off in this transaction."""

    seq: int
    account_id: AccountId
    body: bytes = field(repr=False)
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Understood:
    """What a message was found to say; `problem` where it could not be read."""

    seq: int
    account_id: AccountId
    updates: Sequence[TrackingUpdate] = ()
    problem: str = ""


# Events


class ParcelEvent(Event, frozen=True, kw_only=True):
    """Something happened to a parcel; its order's timeline tells it."""

    type: ClassVar[str] = ""
    order_id: OrderId
    tracked_id: TrackedId
    shipment_id: ShipmentId

    @property
    def subject(self) -> UUID:
        return self.order_id


class ParcelMoved(ParcelEvent, frozen=True, kw_only=True):
    """It got somewhere else on its way."""

    type: ClassVar[str] = "parcel.moved"
    status: str
    was: str
    at: datetime
    estimated_on: date | None


class ParcelDelivered(ParcelEvent, frozen=True, kw_only=True):
    type: ClassVar[str] = "parcel.delivered"
    at: datetime
    promised_on: date | None
    late: bool


class ParcelFailed(ParcelEvent, frozen=True, kw_only=True):
    """It could not be handed over: the buyer is asked."""

    type: ClassVar[str] = "parcel.failed"
    reason: str
    attempts: int
    answer_until: datetime


class ParcelReminded(ParcelEvent, frozen=True, kw_only=True):
    """Its buyer has not said yet what is to happen, and the time for it ends soon."""

    type: ClassVar[str] = "parcel.reminded"
    reason: str
    attempts: int
    answer_until: datetime


class ParcelAnswered(ParcelEvent, frozen=True, kw_only=True):
    """The buyer said what is to happen; what exactly is not in the log, which outlives what a buyer may ask us to forget."""

    type: ClassVar[str] = "parcel.answered"
    answer: str


class ParcelInstructed(ParcelEvent, frozen=True, kw_only=True):
    """The carrier has been told by us what is to become of a parcel that it could not hand over."""

    type: ClassVar[str] = "parcel.instructed"
    instruction: str


class ParcelStuck(ParcelEvent, frozen=True, kw_only=True):
    type: ClassVar[str] = "parcel.stuck"
    status: str
    silent_since: datetime


class ParcelDelayed(ParcelEvent, frozen=True, kw_only=True):
    """It arrives later than was promised."""

    type: ClassVar[str] = "parcel.delayed"
    promised_on: date
    estimated_on: date


@dataclass(frozen=True, slots=True)
class Coming:
    """A parcel in which something comes back, with a label of ours. `id` is what the label is for."""

    id: UUID
    order_id: OrderId
    account_id: AccountId
    tracking_number: str
    tracking_url: str
    carrier: str
    service: str
    status: TrackingStatus
    since: datetime | None
    last_at: datetime | None
    begun_at: datetime


class ComingMoved(Event, frozen=True, kw_only=True):
    """A carrier has said something new of a parcel that comes back; `left` is whether it has it, or had it."""

    type: ClassVar[str] = "return.parcel_moved"
    order_id: OrderId
    return_case_id: UUID
    status: str
    was: str
    left: bool
    at: datetime | None

    @property
    def subject(self) -> UUID:
        return self.order_id


class LabelBought(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "label.bought"
    order_id: OrderId
    label_id: LabelId
    tracking_number: str
    carrier: str
    cost: int | None
    currency: str

    @property
    def subject(self) -> UUID:
        return self.order_id


class LabelVoided(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "label.voided"
    order_id: OrderId
    label_id: LabelId
    tracking_number: str

    @property
    def subject(self) -> UUID:
        return self.order_id
