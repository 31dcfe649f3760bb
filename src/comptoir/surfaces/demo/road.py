"""The demo's carrier: parcels move from scan to scan, some fail at the door, get lost or damaged; what buyers send back comes,
or they bring it to a store, and it is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    Arrived,
    Fate,
    ItemCondition,
    Look,
    ReturnCase,
    ReturnCaseId,
    ReturnFilter,
    ReturnState,
)
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots.errors import LotNotSaid, LotRefused
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import AccountDraft, AccountId, Kind, Tracked, TrackedFilter
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database, Reader, Tx
from comptoir.sdk.tracking import Scan, TrackingStatus, TrackingUpdate
from comptoir.surfaces.demo.dispatch import CARRIER
from comptoir.surfaces.demo.loading import DEMO
from comptoir.surfaces.demo.places import WAREHOUSE_TOWNS
from comptoir.surfaces.demo.shift import Shift, luck, rested
from comptoir.surfaces.returned_lots import inspect

_S = TrackingStatus
_AT_ONCE = 40
"""Parcels of each status, and returns, that are looked at in one look: the latest."""
_STEP = timedelta(seconds=12)
"""Seconds between two scans of a parcel, and two steps of a return."""
_ON_THE_WAY = (_S.UNKNOWN, _S.PICKED_UP, _S.IN_TRANSIT, _S.OUT_FOR_DELIVERY, _S.DELIVERY_FAILED, _S.RETURNING)
"""In the order in which a parcel comes to them, a step each."""

# Of a hundred parcels: so many are lost, damaged, refused at the door and go back, or find nobody at home and come again.
_LOST, _DAMAGED, _REFUSED, _NOBODY = 1, 1, 1, 5
_NOT_INSPECTED = 12
"""Of a hundred returns that are received so many are left on the table, for whoever wants to look at them."""
_TO_A_STORE = 40
"""Of a hundred returns so many are brought to a store, wherever the order came from."""
_NEXT = {
    _S.UNKNOWN: (_S.PICKED_UP, "Picked up"),
    _S.PICKED_UP: (_S.IN_TRANSIT, "In the sorting centre"),
    _S.IN_TRANSIT: (_S.OUT_FOR_DELIVERY, "In the delivery van"),
    _S.OUT_FOR_DELIVERY: (_S.DELIVERED, "Delivered"),
    _S.RETURNING: (_S.RETURNED, "Back with the sender"),
}
_FATES = (
    (ItemCondition.NEW, Fate.RESTOCK),
    (ItemCondition.OPENED, Fate.RESTOCK),
    (ItemCondition.USED, Fate.REFURBISH),
    (ItemCondition.DAMAGED, Fate.DAMAGED),
)
_RETURNS = (ReturnState.APPROVED, ReturnState.IN_TRANSIT, ReturnState.RECEIVED)


class Road(Shift):
    """Its carrier is an account of the house, so that its parcels are followed as any other's. What is not sent back is brought
    to the stores with these codes.
    """

    every = 2.0

    def __init__(self, database: Database, keyring: Keyring, stores: Sequence[str] = ()) -> None:
        super().__init__(database)
        self._keyring = keyring
        self._account: AccountId | None = None
        self._codes = stores
        self._regions: dict[LocationId, str] = {}

    async def work(self, now: datetime) -> int:
        """The account is there before the first parcel leaves, watched or not: parcels are given theirs when they leave."""
        await self._own_account()
        return await super().work(now)

    async def look(self, now: datetime) -> int:
        account = await self._own_account()
        async with self.database.read() as reader:
            parcels = [
                one
                for nth, status in enumerate(_ON_THE_WAY, 1)
                for one in await _latest(reader, account, status, now - nth * _STEP)
            ]
            returns = await changes.find_returns(reader, ReturnFilter(states=_RETURNS), limit=_AT_ONCE)
        updates = [update for parcel in parcels if (update := scanned(parcel, now)) is not None]
        if updates:
            async with self.database.transaction(DEMO) as tx:
                await tracking.apply(tx, account, updates)
        return len(updates) + sum([await self._taken_back(case, now) for case in returns.items])

    async def _own_account(self) -> AccountId:
        if self._account is None:
            async with self.database.transaction(DEMO) as tx:
                there = [one.id for one in await tracking.accounts.everything(tx) if CARRIER in one.carriers]
                draft = AccountDraft(connector="carrierfile", name="Demo carrier", carriers=(CARRIER,), test=True)
                self._account = there[0] if there else (await tracking.accounts.create(tx, self._keyring, draft, {})).id
        return self._account

    async def _taken_back(self, case: ReturnCase, now: datetime) -> bool:
        if case.order_id is None:  # a viewer took in what was never sold, and sees to it
            return False
        if case.state is ReturnState.RECEIVED and luck(case.id, 2) < _NOT_INSPECTED:
            return False
        last = max(at for at in (case.requested_at, case.sent_at, case.decided_at) if at is not None)
        if not rested(last, now, _STEP.total_seconds()):
            return False
        if case.state is ReturnState.APPROVED and self._codes and luck(case.id, 3) < _TO_A_STORE:
            return await self.do(lambda tx: self._brought(tx, case.id))
        return await self.do(lambda tx: _further(tx, case.id))

    async def _brought(self, tx: Tx, case_id: ReturnCaseId) -> None:
        """Over the counter of a store of the buyer's region, if there is one."""
        case = await changes.get_return(tx, case_id)
        assert case.order_id is not None, "nothing else was asked for"
        store = await self._store_near(tx, case.order_id, luck(case_id, 4))
        arrived = [Arrived(item.line_no, item.quantity - item.received) for item in case.items]
        await changes.receive_return(tx, case_id, store, arrived)

    async def _store_near(self, tx: Tx, order_id: OrderId, draw: int) -> LocationId:
        if not self._regions:
            places = await locations.ids(tx, self._codes)
            self._regions = {key: (await locations.get(tx, key)).region for key in places.values()}
        address = (await orders.load(tx, order_id)).ship_to
        region = "" if address is None else address.get("region")
        near = [key for key, there in self._regions.items() if there == region] or list(self._regions)
        return near[draw % len(near)]


def scanned(parcel: Tracked, now: datetime) -> TrackingUpdate | None:
    """What the carrier says next of a parcel; None while it rests."""
    if not rested(parcel.last_at or parcel.shipped_at, now, _STEP.total_seconds()):
        return None
    draw, status, text = luck(parcel.id), parcel.status, ""
    detail = ""
    if status is _S.DELIVERY_FAILED:
        status, text = (_S.RETURNING, "Refused") if draw < _REFUSED else (_S.OUT_FOR_DELIVERY, "In the delivery van again")
    elif status is _S.OUT_FOR_DELIVERY and parcel.attempts == 0 and draw < _REFUSED + _NOBODY:
        status, text = _S.DELIVERY_FAILED, "Refused" if draw < _REFUSED else "Nobody at home"
        detail = "refused" if draw < _REFUSED else "recipient_absent"
    elif status is _S.IN_TRANSIT and draw >= 100 - _LOST:
        status, text = _S.LOST, "Cannot be found"
    elif status is _S.IN_TRANSIT and draw >= 100 - _LOST - _DAMAGED:
        status, text = _S.DAMAGED, "Crushed in the sorting centre"
    else:
        status, text = _NEXT[status]
    scan = Scan(status=status, at=now, raw_code=status.value.upper(), detail=detail, text=text)
    return TrackingUpdate(tracking_number=parcel.tracking_number, scans=(scan,), latest=scan)


async def _latest(reader: Reader, account: AccountId, status: TrackingStatus, before: datetime) -> list[Tracked]:
    """Those that left long enough ago to have come further: however many leave, the others are seen."""
    wanted = TrackedFilter(account_id=account, statuses=(status,), shipped_before=before)
    page = await tracking.find(reader, wanted, sort="-shipped", limit=_AT_ONCE)
    return [parcel for parcel in page.items if parcel.kind is Kind.PARCEL]


async def _further(tx: Tx, case_id: ReturnCaseId) -> bool:
    """Sent, then received where the order came from or, if that takes no returns, at one of our centres, then looked at."""
    case = await changes.get_return(tx, case_id)
    assert case.order_id is not None, "nothing else was asked for"
    if case.state is ReturnState.APPROVED:
        await changes.send_return(tx, case_id, CARRIER, f"DR{case.number}")
    elif case.state is ReturnState.IN_TRANSIT:
        place = await _where_it_goes(tx, case)
        arrived = [Arrived(item.line_no, item.quantity - item.received) for item in case.items]
        await changes.receive_return(tx, case_id, place, arrived, parcel=case.tracking_number)
    else:
        condition, fate = _FATES[case.number % len(_FATES)]
        waiting = [row for row in case.received if row.fate is None]
        try:
            await inspect(tx, case_id, [Look(row.id, row.quantity, condition, fate) for row in waiting])
        except (LotNotSaid, LotRefused):  # nobody knows how old it is, or it is too old: it is thrown away
            await inspect(tx, case_id, [Look(row.id, row.quantity, condition, Fate.DESTROY) for row in waiting])
    return True


async def _where_it_goes(tx: Tx, case: ReturnCase) -> LocationId:
    """Where its first parcel left, unless nothing is taken back there: suppliers have their customers' returns sent to us. What
    the carrier brings back undelivered goes to its sender in any case.
    """
    assert case.order_id is not None, "nothing else is on the road"
    (first, *_) = await tracking.of_order(tx, case.order_id)
    sender = first.parcel.location_id
    if case.shipment_id is not None or (await locations.get(tx, sender)).returns:
        return sender
    centres = await locations.ids(tx, [code for code, *_ in WAREHOUSE_TOWNS])
    ours = [place for place in centres.values() if (await locations.get(tx, place)).returns]
    return ours[luck(case.id, 4) % len(ours)] if ours else sender
