"""What arrives, wherever and whether or not it was announced, and what somebody finds who looks at it."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.kernel.checking import Checks, invalid
from comptoir.kernel.quantities import MAX_QUANTITY, sku
from comptoir.modules.changes import domain
from comptoir.modules.changes.contracts import (
    Arrived,
    Fate,
    ItemCondition,
    Look,
    ReceivedId,
    ReceivedUnits,
    RefundMethod,
    RefundMoment,
    ReturnCase,
    ReturnCaseId,
    ReturnItem,
    ReturnState,
    ReturnStep,
    Setting,
    Units,
    Why,
)
from comptoir.modules.changes.crediting import credit_out
from comptoir.modules.changes.errors import (
    ApprovalNeeded,
    InspectedAlready,
    MarketplacePays,
    NotSoldByUs,
    OverDeduction,
    UnknownReceived,
)
from comptoir.modules.changes.returning import (
    combined,
    following,
    get_return,
    items_of,
    load,
    merged,
    move,
    reason_of,
    require_returnable,
    settled,
    unlabelled,
)
from comptoir.modules.changes.store import returns as store
from comptoir.modules.changes.terms import terms
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Disposition, EntryKind, Movement, Quantity
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Charge, Order, OrderId, ReturnLine
from comptoir.modules.orders.errors import UnknownLine
from comptoir.modules.payments.contracts import Account
from comptoir.runtime.database import Tx
from comptoir.sdk.orders import LineKind

FEE = "Return fee"
DEDUCTION = "Deduction"
_NOT_SOLD = "not_sold_by_us"


async def receive_return(
    tx: Tx, case_id: ReturnCaseId, location_id: LocationId, units: Sequence[Arrived], *, parcel: str = ""
) -> ReturnCase:
    """Units of a return are here, some of them or more than was announced, or something else was in the box.

    They are kept under quality hold until somebody has looked. A parcel that was received already changes nothing. Raises
    UnknownLine, QuantityNotOpen for more than the buyer has, and ReturnStepRefused.
    """
    return await _receive(tx, case_id, location_id, units, _clean(parcel))


async def _receive(tx: Tx, case_id: ReturnCaseId, location_id: LocationId, units: Sequence[Arrived], parcel: str) -> ReturnCase:
    case, order = await load(tx, case_id)
    if parcel and await store.known_parcel(tx, parcel) is not None:
        return case
    if order is None:
        raise NotSoldByUs(return_case_id=case_id)
    await locations.get(tx, location_id)
    following(case, ReturnStep.RECEIVE)
    if parcel:
        await store.insert_parcel(tx, parcel, case_id)
    charged, fee_line = case.fee_charged, case.fee_line
    fee = case.fee + (case.label_fee if domain.label_used(case, parcel) else 0)
    for one in units:
        if one.quantity < 1:
            raise invalid("units", "name at least one unit each")
        line = next((line for line in order.lines if line.line_no == one.line_no and line.sku is not None), None)
        if line is None:
            raise UnknownLine(line_no=one.line_no)
        if one.sku is not None and one.sku != line.sku:
            await _keep_found(tx, case_id, location_id, one.sku, one.quantity, parcel, one.line_no)
            continue
        value = await _take_back(tx, case, location_id, one)
        released = case.moment is not RefundMoment.INSPECTION and not domain.undecided(case)
        await store.receive(
            tx,
            case_id,
            one.line_no,
            line.sku or "",
            one.quantity,
            value=value,
            released=released,
            location_id=location_id,
            parcel=parcel,
            stocked=line.stocked,
        )
        reason = reason_of(case, one.line_no)
        await store.add_items(tx, case_id, [ReturnItem(one.line_no, line.sku or "", one.quantity, one.quantity, reason)])
        if charged is None:
            charged, fee_line = await _charge_fee(tx, case, fee, value)
    values: dict[str, object] = {"fee_charged": charged, "fee_line": fee_line, "location_id": case.location_id or location_id}
    if not domain.label_used(case, parcel) and not parcel and not (await get_return(tx, case_id)).expected:
        values |= unlabelled(tx, case)
    moved = await move(tx, case, ReturnStep.RECEIVE, closed_at=None, closed_by=None, **values)
    return await settled(tx, moved)


def _clean(parcel: str) -> str:
    checks = Checks()
    parcel = checks.words("parcel", parcel)
    checks.done()
    return parcel


async def _take_back(tx: Tx, case: ReturnCase, location_id: LocationId, one: Arrived) -> int:
    """Takes units back under quality hold; gives what they were worth to the buyer, with the shipping of an order that was
    withdrawn from as a whole.
    """
    assert case.order_id is not None, "whoever calls has looked"
    before = (await orders.standing(tx, case.order_id)).value
    line = ReturnLine(one.line_no, one.quantity, Disposition.QUALITY)
    reason = reason_of(case, one.line_no)
    await orders.take_back(tx, case.order_id, location_id, [line], reason)
    if case.why == Why.WITHDRAWAL:
        lines = await _take_back_shipping(tx, await orders.load(tx, case.order_id), location_id, reason)
        if lines:
            await store.put(tx, case.id, {"shipping_lines": [*case.shipping_lines, *lines]})
    return before - (await orders.standing(tx, case.order_id)).value


async def _take_back_shipping(tx: Tx, order: Order, location_id: LocationId, reason: str) -> list[int]:
    """Whoever withdraws from a whole order gets its delivery back, too (L221-24). Gives the numbers of its lines."""
    if order.returned != order.shipped or order.shipped + order.cancelled != order.quantity:
        return []
    lines = [
        ReturnLine(line.line_no, line.quantity - line.cancelled - line.returned)
        for line in order.lines
        if line.kind == LineKind.SHIPPING and line.quantity > line.cancelled + line.returned
    ]
    if lines:
        await orders.take_back(tx, order.id, location_id, lines, reason)
    return [line.line_no for line in lines]


async def _charge_fee(tx: Tx, case: ReturnCase, fee: int, value: int) -> tuple[int, int | None]:
    """The fee of a return, with what our label costs where it was used, is charged once, and is never more than what came
    first is worth. Gives it and its line.
    """
    fee = min(fee, value)
    if not fee or case.order_id is None:
        return fee, None
    (line_no,) = await orders.add_lines(tx, case.order_id, [], [Charge(LineKind.FEE, FEE, fee)], [], backorder=False)
    return fee, line_no


async def _keep_found(
    tx: Tx,
    case_id: ReturnCaseId,
    location_id: LocationId,
    text: str,
    quantity: int,
    parcel: str,
    line_no: int | None = None,
) -> None:
    """What was not expected is stock that was found; nobody may have it before somebody has looked."""
    checks = Checks()
    name = checks.parsed("sku", sku, text, sku("-"))
    checks.whole("quantity", quantity, 1, MAX_QUANTITY)
    checks.done()
    found = Movement(
        kind=EntryKind.RETURNED,
        sku=name,
        location_id=location_id,
        on_hand=quantity,
        quality=quantity,
        return_id=case_id,
        reason="found" if line_no is None else "wrong_item",
    )
    await inventory.record(tx, [found])
    await store.receive(
        tx, case_id, None, name, quantity, value=0, released=True, location_id=location_id, parcel=parcel, stocked=True
    )


async def receive_unannounced(
    tx: Tx,
    order_id: OrderId,
    location_id: LocationId,
    units: Sequence[Units],
    setting: Setting,
    *,
    parcel: str = "",
    sender: str = "",
    note: str = "",
) -> ReturnCase:
    """Units of an order have come back without a word. They are taken; what the policy would not have taken is refunded only
    when a person has looked. A parcel that was received already changes nothing.
    """
    parcel = _clean(parcel)
    order = await orders.load(tx, order_id)
    known = await store.known_parcel(tx, parcel) if parcel else None
    if known is not None:
        return await get_return(tx, known)
    wanted = merged(units)
    await require_returnable(tx, order, wanted)
    found = await terms(tx, order, {no: one.reason for no, one in wanted.items()}, setting, tx.now)
    moment, method, fee, why = combined(found)
    late = [verdict for verdict in found.verdicts.values() if not verdict.allowed]
    case_id = await store.insert(
        tx,
        order,
        ReturnState.APPROVED,
        items_of(order, [one._replace(quantity=0) for one in wanted.values()]),
        moment=RefundMoment.INSPECTION if late else moment,
        method=method,
        fee=fee,
        why=late[0].why if late else why,
        announced=False,
        fact=False,
        note=note,
        exchange=(),
        location_id=location_id,
        sender=sender,
    )
    arrived = [Arrived(one.line_no, one.quantity) for one in wanted.values()]
    return await receive_return(tx, case_id, location_id, arrived, parcel=parcel)


async def receive_unknown(
    tx: Tx, location_id: LocationId, text: str, quantity: int, *, parcel: str = "", note: str = "", sender: str = ""
) -> ReturnCase:
    """Something has come back that we never sold: found stock under quality hold, and nobody to refund. `sender` is who has
    sent it, as far as the box says.
    """
    parcel = _clean(parcel)
    await locations.get(tx, location_id)
    known = await store.known_parcel(tx, parcel) if parcel else None
    if known is not None:
        return await get_return(tx, known)
    case_id = await store.insert(
        tx,
        None,
        ReturnState.APPROVED,
        [],
        moment=RefundMoment.INSPECTION,
        method=RefundMethod.ORIGINAL,
        fee=0,
        why=_NOT_SOLD,
        announced=False,
        fact=False,
        note=note,
        exchange=(),
        location_id=location_id,
        sender=sender,
    )
    if parcel:
        await store.insert_parcel(tx, parcel, case_id)
    await _keep_found(tx, case_id, location_id, text, quantity, parcel)
    return await move(tx, await get_return(tx, case_id), ReturnStep.RECEIVE)


async def record_channel_return(
    tx: Tx, order_id: OrderId, location_id: LocationId, units: Sequence[Units], external_id: str, fate: Fate = Fate.RESTOCK
) -> ReturnCase:
    """A channel has taken units back by its own rules: a fact, recorded once for each of its ids, that no policy stops."""
    order = await orders.load(tx, order_id)
    parcel = f"channel {order.channel_code}: {_clean(external_id)}"
    known = await store.known_parcel(tx, parcel)
    if known is not None:
        return await get_return(tx, known)
    case_id = await store.insert(
        tx,
        order,
        ReturnState.APPROVED,
        items_of(order, [one._replace(quantity=0) for one in merged(units).values()]),
        moment=RefundMoment.RECEIPT,
        method=RefundMethod.ORIGINAL,
        fee=0,
        why="channel",
        announced=False,
        fact=True,
        note="",
        exchange=(),
    )
    arrived = [Arrived(one.line_no, one.quantity) for one in merged(units).values()]
    case = await _receive(tx, case_id, location_id, arrived, parcel)
    looks = [Look(row.id, row.quantity, ItemCondition.OPENED, fate) for row in case.received]
    await inspect_return(tx, case_id, looks)
    case, _ = await load(tx, case_id)
    return await move(tx, case, ReturnStep.CLOSE, closed_at=tx.now, closed_by=tx.actor)


async def inspect_return(tx: Tx, case_id: ReturnCaseId, looks: Sequence[Look]) -> ReturnCase:
    """Somebody has looked at units: they go where they belong, and what they are worth is refunded, less what is deducted.

    Raises UnknownReceived, InspectedAlready, OverDeduction, ReturnStepRefused, and ApprovalNeeded for what came before anybody
    had approved it.
    """
    case, _ = await load(tx, case_id)
    following(case, ReturnStep.INSPECT)
    if domain.undecided(case):
        raise ApprovalNeeded(return_case_id=case_id)
    for found in looks:
        row = await _row(tx, case_id, found.received_id)
        if not row.to_inspect or not 1 <= found.quantity <= row.quantity:
            raise InspectedAlready(received_id=row.id, open=row.quantity if row.to_inspect else 0)
        value = orders.share(row.value, row.quantity, 0, found.quantity)
        if not 0 <= found.deduct <= value:
            raise OverDeduction(worth=value, asked=found.deduct)
        if row.stocked:
            await put_where_it_belongs(tx, row, found)
        if found.deduct and case.order_id is not None:
            charge = Charge(LineKind.FEE, DEDUCTION, found.deduct)
            await orders.add_lines(tx, case.order_id, [], [charge], [], backorder=False)
        await store.look(tx, row, found, value)
    now = await get_return(tx, case_id)
    if domain.inspected(now.received):
        now = await move(tx, now, ReturnStep.INSPECT)
    else:
        await store.put(tx, case_id, {"state": now.state})
    return await settled(tx, await get_return(tx, now.id))


async def _row(tx: Tx, case_id: ReturnCaseId, received_id: ReceivedId) -> ReceivedUnits:
    row = next((row for row in (await get_return(tx, case_id)).received if row.id == received_id), None)
    if row is None:
        raise UnknownReceived(kind="received", id=received_id)
    return row


async def put_where_it_belongs(tx: Tx, row: ReceivedUnits, found: Look) -> None:
    units = [Quantity(row.sku, found.quantity)]
    match found.fate:
        case Fate.RESTOCK:
            await inventory.release_quality(tx, row.location_id, units, "return")
        case Fate.SEND_ON:
            if found.to_location_id is None:
                raise invalid("to_location_id", "says where it goes")
            await inventory.release_quality(tx, row.location_id, units, "return")
            await inventory.create_transfer(tx, row.location_id, found.to_location_id, units, "return")
        case Fate.REFURBISH:
            pass  # it stays under quality hold until it is repaired
        case Fate.DAMAGED:
            await inventory.release_quality(tx, row.location_id, units, "return", damaged=True)
        case Fate.MISSING | Fate.DESTROY:
            await inventory.release_quality(tx, row.location_id, units, "return", damaged=True)
            await inventory.write_off_damaged(tx, row.location_id, units, f"return: {found.fate}")


async def pay_out_credit(
    tx: Tx, case_id: ReturnCaseId, setting: Setting, *, at: LocationId | None = None
) -> tuple[Account, str | None, int]:
    """Puts what is promised to the buyer on store credit: the customer's own, or a new one, whose code is told this once.
    `at` is the desk that does so.

    Gives the account, the code of a new one, and how much. Raises NotSoldByUs, MarketplacePays and NothingToPayOut.
    """
    case, order = await load(tx, case_id)
    if order is None:
        raise NotSoldByUs(return_case_id=case.id)
    if (await setting.facts_of(tx, order.channel_id)).marketplace:
        raise MarketplacePays(order_id=order.id)
    return await credit_out(tx, order.id, at=at)
