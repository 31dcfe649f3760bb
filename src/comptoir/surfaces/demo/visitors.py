"""The buyers who collect: most come soon, some late, some say at the car park that they are there, a few do not want it any
more, and a few never come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from comptoir.kernel.errors import Fault, Refusal
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    BackReason,
    Checked,
    Fulfilment,
    FulfilmentFilter,
    FulfilmentId,
    HandedAt,
    HandingOver,
    Locker,
    LockerId,
    Stage,
    Waiting,
)
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.surfaces import collecting
from comptoir.surfaces.demo.loading import DEMO
from comptoir.surfaces.demo.shift import Shift, luck, rested
from comptoir.surfaces.lockers import LockerDesk

_SEEN, _AT_ONCE = 150, 10
_DRAW = 5
"""Another one than that of the crew: of what they could not find everything may be collected."""
_NEVER, _REFUSE, _LATE = 4, 3, 12
"""Of a hundred so many never come, do not want it at the counter, or ask for more time and come after all."""
_SOON, _SPREAD = 20, 200
"""Seconds until the first come, and over which the others do."""
_COME_LATE, _GIVE_UP = 300.0, 420.0
_KEPT = 2
"""So many at each counter wait a little longer, until others do: somebody may want to hand them out."""
_BY_CAR = 60
"""Of a hundred at a store with curbside."""
_AT_THE_CAR = 12.0
_CARS = ("Red Corolla", "White van", "Blue Civic", "Black pickup", "Silver Outback", "Green Beetle")


class Visitors(Shift):
    """Comes to the counters of the stores with these codes."""

    every = 2.0

    def __init__(self, database: Database, keyring: Keyring, lively: Sequence[str]) -> None:
        super().__init__(database)
        self._keyring = keyring
        self._desk = LockerDesk(database, keyring)
        self._codes = lively
        self._places: tuple[LocationId, ...] = ()

    async def look(self, now: datetime) -> int:
        async with self.database.read() as reader:
            if not self._places:
                self._places = tuple((await locations.ids(reader, self._codes)).values())
            wanted = FulfilmentFilter(stages=(Stage.READY,), locations=self._places)
            page = await fulfilment.find(reader, wanted, limit=_SEEN)
            there = await fulfilment.waiting(reader, [one.id for one in page.items])
            lockers = await fulfilment.lockers(reader, [one.locker_id for one in there.values() if one.locker_id is not None])
        done = 0
        kept = _last_few(page.items)
        for one in page.items:
            if done < _AT_ONCE and one.id in there and (one.id not in kept or luck(one.id, _DRAW) < _NEVER + _REFUSE):
                done += await self._come(one, there[one.id], lockers, now)
        return done

    async def _come(self, one: Fulfilment, there: Waiting, lockers: Mapping[LockerId, Locker], now: datetime) -> bool:
        """Whether somebody did something about it."""
        draw = luck(one.id, _DRAW)
        if draw < _NEVER:
            return rested(one.ready_at, now, _GIVE_UP) and await self._give_back(one.id, BackReason.NOT_COLLECTED)
        if draw < _NEVER + _REFUSE:
            return rested(one.ready_at, now, _SPREAD) and await self._give_back(one.id, BackReason.REFUSED)
        if draw < _NEVER + _REFUSE + _LATE and not rested(one.ready_at, now, _COME_LATE):
            return await self._more_time(one, there, now)
        if not rested(one.ready_at, now, _SOON + luck(one.id, 1) * _SPREAD // 100):
            return False
        if there.locker_id is not None and there.locker_id in lockers:
            return await self._open(lockers[there.locker_id])
        return await self._at_counter(one, there, now)

    async def _give_back(self, key: FulfilmentId, reason: BackReason) -> bool:
        return await self.do(lambda tx: collecting.give_back(tx, key, None, reason))

    async def _more_time(self, one: Fulfilment, there: Waiting, now: datetime) -> bool:
        if not there.may_extend or not rested(one.ready_at, now, _SPREAD):
            return False
        return await self.do(lambda tx: fulfilment.extend_for_buyer(tx, one.id))

    async def _open(self, locker: Locker) -> bool:
        if locker.sealed_code is None:
            return False
        with suppress(Refusal, Fault):
            await self._desk.open(DEMO, locker.id, fulfilment.locker_code(self._keyring, locker.sealed_code))
            return True
        return False

    async def _at_counter(self, one: Fulfilment, there: Waiting, now: datetime) -> bool:
        by_car = there.curbside and luck(one.id, 2) < _BY_CAR
        if by_car and there.here_at is None:
            car = _CARS[luck(one.id, 3) % len(_CARS)]
            return await self.do(lambda tx: fulfilment.buyer_here(tx, one.id, car=car, spot=str(1 + luck(one.id, 4) % 6)))
        if by_car and not rested(there.here_at, now, _AT_THE_CAR):
            return False
        given = HandingOver(checked=Checked.CODE, at=HandedAt.CAR if by_car else HandedAt.COUNTER)
        return await self.do(lambda tx: fulfilment.hand_out(tx, one.id, None, given))


def _last_few(found: Sequence[Fulfilment]) -> set[FulfilmentId]:
    last: dict[LocationId, list[FulfilmentId]] = {}
    for one in reversed(found):
        few = last.setdefault(one.location_id, [])
        if len(few) < _KEPT:
            few.append(one.id)
    return {key for few in last.values() for key in few}
