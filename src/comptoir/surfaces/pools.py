"""Which locations a channel sells from, for those who know only its id."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import ChannelId
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import PoolId
from comptoir.modules.orders.contracts import Place
from comptoir.runtime.database import Reader


async def pool_of(reader: Reader, channel_id: UUID) -> Sequence[Place]:
    """The active locations of its pool, by priority."""
    channel = await channels.get(reader, ChannelId(channel_id))
    pool = await locations.pool(reader, channel.pool_id)
    return tuple(Place(member.id, member.ships) for member in pool.members if member.active)


async def pool_id_of(reader: Reader, channel_id: UUID) -> PoolId:
    """The pool that it sells from."""
    return (await channels.get(reader, ChannelId(channel_id))).pool_id
