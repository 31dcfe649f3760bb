"""The door to carriers."""

from __future__ import annotations

import psycopg.errors

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.modules.carriers import domain, store
from comptoir.modules.carriers.contracts import (
    CarrierService,
    CarrierServiceChanged,
    CarrierServiceDraft,
    CarrierServiceFilter,
    CarrierServiceId,
)
from comptoir.modules.carriers.domain import MAX_BOX, MAX_CARBON, MAX_COST, MAX_DAYS, MAX_KM, MAX_PLACES, MAX_ZONES
from comptoir.modules.carriers.errors import CarrierServiceCodeTaken, UnknownCarrierService
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page

__all__ = ["MAX_BOX", "MAX_CARBON", "MAX_COST", "MAX_DAYS", "MAX_KM", "MAX_PLACES", "MAX_ZONES"]


async def create(tx: Tx, draft: CarrierServiceDraft) -> CarrierService:
    """Raises Invalid and CarrierServiceCodeTaken."""
    clean = _checked(draft)
    made = await store.insert(tx, clean)
    if made is None:
        raise CarrierServiceCodeTaken(code=clean.code)
    tx.emit(CarrierServiceChanged(carrier_service_id=made.id, code=made.code, created=True))
    return made


async def update(
    tx: Tx, service_id: CarrierServiceId, draft: CarrierServiceDraft, *, version: int | None = None
) -> CarrierService:
    """The service as the draft has it. `version` is the one that the caller decided on; None is whichever.

    Raises Invalid, UnknownCarrierService, Stale and CarrierServiceCodeTaken.
    """
    clean = _checked(draft)
    try:
        changed = await store.update(tx, service_id, clean, version)
    except psycopg.errors.UniqueViolation as problem:
        raise CarrierServiceCodeTaken(code=clean.code) from problem
    if changed is None:
        there = await get(tx, service_id)
        raise Stale(kind="carrier_service", id=service_id, version=there.version)
    tx.emit(CarrierServiceChanged(carrier_service_id=service_id, code=changed.code))
    return changed


def _checked(draft: CarrierServiceDraft) -> CarrierServiceDraft:
    checks = Checks()
    clean = domain.checked(draft, checks)
    checks.done()
    return clean


async def get(reader: Reader, service_id: CarrierServiceId) -> CarrierService:
    found = await store.get(reader, service_id)
    if found is None:
        raise UnknownCarrierService(kind="carrier_service", id=service_id)
    return found


async def everything(reader: Reader) -> list[CarrierService]:
    """All of them, by code; there are dozens, not thousands."""
    return await store.everything(reader)


async def version(reader: Reader) -> int:
    """Grows with every change of any of them."""
    return await store.stamp(reader)


async def find(
    reader: Reader,
    wanted: CarrierServiceFilter | None = None,
    *,
    sort: str = "code",
    limit: int = 50,
    cursor: str | None = None,
) -> Page[CarrierService]:
    return await store.LISTING.page(
        reader, store.where(wanted or CarrierServiceFilter()), sort=sort, limit=limit, cursor=cursor
    )
