"""Where stock is: locations, and the pools of them that channels sell from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import psycopg.errors

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.kernel.time import time_zone
from comptoir.modules.locations import domain, store
from comptoir.modules.locations.contracts import (
    Location,
    LocationChanged,
    LocationDraft,
    LocationFilter,
    LocationId,
    OpeningHours,
    Pool,
    PoolChanged,
    PoolDraft,
    PoolId,
    PoolSummary,
    Postcode,
    Upserted,
)
from comptoir.modules.locations.domain import MAX_PRIORITY, PoolGeometry, distance_km, hours_from_json, hours_to_json, rank
from comptoir.modules.locations.errors import LocationCodeTaken, PoolCodeTaken, UnknownLocation, UnknownPool
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Count, Page, Where

__all__ = ["MAX_PRIORITY", "PoolGeometry", "distance_km", "hours_from_json", "hours_to_json", "rank"]

_CHUNK = 5000


def check(draft: LocationDraft) -> LocationDraft:
    """The draft with clean values; raises Invalid. Bulks use it to refuse rows one by one before they `upsert` the others."""
    checks = Checks()
    clean = domain.checked(draft, checks)
    checks.done()
    return clean


async def create(tx: Tx, draft: LocationDraft) -> Location:
    """Raises Invalid and LocationCodeTaken."""
    clean = check(draft)
    made = await store.insert(tx, clean)
    if made is None:
        raise LocationCodeTaken(code=clean.code)
    tx.emit(LocationChanged(location_id=made.id, code=made.code, created=True))
    return made


async def update(tx: Tx, location_id: LocationId, draft: LocationDraft, *, version: int | None = None) -> Location:
    """The location as the draft has it. `version` is the one that the caller decided on; None is whichever.

    Raises Invalid, UnknownLocation, Stale and LocationCodeTaken.
    """
    clean = check(draft)
    try:
        changed = await store.update(tx, location_id, clean, version)
    except psycopg.errors.UniqueViolation as problem:
        raise LocationCodeTaken(code=clean.code) from problem
    if changed is None:
        there = await get(tx, location_id)
        raise Stale(kind="location", id=location_id, version=there.version)
    tx.emit(LocationChanged(location_id=location_id, code=changed.code))
    return changed


async def upsert(tx: Tx, drafts: Sequence[LocationDraft]) -> Upserted:
    """All of them, by code; of two with one code, the later. Raises Invalid, with paths such as `[12].country`."""
    checks = Checks()
    clean = {d.code: d for d in [domain.checked(draft, checks.at(f"[{n}].")) for n, draft in enumerate(drafts)]}
    checks.done()
    rows = [clean[code] for code in sorted(clean)]
    created = changed = 0
    for begin in range(0, len(rows), _CHUNK):
        for location_id, code, new in await store.upsert(tx, rows[begin : begin + _CHUNK]):
            created += new
            changed += not new
            tx.emit(LocationChanged(location_id=location_id, code=code, created=new))
    return Upserted(created, changed, len(rows) - created - changed)


async def get(reader: Reader, location_id: LocationId) -> Location:
    found = await store.get(reader, location_id)
    if found is None:
        raise UnknownLocation(kind="location", id=location_id)
    return found


async def by_code(reader: Reader, code: str) -> Location:
    found = await store.by_codes(reader, [code])
    if not found:
        raise UnknownLocation(kind="location", code=code)
    return found[0]


async def ids(reader: Reader, codes: Sequence[str]) -> dict[str, LocationId]:
    """The ids of those codes that there are."""
    return await store.ids(reader, codes)


async def names(reader: Reader, ids: Sequence[LocationId]) -> dict[LocationId, tuple[str, str]]:
    """Code and name of those that there are, for showing."""
    return await store.names(reader, ids)


async def third_parties(reader: Reader, ids: Sequence[LocationId]) -> set[LocationId]:
    """Those of them that somebody else runs."""
    return await store.third_parties(reader, ids)


async def find(
    reader: Reader, wanted: LocationFilter, *, sort: str = "code", limit: int = 50, cursor: str | None = None
) -> Page[Location]:
    """Sorts: code, name, city, kind, and each with a `-` before it."""
    return await store.LISTING.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: LocationFilter) -> Count:
    return await store.LISTING.count(reader, store.where(wanted))


def stream(reader: Reader, wanted: LocationFilter, *, sort: str = "code") -> AsyncIterator[Location]:
    """Every one of them, in order, for exports."""
    return store.LISTING.stream(reader, store.where(wanted), sort=sort)


def is_open(location: LocationDraft, at: datetime) -> bool:
    return domain.is_open(location.opening_hours, time_zone(location.time_zone), at)


def next_opening(location: LocationDraft, at: datetime) -> datetime | None:
    """From when on somebody can be served there: `at` itself when it is open, None where it never is."""
    return opens_at(location.opening_hours, location.time_zone, at)


def opens_at(hours: OpeningHours, zone: str, at: datetime) -> datetime | None:
    """The next opening, for whoever knows the hours and the time zone alone."""
    return domain.next_opening(hours, time_zone(zone), at)


async def create_pool(tx: Tx, draft: PoolDraft) -> Pool:
    """Raises Invalid (also for locations that do not exist) and PoolCodeTaken."""
    clean = await _checked_pool(tx, draft)
    pool_id = await store.insert_pool(tx, clean)
    if pool_id is None:
        raise PoolCodeTaken(code=clean.code)
    await store.replace_members(tx, pool_id, clean.members)
    tx.emit(PoolChanged(pool_id=pool_id, code=clean.code, created=True))
    return await pool(tx, pool_id)


async def update_pool(tx: Tx, pool_id: PoolId, draft: PoolDraft, *, version: int | None = None) -> Pool:
    """The pool as the draft has it, if it is not so already. Raises Invalid, UnknownPool, Stale and PoolCodeTaken."""
    clean = await _checked_pool(tx, draft)
    there = await store.lock_pool(tx, pool_id)
    if there is None:
        raise UnknownPool(kind="pool", id=pool_id)
    if version is not None and there != version:
        raise Stale(kind="pool", id=pool_id, version=there)
    try:
        renamed = await store.rename_pool(tx, pool_id, clean.code, clean.name)
    except psycopg.errors.UniqueViolation as problem:
        raise PoolCodeTaken(code=clean.code) from problem
    if await store.replace_members(tx, pool_id, clean.members) or renamed:
        await store.bump_pool(tx, pool_id)
        tx.emit(PoolChanged(pool_id=pool_id, code=clean.code))
    return await pool(tx, pool_id)


async def put_pool(tx: Tx, draft: PoolDraft) -> Pool:
    """The pool of that code as the draft has it, new or not."""
    there = await store.pool_by_code(tx, draft.code.strip())
    return await create_pool(tx, draft) if there is None else await update_pool(tx, there.id, draft)


async def _checked_pool(tx: Tx, draft: PoolDraft) -> PoolDraft:
    checks = Checks()
    clean = domain.checked_pool(draft, checks)
    unknown = set(await store.missing(tx, [location for location, _ in clean.members]))
    for n, (location, _) in enumerate(clean.members):
        checks.require(f"members[{n}]", location not in unknown, "is no location")
    checks.done()
    return clean


async def pool(reader: Reader, pool_id: PoolId) -> Pool:
    found = await store.pool(reader, pool_id)
    if found is None:
        raise UnknownPool(kind="pool", id=pool_id)
    return found


async def pool_by_code(reader: Reader, code: str) -> Pool:
    found = await store.pool_by_code(reader, code)
    if found is None:
        raise UnknownPool(kind="pool", code=code)
    return found


async def find_pools(reader: Reader, *, sort: str = "code", limit: int = 50, cursor: str | None = None) -> Page[PoolSummary]:
    return await store.POOLS.page(reader, Where(), sort=sort, limit=limit, cursor=cursor)


async def pools_version(reader: Reader) -> int:
    """Grows whenever any pool, or any location in one, is changed: what was read under the same number is still so."""
    return await store.stamp(reader)


async def put_postcodes(tx: Tx, rows: Sequence[Postcode]) -> int:
    """Where postcodes are; of two rows of one the later counts. Gives how many are new or differ now. Raises Invalid."""
    checks = Checks()
    clean = [domain.checked_postcode(row, checks.at(f"[{n}].")) for n, row in enumerate(rows)]
    checks.done()
    return await store.put_postcodes(tx, clean) if clean else 0


async def place_of(reader: Reader, country: str, postcode: str) -> tuple[float, float] | None:
    """(latitude, longitude) in degrees of the middle of a postcode; None where nobody has said where it is."""
    found = await store.postcode(reader, country.strip().upper(), domain.postcode(postcode))
    return None if found is None else (found.latitude, found.longitude)


async def places_of(reader: Reader, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, float] | None]:
    """As `place_of`, of many pairs of a country and a postcode at once."""
    asked = [(country.strip().upper(), domain.postcode(code)) for country, code in pairs]
    known = await store.places(reader, [country for country, _ in asked], [code for _, code in asked])
    return [known.get(pair) for pair in asked]
