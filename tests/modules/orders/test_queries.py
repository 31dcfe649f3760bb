"""Finding orders, and reading one with everything around it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from comptoir.kernel.errors import Invalid, NotFound
from comptoir.kernel.ids import to_text, uuid7
from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import (
    ORDER_PREFIX,
    ExceptionFilter,
    ExceptionKind,
    Fill,
    LineQuantity,
    OrderFilter,
    OrderId,
    ReturnLine,
)
from comptoir.modules.orders.domain import FulfilmentStatus, PaymentStatus, ReturnStatus
from comptoir.runtime.paging import Count
from comptoir.sdk.orders import Buyer, ChannelPayment, OrderKind, PaymentKind
from support.shop import NOON, Shop, sold


@pytest.fixture
async def book(shop: Shop) -> list[OrderId]:
    """Five orders of all sorts, an hour apart, each dearer than the one before but for the credit."""
    await shop.product("TEA", stock={"paris": 20, "store": 5})
    await shop.product("CUP", stock={"paris": 5})
    paid = (ChannelPayment(PaymentKind.CAPTURED, "card", 2000, NOON, "t"),)
    told = [
        await shop.tell("market", {"TEA": 1}, external_id="M-001", buyer=Buyer(name="Ada")),
        await shop.ring_up("store", {"TEA": 2}, placed_at=NOON + timedelta(hours=1), external_id="T-001", payments=paid),
        await shop.tell(
            "market", {"TEA": 3, "CUP": 1}, placed_at=NOON + timedelta(hours=2), external_id="M-002", tags=("gift",)
        ),
        await shop.tell("market", {"NEW": 9}, placed_at=NOON + timedelta(hours=3), external_id="M-003"),
        await shop.tell(
            "till",
            [sold("TEA", 1, -1000)],
            placed_at=NOON + timedelta(hours=4),
            external_id="T-002",
            kind=OrderKind.CREDIT,
            location="store",
        ),
    ]
    ids = [one.order_id for one in told]
    async with shop.database.transaction() as tx:
        await api.ship(tx, ids[0], shop.locations["paris"], None)
        await api.take_back(tx, ids[0], shop.locations["store"], [ReturnLine(1, 1)], "")
        await api.cancel(tx, ids[2], [LineQuantity(2, 1)], "asked")
    return ids


async def found(shop: Shop, book: list[OrderId], *, sort: str = "placed", **wanted: Any) -> list[int]:
    """Which orders of the book, by their place in it."""
    async with shop.database.read() as reader:
        page = await api.find(reader, OrderFilter(**wanted), sort=sort)
        assert await api.count(reader, OrderFilter(**wanted)) == Count(len(page.items), exact=True)
        assert [row.id async for row in api.stream(reader, OrderFilter(**wanted), sort=sort)] == [row.id for row in page.items]
    return [book.index(row.id) for row in page.items]


async def test_orders_are_found_by_how_they_stand(shop: Shop, book: list[OrderId]) -> None:
    assert await found(shop, book) == [0, 1, 2, 3, 4]
    assert await found(shop, book, channels=("market",)) == [0, 2, 3]
    assert await found(shop, book, channels=("market", "till")) == [0, 1, 2, 3, 4]
    assert await found(shop, book, kind="credit") == [4]
    assert await found(shop, book, fulfilment=(FulfilmentStatus.UNFULFILLED,)) == [2, 3]
    assert await found(shop, book, payment=(PaymentStatus.PAID,)) == [1]
    assert await found(shop, book, returned=(ReturnStatus.RETURNED, ReturnStatus.PARTIAL)) == [0]
    assert await found(shop, book, fulfilment=(FulfilmentStatus.BACKORDERED, FulfilmentStatus.PARTIAL)) == []


async def test_orders_are_found_by_when_where_what_and_how_much(shop: Shop, book: list[OrderId]) -> None:
    assert await found(shop, book, placed_from=NOON + timedelta(hours=1), placed_before=NOON + timedelta(hours=3)) == [1, 2]
    assert await found(shop, book, location=shop.locations["store"]) == [1, 4]
    assert await found(shop, book, location=shop.locations["paris"]) == [0], "what was sent from there"
    assert await found(shop, book, sku="CUP") == [2]
    assert await found(shop, book, sku="TEA") == [0, 1, 2, 4]
    assert await found(shop, book, total_from=2000, total_to=4000) == [1, 2]
    assert await found(shop, book, has_exception=True) == [3]
    assert await found(shop, book, has_exception=False) == [0, 1, 2, 4]
    assert await found(shop, book, tag="gift") == [2]
    assert await found(shop, book, currency="USD") == []
    assert await found(shop, book, sku="TEA", channels=("till",), kind="sale") == [1]


async def test_orders_are_found_by_number_id_channel_id_and_customer(shop: Shop, book: list[OrderId]) -> None:
    number = (await shop.order(book[2])).number
    assert await found(shop, book, search=str(number)) == [2]
    assert await found(shop, book, search=f" #{number} ") == [2]
    assert await found(shop, book, search="M-0") == [0, 2, 3]
    assert await found(shop, book, search="T-002") == [4]
    assert await found(shop, book, search=to_text(ORDER_PREFIX, book[3])) == [3]
    assert await found(shop, book, search=str(book[3])) == [3]
    assert await found(shop, book, search="CUP") == [2]
    for nothing in ("nobody", "0" * 30, "9" * 18, "ord_x", "%", "'; DROP TABLE orders.orders; --", "\0"):
        assert await found(shop, book, search=nothing) == []
    customer = uuid7()
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE orders.orders SET customer_id = %(c)s WHERE id = %(id)s", {"c": customer, "id": book[1]})
    assert await found(shop, book, customer=customer) == [1]
    assert await found(shop, book, search_customers=(customer,)) == [1]
    assert await found(shop, book, search="M-001", search_customers=(customer,)) == [0, 1]


async def test_lists_are_sorted_and_paged_by_key(shop: Shop, book: list[OrderId]) -> None:
    assert await found(shop, book, sort="-placed") == [4, 3, 2, 1, 0]
    assert await found(shop, book, sort="total") == [4, 0, 1, 2, 3]
    assert await found(shop, book, sort="-number") == [4, 3, 2, 1, 0]
    async with shop.database.read() as reader:
        first = await api.find(reader, OrderFilter(), limit=2)
        second = await api.find(reader, OrderFilter(), limit=2, cursor=first.next)
        back = await api.find(reader, OrderFilter(), limit=2, cursor=second.previous)
        assert [book.index(row.id) for row in [*first.items, *second.items]] == [4, 3, 2, 1]
        assert back.items == first.items
        with pytest.raises(Invalid):
            await api.find(reader, OrderFilter(), sort="nonsense")


async def test_a_row_of_the_list_tells_what_matters(shop: Shop, book: list[OrderId]) -> None:
    async with shop.database.read() as reader:
        rows = {row.id: row for row in (await api.find(reader, OrderFilter())).items}
    ada, new = rows[book[0]], rows[book[3]]
    assert (ada.buyer_name, ada.channel_code, ada.external_id, ada.total, ada.returned) == ("Ada", "market", "M-001", 1000, 1)
    assert (new.exceptions, new.quantity, new.tags, new.currency) == (1, 9, None, "EUR")


async def test_one_order_comes_with_everything_around_it(shop: Shop, book: list[OrderId]) -> None:
    async with shop.database.read() as reader:
        first = await api.by_external(reader, "market", "M-001")
        number = first.order.number
        assert await api.by_number(reader, number) == first == await api.get(reader, book[0])
        assert [line.quantity for shipment in first.shipments for line in shipment.lines] == [1]
        assert [one.refundable for one in first.returns] == [1000]
        second = await api.get(reader, book[1])
        assert [(p.kind, p.amount, p.reference) for p in second.payments] == [("captured", 2000, "t")]
        third = await api.get(reader, book[2])
        assert [(r.line_no, r.quantity) for r in third.reservations] == [(1, 3)]
        fourth = await api.get(reader, book[3])
        assert [one.kind for one in fourth.exceptions] == [ExceptionKind.UNKNOWN_SKU]
        for missing in (
            api.get(reader, OrderId(uuid7())),
            api.by_number(reader, 1),
            api.by_external(reader, "till", "M-001"),
        ):
            with pytest.raises(NotFound):
                await missing


async def test_exceptions_are_found_by_kind_place_order_and_age(shop: Shop, book: list[OrderId]) -> None:
    await shop.ring_up("store", {"CUP": 2})
    async with shop.database.transaction() as tx:
        later = tx.now + timedelta(minutes=1)

    async def kinds(**wanted: Any) -> list[str]:
        async with shop.database.read() as reader:
            page = await api.find_exceptions(reader, ExceptionFilter(**wanted), sort="opened")
            count = await api.count_exceptions(reader, ExceptionFilter(**wanted))
            streamed = [row async for row in api.stream_exceptions(reader, ExceptionFilter(**wanted), sort="opened")]
        assert (count.rows, streamed) == (len(page.items), page.items)
        return [row.exception.kind for row in page.items]

    assert await kinds() == ["unknown_sku", "negative_stock"]
    assert await kinds(kinds=(ExceptionKind.NEGATIVE_STOCK,)) == ["negative_stock"]
    assert await kinds(locations=(shop.locations["store"],)) == ["negative_stock"]
    assert await kinds(order=book[3]) == ["unknown_sku"]
    assert await kinds(channel="market") == ["unknown_sku"]
    assert await kinds(sku="CUP") == ["negative_stock"]
    assert await kinds(opened_before=later) == ["unknown_sku", "negative_stock"]
    assert await kinds(opened_before=NOON) == []
    assert await kinds(state="resolved") == []
    async with shop.database.read() as reader:
        row = (await api.find_exceptions(reader, ExceptionFilter(order=book[3]))).items[0]
        assert (row.order_number, row.channel_code) == ((await shop.order(book[3])).number, "market")


async def test_a_backordered_order_is_found_as_such(shop: Shop) -> None:
    await shop.product("TEA")
    placed = await shop.place("web", {"TEA": 1}, fill=Fill.BACKORDER)
    assert await found(shop, [placed.id], fulfilment=(FulfilmentStatus.BACKORDERED,)) == [0]
