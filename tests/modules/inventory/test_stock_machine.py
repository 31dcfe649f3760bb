"""Everything that can be done to stock, in any order, against a model of a few dictionaries.

After each step the levels are what the model says and the doctor finds nothing. Some steps crash after they have done their
work: then nothing of it is there, and it is done again.
"""
# pyright: reportUninitializedInstanceVariable=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from comptoir.kernel.ids import uuid7
from comptoir.kernel.time import utcnow
from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import (
    Adjustment,
    AdjustReason,
    Counted,
    Demand,
    Disposition,
    EntryKind,
    Expectation,
    HoldId,
    Level,
    LevelFilter,
    Movement,
    PromiseId,
    Quantity,
    Reservation,
    SafetyStock,
    Spot,
    StockColumns,
    StockShort,
    SupplyId,
    TransferId,
    TransferState,
)
from comptoir.modules.inventory.domain import recounted
from comptoir.modules.inventory.errors import (
    HoldGone,
    InsufficientStock,
    QuantityTooLarge,
    StaleQuantity,
    TransferStateRefused,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Database, Tx
from modules.inventory.stocking import ORDER, places
from support.effort import examples

T = TypeVar("T")
CHANNEL = UUID("00000000-0000-7000-8000-0000000000cc")
SKUS = ("A", "B", "C")
EMPTY = (
    "TRUNCATE inventory.levels, inventory.entries, inventory.reservations, inventory.holds, inventory.supplies, "
    "inventory.transfers, inventory.transfer_lines, inventory.transfer_tallies, inventory.counts, "
    "inventory.count_lines, runtime.events"
)

skus = st.sampled_from(SKUS)
spots = st.integers(0, 2)
some = st.integers(1, 6)
picks = st.integers(0, 99)
"""Which of the promises, transfers or supplies that there are."""
crashes = st.sampled_from((False, False, False, True))


class CrashedError(Exception):
    """The process died before its commit."""


@dataclass
class Road:
    origin: LocationId
    target: LocationId
    open: dict[str, int]
    state: TransferState = TransferState.IN_TRANSIT


@dataclass
class Awaited:
    sku: str
    site: LocationId
    open: int


@dataclass
class Model:
    levels: dict[Spot, Level] = field(default_factory=dict[Spot, Level])
    orders: dict[PromiseId, list[Reservation]] = field(default_factory=dict[PromiseId, list[Reservation]])
    holds: dict[HoldId, tuple[datetime, list[Reservation]]] = field(
        default_factory=dict[HoldId, tuple[datetime, list[Reservation]]]
    )
    roads: dict[TransferId, Road] = field(default_factory=dict[TransferId, Road])
    supplies: dict[SupplyId, Awaited] = field(default_factory=dict[SupplyId, Awaited])

    def at(self, sku: str, site: LocationId) -> Level:
        return self.levels.get((sku, site), Level())

    def change(self, sku: str, site: LocationId, change: Level) -> None:
        self.levels[sku, site] = Level(*map(sum, zip(self.at(sku, site), change, strict=True)))


class Stock(RuleBasedStateMachine):
    runner: ClassVar[asyncio.Runner]
    database: ClassVar[Database]
    sites: ClassVar[list[LocationId]]

    @initialize()
    def begin(self) -> None:
        self.model = Model()
        self.clock = utcnow()

        async def empty() -> None:
            async with self.database.transaction() as tx:
                await tx.run(EMPTY)

        self.runner.run(empty())

    # How a step is done

    def do(self, work: Callable[[Tx], Awaitable[T]], *, crash: bool = False) -> T:
        """Does it in a transaction at the machine's time; with `crash`, once in vain before."""
        if crash:
            with pytest.raises(CrashedError):
                self.runner.run(self._run(work, crash=True))
            self.agrees()
        return self.runner.run(self._run(work, crash=False))

    async def _run(self, work: Callable[[Tx], Awaitable[T]], *, crash: bool) -> T:
        async with self.database.transaction() as tx:
            tx.now = self.clock
            done = await work(tx)
            shorts = {(e.sku, e.location_id): e.missing for e in tx.emitted if isinstance(e, StockShort)}
            if crash:
                await tx.flush_events()
                raise CrashedError
        self.shorts = shorts
        return done

    def refused(self, reason: type[Exception], work: Callable[[Tx], Awaitable[object]]) -> None:
        with pytest.raises(reason):
            self.runner.run(self._run(work, crash=False))

    @invariant()
    def agrees(self) -> None:
        async def look() -> tuple[dict[Spot, Level], bool]:
            async with self.database.read() as reader:
                levels = {x.spot: x.level async for x in api.stream_levels(reader, LevelFilter())}
                return levels, (await api.audit(reader)).clean

        if not hasattr(self, "model"):
            return
        levels, clean = self.runner.run(look())
        nothing = Level()
        assert {spot: x for spot, x in levels.items() if x != nothing} == {
            spot: x for spot, x in self.model.levels.items() if x != nothing
        }
        assert clean

    # Facts

    @rule(sku=skus, site=spots, quantity=some, crash=crashes)
    def receive(self, sku: str, site: int, quantity: int, *, crash: bool) -> None:
        here = self.sites[site]
        self.do(lambda tx: api.receive(tx, here, [Quantity(sku, quantity)]), crash=crash)
        self.model.change(sku, here, Level(on_hand=quantity))

    @rule(sku=skus, site=spots, quantity=some, crash=crashes)
    def sell_at_the_till(self, sku: str, site: int, quantity: int, *, crash: bool) -> None:
        here = self.sites[site]
        sold = Movement(EntryKind.SOLD, sku, here, on_hand=-quantity, order_id=ORDER)
        before = self.model.at(sku, here)
        self.do(lambda tx: api.record(tx, [sold]), crash=crash)
        self.model.change(sku, here, Level(on_hand=-quantity))
        missing = self.model.at(sku, here).missing
        assert self.shorts == ({(sku, here): missing} if missing > before.missing else {})

    @rule(sku=skus, site=spots, quantity=some, disposition=st.sampled_from(Disposition), crash=crashes)
    def take_back(self, sku: str, site: int, quantity: int, disposition: Disposition, *, crash: bool) -> None:
        here = self.sites[site]
        self.do(lambda tx: api.take_back(tx, [(sku, here, disposition, quantity)], ORDER, uuid7()), crash=crash)
        change = {
            Disposition.RESTOCK: Level(quantity),
            Disposition.DAMAGED: Level(quantity, damaged=quantity),
            Disposition.QUALITY: Level(quantity, quality=quantity),
        }[disposition]
        self.model.change(sku, here, change)

    @rule(sku=skus, site=spots, counted=st.integers(0, 9), since=st.integers(-2, 2), crash=crashes)
    def count(self, sku: str, site: int, counted: int, since: int, *, crash: bool) -> None:
        here = self.sites[site]
        level = self.model.at(sku, here)
        self.do(lambda tx: api.count(tx, here, [Counted(sku, counted, level.on_hand + since)]), crash=crash)
        self.model.change(sku, here, recounted(level, counted - since))

    @rule(sku=skus, site=spots, delta=st.integers(-4, 4), crash=crashes)
    def adjust(self, sku: str, site: int, delta: int, *, crash: bool) -> None:
        here = self.sites[site]
        level = self.model.at(sku, here)
        wanted = [Adjustment(sku, delta=delta, expected=level.on_hand)]
        if level.on_hand + delta < min(0, level.on_hand):
            self.refused(QuantityTooLarge, lambda tx: api.adjust(tx, here, wanted, AdjustReason.LOST))
            return
        self.do(lambda tx: api.adjust(tx, here, wanted, AdjustReason.CORRECTION), crash=crash)
        self.model.change(sku, here, recounted(level, level.on_hand + delta))

    @rule(sku=skus, site=spots, to=st.integers(0, 9))
    def adjust_what_has_changed(self, sku: str, site: int, to: int) -> None:
        here = self.sites[site]
        stale = [Adjustment(sku, to=to, expected=self.model.at(sku, here).on_hand + 1)]
        self.refused(StaleQuantity, lambda tx: api.adjust(tx, here, stale, AdjustReason.CORRECTION))

    @rule(sku=skus, site=spots, safety=st.integers(0, 3), crash=crashes)
    def set_safety(self, sku: str, site: int, safety: int, *, crash: bool) -> None:
        here = self.sites[site]
        self.do(lambda tx: api.set_safety(tx, here, [SafetyStock(sku, safety)]), crash=crash)
        self.model.change(sku, here, Level(safety=safety - self.model.at(sku, here).safety))

    @rule(
        sku=skus,
        site=spots,
        quantity=st.integers(1, 3),
        way=st.sampled_from(("mark", "repair", "write_off", "hold", "release", "fail")),
        crash=crashes,
    )
    def set_aside(self, sku: str, site: int, quantity: int, way: str, *, crash: bool) -> None:
        here = self.sites[site]
        level = self.model.at(sku, here)
        good = max(0, level.on_hand - level.damaged - level.quality)
        step, change, there = {
            "mark": (api.mark_damaged, Level(damaged=quantity), good),
            "repair": (api.repair_damaged, Level(damaged=-quantity), level.damaged),
            "write_off": (api.write_off_damaged, Level(-quantity, damaged=-quantity), level.damaged),
            "hold": (api.hold_quality, Level(quality=quantity), good),
            "release": (api.release_quality, Level(quality=-quantity), level.quality),
            "fail": (_fail, Level(damaged=quantity, quality=-quantity), level.quality),
        }[way]
        if quantity > there:
            self.refused(QuantityTooLarge, lambda tx: step(tx, here, [Quantity(sku, quantity)]))
            return
        self.do(lambda tx: step(tx, here, [Quantity(sku, quantity)]), crash=crash)
        self.model.change(sku, here, change)

    @rule(site=spots, on_hand=st.lists(st.integers(0, 9), min_size=3, max_size=3), crash=crashes)
    def load(self, site: int, on_hand: list[int], *, crash: bool) -> None:
        here = self.sites[site]
        self.do(lambda tx: api.load_levels(tx, StockColumns(SKUS, [here] * 3, on_hand)), crash=crash)
        for sku, quantity in zip(SKUS, on_hand, strict=True):
            level = self.model.at(sku, here)
            if level.on_hand != quantity:
                self.model.change(sku, here, recounted(level, quantity))

    # Promises

    def lacks(self, demands: list[Demand]) -> bool:
        """Whether all places together have too little."""
        needed: dict[str, int] = {}
        for demand in demands:
            needed[demand.sku] = needed.get(demand.sku, 0) + demand.quantity
        return any(
            sum(max(0, self.model.at(sku, site).available) for site in self.sites) < quantity
            for sku, quantity in needed.items()
        )

    async def _allocate(self, tx: Tx, promise: PromiseId, demands: list[Demand], until: datetime | None) -> list[Reservation]:
        spots = sorted({(demand.sku, site) for demand in demands for site in self.sites})
        available = await api.lock_available(tx, spots)
        for spot, units in available.items():
            assert units == self.model.at(*spot).available
        allocations, lacking = api.allocate(demands, self.sites, available)
        if lacking:
            raise InsufficientStock(lines=[])
        names = {demand.line_no: demand.sku for demand in demands}
        return [Reservation(promise, a.line_no, a.location_id, names[a.line_no], a.quantity, until) for a in allocations]

    @rule(wanted=st.lists(st.tuples(skus, some), min_size=1, max_size=3), crash=crashes)
    def order(self, wanted: list[tuple[str, int]], *, crash: bool) -> None:
        demands = [Demand(n, sku, quantity) for n, (sku, quantity) in enumerate(wanted, start=1)]
        promise = PromiseId(uuid7())

        async def work(tx: Tx) -> list[Reservation]:
            reservations = await self._allocate(tx, promise, demands, None)
            await api.reserve(tx, reservations)
            return reservations

        if self.lacks(demands):
            self.refused(InsufficientStock, work)
            return
        reservations = self.do(work, crash=crash)
        self.model.orders[promise] = reservations
        self.promised(reservations, demands)

    @rule(sku=skus, quantity=some, minutes=st.integers(1, 30), crash=crashes)
    def hold(self, sku: str, quantity: int, minutes: int, *, crash: bool) -> None:
        demands = [Demand(1, sku, quantity)]
        hold_id, until = HoldId(uuid7()), self.clock + timedelta(minutes=minutes)

        async def work(tx: Tx) -> list[Reservation]:
            reservations = await self._allocate(tx, PromiseId(hold_id), demands, until)
            await api.open_holds(tx, [(hold_id, CHANNEL, "cart", until)])
            await api.reserve(tx, reservations)
            return reservations

        if self.lacks(demands):
            self.refused(InsufficientStock, work)
            return
        reservations = self.do(work, crash=crash)
        self.model.holds[hold_id] = (until, reservations)
        self.promised(reservations, demands)

    def promised(self, reservations: list[Reservation], demands: list[Demand]) -> None:
        for demand in demands:
            assert sum(r.quantity for r in reservations if r.line_no == demand.line_no) == demand.quantity
        for r in reservations:
            self.model.change(r.sku, r.location_id, Level(reserved=r.quantity))
            assert self.model.at(r.sku, r.location_id).available >= 0

    def forget(self, reservations: list[Reservation], *, shipped: bool = False) -> None:
        for r in reservations:
            self.model.change(r.sku, r.location_id, Level(on_hand=-r.quantity if shipped else 0, reserved=-r.quantity))

    @precondition(lambda self: bool(self.model.orders))
    @rule(pick=picks, part=some, shipped=st.booleans(), crash=crashes)
    def ship_or_release_a_part(self, pick: int, part: int, *, shipped: bool, crash: bool) -> None:
        promise = list(self.model.orders)[pick % len(self.model.orders)]
        first = self.model.orders[promise][0]
        units = min(part, first.quantity)
        parts = api.take(self.model.orders[promise], first.line_no, units, first.location_id)

        async def work(tx: Tx) -> None:
            if shipped:
                await api.ship(tx, parts, promise, uuid7())
            else:
                await api.release(tx, parts)

        self.do(work, crash=crash)
        rest = self.model.orders[promise][1:]
        if units < first.quantity:
            rest = [first._replace(quantity=first.quantity - units), *rest]
        self.forget(parts, shipped=shipped)
        if rest:
            self.model.orders[promise] = rest
        else:
            del self.model.orders[promise]

    @precondition(lambda self: bool(self.model.holds))
    @rule(pick=picks, crash=crashes)
    def release_hold(self, pick: int, *, crash: bool) -> None:
        hold_id = list(self.model.holds)[pick % len(self.model.holds)]
        self.do(lambda tx: api.release_hold(tx, hold_id), crash=crash)
        self.forget(self.model.holds.pop(hold_id)[1])
        self.refused(HoldGone, lambda tx: api.release_hold(tx, hold_id))

    @rule(minutes=st.integers(1, 20), crash=crashes)
    def time_passes(self, minutes: int, *, crash: bool) -> None:
        self.clock += timedelta(minutes=minutes)
        over = [hold_id for hold_id, (until, _) in self.model.holds.items() if until <= self.clock]
        assert self.do(api.expire_holds, crash=crash) == len(over)
        for hold_id in over:
            self.forget(self.model.holds.pop(hold_id)[1])

    # What is on its way

    @rule(
        origin=spots, way=st.integers(1, 2), wanted=st.dictionaries(skus, some, min_size=1), force=st.booleans(), crash=crashes
    )
    def send(self, origin: int, way: int, wanted: dict[str, int], *, force: bool, crash: bool) -> None:
        here, there = self.sites[origin], self.sites[(origin + way) % 3]
        lines = [Quantity(sku, quantity) for sku, quantity in wanted.items()]
        made = self.do(lambda tx: api.create_transfer(tx, here, there, lines))
        if not force and any(self.model.at(sku, here).available < quantity for sku, quantity in wanted.items()):
            self.refused(InsufficientStock, lambda tx: api.send_transfer(tx, made.id))
            return
        self.do(lambda tx: api.send_transfer(tx, made.id, force=force), crash=crash)
        for sku, quantity in wanted.items():
            self.model.change(sku, here, Level(on_hand=-quantity))
            self.model.change(sku, there, Level(incoming=quantity))
        self.model.roads[made.id] = Road(here, there, dict(wanted))

    @precondition(lambda self: bool(self.model.roads))
    @rule(pick=picks, arrived=st.dictionaries(skus, some), close=st.booleans(), crash=crashes)
    def arrive(self, pick: int, arrived: dict[str, int], *, close: bool, crash: bool) -> None:
        transfer_id = list(self.model.roads)[pick % len(self.model.roads)]
        road = self.model.roads[transfer_id]
        lines = [Quantity(sku, quantity) for sku, quantity in arrived.items()]
        close = close or not lines
        if road.state is TransferState.RECEIVED:
            self.refused(TransferStateRefused, lambda tx: api.receive_transfer(tx, transfer_id, lines, close=close))
            return
        done = self.do(lambda tx: api.receive_transfer(tx, transfer_id, lines, close=close), crash=crash)
        for sku, quantity in arrived.items():
            expected = min(quantity, road.open.get(sku, 0))
            self.model.change(sku, road.target, Level(on_hand=quantity, incoming=-expected))
            self.model.change(sku, road.origin, Level(on_hand=expected - quantity))
            road.open[sku] = road.open.get(sku, 0) - expected
        if close:
            for sku, quantity in road.open.items():
                self.model.change(sku, road.target, Level(incoming=-quantity))
            road.open.clear()
        road.state = TransferState.PARTLY_RECEIVED if any(road.open.values()) else TransferState.RECEIVED
        assert done.state is road.state

    @rule(sku=skus, site=spots, quantity=some, crash=crashes)
    def expect(self, sku: str, site: int, quantity: int, *, crash: bool) -> None:
        here = self.sites[site]
        (made,) = self.do(lambda tx: api.expect(tx, [Expectation(sku, here, quantity, tx.now.date())]), crash=crash)
        self.model.supplies[made.id] = Awaited(sku, here, quantity)
        self.model.change(sku, here, Level(incoming=quantity))

    @precondition(lambda self: bool(self.model.supplies))
    @rule(pick=picks, quantity=some, cancel=st.booleans(), crash=crashes)
    def supply(self, pick: int, quantity: int, *, cancel: bool, crash: bool) -> None:
        supply_id = list(self.model.supplies)[pick % len(self.model.supplies)]
        awaited = self.model.supplies[supply_id]
        if cancel:
            self.do(lambda tx: api.cancel_supply(tx, supply_id), crash=crash)
            self.model.change(awaited.sku, awaited.site, Level(incoming=-awaited.open))
            awaited.open = 0
            return
        arrived = [Quantity(awaited.sku, quantity)]
        self.do(lambda tx: api.receive(tx, awaited.site, arrived, supply_id=supply_id), crash=crash)
        expected = min(quantity, awaited.open)
        self.model.change(awaited.sku, awaited.site, Level(on_hand=quantity, incoming=-expected))
        awaited.open -= expected


async def _fail(tx: Tx, here: LocationId, quantities: list[Quantity]) -> object:
    return await api.release_quality(tx, here, quantities, damaged=True)


@pytest.fixture
def machine(database_url: str) -> Iterator[type[Stock]]:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        database = Database(database_url, max_connections=2)
        runner.run(database.open())
        Stock.runner, Stock.database, Stock.sites = runner, database, runner.run(places(database, 3))
        yield Stock
        runner.run(database.close())


def test_stock_is_what_a_few_dictionaries_say_whatever_is_done_to_it(machine: type[Stock]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples(15), stateful_step_count=35, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
