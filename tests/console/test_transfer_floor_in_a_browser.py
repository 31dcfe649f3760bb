"""Transfers on a phone: accessible in both languages, and scanned on without a network."""

from __future__ import annotations

from typing import cast

import pytest
from playwright.async_api import Browser, expect

from comptoir.kernel.ids import to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import DamageReason, Quantity, TransferId
from comptoir.modules.locations.contracts import LocationId
from comptoir.surfaces.services import Services
from console.test_store_in_a_browser import PHONE, at_work, owner_of, photographed
from support.back_office import looked_at
from support.browser import browser
from support.console import Shop

__all__ = ["browser"]

LOAF, COFFEE, SHAMPOO = "840361", "995242", "883404"


class _Here:
    """Where the phone is."""

    def __init__(self, location_id: LocationId) -> None:
        self.location_id = location_id


def here(shop: Shop, code: str) -> Fulfilment:
    return cast("Fulfilment", _Here(shop.locations[code]))


async def planned(parts: Services, shop: Shop, origin: str, target: str, *, send: bool = False) -> TransferId:
    async with parts.database.transaction(await owner_of(parts)) as tx:
        lines = [Quantity(LOAF, 3), Quantity(COFFEE, 2), Quantity(SHAMPOO, 1)]
        await inventory.receive(tx, shop.locations[origin], lines)
        await fulfilment.put_bins(tx, shop.locations[origin], {LOAF: "A-03-2", COFFEE: "B-01-1"})
        made = await inventory.create_transfer(tx, shop.locations[origin], shop.locations[target], lines, "Weekly")
        if send:
            await inventory.send_transfer(tx, made.id)
        return made.id


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("fr", "dark")])
async def test_the_pages_of_transfers_are_accessible_and_fit_a_phone(
    browser: Browser, parts: Services, shop: Shop, language: str, theme: str
) -> None:
    leaving = await planned(parts, shop, "S367", "S406")
    ready = await planned(parts, shop, "S367", "S381")
    coming = await planned(parts, shop, "S406", "S367", send=True)
    late = await planned(parts, shop, "S381", "S367", send=True)
    async with parts.database.transaction(await owner_of(parts)) as tx:
        await inventory.pick_transfer(tx, leaving, LOAF, 2)
        await inventory.pick_whole_transfer(tx, ready)
        await inventory.pack_transfer(tx, ready)
        await inventory.tally_transfer(tx, coming, LOAF, 4, on_top=True)
        await inventory.tally_transfer(tx, coming, COFFEE)
        await inventory.tally_transfer(tx, coming, COFFEE, damage=DamageReason.WET)
        await inventory.receive_transfer(tx, late, [Quantity(LOAF, 1)])
        await tx.run("UPDATE inventory.transfers SET sent_at = sent_at - interval '9 days' WHERE id = %(id)s", {"id": late})
    arriving, office = f"/store/arriving/{to_text('trf', coming)}", f"/transfers/{to_text('trf', late)}"
    pages = {
        "home": "/store",
        "transfers": "/store/transfers",
        "sending": f"/store/transfers/{to_text('trf', leaving)}",
        "packed": f"/store/transfers/{to_text('trf', ready)}",
        "receive": "/store/receive",
        "arriving": arriving,
        "asked": f"{arriving}?ask={SHAMPOO}",
        "take-in": f"{arriving}/take-in",
        "bins": "/store/bins",
        "office": office,
        "settle": f"{office}/settle",
        "operations": "/operations",
    }
    async with at_work(browser, parts, here(shop, "S367")) as page:
        await page.context.add_cookies([{"name": "theme", "value": theme, "url": page.url}])
        await looked_at(page, language, pages.values())
        await page.set_viewport_size(PHONE)
        for name, address in pages.items():
            await page.goto(address)
            await photographed(page, f"t-{name}-{language}")
        await page.set_viewport_size({"width": 1280, "height": 900})
        for name in ("office", "settle", "operations"):
            await page.goto(pages[name])
            await photographed(page, f"t-{name}-{language}-wide")


async def test_scans_without_a_network_are_counted_kept_and_sent(browser: Browser, parts: Services, shop: Shop) -> None:
    coming = await planned(parts, shop, "S406", "S367", send=True)
    async with at_work(browser, parts, here(shop, "S367")) as page:
        await page.goto(f"/store/arriving/{to_text('trf', coming)}")
        await page.fill("#code", LOAF)
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-said]")).to_contain_text("Here: Sourdough loaf")
        await expect(page.locator("#work")).to_have_attribute("data-left", "5")
        await page.context.set_offline(True)
        for code in (COFFEE, COFFEE, COFFEE, "nonsense"):
            await page.keyboard.type(code)
            await page.keyboard.press("Enter")
        await expect(page.locator(".said-bad")).to_contain_text("does not find nonsense")
        await page.locator(".item", has_text="Sourdough loaf").get_by_role("button", name="All here").click()
        await expect(page.locator("[data-unsent]")).to_contain_text("5 scans wait on this device")
        async with parts.database.read() as reader:
            assert sum(row.units for row in await inventory.tallies(reader, coming)) == 1
        await photographed(page, "t-offline")
        await page.context.set_offline(False)
        await expect(page.locator("[data-unsent]")).to_be_hidden()
        await expect(page.locator("[data-refused-scans] li")).to_have_count(2)
        await expect(page.locator("#work")).to_have_attribute("data-left", "1")
        async with parts.database.read() as reader:
            assert {row.sku: row.units for row in await inventory.tallies(reader, coming)} == {LOAF: 3, COFFEE: 2}
