"""Of which location a piece of work is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from comptoir.modules.fulfilment.contracts import (
    FULFILMENT_PREFIX,
    LOCKER_PREFIX,
    PARCEL_PREFIX,
    PUT_BACK_PREFIX,
    TERMS_PREFIX,
    WAVE_PREFIX,
)
from comptoir.modules.locations.contracts import Whereabouts
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader

_SQL: Mapping[str, str] = {
    FULFILMENT_PREFIX: "SELECT id, location_id, '' FROM fulfilment.orders WHERE id = ANY(%(ids)s)",
    WAVE_PREFIX: "SELECT id, location_id, '' FROM fulfilment.waves WHERE id = ANY(%(ids)s)",
    PUT_BACK_PREFIX: "SELECT id, location_id, '' FROM fulfilment.put_backs WHERE id = ANY(%(ids)s)",
    TERMS_PREFIX: "SELECT id, location_id, '' FROM fulfilment.collection_terms WHERE id = ANY(%(ids)s)",
    LOCKER_PREFIX: "SELECT id, location_id, '' FROM fulfilment.lockers WHERE id = ANY(%(ids)s)",
    PARCEL_PREFIX: (
        "SELECT p.id, o.location_id, '' FROM fulfilment.parcels p JOIN fulfilment.orders o ON o.id = p.fulfilment_id "
        "WHERE p.id = ANY(%(ids)s)"
    ),
}
"""By the prefix of its ids."""


async def whereabouts(reader: Reader, kind: str, ids: Sequence[UUID]) -> list[Whereabouts]:
    """Of which locations these are; what is not there is left out. `kind` is the prefix of the ids."""
    return [Whereabouts(*row) for row in await reader.rows(_SQL[kind], {"ids": arrays.uuids(ids)})]
