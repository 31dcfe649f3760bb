"""The door to the order book."""

from __future__ import annotations

from comptoir.modules.orders.audit import audit, repair
from comptoir.modules.orders.capture import CaptureAnswer, CaptureRequest, capture, capture_prepared, held_up, prepare
from comptoir.modules.orders.domain import FulfilmentStatus, PaymentStatus, ReturnStatus, senders, share
from comptoir.modules.orders.exceptions import open_exceptions, resolve
from comptoir.modules.orders.facts import foresee, record
from comptoir.modules.orders.figures import last_minutes, last_trade, live, rebuild_trade, trade, trade_drift
from comptoir.modules.orders.lifecycle import allocate, cancel, load, move, note, pay, release, ship, ship_all, take_back
from comptoir.modules.orders.mending import choose_backorder, choose_cancel, choose_move, put_right
from comptoir.modules.orders.queries import (
    by_external,
    by_number,
    count,
    count_exceptions,
    counts_of_exceptions,
    exception,
    find,
    find_exceptions,
    get,
    order,
    stream,
    stream_exceptions,
    timeline,
)
from comptoir.modules.orders.subscribers import consumers, review, review_backorders

__all__ = [
    "CaptureAnswer",
    "CaptureRequest",
    "FulfilmentStatus",
    "PaymentStatus",
    "ReturnStatus",
    "allocate",
    "audit",
    "by_external",
    "by_number",
    "cancel",
    "capture",
    "capture_prepared",
    "choose_backorder",
    "choose_cancel",
    "choose_move",
    "consumers",
    "count",
    "count_exceptions",
    "counts_of_exceptions",
    "exception",
    "find",
    "find_exceptions",
    "foresee",
    "get",
    "held_up",
    "last_minutes",
    "last_trade",
    "live",
    "load",
    "move",
    "note",
    "open_exceptions",
    "order",
    "pay",
    "prepare",
    "put_right",
    "rebuild_trade",
    "record",
    "release",
    "repair",
    "resolve",
    "review",
    "review_backorders",
    "senders",
    "share",
    "ship",
    "ship_all",
    "stream",
    "stream_exceptions",
    "take_back",
    "timeline",
    "trade",
    "trade_drift",
]
