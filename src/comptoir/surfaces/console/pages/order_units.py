"""What can be done with the units of an order: release, find stock, ship and move."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.channels.contracts import Channel
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import (
    Order,
    OrderDetails,
)
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.pages.naming import places_of
from comptoir.surfaces.console.pages.order_forms import Asked, Sent, Values, Work, line_quantities, order_rows
from comptoir.surfaces.console.pages.sources import nearest_sources, target_words
from comptoir.surfaces.console.web import Visit


async def show_release(at: Asked) -> Values:
    return {"rows": order_rows(at.details.order, lambda line: line.reserved if line.stocked else 0)}


def read_release(sent: Sent) -> Work:
    chosen = line_quantities(sent.fields, sent.order)
    reason = sent.fields.text("reason")

    async def work(tx: Tx, locked: Order) -> str:
        await fulfilment.require_free(tx, locked.id, {row.line_no for row in chosen})
        await orders.release(tx, locked.id, chosen, reason)
        return sent.visit.say(N_("The stock is released; the order waits for new stock."))

    return work


async def show_allocate(at: Asked) -> Values:
    return {"rows": order_rows(at.details.order, lambda line: line.backordered)}


def read_allocate(sent: Sent) -> Work:
    async def work(tx: Tx, locked: Order) -> str:
        channel = await _channel(sent.visit, tx, locked)
        pool = await locations.pool(tx, channel.pool_id)
        there = (locked.ship_to or {}).get("latitude"), (locked.ship_to or {}).get("longitude")
        goal = (float(str(there[0])), float(str(there[1]))) if there[0] is not None and there[1] is not None else None
        geometry = locations.PoolGeometry.of([member for member in pool.members if member.active])
        ranked = [geometry.members[i].id for i in locations.rank(geometry, goal, None)]
        found = await orders.allocate(tx, locked.id, ranked)
        if not found:
            return sent.visit.say(N_("There is still no stock anywhere for what is waiting."))
        return sent.visit.says("%(num)s unit has found its stock.", "%(num)s units have found their stock.", found)

    return work


async def _channel(visit: Visit, reader: Reader, order: Order) -> Channel:
    found = next((one for one in await visit.console.channels(reader) if one.code == order.channel_code), None)
    if found is None:
        raise NotFound(kind="channel", code=order.channel_code)
    return found


# Ship and move


def _held(details: OrderDetails, location_id: LocationId | None) -> dict[int, int]:
    held: dict[int, int] = {}
    for reservation in details.reservations:
        if reservation.location_id == location_id:
            held[reservation.line_no] = held.get(reservation.line_no, 0) + reservation.quantity
    return held


def _origin(typed: Mapping[str, str], details: OrderDetails) -> LocationId | None:
    """The location that was named, or else the first that holds something for the order."""
    try:
        return LocationId(from_text(LOCATION_PREFIX, typed.get("from", "")))
    except ValueError:
        return details.reservations[0].location_id if details.reservations else None


async def show_ship(at: Asked) -> Values:
    origin = _origin(at.typed, at.details)
    held = _held(at.details, origin)
    places = await places_of(at.reader, [origin])
    rows = order_rows(at.details.order, lambda line: held.get(line.line_no, 0) if line.stocked else line.reserved)
    return {
        "rows": rows,
        "origin_id": to_text(LOCATION_PREFIX, origin) if origin else "",
        "words": at.visit.say(N_("These units leave %(place)s and its stock at once."), place=places[origin]),
    }


def read_ship(sent: Sent) -> Work:
    chosen = line_quantities(sent.fields, sent.order)
    origin = LocationId(sent.fields.id("from", LOCATION_PREFIX))
    carrier = sent.fields.text("carrier", most=100)
    number = sent.fields.text("tracking_number", most=100)
    address = sent.fields.text("tracking_url", most=500)
    if address and not address.startswith(("https://", "http://")):
        sent.fields.refuse("tracking_url", N_("An address begins with https://."))

    async def work(tx: Tx, locked: Order) -> str:
        await orders.ship(tx, locked.id, origin, chosen, carrier=carrier, tracking_number=number, tracking_url=address)
        return sent.visit.says(
            "%(num)s unit has been shipped.",
            "%(num)s units have been shipped.",
            sum(row.quantity for row in chosen),
        )

    return work


async def show_move(at: Asked) -> Values:
    origin = _origin(at.typed, at.details)
    number = at.typed.get("line", "")
    line = next((line for line in at.details.order.lines if str(line.line_no) == number), None)
    if line is None or line.sku is None:
        raise NotFound(kind="line", id=number)
    channel = await _channel(at.visit, at.reader, at.details.order)
    pool = await locations.pool(at.reader, channel.pool_id)
    targets = await nearest_sources(at.reader, line.sku, pool.members, origin)
    places = await places_of(at.reader, [origin, *(target.location_id for target in targets)])
    return {
        "line": line,
        "origin_id": to_text(LOCATION_PREFIX, origin) if origin else "",
        "most": _held(at.details, origin).get(line.line_no, 0),
        "targets": [
            (to_text(LOCATION_PREFIX, t.location_id), target_words(at.visit, t, places[t.location_id])) for t in targets
        ],
        "words": at.visit.say(N_("%(product)s now stands at %(place)s."), product=line.name or line.sku, place=places[origin]),
    }


def read_move(sent: Sent) -> Work:
    quantity = sent.fields.whole("quantity", least=1)
    line_no = sent.fields.whole("line", least=1)
    origin, target = LocationId(sent.fields.id("from", LOCATION_PREFIX)), LocationId(sent.fields.id("to", LOCATION_PREFIX))

    async def work(tx: Tx, locked: Order) -> str:
        await fulfilment.require_free(tx, locked.id, {line_no}, origin)
        await orders.move(tx, locked.id, line_no, quantity, from_location_id=origin, to_location_id=target, reason="person")
        return sent.visit.say(N_("The units come from another location now."))

    return work
