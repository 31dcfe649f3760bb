"""The SQL of what is on its way at this moment, and of what about it is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg.rows import TupleRow

from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking.contracts import (
    InTrouble,
    InTroubleFilter,
    MovingFilter,
    ParcelAge,
    Tracked,
    TroubleId,
    TroubleKind,
)
from comptoir.modules.tracking.domain.following import POLL_FOR
from comptoir.modules.tracking.store.parcels import COLUMNS, tracked
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts, storable

_OWN = ", ".join(f"p.{name.strip()}" for name in COLUMNS.split(","))
_MOVING = """p.kind = 'parcel' AND p.account_id IS NOT NULL
  AND p.status NOT IN ('delivered', 'returned', 'lost', 'damaged', 'cancelled', 'expired')"""
"""As the index has it: no carrier tells us of the others, and so nothing would ever end them."""
_TROUBLED = "p.id IN (SELECT t.about FROM tracking.troubles t WHERE t.resolved_at IS NULL)"
"""Read once for all parcels; an EXISTS would be looked up for each."""
_LATE = """(p.promised_on IS NOT NULL AND p.status <> 'available_for_pickup'
  AND (p.estimated_on > p.promised_on OR p.promised_on < (%(late_at)s::timestamptz AT TIME ZONE p.zone)::date))"""
_DUE = "coalesce(timezone(p.zone, p.promised_on + interval '1 day'), '9999-12-31 00:00+00')"

_LONGEST_NUMBER = 10
"""Digits: what is longer is a tracking number."""

_AGES = f"""
SELECT NULL::text, m.band, (count(*) FILTER (WHERE NOT m.troubled))::int,
  (count(*) FILTER (WHERE m.late AND NOT m.troubled))::int, (count(*) FILTER (WHERE m.late))::int
FROM (
  SELECT width_bucket(p.shipped_at, %(bounds)s::timestamptz[]) AS band, {_LATE} AS late, {_TROUBLED} AS troubled
  FROM tracking.parcels p WHERE {_MOVING} AND p.shipped_at >= %(since)s
) m GROUP BY m.band
UNION ALL
SELECT t.kind, width_bucket(t.opened_at, %(bounds)s::timestamptz[]), count(*)::int, 0, 0
FROM tracking.troubles t WHERE t.resolved_at IS NULL GROUP BY 1, 2
ORDER BY 1, 2"""

MOVING: Listing[Tracked] = Listing(
    _OWN,
    "tracking.parcels p",
    tracked,
    sorts(
        ("shipped", [Key("p.shipped_at", KeyKind.INSTANT), Key("p.id", KeyKind.ID)]),
        ("due", [Key(_DUE, KeyKind.INSTANT), Key("p.id", KeyKind.ID)]),
    ),
)


def _in_trouble(row: TupleRow) -> InTrouble:
    key, kind, order_id, reason, opened_at, *parcel = row
    return InTrouble(
        id=TroubleId(key),
        kind=TroubleKind(kind),
        order_id=OrderId(order_id),
        reason=reason,
        opened_at=opened_at,
        parcel=None if parcel[0] is None else tracked(tuple(parcel)),
    )


TROUBLED: Listing[InTrouble] = Listing(
    f"t.id, t.kind, t.order_id, t.reason, t.opened_at, {_OWN}",
    "tracking.troubles t LEFT JOIN tracking.parcels p ON p.id = t.tracked_id",
    _in_trouble,
    sorts(("opened", [Key("t.opened_at", KeyKind.INSTANT), Key("t.id", KeyKind.ID)])),
)


def where_moving(wanted: MovingFilter, now: datetime) -> Where:
    where = Where()
    where.add(_MOVING)
    where.add("p.shipped_at >= %(since)s", since=_since(now, wanted.shipped_from))
    _narrow(where, wanted)
    if wanted.shipped_before is not None:
        where.add("p.shipped_at < %(shipped_before)s", shipped_before=wanted.shipped_before)
    if wanted.in_trouble is not None:
        where.add(_TROUBLED if wanted.in_trouble else f"NOT {_TROUBLED}")
    if wanted.late_at is not None:
        where.add(_LATE, late_at=wanted.late_at)
    return where


def _since(now: datetime, wanted: datetime | None) -> datetime:
    """Nobody is asked about what left longer ago, so that it would stay on its way for ever."""
    oldest = now - POLL_FOR
    return oldest if wanted is None else max(wanted, oldest)


def _narrow(where: Where, wanted: MovingFilter | InTroubleFilter) -> None:
    if wanted.locations:
        where.add("p.location_id = ANY(%(locations)s::uuid[])", locations=arrays.uuids(wanted.locations))
    where.equal("p.channel", wanted.channel or None)
    where.equal("p.carrier", wanted.carrier or None)
    text = storable(wanted.search).strip().removeprefix("#")
    if text.isdecimal() and text.isascii() and len(text) < _LONGEST_NUMBER:
        where.add("p.order_number = %(number)s", number=int(text))
    else:
        where.begins("p.tracking_number", text)


def where_troubled(wanted: InTroubleFilter) -> Where:
    where = Where()
    where.add("t.resolved_at IS NULL")
    _narrow(where, wanted)
    if wanted.kinds:
        where.add("t.kind = ANY(%(kinds)s::text[])", kinds=[kind.value for kind in wanted.kinds])
    if wanted.opened_from is not None:
        where.add("t.opened_at >= %(opened_from)s", opened_from=wanted.opened_from)
    if wanted.opened_before is not None:
        where.add("t.opened_at < %(opened_before)s", opened_before=wanted.opened_before)
    return where


async def ages(reader: Reader, bounds: Sequence[datetime], now: datetime) -> list[ParcelAge]:
    values = {"bounds": list(bounds), "late_at": now, "since": _since(now, None)}
    return [ParcelAge(None if row[0] is None else TroubleKind(row[0]), *row[1:]) for row in await reader.rows(_AGES, values)]
