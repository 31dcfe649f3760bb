"""The SQL of how well lanes do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from comptoir.modules.tracking.contracts import Counts, LaneKey, Monthly, Performance, Spent
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


_TOTALS = ", ".join(f"sum({name})::bigint" for name in Counts._fields)
_WITHIN = """
WHERE month >= %(since)s AND (%(until)s::date IS NULL OR month <= %(until)s)
AND (%(everyone)s OR carrier = ANY(%(carriers)s::text[]))
AND (%(destination)s = '' OR destination_country = %(destination)s)"""
_WIDTH = len(LaneKey._fields)


def _within(since: date, until: date | None, carriers: Sequence[str], destination: str) -> dict[str, object]:
    return {
        "since": since, "until": until, "everyone": not carriers, "carriers": list(carriers), "destination": destination,
    }  # fmt: skip


async def find(
    reader: Reader, since: date, carriers: Sequence[str], destination: str, until: date | None = None
) -> list[Performance]:
    rows = await reader.rows(
        f"SELECT {_LANE}, {_TOTALS} FROM tracking.lanes {_WITHIN} GROUP BY {_LANE} ORDER BY {_LANE}",
        _within(since, until, carriers, destination),
    )
    return [Performance(LaneKey(*row[:_WIDTH]), Counts(*row[_WIDTH:])) for row in rows]


async def monthly(reader: Reader, since: date, until: date | None, carriers: Sequence[str], destination: str) -> list[Monthly]:
    rows = await reader.rows(
        f"SELECT month, carrier, {_TOTALS} FROM tracking.lanes {_WITHIN} GROUP BY month, carrier ORDER BY month, carrier",
        _within(since, until, carriers, destination),
    )
    return [Monthly(row[0], row[1], Counts(*row[2:])) for row in rows]


# What it cost

_SPEND = f"""
INSERT INTO tracking.spending ({_LANE}, month, currency, parcels, cost)
VALUES ({", ".join(f"%({name})s" for name in (*LaneKey._fields, "month", "currency", "parcels", "cost"))})
ON CONFLICT ({_LANE}, month, currency) DO UPDATE SET parcels = spending.parcels + excluded.parcels,
  cost = spending.cost + excluded.cost"""


async def spend(tx: Tx, spent: Mapping[tuple[LaneKey, date, str], tuple[int, int]]) -> None:
    """Adds (parcels, cost), in key order; what is given back is below zero."""
    rows = [
        {**lane._asdict(), "month": month, "currency": currency, "parcels": parcels, "cost": cost}
        for (lane, month, currency), (parcels, cost) in sorted(spent.items())
    ]
    if rows:
        await tx.many(_SPEND, rows)


async def spent(reader: Reader, since: date, until: date | None, carriers: Sequence[str], destination: str) -> list[Spent]:
    rows = await reader.rows(
        f"SELECT {_LANE}, currency, sum(parcels)::bigint, sum(cost)::bigint FROM tracking.spending {_WITHIN} "
        f"GROUP BY {_LANE}, currency HAVING sum(parcels) > 0 ORDER BY {_LANE}, currency",
        _within(since, until, carriers, destination),
    )
    return [Spent(LaneKey(*row[:_WIDTH]), *row[_WIDTH:]) for row in rows]
