"""What crosses the door of notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, NewType, Protocol
from uuid import UUID

import msgspec

from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.events import Event

NoticeId = NewType("NoticeId", UUID)

NOTICE_PREFIX = "ntc"


class NoticeKind(StrEnum):
    CONFIRMED = "confirmed"
    READY = "ready"
    """It can be collected."""
    REMINDER = "reminder"
    """It still waits, and not for much longer."""
    GIVEN_BACK = "given_back"
    """Nobody has collected it in time."""
    SHIPPED = "shipped"
    OUT_FOR_DELIVERY = "out_for_delivery"
    FAILED = "failed"
    """It could not be handed over: the buyer says what is to happen."""
    DELIVERED = "delivered"
    DELAYED = "delayed"
    SUBSTITUTED = "substituted"
    """Something else was taken instead of what was not there."""
    RETURN = "return"
    """Where the label and the slip of a return are."""
    RETURN_DECLINED = "return_declined"
    """A return is not taken, and why."""
    RETURN_GIVEN_BACK = "return_given_back"
    """What was declined is on its way back to the buyer."""
    RETURN_RECEIVED = "return_received"
    """What was sent back has come."""
    CANCELLED = "cancelled"
    """The order, or a part of it."""
    CHANGED = "changed"
    REFUND_GRANTED = "refund_granted"
    """Money is to go back to the buyer."""
    REFUNDED = "refunded"
    """Money has gone back to the buyer."""
    CREDITED = "credited"
    """Money has gone onto store credit; of a new one this is where the buyer reads its code."""
    LOST = "lost"
    DAMAGED = "damaged"
    RETURNING = "returning"
    """The parcel is on its way back to us."""


class Medium(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"


ON_PHONES = (Medium.SMS, Medium.WHATSAPP)


class NoticeState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    """It will not go out: the address does not exist, or it was tried for a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """In whose name a channel's buyers are written to. A channel without one writes to nobody."""

    channel: str
    name: str
    email: str
    reply_to: str = ""
    phone: str = ""
    """What messages to telephones come from: a number, or up to eleven letters."""
    media: tuple[Medium, ...] = (Medium.EMAIL,)
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Who takes messages to telephones. `sealed` is the secret that they are signed with, encrypted."""

    url: str
    sealed: bytes = field(repr=False)
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What holds for every channel. From `quiet_from` to `quiet_until`, minutes of the buyer's day, no telephone is written to;
    where they are the same there is no such time.
    """

    quiet_from: int = 21 * 60
    quiet_until: int = 8 * 60
    gateway: Gateway | None = None


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture without anything beside it, and its format (png, jpeg)."""

    body: bytes = field(repr=False)
    kind: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """How the house, or a channel of it, looks to its buyers; empty is as the house has it."""

    name: str = ""
    colour: str = ""
    """Of buttons and lines, as #rrggbb; white is written on it."""
    email: str = ""
    phone: str = ""
    imprint: str = ""
    """The address of the page that says who is behind the shop."""
    logo: Logo | None = None
    logo_tag: str = ""
    """Changes with the logo; empty where there is none."""


class ConsentSource(StrEnum):
    """How somebody said that they want messages, or want them no more."""

    ORDER = "order"
    LINK = "link"
    """On the page that letters lead to."""
    STAFF = "staff"
    """Somebody of us wrote down what they said."""
    API = "api"
    MESSAGE = "message"
    """They wrote STOP, or START."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """That messages of a medium to this address are wanted, or not, since `at`. The latest holds."""

    medium: Medium
    address: str = field(repr=False)
    allowed: bool
    source: ConsentSource
    at: datetime
    actor: str = ""
    order_id: OrderId | None = None


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a notice says, before it is worded."""

    number: int
    name: str = ""
    on: date | None = None
    """The day that is promised or expected."""
    was_on: date | None = None
    """The day that had been promised, of a delay."""
    until: datetime | None = None
    """Until when an answer is taken."""
    place: str = ""
    """Where it is collected: name and address."""
    code: str = ""
    """What is shown at the counter."""
    waits_until: datetime | None = None
    """After that it is given back."""
    opening: tuple[tuple[date, str], ...] = ()
    """When the counter is open on the next days, by its own clock; no words for a day on which it is closed."""
    locker: str = ""
    """In which it lies, and `locker_code` opens it."""
    locker_code: str = ""
    refund: int | None = None
    """What is paid back, in minor units."""
    method: str = ""
    """By which ways it is paid back."""
    whole: bool = False
    """Nothing of the order is left."""
    credit_code: str = ""
    """The code of new store credit."""
    reason: str = ""
    goods: str = ""
    """What becomes of goods that are here, of a return that is declined."""
    carrier: str = ""
    tracking_number: str = ""
    lines: tuple[tuple[str, int], ...] = ()
    """(name, units)."""
    weighed: tuple[int, ...] = ()
    """Which of the lines, counted from 0, are of goods that are weighed: their units are thousandths."""
    total: int | None = None
    currency: str = ""
    link: str = ""
    """The page that tells more, or takes the answer."""
    stop: str = ""
    """The page on which messages are stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice as it stands in the outbox. Whom it goes to is sealed, and forgotten once it has gone."""

    id: NoticeId
    order_id: OrderId
    channel: str
    kind: NoticeKind
    medium: Medium
    locale: str
    state: NoticeState
    attempts: int
    problem: str
    created_at: datetime
    next_at: datetime | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A notice that is ours to send until `lease`."""

    id: NoticeId
    order_id: OrderId
    channel: str
    kind: NoticeKind
    medium: Medium
    locale: str
    zone: str
    attempts: int
    lease: datetime
    sender: Sender | None
    sealed: bytes = field(repr=False)
    brand: Brand = Brand()


@dataclass(frozen=True, slots=True)
class Letter:
    """To whom, and what."""

    to: str = field(repr=False)
    content: Content = field(repr=False)


class Outcome(StrEnum):
    SENT = "sent"
    LATER = "later"
    """It may go out when it is tried again."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt. `problem` names no address."""

    outcome: Outcome
    problem: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFilter:
    """None and empty do not filter."""

    order_id: OrderId | None = None
    state: NoticeState | None = None
    channel: str = ""
    kind: NoticeKind | None = None
    medium: Medium | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


class Links(Protocol):
    """The addresses of pages for buyers; whoever has the pages gives them."""

    def tracking(self, order_id: UUID, now: datetime) -> str:
        """Where the order's parcels are."""
        ...

    def returning(self, order_id: UUID, now: datetime) -> str:
        """Where something of the order is sent back."""
        ...

    def stopping(self, order_id: UUID, now: datetime) -> str:
        """Where the buyer says which messages they want no more."""
        ...

    def answer(self, tracked_id: UUID, until: datetime) -> str:
        """Where the buyer says what is to happen to a parcel."""
        ...


class NoticeFailed(Event, frozen=True, kw_only=True):
    """A buyer could not be told; somebody may want to call."""

    type: ClassVar[str] = "notice.failed"
    order_id: OrderId
    notice_id: NoticeId
    kind: str
    medium: str
    problem: str

    @property
    def subject(self) -> UUID:
        return self.order_id


class NoticeSent(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "notice.sent"
    order_id: OrderId
    notice_id: NoticeId
    kind: str
    medium: str

    @property
    def subject(self) -> UUID:
        return self.order_id
