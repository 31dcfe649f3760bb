"""Returns in a real browser: accessible, as wide as a telephone, and one hand is enough at the desk."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from comptoir.kernel.ids import to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Arrived, PolicyDraft, ReturnDraft, Units
from comptoir.modules.inventory import api as inventory
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.console.pages.return_words import return_href
from comptoir.surfaces.services import Services
from support.back_office import looked_at, signed_in
from support.browser import browser
from support.console import Shop, place

__all__ = ["browser"]

LOAF = "840361"


async def sent(parts: Services) -> str:
    """Two loaves that have left, as the desk names their order."""
    made = await place(parts, "web", [(LOAF, 2)], person=1)
    async with parts.database.transaction() as tx:
        held = await inventory.reservations_for(tx, made.id)
        for location in sorted({one.location_id for one in held}):
            await orders.ship(tx, made.id, location, None, carrier="UPS", tracking_number=f"1Z{made.number}")
    return to_text(ORDER_PREFIX, made.id)


async def received(parts: Services, shop: Shop) -> str:
    """The address of a return that is here."""
    made = await place(parts, "web", [(LOAF, 1)], person=2)
    async with parts.database.transaction() as tx:
        held = await inventory.reservations_for(tx, made.id)
        await orders.ship(tx, made.id, held[0].location_id, None, carrier="UPS", tracking_number="1ZR")
        case = await changes.request_return(tx, ReturnDraft(order_id=made.id, units=(Units(1, 1),)), SETTING)
        await changes.receive_return(tx, case.id, shop.locations["S367"], [Arrived(1, 1)])
        await changes.create_policy(tx, PolicyDraft(code="web", position=20, channels=("web",), fee=100))
    return return_href(case.id)


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_pages_of_returns_are_accessible_and_fit(
    browser: Browser, parts: Services, shop: Shop, language: str
) -> None:
    order, case = await sent(parts), await received(parts, shop)
    async with signed_in(browser, parts) as page:
        await page.goto("/store/here")
        await page.get_by_text("Store 367").click()
        addresses = (
            "/returns", "/returns/new?q=XYZ", f"/returns/new?order={order}&sku={LOAF}", "/returns/receive?q=WHAT",
            f"/returns/receive?order={order}", f"{case}/inspect", case, "/returns/policies", "/returns/policies/new",
        )  # fmt: skip
        await looked_at(page, language, addresses)


async def test_products_of_a_policy_are_searched_and_ticked_in_the_sentence(
    browser: Browser, parts: Services, shop: Shop
) -> None:
    async with signed_in(browser, parts) as page:
        await page.goto("/returns/policies/new")
        await page.locator("#code").fill("bread")
        await page.locator("#window").fill("14")
        await page.locator("#skus-words").click()
        await page.locator("#find_sku").fill("sourdough")
        await page.get_by_label(f"Sourdough loaf ({LOAF})").check()
        await page.locator("#skus").fill(f"{LOAF}\n995242")
        await page.locator("#find_sku").fill("a")
        await expect(page.get_by_label(f"Sourdough loaf ({LOAF})")).to_be_checked()
        await page.get_by_label("AA batteries").check()
        await expect(page.locator("#skus-words")).to_contain_text("840361, 995242, and 1070820")
        await page.get_by_label("Dark roast").uncheck()
        await expect(page.locator("#skus")).to_have_value("840361\n1070820")
        await page.reload()  # a draft has the list, and everything after it
        await expect(page.locator("#skus")).to_have_value("840361\n1070820")
        await expect(page.locator("#window")).to_have_value("14")
        await page.locator("#code").press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Return policies")
    async with parts.database.read() as reader:
        (made,) = await changes.all_policies(reader)
    assert made.skus == (LOAF, "1070820")


async def test_a_loaf_is_scanned_looked_at_and_taken_back(browser: Browser, parts: Services, shop: Shop) -> None:
    order = await sent(parts)
    async with signed_in(browser, parts) as page:
        await page.set_viewport_size({"width": 390, "height": 800})
        await page.goto("/store/here")
        await page.get_by_text("Store 367").click()
        await page.goto(f"/returns/new?order={order}")
        await page.locator("#code").fill(LOAF)
        await page.keyboard.press("Enter")
        await expect(page.locator("#units-1")).to_have_value("1")
        await expect(page.locator(".goes-back")).to_have_text("$5.99")
        await page.evaluate("addEventListener('htmx:afterSettle', () => { document.body.dataset.settled = 'yes' })")
        await page.locator("#reason-1").select_option("defective")
        await expect(page.locator("body[data-settled]")).to_have_count(1)
        await page.locator("#units-1").fill("2")
        await page.locator("#units-1").press("Tab")
        await expect(page.locator(".goes-back")).to_have_text("$11.98")
        await expect(page.locator("#reason-1")).to_have_value("defective")
        await page.get_by_role("button", name="Take it back").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Return RMA")
        await expect(page.locator("#toasts")).to_contain_text("$11.98 by card")
