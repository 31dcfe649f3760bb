"""What is changed in an order after it was placed: where it goes, and what was allowed off its price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from comptoir.kernel.ids import uuid7
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.allowances import Allowance
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.orders.store.valuing import revalue
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import storable

_ALLOWANCES = """
SELECT line_no, first, units, amount FROM orders.allowances WHERE order_id = %(order)s ORDER BY at, id
"""

_INSERT_ALLOWANCES = """
INSERT INTO orders.allowances (id, order_id, line_no, first, units, amount, reason, at, actor)
SELECT id, %(order)s, line_no, first, units, amount, %(reason)s, %(at)s, %(actor)s
FROM unnest(%(ids)s::uuid[], %(lines)s::int[], %(firsts)s::int[], %(units)s::int[], %(amounts)s::bigint[])
  AS a (id, line_no, first, units, amount)
"""

_DELIVERY = """
UPDATE orders.orders SET ship_to = coalesce(%(ship_to)s::jsonb, ship_to), service = coalesce(%(service)s, service),
  version = version + 1
WHERE id = %(id)s
"""

_PICKUP = """
UPDATE orders.orders SET pickup_location_id = %(pickup)s, service = %(service)s, version = version + 1 WHERE id = %(id)s
"""

_HISTORY = """
SELECT count(*)::int, count(*) FILTER (WHERE returned > 0)::int, coalesce(sum(shipped), 0)::bigint,
  coalesce(sum(returned), 0)::bigint
FROM orders.orders WHERE customer_id = %(customer)s AND placed_at >= %(since)s AND kind = 'sale'
"""


class History(NamedTuple):
    """What a customer has bought in a period: orders, those of which something came back, and units sent and returned."""

    orders: int
    orders_returned: int
    shipped: int
    returned: int


async def allowances(reader: Reader, order_id: OrderId) -> list[Allowance]:
    """The oldest first."""
    return [Allowance(*row) for row in await reader.rows(_ALLOWANCES, {"order": order_id})]


async def insert_allowances(tx: Tx, order_id: OrderId, rows: Sequence[Allowance], reason: str) -> None:
    await tx.run(
        _INSERT_ALLOWANCES,
        {
            "order": order_id,
            "ids": arrays.uuids([uuid7() for _ in rows]),
            "lines": arrays.int4s([row.line_no for row in rows]),
            "firsts": arrays.int4s([row.first for row in rows]),
            "units": arrays.int4s([row.units for row in rows]),
            "amounts": arrays.int8s([row.amount for row in rows]),
            "reason": reason,
            "at": tx.now,
            "actor": tx.actor,
        },
    )
    await revalue(tx, [order_id])


async def set_delivery(tx: Tx, order_id: OrderId, ship_to: bytes | None, service: str | None) -> None:
    """None leaves it as it is."""
    text = None if ship_to is None else ship_to.decode()
    await tx.run(_DELIVERY, {"id": order_id, "ship_to": text, "service": service})


async def set_pickup(tx: Tx, order_id: OrderId, location_id: LocationId | None, service: str) -> None:
    """None where it is sent."""
    await tx.run(_PICKUP, {"id": order_id, "pickup": location_id, "service": service})


async def ids_by_tracking(reader: Reader, number: str, limit: int) -> list[OrderId]:
    """Orders of which a shipment has this tracking number, the newest first."""
    return await reader.values(
        "SELECT order_id FROM orders.shipments WHERE tracking_number = %(number)s AND tracking_number <> '' "
        "ORDER BY shipped_at DESC, order_id LIMIT %(limit)s",
        {"number": storable(number), "limit": limit},
    )


async def history(reader: Reader, customer_id: UUID, since: datetime) -> History:
    row = await reader.row(_HISTORY, {"customer": customer_id, "since": since})
    assert row is not None, "a count has a row"
    return History(*row)
