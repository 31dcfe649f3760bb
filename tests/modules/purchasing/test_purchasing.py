"""Drop-ship: what a supplier has to send becomes a purchase order, and their answer is what happens."""

from __future__ import annotations

from datetime import timedelta

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import HoldReason, LineUnits, Request, Stage, State
from comptoir.modules.fulfilment.errors import NotInThatState
from comptoir.modules.inventory.contracts import Quantity
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Fill, LineQuantity
from comptoir.modules.purchasing import api
from comptoir.modules.purchasing.contracts import (
    Answer,
    Article,
    DeclineReason,
    LetterKind,
    LetterState,
    LineAnswer,
    PurchaseFilter,
    PurchaseState,
    Sent,
    Terms,
    Units,
)
from comptoir.modules.purchasing.errors import NotASupplier, NotThatManyOpen, PurchaseStepRefused, UnknownPurchase
from comptoir.modules.tracking import api as tracking
from support.dropship import HOME, Dropship


async def test_what_a_supplier_has_to_send_becomes_a_purchase_order(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 2, "CORD": 1500})
    (one,) = await trade.purchases(order_id)
    assert (one.state, one.location_id) == (PurchaseState.ASKED, trade.shop.locations["acme"])
    assert [(line.sku, line.supplier_sku, line.quantity, line.cost, line.weighed) for line in one.lines] == [
        ("LAMP", "AC-1", 2, 1750, False),
        ("CORD", "AC-9", 1500, 333, True),
    ]
    assert (one.cost, one.booked, one.currency) == (3500 + 500, 0, "EUR")
    assert one.ship_to["line1"] == HOME.line1
    assert one.requested_on is not None
    assert one.answer_by is not None
    assert timedelta(hours=23) < one.answer_by - utcnow() <= timedelta(hours=24)
    (work,) = await trade.shop.work(order_id)
    assert (work.request, work.answer_by) == (Request.SUBMITTED, one.answer_by)
    async with trade.database.read() as reader:
        (letter,) = await api.letters(reader, one.id)
    assert (letter.kind, letter.state) == (LetterKind.ORDER, LetterState.PENDING)
    assert await trade.told(order_id) == [("ask", "asked")]


async def test_a_warehouse_is_asked_for_nothing(trade: Dropship) -> None:
    order_id = await trade.order({"VASE": 5})
    async with trade.database.transaction() as tx:
        await orders.move(
            tx,
            order_id,
            1,
            5,
            from_location_id=trade.shop.locations["acme"],
            to_location_id=trade.shop.locations["depot"],
            reason="person",
        )
    await trade.settle()
    (one,) = await trade.purchases(order_id)
    assert one.state is PurchaseState.CANCELLED
    assert [place.location_id for place in await trade.shop.work(order_id) if place.state is State.OPEN] == [
        trade.shop.locations["depot"]
    ]


async def test_a_supplier_accepts_ships_and_the_parcel_is_followed(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 3})
    (one,) = await trade.purchases(order_id)
    day = utcnow().date() + timedelta(days=2)
    after = await trade.act(lambda tx: api.acknowledge(tx, one.id, Answer(promised_on=day, note="With pleasure")))
    assert (after.state, after.promised_on, after.note) == (PurchaseState.ACKNOWLEDGED, day, "With pleasure")
    (work,) = await trade.shop.work(order_id)
    assert (work.request, work.state, work.answer_by) == (Request.ACCEPTED, State.IN_PROGRESS, None)
    parcel = Sent(carrier="dhl", tracking_number="JD01", tracking_url="https://dhl.example/JD01", lines=(Units(1, 2),))
    partly = await trade.act(lambda tx: api.ship(tx, one.id, [parcel]))
    assert (partly.state, partly.booked, partly.cost) == (PurchaseState.PARTLY_SHIPPED, 3500, 5250)
    whole = await trade.act(lambda tx: api.ship(tx, one.id, [Sent(carrier="dhl", tracking_number="JD02")]))
    assert (whole.state, whole.booked, whole.open) == (PurchaseState.SHIPPED, 5250, 0)
    details = await trade.shop.details(order_id)
    assert sorted(one.tracking_number for one in details.shipments) == ["JD01", "JD02"]
    assert details.order.shipped == 3
    async with trade.database.read() as reader:
        followed = await tracking.of_order(reader, order_id)
    assert sorted(one.parcel.tracking_number for one in followed) == ["JD01", "JD02"]
    assert (await trade.shop.level("LAMP", "acme")).on_hand == 7
    assert await trade.told(order_id) == [
        ("ask", "asked"),
        ("acknowledge", "acknowledged"),
        ("ship", "partly_shipped"),
        ("finish", "shipped"),
    ]
    await trade.shop.doctors()


async def test_whoever_ships_has_accepted(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 1})
    (one,) = await trade.purchases(order_id)
    after = await trade.act(lambda tx: api.ship(tx, one.id, [Sent(tracking_number="JD03")]))
    assert after.state is PurchaseState.SHIPPED
    with pytest.raises(PurchaseStepRefused):
        await trade.act(lambda tx: api.acknowledge(tx, one.id, Answer()))


async def test_what_is_accepted_in_part_comes_for_the_rest_from_elsewhere(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 4})
    (one,) = await trade.purchases(order_id)
    answer = Answer(lines=(LineAnswer(1, 3, DeclineReason.OUT_OF_STOCK),))
    after = await trade.act(lambda tx: api.acknowledge(tx, one.id, answer))
    (line,) = after.lines
    assert (after.state, line.wanted, line.rejected, line.reason) == (
        PurchaseState.ACKNOWLEDGED, 3, 1, DeclineReason.OUT_OF_STOCK,
    )  # fmt: skip
    level = await trade.shop.level("LAMP", "acme")
    assert (level.reserved, level.available) == (3, 0), "nothing more is there, whatever the feed has said"
    first, second = await trade.purchases(order_id)
    assert (first.id, second.location_id, second.state) == (one.id, trade.shop.locations["bolt"], PurchaseState.ASKED)
    assert [line.wanted for line in second.lines] == [1]
    await trade.shop.doctors()


async def test_what_is_declined_goes_elsewhere_and_the_stock_says_so(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 2})
    (one,) = await trade.purchases(order_id)
    after = await trade.act(lambda tx: api.decline(tx, one.id, None, DeclineReason.DISCONTINUED, "No longer made"))
    assert (after.state, after.note) == (PurchaseState.DECLINED, "No longer made")
    assert (await trade.shop.level("LAMP", "acme")).available == 0
    first, second = await trade.purchases(order_id)
    assert (first.state, second.location_id) == (PurchaseState.DECLINED, trade.shop.locations["bolt"])
    begun = next(work for work in await trade.shop.work(order_id) if work.location_id == one.location_id)
    assert (begun.request, begun.state) == (Request.REJECTED, State.CANCELLED)
    other = await trade.act(lambda tx: api.decline(tx, second.id, None, DeclineReason.ADDRESS))
    assert (await trade.shop.level("LAMP", "bolt")).available == 10, "the goods are there, only not for this address"
    assert other.state is PurchaseState.DECLINED
    assert "unroutable" in [found.kind.value for found in await trade.shop.open_exceptions()]
    await trade.shop.doctors()


async def test_more_than_was_asked_is_refused_and_nothing_changes(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 2})
    (one,) = await trade.purchases(order_id)
    for work in (
        lambda tx: api.acknowledge(tx, one.id, Answer(lines=(LineAnswer(1, 3),))),
        lambda tx: api.acknowledge(tx, one.id, Answer(lines=(LineAnswer(9, 1),))),
        lambda tx: api.decline(tx, one.id, [Units(1, 3)], DeclineReason.OTHER),
        lambda tx: api.ship(tx, one.id, [Sent(lines=(Units(1, 2),)), Sent(lines=(Units(1, 1),))]),
    ):
        with pytest.raises(NotThatManyOpen):
            await trade.act(work)
    for work in (
        lambda tx: api.ship(tx, one.id, []),
        lambda tx: api.ship(tx, one.id, [Sent(tracking_url="javascript:alert(1)")]),
        lambda tx: api.acknowledge(tx, one.id, Answer(promised_on=utcnow().date() - timedelta(days=30))),
        lambda tx: api.acknowledge(tx, one.id, Answer(lines=(LineAnswer(1, 1), LineAnswer(1, 1)))),
    ):
        with pytest.raises(Invalid):
            await trade.act(work)
    assert await trade.purchases(order_id) == [one]


async def test_who_does_not_answer_is_reminded_then_passed_over(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 1})
    (one,) = await trade.purchases(order_id)
    await trade.tick()
    assert (await trade.purchases(order_id))[0] == one
    await trade.pass_time(13)
    await trade.tick()
    await trade.tick()
    async with trade.database.read() as reader:
        kinds = [letter.kind for letter in await api.letters(reader, one.id)]
    assert kinds == [LetterKind.ORDER, LetterKind.REMINDER]
    await trade.pass_time(12)
    await trade.tick()
    first, second = await trade.purchases(order_id)
    assert (first.state, second.state) == (PurchaseState.EXPIRED, PurchaseState.ASKED)
    assert second.location_id == trade.shop.locations["bolt"]
    rejection = (await trade.told(order_id))[-2:]
    assert rejection == [("expire", "expired"), ("ask", "asked")]
    with pytest.raises(PurchaseStepRefused):
        await trade.act(lambda tx: api.acknowledge(tx, one.id, Answer()))
    await trade.pass_time(48)
    await trade.tick()
    assert "unroutable" in [found.kind.value for found in await trade.shop.open_exceptions()]


async def test_what_the_buyer_cancels_is_no_longer_asked(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 3})
    (one,) = await trade.purchases(order_id)
    async with trade.database.transaction() as tx:
        await orders.cancel(tx, order_id, [LineQuantity(1, 1)], "buyer")
    await trade.settle()
    (less,) = await trade.purchases(order_id)
    assert (less.state, less.revision, less.cost, less.lines[0].cancelled) == (PurchaseState.ASKED, 2, 3500, 1)
    async with trade.database.transaction() as tx:
        await orders.cancel(tx, order_id, None, "buyer")
    await trade.settle()
    (none,) = await trade.purchases(order_id)
    assert (none.state, none.cost) == (PurchaseState.CANCELLED, 0)
    async with trade.database.read() as reader:
        letters = [(letter.kind, letter.problem) for letter in await api.letters(reader, one.id)]
    assert letters == [
        (LetterKind.ORDER, "overtaken"),
        (LetterKind.CHANGED, "overtaken"),
        (LetterKind.CANCELLED, ""),
    ]


async def test_more_units_join_what_was_not_answered(trade: Dropship) -> None:
    await trade.shop.receive("VASE", "depot", -5)
    order_id = await trade.order({"VASE": 7}, fill=Fill.BACKORDER)
    (one,) = await trade.purchases(order_id)
    assert [line.wanted for line in one.lines] == [5]
    await trade.shop.receive("VASE", "acme", 10)
    await trade.settle()
    found = await trade.purchases(order_id)
    assert [(line.wanted, purchase.revision) for purchase in found for line in purchase.lines] == [(7, 2)]


async def test_we_withdraw_what_has_not_left(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 2})
    (one,) = await trade.purchases(order_id)
    await trade.act(lambda tx: api.acknowledge(tx, one.id, Answer()))
    after = await trade.act(lambda tx: api.withdraw(tx, one.id))
    assert after.state is PurchaseState.CANCELLED
    assert [purchase.location_id for purchase in await trade.purchases(order_id)] == [
        trade.shop.locations["acme"],
        trade.shop.locations["bolt"],
    ]
    await trade.shop.doctors()


async def test_what_leaves_without_a_word_to_us_is_booked_all_the_same(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 2})
    async with trade.database.transaction() as tx:
        await orders.ship(tx, order_id, trade.shop.locations["acme"], None, carrier="dhl", tracking_number="X1")
    await trade.settle()
    (one,) = await trade.purchases(order_id)
    assert (one.state, one.booked) == (PurchaseState.SHIPPED, 3500)


async def test_the_feed_says_what_is_free_beside_what_was_accepted(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 4})
    (one,) = await trade.purchases(order_id)
    acme = trade.shop.locations["acme"]
    await trade.act(lambda tx: api.take_feed(tx, acme, [Quantity("LAMP", 6)]))
    level = await trade.shop.level("LAMP", "acme")
    assert (level.on_hand, level.available) == (6, 2), "what was not accepted is still in their figures"
    await trade.act(lambda tx: api.acknowledge(tx, one.id, Answer()))
    changed = await trade.act(lambda tx: api.take_feed(tx, acme, [Quantity("LAMP", 6)]))
    level = await trade.shop.level("LAMP", "acme")
    assert (changed, level.on_hand, level.available) == (1, 10, 6)
    assert await trade.act(lambda tx: api.take_feed(tx, acme, [Quantity("LAMP", 6)])) == 0
    with pytest.raises(Invalid):
        await trade.act(lambda tx: api.take_feed(tx, acme, [Quantity("NOTHING", 6)]))
    with pytest.raises(NotASupplier):
        await trade.act(lambda tx: api.take_feed(tx, trade.shop.locations["depot"], [Quantity("LAMP", 6)]))
    await trade.shop.doctors()


async def test_terms_and_prices_are_checked_and_kept(trade: Dropship) -> None:
    acme, depot = trade.shop.locations["acme"], trade.shop.locations["depot"]
    async with trade.database.transaction() as tx:
        for wrong in (
            Terms(location_id=acme, email="nobody"),
            Terms(location_id=acme, answer_within=0),
            Terms(location_id=acme, locale="xx"),
        ):
            with pytest.raises(Invalid):
                await api.put_terms(tx, wrong)
        with pytest.raises(NotASupplier):
            await api.put_terms(tx, Terms(location_id=depot))
        with pytest.raises(Invalid):
            await api.put_articles(tx, acme, [Article(sku="NOTHING", cost=1)])
        assert await api.put_articles(tx, acme, [Article(sku="VASE", supplier_sku="V", cost=None)]) == 1
        page = await api.articles(tx, acme)
    assert [(row.sku, row.cost) for row in page.items] == [("CORD", 333), ("LAMP", 1750), ("VASE", None)]


async def test_purchase_orders_are_found_by_place_state_and_number(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 1})
    (one,) = await trade.purchases(order_id)
    acme, bolt = trade.shop.locations["acme"], trade.shop.locations["bolt"]
    async with trade.database.read() as reader:
        for wanted, count in (
            (PurchaseFilter(), 1),
            (PurchaseFilter(locations=(acme,), states=(PurchaseState.ASKED,)), 1),
            (PurchaseFilter(locations=(bolt,)), 0),
            (PurchaseFilter(search=str(one.number)), 1),
            (PurchaseFilter(search=f"#{one.order_number}"), 1),
            (PurchaseFilter(search="nothing"), 0),
        ):
            assert len((await api.find(reader, wanted)).items) == count, wanted
        assert (await api.get(reader, one.id, at=acme)).id == one.id
        with pytest.raises(UnknownPurchase):
            await api.get(reader, one.id, at=bolt)
        assert await api.counts(reader) == {PurchaseState.ASKED: 1}


async def test_what_no_event_has_said_is_found_by_the_clock(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 3})
    (work,) = await trade.shop.work(order_id)
    async with trade.database.transaction() as tx:
        await fulfilment.split(tx, work.id, [LineUnits(1, 1)])
    async with trade.database.transaction() as tx:
        await api.review(tx)
    found = await trade.purchases(order_id)
    assert sorted(line.wanted for one in found for line in one.lines) == [1, 2]


async def test_what_is_held_is_not_accepted(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 1})
    (work,) = await trade.shop.work(order_id)
    (one,) = await trade.purchases(order_id)
    async with trade.database.transaction() as tx:
        await fulfilment.hold(tx, work.id, HoldReason.FRAUD)
    with pytest.raises(NotInThatState):
        await trade.act(lambda tx: api.acknowledge(tx, one.id, Answer()))
    assert (await trade.shop.work(order_id))[0].stage is Stage.WAITING


async def test_what_was_held_and_goes_on_is_waited_for_the_whole_time_again(trade: Dropship) -> None:
    order_id = await trade.order({"LAMP": 2})
    (asked,) = await trade.purchases(order_id)
    (work,) = await trade.shop.work(order_id)
    await trade.act(lambda tx: fulfilment.hold(tx, work.id, HoldReason.FRAUD))
    (held,) = await trade.purchases(order_id)
    assert (held.state, held.answer_by, held.remind_at) == (PurchaseState.ASKED, None, None)
    await trade.tick()
    assert [(await trade.purchases(order_id))[0].state] == [PurchaseState.ASKED]
    await trade.act(lambda tx: fulfilment.resume(tx, work.id))
    (again,) = await trade.purchases(order_id)
    assert again.answer_by is not None
    assert timedelta(hours=23) < again.answer_by - utcnow() <= timedelta(hours=24)
    assert (again.remind_at is not None) == (asked.remind_at is not None)
    assert (await trade.shop.work(order_id))[0].answer_by == again.answer_by
    await trade.pass_time(25)
    await trade.tick()
    assert (await trade.purchases(order_id))[0].state is not PurchaseState.ASKED
