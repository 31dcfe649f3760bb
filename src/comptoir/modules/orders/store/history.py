"""Past orders as columns, for whoever routes them again: what they wanted, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from comptoir.runtime import arrays
from comptoir.runtime.columnar import Columns, Kind, columns
from comptoir.runtime.database import Reader

_CHOSEN = """o.channel_code = ANY(%(channels)s::text[]) AND o.placed_at >= %(since)s AND o.placed_at < %(until)s
  AND o.kind = 'sale' AND (o.location_id IS NULL OR o.pickup_location_id IS NOT NULL)"""

_WANTED = f"""
SELECT o.id, (extract(epoch FROM o.recorded_at) * 1000000)::bigint, (extract(epoch FROM o.placed_at) * 1000000)::bigint,
  o.channel_code, o.service, coalesce(o.ship_to ->> 'country', ''), (o.ship_to ->> 'latitude')::float8,
  (o.ship_to ->> 'longitude')::float8, o.promised_on - date '1970-01-01', o.pickup_location_id, l.line_no, l.sku,
  l.quantity - l.cancelled, l.total / l.quantity
FROM orders.orders o JOIN orders.lines l ON l.order_id = o.id
WHERE {_CHOSEN} AND l.kind = 'item' AND l.stocked AND l.quantity > l.cancelled
ORDER BY o.recorded_at, o.number, l.line_no"""

_SENT = f"""
SELECT o.id, s.location_id, l.line_no, l.quantity
FROM orders.orders o JOIN orders.shipments s ON s.order_id = o.id JOIN orders.shipment_lines l ON l.shipment_id = s.id
WHERE {_CHOSEN}
ORDER BY o.recorded_at, o.number"""

_CLOCK = f"SELECT min(o.recorded_at), max(o.recorded_at) FROM orders.orders o WHERE {_CHOSEN}"


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
