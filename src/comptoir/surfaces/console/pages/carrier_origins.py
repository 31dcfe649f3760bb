"""Where a carrier collects: the blanks of it in the form of a service, what they mean, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from comptoir.i18n import N_
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Origins
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationKind
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, picks
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.pages.picks import Pick, named_countries, ticked_countries
from comptoir.surfaces.console.pages.routing_words import KIND_WORDS
from comptoir.surfaces.console.web import Visit
from comptoir.surfaces.origins import KINDS

LOCATIONS, OF_KINDS, COUNTRIES = "from_locations", "from_kinds", "from_countries"
BLANKS = (LOCATIONS, OF_KINDS, COUNTRIES)
OTHERS = "from_countries_other"


def ticked(origins: Origins) -> dict[str, Sequence[str]]:
    """What is ticked in the blanks."""
    return {
        LOCATIONS: [to_text(LOCATION_PREFIX, one) for one in origins.locations],
        OF_KINDS: origins.kinds,
        COUNTRIES: origins.countries,
    }


def meant(fields: Fields) -> Origins:
    """What the blanks say; what is wrong with it is in `fields.errors`."""
    codes, unknown = named_countries(fields.raw(OTHERS))
    if unknown:
        fields.refuse(COUNTRIES, N_("Nobody knows the country %(country)s."), country=unknown[0])
    known = {kind.value for kind in KINDS}
    return Origins(
        locations=tuple(_ids(fields)),
        kinds=tuple(kind for kind in fields.all(OF_KINDS) if kind in known),
        countries=tuple(dict.fromkeys([*ticked_countries(fields.all(COUNTRIES)), *codes])),
    )


def _ids(fields: Fields) -> list[UUID]:
    found: dict[UUID, None] = {}
    for text in fields.all(LOCATIONS):
        try:
            found[from_text(LOCATION_PREFIX, text)] = None
        except ValueError:
            fields.refuse(LOCATIONS, N_("Choose one."))
    return list(found)


def blanks(
    visit: Visit, places: Sites, known: set[str], chosen: Mapping[str, Sequence[str]], typed: str, errors: Mapping[str, str]
) -> list[Pick]:
    """The locations, the kinds and the countries, each to be ticked. `known` are the countries of the house."""
    say, locale = visit.say, visit.page.locale
    sending = [option for option, one in zip(places.options, places.rows, strict=True) if one.kind is not LocationKind.TRANSIT]
    here = {one.country for one in places.rows} & known
    return [
        Pick(
            LOCATIONS, say(N_("These locations")), say(N_("none by name")), sending, chosen[LOCATIONS], locale,
            error=errors.get(LOCATIONS, ""),
        ),
        Pick(
            OF_KINDS, say(N_("Kinds of locations")), say(N_("every kind")), lists.options_of(visit, KIND_WORDS),
            chosen[OF_KINDS], locale,
        ),
        Pick(
            COUNTRIES, say(N_("Countries of locations")), say(N_("every country")),
            picks.country_options([*here, *chosen[COUNTRIES]], locale), chosen[COUNTRIES], locale,
            other=say(N_("Other countries")), typed=typed, error=errors.get(COUNTRIES, ""),
        ),
    ]  # fmt: skip


def words(visit: Visit, one: CarrierServiceDraft, names: Mapping[str, str]) -> str:
    """Where it collects; empty for everywhere. `names` are those of locations, by their ids as text."""
    origins, locale = one.origins, visit.page.locale
    parts: list[str] = []
    if origins.kinds or origins.countries:
        kinds = [visit.say(word) for kind, word in KIND_WORDS.items() if kind.value in origins.kinds]
        kind = picks.listed(kinds, locale) or visit.say(N_("all locations"))
        countries = picks.listed([picks.country_name(code, locale) for code in origins.countries], locale)
        parts.append(visit.say(N_("%(kinds)s in %(countries)s"), kinds=kind, countries=countries) if countries else kind)
    texts = ticked(origins)[LOCATIONS]
    parts += [names.get(text, text) for text in texts]
    return picks.listed(parts, locale)


async def names_of(reader: Reader, services: Sequence[CarrierServiceDraft]) -> dict[str, str]:
    """What the locations are called that these services name; no question where none does."""
    if not any(one.origins.locations for one in services):
        return {}
    return dict((await lists.sites(reader)).options)
