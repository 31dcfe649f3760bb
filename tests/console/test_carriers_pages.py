from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from comptoir.kernel.ids import to_text, uuid7
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import (
    CARRIER_SERVICE_PREFIX,
    CarrierService,
    CarrierServiceDraft,
    Origins,
    Service,
    Zone,
)
from comptoir.modules.locations.contracts import LOCATION_PREFIX
from comptoir.surfaces.services import Services
from support.back_office import FRAGMENT, HOSTILE, as_role, audited, looked_at, rows, said, signed_in, statuses
from support.browser import browser
from support.console import Shop, Staff, counted_statements, fields_of

__all__ = ["browser"]

NEAR, FAR = Zone(240.0, 890, 60, 1), Zone(4_500.5, 1_290, 0, 5)
GROUND = CarrierServiceDraft(code="ups-ground", name="UPS Ground", zones=(NEAR, FAR), countries=("US",))
FORM: dict[str, Any] = {
    "name": "UPS Ground",
    "code": "ups-ground",
    "service": "standard",
    "active": "yes",
    "countries": ["US"],
    "km:0": "240",
    "base:0": "8.90",
    "kg:0": "0,60",
    "days:0": "1",
    "km:1": "",
    "max_weight": "30",
    "carbon": "0.1",
    "days": ["0", "1", "2", "3", "4", "5"],
}


async def made(parts: Services, draft: CarrierServiceDraft) -> CarrierService:
    async with parts.database.transaction() as tx:
        return await carriers.create(tx, draft)


async def everything(parts: Services) -> list[CarrierService]:
    async with parts.database.read() as reader:
        return await carriers.everything(reader)


def href(one: CarrierService) -> str:
    return f"/carriers/{to_text(CARRIER_SERVICE_PREFIX, one.id)}"


async def test_without_carriers_it_is_said_what_that_means(owner: Staff) -> None:
    text = (await owner.get("/carriers")).text
    assert "carriers stop nobody and cost nothing" in text
    assert 'href="/carriers/new"' in text


async def test_services_are_listed_in_words_filtered_and_exported(owner: Staff, parts: Services) -> None:
    await made(parts, GROUND)
    air = CarrierServiceDraft(
        code="air", name="Next Day Air", service=Service.EXPRESS, zones=(FAR,), dangerous=True, active=False
    )
    await made(parts, air)
    assert await rows(owner, "/carriers") == ["Next Day Air", "UPS Ground"]
    assert await rows(owner, "/carriers?service=express") == ["Next Day Air"]
    assert await rows(owner, "/carriers?active=yes") == ["UPS Ground"]
    assert await rows(owner, "/carriers?q=ground") == ["UPS Ground"]
    words = said((await owner.get("/carriers")).text)
    assert "UPS Ground ups-ground Standard United States 4,500.5 km $8.90 to $12.90 1 – 5 Active" in words
    assert "Next Day Air air Express all countries takes dangerous goods" in words
    lines = (await owner.get("/carriers?format=csv&sort=code")).content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("Code,Name,Delivery,Active,Countries,Up to km")
    assert lines[2] == "ups-ground,UPS Ground,Standard,yes,US,240,8.90,0.60,1,30,no,0.1,"
    assert len(lines) == 4, "a line for each zone"


async def test_a_service_is_made_once_with_its_zones_in_order(owner: Staff, parts: Services) -> None:
    more = {"km:2": "50", "base:2": "4", "kg:2": "", "days:2": "0", "countries_other": "Canada", "dangerous": "yes"}
    form = fields_of((await owner.get("/carriers/new")).text, "/carriers/new") | FORM | more
    answers = await asyncio.gather(*(owner.send("/carriers/new", form) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [303, 303], said(answers[0].text)
    (one,) = await everything(parts)
    assert one.zones == (Zone(50.0, 400, 0, 0), Zone(240.0, 890, 60, 1)), "empty rows do not count"
    assert (one.countries, one.dangerous, one.active, one.service) == (("US", "CA"), True, True, Service.STANDARD)
    assert (one.max_weight, one.carbon, one.delivers) == (30_000, 0.1, (True,) * 6 + (False,))
    entry = (await audited(parts))[0]
    assert (entry.action, entry.subject) == ("carrier_service.created", to_text(CARRIER_SERVICE_PREFIX, one.id))
    assert f'href="{href(one)}"' in (await owner.get("/settings/audit")).text
    taken = await owner.submit("/carriers/new", "/carriers/new", FORM)
    assert (taken.status_code, "Another service of a carrier has this code." in taken.text) == (422, True)


async def test_a_service_that_cannot_be_is_refused_by_its_fields_and_nothing_is_lost(owner: Staff, parts: Services) -> None:
    wrong = FORM | {
        "name": HOSTILE,
        "km:0": "near",
        "base:0": "-3",
        "days:0": "soon",
        "km:1": "100",
        "base:1": "2",
        "days:1": "1",
        "km:2": "100,0",
        "base:2": "2",
        "days:2": "1",
        "countries_other": "Narnia",
        "max_weight": "",
        "carbon": "-1",
        "days": [],
    }
    answer = await owner.submit("/carriers/new", "/carriers/new", wrong)
    assert answer.status_code == 422
    for words in (
        "Type a number such as 2.5.",
        "Type an amount such as 12.50.",
        "Type a whole number.",
        "This distance stands here twice.",
        "Nobody knows the country Narnia.",
        "Tick at least one.",
    ):
        assert words in answer.text, words
    for value in ("near", "-3", "soon", "100,0", "Narnia"):
        assert f'value="{value}"' in answer.text, value
    assert "<script>alert" not in answer.text
    empty = await owner.submit("/carriers/new", "/carriers/new", FORM | {"km:0": "", "base:0": "", "kg:0": "", "days:0": ""})
    assert "Fill in one zone at least" in empty.text
    assert await everything(parts) == []


async def test_zones_are_added_and_taken_away_without_losing_anything(owner: Staff) -> None:
    form = fields_of((await owner.get("/carriers/new")).text, "/carriers/new") | FORM | {"km:1": "900"}

    async def zones(step: str) -> list[str]:
        answer = await owner.send("/carriers/new", form | {"step": step}, **FRAGMENT)
        assert answer.status_code == 200
        assert "<html" not in answer.text
        assert 'value="UPS Ground"' in answer.text
        return re.findall(r'name="km:\d+" value="([^"]*)"', answer.text)

    assert await zones("add") == ["240", "900", ""]
    assert await zones("away:0") == ["900"]
    assert await zones("away:7") == ["240", "900"]


async def test_of_two_who_change_a_service_the_second_is_told_what_holds(owner: Staff, parts: Services) -> None:
    one = await made(parts, GROUND)
    form = fields_of((await owner.get(href(one))).text, href(one)) | FORM
    assert (await owner.send(href(one), form | {"base:0": "9.90"})).status_code == 303
    stale = await owner.send(href(one), form | {"base:0": "7.77", "_key": "other"})
    assert stale.status_code == 422
    assert "What holds now: 0 – 240 km: $9.90 + $0.60." in said(stale.text)
    assert 'value="7.77"' in stale.text
    assert (await owner.send(href(one), fields_of(stale.text, href(one)) | FORM | {"base:0": "7.77"})).status_code == 303
    assert [zone.base for zone in (await everything(parts))[0].zones] == [777]
    off = {name: value for name, value in FORM.items() if name != "active"}
    assert (await owner.submit(href(one), href(one), off)).status_code == 303
    assert not (await everything(parts))[0].active


async def test_what_stands_in_the_form_of_a_service_is_what_was_saved(owner: Staff, parts: Services) -> None:
    one = await made(parts, GROUND)
    await owner.get("/preferences/language?to=fr&next=/carriers")
    text = (await owner.get(href(one))).text
    for name, value in (("km:1", "4500,5"), ("base:1", "12,90"), ("kg:1", ""), ("days:1", "5"), ("max_weight", "30")):
        assert re.search(rf'name="{name}"[^>]* value="{value}"', text), name
    assert "Par kilogramme" in text


async def test_roles_of_carriers(owner: Staff, parts: Services) -> None:
    one = await made(parts, GROUND)
    visitor = await as_role(owner, "store")
    assert set((await statuses(visitor, ["/carriers", href(one)])).values()) == {200}
    assert (await visitor.get("/carriers/new")).status_code == 403
    assert (await visitor.send(href(one), FORM)).status_code == 403
    words = said((await visitor.get(href(one))).text)
    assert "240 – 4,500.5 km $12.90 $0.00 5" in words
    assert "Delivers on Monday to Saturday" in words
    assert "/carriers/new" not in (await visitor.get("/carriers")).text
    for address in ("/carriers/csv_01kag8v6w3e9n8r2t5y7z4c6bd", "/carriers/nonsense"):
        assert (await visitor.get(address)).status_code == 404


async def test_pages_of_carriers_ask_the_database_few_questions(owner: Staff, parts: Services) -> None:
    one = await made(parts, GROUND)
    for address, most in (("/carriers", 8), (href(one), 12)):
        await owner.get(address)
        with counted_statements() as sent:
            assert (await owner.get(address)).status_code == 200
        assert len(sent) <= most, (address, len(sent), sent)


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_pages_of_carriers_are_accessible_and_fit_their_width(
    browser: Browser, parts: Services, shop: Shop, language: str
) -> None:
    async with signed_in(browser, parts) as page:
        await looked_at(page, language, ["/carriers"])
        one = await made(parts, GROUND)
        await looked_at(page, language, ["/carriers", "/carriers?q=nothing", "/carriers/new", href(one)])


async def test_a_service_is_typed_in(browser: Browser, parts: Services) -> None:
    async with signed_in(browser, parts) as page:
        await page.goto("/carriers/new")
        await page.fill("#name", "UPS Ground")
        await page.fill("#code", "ups")
        await page.click("#countries")
        await page.locator("input[name=countries][value=US]").check()
        await expect(page.locator("#countries [data-pick-words]")).to_have_text("United States")
        for n, (km, base, days) in enumerate([("240", "8.90", "1"), ("970", "9.90", "3"), ("4500", "12.90", "5")]):
            await page.fill(f'[name="km:{n}"]', km)
            await page.fill(f'[name="base:{n}"]', base)
            await page.fill(f'[name="days:{n}"]', days)
        await page.get_by_role("button", name="Add a zone").click()
        await expect(page.locator(".zones tbody tr")).to_have_count(4)
        await page.get_by_role("button", name="Take zone 2 away").click()
        await expect(page.locator(".zones tbody tr")).to_have_count(3)
        await page.fill("#max_weight", "0")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#max_weight-error")).to_be_visible()
        await expect(page.locator("[data-refused]")).to_be_focused()
        await page.fill("#max_weight", "31.5")
        await page.keyboard.press("Enter")
        await expect(page.locator("#toasts")).to_contain_text("UPS Ground is saved.")
    (one,) = await everything(parts)
    assert [(zone.up_to_km, zone.base) for zone in one.zones] == [(240.0, 890), (4_500.0, 1_290)]
    assert (one.countries, one.max_weight) == (("US",), 31_500)


async def test_a_service_says_how_often_it_came_as_planned_and_what_is_added_for_it(owner: Staff, parts: Services) -> None:
    one = await made(parts, GROUND)
    assert "What was measured" not in (await owner.get(href(one))).text
    async with parts.database.transaction() as tx:
        await tx.run(
            "INSERT INTO routing.lessons (subject, key, parcels, on_time, slack, learned_at) "
            "VALUES ('carrier', 'ups-ground', 200, 188, 1, %(now)s)",
            {"now": tx.now},
        )
    assert "Came as planned 94% of 200 parcels · 1 day is added to dates" in said((await owner.get(href(one))).text)
    await owner.get("/preferences/language?to=fr&next=/")
    assert "1 jour est ajouté aux dates" in (await owner.get(href(one))).text


async def test_where_a_service_collects_is_ticked_and_told(owner: Staff, parts: Services, shop: Shop) -> None:
    store = to_text(LOCATION_PREFIX, shop.locations["S367"])
    form = fields_of((await owner.get("/carriers/new")).text, "/carriers/new") | FORM
    form |= {"from_locations": [store], "from_kinds": ["warehouse"], "from_countries_other": "Canada"}
    assert (await owner.send("/carriers/new", form)).status_code == 303
    (one,) = await everything(parts)
    assert one.origins == Origins(locations=(shop.locations["S367"],), kinds=("warehouse",), countries=("CA",))
    assert "collects from warehouses in Canada and" in said((await owner.get("/carriers")).text)
    page = (await owner.get(href(one))).text
    assert f'value="{store}" checked' in page
    assert one.origins.include(shop.locations["S367"], "store", "US")
    bad = await owner.submit(href(one), href(one), form | {"from_countries_other": "Narnia"})
    assert bad.status_code == 422
    assert "Nobody knows the country Narnia." in bad.text
    assert f'value="{store}" checked' in bad.text, "what was ticked is not lost"
    gone = to_text(LOCATION_PREFIX, uuid7())
    lost = await owner.submit(href(one), href(one), form | {"from_locations": [gone], "from_countries_other": ""})
    assert (lost.status_code, "One of these locations is not there any more." in lost.text) == (422, True)
