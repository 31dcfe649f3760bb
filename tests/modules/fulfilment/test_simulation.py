"""Past orders under other rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from comptoir.modules.locations import api as locations
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Tracking
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Condition, Rules, RuleSetDraft, RuleSetState
from comptoir.sdk.orders import Address
from comptoir.surfaces import simulation
from comptoir.surfaces.simulation import Question
from support.past import MARSEILLE, NEAREST, ground
from support.shop import Shop


async def test_what_happened_beside_what_would_have(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 5, "store": 2})
    placed = [await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE) for _ in range(3)]
    async with shop.database.transaction() as tx:
        await orders.ship_all(tx, {one.id: Tracking("acme", "1") for one in placed})
    past = await ground(shop)
    real, tried = simulation.happened(past), simulation.tried(past, lambda _, __: NEAREST)
    assert (real.orders, real.units, real.parcels, real.lacking, real.unserved) == (3, 3, 3, 0, 0)
    assert dict(real.load) == {shop.locations["paris"]: 3}
    # The store had two: the third comes from Paris all the same.
    assert dict(tried.load) == {shop.locations["store"]: 2, shop.locations["paris"]: 1}
    assert tried.distance < real.distance
    assert routing.compare(real, tried)["distance"] < 0.5


async def test_the_stock_is_what_it_was_and_tills_take_their_part(shop: Shop) -> None:
    await shop.channel("till", ["store"])
    await shop.product("TEA", 1000, stock={"store": 1})
    await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.receive("TEA", "store", 2)
    await shop.ring_up("store", {"TEA": 2})
    await shop.receive("TEA", "lyon", 1)
    await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.receive("TEA", "store", 50)
    tried = simulation.tried(await ground(shop), lambda _, __: NEAREST)
    assert dict(tried.load) == {shop.locations["store"]: 1, shop.locations["lyon"]: 1}


async def test_units_that_an_earlier_order_held_at_the_beginning_are_not_free(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 1, "paris": 9})
    early = datetime.now(UTC) - timedelta(days=30)
    await shop.place("web", {"TEA": 9}, ship_to=MARSEILLE, placed_at=early)
    await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    tried = simulation.tried(await ground(shop), lambda _, __: NEAREST)
    assert (tried.orders, dict(tried.load)) == (1, {shop.locations["store"]: 1})


async def test_a_rule_set_is_tried_on_the_orders_that_it_is_for(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 5, "paris": 9})
    await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.place("web", {"TEA": 1}, ship_to=Address(city="Berlin", country="DE", latitude=52.5, longitude=13.4))
    async with shop.database.transaction() as tx:
        condition = Condition(countries=("FR",))
        rules = Rules(condition=condition, ratings=NEAREST.ratings)
        made = await routing.create(tx, RuleSetDraft(code="fr", rules=rules))
        assert made.state is RuleSetState.DRAFT
    tried = simulation.tried(await ground(shop), simulation.by_rules(made, []))
    assert dict(tried.load) == {shop.locations["store"]: 1, shop.locations["paris"]: 1}


async def test_no_orders_is_no_past(shop: Shop) -> None:
    now = datetime.now(UTC)
    async with shop.database.read() as reader:
        pool = await locations.pool_by_code(reader, "pool-web")
    assert await simulation.gather(shop.database, Question(pool.id, ("web",), now - timedelta(days=1), now)) is None
