"""Changes of orders: previewed, asked for, approved, confirmed."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comptoir.kernel.errors import NotFound, Stale
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import (
    AddCharge,
    AddItem,
    Allow,
    AnyAction,
    CancelUnits,
    Change,
    ChangeAddress,
    ChangeDraft,
    ChangeFilter,
    ChangeId,
    ChangeKind,
    ChangePickup,
    ChangeService,
    ChangeState,
    Effect,
    Preview,
    Reason,
    TakeBack,
    Why,
)
from comptoir.modules.changes.errors import (
    ActionNotAllowed,
    ApprovalNeeded,
    ChangeOpen,
    ChangeStepRefused,
    NoAddress,
    NotASale,
    NotCollectedThere,
    OwnApproval,
    PickingBegun,
    UnknownChange,
)
from comptoir.modules.inventory.contracts import Disposition
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.orders.contracts import OrderId, ShipmentId
from comptoir.modules.orders.errors import (
    NotForSale,
    NothingLeft,
    OverAllowance,
    QuantityNotOpen,
    TotalTooLarge,
    UnknownLine,
    UnknownSku,
)
from comptoir.modules.payments.contracts import Standing
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Tx
from comptoir.sdk.orders import Address, LineKind
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show, show_actor, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Actor,
    AddressShape,
    Amount,
    ChangeRef,
    CurrencyCode,
    FulfilmentRef,
    Instant,
    LineNo,
    LocationRef,
    Minor,
    Note,
    OrderRef,
    PageQuery,
    Positive,
    Quantity,
    Rate,
    Request,
    Shape,
    ShipmentRef,
    SkuText,
    Version,
    Words,
)
from comptoir.surfaces.changing import SETTING

changes = Resource(
    "Changes", "What changes in an order after it was placed: previewed, approved where it must be, confirmed once."
)

_Units = Annotated[int, Meta(description="By how many units.", examples=[-1])]


class NewLineAction(Request, frozen=True, kw_only=True, tag_field="do", tag="add_item"):
    """Units of a SKU on top, promised at once; without a price at the market's of the day on which it is confirmed."""

    sku: SkuText
    quantity: Quantity
    unit_price: Amount | None = None


class NewChargeAction(Request, frozen=True, kw_only=True, tag_field="do", tag="add_charge"):
    """A line that is not stocked; below zero for a reduction."""

    kind: LineKind
    name: Annotated[Words, Meta(min_length=1, examples=["Express"])]
    amount: Minor
    tax_rate: Rate = "0"


class CancelAction(Request, frozen=True, kw_only=True, tag_field="do", tag="cancel"):
    """Units that have not left. What is picked or packed is recalled."""

    line_no: LineNo
    quantity: Quantity


class AddressAction(Request, frozen=True, kw_only=True, tag_field="do", tag="change_address"):
    address: AddressShape


class ServiceAction(Request, frozen=True, kw_only=True, tag_field="do", tag="change_service"):
    service: Literal["standard", "express"]


class PickupAction(Request, frozen=True, kw_only=True, tag_field="do", tag="change_pickup"):
    """Where it is collected; null sends it to its address. What is promised finds its place anew."""

    location_id: LocationRef | None


class TakeBackAction(Request, frozen=True, kw_only=True, tag_field="do", tag="take_back"):
    """Units that are here, at any location."""

    line_no: LineNo
    quantity: Quantity
    location_id: LocationRef
    disposition: Disposition = Disposition.RESTOCK
    reason: Annotated[Reason, Meta(description="As the buyer says: the return policies go by it.")] = Reason.OTHER


class AllowAction(Request, frozen=True, kw_only=True, tag_field="do", tag="allow"):
    """So much off the price: of the last `units` of a line that have left, of a line, or (without one) of the order."""

    amount: Positive
    line_no: LineNo | None = None
    units: Quantity | None = None


ActionShape = (
    NewLineAction | NewChargeAction | CancelAction | AddressAction | ServiceAction | PickupAction | TakeBackAction | AllowAction
)


class NewChange(Request, frozen=True, kw_only=True):
    """What is to change; the actions are done in their order. `order_version` is the one that the caller looked at."""

    order_id: OrderRef
    kind: ChangeKind
    actions: Annotated[tuple[ActionShape, ...], Meta(min_length=1, max_length=100)]
    reason: Words = ""
    note: Note = ""
    shipment_id: (
        Annotated[ShipmentRef, Meta(description="Of the parcel that a claim is about: damage and loss count for its carrier.")]
        | None
    ) = None
    order_version: Version | None = None


class DecideChange(Request, frozen=True, kw_only=True):
    reason: Annotated[Words, Meta(description="Why, for whoever asked for it.", examples=["It was never damaged"])] = ""


class StandingShape(Shape, frozen=True, kw_only=True):
    """How an order stands between the buyer and the house: always derived."""

    currency: CurrencyCode
    total: Minor
    value: Annotated[Minor, Meta(description="Without what was cancelled, has come back, or was allowed off the price.")]
    authorised: Minor
    captured: Amount
    refunded: Amount
    granted: Annotated[Amount, Meta(description="Promised to the buyer and not executed yet.")]
    owed_by_buyer: Amount
    owed_to_buyer: Amount


class StockEffectShape(Shape, frozen=True, kw_only=True):
    """What happens to units of a line, at a location or nowhere yet."""

    line_no: int
    sku: SkuText
    location_id: LocationRef | None
    reserved: _Units
    waiting: _Units
    cancelled: _Units
    returned: _Units


class EffectShape(Shape, frozen=True, kw_only=True):
    """What one action comes to; `value` is below zero where the buyer pays less."""

    do: str
    value: Minor
    stock: list[StockEffectShape]


class RecallShape(Shape, frozen=True, kw_only=True):
    """Work that has begun and is called back."""

    fulfilment_id: FulfilmentRef
    number: int
    location_id: LocationRef
    picked: Annotated[int, Meta(description="Units that are to be put back.")]
    packed: Annotated[int, Meta(description="How many of them are in a parcel.")]


class AgainstShape(Shape, frozen=True, kw_only=True):
    """A line that is taken back although its terms say no."""

    line_no: LineNo
    why: Why


class PreviewShape(Shape, frozen=True, kw_only=True):
    """What a change comes to; `granted` is by how much more is promised to the buyer, below zero for less."""

    effects: list[EffectShape]
    before: StandingShape
    after: StandingShape
    granted: Minor
    needs_approval: bool
    given: Annotated[Amount, Meta(description="What is given back, or given away below the price of the day.")]
    given_before: Annotated[Amount, Meta(description="By earlier changes of the order that nobody approved.")]
    approval_above: Annotated[Amount | None, Meta(description="More than that given, with what was before, needs approval.")]
    recalls: list[RecallShape]
    against: Annotated[list[AgainstShape], Meta(description="What the return policies do not take back: it needs approval.")]


class ChangeShape(Shape, frozen=True, kw_only=True):
    """A change with who and when. `outcome` is there when it was just asked for, or just done."""

    id: ChangeRef
    number: int
    order_id: OrderRef
    kind: ChangeKind
    state: ChangeState
    actions: list[str]
    reason: str
    note: str
    needs_approval: bool
    order_version: Version
    requested_at: Instant
    requested_by: Actor
    decided_at: Instant | None
    decided_by: Actor | None
    decision: Annotated[str, Meta(description="Why it was approved or declined.")]
    ended_at: Instant | None
    ended_by: Actor | None
    waits_since: (
        Annotated[Instant, Meta(description="Since when it waits for third parties, who were asked to stop: it is done then.")]
        | None
    )
    version: Version
    outcome: PreviewShape | None = None


class ChangeQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["requested", "-requested"] = "-requested"
    order_id: OrderRef | None = None
    kind: ChangeKind | None = None
    state: tuple[ChangeState, ...] = ()


_DOES = (
    NotFound,
    Stale,
    ActionNotAllowed,
    NotASale,
    PickingBegun,
    QuantityNotOpen,
    UnknownLine,
    UnknownSku,
    NotForSale,
    InsufficientStock,
    TotalTooLarge,
    OverAllowance,
    NothingLeft,
    UnknownLocation,
    NotCollectedThere,
    NoAddress,
)
_EXAMPLE = {
    "order_id": "ord_01kag8v6w3e9n8r2t5y7z4c6bd",
    "kind": "cancel",
    "actions": [{"do": "cancel", "line_no": 1, "quantity": 1}],
    "reason": "The buyer changed their mind",
}


@changes.post("/v1/change-previews", Scope.ORDERS_READ, refuses=_DOES, asks=True, example=_EXAMPLE)
async def preview_change(call: Call, body: NewChange) -> Answer[PreviewShape]:
    """Preview a change.

    Money and stock of each action, as confirming would do it. Nothing is kept.
    """
    async with call.transaction() as tx:
        return call.answer(_preview(await api.preview(tx, await _draft(tx, body), SETTING)))


@changes.post("/v1/changes", Scope.ORDERS_WRITE, status=201, refuses=(*_DOES, ChangeOpen), example=_EXAMPLE)
async def create_change(call: Call, body: NewChange) -> Answer[ChangeShape]:
    """Ask for a change.

    An order has one open change at most. Confirm it to have it done; what gives much back has to be approved before.
    """
    async with call.transaction() as tx:
        made, seen = await api.request_change(tx, await _draft(tx, body), SETTING, version=body.order_version)
        return await call.done(tx, _shape(made, seen), 201)


@changes.get("/v1/changes", Scope.ORDERS_READ)
async def list_changes(call: Call, query: ChangeQuery) -> Answer[PageOf[ChangeShape]]:
    """List changes."""
    order = parsed_some("order", query.order_id)
    wanted = ChangeFilter(order=None if order is None else OrderId(order), kind=query.kind, states=query.state)
    async with call.reading() as reader:
        page = await api.find_changes(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shape)


@changes.get("/v1/changes/{change_id}", Scope.ORDERS_READ, refuses=(UnknownChange,))
async def get_change(call: Call) -> Answer[ChangeShape]:
    """Get a change."""
    async with call.reading() as reader:
        return call.answer(_shape(await api.get_change(reader, ChangeId(call.id("change")))))


@changes.post("/v1/changes/{change_id}/approve", Scope.ORDERS_APPROVE, refuses=(UnknownChange, ChangeStepRefused, OwnApproval))
async def approve_change(call: Call, body: DecideChange) -> Answer[ChangeShape]:
    """Approve a change: it may be confirmed now.

    Whoever asked for it does not approve it, unless nobody else may.
    """
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await api.approve_change(tx, ChangeId(call.id("change")), SETTING, body.reason)))


@changes.post("/v1/changes/{change_id}/decline", Scope.ORDERS_APPROVE, refuses=(UnknownChange, ChangeStepRefused))
async def decline_change(call: Call, body: DecideChange) -> Answer[ChangeShape]:
    """Decline a change."""
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await api.decline_change(tx, ChangeId(call.id("change")), body.reason)))


@changes.post("/v1/changes/{change_id}/renew", Scope.ORDERS_WRITE, refuses=(UnknownChange, ChangeStepRefused, *_DOES))
async def renew_change(call: Call) -> Answer[ChangeShape]:
    """Look at a change anew, when the order has changed since it was asked for.

    The answer says what it comes to now. What was approved has to be approved again.
    """
    async with call.transaction() as tx:
        renewed, seen = await api.renew_change(tx, ChangeId(call.id("change")), SETTING)
        return await call.done(tx, _shape(renewed, seen))


@changes.post(
    "/v1/changes/{change_id}/confirm",
    Scope.ORDERS_WRITE,
    refuses=(UnknownChange, ChangeStepRefused, ApprovalNeeded, *_DOES),
)
async def confirm_change(call: Call) -> Answer[ChangeShape]:
    """Confirm a change: it is done, once.

    An order that has changed since makes the change `stale`: look at it anew (`renew`), or cancel it. Whoever confirms again
    gets the change as it is.

    What a third party has accepted is asked back first: the change stays as it was, with `waits_since`, and is done by itself
    when they have stopped. It is cancelled where they cannot.
    """
    async with call.transaction() as tx:
        done, seen = await api.confirm_change(tx, ChangeId(call.id("change")), SETTING)
        return await call.done(tx, _shape(done, seen))


@changes.post("/v1/changes/{change_id}/cancel", Scope.ORDERS_WRITE, refuses=(UnknownChange, ChangeStepRefused))
async def cancel_change(call: Call) -> Answer[ChangeShape]:
    """Give a change up: nothing is done."""
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await api.cancel_change(tx, ChangeId(call.id("change")))))


async def _draft(tx: Tx, body: NewChange) -> ChangeDraft:
    actions = tuple([await _action(tx, one) for one in body.actions])
    order_id = OrderId(parsed("order", body.order_id))
    parcel = parsed_some("shipment", body.shipment_id)
    return ChangeDraft(
        order_id=order_id,
        kind=body.kind,
        actions=actions,
        reason=body.reason,
        note=body.note,
        shipment_id=None if parcel is None else ShipmentId(parcel),
    )


async def _action(tx: Tx, one: ActionShape) -> AnyAction:  # noqa: PLR0911 - a table, read from the top
    match one:
        case NewLineAction():
            return AddItem(sku=one.sku, quantity=one.quantity, unit_price=one.unit_price)
        case NewChargeAction():
            return AddCharge(kind=one.kind, name=one.name, amount=one.amount, tax_rate=one.tax_rate)
        case CancelAction():
            return CancelUnits(line_no=one.line_no, quantity=one.quantity)
        case AddressAction():
            return ChangeAddress(address=msgspec.convert(msgspec.to_builtins(one.address), Address))
        case ServiceAction():
            return ChangeService(service=Service(one.service))
        case PickupAction():
            return ChangePickup(location_id=_place(one.location_id))
        case TakeBackAction():
            place = await locations.get(tx, LocationId(parsed("location", one.location_id)))
            return TakeBack(
                line_no=one.line_no,
                quantity=one.quantity,
                location_id=place.id,
                disposition=one.disposition,
                reason=one.reason,
            )
        case AllowAction():
            return Allow(amount=one.amount, line_no=one.line_no, units=one.units)


def _place(text: str | None) -> LocationId | None:
    found = parsed_some("location", text)
    return None if found is None else LocationId(found)


def standing_shape(there: Standing) -> StandingShape:
    return StandingShape(
        currency=there.currency,
        total=there.total,
        value=there.value,
        authorised=there.authorised,
        captured=there.captured,
        refunded=there.refunded,
        granted=there.granted,
        owed_by_buyer=there.owed_by_buyer,
        owed_to_buyer=there.owed_to_buyer,
    )


def _preview(seen: Preview) -> PreviewShape:
    return PreviewShape(
        effects=[_effect(one) for one in seen.effects],
        before=standing_shape(seen.before),
        after=standing_shape(seen.after),
        granted=seen.granted,
        needs_approval=seen.needs_approval,
        given=seen.given,
        given_before=seen.given_before,
        approval_above=seen.approval_above,
        recalls=[
            RecallShape(
                fulfilment_id=show("fulfilment", one.fulfilment_id),
                number=one.number,
                location_id=show("location", one.location_id),
                picked=one.picked,
                packed=one.packed,
            )
            for one in seen.recalls
        ],
        against=[AgainstShape(line_no=line_no, why=why) for line_no, why in seen.against],
    )


def _tag(action: AnyAction) -> str:
    return str(type(action).__struct_config__.tag)


def _effect(effect: Effect) -> EffectShape:
    return EffectShape(
        do=_tag(effect.action),
        value=effect.value,
        stock=[
            StockEffectShape(
                line_no=one.line_no,
                sku=one.sku,
                location_id=show_some("location", one.location_id),
                reserved=one.reserved,
                waiting=one.waiting,
                cancelled=one.cancelled,
                returned=one.returned,
            )
            for one in effect.stock
        ],
    )


def _shape(change: Change, seen: Preview | None = None) -> ChangeShape:
    return ChangeShape(
        id=show("change", change.id),
        number=change.number,
        order_id=show("order", change.order_id),
        kind=change.kind,
        state=change.state,
        actions=[_tag(action) for action in change.actions],
        reason=change.reason,
        note=change.note,
        needs_approval=change.needs_approval,
        order_version=change.order_version,
        requested_at=change.requested_at,
        requested_by=show_actor(change.requested_by),
        decided_at=change.decided_at,
        decided_by=None if change.decided_by is None else show_actor(change.decided_by),
        decision=change.decision,
        ended_at=change.ended_at,
        ended_by=None if change.ended_by is None else show_actor(change.ended_by),
        waits_since=change.waits_since,
        version=change.version,
        outcome=None if seen is None else _preview(seen),
    )
