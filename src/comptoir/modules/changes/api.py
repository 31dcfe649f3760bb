"""The door to changes and returns."""

from __future__ import annotations

from comptoir.modules.changes.changing import (
    approve_change,
    cancel_change,
    confirm_change,
    decline_change,
    find_changes,
    get_change,
    preview,
    request_change,
)
from comptoir.modules.changes.domain import CHANGE_STEPS, RETURN_STEPS
from comptoir.modules.changes.finding import find_returns, look_for, signals_of
from comptoir.modules.changes.policies import allowed, first_fit, signals, withdrawal_until
from comptoir.modules.changes.receiving import (
    inspect_return,
    pay_out_credit,
    receive_return,
    receive_unannounced,
    receive_unknown,
    record_channel_return,
)
from comptoir.modules.changes.returning import (
    approve_return,
    cancel_return,
    close_return,
    decline_return,
    get_return,
    request_return,
    returns_of,
    send_return,
)
from comptoir.modules.changes.settling import settle
from comptoir.modules.changes.terms import all_policies, create_policy, get_policy, offers, update_policy

__all__ = [
    "CHANGE_STEPS",
    "RETURN_STEPS",
    "all_policies",
    "allowed",
    "approve_change",
    "approve_return",
    "cancel_change",
    "cancel_return",
    "close_return",
    "confirm_change",
    "create_policy",
    "decline_change",
    "decline_return",
    "find_changes",
    "find_returns",
    "first_fit",
    "get_change",
    "get_policy",
    "get_return",
    "inspect_return",
    "look_for",
    "offers",
    "pay_out_credit",
    "preview",
    "receive_return",
    "receive_unannounced",
    "receive_unknown",
    "record_channel_return",
    "request_change",
    "request_return",
    "returns_of",
    "send_return",
    "settle",
    "signals",
    "signals_of",
    "update_policy",
    "withdrawal_until",
]
