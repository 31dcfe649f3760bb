"""What nobody may send is tried again when something has changed, in turn, and given up in the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Service, Zone
from comptoir.modules.fulfilment import api, batches, release
from comptoir.modules.fulfilment.contracts import RejectReason, State
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind, Movement
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationKind, OpeningHours
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ExceptionKind, OrderId, Resolution
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import (
    Condition,
    DecisionKind,
    Rules,
    RuleSet,
    RuleSetDraft,
    RuleSetState,
    SiteSettings,
    Splitting,
)
from comptoir.sdk.orders import Address
from comptoir.surfaces.pools import pool_id_of
from support.console import counted_statements
from support.shop import Shop

MARSEILLE = Address(name="Zoé", city="Marseille", country="FR", latitude=43.3, longitude=5.4)
STORES_ALONE = Rules(kinds=(LocationKind.STORE,), splitting=Splitting(parcels=1))


async def live(shop: Shop, rules: Rules, code: str = "rules") -> RuleSet:
    async with shop.database.transaction() as tx:
        made = await routing.create(tx, RuleSetDraft(code=code, rules=rules))
        return await routing.move(tx, made.id, RuleSetState.LIVE)


async def parked(shop: Shop, rules: Rules = STORES_ALONE, *, sku: str = "TEA", at: str = "paris") -> OrderId:
    """An order for one of what is at a warehouse alone, which the rules leave out."""
    await shop.product(sku, 1000, stock={at: 1})
    await live(shop, rules)
    placed = await shop.place("web", {sku: 1}, ship_to=MARSEILLE)
    await shop.settle()
    assert [one.state for one in await shop.work(placed.id)] == [State.ON_HOLD]
    return placed.id


async def tick(shop: Shop, *, hours: float = 0) -> int:
    """The clock, some hours later; gives how many orders it tried."""
    if hours:
        async with shop.database.transaction() as tx:
            ago = {"ago": timedelta(hours=hours)}
            await tx.run("UPDATE fulfilment.parked SET due_at = due_at - %(ago)s, tried_at = tried_at - %(ago)s", ago)
    async with shop.database.transaction() as tx:
        tried = await api.try_again(tx, api.Setting(pool_id_of))
    await shop.settle()
    return tried


async def stands(shop: Shop, order_id: OrderId) -> dict[str, State]:
    codes = {location: code for code, location in shop.locations.items()}
    return {codes[one.location_id]: one.state for one in await shop.work(order_id) if one.state is not State.CANCELLED}


async def test_when_the_rules_change_it_is_tried_again_where_it_is(shop: Shop) -> None:
    order_id = await parked(shop)
    async with shop.database.transaction() as tx:
        (rules,) = await routing.live(tx)
        wider = replace(rules.rules, kinds=(LocationKind.STORE, LocationKind.WAREHOUSE))
        await routing.update(tx, rules.id, replace(rules, rules=wider))
    await shop.settle()
    assert await stands(shop, order_id) == {"paris": State.OPEN}
    assert await shop.open_exceptions() == []
    async with shop.database.read() as reader:
        latest, first = await routing.decisions(reader, order_id)
    assert (first.kind, latest.kind, latest.lacking) == (DecisionKind.ROUTED, DecisionKind.REROUTED, ())
    (one,) = await shop.work(order_id)
    assert (one.hold_reason, one.leaves_by is not None) == (None, True)
    await shop.doctors()


async def test_when_its_rule_set_is_taken_back_it_goes_as_it_was_promised(shop: Shop) -> None:
    order_id = await parked(shop)
    async with shop.database.transaction() as tx:
        (rules,) = await routing.live(tx)
        await routing.move(tx, rules.id, RuleSetState.DRAFT)
    await shop.settle()
    assert await stands(shop, order_id) == {"paris": State.OPEN}
    assert await shop.open_exceptions() == []


async def test_when_another_rule_set_goes_live_before_it_that_decides(shop: Shop) -> None:
    order_id = await parked(shop)
    await live(shop, Rules(condition=Condition(channels=("web",))), code="a-first")
    await shop.settle()
    assert await stands(shop, order_id) == {"paris": State.OPEN}


async def test_when_a_carrier_is_made_that_takes_it(shop: Shop) -> None:
    near = (Zone(100.0, 500, 0, 1),)
    async with shop.database.transaction() as tx:
        await carriers.create(tx, CarrierServiceDraft(code="local", zones=near))
    order_id = await parked(shop, Rules())
    async with shop.database.transaction() as tx:
        far = (Zone(2_000.0, 900, 0, 2),)
        await carriers.create(tx, CarrierServiceDraft(code="road", service=Service.STANDARD, zones=far))
    await shop.settle()
    assert await stands(shop, order_id) == {"paris": State.OPEN}
    (one,) = await shop.work(order_id)
    assert one.carrier == "road"


async def change(shop: Shop, code: str, **more: object) -> None:
    async with shop.database.transaction() as tx:
        there = await locations.get(tx, shop.locations[code])
        await locations.update(tx, there.id, replace(there, **more))
    await shop.settle()


async def test_when_a_location_may_send_that_did_not(shop: Shop) -> None:
    await change(shop, "paris", ships=False)
    order_id = await parked(shop, Rules())
    await change(shop, "paris", opening_hours=OpeningHours())
    assert await stands(shop, order_id) == {"paris": State.ON_HOLD}
    await change(shop, "paris", ships=True)
    assert await stands(shop, order_id) == {"paris": State.OPEN}


async def test_when_a_location_may_prepare_more_in_a_day(shop: Shop) -> None:
    await change(shop, "paris", daily_capacity=0)
    order_id = await parked(shop, Rules())
    await change(shop, "paris", daily_capacity=1)
    assert await stands(shop, order_id) == {"paris": State.OPEN}


async def test_a_new_day_has_its_own_capacity_and_no_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "_RETRIED", 1)
    await change(shop, "paris", daily_capacity=2)
    await shop.product("TEA", 1000, stock={"paris": 9})
    await live(shop, Rules())
    ids = [(await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)).id for _ in range(6)]
    await shop.settle()
    assert [await stands(shop, key) for key in ids] == [{"paris": State.OPEN}] * 2 + [{"paris": State.ON_HOLD}] * 4
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE fulfilment.orders SET created_at = created_at - interval '1 day'")
    assert await tick(shop, hours=24) == 1
    while await tick(shop):
        pass
    states = [(await stands(shop, key))["paris"] for key in ids[2:]]
    assert sorted(states) == [State.ON_HOLD, State.ON_HOLD, State.OPEN, State.OPEN]


async def test_the_clock_tries_again_every_hour_and_no_sooner(shop: Shop) -> None:
    order_id = await parked(shop)
    assert await tick(shop) == 0
    assert await tick(shop, hours=0.9) == 0
    assert await tick(shop, hours=0.2) == 1
    assert await tick(shop) == 0
    async with shop.database.read() as reader:
        assert len(await routing.decisions(reader, order_id)) == 1, "what is the same is not written down again"
    assert len(await shop.open_exceptions()) == 1


async def test_what_routing_knows_of_a_location_is_seen_by_the_clock(shop: Shop) -> None:
    order_id = await parked(shop)
    async with shop.database.transaction() as tx:
        await routing.put_settings(tx, SiteSettings(location_id=shop.locations["paris"], cut_off=60))
    assert await tick(shop) == 1
    assert await stands(shop, order_id) == {"paris": State.ON_HOLD}


async def test_when_units_become_free_elsewhere(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 1, "paris": 1})
    await live(shop, STORES_ALONE)
    first = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    assert await stands(shop, first.id) == {"store": State.OPEN}
    second = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    assert await stands(shop, second.id) == {"paris": State.ON_HOLD}
    async with shop.database.transaction() as tx:
        await orders.cancel(tx, first.id, None, "changed mind")
    await shop.settle()
    assert await stands(shop, second.id) == {"store": State.OPEN}
    await shop.doctors()


async def test_when_a_count_finds_some(shop: Shop) -> None:
    order_id = await parked(shop)
    async with shop.database.transaction() as tx:
        found = Movement(EntryKind.COUNTED, "TEA", shop.locations["store"], on_hand=3, reason="count")
        await inventory.record(tx, [found])
    await shop.settle()
    assert await stands(shop, order_id) == {"store": State.OPEN}


async def test_what_was_given_back_and_nobody_else_may_send_is_tried_again_as_well(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 1})
    made = await live(shop, STORES_ALONE)
    placed = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    async with shop.database.transaction() as tx:
        await api.reject(tx, one.id, None, RejectReason.NO_STAFF)
    await shop.settle()
    assert [one.kind for one in await shop.open_exceptions()] == [ExceptionKind.UNROUTABLE]
    assert await stands(shop, placed.id) == {}, "nothing of it is promised anywhere"
    await shop.receive("TEA", "lyon", 1)
    await shop.settle()
    async with shop.database.transaction() as tx:
        wider = replace(made.rules, kinds=(LocationKind.STORE, LocationKind.WAREHOUSE))
        await routing.update(tx, made.id, replace(made, rules=wider))
    await shop.settle()
    assert await stands(shop, placed.id) == {"lyon": State.OPEN}
    assert await shop.open_exceptions() == []
    await shop.doctors()


async def test_hopeless_orders_do_not_stand_before_the_others(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "_RETRIED", 2)
    await shop.product("TEA", 1000, stock={"paris": 9})
    await live(shop, STORES_ALONE)
    ids = [(await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)).id for _ in range(5)]
    await shop.settle()
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE fulfilment.parked SET due_at = now() - interval '1 minute'")
    tried = [await tick(shop) for _ in range(4)]
    assert tried == [2, 2, 1, 0], "each in its turn, and nobody twice"
    await shop.receive("TEA", "store", 5)
    await shop.settle()
    while await tick(shop):
        pass
    assert [await stands(shop, order_id) for order_id in ids] == [{"store": State.OPEN}] * 5
    await shop.doctors()


async def test_a_person_who_dismisses_it_hears_of_it_no_more_and_it_is_tried_all_the_same(shop: Shop) -> None:
    order_id = await parked(shop)
    (one,) = await shop.open_exceptions()
    async with shop.database.transaction() as tx:
        await orders.resolve(tx, one.id, Resolution.DISMISSED)
    assert await tick(shop, hours=2) == 1
    assert await shop.open_exceptions() == []
    await shop.receive("TEA", "store", 1)
    await shop.settle()
    assert await stands(shop, order_id) == {"store": State.OPEN}


async def test_what_is_cancelled_is_parked_no_more(shop: Shop) -> None:
    order_id = await parked(shop)
    async with shop.database.transaction() as tx:
        await orders.cancel(tx, order_id, None, "changed mind")
    await shop.settle()
    assert await tick(shop, hours=2) == 0
    async with shop.database.read() as reader:
        assert await reader.value("SELECT count(*) FROM fulfilment.parked") == 0


async def test_the_clock_asks_one_question_where_nothing_is_parked(shop: Shop) -> None:
    setting = api.Setting(pool_id_of)
    async with shop.database.transaction() as tx:
        with counted_statements() as statements:
            assert await api.try_again(tx, setting) == 0
    assert len(statements) == 1


# In the end


async def test_who_has_more_patience_does_not_keep_others_from_being_given_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_PAGE", 2)
    await shop.channel("patient", ["paris", "lyon", "store"])
    await shop.settle()
    await shop.product("TEA", 1000, stock={"paris": 9})
    await live(shop, replace(STORES_ALONE, condition=Condition(channels=("patient",)), give_up_after=300), "patient")
    await live(shop, replace(STORES_ALONE, condition=Condition(channels=("web",)), give_up_after=3), "quick")
    for _ in range(5):
        await shop.place("patient", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    late = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    await shop.settle()
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE orders.exceptions SET opened_at = opened_at - interval '4 days'")
    setting = api.Setting(pool_id_of)
    async with shop.database.transaction() as tx:
        assert await api.given_up(tx, setting) == 1
    async with shop.database.transaction() as tx:
        assert await api.given_up(tx, setting) == 0
    await shop.settle()
    assert (await shop.order(late.id)).fulfilment_status == "cancelled"
    assert len(await shop.open_exceptions()) == 5
    await shop.doctors()
