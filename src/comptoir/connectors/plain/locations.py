"""`comptoir import locations`: code, name, kind, address, postcode, city, country, latitude, longitude, time_zone,
opening_hours, ships, pickup, returns, daily_capacity, contact, phone, email, closed_on, public_holidays, open_on. Only code and
name must be there.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from comptoir.connectors.plain.reading import plain_file, read_rows, whole_number, yes_or_no
from comptoir.kernel.time import time_zone
from comptoir.sdk.countries import country_code
from comptoir.sdk.orderfiles import Field, FieldKind, Record, RejectedRow
from comptoir.sdk.records import LocationRecord
from comptoir.sdk.tabular import Options, Table, Watch

_NUMBER = FieldKind.NUMBER
_DEGREES = {"latitude": 90, "longitude": 180}

LOCATION_FIELDS = (
    Field("code", ("code", "location", "location_code", "store_id"), required=True),
    Field("name", ("name", "nom"), required=True),
    Field("kind", ("kind", "type")),
    Field("address", ("address", "adresse", "street")),
    Field("postcode", ("postcode", "postal_code", "zip", "code_postal")),
    Field("city", ("city", "ville")),
    Field("country", ("country", "pays")),
    Field("latitude", ("latitude", "lat"), _NUMBER),
    Field("longitude", ("longitude", "lon", "lng"), _NUMBER),
    Field("contact", ("contact", "contact_name", "responsable")),
    Field("phone", ("phone", "telephone", "téléphone")),
    Field("email", ("email", "e-mail", "mail", "courriel")),
    Field("time_zone", ("time_zone", "timezone", "fuseau")),
    Field("opening_hours", ("opening_hours", "hours", "horaires")),
    Field("ships", ("ships", "expédie")),
    Field("pickup", ("pickup", "retrait")),
    Field("returns", ("returns", "retours")),
    Field("daily_capacity", ("daily_capacity", "capacity", "capacité"), _NUMBER),
    Field("closed_on", ("closed_on", "closures", "fermetures")),
    Field("public_holidays", ("public_holidays", "fériés", "jours_fériés")),
    Field("open_on", ("open_on", "ouvert_le")),
)


def read_locations(
    table: Table, options: Options | None = None, watch: Watch | None = None
) -> Iterator[LocationRecord | RejectedRow]:
    """The file's locations in order; raises MissingColumns and Undecided before the first."""
    return read_rows(plain_file(table, LOCATION_FIELDS, options or Options()).records(watch), _location)


def _location(record: Record) -> LocationRecord:
    country = record.text("country")
    if country and not country_code(country):
        record.refuse("unknown_country", f"{country!r} is not a country.", "Write its ISO code, such as FR.")
    return LocationRecord(
        line=record.row.line,
        code=record.needed("code"),
        name=record.needed("name"),
        kind=record.text("kind").casefold(),
        address=record.text("address"),
        postcode=record.text("postcode"),
        city=record.text("city"),
        country=country_code(country),
        latitude=_degrees(record, "latitude"),
        longitude=_degrees(record, "longitude"),
        contact=record.text("contact"),
        phone=record.text("phone"),
        email=record.text("email"),
        time_zone=_zone(record),
        opening_hours=record.text("opening_hours"),
        ships=yes_or_no(record, "ships"),
        pickup=yes_or_no(record, "pickup"),
        returns=yes_or_no(record, "returns"),
        daily_capacity=whole_number(record, "daily_capacity"),
        closed_on=record.text("closed_on"),
        public_holidays=record.text("public_holidays"),
        open_on=record.text("open_on"),
    )


def _degrees(record: Record, field: str) -> Decimal | None:
    number = record.number(field)
    if number is not None and abs(number) > _DEGREES[field]:
        record.refuse("bad_coordinate", f"{field}: {number} is beyond {_DEGREES[field]} degrees.", "Write WGS 84 degrees.")
    return number


def _zone(record: Record) -> str:
    name = record.text("time_zone")
    try:
        return time_zone(name).key if name else ""
    except ValueError as problem:
        return record.refuse("unknown_time_zone", f"{problem}.", "Write an IANA name such as Europe/Paris.")
