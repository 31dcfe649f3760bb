"""Placing orders and holding units for carts: what goes through the capture desk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Refusal
from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import MAX_MINOR
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.kernel.time import utcnow
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.channels.errors import UnknownChannel
from comptoir.modules.inventory.contracts import HoldId
from comptoir.modules.inventory.errors import HoldGone, InsufficientStock
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import (
    Candidates,
    Charge,
    Fill,
    Held,
    OrderId,
    Payment,
    Placed,
    PlacedLine,
    Placement,
    PlacementLine,
)
from comptoir.modules.orders.errors import (
    BackorderNotAllowed,
    DuplicateOrder,
    EmptyOrder,
    NotForSale,
    TotalChanged,
    TotalTooLarge,
    UnknownSku,
)
from comptoir.modules.routing.contracts import Job
from comptoir.modules.staff.contracts import Scope
from comptoir.modules.substitution.contracts import Consent
from comptoir.sdk.orders import Address, Buyer, LineKind, PaymentKind
from comptoir.surfaces.api.answering import Call, encode, stored
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show, show_location
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.problems import tell
from comptoir.surfaces.api.shapes import (
    AddressShape,
    Amount,
    BuyerShape,
    Code,
    CurrencyCode,
    Day,
    HoldRef,
    Instant,
    LocationRef,
    Minor,
    Note,
    OrderRef,
    Positive,
    Quantity,
    Rate,
    Reference,
    Request,
    Shape,
    SkuText,
    Words,
    plain,
)
from comptoir.surfaces.capture import Call as DeskCall
from comptoir.surfaces.capture import Outcome
from comptoir.surfaces.selling import ChannelClosed, Counter

placing = Resource("Orders", "Orders from being placed to being sent and coming back.")

MAX_LINES = 500
REFUSED: tuple[type[Refusal], ...] = (
    UnknownChannel,
    ChannelClosed,
    InsufficientStock,
    HoldGone,
    UnknownSku,
    NotForSale,
    EmptyOrder,
    TotalTooLarge,
)


class NewLine(Request, frozen=True, kw_only=True):
    """Units of one SKU."""

    sku: SkuText
    quantity: Quantity
    unit_price: (
        Annotated[Amount, Meta(description="Minor units of the channel's currency; without it the market's price.")] | None
    ) = None
    substitutions: Annotated[Consent, Meta(description="Where it differs from the order's.")] | None = None


class NewCharge(Request, frozen=True, kw_only=True):
    """A line that is not stocked."""

    kind: Literal["shipping", "gift_card", "gift_wrap", "deposit", "fee", "adjustment"]
    name: Annotated[Words, Meta(min_length=1, examples=["Home delivery"])]
    amount: Annotated[Amount, Meta(description="Minor units, for all of them together.", examples=[490])]
    quantity: Annotated[int, Meta(ge=1, le=1000)] = 1
    tax_rate: Rate = "0"


class NewPayment(Request, frozen=True, kw_only=True):
    """Money that has been authorised or captured elsewhere."""

    kind: Literal["authorised", "captured"]
    method: Annotated[Words, Meta(min_length=1, examples=["card"])]
    amount: Positive
    reference: Annotated[Reference, Meta(description="The provider's own id of it.")] = ""


class PlaceOrder(Request, frozen=True, kw_only=True):
    """An order that is to be promised."""

    channel: Code
    lines: Annotated[tuple[NewLine, ...], Meta(min_length=1, max_length=MAX_LINES)]
    fill: Annotated[
        Fill,
        Meta(
            description="When not everything is there: `all` refuses the order, `partial` takes what there is, `backorder` "
            "lets the rest wait for stock, where the channel allows it."
        ),
    ] = Fill.ALL
    charges: Annotated[tuple[NewCharge, ...], Meta(max_length=50)] = ()
    buyer: BuyerShape | None = None
    ship_to: AddressShape | None = None
    bill_to: AddressShape | None = None
    service: Annotated[
        Literal["standard", "express"], Meta(description="How it is sent; with a pickup location it is collected.")
    ] = "standard"
    promised_on: Annotated[Day, Meta(description="The day that the buyer was told.")] | None = None
    pickup_location_id: Annotated[LocationRef, Meta(description="Where the buyer collects it.")] | None = None
    hold_id: Annotated[HoldRef, Meta(description="A cart's hold, whose units this order takes over.")] | None = None
    expected_total: Annotated[Amount, Meta(description="What the buyer was shown: any other total is refused.")] | None = None
    external_id: (
        Annotated[Reference, Meta(min_length=1, description="Your own id of the order: it is placed once per channel.")] | None
    ) = None
    payments: Annotated[tuple[NewPayment, ...], Meta(max_length=50)] = ()
    note: Note = ""
    tags: Annotated[tuple[Annotated[Words, Meta(min_length=1, examples=["gift"])], ...], Meta(max_length=50)] = ()
    substitutions: Annotated[
        Consent,
        Meta(
            description="What the buyer takes where something is not there. It never costs more than what was ordered; "
            "`same_price` takes only what usually does not either."
        ),
    ] = Consent.NONE


class AllocationShape(Shape, frozen=True, kw_only=True):
    """Units that are promised at a location."""

    location_id: LocationRef
    quantity: Quantity


class PlacedLineShape(Shape, frozen=True, kw_only=True):
    """A line as it was promised."""

    line_no: int
    kind: LineKind
    sku: SkuText | None
    name: str
    quantity: int
    requested: Annotated[int, Meta(description="More than `quantity` where the order was taken in part.")]
    unit_price: Minor
    amount: Minor
    discount: Minor
    tax: Minor
    total: Minor
    tax_rate: Rate
    backordered: Annotated[int, Meta(description="Units that wait for stock.", examples=[0])]
    allocations: list[AllocationShape]


class PlacedOrderShape(Shape, frozen=True, kw_only=True):
    """An order that has been promised: it is on disk, and its units are reserved."""

    id: OrderRef
    number: int
    channel: Code
    placed_at: Instant
    currency: CurrencyCode
    amount: Minor
    tax: Minor
    total: Minor
    lines: list[PlacedLineShape]


EXAMPLE_LINES = [{"sku": "TEE-RED-M", "quantity": 2}]
_EXAMPLE = {
    "channel": "web-fr",
    "lines": EXAMPLE_LINES,
    "charges": [{"kind": "shipping", "name": "Home delivery", "amount": 490, "tax_rate": "0.2"}],
    "buyer": {"name": "Camille Martin", "email": "camille@example.com"},
    "ship_to": {
        "name": "Camille Martin",
        "line1": "12 rue de la République",
        "postcode": "69002",
        "city": "Lyon",
        "country": "FR",
        "latitude": 45.7606,
        "longitude": 4.8357,
    },
    "expected_total": 4488,
    "payments": [{"kind": "authorised", "method": "card", "amount": 4488, "reference": "pi_3Nx"}],
}


@placing.post(
    "/v1/orders",
    Scope.ORDERS_WRITE,
    status=201,
    refuses=(*REFUSED, BackorderNotAllowed, TotalChanged, DuplicateOrder),
    quiet=True,
    example=_EXAMPLE,
)
async def place_order(call: Call, body: PlaceOrder) -> Answer[PlacedOrderShape]:
    """Place an order.

    Its units are reserved at locations of the channel's pool: by the live rule set that is for it, else by priority and then by
    distance; at a pickup location first. The answer comes after the commit: what is acknowledged survives anything. Send an
    `Idempotency-Key` and retry without fear; a refusal is remembered as well.
    """
    counter = await call.services.counters.get(body.channel)
    check_sums(body)
    ship_to = None if body.ship_to is None else await call.services.counters.located(address(body.ship_to))
    order_id, nearest, whole_pool = await _candidates(call, counter, body, ship_to)
    placement = Placement(
        counter.terms,
        nearest,
        tuple([PlacementLine(line.sku, line.quantity, line.unit_price) for line in body.lines]),
        body.fill,
        tuple(Charge(LineKind(c.kind), c.name, c.amount, c.quantity, c.tax_rate) for c in body.charges),
        None if body.buyer is None else buyer(body.buyer),
        ship_to,
        None if body.bill_to is None else address(body.bill_to),
        order_id,
        Service(body.service),
        body.promised_on,
        _location(body.pickup_location_id),
        _hold(body.hold_id),
        body.expected_total,
        body.external_id,
        tuple(Payment(PaymentKind(p.kind), p.method, p.amount, p.reference) for p in body.payments),
        body.note,
        body.tags,
        _consents(body),
        context=call.context,
    )
    return await submit(call, DeskCall(placement, whole_pool, _outcome(call.request_id), call.key))


async def submit(call: Call, request: DeskCall) -> Answer[Any]:
    """What the desk says, which has kept it under the request's key."""
    outcome = await call.services.desk.submit(request)
    call.kept = True
    return stored(outcome.status, outcome.body, replayed=outcome.replayed)


def _consents(body: PlaceOrder) -> tuple[tuple[int, str], ...]:
    """Of the order and its lines, as far as anything was agreed to."""
    own = [(no, line.substitutions.value) for no, line in enumerate(body.lines, 1) if line.substitutions is not None]
    whole = [(0, body.substitutions.value)] if body.substitutions is not Consent.NONE else []
    return (*whole, *own)


def _outcome(request_id: str) -> Callable[[Placed | Held | Refusal], Outcome]:
    def outcome(result: Placed | Held | Refusal) -> Outcome:
        if isinstance(result, Refusal):
            told = tell(result, request_id)
            return Outcome(told.status, told.body)
        assert isinstance(result, Placed)
        return Outcome(201, encode(_placed(result)))

    return outcome


def _placed(placed: Placed) -> PlacedOrderShape:
    return PlacedOrderShape(
        id=show("order", placed.id),
        number=placed.number,
        channel=placed.channel_code,
        placed_at=placed.placed_at,
        currency=placed.currency,
        amount=placed.amount,
        tax=placed.tax,
        total=placed.total,
        lines=[placed_line(line) for line in placed.lines],
    )


def placed_line(line: PlacedLine) -> PlacedLineShape:
    return PlacedLineShape(
        line_no=line.line_no,
        kind=line.kind,
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        requested=line.requested,
        unit_price=line.unit_price,
        amount=line.amount,
        discount=line.discount,
        tax=line.tax,
        total=line.total,
        tax_rate=_rate(line.tax_rate),
        backordered=line.backordered,
        allocations=[AllocationShape(location_id=show_location(a.location_id), quantity=a.quantity) for a in line.allocations],
    )


def _rate(rate: Decimal) -> str:
    return plain(rate) if rate else "0"


def check_sums(body: PlaceOrder) -> None:
    """What no order comes to, and no column holds. Raises Invalid."""
    units = sum([line.quantity for line in body.lines])
    amount = sum([line.quantity * line.unit_price for line in body.lines if line.unit_price])
    if units <= MAX_QUANTITY and amount <= MAX_MINOR and not body.charges and not body.payments:
        return
    checks = Checks()
    checks.require("lines", units <= MAX_QUANTITY, f"have more than {MAX_QUANTITY} units together")
    amount += sum(charge.amount for charge in body.charges)
    checks.require("lines", amount <= MAX_MINOR, f"come to more than {MAX_MINOR} minor units together")
    paid = sum(payment.amount for payment in body.payments)
    checks.require("payments", paid <= MAX_MINOR, f"come to more than {MAX_MINOR} minor units together")
    named = [(p.kind, p.method, p.reference) for p in body.payments if p.reference]
    checks.require("payments", len(set(named)) == len(named), "name one payment twice")
    checks.done()


async def _candidates(
    call: Call, counter: Counter, body: PlaceOrder, where: Address | None
) -> tuple[OrderId | None, Candidates, Callable[[], Candidates]]:
    """Who may serve it, and a way to ask for everybody; with the order's id, where that decided by which rules."""
    if body.pickup_location_id is not None:
        return None, *_around_pickup(counter, parsed("location", body.pickup_location_id))
    place = None if where is None or where.latitude is None or where.longitude is None else (where.latitude, where.longitude)
    if counter.rule_sets:
        order_id, country = OrderId(uuid7()), "" if where is None else where.country
        lines = [(line.sku, line.quantity, line.unit_price) for line in body.lines]
        order = await call.services.counters.profile(counter, Service(body.service), country, lines)
        rule_set = counter.rule_set(order_id, order)
        if rule_set is not None:
            rules, job = rule_set.rules, await _job(call, counter, body, order_id, country, place)
            job = replace(job, begins_at=counter.begins_at(rule_set, order, job.placed_at))
            return order_id, counter.ranked(rules, job), lambda: counter.ranked(rules, job, whole_pool=True)
    return None, counter.candidates(place), lambda: counter.candidates(place, whole_pool=True)


async def _job(
    call: Call, counter: Counter, body: PlaceOrder, order_id: OrderId, country: str, place: tuple[float, float] | None
) -> Job:
    """The order as routing sees it before its prices are known."""
    return Job(
        id=order_id,
        needs=await call.services.counters.needs(counter, [(line.sku, line.quantity, line.unit_price) for line in body.lines]),
        service=Service(body.service),
        country=country,
        destination=place,
        placed_at=utcnow(),
        needed_by=body.promised_on,
    )


def _around_pickup(counter: Counter, location: UUID) -> tuple[Candidates, Callable[[], Candidates]]:
    """The pickup location first, then what is near it and can send it there."""
    member = next((one for one in counter.members if one.id == location and one.pickup), None)
    if member is None:
        checks = Checks()
        checks.refuse("pickup_location_id", "is no location where orders of this channel can be collected")
        checks.done()
    assert member is not None
    first = member.id
    place = None if member.latitude is None or member.longitude is None else (member.latitude, member.longitude)

    def candidates(*, whole_pool: bool = False) -> Candidates:
        if not counter.ships:
            return Candidates((first,), complete=True)
        found = counter.candidates(place, whole_pool=whole_pool)
        return Candidates((first, *(one for one in found.locations if one != first)), found.complete)

    return candidates(), lambda: candidates(whole_pool=True)


def _location(text: str | None) -> LocationId | None:
    found = parsed_some("location", text)
    return None if found is None else LocationId(found)


def _hold(text: str | None) -> HoldId | None:
    found = parsed_some("hold", text)
    return None if found is None else HoldId(found)


def address(given: AddressShape) -> Address:
    return Address(
        given.name,
        given.company,
        given.line1,
        given.line2,
        given.postcode,
        given.city,
        given.region,
        given.country,
        given.phone,
        given.latitude,
        given.longitude,
    )


def buyer(given: BuyerShape) -> Buyer:
    return Buyer(
        given.name,
        given.email,
        given.phone,
        given.loyalty_number,
        given.external_id,
        given.company,
        given.purchase_order,
        tuple(given.notify),
    )
