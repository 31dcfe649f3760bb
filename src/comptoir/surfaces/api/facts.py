"""Orders that a channel has taken already: they are facts, and facts are never refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Conflict, NotFound
from comptoir.kernel.money import MAX_MINOR, currency
from comptoir.kernel.time import aware
from comptoir.modules.channels.errors import UnknownChannel
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import Fact, Recorded, RecordOutcome
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Tx
from comptoir.sdk.orders import (
    ChannelLine,
    ChannelOrder,
    ChannelPayment,
    Discount,
    LineKind,
    OrderKind,
    PaymentKind,
    Tax,
)
from comptoir.surfaces import selling
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import show
from comptoir.surfaces.api.operations import MIB, Answer, Resource
from comptoir.surfaces.api.order_shapes import OrderShape, order_shape
from comptoir.surfaces.api.placing import address, buyer
from comptoir.surfaces.api.shapes import (
    PRINTABLE,
    AddressShape,
    BuyerShape,
    CurrencyCode,
    Exact,
    FreeCode,
    Instant,
    Minor,
    Note,
    OrderRef,
    Positive,
    Quantity,
    Rate,
    Reference,
    Request,
    Shape,
    Words,
)
from comptoir.surfaces.selling import Counter

facts = Resource("Channel orders", "Orders that a channel has taken already, as facts: recorded whatever the stock says.")

MAX_ORDERS = 500
_Units = Annotated[int, Meta(ge=0, le=1_000_000_000, examples=[0])]


class NoLocation(Conflict):
    """The channel's stock pool has no active location that could answer for its orders."""

    code = "no_location"
    title = "The channel's stock pool has no active location"


class ReportedDiscount(Request, frozen=True, kw_only=True):
    """A reduction of one line, positive; negative on a credit."""

    amount: Minor
    code: Reference = ""
    label: Words = ""


class ReportedTax(Request, frozen=True, kw_only=True):
    """A tax of one line."""

    amount: Minor
    name: Words = ""
    rate: Rate | None = None


class ReportedLine(Request, frozen=True, kw_only=True):
    """One line, as the channel states it. `amount` is before discounts."""

    kind: LineKind = LineKind.ITEM
    name: Annotated[Words, Meta(examples=["T-shirt, red, M"])]
    sku: Annotated[str, Meta(max_length=80, pattern=PRINTABLE, examples=["TEE-RED-M"])] = ""
    quantity: Quantity
    amount: Minor
    unit_price: Exact | None = None
    discounts: Annotated[tuple[ReportedDiscount, ...], Meta(max_length=50)] = ()
    taxes: Annotated[tuple[ReportedTax, ...], Meta(max_length=50)] = ()
    cancelled: _Units = 0
    shipped: _Units = 0
    returned: _Units = 0
    external_id: Reference = ""


class ReportedPayment(Request, frozen=True, kw_only=True):
    """Money that the channel says has moved."""

    kind: PaymentKind
    method: Annotated[Words, Meta(min_length=1, examples=["card"])]
    amount: Positive
    at: Instant
    reference: Reference = ""


class ReportedOrder(Request, frozen=True, kw_only=True):
    """One version of one order of the channel. Amounts are taken as they are stated, never recomputed."""

    external_id: Annotated[Reference, Meta(min_length=1, examples=["1042"])]
    version: Annotated[
        Reference,
        Meta(
            min_length=1,
            examples=["2026-11-23T09:30:00Z"],
            description="Grows, compared as text, with each change there: an older one never replaces a newer one.",
        ),
    ]
    placed_at: Instant
    currency: CurrencyCode
    lines: Annotated[tuple[ReportedLine, ...], Meta(min_length=1, max_length=500)]
    kind: OrderKind = OrderKind.SALE
    tax_included: bool = True
    buyer: BuyerShape | None = None
    ship_to: AddressShape | None = None
    bill_to: AddressShape | None = None
    location_code: Annotated[FreeCode, Meta(description="Where it was handed over, or is to be collected.")] | None = None
    pickup: bool = False
    payments: Annotated[tuple[ReportedPayment, ...], Meta(max_length=50)] = ()
    cancelled_at: Instant | None = None
    note: Note = ""
    tags: Annotated[tuple[Words, ...], Meta(max_length=50)] = ()


class RecordOrders(Request, frozen=True, kw_only=True):
    """One order, or up to 500."""

    orders: Annotated[tuple[ReportedOrder, ...], Meta(min_length=1, max_length=MAX_ORDERS)]


class RecordedShape(Shape, frozen=True, kw_only=True):
    """What became of one reported order."""

    external_id: str
    order_id: OrderRef
    number: int
    outcome: RecordOutcome
    short: Annotated[
        int, Meta(description="Units that were taken though they were not there: an exception says so.", examples=[0])
    ]


class RecordedOrders(Shape, frozen=True, kw_only=True):
    """One result for each reported order, in the order of the request."""

    results: list[RecordedShape]


_EXAMPLE = {
    "orders": [
        {
            "external_id": "1042",
            "version": "2026-11-23T09:30:00Z",
            "placed_at": "2026-11-23T09:29:41Z",
            "currency": "EUR",
            "lines": [{"sku": "TEE-RED-M", "name": "T-shirt, red, M", "quantity": 2, "amount": 3998}],
            "buyer": {"email": "camille@example.com"},
            "payments": [{"kind": "captured", "method": "card", "amount": 3998, "at": "2026-11-23T09:29:41Z"}],
        }
    ]
}


@facts.post(
    "/v1/channels/{code}/orders",
    Scope.ORDERS_WRITE,
    refuses=(UnknownChannel, NoLocation),
    max_body=16 * MIB,
    example=_EXAMPLE,
)
async def record_channel_orders(call: Call, body: RecordOrders) -> Answer[RecordedOrders]:
    """Record orders that the channel has taken.

    An order that is known in this version or a newer one changes nothing; a newer version revises the order that is there.
    What is not in stock is recorded all the same: what that breaks becomes an exception. All of them are recorded, or none.
    """
    async with call.reading() as reader:  # what an inactive channel sold is still a fact
        counter = await selling.load(reader, call.text("code"))
    if not counter.ids:
        raise NoLocation(channel=counter.channel.code)
    told = [await _located(call, _order(n, order)) for n, order in enumerate(body.orders)]
    async with call.transaction() as tx:
        recorded = await api.record(tx, await _facts(tx, counter, told), fulfilment.bound)
        return await call.done(tx, RecordedOrders(results=[_recorded(one) for one in recorded]))


@facts.get("/v1/channels/{code}/orders/{external_id}", Scope.ORDERS_READ, refuses=(NotFound,))
async def get_channel_order(call: Call) -> Answer[OrderShape]:
    """Get an order by the id that its channel knows it by."""
    async with call.services.database.transaction(call.context, snapshot=True) as tx:
        details = await api.by_external(tx, call.text("code"), call.text("external_id"))
    return call.answer(order_shape(details))


def _recorded(one: Recorded) -> RecordedShape:
    return RecordedShape(
        external_id=one.external_id,
        order_id=show("order", one.order_id),
        number=one.number,
        outcome=one.outcome,
        short=one.short,
    )


async def _facts(tx: Tx, counter: Counter, told: Sequence[ChannelOrder]) -> list[Fact]:
    codes = sorted({order.location_code for order in told if order.location_code})
    places = await locations.ids(tx, codes) if codes else {}
    checks = Checks()
    for n, order in enumerate(told):
        known = not order.location_code or order.location_code in places
        checks.require(f"orders[{n}].location_code", known, "is no location")
    checks.done()
    return [Fact(counter.terms, order, counter.candidates(_destination(order)), _at(order, places)) for order in told]


async def _located(call: Call, order: ChannelOrder) -> ChannelOrder:
    if order.ship_to is None:
        return order
    found = await call.services.counters.located(order.ship_to)
    return order if found is order.ship_to else replace(order, ship_to=found)


def _at(order: ChannelOrder, places: dict[str, LocationId]) -> LocationId | None:
    return places.get(order.location_code)


def _destination(order: ChannelOrder) -> tuple[float, float] | None:
    place = order.ship_to
    return None if place is None or place.latitude is None or place.longitude is None else (place.latitude, place.longitude)


def _order(n: int, order: ReportedOrder) -> ChannelOrder:
    checks = Checks(f"orders[{n}].")
    _check(checks, order)
    found = ChannelOrder(
        external_id=order.external_id,
        version=order.version,
        placed_at=aware(order.placed_at),
        currency=checks.parsed("currency", currency, order.currency, currency("EUR")),
        lines=tuple(_line(line) for line in order.lines),
        kind=order.kind,
        tax_included=order.tax_included,
        buyer=buyer(order.buyer or BuyerShape()),
        ship_to=None if order.ship_to is None else address(order.ship_to),
        bill_to=None if order.bill_to is None else address(order.bill_to),
        location_code=order.location_code or "",
        pickup=order.pickup,
        payments=tuple(ChannelPayment(p.kind, p.method, p.amount, aware(p.at), p.reference) for p in order.payments),
        cancelled_at=order.cancelled_at,
        note=order.note,
        tags=order.tags,
    )
    checks.done()
    return found


def _check(checks: Checks, order: ReportedOrder) -> None:
    """What contradicts itself, and sums that no column holds."""
    for n, line in enumerate(order.lines):
        item = line.kind is LineKind.ITEM
        checks.require(f"lines[{n}].sku", bool(line.sku.strip()) is item, "is for items, and every item has one")
    sums = (
        sum(
            abs(line.amount) + sum(abs(d.amount) for d in line.discounts) + sum(abs(t.amount) for t in line.taxes)
            for line in order.lines
        ),
        sum(payment.amount for payment in order.payments),
    )
    checks.require("lines", max(sums) <= MAX_MINOR, f"come to more than {MAX_MINOR} minor units together")
    checks.require("lines", sum(line.quantity for line in order.lines) <= 1_000_000_000, "have more units than can be kept")


def _line(line: ReportedLine) -> ChannelLine:
    return ChannelLine(
        kind=line.kind,
        name=line.name,
        quantity=line.quantity,
        amount=line.amount,
        sku=line.sku.strip(),
        unit_price=None if line.unit_price is None else Decimal(line.unit_price),
        discounts=tuple(Discount(d.amount, d.code, d.label) for d in line.discounts),
        taxes=tuple(Tax(t.amount, t.name, None if t.rate is None else Decimal(t.rate)) for t in line.taxes),
        cancelled=line.cancelled,
        shipped=line.shipped,
        returned=line.returned,
        external_id=line.external_id,
    )
