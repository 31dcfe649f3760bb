"""Erasing who the buyer of an order was. What was sold, for how much, and to which country stays: books and figures need it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_OF_CUSTOMER = "SELECT id FROM orders.orders WHERE customer_id = %(customer)s ORDER BY id"

_UNSETTLED = """
SELECT number FROM orders.orders WHERE id = ANY(%(ids)s::uuid[])
  AND (fulfilment_status IN ('unfulfilled', 'partial', 'backordered') OR owed <> 0) ORDER BY number"""

_FORGET = """
UPDATE orders.orders SET buyer = NULL, note = NULL, version = version + 1,
  ship_to = CASE WHEN ship_to IS NOT NULL THEN jsonb_build_object('country', coalesce(ship_to ->> 'country', '')) END,
  bill_to = CASE WHEN bill_to IS NOT NULL THEN jsonb_build_object('country', coalesce(bill_to ->> 'country', '')) END
WHERE id = ANY(%(ids)s::uuid[])"""


async def ids_of_customer(reader: Reader, customer_id: UUID) -> list[OrderId]:
    return await reader.values(_OF_CUSTOMER, {"customer": customer_id})


async def unsettled(reader: Reader, order_ids: Sequence[OrderId]) -> list[int]:
    """The numbers of those that somebody still has to do something for: goods that have not left, money that is owed."""
    return await reader.values(_UNSETTLED, {"ids": arrays.uuids(order_ids)})


async def forget_buyers(tx: Tx, order_ids: Sequence[OrderId]) -> int:
    """Nobody can tell from these orders any more who has bought; of addresses the country stays. Says how many there are."""
    return await tx.run(_FORGET, {"ids": arrays.uuids(order_ids)})
