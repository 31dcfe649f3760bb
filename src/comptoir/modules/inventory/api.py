"""The door to stock.

Promises (`lock_available`, then `reserve`) are given only against what is available under lock. Facts (`record`) are always
written; what they break is emitted as `StockShort`.
"""

from __future__ import annotations

from comptoir.modules.inventory.audit import audit, repair
from comptoir.modules.inventory.availability import AvailabilityCache, Wanted
from comptoir.modules.inventory.domain import allocate, give_back, take
from comptoir.modules.inventory.ledger import record, record_locked, take_back
from comptoir.modules.inventory.loading import load_levels
from comptoir.modules.inventory.operations import (
    adjust,
    count,
    hold_quality,
    mark_damaged,
    receive,
    release_quality,
    repair_damaged,
    set_safety,
    write_off_damaged,
)
from comptoir.modules.inventory.promises import (
    expire_holds,
    hold,
    promise_regardless,
    release,
    release_hold,
    reservations_for,
    reserve,
    ship,
    ship_many,
)
from comptoir.modules.inventory.queries import (
    availability,
    availability_of_pool,
    availability_one,
    changed_since,
    count_ledger,
    count_levels,
    feed_position,
    find_counts,
    find_levels,
    find_supplies,
    find_transfers,
    incoming,
    ledger,
    levels,
    levels_at,
    levels_of_sku,
    stock_count,
    stream_ledger,
    stream_levels,
    supplies,
    transfer,
)
from comptoir.modules.inventory.store.levels import available_in_pool, lock_available, lock_available_now, lock_levels
from comptoir.modules.inventory.store.promises import end_holds, lock_holds, reservations_at, reservations_of
from comptoir.modules.inventory.supplies import cancel_supply, expect, move_supply, receive_supplies
from comptoir.modules.inventory.transfers import (
    cancel_transfer,
    create_transfer,
    edit_transfer,
    receive_transfer,
    send_transfer,
)

__all__ = [
    "AvailabilityCache",
    "Wanted",
    "adjust",
    "allocate",
    "audit",
    "availability",
    "availability_of_pool",
    "availability_one",
    "available_in_pool",
    "cancel_supply",
    "cancel_transfer",
    "changed_since",
    "count",
    "count_ledger",
    "count_levels",
    "create_transfer",
    "edit_transfer",
    "end_holds",
    "expect",
    "expire_holds",
    "feed_position",
    "find_counts",
    "find_levels",
    "find_supplies",
    "find_transfers",
    "give_back",
    "hold",
    "hold_quality",
    "incoming",
    "ledger",
    "levels",
    "levels_at",
    "levels_of_sku",
    "load_levels",
    "lock_available",
    "lock_available_now",
    "lock_holds",
    "lock_levels",
    "mark_damaged",
    "move_supply",
    "promise_regardless",
    "receive",
    "receive_supplies",
    "receive_transfer",
    "record",
    "record_locked",
    "release",
    "release_hold",
    "release_quality",
    "repair",
    "repair_damaged",
    "reservations_at",
    "reservations_for",
    "reservations_of",
    "reserve",
    "send_transfer",
    "set_safety",
    "ship",
    "ship_many",
    "stock_count",
    "stream_ledger",
    "stream_levels",
    "supplies",
    "take",
    "take_back",
    "transfer",
    "write_off_damaged",
]
