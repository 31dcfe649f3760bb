"""What the pages offer about units that no location may send, and what the order's page says of a person's choice."""

from __future__ import annotations

import re

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from comptoir.kernel.ids import to_text
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationKind
from comptoir.modules.orders.contracts import ORDER_PREFIX, OrderId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Rules, RuleSetDraft, RuleSetState
from comptoir.surfaces.services import Services
from support.back_office import audited, looked_at, signed_in
from support.browser import browser
from support.console import Shop, Staff, counted_statements, fields_of, place, worker
from support.consumers import drained

__all__ = ["browser"]


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest_asyncio.fixture
async def parked(parts: Services, shop: Shop) -> OrderId:
    """An order for one loaf, which stores do not send: it is too little to begin a parcel for."""
    async with parts.database.transaction() as tx:
        rules = Rules(kinds=(LocationKind.STORE,), minimum_pick=1_000_000)
        made = await routing.create(tx, RuleSetDraft(code="much", name="Much at once", rules=rules))
        await routing.move(tx, made.id, RuleSetState.LIVE)
    parts.counters.forget()
    placed = await place(parts, "web", [("840361", 1)], person=0)
    await drained(parts.database, worker(parts))
    return placed.id


async def page_of(owner: Staff) -> tuple[str, str]:
    """The address of the exception, and its page."""
    listed = (await owner.get("/exceptions?kind=unroutable")).text
    found = re.search(r'class="row-link" href="(/exceptions/exc_[^"]+)"', listed)
    assert found is not None
    return found.group(1), (await owner.get(found.group(1))).text


async def test_the_best_remedy_stands_first_and_says_which_rule_it_breaks(owner: Staff, shop: Shop, parked: OrderId) -> None:
    listed = (await owner.get("/exceptions?kind=unroutable")).text
    best = re.search(r'name="choice" value="send" formaction="([^"]+)"', listed)
    assert best is not None
    assert re.search(r"Send from Store \d+, \w+ anyway", words(listed))
    assert "Too little to be worth a parcel" in listed
    tower = (await owner.get("/operations")).text
    assert 'name="choice" value="send"' in tower
    assert "Too little to be worth a parcel" in tower
    _, page = await page_of(owner)
    heads = re.findall(r"<h3>.*?</svg>(.*?)</h3>", page)
    assert heads == [
        "Let a location send it, whatever the rules say",
        "Let the rules decide again",
        "Send it another way",
        "Cancel these units",
        "Dismiss",
    ]
    assert "Cincinnati warehouse · " in page
    assert "Left out by the rules" in page


async def test_in_french(owner: Staff, shop: Shop, parked: OrderId) -> None:
    await owner.get("/preferences/language?to=fr&next=/orders")
    _, page = await page_of(owner)
    assert "Faire envoyer par un site, quoi que disent les règles" in page
    assert "Laisser les règles décider à nouveau" in page


async def test_why_it_is_parked_is_said_wherever_it_is_listed(owner: Staff, shop: Shop, parked: OrderId) -> None:
    listed = words((await owner.get("/exceptions?kind=unroutable")).text)
    (found,) = set(re.findall(r"(Left out by the rules|Too little to be worth a parcel) \((\d+) locations?\)", listed))
    assert f"{found[0]} ({found[1]} location" in words((await owner.get("/operations")).text)
    where, page = await page_of(owner)
    card = words(page).partition("Why no location may send it")[2]
    assert card.index(found[0]) < card.index(" Order "), "the main reason stands there, before the order"
    assert re.search(r"Left out by the rules \(\d+ locations?\)", card)
    assert re.search(r"Too little to be worth a parcel \(\d+ locations?\)", card)
    await owner.get("/preferences/language?to=fr&next=/orders")
    french = words((await owner.get(where)).text)
    assert re.search(r"Écarté par les règles \(\d+ sites?\)", french)
    assert "Pourquoi aucun site ne peut l’envoyer" in french


async def test_one_click_sends_it_anyway_and_the_order_says_by_whom(
    owner: Staff, parts: Services, shop: Shop, parked: OrderId
) -> None:
    where, page = await page_of(owner)
    chosen = to_text(LOCATION_PREFIX, shop.locations["WH-CIN"])
    form = fields_of(page, where)
    empty = await owner.send(where, form | {"choice": "send", "to": "", "_key": "none"})
    assert empty.status_code == 422
    answer = await owner.send(where, form | {"choice": "send", "to": chosen, "_key": "one"})
    assert answer.status_code == 303, answer.text
    assert "sent all the same, because somebody chose so" in (await owner.get(where)).text
    told = words((await owner.get(f"/orders/{to_text(ORDER_PREFIX, parked)}/routing")).text)
    assert "Dana Owner chose Cincinnati warehouse, although the rules say: The rules use no locations of its kind." in told
    assert "By somebody" in told
    assert "Dana Owner" in told
    (entry, *_) = await audited(parts)
    assert (entry.action, entry.data["choice"]) == ("exception.resolved", "send")


async def test_trying_again_says_what_came_of_it(owner: Staff, shop: Shop, parked: OrderId) -> None:
    where, page = await page_of(owner)
    form = fields_of(page, where)
    assert (await owner.send(where, form | {"choice": "retry", "_key": "one"})).status_code == 303
    assert "Still no location may send them." in (await owner.get(where)).text


async def test_another_service_is_asked_for(owner: Staff, shop: Shop, parked: OrderId) -> None:
    where, page = await page_of(owner)
    form = fields_of(page, where)
    answer = await owner.send(where, form | {"choice": "service", "service": "express", "_key": "one"})
    assert answer.status_code == 303
    assert 'value="standard"' in (await owner.get(where)).text, "that is the other one now"


async def test_with_many_at_once_nobody_breaks_a_rule_unread(owner: Staff, shop: Shop, parked: OrderId) -> None:
    listed = (await owner.get("/exceptions?kind=unroutable")).text
    ids = re.findall(r'name="id" value="(exc_[^"]+)"', listed)
    answer = await owner.send("/exceptions", fields_of(listed, "/exceptions") | {"id": ids, "choice": "best"})
    assert answer.status_code == 303
    assert "1 needs a closer look." in (await owner.get("/exceptions")).text


async def test_the_pages_ask_little(owner: Staff, shop: Shop, parked: OrderId) -> None:
    where, _ = await page_of(owner)
    with counted_statements() as statements:
        assert (await owner.get(where)).status_code == 200
    assert len(statements) <= 34, statements
    with counted_statements() as statements:
        assert (await owner.get("/exceptions?kind=unroutable")).status_code == 200
    assert len(statements) <= 34, statements


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_page_is_for_everybody(
    browser: Browser, parts: Services, owner: Staff, shop: Shop, parked: OrderId, language: str
) -> None:
    where, _ = await page_of(owner)
    async with signed_in(browser, parts) as page:
        await looked_at(page, language, [where, "/exceptions?kind=unroutable"])
