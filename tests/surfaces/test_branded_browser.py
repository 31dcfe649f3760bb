"""The pages of a shop with a look of its own, in a real browser: accessible by day and at night, as wide as a telephone."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from litestar import Litestar
from PIL import Image, ImageDraw
from playwright.async_api import Browser

from comptoir.kernel.time import utcnow
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Brand, Medium, Sender
from comptoir.runtime.database import Database
from comptoir.surfaces.logo_drawing import draw_logo
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.web import PublicPages
from support.browser import Axe, browser
from support.console import served
from support.depot import AGREED, Depot, open_depot, scan

__all__ = ["browser"]


@pytest_asyncio.fixture(loop_scope="session")
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database) as opened:
        yield opened


def picture() -> bytes:
    image = Image.new("RGBA", (600, 150), (0, 0, 0, 0))
    ImageDraw.Draw(image).rounded_rectangle((0, 0, 590, 145), 40, fill="#8a1538")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_a_shop_with_its_own_look_is_for_everybody(browser: Browser, depot: Depot, language: str) -> None:
    brand = Brand(
        name="Étoffes & Cie", colour="#8a1538", email="aide@example.com", phone="+33 1 23 45 67 89",
        imprint="https://example.com/mentions", logo=draw_logo("logo.png", picture()),
    )  # fmt: skip
    async with depot.database.transaction() as tx:
        media = (Medium.EMAIL, Medium.SMS, Medium.WHATSAPP)
        await notices.put_sender(tx, Sender(channel="web", name="Web", email="o@example.com", phone="S", media=media))
        await notices.put_brand(tx, "", brand)
    links = PublicLinks(depot.keyring, "")
    order_id = await depot.shipped("BR1", buyer=AGREED)
    await depot.say("BR1", scan("in_transit", hours=20, place="Lyon"), scan("lost", hours=2))
    complaints: list[str] = []
    async with served(Litestar(PublicPages(depot.database, links).routes(), openapi_config=None)) as address:
        context = await browser.new_context(base_url=address, viewport={"width": 360, "height": 740})
        page = await context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme)
            for link in (links.tracking(order_id, utcnow()), links.stopping(order_id, utcnow())):
                await page.goto(f"{link}?lang={language}")
                results = await Axe().run(page)
                assert results.violations_count == 0, results.generate_report()
                assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
                assert await page.evaluate("document.querySelector('.shop img').naturalWidth") > 0
        await context.close()
    assert complaints == []
