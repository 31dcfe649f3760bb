"""Buyers send something back: by a signed address or by what they know, once however often they press, and nobody else's."""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest_asyncio
from litestar import Litestar

from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import RETURN_CASE_PREFIX, PolicyDraft, Reason, RefundMethod, ReturnCase, ReturnState
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Notice, NoticeFilter, NoticeKind, Sender
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.payments.contracts import EntryKind
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import PriceDraft
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.runtime.limits import Limiter
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.returning import ReturnPages
from comptoir.surfaces.public.web import PublicPages
from support.asking import Client, asking
from support.console import counted_statements
from support.depot import BUYER, HOME, Depot, open_depot


@pytest_asyncio.fixture
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database) as opened:
        yield opened


@pytest_asyncio.fixture
async def links(depot: Depot) -> PublicLinks:
    return PublicLinks(depot.keyring, "http://testserver.local")


@pytest_asyncio.fixture
async def client(depot: Depot, links: PublicLinks) -> AsyncGenerator[Client]:
    pages = ReturnPages(depot.database, depot.keyring, links, guesses=Limiter(burst=4, seconds=60))
    tracking = PublicPages(depot.database, links)
    async with asking(Litestar([*pages.routes(), *tracking.routes()], openapi_config=None)) as client:
        yield client


def path(address: str) -> str:
    return urlsplit(address).path


def portal(links: PublicLinks, order_id: OrderId) -> str:
    return path(links.returning(order_id, utcnow()))


async def bought(depot: Depot, number: str = "BACK1") -> OrderId:
    """A tea that is paid and has left."""
    order_id = await depot.shipped(number)
    async with depot.database.transaction() as tx:
        order = await orders.order(tx, order_id)
        await orders.pay(tx, order_id, EntryKind.CAPTURED, "card", order.total, "ch")
    return order_id


def hidden(html: str) -> dict[str, str]:
    """What the return's form carries unseen."""
    form = html.rpartition("<form")[2]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


async def look(client: Client, address: str, **given: str) -> Any:
    """The form, filled in and looked at."""
    page = await client.get(address)
    assert page.status_code == 200, page.text
    return await client.post(address, data=hidden(page.text) | {"units-1": "1", "step": "look"} | given, follow_redirects=False)


async def confirm(client: Client, address: str, **given: str) -> Any:
    seen = await look(client, address, **given)
    assert seen.status_code == 200, seen.text
    data = {"units-1": "1"} | given | hidden(seen.text) | {"step": "confirm"}
    return await client.post(address, data=data, follow_redirects=False)


async def returns(depot: Depot, order_id: OrderId) -> list[ReturnCase]:
    async with depot.database.read() as reader:
        return await changes.returns_of(reader, order_id)


async def test_the_tracking_page_leads_to_the_return(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await bought(depot)
    page = await client.get(path(links.tracking(order_id, utcnow())) + "?lang=en")
    found = re.search(r'href="([^"]*/return\?number=\d+&amp;lang=en)"', page.text)
    assert found is not None
    assert "Return something of this order" in page.text
    there = await client.get(urlsplit(html.unescape(found[1]))._replace(scheme="", netloc="").geturl())
    assert (there.status_code, 'autocomplete="email"' in there.text) == (200, True)  # who has the address says who they are


async def test_a_buyer_announces_a_return_and_gets_its_papers(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await bought(depot)
    address = portal(links, order_id)
    begun = time.perf_counter()
    first = await client.get(address, headers={"accept-language": "en"})
    assert time.perf_counter() - begun < 1
    assert "right of withdrawal" in first.text
    begun = time.perf_counter()
    seen = await look(client, address + "?lang=en", **{"reason-1": "too_small"})
    assert time.perf_counter() - begun < 1
    assert seen.status_code == 200
    assert "€5.00" in seen.text
    assert "Confirm the return" in seen.text
    assert await returns(depot, order_id) == []
    done = await confirm(client, address, **{"reason-1": "too_small", "note": "thank you"})
    (case,) = await returns(depot, order_id)
    code = changes.return_code(case.number)
    assert (done.status_code, done.headers["location"]) == (303, f"{address}#{code}")
    assert (case.state, case.items[0].reason, case.requested_by) == (ReturnState.APPROVED, Reason.TOO_SMALL, "buyer")
    assert (case.note, case.location_id) == ("thank you", depot.shop.locations["paris"])
    after = await client.get(address + "?lang=en")
    assert code in after.text
    assert "We wait for it" in after.text
    assert 'class="qr"' in after.text
    for paper in ("slip", "label"):
        assert f"/{paper}.pdf" in after.text
        found = re.search(rf'href="({re.escape(address)}/rtn_\w+/{paper}\.pdf)"', after.text)
        assert found is not None
        printed = await client.get(found[1])
        assert printed.status_code == 200, paper
        assert printed.content.startswith(b"%PDF")


async def test_pressing_twice_announces_it_once(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await bought(depot)
    address = portal(links, order_id)
    seen = await look(client, address)
    data = {"units-1": "1"} | hidden(seen.text) | {"step": "confirm"}
    first = await client.post(address, data=data, follow_redirects=False)
    second = await client.post(address, data=data, follow_redirects=False)
    assert first.headers["location"] == second.headers["location"]
    assert len(await returns(depot, order_id)) == 1


async def test_what_is_on_its_way_already_is_not_announced_again(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await bought(depot)
    address = portal(links, order_id)
    seen = await look(client, address)
    await confirm(client, address)
    data = {"units-1": "1"} | hidden(seen.text) | {"key": "f" * 32, "step": "confirm"}
    late = await client.post(address + "?lang=en", data=data, follow_redirects=False)
    assert late.status_code == 422
    assert len(await returns(depot, order_id)) == 1
    assert "There is nothing else of this order" in late.text


async def test_a_buyer_keeps_it_after_all(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await bought(depot)
    address = portal(links, order_id)
    await confirm(client, address)
    page = await client.get(address)
    form = page.text.partition('name="step" value="give_up"')
    given = dict(re.findall(r'name="(form|return)" value="([^"]*)"', form[0].rpartition("<form")[2] + form[2][:200]))
    await client.post(address, data=given | {"step": "give_up"})
    assert (await returns(depot, order_id))[0].state is ReturnState.CANCELLED
    await client.post(address, data=given | {"step": "give_up"})
    assert (await returns(depot, order_id))[0].state is ReturnState.CANCELLED


async def test_store_credit_and_a_store_are_kept_with_the_return(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await bought(depot)
    await confirm(client, portal(links, order_id), money="credit", way="store")
    (case,) = await returns(depot, order_id)
    assert (case.method, case.location_id) == (RefundMethod.STORE_CREDIT, None)
    assert "show this code" in (await client.get(portal(links, order_id) + "?lang=en")).text


async def test_another_version_is_sent_instead(depot: Depot, links: PublicLinks, client: Client) -> None:
    async with depot.database.transaction() as tx:
        variants = [VariantDraft(sku="TEA", options={"size": "S"}), VariantDraft(sku="TEA-L", options={"size": "Large"})]
        old = await catalogue.by_sku(tx, "TEA")
        product = await catalogue.get(tx, old.product_id)
        await catalogue.upsert(tx, [ProductDraft(code=product.code, names=product.names, variants=variants)])
        await pricing.set_prices(tx, "fr", [PriceDraft("TEA-L", 500)])
    await depot.shop.receive("TEA-L", "paris", 3)
    order_id = await bought(depot)
    address = portal(links, order_id)
    asked = await look(client, address + "?lang=en", money="exchange")
    assert "Large" in asked.text
    assert 'value="confirm"' not in asked.text
    seen = await look(client, address + "?lang=en", money="exchange", **{"instead-1": "TEA-L"})
    assert "What you get instead" in seen.text
    data = {"units-1": "1", "money": "exchange", "instead-1": "TEA-L"} | hidden(seen.text) | {"step": "confirm"}
    await client.post(address, data=data)
    async with depot.database.read() as reader:
        order = await orders.order(reader, order_id)
    assert [(line.sku, line.total) for line in order.lines] == [("TEA", 500), ("TEA-L", 500)]


async def test_what_the_terms_refuse_cannot_be_confirmed(depot: Depot, links: PublicLinks, client: Client) -> None:
    async with depot.database.transaction() as tx:
        await changes.create_policy(tx, PolicyDraft(code="final", position=1, final_sale=True, exempt=True, fee=100))
    order_id = await bought(depot)
    address = portal(links, order_id)
    seen = await look(client, address + "?lang=en")
    assert "This was a final sale" in seen.text
    assert 'value="confirm"' not in seen.text
    forced = {"units-1": "1"} | hidden(seen.text) | {"key": "a" * 32, "step": "confirm"}
    assert (await client.post(address, data=forced, follow_redirects=False)).status_code == 422
    assert await returns(depot, order_id) == []
    damaged = await look(client, address + "?lang=en", **{"reason-1": "damaged"})
    assert "It is guaranteed" in damaged.text
    assert 'value="confirm"' in damaged.text


async def test_one_article_is_a_final_sale_and_the_page_says_so_of_that_one(
    depot: Depot, links: PublicLinks, client: Client
) -> None:
    await depot.shop.product("JAM", 300, stock={"paris": 5})
    async with depot.database.transaction() as tx:
        final = PolicyDraft(code="final", position=1, skus=("JAM",), final_sale=True, exempt=True)
        await changes.create_policy(tx, final)
        await changes.create_policy(tx, PolicyDraft(code="short", position=2, skus=("TEA",), window=5, exempt=True))
    order_id = (await depot.shop.place("web", {"TEA": 1, "JAM": 1}, buyer=BUYER, ship_to=HOME)).id
    await depot.ship(order_id, "BACK1")
    async with depot.database.transaction() as tx:
        order = await orders.order(tx, order_id)
        await orders.pay(tx, order_id, EntryKind.CAPTURED, "card", order.total, "ch")
        offers = await changes.offers(tx, order_id, SETTING, utcnow())
    assert {order.lines[no - 1].sku: (one.allowed, one.why.value) for no, one in offers.items()} == {
        "TEA": (True, "within_window"),
        "JAM": (False, "final_sale"),
    }
    address = portal(links, order_id)
    first = (await client.get(address + "?lang=en")).text
    assert first.count("This was a final sale") == 1
    jam = next(line.line_no for line in order.lines if line.sku == "JAM")
    refused = await look(client, address + "?lang=en", **{"units-1": "0", "units-2": "0", f"units-{jam}": "1"})
    assert "This was a final sale" in refused.text
    assert 'value="confirm"' not in refused.text
    taken = await look(client, address + "?lang=en", **{f"units-{jam}": "0", f"units-{3 - jam}": "1"})
    assert 'value="confirm"' in taken.text


async def test_a_form_of_another_site_changes_nothing(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await bought(depot)
    address = portal(links, order_id)
    seen = await look(client, address)
    data = {"units-1": "1"} | hidden(seen.text) | {"step": "confirm"}
    foreign = await client.post(address, data=data, headers={"sec-fetch-site": "cross-site"})
    unsigned = await client.post(address, data=data | {"form": "00"})
    assert (foreign.status_code, unsigned.status_code) == (403, 403)
    assert await returns(depot, order_id) == []


async def test_an_address_opens_its_own_order_and_nothing_else(depot: Depot, links: PublicLinks, client: Client) -> None:
    mine, other = await bought(depot, "BACK1"), await bought(depot, "BACK2")
    await confirm(client, portal(links, other))
    (case,) = await returns(depot, other)
    forged = path(PublicLinks(Keyring(b"x" * 32), "http://x.example").returning(mine, utcnow()))
    purpose = path(links.tracking(mine, utcnow())).replace("/track/", "/return/")
    paper = f"{portal(links, mine)}/rtn_{'0' * 26}/slip.pdf"
    foreign = f"{portal(links, mine)}/{changes_text(case)}/slip.pdf"
    for wrong in (forged, purpose, "/return/x", paper, foreign, f"{portal(links, other)}/{changes_text(case)}/secrets.pdf"):
        assert (await client.get(wrong)).status_code == 404, wrong


def changes_text(case: ReturnCase) -> str:
    return to_text(RETURN_CASE_PREFIX, case.id)


async def asked(client: Client, number: str, proof: str) -> Any:
    return await client.post("/return?lang=en", data={"number": number, "proof": proof}, follow_redirects=False)


async def test_an_order_is_found_by_number_and_email_or_postcode(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await bought(depot)
    async with depot.database.read() as reader:
        number = (await orders.order(reader, order_id)).number
    assert "You need no account" in (await client.get("/return?lang=en")).text
    for proof in ("CAMILLE@example.com", "13001", "13 001"):
        found = await asked(client, str(number), proof)
        assert found.status_code == 303, proof
        assert (await client.get(found.headers["location"])).status_code == 200


async def test_nobody_learns_whether_a_number_exists_and_guessing_is_slow(depot: Depot, client: Client) -> None:
    order_id = await bought(depot)
    async with depot.database.read() as reader:
        number = (await orders.order(reader, order_id)).number
    there, nowhere = await asked(client, str(number), "75001"), await asked(client, "987654", "75001")
    assert (there.status_code, nowhere.status_code) == (422, 422)
    assert there.text.replace(str(number), "N") == nowhere.text.replace("987654", "N")
    statuses = [(await asked(client, str(number), f"7500{n}")).status_code for n in range(4)]
    assert statuses == [422, 422, 429, 429]
    assert (await asked(client, str(number), "13001")).status_code == 429


async def test_the_page_runs_nothing_and_asks_little_of_the_database(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await bought(depot)
    with counted_statements() as statements:
        page = await client.get(portal(links, order_id))
    assert len(statements) <= 30
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "set-cookie" not in page.headers
    for private in ("Camille", "Lilas", "example.com", "33612345678"):
        assert private not in page.text


async def test_the_buyer_is_written_where_the_papers_are(depot: Depot, links: PublicLinks, client: Client) -> None:
    async with depot.database.transaction() as tx:
        await notices.put_sender(tx, Sender(channel="web", name="Shop", email="shop@example.com"))
    order_id = await bought(depot)
    runner = ConsumerRunner(depot.database, list(notices.consumers(depot.keyring, links)))
    await runner.register()
    await confirm(client, portal(links, order_id))
    written: list[Notice] = []
    async with asyncio.timeout(20):
        while not written:
            await runner.drain()
            async with depot.database.read() as reader:
                written = (await notices.find(reader, NoticeFilter(order_id=order_id, kind=NoticeKind.RETURN))).items
    assert len(written) == 1


async def test_nonsense_is_looked_at_and_changes_nothing(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await bought(depot)
    address = portal(links, order_id)
    form = hidden((await client.get(address)).text)["form"]
    nonsense: list[Mapping[str, str]] = [
        {"units-1": "-1"}, {"units-1": "999999999999"}, {"units-1": "x\0"}, {"units-9": "1"}, {"units-1": "1", "reason-1": "?"},
        {"units-1": "7", "step": "confirm", "key": "abc"}, {"step": "confirm", "key": "../"},
        {"step": "give_up", "return": "rtn_x"},
    ]  # fmt: skip
    for given in nonsense:
        answer = await client.post(address, data={"form": form, **given}, follow_redirects=False)
        assert answer.status_code in {200, 404, 422}, given
    assert await returns(depot, order_id) == []
