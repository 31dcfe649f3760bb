"""The rules of the catalogue, as functions of values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from stdnum import ean
from stdnum.exceptions import ValidationError

from comptoir.kernel.checking import Checks
from comptoir.kernel.quantities import sku
from comptoir.modules.catalogue.contracts import ProductDraft, Unit, VariantDraft

MAX_VARIANTS = 2000
MAX_DEPTH = 10
MAX_LANGUAGES = 60
MAX_OPTIONS = 10
MAX_WEIGHT = 100_000_000
"""Grams."""
MAX_LENGTH = 100_000
"""Millimetres."""
CATEGORY_SEPARATOR = "\x1f"
"""Between the parts of a category path on its way to the database; no part holds it."""

_GTIN_14 = 14
_GTIN_8_ZEROS = "000000"
_COUNTRY = re.compile(r"[A-Z]{2}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def gtin(text: str) -> str:
    """The one way to write a GTIN: 8, 13 or 14 digits; raises ValueError where the length or the check digit is wrong.

    GTIN-8, -12, -13 and -14 are one number space, written with more or fewer zeros in front. A GTIN-12 (UPC-A) is written as
    the GTIN-13 that it is, and a number that fits into 8 digits as GTIN-8. Spaces and dashes do not count.
    """
    try:
        digits = ean.validate(text)
    except ValidationError:
        msg = "is not a GTIN of 8, 12, 13 or 14 digits with a right check digit"
        raise ValueError(msg) from None
    full = digits.zfill(_GTIN_14)
    if full.startswith(_GTIN_8_ZEROS):
        return full[6:]
    return full.removeprefix("0")


def possible_gtin(text: str) -> str | None:
    """The GTIN that somebody may have typed into a search."""
    try:
        return gtin(text)
    except ValueError:
        return None


def checked(draft: ProductDraft, checks: Checks) -> ProductDraft:
    """The draft with clean values; what is wrong with it is in `checks`."""
    names = _checked_names(draft.names, checks)
    checks.require("names", bool(names), "has the name in at least one language")
    name = next(iter(names.values()), "")
    checks.require("category", len(draft.category) <= MAX_DEPTH, f"is at most {MAX_DEPTH} deep")
    variants = [_checked_variant(variant, name, checks.at(f"variants[{n}].")) for n, variant in enumerate(draft.variants)]
    checks.require("variants", len(variants) <= MAX_VARIANTS, f"are at most {MAX_VARIANTS}")
    _require_distinct("sku", [variant.sku for variant in variants], checks)
    _require_distinct("gtin", [variant.gtin for variant in variants if variant.gtin is not None], checks)
    return replace(
        draft,
        code=checks.parsed("code", _code, draft.code, ""),
        names=names,
        brand=checks.words("brand", draft.brand),
        category=tuple(checks.words(f"category[{n}]", part, least=1) for n, part in enumerate(draft.category)),
        variants=tuple(variants),
    )


def _code(text: str) -> str:
    try:
        return sku(text)
    except ValueError:
        msg = "has 1 to 80 printable characters"
        raise ValueError(msg) from None


def _checked_variant(draft: VariantDraft, product_name: str, checks: Checks) -> VariantDraft:
    checks.require("options", len(draft.options) <= MAX_OPTIONS, f"are at most {MAX_OPTIONS}")
    number = draft.gtin.strip() if draft.gtin else ""
    return replace(
        draft,
        sku=checks.parsed("sku", sku, draft.sku, ""),
        name=checks.words("name", draft.name) or product_name,
        names=_checked_names(draft.names, checks),
        options={checks.words("options", k, least=1): checks.words("options", v) for k, v in draft.options.items()},
        gtin=checks.parsed("gtin", gtin, number, None) if number else None,
        unit=checks.parsed("unit", Unit, draft.unit, Unit.UNIT),
        weight=checks.whole("weight", draft.weight, 0, MAX_WEIGHT),
        length=checks.whole("length", draft.length, 0, MAX_LENGTH),
        width=checks.whole("width", draft.width, 0, MAX_LENGTH),
        height=checks.whole("height", draft.height, 0, MAX_LENGTH),
        hs_code=checks.parsed("hs_code", _hs_code, draft.hs_code, ""),
        origin=checks.parsed("origin", _country, draft.origin, ""),
    )


def _hs_code(text: str) -> str:
    digits = re.sub(r"[\s.]", "", text)
    if digits and not re.fullmatch(r"[0-9]{6,10}", digits):
        msg = "is six to ten digits of the Harmonized System"
        raise ValueError(msg)
    return digits


def _country(text: str) -> str:
    code = text.strip().upper()
    if code and not _COUNTRY.fullmatch(code):
        msg = "is a country of two letters, such as FR"
        raise ValueError(msg)
    return code


def _checked_names(names: Mapping[str, str], checks: Checks) -> dict[str, str]:
    checks.require("names", len(names) <= MAX_LANGUAGES, f"are in at most {MAX_LANGUAGES} languages")
    for language in names:
        known = _LANGUAGE.fullmatch(language) is not None
        checks.require("names", known, f"by {language[:20]!r}: that is not a language tag such as fr or en-GB")
    return {language: checks.words(f"names.{language}", name, least=1) for language, name in names.items()}


def _require_distinct(path: str, values: Sequence[str], checks: Checks) -> None:
    twice = sorted({value for value in values if values.count(value) > 1}) if len(set(values)) < len(values) else []
    checks.require("variants", not twice, f"share a {path}: {', '.join(twice[:5])}")
