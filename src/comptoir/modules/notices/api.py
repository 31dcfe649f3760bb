"""The door to notices.

A notice is put into the outbox in the consumer's transaction, and sent in three steps by whoever runs `surfaces.jobs.notices`:
`claim` (a transaction), the sending (none), `settle` (a transaction). It goes out at least once, with the same message id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from comptoir.kernel.checking import Checks
from comptoir.modules.notices import store
from comptoir.modules.notices.branding import brand, brands, colour, logo, own_brand, own_brands, put_brand, readable, shades
from comptoir.modules.notices.collections import address_of, opening
from comptoir.modules.notices.consents import addresses_of, answer_of, history, latest, say, standing, still_wanted, wanted
from comptoir.modules.notices.contracts import (
    Claimed,
    Content,
    Letter,
    Medium,
    Notice,
    NoticeFailed,
    NoticeFilter,
    NoticeId,
    NoticeSent,
    NoticeState,
    Result,
    Sender,
)
from comptoir.modules.notices.domain import LEASE, NOTICE_STEPS, email_address, language_of, next_try, quiet_until, step_after
from comptoir.modules.notices.errors import UnknownNotice
from comptoir.modules.notices.forgetting import forget_buyers
from comptoir.modules.notices.house import from_gateway, house, put_gateway, put_quiet_hours, remove_gateway, signed
from comptoir.modules.notices.subscribers import PURPOSE, consumers, reaches, sealed, tell_credit, write
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Count, Page

__all__ = [
    "address_of",
    "addresses_of",
    "answer_of",
    "brand",
    "brands",
    "colour",
    "consumers",
    "forget_buyers",
    "from_gateway",
    "history",
    "house",
    "language_of",
    "latest",
    "logo",
    "opening",
    "own_brand",
    "own_brands",
    "put_brand",
    "put_gateway",
    "put_quiet_hours",
    "quiet_until",
    "reaches",
    "readable",
    "remove_gateway",
    "say",
    "sealed",
    "shades",
    "signed",
    "standing",
    "still_wanted",
    "tell_credit",
    "wanted",
    "write",
]


async def put_sender(tx: Tx, sender: Sender) -> None:
    """In whose name a channel writes; the same again replaces it. Raises Invalid."""
    checks = Checks()
    checks.require("name", bool(sender.name.strip()) and sender.name.isprintable(), "is needed, on one line")
    if Medium.EMAIL in sender.media:
        checks.parsed("email", email_address, sender.email, "")
    if sender.reply_to:
        checks.parsed("reply_to", email_address, sender.reply_to, "")
    if set(sender.media) - {Medium.EMAIL}:
        checks.require("phone", bool(sender.phone.strip()), "is needed for messages to telephones")
    checks.done()
    await store.put_sender(tx, sender)


async def senders(reader: Reader) -> dict[str, Sender]:
    """By the channel's code."""
    return await store.senders(reader)


async def claim(tx: Tx, limit: int) -> list[Claimed]:
    """Notices that are due; they are ours for some minutes. Others that claim at the same time get others."""
    return await store.claim(tx, limit, tx.now + LEASE)


def opened(claimed: Claimed, keyring: Keyring) -> Letter:
    """To whom it goes and what it says. Raises Undecipherable."""
    to, content = msgspec.json.decode(keyring.decrypt(claimed.sealed, PURPOSE), type=tuple[str, Content])
    return Letter(to, content)


async def put_off(tx: Tx, claimed: Claimed, until: datetime) -> None:
    """It has become night meanwhile; this is no attempt."""
    await store.put_off(tx, claimed, until)


async def settle(tx: Tx, claimed: Claimed, result: Result, *, jitter: float) -> NoticeState | None:
    """Writes down what came of an attempt; None when the lease was lost, and with it the say."""
    next_at = next_try(result, claimed.attempts + 1, tx.now, jitter)
    state = NOTICE_STEPS[NoticeState.PENDING, step_after(result, next_at)]
    if not await store.record(tx, claimed, state, next_at, result.problem):
        return None
    about: dict[str, Any] = {"order_id": claimed.order_id, "notice_id": claimed.id}
    if state is NoticeState.SENT:
        tx.emit(NoticeSent(kind=claimed.kind.value, medium=claimed.medium.value, **about))
    elif state is NoticeState.FAILED:
        tx.emit(NoticeFailed(kind=claimed.kind.value, medium=claimed.medium.value, problem=result.problem[:300], **about))
    return state


async def find(
    reader: Reader, wanted: NoticeFilter, *, sort: str = "-created", limit: int = 50, cursor: str | None = None
) -> Page[Notice]:
    """Sorts: created and -created."""
    return await store.NOTICES.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: NoticeFilter) -> Count:
    return await store.NOTICES.count(reader, store.where(wanted))


async def stream(reader: Reader, wanted: NoticeFilter, *, sort: str = "-created") -> AsyncIterator[Notice]:
    """Every one of them, in order, for exports."""
    async for notice in store.NOTICES.stream(reader, store.where(wanted), sort=sort):
        yield notice


async def counts(reader: Reader) -> dict[NoticeState, int]:
    """How many are still to go out, and how many have failed that may be tried again."""
    return await store.waiting(reader)


async def retry(tx: Tx, notice_id: NoticeId) -> None:
    """Sends one again that failed, with all the tries before it. Raises UnknownNotice, also when its address is forgotten."""
    if not await store.retry(tx, notice_id):
        raise UnknownNotice(kind="notice", id=notice_id)


async def forget(tx: Tx, older_than: datetime, *, limit: int = 5_000) -> int:
    """Forgets the addresses of notices that failed before an instant, at most `limit`; gives how many."""
    return await store.purge(tx, older_than, limit)
