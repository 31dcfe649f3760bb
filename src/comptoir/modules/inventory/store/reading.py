"""Reads of levels and ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import TupleRow

from comptoir.modules.inventory.contracts import (
    Arrival,
    EntryKind,
    LedgerEntry,
    LedgerFilter,
    Level,
    LevelFilter,
    LevelState,
    Spot,
    SpotLevel,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime import arrays
from comptoir.runtime.arrays import Packed
from comptoir.runtime.database import Reader
from comptoir.runtime.events import Position
from comptoir.runtime.paging import Key, KeyKind, Listing, Place, Sort, Where, sorts

Locations = Sequence[LocationId] | Packed
"""Ids, or ids that `arrays.uuids` has packed already: a surface packs a pool once and not for each question."""

_BUCKETS = "on_hand, reserved, safety, damaged, quality, incoming"
_AVAILABLE = "on_hand - reserved - safety - damaged - quality"
_FREE = "on_hand - reserved - damaged - quality"

_LEVELS_OF_SKU = f"SELECT sku, location_id, {_BUCKETS} FROM inventory.levels WHERE sku = %(sku)s ORDER BY location_id"

_LEVELS_OF_SKUS = f"""
SELECT sku, location_id, {_BUCKETS} FROM inventory.levels WHERE sku = ANY(%(skus)s::text[]) ORDER BY sku, location_id
"""

_LEVELS_AT = f"""
SELECT l.sku, l.location_id, {_BUCKETS} FROM inventory.levels l
JOIN unnest(%(skus)s::text[], %(locations)s::uuid[]) AS k (sku, location_id)
  ON l.sku = k.sku AND l.location_id = k.location_id
"""

_ONE = f"""
SELECT coalesce(sum(greatest(0, {_AVAILABLE})), 0)::bigint
FROM inventory.levels WHERE sku = %(sku)s AND location_id = ANY(%(pool)s::uuid[])
"""

_OF_POOL = f"""
SELECT sku, sum(greatest(0, {_AVAILABLE}))::bigint
FROM inventory.levels WHERE sku = ANY(%(skus)s::text[]) AND location_id = ANY(%(pool)s::uuid[])
GROUP BY sku
"""

_BEFORE = f"""
SELECT l.sku, l.location_id, {_AVAILABLE} - coalesce(e.since, 0)
FROM inventory.levels l LEFT JOIN (
  SELECT sku, location_id, sum({_AVAILABLE})::int AS since
  FROM inventory.entries WHERE sku = ANY(%(skus)s::text[]) AND tx >= %(tx)s::text::xid8
  GROUP BY sku, location_id
) e ON e.sku = l.sku AND e.location_id = l.location_id
WHERE l.sku = ANY(%(skus)s::text[])
"""

_BY_LOCATION = f"""
SELECT sku, location_id, {_AVAILABLE}
FROM inventory.levels WHERE sku = ANY(%(skus)s::text[]) AND location_id = ANY(%(pool)s::uuid[])
ORDER BY sku, location_id
"""


_PACKED = f"""
SELECT sku, string_agg(uuid_send(location_id) || int4send({_AVAILABLE}), ''::bytea)
FROM inventory.levels WHERE sku = ANY(%(skus)s::text[]) AND {_AVAILABLE} > 0
GROUP BY sku
"""
"""A row for each location would take ten times as long to take in; joined with a pool, a plan for any pool multiplies them."""


def _spot_level(row: TupleRow) -> SpotLevel:
    return SpotLevel(row[0], row[1], Level(*row[2:]))


def packed(locations: Locations) -> Packed:
    return locations if isinstance(locations, Packed) else arrays.uuids(locations)


async def available_before(reader: Reader, skus: Sequence[str], tx: int) -> dict[Spot, int]:
    rows = await reader.rows(_BEFORE, {"skus": arrays.texts(skus), "tx": tx})
    return {(sku, location_id): units for sku, location_id, units in rows}


async def available_packed(reader: Reader, skus: Sequence[str]) -> list[tuple[str, bytes]]:
    """For each SKU that there is anywhere, location by location: 16 bytes of its id, and the units as 4, in network order."""
    return [(sku, bytes(packed)) for sku, packed in await reader.rows(_PACKED, {"skus": arrays.texts(skus)})]


async def levels_of_sku(reader: Reader, sku: str) -> list[SpotLevel]:
    return [_spot_level(row) for row in await reader.rows(_LEVELS_OF_SKU, {"sku": sku})]


async def levels_of_skus(reader: Reader, skus: Sequence[str]) -> list[SpotLevel]:
    return [_spot_level(row) for row in await reader.rows(_LEVELS_OF_SKUS, {"skus": arrays.texts(skus)})]


async def levels_at(reader: Reader, spots: Sequence[Spot]) -> dict[Spot, Level]:
    params = {"skus": arrays.texts([s[0] for s in spots]), "locations": arrays.uuids([s[1] for s in spots])}
    return {(row[0], row[1]): Level(*row[2:]) for row in await reader.rows(_LEVELS_AT, params)}


async def available_one(reader: Reader, sku: str, pool: Locations) -> int:
    return await reader.value(_ONE, {"sku": sku, "pool": packed(pool)})


async def available_of_pool(reader: Reader, skus: Sequence[str], pool: Locations) -> dict[str, int]:
    """Only SKUs that have a level in the pool are there."""
    return dict(await reader.rows(_OF_POOL, {"skus": arrays.texts(skus), "pool": packed(pool)}))


async def available_by_location(reader: Reader, skus: Sequence[str], pool: Locations) -> list[tuple[str, LocationId, int]]:
    rows = await reader.rows(_BY_LOCATION, {"skus": arrays.texts(skus), "pool": packed(pool)})
    return [(sku, location, available) for sku, location, available in rows]


# Lists of levels

_SPOT_KEYS = (Key("sku"), Key("location_id", KeyKind.ID))

LEVELS = Listing(
    f"sku, location_id, {_BUCKETS}",
    "inventory.levels",
    _spot_level,
    sorts(
        ("sku", _SPOT_KEYS),
        ("location", (Key("location_id", KeyKind.ID), Key("sku"))),
        ("available", (Key(f"({_AVAILABLE})::bigint", KeyKind.INTEGER), *_SPOT_KEYS)),
        ("on_hand", (Key("on_hand::bigint", KeyKind.INTEGER), *_SPOT_KEYS)),
        ("reserved", (Key("reserved::bigint", KeyKind.INTEGER), *_SPOT_KEYS)),
        ("incoming", (Key("incoming::bigint", KeyKind.INTEGER), *_SPOT_KEYS)),
    ),
)

_STATES = {
    LevelState.OUT: f"{_FREE} <= 0",
    LevelState.LOW: f"{_FREE} > 0 AND {_FREE} <= safety",
    LevelState.NEGATIVE: "on_hand < 0",
    LevelState.OVERSOLD: "reserved > greatest(0, on_hand - damaged - quality)",
    LevelState.INCOMING: "incoming > 0",
    LevelState.ASIDE: "damaged + quality > 0",
}


def _where_spots(where: Where, skus: Sequence[str] | None, location_ids: Sequence[LocationId] | None) -> None:
    """One of them is written as an equation, which lets an index give the order of the rows as well."""
    if skus is not None and len(skus) == 1:
        where.equal("sku", skus[0])
    elif skus is not None:
        where.add("sku = ANY(%(skus)s::text[])", skus=arrays.texts(skus))
    if location_ids is not None and len(location_ids) == 1:
        where.equal("location_id", location_ids[0])
    elif location_ids is not None:
        where.add("location_id = ANY(%(location_ids)s::uuid[])", location_ids=arrays.uuids(location_ids))


def where_levels(wanted: LevelFilter) -> Where:
    where = Where()
    _where_spots(where, wanted.skus, wanted.location_ids)
    where.begins("sku", wanted.sku_begins)
    if wanted.state is not None:
        where.add(f"({_STATES[wanted.state]})")
    return where


# The ledger, newest first

_CAUSES = "order_id, hold_id, shipment_id, return_id, transfer_id, supply_id, count_id, import_id"
_TX = "tx::text::bigint"


def _entry(row: TupleRow) -> LedgerEntry:
    return LedgerEntry(row[0], row[1], row[2], EntryKind(row[3]), row[4], row[5], Level(*row[6:12]), *row[12:])


class _LedgerSort(Sort):
    """By (tx, seq), as the primary key has it; only the cursor holds the transaction as a number.

    The columns are named with their table: a bare `tx` would be the number that is selected, by which no index is sorted.
    """

    def order_by(self, *, backwards: bool) -> str:
        way = "DESC" if self.descending != backwards else "ASC"
        return f"e.tx {way}, e.seq {way}"


@dataclass(slots=True)
class _LedgerWhere(Where):
    def beyond(self, sort: Sort, place: Place) -> Where:
        sign = "<" if sort.descending != place.backwards else ">"
        sign += "=" if place.inclusive else ""
        tx, seq = place.values
        params = self.params | {"tx": str(tx), "seq": seq}
        return Where([*self.conditions, f"(e.tx, e.seq) {sign} (%(tx)s::text::xid8, %(seq)s::bigint)"], params)


_LEDGER_KEYS = (Key(_TX, KeyKind.INTEGER), Key("seq", KeyKind.INTEGER))

LEDGER = Listing(
    f"{_TX}, seq, at, kind, sku, location_id, {_BUCKETS}, actor, {_CAUSES}, reason, note",
    "inventory.entries AS e",
    _entry,
    {
        "newest": _LedgerSort("newest", _LEDGER_KEYS, descending=True),
        "oldest": _LedgerSort("oldest", _LEDGER_KEYS),
    },
)


_AT_LOCATIONS = "ARRAY[location_id] && %(location_ids)s::uuid[]"
"""As `entries_location` has it: `location_id = …` would walk back through the ledger until it has found a page."""


def where_ledger(wanted: LedgerFilter) -> Where:
    where = _LedgerWhere()
    if wanted.skus is None and wanted.location_ids is not None:
        where.add(_AT_LOCATIONS, location_ids=arrays.uuids(wanted.location_ids))
    else:
        _where_spots(where, wanted.skus, wanted.location_ids)
    if wanted.kinds is not None:
        where.add("kind = ANY(%(kinds)s::text[])", kinds=arrays.texts([str(kind) for kind in wanted.kinds]))
    where.equal("order_id", wanted.order_id)
    where.equal("transfer_id", wanted.transfer_id)
    where.equal("count_id", wanted.count_id)
    where.equal("supply_id", wanted.supply_id)
    if wanted.since is not None:
        where.add("at >= %(since)s", since=wanted.since)
    if wanted.until is not None:
        where.add("at < %(until)s", until=wanted.until)
    return where


# What changed since

_READ_ENTRIES = """
SELECT e.tx::text::bigint, e.seq, e.sku, e.location_id
FROM inventory.entries e
WHERE (e.tx, e.seq) > (%(tx)s::text::xid8, %(seq)s) AND e.tx < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY e.tx, e.seq
LIMIT %(limit)s
"""

_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1"

_MAX_SEQ = 2**63 - 1


async def entries_after(reader: Reader, position: Position, limit: int) -> list[tuple[int, int, str, LocationId]]:
    """Rows of (tx, seq, SKU, location) in the order of commit, as far as that is settled."""
    rows = await reader.rows(_READ_ENTRIES, {"tx": str(position.tx), "seq": position.seq, "limit": limit})
    return [(tx, seq, sku, location) for tx, seq, sku, location in rows]


async def horizon(reader: Reader) -> Position:
    return Position(int(await reader.value(_HORIZON)), _MAX_SEQ)


# What will come

_ARRIVALS = """
SELECT sku, location_id, expected_on, quantity - received - cancelled
FROM inventory.supplies
WHERE received + cancelled < quantity AND sku = ANY(%(skus)s::text[]) AND (%(all)s OR location_id = ANY(%(pool)s::uuid[]))
UNION ALL
SELECT l.sku, t.to_location_id, NULL, l.quantity + l.surplus - l.unsent - l.received - l.missing
FROM inventory.transfers t JOIN inventory.transfer_lines l ON l.transfer_id = t.id
WHERE t.state IN ('in_transit', 'partly_received') AND l.received + l.missing + l.unsent < l.quantity + l.surplus
  AND l.sku = ANY(%(skus)s::text[]) AND (%(all)s OR t.to_location_id = ANY(%(pool)s::uuid[]))
ORDER BY 1, 3 NULLS FIRST, 2
"""


async def arrivals(reader: Reader, skus: Sequence[str], locations: Locations | None) -> list[Arrival]:
    params = {"skus": arrays.texts(skus), "all": locations is None, "pool": packed(locations or ())}
    return [Arrival(*row) for row in await reader.rows(_ARRIVALS, params)]


# What a cache must forget

_CHANGED = """
WITH latest AS MATERIALIZED (
  SELECT tx, sku FROM inventory.entries WHERE tx >= %(xmin)s::text::xid8 ORDER BY tx, seq LIMIT %(limit)s
)
SELECT pg_current_snapshot()::text, (SELECT count(*) FROM latest), (
  SELECT array_agg(DISTINCT sku) FROM latest WHERE NOT pg_visible_in_snapshot(tx, %(snapshot)s::text::pg_snapshot)
)
"""
"""A transaction that has been open for long holds `xmin` back: then `latest` has entries that were known already as well, and
the limit keeps the look short."""

_SNAPSHOT = "SELECT pg_current_snapshot()::text"


async def snapshot(reader: Reader) -> str:
    return str(await reader.value(_SNAPSHOT))


async def changed_skus(reader: Reader, since: str, limit: int) -> tuple[str, list[str] | None]:
    """The snapshot now, and the SKUs of entries that have become visible since `since`; None when there are too many."""
    xmin = since.partition(":")[0]
    row = await reader.row(_CHANGED, {"xmin": xmin, "snapshot": since, "limit": limit})
    assert row is not None, "a row of aggregates is always there"
    now, found, skus = row
    return now, None if found == limit else skus or []
