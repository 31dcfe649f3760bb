"""Stock in lists: by SKU over all locations, and by location."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from comptoir.i18n import N_
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit, VariantFilter
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Level, LevelFilter, LevelState, SpotLevel
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Count, Page
from comptoir.surfaces.console.pages import lists, stock_words
from comptoir.surfaces.console.pages.lists import Goods, Sites
from comptoir.surfaces.console.pages.stock_totals import TOTALS, Totals, totals_of, where_totals
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Visit

area = Area("stock")

SKU_SORTS = ("sku", "name", "available", "on_hand", "reserved", "incoming")
LEVEL_SORTS = ("sku", "available", "on_hand", "reserved", "incoming")
_BY_CATALOGUE = ("sku", "-sku", "name", "-name")
_BATCH = 200


def sku_href(sku: str) -> str:
    return f"/stock/{quote(sku, safe='')}"


def tabs(visit: Visit, current: str) -> list[tuple[str, str, bool, int | None]]:
    """The views of stock."""
    views = (
        ("sku", N_("By SKU"), "/stock"),
        ("location", N_("By location"), "/stock?by=location"),
        ("ledger", N_("Ledger"), "/stock-ledger"),
        ("transfers", N_("Transfers"), "/transfers"),
        ("supplies", N_("Incoming"), "/supplies"),
        ("purchases", N_("Purchase orders"), "/purchases"),
        ("counts", N_("Counts"), "/counts"),
        ("substitutes", N_("Substitutes"), "/substitutes"),
        ("lots", N_("Lots"), "/lots"),
    )
    return [(visit.say(word), href, key == current, None) for key, word, href in views]


# By SKU, over all locations


@dataclass(frozen=True, slots=True)
class SkuRow:
    sku: str
    name: str
    weighed: bool
    totals: Totals


@area.get("/stock", Permission.STOCK_READ)
async def stock_list(visit: Visit) -> Answer:
    if visit.param("by") == "location" or visit.param("location"):
        return await _by_location(visit)
    state = lists.chosen(visit, "state", LevelState)
    q = visit.param("q").strip()
    sort = visit.sort(SKU_SORTS, "sku")
    if visit.wants_csv:
        return visit.csv("stock", _header(visit), _exported_skus(visit, q, state, sort))
    async with visit.read() as reader:
        page, total = await _skus(reader, q, state, sort, visit.cursor)
    return visit.respond(
        "stock/list.html",
        "stock/_skus.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        words=lists.rows_words(visit, total),
        sort=sort,
        states=lists.options_of(visit, stock_words.STATE_WORDS),
        chips=lists.chips(visit, [(N_("State"), "state", dict(lists.options_of(visit, stock_words.STATE_WORDS)))]),
        tabs=tabs(visit, "sku"),
        href=sku_href,
        is_empty=not page.items and not q and state is None and visit.cursor is None,
    )


async def _skus(reader: Reader, q: str, state: LevelState | None, sort: str, cursor: str | None) -> tuple[Page[SkuRow], Count]:
    """What the catalogue has, in its order; what is asked by a figure goes by the levels that there are."""
    if state is None and sort in _BY_CATALOGUE:
        wanted = VariantFilter(search=q, stocked=True)
        found = await catalogue.find(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=cursor)
        total = await catalogue.count(reader, wanted)
        sums = await totals_of(reader, [row.sku for row in found.items])
        return found.map(lambda row: SkuRow(row.sku, row.name, row.unit is Unit.THOUSANDTH, sums[row.sku])), total
    where = where_totals(state, q, await lists.skus_found(reader, q) if q else ())
    order = sort if sort.removeprefix("-") in TOTALS.sorts else "sku"
    page = await TOTALS.page(reader, where, sort=order, limit=PAGE_SIZE, cursor=cursor)
    total = await TOTALS.count(reader, where)
    names = await lists.goods(reader, [row.sku for row in page.items])
    return page.map(lambda row: SkuRow(row.sku, names[row.sku], names.is_weighed(row.sku), row)), total


def _header(visit: Visit) -> list[str]:
    words = (
        N_("SKU"), N_("Product"), N_("On hand"), N_("Reserved"), N_("Safety stock"), N_("Damaged"), N_("Quality hold"),
        N_("Incoming"), N_("Available"),
    )  # fmt: skip
    return [visit.say(word) for word in words]


async def _exported_skus(visit: Visit, q: str, state: LevelState | None, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:

        async def page_of(cursor: str | None) -> Page[SkuRow]:
            return (await _skus(reader, q, state, sort, cursor))[0]

        async for row in lists.every(page_of):
            t, shown = row.totals, partial(plain_quantity, row.weighed)
            buckets = (t.on_hand, t.reserved, t.safety, t.damaged, t.quality, t.incoming, t.available)
            yield (row.sku, row.name, *map(shown, buckets))


def plain_quantity(weighed: bool, quantity: int) -> object:
    """For a file: whole units, or what is weighed with its three digits."""
    return f"{quantity / 1000:.3f}" if weighed else quantity


# By location


@dataclass(frozen=True, slots=True)
class LevelRow:
    sku: str
    name: str
    weighed: bool
    location_id: LocationId
    place: str
    level: Level

    @property
    def state(self) -> str:
        return level_state(self.level)


def level_state(level: Level) -> str:
    if level.missing:
        return "oversold"
    free = level.available + level.safety
    if free <= 0:
        return "out_of_stock"
    return "low" if free <= level.safety else "in_stock"


async def _by_location(visit: Visit) -> Answer:
    sort = visit.sort(LEVEL_SORTS, "sku")
    async with visit.read() as reader:
        wanted = await _wanted_levels(visit, reader)
        places = await lists.sites(reader)
        if visit.wants_csv:
            header = [visit.say(N_("Location")), *_header(visit)]
            return visit.csv("stock-by-location", header, _exported_levels(visit, wanted, sort, places))
        page = await inventory.find_levels(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        total = await inventory.count_levels(reader, wanted)
        names = await lists.goods(reader, [row.sku for row in page.items])
    states = lists.options_of(visit, stock_words.STATE_WORDS)
    return visit.respond(
        "stock/levels.html",
        "stock/_levels.html",
        rows=level_rows(page.items, names, places),
        before=page.previous,
        after=page.next,
        words=lists.rows_words(visit, total),
        sort=sort,
        sites=places.options,
        states=states,
        chips=lists.chips(visit, [(N_("Location"), "location", dict(places.options)), (N_("State"), "state", dict(states))]),
        tabs=tabs(visit, "location"),
        href=sku_href,
        text_of=Sites.text,
        is_empty=not page.items and not visit.param("q") and not visit.param("state") and visit.cursor is None,
    )


async def _wanted_levels(visit: Visit, reader: Reader) -> LevelFilter:
    q = visit.param("q").strip()
    location = visit.optional_id("location", LOCATION_PREFIX)
    found = await lists.skus_found(reader, q) if q else []
    return LevelFilter(
        skus=tuple(found) or None,
        # A search that finds no product may still mean a SKU that the catalogue does not know.
        sku_begins="" if found else q,
        location_ids=None if location is None else (LocationId(location),),
        state=lists.chosen(visit, "state", LevelState),
    )


def level_rows(rows: Iterable[SpotLevel], names: Goods, places: Sites) -> list[LevelRow]:
    by_id = {one.id: lists.label(one) for one in places.rows}
    return [
        LevelRow(
            row.sku,
            names[row.sku],
            names.is_weighed(row.sku),
            row.location_id,
            by_id.get(row.location_id, Sites.text(row.location_id)),
            row.level,
        )
        for row in rows
    ]


async def _exported_levels(visit: Visit, wanted: LevelFilter, sort: str, places: Sites) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        batch: list[SpotLevel] = []

        async def written() -> list[Sequence[object]]:
            names = await lists.goods(reader, [row.sku for row in batch])
            return [
                (row.place, row.sku, row.name, *(plain_quantity(row.weighed, n) for n in (*row.level, row.level.available)))
                for row in level_rows(batch, names, places)
            ]

        async for one in inventory.stream_levels(reader, wanted, sort=sort):
            batch.append(one)
            if len(batch) == _BATCH:
                for line in await written():
                    yield line
                batch.clear()
        for line in await written():
            yield line
