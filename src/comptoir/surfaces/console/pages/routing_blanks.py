"""What stands in the blanks of a sentence of rules: what can be chosen there, and in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.money import Currency
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.routing.api import MAX_PARCELS, MAX_WEIGHT
from comptoir.modules.routing.contracts import Mode, Rating
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import condition_blanks, lists
from comptoir.surfaces.console.pages.amounts import affixes, decimal, house_currency, symbol
from comptoir.surfaces.console.pages.condition_blanks import Asked, Blanks
from comptoir.surfaces.console.pages.picks import Option, Pick
from comptoir.surfaces.console.pages.routing_form import Rated, Sheet
from comptoir.surfaces.console.pages.routing_words import (
    KIND_WORDS,
    RATING_MEANINGS,
    RATING_WORDS,
    SHARES,
)
from comptoir.surfaces.console.web import Visit


@dataclass(frozen=True, slots=True)
class Line:
    """A rating in the form: the others that it may be, what its difference is measured in, and what it means."""

    row: Rated
    word: str
    options: Sequence[Option]
    unit: str
    around: tuple[str, str]
    """What stands before and after that number."""
    share: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be ticked."""

    orders: Asked
    locations: Sequence[Option]
    currency: Currency


async def choices(visit: Visit, reader: Reader) -> Choices:
    places = await lists.sites(reader)
    return Choices(
        await condition_blanks.asked(visit, reader, places.rows),
        [
            (text, word)
            for (text, word), one in zip(places.options, places.rows, strict=True)
            if one.kind is not LocationKind.TRANSIT
        ],
        await house_currency(reader),
    )


def picks_of(visit: Visit, sheet: Sheet, choices: Choices) -> dict[str, Pick]:
    """Those beside the orders that are meant."""
    say, locale = visit.say, visit.page.locale
    blanks = (
        ("kinds", N_("Kinds of locations"), N_("nobody"), lists.options_of(visit, KIND_WORDS)),
        ("excluded", N_("Locations left out"), N_("none"), choices.locations),
    )
    return {
        name: Pick(name, say(label), say(nothing), options, sheet.ticked[name], locale, error=sheet.errors.get(name, ""))
        for name, label, nothing, options in blanks
    }


def orders_of(visit: Visit, sheet: Sheet, choices: Choices) -> Blanks:
    """Those of the orders that are meant."""
    return condition_blanks.blanks(visit, sheet.values, sheet.ticked, sheet.errors, choices.orders, choices.currency)


MODES = {
    Mode.RANKED: N_("one thing after the other"),
    Mode.WEIGHTED: N_("all things together, by weight"),
}


def lines(visit: Visit, sheet: Sheet, currency: Currency) -> list[Line]:
    """Each rating may become any that is not in the form yet."""
    words = {rating.value: visit.say(word) for rating, word in RATING_WORDS.items()}
    meanings = {rating.value: visit.say(text) for rating, text in RATING_MEANINGS.items()}
    units, shares = _units(visit, currency), _shares(visit, sheet)
    taken = {row.rating for row in sheet.ratings}
    return [
        Line(
            row,
            words.get(row.rating, ""),
            [(code, word) for code, word in words.items() if code == row.rating or code not in taken],
            units.get(row.rating, ""),
            affixes(currency, visit.page.locale) if row.rating == Rating.COST else ("", units.get(row.rating, "")),
            share,
            meanings.get(row.rating, ""),
        )
        for row, share in zip(sheet.ratings, shares, strict=True)
    ]


def _shares(visit: Visit, sheet: Sheet) -> list[str]:
    """How much each rating counts, in per cent; nothing where a weight is none."""
    read = [Fields({"weight": [row.weight]}) for row in sheet.ratings]
    weights = [decimal(one, "weight", least=0.000001, most=MAX_WEIGHT, default=1.0) for one in read]
    total = sum(weights)
    return [
        "" if one.errors else formatting.percent(weight / total, visit.page.locale, 0)
        for one, weight in zip(read, weights, strict=True)
    ]


def _units(visit: Visit, currency: Currency) -> Mapping[str, str]:
    """What a tolerance is measured in, by rating."""
    own = {
        Rating.DISTANCE: visit.say(N_("km")),
        Rating.DELIVERY: visit.say(N_("days")),
        Rating.COST: symbol(currency, visit.page.locale),
        Rating.PARCELS: visit.say(N_("products")),
        Rating.COVER: visit.say(N_("days")),
        Rating.MARKDOWN: visit.say(N_("days")),
        Rating.CARBON: visit.say(N_("g of CO₂")),
    }
    return {rating.value: "%" if rating in SHARES else own.get(rating, "") for rating in Rating}


def parcels(visit: Visit) -> list[Option]:
    several = [(str(n), visit.say(N_("send it in %(number)s parcels at most"), number=n)) for n in range(2, MAX_PARCELS + 1)]
    return [("1", visit.say(N_("do not split it"))), *several]
