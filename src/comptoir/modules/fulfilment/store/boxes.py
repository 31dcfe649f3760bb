"""Boxes that are to be opened again, and what is taken out of boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from comptoir.modules.fulfilment.contracts import Parcel, ParcelId
from comptoir.modules.fulfilment.store import work
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

Inside = Mapping[ParcelId, Mapping[int, int]]
"""Units by box and line."""

_RECALL = """
WITH c AS (
  SELECT * FROM unnest(%(boxes)s::uuid[], %(lines)s::int[], %(units)s::int[]) AS c (parcel_id, line_no, units)
), marked AS (
  UPDATE fulfilment.parcels SET recalled_at = coalesce(recalled_at, %(now)s), marked_at = NULL
  WHERE id IN (SELECT parcel_id FROM c)
)
UPDATE fulfilment.parcel_lines l SET quantity = l.quantity - c.units, recalled = l.recalled + c.units
FROM c WHERE l.parcel_id = c.parcel_id AND l.line_no = c.line_no"""

_TAKE = """
UPDATE fulfilment.parcel_lines l SET {column} = l.{column} - c.units
FROM unnest(%(boxes)s::uuid[], %(lines)s::int[], %(units)s::int[]) AS c (parcel_id, line_no, units)
WHERE l.parcel_id = c.parcel_id AND l.line_no = c.line_no"""

_TIDY = """
WITH empty AS (
  DELETE FROM fulfilment.parcel_lines WHERE parcel_id = ANY(%(boxes)s::uuid[]) AND quantity = 0 AND recalled = 0
  RETURNING parcel_id, line_no
), still AS (
  SELECT l.parcel_id, sum(l.recalled) AS recalled FROM fulfilment.parcel_lines l
  WHERE l.parcel_id = ANY(%(boxes)s::uuid[]) AND (l.parcel_id, l.line_no) NOT IN (SELECT parcel_id, line_no FROM empty)
  GROUP BY l.parcel_id
), gone AS (
  DELETE FROM fulfilment.parcels WHERE id = ANY(%(boxes)s::uuid[]) AND id NOT IN (SELECT parcel_id FROM still)
)
UPDATE fulfilment.parcels p SET recalled_at = NULL FROM still s
WHERE p.id = s.parcel_id AND s.recalled = 0 AND p.recalled_at IS NOT NULL"""

_RECALLED_AT = """
SELECT p.id FROM fulfilment.parcels p JOIN fulfilment.orders f ON f.id = p.fulfilment_id
WHERE p.recalled_at IS NOT NULL AND p.shipment_id IS NULL AND f.location_id = %(location)s
ORDER BY p.recalled_at, p.id LIMIT %(limit)s"""

_UNWANTED = """
SELECT p.id FROM fulfilment.parcels p
WHERE p.recalled_at IS NOT NULL AND p.shipment_id IS NULL AND (p.recalled_at, p.id) > (%(after_at)s, %(after)s)
  AND NOT EXISTS (SELECT FROM fulfilment.parcel_lines l WHERE l.parcel_id = p.id AND l.quantity > 0)
ORDER BY p.recalled_at, p.id LIMIT %(limit)s"""


def _flat(inside: Inside) -> dict[str, object]:
    rows = [(box, no, units) for box, own in inside.items() for no, units in own.items()]
    return {
        "boxes": arrays.uuids([row[0] for row in rows]),
        "lines": arrays.int4s([row[1] for row in rows]),
        "units": arrays.int4s([row[2] for row in rows]),
    }


async def recall(tx: Tx, inside: Inside) -> None:
    """These units are still in their boxes, and are not wanted any more."""
    await tx.run(_RECALL, _flat(inside) | {"now": tx.now})


async def take(tx: Tx, inside: Inside, *, recalled: bool) -> None:
    """These units, wanted or (`recalled`) not, are out of their boxes. Boxes with nothing in them are no more."""
    values = _flat(inside)
    await tx.run(_TAKE.format(column="recalled" if recalled else "quantity"), values)
    await tx.run(_TIDY, {"boxes": values["boxes"]})


async def weigh(tx: Tx, parcel_id: ParcelId, weight: int) -> None:
    await tx.run("UPDATE fulfilment.parcels SET weight = %(weight)s WHERE id = %(id)s", {"id": parcel_id, "weight": weight})


async def recalled_at(reader: Reader, location_id: LocationId, limit: int) -> list[Parcel]:
    ids: list[UUID] = await reader.values(_RECALLED_AT, {"location": location_id, "limit": limit})
    order = {key: n for n, key in enumerate(ids)}
    return sorted(await work.some_parcels(reader, [ParcelId(key) for key in ids]), key=lambda one: order[one.id])


async def unwanted(reader: Reader, after: Parcel | None, limit: int) -> list[Parcel]:
    """Boxes of which nothing is wanted any more, those recalled first first, from after this one on."""
    start = (
        {"after_at": after.recalled_at, "after": after.id}
        if after is not None
        else {"after_at": "-infinity", "after": UUID(int=0)}
    )
    ids: Sequence[UUID] = await reader.values(_UNWANTED, start | {"limit": limit})
    order = {key: n for n, key in enumerate(ids)}
    return sorted(await work.some_parcels(reader, [ParcelId(key) for key in ids]), key=lambda one: order[one.id])
