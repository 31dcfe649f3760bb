"""A machine that does anything to orders and their fulfilment in any order, while facts happen to stock beside it.

After each step whatever is promised is somebody's work, unit by unit, what is packed is in the boxes that are here, and all
doctors are content. Each step names what it may be refused with; and whatever has happened, somebody can always go on.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from comptoir.kernel.errors import Refusal
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentId,
    Handshake,
    HoldReason,
    LineUnits,
    Method,
    Parcel,
    ParcelDraft,
    RejectReason,
    State,
)
from comptoir.modules.fulfilment.errors import (
    AtThirdParty,
    BoxRecalled,
    NothingToDo,
    NotInThatState,
    NotPicked,
    NotRecalled,
    NotThatMany,
    UnknownFulfilment,
)
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Counted, EntryKind, Movement
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Fill, LineQuantity, OrderId, Placed, Tracking
from comptoir.modules.orders.errors import NotReservedThere, QuantityNotOpen, UnknownLine
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
NOBODYS = FulfilmentId(UUID(int=0))
UNITS = (UnknownFulfilment, NotInThatState, NotThatMany, NothingToDo)
"""What a step that names units is refused with: nothing is there, not now, not so many, nothing at all."""


class _UndoneError(Exception):
    """Nothing of what was tried is kept."""


async def leave_the_house(tx: Tx, one: Fulfilment) -> None:
    """Takes a fulfilment order, as it is, out of the house with steps that people take. Refusals are faults."""
    if one.state is State.ON_HOLD:
        await api.resume(tx, one.id)
    for box in await api.parcels(tx, [one.id]):
        if box.recalled:
            await api.take_recalled(tx, one.id, box.id)
    if one.state not in ACTIVE:
        return
    if one.picked < one.quantity:
        await api.pick(tx, one.id)
    if one.method in {Method.COLLECT, Method.HAND_OUT}:
        await api.ready(tx, one.id)
        await api.collect(tx, one.id)
    else:
        if any(line.picked > line.packed for line in (await api.get(tx, one.id)).lines):
            await api.pack(tx, one.id)
        await api.hand_over(tx, one.id)
    assert (await api.get(tx, one.id)).state is State.CLOSED


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

    def do(self, work: Callable[[Tx], Awaitable[T]], *expected: type[Refusal]) -> T | None:
        """What comes of it; None where it is refused with one of these, which changes nothing."""

        async def attempt() -> T | None:
            result: T | None = None
            try:
                async with self.shop.database.transaction() as tx:
                    result = await work(tx)
            except expected:
                pass
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
            await self.is_in_its_boxes(one)
            if one.state in ACTIVE:
                assert any(line.open for line in one.lines), one
                for line in one.lines:
                    there[line.line_no, codes[one.location_id]] += line.open
            elif one.state is State.CLOSED:
                assert one.gone == one.quantity > 0, one
        assert +there == Counter(await self.shop.reserved(order_id))

    async def is_in_its_boxes(self, one: Fulfilment) -> None:
        """What is packed and has not gone is what is wanted of the boxes that are here."""
        async with self.shop.database.read() as reader:
            boxes = [box for box in await api.parcels(reader, [one.id]) if box.shipment_id is None]
        inside: Counter[int] = Counter()
        for box in boxes:
            assert box.lines or box.recalled, box
            assert bool(box.recalled) == (box.recalled_at is not None), box
            inside.update(dict(box.lines))
        assert inside == +Counter({line.line_no: line.packed - line.gone for line in one.lines}), (one, boxes)

    async def every_work(self) -> list[Fulfilment]:
        return [one for order_id in self.orders for one in await self.shop.work(order_id)]

    def some_work(self, which: int) -> FulfilmentId:
        found = self.run(self.every_work())
        active = [one.id for one in found if one.state in ACTIVE] or [one.id for one in found]
        return active[which % len(active)] if active else NOBODYS

    def some_box(self, which: int) -> Parcel | None:
        async def every() -> list[Parcel]:
            works = await self.every_work()
            async with self.shop.database.read() as reader:
                found = await api.parcels(reader, [one.id for one in works])
            here = [box for box in found if box.shipment_id is None]
            return [box for box in here if box.recalled] or here or found

        found = self.run(every())
        return found[which % len(found)] if found else None

    @precondition(lambda self: self.orders)
    @rule()
    def somebody_can_go_on(self) -> None:
        """Whatever is open leaves the house by steps that are accepted, and each box can be opened; none of it is kept."""

        async def all_of_it() -> None:
            for one in await self.every_work():
                with pytest.raises(_UndoneError):
                    async with self.shop.database.transaction() as tx:
                        await leave_the_house(tx, one)
                        raise _UndoneError

        self.run(all_of_it())

    def teardown(self) -> None:
        if self.orders:
            self.somebody_can_go_on()

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
        self.do(lambda tx: api.pick(tx, key, lines), *UNITS)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, line_no=st.integers(1, 2), quantity=units)
    def unpick(self, which: int, line_no: int, quantity: int) -> None:
        key = self.some_work(which)
        self.do(lambda tx: api.unpick(tx, key, [LineUnits(line_no, quantity)]), *UNITS)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, sku=skus)
    def scan(self, which: int, sku: str) -> None:
        key = self.some_work(which)
        self.do(lambda tx: api.scan(tx, key, self.skus[sku]), UnknownFulfilment, NotInThatState)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, lines=line_units, reason=st.sampled_from(RejectReason))
    def reject(self, which: int, lines: list[LineUnits] | None, reason: RejectReason) -> None:
        key = self.some_work(which)
        self.do(lambda tx: api.reject(tx, key, lines, reason), *UNITS)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, lines=line_units)
    def pack(self, which: int, lines: list[LineUnits] | None) -> None:
        key = self.some_work(which)
        self.do(lambda tx: api.pack(tx, key, ParcelDraft(lines=tuple(lines or ()))), *UNITS, NotPicked)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, what=st.sampled_from(("unpack", "take_out", "scan", "leave")), sku=skus, quantity=units)
    def box(self, which: int, what: str, sku: str, quantity: int) -> None:
        """Something is done with one box: it is opened, what is recalled is taken out, or it leaves while others stay."""
        box = self.some_box(which)
        if box is None:
            return
        key = box.fulfilment_id
        part = [LineUnits(no, min(quantity, units)) for no, units in box.recalled[:1]]
        match what:
            case "unpack":
                self.do(lambda tx: api.unpack(tx, key, box.id), NotInThatState)
            case "take_out":
                self.do(lambda tx: api.take_recalled(tx, key, box.id, part or None), NotInThatState, NothingToDo)
            case "scan":
                self.do(lambda tx: api.scan_recalled(tx, key, box.id, self.skus[sku]), NotInThatState, NotRecalled)
            case _:
                leaving = {box.id: Tracking("acme", f"1Z{box.number}")}
                self.do(lambda tx: api.hand_over(tx, key, leaving), NotInThatState, NotPicked, BoxRecalled)

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

        self.do(pick_and_go, *UNITS, NotPicked, BoxRecalled)

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
        self.do(steps[what], UnknownFulfilment, NotInThatState, NotPicked)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, said=st.sampled_from(Handshake))
    def say(self, which: int, said: Handshake) -> None:
        """A third party is asked, or answers: what it gives back is somebody else's work."""
        key = self.some_work(which)
        after = self.do(lambda tx: api.say(tx, key, said), UnknownFulfilment, NotInThatState)
        if after is not None and said in {Handshake.REJECT, Handshake.ACCEPT_CANCELLATION}:
            assert after.state in {State.CANCELLED, State.CLOSED}, after

    @precondition(lambda self: self.orders)
    @rule(which=whiches, place=places, lines=line_units)
    def move(self, which: int, place: str, lines: list[LineUnits] | None) -> None:
        key = self.some_work(which)
        refused = (*UNITS, AtThirdParty, InsufficientStock, NotReservedThere)
        self.do(lambda tx: api.move(tx, key, self.shop.locations[place], lines), *refused)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, lines=line_units, merge=st.booleans())
    def split_and_merge(self, which: int, lines: list[LineUnits] | None, *, merge: bool) -> None:
        key = self.some_work(which)
        other = self.do(lambda tx: api.split(tx, key, lines or [LineUnits(1, 1)]), *UNITS)
        if other is not None and merge:
            self.do(lambda tx: api.merge(tx, [key, other.id]))  # they were one a moment ago

    @precondition(lambda self: self.orders)
    @rule(which=whiches, line_no=st.integers(1, 2), quantity=units, whole=st.booleans())
    def cancel(self, which: int, line_no: int, quantity: int, *, whole: bool) -> None:
        order_id = self.orders[which % len(self.orders)]
        lines = None if whole else [LineQuantity(line_no, quantity)]
        self.do(lambda tx: orders.cancel(tx, order_id, lines, "asked"), QuantityNotOpen, UnknownLine)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, place=places, whole=st.booleans())
    def ship_past_it(self, which: int, place: str, *, whole: bool) -> None:
        order_id = self.orders[which % len(self.orders)]
        lines = None if whole else [LineQuantity(1, 1)]
        self.do(lambda tx: orders.ship(tx, order_id, self.shop.locations[place], lines), NotReservedThere, QuantityNotOpen)

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
