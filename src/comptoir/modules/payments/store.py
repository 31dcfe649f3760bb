"""All SQL of the payment ledger."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from comptoir.modules.payments.contracts import Entry
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


async def insert(tx: Tx, entries: Sequence[Entry]) -> set[UUID]:
    """Writes entries and gives the ids of those that were new: one with a reference that its order knows already is left out."""
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
