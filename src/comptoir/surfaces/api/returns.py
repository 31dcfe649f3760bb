"""Returns on their way: asked for, sent, received anywhere, looked at, closed; and the terms on which they are taken."""

from __future__ import annotations

from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import NotFound
from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import (
    Arrived,
    Extra,
    Fate,
    Look,
    PolicyId,
    ReceivedId,
    ReturnCase,
    ReturnCaseId,
    ReturnDraft,
    ReturnFilter,
    WayOn,
)
from comptoir.modules.changes.errors import (
    ApprovalNeeded,
    GoodsStillHere,
    InspectedAlready,
    MarketplacePays,
    NothingToPayOut,
    NotReturnable,
    NotSoldByUs,
    OverDeduction,
    OwnApproval,
    PolicyCodeTaken,
    ReturnNotAllowed,
    ReturnStepRefused,
    UnknownPolicy,
    UnknownReceived,
    UnknownReturn,
)
from comptoir.modules.inventory.errors import InsufficientStock, QuantityTooLarge
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.lots.errors import LotDiffers, LotNotSaid, LotRefused
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.orders.errors import NotForSale, QuantityNotOpen, UnknownLine, UnknownSku
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Tx
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.refunds import account_shape
from comptoir.surfaces.api.return_shapes import (
    ApproveOtherwise,
    ChannelReturn,
    DeclineReturn,
    InspectReturn,
    NewPolicy,
    NewReceipt,
    NewReturn,
    Offers,
    OfferShape,
    PaidOut,
    Policies,
    PolicyShape,
    ReceiveReturn,
    ReturnableOrders,
    ReturnableQuery,
    ReturnCaseShape,
    ReturnQuery,
    SendReturn,
    SignalShape,
    case_shape,
    policy_shape,
    returnable_order,
    units_back,
)
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.notices.credit import tell_credit
from comptoir.surfaces.returned_lots import Read, as_fact, inspect

returns = Resource("Returns", "What comes back, wherever and whether or not it was announced, and on which terms.")


@returns.post(
    "/v1/returns",
    Scope.ORDERS_WRITE,
    status=201,
    refuses=(NotFound, ReturnNotAllowed, NotReturnable, UnknownLine, UnknownSku, NotForSale, InsufficientStock),
)
async def request_return(call: Call, body: NewReturn) -> Answer[ReturnCaseShape]:
    """Announce units that are to come back.

    It is approved at once, unless it gives back more than may be without a person. What the buyer wants instead is promised
    then.
    """
    draft = ReturnDraft(
        order_id=OrderId(parsed("order", body.order_id)),
        units=units_back(body.lines),
        exchange=tuple([Extra(one.sku, one.quantity, one.unit_price) for one in body.exchange]),
        note=body.note,
        override=body.override,
        label=body.label,
    )
    async with call.transaction() as tx:
        made = await api.request_return(tx, draft, SETTING)
        return await call.done(tx, await told(tx, made), 201)


@returns.get("/v1/returns", Scope.ORDERS_READ)
async def list_returns(call: Call, query: ReturnQuery) -> Answer[PageOf[ReturnCaseShape]]:
    """List returns, without their lines."""
    order = parsed_some("order", query.order_id)
    location = parsed_some("location", query.location_id)
    wanted = ReturnFilter(
        order=None if order is None else OrderId(order),
        states=query.state,
        channel=query.channel or "",
        reason=query.reason,
        location=None if location is None else LocationId(location),
        search=query.search,
    )
    async with call.reading() as reader:
        page = await api.find_returns(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, case_shape)


@returns.get("/v1/returns/{return_case_id}", Scope.ORDERS_READ, refuses=(UnknownReturn,))
async def get_return(call: Call) -> Answer[ReturnCaseShape]:
    """Get a return with what has arrived, and what somebody should look at."""
    async with call.services.database.transaction(call.context, snapshot=True) as tx:
        return call.answer(await told(tx, await api.get_return(tx, _id(call))))


@returns.post(
    "/v1/returns/{return_case_id}/approve",
    Scope.ORDERS_APPROVE,
    refuses=(UnknownReturn, ReturnStepRefused, OwnApproval, InsufficientStock),
)
async def approve_return(call: Call) -> Answer[ReturnCaseShape]:
    """Approve a return.

    Whoever asked for it, or took it in, does not approve it, as long as another active user may. What the buyer wants instead
    is promised now, and not before: where it is gone by now (409, `insufficient_stock`), it can be approved otherwise.
    """
    async with call.transaction() as tx:
        return await call.done(tx, await told(tx, await api.approve_return(tx, _id(call), SETTING)))


@returns.post(
    "/v1/returns/{return_case_id}/approve-otherwise",
    Scope.ORDERS_APPROVE,
    refuses=(UnknownReturn, ReturnStepRefused, OwnApproval, InsufficientStock, UnknownSku, NotForSale),
    example={"instead": "backorder"},
)
async def approve_return_otherwise(call: Call, body: ApproveOtherwise) -> Answer[ReturnCaseShape]:
    """Approve a return whose exchange is gone by now: with something else, waiting for stock, or with the money instead."""
    way = WayOn(body.instead, body.sku or "")
    async with call.transaction() as tx:
        return await call.done(tx, await told(tx, await api.approve_return(tx, _id(call), SETTING, way)))


@returns.post("/v1/returns/{return_case_id}/decline", Scope.ORDERS_APPROVE, refuses=(UnknownReturn, ReturnStepRefused))
async def decline_return(call: Call, body: DeclineReturn) -> Answer[ReturnCaseShape]:
    """Decline a return: what is asked for, or goods that are here and nobody has looked at.

    The buyer is told why, and is not refunded. Goods that are here wait to be given back, or kept by agreement.
    """
    async with call.transaction() as tx:
        return await call.done(tx, await told(tx, await api.decline_return(tx, _id(call), body.reason)))


@returns.post("/v1/returns/{return_case_id}/cancel", Scope.ORDERS_WRITE, refuses=(UnknownReturn, ReturnStepRefused))
async def cancel_return(call: Call) -> Answer[ReturnCaseShape]:
    """Cancel a return of which nothing has arrived: what was promised instead is given up."""
    async with call.transaction() as tx:
        return await call.done(tx, await told(tx, await api.cancel_return(tx, _id(call))))


@returns.post("/v1/returns/{return_case_id}/send", Scope.ORDERS_WRITE, refuses=(UnknownReturn, ReturnStepRefused))
async def send_return(call: Call, body: SendReturn) -> Answer[ReturnCaseShape]:
    """Record that a carrier has it."""
    async with call.transaction() as tx:
        done = await api.send_return(tx, _id(call), body.carrier, body.tracking_number)
        return await call.done(tx, await told(tx, done))


@returns.post(
    "/v1/returns/{return_case_id}/receive",
    Scope.ORDERS_WRITE,
    refuses=(UnknownReturn, ReturnStepRefused, UnknownLine, QuantityNotOpen, NotSoldByUs, UnknownLocation),
)
async def receive_return(call: Call, body: ReceiveReturn) -> Answer[ReturnCaseShape]:
    """Receive units, at any location: all, some, or something else that was in the box.

    They are under quality hold until somebody has looked.
    """
    arrived = [Arrived(one.line_no, one.quantity, one.sku) for one in body.lines]
    place = LocationId(parsed("location", body.location_id))
    async with call.transaction() as tx:
        done = await api.receive_return(tx, _id(call), place, arrived, parcel=body.parcel)
        return await call.done(tx, await told(tx, done))


@returns.post(
    "/v1/return-receipts",
    Scope.ORDERS_WRITE,
    refuses=(NotFound, UnknownLine, NotReturnable, QuantityNotOpen, UnknownLocation),
    example={
        "location_id": "loc_01kag8v6w3e9n8r2t5y7z4c6bd",
        "order_id": "ord_01kag8v6w3e9n8r2t5y7z4c6bd",
        "lines": [{"line_no": 1, "quantity": 1, "reason": "too_small"}],
    },
)
async def receive_unannounced(call: Call, body: NewReceipt) -> Answer[ReturnCaseShape]:
    """Receive what nobody announced.

    With `order_id` and `lines`, units of an order; with `sku` and `quantity`, something that we never sold, which is kept as
    found stock under quality hold and refunded to nobody.
    """
    place = LocationId(parsed("location", body.location_id))
    async with call.transaction() as tx:
        if body.order_id is not None and body.lines and body.sku is None:
            order_id = OrderId(parsed("order", body.order_id))
            case = await api.receive_unannounced(
                tx,
                order_id,
                place,
                units_back(body.lines),
                SETTING,
                parcel=body.parcel,
                sender=body.sender,
                note=body.note,
            )
        elif body.order_id is None and not body.lines and body.sku is not None and body.quantity is not None:
            case = await api.receive_unknown(
                tx, place, body.sku, body.quantity, parcel=body.parcel, note=body.note, sender=body.sender
            )
        else:
            raise invalid("order_id", "comes with lines, or else there are sku and quantity")
        return await call.done(tx, await told(tx, case))


@returns.post(
    "/v1/orders/{order_id}/channel-returns", Scope.ORDERS_WRITE, refuses=(UnknownLine, QuantityNotOpen, UnknownLocation)
)
async def record_channel_return(call: Call, body: ChannelReturn) -> Answer[ReturnCaseShape]:
    """Record a return that the channel has decided on: no policy stops a fact."""
    place = LocationId(parsed("location", body.location_id))
    async with call.transaction() as tx:
        case = await api.record_channel_return(
            tx, OrderId(call.id("order")), place, units_back(body.lines), body.external_id, Fate(body.fate)
        )
        await as_fact(tx, case)
        return await call.done(tx, await told(tx, case))


@returns.post(
    "/v1/returns/{return_case_id}/inspect",
    Scope.ORDERS_WRITE,
    refuses=(
        UnknownReturn,
        ReturnStepRefused,
        ApprovalNeeded,
        UnknownReceived,
        InspectedAlready,
        OverDeduction,
        QuantityTooLarge,
        UnknownLocation,
        LotRefused,
        LotDiffers,
        LotNotSaid,
    ),
)
async def inspect_return(call: Call, body: InspectReturn) -> Answer[ReturnCaseShape]:
    """Say how units are and what becomes of them: they leave quality hold, and are refunded less what is deducted."""
    looks: list[Look] = []
    read = [Read(one.lot, one.expires_on) for one in body.lines]
    for one in body.lines:
        to = parsed_some("location", one.to_location_id)
        received_id = ReceivedId(parsed("received", one.received_id))
        place = None if to is None else LocationId(to)
        looks.append(Look(received_id, one.quantity, one.condition, one.fate, one.deduct, place))
    async with call.transaction() as tx:
        return await call.done(tx, await told(tx, await inspect(tx, _id(call), looks, read)))


@returns.post(
    "/v1/returns/{return_case_id}/close", Scope.ORDERS_WRITE, refuses=(UnknownReturn, ReturnStepRefused, GoodsStillHere)
)
async def close_return(call: Call) -> Answer[ReturnCaseShape]:
    """Close a return: all that came was looked at, or it is lost on the road."""
    async with call.transaction() as tx:
        return await call.done(tx, await told(tx, await api.close_return(tx, _id(call))))


@returns.post(
    "/v1/returns/{return_case_id}/send-again",
    Scope.ORDERS_WRITE,
    refuses=(UnknownReturn, ReturnStepRefused, NotSoldByUs, InsufficientStock),
)
async def send_return_again(call: Call) -> Answer[ReturnCaseShape]:
    """Send what could not be delivered to the buyer once more: promised at once, for what it was worth, without a refund."""
    async with call.transaction() as tx:
        return await call.done(tx, await told(tx, await api.send_again(tx, _id(call), SETTING)))


@returns.post(
    "/v1/returns/{return_case_id}/pay-out",
    Scope.ORDERS_WRITE,
    refuses=(UnknownReturn, NotSoldByUs, MarketplacePays, NothingToPayOut),
    sealed=True,
)
async def pay_out_return(call: Call) -> Answer[PaidOut]:
    """Put what is promised to the buyer on store credit, at once: the customer's own, or a new one."""
    async with call.transaction() as tx:
        account, code, amount = await api.pay_out_credit(tx, _id(call), SETTING)
        order_id = (await api.get_return(tx, _id(call))).order_id
        assert order_id is not None, "what was not sold by us is refunded to nobody"
        await tell_credit(tx, call.services.settings, order_id, amount, code)
        return await call.done(tx, PaidOut(account=account_shape(account), code=code, amount=amount))


@returns.get("/v1/returnable", Scope.ORDERS_READ)
async def list_returnable(call: Call, query: ReturnableQuery) -> Answer[ReturnableOrders]:
    """Find the orders that something in somebody's hands may belong to, the newest first."""
    customer = parsed_some("customer", query.customer_id)
    async with call.reading() as reader:
        found = await api.look_for(
            reader, number=query.search, tracking=query.tracking_number, customer=customer, sku=query.sku or ""
        )
    return call.answer(ReturnableOrders(items=[returnable_order(one) for one in found]))


@returns.get("/v1/orders/{order_id}/return-offers", Scope.ORDERS_READ)
async def list_return_offers(call: Call) -> Answer[Offers]:
    """List what may come back of an order now, and on which terms."""
    async with call.services.database.transaction(call.context, snapshot=True) as tx:
        found = await api.offers(tx, OrderId(call.id("order")), SETTING, tx.now)
    return call.answer(
        Offers(
            items=[
                OfferShape(
                    line_no=no,
                    allowed=one.allowed,
                    why=one.why,
                    until=one.until,
                    fee=one.fee,
                    moment=one.moment,
                    method=one.method,
                    prepaid=one.prepaid,
                    label_fee=one.label_fee,
                )
                for no, one in found.items()
            ]
        )
    )


@returns.get("/v1/return-policies", Scope.ORDERS_READ)
async def list_return_policies(call: Call) -> Answer[Policies]:
    """List the terms on which something may come back, by position."""
    async with call.reading() as reader:
        return call.answer(Policies(items=[policy_shape(one) for one in await api.all_policies(reader)]))


@returns.get("/v1/return-policies/{policy_id}", Scope.ORDERS_READ, refuses=(UnknownPolicy,))
async def get_return_policy(call: Call) -> Answer[PolicyShape]:
    """Get a return policy."""
    async with call.reading() as reader:
        return call.answer(policy_shape(await api.get_policy(reader, PolicyId(call.id("policy")))))


@returns.post("/v1/return-policies", Scope.ORDERS_WRITE, status=201, refuses=(PolicyCodeTaken,))
async def create_return_policy(call: Call, body: NewPolicy) -> Answer[PolicyShape]:
    """Add a return policy."""
    async with call.transaction() as tx:
        return await call.done(tx, policy_shape(await api.create_policy(tx, body.draft())), 201)


@returns.put("/v1/return-policies/{policy_id}", Scope.ORDERS_WRITE, refuses=(UnknownPolicy, PolicyCodeTaken), if_match=True)
async def replace_return_policy(call: Call, body: NewPolicy) -> Answer[PolicyShape]:
    """Replace a return policy."""
    async with call.transaction() as tx:
        changed = await api.update_policy(tx, PolicyId(call.id("policy")), body.draft(), version=call.expected_version())
        return await call.done(tx, policy_shape(changed))


def _id(call: Call) -> ReturnCaseId:
    return ReturnCaseId(call.id("return_case"))


async def told(tx: Tx, case: ReturnCase) -> ReturnCaseShape:
    signals = [SignalShape(sign=one.sign, words=one.words, data=one.data) for one in await api.signals_of(tx, case)]
    return case_shape(case, signals)
