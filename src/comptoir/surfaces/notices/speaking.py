"""Who reads a notice, and what its words are kept in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.time import utcnow
from comptoir.modules.notices.contracts import Content

_DAY = {"fr": "EEEE d MMMM", "en": "EEEE, MMMM d"}


@dataclass(frozen=True, slots=True)
class Words:
    """Title, first sentence and what follows; `short` is for a telephone."""

    subject: str
    title: str
    lead: str
    action: str
    short: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, and what it is about."""

    locale: str
    zone: str
    content: Content
    now: datetime = field(default_factory=utcnow)
    day: str = field(init=False)
    """The day that is expected, in words; empty where none is known."""

    def __post_init__(self) -> None:
        on = self.content.on
        object.__setattr__(self, "day", "" if on is None else format_date(on, _DAY[self.locale], locale=self.locale))

    def say(self, text: str, **values: object) -> str:
        return i18n.gettext(self.locale, text, **values)

    @property
    def open_today(self) -> str:
        """When the counter is open on the day on which this is written; empty where nobody has said."""
        today = self.now.astimezone(ZoneInfo(self.zone)).date()
        for day, hours in self.content.opening:
            if day == today:
                return hours or self.say(N_("closed"))
        return ""

    @property
    def last_day(self) -> str:
        """The last day on which it can be collected."""
        until = self.content.waits_until
        if until is None:
            return ""
        last = (until - timedelta(seconds=1)).astimezone(ZoneInfo(self.zone)).date()
        return format_date(last, _DAY[self.locale], locale=self.locale)

    @property
    def until(self) -> str:
        until = self.content.until
        pattern = "EEEE d MMMM, HH:mm" if self.locale == "fr" else "EEEE, MMMM d, HH:mm"
        return "" if until is None else format_datetime(until, pattern, tzinfo=ZoneInfo(self.zone), locale=self.locale)
