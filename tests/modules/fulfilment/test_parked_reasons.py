"""Why nobody may send what is parked, as its exception says."""

from __future__ import annotations

from typing import Any

from comptoir.modules.fulfilment import api
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Rules, RuleSetDraft, RuleSetState, Splitting
from comptoir.sdk.orders import Address
from comptoir.surfaces.pools import pool_id_of
from support.shop import Shop

MARSEILLE = Address(name="Zoé", city="Marseille", country="FR", latitude=43.3, longitude=5.4)


async def live(shop: Shop, rules: Rules) -> None:
    async with shop.database.transaction() as tx:
        made = await routing.create(tx, RuleSetDraft(code="rules", rules=rules))
        await routing.move(tx, made.id, RuleSetState.LIVE)


async def placed(shop: Shop, lines: dict[str, int]) -> OrderId:
    order = await shop.place("web", lines, ship_to=MARSEILLE)
    await shop.settle()
    return order.id


async def why(shop: Shop) -> dict[str | None, dict[str, Any]]:
    """What the open exceptions say, by SKU."""
    return {one.sku: one.data for one in await shop.open_exceptions()}


async def test_the_rule_that_stops_most_locations_is_named(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 1})
    await live(shop, Rules(kinds=(LocationKind.STORE,), splitting=Splitting(parcels=1)))
    await placed(shop, {"TEA": 1})
    assert await why(shop) == {"TEA": {"reason": "excluded", "sites": {"excluded": 2, "stock": 1}}}


async def test_where_nothing_stops_anybody_it_is_that_it_may_not_be_split(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 2, "lyon": 1})
    await live(shop, Rules(splitting=Splitting(parcels=1)))
    await placed(shop, {"TEA": 3})
    (found,) = (await why(shop)).values()
    assert found == {"reason": "split", "sites": {"split": 1, "stock": 2}}, "Paris has given all that it has"


async def test_each_line_has_its_own_reason(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 5})
    await shop.product("VASE", 1000, stock={"lyon": 5})
    await live(shop, Rules(excluded=(shop.locations["lyon"],), splitting=Splitting(parcels=1)))
    await placed(shop, {"TEA": 1, "VASE": 1})
    assert await why(shop) == {"VASE": {"reason": "stock", "sites": {"stock": 2, "excluded": 1}}}


async def test_what_is_lacking_anew_says_why_as_it_is_then(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 2})
    await live(shop, Rules(excluded=(shop.locations["paris"],)))
    order_id = await placed(shop, {"TEA": 2})
    (before,) = await shop.open_exceptions()
    assert before.data == {"reason": "stock", "sites": {"stock": 2, "excluded": 1}}
    await shop.receive("TEA", "lyon", 1)
    await shop.settle()
    (after,) = await shop.open_exceptions()
    assert (after.id, after.order_id, after.quantity) == (before.id, order_id, 1)
    assert after.data == {"reason": "stock", "sites": {"stock": 2, "excluded": 1}}
    await shop.doctors()


async def test_what_is_collected_may_be_sent_to_the_counter_and_says_why_it_is_not(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 1})
    await live(shop, Rules(kinds=(LocationKind.STORE,)))
    await shop.place("web", {"TEA": 1}, pickup_location_id=shop.locations["store"])
    await shop.settle()
    (found,) = (await why(shop)).values()
    assert found == {"reason": "excluded", "sites": {"excluded": 2, "stock": 1}}


async def test_what_is_tried_again_in_vain_is_written_down_once(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 1})
    await live(shop, Rules(excluded=(shop.locations["paris"],)))
    await placed(shop, {"TEA": 1})
    (before,) = await shop.open_exceptions()
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE fulfilment.parked SET due_at = %(now)s", {"now": tx.now})
    async with shop.database.transaction() as tx:
        assert await api.try_again(tx, api.Setting(pool_id_of)) == 1
    assert await shop.open_exceptions() == [before]
