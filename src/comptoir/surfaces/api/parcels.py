"""Parcels on their way: where they are, failed deliveries, troubles, and how well carriers keep promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from comptoir.kernel.time import utcnow
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.modules.tracking import api
from comptoir.modules.tracking.contracts import (
    AccountId,
    Case,
    CaseInstruction,
    CaseStep,
    Performance,
    Promise,
    Tracked,
    TrackedDetails,
    TrackedFilter,
    TrackedId,
    Trouble,
    TroubleId,
)
from comptoir.modules.tracking.contracts import Answer as BuyersAnswer
from comptoir.modules.tracking.errors import (
    AccountInactive,
    CarrierBeingTold,
    CaseClosed,
    NotCarried,
    NotFollowed,
    UnknownTracked,
    UnknownTrouble,
)
from comptoir.runtime.database import Reader
from comptoir.sdk.carriers import CarrierCannot
from comptoir.sdk.tracking import Scan
from comptoir.surfaces import keeping, points
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show, show_location, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.parcel_shapes import (
    AnswerFailedDelivery,
    BuyersAnswerShape,
    CarryOut,
    Dismissed,
    FailedDeliveryShape,
    InstructionShape,
    KeptPromiseShape,
    KeptPromisesShape,
    KeptQuery,
    KeptWeekShape,
    KeptWeeksQuery,
    KeptWeeksShape,
    LaneQuery,
    LaneShape,
    LanesShape,
    NoteScan,
    OpenDay,
    ParcelQuery,
    ParcelScanShape,
    PickupPointShape,
    PickupPointsShape,
    TrackedParcelDetailShape,
    TrackedParcelShape,
    TroubleQuery,
    TroubleShape,
)
from comptoir.surfaces.points import Point

parcels = Resource("Parcels", "Where parcels are, what has gone wrong with them, and how well carriers keep promises.")

_LOOK_BACK = timedelta(days=180)


@parcels.get("/v1/parcels", Scope.ORDERS_READ)
async def list_parcels(call: Call, query: ParcelQuery) -> Answer[PageOf[TrackedParcelShape]]:
    """List parcels on their way, and those that have arrived."""
    order_id = parsed_some("order", query.order_id)
    account_id = parsed_some("carrier_account", query.account_id)
    wanted = TrackedFilter(
        statuses=query.status,
        order_id=None if order_id is None else OrderId(order_id),
        account_id=None if account_id is None else AccountId(account_id),
        carrier=query.carrier,
        locations=_locations(query.location_id),
        stuck=query.troubled,
        search=query.search,
    )
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, lambda one: TrackedParcelShape(**_fields(one)))


@parcels.get("/v1/parcels/{tracked_id}", Scope.ORDERS_READ, refuses=(UnknownTracked,))
async def get_parcel(call: Call) -> Answer[TrackedParcelDetailShape]:
    """Get a parcel with its scans, its troubles and its failed delivery."""
    async with call.reading() as reader:
        return call.answer(await _detail(reader, _id(call)))


@parcels.post("/v1/parcels/{tracked_id}/answer", Scope.FULFILMENT_WRITE, refuses=(UnknownTracked, CaseClosed))
async def answer_failed_delivery(call: Call, body: AnswerFailedDelivery) -> Answer[TrackedParcelDetailShape]:
    """Say what the buyer wants done with a parcel that could not be handed over.

    Until it is carried out, another answer takes its place.
    """
    given = BuyersAnswer(**{name: getattr(body, name) for name in body.__struct_fields__})
    async with call.transaction() as tx:
        await api.cases.answer(tx, _id(call), given)
        return await call.done(tx, await _detail(tx, _id(call)))


@parcels.get("/v1/parcels/{tracked_id}/pickup-points", Scope.ORDERS_READ, refuses=(UnknownTracked,))
async def list_pickup_points(call: Call) -> Answer[PickupPointsShape]:
    """List where a parcel that could not be handed over can wait near its address, nearest first.

    Our own counters within fifty kilometres, and the carrier's points where its connector tells them.
    """
    async with call.reading() as reader:
        found = await api.get(reader, _id(call))
        order = await orders.order(reader, found.parcel.order_id)
    services = call.services
    items = await points.near(services.database, services.carriage, found.parcel, order, utcnow())
    return call.answer(PickupPointsShape(items=[_point(one) for one in items]))


@parcels.post("/v1/parcels/{tracked_id}/carry-out", Scope.FULFILMENT_WRITE, refuses=(UnknownTracked, CaseClosed))
async def carry_failed_delivery_out(call: Call, body: CarryOut) -> Answer[TrackedParcelDetailShape]:
    """Say that the carrier has been told to try again, or to send it back."""
    async with call.transaction() as tx:
        await api.cases.carry_out(tx, _id(call), CaseStep(body.step))
        return await call.done(tx, await _detail(tx, _id(call)))


@parcels.post(
    "/v1/parcels/{tracked_id}/instruct",
    Scope.FULFILMENT_WRITE,
    refuses=(UnknownTracked, CaseClosed, CarrierBeingTold, NotFollowed, AccountInactive, CarrierCannot),
)
async def instruct_carrier(call: Call) -> Answer[TrackedParcelDetailShape]:
    """Tell the carrier now what is to become of a parcel that it could not hand over.

    It is told by itself a quarter of an hour after the buyer's answer. Where no answer came (503, `outcome_unknown`) it is told
    again with the same reference, which the carrier takes once; where the connector cannot (409, `carrier_cannot`), call the
    carrier and say so with `carry-out`.
    """
    async with call.transaction() as tx:  # what was answered before under this key is answered again
        await api.get(tx, _id(call))
    said = await call.services.parcels.teller.instruct(_id(call), call.context)
    async with call.transaction() as tx:
        await staff.record(
            tx, "parcel.instructed", show("tracked", _id(call)), {"instruction": said.kind.value}, address=call.address
        )
        return await call.done(tx, await _detail(tx, _id(call)))


@parcels.post("/v1/parcels/{tracked_id}/poll", Scope.FULFILMENT_WRITE, refuses=(UnknownTracked, NotFollowed, CarrierCannot))
async def poll_parcel(call: Call) -> Answer[TrackedParcelDetailShape]:
    """Ask the carrier now where a parcel is, without waiting for its turn."""
    async with call.transaction() as tx:
        await api.get(tx, _id(call))
    news = await call.services.parcels.ask_now(_id(call), call.context)
    async with call.transaction() as tx:
        await staff.record(tx, "parcel.asked", show("tracked", _id(call)), {"news": news}, address=call.address)
        return await call.done(tx, await _detail(tx, _id(call)))


@parcels.post("/v1/parcels/{tracked_id}/scans", Scope.FULFILMENT_WRITE, status=201, refuses=(UnknownTracked, NotCarried))
async def note_scan(call: Call, body: NoteScan) -> Answer[TrackedParcelDetailShape]:
    """Write down what one of you has seen or heard of a parcel.

    It counts as if the carrier had said it: the parcel moves, and its buyer is told as well.
    """
    scan = Scan(status=body.status, at=body.at or utcnow(), text=body.text, place=body.place)
    async with call.transaction() as tx:
        await api.note_by_hand(tx, _id(call), scan)
        data = {"status": scan.status.value, "at": scan.at.isoformat(), "text": scan.text}
        await staff.record(tx, "parcel.scan_noted", show("tracked", _id(call)), data, address=call.address)
        return await call.done(tx, await _detail(tx, _id(call)))


@parcels.delete(
    "/v1/parcels/{tracked_id}/scans/{scan_id}", Scope.FULFILMENT_WRITE, status=200, refuses=(UnknownTracked, NotCarried)
)
async def take_back_scan(call: Call) -> Answer[TrackedParcelDetailShape]:
    """Take back what was written down by hand: the parcel is again where the others say."""
    async with call.transaction() as tx:
        after = await api.take_back_scan(tx, _id(call), str(call.id("scan")))
        data = {"status": after.status.value}
        await staff.record(tx, "parcel.scan_taken_back", show("tracked", _id(call)), data, address=call.address)
        return await call.done(tx, await _detail(tx, _id(call)))


@parcels.post("/v1/parcels/{tracked_id}/dismiss", Scope.FULFILMENT_WRITE, refuses=(UnknownTracked,))
async def dismiss_parcel_troubles(call: Call) -> Answer[Dismissed]:
    """Say that somebody has looked at all that is open about a parcel, and nothing is left to do."""
    async with call.transaction() as tx:
        found = [one for one in (await api.get(tx, _id(call))).troubles if one.resolved_at is None]
        for one in found:
            await api.dismiss(tx, one.id)
        return await call.done(tx, Dismissed(troubles=len(found)))


@parcels.get("/v1/parcel-troubles", Scope.ORDERS_READ)
async def list_parcel_troubles(call: Call, query: TroubleQuery) -> Answer[PageOf[TroubleShape]]:
    """List what a person has to look at: parcels that are stuck, failed or lost, and labels that could not be bought."""
    order_id = parsed_some("order", query.order_id)
    async with call.reading() as reader:
        page = await api.find_troubles(
            reader,
            query.kind,
            order_id=None if order_id is None else OrderId(order_id),
            locations=_locations(query.location_id),
            open_only=query.open_only,
            sort=query.sort,
            limit=query.limit,
            cursor=query.cursor,
        )
    return call.page(page, _trouble)


@parcels.post("/v1/parcel-troubles/{trouble_id}/dismiss", Scope.FULFILMENT_WRITE, refuses=(UnknownTrouble,))
async def dismiss_parcel_trouble(call: Call) -> Answer[Dismissed]:
    """Say that somebody has looked at one thing, and nothing is left to do."""
    async with call.transaction() as tx:
        await api.dismiss(tx, TroubleId(call.id("trouble")))
        return await call.done(tx, Dismissed(troubles=1))


@parcels.get("/v1/carrier-performance", Scope.ORDERS_READ)
async def measure_carriers(call: Call, query: LaneQuery) -> Answer[LanesShape]:
    """Measure how well each carrier's service does, from region to region."""
    since = query.since or utcnow().date() - _LOOK_BACK
    async with call.reading() as reader:
        found = await api.performance(
            reader, since, carriers=query.carrier, destination_country=query.destination_country or ""
        )
    return call.answer(LanesShape(items=[_lane(one) for one in found]))


@parcels.get("/v1/promises/kept", Scope.ORDERS_READ)
async def list_kept_promises(call: Call, query: KeptQuery) -> Answer[KeptPromisesShape]:
    """Tell whether what the buyer of an order was told was kept, for each parcel and collection."""
    async with call.reading() as reader:
        found = await api.promises(reader, OrderId(parsed("order", query.order_id)), utcnow())
    return call.answer(KeptPromisesShape(items=[_kept(one) for one in found]))


@parcels.get("/v1/promises/kept-by-week", Scope.ORDERS_READ)
async def measure_kept_promises(call: Call, query: KeptWeeksQuery) -> Answer[KeptWeeksShape]:
    """Measure how many of the days and times that buyers were told were kept, week by week.

    Only days that are over count: at the door on the day, as carriers tell; ready at the counter in time.
    """
    today = utcnow().date()
    since = keeping.first_day(query.since, 1) if query.since else keeping.first_day(today)
    async with call.reading() as reader:
        found = await keeping.kept(reader, since, today, await keeping.zones_of(reader))
    kept, every = keeping.share(found)
    items = [
        KeptWeekShape(
            week=one.week,
            channel=one.channel,
            service=one.service,
            location_id=show_location(one.location_id),
            carrier=one.carrier,
            kept=one.kept,
            broken=one.broken,
        )
        for one in sorted(found)
    ]
    return call.answer(KeptWeeksShape(kept=kept, broken=every - kept, items=items))


def _point(one: Point) -> PickupPointShape:
    return PickupPointShape(
        name=one.name,
        address=one.line,
        text=one.text,
        point_id=one.point_id,
        kilometres=None if one.kilometres is None else round(one.kilometres, 1),
        lockers=one.locker,
        hours=[OpenDay(day=day, hours=hours) for day, hours in one.hours],
    )


def _locations(texts: Sequence[str]) -> tuple[LocationId, ...]:
    return tuple(LocationId(parsed("location", text)) for text in texts)


def _id(call: Call) -> TrackedId:
    return TrackedId(call.id("tracked"))


async def _detail(reader: Reader, tracked_id: TrackedId) -> TrackedParcelDetailShape:
    found: TrackedDetails = await api.get(reader, tracked_id)
    return TrackedParcelDetailShape(
        **_fields(found.parcel),
        scans=_scans(found.scans, found.by_hand),
        troubles=[_trouble(one) for one in found.troubles],
        failed_delivery=None if found.case is None else _case(found.case, found.instruction),
    )


def _fields(one: Tracked) -> dict[str, Any]:
    shown = {name: getattr(one, name) for name in TrackedParcelShape.__struct_fields__ if name != "delayed"}
    return shown | {
        "delayed": one.delay_told is not None,
        "id": show("tracked", one.id),
        "order_id": show("order", one.order_id),
        "shipment_id": show("shipment", one.shipment_id),
        "location_id": show_location(one.location_id),
        "account_id": show_some("carrier_account", one.account_id),
        "kind": one.kind.value,
    }


def _scans(scans: Sequence[Scan], by_hand: Mapping[str, str]) -> list[ParcelScanShape]:
    return [
        ParcelScanShape(
            status=scan.status,
            at=scan.at,
            text=scan.text,
            place=scan.place,
            code=scan.raw_code,
            detail=scan.detail,
            noted_id=show("scan", UUID(scan.id.partition(":")[2])) if scan.id in by_hand else None,
        )
        for scan in scans
    ]


def _trouble(one: Trouble) -> TroubleShape:
    return TroubleShape(
        id=show("trouble", one.id),
        kind=one.kind,
        tracked_id=show_some("tracked", one.tracked_id),
        order_id=show("order", one.order_id),
        reason=one.reason,
        opened_at=one.opened_at,
        resolved_at=one.resolved_at,
        resolution=one.resolution,
    )


def _case(case: Case, told: CaseInstruction | None) -> FailedDeliveryShape:
    said = case.answer
    instruction = None
    if told is not None:
        instruction = InstructionShape(**{name: getattr(told, name) for name in InstructionShape.__struct_fields__})
    return FailedDeliveryShape(
        state=case.state,
        reason=case.reason,
        attempts=case.attempts,
        opened_at=case.opened_at,
        answer_until=case.answer_until,
        choices=list(api.cases.choices(case)),
        answer=None if said is None else BuyersAnswerShape(**{one.name: getattr(said, one.name) for one in fields(said)}),
        answered_at=case.answered_at,
        closed_at=case.closed_at,
        instruction=instruction,
        version=case.version,
    )


def _lane(one: Performance) -> LaneShape:
    counts = one.counts
    return LaneShape(
        **one.lane._asdict(),
        parcels=counts.parcels,
        delivered=counts.delivered,
        promised=counts.promised,
        on_time=counts.on_time,
        first_time=counts.first_time,
        damaged=counts.damaged,
        lost=counts.lost,
        late=counts.late,
        late_days=counts.late_days,
        on_time_share=one.on_time,
        damaged_share=one.damage,
        lost_share=one.loss,
        days=one.days,
    )


def _kept(one: Promise) -> KeptPromiseShape:
    return KeptPromiseShape(
        tracked_id=show("tracked", one.tracked_id),
        order_id=show("order", one.order_id),
        kind=one.kind.value,
        promised_on=one.promised_on,
        happened_on=one.happened_on,
        kept=one.kept,
        days_late=one.days_late,
    )
