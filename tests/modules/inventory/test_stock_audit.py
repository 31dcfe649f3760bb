"""The doctor: what somebody does to the tables behind our back is found, told, and put right on the record."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import (
    EntryKind,
    Expectation,
    Finding,
    FindingKind,
    HoldId,
    HoldReleased,
    LedgerFilter,
    Level,
    Movement,
    PromiseId,
    Quantity,
    Repaired,
    Reservation,
    StockRepaired,
    StockShort,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Database
from modules.inventory.stocking import ORDER, everything, level, places, promise, stock, told

CHANNEL = UUID("00000000-0000-7000-8000-0000000000cc")
AT = "sku = 'A'"


async def tamper(database: Database, *statements: str) -> None:
    async with database.transaction() as tx:
        for statement in statements:
            await tx.run(statement)


async def findings(database: Database) -> list[Finding]:
    async with database.transaction(snapshot=True) as tx:
        return list((await api.audit(tx)).findings)


async def repaired(database: Database) -> Repaired:
    async with database.transaction() as tx:
        done = await api.repair(tx)
    assert await findings(database) == []
    return done


async def drift_entries(database: Database) -> list[tuple[str | None, Level]]:
    async with database.read() as reader:
        entries = [e async for e in api.stream_ledger(reader, LedgerFilter(), sort="oldest") if e.reason == "drift"]
    assert {entry.kind for entry in entries} <= {EntryKind.ADJUSTED}
    return [(entry.note, entry.change) for entry in entries]


async def test_a_healthy_stock_is_clean_and_its_repair_changes_nothing(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5)
    async with database.transaction() as tx:
        await promise(tx, "A", here, 2)
        await api.expect(tx, [Expectation("A", there, 3, date(2026, 6, 1))])
        transfer = await api.create_transfer(tx, here, there, [Quantity("A", 1)])
        await api.send_transfer(tx, transfer.id)
        await api.record(tx, [Movement(EntryKind.SOLD, "A", here, on_hand=-9, order_id=ORDER)])
    assert await findings(database) == []
    before = await everything(database)
    assert await repaired(database) == Repaired(0, 0, more=False)
    assert await everything(database) == before


async def test_a_level_that_was_changed_by_hand_goes_back_and_the_ledger_tells_it(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5)
    await tamper(database, f"UPDATE inventory.levels SET on_hand = 8, safety = 1 WHERE {AT}")
    assert await findings(database) == [
        Finding(FindingKind.LEDGER, "A", here, "on_hand", 8, 5),
        Finding(FindingKind.LEDGER, "A", here, "safety", 1, 0),
    ]
    async with database.transaction() as tx:
        assert await api.repair(tx) == Repaired(1, 0, more=False)
        assert told(tx, StockRepaired) == [StockRepaired(spots=1, released=0)]
    assert await findings(database) == []
    assert await drift_entries(database) == [
        ("found: changed without an entry", Level(on_hand=3, safety=1)),
        ("repaired", Level(on_hand=-3, safety=-1)),
    ]
    async with database.read() as reader:
        assert await level(reader, "A", here) == Level(on_hand=5)


async def test_a_repair_that_takes_away_what_was_promised_is_told(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=2)
    await tamper(database, f"UPDATE inventory.levels SET on_hand = 8 WHERE {AT}")
    async with database.transaction() as tx:
        await promise(tx, "A", here, 6)
    async with database.transaction() as tx:
        await api.repair(tx)
        assert told(tx, StockShort) == [StockShort(sku="A", location_id=here, missing=4, on_hand=2)]


async def test_a_level_that_was_deleted_is_made_again(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5)
    async with database.transaction() as tx:
        await promise(tx, "A", here, 2)
    await tamper(database, f"DELETE FROM inventory.levels WHERE {AT}")
    assert {(f.kind, f.bucket, f.found, f.expected) for f in await findings(database)} == {
        (FindingKind.LEDGER, "on_hand", 0, 5),
        (FindingKind.LEDGER, "reserved", 0, 2),
        (FindingKind.RESERVED, "reserved", 0, 2),
    }
    assert await repaired(database) == Repaired(1, 0, more=False)
    async with database.read() as reader:
        assert await level(reader, "A", here) == Level(on_hand=5, reserved=2)


async def test_a_level_without_ledger_is_nothing(database: Database) -> None:
    (here,) = await places(database, 1)
    await tamper(database, f"INSERT INTO inventory.levels (sku, location_id, on_hand) VALUES ('A', '{here}', 4)")
    await repaired(database)
    async with database.read() as reader:
        assert await level(reader, "A", here) == Level()


async def test_a_reservation_that_was_deleted_gives_its_units_back(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5)
    async with database.transaction() as tx:
        await promise(tx, "A", here, 2)
        await promise(tx, "A", here, 1)
    await tamper(database, "DELETE FROM inventory.reservations WHERE quantity = 2")
    assert await findings(database) == [Finding(FindingKind.RESERVED, "A", here, "reserved", 3, 1)]
    await repaired(database)
    assert await drift_entries(database) == [("repaired", Level(reserved=-2))]
    async with database.read() as reader:
        assert await level(reader, "A", here) == Level(on_hand=5, reserved=1)


async def test_entries_that_were_deleted_do_not_leave_less_than_nothing_set_aside(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5)
    async with database.transaction() as tx:
        await api.mark_damaged(tx, here, [Quantity("A", 3)])
    async with database.transaction() as tx:
        await api.repair_damaged(tx, here, [Quantity("A", 2)])
    await tamper(database, "DELETE FROM inventory.entries WHERE reason = 'marked'")
    assert await findings(database) == [Finding(FindingKind.LEDGER, "A", here, "damaged", 1, -2)]
    await repaired(database)
    async with database.read() as reader:
        assert await level(reader, "A", here) == Level(on_hand=5)


async def test_incoming_is_what_supplies_and_transfers_bring(database: Database) -> None:
    here, there = await places(database, 2)
    await stock(database, here, A=5)
    async with database.transaction() as tx:
        await api.expect(tx, [Expectation("A", there, 3, date(2026, 6, 1))])
        transfer = await api.create_transfer(tx, here, there, [Quantity("A", 2)])
        await api.send_transfer(tx, transfer.id)
    await tamper(database, "UPDATE inventory.supplies SET quantity = 10")
    assert await findings(database) == [Finding(FindingKind.INCOMING, "A", there, "incoming", 5, 12)]
    await repaired(database)
    assert await drift_entries(database) == [("repaired", Level(incoming=7))]


async def test_a_bucket_below_zero_is_found_where_its_check_was_dropped(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5)
    await tamper(
        database,
        "ALTER TABLE inventory.levels DROP CONSTRAINT levels_not_negative",
        f"UPDATE inventory.levels SET quality = -1 WHERE {AT}",
    )
    assert {f.kind for f in await findings(database)} == {FindingKind.LEDGER, FindingKind.NEGATIVE}
    await repaired(database)
    async with database.read() as reader:
        assert await level(reader, "A", here) == Level(on_hand=5)


async def held(database: Database, here: LocationId, quantity: int) -> HoldId:
    hold_id = HoldId(uuid7())
    async with database.transaction() as tx:
        until = tx.now + timedelta(minutes=10)
        await api.lock_available(tx, [("A", here)])
        await api.open_holds(tx, [(hold_id, CHANNEL, "cart", until)])
        await api.reserve(tx, [Reservation(PromiseId(hold_id), 1, here, "A", quantity, until)])
    return hold_id


@pytest.mark.parametrize(
    ("damage", "tells"),
    [
        ("UPDATE inventory.holds SET released_at = now()", False),
        ("UPDATE inventory.holds SET expires_at = now() - interval '1 hour'", True),
        ("DELETE FROM inventory.holds", False),
        ("UPDATE inventory.reservations SET hold_until = NULL WHERE hold_until IS NOT NULL", True),
    ],
)
async def test_a_reservation_of_a_hold_that_is_over_is_given_back(database: Database, damage: str, *, tells: bool) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=5)
    async with database.transaction() as tx:
        await promise(tx, "A", here, 1)
    hold_id = await held(database, here, 2)
    assert await findings(database) == []
    await tamper(database, damage)
    assert await findings(database) == [Finding(FindingKind.HOLD, "A", here, "reserved", 2, 0, hold_id)]
    async with database.transaction() as tx:
        assert await api.repair(tx) == Repaired(0, 1, more=False)
        assert told(tx, HoldReleased) == ([HoldReleased(hold_id=hold_id, expired=True)] if tells else [])
    assert await findings(database) == []
    async with database.read() as reader:
        assert await level(reader, "A", here) == Level(on_hand=5, reserved=1)
        newest = (await api.ledger(reader, LedgerFilter())).items[0]
        assert (newest.kind, newest.change) == (EntryKind.RELEASED, Level(reserved=-2))


async def test_a_large_repair_goes_on_in_further_transactions(database: Database) -> None:
    (here,) = await places(database, 1)
    await stock(database, here, A=1, B=2, C=3, D=4, E=5)
    await held(database, here, 1)
    await tamper(database, "UPDATE inventory.levels SET on_hand = on_hand + 1", "DELETE FROM inventory.holds")
    async with database.transaction(snapshot=True) as tx:
        report = await api.audit(tx, limit=2)
        assert (report.spots, report.dangling, len(report.findings), report.entries) == (5, 1, 3, 6)
    rounds: list[Repaired] = []
    while not rounds or rounds[-1].more:
        async with database.transaction() as tx:
            rounds.append(await api.repair(tx, limit=2))
    assert rounds == [Repaired(2, 0, more=True), Repaired(2, 0, more=True), Repaired(1, 1, more=False)]
    assert await findings(database) == []
