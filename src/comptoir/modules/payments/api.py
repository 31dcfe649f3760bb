"""The door to the payment ledger."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from comptoir.modules.payments import domain, store
from comptoir.modules.payments.contracts import Balance, Entry
from comptoir.modules.payments.domain import balance
from comptoir.runtime.database import Reader, Tx

__all__ = ["balance", "balance_of", "balances", "entries_of", "is_known", "record"]

balances = store.balances
is_known = store.is_known


async def record(tx: Tx, entries: Sequence[Entry]) -> list[Entry]:
    """Writes what moved and gives the entries that were not known yet, by (order, kind, method, reference)."""
    if not entries:
        return []
    written = await store.insert(tx, entries)
    return [entry for entry in entries if entry.id in written]


async def entries_of(reader: Reader, order_id: UUID) -> list[Entry]:
    """One order's entries, the oldest first."""
    return await store.of_orders(reader, [order_id])


async def balance_of(reader: Reader, order_id: UUID) -> Balance:
    return domain.balance(await store.of_orders(reader, [order_id]))
