"""What happened to an order, told in words: who did what, when, through which channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from comptoir.i18n import N_
from comptoir.kernel.money import Currency
from comptoir.modules.orders.contracts import OrderDetails, TimelineEntry
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.naming import Channels, People, Places
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


@dataclass(frozen=True, slots=True)
class _Teller:
    visit: Visit
    places: Places
    lines: Mapping[int, str]
    currency: Currency

    def say(self, text: str, **values: object) -> str:
        return self.visit.say(text, **values)

    def money(self, minor: object) -> str:
        return formatting.money(int(str(minor)), self.currency, self.visit.page.locale)

    def place(self, value: object) -> str:
        found = _uuid(value)
        return self.places[found] if found is not None else ""

    def units(self, data: Mapping[str, object]) -> str:
        """The lines that were meant: `3 × Bananas`."""
        rows = cast("Sequence[object]", data.get("lines") or ())
        parts: list[str] = []
        for row in rows:
            if isinstance(row, dict):
                entry = cast("Mapping[str, object]", row)
                number, quantity = int(str(entry["line_no"])), entry["quantity"]
                parts.append(f"{quantity} × {self.lines.get(number, number)}")
        return ", ".join(parts[:5]) + ("…" if len(parts) > 5 else "")


_Words = tuple[str, str, str, str]
"""(what, icon, tone, detail)."""


def told(
    visit: Visit,
    entries: Sequence[TimelineEntry],
    details: OrderDetails,
    places: Places,
    people: People,
    channels: Channels,
) -> list[Told]:
    order = details.order
    lines = {line.line_no: line.name or line.sku or "" for line in order.lines}
    teller = _Teller(visit, places, lines, order.currency)
    result: list[Told] = []
    for entry in entries:
        what, icon, tone, detail = _TELL.get(entry.type, _other)(teller, entry.type, entry.data)
        who = people[entry.actor]
        channel = channels[entry.channel].name if entry.channel else ""
        # That a channel placed its own order need not be said twice.
        result.append(Told(entry.at, what, who, "" if channel == who else channel, icon, tone, detail))
    return result


def location_ids(entries: Iterable[TimelineEntry]) -> list[UUID]:
    """The locations that the entries name."""
    names = ("location_id", "from_location_id", "to_location_id")
    return [found for entry in entries for name in names if (found := _uuid(entry.data.get(name))) is not None]


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def _placed(t: _Teller, _: str, data: Mapping[str, object]) -> _Words:
    what = t.say(N_("The channel reported this order")) if data.get("fact") else t.say(N_("Placed and promised"))
    waiting = int(str(data.get("backordered") or 0))
    detail = t.say(N_("%(units)s units wait for stock"), units=waiting) if waiting else ""
    return what, "receipt", "good", detail


def _cancelled(t: _Teller, _: str, data: Mapping[str, object]) -> _Words:
    what = t.say(N_("Cancelled")) if data.get("whole") else t.say(N_("Cancelled in part"))
    return what, "ban", "bad", _joined(t.units(data), data.get("reason"))


def _released(t: _Teller, _: str, data: Mapping[str, object]) -> _Words:
    return t.say(N_("Released: waits for stock again")), "lock-open", "warn", _joined(t.units(data), data.get("reason"))


def _allocated(t: _Teller, _: str, data: Mapping[str, object]) -> _Words:
    return t.say(N_("Stock found for what was waiting")), "lock", "good", t.units(data)


def _moved(t: _Teller, _: str, data: Mapping[str, object]) -> _Words:
    what = t.say(
        N_("Moved from %(origin)s to %(target)s"),
        origin=t.place(data.get("from_location_id")),
        target=t.place(data.get("to_location_id")),
    )
    return what, "switch-horizontal", "neutral", t.units(data)


def _shipped(t: _Teller, _: str, data: Mapping[str, object]) -> _Words:
    where = t.place(data.get("location_id"))
    what = t.say(N_("Shipped from %(place)s"), place=where) if data.get("whole") else t.say(
        N_("Shipped in part from %(place)s"), place=where
    )  # fmt: skip
    return what, "truck", "good", _joined(t.units(data), data.get("carrier"), data.get("tracking_number"))


def _returned(t: _Teller, _: str, data: Mapping[str, object]) -> _Words:
    what = t.say(N_("Taken back at %(place)s"), place=t.place(data.get("location_id")))
    worth = t.say(N_("%(amount)s refundable"), amount=t.money(data.get("refundable") or 0))
    return what, "truck-return", "neutral", _joined(t.units(data), data.get("reason"), worth)


_PAID = {
    "authorised": (N_("%(amount)s authorised"), "credit-card", "neutral"),
    "captured": (N_("%(amount)s paid"), "cash", "good"),
    "voided": (N_("%(amount)s authorisation voided"), "credit-card", "neutral"),
    "refunded": (N_("%(amount)s refunded"), "receipt-refund", "neutral"),
}


def _paid(t: _Teller, _: str, data: Mapping[str, object]) -> _Words:
    words, icon, tone = _PAID.get(str(data.get("kind")), _PAID["captured"])
    return t.say(words, amount=t.money(data.get("amount") or 0)), icon, tone, str(data.get("method") or "")


def _noted(t: _Teller, _: str, data: Mapping[str, object]) -> _Words:
    return t.say(N_("Note")), "message", "neutral", str(data.get("note") or "")


def _updated(t: _Teller, _: str, data: Mapping[str, object]) -> _Words:
    return t.say(N_("The channel sent a newer version")), "refresh", "neutral", t.units(data)


def _linked(t: _Teller, _: str, _data: Mapping[str, object]) -> _Words:
    return t.say(N_("The customer was recognised")), "user-circle", "neutral", ""


def _repaired(t: _Teller, _: str, _data: Mapping[str, object]) -> _Words:
    return t.say(N_("Figures that did not add up were put right")), "tool", "warn", ""


_KINDS = {
    "shortfall": N_("Promised units are not there"),
    "negative_stock": N_("More left than there was"),
    "unknown_sku": N_("Unknown SKU"),
    "overdue_backorder": N_("The promised day has passed"),
}
_RESOLUTIONS = {
    "moved": N_("moved to another location"),
    "shipped": N_("shipped after all"),
    "filled": N_("stock came in"),
    "backordered": N_("waits for stock"),
    "cancelled": N_("cancelled"),
    "counted": N_("counted"),
    "identified": N_("the catalogue knows it now"),
    "dismissed": N_("dismissed"),
}


def kind_word(visit: Visit, kind: str) -> str:
    return visit.say(_KINDS[kind]) if kind in _KINDS else kind


def resolution_word(visit: Visit, resolution: str | None) -> str:
    return visit.say(_RESOLUTIONS[resolution]) if resolution in _RESOLUTIONS else resolution or ""


def _opened(t: _Teller, _: str, data: Mapping[str, object]) -> _Words:
    detail = _joined(t.place(data.get("location_id")), f"{data.get('quantity')} × {data.get('sku')}" if data.get("sku") else "")
    return t.say(N_("Exception: %(kind)s"), kind=kind_word(t.visit, str(data.get("kind")))), "alert-triangle", "bad", detail


def _resolved(t: _Teller, _: str, data: Mapping[str, object]) -> _Words:
    what = t.say(N_("Exception resolved: %(how)s"), how=resolution_word(t.visit, str(data.get("resolution"))))
    return what, "check", "good", kind_word(t.visit, str(data.get("kind")))


def _other(_: _Teller, type_: str, __: Mapping[str, object]) -> _Words:
    return type_, "point", "neutral", ""


def _joined(*parts: object) -> str:
    return " · ".join(str(part) for part in parts if part)


_TELL: Mapping[str, Callable[[_Teller, str, Mapping[str, object]], _Words]] = {
    "order.placed": _placed,
    "order.cancelled": _cancelled,
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
    "exception.opened": _opened,
    "exception.resolved": _resolved,
}
