"""Walks: several people on one of them, what is not there, what is left to others, and who may take what from whom."""

from __future__ import annotations

import pytest

from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentId,
    LineUnits,
    RejectReason,
    Stage,
    State,
    WaveId,
    WaveKind,
    WaveState,
    WaveZone,
)
from comptoir.modules.fulfilment.errors import NotThatMany, NotTogether, SomebodyElse
from comptoir.runtime.database import Context, Reader
from support.shop import Shop

ANNA, BEN = Context("usr_anna", "r"), Context("usr_ben", "r")  # pyright: ignore[reportArgumentType]


async def work_for(shop: Shop, units: dict[str, int]) -> Fulfilment:
    placed = await shop.place("web", units)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    return one


async def _walk(shop: Shop, kind: WaveKind) -> tuple[WaveId, list[FulfilmentId]]:
    """Three orders on one walk of Anna's: A is in zone A, B and C are in zone B."""
    for sku, code in {"A": "A-02-1", "B": "B-10-1", "C": "B-01-1"}.items():
        await shop.product(sku, stock={"paris": 50})
        async with shop.database.transaction(ANNA) as tx:
            await api.put_bins(tx, shop.locations["paris"], {sku: code})
    ids = [(await work_for(shop, units)).id for units in ({"A": 1, "B": 1}, {"A": 2}, {"C": 1})]
    async with shop.database.transaction(ANNA) as tx:
        return (await api.start(tx, ids, kind)).id, ids


async def zones_of(reader: Reader, wave_id: WaveId) -> list[WaveZone]:
    wave = await api.wave(reader, wave_id)
    return await api.zones(reader, wave, await api.route(reader, wave, await api.members(reader, wave_id)))


async def test_each_zone_has_its_picker_and_the_orders_come_together(shop: Shop) -> None:
    wave_id, ids = await _walk(shop, WaveKind.ZONE)
    async with shop.database.transaction(ANNA) as tx:
        assert [(one.code, one.quantity, one.assignee) for one in await zones_of(tx, wave_id)] == [("A", 3, ""), ("B", 2, "")]
        await api.take(tx, wave_id, "A", 3)
        with pytest.raises(NotTogether):
            await api.start(tx, ids[2:], WaveKind.SINGLE)
    async with shop.database.transaction(BEN) as tx:
        with pytest.raises(SomebodyElse):
            await api.put_down(tx, wave_id, "A", 1)
        await api.take_zone(tx, wave_id, "B")
        await api.take(tx, wave_id, "B", 1)
        assert [(one.picked, one.stage, one.assignee) for one in await api.members(tx, wave_id)] == [
            (2, Stage.TO_PACK, ""),
            (2, Stage.TO_PACK, ""),
            (0, Stage.TO_PICK, ""),
        ]
    async with shop.database.transaction(ANNA) as tx:
        with pytest.raises(SomebodyElse):
            await api.take(tx, wave_id, "C", 1)
        await api.take_zone(tx, wave_id, "B", take_over=True)
        await api.take(tx, wave_id, "C", 1)
        assert (await api.wave(tx, wave_id)).state is WaveState.DONE
        await api.leave(tx, wave_id)
        assert {one.assignee for one in await zones_of(tx, wave_id)} == {""}
    async with shop.database.transaction(BEN) as tx:
        assert (await api.pack(tx, ids[0])).lines == (LineUnits(1, 1), LineUnits(2, 1))


async def test_an_order_that_is_taken_over_does_not_keep_the_walk_back(shop: Shop) -> None:
    wave_id, ids = await _walk(shop, WaveKind.BATCH)
    async with shop.database.transaction(BEN) as tx:
        await api.begin(tx, ids[0], take_over=True)
    async with shop.database.transaction(ANNA) as tx:
        await api.take(tx, wave_id, "A", 2)
        assert [one.picked for one in await api.members(tx, wave_id)] == [0, 2, 0]
        with pytest.raises(SomebodyElse):
            await api.take(tx, wave_id, "B", 1)
        with pytest.raises(NotThatMany):
            await api.take(tx, wave_id, "A", 1)


async def test_on_a_walk_units_are_put_down_and_given_up_and_orders_dropped(shop: Shop) -> None:
    wave_id, ids = await _walk(shop, WaveKind.BATCH)
    async with shop.database.transaction(ANNA) as tx:
        await api.take(tx, wave_id, "A", 3)
        await api.put_down(tx, wave_id, "A", 1)
        assert [one.picked for one in await api.members(tx, wave_id)] == [1, 1, 0]
        with pytest.raises(NotThatMany):
            await api.give_up(tx, wave_id, "A", 2, RejectReason.NOT_FOUND)
        await api.give_up(tx, wave_id, "A", 1, RejectReason.NOT_FOUND)
        assert [(one.quantity, one.picked) for one in await api.members(tx, wave_id)] == [(2, 1), (1, 1), (1, 0)]
        dropped = await api.drop(tx, wave_id, ids[0])
        assert (dropped.picked, dropped.assignee) == (1, ANNA.actor)
        left = await api.leave(tx, wave_id)
        assert [(one.id, one.state) for one in left] == [(ids[2], State.OPEN)]
        assert [one.id for one in await api.members(tx, wave_id)] == [ids[1]]


async def test_nobody_puts_back_or_gives_away_what_somebody_else_picks(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one = await work_for(shop, {"TEA": 2})
    async with shop.database.transaction(ANNA) as tx:
        await api.pick(tx, one.id, [LineUnits(1, 1)])
    async with shop.database.transaction(BEN) as tx:
        with pytest.raises(SomebodyElse):
            await api.put_back(tx, one.id)
        with pytest.raises(SomebodyElse):
            await api.reject(tx, one.id, None, RejectReason.NO_STAFF)
        assert (await api.get(tx, one.id)).picked == 1
        assert (await api.put_back(tx, one.id, take_over=True)).assignee == ""
        await api.begin(tx, one.id)
    async with shop.database.transaction(ANNA) as tx:
        assert (await api.reject(tx, one.id, None, RejectReason.NO_STAFF, take_over=True)).state is State.CANCELLED
