"""Past orders as columns, for whoever routes them again: what they wanted, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from comptoir.runtime import arrays
from comptoir.runtime.columnar import Columns, Kind, columns
from comptoir.runtime.database import Reader

_CHOSEN = """o.channel_code = ANY(%(channels)s::text[]) AND o.placed_at >= %(since)s AND o.placed_at < %(until)s
  AND o.kind = 'sale' AND (o.location_id IS NULL OR o.pickup_location_id IS NOT NULL)"""

_WANTED = f"""
WITH gone AS MATERIALIZED (
  SELECT e.order_id, e.line_no, sum(e.quantity)::int AS units FROM orders.exceptions e
  WHERE e.resolution = 'cancelled' AND e.kind IN ('shortfall', 'unroutable', 'overdue_backorder')
    AND e.order_id IS NOT NULL AND e.line_no IS NOT NULL
  GROUP BY e.order_id, e.line_no
)
SELECT o.id, (extract(epoch FROM o.recorded_at) * 1000000)::bigint, (extract(epoch FROM o.placed_at) * 1000000)::bigint,
  o.channel_code, o.service, coalesce(o.ship_to ->> 'country', ''), (o.ship_to ->> 'latitude')::float8,
  (o.ship_to ->> 'longitude')::float8, o.promised_on - date '1970-01-01', o.pickup_location_id, l.line_no, l.sku,
  l.quantity - l.cancelled + least(l.cancelled, coalesce(g.units, 0)), l.total / l.quantity,
  least(l.cancelled, coalesce(g.units, 0)), l.total
FROM orders.orders o JOIN orders.lines l ON l.order_id = o.id
  LEFT JOIN gone g ON g.order_id = l.order_id AND g.line_no = l.line_no
WHERE {_CHOSEN} AND l.kind = 'item' AND l.stocked AND l.quantity - l.cancelled + least(l.cancelled, coalesce(g.units, 0)) > 0
ORDER BY o.recorded_at, o.number, l.line_no"""
"""What was cancelled for want of stock was wanted all the same; what was taken back for another reason was not."""

_SENT = f"""
SELECT o.id, s.location_id, l.line_no, l.quantity
FROM orders.orders o JOIN orders.shipments s ON s.order_id = o.id JOIN orders.shipment_lines l ON l.shipment_id = s.id
WHERE {_CHOSEN}
ORDER BY o.recorded_at, o.number"""

_CLOCK = f"SELECT min(o.recorded_at), max(o.recorded_at) FROM orders.orders o WHERE {_CHOSEN}"

_BACK = f"""
SELECT location_id, sum(back)::int, sum(parts)::int FROM (
  SELECT r.location_id, count(DISTINCT o.id) AS back, count(DISTINCT o.id) AS parts
  FROM orders.orders o JOIN orders.rejections r ON r.order_id = o.id
  WHERE {_CHOSEN} GROUP BY r.location_id
  UNION ALL
  SELECT s.location_id, 0, count(*) FROM orders.orders o JOIN orders.shipments s ON s.order_id = o.id
  WHERE {_CHOSEN} GROUP BY s.location_id) AS counted
GROUP BY location_id"""


def _params(channels: Sequence[str], since: datetime, until: datetime) -> dict[str, object]:
    return {"channels": list(channels), "since": since, "until": until}


async def wanted(reader: Reader, channels: Sequence[str], since: datetime, until: datetime) -> Columns:
    kinds: dict[str, Kind] = {
        "order": "text",
        "recorded": "int64",
        "placed": "int64",
        "channel": "text",
        "service": "text",
        "country": "text",
        "latitude": "float64",
        "longitude": "float64",
        "promised": "int64",
        "pickup": "text",
        "line_no": "int64",
        "sku": "text",
        "units": "int64",
        "value": "int64",
        "gone": "int64",
        "total": "int64",
    }
    return await columns(reader, _WANTED, _params(channels, since, until), kinds)


async def sent(reader: Reader, channels: Sequence[str], since: datetime, until: datetime) -> Columns:
    kinds: dict[str, Kind] = {"order": "text", "location": "text", "line_no": "int64", "units": "int64"}
    return await columns(reader, _SENT, _params(channels, since, until), kinds)


async def clock(reader: Reader, channels: Sequence[str], since: datetime, until: datetime) -> tuple[datetime, datetime] | None:
    """When the first and the last of them were recorded."""
    params = _params(channels, since, until) | {"channels": arrays.texts(list(channels))}
    row = await reader.row(_CLOCK, params)
    return None if row is None or row[0] is None else (row[0], row[1])


async def given_back(reader: Reader, channels: Sequence[str], since: datetime, until: datetime) -> list[tuple[UUID, int, int]]:
    """By location: parts of these orders that it gave back, of so many that it was to send."""
    params = _params(channels, since, until) | {"channels": arrays.texts(list(channels))}
    return [(row[0], row[1], row[2]) for row in await reader.rows(_BACK, params)]
