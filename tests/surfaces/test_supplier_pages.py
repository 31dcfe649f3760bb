"""The page of a purchase order: by a signed address a supplier answers it, in both languages, and sees nobody else's."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from litestar import Litestar
from playwright.async_api import Browser

from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import HoldReason
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Sender
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.purchasing.contracts import LetterState, Purchase, PurchaseState
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.runtime.limits import Limiter
from comptoir.surfaces.documents import api as documents
from comptoir.surfaces.documents.errors import DocumentsUnavailable
from comptoir.surfaces.jobs.supplying import Supplying
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.supplying import SupplierPages
from comptoir.surfaces.public.web import PublicPages
from comptoir.surfaces.supplying import SupplierLinks, paper_of
from support.asking import Client, asking
from support.browser import Axe, browser
from support.console import served
from support.dropship import Dropship, open_dropship
from support.paper import texts
from support.post import Post

__all__ = ["browser"]

KEY = b"k" * 32
PICTURES = os.environ.get("COMPTOIR_PICTURES", "")


@pytest_asyncio.fixture
async def trade(database: Database) -> Dropship:
    return await open_dropship(database)


@pytest.fixture
def links() -> SupplierLinks:
    return SupplierLinks(Keyring(KEY), "http://testserver.local")


@pytest_asyncio.fixture
async def client(trade: Dropship, links: SupplierLinks) -> AsyncGenerator[Client]:
    pages = SupplierPages(trade.database, links, strangers=Limiter(burst=60, seconds=60))
    async with asking(Litestar(pages.routes(), openapi_config=None)) as client:
        yield client


async def asked(trade: Dropship, units: dict[str, int] | None = None) -> tuple[OrderId, Purchase]:
    order_id = await trade.order(units or {"LAMP": 3, "CORD": 1500})
    return order_id, (await trade.purchases(order_id))[0]


async def now(trade: Dropship, one: Purchase) -> Purchase:
    async with trade.database.read() as reader:
        return await purchasing.get(reader, one.id)


def form(page: str, act: str) -> dict[str, str]:
    """The fields of the form for that, as they stand there."""
    part = next(part for part in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'value="{act}"' in part)
    return dict(re.findall(r'<input[^>]* name="([^"]+)"[^>]*? value="([^"]*)"', part))


async def test_a_supplier_accepts_ships_two_parcels_and_is_done(trade: Dropship, links: SupplierLinks, client: Client) -> None:
    order_id, one = await asked(trade)
    path = links.path(one.id, utcnow())
    page = await client.get(path)
    assert page.status_code == 200
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    for words in (f"P{one.number}", "3 rue des Lilas", "AC-1", "1.500", "Waiting for your answer"):
        assert words in page.text, words
    assert "camille@example.com" not in page.text
    french = await client.get(f"{path}?lang=fr")
    assert '<html lang="fr">' in french.text
    answer = await client.post(path, data=form(page.text, "accept") | {"note": "Merci"}, follow_redirects=False)
    assert answer.status_code == 303
    assert (await now(trade, one)).state is PurchaseState.ACKNOWLEDGED
    stale = await client.post(path, data=form(page.text, "accept"))
    assert stale.status_code == 409
    assert "has changed meanwhile" in stale.text
    page = await client.get(path)
    first = form(page.text, "ship") | {"ship-1": "2", "ship-2": "0", "tracking_number": "JD1", "carrier": "dhl"}
    assert (await client.post(path, data=first, follow_redirects=False)).status_code == 303
    assert (await client.post(path, data=first)).status_code == 409, "the same parcel does not leave twice"
    page = await client.get(path)
    rest = form(page.text, "ship") | {"tracking_number": "JD2"}
    assert (await client.post(path, data=rest, follow_redirects=False)).status_code == 303
    page = await client.get(path)
    assert "All of it has left" in page.text
    assert "<form" not in page.text
    details = await trade.shop.details(order_id)
    assert sorted(shipment.tracking_number for shipment in details.shipments) == ["JD1", "JD2"]


async def test_less_than_all_or_nothing_goes_elsewhere(trade: Dropship, links: SupplierLinks, client: Client) -> None:
    order_id, one = await asked(trade, {"LAMP": 3})
    path = links.path(one.id, utcnow())
    page = await client.get(path)
    await client.post(path, data=form(page.text, "accept") | {"accept-1": "1", "reason": "out_of_stock"})
    await trade.settle()
    first, second = await trade.purchases(order_id)
    assert (first.lines[0].wanted, second.lines[0].wanted) == (1, 2)
    page = await client.get(path)
    await client.post(path, data=form(page.text, "decline") | {"reason": "address", "note": "Not to an island"})
    declined = await now(trade, one)
    assert (declined.state, declined.note) == (PurchaseState.DECLINED, "Not to an island")


async def test_what_was_typed_is_kept(trade: Dropship, links: SupplierLinks, client: Client) -> None:
    _, one = await asked(trade, {"LAMP": 3})
    path = links.path(one.id, utcnow())
    page = (await client.get(path)).text
    for act, wrong in (
        ("accept", {"accept-1": "4", "note": "kept&"}),
        ("accept", {"accept-1": "x", "note": "kept&"}),
        ("accept", {"promised_on": "2020-01-01", "note": "kept&"}),
        ("accept", {"reason": "whim", "note": "kept&"}),
        ("ship", {"carrier": "kept&", "tracking_number": ""}),
        ("ship", {"carrier": "kept&", "tracking_number": "T", "ship-1": "0"}),
        ("ship", {"carrier": "kept&", "tracking_number": "T", "tracking_url": "javascript:alert(1)"}),
        ("decline", {"note": "kept&", "act": "other"}),
    ):
        answer = await client.post(path, data=form(page, act) | wrong)
        assert answer.status_code == 422, (act, wrong)
        assert 'value="kept&amp;"' in answer.text, (act, wrong)
        assert "Something is missing" in answer.text
    assert await now(trade, one) == one


async def test_an_address_opens_one_purchase_order_for_a_while(trade: Dropship, links: SupplierLinks, client: Client) -> None:
    _, one = await asked(trade)
    right = links.path(one.id, utcnow())
    forged = SupplierLinks(Keyring(b"x" * 32), "").path(one.id, utcnow())
    old = links.path(one.id, utcnow() - timedelta(days=400))
    for wrong in (forged, old, right[:-2], "/supply/x", f"{forged}/order.csv", f"{forged}/order.json"):
        answer = await client.get(wrong)
        assert answer.status_code == 404, wrong
        assert "Lilas" not in answer.text
    assert (await client.post(forged, data={"act": "accept", "version": "1"})).status_code == 404


async def test_the_same_as_files(trade: Dropship, links: SupplierLinks, client: Client) -> None:
    _, one = await asked(trade)
    path = links.path(one.id, utcnow())
    rows = list(csv.DictReader(io.StringIO((await client.get(f"{path}/order.csv")).content.decode("utf-8-sig"))))
    assert [(row["supplier_sku"], row["quantity"], row["cost"]) for row in rows] == [
        ("AC-1", "3", "17.50"),
        ("AC-9", "1.5", "3.33"),
    ]
    data = (await client.get(f"{path}/order.json")).json()
    assert (data["number"], data["ship_to"]["city"], len(data["lines"])) == (f"P{one.number}", "Marseille", 2)
    answer = await client.get(f"{path}/order.pdf")
    if answer.status_code == 200:
        assert answer.content.startswith(b"%PDF")


async def test_what_we_hold_cannot_be_accepted_just_now(trade: Dropship, links: SupplierLinks, client: Client) -> None:
    order_id, one = await asked(trade, {"LAMP": 1})
    (work,) = await trade.shop.work(order_id)
    async with trade.database.transaction() as tx:
        await fulfilment.hold(tx, work.id, HoldReason.FRAUD)
    path = links.path(one.id, utcnow())
    answer = await client.post(path, data=form((await client.get(path)).text, "accept"))
    assert answer.status_code == 409
    assert "looking into this order" in answer.text


async def test_the_letter_has_the_paper_the_file_and_the_page(trade: Dropship, links: SupplierLinks) -> None:
    post = Post()
    await post.open()
    try:
        async with trade.database.transaction() as tx:
            await notices.put_sender(tx, Sender(channel="web", name="Étoffes & Cie", email="orders@example.com"))
        _, one = await asked(trade)
        office = Supplying(trade.database, links, post.server())
        post.refuse = {"RCPT": "451 4.7.1 later"}
        assert await office.send_some() == 1
        async with trade.database.read() as reader:
            (letter,) = await purchasing.letters(reader, one.id)
        assert (letter.state, letter.attempts, post.got) == (LetterState.PENDING, 1, [])
        post.refuse = {}
        async with trade.database.transaction() as tx:
            await tx.run("UPDATE purchasing.letters SET next_at = %(now)s", {"now": tx.now})
        assert await office.send_some() == 1
        assert await office.send_some() == 0
        (mail,) = post.got
        assert (mail["To"], mail["Subject"]) == ("orders@acme.example", f"Purchase order P{one.number}")
        body = mail.get_body(("plain",))
        assert body is not None
        assert "http://testserver.local/supply/" in body.get_content()
        names = [part.get_filename() for part in mail.iter_attachments()]
        assert names in ([f"P{one.number}.pdf", f"P{one.number}.csv"], [f"P{one.number}.csv"])
        async with trade.database.read() as reader:
            (letter,) = await purchasing.letters(reader, one.id)
        assert letter.state is LetterState.SENT
    finally:
        await post.close()


async def test_without_a_sender_the_letter_waits_and_says_why(trade: Dropship, links: SupplierLinks) -> None:
    _, one = await asked(trade)
    office = Supplying(trade.database, links, None)
    assert await office.send_some() == 1
    async with trade.database.read() as reader:
        (letter,) = await purchasing.letters(reader, one.id)
    assert (letter.state, letter.problem) == (LetterState.PENDING, "no channel has a sender")


async def test_the_clock_asks_and_reminds(trade: Dropship, links: SupplierLinks) -> None:
    _, one = await asked(trade)
    await trade.pass_time(13)
    office = Supplying(trade.database, links, None)
    await office.tick()
    await office.replenish()
    async with trade.database.read() as reader:
        assert [letter.kind.value for letter in await purchasing.letters(reader, one.id)] == ["order", "reminder"]


async def test_the_paper_says_what_where_and_how_much(trade: Dropship, links: SupplierLinks) -> None:
    _, one = await asked(trade)
    async with trade.database.read() as reader:
        paper, locale = await paper_of(reader, one, links, utcnow())
    try:
        pdf = await documents.render(paper, locale)
    except DocumentsUnavailable:
        pytest.skip("nothing prints here")
    _keep(pdf)
    text = " ".join(" ".join(texts(pdf)).split())
    for words in (f"P{one.number}", "AC-1", "Camille Roux", "13001", "€52.50", "1.500", "Total"):
        assert words in text, (words, text)


def _keep(pdf: bytes) -> None:
    if PICTURES:
        Path(PICTURES, "purchase-order.pdf").write_bytes(pdf)


@pytest_asyncio.fixture(loop_scope="session")
async def wide(database: Database) -> Dropship:
    return await open_dropship(database)


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_page_is_accessible_on_a_telephone(
    browser: Browser, wide: Dropship, links: SupplierLinks, language: str
) -> None:
    _, one = await asked(wide)
    pages = SupplierPages(wide.database, links)
    others = PublicPages(wide.database, PublicLinks(Keyring(KEY), ""))
    async with served(Litestar([*pages.routes(), *others.routes()], openapi_config=None)) as address:
        context = await browser.new_context(base_url=address, viewport={"width": 360, "height": 740})
        page = await context.new_page()
        await page.goto(f"{links.path(one.id, utcnow())}?lang={language}")
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)
            results = await Axe().run(page)
            assert results.violations_count == 0, results.generate_report()
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        if PICTURES:
            await page.emulate_media(color_scheme="light")
            await page.screenshot(path=f"{PICTURES}/supply-{language}.png", full_page=True)
        await page.locator("form button").first.click()
        await page.wait_for_load_state()
        await context.close()
    assert (await now(wide, one)).state is PurchaseState.ACKNOWLEDGED
