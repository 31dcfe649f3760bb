"""Why it was decided then, as the log tells it, and what the hot path reads for it."""

from __future__ import annotations

from datetime import timedelta

from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import RejectReason
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind, Movement
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import (
    Cause,
    DecisionKind,
    Detail,
    Explained,
    Rating,
    Rules,
    RuleSet,
    RuleSetDraft,
    RuleSetState,
    Splitting,
    Weight,
)
from comptoir.sdk.orders import Address
from comptoir.surfaces.pools import pool_id_of
from support.console import counted_statements
from support.runs import due_batches
from support.shop import Shop

MARSEILLE = Address(name="Zoé", city="Marseille", country="FR", latitude=43.3, longitude=5.4)
STORES_ALONE = Rules(kinds=(LocationKind.STORE,), splitting=Splitting(parcels=1))
BY_LOAD = Rules(ratings=(Weight(Rating.LOAD), Weight(Rating.PRIORITY)))


async def live(shop: Shop, rules: Rules, code: str = "rules") -> RuleSet:
    async with shop.database.transaction() as tx:
        made = await routing.create(tx, RuleSetDraft(code=code, rules=rules))
        return await routing.move(tx, made.id, RuleSetState.LIVE)


async def ordered(shop: Shop, sku: str = "TEA", units: int = 1) -> OrderId:
    placed = await shop.place("web", {sku: units}, ship_to=MARSEILLE)
    await shop.settle()
    return placed.id


async def told(shop: Shop, order_id: OrderId) -> Explained:
    """The latest decision, explained."""
    async with shop.database.read() as reader:
        latest = (await routing.decisions(reader, order_id))[0]
        return await routing.explained(reader, latest.id)


async def where(shop: Shop, order_id: OrderId) -> set[str]:
    return {code for _, code in await shop.reserved(order_id)}


async def test_a_new_order_and_one_that_was_given_back(shop: Shop) -> None:
    await shop.product("TEA", stock={"lyon": 9, "store": 9})
    await live(shop, Rules(ratings=(Weight(Rating.DISTANCE),)))
    order_id = await ordered(shop)
    assert (await told(shop, order_id)).cause is Cause.FIRST
    (one,) = await shop.work(order_id)
    async with shop.database.transaction() as tx:
        await api.reject(tx, one.id, None, RejectReason.NOT_FOUND)
    await shop.settle()
    again = await told(shop, order_id)
    assert (again.decision.kind, again.cause) == (DecisionKind.REROUTED, Cause.GIVEN_BACK)


async def test_what_nobody_might_send_goes_when_stock_comes_and_the_log_says_so(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 1})
    await live(shop, STORES_ALONE)
    order_id = await ordered(shop)
    before = await told(shop, order_id)
    assert {one.detail for one in before.verdicts if one.fence is not None} >= {Detail.KIND}
    await shop.receive("TEA", "store", 1)
    await shop.settle()
    again = await told(shop, order_id)
    assert (again.decision.kind, again.cause) == (DecisionKind.REROUTED, Cause.STOCK)


async def test_what_nobody_might_send_goes_when_the_rules_change_and_the_log_says_so(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 1})
    made = await live(shop, STORES_ALONE)
    order_id = await ordered(shop)
    async with shop.database.transaction() as tx:
        await routing.update(tx, made.id, RuleSetDraft(code="rules", rules=Rules()))
    await shop.settle()
    again = await told(shop, order_id)
    assert (again.decision.kind, again.cause) == (DecisionKind.REROUTED, Cause.RULES)


async def test_orders_go_round_by_load_where_nobody_has_a_limit(shop: Shop) -> None:
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE locations.locations SET daily_capacity = NULL")
    await shop.product("TEA", 1000, stock={"paris": 9, "lyon": 9, "store": 9})
    await live(shop, BY_LOAD)
    places = [await where(shop, await ordered(shop)) for _ in range(3)]
    assert sorted(place for one in places for place in one) == ["lyon", "paris", "store"]


async def test_neither_loads_nor_sales_are_read_where_no_rules_rate_them(shop: Shop) -> None:
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE locations.locations SET daily_capacity = NULL")
    await shop.product("TEA", 1000, stock={"paris": 9, "lyon": 9})
    await live(shop, Rules(ratings=(Weight(Rating.PRIORITY),)))
    with counted_statements() as statements:
        await ordered(shop)
    assert not [one for one in statements if "'hand_out'" in one and "count(*)" in one]
    assert not [one for one in statements if "'sold', 'shipped'" in one]


async def sold(shop: Shop, sku: str, code: str, units: int) -> None:
    """Sold there some days ago; what was on hand before comes back on hand."""
    await shop.receive(sku, code, units)
    async with shop.database.transaction() as tx:
        await inventory.record(tx, [Movement(EntryKind.SOLD, sku, shop.locations[code], on_hand=-units, reason="test")])
        await tx.run("UPDATE inventory.entries SET at = at - interval '5 days' WHERE tx = pg_current_xact_id()")


async def test_what_lies_longest_by_what_is_sold_goes_first_at_once_and_in_a_run(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 50, "lyon": 10})
    await sold(shop, "TEA", "paris", 280)  # ten a day: it lasts five days
    await sold(shop, "TEA", "lyon", 7)  # a quarter: forty
    rule_set = await live(shop, Rules(ratings=(Weight(Rating.MARKDOWN),)))
    order_id = await ordered(shop)
    assert await where(shop, order_id) == {"lyon"}
    why = await told(shop, order_id)
    places = {code: shop.locations[code] for code in ("paris", "lyon")}
    days = {one.site: one.ratings[Rating.MARKDOWN] for one in why.verdicts if one.fence is None}
    assert why.by_days
    assert {code: days[place] for code, place in places.items()} == {"paris": -5.0, "lyon": -40.0}
    async with shop.database.transaction() as tx:
        changed = RuleSetDraft(code="rules", rules=Rules(ratings=(Weight(Rating.MARKDOWN),), every=30))
        await routing.update(tx, rule_set.id, changed)
    later = await ordered(shop)
    async with shop.database.read() as reader:
        (batch,) = await due_batches(reader, api.Setting(pool_id_of), utcnow() + timedelta(hours=1))
    assert batch.sold_daily[("TEA", places["lyon"])] == 0.25
    decisions = {decision.job: decision for decision in api.decide_together(batch, seconds=0.5)}
    assert [parcel.site for parcel in decisions[later].parcels] == [places["lyon"]]
