"""Purchase orders and their lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.purchasing.contracts import (
    DeclineReason,
    Purchase,
    PurchaseFilter,
    PurchaseId,
    PurchaseLine,
    PurchaseState,
)
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts, storable

_READ = tuple(one.name for one in fields(Purchase) if one.name != "lines")
COLUMNS = ", ".join(f"p.{name}" for name in _READ)
_LINE = tuple(one.name for one in fields(PurchaseLine))

_INSERT = """
INSERT INTO purchasing.purchases (id, fulfilment_id, order_id, order_number, channel_code, location_id, state, service,
  currency, ship_to, requested_on, answer_by, remind_at, created_at, answered_by, cost)
VALUES (%(id)s, %(fulfilment_id)s, %(order_id)s, %(order_number)s, %(channel_code)s, %(location_id)s, 'asked', %(service)s,
  %(currency)s, %(ship_to)s::text::jsonb, %(requested_on)s, %(answer_by)s, %(remind_at)s, %(created_at)s, '', %(cost)s)
RETURNING number"""

_PUT_LINES = """
INSERT INTO purchasing.lines AS l (purchase_id, line_no, sku, name, supplier_sku, weighed, quantity, rejected, cancelled,
  shipped, cost, reason, promised_on)
SELECT %(id)s, * FROM unnest(%(lines)s::int[], %(skus)s::text[], %(names)s::text[], %(supplier_skus)s::text[],
  %(weighed)s::bool[], %(quantity)s::int[], %(rejected)s::int[], %(cancelled)s::int[], %(shipped)s::int[], %(cost)s::bigint[],
  %(reason)s::text[], %(promised_on)s::date[])
ON CONFLICT (purchase_id, line_no) DO UPDATE SET quantity = excluded.quantity, rejected = excluded.rejected,
  cancelled = excluded.cancelled, shipped = excluded.shipped, reason = excluded.reason, promised_on = excluded.promised_on"""

_CLAIMED_UNITS = """
SELECT l.sku, sum(l.quantity - l.rejected - l.cancelled - l.shipped)::int
FROM purchasing.purchases p JOIN purchasing.lines l ON l.purchase_id = p.id
WHERE p.location_id = %(location)s AND p.state IN ('acknowledged', 'partly_shipped') AND l.sku = ANY(%(skus)s::text[])
GROUP BY l.sku"""


def purchase(row: TupleRow) -> Purchase:
    values: dict[str, Any] = dict(zip(_READ, row, strict=True))
    values["state"] = PurchaseState(values["state"])
    values["service"] = Service(values["service"])
    return Purchase(**values)


LISTING: Listing[Purchase] = Listing(
    COLUMNS,
    "purchasing.purchases p",
    purchase,
    sorts(("number", [Key("p.number", KeyKind.INTEGER)])),
)


def where(wanted: PurchaseFilter) -> Where:
    where = Where()
    if wanted.locations:
        where.add("p.location_id = ANY(%(locations)s::uuid[])", locations=arrays.uuids(wanted.locations))
    if wanted.states:
        where.add("p.state = ANY(%(states)s::text[])", states=arrays.texts(list(wanted.states)))
    where.equal("p.order_id", wanted.order_id)
    text = storable(wanted.search).strip().lstrip("#")
    if text:
        number = int(text) if text.isdecimal() and text.isascii() and len(text) < 19 else -1
        where.add("(p.number = %(wanted)s OR p.order_number = %(wanted)s)", wanted=number)
    return where


async def with_lines(reader: Reader, found: Sequence[Purchase]) -> list[Purchase]:
    lines: dict[UUID, list[PurchaseLine]] = {}
    if found:
        rows = await reader.rows(
            f"SELECT purchase_id, {', '.join(_LINE)} FROM purchasing.lines WHERE purchase_id = ANY(%(ids)s::uuid[]) "
            "ORDER BY purchase_id, line_no",
            {"ids": arrays.uuids([one.id for one in found])},
        )
        for key, *values in rows:
            named: dict[str, Any] = dict(zip(_LINE, values, strict=True))
            named["reason"] = None if named["reason"] is None else DeclineReason(named["reason"])
            lines.setdefault(key, []).append(PurchaseLine(**named))
    return [replace(one, lines=tuple(lines.get(one.id, ()))) for one in found]


async def get(reader: Reader, ids: Sequence[PurchaseId], *, lock: bool = False) -> list[Purchase]:
    """Those that there are, by id, with their lines. Orders are locked before them."""
    rows = await reader.rows(
        f"SELECT {COLUMNS} FROM purchasing.purchases p WHERE p.id = ANY(%(ids)s::uuid[]) ORDER BY p.id"
        + (" FOR UPDATE" if lock else ""),
        {"ids": arrays.uuids(ids)},
    )
    return await with_lines(reader, [purchase(row) for row in rows])


async def of_orders(reader: Reader, ids: Sequence[OrderId], *, lock: bool = False) -> list[Purchase]:
    """All of these orders', by number, with their lines."""
    rows = await reader.rows(
        f"SELECT {COLUMNS} FROM purchasing.purchases p WHERE p.order_id = ANY(%(ids)s::uuid[]) ORDER BY p.number"
        + (" FOR UPDATE" if lock else ""),
        {"ids": arrays.uuids(ids)},
    )
    return await with_lines(reader, [purchase(row) for row in rows])


async def insert(tx: Tx, new: Purchase) -> int:
    """Gives its number."""
    number: int = await tx.value(
        _INSERT,
        {
            "id": new.id,
            "fulfilment_id": new.fulfilment_id,
            "order_id": new.order_id,
            "order_number": new.order_number,
            "channel_code": new.channel_code,
            "location_id": new.location_id,
            "service": new.service,
            "currency": new.currency,
            "ship_to": msgspec.json.encode(new.ship_to).decode(),
            "requested_on": new.requested_on,
            "answer_by": new.answer_by,
            "remind_at": new.remind_at,
            "created_at": new.created_at,
            "cost": new.cost,
        },
    )
    await put_lines(tx, new.id, new.lines)
    return number


async def put_lines(tx: Tx, purchase_id: PurchaseId, lines: Sequence[PurchaseLine]) -> None:
    """Lines as they are to be, new ones too."""
    await tx.run(
        _PUT_LINES,
        {
            "id": purchase_id,
            "lines": arrays.int4s([line.line_no for line in lines]),
            "skus": arrays.texts([line.sku for line in lines]),
            "names": arrays.texts([line.name for line in lines]),
            "supplier_skus": arrays.texts([line.supplier_sku for line in lines]),
            "weighed": [line.weighed for line in lines],
            "quantity": arrays.int4s([line.quantity for line in lines]),
            "rejected": arrays.int4s([line.rejected for line in lines]),
            "cancelled": arrays.int4s([line.cancelled for line in lines]),
            "shipped": arrays.int4s([line.shipped for line in lines]),
            "cost": [line.cost for line in lines],
            "reason": arrays.optional_texts([line.reason for line in lines]),
            "promised_on": [line.promised_on for line in lines],
        },
    )


SETTABLE = {
    "state": "text",
    "revision": "int",
    "promised_on": "date",
    "answer_by": "timestamptz",
    "remind_at": "timestamptz",
    "answered_at": "timestamptz",
    "answered_by": "text",
    "ended_at": "timestamptz",
    "note": "text",
    "cost": "bigint",
    "booked": "bigint",
}


async def put(tx: Tx, purchase_id: PurchaseId, values: Mapping[str, object]) -> None:
    """Of one that is locked."""
    columns = ", ".join(f"{name} = %({name})s::{SETTABLE[name]}" for name in values)
    await tx.run(
        f"UPDATE purchasing.purchases SET {columns}, version = version + 1 WHERE id = %(id)s",
        dict(values) | {"id": purchase_id},
    )


async def to_remind(reader: Reader, now: datetime, limit: int) -> list[PurchaseId]:
    return await reader.values(
        "SELECT id FROM purchasing.purchases WHERE state = 'asked' AND remind_at <= %(now)s ORDER BY remind_at LIMIT %(limit)s",
        {"now": now, "limit": limit},
    )


async def counts(reader: Reader) -> dict[PurchaseState, int]:
    """How many are in each state that is not over."""
    rows = await reader.rows(
        "SELECT state, count(*)::int FROM purchasing.purchases WHERE state IN ('asked', 'acknowledged', 'partly_shipped') "
        "GROUP BY state"
    )
    return {PurchaseState(state): count for state, count in rows}


async def claimed_units(reader: Reader, location_id: LocationId, skus: Sequence[str]) -> dict[str, int]:
    """Units that the supplier has accepted and not sent yet: their own figures no longer count them."""
    return dict(await reader.rows(_CLAIMED_UNITS, {"location": location_id, "skus": arrays.texts(skus)}))
