"""All the SQL of invoicing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec
from psycopg.rows import TupleRow

from comptoir.kernel.money import Currency
from comptoir.modules.invoicing.contracts import InvoiceId, Issued, Kind, SellerDetails
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Reader, Tx

_COLUMNS = "id, kind, number, order_id, refers_to, issued_on, issued_at, currency, total, content"

_NEXT = """
INSERT INTO invoicing.series AS s (seller, kind, year, last, last_on) VALUES (%(seller)s, %(kind)s, %(year)s, 1, %(on)s)
ON CONFLICT (seller, kind, year) DO UPDATE SET last = s.last + 1, last_on = greatest(s.last_on, excluded.last_on)
RETURNING last, last_on"""

_INSERT = f"""
INSERT INTO invoicing.invoices (seller, year, serial, {_COLUMNS})
VALUES (%(seller)s, %(year)s, %(serial)s, %(id)s, %(kind)s, %(number)s, %(order)s, %(refers_to)s, %(issued_on)s, %(at)s,
  %(currency)s, %(total)s, %(content)s::jsonb)"""


def _issued(row: TupleRow) -> Issued:
    return Issued(
        id=InvoiceId(row[0]),
        kind=Kind(row[1]),
        number=row[2],
        order_id=OrderId(row[3]),
        refers_to=row[4],
        issued_on=row[5],
        issued_at=row[6],
        currency=Currency(row[7]),
        total=row[8],
        content=msgspec.json.encode(row[9]),
    )


async def seller(reader: Reader, code: str) -> SellerDetails | None:
    found = await reader.value("SELECT details FROM invoicing.sellers WHERE code = %(code)s", {"code": code})
    return None if found is None else msgspec.convert(found, SellerDetails)


async def put_seller(tx: Tx, code: str, details: SellerDetails) -> None:
    await tx.run(
        "INSERT INTO invoicing.sellers AS s (code, details, updated_at) VALUES (%(code)s, %(details)s::jsonb, %(now)s) "
        "ON CONFLICT (code) DO UPDATE SET details = excluded.details, updated_at = excluded.updated_at, "
        "version = s.version + 1",
        {"code": code, "details": msgspec.json.encode(details).decode(), "now": tx.now},
    )


async def next_serial(tx: Tx, code: str, kind: Kind, on: date) -> tuple[int, date]:
    """The next number of the year, and its day: no earlier than the number's before it. Nobody else gets one meanwhile."""
    row = await tx.row(_NEXT, {"seller": code, "kind": kind, "year": on.year, "on": on})
    assert row is not None, "the series is there now"
    return row[0], row[1]


async def insert(tx: Tx, code: str, year: int, serial: int, one: Issued) -> None:
    await tx.run(
        _INSERT,
        {
            "seller": code,
            "year": year,
            "serial": serial,
            "id": one.id,
            "kind": one.kind,
            "number": one.number,
            "order": one.order_id,
            "refers_to": one.refers_to,
            "issued_on": one.issued_on,
            "at": one.issued_at,
            "currency": one.currency,
            "total": one.total,
            "content": one.content.decode(),
        },
    )


async def of_order(reader: Reader, order_id: OrderId) -> list[Issued]:
    rows = await reader.rows(
        f"SELECT {_COLUMNS} FROM invoicing.invoices WHERE order_id = %(order)s ORDER BY issued_at, id", {"order": order_id}
    )
    return [_issued(row) for row in rows]


async def get(reader: Reader, ids: Sequence[InvoiceId]) -> list[Issued]:
    rows = await reader.rows(f"SELECT {_COLUMNS} FROM invoicing.invoices WHERE id = ANY(%(ids)s)", {"ids": list(ids)})
    return [_issued(row) for row in rows]
