"""Orders with their lines, shipments, returns and the sums of their payments: finding one to change it, and changing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import astuple

from comptoir.modules.inventory.contracts import Disposition
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import ChannelId, LineQuantity, Order, OrderId, OrderLine, ReturnId, ShipmentId, Tracking
from comptoir.modules.orders.store.valuing import revalue
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Entry
from comptoir.runtime import arrays
from comptoir.runtime.database import Later, Reader, Tx


class NewOrder(Struct, frozen=True):
    """One row of orders.orders to be."""

    id: OrderId
    number: int
    channel_id: UUID
    channel_code: str
    kind: str
    external_id: str | None
    external_version: str | None
    placed_at: datetime
    market: str
    currency: str
    tax_included: bool
    customer_id: UUID | None
    buyer: bytes | None
    ship_to: bytes | None
    bill_to: bytes | None
    service: str
    promised_on: str | None
    """A day in ISO 8601."""
    pickup_location_id: UUID | None
    location_id: UUID | None
    amount: int
    discount: int
    tax: int
    total: int
    value: int
    authorised: int
    captured: int
    refunded: int
    quantity: int
    cancelled: int
    backordered: int
    shipped: int
    returned: int
    note: str | None
    tags: str | None
    """A PostgreSQL array literal."""


class NewLine(Struct, frozen=True):
    """One row of orders.lines to be. `unit_price` is text in major units."""

    order_id: OrderId
    line_no: int
    kind: str
    sku: str | None
    name: str
    stocked: bool
    quantity: int
    unit_price: str
    amount: int
    discount: int
    tax: int
    total: int
    discounts: bytes | None
    taxes: bytes | None
    external_id: str | None
    cancelled: int
    backordered: int
    shipped: int
    returned: int


_NUMBERS = "SELECT nextval('orders.orders_number_seq') FROM generate_series(1, %(count)s)"

_INSERT_ORDERS = """
INSERT INTO orders.orders (id, number, channel_id, channel_code, kind, external_id, external_version, placed_at, recorded_at,
  market, currency, tax_included, customer_id, buyer, ship_to, bill_to, service, promised_on, pickup_location_id, location_id,
  amount, discount, tax, total, value, authorised, captured, refunded, quantity, cancelled, backordered, shipped, returned,
  note, tags)
OVERRIDING SYSTEM VALUE
SELECT id, number, channel_id, channel_code, kind, external_id, external_version, to_timestamp(placed_at / 1e6), %(at)s,
  market, currency, tax_included = 1, customer_id, buyer::jsonb, ship_to::jsonb, bill_to::jsonb, service, promised_on::date,
  pickup_location_id, location_id, amount, discount, tax, total, value, authorised, captured, refunded, quantity, cancelled,
  backordered, shipped, returned, note, tags::text[]
FROM unnest(%(id)s::uuid[], %(number)s::bigint[], %(channel_id)s::uuid[], %(channel_code)s::text[], %(kind)s::text[],
  %(external_id)s::text[], %(external_version)s::text[], %(placed_at)s::bigint[], %(market)s::text[], %(currency)s::text[],
  %(tax_included)s::int[], %(customer_id)s::uuid[], %(buyer)s::text[], %(ship_to)s::text[], %(bill_to)s::text[],
  %(service)s::text[], %(promised_on)s::text[], %(pickup_location_id)s::uuid[], %(location_id)s::uuid[],
  %(amount)s::bigint[], %(discount)s::bigint[], %(tax)s::bigint[], %(total)s::bigint[], %(value)s::bigint[],
  %(authorised)s::bigint[], %(captured)s::bigint[], %(refunded)s::bigint[], %(quantity)s::int[],
  %(cancelled)s::int[], %(backordered)s::int[], %(shipped)s::int[], %(returned)s::int[], %(note)s::text[], %(tags)s::text[])
  AS o (id, number, channel_id, channel_code, kind, external_id, external_version, placed_at, market, currency, tax_included,
    customer_id, buyer, ship_to, bill_to, service, promised_on, pickup_location_id, location_id, amount, discount, tax, total,
    value, authorised, captured, refunded, quantity, cancelled, backordered, shipped, returned, note, tags)
"""

_INSERT_LINES = """
INSERT INTO orders.lines (order_id, line_no, kind, sku, name, stocked, quantity, unit_price, amount, discount, tax, total,
  discounts, taxes, external_id, cancelled, backordered, shipped, returned)
SELECT order_id, line_no, kind, sku, name, stocked = 1, quantity, unit_price::numeric, amount, discount, tax, total,
  discounts::jsonb, taxes::jsonb, external_id, cancelled, backordered, shipped, returned
FROM unnest(%(order_id)s::uuid[], %(line_no)s::int[], %(kind)s::text[], %(sku)s::text[], %(name)s::text[], %(stocked)s::int[],
  %(quantity)s::int[], %(unit_price)s::text[], %(amount)s::bigint[], %(discount)s::bigint[], %(tax)s::bigint[],
  %(total)s::bigint[], %(discounts)s::text[], %(taxes)s::text[], %(external_id)s::text[], %(cancelled)s::int[],
  %(backordered)s::int[], %(shipped)s::int[], %(returned)s::int[])
  AS l (order_id, line_no, kind, sku, name, stocked, quantity, unit_price, amount, discount, tax, total, discounts, taxes,
    external_id, cancelled, backordered, shipped, returned)
"""

_KNOWN = """
SELECT k.n::int, o.id, o.number, o.external_version
FROM unnest(%(channels)s::uuid[], %(external_ids)s::text[]) WITH ORDINALITY AS k (channel_id, external_id, n)
JOIN orders.orders o ON o.channel_id = k.channel_id AND o.external_id = k.external_id
"""

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _micros(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


async def next_numbers(tx: Tx, count: int) -> list[int]:
    """Order numbers; those that are not used in the end are gaps."""
    return await tx.values(_NUMBERS, {"count": count})


def _columns(rows: Sequence[NewOrder] | Sequence[NewLine]) -> dict[str, tuple[Any, ...]]:
    """The values of each field, by its name; `rows` has one at least."""
    return dict(zip(rows[0].__struct_fields__, zip(*map(astuple, rows), strict=True), strict=True))


async def insert_orders(tx: Tx, orders: Sequence[NewOrder]) -> None:
    """Where another process has written an order of the same (channel, external id) since we looked, this transaction fails
    with `Outrun`: tried again, that order is seen.
    """
    tx.race("orders_external")
    column = _columns(orders)
    params: dict[str, object] = {
        "at": tx.now,
        "id": arrays.uuids(column["id"]),
        "number": arrays.int8s(column["number"]),
        "channel_id": arrays.uuids(column["channel_id"]),
        "channel_code": arrays.texts(column["channel_code"]),
        "kind": arrays.texts(column["kind"]),
        "external_id": arrays.optional_texts(column["external_id"]),
        "external_version": arrays.optional_texts(column["external_version"]),
        "placed_at": arrays.int8s([_micros(at) for at in column["placed_at"]]),
        "market": arrays.texts(column["market"]),
        "currency": arrays.texts(column["currency"]),
        "tax_included": arrays.int4s(column["tax_included"]),
        "customer_id": arrays.optional_uuids(column["customer_id"]),
        "buyer": arrays.optional_raw_texts(column["buyer"]),
        "ship_to": arrays.optional_raw_texts(column["ship_to"]),
        "bill_to": arrays.optional_raw_texts(column["bill_to"]),
        "service": arrays.texts(column["service"]),
        "promised_on": arrays.optional_texts(column["promised_on"]),
        "pickup_location_id": arrays.optional_uuids(column["pickup_location_id"]),
        "location_id": arrays.optional_uuids(column["location_id"]),
        "amount": arrays.int8s(column["amount"]),
        "discount": arrays.int8s(column["discount"]),
        "tax": arrays.int8s(column["tax"]),
        "total": arrays.int8s(column["total"]),
        "value": arrays.int8s(column["value"]),
        "authorised": arrays.int8s(column["authorised"]),
        "captured": arrays.int8s(column["captured"]),
        "refunded": arrays.int8s(column["refunded"]),
        "quantity": arrays.int4s(column["quantity"]),
        "cancelled": arrays.int4s(column["cancelled"]),
        "backordered": arrays.int4s(column["backordered"]),
        "shipped": arrays.int4s(column["shipped"]),
        "returned": arrays.int4s(column["returned"]),
        "note": arrays.optional_texts(column["note"]),
        "tags": arrays.optional_texts(column["tags"]),
    }
    await tx.run(_INSERT_ORDERS, params)


async def insert_lines(tx: Tx, lines: Sequence[NewLine]) -> None:
    if not lines:
        return
    column = _columns(lines)
    await tx.run(
        _INSERT_LINES,
        {
            "order_id": arrays.uuids(column["order_id"]),
            "line_no": arrays.int4s(column["line_no"]),
            "kind": arrays.texts(column["kind"]),
            "sku": arrays.optional_texts(column["sku"]),
            "name": arrays.texts(column["name"]),
            "stocked": arrays.int4s(column["stocked"]),
            "quantity": arrays.int4s(column["quantity"]),
            "unit_price": arrays.texts(column["unit_price"]),
            "amount": arrays.int8s(column["amount"]),
            "discount": arrays.int8s(column["discount"]),
            "tax": arrays.int8s(column["tax"]),
            "total": arrays.int8s(column["total"]),
            "discounts": arrays.optional_raw_texts(column["discounts"]),
            "taxes": arrays.optional_raw_texts(column["taxes"]),
            "external_id": arrays.optional_texts(column["external_id"]),
            "cancelled": arrays.int4s(column["cancelled"]),
            "backordered": arrays.int4s(column["backordered"]),
            "shipped": arrays.int4s(column["shipped"]),
            "returned": arrays.int4s(column["returned"]),
        },
    )


Key = tuple[UUID, str]
"""(channel, external id)."""
Known = tuple[OrderId, int, str]
"""(id, number, version)."""


async def ask_known(reader: Reader, keys: Sequence[Key]) -> Later[dict[Key, Known]]:
    """Orders by (channel, external id), to be read later."""
    return await reader.ask(
        lambda rows: {keys[n - 1]: (OrderId(order_id), number, version or "") for n, order_id, number, version in rows},
        _KNOWN,
        {"channels": arrays.uuids([k[0] for k in keys]), "external_ids": arrays.texts([k[1] for k in keys])},
    )


async def known(reader: Reader, keys: Sequence[Key]) -> dict[Key, Known]:
    """As `ask_known`, at once."""
    return await (await ask_known(reader, keys))()


@dataclass(frozen=True, slots=True)
class LineChange:
    """By how much the counters of a line change."""

    line_no: int
    quantity: int = 0
    cancelled: int = 0
    backordered: int = 0
    shipped: int = 0
    returned: int = 0


ORDER_COLUMNS = """o.id, o.number, o.channel_id, o.channel_code, o.kind, o.external_id, o.external_version, o.placed_at,
  o.recorded_at, o.market, o.currency, o.tax_included, o.customer_id, o.buyer, o.ship_to, o.bill_to, o.service,
  o.promised_on, o.pickup_location_id, o.location_id, o.amount, o.discount, o.tax, o.total, o.value, o.authorised,
  o.captured, o.refunded, o.quantity, o.cancelled,
  o.backordered, o.shipped, o.returned, o.fulfilment_status, o.payment_status, o.return_status, o.note, o.tags, o.version"""

_LINES = """
SELECT line_no, kind, sku, name, stocked, quantity, unit_price, amount, discount, tax, total, discounts, taxes, external_id,
  cancelled, backordered, shipped, returned
FROM orders.lines WHERE order_id = %(id)s ORDER BY line_no
"""

# Whoever locks several orders does so in the order of their ids, and before any level.
_LOCK = "SELECT id, channel_id FROM orders.orders WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE"

# Lines and the order with the sums of its lines in one statement, so that they never part.
_CHANGE_LINES = """
WITH c AS (
  SELECT * FROM unnest(%(lines)s::int[], %(quantity)s::int[], %(cancelled)s::int[], %(backordered)s::int[], %(shipped)s::int[],
    %(returned)s::int[]) AS c (line_no, quantity, cancelled, backordered, shipped, returned)
), changed AS (
  UPDATE orders.lines l SET quantity = l.quantity + c.quantity, cancelled = l.cancelled + c.cancelled,
    backordered = l.backordered + c.backordered, shipped = l.shipped + c.shipped, returned = l.returned + c.returned
  FROM c WHERE l.order_id = %(id)s AND l.line_no = c.line_no
  RETURNING l.kind, c.*
)
UPDATE orders.orders o SET quantity = o.quantity + s.quantity, cancelled = o.cancelled + s.cancelled,
  backordered = o.backordered + s.backordered, shipped = o.shipped + s.shipped, returned = o.returned + s.returned,
  version = o.version + 1
FROM (
  SELECT coalesce(sum(quantity), 0)::int AS quantity, coalesce(sum(cancelled), 0)::int AS cancelled,
    coalesce(sum(backordered), 0)::int AS backordered, coalesce(sum(shipped), 0)::int AS shipped,
    coalesce(sum(returned), 0)::int AS returned
  FROM changed WHERE kind = 'item'
) s
WHERE o.id = %(id)s
"""

_TOUCH = "UPDATE orders.orders SET version = version + 1 WHERE id = %(id)s"

_INSERT_SHIPMENT = """
WITH s AS (
  INSERT INTO orders.shipments (id, order_id, location_id, shipped_at, carrier, tracking_number, tracking_url, actor)
  VALUES (%(id)s, %(order_id)s, %(location_id)s, %(at)s, %(carrier)s, %(tracking_number)s, %(tracking_url)s, %(actor)s)
)
INSERT INTO orders.shipment_lines (shipment_id, line_no, quantity)
SELECT %(id)s, line_no, quantity FROM unnest(%(lines)s::int[], %(quantities)s::int[]) AS l (line_no, quantity)
"""

_INSERT_RETURN = """
WITH r AS (
  INSERT INTO orders.returns (id, order_id, location_id, received_at, reason, actor)
  VALUES (%(id)s, %(order_id)s, %(location_id)s, %(at)s, %(reason)s, %(actor)s)
)
INSERT INTO orders.return_lines (return_id, line_no, disposition, quantity, refundable)
SELECT %(id)s, line_no, disposition, quantity, refundable
FROM unnest(%(lines)s::int[], %(dispositions)s::text[], %(quantities)s::int[], %(refundable)s::bigint[])
  AS l (line_no, disposition, quantity, refundable)
"""

_ADD_PAYMENTS = """
UPDATE orders.orders o SET authorised = o.authorised + p.authorised, captured = o.captured + p.captured,
  refunded = o.refunded + p.refunded, version = o.version + 1
FROM unnest(%(ids)s::uuid[], %(authorised)s::bigint[], %(captured)s::bigint[], %(refunded)s::bigint[])
  AS p (id, authorised, captured, refunded)
WHERE o.id = p.id
"""


async def load(reader: Reader, order_id: OrderId, *, lock: bool = False) -> Order | None:
    """The order with its lines."""
    statement = f"SELECT {ORDER_COLUMNS} FROM orders.orders o WHERE o.id = %(id)s"
    order = await reader.one(Order, statement + (" FOR UPDATE" if lock else ""), {"id": order_id})
    if order is None:
        return None
    lines = await reader.all(OrderLine, _LINES, {"id": order_id})
    return replace(order, lines=tuple(lines))


async def lock(tx: Tx, ids: Sequence[UUID]) -> dict[OrderId, ChannelId]:
    """Locks these orders, in the order of their ids, and gives each one's channel; whatever is no order is left out."""
    rows = await tx.rows(_LOCK, {"ids": arrays.uuids(ids)})
    return {OrderId(row[0]): ChannelId(row[1]) for row in rows}


async def change_lines(tx: Tx, order_id: OrderId, changes: Sequence[LineChange]) -> None:
    """Adds to the counters of lines, one change per line, and with them to the order's."""
    await tx.run(
        _CHANGE_LINES,
        {
            "id": order_id,
            "lines": arrays.int4s([c.line_no for c in changes]),
            "quantity": arrays.int4s([c.quantity for c in changes]),
            "cancelled": arrays.int4s([c.cancelled for c in changes]),
            "backordered": arrays.int4s([c.backordered for c in changes]),
            "shipped": arrays.int4s([c.shipped for c in changes]),
            "returned": arrays.int4s([c.returned for c in changes]),
        },
    )
    if any(c.quantity or c.cancelled or c.returned for c in changes):
        await revalue(tx, [order_id])


async def touch(tx: Tx, order_id: OrderId) -> None:
    """A new version of the order, for a change that no counter shows."""
    await tx.run(_TOUCH, {"id": order_id})


async def insert_shipment(
    tx: Tx,
    shipment_id: ShipmentId,
    order_id: OrderId,
    location_id: LocationId,
    tracking: tuple[str, str, str],
    lines: Sequence[LineQuantity],
) -> None:
    """`tracking` is (carrier, number, url)."""
    await tx.run(
        _INSERT_SHIPMENT,
        {
            "id": shipment_id,
            "order_id": order_id,
            "location_id": location_id,
            "at": tx.now,
            "carrier": tracking[0],
            "tracking_number": tracking[1],
            "tracking_url": tracking[2],
            "actor": tx.actor,
            "lines": arrays.int4s([line.line_no for line in lines]),
            "quantities": arrays.int4s([line.quantity for line in lines]),
        },
    )


_INSERT_SHIPMENTS = """
WITH s AS (
  INSERT INTO orders.shipments (id, order_id, location_id, shipped_at, carrier, tracking_number, tracking_url, actor)
  SELECT id, order_id, location_id, %(at)s, carrier, tracking_number, tracking_url, %(actor)s
  FROM unnest(%(ids)s::uuid[], %(orders)s::uuid[], %(locations)s::uuid[], %(carriers)s::text[], %(numbers)s::text[],
    %(urls)s::text[]) AS s (id, order_id, location_id, carrier, tracking_number, tracking_url)
), c AS (
  SELECT * FROM unnest(%(line_shipments)s::uuid[], %(line_orders)s::uuid[], %(lines)s::int[], %(quantities)s::int[])
    AS c (shipment_id, order_id, line_no, quantity)
), l AS (
  INSERT INTO orders.shipment_lines (shipment_id, line_no, quantity) SELECT shipment_id, line_no, quantity FROM c
), changed AS (
  UPDATE orders.lines l SET shipped = l.shipped + c.quantity
  FROM (SELECT order_id, line_no, sum(quantity)::int AS quantity FROM c GROUP BY order_id, line_no) c
  WHERE l.order_id = c.order_id AND l.line_no = c.line_no
  RETURNING l.order_id, c.quantity
)
UPDATE orders.orders o SET shipped = o.shipped + s.quantity, version = o.version + 1
FROM (SELECT order_id, sum(quantity)::int AS quantity FROM changed GROUP BY order_id) s
WHERE o.id = s.order_id
RETURNING o.id, o.number, o.channel_code, o.cancelled + o.shipped = o.quantity
"""


async def insert_shipments(
    tx: Tx, shipments: Sequence[tuple[ShipmentId, OrderId, LocationId, Tracking, Sequence[LineQuantity]]]
) -> dict[OrderId, tuple[int, str, bool]]:
    """Shipments of items, with the counters of lines and orders; rows of (id, order, location, tracking, what goes). Gives each
    order's number, channel, and whether nothing of it is left.
    """
    lines = [
        (shipment_id, order_id, part.line_no, part.quantity) for shipment_id, order_id, *_, own in shipments for part in own
    ]
    rows = await tx.rows(
        _INSERT_SHIPMENTS,
        {
            "ids": arrays.uuids([s[0] for s in shipments]),
            "orders": arrays.uuids([s[1] for s in shipments]),
            "locations": arrays.uuids([s[2] for s in shipments]),
            "carriers": arrays.texts([s[3].carrier for s in shipments]),
            "numbers": arrays.texts([s[3].number for s in shipments]),
            "urls": arrays.texts([s[3].url for s in shipments]),
            "at": tx.now,
            "actor": tx.actor,
            "line_shipments": arrays.uuids([line[0] for line in lines]),
            "line_orders": arrays.uuids([line[1] for line in lines]),
            "lines": arrays.int4s([line[2] for line in lines]),
            "quantities": arrays.int4s([line[3] for line in lines]),
        },
    )
    return {OrderId(order_id): (number, channel, whole) for order_id, number, channel, whole in rows}


_UNSTOCKED = """
SELECT order_id, line_no, quantity - cancelled - backordered - shipped FROM orders.lines
WHERE order_id = ANY(%(ids)s::uuid[]) AND kind = 'item' AND NOT stocked AND quantity > cancelled + backordered + shipped
ORDER BY order_id, line_no
"""


async def unstocked(tx: Tx, ids: Sequence[OrderId]) -> dict[OrderId, list[LineQuantity]]:
    """The items of these orders that are still to go and that no stock is kept of."""
    found: dict[OrderId, list[LineQuantity]] = {}
    for order_id, line_no, quantity in await tx.rows(_UNSTOCKED, {"ids": arrays.uuids(ids)}):
        found.setdefault(OrderId(order_id), []).append(LineQuantity(line_no, quantity))
    return found


async def insert_return(
    tx: Tx,
    return_id: ReturnId,
    order_id: OrderId,
    location_id: LocationId,
    reason: str,
    lines: Sequence[tuple[int, Disposition, int, int]],
) -> None:
    """`lines` are (line number, disposition, units, minor units that they stand for)."""
    await tx.run(
        _INSERT_RETURN,
        {
            "id": return_id,
            "order_id": order_id,
            "location_id": location_id,
            "at": tx.now,
            "reason": reason,
            "actor": tx.actor,
            "lines": arrays.int4s([line[0] for line in lines]),
            "dispositions": arrays.texts([line[1] for line in lines]),
            "quantities": arrays.int4s([line[2] for line in lines]),
            "refundable": arrays.int8s([line[3] for line in lines]),
        },
    )


async def add_payments(tx: Tx, entries: Sequence[Entry]) -> None:
    """Adds entries that are in the payment ledger to their orders' sums."""
    by_order: dict[UUID, list[Entry]] = {}
    for entry in entries:
        by_order.setdefault(entry.order_id, []).append(entry)
    sums = [(order_id, payments.balance(own)) for order_id, own in sorted(by_order.items())]
    await tx.run(
        _ADD_PAYMENTS,
        {
            "ids": arrays.uuids([order_id for order_id, _ in sums]),
            "authorised": arrays.int8s([balance.authorised for _, balance in sums]),
            "captured": arrays.int8s([balance.captured for _, balance in sums]),
            "refunded": arrays.int8s([balance.refunded for _, balance in sums]),
        },
    )


_RESTATE_LINES = """
UPDATE orders.lines l SET name = r.name, external_id = coalesce(r.external_id, l.external_id),
  unit_price = coalesce(r.unit_price::numeric, l.unit_price), amount = r.amount, discount = r.discount, tax = r.tax,
  total = r.total, discounts = r.discounts::jsonb, taxes = r.taxes::jsonb
FROM unnest(%(lines)s::int[], %(names)s::text[], %(external_ids)s::text[], %(unit_prices)s::text[], %(amounts)s::bigint[],
  %(discount)s::bigint[], %(tax)s::bigint[], %(totals)s::bigint[], %(discounts)s::text[], %(taxes)s::text[])
  AS r (line_no, name, external_id, unit_price, amount, discount, tax, total, discounts, taxes)
WHERE l.order_id = %(id)s AND l.line_no = r.line_no
"""

_SUMS = """
  SELECT coalesce(sum(amount), 0)::bigint AS amount, coalesce(sum(discount), 0)::bigint AS discount,
    coalesce(sum(tax), 0)::bigint AS tax, coalesce(sum(total), 0)::bigint AS total,
    coalesce(sum(quantity) FILTER (WHERE kind = 'item'), 0)::int AS quantity,
    coalesce(sum(cancelled) FILTER (WHERE kind = 'item'), 0)::int AS cancelled,
    coalesce(sum(backordered) FILTER (WHERE kind = 'item'), 0)::int AS backordered,
    coalesce(sum(shipped) FILTER (WHERE kind = 'item'), 0)::int AS shipped,
    coalesce(sum(returned) FILTER (WHERE kind = 'item'), 0)::int AS returned
  FROM orders.lines WHERE order_id = %(id)s"""

_SUM_UP = f"""
UPDATE orders.orders o SET amount = s.amount, discount = s.discount, tax = s.tax, total = s.total, quantity = s.quantity,
  cancelled = s.cancelled, backordered = s.backordered, shipped = s.shipped, returned = s.returned, version = o.version + 1
FROM ({_SUMS}) s
WHERE o.id = %(id)s
RETURNING o.total, o.quantity
"""


async def set_external_version(tx: Tx, order_id: OrderId, version: str) -> None:
    """Remembers what the channel told last."""
    await tx.run(
        "UPDATE orders.orders SET external_version = %(version)s WHERE id = %(id)s", {"id": order_id, "version": version}
    )


async def restate_lines(tx: Tx, order_id: OrderId, lines: Sequence[NewLine]) -> None:
    """Takes over names and amounts; the counters of these lines are not looked at."""
    await tx.run(
        _RESTATE_LINES,
        {
            "id": order_id,
            "lines": arrays.int4s([row.line_no for row in lines]),
            "names": arrays.texts([row.name for row in lines]),
            "external_ids": arrays.optional_texts([row.external_id for row in lines]),
            "unit_prices": arrays.texts([row.unit_price for row in lines]),
            "amounts": arrays.int8s([row.amount for row in lines]),
            "discount": arrays.int8s([row.discount for row in lines]),
            "tax": arrays.int8s([row.tax for row in lines]),
            "totals": arrays.int8s([row.total for row in lines]),
            "discounts": arrays.optional_raw_texts([row.discounts for row in lines]),
            "taxes": arrays.optional_raw_texts([row.taxes for row in lines]),
        },
    )


async def empty_lines(tx: Tx, order_id: OrderId, line_nos: Sequence[int]) -> None:
    """Lines that their channel no longer tells cost nothing any more."""
    await tx.run(
        "UPDATE orders.lines SET amount = 0, discount = 0, tax = 0, total = 0, discounts = NULL, taxes = NULL "
        "WHERE order_id = %(id)s AND line_no = ANY(%(lines)s::int[])",
        {"id": order_id, "lines": arrays.int4s(line_nos)},
    )


async def sum_up(tx: Tx, order_id: OrderId) -> tuple[int, int]:
    """Sets the order's amounts and counters to the sums of its lines; gives its total and quantity."""
    row = await tx.row(_SUM_UP, {"id": order_id})
    assert row is not None, "the order is locked, so it is there"
    await revalue(tx, [order_id])
    return row[0], row[1]
