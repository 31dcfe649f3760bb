"""Fulfilment orders, their lines and parcels: making, locking and changing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import TupleRow

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentId,
    FulfilmentLine,
    HoldReason,
    LineUnits,
    Method,
    Parcel,
    ParcelDraft,
    ParcelId,
    Request,
    Stage,
    State,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId, ShipmentId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_READ = tuple(one.name for one in fields(Fulfilment) if one.name != "lines")
COLUMNS = ", ".join(f"f.{name}" for name in _READ)
_PARCEL = (
    "id, fulfilment_id, number, carton, weight, length, width, height, carrier, tracking_number, tracking_url, shipment_id, "
    "packed_at, packed_by, marked_at, recalled_at"
)

_INSERT = """
INSERT INTO fulfilment.orders (id, order_id, order_number, channel_code, location_id, state, request, method, service,
  hold_reason, carrier, leaves_by, arrives_on, promised_on, answer_by, answer_within, count_unanswered, release_at, assignee,
  recipient, city, country, placed_at, created_at, quantity)
SELECT id, order_id, order_number, channel_code, location_id, state, 'unsubmitted', method, service, hold_reason, carrier,
  leaves_by, arrives_on, promised_on, answer_by, answer_within, count_unanswered, release_at, '', recipient, city, country,
  placed_at, %(now)s, quantity
FROM unnest(%(ids)s::uuid[], %(orders)s::uuid[], %(numbers)s::bigint[], %(channels)s::text[], %(locations)s::uuid[],
    %(states)s::text[], %(methods)s::text[], %(services)s::text[], %(holds)s::text[], %(carriers)s::text[],
    %(leaves_by)s::timestamptz[], %(arrives_on)s::date[], %(promised_on)s::date[], %(answer_by)s::timestamptz[],
    %(answer_within)s::int[], %(count_unanswered)s::bool[], %(release_at)s::timestamptz[], %(recipients)s::text[],
    %(cities)s::text[], %(countries)s::text[],
    %(placed_at)s::timestamptz[], %(quantities)s::int[])
  AS f (id, order_id, order_number, channel_code, location_id, state, method, service, hold_reason, carrier, leaves_by,
    arrives_on, promised_on, answer_by, answer_within, count_unanswered, release_at, recipient, city, country, placed_at,
    quantity)
RETURNING id, number"""

_INSERT_LINES = """
INSERT INTO fulfilment.lines (fulfilment_id, line_no, sku, name, quantity)
SELECT * FROM unnest(%(ids)s::uuid[], %(lines)s::int[], %(skus)s::text[], %(names)s::text[], %(quantities)s::int[])"""

_OF_ORDERS = f"SELECT {COLUMNS} FROM fulfilment.orders f WHERE f.order_id = ANY(%(ids)s::uuid[]) ORDER BY f.id"

_LINES = """
SELECT fulfilment_id, line_no, sku, name, quantity, picked, packed, gone FROM fulfilment.lines
WHERE fulfilment_id = ANY(%(ids)s::uuid[]) ORDER BY fulfilment_id, line_no"""

_CHANGE_LINES = """
WITH c AS (
  SELECT * FROM unnest(%(ids)s::uuid[], %(lines)s::int[], %(skus)s::text[], %(names)s::text[], %(quantity)s::int[],
    %(picked)s::int[], %(packed)s::int[], %(gone)s::int[])
    AS c (fulfilment_id, line_no, sku, name, quantity, picked, packed, gone)
), written AS (
  INSERT INTO fulfilment.lines AS l (fulfilment_id, line_no, sku, name, quantity, picked, packed, gone)
  SELECT * FROM c
  ON CONFLICT (fulfilment_id, line_no) DO UPDATE
  SET quantity = excluded.quantity, picked = excluded.picked, packed = excluded.packed, gone = excluded.gone
)
UPDATE fulfilment.orders f SET quantity = f.quantity + s.quantity, picked = f.picked + s.picked, packed = f.packed + s.packed,
  gone = f.gone + s.gone, version = f.version + 1
FROM (
  SELECT c.fulfilment_id, sum(c.quantity - coalesce(l.quantity, 0))::int AS quantity,
    sum(c.picked - coalesce(l.picked, 0))::int AS picked, sum(c.packed - coalesce(l.packed, 0))::int AS packed,
    sum(c.gone - coalesce(l.gone, 0))::int AS gone
  FROM c LEFT JOIN fulfilment.lines l ON l.fulfilment_id = c.fulfilment_id AND l.line_no = c.line_no
  GROUP BY c.fulfilment_id
) s
WHERE f.id = s.fulfilment_id"""
"""The lines as they are to be; the sums change by what they change. The outer statement sees the lines as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFulfilment:
    """One row of fulfilment.orders to be, with its lines."""

    id: FulfilmentId
    order_id: OrderId
    order_number: int
    channel_code: str
    location_id: LocationId
    state: State
    method: Method
    service: Service
    hold_reason: HoldReason | None
    carrier: str
    leaves_by: datetime | None
    arrives_on: date | None
    promised_on: date | None
    answer_by: datetime | None
    release_at: datetime | None
    recipient: str
    city: str
    country: str
    placed_at: datetime
    lines: tuple[FulfilmentLine, ...]
    answer_within: int = 0
    count_unanswered: bool = False


def fulfilment(row: TupleRow) -> Fulfilment:
    values: dict[str, Any] = dict(zip(_READ, row, strict=True))
    values["state"] = State(values["state"])
    values["stage"] = Stage(values["stage"])
    values["request"] = Request(values["request"])
    values["method"] = Method(values["method"])
    values["service"] = Service(values["service"])
    values["hold_reason"] = None if values["hold_reason"] is None else HoldReason(values["hold_reason"])
    return Fulfilment(**values)


async def insert(tx: Tx, new: Sequence[NewFulfilment]) -> dict[FulfilmentId, int]:
    """Gives their numbers."""
    rows = await tx.rows(
        _INSERT,
        {
            "now": tx.now,
            "ids": arrays.uuids([one.id for one in new]),
            "orders": arrays.uuids([one.order_id for one in new]),
            "numbers": arrays.int8s([one.order_number for one in new]),
            "channels": arrays.texts([one.channel_code for one in new]),
            "locations": arrays.uuids([one.location_id for one in new]),
            "states": arrays.texts([one.state for one in new]),
            "methods": arrays.texts([one.method for one in new]),
            "services": arrays.texts([one.service for one in new]),
            "holds": arrays.optional_texts([one.hold_reason for one in new]),
            "carriers": arrays.texts([one.carrier for one in new]),
            "leaves_by": [one.leaves_by for one in new],
            "arrives_on": [one.arrives_on for one in new],
            "promised_on": [one.promised_on for one in new],
            "answer_by": [one.answer_by for one in new],
            "answer_within": arrays.int4s([one.answer_within for one in new]),
            "count_unanswered": [one.count_unanswered for one in new],
            "release_at": [one.release_at for one in new],
            "recipients": arrays.texts([one.recipient for one in new]),
            "cities": arrays.texts([one.city for one in new]),
            "countries": arrays.texts([one.country for one in new]),
            "placed_at": [one.placed_at for one in new],
            "quantities": arrays.int4s([sum(line.quantity for line in one.lines) for one in new]),
        },
    )
    flat = [(one.id, line) for one in new for line in one.lines]
    await tx.run(
        _INSERT_LINES,
        {
            "ids": arrays.uuids([key for key, _ in flat]),
            "lines": arrays.int4s([line.line_no for _, line in flat]),
            "skus": arrays.texts([line.sku for _, line in flat]),
            "names": arrays.texts([line.name for _, line in flat]),
            "quantities": arrays.int4s([line.quantity for _, line in flat]),
        },
    )
    return {FulfilmentId(key): number for key, number in rows}


async def with_lines(reader: Reader, found: Sequence[Fulfilment]) -> list[Fulfilment]:
    lines: dict[UUID, list[FulfilmentLine]] = {}
    if found:
        for key, *values in await reader.rows(_LINES, {"ids": arrays.uuids([one.id for one in found])}):
            lines.setdefault(key, []).append(FulfilmentLine(*values))
    return [replace(one, lines=tuple(lines.get(one.id, ()))) for one in found]


async def of_orders(reader: Reader, ids: Sequence[OrderId], *, lock: bool = False) -> list[Fulfilment]:
    """All of these orders', by id, with their lines."""
    rows = await reader.rows(_OF_ORDERS + (" FOR UPDATE" if lock else ""), {"ids": arrays.uuids(ids)})
    return await with_lines(reader, [fulfilment(row) for row in rows])


async def get(reader: Reader, ids: Sequence[FulfilmentId], *, lock: bool = False) -> list[Fulfilment]:
    """Those that there are, by id, with their lines."""
    rows = await reader.rows(
        f"SELECT {COLUMNS} FROM fulfilment.orders f WHERE f.id = ANY(%(ids)s::uuid[]) ORDER BY f.id"
        + (" FOR UPDATE" if lock else ""),
        {"ids": arrays.uuids(ids)},
    )
    return await with_lines(reader, [fulfilment(row) for row in rows])


async def order_ids(reader: Reader, ids: Sequence[FulfilmentId]) -> list[OrderId]:
    """Of which orders these are part."""
    return await reader.values(
        "SELECT DISTINCT order_id FROM fulfilment.orders WHERE id = ANY(%(ids)s::uuid[])", {"ids": arrays.uuids(ids)}
    )


async def put_lines(tx: Tx, changed: Sequence[tuple[FulfilmentId, FulfilmentLine]]) -> None:
    """Lines as they are to be, new ones too; the sums of their fulfilment orders, which are locked, change with them."""
    await tx.run(
        _CHANGE_LINES,
        {
            "ids": arrays.uuids([key for key, _ in changed]),
            "lines": arrays.int4s([line.line_no for _, line in changed]),
            "skus": arrays.texts([line.sku for _, line in changed]),
            "names": arrays.texts([line.name for _, line in changed]),
            "quantity": arrays.int4s([line.quantity for _, line in changed]),
            "picked": arrays.int4s([line.picked for _, line in changed]),
            "packed": arrays.int4s([line.packed for _, line in changed]),
            "gone": arrays.int4s([line.gone for _, line in changed]),
        },
    )


SETTABLE = {
    "state": "text",
    "request": "text",
    "hold_reason": "text",
    "hold_note": "text",
    "assignee": "text",
    "method": "text",
    "service": "text",
    "location_id": "uuid",
    "wave_id": "uuid",
    "carrier": "text",
    "recipient": "text",
    "city": "text",
    "country": "text",
    "leaves_by": "timestamptz",
    "arrives_on": "date",
    "answer_by": "timestamptz",
    "answer_within": "int",
    "count_unanswered": "bool",
    "release_at": "timestamptz",
    "created_at": "timestamptz",
    "begun_at": "timestamptz",
    "picked_at": "timestamptz",
    "packed_at": "timestamptz",
    "ready_at": "timestamptz",
    "closed_at": "timestamptz",
    "asked_at": "timestamptz",
}


async def put(tx: Tx, ids: Sequence[FulfilmentId], values: Mapping[str, object]) -> None:
    """The same values for all of these, which are locked."""
    columns = ", ".join(f"{name} = %({name})s::{SETTABLE[name]}" for name in values)
    await tx.run(
        f"UPDATE fulfilment.orders SET {columns}, version = version + 1 WHERE id = ANY(%(ids)s::uuid[])",
        dict(values) | {"ids": arrays.uuids(ids)},
    )


# Parcels


async def parcels(reader: Reader, ids: Sequence[FulfilmentId]) -> list[Parcel]:
    """Of these fulfilment orders, by number."""
    return await _parcels(reader, "fulfilment_id", ids)


async def some_parcels(reader: Reader, ids: Sequence[ParcelId]) -> list[Parcel]:
    """Those of these parcels that there are."""
    return await _parcels(reader, "id", ids)


async def _parcels(reader: Reader, column: str, ids: Sequence[UUID]) -> list[Parcel]:
    rows = await reader.rows(
        f"SELECT {_PARCEL} FROM fulfilment.parcels WHERE {column} = ANY(%(ids)s::uuid[]) ORDER BY fulfilment_id, number",
        {"ids": arrays.uuids(ids)},
    )
    contents = await reader.rows(
        "SELECT parcel_id, line_no, quantity, recalled FROM fulfilment.parcel_lines WHERE parcel_id = ANY(%(ids)s::uuid[]) "
        "ORDER BY parcel_id, line_no",
        {"ids": arrays.uuids([row[0] for row in rows])},
    )
    inside: dict[UUID, list[LineUnits]] = {}
    recalled: dict[UUID, list[LineUnits]] = {}
    for key, line_no, quantity, unwanted in contents:
        if quantity:
            inside.setdefault(key, []).append(LineUnits(line_no, quantity))
        if unwanted:
            recalled.setdefault(key, []).append(LineUnits(line_no, unwanted))
    return [
        Parcel(
            id=ParcelId(row[0]),
            fulfilment_id=row[1],
            number=row[2],
            carton=row[3],
            weight=row[4],
            length=row[5],
            width=row[6],
            height=row[7],
            carrier=row[8],
            tracking_number=row[9],
            tracking_url=row[10],
            shipment_id=row[11],
            packed_at=row[12],
            packed_by=row[13],
            marked_at=row[14],
            recalled_at=row[15],
            recalled=tuple(recalled.get(row[0], ())),
            lines=tuple(inside.get(row[0], ())),
        )
        for row in rows
    ]


async def insert_parcel(tx: Tx, parcel_id: ParcelId, fulfilment_id: FulfilmentId, number: int, draft: ParcelDraft) -> None:
    await tx.run(
        """
        WITH p AS (
          INSERT INTO fulfilment.parcels (id, fulfilment_id, number, carton, weight, length, width, height, carrier,
            tracking_number, tracking_url, packed_at, packed_by)
          VALUES (%(id)s, %(fulfilment)s, %(number)s, %(carton)s, %(weight)s, %(length)s, %(width)s, %(height)s, '', '', '',
            %(now)s, %(actor)s)
        )
        INSERT INTO fulfilment.parcel_lines (parcel_id, line_no, quantity)
        SELECT %(id)s, line_no, quantity FROM unnest(%(lines)s::int[], %(quantities)s::int[]) AS l (line_no, quantity)""",
        {
            "id": parcel_id,
            "fulfilment": fulfilment_id,
            "number": number,
            "carton": draft.carton,
            "weight": draft.weight,
            "length": draft.length,
            "width": draft.width,
            "height": draft.height,
            "now": tx.now,
            "actor": tx.actor,
            "lines": arrays.int4s([line.line_no for line in draft.lines]),
            "quantities": arrays.int4s([line.quantity for line in draft.lines]),
        },
    )


async def mark(tx: Tx, ids: Sequence[ParcelId], at: datetime | None) -> None:
    """Those that are still here are marked as looked at, or with None are so no more."""
    await tx.run(
        "UPDATE fulfilment.parcels SET marked_at = %(at)s WHERE id = ANY(%(ids)s::uuid[]) AND shipment_id IS NULL",
        {"ids": arrays.uuids(ids), "at": at},
    )


async def delete_parcels(tx: Tx, ids: Sequence[ParcelId]) -> None:
    """Unpacked again; none of them has left."""
    await tx.run("DELETE FROM fulfilment.parcels WHERE id = ANY(%(ids)s::uuid[])", {"ids": arrays.uuids(ids)})


async def known_shipments(reader: Reader, order_ids: Sequence[OrderId]) -> set[ShipmentId]:
    """With which boxes of these orders have left."""
    rows = await reader.values(
        "SELECT p.shipment_id FROM fulfilment.orders f JOIN fulfilment.parcels p ON p.fulfilment_id = f.id "
        "WHERE f.order_id = ANY(%(ids)s::uuid[]) AND p.shipment_id IS NOT NULL",
        {"ids": arrays.uuids(order_ids)},
    )
    return set(rows)


async def parcel_left(
    tx: Tx, parcel_id: ParcelId, shipment_id: ShipmentId, carrier: str, tracking_number: str, tracking_url: str
) -> None:
    await tx.run(
        "UPDATE fulfilment.parcels SET shipment_id = %(shipment)s, carrier = %(carrier)s, tracking_number = %(number)s, "
        "tracking_url = %(url)s WHERE id = %(id)s",
        {"id": parcel_id, "shipment": shipment_id, "carrier": carrier, "number": tracking_number, "url": tracking_url},
    )
