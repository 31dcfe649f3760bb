"""What is learned from promises: how many days parcels come later than calendars and carriers say, and how many to add.

What is counted is how late a parcel came against the first plan of its order, whatever happened in between: a store that gave
it back, a van that left without it, a carrier that took longer. Days that had been added already are not part of the plan, so
that a promise that is kept because of them does not take them away again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from comptoir.modules.locations.contracts import LocationId

LATEST = 7
"""Days; who came later counts as this late."""
ENOUGH = 30
"""Parcels: of fewer nothing is concluded."""
MAX_SLACK = 3
"""Who needs more days than these has a trouble that promises should not hide."""


@dataclass(frozen=True, slots=True)
class Came:
    """So many parcels came so many days late from a site by a carrier service."""

    site: LocationId
    carrier: str
    late: int
    parcels: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was measured of a site or a carrier service."""

    parcels: int = 0
    on_time: int = 0
    """Of them, those that came when the plan said, or before."""
    slack: int = 0
    """Days to add to the plan."""

    @property
    def share(self) -> float | None:
        """On time, from 0 to 1; None where nothing was measured."""
        return self.on_time / self.parcels if self.parcels else None


@dataclass(frozen=True, slots=True)
class Lessons:
    """By what they are about; those with nothing measured are left out."""

    carriers: Mapping[str, Lesson]
    """By the code of the carrier service."""
    sites: Mapping[LocationId, Lesson]


def learn(came: Iterable[Came], target: float) -> Lessons:
    """Days to add so that the share `target` of parcels comes in time; a target of 0 adds nothing.

    First what the carrier needs, then what a site needs beyond it.
    """
    carriers: dict[str, list[int]] = defaultdict(_nobody)
    rows = list(came)
    for row in rows:
        carriers[row.carrier][min(max(row.late, 0), LATEST)] += row.parcels
    learned = {carrier: _lesson(late, target) for carrier, late in carriers.items()}
    sites: dict[LocationId, list[int]] = defaultdict(_nobody)
    on_time: dict[LocationId, int] = defaultdict(int)
    for row in rows:
        beyond = min(max(row.late - learned[row.carrier].slack, 0), LATEST)
        sites[row.site][beyond] += row.parcels
        on_time[row.site] += row.parcels if row.late <= 0 else 0
    return Lessons(learned, {site: Lesson(sum(late), on_time[site], _slack(late, target)) for site, late in sites.items()})


def _nobody() -> list[int]:
    return [0] * (LATEST + 1)


def _lesson(late: Sequence[int], target: float) -> Lesson:
    return Lesson(sum(late), late[0], _slack(late, target))


def _slack(late: Sequence[int], target: float) -> int:
    """The fewest days with which the share comes in time."""
    parcels = sum(late)
    if parcels < ENOUGH:
        return 0
    in_time = 0
    for days in range(MAX_SLACK):
        in_time += late[days]
        if in_time >= target * parcels:
            return days
    return MAX_SLACK
