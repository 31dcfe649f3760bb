"""What a notice says, in the buyer's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.modules.notices.contracts import Content, NoticeKind
from comptoir.surfaces.console import formatting


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
    day: str = field(init=False)
    """The day that is expected, in words; empty where none is known."""

    def __post_init__(self) -> None:
        on = self.content.on
        object.__setattr__(self, "day", "" if on is None else format_date(on, _DAY[self.locale], locale=self.locale))

    def say(self, text: str, **values: object) -> str:
        return i18n.gettext(self.locale, text, **values)

    @property
    def until(self) -> str:
        until = self.content.until
        pattern = "EEEE d MMMM, HH:mm" if self.locale == "fr" else "EEEE, MMMM d, HH:mm"
        return "" if until is None else format_datetime(until, pattern, tzinfo=ZoneInfo(self.zone), locale=self.locale)


_DAY = {"fr": "EEEE d MMMM", "en": "EEEE, MMMM d"}

REASONS: Mapping[str, str] = {
    "absent": N_("nobody was there to take it"),
    "address": N_("the address could not be found, or is not complete"),
    "refused": N_("it was not accepted"),
    "payment": N_("what was due at the door was not paid"),
    "closed": N_("the place was closed"),
    "access": N_("the driver could not get to the door"),
    "carrier": N_("the carrier could not make it that day"),
    "other": N_("the carrier does not say why"),
}


_ANSWER = N_("Tell us until %(until)s: another day, another address, a pickup point, or back to us.")


def words(kind: NoticeKind, reader: Reader) -> Words:
    return _WORDS[kind](reader)


def greeting(reader: Reader) -> str:
    return reader.say(N_("Hello %(name)s,"), name=reader.content.name) if reader.content.name else ""


def facts(reader: Reader) -> list[tuple[str, str]]:
    """The lines of the table: what somebody looks for again."""
    content = reader.content
    rows = [(reader.say(N_("Order")), str(content.number))]
    rows += [(f"{units} ×", name) for name, units in content.lines]
    if content.total is not None:
        rows.append((reader.say(N_("Total")), formatting.money(content.total, content.currency, reader.locale)))
    if content.place:
        rows.append((reader.say(N_("Where")), content.place))
    if content.tracking_number:
        rows.append((reader.say(N_("Tracking number")), content.tracking_number))
    return rows


def _expected(r: Reader) -> tuple[str, ...]:
    return (r.say(N_("We expect it on %(day)s."), day=r.day),) if r.day else ()


def _confirmed(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your order %(number)s is confirmed"), number=n),
        title=r.say(N_("Thank you for your order")),
        lead=r.say(N_("We have your order %(number)s and are getting it ready."), number=n),
        more=_expected(r),
        action=r.say(N_("See your order")),
        short=r.say(N_("Your order %(number)s is confirmed"), number=n),
    )


def _ready(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your order %(number)s is ready to collect"), number=n),
        title=r.say(N_("Ready to collect")),
        lead=r.say(N_("Your order %(number)s waits for you."), number=n),
        more=(r.say(N_("Please bring this message, or the number of your order.")),),
        action=r.say(N_("See where it is")),
        short=r.say(N_("Your order %(number)s is ready to collect"), number=n),
    )


def _shipped(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your order %(number)s is on its way"), number=n),
        title=r.say(N_("It is on its way")),
        lead=r.say(N_("A parcel of your order %(number)s has left."), number=n),
        more=_expected(r),
        action=r.say(N_("Follow your parcel")),
        short=r.say(N_("Your order %(number)s is on its way"), number=n),
    )


def _out(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your parcel arrives today (order %(number)s)"), number=n),
        title=r.say(N_("It arrives today")),
        lead=r.say(N_("The driver has your parcel of order %(number)s."), number=n),
        action=r.say(N_("Follow your parcel")),
        short=r.say(N_("Your parcel arrives today (order %(number)s)"), number=n),
    )


def _failed(r: Reader) -> Words:
    n = r.content.number
    reason = r.say(REASONS.get(r.content.reason, REASONS["other"]))
    return Words(
        subject=r.say(N_("Your parcel could not be delivered (order %(number)s)"), number=n),
        title=r.say(N_("What shall we do with your parcel?")),
        lead=r.say(N_("Your parcel of order %(number)s could not be delivered: %(reason)s."), number=n, reason=reason),
        more=(r.say(_ANSWER, until=r.until),),
        action=r.say(N_("Say what happens next")),
        short=r.say(N_("Your parcel could not be delivered (order %(number)s)"), number=n),
    )


def _delivered(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your parcel has been delivered (order %(number)s)"), number=n),
        title=r.say(N_("It is there")),
        lead=r.say(N_("A parcel of your order %(number)s has been delivered."), number=n),
        action=r.say(N_("See your order")),
        short=r.say(N_("Your parcel has been delivered (order %(number)s)"), number=n),
    )


def _delayed(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your parcel comes later (order %(number)s)"), number=n),
        title=r.say(N_("It comes later than we said")),
        lead=r.say(N_("We are sorry: your parcel of order %(number)s comes later than we told you."), number=n),
        more=_expected(r),
        action=r.say(N_("Follow your parcel")),
        short=r.say(N_("Your parcel comes later (order %(number)s)"), number=n),
    )


_WORDS: Mapping[NoticeKind, Callable[[Reader], Words]] = {
    NoticeKind.CONFIRMED: _confirmed,
    NoticeKind.READY: _ready,
    NoticeKind.SHIPPED: _shipped,
    NoticeKind.OUT_FOR_DELIVERY: _out,
    NoticeKind.FAILED: _failed,
    NoticeKind.DELIVERED: _delivered,
    NoticeKind.DELAYED: _delayed,
}
