"""The SQL of parcels that come back to us with a label of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import TupleRow

from comptoir.modules.tracking.contracts import AccountId, Coming, Poll, PurchasedLabel, TrackedId
from comptoir.modules.tracking.store.parcels import SCAN_COLUMNS, scan_of
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.tracking import Scan, TrackingStatus

_COLUMNS = "id, order_id, account_id, tracking_number, tracking_url, carrier, service, status, since, last_at, begun_at"


def _coming(row: TupleRow) -> Coming:
    key, order_id, account_id, number, url, carrier, service, status, since, last_at, begun_at = row
    return Coming(key, order_id, account_id, number, url, carrier, service, TrackingStatus(status), since, last_at, begun_at)


async def begin(tx: Tx, label: PurchasedLabel) -> None:
    """A parcel with this label is awaited; of another label before nothing more is."""
    await tx.run(
        "INSERT INTO tracking.coming (id, order_id, account_id, tracking_number, tracking_url, carrier, service, status, "
        "begun_at, next_poll_at) VALUES (%(id)s, %(order)s, %(account)s, %(number)s, %(url)s, %(carrier)s, %(service)s, "
        "'unknown', %(now)s, %(next)s) "
        "ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, carrier = excluded.carrier, "
        "tracking_number = excluded.tracking_number, tracking_url = excluded.tracking_url, service = excluded.service, "
        "status = 'unknown', since = NULL, last_at = NULL, begun_at = excluded.begun_at, next_poll_at = excluded.next_poll_at "
        "WHERE tracking.coming.tracking_number <> excluded.tracking_number",
        {
            "id": label.subject_id,
            "order": label.order_id,
            "account": label.account_id,
            "number": label.tracking_number,
            "url": label.tracking_url,
            "carrier": label.carrier,
            "service": label.service,
            "now": tx.now,
            "next": tx.now + timedelta(hours=12),
        },
    )


async def get(reader: Reader, subject_id: UUID) -> Coming | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM tracking.coming WHERE id = %(id)s", {"id": subject_id})
    return None if row is None else _coming(row)


async def lock_by_number(tx: Tx, account_id: AccountId, numbers: Sequence[str]) -> list[Coming]:
    rows = await tx.rows(
        f"SELECT {_COLUMNS} FROM tracking.coming WHERE account_id = %(account)s AND tracking_number = ANY(%(numbers)s::text[]) "
        "AND tracking_number <> '' ORDER BY id FOR UPDATE",
        {"account": account_id, "numbers": arrays.texts(list(numbers))},
    )
    return [_coming(row) for row in rows]


async def scans_of(reader: Reader, parcels: Sequence[Coming]) -> Mapping[UUID, list[Scan]]:
    """What was scanned of each since its label was bought."""
    found: dict[UUID, list[Scan]] = {one.id: [] for one in parcels}
    rows = await reader.rows(
        f"SELECT c.id, {', '.join(f's.{name}' for name in SCAN_COLUMNS)} FROM tracking.coming c JOIN tracking.scans s "
        "ON s.account_id = c.account_id AND s.tracking_number = c.tracking_number AND s.at >= c.begun_at - interval '1 day' "
        "WHERE c.id = ANY(%(ids)s::uuid[]) ORDER BY s.at, s.digest",
        {"ids": arrays.uuids([one.id for one in parcels])},
    )
    for row in rows:
        found[row[0]].append(scan_of(row[1:]))
    return found


async def put(
    tx: Tx, subject_id: UUID, status: TrackingStatus, since: datetime | None, last_at: datetime | None, *, ended: bool
) -> None:
    await tx.run(
        "UPDATE tracking.coming SET status = %(status)s, since = %(since)s, last_at = %(last)s, "
        "next_poll_at = CASE WHEN %(ended)s THEN NULL ELSE next_poll_at END WHERE id = %(id)s",
        {"id": subject_id, "status": status.value, "since": since, "last": last_at, "ended": ended},
    )


async def due(tx: Tx, until: datetime, since: datetime, limit: int) -> list[Poll]:
    """Parcels to ask about, put off until then; after so long without an end nobody asks any more."""
    rows = await tx.rows(
        "UPDATE tracking.coming SET next_poll_at = CASE WHEN begun_at < %(since)s THEN NULL ELSE %(until)s::timestamptz END "
        "WHERE id = ANY(ARRAY(SELECT c.id FROM tracking.coming c JOIN tracking.accounts a ON a.id = c.account_id "
        "WHERE c.next_poll_at <= %(now)s AND a.active AND c.tracking_number <> '' "
        "ORDER BY c.next_poll_at LIMIT %(limit)s FOR UPDATE OF c SKIP LOCKED)) "
        "RETURNING id, account_id, tracking_number, service",
        {"now": tx.now, "until": until, "since": since, "limit": limit},
    )
    return [
        Poll(tracked_id=TrackedId(row[0]), account_id=AccountId(row[1]), tracking_number=row[2], service=row[3]) for row in rows
    ]


async def forget(tx: Tx, ids: Sequence[UUID]) -> None:
    """Nobody is asked about these any more."""
    await tx.run(
        "UPDATE tracking.coming SET next_poll_at = NULL WHERE id = ANY(%(ids)s::uuid[])", {"ids": arrays.uuids(list(ids))}
    )
