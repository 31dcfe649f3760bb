"""What the worker does with runs: by the clock, one after another, and when somebody wants one at once."""

from __future__ import annotations

from pathlib import Path

from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Service, Zone
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import State
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import (
    Condition,
    Rating,
    Rules,
    RuleSetDraft,
    RuleSetState,
    Schedule,
    ScheduleDraft,
    Weight,
)
from comptoir.runtime.database import Database
from comptoir.runtime.metrics import Metrics
from comptoir.runtime.settings import Settings
from comptoir.sdk.orders import Address
from comptoir.surfaces.jobs.housekeeping import Housekeeping
from support.shop import Shop

MARSEILLE = Address(name="Zoé", city="Marseille", country="FR", latitude=43.3, longitude=5.4)


async def opened(database: Database) -> Shop:
    """A warehouse, a store near who buys, and a way from each that costs what it is long."""
    shop = Shop(database)
    await shop.market()
    await shop.location("paris", latitude=48.86, longitude=2.35)
    await shop.location("store", LocationKind.STORE, latitude=43.3, longitude=5.37)
    await shop.channel("web", ["paris", "store"])
    await shop.product("TEA", 1000, stock={"paris": 5})
    zones = (Zone(100.0, 100, 0, 1), Zone(2_000.0, 1_000, 0, 3))
    async with database.transaction() as tx:
        await carriers.create(tx, CarrierServiceDraft(code="road", zones=zones))
        await carriers.create(tx, CarrierServiceDraft(code="fast", zones=zones, service=Service.EXPRESS))
        made = await routing.create(tx, RuleSetDraft(code="cheap", rules=Rules(ratings=(Weight(Rating.COST),))))
        await routing.move(tx, made.id, RuleSetState.LIVE)
    await shop.settle()
    return shop


async def schedules(shop: Shop) -> tuple[Schedule, Schedule]:
    express = ScheduleDraft(code="z-express", every=360, priority=1, condition=Condition(services=(Service.EXPRESS,)))
    async with shop.database.transaction() as tx:
        first = await routing.create_schedule(tx, express)
        then = await routing.create_schedule(tx, ScheduleDraft(code="a-rest", every=360, priority=2))
    await shop.settle()
    return first, then


async def where(shop: Shop, order_id: OrderId) -> tuple[str, State]:
    codes = {location: code for code, location in shop.locations.items()}
    (one,) = [one for one in await shop.work(order_id) if one.state is not State.CANCELLED]
    return codes[one.location_id], one.state


async def test_runs_that_fall_together_are_one_after_another_and_what_waited_is_opened(
    database: Database, tmp_path: Path
) -> None:
    shop = await opened(database)
    await schedules(shop)
    standard = (await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)).id
    express = (await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE, service=Service.EXPRESS)).id
    await shop.settle()
    await shop.receive("TEA", "store", 1)
    async with database.transaction() as tx:
        await tx.run("UPDATE fulfilment.orders SET release_at = now() - interval '1 second' WHERE state = 'scheduled'")
    await Housekeeping(database, Settings(data=tmp_path), Metrics()).tick_fulfilment()
    await shop.settle()
    assert await where(shop, express) == ("store", State.OPEN)
    assert await where(shop, standard) == ("paris", State.OPEN)
    await shop.doctors()


async def test_a_run_that_somebody_wants_at_once_opens_what_waits_for_it_alone(database: Database, tmp_path: Path) -> None:
    shop = await opened(database)
    first, then = await schedules(shop)
    standard = (await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)).id
    express = (await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE, service=Service.EXPRESS)).id
    await shop.settle()
    await shop.receive("TEA", "store", 1)
    await Housekeeping(database, Settings(data=tmp_path), Metrics()).run_now(str(first.id))
    await shop.settle()
    assert await where(shop, express) == ("store", State.OPEN)
    assert await where(shop, standard) == ("paris", State.SCHEDULED)
    async with database.read() as reader:
        noted = await fulfilment.noted_runs(reader)
    assert (noted[first.id].orders, noted[first.id].moved, noted[first.id].saved) == (1, 1, 900)
    assert then.id not in noted
    await shop.doctors()
