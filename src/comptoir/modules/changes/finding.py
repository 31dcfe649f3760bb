"""Finding returns, the orders that something may belong to, and what a person should look at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

from comptoir.kernel.money import exponent
from comptoir.modules.changes import policies
from comptoir.modules.changes.contracts import Found, ReturnCase, ReturnFilter, ReturnState, Signal
from comptoir.modules.changes.store import returns as store
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderFilter
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Count, Page

_MOST = 20
_MANY = 200
PERIOD = timedelta(days=365)
HIGH_VALUE = 500
"""Whole units of the currency from which on a person should look."""


async def find_returns(
    reader: Reader, wanted: ReturnFilter, *, sort: str = "-requested", limit: int = 50, cursor: str | None = None
) -> Page[ReturnCase]:
    """Without what is announced and received. Sorts: requested, -requested."""
    return await store.LISTING.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count_returns(reader: Reader, wanted: ReturnFilter) -> Count:
    return await store.LISTING.count(reader, store.where(wanted))


async def counts_of_returns(reader: Reader, wanted: ReturnFilter) -> dict[ReturnState, int]:
    """How many there are in each state; a state with none is left out."""
    return await store.counts(reader, store.where(wanted))


async def with_units(reader: Reader, cases: Sequence[ReturnCase]) -> list[ReturnCase]:
    """These, with what is announced and what has arrived."""
    return await store.filled(reader, cases)


async def stream_returns(reader: Reader, wanted: ReturnFilter, *, sort: str = "-requested") -> AsyncIterator[ReturnCase]:
    """Every one of them, in order, with what is announced and received, for exports."""
    cursor: str | None = None
    while True:
        page = await store.LISTING.page(reader, store.where(wanted), sort=sort, limit=_MANY, cursor=cursor)
        for case in await store.filled(reader, page.items):
            yield case
        cursor = page.next
        if cursor is None:
            return


async def look_for(
    reader: Reader, *, number: str = "", tracking: str = "", customer: UUID | None = None, sku: str = ""
) -> list[Found]:
    """Orders that something in somebody's hands may belong to, the newest first: only those of which the buyer has units.

    `number` is the order's, or the channel's id of it.
    """
    ids = await orders.by_tracking(reader, tracking, _MOST) if tracking else []
    if number or customer is not None or sku:
        wanted = OrderFilter(search=number, customer=customer, sku=sku, kind="sale")
        page = await orders.find(reader, wanted, limit=_MOST)
        own = [row.id for row in page.items]
        ids = [one for one in ids if one in own] if tracking else own
    found: list[Found] = []
    for order_id in dict.fromkeys(ids):
        order = await orders.order(reader, order_id)
        lines = tuple(
            (line.line_no, line.sku, line.shipped - line.returned)
            for line in order.lines
            if line.sku is not None and line.shipped > line.returned and (not sku or line.sku == sku)
        )
        if lines:
            found.append(Found(order.id, order.number, order.channel_code, order.placed_at, lines))
    return found


async def signals_of(tx: Tx, case: ReturnCase) -> list[Signal]:
    """What a person should look at before this is refunded; it blocks nothing."""
    wrong = sum(row.quantity for row in case.received if row.line_no is None)
    value = sum(row.value for row in case.received)
    if case.order_id is None:
        return policies.signals(0, 0, 0, wrong=wrong, value=0, high=0)
    order = await orders.order(tx, case.order_id)
    if not case.received:  # then what is announced is what it is about
        worth = {line.line_no: line.total / line.quantity for line in order.lines}
        value = round(sum(worth[item.line_no] * item.quantity for item in case.items))
    high = HIGH_VALUE * 10 ** exponent(order.currency)
    if order.customer_id is None:
        return policies.signals(0, 0, 0, wrong=wrong, value=value, high=high)
    past = await orders.history(tx, order.customer_id, tx.now - PERIOD)
    return policies.signals(past.orders_returned, past.shipped, past.returned, wrong=wrong, value=value, high=high)
