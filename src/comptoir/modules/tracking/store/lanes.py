"""The SQL of how well lanes do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from comptoir.modules.tracking.contracts import Counts, LaneKey, Performance
from comptoir.runtime.database import Reader, Tx

_LANE = ", ".join(LaneKey._fields)
_SUMS = ", ".join(Counts._fields)

_ADD = f"""
INSERT INTO tracking.lanes ({_LANE}, month, {_SUMS})
VALUES ({", ".join(f"%({name})s" for name in (*LaneKey._fields, "month", *Counts._fields))})
ON CONFLICT ({_LANE}, month) DO UPDATE SET {", ".join(f"{name} = lanes.{name} + excluded.{name}" for name in Counts._fields)}"""


async def add(tx: Tx, changes: Mapping[tuple[LaneKey, date], Counts]) -> None:
    """In key order."""
    rows = [
        {**lane._asdict(), "month": month, **counts._asdict()}
        for (lane, month), counts in sorted(changes.items())
        if any(counts)
    ]
    if rows:
        await tx.many(_ADD, rows)


async def find(reader: Reader, since: date, carriers: Sequence[str], destination: str) -> list[Performance]:
    rows = await reader.rows(
        f"SELECT {_LANE}, {', '.join(f'sum({name})::bigint' for name in Counts._fields)} FROM tracking.lanes "
        "WHERE month >= %(since)s AND (%(everyone)s OR carrier = ANY(%(carriers)s::text[])) "
        "AND (%(destination)s = '' OR destination_country = %(destination)s) "
        f"GROUP BY {_LANE} ORDER BY {_LANE}",
        {"since": since, "everyone": not carriers, "carriers": list(carriers), "destination": destination},
    )
    width = len(LaneKey._fields)
    return [Performance(LaneKey(*row[:width]), Counts(*row[width:])) for row in rows]
