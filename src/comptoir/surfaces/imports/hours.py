"""Opening hours as a cell writes them: `Mo-Fr 09:00-12:30,14:00-19:00; Sa 10:00-18:00`, or `24/7` (OpenStreetMap's way).

Closures are written `2027-01-04..2027-01-05 Stocktaking; 2027-05-07`, public holidays `yes`, `no` or whose they are (`FR`), and
those of them that are worked `05-08, 2027-03-29`. `no` is none of them; a cell that is empty leaves what there is.
"""

from __future__ import annotations

import re
from datetime import date

from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import DAY, Closure, Closures, Interval, OpeningHours
from comptoir.sdk.records import LocationRecord

_DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
_SPAN = re.compile(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})")
_RULE = re.compile(rf"(?P<days>(?:{'|'.join(_DAYS)})[a-z,\s-]*?)?\s*(?P<hours>off|closed|\d[\d:,\s-]*)", re.IGNORECASE)


_CLOSED = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s*\.\.\s*(\d{4}-\d\d-\d\d))?(?:\s+(.*))?")
_NO = frozenset({"no", "non", "0", "false"})
_YES = frozenset({"yes", "oui", "1", "true"})


def hours_of(row: LocationRecord, before: OpeningHours, country: str) -> OpeningHours:
    """The hours with what the row says of them. Raises ValueError for what is not so written."""
    closures, said = before.closures, row.public_holidays.strip()
    kept = closures.public_holidays if not said else "" if said.casefold() in _NO else said.upper()
    return OpeningHours(
        parse_hours(row.opening_hours).days if row.opening_hours else before.days,
        Closures(
            parse_closures(row.closed_on) if row.closed_on else closures.days,
            country if kept.casefold() in _YES else kept,
            _texts(row.open_on) if row.open_on else closures.open_on,
        ),
    )


def parse_closures(text: str) -> tuple[Closure, ...]:
    """Raises ValueError for what is not so written."""
    found: list[Closure] = []
    for part in () if text.strip().casefold() in _NO else filter(str.strip, text.split(";")):
        match = _CLOSED.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part.strip()!r} is no closure: write 2027-01-04..2027-01-05 Stocktaking")
        found.append(Closure(date.fromisoformat(match[1]), date.fromisoformat(match[2] or match[1]), match[3] or ""))
    return tuple(found)


def _texts(text: str) -> tuple[str, ...]:
    return () if text.strip().casefold() in _NO else tuple(part.strip() for part in text.split(",") if part.strip())


def parse_hours(text: str) -> OpeningHours:
    """Raises ValueError for what is not so written. Of two rules for a day the later holds; a day without a rule is closed."""
    if text.strip() == "24/7":
        return OpeningHours(((Interval(0, DAY),),) * 7)
    days: list[tuple[Interval, ...]] = [()] * 7
    for rule in filter(str.strip, text.split(";")):
        match = _RULE.fullmatch(rule.strip())
        if match is None:
            raise ValueError(f"{rule.strip()!r} is no opening hours: write Mo-Fr 09:00-19:00; Sa 10:00-18:00")
        intervals = () if match["hours"].casefold() in {"off", "closed"} else _intervals(match["hours"])
        for day in _days(match["days"] or "Mo-Su"):
            days[day] = intervals
    return OpeningHours(tuple(days))


def _intervals(text: str) -> tuple[Interval, ...]:
    spans = [part.strip() for part in text.split(",")]
    pairs = [_SPAN.fullmatch(span) for span in spans]
    if not all(pairs):
        raise ValueError(f"{text.strip()!r} is no times: write 09:00-12:30,14:00-19:00")
    return locations.hours_from_json([[[pair[1], pair[2]] for pair in pairs if pair]]).days[0]


def _days(text: str) -> list[int]:
    found: list[int] = []
    for part in text.casefold().split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if first not in _DAYS or (dash and last not in _DAYS):
            raise ValueError(f"{part.strip()!r} is no day: write Mo, Tu, We, Th, Fr, Sa or Su")
        start, end = _DAYS.index(first), _DAYS.index(last) if dash else _DAYS.index(first)
        found += [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]
    return found
