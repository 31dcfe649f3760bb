"""Where a carrier collects, checked against the locations that there are."""

from __future__ import annotations

from comptoir.kernel.checking import Checks
from comptoir.modules.carriers.contracts import Origins
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.runtime.database import Reader

KINDS = (LocationKind.WAREHOUSE, LocationKind.STORE, LocationKind.SUPPLIER)
"""From which parcels leave."""


async def require(reader: Reader, origins: Origins) -> None:
    """Raises Invalid where it names a location that is not there, or a kind from which nothing leaves."""
    checks = Checks()
    there = await locations.names(reader, [LocationId(one) for one in origins.locations]) if origins.locations else {}
    for n, one in enumerate(origins.locations):
        checks.require(f"origins.locations[{n}]", LocationId(one) in there, "is no location")
    known = ", ".join(KINDS)
    for n, kind in enumerate(origins.kinds):
        checks.require(f"origins.kinds[{n}]", kind in KINDS, f"is one of {known}")
    checks.done()
