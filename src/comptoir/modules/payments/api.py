"""The door to the payment ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
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
from comptoir.modules.payments.contracts import (
    CARD_TERMINAL,
    Balance,
    Entry,
    Grant,
    GrantFilter,
    GrantId,
    Taking,
    TakingsFilter,
)
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
from comptoir.runtime.paging import Count, Page

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
    "count_grants",
    "count_takings",
    "entries_of",
    "entries_of_some",
    "executable",
    "expire_accounts",
    "family",
    "find_grants",
    "find_takings",
    "get_account",
    "get_grant",
    "give_back",
    "grant",
    "grant_state",
    "granted",
    "grants_of",
    "is_known",
    "issue",
    "methods_to_pay",
    "promise",
    "record",
    "refundable",
    "spend",
    "stream_grants",
    "stream_takings",
    "takings_totals",
    "to_pay",
    "withdraw",
]

balances = store.balances
is_known = store.is_known
methods_to_pay = store.methods_to_pay
takings_totals = store.takings_totals
to_pay = store.to_pay


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


async def entries_of_some(reader: Reader, order_ids: Sequence[UUID]) -> dict[UUID, list[Entry]]:
    """Those of several orders, each the oldest first; an order without any is left out."""
    found: dict[UUID, list[Entry]] = {}
    for entry in await store.of_orders(reader, order_ids):
        found.setdefault(entry.order_id, []).append(entry)
    return found


async def find_grants(
    reader: Reader, wanted: GrantFilter, *, sort: str = "granted", limit: int = 50, cursor: str | None = None
) -> Page[Grant]:
    """Refunds that were granted, of all orders. Sorts: granted, -granted."""
    return await store.GRANTS.page(reader, store.where_grants(wanted), sort=sort, limit=limit, cursor=cursor)


async def count_grants(reader: Reader, wanted: GrantFilter) -> Count:
    return await store.GRANTS.count(reader, store.where_grants(wanted))


async def stream_grants(reader: Reader, wanted: GrantFilter, *, sort: str = "granted") -> AsyncIterator[Grant]:
    """Every one of them, in order, for exports."""
    async for one in store.GRANTS.stream(reader, store.where_grants(wanted), sort=sort):
        yield one


async def find_takings(
    reader: Reader, wanted: TakingsFilter, *, sort: str = "-day", limit: int = 50, cursor: str | None = None
) -> Page[Taking]:
    """What was taken and given back, by day, channel, place and method. Sorts: day, -day."""
    return await store.TAKINGS.page(reader, store.where_takings(wanted), sort=sort, limit=limit, cursor=cursor)


async def count_takings(reader: Reader, wanted: TakingsFilter) -> Count:
    return await store.TAKINGS.count(reader, store.where_takings(wanted))


async def stream_takings(reader: Reader, wanted: TakingsFilter, *, sort: str = "-day") -> AsyncIterator[Taking]:
    """Every one of them, in order, for exports."""
    async for one in store.TAKINGS.stream(reader, store.where_takings(wanted), sort=sort):
        yield one


async def balance_of(reader: Reader, order_id: UUID) -> Balance:
    return domain.balance(await store.of_orders(reader, [order_id]))
