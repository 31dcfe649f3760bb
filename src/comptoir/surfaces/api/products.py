"""Products and their variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from comptoir.modules.catalogue import api
from comptoir.modules.catalogue.contracts import (
    Product,
    ProductDraft,
    ProductFilter,
    ProductId,
    Unit,
    Variant,
    VariantDraft,
    VariantFilter,
    VariantRow,
)
from comptoir.modules.catalogue.errors import GtinTaken, ProductCodeTaken, SkuTaken, UnknownProduct, UnknownVariant
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Terms, Tracks
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Reader
from comptoir.surfaces import lot_terms
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed_some, show
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Bulk,
    FreeCode,
    Instant,
    PageQuery,
    ProductRef,
    Request,
    Search,
    Shape,
    SkuText,
    VariantRef,
    Version,
    Words,
    given,
)

products = Resource("Catalogue", "Products and their variants: what can be stocked and sold.")

MAX_PRODUCTS = 500
_Name = Annotated[Words, Meta(min_length=1, examples=["T-shirt, red, M"])]
_Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
_Names = Annotated[
    dict[_Language, _Name],
    Meta(max_length=60, description="By BCP 47 tag.", examples=[{"fr": "T-shirt rouge", "en": "Red T-shirt"}]),
]
_Options = Annotated[dict[_Name, Words], Meta(max_length=10, examples=[{"size": "M"}])]
_Category = Annotated[
    tuple[_Name, ...], Meta(max_length=10, description="From the widest to the narrowest.", examples=[["Clothes", "T-shirts"]])
]
_Gtin = Annotated[
    str, Meta(max_length=20, pattern="^[0-9 -]*$", examples=["4006381333931"], description="GTIN-8, -12, -13 or -14.")
]
_Grams = Annotated[int, Meta(ge=0, le=100_000_000, examples=[180])]
_Millimetres = Annotated[int, Meta(ge=0, le=100_000, description="0 is not known.", examples=[250])]
_Days = Annotated[int, Meta(ge=0, le=3650, examples=[5])]


class LotsWanted(Request, frozen=True, kw_only=True):
    """What goods ask for of lots."""

    tracks: Annotated[Tracks, Meta(description="What is written on them.")]
    shelf_life_left: Annotated[_Days, Meta(description="Days that have to be left when it reaches the buyer.")] = 0
    transit_days: Annotated[int, Meta(ge=0, le=60, description="Days that it takes to the buyer.", examples=[2])] = 2


_Lots = Annotated[LotsWanted | None, Meta(description="Null: it has no lots.")]
_Variants = Annotated[tuple["NewVariant", ...], Meta(max_length=2000)]


class NewVariant(Request, frozen=True, kw_only=True):
    """What is stocked and sold."""

    sku: SkuText
    name: Annotated[Words, Meta(description="Without it, the product's.")] = ""
    names: _Names = msgspec.field(default_factory=dict[str, str])
    options: _Options = msgspec.field(default_factory=dict[str, str])
    gtin: _Gtin | None = None
    unit: Unit = Unit.UNIT
    stocked: Annotated[bool, Meta(description="What is not is sold without a look at stock.")] = True
    active: bool = True
    weight: Annotated[_Grams, Meta(description="Grams of one unit, packed. 0 is not known.")] = 0
    length: _Millimetres = 0
    width: _Millimetres = 0
    height: _Millimetres = 0
    dangerous: Annotated[bool, Meta(description="Only carriers that take dangerous goods may take it.")] = False
    hs_code: Annotated[
        str,
        Meta(max_length=14, pattern="^[0-9. ]*$", description="Of the Harmonized System, for customs.", examples=["610910"]),
    ] = ""
    origin: Annotated[str, Meta(pattern="^([A-Z]{2})?$", description="Where it was made, ISO 3166-1.", examples=["PT"])] = ""

    lots: Annotated[_Lots, Meta(description="Null: it has no lots any more. Left out it stays as it is.")] | UnsetType = UNSET

    def draft(self) -> VariantDraft:
        return VariantDraft(**{name: value for name, value in given(self).items() if name != "lots"})


class NewProduct(Request, frozen=True, kw_only=True):
    """A product that is to be."""

    code: FreeCode
    names: Annotated[_Names, Meta(min_length=1)]
    brand: Words = ""
    category: _Category = ()
    active: bool = True
    variants: _Variants = ()

    def draft(self) -> ProductDraft:
        fields: dict[str, Any] = given(self)
        fields["variants"] = [one.draft() for one in self.variants]
        return ProductDraft(**fields)


class ChangeProduct(Request, frozen=True, kw_only=True):
    """What is to be otherwise. A variant that is not named stays as it is: SKUs are never deleted."""

    code: FreeCode | UnsetType = UNSET
    names: Annotated[_Names, Meta(min_length=1)] | UnsetType = UNSET
    brand: Words | UnsetType = UNSET
    category: _Category | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    variants: _Variants | UnsetType = UNSET


class PutProducts(Request, frozen=True, kw_only=True):
    products: Annotated[tuple[NewProduct, ...], Meta(min_length=1, max_length=MAX_PRODUCTS)]


class VariantShape(Shape, frozen=True, kw_only=True):
    id: VariantRef
    sku: SkuText
    name: str
    names: dict[str, str]
    options: dict[str, str]
    gtin: str | None
    unit: Unit
    stocked: bool
    active: bool
    weight: int
    length: int
    width: int
    height: int
    dangerous: bool
    hs_code: str
    origin: str
    lots: _Lots
    created_at: Instant
    updated_at: Instant


class ProductShape(Shape, frozen=True, kw_only=True):
    """A product with its variants, by SKU."""

    id: ProductRef
    code: FreeCode
    names: dict[str, str]
    brand: str
    category: list[str]
    active: bool
    version: Version
    created_at: Instant
    updated_at: Instant
    variants: list[VariantShape]


class VariantRowShape(Shape, frozen=True, kw_only=True):
    """A variant in a list, with what is worth showing of its product. `active` is whether both are."""

    id: VariantRef
    sku: SkuText
    name: str
    gtin: str | None
    unit: Unit
    stocked: bool
    active: bool
    product_id: ProductRef
    product_code: FreeCode
    brand: str
    category: list[str]
    updated_at: Instant


class ProductQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["code", "-code", "brand", "-brand", "updated", "-updated"] = "code"
    search: Annotated[Search, Meta(description="Words of a variant's name, the beginning of the code, or a GTIN.")] = ""
    active: bool | None = None
    brand: Words | None = None
    category: Annotated[
        tuple[Words, ...], Meta(max_length=10, description="What is in it or below; from the widest part on.")
    ] = ()


class VariantQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["sku", "-sku", "name", "-name", "updated", "-updated"] = "sku"
    search: Annotated[Search, Meta(description="Words of the name, the beginning of the SKU, or a GTIN.")] = ""
    active: bool | None = None
    stocked: bool | None = None
    brand: Words | None = None
    category: Annotated[
        tuple[Words, ...], Meta(max_length=10, description="What is in it or below; from the widest part on.")
    ] = ()
    product_id: ProductRef | None = None


_VARIANT = {"sku": "TEE-RED-M", "options": {"size": "M"}, "gtin": "4006381333931", "dangerous": False}
_EXAMPLE = {
    "code": "TEE-RED",
    "names": {"fr": "T-shirt rouge", "en": "Red T-shirt"},
    "brand": "Comptoir",
    "variants": [_VARIANT],
}


@products.get("/v1/products", Scope.CATALOGUE_READ)
async def list_products(call: Call, query: ProductQuery) -> Answer[PageOf[ProductShape]]:
    """List products with their variants."""
    wanted = ProductFilter(search=query.search, active=query.active, brand=query.brand, category=query.category)
    async with call.reading() as reader:
        page = await api.find_products(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
        terms = await lots.terms(reader, [variant.sku for product in page.items for variant in product.variants])
    return call.page(page, lambda product: _shape(product, terms))


@products.post(
    "/v1/products", Scope.CATALOGUE_WRITE, status=201, refuses=(ProductCodeTaken, SkuTaken, GtinTaken), example=_EXAMPLE
)
async def create_product(call: Call, body: NewProduct) -> Answer[ProductShape]:
    """Add a product with its variants."""
    async with call.transaction() as tx:
        made = await api.create(tx, body.draft())
        await lot_terms.put(tx, _wanted(body.variants))
        return await call.done(tx, await _shown(tx, made))


@products.put("/v1/products", Scope.CATALOGUE_WRITE, refuses=(GtinTaken,), example={"products": [_EXAMPLE]})
async def put_products(call: Call, body: PutProducts) -> Answer[Bulk]:
    """Add or change many products, by code, and their variants, by SKU.

    All of them or none. A SKU that another product had goes to the one that names it now.
    """
    async with call.transaction() as tx:
        done = await api.upsert(tx, [one.draft() for one in body.products])
        await lot_terms.put(tx, _wanted([variant for product in body.products for variant in product.variants]))
        return await call.done(tx, Bulk(created=done.created, changed=done.changed, unchanged=done.unchanged))


@products.get("/v1/products/{product_id}", Scope.CATALOGUE_READ, refuses=(UnknownProduct,))
async def get_product(call: Call) -> Answer[ProductShape]:
    """Get a product with its variants."""
    async with call.reading() as reader:
        return call.answer(await _shown(reader, await api.get(reader, ProductId(call.id("product")))))


@products.patch(
    "/v1/products/{product_id}",
    Scope.CATALOGUE_WRITE,
    refuses=(UnknownProduct, ProductCodeTaken, SkuTaken, GtinTaken),
    example={"brand": "Comptoir", "active": False},
)
async def change_product(call: Call, body: ChangeProduct) -> Answer[ProductShape]:
    """Change a product, and those of its variants that are named."""
    changes: dict[str, Any] = given(body)
    changes["variants"] = [] if body.variants is UNSET else [one.draft() for one in body.variants]
    async with call.transaction() as tx:
        there = await api.get(tx, ProductId(call.id("product")))
        changed = await api.update(tx, there.id, replace(there, **changes), version=call.decided_on(there.version))
        if body.variants is not UNSET:
            await lot_terms.put(tx, _wanted(body.variants))
        return await call.done(tx, await _shown(tx, changed))


@products.get("/v1/variants", Scope.CATALOGUE_READ)
async def list_variants(call: Call, query: VariantQuery) -> Answer[PageOf[VariantRowShape]]:
    """List variants."""
    product = parsed_some("product", query.product_id)
    wanted = VariantFilter(
        search=query.search,
        active=query.active,
        stocked=query.stocked,
        brand=query.brand,
        category=query.category,
        product=None if product is None else ProductId(product),
    )
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _row)


@products.get("/v1/variants/{sku}", Scope.CATALOGUE_READ, refuses=(UnknownVariant,))
async def get_variant(call: Call) -> Answer[VariantShape]:
    """Get a variant by its SKU."""
    async with call.reading() as reader:
        found = await api.by_sku(reader, call.text("sku"))
        return call.answer(_variant(found, await lots.terms(reader, [found.sku])))


def _wanted(variants: Sequence[NewVariant]) -> dict[str, Terms | None]:
    """What is said of lots, by SKU."""
    return {
        one.sku: None if one.lots is None else Terms(one.sku, one.lots.tracks, one.lots.shelf_life_left, one.lots.transit_days)
        for one in variants
        if one.lots is not UNSET
    }


async def _shown(reader: Reader, product: Product) -> ProductShape:
    return _shape(product, await lots.terms(reader, [one.sku for one in product.variants]))


def _shape(product: Product, terms: Mapping[str, Terms]) -> ProductShape:
    return ProductShape(
        id=show("product", product.id),
        code=product.code,
        names=dict(product.names),
        brand=product.brand,
        category=list(product.category),
        active=product.active,
        version=product.version,
        created_at=product.created_at,
        updated_at=product.updated_at,
        variants=[_variant(one, terms) for one in product.variants],
    )


def _variant(variant: Variant, terms: Mapping[str, Terms]) -> VariantShape:
    asked = terms.get(variant.sku)
    return VariantShape(
        id=show("variant", variant.id),
        sku=variant.sku,
        name=variant.name,
        names=dict(variant.names),
        options=dict(variant.options),
        gtin=variant.gtin,
        unit=variant.unit,
        stocked=variant.stocked,
        active=variant.active,
        weight=variant.weight,
        length=variant.length,
        width=variant.width,
        height=variant.height,
        dangerous=variant.dangerous,
        hs_code=variant.hs_code,
        origin=variant.origin,
        lots=None
        if asked is None
        else LotsWanted(tracks=asked.tracks, shelf_life_left=asked.shelf_life_left, transit_days=asked.transit_days),
        created_at=variant.created_at,
        updated_at=variant.updated_at,
    )


def _row(row: VariantRow) -> VariantRowShape:
    return VariantRowShape(
        id=show("variant", row.id),
        sku=row.sku,
        name=row.name,
        gtin=row.gtin,
        unit=row.unit,
        stocked=row.stocked,
        active=row.active,
        product_id=show("product", row.product_id),
        product_code=row.product_code,
        brand=row.brand,
        category=list(row.category),
        updated_at=row.updated_at,
    )
