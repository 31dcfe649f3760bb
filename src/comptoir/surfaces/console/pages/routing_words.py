"""Rules of routing in words: what a rule set says in a sentence, and what one version says unlike another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.money import Currency
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Condition, Mode, Rating, Rules, RuleSetState, RuleSetVersion, Weight
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.amounts import house_currency
from comptoir.surfaces.console.pages.naming import Channels, Places, channels_of, places_of
from comptoir.surfaces.console.pages.picks import SHOWN, country_name, listed
from comptoir.surfaces.console.states import state_of
from comptoir.surfaces.console.web import Visit

T = TypeVar("T")

RATING_WORDS: Mapping[Rating, str] = {
    Rating.PRIORITY: N_("the one that the stock pool prefers"),
    Rating.DISTANCE: N_("the nearest"),
    Rating.DELIVERY: N_("the quickest"),
    Rating.COST: N_("the cheapest"),
    Rating.PARCELS: N_("the one that has the most of the order"),
    Rating.COVER: N_("the best stocked"),
    Rating.MARKDOWN: N_("the one whose stock lies longest"),
    Rating.LOAD: N_("the least busy"),
    Rating.CARBON: N_("the one with the least CO₂"),
}
RATING_MEANINGS: Mapping[Rating, str] = {
    Rating.PRIORITY: N_("By the priority that the pool gives its locations, 0 first."),
    Rating.DISTANCE: N_("Kilometres to the door; a location without coordinates is farther than any other."),
    Rating.DELIVERY: N_("Days from the order to the door, or to the counter."),
    Rating.COST: N_("Picking, packing and the carrier together."),
    Rating.PARCELS: N_("How many of the products would have to come from elsewhere."),
    Rating.COVER: N_(
        "How many days its stock lasts after the order, by what it sells: the longest first, so that nobody runs out."
    ),
    Rating.MARKDOWN: N_(
        "How many days its stock would lie, by what it sells: the longest first, so that what does not sell there leaves."
    ),
    Rating.LOAD: N_(
        "Its orders of the day as a share of what it can prepare; without a limit of its own, of the average limit of the "
        "others, or of what the busiest has."
    ),
    Rating.CARBON: N_("Grams of CO₂ for the way, as its carriers are set up."),
}
KIND_WORDS: Mapping[LocationKind, str] = {
    LocationKind.WAREHOUSE: N_("warehouses"),
    LocationKind.STORE: N_("stores"),
    LocationKind.SUPPLIER: N_("suppliers"),
}
SERVICE_WORDS: Mapping[Service, str] = {
    Service.STANDARD: N_("standard delivery"),
    Service.EXPRESS: N_("express delivery"),
    Service.PICKUP: N_("pickup"),
}
SHARES = frozenset({Rating.LOAD})
"""Measured as a fraction, said in per cent."""


@dataclass(frozen=True, slots=True)
class Teller:
    """What is needed to speak of rules: names, the currency, and who reads."""

    visit: Visit
    channels: Channels
    places: Places
    currency: Currency
    most: int = SHOWN
    """So many of a list are named."""

    @property
    def locale(self) -> str:
        return self.visit.page.locale

    def say(self, text: str, **values: object) -> str:
        return self.visit.say(text, **values)

    def number(self, value: float) -> str:
        return formatting.number(value, self.locale)

    def money(self, minor: int) -> str:
        return formatting.money(minor, self.currency, self.locale)

    def names(self, ids: Iterable[UUID]) -> str:
        return self.listed(sorted((self.places[one] for one in ids), key=str.casefold))

    def listed(self, words: Sequence[str]) -> str:
        return listed(words, self.locale, self.most)

    # Clauses

    def orders(self, rules: Rules) -> str:
        """For which orders: `for the orders of Web shop to France`."""
        return self.meant(rules.condition)

    def meant(self, asked: Condition) -> str:
        """Which orders a condition means."""
        parts = [self.say(N_("for all orders"))]
        if asked.channels:
            names = self.listed([self.channels[code].name for code in asked.channels])
            parts = [
                self.visit.says("for the orders of %(names)s", "for the orders of %(names)s", len(asked.channels), names=names)
            ]
        if asked.countries:
            names = self.listed([country_name(code, self.locale) for code in asked.countries])
            parts.append(self.say(N_("to %(names)s"), names=names))
        if asked.services:
            names = self.listed([self.say(SERVICE_WORDS[service]) for service in asked.services])
            parts.append(self.say(N_("by %(names)s"), names=names))
        if asked.categories:
            parts.append(self.say(N_("with products of %(names)s"), names=self.listed(asked.categories)))
        if asked.brands:
            parts.append(self.say(N_("of the brand %(names)s"), names=self.listed(asked.brands)))
        if asked.skus:
            parts.append(self.say(N_("with the product %(names)s"), names=self.listed(asked.skus)))
        if routing.asks_value(asked):
            parts.append(self._worth(asked))
        return " ".join(parts)

    def _worth(self, asked: Condition) -> str:
        least, most = [
            "" if one is None else formatting.money(one, asked.currency, self.locale)
            for one in (asked.least_value, asked.most_value)
        ]
        if least and most:
            return self.say(N_("worth %(least)s to %(most)s"), least=least, most=most)
        return (
            self.say(N_("worth %(least)s or more"), least=least) if least else self.say(N_("worth %(most)s or less"), most=most)
        )

    def choice(self, rules: Rules) -> str:
        """Who is best: `first the nearest, then the cheapest`."""
        if rules.mode is Mode.WEIGHTED and len(rules.ratings) > 1:
            total = sum(weight.weight for weight in rules.ratings)
            shares = [
                f"{self.say(RATING_WORDS[one.rating])} {formatting.percent(one.weight / total, self.locale, 0)}"
                for one in rules.ratings
            ]
            return self.say(N_("weighing %(ratings)s"), ratings=", ".join(shares))
        first, *rest = [self._rated(one) for one in rules.ratings]
        return ", ".join(
            [self.say(N_("first %(rating)s"), rating=first), *(self.say(N_("then %(rating)s"), rating=r) for r in rest)]
        )

    def _rated(self, one: Weight) -> str:
        word = self.say(RATING_WORDS[one.rating])
        if not one.tolerance:
            return word
        return self.say(N_("%(rating)s (less than %(difference)s is equal)"), rating=word, difference=self.difference(one))

    def difference(self, one: Weight) -> str:
        """A tolerance in its own unit."""
        if one.rating is Rating.COST:
            return self.money(round(one.tolerance))
        if one.rating in SHARES:
            return formatting.percent(one.tolerance, self.locale)
        number = self.number(one.tolerance)
        match one.rating:
            case Rating.DISTANCE:
                return self.say(N_("%(number)s km"), number=number)
            case Rating.DELIVERY | Rating.COVER | Rating.MARKDOWN:
                return self.visit.says("%(shown)s day", "%(shown)s days", 1 if one.tolerance <= 1 else 2, shown=number)
            case Rating.CARBON:
                return self.say(N_("%(number)s g"), number=number)
            case _:
                return number

    def splitting(self, rules: Rules) -> str:
        split = rules.splitting
        if split.parcels == 1:
            return self.say(N_("never split"))
        if not split.least_value:
            return self.say(N_("at most %(number)s parcels"), number=split.parcels)
        amount = self.money(split.least_value)
        return self.say(N_("at most %(number)s parcels, each worth %(amount)s or more"), number=split.parcels, amount=amount)

    def kinds(self, rules: Rules) -> str:
        return self.listed([self.say(word) for kind, word in KIND_WORDS.items() if kind in rules.kinds])

    def excluded(self, rules: Rules) -> str:
        return self.names(rules.excluded) or self.say(N_("none"))

    def safety(self, rules: Rules) -> str:
        return self.visit.says("%(shown)s unit", "%(shown)s units", rules.safety, shown=self.number(rules.safety))

    def farthest(self, rules: Rules) -> str:
        return (
            self.say(N_("any"))
            if rules.max_distance is None
            else self.say(N_("%(number)s km"), number=self.number(rules.max_distance))
        )

    def full(self, rules: Rules) -> str:
        return self.say(N_("gets no more")) if rules.respect_capacity else self.say(N_("may get more"))

    def late(self, rules: Rules) -> str:
        return self.say(N_("is left out")) if rules.insist_on_date else self.say(N_("only comes after others"))

    def every(self, rules: Rules) -> str:
        if not rules.every:
            return self.say(N_("at once"))
        return self.visit.says("together every %(shown)s minute", "together every %(shown)s minutes", rules.every,
                               shown=self.number(rules.every))  # fmt: skip

    def answer(self, rules: Rules) -> str:
        if not rules.answer_within:
            return self.say(N_("no limit"))
        return formatting.duration(rules.answer_within * 60, self.locale)

    def give_up(self, rules: Rules) -> str:
        if not rules.give_up_after:
            return self.say(N_("a person decides"))
        return self.visit.says(
            "cancelled after %(shown)s day", "cancelled after %(shown)s days", rules.give_up_after,
            shown=self.number(rules.give_up_after),
        )  # fmt: skip

    def aims(self, rules: Rules) -> str:
        """What runs improve, beside the cost of the parcels."""
        aim = routing.aims(rules)
        parts = [self.say(N_("the cost of the parcels"))]
        if aim.late_day:
            parts.append(self.say(N_("%(amount)s for each day late"), amount=self.money(aim.late_day)))
        if aim.carbon_kg:
            parts.append(self.say(N_("%(amount)s for each kilogram of CO₂"), amount=self.money(aim.carbon_kg)))
        if aim.own_order:
            words = N_("%(amount)s for each place behind the first in their own order")
            parts.append(self.say(words, amount=self.money(aim.own_order)))
        return self.listed(parts)

    def limits(self, rules: Rules) -> list[str]:
        """What holds beside the choice itself; nothing of what restricts nobody."""
        told = [self.splitting(rules)]
        if len(rules.kinds) < len(KIND_WORDS):
            told.append(self.say(N_("only from %(kinds)s"), kinds=self.kinds(rules)))
        if rules.max_distance is not None:
            told.append(self.say(N_("at most %(distance)s away"), distance=self.farthest(rules)))
        if rules.excluded:
            told.append(self.say(N_("never from %(names)s"), names=self.names(rules.excluded)))
        if rules.safety:
            told.append(self.say(N_("stores keep %(units)s of each product"), units=self.safety(rules)))
        if rules.minimum_pick:
            told.append(self.say(N_("stores start no parcel below %(amount)s"), amount=self.money(rules.minimum_pick)))
        if not rules.respect_capacity:
            told.append(self.say(N_("who has its orders for the day may get more")))
        if rules.insist_on_date:
            told.append(self.say(N_("who cannot keep the promised date is left out")))
        if rules.every:
            told.append(self.say(N_("decided %(when)s"), when=self.every(rules)))
            told.append(self.say(N_("runs make small: %(aims)s"), aims=self.aims(rules)))
        if rules.answer_within:
            told.append(self.say(N_("who has not begun within %(time)s gives it back"), time=self.answer(rules)))
        if not rules.count_unanswered:
            told.append(self.say(N_("who does not answer, or has no staff, counts nothing")))
        if rules.give_up_after:
            told.append(self.say(N_("what nobody may send is %(what)s"), what=self.give_up(rules)))
        return told

    # Sentences

    def summary(self, rules: Rules) -> str:
        """Everything on one line."""
        rest = "; ".join([self.choice(rules), *self.limits(rules)])
        return capital(self.say(N_("%(orders)s: %(rest)s"), orders=self.orders(rules), rest=rest)) + "."

    def prose(self, rules: Rules, share: int) -> list[str]:
        """A sentence for each thing that holds."""
        told = [self.orders(rules), self.choice(rules), *self.limits(rules)]
        if share < 100:
            shown = formatting.percent(share / 100, self.locale, 0)
            told.insert(
                1, self.say(N_("%(share)s of them go by these rules, the others go on to the next rule set"), share=shown)
            )
        return [f"{capital(one)}." for one in told]

    def changes(self, before: RuleSetVersion | None, after: RuleSetVersion) -> list[str]:
        """What a version says unlike the one before, the step that it took first."""
        if before is None:
            return [self.say(N_("Made"))]
        moved = [] if before.state is after.state else [self.say(_STEPS[after.state])]
        return [*moved, *_unlike(self, _OF_SETS, before, after), *self.differences(before.rules, after.rules)]

    def differences(self, before: Rules, after: Rules) -> list[str]:
        """In what two rules differ."""
        told = _unlike(replace(self, most=_WHOLE), _OF_RULES, before, after)
        gone, back = set(after.excluded) - set(before.excluded), set(before.excluded) - set(after.excluded)
        if gone:
            told.append(self.say(N_("Left out from now on: %(names)s"), names=self.names(gone)))
        if back:
            told.append(self.say(N_("Used again: %(names)s"), names=self.names(back)))
        return told


def _unlike(teller: Teller, table: Mapping[str, Callable[[Teller, T], str]], before: T, after: T) -> list[str]:
    pairs = [(what, words(teller, before), words(teller, after)) for what, words in table.items()]
    return [
        teller.say(N_("%(what)s: %(before)s → %(after)s"), what=teller.say(what), before=old, after=new)
        for what, old, new in pairs
        if old != new
    ]


_WHOLE = 100
"""Differences would not show where lists are cut short."""
_STEPS: Mapping[RuleSetState, str] = {
    RuleSetState.LIVE: N_("Put live"),
    RuleSetState.DRAFT: N_("Taken back"),
    RuleSetState.RETIRED: N_("Retired"),
}
_OF_SETS: Mapping[str, Callable[[Teller, RuleSetVersion], str]] = {
    N_("Name"): lambda _, said: said.name,
    N_("Code"): lambda _, said: said.code,
    N_("Asked as number"): lambda _, said: str(said.position),
    N_("Share"): lambda teller, said: formatting.percent(said.share / 100, teller.locale, 0),
}
_OF_RULES: Mapping[str, Callable[[Teller, Rules], str]] = {
    N_("Orders"): Teller.orders,
    N_("Choice"): Teller.choice,
    N_("Split"): Teller.splitting,
    N_("Kinds of locations"): Teller.kinds,
    N_("Farthest"): Teller.farthest,
    N_("Kept by stores"): Teller.safety,
    N_("Least worth of a store's parcel"): lambda teller, rules: teller.money(rules.minimum_pick),
    N_("Who has its orders for the day"): Teller.full,
    N_("Who cannot keep the promised date"): Teller.late,
    N_("When it is decided"): Teller.every,
    N_("What runs improve"): Teller.aims,
    N_("Time to begin"): Teller.answer,
    N_("What nobody may send"): Teller.give_up,
}


def state_word(visit: Visit, state: RuleSetState) -> str:
    return i18n.translations(visit.page.language).pgettext("state", state_of(state.value).word)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


async def teller(visit: Visit, reader: Reader, rules: Sequence[Rules]) -> Teller:
    """Who can speak of these rules."""
    named = [location for one in rules for location in one.excluded]
    return Teller(visit, await channels_of(visit, reader), await places_of(reader, named), await house_currency(reader))
