"""The pages in a real browser: accessible and as wide as the screen in both languages, and what needs a browser to be seen."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, expect

from comptoir.kernel.ids import to_text
from comptoir.modules.orders.contracts import ORDER_PREFIX
from comptoir.surfaces.services import Services
from support.browser import browser, drawn, fits_every_screen
from support.console import PASSWORD, Shop, application, place, served

__all__ = ["browser"]


@asynccontextmanager
async def signed_in(browser: Browser, parts: Services) -> AsyncGenerator[Page]:
    """A page of the owner's; it fails the test when its console says that anything is wrong."""
    complaints: list[str] = []
    async with served(application(parts)) as address:
        context = await browser.new_context(base_url=address, viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        page = await context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto("/sign-in")
        await page.fill("#email", "owner@example.com")
        await page.fill("#password", PASSWORD)
        await page.click("button[type=submit]:has-text('Sign in')")
        await expect(page.locator("h1")).to_have_text("Live")
        yield page
        await context.close()
    # A refused form is answered with 422, which Chromium mentions.
    assert [one for one in complaints if "422" not in one and "404" not in one] == []


def addresses(shop: Shop) -> list[str]:
    orders = [f"/orders/{to_text(ORDER_PREFIX, shop.orders[name])}" for name in ("fresh", "shipped", "waiting")]
    return [
        "/", "/orders", *orders, f"{orders[0]}/release", f"{orders[1]}/payment", "/orders/new", "/exceptions", "/customers",
        "/account", "/search?q=store", "/orders?q=nothing-fits", "/nowhere",
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_every_page_is_accessible_and_fits_its_width(
    browser: Browser, parts: Services, shop: Shop, language: str
) -> None:
    async with signed_in(browser, parts) as page:
        await page.goto("/exceptions")
        exception = await page.locator("a.row-link").first.get_attribute("href")
        assert exception is not None
        for address in [*addresses(shop), exception]:
            await page.goto(f"/preferences/language?to={language}&next=/account")
            await fits_every_screen(page, address)


async def test_an_action_opens_in_a_dialog_is_refused_there_and_done_there(
    browser: Browser, parts: Services, shop: Shop
) -> None:
    async with signed_in(browser, parts) as page:
        await page.goto(f"/orders/{to_text(ORDER_PREFIX, shop.orders['unpaid'])}")
        record = page.locator(".order-next").get_by_role("link", name="Record a payment")
        await record.click()
        await expect(page.locator("dialog#act")).to_be_visible()
        await page.fill("#amount", "0")
        await page.fill("#method", "card")
        await page.locator("#act button[type=submit]").click()
        await expect(page.locator("#act [data-refused]")).to_be_visible()
        await expect(page.locator("dialog#act")).to_contain_text("This amount is too small.")
        await page.fill("#amount", "5")
        await page.locator("#act button[type=submit]").click()
        await expect(page.locator("#toasts")).to_contain_text("The payment is written down.")
        await record.click()
        await page.get_by_role("link", name="Go back").click()
        await expect(page.locator("dialog#act")).to_be_hidden()


async def test_an_order_is_typed_in_with_products_that_are_found(browser: Browser, parts: Services) -> None:
    async with signed_in(browser, parts) as page:
        await page.goto("/orders/new")
        await page.fill("#find", "butter")
        await page.get_by_role("button", name="Add Unsalted butter").click()
        await expect(page.locator("[data-row]")).to_have_count(1)
        await page.locator("[data-row] input[type=number]").fill("3")
        await page.select_option("#pickup", index=1)
        await page.fill("#buyer_name", "Ada")
        await page.get_by_role("button", name="Place the order").click()
        await expect(page.locator("#toasts")).to_contain_text("The order is placed.")
        await expect(page.locator("main")).to_contain_text("$13.47")


async def test_a_sale_shows_on_the_live_page_by_itself(browser: Browser, parts: Services) -> None:
    async with signed_in(browser, parts) as page:
        await page.goto("/")
        await drawn(page)
        placed = await place(parts, "web", [("981760", 1)])
        await expect(page.locator("[sse-swap=latest]")).to_contain_text(str(placed.number), timeout=10_000)
        await expect(page.locator("[data-live-dot]")).to_contain_text("Live")


async def test_a_call_is_tried_on_the_page_of_the_api_whatever_name_it_is_reached_by(browser: Browser, parts: Services) -> None:
    async with served(application(parts)) as address:
        assert parts.settings.public_url != address  # which is what the description names as its server
        page = await browser.new_page(base_url=address, color_scheme="dark")
        await page.goto("/docs#get-/v1/orders")
        await expect(page.locator("rapi-doc")).to_have_attribute("theme", "dark")
        async with page.expect_response("**/v1/orders") as asked:
            await page.get_by_role("button", name="Try").first.click()
        assert (await asked.value).status == 401  # no token was given
        await page.close()
