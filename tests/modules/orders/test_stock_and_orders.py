"""A machine that does anything to orders and stock in any order, on the real database, with both doctors after each step."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from comptoir.kernel.errors import Refusal
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Disposition, EntryKind, HoldId, Movement
from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import Fact, Fill, Held, LineQuantity, OrderId, Placed, ReturnLine
from comptoir.runtime.database import Database, Tx
from support.effort import examples
from support.shop import Shop, sold

T = TypeVar("T")

SKUS = ("TEA", "CUP")
PLACES = ("paris", "lyon", "store")
units = st.integers(1, 4)
skus = st.sampled_from(SKUS)
places = st.sampled_from(PLACES)
baskets = st.dictionaries(skus, units, min_size=1)


class Crash(Exception):  # noqa: N818 - what happens to a process
    """The process dies before the commit."""


class Machine(RuleBasedStateMachine):
    """What the world knows: acknowledged orders, holds and reports. Everything else is asked of the database."""

    loop: asyncio.AbstractEventLoop
    shop: Shop
    serial: itertools.count[int]

    def __init__(self) -> None:
        super().__init__()
        self.database = self.shop.database
        self.orders: list[OrderId] = []
        self.holds: list[HoldId] = []
        self.facts: list[Fact] = []
        self.skus: dict[str, str] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize()
    def open_shop(self) -> None:
        """Each run has SKUs of its own, so that it begins with known levels and without emptying tables."""
        self.skus = {sku: f"{sku}-{next(self.serial)}" for sku in SKUS}
        for sku in self.skus.values():
            self.run(self.shop.product(sku, 333, stock={"paris": 6, "lyon": 3, "store": 3}))

    def teardown(self) -> None:
        """Whatever was broken is mended by enough stock."""
        for sku in self.skus.values():
            for place in PLACES:
                self.run(self.shop.receive(sku, place, 500))
        self.do(lambda tx: api.review(tx, self.shop.pool_of), crash=False)
        assert self.run(self.shop.open_exceptions()) == []

    def basket(self, basket: dict[str, int]) -> dict[str, int]:
        return {self.skus[sku]: quantity for sku, quantity in basket.items()}

    def do(self, work: Callable[[Tx], Awaitable[T]], *, crash: bool) -> T | None:
        """Runs it in a transaction that commits, is refused, or crashes at its end; then the doctors come."""

        async def attempt() -> T | None:
            result: T | None = None
            with contextlib.suppress(Refusal, Crash):
                async with self.database.transaction() as tx:
                    result = await work(tx)
                    if crash:
                        await tx.flush_events()
                        result = None
                        raise Crash
            await self.shop.doctors()
            await self.promises_are_kept_or_told()
            return result

        return self.run(attempt())

    async def promises_are_kept_or_told(self) -> None:
        """Each unit that is missing anywhere was told: nothing is promised twice without a word."""
        async with self.database.read() as reader:
            for sku in self.skus.values():
                for code in PLACES:
                    spot = (sku, self.shop.locations[code])
                    level = (await inventory.levels_at(reader, [spot]))[spot]
                    if level.missing:
                        told = await reader.value(
                            "SELECT count(*) FROM runtime.events WHERE type = 'stock.short' AND data ->> 'sku' = %(sku)s "
                            "AND data ->> 'location_id' = %(location)s",
                            {"sku": sku, "location": str(spot[1])},
                        )
                        assert told, f"{level.missing} of {sku} are missing in {code}, and nobody was told"

    def an_order(self, data: st.DataObject) -> OrderId:
        return data.draw(st.sampled_from(self.orders))

    @rule(
        baskets=st.lists(baskets, min_size=1, max_size=3),
        channel=st.sampled_from(("web", "market")),
        fill=st.sampled_from(Fill),
        crash=st.booleans(),
        hurried=st.booleans(),
        data=st.data(),
    )
    def place(
        self, baskets: list[dict[str, int]], channel: str, fill: Fill, *, crash: bool, hurried: bool, data: st.DataObject
    ) -> None:
        hold_id = data.draw(st.sampled_from([None, *self.holds]))
        name = data.draw(st.sampled_from([None, f"{self.skus['TEA']}-a", f"{self.skus['TEA']}-b"]))
        requests = [
            self.shop.placement(channel, self.basket(basket), fill=fill, hold_id=None if n else hold_id, external_id=name)
            for n, basket in enumerate(baskets)
        ]
        answers = self.do(lambda tx: api.capture(tx, requests, hurried=hurried), crash=crash)
        placed = [answer.id for answer in answers or () if isinstance(answer, Placed)]
        assert name is None or len(placed) <= 1, "an order of a channel is placed once"
        self.orders += placed

    @rule(basket=baskets, crash=st.booleans(), hurried=st.booleans(), seconds=st.sampled_from((0, 600)))
    def hold(self, basket: dict[str, int], *, crash: bool, hurried: bool, seconds: int) -> None:
        request = self.shop.hold_request(
            "web", self.basket(basket), seconds=seconds, hold_id=self.holds[-1] if self.holds else None
        )
        answers = self.do(lambda tx: api.capture(tx, [request], hurried=hurried), crash=crash)
        self.holds += [answer.id for answer in answers or () if isinstance(answer, Held)]

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), crash=st.booleans())
    def end_hold(self, data: st.DataObject, *, crash: bool) -> None:
        hold_id = data.draw(st.sampled_from(self.holds))
        self.do(lambda tx: inventory.release_hold(tx, hold_id), crash=crash)

    @rule(crash=st.booleans())
    def expire(self, *, crash: bool) -> None:
        self.do(inventory.expire_holds, crash=crash)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), line_no=st.integers(1, 2), quantity=units, whole=st.booleans(), crash=st.booleans())
    def cancel(self, data: st.DataObject, line_no: int, quantity: int, *, whole: bool, crash: bool) -> None:
        order_id = self.an_order(data)
        lines = None if whole else [LineQuantity(line_no, quantity)]
        self.do(lambda tx: api.cancel(tx, order_id, lines, "asked"), crash=crash)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), line_no=st.integers(1, 2), quantity=units, whole=st.booleans(), crash=st.booleans())
    def release(self, data: st.DataObject, line_no: int, quantity: int, *, whole: bool, crash: bool) -> None:
        order_id = self.an_order(data)
        lines = None if whole else [LineQuantity(line_no, quantity)]
        self.do(lambda tx: api.release(tx, order_id, lines, "lost"), crash=crash)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), place=places, crash=st.booleans())
    def allocate(self, data: st.DataObject, place: str, *, crash: bool) -> None:
        order_id = self.an_order(data)
        self.do(lambda tx: api.allocate(tx, order_id, [self.shop.locations[place]]), crash=crash)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), line_no=st.integers(1, 2), quantity=units, there=places, here=places, crash=st.booleans())
    def move(self, data: st.DataObject, line_no: int, quantity: int, there: str, here: str, *, crash: bool) -> None:
        order_id = self.an_order(data)
        here_id, there_id = self.shop.locations[here], self.shop.locations[there]
        self.do(
            lambda tx: api.move(
                tx, order_id, line_no, quantity, from_location_id=here_id, to_location_id=there_id, reason="nearer"
            ),
            crash=crash,
        )

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), line_no=st.integers(1, 2), quantity=units, place=places, whole=st.booleans(), crash=st.booleans())
    def ship(self, data: st.DataObject, line_no: int, quantity: int, place: str, *, whole: bool, crash: bool) -> None:
        order_id = self.an_order(data)
        lines = None if whole else [LineQuantity(line_no, quantity)]
        self.do(lambda tx: api.ship(tx, order_id, self.shop.locations[place], lines), crash=crash)

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), line_no=st.integers(1, 2), quantity=units, place=places, what=st.sampled_from(Disposition))
    def take_back(self, data: st.DataObject, line_no: int, quantity: int, place: str, what: Disposition) -> None:
        order_id = self.an_order(data)
        lines = [ReturnLine(line_no, quantity, what)]
        self.do(lambda tx: api.take_back(tx, order_id, self.shop.locations[place], lines, "too small"), crash=False)

    @rule(basket=baskets, crash=st.booleans())
    def ring_up(self, basket: dict[str, int], *, crash: bool) -> None:
        fact = self.shop.reported("till", self.basket(basket), location="store", shipped=True)
        self._record(fact, crash=crash)

    @rule(basket=baskets, crash=st.booleans(), nearest=st.sampled_from((1, 2)))
    def report(self, basket: dict[str, int], nearest: int, *, crash: bool) -> None:
        self._record(self.shop.reported("market", self.basket(basket), nearest=nearest), crash=crash)

    @precondition(lambda self: self.facts)
    @rule(
        data=st.data(),
        crash=st.booleans(),
        location=st.one_of(st.none(), places),
        lines=st.lists(st.tuples(skus, units, st.integers(0, 2), st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=3),
    )
    def revise(
        self,
        data: st.DataObject,
        location: str | None,
        lines: list[tuple[str, int, int, int, int]],
        *,
        crash: bool,
    ) -> None:
        """A newer version with other lines, or an old one again."""
        old = data.draw(st.sampled_from(self.facts))
        version = data.draw(st.sampled_from([old.order.version, str(int(old.order.version) + 1)]))
        told = tuple(sold(self.skus[sku], n, 333, cancelled=c, shipped=s, returned=r) for sku, n, c, s, r in lines)
        at = None if location is None else self.shop.locations[location]
        self._record(replace(old, order=replace(old.order, version=version, lines=told), location_id=at), crash=crash)

    @precondition(lambda self: self.facts)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """Whatever was told before is told again: nothing happens."""
        fact = data.draw(st.sampled_from(self.facts))
        before = self.run(self.ledger())
        answers = self.do(lambda tx: api.record(tx, [fact]), crash=False)
        assert answers is not None
        assert [answer.outcome for answer in answers] == ["known"]
        assert self.run(self.ledger()) == before

    async def ledger(self) -> int:
        async with self.database.read() as reader:
            return int(await reader.value("SELECT count(*) FROM inventory.entries"))

    def _record(self, fact: Fact, *, crash: bool) -> None:
        answers = self.do(lambda tx: api.record(tx, [fact]), crash=crash)
        if answers is not None:
            self.facts.append(fact)
            self.orders += [answer.order_id for answer in answers if answer.outcome == "created"]

    @rule(sku=skus, place=places, quantity=st.integers(-4, 6).filter(bool), crash=st.booleans())
    def receive(self, sku: str, place: str, quantity: int, *, crash: bool) -> None:
        """Units come in, or turn out to be lost."""
        movement = Movement(EntryKind.ADJUSTED, self.skus[sku], self.shop.locations[place], on_hand=quantity, reason="test")
        self.do(lambda tx: inventory.record(tx, [movement]), crash=crash)

    @rule(crash=st.booleans())
    def mend(self, *, crash: bool) -> None:
        """Everything is looked at again: afterwards each missing unit is an open exception."""

        async def look(tx: Tx) -> bool:
            await api.review(tx, self.shop.pool_of)
            return True

        if self.do(look, crash=crash):
            self.run(self.all_is_told())

    async def all_is_told(self) -> None:
        open_now = await self.shop.open_exceptions()
        for sku in self.skus.values():
            for code in PLACES:
                location, level = self.shop.locations[code], await self.shop.level(sku, code)
                own = [one for one in open_now if (one.sku, one.location_id) == (sku, location)]
                assert level.missing == sum(one.quantity for one in own if one.kind == "shortfall")
                assert [one.quantity for one in own if one.kind == "negative_stock"] == (
                    [-level.on_hand] if level.on_hand < 0 else []
                )


def test_orders_and_stock_add_up_whatever_happens(database_url: str) -> None:
    with asyncio.Runner() as runner:
        shop = Shop(Database(database_url, max_connections=2))
        runner.run(_open(shop))
        bound = type("BoundMachine", (Machine,), {"shop": shop, "loop": runner.get_loop(), "serial": itertools.count()})
        try:
            run_state_machine_as_test(
                bound, settings=settings(max_examples=examples(10), stateful_step_count=25, deadline=None)
            )
        finally:
            runner.run(shop.database.close())


async def _open(shop: Shop) -> None:
    await shop.database.open()
    await shop.market()
    for code in PLACES:
        await shop.location(code)
    await shop.channel("web", PLACES, backorder=True)
    await shop.channel("market", PLACES[:2])
    await shop.channel("till", ["store"])
