"""All the SQL of locations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.locations import domain
from comptoir.modules.locations.contracts import (
    Closures,
    Location,
    LocationDraft,
    LocationFilter,
    LocationId,
    LocationKind,
    Pool,
    PoolDraft,
    PoolId,
    PoolMember,
    PoolSummary,
    Postcode,
)
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, Listing, Where, sorts

_FIELDS = (
    "code",
    "name",
    "kind",
    "active",
    "line1",
    "line2",
    "postcode",
    "city",
    "region",
    "country",
    "latitude",
    "longitude",
    "contact",
    "phone",
    "email",
    "time_zone",
    "opening_hours",
    "closures",
    "ships",
    "pickup",
    "returns",
    "third_party",
    "daily_capacity",
)
_READ = ("id", "version", "created_at", "updated_at", *_FIELDS)
_COLUMNS = ", ".join(_READ)

_INPUT = """jsonb_to_recordset(%(rows)s::jsonb) AS input (
  id uuid, code text, name text, kind text, active boolean, line1 text, line2 text, postcode text, city text, region text,
  country text, latitude float8, longitude float8, contact text, phone text, email text, time_zone text, opening_hours jsonb,
  closures jsonb, ships boolean, pickup boolean, returns boolean, third_party boolean,
  daily_capacity integer)"""

_INSERT = f"""
INSERT INTO locations.locations AS l (id, created_at, updated_at, {", ".join(_FIELDS)})
SELECT id, %(now)s, %(now)s, {", ".join(_FIELDS)} FROM {_INPUT} ORDER BY code"""

INSERT = f"{_INSERT} ON CONFLICT (code) DO NOTHING RETURNING {_COLUMNS}"

UPSERT = f"""{_INSERT}
ON CONFLICT (code) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _FIELDS[1:])},
  version = l.version + 1, updated_at = excluded.updated_at
WHERE ({", ".join(f"l.{name}" for name in _FIELDS[1:])})
  IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _FIELDS[1:])})
RETURNING l.id, l.code, old.id IS NULL"""

UPDATE = f"""
UPDATE locations.locations AS l
SET {", ".join(f"{name} = input.{name}" for name in _FIELDS)}, version = l.version + 1, updated_at = %(now)s
FROM {_INPUT}
WHERE l.id = input.id AND (%(version)s::int IS NULL OR l.version = %(version)s)
RETURNING {", ".join(f"l.{name}" for name in _READ)}"""


def _location(row: TupleRow) -> Location:
    fields: dict[str, Any] = dict(zip(_READ, row, strict=True))
    fields["kind"] = LocationKind(fields["kind"])
    closures = msgspec.convert(fields.pop("closures"), Closures)
    fields["opening_hours"] = replace(domain.hours_from_json(fields["opening_hours"]), closures=closures)
    return Location(**fields)


LISTING = Listing(
    _COLUMNS,
    "locations.locations",
    _location,
    sorts(
        ("code", [Key("code")]),
        ("name", [Key("runtime.plain(name)"), Key("code")]),
        ("city", [Key("runtime.plain(city)"), Key("code")]),
        ("kind", [Key("kind"), Key("code")]),
    ),
)


def where(wanted: LocationFilter) -> Where:
    where = Where()
    where.search(wanted.search, "name || ' ' || city", code="code")
    where.equal("kind", wanted.kind)
    where.equal("active", wanted.active)
    where.equal("country", wanted.country)
    where.equal("ships", wanted.ships)
    where.equal("pickup", wanted.pickup)
    if wanted.pool is not None:
        where.add("id IN (SELECT location_id FROM locations.pool_members WHERE pool_id = %(pool)s)", pool=wanted.pool)
    return where


def _rows(drafts: Sequence[tuple[UUID, LocationDraft]]) -> str:
    rows = [
        {name: getattr(draft, name) for name in _FIELDS if name != "closures"}
        | {"id": key, "opening_hours": domain.hours_to_json(draft.opening_hours), "closures": draft.opening_hours.closures}
        for key, draft in drafts
    ]
    return msgspec.json.encode(rows).decode()


async def insert(tx: Tx, draft: LocationDraft) -> Location | None:
    """None when another location has the code."""
    row = await tx.row(INSERT, {"rows": _rows([(uuid7(), draft)]), "now": tx.now})
    return None if row is None else _location(row)


async def update(tx: Tx, location_id: LocationId, draft: LocationDraft, version: int | None) -> Location | None:
    """None when there is none with this id and version."""
    row = await tx.row(UPDATE, {"rows": _rows([(location_id, draft)]), "version": version, "now": tx.now})
    return None if row is None else _location(row)


async def upsert(tx: Tx, drafts: Sequence[LocationDraft]) -> list[tuple[LocationId, str, bool]]:
    """The id and code of what differs now, and whether it is new."""
    rows = await tx.rows(UPSERT, {"rows": _rows([(uuid7(), draft) for draft in drafts]), "now": tx.now})
    return [(LocationId(key), code, new) for key, code, new in rows]


async def get(reader: Reader, location_id: LocationId) -> Location | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM locations.locations WHERE id = %(id)s", {"id": location_id})
    return None if row is None else _location(row)


async def by_codes(reader: Reader, codes: Sequence[str]) -> list[Location]:
    rows = await reader.rows(
        f"SELECT {_COLUMNS} FROM locations.locations WHERE code = ANY(%(codes)s) ORDER BY code", {"codes": arrays.texts(codes)}
    )
    return [_location(row) for row in rows]


async def ids(reader: Reader, codes: Sequence[str]) -> dict[str, LocationId]:
    rows = await reader.rows(
        "SELECT code, id FROM locations.locations WHERE code = ANY(%(codes)s)", {"codes": arrays.texts(codes)}
    )
    return dict(rows)


async def names(reader: Reader, ids: Sequence[LocationId]) -> dict[LocationId, tuple[str, str]]:
    rows = await reader.rows(
        "SELECT id, code, name FROM locations.locations WHERE id = ANY(%(ids)s)", {"ids": arrays.uuids(ids)}
    )
    return {key: (code, name) for key, code, name in rows}


async def third_parties(reader: Reader, ids: Sequence[LocationId]) -> set[LocationId]:
    rows = await reader.values(
        "SELECT id FROM locations.locations WHERE id = ANY(%(ids)s::uuid[]) AND third_party", {"ids": arrays.uuids(ids)}
    )
    return set(rows)


# Pools

_POOL = "SELECT id, code, name, version FROM locations.pools"

_MEMBERS = """
SELECT l.id, l.code, m.priority, l.latitude, l.longitude, l.ships, l.pickup, l.active
FROM locations.pool_members m JOIN locations.locations l ON l.id = m.location_id
WHERE m.pool_id = %(id)s
ORDER BY m.priority, l.code"""

POOLS = Listing(
    "id, code, name, version, (SELECT count(*)::int FROM locations.pool_members m WHERE m.pool_id = pools.id)",
    "locations.pools",
    lambda row: PoolSummary(*row),
    sorts(("code", [Key("code")]), ("name", [Key("runtime.plain(name)"), Key("code")])),
)

REPLACE_MEMBERS = """
MERGE INTO locations.pool_members AS m
USING (SELECT location_id, priority FROM unnest(%(locations)s::uuid[], %(priorities)s::int[]) AS i (location_id, priority)
       ORDER BY location_id) AS i
ON m.pool_id = %(id)s AND m.location_id = i.location_id
WHEN MATCHED AND m.priority <> i.priority THEN UPDATE SET priority = i.priority
WHEN NOT MATCHED THEN INSERT (pool_id, location_id, priority) VALUES (%(id)s, i.location_id, i.priority)
WHEN NOT MATCHED BY SOURCE AND m.pool_id = %(id)s THEN DELETE
RETURNING 1"""

STAMP = """
SELECT (SELECT coalesce(sum(version), 0) FROM locations.pools) + (SELECT coalesce(sum(version), 0) FROM locations.locations)"""
"""Locations and pools are never deleted and every change adds to a version, so that what is committed has a sum of its own."""


async def _pool(reader: Reader, row: TupleRow | None) -> Pool | None:
    if row is None:
        return None
    pool_id, code, name, version = row
    members = await reader.rows(_MEMBERS, {"id": pool_id})
    return Pool(id=pool_id, code=code, name=name, version=version, members=tuple(PoolMember(*member) for member in members))


async def pool(reader: Reader, pool_id: PoolId) -> Pool | None:
    return await _pool(reader, await reader.row(f"{_POOL} WHERE id = %(id)s", {"id": pool_id}))


async def pool_by_code(reader: Reader, code: str) -> Pool | None:
    return await _pool(reader, await reader.row(f"{_POOL} WHERE code = %(code)s", {"code": code}))


async def lock_pool(tx: Tx, pool_id: PoolId) -> int | None:
    """Its version, which nobody else changes until the transaction ends."""
    return await tx.value("SELECT version FROM locations.pools WHERE id = %(id)s FOR UPDATE", {"id": pool_id})


async def insert_pool(tx: Tx, draft: PoolDraft) -> PoolId | None:
    """None when another pool has the code."""
    return await tx.value(
        "INSERT INTO locations.pools (id, code, name, created_at) VALUES (%(id)s, %(code)s, %(name)s, %(now)s) "
        "ON CONFLICT (code) DO NOTHING RETURNING id",
        {"id": uuid7(), "code": draft.code, "name": draft.name, "now": tx.now},
    )


async def rename_pool(tx: Tx, pool_id: PoolId, code: str, name: str) -> bool:
    """Whether that changed anything."""
    changed = await tx.run(
        "UPDATE locations.pools SET code = %(code)s, name = %(name)s "
        "WHERE id = %(id)s AND (code, name) IS DISTINCT FROM (%(code)s, %(name)s)",
        {"id": pool_id, "code": code, "name": name},
    )
    return changed > 0


async def replace_members(tx: Tx, pool_id: PoolId, members: Sequence[tuple[LocationId, int]]) -> bool:
    """Whether that changed anything."""
    params = {
        "id": pool_id,
        "locations": arrays.uuids([m for m, _ in members]),
        "priorities": arrays.int4s([p for _, p in members]),
    }
    return bool(await tx.rows(REPLACE_MEMBERS, params))


async def bump_pool(tx: Tx, pool_id: PoolId) -> None:
    await tx.run("UPDATE locations.pools SET version = version + 1 WHERE id = %(id)s", {"id": pool_id})


async def missing(reader: Reader, ids: Sequence[LocationId]) -> list[LocationId]:
    """Those of the ids that no location has."""
    found = set(await reader.values("SELECT id FROM locations.locations WHERE id = ANY(%(ids)s)", {"ids": arrays.uuids(ids)}))
    return [key for key in ids if key not in found]


async def stamp(reader: Reader) -> int:
    return int(await reader.value(STAMP))


# Postcodes

_PUT_POSTCODES = """
INSERT INTO locations.postcodes AS p (country, postcode, latitude, longitude, place)
SELECT DISTINCT ON (country, postcode) country, postcode, latitude, longitude, place
FROM unnest(%(countries)s::text[], %(postcodes)s::text[], %(latitudes)s::float8[], %(longitudes)s::float8[], %(places)s::text[])
  WITH ORDINALITY AS i (country, postcode, latitude, longitude, place, n)
ORDER BY country, postcode, n DESC
ON CONFLICT (country, postcode) DO UPDATE
SET latitude = excluded.latitude, longitude = excluded.longitude, place = excluded.place
WHERE (p.latitude, p.longitude, p.place) IS DISTINCT FROM (excluded.latitude, excluded.longitude, excluded.place)"""


async def put_postcodes(tx: Tx, rows: Sequence[Postcode]) -> int:
    return await tx.run(
        _PUT_POSTCODES,
        {
            "countries": arrays.texts([row.country for row in rows]),
            "postcodes": arrays.texts([row.postcode for row in rows]),
            "latitudes": [row.latitude for row in rows],
            "longitudes": [row.longitude for row in rows],
            "places": arrays.texts([row.place for row in rows]),
        },
    )


async def postcode(reader: Reader, country: str, code: str) -> Postcode | None:
    row = await reader.row(
        "SELECT country, postcode, latitude, longitude, place FROM locations.postcodes "
        "WHERE country = %(country)s AND postcode = %(code)s",
        {"country": country, "code": code},
    )
    return None if row is None else Postcode(*row)


async def places(reader: Reader, countries: Sequence[str], codes: Sequence[str]) -> dict[tuple[str, str], tuple[float, float]]:
    """Of pairs of a country and a postcode, those that are known."""
    rows = await reader.rows(
        "SELECT country, postcode, latitude, longitude FROM locations.postcodes WHERE (country, postcode) IN "
        "(SELECT * FROM unnest(%(countries)s::text[], %(codes)s::text[]))",
        {"countries": list(countries), "codes": list(codes)},
    )
    return {(country, code): (latitude, longitude) for country, code, latitude, longitude in rows}
