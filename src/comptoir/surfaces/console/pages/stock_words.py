"""How stock is spoken of: kinds of entries, reasons, buckets, and what caused an entry, with where that can be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.imports.contracts import RUN_PREFIX
from comptoir.modules.inventory.contracts import AdjustReason, EntryKind, LedgerEntry, Level, LevelState, TransferState
from comptoir.modules.orders.contracts import ORDER_PREFIX
from comptoir.surfaces.console.web import Visit

TRANSFER_PREFIX = "trf"
COUNT_PREFIX = "cnt"
SUPPLY_PREFIX = "sup"

STATE_WORDS = {
    LevelState.OUT: N_("Out of stock"),
    LevelState.LOW: N_("Low: only safety stock left"),
    LevelState.NEGATIVE: N_("Negative"),
    LevelState.OVERSOLD: N_("Oversold"),
    LevelState.INCOMING: N_("Incoming"),
    LevelState.ASIDE: N_("Damaged or in quality hold"),
}
KIND_WORDS = {
    EntryKind.RECEIVED: N_("Received"),
    EntryKind.EXPECTED: N_("Expected"),
    EntryKind.SOLD: N_("Sold"),
    EntryKind.RESERVED: N_("Reserved"),
    EntryKind.RELEASED: N_("Released"),
    EntryKind.SHIPPED: N_("Shipped"),
    EntryKind.TRANSFERRED: N_("Transferred"),
    EntryKind.COUNTED: N_("Counted"),
    EntryKind.ADJUSTED: N_("Adjusted"),
    EntryKind.RETURNED: N_("Returned"),
    EntryKind.DAMAGED: N_("Damaged"),
    EntryKind.QUALITY: N_("Quality hold"),
    EntryKind.SAFETY: N_("Safety stock"),
}
KIND_ICONS = {
    EntryKind.RECEIVED: "package-import",
    EntryKind.EXPECTED: "calendar-event",
    EntryKind.SOLD: "receipt",
    EntryKind.RESERVED: "lock",
    EntryKind.RELEASED: "lock-open",
    EntryKind.SHIPPED: "truck",
    EntryKind.TRANSFERRED: "arrows-exchange",
    EntryKind.COUNTED: "clipboard-check",
    EntryKind.ADJUSTED: "adjustments-horizontal",
    EntryKind.RETURNED: "truck-return",
    EntryKind.DAMAGED: "alert-triangle",
    EntryKind.QUALITY: "eye",
    EntryKind.SAFETY: "shield-check",
}
REASON_WORDS = {
    AdjustReason.CORRECTION: N_("Correction"),
    AdjustReason.LOST: N_("Lost"),
    AdjustReason.FOUND: N_("Found"),
    AdjustReason.THEFT: N_("Theft"),
    AdjustReason.DAMAGED: N_("Broken and thrown away"),
    AdjustReason.EXPIRED: N_("Past its date"),
    AdjustReason.SAMPLE: N_("Sample"),
    AdjustReason.OWN_USE: N_("Own use"),
    AdjustReason.INITIAL: N_("First stock"),
}
OTHER_REASONS = {
    "announced": N_("announced"),
    "cancelled": N_("cancelled"),
    "receipt": N_("delivery"),
    "marked": N_("set aside"),
    "repaired": N_("good again"),
    "written_off": N_("written off"),
    "held": N_("held for inspection"),
    "passed": N_("inspected: good"),
    "failed": N_("inspected: damaged"),
    "missing": N_("did not arrive"),
    "surplus": N_("more than was sent"),
    "never_sent": N_("never sent"),
    "broken": N_("broken"),
    "crushed": N_("crushed"),
    "wet": N_("wet"),
    "opened": N_("opened"),
    "spoiled": N_("spoiled"),
    "safety": N_("set by hand"),
    "supply": N_("announced delivery"),
    "lot_held": N_("lot expires too soon, or is recalled"),
    "lot_freed": N_("lot may be sold again"),
}
BUCKET_WORDS = {
    "on_hand": N_("On hand"),
    "reserved": N_("Reserved"),
    "safety": N_("Safety stock"),
    "damaged": N_("Damaged"),
    "quality": N_("Quality hold"),
    "incoming": N_("Incoming"),
}
TRANSFER_WORDS = {
    TransferState.DRAFT: N_("Draft"),
    TransferState.IN_TRANSIT: N_("In transit"),
    TransferState.PARTLY_RECEIVED: N_("Partly received"),
    TransferState.RECEIVED: N_("Received"),
    TransferState.CANCELLED: N_("Cancelled"),
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an entry is there: words, and the page of what it came from, where there is one."""

    words: str
    href: str = ""


def reason(visit: Visit, code: str | None) -> str:
    if not code:
        return ""
    if code in set(AdjustReason):
        return visit.say(REASON_WORDS[AdjustReason(code)])
    return visit.say(OTHER_REASONS[code]) if code in OTHER_REASONS else code


def cause(visit: Visit, entry: LedgerEntry) -> Cause:
    causes = (
        (entry.order_id, N_("Order"), f"/orders/{ORDER_PREFIX}"),
        (entry.transfer_id, N_("Transfer"), f"/transfers/{TRANSFER_PREFIX}"),
        (entry.count_id, N_("Count"), f"/counts/{COUNT_PREFIX}"),
        (entry.import_id, N_("Imported file"), f"/imports/{RUN_PREFIX}"),
    )
    for found, word, place in causes:
        if found is not None:
            folder, _, prefix = place.rpartition("/")
            return Cause(visit.say(word), f"{folder}/{to_text(prefix, found)}")
    if entry.supply_id is not None:
        return Cause(visit.say(N_("Supply")), f"/supplies?{urlencode({'q': entry.sku})}")
    if entry.hold_id is not None:
        return Cause(visit.say(N_("Cart")))
    return Cause(reason(visit, entry.reason))


def changes(visit: Visit, change: Level) -> list[tuple[str, int]]:
    """The buckets that an entry has moved, in words."""
    return [(visit.say(word), number) for word, number in zip(BUCKET_WORDS.values(), change, strict=True) if number]
