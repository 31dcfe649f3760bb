"""A machine that changes, cancels, picks, sends, returns, refunds and pays in any order, over orders, fulfilment and payments.

After each step everything adds up to the cent, and whoever gives everything back gets exactly what was paid. Each step names
what it may be refused with; any other refusal is a fault.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from comptoir.kernel.errors import Refusal
from comptoir.kernel.money import Currency
from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import (
    AddItem,
    Allow,
    AnyAction,
    Arrived,
    CancelUnits,
    ChangeDraft,
    ChangeKind,
    Extra,
    Fate,
    ItemCondition,
    Look,
    PolicyDraft,
    Reason,
    RefundMoment,
    ReturnCase,
    ReturnDraft,
    ReturnState,
    Seen,
    TakeBack,
    Units,
)
from comptoir.modules.changes.errors import (
    InspectedAlready,
    NothingToPayOut,
    NotReturnable,
    OverDeduction,
    ReturnNotAllowed,
    ReturnStepRefused,
)
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import ParcelDraft, State
from comptoir.modules.fulfilment.errors import BoxRecalled, NothingToDo, NotInThatState, NotPicked
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Charge, Fill, LineQuantity, OrderId, Placed, ReturnLine
from comptoir.modules.orders.errors import (
    NothingLeft,
    NotReservedThere,
    OverAllowance,
    OverRefund,
    OverVoid,
    QuantityNotOpen,
    UnknownLine,
)
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import AccountDraft, AccountId, AccountKind, EntryKind
from comptoir.modules.payments.errors import OverMethod, OverOwed
from comptoir.runtime.database import Database, Tx
from comptoir.sdk.orders import LineKind
from comptoir.surfaces.changing import SETTING
from support.effort import examples
from support.shop import Shop

T = TypeVar("T")

SKUS = ("TEA", "CUP")
PLACES = ("paris", "store")
EUR = Currency("EUR")
FUND = 1_000_000
units = st.integers(1, 3)
whiches = st.integers(0, 20)
"""Which of the orders, returns or pieces of work: drawn the same whatever there is."""
lines = st.integers(1, 4)
skus = st.sampled_from(SKUS)
places = st.sampled_from(PLACES)
amounts = st.integers(1, 1500)
UNITS = (QuantityNotOpen, UnknownLine)
"""What is not there cannot be cancelled or come back."""
ANNOUNCED = (UnknownLine, NotReturnable, ReturnNotAllowed)
"""Why a return is not taken: no such line, not so many with the buyer, not by the policy."""


class Machine(RuleBasedStateMachine):
    loop: asyncio.AbstractEventLoop
    shop: Shop
    serial: itertools.count[int]

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[OrderId] = []
        self.skus: dict[str, str] = {}
        self.account: AccountId | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize(moment=st.sampled_from(RefundMoment), fee=st.sampled_from((0, 250)))
    def open_shop(self, moment: RefundMoment, fee: int) -> None:
        self.skus = {sku: f"{sku}-{next(self.serial)}" for sku in SKUS}
        for sku, price in zip(self.skus.values(), (333, 1001), strict=True):
            self.run(self.shop.product(sku, price, stock={"paris": 8, "store": 3}))

        async def fund(tx: Tx) -> AccountId:
            draft = AccountDraft(kind=AccountKind.STORE_CREDIT, currency=EUR, amount=FUND)
            return (await payments.issue(tx, draft))[0].id

        self.account = self.do(fund)

        async def agree(tx: Tx) -> None:
            (policy,) = await api.all_policies(tx)
            assert policy.id is not None
            draft = PolicyDraft(code="own", position=1, fee=fee, approval_above=1500, moment=moment, free_reasons=())
            await api.update_policy(tx, policy.id, draft)

        self.do(agree)
        # One order is paid and has left, so that much can come back from the first step on.
        self.sell({"TEA": 3, "CUP": 2}, shipping=True, paid=2, sent=True)

    def do(self, work: Callable[[Tx], Awaitable[T]], *expected: type[Refusal]) -> T | None:
        """What comes of it; None where it is refused with one of these, which changes nothing."""

        async def attempt() -> T | None:
            result: T | None = None
            try:
                async with self.shop.database.transaction() as tx:
                    result = await work(tx)
            except expected:
                pass
            await self.shop.settle()
            await self.shop.doctors()
            for order_id in self.orders:
                await self.adds_up(order_id)
            async with self.shop.database.transaction(snapshot=True) as tx:
                assert (await payments.audit(tx)).clean
            return result

        return self.run(attempt())

    async def adds_up(self, order_id: OrderId) -> None:
        async with self.shop.database.read() as reader:
            there = await orders.standing(reader, order_id)
            off = await orders.allowances(reader, order_id)
            order = await orders.order(reader, order_id)
            grants = await payments.grants_of(reader, order_id)
            balance = await payments.balance_of(reader, order_id)
            cases = await api.returns_of(reader, order_id)
        assert there.value >= 0
        assert (order.value, order.owed) == (there.value, there.owed_to_buyer - there.owed_by_buyer)
        assert (order.payment_status == "overpaid") == (there.captured > 0 and there.owed_to_buyer > 0)
        assert there.authorised >= 0
        assert 0 <= there.refunded <= there.captured
        assert (there.captured, there.refunded) == (balance.captured, balance.refunded)
        assert sum(one.executed for one in grants) <= there.refunded
        assert all(0 <= one.executed <= one.amount for one in grants)
        for line in order.lines:
            steps = [orders.worth(line, off, n, n + 1) for n in range(line.returned, line.quantity - line.cancelled)]
            assert all(step >= 0 for step in steps), (line, off)
            assert sum(steps) == orders.left(line, off)
        advanced = any(case.moment is RefundMoment.FIRST_SCAN for case in cases)
        assert advanced or there.granted <= there.owed_to_buyer

    def change(self, which: int, kind: ChangeKind, *actions: AnyAction) -> None:
        order_id = self.orders[which % len(self.orders)]

        async def request_and_confirm(tx: Tx) -> None:
            draft = ChangeDraft(order_id=order_id, kind=kind, actions=actions, reason="asked")
            made, foreseen = await api.request_change(tx, draft, SETTING)
            if made.needs_approval:
                await api.approve_change(tx, made.id, SETTING)
            _, done = await api.confirm_change(tx, made.id, SETTING)
            assert done is not None
            assert done.after == foreseen.after
            assert sum(effect.value for effect in done.effects) == done.after.value - done.before.value
            await self.is_settled(tx, order_id)

        self.do(request_and_confirm, *UNITS, OverAllowance, NothingLeft, InsufficientStock)

    async def is_settled(self, tx: Tx, order_id: OrderId) -> None:
        """What is promised is what is owed, but for what somebody has to look at first and what was paid back early."""
        there = await orders.standing(tx, order_id)
        cases = await api.returns_of(tx, order_id)
        unseen = any(not row.released for case in cases for row in case.received)
        if not unseen and all(case.moment is RefundMoment.RECEIPT for case in cases):
            assert there.granted == there.owed_to_buyer

    @rule(basket=st.dictionaries(skus, units, min_size=1), shipping=st.booleans(), paid=st.integers(0, 2), sent=st.booleans())
    def place(self, basket: dict[str, int], *, shipping: bool, paid: int, sent: bool) -> None:
        self.sell(basket, shipping=shipping, paid=paid, sent=sent)

    def sell(self, basket: dict[str, int], *, shipping: bool, paid: int, sent: bool) -> None:
        charges = (Charge(LineKind.SHIPPING, "Delivery", 499),) if shipping else ()
        wanted = {self.skus[sku]: quantity for sku, quantity in basket.items()}
        request = self.shop.placement("web", wanted, fill=Fill.BACKORDER, charges=charges)
        (answer,) = self.do(lambda tx: orders.capture(tx, [request])) or [None]
        if isinstance(answer, Placed):
            self.orders.append(answer.id)
            part = answer.total * paid // 2
            if part:
                self.do(lambda tx: orders.pay(tx, answer.id, EntryKind.CAPTURED, "card", part))
            for place in PLACES if sent else ():
                self.do(lambda tx, place=place: orders.ship(tx, answer.id, self.shop.locations[place], None), NotReservedThere)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, sku=skus, quantity=units, price=st.one_of(st.none(), amounts))
    def add(self, which: int, sku: str, quantity: int, price: int | None) -> None:
        self.change(which, ChangeKind.EDIT, AddItem(sku=self.skus[sku], quantity=quantity, unit_price=price))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, line_no=lines, quantity=units, how=st.sampled_from(("edit", "cancel", "past")))
    def cancel(self, which: int, line_no: int, quantity: int, how: str) -> None:
        if how == "past":
            order_id = self.orders[which % len(self.orders)]
            self.do(lambda tx: orders.cancel(tx, order_id, [LineQuantity(line_no, quantity)], "asked"), *UNITS)
        else:
            self.change(which, ChangeKind(how), CancelUnits(line_no=line_no, quantity=quantity))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, line_no=st.one_of(st.none(), lines), amount=amounts, covered=st.one_of(st.none(), units))
    def allow(self, which: int, line_no: int | None, amount: int, covered: int | None) -> None:
        kind = ChangeKind.ADJUSTMENT if covered is None else ChangeKind.CLAIM
        self.change(which, kind, Allow(line_no=line_no, amount=amount, units=covered if line_no else None))

    @precondition(lambda self: self.orders)
    @rule(which=whiches, line_no=lines, quantity=units, place=places, sku=skus, exchange=st.booleans())
    def take_back(self, which: int, line_no: int, quantity: int, place: str, sku: str, *, exchange: bool) -> None:
        back = TakeBack(line_no=line_no, quantity=quantity, location_id=self.shop.locations[place])
        more = (AddItem(sku=self.skus[sku], quantity=quantity),) if exchange else ()
        self.change(which, ChangeKind.EXCHANGE if exchange else ChangeKind.RETURN, back, *more)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, place=places, line_no=lines, quantity=units)
    def take_back_past_it(self, which: int, place: str, line_no: int, quantity: int) -> None:
        order_id = self.orders[which % len(self.orders)]
        back = [ReturnLine(line_no, quantity)]
        self.do(lambda tx: orders.take_back(tx, order_id, self.shop.locations[place], back, "past"), *UNITS)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, what=st.sampled_from(("begin", "pick", "pack", "leave")))
    def work(self, which: int, what: str) -> None:
        async def step(tx: Tx) -> None:
            every = [one for order_id in self.orders for one in await fulfilment.of_orders(tx, [order_id])]
            active = [one for one in every if one.state not in {State.CLOSED, State.CANCELLED}]
            if not active:
                return
            key = active[which % len(active)].id
            if what == "begin":
                await fulfilment.begin(tx, key)
                return
            await fulfilment.pick(tx, key)
            if what != "pick":
                await fulfilment.pack(tx, key, ParcelDraft())
            if what == "leave":
                await fulfilment.hand_over(tx, key)

        self.do(step, NotInThatState, NotPicked, NothingToDo, BoxRecalled)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, place=places)
    def ship_past_it(self, which: int, place: str) -> None:
        order_id = self.orders[which % len(self.orders)]
        self.do(lambda tx: orders.ship(tx, order_id, self.shop.locations[place], None), NotReservedThere)

    @precondition(lambda self: self.orders)
    @rule(
        which=whiches,
        line_no=lines,
        quantity=units,
        reason=st.sampled_from((Reason.CHANGED_MIND, Reason.TOO_SMALL, Reason.DAMAGED, Reason.LATE)),
        sku=st.one_of(st.none(), skus),
    )
    def ask_return(self, which: int, line_no: int, quantity: int, reason: Reason, sku: str | None) -> None:
        order_id = self.orders[which % len(self.orders)]
        extra = () if sku is None else (Extra(self.skus[sku], quantity),)
        draft = ReturnDraft(order_id=order_id, units=(Units(line_no, quantity, reason),), exchange=extra)
        self.do(lambda tx: api.request_return(tx, draft, SETTING), *ANNOUNCED)

    @precondition(lambda self: self.orders)
    @rule(
        which=whiches,
        line_no=st.integers(1, 2),
        quantity=units,
        arrived=st.integers(0, 3),
        looked=st.integers(0, 3),
        fate=st.sampled_from(Fate),
        deduct=st.integers(0, 1200),
        scanned=st.booleans(),
        place=places,
    )
    def send_back(
        self,
        which: int,
        line_no: int,
        quantity: int,
        arrived: int,
        looked: int,
        fate: Fate,
        deduct: int,
        place: str,
        *,
        scanned: bool,
    ) -> None:
        """A return as far as it gets: announced, sent, received and looked at, each in part."""
        order_id, location = self.orders[which % len(self.orders)], self.shop.locations[place]

        async def go(tx: Tx) -> None:
            draft = ReturnDraft(order_id=order_id, units=(Units(line_no, quantity, Reason.TOO_SMALL),))
            case = await api.request_return(tx, draft, SETTING)
            if case.state is ReturnState.REQUESTED:
                case = await api.approve_return(tx, case.id, SETTING)
            if scanned:
                case = await api.send_return(tx, case.id, "carrier", "number")
            if min(arrived, quantity):
                case = await api.receive_return(tx, case.id, location, [Arrived(line_no, min(arrived, quantity))])
                seen = min(looked, arrived, quantity)
                (row,) = case.received
                if seen:
                    most = orders.share(row.value, row.quantity, 0, seen)
                    look = Look(row.id, seen, ItemCondition.USED, fate, min(deduct, most), self.target(place, fate))
                    await api.inspect_return(tx, case.id, [look])

        self.do(go, *ANNOUNCED)

    def target(self, place: str, fate: Fate) -> LocationId:
        """Where units go that are looked at there: what is sent on goes elsewhere."""
        elsewhere = next(other for other in PLACES if other != place)
        return self.shop.locations[elsewhere if fate is Fate.SEND_ON else place]

    async def some_return(self, tx: Tx, which: int) -> ReturnCase | None:
        every = [case for order_id in self.orders for case in await api.returns_of(tx, order_id)]
        return every[which % len(every)] if every else None

    @precondition(lambda self: self.orders)
    @rule(
        which=whiches,
        place=places,
        quantity=units,
        what=st.sampled_from(("approve", "send", "receive", "wrong", "inspect", "close", "cancel")),
        fate=st.sampled_from(Fate),
        deduct=st.integers(0, 2000),
        parcel=st.sampled_from(("", "", "a", "b")),
    )
    def follow_return(self, which: int, place: str, quantity: int, what: str, fate: Fate, deduct: int, parcel: str) -> None:
        location = self.shop.locations[place]

        async def step(tx: Tx) -> None:
            case = await self.some_return(tx, which)
            if case is None:
                return
            match what:
                case "approve":
                    await api.approve_return(tx, case.id, SETTING)
                case "send":
                    await api.send_return(tx, case.id, "carrier", "number")
                case "receive" | "wrong":
                    sku = self.skus["CUP"] if what == "wrong" else None
                    arrived = [Arrived(item.line_no, quantity, sku) for item in case.items]
                    await api.receive_return(tx, case.id, location, arrived, parcel=parcel and f"{parcel}-{case.id}")
                case "inspect":
                    codes = {location_id: code for code, location_id in self.shop.locations.items()}
                    looks = [
                        Look(
                            row.id,
                            min(quantity, row.quantity),
                            ItemCondition.OPENED,
                            fate,
                            min(deduct, row.value),
                            self.target(codes[row.location_id], fate),
                        )
                        for row in case.received
                        if row.fate is None
                    ]
                    await api.inspect_return(tx, case.id, looks)
                case "close":
                    await api.close_return(tx, case.id)
                case _:
                    await api.cancel_return(tx, case.id)

        self.do(step, ReturnStepRefused, NotReturnable, InspectedAlready, QuantityNotOpen)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, place=places, line_no=lines, quantity=units, fact=st.booleans())
    def bring_back(self, which: int, place: str, line_no: int, quantity: int, *, fact: bool) -> None:
        order_id, location = self.orders[which % len(self.orders)], self.shop.locations[place]
        wanted = [Units(line_no, quantity)]
        name = str(next(self.serial))
        if fact:
            self.do(lambda tx: api.record_channel_return(tx, order_id, location, wanted, name), *ANNOUNCED, QuantityNotOpen)
        else:
            self.do(lambda tx: api.receive_unannounced(tx, order_id, location, wanted, SETTING), *ANNOUNCED)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, line_no=lines, quantity=units, sku=skus)
    def announce_exchange(self, which: int, line_no: int, quantity: int, sku: str) -> None:
        order_id = self.orders[which % len(self.orders)]

        async def announce(tx: Tx) -> None:
            before = await orders.standing(tx, order_id)
            extra = (Extra(self.skus[sku], quantity),)
            draft = ReturnDraft(order_id=order_id, units=(Units(line_no, quantity, Reason.TOO_SMALL),), exchange=extra)
            seen = await api.preview_exchange(tx, draft, SETTING)
            case, done = await api.announce_exchange(tx, draft, SETTING)
            assert done.after == seen.after == await orders.standing(tx, order_id)
            assert done.before == before
            assert case.state is not ReturnState.REQUESTED or done.after.value == before.value

        self.do(announce, *ANNOUNCED)

    @precondition(lambda self: self.orders)
    @rule(
        which=whiches,
        place=places,
        line_no=st.integers(1, 2),
        quantity=units,
        fate=st.sampled_from(Fate),
        deduct=st.integers(0, 1200),
        approve=st.booleans(),
        pay=st.booleans(),
    )
    def take_over_counter(
        self, which: int, place: str, line_no: int, quantity: int, fate: Fate, deduct: int, *, approve: bool, pay: bool
    ) -> None:
        """Somebody has it in hand at a counter: asked for, received, looked at, and perhaps paid back, in one go."""
        order_id, location = self.orders[which % len(self.orders)], self.shop.locations[place]

        async def over(tx: Tx) -> None:
            draft = ReturnDraft(order_id=order_id, units=(Units(line_no, quantity, Reason.TOO_SMALL),))
            seen = [Seen(line_no, quantity, ItemCondition.OPENED, fate, deduct=deduct, to_location_id=self.target(place, fate))]
            case = await api.take_over_counter(tx, draft, location, seen, SETTING, approve=approve)
            if pay:
                await self.paid_back(tx, case)

        self.do(over, *ANNOUNCED, OverDeduction, NothingToPayOut)

    async def paid_back(self, tx: Tx, case: ReturnCase) -> None:
        """All that is promised goes back, as it was paid; nothing more."""
        assert case.order_id is not None
        before = await orders.standing(tx, case.order_id)
        paid = await api.pay_back(tx, case.id, SETTING)
        after = await orders.standing(tx, case.order_id)
        assert sum(part for _, part in paid.parts) == before.granted == after.refunded - before.refunded
        assert after.granted == 0

    @precondition(lambda self: self.orders)
    @rule(which=whiches)
    def pay_back(self, which: int) -> None:
        async def back(tx: Tx) -> None:
            case = await self.some_return(tx, which)
            if case is not None and case.order_id is not None:
                await self.paid_back(tx, case)

        self.do(back, NothingToPayOut)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, one_of=st.booleans())
    def credit_out(self, which: int, *, one_of: bool) -> None:
        """What is promised goes on store credit: all of it, or one refund."""
        order_id = self.orders[which % len(self.orders)]

        async def out(tx: Tx) -> None:
            granted = [one for one in await payments.grants_of(tx, order_id) if one.open]
            some = granted[which % len(granted)] if granted and one_of else None
            account, _, total = await api.credit_out(tx, order_id, None if some is None else some.id)
            assert total == (some.open if some is not None else sum(one.open for one in granted))
            assert account.balance >= total

        self.do(out, NothingToPayOut)

    @precondition(lambda self: self.orders)
    @rule(
        which=whiches,
        kind=st.sampled_from((EntryKind.AUTHORISED, EntryKind.CAPTURED, EntryKind.VOIDED)),
        method=st.sampled_from(("card", "cash")),
        amount=amounts,
        twice=st.booleans(),
    )
    def money_moves(self, which: int, kind: EntryKind, method: str, amount: int, *, twice: bool) -> None:
        """Authorised, captured in parts, voided; and told a second time, which changes nothing."""
        order_id, reference = self.orders[which % len(self.orders)], f"r{next(self.serial)}"
        known = self.do(lambda tx: orders.pay(tx, order_id, kind, method, amount, reference), OverVoid)
        if twice and known:
            assert self.do(lambda tx: orders.pay(tx, order_id, kind, method, amount, reference)) is False

    @precondition(lambda self: self.orders)
    @rule(which=whiches, amount=amounts, how=st.sampled_from(("card", "store_credit", "past", "withdraw")))
    def refund(self, which: int, amount: int, how: str) -> None:
        order_id = self.orders[which % len(self.orders)]

        async def step(tx: Tx) -> None:
            if how == "past":
                await orders.pay(tx, order_id, EntryKind.REFUNDED, "card", amount)
                return
            for one in await payments.grants_of(tx, order_id):
                if one.open and how == "withdraw":
                    await orders.withdraw_refund(tx, order_id, one.id)
                elif one.open:
                    account = self.account if how == "store_credit" else None
                    part = min(amount, one.open)
                    await orders.execute_refund(tx, order_id, one.id, part, how, account_id=account)

        self.do(step, OverRefund, OverMethod)

    @precondition(lambda self: self.orders)
    @rule(which=whiches, amount=st.one_of(st.none(), amounts))
    def spend(self, which: int, amount: int | None) -> None:
        order_id, account = self.orders[which % len(self.orders)], self.account
        assert account is not None
        self.do(lambda tx: orders.spend(tx, order_id, account, amount), OverOwed)

    def teardown(self) -> None:
        """Everything is given back: the buyer is owed exactly what was paid, and gets it."""
        for order_id in self.orders:
            self.do(lambda tx, order_id=order_id: self.undo(tx, order_id))

    async def undo(self, tx: Tx, order_id: OrderId) -> None:
        order = await orders.order(tx, order_id)
        opened = [LineQuantity(line.line_no, line.open) for line in order.lines if line.sku is not None and line.open]
        if opened:
            await orders.cancel(tx, order_id, opened, "all")
        order = await orders.order(tx, order_id)
        back = [
            ReturnLine(line.line_no, left)
            for line in order.lines
            if (left := (line.shipped if line.sku is not None else line.quantity - line.cancelled) - line.returned) > 0
        ]
        if back:
            await orders.take_back(tx, order_id, self.shop.locations["paris"], back, "all")
        there = await orders.standing(tx, order_id)
        assert there.value == 0
        assert there.owed_to_buyer == there.captured - there.refunded
        for one in await payments.grants_of(tx, order_id):
            if one.open:
                await orders.withdraw_refund(tx, order_id, one.id)
        if there.owed_to_buyer:
            grant = await orders.grant_refund(tx, order_id, there.owed_to_buyer, "all")
            parts = payments.as_paid(await payments.entries_of(tx, order_id), there.owed_to_buyer)
            assert sum(part for _, part in parts) == there.owed_to_buyer
            for method, part in parts:
                account = self.account if method == "store_credit" else None
                await orders.execute_refund(tx, order_id, grant, part, method, account_id=account)
        there = await orders.standing(tx, order_id)
        assert (there.captured, there.granted, there.owed_by_buyer) == (there.refunded, 0, 0)


def test_any_sequence_of_changes_ends_to_the_cent(database_url: str) -> None:
    with asyncio.Runner() as runner:
        shop = Shop(Database(database_url, max_connections=3))
        runner.run(_open(shop))
        bound = type("BoundMachine", (Machine,), {"shop": shop, "loop": runner.get_loop(), "serial": itertools.count()})
        try:
            run_state_machine_as_test(bound, settings=settings(max_examples=examples(8), stateful_step_count=25, deadline=None))
        finally:
            runner.run(shop.database.close())


async def _open(shop: Shop) -> None:
    await shop.database.open()
    await shop.market()
    for code in PLACES:
        kind = LocationKind.STORE if code == "store" else LocationKind.WAREHOUSE
        await shop.location(code, kind, pickup=code == "store")
    await shop.channel("web", PLACES, backorder=True)
    async with shop.database.transaction() as tx:
        await api.create_policy(tx, PolicyDraft(code="own", position=1))
    await shop.settle()
