"""Counts that transfers ask for: what was not found, never left, or left without having been written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID

from comptoir.modules.fulfilment.store import picking
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded

REASONS = {
    "not_found": ("not_found", True),
    "broken": ("damaged", False),
    "never_sent": ("never_sent", True),
    "surplus": ("surplus", False),
}
"""By what differs: why a count is asked for at the origin, and whether the units are held for inspection until then."""


async def doubt_transfers(tx: Tx, events: Sequence[Recorded]) -> None:
    """Asks the origin to count what its books cannot be right about."""
    for event in events:
        origin = LocationId(UUID(str(event.data["from_location_id"])))
        for differs, (reason, held) in REASONS.items():
            units = cast("Mapping[str, int]", event.data.get(differs) or {})
            if units:
                await picking.doubt(tx, origin, dict(units) if held else dict.fromkeys(units, 0), reason, None)
