"""Public holidays, by country. The one source of them: opening hours, carriers and the law ask here.

What knows them takes a moment to load, and is loaded when first somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache

_NOWHERE: Mapping[date, str] = {}


def keeps_holidays(country: str) -> bool:
    """Whether the public holidays of `FR`, or of a part such as `FR-GES`, are known."""
    head, _, part = country.partition("-")
    return head in _known() and (part in _known()[head] if part else head == country)


@cache
def _known() -> Mapping[str, frozenset[str]]:
    from holidays.utils import list_supported_countries  # noqa: PLC0415

    return {country: frozenset(parts) for country, parts in list_supported_countries(include_aliases=False).items()}


def is_public_holiday(country: str, day: date) -> bool:
    """False for every day of a country whose holidays nobody knows."""
    return day in public_holidays(country, day.year)


@lru_cache(maxsize=1024)
def public_holidays(country: str, year: int, language: str = "en") -> Mapping[date, str]:
    """The days with their names, in order: in that language, or in English, or in the country's own.

    `country` is ISO 3166-1, with a part of it (ISO 3166-2) or not: `FR`, `FR-GES`.
    """
    if not keeps_holidays(country):
        return _NOWHERE
    from holidays import country_holidays  # noqa: PLC0415

    head, _, part = country.partition("-")
    spoken = country_holidays(head).supported_languages
    tongue = next((one for want in (language, "en") for one in spoken if one.partition("_")[0] == want), None)
    found = country_holidays(head, subdiv=part or None, years=year, language=tongue)
    return {day: found[day] for day in sorted(found) if day.year == year}
