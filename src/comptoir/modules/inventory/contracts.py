"""Values, ids and events of stock that others may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Literal, NamedTuple, NewType
from uuid import UUID

import msgspec

from comptoir.modules.locations.contracts import LocationId, PoolId
from comptoir.runtime.events import Event, Position

HoldId = NewType("HoldId", UUID)
TransferId = NewType("TransferId", UUID)
SupplyId = NewType("SupplyId", UUID)
CountId = NewType("CountId", UUID)
ProposalId = NewType("ProposalId", UUID)
PromiseId = NewType("PromiseId", UUID)
"""An order's id or a cart hold's: whoever has been promised units."""

Spot = tuple[str, LocationId]
"""One SKU at one location: the key of a level, in the order in which levels are locked."""


class EntryKind(StrEnum):
    RECEIVED = "received"
    EXPECTED = "expected"
    SOLD = "sold"
    """Left on hand at once, without a reservation: the till."""
    RESERVED = "reserved"
    RELEASED = "released"
    SHIPPED = "shipped"
    TRANSFERRED = "transferred"
    COUNTED = "counted"
    ADJUSTED = "adjusted"
    RETURNED = "returned"
    DAMAGED = "damaged"
    QUALITY = "quality"
    SAFETY = "safety"


class Disposition(StrEnum):
    """What becomes of a returned unit."""

    RESTOCK = "restock"
    DAMAGED = "damaged"
    QUALITY = "quality"


class Level(NamedTuple):
    """The buckets of one SKU at one location. On hand includes reserved, damaged and quality."""

    on_hand: int = 0
    reserved: int = 0
    safety: int = 0
    damaged: int = 0
    quality: int = 0
    incoming: int = 0

    @property
    def available(self) -> int:
        """What may still be promised here; negative where facts have taken more than there was."""
        return self.on_hand - self.reserved - self.safety - self.damaged - self.quality

    @property
    def missing(self) -> int:
        """Reserved units that are not there: what a fact has broken. Safety stock may be used to keep a promise."""
        return max(0, self.reserved - max(0, self.on_hand - self.damaged - self.quality)) if self.reserved else 0


@dataclass(frozen=True, slots=True)
class Movement:
    """One ledger entry to be: how much each bucket changes, and why. At least one cause is set."""

    kind: EntryKind
    sku: str
    location_id: LocationId
    on_hand: int = 0
    reserved: int = 0
    safety: int = 0
    damaged: int = 0
    quality: int = 0
    incoming: int = 0
    order_id: UUID | None = None
    hold_id: UUID | None = None
    shipment_id: UUID | None = None
    return_id: UUID | None = None
    transfer_id: UUID | None = None
    supply_id: UUID | None = None
    count_id: UUID | None = None
    import_id: UUID | None = None
    reason: str | None = None
    note: str | None = None

    @property
    def spot(self) -> Spot:
        return (self.sku, self.location_id)


class Reservation(NamedTuple):
    """Units of one line that are promised at one location."""

    promise_id: PromiseId
    line_no: int
    location_id: LocationId
    sku: str
    quantity: int
    hold_until: datetime | None = None


class Allocation(NamedTuple):
    """Where units of a line come from."""

    line_no: int
    location_id: LocationId
    quantity: int


class Demand(NamedTuple):
    """Units of one SKU that a line wants."""

    line_no: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Quantity:
    """So many units of a SKU."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Supply:
    """Units that are on their way from a supplier to a location, and the day they are promised for."""

    id: SupplyId
    sku: str
    location_id: LocationId
    quantity: int
    received: int
    cancelled: int
    expected_on: date
    reference: str
    at: datetime

    @property
    def open(self) -> int:
        """What is still to come; a supplier who sent too much owes nothing."""
        return max(0, self.quantity - self.received - self.cancelled)


@dataclass(frozen=True, slots=True)
class Expectation:
    """A supply to be."""

    sku: str
    location_id: LocationId
    quantity: int
    expected_on: date


class AdjustReason(StrEnum):
    """Why somebody corrects what is on hand."""

    DAMAGED = "damaged"
    LOST = "lost"
    FOUND = "found"
    THEFT = "theft"
    SAMPLE = "sample"
    CORRECTION = "correction"
    EXPIRED = "expired"
    INITIAL = "initial"
    OWN_USE = "own_use"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A correction of what is on hand: by `delta`, or `to` a quantity. `expected` is what the caller believes is there now."""

    sku: str
    delta: int | None = None
    to: int | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class SafetyStock:
    """So many units of a SKU are to be kept back."""

    sku: str
    safety: int
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """What somebody found on the shelf.

    `expected` is what was on hand when the count was taken, so that what moved between the shelf and the office is not undone;
    None is what is on hand now.
    """

    sku: str
    counted: int
    expected: int | None = None


class TransferState(StrEnum):
    DRAFT = "draft"
    IN_TRANSIT = "in_transit"
    PARTLY_RECEIVED = "partly_received"
    RECEIVED = "received"
    CANCELLED = "cancelled"


class TransferStage(StrEnum):
    """What is to be done next about a transfer, and by whom: the first three at the origin, the fourth at the target."""

    TO_PICK = "to_pick"
    TO_PACK = "to_pack"
    """All of it is picked."""
    TO_HAND_OVER = "to_hand_over"
    TO_RECEIVE = "to_receive"
    DONE = "done"


class Absence(StrEnum):
    """What somebody has decided about units that were sent and did not arrive."""

    LOST = "lost"
    """They left and are gone."""
    NEVER_SENT = "never_sent"
    """They are at the origin still."""


class DamageReason(StrEnum):
    """Why units of a transfer arrived as damaged stock."""

    BROKEN = "broken"
    CRUSHED = "crushed"
    WET = "wet"
    OPENED = "opened"
    SPOILED = "spoiled"


@dataclass(frozen=True, slots=True)
class TransferLine:
    """Units of a SKU, and where each of them is: what left is what was received, what was lost and what is on the road."""

    sku: str
    quantity: int
    """What is to leave, or has left by the books."""
    received: int = 0
    """With what was damaged, and what came on top."""
    missing: int = 0
    """Units that never arrived: lost on the road."""
    unsent: int = 0
    """Units that turned out never to have left: they are on hand at the origin again."""
    surplus: int = 0
    """Units that came on top of what was sent: taken off the books of the origin when they were received."""
    damaged: int = 0
    """Of those received."""
    picked: int = 0
    short: int = 0
    """Units of the plan that were not there when it was picked, and did not leave."""

    @property
    def left(self) -> int:
        """All that has left the origin."""
        return self.quantity + self.surplus - self.unsent

    @property
    def open(self) -> int:
        """What is still on the road."""
        return self.left - self.received - self.missing


@dataclass(frozen=True, slots=True)
class Tallied:
    """Units of one SKU that somebody has scanned at the target and nobody has taken in yet; with a reason they are damaged."""

    sku: str
    units: int
    damage: DamageReason | None = None


@dataclass(frozen=True, slots=True)
class Damaged:
    """Units that arrived as damaged stock."""

    sku: str
    quantity: int
    reason: DamageReason = DamageReason.BROKEN


@dataclass(frozen=True, slots=True)
class Settled:
    """Units that were sent and did not arrive, and what became of them."""

    sku: str
    quantity: int
    fate: Absence


class Taken(StrEnum):
    """What became of a scan."""

    COUNTED = "counted"
    COMPLETE = "complete"
    """Counted, and with it all that there was to scan is."""
    TOO_MANY = "too_many"
    """All of this SKU is there already: whoever scans says whether it comes on top."""
    NOT_LISTED = "not_listed"
    """It is not on the transfer: whoever scans says whether it is taken in all the same."""


class TransferScan(NamedTuple):
    """A scan of a transfer; only `counted` and `complete` changed anything."""

    outcome: Taken
    sku: str
    units: int
    """Of this SKU, with this scan."""
    left: int
    """To scan of the whole transfer."""


class TransferTasks(NamedTuple):
    """How much of transfers waits at a location, at most so many as were counted."""

    to_send: int
    to_receive: int
    late: int
    """Of those to receive."""


@dataclass(frozen=True, slots=True)
class Packed:
    """How a transfer travels."""

    boxes: int = 1
    carrier: str = ""
    tracking_number: str = ""
    expected_on: date | None = None
    """When it should arrive; None where nobody knows: then it is late after `USUAL_DAYS`."""


USUAL_DAYS = 7
"""So many days after it was sent a transfer of which nobody knows when it arrives is late."""


@dataclass(frozen=True, slots=True)
class Transfer:
    id: TransferId
    number: int
    from_location_id: LocationId
    to_location_id: LocationId
    state: TransferState
    note: str
    created_at: datetime
    sent_at: datetime | None
    received_at: datetime | None
    actor: str
    version: int
    expected_on: date | None = None
    """When it should arrive, if somebody has said so."""
    boxes: int = 0
    carrier: str = ""
    tracking_number: str = ""
    packed_at: datetime | None = None
    lines: tuple[TransferLine, ...] = field(default=())

    @property
    def stage(self) -> TransferStage:
        """By its lines: a transfer without them is never to be packed."""
        match self.state:
            case TransferState.DRAFT if self.packed_at is not None:
                return TransferStage.TO_HAND_OVER
            case TransferState.DRAFT:
                picked = bool(self.lines) and all(line.picked >= line.quantity for line in self.lines)
                return TransferStage.TO_PACK if picked else TransferStage.TO_PICK
            case TransferState.IN_TRANSIT | TransferState.PARTLY_RECEIVED:
                return TransferStage.TO_RECEIVE
            case _:
                return TransferStage.DONE

    @property
    def due_on(self) -> date | None:
        """The day after which it is late; None before it is sent."""
        if self.sent_at is None or self.state not in {TransferState.IN_TRANSIT, TransferState.PARTLY_RECEIVED}:
            return None
        return self.expected_on or (self.sent_at + timedelta(days=USUAL_DAYS)).date()


class SpotLevel(NamedTuple):
    """A level and where it is."""

    sku: str
    location_id: LocationId
    level: Level

    @property
    def spot(self) -> Spot:
        return (self.sku, self.location_id)


class LevelState(StrEnum):
    """What to look for in a list of levels."""

    OUT = "out"
    """Nothing is free, not even safety stock."""
    LOW = "low"
    """Only safety stock is free."""
    NEGATIVE = "negative"
    """Less than nothing is on hand: more was sold than was ever counted."""
    OVERSOLD = "oversold"
    """Promised units are not there."""
    INCOMING = "incoming"
    ASIDE = "aside"
    """Some are damaged or held for quality."""


@dataclass(frozen=True, slots=True)
class LevelFilter:
    """Which levels; what is None does not narrow. `skus` and `location_ids` are any of these."""

    skus: tuple[str, ...] | None = None
    sku_begins: str = ""
    location_ids: tuple[LocationId, ...] | None = None
    state: LevelState | None = None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One row of the ledger: what it changed, who did it, and why."""

    tx: int
    seq: int
    at: datetime
    kind: EntryKind
    sku: str
    location_id: LocationId
    change: Level
    actor: str
    order_id: UUID | None
    hold_id: UUID | None
    shipment_id: UUID | None
    return_id: UUID | None
    transfer_id: UUID | None
    supply_id: UUID | None
    count_id: UUID | None
    import_id: UUID | None
    reason: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """Which entries; what is None does not narrow.

    An order, a transfer or a count is found quickly only together with its SKUs: the ledger has indexes of SKUs and locations
    and no others, so that writing to it stays cheap.
    """

    skus: tuple[str, ...] | None = None
    location_ids: tuple[LocationId, ...] | None = None
    kinds: tuple[EntryKind, ...] | None = None
    order_id: UUID | None = None
    transfer_id: TransferId | None = None
    count_id: CountId | None = None
    supply_id: SupplyId | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Not included."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed after a position, as it is now. `more`: ask again at once; there is more to read."""

    levels: tuple[SpotLevel, ...]
    position: Position
    more: bool


@dataclass(frozen=True, slots=True)
class SupplyFilter:
    skus: tuple[str, ...] | None = None
    location_ids: tuple[LocationId, ...] | None = None
    open_only: bool = False
    reference: str = ""
    """What the reference begins with."""


@dataclass(frozen=True, slots=True)
class TransferFilter:
    states: tuple[TransferState, ...] | None = None
    from_location_id: LocationId | None = None
    to_location_id: LocationId | None = None
    location_ids: tuple[LocationId, ...] = ()
    """At either end one of these."""
    late_on: date | None = None
    """Those on the road that should have arrived before this day."""
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplenishmentTerms:
    """How a location is filled up, or (by its pool) one that has no terms of its own.

    What sold in the last `weeks` says how much sells in a day. When what is free and coming lasts fewer than `reorder_days`, it
    is filled up to `cover_days`, from the source and then from locations with the same source that have more than
    `overstock_days` (None: nobody gives). The source keeps `keep_days` of what it sells itself.
    """

    source_id: LocationId
    location_id: LocationId | None = None
    pool_id: PoolId | None = None
    active: bool = True
    weeks: int = 4
    cover_days: int = 14
    reorder_days: int = 7
    overstock_days: int | None = None
    keep_days: int = 0
    quiet_days: int = 14
    """So long nothing is proposed where somebody did not want it."""


class ProposalState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Proposal:
    """Units that should go from one location to another, and what was seen when that was thought."""

    id: ProposalId
    from_location_id: LocationId
    to_location_id: LocationId
    sku: str
    quantity: int
    state: ProposalState
    sold: int
    days: int
    """In which so much was sold."""
    free: int
    """At the target, with its safety stock."""
    incoming: int
    wanted: int
    """At the target in all, of which this may be a part."""
    created_at: datetime
    transfer_id: TransferId | None

    @property
    def lasts(self) -> int | None:
        """Whole days that what is free lasts; None where nothing sells."""
        return None if self.sold <= 0 else max(0, self.free) * self.days // self.sold


@dataclass(frozen=True, slots=True)
class ProposalFilter:
    states: tuple[ProposalState, ...] = (ProposalState.OPEN,)
    from_location_id: LocationId | None = None
    to_location_id: LocationId | None = None
    location_ids: tuple[LocationId, ...] = ()
    """At either end one of these."""


class ProposedRun(NamedTuple):
    """What is proposed for one destination from one origin."""

    from_location_id: LocationId
    to_location_id: LocationId
    lines: int
    units: int
    created_at: datetime


class Arrival(NamedTuple):
    """Units that will come on hand. A transfer has no promised day: None."""

    sku: str
    location_id: LocationId
    expected_on: date | None
    quantity: int


@dataclass(frozen=True, slots=True)
class CountLine:
    """`expected` is what was on hand by the books at the time of the count."""

    sku: str
    expected: int
    counted: int

    @property
    def difference(self) -> int:
        return self.counted - self.expected


@dataclass(frozen=True, slots=True)
class StockCount:
    """Somebody's count of some SKUs at a location."""

    id: CountId
    location_id: LocationId
    at: datetime
    actor: str
    note: str
    skus: int
    differences: int
    lines: tuple[CountLine, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class StockColumns:
    """Many levels to be set, as columns of equal length. Of two rows of one spot the later counts."""

    skus: Sequence[str]
    location_ids: Sequence[LocationId]
    on_hand: Sequence[int]
    safety: Sequence[int | None] | None = None
    """None leaves what is there."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a bulk load did: levels that were not there before, levels that are others now, and those that were so already."""

    created: int
    changed: int
    unchanged: int


class FindingKind(StrEnum):
    LEDGER = "ledger"
    """A level's bucket is not the sum of its entries."""
    RESERVED = "reserved"
    """What a level holds as reserved is not the sum of its reservations."""
    INCOMING = "incoming"
    """What a level expects is not what open supplies and transfers bring."""
    NEGATIVE = "negative"
    """A bucket that cannot be below zero is."""
    HOLD = "hold"
    """A reservation of a cart hold that is over, or was never there."""


class Finding(NamedTuple):
    """One thing that does not add up: `found` is in the level or the reservation, `expected` what it should be."""

    kind: FindingKind
    sku: str
    location_id: LocationId
    bucket: str
    found: int
    expected: int
    promise_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What the doctor saw. `findings` are the first of them; `spots` and `dangling` count them all."""

    levels: int
    entries: int
    spots: int
    """Levels that do not add up."""
    dangling: int
    """Reservations of holds that are over."""
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        return not self.spots and not self.dangling


@dataclass(frozen=True, slots=True)
class Repaired:
    spots: int
    released: int
    more: bool
    """Not everything was repaired in this transaction: go on in another."""


class StockShort(Event, frozen=True, kw_only=True):
    """A fact has left fewer units at a location than are promised there."""

    type: ClassVar[str] = "stock.short"
    sku: str
    location_id: LocationId
    missing: int
    """Promised units that are not there."""
    on_hand: int


class StockReceived(Event, frozen=True, kw_only=True):
    """Units have become available at a location, or fewer are missing than before: whoever waits for them may be served."""

    type: ClassVar[str] = "stock.received"
    location_id: LocationId
    skus: tuple[str, ...]


class TransferMoved(Event, frozen=True, kw_only=True):
    """A transfer has gone from one state to another."""

    type: ClassVar[str] = "transfer.moved"
    transfer_id: TransferId
    state: TransferState

    @property
    def subject(self) -> UUID:
        return self.transfer_id


class TransferDiffers(Event, frozen=True, kw_only=True):
    """Units of a transfer are not as its papers say. Each field says how many of which SKU."""

    type: ClassVar[str] = "transfer.differs"
    transfer_id: TransferId
    from_location_id: LocationId
    to_location_id: LocationId
    not_found: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """When it was picked: so many are held for inspection at the origin until somebody has counted."""
    broken: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """When it was picked: so many are damaged stock at the origin."""
    never_sent: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """On hand at the origin again, and held there in the same way."""
    surplus: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """Came without having been sent: off the books of the origin."""
    lost: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    found: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """Had been lost, and came."""
    damaged: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """When it came."""

    @property
    def subject(self) -> UUID:
        return self.transfer_id


class TransferDrafted(Event, frozen=True, kw_only=True):
    """A transfer was planned, or its plan was changed."""

    type: ClassVar[str] = "transfer.drafted"
    transfer_id: TransferId
    created: bool

    @property
    def subject(self) -> UUID:
        return self.transfer_id


class SupplyChanged(Event, frozen=True, kw_only=True):
    """A supply was announced, promised for another day, cancelled, or has arrived: whoever waits for it may want to know."""

    type: ClassVar[str] = "supply.changed"
    supply_id: SupplyId
    sku: str
    location_id: LocationId
    open: int
    expected_on: date
    change: Literal["announced", "moved", "cancelled", "received"]

    @property
    def subject(self) -> UUID:
        return self.supply_id


class StockChanged(Event, frozen=True, kw_only=True):
    """Somebody has changed stock by hand: received, adjusted, set aside or kept back. For the audit trail."""

    type: ClassVar[str] = "stock.changed"
    kind: EntryKind
    location_id: LocationId
    reason: str
    note: str
    skus: tuple[str, ...]


class StockLoaded(Event, frozen=True, kw_only=True):
    """Many levels were set at once. It stands for as many `StockReceived`: whoever waits for units looks for them."""

    type: ClassVar[str] = "stock.loaded"
    import_id: UUID | None
    created: int
    changed: int


class StockRepaired(Event, frozen=True, kw_only=True):
    """The doctor has brought levels and ledger together again."""

    type: ClassVar[str] = "stock.repaired"
    spots: int
    released: int


class StockCounted(Event, frozen=True, kw_only=True):
    """Someone has counted; `differences` is how many SKUs were not as expected."""

    type: ClassVar[str] = "stock.counted"
    count_id: CountId
    location_id: LocationId
    skus: int
    differences: int

    @property
    def subject(self) -> UUID:
        return self.count_id


class HoldReleased(Event, frozen=True, kw_only=True):
    """A cart's hold has ended without an order: by the clock, or by whoever held it."""

    type: ClassVar[str] = "hold.released"
    hold_id: HoldId
    expired: bool

    @property
    def subject(self) -> UUID:
        return self.hold_id
