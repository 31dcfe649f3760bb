"""Lockers: making, locking, assigning and emptying them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg.rows import TupleRow

from comptoir.modules.fulfilment.contracts import FulfilmentId, Locker, LockerDraft, LockerId, LockerSize, LockerState
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_READ = "id, location_id, code, size, bank, system, state, fulfilment_id, sealed_code, barred_until, changed_at"
_LARGER = "array_position(ARRAY['s', 'm', 'l', 'xl'], size)"
_SETTABLE = {
    "state": "text",
    "fulfilment_id": "uuid",
    "sealed_code": "bytea",
    "tries": "int",
    "barred_until": "timestamptz",
    "bank": "text",
    "size": "text",
}


def _locker(row: TupleRow) -> Locker:
    key, location_id, code, size, bank, system, state, fulfilment_id, sealed_code, barred_until, changed_at = row
    return Locker(
        id=LockerId(key),
        location_id=location_id,
        code=code,
        size=LockerSize(size),
        bank=bank,
        system=system,
        state=LockerState(state),
        fulfilment_id=fulfilment_id,
        sealed_code=sealed_code,
        barred_until=barred_until,
        changed_at=changed_at,
    )


async def insert(tx: Tx, locker_id: LockerId, draft: LockerDraft) -> bool:
    """False when the location has a locker of that code."""
    return bool(
        await tx.run(
            "INSERT INTO fulfilment.lockers (id, location_id, code, bank, size, system, state, changed_at) "
            "VALUES (%(id)s, %(location)s, %(code)s, %(bank)s, %(size)s, %(system)s, 'free', %(now)s) "
            "ON CONFLICT (location_id, code) DO NOTHING",
            {
                "id": locker_id,
                "location": draft.location_id,
                "code": draft.code,
                "bank": draft.bank,
                "size": draft.size,
                "system": draft.system,
                "now": tx.now,
            },
        )
    )


async def get(reader: Reader, locker_id: LockerId, *, lock: bool = False) -> tuple[Locker, int] | None:
    """With how many wrong codes were typed in a row."""
    row = await reader.row(
        f"SELECT {_READ}, tries FROM fulfilment.lockers WHERE id = %(id)s" + (" FOR UPDATE" if lock else ""), {"id": locker_id}
    )
    return None if row is None else (_locker(row[:-1]), row[-1])


async def at(reader: Reader, location_id: LocationId) -> list[Locker]:
    """By bank and code."""
    rows = await reader.rows(
        f"SELECT {_READ} FROM fulfilment.lockers WHERE location_id = %(location)s ORDER BY bank, code",
        {"location": location_id},
    )
    return [_locker(row) for row in rows]


async def named(reader: Reader, ids: Sequence[LockerId]) -> dict[LockerId, Locker]:
    rows = await reader.rows(
        f"SELECT {_READ} FROM fulfilment.lockers WHERE id = ANY(%(ids)s::uuid[])", {"ids": arrays.uuids(ids)}
    )
    return {one.id: one for one in map(_locker, rows)}


async def free_one(tx: Tx, location_id: LocationId, size: LockerSize, bank: str) -> Locker | None:
    """The smallest free one that is large enough, locked; of two who ask at the same time each gets another."""
    row = await tx.row(
        f"""
        SELECT {_READ} FROM fulfilment.lockers
        WHERE location_id = %(location)s AND state = 'free' AND (%(bank)s = '' OR bank = %(bank)s)
          AND {_LARGER} >= array_position(ARRAY['s', 'm', 'l', 'xl'], %(size)s)
        ORDER BY {_LARGER}, bank, code LIMIT 1 FOR UPDATE SKIP LOCKED""",
        {"location": location_id, "size": size, "bank": bank},
    )
    return None if row is None else _locker(row)


async def of(reader: Reader, fulfilment_id: FulfilmentId) -> LockerId | None:
    """Where it lies."""
    return await reader.value(
        "SELECT id FROM fulfilment.lockers WHERE fulfilment_id = %(id)s AND state = 'taken'", {"id": fulfilment_id}
    )


async def put(tx: Tx, locker_id: LockerId, values: Mapping[str, object]) -> None:
    columns = ", ".join(f"{name} = %({name})s::{_SETTABLE[name]}" for name in values)
    await tx.run(
        f"UPDATE fulfilment.lockers SET {columns}, changed_at = %(now)s WHERE id = %(id)s",
        dict(values) | {"id": locker_id, "now": tx.now},
    )
