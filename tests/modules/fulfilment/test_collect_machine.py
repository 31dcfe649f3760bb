"""A machine that does anything to what is collected, in any order: units and money are right after each step.

Every unit is in stock, with a buyer, or on its way to a counter; and what a buyer was granted is what they have paid beyond
what they keep.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from comptoir.kernel.errors import Refusal
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import (
    BackReason,
    Checked,
    CollectionTerms,
    Fulfilment,
    HandingOver,
    LineUnits,
    Method,
    Stage,
)
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Charge, OrderId, Placed
from comptoir.runtime.database import Database, Tx
from comptoir.sdk.orders import LineKind
from comptoir.surfaces import collecting
from comptoir.surfaces.collecting import PaidBy, Tender
from support.counter import paid
from support.effort import examples
from support.shop import Shop

T = TypeVar("T")

PLACES = ("store", "paris")
PRICE, FEE, THERE = 333, 100, 12
units = st.integers(1, 3)
whiches = st.integers(0, 20)
parts = st.one_of(st.none(), st.integers(1, 2))
GIVEN = HandingOver(collector="Camille", checked=Checked.ID_CARD)


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
        number = next(self.serial)
        self.skus = {place: f"{place}-{number}" for place in PLACES}
        for place, sku in self.skus.items():
            self.run(self.shop.product(sku, PRICE, stock={place: THERE}))

    def do(self, work: Callable[[Tx], Awaitable[T]]) -> T | None:
        async def attempt() -> T | None:
            result: T | None = None
            with contextlib.suppress(Refusal):
                async with self.shop.database.transaction() as tx:
                    result = await work(tx)
            await self.shop.settle()
            await self.shop.doctors()
            await self.units_are_somewhere()
            for order_id in self.orders:
                await self.money_is_right(order_id)
            return result

        return self.run(attempt())

    async def units_are_somewhere(self) -> None:
        """In stock, with a buyer, or on their way to the counter: nothing is lost, and nothing is there twice."""
        on_hand = dict.fromkeys(self.skus.values(), 0)
        for sku in on_hand:
            for place in PLACES:
                on_hand[sku] += (await self.shop.level(sku, place)).on_hand
        for order_id in self.orders:
            names = {line.line_no: line.sku for line in (await self.shop.order(order_id)).lines}
            for one in await self.shop.work(order_id):
                for line in one.lines:
                    sku = names[line.line_no]
                    if sku is None or one.method is Method.SEND_TO_STORE:
                        continue
                    on_hand[sku] += line.quantity if one.method is Method.HAND_OUT else line.gone
        assert set(on_hand.values()) == {THERE}, on_hand

    async def money_is_right(self, order_id: OrderId) -> None:
        async with self.shop.database.read() as reader:
            there = await orders.standing(reader, order_id)
            order = await orders.order(reader, order_id)
            assert there.granted in {0, there.owed_to_buyer}, there
            for one in await self.shop.work(order_id):
                if one.stage is Stage.READY:
                    due = await api.to_pay(reader, one.id)
                    assert 0 <= due.due <= due.whole == there.owed_by_buyer, (due, there)
        if order.cancelled + order.returned == order.quantity:
            assert there.value == 0, there

    def waiting(self, which: int) -> Fulfilment | None:
        """One of those that are not done; what is ready first."""

        async def every() -> list[Fulfilment]:
            return [one for order_id in self.orders for one in await self.shop.work(order_id)]

        found = [one for one in self.run(every()) if one.stage not in {Stage.DONE, Stage.CANCELLED}]
        ready = [one for one in found if one.stage is Stage.READY]
        some = ready if ready and which % 3 else found
        return some[which % len(some)] if some else None

    @rule(place=st.sampled_from(PLACES), quantity=units, before=st.booleans(), wrapped=st.booleans())
    def order(self, place: str, quantity: int, *, before: bool, wrapped: bool) -> None:
        total = PRICE * quantity + (FEE if wrapped else 0)
        more: dict[str, Any] = {"payments": paid(total)} if before else {}
        charges = (Charge(LineKind.FEE, "Gift wrap", FEE),) if wrapped else ()
        request = self.shop.placement(
            "web",
            {self.skus[place]: quantity},
            pickup_location_id=self.shop.locations["store"],
            charges=charges,
            **more,
        )

        async def placed(tx: Tx) -> OrderId:
            (answer,) = await orders.capture(tx, [request])
            if isinstance(answer, Refusal):
                raise answer
            assert isinstance(answer, Placed)
            return answer.id

        made = self.do(placed)
        if made is not None:
            self.orders.append(made)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, steps=st.sampled_from((1, 5, 5)))
    def go_on(self, which: int, steps: int) -> None:
        """Whatever comes next on the way to the counter, once or until it is there."""
        first = self.waiting(which)
        for _ in range(steps if first is not None else 0):
            assert first is not None
            found = [one for one in self.run(self.shop.work(first.order_id)) if one.stage not in {Stage.DONE, Stage.CANCELLED}]
            if not found or found[0].stage is Stage.READY:
                return
            self.do(lambda tx, one=found[0]: _step(tx, one))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, part=parts, pays=st.booleans())
    def hand_out(self, which: int, part: int | None, *, pays: bool) -> None:
        one = self.waiting(which)
        if one is None:
            return
        lines = None if part is None else [LineUnits(1, part)]

        async def step(tx: Tx) -> None:
            if pays and (await api.to_pay(tx, one.id, lines)).due:
                await collecting.take(tx, one.id, lines, Tender(method=PaidBy.CASH))
            await api.hand_out(tx, one.id, lines, GIVEN)

        self.do(step)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, part=parts, reason=st.sampled_from((BackReason.REFUSED, BackReason.DAMAGED)))
    def refuse(self, which: int, part: int | None, reason: BackReason) -> None:
        one = self.waiting(which)
        if one is not None:
            lines = None if part is None else [LineUnits(1, part)]
            self.do(lambda tx: collecting.give_back(tx, one.id, lines, reason))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, extended=st.booleans())
    def time_passes(self, which: int, *, extended: bool) -> None:
        one = self.waiting(which)
        if one is None:
            return
        if extended:
            self.do(lambda tx: api.extend_for_buyer(tx, one.id))

        async def later(tx: Tx) -> None:
            await tx.run(
                "UPDATE fulfilment.collections SET waits_until = waits_until - interval '9 days' WHERE fulfilment_id = %(id)s",
                {"id": one.id},
            )

        self.do(later)
        while self.do(collecting.give_back_overdue):
            pass

    @precondition(lambda self: self.orders)
    @rule(which=whiches)
    def put_back(self, which: int) -> None:
        one = self.waiting(which)
        if one is not None:
            self.do(lambda tx: api.put_back(tx, one.id))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, waits=st.booleans())
    def stand_outside(self, which: int, *, waits: bool) -> None:
        one = self.waiting(which)
        if one is not None:
            self.do(lambda tx: api.buyer_here(tx, one.id, car="red", waits=waits))


async def _step(tx: Tx, one: Fulfilment) -> None:
    if one.stage is Stage.TO_PICK:
        await api.pick(tx, one.id)
    elif one.method is not Method.SEND_TO_STORE:
        await api.ready(tx, one.id)
    elif one.stage is Stage.TO_PACK:
        await api.pack(tx, one.id)
    else:
        await api.hand_over(tx, one.id)


def test_units_and_money_are_right_whatever_happens_at_the_counter(database_url: str) -> None:
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
    await shop.channel("web", PLACES)
    async with shop.database.transaction() as tx:
        await api.put_terms(tx, CollectionTerms(days=7, curbside=True))
    await shop.settle()
