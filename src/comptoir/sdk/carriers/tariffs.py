"""Table rates: what a service asks by distance and weight. The values mirror what the retailer keeps of its carriers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from comptoir.kernel.money import Currency, Money
from comptoir.sdk.carriers.values import Rate, RateRequest
from comptoir.sdk.tracking import delivery_day


@dataclass(frozen=True, slots=True)
class Zone:
    """What is asked up to a distance: `base` for the parcel and `per_kg` for each begun kilogram, in minor units."""

    up_to_km: float
    base: int
    per_kg: int
    days: int
    """Working days of the carrier, from leaving to the door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """One service by table rates."""

    service: str
    currency: Currency
    zones: tuple[Zone, ...]
    """From near to far. Beyond the last one it does not go."""
    carrier: str = ""
    name: str = ""
    countries: tuple[str, ...] = ()
    """Of destinations; empty for all."""
    dangerous: bool = False
    max_weight: int = 30_000
    delivers: tuple[bool, ...] = (True, True, True, True, True, True, False)
    """From Monday on."""
    delivers_on_holidays: bool = False
    """Those of the destination's country; else these are days on which it does not deliver."""

    def zone(self, kilometres: float) -> Zone | None:
        return next((zone for zone in self.zones if kilometres <= zone.up_to_km), None)

    def rate(self, request: RateRequest, leaves_on: date) -> Rate | None:
        """What it asks for one parcel; None when it does not take it."""
        kilometres, weight = request.kilometres(), request.parcel.weight
        if self.countries and request.recipient.country not in self.countries:
            return None
        if weight > self.max_weight or (request.dangerous and not self.dangerous) or request.collect is not None:
            return None
        zone = None if kilometres is None else self.zone(kilometres)
        if zone is None:
            return None
        return Rate(
            carrier=self.carrier or self.service,
            service=self.service,
            name=self.name or self.service,
            cost=Money(zone.base + zone.per_kg * -(-weight // 1000), self.currency),
            days=zone.days,
            deliver_on=delivery_day(
                leaves_on, zone.days, self.delivers, "" if self.delivers_on_holidays else request.recipient.country
            ),
        )
