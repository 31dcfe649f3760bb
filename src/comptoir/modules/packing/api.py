"""The door to packing."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg.errors

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.packing import domain, store
from comptoir.modules.packing.contracts import Carton, CartonDraft, CartonFilter, CartonId, Load, Proposal
from comptoir.modules.packing.domain import MAX_COST, MAX_LENGTH, MAX_WEIGHT
from comptoir.modules.packing.errors import CartonCodeTaken, UnknownCarton
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page

__all__ = ["MAX_COST", "MAX_LENGTH", "MAX_WEIGHT"]


async def create(tx: Tx, draft: CartonDraft) -> Carton:
    """Raises Invalid and CartonCodeTaken."""
    clean = await _checked(tx, draft)
    made = await store.insert(tx, clean)
    if made is None:
        raise CartonCodeTaken(code=clean.code)
    return made


async def update(tx: Tx, carton_id: CartonId, draft: CartonDraft, *, version: int | None = None) -> Carton:
    """The carton as the draft has it. `version` is the one that the caller decided on; None is whichever.

    Raises Invalid, UnknownCarton, Stale and CartonCodeTaken.
    """
    clean = await _checked(tx, draft)
    try:
        changed = await store.update(tx, carton_id, clean, version)
    except psycopg.errors.UniqueViolation as problem:
        raise CartonCodeTaken(code=clean.code) from problem
    if changed is None:
        there = await get(tx, carton_id)
        raise Stale(kind="carton", id=carton_id, version=there.version)
    return changed


async def _checked(tx: Tx, draft: CartonDraft) -> CartonDraft:
    checks = Checks()
    clean = domain.checked(draft, checks)
    if clean.location_id is not None:
        known = await locations.names(tx, [clean.location_id])
        checks.require("location_id", clean.location_id in known, "is no location")
    checks.done()
    return clean


async def get(reader: Reader, carton_id: CartonId) -> Carton:
    found = await store.get(reader, carton_id)
    if found is None:
        raise UnknownCarton(kind="carton", id=carton_id)
    return found


async def find(
    reader: Reader, wanted: CartonFilter | None = None, *, sort: str = "code", limit: int = 50, cursor: str | None = None
) -> Page[Carton]:
    """Sorts: code, name, and each with a `-` before it."""
    return await store.LISTING.page(reader, store.where(wanted or CartonFilter()), sort=sort, limit=limit, cursor=cursor)


async def in_use(reader: Reader, location_id: LocationId) -> list[Carton]:
    """The active cartons of a location, the smallest first."""
    return await store.in_use(reader, location_id)


async def propose(reader: Reader, location_id: LocationId, loads: Sequence[Load]) -> Proposal:
    """Which of the location's cartons these units fit in."""
    cartons = await store.in_use(reader, location_id)
    if not cartons or not loads:
        return Proposal()
    return domain.propose(cartons, loads, await catalogue.goods(reader, sorted({load.sku for load in loads})))
