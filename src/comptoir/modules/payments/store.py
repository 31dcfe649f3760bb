"""All SQL of the payment ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from psycopg.rows import TupleRow

from comptoir.kernel.money import Currency
from comptoir.modules.payments.contracts import (
    Account,
    AccountEntry,
    AccountEntryKind,
    AccountId,
    AccountKind,
    Balance,
    Entry,
    EntryKind,
    Finding,
    FindingKind,
    Grant,
    GrantFilter,
    GrantId,
    GrantState,
    Taking,
    TakingsFilter,
    TakingsTotal,
    ToPayOut,
)
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts, storable

_INSERT = """
INSERT INTO payments.entries (id, order_id, kind, method, amount, currency, reference, at, actor, channel_code, location_id)
SELECT id, order_id, kind, method, amount, currency, reference, at, %(actor)s, channel_code, location_id
FROM unnest(%(ids)s::uuid[], %(orders)s::uuid[], %(kinds)s::text[], %(methods)s::text[], %(amounts)s::bigint[],
  %(currencies)s::text[], %(references)s::text[], %(at)s::timestamptz[],
  %(channels)s::text[], %(locations)s::uuid[])
  AS e (id, order_id, kind, method, amount, currency, reference, at, channel_code, location_id)
ON CONFLICT (order_id, kind, method, reference) WHERE reference <> '' DO NOTHING
RETURNING id
"""

_OF_ORDERS = """
SELECT id, order_id, kind, method, amount, currency, reference, at, channel_code, location_id
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
        "channels": arrays.texts([e.channel_code for e in entries]),
        "locations": arrays.optional_uuids([e.location_id for e in entries]),
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


_GRANT = (
    "g.id, g.order_id, g.amount, g.executed, g.currency, g.reason, g.about, g.about_id, g.granted_at, g.actor, "
    "g.withdrawn_at, g.withdrawn_by"
)
_GRANTS = f"SELECT {_GRANT} FROM payments.grants g WHERE g.order_id = %(order)s ORDER BY g.granted_at, g.id"

_OPEN = "g.withdrawn_at IS NULL AND g.executed < g.amount"
_STATES = {
    GrantState.PENDING: f"({_OPEN} AND g.executed = 0)",
    GrantState.PARTLY: f"({_OPEN} AND g.executed > 0)",
    GrantState.EXECUTED: "(g.withdrawn_at IS NULL AND g.executed >= g.amount)",
    GrantState.WITHDRAWN: "g.withdrawn_at IS NOT NULL",
}
_PAID_BY = """EXISTS (SELECT FROM payments.entries e
  WHERE e.order_id = g.order_id AND e.kind = 'captured' AND lower(e.method) = ANY(%(methods)s::text[]))"""
_PAID_THROUGH = """EXISTS (SELECT FROM payments.entries e
  WHERE e.order_id = g.order_id AND e.kind = 'captured' AND e.channel_code = ANY(%(channels)s::text[]))"""
_MOVED_AT = """EXISTS (SELECT FROM payments.entries e
  WHERE e.order_id = g.order_id AND e.location_id = %(location)s)"""

_TO_PAY = f"""
SELECT g.currency, count(*)::int, sum(g.amount - g.executed)::bigint, min(g.granted_at)
FROM payments.grants g WHERE {_OPEN} GROUP BY g.currency ORDER BY g.currency
"""
_METHODS = f"""
SELECT DISTINCT lower(e.method) FROM payments.grants g JOIN payments.entries e ON e.order_id = g.order_id
WHERE {_OPEN} AND e.kind = 'captured' ORDER BY 1
"""

_INSERT_GRANT = """
INSERT INTO payments.grants (id, order_id, amount, currency, reason, about, about_id, granted_at, actor)
VALUES (%(id)s, %(order)s, %(amount)s, %(currency)s, %(reason)s, %(about)s, %(about_id)s, %(at)s, %(actor)s)
"""

_INSERT_EXECUTIONS = """
WITH e AS (
  SELECT * FROM unnest(%(grants)s::uuid[], %(amounts)s::bigint[]) AS e (grant_id, amount)
), written AS (
  INSERT INTO payments.executions (grant_id, payment_id, amount) SELECT grant_id, %(payment)s, amount FROM e
)
UPDATE payments.grants g SET executed = g.executed + e.amount FROM e WHERE g.id = e.grant_id
"""

_WITHDRAW = "UPDATE payments.grants SET withdrawn_at = %(at)s, withdrawn_by = %(actor)s WHERE id = %(id)s"


async def grants_of(reader: Reader, order_id: UUID) -> list[Grant]:
    return await reader.all(Grant, _GRANTS, {"order": order_id})


def _grant(row: TupleRow) -> Grant:
    key, order_id, amount, executed, currency, *rest = row
    return Grant(GrantId(key), order_id, amount, executed, Currency(currency), *rest)


GRANTS = Listing(
    _GRANT, "payments.grants g", _grant, sorts(("granted", [Key("g.granted_at", KeyKind.INSTANT), Key("g.id", KeyKind.ID)]))
)


def where_grants(wanted: GrantFilter) -> Where:
    where = Where()
    if wanted.states and set(wanted.states) <= {GrantState.PENDING, GrantState.PARTLY}:
        where.add(_OPEN)  # in the words of the index of what is open
    if wanted.states:
        where.add(f"({' OR '.join(_STATES[state] for state in wanted.states)})")
    if wanted.methods:
        where.add(_PAID_BY, methods=arrays.texts([method.lower() for method in wanted.methods]))
    if wanted.granted_before is not None:
        where.add("g.granted_at < %(granted_before)s", granted_before=wanted.granted_before)
    if wanted.channels:
        where.add(_PAID_THROUGH, channels=arrays.texts(wanted.channels))
    if wanted.location_id is not None:
        where.add(_MOVED_AT, location=wanted.location_id)
    where.equal("g.currency", wanted.currency)
    where.equal("g.order_id", wanted.order_id)
    return where


_TAKEN = "t.day, t.method, t.channel_code, t.location_id, t.currency, t.captured, t.refunded, t.movements"

# The conditions on what it is grouped by stand outside: PostgreSQL moves them in.
_TAKINGS = """(
  SELECT to_char(e.at AT TIME ZONE %(zone)s, 'YYYY-MM-DD') AS day, e.method, e.channel_code, e.location_id, e.currency,
    coalesce(sum(e.amount) FILTER (WHERE e.kind = 'captured'), 0)::bigint AS captured,
    coalesce(sum(e.amount) FILTER (WHERE e.kind = 'refunded'), 0)::bigint AS refunded,
    count(*)::int AS movements
  FROM payments.entries e
  WHERE e.kind IN ('captured', 'refunded') AND e.at >= %(since)s AND e.at < %(until)s
  GROUP BY 1, 2, 3, 4, 5
) t"""


def _taking(row: TupleRow) -> Taking:
    day, method, channel, location_id, currency, *sums = row
    return Taking(date.fromisoformat(day), method, channel, location_id, Currency(currency), *sums)


TAKINGS = Listing(
    _TAKEN,
    _TAKINGS,
    _taking,
    sorts(
        (
            "day",
            [
                Key("t.day", KeyKind.TEXT),
                Key("t.channel_code", KeyKind.TEXT),
                Key("coalesce(t.location_id, '00000000-0000-0000-0000-000000000000')", KeyKind.ID),
                Key("t.method", KeyKind.TEXT),
                Key("t.currency", KeyKind.TEXT),
            ],
        )
    ),
)


def where_takings(wanted: TakingsFilter) -> Where:
    where = Where(params={"zone": wanted.zone, "since": wanted.since, "until": wanted.until})
    if wanted.channels:
        where.add("t.channel_code = ANY(%(channels)s::text[])", channels=arrays.texts(wanted.channels))
    if wanted.method:
        where.add("strpos(lower(t.method), lower(%(method)s)) > 0", method=storable(wanted.method))
    if wanted.locations:
        where.add("t.location_id = ANY(%(locations)s::uuid[])", locations=arrays.uuids(sorted(wanted.locations)))
    return where


async def takings_totals(reader: Reader, wanted: TakingsFilter) -> list[TakingsTotal]:
    """By currency."""
    where = where_takings(wanted)
    statement = (
        "SELECT t.currency, sum(t.captured)::bigint, sum(t.refunded)::bigint, sum(t.movements)::int "
        f"FROM {_TAKINGS} {where.sql} GROUP BY t.currency ORDER BY t.currency"
    )
    return [TakingsTotal(Currency(row[0]), *row[1:]) for row in await reader.rows(statement, where.params)]


async def to_pay(reader: Reader) -> list[ToPayOut]:
    """By currency."""
    return [ToPayOut(Currency(row[0]), *row[1:]) for row in await reader.rows(_TO_PAY)]


async def methods_to_pay(reader: Reader) -> list[str]:
    """With what the orders were paid of which something is to be paid out."""
    return await reader.values(_METHODS)


async def with_grants(reader: Reader, orders: Sequence[UUID]) -> set[UUID]:
    """Those of these orders for which a refund was ever granted."""
    statement = "SELECT DISTINCT order_id FROM payments.grants WHERE order_id = ANY(%(orders)s::uuid[])"
    return set(await reader.values(statement, {"orders": arrays.uuids(orders)}))


async def insert_grant(tx: Tx, grant: Grant) -> None:
    await tx.run(
        _INSERT_GRANT,
        {
            "id": grant.id,
            "order": grant.order_id,
            "amount": grant.amount,
            "currency": grant.currency,
            "reason": grant.reason,
            "about": grant.about,
            "about_id": grant.about_id,
            "at": grant.granted_at,
            "actor": grant.actor,
        },
    )


async def insert_executions(tx: Tx, payment_id: UUID, parts: Sequence[tuple[GrantId, int]]) -> None:
    """How much of which grants a refund executes."""
    if parts:
        await tx.run(
            _INSERT_EXECUTIONS,
            {
                "payment": payment_id,
                "grants": arrays.uuids([grant_id for grant_id, _ in parts]),
                "amounts": arrays.int8s([amount for _, amount in parts]),
            },
        )


async def withdraw_grant(tx: Tx, grant_id: GrantId) -> None:
    await tx.run(_WITHDRAW, {"id": grant_id, "at": tx.now, "actor": tx.actor})


_ACCOUNT = """
SELECT a.id, a.kind, a.currency, a.last4, a.customer_id, a.expires_at, a.issued_at, a.actor, a.note, coalesce(
  (SELECT e.balance FROM payments.account_entries e WHERE e.account_id = a.id ORDER BY e.serial DESC LIMIT 1), 0)
FROM payments.accounts a"""

_INSERT_ACCOUNT = """
INSERT INTO payments.accounts (id, kind, currency, code_hash, last4, customer_id, expires_at, issued_at, actor, note)
VALUES (%(id)s, %(kind)s, %(currency)s, %(hash)s, %(last4)s, %(customer)s, %(expires_at)s, %(at)s, %(actor)s, %(note)s)
"""

_POST = """
INSERT INTO payments.account_entries (account_id, serial, kind, amount, balance, order_id, payment_id, reference, at, actor)
SELECT %(id)s, coalesce(max(l.serial), 0) + 1, %(kind)s, %(amount)s,
  coalesce((array_agg(l.balance ORDER BY l.serial DESC))[1], 0) + %(amount)s, %(order)s, %(payment)s, %(reference)s, %(at)s,
  %(actor)s
FROM (
  SELECT serial, balance FROM payments.account_entries WHERE account_id = %(id)s ORDER BY serial DESC LIMIT 1
) l
"""

_EXPIRED = """
SELECT a.id FROM payments.accounts a
WHERE a.expires_at <= %(now)s AND (
  SELECT e.balance FROM payments.account_entries e WHERE e.account_id = a.id ORDER BY e.serial DESC LIMIT 1) > 0
ORDER BY a.id LIMIT %(limit)s
"""


def _account(row: TupleRow) -> Account:
    return Account(AccountId(row[0]), AccountKind(row[1]), Currency(row[2]), *row[3:])


async def insert_account(tx: Tx, account: Account, code_hash: bytes) -> None:
    await tx.run(
        _INSERT_ACCOUNT,
        {
            "id": account.id,
            "kind": account.kind,
            "currency": account.currency,
            "hash": code_hash,
            "last4": account.last4,
            "customer": account.customer_id,
            "expires_at": account.expires_at,
            "at": account.issued_at,
            "actor": account.actor,
            "note": account.note,
        },
    )


async def lock_account(tx: Tx, account_id: AccountId) -> None:
    await tx.rows("SELECT id FROM payments.accounts WHERE id = %(id)s FOR UPDATE", {"id": account_id})


async def account(reader: Reader, account_id: AccountId) -> Account | None:
    row = await reader.row(f"{_ACCOUNT} WHERE a.id = %(id)s", {"id": account_id})
    return None if row is None else _account(row)


async def account_by_hash(reader: Reader, code_hash: bytes) -> Account | None:
    row = await reader.row(f"{_ACCOUNT} WHERE a.code_hash = %(hash)s", {"hash": code_hash})
    return None if row is None else _account(row)


async def accounts_of(reader: Reader, customer_id: UUID) -> list[Account]:
    rows = await reader.rows(f"{_ACCOUNT} WHERE a.customer_id = %(customer)s ORDER BY a.id", {"customer": customer_id})
    return [_account(row) for row in rows]


async def account_entries(reader: Reader, account_id: AccountId) -> list[AccountEntry]:
    rows = await reader.rows(
        "SELECT account_id, serial, kind, amount, balance, order_id, payment_id, reference, at, actor "
        "FROM payments.account_entries WHERE account_id = %(id)s ORDER BY serial",
        {"id": account_id},
    )
    return [AccountEntry(AccountId(row[0]), row[1], AccountEntryKind(row[2]), *row[3:]) for row in rows]


async def expired_accounts(tx: Tx, limit: int) -> list[AccountId]:
    return await tx.values(_EXPIRED, {"now": tx.now, "limit": limit})


async def post(
    tx: Tx,
    account_id: AccountId,
    kind: AccountEntryKind,
    amount: int,
    *,
    order_id: UUID | None,
    payment_id: UUID | None,
    reference: str,
) -> None:
    """One entry after the last one."""
    await tx.run(
        _POST,
        {
            "id": account_id,
            "kind": kind,
            "amount": amount,
            "order": order_id,
            "payment": payment_id,
            "reference": reference,
            "at": tx.now,
            "actor": tx.actor,
        },
    )


_BROKEN_BALANCES = """
SELECT account_id, balance, was + amount FROM (
  SELECT account_id, serial, amount, balance,
    coalesce(lag(balance) OVER (PARTITION BY account_id ORDER BY serial), 0) AS was
  FROM payments.account_entries
) e
WHERE balance <> was + amount ORDER BY account_id, serial LIMIT %(limit)s
"""

_OVERDONE_GRANTS = """
SELECT g.id, sum(e.amount)::bigint, g.amount FROM payments.grants g JOIN payments.executions e ON e.grant_id = g.id
GROUP BY g.id HAVING sum(e.amount) > g.amount ORDER BY g.id LIMIT %(limit)s
"""

_MISCOUNTED_GRANTS = """
SELECT g.id, g.executed, coalesce(sum(e.amount), 0)::bigint
FROM payments.grants g LEFT JOIN payments.executions e ON e.grant_id = g.id
GROUP BY g.id HAVING g.executed <> coalesce(sum(e.amount), 0) ORDER BY g.id LIMIT %(limit)s
"""

_OVERDONE_REFUNDS = """
SELECT p.id, sum(e.amount)::bigint, p.amount FROM payments.entries p JOIN payments.executions e ON e.payment_id = p.id
GROUP BY p.id HAVING sum(e.amount) > p.amount OR p.kind <> 'refunded' ORDER BY p.id LIMIT %(limit)s
"""


async def broken_balances(reader: Reader, limit: int) -> list[Finding]:
    rows = await reader.rows(_BROKEN_BALANCES, {"limit": limit})
    return [Finding(FindingKind.BALANCE, *row) for row in rows]


async def overdone_grants(reader: Reader, limit: int) -> list[Finding]:
    return [Finding(FindingKind.GRANT, *row) for row in await reader.rows(_OVERDONE_GRANTS, {"limit": limit})]


async def miscounted_grants(reader: Reader, limit: int) -> list[Finding]:
    return [Finding(FindingKind.EXECUTED, *row) for row in await reader.rows(_MISCOUNTED_GRANTS, {"limit": limit})]


async def overdone_refunds(reader: Reader, limit: int) -> list[Finding]:
    return [Finding(FindingKind.REFUND, *row) for row in await reader.rows(_OVERDONE_REFUNDS, {"limit": limit})]


async def counts(reader: Reader) -> tuple[int, int]:
    """How many refunds were granted, and how many accounts there are."""
    row = await reader.row("SELECT (SELECT count(*) FROM payments.grants), (SELECT count(*) FROM payments.accounts)")
    assert row is not None, "a count has a row"
    return row[0], row[1]
