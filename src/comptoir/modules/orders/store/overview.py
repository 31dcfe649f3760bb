"""What waits at this moment: orders for stock, exceptions for a person, and what locations gave back today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from psycopg.rows import TupleRow

from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import (
    ExceptionKind,
    ExceptionSummary,
    OrderException,
    UrgentException,
    WaitingAge,
    WaitingFilter,
    WaitingOrder,
)
from comptoir.modules.orders.store.exceptions import EXCEPTION_COLUMNS
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts, storable

_WAITING = "o.fulfilment_status IN ('backordered', 'partial') AND o.backordered > 0"
"""As the index of open orders has it."""
_DUE = "coalesce(o.promised_on::timestamp AT TIME ZONE 'UTC', '9999-12-31 00:00+00')"


def _order(row: TupleRow) -> WaitingOrder:
    return WaitingOrder(*row)


WAITING: Listing[WaitingOrder] = Listing(
    """o.id, o.number, o.channel_code, o.placed_at, o.promised_on, o.backordered,
  coalesce(nullif(o.ship_to ->> 'name', ''), o.buyer ->> 'name', ''), o.pickup_location_id,
  ARRAY(SELECT l.sku FROM orders.lines l WHERE l.order_id = o.id AND l.backordered > 0 ORDER BY l.line_no)""",
    "orders.orders o",
    _order,
    sorts(
        ("placed", [Key("o.placed_at", KeyKind.INSTANT), Key("o.id", KeyKind.ID)]),
        ("due", [Key(_DUE, KeyKind.INSTANT), Key("o.id", KeyKind.ID)]),
    ),
)

_LONGEST_NUMBER = 19

_AGES = f"""
SELECT width_bucket(o.placed_at, %(bounds)s::timestamptz[]), count(*)::int,
  (count(*) FILTER (WHERE o.promised_on < %(late_on)s))::int, (count(*) FILTER (WHERE o.promised_on < %(risk_on)s))::int
FROM orders.orders o WHERE {_WAITING} GROUP BY 1 ORDER BY 1"""

_URGENT = f"""
SELECT {EXCEPTION_COLUMNS}, o.number, o.channel_code, o.placed_at, o.promised_on,
  round(l.total::numeric * least(e.quantity, l.quantity) / l.quantity)::bigint AS value, o.currency
FROM orders.exceptions e
LEFT JOIN orders.orders o ON o.id = e.order_id
LEFT JOIN orders.lines l ON l.order_id = e.order_id AND l.line_no = e.line_no
WHERE e.state = 'open'
ORDER BY coalesce(o.promised_on < %(risk_on)s, false) DESC, value DESC NULLS LAST, e.opened_at, e.id LIMIT %(limit)s"""

_REJECTED = """
SELECT r.location_id, count(DISTINCT r.order_id)::int
FROM orders.rejections r
JOIN unnest(%(locations)s::uuid[], %(since)s::timestamptz[]) AS l (location_id, since) USING (location_id)
WHERE r.at >= %(earliest)s AND r.at >= l.since GROUP BY r.location_id"""


def where_waiting(wanted: WaitingFilter) -> Where:
    where = Where()
    where.add(_WAITING)
    where.equal("o.channel_code", wanted.channel or None)
    if wanted.pickups:
        where.add("o.pickup_location_id = ANY(%(pickups)s)", pickups=arrays.uuids(wanted.pickups))
    for condition, name, value in (
        ("o.placed_at >= %(placed_from)s", "placed_from", wanted.placed_from),
        ("o.placed_at < %(placed_before)s", "placed_before", wanted.placed_before),
        ("o.promised_on < %(promised_before)s", "promised_before", wanted.promised_before),
    ):
        if value is not None:
            where.add(condition, **{name: value})
    text = storable(wanted.search).strip().removeprefix("#")
    if text.isdecimal() and text.isascii() and len(text) < _LONGEST_NUMBER:
        where.begins("o.external_id", text, ways=["o.number = %(number)s"], number=int(text))
    else:
        where.begins("o.external_id", text)
    return where


async def ages(reader: Reader, bounds: Sequence[datetime], late_on: date, risk_on: date) -> list[WaitingAge]:
    values = {"bounds": list(bounds), "late_on": late_on, "risk_on": risk_on}
    return [WaitingAge(*row) for row in await reader.rows(_AGES, values)]


async def urgent(reader: Reader, risk_on: date, limit: int) -> list[UrgentException]:
    found: list[UrgentException] = []
    for row in await reader.rows(_URGENT, {"risk_on": risk_on, "limit": limit}):
        *own, number, channel_code, placed_at, promised_on, value, currency = row
        summary = ExceptionSummary(OrderException(own[0], ExceptionKind(own[1]), *own[2:]), number, channel_code, placed_at)
        found.append(UrgentException(summary, promised_on, value, currency))
    return found


async def rejected(reader: Reader, since: Sequence[tuple[LocationId, datetime]]) -> dict[LocationId, int]:
    rows = await reader.rows(
        _REJECTED,
        {
            "locations": arrays.uuids([place for place, _ in since]),
            "since": [at for _, at in since],
            "earliest": min(at for _, at in since),
        },
    )
    return {LocationId(place): count for place, count in rows}
