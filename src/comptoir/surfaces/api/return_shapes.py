"""What returns and their terms look like over the API."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from comptoir.modules.changes.contracts import (
    FREE_REASONS,
    MOST_SKUS,
    Fate,
    Found,
    Goods,
    ItemCondition,
    LabelStanding,
    OtherWay,
    Picture,
    Policy,
    PolicyDraft,
    Reason,
    RefundMethod,
    RefundMoment,
    ReturnCase,
    ReturnState,
    Sign,
    Units,
    Why,
)
from comptoir.surfaces.api.identifiers import show, show_actor, show_location, show_some
from comptoir.surfaces.api.refunds import AccountShape
from comptoir.surfaces.api.shapes import (
    PRINTABLE,
    Actor,
    Amount,
    Code,
    CountryCode,
    CustomerRef,
    Day,
    Instant,
    LineNo,
    LocationRef,
    Note,
    OrderRef,
    PageQuery,
    PictureRef,
    PolicyRef,
    Positive,
    Quantity,
    ReceivedRef,
    Reference,
    Request,
    ReturnCaseRef,
    Search,
    Shape,
    SkuText,
    Version,
    Words,
)

_Parcel = Annotated[Reference, Meta(description="Its own number: a parcel is received once, however often it is scanned.")]


class UnitsBack(Request, frozen=True, kw_only=True):
    """Units of a line that come back, and why."""

    line_no: LineNo
    quantity: Quantity
    reason: Reason = Reason.CHANGED_MIND


_UnitsBack = Annotated[tuple[UnitsBack, ...], Meta(min_length=1, max_length=500)]


class Instead(Request, frozen=True, kw_only=True):
    """What the buyer gets instead, at the market's price unless another is named."""

    sku: SkuText
    quantity: Quantity
    unit_price: Amount | None = None


class NewReturn(Request, frozen=True, kw_only=True):
    """Units that are to come back. `override` takes what the policy would not: somebody has to approve it."""

    order_id: OrderRef
    lines: _UnitsBack
    exchange: Annotated[tuple[Instead, ...], Meta(max_length=100)] = ()
    note: Note = ""
    override: bool = False
    label: Annotated[bool, Meta(description="Whether the buyer wants our label, where the terms give one.")] = False


class ApproveOtherwise(Request, frozen=True, kw_only=True):
    """What is done where the goods that the buyer wants instead are gone by now."""

    instead: OtherWay
    sku: Annotated[SkuText, Meta(description="For `other_item`: what the buyer gets then.")] | None = None


class DeclineReturn(Request, frozen=True, kw_only=True):
    """Why; the buyer is told. It is needed for goods that are here."""

    reason: Annotated[str, Meta(max_length=500, pattern=PRINTABLE, examples=["It was worn, and is stained."])] = ""


class GiveBackReturn(Request, frozen=True, kw_only=True):
    """How what was declined leaves: a carrier has it, or the buyer has taken it at the desk."""

    by: Annotated[Literal["parcel", "hand"], Meta(examples=["parcel"])]
    carrier: Annotated[Words, Meta(examples=["Colissimo"])] = ""
    tracking_number: Annotated[Reference, Meta(examples=["6A123456789"])] = ""


class KeepReturn(Request, frozen=True, kw_only=True):
    """Where the buyer has agreed in writing, and what becomes of it."""

    agreement: Annotated[
        str, Meta(min_length=1, max_length=500, pattern=PRINTABLE, examples=["E-mail of 2 May 2026, case 4711"])
    ]
    fate: Literal["restock", "refurbish", "damaged", "destroy"]
    condition: ItemCondition = ItemCondition.USED


class BuyReturnLabel(Request, frozen=True, kw_only=True):
    weight: Annotated[
        int, Meta(ge=0, le=1_000_000, examples=[420], description="Grams; 0 takes what the catalogue or the first box says.")
    ] = 0
    regardless: Annotated[bool, Meta(description="Also where the terms give none.")] = False


class PictureQuery(Request, frozen=True, kw_only=True):
    received_id: Annotated[ReceivedRef, Meta(description="Which units it shows.")] | None = None


class PictureContentQuery(Request, frozen=True, kw_only=True):
    small: bool = False


class PictureShape(Shape, frozen=True, kw_only=True):
    """A picture of what comes back: JPEG, drawn anew from what was sent, without place and time."""

    id: PictureRef
    received_id: ReceivedRef | None
    width: Annotated[int, Meta(examples=[1536])]
    height: Annotated[int, Meta(examples=[2048])]
    size: Annotated[int, Meta(description="Bytes.", examples=[412_000])]
    added_at: Instant
    added_by: Actor


class PicturesShape(Shape, frozen=True, kw_only=True):
    items: list[PictureShape]


class SendReturn(Request, frozen=True, kw_only=True):
    carrier: Annotated[Words, Meta(examples=["Colissimo"])] = ""
    tracking_number: Annotated[Reference, Meta(examples=["6A123456789"])] = ""


class ArrivedUnits(Request, frozen=True, kw_only=True):
    """Units that have arrived. `sku` is what they are, where that is not what was sold."""

    line_no: LineNo
    quantity: Quantity
    sku: SkuText | None = None


class ReceiveReturn(Request, frozen=True, kw_only=True):
    location_id: LocationRef
    lines: Annotated[tuple[ArrivedUnits, ...], Meta(min_length=1, max_length=500)]
    parcel: _Parcel = ""


class NewReceipt(Request, frozen=True, kw_only=True):
    """What nobody announced: lines of an order, or units of a SKU that no order of ours has."""

    location_id: LocationRef
    order_id: OrderRef | None = None
    lines: Annotated[tuple[UnitsBack, ...], Meta(max_length=500)] = ()
    sku: SkuText | None = None
    quantity: Quantity | None = None
    parcel: _Parcel = ""
    note: Note = ""
    sender: Annotated[Words, Meta(description="Who has sent it, as far as the box says.")] = ""


class ChannelReturn(Request, frozen=True, kw_only=True):
    """A return that the channel has decided on; `external_id` is its own id of it."""

    location_id: LocationRef
    lines: _UnitsBack
    external_id: Annotated[Reference, Meta(min_length=1)]
    fate: Literal["restock", "refurbish", "damaged", "destroy"] = "restock"


class LookAt(Request, frozen=True, kw_only=True):
    """So many of what was received, how they are, what becomes of them, and what the buyer does not get back."""

    received_id: ReceivedRef
    quantity: Quantity
    condition: ItemCondition
    fate: Fate
    deduct: Amount = 0
    to_location_id: LocationRef | None = None
    lot: Annotated[
        str,
        Meta(
            max_length=40,
            pattern="^[^\\x00]*$",
            examples=["L2481"],
            description="What is written on them, where the SKU has lots. Without it, it is the lot that the order got, where "
            "that was one only. What has expired or is recalled does not go back on the shelf.",
        ),
    ] = ""
    expires_on: Annotated[Day | None, Meta(description="The last day, as it is written on them.")] = None


class InspectReturn(Request, frozen=True, kw_only=True):
    lines: Annotated[tuple[LookAt, ...], Meta(min_length=1, max_length=500)]


class ReturnItemShape(Shape, frozen=True, kw_only=True):
    line_no: int
    sku: SkuText
    quantity: Annotated[int, Meta(ge=0)]
    received: Annotated[int, Meta(ge=0)]
    reason: Reason


class ReceivedShape(Shape, frozen=True, kw_only=True):
    """What has arrived together. `line_no` is null for what the order does not have; `value` what it was worth to the buyer."""

    id: ReceivedRef
    line_no: int | None
    sku: SkuText
    quantity: Quantity
    value: Amount
    released: bool
    location_id: LocationRef
    parcel: str
    condition: ItemCondition | None
    fate: Fate | None
    deduct: Amount
    received_at: Instant
    received_by: Actor
    inspected_at: Instant | None
    inspected_by: Actor | None
    goods: Annotated[Goods | None, Meta(description="What becomes of it where it was declined; null where it was not.")]


class SignalShape(Shape, frozen=True, kw_only=True):
    """What somebody should look at before refunding. It blocks nothing."""

    sign: Sign
    words: str
    data: dict[str, int]


class ReturnCaseShape(Shape, frozen=True, kw_only=True):
    """A return. `order_id` is null for what was not sold by us: it is kept, and nobody is refunded for it."""

    id: ReturnCaseRef
    number: int
    order_id: OrderRef | None
    state: ReturnState
    moment: RefundMoment
    method: RefundMethod
    fee: Amount
    fee_charged: Amount | None
    why: str
    announced: bool
    fact: bool
    note: str
    carrier: str
    tracking_number: str
    location_id: Annotated[LocationRef | None, Meta(description="Where it is expected, or was received first.")]
    sender: str
    exchange_lines: list[int]
    requested_at: Instant
    requested_by: Actor
    decided_at: Instant | None
    decided_by: Actor | None
    sent_at: Instant | None
    closed_at: Instant | None
    closed_by: Actor | None
    version: Version
    prepaid: Annotated[bool, Meta(description="Whether the terms give a label that we buy, for `label_fee`.")]
    label_fee: Amount
    label: Annotated[LabelStanding, Meta(description="How that label stands.")]
    label_problem: Annotated[str, Meta(description="Why there is none.", examples=[""])]
    label_code: Annotated[str, Meta(examples=[""])]
    declined_because: Annotated[str, Meta(examples=[""])]
    agreement: Annotated[str, Meta(examples=[""])]
    lines: list[ReturnItemShape]
    received: list[ReceivedShape]
    signals: list[SignalShape]


class ReturnQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["requested", "-requested"] = "-requested"
    order_id: OrderRef | None = None
    state: tuple[ReturnState, ...] = ()
    channel: Code | None = None
    reason: Reason | None = None
    location_id: Annotated[LocationRef | None, Meta(description="Where it is expected, or something of it was received.")] = (
        None
    )
    search: Annotated[Search, Meta(description="Its number or code, the order's number, a tracking number or a parcel.")] = ""


class ReturnableQuery(Request, frozen=True, kw_only=True):
    """Whatever is known of something in somebody's hands."""

    search: Annotated[Search, Meta(description="The order's number or id, or the channel's id of it.")] = ""
    tracking_number: Reference = ""
    customer_id: CustomerRef | None = None
    sku: SkuText | None = None


class ReturnableLine(Shape, frozen=True, kw_only=True):
    line_no: int
    sku: SkuText
    quantity: Quantity


class ReturnableOrder(Shape, frozen=True, kw_only=True):
    """An order of which the buyer has units."""

    order_id: OrderRef
    number: int
    channel: str
    placed_at: Instant
    lines: list[ReturnableLine]


class ReturnableOrders(Shape, frozen=True, kw_only=True):
    items: list[ReturnableOrder]


class OfferShape(Shape, frozen=True, kw_only=True):
    """Whether a line may come back now, and until when; null where the term has not begun."""

    line_no: int
    allowed: bool
    why: Why
    until: Day | None
    fee: Amount
    moment: RefundMoment
    method: RefundMethod
    prepaid: Annotated[bool, Meta(description="Whether we buy the label, for `label_fee`.")]
    label_fee: Amount


class Offers(Shape, frozen=True, kw_only=True):
    items: list[OfferShape]


class PaidOut(Shape, frozen=True, kw_only=True):
    """`code` is told this once, where the account is new."""

    account: AccountShape
    code: str | None
    amount: Positive


class NewPolicy(Request, frozen=True, kw_only=True):
    """Terms on which something may come back. What is empty or null does not restrict; the first that fits, by position, holds.

    `category` and `skus` say together what it is for: an article in the category or among the SKUs is enough. With neither it
    is for all articles. No policy takes the right of withdrawal from a consumer in the European Economic Area, France and its
    overseas regions included, who bought at a distance; `exempt` is for what the law takes out of it.
    """

    code: Code
    position: Annotated[int, Meta(ge=0, le=1_000_000, examples=[10])]
    category: Annotated[tuple[Annotated[Words, Meta(min_length=1)], ...], Meta(max_length=10)] = ()
    skus: Annotated[
        tuple[SkuText, ...],
        Meta(max_length=MOST_SKUS, description="These articles, whatever their category; each is in the catalogue."),
    ] = ()
    channels: Annotated[tuple[Code, ...], Meta(max_length=100)] = ()
    countries: Annotated[tuple[CountryCode, ...], Meta(max_length=300)] = ()
    valid_from: Day | None = None
    valid_until: Day | None = None
    window: Annotated[int, Meta(ge=0, le=36_500, examples=[30], description="Days after delivery.")] = 30
    fee: Amount = 0
    free_reasons: Annotated[tuple[Reason, ...], Meta(max_length=20)] = FREE_REASONS
    moment: RefundMoment = RefundMoment.RECEIPT
    method: RefundMethod = RefundMethod.ORIGINAL
    prepaid: Annotated[bool, Meta(description="Whether we buy the label of what comes back.")] = False
    label_fee: Annotated[Amount, Meta(description="Taken off the refund where such a label was used.")] = 0
    approval_above: Amount | None = None
    final_sale: bool = False
    exempt: bool = False
    active: bool = True

    def draft(self) -> PolicyDraft:
        return PolicyDraft(**{name: getattr(self, name) for name in self.__struct_fields__})


class PolicyShape(Shape, frozen=True, kw_only=True):
    id: PolicyRef
    code: Code
    position: int
    category: list[str]
    skus: list[SkuText]
    channels: list[str]
    countries: list[str]
    valid_from: Day | None
    valid_until: Day | None
    window: int
    fee: Amount
    free_reasons: list[Reason]
    moment: RefundMoment
    method: RefundMethod
    prepaid: bool
    label_fee: Amount
    approval_above: Amount | None
    final_sale: bool
    exempt: bool
    active: bool
    version: Version


class Policies(Shape, frozen=True, kw_only=True):
    items: list[PolicyShape]


def units_back(lines: tuple[UnitsBack, ...]) -> tuple[Units, ...]:
    return tuple([Units(one.line_no, one.quantity, one.reason) for one in lines])


def case_shape(case: ReturnCase, signals: list[SignalShape] | None = None) -> ReturnCaseShape:
    return ReturnCaseShape(
        id=show("return_case", case.id),
        number=case.number,
        order_id=show_some("order", case.order_id),
        state=case.state,
        moment=case.moment,
        method=case.method,
        fee=case.fee,
        fee_charged=case.fee_charged,
        why=case.why,
        announced=case.announced,
        fact=case.fact,
        note=case.note,
        carrier=case.carrier,
        tracking_number=case.tracking_number,
        location_id=None if case.location_id is None else show_location(case.location_id),
        sender=case.sender,
        exchange_lines=list(case.exchange_lines),
        requested_at=case.requested_at,
        requested_by=show_actor(case.requested_by),
        decided_at=case.decided_at,
        decided_by=None if case.decided_by is None else show_actor(case.decided_by),
        sent_at=case.sent_at,
        closed_at=case.closed_at,
        closed_by=None if case.closed_by is None else show_actor(case.closed_by),
        version=case.version,
        prepaid=case.prepaid,
        label_fee=case.label_fee,
        label=case.label,
        label_problem=case.label_problem,
        label_code=case.label_code,
        declined_because=case.declined_because,
        agreement=case.agreement,
        lines=[
            ReturnItemShape(line_no=one.line_no, sku=one.sku, quantity=one.quantity, received=one.received, reason=one.reason)
            for one in case.items
        ],
        received=[
            ReceivedShape(
                id=show("received", one.id),
                line_no=one.line_no,
                sku=one.sku,
                quantity=one.quantity,
                value=one.value,
                released=one.released,
                location_id=show_location(one.location_id),
                parcel=one.parcel,
                condition=one.condition,
                fate=one.fate,
                deduct=one.deduct,
                received_at=one.received_at,
                received_by=show_actor(one.received_by),
                inspected_at=one.inspected_at,
                inspected_by=None if one.inspected_by is None else show_actor(one.inspected_by),
                goods=one.goods,
            )
            for one in case.received
        ],
        signals=signals or [],
    )


def picture_shape(one: Picture) -> PictureShape:
    return PictureShape(
        id=show("picture", one.id),
        received_id=show_some("received", one.received_id),
        width=one.width,
        height=one.height,
        size=one.size,
        added_at=one.added_at,
        added_by=show_actor(one.added_by),
    )


def returnable_order(one: Found) -> ReturnableOrder:
    return ReturnableOrder(
        order_id=show("order", one.order_id),
        number=one.number,
        channel=one.channel,
        placed_at=one.placed_at,
        lines=[ReturnableLine(line_no=no, sku=sku, quantity=units) for no, sku, units in one.lines],
    )


def policy_shape(one: Policy) -> PolicyShape:
    assert one.id is not None, "only the standard policy, which is kept nowhere, has none"
    return PolicyShape(
        id=show("policy", one.id),
        code=one.code,
        position=one.position,
        category=list(one.category),
        skus=list(one.skus),
        channels=list(one.channels),
        countries=list(one.countries),
        valid_from=one.valid_from,
        valid_until=one.valid_until,
        window=one.window,
        fee=one.fee,
        free_reasons=list(one.free_reasons),
        moment=one.moment,
        method=one.method,
        prepaid=one.prepaid,
        label_fee=one.label_fee,
        approval_above=one.approval_above,
        final_sale=one.final_sale,
        exempt=one.exempt,
        active=one.active,
        version=one.version,
    )
