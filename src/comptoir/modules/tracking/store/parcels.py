"""The SQL of parcels and their scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking.contracts import AccountId, Kind, Poll, Tracked, TrackedFilter, TrackedId
from comptoir.modules.tracking.domain.following import OLD_SCANS, digest_of
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts, storable
from comptoir.sdk.tracking import Scan, TrackingStatus

_FIELDS = tuple(field.name for field in fields(Tracked))
COLUMNS = ", ".join(_FIELDS)
_CHANGING = (
    "account_id", "carrier", "service", "tracking_number", "tracking_url", "status", "since", "last_at", "moved_at",
    "delivered_at", "attempts", "carrier_estimate", "estimated_on", "signed_by", "claimed", "delay_told", "next_poll_at",
    "polls",
)  # fmt: skip

_INSERT = f"""
INSERT INTO tracking.parcels ({COLUMNS}) VALUES ({", ".join(f"%({name})s" for name in _FIELDS)})
ON CONFLICT (shipment_id) DO NOTHING"""

_UPDATE = f"""
UPDATE tracking.parcels SET {", ".join(f"{name} = %({name})s" for name in _CHANGING)}, version = version + 1
WHERE id = %(id)s"""


def tracked(row: TupleRow) -> Tracked:
    values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    values |= {"kind": Kind(values["kind"]), "status": TrackingStatus(values["status"])}
    return Tracked(**values)


LISTING = Listing(
    COLUMNS,
    "tracking.parcels",
    tracked,
    sorts(
        ("shipped", [Key("shipped_at", KeyKind.INSTANT), Key("id", KeyKind.ID)]),
        ("number", [Key("order_number", KeyKind.INTEGER), Key("id", KeyKind.ID)]),
    ),
)

_LATE = """coalesce(CASE
  WHEN status = 'delivered' THEN (delivered_at AT TIME ZONE zone)::date > promised_on
  WHEN status IN ('available_for_pickup', 'returning', 'returned', 'lost', 'damaged', 'cancelled', 'expired') THEN false
  ELSE coalesce(estimated_on, (now() AT TIME ZONE zone)::date) > promised_on END, false)"""
"""What came, or is going to come, after the promised day."""


def where(wanted: TrackedFilter) -> Where:
    found = Where()
    if wanted.statuses:
        found.add("status = ANY(%(statuses)s::text[])", statuses=[status.value for status in wanted.statuses])
    found.equal("order_id", wanted.order_id)
    found.equal("carrier", wanted.carrier or None)
    found.equal("account_id", wanted.account_id)
    if wanted.locations:
        found.add("location_id = ANY(%(locations)s::uuid[])", locations=arrays.uuids(list(wanted.locations)))
    found.equal("channel", wanted.channel or None)
    found.equal("destination_country", wanted.destination_country or None)
    if wanted.shipped_from is not None:
        found.add("shipped_at >= %(shipped_from)s", shipped_from=wanted.shipped_from)
    if wanted.shipped_before is not None:
        found.add("shipped_at < %(shipped_before)s", shipped_before=wanted.shipped_before)
    if wanted.late is not None:
        found.add(_LATE if wanted.late else f"NOT {_LATE}")
    if wanted.stuck is not None:
        stuck = "EXISTS (SELECT FROM tracking.troubles t WHERE t.about = parcels.id AND t.resolved_at IS NULL)"
        found.add(stuck if wanted.stuck else f"NOT {stuck}")
    text = storable(wanted.search).strip()
    if text.isdecimal() and len(text) < 10:
        found.add("order_number = %(number)s", number=int(text))
    else:
        found.begins("tracking_number", text)
    return found


_LOOSE = """
WITH RECURSIVE known (word) AS (
  (SELECT {0} FROM tracking.parcels ORDER BY {0} LIMIT 1)
  UNION ALL
  SELECT (SELECT p.{0} FROM tracking.parcels p WHERE p.{0} > k.word ORDER BY p.{0} LIMIT 1)
  FROM known k WHERE k.word IS NOT NULL
) SELECT word FROM known WHERE word <> ''"""
"""The few values of a column with an index, from one to the next, without reading every parcel."""


async def carriers(reader: Reader) -> list[str]:
    return await reader.values(_LOOSE.format("carrier"))


async def countries(reader: Reader) -> list[str]:
    return await reader.values(_LOOSE.format("destination_country"))


async def insert(tx: Tx, parcels: Sequence[Tracked]) -> None:
    """What is there already, by its shipment, is left alone."""
    await tx.many(_INSERT, [_values(parcel, _FIELDS) for parcel in parcels])


async def update(tx: Tx, parcels: Sequence[Tracked]) -> None:
    await tx.many(_UPDATE, [_values(parcel, ("id", *_CHANGING)) for parcel in parcels])


def _values(parcel: Tracked, names: Sequence[str]) -> dict[str, object]:
    return {name: getattr(parcel, name) for name in names}


async def get(reader: Reader, tracked_id: TrackedId) -> Tracked | None:
    row = await reader.row(f"SELECT {COLUMNS} FROM tracking.parcels WHERE id = %(id)s", {"id": tracked_id})
    return None if row is None else tracked(row)


async def some(reader: Reader, ids: Sequence[TrackedId]) -> list[Tracked]:
    rows = await reader.rows(
        f"SELECT {COLUMNS} FROM tracking.parcels WHERE id = ANY(%(ids)s::uuid[])", {"ids": arrays.uuids(list(ids))}
    )
    return [tracked(row) for row in rows]


async def of_shipments(reader: Reader, ids: Sequence[Any]) -> list[Tracked]:
    rows = await reader.rows(
        f"SELECT {COLUMNS} FROM tracking.parcels WHERE shipment_id = ANY(%(ids)s::uuid[])", {"ids": arrays.uuids(list(ids))}
    )
    return [tracked(row) for row in rows]


async def of_order(reader: Reader, order_id: OrderId) -> list[Tracked]:
    rows = await reader.rows(
        f"SELECT {COLUMNS} FROM tracking.parcels WHERE order_id = %(id)s ORDER BY shipped_at, id", {"id": order_id}
    )
    return [tracked(row) for row in rows]


async def known_shipments(reader: Reader, ids: Sequence[Any]) -> set[Any]:
    return set(
        await reader.values(
            "SELECT shipment_id FROM tracking.parcels WHERE shipment_id = ANY(%(ids)s::uuid[])", {"ids": arrays.uuids(ids)}
        )
    )


async def lock(tx: Tx, ids: Sequence[TrackedId]) -> list[Tracked]:
    """In key order, so that two who want the same ones never wait for each other."""
    rows = await tx.rows(
        f"SELECT {COLUMNS} FROM tracking.parcels WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        {"ids": arrays.uuids(list(ids))},
    )
    return [tracked(row) for row in rows]


async def by_number(reader: Reader, account_id: AccountId, numbers: Sequence[str]) -> dict[str, TrackedId]:
    """Of parcels with the same number, the one that left last. Numbers are the account's own, or nobody's."""
    rows = await reader.rows(
        "SELECT DISTINCT ON (tracking_number) tracking_number, id FROM tracking.parcels "
        "WHERE tracking_number = ANY(%(numbers)s::text[]) AND tracking_number <> '' "
        "AND (account_id = %(account)s OR account_id IS NULL) "
        "ORDER BY tracking_number, account_id NULLS LAST, shipped_at DESC",
        {"numbers": arrays.texts(list(numbers)), "account": account_id},
    )
    return {row[0]: TrackedId(row[1]) for row in rows}


async def due(tx: Tx, limit: int) -> list[Poll]:
    """Parcels to ask about, put off for an hour: whoever dies while asking leaves them to the next round."""
    rows = await tx.rows(
        "UPDATE tracking.parcels SET next_poll_at = %(later)s::timestamptz + interval '1 hour' WHERE id = ANY(ARRAY("
        "SELECT p.id FROM tracking.parcels p JOIN tracking.accounts a ON a.id = p.account_id "
        "WHERE p.next_poll_at <= %(later)s AND a.active AND p.tracking_number <> '' "
        "ORDER BY p.next_poll_at LIMIT %(limit)s FOR UPDATE OF p SKIP LOCKED)) "
        "RETURNING id, account_id, tracking_number, service",
        {"later": tx.now, "limit": limit},
    )
    return [
        Poll(tracked_id=TrackedId(row[0]), account_id=AccountId(row[1]), tracking_number=row[2], service=row[3]) for row in rows
    ]


async def on_the_way(reader: Reader, after: TrackedId | None, shipped_after: datetime, limit: int) -> list[Tracked]:
    """Parcels without an end, by id: to be looked over for silence. Where no carrier tells us of one, silence says nothing."""
    rows = await reader.rows(
        f"SELECT {COLUMNS} FROM tracking.parcels WHERE kind = 'parcel' AND account_id IS NOT NULL AND tracking_number <> '' "
        "AND status NOT IN ('delivered', 'returned', 'lost', 'damaged', 'cancelled', 'expired') "
        "AND shipped_at >= %(since)s AND (%(after)s::uuid IS NULL OR id > %(after)s) ORDER BY id LIMIT %(limit)s",
        {"since": shipped_after, "after": after, "limit": limit},
    )
    return [tracked(row) for row in rows]


# Scans

_SCAN = "status, at, raw_code, detail, text, place, latitude, longitude, carrier_id"
SCAN_COLUMNS = tuple(_SCAN.split(", "))

_INSERT_SCAN = f"""
INSERT INTO tracking.scans (account_id, tracking_number, digest, {_SCAN}, seen_at)
VALUES (%(account_id)s, %(tracking_number)s, %(digest)s, %(status)s, %(at)s, %(raw_code)s, %(detail)s, %(text)s, %(place)s,
  %(latitude)s, %(longitude)s, %(carrier_id)s, %(now)s)
ON CONFLICT DO NOTHING"""

_DIGESTS = """
SELECT tracking_number, digest FROM tracking.scans
WHERE account_id = %(account)s AND tracking_number = ANY(%(numbers)s::text[])"""


async def add_scans(tx: Tx, account_id: AccountId, scans: Mapping[str, Sequence[Scan]]) -> set[str]:
    """Writes each scan once; gives the numbers of the parcels of which something was new."""
    known = {
        (row[0], row[1]) for row in await tx.rows(_DIGESTS, {"account": account_id, "numbers": arrays.texts(sorted(scans))})
    }
    fresh = {
        (number, digest_of(scan)): scan
        for number, own in sorted(scans.items())
        for scan in own
        if (number, digest_of(scan)) not in known
    }
    rows = [
        {
            "account_id": account_id,
            "tracking_number": number,
            "digest": digest,
            "status": scan.status.value,
            "at": scan.at,
            "raw_code": storable(scan.raw_code),
            "detail": storable(scan.detail),
            "text": storable(scan.text),
            "place": storable(scan.place),
            "latitude": scan.latitude,
            "longitude": scan.longitude,
            "carrier_id": storable(scan.id),
            "now": tx.now,
        }
        for (number, digest), scan in fresh.items()
    ]
    if rows:
        await tx.many(_INSERT_SCAN, rows)
    return {number for number, _ in fresh}


async def accounts_of(reader: Reader, numbers: Sequence[str]) -> dict[str, AccountId]:
    """The accounts that have told of parcels with these numbers."""
    rows = await reader.rows(
        "SELECT DISTINCT ON (tracking_number) tracking_number, account_id FROM tracking.scans "
        "WHERE account_id IN (SELECT id FROM tracking.accounts) AND tracking_number = ANY(%(numbers)s::text[]) "
        "ORDER BY tracking_number, seen_at DESC",
        {"numbers": arrays.texts(list(numbers))},
    )
    return {row[0]: AccountId(row[1]) for row in rows}


async def scans_of(reader: Reader, parcels: Sequence[Tracked]) -> dict[TrackedId, list[Scan]]:
    """What was scanned of each, without what was scanned long before it left, and what one of us wrote down."""
    known = [parcel for parcel in parcels if parcel.account_id is not None and parcel.tracking_number]
    result: dict[TrackedId, list[Scan]] = {parcel.id: [] for parcel in parcels}
    for tracked_id, scan, _ in await hand_scans(reader, [parcel.id for parcel in parcels]):
        result[tracked_id].append(scan)
    if not known:
        return result
    rows = await reader.rows(
        f"SELECT p.id, {', '.join('s.' + name.strip() for name in _SCAN.split(','))} "
        "FROM tracking.parcels p JOIN tracking.scans s "
        "ON s.account_id = p.account_id AND s.tracking_number = p.tracking_number AND s.at >= p.shipped_at - %(old)s "
        "WHERE p.id = ANY(%(ids)s::uuid[]) ORDER BY s.at, s.digest",
        {"ids": arrays.uuids([parcel.id for parcel in known]), "old": OLD_SCANS},
    )
    for row in rows:
        result[TrackedId(row[0])].append(scan_of(row[1:]))
    return result


def scan_of(row: TupleRow) -> Scan:
    """Of a row of `SCAN_COLUMNS`."""
    status, at, raw_code, detail, text, place, latitude, longitude, carrier_id = row
    return Scan(
        status=TrackingStatus(status),
        at=at,
        raw_code=raw_code,
        detail=detail,
        text=text,
        place=place,
        latitude=latitude,
        longitude=longitude,
        id=carrier_id,
    )


BY_HAND = "hand:"
"""How the id of a scan begins that one of us wrote down."""


async def hand_scans(reader: Reader, ids: Sequence[TrackedId]) -> list[tuple[TrackedId, Scan, str]]:
    """(parcel, scan, who wrote it down), from the first to the last."""
    rows = await reader.rows(
        "SELECT id, tracked_id, status, at, text, place, noted_by FROM tracking.hand_scans "
        "WHERE tracked_id = ANY(%(ids)s::uuid[]) ORDER BY at, id",
        {"ids": arrays.uuids(list(ids))},
    )
    return [
        (
            TrackedId(row[1]),
            Scan(status=TrackingStatus(row[2]), at=row[3], text=row[4], place=row[5], id=f"{BY_HAND}{row[0]}"),
            row[6],
        )
        for row in rows
    ]


async def add_hand_scan(tx: Tx, tracked_id: TrackedId, scan: Scan) -> None:
    await tx.run(
        "INSERT INTO tracking.hand_scans (id, tracked_id, status, at, text, place, noted_by, noted_at) "
        "VALUES (%(id)s, %(tracked)s, %(status)s, %(at)s, %(text)s, %(place)s, %(actor)s, %(now)s)",
        {
            "id": uuid7(),
            "tracked": tracked_id,
            "status": scan.status.value,
            "at": scan.at,
            "text": storable(scan.text),
            "place": storable(scan.place),
            "actor": tx.actor,
            "now": tx.now,
        },
    )


async def remove_hand_scan(tx: Tx, tracked_id: TrackedId, scan_id: UUID) -> bool:
    return bool(
        await tx.run(
            "DELETE FROM tracking.hand_scans WHERE id = %(id)s AND tracked_id = %(tracked)s",
            {"id": scan_id, "tracked": tracked_id},
        )
    )
