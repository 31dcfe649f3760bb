"""The demo's suppliers: most accept what they are asked for and send it, some late, some refuse, and a few never answer."""

from __future__ import annotations

from datetime import datetime, timedelta

from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.purchasing.contracts import Answer, DeclineReason, Purchase, PurchaseFilter, PurchaseState, Sent
from comptoir.runtime.database import Tx
from comptoir.surfaces.demo.dispatch import CARRIER
from comptoir.surfaces.demo.shift import Shift, luck, rested

_SEEN = 60
_SILENT, _REFUSES, _LATE = 6, 8, 15
"""Of a hundred purchase orders so many are not answered, refused, or accepted for a later day."""
_ANSWERED, _ANSWERED_LATE = 15.0, 120.0
_SENT, _SENT_LATE = 30.0, 240.0
"""Seconds until a supplier answers, and from then on until the parcel leaves."""
_REASONS = (DeclineReason.OUT_OF_STOCK, DeclineReason.DISCONTINUED, DeclineReason.TOO_LATE)


class Suppliers(Shift):
    """Answers for all of them, as on the page that they are sent."""

    every = 3.0

    async def look(self, now: datetime) -> int:
        wanted = PurchaseFilter(states=(PurchaseState.ASKED, PurchaseState.ACKNOWLEDGED, PurchaseState.PARTLY_SHIPPED))
        async with self.database.read() as reader:
            found = (await purchasing.find(reader, wanted, limit=_SEEN)).items
        return sum([await self._further(one, now) for one in found])

    async def _further(self, one: Purchase, now: datetime) -> bool:
        draw = luck(one.id)
        late = draw >= 100 - _LATE
        if one.state is PurchaseState.ASKED:
            due = rested(one.created_at, now, _ANSWERED_LATE if late else _ANSWERED)
            return draw >= _SILENT and due and await self.do(lambda tx: _answer(tx, one, late=late))
        due = rested(one.answered_at, now, _SENT_LATE if late else _SENT)
        parcel = Sent(carrier=CARRIER, tracking_number=f"DS{one.number}")
        return due and await self.do(lambda tx: purchasing.ship(tx, one.id, [parcel]))


async def _answer(tx: Tx, one: Purchase, *, late: bool) -> None:
    draw = luck(one.id)
    if draw < _SILENT + _REFUSES:
        await purchasing.decline(tx, one.id, None, _REASONS[draw % len(_REASONS)])
        return
    day = tx.now.date() + timedelta(days=4 if late else 1)
    note = "The next delivery is on its way to us" if late else ""
    await purchasing.acknowledge(tx, one.id, Answer(promised_on=day, note=note))
