"""What changes and returns have to know of channels and parcels."""

from __future__ import annotations

from datetime import datetime

from comptoir.kernel.ids import ActorId
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import ChannelFacts, Setting
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import ChannelId, ChannelKind
from comptoir.modules.orders.contracts import ChannelId as OrderChannelId
from comptoir.modules.orders.contracts import OrderId, ShipmentId
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.events import Recorded
from comptoir.sdk.tracking import TrackingStatus
from comptoir.surfaces.pools import pool_of


async def facts_of(reader: Reader, channel_id: OrderChannelId) -> ChannelFacts:
    channel = await channels.get(reader, ChannelId(channel_id))
    return ChannelFacts(
        code=channel.code,
        distance=channel.kind is not ChannelKind.POS,
        marketplace=channel.kind is ChannelKind.MARKETPLACE,
        backorder=channel.backorder,
    )


async def delivered_of(reader: Reader, order_id: OrderId) -> dict[ShipmentId, datetime | None]:
    parcels = [one.parcel for one in await tracking.of_order(reader, order_id)]
    return {
        one.shipment_id: one.delivered_at
        for one in parcels
        if one.delivered_at is not None or one.status is not TrackingStatus.UNKNOWN
    }


async def approvers_of(reader: Reader) -> list[ActorId]:
    return await staff.holders(reader, Permission.ORDERS_APPROVE)


SETTING = Setting(pool_of, facts_of, delivered_of, approvers_of)


def consumer() -> Consumer:
    """Does or gives up what waits for third parties, when they have answered."""

    async def follow(tx: Tx, events: list[Recorded]) -> None:
        await changes.follow_third_parties(tx, events, SETTING)

    return Consumer("changes.third_parties", {"fulfilment.requested": follow})
