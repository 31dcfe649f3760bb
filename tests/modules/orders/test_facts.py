"""Facts: what a channel reports is recorded whatever the stock says, once per version."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind, Movement
from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import ExceptionKind, LineQuantity, OrderId, RecordOutcome
from comptoir.runtime.database import Contended
from comptoir.sdk.orders import Buyer, ChannelLine, ChannelPayment, Discount, LineKind, OrderKind, PaymentKind, Tax
from support.shop import NOON, Shop, sold


def payment(amount: int, reference: str = "", kind: PaymentKind = PaymentKind.CAPTURED) -> ChannelPayment:
    return ChannelPayment(kind, "card", amount, NOON, reference)


async def test_a_sale_at_the_till_leaves_on_hand_at_once(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 3})
    told = await shop.ring_up("store", {"TEA": 2}, payments=(payment(2000, "t1"),))
    assert (told.outcome, told.short) == (RecordOutcome.CREATED, 0)
    assert (await shop.level("TEA", "store"))[:2] == (1, 0)
    order = await shop.order(told.order_id)
    assert (order.fulfilment_status, order.payment_status, order.location_id) == ("fulfilled", "paid", shop.locations["store"])
    await shop.doctors()


async def test_a_sale_of_what_was_never_counted_is_recorded_and_asks_for_a_count(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 1})
    told = await shop.ring_up("store", {"TEA": 3})
    assert (await shop.level("TEA", "store")).on_hand == -2
    assert (await shop.order(told.order_id)).fulfilment_status == "fulfilled"
    (found,) = await shop.open_exceptions()
    assert (found.kind, found.sku, found.location_id, found.quantity) == ("negative_stock", "TEA", shop.locations["store"], 2)
    await shop.ring_up("store", {"TEA": 1})
    assert [one.quantity for one in await shop.open_exceptions()] == [3], "one exception per SKU and place, kept up to date"
    await shop.doctors()


async def test_an_order_of_a_marketplace_is_promised_from_where_there_is_some(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 1, "lyon": 5})
    told = await shop.tell("market", {"TEA": 3}, nearest=1)
    assert (told.short, await shop.reserved(told.order_id)) == (0, {(1, "lyon"): 3})
    await shop.doctors()


async def test_an_order_of_a_marketplace_for_what_is_nowhere_is_recorded_all_the_same(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 1})
    told = await shop.tell("market", {"TEA": 3})
    assert (told.short, await shop.reserved(told.order_id)) == (2, {(1, "paris"): 3})
    await shop.settle()
    (found,) = await shop.open_exceptions()
    assert (found.kind, found.order_id, found.line_no, found.quantity) == ("shortfall", told.order_id, 1, 2)
    await shop.doctors()


async def test_a_sku_that_nobody_knows_is_recorded_and_told(shop: Shop) -> None:
    told = await shop.tell("market", {"MYSTERY": 2})
    (found,) = await shop.open_exceptions()
    assert (found.kind, found.sku, found.quantity) == ("unknown_sku", "MYSTERY", 2)
    assert (await shop.order(told.order_id)).lines[0].stocked is True
    await shop.settle()
    await shop.product("MYSTERY")
    await shop.settle()
    assert [one.kind for one in await shop.open_exceptions()] == [ExceptionKind.SHORTFALL]
    await shop.doctors()


async def test_each_version_is_taken_once_and_an_older_one_never(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    fact = shop.reported("market", {"TEA": 2}, external_id="A", version="2")
    newer = replace(fact, order=replace(fact.order, version="3", lines=(sold("TEA", 2, cancelled=1),)))
    older = replace(fact, order=replace(fact.order, version="1", lines=(sold("TEA", 9),)))
    answers = await shop.report(fact, newer, fact, older)
    assert [answer.outcome for answer in answers] == ["created", "updated", "known", "known"]
    assert len({answer.order_id for answer in answers}) == 1
    assert [answer.outcome for answer in await shop.report(newer, older)] == ["known", "known"]
    assert (await shop.level("TEA", "paris"))[:2] == (9, 1)
    async with shop.database.read() as reader:
        assert (await api.by_external(reader, "market", "A")).order.external_version == "3"
    await shop.doctors()


async def test_many_processes_that_are_told_the_same_take_it_once(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 50})
    facts = [shop.reported("market", {"TEA": 1}, external_id=f"A{n}") for n in range(5)]
    newer = [replace(f, order=replace(f.order, version="2", lines=(sold("TEA", 1, shipped=1),))) for f in facts]

    async def tell(n: int) -> None:
        for _ in range(30):
            try:
                await shop.report(*(facts if n % 2 else reversed(facts)))
                await shop.report(*(newer if n % 2 else reversed(newer)))
            except Contended:
                await asyncio.sleep(0.01)
            else:
                return
        raise AssertionError

    await asyncio.gather(*(tell(n) for n in range(6)))
    assert (await shop.level("TEA", "paris"))[:2] == (45, 0)
    await shop.doctors()


async def test_amounts_are_taken_as_they_are_told(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    lines = [
        ChannelLine(
            LineKind.ITEM,
            "Tea",
            3,
            1000,
            sku="TEA",
            discounts=(Discount(101, "SPRING"),),
            taxes=(Tax(180, "TVA", Decimal("0.2")),),
        ),
        ChannelLine(LineKind.SHIPPING, "Post", 1, 490, taxes=(Tax(98, "TVA"),)),
    ]
    told = await shop.tell("market", lines, tax_included=False, payments=(payment(1667, "p"), payment(1667, "p")))
    order = await shop.order(told.order_id)
    assert (order.amount, order.discount, order.tax, order.total) == (1490, 101, 278, 1667)
    assert (order.captured, order.payment_status) == (1667, "paid"), "one reference is one payment"
    assert order.lines[0].unit_price == Decimal("3.333333")
    assert order.lines[0].discounts == [{"amount": 101, "code": "SPRING", "label": ""}]
    await shop.doctors()


async def test_a_credit_note_brings_its_units_back(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 1})
    told = await shop.tell("till", [sold("TEA", 2, -1000)], kind=OrderKind.CREDIT, location="store")
    assert (await shop.level("TEA", "store"))[:2] == (3, 0)
    order = await shop.order(told.order_id)
    assert (order.kind, order.total, order.fulfilment_status) == ("credit", -2000, "fulfilled")
    fact = shop.reported(
        "till", [sold("TEA", 3, -1000)], kind=OrderKind.CREDIT, location="store", external_id=order.external_id, version="2"
    )
    await shop.report(fact)
    assert (await shop.level("TEA", "store"))[:2] == (4, 0)
    assert (await shop.order(told.order_id)).total == -3000
    await shop.doctors()


async def test_history_whose_stock_has_been_counted_since_moves_none(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 5})
    told = await shop.tell("till", [sold("TEA", 4, shipped=3, returned=1)], location="store", moves_stock=False)
    assert (await shop.level("TEA", "store"))[:2] == (5, 1), "what is still owed is promised"
    await revise(shop, told.order_id, [sold("TEA", 4, shipped=4, returned=2)], location="store", moves_stock=False)
    assert (await shop.level("TEA", "store"))[:2] == (5, 0)
    await shop.doctors()


async def test_counters_that_contradict_each_other_are_cut_to_what_can_be(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    told = await shop.tell("market", [sold("TEA", 2, cancelled=1, shipped=4, returned=9)])
    order = await shop.order(told.order_id)
    assert (order.quantity, order.cancelled, order.shipped, order.returned) == (2, 1, 1, 1)
    await shop.doctors()


async def revise(shop: Shop, order_id: OrderId, lines: list[ChannelLine], version: str = "2", **more: Any) -> str:
    order = await shop.order(order_id)
    (answer,) = await shop.report(
        shop.reported(order.channel_code, lines, external_id=order.external_id, version=version, **more)
    )
    return answer.outcome


async def test_a_newer_version_cancels_ships_returns_and_pays(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    told = await shop.tell("market", [sold("TEA", 5)], payments=(payment(5000, kind=PaymentKind.AUTHORISED),))
    both = (payment(5000, kind=PaymentKind.AUTHORISED), payment(3000))
    assert await revise(shop, told.order_id, [sold("TEA", 5, cancelled=2, shipped=2)], payments=both) == "updated"
    assert (await shop.level("TEA", "paris"))[:2] == (7, 1)
    await revise(shop, told.order_id, [sold("TEA", 5, cancelled=2, shipped=3, returned=1)], "3", payments=both)
    assert (await shop.level("TEA", "paris"))[:2] == (7, 0)
    order = await shop.order(told.order_id)
    assert (order.fulfilment_status, order.return_status) == ("fulfilled", "partial")
    assert (order.authorised, order.captured) == (5000, 3000), "payments without a reference are counted, not repeated"
    async with shop.database.read() as reader:
        types = [entry.type for entry in (await api.timeline(reader, told.order_id)).items]
    assert types == [
        "order.placed",
        "order.cancelled",
        "order.shipped",
        "order.updated",
        "order.shipped",
        "order.returned",
        "order.updated",
    ]
    await shop.doctors()


async def test_a_newer_version_adds_grows_shrinks_and_drops_lines(shop: Shop) -> None:
    for sku in ("TEA", "CUP", "POT", "TRAY"):
        await shop.product(sku, stock={"paris": 9})
    told = await shop.tell("market", {"TEA": 2, "CUP": 3, "POT": 1})
    await revise(shop, told.order_id, [sold("TRAY", 1), sold("CUP", 1), sold("TEA", 4)])
    order = await shop.order(told.order_id)
    assert [(line.sku, line.quantity, line.cancelled, line.total) for line in order.lines] == [
        ("TEA", 4, 0, 4000),
        ("CUP", 1, 0, 1000),
        ("POT", 1, 1, 0),
        ("TRAY", 1, 0, 1000),
    ]
    assert order.total == 6000
    assert await shop.reserved(told.order_id) == {(1, "paris"): 4, (2, "paris"): 1, (4, "paris"): 1}
    async with shop.database.read() as reader:
        last = (await api.timeline(reader, told.order_id, sort="-at")).items[0]
    assert (last.data["total"], last.data["total_change"], last.data["quantity_change"]) == (6000, 0, 1)
    await shop.doctors()


async def test_lines_belong_together_by_the_channels_own_ids(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    told = await shop.tell("market", [sold("TEA", 1, external_id="a"), sold("TEA", 2, external_id="b")])
    await revise(shop, told.order_id, [sold("TEA", 2, 900, shipped=2, external_id="b"), sold("TEA", 1, external_id="a")])
    order = await shop.order(told.order_id)
    assert [(line.external_id, line.shipped, line.total) for line in order.lines] == [("a", 0, 1000), ("b", 2, 1800)]
    await shop.doctors()


async def test_a_channel_that_restates_what_we_cancelled_takes_nothing_more_away(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    told = await shop.tell("market", {"TEA": 3})
    async with shop.database.transaction() as tx:
        await api.cancel(tx, told.order_id, [LineQuantity(1, 1)], "asked")
    await revise(shop, told.order_id, [sold("TEA", 3)])
    assert await shop.reserved(told.order_id) == {(1, "paris"): 2}, "an echo of what was before brings nothing back"
    await revise(shop, told.order_id, [sold("TEA", 2)], "3")
    order = await shop.order(told.order_id)
    assert (order.quantity, order.cancelled, await shop.reserved(told.order_id)) == (2, 0, {(1, "paris"): 2})
    await shop.doctors()


async def test_what_left_from_elsewhere_than_promised_frees_the_promise(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2, "lyon": 1})
    told = await shop.tell("market", {"TEA": 2})
    assert await shop.reserved(told.order_id) == {(1, "paris"): 2}
    await revise(shop, told.order_id, [sold("TEA", 2, shipped=2)], location="lyon")
    assert (await shop.level("TEA", "paris"))[:2] == (2, 0)
    assert (await shop.level("TEA", "lyon"))[:2] == (-1, 0)
    assert [(one.kind, one.quantity) for one in await shop.open_exceptions()] == [("negative_stock", 1)]
    await shop.doctors()


async def test_what_left_although_it_waited_for_stock_waits_no_longer(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2})
    told = await shop.tell("market", {"TEA": 2})
    async with shop.database.transaction() as tx:
        await api.release(tx, told.order_id, [LineQuantity(1, 1)], "lost")
    await revise(shop, told.order_id, [sold("TEA", 2, shipped=2)])
    order = await shop.order(told.order_id)
    assert (order.shipped, order.backordered, (await shop.level("TEA", "paris"))[:2]) == (2, 0, (0, 0))
    await shop.doctors()


async def test_an_order_that_we_placed_is_revised_by_what_its_channel_tells(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 2})
    placed = await shop.place("web", {"TEA": 2}, external_id="W-1")
    fact = shop.reported("web", [sold("TEA", 2, shipped=1, external_id="l1")], external_id="W-1", version="7")
    (answer,) = await shop.report(fact)
    assert (answer.outcome, answer.order_id) == ("updated", placed.id)
    order = await shop.order(placed.id)
    assert ([line.external_id for line in order.lines], order.shipped) == (["l1"], 1)
    await shop.doctors()


async def test_a_buyer_is_recognised_after_the_order(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    buyer = Buyer(name="Ada", email="Ada@Example.org")
    first = await shop.tell("market", {"TEA": 1}, buyer=buyer)
    second = await shop.place("web", {"TEA": 1}, buyer=Buyer(email="ada@example.org", phone="+33 6 12 34 56 78"))
    nobody = await shop.tell("market", {"TEA": 1}, buyer=Buyer(name="Somebody"))
    await shop.settle()
    customer = (await shop.order(first.order_id)).customer_id
    assert customer is not None
    assert (await shop.order(second.id)).customer_id == customer
    assert (await shop.order(nobody.order_id)).customer_id is None
    async with shop.database.read() as reader:
        assert "order.linked" in [entry.type for entry in (await api.timeline(reader, second.id)).items]


async def test_a_batch_is_recorded_in_order_and_shares_what_there_is(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 3})
    facts = [shop.reported("market", {"TEA": 2}) for _ in range(3)]
    answers = await shop.report(*facts)
    assert [answer.short for answer in answers] == [0, 1, 2]
    assert [answer.external_id for answer in answers] == [fact.order.external_id for fact in facts]
    await shop.doctors()


async def test_a_correction_of_the_stock_can_break_a_promise_as_well(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 2})
    placed = await shop.place("market", {"TEA": 2})
    async with shop.database.transaction() as tx:
        await inventory.record(tx, [Movement(EntryKind.ADJUSTED, "TEA", shop.locations["paris"], on_hand=-1, reason="lost")])
    await shop.settle()
    assert [(one.kind, one.order_id, one.quantity) for one in await shop.open_exceptions()] == [("shortfall", placed.id, 1)]
    await shop.doctors()
