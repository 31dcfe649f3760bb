"""Erasing who got what was sent or handed out."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Tx

_FORGET = (
    "UPDATE fulfilment.orders SET recipient = '', city = '' WHERE order_id = ANY(%(ids)s::uuid[])",
    "UPDATE fulfilment.collections SET car = '', spot = '' WHERE order_id = ANY(%(ids)s::uuid[])",
    "DELETE FROM fulfilment.collectors WHERE order_id = ANY(%(ids)s::uuid[])",
    (
        "UPDATE fulfilment.handouts h SET collector = '' FROM fulfilment.orders f "
        "WHERE f.id = h.fulfilment_id AND f.order_id = ANY(%(ids)s::uuid[])"
    ),
)


async def forget_buyers(tx: Tx, order_ids: Sequence[OrderId]) -> None:
    """Recipients, who else might collect, who has collected, and in which car; what was sent and handed out stays."""
    for statement in _FORGET:
        await tx.run(statement, {"ids": arrays.uuids(order_ids)})
