"""Parcels that turn out to be damaged or lost after their carrier has said something else: they count for its lane.

A buyer claims it, or whoever opens what came back finds it broken by the way. Which parcel that is follows from the claim, or
from what was in the parcels of the order; where it may have been one or another, nobody is blamed.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    AddItem,
    Allow,
    Change,
    ChangeId,
    ChangeKind,
    ChangeState,
    ItemCondition,
    Reason,
    ReturnCase,
    ReturnCaseId,
    ReturnStep,
    TakeBack,
)
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId, ShipmentId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Kind, Tracked
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded

_BLAMED = frozenset({"damaged", "lost"})
_BROKEN = frozenset({ItemCondition.DAMAGED, ItemCondition.UNUSABLE})


def consumer() -> Consumer:
    async def claimed(tx: Tx, events: list[Recorded]) -> None:
        for event in events:
            data = event.data
            if data["kind"] == ChangeKind.CLAIM and data["state"] == ChangeState.CONFIRMED and data["reason"] in _BLAMED:
                await _claimed(tx, await changes.get_change(tx, ChangeId(UUID(str(data["change_id"])))))

    async def inspected(tx: Tx, events: list[Recorded]) -> None:
        for event in events:
            if event.data["step"] == ReturnStep.INSPECT:
                await _inspected(tx, await changes.get_return(tx, ReturnCaseId(UUID(str(event.data["return_case_id"])))))

    return Consumer("tracking.damages", {"change.moved": claimed, "return.moved": inspected})


async def _claimed(tx: Tx, change: Change) -> None:
    lines = {one.line_no for one in change.actions if isinstance(one, (Allow, TakeBack)) and one.line_no is not None}
    again = {one.sku for one in change.actions if isinstance(one, AddItem)}
    if again:
        order = await orders.order(tx, change.order_id)
        lines |= {line.line_no for line in order.lines if line.sku in again and line.shipped}
    await _blame(tx, change.order_id, change.shipment_id, lines, change.reason)


async def _inspected(tx: Tx, case: ReturnCase) -> None:
    """Damage by the way: what arrived damaged as its buyer says, or what came back undelivered, and is broken."""
    said = {item.line_no for item in case.items if item.reason is Reason.DAMAGED or case.shipment_id is not None}
    broken = {row.line_no for row in case.received if row.condition in _BROKEN and row.line_no is not None}
    if case.order_id is not None and said & broken:
        await _blame(tx, case.order_id, case.shipment_id, said & broken, "damaged")


async def _blame(tx: Tx, order_id: OrderId, named: ShipmentId | None, lines: Collection[int], what: str) -> None:
    parcels = [one.parcel for one in await tracking.of_order(tx, order_id) if one.parcel.kind is Kind.PARCEL]
    for parcel in (
        [one for one in parcels if one.shipment_id == named] if named else await _carried(tx, parcels, order_id, lines)
    ):
        await tracking.claim(tx, parcel.id, what)


async def _carried(tx: Tx, parcels: list[Tracked], order_id: OrderId, lines: Collection[int]) -> list[Tracked]:
    """The parcel that these lines went in, where there is only one that it can have been."""
    if len(parcels) > 1 and lines:
        shipments = (await orders.get(tx, order_id)).shipments
        held = {one.id for one in shipments if any(line.line_no in lines for line in one.lines)}
        parcels = [one for one in parcels if one.shipment_id in held]
    return parcels if len(parcels) == 1 else []
