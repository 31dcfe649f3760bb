"""Capture: what arrives together is promised together, and each gets its own answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

import psycopg
import pytest

from comptoir.kernel.ids import ActorId
from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.channels.contracts import PublishRules
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Allocation
from comptoir.modules.inventory.errors import HoldGone, InsufficientStock
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import (
    Charge,
    Fill,
    Held,
    Payment,
    Placed,
    Placement,
    PlacementLine,
    Widen,
)
from comptoir.modules.orders.errors import (
    BackorderNotAllowed,
    DuplicateOrder,
    EmptyOrder,
    NotForSale,
    TotalChanged,
    UnknownSku,
)
from comptoir.runtime.database import Contended, Context, Database, Outrun
from comptoir.sdk.orders import LineKind, PaymentKind
from support.shop import Shop

T = TypeVar("T")


def must(answer: object, kind: type[T]) -> T:
    assert isinstance(answer, kind), answer
    return answer


async def test_an_order_is_promised_priced_and_written(shop: Shop) -> None:
    await shop.product("TEA", 1200, stock={"paris": 5})
    placed = await shop.place(
        "web",
        {"TEA": 2},
        charges=(Charge(LineKind.SHIPPING, "Colissimo", 490, tax_rate="0.2"),),
        payments=(Payment(PaymentKind.AUTHORISED, "card", 2890, "auth-1"),),
        expected_total=2890,
        note="ring twice",
        tags=("gift", 'a "quoted", one\\'),
    )
    assert (placed.amount, placed.tax, placed.total) == (2890, 400 + 82, 2890)
    assert placed.lines[0].allocations == (Allocation(1, shop.locations["paris"], 2),)
    order = await shop.order(placed.id)
    assert (order.number, order.channel_code, order.total, order.note) == (placed.number, "web", 2890, "ring twice")
    assert order.tags == ["gift", 'a "quoted", one\\']
    assert (order.fulfilment_status, order.payment_status, order.return_status) == ("unfulfilled", "authorised", "none")
    assert [(line.name, line.quantity, line.unit_price, line.tax) for line in order.lines] == [
        ("TEA", 2, Decimal(12), 400),
        ("Colissimo", 1, Decimal("4.9"), 82),
    ]
    assert order.lines[0].taxes == [{"name": "TVA", "rate": "0.20000", "amount": 400}]
    assert (await shop.level("TEA", "paris")).available == 3
    await shop.doctors()


async def test_tax_comes_on_top_where_the_market_says_so(shop: Shop) -> None:
    await shop.market("us", currency="USD", tax_included=False)
    await shop.channel("us", ["paris"], market="us")
    await shop.product("TEA", 999, tax="0.0825", market="us", stock={"paris": 3})
    placed = await shop.place("us", {"TEA": 3})
    assert (placed.amount, placed.tax, placed.total, placed.currency) == (2997, 247, 3244, "USD")
    await shop.doctors()


async def test_weighed_goods_cost_by_the_thousand(shop: Shop) -> None:
    await shop.product("HAM", 2490, stock={"paris": 1000}, unit=Unit.THOUSANDTH)
    placed = await shop.place("web", {"HAM": 350})
    assert placed.total == 872, "871.5 is rounded half to even"
    smaller = await shop.place("web", {"HAM": 800}, fill=Fill.PARTIAL)
    assert (smaller.lines[0].quantity, smaller.total) == (650, 1618)
    await shop.doctors()


async def test_all_or_nothing_says_what_is_there(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2, "lyon": 1})
    await shop.product("CUP", stock={"paris": 9})
    with pytest.raises(InsufficientStock) as refused:
        await shop.place("web", {"CUP": 1, "TEA": 4})
    assert refused.value.data["lines"] == [{"sku": "TEA", "requested": 4, "available": 3}]
    assert (await shop.level("CUP", "paris")).reserved == 0
    await shop.doctors()


async def test_in_part_takes_what_there_is_and_says_what_was_asked(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"paris": 2})
    await shop.product("CUP", 300)
    placed = await shop.place("web", {"CUP": 1, "TEA": 5}, fill=Fill.PARTIAL, expected_total=1000)
    assert [(line.line_no, line.sku, line.quantity, line.requested, line.total) for line in placed.lines] == [
        (2, "TEA", 2, 5, 1000)
    ]
    with pytest.raises(InsufficientStock):
        await shop.place("web", {"CUP": 1, "TEA": 5}, fill=Fill.PARTIAL)
    await shop.doctors()


async def test_a_backorder_is_placed_whole_where_the_channel_takes_them(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"paris": 2})
    placed = await shop.place("web", {"TEA": 5}, fill=Fill.BACKORDER)
    order = await shop.order(placed.id)
    assert (placed.total, placed.lines[0].backordered, order.backordered, order.fulfilment_status) == (
        2500,
        3,
        3,
        "backordered",
    )
    with pytest.raises(BackorderNotAllowed):
        await shop.place("market", {"TEA": 1}, fill=Fill.BACKORDER)
    await shop.doctors()


async def test_one_bad_order_in_a_batch_is_refused_alone(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"paris": 3})
    await shop.product("OLD", active=False, stock={"paris": 3})
    await shop.product("FREE", None, stock={"paris": 3})
    answers = await shop.ask(
        shop.placement("web", {"TEA": 1}),
        shop.placement("web", {"GONE": 1}),
        shop.placement("web", {"OLD": 1}),
        shop.placement("web", {"FREE": 1}),
        shop.placement("web", {}),
        shop.placement("web", {"TEA": 9}),
        shop.placement("web", {"TEA": 1}, expected_total=499),
        shop.placement("market", {"TEA": 2}),
        shop.placement("web", {"TEA": 1}),
    )
    kinds = [Placed, UnknownSku, NotForSale, NotForSale, EmptyOrder, InsufficientStock, TotalChanged, Placed, InsufficientStock]
    assert [type(answer) for answer in answers] == kinds
    assert must(answers[1], UnknownSku).data == {"skus": ["GONE"]}
    assert must(answers[6], TotalChanged).data == {"expected": 499, "total": 500}
    free = shop.placement("web", {}, lines=(PlacementLine("FREE", 2, unit_price=100),))
    assert must((await shop.ask(free))[0], Placed).total == 200
    await shop.doctors()


async def test_who_comes_first_is_served_first(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 3, "lyon": 1})
    answers = await shop.ask(*(shop.placement("web", {"TEA": 1}) for _ in range(6)))
    assert [type(answer) for answer in answers] == [Placed] * 4 + [InsufficientStock] * 2
    numbers = [must(answer, Placed).number for answer in answers[:4]]
    assert numbers == sorted(numbers)
    totals = {code: (await shop.level("TEA", code))[:2] for code in ("paris", "lyon")}
    assert totals == {"paris": (3, 3), "lyon": (1, 1)}
    await shop.doctors()


async def test_everyone_who_orders_the_one_hot_sku_in_a_batch_counts(shop: Shop) -> None:
    await shop.product("HOT", stock={"paris": 100})
    for n in range(20):
        await shop.product(f"S{n}", stock={"lyon": 50})
    answers = await shop.ask(*(shop.placement("web", {"HOT": 1, f"S{n % 20}": 2}) for n in range(120)))
    assert [type(answer) for answer in answers] == [Placed] * 100 + [InsufficientStock] * 20
    assert (await shop.level("HOT", "paris"))[:2] == (100, 100)
    assert sum([(await shop.level(f"S{n}", "lyon")).reserved for n in range(20)]) == 200
    await shop.doctors()


async def test_one_location_that_has_everything_is_taken_before_any_split(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 1, "lyon": 1})
    await shop.product("CUP", stock={"lyon": 1})
    placed = await shop.place("web", {"TEA": 1, "CUP": 1})
    assert await shop.reserved(placed.id) == {(1, "lyon"): 1, (2, "lyon"): 1}


async def test_a_request_whose_nearest_locations_lack_it_is_to_be_asked_again(shop: Shop) -> None:
    await shop.product("TEA", stock={"lyon": 1})
    (answer,) = await shop.ask(shop.placement("web", {"TEA": 1}, nearest=1))
    assert isinstance(answer, Widen)
    assert (await shop.level("TEA", "lyon")).reserved == 0
    assert isinstance((await shop.ask(shop.placement("web", {"TEA": 1}, nearest=3)))[0], Placed)
    assert isinstance((await shop.ask(shop.placement("web", {"TEA": 1}, nearest=3)))[0], InsufficientStock)
    await shop.doctors()


async def test_a_wide_pool_is_searched_whole_though_not_locked_whole(shop: Shop) -> None:
    codes = [f"s{n:02}" for n in range(30)]
    for code in codes:
        await shop.location(code, LocationKind.STORE)
    await shop.channel("stores", codes)
    await shop.product("TEA", stock={"s07": 1, "s23": 2})
    placed = await shop.place("stores", {"TEA": 3})
    assert await shop.reserved(placed.id) == {(1, "s07"): 1, (1, "s23"): 2}
    await shop.doctors()


async def test_a_channel_promises_only_what_its_rules_let_it(shop: Shop) -> None:
    await shop.channel("careful", ["paris", "lyon"], backorder=True, rules=PublishRules(buffer=2))
    await shop.product("TEA", 500, stock={"paris": 3, "lyon": 2})
    answers = await shop.ask(
        shop.placement("careful", {"TEA": 4}),
        shop.placement("careful", {"TEA": 2}),
        shop.placement("careful", {"TEA": 2}),
        shop.placement("careful", {"TEA": 2}, fill=Fill.PARTIAL),
        shop.placement("careful", {"TEA": 1}, fill=Fill.PARTIAL),
        shop.placement("careful", {"TEA": 2}, fill=Fill.BACKORDER),
        shop.placement("web", {"TEA": 2}),
    )
    assert must(answers[0], InsufficientStock).data["lines"] == [{"sku": "TEA", "requested": 4, "available": 3}]
    assert must(answers[1], Placed).lines[0].quantity == 2
    assert must(answers[2], InsufficientStock).data["lines"] == [{"sku": "TEA", "requested": 2, "available": 1}]
    assert must(answers[3], Placed).lines[0].quantity == 1
    assert isinstance(answers[4], InsufficientStock)
    assert must(answers[5], Placed).lines[0].backordered == 2
    assert must(answers[6], Placed).lines[0].quantity == 2, "what a channel may not promise stays for the others"
    await shop.doctors()


async def test_an_order_of_a_channel_is_placed_once(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 4})
    first = await shop.place("web", {"TEA": 1}, external_id="A-1")
    answers = await shop.ask(
        shop.placement("web", {"TEA": 3}, external_id="A-1"),
        shop.placement("web", {"TEA": 9}, external_id="A-2"),
        shop.placement("web", {"TEA": 2}, external_id="A-2"),
        shop.placement("web", {"TEA": 1}, external_id="A-2"),
        shop.placement("market", {"TEA": 1}, external_id="A-1"),
    )
    assert must(answers[0], DuplicateOrder).data == {"order_id": str(first.id), "external_id": "A-1"}
    assert isinstance(answers[1], InsufficientStock)
    second = must(answers[2], Placed)
    assert must(answers[3], DuplicateOrder).data == {"order_id": str(second.id), "external_id": "A-2"}
    assert isinstance(answers[4], Placed), "another channel's ids are its own, and duplicates took nothing"
    await shop.doctors()


async def test_two_processes_that_place_the_same_order_of_a_channel_do_not_both(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 4})

    async def place() -> object:
        try:
            return (await shop.ask(shop.placement("web", {"TEA": 1}, external_id="A-1")))[0]
        except Contended as lost:
            return lost

    answers = await asyncio.gather(*(place() for _ in range(6)))
    assert sum(isinstance(answer, Placed) for answer in answers) == 1
    assert all(isinstance(answer, Placed | DuplicateOrder | Contended) for answer in answers)
    assert (await shop.level("TEA", "paris")).reserved == 1
    await shop.doctors()


async def test_a_cart_keeps_units_until_its_order_takes_them_over(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2})
    await shop.product("CUP", stock={"paris": 2})
    held = await shop.hold("web", {"TEA": 2, "CUP": 1})
    with pytest.raises(InsufficientStock):
        await shop.place("web", {"TEA": 1})
    placed = await shop.place("web", {"TEA": 1, "CUP": 2}, hold_id=held.id)
    assert await shop.reserved(placed.id) == {(1, "paris"): 1, (2, "paris"): 2}
    assert (await shop.level("TEA", "paris")).available == 1, "what the order does not want is free again"
    with pytest.raises(HoldGone):
        await shop.place("web", {"TEA": 1}, hold_id=held.id)
    await shop.doctors()


async def test_a_hold_that_an_order_cannot_use_is_kept(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2})
    held = await shop.hold("web", {"TEA": 2})
    with pytest.raises(InsufficientStock):
        await shop.place("web", {"TEA": 3}, hold_id=held.id)
    with pytest.raises(TotalChanged):
        await shop.place("web", {"TEA": 1}, hold_id=held.id, expected_total=1)
    assert (await shop.level("TEA", "paris")).reserved == 2
    await shop.place("web", {"TEA": 2}, hold_id=held.id)
    await shop.doctors()


async def test_of_two_orders_for_one_hold_the_first_gets_it(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2})
    held = await shop.hold("web", {"TEA": 2})
    answers = await shop.ask(
        shop.placement("web", {"TEA": 2}, hold_id=held.id),
        shop.placement("web", {"TEA": 2}, hold_id=held.id),
    )
    assert [type(answer) for answer in answers] == [Placed, HoldGone]
    await shop.doctors()


async def test_a_cart_that_changes_replaces_its_hold(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 3})
    first = await shop.hold("web", {"TEA": 2})
    second = await shop.hold("web", {"TEA": 3}, hold_id=first.id)
    assert (await shop.level("TEA", "paris")).reserved == 3
    with pytest.raises(HoldGone):
        await shop.place("web", {"TEA": 1}, hold_id=first.id)
    placed = await shop.place("web", {"TEA": 3}, hold_id=second.id)
    with pytest.raises(InsufficientStock):
        await shop.hold("web", {"TEA": 1}, hold_id=second.id)
    async with shop.database.read() as reader:
        became = await reader.value("SELECT order_id FROM inventory.holds WHERE id = %(id)s", {"id": second.id})
    assert became == placed.id, "a late change of the cart does not undo that it has become an order"
    await shop.doctors()


async def test_a_hold_ends_with_its_time(database: Database, shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2})
    held = await shop.hold("web", {"TEA": 2}, seconds=0)
    with pytest.raises(HoldGone):
        await shop.place("web", {"TEA": 2}, hold_id=held.id)
    async with database.transaction() as tx:
        tx.now += timedelta(seconds=1)
        assert await inventory.expire_holds(tx) == 1
    assert (await shop.level("TEA", "paris")).available == 2
    await shop.doctors()


async def test_refused_holds_say_why_and_hold_nothing(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2})
    answers = await shop.ask(shop.hold_request("web", {"TEA": 3}), shop.hold_request("web", {"GONE": 1}))
    assert [type(answer) for answer in answers] == [InsufficientStock, UnknownSku]
    assert isinstance((await shop.ask(shop.hold_request("web", {"TEA": 2})))[0], Held)
    await shop.doctors()


async def test_each_order_of_a_batch_is_told_by_whoever_asked_for_it(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2})
    asked = [shop.placement("web", {"TEA": 1}, context=Context(ActorId(f"token:{n}"), f"req-{n}")) for n in range(2)]
    placed = [must(answer, Placed) for answer in await shop.ask(*asked)]
    async with shop.database.read() as reader:
        told = [(await api.timeline(reader, one.id)).items[0] for one in placed]
    assert [(entry.actor, entry.request_id) for entry in told] == [("token:0", "req-0"), ("token:1", "req-1")]


async def hurried(shop: Shop, *requests: Placement) -> list[object]:
    async with shop.database.transaction() as tx:
        return list(await api.capture(tx, requests, hurried=True))


async def test_in_a_hurry_each_order_is_served_as_it_would_be_at_leisure(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 1, "lyon": 5})
    await shop.product("CUP", stock={"lyon": 5, "store": 5})
    baskets = [{"TEA": 1}, {"TEA": 1, "CUP": 1}, {"TEA": 5}, {"CUP": 4}, {"TEA": 1}, {"CUP": 6}, {"GONE": 1}]
    answers = await hurried(shop, *(shop.placement("web", basket) for basket in baskets))
    refused = [type(answer) for answer in answers if not isinstance(answer, Placed)]
    assert refused == [InsufficientStock, InsufficientStock, UnknownSku]
    names = {location_id: code for code, location_id in shop.locations.items()}
    places = [
        [(names[part.location_id], part.quantity) for line in answer.lines for part in line.allocations]
        for answer in answers
        if isinstance(answer, Placed)
    ]
    assert places == [[("paris", 1)], [("lyon", 1), ("lyon", 1)], [("lyon", 4)], [("lyon", 1)]]
    await shop.doctors()


async def test_in_a_hurry_whoever_is_outrun_leaves_nothing_and_is_told_so(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 1})
    looked, taken = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        async with shop.database.transaction() as tx:
            (answer,) = await api.capture(tx, [shop.placement("web", {"TEA": 1})], hurried=True)
            assert isinstance(answer, Placed)
            looked.set()
            await taken.wait()

    slow = asyncio.create_task(slowly())
    await looked.wait()
    await shop.place("web", {"TEA": 1})
    taken.set()
    with pytest.raises(Outrun):
        await slow
    async with shop.database.read() as reader:
        assert await reader.value("SELECT count(*) FROM orders.orders") == 1
    await shop.doctors()


async def test_in_a_hurry_nobody_is_locked_out_before_the_end(database_url: str, shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2})
    async with shop.database.transaction() as tx:
        await api.capture(tx, [shop.placement("web", {"TEA": 1})], hurried=True)
        with psycopg.connect(database_url) as other:
            other.execute("SELECT 1 FROM inventory.levels WHERE sku = 'TEA' FOR UPDATE NOWAIT")
    assert (await shop.level("TEA", "paris")).reserved == 1
    await shop.doctors()


async def test_in_a_hurry_a_hold_is_taken_over_as_well(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2})
    held = await shop.hold("web", {"TEA": 2})
    answers = await hurried(shop, shop.placement("web", {"TEA": 2}, hold_id=held.id), shop.placement("web", {"TEA": 1}))
    assert [type(answer) for answer in answers] == [Placed, InsufficientStock]
    await shop.doctors()


async def test_an_external_id_is_placed_once_also_where_the_first_of_them_has_to_look_further(shop: Shop) -> None:
    await shop.product("TEA", stock={"lyon": 5})
    await shop.product("CUP", stock={"paris": 5})
    answers = await hurried(shop, *(shop.placement("web", {sku: 1}, external_id="A-1") for sku in ("TEA", "CUP")))
    assert sorted(type(answer).__name__ for answer in answers) == ["DuplicateOrder", "Placed"]
    await shop.doctors()


async def test_a_batch_that_breaks_leaves_nothing(database: Database, shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2})
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await api.capture(tx, [shop.placement("web", {"TEA": 1}), shop.hold_request("web", {"TEA": 1})])
            raise ZeroDivisionError
    assert (await shop.level("TEA", "paris")).reserved == 0
    async with database.read() as reader:
        assert await reader.value("SELECT count(*) FROM orders.orders") == 0
        assert await reader.value("SELECT count(*) FROM runtime.events WHERE type = 'order.placed'") == 0
    await shop.doctors()


async def test_of_a_thousand_buyers_of_fifty_units_exactly_fifty_get_one(database_url: str, shop: Shop) -> None:
    """Several processes, each with a pool of its own and several captures under way at once."""
    await shop.product("HOT", 4999, stock={"paris": 20, "lyon": 20, "store": 10})

    async def batch(desk: Shop, size: int) -> list[object]:
        while True:
            try:
                return list(await desk.ask(*(desk.placement("web", {"HOT": 1}) for _ in range(size))))
            except Contended:
                await asyncio.sleep(0.01)

    async with Database(database_url, 4) as first, Database(database_url, 4) as second, Database(database_url, 4) as third:
        desks = [Shop(database, shop.locations, shop.terms) for database in (first, second, third)]
        sizes = [1, 3, 7, 20, 9, 40, 20] * 10
        answers = await asyncio.gather(*(batch(desks[n % 3], size) for n, size in enumerate(sizes)))
    flat = [answer for own in answers for answer in own]
    placed = [answer for answer in flat if isinstance(answer, Placed)]
    refused = [answer for answer in flat if isinstance(answer, InsufficientStock)]
    assert (len(flat), len(placed), len(refused)) == (1000, 50, 950)
    assert len({one.number for one in placed}) == 50
    assert all(one.data == {"lines": [{"sku": "HOT", "requested": 1, "available": 0}]} for one in refused)
    assert {code: (await shop.level("HOT", code))[:2] for code in shop.locations} == {
        "paris": (20, 20),
        "lyon": (20, 20),
        "store": (10, 10),
    }
    await shop.doctors()
