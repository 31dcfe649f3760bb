"""What would have happened under other rules: past orders, decided again one after another on the stock as it was then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing.contracts import Decision, Job, Rules
from comptoir.modules.routing.domain.choosing import serve
from comptoir.modules.routing.domain.network import Network
from comptoir.modules.routing.domain.optimising import improve
from comptoir.modules.routing.domain.stock import Situation
from comptoir.modules.routing.domain.timetables import Waits

_WATCH = 500
"""After so many orders somebody is told how far it is."""


@dataclass(slots=True)
class Tally:
    """What a way of routing meant. Money in minor units, distances in kilometres, carbon in grams."""

    orders: int = 0
    units: int = 0
    parcels: int = 0
    split: int = 0
    """Orders that came in more than one parcel."""
    unserved: int = 0
    """Orders of which nothing could be sent."""
    lacking: int = 0
    """Units that nobody might send."""
    cost: int = 0
    distance: float = 0.0
    carbon: float = 0.0
    days: int = 0
    """From the order to its last parcel, over all orders that were served."""
    late: int = 0
    """Orders that came after the day that was promised, or not whole."""
    promised: int = 0
    """Orders that had such a day."""
    load: Counter[LocationId] = field(default_factory=Counter[LocationId])
    """Parcels by location."""
    by_day: Counter[date] = field(default_factory=Counter[date])
    """Parcels by the day of the order."""
    cancelled: int = 0
    """Of the units that were cancelled for want of stock those that are not sent here either."""
    measured: int = 0
    """Promised orders of which it is known when they came."""

    @property
    def served(self) -> int:
        return self.orders - self.unserved

    def add(self, job: Job, decision: Decision, *, gone: Mapping[int, int] | None = None, came_on: date | None = None) -> None:
        """`gone` are units by line that were cancelled for want of stock; `came_on` is the day on which it really came."""
        self.orders += 1
        self.units += sum([need.quantity for need in job.needs])
        lacking = sum([units for _, units in decision.lacking])
        self.lacking += lacking
        if gone:
            self.cancelled += sum([min(units, gone.get(line_no, 0)) for line_no, units in decision.lacking])
        parcels = decision.parcels
        if parcels:
            self.parcels += len(parcels)
            self.split += len(parcels) > 1
            for parcel in parcels:
                self.cost += parcel.cost
                self.distance += parcel.distance
                self.carbon += parcel.carbon
                self.load[parcel.site] += 1
            self.by_day[job.placed_at.date()] += len(parcels)
            last = max([parcel.arrives_on for parcel in parcels])
            self.days += (last - job.placed_at.date()).days
        else:
            self.unserved += 1
        if job.needed_by is not None:
            self.promised += 1
            self.measured += came_on is not None
            if lacking or not parcels:
                self.late += 1
            else:
                self.late += (came_on or max([parcel.arrives_on for parcel in parcels])) > job.needed_by


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """What is free at first, and how it changed beside the orders: by SKU (as in `skus`) and site (as in the network)."""

    skus: Sequence[str]
    opening: NDArray[np.int32]
    """By SKU and site."""
    at: NDArray[np.int64]
    """Of each change, growing: on the clock on which orders were recorded."""
    sku: NDArray[np.int32]
    site: NDArray[np.int32]
    units: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Past:
    """A past order, and when it was recorded, on the clock of the flow."""

    recorded: int
    job: Job
    rules: Rules
    gone: Mapping[int, int] | None = None
    """Units by line that were cancelled for want of stock."""
    waits: Waits | None = None
    """What it waits for: its job begins with the next run of it."""


Look = Callable[[Past, Decision, Situation], None]


def simulate(
    network: Network,
    orders: Iterable[Past],
    flow: Flow,
    *,
    sold_daily: Mapping[Spot, float] | None = None,
    watch: Callable[[int], None] | None = None,
    runs: float = 0.0,
    look: Look | None = None,
) -> Tally:
    """Each order decided at the time of its placing with the stock as it was then; what it takes, later ones do not find.
    `look` sees each as it was decided, with the stock after it.

    With `runs`, so many seconds at most go into each run that orders wait for: what was decided since the run before is decided
    again together, as nobody has begun with it yet. Of runs that fall together the one with the lower priority is first.
    """
    free = flow.opening.copy()
    situation = Situation.of_arrays(network, {sku: free[n] for n, sku in enumerate(flow.skus)}, None, sold_daily)
    tally, done, day = Tally(), 0, None
    together = _Together(network, situation, tally, runs, look)
    ends = flow.at
    for n, past in enumerate(orders, start=1):
        until = int(np.searchsorted(ends, past.recorded, side="right")) if done < len(ends) else done
        if until > done:
            np.add.at(free, (flow.sku[done:until], flow.site[done:until]), flow.units[done:until])
            done = until
        if runs:
            together.until(past.job.placed_at)
        if past.job.placed_at.date() != day:
            day = past.job.placed_at.date()
            situation.load[:] = 0
        decision = serve(network, past.rules, past.job, situation, past.job.placed_at)
        situation.take(decision)
        if runs and past.waits is not None and past.job.begins_at is not None:
            together.wait(past, past.waits, past.job.begins_at, decision)
        else:
            tally.add(past.job, decision, gone=past.gone)
            if look is not None:
                look(past, decision, situation)
        if watch is not None and (n % _WATCH == 0 or together.ran):
            watch(n)
            together.ran = False
    together.end()
    return tally


class _Together:
    """Orders that wait for their next run, each with what was decided for it meanwhile."""

    def __init__(self, network: Network, situation: Situation, tally: Tally, seconds: float, look: Look | None) -> None:
        self.ran, self._look = False, look
        self._network, self._situation, self._tally, self._seconds = network, situation, tally, seconds
        self._waiting: dict[tuple[datetime, tuple[int, str], Rules], list[tuple[Past, Decision]]] = {}

    def wait(self, past: Past, waits: Waits, due: datetime, decision: Decision) -> None:
        self._waiting.setdefault((due, waits.turn, past.rules), []).append((past, decision))

    def until(self, now: datetime) -> None:
        """Runs whose time has come, in order; rules that are decided in the same run stay in the order of their first."""
        due = [key for key in self._waiting if key[0] <= now]
        for key in sorted(due, key=lambda key: key[:2]):
            self._run(key[2], key[0], self._waiting.pop(key))

    def end(self) -> None:
        self.until(datetime.max.replace(tzinfo=UTC))

    def _run(self, rules: Rules, due: datetime, waiting: Sequence[tuple[Past, Decision]]) -> None:
        for _, before in waiting:
            self._situation.give_back(before)
        np.maximum(self._situation.load, 0, out=self._situation.load)
        jobs = [past.job for past, _ in waiting]
        plan = improve(self._network, rules, jobs, self._situation, due, seconds=self._seconds)
        for (past, _), decision in zip(waiting, plan.decisions, strict=True):
            self._situation.take(decision)
            self._tally.add(past.job, decision, gone=past.gone)
            if self._look is not None:
                self._look(past, decision, self._situation)
        self.ran = True


def compare(before: Tally, after: Tally) -> Mapping[str, float]:
    """The figures of one beside another, each as after over before; left out where before is nothing."""
    pairs = {
        "parcels": (before.parcels, after.parcels),
        "cost": (before.cost, after.cost),
        "distance": (before.distance, after.distance),
        "carbon": (before.carbon, after.carbon),
        "days": (before.days, after.days),
        "split": (before.split, after.split),
        "lacking": (before.lacking, after.lacking),
    }
    return {name: now / was for name, (was, now) in pairs.items() if was}
