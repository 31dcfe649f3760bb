"""Setting the demo up: places, channels, products, customers and the first stock. Done again, it does what is missing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast
from zlib import crc32

from comptoir.kernel.ids import ActorId
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Service, Zone
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, Unit, VariantDraft
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import ChannelDraft, ChannelKind, PublishRules
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CustomerDraft, CustomerId, Sighting
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import StockColumns
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import (
    DAY,
    Interval,
    LocationDraft,
    LocationId,
    LocationKind,
    OpeningHours,
    PoolDraft,
)
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import MarketDraft, PriceDraft
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import (
    Condition,
    Rating,
    Rules,
    RuleSetDraft,
    RuleSetState,
    ScheduleDraft,
    SiteSettings,
    Splitting,
    Weight,
)
from comptoir.runtime.database import Context, Database, Reader, Tx
from comptoir.sdk.orders import Buyer, LineKind
from comptoir.surfaces.demo import state
from comptoir.surfaces.demo.catalogue import Product
from comptoir.surfaces.demo.dropping import SUPPLIERS, Source, dropped, source
from comptoir.surfaces.demo.furnishing import furnish
from comptoir.surfaces.demo.places import Capability, Place, PlaceKind
from comptoir.surfaces.demo.plan import USD, Plan
from comptoir.surfaces.demo.replenishment import Stock
from comptoir.surfaces.demo.stream import Channel

Progress = Callable[[str, int, int], None]
"""Told the name of the step, how much is done, and of how much."""

MARKET = "US"
DEMO = Context(actor=ActorId("demo"))

_PRODUCTS = 5_000
_STOCK = 100_000

_KINDS = {
    Channel.POS: ChannelKind.POS,
    Channel.WEB: ChannelKind.WEB,
    Channel.APP: ChannelKind.APP,
    Channel.MARKETPLACE: ChannelKind.MARKETPLACE,
    Channel.PHONE: ChannelKind.PHONE,
}
_RULES = {Channel.MARKETPLACE: PublishRules(buffer=2, publish_percent=80, publish_max=500, stop_below=3)}
"""A marketplace punishes what is sold and not there: it is told the least. The others may promise all that their pool holds."""


def _quiet(_step: str, _done: int, _of: int) -> None:
    pass


async def load(database: Database, plan: Plan, progress: Progress = _quiet, *, opening_weeks: int = 53) -> None:
    """Everything that the first basket needs. What is there is left alone, and an interrupted set-up goes on where it was.

    `opening_weeks` is the one that the plan was built with; raises ValueError when the database was set up with another.
    """
    async with database.transaction(DEMO) as tx:
        there = await state.begin(
            tx,
            opening_weeks=opening_weeks,
            baskets=len(plan.year),
            begins_at=datetime.fromtimestamp(plan.days[0].at, UTC),
            ends_at=datetime.fromtimestamp(int(plan.year.at[-1]), UTC),
        )
    if there.opening_weeks != opening_weeks:
        msg = f"this demo was set up with {there.opening_weeks} opening weeks, not {opening_weeks}"
        raise ValueError(msg)
    for name, of, work in (
        ("places", len(plan.places), _load_places),
        ("channels", len(plan.channels), _load_channels),
        ("customers", len(plan.households), _load_customers),
        ("routing", len(RULES), _load_routing),
        ("rules", 1, _load_rules),
    ):
        async with _step(database, name, of, progress) as tx:
            if tx is not None:
                await work(tx, plan)
    await _load_products(database, plan, progress)
    async with _step(database, "life", 1, progress) as tx:
        if tx is not None:
            await furnish(tx, plan)
    await load_stock(database, plan, progress)


@asynccontextmanager
async def _step(database: Database, name: str, of: int, progress: Progress) -> AsyncGenerator[Tx | None]:
    """A step that is one transaction; gives None when it has been done."""
    async with database.transaction(DEMO) as tx:
        done = (await state.steps(tx)).get(name, 0)
        progress(name, done, of)
        yield tx if done < of else None
        if done < of:
            await state.step(tx, name, of)
    progress(name, of, of)


async def _load_places(tx: Tx, plan: Plan) -> None:
    await pricing.put_market(
        tx, MarketDraft(code=MARKET, currency=USD, country="US", name="United States", tax_included=True, tax_name="Sales tax")
    )
    await locations.upsert(tx, [_location(place) for place in plan.places])


def _location(place: Place) -> LocationDraft:
    return LocationDraft(
        code=place.code,
        name=place.name,
        kind=LocationKind.WAREHOUSE if place.kind is PlaceKind.WAREHOUSE else LocationKind.STORE,
        country=place.country,
        time_zone=place.time_zone,
        city=place.city,
        region=place.region,
        latitude=place.latitude,
        longitude=place.longitude,
        opening_hours=OpeningHours(((Interval(_minutes(place.opens), _minutes(place.closes)),),) * 7),
        ships=Capability.SHIPS in place.capabilities,
        pickup=Capability.PICKUP in place.capabilities,
        returns=Capability.RETURNS in place.capabilities,
        daily_capacity=place.daily_capacity,
    )


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return min(int(hours) * 60 + int(minutes), DAY)


_POOLS = {
    Channel.POS: ("stores", "All stores"),
    Channel.WEB: ("shared", "Warehouses, then all stores"),
    Channel.APP: ("shared", "Warehouses, then all stores"),
    Channel.PHONE: ("shared", "Warehouses, then all stores"),
    Channel.MARKETPLACE: ("parcels", "Warehouses, then stores that ship"),
}


async def _load_channels(tx: Tx, plan: Plan) -> None:
    ids = await location_ids(tx, plan)
    for setup in plan.channels:
        code, name = _POOLS[setup.channel]
        members = [(ids[place], priority) for priority, group in enumerate(setup.pool) for place in group]
        pool = await locations.put_pool(tx, PoolDraft(code=code, name=name, members=members))
        await channels.put(
            tx,
            ChannelDraft(
                code=setup.channel.value,
                name=setup.name,
                kind=_KINDS[setup.channel],
                pool_id=pool.id,
                market=MARKET,
                backorder=not setup.fact,
                rules=_RULES.get(setup.channel, PublishRules()),
            ),
        )


GROUND = (
    Zone(80, 560, 25, 1),
    Zone(240, 690, 40, 2),
    Zone(480, 850, 60, 2),
    Zone(1_600, 1_090, 90, 3),
    Zone(5_000, 1_390, 120, 5),
)
AIR = (Zone(1_600, 1_990, 190, 1), Zone(5_000, 2_490, 240, 2))
"""Table rates of our own: a parcel pays for the first miles, each kilogram for the distance. Cents and days."""
RULES = (
    RuleSetDraft(
        code="nearest",
        name="Nearest first",
        rules=Rules(ratings=(Weight(Rating.DISTANCE), Weight(Rating.COST)), safety=1, respect_capacity=False),
        position=1,
    ),
    RuleSetDraft(
        code="cheapest",
        name="Cheapest, in few parcels",
        rules=Rules(
            ratings=(Weight(Rating.PARCELS), Weight(Rating.COST)), splitting=Splitting(parcels=2), respect_capacity=False
        ),
        position=2,
    ),
)
"""Drafts, for whoever wants to try them on the year."""
HOUSE = RuleSetDraft(
    code="house",
    name="Our centres first, then the nearest store",
    rules=Rules(
        condition=Condition(channels=tuple(channel.value for channel in Channel if channel is not Channel.POS)),
        ratings=(Weight(Rating.PRIORITY), Weight(Rating.DISTANCE), Weight(Rating.COST)),
        respect_capacity=False,
    ),
)
"""Live: the plan of the year has its stock lie where these rules look for it. A day of trade takes seconds here, so that
nobody's day is ever full.
"""
BY_PHONE = ScheduleDraft(
    code="phone",
    name="Orders by phone, together",
    condition=Condition(channels=(Channel.PHONE.value,)),
    time_zone="America/New_York",
    every=5,
)
"""What is ordered by phone, which is little, waits a few minutes of the viewer's time to be decided together."""


async def _load_routing(tx: Tx, plan: Plan) -> None:
    every_day = (True,) * 7
    await carriers.create(tx, CarrierServiceDraft(code="ground", name="Ground", zones=GROUND))
    await carriers.create(
        tx, CarrierServiceDraft(code="air", name="Air", service=Service.EXPRESS, zones=AIR, delivers=every_day, carbon=0.6)
    )
    ids = await location_ids(tx, plan)
    await routing.put_sites(
        tx,
        [
            SiteSettings(
                location_id=ids[place.code],
                pick_cost=15 if place.kind is PlaceKind.WAREHOUSE else 35,
                pack_cost=60 if place.kind is PlaceKind.WAREHOUSE else 110,
                works=every_day,
            )
            for place in plan.places
        ],
    )
    for draft in RULES:
        await routing.create(tx, draft)


async def _load_rules(tx: Tx, _plan: Plan) -> None:
    """Once: a house that has rules of its own, or runs, keeps to them."""
    if not await routing.live(tx):
        made = await routing.create(tx, HOUSE)
        await routing.move(tx, made.id, RuleSetState.LIVE)
    if not await routing.schedules(tx):
        await routing.create_schedule(tx, BY_PHONE)


async def location_ids(reader: Reader, plan: Plan) -> dict[str, LocationId]:
    """By code."""
    return await locations.ids(reader, [place.code for place in plan.places])


async def supplier_ids(reader: Reader) -> list[LocationId]:
    """In the order of `SUPPLIERS`; none in a demo that was set up before there were any."""
    found = await locations.ids(reader, [one.code for one in SUPPLIERS])
    return [found[one.code] for one in SUPPLIERS] if len(found) == len(SUPPLIERS) else []


async def stock_source(reader: Reader, plan: Plan, places: Sequence[LocationId]) -> Source:
    """Where the stock lies that the plan has at its places."""
    return source(places, await supplier_ids(reader), dropped(plan.year, plan.catalogue))


async def _load_customers(tx: Tx, plan: Plan) -> None:
    ids = await customer_ids(tx, plan)
    for household, customer_id in zip(plan.households, ids, strict=True):
        if household.tags:
            customer = await customers.get(tx, customer_id)
            await customers.update(tx, customer_id, CustomerDraft(name=customer.name, locale="en-US", tags=household.tags))


async def customer_ids(tx: Tx, plan: Plan) -> list[CustomerId]:
    """The households as customers, in their order; those that are not there yet are made."""
    found = await customers.recognise_many(
        tx, [Sighting(Buyer(loyalty_number=household.number), region="US") for household in plan.households]
    )
    assert all(found), "a loyalty number is a key"
    return cast("list[CustomerId]", found)


async def _load_products(database: Database, plan: Plan, progress: Progress) -> None:
    of = plan.catalogue.count
    async with database.read() as reader:
        done = (await state.steps(reader)).get("products", 0)
    progress("products", done, of)
    if done >= of:
        return
    seen = 0
    for products in plan.products(_PRODUCTS):
        seen += len(products)
        if seen <= done:
            continue
        async with database.transaction(DEMO) as tx:
            await catalogue.upsert(tx, [_product(product) for product in products])
            await pricing.set_prices(tx, MARKET, [PriceDraft(p.sku, p.price) for p in products if p.price is not None])
            await state.step(tx, "products", seen)
        progress("products", seen, of)


def _product(product: Product) -> ProductDraft:
    variant = VariantDraft(
        sku=product.sku,
        unit=Unit.THOUSANDTH if product.weighed else Unit.UNIT,
        stocked=product.kind is LineKind.ITEM,
        weight=1_000 if product.weighed else 100 + crc32(product.sku.encode()) % 1_000,  # the data does not say
    )
    return ProductDraft(
        code=product.sku, names={"en": product.name}, brand=product.brand, category=product.path, variants=(variant,)
    )


async def load_stock(database: Database, plan: Plan, progress: Progress = _quiet) -> None:
    """What lies there before the first basket."""
    of = len(plan.stock.opening)
    async with database.read() as reader:
        done = (await state.steps(reader)).get("stock", 0)
        ids = await location_ids(reader, plan)
        where = await stock_source(reader, plan, [ids[place.code] for place in plan.places])
    progress("stock", done, of)
    seen = 0
    for chunk in plan.opening_stock(_STOCK):
        seen += len(chunk)
        if seen <= done:
            continue
        async with database.transaction(DEMO) as tx:
            await inventory.load_levels(tx, _columns(plan, where, chunk))
            await state.step(tx, "stock", seen)
        progress("stock", seen, of)
    if done < of:
        await database.survey()


def _columns(plan: Plan, where: Source, stock: Stock) -> StockColumns:
    products, places = cast("list[int]", stock.product.tolist()), cast("list[int]", stock.location.tolist())
    return StockColumns(
        skus=[plan.catalogue.sku(product) for product in products],
        location_ids=[where(place, product) for place, product in zip(places, products, strict=True)],
        on_hand=cast("list[int]", stock.quantity.tolist()),
    )
