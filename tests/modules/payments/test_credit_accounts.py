"""Gift cards and store credit: never below nothing, whoever spends at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.errors import Invalid
from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import Currency
from comptoir.modules.payments import api, domain
from comptoir.modules.payments.contracts import (
    Account,
    AccountDraft,
    AccountEntryKind,
    AccountId,
    AccountKind,
    Finding,
    FindingKind,
)
from comptoir.modules.payments.errors import AccountExpired, BalanceTooLow, UnknownAccount, WrongCurrency
from comptoir.runtime.database import Database, Tx

T = TypeVar("T")
EUR = Currency("EUR")


async def do(database: Database, work: Callable[[Tx], Awaitable[T]]) -> T:
    async with database.transaction() as tx:
        return await work(tx)


async def issued(database: Database, amount: int = 1000, **more: object) -> tuple[Account, str]:
    draft = AccountDraft(kind=AccountKind.GIFT_CARD, currency=EUR, amount=amount, **more)  # type: ignore[arg-type]
    return await do(database, lambda tx: api.issue(tx, draft))


async def spend(database: Database, account_id: AccountId, amount: int, currency: Currency = EUR) -> Account:
    return await do(database, lambda tx: api.spend(tx, account_id, amount, currency, order_id=uuid7(), payment_id=uuid7()))


async def test_a_card_is_known_by_its_code_however_it_is_typed(database: Database) -> None:
    made, code = await issued(database)
    assert (made.balance, made.last4) == (1000, code[-4:])
    async with database.read() as reader:
        for typed in (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} ", code.replace("0", "O")):
            assert (await api.account_by_code(reader, typed)).id == made.id
        kept = await reader.value("SELECT row_to_json(a)::text FROM payments.accounts a")
    assert code not in kept
    assert code.replace("-", "") not in kept


@given(st.integers(0, 2**90 - 1), st.integers(0, 19), st.integers(1, 31))
def test_one_wrong_character_is_no_code(number: int, place: int, step: int) -> None:
    code = domain.show_code((number << 10) + -(number << 10) % 1021).replace("-", "")
    assert domain.read_code(code) is not None
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    wrong = alphabet[(alphabet.index(code[place]) + step) % 32]
    assert domain.read_code(code[:place] + wrong + code[place + 1 :]) is None


@given(st.integers(0, 2**90 - 1), st.integers(0, 18))
def test_two_characters_that_changed_places_are_no_code(number: int, place: int) -> None:
    code = domain.show_code((number << 10) + -(number << 10) % 1021).replace("-", "")
    turned = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert turned == code or domain.read_code(turned) is None


@given(st.text(max_size=30))
def test_any_text_is_read_or_is_none(text: str) -> None:
    found = domain.read_code(text)
    assert found is None or domain.read_code(found) == found


async def test_of_ten_who_spend_the_last_of_a_card_three_can(database: Database) -> None:
    made, _ = await issued(database, 1000)
    answers = await asyncio.gather(*(spend(database, made.id, 300) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(one, Account) for one in answers) == 3
    assert sum(isinstance(one, BalanceTooLow) for one in answers) == 7
    async with database.read() as reader:
        entries = await api.account_entries(reader, made.id)
    assert [one.balance for one in entries] == [1000, 700, 400, 100]


async def test_the_database_knows_no_balance_below_nothing(database: Database) -> None:
    made, _ = await issued(database, 10)
    with pytest.raises(psycopg.errors.CheckViolation):
        await do(
            database,
            lambda tx: tx.run(
                "INSERT INTO payments.account_entries (account_id, serial, kind, amount, balance, reference, at, actor) "
                "VALUES (%(id)s, 2, 'spent', -11, -1, '', now(), '')",
                {"id": made.id},
            ),
        )


async def test_what_is_refused_changes_nothing(database: Database) -> None:
    made, _ = await issued(database, 10)
    with pytest.raises(WrongCurrency):
        await spend(database, made.id, 1, Currency("USD"))
    with pytest.raises(BalanceTooLow) as refused:
        await spend(database, made.id, 11)
    assert refused.value.data == {"balance": 10, "asked": 11}
    with pytest.raises(UnknownAccount):
        await spend(database, AccountId(uuid7()), 1)
    with pytest.raises(Invalid):
        await issued(database, -1)
    async with database.read() as reader:
        assert (await api.get_account(reader, made.id)).balance == 10
        with pytest.raises(UnknownAccount):
            await api.account_by_code(reader, "nonsense")


async def test_time_takes_what_is_left(database: Database) -> None:
    async def expire(tx: Tx) -> int:
        tx.now += timedelta(days=2)
        return await api.expire_accounts(tx)

    async with database.transaction() as tx:
        draft = AccountDraft(kind=AccountKind.STORE_CREDIT, currency=EUR, amount=500, expires_at=tx.now + timedelta(days=1))
        made, _ = await api.issue(tx, draft)
    assert await do(database, api.expire_accounts) == 0
    assert await do(database, expire) == 1
    assert await do(database, expire) == 0

    async def late(tx: Tx) -> Account:
        tx.now += timedelta(days=2)
        return await api.spend(tx, made.id, 1, EUR, order_id=uuid7(), payment_id=uuid7())

    with pytest.raises(AccountExpired):
        await do(database, late)
    async with database.read() as reader:
        kinds = [one.kind for one in await api.account_entries(reader, made.id)]
    assert kinds == [AccountEntryKind.ISSUED, AccountEntryKind.EXPIRED]
    assert (await do(database, lambda tx: api.adjust_account(tx, made.id, 5, "goodwill"))).balance == 5


async def test_the_doctor_sees_who_wrote_past_the_ledger(database: Database) -> None:
    made, _ = await issued(database, 10)
    async with database.transaction(snapshot=True) as tx:
        report = await api.audit(tx)
    assert (report.clean, report.accounts) == (True, 1)
    await do(database, lambda tx: tx.run("UPDATE payments.account_entries SET balance = 11"))
    async with database.transaction(snapshot=True) as tx:
        assert (await api.audit(tx)).findings == (Finding(FindingKind.BALANCE, made.id, 11, 10),)
