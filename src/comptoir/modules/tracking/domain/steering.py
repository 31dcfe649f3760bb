"""Rules of the house about who carries what: read in their order, and the first that fits a parcel decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from comptoir.modules.locations.contracts import LocationId


class Do(StrEnum):
    """What a rule says of a carrier, or of one of its services."""

    PREFER = "prefer"
    """It goes first where it may be taken and is in time; else the others."""
    ONLY = "only"
    """Nobody else carries it."""
    EXCLUDE = "exclude"
    SHARE = "share"
    """It gets such a part of the load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Empty `service` is all of the carrier's. `share` is a weight beside those of the same rule."""

    do: Do
    carrier: str
    service: str = ""
    share: int = 0

    def means(self, carrier: str, service: str) -> bool:
        return self.carrier.casefold() == carrier.casefold() and self.service.casefold() in {"", service.casefold()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierRule:
    """Which parcels it is about, and what it says of carriers. Empty and None do not restrict; of several any one will do."""

    name: str = ""
    channels: tuple[str, ...] = ()
    locations: tuple[LocationId, ...] = ()
    countries: tuple[str, ...] = ()
    postcodes: tuple[str, ...] = ()
    """Beginnings, which is what regions are called in most countries."""
    services: tuple[str, ...] = ()
    """How the buyer wants it: standard, express, pickup."""
    weight_from: int | None = None
    """Grams, this one included."""
    weight_to: int | None = None
    """Grams, this one included."""
    categories: tuple[str, ...] = ()
    """Something of it, or below it, is in the parcel."""
    dangerous: bool | None = None
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What rules look at of a parcel."""

    channel: str = ""
    location_id: LocationId | None = None
    country: str = ""
    postcode: str = ""
    service: str = ""
    weight: int = 0
    categories: frozenset[str] = frozenset()
    dangerous: bool = False


def fits(rule: CarrierRule, parcel: Sent) -> bool:
    postcode = _plain(parcel.postcode)
    return (
        (not rule.channels or parcel.channel in rule.channels)
        and (not rule.locations or parcel.location_id in rule.locations)
        and (not rule.countries or parcel.country in rule.countries)
        and (not rule.postcodes or any(postcode.startswith(_plain(one)) for one in rule.postcodes))
        and (not rule.services or parcel.service in rule.services)
        and (rule.weight_from is None or parcel.weight >= rule.weight_from)
        and (rule.weight_to is None or parcel.weight <= rule.weight_to)
        and (not rule.categories or not parcel.categories.isdisjoint(rule.categories))
        and rule.dangerous in {None, parcel.dangerous}
    )


def _plain(postcode: str) -> str:
    return "".join(postcode.split()).casefold()


def first_fit(rules: Sequence[CarrierRule], parcel: Sent) -> int | None:
    """Which rule decides, counted from 0."""
    return next((n for n, rule in enumerate(rules) if fits(rule, parcel)), None)


def against(effects: Sequence[Effect], carrier: str, service: str) -> str:
    """Why a service may not be taken by these effects; empty where it may."""
    if any(one.do is Do.EXCLUDE and one.means(carrier, service) for one in effects):
        return "the rule excludes it"
    only = [one for one in effects if one.do is Do.ONLY]
    return "the rule takes others only" if only and not any(one.means(carrier, service) for one in only) else ""


def is_preferred(effects: Sequence[Effect], carrier: str, service: str) -> bool:
    return any(one.do is Do.PREFER and one.means(carrier, service) for one in effects)
