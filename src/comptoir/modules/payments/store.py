"""All SQL of the payment ledger."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from comptoir.modules.payments.contracts import Balance, Entry, EntryKind
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_INSERT = """
INSERT INTO payments.entries (id, order_id, kind, method, amount, currency, reference, at, actor)
SELECT id, order_id, kind, method, amount, currency, reference, at, %(actor)s
FROM unnest(%(ids)s::uuid[], %(orders)s::uuid[], %(kinds)s::text[], %(methods)s::text[], %(amounts)s::bigint[],
  %(currencies)s::text[], %(references)s::text[], %(at)s::timestamptz[])
  AS e (id, order_id, kind, method, amount, currency, reference, at)
ON CONFLICT (order_id, kind, method, reference) WHERE reference <> '' DO NOTHING
RETURNING id
"""

_OF_ORDERS = """
SELECT id, order_id, kind, method, amount, currency, reference, at
FROM payments.entries WHERE order_id = ANY(%(orders)s::uuid[]) ORDER BY at, id
"""

# What `domain.balance` says, for thousands of orders.
_BALANCES = """
SELECT order_id, coalesce(sum(amount) FILTER (WHERE kind = 'authorised'), 0)::bigint
    - coalesce(sum(amount) FILTER (WHERE kind = 'voided'), 0)::bigint,
  coalesce(sum(amount) FILTER (WHERE kind = 'captured'), 0)::bigint,
  coalesce(sum(amount) FILTER (WHERE kind = 'refunded'), 0)::bigint
FROM payments.entries WHERE order_id = ANY(%(orders)s::uuid[]) GROUP BY order_id
"""

_IS_KNOWN = """
SELECT EXISTS (
  SELECT FROM payments.entries
  WHERE order_id = %(order)s AND kind = %(kind)s AND method = %(method)s AND reference = %(reference)s AND reference <> ''
)
"""


async def insert(tx: Tx, entries: Sequence[Entry]) -> set[UUID]:
    """Writes entries and gives the ids of those that were new: a reference that its order knows already is left out."""
    params: dict[str, object] = {
        "ids": arrays.uuids([e.id for e in entries]),
        "orders": arrays.uuids([e.order_id for e in entries]),
        "kinds": arrays.texts([e.kind for e in entries]),
        "methods": arrays.texts([e.method for e in entries]),
        "amounts": arrays.int8s([e.amount for e in entries]),
        "currencies": arrays.texts([e.currency for e in entries]),
        "references": arrays.texts([e.reference for e in entries]),
        "at": [e.at for e in entries],
        "actor": tx.actor,
    }
    return set(await tx.values(_INSERT, params))


async def of_orders(reader: Reader, orders: Sequence[UUID]) -> list[Entry]:
    return await reader.all(Entry, _OF_ORDERS, {"orders": arrays.uuids(orders)})


async def balances(reader: Reader, orders: Sequence[UUID]) -> dict[UUID, Balance]:
    """The sums of these orders' entries; an order without any is left out."""
    rows = await reader.rows(_BALANCES, {"orders": arrays.uuids(orders)})
    return {row[0]: Balance(*row[1:]) for row in rows}


async def is_known(reader: Reader, order_id: UUID, kind: EntryKind, method: str, reference: str) -> bool:
    """Whether the order has an entry of this kind, method and reference."""
    params = {"order": order_id, "kind": kind, "method": method, "reference": reference}
    return bool(await reader.value(_IS_KNOWN, params))
