"""The faults of everyday: a carrier's messages ten thousand times, what is delivered before it has left, two clerks at a task,
a store that has been offline for a day, goods that we never sold, and more money back than was paid.

Carriers that are down, slow, or whose answer is lost are in `modules/tracking/test_labels.py`: no second label is ever bought.
"""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from comptoir.kernel.ids import ActorId, to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.errors import NotSoldByUs
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import LineUnits, RejectReason
from comptoir.modules.fulfilment.errors import NotInThatState, NotThatMany, SomebodyElse
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.errors import OverRefund
from comptoir.modules.payments.contracts import EntryKind
from comptoir.modules.tracking.contracts import ACCOUNT_PREFIX
from comptoir.runtime.database import Context, Database, Outrun
from comptoir.runtime.limits import Limiter
from comptoir.sdk.tracking import TrackingStatus
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.hooks.carriers import CarrierHooks
from support.depot import open_depot, scan

_STORY = ("pre_transit", "in_transit", "out_for_delivery", "delivered")
_STORM = 10_000
_AT_ONCE = 50


async def test_ten_thousand_messages_out_of_order_are_each_taken_once(database: Database) -> None:
    async with open_depot(database) as depot:
        order_id = await depot.order()
        label = await depot.desk.buy(depot.wanted(order_id))
        await depot.ship(order_id, label.tracking_number)
        begun = utcnow() - timedelta(hours=10)
        told = []
        for hour, code in enumerate(_STORY):
            depot.far.scan(label.tracking_number, code, begun + timedelta(hours=hour))
            told.append(depot.far.webhook(label.tracking_number, utcnow()))
        storm = told * (_STORM // len(told))
        random.Random(3).shuffle(storm)
        own = CarrierHooks(depot.database, depot.carriage, Limiter(burst=5, seconds=60))
        account = to_text(ACCOUNT_PREFIX, depot.account_id)
        for start in range(0, len(storm), _AT_ONCE):
            await asyncio.gather(*(own.take(account, headers, body) for headers, body in storm[start : start + _AT_ONCE]))
        while await depot.desk.work_off():
            pass
        async with depot.database.read() as reader:
            assert await reader.value("SELECT count(*) FROM tracking.inbox") == len(_STORY)
        details = await depot.details(order_id)
        assert (details.parcel.status, len(details.scans)) == (TrackingStatus.DELIVERED, len(_STORY))
        assert [kind for kind, _ in await depot.events()].count("parcel.delivered") == 1


async def test_what_is_delivered_before_it_was_said_to_have_left_is_delivered(database: Database) -> None:
    async with open_depot(database) as depot:
        order_id = await depot.order()
        await depot.say("EARLY", scan("delivered", hours=2))
        async with depot.database.read() as reader:
            assert (await orders.order(reader, order_id)).shipped == 0
        await depot.ship(order_id, "EARLY")
        parcel = await depot.parcel(order_id)
        assert (parcel.status, parcel.delivered_at is not None) == (TrackingStatus.DELIVERED, True)
        assert [kind for kind, _ in await depot.events()].count("parcel.delivered") == 1


async def test_of_two_clerks_at_one_task_one_has_it_and_the_other_is_told_so(database: Database) -> None:
    async with open_depot(database) as depot:
        order_id = await depot.order()
        await depot.settle()
        async with depot.database.read() as reader:
            (one,) = await fulfilment.of_orders(reader, [order_id])

        async def pick(clerk: str) -> str:
            try:
                async with depot.database.transaction(Context(ActorId(f"user:{clerk}"), "test")) as tx:
                    await fulfilment.pick(tx, one.id, [LineUnits(1, 1)])
            except (SomebodyElse, NotThatMany, Outrun) as refused:
                return refused.code
            return "picked"

        found = await asyncio.gather(*(pick(f"clerk-{n}") for n in range(6)))
        assert sorted(found).count("picked") == 1
        assert set(found) - {"picked"} <= {"somebody_else_works_on_it", "not_that_many"}
        async with depot.database.read() as reader:
            assert [line.picked for line in (await fulfilment.get(reader, one.id)).lines] == [1]


async def test_what_a_store_did_offline_for_a_day_changes_nothing_that_went_elsewhere_meanwhile(database: Database) -> None:
    async with open_depot(database) as depot:
        order_id = await depot.order()
        await depot.settle()
        async with depot.database.read() as reader:
            (one,) = await fulfilment.of_orders(reader, [order_id])
        async with depot.database.transaction() as tx:  # a day without an answer: it goes elsewhere
            await fulfilment.await_answer(tx, one.id, utcnow() - timedelta(hours=1))
        async with depot.database.transaction() as tx:
            assert await fulfilment.expire(tx) == 1
        await depot.settle()
        for late in (LineUnits(1, 1), LineUnits(1, 1)):  # what the phone has kept comes in now, and again
            with pytest.raises((NotInThatState, NotThatMany)):
                async with depot.database.transaction(Context(ActorId("user:store"), "test")) as tx:
                    await fulfilment.pick(tx, one.id, [late])
        with pytest.raises((NotInThatState, NotThatMany)):
            async with depot.database.transaction() as tx:
                await fulfilment.reject(tx, one.id, [LineUnits(1, 1)], RejectReason.NOT_FOUND)
        async with depot.database.read() as reader:
            others = [other for other in await fulfilment.of_orders(reader, [order_id]) if other.id != one.id]
        assert [(other.location_id, other.picked) for other in others] == [(depot.shop.locations["store"], 0)]
        await depot.shop.doctors()


async def test_what_we_never_sold_is_set_aside_and_pays_nothing(database: Database) -> None:
    async with open_depot(database) as depot:
        place = depot.shop.locations["paris"]
        before = (await depot.shop.level("TEA", "paris")).available
        async with depot.database.transaction() as tx:
            case = await changes.receive_unknown(tx, place, "TEA", 2, parcel="X")
        assert (case.order_id, case.why) == (None, "not_sold_by_us")
        assert (await depot.shop.level("TEA", "paris")).available == before
        with pytest.raises(NotSoldByUs):
            async with depot.database.transaction() as tx:
                await changes.pay_out_credit(tx, case.id, SETTING)


async def test_more_than_was_paid_never_goes_back(database: Database) -> None:
    async with open_depot(database) as depot:
        order_id = await depot.order()
        async with depot.database.transaction() as tx:
            await orders.pay(tx, order_id, EntryKind.CAPTURED, "card", 500, "c")

        async def back(amount: int, reference: str) -> str:
            try:
                async with depot.database.transaction() as tx:
                    await orders.pay(tx, order_id, EntryKind.REFUNDED, "card", amount, reference)
            except OverRefund as refused:
                return refused.code
            return "refunded"

        assert await back(501, "r0") == "over_refund"
        found = await asyncio.gather(*(back(300, f"r{n}") for n in range(1, 5)))
        assert sorted(found) == ["over_refund", "over_refund", "over_refund", "refunded"]
        async with depot.database.read() as reader:
            assert (await orders.order(reader, order_id)).refunded == 300
