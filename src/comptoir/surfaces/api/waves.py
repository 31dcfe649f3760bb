"""Waves, bins, and what is to be counted: how a location works through what it has to send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import (
    FulfilmentId,
    RejectReason,
    Stop,
    Wave,
    WaveId,
    WaveKind,
    WaveState,
    WaveZone,
)
from comptoir.modules.fulfilment.errors import (
    NotInThatState,
    NotThatMany,
    NotTogether,
    SomebodyElse,
    UnknownFulfilment,
    UnknownWave,
)
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Reader
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, show, show_actor, show_location, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Actor,
    FulfilmentRef,
    Instant,
    LineNo,
    LocationRef,
    OrderRef,
    PageQuery,
    Quantity,
    Request,
    Search,
    Shape,
    SkuText,
    WaveRef,
    Words,
)

waves = Resource("Picking", "Waves with their way through the bins, and what somebody should count.")

_Units = Annotated[int, Meta(examples=[12])]
_Zone = Annotated[Words, Meta(description="The first part of its bins; empty for what has no bin.", examples=["A"])]
_Bin = Annotated[Words, Meta(description="Aisle, bay and shelf, as they are labelled.", examples=["A-03-2"])]


class TakeShape(Shape, frozen=True, kw_only=True):
    """For which line of which fulfilment order."""

    fulfilment_id: FulfilmentRef
    line_no: LineNo
    quantity: Quantity


class StopShape(Shape, frozen=True, kw_only=True):
    """A place on the way, and what is to be taken there."""

    bin: _Bin
    zone: _Zone
    sku: SkuText
    name: str
    quantity: _Units
    picked: _Units
    takes: list[TakeShape]


class WalkZoneShape(Shape, frozen=True, kw_only=True):
    """A part of a wave that is picked by zones. Whoever picks it picks it for all of the orders."""

    zone: _Zone
    assignee: Annotated[Actor, Meta(description="Empty for nobody.")]
    units: _Units
    picked: _Units


class WaveShape(Shape, frozen=True, kw_only=True):
    """Fulfilment orders that are picked together. `stops` is the way to go, in order, and `zones` who picks which part of it
    where it is picked by zones; both are empty in a list.
    """

    id: WaveRef
    number: int
    location_id: LocationRef
    kind: WaveKind
    state: WaveState
    created_at: Instant
    created_by: Actor
    orders: _Units
    units: _Units
    picked: _Units
    zones: list[WalkZoneShape]
    stops: list[StopShape]


class WaveQuery(PageQuery, frozen=True, kw_only=True):
    location_id: LocationRef


class NewWave(Request, frozen=True, kw_only=True):
    """Fulfilment orders of one location. `batch` takes every SKU once for all, `single` one order after another; of a `zone`
    wave each person takes a zone, and what they pick there is for all of the orders.
    """

    fulfilment_ids: Annotated[tuple[FulfilmentRef, ...], Meta(min_length=1, max_length=200)]
    kind: WaveKind = WaveKind.BATCH


class TakeUnits(Request, frozen=True, kw_only=True):
    sku: SkuText
    quantity: Quantity = 1


class GiveUpUnits(Request, frozen=True, kw_only=True):
    sku: SkuText
    quantity: Quantity = 1
    reason: RejectReason = RejectReason.NOT_FOUND


class OfZone(Request, frozen=True, kw_only=True):
    zone: _Zone
    take_over: Annotated[bool, Meta(description="Also where somebody else picks it.")] = False


class OfOrder(Request, frozen=True, kw_only=True):
    fulfilment_id: FulfilmentRef
    take_over: Annotated[bool, Meta(description="Also where somebody else works on it.")] = False


class PutBins(Request, frozen=True, kw_only=True):
    bins: Annotated[
        dict[SkuText, _Bin],
        Meta(
            min_length=1,
            max_length=5000,
            description="An empty bin takes the SKU out of its own.",
            examples=[{"TEE": "A-03-2"}],
        ),
    ]


class SkuBinShape(Shape, frozen=True, kw_only=True):
    """Where a SKU lies."""

    sku: SkuText
    bin: _Bin
    zone: Annotated[str, Meta(description="Of the bin; empty where its code says it.", examples=["COLD"])]
    sequence: Annotated[int, Meta(description="Of the bin on the walk.", examples=[120])] | None


class BinQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["bin", "-bin", "sku", "-sku"] = "bin"
    search: Annotated[Search, Meta(description="Words of a product, or the beginning of a SKU or of a bin.")] = ""


class BinsShape(Shape, frozen=True, kw_only=True):
    bins: dict[str, str]


class CountTaskShape(Shape, frozen=True, kw_only=True):
    """A SKU whose count is in doubt."""

    sku: SkuText
    units: Annotated[int, Meta(description="That were not found, and are set aside until then.", examples=[1])]
    reason: str
    opened_at: Instant
    order_id: OrderRef | None


class CountTasksShape(Shape, frozen=True, kw_only=True):
    items: list[CountTaskShape]


@waves.get("/v1/waves", Scope.ORDERS_READ)
async def list_waves(call: Call, query: WaveQuery) -> Answer[PageOf[WaveShape]]:
    """List the waves of a location, the latest first."""
    async with call.reading() as reader:
        page = await api.find_waves(
            reader, LocationId(parsed("location", query.location_id)), limit=query.limit, cursor=query.cursor
        )
    return call.page(page, _shape)


@waves.post("/v1/waves", Scope.FULFILMENT_WRITE, status=201, refuses=(NotTogether, SomebodyElse, NotInThatState))
async def start_wave(call: Call, body: NewWave) -> Answer[WaveShape]:
    """Begin to pick several fulfilment orders together."""
    ids = [FulfilmentId(parsed("fulfilment", one)) for one in body.fulfilment_ids]
    async with call.transaction() as tx:
        made = await api.start(tx, ids, body.kind)
        return await call.done(tx, await _told(tx, made.id))


@waves.get("/v1/waves/{wave_id}", Scope.ORDERS_READ, refuses=(UnknownWave,))
async def get_wave(call: Call) -> Answer[WaveShape]:
    """Get a wave with the way to go."""
    async with call.reading() as reader:
        return call.answer(await _told(reader, _id(call)))


@waves.post("/v1/waves/{wave_id}/take", Scope.FULFILMENT_WRITE, refuses=(UnknownWave, NotThatMany, SomebodyElse))
async def take_units(call: Call, body: TakeUnits) -> Answer[WaveShape]:
    """Say how many of a SKU are in hand: they go to the orders of the wave, the oldest first.

    An order that somebody else has taken over is left to them. Whoever takes from a zone that nobody picks picks that zone.
    """
    async with call.transaction() as tx:
        await api.take(tx, _id(call), body.sku, body.quantity)
        return await call.done(tx, await _told(tx, _id(call)))


@waves.post("/v1/waves/{wave_id}/put-down", Scope.FULFILMENT_WRITE, refuses=(UnknownWave, NotThatMany, SomebodyElse))
async def put_units_down(call: Call, body: TakeUnits) -> Answer[WaveShape]:
    """Say how many of a SKU lie in their place again: the youngest orders lack them."""
    async with call.transaction() as tx:
        await api.put_down(tx, _id(call), body.sku, body.quantity)
        return await call.done(tx, await _told(tx, _id(call)))


@waves.post("/v1/waves/{wave_id}/give-up", Scope.FULFILMENT_WRITE, refuses=(UnknownWave, NotThatMany, SomebodyElse))
async def give_units_up(call: Call, body: GiveUpUnits) -> Answer[WaveShape]:
    """Say what cannot be sent from here: the youngest orders go without, and their units are routed again."""
    async with call.transaction() as tx:
        await api.give_up(tx, _id(call), body.sku, body.quantity, body.reason)
        return await call.done(tx, await _told(tx, _id(call)))


@waves.post("/v1/waves/{wave_id}/drop", Scope.FULFILMENT_WRITE, refuses=(UnknownWave, UnknownFulfilment, SomebodyElse))
async def drop_order(call: Call, body: OfOrder) -> Answer[WaveShape]:
    """Take an order out of the walk. What is picked of it stays picked."""
    async with call.transaction() as tx:
        one = FulfilmentId(parsed("fulfilment", body.fulfilment_id))
        await api.drop(tx, _id(call), one, take_over=body.take_over)
        return await call.done(tx, await _told(tx, _id(call)))


@waves.post("/v1/waves/{wave_id}/leave", Scope.FULFILMENT_WRITE, refuses=(UnknownWave,))
async def leave_wave(call: Call) -> Answer[WaveShape]:
    """Stop walking: what is not picked in whole is left to others, and of a zone wave the zones are."""
    async with call.transaction() as tx:
        await api.leave(tx, _id(call))
        return await call.done(tx, await _told(tx, _id(call)))


@waves.post("/v1/waves/{wave_id}/take-zone", Scope.FULFILMENT_WRITE, refuses=(UnknownWave, NotTogether, SomebodyElse))
async def take_zone(call: Call, body: OfZone) -> Answer[WaveShape]:
    """Pick a zone of a wave that is picked by zones. Nobody else can meanwhile, unless they take it over."""
    async with call.transaction() as tx:
        await api.take_zone(tx, _id(call), body.zone, take_over=body.take_over)
        return await call.done(tx, await _told(tx, _id(call)))


@waves.post("/v1/waves/{wave_id}/leave-zone", Scope.FULFILMENT_WRITE, refuses=(UnknownWave, SomebodyElse))
async def leave_zone(call: Call, body: OfZone) -> Answer[WaveShape]:
    """Leave a zone to others. What is picked of it stays picked."""
    async with call.transaction() as tx:
        await api.leave_zone(tx, _id(call), body.zone)
        return await call.done(tx, await _told(tx, _id(call)))


@waves.get("/v1/locations/{location_id}/bins", Scope.STOCK_READ, refuses=(UnknownLocation,))
async def list_bins(call: Call, query: BinQuery) -> Answer[PageOf[SkuBinShape]]:
    """List what lies where at a location."""
    place = LocationId(call.id("location"))
    async with call.reading() as reader:
        await locations.get(reader, place)
        page = await api.find_bins(reader, place, search=query.search, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, lambda one: SkuBinShape(sku=one.sku, bin=one.bin, zone=one.zone, sequence=one.sequence))


@waves.put("/v1/locations/{location_id}/bins", Scope.STOCK_WRITE, refuses=(UnknownLocation,))
async def put_bins(call: Call, body: PutBins) -> Answer[BinsShape]:
    """Say where SKUs lie at a location."""
    place = LocationId(call.id("location"))
    async with call.transaction() as tx:
        await locations.get(tx, place)
        await api.put_bins(tx, place, body.bins)
        return await call.done(tx, BinsShape(bins=await api.bins(tx, place, sorted(body.bins))))


@waves.get("/v1/locations/{location_id}/count-tasks", Scope.STOCK_READ, refuses=(UnknownLocation,))
async def list_count_tasks(call: Call) -> Answer[CountTasksShape]:
    """List what somebody should count at a location, the oldest doubt first."""
    place = LocationId(call.id("location"))
    async with call.reading() as reader:
        await locations.get(reader, place)
        tasks = await api.count_tasks(reader, place)
    return call.answer(
        CountTasksShape(
            items=[
                CountTaskShape(
                    sku=one.sku,
                    units=one.units,
                    reason=one.reason,
                    opened_at=one.opened_at,
                    order_id=show_some("order", one.order_id),
                )
                for one in tasks
            ]
        )
    )


def _id(call: Call) -> WaveId:
    return WaveId(call.id("wave"))


async def _told(reader: Reader, wave_id: WaveId) -> WaveShape:
    wave = await api.wave(reader, wave_id)
    way = await api.route(reader, wave, await api.members(reader, wave_id))
    return _shape(wave, way, await api.zones(reader, wave, way))


def _shape(wave: Wave, stops: Sequence[Stop] = (), zones: Sequence[WaveZone] = ()) -> WaveShape:
    return WaveShape(
        id=show("wave", wave.id),
        number=wave.number,
        location_id=show_location(wave.location_id),
        kind=wave.kind,
        state=wave.state,
        created_at=wave.created_at,
        created_by=show_actor(wave.created_by),
        orders=wave.orders,
        units=wave.units,
        picked=wave.picked,
        zones=[
            WalkZoneShape(zone=one.code, assignee=show_actor(one.assignee), units=one.quantity, picked=one.picked)
            for one in zones
        ],
        stops=[
            StopShape(
                bin=stop.bin,
                zone=stop.zone,
                sku=stop.sku,
                name=stop.name,
                quantity=stop.quantity,
                picked=stop.picked,
                takes=[
                    TakeShape(fulfilment_id=show("fulfilment", key), line_no=line_no, quantity=units)
                    for key, line_no, units in stop.takes
                ],
            )
            for stop in stops
        ],
    )
