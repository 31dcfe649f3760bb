"""Markets, and one price per SKU and market."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from comptoir.modules.pricing import api
from comptoir.modules.pricing.contracts import Market, MarketDraft, PriceDraft, PriceFilter, PriceRow
from comptoir.modules.pricing.errors import CurrencyFixed, MarketCodeTaken, UnknownMarket
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.operations import MIB, Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    PRINTABLE,
    Amount,
    Bulk,
    Code,
    CountryCode,
    CurrencyCode,
    Instant,
    PageQuery,
    Rate,
    Request,
    Search,
    Shape,
    SkuText,
    Version,
    Words,
    given,
    plain,
)

prices = Resource("Markets and prices", "Where a price list holds, and what each SKU costs there.")

MAX_PRICES = 10_000
_TaxName = Annotated[str, Meta(max_length=40, pattern=PRINTABLE, examples=["TVA"], description="What receipts call its tax.")]


class MarketShape(Shape, frozen=True, kw_only=True):
    """Where one price list holds. With `tax_included` prices contain the tax, without it comes on top."""

    code: Code
    name: str
    currency: CurrencyCode
    country: CountryCode
    tax_included: bool
    tax_name: str
    version: Version


class Markets(Shape, frozen=True, kw_only=True):
    """All of them, by code."""

    items: list[MarketShape]


class NewMarket(Request, frozen=True, kw_only=True):
    """A market that is to be."""

    code: Code
    currency: CurrencyCode
    country: CountryCode
    name: Words = ""
    tax_included: bool = True
    tax_name: _TaxName = ""


class ChangeMarket(Request, frozen=True, kw_only=True):
    """What is to be otherwise; the rest stays."""

    currency: CurrencyCode | UnsetType = UNSET
    country: CountryCode | UnsetType = UNSET
    name: Words | UnsetType = UNSET
    tax_included: bool | UnsetType = UNSET
    tax_name: _TaxName | UnsetType = UNSET


class PriceGiven(Request, frozen=True, kw_only=True):
    """What one unit costs, or a thousand thousandths."""

    sku: SkuText
    amount: Amount
    tax_rate: Rate = "0"


class SetPrices(Request, frozen=True, kw_only=True):
    """Prices that hold from now on; of two for one SKU, the later."""

    prices: Annotated[tuple[PriceGiven, ...], Meta(min_length=1, max_length=MAX_PRICES)]


class PriceShape(Shape, frozen=True, kw_only=True):
    sku: SkuText
    market: Code
    amount: Amount
    tax_rate: Rate
    updated_at: Instant


class PriceQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["sku", "-sku"] = "sku"
    search: Annotated[Search, Meta(description="The beginning of the SKU.")] = ""


@prices.get("/v1/markets", Scope.CATALOGUE_READ)
async def list_markets(call: Call) -> Answer[Markets]:
    """List all markets."""
    async with call.reading() as reader:
        return call.answer(Markets(items=[_market(one) for one in await api.markets(reader)]))


@prices.post("/v1/markets", Scope.PRICES_WRITE, status=201, refuses=(MarketCodeTaken,), by_code=True)
async def create_market(call: Call, body: NewMarket) -> Answer[MarketShape]:
    """Add a market."""
    fields: dict[str, Any] = given(body)
    async with call.transaction() as tx:
        return await call.done(tx, _market(await api.create_market(tx, MarketDraft(**fields))))


@prices.get("/v1/markets/{code}", Scope.CATALOGUE_READ, refuses=(UnknownMarket,))
async def get_market(call: Call) -> Answer[MarketShape]:
    """Get a market."""
    async with call.reading() as reader:
        return call.answer(_market(await api.market(reader, call.text("code"))))


@prices.patch("/v1/markets/{code}", Scope.PRICES_WRITE, refuses=(UnknownMarket, CurrencyFixed))
async def change_market(call: Call, body: ChangeMarket) -> Answer[MarketShape]:
    """Change a market. The currency of one that has prices cannot change."""
    changes: dict[str, Any] = given(body)
    async with call.transaction() as tx:
        there = await api.market(tx, call.text("code"))
        changed = await api.update_market(tx, replace(there, **changes), version=call.decided_on(there.version))
        return await call.done(tx, _market(changed))


@prices.get("/v1/markets/{code}/prices", Scope.CATALOGUE_READ, refuses=(UnknownMarket,))
async def list_prices(call: Call, query: PriceQuery) -> Answer[PageOf[PriceShape]]:
    """List the prices of a market."""
    async with call.reading() as reader:
        market = await api.market(reader, call.text("code"))
        wanted = PriceFilter(market=market.code, search=query.search)
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _price)


@prices.post("/v1/markets/{code}/prices", Scope.PRICES_WRITE, refuses=(UnknownMarket,), max_body=4 * MIB)
async def set_prices(call: Call, body: SetPrices) -> Answer[Bulk]:
    """Set prices.

    All of them or none, from now on. A price may come before its SKU is in the catalogue.
    """
    drafts = [PriceDraft(one.sku, one.amount, Decimal(one.tax_rate)) for one in body.prices]
    async with call.transaction() as tx:
        done = await api.set_prices(tx, call.text("code"), drafts)
        return await call.done(tx, Bulk(created=done.created, changed=done.changed, unchanged=done.unchanged))


def _market(market: Market) -> MarketShape:
    return MarketShape(
        code=market.code,
        name=market.name,
        currency=market.currency,
        country=market.country,
        tax_included=market.tax_included,
        tax_name=market.tax_name,
        version=market.version,
    )


def _price(row: PriceRow) -> PriceShape:
    return PriceShape(
        sku=row.sku, market=row.market, amount=row.amount, tax_rate=plain(row.tax_rate), updated_at=row.updated_at
    )
