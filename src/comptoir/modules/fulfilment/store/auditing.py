"""The SQL of the doctor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from comptoir.modules.fulfilment.contracts import AuditFinding, AuditKind
from comptoir.modules.fulfilment.domain import ACTIVE
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader

_MISCOUNTED = """
SELECT o.order_id, o.location_id, c.what, c.found, c.expected
FROM fulfilment.orders o
CROSS JOIN LATERAL (
  SELECT coalesce(sum(l.quantity), 0) AS quantity, coalesce(sum(l.picked), 0) AS picked, coalesce(sum(l.packed), 0) AS packed,
    coalesce(sum(l.gone), 0) AS gone
  FROM fulfilment.lines l WHERE l.fulfilment_id = o.id) AS s
CROSS JOIN LATERAL (
  VALUES ('quantity', o.quantity, s.quantity), ('picked', o.picked, s.picked), ('packed', o.packed, s.packed),
    ('gone', o.gone, s.gone)) AS c (what, found, expected)
WHERE c.found <> c.expected AND (%(everything)s OR o.order_id = ANY(%(only)s::uuid[]))
ORDER BY o.id LIMIT %(limit)s"""

_AT_WORK = """
SELECT DISTINCT order_id FROM fulfilment.orders
WHERE state = ANY(%(active)s::text[]) AND method <> 'hand_out' AND (%(after)s::uuid IS NULL OR order_id > %(after)s)
ORDER BY order_id LIMIT %(limit)s"""

_WORK = """
SELECT o.order_id, l.line_no, o.location_id, sum(l.quantity - l.gone)::bigint
FROM fulfilment.orders o JOIN fulfilment.lines l ON l.fulfilment_id = o.id
WHERE o.order_id = ANY(%(orders)s::uuid[]) AND o.state = ANY(%(active)s::text[]) AND o.method <> 'hand_out'
GROUP BY o.order_id, l.line_no, o.location_id"""


class Part(NamedTuple):
    """Units of one line at one location."""

    order_id: OrderId
    line_no: int
    location_id: LocationId


async def miscounted(reader: Reader, limit: int, only: Sequence[OrderId]) -> list[AuditFinding]:
    rows = await reader.rows(_MISCOUNTED, {"limit": limit, "everything": not only, "only": arrays.uuids(only)})
    return [
        AuditFinding(AuditKind.COUNTER, OrderId(order), None, LocationId(place), what, found, expected)
        for order, place, what, found, expected in rows
    ]


async def at_work(reader: Reader, after: OrderId | None, limit: int) -> list[OrderId]:
    """Orders of which something is to be done, in the order of their ids."""
    rows = await reader.rows(_AT_WORK, {"active": arrays.texts(ACTIVE), "after": after, "limit": limit})
    return [OrderId(row[0]) for row in rows]


async def work_of(reader: Reader, orders: Sequence[OrderId]) -> dict[Part, int]:
    rows = await reader.rows(_WORK, {"orders": arrays.uuids(orders), "active": arrays.texts(ACTIVE)})
    return {Part(OrderId(order), line, LocationId(place)): units for order, line, place, units in rows}
