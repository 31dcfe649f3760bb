"""What a buyer may be told before the order."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from comptoir.kernel.checking import Checks
from comptoir.kernel.ids import uuid7
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.kernel.time import utcnow
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.channels.errors import UnknownChannel
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import PromiseId, Reservation
from comptoir.modules.inventory.errors import HoldGone
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.errors import UnknownSku
from comptoir.modules.routing.api import Collection, Delivery
from comptoir.modules.routing.contracts import Job
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show_location
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import (
    Amount,
    Code,
    CountryCode,
    Day,
    HoldRef,
    Instant,
    Latitude,
    LineNo,
    LocationRef,
    Longitude,
    Quantity,
    Request,
    Shape,
    SkuText,
    Words,
)
from comptoir.surfaces.selling import ChannelClosed, Counter

promises = Resource("Promises", "Delivery dates and pickup times, before the order.")

MAX_LINES = 100


class AskedLine(Request, frozen=True, kw_only=True):
    sku: SkuText
    quantity: Quantity = 1
    unit_price: (
        Annotated[Amount, Meta(description="Minor units of the channel's currency; without it the market's price.")] | None
    ) = None


class AskPromises(Request, frozen=True, kw_only=True):
    """A basket, or one product, and where the buyer is."""

    channel: Code
    lines: Annotated[tuple[AskedLine, ...], Meta(min_length=1, max_length=MAX_LINES)]
    country: Annotated[CountryCode, Meta(description="Where it would be sent.")] | None = None
    postcode: Annotated[Words, Meta(description="Of the buyer, with the country.", examples=["69002"])] = ""
    latitude: Annotated[Latitude, Meta(description="Of the buyer; it counts before the postcode.")] | None = None
    longitude: Longitude | None = None
    services: Annotated[tuple[Service, ...], Meta(max_length=3, description="`pickup` is told for the nearest counters.")] = (
        Service.STANDARD,
        Service.EXPRESS,
        Service.PICKUP,
    )
    counters: Annotated[int, Meta(ge=1, le=20, description="How many pickup locations, the nearest first.")] = 3
    pickup_location_id: Annotated[LocationRef, Meta(description="Only this counter.")] | None = None
    hold_id: Annotated[HoldRef, Meta(description="The buyer's own hold: what it keeps is there for this buyer.")] | None = None


class LackingShape(Shape, frozen=True, kw_only=True):
    line_no: LineNo
    quantity: Quantity


class DeliveryOption(Shape, frozen=True, kw_only=True):
    """What one service brings to the door."""

    service: Service
    complete: Annotated[bool, Meta(description="Whether all of it can be had.")]
    arrives_on: Annotated[Day, Meta(description="The day at the door, of the last parcel.")] | None
    order_by: Annotated[Instant, Meta(description="An order until then keeps this date.")] | None
    parcels: Annotated[int, Meta(examples=[1])]
    lacking: list[LackingShape]


class CollectionOption(Shape, frozen=True, kw_only=True):
    """When it can be collected at one counter."""

    location_id: LocationRef
    code: Annotated[str, Meta(examples=["lyon-2"])]
    name: str
    distance_km: Annotated[float, Meta(examples=[2.4])] | None
    complete: bool
    ready_at: Instant | None
    in_stock: Annotated[bool, Meta(description="Whether the counter has all of it; otherwise it is sent there.")]
    lacking: list[LackingShape]


class PromisesShape(Shape, frozen=True, kw_only=True):
    """Dates as routing would keep them now; nothing is held by asking."""

    located: Annotated[bool, Meta(description="Whether it is known where the buyer is. If not, the farthest way is assumed.")]
    deliveries: list[DeliveryOption]
    collections: list[CollectionOption]


@promises.post(
    "/v1/promises",
    Scope.STOCK_READ,
    refuses=(UnknownChannel, ChannelClosed, UnknownSku, HoldGone),
    quiet=True,
    asks=True,
    example={
        "channel": "web-fr",
        "lines": [{"sku": "TEE-RED-M", "quantity": 2}],
        "country": "FR",
        "postcode": "69002",
        "latitude": 45.7606,
        "longitude": 4.8357,
    },
)
async def ask_promises(call: Call, body: AskPromises) -> Answer[PromisesShape]:
    """Get delivery dates and pickup times for a basket.

    The code that routes orders answers, with the stock, calendars, cut-offs, capacity and carriers of this moment, so that
    promises and decisions agree. It changes nothing, and needs no Idempotency-Key.
    """
    counter = await call.services.counters.get(body.channel)
    network = counter.network
    assert network is not None, "a channel that is kept has its network"
    checks = Checks()
    checks.require("longitude", (body.latitude is None) == (body.longitude is None), "comes with latitude, or not at all")
    checks.require("lines", sum(line.quantity for line in body.lines) <= MAX_QUANTITY, "have too many units together")
    checks.require("country", body.country is not None or not body.postcode, "comes with the postcode")
    at = parsed_some("location", body.pickup_location_id)
    known = at is None or (LocationId(at) in network.position and network.sites[network.position[LocationId(at)]].pickup)
    checks.require("pickup_location_id", known, "is no location where orders of this channel can be collected")
    checks.done()
    job = await _job(call, counter, body)
    held = await _held(call, body.hold_id)
    wanted = tuple(dict.fromkeys(service for service in body.services if service is not Service.PICKUP))
    counters = body.counters if Service.PICKUP in body.services else 0
    found = await call.services.promises.options(
        counter,
        job,
        wanted,
        profile=await call.services.counters.profile(counter, Service.STANDARD, body.country or "", _lines(body)),
        counters=counters,
        at=None if at is None else LocationId(at),
        held=held,
    )
    return call.answer(
        PromisesShape(
            located=job.destination is not None,
            deliveries=[_delivery(one) for one in found.deliveries],
            collections=[_collection(counter, one) for one in found.collections],
        )
    )


async def _held(call: Call, hold_id: str | None) -> list[Reservation]:
    if hold_id is None:
        return []
    async with call.reading() as reader:
        kept = await inventory.reservations_for(reader, PromiseId(parsed("hold", hold_id)))
    if not kept or kept[0].hold_until is None:
        raise HoldGone(hold_id=hold_id)
    return kept


def _lines(body: AskPromises) -> list[tuple[str, int, int | None]]:
    return [(line.sku, line.quantity, line.unit_price) for line in body.lines]


async def _job(call: Call, counter: Counter, body: AskPromises) -> Job:
    goods = await call.services.counters.goods([line.sku for line in body.lines])
    unknown = [line.sku for line in body.lines if line.sku not in goods]
    if unknown:
        raise UnknownSku(skus=unknown)
    place = None if body.latitude is None or body.longitude is None else (body.latitude, body.longitude)
    if place is None and body.postcode and body.country is not None:
        place = await call.services.counters.place_of(body.country, body.postcode)
    needs = await call.services.counters.needs(counter, _lines(body))
    return Job(id=uuid7(), needs=needs, country=body.country or "", destination=place, placed_at=utcnow())


def _delivery(one: Delivery) -> DeliveryOption:
    return DeliveryOption(
        service=one.service,
        complete=one.complete,
        arrives_on=one.arrives_on,
        order_by=one.order_by,
        parcels=one.parcels,
        lacking=[LackingShape(line_no=no, quantity=units) for no, units in one.lacking],
    )


def _collection(counter: Counter, one: Collection) -> CollectionOption:
    assert counter.network is not None
    site = counter.network.sites[counter.network.position[one.location_id]]
    return CollectionOption(
        location_id=show_location(one.location_id),
        code=site.code,
        name=site.name,
        distance_km=None if one.distance >= _FAR else round(one.distance, 1),
        complete=one.complete,
        ready_at=one.ready_at,
        in_stock=one.in_stock,
        lacking=[LackingShape(line_no=no, quantity=units) for no, units in one.lacking],
    )


_FAR = 40_000
