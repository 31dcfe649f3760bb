"""Days of the week in forms and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from babel.dates import get_day_names

from comptoir.i18n import N_
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages.picks import listed
from comptoir.surfaces.console.web import Visit

WEEK = 7


def _names(visit: Visit, width: Literal["abbreviated", "wide"]) -> list[str]:
    names = cast("dict[int, str]", get_day_names(width, context="stand-alone", locale=visit.page.locale))
    return [names[day] for day in range(WEEK)]


def week(visit: Visit, ticked: Sequence[bool]) -> list[tuple[int, str, str, bool]]:
    """For seven boxes: number from Monday on, short name, whole name, whether it is ticked."""
    return [
        (n, short, whole.capitalize(), on)
        for n, (short, whole, on) in enumerate(zip(_names(visit, "abbreviated"), _names(visit, "wide"), ticked, strict=True))
    ]


def ticked_days(fields: Fields, name: str = "days") -> tuple[bool, ...]:
    ticked = set(fields.all(name))
    return tuple(str(n) in ticked for n in range(WEEK))


def days_words(visit: Visit, ticked: Sequence[bool]) -> str:
    """`every day`, `Monday to Friday`, or the days by name; nothing where there is none."""
    names = _names(visit, "wide")
    days = [n for n, on in enumerate(ticked) if on]
    if len(days) == WEEK:
        return visit.say(N_("every day"))
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return visit.say(N_("%(first)s to %(last)s"), first=names[days[0]], last=names[days[-1]])
    return listed([names[n] for n in days], visit.page.locale, WEEK)
