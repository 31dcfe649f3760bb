"""Returns that are not taken: stock and money come out as if nothing had come, or as the buyer has agreed."""

from __future__ import annotations

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import (
    Arrived,
    Extra,
    Fate,
    Goods,
    ItemCondition,
    Look,
    PolicyDraft,
    RefundMoment,
    ReturnCase,
    ReturnDraft,
    Units,
)
from comptoir.modules.changes.errors import GoodsStillHere, InspectedAlready, NothingToGiveBack, ReturnStepRefused
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Level, Quantity
from comptoir.modules.inventory.errors import QuantityTooLarge
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Charge, OrderId
from comptoir.modules.payments.contracts import EntryKind
from comptoir.sdk.orders import LineKind
from comptoir.surfaces.changing import SETTING
from modules.changes.conftest import Desk


async def came(desk: Desk, order_id: OrderId, *units: Units, at: str = "store", **more: object) -> ReturnCase:
    """A return that is here, all of it."""
    draft = ReturnDraft(order_id=order_id, units=units, **more)  # type: ignore[arg-type]
    case = await desk.do(lambda tx: api.request_return(tx, draft, SETTING))
    arrived = [Arrived(one.line_no, one.quantity) for one in units]
    return await desk.do(lambda tx: api.receive_return(tx, case.id, desk.shop.locations[at], arrived))


async def decline(desk: Desk, case: ReturnCase, reason: str = "worn") -> ReturnCase:
    return await desk.do(lambda tx: api.decline_return(tx, case.id, reason))


async def give_back(desk: Desk, case: ReturnCase, *, by_hand: bool = True, number: str = "") -> ReturnCase:
    done = await desk.do(lambda tx: api.give_back(tx, case.id, by_hand=by_hand, carrier="UPS", tracking_number=number))
    await desk.shop.settle()
    await desk.shop.doctors()
    return done


async def test_what_is_declined_is_not_refunded_and_goes_back_to_the_cent(desk: Desk) -> None:
    placed = await desk.shop.place("web", {"TEA": 3}, charges=(Charge(LineKind.SHIPPING, "Delivery", 499),))
    await desk.do(lambda tx: orders.pay(tx, placed.id, EntryKind.CAPTURED, "card", placed.total, "c"))
    await desk.do(lambda tx: orders.ship(tx, placed.id, desk.shop.locations["paris"], None))
    before = await desk.standing(placed.id)
    case = await came(desk, placed.id, Units(1, 3))
    assert (await desk.standing(placed.id)).granted == 999 + 499
    case = await decline(desk, case)
    assert (case.state, case.declined_because, case.to_give_back, case.to_inspect) == ("declined", "worn", 3, 0)
    assert (await desk.standing(placed.id)).granted == 0
    assert await desk.shop.level("TEA", "store") == Level(on_hand=3, quality=3)
    case = await give_back(desk, case, by_hand=False, number="1Z9")
    assert (case.state, case.to_give_back, case.received[0].goods) == ("declined", 0, Goods.SENT)
    assert await desk.shop.level("TEA", "store") == Level()
    assert await desk.standing(placed.id) == before
    again = await came(desk, placed.id, Units(1, 3))
    assert (await desk.standing(placed.id)).granted == 999 + 499
    assert again.state == "received"
    with pytest.raises(NothingToGiveBack):
        await give_back(desk, case)


async def test_a_refund_that_has_moved_is_owed_by_the_buyer_again(desk: Desk) -> None:
    order_id = await desk.sold(CUP=1)
    case = await came(desk, order_id, Units(1, 1))
    (grant,) = await desk.grants(order_id)
    await desk.do(lambda tx: orders.execute_refund(tx, order_id, grant.id, 1000, "card", "r"))
    case = await decline(desk, case)
    await give_back(desk, case)
    assert (await desk.standing(order_id)).owed_by_buyer == 1000


async def test_no_fee_is_kept_for_what_goes_back(desk: Desk) -> None:
    await desk.do(lambda tx: api.create_policy(tx, PolicyDraft(code="own", position=1, fee=200, exempt=True)))
    order_id = await desk.sold(CUP=2)
    case = await came(desk, order_id, Units(1, 1))
    assert case.fee_charged == 200
    case = await give_back(desk, await decline(desk, case))
    assert (case.fee_charged, (await desk.standing(order_id)).value) == (None, 2000)


async def test_a_reason_is_needed_and_only_what_nobody_has_taken_is_declined(desk: Desk) -> None:
    order_id = await desk.sold(TEA=3)
    case = await came(desk, order_id, Units(1, 2))
    with pytest.raises(Invalid):
        await decline(desk, case, " ")
    (row,) = case.received
    look = Look(row.id, 1, ItemCondition.NEW, Fate.RESTOCK)
    case = await desk.do(lambda tx: api.inspect_return(tx, case.id, [look]))
    case = await decline(desk, case)
    assert (case.state, case.to_give_back) == ("inspected", 1)
    with pytest.raises(GoodsStillHere):
        await desk.do(lambda tx: api.close_return(tx, case.id))
    waiting = next(row for row in case.received if row.goods is Goods.WAITING)
    with pytest.raises(ReturnStepRefused):
        await desk.do(lambda tx: api.inspect_return(tx, case.id, [Look(waiting.id, 1, ItemCondition.NEW, Fate.RESTOCK)]))
    case = await give_back(desk, case)
    assert (await desk.standing(order_id)).granted == 333
    assert (await desk.do(lambda tx: api.close_return(tx, case.id))).state == "closed"
    with pytest.raises(ReturnStepRefused):
        await decline(desk, case)


async def test_units_that_wait_to_go_back_are_nobody_s_to_inspect(desk: Desk) -> None:
    order_id = await desk.sold(TEA=3)
    case = await decline(desk, await came(desk, order_id, Units(1, 1)))
    more = await desk.do(lambda tx: api.receive_unannounced(tx, order_id, desk.shop.locations["store"], [Units(1, 1)], SETTING))
    assert more.id != case.id
    with pytest.raises((InspectedAlready, ReturnStepRefused)):
        (row,) = case.received
        await desk.do(lambda tx: api.inspect_return(tx, case.id, [Look(row.id, 1, ItemCondition.NEW, Fate.RESTOCK)]))


async def test_what_is_kept_by_agreement_is_ours_and_refunds_nothing(desk: Desk) -> None:
    await desk.do(lambda tx: api.create_policy(tx, PolicyDraft(code="own", position=1, fee=200)))
    order_id = await desk.sold(CUP=2)
    case = await decline(desk, await came(desk, order_id, Units(1, 2)))
    with pytest.raises(Invalid):
        await desk.do(lambda tx: api.keep_declined(tx, case.id, "", Fate.DESTROY))
    with pytest.raises(Invalid):
        await desk.do(lambda tx: api.keep_declined(tx, case.id, "mail", Fate.MISSING))
    case = await desk.do(lambda tx: api.keep_declined(tx, case.id, "mail of May 2", Fate.RESTOCK))
    await desk.shop.settle()
    await desk.shop.doctors()
    assert (case.state, case.agreement, case.received[0].goods, case.received[0].deduct) == (
        "declined", "mail of May 2", Goods.KEPT, 2000,
    )  # fmt: skip
    assert await desk.shop.level("CUP", "store") == Level(on_hand=2)
    there = await desk.standing(order_id)
    assert (there.value, there.granted, there.owed_by_buyer) == (2000, 0, 0)
    with pytest.raises(NothingToGiveBack):
        await give_back(desk, case)


async def test_an_exchange_is_given_up_with_what_was_declined(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1)
    case = await came(desk, order_id, Units(1, 1), exchange=(Extra("CUP", 1),))
    assert (await desk.shop.level("CUP", "paris")).reserved == 1
    await give_back(desk, await decline(desk, case))
    assert (await desk.shop.level("CUP", "paris")).reserved == 0
    assert (await desk.standing(order_id)).owed_by_buyer == 0


async def test_what_somebody_has_moved_meanwhile_is_not_taken_from_others(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1)
    case = await decline(desk, await came(desk, order_id, Units(1, 1)))
    place = desk.shop.locations["store"]
    await desk.do(lambda tx: inventory.release_quality(tx, place, [Quantity("TEA", 1)]))
    with pytest.raises(QuantityTooLarge):
        await desk.do(lambda tx: api.give_back(tx, case.id, by_hand=True))
    assert await desk.shop.level("TEA", "store") == Level(on_hand=1)


async def test_what_we_never_sold_goes_back_to_who_has_sent_it(desk: Desk) -> None:
    place = desk.shop.locations["store"]
    case = await desk.do(lambda tx: api.receive_unknown(tx, place, "XYZ", 1, sender="Somebody"))
    case = await give_back(desk, await decline(desk, case, "not ours"))
    assert (case.state, await desk.shop.level("XYZ", "store")) == ("declined", Level())


async def test_a_return_that_waits_for_approval_is_declined_before_it_comes(desk: Desk) -> None:
    await desk.do(lambda tx: api.create_policy(tx, PolicyDraft(code="own", position=1, approval_above=0)))
    order_id = await desk.sold(TEA=1)
    draft = ReturnDraft(order_id=order_id, units=(Units(1, 1),))
    case = await desk.do(lambda tx: api.request_return(tx, draft, SETTING))
    case = await decline(desk, case, "")
    assert (case.state, case.declined_because) == ("declined", "")


async def test_inspection_refunds_are_withheld_until_the_goods_have_gone(desk: Desk) -> None:
    terms = PolicyDraft(code="own", position=1, moment=RefundMoment.INSPECTION)
    await desk.do(lambda tx: api.create_policy(tx, terms))
    order_id = await desk.sold(CUP=1)
    case = await decline(desk, await came(desk, order_id, Units(1, 1)))
    assert (await desk.standing(order_id)).granted == 0
    await give_back(desk, case)
    assert (await desk.standing(order_id)).granted == 0
