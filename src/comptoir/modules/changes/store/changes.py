"""Changes: making, locking, deciding and listing them."""

from __future__ import annotations

import msgspec
import psycopg.errors
from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.changes.contracts import (
    AnyAction,
    Change,
    ChangeDraft,
    ChangeFilter,
    ChangeId,
    ChangeKind,
    ChangeState,
)
from comptoir.modules.changes.errors import ChangeOpen
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_COLUMNS = (
    "c.id, c.number, c.order_id, c.kind, c.state, c.actions, c.reason, c.note, c.needs_approval, c.order_version, "
    "c.requested_at, c.requested_by, c.decided_at, c.decided_by, c.decision, c.ended_at, c.ended_by, c.version, c.waits_since, "
    "c.shipment_id"
)

_INSERT = """
INSERT INTO changes.changes (id, order_id, kind, state, actions, reason, note, needs_approval, order_version, requested_at,
  requested_by, shipment_id)
VALUES (%(id)s, %(order)s, %(kind)s, 'requested', %(actions)s::jsonb, %(reason)s, %(note)s, %(needs_approval)s,
  %(order_version)s, %(at)s, %(actor)s, %(shipment)s)
"""

_DECIDE = """
UPDATE changes.changes SET state = %(state)s, decided_at = %(at)s, decided_by = %(actor)s, decision = %(reason)s,
  version = version + 1
WHERE id = %(id)s
"""

_RENEW = """
UPDATE changes.changes SET state = %(state)s, order_version = %(order_version)s, needs_approval = %(needs_approval)s,
  decided_at = NULL, decided_by = NULL, decision = '', version = version + 1
WHERE id = %(id)s
"""

_END = """
UPDATE changes.changes SET state = %(state)s, given = %(given)s, ended_at = %(at)s, ended_by = %(actor)s, version = version + 1
WHERE id = %(id)s
"""


def _change(row: TupleRow) -> Change:
    return Change(
        ChangeId(row[0]),
        row[1],
        OrderId(row[2]),
        ChangeKind(row[3]),
        ChangeState(row[4]),
        msgspec.convert(row[5], tuple[AnyAction, ...]),
        *row[6:],
    )


LISTING = Listing(
    _COLUMNS,
    "changes.changes c",
    _change,
    sorts(("requested", [Key("c.requested_at", KeyKind.INSTANT), Key("c.id", KeyKind.ID)])),
)


async def counts(reader: Reader) -> list[tuple[ChangeState, bool, int]]:
    """How many changes are open: by state, and whether they need approval."""
    rows = await reader.rows(
        "SELECT state, needs_approval, count(*) FROM changes.changes WHERE state IN ('requested', 'approved') GROUP BY 1, 2"
    )
    return [(ChangeState(row[0]), row[1], row[2]) for row in rows]


def where(wanted: ChangeFilter) -> Where:
    where = Where()
    where.equal("c.order_id", wanted.order)
    where.equal("c.kind", wanted.kind)
    where.equal("c.needs_approval", wanted.needs_approval)
    if wanted.states:
        where.add("c.state = ANY(%(states)s)", states=list(wanted.states))
    return where


async def insert(tx: Tx, draft: ChangeDraft, order_version: int, *, needs_approval: bool) -> Change:
    """Raises ChangeOpen where another one of the order is open."""
    open_one = await tx.value(
        "SELECT id FROM changes.changes WHERE order_id = %(order)s AND state IN ('requested', 'approved')",
        {"order": draft.order_id},
    )
    if open_one is not None:
        raise ChangeOpen(change_id=open_one)
    change_id = ChangeId(uuid7())
    try:
        await tx.run(
            _INSERT,
            {
                "id": change_id,
                "order": draft.order_id,
                "kind": draft.kind,
                "actions": msgspec.json.encode(draft.actions).decode(),
                "reason": draft.reason,
                "note": draft.note,
                "needs_approval": needs_approval,
                "order_version": order_version,
                "at": tx.now,
                "actor": tx.actor,
                "shipment": draft.shipment_id,
            },
        )
    except psycopg.errors.UniqueViolation as problem:
        raise ChangeOpen from problem
    made = await get(tx, change_id)
    assert made is not None, "it has just been written"
    return made


async def get(reader: Reader, change_id: ChangeId, *, lock: bool = False) -> Change | None:
    statement = f"SELECT {_COLUMNS} FROM changes.changes c WHERE c.id = %(id)s"
    row = await reader.row(statement + (" FOR UPDATE" if lock else ""), {"id": change_id})
    return None if row is None else _change(row)


async def decide(tx: Tx, change_id: ChangeId, state: ChangeState, reason: str) -> None:
    await tx.run(_DECIDE, {"id": change_id, "state": state, "at": tx.now, "actor": tx.actor, "reason": reason})


async def renew(tx: Tx, change_id: ChangeId, state: ChangeState, order_version: int, *, needs_approval: bool) -> None:
    """Forgets what was decided on another version of the order."""
    await tx.run(_RENEW, {"id": change_id, "state": state, "order_version": order_version, "needs_approval": needs_approval})


async def wait(tx: Tx, change_id: ChangeId, *, waits: bool = True) -> None:
    """It waits for third parties, since it does, or not any more."""
    await tx.run(
        "UPDATE changes.changes SET waits_since = CASE WHEN %(waits)s THEN coalesce(waits_since, %(at)s) END, "
        "version = version + 1 WHERE id = %(id)s",
        {"id": change_id, "waits": waits, "at": tx.now},
    )


async def end(tx: Tx, change_id: ChangeId, state: ChangeState, *, given: int = 0) -> None:
    """`given` is what the house gave by it."""
    await tx.run(_END, {"id": change_id, "state": state, "given": given, "at": tx.now, "actor": tx.actor})


async def given_unapproved(reader: Reader, order_id: OrderId) -> int:
    """What was given by changes of an order that nobody had to approve."""
    return await reader.value(
        "SELECT coalesce(sum(given), 0)::bigint FROM changes.changes "
        "WHERE order_id = %(order)s AND state = 'confirmed' AND NOT needs_approval",
        {"order": order_id},
    )
