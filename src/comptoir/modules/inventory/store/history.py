"""The ledger as columns: what there was, and what came and went, for whoever plays it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from comptoir.runtime import arrays
from comptoir.runtime.columnar import Columns, Kind, columns
from comptoir.runtime.database import Reader

_FREE = "on_hand - safety - damaged - quality"

# Of orders only what is reserved for them is left out: these are what somebody decides anew.
_OPENING = f"""
SELECT sku, location_id, sum({_FREE} - reserved) FROM inventory.entries
WHERE at < %(since)s AND sku = ANY(%(skus)s::text[])
GROUP BY sku, location_id HAVING sum({_FREE} - reserved) <> 0"""

_FLOW = f"""
SELECT (extract(epoch FROM at) * 1000000)::bigint, sku, location_id, {_FREE} FROM inventory.entries
WHERE at >= %(since)s AND at < %(until)s AND sku = ANY(%(skus)s::text[])
  AND kind NOT IN ('reserved', 'released', 'shipped') AND {_FREE} <> 0
ORDER BY tx, seq"""


async def opening(reader: Reader, skus: Sequence[str], since: datetime) -> Columns:
    return await columns(
        reader, _OPENING, {"since": since, "skus": arrays.texts(skus)}, {"sku": "text", "location": "text", "units": "int64"}
    )


async def flow(reader: Reader, skus: Sequence[str], since: datetime, until: datetime) -> Columns:
    kinds: dict[str, Kind] = {"at": "int64", "sku": "text", "location": "text", "units": "int64"}
    return await columns(reader, _FLOW, {"since": since, "until": until, "skus": arrays.texts(skus)}, kinds)
