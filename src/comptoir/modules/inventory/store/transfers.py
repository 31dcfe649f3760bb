"""Transfers between locations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from psycopg.rows import TupleRow

from comptoir.modules.inventory.contracts import (
    USUAL_DAYS,
    DamageReason,
    Tallied,
    Transfer,
    TransferFilter,
    TransferId,
    TransferLine,
    TransferState,
    TransferTasks,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_COLUMNS = (
    "id, number, from_location_id, to_location_id, state, note, created_at, sent_at, received_at, actor, version, "
    "expected_on, boxes, carrier, tracking_number, packed_at"
)

_INSERT = f"""
INSERT INTO inventory.transfers (id, from_location_id, to_location_id, state, note, created_at, actor, expected_on)
VALUES (%(id)s, %(from_location_id)s, %(to_location_id)s, 'draft', %(note)s, %(at)s, %(actor)s, %(expected_on)s)
RETURNING {_COLUMNS}
"""

_GET = f"SELECT {_COLUMNS} FROM inventory.transfers WHERE id = %(id)s"

_UPDATE = """
UPDATE inventory.transfers SET from_location_id = %(from_location_id)s, to_location_id = %(to_location_id)s, state = %(state)s,
  note = %(note)s, sent_at = %(sent_at)s, received_at = %(received_at)s, version = %(version)s, expected_on = %(expected_on)s,
  boxes = %(boxes)s, carrier = %(carrier)s, tracking_number = %(tracking_number)s, packed_at = %(packed_at)s
WHERE id = %(id)s
"""

_COUNTERS = ("quantity", "received", "missing", "unsent", "surplus", "damaged", "picked", "short")
_NAMED = ", ".join(_COUNTERS)

_LINES = f"""
SELECT sku, {_NAMED} FROM inventory.transfer_lines WHERE transfer_id = %(id)s ORDER BY sku
"""

_PUT_LINES = f"""
MERGE INTO inventory.transfer_lines AS t
USING (SELECT * FROM unnest(%(skus)s::text[], {", ".join(f"%({name})s::int[]" for name in _COUNTERS)})
       AS i (sku, {_NAMED}) ORDER BY sku) AS i
ON t.transfer_id = %(id)s AND t.sku = i.sku
WHEN MATCHED AND ({", ".join(f"t.{name}" for name in _COUNTERS)}) <> ({", ".join(f"i.{name}" for name in _COUNTERS)})
  THEN UPDATE SET {", ".join(f"{name} = i.{name}" for name in _COUNTERS)}
WHEN NOT MATCHED THEN INSERT (transfer_id, sku, {_NAMED})
  VALUES (%(id)s, i.sku, {", ".join(f"i.{name}" for name in _COUNTERS)})
WHEN NOT MATCHED BY SOURCE AND t.transfer_id = %(id)s THEN DELETE
"""

_LATE = f"""state IN ('in_transit', 'partly_received')
  AND coalesce(expected_on, (sent_at AT TIME ZONE 'UTC')::date + {USUAL_DAYS}) < %(late_on)s"""

_TASKS = f"""
SELECT count(*) FILTER (WHERE from_location_id = %(place)s AND state = 'draft'),
  count(*) FILTER (WHERE to_location_id = %(place)s AND state <> 'draft'),
  count(*) FILTER (WHERE to_location_id = %(place)s AND {_LATE})
FROM inventory.transfers
WHERE state IN ('draft', 'in_transit', 'partly_received') AND (from_location_id = %(place)s OR to_location_id = %(place)s)
"""

_TALLY = """
MERGE INTO inventory.transfer_tallies AS t
USING (SELECT * FROM unnest(%(skus)s::text[], %(damage)s::text[], %(units)s::int[]) AS i (sku, damage, units)
       ORDER BY sku, damage) AS i
ON t.transfer_id = %(id)s AND t.sku = i.sku AND t.damage = i.damage
WHEN MATCHED AND i.units = 0 THEN DELETE
WHEN MATCHED THEN UPDATE SET units = i.units
WHEN NOT MATCHED AND i.units > 0 THEN INSERT (transfer_id, sku, damage, units) VALUES (%(id)s, i.sku, i.damage, i.units)
"""


def _transfer(row: TupleRow, lines: tuple[TransferLine, ...] = ()) -> Transfer:
    transfer = Transfer(*row)
    return replace(transfer, state=TransferState(transfer.state), lines=lines)


LISTING = Listing(
    _COLUMNS,
    "inventory.transfers",
    _transfer,
    sorts(("number", [Key("number", KeyKind.INTEGER)]), ("state", [Key("state"), Key("number", KeyKind.INTEGER)])),
)


def where(wanted: TransferFilter) -> Where:
    where = Where()
    if wanted.states is not None:
        where.add("state = ANY(%(states)s::text[])", states=arrays.texts([str(state) for state in wanted.states]))
    where.equal("from_location_id", wanted.from_location_id)
    where.equal("to_location_id", wanted.to_location_id)
    where.equal("number", wanted.number)
    if wanted.location_ids:
        where.add(
            "(from_location_id = ANY(%(places)s) OR to_location_id = ANY(%(places)s))", places=arrays.uuids(wanted.location_ids)
        )
    if wanted.late_on is not None:
        where.add(_LATE, late_on=wanted.late_on)
    return where


async def insert(tx: Tx, transfer: Transfer) -> Transfer:
    row = await tx.row(
        _INSERT,
        {
            "id": transfer.id,
            "from_location_id": transfer.from_location_id,
            "to_location_id": transfer.to_location_id,
            "note": transfer.note,
            "at": transfer.created_at,
            "actor": transfer.actor,
            "expected_on": transfer.expected_on,
        },
    )
    assert row is not None, "an insert gives its row back"
    await put_lines(tx, transfer.id, transfer.lines)
    return _transfer(row, transfer.lines)


async def get(reader: Reader, transfer_id: TransferId, *, lock: bool = False) -> Transfer | None:
    """With its lines. Transfers are locked before levels."""
    row = await reader.row(f"{_GET} FOR UPDATE" if lock else _GET, {"id": transfer_id})
    if row is None:
        return None
    return _transfer(row, tuple(TransferLine(*line) for line in await reader.rows(_LINES, {"id": transfer_id})))


async def lines_of(reader: Reader, ids: Sequence[TransferId]) -> dict[TransferId, tuple[TransferLine, ...]]:
    """Of several at once, for lists."""
    found: dict[TransferId, list[TransferLine]] = {}
    rows = await reader.rows(
        f"SELECT transfer_id, sku, {_NAMED} FROM inventory.transfer_lines WHERE transfer_id = ANY(%(ids)s) ORDER BY sku",
        {"ids": arrays.uuids(ids)},
    )
    for key, *line in rows:
        found.setdefault(key, []).append(TransferLine(*line))
    return {key: tuple(lines) for key, lines in found.items()}


async def update(tx: Tx, transfer: Transfer) -> None:
    await tx.run(
        _UPDATE,
        {
            "id": transfer.id,
            "from_location_id": transfer.from_location_id,
            "to_location_id": transfer.to_location_id,
            "state": transfer.state,
            "note": transfer.note,
            "sent_at": transfer.sent_at,
            "received_at": transfer.received_at,
            "version": transfer.version,
            "expected_on": transfer.expected_on,
            "boxes": transfer.boxes,
            "carrier": transfer.carrier,
            "tracking_number": transfer.tracking_number,
            "packed_at": transfer.packed_at,
        },
    )
    await put_lines(tx, transfer.id, transfer.lines)


async def put_lines(tx: Tx, transfer_id: TransferId, lines: Sequence[TransferLine]) -> None:
    """The transfer has these lines and no others."""
    counters = {name: arrays.int4s([getattr(line, name) for line in lines]) for name in _COUNTERS}
    await tx.run(_PUT_LINES, {"id": transfer_id, "skus": arrays.texts([line.sku for line in lines]), **counters})


async def put_picked(tx: Tx, transfer_id: TransferId, sku: str, picked: int) -> None:
    await tx.run(
        "UPDATE inventory.transfer_lines SET picked = %(picked)s WHERE transfer_id = %(id)s AND sku = %(sku)s",
        {"id": transfer_id, "sku": sku, "picked": picked},
    )


async def tasks(reader: Reader, place: LocationId, today: date) -> TransferTasks:
    row = await reader.row(_TASKS, {"place": place, "late_on": today})
    assert row is not None, "a count without groups is one row"
    return TransferTasks(*row)


async def tallies(reader: Reader, transfer_id: TransferId) -> list[Tallied]:
    rows = await reader.rows(
        "SELECT sku, units, damage FROM inventory.transfer_tallies WHERE transfer_id = %(id)s ORDER BY sku, damage",
        {"id": transfer_id},
    )
    return [Tallied(sku, units, DamageReason(damage) if damage else None) for sku, units, damage in rows]


async def tallied(reader: Reader, ids: Sequence[TransferId]) -> dict[TransferId, int]:
    """How many units of each are scanned and not taken in."""
    rows = await reader.rows(
        "SELECT transfer_id, sum(units)::bigint FROM inventory.transfer_tallies WHERE transfer_id = ANY(%(ids)s) "
        "GROUP BY transfer_id",
        {"ids": arrays.uuids(ids)},
    )
    return dict(rows)


async def put_tally(tx: Tx, transfer_id: TransferId, units: Mapping[tuple[str, str], int]) -> None:
    """So many are scanned of each (SKU, why it is damaged) that is named; none takes the row away."""
    keys = sorted(units)
    await tx.run(
        _TALLY,
        {
            "id": transfer_id,
            "skus": arrays.texts([sku for sku, _ in keys]),
            "damage": arrays.texts([damage for _, damage in keys]),
            "units": arrays.int4s([units[key] for key in keys]),
        },
    )


async def clear_tally(tx: Tx, transfer_id: TransferId) -> None:
    await tx.run("DELETE FROM inventory.transfer_tallies WHERE transfer_id = %(id)s", {"id": transfer_id})
