"""Numbers and times as people and exports write them, and the evidence from which their conventions are decided."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

from babel import Locale

from comptoir.kernel.money import Currency, currency

DecimalMark = Literal[".", ","]
POINT: DecimalMark = "."
COMMA: DecimalMark = ","
T = TypeVar("T")


class DateOrder(StrEnum):
    """How dates such as 03/04/2026 are meant. Dates that begin with the year or name the month need no order."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


_SYMBOLS = "$£€¥₹₽₩₺₴₪฿₫₦₱₡₲₵₸₼₾¢"
_MARK = rf"(?:[A-Za-z]{{1,3}}\s?)?[{_SYMBOLS}]|[A-Z]{{3}}|kr\.?|zł|Kč|Fr\.?|lei|Ft|лв\.?"
_SPACES = re.compile("[\\s\u00a0\u202f'\u2019]+")
_NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+\u2212])?\s*(?:{_MARK})?\s*(?P<sign2>[-+\u2212])?\s*"
    "(?P<digits>[.,]?\\d[\\d.,\\s'\u2019]*?)"
    rf"(?P<power>[eE][-+]?\d{{1,3}})?\s*(?:{_MARK})?(?P<after>[-\u2212])?(?P<close>\))?"
)
_PLAIN = re.compile(r"-?\d+(?:\.\d+)?")
_GROUPED = {mark: re.compile(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{2,3}})*{re.escape(mark)}\d{{3}}") for mark in ".,"}
_MAX_TEXT = 64

_SYMBOL_CURRENCIES = {
    "£": "GBP", "€": "EUR", "₹": "INR", "₺": "TRY", "₴": "UAH", "₪": "ILS", "฿": "THB", "₫": "VND", "₦": "NGN", "₱": "PHP",
    "₡": "CRC", "₲": "PYG", "₵": "GHS", "₸": "KZT", "₼": "AZN", "₾": "GEL", "₽": "RUB", "₩": "KRW", "$": "USD", "zł": "PLN",
    "Kč": "CZK", "Ft": "HUF",
}  # fmt: skip
_DOLLARS = {
    "us": "USD",
    "au": "AUD",
    "a": "AUD",
    "c": "CAD",
    "ca": "CAD",
    "nz": "NZD",
    "hk": "HKD",
    "s": "SGD",
    "r": "BRL",
    "mx": "MXN",
}
_DOLLAR = re.compile(r"([A-Za-z]{1,2})\s?\$")
_CODE = re.compile(r"\b[A-Z]{3}\b")


def currency_in(text: str) -> Currency | None:
    """The currency that an amount such as `AU $5.00`, `12,50 EUR` or `£3` names; None when it names none that is unambiguous.

    A bare `$` is taken as US dollars; kr and ¥ belong to several currencies and name none.
    """
    if code := _CODE.search(text):
        try:
            return currency(code.group())
        except ValueError:
            return None
    if dollar := _DOLLAR.search(text):
        code_of = _DOLLARS.get(dollar.group(1).lower())
        return Currency(code_of) if code_of else None
    return next((Currency(code) for symbol, code in _SYMBOL_CURRENCIES.items() if symbol in text), None)


@lru_cache(maxsize=1 << 16)
def parse_number(text: str, mark: DecimalMark = ".") -> Decimal:
    """The number that a cell states; raises ValueError when it states none.

    Currency symbols and codes, thousands separators (the other mark, spaces, apostrophes), a trailing minus and accountants'
    parentheses are understood. No float is ever made: the digits are taken as they are written.
    """
    if mark == "." and len(text) <= _MAX_TEXT and _PLAIN.fullmatch(text):
        return Decimal(text)
    match = _NUMBER.fullmatch(text.strip()) if len(text) <= _MAX_TEXT else None
    signs = [sign for sign in (match["sign"], match["sign2"], match["after"], match["open"]) if sign] if match else []
    if match is None or len(signs) > 1 or bool(match["open"]) != bool(match["close"]):
        raise ValueError(f"{text[:_MAX_TEXT]!r} is not a number")
    whole, _, fraction = _SPACES.sub("", match["digits"]).partition(mark)
    thousands = "," if mark == "." else "."
    if thousands in whole and not _GROUPED[thousands].fullmatch(whole):
        raise ValueError(f"{text!r} is not a number with {mark!r} as its decimal mark")
    if not (whole or fraction) or not (fraction or "0").isdigit():
        raise ValueError(f"{text!r} is not a number with {mark!r} as its decimal mark")
    number = Decimal(f"{whole.replace(thousands, '') or '0'}.{fraction or '0'}{match['power'] or ''}")
    return -number if signs and signs[0] != "+" else number


@dataclass(slots=True)
class NumberEvidence:
    """What the cells of one column say about its decimal mark."""

    point: int = 0
    comma: int = 0
    unclear: str = ""
    """A cell such as 1,234 that reads differently under each mark."""
    _seen: set[str] = field(default_factory=set[str])

    def see(self, text: str) -> None:
        if ("," not in text and "." not in text) or text in self._seen:
            return
        if len(self._seen) < 50_000:
            self._seen.add(text)
        digits = _SPACES.sub("", text.strip(f"{_SYMBOLS}()+-\u2212 \u00a0\u202fABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        points, commas = digits.count("."), digits.count(",")
        if not digits.replace(".", "").replace(",", "").isdigit():
            return
        if points and commas:
            self._count("." if digits.rfind(".") > digits.rfind(",") else ",")
        elif points + commas > 1:
            if _GROUPED["." if points else ","].fullmatch(digits):
                self._count("," if points else ".")
        elif points + commas == 1:
            mark: DecimalMark = "." if points else ","
            before, _, after = digits.partition(mark)
            if len(after) == 3 and 1 <= len(before) <= 3 and not before.startswith("0"):
                self.unclear = self.unclear or text
            else:
                self._count(mark)

    def _count(self, mark: DecimalMark) -> None:
        if mark == ".":
            self.point += 1
        else:
            self.comma += 1

    def verdict(self) -> DecimalMark | None:
        """The mark, when the evidence is clear: a lone slip among many cells does not count."""
        return dominant((POINT, self.point), (COMMA, self.comma))


def dominant(first: tuple[T, int], second: tuple[T, int]) -> T | None:
    """The side that has evidence while the other has none, or at most one twentieth of it."""
    (one, ones), (other, others) = first, second
    if ones > 20 * others:
        return one
    return other if others > 20 * ones else None


def _month_names() -> dict[str, int]:
    names: dict[str, int] = {}
    for language in ("de", "es", "fr", "it", "en"):
        for width in ("wide", "abbreviated"):
            for number, name in Locale(language).months["format"][width].items():
                names[name.rstrip(".").casefold()] = number
    return names | {"sept": 9, "mrz": 3}


_MONTHS = _month_names()
_CLOCK = (
    r"(?:[T,\s]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>[Zz]|UTC|GMT|(?:UTC|GMT)?[-+]\d{2}:?\d{2})?)?"
)
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}}){_CLOCK}")
_NUMERIC = re.compile(rf"(?P<first>\d{{1,2}})[-/.](?P<other>\d{{1,2}})[-/.](?P<year>\d{{4}}|\d{{2}}){_CLOCK}")
_DAY_NAMED = re.compile(
    rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th|er)?[\s./-]+(?P<name>[^\W\d]+)\.?[\s,./-]+(?P<year>\d{{4}}|\d{{2}}){_CLOCK}"
)
_MONTH_NAMED = re.compile(
    rf"(?P<name>[^\W\d]+)\.?[\s./-]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s,./-]+(?P<year>\d{{4}}|\d{{2}}){_CLOCK}"
)


@lru_cache(maxsize=1 << 16)
def parse_time(text: str, order: DateOrder | None, zone: ZoneInfo) -> datetime:
    """The instant in UTC that a cell states; raises ValueError when it states none or an impossible one.

    A time without an offset is one of `zone`; a date without a time is that day's midnight there. Two-digit years are of this
    century. Offsets written in the cell win over `zone`.
    """
    clean = text.strip()
    if len(clean) > _MAX_TEXT:
        raise ValueError(f"{clean[:_MAX_TEXT]!r}… is not a date")
    if match := _YEAR_FIRST.fullmatch(clean):
        year, month, day = (int(match[name]) for name in ("year", "month", "day"))
    elif match := _NUMERIC.fullmatch(clean):
        if order is None:
            raise ValueError(f"{clean!r} could be day or month first")
        first, other, year = (int(match[name]) for name in ("first", "other", "year"))
        day, month = (first, other) if order is DateOrder.DAY_FIRST else (other, first)
    elif match := _DAY_NAMED.fullmatch(clean) or _MONTH_NAMED.fullmatch(clean):
        year, month, day = int(match["year"]), _MONTHS.get(match["name"].casefold(), 0), int(match["day"])
    else:
        raise ValueError(f"{clean!r} is not a date that can be read")
    return _instant(clean, year + 2000 if len(match["year"]) == 2 else year, month, day, match, zone)


def _instant(text: str, year: int, month: int, day: int, clock: re.Match[str], zone: ZoneInfo) -> datetime:
    hour = int(clock["hour"] or 0)
    if half := clock["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"{text!r} is not a time of day")
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    microsecond = int((clock["fraction"] or "0").ljust(6, "0")[:6])
    if not 1970 <= year <= 2100:
        raise ValueError(f"{text!r} is not a year of trade")
    try:
        naive = datetime(year, month, day, hour, int(clock["minute"] or 0), int(clock["second"] or 0), microsecond)  # noqa: DTZ001
    except ValueError as problem:
        raise ValueError(f"{text!r} is a date that does not exist") from problem
    return naive.replace(tzinfo=_offset(clock["zone"]) or zone).astimezone(UTC)


def _offset(text: str | None) -> timezone | None:
    if not text:
        return None
    digits = text.upper().removeprefix("UTC").removeprefix("GMT").replace(":", "")
    if digits in {"", "Z"}:
        return UTC
    minutes = int(digits[1:3]) * 60 + int(digits[3:5])
    if minutes > 14 * 60:
        raise ValueError(f"{text!r} is not an offset from UTC")
    return timezone(timedelta(minutes=-minutes if digits[0] == "-" else minutes))


@dataclass(slots=True)
class DateEvidence:
    """What the cells of a file's date columns say about the order of day and month."""

    day_first: int = 0
    month_first: int = 0
    unclear: str = ""
    """A cell such as 03/04/2026 that is a date either way."""
    _seen: set[str] = field(default_factory=set[str])

    def see(self, text: str) -> None:
        day = text[:11]
        if day in self._seen:
            return
        if len(self._seen) < 50_000:
            self._seen.add(day)
        match = _NUMERIC.fullmatch(text.strip())
        if match is None:
            return
        first, other = int(match["first"]), int(match["other"])
        if first > 12 >= other >= 1:
            self.day_first += 1
        elif other > 12 >= first >= 1:
            self.month_first += 1
        elif first != other:
            self.unclear = self.unclear or text.strip()

    def verdict(self) -> DateOrder | None:
        """The order, when the evidence is clear."""
        return dominant((DateOrder.DAY_FIRST, self.day_first), (DateOrder.MONTH_FIRST, self.month_first))
