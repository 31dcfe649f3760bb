"""The SQL of failed deliveries and troubles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking.contracts import (
    Answer,
    Case,
    CaseState,
    FailReason,
    LabelId,
    TrackedId,
    Trouble,
    TroubleId,
    TroubleKind,
)
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts, storable

_CASE = (
    "tracked_id, order_id, state, reason, attempts, opened_at, answer_until, answer::text, answered_at, closed_at, due_at, "
    "reminded_at, version"
)

_PUT = """
INSERT INTO tracking.cases
  (tracked_id, order_id, state, reason, attempts, opened_at, answer_until, answer, answered_at, closed_at, due_at,
   reminded_at)
VALUES (%(tracked_id)s, %(order_id)s, %(state)s, %(reason)s, %(attempts)s, %(opened_at)s, %(answer_until)s, %(answer)s::jsonb,
  %(answered_at)s, %(closed_at)s, %(due_at)s, %(reminded_at)s)
ON CONFLICT (tracked_id) DO UPDATE SET state = excluded.state, reason = excluded.reason, attempts = excluded.attempts,
  answer_until = excluded.answer_until, answer = excluded.answer, answered_at = excluded.answered_at,
  closed_at = excluded.closed_at, due_at = excluded.due_at, reminded_at = excluded.reminded_at, version = cases.version + 1"""


def _case(row: TupleRow) -> Case:
    tracked_id, order_id, state, reason, attempts, opened_at, answer_until, answer, answered_at, closed_at = row[:10]
    due_at, reminded_at, version = row[10:]
    return Case(
        tracked_id=TrackedId(tracked_id),
        order_id=OrderId(order_id),
        state=CaseState(state),
        reason=FailReason(reason),
        attempts=attempts,
        opened_at=opened_at,
        answer_until=answer_until,
        answer=None if answer is None else msgspec.json.decode(answer, type=Answer),
        answered_at=answered_at,
        closed_at=closed_at,
        due_at=due_at,
        reminded_at=reminded_at,
        version=version,
    )


async def of_parcels(reader: Reader, ids: Sequence[TrackedId], *, lock: bool = False) -> dict[TrackedId, Case]:
    rows = await reader.rows(
        f"SELECT {_CASE} FROM tracking.cases WHERE tracked_id = ANY(%(ids)s::uuid[]) ORDER BY tracked_id"
        f"{' FOR UPDATE' if lock else ''}",
        {"ids": arrays.uuids(list(ids))},
    )
    return {TrackedId(row[0]): _case(row) for row in rows}


async def put(tx: Tx, case: Case) -> None:
    await tx.run(
        _PUT,
        {
            "tracked_id": case.tracked_id,
            "order_id": case.order_id,
            "state": case.state.value,
            "reason": case.reason.value,
            "attempts": case.attempts,
            "opened_at": case.opened_at,
            "answer_until": case.answer_until,
            "answer": None if case.answer is None else storable(msgspec.json.encode(case.answer).decode()),
            "answered_at": case.answered_at,
            "closed_at": case.closed_at,
            "due_at": case.due_at,
            "reminded_at": case.reminded_at,
        },
    )


async def overdue(tx: Tx, limit: int) -> list[Case]:
    rows = await tx.rows(
        f"SELECT {_CASE} FROM tracking.cases WHERE state = 'asked' AND answer_until <= %(now)s "
        "ORDER BY tracked_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
        {"now": tx.now, "limit": limit},
    )
    return [_case(row) for row in rows]


async def to_remind(tx: Tx, before: datetime, limit: int) -> list[Case]:
    """Whose term ends before then, and who were not reminded; they are, by this."""
    rows = await tx.rows(
        "UPDATE tracking.cases SET reminded_at = %(now)s WHERE tracked_id IN (SELECT tracked_id FROM tracking.cases "
        "WHERE state = 'asked' AND answer_until > %(now)s AND answer_until <= %(before)s AND reminded_at IS NULL "
        f"ORDER BY tracked_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) RETURNING {_CASE}",
        {"now": tx.now, "before": before, "limit": limit},
    )
    return [_case(row) for row in rows]


async def not_begun(tx: Tx, limit: int) -> list[Case]:
    """Of which what was decided should have begun and has not; each is given once."""
    rows = await tx.rows(
        "UPDATE tracking.cases SET due_at = NULL WHERE tracked_id IN (SELECT tracked_id FROM tracking.cases "
        "WHERE due_at <= %(now)s ORDER BY tracked_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) "
        f"RETURNING {_CASE}",
        {"now": tx.now, "limit": limit},
    )
    return [_case(row) for row in rows]


async def begun(tx: Tx, tracked_id: TrackedId) -> None:
    """What was decided has begun. What a carrier is to be told stays as it is: this is no other version of it."""
    await tx.run("UPDATE tracking.cases SET due_at = NULL WHERE tracked_id = %(id)s", {"id": tracked_id})


# Troubles

_TROUBLE = "id, kind, tracked_id, order_id, reason, opened_at, resolved_at, resolution, about"


def _trouble(row: TupleRow) -> Trouble:
    key, kind, tracked_id, order_id, reason, opened_at, resolved_at, resolution, about = row
    return Trouble(
        id=TroubleId(key),
        kind=TroubleKind(kind),
        tracked_id=None if tracked_id is None else TrackedId(tracked_id),
        order_id=OrderId(order_id),
        reason=reason,
        opened_at=opened_at,
        resolved_at=resolved_at,
        resolution=resolution or "",
        label_id=LabelId(about) if tracked_id is None else None,
    )


_URGENCY = (
    TroubleKind.FAILED, TroubleKind.LOST, TroubleKind.DAMAGED, TroubleKind.RETURNED, TroubleKind.REJECTED, TroubleKind.UNUSED,
    TroubleKind.STUCK, TroubleKind.LATE,
)  # fmt: skip
"""The most urgent first: what a carrier waits for goes back while nobody looks."""
_RANKS = " ".join(f"WHEN '{kind.value}' THEN {n}" for n, kind in enumerate(_URGENCY))
_URGENT = f"(CASE kind {_RANKS} END)::bigint"

TROUBLES = Listing(
    _TROUBLE,
    "tracking.troubles",
    _trouble,
    sorts(
        ("opened", [Key("opened_at", KeyKind.INSTANT), Key("id", KeyKind.ID)]),
        ("urgent", [Key(_URGENT, KeyKind.INTEGER), Key("opened_at", KeyKind.INSTANT), Key("id", KeyKind.ID)]),
    ),
)


_AT = """(tracked_id IS NULL OR EXISTS (
  SELECT FROM tracking.parcels p WHERE p.id = troubles.tracked_id AND p.location_id = ANY(%(locations)s::uuid[])))"""


def where_troubles(
    kinds: Sequence[TroubleKind],
    order_id: OrderId | None,
    locations: Sequence[LocationId] = (),
    *,
    open_only: bool,
    resolved_only: bool,
) -> Where:
    where = Where()
    if kinds:
        where.add("kind = ANY(%(kinds)s::text[])", kinds=[kind.value for kind in kinds])
    where.equal("order_id", order_id)
    if locations:
        where.add(_AT, locations=arrays.uuids(list(locations)))
    if resolved_only:
        where.add("resolved_at IS NOT NULL")
    elif open_only:
        where.add("resolved_at IS NULL")
    return where


async def open_trouble(
    tx: Tx, kind: TroubleKind, about: UUID, tracked_id: TrackedId | None, order_id: OrderId, reason: str
) -> bool:
    """Whether it is new: one of a kind stays open for a parcel, and its reason becomes the latest."""
    row = await tx.row(
        "INSERT INTO tracking.troubles (id, kind, about, tracked_id, order_id, reason, opened_at) "
        "VALUES (%(id)s, %(kind)s, %(about)s, %(tracked)s, %(order)s, %(reason)s, %(now)s) "
        "ON CONFLICT (about, kind) WHERE resolved_at IS NULL DO UPDATE SET reason = excluded.reason "
        "RETURNING xmax = 0",
        {
            "id": uuid7(),
            "kind": kind.value,
            "about": about,
            "tracked": tracked_id,
            "order": order_id,
            "reason": storable(reason)[:500],
            "now": tx.now,
        },
    )
    return row is not None and bool(row[0])


async def resolve(tx: Tx, about: UUID, kinds: Sequence[TroubleKind], resolution: str) -> int:
    return await tx.run(
        "UPDATE tracking.troubles SET resolved_at = %(now)s, resolution = %(resolution)s "
        "WHERE about = %(about)s AND kind = ANY(%(kinds)s::text[]) AND resolved_at IS NULL",
        {"about": about, "kinds": [kind.value for kind in kinds], "resolution": resolution, "now": tx.now},
    )


async def reword(tx: Tx, about: UUID, kind: TroubleKind, reason: str) -> None:
    """The reason of what is open becomes another; what a person has dismissed stays so."""
    await tx.run(
        "UPDATE tracking.troubles SET reason = %(reason)s WHERE about = %(about)s AND kind = %(kind)s AND resolved_at IS NULL",
        {"about": about, "kind": kind.value, "reason": storable(reason)[:500]},
    )


async def trouble(reader: Reader, trouble_id: TroubleId) -> Trouble | None:
    row = await reader.row(f"SELECT {_TROUBLE} FROM tracking.troubles WHERE id = %(id)s", {"id": trouble_id})
    return None if row is None else _trouble(row)


async def resolve_one(tx: Tx, trouble_id: TroubleId, resolution: str) -> bool:
    return bool(
        await tx.run(
            "UPDATE tracking.troubles SET resolved_at = %(now)s, resolution = %(resolution)s "
            "WHERE id = %(id)s AND resolved_at IS NULL",
            {"id": trouble_id, "resolution": storable(resolution), "now": tx.now},
        )
    )


async def ever_open(reader: Reader, kind: TroubleKind, abouts: Sequence[UUID]) -> set[UUID]:
    """About which of these a trouble of that kind was ever opened, also one that somebody has dismissed."""
    rows = await reader.values(
        "SELECT DISTINCT about FROM tracking.troubles WHERE kind = %(kind)s AND about = ANY(%(abouts)s::uuid[])",
        {"kind": kind.value, "abouts": arrays.uuids(list(abouts))},
    )
    return set(rows)


async def troubles_of(reader: Reader, tracked_ids: Sequence[TrackedId]) -> dict[TrackedId, list[Trouble]]:
    """Of each parcel, the oldest first."""
    rows = await reader.rows(
        f"SELECT {_TROUBLE} FROM tracking.troubles WHERE about = ANY(%(ids)s::uuid[]) ORDER BY opened_at, id",
        {"ids": arrays.uuids(tracked_ids)},
    )
    found: dict[TrackedId, list[Trouble]] = {tracked_id: [] for tracked_id in tracked_ids}
    for one in map(_trouble, rows):
        if one.tracked_id is not None:
            found[one.tracked_id].append(one)
    return found


async def counts(reader: Reader, locations: Sequence[LocationId] = ()) -> dict[TroubleKind, int]:
    own = f"AND {_AT} " if locations else ""
    rows = await reader.rows(
        f"SELECT kind, count(*) FROM tracking.troubles WHERE resolved_at IS NULL {own}GROUP BY kind",
        {"locations": arrays.uuids(list(locations))},
    )
    return {TroubleKind(row[0]): row[1] for row in rows}
