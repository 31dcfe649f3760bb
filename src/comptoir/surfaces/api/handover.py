"""Handing parcels to carriers: their manifests, their drivers, and how the carrier of a parcel is chosen."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta

from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import Fault, Refusal
from comptoir.kernel.time import utcnow
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import ParcelId
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.modules.tracking import api
from comptoir.modules.tracking.contracts import (
    Driver,
    DriverWanted,
    HandedManifest,
    LabelId,
    LabelState,
    ManifestId,
    PickupId,
    PickupStanding,
    PurchasedLabel,
)
from comptoir.modules.tracking.errors import LabelBusy, LabelNotInThatState, UnknownLabel, UnknownManifest, UnknownPickup
from comptoir.runtime.database import Reader
from comptoir.sdk.carriers import CarrierCannot
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import id_example, parsed, show, show_actor, show_some
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import (
    PRINTABLE,
    Actor,
    Amount,
    CarrierAccountRef,
    Instant,
    LabelRef,
    LocationRef,
    ManifestRef,
    Note,
    PickupRef,
    Request,
    Shape,
)
from comptoir.surfaces.handing import call_drivers

handover = Resource(
    "Hand-over", "Carriers' manifests, drivers who come for parcels, and how the carrier of a parcel is chosen."
)

_LabelIds = Annotated[
    tuple[LabelRef, ...],
    Meta(min_length=1, max_length=500, description="Labels that are bought.", examples=[[id_example("label")]]),
]
_Since = Annotated[Instant, Meta(description="Without it, of the last seven days.")]


class ManifestShape(Shape, frozen=True, kw_only=True):
    """What a carrier takes along, on its own paper."""

    id: ManifestRef
    account_id: CarrierAccountRef
    location_id: LocationRef | None
    label_ids: list[LabelRef]
    tracking_numbers: list[str]
    carrier_ref: Annotated[str, Meta(description="As the carrier names it.", examples=["sf_1"])]
    ready: Annotated[bool, Meta(description="Whether there is a paper; a carrier may take its time with it.", examples=[True])]
    created_at: Instant
    created_by: Actor


class ManifestsShape(Shape, frozen=True, kw_only=True):
    items: list[ManifestShape]


class NewManifests(Request, frozen=True, kw_only=True):
    """Labels that are to go on manifests, one for each account."""

    label_ids: _LabelIds
    location_id: LocationRef


class OfLocation(Request, frozen=True, kw_only=True):
    location_id: LocationRef
    since: _Since | None = None


class PickupShape(Shape, frozen=True, kw_only=True):
    """A driver who was asked to come."""

    id: PickupRef
    account_id: CarrierAccountRef
    location_id: LocationRef
    label_ids: list[LabelRef]
    state: Annotated[PickupStanding, Meta(description="`unknown`: no answer came; ask again, and nobody is called twice.")]
    from_at: Instant
    until_at: Instant
    weight: Annotated[int, Meta(description="Grams.", examples=[4200])]
    instructions: str
    confirmation: Annotated[str, Meta(description="What the driver's office knows it by.", examples=["WTC63813"])]
    problem: Annotated[str, Meta(examples=[""])]


class CallProblemShape(Shape, frozen=True, kw_only=True):
    """Labels for which nobody comes, and why."""

    label_ids: list[LabelRef]
    code: Annotated[str, Meta(examples=["carrier_unavailable"])]
    problem: str


class PickupsShape(Shape, frozen=True, kw_only=True):
    items: list[PickupShape]
    problems: list[CallProblemShape]


class NewPickup(Request, frozen=True, kw_only=True):
    """Parcels of one account that a driver is to fetch at a location, between two instants."""

    label_ids: _LabelIds
    location_id: LocationRef
    from_at: Instant
    until_at: Instant
    instructions: Note = ""


_CarrierName = Annotated[str, Meta(min_length=1, max_length=100, pattern=PRINTABLE, examples=["UPS"])]


class CarrierEffectShape(Shape, frozen=True, kw_only=True):
    """What a rule says of a carrier."""

    do: Annotated[api.Do, Meta(examples=["prefer"])]
    carrier: Annotated[_CarrierName, Meta(examples=["Colissimo"])]
    service: Annotated[str, Meta(max_length=100, description="Empty is all of its services.", examples=[""])] = ""
    share: Annotated[int, Meta(ge=0, le=1_000, description="Of the load, as a weight: for `share` only.", examples=[0])] = 0


class CarrierRuleShape(Shape, frozen=True, kw_only=True):
    """A rule about who carries which parcels. What is empty or null does not restrict."""

    name: Annotated[str, Meta(max_length=100, examples=["Heavy to Corsica"])] = ""
    channels: Annotated[tuple[str, ...], Meta(max_length=100, description="Codes.", examples=[["web"]])] = ()
    location_ids: Annotated[tuple[LocationRef, ...], Meta(max_length=100, description="Where it leaves.", examples=[[]])] = ()
    countries: Annotated[tuple[str, ...], Meta(max_length=100, examples=[["FR"]])] = ()
    postcodes: Annotated[tuple[str, ...], Meta(max_length=100, description="Beginnings of postcodes.", examples=[["20"]])] = ()
    services: Annotated[tuple[Service, ...], Meta(max_length=3, examples=[[]])] = ()
    weight_from: Annotated[int | None, Meta(description="Grams, included.", examples=[10_000])] = None
    weight_to: Annotated[int | None, Meta(description="Grams, included.", examples=[None])] = None
    categories: Annotated[tuple[str, ...], Meta(max_length=100, description="Of a product in it.", examples=[[]])] = ()
    dangerous: Annotated[bool | None, Meta(examples=[None])] = None
    effects: Annotated[tuple[CarrierEffectShape, ...], Meta(min_length=1, max_length=100)]


class CarrierChoiceShape(Shape, frozen=True, kw_only=True):
    """What counts when a carrier is chosen for a parcel, beside its price and the promised day."""

    excluded: Annotated[list[_CarrierName], Meta(description="Carriers that are not used.", examples=[[]])]
    at_least_on_time: Annotated[
        float, Meta(description="Services that are less often on time are taken only when there is no other.", examples=[0.8])
    ]
    late_costs: Annotated[Amount, Meta(description="What a late parcel costs the house.", examples=[500])]
    loss_costs: Annotated[Amount, Meta(description="What a lost parcel costs the house.", examples=[5000])]
    shares: Annotated[
        dict[str, int] | None,
        Meta(description="How the load is shared among carriers, as weights; null for whoever is best.", examples=[None]),
    ]
    tolerance: Annotated[Amount, Meta(description="What a share may cost more than the best offer.", examples=[0])]
    rules: Annotated[
        list[CarrierRuleShape],
        Meta(description="In their order: the first that fits decides. `excluded` holds beside them, `shares` does not."),
    ]
    version: Annotated[int, Meta(ge=0, description="0 while nobody has said anything.", examples=[1])]


class ChooseCarriers(Request, frozen=True, kw_only=True):
    """How carriers are to be chosen from now on."""

    excluded: Annotated[tuple[_CarrierName, ...], Meta(max_length=100, examples=[["Pigeon"]])] = ()
    at_least_on_time: Annotated[float, Meta(ge=0, le=1, examples=[0.8])] = 0.0
    late_costs: Annotated[int, Meta(ge=0, le=100_000_000, examples=[500])] = 500
    loss_costs: Annotated[int, Meta(ge=0, le=100_000_000, examples=[5000])] = 5_000
    shares: (
        Annotated[
            dict[_CarrierName, Annotated[int, Meta(ge=0, le=1_000)]], Meta(max_length=100, examples=[{"UPS": 60, "USPS": 40}])
        ]
        | None
    ) = None
    tolerance: Annotated[int, Meta(ge=0, le=100_000_000, examples=[100])] = 0
    rules: Annotated[tuple[CarrierRuleShape, ...], Meta(max_length=50)] = ()


# Manifests


@handover.get("/v1/manifests", Scope.ORDERS_READ, refuses=(UnknownLocation,))
async def list_manifests(call: Call, query: OfLocation) -> Answer[ManifestsShape]:
    """List the manifests that carriers have made for a location, the latest first."""
    place = LocationId(parsed("location", query.location_id))
    async with call.reading() as reader:
        found = await api.manifests.since(reader, place, query.since or _a_week_ago())
    return call.answer(ManifestsShape(items=[_manifest(one) for one in found]))


@handover.post("/v1/manifests", Scope.FULFILMENT_WRITE, refuses=(UnknownLabel, LabelNotInThatState, CarrierCannot), status=201)
async def make_manifests(call: Call, body: NewManifests) -> Answer[ManifestsShape]:
    """Have carriers make their manifests: one for each account. A label that is on one already is left out.

    A carrier that makes none refuses (409, `carrier_cannot`): print our own.
    """
    ids = [LabelId(parsed("label", one)) for one in body.label_ids]
    async with call.transaction() as tx:  # what was answered before under this key is answered again, without asking anybody
        await _bought(tx, ids)
    place = LocationId(parsed("location", body.location_id))
    made = await call.services.parcels.manifest(ids, call.context, location_id=place)
    async with call.transaction() as tx:
        return await call.done(tx, ManifestsShape(items=[_manifest(one) for one in made]))


@handover.get(
    "/v1/manifests/{manifest_id}/document", Scope.ORDERS_READ, content_type="application/pdf", refuses=(UnknownManifest,)
)
async def get_manifest_document(call: Call) -> Answer[bytes]:
    """Download the paper of a carrier's manifest."""
    content = await call.services.parcels.manifest_document(ManifestId(call.id("manifest")))
    return Answer(200, content, b"application/pdf", ((b"content-disposition", b'inline; filename="manifest.pdf"'),))


async def _bought(reader: Reader, ids: list[LabelId]) -> list[PurchasedLabel]:
    rows = [await api.labels.get(reader, one) for one in dict.fromkeys(ids)]
    for row in rows:
        if row.state is not LabelState.BOUGHT:
            raise LabelNotInThatState(kind="label", id=row.id, state=row.state, step="hand_over")
    return rows


def _a_week_ago() -> datetime:
    return utcnow() - timedelta(days=7)


# Drivers


@handover.get("/v1/pickups", Scope.ORDERS_READ)
async def list_pickups(call: Call, query: OfLocation) -> Answer[PickupsShape]:
    """List the drivers who were asked to come to a location, the next one first."""
    place = LocationId(parsed("location", query.location_id))
    async with call.reading() as reader:
        found = await api.drivers.of_location(reader, place, query.since or _a_week_ago())
    return call.answer(PickupsShape(items=[_pickup(one) for one in found], problems=[]))


@handover.post(
    "/v1/pickups",
    Scope.FULFILMENT_WRITE,
    status=201,
    refuses=(UnknownLabel, UnknownLocation, LabelNotInThatState, LabelBusy, CarrierCannot),
)
async def call_driver(call: Call, body: NewPickup) -> Answer[PickupsShape]:
    """Ask a driver to come for parcels of one account.

    Carriers that come for one parcel at a time, or for one service, are asked as often as they want to be. What could not be
    asked for stands in `problems`; where nothing could be, the first of them is the answer.
    """
    ids = [LabelId(parsed("label", one)) for one in body.label_ids]
    async with call.transaction() as tx:
        rows = await _bought(tx, ids)
        boxes = await fulfilment.some_parcels(tx, [ParcelId(row.subject_id) for row in rows])
    if len({row.account_id for row in rows}) != 1:
        raise invalid("label_ids", "are of one account")
    weighs = {box.id: box.weight for box in boxes}
    wanted = DriverWanted(
        account_id=rows[0].account_id,
        location_id=LocationId(parsed("location", body.location_id)),
        label_ids=tuple(row.id for row in rows),
        from_at=body.from_at,
        until_at=body.until_at,
        weight=1,
        instructions=body.instructions,
    )
    services = call.services
    weights = {row.id: weighs.get(ParcelId(row.subject_id), 0) for row in rows}
    called = await call_drivers(services.parcels, services.carriage, wanted, rows, weights, call.context)
    if not called.drivers and called.problems:
        raise called.problems[0][1]
    async with call.transaction() as tx:
        shape = PickupsShape(
            items=[_pickup(one) for one in called.drivers],
            problems=[_problem(keys, problem) for keys, problem in called.problems],
        )
        return await call.done(tx, shape)


@handover.post("/v1/pickups/{pickup_id}/cancel", Scope.FULFILMENT_WRITE, refuses=(UnknownPickup, CarrierCannot))
async def cancel_pickup(call: Call) -> Answer[PickupShape]:
    """Tell a driver not to come."""
    pickup_id = PickupId(call.id("pickup"))
    async with call.transaction() as tx:
        await api.drivers.get(tx, pickup_id)
    after = await call.services.parcels.send_driver_away(pickup_id, call.context)
    async with call.transaction() as tx:
        return await call.done(tx, _pickup(after))


# How carriers are chosen


@handover.get("/v1/carrier-choice", Scope.ROUTING_READ)
async def get_carrier_choice(call: Call) -> Answer[CarrierChoiceShape]:
    """Get what counts when a carrier is chosen."""
    async with call.reading() as reader:
        return call.answer(_choice(*await api.ruling.get(reader)))


@handover.put("/v1/carrier-choice", Scope.ROUTING_WRITE)
async def put_carrier_choice(call: Call, body: ChooseCarriers) -> Answer[CarrierChoiceShape]:
    """Say what counts when a carrier is chosen, from the next parcel on."""
    wanted = api.Ruling(
        excluded=frozenset(body.excluded),
        at_least_on_time=body.at_least_on_time,
        late_costs=body.late_costs,
        loss_costs=body.loss_costs,
        shares=body.shares,
        tolerance=body.tolerance,
        rules=tuple([_rule(one) for one in body.rules]),
    )
    async with call.transaction() as tx:
        _, there = await api.ruling.get(tx)
        kept = await api.ruling.put(tx, wanted, version=call.decided_on(there) if there else None)
        await staff.record(tx, "carrier_choice.changed", "", {"version": kept[1]}, address=call.address)
        return await call.done(tx, _choice(*kept))


def _choice(ruling: api.Ruling, version: int) -> CarrierChoiceShape:
    return CarrierChoiceShape(
        excluded=sorted(ruling.excluded),
        at_least_on_time=ruling.at_least_on_time,
        late_costs=ruling.late_costs,
        loss_costs=ruling.loss_costs,
        shares=None if ruling.shares is None else dict(ruling.shares),
        tolerance=ruling.tolerance,
        rules=[_rule_shape(one) for one in ruling.rules],
        version=version,
    )


def _rule(one: CarrierRuleShape) -> api.CarrierRule:
    return api.CarrierRule(
        name=one.name,
        channels=one.channels,
        locations=tuple([LocationId(parsed("location", key)) for key in one.location_ids]),
        countries=one.countries,
        postcodes=one.postcodes,
        services=tuple([service.value for service in one.services]),
        weight_from=one.weight_from,
        weight_to=one.weight_to,
        categories=one.categories,
        dangerous=one.dangerous,
        effects=tuple([api.Effect(do=e.do, carrier=e.carrier, service=e.service, share=e.share) for e in one.effects]),
    )


def _rule_shape(one: api.CarrierRule) -> CarrierRuleShape:
    return CarrierRuleShape(
        name=one.name,
        channels=one.channels,
        location_ids=tuple([show("location", key) for key in one.locations]),
        countries=one.countries,
        postcodes=one.postcodes,
        services=tuple([Service(service) for service in one.services]),
        weight_from=one.weight_from,
        weight_to=one.weight_to,
        categories=one.categories,
        dangerous=one.dangerous,
        effects=tuple([CarrierEffectShape(do=e.do, carrier=e.carrier, service=e.service, share=e.share) for e in one.effects]),
    )


def _manifest(one: HandedManifest) -> ManifestShape:
    return ManifestShape(
        id=show("manifest", one.id),
        account_id=show("carrier_account", one.account_id),
        location_id=show_some("location", one.location_id),
        label_ids=[show("label", key) for key in one.label_ids],
        tracking_numbers=list(one.tracking_numbers),
        carrier_ref=one.carrier_ref,
        ready=bool(one.url),
        created_at=one.created_at,
        created_by=show_actor(one.created_by),
    )


def _pickup(one: Driver) -> PickupShape:
    return PickupShape(
        id=show("pickup", one.id),
        account_id=show("carrier_account", one.account_id),
        location_id=show("location", one.location_id),
        label_ids=[show("label", key) for key in one.label_ids],
        state=one.state,
        from_at=one.from_at,
        until_at=one.until_at,
        weight=one.weight,
        instructions=one.instructions,
        confirmation=one.confirmation,
        problem=one.problem,
    )


def _problem(keys: tuple[LabelId, ...], problem: Refusal | Fault) -> CallProblemShape:
    return CallProblemShape(label_ids=[show("label", key) for key in keys], code=problem.code, problem=str(problem))
