"""Who sends and who gets, as papers name them: locations, buyers, and the language that is read there."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages

from comptoir.modules.locations.contracts import Location
from comptoir.modules.orders.contracts import Order
from comptoir.surfaces.documents.contracts import Address

FALLBACK = "en_GB"


def zone_of(place: Location) -> ZoneInfo:
    try:
        return ZoneInfo(place.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def locale_of(country: str) -> str:
    """French where it is the first language of the land, English elsewhere."""
    languages = get_official_languages(country.upper(), de_facto=True) if country else ()
    if languages and languages[0] == "fr":
        try:
            return str(Locale.parse(f"fr_{country.upper()}"))
        except (UnknownLocaleError, ValueError):
            return "fr_FR"
    return "en_US" if country.upper() == "US" else FALLBACK


def site_address(place: Location) -> Address:
    return Address(
        name=place.name or place.code,
        line1=place.line1,
        line2=place.line2,
        postcode=place.postcode,
        city=place.city,
        region=place.region,
        country=place.country,
    )


def order_address(order: Order) -> Address:
    """Where it goes; of what is collected, who it is for."""
    given, buyer = order.ship_to or {}, order.buyer or {}

    def text(values: Mapping[str, object], name: str) -> str:
        return str(values.get(name) or "")

    return Address(
        name=text(given, "name") or text(buyer, "name"),
        company=text(given, "company"),
        line1=text(given, "line1"),
        line2=text(given, "line2"),
        postcode=text(given, "postcode"),
        city=text(given, "city"),
        region=text(given, "region"),
        country=text(given, "country"),
        phone=text(given, "phone"),
    )
