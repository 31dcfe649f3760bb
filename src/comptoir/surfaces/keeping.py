"""What buyers were told and whether it was kept, house-wide: doors as carriers tell, counters as they were ready, and what has
not left although its day is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Broken, Fulfilment, Kept
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationFilter, LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.tracking import api as tracking
from comptoir.runtime.database import Reader

WEEKS = 12
"""So many are looked back on."""


class Cause(StrEnum):
    """Why a promise was not kept, as far as the work tells."""

    GIVEN_BACK = "given_back"
    """A location gave units of it back, and it began anew."""
    NOT_BEGUN = "not_begun"
    """Nobody has begun with it, or began after it was to be ready."""
    PICKED_LATE = "picked_late"
    """It was begun in time, and ready too late."""
    CARRIER = "carrier"
    """It was ready in time, and came late."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A promise that was not kept, and why."""

    broken: Broken
    cause: Cause


def first_day(today: date, weeks: int = WEEKS) -> date:
    """The Monday of the week that begins so many weeks."""
    return today - timedelta(days=today.weekday() + 7 * (weeks - 1))


async def zones_of(reader: Reader) -> dict[LocationId, str]:
    """The time zones of all locations."""
    return {one.id: one.time_zone async for one in locations.stream(reader, LocationFilter())}


async def kept(reader: Reader, since: date, today: date, zones: Mapping[LocationId, str]) -> list[Kept]:
    """Of promises for days that are over. An order of which something has left and something has not counts for both."""
    return [
        *await tracking.keeping.kept(reader, since, today),
        *await fulfilment.keeping.kept(reader, since, today, zones),
    ]


async def missed(
    reader: Reader, since: date, today: date, zones: Mapping[LocationId, str], *, limit: int = 100
) -> list[Missed]:
    """The latest first."""
    found = [
        *await tracking.keeping.broken(reader, since, today, limit=limit),
        *await fulfilment.keeping.broken(reader, since, today, zones, limit=limit),
    ]
    found = sorted(found, key=lambda one: (one.promised_on, one.order_number), reverse=True)[:limit]
    ids = sorted({one.order_id for one in found})
    given_back = {one.order_id for one in await orders.rejections(reader, ids)}
    work: dict[object, list[Fulfilment]] = {}
    for one in await fulfilment.of_orders(reader, ids):
        work.setdefault(one.order_id, []).append(one)
    return [Missed(one, cause(one, work.get(one.order_id, ()), given_back=one.order_id in given_back)) for one in found]


def cause(broken: Broken, work: Sequence[Fulfilment], *, given_back: bool) -> Cause:
    """What is said of an order when more than one thing went wrong is what came first."""
    if given_back:
        return Cause.GIVEN_BACK
    own = [one for one in work if one.location_id == broken.location_id]
    if any(_after(one.begun_at or one.closed_at, one.leaves_by) for one in own):
        return Cause.NOT_BEGUN
    if any(_after(one.ready_at or one.packed_at or one.closed_at, one.leaves_by) for one in own):
        return Cause.PICKED_LATE
    if broken.carrier or not own:
        return Cause.CARRIER
    return Cause.PICKED_LATE


def _after(at: datetime | None, due: datetime | None) -> bool:
    """What is not yet is after whatever it was due at."""
    return due is not None and (at is None or at > due)


def share(rows: Iterable[Kept]) -> tuple[int, int]:
    """(kept, all)."""
    kept_, all_ = 0, 0
    for one in rows:
        kept_ += one.kept
        all_ += one.kept + one.broken
    return kept_, all_
