"""Exceptions: what facts have broken, and every choice that there is to put it right."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.changes import api as changes
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.api import WaysOut
from comptoir.modules.fulfilment.errors import NotInThatState
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import (
    Choice,
    ExceptionDetails,
    ExceptionFilter,
    ExceptionId,
    ExceptionKind,
    ExceptionSummary,
    OrderException,
    OrderId,
    Resolution,
)
from comptoir.modules.orders.errors import ExceptionClosed, NotReservedThere, NotThatKind, QuantityNotOpen
from comptoir.modules.routing.contracts import Fence
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Tx
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show, show_actor, show_location, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Actor,
    Code,
    Day,
    ExceptionRef,
    Instant,
    LocationRef,
    OrderRef,
    PageQuery,
    Quantity,
    Request,
    Shape,
    SkuText,
    Words,
)
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.pools import pool_of

exceptions = Resource("Exceptions", "What facts have broken: put right by itself, or by somebody who chooses.")

_Units = Annotated[int, Meta(examples=[2])]


class ExceptionShape(Shape, frozen=True, kw_only=True):
    """Something that is not as it should be, or was not."""

    id: ExceptionRef
    kind: ExceptionKind
    state: Literal["open", "resolved"]
    order_id: OrderRef | None
    order_number: int | None
    channel: str | None
    line_no: int | None
    sku: str | None
    location_id: LocationRef | None
    quantity: _Units
    data: Annotated[
        dict[str, Any],
        Meta(
            description="What is known of it. Where no location may send it, why: the `reason` that matters most, and how many "
            "`sites` each reason keeps from it, as it was then. Reasons are the fences of a decision, and `split`: each has "
            "only a part of it, and the rules do not split it further.",
            examples=[{"reason": "stock", "sites": {"stock": 4, "excluded": 1}}],
        ),
    ]
    opened_at: Instant | None
    resolved_at: Instant | None
    resolution: str | None
    actor: Actor | None


class SourceShape(Shape, frozen=True, kw_only=True):
    """A location that could serve the units now."""

    location_id: LocationRef
    available: _Units
    against: (
        Annotated[Fence, Meta(description="What the rules of routing say against it; only where no location may send it.")]
        | None
    ) = None


class BestChoice(Shape, frozen=True, kw_only=True):
    """The choice that puts most of it right."""

    choice: Choice
    location_id: Annotated[LocationRef, Meta(description="For `send`.")] | None
    service: Annotated[Service, Meta(description="For `service`.")] | None


class ArrivalShape(Shape, frozen=True, kw_only=True):
    """Units that will come; a transfer has no promised day."""

    location_id: LocationRef
    expected_on: Day | None
    quantity: _Units


class ExceptionDetailsShape(ExceptionShape, frozen=True, kw_only=True):
    """An exception with every choice that there is now."""

    choices: list[Choice]
    sources: Annotated[list[SourceShape], Meta(description="Where the units could come from, most first.")]
    arrivals: Annotated[list[ArrivalShape], Meta(description="What is to come, and when.")]
    services: Annotated[
        list[Service], Meta(description="How it could go instead, where no location may send it; what would help first.")
    ]
    best: Annotated[BestChoice, Meta(description="Where no location may send it; null for others.")] | None


class ExceptionQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["opened", "-opened", "quantity", "-quantity"] = "-opened"
    kind: tuple[ExceptionKind, ...] = ()
    state: Literal["open", "resolved", "any"] = "open"
    location_id: tuple[LocationRef, ...] = ()
    channel: Code | None = None
    sku: SkuText | None = None
    order_id: OrderRef | None = None
    opened_before: Instant | None = None


class ResolveException(Request, frozen=True, kw_only=True):
    """What somebody has chosen. `wait` leaves it open; `count` says that the shelf has been counted.

    Where no location may send it: `send` lets one send it whatever the rules say, `retry` has the rules decide again, and
    `service` changes how it goes first. After the latter two it is still open if the rules stop everybody.

    Where a third party has it in hand: `expect_back` announces a return for it, now or as soon as it has left, and `ask_again`
    asks once more for it to be stopped. While `data.refused` is not there, their answer is waited for.
    """

    choice: Choice
    location_id: Annotated[LocationRef, Meta(description="For `move` and `send`: where the units come from now.")] | None = None
    service: Annotated[Service, Meta(description="For `service`: how it goes from now on.")] | None = None
    quantity: Annotated[Quantity, Meta(description="For `move`: fewer than all of them.")] | None = None
    reason: Annotated[Words, Meta(description="For `cancel`.", examples=["Out of stock"])] = ""


@exceptions.get("/v1/exceptions", Scope.EXCEPTIONS_READ)
async def list_exceptions(call: Call, query: ExceptionQuery) -> Answer[PageOf[ExceptionShape]]:
    """List exceptions."""
    order = parsed_some("order", query.order_id)
    wanted = ExceptionFilter(
        kinds=query.kind,
        state=None if query.state == "any" else query.state,
        locations=tuple(LocationId(parsed("location", one)) for one in query.location_id),
        channel=query.channel,
        sku=query.sku or "",
        order=None if order is None else OrderId(order),
        opened_before=query.opened_before,
    )
    async with call.reading() as reader:
        page = await api.find_exceptions(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _summary)


@exceptions.get("/v1/exceptions/{exception_id}", Scope.EXCEPTIONS_READ)
async def get_exception(call: Call) -> Answer[ExceptionDetailsShape]:
    """Get an exception with every choice that there is."""
    async with call.services.database.transaction(call.context, snapshot=True) as tx:
        found = await api.exception(tx, _id(call), pool_of)
        ways = await _ways(call, tx, found)
    return call.answer(_details(found, ways))


@exceptions.post(
    "/v1/exceptions/{exception_id}/resolve",
    Scope.EXCEPTIONS_WRITE,
    refuses=(
        NotFound,
        ExceptionClosed,
        NotThatKind,
        InsufficientStock,
        NotReservedThere,
        QuantityNotOpen,
        NotInThatState,
    ),
    example={"choice": "move", "location_id": "loc_01kag8v6w3e9n8r2t5y7z4c6bd"},
)
async def resolve_exception(call: Call, body: ResolveException) -> Answer[ExceptionDetailsShape]:
    """Put an exception right by one of its choices.

    A choice that is gone meanwhile is refused: get the exception again for those that are left.
    """
    async with call.transaction() as tx:
        found = await api.exception(tx, _id(call), pool_of)
        if found.exception.state != "open":
            raise ExceptionClosed(resolution=found.exception.resolution)
        if body.choice in {Choice.SEND, Choice.RETRY, Choice.SERVICE}:
            await _release(call, tx, found, body)
        elif body.choice in {Choice.EXPECT_BACK, Choice.ASK_AGAIN} and body.choice in found.choices:
            await _stop(tx, found.exception.id, body.choice)
        else:
            await _choose(tx, found, body)
        after = await api.exception(tx, _id(call), pool_of)
        return await call.done(tx, _details(after, await _ways(call, tx, after)))


async def _ways(call: Call, tx: Tx, found: ExceptionDetails) -> WaysOut | None:
    if found.exception.kind != ExceptionKind.UNROUTABLE:
        return None
    ways = await fulfilment.ways_out(tx, call.services.releasing, [found.exception], tx.now)
    return ways.get(found.exception.id)


async def _release(call: Call, tx: Tx, found: ExceptionDetails, body: ResolveException) -> None:
    """What can be done about units that no location may send."""
    setting, exception_id = call.services.releasing, found.exception.id
    if body.choice not in found.choices:
        raise NotThatKind(kind=found.exception.kind, choices=list(found.choices))
    if body.choice is Choice.SEND:
        if body.location_id is None:
            raise invalid("location_id", "says where the units come from")
        await fulfilment.send_anyway(tx, setting, exception_id, LocationId(parsed("location", body.location_id)))
    elif body.choice is Choice.SERVICE:
        if body.service is None:
            raise invalid("service", "says how it goes from now on")
        await fulfilment.send_as(tx, setting, exception_id, body.service)
    else:
        await fulfilment.retry(tx, setting, exception_id)


async def _stop(tx: Tx, exception_id: ExceptionId, choice: Choice) -> None:
    """What can be done about units that a third party could not stop."""
    if choice is Choice.EXPECT_BACK:
        await changes.expect_unstopped(tx, exception_id, SETTING)
    else:
        await fulfilment.ask_again(tx, exception_id)


async def _choose(tx: Tx, found: ExceptionDetails, body: ResolveException) -> None:
    if body.choice not in found.choices and body.choice is not Choice.WAIT:
        refusal: Refusal = NotThatKind(kind=found.exception.kind, choices=list(found.choices))
        raise refusal
    exception_id = found.exception.id
    match body.choice:
        case Choice.MOVE:
            if body.location_id is None:
                raise invalid("location_id", "says where the units come from")
            location = LocationId(parsed("location", body.location_id))
            await api.choose_move(tx, exception_id, location, body.quantity)
        case Choice.BACKORDER:
            await api.choose_backorder(tx, exception_id)
        case Choice.CANCEL if found.exception.kind == ExceptionKind.UNROUTABLE:
            await fulfilment.cancel_stuck(tx, exception_id, body.reason)
        case Choice.CANCEL:
            await api.choose_cancel(tx, exception_id, body.reason)
        case Choice.COUNT:
            await api.resolve(tx, exception_id, Resolution.COUNTED)
        case Choice.IDENTIFY:
            await api.resolve(tx, exception_id, Resolution.IDENTIFIED)
        case Choice.DISMISS:
            await api.resolve(tx, exception_id, Resolution.DISMISSED)
        case _:
            return


def _id(call: Call) -> ExceptionId:
    return ExceptionId(call.id("exception"))


def _fields(one: OrderException, number: int | None, channel: str | None) -> dict[str, Any]:
    return {
        "id": show("exception", one.id),
        "kind": one.kind,
        "state": one.state,
        "order_id": show_some("order", one.order_id),
        "order_number": number,
        "channel": channel,
        "line_no": one.line_no,
        "sku": one.sku,
        "location_id": show_some("location", one.location_id),
        "quantity": one.quantity,
        "data": one.data,
        "opened_at": one.opened_at,
        "resolved_at": one.resolved_at,
        "resolution": one.resolution,
        "actor": None if one.actor is None else show_actor(one.actor),
    }


def _summary(found: ExceptionSummary) -> ExceptionShape:
    return ExceptionShape(**_fields(found.exception, found.order_number, found.channel_code))


def _sources(found: ExceptionDetails, ways: WaysOut | None) -> list[SourceShape]:
    if ways is None:
        return [SourceShape(location_id=show_location(s.location_id), available=s.available) for s in found.sources]
    return [
        SourceShape(location_id=show_location(way.location_id), available=way.available, against=way.fence) for way in ways.ways
    ]


def _best(ways: WaysOut) -> BestChoice:
    location_id = None if ways.location_id is None else show_location(ways.location_id)
    return BestChoice(choice=ways.best, location_id=location_id, service=ways.service)


def _details(found: ExceptionDetails, ways: WaysOut | None) -> ExceptionDetailsShape:
    order = found.order
    fields = _fields(found.exception, order and order.number, order and order.channel_code)
    return ExceptionDetailsShape(
        **fields,
        choices=list(found.choices),
        sources=_sources(found, ways),
        services=[] if ways is None else sorted(ways.services, key=lambda one: one not in ways.helping),
        best=None if ways is None else _best(ways),
        arrivals=[
            ArrivalShape(location_id=show_location(a.location_id), expected_on=a.expected_on, quantity=a.quantity)
            for a in found.arrivals
        ],
    )
