"""Of which location an exception is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from comptoir.modules.locations.contracts import Whereabouts
from comptoir.modules.orders.contracts import EXCEPTION_PREFIX
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader

_SQL: Mapping[str, str] = {
    EXCEPTION_PREFIX: "SELECT id, location_id, '' FROM orders.exceptions WHERE id = ANY(%(ids)s)",
}
"""By the prefix of its ids."""


async def whereabouts(reader: Reader, kind: str, ids: Sequence[UUID]) -> list[Whereabouts]:
    """Of which locations these are; what is not there is left out. `kind` is the prefix of the ids."""
    return [Whereabouts(*row) for row in await reader.rows(_SQL[kind], {"ids": arrays.uuids(ids)})]
