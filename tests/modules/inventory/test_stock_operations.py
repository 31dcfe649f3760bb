"""What people do to stock, by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest

from comptoir.kernel.errors import Invalid, Refusal
from comptoir.kernel.ids import ActorId, uuid7
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import (
    Adjustment,
    AdjustReason,
    Counted,
    EntryKind,
    LedgerFilter,
    Level,
    Quantity,
    SafetyStock,
    StockChanged,
    StockCounted,
    StockReceived,
    StockShort,
)
from comptoir.modules.inventory.errors import QuantityTooLarge, StaleQuantity
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.runtime.database import Context, Database, Tx
from modules.inventory.stocking import everything, level, places, promise, stock, told

NOWHERE = LocationId(uuid7())


async def test_a_receipt_comes_on_hand_with_its_cause(database: Database) -> None:
    (here,) = await places(database, 1)
    async with database.transaction(Context(actor=ActorId("user:anne"))) as tx:
        after = await api.receive(tx, here, [Quantity(" A ", 5), Quantity("B", 2), Quantity("A", 1)], reference="DN-77")
        assert after == {("A", here): Level(on_hand=6), ("B", here): Level(on_hand=2)}
        (arrived,) = told(tx, StockReceived)
        assert (arrived.location_id, sorted(arrived.skus)) == (here, ["A", "B"])
        (changed,) = told(tx, StockChanged)
        assert changed == StockChanged(
            kind=EntryKind.RECEIVED, location_id=here, reason="receipt", note="DN-77", skus=("A", "B")
        )
    async with database.read() as reader:
        entries = (await api.ledger(reader, LedgerFilter())).items
        assert [(e.sku, e.change.on_hand, e.kind, e.reason, e.note, e.actor) for e in entries] == [
            ("B", 2, EntryKind.RECEIVED, "receipt", "DN-77", "user:anne"),
            ("A", 6, EntryKind.RECEIVED, "receipt", "DN-77", "user:anne"),
        ]


async def test_five_thousand_rows_are_received_in_one_call(database: Database) -> None:
    (here,) = await places(database, 1)
    async with database.transaction() as tx:
        after = await api.receive(tx, here, [Quantity(f"SKU-{n:05d}", n + 1) for n in range(5000)])
    assert len(after) == 5000
    async with database.read() as reader:
        assert await level(reader, "SKU-04999", here) == Level(on_hand=5000)
        assert (await api.audit(reader)).clean


async def test_an_adjustment_goes_by_or_to_a_quantity_and_writes_the_difference_only(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=10, B=10, C=10)
    async with database.transaction() as tx:
        after = await api.adjust(
            tx,
            here,
            [Adjustment("A", delta=-3), Adjustment("B", to=12, expected=10), Adjustment("C", to=10)],
            AdjustReason.THEFT,
            "window",
        )
        assert {spot[0]: changed.on_hand for spot, changed in after.items()} == {"A": 7, "B": 12, "C": 10}
        assert [event.skus for event in told(tx, StockChanged)] == [("A", "B")]
    async with database.read() as reader:
        entries = (await api.ledger(reader, LedgerFilter(kinds=(EntryKind.ADJUSTED,)))).items
        assert [(e.sku, e.change.on_hand, e.reason, e.note) for e in entries] == [
            ("B", 2, "theft", "window"),
            ("A", -3, "theft", "window"),
        ]


async def test_an_adjustment_that_expected_another_quantity_changes_nothing(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=10, B=10)
    before = await everything(database)
    with pytest.raises(StaleQuantity) as refused:
        async with database.transaction() as tx:
            await api.adjust(tx, here, [Adjustment("A", delta=-3), Adjustment("B", to=3, expected=9)], AdjustReason.CORRECTION)
    assert refused.value.data == {"sku": "B", "expected": 9, "found": 10}
    assert await everything(database) == before


async def test_more_than_is_on_hand_cannot_be_lost(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=2)
    before = await everything(database)
    with pytest.raises(QuantityTooLarge) as refused:
        async with database.transaction() as tx:
            await api.adjust(tx, here, [Adjustment("A", delta=-3)], AdjustReason.LOST)
    assert refused.value.data == {"sku": "A", "open": 2, "asked": 3}
    assert await everything(database) == before


async def test_an_adjustment_that_breaks_a_promise_is_written_and_told(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5)
    async with database.transaction() as tx:
        await promise(tx, "A", here, 4)
    async with database.transaction() as tx:
        await api.adjust(tx, here, [Adjustment("A", to=1)], AdjustReason.LOST)
        assert told(tx, StockShort) == [StockShort(sku="A", location_id=here, missing=3, on_hand=1)]
    async with database.transaction() as tx:
        await api.adjust(tx, here, [Adjustment("A", delta=2)], AdjustReason.FOUND)
        # Still short, but less so: who is served now is for the order book to say.
        assert told(tx, StockReceived) == [StockReceived(location_id=here, skus=("A",))]
        assert told(tx, StockShort) == []


async def test_safety_stock_is_kept_back_from_promises(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5)
    async with database.transaction() as tx:
        await api.set_safety(tx, here, [SafetyStock("A", 3, expected=0)])
        assert await api.lock_available(tx, [("A", here)]) == {("A", here): 2}
        with pytest.raises(StaleQuantity):
            await api.set_safety(tx, here, [SafetyStock("A", 1, expected=0)])
    async with database.transaction() as tx:
        await api.set_safety(tx, here, [SafetyStock("A", 3)])
        assert list(tx.emitted) == []


async def test_damaged_units_are_on_hand_until_they_are_written_off(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5)
    async with database.transaction() as tx:
        await promise(tx, "A", here, 3)
        after = await api.mark_damaged(tx, here, [Quantity("A", 4)], "forklift")
        assert after["A", here] == Level(on_hand=5, reserved=3, damaged=4)
        assert told(tx, StockShort) == [StockShort(sku="A", location_id=here, missing=2, on_hand=5)]
    async with database.transaction() as tx:
        await api.repair_damaged(tx, here, [Quantity("A", 1)])
        after = await api.write_off_damaged(tx, here, [Quantity("A", 2)])
        assert after["A", here] == Level(on_hand=3, reserved=3, damaged=1)
    async with database.read() as reader:
        entries = (await api.ledger(reader, LedgerFilter(kinds=(EntryKind.DAMAGED,)), sort="oldest")).items
        assert [(e.reason, e.change) for e in entries] == [
            ("marked", Level(damaged=4)),
            ("repaired", Level(damaged=-1)),
            ("written_off", Level(on_hand=-2, damaged=-2)),
        ]
        assert (await api.audit(reader)).clean


async def test_units_held_for_quality_pass_or_turn_out_damaged(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5)
    async with database.transaction() as tx:
        await api.hold_quality(tx, here, [Quantity("A", 4)])
        assert (await level(tx, "A", here)).available == 1
        await api.release_quality(tx, here, [Quantity("A", 1)])
        after = await api.release_quality(tx, here, [Quantity("A", 2)], damaged=True)
        assert after["A", here] == Level(on_hand=5, damaged=2, quality=1)


Step = Callable[[Tx, LocationId, Sequence[Quantity]], Awaitable[object]]


@pytest.mark.parametrize(
    ("step", "there"),
    [
        (api.mark_damaged, 3),
        (api.hold_quality, 3),
        (api.repair_damaged, 1),
        (api.write_off_damaged, 1),
        (api.release_quality, 1),
    ],
)
async def test_more_than_there_is_cannot_be_set_aside_or_taken_back(database: Database, step: Step, there: int) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5, B=9)
    async with database.transaction() as tx:
        await api.mark_damaged(tx, here, [Quantity("A", 1), Quantity("B", 1)])
        await api.hold_quality(tx, here, [Quantity("A", 1), Quantity("B", 1)])
    before = await everything(database)
    with pytest.raises(QuantityTooLarge) as refused:
        async with database.transaction() as tx:
            await step(tx, here, [Quantity("B", 1), Quantity("A", there + 1)])
    assert refused.value.data == {"sku": "A", "open": there, "asked": there + 1}
    assert await everything(database) == before


async def test_a_count_writes_down_also_what_was_right(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=10, B=4, C=1)
    async with database.transaction() as tx:
        counted = await api.count(tx, here, [Counted("C", 1), Counted("A", 8), Counted("B", 5), Counted("D", 2)], "aisle 3")
        assert told(tx, StockCounted) == [StockCounted(count_id=counted.id, location_id=here, skus=4, differences=3)]
    async with database.read() as reader:
        assert [await level(reader, sku, here) for sku in "ABCD"] == [Level(8), Level(5), Level(1), Level(2)]
        there = await api.stock_count(reader, counted.id)
        assert there == counted
        assert [(line.sku, line.expected, line.counted, line.difference) for line in there.lines] == [
            ("A", 10, 8, -2),
            ("B", 4, 5, 1),
            ("C", 1, 1, 0),
            ("D", 0, 2, 2),
        ]
        entries = (await api.ledger(reader, LedgerFilter(count_id=counted.id, skus=("A", "B", "C", "D")))).items
        assert {(e.sku, e.kind, e.change.on_hand) for e in entries} == {
            ("A", EntryKind.COUNTED, -2),
            ("B", EntryKind.COUNTED, 1),
            ("D", EntryKind.COUNTED, 2),
        }
        (listed,) = (await api.find_counts(reader, [here])).items
        assert (listed.id, listed.skus, listed.differences, listed.note) == (counted.id, 4, 3, "aisle 3")


async def test_what_moved_since_the_count_was_taken_is_not_undone(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=10)
    async with database.transaction() as tx:
        await api.adjust(tx, here, [Adjustment("A", delta=-4)], AdjustReason.SAMPLE)
    async with database.transaction() as tx:
        # The sheet said ten, nine were on the shelf, and four have left since.
        counted = await api.count(tx, here, [Counted("A", 9, expected=10)])
        assert counted.lines[0].difference == -1
        assert await level(tx, "A", here) == Level(on_hand=5)


async def test_a_count_below_what_was_set_aside_says_that_those_units_are_gone(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=10)
    async with database.transaction() as tx:
        await api.mark_damaged(tx, here, [Quantity("A", 3)])
        await api.hold_quality(tx, here, [Quantity("A", 4)])
        await api.count(tx, here, [Counted("A", 5)])
        assert await level(tx, "A", here) == Level(on_hand=5, damaged=3, quality=2)
        await api.count(tx, here, [Counted("A", 1)])
        assert await level(tx, "A", here) == Level(on_hand=1, damaged=1)
    async with database.read() as reader:
        assert (await api.audit(reader)).clean


async def test_a_count_that_finds_less_than_is_promised_is_told_and_one_that_finds_it_again_too(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5)
    async with database.transaction() as tx:
        await promise(tx, "A", here, 5)
    async with database.transaction() as tx:
        await api.count(tx, here, [Counted("A", 2)])
        assert told(tx, StockShort) == [StockShort(sku="A", location_id=here, missing=3, on_hand=2)]
    async with database.transaction() as tx:
        await api.count(tx, here, [Counted("A", 5)])
        assert told(tx, StockReceived) == [StockReceived(location_id=here, skus=("A",))]


Broken = Callable[[Tx, LocationId], Awaitable[object]]


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        (lambda tx, at: api.receive(tx, at, []), "lines"),
        (lambda tx, at: api.receive(tx, at, [Quantity("A", 0)]), "lines[0].quantity"),
        (lambda tx, at: api.receive(tx, at, [Quantity("A", MAX_QUANTITY + 1)]), "lines[0].quantity"),
        (lambda tx, at: api.receive(tx, at, [Quantity("  ", 1)]), "lines[0].sku"),
        (lambda tx, at: api.receive(tx, at, [Quantity("a\0", 1)]), "lines[0].sku"),
        (lambda tx, at: api.receive(tx, at, [Quantity("A", 1)], reference="\0"), "reference"),
        (lambda tx, at: api.adjust(tx, at, [], AdjustReason.LOST), "lines"),
        (lambda tx, at: api.adjust(tx, at, [Adjustment("A")], AdjustReason.LOST), "lines[0]"),
        (lambda tx, at: api.adjust(tx, at, [Adjustment("A", 1, 1)], AdjustReason.LOST), "lines[0]"),
        (lambda tx, at: api.adjust(tx, at, [Adjustment("A", to=-1)], AdjustReason.LOST), "lines[0].to"),
        (lambda tx, at: api.adjust(tx, at, [Adjustment("A", 1), Adjustment("A ", 1)], AdjustReason.LOST), "lines[1].sku"),
        (lambda tx, at: api.set_safety(tx, at, [SafetyStock("A", -1)]), "lines[0].safety"),
        (lambda tx, at: api.count(tx, at, [Counted("A", -1)]), "lines[0].counted"),
        (lambda tx, at: api.count(tx, at, [Counted("A", 1), Counted("A", 2)]), "lines[1].sku"),
        (lambda tx, at: api.mark_damaged(tx, at, [Quantity("A", -1)]), "lines[0].quantity"),
    ],
)
async def test_what_says_nothing_that_could_be_done_is_refused(database: Database, broken: Broken, path: str) -> None:
    (here,) = await places(database, 1)
    before = await everything(database)
    with pytest.raises(Invalid) as refused:
        async with database.transaction() as tx:
            await broken(tx, here)
    errors = refused.value.data["errors"]
    assert isinstance(errors, list)
    assert errors[0]["path"] == path
    assert await everything(database) == before


async def test_stock_is_held_only_where_there_is_a_location(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(UnknownLocation):
            await api.receive(tx, NOWHERE, [Quantity("A", 1)])


async def test_no_level_outgrows_its_column(database: Database) -> None:
    (here,) = await places(database, 1)
    async with database.transaction() as tx:
        await api.receive(tx, here, [Quantity("A", MAX_QUANTITY)])
        await api.receive(tx, here, [Quantity("A", MAX_QUANTITY)])
    before = await everything(database)
    with pytest.raises(Refusal):
        async with database.transaction() as tx:
            await api.receive(tx, here, [Quantity("A", 1)])
    assert await everything(database) == before
