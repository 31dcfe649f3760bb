"""Where units that came back lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from comptoir.modules.changes.contracts import RECEIVED_PREFIX
from comptoir.modules.locations.contracts import Whereabouts
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader

_SQL: Mapping[str, str] = {
    RECEIVED_PREFIX: "SELECT id, location_id, '' FROM changes.received WHERE id = ANY(%(ids)s)",
}
"""By the prefix of its ids."""


async def whereabouts(reader: Reader, kind: str, ids: Sequence[UUID]) -> list[Whereabouts]:
    """Of which locations these are; what is not there is left out. `kind` is the prefix of the ids."""
    return [Whereabouts(*row) for row in await reader.rows(_SQL[kind], {"ids": arrays.uuids(ids)})]
