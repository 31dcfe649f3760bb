from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import ACCOUNT_PREFIX
from comptoir.modules.tracking.errors import UnknownAccount
from comptoir.runtime.limits import Limiter
from comptoir.sdk.carriers import ForgedWebhook
from comptoir.sdk.tracking import TrackingStatus
from comptoir.surfaces.hooks.carriers import CarrierHooks
from support.depot import Depot

STORY = ("pre_transit", "in_transit", "out_for_delivery", "delivered")


def hooks(depot: Depot) -> CarrierHooks:
    return CarrierHooks(depot.database, depot.carriage, Limiter(burst=5, seconds=60))


def address(depot: Depot) -> str:
    return to_text(ACCOUNT_PREFIX, depot.account_id)


async def work_off(depot: Depot) -> None:
    while await depot.desk.work_off():
        pass


async def test_a_storm_of_messages_loses_nothing_and_repeats_nothing(depot: Depot) -> None:
    parcels = 60
    orders = {}
    for _ in range(parcels):
        order_id = await depot.order()
        label = await depot.desk.buy(depot.wanted(order_id))
        orders[label.tracking_number] = order_id
    for number in list(orders)[: parcels // 2]:
        await depot.ship(orders[number], number)
    begun = utcnow() - timedelta(hours=10)
    messages = []
    for number in orders:
        for hour, code in enumerate(STORY):
            depot.far.scan(number, code, begun + timedelta(hours=hour))
            messages.append(depot.far.webhook(number, utcnow()))
    storm = messages * 2
    random.Random(7).shuffle(storm)
    own = hooks(depot)
    for start in range(0, len(storm), 40):
        await asyncio.gather(*(own.take(address(depot), headers, body) for headers, body in storm[start : start + 40]))
    async with depot.database.read() as reader:
        assert await reader.value("SELECT count(*) FROM tracking.inbox") == parcels * len(STORY)
    await asyncio.gather(work_off(depot), work_off(depot))
    for number in list(orders)[parcels // 2 :]:
        await depot.ship(orders[number], number)
    await work_off(depot)
    for order_id in orders.values():
        details = await depot.details(order_id)
        assert details.parcel.status is TrackingStatus.DELIVERED
        assert len(details.scans) == len(STORY)
    assert [kind for kind, _ in await depot.events()].count("parcel.delivered") == parcels


async def test_a_forged_message_is_not_kept(depot: Depot) -> None:
    order_id = await depot.order()
    label = await depot.desk.buy(depot.wanted(order_id))
    depot.far.scan(label.tracking_number, "delivered", utcnow())
    headers, body = depot.far.webhook(label.tracking_number, utcnow())
    with pytest.raises(ForgedWebhook):
        await hooks(depot).take(address(depot), headers, body.replace(b"delivered", b"cancelled"))
    with pytest.raises(UnknownAccount):
        await hooks(depot).take("cac_00000000000000000000000000", headers, body)
    async with depot.database.read() as reader:
        assert await reader.value("SELECT count(*) FROM tracking.inbox") == 0


async def test_a_message_that_cannot_be_read_is_kept_for_a_person_and_can_be_replayed(depot: Depot) -> None:
    async with depot.database.transaction() as tx:
        kept = await tracking.inbox.receive(tx, [tracking.inbox.delivery(depot.account_id, b'{"result": 7')])
    assert kept == 1
    assert await depot.desk.work_off() == 1
    async with depot.database.transaction() as tx:
        assert await tx.row("SELECT state, problem <> '' FROM tracking.inbox") == ("failed", True)
        assert await tracking.inbox.replay(tx) == 1
    assert await depot.desk.work_off() == 1


async def test_what_was_worked_off_is_forgotten_after_a_while(depot: Depot) -> None:
    async with depot.database.transaction() as tx:
        await tracking.inbox.receive(tx, [tracking.inbox.delivery(depot.account_id, b"{}")])
    await work_off(depot)
    async with depot.database.transaction() as tx:
        await tx.run("UPDATE tracking.inbox SET state = 'done'")
        assert await tracking.inbox.purge(tx, tx.now - timedelta(days=1)) == 0
        assert await tracking.inbox.purge(tx, tx.now + timedelta(days=1)) == 1
