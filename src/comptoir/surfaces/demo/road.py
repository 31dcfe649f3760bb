"""The demo's carrier and its buyers: parcels move from scan to scan, some fail at the door, get lost or damaged, and a few of
those that came are sent back, received and looked at.

Who is watched moves: while the year is replayed as fast as it goes, nothing is scanned. What becomes of a parcel follows from
its id, so that it is always the same with the same one. Its time is the viewer's: a step takes seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from comptoir.kernel.errors import Fault, Refusal
from comptoir.kernel.time import utcnow
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    Arrived,
    Fate,
    ItemCondition,
    Look,
    Reason,
    ReturnCase,
    ReturnCaseId,
    ReturnDraft,
    ReturnFilter,
    ReturnState,
    Units,
)
from comptoir.modules.orders import api as orders
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import AccountDraft, AccountId, Kind, Tracked, TrackedFilter
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database, Reader, Tx
from comptoir.sdk.tracking import Scan, TrackingStatus, TrackingUpdate
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.demo import state
from comptoir.surfaces.demo.dispatch import CARRIER
from comptoir.surfaces.demo.loading import DEMO
from comptoir.surfaces.demo.pace import UNLIMITED

_S = TrackingStatus
_TICK = 2.0
_AT_ONCE = 40
"""Parcels, and returns, that are looked at in one tick: the latest."""
_STEP = timedelta(seconds=12)
"""Between two scans of a parcel, and two steps of a return."""
_ON_THE_WAY = (_S.UNKNOWN, _S.PICKED_UP, _S.IN_TRANSIT, _S.OUT_FOR_DELIVERY, _S.DELIVERY_FAILED, _S.RETURNING)

# Of a hundred parcels: so many are lost, damaged, refused at the door and go back, or find nobody at home and come again.
_LOST, _DAMAGED, _REFUSED, _NOBODY = 1, 1, 1, 5
_SENT_BACK = 8
"""Of a hundred that came so many are sent back."""
_NEXT = {
    _S.UNKNOWN: (_S.PICKED_UP, "Picked up"),
    _S.PICKED_UP: (_S.IN_TRANSIT, "In the sorting centre"),
    _S.IN_TRANSIT: (_S.OUT_FOR_DELIVERY, "In the delivery van"),
    _S.OUT_FOR_DELIVERY: (_S.DELIVERED, "Delivered"),
    _S.RETURNING: (_S.RETURNED, "Back with the sender"),
}
_REASONS = (Reason.DEFECTIVE, Reason.NOT_AS_DESCRIBED, Reason.WRONG_ITEM, Reason.DAMAGED)
"""Those for which no policy takes a fee: the year's sums stay those of the data set."""
_FATES = (
    (ItemCondition.NEW, Fate.RESTOCK),
    (ItemCondition.OPENED, Fate.RESTOCK),
    (ItemCondition.USED, Fate.REFURBISH),
    (ItemCondition.DAMAGED, Fate.DAMAGED),
)
_Step = Callable[[Tx], Awaitable[bool]]
_RETURNS = (ReturnState.APPROVED, ReturnState.IN_TRANSIT, ReturnState.RECEIVED)


class Road:
    """`run` it; `stop` it from another task."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._stopping = asyncio.Event()
        self._account: AccountId | None = None

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(Fault):
                await self.work(utcnow())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK)

    async def work(self, now: datetime) -> int:
        """One tick; gives how many parcels and returns have moved."""
        account = await self._own_account()
        async with self._database.read() as reader:
            wishes = await state.read(reader)
            if wishes is None or wishes.paused or wishes.speed == UNLIMITED:
                return 0
            parcels = await _latest(reader, account, _ON_THE_WAY)
            came = await _latest(reader, account, (_S.DELIVERED,))
            returns = await changes.find_returns(reader, ReturnFilter(states=_RETURNS), limit=_AT_ONCE)
        updates = [update for parcel in parcels if (update := scanned(parcel, now)) is not None]
        if updates:
            async with self._database.transaction(DEMO) as tx:
                await tracking.apply(tx, account, updates)
        moved = [await self._sent_back(parcel, now) for parcel in came]
        moved += [await self._taken_back(case, now) for case in returns.items]
        return len(updates) + sum(moved)

    async def _own_account(self) -> AccountId:
        if self._account is None:
            async with self._database.transaction(DEMO) as tx:
                there = [one.id for one in await tracking.accounts.everything(tx) if CARRIER in one.carriers]
                draft = AccountDraft(connector="carrierfile", name="Demo carrier", carriers=(CARRIER,), test=True)
                self._account = there[0] if there else (await tracking.accounts.create(tx, self._keyring, draft, {})).id
        return self._account

    async def _sent_back(self, parcel: Tracked, now: datetime) -> bool:
        """Some buyers do not keep what they got."""
        luck = parcel.id.int // 100 % 100
        if luck >= _SENT_BACK or not _rested(parcel.delivered_at, now):
            return False
        return await self._do(lambda tx: _ask_for_return(tx, parcel, luck))

    async def _taken_back(self, case: ReturnCase, now: datetime) -> bool:
        last = max(at for at in (case.requested_at, case.sent_at, case.decided_at) if at is not None)
        return _rested(last, now) and await self._do(lambda tx: _further(tx, case.id))

    async def _do(self, step: _Step) -> bool:
        """What somebody else has done meanwhile is left as it is."""
        with contextlib.suppress(Refusal, Fault):
            async with self._database.transaction(DEMO) as tx:
                return await step(tx)
        return False


def scanned(parcel: Tracked, now: datetime) -> TrackingUpdate | None:
    """What the carrier says next of a parcel; None while it rests."""
    if not _rested(parcel.last_at or parcel.shipped_at, now):
        return None
    luck, status, text = parcel.id.int % 100, parcel.status, ""
    detail = ""
    if status is _S.DELIVERY_FAILED:
        status, text = (_S.RETURNING, "Refused") if luck < _REFUSED else (_S.OUT_FOR_DELIVERY, "In the delivery van again")
    elif status is _S.OUT_FOR_DELIVERY and parcel.attempts == 0 and luck < _REFUSED + _NOBODY:
        status, text = _S.DELIVERY_FAILED, "Refused" if luck < _REFUSED else "Nobody at home"
        detail = "refused" if luck < _REFUSED else "recipient_absent"
    elif status is _S.IN_TRANSIT and luck >= 100 - _LOST:
        status, text = _S.LOST, "Cannot be found"
    elif status is _S.IN_TRANSIT and luck >= 100 - _LOST - _DAMAGED:
        status, text = _S.DAMAGED, "Crushed in the sorting centre"
    else:
        status, text = _NEXT[status]
    scan = Scan(status=status, at=now, raw_code=status.value.upper(), detail=detail, text=text)
    return TrackingUpdate(tracking_number=parcel.tracking_number, scans=(scan,), latest=scan)


def _rested(last: datetime | None, now: datetime) -> bool:
    return last is not None and now - last >= _STEP


async def _latest(reader: Reader, account: AccountId, statuses: Sequence[TrackingStatus]) -> list[Tracked]:
    wanted = TrackedFilter(account_id=account, statuses=tuple(statuses))
    page = await tracking.find(reader, wanted, sort="-shipped", limit=_AT_ONCE)
    return [parcel for parcel in page.items if parcel.kind is Kind.PARCEL]


async def _ask_for_return(tx: Tx, parcel: Tracked, luck: int) -> bool:
    """A unit of the first line, unless something of the order has been asked for already."""
    if await changes.returns_of(tx, parcel.order_id):
        return False
    order = (await orders.get(tx, parcel.order_id)).order
    line = next((one for one in order.lines if one.sku is not None and one.shipped > one.returned), None)
    if line is None:
        return False
    draft = ReturnDraft(order_id=order.id, units=(Units(line.line_no, 1, _REASONS[luck % len(_REASONS)]),))
    await changes.request_return(tx, draft, SETTING)
    return True


async def _further(tx: Tx, case_id: ReturnCaseId) -> bool:
    """Sent, then received where the order came from, then looked at."""
    case = await changes.get_return(tx, case_id)
    assert case.order_id is not None, "nothing else was asked for"
    if case.state is ReturnState.APPROVED:
        await changes.send_return(tx, case_id, CARRIER, f"DR{case.number}")
    elif case.state is ReturnState.IN_TRANSIT:
        (first, *_) = await tracking.of_order(tx, case.order_id)
        arrived = [Arrived(item.line_no, item.quantity - item.received) for item in case.items]
        await changes.receive_return(tx, case_id, first.parcel.location_id, arrived, parcel=case.tracking_number)
    else:
        condition, fate = _FATES[case.number % len(_FATES)]
        await changes.inspect_return(
            tx, case_id, [Look(row.id, row.quantity, condition, fate) for row in case.received if row.fate is None]
        )
    return True
