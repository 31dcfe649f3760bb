"""How a location prepares and sends: what it costs there, until when, and on which days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from comptoir.i18n import N_
from comptoir.kernel.errors import Stale
from comptoir.kernel.money import Currency
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import DAY, LOCATION_PREFIX, Location, LocationId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import MAX_COST, MAX_PREPARATION, Lesson
from comptoir.modules.routing.contracts import KeptSettings, SiteSettings
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists
from comptoir.surfaces.console.pages.amounts import affixes, amount, house_currency, plain_or_empty
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.days import days_words, ticked_days, week
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("settings")


class Sending(NamedTuple):
    """What the page of a location says about it."""

    rows: list[tuple[str, str]]
    is_usual: bool
    href: str


async def sending(visit: Visit, reader: Reader, location: Location) -> Sending | None:
    """None for who may not see it."""
    if not visit.may(Permission.ROUTING_READ):
        return None
    kept = await routing.settings(reader, location.id)
    learned = (await routing.lessons(reader)).sites.get(location.id)
    rows = [*words_of(visit, kept, await house_currency(reader)), *lesson_words(visit, learned)]
    return Sending(rows, kept.version == 0, f"/locations/{Sites.text(location.id)}/sending")


def words_of(visit: Visit, kept: SiteSettings, currency: Currency) -> list[tuple[str, str]]:
    locale = visit.page.locale
    return [
        (visit.say(N_("Picking a line")), formatting.money(kept.pick_cost, currency, locale)),
        (visit.say(N_("Packing a parcel")), formatting.money(kept.pack_cost, currency, locale)),
        (visit.say(N_("Leaves the same day until")), clock(kept.cut_off)),
        (visit.say(N_("Parcels leave on")), days_words(visit, kept.works) or visit.say(N_("no day"))),
        (visit.say(N_("Ready to collect after")), formatting.duration(kept.preparation * 60, locale)),
    ]


def lesson_words(visit: Visit, lesson: Lesson | None) -> list[tuple[str, str]]:
    """What was measured, and what follows from it."""
    if lesson is None or not lesson.parcels:
        return []
    share = formatting.percent(lesson.on_time / lesson.parcels, visit.page.locale)
    kept = visit.says("%(share)s of %(num)s parcel", "%(share)s of %(num)s parcels", lesson.parcels, share=share)
    added = visit.says("%(num)s day is added to dates", "%(num)s days are added to dates", lesson.slack)
    return [(visit.say(N_("Came as planned")), f"{kept} · {added}" if lesson.slack else kept)]


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def minutes_of(text: str) -> int:
    """Minutes after midnight of a time such as `16:30`, up to `24:00`; raises ValueError."""
    hours, _, minutes = text.replace("h", ":").partition(":")
    if not (hours.isascii() and hours.isdigit() and len(hours) <= 2 and len(minutes) == 2 and minutes.isascii()):
        raise ValueError(text)
    found = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or found > DAY:
        raise ValueError(text)
    return found


# The form


@dataclass(frozen=True, slots=True)
class _Place:
    location: Location
    kept: KeptSettings
    currency: Currency


async def _place(visit: Visit) -> _Place:
    async with visit.read() as reader:
        location = await locations.get(reader, LocationId(visit.path_id("location_id", LOCATION_PREFIX)))
        return _Place(location, await routing.settings(reader, location.id), await house_currency(reader))


@area.get("/locations/{location_id:str}/sending", Permission.ROUTING_WRITE)
async def sending_form(visit: Visit) -> Answer:
    return _form(visit, await _place(visit), asking.NOTHING_TYPED, None)


def _form(visit: Visit, place: _Place, typed: Typed, works: tuple[bool, ...] | None) -> Answer:
    here = f"/locations/{Sites.text(place.location.id)}"
    kept, locale = place.kept, visit.page.locale
    question = Question(
        title=visit.say(N_("Preparing and sending")),
        fields="locations/_sending_fields.html",
        action=f"{here}/sending",
        back=here,
        confirm=visit.say(N_("Save")),
        words=visit.say(N_("Routing reckons with it when it chooses a location for an order.")),
        crumbs=[(visit.say(N_("Locations")), "/locations"), (lists.label(place.location), here)],
    )
    proposed: dict[str, object] = {
        "pick_cost": plain_or_empty(kept.pick_cost, place.currency, locale),
        "pack_cost": plain_or_empty(kept.pack_cost, place.currency, locale),
        "cut_off": clock(kept.cut_off),
        "preparation": kept.preparation,
        "version": kept.version,
    }
    values = dict(typed.values) | {"version": str(kept.version)} if typed.refused else typed.values
    return asking.ask(
        visit,
        question,
        replace(typed, values=values),
        proposed,
        coin=affixes(place.currency, locale),
        days=week(visit, kept.works if works is None else works),
        zone=place.location.time_zone,
    )


@area.post("/locations/{location_id:str}/sending", Permission.ROUTING_WRITE)
async def save_sending(visit: Visit) -> Answer:
    place, fields = await _place(visit), visit.fields()
    wanted = _wanted(fields, place)
    version = fields.whole("version", default=0)

    async def work(tx: Tx) -> Done:
        there = await routing.settings(tx, place.location.id)
        kept = await routing.put_settings(tx, wanted, version=version)
        text = Sites.text(place.location.id)
        await visit.record(tx, "location.sending_changed", text, _differences(there, kept))
        return Done(f"/locations/{text}", visit.say(N_("Saved: routing reckons with it from now on.")))

    async def show(typed: Typed) -> Answer:
        now = await _place(visit)
        if isinstance(typed.refusal, Stale):
            typed = replace(typed, refused=_stale_words(visit, now))
        return _form(visit, now, typed, wanted.works)

    return await asking.answer(visit, fields, work, show)


def _wanted(fields: Fields, place: _Place) -> SiteSettings:
    return SiteSettings(
        location_id=place.location.id,
        pick_cost=amount(fields, "pick_cost", place.currency, most=MAX_COST),
        pack_cost=amount(fields, "pack_cost", place.currency, most=MAX_COST),
        cut_off=fields.parsed("cut_off", minutes_of, 0, N_("Type a time such as 16:30.")),
        preparation=fields.whole("preparation", most=MAX_PREPARATION),
        works=ticked_days(fields),
    )


def _stale_words(visit: Visit, now: _Place) -> str:
    """Somebody else was faster: what holds now."""
    words = ", ".join(f"{label} {value}" for label, value in words_of(visit, now.kept, now.currency))
    said = visit.say(N_("Someone else has changed this since you opened it. What holds now: %(words)s."), words=words)
    return f"{said} {visit.say(N_('Send yours again to have them.'))}"


def _differences(before: SiteSettings, after: SiteSettings) -> dict[str, object]:
    names = ("pick_cost", "pack_cost", "cut_off", "preparation")
    found: dict[str, object] = {
        name: {"from": getattr(before, name), "to": getattr(after, name)}
        for name in names
        if getattr(before, name) != getattr(after, name)
    }
    if before.works != after.works:
        found["works"] = {"from": _marks(before.works), "to": _marks(after.works)}
    return found


def _marks(works: tuple[bool, ...]) -> str:
    """From Monday on: `12345--`."""
    return "".join(str(n) if worked else "-" for n, worked in enumerate(works, start=1))
