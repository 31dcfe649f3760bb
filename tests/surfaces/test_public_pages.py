"""The pages of buyers: by a signed address, in their language, in few queries, and nobody else's."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest_asyncio
from litestar import Litestar

from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Postcode
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking.api import cases
from comptoir.modules.tracking.contracts import ACCOUNT_PREFIX, AnswerKind, CaseState, CaseStep
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.runtime.limits import Limiter
from comptoir.sdk.orders import Address
from comptoir.surfaces.hooks.carriers import CarrierHooks
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.maps import Point, sketch
from comptoir.surfaces.public.web import STYLE, PublicPages
from support.asking import Client, asking
from support.depot import HOME, Depot, open_depot, scan

AT_HOME = Address(
    name="Camille Roux", line1="3 rue des Lilas", postcode="13001", city="Marseille", country="FR", latitude=43.2965,
    longitude=5.3698,
)  # fmt: skip


@pytest_asyncio.fixture
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database) as opened:
        yield opened


@pytest_asyncio.fixture
async def links(depot: Depot) -> PublicLinks:
    return PublicLinks(depot.keyring, "http://testserver.local")


@pytest_asyncio.fixture
async def client(depot: Depot, links: PublicLinks) -> AsyncGenerator[Client]:
    pages = PublicPages(depot.database, links, strangers=Limiter(burst=60, seconds=60))
    hooks = CarrierHooks(depot.database, depot.carriage, Limiter(burst=3, seconds=60))
    async with asking(Litestar([*pages.routes(), hooks.route()], openapi_config=None)) as client:
        yield client


def path(address: str) -> str:
    return urlsplit(address).path


def tracking(links: PublicLinks, order_id: OrderId) -> str:
    return path(links.tracking(order_id, utcnow()))


async def answering(depot: Depot, links: PublicLinks, order_id: OrderId) -> str:
    case = await depot.case(order_id)
    return path(links.answer(case.tracked_id, case.answer_until))


async def test_a_buyer_sees_where_the_parcel_is_and_when_it_comes(depot: Depot, links: PublicLinks, client: Client) -> None:
    promised = utcnow().date() + timedelta(days=2)
    order_id = await depot.shipped("PUB1", promised_on=promised, ship_to=AT_HOME)
    await depot.say("PUB1", scan("in_transit", hours=3, place="Lyon", latitude=45.76, longitude=4.84))
    begun = time.perf_counter()
    page = await client.get(tracking(links, order_id), headers={"accept-language": "fr"})
    assert time.perf_counter() - begun < 1
    assert page.status_code == 200
    assert '<html lang="fr">' in page.text
    assert "Lyon" in page.text
    assert "PUB1" in page.text
    assert 'aria-current="step"' in page.text
    assert '<svg class="map"' in page.text
    for private in ("Camille", "Lilas", "example.com", "13001", "33612345678"):
        assert private not in page.text
    english = await client.get(tracking(links, order_id) + "?lang=en")
    assert "Where your order is" in english.text
    assert "On its way" in english.text


async def test_the_map_goes_by_the_postcode_where_the_address_says_no_more(
    depot: Depot, links: PublicLinks, client: Client
) -> None:
    order_id = await depot.shipped("PUB0")
    assert '<svg class="map"' not in (await client.get(tracking(links, order_id))).text
    async with depot.database.transaction() as tx:
        await locations.put_postcodes(tx, [Postcode("FR", "13001", 43.29, 5.37, "Marseille")])
    page = await client.get(tracking(links, order_id))
    assert '<svg class="map"' in page.text
    assert "Marseille" not in page.text


async def test_a_page_is_not_found_by_machines_and_runs_nothing(depot: Depot, links: PublicLinks, client: Client) -> None:
    page = await client.get(tracking(links, await depot.shipped("PUB2")))
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "private, no-store"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "set-cookie" not in page.headers
    style = await client.get(STYLE)
    assert style.status_code == 200
    assert style.headers["content-type"].startswith("text/css")


async def test_an_order_that_has_not_left_says_so(depot: Depot, links: PublicLinks, client: Client) -> None:
    page = await client.get(tracking(links, await depot.order(promised_on=utcnow().date())) + "?lang=en")
    assert "We are getting it ready" in page.text


async def test_an_address_opens_one_thing_for_a_while_and_nothing_else(
    depot: Depot, links: PublicLinks, client: Client
) -> None:
    order_id = await depot.shipped("PUB3")
    right = tracking(links, order_id)
    forged = PublicLinks(Keyring(b"x" * 32), "http://x.example").tracking(order_id, utcnow())
    old = links.tracking(order_id, utcnow() - timedelta(days=400))
    other_purpose = right.replace("/track/", "/answer/")
    for wrong in (path(forged), path(old), other_purpose, right[:-2], "/track/x", "/answer/x"):
        answer = await client.get(wrong)
        assert answer.status_code == 404, wrong
        assert "PUB3" not in answer.text


async def test_a_buyer_says_what_happens_to_a_parcel(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await depot.shipped("PUB4")
    await depot.say("PUB4", scan("delivery_failed", hours=2, detail="address_correction"))
    page = await client.get(tracking(links, order_id) + "?lang=en")
    form = await answering(depot, links, order_id)
    assert form.partition(".")[0] in page.text
    asked = await client.get(form + "?lang=en")
    assert "the address could not be found" in asked.text
    wrong = await client.post(form, data={"kind": "address", "line1": "5 rue <Neuve>"})
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.text
    assert "5 rue &lt;Neuve&gt;" in wrong.text
    given = {"kind": "address", "line1": "5 rue Neuve", "line2": "", "postcode": "13002", "city": "Marseille"}
    sent = await client.post(form, data=given, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, form)
    case = await depot.case(order_id)
    assert case.answer is not None
    assert (case.state, case.answer.kind, case.answer.line1) == (CaseState.ANSWERED, AnswerKind.ADDRESS, "5 rue Neuve")
    assert "We have your answer" in (await client.get(form + "?lang=en")).text


async def test_nonsense_in_a_form_is_refused_and_changes_nothing(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await depot.shipped("PUB5")
    await depot.say("PUB5", scan("delivery_failed"))
    form = await answering(depot, links, order_id)
    for body in (b"kind=teleport", b"\xff\xfe", b"kind=date&on=yesterday", b"kind=date&on=2001-01-01", b""):
        answer = await client.post(form, content=body, headers={"content-type": "application/x-www-form-urlencoded"})
        assert answer.status_code == 422, body
    assert (await client.post(form, content=b"x" * 20_000)).status_code == 413
    assert (await depot.case(order_id)).state is CaseState.ASKED


async def test_who_asks_too_often_waits(depot: Depot, links: PublicLinks) -> None:
    pages = PublicPages(depot.database, links, strangers=Limiter(burst=3, seconds=60))
    async with asking(Litestar(pages.routes(), openapi_config=None)) as client:
        statuses = [(await client.get("/track/guess")).status_code for _ in range(5)]
        assert statuses == [404, 404, 404, 429, 429]


async def test_after_the_term_a_late_answer_counts_until_somebody_acts_and_then_it_says_what_was_decided(
    depot: Depot, links: PublicLinks, client: Client
) -> None:
    order_id = await depot.shipped("PUB9", ship_to=AT_HOME)
    await depot.say("PUB9", scan("delivery_failed", hours=1))
    async with depot.database.transaction() as tx:
        await tx.run("UPDATE tracking.cases SET answer_until = now() - interval '3 days'")
        await cases.time_out(tx, 10)
    form = await answering(depot, links, order_id)
    late = await client.get(form + "?lang=en")
    assert (late.status_code, "what you say now still counts" in late.text) == (200, True)
    assert (await client.post(form, data={"kind": "return"}, follow_redirects=False)).status_code == 303
    case = await depot.case(order_id)
    assert case.state is CaseState.ANSWERED
    async with depot.database.transaction() as tx:
        await cases.carry_out(tx, case.tracked_id, CaseStep.SEND_BACK)
    for language, words in (("en", "Your parcel goes back to the shop."), ("fr", "Votre colis retourne au magasin.")):
        decided = await client.get(f"{form}?lang={language}")
        assert (decided.status_code, words in decided.text, "<form" in decided.text) == (200, True, False)


async def test_carriers_are_answered_by_what_became_of_their_message(depot: Depot, client: Client) -> None:
    order_id = await depot.order()
    label = await depot.desk.buy(depot.wanted(order_id))
    depot.far.scan(label.tracking_number, "delivered", utcnow())
    headers, body = depot.far.webhook(label.tracking_number, utcnow())
    address = f"/hooks/carriers/{to_text(ACCOUNT_PREFIX, depot.account_id)}"
    assert (await client.post(address, headers=headers, content=body)).status_code == 204
    assert (await client.post(address, headers=headers, content=body)).status_code == 200
    assert (await client.post(address, headers=headers, content=body + b" ")).status_code == 401
    assert (await client.post("/hooks/carriers/nobody", headers=headers, content=body)).status_code == 404
    assert (await client.post(address, content=b"")).status_code == 401
    assert (await client.post(address, headers=headers, content=body)).status_code == 429
    assert (await depot.desk.work_off()) == 1


def test_a_map_is_drawn_of_what_is_near_and_stays_small() -> None:
    drawn = sketch(Point(48.86, 2.35), [Point(45.76, 4.84)], Point(43.3, 5.4))
    assert drawn.land
    assert sum(map(len, drawn.land)) < 60_000
    for x, y in (drawn.begin, *drawn.stops, drawn.end):
        assert 0 < x < 640
        assert 0 < y < 320
    assert drawn.begin[1] < drawn.end[1]
    assert HOME.country == "FR"
