"""One SKU: where it is, what each channel may promise of it and why, what is to come, and what has moved it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit, Variant
from comptoir.modules.catalogue.errors import UnknownVariant
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import Channel, PublishRules
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Arrival, LedgerFilter, SpotLevel
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Pool, PoolId
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import ShelfFilter
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.api import FulfilmentStatus
from comptoir.modules.orders.contracts import ORDER_PREFIX, OrderFilter, OrderSummary
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists, stock_ledger
from comptoir.surfaces.console.pages.lists import Goods, Sites
from comptoir.surfaces.console.pages.lots import lot_rows
from comptoir.surfaces.console.pages.naming import ICONS, channels_of, people_of
from comptoir.surfaces.console.pages.stock import level_rows
from comptoir.surfaces.console.pages.stock_totals import course_of, totals_of
from comptoir.surfaces.console.web import Answer, Area, Visit

area = Area("stock")

_ENTRIES = 20
_LEVELS = 60
_LOTS = 12


class Promise(NamedTuple):
    """What a channel may promise of a SKU, and how that comes about: (label, figure) one after the other."""

    channel: Channel
    icon: str
    quantity: int
    pool: int
    pool_name: str
    reasons: tuple[str, ...]


def reasons(visit: Visit, total: int, rules: PublishRules, weighed: bool = False) -> list[str]:
    """The rules that hold something back, in words."""

    def shown(quantity: int) -> str:
        locale = visit.page.locale
        return formatting.weighed(quantity, locale) if weighed else formatting.number(quantity, locale)

    told: list[str] = []
    if rules.stop_below and total < rules.stop_below:
        return [visit.say(N_("stops below %(units)s in the pool"), units=shown(rules.stop_below))]
    if rules.buffer:
        told.append(visit.say(N_("buffer of %(units)s"), units=shown(rules.buffer)))
    left = total - rules.buffer
    if left <= 0:
        return told
    share = left * rules.publish_percent // 100
    if rules.publish_percent != 100:
        percent = formatting.percent(rules.publish_percent / 100, visit.page.locale)
        told.append(visit.say(N_("%(share)s of the rest"), share=percent))
    if rules.publish_max is not None and share > rules.publish_max:
        told.append(visit.say(N_("at most %(units)s"), units=shown(rules.publish_max)))
        share = rules.publish_max
    if share < rules.publish_min:
        told.append(visit.say(N_("at least %(units)s"), units=shown(rules.publish_min)))
    return told


def promises(
    visit: Visit, found: Sequence[Channel], pools: Mapping[PoolId, Pool], levels: Iterable[SpotLevel], *, weighed: bool
) -> list[Promise]:
    """What each channel may promise of one SKU whose levels these are."""
    available = {row.location_id: max(0, row.level.available) for row in levels}
    told: list[Promise] = []
    for channel in found:
        pool = pools[channel.pool_id]
        total = sum(available.get(member.id, 0) for member in pool.members if member.active)
        quantity = channels.publishable_of(total, channel.rules) if channel.active else 0
        words = reasons(visit, total, channel.rules, weighed) if channel.active else [visit.say(N_("switched off"))]
        told.append(Promise(channel, ICONS[channel.kind], quantity, total, pool.name or pool.code, tuple(words)))
    return told


async def pools_of(reader: Reader, found: Iterable[Channel]) -> dict[PoolId, Pool]:
    """There are few pools, and most channels share one."""
    return {pool_id: await locations.pool(reader, pool_id) for pool_id in sorted({channel.pool_id for channel in found})}


@area.get("/stock/{sku:path}", Permission.STOCK_READ)
async def sku_page(visit: Visit) -> Answer:
    sku = visit.path("sku").removeprefix("/")
    async with visit.read() as reader:
        variant = await _variant(reader, sku)
        levels = await inventory.levels_of_sku(reader, sku)
        if variant is None and not levels:
            raise NotFound(kind="sku", id=sku)
        places = await lists.sites(reader)
        found = await visit.console.channels(reader) if visit.may(Permission.CHANNELS_READ) else []
        pools = await pools_of(reader, found)
        arriving = (await inventory.incoming(reader, [sku]))[sku]
        totals = (await totals_of(reader, [sku]))[sku]
        now = visit.page.now.astimezone(visit.page.zone)
        course = await course_of(reader, sku, now, totals.on_hand, _zone_name(visit))
        entries = (await inventory.ledger(reader, LedgerFilter(skus=(sku,)), limit=_ENTRIES)).items
        shelves = (await lots.find(reader, ShelfFilter(sku=sku), limit=_LOTS)).items
        waiting = await _open_orders(visit, reader, sku)
        tags = await channels_of(visit, reader)
        people = await people_of(visit, reader, [entry.actor for entry in entries], tags)
    weighed = variant is not None and variant.unit is Unit.THOUSANDTH
    names = Goods({sku: variant.name if variant else sku}, frozenset({sku}) if weighed else frozenset())
    ordered = sorted(levels, key=lambda row: (-row.level.available, -row.level.on_hand, row.location_id))
    return visit.respond(
        "stock/sku.html",
        sku=sku,
        variant=variant,
        name=names[sku],
        weighed=weighed,
        totals=totals,
        rows=level_rows(ordered[:_LEVELS], names, places),
        more=max(0, len(levels) - _LEVELS),
        all_href="/stock?" + urlencode({"by": "location", "q": sku}),
        ledger_href="/stock-ledger?" + urlencode({"q": sku}),
        promises=promises(visit, found, pools, levels, weighed=weighed),
        arriving=_arrivals(arriving, places),
        spec=_course_spec(visit, course.days, course.on_hand, weighed=weighed),
        course_words=_course_words(visit, course.on_hand, weighed=weighed),
        entries=stock_ledger.told(visit, entries, names, places),
        people=people,
        orders=waiting,
        lots=lot_rows(visit, shelves, places),
        names=names,
        lots_href="/lots?" + urlencode({"sku": sku}),
        tags=tags,
        text_of=Sites.text,
        order_prefix=ORDER_PREFIX,
        to_text=to_text,
        query=urlencode({"sku": sku}),
    )


async def _variant(reader: Reader, sku: str) -> Variant | None:
    try:
        return await catalogue.by_sku(reader, sku)
    except UnknownVariant:
        return None


def _zone_name(visit: Visit) -> str:
    zone = visit.page.zone
    return zone.key if isinstance(zone, ZoneInfo) else "UTC"


async def _open_orders(visit: Visit, reader: Reader, sku: str) -> Sequence[OrderSummary]:
    if not visit.may(Permission.ORDERS_READ):
        return ()
    states = (FulfilmentStatus.UNFULFILLED, FulfilmentStatus.PARTIAL, FulfilmentStatus.BACKORDERED)
    return (await orders.find(reader, OrderFilter(sku=sku, fulfilment=states), limit=8)).items


class Coming(NamedTuple):
    place: str
    arrival: Arrival


def _arrivals(found: Iterable[Arrival], places: Sites) -> list[Coming]:
    by_id = {one.id: lists.label(one) for one in places.rows}
    return [Coming(by_id.get(one.location_id, ""), one) for one in found]


def _course_spec(visit: Visit, days: Sequence[date], on_hand: Sequence[int], *, weighed: bool) -> dict[str, object]:
    locale, zone = visit.page.locale, visit.page.zone
    values = [n / 1000 for n in on_hand] if weighed else list(on_hand)
    labels = [formatting.day(day, locale, zone) for day in days]
    series = {"name": visit.say(N_("On hand")), "values": values}
    return {"kind": "area", "labels": labels, "series": [series], "whole": not weighed}


def _course_words(visit: Visit, on_hand: Sequence[int], *, weighed: bool) -> str:
    locale = visit.page.locale
    show = formatting.weighed if weighed else formatting.number
    return visit.say(
        N_("%(now)s today, %(then)s thirty days ago"), now=show(on_hand[-1], locale), then=show(on_hand[0], locale)
    )
