"""Which reasons for giving units back have them counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import RejectReason
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Counted
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Rules, RuleSetDraft, RuleSetState
from comptoir.sdk.orders import Address
from support.shop import Shop

MARSEILLE = Address(name="Zoé", city="Marseille", country="FR", latitude=43.3, longitude=5.4)


async def given_back(shop: Shop, reason: RejectReason, rules: Rules | None = None) -> OrderId:
    await shop.product("TEA", stock={"store": 5})
    if rules is not None:
        async with shop.database.transaction() as tx:
            made = await routing.create(tx, RuleSetDraft(code="rules", rules=rules))
            await routing.move(tx, made.id, RuleSetState.LIVE)
    placed = await shop.place("web", {"TEA": 2}, ship_to=MARSEILLE)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    async with shop.database.transaction() as tx:
        await api.reject(tx, one.id, None, reason)
    await shop.settle()
    return placed.id


async def doubts(shop: Shop) -> list[tuple[str, int, str]]:
    async with shop.database.read() as reader:
        return [(one.sku, one.units, one.reason) for one in await api.count_tasks(reader, shop.locations["store"])]


async def test_what_is_not_found_is_set_aside_and_counted(shop: Shop) -> None:
    await given_back(shop, RejectReason.NOT_FOUND)
    assert await doubts(shop) == [("TEA", 2, "not_found")]
    assert (await shop.level("TEA", "store")).quality == 2


async def test_where_one_is_damaged_the_others_are_counted(shop: Shop) -> None:
    await given_back(shop, RejectReason.DAMAGED)
    assert await doubts(shop) == [("TEA", 0, "damaged")]
    level = await shop.level("TEA", "store")
    assert (level.damaged, level.quality) == (2, 0)
    async with shop.database.transaction() as tx:
        await inventory.count(tx, shop.locations["store"], [Counted("TEA", 5)])
    await shop.settle()
    assert await doubts(shop) == []
    assert (await shop.level("TEA", "store")).damaged == 2, "what is damaged stays so"
    await shop.doctors()


@pytest.mark.parametrize("reason", [RejectReason.CLOSED, RejectReason.OTHER])
async def test_that_it_is_closed_says_nothing_about_the_shelf(shop: Shop, reason: RejectReason) -> None:
    await given_back(shop, reason)
    assert await doubts(shop) == []


@pytest.mark.parametrize("rules", [None, Rules()], ids=["without rules", "by the usual rules"])
async def test_who_has_no_staff_counts_what_it_was_to_send(shop: Shop, rules: Rules | None) -> None:
    await given_back(shop, RejectReason.NO_STAFF, rules)
    assert await doubts(shop) == [("TEA", 0, "no_staff")]
    level = await shop.level("TEA", "store")
    assert (level.quality, level.damaged) == (0, 0), "nobody has looked: nothing is set aside"


async def test_where_the_rules_want_it_otherwise_who_has_no_staff_counts_nothing(shop: Shop) -> None:
    await given_back(shop, RejectReason.NO_STAFF, Rules(count_unanswered=False))
    assert await doubts(shop) == []


@pytest.mark.parametrize(
    ("rules", "counted"),
    [
        (Rules(answer_within=30), [("TEA", 0, "no_answer")]),
        (Rules(answer_within=30, count_unanswered=False), []),
    ],
    ids=["by the usual rules", "where the rules want it otherwise"],
)
async def test_who_does_not_answer_in_time_counts_it(shop: Shop, rules: Rules, counted: list[tuple[str, int, str]]) -> None:
    await shop.product("TEA", stock={"store": 5})
    async with shop.database.transaction() as tx:
        made = await routing.create(tx, RuleSetDraft(code="rules", rules=rules))
        await routing.move(tx, made.id, RuleSetState.LIVE)
    placed = await shop.place("web", {"TEA": 2}, ship_to=MARSEILLE)
    await shop.settle()
    async with shop.database.transaction() as tx:
        await tx.run(
            "UPDATE fulfilment.orders SET answer_by = answer_by - %(hour)s WHERE order_id = %(id)s",
            {"hour": timedelta(hours=1), "id": placed.id},
        )
    async with shop.database.transaction() as tx:
        assert await api.expire(tx) == 1
    assert await doubts(shop) == counted
