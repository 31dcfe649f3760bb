"""What crosses the door of carriers.

Distances are kilometres on the great circle, weights grams, money minor units of the house's currency.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NewType
from uuid import UUID

from comptoir.runtime.events import Event

CarrierServiceId = NewType("CarrierServiceId", UUID)

CARRIER_SERVICE_PREFIX = "csv"


class Service(StrEnum):
    """How the buyer gets the goods."""

    STANDARD = "standard"
    EXPRESS = "express"
    PICKUP = "pickup"


@dataclass(frozen=True, slots=True)
class Zone:
    """What a carrier asks up to a distance: `base` for the parcel and `per_kg` for each begun kilogram, in so many days."""

    up_to_km: float
    base: int
    per_kg: int
    days: int
    """Working days of the carrier, from leaving to the door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where a carrier collects: at the locations that are named, and at those of these kinds in these countries.

    Empty kinds are all kinds, and empty countries all countries, where the other of the two is said. Nothing said at all is
    everywhere.
    """

    locations: tuple[UUID, ...] = ()
    kinds: tuple[str, ...] = ()
    """Of locations: store, warehouse, and so on."""
    countries: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether it is not everywhere."""
        return bool(self.locations or self.kinds or self.countries)

    def include(self, location_id: UUID, kind: str, country: str) -> bool:
        """Whether it collects at this location, of this kind, in this country."""
        if not self or location_id in self.locations:
            return True
        described = bool(self.kinds or self.countries)
        return described and (not self.kinds or kind in self.kinds) and (not self.countries or country in self.countries)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierServiceDraft:
    """One service of one carrier, by table rates, as somebody wants it."""

    code: str
    name: str = ""
    active: bool = True
    service: Service = Service.STANDARD
    zones: tuple[Zone, ...] = ()
    """By distance, nearest first. Beyond the last one it does not go."""
    countries: tuple[str, ...] = ()
    """Of destinations; empty for all."""
    dangerous: bool = False
    """Takes dangerous goods."""
    max_weight: int = 30_000
    """Of one box, in grams: what weighs more goes in several."""
    carbon: float = 0.1
    """Grams of CO2 for each kilogram and kilometre."""
    delivers: tuple[bool, ...] = (True, True, True, True, True, True, False)
    """From Monday on."""
    delivers_on_holidays: bool = False
    """Those of the destination's country; else these are days on which it does not deliver."""
    origins: Origins = field(default_factory=Origins)
    """Where it collects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierService(CarrierServiceDraft):
    """A service as it is. It is also a draft: `replace(service, name=…)` is what `update` takes."""

    id: CarrierServiceId
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierServiceFilter:
    """None and empty do not filter. `search` is words of the name, or the beginning of the code."""

    search: str = ""
    service: Service | None = None
    active: bool | None = None


class CarrierServiceChanged(Event, frozen=True, kw_only=True):
    """A carrier's service was made, or something about it changed: its rates, its reach, whether it is used."""

    type: ClassVar[str] = "carrier_service.changed"
    carrier_service_id: CarrierServiceId
    code: str
    created: bool = False

    @property
    def subject(self) -> UUID | None:
        return self.carrier_service_id
