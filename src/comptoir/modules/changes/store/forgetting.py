"""Erasing what buyers have shown and written with returns and changes."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_OWN = "SELECT id FROM changes.returns WHERE order_id = ANY(%(ids)s::uuid[])"
_EXPECTED = """
SELECT DISTINCT order_number FROM changes.returns
WHERE order_id = ANY(%(ids)s::uuid[]) AND order_number IS NOT NULL
  AND state IN ('requested', 'approved', 'in_transit', 'received') ORDER BY order_number"""
_FORGET = (
    "UPDATE changes.returns SET sender = '', note = '', agreement = '' WHERE order_id = ANY(%(ids)s::uuid[])",
    "UPDATE changes.changes SET note = '' WHERE order_id = ANY(%(ids)s::uuid[])",
)


async def coming_back(reader: Reader, order_ids: Sequence[OrderId]) -> list[int]:
    """The numbers of the orders of which something is to come back, or is looked at."""
    return await reader.values(_EXPECTED, {"ids": arrays.uuids(order_ids)})


async def count_pictures(reader: Reader, order_ids: Sequence[OrderId]) -> int:
    found = await reader.value(
        f"SELECT count(*) FROM changes.pictures WHERE return_id IN ({_OWN})", {"ids": arrays.uuids(order_ids)}
    )
    return int(str(found or 0))


async def forget_buyers(tx: Tx, order_ids: Sequence[OrderId]) -> int:
    """Pictures, senders and remarks; what came back stays. Says how many pictures there were."""
    params = {"ids": arrays.uuids(order_ids)}
    for statement in _FORGET:
        await tx.run(statement, params)
    return await tx.run(f"DELETE FROM changes.pictures WHERE return_id IN ({_OWN})", params)
