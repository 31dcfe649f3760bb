"""Return policies: there are dozens, not thousands."""

from __future__ import annotations

import psycopg.errors
from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.changes.contracts import Policy, PolicyDraft, PolicyId, Reason, RefundMethod, RefundMoment
from comptoir.modules.changes.errors import PolicyCodeTaken
from comptoir.runtime.database import Reader, Tx

_FIELDS = (
    "code",
    "position",
    "category",
    "skus",
    "channels",
    "countries",
    "valid_from",
    "valid_until",
    "window",
    "fee",
    "free_reasons",
    "moment",
    "method",
    "prepaid",
    "label_fee",
    "approval_above",
    "final_sale",
    "exempt",
    "active",
)
_NAMES = ", ".join(f'"{name}"' for name in _FIELDS)
_READ = ("id", "version", *_FIELDS)
_COLUMNS = f"id, version, {_NAMES}"

_INSERT = f"""
INSERT INTO changes.policies (id, {_NAMES}) VALUES (%(id)s, {", ".join(f"%({name})s" for name in _FIELDS)})
ON CONFLICT (code) DO NOTHING RETURNING {_COLUMNS}
"""

_UPDATE = f"""
UPDATE changes.policies SET {", ".join(f'"{name}" = %({name})s' for name in _FIELDS)}, version = version + 1
WHERE id = %(id)s AND (%(version)s::int IS NULL OR version = %(version)s) RETURNING {_COLUMNS}
"""


def _policy(row: TupleRow) -> Policy:
    fields = dict(zip(_READ, row, strict=True))
    for name in ("category", "skus", "channels", "countries"):
        fields[name] = tuple(fields[name])
    fields["free_reasons"] = tuple(Reason(one) for one in fields["free_reasons"])
    fields["moment"], fields["method"] = RefundMoment(fields["moment"]), RefundMethod(fields["method"])
    return Policy(**fields)


def _params(draft: PolicyDraft) -> dict[str, object]:
    params: dict[str, object] = {name: getattr(draft, name) for name in _FIELDS}
    return params | {
        "category": list(draft.category),
        "skus": list(draft.skus),
        "channels": list(draft.channels),
        "countries": list(draft.countries),
        "free_reasons": list(draft.free_reasons),
    }


async def everything(reader: Reader) -> list[Policy]:
    """By position."""
    rows = await reader.rows(f'SELECT {_COLUMNS} FROM changes.policies ORDER BY "position", code')
    return [_policy(row) for row in rows]


async def insert(tx: Tx, draft: PolicyDraft) -> Policy:
    row = await tx.row(_INSERT, _params(draft) | {"id": uuid7()})
    if row is None:
        raise PolicyCodeTaken(code=draft.code)
    return _policy(row)


async def update(tx: Tx, policy_id: PolicyId, draft: PolicyDraft, version: int | None) -> Policy | None:
    """None when there is none with this id and version."""
    try:
        row = await tx.row(_UPDATE, _params(draft) | {"id": policy_id, "version": version})
    except psycopg.errors.UniqueViolation as problem:
        raise PolicyCodeTaken(code=draft.code) from problem
    return None if row is None else _policy(row)
