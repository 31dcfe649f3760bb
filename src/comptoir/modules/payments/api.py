"""The door to the payment ledger."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from comptoir.modules.payments import domain, store
from comptoir.modules.payments.accounts import (
    account_by_code,
    account_entries,
    accounts_of,
    adjust_account,
    expire_accounts,
    get_account,
    give_back,
    issue,
    spend,
)
from comptoir.modules.payments.audit import audit
from comptoir.modules.payments.contracts import CARD_TERMINAL, Balance, Entry, GrantId
from comptoir.modules.payments.domain import GRANT_STEPS, as_paid, balance, by_method, family, grant_state, refundable
from comptoir.modules.payments.errors import OverMethod, ReferenceMissing
from comptoir.modules.payments.refunds import (
    executable,
    get_grant,
    grant,
    granted,
    grants_of,
    pay_off,
    promise,
    withdraw,
)
from comptoir.runtime.database import Reader, Tx

__all__ = [
    "GRANT_STEPS",
    "account_by_code",
    "account_entries",
    "accounts_of",
    "adjust_account",
    "as_paid",
    "audit",
    "balance",
    "balance_of",
    "balances",
    "by_method",
    "check_as_paid",
    "check_method",
    "entries_of",
    "executable",
    "expire_accounts",
    "family",
    "get_account",
    "get_grant",
    "give_back",
    "grant",
    "grant_state",
    "granted",
    "grants_of",
    "is_known",
    "issue",
    "promise",
    "record",
    "refundable",
    "spend",
    "withdraw",
]

balances = store.balances
is_known = store.is_known


async def record(tx: Tx, entries: Sequence[Entry], *, grant_id: GrantId | None = None) -> list[Entry]:
    """Writes what moved and gives the entries that were not known yet, by (order, kind, method, reference).

    Refunds count against what was granted: against this grant, or the oldest first.
    """
    if not entries:
        return []
    written = await store.insert(tx, entries)
    fresh = [entry for entry in entries if entry.id in written]
    await pay_off(tx, fresh, grant_id)
    return fresh


def check_method(method: str, reference: str) -> None:
    """Raises ReferenceMissing where money was moved by hand on a terminal and nobody says under which receipt."""
    if method == CARD_TERMINAL and not reference:
        raise ReferenceMissing(method=method)


async def check_as_paid(reader: Reader, order_id: UUID, method: str, amount: int, anyhow: Collection[str] = ()) -> None:
    """Raises OverMethod where less than that may go back by this method: see `refundable`."""
    most = domain.refundable(await store.of_orders(reader, [order_id]), method, anyhow)
    if amount > most:
        raise OverMethod(method=method, left=most, asked=amount)


async def entries_of(reader: Reader, order_id: UUID) -> list[Entry]:
    """One order's entries, the oldest first."""
    return await store.of_orders(reader, [order_id])


async def balance_of(reader: Reader, order_id: UUID) -> Balance:
    return domain.balance(await store.of_orders(reader, [order_id]))
