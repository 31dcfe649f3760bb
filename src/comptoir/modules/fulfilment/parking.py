"""What nobody may send: told to a person once, kept in mind, and tried again.

When is it tried again? As soon as some of its SKUs are free somewhere, or when the rules, the carriers, the locations or their
hours and limits are not what they were, and every hour: a day has its own capacity. What is the same then is told to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from comptoir.modules.fulfilment.store import parking as store
from comptoir.modules.fulfilment.store.parking import StuckLine
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId, Unsent
from comptoir.modules.routing.contracts import Need
from comptoir.runtime.database import Reader, Tx

AGAIN = timedelta(hours=1)
"""What nobody may send is tried again after so long at the latest."""
_SOON = timedelta(minutes=1)
"""So it is where something was lacking under lock that was there a moment before."""


@dataclass(slots=True)
class Parking:
    """What was parked before a decision, and what is after it."""

    before: Mapping[OrderId, Sequence[StuckLine]] = field(default_factory=dict[OrderId, Sequence[StuckLine]])
    after: dict[OrderId, list[StuckLine]] = field(default_factory=dict[OrderId, list[StuckLine]])
    settled: dict[OrderId, set[int]] = field(default_factory=dict[OrderId, set[int]])
    """Lines that somebody sends now."""
    failed: set[OrderId] = field(default_factory=set[OrderId])
    """Of which something was lacking under lock."""
    why: dict[OrderId, Mapping[int, Mapping[str, int]]] = field(default_factory=dict[OrderId, Mapping[int, Mapping[str, int]]])
    """By line, how many locations each reason keeps from sending what is newly parked."""

    def note(self, order_id: OrderId, needs: Sequence[Need], lacking: Mapping[int, int]) -> None:
        """That it was decided for these needs; `lacking` are units by line."""
        settled = self.settled.setdefault(order_id, set())
        after = self.after.setdefault(order_id, [])
        for need in needs:
            if need.line_no in lacking:
                after.append(StuckLine(need.line_no, need.sku, lacking[need.line_no]))
            else:
                settled.add(need.line_no)

    def knows(self, order_id: OrderId, lacking: Sequence[tuple[int, int]]) -> bool:
        """Whether just these units of these lines were parked before."""
        known = self.before.get(order_id)
        return known is not None and sorted((one.line_no, one.units) for one in known) == sorted(lacking)

    def is_same(self, order_id: OrderId) -> bool:
        """Whether nothing is any better for it than it was."""
        known = self.before.get(order_id)
        return known is not None and sorted(known) == sorted(self.after.get(order_id, ()))


async def known(reader: Reader, ids: Sequence[OrderId]) -> Parking:
    """What of these orders is parked already."""
    return Parking(before=await store.stuck(reader, ids))


async def keep(tx: Tx, parking: Parking, stamp: str) -> None:
    """Writes down what is parked from now on, tells a person of what is new, and no more of what somebody does now."""
    stuck = {key: lines for key, lines in parking.after.items() if lines and key not in parking.failed}
    settled = {key: sorted(lines - {one.line_no for one in stuck.get(key, ())}) for key, lines in parking.settled.items()}
    settled = {key: lines for key, lines in settled.items() if lines and key not in parking.failed}
    if settled:
        await orders.unpark(tx, settled)
    new = {
        key: [Unsent(one.line_no, one.units, parking.why.get(key, {}).get(one.line_no, {})) for one in lines]
        for key, lines in stuck.items()
        if not parking.is_same(key)
    }
    if new:
        await orders.park(tx, new)
    if stuck:
        await store.put(tx, sorted(stuck.items()), stamp, tx.now + AGAIN)
    late = sorted((key, lines) for key, lines in parking.before.items() if key in parking.failed)
    if late:
        await store.put(tx, late, stamp, tx.now + _SOON)
    gone = sorted(parking.before.keys() - stuck.keys() - parking.failed)
    if gone:
        await store.drop(tx, gone)
