"""All the SQL of carriers."""

from __future__ import annotations

from typing import Any

import msgspec
from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.carriers.contracts import (
    CarrierService,
    CarrierServiceDraft,
    CarrierServiceFilter,
    CarrierServiceId,
    Origins,
    Service,
    Zone,
)
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, Listing, Where, sorts

_FIELDS = (
    "code",
    "name",
    "service",
    "zones",
    "countries",
    "dangerous",
    "max_weight",
    "carbon",
    "delivers",
    "delivers_on_holidays",
    "active",
    "origin_locations",
    "origin_kinds",
    "origin_countries",
)
_READ = ("id", "version", "created_at", "updated_at", *_FIELDS)
_COLUMNS = ", ".join(_READ)

_INSERT = f"""
INSERT INTO carriers.services (id, created_at, updated_at, {", ".join(_FIELDS)})
VALUES (%(id)s, %(now)s, %(now)s, {", ".join(f"%({name})s" for name in _FIELDS)})
ON CONFLICT (code) DO NOTHING
RETURNING {_COLUMNS}"""

_UPDATE = f"""
UPDATE carriers.services
SET {", ".join(f"{name} = %({name})s" for name in _FIELDS)}, version = version + 1, updated_at = %(now)s
WHERE id = %(id)s AND (%(version)s::int IS NULL OR version = %(version)s)
RETURNING {_COLUMNS}"""

_STAMP = "SELECT coalesce(sum(version), 0) FROM carriers.services"
"""Services are never deleted and every change adds to a version, so that what is committed has a sum of its own."""


def _service(row: TupleRow) -> CarrierService:
    fields: dict[str, Any] = dict(zip(_READ, row, strict=True))
    fields["service"] = Service(fields["service"])
    fields["zones"] = tuple(Zone(*zone) for zone in fields["zones"])
    fields["countries"] = tuple(fields["countries"])
    fields["delivers"] = tuple(fields["delivers"])
    fields["origins"] = Origins(
        locations=tuple(fields.pop("origin_locations")),
        kinds=tuple(fields.pop("origin_kinds")),
        countries=tuple(fields.pop("origin_countries")),
    )
    return CarrierService(**fields)


def _params(draft: CarrierServiceDraft) -> dict[str, object]:
    params: dict[str, object] = {name: getattr(draft, name) for name in _FIELDS if not name.startswith("origin_")}
    origins = draft.origins
    params |= {
        "origin_locations": list(origins.locations),
        "origin_kinds": list(origins.kinds),
        "origin_countries": list(origins.countries),
    }
    zones = msgspec.json.encode([[zone.up_to_km, zone.base, zone.per_kg, zone.days] for zone in draft.zones]).decode()
    return params | {"zones": zones, "countries": list(draft.countries), "delivers": list(draft.delivers)}


LISTING = Listing(
    _COLUMNS,
    "carriers.services",
    _service,
    sorts(("code", [Key("code")]), ("name", [Key("runtime.plain(name)"), Key("code")])),
)


def where(wanted: CarrierServiceFilter) -> Where:
    where = Where()
    where.search(wanted.search, "name", code="code")
    where.equal("service", wanted.service)
    where.equal("active", wanted.active)
    return where


async def insert(tx: Tx, draft: CarrierServiceDraft) -> CarrierService | None:
    """None when another service has the code."""
    row = await tx.row(_INSERT, _params(draft) | {"id": uuid7(), "now": tx.now})
    return None if row is None else _service(row)


async def update(
    tx: Tx, service_id: CarrierServiceId, draft: CarrierServiceDraft, version: int | None
) -> CarrierService | None:
    """None when there is none with this id and version."""
    row = await tx.row(_UPDATE, _params(draft) | {"id": service_id, "version": version, "now": tx.now})
    return None if row is None else _service(row)


async def get(reader: Reader, service_id: CarrierServiceId) -> CarrierService | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM carriers.services WHERE id = %(id)s", {"id": service_id})
    return None if row is None else _service(row)


async def everything(reader: Reader) -> list[CarrierService]:
    return [_service(row) for row in await reader.rows(f"SELECT {_COLUMNS} FROM carriers.services ORDER BY code")]


async def stamp(reader: Reader) -> int:
    return int(await reader.value(_STAMP))
