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


# What the roll-up should be: the orders' own history, up to where its consumer has read. Of a log whose beginning is forgotten
# only what was told in whole hours since can be told again.
_TRUE = f"""
WITH read AS (
  SELECT tx, seq FROM runtime.consumers WHERE name = %(consumer)s
), bounds AS (
  SELECT coalesce(
    (SELECT date_trunc('hour', e.at) + interval '1 hour'
     FROM (SELECT at FROM runtime.events ORDER BY tx, seq LIMIT 1) e
     WHERE EXISTS (SELECT FROM orders.orders o WHERE o.recorded_at < e.at)),
    '-infinity') AS since
), told AS (
  SELECT e.at, (e.data->>'placed_at')::timestamptz AS placed_at, e.data->>'channel' AS channel_code,
    e.data->>'currency' AS currency, (e.data->>'kind' <> 'credit')::int AS orders, (e.data->>'kind' = 'credit')::int AS credits,
    jsonb_array_length(e.data->'lines') AS lines,
    (e.data->>'quantity')::bigint * CASE WHEN e.data->>'kind' = 'credit' THEN -1 ELSE 1 END AS units,
    (e.data->>'total')::bigint AS total, 0 AS cancelled, 0 AS cancelled_total, 0 AS returned, 0 AS returned_total
  FROM runtime.events e, read r WHERE e.type = 'order.placed' AND (e.tx, e.seq) <= (r.tx, r.seq)
  UNION ALL
  SELECT e.at, o.placed_at, o.channel_code, o.currency, 0, 0, 0,
    CASE WHEN e.type = 'order.updated' THEN (e.data->>'quantity_change')::bigint ELSE 0 END,
    CASE WHEN e.type = 'order.updated' THEN (e.data->>'total_change')::bigint ELSE 0 END,
    CASE WHEN e.type = 'order.cancelled' THEN (e.data->>'units')::bigint ELSE 0 END,
    CASE WHEN e.type = 'order.cancelled' THEN (e.data->>'refundable')::bigint ELSE 0 END,
    CASE e.type WHEN 'order.returned' THEN (e.data->>'units')::bigint
      WHEN 'order.given_back' THEN -(e.data->>'units')::bigint ELSE 0 END,
    CASE e.type WHEN 'order.returned' THEN (e.data->>'refundable')::bigint
      WHEN 'order.given_back' THEN -(e.data->>'worth')::bigint ELSE 0 END
  FROM runtime.events e JOIN orders.orders o ON o.id = e.subject, read r
  WHERE e.type IN ('order.cancelled', 'order.returned', 'order.given_back', 'order.updated') AND (e.tx, e.seq) <= (r.tx, r.seq)
), true_rows AS (
  SELECT clock, grain, date_trunc(grain, CASE clock WHEN 'placed' THEN placed_at ELSE t.at END) AS at, channel_code, currency,
    {", ".join(f"sum({name})::bigint AS {name}" for name in SUMS)}
  FROM told t, bounds b, (VALUES ('placed'), ('recorded')) AS clocks (clock), (VALUES ('minute'), ('hour')) AS grains (grain)
  WHERE b.since = '-infinity' OR (clock = 'recorded' AND t.at >= b.since)
  GROUP BY 1, 2, 3, 4, 5
), kept AS (
  SELECT t.* FROM orders.trade t, bounds b WHERE b.since = '-infinity' OR (t.clock = 'recorded' AND t.at >= b.since)
)
"""
_KEY = ("clock", "grain", "at", "channel_code", "currency")
_DRIFT = f"""
{_TRUE}
SELECT count(*), count(*) FILTER (WHERE
  ({", ".join(f"coalesce(t.{name}, 0)" for name in SUMS)}) <> ({", ".join(f"coalesce(k.{name}, 0)" for name in SUMS)}))
FROM true_rows t FULL JOIN kept k USING ({", ".join(_KEY)})
"""
_HOLD_BACK = "SELECT FROM runtime.consumers WHERE name = %(consumer)s FOR UPDATE"
_REBUILD = f"""
{_TRUE}, gone AS (
  DELETE FROM orders.trade g USING kept k
  WHERE ({", ".join(f"g.{name}" for name in _KEY)}) = ({", ".join(f"k.{name}" for name in _KEY)})
    AND NOT EXISTS (
      SELECT FROM true_rows t WHERE ({", ".join(f"t.{name}" for name in _KEY)}) = ({", ".join(f"k.{name}" for name in _KEY)})
    )
)
INSERT INTO orders.trade AS k ({", ".join((*_KEY, *SUMS))})
SELECT {", ".join((*_KEY, *SUMS))} FROM true_rows
ON CONFLICT ({", ".join(_KEY)}) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in SUMS)}
  WHERE ({", ".join(f"k.{name}" for name in SUMS)}) <> ({", ".join(f"excluded.{name}" for name in SUMS)})
"""


async def drift(reader: Reader, consumer: str) -> tuple[int, int]:
    """How many rows were added up again, and how many of them differ."""
    row = await reader.row(_DRIFT, {"consumer": consumer})
    assert row is not None
    return row[0], row[1]


async def hold_back(tx: Tx, consumer: str) -> None:
    """The consumer waits until this transaction ends."""
    await tx.run(_HOLD_BACK, {"consumer": consumer})


async def rebuild(tx: Tx, consumer: str) -> None:
    """Writes what the rows should be."""
    await tx.run(_REBUILD, {"consumer": consumer})


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
