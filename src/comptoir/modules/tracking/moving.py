"""Parcels on their way: shipments become parcels, scans move them, silence is noticed, and each end is counted for its lane."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from comptoir.kernel.checking import Checks
from comptoir.kernel.ids import uuid7
from comptoir.kernel.zones import zone_of_country
from comptoir.modules.carriers import api as carriers
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Departure, ShipmentId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Arrival
from comptoir.modules.tracking import cases, coming
from comptoir.modules.tracking.contracts import (
    HOUSE,
    Account,
    AccountId,
    Counts,
    Kind,
    LabelState,
    LaneKey,
    ParcelDelayed,
    ParcelDelivered,
    ParcelMoved,
    ParcelStuck,
    Poll,
    PurchasedLabel,
    Tracked,
    TrackedId,
    TroubleKind,
)
from comptoir.modules.tracking.domain import following, measuring
from comptoir.modules.tracking.errors import NotCarried, UnknownTracked
from comptoir.modules.tracking.store import accounts as store_accounts
from comptoir.modules.tracking.store import cases as store_cases
from comptoir.modules.tracking.store import labels as store_labels
from comptoir.modules.tracking.store import lanes
from comptoir.modules.tracking.store import parcels as store
from comptoir.runtime.database import Tx
from comptoir.sdk.tracking import Scan, TrackingStatus, TrackingUpdate

_S = TrackingStatus
_MOST = 300
_SLACK = timedelta(minutes=5)
"""Clocks differ."""
_ENDS_BADLY: Mapping[TrackingStatus, TroubleKind] = {
    _S.LOST: TroubleKind.LOST,
    _S.DAMAGED: TroubleKind.DAMAGED,
    _S.RETURNED: TroubleKind.RETURNED,
}


# Shipments become parcels


async def begin(tx: Tx, shipments: Sequence[ShipmentId]) -> int:
    """A parcel for each shipment that has none yet, with whatever its carrier has said of it already; gives how many."""
    there = await store.known_shipments(tx, shipments)
    fresh = await orders.departures(tx, [one for one in dict.fromkeys(shipments) if one not in there])
    if not fresh:
        return 0
    places = {key: await locations.get(tx, key) for key in sorted({one.location_id for one in fresh})}
    numbers = [one.tracking_number for one in fresh if one.tracking_number]
    around = _Around(
        places,
        await store_accounts.everything(tx),
        await store_labels.by_number(tx, numbers) if numbers else {},
        await store.accounts_of(tx, numbers) if numbers else {},
        {service.code: max((zone.days for zone in service.zones), default=0) for service in await carriers.everything(tx)},
    )
    made = [around.parcel(one) for one in fresh]
    await store.insert(tx, [_first_poll(parcel) for parcel in made])
    await lanes.spend(tx, _spent(made, around.labels))
    told = [parcel.id for parcel in made if parcel.account_id is not None]
    if told:
        await _follow(tx, await store.lock(tx, told), set())
    return len(made)


class _Around:
    """What there is to know beside the shipment itself."""

    def __init__(
        self,
        places: Mapping[LocationId, Location],
        accounts: Sequence[Account],
        labels: Mapping[str, PurchasedLabel],
        told: Mapping[str, AccountId],
        usual: Mapping[str, int],
    ) -> None:
        self._places = places
        self._accounts = {carrier: account.id for account in accounts if account.active for carrier in account.carriers}
        self.labels = labels
        self._told = told
        self._usual = usual

    def parcel(self, one: Departure) -> Tracked:
        place = self._places[one.location_id]
        collected = one.pickup_location_id == one.location_id and not one.tracking_number
        label = self.labels.get(one.tracking_number)
        sold = label is not None and label.account_id != HOUSE  # nobody tells us of what goes by our own tables
        account = label.account_id if label and sold else self._accounts.get(one.carrier) or self._told.get(one.tracking_number)
        country = place.country if collected else one.country or place.country
        return Tracked(
            id=TrackedId(uuid7()),
            shipment_id=one.id,
            order_id=one.order_id,
            order_number=one.number,
            channel=one.channel_code,
            location_id=one.location_id,
            kind=Kind.COLLECTION if collected else Kind.PARCEL,
            account_id=account if one.tracking_number else None,
            carrier=(label.carrier if label else "") or one.carrier,
            service=label.service if label else "",
            tracking_number=one.tracking_number,
            tracking_url=one.tracking_url or (label.tracking_url if label else ""),
            origin_country=place.country,
            origin_region=measuring.region_of(place.region, place.postcode),
            destination_country=country,
            destination_region=measuring.region_of(one.region, one.postcode),
            zone=place.time_zone if country == place.country else zone_of_country(country, place.time_zone),
            usual_days=self._usual.get(one.carrier) or following.USUAL_DAYS,
            shipped_at=one.shipped_at,
            promised_on=one.promised_on,
            estimated_on=one.promised_on,
            status=_S.DELIVERED if collected else _S.UNKNOWN,
            since=one.shipped_at if collected else None,
            delivered_at=one.shipped_at if collected else None,
        )


def _spent(made: Sequence[Tracked], labels: Mapping[str, PurchasedLabel]) -> dict[tuple[LaneKey, date, str], tuple[int, int]]:
    """What the labels of parcels that leave cost, by lane, month and currency."""
    spent: dict[tuple[LaneKey, date, str], tuple[int, int]] = {}
    for parcel in made:
        label = labels.get(parcel.tracking_number)
        if label is not None and label.cost is not None and label.state is LabelState.BOUGHT:
            key = (measuring.lane_of(parcel), measuring.month_of(parcel), label.currency)
            parcels, cost = spent.get(key, (0, 0))
            spent[key] = (parcels + 1, cost + label.cost)
    return spent


def _first_poll(parcel: Tracked) -> Tracked:
    waits = parcel.kind is Kind.PARCEL and parcel.account_id is not None
    return replace(parcel, next_poll_at=parcel.shipped_at + timedelta(hours=1)) if waits else parcel


# Scans


async def apply(tx: Tx, account_id: AccountId, updates: Sequence[TrackingUpdate]) -> int:
    """Writes what a carrier says, once, and moves the parcels that it is about; gives of how many there was news.

    What is said of a parcel that nobody has told us of is kept for when somebody does.
    """
    return len(await _applied(tx, account_id, updates))


async def _applied(tx: Tx, account_id: AccountId, updates: Sequence[TrackingUpdate]) -> set[TrackedId]:
    by_number: dict[str, list[TrackingUpdate]] = defaultdict(list)
    for update in updates:
        if update.tracking_number:
            by_number[update.tracking_number].append(update)
    said = {number: [scan for update in own for scan in _scans(update)] for number, own in by_number.items()}
    news = await store.add_scans(tx, account_id, said)
    await coming.heard(tx, account_id, sorted(news))
    ids = await store.by_number(tx, account_id, sorted(by_number))
    if not ids:
        return set()
    parcels = await store.lock(tx, sorted(ids.values()))
    heard = [_heard(parcel, account_id, by_number[parcel.tracking_number]) for parcel in parcels]
    changed = [after for before, after in zip(parcels, heard, strict=True) if before != after]
    if changed:
        await store.update(tx, changed)
    touched = [parcel for parcel in heard if parcel.tracking_number in news or parcel in changed]
    await _follow(tx, touched, news)
    return {parcel.id for parcel in touched}


def _scans(update: TrackingUpdate) -> tuple[Scan, ...]:
    return update.scans if update.latest is None or update.latest in update.scans else (*update.scans, update.latest)


def _heard(parcel: Tracked, account_id: AccountId, updates: Sequence[TrackingUpdate]) -> Tracked:
    """With what the carrier says of the parcel beside its scans."""
    estimate = next((one.estimated_on for one in reversed(updates) if one.estimated_on is not None), parcel.carrier_estimate)
    signed = next((one.signed_by for one in reversed(updates) if one.signed_by), parcel.signed_by)
    return replace(parcel, account_id=account_id, carrier_estimate=estimate, signed_by=signed[:200])


async def polled(tx: Tx, account_id: AccountId, asked: Sequence[Poll], updates: Sequence[TrackingUpdate]) -> int:
    """As `apply`; what there was no news of is asked about ever more seldom."""
    news = await _applied(tx, account_id, updates)
    parcels = await store.lock(tx, [poll.tracked_id for poll in asked if poll.tracked_id not in news])
    later: list[Tracked] = []
    for parcel in parcels:
        next_poll_at, polls = following.next_poll(parcel, tx.now, news=False)
        later.append(replace(parcel, next_poll_at=next_poll_at, polls=polls))
    await store.update(tx, later)
    return len(news)


async def never_ask(tx: Tx, asked: Sequence[Poll]) -> None:
    """The connector cannot be asked about parcels."""
    await coming.never_ask(tx, asked)
    parcels = await store.lock(tx, [poll.tracked_id for poll in asked])
    await store.update(tx, [replace(parcel, next_poll_at=None) for parcel in parcels])


# What one of us has seen


async def note_by_hand(tx: Tx, tracked_id: TrackedId, scan: Scan) -> Tracked:
    """Writes down what one of us has seen or heard of a parcel: it counts as if the carrier had said it.

    Raises UnknownTracked, NotCarried, and Invalid for a time that cannot be.
    """
    parcel = await _carried(tx, tracked_id)
    checks = Checks()
    checks.require("status", scan.status is not _S.UNKNOWN, "says where it is")
    checks.require("at", scan.at <= tx.now + _SLACK, "is not in the future")
    checks.require("at", scan.at >= parcel.shipped_at - following.OLD_SCANS, "is after it left")
    for name in ("text", "place"):
        checks.require(name, len(getattr(scan, name)) <= _MOST, f"has at most {_MOST} characters")
    checks.done()
    await store.add_hand_scan(tx, parcel.id, scan)
    return await _followed_again(tx, parcel)


async def claim(tx: Tx, tracked_id: TrackedId, what: str) -> bool:
    """A parcel is found to be damaged or lost, whatever its carrier says: it counts so for its lane. Whether that is new."""
    assert what in {measuring.DAMAGED, measuring.LOST}
    found = await store.lock(tx, [tracked_id])
    if not found or found[0].kind is not Kind.PARCEL or found[0].claimed == what:
        return False
    after = replace(found[0], claimed=what)
    await store.update(tx, [after])
    counted: dict[tuple[LaneKey, date], Counts] = {}
    _count(counted, found[0], after)
    await lanes.add(tx, counted)
    return True


async def take_back_scan(tx: Tx, tracked_id: TrackedId, scan_id: str) -> Tracked:
    """What was written down by hand was a mistake: the parcel is again what the others say. Raises UnknownTracked."""
    parcel = await _carried(tx, tracked_id)
    try:
        key = UUID(scan_id.removeprefix(store.BY_HAND))
    except ValueError as problem:
        raise UnknownTracked(kind="scan", id=scan_id[:64]) from problem
    if not await store.remove_hand_scan(tx, parcel.id, key):
        raise UnknownTracked(kind="scan", id=scan_id[:64])
    return await _followed_again(tx, parcel)


async def _carried(tx: Tx, tracked_id: TrackedId) -> Tracked:
    found = await store.lock(tx, [tracked_id])
    if not found:
        raise UnknownTracked(kind="tracked", id=tracked_id)
    if found[0].kind is not Kind.PARCEL:
        raise NotCarried(id=tracked_id)
    return found[0]


async def _followed_again(tx: Tx, parcel: Tracked) -> Tracked:
    await _follow(tx, [parcel], {parcel.tracking_number})
    after = await store.get(tx, parcel.id)
    assert after is not None
    return after


async def _follow(tx: Tx, parcels: Sequence[Tracked], news: set[str]) -> None:
    """The parcels, locked, as their scans have them now, with all that follows from it."""
    if not parcels:
        return
    scans = await store.scans_of(tx, parcels)
    known = await store_cases.of_parcels(tx, [parcel.id for parcel in parcels], lock=True)
    changed: list[Tracked] = []
    counted: dict[tuple[LaneKey, date], Counts] = {}
    arrivals: list[Arrival] = []
    for before in parcels:
        own = scans[before.id]
        after = following.followed(before, own, tx.now)
        if before.tracking_number in news:
            next_poll_at, polls = following.next_poll(after, tx.now, news=True)
            after = replace(after, next_poll_at=next_poll_at if before.account_id else None, polls=polls)
        if following.has_worse_news(after):
            after = replace(after, delay_told=after.estimated_on)
        if after != before:
            changed.append(after)
        _count(counted, before, after)
        arrivals += _arrivals(before, after)
        _tell(tx, before, after)
        await cases.follow(tx, before, after, own, known.get(before.id))
        await _settle_troubles(tx, before, after)
    if changed:
        await store.update(tx, changed)
    await lanes.add(tx, counted)
    await routing.arrived(tx, arrivals)


def _count(counted: dict[tuple[LaneKey, date], Counts], before: Tracked, after: Tracked) -> None:
    if after.kind is not Kind.PARCEL:
        return
    was, now = measuring.counts_of(before), measuring.counts_of(after)
    for parcel, change in ((before, Counts().minus(was)), (after, now)):
        key = (measuring.lane_of(parcel), measuring.month_of(parcel))
        counted[key] = counted.get(key, Counts()).plus(change)


def _arrivals(before: Tracked, after: Tracked) -> list[Arrival]:
    was, now = measuring.arrived_on(before), measuring.arrived_on(after)
    if was == now:
        return []
    return [Arrival(after.order_id, after.location_id, day, parcels) for day, parcels in ((was, -1), (now, 1)) if day]


def _tell(tx: Tx, before: Tracked, after: Tracked) -> None:
    about: dict[str, Any] = {"order_id": after.order_id, "tracked_id": after.id, "shipment_id": after.shipment_id}
    if after.status is not before.status and after.since is not None:
        if after.status is _S.DELIVERED:
            assert after.delivered_at is not None
            late = after.promised_on is not None and measuring.local_day(after, after.delivered_at) > after.promised_on
            tx.emit(ParcelDelivered(**about, at=after.delivered_at, promised_on=after.promised_on, late=late))
        elif after.status is not _S.DELIVERY_FAILED:  # its case tells it, with what the buyer may answer
            tx.emit(
                ParcelMoved(
                    **about,
                    status=after.status.value,
                    was=before.status.value,
                    at=after.since,
                    estimated_on=after.estimated_on,
                )
            )
    if after.delay_told != before.delay_told:
        assert after.promised_on is not None
        assert after.estimated_on is not None
        tx.emit(ParcelDelayed(**about, promised_on=after.promised_on, estimated_on=after.estimated_on))


async def _settle_troubles(tx: Tx, before: Tracked, after: Tracked) -> None:
    """What the carrier says now ends what was wrong, or is what is wrong."""
    if after.last_at != before.last_at or after.status is not before.status:
        await store_cases.resolve(tx, after.id, [TroubleKind.STUCK], "moved")
    was_late, is_late = following.is_late(before), following.is_late(after)
    if is_late and not was_late:
        reason = f"expected {after.estimated_on}, promised {after.promised_on}"
        await store_cases.open_trouble(tx, TroubleKind.LATE, after.id, after.id, after.order_id, reason)
    elif was_late and not is_late:
        await store_cases.resolve(tx, after.id, [TroubleKind.LATE], after.status.value)
    if after.status is before.status:
        return
    bad = _ENDS_BADLY.get(after.status)
    others = [kind for kind in _ENDS_BADLY.values() if kind is not bad]
    await store_cases.resolve(tx, after.id, others, after.status.value)
    if bad is not None:
        await store_cases.open_trouble(tx, bad, after.id, after.id, after.order_id, after.status.value)


# Silence


async def review(tx: Tx, after: TrackedId | None, limit: int) -> TrackedId | None:
    """Looks over parcels on their way, in key order: days pass, and what is silent for too long is told before its buyer asks.

    Gives where to go on; None at the end.
    """
    found = await store.on_the_way(tx, after, tx.now - following.POLL_FOR, limit)
    if not found:
        return None
    parcels = await store.lock(tx, [one.id for one in found])
    await _follow(tx, parcels, set())
    scans = await store.scans_of(tx, parcels)
    for parcel in parcels:
        since = following.silent_since(parcel, scans[parcel.id], tx.now)
        if since is None:
            continue
        reason = f"{parcel.status.value}: silent since {since:%Y-%m-%d %H:%M} UTC"
        if await store_cases.open_trouble(tx, TroubleKind.STUCK, parcel.id, parcel.id, parcel.order_id, reason):
            tx.emit(
                ParcelStuck(
                    order_id=parcel.order_id,
                    tracked_id=parcel.id,
                    shipment_id=parcel.shipment_id,
                    status=parcel.status.value,
                    silent_since=since,
                )
            )
    return found[-1].id
