"""When past orders came, as columns, for whoever compares what happened with what would have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from comptoir.runtime.columnar import Columns, Kind, columns
from comptoir.runtime.database import Reader

_CAME = """
SELECT order_id, max((delivered_at AT TIME ZONE zone)::date - date '1970-01-01')
FROM tracking.parcels
WHERE kind = 'parcel' AND channel = ANY(%(channels)s::text[]) AND shipped_at >= %(since)s
GROUP BY order_id HAVING bool_and(status = 'delivered' AND delivered_at IS NOT NULL)"""


async def came(reader: Reader, channels: Sequence[str], since: datetime) -> Columns:
    kinds: dict[str, Kind] = {"order": "text", "day": "int64"}
    return await columns(reader, _CAME, {"channels": list(channels), "since": since}, kinds)
