"""Who goes there: which carriers take a parcel to a postcode, before anything is packed."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from comptoir.kernel.checking import Checks
from comptoir.kernel.time import utcnow
from comptoir.modules.channels.errors import UnknownChannel
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces import serviceability as serving
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, show, show_location
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import (
    Amount,
    CarrierAccountRef,
    Code,
    CountryCode,
    CurrencyCode,
    Day,
    LocationRef,
    Request,
    Shape,
    Words,
)
from comptoir.surfaces.serviceability import Line, Stand, Told, Wanted

serviceability = Resource("Carrier serviceability", "Who goes to a postcode with a weight, before anything is packed.")

_Millimetres = Annotated[int, Meta(ge=0, le=10_000, examples=[300], description="Millimetres; 0 is not known.")]


class ServiceabilityQuery(Request, frozen=True, kw_only=True):
    """A parcel that might be sent."""

    country: CountryCode
    postcode: Annotated[Words, Meta(examples=["69002"])] = ""
    city: Annotated[Words, Meta(examples=["Lyon"])] = ""
    weight: Annotated[int, Meta(ge=1, le=1_000_000, examples=[1200], description="Grams.")]
    length: _Millimetres = 0
    width: _Millimetres = 0
    height: _Millimetres = 0
    dangerous: bool = False
    value: Annotated[Amount, Meta(description="Of the goods, in minor units of the house's currency.")] = 0
    channel: Annotated[Code, Meta(description="For the rules that name channels.")] | None = None
    location_id: Annotated[
        tuple[LocationRef, ...],
        Meta(max_length=100, description="Where it leaves. Of many, and without any, the five nearest that send parcels."),
    ] = ()
    patience: Annotated[
        int, Meta(ge=1, le=15, examples=[4], description="Seconds that each carrier has; who is slower did not answer.")
    ] = serving.PATIENCE


class ServiceabilityOriginShape(Shape, frozen=True, kw_only=True):
    """A location that was asked for."""

    location_id: LocationRef
    code: Annotated[str, Meta(examples=["lyon-2"])]
    name: str
    kilometres: Annotated[float, Meta(examples=[2.4])] | None
    rule: Annotated[
        int | None,
        Meta(description="Which rule of `/v1/carrier-choice` decides who may carry it, from 1; null where none.", examples=[1]),
    ]
    rule_name: str


class ServiceabilityLineShape(Shape, frozen=True, kw_only=True):
    """How an account, or one of its services, stands to the parcel; and how well it did on that way in the last half year."""

    location_id: LocationRef
    account_id: CarrierAccountRef
    account: str
    stand: Annotated[
        Stand,
        Meta(
            description="`steered_away`: it would go there, and what the house has said of carriers rules it out. "
            "`not_asked`: it tells no prices, or sells no labels."
        ),
    ]
    carrier: Annotated[str, Meta(description="Empty where the account as a whole is meant.", examples=["USPS"])]
    service: str
    name: str
    cost: Amount | None
    currency: CurrencyCode | None
    days: int | None
    deliver_on: Day | None
    parcels: Annotated[int, Meta(description="How many it has brought there, or lost.", examples=[120])]
    on_time: Annotated[int, Meta(description="Of those with a promised day.", examples=[110])]
    promised: Annotated[int, Meta(examples=[118])]
    real_cost: Annotated[Amount, Meta(description="With what being late or lost costs on average.")] | None
    chosen: Annotated[bool, Meta(description="The one that would be taken from this location.")]
    reason: Annotated[
        str, Meta(description="What stands against it, in the carrier's own words where it said any.", examples=[""])
    ]
    code: Annotated[str, Meta(description="Of what went wrong while asking.", examples=["carrier_unavailable"])]


class ServiceabilityShape(Shape, frozen=True, kw_only=True):
    """By location, the nearest first; of each what may be taken first, then what may not, then who does not go there."""

    located: Annotated[bool, Meta(description="Whether it is known where the postcode is. If not, the farthest is assumed.")]
    origins: list[ServiceabilityOriginShape]
    left_out: Annotated[int, Meta(description="So many more locations send parcels, farther away.", examples=[0])]
    items: list[ServiceabilityLineShape]


@serviceability.get("/v1/carrier-serviceability", Scope.ORDERS_READ, refuses=(UnknownLocation, UnknownChannel))
async def get_carrier_serviceability(call: Call, query: ServiceabilityQuery) -> Answer[ServiceabilityShape]:
    """Ask who goes to a postcode with a weight.

    Every active account is asked at once, and the tables of the house are looked up. Nothing is packed, bought or held.
    """
    checks = Checks()
    sides = (query.length, query.width, query.height)
    checks.require("length", all(sides) or not any(sides), "comes with width and height, or not at all")
    checks.done()
    if query.channel is not None:
        await call.services.counters.get(query.channel)
    wanted = Wanted(
        country=query.country,
        postcode=query.postcode.strip(),
        city=query.city.strip(),
        weight=query.weight,
        length=query.length,
        width=query.width,
        height=query.height,
        dangerous=query.dangerous,
        worth=query.value,
        channel=query.channel or "",
    )
    told = await serving.ask(
        call.services.database,
        call.services.carriage,
        wanted,
        utcnow(),
        places=[LocationId(parsed("location", one)) for one in query.location_id],
        within=call.asker.locations,
        patience=query.patience,
    )
    return call.answer(_shape(told))


def _shape(told: Told) -> ServiceabilityShape:
    return ServiceabilityShape(
        located=told.located,
        origins=[
            ServiceabilityOriginShape(
                location_id=show_location(one.location.id),
                code=one.location.code,
                name=one.location.name,
                kilometres=None if one.kilometres is None else round(one.kilometres, 1),
                rule=one.rule_no,
                rule_name=one.rule_name,
            )
            for one in told.origins
        ],
        left_out=told.left_out,
        items=[_line(one) for one in told.lines],
    )


def _line(one: Line) -> ServiceabilityLineShape:
    rate = None if one.offered is None else one.offered.rate
    counts = None if one.offered is None else one.offered.counts
    return ServiceabilityLineShape(
        location_id=show_location(one.location_id),
        account_id=show("carrier_account", one.account.id),
        account=one.account.name,
        stand=one.stand,
        carrier=one.carrier,
        service=one.service_code,
        name=one.name,
        cost=None if rate is None else rate.cost.minor,
        currency=None if rate is None else rate.cost.currency,
        days=None if rate is None else rate.days,
        deliver_on=None if rate is None else rate.deliver_on,
        parcels=0 if counts is None else counts.parcels,
        on_time=0 if counts is None else counts.on_time,
        promised=0 if counts is None else counts.promised,
        real_cost=None if one.offered is None else one.offered.real_cost,
        chosen=one.chosen,
        reason=one.reason,
        code=one.code,
    )
