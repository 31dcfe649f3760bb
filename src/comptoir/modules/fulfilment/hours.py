"""Until when a location has to answer, by its own clock: who is closed cannot be late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from comptoir.modules.locations.contracts import OpeningHours

_LOOK_AHEAD = 400
"""Days. The longest time to answer in, of a place that opens for an hour a week, is more; then it is the end of these."""


def answer_by(hours: OpeningHours, zone: str, since: datetime, minutes: int) -> datetime | None:
    """When the door has been open for so many minutes from `since` on; None where no answer is waited for (0 minutes).

    Where no hours are stated every minute counts, but those of closures. So it does where the door never opens: there is nobody
    to wait for.
    """
    if not minutes:
        return None
    left = timedelta(minutes=minutes)
    if hours.always or hours.never:
        return since + left
    last = since
    for opens, closes in _open(hours, ZoneInfo(zone), since.astimezone(ZoneInfo(zone)).date()):
        last = max(since, opens)
        if closes <= last:
            continue
        if closes - last >= left:
            return last + left
        left -= closes - last
        last = closes
    return last


def _open(hours: OpeningHours, zone: ZoneInfo, first: date) -> Iterator[tuple[datetime, datetime]]:
    """From when to when the door is open, in order. What a change of clocks skips is not open, and what it repeats is."""
    for ahead in range(_LOOK_AHEAD):
        day = first + timedelta(days=ahead)
        for interval in hours.on(day):
            opens, closes = _instant(day, interval.opens, zone), _instant(day, interval.closes, zone)
            if opens < closes:
                yield opens, closes


def _instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    midnight = datetime.combine(day, time(), zone)
    return (midnight + timedelta(minutes=minutes)).astimezone(UTC)
