"""Transfers between locations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from psycopg.rows import TupleRow

from comptoir.modules.inventory.contracts import Transfer, TransferFilter, TransferId, TransferLine, TransferState
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_COLUMNS = "id, number, from_location_id, to_location_id, state, note, created_at, sent_at, received_at, actor, version"

_INSERT = f"""
INSERT INTO inventory.transfers (id, from_location_id, to_location_id, state, note, created_at, actor)
VALUES (%(id)s, %(from_location_id)s, %(to_location_id)s, 'draft', %(note)s, %(at)s, %(actor)s)
RETURNING {_COLUMNS}
"""

_GET = f"SELECT {_COLUMNS} FROM inventory.transfers WHERE id = %(id)s"

_UPDATE = """
UPDATE inventory.transfers SET from_location_id = %(from_location_id)s, to_location_id = %(to_location_id)s, state = %(state)s,
  note = %(note)s, sent_at = %(sent_at)s, received_at = %(received_at)s, version = %(version)s
WHERE id = %(id)s
"""

_LINES = """
SELECT sku, quantity, received, missing FROM inventory.transfer_lines WHERE transfer_id = %(id)s ORDER BY sku
"""

_PUT_LINES = """
MERGE INTO inventory.transfer_lines AS t
USING (SELECT * FROM unnest(%(skus)s::text[], %(quantities)s::int[], %(received)s::int[], %(missing)s::int[])
       AS i (sku, quantity, received, missing) ORDER BY sku) AS i
ON t.transfer_id = %(id)s AND t.sku = i.sku
WHEN MATCHED AND (t.quantity, t.received, t.missing) <> (i.quantity, i.received, i.missing)
  THEN UPDATE SET quantity = i.quantity, received = i.received, missing = i.missing
WHEN NOT MATCHED THEN INSERT (transfer_id, sku, quantity, received, missing)
  VALUES (%(id)s, i.sku, i.quantity, i.received, i.missing)
WHEN NOT MATCHED BY SOURCE AND t.transfer_id = %(id)s THEN DELETE
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
    if wanted.location_ids:
        where.add(
            "(from_location_id = ANY(%(places)s) OR to_location_id = ANY(%(places)s))", places=arrays.uuids(wanted.location_ids)
        )
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
        },
    )
    await put_lines(tx, transfer.id, transfer.lines)


async def put_lines(tx: Tx, transfer_id: TransferId, lines: Sequence[TransferLine]) -> None:
    """The transfer has these lines and no others."""
    await tx.run(
        _PUT_LINES,
        {
            "id": transfer_id,
            "skus": arrays.texts([line.sku for line in lines]),
            "quantities": arrays.int4s([line.quantity for line in lines]),
            "received": arrays.int4s([line.received for line in lines]),
            "missing": arrays.int4s([line.missing for line in lines]),
        },
    )
