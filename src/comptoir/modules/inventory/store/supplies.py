"""What is on its way from suppliers."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.rows import TupleRow

from comptoir.modules.inventory.contracts import Supply, SupplyFilter, SupplyId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_COLUMNS = "id, sku, location_id, quantity, received, cancelled, expected_on, reference, at"

_INSERT = """
INSERT INTO inventory.supplies (id, sku, location_id, quantity, expected_on, reference, at)
SELECT id, sku, location_id, quantity, expected_on::date, %(reference)s, %(at)s
FROM unnest(%(ids)s::uuid[], %(skus)s::text[], %(locations)s::uuid[], %(quantities)s::int[], %(days)s::text[])
  AS s (id, sku, location_id, quantity, expected_on)
ORDER BY id
"""

_READ = f"SELECT {_COLUMNS} FROM inventory.supplies WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id"

_UPDATE = """
UPDATE inventory.supplies s SET received = n.received, cancelled = n.cancelled, expected_on = n.expected_on::date
FROM unnest(%(ids)s::uuid[], %(received)s::int[], %(cancelled)s::int[], %(days)s::text[])
  AS n (id, received, cancelled, expected_on)
WHERE s.id = n.id
"""


def _supply(row: TupleRow) -> Supply:
    return Supply(*row)


LISTING = Listing(
    _COLUMNS,
    "inventory.supplies",
    _supply,
    sorts(
        ("expected", [Key("(expected_on - DATE '2000-01-01')::bigint", KeyKind.INTEGER), Key("id", KeyKind.ID)]),
        ("at", [Key("at", KeyKind.INSTANT), Key("id", KeyKind.ID)]),
        ("sku", [Key("sku"), Key("id", KeyKind.ID)]),
    ),
)


def where(wanted: SupplyFilter) -> Where:
    where = Where()
    if wanted.skus is not None:
        where.add("sku = ANY(%(skus)s::text[])", skus=arrays.texts(wanted.skus))
    if wanted.location_ids is not None:
        where.add("location_id = ANY(%(location_ids)s::uuid[])", location_ids=arrays.uuids(wanted.location_ids))
    if wanted.open_only:
        where.add("received + cancelled < quantity")
    where.begins("reference", wanted.reference)
    return where


async def insert(tx: Tx, supplies: Sequence[Supply], reference: str) -> None:
    await tx.run(
        _INSERT,
        {
            "ids": arrays.uuids([s.id for s in supplies]),
            "skus": arrays.texts([s.sku for s in supplies]),
            "locations": arrays.uuids([s.location_id for s in supplies]),
            "quantities": arrays.int4s([s.quantity for s in supplies]),
            "days": arrays.texts([s.expected_on.isoformat() for s in supplies]),
            "reference": reference,
            "at": tx.now,
        },
    )


async def read(reader: Reader, ids: Sequence[SupplyId]) -> dict[SupplyId, Supply]:
    return {supply.id: supply for supply in map(_supply, await reader.rows(_READ, {"ids": arrays.uuids(ids)}))}


async def lock(tx: Tx, ids: Sequence[SupplyId]) -> dict[SupplyId, Supply]:
    """Those that there are, which nobody else changes until the transaction ends. Supplies are locked before levels."""
    return {supply.id: supply for supply in map(_supply, await tx.rows(f"{_READ} FOR UPDATE", {"ids": arrays.uuids(ids)}))}


async def update(tx: Tx, supplies: Sequence[Supply]) -> None:
    await tx.run(
        _UPDATE,
        {
            "ids": arrays.uuids([s.id for s in supplies]),
            "received": arrays.int4s([s.received for s in supplies]),
            "cancelled": arrays.int4s([s.cancelled for s in supplies]),
            "days": arrays.texts([s.expected_on.isoformat() for s in supplies]),
        },
    )
