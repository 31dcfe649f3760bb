from __future__ import annotations

import re

import pytest

from comptoir.modules.inventory import api as inventory
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ExceptionFilter, ExceptionKind
from comptoir.surfaces.console.pages import exception_page
from comptoir.surfaces.services import Services
from support.console import Shop, Staff, fields_of


async def still_open(parts: Services) -> list[ExceptionKind]:
    async with parts.database.read() as reader:
        found = await orders.find_exceptions(reader, ExceptionFilter())
    return sorted(one.exception.kind for one in found.items)


async def first(owner: Staff, kind: str) -> str:
    page = (await owner.get(f"/exceptions?kind={kind}")).text
    found = re.search(r'class="row-link" href="(/exceptions/exc_[^"]+)"', page)
    assert found is not None
    return found.group(1)


async def test_they_stand_in_groups_with_what_is_at_stake_and_the_best_remedy(owner: Staff, shop: Shop) -> None:
    page = (await owner.get("/exceptions")).text
    assert page.index("Promised units are not there") < page.index("More left than there was</h2>")
    assert "$6.58" in page, "two gallons"
    assert "Move to Store 406, Dayton" in page, "the nearest that has it"
    assert 'class="count count-bad">3<' in page.replace("\n", "")


async def test_one_click_moves_the_units(owner: Staff, parts: Services, shop: Shop) -> None:
    page = (await owner.get("/exceptions")).text
    form = fields_of(page, "/exceptions")
    remedies = re.findall(r'name="choice" value="move" formaction="([^"]+)"', page)
    assert len(remedies) == 2
    for remedy in remedies:
        address = remedy.replace("&amp;", "&")
        answer = await owner.send(address, form | {"choice": "move", "_key": address[-40:]})
        assert (answer.status_code, answer.headers["location"]) == (303, "/exceptions")
    assert await still_open(parts) == [ExceptionKind.NEGATIVE_STOCK]
    async with parts.database.read() as reader:
        held = await inventory.reservations_for(reader, shop.orders["fresh"])
    assert {r.location_id for r in held if r.sku == "1029743"} == {shop.locations["S406"]}


async def test_many_are_resolved_at_once_each_on_its_own(owner: Staff, parts: Services) -> None:
    page = (await owner.get("/exceptions")).text
    ids = re.findall(r'name="id" value="(exc_[^"]+)"', page)
    answer = await owner.send("/exceptions", fields_of(page, "/exceptions") | {"id": [*ids, "exc_nonsense"], "choice": "best"})
    assert answer.status_code == 303
    said = (await owner.get("/exceptions")).text
    assert "2 exceptions are resolved." in said
    assert "1 needs a closer look." in said
    assert await still_open(parts) == [ExceptionKind.NEGATIVE_STOCK]


async def test_what_stands_far_down_the_list_is_resolved_with_the_others(
    owner: Staff, parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exception_page, "PAGE_SIZE", 1)
    page = (await owner.get("/exceptions")).text
    ids = re.findall(r'name="id" value="(exc_[^"]+)"', page)
    await owner.send("/exceptions", fields_of(page, "/exceptions") | {"id": ids, "choice": "best"})
    assert await still_open(parts) == [ExceptionKind.NEGATIVE_STOCK]


async def test_every_choice_is_offered_with_its_figures(owner: Staff) -> None:
    where = await first(owner, "shortfall")
    page = (await owner.get(where)).text
    for words in (
        "Let the units come from another location",
        "Let them wait for stock",
        "Cancel these units",
        "available ·",
        " km",
    ):
        assert words in page, words
    count = (await owner.get(await first(owner, "negative_stock"))).text
    assert "Count now" in count
    assert "Let the units come" not in count


async def test_a_choice_is_made_once_and_then_shown(owner: Staff, parts: Services, shop: Shop) -> None:
    where = await first(owner, "shortfall")
    form = fields_of((await owner.get(where)).text, where)
    assert (await owner.send(where, form | {"choice": "backorder", "_key": "one"})).status_code == 303
    page = (await owner.get(where)).text
    assert "waits for stock" in page
    assert "Dana Owner" in page
    again = await owner.send(where, form | {"choice": "cancel", "_key": "two"})
    assert again.status_code == 422
    assert "Someone has resolved this already." in again.text


async def test_whoever_may_only_look_is_refused(stranger: Staff, parts: Services) -> None:
    await stranger.sign_in("analyst@example.com")
    where = await first(stranger, "shortfall")
    page = (await stranger.get(where)).text
    assert "Your role may look at exceptions, not decide them." in page
    token = page.split('name="_token" value="')[1].split('"')[0]
    assert (await stranger.send(where, {"_token": token, "choice": "dismiss"})).status_code == 403
    assert len(await still_open(parts)) == 3


async def test_when_nothing_waits_the_page_says_so(owner: Staff, parts: Services) -> None:
    page = (await owner.get("/exceptions")).text
    ids = re.findall(r'name="id" value="(exc_[^"]+)"', page)
    await owner.send("/exceptions", fields_of(page, "/exceptions") | {"id": ids, "choice": "dismiss"})
    assert "Nothing waits for a person" in (await owner.get("/exceptions")).text
    assert "dismissed" in (await owner.get("/exceptions?state=resolved")).text
