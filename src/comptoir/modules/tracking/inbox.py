"""What carriers send: every message kept raw and once, then worked off in order.

Receiving costs one statement, whatever the message says, so that a storm of them is answered before any is thought about.
Working off takes three steps by whoever knows connectors (`surfaces.jobs.tracking`): `take`, reading them, `work_off`; all in
one transaction, since reading a message asks nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from comptoir.modules.tracking import moving
from comptoir.modules.tracking.contracts import AccountId, Delivery, Post, Understood, Waiting
from comptoir.modules.tracking.store import inbox as store
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.tracking import TrackingUpdate

MAX_BYTES = 1_000_000


def delivery(account_id: AccountId, body: bytes, event_id: str = "") -> Delivery:
    """A verified message. Its repetitions are known by the carrier's id, or by what it says where it has none."""
    dedup = f"id:{event_id}" if event_id else f"sha256:{hashlib.sha256(body).hexdigest()}"
    return Delivery(account_id, dedup[:200], body)


async def receive(tx: Tx, deliveries: Sequence[Delivery]) -> int:
    """Keeps what has not come before; gives how many."""
    return await store.insert(tx, deliveries)


async def senders(reader: Reader) -> list[AccountId]:
    """Whose messages wait."""
    return await store.senders(reader)


async def take(tx: Tx, account_ids: Sequence[AccountId], limit: int) -> list[Waiting]:
    """The oldest that wait, of these accounts; none while another worker has them."""
    return await store.take(tx, account_ids, limit)


async def work_off(tx: Tx, understood: Sequence[Understood]) -> int:
    """Does what the messages say, those of each account together; gives of how many parcels there was news."""
    by_account: dict[AccountId, list[TrackingUpdate]] = {}
    for one in understood:
        by_account.setdefault(one.account_id, []).extend(one.updates)
    news = 0
    for account_id in sorted(by_account):
        news += await moving.apply(tx, account_id, by_account[account_id])
    failed = [(one.seq, one.problem) for one in understood if one.problem]
    await store.finish(tx, [one.seq for one in understood if not one.problem], failed)
    return news


async def replay(tx: Tx, seqs: Sequence[int] | None = None, *, account_id: AccountId | None = None) -> int:
    """Messages that could not be read are tried again, those named or all, of one account or of all; gives how many."""
    return await store.replay(tx, seqs, account_id)


async def post(reader: Reader, account_ids: Sequence[AccountId]) -> dict[AccountId, Post]:
    """How the messages of these accounts stand."""
    return await store.post(reader, account_ids)


async def purge(tx: Tx, older_than: datetime, *, limit: int = 5_000) -> int:
    """Forgets what was worked off before an instant, at most `limit`; gives how many."""
    return await store.purge(tx, older_than, limit)
