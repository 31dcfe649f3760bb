"""What is going on now, read once a second for everybody of this process who watches, and only while somebody does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from zoneinfo import ZoneInfo

import structlog

from comptoir.kernel.errors import Fault
from comptoir.kernel.time import utcnow
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import LedgerEntry, LedgerFilter
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationFilter, LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Clock, ExceptionFilter, ExceptionSummary, Grain, OrderFilter, OrderSummary, Trade
from comptoir.modules.webhooks import api as webhooks
from comptoir.runtime import consumers, jobs
from comptoir.runtime.database import Reader
from comptoir.runtime.events import Position
from comptoir.runtime.metrics import Metrics
from comptoir.runtime.tasks import end
from comptoir.surfaces.console.pages.naming import ICONS, Channels, Tag
from comptoir.surfaces.console.web import Console
from comptoir.surfaces.demo import state as demo
from comptoir.surfaces.demo.state import DemoStatus

logger = structlog.get_logger("comptoir.console")

EVERY = 1.0
SLOWLY = 5.0
"""Seconds between looks at what costs more to read."""
REST_AFTER = 10.0
"""Seconds without a viewer after which nothing is read any more."""
MINUTES, HOURS = 60, 48
FAST = 120.0
"""From this speed of a replay on, minutes of its time pass too quickly to be looked at, and hours are shown."""
ROWS = 7
FADES_IN = 60.0
"""Seconds in which the activity of a location fades to a third."""


@dataclass(frozen=True)
class Lag:
    """How far the machinery is behind."""

    consumers: Sequence[consumers.ConsumerLag] = ()
    jobs: int = 0
    failed_jobs: int = 0
    deliveries: int = 0
    capture: int = 0

    @property
    def seconds(self) -> float:
        return max((one.seconds for one in self.consumers), default=0.0)

    @property
    def events(self) -> int:
        return max((one.events for one in self.consumers), default=0)

    @property
    def parked(self) -> int:
        return sum(one.parked for one in self.consumers)


@dataclass(frozen=True)
class Snapshot:
    """One look. `now` is the time of the trade: the wall clock's, or the replayed year's."""

    number: int
    now: datetime
    grain: Literal["minute", "hour"]
    zone: ZoneInfo
    channels: Channels
    spans: Sequence[Trade]
    today: Sequence[Trade]
    yesterday: Sequence[Trade]
    total: Sequence[Trade]
    moves: Sequence[LedgerEntry]
    names: Mapping[str, str]
    latest: Sequence[OrderSummary]
    exceptions: Sequence[ExceptionSummary]
    open_exceptions: int
    trouble: frozenset[LocationId]
    locations: Mapping[LocationId, Location]
    activity: Mapping[LocationId, float]
    lag: Lag
    demo: DemoStatus | None
    problem: str = ""

    @property
    def labels(self) -> list[datetime]:
        """The beginnings of the spans that the chart shows."""
        step = timedelta(minutes=1) if self.grain == "minute" else timedelta(hours=1)
        count = MINUTES if self.grain == "minute" else HOURS
        last = self.now.replace(second=0, microsecond=0)
        last = last if self.grain == "minute" else last.replace(minute=0)
        return [last - step * (count - 1 - n) for n in range(count)]


@dataclass
class _Slow:
    """What is looked at less often."""

    until: float = float("-inf")
    total: list[Trade] = field(default_factory=list[Trade])
    lag: Lag = field(default_factory=Lag)
    locations: dict[LocationId, Location] = field(default_factory=dict[LocationId, Location])
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    located: float = float("-inf")


class Feed:
    """The one poller of a process."""

    def __init__(self, console: Console, metrics: Metrics) -> None:
        self._console = console
        self._metrics = metrics
        self._task: asyncio.Task[None] | None = None
        self._fresh = asyncio.Condition()
        self._latest: Snapshot | None = None
        self._viewers = 0
        self._number = 0
        self._slow = _Slow()
        self._position: Position | None = None
        self._moved: deque[tuple[float, LocationId]] = deque(maxlen=4000)
        self._over = False

    async def look(self) -> Snapshot:
        """The last look if it is fresh, else a new one. Raises a Fault when the database does not answer."""
        if self._latest is None or self._task is None or self._task.done() or self._latest.problem:
            self._latest = await self._read()
        return self._latest

    async def watch(self) -> AsyncIterator[Snapshot]:
        """Each look as it is taken, until the process ends."""
        self._viewers += 1
        try:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._poll(), name="live-feed")
            seen = -1
            while not self._over:
                async with self._fresh:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(EVERY * 10):
                            await self._fresh.wait_for(partial(self._has_news, seen))
                latest = self._latest
                if latest is not None and latest.number != seen:
                    seen = latest.number
                    yield latest
        finally:
            self._viewers -= 1

    def _has_news(self, seen: int) -> bool:
        return self._over or (self._latest is not None and self._latest.number != seen)

    async def stop(self) -> None:
        """Ends every stream."""
        self._over = True
        async with self._fresh:
            self._fresh.notify_all()
        if self._task is not None:
            await end(self._task)

    async def _poll(self) -> None:
        unseen = 0.0
        while unseen < REST_AFTER:
            began = time.monotonic()
            try:
                found = await self._read()
            except Fault as fault:
                logger.warning("live_feed", problem=fault.detail)
                before: Snapshot | None = self._latest
                if before is None:
                    await asyncio.sleep(EVERY)
                    continue
                self._number += 1
                found = replace(before, number=self._number, problem=fault.code)
            async with self._fresh:
                self._latest = found
                self._fresh.notify_all()
            await asyncio.sleep(max(EVERY / 4, EVERY - (time.monotonic() - began)))
            unseen = 0.0 if self._viewers else unseen + EVERY

    async def _read(self) -> Snapshot:
        async with self._console.database.read() as reader:
            return await self._look(reader)

    async def _look(self, reader: Reader) -> Snapshot:
        slow = await self._look_slowly(reader)
        replay = await demo.status(reader)
        now, clock = (utcnow(), Clock.RECORDED) if replay is None else (replay.data_at, Clock.PLACED)
        hourly = replay is not None and (replay.speed == 0 or replay.speed > FAST)
        grain, reach = (Grain.HOUR, timedelta(hours=HOURS)) if hourly else (Grain.MINUTE, timedelta(minutes=MINUTES))
        midnight = now.astimezone(slow.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        before = (midnight - timedelta(hours=12)).replace(hour=0)
        end = now + timedelta(minutes=1)
        spans = await orders.trade(reader, clock, grain, since=now - reach, until=end)
        today = await orders.trade(reader, clock, Grain.ALL, since=midnight, until=end)
        same_time = before + (now - midnight)
        yesterday = await orders.trade(reader, clock, Grain.ALL, since=before, until=same_time, by_channel=False)
        moves = (await inventory.ledger(reader, LedgerFilter(), limit=ROWS)).items
        latest = (await orders.find(reader, OrderFilter(), limit=ROWS)).items
        exceptions = (await orders.find_exceptions(reader, ExceptionFilter(), sort="opened", limit=50)).items
        counts = await orders.counts_of_exceptions(reader)
        await self._follow(reader)
        sellable = await catalogue.sellable(reader, sorted({move.sku for move in moves}))
        known = await self._console.channels(reader)
        self._number += 1
        return Snapshot(
            number=self._number,
            now=now,
            grain="hour" if hourly else "minute",
            zone=slow.zone,
            channels=Channels({c.code: Tag(c.name or c.code, ICONS[c.kind]) for c in known}),
            spans=spans,
            today=today,
            yesterday=yesterday,
            total=slow.total,
            moves=moves,
            names={sku: one.name for sku, one in sellable.items()},
            latest=latest,
            exceptions=exceptions[:ROWS],
            open_exceptions=sum(counts.values()),
            trouble=frozenset(one.exception.location_id for one in exceptions if one.exception.location_id is not None),
            locations=slow.locations,
            activity=self._activity(),
            lag=replace(slow.lag, capture=self._waiting()),
            demo=replay,
        )

    async def _look_slowly(self, reader: Reader) -> _Slow:
        slow, now = self._slow, time.monotonic()
        if now >= slow.located:
            found = [one async for one in locations.stream(reader, LocationFilter(active=True))]
            slow.locations = {one.id: one for one in found}
            zones = Counter(one.time_zone for one in found).most_common(1)
            slow.zone = ZoneInfo(zones[0][0]) if zones else ZoneInfo("UTC")
            slow.located = now + 60
        if now >= slow.until:
            slow.total = await orders.trade(reader, Clock.PLACED, Grain.ALL)
            counts = await jobs.counts(reader)
            figures = await webhooks.figures(reader)
            slow.lag = Lag(
                consumers=await consumers.lag(reader),
                jobs=sum(one.count for one in counts if one.status in {"todo", "doing"}),
                failed_jobs=sum(one.count for one in counts if one.status == "failed"),
                deliveries=sum(one.pending for one in figures.values()),
            )
            slow.until = now + SLOWLY
        return slow

    async def _follow(self, reader: Reader) -> None:
        """Where stock has moved since the last look."""
        now = time.monotonic()
        if self._position is None:
            self._position = await inventory.feed_position(reader)
            recent = await inventory.ledger(reader, LedgerFilter(), limit=200)
            self._moved.extend((now, entry.location_id) for entry in recent.items)
            return
        changes = await inventory.changed_since(reader, self._position, limit=2000)
        self._position = await inventory.feed_position(reader) if changes.more else changes.position
        self._moved.extend((now, level.location_id) for level in changes.levels)

    def _activity(self) -> dict[LocationId, float]:
        now = time.monotonic()
        while self._moved and now - self._moved[0][0] > FADES_IN * 4:
            self._moved.popleft()
        found: dict[LocationId, float] = {}
        for at, location in self._moved:
            found[location] = found.get(location, 0.0) + 3.0 ** (-(now - at) / FADES_IN)
        return found

    def _waiting(self) -> int:
        """How many requests wait at the capture desk of this process."""
        return int(next((sample.value for family in self._metrics.capture_waiting.collect() for sample in family.samples), 0))
