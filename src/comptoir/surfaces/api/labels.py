"""Labels for packed boxes: what carriers ask for them, buying, papers, giving back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from comptoir.kernel.errors import Refusal
from comptoir.kernel.money import Currency, Money
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FulfilmentId, ParcelId
from comptoir.modules.fulfilment.errors import BoxRecalled, NotInThatState, NotPicked, UnknownFulfilment
from comptoir.modules.staff.contracts import Scope
from comptoir.modules.tracking import api
from comptoir.modules.tracking.contracts import AccountId, LabelId, LabelState, PurchasedLabel
from comptoir.modules.tracking.errors import (
    AccountInactive,
    LabelBusy,
    LabelHasLeft,
    LabelNotInThatState,
    UnknownAccount,
    UnknownLabel,
)
from comptoir.sdk.carriers import CarrierCannot, LabelDearer, LabelFormat, ReferenceSpent, ServiceNotOffered
from comptoir.surfaces import offers
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show, show_actor
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import (
    PRINTABLE,
    Actor,
    Amount,
    CarrierAccountRef,
    CurrencyCode,
    Day,
    FulfilmentRef,
    Instant,
    LabelRef,
    OrderRef,
    ParcelRef,
    Request,
    ReturnCaseRef,
    Shape,
    Version,
)
from comptoir.surfaces.sending import NowhereToSend, box, buy

labels = Resource("Labels", "Bought for packed boxes from carriers: one box has one label, however often it is asked for.")

_Service = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=PRINTABLE,
        description="The `service` of an offer.",
        examples=["USPS/GroundAdvantage"],
    ),
]
_Weight = Annotated[
    int, Meta(ge=0, le=1_000_000, examples=[420], description="Grams, as the scales say; 0 takes what the box was packed with.")
]
_BOX: tuple[type[Refusal], ...] = (UnknownFulfilment, NotInThatState, NowhereToSend, BoxRecalled)
_TYPES: Mapping[LabelFormat, bytes] = {
    LabelFormat.PDF: b"application/pdf",
    LabelFormat.ZPL: b"application/zpl",
    LabelFormat.PNG: b"image/png",
}


class LabelShape(Shape, frozen=True, kw_only=True):
    """The label of a box, from before it is bought until it is given back."""

    id: LabelRef
    parcel_id: Annotated[ParcelRef | None, Meta(description="Null where it is for a return.")]
    return_case_id: ReturnCaseRef | None
    order_id: OrderRef
    account_id: CarrierAccountRef
    state: Annotated[LabelState, Meta(description="`unknown`: no answer came; buy again, and it is looked for first.")]
    service: str
    format: LabelFormat
    carrier: str
    tracking_number: str
    tracking_url: str
    cost: Amount | None
    currency: Annotated[str, Meta(description="Of the cost; empty before it is bought.", examples=["EUR"])]
    problem: Annotated[str, Meta(description="What went wrong last.", examples=[""])]
    problem_code: Annotated[str, Meta(examples=[""])]
    created_at: Instant
    created_by: Actor
    bought_at: Instant | None
    voided_at: Instant | None
    version: Version


class LabelsShape(Shape, frozen=True, kw_only=True):
    items: list[LabelShape]


class LabelQuery(Request, frozen=True, kw_only=True):
    fulfilment_id: FulfilmentRef


class BuyLabel(Request, frozen=True, kw_only=True):
    """Which box is to have a label, from whom, for which service."""

    fulfilment_id: FulfilmentRef
    parcel_id: ParcelRef
    account_id: CarrierAccountRef
    service: _Service
    format: LabelFormat = LabelFormat.PDF
    at_most: Annotated[Amount, Meta(description="What is dearer is not bought.")] | None = None
    currency: Annotated[CurrencyCode, Meta(description="Of `at_most`; without it, the order's.")] | None = None
    weight: _Weight = 0


class OfferQuery(Request, frozen=True, kw_only=True):
    fulfilment_id: FulfilmentRef
    parcel_id: Annotated[ParcelRef, Meta(description="Without it, the first box that is still here.")] | None = None
    currency: Annotated[CurrencyCode, Meta(description="What prices are compared in; without it, the order's.")] | None = None
    within_days: Annotated[int, Meta(ge=0, le=365, description="What takes longer is ruled out.", examples=[3])] | None = None
    at_most: Annotated[Amount, Meta(description="What is dearer is ruled out.")] | None = None
    weight: _Weight = 0


class CarrierOfferShape(Shape, frozen=True, kw_only=True):
    """What a service asks for the box, and how well it did on that way in the last half year."""

    account_id: CarrierAccountRef
    carrier: str
    service: _Service
    name: str
    cost: Amount
    currency: CurrencyCode
    days: int | None
    deliver_on: Day | None
    guaranteed: bool
    parcels: Annotated[int, Meta(description="How many it has brought there, or lost.", examples=[120])]
    on_time: Annotated[int, Meta(description="Of those with a promised day.", examples=[110])]
    promised: Annotated[int, Meta(examples=[118])]
    real_cost: Annotated[Amount, Meta(description="With what being late or lost costs on average.")] | None
    chosen: Annotated[bool, Meta(description="The one to take.")]
    against: Annotated[str, Meta(description="Why it is ruled out; empty where it is not.", examples=[""])]


class SilentAccountShape(Shape, frozen=True, kw_only=True):
    """An account that could not be asked."""

    account_id: CarrierAccountRef
    code: Annotated[str, Meta(examples=["carrier_unavailable"])]
    problem: str


class CarrierOffersShape(Shape, frozen=True, kw_only=True):
    """The best first, then what is ruled out."""

    parcel_id: ParcelRef
    rule: Annotated[
        int | None,
        Meta(description="Which rule of `/v1/carrier-choice` decides who may carry it, from 1; null where none.", examples=[1]),
    ]
    items: list[CarrierOfferShape]
    silent: list[SilentAccountShape]


@labels.get("/v1/carrier-offers", Scope.ORDERS_READ, refuses=(*_BOX, NotPicked))
async def list_carrier_offers(call: Call, query: OfferQuery) -> Answer[CarrierOffersShape]:
    """Ask all carriers what they want for a box.

    Every active account that sells labels is asked at once. Among the offers in one currency, the first is the one to take: by
    what the house has said of the choice (`/v1/carrier-choice`), its price, and what being late and lost have cost on that way.
    """
    services = call.services
    parcel_id = parsed_some("parcel", query.parcel_id)
    async with call.reading() as reader:
        wanted = FulfilmentId(parsed("fulfilment", query.fulfilment_id))
        found = await box(reader, wanted, None if parcel_id is None else ParcelId(parcel_id), query.weight)
        ruling = await offers.ruling(reader, found.sent, within_days=query.within_days, at_most=query.at_most)
    currency = Currency(query.currency) if query.currency else found.currency
    told = await offers.ask(services.database, services.carriage, found.shipment, ruling, currency, utcnow())
    return call.answer(
        CarrierOffersShape(
            parcel_id=show("parcel", found.parcel_id),
            rule=ruling.rule_no,
            items=[_offer(one, chosen=one is told.best) for one in told.offered],
            silent=[
                SilentAccountShape(account_id=show("carrier_account", one.account_id), code=one.code, problem=one.problem)
                for one in told.silent
            ],
        )
    )


@labels.get("/v1/labels", Scope.ORDERS_READ, refuses=(UnknownFulfilment,))
async def list_labels(call: Call, query: LabelQuery) -> Answer[LabelsShape]:
    """List the labels of a fulfilment order's boxes, also those that were given back."""
    async with call.reading() as reader:
        one = await fulfilment.get(reader, FulfilmentId(parsed("fulfilment", query.fulfilment_id)))
        boxes = await fulfilment.parcels(reader, [one.id])
        found = await api.labels.of_subjects(reader, [parcel.id for parcel in boxes])
    return call.answer(LabelsShape(items=[_shape(label) for label in found]))


@labels.post(
    "/v1/labels",
    Scope.FULFILMENT_WRITE,
    status=201,
    refuses=(
        *_BOX,
        UnknownAccount,
        AccountInactive,
        LabelBusy,
        CarrierCannot,
        ServiceNotOffered,
        LabelDearer,
        ReferenceSpent,
    ),
)
async def buy_label(call: Call, body: BuyLabel) -> Answer[LabelShape]:
    """Buy the label of a box.

    A box has one label: asked for again, the one that there is is given, whoever sold it. Where no answer came from the
    carrier (503, `outcome_unknown`), ask again: it is looked for before it is bought. What the carrier says no with stands in
    the label's `problem`; a parcel that it does not take as it is described is refused (422, `shipment_rejected`) with its
    `reason` and the `field` that it is about. Addresses and contents are the order's, the location's and the catalogue's.
    """
    async with call.transaction() as tx:  # what was answered before under this key is answered again, without asking anybody
        wanted = FulfilmentId(parsed("fulfilment", body.fulfilment_id))
        found = await box(tx, wanted, ParcelId(parsed("parcel", body.parcel_id)), body.weight)
    limit = None if body.at_most is None else Money(body.at_most, Currency(body.currency) if body.currency else found.currency)
    label = await buy(
        call.services.parcels,
        call.services.database,
        api.labels.Wanted(
            account_id=AccountId(parsed("carrier_account", body.account_id)),
            subject_id=found.parcel_id,
            order_id=found.order_id,
            shipment=found.shipment,
            service=body.service,
            format=body.format,
            at_most=limit,
        ),
        call.context,
    )
    async with call.transaction() as tx:
        return await call.done(tx, _shape(label))


@labels.get("/v1/labels/{label_id}", Scope.ORDERS_READ, refuses=(UnknownLabel,))
async def get_label(call: Call) -> Answer[LabelShape]:
    """Get a label."""
    async with call.reading() as reader:
        return call.answer(_shape(await api.labels.get(reader, _id(call))))


@labels.get(
    "/v1/labels/{label_id}/document",
    Scope.ORDERS_READ,
    content_type="application/pdf",
    refuses=(UnknownLabel, LabelNotInThatState),
)
async def get_label_document(call: Call) -> Answer[bytes]:
    """Download the paper of a label, in the format that it was bought in."""
    async with call.reading() as reader:
        label = await api.labels.get(reader, _id(call))
    if label.state is not LabelState.BOUGHT:
        raise LabelNotInThatState(state=label.state, step="print")
    content = await call.services.parcels.document(label.id)
    name = f"{label.tracking_number or label.reference}.{label.format.value}"
    safe = "".join(one if one.isascii() and (one.isalnum() or one in "._-") else "_" for one in name)
    headers = ((b"content-disposition", f'inline; filename="{safe}"'.encode()),)
    return Answer(200, content, _TYPES[label.format], headers)


@labels.post(
    "/v1/labels/{label_id}/void",
    Scope.FULFILMENT_WRITE,
    refuses=(UnknownLabel, LabelBusy, LabelNotInThatState, LabelHasLeft, CarrierCannot),
)
async def void_label(call: Call) -> Answer[LabelShape]:
    """Give a label back.

    The carrier may take its time (`voiding`), or not take it back (`bought`, with its reason as `problem`). After that the box
    may get another. What a box has left with cannot be given back.
    """
    async with call.transaction() as tx:
        await api.labels.get(tx, _id(call))
    label = await call.services.parcels.void(_id(call), call.context)
    async with call.transaction() as tx:
        return await call.done(tx, _shape(label))


@labels.post(
    "/v1/labels/{label_id}/settle",
    Scope.FULFILMENT_WRITE,
    refuses=(UnknownLabel, LabelBusy, LabelNotInThatState, CarrierCannot),
)
async def settle_label(call: Call) -> Answer[LabelShape]:
    """Look for a label of which nobody knows how it ended. Nothing is bought."""
    async with call.transaction() as tx:
        await api.labels.get(tx, _id(call))
    label = await call.services.parcels.settle(_id(call), call.context, buy=False)
    async with call.transaction() as tx:
        return await call.done(tx, _shape(label))


def _id(call: Call) -> LabelId:
    return LabelId(call.id("label"))


def _shape(label: PurchasedLabel) -> LabelShape:
    return LabelShape(
        id=show("label", label.id),
        parcel_id=None if label.is_return else show("parcel", label.subject_id),
        return_case_id=show("return_case", label.subject_id) if label.is_return else None,
        order_id=show("order", label.order_id),
        account_id=show("carrier_account", label.account_id),
        state=label.state,
        service=label.service,
        format=label.format,
        carrier=label.carrier,
        tracking_number=label.tracking_number,
        tracking_url=label.tracking_url,
        cost=label.cost,
        currency=label.currency,
        problem=label.problem,
        problem_code=label.problem_code,
        created_at=label.created_at,
        created_by=show_actor(label.created_by),
        bought_at=label.bought_at,
        voided_at=label.voided_at,
        version=label.version,
    )


def _offer(one: offers.Offered, *, chosen: bool) -> CarrierOfferShape:
    rate, counts = one.rate, one.counts
    return CarrierOfferShape(
        account_id=show("carrier_account", one.account_id),
        carrier=rate.carrier,
        service=rate.service,
        name=rate.name,
        cost=rate.cost.minor,
        currency=rate.cost.currency,
        days=rate.days,
        deliver_on=rate.deliver_on,
        guaranteed=rate.guaranteed,
        parcels=counts.parcels,
        on_time=counts.on_time,
        promised=counts.promised,
        real_cost=one.real_cost,
        chosen=chosen,
        against=one.against,
    )
