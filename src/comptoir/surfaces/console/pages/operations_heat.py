"""Open work by how far it has come and how old it is, as a table in which each figure leads to what it counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import OpenWork, PlaceCount
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import WaitingAge
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import ParcelAge, TroubleKind
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages.operations_standings import (
    BANDS,
    OF_STAGE,
    STANDINGS,
    TROUBLE_WORDS,
    Horizon,
    Standing,
    bounds,
    orders_href,
)
from comptoir.surfaces.console.web import Visit

_STEPS = 5
"""So many shades tell many from few."""

Place = tuple[Standing, int]
"""How far, and the number of the band in BANDS."""


@dataclass(frozen=True, slots=True)
class Cell:
    count: int
    late: int
    href: str
    shade: int
    """From 0, nothing, to 5, the most of the table."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table."""

    standing: Standing
    word: str
    meaning: str
    icon: str
    cells: tuple[Cell, ...]
    total: Cell


@dataclass(frozen=True, slots=True)
class Ages:
    """What was counted."""

    counts: Mapping[Place, int]
    late: Mapping[Place, int]
    troubles: Mapping[TroubleKind, int]
    at_risk: int
    """Fulfilment orders, orders that wait for stock, and parcels that are late."""
    late_in_trouble: int
    """Parcels that are late and stand among the troubles."""
    places: Sequence[PlaceCount]

    def sum(self, standings: Iterable[Standing]) -> int:
        wanted = set(standings)
        return sum(count for (standing, _), count in self.counts.items() if standing in wanted)

    @property
    def all_late(self) -> int:
        return sum(self.late.values()) + self.late_in_trouble


async def read(reader: Reader, now: datetime, clock: datetime, ahead: Horizon) -> Ages:
    """Three queries. `clock` is the time of the trade, from which orders are placed; parcels leave by the wall's."""
    work = await fulfilment.ages(reader, bounds(clock), late=ahead.late, risk=ahead.risk)
    return summed(
        work,
        await orders.waiting_ages(reader, bounds(clock), late_on=ahead.late.on, risk_on=ahead.risk.on),
        await tracking.overview.ages(reader, bounds(now), now),
    )


def summed(work: OpenWork, waiting: Iterable[WaitingAge], parcels: Iterable[ParcelAge]) -> Ages:
    counts, late = Counter[Place](), Counter[Place]()
    troubles = Counter[TroubleKind]()
    at_risk = in_trouble = 0

    def add(standing: Standing, band: int, count: int, behind: int) -> None:
        place = (standing, len(BANDS) - 1 - band)
        counts[place] += count
        late[place] += behind

    for one in work.ages:
        add(OF_STAGE[one.stage] if one.settled else Standing.TO_ROUTE, one.band, one.count, one.late)
        at_risk += one.at_risk
    for order in waiting:
        add(Standing.STOCK, order.band, order.count, order.late)
        at_risk += order.at_risk
    for parcel in parcels:
        if parcel.kind is None:
            add(Standing.ON_THE_WAY, parcel.band, parcel.count, parcel.late)
            at_risk += parcel.at_risk
            in_trouble += parcel.at_risk - parcel.late
        else:
            add(Standing.TROUBLE, parcel.band, parcel.count, 0)
            troubles[parcel.kind] += parcel.count
    return Ages(counts, late, troubles, at_risk, in_trouble, work.places)


def table(visit: Visit, ages: Ages) -> list[Line]:
    most = max(ages.counts.values(), default=0)
    return [_line(visit, ages, standing, most) for standing in STANDINGS]


def _line(visit: Visit, ages: Ages, standing: Standing, most: int) -> Line:
    shown = STANDINGS[standing]
    cells = [
        Cell(
            ages.counts.get((standing, n), 0),
            ages.late.get((standing, n), 0),
            orders_href(stage=standing.value, age=band.code),
            shade(ages.counts.get((standing, n), 0), most),
        )
        for n, band in enumerate(BANDS)
    ]
    total = Cell(sum(cell.count for cell in cells), sum(cell.late for cell in cells), orders_href(stage=standing.value), 0)
    return Line(standing, visit.say(shown.word), visit.say(shown.meaning), shown.icon, tuple(cells), total)


def shade(count: int, most: int) -> int:
    """By magnitude rather than by size: one beside a thousand is still seen."""
    if not count:
        return 0
    return 1 if most <= 1 else 1 + round((_STEPS - 1) * math.log(count) / math.log(most))


def troubles(visit: Visit, ages: Ages) -> Sequence[tuple[str, int, str]]:
    """Each kind that is open: (word, how many, where they are)."""
    return [
        (visit.say(word), ages.troubles[kind], orders_href(stage=Standing.TROUBLE.value, kind=kind.value))
        for kind, word in TROUBLE_WORDS.items()
        if ages.troubles.get(kind)
    ]
