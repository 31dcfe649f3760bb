"""What somebody on the phone is told: when they would have it, by every way, before the order is placed."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.locations.contracts import LOCATION_PREFIX
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.surfaces.services import Services
from support.back_office import looked_at, signed_in
from support.browser import browser
from support.console import Shop, Staff, counted_statements

__all__ = ["browser"]

LOAF = "840361"
PROMISE = f"/orders/new/promise?channel=phone&sku={LOAF}&quantity=1"
COLUMBUS = "&to_country=US&to_postcode=43215&to_city=Columbus"


def said(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def days_of(html: str) -> dict[str, str]:
    return dict(re.findall(r'name="told-(\S+)" value="(\S+)"', html))


async def test_the_day_by_each_service_is_told_for_the_address_that_is_typed(owner: Staff, shop: Shop) -> None:
    page = (await owner.get("/orders/new")).text
    assert 'hx-get="/orders/new/promise"' in page
    assert "Add a product: the dates appear here." in said(page)
    told = (await owner.get(f"{PROMISE}{COLUMBUS}&service=standard")).text
    assert "Sent home, express" in said(told)
    assert {"standard", "express"} <= days_of(told).keys()
    assert re.findall(r'data-service="(\w+)"', told) == ["express"], "the other one is chosen already"
    other = (await owner.get(f"{PROMISE}{COLUMBUS}&service=express")).text
    assert re.findall(r'data-service="(\w+)"', other) == ["standard"]


async def test_without_a_country_it_says_what_is_missing(owner: Staff, shop: Shop) -> None:
    assert "Add a product" in said((await owner.get("/orders/new/promise?channel=phone")).text)
    for typed in ("", "&to_country=Nowhere"):
        told = (await owner.get(f"{PROMISE}{typed}")).text
        assert "Type the country and the postcode: the day of delivery appears here." in said(told)
        assert days_of(told) == {}
    await owner.get("/preferences/language?to=fr&next=/orders")
    assert "Saisissez le pays et le code postal" in said((await owner.get(PROMISE)).text)


async def test_the_counter_that_is_chosen_is_told_first_and_needs_no_address(owner: Staff, shop: Shop) -> None:
    there = to_text(LOCATION_PREFIX, shop.locations["S367"])
    told = (await owner.get(f"{PROMISE}&pickup={there}")).text
    assert list(days_of(told)) == [there]
    assert "Collected here" not in said(told), "nobody stands there"
    both = (await owner.get(f"{PROMISE}{COLUMBUS}&pickup={there}&service=standard")).text
    assert next(iter(days_of(both))) == there
    assert re.findall(r'data-service="(\w+)"', both) == ["standard", "express"], "either takes the place of the counter"


@pytest.mark.parametrize("way", ["standard", "express"])
async def test_what_is_told_on_the_phone_is_kept_with_the_order(owner: Staff, parts: Services, shop: Shop, way: str) -> None:
    days = days_of((await owner.get(f"{PROMISE}{COLUMBUS}&service={way}")).text)
    typed = {
        "channel": "phone", "sku": LOAF, "quantity": "1", "fill": "all", "buyer_name": "Bell", "service": way, "pickup": "",
        "to_line1": "1 High Street", "to_city": "Columbus", "to_postcode": "43215", "to_country": "US",
    }  # fmt: skip
    made = await owner.submit("/orders/new", "/orders/new", typed | {f"told-{key}": day for key, day in days.items()})
    assert made.status_code == 303, made.text
    async with parts.database.read() as reader:
        order = await orders.order(reader, OrderId(from_text("ord", made.headers["location"].rpartition("/")[2])))
    assert (order.service, str(order.promised_on)) == (way, days[way])


async def test_it_takes_few_statements(owner: Staff, shop: Shop) -> None:
    await owner.get(f"{PROMISE}{COLUMBUS}")
    with counted_statements() as statements:
        await owner.get(f"{PROMISE}{COLUMBUS}")
    assert len(statements) <= 12, statements


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_in_a_browser_a_way_is_chosen_by_what_it_brings(
    browser: Browser, parts: Services, shop: Shop, language: str
) -> None:
    async with signed_in(browser, parts) as page:
        await looked_at(page, language, ["/orders/new"])
        await page.goto("/orders/new")
        await page.select_option("#channel", "phone")
        await page.fill("#find", LOAF)
        await page.press("#find", "Enter")
        await expect(page.locator("#lines [name=sku]")).to_have_count(1)
        await page.fill("#to_postcode", "43215")
        await page.fill("#to_country", "US")
        await page.press("#to_country", "Tab")
        choose = page.locator("#promised button[data-service=express]")
        await expect(choose).to_be_visible()
        await choose.click()
        await expect(page.locator("#service")).to_have_value("express")
        await expect(page.locator("#promised button[data-service=standard]")).to_be_visible()
        await expect(choose).to_have_count(0)
