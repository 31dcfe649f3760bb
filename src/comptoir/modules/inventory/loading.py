"""Setting very many levels at once: the first stock of a chain, or a file of counts."""

from __future__ import annotations

from uuid import UUID

from comptoir.kernel.checking import Checks
from comptoir.kernel.quantities import MAX_QUANTITY, MAX_SKU_LENGTH
from comptoir.modules.inventory import checking
from comptoir.modules.inventory.contracts import AdjustReason, Loaded, StockColumns, StockLoaded, StockShort
from comptoir.modules.inventory.store import loading as store
from comptoir.runtime.database import Tx


async def load_levels(
    tx: Tx, columns: StockColumns, *, reason: AdjustReason = AdjustReason.INITIAL, import_id: UUID | None = None
) -> Loaded:
    """Sets on hand, and safety where it is given, at all these spots; the ledger gets the differences.

    A hundred thousand rows in one transaction are a good measure: fewer cost more each, more keep their locks for long. It
    emits one `StockLoaded`, and `StockShort` for what it breaks. Raises Invalid and UnknownLocation.
    """
    _check(columns)
    if not columns.skus:
        return Loaded(0, 0, 0)
    await checking.known(tx, *set(columns.location_ids))
    await store.stage(tx, columns)
    spots, created = await store.create_levels(tx, reason, import_id)
    changed = 0
    if created < spots:
        changed, short = await store.change_levels(tx, reason, import_id)
        tx.emit(*(StockShort(sku=sku, location_id=at, missing=missing, on_hand=on_hand) for sku, at, missing, on_hand in short))
    if created or changed:
        tx.emit(StockLoaded(import_id=import_id, created=created, changed=changed))
    return Loaded(created, changed, spots - created - changed)


def _check(columns: StockColumns) -> None:
    """Refuses what the database could not hold.

    Whole columns at a time: the rows have been read with care already, and a million checks one by one would take longer than
    the load.
    """
    checks = Checks()
    rows = len(columns.skus)
    checks.require("location_ids", len(columns.location_ids) == rows, f"has as many rows as skus: {rows}")
    checks.require("on_hand", len(columns.on_hand) == rows, f"has as many rows as skus: {rows}")
    checks.require("safety", columns.safety is None or len(columns.safety) == rows, f"has as many rows as skus: {rows}")
    if rows:
        kept = [value for value in columns.safety or () if value is not None] or [0]
        for path, values in (("on_hand", columns.on_hand), ("safety", kept)):
            checks.require(path, min(values) >= 0 and max(values) <= MAX_QUANTITY, f"is from 0 to {MAX_QUANTITY}")
        checks.require("skus", "".join(columns.skus).isprintable(), "are printable")
        lengths = set(map(len, columns.skus))
        checks.require("skus", min(lengths) > 0 and max(lengths) <= MAX_SKU_LENGTH, f"have 1 to {MAX_SKU_LENGTH} characters")
    checks.done()
