"""Returns: what comes back, wherever, and when who gets how much for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import (
    Arrived,
    ChangeKind,
    Extra,
    Fate,
    ItemCondition,
    Look,
    PolicyDraft,
    Reason,
    RefundMethod,
    RefundMoment,
    ReturnCase,
    ReturnDraft,
    Sign,
    TakeBack,
    Units,
)
from comptoir.modules.changes.errors import (
    InspectedAlready,
    NotReturnable,
    NotSoldByUs,
    OverDeduction,
    ReturnNotAllowed,
    ReturnStepRefused,
)
from comptoir.modules.inventory.contracts import Level
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Charge, OrderId, ShipmentId
from comptoir.modules.orders.errors import OverRefund, QuantityNotOpen
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import EntryKind
from comptoir.modules.payments.errors import BalanceTooLow, GrantClosed, OverGrant, OverMethod, OverOwed, ReferenceMissing
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.orders import LineKind
from comptoir.surfaces.changing import SETTING
from modules.changes.conftest import Desk


async def ask(desk: Desk, order_id: OrderId, *units: Units, **more: object) -> ReturnCase:
    draft = ReturnDraft(order_id=order_id, units=units, **more)  # type: ignore[arg-type]
    return await desk.do(lambda tx: api.request_return(tx, draft, SETTING))


async def receive(desk: Desk, case: ReturnCase, *units: Arrived, at: str = "store", parcel: str = "") -> ReturnCase:
    return await desk.do(lambda tx: api.receive_return(tx, case.id, desk.shop.locations[at], units, parcel=parcel))


async def look(desk: Desk, case: ReturnCase, fate: Fate, deduct: int = 0, quantity: int | None = None) -> ReturnCase:
    (row,) = [row for row in case.received if row.fate is None]
    to = desk.shop.locations["lyon"]
    found = Look(row.id, quantity or row.quantity, ItemCondition.OPENED, fate, deduct, to)
    done = await desk.do(lambda tx: api.inspect_return(tx, case.id, [found]))
    await desk.shop.settle()
    await desk.shop.doctors()
    return done


async def policy(desk: Desk, **more: object) -> None:
    draft = PolicyDraft(code="own", position=1, **more)  # type: ignore[arg-type]
    await desk.do(lambda tx: api.create_policy(tx, draft))


async def test_a_return_from_asking_to_closing(desk: Desk) -> None:
    order_id = await desk.sold(TEA=3)
    case = await ask(desk, order_id, Units(1, 2))
    assert (case.state, case.why, case.decided_by) == ("approved", "withdrawal", "system")
    case = await desk.do(lambda tx: api.send_return(tx, case.id, "Colissimo", "6A1"))
    assert (case.state, (await desk.standing(order_id)).granted) == ("in_transit", 0)
    case = await receive(desk, case, Arrived(1, 1), parcel="6A1")
    assert (case.state, (await desk.standing(order_id)).granted) == ("received", 333)
    assert await desk.shop.level("TEA", "store") == Level(on_hand=1, quality=1)
    case = await receive(desk, case, Arrived(1, 1), at="lyon")
    assert (case.items[0].received, (await desk.standing(order_id)).granted) == (2, 666)
    looks = [Look(row.id, 1, ItemCondition.NEW, Fate.RESTOCK) for row in case.received]
    case = await desk.do(lambda tx: api.inspect_return(tx, case.id, looks))
    assert case.state == "inspected"
    assert await desk.shop.level("TEA", "store") == Level(on_hand=1)
    case = await desk.do(lambda tx: api.close_return(tx, case.id))
    assert (case.state, case.closed_by) == ("closed", "system")
    with pytest.raises(ReturnStepRefused):
        await desk.do(lambda tx: api.cancel_return(tx, case.id))


async def test_returning_everything_gives_back_exactly_what_was_paid_with_its_delivery(desk: Desk) -> None:
    placed = await desk.shop.place("web", {"TEA": 3, "CUP": 1}, charges=(Charge(LineKind.SHIPPING, "Delivery", 499),))
    await desk.do(lambda tx: orders.pay(tx, placed.id, EntryKind.CAPTURED, "card", placed.total, "c"))
    await desk.do(lambda tx: orders.ship(tx, placed.id, desk.shop.locations["paris"], None))
    case = await ask(desk, placed.id, Units(1, 3), Units(2, 1))
    for arrived in (Arrived(1, 1), Arrived(2, 1), Arrived(1, 2)):
        case = await receive(desk, case, arrived)
    there = await desk.standing(placed.id)
    assert (there.value, there.granted, there.owed_to_buyer) == (0, placed.total, placed.total)
    assert placed.total == 999 + 1000 + 499


@pytest.mark.parametrize(
    ("moment", "granted"),
    [
        (RefundMoment.FIRST_SCAN, [0, 666, 666, 666]),
        (RefundMoment.RECEIPT, [0, 0, 333, 333]),
        (RefundMoment.INSPECTION, [0, 0, 0, 333]),
    ],
)
async def test_the_policy_says_when_the_refund_is_promised(desk: Desk, moment: RefundMoment, granted: list[int]) -> None:
    await policy(desk, moment=moment)
    order_id = await desk.sold(TEA=3)
    seen: list[int] = []

    async def note(case: ReturnCase) -> ReturnCase:
        seen.append((await desk.standing(order_id)).granted)
        return case

    case = await note(await ask(desk, order_id, Units(1, 2)))
    case = await note(await desk.do(lambda tx: api.send_return(tx, case.id)))
    case = await note(await receive(desk, case, Arrived(1, 1)))
    await note(await look(desk, case, Fate.RESTOCK))
    assert seen == granted


async def test_what_was_refunded_early_and_never_came_is_owed(desk: Desk) -> None:
    await policy(desk, moment=RefundMoment.FIRST_SCAN)
    order_id = await desk.sold(CUP=2)
    case = await ask(desk, order_id, Units(1, 2))
    await desk.do(lambda tx: api.send_return(tx, case.id))
    (grant,) = await desk.grants(order_id)
    await desk.do(lambda tx: orders.execute_refund(tx, order_id, grant.id, 2000, "card", "r"))
    await desk.do(lambda tx: api.close_return(tx, case.id))
    there = await desk.standing(order_id)
    assert (there.granted, there.owed_by_buyer) == (0, 2000)


async def test_what_is_refunded_early_is_less_the_fee_to_come(desk: Desk) -> None:
    await policy(desk, moment=RefundMoment.FIRST_SCAN, fee=200, exempt=True)
    order_id = await desk.sold(CUP=2)
    case = await ask(desk, order_id, Units(1, 2))
    await desk.do(lambda tx: api.send_return(tx, case.id))
    (grant,) = await desk.grants(order_id)
    assert grant.amount == 1800
    await desk.do(lambda tx: orders.execute_refund(tx, order_id, grant.id, 1800, "card", "r"))
    case = await receive(desk, case, Arrived(1, 1))
    case = await receive(desk, case, Arrived(1, 1))
    there = await desk.standing(order_id)
    assert (case.fee_charged, there.granted, there.owed_by_buyer, there.owed_to_buyer) == (200, 0, 0, 0)


async def test_a_fee_is_charged_once_and_not_for_what_is_our_fault(desk: Desk) -> None:
    await policy(desk, fee=200, exempt=True)
    order_id = await desk.sold(CUP=3)
    case = await ask(desk, order_id, Units(1, 2))
    case = await receive(desk, case, Arrived(1, 1))
    assert (case.fee_charged, (await desk.standing(order_id)).granted) == (200, 800)
    await receive(desk, case, Arrived(1, 1))
    assert (await desk.standing(order_id)).granted == 1800
    faulty = await ask(desk, order_id, Units(1, 1, Reason.DEFECTIVE))
    faulty = await receive(desk, faulty, Arrived(1, 1))
    assert (faulty.fee_charged, (await desk.standing(order_id)).granted) == (0, 2800)


@pytest.mark.parametrize(
    ("fate", "level"),
    [
        (Fate.RESTOCK, Level(on_hand=1)),
        (Fate.SEND_ON, Level(on_hand=1)),
        (Fate.REFURBISH, Level(on_hand=1, quality=1)),
        (Fate.DAMAGED, Level(on_hand=1, damaged=1)),
        (Fate.MISSING, Level()),
        (Fate.DESTROY, Level()),
    ],
)
async def test_what_becomes_of_a_unit_moves_the_ledger(desk: Desk, fate: Fate, level: Level) -> None:
    order_id = await desk.sold(CUP=1)
    case = await receive(desk, await ask(desk, order_id, Units(1, 1)), Arrived(1, 1))
    await look(desk, case, fate, deduct=300)
    assert await desk.shop.level("CUP", "store") == level
    there = await desk.standing(order_id)
    assert (there.value, there.granted) == (300, 700)


async def test_a_look_at_a_part_leaves_the_rest_to_look_at(desk: Desk) -> None:
    order_id = await desk.sold(TEA=3)
    case = await receive(desk, await ask(desk, order_id, Units(1, 3)), Arrived(1, 3))
    with pytest.raises(OverDeduction) as refused:
        await look(desk, case, Fate.RESTOCK, deduct=334, quantity=1)
    assert refused.value.data == {"worth": 333, "asked": 334}
    case = await look(desk, case, Fate.DAMAGED, deduct=333, quantity=1)
    assert (case.state, [row.quantity for row in case.received]) == ("received", [1, 2])
    first = case.received[0].id
    with pytest.raises(InspectedAlready):
        again = [Look(first, 1, ItemCondition.NEW, Fate.RESTOCK)]
        await desk.do(lambda tx: api.inspect_return(tx, case.id, again))
    case = await look(desk, case, Fate.RESTOCK)
    assert (case.state, (await desk.standing(order_id)).granted) == ("inspected", 666)


async def test_one_parcel_is_received_once(desk: Desk) -> None:
    order_id = await desk.sold(TEA=3)
    case = await ask(desk, order_id, Units(1, 3))
    await asyncio.gather(*(receive(desk, case, Arrived(1, 1), parcel="P1") for _ in range(5)))
    assert (await desk.shop.order(order_id)).returned == 1
    assert (await desk.standing(order_id)).granted == 333
    bring = [Units(1, 1)]
    paris = desk.shop.locations["paris"]
    cases = await asyncio.gather(
        *(desk.do(lambda tx: api.receive_unannounced(tx, order_id, paris, bring, SETTING, parcel="P1")) for _ in range(2))
    )
    assert {one.id for one in cases} == {case.id}
    await desk.shop.settle()
    await desk.shop.doctors()


async def test_any_location_takes_what_nobody_announced(desk: Desk) -> None:
    order_id = await desk.sold(TEA=2)
    number = (await desk.shop.order(order_id)).number
    async with desk.shop.database.read() as reader:
        for found in (await api.look_for(reader, number=str(number)), await api.look_for(reader, sku="TEA")):
            assert [(one.order_id, one.lines) for one in found] == [(order_id, ((1, "TEA", 2),))]
        assert await api.look_for(reader, sku="CUP") == []
        assert await api.look_for(reader, tracking="nope") == []
    lyon = desk.shop.locations["lyon"]
    case = await desk.do(lambda tx: api.receive_unannounced(tx, order_id, lyon, [Units(1, 1), Units(1, 1)], SETTING))
    assert (case.state, case.announced, case.items[0].received) == ("received", False, 2)
    assert (await desk.standing(order_id)).granted == 666
    async with desk.shop.database.read() as reader:
        assert await api.look_for(reader, number=str(number)) == []


async def test_a_parcel_is_found_by_its_tracking_number(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1, shipped=False)
    paris = desk.shop.locations["paris"]
    await desk.do(lambda tx: orders.ship(tx, order_id, paris, None, carrier="X", tracking_number="T1"))
    async with desk.shop.database.read() as reader:
        assert [one.order_id for one in await api.look_for(reader, tracking="T1")] == [order_id]


async def test_what_we_never_sold_is_kept_and_not_refunded(desk: Desk) -> None:
    store = desk.shop.locations["store"]
    case = await desk.do(lambda tx: api.receive_unknown(tx, store, "ODD", 2, parcel="X"))
    assert (case.order_id, case.state, case.why) == (None, "received", "not_sold_by_us")
    assert await desk.shop.level("ODD", "store") == Level(on_hand=2, quality=2)
    again = await desk.do(lambda tx: api.receive_unknown(tx, store, "ODD", 2, parcel="X"))
    assert again.id == case.id
    with pytest.raises(NotSoldByUs):
        await desk.do(lambda tx: api.pay_out_credit(tx, case.id, SETTING))
    case = await look(desk, case, Fate.RESTOCK)
    assert await desk.shop.level("ODD", "store") == Level(on_hand=2)


async def test_something_else_in_the_box_is_found_stock_and_a_signal(desk: Desk) -> None:
    order_id = await desk.sold(CUP=1)
    case = await receive(desk, await ask(desk, order_id, Units(1, 1)), Arrived(1, 1, "TEA"))
    assert (await desk.shop.order(order_id)).returned == 0
    assert (await desk.standing(order_id)).granted == 0
    assert await desk.shop.level("TEA", "store") == Level(on_hand=1, quality=1)
    (signal,) = await desk.do(lambda tx: api.signals_of(tx, case))
    assert (signal.sign, signal.data) == (Sign.WRONG_ITEM, {"units": 1})


async def test_an_exchange_rides_on_the_return(desk: Desk) -> None:
    order_id = await desk.sold(CUP=1)
    case = await ask(desk, order_id, Units(1, 1, Reason.TOO_SMALL), exchange=(Extra("CUP", 1),))
    assert case.exchange_lines == (2,)
    assert await desk.shop.reserved(order_id) == {(2, "paris"): 1}
    assert (await desk.standing(order_id)).owed_by_buyer == 1000
    await receive(desk, case, Arrived(1, 1))
    there = await desk.standing(order_id)
    assert (there.owed_by_buyer, there.granted) == (0, 0)


async def test_a_cancelled_return_gives_up_what_was_promised_instead(desk: Desk) -> None:
    order_id = await desk.sold(CUP=1)
    case = await ask(desk, order_id, Units(1, 1), exchange=(Extra("TEA", 1),))
    await desk.do(lambda tx: api.cancel_return(tx, case.id))
    assert await desk.shop.reserved(order_id) == {}
    assert (await desk.standing(order_id)).owed_by_buyer == 0


async def test_a_policy_refuses_and_a_person_may_override_it(desk: Desk) -> None:
    await policy(desk, final_sale=True, exempt=True)
    order_id = await desk.sold(TEA=1)
    with pytest.raises(ReturnNotAllowed) as refused:
        await ask(desk, order_id, Units(1, 1))
    assert refused.value.data == {"lines": [{"line_no": 1, "why": "final_sale", "until": None}]}
    case = await ask(desk, order_id, Units(1, 1), override=True)
    assert case.state == "requested"
    declined = await desk.do(lambda tx: api.decline_return(tx, case.id))
    assert declined.state == "declined"
    assert (await ask(desk, order_id, Units(1, 1, Reason.DEFECTIVE))).why == "defect"


async def test_after_the_term_only_a_fault_comes_back(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1)
    draft = ReturnDraft(order_id=order_id, units=(Units(1, 1),))

    async def later(tx: Tx) -> ReturnCase:
        tx.now += timedelta(days=60)
        return await api.request_return(tx, draft, SETTING)

    with pytest.raises(ReturnNotAllowed):
        await desk.do(later)


async def test_no_more_is_announced_than_the_buyer_has(desk: Desk) -> None:
    order_id = await desk.sold(TEA=3)
    await ask(desk, order_id, Units(1, 2))
    with pytest.raises(NotReturnable) as refused:
        await ask(desk, order_id, Units(1, 2))
    assert refused.value.data["lines"] == [{"line_no": 1, "asked": 2, "open": 1}]
    case = await ask(desk, order_id, Units(1, 1))
    with pytest.raises(QuantityNotOpen):
        await receive(desk, case, Arrived(1, 4))


async def test_a_large_return_waits_for_approval(desk: Desk) -> None:
    await policy(desk, approval_above=500)
    order_id = await desk.sold(TEA=3)
    assert (await ask(desk, order_id, Units(1, 1))).state == "approved"
    case = await ask(desk, order_id, Units(1, 2))
    assert case.state == "requested"
    approved = await desk.do(lambda tx: api.approve_return(tx, case.id, SETTING))
    assert approved.state == "approved"


async def test_what_a_channel_returns_is_a_fact(desk: Desk) -> None:
    await policy(desk, final_sale=True, exempt=True, fee=100)
    order_id = await desk.sold(TEA=2)
    paris = desk.shop.locations["paris"]

    async def tell(tx: Tx) -> ReturnCase:
        return await api.record_channel_return(tx, order_id, paris, [Units(1, 1)], "R-1")

    case = await desk.do(tell)
    assert (case.state, case.fact, (await desk.standing(order_id)).granted) == ("closed", True, 333)
    assert (await desk.do(tell)).id == case.id
    assert (await desk.shop.order(order_id)).returned == 1


async def test_store_credit_is_paid_out_at_once(desk: Desk) -> None:
    await policy(desk, method=RefundMethod.STORE_CREDIT, exempt=True)
    order_id = await desk.sold(CUP=1)
    case = await receive(desk, await ask(desk, order_id, Units(1, 1)), Arrived(1, 1))
    assert case.method is RefundMethod.STORE_CREDIT
    account, code, amount = await desk.do(lambda tx: api.pay_out_credit(tx, case.id, SETTING))
    assert (account.balance, amount) == (1000, 1000)
    assert code is not None
    there = await desk.standing(order_id)
    assert (there.refunded, there.granted) == (1000, 0)
    other = await desk.sold(TEA=2, paid=False)
    assert await desk.do(lambda tx: orders.spend(tx, other, account.id)) == 666
    assert (await desk.standing(other)).owed_by_buyer == 0
    with pytest.raises(OverOwed):
        await desk.do(lambda tx: orders.spend(tx, other, account.id, 1))
    third = await desk.sold(CUP=1, paid=False)
    assert await desk.do(lambda tx: orders.spend(tx, third, account.id)) == 334
    with pytest.raises(BalanceTooLow):
        await desk.do(lambda tx: orders.spend(tx, third, account.id))
    async with desk.shop.database.read() as reader:
        assert (await payments.get_account(reader, account.id)).balance == 0
        assert [one.method for one in await payments.entries_of(reader, other)] == ["store_credit"]


async def test_two_executions_of_one_refund_at_once_move_it_once(desk: Desk) -> None:
    order_id = await desk.sold(CUP=1)
    back = TakeBack(line_no=1, quantity=1, location_id=desk.shop.locations["store"])
    await desk.change(order_id, ChangeKind.RETURN, back)
    (grant,) = await desk.grants(order_id)
    answers = await asyncio.gather(
        *(desk.do(lambda tx: orders.execute_refund(tx, order_id, grant.id, 1000, "card")) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(one is True for one in answers) == 1
    assert sum(isinstance(one, GrantClosed) for one in answers) == 3
    assert (await desk.shop.order(order_id)).refunded == 1000


async def test_a_refund_is_executed_in_parts_as_it_was_paid_or_as_the_house_allows(desk: Desk) -> None:
    order_id = await desk.sold(CUP=1)
    back = TakeBack(line_no=1, quantity=1, location_id=desk.shop.locations["store"])
    await desk.change(order_id, ChangeKind.RETURN, back)
    (grant,) = await desk.grants(order_id)
    with pytest.raises(OverMethod) as refused:
        await desk.do(lambda tx: orders.execute_refund(tx, order_id, grant.id, 300, "cash"))
    assert refused.value.data == {"method": "cash", "left": 0, "asked": 300}
    await desk.do(lambda tx: orders.execute_refund(tx, order_id, grant.id, 300, "Cash ", anyhow=("cash",)))
    with pytest.raises(ReferenceMissing):
        await desk.do(lambda tx: orders.execute_refund(tx, order_id, grant.id, 300, "card_terminal"))
    await desk.do(lambda tx: orders.execute_refund(tx, order_id, grant.id, 300, "card_terminal", "T-1"))
    assert not await desk.do(lambda tx: orders.execute_refund(tx, order_id, grant.id, 300, "card_terminal", "T-1"))
    with pytest.raises(OverGrant):
        await desk.do(lambda tx: orders.execute_refund(tx, order_id, grant.id, 401, "card"))
    (grant,) = await desk.grants(order_id)
    assert (grant.state, grant.executed, grant.open) == ("partly_executed", 600, 400)
    await desk.do(lambda tx: orders.withdraw_refund(tx, order_id, grant.id))
    (grant,) = await desk.grants(order_id)
    assert (grant.state, grant.executed, grant.open) == ("withdrawn", 600, 0)
    with pytest.raises(GrantClosed):
        await desk.do(lambda tx: orders.execute_refund(tx, order_id, grant.id, 1, "card"))
    again = await desk.do(lambda tx: orders.grant_refund(tx, order_id, 400, "after all"))
    with pytest.raises(OverOwed):
        await desk.do(lambda tx: orders.grant_refund(tx, order_id, 1, "more"))
    await desk.do(lambda tx: orders.execute_refund(tx, order_id, again, 400, "card"))
    with pytest.raises(OverRefund):
        await desk.do(lambda tx: orders.pay(tx, order_id, EntryKind.REFUNDED, "card", 1))


async def test_the_term_begins_when_it_is_delivered(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1, shipped=False)
    paris = desk.shop.locations["paris"]
    sent = await desk.do(lambda tx: orders.ship(tx, order_id, paris, None, carrier="X", tracking_number="T1"))

    async def until(delivered: dict[ShipmentId, datetime | None]) -> date | None:
        async def delivered_of(_reader: Reader, _order_id: OrderId) -> dict[ShipmentId, datetime | None]:
            return delivered

        setting = replace(SETTING, delivered_of=delivered_of)
        found = await desk.do(lambda tx: api.offers(tx, order_id, setting, tx.now))
        return found[1].until

    shipped_at = (await desk.shop.details(order_id)).shipments[0].shipped_at
    assert await until({sent: None}) is None
    there = shipped_at + timedelta(days=2)
    assert await until({sent: there}) == (there + timedelta(days=30)).date()
    assert await until({}) == (shipped_at + timedelta(days=40)).date()
