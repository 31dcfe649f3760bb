"""What crosses the door of locations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple, NewType
from uuid import UUID

from comptoir.kernel.calendars import is_public_holiday
from comptoir.runtime.events import Event

LocationId = NewType("LocationId", UUID)
PoolId = NewType("PoolId", UUID)

LOCATION_PREFIX = "loc"
POOL_PREFIX = "pool"

DAY = 24 * 60


class Whereabouts(NamedTuple):
    """Of which location something is; of two where it goes from one `side` to the other, of none where it is the company's."""

    id: UUID
    location_id: LocationId | None
    side: str = ""
    """`from` and `to`, where there are two."""


class LocationKind(StrEnum):
    WAREHOUSE = "warehouse"
    STORE = "store"
    SUPPLIER = "supplier"
    """Ships from its own stock for us (drop-ship)."""
    TRANSIT = "transit"
    """Holds what is between two other locations."""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Open from one local time to another of the same day, in minutes after midnight: 0 <= opens < closes <= 1440.

    A night is two intervals, one up to 1440 and one from 0 on the next day.
    """

    opens: int
    closes: int


@dataclass(frozen=True, slots=True, order=True)
class Closure:
    """Closed from the first to the last of these days, whatever day of the week they are."""

    first: date
    last: date
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Closures:
    """The days on which a door is closed though its week says otherwise."""

    days: tuple[Closure, ...] = ()
    """By their first day."""
    public_holidays: str = ""
    """Closed on those of this country, or of a part of it: `FR`, `US-CA`. Empty where they are days like others."""
    open_on: tuple[str, ...] = ()
    """Public holidays on which it is open nevertheless: `05-08` in every year, or `2027-03-29`."""

    def __bool__(self) -> bool:
        return bool(self.days or self.public_holidays)

    def shut(self, day: date) -> bool:
        """Whether the door stays closed on that day."""
        if self.days and any(one.first <= day <= one.last for one in self.days):
            return True
        if not self.public_holidays or not is_public_holiday(self.public_holidays, day):
            return False
        return f"{day:%m-%d}" not in self.open_on and f"{day:%Y-%m-%d}" not in self.open_on


_ALL_DAY = (Interval(0, DAY),)


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """The intervals of the seven days from Monday on, each day's in order and apart; no days at all means not stated.

    What is not stated does not stop anybody: such a location counts as always open, but for its closures.
    """

    days: tuple[tuple[Interval, ...], ...] = ()
    closures: Closures = field(default_factory=Closures)

    @property
    def stated(self) -> bool:
        return bool(self.days)

    @property
    def always(self) -> bool:
        """Whether the door is never known to be closed."""
        return not self.days and not self.closures

    @property
    def never(self) -> bool:
        """Whether no day of any week has an open door."""
        return bool(self.days) and not any(self.days)

    def on(self, day: date) -> tuple[Interval, ...]:
        """When the door is open on that day; empty where it is not."""
        if self.closures and self.closures.shut(day):
            return ()
        return self.days[day.weekday()] if self.days else _ALL_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationDraft:
    """A location as somebody wants it. `time_zone` is an IANA name, `country` ISO 3166-1 alpha-2, coordinates WGS 84 degrees.

    `daily_capacity` is how many orders it can prepare in a day, None for no limit.
    """

    code: str
    name: str
    kind: LocationKind
    country: str
    time_zone: str
    active: bool = True
    line1: str = ""
    line2: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    latitude: float | None = None
    longitude: float | None = None
    contact: str = ""
    """Whom carriers ask for there."""
    phone: str = ""
    email: str = ""
    opening_hours: OpeningHours = field(default_factory=OpeningHours)
    """With the days on which it is closed exceptionally; parcels do not leave on them either."""
    ships: bool = True
    pickup: bool = False
    returns: bool = True
    third_party: bool = False
    """Somebody else runs it: what it is to do is submitted to them, and they accept or refuse it."""
    daily_capacity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Location(LocationDraft):
    """A location as it is. It is also a draft: `replace(location, name=…)` is what `update` takes."""

    id: LocationId
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationFilter:
    """None and empty do not filter. `search` is words of name or city, or the beginning of the code."""

    search: str = ""
    kind: LocationKind | None = None
    active: bool | None = None
    country: str | None = None
    ships: bool | None = None
    pickup: bool | None = None
    pool: PoolId | None = None


@dataclass(frozen=True, slots=True)
class PoolMember:
    """A location as a pool sees it. The lower its priority, the earlier it is asked."""

    id: LocationId
    code: str
    priority: int
    latitude: float | None
    longitude: float | None
    ships: bool
    pickup: bool
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDraft:
    """A pool as somebody wants it: its locations with their priorities, 0 first."""

    code: str
    name: str = ""
    members: Sequence[tuple[LocationId, int]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The locations that a channel may sell from, by priority, then code."""

    id: PoolId
    code: str
    name: str
    version: int
    members: tuple[PoolMember, ...]


@dataclass(frozen=True, slots=True)
class PoolSummary:
    id: PoolId
    code: str
    name: str
    version: int
    size: int


@dataclass(frozen=True, slots=True)
class Postcode:
    """Where a postcode is, in the middle."""

    country: str
    postcode: str
    latitude: float
    longitude: float
    place: str = ""


@dataclass(frozen=True, slots=True)
class Upserted:
    """What a bulk did: how many rows are new, differ now, and were so already."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


class LocationChanged(Event, frozen=True, kw_only=True):
    """A location was made or changed. The pools that it is in have changed with it."""

    type: ClassVar[str] = "location.changed"
    location_id: LocationId
    code: str
    created: bool = False

    @property
    def subject(self) -> UUID | None:
        return self.location_id


class PoolChanged(Event, frozen=True, kw_only=True):
    """A pool was made, or its members or their order changed."""

    type: ClassVar[str] = "pool.changed"
    pool_id: PoolId
    code: str
    created: bool = False

    @property
    def subject(self) -> UUID | None:
        return self.pool_id
