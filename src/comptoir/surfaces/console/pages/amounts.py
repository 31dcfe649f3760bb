"""Numbers that are typed into forms: decimals with a point or a comma, amounts that may be left empty."""

from __future__ import annotations

import re
from decimal import Decimal

from babel import Locale
from babel.numbers import get_currency_symbol

from comptoir.i18n import N_
from comptoir.kernel.money import Currency, exponent
from comptoir.surfaces.console.exporting import plain_amount
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.currency import house_currency

__all__ = ["affixes", "amount", "decimal", "house_currency", "plain", "plain_or_empty", "symbol"]

_SPACES = re.compile(r"[\s\u00a0\u202f]")
_DECIMAL = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)


def symbol(currency: Currency, locale: str) -> str:
    return get_currency_symbol(currency, locale=locale)


def affixes(currency: Currency, locale: str) -> tuple[str, str]:
    """What stands before an amount, and what after it: `$` and nothing, nothing and `€`."""
    leads = str(Locale.parse(locale).currency_formats["standard"].pattern).startswith("¤")
    shown = symbol(currency, locale)
    return (shown, "") if leads else ("", shown)


def decimal(fields: Fields, name: str, *, least: float = 0, most: float, default: float | None = None) -> float:
    """A number with decimals; `default` where nothing was typed, which is refused when there is none."""
    text = _SPACES.sub("", fields.raw(name)).replace(",", ".")
    if not text and default is not None:
        return default
    if not _DECIMAL.fullmatch(text):
        fields.refuse(name, N_("Type a number such as 2.5."))
        return least
    number = float(text)
    if not least <= number <= most:
        fields.refuse(name, N_("Type a number from %(least)s to %(most)s."), least=_short(least), most=_short(most))
        return least
    return number


def _short(number: float) -> str:
    return f"{number:g}" if number < 1_000_000 else f"{number:.0f}"


def amount(fields: Fields, name: str, currency: Currency, *, most: int) -> int:
    """An amount in minor units, typed in major ones; nothing is nothing."""
    return fields.money(name, currency, least=0, most=most) if fields.raw(name) else 0


def plain(number: float, locale: str) -> str:
    """As it stands in a field: `2.5`, in French `2,5`, without zeros at its end."""
    text = f"{Decimal(repr(round(float(number), 6))):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace(".", ",") if locale.startswith("fr") else text


def plain_or_empty(minor: int, currency: Currency, locale: str) -> str:
    """An amount as it stands in a field; nothing is left empty, and what is whole has no cents."""
    if not minor:
        return ""
    whole, rest = divmod(minor, 10 ** exponent(currency))
    return plain_amount(minor, currency, locale) if rest else str(whole)
