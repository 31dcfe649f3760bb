"""Of which location a parcel on its way is, or a label: that of the box that it is bought for."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import PARCEL_PREFIX
from comptoir.modules.locations.contracts import Whereabouts
from comptoir.modules.tracking.contracts import LABEL_PREFIX
from comptoir.modules.tracking.store import whereabouts as store
from comptoir.runtime.database import Reader


async def whereabouts(reader: Reader, kind: str, ids: Sequence[UUID]) -> list[Whereabouts]:
    """What is not there is left out. `kind` is the prefix of the ids."""
    if kind != LABEL_PREFIX:
        return await store.whereabouts(reader, kind, ids)
    boxes = await store.boxes_of(reader, ids)
    found = {one.id: one for one in await fulfilment.whereabouts(reader, PARCEL_PREFIX, sorted(set(boxes.values())))}
    return [Whereabouts(label, found[box].location_id if box in found else None) for label, box in boxes.items()]
