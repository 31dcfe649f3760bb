"""What crosses the door of lots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple

from comptoir.modules.fulfilment.contracts import FulfilmentId
from comptoir.modules.inventory.contracts import TransferId
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.events import Event

MAX_CODE = 40
"""Characters of a lot's code; GS1 has 20."""


class Tracks(StrEnum):
    """What is written on the goods."""

    LOT = "lot"
    """A lot code, and perhaps a date."""
    EXPIRY = "expiry"
    """A date, and perhaps a lot code; without one the date is the lot."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a SKU asks for. Its buyers have at least `shelf_life_left` days, and it takes `transit_days` to them."""

    sku: str
    tracks: Tracks
    shelf_life_left: int = 0
    transit_days: int = 2


@dataclass(frozen=True, slots=True)
class Lot:
    sku: str
    code: str
    expires_on: date | None
    blocked_at: datetime | None = None
    blocked_note: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """Units of which somebody has read the lot, or the date."""

    sku: str
    quantity: int
    code: str = ""
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """So much of a lot at a location. `held` of it are kept from buyers."""

    sku: str
    code: str
    location_id: LocationId
    expires_on: date | None
    blocked: bool
    on_hand: int
    held: int
    received_at: datetime


class Lying(NamedTuple):
    """The lots of a SKU at a location, what expires first first."""

    good: tuple[Shelf, ...] = ()
    """They may be taken."""
    barred: tuple[Shelf, ...] = ()
    """Nobody may get them."""


class Why(StrEnum):
    """Why nobody may get a lot."""

    BLOCKED = "blocked"
    EXPIRED = "expired"
    TOO_SOON = "too_soon"


class EntryKind(StrEnum):
    NAMED = "named"
    """Somebody has read what lot units are that were there."""
    PICKED = "picked"
    PUT_BACK = "put_back"
    ADJUSTED = "adjusted"
    WRITTEN_OFF = "written_off"
    ASSUMED = "assumed"
    """Units have left, and nobody has said of which lot: of what expires first."""
    HELD = "held"
    FREED = "freed"
    SENT = "sent"
    """They have left for another location."""
    ARRIVED = "arrived"
    """They have come from another location."""
    RETURNED = "returned"
    """A buyer has sent them back, and they may be sold again."""
    COUNTED = "counted"
    """A file says what lies there."""


class Move(NamedTuple):
    """One ledger entry to be."""

    kind: EntryKind
    sku: str
    code: str
    location_id: LocationId
    on_hand: int
    held: int
    reason: str
    note: str = ""
    order_id: OrderId | None = None
    fulfilment_id: FulfilmentId | None = None
    transfer_id: TransferId | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """So much of a lot in a transfer. Without a code: units of which nobody knows the lot."""

    transfer_id: TransferId
    sku: str
    code: str
    sent: int = 0
    received: int = 0
    missing: int = 0
    assumed: bool = False
    """Nobody has said that it is this lot: it is what expires first."""
    read_out: int = 0
    """Units that were scanned where it leaves, and that have not left yet."""
    read_in: int = 0
    """Units that were scanned where it arrives, and that have not been taken in yet."""
    expires_on: date | None = None
    blocked: bool = False

    @property
    def open(self) -> int:
        """What is still on the road."""
        return max(0, self.sent - self.received - self.missing)

    @property
    def differs(self) -> int:
        """Units that came and were not sent; below zero those that were sent and are missing."""
        return max(0, self.received - self.sent) - self.missing


class Look(NamedTuple):
    """Which lot units are that a buyer has sent back, as far as somebody has read it."""

    sku: str
    quantity: int
    code: str = ""
    expires_on: date | None = None
    order_id: OrderId | None = None
    sellable: bool = True
    """They go back on the shelf."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """Units of a lot that went into a line."""

    fulfilment_id: FulfilmentId
    line_no: int
    sku: str
    code: str
    order_id: OrderId
    location_id: LocationId
    quantity: int
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class ShelfFilter:
    """Which shelves; what is None does not narrow. Empty ones are not shown."""

    sku: str | None = None
    code: str | None = None
    location_ids: tuple[LocationId, ...] | None = None
    expires_before: date | None = None
    held: bool = False


class Finding(NamedTuple):
    """A shelf that is not the sum of its entries, or (no code) more in lots than on hand."""

    sku: str
    code: str
    location_id: LocationId
    found: int
    expected: int


class LotBlocked(Event, frozen=True, kw_only=True):
    """A lot is recalled: nobody gets it any more, from anywhere."""

    type: ClassVar[str] = "lot.blocked"
    sku: str
    code: str
    note: str


class LotUnblocked(Event, frozen=True, kw_only=True):
    """A lot may be sold again."""

    type: ClassVar[str] = "lot.unblocked"
    sku: str
    code: str


class LotHeld(Event, frozen=True, kw_only=True):
    """Units of a lot are kept from buyers: they are to be taken off the shelf."""

    type: ClassVar[str] = "lot.held"
    sku: str
    code: str
    location_id: LocationId
    quantity: int
    why: Why
    expires_on: date | None


class LotNamed(Event, frozen=True, kw_only=True):
    """Somebody has said which lot units are."""

    type: ClassVar[str] = "lot.named"
    sku: str
    code: str
    location_id: LocationId
    quantity: int
    expires_on: date | None
