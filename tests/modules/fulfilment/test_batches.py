"""Orders that are decided together, and what the clock does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from comptoir.kernel.time import utcnow
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Zone
from comptoir.modules.fulfilment import api, batches
from comptoir.modules.fulfilment.contracts import Handshake, State
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import DecisionKind, Rating, Rules, RuleSetDraft, RuleSetState, Weight
from comptoir.sdk.orders import Address
from comptoir.surfaces.pools import pool_id_of
from support.runs import due_batches
from support.shop import Shop

MARSEILLE = Address(name="Zoé", city="Marseille", country="FR", latitude=43.3, longitude=5.4)
LYON = Address(name="Luc", city="Lyon", country="FR", latitude=45.76, longitude=4.84)


async def live(shop: Shop, rules: Rules) -> None:
    await roads(shop)
    await decides(shop, rules)


async def decides(shop: Shop, rules: Rules) -> None:
    async with shop.database.transaction() as tx:
        made = await routing.create(tx, RuleSetDraft(code="rules", rules=rules))
        await routing.move(tx, made.id, RuleSetState.LIVE)


async def roads(shop: Shop) -> None:
    """A carrier that is cheaper and sooner to those who live near."""
    async with shop.database.transaction() as tx:
        zones = (Zone(100.0, 100, 0, 1), Zone(400.0, 900, 0, 2), Zone(2_000.0, 1_000, 0, 3))
        await carriers.create(tx, CarrierServiceDraft(code="road", zones=zones))


async def run(shop: Shop, *, hours: int = 1) -> int:
    """The clock's next run; gives how many orders it moved."""
    setting, moved = api.Setting(pool_id_of), 0
    async with shop.database.read() as reader:
        batches = await due_batches(reader, setting, utcnow() + timedelta(hours=hours))
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


async def paying(shop: Shop) -> None:
    """Batches every half an hour, where what was decided at once may be improved."""
    await decides(shop, Rules(ratings=(Weight(Rating.COVER), Weight(Rating.PRIORITY)), every=30))
    await shop.settle()


async def decided_at_once(shop: Shop) -> tuple[OrderId, OrderId]:
    """Two orders, each promised and begun to be prepared by nobody, far from who wants it: no rule set was live for them."""
    await roads(shop)
    await shop.product("TEA", 1000, stock={"lyon": 1})
    first = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.receive("TEA", "store", 1)
    second = await shop.place("web", {"TEA": 1}, ship_to=LYON)
    await shop.settle()
    assert (await where(shop, first.id), await where(shop, second.id)) == (["lyon"], ["store"])
    return first.id, second.id


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
        (batch,) = await due_batches(reader, setting, utcnow() + timedelta(hours=1))
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
    assert (one.state, one.release_at) == (State.SCHEDULED, routing.every(60).next_run(one.created_at))
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


async def test_a_run_improves_what_was_decided_at_once_and_tells_both_stores(shop: Shop) -> None:
    first, second = await decided_at_once(shop)
    await paying(shop)
    assert await run(shop) == 2
    assert (await where(shop, first), await where(shop, second)) == (["store"], ["lyon"])
    old, new = sorted(await shop.work(first), key=lambda one: one.number)
    assert (old.state, new.state) == (State.CANCELLED, State.OPEN)
    async with shop.database.read() as reader:
        latest, _ = await routing.decisions(reader, first)
        told = await reader.rows(
            "SELECT data ->> 'step', data ->> 'reason' FROM runtime.events "
            "WHERE type = 'fulfilment.changed' AND data ->> 'fulfilment_id' = %(id)s",
            {"id": str(old.id)},
        )
    assert (latest.kind, latest.before[0].site) == (DecisionKind.BATCH, shop.locations["lyon"])
    assert told == [("cancel", "batch")]
    assert await run(shop) == 0, "there is nothing better"
    await shop.doctors()


async def test_where_the_rules_let_nothing_wait_there_are_no_runs(shop: Shop) -> None:
    first, _ = await decided_at_once(shop)
    await decides(shop, Rules(ratings=(Weight(Rating.COVER), Weight(Rating.PRIORITY))))
    await shop.settle()
    assert await run(shop) == 0
    assert await where(shop, first) == ["lyon"]


async def test_between_two_runs_there_is_none(shop: Shop) -> None:
    await decided_at_once(shop)
    await paying(shop)
    setting = api.Setting(pool_id_of)
    now = utcnow()
    async with shop.database.read() as reader:
        (batch,) = await due_batches(reader, setting, now)
    async with shop.database.transaction() as tx:
        await api.carry_out(tx, setting, batch, api.decide_together(batch, seconds=0.5))
    then = routing.every(30).next_run(now)
    assert then is not None
    async with shop.database.read() as reader:
        assert await due_batches(reader, setting, then - timedelta(seconds=1)) == []
        assert len(await due_batches(reader, setting, then)) == 1


async def test_nothing_is_taken_off_a_list_for_little(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "LEAST_SAVED", 1_500)
    first, _ = await decided_at_once(shop)
    await paying(shop)
    assert await run(shop) == 0
    assert await where(shop, first) == ["lyon"]


async def test_nothing_is_taken_off_a_list_that_would_come_later_then(shop: Shop) -> None:
    first, second = await decided_at_once(shop)
    await paying(shop)
    async with shop.database.transaction() as tx:
        # The plan that was told is better than any that there is now.
        await tx.run("UPDATE fulfilment.orders SET arrives_on = current_date - 1")
    assert await run(shop) == 0
    assert (await where(shop, first), await where(shop, second)) == (["lyon"], ["store"])


async def test_what_is_in_a_wave_or_was_accepted_elsewhere_stays(shop: Shop) -> None:
    first, second = await decided_at_once(shop)
    await paying(shop)
    (one,) = await shop.work(first)
    async with shop.database.transaction() as tx:
        await api.say(tx, one.id, Handshake.SUBMIT)
    assert await run(shop) == 0
    assert (await where(shop, first), await where(shop, second)) == (["lyon"], ["store"])


async def test_what_a_person_has_moved_stays(shop: Shop) -> None:
    first, second = await decided_at_once(shop)
    await shop.receive("TEA", "paris", 1)
    await paying(shop)
    (one,) = await shop.work(first)
    async with shop.database.transaction() as tx:
        await api.move(tx, one.id, shop.locations["paris"])
    await shop.settle()
    await run(shop)
    assert await where(shop, first) == ["paris"]
    assert await where(shop, second) == ["lyon"], "that one may go where there is a unit again"
