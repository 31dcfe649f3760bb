"""Which orders are meant, as blanks of a sentence: for rule sets, and for schedules of runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar, cast

from comptoir.i18n import N_
from comptoir.kernel import money, quantities
from comptoir.kernel.errors import Refusal
from comptoir.kernel.money import Currency
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.locations.contracts import Location
from comptoir.modules.routing.api import MAX_VALUE
from comptoir.modules.routing.contracts import Condition
from comptoir.runtime.database import Reader
from comptoir.surfaces import rulebook
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, picks
from comptoir.surfaces.console.pages.amounts import affixes, amount, plain_or_empty
from comptoir.surfaces.console.pages.picks import Option, Pick, listed, named_countries, ticked_countries
from comptoir.surfaces.console.pages.routing_words import SERVICE_WORDS
from comptoir.surfaces.console.web import Visit

E = TypeVar("E", bound=StrEnum)

MANY = ("channels", "countries", "services", "categories", "brands")
"""Blanks in which several things can be ticked."""
OTHERS = "countries_other"
SINGLE = (OTHERS, "skus", "worth_least", "worth_most", "worth_currency")
_MOST_SKUS = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What can be ticked in a condition."""

    channels: Sequence[Option]
    countries: Sequence[Option]
    categories: Sequence[Option]
    brands: Sequence[Option]


async def asked(visit: Visit, reader: Reader, places: Iterable[Location]) -> Asked:
    found = await visit.console.channels(reader)
    countries = await picks.countries_of_the_house(reader, places)
    return Asked(
        sorted(((one.code, one.name or one.code) for one in found), key=lambda option: option[1].casefold()),
        picks.country_options(countries, visit.page.locale),
        [(name, name) for name in await rulebook.categories(reader)],
        [(name, name) for name in await catalogue.brands(reader)],
    )


@dataclass(frozen=True, slots=True)
class Blanks:
    """The blanks of a condition as they are shown."""

    picks: Mapping[str, Pick]
    skus: str
    """As they were typed, a line for each."""
    sku_words: str
    coin: tuple[str, str]
    currency: str


def blanks(
    visit: Visit,
    values: Mapping[str, str],
    ticked: Mapping[str, Sequence[str]],
    errors: Mapping[str, str],
    choices: Asked,
    house: Currency,
) -> Blanks:
    say, locale = visit.say, visit.page.locale
    known = picks.country_options([*(code for code, _ in choices.countries), *ticked["countries"]], locale)
    services = lists.options_of(visit, SERVICE_WORDS)
    named = (
        ("channels", N_("Channels"), N_("all channels"), choices.channels),
        ("countries", N_("Countries"), N_("all countries"), known),
        ("services", N_("Deliveries"), N_("any delivery"), services),
        ("categories", N_("Categories"), N_("all categories"), choices.categories),
        ("brands", N_("Brands"), N_("any brand"), choices.brands),
    )
    found = {
        name: Pick(name, say(label), say(nothing), options, ticked[name], locale, error=errors.get(name, ""))
        for name, label, nothing, options in named
    }
    other = {"other": say(N_("Other countries")), "typed": values.get(OTHERS, "")}
    currency = values.get("worth_currency", "") or house
    return Blanks(
        found | {"countries": replace(found["countries"], **other)},
        values.get("skus", ""),
        listed(sku_lines(values.get("skus", "")), locale) or say(N_("any product")),
        affixes(Currency(currency), locale),
        currency,
    )


def written(condition: Condition, house: Currency, locale: str) -> tuple[dict[str, str], dict[str, Sequence[str]]]:
    """What stands in the blanks: values, and what is ticked."""
    currency = Currency(condition.currency) if condition.currency else house
    least, most = condition.least_value, condition.most_value
    values = {
        "skus": "\n".join(condition.skus),
        "worth_least": "" if least is None else plain_or_empty(least, currency, locale) or "0",
        "worth_most": "" if most is None else plain_or_empty(most, currency, locale) or "0",
        "worth_currency": currency,
    }
    ticked: dict[str, Sequence[str]] = {
        "channels": condition.channels,
        "countries": condition.countries,
        "services": [service.value for service in condition.services],
        "categories": condition.categories,
        "brands": condition.brands,
    }
    return values, ticked


def typed(fields: Fields) -> tuple[dict[str, str], dict[str, Sequence[str]]]:
    """The blanks as they came in."""
    values = {name: fields.raw(name) for name in SINGLE}
    return values, {name: [value for value in fields.all(name) if value] for name in MANY}


def meant(fields: Fields, house: Currency) -> Condition:
    """What the blanks say; what is wrong with them is in `fields.errors`."""
    values, ticked = typed(fields)
    codes, unknown = named_countries(values[OTHERS])
    if unknown:
        fields.refuse("countries", N_("Nobody knows the country %(country)s."), country=unknown[0])
    countries = ticked_countries(ticked["countries"])
    skus = sku_lines(values["skus"])
    if len(skus) > _MOST_SKUS or any(not is_sku(one) for one in skus):
        fields.refuse("skus", N_("Write a SKU on each line, %(most)s at most."), most=_MOST_SKUS)
    currency = _currency(fields, values["worth_currency"], house)
    least = amount(fields, "worth_least", currency, most=MAX_VALUE) if values["worth_least"] else None
    most = amount(fields, "worth_most", currency, most=MAX_VALUE) if values["worth_most"] else None
    if least is not None and most is not None and most < least:
        fields.refuse("worth_most", N_("This is less than the least worth."))
    return Condition(
        channels=tuple(dict.fromkeys(ticked["channels"])),
        countries=tuple(dict.fromkeys([*countries, *codes])),
        services=enums(fields, "services", Service),
        categories=tuple(dict.fromkeys(ticked["categories"])),
        skus=tuple(skus),
        brands=tuple(dict.fromkeys(ticked["brands"])),
        least_value=least,
        most_value=most,
        currency="" if least is None and most is None else currency,
    )


def _currency(fields: Fields, text: str, house: Currency) -> Currency:
    if not text:
        return house
    try:
        return money.currency(text)
    except ValueError:
        fields.refuse("worth_least", N_("Choose one."))
        return house


def sku_lines(text: str) -> list[str]:
    """One on each line, or between commas or tabs."""
    return list(dict.fromkeys(part for one in re.split(r"[\r\n\t,;]+", text) if (part := one.strip())))


def is_sku(text: str) -> bool:
    try:
        quantities.sku(text)
    except ValueError:
        return False
    return True


def enums(fields: Fields, name: str, kind: type[E]) -> tuple[E, ...]:
    ticked = set(fields.all(name))
    return tuple(one for one in kind if one.value in ticked)


_GONE = {
    "categories": N_("One of these categories is not there any more."),
    "channels": N_("One of these channels is not there any more."),
    "brands": N_("One of these brands is not there any more."),
}


def gone(visit: Visit, refusal: Refusal, condition: Condition) -> dict[str, str]:
    """What a condition names that is not there, by its blank."""
    found: dict[str, str] = {}
    for error in cast("Sequence[Mapping[str, str]]", refusal.data.get("errors", ())):
        named = re.fullmatch(r"(?:rules\.)?condition\.(\w+)\[(\d+)\]", error["path"])
        if named is None:
            continue
        name, at = named[1], int(named[2])
        if name in _GONE:
            found.setdefault(name, visit.say(_GONE[name]))
        elif name == "skus" and at < len(condition.skus):
            found.setdefault(name, visit.say(N_("The catalogue has no SKU %(sku)s."), sku=condition.skus[at]))
    return found
