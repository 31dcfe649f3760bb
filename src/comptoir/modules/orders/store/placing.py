"""Where the units of orders come from: orders with what is open, and the locations that gave units back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import ChannelId, Chosen, OpenLine, OpenOrder, OrderId, Rejection
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

Part = tuple[OrderId, int, LocationId]
"""(order, line, location)."""

_OPEN = """
SELECT o.id, o.number, o.channel_id, o.channel_code, o.external_id, o.placed_at, o.currency, o.service, o.promised_on,
  o.pickup_location_id, coalesce(nullif(o.ship_to ->> 'name', ''), o.buyer ->> 'name', ''), coalesce(o.ship_to ->> 'city', ''),
  coalesce(o.ship_to ->> 'country', ''), (o.ship_to ->> 'latitude')::float, (o.ship_to ->> 'longitude')::float,
  (SELECT sum(l.total)::bigint FROM orders.lines l WHERE l.order_id = o.id AND l.kind = 'item')
FROM orders.orders o WHERE o.id = ANY(%(ids)s::uuid[])
"""

_OPEN_LINES = """
SELECT order_id, line_no, sku, name, stocked, quantity - cancelled - shipped, backordered, total / quantity
FROM orders.lines
WHERE order_id = ANY(%(ids)s::uuid[]) AND kind = 'item' AND quantity > cancelled + shipped
ORDER BY order_id, line_no
"""

_REJECT = """
INSERT INTO orders.rejections AS r (order_id, line_no, location_id, reason, quantity, at, actor)
SELECT %(order)s, line_no, %(location)s, %(reason)s, quantity, %(at)s, %(actor)s
FROM unnest(%(lines)s::int[], %(quantities)s::int[]) AS l (line_no, quantity)
ON CONFLICT (order_id, line_no, location_id) DO UPDATE
SET reason = excluded.reason, quantity = r.quantity + excluded.quantity, at = excluded.at, actor = excluded.actor
"""

_REJECTIONS = """
SELECT order_id, line_no, location_id, reason, quantity, at, actor FROM orders.rejections
WHERE order_id = ANY(%(ids)s::uuid[]) ORDER BY order_id, at, line_no
"""

_CHOOSE = """
INSERT INTO orders.choices AS c (order_id, line_no, location_id, at, actor)
SELECT order_id, line_no, location_id, %(at)s, %(actor)s
FROM unnest(%(orders)s::uuid[], %(lines)s::int[], %(locations)s::uuid[]) AS i (order_id, line_no, location_id)
ON CONFLICT (order_id, line_no, location_id) DO UPDATE SET at = excluded.at, actor = excluded.actor
"""

_FORGET_CHOICES = """
DELETE FROM orders.choices c USING unnest(%(orders)s::uuid[], %(lines)s::int[], %(locations)s::uuid[])
  AS i (order_id, line_no, location_id)
WHERE c.order_id = i.order_id AND c.line_no = i.line_no AND c.location_id = i.location_id
"""

_CHOICES = """
SELECT order_id, line_no, location_id, at, actor FROM orders.choices
WHERE order_id = ANY(%(ids)s::uuid[]) ORDER BY order_id, line_no, location_id
"""

_SHIPPED = """
SELECT s.order_id, l.line_no, s.location_id, sum(l.quantity)::int
FROM orders.shipments s JOIN orders.shipment_lines l ON l.shipment_id = s.id
WHERE s.order_id = ANY(%(ids)s::uuid[]) GROUP BY s.order_id, l.line_no, s.location_id
"""

_WAIT = """
WITH c AS (
  SELECT * FROM unnest(%(orders)s::uuid[], %(lines)s::int[], %(units)s::int[]) AS c (order_id, line_no, units)
), changed AS (
  UPDATE orders.lines l SET backordered = l.backordered + c.units FROM c
  WHERE l.order_id = c.order_id AND l.line_no = c.line_no
)
UPDATE orders.orders o SET backordered = o.backordered + s.units, version = o.version + 1
FROM (SELECT order_id, sum(units)::int AS units FROM c GROUP BY order_id) s
WHERE o.id = s.order_id
"""


async def open_orders(reader: Reader, ids: Sequence[UUID]) -> dict[OrderId, OpenOrder]:
    """Those of these orders that have open units."""
    packed = arrays.uuids(ids)
    lines: dict[UUID, list[OpenLine]] = {}
    for order_id, *fields in await reader.rows(_OPEN_LINES, {"ids": packed}):
        lines.setdefault(order_id, []).append(OpenLine(*fields))
    if not lines:
        return {}
    found: dict[OrderId, OpenOrder] = {}
    for row in await reader.rows(_OPEN, {"ids": arrays.uuids(list(lines))}):
        latitude, longitude, value = row[13:]
        found[OrderId(row[0])] = OpenOrder(
            id=OrderId(row[0]),
            number=row[1],
            channel_id=ChannelId(row[2]),
            channel_code=row[3],
            external_id=row[4],
            placed_at=row[5],
            currency=row[6],
            service=Service(row[7]),
            promised_on=row[8],
            pickup_location_id=row[9],
            name=row[10],
            city=row[11],
            country=row[12],
            destination=None if latitude is None or longitude is None else (latitude, longitude),
            lines=tuple(lines[row[0]]),
            value=value,
        )
    return found


async def insert_rejections(
    tx: Tx, order_id: OrderId, location_id: LocationId, reason: str, lines: Iterable[tuple[int, int]]
) -> None:
    """`lines` are (line number, units)."""
    rows = list(lines)
    await tx.run(
        _REJECT,
        {
            "order": order_id,
            "location": location_id,
            "reason": reason,
            "lines": arrays.int4s([no for no, _ in rows]),
            "quantities": arrays.int4s([units for _, units in rows]),
            "at": tx.now,
            "actor": tx.actor,
        },
    )


async def rejections(reader: Reader, ids: Sequence[UUID]) -> list[Rejection]:
    """The oldest of an order first."""
    return [Rejection(*row) for row in await reader.rows(_REJECTIONS, {"ids": arrays.uuids(ids)})]


async def put_choices(tx: Tx, parts: Iterable[Part]) -> None:
    await tx.run(_CHOOSE, _packed(parts) | {"at": tx.now, "actor": tx.actor})


async def forget_choices(tx: Tx, parts: Iterable[Part]) -> None:
    """Those of these that there are."""
    await tx.run(_FORGET_CHOICES, _packed(parts))


def _packed(parts: Iterable[Part]) -> dict[str, object]:
    rows = sorted(set(parts))
    return {
        "orders": arrays.uuids([order_id for order_id, _, _ in rows]),
        "lines": arrays.int4s([line_no for _, line_no, _ in rows]),
        "locations": arrays.uuids([location_id for _, _, location_id in rows]),
    }


async def choices(reader: Reader, ids: Sequence[UUID]) -> list[Chosen]:
    return [Chosen(*row) for row in await reader.rows(_CHOICES, {"ids": arrays.uuids(ids)})]


async def shipped_from(reader: Reader, ids: Sequence[UUID]) -> list[tuple[OrderId, int, LocationId, int]]:
    """(order, line, location, units)."""
    return [(OrderId(a), no, LocationId(b), n) for a, no, b, n in await reader.rows(_SHIPPED, {"ids": arrays.uuids(ids)})]


async def change_waiting(tx: Tx, changes: Sequence[tuple[OrderId, int, int]]) -> None:
    """By how much more units wait, rows of (order, line, units); also a new version of each order."""
    await tx.run(
        _WAIT,
        {
            "orders": arrays.uuids([order_id for order_id, _, _ in changes]),
            "lines": arrays.int4s([no for _, no, _ in changes]),
            "units": arrays.int4s([units for _, _, units in changes]),
        },
    )
