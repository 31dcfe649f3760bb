"""What tracking does when something happens to orders."""

from __future__ import annotations

from uuid import UUID

from comptoir.modules.orders.contracts import ShipmentId
from comptoir.modules.tracking import moving
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded


def consumers() -> tuple[Consumer, ...]:
    async def begin(tx: Tx, events: list[Recorded]) -> None:
        await moving.begin(tx, [ShipmentId(UUID(str(event.data["shipment_id"]))) for event in events])

    return (Consumer("tracking.parcels", {"order.shipped": begin}),)
