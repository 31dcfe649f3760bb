"""A return policy as it stands in a form: everything as it was typed, and what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from comptoir.i18n import N_
from comptoir.kernel.money import MAX_MINOR, Currency
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.changes.contracts import Policy, PolicyDraft, Reason, RefundMethod, RefundMoment
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, picks
from comptoir.surfaces.console.pages import return_policy_goods as goods
from comptoir.surfaces.console.pages.amounts import amount, house_currency, plain_or_empty
from comptoir.surfaces.console.pages.condition_blanks import sku_lines
from comptoir.surfaces.console.pages.naming import channels_of
from comptoir.surfaces.console.pages.picks import Option, Pick, named_countries, ticked_countries
from comptoir.surfaces.console.pages.return_words import METHOD_WORDS, MOMENT_WORDS, REASON_WORDS
from comptoir.surfaces.console.web import Visit

OTHERS = "countries_other"
MANY = ("channels", "countries", "free_reasons")
_SINGLE = (
    "code", "position", "category", "valid_from", "valid_until", "window", "fee", "moment", "method", "approval_above", "kind",
    "exempt", "active", "version", "prepaid", "label_fee", OTHERS, goods.FIND,
)  # fmt: skip
PATH = " › "
MOST_LISTED = 200
"""Above so many categories they are searched for: a list of thousands is half a megabyte, and nobody reads it."""
_MOST_FOUND = 50
NO_PRODUCT = N_("no product named")


class Taking(StrEnum):
    """Whether it is taken back at all."""

    DAYS = "days"
    FINAL = "final"


TAKING_WORDS: Mapping[Taking, str] = {
    Taking.DAYS: N_("may come back"),
    Taking.FINAL: N_("is a final sale: it may not come back"),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A policy on a form."""

    values: Mapping[str, str]
    ticked: Mapping[str, Sequence[str]]
    errors: Mapping[str, str] = field(default_factory=dict[str, str])


def written(draft: PolicyDraft, currency: Currency, locale: str, version: int | None = None) -> Sheet:
    values = {
        "code": draft.code,
        "position": str(draft.position),
        "category": PATH.join(draft.category),
        goods.SKUS: "\n".join(draft.skus),
        goods.FIND: "",
        "valid_from": draft.valid_from.isoformat() if draft.valid_from else "",
        "valid_until": draft.valid_until.isoformat() if draft.valid_until else "",
        "window": str(draft.window),
        "fee": plain_or_empty(draft.fee, currency, locale),
        "prepaid": "yes" if draft.prepaid else "",
        "label_fee": plain_or_empty(draft.label_fee, currency, locale),
        "moment": draft.moment.value,
        "method": draft.method.value,
        "approval_above": "" if draft.approval_above is None else plain_or_empty(draft.approval_above, currency, locale) or "0",
        "kind": Taking.FINAL if draft.final_sale else Taking.DAYS,
        "exempt": "yes" if draft.exempt else "",
        "active": "yes" if draft.active else "",
        "version": "" if version is None else str(version),
        OTHERS: "",
    }
    ticked = {
        "channels": draft.channels,
        "countries": draft.countries,
        "free_reasons": [one.value for one in draft.free_reasons],
    }
    return Sheet(values, ticked)


def typed(fields: Fields) -> Sheet:
    """The form as it came in; articles that were ticked stand in the list, and what was searched for is done with unless it is
    what was asked now.
    """
    values = {name: fields.raw(name) for name in _SINGLE} | {goods.SKUS: "\n".join(goods.named(fields))}
    if fields.raw("step") != goods.STEP:
        values[goods.FIND] = ""
    return Sheet(values, {name: [one for one in fields.all(name) if one] for name in MANY}, dict(fields.errors))


def read(fields: Fields, currency: Currency, skus: tuple[str, ...]) -> PolicyDraft:
    """What the form means; what is wrong is noted at its field. `skus` are the articles that it names."""
    reasons = [Reason(one) for one in fields.all("free_reasons") if one in set(Reason)]
    codes, unknown = named_countries(fields.raw(OTHERS))
    if unknown:
        fields.refuse("countries", N_("%(country)s is no country that we know."), country=unknown[0][:60])
    above = amount(fields, "approval_above", currency, most=MAX_MINOR) if fields.raw("approval_above") else None
    path = fields.text("category", most=500)
    draft = PolicyDraft(
        code=fields.text("code", required=True, most=64),
        position=fields.whole("position", least=0, most=1_000_000, default=10),
        category=tuple([part.strip() for part in path.split(PATH.strip()) if part.strip()]),
        skus=skus,
        channels=tuple(fields.all("channels")),
        countries=tuple(dict.fromkeys([*ticked_countries(fields.all("countries")), *codes])),
        valid_from=_day(fields, "valid_from"),
        valid_until=_day(fields, "valid_until"),
        window=fields.whole("window", least=0, most=36_500, default=0),
        fee=amount(fields, "fee", currency, most=MAX_MINOR),
        free_reasons=tuple(reasons),
        moment=fields.choice("moment", RefundMoment, RefundMoment.RECEIPT),
        method=fields.choice("method", RefundMethod, RefundMethod.ORIGINAL),
        prepaid=fields.checked("prepaid"),
        label_fee=amount(fields, "label_fee", currency, most=MAX_MINOR) if fields.raw("label_fee") else 0,
        approval_above=above,
        final_sale=fields.choice("kind", Taking, Taking.DAYS) is Taking.FINAL,
        exempt=fields.checked("exempt"),
        active=fields.checked("active"),
    )
    if draft.valid_from and draft.valid_until and draft.valid_from > draft.valid_until:
        fields.refuse("valid_until", N_("This is before the first day."))
    return draft


def _day(fields: Fields, name: str) -> date | None:
    text = fields.raw(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        fields.refuse(name, N_("Type a day such as 2026-03-03."))
        return None


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen in the blanks."""

    picks: Mapping[str, Pick]
    categories: Sequence[Option]
    searched: bool
    """There are too many categories for a list: these are those that fit what was typed."""
    skus: str
    """The articles that are named, as they stand in the sentence."""
    found: goods.FoundGoods
    """What was searched for without a script."""


async def known_categories(reader: Reader) -> list[str]:
    """Every category and what it is in, as they are written in a form."""
    paths = await catalogue.categories(reader)
    return sorted({PATH.join(path[:depth]) for path in paths for depth in range(1, len(path) + 1)})


def fitting(categories: Sequence[str], typed: str) -> list[Option]:
    """Those with every word that was typed, the widest first."""
    words = typed.casefold().replace(PATH.strip(), " ").split()
    found = [one for one in categories if all(word in one.casefold() for word in words)]
    return [(one, one) for one in sorted(found, key=lambda one: (one.count(PATH), one))[:_MOST_FOUND]]


async def choices(visit: Visit, reader: Reader, sheet: Sheet) -> Choices:
    places = await lists.sites(reader)
    channels = await channels_of(visit, reader)
    countries = await picks.countries_of_the_house(reader, places.rows)
    locale, errors = visit.page.locale, sheet.errors
    found, chosen = await known_categories(reader), sheet.values["category"]
    searched = len(found) > MOST_LISTED
    named = sku_lines(sheet.values[goods.SKUS])
    if chosen and chosen not in found and not searched:
        found.append(chosen)
    return Choices(
        {
            "channels": Pick(
                "channels", visit.say(N_("Channels")), visit.say(N_("all channels")), channels.options,
                sheet.ticked["channels"], locale, error=errors.get("channels", ""),
            ),
            "countries": Pick(
                "countries", visit.say(N_("Countries")), visit.say(N_("all countries")),
                picks.country_options(countries | set(sheet.ticked["countries"]), locale), sheet.ticked["countries"], locale,
                other=visit.say(N_("Other countries")), typed=sheet.values[OTHERS], error=errors.get("countries", ""),
            ),
            "free_reasons": Pick(
                "free_reasons", visit.say(N_("Reasons that are free")), visit.say(N_("no reason at all")),
                lists.options_of(visit, REASON_WORDS), sheet.ticked["free_reasons"], locale,
            ),
        },
        fitting(found, chosen) if searched else [(one, one) for one in found],
        searched,
        picks.listed(named, locale) or visit.say(NO_PRODUCT),
        await goods.found_goods(reader, sheet.values[goods.FIND]),
    )  # fmt: skip


def sentence(visit: Visit, one: PolicyDraft, channels: Mapping[str, str], currency: Currency, names: lists.Goods) -> list[str]:
    """A policy as one reads it: for what it is, and what holds."""
    locale = visit.page.locale
    sellers = [channels.get(code, code) for code in one.channels]
    where = [picks.country_name(code, locale) for code in one.countries]
    scope = visit.say(
        N_("What is sold by %(channels)s to %(countries)s, of %(category)s"),
        channels=picks.listed(sellers, locale) or visit.say(N_("all channels")),
        countries=picks.listed(where, locale) or visit.say(N_("all countries")),
        category=_products(visit, one, names),
    )
    days = [formatting.day(day, locale, visit.page.zone) if day else "" for day in (one.valid_from, one.valid_until)]
    if any(days):
        scope = f"{scope}, {visit.say(N_('bought from %(first)s to %(last)s'), first=days[0] or '…', last=days[1] or '…')}"
    if one.final_sale:
        return [scope, visit.say(N_("is a final sale: it may not come back"))]
    held = visit.says(
        "may come back within %(num)s day of the delivery", "may come back within %(num)s days of the delivery", one.window
    )
    fee = formatting.money(one.fee, currency, locale)
    cost = visit.say(N_("for a fee of %(fee)s"), fee=fee) if one.fee else visit.say(N_("at no cost"))
    money = visit.say(
        N_("the money goes back %(method)s, %(moment)s"),
        method=visit.say(METHOD_WORDS[one.method]), moment=visit.say(MOMENT_WORDS[one.moment]),
    )  # fmt: skip
    parts = [scope, f"{held}, {cost}", money]
    if one.prepaid:
        price = formatting.money(one.label_fee, currency, locale)
        own = visit.say(N_("we buy the label, for %(fee)s"), fee=price) if one.label_fee else visit.say(N_("we buy the label"))
        parts.append(own)
    if one.approval_above is not None:
        above = formatting.money(one.approval_above, currency, locale)
        parts.append(visit.say(N_("above %(amount)s somebody has to approve it"), amount=above))
    return parts


def _products(visit: Visit, one: PolicyDraft, names: lists.Goods) -> str:
    """What it is for: a category, articles, either, or everything."""
    category = PATH.join(one.category)
    if not one.skus:
        return category or visit.say(N_("all products"))
    skus = goods.in_words(one.skus, names, visit.page.locale)
    return visit.say(N_("%(category)s, or of %(products)s"), category=category, products=skus) if category else skus


async def currency_of(reader: Reader) -> Currency:
    """In which amounts of policies are typed; they hold in minor units of each order's own currency."""
    return await house_currency(reader)


def with_id(draft: PolicyDraft, policy: Policy | None) -> Policy:
    """The draft in the place of the policy that it changes."""
    values = {name: getattr(draft, name) for name in PolicyDraft.__dataclass_fields__}
    return Policy(**values, id=policy.id if policy else None)
