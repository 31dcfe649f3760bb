"""Goods that come back, with their lots: what has expired or is recalled never goes back on the shelf.

Returns know nothing of lots, and lots nothing of returns: both are brought together here, in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Fate, Goods, Look, ReturnCase, ReturnCaseId, ReturnDraft, Seen, Setting
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Look as LotLook
from comptoir.modules.orders.contracts import Order, OrderId
from comptoir.runtime.database import Tx

SHELVED = frozenset({Fate.RESTOCK, Fate.SEND_ON})
"""Of these somebody may have it again."""


class Read(NamedTuple):
    """What is written on units: a lot, the last day, or both."""

    code: str = ""
    expires_on: date | None = None


NOTHING_READ = Read()


async def inspect(tx: Tx, case_id: ReturnCaseId, looks: Sequence[Look], read: Sequence[Read] = ()) -> ReturnCase:
    """As `changes.inspect_return`, with what was read on the units of each look, in the same order.

    Raises also LotNotSaid, LotRefused, LotDiffers and Invalid.
    """
    case = await changes.get_return(tx, case_id)
    rows = {row.id: row for row in case.received}
    found: dict[LocationId, list[LotLook]] = {}
    for n, look in enumerate(looks):
        row = rows.get(look.received_id)
        if row is not None and row.stocked:
            one = _of(row.sku, look.quantity, look.fate, read[n] if n < len(read) else NOTHING_READ, case.order_id)
            found.setdefault(row.location_id, []).append(one)
    told = {place: await lots.looked_at(tx, place, rows) for place, rows in sorted(found.items())}
    done = await changes.inspect_return(tx, case_id, looks)
    for place, again in told.items():
        await lots.on_the_shelf_again(tx, place, again)
    return done


def _of(sku: str, quantity: int, fate: Fate, read: Read, order_id: OrderId | None) -> LotLook:
    return LotLook(sku, quantity, read.code, read.expires_on, order_id, sellable=fate in SHELVED)


async def at_counter(
    tx: Tx,
    draft: ReturnDraft,
    order: Order,
    location_id: LocationId,
    seen: Sequence[Seen],
    setting: Setting,
    read: Mapping[int, Read],
    *,
    approve: bool,
) -> ReturnCase:
    """As `changes.take_over_counter`, with what was read on the units of each line. Raises what `inspect` raises."""
    skus = {line.line_no: line.sku for line in order.lines if line.stocked}
    found = [
        _of(sku, one.quantity, one.fate, read.get(one.line_no, NOTHING_READ), order.id)
        for one in seen
        if one.sku is None and (sku := skus.get(one.line_no)) is not None
    ]
    told = await lots.looked_at(tx, location_id, found)
    case = await changes.take_over_counter(tx, draft, location_id, seen, setting, approve=approve)
    if not changes.undecided(case):
        await lots.on_the_shelf_again(tx, location_id, told)
    return case


async def as_fact(tx: Tx, case: ReturnCase, goods: Goods | None = None) -> None:
    """Units that went back on the shelf just now without anybody being asked lie in the lot that the order got, where that is
    sure: those of which this became (`goods`), or those that were taken.
    """
    for row in case.received:
        if row.stocked and row.fate in SHELVED and row.goods is goods and row.inspected_at == tx.now:
            await lots.of_channel(tx, row.location_id, [LotLook(row.sku, row.quantity, order_id=case.order_id)])
