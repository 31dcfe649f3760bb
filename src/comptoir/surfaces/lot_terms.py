"""What SKUs ask for of lots, where products are written: in the form of one, by the API, and from a file."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Terms
from comptoir.runtime.database import Tx

Wanted = Mapping[str, Terms | None]
"""By SKU; None for one that has no lots any more. What is not named stays as it is."""


async def put(tx: Tx, wanted: Wanted) -> int:
    """Writes down what differs from what there is; gives how many that is. Raises Invalid."""
    there = await lots.terms(tx, sorted(wanted))
    differing = {sku: terms for sku, terms in wanted.items() if there.get(sku) != terms}
    rows = [terms for terms in differing.values() if terms is not None]
    for start in range(0, len(rows), lots.MAX_ROWS):
        await lots.put_terms(tx, rows[start : start + lots.MAX_ROWS])
    for sku, terms in differing.items():
        if terms is None:
            await lots.drop_terms(tx, sku)
    return len(differing)
