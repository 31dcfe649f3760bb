"""What a buyer collects, on their own page: the code, where and until when, who else may come, more time, and "I am here"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    FULFILMENT_PREFIX,
    Fulfilment,
    FulfilmentId,
    Method,
    Stage,
    ToPay,
    Waiting,
)
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationId
from comptoir.modules.notices import api as notices
from comptoir.modules.orders.contracts import Order, OrderId
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database, Reader
from comptoir.surfaces import collecting
from comptoir.surfaces.documents.barcodes import qr_path
from comptoir.surfaces.public.maps import Point, Sketch, sketch

log = structlog.get_logger("comptoir.public")

STEPS = frozenset({"collector", "longer", "here", "gone"})
_MOST = 120
_MOST_CAR = 60
_AROUND = 5.0
"""Degrees of land and sea around a store, so that somebody knows where it is."""
_AT_COUNTERS = frozenset({Method.COLLECT, Method.HAND_OUT, Method.SEND_TO_STORE})


class Progress(StrEnum):
    """How far something is that is collected."""

    PREPARING = "preparing"
    COMING = "coming"
    """On its way to the store."""
    READY = "ready"
    HANDED_OUT = "handed_out"
    GIVEN_BACK = "given_back"


@dataclass(frozen=True, slots=True)
class Squares:
    """A QR code: `side` squares wide, with its quiet zone, and the dark ones as a path."""

    side: int
    path: str


@dataclass(frozen=True, slots=True)
class CounterView:
    """Something that is collected, as its buyer sees it."""

    id: str
    progress: Progress
    units: int
    place: Location
    address: str
    hours: tuple[tuple[date, str], ...]
    """The next days, today first; no words where it is closed."""
    zone: ZoneInfo
    map: Sketch | None
    map_link: str
    code: str
    squares: Squares | None
    locker: str
    locker_code: str
    until: date | None
    """The last day."""
    more_days: int
    """That may still be asked for."""
    due: ToPay | None
    collector: str
    curbside: bool
    here_at: datetime | None
    car: str
    spot: str
    promised_on: date | None


async def counters(reader: Reader, order: Order, keyring: Keyring, now: datetime) -> tuple[CounterView, ...]:
    """All that is collected of an order; what was sent to the store is shown once it is on its way."""
    if order.pickup_location_id is None:
        return ()
    found = [one for one in await fulfilment.of_orders(reader, [order.id]) if one.method in _AT_COUNTERS]
    shown = [one for one in found if _is_shown(one)]
    if not shown:
        return ()
    waiting = await fulfilment.waiting(reader, [one.id for one in shown])
    named = (await fulfilment.collectors(reader, [order.id])).get(order.id)
    places = {key: await locations.get(reader, key) for key in {_counter(one, order.pickup_location_id) for one in shown}}
    views: list[CounterView] = []
    for one in shown:
        place = places[_counter(one, order.pickup_location_id)]
        ready = one.stage is Stage.READY
        due = await fulfilment.to_pay(reader, one.id) if ready else None
        there = waiting.get(one.id)
        label = await _locker(reader, there)
        views.append(_view(one, place, there, keyring, now, due=due, collector=named.name if named else "", locker=label))
    return tuple(views)


def _is_shown(one: Fulfilment) -> bool:
    """What a warehouse has sent is shown as what the store hands out."""
    return (
        one.stage is not Stage.DONE
        if one.method is Method.SEND_TO_STORE
        else one.stage is not Stage.CANCELLED or bool(one.ready_at)
    )


def _counter(one: Fulfilment, pickup: LocationId) -> LocationId:
    return pickup if one.method is Method.SEND_TO_STORE else one.location_id


async def _locker(reader: Reader, there: Waiting | None) -> str:
    if there is None or there.locker_id is None or there.locker_code is None:
        return ""
    found = (await fulfilment.lockers(reader, [there.locker_id]))[there.locker_id]
    return " ".join(part for part in (found.bank, found.code) if part)


def _view(
    one: Fulfilment,
    place: Location,
    there: Waiting | None,
    keyring: Keyring,
    now: datetime,
    *,
    due: ToPay | None,
    collector: str,
    locker: str,
) -> CounterView:
    zone = ZoneInfo(place.time_zone)
    ready = one.stage is Stage.READY
    code = collecting.code_of(keyring, one) if ready else ""
    squares = qr_path(code)
    until = there.waits_until if ready and there is not None else None
    return CounterView(
        id=to_text(FULFILMENT_PREFIX, one.id),
        progress=_progress(one),
        units=one.quantity - one.gone if ready else one.quantity,
        place=place,
        address=notices.address_of(place),
        hours=tuple(notices.opening(place, now.astimezone(zone).date())),
        zone=zone,
        map=_map(place),
        map_link=_map_link(place),
        code=code,
        squares=None if squares is None else Squares(*squares),
        locker=locker if ready else "",
        locker_code=(
            fulfilment.locker_code(keyring, there.locker_code)
            if ready and there is not None and there.locker_code is not None
            else ""
        ),
        until=None if until is None else (until - timedelta(seconds=1)).astimezone(zone).date(),
        more_days=there.extension if ready and there is not None and there.may_extend else 0,
        due=due if due is not None and due.due else None,
        collector=collector,
        curbside=ready and there is not None and there.curbside and not locker,
        here_at=None if there is None else there.here_at,
        car="" if there is None else there.car,
        spot="" if there is None else there.spot,
        promised_on=one.promised_on,
    )


def _progress(one: Fulfilment) -> Progress:
    match one.stage:
        case Stage.READY:
            return Progress.READY
        case Stage.TO_RECEIVE:
            return Progress.COMING
        case Stage.DONE:
            return Progress.HANDED_OUT
        case Stage.CANCELLED:
            return Progress.GIVEN_BACK
        case _:
            return Progress.PREPARING


def _map(place: Location) -> Sketch | None:
    if place.latitude is None or place.longitude is None:
        return None
    north, south = min(90.0, place.latitude + _AROUND), max(-90.0, place.latitude - _AROUND)
    here = Point(place.latitude, place.longitude)
    return sketch(Point(south, place.longitude), (here,), Point(north, place.longitude))


def _map_link(place: Location) -> str:
    """Of the free map of the world: it is told the place, and nothing of who asks."""
    if place.latitude is not None and place.longitude is not None:
        at = f"{place.latitude:.5f}/{place.longitude:.5f}"
        return f"https://www.openstreetmap.org/?mlat={place.latitude:.5f}&mlon={place.longitude:.5f}#map=17/{at}"
    words = ", ".join(part for part in (place.line1, place.postcode, place.city, place.country) if part)
    return f"https://www.openstreetmap.org/search?query={quote(words)}" if place.city else ""


# What the buyer does


async def act(database: Database, order_id: UUID, fulfilment_text: str, step: str, given: Mapping[str, str]) -> None:
    """A step of the buyer's. What cannot be done any more changes nothing: the page shows how it stands.

    Raises NotFound for what is not of this order.
    """
    try:
        fulfilment_id = FulfilmentId(from_text(FULFILMENT_PREFIX, fulfilment_text))
    except ValueError as problem:
        raise NotFound(kind="fulfilment", id=fulfilment_text[:40]) from problem
    if step not in STEPS:
        raise NotFound(kind="page", id=step[:40])
    try:
        async with database.transaction() as tx:
            await _require_own(tx, fulfilment_id, order_id)
            match step:
                case "collector":
                    name = _words(given.get("name", ""), _MOST)
                    await fulfilment.name_collector(tx, OrderId(order_id), name, by_buyer=True)
                case "longer":
                    await fulfilment.extend_for_buyer(tx, fulfilment_id)
                case "here":
                    car, spot = _words(given.get("car", ""), _MOST_CAR), _words(given.get("spot", ""), _MOST_CAR)
                    await fulfilment.buyer_here(tx, fulfilment_id, car=car, spot=spot)
                case _:
                    await fulfilment.buyer_here(tx, fulfilment_id, waits=False)
    except NotFound:
        raise
    except Refusal as refusal:
        log.info("a buyer's step came too late", step=step, code=refusal.code)


async def _require_own(reader: Reader, fulfilment_id: FulfilmentId, order_id: UUID) -> None:
    if (await fulfilment.get(reader, fulfilment_id)).order_id != order_id:
        raise NotFound(kind="fulfilment", id=str(fulfilment_id))


def _words(text: str, most: int) -> str:
    """On one line, without what cannot be stored, and no longer than that."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())[:most].strip()
