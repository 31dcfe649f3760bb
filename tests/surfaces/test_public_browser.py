"""The pages of buyers in a real browser: accessible, as wide as a telephone, and without a complaint of the browser's."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
import pytest_asyncio
from litestar import Litestar
from playwright.async_api import Browser, expect

from comptoir.kernel.time import utcnow
from comptoir.modules.tracking.contracts import AnswerKind
from comptoir.runtime.database import Database
from comptoir.sdk.orders import Address
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.web import PublicPages
from support.browser import Axe, browser
from support.console import served
from support.depot import Depot, open_depot, scan

__all__ = ["browser"]

HOME = Address(name="Camille Roux", line1="3 rue des Lilas", postcode="13001", city="Marseille", country="FR", latitude=43.29,
               longitude=5.37)  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session")
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database) as opened:
        yield opened


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_a_buyer_on_a_telephone_follows_a_parcel_and_answers(browser: Browser, depot: Depot, language: str) -> None:
    links = PublicLinks(depot.keyring, "")
    order_id = await depot.shipped("WEB1", promised_on=utcnow().date() - timedelta(days=1), ship_to=HOME)
    await depot.say(
        "WEB1",
        scan("in_transit", hours=20, place="Lyon, gare de la Part-Dieu", latitude=45.76, longitude=4.84),
        scan("delivery_failed", hours=2),
    )
    complaints: list[str] = []
    async with served(Litestar(PublicPages(depot.database, links).routes(), openapi_config=None)) as address:
        context = await browser.new_context(base_url=address, viewport={"width": 360, "height": 740})
        page = await context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)
            await page.goto(f"{links.tracking(order_id, utcnow())}?lang={language}")
            await expect(page.locator("svg.map")).to_be_visible()
            results = await Axe().run(page)
            assert results.violations_count == 0, results.generate_report()
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        await page.locator("a.button").click()
        results = await Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        await page.fill("#on", (utcnow().date() + timedelta(days=3)).isoformat())
        await page.locator("details[open] button").click()
        await expect(page.locator("[role=status]")).to_be_visible()
        await context.close()
        assert all(url.startswith((address, "data:")) for url in requests)
    assert complaints == []
    answer = (await depot.case(order_id)).answer
    assert answer is not None
    assert answer.kind is AnswerKind.DATE


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_a_buyer_on_a_telephone_chooses_a_pickup_point(browser: Browser, depot: Depot, language: str) -> None:
    links = PublicLinks(depot.keyring, "")
    order_id = await depot.shipped("WEB2", ship_to=HOME)
    await depot.say("WEB2", scan("delivery_failed", hours=2))
    case = await depot.case(order_id)
    async with served(Litestar(PublicPages(depot.database, links).routes(), openapi_config=None)) as address:
        context = await browser.new_context(base_url=address, viewport={"width": 360, "height": 740})
        page = await context.new_page()
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)
            await page.goto(f"{links.answer(case.tracked_id, case.answer_until)}?lang={language}")
            await page.locator("details:has(input[value=pickup]) summary").first.click()
            await expect(page.locator("#pickup_point")).to_be_hidden()
            results = await Axe().run(page)
            assert results.violations_count == 0, results.generate_report()
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        await page.locator("input[name=point][value='']").check()
        await expect(page.locator("#pickup_point")).to_be_visible()
        await page.locator("input[name=point]").first.check()
        await page.locator("details[open] button").click()
        await expect(page.locator("[role=status]")).to_be_visible()
        await context.close()
    answer = (await depot.case(order_id)).answer
    assert answer is not None
    assert (answer.kind, answer.pickup_point) == (AnswerKind.PICKUP, "store, 13001")
