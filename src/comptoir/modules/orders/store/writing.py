"""All SQL of the order book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from comptoir.modules.inventory.contracts import Disposition
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import ExceptionId, Order, OrderException, OrderId, OrderLine, ReturnId, ShipmentId
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Entry
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx


@dataclass(frozen=True, slots=True)
class NewOrder:
    """One row of orders.orders to be."""

    id: OrderId
    number: int
    channel_id: UUID
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
    pickup_location_id: UUID | None
    amount: int
    discount: int
    tax: int
    total: int
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


@dataclass(frozen=True, slots=True)
class NewLine:
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
INSERT INTO orders.orders (id, number, channel_id, kind, external_id, external_version, placed_at, recorded_at, market, currency,
  tax_included, customer_id, buyer, ship_to, bill_to, pickup_location_id, amount, discount, tax, total, authorised, captured,
  refunded, quantity, cancelled, backordered, shipped, returned, note, tags)
OVERRIDING SYSTEM VALUE
SELECT id, number, channel_id, kind, external_id, external_version, to_timestamp(placed_at / 1e6), %(at)s, market, currency,
  tax_included = 1, customer_id, buyer::jsonb, ship_to::jsonb, bill_to::jsonb, pickup_location_id, amount, discount, tax, total,
  authorised, captured, refunded, quantity, cancelled, backordered, shipped, returned, note, tags::text[]
FROM unnest(%(id)s::uuid[], %(number)s::bigint[], %(channel_id)s::uuid[], %(kind)s::text[], %(external_id)s::text[],
  %(external_version)s::text[], %(placed_at)s::bigint[], %(market)s::text[], %(currency)s::text[], %(tax_included)s::int[],
  %(customer_id)s::uuid[], %(buyer)s::text[], %(ship_to)s::text[], %(bill_to)s::text[], %(pickup_location_id)s::uuid[],
  %(amount)s::bigint[], %(discount)s::bigint[], %(tax)s::bigint[], %(total)s::bigint[], %(authorised)s::bigint[],
  %(captured)s::bigint[], %(refunded)s::bigint[], %(quantity)s::int[], %(cancelled)s::int[], %(backordered)s::int[],
  %(shipped)s::int[], %(returned)s::int[], %(note)s::text[], %(tags)s::text[])
  AS o (id, number, channel_id, kind, external_id, external_version, placed_at, market, currency, tax_included, customer_id, buyer,
    ship_to, bill_to, pickup_location_id, amount, discount, tax, total, authorised, captured, refunded, quantity, cancelled,
    backordered, shipped, returned, note, tags)
ON CONFLICT (channel_id, external_id) WHERE external_id IS NOT NULL DO NOTHING
RETURNING id
"""

_INSERT_LINES = """
INSERT INTO orders.lines (order_id, line_no, kind, sku, name, stocked, quantity, unit_price, amount, discount, tax, total, discounts, taxes,
  external_id, cancelled, backordered, shipped, returned)
SELECT order_id, line_no, kind, sku, name, stocked = 1, quantity, unit_price::numeric, amount, discount, tax, total, discounts::jsonb,
  taxes::jsonb, external_id, cancelled, backordered, shipped, returned
FROM unnest(%(order_id)s::uuid[], %(line_no)s::int[], %(kind)s::text[], %(sku)s::text[], %(name)s::text[], %(stocked)s::int[], %(quantity)s::int[],
  %(unit_price)s::text[], %(amount)s::bigint[], %(discount)s::bigint[], %(tax)s::bigint[], %(total)s::bigint[],
  %(discounts)s::text[], %(taxes)s::text[], %(external_id)s::text[], %(cancelled)s::int[], %(backordered)s::int[],
  %(shipped)s::int[], %(returned)s::int[])
  AS l (order_id, line_no, kind, sku, name, stocked, quantity, unit_price, amount, discount, tax, total, discounts, taxes, external_id,
    cancelled, backordered, shipped, returned)
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


async def insert_orders(tx: Tx, orders: Sequence[NewOrder]) -> set[UUID]:
    """Gives the ids that were written: an order whose (channel, external id) is there already is left out."""
    params: dict[str, object] = {
        "at": tx.now,
        "id": arrays.uuids([o.id for o in orders]),
        "number": arrays.int8s([o.number for o in orders]),
        "channel_id": arrays.uuids([o.channel_id for o in orders]),
        "kind": arrays.texts([o.kind for o in orders]),
        "external_id": arrays.optional_texts([o.external_id for o in orders]),
        "external_version": arrays.optional_texts([o.external_version for o in orders]),
        "placed_at": arrays.int8s([_micros(o.placed_at) for o in orders]),
        "market": arrays.texts([o.market for o in orders]),
        "currency": arrays.texts([o.currency for o in orders]),
        "tax_included": arrays.int4s([o.tax_included for o in orders]),
        "customer_id": arrays.optional_uuids([o.customer_id for o in orders]),
        "buyer": arrays.optional_raw_texts([o.buyer for o in orders]),
        "ship_to": arrays.optional_raw_texts([o.ship_to for o in orders]),
        "bill_to": arrays.optional_raw_texts([o.bill_to for o in orders]),
        "pickup_location_id": arrays.optional_uuids([o.pickup_location_id for o in orders]),
        "amount": arrays.int8s([o.amount for o in orders]),
        "discount": arrays.int8s([o.discount for o in orders]),
        "tax": arrays.int8s([o.tax for o in orders]),
        "total": arrays.int8s([o.total for o in orders]),
        "authorised": arrays.int8s([o.authorised for o in orders]),
        "captured": arrays.int8s([o.captured for o in orders]),
        "refunded": arrays.int8s([o.refunded for o in orders]),
        "quantity": arrays.int4s([o.quantity for o in orders]),
        "cancelled": arrays.int4s([o.cancelled for o in orders]),
        "backordered": arrays.int4s([o.backordered for o in orders]),
        "shipped": arrays.int4s([o.shipped for o in orders]),
        "returned": arrays.int4s([o.returned for o in orders]),
        "note": arrays.optional_texts([o.note for o in orders]),
        "tags": arrays.optional_texts([o.tags for o in orders]),
    }
    return set(await tx.values(_INSERT_ORDERS, params))


async def insert_lines(tx: Tx, lines: Sequence[NewLine]) -> None:
    await tx.run(
        _INSERT_LINES,
        {
            "order_id": arrays.uuids([row.order_id for row in lines]),
            "line_no": arrays.int4s([row.line_no for row in lines]),
            "kind": arrays.texts([row.kind for row in lines]),
            "sku": arrays.optional_texts([row.sku for row in lines]),
            "name": arrays.texts([row.name for row in lines]),
            "stocked": arrays.int4s([row.stocked for row in lines]),
            "quantity": arrays.int4s([row.quantity for row in lines]),
            "unit_price": arrays.texts([row.unit_price for row in lines]),
            "amount": arrays.int8s([row.amount for row in lines]),
            "discount": arrays.int8s([row.discount for row in lines]),
            "tax": arrays.int8s([row.tax for row in lines]),
            "total": arrays.int8s([row.total for row in lines]),
            "discounts": arrays.optional_raw_texts([row.discounts for row in lines]),
            "taxes": arrays.optional_raw_texts([row.taxes for row in lines]),
            "external_id": arrays.optional_texts([row.external_id for row in lines]),
            "cancelled": arrays.int4s([row.cancelled for row in lines]),
            "backordered": arrays.int4s([row.backordered for row in lines]),
            "shipped": arrays.int4s([row.shipped for row in lines]),
            "returned": arrays.int4s([row.returned for row in lines]),
        },
    )


async def known(tx: Tx, keys: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], tuple[OrderId, int, str]]:
    """Orders by (channel, external id): (id, number, version)."""
    rows = await tx.rows(
        _KNOWN, {"channels": arrays.uuids([k[0] for k in keys]), "external_ids": arrays.texts([k[1] for k in keys])}
    )
    return {keys[n - 1]: (OrderId(order_id), number, version or "") for n, order_id, number, version in rows}


@dataclass(frozen=True, slots=True)
class LineChange:
    """By how much the counters of a line change."""

    line_no: int
    cancelled: int = 0
    backordered: int = 0
    shipped: int = 0
    returned: int = 0


_COLUMNS = """o.id, o.number, o.channel_id, c.code AS channel_code, o.kind, o.external_id, o.external_version, o.placed_at,
  o.recorded_at, o.market, o.currency, o.tax_included, o.customer_id, o.buyer, o.ship_to, o.bill_to, o.pickup_location_id,
  o.amount, o.discount, o.tax, o.total, o.authorised, o.captured, o.refunded, o.quantity, o.cancelled, o.backordered, o.shipped,
  o.returned, o.fulfilment_status, o.payment_status, o.return_status, o.note, o.tags, o.version"""

_LINES = """
SELECT line_no, kind, sku, name, stocked, quantity, unit_price, amount, discount, tax, total, discounts, taxes, external_id,
  cancelled, backordered, shipped, returned
FROM orders.lines WHERE order_id = %(id)s ORDER BY line_no
"""

# Lines first, then the order with the sums of its lines: one statement, so that they never part.
_CHANGE_LINES = """
WITH c AS (
  SELECT * FROM unnest(%(lines)s::int[], %(cancelled)s::int[], %(backordered)s::int[], %(shipped)s::int[], %(returned)s::int[])
    AS c (line_no, cancelled, backordered, shipped, returned)
), changed AS (
  UPDATE orders.lines l SET cancelled = l.cancelled + c.cancelled, backordered = l.backordered + c.backordered,
    shipped = l.shipped + c.shipped, returned = l.returned + c.returned
  FROM c WHERE l.order_id = %(id)s AND l.line_no = c.line_no
  RETURNING l.kind, c.*
)
UPDATE orders.orders o SET cancelled = o.cancelled + s.cancelled, backordered = o.backordered + s.backordered,
  shipped = o.shipped + s.shipped, returned = o.returned + s.returned, version = o.version + 1
FROM (
  SELECT coalesce(sum(cancelled), 0)::int AS cancelled, coalesce(sum(backordered), 0)::int AS backordered,
    coalesce(sum(shipped), 0)::int AS shipped, coalesce(sum(returned), 0)::int AS returned
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
    """The order with its lines. The channel's code comes by a join: the one place where this module looks at another's table."""
    statement = f"SELECT {_COLUMNS} FROM orders.orders o JOIN channels.channels c ON c.id = o.channel_id WHERE o.id = %(id)s"
    order = await reader.one(Order, statement + (" FOR UPDATE OF o" if lock else ""), {"id": order_id})
    if order is None:
        return None
    lines = await reader.all(OrderLine, _LINES, {"id": order_id})
    return replace(order, lines=tuple(lines))


async def change_lines(tx: Tx, order_id: OrderId, changes: Sequence[LineChange]) -> None:
    """Adds to the counters of lines, and with them to the order's."""
    await tx.run(
        _CHANGE_LINES,
        {
            "id": order_id,
            "lines": arrays.int4s([c.line_no for c in changes]),
            "cancelled": arrays.int4s([c.cancelled for c in changes]),
            "backordered": arrays.int4s([c.backordered for c in changes]),
            "shipped": arrays.int4s([c.shipped for c in changes]),
            "returned": arrays.int4s([c.returned for c in changes]),
        },
    )


async def touch(tx: Tx, order_id: OrderId) -> None:
    """A new version of the order, for a change that no counter shows."""
    await tx.run(_TOUCH, {"id": order_id})


async def insert_shipment(
    tx: Tx,
    shipment_id: ShipmentId,
    order_id: OrderId,
    location_id: LocationId,
    tracking: tuple[str, str, str],
    lines: Sequence[tuple[int, int]],
) -> None:
    """`tracking` is (carrier, number, url); `lines` are (line number, units)."""
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
            "lines": arrays.int4s([line[0] for line in lines]),
            "quantities": arrays.int4s([line[1] for line in lines]),
        },
    )


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


_REVISE_LINES = """
UPDATE orders.lines l SET amount = r.amount, discount = r.discount, tax = r.tax, total = r.total, name = r.name
FROM unnest(%(lines)s::int[], %(amounts)s::bigint[], %(discounts)s::bigint[], %(taxes)s::bigint[], %(totals)s::bigint[],
  %(names)s::text[]) AS r (line_no, amount, discount, tax, total, name)
WHERE l.order_id = %(id)s AND l.line_no = r.line_no
"""

_REVISE_ORDER = """
UPDATE orders.orders o SET external_version = %(version)s, version = o.version + 1, amount = s.amount, discount = s.discount,
  tax = s.tax, total = s.total
FROM (
  SELECT sum(amount)::bigint AS amount, sum(discount)::bigint AS discount, sum(tax)::bigint AS tax, sum(total)::bigint AS total
  FROM orders.lines WHERE order_id = %(id)s
) s
WHERE o.id = %(id)s
"""

_GROW_LINE = """
WITH l AS (
  UPDATE orders.lines SET quantity = quantity + %(units)s WHERE order_id = %(id)s AND line_no = %(line_no)s RETURNING kind
)
UPDATE orders.orders SET quantity = quantity + %(units)s WHERE id = %(id)s AND (SELECT kind FROM l) = 'item'
"""

_COUNT_LINES = """
UPDATE orders.orders o SET quantity = s.quantity, cancelled = s.cancelled, backordered = s.backordered, shipped = s.shipped,
  returned = s.returned
FROM (
  SELECT coalesce(sum(quantity), 0)::int AS quantity, coalesce(sum(cancelled), 0)::int AS cancelled,
    coalesce(sum(backordered), 0)::int AS backordered, coalesce(sum(shipped), 0)::int AS shipped,
    coalesce(sum(returned), 0)::int AS returned
  FROM orders.lines WHERE order_id = %(id)s AND kind = 'item'
) s
WHERE o.id = %(id)s
"""

_OPEN_EXCEPTIONS = """
INSERT INTO orders.exceptions (id, kind, state, order_id, line_no, sku, location_id, quantity, opened_at)
SELECT id, kind, 'open', order_id, nullif(line_no, 0), sku, location_id, quantity, %(at)s
FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(orders)s::uuid[], %(lines)s::int[], %(skus)s::text[], %(locations)s::uuid[],
  %(quantities)s::int[]) AS e (id, kind, order_id, line_no, sku, location_id, quantity)
ON CONFLICT (kind, order_id, line_no, sku, location_id) WHERE state = 'open'
  DO UPDATE SET quantity = greatest(orders.exceptions.quantity, excluded.quantity)
RETURNING id
"""

_EXCEPTION = """
SELECT id, kind, state, order_id, line_no, sku, location_id, quantity, data, opened_at, resolved_at, resolution, actor
FROM orders.exceptions
"""

_CLOSE_EXCEPTIONS = """
UPDATE orders.exceptions SET state = 'resolved', resolved_at = %(at)s, resolution = %(resolution)s, actor = %(actor)s
WHERE id = ANY(%(ids)s::uuid[]) AND state = 'open'
"""


async def revise_order(tx: Tx, order_id: OrderId, version: str, lines: Sequence[NewLine]) -> None:
    """Takes over the channel's amounts and its version."""
    await tx.run(
        _REVISE_LINES,
        {
            "id": order_id,
            "lines": arrays.int4s([row.line_no for row in lines]),
            "amounts": arrays.int8s([row.amount for row in lines]),
            "discounts": arrays.int8s([row.discount for row in lines]),
            "taxes": arrays.int8s([row.tax for row in lines]),
            "totals": arrays.int8s([row.total for row in lines]),
            "names": arrays.texts([row.name for row in lines]),
        },
    )
    await tx.run(_REVISE_ORDER, {"id": order_id, "version": version})


async def grow_line(tx: Tx, order_id: OrderId, line_no: int, units: int) -> None:
    await tx.run(_GROW_LINE, {"id": order_id, "line_no": line_no, "units": units})


async def count_lines(tx: Tx, order_id: OrderId) -> None:
    """Sets the order's counters to the sums of its item lines."""
    await tx.run(_COUNT_LINES, {"id": order_id})


async def open_exceptions(
    tx: Tx, rows: Sequence[tuple[UUID, str, UUID | None, int | None, str | None, UUID | None, int]]
) -> set[UUID]:
    """Rows of (id, kind, order, line, SKU, location, units); gives the ids that are new."""
    params: dict[str, object] = {
        "at": tx.now,
        "ids": arrays.uuids([r[0] for r in rows]),
        "kinds": arrays.texts([r[1] for r in rows]),
        "orders": arrays.optional_uuids([r[2] for r in rows]),
        "lines": arrays.int4s([r[3] or 0 for r in rows]),
        "skus": arrays.optional_texts([r[4] for r in rows]),
        "locations": arrays.optional_uuids([r[5] for r in rows]),
        "quantities": arrays.int4s([r[6] for r in rows]),
    }
    wanted = {r[0] for r in rows}
    return wanted & set(await tx.values(_OPEN_EXCEPTIONS, params))


async def lock_exception(tx: Tx, exception_id: ExceptionId) -> OrderException | None:
    return await tx.one(OrderException, _EXCEPTION + "WHERE id = %(id)s FOR UPDATE", {"id": exception_id})


async def close_exceptions(tx: Tx, ids: Sequence[UUID], resolution: str) -> None:
    await tx.run(_CLOSE_EXCEPTIONS, {"ids": arrays.uuids(ids), "resolution": resolution, "at": tx.now, "actor": tx.actor})


async def open_shortfalls(tx: Tx, sku: str, location_id: LocationId) -> list[OrderException]:
    """Open shortfalls of a SKU at a location, the oldest first."""
    return await tx.all(
        OrderException,
        _EXCEPTION
        + "WHERE kind = 'shortfall' AND state = 'open' AND sku = %(sku)s AND location_id = %(location)s "
        + "ORDER BY opened_at, id FOR UPDATE",
        {"sku": sku, "location": location_id},
    )
