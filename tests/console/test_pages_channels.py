from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, expect

from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import Channel, PublishRules
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, Pool
from comptoir.surfaces.services import Services
from support.back_office import HOSTILE, as_role, audited, looked_at, place, rows, said, signed_in, statuses
from support.browser import browser
from support.console import Shop, Staff, counted_statements, fields_of

__all__ = ["browser"]

BANANAS = "1082185"
RULES = {"buffer": "20", "publish_percent": "50", "publish_max": "", "publish_min": "0", "stop_below": "0"}


async def channel(parts: Services, code: str) -> Channel:
    async with parts.database.read() as reader:
        return await channels.by_code(reader, code)


async def location(parts: Services, code: str) -> Location:
    async with parts.database.read() as reader:
        return await locations.by_code(reader, code)


async def pool(parts: Services, code: str) -> Pool:
    async with parts.database.read() as reader:
        return await locations.pool_by_code(reader, code)


# Channels


async def test_the_list_shows_what_each_channel_may_promise_of_a_sku(owner: Staff) -> None:
    assert await rows(owner, "/channels") == ["App", "Marketplace", "Phone orders", "Tills", "Web shop"]
    assert await rows(owner, "/channels?kind=pos") == ["Tills"]
    assert await rows(owner, "/channels?q=market") == ["Marketplace"]
    await owner.submit("/channels/market", "/channels/market/rules", RULES)
    words = said((await owner.get(f"/channels?sku={BANANAS}")).text)
    assert "Bananas, yellow, per pound" in words
    assert "buffer of 20 · 50% of the rest" in words
    assert "The catalogue does not know this SKU" in (await owner.get("/channels?sku=NOPE")).text
    answer = await owner.get("/channels?format=csv")
    assert answer.content.decode("utf-8-sig").startswith("Code,Name,Kind")


async def test_rules_are_saved_with_their_version_and_what_was_typed_is_kept(owner: Staff, parts: Services) -> None:
    form = fields_of((await owner.get("/channels/web")).text, "/channels/web/rules")
    assert (await owner.send("/channels/web/rules", form | RULES)).status_code == 303
    assert (await channel(parts, "web")).rules == PublishRules(buffer=20, publish_percent=50)
    assert (await audited(parts))[0].action == "channel.rules_changed"
    stale = await owner.send("/channels/web/rules", form | RULES | {"buffer": "77", "_key": "another"})
    assert stale.status_code == 422
    assert "Someone else has changed this channel" in stale.text
    assert "buffer of 20, 50% of the rest" in stale.text
    assert 'value="77"' in stale.text
    again = fields_of(stale.text, "/channels/web/rules")
    assert (await owner.send("/channels/web/rules", again | RULES | {"buffer": "77"})).status_code == 303
    assert (await channel(parts, "web")).rules.buffer == 77


async def test_rules_that_say_nothing_are_refused_by_their_field(owner: Staff, parts: Services) -> None:
    before = await channel(parts, "web")
    for values, words in (
        ({"buffer": "-1"}, "Type a whole number"),
        ({"publish_percent": "101"}, "Type a number from 0 to 100."),
        ({"publish_max": "5", "publish_min": "9"}, "This is more than"),
        ({"buffer": HOSTILE}, "Type a whole number"),
    ):
        answer = await owner.submit("/channels/web", "/channels/web/rules", RULES | values)
        assert answer.status_code == 422, values
        assert words in answer.text or "Type a number from" in answer.text, values
        assert "<script>alert" not in answer.text
    assert await channel(parts, "web") == before


async def test_the_effect_of_rules_is_shown_before_they_are_saved(owner: Staff, parts: Services) -> None:
    text = (
        await owner.get(f"/channels/web/effect?sku={BANANAS}&buffer=0&publish_percent=100&publish_max=5&publish_min=0")
    ).text
    assert "<html" not in text
    assert re.search(r"effect-then.*?<dd>5\b", text, re.DOTALL)
    assert "at most 5" in text
    assert (await channel(parts, "web")).rules == PublishRules()
    broken = await owner.get(f"/channels/web/effect?sku={BANANAS}&buffer=lots")
    assert broken.status_code == 200


async def test_a_channel_is_switched_off_and_on(owner: Staff, parts: Services) -> None:
    assert (await owner.submit("/channels/web", "/channels/web/switch", {})).status_code == 303
    assert not (await channel(parts, "web")).active
    text = (await owner.get("/channels/web")).text
    assert "This channel is switched off" in text
    assert fields_of(text, "/channels/web/switch")["to"] == "on"
    assert (await owner.submit("/channels/web", "/channels/web/switch", {})).status_code == 303
    assert (await channel(parts, "web")).active


async def test_a_channel_is_created_once_and_changed(owner: Staff, parts: Services) -> None:
    everything = await pool(parts, "all")
    values = fields_of((await owner.get("/new-channel")).text, "/new-channel") | {
        "code": "etsy", "name": "Etsy", "kind": "marketplace", "market": "us", "hold_for": "15",
        "pool": re.findall(r'<option value="(pool_\w+)"', (await owner.get("/new-channel")).text)[0],
    }  # fmt: skip
    answers = await asyncio.gather(*(owner.send("/new-channel", values) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [303, 303]
    made = await channel(parts, "etsy")
    assert (made.hold_for, made.backorder, made.pool_id) == (900, False, everything.id)
    taken = await owner.submit("/new-channel", "/new-channel", {name: v for name, v in values.items() if name[0] != "_"})
    assert taken.status_code == 422
    assert "Another channel has this code." in taken.text
    form = {"code": "etsy", "name": HOSTILE, "kind": "marketplace", "market": "us", "hold_for": "15", "pool": values["pool"]}
    assert (await owner.submit("/channels/etsy/edit", "/channels/etsy/edit", form | {"backorder": "yes"})).status_code == 303
    assert (await channel(parts, "etsy")).backorder
    for address in ("/channels", "/channels/etsy", "/stock/1082185"):
        assert "<script>alert" not in (await owner.get(address)).text


async def test_roles_of_channels(owner: Staff) -> None:
    visitor = await as_role(owner, "analyst")
    assert (await visitor.get("/channels/web")).status_code == 200
    assert "Save the rules" not in (await visitor.get("/channels/web")).text
    assert set((await statuses(visitor, ["/new-channel", "/channels/web/edit"])).values()) == {403}
    assert (await visitor.send("/channels/web/switch", {"to": "off"})).status_code == 403
    assert (await visitor.get("/channels/no-such-channel")).status_code == 404
    assert (await visitor.get("/channels?q=%00")).status_code == 422


async def test_pages_of_channels_ask_the_database_few_questions(owner: Staff) -> None:
    for address, most in (
        ("/channels", 10),
        (f"/channels?sku={BANANAS}", 14),
        ("/channels/web", 10),
        ("/locations", 8),
        ("/pools", 8),
    ):
        await owner.get(address)
        with counted_statements() as sent:
            assert (await owner.get(address)).status_code == 200
        assert len(sent) <= most, (address, len(sent), sent)


# Locations


NEW = {
    "code": "LYON", "name": "Lyon, Part-Dieu", "kind": "store", "country": "fr", "time_zone": "Europe/Paris", "active": "yes",
    "line1": "17 rue Servient", "postcode": "69003", "city": "Lyon", "latitude": "45,7606", "longitude": "4.8566",
    "pickup": "yes", "day:0": "09:00-12:30, 14:00-19:00", "day:5": "10:00 – 18:00", "daily_capacity": "120",
}  # fmt: skip


async def test_locations_are_listed_searched_and_exported(owner: Staff) -> None:
    assert len(await rows(owner, "/locations")) == 6
    assert await rows(owner, "/locations?kind=warehouse") == ["Cincinnati warehouse"]
    assert await rows(owner, "/locations?q=dallas") == ["Store 381, Dallas"]
    answer = await owner.get("/locations?format=csv")
    assert answer.content.decode("utf-8-sig").startswith("code,name,kind,active,line1")
    assert '"map": "us"' in (await owner.get("/locations")).text


async def test_a_location_is_created_shown_and_changed(owner: Staff, parts: Services) -> None:
    answer = await owner.submit("/locations/new", "/locations/new", NEW)
    assert answer.status_code == 303
    made = await location(parts, "LYON")
    assert (made.country, made.latitude, made.ships, made.pickup, made.daily_capacity) == ("FR", 45.7606, False, True, 120)
    assert [len(day) for day in made.opening_hours.days] == [2, 0, 0, 0, 0, 1, 0]
    words = said((await owner.get(answer.headers["location"])).text)
    assert "17 rue Servient, 69003 Lyon, FR" in words
    assert "09:00 – 12:30, 14:00 – 19:00" in words
    taken = await owner.submit("/locations/new", "/locations/new", NEW)
    assert taken.status_code == 422
    assert "Another location has this code." in taken.text


async def test_a_location_that_cannot_be_is_refused_by_its_fields(owner: Staff) -> None:
    answer = await owner.submit(
        "/locations/new",
        "/locations/new",
        NEW | {"latitude": "north", "day:1": "nine to five", "country": "France", "name": ""},
    )
    assert answer.status_code == 422
    for words in ("Type degrees such as", "Type times such as", "Two letters, such as", "Fill this in.", "nine to five"):
        assert words in answer.text


async def test_of_two_who_change_a_location_the_second_sees_what_differs(owner: Staff, parts: Services, shop: Shop) -> None:
    here = f"/locations/{place(shop, 'S367')}"
    form = re.findall(r'<(?:input|select)[^>]* name="([^"]+)"[^>]* value="([^"]*)"', (await owner.get(f"{here}/edit")).text)
    values = {name: value for name, value in form if not name.startswith("_")}
    values |= {"kind": "store", "time_zone": "America/New_York", "country": "US", "active": "yes", "ships": "yes"}
    token = fields_of((await owner.get(f"{here}/edit")).text, f"{here}/edit")
    assert (await owner.send(f"{here}/edit", values | token | {"name": "Columbus, North"})).status_code == 303
    stale = await owner.send(f"{here}/edit", values | token | {"name": "Columbus, South", "_key": "other"})
    assert stale.status_code == 422
    assert "Someone else has saved this location" in stale.text
    assert "It differs from yours in: Name" in stale.text
    assert 'value="Columbus, South"' in stale.text
    assert (await location(parts, "S367")).name == "Columbus, North"
    fresh = fields_of(stale.text, f"{here}/edit")
    assert (await owner.send(f"{here}/edit", values | fresh | {"name": "Columbus, South"})).status_code == 303
    assert (await location(parts, "S367")).name == "Columbus, South"
    assert (await audited(parts))[0].data["name"] == {"from": "Columbus, North", "to": "Columbus, South"}


# Stock pools


async def test_a_pool_takes_locations_in_and_lets_them_go(owner: Staff, parts: Services, shop: Shop) -> None:
    form = fields_of((await owner.get("/pools/new")).text, "/pools/new")
    added = await owner.send(
        "/pools/new", form | {"step": "add", "add": place(shop, "S367"), "priority": "2"}, hx_request="true"
    )
    assert f'name="priority:{place(shop, "S367")}" value="2"' in added.text
    everything = await owner.send("/pools/new", form | {"step": "all", "priority": "5"}, hx_request="true")
    assert everything.text.count('name="priority:') == 6
    values = {"code": "stores", "name": "Stores", "step": "keep"}
    values |= {f"priority:{place(shop, 'S367')}": "2", f"priority:{place(shop, 'S406')}": "1"}
    made = await owner.send("/pools/new", form | values)
    assert made.status_code == 303
    assert [member.code for member in (await pool(parts, "stores")).members] == ["S406", "S367"]
    here = made.headers["location"]
    gone = await owner.submit(here, here, values | {f"priority:{place(shop, 'S367')}": ""})
    assert gone.status_code == 303
    assert [member.code for member in (await pool(parts, "stores")).members] == ["S406"]
    taken = await owner.submit("/pools/new", "/pools/new", values)
    assert taken.status_code == 422
    assert "Another stock pool has this code." in taken.text
    assert [action.action for action in await audited(parts)][:2] == ["pool.changed", "pool.created"]


async def test_of_two_who_change_a_pool_the_second_is_told(owner: Staff, shop: Shop) -> None:
    text = (await owner.get("/pools")).text
    here = re.findall(r'href="(/pools/pool_\w+)"', text)[0]
    form = fields_of((await owner.get(here)).text, here)
    values = {"code": "all", "name": "First", "step": "keep", f"priority:{place(shop, 'S367')}": "1"}
    assert (await owner.send(here, form | values)).status_code == 303
    stale = await owner.send(here, form | values | {"name": "Second", "_key": "other"})
    assert stale.status_code == 422
    assert 'value="Second"' in stale.text


async def test_roles_of_locations(owner: Staff, shop: Shop) -> None:
    visitor = await as_role(owner, "store")
    here = f"/locations/{place(shop, 'S367')}"
    assert set((await statuses(visitor, ["/locations", here, "/pools"])).values()) == {200}
    assert set((await statuses(visitor, ["/locations/new", f"{here}/edit", "/pools/new"])).values()) == {403}
    assert "/locations/new" not in (await visitor.get("/locations")).text
    assert (await visitor.get("/settings")).headers["location"] == "/locations"


# In a browser


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_pages_of_channels_are_accessible_and_fit_their_width(
    browser: Browser, parts: Services, shop: Shop, language: str
) -> None:
    async with signed_in(browser, parts) as page:
        await page.goto("/pools")
        here = await page.locator("a.row-link").first.get_attribute("href")
        assert here is not None
        await looked_at(
            page,
            language,
            [
                "/channels", f"/channels?sku={BANANAS}", "/channels?q=nothing", f"/channels/web?sku={BANANAS}",
                "/channels/web/edit", "/new-channel", "/locations", f"/locations/{place(shop, 'S367')}", "/locations/new",
                "/pools", here, "/pools/new",
            ],
        )  # fmt: skip


async def test_the_effect_of_rules_follows_what_is_typed(browser: Browser, parts: Services) -> None:
    async with signed_in(browser, parts) as page:
        await page.goto(f"/channels/web?sku={BANANAS}")
        await page.fill("#publish_max", "5")
        await expect(page.locator(".effect-then dd")).to_contain_text("5")
        await expect(page.locator("#effect")).to_contain_text("at most 5")
        await page.get_by_role("button", name="Switch off").click()
        await expect(page.locator("dialog#switch")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Save the rules").click()
        await expect(page.locator("#toasts")).to_contain_text("The rules hold from now on")
    assert (await channel(parts, "web")).rules == PublishRules(publish_max=5)
