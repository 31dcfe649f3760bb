"""Reading fulfilment: lists, counts by stage, and what each location has been given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from comptoir.modules.fulfilment.contracts import (
    AgeCount,
    Deadline,
    Fulfilment,
    FulfilmentFilter,
    FulfilmentId,
    NotedRun,
    OpenWork,
    PlaceCount,
    Pulse,
    Stage,
    StageCount,
)
from comptoir.modules.fulfilment.store.work import COLUMNS, fulfilment
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts, storable

_ENDS = "coalesce(least(f.leaves_by, timezone('UTC', f.promised_on + interval '1 day')), '9999-12-31 00:00+00')"
"""When its time is over: it has to leave, or the promised day has passed."""

LISTING: Listing[Fulfilment] = Listing(
    COLUMNS,
    "fulfilment.orders f",
    fulfilment,
    sorts(
        ("placed", [Key("f.placed_at", KeyKind.INSTANT), Key("f.id", KeyKind.ID)]),
        ("number", [Key("f.number", KeyKind.INTEGER)]),
        ("due", [Key(_ENDS, KeyKind.INSTANT), Key("f.id", KeyKind.ID)]),
    ),
)

_COUNTS = """
SELECT location_id, stage, count(*)::int, sum(quantity - gone)::int,
  (count(*) FILTER (WHERE leaves_by < now()))::int, min(placed_at), max(number)
FROM fulfilment.orders
WHERE stage NOT IN ('done', 'cancelled') AND (%(locations)s::uuid[] IS NULL OR location_id = ANY(%(locations)s::uuid[]))
GROUP BY location_id, stage ORDER BY location_id, stage"""

_SETTLED = "(f.state <> 'scheduled' AND f.hold_reason IS DISTINCT FROM 'unroutable')"


def _misses(name: str, *, foreseen: bool) -> str:
    """What misses a deadline; its parameters are called `name` with _at and _on behind it."""
    ways = [f"f.leaves_by < %({name}_at)s", f"f.promised_on < %({name}_on)s"]
    ways += ["f.arrives_on > f.promised_on"] if foreseen else []
    return f"(f.stage NOT IN ('to_receive', 'ready') AND ({' OR '.join(ways)}))"


_AGES = f"""
SELECT w.location_id, w.stage, w.settled, w.band, count(*)::int, (count(*) FILTER (WHERE w.late))::int,
  (count(*) FILTER (WHERE w.risk))::int
FROM (
  SELECT f.location_id, f.stage, {_SETTLED} AS settled, width_bucket(f.placed_at, %(bounds)s::timestamptz[]) AS band,
    {_misses("late", foreseen=False)} AS late, {_misses("risk", foreseen=True)} AS risk
  FROM fulfilment.orders f WHERE f.stage NOT IN ('done', 'cancelled')
) w
GROUP BY GROUPING SETS ((w.stage, w.settled, w.band), (w.location_id, w.stage))"""

_LOAD = """
SELECT l.location_id, (SELECT count(*)::int FROM fulfilment.orders f
  WHERE f.location_id = l.location_id AND f.created_at >= l.since AND f.state <> 'cancelled'
    AND f.method <> 'hand_out' AND f.hold_reason IS DISTINCT FROM 'unroutable')
FROM unnest(%(locations)s::uuid[], %(since)s::timestamptz[]) AS l (location_id, since)"""

_UNANSWERED = """
SELECT id FROM fulfilment.orders WHERE state = 'open' AND answer_by < %(now)s ORDER BY answer_by LIMIT %(limit)s"""

_UNSTOPPED = """
SELECT id FROM fulfilment.orders
WHERE request = 'cancellation_requested' AND stage NOT IN ('done', 'cancelled') AND asked_at < %(before)s
ORDER BY asked_at LIMIT %(limit)s"""

_ANY_DUE = """
SELECT EXISTS (SELECT FROM fulfilment.orders WHERE state = 'scheduled' AND release_at <= %(now)s)"""

_BATCHED = """
WITH orders AS (
  SELECT order_id, bool_and(decided) AS decided, min(placed_at) AS placed_at FROM (
    SELECT order_id, placed_at, false AS decided FROM fulfilment.orders WHERE release_at <= %(now)s AND state = 'scheduled'
    UNION ALL
    SELECT order_id, placed_at, true FROM fulfilment.orders
    WHERE state = 'open' AND begun_at IS NULL AND wave_id IS NULL AND request IN ('unsubmitted', 'rejected') AND method = 'ship'
  ) f GROUP BY order_id
)
SELECT order_id FROM (
  (SELECT * FROM orders WHERE NOT decided) UNION ALL
  (SELECT * FROM orders WHERE decided ORDER BY placed_at, order_id LIMIT %(limit)s)
) f ORDER BY decided, placed_at, order_id"""

_RUNS = "SELECT of_id, at, orders, moved, saved FROM fulfilment.runs"

_NOTE_RUN = """
INSERT INTO fulfilment.runs AS r (of_id, at, orders, moved, saved) VALUES (%(of)s, %(at)s, %(orders)s, %(moved)s, %(saved)s)
ON CONFLICT (of_id) DO UPDATE SET at = excluded.at,
  orders = excluded.orders + CASE WHEN r.at = excluded.at THEN r.orders ELSE 0 END,
  moved = excluded.moved + CASE WHEN r.at = excluded.at THEN r.moved ELSE 0 END,
  saved = excluded.saved + CASE WHEN r.at = excluded.at THEN r.saved ELSE 0 END
WHERE r.at <= excluded.at"""

_WAITING = """
SELECT id FROM fulfilment.orders WHERE state = 'scheduled' AND release_at > %(now)s AND id > %(after)s
ORDER BY id LIMIT %(limit)s"""

_WAITING_ORDERS = """
SELECT count(DISTINCT order_id)::int FROM fulfilment.orders WHERE state = 'scheduled' AND release_at IS NOT NULL"""

_DUE = """
SELECT id FROM fulfilment.orders WHERE state = 'scheduled' AND release_at <= %(now)s ORDER BY release_at LIMIT %(limit)s"""


_URGENCY = """(f.assignee <> '' AND f.assignee <> %(actor)s), (f.leaves_by IS NULL OR f.leaves_by >= %(now)s),
  f.assignee <> %(actor)s, least(f.leaves_by, f.answer_by) NULLS LAST, f.placed_at, f.id"""
"""What others work on comes last; of the rest what is late first, then what one works on already, then what leaves first, or
goes elsewhere first because nobody has begun it.
"""

_FIRSTS = f"""
SELECT DISTINCT ON (f.stage) {COLUMNS} FROM fulfilment.orders f
WHERE f.location_id = %(location)s AND f.stage NOT IN ('done', 'cancelled') ORDER BY f.stage, {_URGENCY}"""

_URGENT = f"""
SELECT {COLUMNS} FROM fulfilment.orders f
WHERE f.location_id = %(location)s AND f.stage NOT IN ('done', 'cancelled') AND f.stage = ANY(%(stages)s::text[])
ORDER BY {_URGENCY} LIMIT %(limit)s"""

_WANTING = f"""
SELECT {COLUMNS} FROM fulfilment.orders f
WHERE f.location_id = %(location)s AND f.stage = 'to_pick' AND f.stage NOT IN ('done', 'cancelled')
  AND EXISTS (SELECT FROM fulfilment.lines l WHERE l.fulfilment_id = f.id AND l.sku = %(sku)s AND l.picked < l.quantity)
ORDER BY {_URGENCY} LIMIT %(limit)s"""

_DEPARTED = """
SELECT f.id FROM fulfilment.orders f
WHERE f.location_id = %(location)s AND f.created_at >= %(since)s - interval '90 days'
  AND f.method NOT IN ('collect', 'hand_out') AND f.gone > 0 AND (f.closed_at IS NULL OR f.closed_at >= %(since)s)
ORDER BY f.number LIMIT %(limit)s"""


_PULSE = """
SELECT count(*)::int, coalesce(sum(f.version), 0)::bigint
FROM fulfilment.orders f WHERE f.location_id = %(location)s AND f.stage NOT IN ('done', 'cancelled')"""

_AT_COUNTER = f"""
SELECT {COLUMNS} FROM fulfilment.orders f LEFT JOIN fulfilment.collections c ON c.fulfilment_id = f.id
{{where}} ORDER BY c.here_at NULLS LAST, c.waits_until NULLS LAST, f.placed_at, f.id LIMIT %(limit)s"""


def where(wanted: FulfilmentFilter) -> Where:
    where = Where()
    if wanted.locations:
        where.add("f.location_id = ANY(%(locations)s::uuid[])", locations=arrays.uuids(wanted.locations))
    if wanted.stages:
        where.add("f.stage = ANY(%(stages)s::text[])", stages=arrays.texts(list(wanted.stages)))
        if not {Stage.DONE, Stage.CANCELLED} & set(wanted.stages):
            where.add("f.stage NOT IN ('done', 'cancelled')")
    if wanted.states:
        where.add("f.state = ANY(%(states)s::text[])", states=arrays.texts(list(wanted.states)))
    if wanted.requests:
        where.add("f.request = ANY(%(requests)s::text[])", requests=arrays.texts(list(wanted.requests)))
        where.add("f.request <> 'unsubmitted' AND f.stage NOT IN ('done', 'cancelled')")
    where.equal("f.order_id", wanted.order_id)
    where.equal("f.method", wanted.method)
    where.equal("f.assignee", wanted.assignee or None)
    if wanted.late_at is not None:
        where.add("f.leaves_by < %(late_at)s", late_at=wanted.late_at)
    _narrow(where, wanted)
    text = storable(wanted.search).strip().removeprefix("#")
    if text.isdecimal() and text.isascii() and len(text) < 19:
        where.add("(f.order_number = %(number)s OR f.number = %(number)s)", number=int(text))
    elif text:
        where.search(text, "f.recipient")
    return where


def _narrow(where: Where, wanted: FulfilmentFilter) -> None:
    where.equal("f.channel_code", wanted.channel or None)
    if wanted.settled is not None:
        where.add(_SETTLED if wanted.settled else f"NOT {_SETTLED}")
    if wanted.placed_from is not None:
        where.add("f.placed_at >= %(placed_from)s", placed_from=wanted.placed_from)
    if wanted.placed_before is not None:
        where.add("f.placed_at < %(placed_before)s", placed_before=wanted.placed_before)
    if wanted.due is not None:
        where.add(_misses("due", foreseen=wanted.due.foreseen), due_at=wanted.due.at, due_on=wanted.due.on)


async def ages(reader: Reader, bounds: Sequence[datetime], late: Deadline, risk: Deadline) -> OpenWork:
    values = {"bounds": list(bounds), "late_at": late.at, "late_on": late.on, "risk_at": risk.at, "risk_on": risk.on}
    found = await reader.rows(_AGES, values)
    return OpenWork(
        ages=tuple(AgeCount(Stage(row[1]), *row[2:]) for row in found if row[0] is None),
        places=tuple(PlaceCount(LocationId(row[0]), Stage(row[1]), row[4], row[5]) for row in found if row[0] is not None),
    )


async def counts(reader: Reader, locations: Sequence[LocationId] | None) -> list[StageCount]:
    rows = await reader.rows(_COUNTS, {"locations": None if locations is None else arrays.uuids(locations)})
    return [StageCount(LocationId(row[0]), Stage(row[1]), *row[2:]) for row in rows]


async def load(reader: Reader, since: Sequence[tuple[LocationId, datetime]]) -> dict[LocationId, int]:
    rows = await reader.rows(
        _LOAD, {"locations": arrays.uuids([place for place, _ in since]), "since": [instant for _, instant in since]}
    )
    return {LocationId(place): count for place, count in rows if count}


async def unanswered(reader: Reader, now: datetime, limit: int) -> list[FulfilmentId]:
    return await reader.values(_UNANSWERED, {"now": now, "limit": limit})


async def unstopped(reader: Reader, before: datetime, limit: int) -> list[FulfilmentId]:
    """What third parties were asked to stop before then, and have not answered; the oldest first."""
    return await reader.values(_UNSTOPPED, {"before": before, "limit": limit})


async def due(reader: Reader, now: datetime, limit: int) -> list[FulfilmentId]:
    return await reader.values(_DUE, {"now": now, "limit": limit})


async def any_due(reader: Reader, now: datetime) -> bool:
    return bool(await reader.value(_ANY_DUE, {"now": now}))


async def batched(reader: Reader, now: datetime, limit: int) -> list[OrderId]:
    """Orders whose run has come, then so many that are decided and that nobody has begun; each the oldest first."""
    return await reader.values(_BATCHED, {"now": now, "limit": limit})


async def runs(reader: Reader) -> dict[UUID, NotedRun]:
    """The last run of each schedule, and of each rule set that has its own."""
    return {row[0]: NotedRun(*row[1:]) for row in await reader.rows(_RUNS)}


async def note_run(tx: Tx, of_id: UUID, run: NotedRun) -> None:
    """What is noted for the same instant already is added up."""
    await tx.run(_NOTE_RUN, {"of": of_id, "at": run.at, "orders": run.orders, "moved": run.moved, "saved": run.saved})


async def waiting(reader: Reader, now: datetime, after: FulfilmentId | None, limit: int) -> list[FulfilmentId]:
    """What waits for a run that is still to come, by id."""
    return await reader.values(_WAITING, {"now": now, "after": after or UUID(int=0), "limit": limit})


async def waiting_orders(reader: Reader) -> int:
    """How many orders wait for a run."""
    return int(await reader.value(_WAITING_ORDERS))


async def firsts(reader: Reader, location_id: LocationId, actor: str, now: datetime) -> dict[Stage, Fulfilment]:
    found = [fulfilment(row) for row in await reader.rows(_FIRSTS, {"location": location_id, "actor": actor, "now": now})]
    return {one.stage: one for one in found}


async def urgent(
    reader: Reader, location_id: LocationId, stages: Sequence[Stage], actor: str, now: datetime, limit: int
) -> list[Fulfilment]:
    values = {"location": location_id, "actor": actor, "now": now, "stages": arrays.texts(list(stages)), "limit": limit}
    return [fulfilment(row) for row in await reader.rows(_URGENT, values)]


async def wanting(reader: Reader, location_id: LocationId, sku: str, actor: str, now: datetime, limit: int) -> list[Fulfilment]:
    values = {"location": location_id, "actor": actor, "now": now, "sku": sku, "limit": limit}
    return [fulfilment(row) for row in await reader.rows(_WANTING, values)]


async def pulse(reader: Reader, location_id: LocationId) -> Pulse:
    row = await reader.row(_PULSE, {"location": location_id})
    assert row is not None, "an aggregate has a row"
    return Pulse(*row)


async def departed(reader: Reader, location_id: LocationId, since: datetime, limit: int) -> list[FulfilmentId]:
    return await reader.values(_DEPARTED, {"location": location_id, "since": since, "limit": limit})


async def at_counter(reader: Reader, location_id: LocationId, stage: Stage, search: str, limit: int) -> list[Fulfilment]:
    found = where(FulfilmentFilter(locations=(location_id,), stages=(stage,), search=search))
    text = storable(search).strip()
    if text:
        *rest, last = found.conditions
        sent = (
            "EXISTS (SELECT FROM fulfilment.parcels p WHERE p.fulfilment_id = c.origin_id AND p.tracking_number = %(tracking)s)"
        )
        found = Where([*rest, f"({last} OR {sent})"], found.params | {"tracking": text})
    rows = await reader.rows(_AT_COUNTER.format(where=found.sql), found.params | {"limit": limit})
    return [fulfilment(row) for row in rows]
