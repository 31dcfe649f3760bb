"""The page that says why an order comes from where it comes from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from comptoir.kernel.ids import to_text
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Origins, Zone
from comptoir.modules.orders.contracts import ORDER_PREFIX
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import Taken
from comptoir.modules.routing.contracts import (
    DecisionKind,
    Pick,
    Rating,
    Rules,
    RuleSetDraft,
    RuleSetState,
    Run,
    Splitting,
    Weight,
)
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


async def decided(
    parts: Services, shop: Shop, kind: DecisionKind, places: Sequence[int], *, run: Run | None = None, actor: str = ""
) -> str:
    """The order "fresh" decided again: from those of its network's locations; gives the page's address."""
    order_id = shop.orders["fresh"]
    async with parts.database.transaction() as tx:
        logged = (await routing.decisions(tx, order_id))[-1]
        told = await routing.explained(tx, logged.id)
        network = routing.Network(told.sites.values(), [])
        (need, *_) = logged.job.needs
        job = replace(logged.job, needs=(need,))
        before = tuple(pick for parcel in logged.parcels for pick in parcel.picks if pick.line_no == need.line_no)
        shares = [need.quantity // len(places) + (n < need.quantity % len(places)) for n in range(len(places))]
        picks = [
            Pick(need.line_no, need.sku, network.sites[place].id, share) for place, share in zip(places, shares, strict=True)
        ]
        decision = routing.as_placed(network, job, picks, tx.now)
        taken = Taken(
            order_id=order_id, kind=kind, job=job, decision=decision, network=network, rule_set=None, before=before, run=run,
            actor=actor,
        )  # fmt: skip
        await routing.record(tx, [taken])
    return f"{href(shop, 'fresh')}/routing"


async def test_a_run_says_what_it_saved_and_never_that_the_first_lacks_what_it_has(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    path = await decided(parts, shop, DecisionKind.BATCH, [1], run=Run(orders=3, saved=1250, code="express"))
    told = words((await owner.get(path)).text)
    assert "A run decided orders together and moved 3 of them; all together that saves $12.50. The run is “express”." in told
    assert "By itself it would come from Cincinnati warehouse; the run needed that for other orders: Store 292, Denver." in told
    assert "does not have all of it" not in told
    path = await decided(parts, shop, DecisionKind.BATCH, [1, 2], run=Run(orders=2, saved=0))
    told = words((await owner.get(path)).text)
    assert "the run needed that for other orders: Store 292, Denver and Store 343, Louisville." in told
    assert "A run decided orders together and moved 2 of them." in told
    await owner.get("/preferences/language?to=fr&next=/orders")
    told = words((await owner.get(path)).text)
    assert "Un passage a décidé des commandes ensemble et en a déplacé 2" in told
    assert "le passage en avait besoin pour d’autres commandes" in told


async def test_a_person_is_named_and_what_the_rules_say_against_it(owner: Staff, parts: Services, shop: Shop) -> None:
    path = await decided(parts, shop, DecisionKind.PERSON, [1], actor="system")
    told = words((await owner.get(path)).text)
    assert "Comptoir itself chose Store 292, Denver." in told
    assert "Comptoir itself wanted it so." in told


async def test_an_order_that_needs_no_decision_says_so(owner: Staff, shop: Shop) -> None:
    assert (await owner.get("/orders/ord_nothing/routing")).status_code == 404
    told = words((await owner.get(f"{href(shop, 'shipped')}/routing")).text)
    assert "Nothing has been decided yet" in told


async def test_the_page_asks_little(owner: Staff, shop: Shop) -> None:
    with counted_statements() as statements:
        assert (await owner.get(f"{href(shop, 'fresh')}/routing")).status_code == 200
    assert len(statements) <= 16


async def test_a_carrier_that_does_not_collect_there_is_named_beside_the_place(owner: Staff, parts: Services) -> None:
    van = CarrierServiceDraft(
        code="van", name="Store van", zones=(Zone(9_000, 400, 0, 1),), origins=Origins(kinds=("store",), countries=("US",))
    )
    async with parts.database.transaction() as tx:
        await carriers.create(tx, van)
        made = await routing.create(tx, RuleSetDraft(code="all", name="By priority", rules=Rules()))
        await routing.move(tx, made.id, RuleSetState.LIVE)
    parts.counters.forget()
    placed = await place(parts, "web", [("840361", 1)], person=0)
    await drained(parts.database, worker(parts))
    path = f"/orders/{to_text(ORDER_PREFIX, placed.id)}/routing?all=yes"
    told = words((await owner.get(path)).text)
    assert re.search(r"Cincinnati warehouse .*Not collected there by Store van, which would take it", told), told
    await owner.get("/preferences/language?to=fr&next=/orders")
    assert "Store van le prendrait, mais n’enlève pas ici" in words((await owner.get(path)).text)
