"""Adding the order book up again, a stretch of orders at a time: memory is bounded, and so is each statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from comptoir.modules.inventory.contracts import Reservation
from comptoir.modules.orders.contracts import Finding, FindingKind, OrderId
from comptoir.modules.orders.store.valuing import VALUES_SQL
from comptoir.modules.payments.contracts import Balance
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_STRETCH = "SELECT id FROM orders.orders WHERE id > %(after)s ORDER BY id LIMIT %(limit)s"

_COUNTERS = ("quantity", "cancelled", "backordered", "shipped", "returned")
_AMOUNTS = ("amount", "discount", "tax", "total")
_BETWEEN = "BETWEEN %(first)s AND %(last)s"

# One row per figure of an order that is not what its lines add up to.
_SUMS = f"""
SELECT CASE WHEN f.n <= {len(_COUNTERS)} THEN 'counters' ELSE 'totals' END, o.id, NULL::int, f.what, f.found, f.expected
FROM orders.orders o
LEFT JOIN (
  SELECT order_id, {", ".join(f"sum({c}) FILTER (WHERE kind = 'item') AS {c}" for c in _COUNTERS)},
    {", ".join(f"sum({a}) AS {a}" for a in _AMOUNTS)}
  FROM orders.lines WHERE order_id {_BETWEEN} GROUP BY order_id
) l ON l.order_id = o.id
CROSS JOIN LATERAL (VALUES
  {", ".join(f"({n}, '{c}', o.{c}::bigint, coalesce(l.{c}, 0)::bigint)" for n, c in enumerate((*_COUNTERS, *_AMOUNTS), 1))}
) AS f (n, what, found, expected)
WHERE o.id {_BETWEEN} AND f.found <> f.expected
ORDER BY o.id, f.n
"""

_VALUES = f"""
SELECT 'totals', o.id, NULL::int, 'value', o.value, coalesce(v.value, 0)
FROM orders.orders o LEFT JOIN ({VALUES_SQL.format(which=f"l.order_id {_BETWEEN}")}) v ON v.order_id = o.id
WHERE o.id {_BETWEEN} AND o.value <> coalesce(v.value, 0)
ORDER BY o.id
"""

_LINE_TOTALS = f"""
SELECT 'line_total', l.order_id, l.line_no, 'total', l.total,
  l.amount - l.discount + CASE WHEN o.tax_included THEN 0 ELSE l.tax END
FROM orders.lines l JOIN orders.orders o ON o.id = l.order_id
WHERE l.order_id {_BETWEEN} AND l.total <> l.amount - l.discount + CASE WHEN o.tax_included THEN 0 ELSE l.tax END
ORDER BY l.order_id, l.line_no
"""

# What a channel told had left or come back before we knew the order has no shipment and no return of ours.
_PARCELS = f"""
SELECT 'shipments', l.order_id, l.line_no, 'shipped', l.shipped::bigint, coalesce(s.sent, 0)
FROM orders.lines l JOIN orders.orders o ON o.id = l.order_id
LEFT JOIN (
  SELECT h.order_id, p.line_no, sum(p.quantity) AS sent
  FROM orders.shipments h JOIN orders.shipment_lines p ON p.shipment_id = h.id
  WHERE h.order_id {_BETWEEN} GROUP BY h.order_id, p.line_no
) s ON s.order_id = l.order_id AND s.line_no = l.line_no
WHERE l.order_id {_BETWEEN} AND l.kind = 'item'
  AND (coalesce(s.sent, 0) > l.shipped OR (coalesce(s.sent, 0) < l.shipped AND o.external_version IS NULL))
UNION ALL
SELECT 'returns', l.order_id, l.line_no, 'returned', l.returned::bigint, coalesce(s.back, 0)
FROM orders.lines l JOIN orders.orders o ON o.id = l.order_id
LEFT JOIN (
  SELECT h.order_id, p.line_no, sum(p.quantity) AS back
  FROM orders.returns h JOIN orders.return_lines p ON p.return_id = h.id
  WHERE h.order_id {_BETWEEN} GROUP BY h.order_id, p.line_no
) s ON s.order_id = l.order_id AND s.line_no = l.line_no
WHERE l.order_id {_BETWEEN}
  AND (coalesce(s.back, 0) > l.returned OR (coalesce(s.back, 0) < l.returned AND o.external_version IS NULL))
"""

_PROMISED = f"""
SELECT order_id, line_no, sku, quantity - cancelled - backordered - shipped
FROM orders.lines
WHERE order_id {_BETWEEN} AND stocked AND quantity > cancelled + backordered + shipped
"""

_PAID = f"SELECT id, authorised, captured, refunded FROM orders.orders WHERE id {_BETWEEN}"

# The one statement that looks at another module's table: what is reserved for an order that nobody knows can be found neither
# by the orders that there are nor by the reservations alone.
_DANGLING = """
SELECT r.promise_id, r.line_no, r.location_id, r.sku, r.quantity, r.hold_until
FROM inventory.reservations r LEFT JOIN orders.orders o ON o.id = r.promise_id
WHERE r.hold_until IS NULL AND o.id IS NULL
ORDER BY r.promise_id, r.line_no, r.location_id LIMIT %(limit)s
"""

_SET_PAID = """
UPDATE orders.orders SET authorised = %(authorised)s, captured = %(captured)s, refunded = %(refunded)s, version = version + 1
WHERE id = %(id)s
"""


class Promised(NamedTuple):
    """What a line should have reserved."""

    order_id: OrderId
    line_no: int
    sku: str
    quantity: int


async def stretch(reader: Reader, after: UUID, limit: int) -> list[OrderId]:
    """The next orders by id."""
    return await reader.values(_STRETCH, {"after": after, "limit": limit})


async def findings(reader: Reader, first: OrderId, last: OrderId) -> list[Finding]:
    """What does not add up within the order book itself, from one order to another."""
    params = {"first": first, "last": last}
    rows = [row for sql in (_SUMS, _VALUES, _LINE_TOTALS, _PARCELS) for row in await reader.rows(sql, params)]
    return [Finding(FindingKind(row[0]), row[1], row[2], row[3], int(row[4]), int(row[5])) for row in rows]


async def promised(reader: Reader, first: OrderId, last: OrderId) -> list[Promised]:
    return [Promised(*row) for row in await reader.rows(_PROMISED, {"first": first, "last": last})]


async def paid(reader: Reader, first: OrderId, last: OrderId) -> dict[UUID, Balance]:
    """The payment columns of these orders."""
    return {row[0]: Balance(*row[1:]) for row in await reader.rows(_PAID, {"first": first, "last": last})}


async def dangling(reader: Reader, limit: int) -> list[Reservation]:
    """Reservations for orders that do not exist."""
    return [Reservation(*row) for row in await reader.rows(_DANGLING, {"limit": limit})]


async def set_paid(tx: Tx, order_id: OrderId, balance: Balance) -> None:
    params = {"authorised": balance.authorised, "captured": balance.captured, "refunded": balance.refunded}
    await tx.run(_SET_PAID, {"id": order_id, **params})


async def counters(tx: Tx, ids: Sequence[OrderId]) -> dict[OrderId, dict[str, int]]:
    """The figures of orders that are sums."""
    columns = (*_COUNTERS, *_AMOUNTS, "value")
    statement = f"SELECT id, {', '.join(columns)} FROM orders.orders WHERE id = ANY(%(ids)s::uuid[])"
    rows = await tx.rows(statement, {"ids": arrays.uuids(ids)})
    return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}
