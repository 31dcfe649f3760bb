"""Refunds that are promised, and how they become money that has moved.

Whoever calls has locked the order: that is what makes two executions at once one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from comptoir.kernel.checking import invalid
from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import Currency
from comptoir.modules.payments import domain, store
from comptoir.modules.payments.contracts import (
    Entry,
    EntryKind,
    Grant,
    GrantId,
    RefundGranted,
    RefundWithdrawn,
)
from comptoir.modules.payments.errors import GrantClosed, OverGrant, UnknownGrant
from comptoir.runtime.database import Reader, Tx


async def grant(
    tx: Tx, order_id: UUID, amount: int, currency: Currency, reason: str, *, about: str = "", about_id: UUID | None = None
) -> GrantId:
    """Promises a refund; whether so much is owed is for the caller to know."""
    if amount < 1:
        raise invalid("amount", "is at least one minor unit")
    made = Grant(GrantId(uuid7()), order_id, amount, 0, currency, reason, about, about_id, tx.now, tx.actor, None, None)
    await store.insert_grant(tx, made)
    tx.emit(RefundGranted(order_id=order_id, grant_id=made.id, amount=amount, currency=currency, reason=reason))
    return made.id


async def grants_of(reader: Reader, order_id: UUID) -> list[Grant]:
    """All refunds that were granted for an order, the oldest first."""
    return await store.grants_of(reader, order_id)


async def granted(reader: Reader, order_id: UUID) -> int:
    """What is promised to the buyer and has not moved."""
    return sum(one.open for one in await store.grants_of(reader, order_id))


async def get_grant(reader: Reader, order_id: UUID, grant_id: GrantId) -> Grant:
    """Raises UnknownGrant."""
    found = next((one for one in await store.grants_of(reader, order_id) if one.id == grant_id), None)
    if found is None:
        raise UnknownGrant(kind="grant", id=grant_id)
    return found


async def executable(reader: Reader, order_id: UUID, grant_id: GrantId, amount: int) -> Grant:
    """The grant, if so much of it is open. Raises UnknownGrant, GrantClosed and OverGrant."""
    found = await get_grant(reader, order_id, grant_id)
    if not found.open:
        raise GrantClosed(state=found.state)
    if amount > found.open:
        raise OverGrant(open=found.open, asked=amount)
    return found


async def pay_off(tx: Tx, entries: Sequence[Entry], grant_id: GrantId | None = None) -> None:
    """Lets these refunds, which are in the ledger, count against what was granted: this one, or the oldest first."""
    refunds = [entry for entry in entries if entry.kind is EntryKind.REFUNDED]
    with_grants = await store.with_grants(tx, [entry.order_id for entry in refunds]) if refunds else set[UUID]()
    for entry in refunds:
        if entry.order_id in with_grants:
            there = await store.grants_of(tx, entry.order_id)
            open_ones = [one for one in there if one.open and grant_id in {None, one.id}]
            await store.insert_executions(tx, entry.id, domain.paid_off(open_ones, entry.amount))


async def withdraw(tx: Tx, order_id: UUID, grant_id: GrantId, reason: str = "") -> Grant:
    """Promises no more what has not moved. Raises UnknownGrant and GrantClosed."""
    found = await get_grant(tx, order_id, grant_id)
    if not found.open:
        raise GrantClosed(state=found.state)
    await _withdraw(tx, found, reason)
    return await get_grant(tx, order_id, grant_id)


async def _withdraw(tx: Tx, found: Grant, reason: str) -> None:
    await store.withdraw_grant(tx, found.id)
    tx.emit(
        RefundWithdrawn(order_id=found.order_id, grant_id=found.id, amount=found.open, currency=found.currency, reason=reason)
    )


async def promise(
    tx: Tx, order_id: UUID, amount: int, currency: Currency, reason: str, *, about: str = "", about_id: UUID | None = None
) -> int:
    """Sees to it that exactly `amount` is promised and has not moved: grants what is lacking, or withdraws what is too much.

    Gives by how much it has changed.
    """
    there = await store.grants_of(tx, order_id)
    change = amount - sum(one.open for one in there)
    more = change
    if change < 0:
        withdrawn, more = domain.lowered(there, -change)
        for one in withdrawn:
            await _withdraw(tx, one, reason)
    if more > 0:
        await grant(tx, order_id, more, currency, reason, about=about, about_id=about_id)
    return change
