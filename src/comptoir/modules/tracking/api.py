"""The door to tracking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking import accounts, cases, drivers, inbox, labels
from comptoir.modules.tracking.contracts import (
    Performance,
    Poll,
    Promise,
    Tracked,
    TrackedDetails,
    TrackedFilter,
    TrackedId,
    Trouble,
    TroubleId,
    TroubleKind,
)
from comptoir.modules.tracking.domain.choosing import Chosen, Offer, Ruling, choose
from comptoir.modules.tracking.domain.measuring import Verdict, promise_of, verdict
from comptoir.modules.tracking.domain.states import CASE_STEPS, LABEL_STEPS
from comptoir.modules.tracking.errors import UnknownTracked, UnknownTrouble
from comptoir.modules.tracking.moving import apply, begin, never_ask, polled, review
from comptoir.modules.tracking.store import cases as store_cases
from comptoir.modules.tracking.store import lanes
from comptoir.modules.tracking.store import parcels as store
from comptoir.modules.tracking.subscribers import consumers
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Count, Page

__all__ = [
    "CASE_STEPS",
    "LABEL_STEPS",
    "Chosen",
    "Offer",
    "Ruling",
    "Verdict",
    "accounts",
    "apply",
    "begin",
    "cases",
    "choose",
    "consumers",
    "drivers",
    "inbox",
    "labels",
    "never_ask",
    "polled",
    "promise_of",
    "review",
    "verdict",
]


async def find(
    reader: Reader, wanted: TrackedFilter, *, sort: str = "-shipped", limit: int = 50, cursor: str | None = None
) -> Page[Tracked]:
    """Sorts: shipped and -shipped."""
    return await store.LISTING.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: TrackedFilter) -> Count:
    return await store.LISTING.count(reader, store.where(wanted))


async def get(reader: Reader, tracked_id: TrackedId) -> TrackedDetails:
    """With all that was said of it. Raises UnknownTracked."""
    parcel = await store.get(reader, tracked_id)
    if parcel is None:
        raise UnknownTracked(kind="tracked", id=tracked_id)
    return (await _details(reader, [parcel]))[0]


async def of_order(reader: Reader, order_id: OrderId) -> list[TrackedDetails]:
    """The parcels of an order, the first that left first."""
    return await _details(reader, await store.of_order(reader, order_id))


async def _details(reader: Reader, parcels: Sequence[Tracked]) -> list[TrackedDetails]:
    scans = await store.scans_of(reader, parcels)
    known = await cases.of_parcels(reader, [parcel.id for parcel in parcels])
    return [
        TrackedDetails(
            parcel=parcel,
            scans=tuple(scans[parcel.id]),
            troubles=tuple(await store_cases.troubles_of(reader, parcel.id)),
            case=known.get(parcel.id),
        )
        for parcel in parcels
    ]


async def due(tx: Tx, limit: int) -> list[Poll]:
    """Parcels whose carriers are to be asked now; they are ours for an hour."""
    return await store.due(tx, limit)


async def promises(reader: Reader, order_id: OrderId, now: datetime) -> list[Promise]:
    """Whether what the buyer of an order was told was kept, for each parcel and collection."""
    return [promise_of(parcel, now) for parcel in await store.of_order(reader, order_id)]


async def performance(
    reader: Reader, since: date, *, carriers: Sequence[str] = (), destination_country: str = ""
) -> list[Performance]:
    """How each lane did with what left since the first of that day's month."""
    return await lanes.find(reader, since.replace(day=1), carriers, destination_country)


# Troubles


async def find_troubles(
    reader: Reader,
    kinds: Sequence[TroubleKind] = (),
    *,
    order_id: OrderId | None = None,
    open_only: bool = True,
    sort: str = "-opened",
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Trouble]:
    """What a person has to look at. Sorts: opened and -opened."""
    where = store_cases.where_troubles(kinds, order_id, open_only=open_only)
    return await store_cases.TROUBLES.page(reader, where, sort=sort, limit=limit, cursor=cursor)


async def counts_of_troubles(reader: Reader) -> dict[TroubleKind, int]:
    """How many of each kind are open; a kind with none is left out."""
    return await store_cases.counts(reader)


async def dismiss(tx: Tx, trouble_id: TroubleId) -> None:
    """A person has looked at it, and nothing is left to do. Raises UnknownTrouble."""
    if not await store_cases.resolve_one(tx, trouble_id, "dismissed"):
        raise UnknownTrouble(kind="trouble", id=trouble_id)
