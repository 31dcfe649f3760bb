"""The doctor of the order book finds what does not add up, and puts it right openly."""

from __future__ import annotations

import pytest

from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import PromiseId, Reservation
from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import (
    Finding,
    FindingKind,
    LineQuantity,
    OrderId,
    Payment,
    Placed,
    Repaired,
    Report,
    ReturnLine,
)
from comptoir.modules.payments.contracts import EntryKind
from comptoir.sdk.orders import PaymentKind
from support.shop import Shop, sold


@pytest.fixture
async def placed(shop: Shop) -> Placed:
    """An order for five TEA, paid; two have been shipped, of which one came back."""
    await shop.product("TEA", 1000, stock={"paris": 9})
    one = await shop.place("web", {"TEA": 5}, payments=(Payment(PaymentKind.CAPTURED, "card", 5000, "c"),))
    async with shop.database.transaction() as tx:
        paris = shop.locations["paris"]
        await api.ship(tx, one.id, paris, [LineQuantity(1, 2)])
        await api.take_back(tx, one.id, paris, [ReturnLine(1, 1)], "")
        await api.pay(tx, one.id, EntryKind.REFUNDED, "card", 1000, "r")
    await shop.doctors()
    return one


async def spoil(shop: Shop, statement: str, order_id: OrderId) -> Report:
    """Changes rows behind everybody's back, and asks the doctor."""
    async with shop.database.transaction() as tx:
        await tx.run("SET LOCAL session_replication_role = replica")
        await tx.run(statement, {"id": order_id})
    async with shop.database.transaction(snapshot=True) as tx:
        return await api.audit(tx)


async def repair(shop: Shop) -> Repaired:
    async with shop.database.transaction() as tx:
        return await api.repair(tx)


async def repaired(shop: Shop, order_id: OrderId) -> list[tuple[object, object, object]]:
    async with shop.database.read() as reader:
        entries = (await api.timeline(reader, order_id)).items
    return [(e.data["what"], e.data["was"], e.data["now"]) for e in entries if e.type == "order.repaired"]


async def test_a_book_that_adds_up_has_no_findings(shop: Shop, placed: Placed) -> None:
    await shop.tell("market", [sold("TEA", 3, cancelled=1, shipped=2, returned=1)])
    async with shop.database.read() as reader:
        report = await api.audit(reader)
    assert (report.orders, report.clean, report.findings) == (2, True, ())
    assert await repair(shop) == Repaired(0, 0, ())


async def test_counters_and_totals_that_differ_from_the_lines_are_recomputed(shop: Shop, placed: Placed) -> None:
    report = await spoil(shop, "UPDATE orders.orders SET quantity = 6, shipped = 3, total = 5001 WHERE id = %(id)s", placed.id)
    assert report.findings == (
        Finding(FindingKind.COUNTERS, placed.id, None, "quantity", 6, 5),
        Finding(FindingKind.COUNTERS, placed.id, None, "shipped", 3, 2),
        Finding(FindingKind.TOTALS, placed.id, None, "total", 5001, 5000),
    )
    assert (report.counts, report.clean) == ({FindingKind.COUNTERS: 2, FindingKind.TOTALS: 1}, False)
    assert await repair(shop) == Repaired(1, 0, ())
    assert await repaired(shop, placed.id) == [
        ("sums", {"quantity": 6, "shipped": 3, "total": 5001}, {"quantity": 5, "shipped": 2, "total": 5000})
    ]
    await shop.doctors()


async def test_payment_columns_follow_the_payment_ledger(shop: Shop, placed: Placed) -> None:
    report = await spoil(shop, "UPDATE orders.orders SET captured = 1, refunded = 0 WHERE id = %(id)s", placed.id)
    assert report.findings == (
        Finding(FindingKind.PAYMENTS, placed.id, None, "captured", 1, 5000),
        Finding(FindingKind.PAYMENTS, placed.id, None, "refunded", 0, 1000),
    )
    await repair(shop)
    assert await repaired(shop, placed.id) == [
        ("payments", {"captured": 1, "refunded": 0}, {"captured": 5000, "refunded": 1000})
    ]
    await shop.doctors()


async def test_units_reserved_without_need_are_released(shop: Shop, placed: Placed) -> None:
    async with shop.database.transaction() as tx:
        lyon = shop.locations["lyon"]
        await inventory.promise_regardless(tx, [Reservation(PromiseId(placed.id), 1, lyon, "TEA", 2)])
        await inventory.promise_regardless(tx, [Reservation(PromiseId(placed.id), 7, lyon, "TEA", 1)])
    async with shop.database.read() as reader:
        report = await api.audit(reader)
    assert report.findings == (
        Finding(FindingKind.RESERVED, placed.id, 1, "TEA", 5, 3),
        Finding(FindingKind.RESERVED, placed.id, 7, "TEA", 1, 0),
    )
    await repair(shop)
    assert sum((await shop.reserved(placed.id)).values()) == 3
    assert [(what, now) for what, _, now in await repaired(shop, placed.id)] == [
        ("reservations", {"reserved_1": 3, "reserved_7": 0})
    ]
    await shop.doctors()


async def test_units_that_should_be_reserved_and_are_not_wait_for_stock(shop: Shop, placed: Placed) -> None:
    async with shop.database.transaction() as tx:
        there = await inventory.reservations_of(tx, [placed.id])
        await inventory.release(tx, [there[0]._replace(quantity=2)])
    async with shop.database.read() as reader:
        assert (await api.audit(reader)).findings == (Finding(FindingKind.RESERVED, placed.id, 1, "TEA", 1, 3),)
    await repair(shop)
    assert (await shop.order(placed.id)).backordered == 2
    await shop.doctors()


async def test_what_is_reserved_for_nobody_is_released(shop: Shop, placed: Placed) -> None:
    nobody = PromiseId(uuid7())
    async with shop.database.transaction() as tx:
        await inventory.promise_regardless(tx, [Reservation(nobody, 1, shop.locations["paris"], "TEA", 4)])
    async with shop.database.read() as reader:
        report = await api.audit(reader)
    assert report.findings == (Finding(FindingKind.DANGLING, nobody, 1, "TEA", 4, 0),)
    assert await repair(shop) == Repaired(0, 1, ())
    assert (await shop.level("TEA", "paris"))[:2] == (8, 3)
    await shop.doctors()


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE orders.lines SET discount = 7 WHERE order_id = %(id)s", ("line_total", 5000, 4993)),
        ("DELETE FROM orders.shipment_lines", ("shipments", 2, 0)),
        ("UPDATE orders.return_lines SET quantity = 3", ("returns", 1, 3)),
    ],
)
async def test_what_only_a_person_can_judge_is_left_for_one(
    shop: Shop, placed: Placed, statement: str, finding: tuple[str, int, int]
) -> None:
    report = await spoil(shop, statement, placed.id)
    assert finding in [(found.kind, found.found, found.expected) for found in report.findings]
    left = (await repair(shop)).left
    assert [(found.kind, found.found, found.expected) for found in left] == [finding]


async def test_many_orders_are_added_up_in_stretches(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comptoir.modules.orders.audit._STRETCH", 3)
    await shop.product("TEA", stock={"paris": 99})
    told = await shop.report(*(shop.reported("market", {"TEA": 2}) for _ in range(10)))
    report = await spoil(shop, "UPDATE orders.orders SET quantity = 9 WHERE id > %(id)s", told[5].order_id)
    assert (report.orders, report.counts) == (10, {FindingKind.COUNTERS: 4})
    async with shop.database.read() as reader:
        assert len((await api.audit(reader, limit=2)).findings) == 2
    assert (await repair(shop)).orders == 4
    await shop.doctors()
