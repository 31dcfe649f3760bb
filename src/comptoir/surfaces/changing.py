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
    return {
        one.shipment_id: one.delivered_at
        for one in await tracking.parcels_of(reader, order_id)
        if one.delivered_at is not None or one.status is not TrackingStatus.UNKNOWN
    }


async def approvers_of(reader: Reader) -> list[ActorId]:
    return await staff.holders(reader, Permission.ORDERS_APPROVE)


SETTING = Setting(pool_of, facts_of, delivered_of, approvers_of, staff.people)


def consumer() -> Consumer:
    """Does or gives up what waits for third parties, when they have answered; expects back what they could not stop."""

    async def follow(tx: Tx, events: list[Recorded]) -> None:
        await changes.follow_third_parties(tx, [event for event in events if event.type == "fulfilment.requested"], SETTING)
        await changes.follow_stops(tx, events, SETTING)

    followed = ("fulfilment.requested", "order.shipped", "exception.resolved")
    return Consumer("changes.third_parties", dict.fromkeys(followed, follow))
