"""What waits at counters: collections, who may collect, what was handed out, what is to be put back, and for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.fulfilment.contracts import (
    BackReason,
    Checked,
    CollectionTerms,
    Collector,
    FulfilmentId,
    HandedAt,
    HandingOver,
    Handout,
    HandoutId,
    LineUnits,
    PutBack,
    PutBackId,
    TermsId,
    TermsRule,
    Waiting,
    WaitingCount,
)
from comptoir.modules.locations.contracts import LocationId, PoolId
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_READ = (
    "fulfilment_id",
    "order_id",
    "location_id",
    "origin_id",
    "shelf",
    "received_at",
    "waits_until",
    "extended",
    "extension",
    "curbside",
    "reminded",
    "barred_until",
    "here_at",
    "car",
    "spot",
)
_WAITING = f"""
SELECT {", ".join(f"c.{name}" for name in _READ)}, k.id, k.sealed_code FROM fulfilment.collections c
LEFT JOIN fulfilment.lockers k ON k.fulfilment_id = c.fulfilment_id AND k.state = 'taken'"""

_OPEN = """
INSERT INTO fulfilment.collections (fulfilment_id, order_id, location_id, origin_id, extension, curbside, reminders, remind_at,
  waits_until)
VALUES (%(id)s, %(order)s, %(location)s, %(origin)s, %(extension)s, %(curbside)s, %(reminders)s::int[], %(remind_at)s,
  %(until)s)
ON CONFLICT (fulfilment_id) DO UPDATE SET extension = excluded.extension, curbside = excluded.curbside,
  reminders = excluded.reminders, remind_at = excluded.remind_at, waits_until = excluded.waits_until"""

_SETTABLE = {
    "shelf": "text",
    "received_at": "timestamptz",
    "waits_until": "timestamptz",
    "extended": "bool",
    "remind_at": "timestamptz",
    "reminded": "int",
    "tries": "int",
    "barred_until": "timestamptz",
    "here_at": "timestamptz",
    "car": "text",
    "spot": "text",
}

_OVERDUE = """
SELECT fulfilment_id FROM fulfilment.collections
WHERE ended_at IS NULL AND waits_until <= %(now)s AND (here_at IS NULL OR here_at <= %(gone)s)
ORDER BY waits_until, fulfilment_id LIMIT %(limit)s"""

_TO_REMIND = """
SELECT fulfilment_id, waits_until, reminders, reminded FROM fulfilment.collections
WHERE ended_at IS NULL AND remind_at <= %(now)s AND waits_until > %(now)s
ORDER BY remind_at, fulfilment_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED"""

_COUNT = """
SELECT
  count(*) FILTER (WHERE waits_until IS NOT NULL)::int,
  count(*) FILTER (WHERE here_at IS NOT NULL)::int,
  count(*) FILTER (WHERE waits_until <= %(soon)s)::int,
  count(*) FILTER (WHERE waits_until IS NULL AND origin_id IS NOT NULL)::int,
  (SELECT count(*)::int FROM fulfilment.put_backs WHERE location_id = %(location)s AND done_at IS NULL),
  (SELECT count(*)::int FROM fulfilment.lockers WHERE location_id = %(location)s AND state = 'to_empty'),
  (SELECT count(*)::int FROM fulfilment.parcels p JOIN fulfilment.orders f ON f.id = p.fulfilment_id
   WHERE p.recalled_at IS NOT NULL AND p.shipment_id IS NULL AND f.location_id = %(location)s)
FROM fulfilment.collections WHERE location_id = %(location)s AND ended_at IS NULL"""

_HERE = """
SELECT fulfilment_id FROM fulfilment.collections
WHERE location_id = %(location)s AND ended_at IS NULL AND here_at IS NOT NULL ORDER BY here_at LIMIT %(limit)s"""


def _waiting(row: TupleRow) -> Waiting:
    *own, locker_id, code = row
    values: dict[str, Any] = dict(zip(_READ, own, strict=True))
    return Waiting(**values, locker_id=locker_id, locker_code=code)


async def get(reader: Reader, ids: Sequence[FulfilmentId]) -> dict[FulfilmentId, Waiting]:
    """Those of these that wait, or have waited."""
    if not ids:
        return {}
    rows = await reader.rows(f"{_WAITING} WHERE c.fulfilment_id = ANY(%(ids)s::uuid[])", {"ids": arrays.uuids(ids)})
    return {one.fulfilment_id: one for one in map(_waiting, rows)}


async def lock(tx: Tx, fulfilment_id: FulfilmentId) -> tuple[Waiting, int, tuple[int, ...]] | None:
    """With how many wrong codes were typed in a row, and the days of its reminders."""
    row = await tx.row(
        "SELECT tries, reminders FROM fulfilment.collections WHERE fulfilment_id = %(id)s FOR UPDATE", {"id": fulfilment_id}
    )
    if row is None:
        return None
    return (await get(tx, [fulfilment_id]))[fulfilment_id], row[0], tuple(row[1])


async def open_(
    tx: Tx,
    fulfilment_id: FulfilmentId,
    order_id: OrderId,
    location_id: LocationId,
    *,
    origin_id: FulfilmentId | None = None,
    terms: CollectionTerms | None = None,
    until: datetime | None = None,
    remind_at: datetime | None = None,
) -> None:
    """Something waits from now on, or (`terms` None) is on its way."""
    held = terms or CollectionTerms()
    await tx.run(
        _OPEN,
        {
            "id": fulfilment_id,
            "order": order_id,
            "location": location_id,
            "origin": origin_id,
            "extension": held.extension,
            "curbside": held.curbside,
            "reminders": list(held.reminders),
            "remind_at": remind_at,
            "until": until,
        },
    )


async def put(tx: Tx, fulfilment_id: FulfilmentId, values: Mapping[str, object]) -> None:
    columns = ", ".join(f"{name} = %({name})s::{_SETTABLE[name]}" for name in values)
    await tx.run(
        f"UPDATE fulfilment.collections SET {columns} WHERE fulfilment_id = %(id)s", dict(values) | {"id": fulfilment_id}
    )


async def end(tx: Tx, ids: Sequence[FulfilmentId], *, emptied: bool) -> None:
    """Nobody waits for these any more. Their lockers are free, or (`emptied` false) to be emptied."""
    values = {"ids": arrays.uuids(ids), "now": tx.now}
    await tx.run(
        "UPDATE fulfilment.collections SET ended_at = %(now)s, here_at = NULL, car = '', spot = '' "
        "WHERE fulfilment_id = ANY(%(ids)s::uuid[]) AND ended_at IS NULL",
        values,
    )
    target = "state = 'free', fulfilment_id = NULL" if emptied else "state = 'to_empty'"
    await tx.run(
        f"UPDATE fulfilment.lockers SET {target}, sealed_code = NULL, changed_at = %(now)s "
        "WHERE fulfilment_id = ANY(%(ids)s::uuid[]) AND state = 'taken'",
        values,
    )


async def overdue(reader: Reader, now: datetime, gone: datetime, limit: int) -> list[FulfilmentId]:
    return await reader.values(_OVERDUE, {"now": now, "gone": gone, "limit": limit})


async def to_remind(tx: Tx, limit: int) -> list[tuple[FulfilmentId, datetime, tuple[int, ...], int]]:
    rows = await tx.rows(_TO_REMIND, {"now": tx.now, "limit": limit})
    return [(FulfilmentId(key), until, tuple(days), reminded) for key, until, days, reminded in rows]


async def count(reader: Reader, location_id: LocationId, soon: datetime) -> WaitingCount:
    row = await reader.row(_COUNT, {"location": location_id, "soon": soon})
    return WaitingCount() if row is None else WaitingCount(
        ready=row[0], here=row[1], ends_soon=row[2], coming=row[3], put_backs=row[4], lockers_to_empty=row[5],
        recalled=row[6],
    )  # fmt: skip


async def here(reader: Reader, location_id: LocationId, limit: int) -> list[FulfilmentId]:
    """Whose buyers wait there, who came first first."""
    return await reader.values(_HERE, {"location": location_id, "limit": limit})


# Who may collect, and who has


async def put_collector(tx: Tx, order_id: OrderId, name: str) -> None:
    await tx.run(
        "INSERT INTO fulfilment.collectors (order_id, name, named_at, named_by) VALUES (%(id)s, %(name)s, %(now)s, %(actor)s) "
        "ON CONFLICT (order_id) DO UPDATE SET name = excluded.name, named_at = excluded.named_at, named_by = excluded.named_by",
        {"id": order_id, "name": name, "now": tx.now, "actor": tx.actor},
    )


async def drop_collector(tx: Tx, order_id: OrderId) -> int:
    return await tx.run("DELETE FROM fulfilment.collectors WHERE order_id = %(id)s", {"id": order_id})


async def collectors(reader: Reader, ids: Sequence[OrderId]) -> dict[OrderId, Collector]:
    rows = await reader.rows(
        "SELECT order_id, name, named_at, named_by FROM fulfilment.collectors WHERE order_id = ANY(%(ids)s::uuid[])",
        {"ids": arrays.uuids(ids)},
    )
    return {OrderId(row[0]): Collector(order_id=row[0], name=row[1], named_at=row[2], named_by=row[3]) for row in rows}


async def insert_handout(tx: Tx, fulfilment_id: FulfilmentId, given: HandingOver, lines: Sequence[LineUnits]) -> None:
    await tx.run(
        "INSERT INTO fulfilment.handouts (id, fulfilment_id, collector, checked, at, lines, handed_at, actor) "
        "VALUES (%(id)s, %(fulfilment)s, %(collector)s, %(checked)s, %(at)s, %(lines)s::jsonb, %(now)s, %(actor)s)",
        {
            "id": HandoutId(uuid7()),
            "fulfilment": fulfilment_id,
            "collector": given.collector,
            "checked": given.checked,
            "at": given.at,
            "lines": msgspec.json.encode([list(line) for line in lines]).decode(),
            "now": tx.now,
            "actor": tx.actor,
        },
    )


async def handouts(reader: Reader, fulfilment_id: FulfilmentId) -> list[Handout]:
    """The first first."""
    rows = await reader.rows(
        "SELECT id, fulfilment_id, collector, checked, at, lines, handed_at, actor FROM fulfilment.handouts "
        "WHERE fulfilment_id = %(id)s ORDER BY handed_at, id",
        {"id": fulfilment_id},
    )
    return [
        Handout(
            id=HandoutId(row[0]),
            fulfilment_id=row[1],
            collector=row[2],
            checked=Checked(row[3]),
            at=HandedAt(row[4]),
            lines=tuple([LineUnits(*line) for line in row[5]]),
            handed_at=row[6],
            actor=row[7],
        )
        for row in rows
    ]


# What is to be put back


async def put_aside(
    tx: Tx,
    location_id: LocationId,
    fulfilment_id: FulfilmentId,
    units: Sequence[tuple[str, str, int]],
    reason: BackReason,
    shelf: str,
) -> None:
    """(SKU, name, units) that lie at a counter and belong into the stock."""
    await tx.run(
        """
        INSERT INTO fulfilment.put_backs (id, location_id, fulfilment_id, sku, name, units, reason, shelf, opened_at)
        SELECT id, %(location)s, %(fulfilment)s, sku, name, units, %(reason)s, %(shelf)s, %(now)s
        FROM unnest(%(ids)s::uuid[], %(skus)s::text[], %(names)s::text[], %(units)s::int[]) AS u (id, sku, name, units)""",
        {
            "ids": arrays.uuids([uuid7() for _ in units]),
            "location": location_id,
            "fulfilment": fulfilment_id,
            "skus": arrays.texts([sku for sku, _, _ in units]),
            "names": arrays.texts([name for _, name, _ in units]),
            "units": arrays.int4s([count for _, _, count in units]),
            "reason": reason,
            "shelf": shelf,
            "now": tx.now,
        },
    )


async def put_backs(reader: Reader, location_id: LocationId, limit: int) -> list[PutBack]:
    """What is still to be put back, the oldest first."""
    rows = await reader.rows(
        "SELECT p.id, p.location_id, p.sku, p.name, p.units, p.reason, p.shelf, p.fulfilment_id, f.number, p.opened_at "
        "FROM fulfilment.put_backs p JOIN fulfilment.orders f ON f.id = p.fulfilment_id "
        "WHERE p.location_id = %(location)s AND p.done_at IS NULL ORDER BY p.opened_at, p.id LIMIT %(limit)s",
        {"location": location_id, "limit": limit},
    )
    return [
        PutBack(
            id=PutBackId(row[0]),
            location_id=row[1],
            sku=row[2],
            name=row[3],
            units=row[4],
            reason=BackReason(row[5]),
            shelf=row[6],
            fulfilment_id=row[7],
            number=row[8],
            opened_at=row[9],
        )
        for row in rows
    ]


async def done_put_backs(tx: Tx, ids: Sequence[PutBackId]) -> int:
    """How many of these were still to be done."""
    return await tx.run(
        "UPDATE fulfilment.put_backs SET done_at = %(now)s, done_by = %(actor)s "
        "WHERE id = ANY(%(ids)s::uuid[]) AND done_at IS NULL",
        {"ids": arrays.uuids(ids), "now": tx.now, "actor": tx.actor},
    )


# For how long


_TERMS = "id, location_id, pool_id, days, reminders, extension, curbside"


def _rule(row: TupleRow) -> TermsRule:
    key, location_id, pool_id, days, reminders, extension, curbside = row
    return TermsRule(
        id=TermsId(key),
        location_id=location_id,
        pool_id=pool_id,
        days=days,
        reminders=tuple(reminders),
        extension=extension,
        curbside=curbside,
    )


async def terms(reader: Reader) -> list[TermsRule]:
    """Everybody's first, then those of pools, then those of locations."""
    rows = await reader.rows(
        f"SELECT {_TERMS} FROM fulfilment.collection_terms "
        "ORDER BY location_id IS NOT NULL, pool_id IS NOT NULL, location_id, pool_id"
    )
    return [_rule(row) for row in rows]


async def put_terms(tx: Tx, location_id: LocationId | None, pool_id: PoolId | None, draft: CollectionTerms) -> TermsRule:
    row = await tx.row(
        f"""
        INSERT INTO fulfilment.collection_terms (id, location_id, pool_id, days, reminders, extension, curbside)
        VALUES (%(id)s, %(location)s, %(pool)s, %(days)s, %(reminders)s::int[], %(extension)s, %(curbside)s)
        ON CONFLICT (location_id, pool_id) DO UPDATE SET days = excluded.days, reminders = excluded.reminders,
          extension = excluded.extension, curbside = excluded.curbside
        RETURNING {_TERMS}""",
        {
            "id": TermsId(uuid7()),
            "location": location_id,
            "pool": pool_id,
            "days": draft.days,
            "reminders": list(draft.reminders),
            "extension": draft.extension,
            "curbside": draft.curbside,
        },
    )
    assert row is not None, "what is inserted or updated is given back"
    return _rule(row)


async def drop_terms(tx: Tx, terms_id: TermsId) -> int:
    return await tx.run("DELETE FROM fulfilment.collection_terms WHERE id = %(id)s", {"id": terms_id})
