"""Reservations and cart holds.

A reservation is changed only under the lock of its level. A new one may be written before, if its transaction claims what it
takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from comptoir.kernel.errors import Remedy
from comptoir.modules.inventory.contracts import Reservation
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime import arrays
from comptoir.runtime.database import Contended, Reader, Tx

_RESERVE_ANEW = """
WITH r AS (
  SELECT * FROM unnest(%(promises)s::uuid[], %(lines)s::int[], %(locations)s::uuid[], %(skus)s::text[], %(quantities)s::int[])
    AS r (promise_id, line_no, location_id, sku, quantity)
), promised AS (
  INSERT INTO inventory.reservations (promise_id, line_no, location_id, sku, quantity, hold_until, at)
  SELECT promise_id, line_no, location_id, sku, quantity, %(hold_until)s::timestamptz, %(at)s FROM r
)
INSERT INTO inventory.entries (at, actor, kind, sku, location_id, reserved, order_id, hold_id)
SELECT %(at)s, %(actor)s, 'reserved', sku, location_id, quantity,
  CASE WHEN %(hold_until)s::timestamptz IS NULL THEN promise_id END,
  CASE WHEN %(hold_until)s::timestamptz IS NOT NULL THEN promise_id END
FROM r
"""

_RESERVE = """
WITH r AS (
  SELECT * FROM unnest(%(promises)s::uuid[], %(lines)s::int[], %(locations)s::uuid[], %(skus)s::text[], %(quantities)s::int[])
    AS r (promise_id, line_no, location_id, sku, quantity)
), promised AS (
  INSERT INTO inventory.reservations (promise_id, line_no, location_id, sku, quantity, hold_until, at)
  SELECT promise_id, line_no, location_id, sku, quantity, %(hold_until)s::timestamptz, %(at)s FROM r
  ON CONFLICT (promise_id, line_no, location_id)
    DO UPDATE SET quantity = inventory.reservations.quantity + excluded.quantity
), written AS (
  INSERT INTO inventory.entries (at, actor, kind, sku, location_id, reserved, order_id, hold_id)
  SELECT %(at)s, %(actor)s, 'reserved', sku, location_id, quantity,
    CASE WHEN %(hold_until)s::timestamptz IS NULL THEN promise_id END,
    CASE WHEN %(hold_until)s::timestamptz IS NOT NULL THEN promise_id END
  FROM r
)
UPDATE inventory.levels l SET reserved = l.reserved + d.quantity
FROM (SELECT sku, location_id, sum(quantity)::int AS quantity FROM r GROUP BY sku, location_id) d
WHERE l.sku = d.sku AND l.location_id = d.location_id
"""

_REDUCE_RESERVATIONS = """
WITH r AS (
  SELECT * FROM unnest(%(promises)s::uuid[], %(lines)s::int[], %(locations)s::uuid[], %(quantities)s::int[])
    AS r (promise_id, line_no, location_id, quantity)
), gone AS (
  DELETE FROM inventory.reservations t USING r
  WHERE t.promise_id = r.promise_id AND t.line_no = r.line_no AND t.location_id = r.location_id AND t.quantity = r.quantity
  RETURNING 1
), less AS (
  UPDATE inventory.reservations t SET quantity = t.quantity - r.quantity FROM r
  WHERE t.promise_id = r.promise_id AND t.line_no = r.line_no AND t.location_id = r.location_id AND t.quantity > r.quantity
  RETURNING 1
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM less)
"""

_RESERVATIONS = """
SELECT promise_id, line_no, location_id, sku, quantity, hold_until
FROM inventory.reservations WHERE promise_id = ANY(%(promises)s::uuid[])
ORDER BY promise_id, line_no, location_id
"""

_RESERVATIONS_AT = """
SELECT promise_id, line_no, location_id, sku, quantity, hold_until
FROM inventory.reservations WHERE sku = %(sku)s AND location_id = %(location)s
ORDER BY at DESC, promise_id DESC, line_no
"""


async def write_reservations(tx: Tx, reservations: Sequence[Reservation], hold_until: datetime | None) -> None:
    """Makes reservations, or lets them grow, with their entries; the levels exist and are locked."""
    await tx.run(_RESERVE, _reservation_params(tx, reservations, hold_until))


async def write_new_reservations(tx: Tx, reservations: Sequence[Reservation], hold_until: datetime | None) -> None:
    """Makes reservations of promises that have none yet, with their entries; what they take has still to be claimed."""
    await tx.run(_RESERVE_ANEW, _reservation_params(tx, reservations, hold_until))


def _reservation_params(tx: Tx, reservations: Sequence[Reservation], hold_until: datetime | None) -> dict[str, object]:
    return {
        "promises": arrays.uuids([r.promise_id for r in reservations]),
        "lines": arrays.int4s([r.line_no for r in reservations]),
        "locations": arrays.uuids([r.location_id for r in reservations]),
        "skus": arrays.texts([r.sku for r in reservations]),
        "quantities": arrays.int4s([r.quantity for r in reservations]),
        "hold_until": hold_until,
        "at": tx.now,
        "actor": tx.actor,
    }


async def reduce_reservations(tx: Tx, reservations: Sequence[Reservation]) -> None:
    """Lowers reservations by these quantities; they are locked with their level or their order. One row per key."""
    reduced = await tx.value(
        _REDUCE_RESERVATIONS,
        {
            "promises": arrays.uuids([r.promise_id for r in reservations]),
            "lines": arrays.int4s([r.line_no for r in reservations]),
            "locations": arrays.uuids([r.location_id for r in reservations]),
            "quantities": arrays.int4s([r.quantity for r in reservations]),
        },
    )
    if reduced != len(reservations):
        # Whoever mends a shortfall may have lowered them since they were read. Read again, they are as they are.
        raise Contended("a reservation has changed since it was read", remedy=Remedy.WAIT, retry_after=0.1)


async def reservations_of(reader: Reader, promises: Sequence[UUID]) -> list[Reservation]:
    return [Reservation(*row) for row in await reader.rows(_RESERVATIONS, {"promises": arrays.uuids(promises)})]


async def reservations_at(reader: Reader, sku: str, location_id: LocationId) -> list[Reservation]:
    """Who has been promised these units; the latest promise first."""
    rows = await reader.rows(_RESERVATIONS_AT, {"sku": sku, "location": location_id})
    return [Reservation(*row) for row in rows]


_INSERT_HOLDS = """
INSERT INTO inventory.holds (id, channel_id, cart, expires_at, at)
SELECT id, channel_id, cart, expires_at, %(at)s
FROM unnest(%(ids)s::uuid[], %(channels)s::uuid[], %(carts)s::text[], %(expires)s::timestamptz[])
  AS h (id, channel_id, cart, expires_at)
"""

_LOCK_HOLDS = """
SELECT id, expires_at FROM inventory.holds
WHERE id = ANY(%(ids)s::uuid[]) AND released_at IS NULL AND order_id IS NULL
ORDER BY id FOR UPDATE
"""

_END_HOLDS = """
UPDATE inventory.holds h SET released_at = %(at)s, order_id = e.order_id
FROM unnest(%(ids)s::uuid[], %(orders)s::uuid[]) AS e (id, order_id) WHERE h.id = e.id
"""

_EXPIRED_HOLDS = """
SELECT h.id FROM inventory.holds h
WHERE h.released_at IS NULL AND h.expires_at <= %(at)s
ORDER BY h.expires_at LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
"""


async def insert_holds(tx: Tx, holds: Sequence[tuple[UUID, UUID, str, datetime]]) -> None:
    """Rows of (id, channel id, cart, expires at)."""
    await tx.run(
        _INSERT_HOLDS,
        {
            "ids": arrays.uuids([h[0] for h in holds]),
            "channels": arrays.uuids([h[1] for h in holds]),
            "carts": arrays.texts([h[2] for h in holds]),
            "expires": [h[3] for h in holds],
            "at": tx.now,
        },
    )


async def lock_holds(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """The holds among these that are still there, locked, with the time at which each expires."""
    rows = await tx.rows(_LOCK_HOLDS, {"ids": arrays.uuids(ids)})
    return {row[0]: row[1] for row in rows}


async def end_holds(tx: Tx, ended: Sequence[tuple[UUID, UUID | None]]) -> None:
    """Closes holds, each with the order that it became or None."""
    await tx.run(
        _END_HOLDS,
        {
            "ids": arrays.uuids([e[0] for e in ended]),
            "orders": arrays.optional_uuids([e[1] for e in ended]),
            "at": tx.now,
        },
    )


async def expired_holds(tx: Tx, limit: int) -> list[UUID]:
    return await tx.values(_EXPIRED_HOLDS, {"at": tx.now, "limit": limit})
