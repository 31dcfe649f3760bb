"""The SQL of promises that were kept at doors."""

from __future__ import annotations

from datetime import date, timedelta

from comptoir.modules.fulfilment.contracts import Broken, Kept
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Reader

_ONES = """
SELECT DISTINCT ON (p.order_id) p.order_id, p.order_number, p.channel, p.service, p.location_id, p.carrier, p.promised_on,
  CASE WHEN p.status = 'delivered' THEN (p.delivered_at AT TIME ZONE p.zone)::date END AS came_on
FROM tracking.parcels p
WHERE p.kind = 'parcel' AND p.promised_on >= %(since)s AND p.promised_on < %(until)s AND p.shipped_at >= %(shipped)s
  AND (p.status = 'delivered' OR (p.account_id IS NOT NULL AND p.status NOT IN ('cancelled', 'expired')))
ORDER BY p.order_id, came_on DESC NULLS FIRST, p.id"""
"""Of each order the parcel that came last. Where no carrier tells, nobody knows when it came, and it is not counted."""

_KEPT = f"""
SELECT date_trunc('week', promised_on)::date, channel, service, location_id, carrier,
  (count(*) FILTER (WHERE came_on <= promised_on))::int, (count(*) FILTER (WHERE (came_on <= promised_on) IS NOT TRUE))::int
FROM ({_ONES}) AS one GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"""

_BROKEN = f"""
SELECT order_id, order_number, channel, service, location_id, carrier, promised_on, came_on
FROM ({_ONES}) AS one WHERE (came_on <= promised_on) IS NOT TRUE
ORDER BY promised_on DESC, order_number DESC LIMIT %(limit)s"""

_BEFORE = timedelta(days=120)
"""So long before its promised day a parcel may have left."""


def _within(since: date, until: date) -> dict[str, object]:
    return {"since": since, "until": until, "shipped": since - _BEFORE}


async def kept(reader: Reader, since: date, until: date) -> list[Kept]:
    rows = await reader.rows(_KEPT, _within(since, until))
    return [Kept(week, channel, service, LocationId(place), *rest) for week, channel, service, place, *rest in rows]


async def broken(reader: Reader, since: date, until: date, limit: int) -> list[Broken]:
    rows = await reader.rows(_BROKEN, _within(since, until) | {"limit": limit})
    return [Broken(OrderId(key), number, one, way, LocationId(place), *rest) for key, number, one, way, place, *rest in rows]
