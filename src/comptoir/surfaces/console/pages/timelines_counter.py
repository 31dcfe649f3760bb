"""The timeline's sentences about collecting: what waits, who comes for it, what goes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from comptoir.i18n import N_
from comptoir.modules.fulfilment.contracts import BackReason, Checked
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.collect_words import BACK_WORDS, CHECKED_WORDS
from comptoir.surfaces.console.pages.telling import Teller, Words, joined

Tell = Callable[[Teller, str, Mapping[str, object]], Words]


def _received(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("Arrived at %(place)s"), place=t.place(data.get("location_id"))), "package-import", "good", ""


def _stowed(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    return t.say(N_("Put into a locker")), "lock", "good", str(data.get("locker") or "")


def _last_day(t: Teller, value: object) -> str:
    if not value:
        return ""
    day = (datetime.fromisoformat(str(value)) - timedelta(seconds=1)).astimezone(t.visit.page.zone).date()
    return formatting.day(day, t.visit.page.locale, t.visit.page.zone)


def _reminded(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    detail = t.say(N_("waits until %(day)s"), day=_last_day(t, data.get("waits_until")))
    return t.say(N_("The buyer is reminded that it waits")), "bell", "neutral", detail


def _extended(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    what = t.say(N_("The buyer asked for more time")) if data.get("by_buyer") else t.say(N_("It waits longer"))
    return what, "hourglass", "neutral", t.say(N_("waits until %(day)s"), day=_last_day(t, data.get("waits_until")))


def _collector(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    what = N_("Somebody else may collect it") if data.get("named") else N_("Nobody else may collect it any more")
    detail = t.say(N_("said by the buyer")) if data.get("by_buyer") else ""
    return t.say(what), "user", "neutral", detail


def _here(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    what = N_("The buyer waits outside") if data.get("waits") else N_("The buyer does not wait outside any more")
    return t.say(what), "map-pin", "warn" if data.get("waits") else "neutral", t.place(data.get("location_id"))


def _collected(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    checked = str(data.get("checked"))
    known = checked in Checked.__members__.values()
    seen = t.say(N_("Looked at: %(what)s"), what=t.say(CHECKED_WORDS[Checked(checked)])) if known else ""
    what = t.say(N_("Handed out at %(place)s"), place=t.place(data.get("location_id")))
    return what, "shopping-bag", "good", joined(t.units(data), seen)


def _given_back(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    reason = str(data.get("reason"))
    why = t.say(BACK_WORDS[BackReason(reason)]) if reason in BackReason.__members__.values() else reason
    what = t.say(N_("Put back at %(place)s"), place=t.place(data.get("location_id")))
    return what, "arrow-back-up", "warn", joined(t.units(data), why, t.money(data.get("worth") or 0))


COUNTER: Mapping[str, Tell] = {
    "fulfilment.received": _received,
    "fulfilment.stowed": _stowed,
    "fulfilment.reminded": _reminded,
    "fulfilment.extended": _extended,
    "fulfilment.collector_named": _collector,
    "fulfilment.buyer_here": _here,
    "fulfilment.collected": _collected,
    "fulfilment.given_back": _given_back,
}
