"""The SQL of drivers who are to come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.rows import TupleRow

from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.tracking.contracts import Driver, DriverWanted, PickupId, PickupStanding
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import storable

_FIELDS = (
    "id", "reference", "account_id", "location_id", "label_ids", "state", "from_at", "until_at", "weight", "instructions",
    "carrier_ref", "confirmation", "problem", "busy_until",
)  # fmt: skip
_COLUMNS = ", ".join(_FIELDS)

_INSERT = """
INSERT INTO tracking.pickups (id, reference, account_id, location_id, label_ids, state, from_at, until_at, weight, instructions,
  carrier_ref, same, created_at)
VALUES (%(id)s, %(reference)s, %(account)s, %(location)s, %(labels)s::uuid[], 'asked', %(from_at)s, %(until_at)s, %(weight)s,
  %(instructions)s, '', %(same)s, %(now)s)
ON CONFLICT (same) WHERE state IN ('asked', 'scheduled', 'unknown') DO NOTHING"""


def _driver(row: TupleRow) -> Driver:
    values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    values |= {"state": PickupStanding(values["state"]), "label_ids": tuple(values["label_ids"])}
    return Driver(**values)


async def insert(tx: Tx, pickup_id: PickupId, reference: str, same: str, wanted: DriverWanted) -> None:
    """What stands already for the same parcels and hours is left alone."""
    await tx.run(
        _INSERT,
        {
            "id": pickup_id,
            "reference": reference,
            "account": wanted.account_id,
            "location": wanted.location_id,
            "labels": arrays.uuids(sorted(wanted.label_ids)),
            "from_at": wanted.from_at,
            "until_at": wanted.until_at,
            "weight": wanted.weight,
            "instructions": storable(wanted.instructions),
            "same": same,
            "now": tx.now,
        },
    )


async def lock_same(tx: Tx, same: str) -> Driver | None:
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM tracking.pickups "
        "WHERE same = %(same)s AND state IN ('asked', 'scheduled', 'unknown') FOR UPDATE",
        {"same": same},
    )
    return None if row is None else _driver(row)


async def get(reader: Reader, pickup_id: PickupId) -> Driver | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM tracking.pickups WHERE id = %(id)s", {"id": pickup_id})
    return None if row is None else _driver(row)


async def of_location(reader: Reader, location_id: LocationId, until_after: datetime, limit: int) -> list[Driver]:
    rows = await reader.rows(
        f"SELECT {_COLUMNS} FROM tracking.pickups WHERE location_id = %(location)s AND until_at >= %(at)s "
        "ORDER BY from_at, id LIMIT %(limit)s",
        {"location": location_id, "at": until_after, "limit": limit},
    )
    return [_driver(row) for row in rows]


async def put(tx: Tx, pickup_id: PickupId, values: Mapping[str, object]) -> None:
    clean = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
    changes = ", ".join(f"{name} = %({name})s" for name in clean)
    await tx.run(f"UPDATE tracking.pickups SET {changes} WHERE id = %(id)s", clean | {"id": pickup_id})
