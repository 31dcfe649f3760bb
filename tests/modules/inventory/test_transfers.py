"""Transfers between locations, and supplies from outside."""

from __future__ import annotations

from datetime import date

import pytest

from comptoir.kernel.errors import Invalid, Stale
from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import (
    Arrival,
    Expectation,
    LedgerFilter,
    Level,
    Quantity,
    StockReceived,
    StockShort,
    SupplyChanged,
    SupplyFilter,
    SupplyId,
    TransferDrafted,
    TransferFilter,
    TransferId,
    TransferLine,
    TransferMoved,
    TransferState,
)
from comptoir.modules.inventory.domain import TRANSFER_STEPS, TransferStep, next_state
from comptoir.modules.inventory.errors import (
    InsufficientStock,
    TransferStateRefused,
    UnknownSupply,
    UnknownTransfer,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Database
from modules.inventory.stocking import everything, level, places, promise, stock, told

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


async def drafted(database: Database, origin: LocationId, target: LocationId, **skus: int) -> TransferId:
    async with database.transaction() as tx:
        made = await api.create_transfer(tx, origin, target, [Quantity(sku, quantity) for sku, quantity in skus.items()])
    return made.id


async def sent(database: Database, origin: LocationId, target: LocationId, **skus: int) -> TransferId:
    transfer_id = await drafted(database, origin, target, **skus)
    async with database.transaction() as tx:
        await api.send_transfer(tx, transfer_id)
    return transfer_id


async def test_a_draft_moves_nothing_and_can_be_changed(database: Database) -> None:
    here, there, third = await places(database, 3)
    await stock(database, here, A=5)
    async with database.transaction() as tx:
        made = await api.create_transfer(tx, here, there, [Quantity("B", 1), Quantity("A", 2), Quantity("B", 2)], " weekly ")
        assert told(tx, TransferDrafted) == [TransferDrafted(transfer_id=made.id, created=True)]
    assert (made.state, made.version, made.note) == (TransferState.DRAFT, 1, "weekly")
    assert made.lines == (TransferLine("A", 2), TransferLine("B", 3))
    async with database.transaction() as tx:
        edited = await api.edit_transfer(tx, made.id, lines=[Quantity("A", 4)], to_location_id=third, version=1)
        assert (edited.version, edited.lines, edited.to_location_id) == (2, (TransferLine("A", 4),), third)
        with pytest.raises(Stale):
            await api.edit_transfer(tx, made.id, note="late", version=1)
        with pytest.raises(Invalid):
            await api.edit_transfer(tx, made.id, to_location_id=here)
        again = await api.edit_transfer(tx, made.id, lines=[Quantity("A", 4)])
        assert again == edited
    async with database.read() as reader:
        assert await api.transfer(reader, made.id) == edited
        assert await level(reader, "A", here) == Level(on_hand=5)
        assert await level(reader, "A", third) == Level()


async def test_what_is_sent_is_on_the_road_until_it_arrives(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5)
    transfer_id = await drafted(database, here, there, A=3)
    async with database.transaction() as tx:
        moved = await api.send_transfer(tx, transfer_id, version=1)
        assert (moved.state, moved.sent_at) == (TransferState.IN_TRANSIT, tx.now)
        assert told(tx, TransferMoved) == [TransferMoved(transfer_id=transfer_id, state=TransferState.IN_TRANSIT)]
        assert await level(tx, "A", here) == Level(on_hand=2)
        assert await level(tx, "A", there) == Level(incoming=3)
        assert await api.incoming(tx, ["A"]) == {"A": [Arrival("A", there, None, 3)]}
    async with database.transaction() as tx:
        moved = await api.receive_transfer(tx, transfer_id, [Quantity("A", 1)])
        assert (moved.state, moved.received_at) == (TransferState.PARTLY_RECEIVED, None)
        assert told(tx, StockReceived) == [StockReceived(location_id=there, skus=("A",))]
        assert await level(tx, "A", there) == Level(on_hand=1, incoming=2)
    async with database.transaction() as tx:
        moved = await api.receive_transfer(tx, transfer_id)
        assert (moved.state, moved.received_at) == (TransferState.RECEIVED, tx.now)
        assert moved.lines == (TransferLine("A", 3, received=3),)
        assert await level(tx, "A", there) == Level(on_hand=3)
    async with database.read() as reader:
        assert (await api.audit(reader)).clean


async def test_a_promise_is_not_sent_away(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5, B=5)
    async with database.transaction() as tx:
        await promise(tx, "A", here, 4)
    transfer_id = await drafted(database, here, there, A=2, B=5)
    before = await everything(database)
    with pytest.raises(InsufficientStock) as refused:
        async with database.transaction() as tx:
            await api.send_transfer(tx, transfer_id)
    assert refused.value.data == {"lines": [{"sku": "A", "requested": 2, "available": 1}]}
    assert await everything(database) == before
    async with database.transaction() as tx:
        await api.send_transfer(tx, transfer_id, force=True)
        assert told(tx, StockShort) == [StockShort(sku="A", location_id=here, missing=1, on_hand=3)]


async def test_units_that_never_arrive_are_closed_as_missing(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5, B=5)
    transfer_id = await sent(database, here, there, A=5, B=4)
    async with database.transaction() as tx:
        moved = await api.receive_transfer(tx, transfer_id, [Quantity("A", 3)], close=True)
    assert moved.state is TransferState.RECEIVED
    assert moved.lines == (TransferLine("A", 5, received=3, missing=2), TransferLine("B", 4, missing=4))
    async with database.read() as reader:
        assert await level(reader, "A", there) == Level(on_hand=3)
        assert await level(reader, "B", there) == Level()
        entries = (await api.ledger(reader, LedgerFilter(transfer_id=transfer_id, location_ids=(there,)))).items
        assert sorted((e.sku, e.change.on_hand, e.change.incoming, e.reason) for e in entries if e.reason) == [
            ("A", 0, -2, "missing"),
            ("B", 0, -4, "missing"),
        ]
        assert (await api.audit(reader)).clean


async def test_what_was_never_sent_is_taken_in_too(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5)
    transfer_id = await sent(database, here, there, A=2)
    async with database.transaction() as tx:
        moved = await api.receive_transfer(tx, transfer_id, [Quantity("A", 3), Quantity("Z", 1)])
    assert moved.state is TransferState.RECEIVED
    assert moved.lines == (TransferLine("A", 2, received=3, surplus=1), TransferLine("Z", 0, received=1, surplus=1))
    async with database.read() as reader:
        assert await level(reader, "A", there) == Level(on_hand=3)
        assert await level(reader, "Z", there) == Level(on_hand=1)
        assert await level(reader, "A", here) == Level(on_hand=2)
        assert await level(reader, "Z", here) == Level(on_hand=-1)
        assert (await api.transfer(reader, transfer_id)).lines == moved.lines
        assert (await api.audit(reader)).clean


async def test_only_a_draft_is_cancelled_or_changed(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5)
    on_the_road = await sent(database, here, there, A=2)
    dropped = await drafted(database, here, there, A=1)
    async with database.transaction() as tx:
        assert (await api.cancel_transfer(tx, dropped)).state is TransferState.CANCELLED
    before = await everything(database)
    for transfer_id in (on_the_road, dropped):
        with pytest.raises(TransferStateRefused):
            async with database.transaction() as tx:
                await api.cancel_transfer(tx, transfer_id)
        with pytest.raises(TransferStateRefused):
            async with database.transaction() as tx:
                await api.edit_transfer(tx, transfer_id, note="no")
        with pytest.raises(TransferStateRefused):
            async with database.transaction() as tx:
                await api.send_transfer(tx, transfer_id)
    with pytest.raises(TransferStateRefused) as refused:
        async with database.transaction() as tx:
            await api.receive_transfer(tx, dropped)
    assert refused.value.data == {"state": TransferState.CANCELLED, "step": TransferStep.RECEIVE_PART}
    with pytest.raises(UnknownTransfer):
        async with database.transaction() as tx:
            await api.send_transfer(tx, TransferId(uuid7()))
    assert await everything(database) == before


def test_a_transfer_that_is_over_takes_no_step() -> None:
    assert [step for step in TransferStep if next_state(TransferState.RECEIVED, step)] == [TransferStep.FIND]
    assert [step for step in TransferStep if next_state(TransferState.CANCELLED, step)] == []
    assert {state for state, _ in TRANSFER_STEPS} | set(TRANSFER_STEPS.values()) == set(TransferState)


async def test_transfers_are_found_by_state_and_place(database: Database) -> None:
    here, there, third = await places(database, 3)
    await stock(database, here, A=9)
    a = await drafted(database, here, there, A=1)
    b = await sent(database, here, third, A=1)
    async with database.read() as reader:

        async def found(wanted: TransferFilter) -> list[TransferId]:
            return [transfer.id for transfer in (await api.find_transfers(reader, wanted)).items]

        assert await found(TransferFilter()) == [b, a]
        assert await found(TransferFilter(states=(TransferState.DRAFT,))) == [a]
        assert await found(TransferFilter(from_location_id=here)) == [b, a]
        assert await found(TransferFilter(location_ids=(third,))) == [b]
        assert await found(TransferFilter(to_location_id=here)) == []
        first = await api.find_transfers(reader, TransferFilter(), limit=1)
        second = await api.find_transfers(reader, TransferFilter(), limit=1, cursor=first.next)
        assert [t.id for t in second.items] == [a]


async def test_a_supply_is_incoming_until_it_has_come(database: Database) -> None:
    here, there = await places(database, 2)
    async with database.transaction() as tx:
        a, b = await api.expect(tx, [Expectation("A", here, 10, JULY), Expectation("A", there, 4, JUNE)], reference="PO-1")
        assert [event.change for event in told(tx, SupplyChanged)] == ["announced", "announced"]
    async with database.transaction() as tx:
        assert await level(tx, "A", here) == Level(incoming=10)
        assert (await api.incoming(tx, ["A", "B"])) == {
            "A": [Arrival("A", there, JUNE, 4), Arrival("A", here, JULY, 10)],
            "B": [],
        }
        assert (await api.incoming(tx, ["A"], [here]))["A"] == [Arrival("A", here, JULY, 10)]
        await api.receive(tx, here, [Quantity("A", 4)], supply_id=a.id, reference="DN-1")
        assert await level(tx, "A", here) == Level(on_hand=4, incoming=6)
        (received,) = told(tx, SupplyChanged)
        assert (received.change, received.open, received.subject) == ("received", 6, a.id)
    async with database.transaction() as tx:
        moved = await api.move_supply(tx, b.id, JULY)
        assert moved.expected_on == JULY
        assert [event.change for event in told(tx, SupplyChanged)] == ["moved"]
    async with database.transaction() as tx:
        cancelled = await api.cancel_supply(tx, a.id)
        assert (cancelled.received, cancelled.cancelled, cancelled.open) == (4, 6, 0)
        assert await level(tx, "A", here) == Level(on_hand=4)
    async with database.transaction() as tx:
        assert await api.cancel_supply(tx, a.id) == cancelled
        assert await api.move_supply(tx, b.id, JULY) == moved
        assert list(tx.emitted) == []
    async with database.read() as reader:
        assert (await api.audit(reader)).clean


async def test_more_than_was_ordered_is_taken_in_and_recorded(database: Database) -> None:
    (here,) = await places(database, 1)
    async with database.transaction() as tx:
        (supply,) = await api.expect(tx, [Expectation("A", here, 3, JUNE)])
    async with database.transaction() as tx:
        await api.receive_supplies(tx, [(supply.id, Quantity("A", 5))])
    async with database.transaction() as tx:
        await api.receive_supplies(tx, [(supply.id, Quantity("A", 1))])
    async with database.read() as reader:
        assert await level(reader, "A", here) == Level(on_hand=6)
        (there,) = (await api.supplies(reader, [supply.id])).values()
        assert (there.received, there.open) == (6, 0)
        assert (await api.audit(reader)).clean


async def test_what_comes_after_all_of_a_cancelled_supply_is_taken_in(database: Database) -> None:
    (here,) = await places(database, 1)
    async with database.transaction() as tx:
        (supply,) = await api.expect(tx, [Expectation("A", here, 3, JUNE)])
        await api.cancel_supply(tx, supply.id)
        await api.receive(tx, here, [Quantity("A", 2)], supply_id=supply.id)
    async with database.read() as reader:
        assert await level(reader, "A", here) == Level(on_hand=2)
        assert (await api.audit(reader)).clean


async def test_a_supply_is_received_only_as_what_it_is(database: Database) -> None:
    here, there = await places(database, 2)
    async with database.transaction() as tx:
        (supply,) = await api.expect(tx, [Expectation("A", here, 3, JUNE)])
    before = await everything(database)
    with pytest.raises(Invalid):
        async with database.transaction() as tx:
            await api.receive(tx, here, [Quantity("B", 1)], supply_id=supply.id)
    with pytest.raises(Invalid):
        async with database.transaction() as tx:
            await api.receive(tx, there, [Quantity("A", 1)], supply_id=supply.id)
    with pytest.raises(Invalid):
        async with database.transaction() as tx:
            await api.receive_supplies(tx, [(supply.id, Quantity("A", 1)), (supply.id, Quantity("A", 1))])
    with pytest.raises(UnknownSupply):
        async with database.transaction() as tx:
            await api.cancel_supply(tx, SupplyId(uuid7()))
    assert await everything(database) == before


async def test_supplies_are_listed_by_the_day_they_are_promised_for(database: Database) -> None:
    here, there = await places(database, 2)
    async with database.transaction() as tx:
        a, b = await api.expect(tx, [Expectation("A", here, 1, JULY), Expectation("B", there, 1, JUNE)], reference="PO-1")
        (c,) = await api.expect(tx, [Expectation("A", there, 1, JUNE)], reference="XX")
        await api.cancel_supply(tx, c.id)
    async with database.read() as reader:

        async def found(wanted: SupplyFilter) -> list[SupplyId]:
            return [supply.id for supply in (await api.find_supplies(reader, wanted)).items]

        assert await found(SupplyFilter()) == [b.id, c.id, a.id]
        assert await found(SupplyFilter(open_only=True)) == [b.id, a.id]
        assert await found(SupplyFilter(skus=("A",))) == [c.id, a.id]
        assert await found(SupplyFilter(location_ids=(here,))) == [a.id]
        assert await found(SupplyFilter(reference="PO")) == [b.id, a.id]
