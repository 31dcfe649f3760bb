"""Which orders a simulation would have done worse by than what happened: the worst of each group, with why.

A year is decided again in minutes, so that hardly anything may be done for each order: it is compared with what happened, and
counted in its groups; only the worst of each are kept, with what was thought of every location.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from comptoir.modules.routing.contracts import Decision, Job, Parcel, Rules, Verdict
from comptoir.modules.routing.domain.choosing import explain_some
from comptoir.modules.routing.domain.network import Network
from comptoir.modules.routing.domain.simulating import Past
from comptoir.modules.routing.domain.stock import Situation

_ABLE, _STOPPED = 12, 20
"""Locations of which is kept what was thought: of those that might have sent it, and of those that a fence stopped."""
NEVER = 10_000
"""Days late of what does not come, or not whole."""


class Worse(StrEnum):
    """In what an order would have been done worse by."""

    LATE = "late"
    """It would have come after the day that was promised, or not whole."""
    DEARER = "dearer"
    SPLIT = "split"
    """It would have come in more parcels."""


class By(StrEnum):
    """What orders are grouped by."""

    PLACE = "place"
    CHANNEL = "channel"
    SERVICE = "service"
    WEEK = "week"


class Seen(msgspec.Struct, frozen=True):
    """An order under other rules beside what happened to it."""

    job: Job
    rules: Rules
    parcels: tuple[Parcel, ...]
    lacking: tuple[tuple[int, int], ...]
    happened: tuple[Parcel, ...]
    verdicts: tuple[Verdict, ...]
    """The best first, then some of those that a fence stopped."""
    able: int
    """How many might have sent it."""


@dataclass(frozen=True, slots=True)
class Drilled:
    """An order that is kept: `amounts` are days, minor units and parcels."""

    order_id: UUID
    channel: str
    service: str
    week: date
    places: tuple[UUID, ...]
    amounts: Mapping[Worse, int]
    seen: Seen


Group = tuple[Worse, By, str]
MOST: Mapping[By, int] = {By.PLACE: 4, By.CHANNEL: 20, By.SERVICE: 20, By.WEEK: 8}
"""Orders that are kept of each group: of places and weeks there are many."""


@dataclass(slots=True)
class Drill:
    """Looks at each order as it is decided. `happened` says what happened to an order, `channel_of` where it was placed."""

    network: Network
    happened: Callable[[UUID], Decision]
    channel_of: Mapping[UUID, str]
    counts: Counter[Group] = field(default_factory=Counter[Group])
    _heaps: dict[Group, list[tuple[int, int, UUID]]] = field(default_factory=dict[Group, list[tuple[int, int, UUID]]])
    _kept: dict[UUID, Drilled] = field(default_factory=dict[UUID, Drilled])
    _serial: int = 0

    def __call__(self, past: Past, decision: Decision, situation: Situation) -> None:
        job = past.job
        real = self.happened(job.id)
        amounts = worse(job, decision, real)
        if not amounts:
            return
        week = job.placed_at.date() - timedelta(days=job.placed_at.weekday())
        places = tuple(sorted({parcel.site for parcel in decision.parcels}))
        channel = self.channel_of.get(job.id, "")
        values = [(By.CHANNEL, channel), (By.SERVICE, job.service.value), (By.WEEK, week.isoformat())]
        values += [(By.PLACE, str(place)) for place in places]
        wanted = False
        self._serial += 1
        for kind, amount in amounts.items():
            for by, value in values:
                self.counts[kind, by, value] += 1
                wanted |= self._offer((kind, by, value), amount, job.id)
        if wanted and job.id not in self._kept:
            seen = self._look(past, decision, real, situation)
            self._kept[job.id] = Drilled(job.id, channel, job.service.value, week, places, amounts, seen)

    def _offer(self, group: Group, amount: int, order_id: UUID) -> bool:
        heap = self._heaps.setdefault(group, [])
        entry = (amount, -self._serial, order_id)
        if len(heap) < MOST[group[1]]:
            heapq.heappush(heap, entry)
            return True
        return entry > heap[0] and heapq.heapreplace(heap, entry) is not entry

    def _look(self, past: Past, decision: Decision, real: Decision, situation: Situation) -> Seen:
        """What was thought of every location, on the stock as it was before the decision took its own."""
        situation.give_back(decision)
        chosen = {parcel.site for parcel in (*decision.parcels, *real.parcels)}
        verdicts, able = explain_some(self.network, past.rules, past.job, situation, _ABLE, _STOPPED, chosen)
        situation.take(decision)
        return Seen(past.job, past.rules, decision.parcels, decision.lacking, real.parcels, tuple(verdicts), able)

    def worst(self) -> list[Drilled]:
        """The worst of each group; one order may be in several."""
        still = {order_id for heap in self._heaps.values() for _, _, order_id in heap}
        return [one for key, one in self._kept.items() if key in still]


def worse(job: Job, decision: Decision, real: Decision) -> dict[Worse, int]:
    """By how much an order would have been done worse by; nothing where it would not."""
    found: dict[Worse, int] = {}
    if job.needed_by is not None:
        days = _late(decision, job.needed_by)
        if days > 0:
            found[Worse.LATE] = days
    if decision.parcels and real.parcels:
        dearer, more = decision.cost - real.cost, len(decision.parcels) - len(real.parcels)
        if dearer > 0:
            found[Worse.DEARER] = dearer
        if more > 0:
            found[Worse.SPLIT] = more
    return found


def _late(decision: Decision, needed_by: date) -> int:
    if decision.lacking or not decision.parcels:
        return NEVER
    return (max(parcel.arrives_on for parcel in decision.parcels) - needed_by).days


def groups(counts: Mapping[Group, int]) -> dict[str, dict[str, dict[str, int]]]:
    """How many orders there are by kind, by what they are grouped by, and by value."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for (kind, by, value), count in sorted(counts.items()):
        found.setdefault(kind.value, {}).setdefault(by.value, {})[value] = count
    return found
