"""The search above every page: straight to what was meant where that is plain, else what it may have been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import VariantFilter
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CUSTOMER_PREFIX, EMAIL, CustomerFilter, CustomerId, Identity
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationFilter
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, OrderFilter, OrderSummary
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.naming import channels_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import Answer, Area, Visit

area = Area("")

FEW = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that may have been meant; `exact` is what surely was."""

    title: str
    words: str
    href: str
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    icon: str
    more: str
    hits: Sequence[Hit]


@area.get("/search")
async def search(visit: Visit) -> Answer:
    q = visit.param("q").strip()[:200]
    groups: list[Group] = []
    if q:
        async with visit.read() as reader:
            groups = [group for group in await _groups(visit, reader, q) if group.hits]
        exact = {hit.href for group in groups for hit in group.hits if hit.exact}
        if len(exact) == 1 and not visit.is_fragment:
            return visit.redirect(exact.pop())
    return visit.respond("search/results.html", q=q, groups=groups)


async def _groups(visit: Visit, reader: Reader, q: str) -> list[Group]:
    groups: list[Group] = []
    known: list[CustomerId] = []
    if visit.may(Permission.CUSTOMERS_READ):
        group, known = await _customers(visit, reader, q)
        groups.append(group)
    if visit.may(Permission.ORDERS_READ):
        groups.insert(0, await _orders(visit, reader, q, known))
    if visit.may(Permission.CATALOGUE_READ):
        groups.append(await _products(visit, reader, q))
    if visit.may(Permission.LOCATIONS_READ):
        groups.append(await _locations(visit, reader, q))
    return groups


async def _orders(visit: Visit, reader: Reader, q: str, known: Sequence[CustomerId]) -> Group:
    wanted = OrderFilter(search=q, search_customers=tuple(known))
    found = await orders.find(reader, wanted, limit=FEW)
    channels = await channels_of(visit, reader)
    locale, zone = visit.page.locale, visit.page.zone
    hits = [
        Hit(
            str(one.number) + (f" · {one.external_id}" if one.external_id else ""),
            f"{channels[one.channel_code].name} · {formatting.instant(one.placed_at, locale, zone)} · "
            f"{formatting.money(one.total, one.currency, locale)}" + (f" · {one.buyer_name}" if one.buyer_name else ""),
            order_href(one.id),
            exact=_is_order(one, q),
        )
        for one in found.items
    ]
    return Group(visit.say(N_("Orders")), "receipt", f"/orders?q={quote(q)}", hits)


def _is_order(one: OrderSummary, q: str) -> bool:
    text = q.removeprefix("#")
    return text == str(one.number) or q in {one.external_id, to_text(ORDER_PREFIX, one.id)}


async def _customers(visit: Visit, reader: Reader, q: str) -> tuple[Group, list[CustomerId]]:
    found = (await customers.find(reader, CustomerFilter(search=q), limit=FEW)).items
    exact = await customers.known_by(reader, Identity(EMAIL, q)) if "@" in q else None
    hits = [
        Hit(
            one.name or one.company or next((key.value for key in one.identities), visit.say(N_("Without a name"))),
            " · ".join(key.value for key in one.identities[:3]),
            f"/customers/{to_text(CUSTOMER_PREFIX, one.id)}",
            exact=one.id == exact,
        )
        for one in found
    ]
    return Group(visit.say(N_("Customers")), "users", f"/customers?q={quote(q)}", hits), [one.id for one in found]


async def _products(visit: Visit, reader: Reader, q: str) -> Group:
    found = (await catalogue.find(reader, VariantFilter(search=q), limit=FEW)).items
    hits = [
        Hit(one.name or one.sku, " · ".join(filter(None, (one.sku, one.gtin, one.brand))), f"/stock/{quote(one.sku, safe='')}",
            exact=q in {one.sku, one.gtin})
        for one in found
    ]  # fmt: skip
    return Group(visit.say(N_("Products")), "packages", f"/stock?q={quote(q)}", hits)


async def _locations(visit: Visit, reader: Reader, q: str) -> Group:
    found = (await locations.find(reader, LocationFilter(search=q), limit=FEW)).items
    hits = [
        Hit(
            one.name or one.code,
            " · ".join(filter(None, (one.code, one.city, one.region))),
            f"/stock?location={to_text(LOCATION_PREFIX, one.id)}",
            exact=q.casefold() in {one.code.casefold(), one.name.casefold()},
        )
        for one in found
    ]
    return Group(visit.say(N_("Locations")), "map-pin", "/settings/locations?q=" + quote(q), hits)
