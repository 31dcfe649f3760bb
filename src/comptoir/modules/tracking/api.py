"""The door to tracking."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime

from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId, ShipmentId
from comptoir.modules.tracking import (
    accounts,
    cases,
    coming,
    drivers,
    inbox,
    instructing,
    keeping,
    labels,
    manifests,
    overview,
    ruling,
)
from comptoir.modules.tracking.contracts import (
    Monthly,
    Performance,
    Poll,
    Promise,
    Spent,
    Tracked,
    TrackedDetails,
    TrackedFilter,
    TrackedId,
    Trouble,
    TroubleId,
    TroubleKind,
)
from comptoir.modules.tracking.domain.choosing import Chosen, Offer, Ruling, choose, steered
from comptoir.modules.tracking.domain.following import corrections, is_late
from comptoir.modules.tracking.domain.measuring import Verdict, on_the_way, promise_of, region_of, verdict
from comptoir.modules.tracking.domain.states import ANSWERABLE, CASE_STEPS, LABEL_STEPS, after_answer, after_silence
from comptoir.modules.tracking.domain.steering import CarrierRule, Do, Effect, Sent
from comptoir.modules.tracking.errors import NotFollowed, UnknownTracked, UnknownTrouble
from comptoir.modules.tracking.moving import apply, begin, claim, never_ask, note_by_hand, polled, review, take_back_scan
from comptoir.modules.tracking.store import cases as store_cases
from comptoir.modules.tracking.store import history, lanes
from comptoir.modules.tracking.store import parcels as store
from comptoir.modules.tracking.store.forgetting import forget_buyers
from comptoir.modules.tracking.subscribers import consumers
from comptoir.modules.tracking.whereabouts import whereabouts
from comptoir.runtime.columnar import Columns
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Count, Page

__all__ = [
    "ANSWERABLE",
    "CASE_STEPS",
    "LABEL_STEPS",
    "CarrierRule",
    "Chosen",
    "Do",
    "Effect",
    "Offer",
    "Ruling",
    "Sent",
    "Verdict",
    "accounts",
    "after_answer",
    "after_silence",
    "apply",
    "begin",
    "cases",
    "choose",
    "claim",
    "coming",
    "consumers",
    "corrections",
    "drivers",
    "forget_buyers",
    "inbox",
    "instructing",
    "is_late",
    "keeping",
    "labels",
    "manifests",
    "never_ask",
    "note_by_hand",
    "on_the_way",
    "overview",
    "polled",
    "promise_of",
    "region_of",
    "review",
    "ruling",
    "steered",
    "take_back_scan",
    "verdict",
    "whereabouts",
]


async def came(reader: Reader, channels: Sequence[str], since: datetime) -> Columns:
    """Of the orders of these channels that left from then on, and of which all parcels are known to have come: `order` (UUID as
    text) and `day` of the last of them (days since 1970).
    """
    return await history.came(reader, channels, since)


async def find(
    reader: Reader, wanted: TrackedFilter, *, sort: str = "-shipped", limit: int = 50, cursor: str | None = None
) -> Page[Tracked]:
    """Sorts: shipped, and number of the order; each with a `-` before it."""
    return await store.LISTING.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: TrackedFilter) -> Count:
    return await store.LISTING.count(reader, store.where(wanted))


async def stream(reader: Reader, wanted: TrackedFilter, *, sort: str = "-shipped") -> AsyncIterator[Tracked]:
    """Every one of them, in order, for exports."""
    async for parcel in store.LISTING.stream(reader, store.where(wanted), sort=sort):
        yield parcel


async def known_words(reader: Reader) -> tuple[list[str], list[str]]:
    """(carriers, countries that parcels go to), as far as there are any."""
    return await store.carriers(reader), await store.countries(reader)


async def some(reader: Reader, ids: Sequence[TrackedId]) -> dict[TrackedId, Tracked]:
    """Those of these parcels that there are, without their scans."""
    return {parcel.id: parcel for parcel in await store.some(reader, ids)}


async def of_shipments(reader: Reader, ids: Sequence[ShipmentId]) -> dict[ShipmentId, Tracked]:
    """What became of these shipments, without scans."""
    return {parcel.shipment_id: parcel for parcel in await store.of_shipments(reader, ids)}


async def poll_of(reader: Reader, tracked_id: TrackedId) -> Poll:
    """What to ask a carrier about this parcel. Raises UnknownTracked, and NotFollowed where there is nobody to ask."""
    parcel = await store.get(reader, tracked_id)
    if parcel is None:
        raise UnknownTracked(kind="tracked", id=tracked_id)
    if parcel.account_id is None or not parcel.tracking_number:
        raise NotFollowed(id=tracked_id)
    return Poll(
        tracked_id=parcel.id,
        account_id=parcel.account_id,
        tracking_number=parcel.tracking_number,
        service=parcel.service,
    )


async def get(reader: Reader, tracked_id: TrackedId) -> TrackedDetails:
    """With all that was said of it. Raises UnknownTracked."""
    parcel = await store.get(reader, tracked_id)
    if parcel is None:
        raise UnknownTracked(kind="tracked", id=tracked_id)
    return (await _details(reader, [parcel]))[0]


async def of_order(reader: Reader, order_id: OrderId) -> list[TrackedDetails]:
    """The parcels of an order, the first that left first."""
    return await _details(reader, await store.of_order(reader, order_id))


async def parcels_of(reader: Reader, order_id: OrderId) -> list[Tracked]:
    """The same, without what was said of them."""
    return await store.of_order(reader, order_id)


async def _details(reader: Reader, parcels: Sequence[Tracked]) -> list[TrackedDetails]:
    scans = await store.scans_of(reader, parcels)
    known = await cases.of_parcels(reader, [parcel.id for parcel in parcels])
    noted = await store.hand_scans(reader, [parcel.id for parcel in parcels])
    troubles = await store_cases.troubles_of(reader, [parcel.id for parcel in parcels])
    said = await instructing.latest(reader, list(known))
    return [
        TrackedDetails(
            parcel=parcel,
            scans=tuple(scans[parcel.id]),
            troubles=tuple(troubles[parcel.id]),
            case=known.get(parcel.id),
            instruction=said.get(parcel.id),
            by_hand={scan.id: actor for tracked_id, scan, actor in noted if tracked_id == parcel.id},
        )
        for parcel in parcels
    ]


async def due(tx: Tx, limit: int) -> list[Poll]:
    """Parcels whose carriers are to be asked now, those that come back to us among them; they are ours for an hour."""
    return [*await store.due(tx, limit), *await coming.due(tx, limit)]


async def promises(reader: Reader, order_id: OrderId, now: datetime) -> list[Promise]:
    """Whether what the buyer of an order was told was kept, for each parcel and collection."""
    return [promise_of(parcel, now) for parcel in await store.of_order(reader, order_id)]


async def performance(
    reader: Reader, since: date, *, until: date | None = None, carriers: Sequence[str] = (), destination_country: str = ""
) -> list[Performance]:
    """How each lane did with what left since the first of that day's month, to the end of the month of `until`."""
    return await lanes.find(reader, since.replace(day=1), carriers, destination_country, until)


async def monthly(
    reader: Reader, since: date, *, until: date | None = None, carriers: Sequence[str] = (), destination_country: str = ""
) -> list[Monthly]:
    """As `performance`, of each carrier and month."""
    return await lanes.monthly(reader, since.replace(day=1), until, carriers, destination_country)


async def spent(
    reader: Reader, since: date, *, until: date | None = None, carriers: Sequence[str] = (), destination_country: str = ""
) -> list[Spent]:
    """What the labels of those parcels cost; one line for each currency."""
    return await lanes.spent(reader, since.replace(day=1), until, carriers, destination_country)


# Troubles


async def find_troubles(
    reader: Reader,
    kinds: Sequence[TroubleKind] = (),
    *,
    order_id: OrderId | None = None,
    locations: Sequence[LocationId] = (),
    open_only: bool = True,
    resolved_only: bool = False,
    sort: str = "-opened",
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Trouble]:
    """What a person has to look at. Sorts: opened, -opened, and urgent: what cannot wait first, then the oldest.

    `locations` are those that parcels left from; what is about a label alone is everybody's.
    """
    where = store_cases.where_troubles(kinds, order_id, locations, open_only=open_only, resolved_only=resolved_only)
    return await store_cases.TROUBLES.page(reader, where, sort=sort, limit=limit, cursor=cursor)


async def counts_of_troubles(reader: Reader, locations: Sequence[LocationId] = ()) -> dict[TroubleKind, int]:
    """How many of each kind are open; a kind with none is left out. `locations` as in `find_troubles`."""
    return await store_cases.counts(reader, locations)


async def dismiss(tx: Tx, trouble_id: TroubleId) -> Trouble:
    """A person has looked at it, and nothing is left to do. Raises UnknownTrouble."""
    found = await store_cases.trouble(tx, trouble_id)
    if found is None or not await store_cases.resolve_one(tx, trouble_id, "dismissed"):
        raise UnknownTrouble(kind="trouble", id=trouble_id)
    return found
