"""Parcels that a carrier brings back to the sender: expected, received, sent again or refunded."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from comptoir.kernel.time import utcnow
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Arrived, Fate, ItemCondition, Look, ReturnCase, ReturnFilter, ReturnState
from comptoir.modules.changes.errors import ReturnStepRefused
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.payments import api as payments
from comptoir.modules.tracking.contracts import TroubleKind
from comptoir.runtime.database import Database
from comptoir.surfaces import coming_back
from comptoir.surfaces.changing import SETTING
from support.depot import Depot, open_depot, scan


@pytest_asyncio.fixture
async def back(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database, coming_back.consumer()) as opened:
        yield opened


async def told(depot: Depot, number: str, *statuses: str) -> None:
    for status in statuses:
        await depot.say(number, scan(status, at=utcnow()))
        await depot.settle()


async def of(depot: Depot, order_id: OrderId) -> list[ReturnCase]:
    async with depot.database.read() as reader:
        return await changes.returns_of(reader, order_id)


async def received(depot: Depot, case: ReturnCase) -> None:
    async with depot.database.transaction() as tx:
        units = [Arrived(item.line_no, item.quantity) for item in case.items]
        await changes.receive_return(tx, case.id, depot.shop.locations["paris"], units, parcel=case.tracking_number)
    await depot.settle()


async def owed(depot: Depot, order_id: OrderId) -> int:
    async with depot.database.read() as reader:
        return sum(one.amount for one in await payments.grants_of(reader, order_id) if one.withdrawn_at is None)


async def test_what_a_carrier_brings_back_is_expected_where_it_left_once_and_without_a_fee(back: Depot) -> None:
    order_id = await back.shipped("B1")
    await told(back, "B1", "returning", "in_transit", "returning")
    (case,) = await of(back, order_id)
    assert case.state is ReturnState.IN_TRANSIT
    assert (case.why, case.fee, case.tracking_number, case.expected) == ("undeliverable", 0, "B1", 1)
    async with back.database.read() as reader:
        wanted = ReturnFilter(location=back.shop.locations["paris"], states=(ReturnState.IN_TRANSIT,), search="B1")
        assert [one.id for one in (await changes.find_returns(reader, wanted)).items] == [case.id]
    await told(back, "B1", "returned")
    assert len(await of(back, order_id)) == 1
    assert [(one.kind, one.reason) for one in await back.troubles()] == [(TroubleKind.RETURNED, "returned")]


async def test_what_is_back_is_received_looked_at_and_refunded(back: Depot) -> None:
    order_id = await back.shipped("B2")
    await told(back, "B2", "returned")
    (case,) = await of(back, order_id)
    await received(back, case)
    assert await owed(back, order_id) == 0
    assert [one.kind for one in await back.troubles()] == [TroubleKind.RETURNED]
    (case,) = await of(back, order_id)
    async with back.database.transaction() as tx:
        (row,) = case.received
        await changes.inspect_return(tx, case.id, [Look(row.id, 1, ItemCondition.NEW, Fate.RESTOCK)])
    await back.settle()
    assert await back.troubles() == []
    assert (await of(back, order_id))[0].state is ReturnState.INSPECTED


async def test_what_is_back_is_sent_again_for_what_it_was_worth_and_nothing_is_refunded(back: Depot) -> None:
    order_id = await back.shipped("B3")
    await told(back, "B3", "returned")
    (case,) = await of(back, order_id)
    await received(back, case)
    async with back.database.transaction() as tx:
        again = await changes.send_again(tx, case.id, SETTING)
    await back.settle()
    assert [(one.sku, one.quantity, one.unit_price) for one in again.exchange] == [("TEA", 1, 500)]
    assert await back.troubles() == []
    async with back.database.transaction() as tx:
        with pytest.raises(ReturnStepRefused):
            await changes.send_again(tx, case.id, SETTING)
        (row,) = again.received
        await changes.inspect_return(tx, case.id, [Look(row.id, 1, ItemCondition.NEW, Fate.RESTOCK)])
    assert await owed(back, order_id) == 0


async def test_what_is_delivered_after_all_is_expected_no_more(back: Depot) -> None:
    order_id = await back.shipped("B4")
    await told(back, "B4", "returning", "delivered")
    assert [one.state for one in await of(back, order_id)] == [ReturnState.CLOSED]
    assert await back.troubles() == []
