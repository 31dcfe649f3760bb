"""Lines that wait for stock, and buyers who wait to be recognised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from comptoir.modules.customers.contracts import CustomerId
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import ChannelId, ExceptionId, OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_WAITING_CHANNELS = """
SELECT DISTINCT l.sku, o.channel_id FROM orders.lines l JOIN orders.orders o ON o.id = l.order_id
WHERE l.backordered > 0 AND l.sku = ANY(%(skus)s::text[])
"""

_WAITING = """
SELECT o.placed_at, o.id, l.line_no, l.backordered
FROM orders.lines l JOIN orders.orders o ON o.id = l.order_id
WHERE l.backordered > 0 AND l.sku = %(sku)s AND (o.channel_id = ANY(%(sending)s::uuid[])
  OR (o.channel_id = ANY(%(handing_out)s::uuid[]) AND o.pickup_location_id = %(location)s))
  AND NOT EXISTS (
    SELECT FROM orders.rejections r
    WHERE r.order_id = l.order_id AND r.line_no = l.line_no AND r.location_id = %(location)s
  )
ORDER BY o.placed_at, o.id, l.line_no LIMIT %(limit)s
"""

_WAITING_SKUS = """
SELECT DISTINCT l.sku FROM orders.lines l WHERE l.backordered > 0 AND l.sku > %(after)s ORDER BY l.sku LIMIT %(limit)s
"""

_WAITING_SINCE = """
SELECT o.id, l.line_no, l.sku, l.backordered, o.channel_id
FROM orders.lines l JOIN orders.orders o ON o.id = l.order_id
WHERE l.backordered > 0 AND o.placed_at < %(before)s
  AND NOT EXISTS (
    SELECT FROM orders.exceptions e
    WHERE e.kind = 'overdue_backorder' AND e.state = 'open' AND e.order_id = o.id AND e.line_no = l.line_no
  )
ORDER BY o.placed_at, o.id, l.line_no LIMIT %(limit)s
"""

_SERVED = """
SELECT e.id FROM orders.exceptions e
JOIN orders.lines l ON l.order_id = e.order_id AND l.line_no = e.line_no
WHERE e.kind = 'overdue_backorder' AND e.state = 'open' AND l.backordered = 0
LIMIT %(limit)s
"""

_STRANGERS = """
SELECT id, number, channel_code, buyer, coalesce(ship_to ->> 'country', bill_to ->> 'country', '')
FROM orders.orders WHERE id = ANY(%(ids)s::uuid[]) AND customer_id IS NULL AND buyer IS NOT NULL
ORDER BY id
"""

_LINK = """
UPDATE orders.orders o SET customer_id = k.customer_id, version = o.version + 1
FROM (
  SELECT o.id, k.customer_id FROM unnest(%(ids)s::uuid[], %(customers)s::uuid[]) AS k (id, customer_id)
  JOIN orders.orders o USING (id) WHERE o.customer_id IS NULL ORDER BY o.id FOR UPDATE OF o
) k
WHERE o.id = k.id
RETURNING o.id, o.number, o.channel_code, o.customer_id
"""


class Waiting(NamedTuple):
    """Units of a line that wait for stock."""

    placed_at: datetime
    order_id: OrderId
    line_no: int
    units: int


class LongWaiting(NamedTuple):
    order_id: OrderId
    line_no: int
    sku: str
    units: int
    channel_id: ChannelId


class Stranger(NamedTuple):
    """An order whose buyer has not been looked up; `buyer` is `sdk.orders.Buyer` as JSON."""

    order_id: OrderId
    number: int
    channel_code: str
    buyer: dict[str, Any]
    country: str


class Linked(NamedTuple):
    order_id: OrderId
    number: int
    channel_code: str
    customer_id: CustomerId


async def waiting_channels(reader: Reader, skus: Sequence[str]) -> list[tuple[str, ChannelId]]:
    """Which channels have orders that wait for each of these SKUs."""
    return [(row[0], ChannelId(row[1])) for row in await reader.rows(_WAITING_CHANNELS, {"skus": arrays.texts(skus)})]


async def waiting_for(
    reader: Reader,
    sku: str,
    limit: int,
    location: LocationId,
    *,
    sending: Sequence[ChannelId],
    handing_out: Sequence[ChannelId],
) -> list[Waiting]:
    """The orders that wait for a SKU that this location has, the oldest first: those of the channels for which it is `sending`,
    and of those for which it is only `handing_out` what is collected there.
    """
    params = {
        "sku": sku,
        "limit": limit,
        "location": location,
        "sending": arrays.uuids(sending),
        "handing_out": arrays.uuids(handing_out),
    }
    return [Waiting(*row) for row in await reader.rows(_WAITING, params)]


async def waiting_skus(reader: Reader, after: str, limit: int) -> list[str]:
    return await reader.values(_WAITING_SKUS, {"after": after, "limit": limit})


async def waiting_since(reader: Reader, before: datetime, limit: int) -> list[LongWaiting]:
    """Lines of orders placed before an instant that wait for stock and have no exception yet."""
    return [LongWaiting(*row) for row in await reader.rows(_WAITING_SINCE, {"before": before, "limit": limit})]


async def served_overdue(reader: Reader, limit: int) -> list[ExceptionId]:
    """The OVERDUE_BACKORDER exceptions whose lines wait no longer."""
    return await reader.values(_SERVED, {"limit": limit})


async def strangers(reader: Reader, ids: Sequence[UUID]) -> list[Stranger]:
    return [Stranger(*row) for row in await reader.rows(_STRANGERS, {"ids": arrays.uuids(ids)})]


async def link(tx: Tx, links: Sequence[tuple[OrderId, CustomerId]]) -> list[Linked]:
    """Sets the customers of orders that have none; gives those that were set."""
    params = {"ids": arrays.uuids([o for o, _ in links]), "customers": arrays.uuids([c for _, c in links])}
    return [Linked(*row) for row in await tx.rows(_LINK, params)]
