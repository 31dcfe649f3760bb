"""What a person can do about units that no location may send."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.kernel.time import utcnow
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Service, Zone
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.api import Way, WaysOut
from comptoir.modules.fulfilment.contracts import Method, RejectReason, State
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Choice, ExceptionId, Fill, OrderException, OrderId
from comptoir.modules.orders.errors import ExceptionClosed, NotThatKind
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import (
    DecisionKind,
    Fence,
    Rules,
    RuleSet,
    RuleSetDraft,
    RuleSetState,
    Splitting,
)
from comptoir.sdk.orders import Address
from comptoir.surfaces.pools import pool_id_of
from support.shop import Shop

MARSEILLE = Address(name="Zoé", city="Marseille", country="FR", latitude=43.3, longitude=5.4)
STORES_ALONE = Rules(kinds=(LocationKind.STORE,), splitting=Splitting(parcels=1))


async def live(shop: Shop, rules: Rules) -> RuleSet:
    async with shop.database.transaction() as tx:
        made = await routing.create(tx, RuleSetDraft(code="rules", rules=rules))
        return await routing.move(tx, made.id, RuleSetState.LIVE)


async def stuck(shop: Shop, rules: Rules, units: int = 1, **more: Any) -> OrderId:
    await live(shop, rules)
    placed = await shop.place("web", {"TEA": units}, **({"ship_to": MARSEILLE} | more))
    await shop.settle()
    return placed.id


async def parked(shop: Shop) -> OrderException:
    (one,) = await shop.open_exceptions()
    assert one.kind == "unroutable"
    return one


async def ways(shop: Shop) -> WaysOut:
    one = await parked(shop)
    async with shop.database.read() as reader:
        return (await api.ways_out(reader, api.Setting(pool_id_of), [one], utcnow()))[one.id]


async def send(shop: Shop, exception_id: ExceptionId, place: str) -> None:
    async with shop.database.transaction() as tx:
        await api.send_anyway(tx, api.Setting(pool_id_of), exception_id, shop.locations[place])


async def stands(shop: Shop, order_id: OrderId) -> dict[str, tuple[State, int]]:
    codes = {location: code for code, location in shop.locations.items()}
    return {
        codes[one.location_id]: (one.state, one.quantity)
        for one in await shop.work(order_id)
        if one.state is not State.CANCELLED
    }


async def test_each_location_is_offered_with_what_the_rules_say_against_it_the_mildest_first(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 3, "lyon": 1, "store": 2})
    await stuck(shop, replace(STORES_ALONE, minimum_pick=5_000), units=2)
    found = await ways(shop)
    assert found.ways == (
        Way(shop.locations["store"], 2, Fence.MINIMUM_PICK),
        Way(shop.locations["paris"], 3, Fence.EXCLUDED),
        Way(shop.locations["lyon"], 1, Fence.EXCLUDED),
    )
    assert (found.best, found.location_id, found.fence) == (Choice.SEND, shop.locations["store"], Fence.MINIMUM_PICK)
    assert not found.would_go


async def test_who_holds_it_may_send_it_anyway_and_the_log_says_that_a_person_wanted_it(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 1})
    order_id = await stuck(shop, Rules(minimum_pick=5_000))
    one = await parked(shop)
    await send(shop, one.id, "store")
    await shop.settle()
    assert await stands(shop, order_id) == {"store": (State.OPEN, 1)}
    assert await shop.open_exceptions() == []
    async with shop.database.transaction() as reader:
        latest, _ = await routing.decisions(reader, order_id)
        told = await routing.explained(reader, latest.id)
        assert (await orders.get_exception(reader, one.id)).resolution == "sent_anyway"
        assert await reader.value("SELECT count(*) FROM fulfilment.parked") == 0
    assert latest.kind is DecisionKind.PERSON
    assert {told.sites[v.site].code: v.fence for v in told.verdicts}["store"] is Fence.MINIMUM_PICK
    await shop.doctors()


async def test_another_location_may_be_chosen_and_the_next_run_of_the_clock_leaves_it_there(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 1, "lyon": 5})
    order_id = await stuck(shop, STORES_ALONE)
    await send(shop, (await parked(shop)).id, "lyon")
    await shop.settle()
    await shop.receive("TEA", "store", 5)
    await shop.settle()
    assert await stands(shop, order_id) == {"lyon": (State.OPEN, 1)}
    await shop.doctors()


async def test_only_what_is_stuck_is_sent_from_there(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 2, "lyon": 1})
    order_id = await stuck(shop, STORES_ALONE, units=3)
    assert await stands(shop, order_id) == {"store": (State.OPEN, 2), "lyon": (State.ON_HOLD, 1)}
    one = await parked(shop)
    assert one.quantity == 1
    await send(shop, one.id, "lyon")
    await shop.settle()
    assert await stands(shop, order_id) == {"store": (State.OPEN, 2), "lyon": (State.OPEN, 1)}
    assert await shop.open_exceptions() == []
    await shop.doctors()


async def test_who_has_too_few_and_who_cannot_send_is_refused_and_nothing_changes(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 2, "lyon": 1})
    async with shop.database.transaction() as tx:
        there = await locations.get(tx, shop.locations["store"])
        await locations.update(tx, there.id, replace(there, active=False))
    order_id = await stuck(shop, STORES_ALONE, units=2)
    one = await parked(shop)
    before = await stands(shop, order_id)
    with pytest.raises(InsufficientStock) as refused:
        await send(shop, one.id, "lyon")
    assert refused.value.data["lines"] == [{"sku": "TEA", "requested": 2, "available": 1}]
    with pytest.raises(Invalid):
        await send(shop, one.id, "store")
    assert (await stands(shop, order_id), await shop.open_exceptions()) == (before, [one])


async def test_what_was_given_back_may_be_sent_by_somebody_whom_the_rules_leave_out(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 1})
    order_id = await stuck(shop, STORES_ALONE)
    (work,) = await shop.work(order_id)
    async with shop.database.transaction() as tx:
        await api.reject(tx, work.id, None, RejectReason.NO_STAFF)
    await shop.settle()
    await shop.product("CUP", 1000)
    await shop.receive("TEA", "lyon", 1)
    one = await parked(shop)
    found = await ways(shop)
    by_place = {way.location_id: way.fence for way in found.ways}
    assert by_place[shop.locations["lyon"]] is Fence.EXCLUDED
    await send(shop, one.id, "lyon")
    await shop.settle()
    assert await stands(shop, order_id) == {"lyon": (State.OPEN, 1)}
    await shop.doctors()


async def test_when_the_rules_would_let_it_go_trying_again_is_best(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 1})
    order_id = await stuck(shop, STORES_ALONE)
    one = await parked(shop)
    setting = api.Setting(pool_id_of)
    async with shop.database.transaction() as tx:
        assert not await api.retry(tx, setting, one.id)
        (rules,) = await routing.live(tx)
        await routing.update(tx, rules.id, replace(rules, rules=Rules()))
    found = await ways(shop)
    assert (found.best, found.would_go) == (Choice.RETRY, True)
    async with shop.database.transaction() as tx:
        assert await api.retry(tx, setting, one.id)
    assert await stands(shop, order_id) == {"paris": (State.OPEN, 1)}
    with pytest.raises(ExceptionClosed):
        async with shop.database.transaction() as tx:
            await api.retry(tx, setting, one.id)


async def test_another_service_may_help(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 1})
    async with shop.database.transaction() as tx:
        for code, service, reach in (("slow", Service.STANDARD, 100.0), ("fast", Service.EXPRESS, 2_000.0)):
            await carriers.create(tx, CarrierServiceDraft(code=code, service=service, zones=(Zone(reach, 900, 0, 1),)))
    order_id = await stuck(shop, Rules())
    one, found = await parked(shop), await ways(shop)
    assert (found.best, found.service, found.helping) == (Choice.SERVICE, Service.EXPRESS, (Service.EXPRESS,))
    async with shop.database.transaction() as tx:
        assert await api.send_as(tx, api.Setting(pool_id_of), one.id, Service.EXPRESS)
    await shop.settle()
    (work,) = await shop.work(order_id)
    assert (work.state, work.service, work.carrier) == (State.OPEN, Service.EXPRESS, "fast")
    with pytest.raises(ExceptionClosed):
        async with shop.database.transaction() as tx:
            await api.send_as(tx, api.Setting(pool_id_of), one.id, Service.STANDARD)
    await shop.doctors()


async def test_what_is_to_be_collected_may_be_sent_to_its_address_instead(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"lyon": 1})
    rules = replace(Rules(), excluded=(shop.locations["store"],))
    async with shop.database.transaction() as tx:
        there = await locations.get(tx, shop.locations["store"])
        await locations.update(tx, there.id, replace(there, pickup=True))
        # Nobody sends parcels to the counter: its postcode is too far for the only carrier.
        await carriers.create(tx, CarrierServiceDraft(code="van", countries=("DE",), zones=(Zone(5_000.0, 100, 0, 1),)))
    berlin = Address(name="Ada", city="Berlin", country="DE", latitude=52.5, longitude=13.4)
    order_id = await stuck(shop, rules, ship_to=berlin, pickup_location_id=shop.locations["store"])
    one, found = await parked(shop), await ways(shop)
    assert Service.STANDARD in found.helping
    async with shop.database.transaction() as tx:
        assert await api.send_as(tx, api.Setting(pool_id_of), one.id, Service.STANDARD)
    await shop.settle()
    (work,) = await shop.work(order_id)
    assert (work.state, work.method, work.service) == (State.OPEN, Method.SHIP, Service.STANDARD)


async def test_of_a_line_that_is_partly_sent_what_is_stuck_is_cancelled(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 2, "lyon": 1})
    order_id = await stuck(shop, STORES_ALONE, units=3)
    one = await parked(shop)
    async with shop.database.transaction() as tx:
        await api.cancel_stuck(tx, one.id, "nobody sends it")
    await shop.settle()
    assert await stands(shop, order_id) == {"store": (State.OPEN, 2)}
    assert await shop.open_exceptions() == []
    await shop.doctors()


async def test_when_nobody_has_it_cancelling_is_best_and_waiting_where_more_is_to_come(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"store": 1})
    order_id = await stuck(shop, STORES_ALONE)
    (work,) = await shop.work(order_id)
    async with shop.database.transaction() as tx:
        await api.reject(tx, work.id, None, RejectReason.NOT_FOUND)
    await shop.settle()
    found = await ways(shop)
    assert (found.best, found.ways) == (Choice.CANCEL, ())


async def test_other_exceptions_are_not_put_right_so(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 1})
    await shop.place("web", {"TEA": 1}, fill=Fill.BACKORDER)
    await shop.receive("TEA", "paris", -1)
    await shop.settle()
    (one,) = await shop.open_exceptions()
    assert one.kind == "shortfall"
    with pytest.raises(NotThatKind):
        await send(shop, one.id, "paris")
