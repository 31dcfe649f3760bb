"""Values, ids and events of stock that others may hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple, NewType
from uuid import UUID

from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.events import Event

HoldId = NewType("HoldId", UUID)
TransferId = NewType("TransferId", UUID)
SupplyId = NewType("SupplyId", UUID)
CountId = NewType("CountId", UUID)
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


@dataclass(frozen=True, slots=True)
class Demand:
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
        return self.quantity - self.received - self.cancelled


class TransferState(StrEnum):
    DRAFT = "draft"
    IN_TRANSIT = "in_transit"
    PARTLY_RECEIVED = "partly_received"
    RECEIVED = "received"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class TransferLine:
    sku: str
    quantity: int
    received: int = 0
    missing: int = 0
    """Units that never arrived: closed with the transfer as a discrepancy."""

    @property
    def open(self) -> int:
        return self.quantity - self.received - self.missing


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
    lines: tuple[TransferLine, ...] = field(default=())


class StockShort(Event, frozen=True, kw_only=True):
    """A fact has left fewer units at a location than are promised there."""

    type: ClassVar[str] = "stock.short"
    sku: str
    location_id: LocationId
    missing: int
    """Promised units that are not there."""
    on_hand: int


class StockReceived(Event, frozen=True, kw_only=True):
    """Units have become available at a location: whoever waits for them may be served."""

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
