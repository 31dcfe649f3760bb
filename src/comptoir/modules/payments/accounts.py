"""Gift cards and store credit: accounts with a ledger, whose balance is never below zero."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from comptoir.kernel.checking import Checks, invalid
from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import MAX_MINOR, Currency, currency
from comptoir.modules.payments import domain, store
from comptoir.modules.payments.contracts import (
    Account,
    AccountDraft,
    AccountEntry,
    AccountEntryKind,
    AccountId,
    AccountMoved,
)
from comptoir.modules.payments.errors import AccountExpired, BalanceTooLow, UnknownAccount, WrongCurrency
from comptoir.runtime.database import Reader, Tx


async def issue(tx: Tx, draft: AccountDraft) -> tuple[Account, str]:
    """A new account and its code, which is told this once. Raises Invalid."""
    checks = Checks()
    checks.whole("amount", draft.amount, 0, MAX_MINOR)
    code = checks.parsed("currency", currency, draft.currency, Currency(""))
    note = checks.words("note", draft.note, most=500)
    checks.words("reference", draft.reference)
    checks.require("expires_at", draft.expires_at is None or draft.expires_at > tx.now, "is in the past")
    checks.done()
    secret = domain.new_code()
    made = Account(
        AccountId(uuid7()),
        draft.kind,
        code,
        secret[-4:],
        draft.customer_id,
        draft.expires_at,
        tx.now,
        tx.actor,
        note,
        0,
    )
    await store.insert_account(tx, made, domain.hash_code(secret))
    await _post(tx, made, AccountEntryKind.ISSUED, draft.amount, reference=draft.reference)
    return await get_account(tx, made.id), secret


async def get_account(reader: Reader, account_id: AccountId) -> Account:
    """With its balance. Raises UnknownAccount."""
    found = await store.account(reader, account_id)
    if found is None:
        raise UnknownAccount(kind="account", id=account_id)
    return found


async def account_by_code(reader: Reader, code: str) -> Account:
    """Whatever dashes and lookalikes were typed. Raises UnknownAccount, also for what cannot be a code."""
    clean = domain.read_code(code)
    found = None if clean is None else await store.account_by_hash(reader, domain.hash_code(clean))
    if found is None:
        raise UnknownAccount(kind="account")
    return found


async def accounts_of(reader: Reader, customer_id: UUID) -> list[Account]:
    """A customer's, the oldest first."""
    return await store.accounts_of(reader, customer_id)


async def account_entries(reader: Reader, account_id: AccountId) -> list[AccountEntry]:
    """The ledger of one, the oldest first."""
    return await store.account_entries(reader, account_id)


async def spend(tx: Tx, account_id: AccountId, amount: int, code: Currency, *, order_id: UUID, payment_id: UUID) -> Account:
    """Takes money off, if it is there. Raises UnknownAccount, WrongCurrency, AccountExpired and BalanceTooLow."""
    if amount < 1:
        raise invalid("amount", "is at least one minor unit")
    there = await _lock(tx, account_id)
    _same(there, code)
    if there.expired(tx.now):
        raise AccountExpired(expired_at=there.expires_at)
    return await _post(tx, there, AccountEntryKind.SPENT, -amount, order_id=order_id, payment_id=payment_id)


async def give_back(tx: Tx, account_id: AccountId, amount: int, code: Currency, *, order_id: UUID, payment_id: UUID) -> Account:
    """Puts a refund on it. Raises UnknownAccount, WrongCurrency and AccountExpired."""
    there = await _lock(tx, account_id)
    _same(there, code)
    if there.expired(tx.now):
        raise AccountExpired(expired_at=there.expires_at)
    return await _post(tx, there, AccountEntryKind.GIVEN_BACK, amount, order_id=order_id, payment_id=payment_id)


async def adjust_account(tx: Tx, account_id: AccountId, amount: int, reference: str = "") -> Account:
    """Corrects a balance by so much. Raises Invalid, UnknownAccount and BalanceTooLow."""
    checks = Checks()
    checks.whole("amount", amount, -MAX_MINOR, MAX_MINOR)
    checks.require("amount", amount != 0, "changes something")
    reference = checks.words("reference", reference)
    checks.done()
    return await _post(tx, await _lock(tx, account_id), AccountEntryKind.ADJUSTED, amount, reference=reference)


async def expire_accounts(tx: Tx, limit: int = 500) -> int:
    """Takes off what is left on accounts whose time is over; says how many there were."""
    ids: Sequence[AccountId] = await store.expired_accounts(tx, limit)
    for account_id in ids:
        there = await _lock(tx, account_id)
        if there.balance:
            await _post(tx, there, AccountEntryKind.EXPIRED, -there.balance)
    return len(ids)


def _same(there: Account, code: Currency) -> None:
    if there.currency != code:
        raise WrongCurrency(expected=there.currency, found=code)


async def _lock(tx: Tx, account_id: AccountId) -> Account:
    await store.lock_account(tx, account_id)
    return await get_account(tx, account_id)


async def _post(
    tx: Tx,
    there: Account,
    kind: AccountEntryKind,
    amount: int,
    *,
    order_id: UUID | None = None,
    payment_id: UUID | None = None,
    reference: str = "",
) -> Account:
    """The only writer of ledgers of accounts; the account is locked, or has just been made."""
    if there.balance + amount < 0:
        raise BalanceTooLow(balance=there.balance, asked=-amount)
    if there.balance + amount > MAX_MINOR:
        raise invalid("amount", "comes to more than an account can hold")
    await store.post(tx, there.id, kind, amount, order_id=order_id, payment_id=payment_id, reference=reference)
    after = await get_account(tx, there.id)
    tx.emit(
        AccountMoved(
            account_id=there.id,
            kind=kind,
            amount=amount,
            balance=after.balance,
            currency=there.currency,
            order_id=order_id,
        )
    )
    return after
