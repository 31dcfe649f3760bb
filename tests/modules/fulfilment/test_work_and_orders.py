"""A machine that does anything to orders and their fulfilment in any order, while facts happen to stock beside it.

After each step whatever is promised is somebody's work, unit by unit, and all doctors are content.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from comptoir.kernel.errors import Refusal
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentId,
    HoldReason,
    LineUnits,
    Method,
    ParcelDraft,
    RejectReason,
    State,
)
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Counted, EntryKind, Movement
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Fill, LineQuantity, OrderId, Placed
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Condition, Rating, Rules, RuleSetDraft, RuleSetState, Weight
from comptoir.runtime.database import Database, Tx
from support.effort import examples
from support.shop import Shop

T = TypeVar("T")

SKUS = ("TEA", "CUP")
PLACES = ("paris", "lyon", "store")
ACTIVE = {State.SCHEDULED, State.OPEN, State.ON_HOLD, State.IN_PROGRESS, State.INCOMPLETE}
units = st.integers(1, 3)
whiches = st.integers(0, 20)
"""Which of the orders, or of what is being worked on: drawn the same whatever there is."""
line_units = st.one_of(st.none(), st.lists(st.builds(LineUnits, st.integers(1, 2), units), min_size=1, max_size=2))
skus = st.sampled_from(SKUS)
places = st.sampled_from(PLACES)


class Machine(RuleBasedStateMachine):
    loop: asyncio.AbstractEventLoop
    shop: Shop
    serial: itertools.count[int]

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[OrderId] = []
        self.skus: dict[str, str] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def open_shop(self) -> None:
        self.skus = {sku: f"{sku}-{next(self.serial)}" for sku in SKUS}
        for sku in self.skus.values():
            self.run(self.shop.product(sku, 333, stock={"paris": 6, "lyon": 3, "store": 3}))

    def do(self, work: Callable[[Tx], Awaitable[T]]) -> T | None:
        async def attempt() -> T | None:
            result: T | None = None
            with contextlib.suppress(Refusal):
                async with self.shop.database.transaction() as tx:
                    result = await work(tx)
            await self.shop.settle()
            await self.shop.doctors()
            for order_id in self.orders:
                await self.is_somebodys_work(order_id)
            return result

        return self.run(attempt())

    async def is_somebodys_work(self, order_id: OrderId) -> None:
        there: Counter[tuple[int, str]] = Counter()
        codes = {location: code for code, location in self.shop.locations.items()}
        for one in await self.shop.work(order_id):
            for counter in ("quantity", "picked", "packed", "gone"):
                assert getattr(one, counter) == sum(getattr(line, counter) for line in one.lines), (counter, one)
            if one.method is Method.HAND_OUT:
                continue  # its units have left: nothing of it is promised
            if one.state in ACTIVE:
                assert any(line.open for line in one.lines), one
                for line in one.lines:
                    there[line.line_no, codes[one.location_id]] += line.open
            elif one.state is State.CLOSED:
                assert one.gone == one.quantity > 0, one
        assert +there == Counter(await self.shop.reserved(order_id))

    def some_work(self, which: int) -> FulfilmentId:
        async def every() -> list[Fulfilment]:
            return [one for order_id in self.orders for one in await self.shop.work(order_id)]

        found = self.run(every())
        active = [one.id for one in found if one.state in ACTIVE] or [one.id for one in found]
        return active[which % len(active)] if active else FulfilmentId(self.orders[0])

    @rule(
        channel=st.sampled_from(("web", "phone")),
        basket=st.dictionaries(skus, units, min_size=1),
        collected=st.booleans(),
        fill=st.sampled_from(Fill),
    )
    def place(self, channel: str, basket: dict[str, int], fill: Fill, *, collected: bool) -> None:
        more: dict[str, Any] = {"pickup_location_id": self.shop.locations["store"]} if collected else {}

        wanted = {self.skus[sku]: quantity for sku, quantity in basket.items()}
        answers = self.do(lambda tx: orders.capture(tx, [self.shop.placement(channel, wanted, fill=fill, **more)]))
        self.orders += [answer.id for answer in answers or () if isinstance(answer, Placed)]

    @precondition(lambda self: self.orders)
    @rule(which=whiches, lines=line_units)
    def pick(self, which: int, lines: list[LineUnits] | None) -> None:
        key = self.some_work(which)
        self.do(lambda tx: api.pick(tx, key, lines))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, sku=skus)
    def scan(self, which: int, sku: str) -> None:
        key = self.some_work(which)
        self.do(lambda tx: api.scan(tx, key, self.skus[sku]))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, lines=line_units, reason=st.sampled_from(RejectReason))
    def reject(self, which: int, lines: list[LineUnits] | None, reason: RejectReason) -> None:
        key = self.some_work(which)
        self.do(lambda tx: api.reject(tx, key, lines, reason))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, lines=line_units)
    def pack(self, which: int, lines: list[LineUnits] | None) -> None:
        key = self.some_work(which)
        self.do(lambda tx: api.pack(tx, key, ParcelDraft(lines=tuple(lines or ()))))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, whole=st.booleans())
    def leave(self, which: int, *, whole: bool) -> None:
        key = self.some_work(which)

        async def pick_and_go(tx: Tx) -> None:
            if whole:
                await api.pick(tx, key)
            found = await api.get(tx, key)
            if found.method == "collect":
                await api.collect(tx, key)
            else:
                if whole:
                    await api.pack(tx, key)
                await api.hand_over(tx, key)

        self.do(pick_and_go)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, what=st.sampled_from(("hold", "resume", "begin", "put_back", "ready", "stop")))
    def step(self, which: int, what: str) -> None:
        key = self.some_work(which)
        steps: dict[str, Callable[[Tx], Awaitable[object]]] = {
            "hold": lambda tx: api.hold(tx, key, HoldReason.BUYER),
            "resume": lambda tx: api.resume(tx, key),
            "begin": lambda tx: api.begin(tx, key),
            "put_back": lambda tx: api.put_back(tx, key),
            "ready": lambda tx: api.ready(tx, key),
            "stop": lambda tx: api.stop(tx, key),
        }
        self.do(steps[what])

    @precondition(lambda self: self.orders)
    @rule(which=whiches, place=places, lines=line_units)
    def move(self, which: int, place: str, lines: list[LineUnits] | None) -> None:
        key = self.some_work(which)
        self.do(lambda tx: api.move(tx, key, self.shop.locations[place], lines))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, lines=line_units, merge=st.booleans())
    def split_and_merge(self, which: int, lines: list[LineUnits] | None, *, merge: bool) -> None:
        key = self.some_work(which)
        other = self.do(lambda tx: api.split(tx, key, lines or [LineUnits(1, 1)]))
        if other is not None and merge:
            self.do(lambda tx: api.merge(tx, [key, other.id]))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, line_no=st.integers(1, 2), quantity=units, whole=st.booleans())
    def cancel(self, which: int, line_no: int, quantity: int, *, whole: bool) -> None:
        order_id = self.orders[which % len(self.orders)]
        self.do(lambda tx: orders.cancel(tx, order_id, None if whole else [LineQuantity(line_no, quantity)], "asked"))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, place=places)
    def ship_past_it(self, which: int, place: str) -> None:
        order_id = self.orders[which % len(self.orders)]
        self.do(lambda tx: orders.ship(tx, order_id, self.shop.locations[place], None))

    @rule(sku=skus, place=places, quantity=st.integers(-4, 6).filter(bool))
    def receive(self, sku: str, place: str, quantity: int) -> None:
        movement = Movement(EntryKind.ADJUSTED, self.skus[sku], self.shop.locations[place], on_hand=quantity, reason="test")
        self.do(lambda tx: inventory.record(tx, [movement]))

    @rule(sku=skus, place=places, counted=st.integers(0, 6))
    def count(self, sku: str, place: str, counted: int) -> None:
        self.do(lambda tx: inventory.count(tx, self.shop.locations[place], [Counted(self.skus[sku], counted)]))


def test_whatever_is_promised_is_somebodys_work(database_url: str) -> None:
    with asyncio.Runner() as runner:
        shop = Shop(Database(database_url, max_connections=3))
        runner.run(_open(shop))
        bound = type("BoundMachine", (Machine,), {"shop": shop, "loop": runner.get_loop(), "serial": itertools.count()})
        try:
            run_state_machine_as_test(bound, settings=settings(max_examples=examples(8), stateful_step_count=25, deadline=None))
        finally:
            runner.run(shop.database.close())


async def _open(shop: Shop) -> None:
    await shop.database.open()
    await shop.market()
    for code in PLACES:
        kind = LocationKind.STORE if code == "store" else LocationKind.WAREHOUSE
        await shop.location(code, kind, pickup=code == "store")
    await shop.channel("web", PLACES, backorder=True)
    await shop.channel("phone", PLACES, backorder=True)
    async with shop.database.transaction() as tx:
        rules = Rules(condition=Condition(channels=("web",)), ratings=(Weight(Rating.PARCELS), Weight(Rating.COVER)), safety=1)
        made = await routing.create(tx, RuleSetDraft(code="cover", rules=rules))
        await routing.move(tx, made.id, RuleSetState.LIVE)
    await shop.settle()
