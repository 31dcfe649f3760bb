"""The page that says why an order comes from where it comes from."""

from __future__ import annotations

import re

from comptoir.kernel.ids import to_text
from comptoir.modules.orders.contracts import ORDER_PREFIX
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Rating, Rules, RuleSetDraft, RuleSetState, Splitting, Weight
from comptoir.surfaces.services import Services
from support.console import Shop, Staff, counted_statements, place, worker
from support.consumers import drained


def href(shop: Shop, name: str) -> str:
    return f"/orders/{to_text(ORDER_PREFIX, shop.orders[name])}"


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


async def test_the_order_says_who_prepares_it_and_why(owner: Staff, shop: Shop) -> None:
    page = (await owner.get(href(shop, "fresh"))).text
    assert "Who prepares it" in page
    assert f"{href(shop, 'fresh')}/routing" in page
    told = words((await owner.get(f"{href(shop, 'fresh')}/routing")).text)
    assert "Cincinnati warehouse is first by priority: 0 against 1 of Store 292, Denver." in told
    assert "The stock pool’s priority, then the distance" in told
    assert "As it was promised" in told


async def test_in_french(owner: Staff, shop: Shop) -> None:
    await owner.get("/preferences/language?to=fr&next=/orders")
    told = words((await owner.get(f"{href(shop, 'fresh')}/routing")).text)
    assert "Cincinnati warehouse est premier par priorité : 0 contre 1 pour Store 292, Denver." in told
    assert "6 sites sur 6 auraient pu l’envoyer." in told


async def test_a_rule_set_is_named_and_everybody_can_be_shown(owner: Staff, parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        rules = Rules(ratings=(Weight(Rating.DISTANCE),), splitting=Splitting(parcels=1))
        made = await routing.create(tx, RuleSetDraft(code="near", name="Nearest first", rules=rules))
        await routing.move(tx, made.id, RuleSetState.LIVE)
    parts.counters.forget()
    placed = await place(parts, "web", [("840361", 1)], person=0)
    await drained(parts.database, worker(parts))
    path = f"/orders/{to_text(ORDER_PREFIX, placed.id)}/routing"
    told = words((await owner.get(path)).text)
    assert "Nearest first" in told
    everybody = words((await owner.get(f"{path}?all=yes")).text)
    assert "Store 292, Denver" in everybody


async def test_an_order_that_needs_no_decision_says_so(owner: Staff, shop: Shop) -> None:
    assert (await owner.get("/orders/ord_nothing/routing")).status_code == 404
    told = words((await owner.get(f"{href(shop, 'shipped')}/routing")).text)
    assert "Nothing has been decided yet" in told


async def test_the_page_asks_little(owner: Staff, shop: Shop) -> None:
    with counted_statements() as statements:
        assert (await owner.get(f"{href(shop, 'fresh')}/routing")).status_code == 200
    assert len(statements) <= 16
