"""What a buyer who collects something has to know: where, until when, and by which code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FulfilmentId, Stage
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Interval, Location
from comptoir.modules.notices.contracts import Content
from comptoir.modules.payments import api as payments
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Reader

_DAYS = 8
"""A notice that waits for a day still says what holds on the day on which it is read."""


async def collected(reader: Reader, bare: Content, fulfilment_id: FulfilmentId, keyring: Keyring, now: datetime) -> Content:
    """The content with everything about the counter, or the locker, at which it waits."""
    one = await fulfilment.get(reader, fulfilment_id)
    place = await locations.get(reader, one.location_id)
    waits = one.stage is Stage.READY
    there = (await fulfilment.waiting(reader, [one.id])).get(one.id) if waits else None
    sealed = None if there is None else there.locker_code
    locker = None
    if there is not None and there.locker_id is not None and sealed is not None:
        locker = (await fulfilment.lockers(reader, [there.locker_id]))[there.locker_id]
    return msgspec.structs.replace(
        bare,
        on=None,
        place=address_of(place),
        code=fulfilment.pickup_code(keyring, one.id, one.number) if waits else "",
        waits_until=None if there is None else there.waits_until,
        opening=tuple(opening(place, now.astimezone(ZoneInfo(place.time_zone)).date())) if waits else (),
        locker="" if locker is None else " ".join(part for part in (locker.bank, locker.code) if part),
        locker_code="" if sealed is None else fulfilment.locker_code(keyring, sealed),
        refund=await payments.granted(reader, one.order_id) or None,
    )


def address_of(place: Location) -> str:
    street = ", ".join(part for part in (place.line1, place.line2) if part)
    town = " ".join(part for part in (place.postcode, place.city) if part)
    return ", ".join(part for part in (place.name, street, town) if part)


def opening(place: Location, first: date) -> list[tuple[date, str]]:
    """The hours of the next days; nothing where they are not stated."""
    hours = place.opening_hours
    if not hours.stated:
        return []
    days = [first + timedelta(days=n) for n in range(_DAYS)]
    return [(day, hours_text(hours.on(day))) for day in days]


def hours_text(intervals: Sequence[Interval]) -> str:
    return ", ".join(f"{_clock(one.opens)}–{_clock(one.closes)}" for one in intervals)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
