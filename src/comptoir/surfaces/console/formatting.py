"""Values as the reader writes them: money, quantities, shares, times. Pure functions of a value, a locale and a time zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_compact_currency, format_compact_decimal, format_currency, format_decimal, format_percent
from babel.units import format_unit

from comptoir.kernel.money import Currency, Money, exponent

NOTHING = "–"
"""What stands where there is no value, so that an empty cell is not taken for a page that is still loading."""

_MINUS = "\N{MINUS SIGN}"
_SECOND, _MINUTE, _DAY = 1, 60, 86_400


def _true_minus(text: str) -> str:
    return text.replace("-", _MINUS)


def _major(amount: int | Money, code: str | None) -> tuple[Decimal, str]:
    if isinstance(amount, Money):
        return amount.major, amount.currency
    if code is None:
        raise ValueError("an amount in minor units needs its currency")
    return Decimal(amount).scaleb(-exponent(Currency(code))), code


def money(amount: int | Money, code: str | None, locale: str) -> str:
    """`$1,234.50`, `1 234,50 €`."""
    major, unit = _major(amount, code)
    return _true_minus(format_currency(major, unit, locale=locale))


def money_compact(amount: int | Money, code: str | None, locale: str) -> str:
    """`$1.2M`, but `$14.40`: for tiles and axes only, where the exact amount is near."""
    major, unit = _major(amount, code)
    if abs(major) < 1000:
        return money(amount, code, locale)
    return _true_minus(format_compact_currency(major, unit, locale=locale, fraction_digits=1))


def number(value: Decimal | float, locale: str, digits: int | None = None) -> str:
    pattern = None if digits is None else "#,##0." + "0" * digits if digits else "#,##0"
    return _true_minus(format_decimal(value, format=pattern, locale=locale))


def compact(value: Decimal | float, locale: str) -> str:
    """`12.3K`, `12,3 k`."""
    return _true_minus(format_compact_decimal(value, locale=locale, fraction_digits=0 if abs(value) < 1000 else 1))


def signed(value: int, locale: str) -> str:
    """A change: `+3`, `−2`, `0`."""
    return ("+" if value > 0 else "") + number(value, locale)


def weighed(thousandths: int, locale: str) -> str:
    """A quantity of weighed goods, which count thousandths: `1.250`."""
    return number(Decimal(thousandths).scaleb(-3), locale, 3)


def percent(ratio: Decimal | float, locale: str, digits: int = 1) -> str:
    pattern = "#,##0." + "#" * digits + "%" if digits else "#,##0%"
    suffix = "\N{NO-BREAK SPACE}%" if locale.startswith("fr") else "%"
    return _true_minus(format_percent(ratio, format=pattern.replace("%", suffix), locale=locale))


def day(value: date, locale: str, zone: tzinfo) -> str:
    """`Mar 3, 2026`. An instant falls on the day that it is where the reader is."""
    return format_date(value.astimezone(zone) if isinstance(value, datetime) else value, "medium", locale=locale)


def instant(value: datetime, locale: str, zone: tzinfo, *, seconds: bool = False) -> str:
    """`Mar 3, 2026, 14:05` in the reader's zone."""
    if seconds:
        return f"{day(value, locale, zone)}, {clock(value, locale, zone, seconds=True)}"
    return format_datetime(value.astimezone(zone), _skeleton(locale), locale=locale)


def _skeleton(locale: str) -> str:
    return "d MMM y, HH:mm" if locale.startswith("fr") else "MMM d, y, HH:mm"


def clock(value: datetime, locale: str, zone: tzinfo, *, seconds: bool = False) -> str:
    """`14:05`: the console writes 24 hours in every language, because logs and tills do."""
    return format_time(value.astimezone(zone), "HH:mm:ss" if seconds else "HH:mm", locale=locale)


def hour(value: datetime, locale: str, zone: tzinfo) -> str:
    """`Mar 3, 14:05`: under a chart, where the year is known."""
    return format_datetime(value.astimezone(zone), _skeleton(locale).replace(" y,", ",").replace(",,", ","), locale=locale)


def ago(value: datetime, now: datetime, locale: str, zone: tzinfo) -> str:
    """`3 minutes ago`, up to a day; then the day itself, which is what people look for."""
    delta = value - now
    if abs(delta.total_seconds()) >= _DAY:
        return instant(value, locale, zone)
    return format_timedelta(delta, add_direction=True, threshold=1.2, locale=locale)


def duration(seconds: float, locale: str) -> str:
    """`350 ms`, `1.2 s`, `3 min`, `2 hr`: a lag, in the unit in which it is felt."""
    if seconds < _SECOND:
        return format_unit(round(seconds * 1000), "duration-millisecond", "short", locale=locale)
    if seconds < _MINUTE:
        return format_unit(round(seconds, 1), "duration-second", "short", locale=locale)
    return format_timedelta(round(seconds), threshold=1.2, format="short", locale=locale)


def spark_points(values: Sequence[float], width: int = 120, height: int = 32) -> str:
    """The points of a polyline through the values, scaled to the box with a pixel of air, for an SVG `points` attribute."""
    if not values:
        return ""
    low, high = min(values), max(values)
    step = (width - 2) / max(len(values) - 1, 1)
    scale = (height - 4) / (high - low) if high > low else 0
    return " ".join(f"{1 + i * step:.1f},{height - 2 - (value - low) * scale:.1f}" for i, value in enumerate(values))
