"""All the SQL of notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.notices import branding
from comptoir.modules.notices.contracts import (
    Brand,
    Claimed,
    Medium,
    Notice,
    NoticeFilter,
    NoticeId,
    NoticeKind,
    NoticeState,
    Sender,
)
from comptoir.modules.notices.domain import NOTICE_STEPS, NoticeStep
from comptoir.modules.notices.occasions import Beside
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.events import Recorded
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_SENDER = "channel, name, email, reply_to, phone, media, active"

_PUT_SENDER = """
INSERT INTO notices.senders (channel, name, email, reply_to, phone, media, active)
VALUES (%(channel)s, %(name)s, %(email)s, %(reply_to)s, %(phone)s, %(media)s, %(active)s)
ON CONFLICT (channel) DO UPDATE SET name = excluded.name, email = excluded.email, reply_to = excluded.reply_to,
  phone = excluded.phone, media = excluded.media, active = excluded.active"""

_INSERT = """
INSERT INTO notices.outbox (id, order_id, channel, kind, medium, about, locale, zone, sealed, state, created_at, next_at)
VALUES (%(id)s, %(order_id)s, %(channel)s, %(kind)s, %(medium)s, %(about)s, %(locale)s, %(zone)s, %(sealed)s, 'pending',
  %(now)s, %(next_at)s)
ON CONFLICT (about, kind, medium) DO NOTHING"""

_CLAIM = """
UPDATE notices.outbox o SET next_at = %(lease)s
WHERE o.id = ANY(ARRAY(
  SELECT id FROM notices.outbox WHERE state = 'pending' AND next_at <= %(now)s
  ORDER BY next_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))
RETURNING id, order_id, channel, kind, medium, locale, zone, attempts, next_at, sealed"""

_RECORD = """
UPDATE notices.outbox SET state = %(state)s, attempts = attempts + 1, problem = %(problem)s, next_at = %(next_at)s,
  sent_at = CASE WHEN %(state)s = 'sent' THEN %(now)s ELSE sent_at END,
  sealed = CASE WHEN %(state)s = 'sent' THEN NULL ELSE sealed END
WHERE id = %(id)s AND state = 'pending' AND next_at = %(lease)s"""


def _sender(row: TupleRow) -> Sender:
    channel, name, email, reply_to, phone, media, active = row
    return Sender(
        channel=channel,
        name=name,
        email=email,
        reply_to=reply_to,
        phone=phone,
        media=tuple(Medium(medium) for medium in media),
        active=active,
    )


async def put_sender(tx: Tx, sender: Sender) -> None:
    await tx.run(
        _PUT_SENDER,
        {
            "channel": sender.channel,
            "name": sender.name,
            "email": sender.email,
            "reply_to": sender.reply_to,
            "phone": sender.phone,
            "media": [medium.value for medium in sender.media],
            "active": sender.active,
        },
    )


async def senders(reader: Reader) -> dict[str, Sender]:
    rows = await reader.rows(f"SELECT {_SENDER} FROM notices.senders ORDER BY channel")
    return {row[0]: _sender(row) for row in rows}


async def insert(tx: Tx, rows: Sequence[dict[str, object]]) -> None:
    await tx.many(_INSERT, [row | {"id": uuid7(), "now": tx.now} for row in rows])


async def claim(tx: Tx, limit: int, lease: datetime) -> list[Claimed]:
    rows = await tx.rows(_CLAIM, {"limit": limit, "lease": lease, "now": tx.now})
    known = await senders(tx) if rows else {}
    looks: Mapping[str, Brand] = await branding.brands(tx, sorted({row[2] for row in rows})) if rows else {}
    return [
        Claimed(
            id=NoticeId(row[0]),
            order_id=OrderId(row[1]),
            channel=row[2],
            kind=NoticeKind(row[3]),
            medium=Medium(row[4]),
            locale=row[5],
            zone=row[6],
            attempts=row[7],
            lease=row[8],
            sender=known.get(row[2]),
            sealed=row[9],
            brand=looks[row[2]],
        )
        for row in rows
    ]


async def record(tx: Tx, claimed: Claimed, state: NoticeState, next_at: datetime | None, problem: str) -> bool:
    """Whether it was still ours."""
    row = {
        "id": claimed.id,
        "lease": claimed.lease,
        "state": state.value,
        "next_at": next_at,
        "problem": problem[:300],
        "now": tx.now,
    }
    return await tx.run(_RECORD, row) == 1


async def put_off(tx: Tx, claimed: Claimed, until: datetime) -> None:
    await tx.run(
        "UPDATE notices.outbox SET next_at = %(until)s WHERE id = %(id)s AND state = 'pending' AND next_at = %(lease)s",
        {"id": claimed.id, "lease": claimed.lease, "until": until},
    )


async def retry(tx: Tx, notice_id: NoticeId) -> bool:
    return bool(
        await tx.run(
            "UPDATE notices.outbox SET state = %(state)s, attempts = 0, next_at = %(now)s "
            "WHERE id = %(id)s AND state = 'failed' AND sealed IS NOT NULL",
            {"id": notice_id, "now": tx.now, "state": NOTICE_STEPS[NoticeState.FAILED, NoticeStep.RETRY].value},
        )
    )


async def purge(tx: Tx, older_than: datetime, limit: int) -> int:
    """What failed is forgotten as well, with the address that it was for."""
    return await tx.run(
        "UPDATE notices.outbox SET sealed = NULL WHERE id = ANY(ARRAY(SELECT id FROM notices.outbox "
        "WHERE state = 'failed' AND sealed IS NOT NULL AND created_at < %(older)s LIMIT %(limit)s))",
        {"older": older_than, "limit": limit},
    )


_NOTICE = "id, order_id, channel, kind, medium, locale, state, attempts, problem, created_at, next_at, sent_at"


def _notice(row: TupleRow) -> Notice:
    key, order_id, channel, kind, medium, locale, state, attempts, problem, created_at, next_at, sent_at = row
    return Notice(
        id=NoticeId(key),
        order_id=OrderId(order_id),
        channel=channel,
        kind=NoticeKind(kind),
        medium=Medium(medium),
        locale=locale,
        state=NoticeState(state),
        attempts=attempts,
        problem=problem,
        created_at=created_at,
        next_at=next_at,
        sent_at=sent_at,
    )


NOTICES = Listing(
    _NOTICE,
    "notices.outbox",
    _notice,
    sorts(("created", [Key("created_at", KeyKind.INSTANT), Key("id", KeyKind.ID)])),
)


def where(wanted: NoticeFilter) -> Where:
    found = Where()
    found.equal("order_id", wanted.order_id)
    found.equal("state", wanted.state)
    found.equal("channel", wanted.channel or None)
    found.equal("kind", wanted.kind)
    found.equal("medium", wanted.medium)
    if wanted.created_from is not None:
        found.add("created_at >= %(created_from)s", created_from=wanted.created_from)
    if wanted.created_before is not None:
        found.add("created_at < %(created_before)s", created_before=wanted.created_before)
    return found


async def waiting(reader: Reader) -> dict[NoticeState, int]:
    rows = await reader.rows(
        "SELECT state, count(*) FROM notices.outbox WHERE state IN ('pending', 'failed') AND sealed IS NOT NULL GROUP BY state"
    )
    return {NoticeState(row[0]): row[1] for row in rows}


_BESIDE = """
SELECT e.tx::text::bigint, e.subject, e.type, e.data FROM runtime.events e
WHERE e.tx = ANY(%(txs)s::text[]::xid8[]) AND e.subject = ANY(%(orders)s) AND e.type = ANY(%(types)s)
ORDER BY e.tx, e.seq"""


async def beside(reader: Reader, events: Sequence[Recorded], types: Sequence[str]) -> dict[tuple[int, UUID], Beside]:
    """What the transactions of these events did beside to the same orders, by transaction and order."""
    if not events:
        return {}
    subjects = {event.subject for event in events if event.subject is not None}
    rows = await reader.rows(
        _BESIDE,
        {"txs": sorted({str(event.tx) for event in events}), "orders": sorted(subjects), "types": list(types)},
    )
    found: dict[tuple[int, UUID], list[tuple[str, Mapping[str, object]]]] = {}
    for tx, subject, type_, data in rows:
        found.setdefault((tx, subject), []).append((type_, data))
    return dict(found.items())


async def current_tx(tx: Tx) -> int:
    """As the events that it causes will name it."""
    return int(str(await tx.value("SELECT pg_current_xact_id()::text")))


async def known(reader: Reader, abouts: Sequence[str]) -> set[tuple[str, str]]:
    """(about, kind) of what is in the outbox already."""
    rows = await reader.rows(
        "SELECT about, kind FROM notices.outbox WHERE about = ANY(%(abouts)s::text[])", {"abouts": list(abouts)}
    )
    return {(row[0], row[1]) for row in rows}
