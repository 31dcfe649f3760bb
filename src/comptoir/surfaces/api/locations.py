"""Locations: where stock is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from comptoir.kernel.checking import Checks
from comptoir.modules.locations import api
from comptoir.modules.locations.contracts import (
    Closure,
    Closures,
    Interval,
    Location,
    LocationDraft,
    LocationFilter,
    LocationId,
    LocationKind,
    OpeningHours,
    PoolId,
)
from comptoir.modules.locations.errors import LocationCodeTaken, UnknownLocation
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed_some, show_location
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    PRINTABLE,
    CountryCode,
    FreeCode,
    Instant,
    Latitude,
    LocationRef,
    Longitude,
    PageQuery,
    PoolRef,
    Request,
    Search,
    Shape,
    Version,
    Words,
    given,
)

locations = Resource("Locations", "Where stock is: warehouses, stores, suppliers who send for us.")

_Clock = Annotated[str, Meta(pattern=r"^([01]?[0-9]|2[0-4]):[0-5][0-9]$", examples=["09:00"])]
Hours = Annotated[
    tuple[tuple[tuple[_Clock, _Clock], ...], ...],
    Meta(
        max_length=7,
        description="Seven days from Monday on, each with its intervals in local time; empty where they are not stated.",
        examples=[[[["09:00", "19:00"]]] * 6 + [[]]],
    ),
]


class ClosureShape(Request, frozen=True, kw_only=True):
    """Closed from one day to another."""

    first: date
    last: date
    reason: Annotated[Words, Meta(examples=["Stocktaking"])] = ""


_Closures = Annotated[
    tuple[ClosureShape, ...],
    Meta(
        max_length=200,
        description="Days on which it is closed whatever its week says: nobody is served, and no parcel leaves.",
        examples=[[{"first": "2027-01-04", "last": "2027-01-05", "reason": "Stocktaking"}]],
    ),
]
_Holidays = Annotated[
    str,
    Meta(
        pattern=r"^([A-Z]{2}(-[A-Z0-9]{1,6})?)?$",
        max_length=9,
        description="Closed on the public holidays of this country, or of a part of it; empty where they are days like others.",
        examples=["FR"],
    ),
]
_OpenOn = Annotated[
    tuple[Annotated[str, Meta(pattern=r"^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$", max_length=10)], ...],
    Meta(
        max_length=200,
        description="Public holidays on which it is open nevertheless: the day of every year, or of one.",
        examples=[["05-08", "2027-03-29"]],
    ),
]
_Capacity = Annotated[
    int, Meta(ge=0, le=1_000_000, description="Orders that it can prepare in a day; null for no limit.", examples=[120])
]
_Zone = Annotated[
    str, Meta(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$", examples=["Europe/Paris"], description="An IANA name.")
]
_Contact = Annotated[Words, Meta(description="Whom carriers ask for there.", examples=["Camille Roux"])]
_Phone = Annotated[str, Meta(max_length=40, pattern=PRINTABLE, description="Carriers ask for it.", examples=["+33472000000"])]
_Email = Annotated[Words, Meta(description="Carriers may write to it.", examples=["lyon@example.com"])]
_Postcode = Annotated[Words, Meta(examples=["69003"])]


class LocationShape(Shape, frozen=True, kw_only=True):
    """A place that holds stock."""

    id: LocationRef
    code: FreeCode
    name: str
    kind: LocationKind
    active: bool
    line1: str
    line2: str
    postcode: str
    city: str
    region: str
    country: CountryCode
    latitude: Latitude | None
    longitude: Longitude | None
    contact: str
    phone: str
    email: str
    time_zone: str
    opening_hours: Hours
    closures: _Closures
    public_holidays: _Holidays
    open_on: _OpenOn
    ships: bool
    pickup: bool
    returns: bool
    third_party: Annotated[bool, Meta(description="Somebody else runs it: its work is submitted to them.")]
    daily_capacity: int | None
    version: Version
    created_at: Instant
    updated_at: Instant


class NewLocation(Request, frozen=True, kw_only=True):
    """A location that is to be."""

    code: FreeCode
    name: Words
    kind: LocationKind
    country: CountryCode
    time_zone: _Zone
    active: bool = True
    line1: Words = ""
    line2: Words = ""
    postcode: _Postcode = ""
    city: Words = ""
    region: Words = ""
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    contact: _Contact = ""
    phone: _Phone = ""
    email: _Email = ""
    opening_hours: Hours = ()
    closures: _Closures = ()
    public_holidays: _Holidays = ""
    open_on: _OpenOn = ()
    ships: bool = True
    pickup: bool = False
    returns: bool = True
    third_party: bool = False
    daily_capacity: _Capacity | None = None


class ChangeLocation(Request, frozen=True, kw_only=True):
    """What is to be otherwise; the rest stays."""

    code: FreeCode | UnsetType = UNSET
    name: Words | UnsetType = UNSET
    kind: LocationKind | UnsetType = UNSET
    country: CountryCode | UnsetType = UNSET
    time_zone: _Zone | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    line1: Words | UnsetType = UNSET
    line2: Words | UnsetType = UNSET
    postcode: _Postcode | UnsetType = UNSET
    city: Words | UnsetType = UNSET
    region: Words | UnsetType = UNSET
    latitude: Latitude | UnsetType | None = UNSET
    longitude: Longitude | UnsetType | None = UNSET
    contact: _Contact | UnsetType = UNSET
    phone: _Phone | UnsetType = UNSET
    email: _Email | UnsetType = UNSET
    opening_hours: Hours | UnsetType = UNSET
    closures: _Closures | UnsetType = UNSET
    public_holidays: _Holidays | UnsetType = UNSET
    open_on: _OpenOn | UnsetType = UNSET
    ships: bool | UnsetType = UNSET
    pickup: bool | UnsetType = UNSET
    returns: bool | UnsetType = UNSET
    third_party: bool | UnsetType = UNSET
    daily_capacity: _Capacity | UnsetType | None = UNSET


class LocationQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["code", "-code", "name", "-name", "city", "-city", "kind", "-kind"] = "code"
    search: Annotated[Search, Meta(description="Words of the name or the city, or the beginning of the code.")] = ""
    kind: LocationKind | None = None
    active: bool | None = None
    country: CountryCode | None = None
    ships: bool | None = None
    pickup: bool | None = None
    pool_id: PoolRef | None = None


_EXAMPLE = {
    "code": "LYON-1",
    "name": "Lyon Part-Dieu",
    "kind": "store",
    "country": "FR",
    "time_zone": "Europe/Paris",
    "city": "Lyon",
    "latitude": 45.7606,
    "longitude": 4.861,
    "pickup": True,
}


@locations.get("/v1/locations", Scope.LOCATIONS_READ)
async def list_locations(call: Call, query: LocationQuery) -> Answer[PageOf[LocationShape]]:
    """List locations."""
    pool = parsed_some("pool", query.pool_id)
    wanted = LocationFilter(
        search=query.search,
        kind=query.kind,
        active=query.active,
        country=query.country,
        ships=query.ships,
        pickup=query.pickup,
        pool=None if pool is None else PoolId(pool),
    )
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, location_shape)


@locations.post("/v1/locations", Scope.LOCATIONS_WRITE, status=201, refuses=(LocationCodeTaken,), example=_EXAMPLE)
async def create_location(call: Call, body: NewLocation) -> Answer[LocationShape]:
    """Add a location."""
    fields = _timed(given(body), OpeningHours())
    async with call.transaction() as tx:
        return await call.done(tx, location_shape(await api.create(tx, LocationDraft(**fields))))


@locations.get("/v1/locations/{location_id}", Scope.LOCATIONS_READ, refuses=(UnknownLocation,))
async def get_location(call: Call) -> Answer[LocationShape]:
    """Get a location."""
    async with call.reading() as reader:
        return call.answer(location_shape(await api.get(reader, LocationId(call.id("location")))))


@locations.patch(
    "/v1/locations/{location_id}",
    Scope.LOCATIONS_WRITE,
    refuses=(UnknownLocation, LocationCodeTaken),
    example={"daily_capacity": 80, "pickup": True},
)
async def change_location(call: Call, body: ChangeLocation) -> Answer[LocationShape]:
    """Change a location."""
    async with call.transaction() as tx:
        there = await api.get(tx, LocationId(call.id("location")))
        changes = _timed(given(body), there.opening_hours)
        changed = await api.update(tx, there.id, replace(there, **changes), version=call.decided_on(there.version))
        return await call.done(tx, location_shape(changed))


def _timed(fields: dict[str, Any], before: OpeningHours) -> dict[str, Any]:
    """The fields with everything about its hours in one; what is not said of them stays as it was before."""
    said = {name: fields.pop(name) for name in ("opening_hours", "closures", "public_holidays", "open_on") if name in fields}
    if not said:
        return fields
    closures = before.closures
    days = _days(said["opening_hours"]) if "opening_hours" in said else before.days
    closed = said.get("closures")
    return fields | {
        "opening_hours": OpeningHours(
            days,
            Closures(
                closures.days if closed is None else tuple([Closure(one.first, one.last, one.reason) for one in closed]),
                said.get("public_holidays", closures.public_holidays),
                said.get("open_on", closures.open_on),
            ),
        )
    }


def _days(days: Hours) -> tuple[tuple[Interval, ...], ...]:
    checks = Checks()
    found = checks.parsed("opening_hours", lambda _: api.hours_from_json(days), "", OpeningHours())
    checks.done()
    return found.days


def location_shape(location: Location) -> LocationShape:
    return LocationShape(
        id=show_location(location.id),
        code=location.code,
        name=location.name,
        kind=location.kind,
        active=location.active,
        line1=location.line1,
        line2=location.line2,
        postcode=location.postcode,
        city=location.city,
        region=location.region,
        country=location.country,
        latitude=location.latitude,
        longitude=location.longitude,
        contact=location.contact,
        phone=location.phone,
        email=location.email,
        time_zone=location.time_zone,
        opening_hours=tuple(tuple((a, b) for a, b in day) for day in api.hours_to_json(location.opening_hours)),
        closures=tuple(
            [ClosureShape(first=one.first, last=one.last, reason=one.reason) for one in location.opening_hours.closures.days]
        ),
        public_holidays=location.opening_hours.closures.public_holidays,
        open_on=location.opening_hours.closures.open_on,
        ships=location.ships,
        pickup=location.pickup,
        returns=location.returns,
        third_party=location.third_party,
        daily_capacity=location.daily_capacity,
        version=location.version,
        created_at=location.created_at,
        updated_at=location.updated_at,
    )
