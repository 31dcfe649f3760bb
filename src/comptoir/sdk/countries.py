"""Countries by any of the names that exports give them."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from babel import Locale

_LANGUAGES = ("en", "fr", "de", "es", "it", "nl", "pt")
_OTHER_NAMES = {
    "bosnia and herzegovina": "BA",
    "czech republic": "CZ",
    "eire": "IE",
    "england": "GB",
    "great britain": "GB",
    "holland": "NL",
    "hong kong": "HK",
    "ivory coast": "CI",
    "korea": "KR",
    "macau": "MO",
    "northern ireland": "GB",
    "republic of ireland": "IE",
    "republic of korea": "KR",
    "rsa": "ZA",
    "russian federation": "RU",
    "scotland": "GB",
    "south korea": "KR",
    "the netherlands": "NL",
    "turkey": "TR",
    "u.k.": "GB",
    "u.s.a.": "US",
    "uae": "AE",
    "uk": "GB",
    "united states of america": "US",
    "usa": "US",
    "viet nam": "VN",
    "wales": "GB",
}


def _territories(language: str) -> dict[str, str]:
    return cast("dict[str, str]", Locale(language).territories)


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    return frozenset(code for code in _territories("en") if len(code) == 2 and code.isalpha()) - {"EU", "EZ", "UN", "ZZ", "QO"}


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    names = {
        name.casefold(): code for language in _LANGUAGES for code, name in _territories(language).items() if code in _codes()
    }
    return names | _OTHER_NAMES


@lru_cache(maxsize=4096)
def country_code(text: str) -> str:
    """The ISO 3166-1 alpha-2 code of a country's code or name; empty when the text names none.

    What is no single country has no code: the Channel Islands (Guernsey and Jersey), the West Indies, the European Community.
    """
    clean = " ".join(text.split())
    if len(clean) == 2 and clean.upper() in _codes():
        return clean.upper()
    return _names().get(clean.casefold(), "")
