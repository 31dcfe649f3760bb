"""The door to fulfilment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from comptoir.modules.fulfilment import keeping
from comptoir.modules.fulfilment.audit import audit, repair
from comptoir.modules.fulfilment.batches import (
    Batch,
    DueRun,
    carry_out,
    decide_together,
    due_batches,
    due_runs,
    early_run,
    finish_run,
    given_up,
)
from comptoir.modules.fulfilment.codes import locker_code, new_locker_code, pickup_code, same_code, seal_locker_code
from comptoir.modules.fulfilment.collecting import (
    buyer_here,
    came_short,
    collect,
    done_put_backs,
    extend,
    extend_for_buyer,
    give_back,
    give_back_overdue,
    hand_out,
    name_collector,
    ready,
    remind,
    shelve,
    to_pay,
    try_code,
)
from comptoir.modules.fulfilment.contracts import (
    Collector,
    Deadline,
    Fulfilment,
    FulfilmentFilter,
    FulfilmentId,
    Handout,
    Locker,
    LockerId,
    NotedRun,
    OpenWork,
    Parcel,
    ParcelId,
    Pulse,
    PutBack,
    Stage,
    StageCount,
    Waiting,
    WaitingCount,
)
from comptoir.modules.fulfilment.domain import HANDSHAKE, STEPS
from comptoir.modules.fulfilment.errors import UnknownFulfilment
from comptoir.modules.fulfilment.lockers import (
    assign,
    create_locker,
    get_locker,
    lockers_at,
    open_locker,
    step_locker,
    stow,
    take_out,
)
from comptoir.modules.fulfilment.recalling import require_wanted
from comptoir.modules.fulfilment.release import Setting, follow, settle, try_again
from comptoir.modules.fulfilment.remedies import (
    MILD,
    Way,
    WaysOut,
    cancel_stuck,
    retry,
    send_anyway,
    send_as,
    ways_out,
)
from comptoir.modules.fulfilment.shelves import load_bins, stream_bins
from comptoir.modules.fulfilment.store import boxes, reading, work
from comptoir.modules.fulfilment.store import collecting as collections
from comptoir.modules.fulfilment.store import lockers as locker_store
from comptoir.modules.fulfilment.store.forgetting import forget_buyers
from comptoir.modules.fulfilment.store.whereabouts import whereabouts
from comptoir.modules.fulfilment.subscribers import consumers
from comptoir.modules.fulfilment.sweeping import expire, release_due, settle_counts
from comptoir.modules.fulfilment.terms import all_terms, drop_terms, put_terms, terms_at
from comptoir.modules.fulfilment.third_parties import (
    ANSWER_WITHIN,
    ask_again,
    ask_back,
    bound,
    give_way,
    not_stopped,
    require_free,
    require_free_at,
    say,
    withdraw,
)
from comptoir.modules.fulfilment.waiting import LOCKER_STEPS
from comptoir.modules.fulfilment.waves import (
    bins,
    count_tasks,
    drop,
    find_bins,
    give_up,
    leave,
    leave_zone,
    members,
    put_bins,
    put_down,
    route,
    start,
    stops,
    take,
    take_zone,
    walk,
    weigh,
    zones,
)
from comptoir.modules.fulfilment.waves import find as find_waves
from comptoir.modules.fulfilment.waves import get as wave
from comptoir.modules.fulfilment.working import (
    await_answer,
    begin,
    hand_over,
    hold,
    is_late,
    join,
    merge,
    move,
    open_now,
    pack,
    pick,
    place,
    put_back,
    reject,
    resume,
    scan,
    scan_recalled,
    sku_of,
    split,
    stop,
    take_recalled,
    unpack,
    unpick,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Count, Page

__all__ = [
    "ANSWER_WITHIN",
    "HANDSHAKE",
    "LOCKER_STEPS",
    "MILD",
    "STEPS",
    "Batch",
    "DueRun",
    "Setting",
    "Way",
    "WaysOut",
    "ages",
    "all_terms",
    "ask_again",
    "ask_back",
    "assign",
    "at_counter",
    "audit",
    "await_answer",
    "begin",
    "bins",
    "bound",
    "buyer_here",
    "came_short",
    "cancel_stuck",
    "carry_out",
    "collect",
    "collectors",
    "consumers",
    "count_tasks",
    "create_locker",
    "decide_together",
    "departed",
    "done_put_backs",
    "drop",
    "drop_terms",
    "due_batches",
    "due_runs",
    "early_run",
    "expire",
    "extend",
    "extend_for_buyer",
    "find_bins",
    "find_waves",
    "finish_run",
    "firsts",
    "follow",
    "forget_buyers",
    "get_locker",
    "give_back",
    "give_back_overdue",
    "give_up",
    "give_way",
    "given_up",
    "hand_out",
    "hand_over",
    "handouts",
    "here_first",
    "hold",
    "is_late",
    "join",
    "keeping",
    "leave",
    "leave_zone",
    "load_bins",
    "locker_code",
    "lockers",
    "lockers_at",
    "mark",
    "members",
    "merge",
    "move",
    "name_collector",
    "new_locker_code",
    "not_stopped",
    "noted_runs",
    "open_locker",
    "open_now",
    "pack",
    "pick",
    "pickup_code",
    "place",
    "pulse",
    "put_back",
    "put_backs",
    "put_bins",
    "put_down",
    "put_terms",
    "ready",
    "recalled_boxes",
    "reject",
    "release_due",
    "remind",
    "repair",
    "require_free",
    "require_free_at",
    "require_wanted",
    "resume",
    "retry",
    "route",
    "same_code",
    "say",
    "scan",
    "scan_recalled",
    "seal_locker_code",
    "send_anyway",
    "send_as",
    "settle",
    "settle_counts",
    "shelve",
    "sku_of",
    "some_parcels",
    "split",
    "start",
    "step_locker",
    "stop",
    "stops",
    "stow",
    "stream_bins",
    "take",
    "take_out",
    "take_recalled",
    "take_zone",
    "terms_at",
    "to_pay",
    "try_again",
    "try_code",
    "unpack",
    "unpick",
    "unwanted_boxes",
    "urgent",
    "waiting",
    "waiting_count",
    "waiting_orders",
    "walk",
    "wanting",
    "wave",
    "ways_out",
    "weigh",
    "whereabouts",
    "withdraw",
    "zones",
]


async def find(
    reader: Reader, wanted: FulfilmentFilter, *, sort: str = "placed", limit: int = 50, cursor: str | None = None
) -> Page[Fulfilment]:
    """Without their lines. Sorts: placed, number, due (what has to be ready first), and each with a `-` before it."""
    return await reading.LISTING.page(reader, reading.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: FulfilmentFilter) -> Count:
    return await reading.LISTING.count(reader, reading.where(wanted))


async def noted_runs(reader: Reader) -> dict[UUID, NotedRun]:
    """The last run of each schedule, and of each rule set that has its own."""
    return await reading.runs(reader)


async def waiting_orders(reader: Reader) -> int:
    """How many orders wait for a run."""
    return await reading.waiting_orders(reader)


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


async def some_parcels(reader: Reader, ids: Sequence[ParcelId]) -> list[Parcel]:
    """Those of these boxes that there are."""
    return await work.some_parcels(reader, ids)


async def recalled_boxes(reader: Reader, location_id: LocationId, limit: int = 100) -> list[Parcel]:
    """The boxes of a location that are to be opened before anything of them leaves, those recalled first first."""
    return await boxes.recalled_at(reader, location_id, limit)


async def unwanted_boxes(reader: Reader, after: Parcel | None = None, limit: int = 100) -> list[Parcel]:
    """The recalled boxes, of all locations, of which nothing is wanted any more, from this one on."""
    return await boxes.unwanted(reader, after, limit)


async def mark(tx: Tx, ids: Sequence[ParcelId], *, marked: bool = True) -> None:
    """Their labels have been read for the driver, or have not been after all. What has left stays as it is."""
    await work.mark(tx, ids, tx.now if marked else None)


async def stages(reader: Reader, locations: Sequence[LocationId] | None = None) -> list[StageCount]:
    """How much work there is at each location and stage; None is for all locations."""
    return await reading.counts(reader, locations)


async def ages(reader: Reader, bounds: Sequence[datetime], *, late: Deadline, risk: Deadline) -> OpenWork:
    """The open work of all locations by stage and by when its orders were placed; `bounds` are the earliest first."""
    return await reading.ages(reader, bounds, late, risk)


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


async def pulse(reader: Reader, location_id: LocationId) -> Pulse:
    """Whether anything has changed there since it was asked for the last time; it is cheap to ask."""
    return await reading.pulse(reader, location_id)


async def departed(reader: Reader, location_id: LocationId, since: datetime, limit: int = 2000) -> list[FulfilmentId]:
    """What may have left there with a carrier since then, in whole or in part: its parcels' shipments say when."""
    return await reading.departed(reader, location_id, since, limit)


async def waiting(reader: Reader, ids: Sequence[FulfilmentId]) -> dict[FulfilmentId, Waiting]:
    """What is known of those of these that wait at a counter, come to one, or have waited."""
    return await collections.get(reader, ids)


async def waiting_count(reader: Reader, location_id: LocationId, now: datetime) -> WaitingCount:
    """What waits at the counters of a location, in numbers."""
    return await collections.count(reader, location_id, now + timedelta(days=1))


async def at_counter(
    reader: Reader, location_id: LocationId, stage: Stage, *, search: str = "", limit: int = 200
) -> list[Fulfilment]:
    """What is ready at a location, or comes to it: whose buyers are there first, then what is given back first. Without lines.

    `search` is a number, the beginning of a name, or the tracking number of the box in which it comes.
    """
    return await reading.at_counter(reader, location_id, stage, search, limit)


async def here_first(reader: Reader, location_id: LocationId) -> FulfilmentId | None:
    """What the buyer who has waited there for longest collects."""
    return next(iter(await collections.here(reader, location_id, 1)), None)


async def collectors(reader: Reader, ids: Sequence[OrderId]) -> dict[OrderId, Collector]:
    """Who else may collect these orders, where somebody was named."""
    return await collections.collectors(reader, ids)


async def handouts(reader: Reader, fulfilment_id: FulfilmentId) -> list[Handout]:
    """To whom what was handed, the first first."""
    return await collections.handouts(reader, fulfilment_id)


async def put_backs(reader: Reader, location_id: LocationId, limit: int = 200) -> list[PutBack]:
    """What is to be put back where it belongs, the oldest first."""
    return await collections.put_backs(reader, location_id, limit)


async def lockers(reader: Reader, ids: Sequence[LockerId]) -> dict[LockerId, Locker]:
    """Those of these that there are."""
    return await locker_store.named(reader, ids)
