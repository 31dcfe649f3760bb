"""Refunds that are granted and executed, and gift cards and store credit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from comptoir.kernel.money import Currency
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.orders.errors import OverRefund
from comptoir.modules.payments import api
from comptoir.modules.payments.contracts import (
    Account,
    AccountDraft,
    AccountEntry,
    AccountEntryKind,
    AccountId,
    AccountKind,
    Entry,
    Grant,
    GrantFilter,
    GrantId,
    GrantState,
)
from comptoir.modules.payments.errors import (
    AccountExpired,
    BalanceTooLow,
    GrantClosed,
    OverGrant,
    OverMethod,
    OverOwed,
    ReferenceMissing,
    UnknownAccount,
    UnknownGrant,
    WrongCurrency,
)
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Reader
from comptoir.runtime.limits import address_key
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.changes import StandingShape, standing_shape
from comptoir.surfaces.api.identifiers import parsed_some, show, show_actor, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    AccountRef,
    Actor,
    Amount,
    Code,
    CurrencyCode,
    CustomerRef,
    GrantRef,
    Instant,
    LocationRef,
    Minor,
    Note,
    OrderRef,
    PageQuery,
    Positive,
    Reference,
    Request,
    Shape,
    Words,
)

refunds = Resource("Refunds", "What is promised to buyers and what has moved; gift cards and store credit.")

_Code = Annotated[str, Meta(min_length=1, max_length=80, examples=["7XK2M-9QWFT-04HJN-R8ZCD"])]


class GrantShape(Shape, frozen=True, kw_only=True):
    """A refund that was promised; `executed` is how much of it has moved, `open` how much will."""

    id: GrantRef
    order_id: OrderRef
    amount: Positive
    executed: Amount
    open: Amount
    currency: CurrencyCode
    state: GrantState
    reason: str
    about: Annotated[str, Meta(description="What it is for: a change, a return, or empty.")]
    granted_at: Instant
    granted_by: Actor
    withdrawn_at: Instant | None


class RefundPartShape(Shape, frozen=True, kw_only=True):
    """How much goes back by one method."""

    method: Words
    amount: Amount


class RefundShape(GrantShape, frozen=True, kw_only=True):
    """A refund in the list of all orders; `as_paid` is how what is open goes back as it was paid, the last payment first."""

    order_number: Annotated[int, Meta(examples=[100_042])]
    as_paid: list[RefundPartShape]


class RefundQuery(PageQuery, frozen=True, kw_only=True):
    """Which refunds. Of a parameter that comes several times any one will do."""

    sort: Literal["granted", "-granted"] = "granted"
    state: tuple[GrantState, ...] = ()
    method: Annotated[tuple[Words, ...], Meta(description="With one of these something of the order was paid.")] = ()
    granted_before: Annotated[Instant, Meta(description="Only what was promised before then.")] | None = None
    currency: CurrencyCode | None = None
    order_id: OrderRef | None = None
    channel: Annotated[tuple[Code, ...], Meta(description="Through one of these something of the order was paid.")] = ()
    location_id: Annotated[LocationRef, Meta(description="There money of the order has moved.")] | None = None


class MethodBalanceShape(Shape, frozen=True, kw_only=True):
    """What was paid by one method, and how much may still go back that way."""

    method: Words
    captured: Amount
    refunded: Amount
    left: Amount


class MoneyShape(Shape, frozen=True, kw_only=True):
    """How an order stands, with every refund that was granted, and by which methods it was paid, the last one first."""

    standing: StandingShape
    grants: list[GrantShape]
    methods: list[MethodBalanceShape]


class NewGrant(Request, frozen=True, kw_only=True):
    """A refund of what the buyer is owed. For more than that, lower the price first, with a change."""

    amount: Positive
    reason: Annotated[Words, Meta(min_length=1, examples=["Cancelled"])]


class ExecuteGrant(Request, frozen=True, kw_only=True):
    """Money that has gone back. `store_credit` and `gift_card` name the account that gets it."""

    amount: Positive
    method: Annotated[Words, Meta(min_length=1, examples=["card"])]
    reference: Annotated[Reference, Meta(description="The provider's own id of it, or the terminal's receipt.")] = ""
    account_id: AccountRef | None = None
    location_id: Annotated[LocationRef, Meta(description="The store or desk where it moved.")] | None = None


class WithdrawGrant(Request, frozen=True, kw_only=True):
    reason: Words = ""


class NewAccount(Request, frozen=True, kw_only=True):
    """A gift card or store credit with so much on it."""

    kind: AccountKind
    currency: CurrencyCode
    amount: Amount
    customer_id: CustomerRef | None = None
    expires_at: Instant | None = None
    note: Note = ""
    reference: Annotated[Reference, Meta(description="Of the sale, or of whatever it is given for.")] = ""


class AccountShape(Shape, frozen=True, kw_only=True):
    """A gift card or store credit; of its code only the end is known."""

    id: AccountRef
    kind: AccountKind
    currency: CurrencyCode
    balance: Amount
    last4: str
    customer_id: CustomerRef | None
    expires_at: Instant | None
    issued_at: Instant
    issued_by: Actor
    note: str


class IssuedAccount(Shape, frozen=True, kw_only=True):
    """`code` is told this once."""

    id: AccountRef
    code: _Code
    account: AccountShape


class AccountEntryShape(Shape, frozen=True, kw_only=True):
    """One movement, and what was there after it."""

    serial: int
    kind: AccountEntryKind
    amount: Minor
    balance: Amount
    order_id: OrderRef | None
    reference: str
    at: Instant
    actor: Actor


class AccountEntries(Shape, frozen=True, kw_only=True):
    items: list[AccountEntryShape]


class LookUp(Request, frozen=True, kw_only=True):
    """Dashes, spaces and capitals do not matter."""

    code: _Code


class AdjustAccount(Request, frozen=True, kw_only=True):
    amount: Annotated[Minor, Meta(description="Below zero takes it off.")]
    reference: Annotated[Reference, Meta(min_length=1)]


class SpendAccount(Request, frozen=True, kw_only=True):
    """By its code or its id; without an amount, as much as is owed and there."""

    code: _Code | None = None
    account_id: AccountRef | None = None
    amount: Positive | None = None
    location_id: Annotated[LocationRef, Meta(description="The store or desk where it moved.")] | None = None


@refunds.get("/v1/refunds", Scope.ORDERS_READ)
async def list_refunds(call: Call, query: RefundQuery) -> Answer[PageOf[RefundShape]]:
    """List refunds of all orders, those promised first first.

    With `state` `pending` and `partly_executed`, what is still to be paid out.
    """
    order_id = parsed_some("order", query.order_id)
    wanted = GrantFilter(
        states=query.state,
        methods=query.method,
        granted_before=query.granted_before,
        currency=None if query.currency is None else Currency(query.currency),
        order_id=order_id,
        channels=query.channel,
        location_id=parsed_some("location", query.location_id),
    )
    async with call.reading() as reader:
        page = await api.find_grants(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
        ids = sorted({OrderId(one.order_id) for one in page.items})
        numbers = await orders.numbers(reader, ids)
        entries = await api.entries_of_some(reader, ids)
    return call.page(page, lambda one: _refund(one, numbers[OrderId(one.order_id)], entries.get(one.order_id, ())))


@refunds.get("/v1/orders/{order_id}/money", Scope.ORDERS_READ)
async def get_order_money(call: Call) -> Answer[MoneyShape]:
    """Get how an order stands between the buyer and the house."""
    async with call.services.database.transaction(call.context, snapshot=True) as tx:
        return call.answer(await _money(tx, OrderId(call.id("order"))))


@refunds.post("/v1/orders/{order_id}/grants", Scope.ORDERS_WRITE, refuses=(OverOwed,))
async def grant_refund(call: Call, body: NewGrant) -> Answer[MoneyShape]:
    """Promise a refund of what the buyer is owed."""
    order_id = OrderId(call.id("order"))
    async with call.transaction() as tx:
        await orders.grant_refund(tx, order_id, body.amount, body.reason)
        return await call.done(tx, await _money(tx, order_id))


@refunds.post(
    "/v1/orders/{order_id}/grants/{grant_id}/execute",
    Scope.ORDERS_WRITE,
    refuses=(
        UnknownGrant,
        GrantClosed,
        OverGrant,
        OverMethod,
        OverRefund,
        ReferenceMissing,
        UnknownAccount,
        UnknownLocation,
        WrongCurrency,
        AccountExpired,
    ),
)
async def execute_refund(call: Call, body: ExecuteGrant) -> Answer[MoneyShape]:
    """Record that a granted refund has moved, whole or in part.

    It goes back as it was paid (`methods` of the order's money says how much), or to a gift card or store credit. Of two with
    the same method and reference the second changes nothing.
    """
    order_id, account = OrderId(call.id("order")), parsed_some("account", body.account_id)
    async with call.transaction() as tx:
        await orders.execute_refund(
            tx,
            order_id,
            GrantId(call.id("grant")),
            body.amount,
            body.method,
            body.reference,
            account_id=None if account is None else AccountId(account),
            anyhow=call.services.settings.refund_anyhow,
            location_id=await _place(tx, body.location_id),
        )
        return await call.done(tx, await _money(tx, order_id))


@refunds.post("/v1/orders/{order_id}/grants/{grant_id}/withdraw", Scope.ORDERS_WRITE, refuses=(UnknownGrant, GrantClosed))
async def withdraw_refund(call: Call, body: WithdrawGrant) -> Answer[MoneyShape]:
    """Promise a refund no more, as far as it has not moved."""
    order_id = OrderId(call.id("order"))
    async with call.transaction() as tx:
        await orders.withdraw_refund(tx, order_id, GrantId(call.id("grant")), body.reason)
        return await call.done(tx, await _money(tx, order_id))


@refunds.post(
    "/v1/orders/{order_id}/spend",
    Scope.ORDERS_WRITE,
    refuses=(UnknownAccount, UnknownLocation, OverOwed, WrongCurrency, AccountExpired, BalanceTooLow),
    sealed=True,
)
async def spend_on_order(call: Call, body: SpendAccount) -> Answer[MoneyShape]:
    """Pay with a gift card or store credit."""
    order_id, named = OrderId(call.id("order")), parsed_some("account", body.account_id)
    async with call.transaction() as tx:
        account_id = (await _by_code(call, tx, body.code or "")).id if named is None else AccountId(named)
        at = await _place(tx, body.location_id)
        await orders.spend(tx, order_id, account_id, body.amount, location_id=at)
        return await call.done(tx, await _money(tx, order_id))


@refunds.post("/v1/accounts", Scope.ORDERS_APPROVE, status=201, sealed=True)
async def issue_account(call: Call, body: NewAccount) -> Answer[IssuedAccount]:
    """Issue a gift card or store credit.

    Its code is in this answer and nowhere else.
    """
    draft = AccountDraft(
        kind=body.kind,
        currency=Currency(body.currency),
        amount=body.amount,
        customer_id=parsed_some("customer", body.customer_id),
        expires_at=body.expires_at,
        note=body.note,
        reference=body.reference,
    )
    async with call.transaction() as tx:
        made, code = await api.issue(tx, draft)
        return await call.done(tx, IssuedAccount(id=show("account", made.id), code=code, account=account_shape(made)), 201)


@refunds.post("/v1/account-lookups", Scope.ORDERS_READ, refuses=(UnknownAccount,), asks=True, sealed=True)
async def look_up_account(call: Call, body: LookUp) -> Answer[AccountShape]:
    """Find a gift card or store credit by its code.

    Whoever tries too many codes that are none has to wait.
    """
    async with call.reading() as reader:
        return call.answer(account_shape(await _by_code(call, reader, body.code)))


@refunds.get("/v1/accounts/{account_id}", Scope.ORDERS_READ, refuses=(UnknownAccount,))
async def get_account(call: Call) -> Answer[AccountShape]:
    """Get a gift card or store credit."""
    async with call.reading() as reader:
        return call.answer(account_shape(await api.get_account(reader, AccountId(call.id("account")))))


@refunds.get("/v1/accounts/{account_id}/entries", Scope.ORDERS_READ, refuses=(UnknownAccount,))
async def list_account_entries(call: Call) -> Answer[AccountEntries]:
    """List what was issued, spent, given back and expired, the oldest first."""
    account_id = AccountId(call.id("account"))
    async with call.reading() as reader:
        await api.get_account(reader, account_id)
        return call.answer(AccountEntries(items=[_entry(one) for one in await api.account_entries(reader, account_id)]))


@refunds.post("/v1/accounts/{account_id}/adjust", Scope.ORDERS_APPROVE, refuses=(UnknownAccount, BalanceTooLow))
async def adjust_account(call: Call, body: AdjustAccount) -> Answer[AccountShape]:
    """Correct a balance."""
    async with call.transaction() as tx:
        done = await api.adjust_account(tx, AccountId(call.id("account")), body.amount, body.reference)
        return await call.done(tx, account_shape(done))


async def _place(reader: Reader, text: str | None) -> LocationId | None:
    """The store or desk that is named. Raises UnknownLocation."""
    found = parsed_some("location", text)
    return None if found is None else (await locations.get(reader, LocationId(found))).id


async def _by_code(call: Call, reader: Reader, code: str) -> Account:
    """Raises UnknownAccount, and TooManyRequests for who has tried too many."""
    address = address_key(call.address)
    call.services.strangers.check(address)
    try:
        return await api.account_by_code(reader, code)
    except UnknownAccount:
        call.services.strangers.take(address)
        raise


async def _money(reader: Reader, order_id: OrderId) -> MoneyShape:
    there = await orders.standing(reader, order_id)
    return MoneyShape(
        standing=standing_shape(there),
        grants=[_grant(one) for one in await api.grants_of(reader, order_id)],
        methods=[
            MethodBalanceShape(method=one.method, captured=one.captured, refunded=one.refunded, left=one.left)
            for one in api.by_method(await api.entries_of(reader, order_id))
        ],
    )


def _refund(one: Grant, number: int, entries: Sequence[Entry]) -> RefundShape:
    shown = _grant(one)
    return RefundShape(
        **{name: getattr(shown, name) for name in GrantShape.__struct_fields__},
        order_number=number,
        as_paid=[RefundPartShape(method=method, amount=part) for method, part in api.as_paid(entries, one.open)],
    )


def _grant(one: Grant) -> GrantShape:
    return GrantShape(
        id=show("grant", one.id),
        order_id=show("order", one.order_id),
        amount=one.amount,
        executed=one.executed,
        open=one.open,
        currency=one.currency,
        state=one.state,
        reason=one.reason,
        about=one.about,
        granted_at=one.granted_at,
        granted_by=show_actor(one.actor),
        withdrawn_at=one.withdrawn_at,
    )


def account_shape(one: Account) -> AccountShape:
    return AccountShape(
        id=show("account", one.id),
        kind=one.kind,
        currency=one.currency,
        balance=one.balance,
        last4=one.last4,
        customer_id=show_some("customer", one.customer_id),
        expires_at=one.expires_at,
        issued_at=one.issued_at,
        issued_by=show_actor(one.actor),
        note=one.note,
    )


def _entry(one: AccountEntry) -> AccountEntryShape:
    return AccountEntryShape(
        serial=one.serial,
        kind=one.kind,
        amount=one.amount,
        balance=one.balance,
        order_id=show_some("order", one.order_id),
        reference=one.reference,
        at=one.at,
        actor=show_actor(one.actor),
    )
