"""Setting very many levels at once.

The rows are copied into a table of the transaction's own. From there they go into levels and ledger sorted by key, which spares
the indexes of both most of the pages that rows in the order of a file would touch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, repeat
from typing import LiteralString
from uuid import UUID

from psycopg import errors

from comptoir.modules.inventory.contracts import AdjustReason, StockColumns
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Tx

_BLOCK = 20_000

_PREPARE = (
    "SET LOCAL work_mem = '128MB'",
    """CREATE TEMPORARY TABLE IF NOT EXISTS stock_load (
      sku text COLLATE "C" NOT NULL, location_id uuid NOT NULL, on_hand integer NOT NULL, safety integer
    ) ON COMMIT DROP""",
    "TRUNCATE pg_temp.stock_load",
)

_COPY: LiteralString = "COPY pg_temp.stock_load (sku, location_id, on_hand, safety) FROM STDIN (NULL '')"

# Of two rows of one spot the later counts: a table that is only added to keeps its rows in that order.
_WANTED = """
SELECT DISTINCT ON (sku, location_id) sku, location_id, on_hand, safety
FROM pg_temp.stock_load ORDER BY sku, location_id, ctid DESC
"""

_CREATE = f"""
WITH wanted AS MATERIALIZED ({_WANTED}), created AS (
  INSERT INTO inventory.levels AS l (sku, location_id, on_hand, safety)
  SELECT sku, location_id, on_hand, coalesce(safety, 0) FROM wanted AS w
  WHERE NOT EXISTS (SELECT FROM inventory.levels AS there WHERE there.sku = w.sku AND there.location_id = w.location_id)
  {{on_conflict}}
  RETURNING l.sku, l.location_id, l.on_hand, l.safety
), written AS (
  INSERT INTO inventory.entries (at, actor, kind, sku, location_id, on_hand, safety, import_id, reason)
  SELECT %(at)s, %(actor)s, 'adjusted', sku, location_id, on_hand, safety, %(import_id)s, %(reason)s
  FROM created WHERE on_hand <> 0 OR safety <> 0
)
SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM created)
"""

_CHANGE = f"""
WITH locked AS MATERIALIZED (
  SELECT l.sku, l.location_id, w.on_hand, w.safety
  FROM inventory.levels l JOIN ({_WANTED}) AS w ON l.sku = w.sku AND l.location_id = w.location_id
  WHERE l.on_hand <> w.on_hand OR l.safety <> w.safety
  ORDER BY l.sku, l.location_id
  FOR NO KEY UPDATE OF l
), changed AS (
  UPDATE inventory.levels l SET
    on_hand = k.on_hand,
    safety = coalesce(k.safety, l.safety),
    damaged = least(l.damaged, k.on_hand),
    quality = least(l.quality, k.on_hand - least(l.damaged, k.on_hand))
  FROM locked k WHERE l.sku = k.sku AND l.location_id = k.location_id
  RETURNING new.sku, new.location_id, new.on_hand,
    new.on_hand - old.on_hand AS on_hand_change, new.safety - old.safety AS safety_change,
    new.damaged - old.damaged AS damaged_change, new.quality - old.quality AS quality_change,
    greatest(0, new.reserved - greatest(0, new.on_hand - new.damaged - new.quality)) AS missing,
    greatest(0, old.reserved - greatest(0, old.on_hand - old.damaged - old.quality)) AS was_missing
), written AS (
  INSERT INTO inventory.entries (at, actor, kind, sku, location_id, on_hand, safety, damaged, quality, import_id, reason)
  SELECT %(at)s, %(actor)s, 'adjusted', sku, location_id, on_hand_change, safety_change, damaged_change, quality_change,
    %(import_id)s, %(reason)s
  FROM changed
), short AS (
  SELECT sku, location_id, missing, on_hand FROM changed WHERE missing > was_missing
)
SELECT (SELECT count(*) FROM changed), sku, location_id, missing, on_hand
FROM (SELECT 1) AS once LEFT JOIN short ON true
"""


async def stage(tx: Tx, columns: StockColumns) -> None:
    """Copies the rows into the transaction's own table."""
    for statement in _PREPARE:
        await tx.run(statement)
    async with tx.connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for block in _blocks(columns):
            await copy.write(block)


async def create_levels(tx: Tx, reason: AdjustReason, import_id: UUID | None) -> tuple[int, int]:
    """Makes the levels that are not there yet, with their entries; says how many spots there are, and how many were new.

    To be ready for somebody who makes one of them at the same time costs every row a fifth more: it is left for when one does.
    """
    params = _params(tx, reason, import_id)
    try:
        async with tx.connection.transaction():
            row = await tx.row(_CREATE.format(on_conflict=""), params)
    except errors.UniqueViolation:
        row = await tx.row(_CREATE.format(on_conflict="ON CONFLICT DO NOTHING"), params)
    assert row is not None, "a row of counts is always there"
    return row[0], row[1]


async def change_levels(
    tx: Tx, reason: AdjustReason, import_id: UUID | None
) -> tuple[int, list[tuple[str, LocationId, int, int]]]:
    """Sets the levels that are otherwise, and says how many those were.

    Also gives rows of (SKU, location, missing, on hand) for those of which more promised units are missing than before.
    """
    await tx.run("ANALYZE pg_temp.stock_load")
    rows = await tx.rows(_CHANGE, _params(tx, reason, import_id))
    return rows[0][0], [(row[1], row[2], row[3], row[4]) for row in rows if row[1] is not None]


def _params(tx: Tx, reason: AdjustReason, import_id: UUID | None) -> dict[str, object]:
    return {"at": tx.now, "actor": tx.actor, "reason": str(reason), "import_id": import_id}


def _blocks(columns: StockColumns) -> Iterator[bytes]:
    """The rows in PostgreSQL's text format. SKUs are printable: only a backslash means something else in there."""
    names = {location: str(location) for location in set(columns.location_ids)}
    safety: Sequence[int | None] | repeat[None] = repeat(None) if columns.safety is None else columns.safety
    rows = zip(columns.skus, columns.location_ids, columns.on_hand, safety, strict=False)
    while block := list(islice(rows, _BLOCK)):
        text = "".join([f"{sku}\t{names[at]}\t{on_hand}\t{'' if kept is None else kept}\n" for sku, at, on_hand, kept in block])
        yield text.replace("\\", "\\\\").encode()
