"""Settings of what buyers see and hear: the look, the quiet hours, the gateway, and what a customer wants."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from comptoir.modules.customers.contracts import CUSTOMER_PREFIX
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Brand, Medium
from comptoir.surfaces.services import Services
from support.back_office import HOSTILE, as_role, audited, looked_at, said, signed_in
from support.browser import browser
from support.console import Shop, Staff, counted_statements

__all__ = ["browser"]

BRAND = "/settings/brand"
GATEWAY = "/settings/messages/gateway"
QUIET = "/settings/messages/quiet"


async def test_the_house_says_how_it_looks_and_a_channel_what_is_otherwise(owner: Staff, parts: Services) -> None:
    given = {"name": HOSTILE, "colour": "#ffcc00", "email": "nobody", "imprint": "http://x"}
    refused = await owner.submit(BRAND, BRAND, given)
    assert refused.status_code == 422
    for field in ("colour", "email", "imprint"):
        assert f'id="{field}-error"' in refused.text, field
    assert "&lt;script&gt;" in refused.text
    assert (
        await owner.submit(BRAND, BRAND, {"name": "Étoffes", "colour": "#8a1538", "imprint": "https://x.example/"})
    ).status_code == 303
    assert (await audited(parts))[0].action == "brand.set"
    assert (await owner.submit(f"{BRAND}/web", f"{BRAND}/web", {"phone": "+33 1 23 45 67 89"})).status_code == 303
    async with parts.database.read() as reader:
        found = await notices.brand(reader, "web")
    assert (found.name, found.colour, found.phone) == ("Étoffes", "#8a1538", "+33 1 23 45 67 89")
    page = said((await owner.get(BRAND)).text)
    assert "looks otherwise" in page
    assert (await owner.get(f"{BRAND}/nowhere")).status_code == 404
    with counted_statements() as sent:
        await owner.get(BRAND)
    assert len(sent) <= 12, sent


async def test_the_gateway_is_set_up_and_its_secret_is_shown_once(owner: Staff, parts: Services) -> None:
    refused = await owner.submit(GATEWAY, GATEWAY, {"url": "ftp://example.com/x", "active": "yes"})
    assert refused.status_code == 422
    assert 'value="ftp://example.com/x"' in refused.text
    done = await owner.submit(GATEWAY, GATEWAY, {"url": "https://example.com/texts", "active": "yes"})
    assert done.status_code == 303
    shown = (await owner.get(done.headers["location"])).text
    assert "whsec_" in shown
    again = (await owner.get("/settings/senders")).text
    assert "whsec_" not in again
    assert "https://example.com/texts" in again
    async with parts.database.read() as reader:
        first = (await notices.house(reader)).gateway
    assert first is not None
    await owner.submit(GATEWAY, GATEWAY, {"url": "https://example.com/other", "active": "yes"})
    async with parts.database.read() as reader:
        second = (await notices.house(reader)).gateway
    assert second is not None
    assert (second.url, second.sealed) == ("https://example.com/other", first.sealed)
    assert "whsec_" not in repr(await audited(parts))
    await owner.submit("/settings/senders", f"{GATEWAY}/remove", {})
    async with parts.database.read() as reader:
        assert (await notices.house(reader)).gateway is None


async def test_quiet_hours_are_a_setting_of_the_house(owner: Staff, parts: Services) -> None:
    assert (await owner.submit(QUIET, QUIET, {"quiet_from": "25:00", "quiet_until": "x"})).status_code == 422
    assert (await owner.submit(QUIET, QUIET, {"quiet_from": "22:30", "quiet_until": "07:00"})).status_code == 303
    async with parts.database.read() as reader:
        house = await notices.house(reader)
    assert (house.quiet_from, house.quiet_until) == (22 * 60 + 30, 7 * 60)
    assert "from 22:30 to 07:00" in said((await owner.get("/settings/senders")).text)


async def test_who_may_not_changes_nothing(owner: Staff, parts: Services) -> None:
    viewer = await as_role(owner, "support")
    for path in (QUIET, GATEWAY):
        assert (await viewer.get(path)).status_code in {403, 404}
    for path in (BRAND, QUIET, GATEWAY):
        assert (await viewer.send(path, {"name": "X", "url": "https://example.com"})).status_code in {403, 404}
    async with parts.database.read() as reader:
        assert await notices.own_brand(reader, "") == Brand()
        assert (await notices.house(reader)).gateway is None


async def test_what_a_customer_tells_one_of_us_is_written_down(owner: Staff, parts: Services) -> None:
    async with parts.database.read() as reader:
        rows = await reader.rows(
            "SELECT customer_id, value FROM customers.identities WHERE kind = 'email' ORDER BY value LIMIT 1"
        )
    if not rows:
        pytest.skip("the shop has no customer")
    from comptoir.kernel.ids import to_text  # noqa: PLC0415

    customer, email = rows[0]
    here = f"/customers/{to_text(CUSTOMER_PREFIX, customer)}"
    assert "Messages about orders" in (await owner.get(here)).text
    answer = await owner.submit(here, f"{here}/messages", {"address": email, "medium": "email", "allowed": "no"})
    assert answer.status_code == 303
    async with parts.database.read() as reader:
        (kept,) = await notices.history(reader, email)
    assert (kept.medium, kept.allowed, kept.source.value) == (Medium.EMAIL, False, "staff")
    assert "stopped on" in said((await owner.get(here)).text)
    missed = await owner.submit(here, f"{here}/messages", {"address": "a@b.example", "medium": "email", "allowed": "no"})
    assert missed.status_code == 404


async def test_the_look_is_for_everybody(parts: Services, shop: Shop, browser: Browser) -> None:
    async with signed_in(browser, parts) as page:
        for language in ("en", "fr"):
            await looked_at(page, language, (BRAND, "/settings/senders", QUIET, GATEWAY))
