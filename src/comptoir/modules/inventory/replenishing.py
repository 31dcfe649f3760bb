"""Replenishment: what stores should get, proposed from what they sell; accepted it is a transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

from comptoir.kernel.checking import Checks
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.inventory import checking
from comptoir.modules.inventory.contracts import (
    Proposal,
    ProposalFilter,
    ProposalId,
    ProposedRun,
    Quantity,
    ReplenishmentTerms,
    Spot,
    Transfer,
)
from comptoir.modules.inventory.errors import ProposalGone
from comptoir.modules.inventory.store import replenishing as store
from comptoir.modules.inventory.store.replenishing import Place
from comptoir.modules.inventory.transfers import create_transfer
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationFilter, LocationId, LocationKind, PoolId
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page

MAX_LINES = 500
MAX_ROWS = 5000
SOLD_DAYS = 28
_FILLED = (LocationKind.STORE, LocationKind.WAREHOUSE)


async def put_replenishment(tx: Tx, terms: ReplenishmentTerms) -> ReplenishmentTerms:
    """Of one location, or of a pool. Raises Invalid, UnknownLocation and UnknownPool."""
    checks = Checks()
    checks.require("location_id", (terms.location_id is None) != (terms.pool_id is None), "or pool_id says whose they are")
    checks.require("source_id", terms.source_id != terms.location_id, "is another location")
    checks.whole("weeks", terms.weeks, 1, 52)
    checks.whole("cover_days", terms.cover_days, 1, 365)
    checks.whole("reorder_days", terms.reorder_days, 1, 365)
    checks.require("reorder_days", terms.reorder_days <= terms.cover_days, "is no more than cover_days")
    if terms.overstock_days is not None:
        checks.whole("overstock_days", terms.overstock_days, 1, 1000)
        checks.require("overstock_days", terms.overstock_days >= terms.cover_days, "is no less than cover_days")
    checks.whole("keep_days", terms.keep_days, 0, 365)
    checks.whole("quiet_days", terms.quiet_days, 0, 365)
    checks.done()
    await checking.known(tx, terms.source_id, *([] if terms.location_id is None else [terms.location_id]))
    if terms.pool_id is not None:
        await locations.pool(tx, terms.pool_id)
    await store.put_terms(tx, terms)
    return terms


async def replenishment(reader: Reader) -> list[ReplenishmentTerms]:
    """Every location's and pool's that somebody has set."""
    return await store.terms(reader)


async def put_packs(tx: Tx, packs: Mapping[str, int]) -> None:
    """SKUs move in whole packs of so many units from now on; 1 is any number. Raises Invalid."""
    checks = Checks()
    checks.require("rows", 1 <= len(packs) <= MAX_ROWS, f"has 1 to {MAX_ROWS} rows")
    clean = [
        (checking.clean_sku(checks, f"rows[{n}].sku", sku), checks.whole(f"rows[{n}].multiple", units, 1, MAX_QUANTITY))
        for n, (sku, units) in enumerate(packs.items())
    ]
    checks.done()
    await store.put_packs(tx, sorted(dict(clean).items()))


async def packs(reader: Reader, skus: Sequence[str]) -> dict[str, int]:
    """How many units a pack of these SKUs has, of those that move in packs."""
    return await store.packs(reader, skus)


async def sold_daily(reader: Reader, skus: Sequence[str], now: datetime) -> dict[Spot, float]:
    """Units of these SKUs that each location sells and ships in a day, over the four weeks up to the last UTC midnight; where
    it sold none nothing is said. As proposals reckon, by entries of the ledger: who asks for the same day is told the same.
    """
    until = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    units = await store.sold(reader, skus, until - timedelta(days=SOLD_DAYS), until)
    return {spot: n / SOLD_DAYS for spot, n in units.items()}


async def places(reader: Reader) -> list[Place]:
    """Which locations are filled up from where, by their own terms or their first pool's, and which only give."""
    rows = [one for one in await store.terms(reader) if one.active]
    if not rows:
        return []
    known = {one.id: one async for one in locations.stream(reader, LocationFilter(active=True))}
    of: dict[LocationId, ReplenishmentTerms] = {}
    for terms in rows:
        if terms.pool_id is not None:
            for member in (await locations.pool(reader, PoolId(terms.pool_id))).members:
                place = known.get(member.id)
                if place is not None and place.kind is LocationKind.STORE:
                    of.setdefault(member.id, terms)
    of |= {terms.location_id: terms for terms in rows if terms.location_id is not None}
    filled = {
        key: terms
        for key, terms in of.items()
        if key in known and known[key].kind in _FILLED and terms.source_id in known and terms.source_id != key
    }
    keep: dict[LocationId, int] = {}
    weeks: dict[LocationId, int] = {}
    for terms in filled.values():
        keep[terms.source_id] = max(keep.get(terms.source_id, 0), terms.keep_days)
        weeks[terms.source_id] = max(weeks.get(terms.source_id, 0), terms.weeks)
    found = [
        Place(
            key,
            terms.source_id,
            terms.weeks * 7,
            terms.cover_days,
            terms.reorder_days,
            terms.overstock_days or 0,
            keep.get(key, 0),
        )
        for key, terms in filled.items()
    ]
    found += [Place(key, key, weeks[key] * 7, 0, 0, 0, units) for key, units in keep.items() if key not in filled]
    return sorted(found, key=lambda one: one.location_id)


async def propose(tx: Tx) -> int:
    """Thinks again about what every location should get; what was proposed and not decided on is replaced. Says how many
    proposals there are.
    """
    wanted = await places(tx)
    longest = max((one.days for one in wanted), default=0)
    return await store.propose(tx, wanted, tx.now - timedelta(days=longest))


async def proposed(reader: Reader, location_ids: Sequence[LocationId] = ()) -> list[ProposedRun]:
    """What is proposed, by destination and origin; of some locations: one of them at either end."""
    return await store.runs(reader, location_ids)


async def find_proposals(
    reader: Reader, wanted: ProposalFilter, *, sort: str = "lasts", limit: int = 50, cursor: str | None = None
) -> Page[Proposal]:
    """Sorts: sku, lasts, created, and each with a `-` before it."""
    return await store.LISTING.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def accept_proposals(tx: Tx, chosen: Mapping[ProposalId, int | None]) -> list[Transfer]:
    """Plans the transfers, one for each origin and destination; with so many units as somebody says, or as proposed.

    Raises Invalid, and ProposalGone where one of them is not proposed any more.
    """
    checks = Checks()
    checks.require("proposals", 1 <= len(chosen) <= MAX_LINES, f"are 1 to {MAX_LINES}")
    checks.require("proposals", all(units is None or 1 <= units <= MAX_QUANTITY for units in chosen.values()), "have units")
    checks.done()
    found = await _locked(tx, list(chosen))
    by_way: dict[tuple[LocationId, LocationId], list[tuple[Proposal, int]]] = {}
    for one in found:
        units = chosen[one.id] or one.quantity
        by_way.setdefault((one.from_location_id, one.to_location_id), []).append((one, units))
    made: list[Transfer] = []
    for (origin, target), rows in sorted(by_way.items()):
        lines = [Quantity(one.sku, units) for one, units in rows]
        transfer = await create_transfer(tx, origin, target, lines)
        await store.accepted(tx, [(one.id, units) for one, units in rows], transfer.id)
        made.append(transfer)
    return made


async def dismiss_proposals(tx: Tx, ids: Sequence[ProposalId]) -> int:
    """Nothing is proposed for these SKUs there for the quiet days of its terms. Raises Invalid and ProposalGone."""
    checks = Checks()
    checks.require("proposals", 1 <= len(set(ids)) <= MAX_LINES, f"are 1 to {MAX_LINES}")
    checks.done()
    found = await _locked(tx, ids)
    quiet = await _quiet(tx)
    untils = [tx.now + timedelta(days=quiet.get(one.to_location_id, 14)) for one in found]
    await store.dismissed(tx, found, untils)
    return len(found)


async def _quiet(reader: Reader) -> dict[LocationId, int]:
    terms = await store.terms(reader)
    days: dict[LocationId, int] = {}
    for one in terms:
        if one.pool_id is not None:
            for member in (await locations.pool(reader, PoolId(one.pool_id))).members:
                days.setdefault(member.id, one.quiet_days)
    return days | {one.location_id: one.quiet_days for one in terms if one.location_id is not None}


async def _locked(tx: Tx, ids: Sequence[ProposalId]) -> list[Proposal]:
    found = await store.lock(tx, sorted(set(ids)))
    gone = sorted(set(ids) - {one.id for one in found})
    if gone:
        raise ProposalGone(ids=gone)
    return found
