"""What happened to an order, told in words: who did what, when, through which channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from comptoir.i18n import N_
from comptoir.modules.fulfilment.contracts import HoldReason, RejectReason
from comptoir.modules.orders.contracts import OrderDetails, TimelineEntry
from comptoir.surfaces.console.pages.change_words import line_name, reason_words
from comptoir.surfaces.console.pages.naming import Channels, People, Places
from comptoir.surfaces.console.pages.telling import Teller, Words, joined, other, uuid_of
from comptoir.surfaces.console.pages.timelines_after import AFTER
from comptoir.surfaces.console.pages.timelines_counter import COUNTER
from comptoir.surfaces.console.pages.timelines_supply import SUPPLY
from comptoir.surfaces.console.pages.work_words import HOLD_WORDS, REJECT_WORDS
from comptoir.surfaces.console.web import Visit


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as `ui.timeline` shows it."""

    at: datetime
    what: str
    who: str
    channel: str
    icon: str
    tone: str
    detail: str


def told(
    visit: Visit,
    entries: Sequence[TimelineEntry],
    details: OrderDetails,
    places: Places,
    people: People,
    channels: Channels,
) -> list[Told]:
    order = details.order
    lines = {line.line_no: line_name(visit, line) for line in order.lines}
    teller = Teller(visit, places, lines, order.currency)
    result: list[Told] = []
    for entry in entries:
        what, icon, tone, detail = TELL.get(entry.type, other)(teller, entry.type, entry.data)
        who = people[entry.actor]
        channel = channels[entry.channel].name if entry.channel else ""
        # That a channel placed its own order need not be said twice.
        result.append(Told(entry.at, what, who, "" if channel == who else channel, icon, tone, detail))
    return result


def location_ids(entries: Iterable[TimelineEntry]) -> list[UUID]:
    """The locations that the entries name."""
    names = ("location_id", "from_location_id", "to_location_id")
    return [found for entry in entries for name in names if (found := uuid_of(entry.data.get(name))) is not None]


def _placed(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    what = t.say(N_("The channel reported this order")) if data.get("fact") else t.say(N_("Placed and promised"))
    waiting = int(str(data.get("backordered") or 0))
    detail = t.say(N_("%(units)s units wait for stock"), units=waiting) if waiting else ""
    return what, "receipt", "good", detail


def _cancelled(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    what = t.say(N_("Cancelled")) if data.get("whole") else t.say(N_("Cancelled in part"))
    return what, "ban", "bad", joined(t.units(data), reason_words(t.visit, str(data.get("reason") or "")))


def _not_cancelled(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    what = t.say(N_("Not cancelled: %(place)s could not stop"), place=t.place(data.get("location_id")))
    return what, "hand-stop", "warn", joined(t.units(data), data.get("note"))


def _released(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("Released: waits for stock again")), "lock-open", "warn", joined(t.units(data), data.get("reason"))


def _allocated(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("Stock found for what was waiting")), "lock", "good", t.units(data)


def _moved(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    what = t.say(
        N_("Moved from %(origin)s to %(target)s"),
        origin=t.place(data.get("from_location_id")),
        target=t.place(data.get("to_location_id")),
    )
    return what, "switch-horizontal", "neutral", t.units(data)


def _shipped(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    where = t.place(data.get("location_id"))
    what = t.say(N_("Shipped from %(place)s"), place=where) if data.get("whole") else t.say(
        N_("Shipped in part from %(place)s"), place=where
    )  # fmt: skip
    return what, "truck", "good", joined(t.units(data), data.get("carrier"), data.get("tracking_number"))


def _returned(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    what = t.say(N_("Taken back at %(place)s"), place=t.place(data.get("location_id")))
    worth = t.say(N_("%(amount)s refundable"), amount=t.money(data.get("refundable") or 0))
    return what, "truck-return", "neutral", joined(t.units(data), reason_words(t.visit, str(data.get("reason") or "")), worth)


_PAID = {
    "authorised": (N_("%(amount)s authorised"), "credit-card", "neutral"),
    "captured": (N_("%(amount)s paid"), "cash", "good"),
    "voided": (N_("%(amount)s authorisation voided"), "credit-card", "neutral"),
    "refunded": (N_("%(amount)s refunded"), "receipt-refund", "neutral"),
}


def _paid(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    words, icon, tone = _PAID.get(str(data.get("kind")), _PAID["captured"])
    return t.say(words, amount=t.money(data.get("amount") or 0)), icon, tone, str(data.get("method") or "")


def _noted(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("Note")), "message", "neutral", str(data.get("note") or "")


def _updated(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("The channel sent a newer version")), "refresh", "neutral", t.units(data)


def _linked(t: Teller, _: str, _data: Mapping[str, object]) -> Words:
    return t.say(N_("The customer was recognised")), "user-circle", "neutral", ""


def _repaired(t: Teller, _: str, _data: Mapping[str, object]) -> Words:
    return t.say(N_("Figures that did not add up were put right")), "tool", "warn", ""


_KINDS = {
    "shortfall": N_("Promised units are not there"),
    "negative_stock": N_("More left than there was"),
    "unknown_sku": N_("Unknown SKU"),
    "overdue_backorder": N_("The promised day has passed"),
    "unroutable": N_("No location may send it"),
    "at_third_party": N_("Cancelled, and still with a third party"),
}
_RESOLUTIONS = {
    "moved": N_("moved to another location"),
    "shipped": N_("shipped after all"),
    "filled": N_("stock came in"),
    "sent_anyway": N_("sent all the same, because somebody chose so"),
    "backordered": N_("waits for stock"),
    "cancelled": N_("cancelled"),
    "counted": N_("counted"),
    "identified": N_("the catalogue knows it now"),
    "expected_back": N_("expected back as a return"),
    "dismissed": N_("dismissed"),
}


def kind_word(visit: Visit, kind: str) -> str:
    return visit.say(_KINDS[kind]) if kind in _KINDS else kind


def resolution_word(visit: Visit, resolution: str | None) -> str:
    return visit.say(_RESOLUTIONS[resolution]) if resolution in _RESOLUTIONS else resolution or ""


def _opened(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    detail = joined(t.place(data.get("location_id")), f"{data.get('quantity')} × {data.get('sku')}" if data.get("sku") else "")
    return t.say(N_("Exception: %(kind)s"), kind=kind_word(t.visit, str(data.get("kind")))), "alert-triangle", "bad", detail


def _resolved(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    what = t.say(N_("Exception resolved: %(how)s"), how=resolution_word(t.visit, str(data.get("resolution"))))
    return what, "check", "good", kind_word(t.visit, str(data.get("kind")))


def _rejected(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    what = t.say(N_("Given back by %(place)s"), place=t.place(data.get("location_id")))
    reason = str(data.get("reason"))
    word = t.say(REJECT_WORDS[RejectReason(reason)]) if reason in RejectReason.__members__.values() else reason
    return what, "arrow-back-up", "warn", joined(t.units(data), word)


def _parked(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("No location may send it")), "alert-triangle", "bad", t.units(data)


def _work_made(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    what = t.say(N_("To be prepared by %(place)s"), place=t.place(data.get("location_id")))
    units = int(str(data.get("units") or 0))
    return what, "list-check", "neutral", t.visit.says("%(num)s unit", "%(num)s units", units)


def _work_grown(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("More to prepare at %(place)s"), place=t.place(data.get("location_id"))), "plus", "neutral", t.units(data)


def _work_split(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    into = f"F{data.get('into')}"
    return t.say(N_("Split: a part is %(task)s now"), task=into), "arrows-split-2", "neutral", t.units(data)


def _work_merged(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    numbers = data.get("merged")
    others = cast("list[object]", numbers) if isinstance(numbers, list) else []
    tasks = ", ".join(f"F{number}" for number in others)
    return t.say(N_("Merged with %(tasks)s"), tasks=tasks), "git-merge", "neutral", t.units(data)


def _work_picked(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("Picked at %(place)s"), place=t.place(data.get("location_id"))), "box", "good", ""


def _work_packed(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    parcels = int(str(data.get("parcels") or 0))
    what = t.say(N_("Packed at %(place)s"), place=t.place(data.get("location_id")))
    return what, "package", "good", t.visit.says("%(num)s box", "%(num)s boxes", parcels)


def _work_ready(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("Ready to collect at %(place)s"), place=t.place(data.get("location_id"))), "shopping-bag", "good", ""


def _work_recalled(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    picked = int(str(data.get("picked") or 0))
    back = t.visit.says("%(num)s unit goes back to its place", "%(num)s units go back to their place", picked) if picked else ""
    return t.say(N_("Not wanted any more")), "arrow-back-up", "warn", joined(t.units(data), back)


_STEPS = {
    "hold": (N_("Held at %(place)s"), "player-pause", "warn"),
    "resume": (N_("Let go on at %(place)s"), "player-play", "neutral"),
    "begin": (N_("Begun at %(place)s"), "player-play", "neutral"),
    "put_back": (N_("Left to others at %(place)s"), "arrow-back-up", "neutral"),
    "stop": (N_("Stopped half-way at %(place)s"), "hand-stop", "warn"),
    "release": (N_("Released to %(place)s"), "lock-open", "neutral"),
    "close": (N_("Done at %(place)s"), "circle-check", "good"),
    "cancel": (N_("No more to do at %(place)s"), "ban", "neutral"),
}


def _work_changed(t: Teller, type_: str, data: Mapping[str, object]) -> Words:
    found = _STEPS.get(str(data.get("step")))
    if found is None:
        return other(t, type_, data)
    words, icon, tone = found
    reason = str(data.get("reason") or "")
    detail = t.say(HOLD_WORDS[HoldReason(reason)]) if reason in HoldReason.__members__.values() else ""
    return t.say(words, place=t.place(data.get("location_id"))), icon, tone, detail


_REQUESTS = {
    "submitted": N_("%(place)s was asked to do it"),
    "accepted": N_("%(place)s has accepted"),
    "rejected": N_("%(place)s has refused"),
    "cancellation_requested": N_("%(place)s was asked to stop"),
    "cancellation_accepted": N_("%(place)s has stopped"),
    "cancellation_rejected": N_("%(place)s could not stop"),
    "closed": N_("%(place)s says that it is done"),
}


def _work_requested(t: Teller, type_: str, data: Mapping[str, object]) -> Words:
    words = _REQUESTS.get(str(data.get("request")))
    if words is None:
        return other(t, type_, data)
    return t.say(words, place=t.place(data.get("location_id"))), "message", "neutral", str(data.get("note") or "")


def _invoiced(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    credit = data.get("kind") == "credit_note"
    words = N_("Credit note %(number)s issued") if credit else N_("Invoice %(number)s issued")
    return t.say(words, number=data.get("number")), "receipt", "neutral", t.money(data.get("total") or 0)


TELL: Mapping[str, Callable[[Teller, str, Mapping[str, object]], Words]] = {
    "order.placed": _placed,
    "order.cancelled": _cancelled,
    "order.cancellation_refused": _not_cancelled,
    "order.released": _released,
    "order.allocated": _allocated,
    "order.moved": _moved,
    "order.shipped": _shipped,
    "order.returned": _returned,
    "order.paid": _paid,
    "order.noted": _noted,
    "order.updated": _updated,
    "order.linked": _linked,
    "order.repaired": _repaired,
    "order.rejected": _rejected,
    "order.parked": _parked,
    "fulfilment.created": _work_made,
    "fulfilment.grown": _work_grown,
    "fulfilment.split": _work_split,
    "fulfilment.merged": _work_merged,
    "fulfilment.picked": _work_picked,
    "fulfilment.packed": _work_packed,
    "fulfilment.ready": _work_ready,
    "fulfilment.recalled": _work_recalled,
    "fulfilment.changed": _work_changed,
    "fulfilment.requested": _work_requested,
    "invoice.issued": _invoiced,
    "exception.opened": _opened,
    "exception.resolved": _resolved,
    **AFTER,
    **SUPPLY,
    **COUNTER,
}
