"""The rules of notices, as functions of values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email

from comptoir import i18n
from comptoir.modules.notices.contracts import House, Medium, NoticeKind, NoticeState, Outcome, Result, Sender

PAUSES = (60, 300, 900, 3_600, 3_600, 7_200, 14_400, 14_400, 28_800)
"""Seconds before each further try: about a day together. What happened longer ago is no news any more."""
STALE = timedelta(days=2)
"""Nobody is told of what happened longer ago than that: a year that is replayed writes to nobody."""
LEASE = timedelta(minutes=3)


class NoticeStep(StrEnum):
    SEND = "send"
    TRY_AGAIN = "try_again"
    GIVE_UP = "give_up"
    RETRY = "retry"
    """By a person, with all the tries before it."""
    FORGET = "forget"
    """Its buyer is erased."""


NOTICE_STEPS: Mapping[tuple[NoticeState, NoticeStep], NoticeState] = {
    (NoticeState.PENDING, NoticeStep.SEND): NoticeState.SENT,
    (NoticeState.PENDING, NoticeStep.TRY_AGAIN): NoticeState.PENDING,
    (NoticeState.PENDING, NoticeStep.GIVE_UP): NoticeState.FAILED,
    (NoticeState.FAILED, NoticeStep.RETRY): NoticeState.PENDING,
    (NoticeState.PENDING, NoticeStep.FORGET): NoticeState.FAILED,
}

_USUAL = House()
_ON_PHONES = frozenset({NoticeKind.READY, NoticeKind.REMINDER, NoticeKind.OUT_FOR_DELIVERY, NoticeKind.FAILED})
"""What is worth a telephone's buzz: somebody has to be somewhere, or to decide."""
_FRENCH = frozenset({"FR", "MC", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "WF", "PF", "NC", "LU", "BE"})
"""Where a buyer of whom we know no language reads French rather than English."""


def email_address(text: str) -> str:
    """Raises ValueError for what is none."""
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as problem:
        raise ValueError("is no e-mail address") from problem


def language_of(locale: str, country: str) -> str:
    """The customer's own, else what most people read where it goes."""
    if locale:
        return i18n.language(locale)
    return "fr" if country.upper() in _FRENCH else "en"


def media_of(kind: NoticeKind, sender: Sender, wanted: Collection[Medium]) -> tuple[Medium, ...]:
    """By which ways a buyer is told who wants these. Nothing of it is advertising, and a telephone buzzes only where that was
    asked for, and for what is worth it.
    """
    return tuple(
        medium for medium in dict.fromkeys(sender.media) if medium in wanted and (medium is Medium.EMAIL or kind in _ON_PHONES)
    )


def quiet_until(medium: Medium, now: datetime, zone: str, house: House = _USUAL) -> datetime:
    """When it may go out: a telephone is silent at night where its owner lives, a letter waits by itself."""
    begins, ends = house.quiet_from, house.quiet_until
    if medium is Medium.EMAIL or begins == ends:
        return now
    local = now.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    over_midnight = begins > ends
    quiet = (minute >= begins or minute < ends) if over_midnight else begins <= minute < ends
    if not quiet:
        return now
    day = local.date() + timedelta(days=1) if over_midnight and minute >= begins else local.date()
    return datetime.combine(day, time(ends // 60, ends % 60), ZoneInfo(zone)).astimezone(now.tzinfo)


def step_after(result: Result, next_at: datetime | None) -> NoticeStep:
    """What an attempt was for a notice that is tried again then, or never."""
    if result.outcome is Outcome.SENT:
        return NoticeStep.SEND
    return NoticeStep.GIVE_UP if next_at is None else NoticeStep.TRY_AGAIN


def next_try(result: Result, attempts: int, now: datetime, jitter: float) -> datetime | None:
    """When it is tried again after so many attempts; None when it is not."""
    if result.outcome is not Outcome.LATER or attempts > len(PAUSES):
        return None
    seconds = max(PAUSES[attempts - 1], result.retry_after or 0.0) * (1 + jitter / 5)
    return now + timedelta(seconds=seconds)
