"""The door to fulfilment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from comptoir.modules.fulfilment.batches import Batch, carry_out, decide_together, due_batches, given_up
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentFilter, FulfilmentId, Parcel, Stage, StageCount
from comptoir.modules.fulfilment.domain import HANDSHAKE, STEPS
from comptoir.modules.fulfilment.errors import UnknownFulfilment
from comptoir.modules.fulfilment.release import Setting, follow, settle
from comptoir.modules.fulfilment.store import reading, work
from comptoir.modules.fulfilment.subscribers import consumers
from comptoir.modules.fulfilment.sweeping import expire, release_due, settle_counts
from comptoir.modules.fulfilment.waves import bins, count_tasks, members, put_bins, route, start, stops, take
from comptoir.modules.fulfilment.waves import find as find_waves
from comptoir.modules.fulfilment.waves import get as wave
from comptoir.modules.fulfilment.working import (
    begin,
    collect,
    hand_over,
    hold,
    is_late,
    merge,
    move,
    pack,
    pick,
    place,
    put_back,
    ready,
    reject,
    resume,
    say,
    scan,
    sku_of,
    split,
    stop,
    unpack,
    unpick,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Count, Page

__all__ = [
    "HANDSHAKE",
    "STEPS",
    "Batch",
    "Setting",
    "begin",
    "bins",
    "carry_out",
    "collect",
    "consumers",
    "count_tasks",
    "decide_together",
    "departed",
    "due_batches",
    "expire",
    "find_waves",
    "firsts",
    "follow",
    "given_up",
    "hand_over",
    "hold",
    "is_late",
    "members",
    "merge",
    "move",
    "pack",
    "pick",
    "place",
    "put_back",
    "put_bins",
    "ready",
    "reject",
    "release_due",
    "resume",
    "route",
    "say",
    "scan",
    "settle",
    "settle_counts",
    "sku_of",
    "split",
    "start",
    "stop",
    "stops",
    "take",
    "unpack",
    "unpick",
    "urgent",
    "wanting",
    "wave",
]


async def find(
    reader: Reader, wanted: FulfilmentFilter, *, sort: str = "placed", limit: int = 50, cursor: str | None = None
) -> Page[Fulfilment]:
    """Without their lines. Sorts: placed, number, and each with a `-` before it."""
    return await reading.LISTING.page(reader, reading.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: FulfilmentFilter) -> Count:
    return await reading.LISTING.count(reader, reading.where(wanted))


async def load_since(reader: Reader, since: Sequence[tuple[LocationId, datetime]]) -> dict[LocationId, int]:
    """How many fulfilment orders each location was given since an instant of its own; those with none are left out."""
    return await reading.load(reader, since)


async def get(reader: Reader, fulfilment_id: FulfilmentId) -> Fulfilment:
    """With its lines. Raises UnknownFulfilment."""
    found = await work.get(reader, [fulfilment_id])
    if not found:
        raise UnknownFulfilment(kind="fulfilment", id=fulfilment_id)
    return found[0]


async def get_all(reader: Reader, ids: Sequence[FulfilmentId]) -> list[Fulfilment]:
    """Those that there are, with their lines, by id."""
    return await work.get(reader, ids)


async def of_orders(reader: Reader, ids: Sequence[OrderId]) -> list[Fulfilment]:
    """All of these orders', with their lines, by id."""
    return await work.of_orders(reader, ids)


async def parcels(reader: Reader, ids: Sequence[FulfilmentId]) -> list[Parcel]:
    """The boxes of these, by number."""
    return await work.parcels(reader, ids)


async def stages(reader: Reader, locations: Sequence[LocationId] | None = None) -> list[StageCount]:
    """How much work there is at each location and stage; None is for all locations."""
    return await reading.counts(reader, locations)


async def firsts(reader: Reader, location_id: LocationId, actor: str, now: datetime) -> dict[Stage, Fulfilment]:
    """What this person best does next at a location, of each stage that has anything; without their lines.

    What is late comes first, then what they work on already, then what leaves first; what others work on comes last.
    """
    return await reading.firsts(reader, location_id, actor, now)


async def urgent(
    reader: Reader, location_id: LocationId, stages: Sequence[Stage], actor: str, now: datetime, limit: int = 100
) -> list[Fulfilment]:
    """The work of a location in the order in which this person best does it (see `firsts`), without lines."""
    return await reading.urgent(reader, location_id, stages, actor, now, limit)


async def wanting(
    reader: Reader, location_id: LocationId, sku: str, actor: str, now: datetime, limit: int = 20
) -> list[Fulfilment]:
    """What still has to be picked there and lacks units of this SKU, in the order of `firsts`, without lines."""
    return await reading.wanting(reader, location_id, sku, actor, now, limit)


async def departed(reader: Reader, location_id: LocationId, since: datetime, limit: int = 2000) -> list[FulfilmentId]:
    """What may have left there with a carrier since then, in whole or in part: its parcels' shipments say when."""
    return await reading.departed(reader, location_id, since, limit)
