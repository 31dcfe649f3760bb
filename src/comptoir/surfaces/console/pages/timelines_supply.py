"""The timeline's sentences about suppliers: what they were asked, and what they have answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from comptoir.i18n import N_
from comptoir.modules.purchasing.contracts import DeclineReason
from comptoir.surfaces.console.pages.telling import Teller, Words, joined, other
from comptoir.surfaces.public.supplying import REASON_WORDS

Tell = Callable[[Teller, str, Mapping[str, object]], Words]

_STEPS: Mapping[str, tuple[str, str, str]] = {
    "ask": (N_("%(place)s was sent purchase order %(number)s"), "send", "neutral"),
    "change": (N_("Purchase order %(number)s to %(place)s has changed"), "edit", "neutral"),
    "remind": (N_("%(place)s was reminded of purchase order %(number)s"), "bell", "neutral"),
    "acknowledge": (N_("%(place)s has accepted purchase order %(number)s"), "circle-check", "good"),
    "reject": (N_("%(place)s does not send all of purchase order %(number)s"), "hand-stop", "warn"),
    "decline": (N_("%(place)s has declined purchase order %(number)s"), "hand-stop", "bad"),
    "expire": (N_("%(place)s has not answered purchase order %(number)s in time"), "clock", "bad"),
    "ship": (N_("%(place)s has sent a part of purchase order %(number)s"), "truck", "good"),
    "finish": (N_("%(place)s has sent what was left of purchase order %(number)s"), "truck-delivery", "good"),
    "cancel": (N_("Purchase order %(number)s to %(place)s is cancelled"), "ban", "neutral"),
}


def _moved(t: Teller, type_: str, data: Mapping[str, object]) -> Words:
    found = _STEPS.get(str(data.get("step")))
    if found is None:
        return other(t, type_, data)
    words, icon, tone = found
    reason = str(data.get("reason") or "")
    why = t.say(REASON_WORDS[DeclineReason(reason)]) if reason in DeclineReason.__members__.values() else ""
    text = t.say(words, place=t.place(data.get("location_id")), number=f"P{data.get('number')}")
    return text, icon, tone, joined(t.units(data), why, data.get("note"))


def _substituted(t: Teller, _: str, data: Mapping[str, object]) -> Words:
    before, by = data.get("name") or data.get("sku"), data.get("by_name") or data.get("by_sku")
    words = t.say(N_("%(place)s took %(by)s instead of %(name)s"), place=t.place(data.get("location_id")), by=by, name=before)
    cheaper = int(str(data.get("difference") or 0))
    return (
        words,
        "switch-horizontal",
        "neutral",
        t.say(N_("%(amount)s less to pay"), amount=t.money(cheaper)) if cheaper else "",
    )


SUPPLY: Mapping[str, Tell] = {"purchase.moved": _moved, "order.substituted": _substituted}
