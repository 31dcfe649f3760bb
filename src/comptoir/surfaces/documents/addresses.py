"""Addresses as the post of their country wants them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import cast

from babel import Locale

from comptoir.surfaces.documents.contracts import Address

_CITY_FIRST = frozenset({"US", "CA", "AU", "NZ", "IN"})
"""`Springfield, IL 62701`"""
_POSTCODE_LAST = frozenset({"GB", "IE", "GG", "JE", "IM"})
"""On a line of its own."""
_REGION_AFTER = frozenset({"IT", "ES", "MX"})
"""`00184 Roma RM`"""


def postal_lines(address: Address, locale: Locale, home: str = "") -> list[str]:
    """From the name down, without empty lines. The country stands last, in the reader's language, unless it is `home`."""
    given = [address.name, address.company, address.line1, address.line2, *_city(address)]
    if address.country.upper() != home.upper():
        given.append(country_name(address.country, locale))
    lines: list[str] = []
    for line in (text.strip() for text in given):
        if line and line not in lines[-1:]:  # a shop's name is often both its name and its company
            lines.append(line)
    return lines


def fitting(lines: Sequence[str], sizes: Sequence[tuple[int, int]]) -> tuple[int, list[str]]:
    """Which of the sizes of type is the largest that the lines fit in, from 1, and the lines.

    A size is how many letters go on a line and how many lines there are. Lines that fit in none are cut to one line each of the
    smallest: no carrier takes more.
    """
    for index, (letters, rows) in enumerate(sizes, 1):
        if sum(-(-_width(line) // letters) for line in lines) <= rows:
            return index, list(lines)
    letters, rows = sizes[-1]
    return len(sizes), [line if _width(line) <= letters else f"{line[: letters // 2 - 1]}…" for line in lines[:rows]]


def _width(text: str) -> int:
    """Letters, of which Chinese and Japanese ones are as wide as two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def country_name(code: str, locale: Locale) -> str:
    """In the reader's language; the code itself for one that nobody knows."""
    names = cast("dict[str, str]", locale.territories)
    return names.get(code.upper(), code)


def _city(address: Address) -> list[str]:
    city, postcode, region = address.city.strip(), address.postcode.strip(), address.region.strip()
    country = address.country.upper()
    if country in _CITY_FIRST:
        place = ", ".join(part for part in (city, region) if part)
        return [f"{place} {postcode}".strip()]
    if country in _POSTCODE_LAST:
        return [city, postcode]
    after = region if country in _REGION_AFTER else ""
    return [" ".join(part for part in (postcode, city, after) if part)]
