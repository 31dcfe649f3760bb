"""Parcels that carriers bring back: they are expected where they left, and what is done about them ends their trouble."""

from __future__ import annotations

from uuid import UUID

from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import ReturnCaseId, ReturnStep
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId, ShipmentId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Tracked, TrackedId
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded
from comptoir.sdk.tracking import TrackingStatus

_BACKWARDS = frozenset({TrackingStatus.RETURNING, TrackingStatus.RETURNED})
_SEEN_TO = {"send_again": "sent_again", ReturnStep.INSPECT.value: "inspected", ReturnStep.CLOSE.value: "closed"}


def consumer() -> Consumer:
    """Level-triggered: what is expected follows from where a parcel is now, whatever was told of it on the way."""

    async def follow(tx: Tx, events: list[Recorded]) -> None:
        ids = dict.fromkeys(TrackedId(UUID(str(event.data["tracked_id"]))) for event in events)
        for parcel in (await tracking.some(tx, list(ids))).values():
            await _follow(tx, parcel)

    async def end(tx: Tx, events: list[Recorded]) -> None:
        for event in events:
            resolution = _SEEN_TO.get(str(event.data["step"]))
            if resolution is not None:
                await _seen_to(tx, ReturnCaseId(UUID(str(event.data["return_case_id"]))), resolution)

    return Consumer("returns.undelivered", {"parcel.moved": follow, "parcel.delivered": follow, "return.moved": end})


async def _follow(tx: Tx, parcel: Tracked) -> None:
    if parcel.status not in _BACKWARDS:
        await changes.not_coming_back(tx, parcel.order_id, parcel.shipment_id)
        return
    shipments = {one.id: one for one in (await orders.get(tx, parcel.order_id)).shipments}
    shipment = shipments.get(parcel.shipment_id)
    if shipment is not None:
        await changes.expect_back(
            tx,
            OrderId(parcel.order_id),
            ShipmentId(parcel.shipment_id),
            shipment.lines,
            parcel.location_id,
            carrier=parcel.carrier,
            tracking_number=parcel.tracking_number,
            sent_at=parcel.since,
        )


async def _seen_to(tx: Tx, case_id: ReturnCaseId, resolution: str) -> None:
    case = await changes.get_return(tx, case_id)
    if case.shipment_id is None:
        return
    parcel = (await tracking.of_shipments(tx, [case.shipment_id])).get(case.shipment_id)
    if parcel is not None:
        await tracking.cases.was_received(tx, parcel.id, resolution)
