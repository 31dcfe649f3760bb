"""Carriers by the house's own tables: its prices and days, labels that we print, and nobody to call.

A service that an account spoken to by files names goes with that account. A service that an account which sells labels names is
sold there. All others stand under the house's own account, which is there with its first label.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from comptoir.connectors import tablerate
from comptoir.connectors.tablerate import TableRates
from comptoir.kernel.ids import from_text
from comptoir.kernel.money import Currency
from comptoir.kernel.time import utcnow
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierService
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.routing import api as routing
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import HOUSE, LABEL_PREFIX, Account
from comptoir.runtime.database import Database, Reader
from comptoir.sdk.carriers import (
    Address,
    Capability,
    CarrierInfo,
    Label,
    LabelDearer,
    LabelFormat,
    LabelRequest,
    PartialCarrier,
    Rate,
    RateRequest,
    ServiceNotOffered,
    Tariff,
    Void,
    VoidState,
    Zone,
)
from comptoir.surfaces.currency import house_currency
from comptoir.surfaces.documents import api as documents
from comptoir.surfaces.documents.contracts import Address as PaperAddress
from comptoir.surfaces.documents.contracts import ParcelLabel
from comptoir.surfaces.parties import locale_of, zone_of

_CAN = frozenset({Capability.RATES, Capability.LABELS, Capability.VOID, Capability.DANGEROUS})
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = 12
_UTC = ZoneInfo("UTC")
_LOOK_AHEAD = 60
"""Days, after which a place from which nothing leaves is taken as if everything did."""


def info_of(base: CarrierInfo) -> CarrierInfo:
    """What such a carrier says of itself, where its files or its tables alone are `base`."""
    can = base.capabilities | _CAN
    missing = {capability: reason for capability, reason in base.missing.items() if capability not in can}
    return replace(base, capabilities=can, missing=missing, formats=frozenset({LabelFormat.PDF}))


TABLES = info_of(tablerate.INFO)


async def services_of(reader: Reader, account: Account) -> list[CarrierService]:
    """The active services whose parcels go with this account."""
    everything = [service for service in await carriers.everything(reader) if service.active]
    if account.id != HOUSE:
        return [service for service in everything if service.code in account.carriers]
    taken = [name.casefold() for one in await tracking.accounts.everything(reader) if one.active for name in one.carriers]
    return [service for service in everything if not any(_is_of(service, name) for name in taken)]


def _is_of(service: CarrierService, carrier: str) -> bool:
    """Whether a service is one of this carrier's: `ups`, or `ups-ground`."""
    code = service.code.casefold()
    return code == carrier or (code.startswith(carrier) and code[len(carrier)] in "-_.")


class OwnCarrier(PartialCarrier):
    """One account whose prices are tables of the house. It holds nothing: each question reads what holds now."""

    def __init__(self, database: Database, account: Account, info: CarrierInfo) -> None:
        self.info = info
        self._database = database
        self._account = account

    async def rates(self, request: RateRequest) -> list[Rate]:
        """Cheapest first. What does not collect at the place, or is not in the house's hands, is not among them."""
        if request.is_return or request.collect is not None:
            return []
        async with self._database.read() as reader:
            services = await services_of(reader, self._account)
            place = await _place(reader, request.place) if services else None
            currency = await house_currency(reader)
            kilometres = await _kilometres(reader, request) if services else None
            leaves_at = request.ship_at or (await _leaves_at(reader, place, utcnow()) if place else utcnow())
        found: list[Rate] = []
        for service in services:
            if place is not None and not service.origins.include(place.id, place.kind, place.country):
                continue
            if place is None and service.origins:
                continue
            # Where nobody knows how far it is, it is as far as the service goes, as routing reckons.
            distance = service.zones[-1].up_to_km if kilometres is None else kilometres
            asked = replace(request, distance=distance, ship_at=leaves_at)
            found += await TableRates([tariff(service, currency)], _UTC if place is None else zone_of(place)).rates(asked)
        return sorted(found, key=lambda rate: (rate.cost.minor, rate.deliver_on or date.max, rate.service))

    async def buy(self, request: LabelRequest) -> Label:
        """Our own label: the same number for the same reference, however often it is asked for."""
        offered = await self.rates(request.shipment)
        rate = next((rate for rate in offered if rate.service == request.service), None)
        if rate is None:
            raise ServiceNotOffered(carrier=self.info.key, service=request.service, offered=[one.service for one in offered])
        if (
            request.at_most is not None
            and rate.cost.currency == request.at_most.currency
            and rate.cost.minor > request.at_most.minor
        ):
            raise LabelDearer.than(request.at_most, rate.cost)
        number = number_of(request.reference)
        return Label(
            reference=request.reference,
            tracking_number=number,
            shipment_id=number,
            service=rate.service,
            carrier=rate.carrier,
            content=await _printed(request, rate, number),
            cost=rate.cost,
        )

    async def find_label(self, reference: str) -> Label | None:
        """None: what we print is written down in the same step, so that nothing is left to be found elsewhere."""
        del reference
        return None

    async def void(self, label: Label) -> Void:
        """Nobody was called, and nothing was paid for yet."""
        del label
        return Void(VoidState.VOIDED)


def number_of(reference: str) -> str:
    """What stands on the label, in bars and in letters that nobody confuses: of the last sixty bits of its reference."""
    left = from_text(LABEL_PREFIX, reference).int & ((1 << 5 * _DIGITS) - 1)
    letters = ""
    for _ in range(_DIGITS):
        left, digit = divmod(left, len(_LETTERS))
        letters = _LETTERS[digit] + letters
    return letters


async def _place(reader: Reader, place: UUID | None) -> Location | None:
    if place is None:
        return None
    try:
        return await locations.get(reader, LocationId(place))
    except UnknownLocation:
        return None


async def _kilometres(reader: Reader, request: RateRequest) -> float | None:
    """As routing measures: to the coordinates of the address, or to its postcode."""
    there = request.recipient
    if request.kilometres() is not None or there.latitude is not None:
        return request.kilometres()
    found = await locations.place_of(reader, there.country, there.postcode)
    if found is None:
        return None
    return replace(request, recipient=msgspec.structs.replace(there, latitude=found[0], longitude=found[1])).kilometres()


async def _leaves_at(reader: Reader, place: Location, now: datetime) -> datetime:
    """Noon of the day on which what is packed now leaves."""
    zone = zone_of(place)
    settings = await routing.settings(reader, place.id)
    local = now.astimezone(zone)
    first = local.date() + timedelta(days=local.hour * 60 + local.minute >= settings.cut_off)
    days = (first + timedelta(days=n) for n in range(_LOOK_AHEAD))
    closures = place.opening_hours.closures
    leaves_on = next((day for day in days if settings.works[day.weekday()] and not closures.shut(day)), first)
    return datetime.combine(leaves_on, time(12), zone)


def tariff(service: CarrierService, currency: Currency) -> Tariff:
    """What a service of the house asks, as a connector reckons with it."""
    return Tariff(
        service=service.code,
        carrier=service.code,
        name=service.name,
        currency=currency,
        zones=tuple(Zone(zone.up_to_km, zone.base, zone.per_kg, zone.days) for zone in service.zones),
        countries=service.countries,
        dangerous=service.dangerous,
        max_weight=service.max_weight,
        delivers=service.delivers,
        delivers_on_holidays=service.delivers_on_holidays,
    )


async def _printed(request: LabelRequest, rate: Rate, number: str) -> bytes:
    shipment = request.shipment
    label = ParcelLabel(
        sender=_paper(shipment.sender),
        recipient=_paper(shipment.recipient),
        carrier=rate.name or rate.carrier,
        service="",
        tracking_number=number,
        weight=shipment.parcel.weight,
        order_number=shipment.invoice_number,
        shipped_on=None if shipment.ship_at is None else shipment.ship_at.date(),
    )
    return await documents.render(label, locale_of(shipment.sender.country))


def _paper(one: Address) -> PaperAddress:
    names = ("name", "company", "line1", "line2", "postcode", "city", "region", "country", "phone")
    return PaperAddress(**{name: str(getattr(one, name)) for name in names})
