"""A buyer returns something on a telephone: accessible, in both languages, without a script."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from litestar import Litestar
from playwright.async_api import Browser, Page, expect

from comptoir.kernel.time import utcnow
from comptoir.modules.orders import api as orders
from comptoir.modules.payments.contracts import EntryKind
from comptoir.runtime.database import Database
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.returning import ReturnPages
from comptoir.surfaces.public.web import PublicPages
from support.browser import Axe, browser
from support.console import served
from support.depot import Depot, open_depot

__all__ = ["browser"]


@pytest_asyncio.fixture(loop_scope="session")
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database) as opened:
        yield opened


async def fine(page: Page) -> None:
    """In both themes."""
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)
        results = await Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize(("language", "done"), [("en", "We wait for it"), ("fr", "Nous l’attendons")])
async def test_a_buyer_on_a_telephone_returns_something(browser: Browser, depot: Depot, language: str, done: str) -> None:
    links = PublicLinks(depot.keyring, "")
    order_id = await depot.shipped("WEBR")
    async with depot.database.transaction() as tx:
        order = await orders.order(tx, order_id)
        await orders.pay(tx, order_id, EntryKind.CAPTURED, "card", order.total, "ch")
    routes = [*ReturnPages(depot.database, depot.keyring, links).routes(), *PublicPages(depot.database, links).routes()]
    async with served(Litestar(routes, openapi_config=None)) as address:
        context = await browser.new_context(base_url=address, viewport={"width": 360, "height": 740})
        page = await context.new_page()
        await page.goto(f"/return?lang={language}")
        await fine(page)
        await page.fill("#number", str(order.number))
        await page.fill("#proof", "camille@example.com")
        await page.locator("form button").click()
        await expect(page).to_have_url(re.compile(rf"/return/.+lang={language}"))
        await page.select_option("#units-1", "1")
        await page.select_option("#reason-1", "too_small")
        await page.locator("button.wide").click()
        await expect(page.locator("#comes-back .day")).to_contain_text("5")
        await fine(page)
        await expect(page.locator("#reason-1")).to_have_value("too_small")
        await page.locator("button.wide").click()
        await expect(page.get_by_role("status").first).to_have_text(done)
        await fine(page)
        assert links.returning(order_id, utcnow())
        await context.close()
