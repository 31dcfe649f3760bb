"""Of which location a parcel on its way is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from comptoir.modules.locations.contracts import Whereabouts
from comptoir.modules.tracking.contracts import (
    HAND_SCAN_PREFIX,
    MANIFEST_PREFIX,
    PICKUP_PREFIX,
    TRACKED_PREFIX,
    TROUBLE_PREFIX,
)
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader

_SQL: Mapping[str, str] = {
    TRACKED_PREFIX: "SELECT id, location_id, '' FROM tracking.parcels WHERE id = ANY(%(ids)s)",
    MANIFEST_PREFIX: "SELECT id, location_id, '' FROM tracking.manifests WHERE id = ANY(%(ids)s)",
    PICKUP_PREFIX: "SELECT id, location_id, '' FROM tracking.pickups WHERE id = ANY(%(ids)s)",
    HAND_SCAN_PREFIX: (
        "SELECT s.id, p.location_id, '' FROM tracking.hand_scans s JOIN tracking.parcels p ON p.id = s.tracked_id "
        "WHERE s.id = ANY(%(ids)s)"
    ),
    TROUBLE_PREFIX: (
        "SELECT t.id, p.location_id, '' FROM tracking.troubles t LEFT JOIN tracking.parcels p ON p.id = t.tracked_id "
        "WHERE t.id = ANY(%(ids)s)"
    ),
}
"""By the prefix of its ids."""


async def whereabouts(reader: Reader, kind: str, ids: Sequence[UUID]) -> list[Whereabouts]:
    """Of which locations these are; what is not there is left out. `kind` is the prefix of the ids."""
    return [Whereabouts(*row) for row in await reader.rows(_SQL[kind], {"ids": arrays.uuids(ids)})]


async def boxes_of(reader: Reader, labels: Sequence[UUID]) -> dict[UUID, UUID]:
    """What labels are bought for."""
    rows = await reader.rows(
        "SELECT id, subject_id FROM tracking.labels WHERE id = ANY(%(ids)s)", {"ids": arrays.uuids(labels)}
    )
    return dict(rows)
