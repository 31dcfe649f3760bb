"""An order as the API shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Meta

from comptoir.kernel.money import exponent, round_half_even
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.inventory.contracts import Disposition
from comptoir.modules.orders.api import FulfilmentStatus, PaymentStatus, ReturnStatus
from comptoir.modules.orders.contracts import (
    LineQuantity,
    OrderDetails,
    OrderException,
    OrderLine,
    OrderSummary,
    Return,
    Shipment,
)
from comptoir.modules.payments.contracts import Entry, EntryKind
from comptoir.sdk.orders import LineKind, OrderKind
from comptoir.surfaces.api.identifiers import show, show_actor, show_location, show_some
from comptoir.surfaces.api.placing import AllocationShape
from comptoir.surfaces.api.shapes import (
    Actor,
    Code,
    CurrencyCode,
    CustomerRef,
    Day,
    Exact,
    ExceptionRef,
    Instant,
    LineNo,
    LocationRef,
    Minor,
    OrderRef,
    PaymentRef,
    Quantity,
    Request,
    ReturnRef,
    Shape,
    ShipmentRef,
    Version,
    plain,
)

Units = Annotated[int, Meta(examples=[0])]

_Owed = Annotated[
    Minor, Meta(description="What the buyer is owed by what is left of the order; below nothing, what the buyer owes.")
]


class LineUnits(Request, frozen=True, kw_only=True):
    """So many units of a line."""

    line_no: LineNo
    quantity: Quantity


class OrderLineShape(Shape, frozen=True, kw_only=True):
    """A line as it stands. Its money was frozen when the order was placed."""

    line_no: int
    kind: LineKind
    sku: str | None
    name: str
    stocked: bool
    quantity: Units
    cancelled: Units
    backordered: Annotated[int, Meta(description="Units that wait for stock.", examples=[0])]
    shipped: Units
    returned: Units
    unit_price: Annotated[int, Meta(description="Minor units, rounded; `amount` is exact.", examples=[1999])]
    exact_unit_price: Annotated[Exact, Meta(description="Major units, as the channel stated it.", examples=["19.99"])]
    amount: Annotated[int, Meta(description="Before discounts.", examples=[3998])]
    discount: Minor
    tax: Minor
    total: Annotated[int, Meta(description="What the buyer pays.", examples=[3998])]
    discounts: list[dict[str, Any]]
    taxes: list[dict[str, Any]]
    external_id: str | None
    allocations: Annotated[list[AllocationShape], Meta(description="Where its units are promised.")]


class ShipmentShape(Shape, frozen=True, kw_only=True):
    """Units that have left together."""

    id: ShipmentRef
    location_id: LocationRef
    shipped_at: Instant
    carrier: str
    tracking_number: str
    tracking_url: str
    actor: Actor
    lines: list[LineUnits]


class ReturnedUnits(Shape, frozen=True, kw_only=True):
    """Units of a line that came back, and what became of them. Fewer than none were given back to the buyer again."""

    line_no: LineNo
    quantity: Annotated[int, Meta(examples=[1])]
    disposition: Disposition


class ReturnShape(Shape, frozen=True, kw_only=True):
    """Units that came back together."""

    id: ReturnRef
    location_id: LocationRef
    received_at: Instant
    reason: str
    actor: Actor
    refundable: Annotated[int, Meta(description="What the units stand for, to the cent.", examples=[1999])]
    lines: list[ReturnedUnits]


class PaymentShape(Shape, frozen=True, kw_only=True):
    """Money that moved, or was promised to."""

    id: PaymentRef
    kind: EntryKind
    method: str
    amount: Annotated[int, Meta(ge=1, examples=[3998])]
    currency: CurrencyCode
    reference: str
    at: Instant
    channel: Annotated[Code, Meta(description="The channel that took it; the order's, where a store or a desk did.")]
    location_id: Annotated[LocationRef, Meta(description="The store or desk where it moved.")] | None


class OpenExceptionShape(Shape, frozen=True, kw_only=True):
    """Something about the order that is not as it should be, or was not."""

    id: ExceptionRef
    kind: Annotated[str, Meta(examples=["shortfall"])]
    state: Annotated[str, Meta(examples=["open"])]
    line_no: int | None
    sku: str | None
    location_id: LocationRef | None
    quantity: int
    opened_at: Instant | None
    resolved_at: Instant | None
    resolution: str | None


class OrderSummaryShape(Shape, frozen=True, kw_only=True):
    """An order in a list."""

    id: OrderRef
    number: Annotated[int, Meta(examples=[100_042])]
    channel: Code
    kind: OrderKind
    external_id: str | None
    placed_at: Instant
    currency: CurrencyCode
    total: Minor
    captured: Minor
    refunded: Minor
    owed: _Owed
    quantity: Units
    cancelled: Units
    backordered: Units
    shipped: Units
    returned: Units
    fulfilment_status: FulfilmentStatus
    payment_status: PaymentStatus
    return_status: ReturnStatus
    customer_id: CustomerRef | None
    buyer_name: str | None
    location_id: LocationRef | None
    tags: list[str]
    exceptions: Annotated[int, Meta(description="How many are open.", examples=[0])]


class OrderShape(Shape, frozen=True, kw_only=True):
    """An order and everything around it. Three axes say how it stands, each derived from its quantities or its money."""

    id: OrderRef
    number: Annotated[int, Meta(examples=[100_042])]
    channel: Code
    kind: OrderKind
    external_id: str | None
    external_version: str | None
    placed_at: Instant
    recorded_at: Instant
    market: Code
    currency: CurrencyCode
    tax_included: bool
    customer_id: CustomerRef | None
    buyer: dict[str, Any] | None
    ship_to: dict[str, Any] | None
    bill_to: dict[str, Any] | None
    service: Service
    promised_on: Annotated[Day, Meta(description="The day that the buyer was told.")] | None
    pickup_location_id: LocationRef | None
    location_id: Annotated[LocationRef, Meta(description="Where it was sold over the counter, or is handed out.")] | None
    amount: Minor
    discount: Minor
    tax: Minor
    total: Minor
    value: Annotated[Minor, Meta(description="Of what is left: without what was cancelled, came back or was allowed off.")]
    authorised: Minor
    captured: Minor
    refunded: Minor
    owed: _Owed
    quantity: Units
    cancelled: Units
    backordered: Units
    shipped: Units
    returned: Units
    fulfilment_status: FulfilmentStatus
    payment_status: PaymentStatus
    return_status: ReturnStatus
    note: str
    tags: list[str]
    version: Version
    lines: list[OrderLineShape]
    shipments: list[ShipmentShape]
    returns: list[ReturnShape]
    payments: list[PaymentShape]
    exceptions: list[OpenExceptionShape]


def summary_shape(order: OrderSummary) -> OrderSummaryShape:
    return OrderSummaryShape(
        id=show("order", order.id),
        number=order.number,
        channel=order.channel_code,
        kind=OrderKind(order.kind),
        external_id=order.external_id,
        placed_at=order.placed_at,
        currency=order.currency,
        total=order.total,
        captured=order.captured,
        refunded=order.refunded,
        owed=order.owed,
        quantity=order.quantity,
        cancelled=order.cancelled,
        backordered=order.backordered,
        shipped=order.shipped,
        returned=order.returned,
        fulfilment_status=FulfilmentStatus(order.fulfilment_status),
        payment_status=PaymentStatus(order.payment_status),
        return_status=ReturnStatus(order.return_status),
        customer_id=show_some("customer", order.customer_id),
        buyer_name=order.buyer_name,
        location_id=show_some("location", order.location_id),
        tags=order.tags or [],
        exceptions=order.exceptions,
    )


def order_shape(details: OrderDetails) -> OrderShape:
    order = details.order
    promised: dict[int, list[AllocationShape]] = {}
    for one in details.reservations:
        promised.setdefault(one.line_no, []).append(
            AllocationShape(location_id=show_location(one.location_id), quantity=one.quantity)
        )
    return OrderShape(
        id=show("order", order.id),
        number=order.number,
        channel=order.channel_code,
        kind=OrderKind(order.kind),
        external_id=order.external_id,
        external_version=order.external_version,
        placed_at=order.placed_at,
        recorded_at=order.recorded_at,
        market=order.market,
        currency=order.currency,
        tax_included=order.tax_included,
        customer_id=show_some("customer", order.customer_id),
        buyer=order.buyer,
        ship_to=order.ship_to,
        bill_to=order.bill_to,
        service=order.service,
        promised_on=order.promised_on,
        pickup_location_id=show_some("location", order.pickup_location_id),
        location_id=show_some("location", order.location_id),
        amount=order.amount,
        discount=order.discount,
        tax=order.tax,
        total=order.total,
        value=order.value,
        authorised=order.authorised,
        captured=order.captured,
        refunded=order.refunded,
        owed=order.owed,
        quantity=order.quantity,
        cancelled=order.cancelled,
        backordered=order.backordered,
        shipped=order.shipped,
        returned=order.returned,
        fulfilment_status=FulfilmentStatus(order.fulfilment_status),
        payment_status=PaymentStatus(order.payment_status),
        return_status=ReturnStatus(order.return_status),
        note=order.note or "",
        tags=order.tags or [],
        version=order.version,
        lines=[_line(line, order.currency, promised.get(line.line_no, [])) for line in order.lines],
        shipments=[_shipment(one) for one in details.shipments],
        returns=[_return(one) for one in details.returns],
        payments=[_payment(one) for one in details.payments],
        exceptions=[_exception(one) for one in details.exceptions],
    )


def _line(line: OrderLine, currency: Any, allocations: list[AllocationShape]) -> OrderLineShape:
    return OrderLineShape(
        line_no=line.line_no,
        kind=line.kind,
        sku=line.sku,
        name=line.name,
        stocked=line.stocked,
        quantity=line.quantity,
        cancelled=line.cancelled,
        backordered=line.backordered,
        shipped=line.shipped,
        returned=line.returned,
        unit_price=round_half_even(line.unit_price.scaleb(exponent(currency))),
        exact_unit_price=plain(line.unit_price),
        amount=line.amount,
        discount=line.discount,
        tax=line.tax,
        total=line.total,
        discounts=line.discounts or [],
        taxes=line.taxes or [],
        external_id=line.external_id,
        allocations=allocations,
    )


def line_units(lines: Iterable[LineQuantity]) -> list[LineUnits]:
    return [LineUnits(line_no=line.line_no, quantity=line.quantity) for line in lines]


def _shipment(one: Shipment) -> ShipmentShape:
    return ShipmentShape(
        id=show("shipment", one.id),
        location_id=show_location(one.location_id),
        shipped_at=one.shipped_at,
        carrier=one.carrier,
        tracking_number=one.tracking_number,
        tracking_url=one.tracking_url,
        actor=show_actor(one.actor),
        lines=line_units(one.lines),
    )


def _return(one: Return) -> ReturnShape:
    return ReturnShape(
        id=show("return", one.id),
        location_id=show_location(one.location_id),
        received_at=one.received_at,
        reason=one.reason,
        actor=show_actor(one.actor),
        refundable=one.refundable,
        lines=[ReturnedUnits(line_no=line.line_no, quantity=line.quantity, disposition=line.disposition) for line in one.lines],
    )


def _payment(one: Entry) -> PaymentShape:
    return PaymentShape(
        id=show("payment", one.id),
        kind=one.kind,
        method=one.method,
        amount=one.amount,
        currency=one.currency,
        reference=one.reference,
        at=one.at,
        channel=one.channel_code,
        location_id=show_some("location", one.location_id),
    )


def _exception(one: OrderException) -> OpenExceptionShape:
    return OpenExceptionShape(
        id=show("exception", one.id),
        kind=one.kind,
        state=one.state,
        line_no=one.line_no,
        sku=one.sku,
        location_id=show_some("location", one.location_id),
        quantity=one.quantity,
        opened_at=one.opened_at,
        resolved_at=one.resolved_at,
        resolution=one.resolution,
    )
