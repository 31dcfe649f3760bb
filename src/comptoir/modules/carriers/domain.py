"""The rules of carriers, as functions of values."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise

from comptoir.kernel.checking import Checks
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Origins, Service, Zone

MAX_ZONES = 100
MAX_KM = 25_000.0
"""More than half way round the earth."""
MAX_COST = 10**9
MAX_DAYS = 120
MAX_BOX = 2_000_000
MAX_CARBON = 1_000.0
MAX_PLACES = 1_000
"""Locations that a service names."""
WEEK = 7

_COUNTRY = re.compile(r"[A-Z]{2}")


def checked(draft: CarrierServiceDraft, checks: Checks) -> CarrierServiceDraft:
    """The draft with clean values; what is wrong with it is in `checks`."""
    code = checks.code("code", draft.code)
    service = checks.parsed("service", Service, draft.service, Service.STANDARD)
    checks.require("service", service is not Service.PICKUP, "is how a carrier delivers: standard or express")
    countries = _checked_countries("countries", draft.countries, checks)
    checks.require("delivers", len(draft.delivers) == WEEK, "has seven days, from Monday on")
    checks.require("delivers", any(draft.delivers), "names one day at least")
    carbon = draft.carbon
    checks.require("carbon", math.isfinite(carbon) and 0 <= carbon <= MAX_CARBON, f"is from 0 to {MAX_CARBON:.0f}")
    return replace(
        draft,
        code=code,
        name=checks.words("name", draft.name) or code,
        service=service,
        zones=_checked_zones(draft.zones, checks),
        countries=countries,
        max_weight=checks.whole("max_weight", draft.max_weight, 1, MAX_BOX),
        origins=_checked_origins(draft.origins, checks),
    )


def _checked_countries(name: str, given: tuple[str, ...], checks: Checks) -> tuple[str, ...]:
    countries = tuple(dict.fromkeys(country.strip().upper() for country in given))
    for country in countries:
        checks.require(name, bool(_COUNTRY.fullmatch(country)), "are countries' two letters (ISO 3166-1)")
    return countries


def _checked_origins(origins: Origins, checks: Checks) -> Origins:
    places = tuple(dict.fromkeys(origins.locations))
    checks.require("origins.locations", len(places) <= MAX_PLACES, f"are at most {MAX_PLACES}")
    return Origins(
        locations=places,
        kinds=tuple(dict.fromkeys(checks.code("origins.kinds", kind) for kind in origins.kinds)),
        countries=_checked_countries("origins.countries", origins.countries, checks),
    )


def _checked_zones(zones: tuple[Zone, ...], checks: Checks) -> tuple[Zone, ...]:
    checks.require("zones", 1 <= len(zones) <= MAX_ZONES, f"has 1 to {MAX_ZONES} of them")
    for n, zone in enumerate(zones):
        at = checks.at(f"zones[{n}].")
        at.require("up_to_km", math.isfinite(zone.up_to_km) and 0 < zone.up_to_km <= MAX_KM, f"is above 0, up to {MAX_KM:.0f}")
        at.whole("base", zone.base, 0, MAX_COST)
        at.whole("per_kg", zone.per_kg, 0, MAX_COST)
        at.whole("days", zone.days, 0, MAX_DAYS)
    checks.require("zones", all(a.up_to_km < b.up_to_km for a, b in pairwise(zones)), "go from near to far")
    return tuple(zones)
