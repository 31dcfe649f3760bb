"""From promises to fulfilment orders."""

from __future__ import annotations

from decimal import Decimal

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import Method, Stage, State
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Fill, LineQuantity, OrderId, Tracking
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import PriceDraft
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import (
    Condition,
    DecisionKind,
    Fence,
    Rating,
    Rules,
    RuleSet,
    RuleSetDraft,
    RuleSetState,
    Splitting,
    Weight,
)
from comptoir.sdk.orders import Address
from support.shop import Shop

MARSEILLE = Address(name="Zoé Martin", city="Marseille", country="FR", latitude=43.3, longitude=5.4)


async def live(shop: Shop, rules: Rules, **more: object) -> RuleSet:
    """A rule set that decides from now on."""
    async with shop.database.transaction() as tx:
        made = await routing.create(tx, RuleSetDraft(code="rules", rules=rules, **more))  # pyright: ignore[reportArgumentType]
        return await routing.move(tx, made.id, RuleSetState.LIVE)


async def test_what_is_promised_at_two_locations_is_two_fulfilment_orders(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 1})
    await shop.product("CUP", stock={"lyon": 5})
    placed = await shop.place("web", {"TEA": 1, "CUP": 2}, ship_to=MARSEILLE)
    await shop.settle()
    first, second = await shop.work(placed.id)
    assert {(one.location_id, one.quantity) for one in (first, second)} == {
        (shop.locations["paris"], 1),
        (shop.locations["lyon"], 2),
    }
    assert {one.state for one in (first, second)} == {State.OPEN}
    assert (first.recipient, first.city, first.order_number) == ("Zoé Martin", "Marseille", placed.number)
    assert first.method is Method.SHIP
    assert first.stage is Stage.TO_PICK


async def test_what_is_collected_at_the_counter_is_collected_and_what_comes_from_elsewhere_is_sent_there(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 1})
    await shop.product("CUP", stock={"lyon": 5})
    placed = await shop.place("web", {"TEA": 1, "CUP": 1}, pickup_location_id=shop.locations["store"], ship_to=MARSEILLE)
    await shop.settle()
    methods = {one.location_id: one.method for one in await shop.work(placed.id)}
    assert methods == {shop.locations["store"]: Method.COLLECT, shop.locations["lyon"]: Method.SEND_TO_STORE}


async def test_nothing_is_made_twice_and_what_is_cancelled_is_nobodys_work(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    placed = await shop.place("web", {"TEA": 3})
    await shop.settle()
    async with shop.database.transaction() as tx:
        await orders.note(tx, placed.id, "gift")
        await orders.cancel(tx, placed.id, [LineQuantity(1, 1)], "changed mind")
    await shop.settle()
    (one,) = await shop.work(placed.id)
    assert (one.quantity, one.state) == (2, State.OPEN)
    async with shop.database.transaction() as tx:
        await orders.cancel(tx, placed.id, None, "changed mind")
    await shop.settle()
    (one,) = await shop.work(placed.id)
    assert (one.quantity, one.state, one.stage) == (0, State.CANCELLED, Stage.CANCELLED)


async def test_what_is_shipped_past_fulfilment_is_gone_all_the_same(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    placed = await shop.place("web", {"TEA": 3})
    await shop.settle()
    async with shop.database.transaction() as tx:
        await orders.ship(tx, placed.id, shop.locations["paris"], [LineQuantity(1, 1)])
    await shop.settle()
    (one,) = await shop.work(placed.id)
    assert (one.gone, one.picked, one.state) == (1, 1, State.OPEN)
    async with shop.database.transaction() as tx:
        await orders.ship_all(tx, {placed.id: Tracking("acme", "1Z")})
    await shop.settle()
    (one,) = await shop.work(placed.id)
    assert (one.gone, one.quantity, one.state, one.stage) == (3, 3, State.CLOSED, Stage.DONE)


async def test_units_that_are_moved_are_the_other_locations_work(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5, "lyon": 5})
    placed = await shop.place("web", {"TEA": 3})
    await shop.settle()
    async with shop.database.transaction() as tx:
        await orders.move(
            tx,
            placed.id,
            1,
            2,
            from_location_id=shop.locations["paris"],
            to_location_id=shop.locations["lyon"],
            reason="person",
        )
    await shop.settle()
    first, second = await shop.work(placed.id)
    assert (first.location_id, first.quantity) == (shop.locations["paris"], 1)
    assert (second.location_id, second.quantity) == (shop.locations["lyon"], 2)


async def test_backordered_units_become_work_when_stock_comes_in(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 1})
    placed = await shop.place("web", {"TEA": 3}, fill=Fill.BACKORDER)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    assert one.quantity == 1
    await shop.receive("TEA", "paris", 10)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    assert one.quantity == 3


async def test_a_live_rule_set_sends_the_order_elsewhere_and_the_log_says_why(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5, "store": 5})
    made = await live(shop, Rules(ratings=(Weight(Rating.DISTANCE),)), name="Nearest first")
    placed = await shop.place("web", {"TEA": 2}, ship_to=MARSEILLE)
    assert await shop.reserved(placed.id) == {(1, "paris"): 2}
    await shop.settle()
    assert await shop.reserved(placed.id) == {(1, "store"): 2}
    (one,) = await shop.work(placed.id)
    assert (one.location_id, one.state) == (shop.locations["store"], State.OPEN)
    async with shop.database.read() as reader:
        (decision,) = await routing.decisions(reader, placed.id)
        told = await routing.explained(reader, decision.id)
    assert (decision.kind, decision.rule_set_id, decision.version) == (DecisionKind.ROUTED, made.id, made.version)
    assert told.rule_set == "Nearest first"
    verdicts = {told.sites[verdict.site].code: verdict for verdict in told.verdicts}
    assert [told.sites[verdict.site].code for verdict in told.verdicts] == ["store", "paris", "lyon"]
    assert verdicts["lyon"].fence is Fence.STOCK
    assert round(verdicts["paris"].ratings[Rating.DISTANCE]) == 661
    assert verdicts["store"].score == 0
    await shop.doctors()


async def test_the_log_explains_a_decision_with_the_stock_as_it_was(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 1, "lyon": 1})
    first = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    second = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    await shop.receive("TEA", "paris", 50)
    async with shop.database.read() as reader:
        fences: list[dict[str, Fence | None]] = []
        for placed in (first, second):
            (decision,) = await routing.decisions(reader, placed.id)
            assert decision.kind is DecisionKind.CAPTURED
            told = await routing.explained(reader, decision.id)
            fences.append({told.sites[verdict.site].code: verdict.fence for verdict in told.verdicts})
    assert fences[0] == {"paris": None, "lyon": None, "store": Fence.STOCK}
    assert fences[1] == {"lyon": None, "paris": Fence.STOCK, "store": Fence.STOCK}


async def test_what_no_rule_lets_go_is_held_where_it_is_promised_and_put_before_a_person(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 1})
    await live(shop, Rules(minimum_pick=5000, splitting=Splitting(parcels=1)))
    placed = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    assert (one.state, one.hold_reason, one.stage) == (State.ON_HOLD, "unroutable", Stage.WAITING)
    assert await shop.reserved(placed.id) == {(1, "store"): 1}
    assert [(e.kind, e.order_id, e.quantity) for e in await shop.open_exceptions()] == [("unroutable", placed.id, 1)]
    await shop.receive("TEA", "paris", 4)
    await shop.settle()
    assert await shop.reserved(placed.id) == {(1, "paris"): 1}
    held, other = await shop.work(placed.id)
    assert (held.state, other.state, other.location_id) == (State.CANCELLED, State.OPEN, shop.locations["paris"])
    assert await shop.open_exceptions() == []
    await shop.doctors()


async def test_a_share_of_the_orders_goes_by_a_new_rule_set(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 100, "store": 100})
    await live(shop, Rules(ratings=(Weight(Rating.DISTANCE),)), share=50)
    ids: list[OrderId] = [(await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)).id for _ in range(40)]
    await shop.settle()
    places: list[LocationId] = [(await shop.work(order_id))[0].location_id for order_id in ids]
    assert 8 <= places.count(shop.locations["store"]) <= 32


async def test_what_has_a_product_of_a_category_goes_by_its_own_rules(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9, "store": 9})
    async with shop.database.transaction() as tx:
        variant = VariantDraft(sku="MILK")
        await catalogue.create(
            tx, ProductDraft(code="milk", names={"fr": "Lait"}, category=("Food", "Dairy"), variants=[variant])
        )
        await pricing.set_prices(tx, "fr", [PriceDraft("MILK", 100, Decimal("0.055"))])
    for place in ("paris", "store"):
        await shop.receive("MILK", place, 9)
    await live(shop, Rules(kinds=(LocationKind.STORE,), condition=Condition(categories=("Food",))))
    plain = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    food = await shop.place("web", {"TEA": 1, "MILK": 1}, ship_to=MARSEILLE)
    await shop.settle()
    assert [one.location_id for one in await shop.work(plain.id)] == [shop.locations["paris"]]
    assert [one.location_id for one in await shop.work(food.id)] == [shop.locations["store"]]


async def test_capacity_of_the_day_sends_the_next_order_elsewhere(shop: Shop) -> None:
    await shop.location("small", daily_capacity=1, latitude=43.3, longitude=5.4)
    await shop.channel("shop", ["small", "paris"])
    await shop.settle()
    await shop.product("TEA", stock={"small": 9, "paris": 9})
    await live(shop, Rules(ratings=(Weight(Rating.DISTANCE),)))
    first = await shop.place("shop", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    second = await shop.place("shop", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    assert [one.location_id for one in await shop.work(first.id)] == [shop.locations["small"]]
    assert [one.location_id for one in await shop.work(second.id)] == [shop.locations["paris"]]
    async with shop.database.read() as reader:
        (decision,) = await routing.decisions(reader, second.id)
        told = await routing.explained(reader, decision.id)
    assert {told.sites[v.site].code: v.fence for v in told.verdicts} == {"paris": None, "small": Fence.CAPACITY}


async def test_a_facts_units_are_work_where_they_are_promised(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 1})
    told = await shop.tell("web", {"TEA": 2})
    await shop.settle()
    (one,) = await shop.work(told.order_id)
    assert (one.location_id, one.quantity) == (shop.locations["paris"], 2)


async def test_stages_count_what_is_to_be_done(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    for _ in range(3):
        await shop.place("web", {"TEA": 2})
    await shop.settle()
    async with shop.database.transaction() as tx:
        (only,) = await api.stages(tx)
    assert (only.location_id, only.stage, only.count, only.units, only.late) == (
        shop.locations["paris"],
        Stage.TO_PICK,
        3,
        6,
        0,
    )


async def test_under_a_rule_set_the_counter_gives_what_it_has_and_the_rest_is_sent_to_it(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 1, "lyon": 9})
    await live(shop, Rules(ratings=(Weight(Rating.DISTANCE),)))
    placed = await shop.place("web", {"TEA": 3}, pickup_location_id=shop.locations["store"])
    await shop.settle()
    assert await shop.reserved(placed.id) == {(1, "store"): 1, (1, "lyon"): 2}
    methods = {one.location_id: (one.method, one.state) for one in await shop.work(placed.id)}
    assert methods == {
        shop.locations["store"]: (Method.COLLECT, State.OPEN),
        shop.locations["lyon"]: (Method.SEND_TO_STORE, State.OPEN),
    }
