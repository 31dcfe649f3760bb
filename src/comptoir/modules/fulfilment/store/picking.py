"""Waves, bins, and the counts that are in doubt."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from psycopg.rows import TupleRow

from comptoir.modules.fulfilment.contracts import (
    BinRow,
    CountTask,
    FulfilmentId,
    SkuBin,
    Wave,
    WaveId,
    WaveKind,
    WaveState,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_WAVE = """w.id, w.number, w.location_id, w.kind, w.created_at, w.created_by,
  (SELECT count(*)::int FROM fulfilment.orders f WHERE f.wave_id = w.id),
  (SELECT coalesce(sum(f.quantity), 0)::int FROM fulfilment.orders f WHERE f.wave_id = w.id),
  (SELECT coalesce(sum(f.picked), 0)::int FROM fulfilment.orders f WHERE f.wave_id = w.id)"""


def _wave(row: TupleRow) -> Wave:
    key, number, location, kind, created_at, created_by, orders, units, picked = row
    return Wave(
        id=WaveId(key),
        number=number,
        location_id=LocationId(location),
        kind=WaveKind(kind),
        state=WaveState.DONE if picked >= units else WaveState.OPEN,
        created_at=created_at,
        created_by=created_by,
        orders=orders,
        units=units,
        picked=picked,
    )


WAVES = Listing(
    _WAVE,
    "fulfilment.waves w",
    _wave,
    sorts(("created", [Key("w.created_at", KeyKind.INSTANT), Key("w.id", KeyKind.ID)])),
)


def at_location(location_id: LocationId) -> Where:
    where = Where()
    where.equal("w.location_id", location_id)
    return where


async def insert_wave(tx: Tx, wave_id: WaveId, location_id: LocationId, kind: WaveKind) -> None:
    await tx.run(
        "INSERT INTO fulfilment.waves (id, location_id, kind, created_at, created_by) "
        "VALUES (%(id)s, %(location)s, %(kind)s, %(now)s, %(actor)s)",
        {"id": wave_id, "location": location_id, "kind": kind, "now": tx.now, "actor": tx.actor},
    )


async def wave(reader: Reader, wave_id: WaveId) -> Wave | None:
    row = await reader.row(f"SELECT {_WAVE} FROM fulfilment.waves w WHERE w.id = %(id)s", {"id": wave_id})
    return None if row is None else _wave(row)


async def in_wave(reader: Reader, wave_id: WaveId) -> list[FulfilmentId]:
    """In the order in which they were placed."""
    return await reader.values(
        "SELECT id FROM fulfilment.orders WHERE wave_id = %(id)s ORDER BY placed_at, id", {"id": wave_id}
    )


async def zone_assignees(reader: Reader, wave_id: WaveId) -> dict[str, str]:
    """Who picks which zone."""
    return dict(await reader.rows("SELECT zone, assignee FROM fulfilment.wave_zones WHERE wave_id = %(id)s", {"id": wave_id}))


async def lock_wave(tx: Tx, wave_id: WaveId) -> None:
    await tx.run("SELECT FROM fulfilment.waves WHERE id = %(id)s FOR UPDATE", {"id": wave_id})


async def put_zone(tx: Tx, wave_id: WaveId, zone: str) -> None:
    """It is picked by whoever asks."""
    await tx.run(
        """
        INSERT INTO fulfilment.wave_zones (wave_id, zone, assignee, taken_at) VALUES (%(id)s, %(zone)s, %(actor)s, %(now)s)
        ON CONFLICT (wave_id, zone) DO UPDATE SET assignee = excluded.assignee, taken_at = excluded.taken_at""",
        {"id": wave_id, "zone": zone, "actor": tx.actor, "now": tx.now},
    )


async def drop_zone(tx: Tx, wave_id: WaveId, zone: str) -> None:
    """Nobody picks it."""
    await tx.run("DELETE FROM fulfilment.wave_zones WHERE wave_id = %(id)s AND zone = %(zone)s", {"id": wave_id, "zone": zone})


_SHELF = "b.sku, b.bin, coalesce(p.zone, ''), p.sequence"
_SHELVES = "fulfilment.bins b LEFT JOIN fulfilment.bin_places p ON p.location_id = b.location_id AND p.bin = b.bin"


async def bins(reader: Reader, location_id: LocationId, skus: Sequence[str]) -> dict[str, str]:
    """Of those SKUs that have one."""
    return dict(
        await reader.rows(
            "SELECT sku, bin FROM fulfilment.bins WHERE location_id = %(location)s AND sku = ANY(%(skus)s::text[])",
            {"location": location_id, "skus": arrays.texts(skus)},
        )
    )


async def shelves(reader: Reader, location_id: LocationId, skus: Sequence[str]) -> dict[str, SkuBin]:
    """Of those SKUs that have a bin, with its zone and its number on the walk."""
    rows = await reader.rows(
        f"SELECT {_SHELF} FROM {_SHELVES} WHERE b.location_id = %(location)s AND b.sku = ANY(%(skus)s::text[])",
        {"location": location_id, "skus": arrays.texts(skus)},
    )
    return {row[0]: SkuBin(*row) for row in rows}


BINS = Listing(
    _SHELF,
    _SHELVES,
    lambda row: SkuBin(*row),
    sorts(("bin", [Key("b.bin"), Key("b.sku")]), ("sku", [Key("b.sku")])),
)


def bins_at(location_id: LocationId, skus: Sequence[str], text: str) -> Where:
    """Of a location; with a text those that are named so, or whose bin or SKU begins with it."""
    where = Where()
    where.equal("b.location_id", location_id)
    if text:
        where.add(
            "(b.sku = ANY(%(skus)s::text[]) OR starts_with(lower(b.sku), lower(%(text)s)) "
            "OR starts_with(lower(b.bin), lower(%(text)s)))",
            skus=arrays.texts(skus),
            text=text,
        )
    return where


async def put_bins(tx: Tx, location_id: LocationId, bins: Mapping[str, str]) -> None:
    """An empty bin takes the SKU out of its bin."""
    skus = sorted(bins)
    await tx.run(
        """
        WITH i AS (
          SELECT * FROM unnest(%(skus)s::text[], %(bins)s::text[]) AS i (sku, bin)
        ), gone AS (
          DELETE FROM fulfilment.bins b USING i WHERE b.location_id = %(location)s AND b.sku = i.sku AND i.bin = ''
        )
        INSERT INTO fulfilment.bins (location_id, sku, bin) SELECT %(location)s, sku, bin FROM i WHERE bin <> ''
        ON CONFLICT (location_id, sku) DO UPDATE SET bin = excluded.bin""",
        {"location": location_id, "skus": arrays.texts(skus), "bins": arrays.texts([bins[sku] for sku in skus])},
    )


_LOAD = """
WITH i AS (
  SELECT * FROM unnest(%(locations)s::uuid[], %(skus)s::text[], %(bins)s::text[]) AS i (location_id, sku, bin)
), gone AS (
  DELETE FROM fulfilment.bins b USING i WHERE b.location_id = i.location_id AND b.sku = i.sku AND i.bin = ''
  RETURNING b.location_id, b.sku
), put AS (
  INSERT INTO fulfilment.bins AS b (location_id, sku, bin) SELECT location_id, sku, bin FROM i WHERE bin <> '' ORDER BY 1, 2
  ON CONFLICT (location_id, sku) DO UPDATE SET bin = excluded.bin WHERE b.bin <> excluded.bin
  RETURNING b.location_id, b.sku, old.bin IS NULL AS created
)
SELECT location_id, sku, created FROM put UNION ALL SELECT location_id, sku, false FROM gone
"""

_LOAD_PLACES = """
WITH i AS (
  SELECT * FROM unnest(%(locations)s::uuid[], %(bins)s::text[], %(zones)s::text[], %(sequences)s::int[])
    AS i (location_id, bin, zone, sequence)
), put AS (
  INSERT INTO fulfilment.bin_places AS p (location_id, bin, zone, sequence)
  SELECT location_id, bin, coalesce(zone, ''), sequence FROM i ORDER BY 1, 2
  ON CONFLICT (location_id, bin) DO UPDATE SET
    zone = CASE WHEN (SELECT i.zone FROM i WHERE i.location_id = p.location_id AND i.bin = p.bin) IS NULL
      THEN p.zone ELSE excluded.zone END,
    sequence = coalesce(excluded.sequence, p.sequence)
  RETURNING p.location_id, p.bin, old.bin IS NULL AS created, (old.zone, old.sequence) IS DISTINCT FROM (new.zone, new.sequence)
    AS changed
)
SELECT location_id, bin FROM put WHERE created OR changed
"""


async def load_bins(tx: Tx, rows: Sequence[BinRow]) -> dict[tuple[LocationId, str], bool]:
    """The (location, SKU) whose bin is another now, with whether they had none. Each is there once."""
    found = await tx.rows(
        _LOAD,
        {
            "locations": arrays.uuids([row.location_id for row in rows]),
            "skus": arrays.texts([row.sku for row in rows]),
            "bins": arrays.texts([row.bin for row in rows]),
        },
    )
    return {(LocationId(location), sku): created for location, sku, created in found}


async def load_places(tx: Tx, rows: Sequence[BinRow]) -> set[tuple[LocationId, str]]:
    """The bins whose zone or number is another now. Each (location, bin) is there once."""
    found = await tx.rows(
        _LOAD_PLACES,
        {
            "locations": arrays.uuids([row.location_id for row in rows]),
            "bins": arrays.texts([row.bin for row in rows]),
            "zones": [row.zone for row in rows],
            "sequences": [row.sequence for row in rows],
        },
    )
    return {(LocationId(location), code) for location, code in found}


def stream_bins(reader: Reader, location_ids: Sequence[LocationId]) -> AsyncIterator[BinRow]:
    """Everything that lies somewhere, and bins that have a place and nothing in them, location by location."""
    return _streamed(reader, location_ids)


async def _streamed(reader: Reader, location_ids: Sequence[LocationId]) -> AsyncIterator[BinRow]:
    for location_id in location_ids:
        after = ("", "")
        while rows := await reader.rows(
            """
            SELECT coalesce(b.sku, ''), coalesce(b.bin, p.bin), coalesce(p.zone, ''), p.sequence
            FROM (SELECT * FROM fulfilment.bins WHERE location_id = %(location)s) b
            FULL JOIN (SELECT * FROM fulfilment.bin_places WHERE location_id = %(location)s) p ON p.bin = b.bin
            WHERE (coalesce(b.bin, p.bin), coalesce(b.sku, '')) > (%(bin)s, %(sku)s)
            ORDER BY 2, 1 LIMIT 2000""",
            {"location": location_id, "bin": after[0], "sku": after[1]},
        ):
            for sku, code, zone, sequence in rows:
                yield BinRow(location_id, sku, code, zone, sequence)
            after = rows[-1][1], rows[-1][0]


async def doubt(tx: Tx, location_id: LocationId, units: Mapping[str, int], reason: str, order_id: UUID | None) -> None:
    """Asks for a count of these SKUs; units that were not found add up until somebody has counted."""
    skus = sorted(units)
    await tx.run(
        """
        INSERT INTO fulfilment.count_tasks AS t (location_id, sku, units, reason, order_id, opened_at)
        SELECT %(location)s, sku, units, %(reason)s, %(order)s, %(now)s
        FROM unnest(%(skus)s::text[], %(units)s::int[]) AS i (sku, units)
        ON CONFLICT (location_id, sku) DO UPDATE SET units = t.units + excluded.units""",
        {
            "location": location_id,
            "reason": reason,
            "order": order_id,
            "now": tx.now,
            "skus": arrays.texts(skus),
            "units": arrays.int4s([units[sku] for sku in skus]),
        },
    )


async def count_tasks(reader: Reader, location_id: LocationId, limit: int) -> list[CountTask]:
    """The oldest first."""
    rows = await reader.rows(
        "SELECT location_id, sku, units, reason, opened_at, order_id FROM fulfilment.count_tasks "
        "WHERE location_id = %(location)s ORDER BY opened_at, sku LIMIT %(limit)s",
        {"location": location_id, "limit": limit},
    )
    return [
        CountTask(location_id=row[0], sku=row[1], units=row[2], reason=row[3], opened_at=row[4], order_id=row[5])
        for row in rows
    ]


async def settle_counts(tx: Tx, location_id: LocationId, skus: Sequence[str]) -> dict[str, int]:
    """Closes the tasks of SKUs that have been counted; gives the units that were set aside."""
    return dict(
        await tx.rows(
            "DELETE FROM fulfilment.count_tasks WHERE location_id = %(location)s AND sku = ANY(%(skus)s::text[]) "
            "RETURNING sku, units",
            {"location": location_id, "skus": arrays.texts(skus)},
        )
    )
