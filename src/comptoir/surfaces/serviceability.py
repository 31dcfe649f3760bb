"""Who goes there: which carriers take a parcel of a weight to a postcode, before anything is packed.

`ask` asks every account, each with a patience of its own, and says of each account and of each service by our own tables
whether it goes there, and why not. `look_up` answers for many postcodes from the tables alone: nobody is called.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from comptoir.kernel.errors import Fault, Refusal
from comptoir.kernel.money import Currency, Money
from comptoir.modules.carriers.contracts import CarrierService
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationFilter, LocationId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Account, AccountId
from comptoir.runtime.database import Database, Reader
from comptoir.sdk.carriers import Address, Capability, CarrierCannot, Item, Parcel, Rate, RateRequest, ShipmentRejected
from comptoir.surfaces import offers, own_carriers
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.currency import house_currency
from comptoir.surfaces.offers import Offered, Offers, Silent
from comptoir.surfaces.parcels import address_of
from comptoir.surfaces.parties import zone_of

MOST_PLACES = 5
"""Without a location, so many are asked, the nearest first: every one of them costs each carrier a call."""
MOST_ROWS = 200
PLACES_OF_MANY = 3
"""As `MOST_PLACES`, when many postcodes are looked up."""
PATIENCE = 4
"""Seconds that each account has."""
_OTHER_CURRENCY = "another currency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A parcel that might be sent. `weight` is grams, lengths are millimetres, `worth` minor units of the house's currency."""

    country: str
    postcode: str = ""
    city: str = ""
    weight: int = 1_000
    length: int = 0
    width: int = 0
    height: int = 0
    dangerous: bool = False
    worth: int = 0
    channel: str = ""


class Stand(StrEnum):
    """How an account, or one of its services, stands to it."""

    SERVES = "serves"
    STEERED_AWAY = "steered_away"
    """It would go there, and the house does not let it."""
    REFUSES = "refuses"
    NO_ANSWER = "no_answer"
    NOT_ASKED = "not_asked"
    """It tells no prices, or sells no labels."""


class Why(StrEnum):
    """Why a service by our own tables does not go there."""

    ORIGIN = "it does not collect there"
    COUNTRY = "it does not deliver to this country"
    WEIGHT = "the parcel is too heavy"
    DANGEROUS = "it takes no dangerous goods"
    DISTANCE = "it is too far"


NOTHING_OFFERED = "it offers nothing for this parcel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What an account says, or one of its services, of a parcel from one location.

    `reason` is why it does not go there: what `Offered.against` or `Why` says, or the carrier's own words, by `code`.
    """

    location_id: LocationId
    account: Account
    stand: Stand
    offered: Offered | None = None
    service: CarrierService | None = None
    """Of our own tables, where it is not offered."""
    reason: str = ""
    code: str = ""
    chosen: bool = False

    @property
    def carrier(self) -> str:
        """Empty where the account as a whole is meant, as are the two below."""
        return self.offered.rate.carrier if self.offered else self.service.code if self.service else ""

    @property
    def service_code(self) -> str:
        return self.offered.rate.service if self.offered else self.service.code if self.service else ""

    @property
    def name(self) -> str:
        return self.offered.rate.name if self.offered else self.service.name if self.service else ""


@dataclass(frozen=True, slots=True)
class Origin:
    """A location that was asked for, how far it is from there, and the rule that decides for parcels from it, from 1."""

    location: Location
    kilometres: float | None
    rule_no: int | None = None
    rule_name: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    origins: tuple[Origin, ...]
    lines: tuple[Line, ...]
    """By location, the nearest first; of each what may be taken first, then the others."""
    left_out: int
    """So many more locations send parcels, and are farther away."""
    located: bool
    """Whether it is known where it is. If not, tables reckon with their farthest zone."""
    currency: Currency


async def ask(
    database: Database,
    carriage: Carriage,
    wanted: Wanted,
    now: datetime,
    *,
    places: Collection[LocationId] = (),
    within: Collection[LocationId] = (),
    patience: float = PATIENCE,
) -> Told:
    """Of parcels from some places, or from the nearest that send any. `within`, where it is not empty, are those that count.

    It is asked outside of any transaction. Raises UnknownLocation.
    """
    async with database.read() as reader:
        sites = await _sites(reader, places, within)
        there = await locations.place_of(reader, wanted.country, wanted.postcode) if wanted.postcode else None
        house, _ = await tracking.ruling.get(reader)
        currency = await house_currency(reader)
        accounts = await carriage.accounts(reader)
        services = {one.id: await own_carriers.services_of(reader, one) for one in accounts if _by_tables(carriage, one)}
    near = _nearest(sites, wanted.country, there)
    chosen = near[:MOST_PLACES]
    requests = [_request(wanted, site, there, currency) for site, _ in chosen]
    rulings = [tracking.steered(house, _sent(wanted, site)) for site, _ in chosen]
    found = await offers.ask_each(
        database, carriage, list(zip(requests, rulings, strict=True)), currency, now, patience=patience
    )
    lines: list[Line] = []
    for (site, away), request, told in zip(chosen, requests, found, strict=True):
        lines += await _lines(carriage, accounts, services, _Asked(site, away, request), told)
    origins = [
        Origin(site, away, ruling.rule_no, "" if ruling.rule is None else ruling.rule.name)
        for (site, away), ruling in zip(chosen, rulings, strict=True)
    ]
    return Told(tuple(origins), tuple(lines), len(near) - len(chosen), there is not None, currency)


@dataclass(frozen=True, slots=True)
class _Asked:
    site: Location
    away: float | None
    request: RateRequest


async def _lines(
    carriage: Carriage,
    accounts: Sequence[Account],
    services: Mapping[AccountId, Sequence[CarrierService]],
    asked: _Asked,
    told: Offers,
) -> list[Line]:
    by_id = {one.id: one for one in accounts}
    place = asked.site.id
    lines = [_offer(place, by_id[one.account_id], one, told) for one in told.offered]
    silent = {one.account_id: one for one in told.silent}
    offered = {(one.account_id, one.rate.service) for one in told.offered}
    for account in accounts:
        if account.id in silent:
            lines.append(_silent(place, account, silent[account.id]))
        elif account.id in services:
            lines += [
                Line(location_id=place, account=account, stand=Stand.REFUSES, service=one, reason=why)
                for one in services[account.id]
                if (account.id, one.code) not in offered
                for why in [why_not(one, asked.site, asked.request, asked.away)]
                if why is not None
            ]
        elif not any(one == account.id for one, _ in offered):
            lines.append(await _mute(carriage, place, account))
    return lines


def _offer(place: LocationId, account: Account, one: Offered, told: Offers) -> Line:
    away = bool(one.against) and one.against != _OTHER_CURRENCY
    stand = Stand.STEERED_AWAY if away else Stand.SERVES
    return Line(location_id=place, account=account, stand=stand, offered=one, reason=one.against, chosen=one is told.best)


def _silent(place: LocationId, account: Account, one: Silent) -> Line:
    refuses = one.code in {ShipmentRejected.code, CarrierCannot.code}
    stand = Stand.REFUSES if refuses else Stand.NO_ANSWER
    return Line(location_id=place, account=account, stand=stand, reason=one.problem, code=one.code)


async def _mute(carriage: Carriage, place: LocationId, account: Account) -> Line:
    """Of an account that answered with nothing: because it never sells labels, or not for this parcel."""
    try:
        _, carrier = await carriage.account(account.id)
    except (Refusal, Fault) as problem:
        return Line(location_id=place, account=account, stand=Stand.NO_ANSWER, reason=str(problem), code=problem.code)
    lacking = sorted({Capability.RATES, Capability.LABELS} - carrier.info.capabilities)
    if lacking:
        return Line(location_id=place, account=account, stand=Stand.NOT_ASKED, reason=carrier.info.missing[lacking[0]])
    return Line(location_id=place, account=account, stand=Stand.REFUSES, reason=NOTHING_OFFERED)


def _by_tables(carriage: Carriage, account: Account) -> bool:
    kind = carriage.kinds.get(account.connector)
    return kind is not None and kind.by_tables


async def _sites(reader: Reader, places: Collection[LocationId], within: Collection[LocationId]) -> list[Location]:
    """Of those that are named the ones that send parcels, or all of them where none does."""
    if places:
        named = [await locations.get(reader, one) for one in places]
        return [one for one in named if one.active and one.ships] or named
    found = [one async for one in locations.stream(reader, LocationFilter(active=True, ships=True))]
    return [one for one in found if not within or one.id in within]


def _nearest(sites: Sequence[Location], country: str, there: tuple[float, float] | None) -> list[tuple[Location, float | None]]:
    """With how far each is. Where that is not known, those of the same country are nearer."""
    near = [(site, _away(site, there)) for site in sites]
    return sorted(near, key=lambda one: (one[1] is None, one[1] or 0.0, one[0].country != country, one[0].code))


def _away(site: Location, there: tuple[float, float] | None) -> float | None:
    if there is None or site.latitude is None or site.longitude is None:
        return None
    return locations.distance_km((site.latitude, site.longitude), there)


def _request(wanted: Wanted, site: Location, there: tuple[float, float] | None, currency: Currency) -> RateRequest:
    latitude, longitude = there or (None, None)
    goods = Item(description="Goods", quantity=1, value=Money(wanted.worth, currency), weight=wanted.weight)
    return RateRequest(
        sender=address_of(site),
        recipient=Address(
            country=wanted.country, postcode=wanted.postcode, city=wanted.city, latitude=latitude, longitude=longitude
        ),
        parcel=Parcel(weight=wanted.weight, length=wanted.length, width=wanted.width, height=wanted.height),
        items=(goods,) if wanted.worth else (),
        dangerous=wanted.dangerous,
        place=site.id,
    )


def _sent(wanted: Wanted, site: Location) -> tracking.Sent:
    return tracking.Sent(
        channel=wanted.channel,
        location_id=site.id,
        country=wanted.country,
        postcode=wanted.postcode,
        weight=wanted.weight,
        dangerous=wanted.dangerous,
    )


def why_not(service: CarrierService, site: Location, request: RateRequest, kilometres: float | None) -> Why | None:
    """What stands against a service by our own tables first; None where it goes there."""
    far = kilometres is not None and kilometres > service.zones[-1].up_to_km
    reasons = (
        (not service.origins.include(site.id, site.kind, site.country), Why.ORIGIN),
        (bool(service.countries) and request.recipient.country not in service.countries, Why.COUNTRY),
        (request.parcel.weight > service.max_weight, Why.WEIGHT),
        (request.dangerous and not service.dangerous, Why.DANGEROUS),
        (far, Why.DISTANCE),
    )
    return next((why for holds, why in reasons if holds), None)


# Many postcodes, from the tables alone


@dataclass(frozen=True, slots=True)
class Way:
    """A service that takes a parcel from a location, or may not: `against` says why the house does not let it."""

    service: CarrierService
    rate: Rate
    place: Location
    against: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Of one parcel: who goes there, the best first, who may not, and why the others do not."""

    wanted: Wanted
    located: bool
    ways: tuple[Way, ...]
    ruled_out: tuple[Way, ...]
    not_there: tuple[tuple[CarrierService, Why], ...]


async def look_up(
    reader: Reader,
    carriage: Carriage,
    rows: Sequence[Wanted],
    now: datetime,
    *,
    places: Collection[LocationId] = (),
    within: Collection[LocationId] = (),
) -> list[Found]:
    """Who goes where by our own tables, from some places or from the nearest; how punctual they are there does not count.

    Raises UnknownLocation.
    """
    assert len(rows) <= MOST_ROWS, "more are refused before"
    sites = await _sites(reader, places, within)
    house, _ = await tracking.ruling.get(reader)
    house = replace(house, at_least_on_time=0.0)
    currency = await house_currency(reader)
    accounts = [one for one in await carriage.accounts(reader) if _by_tables(carriage, one)]
    services = [service for one in accounts for service in await own_carriers.services_of(reader, one)]
    theirs = await locations.places_of(reader, [(one.country, one.postcode) for one in rows])
    return [_found(wanted, there, sites, services, house, currency, now) for wanted, there in zip(rows, theirs, strict=True)]


def _found(
    wanted: Wanted,
    there: tuple[float, float] | None,
    sites: Sequence[Location],
    services: Sequence[CarrierService],
    house: tracking.Ruling,
    currency: Currency,
    now: datetime,
) -> Found:
    """Of each service the place from which it may be taken and is cheapest."""
    allowed: dict[str, tuple[int, Way]] = {}
    ruled_out: dict[str, Way] = {}
    reasons: dict[str, tuple[CarrierService, Why]] = {}
    for site, away in _nearest(sites, wanted.country, there)[:PLACES_OF_MANY]:
        request = _request(wanted, site, there, currency)
        going: dict[str, Way] = {}
        for service in services:
            why = why_not(service, site, request, away)
            rate = None if why else _rate(service, site, request, away, currency, now)
            if rate is None:
                reasons.setdefault(service.code, (service, why or Why.DISTANCE))
            else:
                going[service.code] = Way(service, rate, site)
        told = tracking.choose([_as_offer(way.rate) for way in going.values()], tracking.steered(house, _sent(wanted, site)))
        for n, (offer, _) in enumerate(told.ranked):
            way = going[offer.service]
            before = allowed.get(offer.service)
            if before is None or way.rate.cost.minor < before[1].rate.cost.minor:
                allowed[offer.service] = (n, way)
        for offer, against in told.ruled_out:
            ruled_out.setdefault(offer.service, replace(going[offer.service], against=against))
    ways = [way for _, way in sorted(allowed.values(), key=lambda one: (one[0], one[1].rate.cost.minor, one[1].service.code))]
    return Found(
        wanted,
        there is not None,
        tuple(ways),
        tuple(way for code, way in ruled_out.items() if code not in allowed),
        tuple(one for code, one in reasons.items() if code not in allowed and code not in ruled_out),
    )


def _rate(
    service: CarrierService, site: Location, request: RateRequest, away: float | None, currency: Currency, now: datetime
) -> Rate | None:
    """What leaves today: cut-offs and closures of the place do not count here."""
    distance = service.zones[-1].up_to_km if away is None else away
    leaves_on = now.astimezone(zone_of(site)).date()
    return own_carriers.tariff(service, currency).rate(replace(request, distance=distance), leaves_on)


def _as_offer(rate: Rate) -> tracking.Offer:
    return tracking.Offer(rate.carrier, rate.service, rate.cost.minor, rate.days)
