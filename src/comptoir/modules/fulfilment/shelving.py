"""What lies on a counter and is not wanted any more: somebody puts it back where it belongs, or takes it out of its locker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from comptoir.modules.fulfilment.contracts import BackReason, Fulfilment, FulfilmentId, FulfilmentRecalled
from comptoir.modules.fulfilment.store import collecting as store
from comptoir.runtime.database import Tx


async def set_aside(tx: Tx, one: Fulfilment, units: Mapping[int, int], reason: BackReason) -> None:
    """These units of what was ready are to be put back."""
    rows = [(line.sku, line.name, units[line.line_no]) for line in one.lines if units.get(line.line_no, 0) > 0]
    there = (await store.get(tx, [one.id])).get(one.id)
    await store.put_aside(tx, one.location_id, one.id, rows, reason, "" if there is None else there.shelf)


async def recall(
    tx: Tx, recalled: Sequence[FulfilmentRecalled], existing: Mapping[FulfilmentId, Fulfilment], over: Sequence[FulfilmentId]
) -> None:
    """Units were taken away from what was ready, by a cancellation or another decision; some of it is over with that."""
    for event in recalled:
        one = existing[event.fulfilment_id]
        if one.ready_at is not None:
            await set_aside(tx, one, {line.line_no: line.quantity for line in event.lines}, BackReason.RECALLED)
    ended = [key for key in over if existing[key].ready_at is not None]
    if ended:
        left = {event.fulfilment_id for event in recalled}
        await store.end(tx, [key for key in ended if key in left], emptied=False)
        await store.end(tx, [key for key in ended if key not in left], emptied=True)
