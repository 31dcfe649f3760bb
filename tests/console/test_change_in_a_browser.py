"""Changes of an order in a real browser: on a phone and a desk, in both languages, with the keyboard."""

from __future__ import annotations

import re

from playwright.async_api import Browser, expect

from comptoir.kernel.ids import to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import AddItem, Allow, ChangeDraft, ChangeKind, PolicyDraft
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.services import Services
from support.back_office import looked_at, signed_in
from support.browser import browser
from support.console import Shop

__all__ = ["browser"]


async def test_a_change_is_made_and_every_page_of_it_can_be_read(browser: Browser, parts: Services, shop: Shop) -> None:
    order, sent = (f"/orders/{to_text(ORDER_PREFIX, shop.orders[name])}" for name in ("fresh", "shipped"))
    async with parts.database.transaction() as tx:
        await changes.create_policy(tx, PolicyDraft(code="careful", position=1, approval_above=100))
        draft = ChangeDraft(
            order_id=shop.orders["shipped"], kind=ChangeKind.CLAIM,
            actions=(Allow(line_no=1, units=1, amount=599), AddItem(sku="840361", quantity=1, unit_price=0)), reason="damaged",
        )  # fmt: skip
        made, _ = await changes.request_change(tx, draft, SETTING)
    change = f"/orders/changes/{to_text('chg', made.id)}"
    async with signed_in(browser, parts) as page:
        for language in ("en", "fr"):
            every = (
                order, sent, "/orders/changes", change, f"{order}/change/edit", f"{order}/change/cancel",
                f"{sent}/change/exchange?line=1", f"{sent}/change/claim", f"{sent}/change/adjustment", f"{order}/refund",
            )  # fmt: skip
            await looked_at(page, language, every)
        await page.goto("/preferences/language?to=en&next=/account")
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.goto(order)
        await page.get_by_text("Change", exact=True).first.click()
        menu = await page.locator(".page-actions .menu[open] .menu-list").bounding_box()
        assert menu is not None
        assert menu["x"] >= 0
        assert menu["x"] + menu["width"] <= 390
        await page.get_by_role("link", name="Change products or delivery").click()
        await page.fill("#find", "shampoo")
        await page.press("#find", "Enter")
        await page.get_by_role("button", name=re.compile("Add Shampoo")).click()
        await expect(page.locator("#added-0")).to_have_value("1")
        await page.fill("#added-0", "2")
        await page.get_by_role("button", name="See what it comes to").last.click()
        await expect(page.get_by_role("heading", name="What it comes to")).to_be_visible()
        await page.get_by_role("button", name="Change something").click()
        await expect(page.locator("#added-0")).to_have_value("2")
        await page.get_by_role("button", name="See what it comes to").last.click()
        await page.get_by_role("button", name="Do it").click()
        await expect(page).to_have_url(re.compile(f"{order}$"))
        await expect(page.locator("#toasts")).to_contain_text("The order is changed.")
    async with parts.database.read() as reader:
        assert (await orders.order(reader, shop.orders["fresh"])).lines[-1].sku == "883404"
