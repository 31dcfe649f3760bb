"""Scans of transfers: what a code on a label means, and what is done with it where a transfer leaves and where it arrives."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Taken, TransferId
from comptoir.modules.lots import api as lots
from comptoir.runtime.database import Reader, Tx


class ScanOutcome(StrEnum):
    """What became of a scan; only the first two changed anything."""

    COUNTED = "counted"
    COMPLETE = "complete"
    TOO_MANY = "too_many"
    """All that there is to be of it is there: one more has to be said."""
    NOT_LISTED = "not_listed"
    UNKNOWN = "unknown"
    """The catalogue does not know the code."""
    WEIGH = "weigh"
    """It is weighed, and neither its label nor whoever scanned says how much it is."""


class Scan(NamedTuple):
    """A scan, with what the catalogue says of it. `left` is what is still to be scanned of the whole transfer."""

    outcome: ScanOutcome
    sku: str
    name: str
    units: int
    left: int


class _Read(NamedTuple):
    sku: str
    name: str
    units: int | None


async def read(reader: Reader, code: str, weight: int | None = None) -> _Read | None:
    """The SKU that a code means, and how many units such a label is: one piece, or so many thousandths of what is weighed. None
    for a code that nobody knows.
    """
    label = catalogue.read_label(code)
    sku = code.strip()
    if label.gtin:
        sku = (await catalogue.gtin_owners(reader, [label.gtin])).get(label.gtin, sku)
    if not sku or not sku.isprintable():
        return None
    found = (await catalogue.sellable(reader, [sku])).get(sku)
    if found is None:
        return None
    if found.unit != Unit.THOUSANDTH:
        return _Read(sku, found.name or sku, 1)
    units = weight if weight is not None else label.thousandths
    return _Read(sku, found.name or sku, units if units and units > 0 else None)


async def scan_out(tx: Tx, transfer_id: TransferId, code: str, weight: int | None = None) -> Scan:
    """Where a transfer leaves. Raises what `inventory.pick_transfer` raises, and LotRefused for a lot that nobody may get."""
    found = await read(tx, code, weight)
    if found is None or found.units is None:
        return await _not_read(tx, transfer_id, code, found)
    done = await inventory.pick_transfer(tx, transfer_id, found.sku, found.units)
    if done.outcome in _TAKEN:
        await lots.read_on_road(tx, transfer_id, found.sku, code, found.units, leaving=True)
    return Scan(_OUTCOMES[done.outcome], found.sku, found.name, done.units, done.left)


async def scan_in(tx: Tx, transfer_id: TransferId, code: str, weight: int | None = None) -> Scan:
    """Where it arrives. Raises what `inventory.tally_transfer` raises."""
    found = await read(tx, code, weight)
    if found is None or found.units is None:
        return await _not_read(tx, transfer_id, code, found)
    done = await inventory.tally_transfer(tx, transfer_id, found.sku, found.units)
    if done.outcome in _TAKEN:
        await lots.read_on_road(tx, transfer_id, found.sku, code, found.units, leaving=False)
    return Scan(_OUTCOMES[done.outcome], found.sku, found.name, done.units, done.left)


async def _not_read(tx: Tx, transfer_id: TransferId, code: str, found: _Read | None) -> Scan:
    await inventory.transfer(tx, transfer_id)
    if found is None:
        return Scan(ScanOutcome.UNKNOWN, "", code.strip()[:100], 0, 0)
    return Scan(ScanOutcome.WEIGH, found.sku, found.name, 0, 0)


_TAKEN = frozenset({Taken.COUNTED, Taken.COMPLETE})
_OUTCOMES = {
    Taken.COUNTED: ScanOutcome.COUNTED,
    Taken.COMPLETE: ScanOutcome.COMPLETE,
    Taken.TOO_MANY: ScanOutcome.TOO_MANY,
    Taken.NOT_LISTED: ScanOutcome.NOT_LISTED,
}
