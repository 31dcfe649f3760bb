"""Values, ids and events of changes and returns that others may hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, NamedTuple, NewType
from uuid import UUID

import msgspec

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.fulfilment.contracts import FulfilmentId
from comptoir.modules.inventory.contracts import Disposition
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import ChannelId, OrderId, PoolOf, ShipmentId
from comptoir.modules.payments.contracts import Standing
from comptoir.runtime.database import Reader
from comptoir.runtime.events import Event
from comptoir.sdk.orders import Address, LineKind

ChangeId = NewType("ChangeId", UUID)
ReturnCaseId = NewType("ReturnCaseId", UUID)
PolicyId = NewType("PolicyId", UUID)
ReceivedId = NewType("ReceivedId", UUID)
PictureId = NewType("PictureId", UUID)

CHANGE_PREFIX = "chg"
RETURN_CASE_PREFIX = "rtn"
POLICY_PREFIX = "pol"
RECEIVED_PREFIX = "rcv"
PICTURE_PREFIX = "pic"


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What a change has to know of the channel of an order."""

    code: str
    distance: bool
    """Whether buyers do not see what they buy: everything but the till."""
    marketplace: bool
    backorder: bool


FactsOf = Callable[[Reader, ChannelId], Awaitable[ChannelFacts]]
DeliveredOf = Callable[[Reader, OrderId], Awaitable[Mapping[ShipmentId, datetime | None]]]
"""When the shipments of an order were delivered; None for one that its carrier still has. Those of which nobody has told
anything are left out."""


ApproversOf = Callable[[Reader], Awaitable[Sequence[str]]]
"""Who may approve changes, as actors."""


PeopleOf = Callable[[Reader, Sequence[str]], Awaitable[Mapping[str, str]]]
"""Who stands behind actors: tokens are the hands of those who have made them."""


async def _each_for_themselves(_reader: Reader, actors: Sequence[str]) -> Mapping[str, str]:
    return {actor: actor for actor in actors}


@dataclass(frozen=True, slots=True)
class Setting:
    """What the house tells about its channels, its parcels and its people; whoever knows them provides it."""

    pool_of: PoolOf
    facts_of: FactsOf
    delivered_of: DeliveredOf
    approvers_of: ApproversOf
    people_of: PeopleOf = _each_for_themselves

    async def are_one(self, reader: Reader, actor: str, others: Iterable[str | None]) -> bool:
        """Whether the same person acts as one of these others, be it by a token of theirs."""
        named = [actor, *[one for one in others if one]]
        people = await self.people_of(reader, named)
        return people[actor] in {people[one] for one in named[1:]}


class ChangeKind(StrEnum):
    EDIT = "edit"
    """Before anybody picks: other units, another address, another service."""
    CANCEL = "cancel"
    RETURN = "return"
    """Units that come back over the counter, now; what is announced first is a return of its own."""
    EXCHANGE = "exchange"
    CLAIM = "claim"
    """Damaged or lost: the buyer keeps it, is refunded, or gets another one."""
    ADJUSTMENT = "adjustment"
    """Of the price."""


class ChangeState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"
    CONFIRMED = "confirmed"
    """It has been done."""
    CANCELLED = "cancelled"


class ChangeStep(StrEnum):
    RENEW = "renew"
    """The order has changed since it was asked for: it is looked at anew, and what was approved is to be approved again."""
    APPROVE = "approve"
    DECLINE = "decline"
    CONFIRM = "confirm"
    CANCEL = "cancel"


class Reason(StrEnum):
    """Why something comes back, in the buyer's words."""

    CHANGED_MIND = "changed_mind"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    NOT_AS_DESCRIBED = "not_as_described"
    DEFECTIVE = "defective"
    DAMAGED = "damaged"
    WRONG_ITEM = "wrong_item"
    LATE = "late"
    REFUSED = "refused"
    """At the door, or never collected from the carrier."""
    OTHER = "other"


class Action(msgspec.Struct, frozen=True, tag_field="do", kw_only=True):
    """One thing to do to an order."""


class AddItem(Action, frozen=True, tag="add_item", kw_only=True):
    """Units of a SKU on top; without a price at the market's of the day on which it is confirmed."""

    sku: str
    quantity: int
    unit_price: int | None = None


class AddCharge(Action, frozen=True, tag="add_charge", kw_only=True):
    kind: LineKind
    name: str
    amount: int
    tax_rate: str = "0"


class CancelUnits(Action, frozen=True, tag="cancel", kw_only=True):
    """Units that have not left. What is picked or packed is recalled."""

    line_no: int
    quantity: int


class ChangeAddress(Action, frozen=True, tag="change_address", kw_only=True):
    address: Address


class ChangeService(Action, frozen=True, tag="change_service", kw_only=True):
    service: Service


class ChangePickup(Action, frozen=True, tag="change_pickup", kw_only=True):
    """Where it is collected; None sends it to its address. What is promised finds its place anew."""

    location_id: LocationId | None


class TakeBack(Action, frozen=True, tag="take_back", kw_only=True):
    """Units that are here, at any location."""

    line_no: int
    quantity: int
    location_id: LocationId
    disposition: Disposition = Disposition.RESTOCK
    reason: Reason = Reason.OTHER
    """As the buyer says: the terms go by it."""


class Allow(Action, frozen=True, tag="allow", kw_only=True):
    """So much off the price: of the last `units` of a line that have left, of a line, or of the order."""

    amount: int
    line_no: int | None = None
    units: int | None = None


AnyAction = AddItem | AddCharge | CancelUnits | ChangeAddress | ChangeService | ChangePickup | TakeBack | Allow


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDraft:
    """A change that somebody asks for; its actions are done in their order."""

    order_id: OrderId
    kind: ChangeKind
    actions: tuple[AnyAction, ...]
    reason: str = ""
    note: str = ""
    shipment_id: ShipmentId | None = None
    """Of the parcel that a claim is about, where somebody has said which."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an order. `order_version` is the version that was looked at when it was asked for, or looked at last.

    `decision` is why it was approved or declined, in the words of whoever did.
    """

    id: ChangeId
    number: int
    order_id: OrderId
    kind: ChangeKind
    state: ChangeState
    actions: tuple[AnyAction, ...]
    reason: str
    note: str
    needs_approval: bool
    order_version: int
    requested_at: datetime
    requested_by: str
    decided_at: datetime | None
    decided_by: str | None
    decision: str
    ended_at: datetime | None
    ended_by: str | None
    version: int
    waits_since: datetime | None = None
    """Since when it waits for third parties who do the work: they were asked to stop. It is done when they have."""
    shipment_id: ShipmentId | None = None


class StockEffect(NamedTuple):
    """What an action does to the units of a line: promised at a location, waiting for stock, cancelled, or come back."""

    line_no: int
    sku: str
    location_id: LocationId | None
    reserved: int
    waiting: int
    cancelled: int
    returned: int


class Effect(NamedTuple):
    """What one action comes to. `value` is by how much the order is worth more to us, or (below zero) less."""

    action: AnyAction
    value: int
    stock: tuple[StockEffect, ...]


class Recall(NamedTuple):
    """Work that has begun and is called back: `picked` units are to be put back, out of a parcel where they are `packed`."""

    fulfilment_id: FulfilmentId
    number: int
    location_id: LocationId
    picked: int
    packed: int


class Preview(NamedTuple):
    """What a change comes to, before and after, action by action; `granted` is by how much more is promised to the buyer.

    `given` is what the house gives back, or away below the price of the day, and `given_before` what it gave by earlier changes
    of the order that nobody approved: where it gives anything, more than `approval_above` together needs approval. So does what
    is taken back against the terms: `against` has those lines, and why.
    """

    effects: tuple[Effect, ...]
    before: Standing
    after: Standing
    granted: int
    needs_approval: bool
    given: int = 0
    approval_above: int | None = None
    given_before: int = 0
    recalls: tuple[Recall, ...] = ()
    against: tuple[tuple[int, Why], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFilter:
    order: OrderId | None = None
    kind: ChangeKind | None = None
    states: tuple[ChangeState, ...] = ()
    needs_approval: bool | None = None


class ChangeMoved(Event, frozen=True, kw_only=True):
    """A change of an order was asked for, decided on, done or given up."""

    type: ClassVar[str] = "change.moved"
    order_id: OrderId
    change_id: ChangeId
    kind: str
    state: str
    reason: str

    @property
    def subject(self) -> UUID:
        return self.order_id


class RefundMoment(StrEnum):
    FIRST_SCAN = "first_scan"
    """When the carrier has it."""
    RECEIPT = "receipt"
    INSPECTION = "inspection"


class RefundMethod(StrEnum):
    ORIGINAL = "original"
    """As it was paid."""
    STORE_CREDIT = "store_credit"


FREE_REASONS = (Reason.DEFECTIVE, Reason.DAMAGED, Reason.WRONG_ITEM, Reason.NOT_AS_DESCRIBED, Reason.LATE)
"""For which nobody pays a fee unless a policy says otherwise."""

MOST_SKUS = 1_000
"""So many SKUs a policy names at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDraft:
    """On which terms something may come back. Empty and None do not restrict; the first that fits, by position, holds.

    Category and SKUs say together what it is for: an article in the category or among the SKUs is enough. Where only one of
    them is named, that one restricts; where neither is, it is for all articles.
    """

    code: str
    position: int
    category: tuple[str, ...] = ()
    """From the widest to the narrowest: what is in it or below."""
    skus: tuple[str, ...] = ()
    """These articles, whatever their category."""
    channels: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    valid_from: date | None = None
    """The first and last day on which it was bought."""
    valid_until: date | None = None
    window: int = 30
    """Days after delivery."""
    fee: int = 0
    """Minor units of the order's currency, taken off the refund of a return."""
    free_reasons: tuple[Reason, ...] = FREE_REASONS
    moment: RefundMoment = RefundMoment.RECEIPT
    method: RefundMethod = RefundMethod.ORIGINAL
    prepaid: bool = False
    """Whether we buy the label of the parcel that it comes back in."""
    label_fee: int = 0
    """Minor units, taken off the refund where such a label was used."""
    approval_above: int | None = None
    """Minor units: what gives more back waits for somebody to approve it."""
    final_sale: bool = False
    exempt: bool = False
    """Whether the law takes it out of the right of withdrawal: made to measure, perishable, unsealed (L221-28)."""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(PolicyDraft):
    id: PolicyId | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """What a policy looks at of something that was sold."""

    category: tuple[str, ...]
    sku: str = ""
    """Empty for what is no article of the catalogue."""
    channel: str
    country: str
    distance: bool
    consumer: bool
    bought_on: date
    delivered_on: date | None
    """None where it has not been."""
    reason: Reason


class Why(StrEnum):
    """Why something may come back, or may not."""

    WITHIN_WINDOW = "within_window"
    WITHDRAWAL = "withdrawal"
    """The law says so, whatever the policy does."""
    DEFECT = "defect"
    """What is not as it was sold is never too late, nor a final sale, for a claim."""
    FINAL_SALE = "final_sale"
    TOO_LATE = "too_late"


class Verdict(NamedTuple):
    allowed: bool
    why: Why
    until: date | None
    """The last day on which it may be asked for; None where the term has not begun."""
    fee: int
    moment: RefundMoment
    method: RefundMethod
    approval_above: int | None
    prepaid: bool = False
    """Whether we buy the label, for `label_fee`."""
    label_fee: int = 0


class ReturnState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    INSPECTED = "inspected"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class ReturnStep(StrEnum):
    APPROVE = "approve"
    DECLINE = "decline"
    SEND = "send"
    RECEIVE = "receive"
    INSPECT = "inspect"
    CLOSE = "close"
    CANCEL = "cancel"
    DECLINE_REST = "decline_rest"
    """Of goods that are here: those that somebody has looked at already are taken."""
    GIVE_BACK = "give_back"
    """What was declined goes back to the buyer."""
    KEEP = "keep"
    """What was declined stays here, as the buyer has agreed in writing."""


class Goods(StrEnum):
    """What becomes of goods that are here and were declined."""

    WAITING = "waiting"
    """Nobody has sent them off yet."""
    SENT = "sent"
    """A carrier has them, on their way to the buyer."""
    HANDED = "handed"
    """The buyer has taken them at the desk."""
    KEPT = "kept"


class LabelStanding(StrEnum):
    """How the label that we buy for a return stands."""

    NONE = "none"
    """None is wanted: the buyer sends it as they please, or brings it."""
    WANTED = "wanted"
    """It is to be bought; nobody knows of one yet."""
    BOUGHT = "bought"
    REFUSED = "refused"
    """No carrier sells it: a person looks, or it comes back in another way."""
    TO_VOID = "to_void"
    """It is bought and nobody needs it: it is to be given back."""
    VOIDED = "voided"


class ItemCondition(StrEnum):
    NEW = "new"
    OPENED = "opened"
    USED = "used"
    DAMAGED = "damaged"
    UNUSABLE = "unusable"


class Fate(StrEnum):
    """What becomes of a unit that has come back."""

    RESTOCK = "restock"
    SEND_ON = "send_on"
    """To another location, by a transfer."""
    REFURBISH = "refurbish"
    DAMAGED = "damaged"
    MISSING = "missing"
    """The box was empty."""
    DESTROY = "destroy"


class Units(NamedTuple):
    """Units of a line that come back, and why."""

    line_no: int
    quantity: int
    reason: Reason = Reason.CHANGED_MIND


class Extra(msgspec.Struct, frozen=True):
    """What the buyer gets instead."""

    sku: str
    quantity: int
    unit_price: int | None = None


class OtherWay(StrEnum):
    """What becomes of an exchange whose goods are gone by the time somebody approves it."""

    OTHER_ITEM = "other_item"
    """Another size or colour, or anything else, instead of what is gone."""
    BACKORDER = "backorder"
    """It waits for stock: for a delivery, or for what another location sends over."""
    REFUND = "refund"
    """The buyer gets the money back instead."""


class WayOn(NamedTuple):
    """A way on, with the SKU of the other item."""

    way: OtherWay
    sku: str = ""


@dataclass(frozen=True, slots=True)
class Gone:
    """Something that a buyer wants instead, and that cannot be promised as it is wanted."""

    sku: str
    requested: int
    available: int
    elsewhere: tuple[tuple[LocationId, int], ...]
    """Who has it all although the channel does not sell from there, and how many; most first."""


class Arrived(NamedTuple):
    """Units that have arrived. `sku` is what they are, where that is not what was sold."""

    line_no: int
    quantity: int
    sku: str | None = None


class Look(NamedTuple):
    """What somebody has found: so many of what was received, how they are, and what becomes of them.

    `deduct` is what the buyer does not get back of them, in minor units.
    """

    received_id: ReceivedId
    quantity: int
    condition: ItemCondition
    fate: Fate
    deduct: int = 0
    to_location_id: LocationId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDraft:
    """A return that somebody asks for. `exchange` is what the buyer wants instead, promised as soon as it is approved."""

    order_id: OrderId
    units: tuple[Units, ...]
    exchange: tuple[Extra, ...] = ()
    note: str = ""
    override: bool = False
    """A person takes back what the policy would not."""
    method: RefundMethod | None = None
    """How the buyer wants the money; None is what the policy says. Store credit may always be chosen."""
    location_id: LocationId | None = None
    """Where it is to be sent or brought; it is received wherever it comes."""
    label: bool = False
    """Whether the buyer wants our label, where the policy gives one."""


@dataclass(frozen=True, slots=True)
class ReturnItem:
    line_no: int
    sku: str
    quantity: int
    received: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class ReceivedUnits:
    """What has arrived together. `value` is what it was worth to the buyer; `released` whether that is refunded.

    `line_no` is None for what the order does not have.
    """

    id: ReceivedId
    line_no: int | None
    sku: str
    quantity: int
    value: int
    released: bool
    location_id: LocationId
    parcel: str
    stocked: bool
    condition: ItemCondition | None
    fate: Fate | None
    deduct: int
    received_at: datetime
    received_by: str
    inspected_at: datetime | None
    inspected_by: str | None
    goods: Goods | None = None
    """What becomes of units that were declined; None of what is taken."""

    @property
    def to_inspect(self) -> bool:
        """Whether somebody is to look at them."""
        return self.fate is None and self.goods is None


@dataclass(frozen=True, slots=True)
class ReturnCase:
    """A return on its way. `order_id` is None for what we never sold: it is kept, and nobody is refunded for it."""

    id: ReturnCaseId
    number: int
    order_id: OrderId | None
    state: ReturnState
    moment: RefundMoment
    method: RefundMethod
    fee: int
    fee_charged: int | None
    """None where nothing has arrived yet."""
    why: str
    announced: bool
    fact: bool
    """The channel has decided it."""
    note: str
    carrier: str
    tracking_number: str
    exchange: tuple[Extra, ...]
    exchange_lines: tuple[int, ...]
    requested_at: datetime
    requested_by: str
    decided_at: datetime | None
    decided_by: str | None
    sent_at: datetime | None
    """When a carrier had it first."""
    closed_at: datetime | None
    closed_by: str | None
    version: int
    channel: str = ""
    """The code of the order's channel."""
    order_number: int | None = None
    location_id: LocationId | None = None
    """Where it is expected, or was received first."""
    sender: str = ""
    """Who has sent it, of what nobody announced."""
    prepaid: bool = False
    """Whether the terms give a label that we buy, for `label_fee`."""
    label_fee: int = 0
    label: LabelStanding = LabelStanding.NONE
    label_problem: str = ""
    """Why there is none, in the carrier's words."""
    label_code: str = ""
    """The same as a code."""
    label_tries: int = 0
    label_at: datetime | None = None
    """When it is tried again; of one that is bought, when that was."""
    declined_because: str = ""
    """What the buyer is told."""
    agreement: str = ""
    """Where the buyer has agreed in writing that we keep what was declined."""
    fee_line: int | None = None
    """The line of the order by which the fee was charged."""
    shipping_lines: tuple[int, ...] = ()
    """The delivery charges that came back with it."""
    shipment_id: ShipmentId | None = None
    """Of a parcel that could not be delivered and that its carrier brings back."""
    items: tuple[ReturnItem, ...] = ()
    received: tuple[ReceivedUnits, ...] = ()

    @property
    def expected(self) -> int:
        """Units that were announced and have not come."""
        return sum(max(0, item.quantity - item.received) for item in self.items)

    @property
    def to_inspect(self) -> int:
        """Units that are here and that nobody has looked at."""
        return sum(row.quantity for row in self.received if row.to_inspect)

    @property
    def to_give_back(self) -> int:
        """Units that are here, were declined, and are to go back to the buyer."""
        return sum(row.quantity for row in self.received if row.goods is Goods.WAITING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnFilter:
    """Which returns. None and empty do not filter; of several values any one will do."""

    order: OrderId | None = None
    states: tuple[ReturnState, ...] = ()
    channel: str = ""
    reason: Reason | None = None
    location: LocationId | None = None
    """Where it is expected, or something of it was received."""
    late_at: datetime | None = None
    """Only what somebody has waited for too long by then: see `LATE`."""
    search: str = ""
    """Its number, the order's, or a tracking number or parcel that it came with."""
    search_orders: tuple[OrderId, ...] = ()
    """Orders that the search means, too."""
    inspecting: LocationId | None = None
    """Only what is here and nobody has looked at."""
    labels: tuple[LabelStanding, ...] = ()
    giving_back: bool = False
    """Only what was declined and is still here."""


LATE: Mapping[ReturnState, timedelta] = {
    ReturnState.REQUESTED: timedelta(days=2),
    ReturnState.APPROVED: timedelta(days=14),
    ReturnState.IN_TRANSIT: timedelta(days=14),
    ReturnState.RECEIVED: timedelta(days=3),
}
"""After how long in one of these somebody should look: to decide, to ask where it is, to inspect it."""


class Foreseen(NamedTuple):
    """What a return would come to, before anything is done. Minor units.

    `worth` is what the units are worth to the buyer, with the delivery of an order that is withdrawn from as a whole; `fee` is
    kept of it. `costs` is the price of what they get instead. `granted` is by how much more would be promised to the buyer,
    which is less than the rest where less was paid.
    """

    verdicts: Mapping[int, Verdict]
    fits: Mapping[int, Policy]
    worth: int
    fee: int
    costs: int
    granted: int
    owed_by_buyer: int
    needs_approval: bool
    marketplace: bool
    label_fee: int = 0
    """What is kept besides where our label is used."""
    signals: tuple[Signal, ...] = ()
    """What a person should look at before any money goes."""

    @property
    def refused(self) -> dict[int, Verdict]:
        """What the policy does not take back."""
        return {line_no: verdict for line_no, verdict in self.verdicts.items() if not verdict.allowed}


class Seen(NamedTuple):
    """Units that somebody has in hand, how they are, and what becomes of them. `sku` is what they are, where that is not what
    was sold; `deduct` is what the buyer does not get back of them.
    """

    line_no: int
    quantity: int
    condition: ItemCondition
    fate: Fate
    sku: str | None = None
    deduct: int = 0
    to_location_id: LocationId | None = None


class ReturnMoved(Event, frozen=True, kw_only=True):
    """A return was asked for, decided on, sent, received, inspected or closed."""

    type: ClassVar[str] = "return.moved"
    return_case_id: ReturnCaseId
    order_id: OrderId | None
    state: str
    step: str

    @property
    def subject(self) -> UUID:
        return self.order_id or self.return_case_id


class ReturnPapersSent(Event, frozen=True, kw_only=True):
    """The buyer is to get the label and the slip of a return, for the first time or again."""

    type: ClassVar[str] = "return.papers_sent"
    return_case_id: ReturnCaseId
    order_id: OrderId
    code: str
    """What its papers say: see `return_code`."""

    @property
    def subject(self) -> UUID:
        return self.order_id


class ReturnDeclined(Event, frozen=True, kw_only=True):
    """The buyer is to learn that a return is not taken, why, and what becomes of goods that are here."""

    type: ClassVar[str] = "return.declined"
    return_case_id: ReturnCaseId
    order_id: OrderId
    code: str
    reason: str
    goods: str
    """Empty where nothing of it is here."""

    @property
    def subject(self) -> UUID:
        return self.order_id


class ReturnGivenBack(Event, frozen=True, kw_only=True):
    """What was declined has gone back to the buyer."""

    type: ClassVar[str] = "return.given_back"
    return_case_id: ReturnCaseId
    order_id: OrderId
    code: str
    goods: str
    carrier: str
    tracking_number: str

    @property
    def subject(self) -> UUID:
        return self.order_id


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of what comes back, without its bytes."""

    id: PictureId
    return_id: ReturnCaseId
    received_id: ReceivedId | None
    width: int
    height: int
    size: int
    """Bytes."""
    added_at: datetime
    added_by: str


class Drawn(NamedTuple):
    """A picture that was decoded and drawn anew: JPEG, small and large, with nothing in it but what one sees."""

    content: bytes
    thumb: bytes
    width: int
    height: int


class Sign(StrEnum):
    SERIAL_RETURNER = "serial_returner"
    WRONG_ITEM = "wrong_item"
    HIGH_VALUE = "high_value"


class Signal(NamedTuple):
    """Something that a person should look at before refunding. It blocks nothing."""

    sign: Sign
    words: str
    data: dict[str, int]


class Found(NamedTuple):
    """An order of which something may come back: lines with the units that the buyer has."""

    order_id: OrderId
    number: int
    channel: str
    placed_at: datetime
    lines: tuple[tuple[int, str, int], ...]
    """(line number, SKU, units that have left and not come back)."""
