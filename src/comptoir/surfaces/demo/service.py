"""Customer service: it sees to what buyers ask for, before their orders leave and after. What gives much away waits for a
second person, who looks at most of it and leaves some to the viewer. What no location may send they see to in the way that is
best.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    Change,
    ChangeFilter,
    ChangeState,
    Reason,
    ReturnCase,
    ReturnDraft,
    ReturnFilter,
    ReturnState,
)
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.api import WaysOut
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentFilter, Method, Stage
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import (
    Choice,
    ExceptionFilter,
    ExceptionId,
    ExceptionKind,
    Order,
    OrderException,
    OrderId,
)
from comptoir.modules.payments import api as payments
from comptoir.modules.staff.contracts import Role
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Kind, Tracked, TrackedFilter
from comptoir.runtime.database import Database, Reader, Tx
from comptoir.sdk.tracking import TrackingStatus
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.demo import wishes
from comptoir.surfaces.demo.loading import DEMO
from comptoir.surfaces.demo.plan import UNRECORDED
from comptoir.surfaces.demo.shift import Shift, luck, member, rested
from comptoir.surfaces.demo.wishes import Wish
from comptoir.surfaces.pools import pool_id_of

_SEEN, _SEEN_PARCELS = 40, 150
_REMEMBERED = 4_000
_RESTED, _DECIDED = 6.0, 75.0
"""Seconds after which a buyer writes to us about a parcel, and after which the second person looks at what waits."""
_LEFT = 6
"""So many changes, and so many returns, are always left to the viewer: those that have waited for longest."""
_DECLINED, _REFUNDED = 15, 75
"""Of a hundred changes that wait those that are declined, and of a hundred refunds those that move at once."""
_STUCK, _STUCK_AT_ONCE, _STUCK_EVERY, _STUCK_LEFT = 200, 12, 5, 6
"""Units that no location may send: so many are looked at, so many of them seen to at once, in every fifth look; so many of the
latest are left to the viewer.
"""
_STUCK_FOR = timedelta(seconds=60)
_REASONS = (Reason.DEFECTIVE, Reason.NOT_AS_DESCRIBED, Reason.WRONG_ITEM, Reason.DAMAGED)
"""Those for which no policy takes a fee."""

_BEFORE = (
    Wish(2, wishes.cancelled),
    Wish(7, wishes.without_one),
    Wish(11, wishes.fewer),
    Wish(12, wishes.express),
    Wish(13, wishes.elsewhere),
)
_NEVER_CAME = (Wish(70, wishes.lost),)


class CustomerService(Shift):
    """In a demo without users the demo itself does what they would."""

    every = 2.0

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._seen: deque[UUID] = deque(maxlen=_REMEMBERED)
        self._goods: deque[str] = deque(maxlen=60)
        """SKUs that others have ordered of late: what somebody wants instead."""
        self._after: tuple[Wish, ...] = (
            Wish(2, wishes.broken),
            Wish(4, wishes.wrong),
            Wish(7, wishes.something_off),
            Wish(11, wishes.much_off),
            Wish(16, self._another),
            *(Wish(22 + 6 * n, partial(wishes.unwanted, reason=why)) for n, why in enumerate(_REASONS)),
        )
        self._we, self._second = DEMO, DEMO
        self._setting = fulfilment.Setting(pool_id_of)
        self._tried: deque[ExceptionId] = deque(maxlen=_REMEMBERED)
        self._looks = 0

    async def look(self, now: datetime) -> int:
        async with self.database.read() as reader:
            self._we = await member(reader, Role.SUPPORT) or DEMO
            self._second = await member(reader, Role.OPERATIONS) or DEMO
            fresh = await _fresh(reader)
            came = await _parcels(reader, TrackingStatus.DELIVERED)
            gone = await _parcels(reader, TrackingStatus.LOST, TrackingStatus.DAMAGED)
            asked = ChangeFilter(states=(ChangeState.REQUESTED, ChangeState.APPROVED), needs_approval=True)
            waiting = await changes.find_changes(reader, asked, sort="requested", limit=_SEEN)
            wanted = ReturnFilter(states=(ReturnState.REQUESTED,))
            cases = await changes.find_returns(reader, wanted, sort="requested", limit=_SEEN)
        self._goods.extend(line.sku for one in fresh for line in one.lines)
        done = sum([await self._see_to(one.order_id, _BEFORE, 1) for one in fresh])
        done += sum([await self._see_to(one.order_id, self._after, 2) for one in came if _rests(one, now)])
        done += sum([await self._see_to(one.order_id, _NEVER_CAME, 3) for one in gone if _rests(one, now)])
        self._looks += 1
        if self._looks % _STUCK_EVERY == 0:
            done += await self._unstick(now)
        done += sum([await self._decide(one) for one in waiting.items[_LEFT:] if rested(one.requested_at, now, _DECIDED)])
        return done + sum(
            [await self._decide_return(one) for one in cases.items[_LEFT:] if rested(one.requested_at, now, _DECIDED)]
        )

    async def _see_to(self, order_id: OrderId, among: Sequence[Wish], draw: int) -> bool:
        """What this buyer asks for, if anything: once for each order."""
        wish = next((one for one in among if luck(order_id, draw) < one.until), None)
        if wish is None or order_id in self._seen:
            return False
        self._seen.append(order_id)
        return await self.do(lambda tx: self._asked(tx, order_id, wish), self._we)

    async def _asked(self, tx: Tx, order_id: OrderId, wish: Wish) -> bool:
        order = await orders.load(tx, order_id)
        known = await changes.find_changes(tx, ChangeFilter(order=order_id), limit=1)
        if known.items or await changes.returns_of(tx, order_id):
            return False
        draft = wish.ask(order)
        if draft is None:
            return False
        if isinstance(draft, ReturnDraft):
            await changes.request_return(tx, draft, SETTING)
            return True
        change, preview = await changes.request_change(tx, draft, SETTING)
        if not preview.needs_approval:
            await _confirm(tx, change)
        return True

    def _another(self, order: Order) -> ReturnDraft | None:
        return wishes.another(order, tuple(self._goods))

    async def _decide(self, change: Change) -> bool:
        if await self.do(lambda tx: _decided(tx, change), self._second):
            return True
        return await self.do(lambda tx: changes.decline_change(tx, change.id, "It has left meanwhile"), self._second)

    async def _decide_return(self, case: ReturnCase) -> bool:
        if luck(case.id, 1) < _DECLINED:
            return await self.do(lambda tx: changes.decline_return(tx, case.id), self._second)
        return await self.do(lambda tx: changes.approve_return(tx, case.id, SETTING), self._second)

    async def _unstick(self, now: datetime) -> int:
        """Units that no location may send, the oldest first: each is tried once, in the way that is best; gives how many."""
        wanted = ExceptionFilter(kinds=(ExceptionKind.UNROUTABLE,), opened_before=now - _STUCK_FOR)
        async with self.database.read() as reader:
            page = await orders.find_exceptions(reader, wanted, sort="opened", limit=_STUCK)
            fresh = [one.exception for one in page.items[:-_STUCK_LEFT] if one.exception.id not in self._tried]
            some = fresh[:_STUCK_AT_ONCE]
            ways = await fulfilment.ways_out(reader, self._setting, some, now) if some else {}
        self._tried.extend(one.id for one in some)
        return sum([await self._try(one, ways[one.id]) for one in some if one.id in ways])

    async def _try(self, one: OrderException, ways: WaysOut) -> bool:
        return await self.do(lambda tx: _remedied(tx, self._setting, one.id, ways), self._we)


def _rests(parcel: Tracked, now: datetime) -> bool:
    return rested(parcel.delivered_at or parcel.last_at, now, _RESTED)


async def _fresh(reader: Reader) -> list[Fulfilment]:
    """What came in last and nobody has begun, with its lines."""
    wanted = FulfilmentFilter(stages=(Stage.TO_PICK,), method=Method.SHIP)
    page = await fulfilment.find(reader, wanted, sort="-placed", limit=_SEEN)
    return await fulfilment.get_all(reader, [one.id for one in page.items if not one.assignee])


async def _parcels(reader: Reader, *statuses: TrackingStatus) -> list[Tracked]:
    page = await tracking.find(reader, TrackedFilter(statuses=statuses), sort="-shipped", limit=_SEEN_PARCELS)
    return [parcel for parcel in page.items if parcel.kind is Kind.PARCEL]


async def _remedied(tx: Tx, setting: fulfilment.Setting, exception_id: ExceptionId, ways: WaysOut) -> bool:
    """What is best; False where that is to wait."""
    match ways.best:
        case Choice.SEND if ways.location_id is not None:
            await fulfilment.send_anyway(tx, setting, exception_id, ways.location_id)
        case Choice.SERVICE if ways.service is not None:
            await fulfilment.send_as(tx, setting, exception_id, ways.service)
        case Choice.CANCEL:
            await fulfilment.cancel_stuck(tx, exception_id, "out of stock")
        case Choice.RETRY:
            await fulfilment.retry(tx, setting, exception_id)
        case _:
            return False
    return True


async def _decided(tx: Tx, change: Change) -> None:
    """Approved and done, or declined."""
    if change.state is ChangeState.REQUESTED and luck(change.id, 1) < _DECLINED:
        await changes.decline_change(tx, change.id, "Not this time")
        return
    if change.state is ChangeState.REQUESTED:
        change, _ = await changes.renew_change(tx, change.id, SETTING)
        await changes.approve_change(tx, change.id, SETTING)
    await _confirm(tx, change)


async def _confirm(tx: Tx, change: Change) -> None:
    """Done; what the buyer gets back moves as it was paid, or waits for whoever sees to refunds."""
    await changes.confirm_change(tx, change.id, SETTING)
    if luck(change.id) >= _REFUNDED:
        return
    for grant in await payments.grants_of(tx, change.order_id):
        most = payments.refundable(await payments.entries_of(tx, change.order_id), UNRECORDED)
        if 0 < grant.open <= most:
            await orders.execute_refund(tx, change.order_id, grant.id, grant.open, UNRECORDED, f"RF-{change.number}")
