"""All the SQL of packing."""

from __future__ import annotations

from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.packing.contracts import Carton, CartonDraft, CartonFilter, CartonId
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, Listing, Where, sorts

_FIELDS = ("code", "name", "location_id", "length", "width", "height", "weight", "max_weight", "cost", "active")
_READ = ("id", "version", "created_at", "updated_at", *_FIELDS)
_COLUMNS = ", ".join(_READ)

_INSERT = f"""
INSERT INTO packing.cartons (id, created_at, updated_at, {", ".join(_FIELDS)})
VALUES (%(id)s, %(now)s, %(now)s, {", ".join(f"%({name})s" for name in _FIELDS)})
ON CONFLICT (code) DO NOTHING
RETURNING {_COLUMNS}"""

_UPDATE = f"""
UPDATE packing.cartons
SET {", ".join(f"{name} = %({name})s" for name in _FIELDS)}, version = version + 1, updated_at = %(now)s
WHERE id = %(id)s AND (%(version)s::int IS NULL OR version = %(version)s)
RETURNING {_COLUMNS}"""

_HERE = "(location_id IS NULL OR location_id = %(location)s)"


def _carton(row: TupleRow) -> Carton:
    return Carton(**dict(zip(_READ, row, strict=True)))


def _params(draft: CartonDraft) -> dict[str, object]:
    return {name: getattr(draft, name) for name in _FIELDS}


LISTING = Listing(
    _COLUMNS,
    "packing.cartons",
    _carton,
    sorts(("code", [Key("code")]), ("name", [Key("runtime.plain(name)"), Key("code")])),
)


def where(wanted: CartonFilter) -> Where:
    where = Where()
    where.search(wanted.search, "name", code="code")
    where.equal("active", wanted.active)
    if wanted.location_id is not None:
        where.add(_HERE, location=wanted.location_id)
    return where


async def insert(tx: Tx, draft: CartonDraft) -> Carton | None:
    """None when another carton has the code."""
    row = await tx.row(_INSERT, _params(draft) | {"id": uuid7(), "now": tx.now})
    return None if row is None else _carton(row)


async def update(tx: Tx, carton_id: CartonId, draft: CartonDraft, version: int | None) -> Carton | None:
    """None when there is none with this id and version."""
    row = await tx.row(_UPDATE, _params(draft) | {"id": carton_id, "version": version, "now": tx.now})
    return None if row is None else _carton(row)


async def get(reader: Reader, carton_id: CartonId) -> Carton | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM packing.cartons WHERE id = %(id)s", {"id": carton_id})
    return None if row is None else _carton(row)


async def in_use(reader: Reader, location_id: LocationId) -> list[Carton]:
    """The active ones of a location, the smallest first."""
    rows = await reader.rows(
        f"SELECT {_COLUMNS} FROM packing.cartons WHERE active AND {_HERE} ORDER BY length::bigint * width * height, code",
        {"location": location_id},
    )
    return [_carton(row) for row in rows]
