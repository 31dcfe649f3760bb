"""The SQL of what carriers are told after failed deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import TupleRow

from comptoir.modules.tracking.contracts import CaseInstruction, InstructionId, InstructionState, TrackedId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import storable
from comptoir.sdk.carriers import InstructionKind

_FIELDS = (
    "id", "reference", "tracked_id", "order_id", "account_id", "case_version", "kind", "state", "attempts", "problem",
    "confirmation", "created_at", "told_at", "next_at", "busy_until",
)  # fmt: skip
_COLUMNS = ", ".join(f"i.{name}" for name in _FIELDS)

_INSERT = """
INSERT INTO tracking.instructions (id, reference, tracked_id, order_id, account_id, case_version, kind, state, problem,
  confirmation, created_at, next_at)
VALUES (%(id)s, %(reference)s, %(tracked)s, %(order)s, %(account)s, %(version)s, %(kind)s, 'asked', '', '', %(now)s, %(now)s)
ON CONFLICT (tracked_id, case_version) DO NOTHING"""

_DUE = """
SELECT c.tracked_id FROM tracking.cases c
LEFT JOIN tracking.instructions i ON i.tracked_id = c.tracked_id AND i.case_version = c.version
WHERE c.state IN ('answered', 'unanswered')
  AND ((i.id IS NULL AND (c.answered_at IS NULL OR c.answered_at <= %(before)s))
    OR (i.state IN ('asked', 'unknown') AND i.next_at <= %(now)s AND (i.busy_until IS NULL OR i.busy_until <= %(now)s)))
ORDER BY c.tracked_id LIMIT %(limit)s"""

_LATEST = f"""
SELECT DISTINCT ON (i.tracked_id) {_COLUMNS} FROM tracking.instructions i
WHERE i.tracked_id = ANY(%(ids)s::uuid[]) ORDER BY i.tracked_id, i.case_version DESC"""


def _instruction(row: TupleRow) -> CaseInstruction:
    values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    values |= {"state": InstructionState(values["state"]), "kind": InstructionKind(values["kind"])}
    return CaseInstruction(**values)


async def due(reader: Reader, now: datetime, before: datetime, limit: int) -> list[TrackedId]:
    """Whose carriers are to be told: what was answered before, and what was tried in vain and may be tried again."""
    rows = await reader.rows(_DUE, {"now": now, "before": before, "limit": limit})
    return [TrackedId(row[0]) for row in rows]


async def insert(tx: Tx, values: Mapping[str, object]) -> None:
    """What is there already for the same answer is left alone."""
    await tx.run(_INSERT, {**values, "now": tx.now})


async def lock(tx: Tx, tracked_id: TrackedId, case_version: int) -> CaseInstruction | None:
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM tracking.instructions i "
        "WHERE i.tracked_id = %(id)s AND i.case_version = %(version)s FOR UPDATE",
        {"id": tracked_id, "version": case_version},
    )
    return None if row is None else _instruction(row)


async def get(reader: Reader, instruction_id: InstructionId) -> CaseInstruction | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM tracking.instructions i WHERE i.id = %(id)s", {"id": instruction_id})
    return None if row is None else _instruction(row)


async def latest(reader: Reader, ids: Sequence[TrackedId]) -> dict[TrackedId, CaseInstruction]:
    rows = await reader.rows(_LATEST, {"ids": arrays.uuids(list(ids))})
    return {one.tracked_id: one for one in map(_instruction, rows)}


async def put(tx: Tx, instruction_id: InstructionId, values: Mapping[str, object]) -> None:
    clean = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
    changes = ", ".join(f"{name} = %({name})s" for name in clean)
    await tx.run(f"UPDATE tracking.instructions SET {changes} WHERE id = %(id)s", clean | {"id": instruction_id})
