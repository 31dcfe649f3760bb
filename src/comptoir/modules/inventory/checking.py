"""Checking what people and files say about stock, before anything is locked."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.kernel.checking import Checks
from comptoir.kernel.quantities import MAX_QUANTITY, Sku, sku
from comptoir.modules.inventory.contracts import Quantity
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.runtime.database import Reader

MAX_NOTE = 500


async def known(reader: Reader, *location_ids: LocationId) -> None:
    """Raises UnknownLocation where there is no such place to hold stock."""
    there = await locations.names(reader, location_ids)
    for location_id in location_ids:
        if location_id not in there:
            raise UnknownLocation(kind="location", id=location_id)


def clean_sku(checks: Checks, path: str, text: str) -> str:
    return checks.parsed(path, sku, text, Sku(""))


def distinct(checks: Checks, path: str, skus: Sequence[str]) -> None:
    """Two rows of one SKU would each be right about another quantity."""
    seen: set[str] = set()
    for n, name in enumerate(skus):
        checks.require(f"{path}[{n}].sku", name not in seen, "is there twice")
        seen.add(name)


def quantities(checks: Checks, wanted: Sequence[Quantity], *, path: str = "lines", least: int = 1) -> list[Quantity]:
    """The same with clean SKUs, each once: of two rows of one SKU the sum."""
    sums: dict[str, int] = {}
    for n, row in enumerate(wanted):
        name = clean_sku(checks, f"{path}[{n}].sku", row.sku)
        sums[name] = sums.get(name, 0) + checks.whole(f"{path}[{n}].quantity", row.quantity, least, MAX_QUANTITY)
    checks.require(path, bool(wanted), "has at least one row")
    return [Quantity(name, min(total, MAX_QUANTITY)) for name, total in sums.items()]


def note(checks: Checks, text: str, path: str = "note") -> str:
    return checks.words(path, text, most=MAX_NOTE)
