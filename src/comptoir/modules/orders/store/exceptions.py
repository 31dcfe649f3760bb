"""Exceptions: opening, finding and closing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.orders.contracts import ExceptionId, OrderException, OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_SPOTS = "SELECT * FROM unnest(%(skus)s::text[], %(locations)s::uuid[])"

# In the order of the index that may make them wait for each other.
_OPEN_EXCEPTIONS = """
INSERT INTO orders.exceptions AS e (id, kind, state, order_id, line_no, sku, location_id, quantity, data, opened_at)
SELECT id, kind, 'open', order_id, nullif(line_no, 0), sku, location_id, quantity, data::jsonb, %(at)s
FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(orders)s::uuid[], %(lines)s::int[], %(skus)s::text[], %(locations)s::uuid[],
  %(quantities)s::int[], %(data)s::text[]) AS n (id, kind, order_id, line_no, sku, location_id, quantity, data)
ORDER BY kind, order_id, line_no, sku, location_id
ON CONFLICT (kind, order_id, line_no, sku, location_id) WHERE state = 'open'
  DO UPDATE SET quantity = excluded.quantity, data = e.data || excluded.data
RETURNING e.id
"""

EXCEPTION_COLUMNS = """e.id, e.kind, e.state, e.order_id, e.line_no, e.sku, e.location_id, e.quantity, e.data, e.opened_at,
  e.resolved_at, e.resolution, e.actor"""

_EXCEPTION = f"SELECT {EXCEPTION_COLUMNS} FROM orders.exceptions e"

_CLOSE_EXCEPTION = """
UPDATE orders.exceptions SET state = 'resolved', resolved_at = %(at)s, resolution = %(resolution)s, actor = %(actor)s
WHERE id = %(id)s AND state = 'open'
"""

_NOTE_EXCEPTION = """
UPDATE orders.exceptions SET data = (data - %(but)s::text[]) || %(data)s::jsonb WHERE id = %(id)s AND state = 'open'
"""

ExceptionRow = tuple[UUID, str, UUID | None, int | None, str | None, UUID | None, int, Mapping[str, object]]
"""(id, kind, order, line, SKU, location, units, what is known of it)."""


async def open_exceptions(tx: Tx, rows: Sequence[ExceptionRow]) -> set[UUID]:
    """Writes them and gives the ids that are new; one that is open for the same thing already takes the new quantity."""
    params: dict[str, object] = {
        "at": tx.now,
        "ids": arrays.uuids([r[0] for r in rows]),
        "kinds": arrays.texts([r[1] for r in rows]),
        "orders": arrays.optional_uuids([r[2] for r in rows]),
        "lines": arrays.int4s([r[3] or 0 for r in rows]),
        "skus": arrays.optional_texts([r[4] for r in rows]),
        "locations": arrays.optional_uuids([r[5] for r in rows]),
        "quantities": arrays.int4s([r[6] for r in rows]),
        "data": arrays.texts([msgspec.json.encode(r[7]).decode() for r in rows]),
    }
    wanted = {r[0] for r in rows}
    return wanted & set(await tx.values(_OPEN_EXCEPTIONS, params))


async def exception(reader: Reader, exception_id: ExceptionId, *, lock: bool = False) -> OrderException | None:
    statement = f"{_EXCEPTION} WHERE e.id = %(id)s" + (" FOR UPDATE" if lock else "")
    return await reader.one(OrderException, statement, {"id": exception_id})


async def close_exception(tx: Tx, exception_id: ExceptionId, resolution: str) -> bool:
    """False when it is closed already."""
    params = {"id": exception_id, "resolution": resolution, "at": tx.now, "actor": tx.actor}
    return bool(await tx.run(_CLOSE_EXCEPTION, params))


async def note_exception(tx: Tx, exception_id: ExceptionId, data: Mapping[str, object], *, but: Sequence[str] = ()) -> None:
    """Adds to what is known of an open one, and forgets what is named in `but`."""
    params = {"id": exception_id, "data": msgspec.json.encode(data).decode(), "but": arrays.texts(list(but))}
    await tx.run(_NOTE_EXCEPTION, params)


async def open_at_spots(reader: Reader, kind: str, spots: Sequence[Spot]) -> list[OrderException]:
    """The open exceptions of a kind at these spots, the oldest first."""
    return await reader.all(
        OrderException,
        f"{_EXCEPTION} JOIN ({_SPOTS}) AS s (sku, location_id) USING (sku, location_id) "
        "WHERE e.kind = %(kind)s AND e.state = 'open' ORDER BY e.opened_at, e.id",
        {"kind": kind, "skus": arrays.texts([s[0] for s in spots]), "locations": arrays.uuids([s[1] for s in spots])},
    )


async def open_of_orders(reader: Reader, kind: str, orders: Sequence[OrderId]) -> list[OrderException]:
    return await reader.all(
        OrderException,
        f"{_EXCEPTION} WHERE e.kind = %(kind)s AND e.state = 'open' AND e.order_id = ANY(%(orders)s::uuid[])",
        {"kind": kind, "orders": arrays.uuids(orders)},
    )


async def open_of_skus(reader: Reader, kind: str, skus: Sequence[str]) -> list[OrderException]:
    return await reader.all(
        OrderException,
        f"{_EXCEPTION} WHERE e.kind = %(kind)s AND e.state = 'open' AND e.sku = ANY(%(skus)s::text[])",
        {"kind": kind, "skus": arrays.texts(skus)},
    )


async def open_at_location(reader: Reader, kind: str, location_id: UUID) -> list[OrderException]:
    return await reader.all(
        OrderException,
        f"{_EXCEPTION} WHERE e.kind = %(kind)s AND e.state = 'open' AND e.location_id = %(location)s",
        {"kind": kind, "location": location_id},
    )


async def oldest_open(reader: Reader, kind: str, limit: int) -> list[OrderException]:
    return await reader.all(
        OrderException,
        f"{_EXCEPTION} WHERE e.kind = %(kind)s AND e.state = 'open' ORDER BY e.opened_at, e.id LIMIT %(limit)s",
        {"kind": kind, "limit": limit},
    )
