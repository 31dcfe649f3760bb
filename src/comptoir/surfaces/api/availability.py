"""What a channel may promise now, and what has changed since."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from comptoir.modules.channels.errors import UnknownChannel
from comptoir.modules.inventory import api as inventory
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.feeds import FeedCursor, feed_cursor, feed_position
from comptoir.surfaces.api.identifiers import show_location
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import Code, LocationRef, Request, Shape, SkuText
from comptoir.surfaces.selling import ChannelClosed, Counter

availability = Resource("Availability", "What a channel may promise now: its pool's stock, less what is kept back from it.")

MAX_SKUS = 1000
_FEED_LIMIT = 1000
_Sum = Annotated[int, Meta(examples=[42])]


class AvailabilityQuery(Request, frozen=True, kw_only=True):
    channel: Code


class AvailabilityShape(Shape, frozen=True, kw_only=True):
    """What a channel may promise of a SKU now."""

    sku: SkuText
    available: Annotated[_Sum, Meta(description="What the channel may promise: after its buffer and its publish rule.")]
    in_pool: Annotated[_Sum, Meta(description="What all locations of its pool have available together.")]


class AskAvailability(Request, frozen=True, kw_only=True):
    """Many SKUs at once."""

    channel: Code
    skus: Annotated[tuple[SkuText, ...], Meta(min_length=1, max_length=MAX_SKUS)]
    locations: Annotated[bool, Meta(description="Also what each location has.")] = False


class AtLocation(Shape, frozen=True, kw_only=True):
    """What a location has of a SKU; negative where it is oversold."""

    location_id: LocationRef
    available: _Sum


class SkuAvailability(Shape, frozen=True, kw_only=True, omit_defaults=True):
    """What a channel may promise of a SKU now; `locations` where they were asked for."""

    sku: SkuText
    available: _Sum
    in_pool: _Sum
    locations: list[AtLocation] | None = None


class ManyAvailable(Shape, frozen=True, kw_only=True):
    """One item for each SKU, in the order of the question."""

    items: list[SkuAvailability]


class ChangesQuery(Request, frozen=True, kw_only=True):
    after: FeedCursor = ""
    channel: Annotated[Code, Meta(description="Only what its pool has, with what it may promise.")] | None = None


class ChangedSpot(Shape, frozen=True, kw_only=True):
    """A SKU at a location whose level has changed, as it is now."""

    sku: SkuText
    location_id: LocationRef
    on_hand: _Sum
    reserved: _Sum
    available: _Sum


class ChangesShape(Shape, frozen=True, kw_only=True):
    """What has changed, each SKU and location once and as it is now."""

    items: list[ChangedSpot]
    promised: Annotated[
        list[AvailabilityShape], Meta(description="What the channel may promise of these SKUs, where one was named.")
    ]
    next: Annotated[str, Meta(description="Ask again `after` this.", examples=["AAAAAAAAA-gAAAAAAAAAKg"])]
    more: Annotated[bool, Meta(description="There is more to read: ask again at once.")]


@availability.get("/v1/availability/{sku}", Scope.STOCK_READ, refuses=(UnknownChannel, ChannelClosed), quiet=True)
async def get_availability(call: Call, query: AvailabilityQuery) -> Answer[AvailabilityShape]:
    """Get what a channel may promise of a SKU.

    It was so at a moment after the question arrived. A SKU that nobody knows has nothing.
    """
    counter = await call.services.counters.get(query.channel)
    sku = call.text("sku")
    ((available, in_pool),) = await call.services.availability.promise(counter, (sku,))
    return call.answer(AvailabilityShape(sku=sku, available=available, in_pool=in_pool))


@availability.post(
    "/v1/availability",
    Scope.STOCK_READ,
    refuses=(UnknownChannel, ChannelClosed),
    quiet=True,
    asks=True,
    example={"channel": "web-fr", "skus": ["TEE-RED-M", "TEE-RED-L"], "locations": True},
)
async def get_availabilities(call: Call, body: AskAvailability) -> Answer[ManyAvailable]:
    """Get what a channel may promise of many SKUs.

    A question that fits no address: it changes nothing, and needs no Idempotency-Key.
    """
    counter = await call.services.counters.get(body.channel)
    skus = tuple(dict.fromkeys(body.skus))
    sums = dict(zip(skus, await call.services.availability.promise(counter, skus), strict=True))
    places = await _places(call, counter, skus) if body.locations else {}
    items = [
        SkuAvailability(
            sku=sku, available=sums[sku][0], in_pool=sums[sku][1], locations=places.get(sku, []) if body.locations else None
        )
        for sku in body.skus
    ]
    return call.answer(ManyAvailable(items=items))


async def _places(call: Call, counter: Counter, skus: tuple[str, ...]) -> dict[str, list[AtLocation]]:
    async with call.reading() as reader:
        found = await inventory.availability(reader, skus, counter.ids)
    names = {one: show_location(one) for one in counter.ids}
    return {
        sku: [AtLocation(location_id=names[location], available=available) for location, available in rows]
        for sku, rows in found.items()
    }


@availability.get("/v1/availability/changes", Scope.STOCK_READ, refuses=(UnknownChannel, ChannelClosed))
async def get_availability_changes(call: Call, query: ChangesQuery) -> Answer[ChangesShape]:
    """Get what has changed since.

    Without `after` it gives where the feed is now, and nothing else: ask that first, read what you need, then follow from
    there, and nothing is missed.
    """
    counter = None if query.channel is None else await call.services.counters.get(query.channel)
    async with call.reading() as reader:
        if not query.after:
            position = await inventory.feed_position(reader)
            return call.answer(ChangesShape(items=[], promised=[], next=feed_cursor(position), more=False))
        changes = await inventory.changed_since(
            reader,
            feed_position(query.after),
            location_ids=None if counter is None else counter.ids,
            limit=_FEED_LIMIT,
        )
    skus = tuple(dict.fromkeys(spot.sku for spot in changes.levels))
    sums = await call.services.availability.promise(counter, skus) if counter is not None and skus else []
    return call.answer(
        ChangesShape(
            items=[
                ChangedSpot(
                    sku=spot.sku,
                    location_id=show_location(spot.location_id),
                    on_hand=spot.level.on_hand,
                    reserved=spot.level.reserved,
                    available=spot.level.available,
                )
                for spot in changes.levels
            ],
            promised=[
                AvailabilityShape(sku=sku, available=available, in_pool=in_pool)
                for sku, (available, in_pool) in zip(skus, sums, strict=False)
            ],
            next=feed_cursor(changes.position),
            more=changes.more,
        )
    )
