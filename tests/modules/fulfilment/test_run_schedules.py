"""Named schedules of runs: which run an order waits for, who is decided first, and that nobody waits for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import Currency
from comptoir.kernel.time import utcnow
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Service, Zone
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.fulfilment import api, batches
from comptoir.modules.fulfilment.contracts import Fulfilment, NotedRun, State
from comptoir.modules.fulfilment.release import profile_of
from comptoir.modules.locations import api as locations
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import PriceDraft
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import Atlas
from comptoir.modules.routing.contracts import (
    Condition,
    Job,
    Need,
    Profile,
    Rating,
    Rules,
    RuleSet,
    RuleSetDraft,
    RuleSetState,
    Schedule,
    ScheduleDraft,
    ScheduleId,
    SiteSettings,
    Weight,
)
from comptoir.sdk.orders import Address
from comptoir.surfaces import selling, simulation
from comptoir.surfaces.pools import pool_id_of
from comptoir.surfaces.promising import PromiseDesk
from support.past import ground
from support.runs import clock, decide
from support.shop import Shop

MARSEILLE = Address(name="Zoé", city="Marseille", country="FR", latitude=43.3, longitude=5.4)
LYON = Address(name="Luc", city="Lyon", country="FR", latitude=45.76, longitude=4.84)
EXPRESS = Condition(services=(Service.EXPRESS,))
CHEAPEST = Rules(ratings=(Weight(Rating.COST), Weight(Rating.PRIORITY)))


async def live(shop: Shop, rules: Rules, code: str = "rules") -> RuleSet:
    async with shop.database.transaction() as tx:
        made = await routing.create(tx, RuleSetDraft(code=code, rules=rules))
        moved = await routing.move(tx, made.id, RuleSetState.LIVE)
    await shop.settle()
    return moved


async def roads(shop: Shop) -> None:
    """Carriers that are cheaper and sooner to those who live near."""
    zones = (Zone(100.0, 100, 0, 1), Zone(400.0, 900, 0, 2), Zone(2_000.0, 1_000, 0, 3))
    async with shop.database.transaction() as tx:
        await carriers.create(tx, CarrierServiceDraft(code="road", zones=zones))
        await carriers.create(tx, CarrierServiceDraft(code="fast", zones=zones, service=Service.EXPRESS))


async def schedule(shop: Shop, code: str, **more: Any) -> Schedule:
    """Every six hours, unless more is said."""
    draft = replace(ScheduleDraft(code=code, every=360), **more)
    async with shop.database.transaction() as tx:
        made = await routing.create_schedule(tx, draft)
    await shop.settle()
    return made


async def change(shop: Shop, one: Schedule, **more: Any) -> Schedule:
    async with shop.database.transaction() as tx:
        changed = await routing.update_schedule(tx, one.id, replace(one, **more))
    await shop.settle()
    return changed


async def placed(shop: Shop, to: Address = LYON, sku: str = "TEA", **more: Any) -> OrderId:
    found = await shop.place("web", {sku: 1}, ship_to=to, **more)
    await shop.settle()
    return found.id


async def only(shop: Shop, order_id: OrderId) -> Fulfilment:
    (one,) = [one for one in await shop.work(order_id) if one.state is not State.CANCELLED]
    return one


async def where(shop: Shop, order_id: OrderId) -> str:
    codes = {location: code for code, location in shop.locations.items()}
    return codes[(await only(shop, order_id)).location_id]


async def noted(shop: Shop, key: ScheduleId) -> NotedRun | None:
    async with shop.database.read() as reader:
        return (await api.noted_runs(reader)).get(key)


def next_of(one: Schedule, at: datetime) -> datetime:
    found = routing.timetable(one).next_run(at)
    assert found is not None
    return found


async def test_an_order_waits_for_the_run_of_the_first_schedule_that_is_for_it(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"lyon": 5})
    await live(shop, Rules(every=45))
    fast = await schedule(shop, "express", condition=EXPRESS, every=15, priority=1)
    slow = await schedule(shop, "dear", condition=Condition(least_value=1000, currency="EUR"), priority=2)
    await shop.product("PEN", 300, stock={"lyon": 5})
    express = await only(shop, await placed(shop, service=Service.EXPRESS))
    dear = await only(shop, await placed(shop))
    cheap = await only(shop, await placed(shop, sku="PEN"))
    assert (express.state, express.release_at) == (State.SCHEDULED, next_of(fast, express.created_at))
    assert dear.release_at == next_of(slow, dear.created_at)
    assert cheap.release_at == routing.every(45).next_run(cheap.created_at)


async def test_orders_that_no_rule_set_is_live_for_wait_too(shop: Shop) -> None:
    await roads(shop)
    await shop.product("TEA", 1000, stock={"lyon": 1})
    one = await schedule(shop, "all")
    first = await placed(shop, MARSEILLE)
    work = await only(shop, first)
    assert (work.state, work.release_at) == (State.SCHEDULED, next_of(one, work.created_at))
    await shop.receive("TEA", "paris", 1)
    assert await clock(shop.database, work.release_at) == (["all"], 1)
    await shop.settle()
    assert await where(shop, first) == "paris", "it comes first in the pool, and has some now"
    await shop.doctors()


async def test_of_schedules_that_fall_together_the_lower_priority_gets_the_scarce_unit(shop: Shop) -> None:
    await roads(shop)
    await live(shop, CHEAPEST)
    fast = await schedule(shop, "express", condition=EXPRESS, priority=1)
    slow = await schedule(shop, "rest", priority=2)
    assert await contest(shop, "TEA", days=1) == (["express", "rest"], "store", "paris")
    await change(shop, fast, priority=2)
    await change(shop, slow, priority=1, condition=Condition(services=(Service.STANDARD,)))
    assert await contest(shop, "PEN", days=2) == (["rest", "express"], "paris", "store")
    await shop.doctors()


async def contest(shop: Shop, sku: str, days: int) -> tuple[list[str], str, str]:
    """Two who live near the store, one unit for them there; who was decided first, and from where each gets theirs."""
    await shop.product(sku, 1000, stock={"paris": 2})
    standard = await placed(shop, MARSEILLE, sku)
    express = await placed(shop, MARSEILLE, sku, service=Service.EXPRESS)
    await shop.receive(sku, "store", 1)
    at = routing.every(360).next_run(utcnow() + timedelta(days=days))
    ran, moved = await clock(shop.database, at)
    assert moved == 1
    await shop.settle()
    return ran, await where(shop, express), await where(shop, standard)


async def test_a_run_is_noted_with_what_it_decided_and_saved(shop: Shop) -> None:
    await roads(shop)
    await shop.product("TEA", 1000, stock={"lyon": 1})
    await live(shop, CHEAPEST)
    one = await schedule(shop, "all")
    other = await schedule(shop, "express", condition=EXPRESS)
    assert await noted(shop, one.id) is None
    await placed(shop, MARSEILLE)
    await shop.receive("TEA", "store", 1)
    at = next_of(one, utcnow())
    assert await clock(shop.database, at) == (["all", "express"], 1)
    run = await noted(shop, one.id)
    assert run is not None
    assert (run.at, run.orders, run.moved, run.saved > 0) == (at, 1, 1, True)
    assert await noted(shop, other.id) == NotedRun(at), "it was its turn, with nothing to do"
    assert await clock(shop.database, at) == ([], 0), "once for each of its times"


async def test_a_run_improves_its_own_orders_that_nobody_has_begun_and_no_others(shop: Shop) -> None:
    await roads(shop)
    await shop.product("TEA", 1000, stock={"lyon": 2})
    express = await placed(shop, MARSEILLE, service=Service.EXPRESS)
    standard = await placed(shop, MARSEILLE)
    assert (await only(shop, standard)).state is State.OPEN
    await shop.receive("TEA", "store", 2)
    await live(shop, CHEAPEST)
    one = await schedule(shop, "standard", condition=Condition(services=(Service.STANDARD,)))
    assert await clock(shop.database, next_of(one, utcnow())) == (["standard"], 1)
    await shop.settle()
    assert (await where(shop, express), await where(shop, standard)) == ("lyon", "store")


async def test_nobody_waits_for_a_run_that_never_comes(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"lyon": 9})
    await live(shop, Rules(answer_within=60))
    other = await schedule(shop, "later", every=1, opens=0, closes=1440, priority=9)
    far = (utcnow() + timedelta(days=3)).weekday()
    rare = await schedule(shop, "rare", works=tuple(day == far for day in range(7)), priority=1)
    order = await placed(shop)
    one = await only(shop, order)
    assert one.release_at == next_of(rare, one.created_at)
    # Changed: it waits for the next run of what is for it now.
    rare = await change(shop, rare, every=0, times=(0, 60))
    assert (await only(shop, order)).release_at == next_of(rare, utcnow())
    # Switched off: the next schedule is for it.
    rare = await change(shop, rare, active=False)
    now = utcnow()
    one = await only(shop, order)
    assert one.release_at is not None
    assert one.release_at <= now + timedelta(minutes=1)
    assert one.answer_by is not None, "and who is to begin it has as long as ever"
    assert one.answer_by <= now + timedelta(minutes=62)
    # Deleted, both of them: it waits for nothing, and is opened.
    rare = await change(shop, rare, active=True)
    async with shop.database.transaction() as tx:
        await routing.delete_schedule(tx, other.id)
        await routing.delete_schedule(tx, rare.id)
    await shop.settle()
    async with shop.database.transaction() as tx:
        await api.release_due(tx)
    assert (await only(shop, order)).state is State.OPEN
    assert (await only(shop, await placed(shop))).state is State.OPEN


async def test_a_rule_set_that_lets_nothing_wait_any_more_opens_what_waits(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"lyon": 9})
    rules = await live(shop, Rules(every=1440))
    order = await placed(shop)
    assert (await only(shop, order)).state is State.SCHEDULED
    async with shop.database.transaction() as tx:
        await routing.move(tx, rules.id, RuleSetState.DRAFT)
    await shop.settle()
    async with shop.database.transaction() as tx:
        assert await api.release_due(tx) == 1
    assert (await only(shop, order)).state is State.OPEN


async def test_what_is_due_is_decided_even_if_its_schedule_was_changed_a_moment_ago(shop: Shop) -> None:
    await roads(shop)
    await shop.product("TEA", 1000, stock={"lyon": 1})
    await live(shop, CHEAPEST)
    one = await schedule(shop, "all")
    order = await placed(shop, MARSEILLE)
    await shop.receive("TEA", "store", 1)
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE fulfilment.orders SET release_at = now() - interval '1 minute' WHERE state = 'scheduled'")
    await change(shop, one, name="All")
    assert await clock(shop.database) == (["all"], 1)
    await shop.settle()
    assert await where(shop, order) == "store"


async def test_a_run_of_many_orders_is_decided_in_parts_and_leaves_none_out(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST", 2)
    await roads(shop)
    await live(shop, CHEAPEST)
    one = await schedule(shop, "all")
    await shop.product("TEA", 1000, stock={"lyon": 3})
    waiting = [await placed(shop, MARSEILLE) for _ in range(3)]
    await shop.receive("TEA", "store", 3)
    setting, at = api.Setting(pool_id_of), next_of(one, utcnow())
    async with shop.database.read() as reader:
        parts = await api.due_runs(reader, setting, at)
        early = await api.early_run(reader, setting, one.id, at)
    assert [part.orders for part in parts] == [tuple(waiting[:2]), tuple(waiting[2:])]
    assert [part.early for part in early] == [False, True]
    assert sum([await decide(shop.database, setting, part) for part in parts]) == 3
    await shop.settle()
    assert [await where(shop, key) for key in waiting] == ["store"] * 3
    done = await noted(shop, one.id)
    assert done is not None
    assert (done.at, done.orders, done.moved) == (at, 3, 3)


async def test_what_is_due_since_a_run_began_is_not_opened_before_its_own(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"lyon": 1})
    await live(shop, CHEAPEST)
    await schedule(shop, "all")
    waits = await placed(shop)
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE fulfilment.orders SET release_at = %(at)s", {"at": tx.now - timedelta(seconds=1)})
        assert await api.release_due(tx, tx.now - timedelta(seconds=2)) == 0
        assert await api.release_due(tx) == 1
    await shop.settle()
    assert (await only(shop, waits)).state is State.OPEN


async def test_a_person_may_have_a_run_at_once(shop: Shop) -> None:
    await roads(shop)
    await shop.product("TEA", 1000, stock={"lyon": 2})
    await live(shop, CHEAPEST)
    one = await schedule(shop, "all")
    other = await schedule(shop, "express", condition=EXPRESS)
    moves, stays = await placed(shop, MARSEILLE), await placed(shop, LYON)
    await shop.receive("TEA", "store", 1)
    setting = api.Setting(pool_id_of)
    now = utcnow()
    async with shop.database.read() as reader:
        (run,) = await api.early_run(reader, setting, one.id, now)
        assert await api.early_run(reader, setting, uuid7(), now) == []
    assert (set(run.orders), run.early) == ({moves, stays}, True)
    assert await decide(shop.database, setting, run) == 1
    async with shop.database.transaction() as tx:
        await api.release_due(tx)
    await shop.settle()
    assert [(await only(shop, key)).state for key in (moves, stays)] == [State.OPEN, State.OPEN]
    assert (await where(shop, moves), await where(shop, stays)) == ("store", "lyon")
    done = await noted(shop, one.id)
    assert done is not None
    assert (done.at, done.orders, done.moved) == (now, 2, 1)
    assert await noted(shop, other.id) is None


async def shut_at_noon(shop: Shop) -> None:
    """Lyon, from where all that is sent leaves at noon, on any day."""
    await roads(shop)
    await shop.product("TEA", 1000, stock={"lyon": 20})
    async with shop.database.transaction() as tx:
        await routing.put_settings(tx, SiteSettings(location_id=shop.locations["lyon"], cut_off=12 * 60, works=(True,) * 7))


async def test_promises_of_what_is_decided_at_once_are_kept_by_the_decision(shop: Shop) -> None:
    await shut_at_noon(shop)
    told, begins = await promise(shop)
    work = await only(shop, await placed(shop, LYON))
    assert (begins, work.release_at) == (None, None)
    assert (told.arrives_on, told.order_by) == (work.arrives_on, work.leaves_by)


async def test_where_no_rule_set_is_live_a_full_day_is_no_reason_to_promise_less(shop: Shop) -> None:
    await shut_at_noon(shop)
    async with shop.database.transaction() as tx:
        place = await locations.get(tx, shop.locations["lyon"])
        await locations.update(tx, place.id, replace(place, daily_capacity=1))
    await placed(shop, LYON)
    told, _ = await promise(shop)
    work = await only(shop, await placed(shop, LYON))
    assert (told.complete, told.arrives_on) == (True, work.arrives_on)


async def test_promises_plan_for_the_runs_of_the_rule_set(shop: Shop) -> None:
    await shut_at_noon(shop)
    await live(shop, Rules(every=720))
    told, begins = await promise(shop)
    work = await only(shop, await placed(shop, LYON))
    assert (work.release_at, work.arrives_on) == (begins, told.arrives_on)
    assert begins is not None
    assert work.leaves_by is not None
    assert told.order_by is not None
    assert begins <= told.order_by < work.leaves_by, "the last run before the parcel leaves"


async def test_promises_plan_for_the_run_that_the_order_will_wait_for_and_the_run_keeps_them(shop: Shop) -> None:
    await shut_at_noon(shop)
    far = (utcnow() + timedelta(days=2)).weekday()
    works = tuple(day == far for day in range(7))
    one = await schedule(shop, "rare", time_zone="Europe/Paris", works=works, times=(599,), every=0)
    told, begins = await promise(shop)
    assert begins is not None
    assert begins == next_of(one, utcnow())
    order = await placed(shop, LYON)
    work = await only(shop, order)
    assert (work.release_at, work.arrives_on) == (begins, told.arrives_on)
    assert told.arrives_on == begins.date() + timedelta(days=1)
    assert told.order_by == begins, "whoever orders after this run waits a week for the next"
    assert (await clock(shop.database, begins))[0] == ["rare"]
    assert (await only(shop, order)).arrives_on == told.arrives_on
    async with shop.database.read() as reader:
        first = (await routing.decisions(reader, order))[-1]
        explained = await routing.explained(reader, first.id)
    assert first.job.begins_at == begins
    assert explained.verdicts[0].site == shop.locations["lyon"], "it is explained by the day on which it begins"


async def promise(shop: Shop) -> tuple[routing.Delivery, datetime | None]:
    """What a buyer in Lyon is told, and for which run the order will wait."""
    desk = PromiseDesk(shop.database)
    async with shop.database.read() as reader:
        counter = await selling.load(reader, "web", Atlas())
    profile = Profile("web", "FR", Service.STANDARD, skus=frozenset({"TEA"}), value=1000, currency="EUR")
    job = Job(id=uuid7(), needs=(Need(1, "TEA", 1),), country="FR", destination=(45.76, 4.84), placed_at=utcnow())
    desk.start()
    try:
        found = await desk.options(counter, job, (Service.STANDARD,), profile=profile, counters=0)
    finally:
        await desk.stop()
    plan = routing.planned(counter.rule_sets, counter.schedules, profile)
    return found.deliveries[0], plan.begins_at(utcnow())


async def test_conditions_look_at_products_brands_and_value(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"lyon": 5, "paris": 5})
    await shop.product("PEN", 5000, stock={"lyon": 5, "paris": 5})
    async with shop.database.transaction() as tx:
        draft = ProductDraft(code="p-CUP", names={"fr": "Cup"}, brand="Acme", variants=[VariantDraft(sku="CUP")])
        await catalogue.create(tx, draft)
        found = await catalogue.goods(tx, ["CUP", "TEA"])
    assert {sku: one.brand for sku, one in found.items()} == {"CUP": "Acme", "TEA": ""}
    eur = Currency("EUR")
    for code, condition in (
        ("brand", Condition(brands=("Acme",))),
        ("dear", Condition(least_value=5000, currency=eur)),
        ("tea", Condition(skus=("TEA",))),
    ):
        async with shop.database.transaction() as tx:
            made = await routing.create(tx, RuleSetDraft(code=code, rules=Rules(condition=condition)))
            await routing.move(tx, made.id, RuleSetState.LIVE)
    await shop.settle()
    names: dict[object, str] = {}
    async with shop.database.read() as reader:
        names = {one.id: one.code for one in await routing.live(reader)}
    tea, pen = await placed(shop, LYON, "TEA"), await placed(shop, LYON, "PEN")
    async with shop.database.read() as reader:
        decided = [(await routing.decisions(reader, key))[-1].rule_set_id for key in (tea, pen)]
    assert [names[key] for key in decided] == ["tea", "dear"]


async def test_simulated_orders_wait_for_the_schedules_that_are_for_them(shop: Shop) -> None:
    await roads(shop)
    await shop.product("TEA", 1000, stock={"lyon": 9})
    for _ in range(3):
        await placed(shop, LYON)
    await schedule(shop, "rare", time_zone="Europe/Paris", times=(0,), every=0)
    past = await ground(shop)
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    jobs = tuple((n, "web", replace(job, placed_at=noon + timedelta(hours=n))) for n, (_, _, job) in enumerate(past.jobs))
    past, told = replace(past, jobs=jobs), list[int]()
    tally = simulation.tried(past, simulation.by_rules(None, []), told.append, with_runs=True)
    at_once = simulation.tried(replace(past, schedules=()), simulation.by_rules(None, []))
    assert (tally.orders, at_once.orders) == (3, 3)
    assert (at_once.days, tally.days) == (5, 6), "the first could have left on its day; the run is on the next"


async def test_simulated_orders_are_told_apart_as_live_ones_are(shop: Shop) -> None:
    async with shop.database.transaction() as tx:
        draft = ProductDraft(code="p-CUP", names={"fr": "Cup"}, brand="Acme", variants=[VariantDraft(sku="CUP")])
        await catalogue.create(tx, draft)
        await pricing.set_prices(tx, "fr", [PriceDraft("CUP", 333, Decimal("0.2"))])
    await shop.receive("CUP", "lyon", 5)
    order = await shop.place("web", {"CUP": 3}, ship_to=LYON)
    await shop.settle()
    past = await ground(shop)
    ((_, channel, job),) = past.jobs
    async with shop.database.read() as reader:
        opened = await orders.open_orders(reader, [order.id])
        goods = await catalogue.goods(reader, ["CUP"])
    assert past.profile(channel, job) == profile_of(opened[order.id], goods)
    assert past.profile(channel, job).value == 999
