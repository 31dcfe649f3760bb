"""The SQL of what carriers send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from comptoir.modules.tracking.contracts import AccountId, Delivery, Post, Waiting
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_INSERT = """
INSERT INTO tracking.inbox (account_id, dedup, body, state, received_at)
SELECT account_id, dedup, body, 'waiting', %(now)s
FROM unnest(%(accounts)s::uuid[], %(dedups)s::text[], %(bodies)s::bytea[]) WITH ORDINALITY AS d (account_id, dedup, body, n)
ORDER BY n
ON CONFLICT (account_id, dedup) DO NOTHING"""


async def insert(tx: Tx, deliveries: Sequence[Delivery]) -> int:
    return await tx.run(
        _INSERT,
        {
            "accounts": arrays.uuids([one.account_id for one in deliveries]),
            "dedups": arrays.texts([one.dedup for one in deliveries]),
            "bodies": arrays.byteas([one.body for one in deliveries]),
            "now": tx.now,
        },
    )


async def senders(reader: Reader) -> list[AccountId]:
    found = await reader.values("SELECT DISTINCT account_id FROM tracking.inbox WHERE state = 'waiting'")
    return [AccountId(value) for value in found]


async def take(tx: Tx, account_ids: Sequence[AccountId], limit: int) -> list[Waiting]:
    """The oldest that wait, for one worker at a time: what one parcel is said of is worked off in the order it came."""
    mine = await tx.value("SELECT pg_try_advisory_xact_lock(hashtextextended('tracking.inbox', 0))")
    if not mine:
        return []
    rows = await tx.rows(
        "SELECT seq, account_id, body, attempts FROM tracking.inbox "
        "WHERE state = 'waiting' AND account_id = ANY(%(accounts)s::uuid[]) ORDER BY seq LIMIT %(limit)s",
        {"limit": limit, "accounts": arrays.uuids(list(account_ids))},
    )
    return [Waiting(seq=row[0], account_id=AccountId(row[1]), body=row[2], attempts=row[3]) for row in rows]


async def finish(tx: Tx, done: Sequence[int], failed: Sequence[tuple[int, str]]) -> None:
    if done:
        await tx.run(
            "UPDATE tracking.inbox SET state = 'done', done_at = %(now)s, attempts = attempts + 1 "
            "WHERE seq = ANY(%(seqs)s::bigint[])",
            {"seqs": arrays.int8s(list(done)), "now": tx.now},
        )
    for seq, problem in failed:
        await tx.run(
            "UPDATE tracking.inbox SET state = 'failed', done_at = %(now)s, attempts = attempts + 1, problem = %(problem)s "
            "WHERE seq = %(seq)s",
            {"seq": seq, "problem": problem[:500], "now": tx.now},
        )


async def replay(tx: Tx, seqs: Sequence[int] | None, account_id: AccountId | None = None) -> int:
    return await tx.run(
        "UPDATE tracking.inbox SET state = 'waiting', problem = '' WHERE state = 'failed' "
        "AND (%(all)s OR seq = ANY(%(seqs)s::bigint[])) "
        "AND (%(account)s::uuid IS NULL OR account_id = %(account)s)",
        {"all": seqs is None, "seqs": arrays.int8s(list(seqs or ())), "account": account_id},
    )


_POST = """
SELECT a.id, w.count, f.count, r.received_at, coalesce(f.problem, '')
FROM tracking.accounts a
LEFT JOIN LATERAL (SELECT count(*) FROM tracking.inbox i WHERE i.state = 'waiting' AND i.account_id = a.id) w ON true
LEFT JOIN LATERAL (SELECT count(*), (array_agg(i.problem ORDER BY i.seq DESC))[1] AS problem
  FROM tracking.inbox i WHERE i.state = 'failed' AND i.account_id = a.id) f ON true
LEFT JOIN LATERAL (SELECT i.received_at FROM tracking.inbox i WHERE i.account_id = a.id
  ORDER BY i.received_at DESC LIMIT 1) r ON true
WHERE a.id = ANY(%(accounts)s::uuid[])"""


async def post(reader: Reader, account_ids: Sequence[AccountId]) -> dict[AccountId, Post]:
    rows = await reader.rows(_POST, {"accounts": arrays.uuids(list(account_ids))})
    return {AccountId(row[0]): Post(*row[1:]) for row in rows}


async def purge(tx: Tx, older_than: datetime, limit: int) -> int:
    return await tx.run(
        "DELETE FROM tracking.inbox WHERE seq = ANY(ARRAY("
        "SELECT seq FROM tracking.inbox WHERE state = 'done' AND received_at < %(older)s ORDER BY seq LIMIT %(limit)s))",
        {"older": older_than, "limit": limit},
    )
