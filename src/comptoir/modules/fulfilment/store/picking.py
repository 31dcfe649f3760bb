"""Waves, bins, and the counts that are in doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from psycopg.rows import TupleRow

from comptoir.modules.fulfilment.contracts import (
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


async def bins(reader: Reader, location_id: LocationId, skus: Sequence[str]) -> dict[str, str]:
    """Of those SKUs that have one."""
    return dict(
        await reader.rows(
            "SELECT sku, bin FROM fulfilment.bins WHERE location_id = %(location)s AND sku = ANY(%(skus)s::text[])",
            {"location": location_id, "skus": arrays.texts(skus)},
        )
    )


BINS = Listing(
    "b.sku, b.bin",
    "fulfilment.bins b",
    lambda row: SkuBin(row[0], row[1]),
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
