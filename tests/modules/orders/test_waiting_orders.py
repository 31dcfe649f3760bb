"""What waits at this moment: orders for stock, exceptions for a person; and what locations have given back."""

from __future__ import annotations

from datetime import date, timedelta

from comptoir.kernel.time import utcnow
from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import ExceptionKind, Fill, OrderId, WaitingAge, WaitingFilter
from comptoir.modules.orders.exceptions import Opening
from support.shop import Shop

DAY = timedelta(days=1)
TODAY = date(2026, 3, 10)


async def waiting(shop: Shop, units: int, promised_on: date | None = None) -> OrderId:
    """An order of which all units wait."""
    placed = await shop.place("web", {"TEA": units}, fill=Fill.BACKORDER, promised_on=promised_on)
    return placed.id


async def found(shop: Shop, wanted: WaitingFilter) -> list[OrderId]:
    async with shop.database.read() as reader:
        page = await api.find_waiting(reader, wanted)
        assert (await api.count_waiting(reader, wanted)).rows == len(page.items)
    return [one.id for one in page.items]


async def placed_at(shop: Shop, order_id: OrderId, age: timedelta) -> None:
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE orders.orders SET placed_at = %(at)s WHERE id = %(id)s", {"at": utcnow() - age, "id": order_id})


async def test_orders_that_wait_for_stock_are_listed_by_their_promise(shop: Shop) -> None:
    await shop.product("TEA", stock={})
    later = await waiting(shop, 3, TODAY + DAY)
    never = await waiting(shop, 1)
    missed = await waiting(shop, 2, TODAY - DAY)
    await shop.product("CUP", stock={"paris": 5})
    await shop.place("web", {"CUP": 1})
    for order_id, age in ((later, timedelta(hours=1)), (never, 5 * DAY), (missed, 5 * DAY)):
        await placed_at(shop, order_id, age)
    assert await found(shop, WaitingFilter()) == [missed, later, never]
    assert await found(shop, WaitingFilter(promised_before=TODAY)) == [missed]
    assert await found(shop, WaitingFilter(placed_from=utcnow() - DAY)) == [later]
    assert await found(shop, WaitingFilter(channel="market")) == []
    async with shop.database.read() as reader:
        (first, *_) = (await api.find_waiting(reader, WaitingFilter())).items
        ages = await api.waiting_ages(reader, [utcnow() - DAY], late_on=TODAY, risk_on=TODAY + 2 * DAY)
    assert (first.skus, first.backordered, first.promised_on) == (["TEA"], 2, TODAY - DAY)
    assert await found(shop, WaitingFilter(search=str(first.number))) == [missed]
    assert ages == [WaitingAge(band=0, count=2, late=1, at_risk=1), WaitingAge(band=1, count=1, late=0, at_risk=1)]


async def test_the_exception_that_is_promised_soonest_comes_first_then_what_is_worth_most(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"paris": 50})
    cheap = (await shop.place("web", {"TEA": 1})).id
    dear = (await shop.place("web", {"TEA": 9})).id
    urgent = (await shop.place("web", {"TEA": 2}, promised_on=TODAY)).id
    openings = [Opening(ExceptionKind.SHORTFALL, one, 1, "TEA", None, 1) for one in (cheap, urgent)]
    openings.append(Opening(ExceptionKind.SHORTFALL, dear, 1, "TEA", None, 8))
    openings.append(Opening(ExceptionKind.NEGATIVE_STOCK, None, None, "TEA", shop.locations["paris"], 4))
    async with shop.database.transaction() as tx:
        await api.open_exceptions(tx, openings)
    async with shop.database.read() as reader:
        ranked = await api.urgent_exceptions(reader, TODAY + DAY)
        shortened = await api.urgent_exceptions(reader, TODAY + DAY, limit=2)
    assert [one.summary.exception.order_id for one in ranked] == [urgent, dear, cheap, None]
    assert [(one.value, one.currency) for one in ranked] == [(500, "EUR"), (4000, "EUR"), (500, "EUR"), (None, None)]
    assert shortened == ranked[:2]


async def test_what_locations_gave_back_is_counted_by_order_since_an_instant_of_their_own(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 50, "lyon": 50})
    paris, lyon = shop.locations["paris"], shop.locations["lyon"]
    for _ in range(2):
        order_id = (await shop.place("web", {"TEA": 1})).id
        async with shop.database.transaction() as tx:
            await api.reject(tx, order_id, paris, None, "not_found")
    now = utcnow()
    async with shop.database.read() as reader:
        assert await api.rejected_since(reader, [(paris, now - DAY), (lyon, now - DAY)]) == {paris: 2}
        assert await api.rejected_since(reader, [(paris, now + DAY), (lyon, now - DAY)]) == {}
        assert await api.rejected_since(reader, []) == {}
