"""Exceptions by what hurts most, each with its best remedy one click away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from comptoir.i18n import N_
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ExceptionKind, UrgentException
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists, parked_words
from comptoir.surfaces.console.pages.exceptions import KIND_ICONS, KIND_WORDS, exception_href
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.pages.operations_rows import NO_DUE, promised_due
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.remedies import Remedy, best_remedies
from comptoir.surfaces.console.pages.store_desk import Due
from comptoir.surfaces.console.web import Visit

SHOWN = 6


@dataclass(frozen=True, slots=True)
class Ranked:
    """An exception in the tower."""

    title: str
    href: str
    icon: str
    words: str
    number: int | None
    order_href: str
    value: int | None
    currency: str | None
    due: Due
    opened_at: datetime | None
    post: str
    """Where the remedy is sent; empty where it takes a look first."""
    choice: str
    choice_icon: str
    against: str
    """What the rules say against the remedy."""
    remedy: str
    remedy_href: str


async def read(visit: Visit, reader: Reader, sites: Sites, risk_on: date, limit: int = SHOWN) -> list[Ranked]:
    """One query, one for names, and those of the remedies."""
    found = await orders.urgent_exceptions(reader, risk_on, limit)
    known = {one.code: one for one in await visit.console.channels(reader)}
    may = visit.may(Permission.EXCEPTIONS_RESOLVE)
    remedies = await best_remedies(visit, reader, [one.summary for one in found], known) if may and found else {}
    goods = await lists.goods(reader, [one.summary.exception.sku for one in found if one.summary.exception.sku])
    return [_ranked(visit, one, sites, goods, remedies.get(one.summary.exception.id)) for one in found]


def _ranked(visit: Visit, one: UrgentException, sites: Sites, goods: lists.Goods, remedy: Remedy | None) -> Ranked:
    own = one.summary.exception
    href = exception_href(own.id)
    today = visit.page.now.astimezone(visit.page.zone).date()
    where = sites[own.location_id] if own.location_id is not None else ""
    what = f"{_units(visit, own.quantity, weighed=goods.is_weighed(own.sku))} × {goods[own.sku]}" if own.sku else ""
    post, word, ahead = _remedy(visit, one, remedy, href)
    return Ranked(
        title=visit.say(KIND_WORDS[own.kind][0]),
        href=href,
        icon=KIND_ICONS[own.kind],
        words=" · ".join(part for part in (what, where, parked_words.main_reason(visit, own)) if part),
        number=one.summary.order_number,
        order_href=order_href(own.order_id) if own.order_id is not None else "",
        value=one.value,
        currency=one.currency,
        due=promised_due(visit, one.promised_on, today) if one.promised_on is not None else NO_DUE,
        opened_at=own.opened_at,
        post=post,
        choice=remedy.choice.value if remedy is not None else "",
        choice_icon=remedy.icon if remedy is not None else "",
        against=remedy.against if remedy is not None else "",
        remedy=word,
        remedy_href=ahead,
    )


def _remedy(visit: Visit, one: UrgentException, remedy: Remedy | None, href: str) -> tuple[str, str, str]:
    """Where it is sent, what it is called, and where it is decided; what takes units from a buyer takes a look first."""
    own = one.summary.exception
    if remedy is not None and remedy.at_once:
        return f"{href}?back=operations{remedy.query}", remedy.words, href
    if remedy is not None:
        return "", remedy.words, href
    counting = own.kind is ExceptionKind.NEGATIVE_STOCK and own.location_id is not None and own.sku
    if counting and own.location_id is not None and visit.may(Permission.STOCK_COUNT):
        return "", visit.say(N_("Count it")), _count_href(own.location_id, own.sku or "")
    return "", visit.say(N_("Decide")), href


def _count_href(location_id: LocationId, sku: str) -> str:
    return f"/counts/new?{urlencode({'location': Sites.text(location_id), 'code': sku})}"


def _units(visit: Visit, quantity: int, *, weighed: bool) -> str:
    locale = visit.page.locale
    return formatting.weighed(quantity, locale) if weighed else formatting.number(quantity, locale)
