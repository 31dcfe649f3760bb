"""Values of the payment ledger that others may hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple, NewType, Protocol
from uuid import UUID

from comptoir.kernel.money import Currency
from comptoir.runtime.events import Event

PaymentId = NewType("PaymentId", UUID)
GrantId = NewType("GrantId", UUID)
AccountId = NewType("AccountId", UUID)

GRANT_PREFIX = "grn"
ACCOUNT_PREFIX = "acc"

CASH = "cash"
CARD = "card"
CARD_TERMINAL = "card_terminal"
"""A card that somebody has put into a terminal; its entries name the terminal's own receipt."""


class EntryKind(StrEnum):
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Entry:
    """Money that moved, or was promised to move, for one order. `amount` is positive minor units.

    `channel_code` is the channel that took it, the order's where a desk did; `location_id` is the store or the desk where it
    moved, None for what moved over a wire.
    """

    id: PaymentId
    order_id: UUID
    kind: EntryKind
    method: str
    amount: int
    currency: Currency
    reference: str
    at: datetime
    channel_code: str = ""
    location_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """The sums of an order's entries."""

    authorised: int = 0
    captured: int = 0
    refunded: int = 0


class MethodBalance(NamedTuple):
    """What was paid by one method and given back by it, and how much may still go back that way. Minor units."""

    method: str
    captured: int
    refunded: int
    left: int


class GrantState(StrEnum):
    """Derived from what has been executed of a grant, and from whether it was withdrawn."""

    PENDING = "pending"
    PARTLY = "partly_executed"
    EXECUTED = "executed"
    WITHDRAWN = "withdrawn"
    """Nothing more of it will be executed; what has been, has been."""


class GrantStep(StrEnum):
    EXECUTE_PART = "execute_part"
    EXECUTE_REST = "execute_rest"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Grant:
    """A refund that was promised to the buyer; `executed` is how much of it has moved. Minor units.

    `about` says what it is for (change, return), and `about_id` which one.
    """

    id: GrantId
    order_id: UUID
    amount: int
    executed: int
    currency: Currency
    reason: str
    about: str
    about_id: UUID | None
    granted_at: datetime
    actor: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None

    @property
    def open(self) -> int:
        """What is promised and has not moved yet."""
        return 0 if self.withdrawn_at is not None else self.amount - self.executed

    @property
    def state(self) -> GrantState:
        if self.withdrawn_at is not None:
            return GrantState.WITHDRAWN
        if self.executed == self.amount:
            return GrantState.EXECUTED
        return GrantState.PARTLY if self.executed else GrantState.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantFilter:
    """Which refunds, of all orders. None and empty do not filter; of several values any one will do."""

    states: tuple[GrantState, ...] = ()
    methods: tuple[str, ...] = ()
    """With one of these something of the order was paid."""
    granted_before: datetime | None = None
    currency: Currency | None = None
    order_id: UUID | None = None
    channels: tuple[str, ...] = ()
    """Through one of these something of the order was paid."""
    location_id: UUID | None = None
    """There money of the order has moved, either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakingsFilter:
    """Which money: from `since` on and before `until`, by days of `zone`. None and empty do not filter."""

    since: datetime
    until: datetime
    zone: str
    channels: tuple[str, ...] = ()
    method: str = ""
    """Occurs in the method, in capitals or not."""
    locations: frozenset[UUID] = frozenset()
    """It moved at one of these."""


@dataclass(frozen=True, slots=True)
class Taking:
    """What moved on one day by one method, through one channel, at one store or desk (None over a wire). Minor units."""

    on: date
    method: str
    channel_code: str
    location_id: UUID | None
    currency: Currency
    captured: int
    refunded: int
    movements: int

    @property
    def net(self) -> int:
        return self.captured - self.refunded


@dataclass(frozen=True, slots=True)
class TakingsTotal:
    """What moved in all in one currency. Minor units."""

    currency: Currency
    captured: int
    refunded: int
    movements: int

    @property
    def net(self) -> int:
        return self.captured - self.refunded


@dataclass(frozen=True, slots=True)
class ToPayOut:
    """What is promised to buyers in one currency and has not moved: how many refunds, how much, since when."""

    currency: Currency
    count: int
    amount: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How an order stands between the buyer and us, in minor units; always derived, never kept."""

    currency: Currency
    total: int
    """Of all that was sold, as it was sold."""
    value: int
    """Of what is left of it: without what was cancelled, has come back or was allowed off the price."""
    authorised: int
    captured: int
    refunded: int
    granted: int
    """Promised to the buyer and not executed yet."""

    @property
    def paid(self) -> int:
        return self.captured - self.refunded

    @property
    def owed_by_buyer(self) -> int:
        return max(0, self.value - self.paid)

    @property
    def owed_to_buyer(self) -> int:
        return max(0, self.paid - self.value)


class AccountKind(StrEnum):
    """What an account is; it is also the method of payments made with it."""

    STORE_CREDIT = "store_credit"
    GIFT_CARD = "gift_card"


class AccountEntryKind(StrEnum):
    ISSUED = "issued"
    SPENT = "spent"
    GIVEN_BACK = "given_back"
    """A refund that went to the account."""
    EXPIRED = "expired"
    ADJUSTED = "adjusted"


@dataclass(frozen=True, slots=True)
class Account:
    """Money that somebody has with us. Whoever knows its code may spend it; only the code's end is known to us."""

    id: AccountId
    kind: AccountKind
    currency: Currency
    last4: str
    customer_id: UUID | None
    expires_at: datetime | None
    issued_at: datetime
    actor: str
    note: str
    balance: int

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """One movement of an account; `amount` is below zero for what went out, `balance` is what was there after it."""

    account_id: AccountId
    serial: int
    kind: AccountEntryKind
    amount: int
    balance: int
    order_id: UUID | None
    payment_id: UUID | None
    reference: str
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDraft:
    """An account that is to be opened with `amount` minor units on it; 0 where a refund is to be put on it."""

    kind: AccountKind
    currency: Currency
    amount: int
    customer_id: UUID | None = None
    expires_at: datetime | None = None
    note: str = ""
    reference: str = ""


class FindingKind(StrEnum):
    BALANCE = "balance"
    """What an account had after an entry is not what it had before it and the entry."""
    GRANT = "grant"
    """More of a refund was executed than was granted."""
    EXECUTED = "executed"
    """What is said to have moved of a grant is not the sum of its executions."""
    REFUND = "refund"
    """A refund counts for more grants than its amount."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up: `found`, and what it should be, or be at most."""

    kind: FindingKind
    id: UUID
    found: int
    expected: int


@dataclass(frozen=True, slots=True)
class Report:
    """What the doctor saw."""

    grants: int
    accounts: int
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        return not self.findings


class RefundGranted(Event, frozen=True, kw_only=True):
    """A refund was promised to the buyer of an order."""

    type: ClassVar[str] = "refund.granted"
    order_id: UUID
    grant_id: GrantId
    amount: int
    currency: str
    reason: str

    @property
    def subject(self) -> UUID:
        return self.order_id


class RefundWithdrawn(Event, frozen=True, kw_only=True):
    """What was promised and had not moved yet is promised no more."""

    type: ClassVar[str] = "refund.withdrawn"
    order_id: UUID
    grant_id: GrantId
    amount: int
    currency: str
    reason: str

    @property
    def subject(self) -> UUID:
        return self.order_id


class AccountMoved(Event, frozen=True, kw_only=True):
    """An account was opened, or its balance has changed."""

    type: ClassVar[str] = "account.moved"
    account_id: AccountId
    kind: str
    amount: int
    balance: int
    currency: str
    order_id: UUID | None

    @property
    def subject(self) -> UUID:
        return self.account_id


@dataclass(frozen=True, slots=True)
class Moved:
    """What a payment provider answered: its own id of what has moved, and how much of it."""

    reference: str
    amount: int


class Gateway(Protocol):
    """A payment provider. No call is made inside a transaction; of two with one `key` the second gives the answer of the first.

    Each raises a Fault where the provider does not answer, and a Refusal where it says no. Amounts are minor units.
    """

    async def authorise(self, amount: int, currency: Currency, source: str, key: str) -> Moved:
        """Sets money aside. `source` is the provider's own name for the buyer's means."""
        ...

    async def capture(self, reference: str, amount: int, key: str) -> Moved:
        """Takes what was authorised under that reference, whole or in part."""
        ...

    async def void(self, reference: str, key: str) -> Moved:
        """Gives up what was authorised and not captured."""
        ...

    async def refund(self, reference: str, amount: int, key: str) -> Moved:
        """Gives back what was captured under that reference, whole or in part."""
        ...
