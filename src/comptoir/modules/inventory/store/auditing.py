"""Adding everything up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import TupleRow

from comptoir.modules.inventory.contracts import Level, Reservation, Spot
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_BUCKETS = ("on_hand", "reserved", "safety", "damaged", "quality", "incoming")

_COMING = """
SELECT sku, location_id, sum(quantity) AS coming FROM (
  SELECT sku, location_id, quantity - received - cancelled AS quantity
  FROM inventory.supplies WHERE received + cancelled < quantity
  UNION ALL
  SELECT l.sku, t.to_location_id, l.quantity + l.surplus - l.unsent - l.received - l.missing
  FROM inventory.transfers t JOIN inventory.transfer_lines l ON l.transfer_id = t.id
  WHERE t.state IN ('in_transit', 'partly_received') AND l.received + l.missing + l.unsent < l.quantity + l.surplus
) AS open GROUP BY sku, location_id
"""

_COLUMNS = f"""
  {", ".join(f"coalesce(l.{bucket}, 0)" for bucket in _BUCKETS)},
  {", ".join(f"coalesce(e.{bucket}, 0)" for bucket in _BUCKETS)},
  coalesce(r.promised, 0), coalesce(c.coming, 0)"""

_SUMS = ", ".join(f"sum({bucket})::bigint AS {bucket}" for bucket in _BUCKETS)

# One statement, so that levels, ledger and reservations are of one moment.
_DRIFT = f"""
SELECT sku, location_id, {_COLUMNS}, count(*) OVER ()
FROM inventory.levels l
FULL JOIN (SELECT sku, location_id, {_SUMS} FROM inventory.entries GROUP BY sku, location_id) e USING (sku, location_id)
FULL JOIN (
  SELECT sku, location_id, sum(quantity) AS promised FROM inventory.reservations GROUP BY sku, location_id
) r USING (sku, location_id)
FULL JOIN ({_COMING}) c USING (sku, location_id)
WHERE {" OR ".join(f"coalesce(l.{bucket}, 0) <> coalesce(e.{bucket}, 0)" for bucket in _BUCKETS)}
  OR coalesce(l.reserved, 0) <> coalesce(r.promised, 0) OR coalesce(l.incoming, 0) <> coalesce(c.coming, 0)
  OR least(l.reserved, l.safety, l.damaged, l.quality, l.incoming) < 0
ORDER BY sku, location_id
LIMIT %(limit)s
"""

_DRIFT_AT = f"""
WITH c AS MATERIALIZED ({_COMING})
SELECT k.sku, k.location_id, {_COLUMNS}
FROM unnest(%(skus)s::text[], %(locations)s::uuid[]) AS k (sku, location_id)
JOIN inventory.levels l ON l.sku = k.sku AND l.location_id = k.location_id
CROSS JOIN LATERAL (
  SELECT {_SUMS} FROM inventory.entries e WHERE e.sku = k.sku AND e.location_id = k.location_id
) e
CROSS JOIN LATERAL (
  SELECT sum(quantity) AS promised FROM inventory.reservations r WHERE r.sku = k.sku AND r.location_id = k.location_id
) r
LEFT JOIN c ON c.sku = k.sku AND c.location_id = k.location_id
ORDER BY k.sku, k.location_id
"""

_DANGLING = """
SELECT r.promise_id, r.line_no, r.location_id, r.sku, r.quantity, r.hold_until, count(*) OVER ()
FROM inventory.reservations r LEFT JOIN inventory.holds h ON h.id = r.promise_id
WHERE (r.hold_until IS NOT NULL AND (h.id IS NULL OR h.released_at IS NOT NULL OR h.expires_at <= %(overdue)s))
   OR (r.hold_until IS NULL AND h.id IS NOT NULL)
ORDER BY r.sku, r.location_id, r.promise_id, r.line_no
LIMIT %(limit)s
"""

_CLOSE_HOLDS = """
UPDATE inventory.holds SET released_at = %(at)s
WHERE id = ANY(%(ids)s::uuid[]) AND released_at IS NULL
  AND NOT EXISTS (SELECT FROM inventory.reservations WHERE promise_id = id)
RETURNING id
"""

# The one place where an entry is written without its level: it says that the level was changed without an entry.
_ACKNOWLEDGE = f"""
INSERT INTO inventory.entries (at, actor, kind, sku, location_id, {", ".join(_BUCKETS)}, reason, note)
SELECT %(at)s, %(actor)s, 'adjusted', sku, location_id, {", ".join(_BUCKETS)}, %(reason)s, %(note)s
FROM unnest(%(skus)s::text[], %(locations)s::uuid[], {", ".join(f"%({bucket})s::int[]" for bucket in _BUCKETS)})
  WITH ORDINALITY AS d (sku, location_id, {", ".join(_BUCKETS)}, n)
ORDER BY n
"""

_COUNTS = "SELECT (SELECT count(*) FROM inventory.levels), (SELECT count(*) FROM inventory.entries)"


@dataclass(frozen=True, slots=True)
class Drift:
    """What is written at a spot, and what the parts of it add up to."""

    spot: Spot
    level: Level
    ledger: Level
    promised: int
    coming: int


def _drift(row: TupleRow) -> Drift:
    numbers = [int(value) for value in row[2:16]]
    return Drift((row[0], row[1]), Level(*numbers[:6]), Level(*numbers[6:12]), numbers[12], numbers[13])


async def give_room(tx: Tx) -> None:
    """Adding up takes longer than a page may, and sorts better in memory."""
    await tx.run("SET LOCAL statement_timeout = 0")
    await tx.run("SET LOCAL work_mem = '64MB'")


async def drifts(reader: Reader, limit: int) -> tuple[list[Drift], int]:
    """The first spots that do not add up, and how many there are."""
    rows = await reader.rows(_DRIFT, {"limit": limit})
    return [_drift(row) for row in rows], rows[0][16] if rows else 0


async def drifts_at(tx: Tx, spots: Sequence[Spot]) -> list[Drift]:
    """The same for spots whose levels are locked."""
    params = {"skus": arrays.texts([s[0] for s in spots]), "locations": arrays.uuids([s[1] for s in spots])}
    return [_drift(row) for row in await tx.rows(_DRIFT_AT, params)]


async def dangling(reader: Reader, overdue: datetime, limit: int) -> tuple[list[Reservation], int]:
    """Reservations of holds that are gone, or expired before `overdue`, and how many there are."""
    rows = await reader.rows(_DANGLING, {"overdue": overdue, "limit": limit})
    return [Reservation(*row[:6]) for row in rows], rows[0][6] if rows else 0


async def close_holds(tx: Tx, ids: Sequence[UUID]) -> list[UUID]:
    """Closes those that have no units left; says which."""
    return await tx.values(_CLOSE_HOLDS, {"ids": arrays.uuids(ids), "at": tx.now})


async def acknowledge(tx: Tx, changes: Sequence[tuple[Spot, Level]], reason: str, note: str) -> None:
    """Writes entries for changes that the levels have had already."""
    params: dict[str, object] = {
        "skus": arrays.texts([spot[0] for spot, _ in changes]),
        "locations": arrays.uuids([spot[1] for spot, _ in changes]),
        "at": tx.now,
        "actor": tx.actor,
        "reason": reason,
        "note": note,
    }
    for n, bucket in enumerate(_BUCKETS):
        params[bucket] = arrays.int4s([change[n] for _, change in changes])
    await tx.run(_ACKNOWLEDGE, params)


async def counts(reader: Reader) -> tuple[int, int]:
    """How many levels and entries there are."""
    row = await reader.row(_COUNTS)
    assert row is not None, "a row of counts is always there"
    return row[0], row[1]
