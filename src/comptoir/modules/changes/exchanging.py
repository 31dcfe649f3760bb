"""Exchanges by parcel: a return is announced, and what the buyer wants instead is promised at once; seen before it is done."""

from __future__ import annotations

from comptoir.modules.changes.applying import differences, places
from comptoir.modules.changes.contracts import AddItem, Effect, Preview, ReturnCase, ReturnDraft, ReturnState, Setting
from comptoir.modules.changes.returning import request_return
from comptoir.modules.orders import api as orders
from comptoir.runtime.database import Tx


async def preview_exchange(tx: Tx, draft: ReturnDraft, setting: Setting) -> Preview:
    """What announcing it comes to now: it is done, looked at and undone. Raises whatever stands against it."""
    async with tx.rehearsal():
        _, found = await announce_exchange(tx, draft, setting)
    return found


async def announce_exchange(tx: Tx, draft: ReturnDraft, setting: Setting) -> tuple[ReturnCase, Preview]:
    """As `request_return`, and what it came to. Nothing is promised yet where somebody has to approve it first."""
    order = await orders.load(tx, draft.order_id)
    before, there = await orders.standing_of(tx, order), await places(tx, order)
    case = await request_return(tx, draft, setting)
    order = await orders.load(tx, draft.order_id)
    after, now = await orders.standing_of(tx, order), await places(tx, order)
    totals = {line.line_no: line.total for line in order.lines}
    stock = differences(order, there, now)
    effects = [
        Effect(
            AddItem(sku=extra.sku, quantity=extra.quantity, unit_price=extra.unit_price),
            totals[line_no],
            tuple([one for one in stock if one.line_no == line_no]),
        )
        for extra, line_no in zip(draft.exchange, case.exchange_lines, strict=False)
    ]
    waits = case.state is ReturnState.REQUESTED
    return case, Preview(tuple(effects), before, after, after.granted - before.granted, needs_approval=waits)
