"""How well carriers do: on time, how long, what is lost or broken, and the lanes to watch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from comptoir.i18n import N_
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.api import Verdict
from comptoir.modules.tracking.contracts import Counts, LaneKey, Performance
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.web import Visit

LOOK_BACK = timedelta(days=90)
WATCHED = 5
"""So many lanes are named."""
VERDICT_WORDS = {
    Verdict.UNPROVEN: (N_("too few to say"), "neutral"),
    Verdict.RELIABLE: (N_("reliable"), "good"),
    Verdict.LATE: (N_("often late"), "warn"),
    Verdict.RISKY: (N_("loses or breaks"), "bad"),
}


@dataclass(frozen=True, slots=True)
class Score:
    """How a carrier, or one of its lanes, did."""

    name: str
    lane: str
    performance: Performance
    verdict: str
    tone: str


@dataclass(frozen=True, slots=True)
class Carriers:
    rows: list[Score]
    """The one with the most parcels first."""
    watched: list[Score]
    """Lanes that are late or lose parcels, the worst first."""
    since: date


async def read(visit: Visit, reader: Reader, today: date) -> Carriers:
    since = (today - LOOK_BACK).replace(day=1)
    return scored(visit, await tracking.performance(reader, since), since)


def scored(visit: Visit, lanes: Iterable[Performance], since: date) -> Carriers:
    found = list(lanes)
    by_carrier: dict[str, Counts] = {}
    for one in found:
        by_carrier[one.lane.carrier] = by_carrier.get(one.lane.carrier, Counts()).plus(one.counts)
    rows = [_score(visit, Performance(LaneKey(carrier, "", "", "", "", ""), counts)) for carrier, counts in by_carrier.items()]
    bad = [one for one in found if tracking.verdict(one.counts) in {Verdict.LATE, Verdict.RISKY}]
    return Carriers(
        rows=sorted(rows, key=lambda one: (-one.performance.counts.parcels, one.name)),
        watched=[_score(visit, one) for one in sorted(bad, key=_badness)[:WATCHED]],
        since=since,
    )


def _badness(one: Performance) -> tuple[float, float]:
    """Lost and broken parcels before late ones."""
    broken = (one.damage or 0.0) + (one.loss or 0.0)
    return -broken, one.on_time if one.on_time is not None else 1.0


def _score(visit: Visit, one: Performance) -> Score:
    word, tone = VERDICT_WORDS[tracking.verdict(one.counts)]
    lane = one.lane
    origin = " ".join(part for part in (lane.origin_country, lane.origin_region.upper()) if part)
    to = " ".join(part for part in (lane.destination_country, lane.destination_region.upper()) if part)
    way = f"{origin} → {to}" if origin or to else ""
    return Score(
        name=lane.carrier or visit.say(N_("without a carrier")),
        lane=" · ".join(part for part in (lane.service, way) if part),
        performance=one,
        verdict=visit.say(word),
        tone=tone,
    )
