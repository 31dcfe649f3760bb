"""Levels and their ledger. Levels are written only in the statement that writes the ledger entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from comptoir.modules.inventory.contracts import Level, Movement, Spot
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime import arrays
from comptoir.runtime.arrays import Packed
from comptoir.runtime.database import Later, Reader, Tx

_SPOTS = "unnest(%(skus)s::text[], %(locations)s::uuid[])"


def _spot_params(spots: Sequence[Spot]) -> dict[str, object]:
    return {"skus": arrays.texts([s[0] for s in spots]), "locations": arrays.uuids([s[1] for s in spots])}


# Locks are taken in the order of the key, everywhere: that is what keeps writers from waiting for each other in a circle.
_LOCK = f"""
WITH k AS (SELECT * FROM {_SPOTS} WITH ORDINALITY AS k (sku, location_id, n))
SELECT k.n::int, l.on_hand, l.reserved, l.safety, l.damaged, l.quality, l.incoming
FROM inventory.levels l JOIN k ON l.sku = k.sku AND l.location_id = k.location_id
WHERE (
  SELECT count(*) FROM inventory.levels l JOIN k ON l.sku = k.sku AND l.location_id = k.location_id
) = %(count)s
ORDER BY l.sku, l.location_id
FOR NO KEY UPDATE OF l
"""
"""Locks all of them or, where some are not there yet, none: whoever held a lock while it creates a level that comes before it
could wait for somebody who waits for that lock."""

_LOCK_AVAILABLE = f"""
SELECT k.n::int, l.on_hand - l.reserved - l.safety - l.damaged - l.quality
FROM inventory.levels l
JOIN {_SPOTS} WITH ORDINALITY AS k (sku, location_id, n) ON l.sku = k.sku AND l.location_id = k.location_id
ORDER BY l.sku, l.location_id
FOR NO KEY UPDATE OF l
"""

_AVAILABLE = f"""
SELECT k.n::int, l.on_hand - l.reserved - l.safety - l.damaged - l.quality
FROM {_SPOTS} WITH ORDINALITY AS k (sku, location_id, n)
JOIN inventory.levels l ON l.sku = k.sku AND l.location_id = k.location_id
"""

_LOCK_AVAILABLE_NOW = f"{_LOCK_AVAILABLE} SKIP LOCKED"

_CLAIM = """
WITH taken AS (
  UPDATE inventory.levels l SET reserved = l.reserved + k.quantity
  FROM unnest(%(skus)s::text[], %(locations)s::uuid[], %(quantities)s::int[]) AS k (sku, location_id, quantity)
  WHERE l.sku = k.sku AND l.location_id = k.location_id
    AND l.on_hand - l.reserved - l.safety - l.damaged - l.quality >= k.quantity
  RETURNING 1
)
SELECT 1 / (count(*) = %(count)s)::int FROM taken
"""
"""Divides by zero where something is not there any more: the statement fails, and with it the transaction, without anybody
having to look at its result first."""

_ONE_BY_ONE = "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"
"""For the rest of the transaction: rows are updated, and so locked, in the order in which they are named."""

_CREATE_LEVELS = f"""
INSERT INTO inventory.levels (sku, location_id)
SELECT sku, location_id FROM {_SPOTS} AS k (sku, location_id) ORDER BY sku, location_id
ON CONFLICT DO NOTHING
"""

_BUCKETS = ("on_hand", "reserved", "safety", "damaged", "quality", "incoming")
_CAUSES = ("order_id", "hold_id", "shipment_id", "return_id", "transfer_id", "supply_id", "count_id", "import_id")

_POST = f"""
WITH m AS (
  SELECT * FROM unnest(
    %(kind)s::text[], %(sku)s::text[], %(location_id)s::uuid[],
    {", ".join(f"%({bucket})s::int[]" for bucket in _BUCKETS)},
    {", ".join(f"%({cause})s::uuid[]" for cause in _CAUSES)},
    %(reason)s::text[], %(note)s::text[]
  ) WITH ORDINALITY AS m (kind, sku, location_id, {", ".join(_BUCKETS)}, {", ".join(_CAUSES)}, reason, note, n)
), written AS (
  INSERT INTO inventory.entries (at, actor, kind, sku, location_id, {", ".join(_BUCKETS)}, {", ".join(_CAUSES)}, reason, note)
  SELECT %(at)s, %(actor)s, kind, sku, location_id, {", ".join(_BUCKETS)}, {", ".join(_CAUSES)}, reason, note FROM m ORDER BY n
)
UPDATE inventory.levels l SET {", ".join(f"{bucket} = l.{bucket} + d.{bucket}" for bucket in _BUCKETS)}
FROM (
  SELECT sku, location_id, {", ".join(f"sum({bucket})::int AS {bucket}" for bucket in _BUCKETS)}
  FROM m GROUP BY sku, location_id
) d
WHERE l.sku = d.sku AND l.location_id = d.location_id
"""

_AVAILABLE_IN_POOL = """
SELECT k.n::int, l.location_id, l.on_hand - l.reserved - l.safety - l.damaged - l.quality
FROM unnest(%(skus)s::text[]) WITH ORDINALITY AS k (sku, n)
JOIN inventory.levels l ON l.sku = k.sku
WHERE l.location_id = ANY(%(locations)s::uuid[])
  AND l.on_hand - l.reserved - l.safety - l.damaged - l.quality > 0
"""


async def lock_available(tx: Tx, spots: Sequence[Spot]) -> dict[Spot, int]:
    """Locks these levels and gives what is available at each; a spot that has no level is not there. `spots` are distinct."""
    rows = await tx.rows(_LOCK_AVAILABLE, _spot_params(spots))
    return {spots[n - 1]: available for n, available in rows}


async def ask_available(reader: Reader, spots: Sequence[Spot]) -> Later[dict[Spot, int]]:
    """As `lock_available` without locks, to be read later: how it is at a glance. To promise on it, `claim` it."""
    return await reader.ask(lambda rows: {spots[n - 1]: quantity for n, quantity in rows}, _AVAILABLE, _spot_params(spots))


async def available(reader: Reader, spots: Sequence[Spot]) -> dict[Spot, int]:
    """As `ask_available`, at once."""
    return await (await ask_available(reader, spots))()


async def claim(tx: Tx, wanted: Mapping[Spot, int]) -> None:
    """Reserves so much at each of these levels if it is available, as the last thing that the transaction does: it locks them
    in key order. Otherwise the transaction fails with `Outrun`, at the latest when it commits.
    """
    spots = sorted(wanted, key=key_order)
    params = _spot_params(spots)
    params |= {"quantities": arrays.int4s([wanted[spot] for spot in spots]), "count": len(spots)}
    await tx.run(_ONE_BY_ONE)
    await tx.run(_CLAIM, params)


def key_order(spot: Spot) -> tuple[str, int]:
    """The order of the levels' key. Comparing ids as numbers is what comparing them does, without a call for each pair."""
    return (spot[0], spot[1].int)


async def locked_by_others(tx: Tx, spots: Sequence[Spot]) -> set[Spot]:
    """Which of these levels somebody else has locked at this moment. Locks the others."""
    free: set[Spot] = {spots[n - 1] for n, _ in await tx.rows(_LOCK_AVAILABLE_NOW, _spot_params(spots))}
    return {spot for spot in await available(tx, spots) if spot not in free}


async def lock_levels(tx: Tx, spots: Sequence[Spot]) -> dict[Spot, Level]:
    """Locks these levels, creating those that are not there yet. `spots` are distinct."""
    params = _spot_params(spots) | {"count": len(spots)}
    rows = await tx.rows(_LOCK, params)
    if len(rows) < len(spots):
        await tx.run(_CREATE_LEVELS, params)
        rows = await tx.rows(_LOCK, params)
    assert len(rows) == len(spots), "levels are never deleted"
    return {spots[row[0] - 1]: Level(*row[1:]) for row in rows}


async def post(tx: Tx, movements: Sequence[Movement]) -> None:
    """Writes ledger entries and adds them to the levels, which exist and are locked."""
    params: dict[str, object] = {
        "kind": arrays.texts([m.kind for m in movements]),
        "sku": arrays.texts([m.sku for m in movements]),
        "location_id": arrays.uuids([m.location_id for m in movements]),
        "reason": arrays.optional_texts([m.reason for m in movements]),
        "note": arrays.optional_texts([m.note for m in movements]),
        "at": tx.now,
        "actor": tx.actor,
    }
    for bucket in _BUCKETS:
        params[bucket] = arrays.int4s([getattr(m, bucket) for m in movements])
    for cause in _CAUSES:
        params[cause] = arrays.optional_uuids([getattr(m, cause) for m in movements])
    await tx.run(_POST, params)


async def available_in_pool(
    reader: Reader, skus: Sequence[str], locations: Sequence[LocationId] | Packed
) -> list[tuple[str, LocationId, int]]:
    """Where in the pool there is something of these SKUs, without locking; one row per SKU and location that has any."""
    names = list(skus)
    packed = locations if isinstance(locations, Packed) else arrays.uuids(locations)
    rows = await reader.rows(_AVAILABLE_IN_POOL, {"skus": arrays.texts(skus), "locations": packed})
    return [(names[n - 1], location, available) for n, location, available in rows]
