"""`comptoir import postcodes`: country, postcode, latitude, longitude, place.

The French post office's file (`laposte_hexasmal`) is read as it is: its codes are French, and its coordinates in one cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from comptoir.connectors.plain.reading import plain_file, read_rows
from comptoir.sdk.countries import country_code
from comptoir.sdk.orderfiles import Field, FieldKind, Record, RejectedRow
from comptoir.sdk.records import PostcodeRecord
from comptoir.sdk.tabular import Options, Table, Watch

_NUMBER = FieldKind.NUMBER
_DEGREES = {"latitude": 90, "longitude": 180}

POSTCODE_FIELDS = (
    Field("postcode", ("postcode", "postal_code", "zip", "zip_code", "code_postal"), required=True),
    Field("country", ("country", "country_code", "pays")),
    Field("latitude", ("latitude", "lat"), _NUMBER),
    Field("longitude", ("longitude", "lon", "lng"), _NUMBER),
    Field("coordinates", ("coordonnees_gps", "coordinates", "geo_point_2d", "_geopoint")),
    Field("place", ("place", "place_name", "city", "ville", "nom_commune", "nom_de_la_commune")),
)


def read_postcodes(
    table: Table, options: Options | None = None, watch: Watch | None = None
) -> Iterator[PostcodeRecord | RejectedRow]:
    """The file's postcodes in order; raises MissingColumns and Undecided before the first."""
    return read_rows(plain_file(table, POSTCODE_FIELDS, options or Options()).records(watch), _postcode)


def _postcode(record: Record) -> PostcodeRecord:
    together = record.text("coordinates")
    country = record.text("country") or ("FR" if together else "")
    if not country_code(country):
        record.refuse("unknown_country", f"{country!r} is not a country.", "Write its ISO code, such as FR.")
    latitude, longitude = _pair(record, together) if together else (record.number("latitude"), record.number("longitude"))
    if latitude is None or longitude is None:
        record.refuse("no_coordinates", "It does not say where that is.", "Write latitude and longitude in WGS 84 degrees.")
        latitude = longitude = Decimal()
    for name, number in (("latitude", latitude), ("longitude", longitude)):
        if abs(number) > _DEGREES[name]:
            record.refuse("bad_coordinate", f"{name}: {number} is beyond {_DEGREES[name]} degrees.", "Write WGS 84 degrees.")
    return PostcodeRecord(
        line=record.row.line,
        country=country_code(country),
        postcode=record.needed("postcode"),
        latitude=latitude,
        longitude=longitude,
        place=record.text("place"),
    )


def _pair(record: Record, text: str) -> tuple[Decimal | None, Decimal | None]:
    first, _, second = text.partition(",")
    try:
        return Decimal(first.strip()), Decimal(second.strip())
    except InvalidOperation:
        record.refuse("bad_coordinate", f"{text!r} is no pair of degrees.", "Write it such as 45.76,4.83.")
        return None, None
