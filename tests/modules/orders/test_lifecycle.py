"""What can be done with an order that is there."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.errors import Invalid, NotFound
from comptoir.modules.inventory.contracts import Disposition
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import (
    Charge,
    Fill,
    LineQuantity,
    OrderId,
    Placed,
    ReturnLine,
)
from comptoir.modules.orders.domain import share
from comptoir.modules.orders.errors import NotReservedThere, OverRefund, OverVoid, QuantityNotOpen, UnknownLine
from comptoir.modules.payments.contracts import EntryKind
from comptoir.sdk.orders import ChannelLine, LineKind
from support.shop import Shop


@pytest.fixture
async def placed(shop: Shop) -> Placed:
    """Five TEA and two CUP, all of them reserved in Paris, with shipping."""
    await shop.product("TEA", 333, stock={"paris": 5, "lyon": 3})
    await shop.product("CUP", 1000, stock={"paris": 2})
    return await shop.place("web", {"TEA": 5, "CUP": 2}, charges=(Charge(LineKind.SHIPPING, "Colissimo", 490, tax_rate="0.2"),))


async def cancel(shop: Shop, order_id: OrderId, lines: Sequence[LineQuantity] | None, reason: str = "asked") -> int:
    async with shop.database.transaction() as tx:
        return await api.cancel(tx, order_id, lines, reason)


async def ship(shop: Shop, order_id: OrderId, location: str, lines: Sequence[LineQuantity] | None = None) -> None:
    async with shop.database.transaction() as tx:
        await api.ship(tx, order_id, shop.locations[location], lines, carrier="Colissimo", tracking_number="8R1")


async def take_back(shop: Shop, order_id: OrderId, location: str, *lines: ReturnLine) -> int:
    async with shop.database.transaction() as tx:
        _, refundable = await api.take_back(tx, order_id, shop.locations[location], lines, "too small")
    return refundable


async def statuses(shop: Shop, order_id: OrderId) -> tuple[str, str, str]:
    order = await shop.order(order_id)
    return order.fulfilment_status, order.payment_status, order.return_status


async def test_a_whole_cancellation_frees_the_stock_and_names_all_the_money(shop: Shop, placed: Placed) -> None:
    assert await cancel(shop, placed.id, None) == placed.total == 5 * 333 + 2 * 1000 + 490
    assert await shop.reserved(placed.id) == {}
    assert (await shop.level("TEA", "paris")).available == 5
    assert await statuses(shop, placed.id) == ("cancelled", "nothing_due", "none")
    with pytest.raises(QuantityNotOpen):
        await cancel(shop, placed.id, None)
    await shop.doctors()


async def test_units_are_cancelled_by_line_and_more_than_is_open_is_refused(shop: Shop, placed: Placed) -> None:
    assert await cancel(shop, placed.id, [LineQuantity(1, 2)]) == 666
    assert await shop.reserved(placed.id) == {(1, "paris"): 3, (2, "paris"): 2}
    with pytest.raises(QuantityNotOpen) as refused:
        await cancel(shop, placed.id, [LineQuantity(1, 2), LineQuantity(1, 2)])
    assert refused.value.data["lines"] == [{"line_no": 1, "asked": 4, "open": 3}]
    with pytest.raises(UnknownLine):
        await cancel(shop, placed.id, [LineQuantity(9, 1)])
    with pytest.raises(Invalid):
        await cancel(shop, placed.id, [LineQuantity(1, 3), LineQuantity(1, -1)])
    with pytest.raises(NotFound):
        await cancel(shop, OrderId(UUID(int=7)), None)
    assert await shop.reserved(placed.id) == {(1, "paris"): 3, (2, "paris"): 2}
    await shop.doctors()


async def test_charges_stay_when_the_rest_of_a_partly_shipped_order_is_cancelled(shop: Shop, placed: Placed) -> None:
    await ship(shop, placed.id, "paris", [LineQuantity(1, 5)])
    assert await cancel(shop, placed.id, None) == 2000
    order = await shop.order(placed.id)
    assert [line.cancelled for line in order.lines] == [0, 2, 0]
    assert order.fulfilment_status == "fulfilled"
    events = await timeline(shop, placed.id)
    assert events[-1][1]["whole"] is False
    await shop.doctors()


async def timeline(shop: Shop, order_id: OrderId) -> list[tuple[str, dict[str, object]]]:
    async with shop.database.read() as reader:
        return [(entry.type, entry.data) for entry in (await api.timeline(reader, order_id)).items]


async def test_an_order_leaves_in_parts_from_where_it_is_reserved(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2, "lyon": 2})
    placed = await shop.place("web", {"TEA": 3})
    assert await shop.reserved(placed.id) == {(1, "lyon"): 1, (1, "paris"): 2}
    with pytest.raises(NotReservedThere) as refused:
        await ship(shop, placed.id, "lyon", [LineQuantity(1, 2)])
    assert refused.value.data["lines"] == [{"line_no": 1, "asked": 2, "reserved": 1}]
    await ship(shop, placed.id, "paris")
    assert await statuses(shop, placed.id) == ("partial", "pending", "none")
    assert (await shop.level("TEA", "paris"))[:2] == (0, 0)
    await ship(shop, placed.id, "lyon")
    assert await statuses(shop, placed.id) == ("fulfilled", "pending", "none")
    assert (await shop.level("TEA", "lyon"))[:2] == (1, 0)
    with pytest.raises(NotReservedThere):
        await ship(shop, placed.id, "lyon")
    shipments = (await shop.details(placed.id)).shipments
    assert [(s.location_id, s.carrier, s.tracking_number, s.lines) for s in shipments] == [
        (shop.locations["paris"], "Colissimo", "8R1", (LineQuantity(1, 2),)),
        (shop.locations["lyon"], "Colissimo", "8R1", (LineQuantity(1, 1),)),
    ]
    await shop.doctors()


async def test_what_is_not_stocked_ships_without_a_look_at_stock(shop: Shop) -> None:
    await shop.product("WRAP", 200, stocked=False)
    placed = await shop.place("web", {"WRAP": 3})
    assert await shop.reserved(placed.id) == {}
    await ship(shop, placed.id, "store", [LineQuantity(1, 1)])
    await ship(shop, placed.id, "paris")
    assert await statuses(shop, placed.id) == ("fulfilled", "pending", "none")
    assert await take_back(shop, placed.id, "store", ReturnLine(1, 3)) == 600
    assert (await shop.level("WRAP", "store")).on_hand == 0
    await shop.doctors()


async def test_units_come_back_anywhere_whole_in_part_and_damaged(shop: Shop, placed: Placed) -> None:
    await ship(shop, placed.id, "paris")
    with pytest.raises(QuantityNotOpen):
        await take_back(shop, placed.id, "store", ReturnLine(1, 6))
    with pytest.raises(QuantityNotOpen):
        await take_back(shop, placed.id, "store")
    with pytest.raises(Invalid):
        await take_back(shop, placed.id, "store", ReturnLine(1, 3), ReturnLine(1, -1))
    assert (
        await take_back(shop, placed.id, "store", ReturnLine(1, 1), ReturnLine(1, 2, Disposition.DAMAGED), ReturnLine(1, 1))
        == 4 * 333
    )
    level = await shop.level("TEA", "store")
    assert (level.on_hand, level.damaged, level.available) == (4, 2, 2)
    assert await statuses(shop, placed.id) == ("fulfilled", "pending", "partial")
    assert await take_back(shop, placed.id, "lyon", ReturnLine(1, 1, Disposition.QUALITY), ReturnLine(2, 2)) == 2333
    assert await statuses(shop, placed.id) == ("fulfilled", "pending", "returned")
    assert await take_back(shop, placed.id, "lyon", ReturnLine(3, 1)) == 490, "shipping can be given back, too"
    with pytest.raises(QuantityNotOpen):
        await take_back(shop, placed.id, "lyon", ReturnLine(3, 1))
    first = (await shop.details(placed.id)).returns[0]
    assert first.lines == (ReturnLine(1, 2, Disposition.DAMAGED), ReturnLine(1, 2, Disposition.RESTOCK))
    assert (first.reason, first.refundable) == ("too small", 4 * 333)
    await shop.doctors()


async def test_released_units_wait_for_stock_and_are_allocated_again(shop: Shop, placed: Placed) -> None:
    async with shop.database.transaction() as tx:
        await api.release(tx, placed.id, [LineQuantity(1, 4)], "the shelf is empty")
    assert await shop.reserved(placed.id) == {(1, "paris"): 1, (2, "paris"): 2}
    assert await statuses(shop, placed.id) == ("backordered", "pending", "none")
    async with shop.database.transaction() as tx:
        lyon = shop.locations["lyon"]
        assert await api.allocate(tx, placed.id, [lyon]) == 3
        assert await api.allocate(tx, placed.id, [lyon]) == 0
        assert await api.allocate(tx, placed.id, []) == 0
    assert await shop.reserved(placed.id) == {(1, "lyon"): 3, (1, "paris"): 1, (2, "paris"): 2}
    assert (await shop.order(placed.id)).backordered == 1
    async with shop.database.transaction() as tx:
        await api.release(tx, placed.id, [LineQuantity(1, 3)], "burnt", at=lyon)
        await api.release(tx, placed.id, None, "all of it")
        with pytest.raises(QuantityNotOpen):
            await api.release(tx, placed.id, None, "again")
    assert (await shop.order(placed.id)).backordered == 7
    await shop.doctors()


async def test_units_that_wait_are_cancelled_first_unless_a_place_is_named(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2, "lyon": 1})
    placed = await shop.place("web", {"TEA": 5}, fill=Fill.BACKORDER)
    await cancel(shop, placed.id, [LineQuantity(1, 1)])
    assert (await shop.order(placed.id)).backordered == 1
    async with shop.database.transaction() as tx:
        await api.cancel(tx, placed.id, [LineQuantity(1, 2)], "lost there", at=shop.locations["lyon"])
    assert (await shop.order(placed.id)).backordered == 0
    assert await shop.reserved(placed.id) == {(1, "paris"): 2}
    await shop.doctors()


async def test_promised_units_move_to_another_location_that_has_them(shop: Shop, placed: Placed) -> None:
    paris, lyon, store = (shop.locations[code] for code in ("paris", "lyon", "store"))
    async with shop.database.transaction() as tx:
        await api.move(tx, placed.id, 1, 2, from_location_id=paris, to_location_id=lyon, reason="nearer")
    assert await shop.reserved(placed.id) == {(1, "lyon"): 2, (1, "paris"): 3, (2, "paris"): 2}
    async with shop.database.transaction() as tx:
        with pytest.raises(InsufficientStock):
            await api.move(tx, placed.id, 1, 2, from_location_id=paris, to_location_id=lyon, reason="nearer")
        with pytest.raises(NotReservedThere):
            await api.move(tx, placed.id, 1, 1, from_location_id=store, to_location_id=lyon, reason="nearer")
        with pytest.raises(NotReservedThere):
            await api.move(tx, placed.id, 1, 1, from_location_id=paris, to_location_id=paris, reason="nearer")
        with pytest.raises(QuantityNotOpen):
            await api.move(tx, placed.id, 1, 6, from_location_id=paris, to_location_id=lyon, reason="nearer")
        with pytest.raises(UnknownLine):
            await api.move(tx, placed.id, 7, 1, from_location_id=paris, to_location_id=lyon, reason="nearer")
        with pytest.raises(NotReservedThere):
            await api.move(tx, placed.id, 3, 1, from_location_id=paris, to_location_id=lyon, reason="a charge")
    await shop.doctors()


async def test_money_moves_once_per_reference_and_never_back_further_than_it_came(shop: Shop, placed: Placed) -> None:
    async def pay(kind: EntryKind, amount: int, reference: str = "") -> bool:
        async with shop.database.transaction() as tx:
            return await api.pay(tx, placed.id, kind, "card", amount, reference)

    assert await pay(EntryKind.AUTHORISED, placed.total, "auth")
    assert (await statuses(shop, placed.id))[1] == "authorised"
    with pytest.raises(OverVoid):
        await pay(EntryKind.VOIDED, placed.total + 1)
    assert await pay(EntryKind.CAPTURED, placed.total, "cap")
    assert not await pay(EntryKind.CAPTURED, placed.total, "cap")
    assert (await statuses(shop, placed.id))[1] == "paid"
    with pytest.raises(OverRefund) as refused:
        await pay(EntryKind.REFUNDED, placed.total + 1, "ref")
    assert refused.value.data == {"captured": placed.total, "refunded": 0, "asked": placed.total + 1}
    assert await pay(EntryKind.REFUNDED, 1, "ref-1")
    assert (await statuses(shop, placed.id))[1] == "partly_refunded"
    assert await pay(EntryKind.REFUNDED, placed.total - 1, "ref-2")
    assert not await pay(EntryKind.REFUNDED, placed.total - 1, "ref-2"), "a repeated refund is known, not too much"
    assert (await statuses(shop, placed.id))[1] == "refunded"
    with pytest.raises(Invalid):
        await pay(EntryKind.CAPTURED, 0)
    await shop.doctors()


async def test_a_timeline_tells_who_did_what(shop: Shop, placed: Placed) -> None:
    await ship(shop, placed.id, "paris")
    async with shop.database.transaction() as tx:
        await api.note(tx, placed.id, "the neighbour took it")
    await take_back(shop, placed.id, "paris", ReturnLine(2, 1))
    async with shop.database.read() as reader:
        page = await api.timeline(reader, placed.id, limit=3)
        rest = await api.timeline(reader, placed.id, cursor=page.next)
    assert [entry.type for entry in [*page.items, *rest.items]] == [
        "order.placed",
        "order.shipped",
        "order.noted",
        "order.returned",
    ]
    assert page.items[0].channel == "web"
    assert page.items[1].actor == "system"
    assert page.items[1].data["whole"] is True


@given(st.integers(-10_000, 10_000), st.lists(st.integers(1, 7), min_size=1, max_size=6), st.data())
def test_the_shares_of_any_partition_add_up_to_the_amount(amount: int, parts: list[int], data: st.DataObject) -> None:
    """Some parts are cancelled, from the last unit on; the others come back, from the first unit on; in any order."""
    quantity = sum(parts)
    cancelled = returned = total = 0
    for units in data.draw(st.permutations(parts)):
        if data.draw(st.booleans()):
            total += share(amount, quantity, quantity - cancelled - units, units)
            cancelled += units
        else:
            total += share(amount, quantity, returned, units)
            returned += units
    assert total == amount


async def test_all_that_is_given_back_adds_up_to_all_that_was_paid(shop: Shop) -> None:
    """Seven units for 10.00 do not divide: two are cancelled, the others come back one, one and three at a time."""
    await shop.product("ODD", stock={"paris": 7})
    told = await shop.tell("web", [ChannelLine(LineKind.ITEM, "odd", 7, 1000, sku="ODD")])
    parts = [await cancel(shop, told.order_id, [LineQuantity(1, 2)])]
    await ship(shop, told.order_id, "paris")
    parts += [await take_back(shop, told.order_id, "paris", ReturnLine(1, units)) for units in (1, 1, 3)]
    assert (parts, sum(parts)) == ([285, 143, 143, 429], 1000)
    await shop.doctors()
