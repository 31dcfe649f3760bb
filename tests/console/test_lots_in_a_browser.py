"""Lots on a phone: out of turn they are asked about, old ones refused, also where the server cannot be reached."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Arrived
from comptoir.modules.fulfilment.contracts import Fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Quantity
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Named, Terms, Tracks
from comptoir.surfaces.console.pages.return_words import return_href
from comptoir.surfaces.console.pages.store_desk import text_of
from comptoir.surfaces.console.pages.transfers import transfer_href
from comptoir.surfaces.services import Services
from console.test_return_pages import announced, sent
from console.test_store_in_a_browser import LOAF, PHONE, at_work, picked, work
from support.back_office import looked_at
from support.browser import browser
from support.console import Shop

__all__ = ["browser"]

GTIN = "4006381333931"
PICTURES = os.environ.get("COMPTOIR_PICTURES", "")


def label(code: str, days: int) -> str:
    return f"01{GTIN:0>14}17{datetime.now(UTC).date() + timedelta(days=days):%y%m%d}10{code}"


async def loaves(parts: Services, shop: Shop) -> Fulfilment:
    variant = VariantDraft(sku=LOAF, gtin=GTIN)
    today = datetime.now(UTC).date()
    async with parts.database.transaction() as tx:
        await catalogue.upsert(tx, [ProductDraft(code=f"P{LOAF}", names={"en": "Sourdough loaf"}, variants=[variant])])
        await lots.put_terms(tx, [Terms(LOAF, Tracks.EXPIRY, shelf_life_left=2, transit_days=1)])
        rows = [
            Named(LOAF, 2, "OLD", today + timedelta(days=1)),
            Named(LOAF, 3, "A1", today + timedelta(days=20)),
            Named(LOAF, 3, "B1", today + timedelta(days=30)),
        ]
        await lots.name(tx, shop.locations["WH-CIN"], rows)
    return await work(parts, [(LOAF, 3)])


async def scan(page: Page, code: str) -> None:
    await page.fill("#code", code)
    await page.press("#code", "Enter")


async def test_a_phone_asks_about_a_lot_out_of_turn_with_the_server_and_without(
    browser: Browser, parts: Services, shop: Shop
) -> None:
    one = await loaves(parts, shop)
    async with at_work(browser, parts, one) as page:
        await page.goto(f"/store/pick/{text_of(one.id)}")
        said = page.locator("[data-said]")
        await scan(page, label("B1", 30))
        await expect(said).to_contain_text("Take lot A1 first")
        assert await picked(parts, one) == 0
        await scan(page, label("B1", 30))
        await expect(page.locator("#work")).to_have_attribute("data-left", "2")
        assert await picked(parts, one) == 1
        await page.context.set_offline(True)
        await page.evaluate("window.dispatchEvent(new Event('offline'))")
        await scan(page, label("OLD", 1))
        await expect(said).to_contain_text("Put it back: lot OLD")
        await scan(page, label("B1", 30))
        await expect(said).to_contain_text("To take lot B1 all the same, scan it once more.")
        await expect(page.locator("[data-number]").first).to_have_text("2")
        await scan(page, label("B1", 30))
        await expect(page.locator("[data-number]").first).to_have_text("1")
        await scan(page, label("A1", 20))
        await page.context.set_offline(False)
        await page.evaluate("window.dispatchEvent(new Event('online'))")
        await expect(page.locator("#work")).to_have_attribute("data-left", "0", timeout=15_000)
    assert await picked(parts, one) == 3
    async with parts.database.read() as reader:
        got = {row.code: row.quantity for row in await lots.of_fulfilment(reader, one.id)}
    assert got == {"A1": 1, "B1": 2}


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_pages_with_lots_are_accessible(browser: Browser, parts: Services, shop: Shop, language: str) -> None:
    one = await loaves(parts, shop)
    order = await sent(parts, shop)
    case = await announced(parts, order, 2)
    async with parts.database.transaction() as tx:
        here, there = shop.locations["WH-CIN"], shop.locations["S367"]
        case = await changes.receive_return(tx, case.id, here, [Arrived(1, 2)])
        made = await inventory.create_transfer(tx, here, there, [Quantity(LOAF, 4)])
        await lots.read_on_road(tx, made.id, LOAF, label("B1", 30), leaving=True)
        await lots.follow_transfer(tx, await inventory.send_transfer(tx, made.id))
        await lots.block(tx, LOAF, "A1", "glass")
    pages = {
        "pick": f"/store/pick/{text_of(one.id)}",
        "inspect": f"{return_href(case.id)}/inspect",
        "transfer": transfer_href(made.id),
        "lot": f"/lots/orders?sku={LOAF}&lot=B1",
        "routing": f"/orders/{to_text('ord', one.order_id)}/routing?all=yes",
    }
    async with at_work(browser, parts, one) as page:
        await looked_at(page, language, pages.values())
        if PICTURES:
            for width in (PHONE, {"width": 1280, "height": 900}):
                await page.set_viewport_size(width)  # type: ignore[arg-type]
                for name, address in pages.items():
                    await page.goto(address)
                    path = Path(PICTURES) / f"{name}-{language}-{width['width']}.png"
                    await page.screenshot(path=path, full_page=True)
