"""Where a parcel that could not be handed over can wait near its buyer: our own stores, their lockers, the carrier's points."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec
import structlog

from comptoir.kernel.errors import Fault, Refusal
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import LockerState
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationFilter
from comptoir.modules.notices import api as notices
from comptoir.modules.orders.contracts import Order
from comptoir.modules.tracking.contracts import AccountId, Tracked
from comptoir.runtime.database import Database, Reader
from comptoir.sdk import orders as sdk
from comptoir.sdk.carriers import Address, Capability, PickupPoint
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.parties import zone_of

log = structlog.get_logger("comptoir.points")

MOST = 6
_OF_THE_CARRIER = 6
_FARTHEST = 50.0
"""Kilometres: farther away nobody fetches a parcel."""
_PATIENCE = 4.0
_WEEK = 7
_MOST_TEXT = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A pickup point as its buyer chooses it. `text` says all of it in one line, as the carrier is told of it."""

    text: str
    name: str
    line: str
    kilometres: float | None
    hours: tuple[tuple[date, str], ...] = ()
    """Of the next days, today first; none where nobody says."""
    point_id: str = ""
    """What the carrier calls it; empty for our own."""
    locker: bool = False


async def own(reader: Reader, order: Order, country: str, now: datetime) -> list[Point]:
    """Our own counters near the address, nearest first. Where nobody knows where the address is, none."""
    there = await whereabouts(reader, order)
    if there is None:
        return []
    wanted = LocationFilter(pickup=True, active=True, country=country or None)
    found: list[tuple[float, str, Location]] = []
    async for place in locations.stream(reader, wanted):
        if place.latitude is not None and place.longitude is not None:
            away = locations.distance_km(there, (place.latitude, place.longitude))
            if away <= _FARTHEST:
                found.append((away, place.code, place))
    nearest = sorted(found, key=lambda one: one[:2])[:MOST]
    return [_counter(place, away, now, locker=await _has_lockers(reader, place)) for away, _, place in nearest]


async def _has_lockers(reader: Reader, place: Location) -> bool:
    return any(one.state is LockerState.FREE for one in await fulfilment.lockers_at(reader, place.id))


async def of_carrier(carriage: Carriage, account_id: AccountId | None, near: Address, today: date) -> list[Point]:
    """The carrier's own points, where its connector can tell them and answers soon enough; else none: nobody waits for it."""
    if account_id is None:
        return []
    try:
        _, carrier = await carriage.account(account_id)
        if Capability.POINTS not in carrier.info.capabilities:
            return []
        found = await asyncio.wait_for(carrier.points(near, _OF_THE_CARRIER), _PATIENCE)
    except (TimeoutError, Refusal, Fault) as problem:
        log.info("the pickup points of a carrier could not be had", problem=type(problem).__name__)
        return []
    return [_of_carrier(one, near, today) for one in found[:_OF_THE_CARRIER]]


async def near(database: Database, carriage: Carriage | None, parcel: Tracked, order: Order, now: datetime) -> list[Point]:
    """All of them, nearest first. The carrier is asked outside of any transaction."""
    ship_to = order.ship_to or {}
    country = str(ship_to.get("country") or "")
    async with database.read() as reader:
        found = await own(reader, order, country, now)
    if carriage is not None and ship_to:
        known: Mapping[str, object] = msgspec.structs.asdict(msgspec.convert(ship_to, sdk.Address))
        found += await of_carrier(carriage, parcel.account_id, msgspec.convert(known, Address), now.date())
    return sorted(found, key=lambda one: (one.kilometres is None, one.kilometres or 0.0, one.name))


async def whereabouts(reader: Reader, order: Order) -> tuple[float, float] | None:
    """Where the address of an order is on the map, as far as it says, or its postcode does."""
    ship_to = order.ship_to or {}
    latitude, longitude = ship_to.get("latitude"), ship_to.get("longitude")
    if isinstance(latitude, float) and isinstance(longitude, float):
        return latitude, longitude
    return await locations.place_of(reader, str(ship_to.get("country") or ""), str(ship_to.get("postcode") or ""))


def _counter(place: Location, away: float, now: datetime, *, locker: bool) -> Point:
    name = place.name or place.code
    line = _line(place.line1, place.postcode, place.city)
    today = now.astimezone(zone_of(place)).date()
    hours = tuple(notices.opening(place, today)[:_WEEK])
    return Point(text=_text(name, line), name=name, line=line, kilometres=away, hours=hours, locker=locker)


def _of_carrier(one: PickupPoint, near: Address, today: date) -> Point:
    address = one.address
    line = _line(address.line1, address.postcode, address.city)
    away = one.kilometres
    known = (near.latitude, near.longitude, address.latitude, address.longitude)
    if away is None and None not in known:
        here, there = (near.latitude or 0.0, near.longitude or 0.0), (address.latitude or 0.0, address.longitude or 0.0)
        away = locations.distance_km(here, there)
    days = [today + timedelta(days=n) for n in range(_WEEK)]
    hours = tuple((day, one.hours[day.weekday()]) for day in days) if len(one.hours) == _WEEK else ()
    return Point(
        text=_text(one.name, line),
        name=one.name,
        line=line,
        kilometres=away,
        hours=hours,
        point_id=one.id,
        locker=one.is_locker,
    )


def _line(line1: str, postcode: str, city: str) -> str:
    town = " ".join(part for part in (postcode, city) if part)
    return ", ".join(part for part in (line1, town) if part)


def _text(name: str, line: str) -> str:
    return ", ".join(part for part in (name, line) if part)[:_MOST_TEXT]
