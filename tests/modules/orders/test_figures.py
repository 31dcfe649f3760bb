"""Figures of trade: rolled up once from the log, and equal to what the orders say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import Clock, Grain, LineQuantity, ReturnLine, Trade
from comptoir.sdk.orders import OrderKind
from support.shop import EUR, NOON, Shop, sold


async def test_every_order_counts_once_by_channel_minute_and_currency(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 20, "store": 20})
    for minutes in (0, 0, 1, 90):
        await shop.tell("market", {"TEA": 2}, placed_at=NOON + timedelta(minutes=minutes, seconds=59))
    await shop.ring_up("store", {"TEA": 1}, placed_at=NOON)
    await shop.tell("till", [sold("TEA", 1, -1000)], placed_at=NOON, kind=OrderKind.CREDIT, location="store")
    await shop.settle()
    async with shop.database.read() as reader:
        minutes = await api.trade(reader, grain=Grain.MINUTE)
        hours = await api.trade(reader, grain=Grain.HOUR)
        total = await api.trade(reader, grain=Grain.ALL, by_channel=False)
        live = await api.live(reader, datetime.now(UTC) - timedelta(minutes=10))
        last = await api.last_trade(reader)
        recent = await api.last_minutes(reader, 10)
    assert [(row.at, row.channel, row.orders, row.credits, row.lines, row.units, row.total) for row in minutes] == [
        (NOON, "market", 2, 0, 2, 4, 4000),
        (NOON, "till", 1, 1, 2, 0, 0),
        (NOON + timedelta(minutes=1), "market", 1, 0, 1, 2, 2000),
        (NOON + timedelta(minutes=90), "market", 1, 0, 1, 2, 2000),
    ]
    assert [(row.at, row.channel, row.total) for row in hours] == [
        (NOON, "market", 6000),
        (NOON, "till", 0),
        (NOON + timedelta(hours=1), "market", 2000),
    ]
    assert [(row.at, row.channel, row.currency, row.orders, row.total) for row in total] == [(NOON, "", "EUR", 5, 8000)]
    assert {(pulse.channel, pulse.orders, pulse.total) for pulse in live} == {("market", 4, 8000), ("till", 1, 0)}
    assert abs(sum(pulse.orders_per_minute for pulse in live) - 0.5) < 0.01
    assert last == NOON + timedelta(minutes=90)
    assert sum(row.orders for row in recent) == 5


async def test_days_are_those_of_a_time_zone(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 20})
    await shop.tell("market", {"TEA": 1}, placed_at=datetime(2026, 7, 1, 21, 59, tzinfo=UTC))
    await shop.tell("market", {"TEA": 1}, placed_at=datetime(2026, 7, 1, 22, 0, tzinfo=UTC))
    await shop.settle()
    async with shop.database.read() as reader:
        local = await api.trade(reader, grain=Grain.DAY, zone="Europe/Paris")
        utc = await api.trade(reader, grain=Grain.DAY)
        part = await api.trade(reader, grain=Grain.DAY, since=datetime(2026, 7, 1, 22, tzinfo=UTC))
    assert [row.orders for row in local] == [1, 1]
    assert [row.at for row in local] == [datetime(2026, 6, 30, 22, tzinfo=UTC), datetime(2026, 7, 1, 22, tzinfo=UTC)]
    assert ([row.orders for row in utc], [row.orders for row in part]) == ([2], [1])


async def test_what_becomes_of_orders_stands_beside_what_was_sold(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 20})
    told = await shop.tell("market", {"TEA": 5}, external_id="A")
    async with shop.database.transaction() as tx:
        await api.cancel(tx, told.order_id, [LineQuantity(1, 1)], "asked")
        await api.ship(tx, told.order_id, shop.locations["paris"], None)
        await api.take_back(tx, told.order_id, shop.locations["paris"], [ReturnLine(1, 2)], "")
    await shop.settle()
    await shop.report(shop.reported("market", [sold("TEA", 6, 900, cancelled=1, shipped=4)], external_id="A", version="2"))
    await shop.settle()
    async with shop.database.read() as reader:
        (row,) = await api.trade(reader)
        (recorded,) = await api.trade(reader, Clock.RECORDED, Grain.ALL)
    at = NOON.replace(hour=0)
    expected = Trade(at, "market", EUR, 1, 0, 1, 6, 5400, 1, 1000, 2, 2000)
    assert row == expected
    assert (recorded.units, recorded.total, recorded.cancelled, recorded.returned_total) == (6, 5400, 1, 2000)


async def _rows(shop: Shop) -> list[tuple[object, ...]]:
    async with shop.database.read() as reader:
        return await reader.rows("SELECT * FROM orders.trade ORDER BY clock, grain, at, channel_code, currency")


async def _drift(shop: Shop) -> tuple[int, int]:
    async with shop.database.transaction(snapshot=True) as tx:
        return await api.trade_drift(tx)


async def _busy_days(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 50, "store": 20})
    told = await shop.tell("market", {"TEA": 5}, external_id="A")
    await shop.tell("market", {"TEA": 2}, placed_at=NOON + timedelta(minutes=90))
    await shop.tell("till", [sold("TEA", 1, -1000)], placed_at=NOON, kind=OrderKind.CREDIT, location="store")
    async with shop.database.transaction() as tx:
        await api.cancel(tx, told.order_id, [LineQuantity(1, 1)], "asked")
        await api.ship(tx, told.order_id, shop.locations["paris"], None)
        await api.take_back(tx, told.order_id, shop.locations["paris"], [ReturnLine(1, 2)], "")
    await shop.settle()
    await shop.report(shop.reported("market", [sold("TEA", 6, 900, cancelled=1, shipped=4)], external_id="A", version="2"))
    await shop.settle()


async def test_figures_that_drifted_are_found_and_added_up_again(shop: Shop) -> None:
    await _busy_days(shop)
    true = await _rows(shop)
    assert await _drift(shop) == (len(true), 0)
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE orders.trade SET total = total + 1 WHERE clock = 'placed' AND grain = 'hour'")
        await tx.run("DELETE FROM orders.trade WHERE clock = 'recorded' AND grain = 'minute'")
        await tx.run(
            "INSERT INTO orders.trade (clock, grain, at, channel_code, currency, orders) "
            "VALUES ('placed', 'hour', '2020-01-01Z', 'ghost', 'EUR', 7)"
        )
    _, wrong = await _drift(shop)
    assert wrong > 3
    async with shop.database.transaction() as tx:
        assert await api.rebuild_trade(tx) == wrong
    assert await _rows(shop) == true
    assert await _drift(shop) == (len(true), 0)
    await shop.tell("market", {"TEA": 1})
    await shop.settle()
    assert (await _drift(shop))[1] == 0, "it goes on from where it was"


async def test_of_a_log_whose_beginning_is_forgotten_nothing_is_told_wrongly(shop: Shop) -> None:
    await _busy_days(shop)
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE orders.orders SET recorded_at = recorded_at - interval '3 days'")
        await tx.run("DELETE FROM runtime.events WHERE type = 'order.placed'")
    true = await _rows(shop)
    assert (await _drift(shop))[1] == 0
    async with shop.database.transaction() as tx:
        assert await api.rebuild_trade(tx) == 0
    assert await _rows(shop) == true
