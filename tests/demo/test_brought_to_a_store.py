"""What buyers of the demo do not want: most of it is sent back, and some of it is brought to a store that never sold it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from comptoir.kernel.time import utcnow
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Reason, ReturnDraft, ReturnState
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Kind, TrackedFilter
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.sdk.tracking import TrackingStatus
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.demo import road as demo_road
from comptoir.surfaces.demo import state, wishes
from comptoir.surfaces.demo.plan import Plan
from comptoir.surfaces.demo.player import Player
from comptoir.surfaces.demo.road import Road
from comptoir.surfaces.pools import pool_id_of, pool_of
from support.consumers import drained
from support.replay import UNTIL, add_up, verdict


async def test_what_is_brought_to_a_store_is_taken_back_there(
    shop: Database, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_road, "_TO_A_STORE", 100)
    stores = [place.code for place in plan.stores]
    road = Road(shop, Keyring(b"k" * 32), stores)
    assert await road.work(utcnow()) == 0, "as fast as it goes nobody watches"
    followers = ConsumerRunner(shop, (*orders.consumers(pool_of), *fulfilment.consumers(pool_id_of), *tracking.consumers()))
    await drained(shop, followers)
    await Player(shop, plan).run(until=UNTIL)
    await drained(shop, followers)
    async with shop.transaction() as tx:
        await state.control(tx, speed=1_000.0)
    later = utcnow()
    for _ in range(8):
        await road.work(later := later + timedelta(minutes=1))
    async with shop.read() as reader:
        wanted = TrackedFilter(statuses=(TrackingStatus.DELIVERED,))
        came = await tracking.find(reader, wanted, limit=200)
    parcels = {one.order_id for one in came.items if one.kind is Kind.PARCEL}
    asked = [order_id for order_id in sorted(parcels) if await _asked(shop, order_id)]
    async with shop.transaction() as tx:  # what a viewer takes in that nobody has sold is left to them
        store = (await locations.ids(tx, stores[:1]))[stores[0]]
        odd = await changes.receive_unknown(tx, store, "NEVER-SOLD", 1)
    for _ in range(4):
        await road.work(later := later + timedelta(minutes=1))
    async with shop.read() as reader:
        cases = [case for order_id in asked for case in await changes.returns_of(reader, order_id)]
        assert (await changes.get_return(reader, odd.id)).state is ReturnState.RECEIVED
        kinds = {(await locations.get(reader, row.location_id)).kind for case in cases for row in case.received}
    assert kinds == {LocationKind.STORE}
    assert {case.state for case in cases} <= {
        ReturnState.REQUESTED,
        ReturnState.RECEIVED,
        ReturnState.INSPECTED,
        ReturnState.CLOSED,
    }
    assert (await verdict(shop, plan)).differences == ()
    await add_up(shop)


async def test_what_came_from_somebody_who_takes_nothing_back_is_sent_to_one_of_our_centres(shop: Database, plan: Plan) -> None:
    road = Road(shop, Keyring(b"k" * 32))
    followers = ConsumerRunner(shop, (*orders.consumers(pool_of), *fulfilment.consumers(pool_id_of), *tracking.consumers()))
    await road.work(utcnow())
    await drained(shop, followers)
    await Player(shop, plan).run(until=UNTIL)
    await drained(shop, followers)
    async with shop.transaction() as tx:
        await state.control(tx, speed=1_000.0)
    later = utcnow()
    for _ in range(8):
        await road.work(later := later + timedelta(minutes=1))
    async with shop.read() as reader:
        came = await tracking.find(reader, TrackedFilter(statuses=(TrackingStatus.DELIVERED,)), limit=200)
    parcels = {one.order_id: one.location_id for one in came.items if one.kind is Kind.PARCEL}
    asked = [order_id for order_id in sorted(parcels)[:12] if await _asked(shop, order_id)]
    sender = parcels[asked[0]]
    async with shop.transaction() as tx:
        place = await locations.get(tx, sender)
        await locations.update(tx, sender, replace(place, returns=False))
    for _ in range(6):
        await road.work(later := later + timedelta(minutes=1))
    async with shop.read() as reader:
        cases = [case for order_id in asked for case in await changes.returns_of(reader, order_id)]
        where = {row.location_id for case in cases for row in case.received}
        kinds = {(await locations.get(reader, one)).kind for one in where}
    assert where
    assert sender not in where
    assert LocationKind.WAREHOUSE in kinds
    await add_up(shop)


async def _asked(shop: Database, order_id: OrderId) -> bool:
    async with shop.transaction() as tx:
        there = await changes.returns_of(tx, order_id)
        draft = None if there else wishes.unwanted(await orders.load(tx, order_id), Reason.DEFECTIVE)
        if isinstance(draft, ReturnDraft):
            await changes.request_return(tx, draft, SETTING)
        return draft is not None
