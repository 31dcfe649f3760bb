"""The SQL of what is learned from arrivals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing.contracts import Arrival, Learned
from comptoir.modules.routing.domain.learning import LATEST, Came, Lesson, Lessons
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_COUNT = f"""
INSERT INTO routing.arrivals AS a (location_id, carrier, month, late, parcels)
SELECT (planned.parcel->>'site')::uuid, planned.parcel->>'carrier', date_trunc('month', came.day)::date,
  least({LATEST}, greatest(0, came.day - (planned.parcel->>'arrives_on')::date + (planned.parcel->>'slack')::int)) AS late,
  sum(came.parcels)
FROM unnest(%(orders)s::uuid[], %(locations)s::uuid[], %(days)s::date[], %(parcels)s::int[])
    AS came (order_id, location_id, day, parcels)
  CROSS JOIN LATERAL (
    SELECT d.outcome FROM routing.decisions d WHERE d.order_id = came.order_id ORDER BY d.at, d.id LIMIT 1) AS first
  CROSS JOIN LATERAL (
    SELECT p.parcel FROM jsonb_array_elements(first.outcome->'parcels') WITH ORDINALITY AS p (parcel, n)
    ORDER BY (p.parcel->>'site')::uuid <> came.location_id, p.n LIMIT 1) AS planned
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
ON CONFLICT (location_id, carrier, month, late) DO UPDATE SET parcels = a.parcels + excluded.parcels"""
"""Orders without a decision have no plan, and are not counted."""

_CAME = """
SELECT location_id, carrier, late, sum(parcels)::bigint FROM routing.arrivals WHERE month >= %(since)s
GROUP BY location_id, carrier, late HAVING sum(parcels) > 0"""

_LEARN = """
INSERT INTO routing.lessons AS l (subject, key, parcels, on_time, slack, learned_at)
SELECT subject, key, parcels, on_time, slack, %(now)s
FROM unnest(%(subjects)s::text[], %(keys)s::text[], %(parcels)s::bigint[], %(on_time)s::bigint[], %(slack)s::int[])
    AS input (subject, key, parcels, on_time, slack)
ORDER BY subject, key
ON CONFLICT (subject, key) DO UPDATE SET parcels = excluded.parcels, on_time = excluded.on_time, slack = excluded.slack,
  learned_at = excluded.learned_at, version = l.version + (l.slack <> excluded.slack)::int
WHERE (l.parcels, l.on_time, l.slack) IS DISTINCT FROM (excluded.parcels, excluded.on_time, excluded.slack)"""

_LESSONS = "SELECT subject, key, parcels, on_time, slack FROM routing.lessons"

_LEARNED = """
SELECT subject, key, parcels, on_time, slack, learned_at FROM routing.lessons ORDER BY parcels DESC, subject, key"""

_CARRIER, _SITE = "carrier", "site"


async def count(tx: Tx, arrivals: Sequence[Arrival]) -> None:
    await tx.run(
        _COUNT,
        {
            "orders": arrays.uuids([one.order_id for one in arrivals]),
            "locations": arrays.uuids([one.location_id for one in arrivals]),
            "days": [one.day for one in arrivals],
            "parcels": arrays.int4s([one.parcels for one in arrivals]),
        },
    )


async def came(reader: Reader, since: date) -> list[Came]:
    """What came in the month of that day, or later."""
    rows = await reader.rows(_CAME, {"since": since.replace(day=1)})
    return [Came(LocationId(site), carrier, late, parcels) for site, carrier, late, parcels in rows]


async def learn(tx: Tx, lessons: Lessons) -> None:
    """What is not among them any more has nothing measured."""
    rows = [(_CARRIER, carrier, lesson) for carrier, lesson in lessons.carriers.items()]
    rows += [(_SITE, str(site), lesson) for site, lesson in lessons.sites.items()]
    there = {(subject, key) for subject, key, _ in rows}
    for subject, key, *_ in await tx.rows(_LESSONS):
        if (subject, key) not in there:
            rows.append((subject, key, Lesson()))
    await tx.run(
        _LEARN,
        {
            "subjects": arrays.texts([subject for subject, _, _ in rows]),
            "keys": arrays.texts([key for _, key, _ in rows]),
            "parcels": arrays.int8s([lesson.parcels for _, _, lesson in rows]),
            "on_time": arrays.int8s([lesson.on_time for _, _, lesson in rows]),
            "slack": arrays.int4s([lesson.slack for _, _, lesson in rows]),
            "now": tx.now,
        },
    )


async def lessons(reader: Reader) -> Lessons:
    carriers: dict[str, Lesson] = {}
    sites: dict[LocationId, Lesson] = {}
    for subject, key, parcels, on_time, slack in await reader.rows(_LESSONS):
        if subject == _SITE:
            sites[LocationId(UUID(key))] = Lesson(parcels, on_time, slack)
        else:
            carriers[key] = Lesson(parcels, on_time, slack)
    return Lessons(carriers, sites)


async def learned(reader: Reader) -> list[Learned]:
    rows = await reader.rows(_LEARNED)
    return [
        Learned(
            location_id=LocationId(UUID(key)) if subject == _SITE else None,
            carrier="" if subject == _SITE else key,
            parcels=parcels,
            on_time=on_time,
            slack=slack,
            learned_at=at,
        )
        for subject, key, parcels, on_time, slack, at in rows
        if parcels
    ]
