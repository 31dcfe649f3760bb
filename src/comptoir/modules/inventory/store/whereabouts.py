"""Of which location a movement of stock is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from comptoir.modules.locations.contracts import Whereabouts
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader

_SQL: Mapping[str, str] = {
    "trf": (
        "SELECT id, from_location_id, 'from' FROM inventory.transfers WHERE id = ANY(%(ids)s) "
        "UNION ALL SELECT id, to_location_id, 'to' FROM inventory.transfers WHERE id = ANY(%(ids)s)"
    ),
    "prp": (
        "SELECT id, from_location_id, 'from' FROM inventory.proposals WHERE id = ANY(%(ids)s) "
        "UNION ALL SELECT id, to_location_id, 'to' FROM inventory.proposals WHERE id = ANY(%(ids)s)"
    ),
    "ord": "SELECT DISTINCT promise_id, location_id, '' FROM inventory.reservations WHERE promise_id = ANY(%(ids)s)",
    "sup": "SELECT id, location_id, '' FROM inventory.supplies WHERE id = ANY(%(ids)s)",
    "cnt": "SELECT id, location_id, '' FROM inventory.counts WHERE id = ANY(%(ids)s)",
}
"""By the prefix of its ids. An order is where units are promised to it that have not left yet."""


async def whereabouts(reader: Reader, kind: str, ids: Sequence[UUID]) -> list[Whereabouts]:
    """Of which locations these are; what is not there is left out. `kind` is the prefix of the ids."""
    return [Whereabouts(*row) for row in await reader.rows(_SQL[kind], {"ids": arrays.uuids(ids)})]
