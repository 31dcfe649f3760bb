"""Which time zone a country keeps, where it keeps one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import cast

from babel.core import get_global

_CAPITALS = {
    "AU": "Australia/Sydney", "BR": "America/Sao_Paulo", "CA": "America/Toronto", "CN": "Asia/Shanghai", "DE": "Europe/Berlin",
    "ES": "Europe/Madrid", "FR": "Europe/Paris", "GB": "Europe/London", "ID": "Asia/Jakarta", "MX": "America/Mexico_City",
    "NZ": "Pacific/Auckland", "PT": "Europe/Lisbon", "RU": "Europe/Moscow", "UA": "Europe/Kyiv", "US": "America/Chicago",
}  # fmt: skip
"""Where most people live, of countries with several zones; of the United States, the one in the middle."""


@lru_cache(maxsize=1)
def _zones() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    territories = cast("Mapping[str, str]", get_global("zone_territories"))
    for zone, country in territories.items():
        found.setdefault(country, []).append(zone)
    return {country: tuple(sorted(zones)) for country, zones in found.items()}


def zone_of_country(country: str, otherwise: str = "UTC") -> str:
    """The IANA zone in which most of a country lives; `otherwise` where that is not known. ISO 3166-1 alpha-2."""
    if country in _CAPITALS:
        return _CAPITALS[country]
    zones = _zones().get(country, ())
    return zones[0] if len(zones) == 1 else otherwise
