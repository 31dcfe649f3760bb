"""Small changes one after another come to what one large change would: the limit of approval counts them together."""

from __future__ import annotations

import pytest

from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import AddItem, Allow, CancelUnits, ChangeKind, PolicyDraft
from comptoir.modules.changes.errors import ApprovalNeeded
from comptoir.modules.orders.contracts import OrderId
from comptoir.surfaces.changing import SETTING
from modules.changes.conftest import Desk


async def allowed(desk: Desk, order_id: OrderId, amount: int) -> tuple[int, int, bool]:
    """(given, given before, whether it needs approval) of an allowance that is asked for and given up."""
    made, seen = await desk.request(order_id, ChangeKind.ADJUSTMENT, Allow(line_no=1, amount=amount))
    await desk.do(lambda tx: api.cancel_change(tx, made.id))
    return seen.given, seen.given_before, seen.needs_approval


async def careful(desk: Desk) -> OrderId:
    await desk.do(lambda tx: api.create_policy(tx, PolicyDraft(code="careful", position=1, approval_above=500)))
    return await desk.sold(CUP=3)


async def test_what_was_given_before_counts_towards_the_limit(desk: Desk) -> None:
    order_id = await careful(desk)
    assert await allowed(desk, order_id, 500) == (500, 0, False)
    for _ in range(2):
        await desk.change(order_id, ChangeKind.ADJUSTMENT, Allow(line_no=1, amount=200))
    assert await allowed(desk, order_id, 100) == (100, 400, False)
    made, seen = await desk.request(order_id, ChangeKind.ADJUSTMENT, Allow(line_no=1, amount=101))
    assert (seen.given, seen.given_before, seen.approval_above, seen.needs_approval) == (101, 400, 500, True)
    with pytest.raises(ApprovalNeeded):
        await desk.confirm(made)


async def test_what_somebody_approved_does_not_count_and_other_orders_do_not_either(desk: Desk) -> None:
    order_id = await careful(desk)
    large, seen = await desk.request(order_id, ChangeKind.ADJUSTMENT, Allow(line_no=1, amount=900))
    assert seen.needs_approval
    await desk.do(lambda tx: api.approve_change(tx, large.id, SETTING))
    await desk.confirm(large)
    assert await allowed(desk, order_id, 500) == (500, 0, False)
    await desk.change(order_id, ChangeKind.ADJUSTMENT, Allow(line_no=1, amount=500))
    assert await allowed(desk, order_id, 1) == (1, 500, True)
    assert await allowed(desk, await desk.sold(CUP=1), 500) == (500, 0, False)


async def test_what_gives_nothing_needs_nobody_however_much_was_given_before(desk: Desk) -> None:
    await desk.do(lambda tx: api.create_policy(tx, PolicyDraft(code="careful", position=1, approval_above=500)))
    order_id = await desk.sold(TEA=2, shipped=False)
    await desk.change(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=1))
    _, seen = await desk.request(order_id, ChangeKind.EDIT, AddItem(sku="CUP", quantity=1))
    assert (seen.given, seen.needs_approval) == (0, False)
