"""Transfers under whatever people do to them: no unit is made, and none is lost that nobody has written off.

Random plans are picked, short or whole, packed or sent straight from the office; they arrive in parts, scanned by some and
typed by others, with damaged ones, ones that nobody sent, ones that were lost, never sent, and found again. After each step,
of each SKU, what is on hand anywhere, on the road and lost is what there was; and the doctor, who adds up the ledger, finds
nothing.
"""
# pyright: reportUninitializedInstanceVariable=false

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import (
    Absence,
    Damaged,
    DamageReason,
    LevelFilter,
    Quantity,
    Settled,
    Taken,
    Transfer,
    TransferId,
    TransferState,
)
from comptoir.modules.inventory.errors import NothingPicked, QuantityTooLarge, TransferStateRefused
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Database, Tx
from modules.inventory.stocking import places
from support.effort import examples

T = TypeVar("T")
SKUS = ("A", "B", "C")
EMPTY = (
    "TRUNCATE inventory.levels, inventory.entries, inventory.transfers, inventory.transfer_lines, inventory.transfer_tallies, "
    "runtime.events"
)

skus = st.sampled_from(SKUS)
some = st.integers(1, 5)
picks = st.integers(0, 99)
damages = st.sampled_from(DamageReason)


class Transfers(RuleBasedStateMachine):
    runner: ClassVar[asyncio.Runner]
    database: ClassVar[Database]
    sites: ClassVar[list[LocationId]]

    @initialize(units=st.lists(st.integers(0, 12), min_size=9, max_size=9))
    def begin(self, units: list[int]) -> None:
        self.ids: list[TransferId] = []
        self.total = Counter(dict.fromkeys(SKUS, 0))
        self.lost: Counter[str] = Counter()

        async def fill() -> None:
            async with self.database.transaction() as tx:
                await tx.run(EMPTY)
                for n, quantity in enumerate(units):
                    if quantity:
                        await api.receive(tx, self.sites[n % 3], [Quantity(SKUS[n // 3], quantity)])

        self.runner.run(fill())
        for n, quantity in enumerate(units):
            self.total[SKUS[n // 3]] += quantity

    def do(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        async def run() -> T:
            async with self.database.transaction() as tx:
                return await work(tx)

        return self.runner.run(run())

    def one(self, pick: int) -> Transfer:
        return self.do(lambda tx: api.transfer(tx, self.ids[pick % len(self.ids)]))

    @invariant()
    def no_unit_is_made_or_lost(self) -> None:
        if not hasattr(self, "ids"):
            return

        async def look(tx: Tx) -> tuple[Counter[str], bool, list[Transfer]]:
            units: Counter[str] = Counter()
            async for row in api.stream_levels(tx, LevelFilter()):
                assert row.level.incoming >= 0
                units[row.sku] += row.level.on_hand + row.level.incoming
            return units, (await api.audit(tx)).clean, [await api.transfer(tx, one) for one in self.ids]

        units, clean, transfers = self.do(look)
        lost: Counter[str] = Counter()
        for transfer in transfers:
            for line in transfer.lines:
                lost[line.sku] += line.missing
                if transfer.sent_at is not None:
                    assert line.left == line.received + line.missing + line.open
                    assert line.open >= 0
                    assert line.damaged <= line.received
            open_ = sum(line.open for line in transfer.lines)
            assert (open_ == 0) == (transfer.state is TransferState.RECEIVED) or transfer.sent_at is None
        assert clean
        assert +lost == +self.lost
        assert {sku: units[sku] + lost[sku] for sku in SKUS} == {sku: self.total[sku] for sku in SKUS}

    @rule(origin=st.integers(0, 2), way=st.integers(1, 2), wanted=st.dictionaries(skus, some, min_size=1))
    def plan(self, origin: int, way: int, wanted: dict[str, int]) -> None:
        here, there = self.sites[origin], self.sites[(origin + way) % 3]
        lines = [Quantity(sku, quantity) for sku, quantity in wanted.items()]
        self.ids.append(self.do(lambda tx: api.create_transfer(tx, here, there, lines)).id)

    # Where it leaves

    @precondition(lambda self: bool(self.ids))
    @rule(pick=picks, sku=skus, units=some, back=st.booleans())
    def pick(self, pick: int, sku: str, units: int, *, back: bool) -> None:
        transfer = self.one(pick)
        line = next((one for one in transfer.lines if one.sku == sku), None)
        step = api.unpick_transfer if back else api.pick_transfer
        if transfer.state is not TransferState.DRAFT or transfer.packed_at is not None:
            with pytest.raises(TransferStateRefused):
                self.do(lambda tx: step(tx, transfer.id, sku, units))
            return
        picked = line.picked if line else 0
        if back:
            if units > picked:
                with pytest.raises(QuantityTooLarge):
                    self.do(lambda tx: api.unpick_transfer(tx, transfer.id, sku, units))
                return
            self.do(lambda tx: api.unpick_transfer(tx, transfer.id, sku, units))
            expected = picked - units
        else:
            scan = self.do(lambda tx: api.pick_transfer(tx, transfer.id, sku, units))
            fits = line is not None and picked + units <= line.quantity
            assert (scan.outcome in {Taken.COUNTED, Taken.COMPLETE}) == fits
            expected = picked + units if fits else picked
        after = {one.sku: one.picked for one in self.one(pick).lines}
        assert after.get(sku, 0) == expected

    @precondition(lambda self: bool(self.ids))
    @rule(pick=picks, sku=skus, units=some, damaged=st.booleans())
    def lack(self, pick: int, sku: str, units: int, *, damaged: bool) -> None:
        transfer = self.one(pick)
        line = next((one for one in transfer.lines if one.sku == sku), None)
        if transfer.state is not TransferState.DRAFT or transfer.packed_at is not None or line is None:
            return
        if units > line.quantity - line.picked:
            with pytest.raises(QuantityTooLarge):
                self.do(lambda tx: api.lack_for_transfer(tx, transfer.id, sku, units, damaged=damaged))
            return
        after = self.do(lambda tx: api.lack_for_transfer(tx, transfer.id, sku, units, damaged=damaged))
        (now,) = [one for one in after.lines if one.sku == sku]
        assert (now.quantity, now.short) == (line.quantity - units, line.short + units)

    @precondition(lambda self: bool(self.ids))
    @rule(pick=picks, way=st.sampled_from(("pack", "unpack", "send")))
    def leave(self, pick: int, way: str) -> None:
        transfer = self.one(pick)
        packed = transfer.packed_at is not None
        allowed = transfer.state is TransferState.DRAFT and (way == "send" or packed == (way == "unpack"))
        picked = {line.sku: line.picked for line in transfer.lines}

        async def work(tx: Tx) -> Transfer:
            if way == "send":
                return await api.send_transfer(tx, transfer.id, force=True)
            return await (api.pack_transfer if way == "pack" else api.unpack_transfer)(tx, transfer.id)

        if not allowed:
            with pytest.raises(TransferStateRefused):
                self.do(work)
            return
        nothing = not any(line.quantity for line in transfer.lines)
        if (way == "send" and nothing) or (way == "pack" and not any(picked.values())):
            with pytest.raises(NothingPicked):
                self.do(work)
            return
        after = self.do(work)
        if way == "pack":
            assert {line.sku: line.quantity for line in after.lines} == picked
        planned = {line.sku: line.quantity + line.short for line in transfer.lines}
        assert {line.sku: line.quantity + line.short for line in after.lines} == planned

    # Where it arrives

    def coming(self, transfer: Transfer) -> bool:
        return transfer.state in {TransferState.IN_TRANSIT, TransferState.PARTLY_RECEIVED}

    def came(self, before: Transfer, units: Counter[str]) -> None:
        """What was thought lost is found first by whatever comes beyond what is on the road."""
        for line in before.lines:
            self.lost[line.sku] -= min(line.missing, max(0, units[line.sku] - line.open))

    @precondition(lambda self: bool(self.ids))
    @rule(
        pick=picks,
        sku=skus,
        units=some,
        damage=st.none() | damages,
        on_top=st.booleans(),
        way=st.sampled_from(("in", "in", "out")),
    )
    def tally(self, pick: int, sku: str, units: int, damage: DamageReason | None, way: str, *, on_top: bool) -> None:
        transfer = self.one(pick)
        if not self.coming(transfer):
            return
        before = self.do(lambda tx: api.tallies(tx, transfer.id))
        there = sum(row.units for row in before if row.sku == sku)
        good = sum(row.units for row in before if row.sku == sku and row.damage is None)
        if way == "out":
            if units > there:
                with pytest.raises(QuantityTooLarge):
                    self.do(lambda tx: api.untally_transfer(tx, transfer.id, sku, units))
                return
            self.do(lambda tx: api.untally_transfer(tx, transfer.id, sku, units))
            expected = there - units
        else:
            scan = self.do(lambda tx: api.tally_transfer(tx, transfer.id, sku, units, damage=damage, on_top=on_top))
            taken = scan.outcome in {Taken.COUNTED, Taken.COMPLETE}
            added = units - (min(good, units) if damage else 0)
            open_ = next((line.open for line in transfer.lines if line.sku == sku), 0)
            assert taken == (on_top or there + added <= open_ or there > open_)
            expected = there + added if taken else there
        after = self.do(lambda tx: api.tallies(tx, transfer.id))
        assert sum(row.units for row in after if row.sku == sku) == expected

    @precondition(lambda self: bool(self.ids))
    @rule(pick=picks, rest=st.booleans(), settle=st.booleans(), fate=st.sampled_from(Absence))
    def take_in(self, pick: int, *, rest: bool, settle: bool, fate: Absence) -> None:
        transfer = self.one(pick)
        if not self.coming(transfer):
            return
        if rest:
            self.do(lambda tx: api.tally_whole_transfer(tx, transfer.id))
        rows = self.do(lambda tx: api.tallies(tx, transfer.id))
        units: Counter[str] = Counter()
        for row in rows:
            units[row.sku] += row.units
        left = {line.sku: line.open - units[line.sku] for line in transfer.lines if line.open > units[line.sku]}
        settled = [Settled(sku, quantity, fate) for sku, quantity in left.items()] if settle else []
        if not rows and not settled:
            return
        self.do(lambda tx: api.take_in_transfer(tx, transfer.id, settled=settled))
        self.came(transfer, units)
        if fate is Absence.LOST:
            self.lost.update({row.sku: row.quantity for row in settled})
        assert self.do(lambda tx: api.tallies(tx, transfer.id)) == []

    @precondition(lambda self: bool(self.ids))
    @rule(pick=picks, good=st.dictionaries(skus, some), broken=st.dictionaries(skus, some), damage=damages, close=st.booleans())
    def receive(self, pick: int, good: dict[str, int], broken: dict[str, int], damage: DamageReason, *, close: bool) -> None:
        transfer = self.one(pick)
        if not self.coming(transfer) or not (good or broken or close):
            return
        lines = [Quantity(sku, quantity) for sku, quantity in good.items()]
        damaged = [Damaged(sku, quantity, damage) for sku, quantity in broken.items()]
        after = self.do(lambda tx: api.receive_transfer(tx, transfer.id, lines, damaged=damaged, close=close))
        units = Counter(good)
        units.update(broken)
        self.came(transfer, units)
        if close:
            assert after.state is TransferState.RECEIVED
            self.lost.update({line.sku: max(0, line.open - units[line.sku]) for line in transfer.lines})

    @precondition(lambda self: bool(self.ids))
    @rule(pick=picks, sku=skus, units=some, fate=st.sampled_from(Absence))
    def settle(self, pick: int, sku: str, units: int, fate: Absence) -> None:
        transfer = self.one(pick)
        open_ = next((line.open for line in transfer.lines if line.sku == sku), 0)
        if not self.coming(transfer):
            return
        decided = [Settled(sku, units, fate)]
        if units > open_:
            with pytest.raises(QuantityTooLarge):
                self.do(lambda tx: api.settle_transfer(tx, transfer.id, decided))
            return
        self.do(lambda tx: api.settle_transfer(tx, transfer.id, decided))
        if fate is Absence.LOST:
            self.lost[sku] += units

    @precondition(lambda self: bool(self.ids))
    @rule(pick=picks, sku=skus, units=some, damage=st.none() | damages)
    def find(self, pick: int, sku: str, units: int, damage: DamageReason | None) -> None:
        transfer = self.one(pick)
        missing = next((line.missing for line in transfer.lines if line.sku == sku), 0)
        if transfer.state in {TransferState.DRAFT, TransferState.IN_TRANSIT, TransferState.CANCELLED}:
            return
        good = [] if damage else [Quantity(sku, units)]
        broken = [Damaged(sku, units, damage)] if damage else []
        if units > missing:
            with pytest.raises(QuantityTooLarge):
                self.do(lambda tx: api.find_lost(tx, transfer.id, good, damaged=broken))
            return
        after = self.do(lambda tx: api.find_lost(tx, transfer.id, good, damaged=broken))
        assert [line.open for line in after.lines] == [line.open for line in transfer.lines]
        self.lost[sku] -= units


@pytest.fixture
def machine(database_url: str) -> Iterator[type[Transfers]]:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        database = Database(database_url, max_connections=2)
        runner.run(database.open())
        Transfers.runner, Transfers.database, Transfers.sites = runner, database, runner.run(places(database, 3))
        yield Transfers
        runner.run(database.close())


def test_units_of_transfers_are_on_a_shelf_on_the_road_or_lost_whatever_is_done_to_them(machine: type[Transfers]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples(20), stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
