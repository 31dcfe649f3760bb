"""Substitutes: what may be taken instead of what is not there, what buyers have agreed to, and what was taken."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from comptoir.kernel.errors import NotFound
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FulfilmentId, RejectReason
from comptoir.modules.fulfilment.errors import AtThirdParty, NotInThatState, NotThatMany, SomebodyElse, UnknownFulfilment
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.orders.errors import UnknownLine
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.modules.substitution import api
from comptoir.modules.substitution.contracts import MOST, Consent, Substitution
from comptoir.modules.substitution.errors import NotASubstitute, SubstitutionNotAllowed
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import show, show_actor, show_location
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Actor,
    FulfilmentRef,
    Instant,
    LineNo,
    LocationRef,
    OrderRef,
    PageQuery,
    Quantity,
    Reference,
    Request,
    Shape,
    SkuText,
)
from comptoir.surfaces.substituting import settle

substitutes = Resource(
    "Substitutes", "What may be taken instead of what is not on the shelf, what buyers agree to, and what was taken."
)

_Price = Annotated[int, Meta(description="Minor units, of one or of a whole kilogram.", examples=[800])]


class SubstitutesShape(Shape, frozen=True, kw_only=True):
    """What stands in for a SKU, the best first."""

    sku: SkuText
    substitutes: list[SkuText]


class SubstitutesQuery(PageQuery, frozen=True, kw_only=True):
    sku: Annotated[Reference, Meta(description="What the SKU begins with.")] = ""


class SubstitutesOf(Request, frozen=True, kw_only=True):
    sku: SkuText
    substitutes: Annotated[tuple[SkuText, ...], Meta(max_length=MOST, description="The best first; none takes all away.")]


class PutSubstitutes(Request, frozen=True, kw_only=True):
    rows: Annotated[tuple[SubstitutesOf, ...], Meta(min_length=1, max_length=5000)]


class WrittenSubstitutes(Shape, frozen=True, kw_only=True):
    rows: Annotated[int, Meta(examples=[1])]


class LineConsent(Request, frozen=True, kw_only=True):
    line_no: LineNo
    substitutions: Consent


class ConsentBody(Request, frozen=True, kw_only=True):
    """What the buyer has agreed to; lines that are not named follow the order."""

    substitutions: Annotated[Consent, Meta(description="Whatever is taken, it never costs more than what was ordered.")]
    lines: Annotated[tuple[LineConsent, ...], Meta(max_length=500)] = ()


class SubstitutionShape(Shape, frozen=True, kw_only=True):
    """Units that were taken instead of others."""

    order_id: OrderRef
    fulfilment_id: FulfilmentRef
    location_id: LocationRef
    line_no: LineNo
    sku: SkuText
    by_line_no: LineNo
    by_sku: SkuText
    quantity: Quantity
    unit_price: _Price
    difference: Annotated[int, Meta(description="By how much the buyer pays less, in minor units.", examples=[200])]
    at: Instant
    actor: Actor


class OrderConsentShape(Shape, frozen=True, kw_only=True):
    """What the buyer of an order has agreed to, and what was taken instead."""

    substitutions: Consent
    lines: list[LineConsent]
    taken: list[SubstitutionShape]


class SubstituteOfferShape(Shape, frozen=True, kw_only=True):
    """Something that may be taken instead of a line, here and now."""

    line_no: LineNo
    sku: SkuText
    name: str
    rank: Annotated[int, Meta(examples=[1])]
    available: Annotated[int, Meta(examples=[7])]
    unit_price: _Price
    weighed: bool
    gtin: str


class SubstituteOffers(Shape, frozen=True, kw_only=True):
    items: list[SubstituteOfferShape]


class TakeInstead(Request, frozen=True, kw_only=True):
    """Units of something else are in hand instead of units of a line."""

    line_no: LineNo
    quantity: Quantity
    code: Annotated[Reference, Meta(min_length=1, description="A SKU, or a GTIN as it was scanned.", examples=["OAT-1L"])]
    reason: RejectReason = RejectReason.NOT_FOUND


@substitutes.get("/v1/substitutes", Scope.CATALOGUE_READ)
async def list_substitutes(call: Call, query: SubstitutesQuery) -> Answer[PageOf[SubstitutesShape]]:
    """List what stands in for what, by SKU."""
    async with call.reading() as reader:
        page = await api.find(reader, query.sku, limit=query.limit, cursor=query.cursor)
    return call.page(page, lambda row: SubstitutesShape(sku=row[0], substitutes=list(row[1])))


@substitutes.put("/v1/substitutes", Scope.CATALOGUE_WRITE)
async def put_substitutes(call: Call, body: PutSubstitutes) -> Answer[WrittenSubstitutes]:
    """Say what may be taken instead of these SKUs from now on; other SKUs stay as they are."""
    wanted = {row.sku: row.substitutes for row in body.rows}
    async with call.transaction() as tx:
        await api.put_substitutes(tx, wanted)
        return await call.done(tx, WrittenSubstitutes(rows=len(wanted)))


@substitutes.get("/v1/orders/{order_id}/substitutions", Scope.ORDERS_READ, refuses=(NotFound,))
async def get_order_substitutions(call: Call) -> Answer[OrderConsentShape]:
    """Get what the buyer has agreed to, and what was taken instead."""
    order_id = OrderId(call.id("order"))
    async with call.reading() as reader:
        await orders.order(reader, order_id)
        return call.answer(_consents(await api.consents(reader, order_id), await api.of_order(reader, order_id)))


@substitutes.put("/v1/orders/{order_id}/substitutions", Scope.ORDERS_WRITE, refuses=(NotFound, UnknownLine))
async def put_order_substitutions(call: Call, body: ConsentBody) -> Answer[OrderConsentShape]:
    """Say what the buyer agrees to from now on."""
    order_id = OrderId(call.id("order"))
    consents = {0: body.substitutions} | {line.line_no: line.substitutions for line in body.lines}
    async with call.transaction() as tx:
        await api.agree(tx, order_id, consents)
        told = {str(no): consent.value for no, consent in consents.items()}
        await staff.record(tx, "order.consent", show("order", order_id), told, address=call.address)
        return await call.done(tx, _consents(consents, await api.of_order(tx, order_id)))


@substitutes.get("/v1/fulfilments/{fulfilment_id}/substitutes", Scope.ORDERS_READ, refuses=(UnknownFulfilment,))
async def list_offers(call: Call) -> Answer[SubstituteOffers]:
    """List what may be taken instead of what is not picked: agreed to by the buyer, and lying here."""
    async with call.reading() as reader:
        found = await api.offers(reader, FulfilmentId(call.id("fulfilment")))
    return call.answer(
        SubstituteOffers(
            items=[
                SubstituteOfferShape(
                    line_no=line_no,
                    sku=one.sku,
                    name=one.name,
                    rank=one.rank,
                    available=one.available,
                    unit_price=one.unit_price,
                    weighed=one.weighed,
                    gtin=one.gtin,
                )
                for line_no, rows in sorted(found.items())
                for one in rows
            ]
        )
    )


@substitutes.post(
    "/v1/fulfilments/{fulfilment_id}/substitute",
    Scope.FULFILMENT_WRITE,
    refuses=(
        UnknownFulfilment,
        NotInThatState,
        SomebodyElse,
        NotThatMany,
        SubstitutionNotAllowed,
        NotASubstitute,
        InsufficientStock,
        AtThirdParty,
    ),
)
async def take_instead(call: Call, body: TakeInstead) -> Answer[SubstitutionShape]:
    """Take something else instead of what is not there.

    It is promised here and picked, costs no more than what was ordered, and the buyer is owed and told the difference. What was
    not found is set aside until somebody has counted. What a third party has accepted only a token that is limited to its
    location exchanges; anybody else asks it to stop first (409, `at_third_party`).
    """
    async with call.transaction() as tx:
        sku = await fulfilment.sku_of(tx, body.code)
        made = await api.substitute(
            tx,
            FulfilmentId(call.id("fulfilment")),
            body.line_no,
            body.quantity,
            sku,
            settle,
            body.reason,
            theirs=call.asker.limited,
        )
        return await call.done(tx, _taken(made))


def _consents(consents: dict[int, Consent], taken: list[Substitution]) -> OrderConsentShape:
    return OrderConsentShape(
        substitutions=consents.get(0, Consent.NONE),
        lines=[LineConsent(line_no=no, substitutions=consent) for no, consent in sorted(consents.items()) if no],
        taken=[_taken(one) for one in taken],
    )


def _taken(one: Substitution) -> SubstitutionShape:
    return SubstitutionShape(
        order_id=show("order", one.order_id),
        fulfilment_id=show("fulfilment", one.fulfilment_id),
        location_id=show_location(one.location_id),
        line_no=one.line_no,
        sku=one.sku,
        by_line_no=one.by_line_no,
        by_sku=one.by_sku,
        quantity=one.quantity,
        unit_price=one.unit_price,
        difference=one.difference,
        at=one.at,
        actor=show_actor(one.actor),
    )
