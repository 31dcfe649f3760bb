"""Many postcodes as somebody pastes them: a line each, with a country and grams where they differ from the others'."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace

from comptoir.i18n import N_
from comptoir.sdk.countries import country_code
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.serviceability import Wanted

_MOST_WEIGHT = 1_000_000
_MOST_POSTCODE = 20


def read_lines(fields: Fields, name: str, text: str, common: Wanted, most: int) -> list[Wanted]:
    """What is wrong with a line is noted at the field; a first line without a digit is taken for a heading."""
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip(" \t;,")]
    if lines and not any(character.isdigit() for character in lines[0][1]):
        lines = lines[1:]
    if not lines:
        fields.refuse(name, N_("Paste postcodes, one a line, or choose a file."))
    elif len(lines) > most:
        fields.refuse(name, N_("At most %(most)s postcodes at once; these are %(count)s."), most=most, count=len(lines))
    if fields.errors:
        return []
    return [_read(fields, name, n, _cells(line), common) for n, line in lines]


def _cells(line: str) -> list[str]:
    separator = next((one for one in "\t;," if one in line), ",")
    return [cell.strip() for cell in next(iter(csv.reader([line], delimiter=separator)))]


def _read(fields: Fields, name: str, n: int, cells: Sequence[str], common: Wanted) -> Wanted:
    postcode, country, weight = (*cells, "", "", "")[:3]
    if not postcode or len(postcode) > _MOST_POSTCODE or not postcode.isprintable():
        fields.refuse(name, N_("Line %(line)s: this is no postcode."), line=n)
    code = country_code(country) if country else common.country
    if not code:
        fields.refuse(name, N_("Line %(line)s: nobody knows the country %(country)s."), line=n, country=country[:50])
    grams = int(weight) if weight.isascii() and weight.isdigit() and len(weight) <= len(str(_MOST_WEIGHT)) else 0
    if weight and not 1 <= grams <= _MOST_WEIGHT:
        fields.refuse(name, N_("Line %(line)s: the weight is a whole number of grams."), line=n)
    return replace(
        common, postcode=postcode, country=code or common.country, weight=grams if weight and grams else common.weight
    )
