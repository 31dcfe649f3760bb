"""What is left of orders, as the database adds it up: what `modules.orders.allowances` says, for many orders at once.

A property test holds the two together; the doctor compares what is kept with this.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from comptoir.runtime import arrays
from comptoir.runtime.database import Tx


def _share(amount: str, quantity: str, first: str, units: str) -> str:
    """`domain.share`."""
    return (
        f"(sign({amount}::numeric)::bigint * (abs({amount}) / ({quantity}) * ({units}) "
        f"+ greatest(0, least(({first}) + ({units}), mod(abs({amount}), ({quantity})::bigint)) - ({first}))))"
    )


_WITHIN = _share("a.amount", "a.units", "s.begin - a.first", "s.until - s.begin")

VALUES_SQL = f"""
SELECT l.order_id, sum(CASE WHEN l.total > 0 THEN greatest(0, w.worth) ELSE w.worth END)::bigint AS value
FROM orders.lines l CROSS JOIN LATERAL (
  SELECT {_share("l.total", "l.quantity", "l.returned", "l.quantity - l.cancelled - l.returned")} - coalesce((
    SELECT sum({_WITHIN}) FROM orders.allowances a CROSS JOIN LATERAL (
      SELECT greatest(l.returned, a.first) AS begin, least(l.quantity - l.cancelled, a.first + a.units) AS until
    ) s
    WHERE a.order_id = l.order_id AND a.line_no = l.line_no AND s.begin < s.until
  ), 0) AS worth
) w
WHERE {{which}} GROUP BY l.order_id"""
"""Of each order of these lines; `which` is the condition."""

_REVALUE = f"""
UPDATE orders.orders o SET value = v.value FROM ({VALUES_SQL.format(which="l.order_id = ANY(%(ids)s::uuid[])")}) v
WHERE o.id = v.order_id AND o.value <> v.value"""


async def revalue(tx: Tx, ids: Sequence[UUID]) -> None:
    """Keeps what is left of these orders, after anything has changed that it depends on."""
    await tx.run(_REVALUE, {"ids": arrays.uuids(ids)})
