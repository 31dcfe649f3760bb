"""What is in hand and is not wanted any more: it is put back where it belongs, or taken out of its box or locker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from comptoir.modules.fulfilment import recalling
from comptoir.modules.fulfilment.contracts import BackReason, Fulfilment, FulfilmentId
from comptoir.modules.fulfilment.recalling import InHand
from comptoir.modules.fulfilment.store import collecting as store
from comptoir.runtime.database import Tx


async def set_aside(tx: Tx, one: Fulfilment, units: Mapping[int, int], reason: BackReason, shelf: str | None = None) -> None:
    """These units are to be put back. They lie where they waited for their buyer, or on this shelf."""
    rows = [(line.sku, line.name, units[line.line_no]) for line in one.lines if units.get(line.line_no, 0) > 0]
    if not rows:
        return
    if shelf is None:
        there = (await store.get(tx, [one.id])).get(one.id)
        shelf = "" if there is None else there.shelf
    await store.put_aside(tx, one.location_id, one.id, rows, reason, shelf)


async def recall(
    tx: Tx, taken: Mapping[FulfilmentId, InHand], existing: Mapping[FulfilmentId, Fulfilment], over: Sequence[FulfilmentId]
) -> None:
    """Units were taken away from what was picked, packed or ready, by another decision; some of it is over with that."""
    for key, own in sorted(taken.items()):
        one = existing[key]
        loose = Counter(own.units)
        for box, inside in await recalling.recall(tx, one, own.boxed):
            await set_aside(tx, one, inside, BackReason.RECALLED, recalling.shelf_of(one, box))
            loose.subtract(inside)
        await set_aside(tx, one, +loose, BackReason.RECALLED)
    ended = [key for key in over if existing[key].ready_at is not None]
    if ended:
        await store.end(tx, [key for key in ended if key in taken], emptied=False)
        await store.end(tx, [key for key in ended if key not in taken], emptied=True)
