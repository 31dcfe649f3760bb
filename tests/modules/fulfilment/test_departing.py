"""What leaves for a counter past our own hand-over is received there all the same."""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from comptoir.kernel.ids import ActorId
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import Fulfilment, Method, Stage, State
from comptoir.modules.fulfilment.departing import receive_elsewhere
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, OrderId
from comptoir.runtime.database import Context
from comptoir.runtime.events import Recorded
from support.shop import Shop

ANNA = Context(ActorId("usr_anna"))


@pytest_asyncio.fixture
async def shop(shop: Shop) -> Shop:
    await shop.product("FAR", 1_000, stock={"paris": 20})
    return shop


async def placed(shop: Shop, units: dict[str, int], *, settled: bool = True, **more: Any) -> OrderId:
    made = await shop.place("web", units, **{"pickup_location_id": shop.locations["store"]} | more)
    if settled:
        await shop.settle()
    return made.id


async def shipped(shop: Shop, order_id: OrderId, units: list[LineQuantity] | None = None, **more: Any) -> None:
    async with shop.database.transaction() as tx:
        await orders.ship(tx, order_id, shop.locations["paris"], units, **{"carrier": "UPS", "tracking_number": "1Z1"} | more)
    await shop.settle()


async def at_counter(shop: Shop, order_id: OrderId) -> list[Fulfilment]:
    return [one for one in await shop.work(order_id) if one.method is Method.HAND_OUT]


async def found_by(shop: Shop, number: str) -> list[OrderId]:
    async with shop.database.read() as reader:
        return [one.order_id for one in await api.at_counter(reader, shop.locations["store"], Stage.TO_RECEIVE, search=number)]


async def test_what_the_api_sends_to_a_store_is_received_there_by_its_number(shop: Shop) -> None:
    order_id = await placed(shop, {"FAR": 2})
    await shipped(shop, order_id)
    (one,) = await at_counter(shop, order_id)
    assert (one.stage, one.location_id, one.quantity) == (Stage.TO_RECEIVE, shop.locations["store"], 2)
    assert await found_by(shop, "1Z1") == [order_id]
    origin = next(other for other in await shop.work(order_id) if other.method is Method.SEND_TO_STORE)
    assert (origin.state, origin.gone) == (State.CLOSED, 2)
    async with shop.database.transaction(ANNA) as tx:
        received = await api.ready(tx, one.id, shelf="B-2")
    assert received.stage is Stage.READY
    await shop.doctors()


async def test_each_part_is_a_parcel_of_its_own(shop: Shop) -> None:
    order_id = await placed(shop, {"FAR": 3})
    await shipped(shop, order_id, [LineQuantity(1, 1)], tracking_number="1Z1")
    await shipped(shop, order_id, [LineQuantity(1, 2)], tracking_number="1Z2")
    assert sorted(one.quantity for one in await at_counter(shop, order_id)) == [1, 2]
    assert set(await found_by(shop, "1Z2")) == {order_id}
    await shop.doctors()


async def test_what_left_before_it_was_anybodys_work_is_received_too(shop: Shop) -> None:
    order_id = await placed(shop, {"FAR": 2}, settled=False)
    await shipped(shop, order_id)
    (one,) = await at_counter(shop, order_id)
    assert (one.stage, one.quantity) == (Stage.TO_RECEIVE, 2)
    assert await found_by(shop, "1Z1") == [order_id]
    await shop.doctors()


async def test_what_only_a_channel_tells_without_a_number_waits_nowhere(shop: Shop) -> None:
    order_id = await placed(shop, {"FAR": 2}, settled=False)
    await shipped(shop, order_id, carrier="", tracking_number="")
    assert await at_counter(shop, order_id) == []


async def test_our_own_hand_over_is_announced_once_and_events_may_come_twice(shop: Shop) -> None:
    order_id = await placed(shop, {"FAR": 2})
    (sending,) = await shop.work(order_id)
    async with shop.database.transaction() as tx:
        await api.pick(tx, sending.id)
        await api.pack(tx, sending.id)
        await api.hand_over(tx, sending.id)
    await shop.settle()
    assert len(await at_counter(shop, order_id)) == 1
    other = await placed(shop, {"FAR": 1})
    await shipped(shop, other)
    async with shop.database.transaction() as tx:
        rows = await tx.rows(
            "SELECT tx::text::bigint, seq, id, type, at, actor, request_id, subject, data FROM runtime.events "
            "WHERE type = 'order.shipped'"
        )
        await receive_elsewhere(tx, [Recorded(*row) for row in rows])
    assert [len(await at_counter(shop, one)) for one in (order_id, other)] == [1, 1]


async def test_what_is_sent_home_is_received_by_nobody(shop: Shop) -> None:
    order_id = await placed(shop, {"FAR": 1}, pickup_location_id=None)
    await shipped(shop, order_id)
    assert await at_counter(shop, order_id) == []
