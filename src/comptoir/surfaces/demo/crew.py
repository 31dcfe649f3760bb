"""The staff of the demo's locations: they pick what they are given, pack it, put it on the counter or into a locker, hand over
what no lorry of the replay takes along, count what was not found and where more has left than there was, put back what nobody
collected; and now and then cannot find something.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from comptoir.kernel.errors import Fault, Refusal
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentFilter,
    FulfilmentId,
    LineUnits,
    LockerState,
    LockerStep,
    Method,
    ParcelId,
    RejectReason,
    Stage,
)
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Counted
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ExceptionFilter, ExceptionKind, Tracking
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database, Reader, Tx
from comptoir.surfaces.demo import shelves
from comptoir.surfaces.demo.dispatch import CARRIER
from comptoir.surfaces.demo.loading import DEMO, supplier_ids
from comptoir.surfaces.demo.places import WAREHOUSE_TOWNS
from comptoir.surfaces.demo.shift import Shift, Step, luck, rested
from comptoir.surfaces.lockers import LockerDesk

_AT_ONCE = 8
"""Fulfilment orders of each stage that are worked on in one look, and as many again at lively counters."""
_SEEN, _SEEN_LIVELY = 40, 200
_NOT_FOUND, _DAMAGED = 3, 1
"""Of a hundred fulfilment orders so many have a line that is not found, or damaged."""
_PAUSE, _PAUSE_AT = 20.0, 1_000.0
"""Seconds that something lies before the next step, and the speed of the year from which on that is less."""
_KEPT = 2
"""So many of each stage are left alone at a lively counter, for a viewer who wants to try."""
_LEFT_BEHIND = 100.0
"""Seconds that a packed box waits for the replay's lorry before somebody hands it over."""
_IN_LOCKERS = 70
"""Of a hundred orders at a store with lockers, those that want one."""
_ROUND_EVERY = 2
"""Looks between two rounds; a round is of one location."""
_COUNTED, _SHORT = 70, 25
"""Of a hundred locations so many count what was not found; of what is counted, so much is really missing."""
_BELOW, _BELOW_FOR, _BELOW_LEFT = 60, timedelta(seconds=60), 6
"""Shelves with less than nothing that are looked at in one round, after how long, and how many of the latest are left to the
viewer.
"""
_PLACES, _ON_SHELVES = 6, 3
"""At so many locations these are counted in one round, and so much more than is promised stands there at most."""


class Crew(Shift):
    """Works at all locations but those of suppliers, which send by themselves; `lively` are the codes of the stores whose
    counters are staffed.
    """

    def __init__(self, database: Database, keyring: Keyring, lively: Sequence[str]) -> None:
        super().__init__(database)
        self._desk = LockerDesk(database, keyring)
        self._codes = lively
        self._lively: tuple[LocationId, ...] = ()
        self._foreign: frozenset[LocationId] = frozenset()
        self._with_lockers: frozenset[LocationId] = frozenset()
        self._rounds: deque[LocationId] = deque()
        self._looks = 0

    async def look(self, now: datetime) -> int:
        async with self.database.read() as reader:
            if not self._lively:
                await self._arrive(reader)
            found = await self._work(reader, now)
            left = await self._left_behind(reader, now)
        for one in found:
            await self._further(one)
        for one, parcels in left:
            await self.do(_hand_over(one, parcels))
        self._looks += 1
        counted = 0
        if self._looks % _ROUND_EVERY == 0 and self._rounds:
            self._rounds.rotate(-1)
            await self._round(self._rounds[0])
            counted = await self._below_nothing(now)
        return len(found) + len(left) + counted

    async def _arrive(self, reader: Reader) -> None:
        """Who works where."""
        known = await locations.ids(reader, self._codes)
        self._lively = tuple(known[code] for code in self._codes)
        self._foreign = frozenset(await supplier_ids(reader))
        self._with_lockers = frozenset([one for one in self._lively if await fulfilment.lockers_at(reader, one)])
        centres = await locations.ids(reader, [code for code, *_ in WAREHOUSE_TOWNS])
        self._rounds.extend(dict.fromkeys((*centres.values(), *self._lively)))

    async def _work(self, reader: Reader, now: datetime) -> list[Fulfilment]:
        """Of each stage the oldest few that have lain a little, at the lively counters and everywhere."""
        pause = min(_PAUSE, _PAUSE * _PAUSE_AT / self.speed)
        ids: dict[FulfilmentId, None] = {}
        kept = set[FulfilmentId]()
        for stage in (Stage.TO_PICK, Stage.TO_PACK, Stage.TO_RECEIVE):
            for places, limit in ((self._lively, _SEEN_LIVELY), ((), _SEEN)):
                page = await fulfilment.find(reader, FulfilmentFilter(stages=(stage,), locations=places), limit=limit)
                kept = self._left_to_viewers(page.items) if places else kept
                ours = [
                    one.id for one in page.items if self._may(one) and one.id not in kept and rested(_since(one), now, pause)
                ]
                ids |= dict.fromkeys(ours[:_AT_ONCE])
        return await fulfilment.get_all(reader, list(ids))

    def _left_to_viewers(self, found: Sequence[Fulfilment]) -> set[FulfilmentId]:
        """The last few at each lively counter."""
        last: dict[LocationId, list[FulfilmentId]] = {one: [] for one in self._lively}
        for one in reversed(found):
            if one.location_id in last and len(last[one.location_id]) < _KEPT:
                last[one.location_id].append(one.id)
        return {key for few in last.values() for key in few}

    def _may(self, one: Fulfilment) -> bool:
        return one.location_id not in self._foreign and one.assignee in {"", DEMO.actor}

    async def _left_behind(self, reader: Reader, now: datetime) -> list[tuple[Fulfilment, list[ParcelId]]]:
        page = await fulfilment.find(reader, FulfilmentFilter(stages=(Stage.TO_HAND_OVER,)), limit=_SEEN)
        ours = [one for one in page.items if self._may(one) and rested(one.packed_at, now, _LEFT_BEHIND)][:_AT_ONCE]
        boxes = await fulfilment.parcels(reader, [one.id for one in ours]) if ours else []
        return [(one, [box.id for box in boxes if box.fulfilment_id == one.id]) for one in ours]

    async def _further(self, one: Fulfilment) -> None:
        if one.stage is Stage.TO_PICK and _missing(one):
            if one.location_id not in self._rounds:
                self._rounds.append(one.location_id)
            await self.do(_reject(one))
            await self.do(lambda tx: shelves.pick(tx, one))  # the rest, at once: nobody looks for what is missing twice
        elif one.stage is Stage.TO_PACK and one.method is Method.COLLECT and await self._in_a_locker(one):
            return
        else:
            await self.do(_next(one))

    async def _in_a_locker(self, one: Fulfilment) -> bool:
        """Whether it lies in one now: there may be none that is free."""
        if one.location_id not in self._with_lockers or luck(one.id, 1) >= _IN_LOCKERS:
            return False
        try:
            await self._desk.put_in(DEMO, one.id)
        except (Refusal, Fault):
            return False
        return True

    async def _round(self, location_id: LocationId) -> None:
        """What lies about at a location: what was not collected, full lockers whose time is over, and what is in doubt."""
        async with self.database.read() as reader:
            back = await fulfilment.put_backs(reader, location_id)
            doubts = await fulfilment.count_tasks(reader, location_id) if luck(location_id) < _COUNTED else []
            boxes = await fulfilment.lockers_at(reader, location_id) if location_id in self._with_lockers else []
        if back:
            await self.do(lambda tx: fulfilment.done_put_backs(tx, [one.id for one in back]))
        for locker in boxes:
            if locker.state is LockerState.TO_EMPTY:
                await self._desk.step(DEMO, locker.id, LockerStep.EMPTY)
        if doubts:
            await self.do(lambda tx: _count(tx, location_id, [one.sku for one in doubts[:_AT_ONCE]]))

    async def _below_nothing(self, now: datetime) -> int:
        """Counts where more has left than there was thought to be, at whichever location, what is oldest first; gives at how
        many.
        """
        wanted = ExceptionFilter(kinds=(ExceptionKind.NEGATIVE_STOCK,), opened_before=now - _BELOW_FOR)
        async with self.database.read() as reader:
            page = await orders.find_exceptions(reader, wanted, sort="opened", limit=_BELOW)
        shelves_at = defaultdict[LocationId, list[str]](list)
        for one in page.items[:-_BELOW_LEFT]:
            if one.exception.location_id is not None and one.exception.sku is not None:
                shelves_at[one.exception.location_id].append(one.exception.sku)
        some = list(shelves_at.items())[:_PLACES]
        return sum([await self.do(lambda tx, at=at, skus=skus: _count_below(tx, at, skus)) for at, skus in some])


def _since(one: Fulfilment) -> datetime:
    """Since when it lies as it does."""
    return one.picked_at or one.created_at


def _missing(one: Fulfilment) -> bool:
    return luck(one.id) < _NOT_FOUND + _DAMAGED and one.picked == 0


def _reject(one: Fulfilment) -> Step:
    reason = RejectReason.NOT_FOUND if luck(one.id) < _NOT_FOUND else RejectReason.DAMAGED
    missing = [LineUnits(line.line_no, 1) for line in one.lines if line.quantity > line.picked][:1]
    return lambda tx: fulfilment.reject(tx, one.id, missing, reason)


def _next(one: Fulfilment) -> Step:
    """What is done next with it."""
    if one.stage is Stage.TO_PICK:
        return lambda tx: shelves.pick(tx, one)
    if one.method in {Method.COLLECT, Method.HAND_OUT}:
        return lambda tx: fulfilment.ready(tx, one.id, shelf=f"{'ABCD'[luck(one.id, 2) % 4]}{1 + luck(one.id, 3) % 6}")
    return lambda tx: fulfilment.pack(tx, one.id)


def _hand_over(one: Fulfilment, parcels: Sequence[ParcelId]) -> Step:
    carried = {key: Tracking(CARRIER, f"DX{one.number}-{n}") for n, key in enumerate(parcels, 1)}
    return lambda tx: fulfilment.hand_over(tx, one.id, carried)


async def _count(tx: Tx, location_id: LocationId, skus: Sequence[str]) -> None:
    levels = await inventory.lock_levels(tx, sorted((sku, location_id) for sku in skus))
    found: list[Counted] = []
    for n, ((sku, _), level) in enumerate(sorted(levels.items())):
        short = 1 if (luck(location_id, 1) + n * 37) % 100 < _SHORT and level.on_hand > level.reserved else 0
        found.append(Counted(sku, max(0, level.on_hand - short)))
    if found:
        await inventory.count(tx, location_id, found)


async def _count_below(tx: Tx, location_id: LocationId, skus: Sequence[str]) -> bool:
    """What is promised stands there, and mostly a little more: a delivery was not booked. Says whether anything was counted."""
    levels = await inventory.lock_levels(tx, sorted((sku, location_id) for sku in skus))
    found = [
        Counted(sku, max(0, level.reserved) + (luck(location_id, 2) + n) % (_ON_SHELVES + 1))
        for n, ((sku, _), level) in enumerate(sorted(levels.items()))
        if level.on_hand < 0
    ]
    if found:
        await inventory.count(tx, location_id, found)
    return bool(found)
