"""Holds: units that a cart keeps for a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Refusal
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import HoldId, PromiseId
from comptoir.modules.inventory.errors import HoldGone
from comptoir.modules.orders.contracts import Held, HoldRequest, Placed, PlacementLine
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call, encode
from comptoir.surfaces.api.identifiers import show, show_location
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.placing import (
    EXAMPLE_LINES,
    MAX_LINES,
    REFUSED,
    NewLine,
    PlacedLineShape,
    placed_line,
    submit,
)
from comptoir.surfaces.api.problems import tell
from comptoir.surfaces.api.shapes import (
    Code,
    HoldRef,
    Instant,
    Latitude,
    LocationRef,
    Longitude,
    Quantity,
    Reference,
    Request,
    Shape,
    SkuText,
)
from comptoir.surfaces.capture import Call as DeskCall
from comptoir.surfaces.capture import Outcome

holds = Resource("Holds", "Units that a cart keeps for a while: promised like an order's, and given back by the clock.")

_DAY = 86_400


class HoldUnits(Request, frozen=True, kw_only=True):
    """What a cart wants kept."""

    channel: Code
    cart: Annotated[Reference, Meta(min_length=1, examples=["cart-7f3a"], description="Your own id of the cart.")]
    lines: Annotated[tuple[NewLine, ...], Meta(min_length=1, max_length=MAX_LINES)]
    seconds: Annotated[int, Meta(ge=1, le=_DAY, description="How long; without it as long as the channel says.")] | None = None
    latitude: Annotated[Latitude, Meta(description="Of the buyer: the nearest locations are asked first.")] | None = None
    longitude: Longitude | None = None


class HoldShape(Shape, frozen=True, kw_only=True):
    """Units that are kept until `expires_at`."""

    id: HoldRef
    cart: str
    expires_at: Instant
    lines: list[PlacedLineShape]


class HeldUnits(Shape, frozen=True, kw_only=True):
    """Units of a SKU that are kept at a location."""

    line_no: int
    sku: SkuText
    location_id: LocationRef
    quantity: Quantity


class HoldState(Shape, frozen=True, kw_only=True):
    """What a hold keeps now."""

    id: HoldRef
    expires_at: Instant
    units: list[HeldUnits]


_EXAMPLE = {"channel": "web-fr", "cart": "cart-7f3a", "lines": EXAMPLE_LINES, "seconds": 600}


@holds.post("/v1/holds", Scope.ORDERS_WRITE, status=201, refuses=REFUSED, example=_EXAMPLE)
async def create_hold(call: Call, body: HoldUnits) -> Answer[HoldShape]:
    """Keep units for a cart.

    All of them, or none. Whoever places the order in time names the hold, and gets exactly these units.
    """
    return await _hold(call, body, None)


@holds.put("/v1/holds/{hold_id}", Scope.ORDERS_WRITE, refuses=REFUSED, example=_EXAMPLE)
async def replace_hold(call: Call, body: HoldUnits) -> Answer[HoldShape]:
    """Keep other units for the same cart, for a new while.

    The new hold has an id of its own; the old one ends with it, or stays as it was when the new one is refused. A hold that
    is over already is no hindrance.
    """
    return await _hold(call, body, HoldId(call.id("hold")))


async def _hold(call: Call, body: HoldUnits, earlier: HoldId | None) -> Answer[HoldShape]:
    counter = await call.services.counters.get(body.channel)
    checks = Checks()
    checks.require("lines", sum(line.quantity for line in body.lines) <= MAX_QUANTITY, "have too many units together")
    checks.require("longitude", (body.latitude is None) == (body.longitude is None), "comes with latitude, or not at all")
    checks.done()
    place = None if body.latitude is None or body.longitude is None else (body.latitude, body.longitude)
    request = HoldRequest(
        counter.terms,
        counter.candidates(place),
        tuple(PlacementLine(line.sku, line.quantity, line.unit_price) for line in body.lines),
        body.cart,
        body.seconds or counter.channel.hold_for,
        earlier,
        call.context,
    )
    desk_call = DeskCall(request, lambda: counter.candidates(place, whole_pool=True), _outcome(call), call.key)
    return await submit(call, desk_call)


def _outcome(call: Call) -> Callable[[Placed | Held | Refusal], Outcome]:
    def outcome(result: Placed | Held | Refusal) -> Outcome:
        if isinstance(result, Refusal):
            told = tell(result, call.request_id)
            return Outcome(told.status, told.body)
        assert isinstance(result, Held)
        return Outcome(call.operation.status, encode(_held(result)))

    return outcome


def _held(held: Held) -> HoldShape:
    return HoldShape(
        id=show("hold", held.id),
        cart=held.cart,
        expires_at=held.expires_at,
        lines=[placed_line(line) for line in held.lines],
    )


@holds.get("/v1/holds/{hold_id}", Scope.ORDERS_READ, refuses=(HoldGone,))
async def get_hold(call: Call) -> Answer[HoldState]:
    """Get what a hold keeps.

    A hold that is over, or never was, is refused alike: nothing is kept under its name.
    """
    hold_id = HoldId(call.id("hold"))
    async with call.reading() as reader:
        kept = await inventory.reservations_for(reader, PromiseId(hold_id))
    if not kept or kept[0].hold_until is None:
        raise HoldGone(hold_id=str(hold_id))
    until: datetime = kept[0].hold_until
    return call.answer(
        HoldState(
            id=show("hold", hold_id),
            expires_at=until,
            units=[
                HeldUnits(line_no=r.line_no, sku=r.sku, location_id=show_location(r.location_id), quantity=r.quantity)
                for r in kept
            ],
        )
    )


@holds.delete("/v1/holds/{hold_id}", Scope.ORDERS_WRITE, refuses=(HoldGone,))
async def release_hold(call: Call) -> Answer[None]:
    """Give a cart's units back."""
    async with call.transaction() as tx:
        await inventory.release_hold(tx, HoldId(call.id("hold")))
        return await call.done(tx, None)
