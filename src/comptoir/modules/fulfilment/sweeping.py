"""What the clock does to fulfilment orders, and what a count settles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from comptoir.modules.fulfilment import working
from comptoir.modules.fulfilment.contracts import RejectReason, State, Step
from comptoir.modules.fulfilment.fitting import changed
from comptoir.modules.fulfilment.store import picking, reading, work
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import CountId, Quantity
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded

_SWEEP = 50


async def expire(tx: Tx) -> int:
    """Gives the oldest one that was not begun in time to somebody else; says how many there were: one at a time, so that locks
    are taken in order.
    """
    late = await reading.unanswered(tx, tx.now, 1)
    for key in late:
        await working.reject(tx, key, None, RejectReason.NO_ANSWER)
    return len(late)


async def release_due(tx: Tx, until: datetime | None = None) -> int:
    """Opens what was scheduled until now, or until an earlier instant: what is due since then is for the next run to decide
    before anybody begins it. Says how many.
    """
    found = await work.get(tx, await reading.due(tx, until or tx.now, _SWEEP), lock=True)
    due = [one for one in found if one.state is State.SCHEDULED]
    if due:
        await work.put(tx, [one.id for one in due], {"state": State.OPEN})
        tx.emit(*(changed(one, Step.RELEASE, State.OPEN) for one in due))
    return len(due)


async def settle_counts(tx: Tx, events: Sequence[Recorded]) -> None:
    """Somebody has counted: what was set aside because it was not found is good again, as far as it was."""
    for event in events:
        location_id = LocationId(UUID(str(event.data["location_id"])))
        made = await inventory.stock_count(tx, CountId(UUID(str(event.data["count_id"]))))
        units = await picking.settle_counts(tx, location_id, [line.sku for line in made.lines])
        if not units:
            continue
        levels = await inventory.lock_levels(tx, sorted((sku, location_id) for sku in units))
        good = [
            Quantity(sku, min(aside, levels[sku, location_id].quality))
            for sku, aside in sorted(units.items())
            if min(aside, levels[sku, location_id].quality) > 0
        ]
        if good:
            await inventory.release_quality(tx, location_id, good, "counted")
