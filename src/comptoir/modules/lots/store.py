"""All the SQL of lots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from psycopg.rows import TupleRow

from comptoir.modules.fulfilment.contracts import FulfilmentId
from comptoir.modules.inventory.contracts import Spot, TransferId
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots.contracts import Carried, Finding, Lot, Move, Picked, Shelf, ShelfFilter, Terms, Tracks
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.routing.contracts import Withheld
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_SHELF = "s.sku, s.code, s.location_id, l.expires_on, l.blocked_at IS NOT NULL, s.on_hand, s.held, s.received_at"
_SHELVES = "lots.shelves s JOIN lots.lots l ON l.sku = s.sku AND l.code = s.code"
_CARRIED = ("transfer_id", "sku", "code", "sent", "received", "missing", "assumed", "read_out", "read_in")
_PICKED = ("fulfilment_id", "line_no", "sku", "code", "order_id", "location_id", "quantity", "at", "actor")


async def terms(reader: Reader, skus: Sequence[str]) -> dict[str, Terms]:
    rows = await reader.rows(
        "SELECT sku, tracks, shelf_life_left, transit_days FROM lots.terms WHERE sku = ANY(%(skus)s::text[])",
        {"skus": arrays.texts(skus)},
    )
    return {row[0]: Terms(row[0], Tracks(row[1]), row[2], row[3]) for row in rows}


async def put_terms(tx: Tx, rows: Sequence[Terms]) -> None:
    await tx.many(
        "INSERT INTO lots.terms (sku, tracks, shelf_life_left, transit_days) "
        "VALUES (%(sku)s, %(tracks)s, %(left)s, %(transit)s) ON CONFLICT (sku) DO UPDATE SET tracks = EXCLUDED.tracks, "
        "shelf_life_left = EXCLUDED.shelf_life_left, transit_days = EXCLUDED.transit_days",
        [
            {"sku": one.sku, "tracks": one.tracks.value, "left": one.shelf_life_left, "transit": one.transit_days}
            for one in rows
        ],
    )


async def drop_terms(tx: Tx, sku: str) -> None:
    await tx.run("DELETE FROM lots.terms WHERE sku = %(sku)s", {"sku": sku})


async def lot(reader: Reader, sku: str, code: str, *, lock: bool = False) -> Lot | None:
    row = await reader.row(
        "SELECT sku, code, expires_on, blocked_at, blocked_note FROM lots.lots WHERE sku = %(sku)s AND code = %(code)s"
        + (" FOR UPDATE" if lock else ""),
        {"sku": sku, "code": code},
    )
    return None if row is None else Lot(*row)


async def add_lot(tx: Tx, one: Lot) -> None:
    await tx.run(
        "INSERT INTO lots.lots (sku, code, expires_on, at) VALUES (%(sku)s, %(code)s, %(day)s, %(at)s) "
        "ON CONFLICT (sku, code) DO UPDATE SET expires_on = coalesce(lots.expires_on, EXCLUDED.expires_on)",
        {"sku": one.sku, "code": one.code, "day": one.expires_on, "at": tx.now},
    )


async def block(tx: Tx, sku: str, code: str, note: str, *, blocked: bool) -> None:
    await tx.run(
        "UPDATE lots.lots SET blocked_at = %(at)s, blocked_note = %(note)s WHERE sku = %(sku)s AND code = %(code)s",
        {"at": tx.now if blocked else None, "note": note, "sku": sku, "code": code},
    )


def _shelf(row: TupleRow) -> Shelf:
    return Shelf(*row)


async def shelves(reader: Reader, location_id: LocationId, skus: Sequence[str]) -> list[Shelf]:
    """That are not empty."""
    rows = await reader.rows(
        f"SELECT {_SHELF} FROM {_SHELVES} WHERE s.on_hand > 0 AND s.location_id = %(location)s "
        "AND s.sku = ANY(%(skus)s::text[])",
        {"location": location_id, "skus": arrays.texts(skus)},
    )
    return [_shelf(row) for row in rows]


async def shelf(reader: Reader, sku: str, code: str, location_id: LocationId) -> Shelf | None:
    row = await reader.row(
        f"SELECT {_SHELF} FROM {_SHELVES} WHERE s.sku = %(sku)s AND s.code = %(code)s AND s.location_id = %(location)s",
        {"sku": sku, "code": code, "location": location_id},
    )
    return None if row is None else _shelf(row)


async def spots(reader: Reader, after: Spot | None, limit: int, sku: str | None = None) -> list[Spot]:
    """Where lots lie, in the order in which levels are locked."""
    rows = await reader.rows(
        "SELECT DISTINCT sku, location_id FROM lots.shelves WHERE on_hand > 0 AND (%(own)s::text IS NULL OR sku = %(own)s) "
        "AND (%(sku)s::text IS NULL OR (sku, location_id) > (%(sku)s, %(location)s::uuid)) "
        "ORDER BY sku, location_id LIMIT %(limit)s",
        {"own": sku, "sku": after and after[0], "location": after and after[1], "limit": limit},
    )
    return [(row[0], row[1]) for row in rows]


async def post(tx: Tx, moves: Sequence[Move]) -> None:
    """Writes entries, and the shelves that they change; the levels of those are locked."""
    rows: list[Mapping[str, Any]] = [
        {**one._asdict(), "kind": one.kind.value, "at": tx.now, "actor": tx.actor} for one in moves if one.on_hand or one.held
    ]
    if not rows:
        return
    await tx.many(
        "INSERT INTO lots.entries "
        "(at, actor, kind, sku, code, location_id, on_hand, held, order_id, fulfilment_id, transfer_id, reason, note) "
        "VALUES (%(at)s, %(actor)s, %(kind)s, %(sku)s, %(code)s, %(location_id)s, %(on_hand)s, %(held)s, %(order_id)s, "
        "%(fulfilment_id)s, %(transfer_id)s, %(reason)s, %(note)s)",
        rows,
    )
    await tx.many(
        "INSERT INTO lots.shelves (sku, code, location_id, received_at, changed_at) "
        "VALUES (%(sku)s, %(code)s, %(location_id)s, %(at)s, %(at)s) ON CONFLICT DO NOTHING",
        rows,
    )
    await tx.many(
        "UPDATE lots.shelves SET on_hand = on_hand + %(on_hand)s, held = held + %(held)s, changed_at = %(at)s "
        "WHERE sku = %(sku)s AND code = %(code)s AND location_id = %(location_id)s",
        rows,
    )


async def add_pick(tx: Tx, one: Picked) -> None:
    await tx.run(
        f"INSERT INTO lots.picks ({', '.join(_PICKED)}) VALUES ({', '.join(f'%({name})s' for name in _PICKED)}) "
        "ON CONFLICT (fulfilment_id, line_no, sku, code) DO UPDATE SET quantity = picks.quantity + EXCLUDED.quantity",
        {name: getattr(one, name) for name in _PICKED},
    )


async def lessen_pick(tx: Tx, one: Picked, by: int) -> None:
    key = {"fulfilment": one.fulfilment_id, "line": one.line_no, "sku": one.sku, "code": one.code, "by": by}
    at = "fulfilment_id = %(fulfilment)s AND line_no = %(line)s AND sku = %(sku)s AND code = %(code)s"
    if by >= one.quantity:
        await tx.run(f"DELETE FROM lots.picks WHERE {at}", key)
    else:
        await tx.run(f"UPDATE lots.picks SET quantity = quantity - %(by)s WHERE {at}", key)


def _picked(row: TupleRow) -> Picked:
    return Picked(**dict(zip(_PICKED, row, strict=True)))


async def picks_of(
    reader: Reader, *, fulfilment_id: FulfilmentId | None = None, order_id: OrderId | None = None
) -> list[Picked]:
    """The latest first."""
    where, value = ("fulfilment_id", fulfilment_id) if order_id is None else ("order_id", order_id)
    rows = await reader.rows(
        f"SELECT {', '.join(_PICKED)} FROM lots.picks WHERE {where} = %(id)s ORDER BY at DESC, line_no, code", {"id": value}
    )
    return [_picked(row) for row in rows]


async def recalled_picks(reader: Reader, fulfilment_id: FulfilmentId) -> list[tuple[int, str, str, int]]:
    """(line, SKU, lot, units) of what was picked for it and is recalled."""
    rows = await reader.rows(
        "SELECT p.line_no, p.sku, p.code, p.quantity FROM lots.picks p JOIN lots.lots l ON l.sku = p.sku AND l.code = p.code "
        "WHERE p.fulfilment_id = %(id)s AND l.blocked_at IS NOT NULL ORDER BY p.line_no, p.code",
        {"id": fulfilment_id},
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


PICKS = Listing(
    ", ".join(f"p.{name}" for name in _PICKED),
    "lots.picks p",
    _picked,
    sorts(("oldest", [Key("p.at", KeyKind.INSTANT), Key("p.fulfilment_id", KeyKind.ID), Key("p.line_no", KeyKind.INTEGER)])),
)


def picks_where(sku: str, code: str) -> Where:
    where = Where()
    where.equal("p.sku", sku)
    where.equal("p.code", code)
    return where


LISTING = Listing(
    _SHELF,
    _SHELVES,
    _shelf,
    sorts(("sku", [Key("s.sku"), Key("s.code"), Key("s.location_id", KeyKind.ID)])),
)


def where(wanted: ShelfFilter) -> Where:
    where = Where()
    where.add("s.on_hand > 0")
    where.equal("s.sku", wanted.sku)
    where.equal("s.code", wanted.code)
    if wanted.location_ids is not None:
        where.add("s.location_id = ANY(%(lot_locations)s::uuid[])", lot_locations=arrays.uuids(wanted.location_ids))
    if wanted.expires_before is not None:
        where.add("l.expires_on < %(expires_before)s", expires_before=wanted.expires_before)
    if wanted.held:
        where.add("s.held > 0")
    return where


_WITHHELD = """
SELECT e.sku, e.location_id, e.code, l.expires_on, sum(e.held)::int,
  (array_agg(e.reason ORDER BY e.tx DESC, e.seq DESC) FILTER (WHERE e.held > 0))[1]
FROM lots.entries e JOIN lots.lots l ON l.sku = e.sku AND l.code = e.code
WHERE e.sku = ANY(%(skus)s::text[]) AND e.tx < %(tx)s::text::xid8
GROUP BY e.sku, e.location_id, e.code, l.expires_on HAVING sum(e.held) > 0
ORDER BY e.sku, e.location_id, l.expires_on, e.code
"""


async def withheld(reader: Reader, skus: Sequence[str], before: int) -> list[Withheld]:
    """What was kept from buyers before a transaction."""
    rows = await reader.rows(_WITHHELD, {"skus": arrays.texts(skus), "tx": before})
    return [Withheld(*row) for row in rows]


async def carried(reader: Reader, transfer_id: TransferId) -> list[Carried]:
    """The lots of a transfer, what expires first first."""
    rows = await reader.rows(
        "SELECT c.transfer_id, c.sku, c.code, c.sent, c.received, c.missing, c.assumed, c.read_out, c.read_in, "
        "l.expires_on, l.blocked_at IS NOT NULL FROM lots.carried c LEFT JOIN lots.lots l ON l.sku = c.sku AND l.code = c.code "
        "WHERE c.transfer_id = %(id)s ORDER BY c.sku, l.expires_on NULLS LAST, c.code = '', c.code",
        {"id": transfer_id},
    )
    return [Carried(*row) for row in rows]


async def under_way(reader: Reader, sku: str, code: str) -> list[Carried]:
    """The transfers that have units of a lot on the road."""
    rows = await reader.rows(
        "SELECT c.transfer_id, c.sku, c.code, c.sent, c.received, c.missing FROM lots.carried c "
        "WHERE c.sku = %(sku)s AND c.code = %(code)s AND c.sent > c.received + c.missing ORDER BY c.transfer_id",
        {"sku": sku, "code": code},
    )
    return [Carried(*row) for row in rows]


async def put_carried(tx: Tx, rows: Sequence[Carried]) -> None:
    await tx.many(
        f"INSERT INTO lots.carried ({', '.join(_CARRIED)}) VALUES ({', '.join(f'%({name})s' for name in _CARRIED)}) "
        "ON CONFLICT (transfer_id, sku, code) DO UPDATE "
        f"SET {', '.join(f'{name} = EXCLUDED.{name}' for name in _CARRIED[3:])}",
        [{name: getattr(one, name) for name in _CARRIED} for one in rows],
    )


async def add_read(tx: Tx, one: Carried) -> None:
    """Several people may scan at once."""
    await tx.run(
        "INSERT INTO lots.carried (transfer_id, sku, code, read_out, read_in) "
        "VALUES (%(transfer_id)s, %(sku)s, %(code)s, %(read_out)s, %(read_in)s) ON CONFLICT (transfer_id, sku, code) "
        "DO UPDATE SET read_out = carried.read_out + EXCLUDED.read_out, read_in = carried.read_in + EXCLUDED.read_in",
        {name: getattr(one, name) for name in ("transfer_id", "sku", "code", "read_out", "read_in")},
    )


async def stamps(reader: Reader, location_id: LocationId) -> dict[str, str]:
    """By SKU what changes whenever its lots at a location do, or one of them is recalled."""
    rows = await reader.rows(
        "SELECT s.sku, md5(string_agg(s.code || s.on_hand || s.held || coalesce(l.expires_on::text, '') || "
        "(l.blocked_at IS NOT NULL), ',' ORDER BY s.code)) "
        f"FROM {_SHELVES} WHERE s.location_id = %(location)s AND s.on_hand > 0 GROUP BY s.sku",
        {"location": location_id},
    )
    return dict(rows)


async def mend(tx: Tx, one: Finding) -> None:
    """The shelf is what the sum of its entries is; the level of it is locked."""
    await tx.run(
        "INSERT INTO lots.shelves (sku, code, location_id, received_at, changed_at) "
        "VALUES (%(sku)s, %(code)s, %(location)s, %(at)s, %(at)s) ON CONFLICT DO NOTHING",
        {"sku": one.sku, "code": one.code, "location": one.location_id, "at": tx.now},
    )
    await tx.run(
        "UPDATE lots.shelves s SET on_hand = greatest(0, e.on_hand), "
        "held = least(greatest(0, e.held), greatest(0, e.on_hand)), changed_at = %(at)s "
        "FROM (SELECT coalesce(sum(on_hand), 0)::int AS on_hand, coalesce(sum(held), 0)::int AS held "
        "FROM lots.entries WHERE sku = %(sku)s AND code = %(code)s AND location_id = %(location)s) e "
        "WHERE s.sku = %(sku)s AND s.code = %(code)s AND s.location_id = %(location)s",
        {"sku": one.sku, "code": one.code, "location": one.location_id, "at": tx.now},
    )


_FINDINGS = """
SELECT sku, code, location_id, found, expected FROM (
  SELECT coalesce(s.sku, e.sku) AS sku, coalesce(s.code, e.code) AS code, coalesce(s.location_id, e.location_id) AS location_id,
    coalesce(s.on_hand, 0) AS found, coalesce(e.on_hand, 0)::int AS expected,
    coalesce(s.on_hand, 0) <> coalesce(e.on_hand, 0) OR coalesce(s.held, 0) <> coalesce(e.held, 0) AS wrong
  FROM lots.shelves s FULL JOIN (
    SELECT sku, code, location_id, sum(on_hand) AS on_hand, sum(held) AS held FROM lots.entries GROUP BY sku, code, location_id
  ) e ON e.sku = s.sku AND e.code = s.code AND e.location_id = s.location_id
) f WHERE wrong
ORDER BY sku, code, location_id LIMIT %(limit)s
"""


async def findings(reader: Reader, limit: int) -> list[Finding]:
    return [Finding(*row) for row in await reader.rows(_FINDINGS, {"limit": limit})]


async def count(reader: Reader) -> int:
    return int(await reader.value("SELECT count(*) FROM lots.shelves WHERE on_hand > 0"))


async def days(reader: Reader, lots: Sequence[tuple[str, str]]) -> dict[tuple[str, str], date | None]:
    """By (SKU, lot) the last day."""
    rows = await reader.rows(
        "SELECT l.sku, l.code, l.expires_on FROM unnest(%(skus)s::text[], %(codes)s::text[]) AS w (sku, code) "
        "JOIN lots.lots l ON l.sku = w.sku AND l.code = w.code",
        {"skus": arrays.texts([one[0] for one in lots]), "codes": arrays.texts([one[1] for one in lots])},
    )
    return {(row[0], row[1]): row[2] for row in rows}
