"""What facts break is moved, or put before a person, and ends when it is put right."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from uuid import UUID

import pytest

from comptoir.kernel.errors import NotFound
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Counted, Expectation
from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import (
    Choice,
    ExceptionDetails,
    ExceptionFilter,
    ExceptionId,
    ExceptionKind,
    Fill,
    LineQuantity,
    Placed,
    Resolution,
    Source,
)
from comptoir.modules.orders.errors import ExceptionClosed, NotThatKind
from support.shop import Shop


async def lose(shop: Shop, sku: str, location: str, units: int) -> None:
    """Units turn out not to be there, and the order book reacts."""
    await shop.receive(sku, location, -units)
    await shop.settle()


async def details(shop: Shop, exception_id: ExceptionId) -> ExceptionDetails:
    async with shop.database.read() as reader:
        return await api.exception(reader, exception_id, shop.pool_of)


async def resolutions(shop: Shop) -> list[tuple[str, str | None]]:
    async with shop.database.read() as reader:
        page = await api.find_exceptions(reader, ExceptionFilter(state="resolved"), sort="opened")
    return [(row.exception.kind, row.exception.resolution) for row in page.items]


@pytest.fixture
async def short(shop: Shop) -> Placed:
    """An order for three TEA in Paris, two of which are not there, nor anywhere else."""
    await shop.product("TEA", stock={"paris": 3})
    placed = await shop.place("web", {"TEA": 3})
    await lose(shop, "TEA", "paris", 2)
    return placed


async def test_what_is_missing_is_moved_to_where_it_is(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 4})
    early, late = await shop.place("web", {"TEA": 2}), await shop.place("web", {"TEA": 2})
    await shop.receive("TEA", "lyon", 1)
    await shop.receive("TEA", "store", 5)
    await lose(shop, "TEA", "paris", 2)
    assert await shop.reserved(early.id) == {(1, "paris"): 2}, "the latest promise gives way first"
    assert await shop.reserved(late.id) == {(1, "store"): 2}, "to where there is most"
    assert await shop.open_exceptions() == []
    await shop.doctors()


async def test_promises_move_within_their_own_channels_pool(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2})
    web, market = await shop.place("web", {"TEA": 1}), await shop.place("market", {"TEA": 1})
    await shop.receive("TEA", "store", 5)
    await lose(shop, "TEA", "paris", 2)
    assert await shop.reserved(web.id) == {(1, "store"): 1}
    assert await shop.reserved(market.id) == {(1, "paris"): 1}, "the marketplace does not sell from the store"
    assert [(one.order_id, one.quantity) for one in await shop.open_exceptions()] == [(market.id, 1)]
    await shop.doctors()


async def test_what_has_to_be_sent_is_not_moved_to_where_nothing_is_sent_from(shop: Shop) -> None:
    await shop.location("boutique", ships=False, pickup=True)
    await shop.channel("shops", ["paris", "boutique", "lyon"], backorder=True)
    await shop.product("TEA", stock={"paris": 1})
    placed = await shop.place("shops", {"TEA": 1})
    await shop.receive("TEA", "boutique", 5)
    await lose(shop, "TEA", "paris", 1)
    (lacking,) = await shop.open_exceptions()
    assert (await details(shop, lacking.id)).sources == ()
    await shop.receive("TEA", "lyon", 1)
    await shop.settle()
    assert await shop.reserved(placed.id) == {(1, "lyon"): 1}
    there = shop.locations["boutique"]
    await shop.product("JAM")
    sent = await shop.place("shops", {"JAM": 1}, fill=Fill.BACKORDER)
    collected = await shop.place("shops", {"JAM": 1}, fill=Fill.BACKORDER, pickup_location_id=there)
    await shop.receive("JAM", "boutique", 2)
    await shop.settle()
    assert await shop.reserved(sent.id) == {}, "nobody sends it from there"
    assert await shop.reserved(collected.id) == {(1, "boutique"): 1}, "who collects it there is served"
    await shop.doctors()


async def test_carts_lose_first(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    held = await shop.hold("web", {"TEA": 3})
    placed = await shop.place("web", {"TEA": 2})
    await lose(shop, "TEA", "paris", 2)
    assert await shop.reserved(placed.id) == {(1, "paris"): 2}
    assert await shop.open_exceptions() == []
    assert (await shop.level("TEA", "paris"))[:2] == (3, 3)
    assert (await shop.place("web", {"TEA": 1}, hold_id=held.id)).total == 1000, "what is left of the cart is still good"
    await shop.doctors()


async def test_what_nobody_has_waits_for_a_person_with_every_choice(shop: Shop, short: Placed) -> None:
    (found,) = await shop.open_exceptions()
    assert (found.kind, found.order_id, found.line_no, found.quantity) == ("shortfall", short.id, 1, 2)
    seen = await details(shop, found.id)
    assert (seen.choices, seen.sources, seen.expected_on) == ((Choice.BACKORDER, Choice.CANCEL, Choice.WAIT), (), None)

    async with shop.database.transaction() as tx:
        day = tx.now.date() + timedelta(days=3)
        await inventory.expect(tx, [Expectation("TEA", shop.locations["lyon"], 50, day)])
    await shop.product("CUP")
    seen = await details(shop, found.id)
    assert (seen.order and seen.order.number, seen.line and seen.line.open, seen.expected_on) == (short.number, 3, day)
    async with shop.database.read() as reader:
        assert await api.counts_of_exceptions(reader) == {ExceptionKind.SHORTFALL: 1}
        with pytest.raises(NotFound):
            await api.exception(reader, ExceptionId(UUID(int=1)), shop.pool_of)


async def test_a_person_moves_units_to_another_location_in_parts(shop: Shop, short: Placed) -> None:
    (found,) = await shop.open_exceptions()
    await shop.receive("TEA", "lyon", 1)
    await shop.receive("TEA", "store", 1)
    assert (await details(shop, found.id)).sources == tuple(
        sorted([Source(shop.locations["lyon"], 1), Source(shop.locations["store"], 1)])
    )
    assert Choice.MOVE in (await details(shop, found.id)).choices
    async with shop.database.transaction() as tx:
        await api.choose_move(tx, found.id, shop.locations["lyon"], 1)
    assert [one.quantity for one in await shop.open_exceptions()] == [1]
    async with shop.database.transaction() as tx:
        await api.choose_move(tx, found.id, shop.locations["store"])
    assert await resolutions(shop) == [("shortfall", "moved")]
    assert await shop.reserved(short.id) == {(1, "lyon"): 1, (1, "paris"): 1, (1, "store"): 1}
    async with shop.database.transaction() as tx:
        with pytest.raises(ExceptionClosed):
            await api.choose_cancel(tx, found.id, "too late")
        with pytest.raises(ExceptionClosed):
            await api.choose_move(tx, found.id, shop.locations["store"], 1)
    await shop.settle()
    await shop.doctors()


async def test_a_person_cancels_what_is_missing(shop: Shop, short: Placed) -> None:
    (found,) = await shop.open_exceptions()
    async with shop.database.transaction() as tx:
        assert await api.choose_cancel(tx, found.id, "broken") == 2000
    await shop.settle()
    assert (await resolutions(shop), await shop.reserved(short.id)) == ([("shortfall", "cancelled")], {(1, "paris"): 1})
    await shop.doctors()


async def test_a_person_lets_it_wait_and_stock_that_comes_serves_it(shop: Shop, short: Placed) -> None:
    (found,) = await shop.open_exceptions()
    async with shop.database.transaction() as tx:
        await api.choose_backorder(tx, found.id)
    await shop.settle()
    assert (await shop.order(short.id)).backordered == 2
    await shop.receive("TEA", "lyon", 9)
    await shop.settle()
    assert (await shop.order(short.id)).backordered == 0
    assert await shop.reserved(short.id) == {(1, "lyon"): 2, (1, "paris"): 1}
    await shop.doctors()


async def test_stock_that_comes_where_it_lacked_ends_the_exception(shop: Shop, short: Placed) -> None:
    await shop.receive("TEA", "paris", 1)
    await shop.settle()
    assert [one.quantity for one in await shop.open_exceptions()] == [1], "one of the two is there again"
    await shop.receive("TEA", "paris", 1)
    await shop.settle()
    assert await shop.open_exceptions() == []
    assert await resolutions(shop) == [("shortfall", "filled")]
    assert await shop.reserved(short.id) == {(1, "paris"): 3}
    await shop.doctors()


@pytest.mark.parametrize("way", ["cancelled", "shipped", "backordered"])
async def test_units_that_go_another_way_end_the_exception(shop: Shop, short: Placed, way: str) -> None:
    async with shop.database.transaction() as tx:
        if way == "cancelled":
            await api.cancel(tx, short.id, None, "asked")
        elif way == "shipped":
            await api.ship(tx, short.id, shop.locations["paris"], None)
        else:
            await api.release(tx, short.id, None, "later")
    await shop.settle()
    assert await resolutions(shop) == [("shortfall", way)]
    assert [one.kind for one in await shop.open_exceptions()] == []
    await shop.doctors()


async def test_stock_that_comes_elsewhere_mends_before_it_serves(shop: Shop, short: Placed) -> None:
    waiting = await shop.place("web", {"TEA": 1}, fill=Fill.BACKORDER)
    await shop.receive("TEA", "store", 2)
    await shop.settle()
    assert await shop.reserved(short.id) == {(1, "paris"): 1, (1, "store"): 2}, "promises come before those who wait"
    assert (await shop.order(waiting.id)).backordered == 1
    assert await resolutions(shop) == [("shortfall", "moved")]
    await shop.doctors()


async def test_many_who_lack_are_told_over_several_transactions(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comptoir.modules.orders.mending._PROMISES", 3)
    await shop.product("TEA", stock={"paris": 10})
    await shop.ask(*(shop.placement("web", {"TEA": 1}) for _ in range(10)))
    await lose(shop, "TEA", "paris", 9)
    assert len(await shop.open_exceptions()) == 9
    await shop.receive("TEA", "lyon", 20)
    await shop.settle()
    assert await shop.open_exceptions() == []
    assert (await shop.level("TEA", "lyon"))[:2] == (20, 9)
    await shop.doctors()


async def test_an_early_order_is_safe_while_a_later_one_lacks(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 4})
    early, late = await shop.place("web", {"TEA": 2}), await shop.place("web", {"TEA": 2})
    await lose(shop, "TEA", "paris", 3)
    open_now = {one.order_id: one.quantity for one in await shop.open_exceptions()}
    assert open_now == {late.id: 2, early.id: 1}
    await shop.receive("TEA", "paris", 2)
    await shop.settle()
    assert {one.order_id: one.quantity for one in await shop.open_exceptions()} == {late.id: 1}
    await shop.doctors()


async def test_those_who_wait_are_served_the_oldest_first(shop: Shop) -> None:
    await shop.product("TEA")
    waiting = [await shop.place("web", {"TEA": 2}, fill=Fill.BACKORDER) for _ in range(4)]
    await shop.receive("TEA", "lyon", 5)
    await shop.settle()
    assert [(await shop.order(one.id)).backordered for one in waiting] == [0, 0, 1, 2]
    await shop.receive("TEA", "store", 9)
    await shop.settle()
    assert [(await shop.order(one.id)).backordered for one in waiting] == [0, 0, 0, 0]
    assert (await shop.level("TEA", "store"))[:2] == (9, 3)
    await shop.doctors()


async def test_more_than_one_transaction_looks_at_are_served_by_the_next(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comptoir.modules.orders.mending._PROMISES", 3)
    await shop.product("TEA")
    placed = await shop.ask(*(shop.placement("web", {"TEA": 1}, fill=Fill.BACKORDER) for _ in range(10)))
    await shop.receive("TEA", "lyon", 8)
    await shop.settle()
    orders = [await shop.order(one.id) for one in placed if isinstance(one, Placed)]
    assert [order.backordered for order in orders] == [0] * 8 + [1] * 2
    await shop.doctors()


async def test_stock_that_a_waiting_order_may_not_be_sold_from_does_not_serve_it(shop: Shop) -> None:
    await shop.channel("south", ["lyon"], backorder=True)
    await shop.product("TEA")
    waiting = await shop.place("south", {"TEA": 1}, fill=Fill.BACKORDER)
    await shop.receive("TEA", "paris", 5)
    await shop.settle()
    assert (await shop.order(waiting.id)).backordered == 1
    await shop.doctors()


async def test_a_count_ends_the_call_for_one(shop: Shop) -> None:
    await shop.product("TEA")
    await shop.product("CUP")
    await shop.ring_up("store", {"TEA": 2, "CUP": 1})
    assert len(await shop.open_exceptions()) == 2
    async with shop.database.transaction() as tx:
        await inventory.count(tx, shop.locations["store"], [Counted("TEA", 4)])
    await shop.settle()
    assert [one.sku for one in await shop.open_exceptions()] == ["CUP"]
    await shop.receive("CUP", "store", 5)
    await shop.settle()
    assert sorted(await resolutions(shop)) == [("negative_stock", "counted"), ("negative_stock", "filled")]
    await shop.doctors()


async def test_a_person_may_dismiss(shop: Shop) -> None:
    await shop.product("TEA")
    await shop.ring_up("store", {"TEA": 2})
    (found,) = await shop.open_exceptions()
    async with shop.database.transaction() as tx:
        await api.resolve(tx, found.id, Resolution.DISMISSED)
        with pytest.raises(ExceptionClosed):
            await api.resolve(tx, found.id, Resolution.DISMISSED)
        for choose in (api.choose_backorder, lambda tx, i: api.choose_move(tx, i, shop.locations["paris"])):
            with pytest.raises(NotThatKind):
                await choose(tx, found.id)


async def test_a_backorder_for_which_nothing_is_on_its_way_is_told_and_ends_when_served(shop: Shop) -> None:
    await shop.product("TEA")
    await shop.product("CUP")
    placed = await shop.place("web", {"TEA": 1, "CUP": 1}, fill=Fill.BACKORDER)
    async with shop.database.transaction() as tx:
        lyon = shop.locations["lyon"]
        await inventory.expect(tx, [Expectation("CUP", lyon, 5, tx.now.date()), Expectation("TEA", lyon, 5, date(2020, 1, 1))])
        assert await api.review_backorders(tx, shop.pool_of) == 0, "they have not waited long"
    async with shop.database.transaction() as tx:
        assert await api.review_backorders(tx, shop.pool_of, timedelta(0)) == 1
        assert await api.review_backorders(tx, shop.pool_of, timedelta(0)) == 0
    (found,) = await shop.open_exceptions()
    assert (found.kind, found.order_id, found.sku) == ("overdue_backorder", placed.id, "TEA")
    assert (await details(shop, found.id)).expected_on == date(2020, 1, 1)
    await shop.receive("TEA", "paris", 1)
    await shop.settle()
    async with shop.database.transaction() as tx:
        assert await api.review_backorders(tx, shop.pool_of, timedelta(0)) == 0
    assert await resolutions(shop) == [("overdue_backorder", "filled")]


async def test_looking_again_finds_what_no_event_told(shop: Shop, short: Placed) -> None:
    await shop.product("CUP")
    waiting = await shop.place("web", {"CUP": 1}, fill=Fill.BACKORDER)
    await shop.ring_up("store", {"CUP": 2})
    spots = [("TEA", "paris", 2), ("CUP", "store", 2), ("CUP", "paris", 1)]
    for sku, location, units in spots:
        await shop.receive(sku, location, units)
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE runtime.consumers SET tx = pg_current_xact_id()")
    await shop.settle()
    assert len(await shop.open_exceptions()) == 2
    async with shop.database.transaction() as tx:
        await api.review(tx, shop.pool_of)
    assert await shop.open_exceptions() == []
    assert (await shop.order(waiting.id)).backordered == 0
    await shop.doctors()


async def test_everything_at_once_leaves_nothing_that_does_not_add_up(shop: Shop) -> None:
    """Buyers, tills, cancellations, losses and two consumers side by side."""
    await shop.product("TEA", stock={"paris": 30, "lyon": 10, "store": 10})
    other = Shop(shop.database, shop.locations, shop.terms)
    await other.settle()
    placed = [await shop.place("web", {"TEA": 1}) for _ in range(30)]

    async def cancel(one: Placed) -> None:
        async with shop.database.transaction() as tx:
            await api.cancel(tx, one.id, [LineQuantity(1, 1)], "asked")

    await asyncio.gather(
        *(cancel(one) for one in placed[::3]),
        *(shop.ring_up("store", {"TEA": 2}) for _ in range(8)),
        *(shop.receive("TEA", "paris", -5) for _ in range(5)),
        *(shop.ask(shop.placement("web", {"TEA": 1}, fill=Fill.BACKORDER)) for _ in range(10)),
        shop.settle(),
        other.settle(),
    )
    await shop.settle()
    paris = await shop.level("TEA", "paris")
    open_now = [one for one in await shop.open_exceptions() if one.kind == "shortfall"]
    assert paris.missing == sum(one.quantity for one in open_now if one.location_id == shop.locations["paris"])
    await shop.doctors()
