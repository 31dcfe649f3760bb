"""An exchange that somebody has to approve promises nothing before; what is gone by then has a way on."""

from __future__ import annotations

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import (
    Extra,
    OtherWay,
    PolicyDraft,
    Reason,
    ReturnCase,
    ReturnDraft,
    ReturnState,
    Units,
    WayOn,
)
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.surfaces.changing import SETTING
from modules.changes.conftest import Desk


async def waiting(desk: Desk) -> ReturnCase:
    """An exchange of a cup for two of tea in a shop that takes no backorders, above what may be without a person."""
    await desk.do(lambda tx: api.create_policy(tx, PolicyDraft(code="all", position=1, approval_above=100)))
    order_id = await desk.sold(channel="strict", CUP=1)
    draft = ReturnDraft(order_id=order_id, units=(Units(1, 1, Reason.TOO_SMALL),), exchange=(Extra("TEA", 2),))
    case, _ = await desk.do(lambda tx: api.announce_exchange(tx, draft, SETTING))
    assert (case.state, case.exchange_lines) == (ReturnState.REQUESTED, ())
    assert await desk.shop.reserved(order_id) == {}
    return case


async def taken_by_another(desk: Desk) -> None:
    level = await desk.shop.level("TEA", "paris")
    await desk.shop.receive("TEA", "paris", -level.on_hand)


async def approved(desk: Desk, case: ReturnCase, way: WayOn | None = None) -> ReturnCase:
    return await desk.do(lambda tx: api.approve_return(tx, case.id, SETTING, way))


async def test_the_promise_is_made_when_it_is_approved(desk: Desk) -> None:
    case = await waiting(desk)
    done = await approved(desk, case)
    assert case.order_id is not None
    assert done.exchange_lines == (2,)
    assert await desk.shop.reserved(case.order_id) == {(2, "paris"): 2}


async def test_what_is_gone_by_then_is_refused_and_nothing_has_changed(desk: Desk) -> None:
    case = await waiting(desk)
    await taken_by_another(desk)
    with pytest.raises(InsufficientStock):
        await approved(desk, case)
    async with desk.shop.database.read() as reader:
        there = await api.get_return(reader, case.id)
        assert case.order_id is not None
        order = await desk.shop.order(case.order_id)
        (gone,) = await api.gone_of(reader, there, order, SETTING)
    assert (there.state, len(order.lines)) == (ReturnState.REQUESTED, 1)
    assert (gone.sku, gone.requested, gone.available) == ("TEA", 2, 0)
    assert desk.shop.locations["lyon"] in dict(gone.elsewhere)


async def test_it_goes_on_with_something_else(desk: Desk) -> None:
    case = await waiting(desk)
    await taken_by_another(desk)
    with pytest.raises(Invalid):
        await approved(desk, case, WayOn(OtherWay.OTHER_ITEM, "TEA"))
    done = await approved(desk, case, WayOn(OtherWay.OTHER_ITEM, "CUP"))
    assert case.order_id is not None
    assert [one.sku for one in done.exchange] == ["CUP"]
    assert await desk.shop.reserved(case.order_id) == {(2, "paris"): 2}


async def test_it_waits_for_stock(desk: Desk) -> None:
    case = await waiting(desk)
    await taken_by_another(desk)
    await approved(desk, case, WayOn(OtherWay.BACKORDER))
    assert case.order_id is not None
    (_, line) = (await desk.shop.order(case.order_id)).lines
    assert (line.sku, line.backordered) == ("TEA", 2)


async def test_or_the_buyer_gets_the_money(desk: Desk) -> None:
    case = await waiting(desk)
    await taken_by_another(desk)
    done = await approved(desk, case, WayOn(OtherWay.REFUND))
    assert case.order_id is not None
    assert (done.state, done.exchange, done.exchange_lines) == (ReturnState.APPROVED, (), ())
    assert len((await desk.shop.order(case.order_id)).lines) == 1


async def test_what_is_there_again_needs_no_other_way(desk: Desk) -> None:
    case = await waiting(desk)
    done = await approved(desk, case, WayOn(OtherWay.REFUND))  # nothing of it is gone
    assert [one.sku for one in done.exchange] == ["TEA"]
