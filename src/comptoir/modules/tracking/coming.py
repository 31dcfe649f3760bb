"""Parcels that come back to us with a label that we have bought: where they are, and whether a carrier has them yet.

They are nobody's promise and no carrier's performance: they are followed apart from the parcels of orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from comptoir.modules.tracking.contracts import AccountId, Coming, ComingMoved, Poll, PurchasedLabel
from comptoir.modules.tracking.store import coming as store
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.tracking import FINAL, Scan, TrackingStatus, journey_of

PAPERS = frozenset({TrackingStatus.UNKNOWN, TrackingStatus.LABEL_CREATED, TrackingStatus.AWAITING_PICKUP})
"""What is said before any carrier has touched it."""
_NEVER_LEFT = PAPERS | {TrackingStatus.CANCELLED, TrackingStatus.EXPIRED}
_EVERY = timedelta(hours=6)
_ASK_FOR = timedelta(days=75)


async def begin(tx: Tx, label: PurchasedLabel) -> None:
    """A parcel with this label is awaited; what its carrier has said of it already counts."""
    await store.begin(tx, label)
    found = await store.get(tx, label.subject_id)
    if found is not None:
        await _follow(tx, [found])


async def get(reader: Reader, subject_id: UUID) -> Coming | None:
    """Where the parcel is that something is to come back in; None where no label of ours was bought for it."""
    return await store.get(reader, subject_id)


async def scans(reader: Reader, parcel: Coming) -> list[Scan]:
    """What was said of it, the first first."""
    return list((await store.scans_of(reader, [parcel]))[parcel.id])


def has_left(parcel: Coming) -> bool:
    """Whether a carrier has it, or had it."""
    return parcel.status not in _NEVER_LEFT


async def heard(tx: Tx, account_id: AccountId, numbers: Sequence[str]) -> None:
    """The account has said something of parcels with these numbers, some of which may come back to us."""
    if numbers:
        await _follow(tx, await store.lock_by_number(tx, account_id, numbers))


async def _follow(tx: Tx, parcels: Sequence[Coming]) -> None:
    if not parcels:
        return
    known = await store.scans_of(tx, parcels)
    for parcel in parcels:
        journey = journey_of(known[parcel.id])
        if (journey.status, journey.last_at) == (parcel.status, parcel.last_at):
            continue
        await store.put(tx, parcel.id, journey.status, journey.since, journey.last_at, ended=journey.status in FINAL)
        if journey.status is not parcel.status:
            tx.emit(
                ComingMoved(
                    order_id=parcel.order_id,
                    return_case_id=parcel.id,
                    status=journey.status.value,
                    was=parcel.status.value,
                    left=journey.status not in _NEVER_LEFT,
                    at=journey.since,
                )
            )


async def due(tx: Tx, limit: int) -> list[Poll]:
    """Those whose carriers are to be asked now."""
    return await store.due(tx, tx.now + _EVERY, tx.now - _ASK_FOR, limit)


async def never_ask(tx: Tx, asked: Sequence[Poll]) -> None:
    """The connector cannot be asked about parcels."""
    await store.forget(tx, [one.tracked_id for one in asked])
