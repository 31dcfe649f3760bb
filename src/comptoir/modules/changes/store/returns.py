"""Returns with what is announced and what has arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.changes.contracts import (
    LATE,
    Extra,
    Fate,
    Goods,
    ItemCondition,
    LabelStanding,
    Look,
    Reason,
    ReceivedId,
    ReceivedUnits,
    RefundMethod,
    RefundMoment,
    ReturnCase,
    ReturnCaseId,
    ReturnFilter,
    ReturnItem,
    ReturnState,
)
from comptoir.modules.changes.domain import return_number
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import Order, OrderId, ShipmentId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts, storable

_COLUMNS = (
    "r.id, r.number, r.order_id, r.state, r.moment, r.method, r.fee, r.fee_charged, r.why, r.announced, r.fact, r.note, "
    "r.carrier, r.tracking_number, r.exchange, r.exchange_lines, r.requested_at, r.requested_by, r.decided_at, r.decided_by, "
    "r.sent_at, r.closed_at, r.closed_by, r.version, r.channel, r.order_number, r.location_id, r.sender, r.prepaid, "
    "r.label_fee, r.label, r.label_problem, r.label_code, r.label_tries, r.label_at, r.declined_because, r.agreement, "
    "r.fee_line, r.shipping_lines, r.shipment_id"
)

_INSERT = """
INSERT INTO changes.returns (id, order_id, state, moment, method, fee, why, announced, fact, note, exchange, requested_at,
  requested_by, channel, order_number, location_id, sender, prepaid, label_fee, label, label_at)
VALUES (%(id)s, %(order)s, %(state)s, %(moment)s, %(method)s, %(fee)s, %(why)s, %(announced)s, %(fact)s, %(note)s,
  %(exchange)s::jsonb, %(at)s, %(actor)s, %(channel)s, %(number)s, %(location)s, %(sender)s, %(prepaid)s, %(label_fee)s,
  %(label)s, %(at)s)
"""

_ADD_ITEMS = """
INSERT INTO changes.items AS i (return_id, line_no, sku, quantity, received, reason)
SELECT %(id)s, line_no, sku, quantity, received, reason
FROM unnest(%(lines)s::int[], %(skus)s::text[], %(quantities)s::int[], %(received)s::int[], %(reasons)s::text[])
  AS n (line_no, sku, quantity, received, reason)
ON CONFLICT (return_id, line_no) DO UPDATE
SET received = i.received + excluded.received, quantity = greatest(i.quantity, i.received + excluded.received)
"""

_ITEMS = """
SELECT return_id, line_no, sku, quantity, received, reason FROM changes.items
WHERE return_id = ANY(%(ids)s::uuid[]) ORDER BY return_id, line_no
"""

_RECEIVED = """
SELECT return_id, id, line_no, sku, quantity, value, released, location_id, parcel, stocked, condition, fate, deduct,
  received_at, received_by, inspected_at, inspected_by, goods
FROM changes.received WHERE return_id = ANY(%(ids)s::uuid[]) ORDER BY return_id, received_at, id
"""

_RECEIVE = """
INSERT INTO changes.received (id, return_id, line_no, sku, quantity, value, released, location_id, parcel, stocked,
  received_at, received_by)
VALUES (%(id)s, %(return)s, %(line_no)s, %(sku)s, %(quantity)s, %(value)s, %(released)s, %(location)s, %(parcel)s,
  %(stocked)s, %(at)s, %(actor)s)
"""

_DECLINE = """
UPDATE changes.received SET goods = 'waiting', released = false
WHERE return_id = %(id)s AND fate IS NULL AND goods IS NULL
"""

_GO = """
UPDATE changes.received SET goods = %(goods)s, released = true WHERE return_id = %(id)s AND goods = 'waiting'
"""

_LOOK = """
UPDATE changes.received SET quantity = %(quantity)s, value = %(value)s, released = true, condition = %(condition)s,
  fate = %(fate)s, deduct = %(deduct)s, inspected_at = %(at)s, inspected_by = %(actor)s
WHERE id = %(id)s
"""

_REST = """
INSERT INTO changes.received (id, return_id, line_no, sku, quantity, value, released, location_id, parcel, stocked,
  received_at, received_by)
SELECT %(rest)s, return_id, line_no, sku, quantity - %(units)s, value - %(value)s, released, location_id, parcel, stocked,
  received_at, received_by
FROM changes.received WHERE id = %(id)s
"""


_FIELDS = [name.removeprefix("r.") for name in _COLUMNS.split(", ")]
_OWN = (
    "id", "line_no", "sku", "quantity", "value", "released", "location_id", "parcel", "stocked", "condition", "fate", "deduct",
    "received_at", "received_by", "inspected_at", "inspected_by", "goods",
)  # fmt: skip


def _case(row: TupleRow) -> ReturnCase:
    fields: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    fields["state"] = ReturnState(fields["state"])
    fields["moment"], fields["method"] = RefundMoment(fields["moment"]), RefundMethod(fields["method"])
    fields["exchange"] = msgspec.convert(fields["exchange"], tuple[Extra, ...])
    fields["exchange_lines"], fields["shipping_lines"] = tuple(fields["exchange_lines"]), tuple(fields["shipping_lines"])
    fields["label"] = LabelStanding(fields["label"])
    return ReturnCase(**fields)


LISTING = Listing(
    _COLUMNS,
    "changes.returns r",
    _case,
    sorts(("requested", [Key("r.requested_at", KeyKind.INSTANT), Key("r.id", KeyKind.ID)])),
)


def where(wanted: ReturnFilter) -> Where:
    where = Where()
    where.equal("r.order_id", wanted.order)
    where.equal("r.channel", wanted.channel or None)
    if wanted.states:
        where.add("r.state = ANY(%(states)s)", states=list(wanted.states))
    if wanted.reason is not None:
        where.add(
            "EXISTS (SELECT FROM changes.items i WHERE i.return_id = r.id AND i.reason = %(reason)s)", reason=wanted.reason
        )
    if wanted.location is not None:
        here = "EXISTS (SELECT FROM changes.received h WHERE h.return_id = r.id AND h.location_id = %(location)s)"
        where.add(f"(r.location_id = %(location)s OR {here})", location=wanted.location)
    if wanted.late_at is not None:
        _late(where, wanted.late_at)
    if wanted.inspecting is not None:
        where.add(
            "r.id IN (SELECT o.return_id FROM changes.received o WHERE o.location_id = %(inspecting)s AND o.fate IS NULL "
            "AND o.goods IS NULL)",
            inspecting=wanted.inspecting,
        )
    if wanted.labels:
        where.add("r.label = ANY(%(labels)s)", labels=[one.value for one in wanted.labels])
    if wanted.giving_back:
        where.add("r.id IN (SELECT g.return_id FROM changes.received g WHERE g.goods = 'waiting')")
    if wanted.search or wanted.search_orders:
        _search(where, wanted)
    return where


def _late(where: Where, at: datetime) -> None:
    """Each state has a patience of its own, from when it began."""
    ways: list[str] = []
    for state, patience in LATE.items():
        since = "coalesce(r.sent_at, r.decided_at, r.requested_at)"
        if state is ReturnState.RECEIVED:
            since = (
                "(SELECT min(w.received_at) FROM changes.received w "
                "WHERE w.return_id = r.id AND w.fate IS NULL AND w.goods IS NULL)"
            )
        ways.append(f"(r.state = '{state}' AND {since} < %(late_{state})s)")
        where.params[f"late_{state}"] = at - patience
    where.add(f"({' OR '.join(ways)})")


def _search(where: Where, wanted: ReturnFilter) -> None:
    text = storable(wanted.search).strip()
    ways = [
        "r.tracking_number = %(text)s",
        "r.id IN (SELECT p.return_id FROM changes.parcels p WHERE p.parcel = %(text)s)",
        "r.order_id = ANY(%(orders)s::uuid[])",
    ]
    number = return_number(text)
    if number is not None:
        ways += ["r.number = %(number)s", "r.order_number = %(number)s"] if text.isdecimal() else ["r.number = %(number)s"]
    where.add(f"({' OR '.join(ways)})", text=text, orders=arrays.uuids(list(wanted.search_orders)), number=number)


async def counts(reader: Reader, where: Where) -> dict[ReturnState, int]:
    """How many there are in each state; a state with none is left out."""
    found = await reader.rows(f"SELECT r.state, count(*) FROM changes.returns r {where.sql} GROUP BY r.state", where.params)
    return {ReturnState(state): count for state, count in found}


async def insert(
    tx: Tx,
    order: Order | None,
    state: ReturnState,
    items: Sequence[ReturnItem],
    *,
    moment: RefundMoment,
    method: RefundMethod,
    fee: int,
    why: str,
    announced: bool,
    fact: bool,
    note: str,
    exchange: Sequence[Extra],
    location_id: LocationId | None = None,
    sender: str = "",
    prepaid: bool = False,
    label_fee: int = 0,
    label: LabelStanding = LabelStanding.NONE,
) -> ReturnCaseId:
    case_id = ReturnCaseId(uuid7())
    await tx.run(
        _INSERT,
        {
            "id": case_id,
            "order": None if order is None else order.id,
            "channel": "" if order is None else order.channel_code,
            "number": None if order is None else order.number,
            "location": location_id,
            "sender": sender,
            "prepaid": prepaid,
            "label_fee": label_fee,
            "label": label.value,
            "state": state,
            "moment": moment,
            "method": method,
            "fee": fee,
            "why": why,
            "announced": announced,
            "fact": fact,
            "note": note,
            "exchange": encoded(exchange),
            "at": tx.now,
            "actor": tx.actor,
        },
    )
    await add_items(tx, case_id, items)
    return case_id


async def add_items(tx: Tx, case_id: ReturnCaseId, items: Sequence[ReturnItem]) -> None:
    """Announces units, or counts them as received where their line is known already."""
    if items:
        await tx.run(
            _ADD_ITEMS,
            {
                "id": case_id,
                "lines": arrays.int4s([one.line_no for one in items]),
                "skus": arrays.texts([one.sku for one in items]),
                "quantities": arrays.int4s([one.quantity for one in items]),
                "received": arrays.int4s([one.received for one in items]),
                "reasons": arrays.texts([one.reason for one in items]),
            },
        )


async def get(reader: Reader, case_id: ReturnCaseId, *, lock: bool = False) -> ReturnCase | None:
    """With what is announced and what has arrived."""
    statement = f"SELECT {_COLUMNS} FROM changes.returns r WHERE r.id = %(id)s"
    row = await reader.row(statement + (" FOR UPDATE" if lock else ""), {"id": case_id})
    return None if row is None else (await filled(reader, [_case(row)]))[0]


async def of_order(reader: Reader, order_id: OrderId) -> list[ReturnCase]:
    """All of an order, the oldest first."""
    statement = f"SELECT {_COLUMNS} FROM changes.returns r WHERE r.order_id = %(order)s ORDER BY r.requested_at, r.id"
    return await filled(reader, [_case(row) for row in await reader.rows(statement, {"order": order_id})])


async def of_shipments(reader: Reader, ids: Sequence[ShipmentId]) -> dict[ShipmentId, ReturnCase]:
    """The latest of each; without what is announced and what has arrived."""
    statement = (
        f"SELECT {_COLUMNS} FROM changes.returns r WHERE r.shipment_id = ANY(%(ids)s::uuid[]) ORDER BY r.requested_at, r.id"
    )
    rows = await reader.rows(statement, {"ids": arrays.uuids(list(ids))})
    return {case.shipment_id: case for case in map(_case, rows) if case.shipment_id is not None}


async def filled(reader: Reader, cases: Sequence[ReturnCase]) -> list[ReturnCase]:
    """With what is announced and what has arrived."""
    ids = {"ids": arrays.uuids([one.id for one in cases])}
    items: dict[UUID, list[ReturnItem]] = {}
    arrived: dict[UUID, list[ReceivedUnits]] = {}
    for row in await reader.rows(_ITEMS, ids) if cases else []:
        items.setdefault(row[0], []).append(ReturnItem(row[1], row[2], row[3], row[4], Reason(row[5])))
    for row in await reader.rows(_RECEIVED, ids) if cases else []:
        arrived.setdefault(row[0], []).append(_received(row[1:]))
    return [replace(one, items=tuple(items.get(one.id, ())), received=tuple(arrived.get(one.id, ()))) for one in cases]


def _received(row: TupleRow) -> ReceivedUnits:
    fields: dict[str, Any] = dict(zip(_OWN, row, strict=True))
    fields["condition"] = None if fields["condition"] is None else ItemCondition(fields["condition"])
    fields["fate"] = None if fields["fate"] is None else Fate(fields["fate"])
    fields["goods"] = None if fields["goods"] is None else Goods(fields["goods"])
    return ReceivedUnits(**fields)


async def put(tx: Tx, case_id: ReturnCaseId, values: Mapping[str, object]) -> None:
    """Sets columns, whose names are the code's own."""
    columns = ", ".join(f"{name} = %({name})s" for name in values)
    await tx.run(f"UPDATE changes.returns SET {columns}, version = version + 1 WHERE id = %(id)s", {**values, "id": case_id})


def encoded(extras: Sequence[Extra]) -> str:
    """What the buyer gets instead, as its column has it."""
    return msgspec.json.encode(extras).decode()


async def known_parcel(reader: Reader, parcel: str) -> ReturnCaseId | None:
    """The return that this parcel was received for."""
    return await reader.value("SELECT return_id FROM changes.parcels WHERE parcel = %(parcel)s", {"parcel": parcel})


async def insert_parcel(tx: Tx, parcel: str, case_id: ReturnCaseId) -> None:
    """Where somebody else has received it since we looked, this transaction fails with `Outrun`."""
    tx.race("parcels_pkey")
    await tx.run(
        "INSERT INTO changes.parcels (parcel, return_id, at, actor) VALUES (%(parcel)s, %(return)s, %(at)s, %(actor)s)",
        {"parcel": parcel, "return": case_id, "at": tx.now, "actor": tx.actor},
    )


async def receive(
    tx: Tx,
    case_id: ReturnCaseId,
    line_no: int | None,
    sku: str,
    quantity: int,
    *,
    value: int,
    released: bool,
    location_id: LocationId,
    parcel: str,
    stocked: bool,
) -> ReceivedId:
    received_id = ReceivedId(uuid7())
    await tx.run(
        _RECEIVE,
        {
            "id": received_id,
            "return": case_id,
            "line_no": line_no,
            "sku": sku,
            "quantity": quantity,
            "value": value,
            "released": released,
            "location": location_id,
            "parcel": parcel,
            "stocked": stocked,
            "at": tx.now,
            "actor": tx.actor,
        },
    )
    return received_id


async def look(tx: Tx, row: ReceivedUnits, found: Look, value: int) -> None:
    """Somebody has looked at some of these units, which were worth `value`; what is left becomes a row of its own."""
    params: dict[str, object] = {
        "id": row.id,
        "rest": uuid7(),
        "units": found.quantity,
        "quantity": found.quantity,
        "value": value,
        "condition": found.condition,
        "fate": found.fate,
        "deduct": found.deduct,
        "at": tx.now,
        "actor": tx.actor,
    }
    if found.quantity < row.quantity:
        await tx.run(_REST, params)
    await tx.run(_LOOK, params)


async def decline(tx: Tx, case_id: ReturnCaseId) -> None:
    """What is here and nobody has looked at waits to go back, and is not refunded."""
    await tx.run(_DECLINE, {"id": case_id})


async def go(tx: Tx, case_id: ReturnCaseId, goods: Goods) -> None:
    """What was declined has gone, or stays."""
    await tx.run(_GO, {"id": case_id, "goods": goods.value})


async def labels_due(reader: Reader, now: datetime, spent_before: datetime, limit: int) -> list[ReturnCaseId]:
    """Returns whose label is to be bought or given back now, those that wait longest first; what was bought before
    `spent_before` and was not used is among them.
    """
    return await reader.values(
        "SELECT id FROM changes.returns WHERE (label = 'wanted' AND state = 'approved' AND label_at <= %(now)s) "
        "OR (label = 'to_void' AND coalesce(label_at, %(now)s) <= %(now)s) "
        "OR (label = 'bought' AND state = 'approved' AND label_at < %(spent)s) ORDER BY label_at LIMIT %(limit)s",
        {"now": now, "spent": spent_before, "limit": limit},
    )
