"""Runs in words: when they are, when the next one is, and what the last one did; and their times as they are typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from comptoir.i18n import N_
from comptoir.kernel.money import Currency
from comptoir.modules.fulfilment.contracts import NotedRun
from comptoir.modules.locations.contracts import DAY
from comptoir.modules.routing.contracts import ScheduleDraft
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages.days import days_words
from comptoir.surfaces.console.pages.picks import country_name, listed
from comptoir.surfaces.console.web import Visit

_TIME = re.compile(r"([01]?\d|2[0-4])(?:[:hH.]([0-5]\d)?)?", re.ASCII)
_SHOWN = 6


def clock(minutes: int) -> str:
    """`08:30`."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def minutes_of(text: str) -> int | None:
    """`8`, `8:30`, `8h30` and `08.30` after midnight; None for what is no time. Midnight at the end of a day is 24:00."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    minutes = int(found[1]) * 60 + int(found[2] or 0)
    return minutes if minutes <= DAY else None


def times_of(fields: Fields, name: str) -> tuple[int, ...]:
    """Times of a day between commas, in their order."""
    parts = [part for part in re.split(r"[\s,;]+", fields.raw(name)) if part]
    found = [minutes_of(part) for part in parts]
    known = {minutes for minutes in found if minutes is not None and minutes < DAY}
    if any(minutes is None or minutes == DAY for minutes in found):
        fields.refuse(name, N_("Write times like 10:00, 14:30."))
    return tuple(sorted(known))


def time_of(fields: Fields, name: str, instead: int) -> int:
    """One time of a day; `instead` where nothing was typed."""
    text = fields.raw(name)
    found = minutes_of(text) if text else instead
    if found is None:
        fields.refuse(name, N_("Write a time like 10:00."))
        return instead
    return found


def place_of(zone: str) -> str:
    """A time zone as people call it: `New York`."""
    return zone.rpartition("/")[2].replace("_", " ")


def runs_words(visit: Visit, one: ScheduleDraft) -> str:
    """`at 10:00 and 14:00 and every 30 minutes from 08:00 to 20:00, Monday to Friday, not on public holidays in France`."""
    parts: list[str] = []
    if one.times:
        parts.append(visit.say(N_("at %(times)s"), times=listed([clock(at) for at in one.times], visit.page.locale, _SHOWN)))
    if one.every:
        parts.append(_every(visit, one))
    said = [visit.say(N_("%(first)s and %(second)s"), first=parts[0], second=parts[1]) if len(parts) > 1 else parts[0]]
    said.append(days_words(visit, one.works))
    if one.rests_in:
        country = country_name(one.rests_in.partition("-")[0], visit.page.locale)
        said.append(visit.say(N_("not on public holidays in %(country)s"), country=country))
    return ", ".join(said)


def _every(visit: Visit, one: ScheduleDraft) -> str:
    shown = formatting.number(one.every, visit.page.locale)
    if (one.opens, one.closes) == (0, DAY):
        return visit.says("every %(shown)s minute", "every %(shown)s minutes", one.every, shown=shown)
    return visit.says(
        "every %(shown)s minute from %(opens)s to %(closes)s", "every %(shown)s minutes from %(opens)s to %(closes)s",
        one.every, shown=shown, opens=clock(one.opens), closes=clock(one.closes),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class When:
    """An instant for who reads it, and, where the clock there shows another time, by the clock of the schedule."""

    here: str
    there: str = ""


def when(visit: Visit, at: datetime, zone: str) -> When:
    page = visit.page
    here = formatting.instant(at, page.locale, page.zone)
    if at.astimezone(ZoneInfo(zone)).utcoffset() == at.astimezone(page.zone).utcoffset():
        return When(here)
    there = formatting.hour(at, page.locale, ZoneInfo(zone))
    return When(here, visit.say(N_("%(time)s in %(place)s"), time=there, place=place_of(zone)))


def did(visit: Visit, run: NotedRun, currency: Currency) -> str:
    """`12 orders, 3 went elsewhere, €24.60 saved`."""
    number = formatting.number(run.orders, visit.page.locale)
    parts = [visit.says("%(shown)s order decided", "%(shown)s orders decided", run.orders, shown=number)]
    if run.moved:
        moved = formatting.number(run.moved, visit.page.locale)
        parts.append(visit.says("%(shown)s went elsewhere", "%(shown)s went elsewhere", run.moved, shown=moved))
        saved = formatting.money(run.saved, currency, visit.page.locale)
        parts.append(visit.say(N_("%(amount)s saved"), amount=saved))
    return ", ".join(parts)
