"""Returns over the counter: what one would come to, taking it in one go, giving the money back, and finding it again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from comptoir.kernel.time import utcnow
from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import (
    Arrived,
    Extra,
    Fate,
    ItemCondition,
    Look,
    PolicyDraft,
    Reason,
    RefundMethod,
    ReturnCase,
    ReturnDraft,
    ReturnFilter,
    ReturnState,
    Seen,
    Sign,
    Units,
    Why,
)
from comptoir.modules.changes.errors import (
    ApprovalNeeded,
    MarketplacePays,
    NothingToPayOut,
    NotReturnable,
    NotSoldByUs,
    ReturnStepRefused,
)
from comptoir.modules.channels.contracts import ChannelKind
from comptoir.modules.inventory.contracts import Level
from comptoir.modules.orders.contracts import OrderId
from comptoir.surfaces.changing import SETTING
from modules.changes.conftest import Desk

SEEN = Seen(1, 1, ItemCondition.NEW, Fate.RESTOCK)


def draft(order_id: OrderId, quantity: int = 1, **more: object) -> ReturnDraft:
    return ReturnDraft(order_id=order_id, units=(Units(1, quantity, Reason.TOO_SMALL),), **more)  # type: ignore[arg-type]


async def take(desk: Desk, asked: ReturnDraft, *seen: Seen, approve: bool = False) -> ReturnCase:
    place = desk.shop.locations["store"]
    return await desk.do(lambda tx: api.take_over_counter(tx, asked, place, seen, SETTING, approve=approve))


async def policy(desk: Desk, **more: object) -> None:
    asked = PolicyDraft(code="own", position=1, **more)  # type: ignore[arg-type]
    await desk.do(lambda tx: api.create_policy(tx, asked))


async def found(desk: Desk, **more: object) -> list[int]:
    wanted = ReturnFilter(**more)  # type: ignore[arg-type]
    async with desk.shop.database.read() as reader:
        page = await api.find_returns(reader, wanted)
        assert (await api.count_returns(reader, wanted)).rows == len(page.items)
        assert sum((await api.counts_of_returns(reader, wanted)).values()) == len(page.items)
    return sorted(one.number for one in page.items)


async def test_what_is_foreseen_is_what_comes_of_it(desk: Desk) -> None:
    await policy(desk, fee=100, window=30, exempt=True)
    order_id = await desk.sold(TEA=3)
    place = desk.shop.locations["store"]
    before = await desk.standing(order_id)
    foreseen = await desk.do(lambda tx: api.foresee(tx, draft(order_id, 2), SETTING, place))
    assert (foreseen.worth, foreseen.fee, foreseen.costs, foreseen.granted) == (666, 100, 0, 566)
    assert (foreseen.needs_approval, foreseen.marketplace, foreseen.refused) == (False, False, {})
    assert foreseen.verdicts[1].why is Why.WITHIN_WINDOW
    assert await desk.standing(order_id) == before
    assert await found(desk) == []
    assert await desk.shop.level("TEA", "store") == Level()
    case = await take(desk, draft(order_id, 2), SEEN._replace(quantity=2))
    assert (case.state, case.location_id) == (ReturnState.INSPECTED, place)
    assert (await desk.standing(order_id)).granted == foreseen.granted
    assert (await desk.shop.level("TEA", "store")).available == 2
    await desk.shop.doctors()


async def test_of_two_clerks_with_the_same_unit_one_takes_it(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1)
    results = await asyncio.gather(*(take(desk, draft(order_id), SEEN) for _ in range(2)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["NotReturnable", "ReturnCase"]
    assert (await desk.standing(order_id)).granted == 333
    await desk.shop.doctors()


async def test_less_goes_back_of_what_was_not_paid_and_an_exchange_costs(desk: Desk) -> None:
    unpaid = await desk.sold(paid=False, TEA=1)
    place = desk.shop.locations["store"]
    foreseen = await desk.do(lambda tx: api.foresee(tx, draft(unpaid), SETTING, place))
    assert (foreseen.worth, foreseen.granted) == (333, 0)
    order_id = await desk.sold(TEA=1)
    asked = draft(order_id, exchange=(Extra("CUP", 1),))
    foreseen = await desk.do(lambda tx: api.foresee(tx, asked, SETTING, place))
    assert (foreseen.worth, foreseen.costs, foreseen.granted, foreseen.owed_by_buyer) == (333, 1000, 0, 667)
    with pytest.raises(NotReturnable):
        await desk.do(lambda tx: api.foresee(tx, draft(order_id, 2), SETTING, place))


async def test_what_nobody_has_approved_is_not_refunded_before(desk: Desk) -> None:
    await policy(desk, approval_above=100)
    order_id = await desk.sold(TEA=1)
    case = await take(desk, draft(order_id), SEEN)
    assert (case.state, api.undecided(case)) == (ReturnState.RECEIVED, True)
    assert (await desk.standing(order_id)).granted == 0
    look = Look(case.received[0].id, 1, ItemCondition.NEW, Fate.RESTOCK)
    with pytest.raises(ApprovalNeeded):
        await desk.do(lambda tx: api.inspect_return(tx, case.id, [look]))
    await desk.do(lambda tx: api.approve_return(tx, case.id, SETTING))
    assert (await desk.standing(order_id)).granted == 0
    done = await desk.do(lambda tx: api.inspect_return(tx, case.id, [look]))
    assert (done.state, (await desk.standing(order_id)).granted) == (ReturnState.INSPECTED, 333)
    await desk.shop.doctors()


async def test_who_may_approve_does_so_in_the_same_go(desk: Desk) -> None:
    await policy(desk, final_sale=True, exempt=True)
    order_id = await desk.sold(TEA=1)
    case = await take(desk, draft(order_id, override=True), SEEN, approve=True)
    assert (case.state, case.why) == (ReturnState.INSPECTED, Why.FINAL_SALE)
    assert (await desk.standing(order_id)).granted == 333


async def test_another_article_is_kept_beside_what_was_sold(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1)
    case = await take(desk, draft(order_id), SEEN._replace(sku="STONE"))
    assert [(row.sku, row.line_no, row.fate) for row in case.received] == [("STONE", None, None)]
    assert case.state is ReturnState.RECEIVED
    assert (await desk.shop.level("STONE", "store")).quality == 1


async def test_money_goes_back_as_it_was_paid_once(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1)
    case = await take(desk, draft(order_id), SEEN)
    paid = await desk.do(lambda tx: api.pay_back(tx, case.id, SETTING))
    assert (paid.parts, paid.code) == ((("card", 333),), None)
    there = await desk.standing(order_id)
    assert (there.granted, there.refunded) == (0, 333)
    with pytest.raises(NothingToPayOut):
        await desk.do(lambda tx: api.pay_back(tx, case.id, SETTING))
    await desk.shop.doctors()


async def test_a_marketplace_and_strangers_are_paid_by_nobody_here(desk: Desk) -> None:
    await desk.shop.channel("market", ["paris"], kind=ChannelKind.MARKETPLACE)
    order_id = await desk.sold(channel="market", TEA=1)
    case = await take(desk, draft(order_id), SEEN)
    with pytest.raises(MarketplacePays):
        await desk.do(lambda tx: api.pay_back(tx, case.id, SETTING))
    place = desk.shop.locations["store"]
    unknown = await desk.do(lambda tx: api.receive_unknown(tx, place, "STONE", 1, sender="Somebody"))
    assert (unknown.sender, unknown.location_id, unknown.channel) == ("Somebody", place, "")
    with pytest.raises(NotSoldByUs):
        await desk.do(lambda tx: api.pay_back(tx, unknown.id, SETTING))


async def test_store_credit_may_be_chosen_and_papers_are_sent_while_it_comes(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1)
    asked = draft(order_id, method=RefundMethod.STORE_CREDIT)
    case = await desk.do(lambda tx: api.request_return(tx, asked, SETTING))
    assert case.method is RefundMethod.STORE_CREDIT
    await desk.do(lambda tx: api.send_papers(tx, case.id))
    await desk.do(lambda tx: api.cancel_return(tx, case.id))
    with pytest.raises(ReturnStepRefused):
        await desk.do(lambda tx: api.send_papers(tx, case.id))


async def test_returns_are_found_by_whatever_is_known_of_them(desk: Desk) -> None:
    first, second = await desk.sold(TEA=2), await desk.sold(channel="strict", CUP=1)
    case = await desk.do(lambda tx: api.request_return(tx, draft(first), SETTING))
    other = await take(desk, draft(second), SEEN._replace(condition=ItemCondition.DAMAGED, fate=Fate.DAMAGED))
    await desk.do(lambda tx: api.send_return(tx, case.id, "Colissimo", "6A1"))
    store = desk.shop.locations["store"]
    n, m = case.number, other.number
    assert await found(desk) == sorted([n, m])
    assert await found(desk, channel="strict") == [m]
    assert await found(desk, reason=Reason.TOO_SMALL) == sorted([n, m])
    assert await found(desk, reason=Reason.DAMAGED) == []
    assert await found(desk, location=store) == [m]
    assert await found(desk, states=(ReturnState.IN_TRANSIT,)) == [n]
    assert await found(desk, search=api.return_code(n)) == [n]
    assert await found(desk, search=api.return_code(n).lower()) == [n]
    assert await found(desk, search="6A1") == [n]
    assert await found(desk, search="\0") == []
    assert await found(desk, search_orders=(second,)) == [m]
    assert await found(desk, inspecting=store) == []
    await desk.do(lambda tx: api.receive_return(tx, case.id, store, [Arrived(1, 1)], parcel="P1"))
    assert await found(desk, search="P1") == [n]
    assert await found(desk, inspecting=store) == [n]
    assert await found(desk, late_at=utcnow()) == []
    assert await found(desk, late_at=utcnow() + timedelta(days=4)) == [n]
    async with desk.shop.database.read() as reader:
        told = [one async for one in api.stream_returns(reader, ReturnFilter())]
    assert [(one.number, one.to_inspect, one.expected) for one in sorted(told, key=lambda one: one.number)] == [
        (n, 1, 0), (m, 0, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("RMA12", 12), ("rma-12", 12), ("RMA 12", 12), (" 12 ", 12), ("12a", None), ("R12", None), ("RMA", None),
        ("١٢", None), ("9" * 19, None),
    ],
)  # fmt: skip
def test_a_return_is_known_by_its_code(text: str, number: int | None) -> None:
    assert api.return_number(text) == number


async def test_a_policy_is_tried_out_before_it_is_kept(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1)
    async with desk.shop.database.read() as reader:
        kept = await api.try_out(reader, order_id, Reason.CHANGED_MIND, SETTING, utcnow())
        assert (kept.fits[1].code, kept.verdicts[1].fee) == ("standard", 0)
        tried = api.STANDARD.__class__(code="tried", position=1, fee=200, exempt=True)
        would = await api.try_out(reader, order_id, Reason.CHANGED_MIND, SETTING, utcnow(), tried)
    assert (would.fits[1].code, would.verdicts[1].fee) == ("tried", 200)


async def test_what_is_worth_much_is_seen_before_any_money_goes(desk: Desk) -> None:
    await desk.shop.product("SOFA", 60_000, stock={"paris": 1})
    order_id = await desk.sold(SOFA=1)
    place = desk.shop.locations["store"]
    foreseen = await desk.do(lambda tx: api.foresee(tx, draft(order_id), SETTING, place))
    assert [one.sign for one in foreseen.signals] == [Sign.HIGH_VALUE]
    case = await desk.do(lambda tx: api.request_return(tx, draft(order_id), SETTING))
    assert [one.sign for one in await desk.do(lambda tx: api.signals_of(tx, case))] == [Sign.HIGH_VALUE]
