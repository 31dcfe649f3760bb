"""Services of carriers: who takes parcels where, for how much and in how many days."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from comptoir.modules.carriers import api
from comptoir.modules.carriers.api import MAX_BOX, MAX_CARBON, MAX_COST, MAX_DAYS, MAX_KM, MAX_PLACES, MAX_ZONES
from comptoir.modules.carriers.contracts import (
    CarrierService,
    CarrierServiceDraft,
    CarrierServiceFilter,
    CarrierServiceId,
    Origins,
    Service,
    Zone,
)
from comptoir.modules.carriers.errors import CarrierServiceCodeTaken, UnknownCarrierService
from comptoir.modules.staff.contracts import Scope
from comptoir.modules.tracking.contracts import HOUSE
from comptoir.surfaces import origins
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, show, show_location
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    CarrierServiceRef,
    Code,
    CountryCode,
    Instant,
    LocationRef,
    PageQuery,
    Request,
    Search,
    Shape,
    Version,
    Words,
    given,
)
from comptoir.surfaces.api.weekdays import Weekday, Weekdays, flags, weekdays

carriers = Resource(
    "Carrier services", "Who takes parcels where, for how much and in how many days, by distance. Routing chooses among them."
)

_Delivery = Annotated[Literal["standard", "express"], Meta(description="How the buyer gets the goods.")]
_Minor = Annotated[
    int, Meta(ge=0, le=MAX_COST, examples=[490], description="Minor units (cents) of the currency that the house reckons in.")
]
_Countries = Annotated[
    tuple[CountryCode, ...], Meta(max_length=250, examples=[["FR", "BE"]], description="Of destinations; empty for all.")
]
_Dangerous = Annotated[bool, Meta(description="Whether it takes dangerous goods.", examples=[False])]
_Box = Annotated[
    int,
    Meta(ge=1, le=MAX_BOX, examples=[30_000], description="Grams of one box: what weighs more goes in several."),
]
_Carbon = Annotated[
    float, Meta(ge=0, le=MAX_CARBON, examples=[0.1], description="Grams of CO2 for each kilogram and kilometre.")
]
_Delivers = Annotated[Weekdays, Meta(description="The days on which it is at the door.")]
_Holidays = Annotated[
    bool,
    Meta(description="Whether it delivers on the public holidays of the country it delivers to; else these days do not count."),
]
_MOST_DAYS = (
    Weekday.MONDAY,
    Weekday.TUESDAY,
    Weekday.WEDNESDAY,
    Weekday.THURSDAY,
    Weekday.FRIDAY,
    Weekday.SATURDAY,
)


class ZoneShape(Request, frozen=True, kw_only=True):
    """What is asked up to a distance: `base` for the parcel and `per_kg` for each begun kilogram, in so many days."""

    up_to_km: Annotated[
        float, Meta(gt=0, le=MAX_KM, examples=[250.0], description="On the great circle, from the location to the door.")
    ]
    base: _Minor
    per_kg: Annotated[_Minor, Meta(examples=[50])] = 0
    days: Annotated[int, Meta(ge=0, le=MAX_DAYS, examples=[2], description="Days on which it delivers, to the door.")]


_Zones = Annotated[
    tuple[ZoneShape, ...],
    Meta(min_length=1, max_length=MAX_ZONES, description="From near to far. Beyond the last one it does not go."),
]


class OriginsShape(Request, frozen=True, kw_only=True):
    """Where it collects: at the locations that are named, and at those of these kinds in these countries. Nothing named at all
    is everywhere; empty kinds are all kinds and empty countries all countries, where the other of the two is named.
    """

    locations: Annotated[tuple[LocationRef, ...], Meta(max_length=MAX_PLACES, description="These, whatever they are.")] = ()
    kinds: Annotated[
        tuple[Literal["warehouse", "store", "supplier"], ...],
        Meta(max_length=3, examples=[["store"]], description="Of locations."),
    ] = ()
    countries: Annotated[
        tuple[CountryCode, ...], Meta(max_length=250, examples=[["FR"]], description="In which locations are.")
    ] = ()


_KINDS: dict[str, Literal["warehouse", "store", "supplier"]] = {
    "warehouse": "warehouse",
    "store": "store",
    "supplier": "supplier",
}


class CarrierServiceShape(Shape, frozen=True, kw_only=True):
    """One service of one carrier, by table rates."""

    id: CarrierServiceRef
    code: Code
    name: str
    active: bool
    service: _Delivery
    zones: _Zones
    countries: _Countries
    dangerous: _Dangerous
    max_weight: _Box
    carbon: _Carbon
    delivers: _Delivers
    delivers_on_holidays: _Holidays
    origins: OriginsShape
    version: Version
    created_at: Instant
    updated_at: Instant


class NewCarrierService(Request, frozen=True, kw_only=True):
    """A service that is to be."""

    code: Code
    name: Words = ""
    active: bool = True
    service: _Delivery = "standard"
    zones: _Zones
    countries: _Countries = ()
    dangerous: _Dangerous = False
    max_weight: _Box = 30_000
    carbon: _Carbon = 0.1
    delivers: _Delivers = _MOST_DAYS
    delivers_on_holidays: _Holidays = False
    origins: OriginsShape = OriginsShape()


class ChangeCarrierService(Request, frozen=True, kw_only=True):
    """What is to be otherwise; the rest stays. `zones`, when they are named, are all of them."""

    code: Code | UnsetType = UNSET
    name: Words | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    service: _Delivery | UnsetType = UNSET
    zones: _Zones | UnsetType = UNSET
    countries: _Countries | UnsetType = UNSET
    dangerous: _Dangerous | UnsetType = UNSET
    max_weight: _Box | UnsetType = UNSET
    carbon: _Carbon | UnsetType = UNSET
    delivers: _Delivers | UnsetType = UNSET
    delivers_on_holidays: _Holidays | UnsetType = UNSET
    origins: OriginsShape | UnsetType = UNSET


class CarrierServiceQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["code", "-code", "name", "-name"] = "code"
    search: Annotated[Search, Meta(description="Words of the name, or the beginning of the code.")] = ""
    service: _Delivery | None = None
    active: bool | None = None


_NEAR = {"up_to_km": 250.0, "base": 490, "per_kg": 50, "days": 1}
_FAR = {"up_to_km": 1200.0, "base": 690, "per_kg": 80, "days": 3}
_EXAMPLE = {
    "code": "colis-home",
    "name": "Colis Home",
    "countries": ["FR", "BE"],
    "zones": [_NEAR, _FAR],
    "origins": {"kinds": ["store"], "countries": ["FR"]},
}


@carriers.get("/v1/carrier-services", Scope.ROUTING_READ)
async def list_carrier_services(call: Call, query: CarrierServiceQuery) -> Answer[PageOf[CarrierServiceShape]]:
    """List services of carriers."""
    service = None if query.service is None else Service(query.service)
    wanted = CarrierServiceFilter(search=query.search, service=service, active=query.active)
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shape)


@carriers.post("/v1/carrier-services", Scope.ROUTING_WRITE, status=201, refuses=(CarrierServiceCodeTaken,), example=_EXAMPLE)
async def create_carrier_service(call: Call, body: NewCarrierService) -> Answer[CarrierServiceShape]:
    """Add a service of a carrier. Orders may go with it as soon as it is there, if it is active."""
    async with call.transaction() as tx:
        draft = CarrierServiceDraft(**_fields(given(body)))
        await origins.require(tx, draft.origins)
        made = await api.create(tx, draft)
        await call.services.carriage.ensure(tx, HOUSE)
        return await call.done(tx, _shape(made))


@carriers.get("/v1/carrier-services/{carrier_service_id}", Scope.ROUTING_READ, refuses=(UnknownCarrierService,))
async def get_carrier_service(call: Call) -> Answer[CarrierServiceShape]:
    """Get a service of a carrier."""
    async with call.reading() as reader:
        return call.answer(_shape(await api.get(reader, _id(call))))


@carriers.patch(
    "/v1/carrier-services/{carrier_service_id}",
    Scope.ROUTING_WRITE,
    refuses=(UnknownCarrierService, CarrierServiceCodeTaken),
    example={"zones": [_NEAR, _FAR | {"base": 720}]},
)
async def change_carrier_service(call: Call, body: ChangeCarrierService) -> Answer[CarrierServiceShape]:
    """Change a service of a carrier. Switched off, nothing goes with it any more; it is never deleted."""
    changes = _fields(given(body))
    async with call.transaction() as tx:
        there = await api.get(tx, _id(call))
        wanted = replace(there, **changes)
        await origins.require(tx, wanted.origins)
        changed = await api.update(tx, there.id, wanted, version=call.decided_on(there.version))
        return await call.done(tx, _shape(changed))


def _id(call: Call) -> CarrierServiceId:
    return CarrierServiceId(call.id("carrier_service"))


def _fields(fields: dict[str, Any]) -> dict[str, Any]:
    if "service" in fields:
        fields["service"] = Service(fields["service"])
    if "zones" in fields:
        fields["zones"] = tuple(Zone(one.up_to_km, one.base, one.per_kg, one.days) for one in fields["zones"])
    if "delivers" in fields:
        fields["delivers"] = flags(fields["delivers"])
    if "origins" in fields:
        said: OriginsShape = fields["origins"]
        places = tuple(parsed("location", one) for one in said.locations)
        fields["origins"] = Origins(locations=places, kinds=said.kinds, countries=said.countries)
    return fields


def _shape(service: CarrierService) -> CarrierServiceShape:
    return CarrierServiceShape(
        id=show("carrier_service", service.id),
        code=service.code,
        name=service.name,
        active=service.active,
        service="express" if service.service is Service.EXPRESS else "standard",
        zones=tuple(
            ZoneShape(up_to_km=zone.up_to_km, base=zone.base, per_kg=zone.per_kg, days=zone.days) for zone in service.zones
        ),
        countries=service.countries,
        dangerous=service.dangerous,
        max_weight=service.max_weight,
        carbon=service.carbon,
        delivers=weekdays(service.delivers),
        delivers_on_holidays=service.delivers_on_holidays,
        origins=OriginsShape(
            locations=tuple(show_location(one) for one in service.origins.locations),
            kinds=tuple(_KINDS[kind] for kind in service.origins.kinds if kind in _KINDS),
            countries=service.origins.countries,
        ),
        version=service.version,
        created_at=service.created_at,
        updated_at=service.updated_at,
    )
