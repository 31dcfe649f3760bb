"""Orders of which nobody may send something: what that is, and when it is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_PUT = """
INSERT INTO fulfilment.parked AS p (order_id, stamp, parked_at, tried_at, due_at)
SELECT order_id, %(stamp)s, %(now)s, %(now)s, %(due_at)s FROM unnest(%(orders)s::uuid[]) AS i (order_id)
ORDER BY order_id
ON CONFLICT (order_id) DO UPDATE SET stamp = excluded.stamp, tried_at = excluded.tried_at, due_at = excluded.due_at
"""

_PUT_LINES = """
INSERT INTO fulfilment.parked_lines (order_id, line_no, sku, units)
SELECT * FROM unnest(%(orders)s::uuid[], %(lines)s::int[], %(skus)s::text[], %(units)s::int[])
"""

_DUE = """
SELECT order_id FROM fulfilment.parked p
WHERE due_at <= %(now)s OR stamp <> %(stamp)s
  OR EXISTS (SELECT FROM fulfilment.parked_lines l WHERE l.order_id = p.order_id AND l.sku = ANY(%(skus)s::text[]))
ORDER BY tried_at, order_id LIMIT %(limit)s
"""

_WAKE = """
UPDATE fulfilment.parked p SET due_at = %(now)s FROM (
  SELECT order_id FROM fulfilment.parked p
  WHERE due_at > %(now)s AND tried_at < %(now)s AND (
    %(everything)s
    OR EXISTS (SELECT FROM fulfilment.parked_lines l WHERE l.order_id = p.order_id AND l.sku = ANY(%(skus)s::text[]))
  )
  ORDER BY order_id FOR UPDATE SKIP LOCKED
) w WHERE p.order_id = w.order_id
"""


class StuckLine(NamedTuple):
    """So many units of a line that nobody may send."""

    line_no: int
    sku: str
    units: int


async def any_(reader: Reader) -> bool:
    """Whether any order is parked at all."""
    return bool(await reader.value("SELECT EXISTS (SELECT FROM fulfilment.parked)"))


async def put(tx: Tx, parked: Sequence[tuple[OrderId, Sequence[StuckLine]]], stamp: str, due_at: datetime) -> None:
    """They have been tried now, and are tried again at `due_at`, or when the rules and the network are not like `stamp`."""
    ids = sorted(order_id for order_id, _ in parked)
    await tx.run(_PUT, {"now": tx.now, "stamp": stamp, "due_at": due_at, "orders": arrays.uuids(ids)})
    await tx.run("DELETE FROM fulfilment.parked_lines WHERE order_id = ANY(%(ids)s::uuid[])", {"ids": arrays.uuids(ids)})
    rows = [(order_id, line) for order_id, lines in parked for line in lines]
    await tx.run(
        _PUT_LINES,
        {
            "orders": arrays.uuids([order_id for order_id, _ in rows]),
            "lines": arrays.int4s([line.line_no for _, line in rows]),
            "skus": arrays.texts([line.sku for _, line in rows]),
            "units": arrays.int4s([line.units for _, line in rows]),
        },
    )


async def drop(tx: Tx, ids: Sequence[OrderId]) -> None:
    """Somebody sends all of these, or nobody has to any more."""
    await tx.run("DELETE FROM fulfilment.parked WHERE order_id = ANY(%(ids)s::uuid[])", {"ids": arrays.uuids(ids)})


async def stuck(reader: Reader, ids: Sequence[OrderId]) -> dict[OrderId, list[StuckLine]]:
    """What of these orders is parked, by line."""
    found: dict[OrderId, list[StuckLine]] = {}
    rows = await reader.rows(
        "SELECT order_id, line_no, sku, units FROM fulfilment.parked_lines WHERE order_id = ANY(%(ids)s::uuid[]) "
        "ORDER BY order_id, line_no",
        {"ids": arrays.uuids(ids)},
    )
    for order_id, *line in rows:
        found.setdefault(OrderId(order_id), []).append(StuckLine(*line))
    return found


async def due(reader: Reader, now: datetime, stamp: str, limit: int, skus: Sequence[str] = ()) -> list[OrderId]:
    """Those whose time has come, or about which something has changed, or that want one of these SKUs; whoever has not been
    tried for longest is first.
    """
    return await reader.values(_DUE, {"now": now, "stamp": stamp, "limit": limit, "skus": arrays.texts(skus)})


async def wake(tx: Tx, skus: Sequence[str], *, everything: bool = False) -> None:
    """Those that want these SKUs, or all, and were not tried in this transaction are due now.

    Who is being tried elsewhere at this moment is left out: their time comes round again.
    """
    await tx.run(_WAKE, {"now": tx.now, "skus": arrays.texts(skus), "everything": everything})
