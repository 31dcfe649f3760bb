"""What waits for a run waits for one that comes: when schedules or rules change, it is told anew for which.

Whatever the rules say, what waits is opened at the time that it has: nothing waits for ever.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentId, State
from comptoir.modules.fulfilment.hours import answer_by
from comptoir.modules.fulfilment.release import Setting, profile_of
from comptoir.modules.fulfilment.store import reading, work
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.routing.api import Waits
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded

_PAGE = 500
_CAUSES = frozenset({"run_schedule.changed", "rule_set.changed"})


async def follow_runs(tx: Tx, events: Sequence[Recorded], setting: Setting) -> None:
    """After a change of schedules or rules, what waits has the next run of whatever is for it now; where nothing is, it is
    opened.
    """
    if not any(event.type in _CAUSES for event in events):
        return
    times = _Times(tx)
    async for one, waits in _waiting(tx, setting):
        release_at = None if waits is None else waits.table.next_run(tx.now)
        await times.put(one, release_at or tx.now)


async def open_early(tx: Tx, setting: Setting, key: UUID) -> None:
    """What waits for this schedule, or for a rule set's own run, waits no longer."""
    times = _Times(tx)
    async for one, waits in _waiting(tx, setting):
        if waits is not None and waits.key == key:
            await times.put(one, tx.now)


async def _waiting(tx: Tx, setting: Setting) -> AsyncIterator[tuple[Fulfilment, Waits | None]]:
    """Whatever waits for a run that is still to come, locked, with what it is to wait for."""
    await setting.atlas.refresh(tx)
    after: FulfilmentId | None = None
    while ids := await reading.waiting(tx, tx.now, after, _PAGE):
        after = ids[-1]
        found = [one for one in await work.get(tx, ids, lock=True) if one.state is State.SCHEDULED]
        known = await _known(tx, setting, sorted({one.order_id for one in found}))
        for one in found:
            yield one, known.get(one.order_id)


async def _known(tx: Tx, setting: Setting, ids: Sequence[OrderId]) -> dict[OrderId, Waits]:
    opened = await orders.open_orders(tx, ids)
    goods = await catalogue.goods(tx, sorted({line.sku for order in opened.values() for line in order.lines}))
    found: dict[OrderId, Waits] = {}
    for key, order in opened.items():
        profile = profile_of(order, goods)
        waits = setting.atlas.waits_for(setting.atlas.rule_set(key, profile), profile)
        if waits is not None:
            found[key] = waits
    return found


class _Times:
    """Writes from when on work can be begun, and until when it has to be."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._places: dict[LocationId, Location] = {}

    async def put(self, one: Fulfilment, release_at: datetime) -> None:
        if one.release_at != release_at:
            values = {"release_at": release_at, "answer_by": await self._answer_by(one, release_at)}
            await work.put(self._tx, [one.id], values)

    async def _answer_by(self, one: Fulfilment, begins: datetime) -> datetime | None:
        if not one.answer_within:
            return None
        place = self._places.get(one.location_id)
        if place is None:
            place = self._places[one.location_id] = await locations.get(self._tx, one.location_id)
        return answer_by(place.opening_hours, place.time_zone, begins, one.answer_within)
