"""The SQL of accounts with carriers."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.tracking.contracts import Account, AccountDraft, AccountId
from comptoir.runtime.database import Reader, Tx

_COLUMNS = "id, connector, name, carriers, active, test, problem, problem_at, answered_at, version, created_at"

_INSERT_ONCE = """
INSERT INTO tracking.accounts (id, connector, name, carriers, credentials, active, test, created_at)
VALUES (%(id)s, %(connector)s, %(name)s, %(carriers)s, %(credentials)s, %(active)s, %(test)s, %(now)s)
ON CONFLICT (id) DO NOTHING"""

_INSERT = f"""
INSERT INTO tracking.accounts (id, connector, name, carriers, credentials, active, test, created_at)
VALUES (%(id)s, %(connector)s, %(name)s, %(carriers)s, %(credentials)s, %(active)s, %(test)s, %(now)s)
RETURNING {_COLUMNS}"""

_UPDATE = f"""
UPDATE tracking.accounts SET name = %(name)s, carriers = %(carriers)s, active = %(active)s, test = %(test)s,
  credentials = coalesce(%(credentials)s, credentials), problem = '', version = version + 1
WHERE id = %(id)s AND (%(version)s::int IS NULL OR version = %(version)s)
RETURNING {_COLUMNS}"""


def _account(row: TupleRow) -> Account:
    return Account(
        id=AccountId(row[0]),
        connector=row[1],
        name=row[2],
        carriers=tuple(row[3]),
        active=row[4],
        test=row[5],
        problem=row[6],
        problem_at=row[7],
        answered_at=row[8],
        version=row[9],
        created_at=row[10],
    )


def _draft(draft: AccountDraft) -> dict[str, object]:
    return {"name": draft.name, "carriers": list(draft.carriers), "active": draft.active, "test": draft.test}


async def insert(tx: Tx, draft: AccountDraft, credentials: bytes) -> Account:
    own = {"id": uuid7(), "connector": draft.connector, "credentials": credentials, "now": tx.now}
    row = await tx.row(_INSERT, _draft(draft) | own)
    assert row is not None
    return _account(row)


async def insert_once(tx: Tx, account_id: AccountId, draft: AccountDraft, credentials: bytes) -> None:
    """What is there already is left alone."""
    own = {"id": account_id, "connector": draft.connector, "credentials": credentials, "now": tx.now}
    await tx.run(_INSERT_ONCE, _draft(draft) | own)


async def update(
    tx: Tx, account_id: AccountId, draft: AccountDraft, credentials: bytes | None, version: int | None
) -> Account | None:
    own = {"id": account_id, "credentials": credentials, "version": version}
    row = await tx.row(_UPDATE, _draft(draft) | own)
    return None if row is None else _account(row)


async def get(reader: Reader, account_id: AccountId) -> Account | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM tracking.accounts WHERE id = %(id)s", {"id": account_id})
    return None if row is None else _account(row)


async def everything(reader: Reader) -> list[Account]:
    rows = await reader.rows(f"SELECT {_COLUMNS} FROM tracking.accounts ORDER BY name, id")
    return [_account(row) for row in rows]


async def credentials(reader: Reader, account_id: AccountId) -> bytes | None:
    return await reader.value("SELECT credentials FROM tracking.accounts WHERE id = %(id)s", {"id": account_id})


async def all_credentials(tx: Tx) -> Sequence[tuple[AccountId, bytes]]:
    rows = await tx.rows("SELECT id, credentials FROM tracking.accounts ORDER BY id FOR UPDATE")
    return [(AccountId(row[0]), row[1]) for row in rows]


async def set_credentials(tx: Tx, account_id: AccountId, sealed: bytes) -> None:
    await tx.run(
        "UPDATE tracking.accounts SET credentials = %(sealed)s WHERE id = %(id)s", {"id": account_id, "sealed": sealed}
    )


async def set_problem(tx: Tx, account_id: AccountId, problem: str) -> None:
    await tx.run(
        "UPDATE tracking.accounts SET problem = %(problem)s, problem_at = %(now)s WHERE id = %(id)s",
        {"id": account_id, "problem": problem[:500], "now": tx.now},
    )


async def set_answered(tx: Tx, account_id: AccountId) -> None:
    """Once a minute at the most: many labels that are bought at once do not wait for each other."""
    await tx.run(
        "UPDATE tracking.accounts SET problem = '', answered_at = %(now)s WHERE id = %(id)s "
        "AND (problem <> '' OR answered_at IS NULL OR answered_at < %(now)s::timestamptz - interval '1 minute')",
        {"id": account_id, "now": tx.now},
    )
