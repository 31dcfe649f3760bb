"""Setting very many levels at once."""

from __future__ import annotations

import asyncio
from contextvars import Context

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import (
    AdjustReason,
    LedgerFilter,
    Level,
    Loaded,
    Quantity,
    StockColumns,
    StockLoaded,
    StockShort,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.runtime.database import Database
from modules.inventory.stocking import everything, level, places, promise, stock, told


async def test_levels_are_set_and_the_ledger_gets_the_differences(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=10, B=4, C=2)
    async with database.transaction() as tx:
        await promise(tx, "A", here, 3)
        await promise(tx, "B", here, 1)
        await api.mark_damaged(tx, here, [Quantity("C", 2)])
    run = uuid7()
    async with database.transaction() as tx:
        loaded = await api.load_levels(
            tx,
            StockColumns(
                ["A", "B", "C", "N", "Z", r"back\slash, and 'quote'"],
                [here, here, here, there, there, there],
                [2, 4, 1, 7, 0, 9],
                [None, None, None, 2, None, None],
            ),
            import_id=run,
        )
        assert loaded == Loaded(created=3, changed=2, unchanged=1)
        assert told(tx, StockLoaded) == [StockLoaded(import_id=run, created=3, changed=2)]
        assert told(tx, StockShort) == [StockShort(sku="A", location_id=here, missing=1, on_hand=2)]
    async with database.read() as reader:
        assert await level(reader, "A", here) == Level(on_hand=2, reserved=3)
        assert await level(reader, "B", here) == Level(on_hand=4, reserved=1)
        assert await level(reader, "C", here) == Level(on_hand=1, damaged=1)
        assert await level(reader, "N", there) == Level(on_hand=7, safety=2)
        assert await level(reader, r"back\slash, and 'quote'", there) == Level(on_hand=9)
        entries = [e async for e in api.stream_ledger(reader, LedgerFilter()) if e.import_id == run]
        assert {(e.sku, e.change, e.reason) for e in entries} == {
            ("A", Level(on_hand=-8), "initial"),
            ("C", Level(on_hand=-1, damaged=-1), "initial"),
            ("N", Level(on_hand=7, safety=2), "initial"),
            (r"back\slash, and 'quote'", Level(on_hand=9), "initial"),
        }
        assert (await api.audit(reader)).clean


async def test_loading_the_same_again_changes_nothing(database: Database) -> None:
    (here,) = await places(database, 1)
    columns = StockColumns(["A", "B"], [here, here], [1, 2], [0, 1])
    async with database.transaction() as tx:
        await api.load_levels(tx, columns)
    before = await everything(database)
    async with database.transaction() as tx:
        assert await api.load_levels(tx, columns) == Loaded(0, 0, 2)
    assert await everything(database) == before


async def test_of_two_rows_of_one_spot_the_later_counts_also_across_chunks_of_one_transaction(database: Database) -> None:
    (here,) = await places(database, 1)
    async with database.transaction() as tx:
        assert await api.load_levels(tx, StockColumns(["A", "B", "A"], [here] * 3, [1, 5, 2])) == Loaded(2, 0, 0)
        assert await api.load_levels(tx, StockColumns(["A", "A"], [here] * 2, [9, 8])) == Loaded(0, 1, 0)
    async with database.read() as reader:
        assert await level(reader, "A", here) == Level(on_hand=8)
        assert (await api.audit(reader)).clean


async def test_a_level_that_somebody_makes_at_the_same_time_is_changed(database: Database) -> None:
    (here,) = await places(database, 1)

    async def load() -> Loaded:
        async with database.transaction() as tx:
            return await api.load_levels(tx, StockColumns(["A", "B"], [here] * 2, [3, 4]))

    async with database.transaction() as tx:
        await api.load_levels(tx, StockColumns(["A"], [here], [1]))
        other = asyncio.create_task(load(), context=Context())
        await asyncio.sleep(0.2)
        assert not other.done()
    assert await other == Loaded(1, 1, 0)
    async with database.read() as reader:
        assert [(await level(reader, sku, here)).on_hand for sku in "AB"] == [3, 4]
        assert (await api.audit(reader)).clean


async def test_fifty_thousand_rows_are_loaded_and_corrected(database: Database) -> None:
    locations = await places(database, 5)
    skus = [f"SKU-{n % 10_000:05d}" for n in range(50_000)]
    at = [locations[n // 10_000] for n in range(50_000)]
    async with database.transaction() as tx:
        assert await api.load_levels(tx, StockColumns(skus, at, [n % 7 for n in range(50_000)])) == Loaded(50_000, 0, 0)
    async with database.transaction() as tx:
        columns = StockColumns(skus, at, [n % 7 + (n % 10 == 0) for n in range(50_000)])
        assert await api.load_levels(tx, columns, reason=AdjustReason.CORRECTION) == Loaded(0, 5_000, 45_000)
    async with database.transaction(snapshot=True) as tx:
        report = await api.audit(tx)
        assert (report.clean, report.levels) == (True, 50_000)


@pytest.mark.parametrize(
    ("skus", "on_hand", "safety"),
    [
        (["A", "B"], [1], None),
        (["A"], [-1], None),
        (["A"], [2**31], None),
        (["A"], [1], [-1]),
        ([""], [1], None),
        (["a\tb"], [1], None),
        (["x" * 81], [1], None),
    ],
)
async def test_columns_that_cannot_be_held_are_refused(
    database: Database, skus: list[str], on_hand: list[int], safety: list[int] | None
) -> None:
    (here,) = await places(database, 1)
    before = await everything(database)
    with pytest.raises(Invalid):
        async with database.transaction() as tx:
            await api.load_levels(tx, StockColumns(skus, [here] * len(skus), on_hand, safety))
    assert await everything(database) == before


async def test_nothing_is_loaded_where_there_is_no_location(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(UnknownLocation):
            await api.load_levels(tx, StockColumns(["A"], [LocationId(uuid7())], [1]))
        assert await api.load_levels(tx, StockColumns([], [], [])) == Loaded(0, 0, 0)
