"""All the SQL of webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.webhooks.contracts import (
    Attempt,
    Claimed,
    Delivery,
    DeliveryDetail,
    DeliveryFilter,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EndpointDraft,
    EndpointFigures,
    EndpointId,
)
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts, storable

_ENDPOINT = "id, url, types, description, active, created_at, failing_since, disabled_reason, version"

_INSERT_ENDPOINT = f"""
INSERT INTO webhooks.endpoints (id, url, description, secret, types, created_at)
VALUES (%(id)s, %(url)s, %(description)s, %(secret)s, %(types)s, %(now)s)
RETURNING {_ENDPOINT}"""

_UPDATE_ENDPOINT = f"""
UPDATE webhooks.endpoints
SET url = %(url)s, description = %(description)s, types = %(types)s, version = version + 1
WHERE id = %(id)s AND (%(version)s::int IS NULL OR version = %(version)s)
RETURNING {_ENDPOINT}"""

_SET_ACTIVE = f"""
UPDATE webhooks.endpoints SET active = %(active)s, disabled_reason = '', failing_since = NULL, version = version + 1
WHERE id = %(id)s
RETURNING {_ENDPOINT}"""


def _endpoint(row: TupleRow) -> Endpoint:
    key, url, types, description, active, created_at, failing_since, disabled_reason, version = row
    return Endpoint(
        id=EndpointId(key),
        url=url,
        types=tuple(types),
        description=description,
        active=active,
        created_at=created_at,
        failing_since=failing_since,
        disabled_reason=disabled_reason,
        version=version,
    )


ENDPOINTS = Listing(
    _ENDPOINT,
    "webhooks.endpoints",
    _endpoint,
    sorts(
        ("created", [Key("created_at", KeyKind.INSTANT), Key("id", KeyKind.ID)]),
        ("url", [Key("url"), Key("id", KeyKind.ID)]),
    ),
)


def endpoints_where(search: str, *, active: bool | None) -> Where:
    where = Where()
    where.search(search, "url || ' ' || description")
    where.equal("active", active)
    return where


async def insert_endpoint(tx: Tx, draft: EndpointDraft, secret: bytes) -> Endpoint:
    row = await tx.row(_INSERT_ENDPOINT, _draft(draft) | {"id": uuid7(), "secret": secret, "now": tx.now})
    assert row is not None
    return _endpoint(row)


async def update_endpoint(tx: Tx, endpoint_id: EndpointId, draft: EndpointDraft, version: int | None) -> Endpoint | None:
    """None when there is none with this id and version."""
    row = await tx.row(_UPDATE_ENDPOINT, _draft(draft) | {"id": endpoint_id, "version": version})
    return None if row is None else _endpoint(row)


def _draft(draft: EndpointDraft) -> dict[str, object]:
    return {"url": draft.url, "description": draft.description, "types": list(draft.types)}


async def set_active(tx: Tx, endpoint_id: EndpointId, *, active: bool) -> Endpoint | None:
    row = await tx.row(_SET_ACTIVE, {"id": endpoint_id, "active": active})
    return None if row is None else _endpoint(row)


async def delete_endpoint(tx: Tx, endpoint_id: EndpointId) -> bool:
    return bool(await tx.run("DELETE FROM webhooks.endpoints WHERE id = %(id)s", {"id": endpoint_id}))


async def get_endpoint(reader: Reader, endpoint_id: EndpointId) -> Endpoint | None:
    row = await reader.row(f"SELECT {_ENDPOINT} FROM webhooks.endpoints WHERE id = %(id)s", {"id": endpoint_id})
    return None if row is None else _endpoint(row)


async def lock_secret(tx: Tx, endpoint_id: EndpointId) -> bytes | None:
    return await tx.value("SELECT secret FROM webhooks.endpoints WHERE id = %(id)s FOR UPDATE", {"id": endpoint_id})


async def set_secret(tx: Tx, endpoint_id: EndpointId, secret: bytes) -> None:
    await tx.run("UPDATE webhooks.endpoints SET secret = %(secret)s WHERE id = %(id)s", {"id": endpoint_id, "secret": secret})


async def secrets(tx: Tx) -> list[tuple[EndpointId, bytes]]:
    rows = await tx.rows("SELECT id, secret FROM webhooks.endpoints ORDER BY id FOR UPDATE")
    return [(row[0], row[1]) for row in rows]


async def listening(tx: Tx) -> list[tuple[EndpointId, list[str]]]:
    """The active endpoints and what they listen to. They are not deleted before this transaction ends."""
    rows = await tx.rows("SELECT id, types FROM webhooks.endpoints WHERE active ORDER BY id FOR KEY SHARE")
    return [(row[0], row[1]) for row in rows]


async def figures(reader: Reader) -> list[EndpointFigures]:
    return await reader.all(
        EndpointFigures,
        "SELECT endpoint_id, count(*) FILTER (WHERE state = 'pending') AS pending, "
        "count(*) FILTER (WHERE state = 'failed') AS failed "
        "FROM webhooks.deliveries WHERE state <> 'delivered' GROUP BY endpoint_id ORDER BY endpoint_id",
    )


# Deliveries

_DELIVERY = "id, endpoint_id, event_id, type, state, attempts, created_at, next_at, delivered_at"

_FAN_OUT = """
INSERT INTO webhooks.deliveries (id, endpoint_id, event_id, type, payload, state, created_at, next_at)
SELECT id, endpoint_id, event_id, type, payload::jsonb, 'pending', %(now)s, %(now)s
FROM unnest(%(ids)s::uuid[], %(endpoints)s::uuid[], %(events)s::uuid[], %(types)s::text[], %(payloads)s::text[])
  AS d (id, endpoint_id, event_id, type, payload)
ON CONFLICT (endpoint_id, event_id) DO NOTHING"""

_CLAIM = """
UPDATE webhooks.deliveries d SET next_at = %(lease)s
FROM (
  SELECT due.id, e.url, e.secret
  FROM (SELECT id, url, secret FROM webhooks.endpoints WHERE active ORDER BY random()) e
  LEFT JOIN unnest(%(busy)s::uuid[], %(counts)s::int4[]) AS b (id, n) ON b.id = e.id
  CROSS JOIN LATERAL (
    SELECT id FROM webhooks.deliveries
    WHERE endpoint_id = e.id AND state = 'pending' AND next_at <= %(now)s
    ORDER BY next_at LIMIT greatest(%(each)s - coalesce(b.n, 0), 0)
    FOR UPDATE SKIP LOCKED
  ) due
  LIMIT %(limit)s
) picked
WHERE d.id = picked.id
RETURNING d.id, d.endpoint_id, d.event_id, picked.url, d.payload::text, d.attempts, d.next_at, picked.secret"""

_RECORD = """
WITH delivery AS (
  UPDATE webhooks.deliveries
  SET state = %(state)s, attempts = attempts + 1, next_at = %(next_at)s,
    delivered_at = CASE WHEN %(state)s = 'delivered' THEN %(now)s ELSE delivered_at END
  WHERE id = %(id)s AND state = 'pending' AND next_at = %(lease)s
  RETURNING id
)
INSERT INTO webhooks.attempts (delivery_id, n, at, status, problem, duration_ms, response)
SELECT id, 1 + coalesce((SELECT max(n) FROM webhooks.attempts a WHERE a.delivery_id = delivery.id), 0),
  %(at)s, %(status)s, %(problem)s, %(duration_ms)s, %(response)s
FROM delivery"""

_WENT_WELL = "UPDATE webhooks.endpoints SET failing_since = NULL WHERE id = %(id)s AND failing_since IS NOT NULL"

_WENT_WRONG = """
UPDATE webhooks.endpoints SET failing_since = %(now)s WHERE id = %(id)s AND failing_since IS NULL"""

_DISABLE = """
UPDATE webhooks.endpoints SET active = false, disabled_reason = %(reason)s, version = version + 1
WHERE id = %(id)s AND active AND (%(before)s::timestamptz IS NULL OR failing_since <= %(before)s)
RETURNING url"""

_REPLAY = """
UPDATE webhooks.deliveries
SET state = 'pending', attempts = 0, next_at = %(now)s, delivered_at = NULL"""

_PURGE = """
DELETE FROM webhooks.deliveries WHERE id = ANY(ARRAY(
  SELECT id FROM webhooks.deliveries WHERE state <> 'pending' AND created_at < %(older_than)s LIMIT %(limit)s
))"""


def _delivery(row: TupleRow) -> Delivery:
    key, endpoint_id, event_id, kind, state, attempts, created_at, next_at, delivered_at = row
    return Delivery(
        id=DeliveryId(key),
        endpoint_id=EndpointId(endpoint_id),
        event_id=event_id,
        type=kind,
        state=DeliveryState(state),
        attempts=attempts,
        created_at=created_at,
        next_at=next_at,
        delivered_at=delivered_at,
    )


DELIVERIES = Listing(
    _DELIVERY,
    "webhooks.deliveries",
    _delivery,
    sorts(("created", [Key("created_at", KeyKind.INSTANT), Key("id", KeyKind.ID)])),
)


def deliveries_where(wanted: DeliveryFilter) -> Where:
    where = Where()
    where.equal("endpoint_id", wanted.endpoint_id)
    where.equal("event_id", wanted.event_id)
    where.equal("state", wanted.state)
    if wanted.type.endswith(".*"):
        where.add("starts_with(type, %(type)s)", type=storable(wanted.type[:-1]))
    elif wanted.type != "*":
        where.equal("type", wanted.type or None)
    if wanted.since is not None:
        where.add("created_at >= %(since)s", since=wanted.since)
    if wanted.until is not None:
        where.add("created_at < %(until)s", until=wanted.until)
    return where


async def fan_out(tx: Tx, rows: Sequence[tuple[EndpointId, UUID, str, bytes]]) -> int:
    """Rows are (endpoint, event, type, payload); what is there already is left alone."""
    return await tx.run(
        _FAN_OUT,
        {
            "ids": arrays.uuids([uuid7() for _ in rows]),
            "endpoints": arrays.uuids([row[0] for row in rows]),
            "events": arrays.uuids([row[1] for row in rows]),
            "types": arrays.texts([row[2] for row in rows]),
            "payloads": arrays.raw_texts([row[3] for row in rows]),
            "now": tx.now,
        },
    )


async def claim(tx: Tx, limit: int, each: int, busy: Mapping[EndpointId, int], lease: datetime) -> list[Claimed]:
    rows = await tx.rows(
        _CLAIM,
        {
            "limit": limit,
            "each": each,
            "busy": arrays.uuids(list(busy)),
            "counts": arrays.int4s(list(busy.values())),
            "now": tx.now,
            "lease": lease,
        },
    )
    return [
        Claimed(
            id=DeliveryId(row[0]),
            endpoint_id=EndpointId(row[1]),
            event_id=row[2],
            url=row[3],
            payload=row[4],
            attempts=row[5],
            lease=row[6],
            secret=row[7],
        )
        for row in rows
    ]


async def record(tx: Tx, claimed: Claimed, state: DeliveryState, next_at: datetime | None, attempt: Attempt) -> bool:
    """Whether it was still ours."""
    row = {
        "id": claimed.id,
        "lease": claimed.lease,
        "state": state.value,
        "next_at": next_at,
        "now": tx.now,
        "at": attempt.at,
        "status": attempt.status,
        "problem": storable(attempt.problem),
        "duration_ms": attempt.duration_ms,
        "response": storable(attempt.response),
    }
    return await tx.run(_RECORD, row) == 1


async def went_well(tx: Tx, endpoint_id: EndpointId) -> None:
    await tx.run(_WENT_WELL, {"id": endpoint_id})


async def went_wrong(tx: Tx, endpoint_id: EndpointId) -> None:
    await tx.run(_WENT_WRONG, {"id": endpoint_id, "now": tx.now})


async def disable(tx: Tx, endpoint_id: EndpointId, reason: str, failing_before: datetime | None = None) -> str | None:
    """The URL of the endpoint that is disabled by this; None when it is not, or was already."""
    return await tx.value(_DISABLE, {"id": endpoint_id, "reason": reason, "before": failing_before})


async def get_delivery(reader: Reader, delivery_id: DeliveryId) -> DeliveryDetail | None:
    row = await reader.row(f"SELECT {_DELIVERY}, payload::text FROM webhooks.deliveries WHERE id = %(id)s", {"id": delivery_id})
    if row is None:
        return None
    attempts = await reader.all(
        Attempt,
        "SELECT n, at, status, problem, duration_ms, response FROM webhooks.attempts WHERE delivery_id = %(id)s ORDER BY n",
        {"id": delivery_id},
    )
    return DeliveryDetail(delivery=_delivery(row[:-1]), payload=row[-1], attempts=tuple(attempts))


async def replay(tx: Tx, delivery_id: DeliveryId) -> bool:
    return bool(await tx.run(f"{_REPLAY} WHERE id = %(id)s", {"id": delivery_id, "now": tx.now}))


async def replay_many(tx: Tx, where: Where) -> int:
    return await tx.run(f"{_REPLAY} {where.sql}", where.params | {"now": tx.now})


async def purge(tx: Tx, older_than: datetime, limit: int) -> int:
    return await tx.run(_PURGE, {"older_than": older_than, "limit": limit})
