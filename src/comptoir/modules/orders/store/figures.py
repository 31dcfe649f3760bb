"""The roll-up of trade: adding to it, and reading it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from comptoir.modules.orders.contracts import Clock, Grain, Trade
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

SUMS = ("orders", "credits", "lines", "units", "total", "cancelled", "cancelled_total", "returned", "returned_total")


class TradeKey(NamedTuple):
    clock: str
    at: datetime
    """The begin of a minute."""
    channel: str
    currency: str


# Rows are written in the order of their key: consumers of two processes could else wait for each other.
_ADD = f"""
WITH given AS (
  SELECT * FROM unnest(%(clocks)s::text[], %(at)s::timestamptz[], %(channels)s::text[], %(currencies)s::text[],
    {", ".join(f"%({name})s::bigint[]" for name in SUMS)}) AS g (clock, at, channel_code, currency, {", ".join(SUMS)})
)
INSERT INTO orders.trade AS t (clock, grain, at, channel_code, currency, {", ".join(SUMS)})
SELECT clock, grain, date_trunc(grain, at), channel_code, currency, {", ".join(f"sum({name})" for name in SUMS)}
FROM given CROSS JOIN (VALUES ('minute'), ('hour')) AS grains (grain)
GROUP BY clock, grain, date_trunc(grain, at), channel_code, currency
ORDER BY clock, grain, date_trunc(grain, at), channel_code, currency
ON CONFLICT (clock, grain, at, channel_code, currency)
  DO UPDATE SET {", ".join(f"{name} = t.{name} + excluded.{name}" for name in SUMS)}
"""

_PLACED = "SELECT id, placed_at, currency, channel_code FROM orders.orders WHERE id = ANY(%(ids)s::uuid[])"

_SUMMED = ", ".join(f"sum(t.{name})::bigint AS {name}" for name in SUMS)

_READ = f"""
SELECT {{at}} AS at, {{channel}} AS channel, t.currency, {_SUMMED}
FROM orders.trade t
WHERE t.clock = %(clock)s AND t.grain = %(grain)s AND t.at >= %(since)s AND t.at < %(until)s
GROUP BY {{groups}} ORDER BY 1, 2, 3
"""
_MINUTES_FOR = timedelta(days=2)
"""A longer span is added up from hours."""


async def placed(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, tuple[datetime, str, str]]:
    """When these orders were placed, in which currency, and through which channel."""
    return {row[0]: (row[1], row[2], row[3]) for row in await reader.rows(_PLACED, {"ids": arrays.uuids(ids)})}


async def add(tx: Tx, sums: Mapping[TradeKey, Mapping[str, int]]) -> None:
    keys = list(sums)
    params: dict[str, object] = {
        "clocks": arrays.texts([key.clock for key in keys]),
        "at": [key.at for key in keys],
        "channels": arrays.texts([key.channel for key in keys]),
        "currencies": arrays.texts([key.currency for key in keys]),
    }
    for name in SUMS:
        params[name] = arrays.int8s([sums[key].get(name, 0) for key in keys])
    await tx.run(_ADD, params)


async def read(
    reader: Reader, clock: Clock, grain: Grain, since: datetime, until: datetime, *, by_channel: bool, zone: str
) -> list[Trade]:
    """What was sold from `since` to before `until`, in spans of the grain in a time zone, or altogether."""
    fine = grain is Grain.MINUTE or (grain is Grain.ALL and until - since <= _MINUTES_FOR)
    at = "min(t.at)" if grain is Grain.ALL else f"date_trunc('{grain}', t.at, %(zone)s)"
    groups = [*([] if grain is Grain.ALL else ["1"]), *(["2"] if by_channel else []), "3"]
    statement = _READ.format(at=at, channel="t.channel_code" if by_channel else "''", groups=", ".join(groups))
    params = {"clock": clock, "grain": "minute" if fine else "hour", "since": since, "until": until, "zone": zone}
    return await reader.all(Trade, statement, params)


async def last(reader: Reader, clock: Clock) -> datetime | None:
    """The last minute in which something was sold."""
    return await reader.value("SELECT max(at) FROM orders.trade WHERE clock = %(clock)s AND grain = 'minute'", {"clock": clock})
