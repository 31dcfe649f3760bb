"""Days of the week by name, where the modules keep seven flags from Monday on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

from msgspec import Meta


class Weekday(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


Weekdays = Annotated[tuple[Weekday, ...], Meta(min_length=1, max_length=7, examples=[["monday", "wednesday", "friday"]])]


def flags(days: Iterable[Weekday]) -> tuple[bool, ...]:
    named = set(days)
    return tuple(day in named for day in Weekday)


def weekdays(worked: Sequence[bool]) -> tuple[Weekday, ...]:
    return tuple(day for day, works in zip(Weekday, worked, strict=True) if works)
