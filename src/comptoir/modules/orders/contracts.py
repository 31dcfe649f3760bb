"""Values, ids and events of orders that others may hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, NamedTuple, NewType
from uuid import UUID

import msgspec

from comptoir.kernel.money import Currency
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.inventory.contracts import Allocation, Arrival, Disposition, HoldId, Reservation
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.domain import FulfilmentStatus, PaymentStatus, Place, ReturnStatus
from comptoir.modules.payments.contracts import Entry
from comptoir.runtime.database import Context, Reader
from comptoir.runtime.events import Event
from comptoir.sdk.orders import Address, Buyer, ChannelOrder, LineKind, PaymentKind

OrderId = NewType("OrderId", UUID)
ShipmentId = NewType("ShipmentId", UUID)
ReturnId = NewType("ReturnId", UUID)
ExceptionId = NewType("ExceptionId", UUID)
ChannelId = NewType("ChannelId", UUID)

ORDER_PREFIX = "ord"
SHIPMENT_PREFIX = "shp"
RETURN_PREFIX = "ret"
EXCEPTION_PREFIX = "exc"


PoolOf = Callable[[Reader, ChannelId], Awaitable[Sequence[Place]]]
"""Which locations a channel may sell from; whoever knows channels provides it."""


class Fill(StrEnum):
    """What to do when not everything that is asked for can be promised."""

    ALL = "all"
    """All or nothing: the order is refused."""
    PARTIAL = "partial"
    """The order is placed for what there is; refused when there is nothing."""
    BACKORDER = "backorder"
    """The order is placed whole and what is lacking waits for stock, where the channel allows it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a channel sells, as far as taking an order needs them."""

    channel_id: ChannelId
    channel_code: str
    market: str
    currency: Currency
    tax_included: bool
    tax_name: str
    backorder: bool
    pool: tuple[LocationId, ...]
    """Every location that the channel may sell from."""
    publishable: Callable[[int], int] | None = None
    """What the channel may promise of so many units in its pool; None when it may promise all of them."""


class Candidates(msgspec.Struct, frozen=True):
    """The locations that may serve one order, in order of preference; `complete` when there are no others in the pool."""

    locations: tuple[LocationId, ...]
    complete: bool


class PlacementLine(msgspec.Struct, frozen=True):
    sku: str
    quantity: int
    unit_price: int | None = None
    """Minor units; None takes the market's price."""


class Charge(msgspec.Struct, frozen=True):
    """A line that is not stocked: shipping, a gift card, a deposit, a fee. `amount` is minor units for all of them together."""

    kind: LineKind
    name: str
    amount: int
    quantity: int = 1
    tax_rate: str = "0"


class Payment(msgspec.Struct, frozen=True):
    """Money that has been authorised or captured for an order elsewhere."""

    kind: PaymentKind
    method: str
    amount: int
    reference: str = ""


class Placement(msgspec.Struct, frozen=True):
    """An order that someone asks us to promise."""

    terms: Terms
    candidates: Candidates
    lines: tuple[PlacementLine, ...]
    fill: Fill = Fill.ALL
    charges: tuple[Charge, ...] = ()
    buyer: Buyer | None = None
    ship_to: Address | None = None
    bill_to: Address | None = None
    id: OrderId | None = None
    """The id that it is to have, where somebody has decided something by it already."""
    service: Service = Service.STANDARD
    """How it gets to the buyer; what has a pickup location is collected."""
    promised_on: date | None = None
    """The day that the buyer was told."""
    pickup_location_id: LocationId | None = None
    hold_id: HoldId | None = None
    """A cart hold whose units this order takes over."""
    expected_total: int | None = None
    """What the buyer was shown; the order is refused when it comes to anything else."""
    external_id: str | None = None
    payments: tuple[Payment, ...] = ()
    note: str = ""
    tags: tuple[str, ...] = ()
    consents: tuple[tuple[int, str], ...] = ()
    """(line, what may be given instead); line 0 is the order. Lines count from 1, as they are asked for."""
    placed_at: datetime | None = None
    """None is now; only replays of past trade set it."""
    context: Context | None = None
    """Who asks; None is whoever opened the transaction."""


class HoldRequest(msgspec.Struct, frozen=True):
    """Units that a cart wants kept for a while."""

    terms: Terms
    candidates: Candidates
    lines: tuple[PlacementLine, ...]
    cart: str
    seconds: int
    hold_id: HoldId | None = None
    """An earlier hold of the same cart, which this one replaces."""
    context: Context | None = None


class PlacedLine(msgspec.Struct, frozen=True):
    line_no: int
    kind: LineKind
    sku: str | None
    name: str
    quantity: int
    unit_price: int
    amount: int
    discount: int
    tax: int
    total: int
    tax_rate: Decimal = Decimal(0)
    backordered: int = 0
    requested: int = 0
    """What was asked for; more than `quantity` where the order was taken in part."""
    allocations: tuple[Allocation, ...] = ()


class Placed(msgspec.Struct, frozen=True):
    """An order that has been promised."""

    id: OrderId
    number: int
    channel_code: str
    placed_at: datetime
    currency: Currency
    amount: int
    tax: int
    total: int
    lines: tuple[PlacedLine, ...]


class Held(msgspec.Struct, frozen=True):
    """Units that are kept for a cart until `expires_at`."""

    id: HoldId
    cart: str
    expires_at: datetime
    lines: tuple[PlacedLine, ...]


@dataclass(frozen=True, slots=True)
class Widen:
    """The nearest locations do not have it all; the rest of the pool must be looked at, in a transaction of its own."""


@dataclass(frozen=True, slots=True)
class Fact:
    """An order that a channel reports, with what this house knows around it."""

    terms: Terms
    order: ChannelOrder
    candidates: Candidates
    """Where units that have not left yet may come from, in order of preference."""
    location_id: LocationId | None = None
    """Where what has left was taken from; None takes the first candidate."""
    customer_id: UUID | None = None
    moves_stock: bool = True
    """False for history whose stock has been counted since: what has left already is not taken off again."""


class RecordOutcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    KNOWN = "known"
    """The same or an older version: nothing was done."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an order that a channel reported."""

    external_id: str
    order_id: OrderId
    number: int
    outcome: RecordOutcome
    short: int = 0
    """Units that were taken though they were not there."""


@dataclass(frozen=True, slots=True)
class Tracking:
    """Who carries a shipment, and under which number."""

    carrier: str = ""
    number: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class LineQuantity:
    line_no: int
    quantity: int


class OrderPlaced(Event, frozen=True, kw_only=True):
    """An order was promised to a buyer, or a channel reported one."""

    type: ClassVar[str] = "order.placed"
    order_id: OrderId
    number: int
    channel: str
    kind: str
    currency: str
    total: int
    quantity: int
    backordered: int
    placed_at: datetime
    fact: bool
    """True when the channel had already sold it."""
    lines: tuple[tuple[int, str | None, int], ...]
    """(line number, SKU, quantity)."""

    @property
    def subject(self) -> UUID:
        return self.order_id


class OrderChanged(Event, frozen=True, kw_only=True):
    """Units of an order went another way; one subclass per way."""

    type: ClassVar[str] = ""
    order_id: OrderId
    number: int
    channel: str
    lines: tuple[LineQuantity, ...]

    @property
    def subject(self) -> UUID:
        return self.order_id


class OrderCancelled(OrderChanged, frozen=True, kw_only=True):
    type: ClassVar[str] = "order.cancelled"
    reason: str
    whole: bool
    """Nothing of the order is left."""
    units: int
    """Of items; charges are not counted."""
    refundable: int
    """What the units stand for, in minor units, whether or not it has been paid."""


class OrderCancellationRefused(OrderChanged, frozen=True, kw_only=True):
    """Whoever cancelled these units is told that they are not: a third party has them in hand, and could not stop."""

    type: ClassVar[str] = "order.cancellation_refused"
    location_id: LocationId
    reason: str
    """Why they were cancelled: `channel` where the channel did it."""
    note: str
    """What the third party has said."""


class OrderReleased(OrderChanged, frozen=True, kw_only=True):
    """Units lost their place: they wait for stock again."""

    type: ClassVar[str] = "order.released"
    reason: str


class OrderAllocated(OrderChanged, frozen=True, kw_only=True):
    """Units that waited for stock have a place."""

    type: ClassVar[str] = "order.allocated"


class OrderMoved(OrderChanged, frozen=True, kw_only=True):
    """Units will come from another location than was thought."""

    type: ClassVar[str] = "order.moved"
    from_location_id: LocationId
    to_location_id: LocationId
    reason: str


class OrderRejected(OrderChanged, frozen=True, kw_only=True):
    """A location gave units back: they wait for another one."""

    type: ClassVar[str] = "order.rejected"
    location_id: LocationId
    reason: str


class OrderParked(OrderChanged, frozen=True, kw_only=True):
    """Nobody may send these units; it is tried again when something has changed, and every hour."""

    type: ClassVar[str] = "order.parked"


class OrderShipped(OrderChanged, frozen=True, kw_only=True):
    type: ClassVar[str] = "order.shipped"
    shipment_id: ShipmentId
    location_id: LocationId
    carrier: str
    tracking_number: str
    whole: bool


class OrderReturned(OrderChanged, frozen=True, kw_only=True):
    type: ClassVar[str] = "order.returned"
    return_id: ReturnId
    location_id: LocationId
    reason: str
    units: int
    """Of items; charges are not counted."""
    refundable: int


class OrderGivenBack(OrderChanged, frozen=True, kw_only=True):
    """Units that had come back were not taken: they are the buyer's again."""

    type: ClassVar[str] = "order.given_back"
    return_id: ReturnId
    location_id: LocationId
    reason: str
    units: int
    """Of items; charges are not counted."""
    worth: int


class OrderUpdated(OrderChanged, frozen=True, kw_only=True):
    """The channel told a newer version, or somebody has changed the order here."""

    type: ClassVar[str] = "order.updated"
    version: str
    total: int
    total_change: int
    quantity_change: int


class OrderLinked(Event, frozen=True, kw_only=True):
    """The buyer was recognised."""

    type: ClassVar[str] = "order.linked"
    order_id: OrderId
    number: int
    channel: str
    customer_id: UUID

    @property
    def subject(self) -> UUID:
        return self.order_id


class OrderRepaired(Event, frozen=True, kw_only=True):
    """The doctor found that something did not add up, and put it right. `was` and `now` name what differed."""

    type: ClassVar[str] = "order.repaired"
    order_id: OrderId
    number: int
    what: str
    was: dict[str, int]
    now: dict[str, int]

    @property
    def subject(self) -> UUID:
        return self.order_id


class OrderNoted(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "order.noted"
    order_id: OrderId
    note: str

    @property
    def subject(self) -> UUID:
        return self.order_id


class OrderPaid(Event, frozen=True, kw_only=True):
    """Money of an order moved: authorised, captured, voided or refunded."""

    type: ClassVar[str] = "order.paid"
    order_id: OrderId
    number: int
    kind: str
    method: str
    amount: int
    currency: str

    @property
    def subject(self) -> UUID:
        return self.order_id


class ExceptionOpened(Event, frozen=True, kw_only=True):
    """A fact broke something that a person, or the automatic remedy, has to put right."""

    type: ClassVar[str] = "exception.opened"
    exception_id: ExceptionId
    kind: str
    order_id: OrderId | None
    sku: str | None
    location_id: LocationId | None
    quantity: int

    @property
    def subject(self) -> UUID | None:
        return self.order_id


class ExceptionResolved(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "exception.resolved"
    exception_id: ExceptionId
    kind: str
    order_id: OrderId | None
    resolution: str

    @property
    def subject(self) -> UUID | None:
        return self.order_id


class ExceptionKind(StrEnum):
    SHORTFALL = "shortfall"
    """An order's reserved units are not there."""
    NEGATIVE_STOCK = "negative_stock"
    """More left a location than it was thought to have: count it."""
    UNKNOWN_SKU = "unknown_sku"
    """A channel sold something that the catalogue does not know."""
    OVERDUE_BACKORDER = "overdue_backorder"
    """The promised day has passed and the stock has not come."""
    UNROUTABLE = "unroutable"
    """No location may send these units: nobody has them, or the rules of routing stop whoever does."""
    AT_THIRD_PARTY = "at_third_party"
    """Units that were cancelled are in the hands of a third party, who has not said that they have stopped."""


class Resolution(StrEnum):
    MOVED = "moved"
    """The units come from another location."""
    SENT_ANYWAY = "sent_anyway"
    """A person has chosen who sends them, whatever the rules say."""
    SHIPPED = "shipped"
    """They were there after all, and have left."""
    FILLED = "filled"
    """Stock arrived or was found where it lacked."""
    BACKORDERED = "backordered"
    CANCELLED = "cancelled"
    COUNTED = "counted"
    IDENTIFIED = "identified"
    """The catalogue knows the SKU now."""
    EXPECTED_BACK = "expected_back"
    """They left after all: a return is announced for them."""
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class OrderException:
    id: ExceptionId
    kind: ExceptionKind
    state: str
    order_id: OrderId | None
    line_no: int | None
    sku: str | None
    location_id: LocationId | None
    quantity: int
    data: dict[str, object] = field(default_factory=dict[str, object])
    opened_at: datetime | None = None
    resolved_at: datetime | None = None
    resolution: str | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line as it stands. Amounts are minor units, frozen at placement."""

    line_no: int
    kind: LineKind
    sku: str | None
    name: str
    stocked: bool
    quantity: int
    unit_price: Decimal
    amount: int
    discount: int
    tax: int
    total: int
    discounts: list[dict[str, object]] | None
    taxes: list[dict[str, object]] | None
    external_id: str | None
    cancelled: int
    backordered: int
    shipped: int
    returned: int

    @property
    def open(self) -> int:
        """Units that may still be cancelled."""
        return self.quantity - self.cancelled - self.shipped

    @property
    def reserved(self) -> int:
        """Units that are promised from stock, or ready to go where they are not stocked."""
        return self.open - self.backordered


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands, with its lines."""

    id: OrderId
    number: int
    channel_id: ChannelId
    channel_code: str
    kind: str
    external_id: str | None
    external_version: str | None
    placed_at: datetime
    recorded_at: datetime
    market: str
    currency: Currency
    tax_included: bool
    customer_id: UUID | None
    buyer: dict[str, object] | None
    ship_to: dict[str, object] | None
    bill_to: dict[str, object] | None
    service: Service
    promised_on: date | None
    """The day that the buyer was told, at the door or on the counter."""
    pickup_location_id: LocationId | None
    location_id: LocationId | None
    amount: int
    discount: int
    tax: int
    total: int
    """Of all that was sold, as it was sold."""
    value: int
    """Of what is left of it: without what was cancelled, has come back or was allowed off the price."""
    authorised: int
    captured: int
    refunded: int
    quantity: int
    cancelled: int
    backordered: int
    shipped: int
    returned: int
    fulfilment_status: str
    payment_status: str
    return_status: str
    note: str | None
    tags: list[str] | None
    version: int
    lines: tuple[OrderLine, ...] = ()

    @property
    def owed(self) -> int:
        """What the buyer is owed, in minor units; below nothing, what the buyer owes."""
        return self.captured - self.refunded - self.value


@dataclass(frozen=True, slots=True)
class OpenLine:
    """An item of which units have neither left nor been cancelled."""

    line_no: int
    sku: str
    name: str
    stocked: bool
    open: int
    backordered: int
    value: int
    """Of one unit, in minor units: what the buyer pays for the line, over its quantity."""


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """What fulfilling an order has to know of it: its items with open units, and where they go."""

    id: OrderId
    number: int
    channel_id: ChannelId
    channel_code: str
    external_id: str | None
    placed_at: datetime
    currency: Currency
    service: Service
    promised_on: date | None
    pickup_location_id: LocationId | None
    name: str
    """Of who gets it."""
    city: str
    country: str
    destination: tuple[float, float] | None
    """(latitude, longitude) in degrees."""
    lines: tuple[OpenLine, ...]
    value: int
    """What the buyer pays for all of its items, also for those that have left or were cancelled, in minor units."""


class Placing(NamedTuple):
    """So many units of a line from a location."""

    line_no: int
    location_id: LocationId
    quantity: int


BY_PERSON = frozenset({"person", "exception"})
"""Reasons of moves that a person has made: routing leaves alone what they have chosen."""


class Unsent(NamedTuple):
    """Units of a line that nobody may send."""

    line_no: int
    units: int
    sites: Mapping[str, int]
    """How many locations each reason (its code) keeps from it, the one that matters most first."""


class Chosen(NamedTuple):
    """A person wants units of a line to come from this location."""

    order_id: OrderId
    line_no: int
    location_id: LocationId
    at: datetime
    actor: str


class Rejection(NamedTuple):
    """A location that had units of a line and gave them back."""

    order_id: OrderId
    line_no: int
    location_id: LocationId
    reason: str
    quantity: int
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """Units that come back, and what becomes of them."""

    line_no: int
    quantity: int
    disposition: Disposition = Disposition.RESTOCK


@dataclass(frozen=True, slots=True)
class Shipment:
    id: ShipmentId
    order_id: OrderId
    location_id: LocationId
    shipped_at: datetime
    carrier: str
    tracking_number: str
    tracking_url: str
    actor: str
    lines: tuple[LineQuantity, ...] = ()


@dataclass(frozen=True, slots=True)
class Departure:
    """A shipment with what whoever follows it has to know of its order."""

    id: ShipmentId
    order_id: OrderId
    number: int
    channel_code: str
    location_id: LocationId
    shipped_at: datetime
    carrier: str
    tracking_number: str
    tracking_url: str
    promised_on: date | None
    pickup_location_id: LocationId | None
    country: str
    region: str
    postcode: str


@dataclass(frozen=True, slots=True)
class Return:
    id: ReturnId
    order_id: OrderId
    location_id: LocationId
    received_at: datetime
    reason: str
    actor: str
    refundable: int = 0
    lines: tuple[ReturnLine, ...] = ()


class Clock(StrEnum):
    """Which time counts for figures."""

    PLACED = "placed"
    """When the trade happened: a replayed year keeps its dates."""
    RECORDED = "recorded"
    """When we were told of it."""


class Grain(StrEnum):
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Trade:
    """What was sold in a span of time that begins `at`; `channel` is empty where all are summed up.

    `total` is what was sold, credits included, in minor units; what was cancelled and returned since stands beside it.
    """

    at: datetime
    channel: str
    currency: Currency
    orders: int
    credits: int
    lines: int
    units: int
    total: int
    cancelled: int
    cancelled_total: int
    returned: int
    returned_total: int


@dataclass(frozen=True, slots=True)
class LivePulse:
    """How a channel sells now."""

    channel: str
    currency: Currency
    orders: int
    orders_per_minute: float
    units: int
    total: int


class Owed(StrEnum):
    """Which way money is owed, against what is left of an order."""

    TO_BUYER = "to_buyer"
    BY_BUYER = "by_buyer"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders. None and empty do not filter; of several values any one will do."""

    channels: tuple[str, ...] = ()
    """Codes."""
    kind: str | None = None
    fulfilment: tuple[FulfilmentStatus, ...] = ()
    payment: tuple[PaymentStatus, ...] = ()
    returned: tuple[ReturnStatus, ...] = ()
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    search: str = ""
    """A number, an id, the beginning of a channel's id, or a SKU."""
    search_customers: tuple[UUID, ...] = ()
    """Customers whom the search means, too, by their name or address."""
    customer: UUID | None = None
    location: LocationId | None = None
    """Where it was sold or is handed out, or something of it was sent from."""
    sku: str = ""
    has_exception: bool | None = None
    currency: str | None = None
    total_from: int | None = None
    total_to: int | None = None
    tag: str = ""
    owed: Owed | None = None


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """An order in a list. `exceptions` counts those that are open; `owed` is what the buyer is owed; below nothing, owes."""

    id: OrderId
    number: int
    channel_code: str
    kind: str
    external_id: str | None
    placed_at: datetime
    currency: Currency
    total: int
    captured: int
    refunded: int
    quantity: int
    cancelled: int
    backordered: int
    shipped: int
    returned: int
    fulfilment_status: str
    payment_status: str
    return_status: str
    customer_id: UUID | None
    buyer_name: str | None
    location_id: LocationId | None
    tags: list[str] | None
    exceptions: int
    owed: int


@dataclass(frozen=True, slots=True)
class OrderDetails:
    """An order and everything around it."""

    order: Order
    reservations: tuple[Reservation, ...]
    shipments: tuple[Shipment, ...]
    returns: tuple[Return, ...]
    payments: tuple[Entry, ...]
    exceptions: tuple[OrderException, ...]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened to an order: who did what when. `channel` is empty where it came through none."""

    id: UUID
    at: datetime
    type: str
    actor: str
    request_id: str
    channel: str
    data: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionFilter:
    """Which exceptions. None and empty do not filter."""

    kinds: tuple[ExceptionKind, ...] = ()
    state: str | None = "open"
    locations: tuple[LocationId, ...] = ()
    channel: str | None = None
    sku: str = ""
    order: OrderId | None = None
    opened_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExceptionSummary:
    """An exception in a list, with the order that it is about."""

    exception: OrderException
    order_number: int | None
    channel_code: str | None
    placed_at: datetime | None


@dataclass(frozen=True, slots=True)
class UrgentException:
    """An open exception with what speaks for its turn: the day that its order was promised for, and the worth of its units."""

    summary: ExceptionSummary
    promised_on: date | None
    value: int | None
    """In minor units, what the buyer pays for them; None where it is about no order line."""
    currency: Currency | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFilter:
    """Which orders with units that wait for stock. None and empty do not filter."""

    channel: str = ""
    pickups: tuple[LocationId, ...] = ()
    """Where they are collected."""
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    promised_before: date | None = None
    search: str = ""
    """A number, or the beginning of a channel's id."""


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """An order with units that wait for stock."""

    id: OrderId
    number: int
    channel_code: str
    placed_at: datetime
    promised_on: date | None
    backordered: int
    name: str
    """Of who gets it."""
    pickup_location_id: LocationId | None
    skus: list[str]


@dataclass(frozen=True, slots=True)
class WaitingAge:
    """How many orders wait for stock that were placed in the same span of time.

    `band` counts the bounds up to then: 0 for those before the first bound, the oldest.
    """

    band: int
    count: int
    late: int
    """Their promised day has passed."""
    at_risk: int


class Choice(StrEnum):
    """What a person can do about an exception."""

    MOVE = "move"
    SEND = "send"
    """From a location of one's choice, whatever the rules say."""
    RETRY = "retry"
    """Let the rules decide again, now."""
    SERVICE = "service"
    """Send it another way: at another speed, or to the address instead of a counter."""
    BACKORDER = "backorder"
    CANCEL = "cancel"
    COUNT = "count"
    IDENTIFY = "identify"
    """Add the SKU to the catalogue."""
    EXPECT_BACK = "expect_back"
    """Announce a return for what a third party could not stop, now or as soon as it has left."""
    ASK_AGAIN = "ask_again"
    """Ask the third party once more to stop."""
    WAIT = "wait"
    DISMISS = "dismiss"


class Source(NamedTuple):
    """A location that could serve the units now."""

    location_id: LocationId
    available: int


@dataclass(frozen=True, slots=True)
class ExceptionDetails:
    """An exception with every choice that there is: which locations could serve it, and what is to come when."""

    exception: OrderException
    order: Order | None
    line: OrderLine | None
    choices: tuple[Choice, ...]
    sources: tuple[Source, ...]
    arrivals: tuple[Arrival, ...]

    @property
    def expected_on(self) -> date | None:
        """The first day for which a supplier has promised some; None when nobody has."""
        return min((a.expected_on for a in self.arrivals if a.expected_on is not None), default=None)


class FindingKind(StrEnum):
    COUNTERS = "counters"
    """An order's counter is not the sum of its item lines'."""
    TOTALS = "totals"
    """An order's amount is not the sum of its lines'."""
    LINE_TOTAL = "line_total"
    """A line's total does not follow from its amount, discount and tax."""
    RESERVED = "reserved"
    """What is reserved for a line is not what it needs."""
    PAYMENTS = "payments"
    """An order's payment column is not the sum of the payment ledger."""
    SHIPMENTS = "shipments"
    """What shipments say is not what the line says."""
    RETURNS = "returns"
    DANGLING = "dangling"
    """Units are reserved for an order that does not exist."""


class Finding(NamedTuple):
    """One thing that does not add up: `found` is in the order, `expected` what it should be."""

    kind: FindingKind
    order_id: UUID
    line_no: int | None
    what: str
    found: int
    expected: int


@dataclass(frozen=True, slots=True)
class Report:
    """What the doctor saw. `findings` are the first of them, `counts` counts them all."""

    orders: int
    findings: tuple[Finding, ...]
    counts: Mapping[FindingKind, int]

    @property
    def clean(self) -> bool:
        return not self.counts


@dataclass(frozen=True, slots=True)
class Repaired:
    """What the doctor put right; `left` are the findings that a person has to look at."""

    orders: int
    released: int
    left: tuple[Finding, ...]
