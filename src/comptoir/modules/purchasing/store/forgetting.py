"""Erasing to whom suppliers have sent."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Tx

_FORGET = """
UPDATE purchasing.purchases SET ship_to = jsonb_build_object('country', coalesce(ship_to ->> 'country', '')), note = ''
WHERE order_id = ANY(%(ids)s::uuid[])"""


async def forget_buyers(tx: Tx, order_ids: Sequence[OrderId]) -> None:
    """Of addresses the country stays."""
    await tx.run(_FORGET, {"ids": arrays.uuids(order_ids)})
