"""The SQL of promises that counters kept, or that nobody has kept yet although their day is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from comptoir.modules.fulfilment.contracts import Broken, Kept
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader

_ONES = """
SELECT f.order_id, f.order_number, f.channel_code, f.service, f.location_id,
  CASE WHEN f.method = 'ship' THEN f.carrier ELSE '' END AS carrier,
  coalesce(f.promised_on, (f.leaves_by AT TIME ZONE z.zone)::date) AS promised_on,
  CASE WHEN f.method <> 'ship' THEN (f.ready_at AT TIME ZONE z.zone)::date END AS came_on,
  f.method <> 'ship' AND f.ready_at IS NOT NULL AND CASE WHEN f.promised_on IS NULL THEN f.ready_at <= f.leaves_by
    ELSE (f.ready_at AT TIME ZONE z.zone)::date <= f.promised_on END AS kept
FROM fulfilment.orders f JOIN unnest(%(places)s::uuid[], %(zones)s::text[]) AS z (location_id, zone)
  ON z.location_id = f.location_id
WHERE f.state <> 'cancelled'
  AND ((f.promised_on >= %(since)s AND f.promised_on < %(until)s)
    OR (f.promised_on IS NULL AND f.method IN ('collect', 'hand_out')
      AND f.leaves_by >= %(since)s::date::timestamptz AND f.leaves_by < %(until)s::date::timestamptz))
  AND (f.method IN ('collect', 'hand_out') OR (f.method = 'ship' AND f.state <> 'closed' AND f.gone < f.quantity))"""
"""What goes to a door is here only as long as it has not left: of what has left its carrier tells when it came."""

_KEPT = f"""
SELECT date_trunc('week', promised_on)::date, channel_code, service, location_id, carrier,
  (count(*) FILTER (WHERE kept))::int, (count(*) FILTER (WHERE NOT kept))::int
FROM ({_ONES}) AS one GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"""

_BROKEN = f"""
SELECT order_id, order_number, channel_code, service, location_id, carrier, promised_on, came_on
FROM ({_ONES}) AS one WHERE NOT kept ORDER BY promised_on DESC, order_number DESC LIMIT %(limit)s"""


def _within(since: date, until: date, zones: Mapping[LocationId, str]) -> dict[str, object]:
    return {
        "since": since, "until": until, "places": arrays.uuids(list(zones)), "zones": arrays.texts(list(zones.values())),
    }  # fmt: skip


async def kept(reader: Reader, since: date, until: date, zones: Mapping[LocationId, str]) -> list[Kept]:
    rows = await reader.rows(_KEPT, _within(since, until, zones))
    return [Kept(week, channel, service, LocationId(place), *rest) for week, channel, service, place, *rest in rows]


async def broken(reader: Reader, since: date, until: date, zones: Mapping[LocationId, str], limit: int) -> list[Broken]:
    rows = await reader.rows(_BROKEN, _within(since, until, zones) | {"limit": limit})
    return [Broken(OrderId(key), number, one, way, LocationId(place), *rest) for key, number, one, way, place, *rest in rows]
