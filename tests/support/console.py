"""The console as an application on a test's database, with a small shop in it that looks like one."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import socket
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import httpx2
import psycopg
import pytest
import pytest_asyncio
import uvicorn
from litestar import Litestar

from comptoir.app import create_app
from comptoir.kernel.errors import Refusal
from comptoir.kernel.ids import ActorId
from comptoir.kernel.money import Currency
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import ChannelDraft, ChannelKind
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind as StockKind
from comptoir.modules.inventory.contracts import Movement, Quantity
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationDraft, LocationId, LocationKind, PoolDraft
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import (
    ExceptionKind,
    Fill,
    Held,
    OrderId,
    Payment,
    Place,
    Placed,
    Placement,
    PlacementLine,
)
from comptoir.modules.orders.exceptions import Opening
from comptoir.modules.payments.contracts import EntryKind
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import MarketDraft, PriceDraft
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Role, UserDraft
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.runtime.database import Context, Database, Reader
from comptoir.runtime.embedded import EmbeddedPostgres
from comptoir.runtime.settings import Settings
from comptoir.sdk.orders import Address, Buyer, PaymentKind
from comptoir.surfaces.capture import Call, Outcome
from comptoir.surfaces.pools import pool_id_of
from comptoir.surfaces.services import Services, open_services
from support.consumers import drained
from support.thrift import cheap_passwords

PASSWORD = "a long enough phrase"
_serial = itertools.count()
USD = Currency("USD")
PLACES = [
    ("WH-CIN", "Cincinnati warehouse", LocationKind.WAREHOUSE, "Cincinnati", "OH", 39.10, -84.51, "America/New_York"),
    ("S367", "Store 367, Columbus", LocationKind.STORE, "Columbus", "OH", 39.96, -82.99, "America/New_York"),
    ("S406", "Store 406, Dayton", LocationKind.STORE, "Dayton", "OH", 39.76, -84.19, "America/New_York"),
    ("S343", "Store 343, Louisville", LocationKind.STORE, "Louisville", "KY", 38.25, -85.76, "America/New_York"),
    ("S381", "Store 381, Dallas", LocationKind.STORE, "Dallas", "TX", 32.78, -96.80, "America/Chicago"),
    ("S292", "Store 292, Denver", LocationKind.STORE, "Denver", "CO", 39.74, -104.98, "America/Denver"),
]
PRODUCTS = [
    ("1082185", "Bananas, yellow, per pound", 79, 300),
    ("1029743", "2% white milk, gallon", 329, 240),
    ("1127831", "Whole strawberries, 16 oz", 499, 40),
    ("981760", "Unsalted butter, 4 sticks", 449, 120),
    ("995242", "Dark roast coffee, 12 oz", 899, 6),
    ("840361", "Sourdough loaf", 599, 60),
    ("1070820", "AA batteries, 8 pack", 1099, 80),
    ("883404", "Shampoo, aloe, 400 ml", 749, 50),
]
CHANNELS = [
    ("tills", "Tills", ChannelKind.POS, False),
    ("web", "Web shop", ChannelKind.WEB, True),
    ("app", "App", ChannelKind.APP, False),
    ("market", "Marketplace", ChannelKind.MARKETPLACE, False),
    ("phone", "Phone orders", ChannelKind.PHONE, True),
]
PEOPLE = [
    ("Amélie Fontaine", "amelie@example.org", "1240 Vine Street", "Cincinnati", "OH", "45202"),
    ("Marcus Bell", "marcus.bell@example.com", "88 Broad Street", "Columbus", "OH", "43215"),
    ("Priya Raman", "priya@example.net", "4 Bardstown Road", "Louisville", "KY", "40205"),
    ("Jonas Lindqvist", "jonas@example.se", "701 Elm Street", "Dallas", "TX", "75202"),
]


@dataclass
class Shop:
    """What stands in the database."""

    locations: dict[str, LocationId] = field(default_factory=dict[str, LocationId])
    orders: dict[str, OrderId] = field(default_factory=dict[str, OrderId])
    numbers: dict[str, int] = field(default_factory=dict[str, int])


async def furnish(database: Database) -> Shop:
    """Locations, products, prices, stock, channels and one user of each role."""
    shop = Shop()
    async with database.transaction() as tx:
        for code, name, kind, city, region, latitude, longitude, zone in PLACES:
            draft = LocationDraft(
                code=code, name=name, kind=kind, country="US", time_zone=zone, city=city, region=region,
                latitude=latitude, longitude=longitude, pickup=kind is LocationKind.STORE,
            )  # fmt: skip
            shop.locations[code] = (await locations.create(tx, draft)).id
        members = [(location, 0 if code == "WH-CIN" else 1) for code, location in shop.locations.items()]
        pool = await locations.put_pool(tx, PoolDraft(code="all", name="Everything", members=members))
        await pricing.create_market(
            tx,
            MarketDraft(code="us", currency=USD, country="US", name="United States", tax_included=False, tax_name="Sales tax"),
        )
        for code, name, kind, backorder in CHANNELS:
            await channels.create(
                tx, ChannelDraft(code=code, name=name, kind=kind, pool_id=pool.id, market="us", backorder=backorder)
            )
        await catalogue.upsert(
            tx,
            [
                ProductDraft(code=f"P{sku}", names={"en": name}, category=("Grocery",), variants=[VariantDraft(sku=sku)])
                for sku, name, _, _ in PRODUCTS
            ],
        )
        await pricing.set_prices(tx, "us", [PriceDraft(sku, price) for sku, _, price, _ in PRODUCTS])
        for n, (_code, location) in enumerate(shop.locations.items()):
            quantities = [Quantity(sku, max(1, stock // (n + 1))) for sku, _, _, stock in PRODUCTS if stock // (n + 1)]
            await inventory.receive(tx, location, quantities, reference="opening")
        for role in Role:
            draft = UserDraft(
                email=f"{role}@example.com", name=f"Dana {role.title()}", role=role, locale="en", time_zone="America/New_York"
            )
            await staff.create_user(tx, draft, PASSWORD)
    return shop


async def place(
    parts: Services,
    channel: str,
    lines: list[tuple[str, int]],
    *,
    person: int = 0,
    pickup: LocationId | None = None,
    fill: Fill = Fill.ALL,
    paid: bool = True,
) -> Placed:
    """An order through the capture desk."""
    counter = await parts.counters.get(channel)
    name, email, street, city, region, postcode = PEOPLE[person]
    by_code = {place[3]: place for place in PLACES}
    where = (by_code[city][5], by_code[city][6])
    address = Address(name=name, line1=street, city=city, region=region, postcode=postcode, country="US")
    prices = {sku: price for sku, _, price, _ in PRODUCTS}
    total = sum(prices[sku] * quantity for sku, quantity in lines) if paid else 0
    placement = Placement(
        terms=counter.terms,
        candidates=counter.candidates(where),
        lines=tuple(PlacementLine(sku, quantity) for sku, quantity in lines),
        fill=fill,
        buyer=Buyer(name=name, email=email, phone=f"+1513555010{person}"),
        ship_to=None if pickup else address,
        pickup_location_id=pickup,
        payments=(Payment(PaymentKind.CAPTURED, "card", total, "ch_1"),) if paid else (),
        context=Context(ActorId(f"channel:{channel}"), channel=channel),
    )
    kept: list[Placed | Held | Refusal] = []

    def answer(result: Placed | Held | Refusal) -> Outcome:
        kept.append(result)
        return Outcome(200, b"")

    await parts.desk.submit(Call(placement, lambda: counter.candidates(where, whole_pool=True), answer, None))
    placed = kept[-1]
    assert isinstance(placed, Placed), placed
    return placed


async def trade(parts: Services, shop: Shop) -> None:
    """Some orders in every state."""

    async def keep(name: str, placed: Placed) -> None:
        shop.orders[name], shop.numbers[name] = placed.id, placed.number

    await keep("fresh", await place(parts, "web", [("1082185", 3), ("1029743", 2), ("981760", 1)]))
    await keep("market", await place(parts, "market", [("1127831", 2)], person=1))
    await keep("unpaid", await place(parts, "app", [("883404", 1), ("1070820", 2)], person=2, paid=False))
    await keep("shipped", await place(parts, "web", [("840361", 2), ("1070820", 1)], person=3))
    await keep("pickup", await place(parts, "web", [("1029743", 1)], person=1, pickup=shop.locations["S367"]))
    await keep("waiting", await place(parts, "web", [("995242", 60)], fill=Fill.BACKORDER))
    async with parts.database.transaction() as tx:
        held = await inventory.reservations_for(tx, shop.orders["shipped"])
        for location in {reservation.location_id for reservation in held}:
            await orders.ship(tx, shop.orders["shipped"], location, None, carrier="UPS", tracking_number="1Z999AA10123456784")
        await orders.pay(tx, shop.orders["unpaid"], EntryKind.AUTHORISED, "card", 2000, "auth_1")


async def trouble(parts: Services, shop: Shop) -> None:
    """The till in Cincinnati has sold more milk than there was: two orders lose their units, and somebody has to count."""
    cincinnati = shop.locations["WH-CIN"]
    async with parts.database.transaction() as tx:
        sold = Movement(kind=StockKind.SOLD, sku="1029743", location_id=cincinnati, on_hand=-400, reason="till")
        await inventory.record(tx, [sold])
        await orders.open_exceptions(
            tx,
            [
                Opening(ExceptionKind.SHORTFALL, shop.orders["fresh"], 2, "1029743", cincinnati, 2),
                Opening(ExceptionKind.SHORTFALL, shop.orders["pickup"], 1, "1029743", cincinnati, 1),
                Opening(ExceptionKind.NEGATIVE_STOCK, None, None, "1029743", cincinnati, 160),
            ],
        )


def worker(parts: Services) -> ConsumerRunner:
    """What rolls up figures, recognises customers and gives work to locations; promises are left as they are."""

    async def nobody(_reader: Reader, _channel: object) -> list[Place]:
        return []

    every = (*orders.consumers(nobody), *fulfilment.consumers(pool_id_of))
    wanted = {"orders.trade", "orders.customers", "fulfilment.release", "fulfilment.counts"}
    return ConsumerRunner(parts.database, [one for one in every if one.name in wanted])


@asynccontextmanager
async def parts_of(url: str, folder: Path) -> AsyncGenerator[Services]:
    """The parts of a process on this database."""
    settings = Settings(data=folder, given_secret="x" * 40)
    async with open_services(settings, url) as services:
        yield services


def application(parts: Services) -> Litestar:
    """The real one, on these parts."""
    return create_app(parts)


@dataclass
class Staff:
    """Somebody at the console, without a browser."""

    client: httpx2.AsyncClient

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.client.get(path, headers=headers)

    async def sign_in(self, email: str = "owner@example.com", password: str = PASSWORD) -> httpx2.Response:
        return await self.send("/sign-in", {"email": email, "password": password, "next": "/"})

    async def send(self, path: str, values: dict[str, Any], **headers: str) -> httpx2.Response:
        """A form, as a browser would send it."""
        content = urlencode(values, doseq=True)
        given = {"content-type": "application/x-www-form-urlencoded", "origin": "http://testserver"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return await self.client.post(path, content=content, headers=given)

    async def submit(self, page: str, action: str, values: dict[str, Any], **headers: str) -> httpx2.Response:
        """Opens the page, fills in the form with this action, and sends it with all that was in it."""
        return await self.send(action, fields_of((await self.get(page)).text, action) | values, **headers)


def fields_of(html: str, action: str) -> dict[str, Any]:
    """The hidden fields of the form with this action, token and key included."""
    found = re.search(rf'<form\b[^>]*method="post"[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', html, re.DOTALL)
    assert found is not None, f"no form for {action}"
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found.group(1)))


@asynccontextmanager
async def visiting(app: Litestar) -> AsyncGenerator[Staff]:
    transport = httpx2.ASGITransport(app=cast("Any", app), client=("127.0.0.1", 4711))
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield Staff(client)


@asynccontextmanager
async def served(app: Litestar) -> AsyncGenerator[str]:
    """The address at which a browser finds it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=1))
        server.install_signal_handlers = _nothing  # pyright: ignore[reportAttributeAccessIssue]
        running = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await running


_nothing: Callable[[], None] = lambda: None  # noqa: E731


# Fixtures: one furnished database per worker, a clone of it for each test


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def furnished(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[tuple[str, Shop]]:
    """The name of a database with the shop in it, and what stands there."""
    name = f"shop_{os.getpid()}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
    with tempfile.TemporaryDirectory() as folder, cheap_passwords():
        async with parts_of(postgres.url(name), Path(folder)) as parts:
            runner = worker(parts)
            await runner.register()
            shop = await furnish(parts.database)
            await trade(parts, shop)
            await trouble(parts, shop)
            await drained(parts.database, runner)
    yield name, shop
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def shop(furnished: tuple[str, Shop]) -> Shop:
    return furnished[1]


@pytest_asyncio.fixture(loop_scope="session")
async def parts(postgres: EmbeddedPostgres, furnished: tuple[str, Shop], tmp_path: Path) -> AsyncIterator[Services]:
    """The parts of a process on a shop of its own."""
    name = f"{furnished[0]}_{next(_serial)}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {furnished[0]} STRATEGY FILE_COPY".encode())
        with cheap_passwords():
            async with parts_of(postgres.url(name), tmp_path) as opened:
                yield opened
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(parts: Services) -> AsyncIterator[Staff]:
    """Somebody who is not signed in."""
    async with visiting(application(parts)) as visitor:
        yield visitor


@pytest_asyncio.fixture(loop_scope="session")
async def owner(stranger: Staff) -> Staff:
    assert (await stranger.sign_in()).status_code == 303
    return stranger


@contextmanager
def counted_statements() -> Generator[list[str]]:
    """Every statement that is sent meanwhile, whichever connection sends it."""
    sent: list[str] = []
    execute = psycopg.AsyncCursor.execute

    async def counting(cursor: Any, query: Any, *args: Any, **more: Any) -> Any:
        sent.append(str(query))
        return await execute(cursor, query, *args, **more)

    psycopg.AsyncCursor.execute = counting  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield sent
    finally:
        psycopg.AsyncCursor.execute = execute
