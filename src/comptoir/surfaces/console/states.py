"""The states that pages show, each with its tone, its icon and its word. Colour never stands alone.

Tones: `good` (green), `warn` (amber), `bad` (red), `active` (the accent: under way, nothing to do), `neutral`.
"""

from __future__ import annotations

from typing import NamedTuple

from comptoir.i18n import NP_


class State(NamedTuple):
    tone: str
    icon: str
    word: str
    named: bool = True
    """It is one of STATES, so its word has a translation; the word of another is data, and is only ever shown as text."""


STATES: dict[str, State] = {
    # orders and fulfilment orders
    "draft": State("neutral", "circle-dashed", NP_("state", "Draft")),
    "placed": State("active", "circle-dot", NP_("state", "Placed")),
    "reserved": State("active", "lock", NP_("state", "Reserved")),
    "open": State("active", "circle-dot", NP_("state", "Open")),
    "waiting": State("warn", "hourglass", NP_("state", "Waiting")),
    "backordered": State("warn", "hourglass", NP_("state", "Backordered")),
    "picking": State("active", "list-check", NP_("state", "Being picked")),
    "packed": State("active", "package", NP_("state", "Packed")),
    "partially_shipped": State("active", "truck", NP_("state", "Partly shipped")),
    "shipped": State("good", "truck-delivery", NP_("state", "Shipped")),
    "delivered": State("good", "circle-check", NP_("state", "Delivered")),
    "ready": State("good", "shopping-bag", NP_("state", "Ready to collect")),
    "collected": State("good", "circle-check", NP_("state", "Collected")),
    "completed": State("good", "circle-check", NP_("state", "Completed")),
    "cancelled": State("neutral", "ban", NP_("state", "Cancelled")),
    "partially_cancelled": State("neutral", "ban", NP_("state", "Partly cancelled")),
    "returned": State("neutral", "truck-return", NP_("state", "Returned")),
    "partially_returned": State("neutral", "truck-return", NP_("state", "Partly returned")),
    "refused": State("bad", "hand-stop", NP_("state", "Refused")),
    "exception": State("bad", "alert-triangle", NP_("state", "Exception")),
    # money
    "unpaid": State("warn", "clock", NP_("state", "Unpaid")),
    "authorized": State("active", "credit-card", NP_("state", "Authorised")),
    "paid": State("good", "circle-check", NP_("state", "Paid")),
    "refunded": State("neutral", "receipt-refund", NP_("state", "Refunded")),
    "partially_refunded": State("neutral", "receipt-refund", NP_("state", "Partly refunded")),
    # stock
    "in_stock": State("good", "circle-check", NP_("state", "In stock")),
    "low": State("warn", "alert-circle", NP_("state", "Low")),
    "out_of_stock": State("bad", "circle-x", NP_("state", "Out of stock")),
    "oversold": State("bad", "alert-triangle", NP_("state", "Oversold")),
    "in_transit": State("active", "truck", NP_("state", "In transit")),
    "received": State("good", "package-import", NP_("state", "Received")),
    # machines
    "ok": State("good", "circle-check", NP_("state", "In order")),
    "running": State("active", "player-play", NP_("state", "Running")),
    "queued": State("neutral", "clock", NP_("state", "Queued")),
    "paused": State("neutral", "player-pause", NP_("state", "Paused")),
    "late": State("warn", "clock", NP_("state", "Late")),
    "failed": State("bad", "circle-x", NP_("state", "Failed")),
    "done": State("good", "check", NP_("state", "Done")),
    "active": State("good", "circle-check", NP_("state", "Active")),
    "disabled": State("neutral", "ban", NP_("state", "Disabled")),
    "connected": State("good", "plug-connected", NP_("state", "Connected")),
    "disconnected": State("bad", "plug-connected-x", NP_("state", "Disconnected")),
    "resolved": State("good", "check", NP_("state", "Resolved")),
    # rule sets
    "live": State("good", "circle-check", NP_("state", "Live")),
    "retired": State("neutral", "archive", NP_("state", "Retired")),
}


def state_of(code: str) -> State:
    """The state of that code; one that nobody has named yet shows its code, calmly, rather than failing the page."""
    return STATES.get(code) or State("neutral", "point", code.replace("_", " "), named=False)
