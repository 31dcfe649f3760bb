"""What is proposed to be moved: one statement over all locations and SKUs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory.contracts import (
    Proposal,
    ProposalFilter,
    ProposalId,
    ProposalState,
    ProposedRun,
    ReplenishmentTerms,
    Spot,
    TransferId,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_TERMS = "source_id, location_id, pool_id, active, weeks, cover_days, reorder_days, overstock_days, keep_days, quiet_days"

PROPOSE = """
WITH places AS MATERIALIZED (
  SELECT * FROM unnest(%(places)s::uuid[], %(sources)s::uuid[], %(days)s::int[], %(cover)s::int[], %(reorder)s::int[],
    %(overstock)s::int[], %(keep)s::int[])
    AS p (location_id, source_id, days, cover, reorder, overstock, keep)
), sold AS MATERIALIZED (
  SELECT e.sku, e.location_id, -sum(e.on_hand)::bigint AS units
  FROM inventory.entries e JOIN places p ON p.location_id = e.location_id
  WHERE e.at >= %(since)s AND e.kind IN ('sold', 'shipped') AND e.at >= %(now)s - make_interval(days => p.days)
  GROUP BY e.sku, e.location_id
), planned AS MATERIALIZED (
  SELECT sku, location_id, sum(arriving)::bigint AS arriving, sum(leaving)::bigint AS leaving FROM (
    SELECT l.sku, t.to_location_id AS location_id, l.quantity AS arriving, 0 AS leaving
    FROM inventory.transfers t JOIN inventory.transfer_lines l ON l.transfer_id = t.id WHERE t.state = 'draft'
    UNION ALL
    SELECT l.sku, t.from_location_id, 0, l.quantity
    FROM inventory.transfers t JOIN inventory.transfer_lines l ON l.transfer_id = t.id WHERE t.state = 'draft'
  ) d GROUP BY sku, location_id
), shelves AS MATERIALIZED (
  SELECT l.sku, p.*, l.safety, l.on_hand - l.reserved - l.damaged - l.quality AS free,
    l.incoming + coalesce(d.arriving, 0) AS incoming, coalesce(d.leaving, 0) AS leaving,
    greatest(coalesce(s.units, 0), 0) AS sold, coalesce(k.multiple, 1) AS multiple
  FROM inventory.levels l JOIN places p ON p.location_id = l.location_id
  LEFT JOIN sold s ON s.sku = l.sku AND s.location_id = l.location_id
  LEFT JOIN planned d ON d.sku = l.sku AND d.location_id = l.location_id
  LEFT JOIN inventory.packs k ON k.sku = l.sku
  WHERE l.on_hand > 0 OR s.units > 0 OR l.safety > 0
), needs AS MATERIALIZED (
  SELECT n.*, sum(n.want) OVER w AS high
  FROM (
    SELECT sku, location_id, source_id, sold, days, free, incoming, multiple,
      ceil(((sold * cover + days - 1) / days + safety - free - incoming + leaving)::numeric / multiple)::bigint * multiple
        AS want
    FROM shelves s
    WHERE cover > 0 AND source_id <> location_id AND free + incoming - leaving < (sold * reorder + days - 1) / days + safety
      AND NOT EXISTS (
        SELECT FROM inventory.dismissals x WHERE x.to_location_id = s.location_id AND x.sku = s.sku AND x.until > %(now)s)
  ) n WHERE n.want > 0
  WINDOW w AS (PARTITION BY n.sku, n.source_id
    ORDER BY n.free::numeric * n.days / nullif(n.sold, 0) NULLS FIRST, n.location_id)
), spares AS MATERIALIZED (
  SELECT d.*, sum(d.units) OVER (PARTITION BY d.sku, d.source_id ORDER BY d.rank, d.units DESC, d.location_id) AS high
  FROM (
    SELECT sku, location_id, location_id AS source_id, 0 AS rank,
      (free - leaving - safety - (sold * keep + days - 1) / days) / multiple * multiple AS units
    FROM shelves WHERE location_id IN (SELECT source_id FROM places)
    UNION ALL
    SELECT sku, location_id, source_id, 1,
      (free - leaving - safety - (sold * overstock + days - 1) / days) / multiple * multiple
    FROM shelves WHERE overstock > 0 AND location_id <> source_id AND location_id NOT IN (SELECT source_id FROM places)
  ) d WHERE d.units > 0 AND d.sku IN (SELECT sku FROM needs)
), shared AS (
  SELECT n.sku, d.location_id AS from_id, n.location_id AS to_id, n.sold, n.days, n.free, n.incoming, n.want,
    least(n.high, d.high) - greatest(n.high - n.want, d.high - d.units) AS units
  FROM needs n JOIN spares d ON d.sku = n.sku AND d.source_id = n.source_id
    AND n.high - n.want < d.high AND d.high - d.units < n.high
)
INSERT INTO inventory.proposals (id, from_location_id, to_location_id, sku, quantity, state, sold, days, free, incoming, wanted,
  created_at)
SELECT uuidv7(), from_id, to_id, sku, units::int, 'open', sold::int, days, free, incoming::int, want::int, %(now)s
FROM shared WHERE units > 0 AND units <= 2147483647"""
"""See `replenishment_domain`: `need` is what `needs` finds, `spare` what `spares` does, and who shares with whom is where the
running sums of both overlap. The source comes first, then whoever has most; whoever runs out first is served first."""


@dataclass(frozen=True, slots=True)
class Place:
    """A location that is filled up, or one that only gives (`cover` 0)."""

    location_id: LocationId
    source_id: LocationId
    days: int
    cover: int
    reorder: int
    overstock: int
    """0 where it gives nothing."""
    keep: int


def _terms(row: TupleRow) -> ReplenishmentTerms:
    source_id, location_id, pool_id, active, weeks, cover, reorder, overstock, keep, quiet = row
    return ReplenishmentTerms(
        source_id=source_id,
        location_id=location_id,
        pool_id=pool_id,
        active=active,
        weeks=weeks,
        cover_days=cover,
        reorder_days=reorder,
        overstock_days=overstock,
        keep_days=keep,
        quiet_days=quiet,
    )


async def terms(reader: Reader) -> list[ReplenishmentTerms]:
    return [_terms(row) for row in await reader.rows(f"SELECT {_TERMS} FROM inventory.replenishment_terms ORDER BY id")]


async def put_terms(tx: Tx, terms: ReplenishmentTerms) -> None:
    await tx.run(
        f"""
        INSERT INTO inventory.replenishment_terms (id, {_TERMS})
        VALUES (%(id)s, %(source)s, %(location)s, %(pool)s, %(active)s, %(weeks)s, %(cover)s, %(reorder)s, %(overstock)s,
          %(keep)s, %(quiet)s)
        ON CONFLICT (location_id, pool_id) DO UPDATE SET source_id = excluded.source_id, active = excluded.active,
          weeks = excluded.weeks, cover_days = excluded.cover_days, reorder_days = excluded.reorder_days,
          overstock_days = excluded.overstock_days, keep_days = excluded.keep_days, quiet_days = excluded.quiet_days""",
        {
            "id": uuid7(),
            "source": terms.source_id,
            "location": terms.location_id,
            "pool": terms.pool_id,
            "active": terms.active,
            "weeks": terms.weeks,
            "cover": terms.cover_days,
            "reorder": terms.reorder_days,
            "overstock": terms.overstock_days,
            "keep": terms.keep_days,
            "quiet": terms.quiet_days,
        },
    )


async def sold(reader: Reader, skus: Sequence[str], since: datetime, until: datetime) -> dict[Spot, int]:
    """Of these SKUs, by where they left; what came back in that time is not taken off."""
    rows = await reader.rows(
        """
        SELECT sku, location_id, -sum(on_hand)::bigint FROM inventory.entries
        WHERE sku = ANY(%(skus)s::text[]) AND kind IN ('sold', 'shipped') AND at >= %(since)s AND at < %(until)s
        GROUP BY sku, location_id""",
        {"skus": arrays.texts(skus), "since": since, "until": until},
    )
    return {(sku, LocationId(place)): units for sku, place, units in rows if units > 0}


async def put_packs(tx: Tx, packs: Sequence[tuple[str, int]]) -> None:
    """A pack of one is none."""
    await tx.run(
        """
        WITH rows AS (SELECT * FROM unnest(%(skus)s::text[], %(multiples)s::int[]) AS r (sku, multiple)),
        gone AS (DELETE FROM inventory.packs p USING rows r WHERE p.sku = r.sku AND r.multiple = 1)
        INSERT INTO inventory.packs (sku, multiple) SELECT sku, multiple FROM rows WHERE multiple > 1
        ON CONFLICT (sku) DO UPDATE SET multiple = excluded.multiple""",
        {"skus": arrays.texts([sku for sku, _ in packs]), "multiples": arrays.int4s([n for _, n in packs])},
    )


async def packs(reader: Reader, skus: Sequence[str]) -> dict[str, int]:
    """Of those that move in packs."""
    return dict(
        await reader.rows(
            "SELECT sku, multiple FROM inventory.packs WHERE sku = ANY(%(skus)s::text[])", {"skus": arrays.texts(skus)}
        )
    )


def _values(places: Sequence[Place], since: datetime, now: datetime) -> dict[str, object]:
    return {
        "places": arrays.uuids([one.location_id for one in places]),
        "sources": arrays.uuids([one.source_id for one in places]),
        "days": arrays.int4s([one.days for one in places]),
        "cover": arrays.int4s([one.cover for one in places]),
        "reorder": arrays.int4s([one.reorder for one in places]),
        "overstock": arrays.int4s([one.overstock for one in places]),
        "keep": arrays.int4s([one.keep for one in places]),
        "since": since,
        "now": now,
    }


async def propose(tx: Tx, places: Sequence[Place], since: datetime) -> int:
    """Replaces what is proposed; says how many proposals there are now."""
    await tx.run("DELETE FROM inventory.proposals WHERE state = 'open'")
    await tx.run("DELETE FROM inventory.dismissals WHERE until <= %(now)s", {"now": tx.now})
    return await tx.run(PROPOSE, _values(places, since, tx.now)) if places else 0


async def explain(tx: Tx, places: Sequence[Place], since: datetime) -> str:
    """How the database would go about it, for whoever looks at its plan."""
    rows = await tx.rows(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {PROPOSE}", _values(places, since, tx.now))
    return "\n".join(row[0] for row in rows)


_PROPOSAL = (
    "id, from_location_id, to_location_id, sku, quantity, state, sold, days, free, incoming, wanted, created_at, transfer_id"
)


def _proposal(row: TupleRow) -> Proposal:
    values = list(row)
    values[5] = ProposalState(values[5])
    return Proposal(*values)


LISTING = Listing(
    _PROPOSAL,
    "inventory.proposals",
    _proposal,
    sorts(
        ("sku", [Key("sku"), Key("id", KeyKind.ID)]),
        ("lasts", [Key("(free::bigint * days / greatest(sold, 1))", KeyKind.INTEGER), Key("id", KeyKind.ID)]),
        ("created", [Key("created_at", KeyKind.INSTANT), Key("id", KeyKind.ID)]),
    ),
)


def where(wanted: ProposalFilter) -> Where:
    where = Where()
    if wanted.states:
        where.add("state = ANY(%(states)s::text[])", states=arrays.texts(list(wanted.states)))
        if wanted.states == (ProposalState.OPEN,):
            where.add("state = 'open'")
    where.equal("from_location_id", wanted.from_location_id)
    where.equal("to_location_id", wanted.to_location_id)
    if wanted.location_ids:
        where.add(
            "(from_location_id = ANY(%(places)s) OR to_location_id = ANY(%(places)s))", places=arrays.uuids(wanted.location_ids)
        )
    return where


async def runs(reader: Reader, location_ids: Sequence[LocationId]) -> list[ProposedRun]:
    rows = await reader.rows(
        """
        SELECT from_location_id, to_location_id, count(*)::int, sum(quantity)::bigint, max(created_at) FROM inventory.proposals
        WHERE state = 'open' AND (cardinality(%(places)s::uuid[]) = 0 OR from_location_id = ANY(%(places)s)
          OR to_location_id = ANY(%(places)s))
        GROUP BY from_location_id, to_location_id ORDER BY count(*) DESC, to_location_id, from_location_id""",
        {"places": arrays.uuids(location_ids)},
    )
    return [ProposedRun(*row) for row in rows]


async def lock(tx: Tx, ids: Sequence[ProposalId]) -> list[Proposal]:
    """Those of these that are open, by id."""
    rows = await tx.rows(
        f"SELECT {_PROPOSAL} FROM inventory.proposals WHERE id = ANY(%(ids)s::uuid[]) AND state = 'open' "
        "ORDER BY id FOR UPDATE",
        {"ids": arrays.uuids(ids)},
    )
    return [_proposal(row) for row in rows]


async def accepted(tx: Tx, rows: Sequence[tuple[ProposalId, int]], transfer_id: TransferId) -> None:
    """With the units that go."""
    await tx.run(
        """
        UPDATE inventory.proposals p SET state = 'accepted', quantity = r.quantity, transfer_id = %(transfer)s
        FROM unnest(%(ids)s::uuid[], %(quantities)s::int[]) AS r (id, quantity) WHERE p.id = r.id""",
        {
            "ids": arrays.uuids([key for key, _ in rows]),
            "quantities": arrays.int4s([units for _, units in rows]),
            "transfer": transfer_id,
        },
    )


async def dismissed(tx: Tx, found: Sequence[Proposal], untils: Sequence[datetime]) -> None:
    await tx.run(
        "UPDATE inventory.proposals SET state = 'dismissed' WHERE id = ANY(%(ids)s::uuid[])",
        {"ids": arrays.uuids([one.id for one in found])},
    )
    await tx.run(
        """
        INSERT INTO inventory.dismissals (to_location_id, sku, until)
        SELECT location_id, sku, max(until) FROM unnest(%(places)s::uuid[], %(skus)s::text[], %(untils)s::timestamptz[])
          AS r (location_id, sku, until) GROUP BY location_id, sku
        ON CONFLICT (to_location_id, sku) DO UPDATE SET until = excluded.until""",
        {
            "places": arrays.uuids([one.to_location_id for one in found]),
            "skus": arrays.texts([one.sku for one in found]),
            "untils": list(untils),
        },
    )
