"""The player: replays the year's baskets in time order, at the speed that the viewer sets, through the paths that trade takes.

It works in windows of baskets. The baskets of a window are played by several lanes at once, each in transactions of its own
that also store how far the lane is: whatever is killed goes on exactly there. A window ends when all its lanes have, and no
window crosses the beginning of a week, so what lorries bring is there before the week's first sale. Meanwhile, what was ordered
a day before is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import TypeVar, cast

from comptoir.kernel.errors import Fault, Refusal, Remedy
from comptoir.kernel.time import utcnow
from comptoir.migrations import schema
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind, Movement
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.api import CaptureAnswer
from comptoir.modules.orders.contracts import Fact, OrderId, Placed, Recorded, Widen
from comptoir.modules.orders.errors import DuplicateOrder
from comptoir.runtime.database import Contended, Database, Tx
from comptoir.surfaces import selling
from comptoir.surfaces.demo import dispatch, furnishing, loading, state
from comptoir.surfaces.demo.dispatch import People
from comptoir.surfaces.demo.loading import DEMO
from comptoir.surfaces.demo.pace import UNLIMITED, Pace
from comptoir.surfaces.demo.plan import Plan
from comptoir.surfaces.demo.state import DemoState
from comptoir.surfaces.demo.stream import Basket, Channel
from comptoir.surfaces.demo.telling import Teller
from comptoir.surfaces.selling import Counter

T = TypeVar("T")

WINDOW = 1_200
"""Baskets that may play side by side: less than three days of trade."""
BATCH = 300
"""Baskets in one transaction of a lane: about 2,800 lines."""

_LADDER = (1, selling.NEAREST, None)
"""An order is looked for at the nearest place, which nearly always has it all; then at the nearest few; then in the whole pool.
Each look is a transaction of its own, so that locks are always taken in one order."""
_WAVE = 300
"""Baskets of which those that are to be sent are sent in one transaction: about 95."""

_LOCK = 7_236_502
_RECEIPTS, _SENT = "receipts", "sent"
_TILLS, _MORE_TILLS, _ORDERS, _MARKETPLACE = state.PLAYING
_LOOK_EVERY = 1.0
_TICK = 0.2
"""The least time between two windows, in seconds: at a speed that lets single baskets through, they are taken together."""
_FRESH_FOR = 5.0
_ATTEMPTS = 10
_TRADE = frozenset({"orders", "payments", "inventory", "fulfilment", "changes", "tracking", "notices", "purchasing"})
_SETTINGS = frozenset(
    {
        "changes.policies",
        "fulfilment.bins",
        "fulfilment.collection_terms",
        "inventory.packs",
        "inventory.replenishment_terms",
        "notices.senders",
        "purchasing.articles",
        "purchasing.terms",
        "tracking.accounts",
        "tracking.choice",
    }
)
"""What of them somebody has set up: it stays when the year begins anew."""


class AlreadyPlaying(Fault):
    """Another process plays the year in this database."""

    code = "demo_already_playing"


@dataclass(slots=True)
class Tally:
    """What has played since the player started."""

    baskets: int = 0
    lines: int = 0
    asked_again: int = 0
    """Orders that the nearest places could not serve, each time."""
    sent: int = 0
    contended: int = 0
    """Transactions that were tried again."""
    seconds: float = 0.0


class _Rate:
    """Baskets and lines per second over the last few seconds."""

    def __init__(self, span: float = 5.0) -> None:
        self._span = span
        self._marks: deque[tuple[float, int, int]] = deque()

    def mark(self, tally: Tally) -> tuple[float, float]:
        now = time.monotonic()
        self._marks.append((now, tally.baskets, tally.lines))
        while now - self._marks[0][0] > self._span and len(self._marks) > 2:
            self._marks.popleft()
        began, baskets, lines = self._marks[0]
        passed = now - began
        if not passed:
            return 0.0, 0.0
        return (tally.baskets - baskets) / passed, (tally.lines - lines) / passed


class Player:
    """Plays a plan into a database that `loading.load` has set up. `run` it; `stop` it from another task."""

    def __init__(self, database: Database, plan: Plan, *, window: int = WINDOW, batch: int = BATCH) -> None:
        self.tally = Tally()
        self._database = database
        self._plan = plan
        self._window = window
        self._batch = batch
        self._stopping = asyncio.Event()
        self._counters: dict[Channel, Counter] = {}
        self._counted_at = 0.0
        self._waiting = dispatch.Waiting()
        self._watched = False
        self._at: dict[str, int] = {}

    def stop(self) -> None:
        """Ends `run` after the transactions that are under way."""
        self._stopping.set()

    @property
    def position(self) -> int:
        """All baskets before it have played."""
        return min(self._at.get(name, 0) for name in state.PLAYING)

    async def run(self, *, until: int | None = None) -> None:
        """Plays until it is stopped, following the viewer's wishes; with `until`, up to that position as fast as it goes, and
        what is due by then has been sent.

        Raises AlreadyPlaying.
        """
        async with self._alone():
            await self._prepare()
            if until is not None:
                await self._play_until(min(until, len(self._plan.year)))
            else:
                await self._follow()

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncGenerator[None]:
        async with self._database.connection() as connection:
            cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,))
            row = await cursor.fetchone()
            if row is None or not row[0]:
                raise AlreadyPlaying("the demo is being played by another process", remedy=Remedy.WAIT, retry_after=5)
            try:
                yield
            finally:
                if not connection.closed:
                    await connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))

    async def _prepare(self) -> None:
        async with self._database.transaction(DEMO) as tx:
            ids = await loading.location_ids(tx, self._plan)
            customers = await loading.customer_ids(tx, self._plan)
            self._at = dict(await state.lanes(tx))
            places = [ids[place.code] for place in self._plan.places]
            self._stock_at = await loading.stock_source(tx, self._plan, places)
            self._people = People(self._plan) if await loading.supplier_ids(tx) else None
        self._teller = Teller(self._plan, places, customers)
        await self._recall()

    async def _recall(self) -> None:
        """Finds the orders that have not been sent, also those that were placed before the player could say how far it was."""
        sent, played = self._at.get(_SENT, 0), max(self._at.get(name, 0) for name in state.PLAYING)
        if sent < len(self._plan.year):
            at = self._plan.year.at
            last = min(played + self._window, len(at)) - 1
            async with self._database.read() as reader:
                await self._waiting.recall(reader, float(at[sent]), float(at[last]))

    async def _play_until(self, until: int) -> None:
        while self.position < until and not self._stopping.is_set():
            await self._play(until)
        await self._send(self._next_at())

    async def _follow(self) -> None:
        """The loop of a player that somebody watches."""
        wishes = await self._wishes()
        pace = Pace(wishes.speed, self._data_at(), time.monotonic(), wishes.paused)
        rate, looked = _Rate(), 0.0
        while not self._stopping.is_set():
            now = time.monotonic()
            if now - looked >= _LOOK_EVERY:
                looked = now
                wishes = await self._wishes()
                if wishes.resetting:
                    await self._reset()
                    pace = Pace(wishes.speed, self._data_at(), time.monotonic(), wishes.paused)
                if (wishes.speed, wishes.paused) != (pace.speed, pace.paused):
                    pace = pace.changed(wall=now, next_at=self._next_at(), speed=wishes.speed, paused=wishes.paused)
                await self._report(pace, rate)
            self._watched = pace.speed != UNLIMITED
            due = self._due(pace)
            if due > self.position:
                await self._play(due)
            await self._pause(pace, since=now)

    async def _wishes(self) -> DemoState:
        async with self._database.read() as reader:
            found = await state.read(reader)
        assert found is not None, "the demo has been loaded"
        return found

    def _next_at(self) -> float:
        """The data's time of the next basket, or of the last one when all have played."""
        at = self._plan.year.at
        return float(at[min(self.position, len(at) - 1)])

    def _data_at(self) -> float:
        return self._next_at() if self.position else float(self._plan.days[0].at)

    def _due(self, pace: Pace) -> int:
        if pace.paused:
            return self.position
        if pace.speed == UNLIMITED:
            return len(self._plan.year)
        return self._plan.year.position_at(pace.reached(time.monotonic()))

    async def _pause(self, pace: Pace, *, since: float) -> None:
        """Waits for the next basket, a moment at least; not at all when the player is late."""
        now = time.monotonic()
        if self.position >= len(self._plan.year) or pace.paused:
            wait = _LOOK_EVERY
        elif self._due(pace) - self.position >= self._batch:
            wait = 0.0
        else:
            wait = min(_LOOK_EVERY, max(pace.wait(self._next_at(), now), since + _TICK - now))
        if wait > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)

    async def _report(self, pace: Pace, rate: _Rate) -> None:
        now = time.monotonic()
        baskets, lines = rate.mark(self.tally)
        behind, reached = 0.0, self._next_at()
        if self.position < len(self._plan.year) and pace.speed != UNLIMITED and not pace.paused:
            behind = max(0.0, (pace.reached(now) - self._next_at()) / pace.speed)
            reached = min(reached, pace.reached(now))
        async with self._database.transaction(DEMO) as tx:
            await state.report(tx, datetime.fromtimestamp(reached, UTC), lines=lines, baskets=baskets, behind=behind)

    async def _reset(self) -> None:
        """Empties the order book, all that followed from orders, the stock and the event log, and begins the year anew. Places,
        products, channels, customers, staff and settings stay as they are.
        """
        every = [str(t) for metadata in schema.METADATAS if metadata.schema in _TRADE for t in metadata.sorted_tables]
        tables = [name for name in every if name not in _SETTINGS]
        tables += ["routing.decisions", "routing.simulations", "routing.arrivals", "routing.lessons"]
        async with self._database.transaction(DEMO) as tx:
            lockers = await furnishing.lockers(tx, self._plan)
            await tx.run(f"TRUNCATE {', '.join(tables)}, runtime.events RESTART IDENTITY CASCADE")
            await furnishing.put_lockers(tx, lockers)
            await state.begin_anew(tx)
        self._at, self._waiting = {}, dispatch.Waiting()
        await loading.load_stock(self._database, self._plan)

    async def _play(self, until: int) -> None:
        """One window, up to that position: what lorries bring, then its baskets, while what was ordered before is sent."""
        chunk = next(self._plan.baskets(self.position, chunk=self._window, until=until))
        await self._receive(chunk.week)
        await self._refresh()
        end = chunk.position + len(chunk)
        lanes: dict[str, list[Basket]] = {name: [] for name in state.PLAYING}
        for basket in chunk.baskets():
            lanes[_lane(basket)].append(basket)
        began = time.perf_counter()
        await asyncio.gather(
            self._lane(_TILLS, lanes[_TILLS], self._ring_up),
            self._lane(_MORE_TILLS, lanes[_MORE_TILLS], self._ring_up),
            self._lane(_ORDERS, lanes[_ORDERS], self._take_orders),
            self._lane(_MARKETPLACE, lanes[_MARKETPLACE], self._hear),
            self._send(float(chunk.at[0])),
        )
        async with self._database.transaction(DEMO) as tx:
            for name in state.PLAYING:
                await state.move(tx, name, end)
        self._at |= dict.fromkeys(state.PLAYING, end)
        if end == len(self._plan.year):
            await self._send(inf)  # nothing comes after it that would have it sent
        self.tally.baskets += len(chunk)
        self.tally.lines += len(chunk.product)
        self.tally.seconds += time.perf_counter() - began

    async def _receive(self, week: int) -> None:
        """What lorries bring at the beginning of each week up to this one."""
        for number in range(self._at.get(_RECEIPTS, 0) + 1, week + 1):
            stock = self._plan.receipts(number)
            columns = zip(stock.product.tolist(), stock.location.tolist(), stock.quantity.tolist(), strict=True)
            movements = [
                Movement(
                    EntryKind.RECEIVED,
                    self._plan.catalogue.sku(product),
                    self._stock_at(place, product),
                    on_hand=quantity,
                    reason="receipt",
                    note=f"Week {number}",
                )
                for product, place, quantity in cast("Iterable[tuple[int, int, int]]", columns)
            ]

            async def bring(tx: Tx, movements: list[Movement] = movements, number: int = number) -> None:
                await inventory.record(tx, movements)
                await state.move(tx, _RECEIPTS, number)

            await self._transact(bring)
            self._at[_RECEIPTS] = number

    async def _refresh(self) -> None:
        """On which terms each channel sells, as somebody may have changed them at the console."""
        if time.monotonic() - self._counted_at < _FRESH_FOR:
            return
        async with self._database.read() as reader:
            for channel in Channel:
                self._counters[channel] = await selling.load(reader, channel.value)
        self._counted_at = time.monotonic()

    async def _lane(
        self, name: str, baskets: Sequence[Basket], play: Callable[[Sequence[Basket], str], Awaitable[None]]
    ) -> None:
        """Plays one lane's baskets in batches, those that it has not played already."""
        rest = [basket for basket in baskets if basket.position >= self._at.get(name, 0)]
        for first in range(0, len(rest), self._batch):
            batch = rest[first : first + self._batch]
            await play(batch, name)
            self._at[name] = batch[-1].position + 1

    async def _ring_up(self, baskets: Sequence[Basket], lane: str) -> None:
        counter = self._counters[Channel.POS]
        await self._record([self._teller.till_sale(basket, counter) for basket in baskets], baskets, lane)

    async def _hear(self, baskets: Sequence[Basket], lane: str) -> None:
        counter = self._counters[Channel.MARKETPLACE]
        await self._record([self._teller.marketplace_order(basket, counter) for basket in baskets], baskets, lane)

    async def _record(self, facts: Sequence[Fact], baskets: Sequence[Basket], lane: str) -> None:
        async def work(tx: Tx) -> list[Recorded]:
            recorded = await orders.record(tx, facts)
            await state.move(tx, lane, baskets[-1].position + 1)
            return recorded

        for basket, one in zip(baskets, await self._transact(work), strict=True):
            if basket.channel is not Channel.POS:
                self._waiting.add(one.external_id, one.order_id)

    async def _take_orders(self, baskets: Sequence[Basket], lane: str) -> None:
        """What the capture desk does: all together, then those that the nearest places cannot serve with more of them.

        Whoever was served by a player that was killed before it could say so is a duplicate, and is served. What this house
        would not promise any more, because somebody has set it up otherwise, is recorded as the fact that it is in the data.
        """
        last = baskets[-1].position + 1
        left, refused = list(baskets), list[Basket]()
        for nearest in _LADDER:
            if left:
                self.tally.asked_again += len(left) if nearest != _LADDER[0] else 0
                answers = await self._capture(left, nearest, None if refused else (lane, last))
                refused += _refused(left, answers)
                left = [basket for basket, answer in zip(left, answers, strict=True) if isinstance(answer, Widen)]
        assert not left, "beyond the whole pool there is nothing to look at"
        if refused:
            facts = [self._teller.told_anyway(basket, self._counters[basket.channel]) for basket in refused]
            await self._record(facts, refused, lane)
            await self._transact(lambda tx: state.move(tx, lane, last))

    async def _capture(
        self, baskets: Sequence[Basket], nearest: int | None, reached: tuple[str, int] | None
    ) -> list[CaptureAnswer]:
        """The answers. When all of these are served, the lane has `reached` that position in the same transaction."""
        counters, today = self._counters, utcnow().date() if self._watched else None
        placements = [self._teller.placement(basket, counters[basket.channel], nearest, today) for basket in baskets]

        async def work(tx: Tx) -> list[CaptureAnswer]:
            answers = await orders.capture(tx, placements)
            if reached is not None and all(isinstance(answer, Placed | DuplicateOrder) for answer in answers):
                await state.move(tx, *reached)
            return answers

        answers = await self._transact(work)
        for placement, answer in zip(placements, answers, strict=True):
            if isinstance(answer, Placed) and placement.external_id is not None:
                self._waiting.add(placement.external_id, answer.id)
        return answers

    async def _send(self, now: float) -> None:
        """Everything that was placed long enough ago at that time of the data."""
        due = min(self.position, self._plan.year.position_at(now - dispatch.AFTER.total_seconds()))
        for chunk in self._plan.baskets(self._at.get(_SENT, 0), chunk=_WAVE, until=due):
            end = chunk.position + len(chunk)
            remote = [basket for basket in chunk.baskets() if basket.channel is not Channel.POS]
            ours = [basket for basket in remote if not self._left_to_people(basket)]
            parcels = [(b, i) for b in ours if (i := self._waiting.find(self._teller.external_id(b))) is not None]
            if parcels:
                await self._transact(lambda tx, parcels=parcels, end=end: _send(tx, parcels, end))
            self._at[_SENT] = end
            for basket in remote:
                self._waiting.forget(self._teller.external_id(basket))
            self.tally.sent += len(parcels)

    def _left_to_people(self, basket: Basket) -> bool:
        """Whether the people of the demo see to it, because somebody watches them."""
        return self._watched and self._people is not None and self._people.see_to(basket)

    async def _transact(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Tries again at once when two writers were in each other's way."""
        for attempt in range(_ATTEMPTS):
            try:
                async with self._database.transaction(DEMO, pipelined=True) as tx:
                    return await work(tx)
            except Contended:
                self.tally.contended += 1
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError


async def _send(tx: Tx, parcels: Sequence[tuple[Basket, OrderId]], end: int) -> None:
    await dispatch.send(tx, parcels)
    await state.move(tx, _SENT, end)


def _refused(baskets: Sequence[Basket], answers: Sequence[CaptureAnswer]) -> list[Basket]:
    return [
        basket
        for basket, answer in zip(baskets, answers, strict=True)
        if isinstance(answer, Refusal) and not isinstance(answer, DuplicateOrder)
    ]


def _lane(basket: Basket) -> str:
    match basket.channel:
        case Channel.POS:
            return _MORE_TILLS if basket.store % 2 else _TILLS
        case Channel.MARKETPLACE:
            return _MARKETPLACE
        case Channel.WEB | Channel.APP | Channel.PHONE:
            return _ORDERS
