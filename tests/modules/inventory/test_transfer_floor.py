"""Transfers on the floor: picked and packed where they leave, tallied and taken in where they arrive."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from comptoir.kernel.errors import Invalid, Stale
from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import (
    Absence,
    Damaged,
    DamageReason,
    LedgerFilter,
    Level,
    Packed,
    Quantity,
    Settled,
    StockShort,
    Taken,
    Tallied,
    TransferDiffers,
    TransferFilter,
    TransferId,
    TransferLine,
    TransferScan,
    TransferStage,
    TransferState,
    TransferTasks,
)
from comptoir.modules.inventory.errors import NothingPicked, QuantityTooLarge, TransferStateRefused
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Database
from modules.inventory.stocking import everything, level, places, promise, stock, told


async def planned(database: Database, origin: LocationId, target: LocationId, **skus: int) -> TransferId:
    async with database.transaction() as tx:
        return (await api.create_transfer(tx, origin, target, [Quantity(sku, units) for sku, units in skus.items()])).id


async def sent(database: Database, origin: LocationId, target: LocationId, **skus: int) -> TransferId:
    transfer_id = await planned(database, origin, target, **skus)
    async with database.transaction() as tx:
        await api.send_transfer(tx, transfer_id)
    return transfer_id


async def test_what_is_picked_and_packed_is_what_leaves(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5, B=5)
    transfer_id = await planned(database, here, there, A=3, B=2)
    async with database.transaction() as tx:
        assert await api.pick_transfer(tx, transfer_id, "A", 2) == TransferScan(Taken.COUNTED, "A", 2, 3)
        assert (await api.pick_transfer(tx, transfer_id, "A", 2)).outcome is Taken.TOO_MANY
        assert (await api.pick_transfer(tx, transfer_id, "Z")).outcome is Taken.NOT_LISTED
        assert (await api.transfer(tx, transfer_id)).version == 1, "whoever has the page open may go on"
        packed = await api.pack_transfer(tx, transfer_id, Packed(2, "Shuttle", "T1", date(2030, 1, 1)))
        assert (packed.stage, packed.boxes, packed.expected_on) == (TransferStage.TO_HAND_OVER, 2, date(2030, 1, 1))
        assert packed.lines == (TransferLine("A", 2, picked=2, short=1), TransferLine("B", 0, short=2))
        assert await level(tx, "A", here) == Level(on_hand=5), "nothing moves until it is handed over"
        gone = await api.send_transfer(tx, transfer_id)
        assert gone.stage is TransferStage.TO_RECEIVE
        assert await level(tx, "A", there) == Level(incoming=2)
        assert await level(tx, "B", there) == Level()
    async with database.read() as reader:
        assert (await api.audit(reader)).clean


async def test_a_packed_transfer_is_opened_again_and_a_changed_plan_is_packed_no_more(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5)
    transfer_id = await planned(database, here, there, A=3)
    async with database.transaction() as tx:
        with pytest.raises(NothingPicked):
            await api.pack_transfer(tx, transfer_id)
        await api.pick_transfer(tx, transfer_id, "A", 2)
        with pytest.raises(Stale):
            await api.pack_transfer(tx, transfer_id, version=9)
        await api.pack_transfer(tx, transfer_id)
        with pytest.raises(TransferStateRefused):
            await api.pick_transfer(tx, transfer_id, "A")
        opened = await api.unpack_transfer(tx, transfer_id)
        assert opened.lines == (TransferLine("A", 3, picked=2),)
        await api.pack_transfer(tx, transfer_id)
        edited = await api.edit_transfer(tx, transfer_id, lines=[Quantity("A", 1), Quantity("B", 1)])
        assert (edited.packed_at, edited.stage) == (None, TransferStage.TO_PICK)
        assert edited.lines == (TransferLine("A", 1, picked=1), TransferLine("B", 1))


async def test_what_is_not_there_is_set_aside_and_told(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=2, B=3)
    async with database.transaction() as tx:
        await promise(tx, "A", here, 2)
    transfer_id = await planned(database, here, there, A=3, B=2)
    async with database.transaction() as tx:
        await api.lack_for_transfer(tx, transfer_id, "A", 3)
        await api.lack_for_transfer(tx, transfer_id, "B", 1, damaged=True)
        first, second = told(tx, TransferDiffers)
        assert (first.not_found, second.broken) == ({"A": 2}, {"B": 1}), "no more is held than was there"
        assert [event.missing for event in told(tx, StockShort)] == [2]
        assert await level(tx, "A", here) == Level(on_hand=2, reserved=2, quality=2)
        assert await level(tx, "B", here) == Level(on_hand=3, damaged=1)
        with pytest.raises(QuantityTooLarge):
            await api.lack_for_transfer(tx, transfer_id, "B", 2)


async def test_of_a_plan_of_which_nothing_was_there_nothing_is_sent(database: Database) -> None:
    here, there = await places(database, 2)
    transfer_id = await planned(database, here, there, A=1)
    async with database.transaction() as tx:
        await api.lack_for_transfer(tx, transfer_id, "A", 1)
    before = await everything(database)
    with pytest.raises(NothingPicked):
        async with database.transaction() as tx:
            await api.send_transfer(tx, transfer_id, force=True)
    assert await everything(database) == before
    async with database.transaction() as tx:
        assert (await api.cancel_transfer(tx, transfer_id)).state is TransferState.CANCELLED


async def test_a_tally_asks_before_it_takes_what_was_not_sent(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5, Z=5)
    transfer_id = await sent(database, here, there, A=2)
    async with database.transaction() as tx:
        assert await api.tally_transfer(tx, transfer_id, "A") == TransferScan(Taken.COUNTED, "A", 1, 1)
        assert await api.tally_transfer(tx, transfer_id, "A") == TransferScan(Taken.COMPLETE, "A", 2, 0)
        assert (await api.tally_transfer(tx, transfer_id, "A")).outcome is Taken.TOO_MANY
        assert (await api.tally_transfer(tx, transfer_id, "Z")).outcome is Taken.NOT_LISTED
        assert (await api.tally_transfer(tx, transfer_id, "Z", on_top=True)).units == 1
        assert (await api.tally_transfer(tx, transfer_id, "Z")).units == 2, "it was said once"
        assert (await api.tally_transfer(tx, transfer_id, "A", damage=DamageReason.WET)).units == 2
        assert await api.tallies(tx, transfer_id) == [
            Tallied("A", 1),
            Tallied("A", 1, DamageReason.WET),
            Tallied("Z", 2),
        ]
        await api.untally_transfer(tx, transfer_id, "Z")
        with pytest.raises(QuantityTooLarge):
            await api.untally_transfer(tx, transfer_id, "Z", 2)
        assert await level(tx, "A", there) == Level(incoming=2)
    async with database.transaction() as tx:
        done = await api.take_in_transfer(tx, transfer_id)
        assert done.state is TransferState.RECEIVED
        (differs,) = told(tx, TransferDiffers)
        assert (differs.surplus, differs.damaged) == ({"Z": 1}, {"A": 1})
        assert await level(tx, "A", there) == Level(on_hand=2, damaged=1)
        assert (await level(tx, "Z", here), await level(tx, "Z", there)) == (Level(on_hand=4), Level(on_hand=1))
        entries = (await api.ledger(tx, LedgerFilter(transfer_id=transfer_id))).items
        assert {entry.reason for entry in entries if entry.reason} == {"wet", "surplus"}
        assert await api.tallies(tx, transfer_id) == []
        with pytest.raises(TransferStateRefused):
            await api.tally_transfer(tx, transfer_id, "A")
    async with database.read() as reader:
        assert (await api.audit(reader)).clean


async def test_nobodys_scan_is_lost_when_several_scan_at_once(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=60)
    transfer_id = await sent(database, here, there, A=30)
    leaving = await planned(database, here, there, A=30)

    async def scan() -> Taken:
        async with database.transaction() as tx:
            await api.pick_transfer(tx, leaving, "A")
        async with database.transaction() as tx:
            return (await api.tally_transfer(tx, transfer_id, "A")).outcome

    outcomes = await asyncio.gather(*(scan() for _ in range(33)))
    assert sorted(outcomes) == [Taken.COMPLETE, *[Taken.COUNTED] * 29, *[Taken.TOO_MANY] * 3]
    async with database.read() as reader:
        assert await api.tallies(reader, transfer_id) == [Tallied("A", 30)]
        assert [line.picked for line in (await api.transfer(reader, leaving)).lines] == [30]


async def test_what_was_never_sent_is_held_where_it_is_and_what_was_lost_may_be_found(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=9)
    transfer_id = await sent(database, here, there, A=6)
    async with database.transaction() as tx:
        decided = [Settled("A", 2, Absence.NEVER_SENT), Settled("A", 3, Absence.LOST)]
        part = await api.receive_transfer(tx, transfer_id, [Quantity("A", 1)], settled=decided)
        assert part.lines == (TransferLine("A", 6, received=1, missing=3, unsent=2),)
        assert part.state is TransferState.RECEIVED
        assert await level(tx, "A", here) == Level(on_hand=5, quality=2)
        assert await level(tx, "A", there) == Level(on_hand=1)
        (differs,) = told(tx, TransferDiffers)
        assert (differs.never_sent, differs.lost) == ({"A": 2}, {"A": 3})
    async with database.transaction() as tx:
        found = await api.find_lost(tx, transfer_id, [Quantity("A", 1)], damaged=[Damaged("A", 1, DamageReason.CRUSHED)])
        assert found.lines == (TransferLine("A", 6, received=3, missing=1, unsent=2, damaged=1),)
        assert await level(tx, "A", there) == Level(on_hand=3, damaged=1)
        with pytest.raises(QuantityTooLarge):
            await api.find_lost(tx, transfer_id, [Quantity("A", 2)])
        with pytest.raises(Invalid):
            await api.find_lost(tx, transfer_id, [])
    async with database.read() as reader:
        assert (await api.audit(reader)).clean


async def test_what_comes_beyond_what_is_on_the_road_is_what_was_lost_and_then_surplus(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=9)
    transfer_id = await sent(database, here, there, A=4)
    async with database.transaction() as tx:
        await api.settle_transfer(tx, transfer_id, [Settled("A", 2, Absence.LOST)])
        done = await api.receive_transfer(tx, transfer_id, [Quantity("A", 5)])
        assert done.lines == (TransferLine("A", 4, received=5, surplus=1),)
        assert (await level(tx, "A", here), await level(tx, "A", there)) == (Level(on_hand=4), Level(on_hand=5))


async def test_a_transfer_is_late_after_its_day_or_after_a_week(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=9)
    one, other = await sent(database, here, there, A=1), await sent(database, here, there, A=1)
    await planned(database, here, there, A=1)
    async with database.transaction() as tx:
        today = tx.now.date()
        expected = await api.expect_transfer(tx, other, today + timedelta(days=1))
        assert expected.due_on == today + timedelta(days=1)

        async def late(on: date) -> set[TransferId]:
            return {found.id for found in (await api.find_transfers(tx, TransferFilter(late_on=on))).items}

        assert await late(today + timedelta(days=1)) == set()
        assert await late(today + timedelta(days=2)) == {other}
        assert await late(today + timedelta(days=9)) == {one, other}
        assert await api.transfer_tasks(tx, here, today) == TransferTasks(1, 0, 0)
        assert await api.transfer_tasks(tx, there, today + timedelta(days=2)) == TransferTasks(0, 2, 1)
        await api.receive_transfer(tx, one)
        with pytest.raises(TransferStateRefused):
            await api.expect_transfer(tx, one, today)
