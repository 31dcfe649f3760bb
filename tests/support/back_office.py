"""What the tests of stock, channels, imports and settings share: a browser that is signed in, and looking around."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, expect

from comptoir.kernel.ids import to_text
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Level
from comptoir.modules.locations.contracts import LOCATION_PREFIX
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import AuditEntry, AuditFilter
from comptoir.surfaces.services import Services
from support.browser import fits_every_screen
from support.console import PASSWORD, Shop, Staff, application, served

HOSTILE = "</textarea><script>alert(1)</script><img src=x onerror=alert(2)>\"'"
FRAGMENT = {"hx-request": "true"}


def place(shop: Shop, code: str) -> str:
    return to_text(LOCATION_PREFIX, shop.locations[code])


async def level(parts: Services, shop: Shop, sku: str, code: str) -> Level:
    spot = (sku, shop.locations[code])
    async with parts.database.read() as reader:
        return (await inventory.levels_at(reader, [spot])).get(spot, Level())


async def audited(parts: Services) -> list[AuditEntry]:
    """The audit trail, the latest first."""
    async with parts.database.read() as reader:
        return (await staff.find_audit(reader, AuditFilter(), limit=200)).items


def said(html: str) -> str:
    """The text of a page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


async def rows(visitor: Staff, address: str) -> list[str]:
    """The links of a list's rows, as an htmx request gets them."""
    answer = await visitor.get(address, **FRAGMENT)
    assert answer.status_code == 200, answer.text
    assert "<html" not in answer.text
    return re.findall(r'class="row-link"[^>]*>([^<]*)<', answer.text)


async def statuses(visitor: Staff, addresses: Iterable[str]) -> dict[str, int]:
    return {address: (await visitor.get(address)).status_code for address in addresses}


async def as_role(visitor: Staff, role: str) -> Staff:
    """The same browser, signed in as somebody of that role."""
    await visitor.send("/sign-out", {})
    visitor.client.cookies.clear()
    assert (await visitor.sign_in(f"{role}@example.com")).status_code == 303
    return visitor


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
        await page.click("button[type=submit]")
        await expect(page.locator("nav .nav-list").first).to_be_visible()
        yield page
        await context.close()
    # A refused form is answered with 422, which Chromium mentions.
    told = [one for one in complaints if "422" not in one]
    assert told == [], told


async def looked_at(page: Page, language: str, addresses: Iterable[str]) -> None:
    """Fails where a page is not accessible, or wider than its screen."""
    await page.goto(f"/preferences/language?to={language}&next=/account")
    for address in addresses:
        await fits_every_screen(page, address)
