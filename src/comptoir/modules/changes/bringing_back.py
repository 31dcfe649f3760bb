"""Parcels that could not be delivered and that a carrier brings back: returns that nobody asked for, without a fee."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.changes import domain
from comptoir.modules.changes.applying import add
from comptoir.modules.changes.contracts import (
    Extra,
    Reason,
    RefundMethod,
    RefundMoment,
    ReturnCase,
    ReturnCaseId,
    ReturnItem,
    ReturnMoved,
    ReturnState,
    ReturnStep,
    Setting,
)
from comptoir.modules.changes.errors import NotSoldByUs, ReturnStepRefused
from comptoir.modules.changes.returning import get_return, load, move, settled
from comptoir.modules.changes.store import returns as store
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, Order, OrderId, ShipmentId
from comptoir.runtime.database import Reader, Tx

UNDELIVERABLE = "undeliverable"
"""Why such a return was taken."""
_SENDABLE = frozenset({ReturnState.IN_TRANSIT, ReturnState.RECEIVED, ReturnState.INSPECTED})
_PER_WEIGHED = 1_000


async def expect_back(
    tx: Tx,
    order_id: OrderId,
    shipment_id: ShipmentId,
    units: Sequence[LineQuantity],
    location_id: LocationId,
    *,
    carrier: str = "",
    tracking_number: str = "",
    sent_at: datetime | None = None,
) -> ReturnCase | None:
    """A carrier brings a shipment back to where it left: it is expected there, once for each shipment, without a fee.

    It is refunded when somebody has looked at it, unless it is sent again before. None where nothing of it is still with the
    buyer, as far as we know.
    """
    order = await orders.load(tx, order_id)
    cases = await store.of_order(tx, order_id)
    there = next((case for case in cases if case.shipment_id == shipment_id and case.state in domain.EXPECTED), None)
    if there is not None:
        return there
    items = _still_out(order, units, cases)
    if not items:
        return None
    case_id = await store.insert(
        tx,
        order,
        ReturnState.IN_TRANSIT,
        items,
        moment=RefundMoment.INSPECTION,
        method=RefundMethod.ORIGINAL,
        fee=0,
        why=UNDELIVERABLE,
        announced=False,
        fact=False,
        note="",
        exchange=(),
        location_id=location_id,
    )
    about = {"shipment_id": shipment_id, "sent_at": sent_at or tx.now, "carrier": carrier, "tracking_number": tracking_number}
    await store.put(tx, case_id, about)
    tx.emit(ReturnMoved(return_case_id=case_id, order_id=order_id, state=ReturnState.IN_TRANSIT, step=ReturnStep.SEND))
    return await get_return(tx, case_id)


def _still_out(order: Order, units: Sequence[LineQuantity], cases: Sequence[ReturnCase]) -> list[ReturnItem]:
    """Of these units, those that have neither come back nor are announced."""
    lines = {line.line_no: line for line in order.lines}
    items: list[ReturnItem] = []
    for one in units:
        line = lines[one.line_no]
        if line.sku is None:
            continue
        coming = sum(
            max(0, item.quantity - item.received)
            for case in cases
            if case.state in domain.EXPECTED
            for item in case.items
            if item.line_no == one.line_no
        )
        quantity = min(one.quantity, line.shipped - line.returned - coming)
        if quantity > 0:
            items.append(ReturnItem(one.line_no, line.sku, quantity, 0, Reason.REFUSED))
    return items


async def not_coming_back(tx: Tx, order_id: OrderId, shipment_id: ShipmentId) -> None:
    """The shipment was delivered after all, or goes on: unless something of it was received, nobody expects it any more."""
    await orders.load(tx, order_id)
    for case in await store.of_order(tx, order_id):
        if case.shipment_id == shipment_id and case.state is ReturnState.IN_TRANSIT and not case.received:
            await settled(tx, await move(tx, case, ReturnStep.CLOSE, closed_at=tx.now, closed_by=tx.actor))


async def brought_back(reader: Reader, shipments: Sequence[ShipmentId]) -> dict[ShipmentId, ReturnCase]:
    """The latest return of each of these shipments that a carrier brings back, or has; without units."""
    return await store.of_shipments(reader, shipments)


def may_send_again(case: ReturnCase) -> bool:
    """Whether it came back undelivered, and nobody has sent it again yet."""
    return case.why == UNDELIVERABLE and case.state in _SENDABLE and not case.exchange_lines


async def send_again(tx: Tx, case_id: ReturnCaseId, setting: Setting) -> ReturnCase:
    """What could not be delivered goes to the buyer once more, promised at once, for what it was worth to them and not more.

    Nothing is refunded then. Raises ReturnStepRefused where it did not come back undelivered or was sent again already, and
    InsufficientStock.
    """
    case, order = await load(tx, case_id)
    if order is None:
        raise NotSoldByUs(return_case_id=case_id)
    if not may_send_again(case):
        raise ReturnStepRefused(step="send_again", state=case.state)
    wanted = await _same_again(tx, order, case)
    lines = await add(tx, order.id, wanted, setting)
    extras = [Extra(one.sku, one.quantity, one.unit_price) for one in wanted]
    await store.put(tx, case_id, {"exchange": store.encoded(extras), "exchange_lines": lines})
    tx.emit(ReturnMoved(return_case_id=case_id, order_id=order.id, state=case.state, step="send_again"))
    return await settled(tx, await get_return(tx, case_id))


async def _same_again(reader: Reader, order: Order, case: ReturnCase) -> list[orders.Addition]:
    off = await orders.allowances(reader, order.id)
    lines = {line.line_no: line for line in order.lines}
    worth = Counter[int]()
    for row in case.received:
        worth[row.line_no or 0] += row.value
    sold = await catalogue.sellable(reader, [item.sku for item in case.items])
    weighed = {sku for sku, one in sold.items() if Unit(one.unit) is Unit.THOUSANDTH}
    wanted: list[orders.Addition] = []
    for item in case.items:
        line = lines[item.line_no]
        coming = max(0, item.quantity - item.received)
        value = worth[item.line_no] + orders.worth(line, off, line.returned, line.returned + coming)
        if not order.tax_included and line.total:
            value = value * (line.total - line.tax) // line.total
        wanted += _priced(item.sku, item.received + coming, value, weighed=item.sku in weighed)
    return wanted


def _priced(sku: str, quantity: int, value: int, *, weighed: bool) -> list[orders.Addition]:
    """Units that together come to that value, to the cent; a little less where they are weighed."""
    if weighed:
        return [orders.Addition(sku, quantity, value * _PER_WEIGHED // quantity)]
    least, more = divmod(value, quantity)
    parts = ((quantity - more, least), (more, least + 1))
    return [orders.Addition(sku, units, price) for units, price in parts if units]
