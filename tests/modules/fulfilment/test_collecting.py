"""Click & collect: what waits, who may have it, what has to be paid, what goes back, and the clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from comptoir.kernel.errors import Refusal
from comptoir.kernel.ids import ActorId
from comptoir.modules.changes import api as changes
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import (
    BackReason,
    Checked,
    CodeVerdict,
    CollectionTerms,
    Fulfilment,
    FulfilmentId,
    HandedAt,
    HandingOver,
    Handshake,
    LineUnits,
    Method,
    ParcelDraft,
    Request,
    Stage,
    State,
    Waiting,
)
from comptoir.modules.fulfilment.errors import (
    NoCurbside,
    NoMoreTime,
    NotInThatState,
    NotPaid,
    NotThatMany,
    UnknownPutBack,
)
from comptoir.modules.locations import api as locations
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Charge, OrderId, Payment, ReturnLine, Tracking
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import EntryKind
from comptoir.runtime.database import Context, Tx
from comptoir.sdk.orders import LineKind, PaymentKind
from support.shop import Shop

ANNA = Context(ActorId("usr_anna"))
BY_CODE = HandingOver(collector="Camille Roux", checked=Checked.CODE)


def paid(amount: int) -> tuple[Payment, ...]:
    return (Payment(PaymentKind.CAPTURED, "card", amount, "ch_1"),)


async def ordered(shop: Shop, units: dict[str, int], **more: Any) -> list[Fulfilment]:
    """An order that is collected at the store, and its work."""
    placed = await shop.place("web", units, pickup_location_id=shop.locations["store"], **more)
    await shop.settle()
    return await shop.work(placed.id)


async def waiting(shop: Shop, units: dict[str, int], **more: Any) -> Fulfilment:
    """An order from the store's own stock that is ready."""
    (one,) = await ordered(shop, units, **more)
    async with shop.database.transaction(ANNA) as tx:
        await api.pick(tx, one.id)
        found = await api.ready(tx, one.id)
    await shop.settle()
    return found


async def sent(shop: Shop, units: dict[str, int], **more: Any) -> Fulfilment:
    """An order that a warehouse has sent to the store, as the store sees it."""
    (one,) = await ordered(shop, units, **more)
    assert one.method is Method.SEND_TO_STORE
    async with shop.database.transaction() as tx:
        await api.pick(tx, one.id)
        await api.pack(tx, one.id)
        await api.hand_over(tx, one.id)
    await shop.settle()
    return next(other for other in await shop.work(one.order_id) if other.method is Method.HAND_OUT)


async def arrived(shop: Shop, units: dict[str, int], **more: Any) -> Fulfilment:
    one = await sent(shop, units, **more)
    async with shop.database.transaction(ANNA) as tx:
        return await api.ready(tx, one.id, shelf="B-2")


async def again(shop: Shop, one: Fulfilment) -> Fulfilment:
    async with shop.database.read() as reader:
        return await api.get(reader, one.id)


async def held(shop: Shop, one: Fulfilment) -> Waiting:
    async with shop.database.read() as reader:
        return (await api.waiting(reader, [one.id]))[one.id]


async def over(shop: Shop, one: Fulfilment) -> None:
    """Its time has passed."""
    async with shop.database.transaction() as tx:
        await tx.run(
            "UPDATE fulfilment.collections SET waits_until = now() - interval '1 minute' WHERE fulfilment_id = %(id)s",
            {"id": one.id},
        )


async def give_back_overdue(shop: Shop) -> int:
    """What the clock does, with the refund that follows; gives how many units."""
    units = 0
    for _ in range(20):
        async with shop.database.transaction() as tx:
            given = await api.give_back_overdue(tx)
            if given is None:
                return units
            await changes.settle(tx, given.order_id, "not collected", about="collection", about_id=given.fulfilment_id)
            units += given.units
    raise AssertionError


async def granted(shop: Shop, order_id: OrderId) -> int:
    async with shop.database.read() as reader:
        return await payments.granted(reader, order_id)


async def events(shop: Shop, prefix: str = "fulfilment.") -> list[str]:
    async with shop.database.read() as reader:
        return await reader.values(
            "SELECT type FROM runtime.events WHERE starts_with(type, %(prefix)s) ORDER BY tx, seq", {"prefix": prefix}
        )


# Ready


async def test_what_is_ready_waits_as_long_as_the_terms_of_its_counter_say(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 10})
    store = shop.locations["store"]
    async with shop.database.transaction() as tx:
        await api.put_terms(tx, CollectionTerms(days=10, reminders=(), extension=0))
        pool = await locations.pool_by_code(tx, "pool-web")
        await api.put_terms(tx, CollectionTerms(days=5, reminders=(1,)), pool_id=pool.id)
    zone_days = {}
    for name, own in (("pool", None), ("store", CollectionTerms(days=2, reminders=(1, 0), extension=4, curbside=True))):
        if own is not None:
            async with shop.database.transaction() as tx:
                await api.put_terms(tx, own, location_id=store)
        one = await waiting(shop, {"TEA": 1})
        there = await held(shop, one)
        assert there.waits_until is not None
        zone_days[name] = (there.waits_until - datetime.now(UTC)).total_seconds() / 86_400
        assert there.curbside is (own is not None)
    assert 5 < zone_days["pool"] <= 6.1
    assert 2 < zone_days["store"] <= 3.1


async def test_what_is_not_all_picked_or_not_collected_here_is_not_ready(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 3, "paris": 3})
    (here,) = await ordered(shop, {"TEA": 2})
    home = await shop.place("web", {"TEA": 1})
    await shop.settle()
    (away,) = await shop.work(home.id)
    async with shop.database.transaction() as tx:
        with pytest.raises(Refusal):
            await api.ready(tx, here.id)
        with pytest.raises(NotInThatState):
            await api.ready(tx, away.id)


# Sent to the store


async def test_what_another_location_sends_is_received_put_on_the_counter_and_collected(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"paris": 5})
    one = await sent(shop, {"TEA": 2}, payments=paid(1000))
    assert (one.location_id, one.stage, one.quantity, one.state) == (shop.locations["store"], Stage.TO_RECEIVE, 2, State.OPEN)
    assert (await shop.level("TEA", "paris")).on_hand == 3
    async with shop.database.transaction(ANNA) as tx:
        with pytest.raises(NotInThatState):
            await api.hand_out(tx, one.id, None, BY_CODE)
        coming = await api.at_counter(tx, one.location_id, Stage.TO_RECEIVE)
        assert [found.id for found in coming] == [one.id]
        after = await api.ready(tx, one.id, shelf="B-2")
    assert after.stage is Stage.READY
    assert (await held(shop, one)).shelf == "B-2"
    async with shop.database.transaction(ANNA) as tx:
        closed = await api.hand_out(tx, one.id, None, BY_CODE)
        (handout,) = await api.handouts(tx, one.id)
    assert (closed.state, closed.gone) == (State.CLOSED, 2)
    assert (handout.collector, handout.checked, handout.at, handout.lines) == (
        "Camille Roux",
        Checked.CODE,
        HandedAt.COUNTER,
        (LineUnits(1, 2),),
    )
    await shop.settle()
    order = await shop.order(one.order_id)
    assert (order.shipped, order.returned, order.fulfilment_status) == (2, 0, "fulfilled")
    assert (await shop.level("TEA", "store")).on_hand == 0
    await shop.doctors()


async def test_a_parcel_is_found_at_the_store_by_its_tracking_number(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"paris": 5})
    (one,) = await ordered(shop, {"TEA": 2})
    async with shop.database.transaction() as tx:
        await api.pick(tx, one.id)
        parcel = await api.pack(tx, one.id)
        await api.hand_over(tx, one.id, {parcel.id: Tracking("acme", "1Z999")})
        place = shop.locations["store"]
        assert len(await api.at_counter(tx, place, Stage.TO_RECEIVE, search="1Z999")) == 1
        assert await api.at_counter(tx, place, Stage.TO_RECEIVE, search="1Z998") == []


async def test_what_comes_from_elsewhere_takes_no_step_of_picking(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"paris": 5})
    one = await arrived(shop, {"TEA": 2})
    steps = (
        lambda tx: api.begin(tx, one.id),
        lambda tx: api.pick(tx, one.id),
        lambda tx: api.pack(tx, one.id, ParcelDraft()),
        lambda tx: api.stop(tx, one.id),
        lambda tx: api.put_back(tx, one.id),
        lambda tx: api.move(tx, one.id, shop.locations["lyon"]),
        lambda tx: api.split(tx, one.id, [LineUnits(1, 1)]),
    )
    for step in steps:
        with pytest.raises(Refusal):
            async with shop.database.transaction() as tx:
                await step(tx)
    assert (await again(shop, one)).stage is Stage.READY


# Paying at the counter


async def test_nothing_is_handed_out_before_it_is_paid(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"store": 5})
    one = await waiting(shop, {"TEA": 2})
    with pytest.raises(NotPaid) as refused:
        async with shop.database.transaction(ANNA) as tx:
            await api.hand_out(tx, one.id, None, BY_CODE)
    assert refused.value.data == {"due": 1000, "currency": "EUR"}
    assert (await again(shop, one)).gone == 0
    assert (await shop.level("TEA", "store")).reserved == 2
    async with shop.database.transaction(ANNA) as tx:
        await orders.pay(tx, one.order_id, EntryKind.CAPTURED, "cash", 1000)
        assert (await api.hand_out(tx, one.id, None, BY_CODE)).state is State.CLOSED
    await shop.settle()
    await shop.doctors()


@pytest.mark.parametrize("place", ["store", "paris"])
async def test_a_part_costs_its_part_and_charges_go_with_the_first(shop: Shop, place: str) -> None:
    await shop.product("TEA", 333, stock={place: 5})
    charge = Charge(LineKind.FEE, "Gift wrap", 100)
    make = waiting if place == "store" else arrived
    one = await make(shop, {"TEA": 3}, charges=(charge,))
    async with shop.database.transaction(ANNA) as tx:
        assert (await api.to_pay(tx, one.id)).due == 1099
        first = await api.to_pay(tx, one.id, [LineUnits(1, 1)])
        assert (first.due, first.whole) == (433, 1099)
        await orders.pay(tx, one.order_id, EntryKind.CAPTURED, "cash", 433)
        after = await api.hand_out(tx, one.id, [LineUnits(1, 1)], BY_CODE)
        assert (after.stage, after.gone) == (Stage.READY, 1)
        assert (await api.to_pay(tx, one.id)).due == 666
        with pytest.raises(NotPaid):
            await api.hand_out(tx, one.id, [LineUnits(1, 1)], BY_CODE)
        await orders.pay(tx, one.order_id, EntryKind.CAPTURED, "cash", 666)
        assert (await api.hand_out(tx, one.id, None, BY_CODE)).state is State.CLOSED
    await shop.settle()
    order = await shop.order(one.order_id)
    assert (order.captured, order.payment_status, order.shipped) == (1099, "paid", 3)
    await shop.doctors()


async def test_money_that_is_authorised_is_as_good_as_paid_and_is_not_counted_twice(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"store": 5})
    one = await waiting(shop, {"TEA": 2}, payments=(Payment(PaymentKind.AUTHORISED, "card", 600, "au_1"),))
    async with shop.database.transaction(ANNA) as tx:
        assert (await api.to_pay(tx, one.id)).due == 400
        await orders.pay(tx, one.order_id, EntryKind.CAPTURED, "cash", 400)
        assert (await api.to_pay(tx, one.id)).due == 0
        await orders.pay(tx, one.order_id, EntryKind.CAPTURED, "card", 600, "ch_1")
        assert (await api.to_pay(tx, one.id)).due == 0
        await api.hand_out(tx, one.id, None, BY_CODE)


# Who may have it


async def test_wrong_codes_are_limited_and_a_right_one_does_not_help_while_none_is_looked_at(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 5})
    one = await waiting(shop, {"TEA": 1})
    verdicts: list[CodeVerdict] = []
    for right in (False, False, True, False, False, False, False, False, True):
        async with shop.database.transaction(ANNA) as tx:
            verdicts.append(await api.try_code(tx, one.id, right=right))
    wrong, good, barred = CodeVerdict.WRONG, CodeVerdict.RIGHT, CodeVerdict.BARRED
    assert verdicts == [wrong, wrong, good, wrong, wrong, wrong, wrong, wrong, barred]
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE fulfilment.collections SET barred_until = now() - interval '1 second'")
    async with shop.database.transaction(ANNA) as tx:
        assert await api.try_code(tx, one.id, right=True) is good


async def test_the_buyer_names_somebody_and_takes_it_back(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 5})
    one = await waiting(shop, {"TEA": 1})
    async with shop.database.transaction() as tx:
        await api.name_collector(tx, one.order_id, "  Alex Roux ", by_buyer=True)
        await api.name_collector(tx, one.order_id, "Alex Roux", by_buyer=True)
        assert (await api.collectors(tx, [one.order_id]))[one.order_id].name == "Alex Roux"
    async with shop.database.transaction() as tx:
        await api.name_collector(tx, one.order_id, "", by_buyer=False)
        assert await api.collectors(tx, [one.order_id]) == {}
    assert (await events(shop)).count("fulfilment.collector_named") == 2


async def test_a_buyer_outside_is_first_in_the_list_and_gone_when_served(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"store": 5})
    async with shop.database.transaction() as tx:
        await api.put_terms(tx, CollectionTerms(curbside=True), location_id=shop.locations["store"])
    first = await waiting(shop, {"TEA": 1}, payments=paid(500))
    second = await waiting(shop, {"TEA": 1}, payments=paid(500))
    place = shop.locations["store"]
    async with shop.database.transaction() as tx:
        await api.buyer_here(tx, second.id, car="red van", spot="3")
    async with shop.database.transaction() as tx:
        await api.buyer_here(tx, second.id, car="red van, AB-123-CD", spot="3")
        assert [one.id for one in await api.at_counter(tx, place, Stage.READY)] == [second.id, first.id]
        assert await api.here_first(tx, place) == second.id
        count = await api.waiting_count(tx, place, tx.now)
        assert (count.ready, count.here, count.ends_soon) == (2, 1, 0)
        await api.hand_out(tx, second.id, None, HandingOver(collector="Camille", checked=Checked.CODE, at=HandedAt.CAR))
        assert await api.here_first(tx, place) is None
    assert (await events(shop)).count("fulfilment.buyer_here") == 1
    assert (await held(shop, second)).car == ""


async def test_nobody_is_called_outside_where_nothing_is_brought_out(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 5})
    one = await waiting(shop, {"TEA": 1})
    with pytest.raises(NoCurbside):
        async with shop.database.transaction() as tx:
            await api.buyer_here(tx, one.id, car="red van")


# Refused, and not collected


@pytest.mark.parametrize("place", ["store", "paris"])
async def test_refused_units_are_stock_of_the_store_again_and_their_money_is_granted(shop: Shop, place: str) -> None:
    await shop.product("TEA", 333, stock={place: 5})
    make = waiting if place == "store" else arrived
    one = await make(shop, {"TEA": 3}, payments=paid(999))
    before = await shop.level("TEA", "store")
    async with shop.database.transaction(ANNA) as tx:
        given = await api.give_back(tx, one.id, [LineUnits(1, 1)], BackReason.REFUSED)
        await changes.settle(tx, one.order_id, "refused", about="collection", about_id=one.id)
        after = await api.hand_out(tx, one.id, None, BY_CODE)
    assert (given.units, given.worth) == (1, 333)
    assert (after.state, after.gone, after.quantity) == (State.CLOSED, 2, 2)
    assert await granted(shop, one.order_id) == 333
    await shop.settle()
    level = await shop.level("TEA", "store")
    assert level.available == before.available + 1
    assert level.on_hand == (3 if place == "store" else 1)
    async with shop.database.transaction(ANNA) as tx:
        (task,) = await api.put_backs(tx, shop.locations["store"])
        assert (task.sku, task.units, task.reason, task.number) == ("TEA", 1, BackReason.REFUSED, one.number)
        assert await api.done_put_backs(tx, [task.id]) == 1
        assert await api.put_backs(tx, shop.locations["store"]) == []
        with pytest.raises(UnknownPutBack):
            await api.done_put_backs(tx, [task.id])
    await shop.doctors()


@pytest.mark.parametrize("place", ["store", "paris"])
async def test_what_is_broken_on_the_counter_is_damaged_stock(shop: Shop, place: str) -> None:
    await shop.product("TEA", 333, stock={place: 5})
    one = await (waiting if place == "store" else arrived)(shop, {"TEA": 2}, payments=paid(666))
    async with shop.database.transaction(ANNA) as tx:
        await api.give_back(tx, one.id, [LineUnits(1, 1)], BackReason.DAMAGED)
    await shop.settle()
    assert (await shop.level("TEA", "store")).damaged == 1
    await shop.doctors()


@pytest.mark.parametrize("place", ["store", "paris"])
async def test_what_nobody_collects_goes_back_and_everything_paid_is_granted(shop: Shop, place: str) -> None:
    await shop.product("TEA", 333, stock={place: 5})
    charge = Charge(LineKind.FEE, "Gift wrap", 100)
    one = await (waiting if place == "store" else arrived)(shop, {"TEA": 3}, payments=paid(1099), charges=(charge,))
    assert await give_back_overdue(shop) == 0
    await over(shop, one)
    assert await give_back_overdue(shop) == 3
    assert await give_back_overdue(shop) == 0
    await shop.settle()
    after = await again(shop, one)
    assert (after.state, after.gone) == (State.CANCELLED, 0)
    assert await granted(shop, one.order_id) == 1099
    level = await shop.level("TEA", "store")
    assert (level.available, level.reserved) == (5 if place == "store" else 3, 0)
    order = await shop.order(one.order_id)
    assert (order.cancelled, order.returned) == ((3, 0) if place == "store" else (0, 3))
    assert "fulfilment.given_back" in await events(shop)
    await shop.doctors()


async def test_what_nobody_collects_from_a_third_party_is_theirs_until_they_have_stopped(shop: Shop) -> None:
    await shop.product("TEA", 333, stock={"store": 5})
    charge = Charge(LineKind.FEE, "Gift wrap", 100)
    (one,) = await ordered(shop, {"TEA": 3}, payments=paid(1099), charges=(charge,))
    async with shop.database.transaction(ANNA) as tx:
        await api.say(tx, one.id, Handshake.SUBMIT)
        await api.say(tx, one.id, Handshake.ACCEPT)
        await api.pick(tx, one.id)
        await api.ready(tx, one.id)
    await shop.settle()
    await over(shop, one)
    assert await give_back_overdue(shop) == 0
    await shop.settle()
    asked = await again(shop, one)
    assert (asked.request, (await shop.level("TEA", "store")).reserved) == (Request.CANCELLATION_REQUESTED, 3)
    async with shop.database.transaction() as tx:
        await api.say(tx, one.id, Handshake.ACCEPT_CANCELLATION)
    await shop.settle()
    order = await shop.order(one.order_id)
    assert (order.cancelled, order.value, (await shop.level("TEA", "store")).reserved) == (3, 0, 0)
    assert (await again(shop, one)).state is State.CANCELLED
    await shop.doctors()


async def test_who_pays_at_the_counter_and_never_comes_owes_and_is_owed_nothing(shop: Shop) -> None:
    await shop.product("TEA", 333, stock={"store": 5})
    one = await waiting(shop, {"TEA": 3})
    await over(shop, one)
    assert await give_back_overdue(shop) == 3
    async with shop.database.read() as reader:
        standing = await orders.standing(reader, one.order_id)
    assert (standing.owed_by_buyer, standing.owed_to_buyer, standing.granted) == (0, 0, 0)


async def test_a_buyer_who_is_there_is_waited_for(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 5})
    async with shop.database.transaction() as tx:
        await api.put_terms(tx, CollectionTerms(curbside=True))
    one = await waiting(shop, {"TEA": 1})
    await over(shop, one)
    async with shop.database.transaction() as tx:
        await api.buyer_here(tx, one.id)
    assert await give_back_overdue(shop) == 0
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE fulfilment.collections SET here_at = now() - interval '3 hours'")
    assert await give_back_overdue(shop) == 1


async def test_reminders_come_one_after_another_and_stop_with_the_collection(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"store": 5})
    async with shop.database.transaction() as tx:
        await api.put_terms(tx, CollectionTerms(days=5, reminders=(1, 3)))
    one = await waiting(shop, {"TEA": 1}, payments=paid(500))

    async def at(days_left: float) -> int:
        """As if there were so many days left."""
        async with shop.database.transaction() as tx:
            await tx.run(
                "UPDATE fulfilment.collections SET remind_at = remind_at - (waits_until - now()) + %(left)s, "
                "waits_until = now() + %(left)s",
                {"left": timedelta(days=days_left)},
            )
        async with shop.database.transaction() as tx:
            return await api.remind(tx)

    assert [await at(left) for left in (4, 2.9, 2, 0.9, 0.5)] == [0, 1, 0, 1, 0]
    assert (await held(shop, one)).reminded == 2
    assert (await events(shop)).count("fulfilment.reminded") == 2


async def test_the_buyer_gets_more_time_once_and_staff_as_often_as_they_like(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 5})
    one = await waiting(shop, {"TEA": 1})
    until = (await held(shop, one)).waits_until
    assert until is not None
    async with shop.database.transaction() as tx:
        later = await api.extend_for_buyer(tx, one.id)
    assert timedelta(days=2, hours=22) < later - until < timedelta(days=3, hours=2)
    with pytest.raises(NoMoreTime):
        async with shop.database.transaction() as tx:
            await api.extend_for_buyer(tx, one.id)
    await over(shop, one)
    async with shop.database.transaction(ANNA) as tx:
        await api.extend(tx, one.id, 2)
        again = await api.extend(tx, one.id, 1)
    assert again > datetime.now(UTC) + timedelta(days=2)
    assert await give_back_overdue(shop) == 0


async def test_what_was_taken_off_the_counter_waits_anew_when_it_is_ready_again(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 5})
    one = await waiting(shop, {"TEA": 1})
    await over(shop, one)
    async with shop.database.transaction(ANNA) as tx:
        await api.put_back(tx, one.id)
    assert await give_back_overdue(shop) == 0
    assert (await held(shop, one)).waits_until is None
    async with shop.database.transaction(ANNA) as tx:
        await api.pick(tx, one.id)
        await api.ready(tx, one.id)
    until = (await held(shop, one)).waits_until
    assert until is not None
    assert until > datetime.now(UTC)


async def test_what_is_cancelled_on_the_counter_is_to_be_put_back(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 5})
    one = await waiting(shop, {"TEA": 2})
    async with shop.database.transaction() as tx:
        await orders.cancel(tx, one.order_id, None, "asked")
    await shop.settle()
    async with shop.database.read() as reader:
        (task,) = await api.put_backs(reader, shop.locations["store"])
    assert (task.units, task.reason) == (2, BackReason.RECALLED)
    await over(shop, one)
    assert await give_back_overdue(shop) == 0
    assert (await again(shop, one)).state is State.CANCELLED


async def test_units_that_came_back_by_another_way_are_not_handed_out(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"paris": 5})
    one = await arrived(shop, {"TEA": 2}, payments=paid(1000))
    async with shop.database.transaction() as tx:
        await orders.take_back(tx, one.order_id, shop.locations["store"], [ReturnLine(1, 1)], "asked")
        with pytest.raises(NotThatMany):
            await api.hand_out(tx, one.id, [LineUnits(1, 2)], BY_CODE)
        assert (await api.hand_out(tx, one.id, None, BY_CODE)).gone == 1


async def test_of_a_buyer_and_the_clock_that_come_together_exactly_one_wins(shop: Shop) -> None:
    await shop.product("TEA", 500, stock={"store": 40})
    ones = [await waiting(shop, {"TEA": 2}, payments=paid(1000)) for _ in range(4)]
    for one in ones:
        await over(shop, one)

    async def collects(key: FulfilmentId) -> int:
        async def work(tx: Tx) -> int:
            return (await api.hand_out(tx, key, None, BY_CODE)).gone

        try:
            async with shop.database.transaction(ANNA) as tx:
                return await work(tx)
        except Refusal:
            return 0

    results = await asyncio.gather(give_back_overdue(shop), *(collects(one.id) for one in ones), give_back_overdue(shop))
    handed, back = sum(results[1:-1]), results[0] + results[-1]
    assert handed + back == 8
    await shop.settle()
    for one in ones:
        after, order = await again(shop, one), await shop.order(one.order_id)
        assert (after.gone, order.shipped, order.cancelled) in {(2, 2, 0), (0, 0, 2)}
        assert await granted(shop, one.order_id) == (0 if after.gone else 1000)
    level = await shop.level("TEA", "store")
    assert (level.on_hand, level.reserved) == (40 - handed, 0)
    await shop.doctors()
