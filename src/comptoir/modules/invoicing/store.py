"""All the SQL of invoicing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from psycopg.rows import TupleRow

from comptoir.kernel.money import Currency
from comptoir.modules.invoicing.contracts import InvoiceId, Issued, Kind, SellerDetails
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
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

_ERASED = """
UPDATE invoicing.invoices SET erase_on = make_date(extract(year FROM issued_on)::int + %(years)s + 1, 1, 1)
WHERE order_id = ANY(%(ids)s::uuid[])"""

_FORGET = """
UPDATE invoicing.invoices SET erase_on = NULL, content = jsonb_set(
  jsonb_set(content, '{paper,buyer}', jsonb_build_object(
    'business', content #> '{paper,buyer,business}',
    'address', jsonb_build_object('country', coalesce(content #>> '{paper,buyer,address,country}', '')))),
  '{paper,ship_to}', 'null')
WHERE id IN (SELECT id FROM invoicing.invoices WHERE erase_on <= %(today)s ORDER BY erase_on LIMIT %(limit)s)"""


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
    return await of_orders(reader, [order_id])


async def of_orders(reader: Reader, order_ids: Sequence[OrderId]) -> list[Issued]:
    rows = await reader.rows(
        f"SELECT {_COLUMNS} FROM invoicing.invoices WHERE order_id = ANY(%(orders)s::uuid[]) ORDER BY issued_at, id",
        {"orders": arrays.uuids(order_ids)},
    )
    return [_issued(row) for row in rows]


async def get(reader: Reader, ids: Sequence[InvoiceId]) -> list[Issued]:
    rows = await reader.rows(f"SELECT {_COLUMNS} FROM invoicing.invoices WHERE id = ANY(%(ids)s)", {"ids": list(ids)})
    return [_issued(row) for row in rows]


async def mark_erased(tx: Tx, order_ids: Sequence[OrderId], years: int) -> None:
    """Says from when on the buyer need not stand on these any more."""
    await tx.run(_ERASED, {"ids": arrays.uuids(order_ids), "years": years})


async def forget_due(tx: Tx, today: date, limit: int) -> int:
    return await tx.run(_FORGET, {"today": today, "limit": limit})


async def lock_proof(tx: Tx, order_id: OrderId) -> tuple[int, datetime | None]:
    """How often whoever asked for the papers of an order was wrong, and until when nobody is heard. Others wait meanwhile."""
    params = {"order": order_id}
    await tx.run("INSERT INTO invoicing.proofs (order_id) VALUES (%(order)s) ON CONFLICT DO NOTHING", params)
    row = await tx.row("SELECT tries, barred_until FROM invoicing.proofs WHERE order_id = %(order)s FOR UPDATE", params)
    assert row is not None, "it was written right before"
    return row[0], row[1]


async def put_proof(tx: Tx, order_id: OrderId, tries: int, barred_until: datetime | None) -> None:
    await tx.run(
        "UPDATE invoicing.proofs SET tries = %(tries)s, barred_until = %(until)s WHERE order_id = %(order)s",
        {"order": order_id, "tries": tries, "until": barred_until},
    )
