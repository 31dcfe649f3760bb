"""Blanks in a sentence in which several things can be ticked: channels, countries, categories, locations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from babel import Locale
from babel.lists import format_list

from comptoir.modules.carriers import api as carriers
from comptoir.modules.locations.contracts import Location
from comptoir.modules.pricing import api as pricing
from comptoir.runtime.database import Reader
from comptoir.sdk.countries import country_code

Option = tuple[str, str]

SHOWN = 4
"""So many of a long list are named in a sentence."""


@dataclass(frozen=True, slots=True)
class Pick:
    """What can be ticked in one blank, and what is. `nothing` is said while nothing is ticked."""

    name: str
    label: str
    nothing: str
    options: Sequence[Option]
    chosen: Sequence[str]
    locale: str
    other: str = ""
    """What is called whatever stands in the field for others; empty where there is none."""
    typed: str = ""
    """What was typed into that field."""
    error: str = ""

    @property
    def words(self) -> str:
        names = dict(self.options)
        ticked = set(self.chosen)
        found = [word for value, word in self.options if value in ticked] + [one for one in self.chosen if one not in names]
        return listed([*found, *([self.typed] if self.typed else [])], self.locale) or self.nothing

    @property
    def rows(self) -> list[tuple[str, str, bool]]:
        """Every option, and what is ticked without being one, so that it can be taken away."""
        known = {value for value, _ in self.options}
        ticked = set(self.chosen)
        return [(value, word, value in ticked) for value, word in self.options] + [
            (value, value, True) for value in self.chosen if value not in known
        ]

    @property
    def is_long(self) -> bool:
        return len(self.options) > 10


def listed(words: Sequence[str], locale: str, most: int = SHOWN) -> str:
    """`a, b and c`; of many the first ones, and how many more."""
    if len(words) > most + 1:
        return f"{', '.join(words[:most])} +{len(words) - most}"
    return format_list(list(words), locale=locale) if words else ""


def country_name(code: str, locale: str) -> str:
    names = cast("Mapping[str, str]", Locale.parse(locale).territories)
    return names.get(code, code)


def country_options(codes: Iterable[str], locale: str) -> list[Option]:
    found = [(code, country_name(code, locale)) for code in sorted(set(codes)) if code]
    return sorted(found, key=lambda option: option[1].casefold())


async def countries_of_the_house(reader: Reader, sites: Iterable[Location]) -> set[str]:
    """Those that it has something to do with: of markets, of locations, and what carriers name."""
    found = {market.country for market in await pricing.markets(reader)} | {one.country for one in sites}
    return found | {country for service in await carriers.everything(reader) for country in service.countries}


def named_countries(text: str) -> tuple[list[str], list[str]]:
    """The codes of the countries that stand in a text, between commas; and what is none."""
    parts = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    codes = [(part, country_code(part)) for part in parts]
    return [code for _, code in codes if code], [part for part, code in codes if not code]


def ticked_countries(codes: Iterable[str]) -> list[str]:
    """Those that can be codes at all."""
    return [code for code in codes if re.fullmatch(r"[A-Z]{2}", code)]
