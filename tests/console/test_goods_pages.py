"""What moving a product takes, as a form: weight and size, dangerous goods, customs, and what it asks for of lots."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Goods
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Terms, Tracks
from comptoir.surfaces.services import Services
from support.back_office import as_role, audited, looked_at, said, signed_in
from support.browser import browser
from support.console import Shop, Staff, counted_statements

__all__ = ["browser"]

LOAF = "840361"
PAGE = f"/goods?sku={LOAF}"
FORM: dict[str, Any] = {
    "weight": "420",
    "length": "200",
    "width": "",
    "height": "",
    "dangerous": "yes",
    "hs_code": "3303.00",
    "origin": "France",
    "tracks": "expiry",
    "left": "5",
    "transit": "1",
}


async def known(parts: Services) -> tuple[Goods, Terms | None]:
    async with parts.database.read() as reader:
        return (await catalogue.goods(reader, [LOAF]))[LOAF], (await lots.terms(reader, [LOAF])).get(LOAF)


async def test_a_product_is_said_to_be_dangerous_and_to_expire(owner: Staff, parts: Services) -> None:
    assert f'href="{PAGE}"' in (await owner.get(f"/stock/{LOAF}")).text
    answer = await owner.submit(PAGE, PAGE, FORM)
    assert answer.status_code == 303, said(answer.text)
    goods, terms = await known(parts)
    assert (goods.weight, goods.length, goods.dangerous, goods.hs_code, goods.origin) == (420, 200, True, "330300", "FR")
    assert terms == Terms(LOAF, Tracks.EXPIRY, 5, 1)
    entry = (await audited(parts))[0]
    assert (entry.action, entry.subject, entry.data["dangerous"]) == ("goods.changed", LOAF, True)
    with counted_statements() as sent:
        page = (await owner.get(PAGE)).text
    assert len(sent) <= 10, sent
    assert re.search(r'name="dangerous"[^>]* checked', page)
    assert (await owner.submit(PAGE, PAGE, FORM | {"dangerous": "", "tracks": "", "left": ""})).status_code == 303
    goods, terms = await known(parts)
    assert (goods.dangerous, terms) == (False, None)


async def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(owner: Staff, parts: Services) -> None:
    before = await known(parts)
    wrong = FORM | {"origin": "Narnia", "hs_code": "12", "tracks": "", "weight": "431"}
    answer = await owner.submit(PAGE, PAGE, wrong)
    assert answer.status_code == 422
    words = said(answer.text)
    for told in ("Nobody knows the country Narnia.", "It has six to ten digits.", "Say what is written on it"):
        assert told in words, told
    assert 'value="431"' in answer.text
    assert await known(parts) == before


async def test_of_two_who_change_a_product_the_second_is_told(owner: Staff, parts: Services) -> None:
    assert (await owner.submit(PAGE, PAGE, FORM)).status_code == 303
    stale = await owner.submit(PAGE, PAGE, FORM | {"version": "1", "weight": "999"})
    assert stale.status_code == 422
    assert (await known(parts))[0].weight == 420
    assert 'value="999"' in stale.text


async def test_who_may_not_change_the_catalogue_has_no_such_form(owner: Staff) -> None:
    analyst = await as_role(owner, "analyst")
    assert (await analyst.get(PAGE)).status_code == 403


async def test_the_form_speaks_french(owner: Staff) -> None:
    await owner.get("/preferences/language?to=fr&next=/orders")
    words = said((await owner.get(PAGE)).text)
    assert "Marchandises dangereuses" in words
    assert "Jours qui doivent rester" in words


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_form_is_accessible_and_fits_its_width(browser: Browser, parts: Services, shop: Shop, language: str) -> None:
    assert shop.locations
    async with signed_in(browser, parts) as page:
        await looked_at(page, language, [PAGE])
        await page.goto(f"/stock/{LOAF}")
        await page.set_viewport_size({"width": 1440, "height": 900})
        await page.goto(PAGE)
        await page.fill("#weight", "420")
        await page.select_option("#tracks", "expiry")
        await page.fill("#left", "5")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_contain_text("Sourdough loaf")
    _, terms = await known(parts)
    assert terms == Terms(LOAF, Tracks.EXPIRY, 5, 2)
