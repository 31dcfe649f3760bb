"""When a location is closed though its week says otherwise: on its page, and in its form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from babel.dates import format_date

from comptoir.i18n import N_
from comptoir.kernel.calendars import keeps_holidays, public_holidays
from comptoir.modules.locations.contracts import Closure, Closures
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages.lists import Option
from comptoir.surfaces.console.pages.picks import listed
from comptoir.surfaces.console.web import Visit

BOXES = ("public_holidays", "open:")
"""What fields of boxes begin with: one that is not ticked is not sent."""
_BLANK = 3
"""So many empty rows stand below the closures that there are."""
_MOST = 200
_SHOWN = 4
"""Public holidays that are told on the page."""


@dataclass(frozen=True, slots=True)
class Told:
    """The closures of a location in words."""

    closed: Sequence[Option]
    """What is not over yet: the days, and the reason."""
    holidays: Sequence[Option]
    """The next public holidays on which it is closed."""
    open_on: str
    """The public holidays of the next twelve months on which it is open nevertheless."""
    keeps: bool


def told(visit: Visit, closures: Closures, today: date) -> Told:
    """Of closures that are over nothing is told."""
    coming = _coming(closures.public_holidays, today, visit.page.language)
    shut = {day: name for day, name in coming.items() if closures.shut(day)}
    return Told(
        [(_span(visit, one), one.reason) for one in closures.days if one.last >= today],
        [(_day(visit, day), name) for day, name in list(shut.items())[:_SHOWN]],
        listed([name for day, name in coming.items() if day not in shut], visit.page.locale, len(coming)),
        bool(closures.public_holidays),
    )


def _coming(country: str, today: date, language: str) -> Mapping[date, str]:
    """The public holidays of twelve months from today on."""
    years = [public_holidays(country, year, language) for year in (today.year, today.year + 1)]
    until = today + timedelta(days=365)
    return {day: name for known in years for day, name in known.items() if today <= day < until}


def _day(visit: Visit, day: date) -> str:
    return format_date(day, "full", locale=visit.page.locale)


def _span(visit: Visit, one: Closure) -> str:
    if one.first == one.last:
        return _day(visit, one.first)
    return visit.say(N_("%(first)s to %(last)s"), first=_day(visit, one.first), last=_day(visit, one.last))


# The form


def proposed(closures: Closures) -> dict[str, object]:
    """The values of the form's fields."""
    values: dict[str, object] = {"public_holidays": "yes" if closures.public_holidays else ""}
    for n, one in enumerate(closures.days):
        values |= {f"closed_from:{n}": one.first, f"closed_to:{n}": one.last, f"closed_why:{n}": one.reason}
    return values | {f"open:{key}": "yes" for key in closures.open_on}


def rows(values: Mapping[str, object]) -> list[int]:
    """The numbers of the rows that stand in the form."""
    numbers = [int(n) for n in _numbers(values) if values[f"closed_from:{n}"] or values.get(f"closed_to:{n}")]
    return list(range(min(max(numbers, default=-1) + 1 + _BLANK, _MOST)))


def _numbers(values: Mapping[str, object]) -> Iterator[str]:
    for name in values:
        _, dash, n = name.partition("closed_from:")
        if dash and n.isascii() and n.isdigit() and len(n) < 4:
            yield n


def boxes(visit: Visit, closures: Closures, country: str, today: date) -> list[tuple[str, str]]:
    """A box for each public holiday of the next twelve months: what it stands for, and its words."""
    kept = closures.public_holidays or country
    coming = _coming(kept, today, visit.page.language)
    return [(_key(kept, day), f"{name}, {_day(visit, day)}") for day, name in coming.items()]


def _key(country: str, day: date) -> str:
    """`05-08` for what falls on the same day in the next year, `2027-03-29` for what moves."""
    again = (day.month, day.day) in {(other.month, other.day) for other in public_holidays(country, day.year + 1)}
    return f"{day:%m-%d}" if again else f"{day:%Y-%m-%d}"


def meant(fields: Fields, before: Closures, country: str, today: date) -> Closures:
    """What the form says; what is wrong with it is in `fields.errors`. Exceptions that it has no box for stay."""
    kept = ""
    if fields.checked("public_holidays"):
        kept = before.public_holidays if before.public_holidays.partition("-")[0] == country else country
        if country and not keeps_holidays(kept):
            fields.refuse("country", N_("The public holidays of this country are not known."))
    offered = {_key(kept, day) for day in _coming(kept, today, "en")} if kept else set[str]()
    ticked = {key for key in fields.starting("open:") if key in offered}
    others = {key for key in before.open_on if key not in offered and (len(key) == len("05-08") or key >= today.isoformat())}
    return Closures(tuple(sorted(_closures(fields))), kept, tuple(sorted(ticked | others)))


def _closures(fields: Fields) -> Iterator[Closure]:
    for n in list(_numbers(fields.values))[:_MOST]:
        reason = fields.text(f"closed_why:{n}")
        if not fields.raw(f"closed_from:{n}") and not fields.raw(f"closed_to:{n}") and not reason:
            continue
        first = _date(fields, f"closed_from:{n}")
        last = _date(fields, f"closed_to:{n}") if fields.raw(f"closed_to:{n}") else first
        if first is None or last is None:
            continue
        if last < first:
            fields.refuse(f"closed_to:{n}", N_("This is before the first day."))
        elif last - first >= timedelta(days=366):
            fields.refuse(f"closed_to:{n}", N_("This is more than a year after the first day."))
        else:
            yield Closure(first, last, reason)


def _date(fields: Fields, name: str) -> date | None:
    try:
        return date.fromisoformat(fields.raw(name))
    except ValueError:
        fields.refuse(name, N_("Choose a day."))
        return None


def written(closures: Closures) -> str:
    """For the audit."""
    spans = [f"{one.first}..{one.last} {one.reason}".strip() for one in closures.days]
    kept = [f"public holidays {closures.public_holidays}"] if closures.public_holidays else []
    return "; ".join([*spans, *kept, *(f"open on {key}" for key in closures.open_on)])
