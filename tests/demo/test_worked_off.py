"""What the demo's house decides by, and what its people work off: shelves below nothing, units that no location may send."""

from __future__ import annotations

from datetime import timedelta

import pytest

from comptoir.kernel.time import utcnow
from comptoir.modules.channels import api as channels
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind, Movement
from comptoir.modules.locations import api as locations
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ExceptionFilter, ExceptionKind
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import RuleSetState, SimulationState
from comptoir.modules.tracking import api as tracking
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database, Reader
from comptoir.surfaces.demo import crew, loading, service, state
from comptoir.surfaces.demo.crew import Crew
from comptoir.surfaces.demo.furnishing import lively
from comptoir.surfaces.demo.plan import Plan
from comptoir.surfaces.demo.planning import Planner
from comptoir.surfaces.demo.player import Player
from comptoir.surfaces.demo.service import CustomerService
from comptoir.surfaces.demo.state import DemoStatus
from comptoir.surfaces.demo.stream import Channel
from comptoir.surfaces.pools import pool_id_of, pool_of
from support.consumers import drained
from support.replay import UNTIL, add_up, verdict

_DECIDED = "SELECT b.rule_set_id, count(*) FROM routing.decisions d JOIN routing.bases b ON b.id = d.basis_id GROUP BY 1"


def followers(shop: Database) -> ConsumerRunner:
    return ConsumerRunner(shop, (*orders.consumers(pool_of), *fulfilment.consumers(pool_id_of), *tracking.consumers()))


async def open_ones(shop: Database, kind: ExceptionKind) -> int:
    async with shop.read() as reader:
        return len((await orders.find_exceptions(reader, ExceptionFilter(kinds=(kind,)), limit=200)).items)


async def test_one_rule_set_is_live_and_decides_and_there_is_a_schedule(shop: Database, plan: Plan) -> None:
    runner = followers(shop)
    await drained(shop, runner)
    await Player(shop, plan).run(until=UNTIL)
    await drained(shop, runner)
    async with shop.read() as reader:
        (house,) = await routing.live(reader)
        (phone,) = await routing.schedules(reader)
        decided = dict(await reader.rows(_DECIDED))
        drafts = [one.code for one in (await routing.find(reader, RuleSetState.DRAFT)).items]
        assert set(house.rules.condition.channels) == {"web", "app", "phone", "marketplace"}
        assert {(await channels.by_code(reader, code)).code for code in phone.condition.channels} == {"phone"}
    assert decided[house.id] > 10, decided
    assert decided.keys() == {house.id}, "nothing is decided by the pool alone"
    assert drafts == ["nearest", "cheapest"]
    assert (await verdict(shop, plan)).differences == ()
    await add_up(shop)


async def test_what_somebody_has_set_up_meanwhile_is_left_as_it_is(shop: Database, plan: Plan) -> None:
    async with shop.transaction() as tx:
        (house,) = await routing.live(tx)
        await routing.move(tx, house.id, RuleSetState.DRAFT)
    await loading.load(shop, plan)
    async with shop.read() as reader:
        assert await routing.live(reader) == []


async def test_once_a_week_has_played_one_simulation_is_asked_for_and_no_other(shop: Database) -> None:
    planner = Planner(shop)
    async with shop.transaction() as tx:
        await state.control(tx, speed=1_000.0)
        begins_at = (await seen(tx)).begins_at
        await state.report(tx, begins_at + timedelta(days=6), lines=0, baskets=0, behind=0)
    await planner.work(utcnow())
    assert await simulated(shop) == []
    async with shop.transaction() as tx:
        await state.report(tx, begins_at + timedelta(days=8), lines=0, baskets=0, behind=0)
    for _ in range(13):
        await planner.work(utcnow())
    await Planner(shop).work(utcnow())
    assert await simulated(shop) == [SimulationState.QUEUED]
    async with shop.transaction() as tx:
        assert await tx.value("SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'simulations'") == 1
        await state.begin_anew(tx)
        assert "simulation" not in await state.steps(tx)


async def test_shelves_below_nothing_are_counted_but_for_a_few(
    shop: Database, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "_BELOW_LEFT", 2)
    runner = followers(shop)
    await drained(shop, runner)
    await empty_shelves(shop, plan)
    await Player(shop, plan).run(until=UNTIL)
    await drained(shop, runner)
    before = await open_ones(shop, ExceptionKind.NEGATIVE_STOCK)
    assert before > 10
    async with shop.transaction() as tx:
        await state.control(tx, speed=1_000.0)
    staff = Crew(shop, Keyring(b"k" * 32), lively(plan))
    for _ in range(2):
        await staff.work(utcnow())
    await drained(shop, runner)
    assert await open_ones(shop, ExceptionKind.NEGATIVE_STOCK) == before, "they have only just come up"
    later = utcnow() + timedelta(minutes=5)
    for _ in range(12):
        for _ in range(2):
            await staff.work(later)
        await drained(shop, runner)
    assert await open_ones(shop, ExceptionKind.NEGATIVE_STOCK) == 2
    assert (await verdict(shop, plan)).differences == ()
    await add_up(shop)


async def empty_shelves(shop: Database, plan: Plan) -> None:
    """Nobody knows of what the first tills sell."""
    baskets = [basket for chunk in plan.baskets(0, until=UNTIL) for basket in chunk.baskets()]
    sold = {
        (plan.catalogue.sku(line.product), plan.stores[one.store].code)
        for one in [basket for basket in baskets if basket.channel is Channel.POS][:12]
        for line in one.lines
    }
    async with shop.transaction() as tx:
        ids = await locations.ids(tx, sorted({code for _, code in sold}))
        levels = await inventory.lock_levels(tx, sorted((sku, ids[code]) for sku, code in sold))
        gone = [
            Movement(EntryKind.ADJUSTED, sku, place, on_hand=-level.on_hand, reason="test")
            for (sku, place), level in sorted(levels.items())
            if level.on_hand
        ]
        await inventory.record(tx, gone)


async def test_what_no_location_may_send_is_seen_to_but_for_a_few(
    shop: Database, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_STUCK_LEFT", 2)
    monkeypatch.setattr(service, "_BEFORE", ())
    monkeypatch.setattr(crew, "_NOT_FOUND", 60)
    runner = followers(shop)
    await drained(shop, runner)
    await Player(shop, plan).run(until=UNTIL)
    await drained(shop, runner)
    async with shop.transaction() as tx:
        await state.control(tx, speed=1_000.0)
    staff, desk = Crew(shop, Keyring(b"k" * 32), lively(plan)), CustomerService(shop)
    for _ in range(12):
        await staff.work(utcnow() + timedelta(minutes=1))
        await drained(shop, runner)
    before = await open_ones(shop, ExceptionKind.UNROUTABLE)
    assert before > 2
    for _ in range(5):
        await desk.work(utcnow())
    assert await open_ones(shop, ExceptionKind.UNROUTABLE) == before, "they have only just come up"
    for _ in range(5 * before):
        await desk.work(utcnow() + timedelta(minutes=5))
        await drained(shop, runner)
    assert await open_ones(shop, ExceptionKind.UNROUTABLE) == 2
    assert (await verdict(shop, plan)).differences == ()
    await add_up(shop)


async def seen(reader: Reader) -> DemoStatus:
    found = await state.status(reader)
    assert found is not None
    return found


async def simulated(shop: Database) -> list[SimulationState]:
    async with shop.read() as reader:
        return [one.state for one in (await routing.simulations(reader)).items]
