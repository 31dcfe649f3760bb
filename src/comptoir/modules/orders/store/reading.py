"""Reading the order book: lists, one order with everything around it, its timeline, and exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import TupleRow

from comptoir.kernel.ids import from_text
from comptoir.modules.inventory.contracts import Disposition
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import (
    ORDER_PREFIX,
    Departure,
    ExceptionFilter,
    ExceptionKind,
    ExceptionSummary,
    LineQuantity,
    OrderException,
    OrderFilter,
    OrderId,
    OrderSummary,
    Owed,
    Return,
    ReturnId,
    ReturnLine,
    Shipment,
    ShipmentId,
    TimelineEntry,
)
from comptoir.modules.orders.store.exceptions import EXCEPTION_COLUMNS
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts, storable

_LAST_CHARACTER = "\U0010ffff"
_MAX_NUMBER = 2**63 - 1

_SUMMARY = """o.id, o.number, o.channel_code, o.kind, o.external_id, o.placed_at, o.currency, o.total, o.captured, o.refunded,
  o.quantity, o.cancelled, o.backordered, o.shipped, o.returned, o.fulfilment_status, o.payment_status, o.return_status,
  o.customer_id, o.buyer ->> 'name', o.location_id, o.tags,
  (SELECT count(*) FROM orders.exceptions e WHERE e.order_id = o.id AND e.state = 'open'),
  o.owed"""


def _summary(row: TupleRow) -> OrderSummary:
    return OrderSummary(*row)


ORDERS = Listing(
    _SUMMARY,
    "orders.orders o",
    _summary,
    sorts(
        ("placed", [Key("o.placed_at", KeyKind.INSTANT), Key("o.id", KeyKind.ID)]),
        ("total", [Key("o.total", KeyKind.INTEGER), Key("o.id", KeyKind.ID)]),
        ("number", [Key("o.number", KeyKind.INTEGER)]),
    ),
)

_AT_LOCATION = """o.id IN (
  SELECT l.id FROM orders.orders l WHERE l.location_id = %(location)s
  UNION ALL SELECT s.order_id FROM orders.shipments s WHERE s.location_id = %(location)s)"""
"""Each part by its index: with OR every order would be looked at."""
_WITH_EXCEPTION = "o.id IN (SELECT e.order_id FROM orders.exceptions e WHERE e.state = 'open')"
_WITHOUT_EXCEPTION = "NOT EXISTS (SELECT FROM orders.exceptions e WHERE e.order_id = o.id AND e.state = 'open')"
_OF_SKU = "SELECT l.order_id FROM orders.lines l WHERE l.sku IS NOT NULL AND ARRAY[l.sku] @> ARRAY[%(sku)s::text]"
"""As `lines_by_sku` has it: `l.sku = …` would read every line that there is."""
_WITH_SKU = f"o.id IN ({_OF_SKU})"


def where_orders(wanted: OrderFilter, *, sku: bool) -> Where:
    """`sku` is whether the text that is searched for names one."""
    where = Where()
    for column, values in (
        ("channel_code", wanted.channels),
        ("fulfilment_status", wanted.fulfilment),
        ("payment_status", wanted.payment),
        ("return_status", wanted.returned),
    ):
        if values:
            where.add(f"o.{column} = ANY(%({column})s::text[])", **{column: [storable(value) for value in values]})
    where.equal("o.kind", wanted.kind)
    where.equal("o.customer_id", wanted.customer)
    where.equal("o.currency", wanted.currency)
    for condition, name, value in (
        ("o.placed_at >= %(placed_from)s", "placed_from", wanted.placed_from),
        ("o.placed_at < %(placed_before)s", "placed_before", wanted.placed_before),
        ("o.total >= %(total_from)s", "total_from", wanted.total_from),
        ("o.total <= %(total_to)s", "total_to", wanted.total_to),
        (_AT_LOCATION, "location", wanted.location),
        (_WITH_SKU, "sku", storable(wanted.sku).strip() or None),
        ("%(tag)s = ANY(o.tags)", "tag", storable(wanted.tag).strip() or None),
    ):
        if value is not None:
            where.add(condition, **{name: value})
    if wanted.owed is not None:
        where.add("o.owed > 0" if wanted.owed is Owed.TO_BUYER else "o.owed < 0")
    if wanted.has_exception is not None:
        where.add(_WITH_EXCEPTION if wanted.has_exception else _WITHOUT_EXCEPTION)
    _search(where, wanted, sku=sku)
    return where


def _search(where: Where, wanted: OrderFilter, *, sku: bool) -> None:
    """Each way of finding has an index of its own; together they are a list of ids."""
    text = storable(wanted.search).strip()
    if not text and not wanted.search_customers:
        return
    ways: list[str] = []
    params: dict[str, object] = {}
    if text:
        ways.append("SELECT s.id FROM orders.orders s WHERE s.external_id >= %(text)s AND s.external_id < %(text_before)s")
        if sku:
            ways.append(_OF_SKU.replace("%(sku)s", "%(text)s"))
        params |= {"text": text, "text_before": text + _LAST_CHARACTER}
        number = text.removeprefix("#")
        if number.isdecimal() and number.isascii() and len(number) < 19 and int(number) <= _MAX_NUMBER:
            ways.append("SELECT s.id FROM orders.orders s WHERE s.number = %(wanted_number)s")
            params["wanted_number"] = int(number)
        order_id = _order_id(text)
        if order_id is not None:
            ways.append("SELECT %(wanted_id)s::uuid")
            params["wanted_id"] = order_id
    if wanted.search_customers:
        ways.append("SELECT s.id FROM orders.orders s WHERE s.customer_id = ANY(%(search_customers)s::uuid[])")
        params["search_customers"] = arrays.uuids(wanted.search_customers)
    where.add(f"o.id IN ({' UNION ALL '.join(ways)})", **params)


def _order_id(text: str) -> UUID | None:
    try:
        return from_text(ORDER_PREFIX, text) if text.startswith(ORDER_PREFIX) else UUID(text)
    except ValueError:
        return None


async def numbers(reader: Reader, ids: Sequence[OrderId]) -> dict[OrderId, int]:
    rows = await reader.rows("SELECT id, number FROM orders.orders WHERE id = ANY(%(ids)s::uuid[])", {"ids": list(ids)})
    return {OrderId(row[0]): row[1] for row in rows}


async def id_by_number(reader: Reader, number: int) -> OrderId | None:
    return await reader.value("SELECT id FROM orders.orders WHERE number = %(number)s", {"number": number})


async def id_by_external(reader: Reader, channel_code: str, external_id: str) -> OrderId | None:
    return await reader.value(
        "SELECT id FROM orders.orders WHERE external_id = %(external_id)s AND channel_code = %(channel)s",
        {"external_id": storable(external_id), "channel": storable(channel_code)},
    )


_SHIPMENTS = """
SELECT s.id, s.location_id, s.shipped_at, s.carrier, s.tracking_number, s.tracking_url, s.actor,
  ARRAY(SELECT ARRAY[l.line_no, l.quantity] FROM orders.shipment_lines l WHERE l.shipment_id = s.id ORDER BY l.line_no)
FROM orders.shipments s WHERE s.order_id = %(id)s ORDER BY s.shipped_at, s.id
"""

_RETURNS = """
SELECT r.id, r.location_id, r.received_at, r.reason, r.actor,
  (SELECT coalesce(sum(l.refundable), 0)::bigint FROM orders.return_lines l WHERE l.return_id = r.id),
  ARRAY(
    SELECT ARRAY[l.line_no::text, l.quantity::text, l.disposition] FROM orders.return_lines l
    WHERE l.return_id = r.id ORDER BY l.line_no, l.disposition
  )
FROM orders.returns r WHERE r.order_id = %(id)s ORDER BY r.received_at, r.id
"""


async def shipments(reader: Reader, order_id: OrderId) -> list[Shipment]:
    return [
        Shipment(
            id=ShipmentId(row[0]),
            order_id=order_id,
            location_id=LocationId(row[1]),
            shipped_at=row[2],
            carrier=row[3],
            tracking_number=row[4],
            tracking_url=row[5],
            actor=row[6],
            lines=tuple(LineQuantity(no, quantity) for no, quantity in row[7]),
        )
        for row in await reader.rows(_SHIPMENTS, {"id": order_id})
    ]


_DEPARTURES = """
SELECT s.id, s.order_id, o.number, o.channel_code, s.location_id, s.shipped_at, s.carrier, s.tracking_number, s.tracking_url,
  o.promised_on, o.pickup_location_id, coalesce(o.ship_to->>'country', '') AS country,
  coalesce(o.ship_to->>'region', '') AS region, coalesce(o.ship_to->>'postcode', '') AS postcode
FROM orders.shipments s JOIN orders.orders o ON o.id = s.order_id
WHERE s.id = ANY(%(ids)s::uuid[]) ORDER BY s.id
"""


async def departures(reader: Reader, ids: Sequence[ShipmentId]) -> list[Departure]:
    return await reader.all(Departure, _DEPARTURES, {"ids": list(ids)})


async def returns(reader: Reader, order_id: OrderId) -> list[Return]:
    return [
        Return(
            id=ReturnId(row[0]),
            order_id=order_id,
            location_id=LocationId(row[1]),
            received_at=row[2],
            reason=row[3],
            actor=row[4],
            refundable=row[5],
            lines=tuple(ReturnLine(int(no), int(quantity), Disposition(what)) for no, quantity, what in row[6]),
        )
        for row in await reader.rows(_RETURNS, {"id": order_id})
    ]


def _timeline_entry(row: TupleRow) -> TimelineEntry:
    event_id, at, event_type, actor, request_id, data = row
    return TimelineEntry(event_id, at, event_type, actor, request_id, str(data.get("channel", "")), data)


TIMELINE = Listing(
    "e.id, e.at, e.type, e.actor, e.request_id, e.data",
    "runtime.events e",
    _timeline_entry,
    sorts(("at", [Key("e.tx::text::bigint", KeyKind.INTEGER), Key("e.seq", KeyKind.INTEGER)])),
)


def where_timeline(order_id: OrderId) -> Where:
    where = Where()
    where.equal("e.subject", order_id)
    return where


def _exception_summary(row: TupleRow) -> ExceptionSummary:
    *own, number, channel_code, placed_at = row
    return ExceptionSummary(_exception(own), number, channel_code, placed_at)


def _exception(row: Sequence[Any]) -> OrderException:
    return OrderException(row[0], ExceptionKind(row[1]), *row[2:])


EXCEPTIONS = Listing(
    f"{EXCEPTION_COLUMNS}, o.number, o.channel_code, o.placed_at",
    "orders.exceptions e LEFT JOIN orders.orders o ON o.id = e.order_id",
    _exception_summary,
    sorts(
        ("opened", [Key("e.opened_at", KeyKind.INSTANT), Key("e.id", KeyKind.ID)]),
        ("quantity", [Key("e.quantity", KeyKind.INTEGER), Key("e.id", KeyKind.ID)]),
    ),
)


def where_exceptions(wanted: ExceptionFilter) -> Where:
    where = Where()
    where.equal("e.state", wanted.state)
    if wanted.locations:
        where.add("e.location_id = ANY(%(places)s)", places=arrays.uuids(wanted.locations))
    where.equal("o.channel_code", wanted.channel)
    where.equal("e.sku", wanted.sku.strip() or None)
    where.equal("e.order_id", wanted.order)
    if wanted.kinds:
        where.add("e.kind = ANY(%(kinds)s::text[])", kinds=list(wanted.kinds))
    if wanted.opened_before is not None:
        where.add("e.opened_at < %(opened_before)s", opened_before=wanted.opened_before)
    return where


async def exceptions_of(reader: Reader, order_id: OrderId) -> list[OrderException]:
    statement = f"SELECT {EXCEPTION_COLUMNS} FROM orders.exceptions e WHERE e.order_id = %(id)s ORDER BY e.opened_at, e.id"
    return [_exception(row) for row in await reader.rows(statement, {"id": order_id})]


async def count_open(reader: Reader) -> dict[ExceptionKind, int]:
    rows = await reader.rows("SELECT kind, count(*) FROM orders.exceptions WHERE state = 'open' GROUP BY kind")
    return {ExceptionKind(kind): count for kind, count in rows}
