"""The SQL of manifests, and of how carriers are chosen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import TupleRow

from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.tracking.contracts import HandedManifest, LabelId, ManifestId
from comptoir.modules.tracking.domain.choosing import Ruling
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_FIELDS = ("id", "account_id", "location_id", "label_ids", "carrier_ref", "url", "tracking_numbers", "created_at", "created_by")
_COLUMNS = ", ".join(_FIELDS)


def _manifest(row: TupleRow) -> HandedManifest:
    values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    values |= {"label_ids": tuple(map(LabelId, values["label_ids"])), "tracking_numbers": tuple(values["tracking_numbers"])}
    return HandedManifest(**values)


async def insert(tx: Tx, made: HandedManifest) -> None:
    await tx.run(
        f"INSERT INTO tracking.manifests ({_COLUMNS}) VALUES (%(id)s, %(account)s, %(location)s, %(labels)s::uuid[], %(ref)s, "
        "%(url)s, %(numbers)s::text[], %(now)s, %(actor)s)",
        {
            "id": made.id,
            "account": made.account_id,
            "location": made.location_id,
            "labels": arrays.uuids(made.label_ids),
            "ref": made.carrier_ref,
            "url": made.url,
            "numbers": arrays.texts(made.tracking_numbers),
            "now": made.created_at,
            "actor": made.created_by,
        },
    )


async def get(reader: Reader, manifest_id: ManifestId) -> HandedManifest | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM tracking.manifests WHERE id = %(id)s", {"id": manifest_id})
    return None if row is None else _manifest(row)


async def since(reader: Reader, location_id: LocationId, at: datetime, limit: int) -> list[HandedManifest]:
    rows = await reader.rows(
        f"SELECT {_COLUMNS} FROM tracking.manifests WHERE location_id = %(location)s AND created_at >= %(at)s "
        "ORDER BY created_at DESC, id LIMIT %(limit)s",
        {"location": location_id, "at": at, "limit": limit},
    )
    return [_manifest(row) for row in rows]


async def document(reader: Reader, manifest_id: ManifestId) -> bytes | None:
    return await reader.value("SELECT document FROM tracking.manifests WHERE id = %(id)s", {"id": manifest_id})


async def keep_document(tx: Tx, manifest_id: ManifestId, content: bytes) -> None:
    await tx.run(
        "UPDATE tracking.manifests SET document = %(content)s WHERE id = %(id)s", {"id": manifest_id, "content": content}
    )


# How carriers are chosen


async def ruling(reader: Reader) -> tuple[Ruling, int]:
    """With its version; 0 while nobody has said anything."""
    row = await reader.row("SELECT rules, version FROM tracking.choice")
    return (Ruling(), 0) if row is None else (msgspec.convert(row[0], Ruling), row[1])


async def put_ruling(tx: Tx, wanted: Ruling, version: int | None) -> bool:
    """Whether it was at that version."""
    rules = msgspec.json.encode(wanted).decode()
    params = {"rules": rules, "version": version, "now": tx.now}
    if version == 0 or version is None:
        made = await tx.run(
            "INSERT INTO tracking.choice (id, rules, updated_at) VALUES (1, %(rules)s, %(now)s) ON CONFLICT (id) DO NOTHING",
            params,
        )
        if made:
            return True
    return bool(
        await tx.run(
            "UPDATE tracking.choice SET rules = %(rules)s, version = version + 1, updated_at = %(now)s "
            "WHERE id = 1 AND (%(version)s::int IS NULL OR version = %(version)s)",
            params,
        )
    )
