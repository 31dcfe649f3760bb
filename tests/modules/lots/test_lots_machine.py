"""Whatever happens to goods with lots, in any order: what is in lots is there, and what nobody may get is held and stays."""
# pyright: reportUninitializedInstanceVariable=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, datetime, timedelta
from typing import ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from comptoir.kernel.errors import Refusal
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, LineUnits
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Absence, Adjustment, AdjustReason, Disposition, Quantity, Settled, TransferId
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import api
from comptoir.modules.lots.contracts import Look, Named, Shelf, ShelfFilter, Terms, Tracks
from comptoir.modules.lots.domain import why_not
from comptoir.modules.lots.errors import LotRefused
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId, ReturnLine
from comptoir.runtime.database import Database, Tx
from support.effort import examples
from support.shop import Shop

T = TypeVar("T")
MILK = "MILK"
TERMS = Terms(MILK, Tracks.LOT, shelf_life_left=2, transit_days=1)
LASTS = {"A": 2, "B": 6, "C": 30, "D": None}
"""The lots, and in how many days they expire."""
EMPTY = (
    "TRUNCATE lots.shelves, lots.entries, lots.picks, lots.carried, lots.lots, inventory.levels, inventory.entries, "
    "inventory.reservations, inventory.transfers, inventory.transfer_lines, inventory.transfer_tallies, fulfilment.orders, "
    "fulfilment.lines CASCADE"
)
codes = st.sampled_from(sorted(LASTS))
sites = st.sampled_from(("store", "other"))
some = st.integers(1, 5)
picks = st.integers(0, 99)


class Lots(RuleBasedStateMachine):
    runner: ClassVar[asyncio.Runner]
    shop: ClassVar[Shop]
    count: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        self.clock = utcnow()
        self.began = self.clock.date()
        self.roads: list[TransferId] = []
        self.lost: list[TransferId] = []
        self.all: list[TransferId] = []
        self.out: list[tuple[OrderId, LocationId, int, str]] = []
        self.blocked: set[str] = set()
        self.do(lambda tx: tx.run(EMPTY))
        self.do(lambda tx: api.put_terms(tx, [TERMS]))

    def do(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        async def run() -> T:
            async with self.shop.database.transaction() as tx:
                tx.now = self.clock
                return await work(tx)

        return self.runner.run(run())

    def day_of(self, code: str) -> date | None:
        lasts = LASTS[code]
        return None if lasts is None else self.began + timedelta(days=lasts)

    def barred(self, code: str) -> bool:
        return why_not(self.day_of(code), TERMS, self.clock.date(), blocked=code in self.blocked) is not None

    def shelves(self) -> list[Shelf]:
        return self.do(lambda tx: api.find(tx, ShelfFilter(sku=MILK), limit=200)).items

    # What happens

    @rule(site=sites, units=some, code=st.none() | codes)
    def receive(self, site: str, units: int, code: str | None) -> None:
        place = self.shop.locations[site]

        async def work(tx: Tx) -> None:
            await inventory.receive(tx, place, [Quantity(MILK, units)])
            if code is not None:
                await api.name(tx, place, [Named(MILK, units, code, self.day_of(code))])

        self.do(work)

    @rule(site=sites, units=some)
    def go_without_a_word(self, site: str, units: int) -> None:
        place = self.shop.locations[site]

        async def work(tx: Tx) -> None:
            level = (await inventory.lock_levels(tx, [(MILK, place)]))[MILK, place]
            gone = min(units, max(0, level.available))
            if gone:
                await inventory.adjust(tx, place, [Adjustment(MILK, delta=-gone)], AdjustReason.THEFT)

        self.do(work)

    @rule(units=st.integers(1, 2), code=codes)
    def sell_and_send(self, units: int, code: str) -> None:
        """What the shelf proposes goes along; a lot that nobody may get is refused."""
        try:
            placed = self.runner.run(self.shop.place("web", {MILK: units}))
        except InsufficientStock:
            return
        self.runner.run(self.shop.settle())
        for one in self.runner.run(self.shop.work(placed.id)):
            n = one.lines[0].quantity
            took = self._pick(one, n, code)
            self.out.append((placed.id, one.location_id, n, took))
        self.runner.run(self.shop.settle())

    def _pick(self, one: Fulfilment, n: int, code: str) -> str:
        place, line_no = one.location_id, one.lines[0].line_no

        async def work(tx: Tx) -> str:
            await fulfilment.pick(tx, one.id, [LineUnits(line_no, n)])
            if self.barred(code) and any(row.code == code for row in (await api.find(tx, ShelfFilter(sku=MILK))).items):
                with pytest.raises(LotRefused):
                    await api.pick(tx, one.id, line_no, code, n, self.day_of(code))
            first = (await api.proposed(tx, place, [MILK], self.clock.date())).get(MILK, [])
            took = first[0].code if first and first[0].on_hand - first[0].held >= n else ""
            if took:
                await api.pick(tx, one.id, line_no, took, n)
            await orders.ship(tx, one.order_id, place, None)
            return took

        took = self.do(work)
        assert not took or not self.barred(took)
        return took

    @precondition(lambda self: bool(self.out))
    @rule(pick=picks, code=codes)
    def come_back(self, pick: int, code: str) -> None:
        order_id, place, units, took = self.out.pop(pick % len(self.out))
        read = took or code

        async def work(tx: Tx) -> None:
            await orders.take_back(tx, order_id, place, [ReturnLine(1, units, Disposition.QUALITY)], "r")
            looks = [Look(MILK, units, read, self.day_of(read), order_id)]
            if self.barred(read):
                with pytest.raises(LotRefused):
                    await api.looked_at(tx, place, looks)
                await inventory.release_quality(tx, place, [Quantity(MILK, units)], damaged=True)
                await inventory.write_off_damaged(tx, place, [Quantity(MILK, units)])
                return
            told = await api.looked_at(tx, place, looks)
            await inventory.release_quality(tx, place, [Quantity(MILK, units)])
            await api.on_the_shelf_again(tx, place, told)

        self.do(work)

    @rule(origin=sites, units=some, code=st.none() | codes)
    def send(self, origin: str, units: int, code: str | None) -> None:
        here = self.shop.locations[origin]
        there = self.shop.locations["other" if origin == "store" else "store"]

        async def work(tx: Tx) -> TransferId | None:
            made = await inventory.create_transfer(tx, here, there, [Quantity(MILK, units)])
            lying = {row.code: row.on_hand - row.held for row in (await api.find(tx, ShelfFilter(sku=MILK))).items
                     if row.location_id == here}  # fmt: skip
            sent = await inventory.send_transfer(tx, made.id)
            n = min(units, lying.get(code or "", 0))
            said = [Named(MILK, n, code, self.day_of(code))] if code is not None and n else []
            await api.follow_transfer(tx, sent, said)
            return made.id

        try:
            made = self.do(work)
        except InsufficientStock:
            return
        except LotRefused:
            if code is None or not self.barred(code):
                raise
            return
        assert made is not None
        self.roads.append(made)
        self.all.append(made)
        for row in self.do(lambda tx: api.carried(tx, made)):
            assert not row.code or not self.barred(row.code), "nothing that nobody may get is sent anywhere"

    @precondition(lambda self: bool(self.roads))
    @rule(pick=picks, units=some, close=st.booleans(), code=st.none() | codes)
    def arrive(self, pick: int, units: int, *, close: bool, code: str | None) -> None:
        transfer_id = self.roads[pick % len(self.roads)]

        async def work(tx: Tx) -> bool:
            before = await inventory.transfer(tx, transfer_id)
            n = min(units, before.lines[0].open)
            after = await inventory.receive_transfer(tx, transfer_id, [Quantity(MILK, n)] if n else [], close=close or not n)
            said = [Named(MILK, n, code, self.day_of(code))] if code is not None and n else []
            await api.follow_transfer(tx, after, said)
            await api.follow_transfer(tx, after)
            return after.lines[0].open == 0

        if self.do(work):
            self.roads.remove(transfer_id)

    @precondition(lambda self: bool(self.roads))
    @rule(pick=picks, units=some, fate=st.sampled_from(Absence))
    def not_arrive(self, pick: int, units: int, fate: Absence) -> None:
        """What never left is on the shelf again at the origin, and has been counted."""
        transfer_id = self.roads[pick % len(self.roads)]

        async def work(tx: Tx) -> bool:
            before = await inventory.transfer(tx, transfer_id)
            n = min(units, before.lines[0].open)
            if not n:
                return True
            after = await inventory.settle_transfer(tx, transfer_id, [Settled(MILK, n, fate)])
            await api.follow_transfer(tx, after)
            if fate is Absence.NEVER_SENT:
                await inventory.release_quality(tx, before.from_location_id, [Quantity(MILK, n)])
            else:
                self.lost.append(transfer_id)
            return after.lines[0].open == 0

        if self.do(work):
            self.roads.remove(transfer_id)

    @precondition(lambda self: bool(self.lost))
    @rule(pick=picks, units=some)
    def turn_up(self, pick: int, units: int) -> None:
        transfer_id = self.lost[pick % len(self.lost)]

        async def work(tx: Tx) -> int:
            missing = (await inventory.transfer(tx, transfer_id)).lines[0].missing
            n = min(units, missing)
            if n:
                await api.follow_transfer(tx, await inventory.find_lost(tx, transfer_id, [Quantity(MILK, n)]))
            return missing - n

        if not self.do(work):
            self.lost = [one for one in self.lost if one != transfer_id]

    @rule(code=codes)
    def recall(self, code: str) -> None:
        try:
            self.do(lambda tx: api.block(tx, MILK, code))
        except Refusal:
            return
        self.blocked.add(code)

    @precondition(lambda self: bool(self.blocked))
    @rule(pick=picks)
    def end_the_recall(self, pick: int) -> None:
        code = sorted(self.blocked)[pick % len(self.blocked)]
        self.do(lambda tx: api.unblock(tx, MILK, code))
        self.blocked.discard(code)

    @rule(days=st.integers(1, 3))
    def time_passes(self, days: int) -> None:
        self.clock: datetime = self.clock + timedelta(days=days)

    @precondition(lambda self: any(self.barred(row.code) for row in self.shelves()))
    @rule(pick=picks)
    def throw_away(self, pick: int) -> None:
        rows = [row for row in self.shelves() if self.barred(row.code)]
        one = rows[pick % len(rows)]
        self.do(lambda tx: api.write_off(tx, one.location_id, MILK, one.code, one.on_hand))

    # What always holds

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "clock"):
            return
        self.do(api.review)

        async def look(tx: Tx) -> None:
            assert await api.audit(tx) == []
            assert (await inventory.audit(tx)).clean
            shelves = (await api.find(tx, ShelfFilter(sku=MILK), limit=200)).items
            for place in self.shop.locations.values():
                here = [one for one in shelves if one.location_id == place]
                level = (await inventory.lock_levels(tx, [(MILK, place)]))[MILK, place]
                assert sum(one.on_hand for one in here) <= max(0, level.on_hand)
                assert level.quality == sum(one.held for one in here)
                for one in here:
                    assert one.held == (one.on_hand if self.barred(one.code) else 0), one

            for transfer_id in self.all:
                (line,) = (await inventory.transfer(tx, transfer_id)).lines
                road = await api.carried(tx, transfer_id)
                assert sum(one.received for one in road) == line.received
                assert sum(one.missing for one in road) == line.missing
                assert sum(one.sent for one in road) == line.quantity - line.unsent
                known = sum(one.open for one in road)
                assert known >= line.open, "a lot that came without having been sent leaves another open"

        self.do(look)


@pytest.fixture
def machine(database_url: str) -> Iterator[type[Lots]]:
    async def made(database: Database) -> Shop:
        await database.open()
        shop = Shop(database)
        await shop.market()
        await shop.location("store")
        await shop.location("other")
        await shop.channel("web", ["store", "other"])
        await shop.product(MILK, 300)
        await shop.settle()
        return shop

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        database = Database(database_url, max_connections=4)
        Lots.runner, Lots.shop = runner, runner.run(made(database))
        yield Lots
        runner.run(database.close())


def test_lots_agree_with_levels_whatever_is_done(machine: type[Lots]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples(10),
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
