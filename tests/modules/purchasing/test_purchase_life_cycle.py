"""The life of a purchase order: its diagram is its table, every state is reached, and whatever suppliers, buyers, the clock and
we do in any order, orders, stock, fulfilment orders and purchase orders go on agreeing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from comptoir.kernel.errors import Refusal
from comptoir.modules.fulfilment.contracts import State
from comptoir.modules.inventory.contracts import Quantity
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Fill, LineQuantity, OrderId
from comptoir.modules.purchasing import api, domain
from comptoir.modules.purchasing.contracts import (
    Answer,
    DeclineReason,
    LineAnswer,
    Purchase,
    PurchaseLine,
    PurchaseState,
    PurchaseStep,
    Sent,
    Units,
)
from comptoir.runtime.database import Database, Tx
from support.dropship import Dropship, open_dropship
from support.effort import examples

T = TypeVar("T")
PAGE = (Path(__file__).parents[3] / "docs" / "lifecycles.md").read_text()


def test_the_diagram_is_the_table() -> None:
    drawn = PAGE.partition("## A purchase order\n")[2].partition("```mermaid\n")[2].partition("```")[0].splitlines()
    assert drawn[2:] == [f"    {state} --> {to}: {step.replace('_', ' ')}" for (state, step), to in api.STEPS.items()]


def test_every_state_is_reached_and_what_is_over_stays_over() -> None:
    reached = {PurchaseState.ASKED}
    for _ in api.STEPS:
        reached |= {to for (state, _), to in api.STEPS.items() if state in reached}
    assert reached == set(PurchaseState)
    assert {state for state, _ in api.STEPS} == set(api.LIVE)


_COUNTERS = st.tuples(*[st.integers(0, 50)] * 4)


def _line(counters: tuple[int, ...], number: int = 1, *, cost: int | None = None, weighed: bool = False) -> PurchaseLine:
    rejected, cancelled, shipped, rest = counters
    return PurchaseLine(
        line_no=number, sku="X", name="X", supplier_sku="", quantity=rejected + cancelled + shipped + rest + 1,
        rejected=rejected, cancelled=cancelled, shipped=shipped, cost=cost, weighed=weighed,
    )  # fmt: skip


@given(_COUNTERS, st.integers(0, 200), st.integers(0, 200))
def test_a_fitted_line_asks_for_what_is_wanted(counters: tuple[int, ...], wanted: int, gone: int) -> None:
    before = _line(counters)
    (after,) = domain.fitted([before], {1: wanted}, {1: min(gone, wanted)})
    assert (after.wanted, after.shipped) == (wanted, min(gone, wanted))
    assert after.rejected == before.rejected
    assert after.quantity >= before.quantity
    assert after.cancelled >= before.cancelled
    assert domain.fitted([after], {1: wanted}, {1: min(gone, wanted)}) == [after]


@given(st.lists(_COUNTERS, min_size=1, max_size=4), st.sampled_from([PurchaseStep.DECLINE, PurchaseStep.CANCEL]))
def test_a_purchase_order_is_over_when_nothing_is_open(rows: list[tuple[int, ...]], cause: PurchaseStep) -> None:
    lines = [_line(row, n) for n, row in enumerate(rows)]
    step = domain.step_of(lines, lines, cause)
    still_open = any(line.open for line in lines)
    assert (step is None) == still_open
    assert step in {None, PurchaseStep.FINISH if any(line.shipped for line in lines) else cause}


@given(_COUNTERS, st.integers(0, 100_000), st.booleans())
def test_what_is_booked_is_never_more_than_what_is_wanted_costs(row: tuple[int, ...], cost: int, weighed: bool) -> None:
    line = _line(row, cost=cost, weighed=weighed)
    whole, booked = domain.costs([line])
    assert whole is not None
    assert 0 <= booked <= whole
    assert domain.costs([_line(row)]) == (None, 0)


units = st.integers(1, 3)
which = st.integers(0, 3)


class Machine(RuleBasedStateMachine):
    loop: asyncio.AbstractEventLoop
    trade: Dropship

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[OrderId] = []

    @initialize(quantity=units)
    def begin(self, quantity: int) -> None:
        for code in ("acme", "bolt"):
            self.run(self.trade.shop.receive("LAMP", code, 12))
        self.run(self.trade.shop.receive("VASE", "acme", 3))
        self.buy(quantity=quantity)
        self.buy(quantity=2)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def do(self, work: Callable[[Tx], Awaitable[Any]]) -> None:
        async def attempt() -> None:
            with contextlib.suppress(Refusal):
                await self.trade.act(work)
            await self.check()

        self.run(attempt())

    async def check(self) -> None:
        await self.trade.settle()
        await self.trade.shop.doctors()
        for order_id in self.orders:
            await self.agree(order_id)

    async def agree(self, order_id: OrderId) -> None:
        suppliers = {self.trade.shop.locations[code] for code in ("acme", "bolt")}
        work = {one.id: one for one in await self.trade.shop.work(order_id) if one.location_id in suppliers}
        purchases = await self.trade.purchases(order_id)
        live = [one for one in purchases if one.state in api.LIVE]
        assert len({one.fulfilment_id for one in live}) == len(live)
        for one in purchases:
            mine = work[one.fulfilment_id]
            gone = {line.line_no: line.gone for line in mine.lines}
            open_units = Counter({line.line_no: line.open for line in mine.lines})
            assert (one.ended_at is None) == (one.state in api.LIVE)
            if one.state in api.LIVE:
                assert +Counter({line.line_no: line.open for line in one.lines}) == +open_units
                assert mine.state not in {State.CLOSED, State.CANCELLED}
            if one.state is PurchaseState.SHIPPED:
                assert any(line.shipped for line in one.lines)
            assert all(line.shipped == gone.get(line.line_no, 0) for line in one.lines)
            assert one.booked == sum(domain.cost_of(line, line.shipped) for line in one.lines)
        for one in work.values():
            if one.state is State.OPEN:
                assert any(purchase.fulfilment_id == one.id for purchase in live), "whoever has work is asked for it"

    def pick(self, number: int) -> Purchase | None:
        async def every() -> list[Purchase]:
            purchases = [one for order_id in self.orders for one in await self.trade.purchases(order_id)]
            return sorted(purchases, key=lambda one: one.state not in api.LIVE)

        found = self.run(every())
        return found[min(number, len(found) - 1)] if found else None

    @rule(quantity=units)
    def buy(self, quantity: int) -> None:
        async def placed() -> None:
            with contextlib.suppress(Refusal):
                order_id = await self.trade.order({"LAMP": quantity, "VASE": 1}, fill=Fill.BACKORDER)
                self.orders.append(order_id)
            await self.check()

        if len(self.orders) < 4:
            self.run(placed())

    @rule(number=which, accepted=st.integers(0, 3), reason=st.sampled_from(DeclineReason))
    def acknowledge(self, number: int, accepted: int, reason: DeclineReason) -> None:
        one = self.pick(number)
        if one is not None:
            lines = tuple([LineAnswer(line.line_no, min(accepted, line.open), reason) for line in one.lines])
            self.do(lambda tx: api.acknowledge(tx, one.id, Answer(lines=lines)))

    @rule(number=which, reason=st.sampled_from(DeclineReason), whole=st.booleans())
    def decline(self, number: int, reason: DeclineReason, *, whole: bool) -> None:
        one = self.pick(number)
        if one is not None:
            self.do(lambda tx: api.decline(tx, one.id, None if whole else [Units(1, 1)], reason))

    @rule(number=which, part=st.booleans())
    def ship(self, number: int, *, part: bool) -> None:
        one = self.pick(number)
        if one is not None:
            parcel = Sent(tracking_number=f"T{one.version}", lines=(Units(1, 1),) if part else ())
            self.do(lambda tx: api.ship(tx, one.id, [parcel]))

    @rule(number=which)
    def withdraw(self, number: int) -> None:
        one = self.pick(number)
        if one is not None:
            self.do(lambda tx: api.withdraw(tx, one.id))

    @rule(number=which, line_no=st.integers(1, 2))
    def buyer_cancels(self, number: int, line_no: int) -> None:
        if self.orders:
            order_id = self.orders[number % len(self.orders)]
            self.do(lambda tx: orders.cancel(tx, order_id, [LineQuantity(line_no, 1)], "buyer"))

    @rule(hours=st.sampled_from([1, 1, 13, 30]))
    def wait(self, hours: int) -> None:
        async def tick() -> None:
            await self.trade.pass_time(hours)
            await self.trade.tick()
            await self.check()

        self.run(tick())

    @rule(code=st.sampled_from(["acme", "bolt"]), free=st.integers(0, 6))
    def feed(self, code: str, free: int) -> None:
        self.do(lambda tx: api.take_feed(tx, self.trade.shop.locations[code], [Quantity("LAMP", free)]))


async def test_suppliers_buyers_and_the_clock_in_any_order(database: Database) -> None:
    trade = await open_dropship(database)
    loop = asyncio.get_running_loop()

    def hunt() -> None:
        class Here(Machine):
            pass

        Here.loop = _Outside(loop)  # pyright: ignore[reportAttributeAccessIssue]
        Here.trade = trade
        run_state_machine_as_test(Here, settings=settings(max_examples=examples(12), stateful_step_count=15, deadline=None))

    await asyncio.to_thread(hunt)


class _Outside:
    """The test's loop, as a thread beside it asks it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run_until_complete(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
