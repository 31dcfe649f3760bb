"""Reading stock."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import (
    Adjustment,
    AdjustReason,
    EntryKind,
    Expectation,
    LedgerFilter,
    Level,
    LevelFilter,
    LevelState,
    Movement,
    Quantity,
    SafetyStock,
    Spot,
    SpotLevel,
)
from comptoir.modules.inventory.store import reading
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime import arrays
from comptoir.runtime.database import Database, Reader
from comptoir.runtime.events import Position
from modules.inventory.stocking import ORDER, level, places, promise, settled, stock


async def sell(database: Database, sku: str, location_id: LocationId, quantity: int) -> None:
    async with database.transaction() as tx:
        await api.record(tx, [Movement(EntryKind.SOLD, sku, location_id, on_hand=-quantity, order_id=ORDER)])


async def test_availability_of_a_pool_is_what_its_locations_have_and_none_counts_below_zero(database: Database) -> None:
    here, there, elsewhere = await places(database, 3)
    await stock(database, here, A=5, B=1)
    await stock(database, elsewhere, A=7)
    await sell(database, "A", there, 2)
    async with database.transaction() as tx:
        await promise(tx, "A", here, 2)
        await api.set_safety(tx, here, [SafetyStock("A", 1)])
    async with database.read() as reader:
        assert await api.availability_one(reader, "A", [here, there]) == 2
        assert await api.availability_one(reader, "A", arrays.uuids([here, there, elsewhere])) == 9
        assert await api.availability_one(reader, "C", [here]) == 0
        assert await api.availability_one(reader, "A", []) == 0
        assert await api.availability_of_pool(reader, ["C", "B", "A"], [here, there]) == {"C": 0, "B": 1, "A": 2}
        assert await api.availability(reader, ["A", "C"], [here, there]) == {"A": [(here, 2), (there, -2)], "C": []}


async def test_levels_of_one_and_many_skus(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5, B=1)
    await stock(database, there, A=7)
    async with database.read() as reader:
        assert await api.levels_of_sku(reader, "A") == [
            SpotLevel("A", here, Level(5)),
            SpotLevel("A", there, Level(7)),
        ]
        assert [found.spot for found in await api.levels(reader, ["B", "A", "C"])] == [("A", here), ("A", there), ("B", here)]
        assert await api.levels_at(reader, [("A", there), ("C", there)]) == {("A", there): Level(7)}


async def test_levels_are_found_by_state(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, OUT=2, LOW=3, OVERSOLD=4, FINE=5, ASIDE=6)
    await sell(database, "NEGATIVE", here, 1)
    async with database.transaction() as tx:
        await promise(tx, "OUT", here, 2)
        await api.set_safety(tx, here, [SafetyStock("LOW", 3)])
        await promise(tx, "OVERSOLD", here, 4)
        await api.mark_damaged(tx, here, [Quantity("ASIDE", 1)])
        await api.adjust(tx, here, [Adjustment("OVERSOLD", to=3)], AdjustReason.LOST)
        await api.expect(tx, [Expectation("FINE", here, 1, tx.now.date())])
    async with database.read() as reader:

        async def found(state: LevelState) -> list[str]:
            return [x.sku for x in (await api.find_levels(reader, LevelFilter(state=state))).items]

        assert await found(LevelState.OUT) == ["NEGATIVE", "OUT", "OVERSOLD"]
        assert await found(LevelState.LOW) == ["LOW"]
        assert await found(LevelState.NEGATIVE) == ["NEGATIVE"]
        assert await found(LevelState.OVERSOLD) == ["OVERSOLD"]
        assert await found(LevelState.INCOMING) == ["FINE"]
        assert await found(LevelState.ASIDE) == ["ASIDE"]
        assert (await api.count_levels(reader, LevelFilter(state=LevelState.OUT))).rows == 3


async def walked(reader: Reader, wanted: LevelFilter, sort: str) -> list[Spot]:
    spots: list[Spot] = []
    cursor = None
    while True:
        page = await api.find_levels(reader, wanted, sort=sort, limit=3, cursor=cursor)
        spots += [found.spot for found in page.items]
        if page.next is None:
            return spots
        cursor = page.next


async def test_levels_are_paged_in_every_order_and_each_is_met_once(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5, B=1, C=3, D=3)
    await stock(database, there, A=1, B=1, C=9)
    async with database.read() as reader:
        everywhere = [("A", here), ("A", there), ("B", here), ("B", there), ("C", here), ("C", there), ("D", here)]
        assert await walked(reader, LevelFilter(), "sku") == everywhere
        assert await walked(reader, LevelFilter(), "-sku") == everywhere[::-1]
        assert await walked(reader, LevelFilter(), "location") == sorted(everywhere, key=lambda spot: (spot[1], spot[0]))
        assert await walked(reader, LevelFilter(), "available") == [
            ("A", there), ("B", here), ("B", there), ("C", here), ("D", here), ("A", here), ("C", there),
        ]  # fmt: skip
        assert await walked(reader, LevelFilter(location_ids=(there,)), "-on_hand") == [
            ("C", there),
            ("B", there),
            ("A", there),
        ]
        assert await walked(reader, LevelFilter(skus=("A", "D")), "sku") == [("A", here), ("A", there), ("D", here)]
        assert await walked(reader, LevelFilter(skus=()), "sku") == []
        assert await walked(reader, LevelFilter(sku_begins="D"), "sku") == [("D", here)]
        assert [x.spot async for x in api.stream_levels(reader, LevelFilter())] == everywhere
        with pytest.raises(Invalid):
            await api.find_levels(reader, LevelFilter(), sort="colour")


async def test_the_ledger_is_read_newest_first_with_its_causes(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5)
    await sell(database, "A", here, 1)
    async with database.transaction() as tx:
        promised = await promise(tx, "A", here, 2)
    await stock(database, there, A=1, B=1)
    async with database.read() as reader:
        page = await api.ledger(reader, LedgerFilter(skus=("A",)), limit=2)
        rest = await api.ledger(reader, LedgerFilter(skus=("A",)), limit=2, cursor=page.next)
        assert [(e.kind, e.location_id) for e in page.items + rest.items] == [
            (EntryKind.RECEIVED, there),
            (EntryKind.RESERVED, here),
            (EntryKind.SOLD, here),
            (EntryKind.RECEIVED, here),
        ]
        assert rest.next is None
        assert rest.previous is not None
        assert (await api.ledger(reader, LedgerFilter(skus=("A",)), limit=2, cursor=rest.previous)).items == page.items
        (reserved,) = (await api.ledger(reader, LedgerFilter(order_id=promised.promise_id))).items
        assert (reserved.change, reserved.order_id) == (Level(reserved=2), promised.promise_id)
        assert len((await api.ledger(reader, LedgerFilter(kinds=(EntryKind.SOLD,), location_ids=(here,)))).items) == 1
        since = reserved.at + timedelta(microseconds=1)
        assert len((await api.ledger(reader, LedgerFilter(since=since))).items) == 2
        assert len((await api.ledger(reader, LedgerFilter(until=since))).items) == 3
        assert [e.seq async for e in api.stream_ledger(reader, LedgerFilter(), sort="oldest")] == sorted(
            [e.seq async for e in api.stream_ledger(reader, LedgerFilter())]
        )
        assert (await api.count_ledger(reader, LedgerFilter())).rows == 5


async def test_what_changed_since_is_told_once_per_spot_as_it_is_now(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5)
    async with database.read() as reader:
        await settled(reader)
        begin = await api.feed_position(reader)
        assert (await api.changed_since(reader, begin)).levels == ()
    await stock(database, there, A=1, B=2)
    await sell(database, "A", there, 1)
    async with database.read() as reader:
        await settled(reader)
        changes = await api.changed_since(reader, begin)
        assert changes.levels == (SpotLevel("A", there, Level(0)), SpotLevel("B", there, Level(2)))
        assert not changes.more
        assert (await api.changed_since(reader, changes.position)).levels == ()
        first = await api.changed_since(reader, begin, limit=1)
        assert (len(first.levels), first.more) == (1, True)
        second = await api.changed_since(reader, first.position, limit=1)
        assert second.levels == (SpotLevel("B", there, Level(2)),)
        assert (await api.changed_since(reader, begin, skus=["B"])).levels == (SpotLevel("B", there, Level(2)),)
        nothing = await api.changed_since(reader, begin, location_ids=[here])
        assert nothing.levels == ()
        assert nothing.position == changes.position
        assert len((await api.changed_since(reader, Position())).levels) == 3


async def test_the_feed_does_not_pass_a_change_that_is_committed_late(database: Database) -> None:
    (here,) = await places(database, 1)
    async with database.read() as reader:
        await settled(reader)
        begin = await api.feed_position(reader)
    written, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with database.transaction() as tx:
            await api.receive(tx, here, [Quantity("SLOW", 1)])
            written.set()
            await go_on.wait()

    task = asyncio.create_task(slow())
    await written.wait()
    await stock(database, here, FAST=1)
    async with database.read() as reader:
        between = await api.changed_since(reader, begin)
        assert between.levels == ()
    go_on.set()
    await task
    async with database.read() as reader:
        await settled(reader)
        changes = await api.changed_since(reader, between.position)
        assert [found.sku for found in changes.levels] == ["SLOW", "FAST"]


def wanted(locations: list[LocationId], *skus: str, pool: str = "all") -> api.Wanted:
    return api.Wanted(pool, tuple(locations), skus)


async def test_remembered_availability_is_what_the_database_says_now(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5, B=2)
    await stock(database, there, A=3)
    cache = api.AvailabilityCache()
    async with database.read() as reader:
        assert await cache.read(reader, [wanted([here, there], "A", "B", "C"), wanted([here], "A", pool="one")]) == [
            [8, 2, 0],
            [5],
        ]
    await sell(database, "A", here, 1)
    await stock(database, there, C=4)
    async with database.read() as reader:
        assert await cache.read(reader, [wanted([here, there], "C", "A", "B"), wanted([here], "A", pool="one")]) == [
            [4, 7, 2],
            [4],
        ]
        assert await cache.read(reader, [wanted([here, there], "A")]) == [[7]]


async def test_remembered_availability_sees_what_was_committed_late(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5)
    cache = api.AvailabilityCache()
    written, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with database.transaction() as tx:
            await api.receive(tx, here, [Quantity("A", 1)])
            written.set()
            await go_on.wait()

    task = asyncio.create_task(slow())
    await written.wait()
    async with database.read() as reader:
        assert await cache.read(reader, [wanted([here], "A")]) == [[5]]
    await stock(database, here, B=1)
    async with database.read() as reader:
        assert await cache.read(reader, [wanted([here], "A", "B")]) == [[5, 1]]
        go_on.set()
        await task
        assert await cache.read(reader, [wanted([here], "A", "B")]) == [[6, 1]]


async def test_a_memory_of_availability_that_is_full_or_overrun_forgets(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=1, B=2, C=3)
    cache = api.AvailabilityCache(most=2, most_changes=2)
    async with database.read() as reader:
        assert await cache.read(reader, [wanted([here], "A", "B", "C"), wanted([here], "A", pool="other")]) == [[1, 2, 3], [1]]
    await stock(database, here, A=1, B=1, C=1)
    async with database.read() as reader:
        assert await cache.read(reader, [wanted([here], "C", "A"), wanted([here], "A", pool="other")]) == [[4, 2], [2]]


async def test_a_level_that_is_not_there_is_nothing(database: Database) -> None:
    async with database.read() as reader:
        assert await level(reader, "A", LocationId(uuid7())) == Level()


async def test_the_ledger_of_a_location_is_looked_up_and_not_walked_through(database: Database) -> None:
    here, there, elsewhere = await places(database, 3)
    await stock(database, here, A=5, B=1)
    await stock(database, there, A=7)
    await stock(database, elsewhere, A=9)
    async with database.transaction() as tx:
        found = await api.ledger(tx, LedgerFilter(location_ids=(here, there)))
        assert sorted((one.sku, one.location_id) for one in found.items) == sorted([("A", here), ("B", here), ("A", there)])
        one = await api.ledger(tx, LedgerFilter(skus=("A",), location_ids=(here,)))
        assert [(entry.sku, entry.location_id) for entry in one.items] == [("A", here)]
        assert (await api.ledger(tx, LedgerFilter(location_ids=()))).items == []
        where = reading.where_ledger(LedgerFilter(location_ids=(here,)))
        await tx.run("SET LOCAL enable_seqscan = off")
        rows = await tx.rows(f"EXPLAIN SELECT seq FROM inventory.entries AS e {where.sql}", where.params)
    assert "entries_location" in "\n".join(row[0] for row in rows)
