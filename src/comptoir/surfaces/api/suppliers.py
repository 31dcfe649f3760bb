"""Suppliers: how they are asked, what things cost there, and what they say that they have."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from comptoir.modules.inventory.contracts import Quantity as Units
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.purchasing import api
from comptoir.modules.purchasing.contracts import Article, Terms
from comptoir.modules.purchasing.errors import NotASupplier
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import show_location
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    PRINTABLE,
    Amount,
    Count,
    CurrencyCode,
    LocationRef,
    PageQuery,
    Request,
    Shape,
    SkuText,
)

suppliers = Resource(
    "Suppliers", "Locations that send for us from their own stock: how they are asked, their prices and their figures."
)

_REFUSED = (UnknownLocation, NotASupplier)
_Email = Annotated[str, Meta(max_length=254, pattern=PRINTABLE, examples=["orders@acme.example"])]


class SupplierTermsShape(Shape, frozen=True, kw_only=True):
    """How a supplier is asked."""

    location_id: LocationRef
    email: str
    locale: str
    currency: CurrencyCode
    answer_within: Annotated[int, Meta(description="Hours; after that the units go elsewhere.", examples=[24])]
    remind_after: Annotated[int, Meta(description="Hours without an answer; 0 is never.", examples=[12])]


class PutSupplierTerms(Request, frozen=True, kw_only=True):
    """Without an address nothing is written: the supplier pulls what is asked."""

    email: _Email = ""
    locale: Literal["fr", "en"] = "fr"
    currency: CurrencyCode = "EUR"
    answer_within: Annotated[int, Meta(ge=1, le=2160, examples=[24])] = 24
    remind_after: Annotated[int, Meta(ge=0, le=2160, examples=[12])] = 12


class ArticleShape(Shape, frozen=True, kw_only=True):
    """What a supplier calls a SKU, and what it costs us."""

    sku: SkuText
    supplier_sku: str
    cost: Annotated[int, Meta(description="Minor units of one, or of a whole kilogram.", examples=[1750])] | None


class PutArticle(Request, frozen=True, kw_only=True):
    sku: SkuText
    supplier_sku: Annotated[str, Meta(max_length=80, pattern=PRINTABLE, examples=["AC-1001"])] = ""
    cost: Annotated[Amount, Meta(description="Without it, as agreed.")] | None = None


class PutArticles(Request, frozen=True, kw_only=True):
    rows: Annotated[tuple[PutArticle, ...], Meta(min_length=1, max_length=5000)]


class WrittenArticles(Shape, frozen=True, kw_only=True):
    rows: Annotated[int, Meta(description="How many were written.", examples=[1])]


class SupplierFeedRow(Request, frozen=True, kw_only=True):
    sku: SkuText
    quantity: Count


class SupplierFeed(Request, frozen=True, kw_only=True):
    """What you can send us from now on, without what you have accepted already. SKUs that are not named stay as they are."""

    rows: Annotated[tuple[SupplierFeedRow, ...], Meta(min_length=1, max_length=5000)]


class SupplierFed(Shape, frozen=True, kw_only=True):
    changed: Annotated[int, Meta(description="How many levels are others now.", examples=[1])]


@suppliers.get("/v1/suppliers/{location_id}/terms", Scope.LOCATIONS_READ, refuses=_REFUSED)
async def get_supplier_terms(call: Call) -> Answer[SupplierTermsShape]:
    """Get how a supplier is asked."""
    async with call.reading() as reader:
        return call.answer(_terms(await api.terms_of(reader, _id(call))))


@suppliers.put("/v1/suppliers/{location_id}/terms", Scope.LOCATIONS_WRITE, refuses=_REFUSED)
async def put_supplier_terms(call: Call, body: PutSupplierTerms) -> Answer[SupplierTermsShape]:
    """Say how a supplier is asked from now on."""
    terms = Terms(
        location_id=_id(call),
        email=body.email,
        locale=body.locale,
        currency=body.currency,
        answer_within=body.answer_within,
        remind_after=body.remind_after,
    )
    async with call.transaction() as tx:
        return await call.done(tx, _terms(await api.put_terms(tx, terms)))


@suppliers.get("/v1/suppliers/{location_id}/articles", Scope.CATALOGUE_READ, refuses=_REFUSED)
async def list_supplier_articles(call: Call, query: PageQuery) -> Answer[PageOf[ArticleShape]]:
    """List a supplier's numbers and costs, by SKU."""
    async with call.reading() as reader:
        page = await api.articles(reader, _id(call), limit=query.limit, cursor=query.cursor)
    return call.page(page, lambda one: ArticleShape(sku=one.sku, supplier_sku=one.supplier_sku, cost=one.cost))


@suppliers.put("/v1/suppliers/{location_id}/articles", Scope.CATALOGUE_WRITE, refuses=_REFUSED)
async def put_supplier_articles(call: Call, body: PutArticles) -> Answer[WrittenArticles]:
    """Say what a supplier calls SKUs and what they cost. Purchase orders that were made keep their costs."""
    rows = [Article(sku=row.sku, supplier_sku=row.supplier_sku, cost=row.cost) for row in body.rows]
    async with call.transaction() as tx:
        return await call.done(tx, WrittenArticles(rows=await api.put_articles(tx, _id(call), rows)))


@suppliers.put("/v1/suppliers/{location_id}/stock", Scope.PURCHASES_ANSWER, refuses=_REFUSED)
async def feed_supplier_stock(call: Call, body: SupplierFeed) -> Answer[SupplierFed]:
    """Say what you can send us. With a supplier's token, of your own location alone."""
    location_id = _id(call)
    if call.asker.location_id not in {None, location_id}:
        raise UnknownLocation(kind="location", id=location_id)
    rows = [Units(row.sku, row.quantity) for row in body.rows]
    async with call.transaction() as tx:
        return await call.done(tx, SupplierFed(changed=await api.take_feed(tx, location_id, rows)))


def _id(call: Call) -> LocationId:
    return LocationId(call.id("location"))


def _terms(terms: Terms) -> SupplierTermsShape:
    return SupplierTermsShape(
        location_id=show_location(terms.location_id),
        email=terms.email,
        locale=terms.locale,
        currency=terms.currency,
        answer_within=terms.answer_within,
        remind_after=terms.remind_after,
    )
