"""Of which locations somebody does the work: the field of a form in which they are ticked, and its words in a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from comptoir.i18n import N_
from comptoir.kernel.ids import from_text
from comptoir.modules.locations.contracts import LOCATION_PREFIX, Location, LocationId
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.asking import Typed
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.pages.naming import Places
from comptoir.surfaces.console.pages.picks import Pick, listed
from comptoir.surfaces.console.web import Visit

FIELD = "at"


def pick(visit: Visit, places: Sites, now: Iterable[LocationId], typed: Typed) -> Pick:
    """Every location, those that are ticked first; found by name, city and code."""
    chosen = [text for text in visit.form.get(FIELD, ()) if text] if typed.refused else [Sites.text(one) for one in now]
    rows = [one for one in places.rows if one.active or Sites.text(one.id) in chosen]
    rows.sort(key=lambda one: Sites.text(one.id) not in chosen)
    return Pick(
        FIELD,
        visit.say(N_("Works at")),
        visit.say(N_("every location")),
        [(Sites.text(one.id), _named(one)) for one in rows],
        chosen,
        visit.page.locale,
        error=typed.errors.get(FIELD, "") or typed.errors.get("locations", ""),
    )


def _named(one: Location) -> str:
    name = lists.label(one)
    parts = [name, one.city if one.city and one.city not in name else "", one.code if one.code not in name else ""]
    return " · ".join(part for part in parts if part)


def read(fields: Fields) -> tuple[LocationId, ...]:
    """Those that are ticked; what is no location's id is noted at the field."""
    found: list[LocationId] = []
    for text in fields.all(FIELD):
        try:
            found.append(LocationId(from_text(LOCATION_PREFIX, text)))
        except ValueError:
            fields.refuse(FIELD, N_("Choose one."))
    return tuple(found)


def words(visit: Visit, places: Places, own: Sequence[LocationId]) -> str:
    """`Cincinnati and Columbus`, or that it is all of them."""
    return listed([places[one] for one in own], visit.page.locale, 2) or visit.say(N_("every location"))
