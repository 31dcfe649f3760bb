"""Cycle counts."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.rows import TupleRow

from comptoir.modules.inventory.contracts import CountId, CountLine, StockCount
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_INSERT = """
INSERT INTO inventory.counts (id, location_id, at, actor, note)
VALUES (%(id)s, %(location_id)s, %(at)s, %(actor)s, %(note)s)
"""

_INSERT_LINES = """
INSERT INTO inventory.count_lines (count_id, sku, expected, counted)
SELECT %(id)s, sku, expected, counted
FROM unnest(%(skus)s::text[], %(expected)s::int[], %(counted)s::int[]) AS l (sku, expected, counted)
ORDER BY sku
"""

_LINES = "SELECT sku, expected, counted FROM inventory.count_lines WHERE count_id = %(id)s ORDER BY sku"


async def insert(tx: Tx, count: StockCount) -> None:
    lines = count.lines
    params: dict[str, object] = {
        "id": count.id,
        "location_id": count.location_id,
        "at": count.at,
        "actor": count.actor,
        "note": count.note,
        "skus": arrays.texts([line.sku for line in lines]),
        "expected": arrays.int4s([line.expected for line in lines]),
        "counted": arrays.int4s([line.counted for line in lines]),
    }
    await tx.run(_INSERT, params)
    await tx.run(_INSERT_LINES, params)


def _count(row: TupleRow) -> StockCount:
    return StockCount(*row)


LISTING = Listing(
    "id, location_id, at, actor, note, "
    "(SELECT count(*)::int FROM inventory.count_lines l WHERE l.count_id = counts.id), "
    "(SELECT count(*)::int FROM inventory.count_lines l WHERE l.count_id = counts.id AND l.expected <> l.counted)",
    "inventory.counts",
    _count,
    sorts(("at", [Key("at", KeyKind.INSTANT), Key("id", KeyKind.ID)])),
)


def where(location_ids: Sequence[LocationId]) -> Where:
    where = Where()
    if location_ids:
        where.add("location_id = ANY(%(places)s)", places=arrays.uuids(location_ids))
    return where


async def get(reader: Reader, count_id: CountId) -> StockCount | None:
    row = await reader.row("SELECT id, location_id, at, actor, note FROM inventory.counts WHERE id = %(id)s", {"id": count_id})
    if row is None:
        return None
    lines = tuple(CountLine(*line) for line in await reader.rows(_LINES, {"id": count_id}))
    differences = sum(1 for line in lines if line.difference)
    return StockCount(*row[:5], skus=len(lines), differences=differences, lines=lines)
