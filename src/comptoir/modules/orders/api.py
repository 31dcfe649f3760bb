"""The door to the order book."""

from __future__ import annotations

from comptoir.modules.orders.capture import CaptureAnswer, CaptureRequest, capture
from comptoir.modules.orders.exceptions import (
    choose_backorder,
    choose_cancel,
    choose_move,
    mend_shortfall,
    open_exceptions,
    resolve,
    settle,
)
from comptoir.modules.orders.facts import record
from comptoir.modules.orders.lifecycle import allocate, cancel, load, move, note, pay, release, ship, take_back

__all__ = [
    "CaptureAnswer",
    "CaptureRequest",
    "allocate",
    "cancel",
    "capture",
    "choose_backorder",
    "choose_cancel",
    "choose_move",
    "load",
    "mend_shortfall",
    "move",
    "note",
    "open_exceptions",
    "pay",
    "record",
    "release",
    "resolve",
    "settle",
    "ship",
    "take_back",
]
