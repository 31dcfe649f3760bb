"""The SQL of schedules of runs."""

from __future__ import annotations

from typing import Any

import msgspec
from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.routing.contracts import Condition, Schedule, ScheduleDraft, ScheduleId
from comptoir.runtime.database import Reader, Tx

_FIELDS = (
    "code", "name", "active", "condition", "rule_set_id", "time_zone", "works", "times", "every", "opens", "closes", "rests_in",
    "priority",
)  # fmt: skip
_READ = ("id", "version", "created_at", "updated_at", *_FIELDS)
_COLUMNS = ", ".join(_READ)

_INSERT = f"""
INSERT INTO routing.schedules (id, created_at, updated_at, {", ".join(_FIELDS)})
VALUES (%(id)s, %(now)s, %(now)s, {", ".join(f"%({name})s" for name in _FIELDS)})
ON CONFLICT (code) WHERE deleted_at IS NULL DO NOTHING
RETURNING {_COLUMNS}"""

_UPDATE = f"""
UPDATE routing.schedules
SET {", ".join(f"{name} = %({name})s" for name in _FIELDS)}, version = version + 1, updated_at = %(now)s
WHERE id = %(id)s AND deleted_at IS NULL AND (%(version)s::int IS NULL OR version = %(version)s)
RETURNING {_COLUMNS}"""

_DELETE = f"""
UPDATE routing.schedules SET deleted_at = %(now)s, updated_at = %(now)s, version = version + 1
WHERE id = %(id)s AND deleted_at IS NULL AND (%(version)s::int IS NULL OR version = %(version)s)
RETURNING {_COLUMNS}"""

_EVERY = f"SELECT {_COLUMNS} FROM routing.schedules WHERE deleted_at IS NULL ORDER BY priority, code"

_ONE = f"SELECT {_COLUMNS} FROM routing.schedules WHERE deleted_at IS NULL AND id = %(id)s"

_encode = msgspec.json.Encoder().encode


def _schedule(row: TupleRow) -> Schedule:
    fields: dict[str, Any] = dict(zip(_READ, row, strict=True))
    fields["condition"] = msgspec.convert(fields["condition"], Condition, strict=False)
    fields |= {name: tuple(fields[name]) for name in ("works", "times")}
    return Schedule(**fields)


def _params(tx: Tx, draft: ScheduleDraft) -> dict[str, object]:
    plain: dict[str, object] = {name: getattr(draft, name) for name in _FIELDS}
    lists = {"works": list(draft.works), "times": list(draft.times)}
    return plain | lists | {"condition": _encode(draft.condition).decode(), "now": tx.now}


async def insert(tx: Tx, draft: ScheduleDraft) -> Schedule | None:
    """None when another schedule has the code."""
    row = await tx.row(_INSERT, _params(tx, draft) | {"id": uuid7()})
    return None if row is None else _schedule(row)


async def update(tx: Tx, schedule_id: ScheduleId, draft: ScheduleDraft, version: int | None) -> Schedule | None:
    """None when there is none with this id and version."""
    row = await tx.row(_UPDATE, _params(tx, draft) | {"id": schedule_id, "version": version})
    return None if row is None else _schedule(row)


async def delete(tx: Tx, schedule_id: ScheduleId, version: int | None) -> Schedule | None:
    """None when there is none with this id and version."""
    row = await tx.row(_DELETE, {"id": schedule_id, "version": version, "now": tx.now})
    return None if row is None else _schedule(row)


async def get(reader: Reader, schedule_id: ScheduleId) -> Schedule | None:
    row = await reader.row(_ONE, {"id": schedule_id})
    return None if row is None else _schedule(row)


async def everything(reader: Reader) -> list[Schedule]:
    return [_schedule(row) for row in await reader.rows(_EVERY)]
