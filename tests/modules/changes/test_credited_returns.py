"""Store credit that a buyer chose is there when the money would be."""

from __future__ import annotations

import asyncio

import pytest

from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import Arrived, RefundMethod, ReturnDraft, Units
from comptoir.modules.changes.errors import MarketplacePays
from comptoir.modules.channels.contracts import ChannelKind
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Medium, NoticeFilter, NoticeKind, Sender
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import EntryKind
from comptoir.runtime.consumers import ConsumerRunner, lag
from comptoir.runtime.settings import Settings
from comptoir.sdk.orders import Buyer
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.credited_returns import consumer
from modules.changes.conftest import Desk


async def came_back(
    desk: Desk, method: RefundMethod | None, *, email: str = "zoe@example.com", channel: str = "web"
) -> OrderId:
    """An order of which a cup has come back, whose refund is promised."""
    placed = await desk.shop.place(channel, {"CUP": 2}, buyer=Buyer(name="Zoé", email=email))
    await desk.do(lambda tx: orders.pay(tx, placed.id, EntryKind.CAPTURED, "card", placed.total, "c"))
    await desk.do(lambda tx: orders.ship(tx, placed.id, desk.shop.locations["paris"], None))
    draft = ReturnDraft(order_id=placed.id, units=(Units(1, 1),), method=method)
    case = await desk.do(lambda tx: api.request_return(tx, draft, SETTING))
    await desk.do(lambda tx: api.receive_return(tx, case.id, desk.shop.locations["store"], [Arrived(1, 1)]))
    return placed.id


async def follow(desk: Desk) -> None:
    """Lets it handle all there is; others of the shop may be behind."""
    runner = ConsumerRunner(desk.shop.database, [consumer(Settings())])
    async with asyncio.timeout(20):
        while True:
            await runner.drain()
            async with desk.shop.database.read() as reader:
                if not any(one.events for one in await lag(reader) if one.name == "returns.credit"):
                    return
            await asyncio.sleep(0.01)


async def write_to_buyers(desk: Desk, channel: str = "web") -> None:
    sender = Sender(channel=channel, name="Shop", email="orders@example.com", media=(Medium.EMAIL,))
    await desk.do(lambda tx: notices.put_sender(tx, sender))


async def test_it_is_on_an_account_and_its_code_is_told_once(desk: Desk) -> None:
    await write_to_buyers(desk)
    await follow(desk)
    order_id = await came_back(desk, RefundMethod.STORE_CREDIT)
    await follow(desk)
    await follow(desk)
    there = await desk.standing(order_id)
    assert (there.refunded, there.granted) == (1000, 0)
    async with desk.shop.database.read() as reader:
        assert [one.method for one in await payments.entries_of(reader, order_id)] == ["card", "store_credit"]
        told = (await notices.find(reader, NoticeFilter(order_id=order_id))).items
    assert [one.kind for one in told] == [NoticeKind.CREDITED]


async def test_what_goes_back_as_it_was_paid_waits_for_whoever_pays_it(desk: Desk) -> None:
    await write_to_buyers(desk)
    await follow(desk)
    order_id = await came_back(desk, None)
    await follow(desk)
    assert (await desk.standing(order_id)).granted == 1000


async def test_a_code_that_nobody_would_hear_is_not_made(desk: Desk) -> None:
    await follow(desk)
    unheard = await came_back(desk, RefundMethod.STORE_CREDIT)
    await write_to_buyers(desk)
    nameless = await came_back(desk, RefundMethod.STORE_CREDIT, email="")
    await follow(desk)
    assert [(await desk.standing(one)).granted for one in (unheard, nameless)] == [0, 1000]


async def test_what_a_marketplace_gives_back_is_not_given_back_by_us_as_well(desk: Desk) -> None:
    await desk.shop.channel("market", ["paris"], kind=ChannelKind.MARKETPLACE)
    await write_to_buyers(desk, "market")
    await follow(desk)
    order_id = await came_back(desk, RefundMethod.STORE_CREDIT, channel="market")
    await follow(desk)
    assert (await desk.standing(order_id)).granted == 1000
    async with desk.shop.database.read() as reader:
        (case,) = await api.returns_of(reader, order_id)
    with pytest.raises(MarketplacePays):
        await desk.do(lambda tx: api.pay_out_credit(tx, case.id, SETTING))
