"""Orders that are decided together, and what the clock does."""

from __future__ import annotations

from datetime import timedelta

from comptoir.kernel.time import utcnow
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Zone
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import State
from comptoir.modules.fulfilment.release import next_run
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import DecisionKind, Rating, Rules, RuleSetDraft, RuleSetState, Weight
from comptoir.sdk.orders import Address
from comptoir.surfaces.pools import pool_id_of
from support.shop import Shop

MARSEILLE = Address(name="Zoé", city="Marseille", country="FR", latitude=43.3, longitude=5.4)
LYON = Address(name="Luc", city="Lyon", country="FR", latitude=45.76, longitude=4.84)


async def live(shop: Shop, rules: Rules) -> None:
    async with shop.database.transaction() as tx:
        made = await routing.create(tx, RuleSetDraft(code="rules", rules=rules))
        await routing.move(tx, made.id, RuleSetState.LIVE)
        zones = (Zone(100.0, 100, 0, 1), Zone(400.0, 900, 0, 2), Zone(2_000.0, 1_000, 0, 3))
        await carriers.create(tx, CarrierServiceDraft(code="road", zones=zones))


async def run(shop: Shop, *, hours: int = 1) -> int:
    """The clock's next run; gives how many orders it moved."""
    setting, moved = api.Setting(pool_id_of), 0
    async with shop.database.read() as reader:
        batches = await api.due_batches(reader, setting, utcnow() + timedelta(hours=hours))
    for batch in batches:
        decisions = api.decide_together(batch, seconds=1.0)
        async with shop.database.transaction() as tx:
            moved += await api.carry_out(tx, setting, batch, decisions)
    await shop.settle()
    return moved


async def due(shop: Shop) -> None:
    """Lets the time pass until everything that is scheduled is due."""
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE fulfilment.orders SET release_at = now() - interval '1 minute' WHERE state = 'scheduled'")
    async with shop.database.transaction() as tx:
        await api.release_due(tx)


async def where(shop: Shop, order_id: OrderId) -> list[str]:
    codes = {location: code for code, location in shop.locations.items()}
    return [codes[one.location_id] for one in await shop.work(order_id) if one.state is not State.CANCELLED]


async def test_two_orders_that_want_the_same_unit_are_decided_for_the_good_of_both(shop: Shop) -> None:
    # One after another the first takes the last one in Marseille, and the second, who lives there, gets it from far away.
    await shop.product("TEA", 1000, stock={"store": 1, "lyon": 1})
    await live(shop, Rules(ratings=(Weight(Rating.COVER), Weight(Rating.PRIORITY)), every=30))
    first = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    second = await shop.place("web", {"TEA": 1}, ship_to=LYON)
    await shop.settle()
    assert await where(shop, first.id) == ["lyon"]
    assert [one.state for one in await shop.work(first.id)] == [State.SCHEDULED]
    assert await run(shop) == 2
    assert (await where(shop, first.id), await where(shop, second.id)) == (["store"], ["lyon"])
    assert [one.state for one in await shop.work(first.id) if one.state is not State.CANCELLED] == [State.OPEN]
    async with shop.database.read() as reader:
        latest, _ = await routing.decisions(reader, first.id)
    assert latest.kind is DecisionKind.BATCH
    assert await run(shop) == 0, "there is nothing better"
    await shop.doctors()


async def test_what_somebody_has_begun_stays_where_it_is(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 1, "lyon": 1})
    await live(shop, Rules(ratings=(Weight(Rating.COVER), Weight(Rating.PRIORITY)), every=30))
    first = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    second = await shop.place("web", {"TEA": 1}, ship_to=LYON)
    await shop.settle()
    (one,) = await shop.work(first.id)
    async with shop.database.transaction() as tx:
        await api.begin(tx, one.id)
    assert await run(shop) == 0
    assert (await where(shop, first.id), await where(shop, second.id)) == (["lyon"], ["store"])


async def test_what_changes_between_deciding_and_carrying_out_leaves_the_order_as_it_is(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 1, "lyon": 1})
    await live(shop, Rules(ratings=(Weight(Rating.COVER), Weight(Rating.PRIORITY)), every=30))
    placed = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    setting = api.Setting(pool_id_of)
    async with shop.database.read() as reader:
        (batch,) = await api.due_batches(reader, setting, utcnow() + timedelta(hours=1))
    decisions = api.decide_together(batch, seconds=0.5)
    await shop.receive("TEA", "store", -1)
    async with shop.database.transaction() as tx:
        assert await api.carry_out(tx, setting, batch, decisions) == 0
    await shop.settle()
    assert await where(shop, placed.id) == ["lyon"]
    await shop.doctors()


async def test_what_is_scheduled_is_opened_when_its_time_has_come(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"lyon": 1})
    await live(shop, Rules(every=60))
    placed = await shop.place("web", {"TEA": 1}, ship_to=LYON)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    assert (one.state, one.release_at) == (State.SCHEDULED, next_run(one.created_at, 60))
    await due(shop)
    (one,) = await shop.work(placed.id)
    assert one.state is State.OPEN


async def test_who_does_not_begin_in_time_loses_it_to_another(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"lyon": 1, "paris": 1})
    await live(shop, Rules(ratings=(Weight(Rating.DISTANCE),), answer_within=60))
    placed = await shop.place("web", {"TEA": 1}, ship_to=LYON)
    await shop.settle()
    assert await where(shop, placed.id) == ["lyon"]
    async with shop.database.transaction() as tx:
        assert await api.expire(tx) == 0
        await tx.run("UPDATE fulfilment.orders SET answer_by = now() - interval '1 minute'")
    async with shop.database.transaction() as tx:
        assert await api.expire(tx) == 1
    await shop.settle()
    assert await where(shop, placed.id) == ["paris"]
    await shop.doctors()


async def test_who_has_begun_loses_nothing(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"lyon": 1, "paris": 1})
    await live(shop, Rules(ratings=(Weight(Rating.DISTANCE),), answer_within=60))
    placed = await shop.place("web", {"TEA": 1}, ship_to=LYON)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    async with shop.database.transaction() as tx:
        begun = await api.begin(tx, one.id)
        assert begun.answer_by is None


async def test_what_nobody_may_send_is_cancelled_when_patience_ends(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 1})
    await live(shop, Rules(minimum_pick=5_000, give_up_after=3))
    placed = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    setting = api.Setting(pool_id_of)
    async with shop.database.transaction() as tx:
        assert await api.given_up(tx, setting) == 0
        await tx.run("UPDATE orders.exceptions SET opened_at = now() - interval '4 days'")
    async with shop.database.transaction() as tx:
        assert await api.given_up(tx, setting) == 1
    await shop.settle()
    assert (await shop.order(placed.id)).fulfilment_status == "cancelled"
    assert await shop.open_exceptions() == []
    await shop.doctors()
