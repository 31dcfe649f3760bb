"""What third parties have in hand is theirs until they say that they have stopped, whoever does not want it any more."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import pytest_asyncio

from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import CancelUnits, ChangeDraft, ChangeKind, ChangeState, ReturnState
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, Handshake, Request, State
from comptoir.modules.fulfilment.errors import AtThirdParty, NotInThatState
from comptoir.modules.fulfilment.third_parties import NO_ANSWER
from comptoir.modules.inventory import api as inventory
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ExceptionFilter, ExceptionKind, OrderException, OrderId
from comptoir.modules.orders.errors import ExceptionClosed, NotThatKind
from comptoir.modules.substitution import api as substitution
from comptoir.modules.substitution.contracts import Consent
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.runtime.database import Database
from comptoir.surfaces.changing import SETTING, consumer
from comptoir.surfaces.pools import pool_id_of, pool_of
from comptoir.surfaces.substituting import settle
from support.consumers import drained
from support.shop import Shop, sold


class Trade:
    """A market place whose warehouse belongs to a third party."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.shop = Shop(database)
        every = (*orders.consumers(pool_of), *fulfilment.consumers(pool_id_of), consumer())
        self.runner = ConsumerRunner(database, every)

    async def settle(self) -> None:
        await drained(self.database, self.runner)

    async def tell(self, version: str, quantity: int = 3, cancelled: int = 0, sku: str = "CUP") -> OrderId:
        """The channel's order of cups in a version."""
        line = sold(sku, quantity, cancelled=cancelled)
        fact = self.shop.reported("market", [line], external_id=f"M-{sku}", version=version)
        async with self.database.transaction() as tx:
            (recorded,) = await orders.record(tx, [fact], fulfilment.bound)
        await self.settle()
        return recorded.order_id

    async def accepted(self, order_id: OrderId) -> Fulfilment:
        one = await self.work(order_id)
        return await self.say(one, Handshake.SUBMIT, Handshake.ACCEPT)

    async def say(self, one: Fulfilment, *steps: Handshake, note: str = "") -> Fulfilment:
        async with self.database.transaction() as tx:
            for step in steps:
                one = await fulfilment.say(tx, one.id, step, note)
        await self.settle()
        return one

    async def work(self, order_id: OrderId) -> Fulfilment:
        async with self.database.read() as reader:
            return next(one for one in await fulfilment.of_orders(reader, [order_id]) if one.state is not State.CANCELLED)

    async def stops(self, state: str | None = "open") -> list[OrderException]:
        wanted = ExceptionFilter(kinds=(ExceptionKind.AT_THIRD_PARTY,), state=state)
        async with self.database.read() as reader:
            return [row.exception for row in (await orders.find_exceptions(reader, wanted)).items]

    async def stands(self, order_id: OrderId) -> Mapping[str, int]:
        """What is cancelled of the cups, what is promised, and what others may have."""
        async with self.database.read() as reader:
            (line,) = [line for line in (await orders.order(reader, order_id)).lines if line.sku == "CUP"]
            spot = ("CUP", self.shop.locations["theirs"])
            level = (await inventory.levels_at(reader, [spot]))[spot]
        return {"cancelled": line.cancelled, "quantity": line.quantity, "reserved": level.reserved, "free": level.available}

    async def told(self, order_id: OrderId, type_: str) -> list[Mapping[str, object]]:
        async with self.database.read() as reader:
            page = await orders.timeline(reader, order_id, limit=100)
        return [entry.data for entry in page.items if entry.type == type_]


@pytest_asyncio.fixture
async def trade(database: Database) -> Trade:
    trade = Trade(database)
    await trade.shop.market()
    await trade.shop.location("theirs", latitude=48.86, longitude=2.35)
    await trade.shop.channel("market", ["theirs"], backorder=True)
    await trade.shop.product("CUP", stock={"theirs": 10})
    await trade.settle()
    return trade


async def test_what_a_channel_cancels_stays_promised_until_the_third_party_has_stopped(trade: Trade) -> None:
    order_id = await trade.tell("1")
    await trade.accepted(order_id)
    assert await trade.tell("2", cancelled=2) == order_id
    assert (await trade.stands(order_id)) == {"cancelled": 0, "quantity": 3, "reserved": 3, "free": 7}
    (stop,) = await trade.stops()
    assert (stop.quantity, stop.data["reason"]) == (2, "channel")
    asked = await trade.work(order_id)
    assert asked.request is Request.CANCELLATION_REQUESTED
    await trade.tell("3", cancelled=2)  # who tells it once more asks for nothing more
    assert [one.id for one in await trade.stops()] == [stop.id]
    await trade.say(asked, Handshake.ACCEPT_CANCELLATION)
    assert (await trade.stands(order_id))["cancelled"] == 2
    assert await trade.stops() == []
    (after,) = await trade.stops("resolved")
    assert after.resolution == "cancelled"
    assert await trade.told(order_id, "order.cancellation_refused") == []


async def test_what_a_channel_tells_no_more_is_off_the_line_when_the_third_party_has_stopped(trade: Trade) -> None:
    order_id = await trade.tell("1")
    one = await trade.accepted(order_id)
    await trade.tell("2", quantity=1)
    assert (await trade.stands(order_id)) == {"cancelled": 0, "quantity": 3, "reserved": 3, "free": 7}
    await trade.say(one, Handshake.ACCEPT_CANCELLATION)
    stands = await trade.stands(order_id)
    assert (stands["cancelled"], stands["quantity"]) == (0, 1)
    async with trade.database.read() as reader:
        assert (await orders.audit(reader)).clean


async def test_the_channel_is_told_what_could_not_be_stopped_and_it_comes_back_as_a_return(trade: Trade) -> None:
    order_id = await trade.tell("1")
    one = await trade.accepted(order_id)
    await trade.tell("2", cancelled=3)
    await trade.say(one, Handshake.REJECT_CANCELLATION, note="On the truck")
    (told,) = await trade.told(order_id, "order.cancellation_refused")
    assert (told["reason"], told["note"], told["lines"]) == ("channel", "On the truck", [{"line_no": 1, "quantity": 3}])
    assert (await trade.stands(order_id))["reserved"] == 3
    (stop,) = await trade.stops()
    assert stop.data["note"] == "On the truck"
    async with trade.database.transaction() as tx:
        assert await changes.expect_unstopped(tx, stop.id, SETTING) is None
    assert [one.id for one in await trade.stops()] == [stop.id]
    async with trade.database.transaction() as tx:
        await orders.ship(tx, order_id, trade.shop.locations["theirs"], None)
    await trade.settle()
    async with trade.database.read() as reader:
        (case,) = await changes.returns_of(reader, order_id)
    assert [(item.line_no, item.quantity) for item in case.items] == [(1, 3)]
    assert case.state in {ReturnState.REQUESTED, ReturnState.APPROVED}
    (after,) = await trade.stops("resolved")
    assert after.resolution == "expected_back"


async def test_what_has_left_before_they_answered_could_not_be_stopped(trade: Trade) -> None:
    order_id = await trade.tell("1")
    await trade.accepted(order_id)
    await trade.tell("2", cancelled=3)
    async with trade.database.transaction() as tx:
        await orders.ship(tx, order_id, trade.shop.locations["theirs"], None)
    await trade.settle()
    assert len(await trade.told(order_id, "order.cancellation_refused")) == 1
    (stop,) = await trade.stops()
    with pytest.raises(NotInThatState):
        async with trade.database.transaction() as tx:
            await fulfilment.ask_again(tx, stop.id)
    async with trade.database.transaction() as tx:
        case = await changes.expect_unstopped(tx, stop.id, SETTING)
    assert case is not None
    with pytest.raises(ExceptionClosed):
        async with trade.database.transaction() as tx:
            await changes.expect_unstopped(tx, stop.id, SETTING)


async def test_who_is_asked_once_more_may_have_stopped(trade: Trade) -> None:
    order_id = await trade.tell("1")
    one = await trade.accepted(order_id)
    await trade.tell("2", cancelled=1)
    await trade.say(one, Handshake.REJECT_CANCELLATION)
    (stop,) = await trade.stops()
    async with trade.database.transaction() as tx:
        await fulfilment.ask_again(tx, stop.id)
    (stop,) = await trade.stops()
    assert "refused" not in stop.data
    await trade.say(one, Handshake.ACCEPT_CANCELLATION)
    assert (await trade.stands(order_id))["cancelled"] == 1


async def test_a_change_that_could_not_be_stopped_stands_before_a_person(trade: Trade) -> None:
    order_id = await trade.tell("1")
    one = await trade.accepted(order_id)
    draft = ChangeDraft(
        order_id=order_id, kind=ChangeKind.CANCEL, actions=(CancelUnits(line_no=1, quantity=2),), reason="changed_mind"
    )
    async with trade.database.transaction() as tx:
        made, _ = await changes.request_change(tx, draft, SETTING)
        await changes.confirm_change(tx, made.id, SETTING)
    await trade.say(one, Handshake.REJECT_CANCELLATION)
    async with trade.database.read() as reader:
        assert (await changes.get_change(reader, made.id)).state is ChangeState.CANCELLED
    (stop,) = await trade.stops()
    assert (stop.quantity, stop.data["reason"], "refused" in stop.data) == (2, "changed_mind", True)
    (told,) = await trade.told(order_id, "order.cancellation_refused")
    assert told["reason"] == "changed_mind"


async def test_without_an_answer_units_come_back_only_after_the_time_that_the_house_has_set(trade: Trade) -> None:
    order_id = await trade.tell("1")
    await trade.accepted(order_id)
    await trade.tell("2", cancelled=3)

    async def wait(hours: int) -> int:
        async with trade.database.transaction() as tx:
            return await fulfilment.give_way(tx, hours)

    async with trade.database.transaction() as tx:
        await tx.run("UPDATE fulfilment.orders SET asked_at = asked_at - interval '30 hours'")
    assert [await wait(0), await wait(31)] == [0, 0]
    assert (await trade.stands(order_id))["reserved"] == 3
    assert [await wait(24), await wait(24)] == [1, 0]
    await trade.settle()
    assert (await trade.stands(order_id)) == {"cancelled": 3, "quantity": 3, "reserved": 0, "free": 10}
    assert [data["note"] for data in await trade.told(order_id, "fulfilment.requested")].count(NO_ANSWER) == 1


async def test_nobody_but_they_exchanges_what_they_have_in_hand(trade: Trade) -> None:
    await trade.shop.product("MUG", stock={"theirs": 5})
    async with trade.database.transaction() as tx:
        await substitution.put_substitutes(tx, {"CUP": ["MUG"]})
    order_id = await trade.tell("1")
    one = await trade.accepted(order_id)
    async with trade.database.transaction() as tx:
        await substitution.agree(tx, order_id, {0: Consent.ANY})
    with pytest.raises(AtThirdParty):
        async with trade.database.transaction() as tx:
            await substitution.substitute(tx, one.id, 1, 1, "MUG", settle)
    assert (await trade.stands(order_id)) == {"cancelled": 0, "quantity": 3, "reserved": 3, "free": 7}
    async with trade.database.transaction() as tx:
        made = await substitution.substitute(tx, one.id, 1, 1, "MUG", settle, theirs=True)
    assert made.by_sku == "MUG"


async def test_only_such_exceptions_are_expected_back(trade: Trade) -> None:
    order_id = await trade.tell("1")
    await trade.tell("2", cancelled=1)  # nobody has accepted it: it is cancelled at once
    assert (await trade.stands(order_id)) == {"cancelled": 1, "quantity": 3, "reserved": 2, "free": 8}
    await trade.tell("1", sku="ODD")
    async with trade.database.read() as reader:
        (row,) = (await orders.find_exceptions(reader, ExceptionFilter(kinds=(ExceptionKind.UNKNOWN_SKU,)))).items
    with pytest.raises(NotThatKind):
        async with trade.database.transaction() as tx:
            await changes.expect_unstopped(tx, row.exception.id, SETTING)
