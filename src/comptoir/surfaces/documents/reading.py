"""Values as the reader of a document writes them: the filters and functions of the templates.

Who reads is a context variable, so that compiled templates serve every language.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, get_day_names
from babel.numbers import format_currency
from markupsafe import Markup

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.money import Money, exponent
from comptoir.surfaces.console import formatting
from comptoir.surfaces.documents import addresses, barcodes
from comptoir.surfaces.documents.contracts import Address, Interval

PICTURE = "picture:"
"""The scheme of pictures that came with a document; pages ask for nothing else."""
MAX_PICTURE = 4_000_000
"""Bytes. What is larger is left out."""
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
"""What is not seen: control characters, what XML cannot hold, and marks that turn around the text behind them."""
_FEWEST_DECIMALS = 2
"""More than its currency has, that a unit price is shown with where it is not a round amount."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, and the pictures that they have been shown so far, by their addresses."""

    locale: Locale
    pictures: dict[str, bytes] = field(default_factory=dict[str, bytes])

    @property
    def language(self) -> str:
        return i18n.language(str(self.locale))


_reader: ContextVar[Reader] = ContextVar("reader")


@contextmanager
def reading(locale: str) -> Generator[Reader]:
    """For this long, words and values are those of that reader."""
    reader = Reader(_locale(locale))
    token = _reader.set(reader)
    try:
        yield reader
    finally:
        _reader.reset(token)


def _locale(name: str) -> Locale:
    """A locale in a language that we have words for, so that words and numbers are not of two languages."""
    language = i18n.language(name)
    try:
        found = Locale.parse(name.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return Locale(language)
    return found if found.language == language else Locale(language)


def clean(value: object) -> object:
    """Text without what cannot be seen. Every value goes through it on its way into a page."""
    if isinstance(value, Markup):
        return Markup(_UNPRINTABLE.sub("", value))  # noqa: S704 - it was escaped already, and loses letters only
    return _UNPRINTABLE.sub("", value) if isinstance(value, str) else value


def gettext(text: str) -> str:
    return i18n.translations(_reader.get().language).gettext(text)


def ngettext(singular: str, plural: str, number: int) -> str:
    return i18n.translations(_reader.get().language).ngettext(singular, plural, number)


def pgettext(context: str, text: str) -> str:
    return i18n.translations(_reader.get().language).pgettext(context, text)


def npgettext(context: str, singular: str, plural: str, number: int) -> str:
    return i18n.translations(_reader.get().language).npgettext(context, singular, plural, number)


def both(text: str) -> str:
    """In French and English at once, as the postal union has it."""
    french = i18n.translations("fr").gettext(text)
    return text if french == text else f"{french} / {text}"


def language() -> str:
    return _reader.get().language


def money(amount: Money) -> str:
    return formatting.money(amount, None, str(_reader.get().locale))


def price(major: Decimal, code: str) -> str:
    """A unit price: as money where it is a round amount, otherwise with two digits more."""
    digits = exponent(Money.zero(code).currency)  # pyright: ignore[reportArgumentType] - the code is that of the document's amounts
    exact = major.quantize(Decimal(1).scaleb(-digits - _FEWEST_DECIMALS), rounding=ROUND_HALF_EVEN)
    if exact == exact.quantize(Decimal(1).scaleb(-digits)):
        text = format_currency(exact, code, locale=_reader.get().locale)
    else:
        text = format_currency(exact, code, locale=_reader.get().locale, decimal_quantization=False)
    return text.replace("-", "\N{MINUS SIGN}")


def number(value: int) -> str:
    return formatting.number(value, str(_reader.get().locale))


def quantity(value: int, *, weighed: bool = False) -> str:
    """`12`, or `1.250 kg` of weighed goods."""
    locale = str(_reader.get().locale)
    return f"{formatting.weighed(value, locale)}\N{NO-BREAK SPACE}kg" if weighed else formatting.number(value, locale)


def weight(grams: int) -> str:
    """`850 g`, `1.25 kg`."""
    locale = str(_reader.get().locale)
    if grams < 1000:
        return f"{formatting.number(grams, locale)}\N{NO-BREAK SPACE}g"
    return f"{formatting.number(Decimal(grams) / 1000, locale, 2)}\N{NO-BREAK SPACE}kg"


def rate(fraction: Decimal) -> str:
    """`20 %`, `5,5 %`."""
    return formatting.percent(fraction, str(_reader.get().locale), 2)


def day(value: date, form: str = "long") -> str:
    """`March 3, 2026`; `short` for tables."""
    return format_date(value, "medium" if form == "short" else "long", locale=_reader.get().locale)


def weekdays() -> list[str]:
    """Their names from Monday on."""
    names = get_day_names("wide", locale=_reader.get().locale)
    return [names[index] for index in range(7)]


def hours(intervals: Sequence[Interval]) -> str:
    """`10:00–12:30, 14:00–19:00`; nothing for a day without any."""
    return ", ".join(f"{_clock(one.opens)}–{_clock(one.closes)}" for one in intervals)


def _clock(minutes: int) -> str:
    hour, minute = divmod(minutes, 60)
    return (
        f"{hour}\N{NARROW NO-BREAK SPACE}h\N{NARROW NO-BREAK SPACE}{minute:02}"
        if language() == "fr"
        else f"{hour:02}:{minute:02}"
    )


def postal(address: Address, home: str = "") -> list[str]:
    return addresses.postal_lines(address, _reader.get().locale, home)


def country(code: str) -> str:
    return addresses.country_name(code, _reader.get().locale) if code else ""


def grouped(text: str, size: int = 3) -> str:
    """Digits or letters in groups, as they are read out: a SIREN by threes, an IBAN by fours."""
    bare = re.sub(r"\s", "", text)
    return "\N{NO-BREAK SPACE}".join(bare[at : at + size] for at in range(0, len(bare), size))


def clip(text: str, most: int = 200) -> str:
    """No longer than that, and it says so where something is missing."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def code128(text: str, width: float, height: float, *, flush: bool = False) -> Markup | None:
    return barcodes.bars_svg(barcodes.code128(text), _said(text), width=width, height=height, flush=flush)


def gtin(text: str, width: float, height: float) -> Markup | None:
    return barcodes.bars_svg(barcodes.gtin(text), _said(text), width=width, height=height)


def qr(text: str, size: float, *, flush: bool = False) -> Markup | None:
    return barcodes.qr_svg(text, _said(text), size=size, flush=flush)


def _said(text: str) -> str:
    """What stands for a code where it cannot be seen."""
    return gettext(N_("Barcode %(code)s")) % {"code": clean(text)}


def picture(content: bytes | None) -> str | None:
    """The address of a picture in this document; None for what is no picture that we show."""
    if content is None or len(content) > MAX_PICTURE or not content.startswith(_PICTURES):
        return None
    address = f"{PICTURE}{hashlib.sha256(content).hexdigest()}"
    _reader.get().pictures[address] = content
    return address


FILTERS: dict[str, object] = {
    "money": money, "price": price, "number": number, "quantity": quantity, "weight": weight, "rate": rate, "day": day,
    "hours": hours, "postal": postal, "country": country, "grouped": grouped, "clip": clip,
}  # fmt: skip
FUNCTIONS: dict[str, object] = {
    "code128": code128, "fitting": addresses.fitting, "gtin": gtin, "qr": qr, "picture": picture, "weekdays": weekdays,
    "language": language, "both": both,
    "N_": N_,
}  # fmt: skip
