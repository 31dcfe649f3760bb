"""What a person has chosen stays, whatever the rules would say."""

from __future__ import annotations

from datetime import timedelta

from comptoir.kernel.ids import ActorId
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import RejectReason, State
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, OrderId, Placing
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import (
    DecisionKind,
    Logged,
    Rating,
    Rules,
    RuleSetDraft,
    RuleSetState,
    Weight,
)
from comptoir.runtime.database import Context
from comptoir.sdk.orders import Address
from comptoir.surfaces.pools import pool_id_of
from support.runs import due_batches
from support.shop import Shop

MARSEILLE = Address(name="Zoé", city="Marseille", country="FR", latitude=43.3, longitude=5.4)
SAM = Context(actor=ActorId("user:sam"))


async def live(shop: Shop, rules: Rules | None = None) -> None:
    """The nearest first, unless other rules are asked for: in Marseille that is the store."""
    async with shop.database.transaction() as tx:
        made = await routing.create(tx, RuleSetDraft(code="rules", rules=rules or Rules(ratings=(Weight(Rating.DISTANCE),))))
        await routing.move(tx, made.id, RuleSetState.LIVE)


async def placed_at_the_store(shop: Shop) -> OrderId:
    await shop.product("TEA", stock={"paris": 9, "lyon": 9, "store": 9})
    await live(shop)
    placed = await shop.place("web", {"TEA": 2}, ship_to=MARSEILLE)
    await shop.settle()
    assert await shop.reserved(placed.id) == {(1, "store"): 2}
    return placed.id


async def move(shop: Shop, order_id: OrderId, units: int, there: str, here: str = "store") -> None:
    async with shop.database.transaction(SAM) as tx:
        await orders.move(
            tx,
            order_id,
            1,
            units,
            from_location_id=shop.locations[here],
            to_location_id=shop.locations[there],
            reason="person",
        )
    await shop.settle()


async def log(shop: Shop, order_id: OrderId) -> list[Logged]:
    async with shop.database.read() as reader:
        return await routing.decisions(reader, order_id)


async def working(shop: Shop, order_id: OrderId) -> dict[str, tuple[State, int]]:
    codes = {location: code for code, location in shop.locations.items()}
    return {
        codes[one.location_id]: (one.state, one.quantity)
        for one in await shop.work(order_id)
        if one.state is not State.CANCELLED
    }


async def test_what_a_person_moves_on_the_page_of_the_order_stays_and_the_log_says_who(shop: Shop) -> None:
    order_id = await placed_at_the_store(shop)
    before = utcnow()
    await move(shop, order_id, 2, "lyon")
    assert await shop.reserved(order_id) == {(1, "lyon"): 2}
    assert await working(shop, order_id) == {"lyon": (State.OPEN, 2)}
    person, first = await log(shop, order_id)
    assert (first.kind, person.kind, person.actor) == (DecisionKind.ROUTED, DecisionKind.PERSON, "user:sam")
    assert before <= person.at <= utcnow()
    assert [(parcel.site, parcel.picks[0].quantity) for parcel in person.parcels] == [(shop.locations["lyon"], 2)]
    await shop.doctors()


async def test_what_a_location_hands_to_another_stays_there(shop: Shop) -> None:
    order_id = await placed_at_the_store(shop)
    (one,) = await shop.work(order_id)
    async with shop.database.transaction(SAM) as tx:
        await api.move(tx, one.id, shop.locations["paris"])
    await shop.settle()
    assert await working(shop, order_id) == {"paris": (State.OPEN, 2)}
    assert (await log(shop, order_id))[0].kind is DecisionKind.PERSON


async def test_what_a_person_places_stays_there_also_what_does_not_move(shop: Shop) -> None:
    order_id = await placed_at_the_store(shop)
    async with shop.database.transaction(SAM) as tx:
        placings = [Placing(1, shop.locations["lyon"], 1), Placing(1, shop.locations["store"], 1)]
        await api.place(tx, order_id, placings)
    await shop.settle()
    assert await shop.reserved(order_id) == {(1, "lyon"): 1, (1, "store"): 1}
    async with shop.database.read() as reader:
        chosen = {(one.line_no, one.location_id, one.actor) for one in await orders.choices(reader, [order_id])}
    assert chosen == {(1, shop.locations["lyon"], "user:sam"), (1, shop.locations["store"], "user:sam")}


async def test_a_part_that_a_person_moved_stays_while_the_rest_is_routed_again(shop: Shop) -> None:
    order_id = await placed_at_the_store(shop)
    await move(shop, order_id, 1, "paris")
    (rest,) = [one for one in await shop.work(order_id) if one.location_id == shop.locations["store"]]
    async with shop.database.transaction() as tx:
        await api.reject(tx, rest.id, None, RejectReason.NO_STAFF)
    await shop.settle()
    assert await shop.reserved(order_id) == {(1, "paris"): 1, (1, "lyon"): 1}
    kinds = [one.kind for one in await log(shop, order_id)]
    assert kinds == [DecisionKind.REROUTED, DecisionKind.PERSON, DecisionKind.ROUTED]
    await shop.doctors()


async def test_what_the_chosen_location_gives_back_is_for_the_rules_again(shop: Shop) -> None:
    order_id = await placed_at_the_store(shop)
    await move(shop, order_id, 2, "paris")
    (one,) = [one for one in await shop.work(order_id) if one.state is State.OPEN]
    async with shop.database.transaction() as tx:
        await api.reject(tx, one.id, None, RejectReason.NO_STAFF)
    await shop.settle()
    assert await shop.reserved(order_id) == {(1, "store"): 2}
    assert (await log(shop, order_id))[0].kind is DecisionKind.REROUTED
    async with shop.database.read() as reader:
        assert await orders.choices(reader, [order_id]) == []


async def test_what_a_person_moves_back_or_releases_is_chosen_there_no_more(shop: Shop) -> None:
    order_id = await placed_at_the_store(shop)
    await move(shop, order_id, 2, "paris")
    await move(shop, order_id, 2, "lyon", "paris")
    async with shop.database.read() as reader:
        assert [one.location_id for one in await orders.choices(reader, [order_id])] == [shop.locations["lyon"]]
    async with shop.database.transaction() as tx:
        await orders.release(tx, order_id, [LineQuantity(1, 2)], "test")
    async with shop.database.read() as reader:
        assert await orders.choices(reader, [order_id]) == []


async def test_a_run_leaves_alone_what_a_person_has_chosen_and_lets_nobody_wait_for_it(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9, "store": 9})
    await live(shop, Rules(ratings=(Weight(Rating.DISTANCE),), every=30))
    placed = await shop.place("web", {"TEA": 2}, ship_to=MARSEILLE)
    await shop.settle()
    await move(shop, placed.id, 2, "paris")
    assert await working(shop, placed.id) == {"paris": (State.OPEN, 2)}
    async with shop.database.read() as reader:
        assert await due_batches(reader, api.Setting(pool_id_of), utcnow() + timedelta(hours=1)) == []


async def test_without_a_rule_set_a_persons_choice_is_in_the_log_too(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9, "lyon": 9})
    placed = await shop.place("web", {"TEA": 2}, ship_to=MARSEILLE)
    await shop.settle()
    await move(shop, placed.id, 2, "lyon", "paris")
    assert [one.kind for one in await log(shop, placed.id)] == [DecisionKind.PERSON, DecisionKind.CAPTURED]
