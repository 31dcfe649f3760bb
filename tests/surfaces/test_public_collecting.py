"""What buyers collect, on their page: the code, the place, who else may come, more time, and "I am here"."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest_asyncio
from litestar import Litestar

from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    FULFILMENT_PREFIX,
    CollectionTerms,
    Fulfilment,
    LockerDraft,
    LockerSize,
    Waiting,
)
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Interval, OpeningHours
from comptoir.runtime.database import Context, Database
from comptoir.runtime.limits import Limiter
from comptoir.surfaces import collecting
from comptoir.surfaces.lockers import LockerDesk
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.web import PublicPages
from support.asking import Client, asking
from support.counter import arrived, collected, made_ready, paid, sent, time_is_over
from support.depot import Depot, open_depot


@pytest_asyncio.fixture
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database) as opened:
        await opened.shop.product("CUP", 700, stock={"store": 20})
        async with database.transaction() as tx:
            place = await locations.get(tx, opened.shop.locations["store"])
            hours = OpeningHours(tuple(((Interval(540, 1140),),) * 7))
            changed = replace(place, longitude=5.37, line1="17 rue de Rome", city="Marseille", opening_hours=hours)
            await locations.update(tx, place.id, changed)
            await fulfilment.put_terms(tx, CollectionTerms(curbside=True), location_id=place.id)
        yield opened


@pytest_asyncio.fixture
async def client(depot: Depot) -> AsyncGenerator[Client]:
    pages = PublicPages(depot.database, PublicLinks(depot.keyring, "http://x"), strangers=Limiter(burst=200, seconds=1))
    async with asking(Litestar(pages.routes(), openapi_config=None)) as client:
        yield client


def path(depot: Depot, one: Fulfilment) -> str:
    return urlsplit(PublicLinks(depot.keyring, "http://x").tracking(one.order_id, utcnow())).path


def step(depot: Depot, one: Fulfilment, name: str) -> str:
    return f"{path(depot, one)}/{to_text(FULFILMENT_PREFIX, one.id)}/{name}"


async def held(depot: Depot, one: Fulfilment) -> Waiting:
    async with depot.database.read() as reader:
        return (await fulfilment.waiting(reader, [one.id]))[one.id]


async def seen(client: Client, depot: Depot, one: Fulfilment, language: str = "en") -> str:
    page = await client.get(f"{path(depot, one)}?lang={language}")
    assert page.status_code == 200
    return page.text


async def test_the_page_shows_the_code_and_its_squares_where_and_until_when(depot: Depot, client: Client) -> None:
    one = await made_ready(depot, {"CUP": 2}, payments=paid(1400))
    text = await seen(client, depot, one)
    code = collecting.code_of(depot.keyring, one)
    for words in (
        code,
        "17 rue de Rome",
        "Open today",
        "09:00–19:00",
        "It waits until",
        "openstreetmap.org",
        'class="squares"',
    ):
        assert words in text, words
    assert "To be paid" not in text
    assert "<script" not in text
    assert "style=" not in text
    assert "Camille" not in text
    french = await seen(client, depot, one, "fr")
    assert '<html lang="fr">' in french
    assert code in french


async def test_what_is_to_be_paid_is_said(depot: Depot, client: Client) -> None:
    one = await made_ready(depot, {"CUP": 2})
    assert re.search(r"To be paid at the counter:\s*<strong>€14.00", await seen(client, depot, one))


async def test_on_its_way_then_there_then_collected(depot: Depot, client: Client) -> None:
    preparing = await collected(depot, {"TEA": 1}, payments=paid(500))
    assert "We are getting it ready" in await seen(client, depot, preparing)
    one = await sent(depot, {"TEA": 1}, payments=paid(500))
    text = await seen(client, depot, one)
    assert "On its way to the store" in text
    assert collecting.code_of(depot.keyring, one) not in text
    one = await arrived(depot, {"TEA": 1}, payments=paid(500))
    assert "Ready to collect" in await seen(client, depot, one)
    async with depot.database.transaction() as tx:
        await fulfilment.collect(tx, one.id)
    assert "Collected" in await seen(client, depot, one)


async def test_the_buyer_names_somebody_else(depot: Depot, client: Client) -> None:
    one = await made_ready(depot, {"CUP": 1}, payments=paid(700))
    answer = await client.post(step(depot, one, "collector"), data={"name": " Alex\n<b>Roux</b> "}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, path(depot, one))
    assert "Alex &lt;b&gt;Roux&lt;/b&gt; may collect it" in await seen(client, depot, one)
    await client.post(step(depot, one, "collector"), data={"name": ""})
    assert "Somebody else collects it" in await seen(client, depot, one)
    await client.post(step(depot, one, "collector"), data={"name": "x" * 500})
    async with depot.database.read() as reader:
        assert (await fulfilment.collectors(reader, [one.order_id]))[one.order_id].name == "x" * 120


async def test_more_time_is_given_once(depot: Depot, client: Client) -> None:
    one = await made_ready(depot, {"CUP": 1}, payments=paid(700))
    before = (await held(depot, one)).waits_until
    assert "3 days more, once" in await seen(client, depot, one)
    for _ in range(2):
        await client.post(step(depot, one, "longer"))
    after = (await held(depot, one)).waits_until
    assert before is not None
    assert after is not None
    assert (after - before).days in {2, 3}
    assert "more, once" not in await seen(client, depot, one)


async def test_who_says_that_they_are_here_is_brought_it(depot: Depot, client: Client) -> None:
    one = await made_ready(depot, {"CUP": 1}, payments=paid(700))
    await client.post(step(depot, one, "here"), data={"car": "red van", "spot": "3"})
    assert "bring it out" in await seen(client, depot, one)
    there = await held(depot, one)
    assert (there.car, there.spot, there.here_at is not None) == ("red van", "3", True)
    await client.post(step(depot, one, "gone"))
    assert (await held(depot, one)).here_at is None


async def test_nobody_acts_for_another_order_or_too_late(depot: Depot, client: Client) -> None:
    one = await made_ready(depot, {"CUP": 1}, payments=paid(700))
    other = await made_ready(depot, {"CUP": 1}, payments=paid(700))
    foreign = f"{path(depot, one)}/{to_text(FULFILMENT_PREFIX, other.id)}/collector"
    for address in (foreign, step(depot, one, "nonsense"), f"{path(depot, one)}/nobody/here", f"/track/x/{one.id}/here"):
        assert (await client.post(address, data={"name": "Eve"})).status_code == 404, address
    async with depot.database.transaction() as tx:
        await fulfilment.collect(tx, one.id)
    for name in ("here", "longer", "gone"):
        answer = await client.post(step(depot, one, name), follow_redirects=False)
        assert answer.status_code == 303
    assert (await held(depot, one)).here_at is None


async def test_what_lies_in_a_locker_shows_its_code(depot: Depot, client: Client) -> None:
    one = await made_ready(depot, {"CUP": 1}, payments=paid(700))
    async with depot.database.transaction() as tx:
        draft = LockerDraft(location_id=depot.shop.locations["store"], code="A1", size=LockerSize.S, bank="Entrance")
        await fulfilment.create_locker(tx, draft)
    _, code, _ = await LockerDesk(depot.database, depot.keyring).put_in(Context(), one.id)
    text = await seen(client, depot, one)
    assert code in text
    assert "Entrance A1" in text
    assert "I am here" not in text


async def test_what_was_not_collected_says_so(depot: Depot, client: Client) -> None:
    one = await made_ready(depot, {"CUP": 1}, payments=paid(700))
    await time_is_over(depot.database)
    async with depot.database.transaction() as tx:
        await collecting.give_back_overdue(tx)
    assert "has gone back to the shop" in await seen(client, depot, one)
