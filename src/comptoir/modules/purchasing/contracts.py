"""What crosses the door of purchasing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, NewType
from uuid import UUID

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.fulfilment.contracts import FulfilmentId
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.events import Event

PurchaseId = NewType("PurchaseId", UUID)
LetterId = NewType("LetterId", UUID)

PURCHASE_PREFIX = "pur"


class PurchaseState(StrEnum):
    ASKED = "asked"
    """The supplier has not answered."""
    ACKNOWLEDGED = "acknowledged"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    """All that was accepted has left."""
    DECLINED = "declined"
    EXPIRED = "expired"
    """Nobody answered in time: the units go elsewhere."""
    CANCELLED = "cancelled"


class PurchaseStep(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    SHIP = "ship"
    FINISH = "finish"
    DECLINE = "decline"
    EXPIRE = "expire"
    CANCEL = "cancel"


class DeclineReason(StrEnum):
    """Why a supplier does not send units."""

    OUT_OF_STOCK = "out_of_stock"
    DISCONTINUED = "discontinued"
    PRICE = "price"
    """Not at this price."""
    ADDRESS = "address"
    """Not to this address."""
    TOO_LATE = "too_late"
    """Not for this day."""
    OTHER = "other"


EMPTY_SHELF = frozenset({DeclineReason.OUT_OF_STOCK, DeclineReason.DISCONTINUED})
"""Reasons that say that nothing is there, whatever the supplier's feed has said."""


class LetterKind(StrEnum):
    ORDER = "order"
    CHANGED = "changed"
    REMINDER = "reminder"
    CANCELLED = "cancelled"
    """Nothing of it is wanted any more."""


class LetterState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a supplier is asked. Without an address nothing is written to them: they pull what is asked of them by the API."""

    location_id: LocationId
    email: str = ""
    locale: str = "fr"
    currency: str = "EUR"
    answer_within: int = 24
    """Hours; after that the units go elsewhere."""
    remind_after: int = 12
    """Hours without an answer; 0 is never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What a supplier calls a SKU, and what it costs us: minor units of the terms' currency, for one unit (a whole kilogram,
    litre or metre of what is weighed).
    """

    sku: str
    supplier_sku: str = ""
    cost: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseLine:
    """Units of one line of the buyer's order."""

    line_no: int
    sku: str
    name: str
    supplier_sku: str
    weighed: bool
    quantity: int
    rejected: int = 0
    cancelled: int = 0
    shipped: int = 0
    cost: int | None = None
    reason: DeclineReason | None = None
    """Why units of it were rejected, the last time."""
    promised_on: date | None = None

    @property
    def wanted(self) -> int:
        return self.quantity - self.rejected - self.cancelled

    @property
    def open(self) -> int:
        return self.wanted - self.shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A purchase order: what one supplier is asked to send to a buyer."""

    id: PurchaseId
    number: int
    fulfilment_id: FulfilmentId
    order_id: OrderId
    order_number: int
    channel_code: str
    location_id: LocationId
    state: PurchaseState
    revision: int
    """Grows whenever what is asked changes."""
    service: Service
    currency: str
    ship_to: dict[str, Any]
    requested_on: date | None
    """The day on which it should leave."""
    promised_on: date | None
    """The day on which the supplier says that it leaves."""
    answer_by: datetime | None
    remind_at: datetime | None
    created_at: datetime
    answered_at: datetime | None
    answered_by: str
    ended_at: datetime | None
    note: str
    """What the supplier has said."""
    cost: int | None
    """Of what is wanted; None where no cost is known."""
    booked: int
    """Of what has left."""
    version: int
    lines: tuple[PurchaseLine, ...] = ()

    @property
    def open(self) -> int:
        return sum(line.open for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseFilter:
    """None and empty do not filter."""

    locations: tuple[LocationId, ...] = ()
    states: tuple[PurchaseState, ...] = ()
    order_id: OrderId | None = None
    search: str = ""
    """A purchase order's number, or the buyer's order's."""


class Units(NamedTuple):
    """So many units of a line."""

    line_no: int
    quantity: int


class LineAnswer(NamedTuple):
    """What a supplier says of a line: so many units of it are sent, the others are not, for that reason."""

    line_no: int
    accepted: int
    reason: DeclineReason = DeclineReason.OUT_OF_STOCK
    promised_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Lines that are not named are accepted whole, for the day that is promised of all."""

    lines: tuple[LineAnswer, ...] = ()
    promised_on: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A parcel of a supplier. No lines means everything that is open."""

    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    lines: tuple[Units, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message to a supplier."""

    id: LetterId
    purchase_id: PurchaseId
    kind: LetterKind
    revision: int
    state: LetterState
    attempts: int
    problem: str
    created_at: datetime
    next_at: datetime | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A letter that is ours to send until `lease`, with the purchase order as it stands."""

    letter: Letter
    purchase: Purchase
    terms: Terms
    lease: datetime = field(repr=False)


class PurchaseMoved(Event, frozen=True, kw_only=True):
    """A purchase order was made, changed, answered, shipped or ended; its buyer's order tells it."""

    type: ClassVar[str] = "purchase.moved"
    order_id: OrderId
    purchase_id: PurchaseId
    location_id: LocationId
    number: int
    step: str
    """A step, or `ask`, `change` or `reject`."""
    state: str
    lines: tuple[Units, ...] = ()
    """What it was about, where it was not all of it."""
    promised_on: date | None = None
    reason: str = ""
    note: str = ""

    @property
    def subject(self) -> UUID:
        return self.order_id
