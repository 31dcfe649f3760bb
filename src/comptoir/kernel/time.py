"""Time: aware UTC instants, and business days that belong to a location's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def utcnow() -> datetime:
    """Now. Inside a transaction use `tx.now`, which does not move."""
    return datetime.now(UTC)


def time_zone(name: str) -> ZoneInfo:
    """The IANA zone of that name; raises ValueError for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        msg = f"{name!r} is not an IANA time zone"
        raise ValueError(msg) from problem


def business_day(at: datetime, zone: ZoneInfo) -> date:
    """The day on which an instant falls where the location is."""
    return at.astimezone(zone).date()


def aware(at: datetime) -> datetime:
    """The same instant in UTC; raises ValueError for a naive one."""
    if at.tzinfo is None:
        msg = "a time without a zone could be any of 38 instants; say which zone it is in"
        raise ValueError(msg)
    return at.astimezone(UTC)
