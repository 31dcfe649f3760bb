"""What crosses the door of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple, NewType
from uuid import UUID

from comptoir.runtime.events import Event

ProductId = NewType("ProductId", UUID)
VariantId = NewType("VariantId", UUID)

PRODUCT_PREFIX = "prod"
VARIANT_PREFIX = "var"


class Unit(StrEnum):
    """What a quantity of a variant counts."""

    UNIT = "unit"
    THOUSANDTH = "thousandth"
    """Of a kilogram, litre or metre: what is weighed or cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantDraft:
    """A variant as somebody wants it.

    `name` is in the retailer's own language, and the first of the product's when empty; `names` are those in other languages,
    by BCP 47 tag.
    `gtin` is a GTIN-8, -12, -13 or -14 in digits. What is not `stocked` (a service, a voucher) is sold without a look at stock.
    """

    sku: str
    name: str = ""
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    gtin: str | None = None
    unit: Unit = Unit.UNIT
    stocked: bool = True
    active: bool = True
    weight: int = 0
    """Grams of one unit, packed; of a whole kilogram, litre or metre where a quantity counts thousandths. 0 is not known."""
    length: int = 0
    """Millimetres, as are `width` and `height`; 0 is not known."""
    width: int = 0
    height: int = 0
    dangerous: bool = False
    """Carriers have to take dangerous goods to take it: batteries, aerosols, perfume."""
    hs_code: str = ""
    """Six to ten digits of the Harmonized System, for customs."""
    origin: str = ""
    """Country where it was made, ISO 3166-1 alpha-2; empty is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDraft:
    """A product as somebody wants it. `names` are by BCP 47 tag, `category` goes from the widest to the narrowest."""

    code: str
    names: Mapping[str, str]
    brand: str = ""
    category: tuple[str, ...] = ()
    active: bool = True
    variants: Sequence[VariantDraft] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant(VariantDraft):
    """A variant as it is. `gtin` is in its shortest form: see `domain.gtin`."""

    id: VariantId
    product_id: ProductId
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(ProductDraft):
    """A product as it is, with its variants by SKU. It is also a draft: `replace(product, brand=…)` is what `update` takes."""

    id: ProductId
    version: int
    created_at: datetime
    updated_at: datetime
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRow:
    """A variant in a list, with what is worth showing of its product. `active` is whether both are."""

    id: VariantId
    sku: str
    name: str
    gtin: str | None
    unit: Unit
    stocked: bool
    active: bool
    product_id: ProductId
    product_code: str
    brand: str
    category: tuple[str, ...]
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantFilter:
    """None and empty do not filter. `search` is words of the name, the beginning of the SKU, or a GTIN.

    `category` takes what is in it or below.
    """

    search: str = ""
    active: bool | None = None
    stocked: bool | None = None
    brand: str | None = None
    category: tuple[str, ...] = ()
    product: ProductId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFilter:
    """None and empty do not filter. `search` is words of a variant's name, the beginning of the product's code, or a GTIN."""

    search: str = ""
    active: bool | None = None
    brand: str | None = None
    category: tuple[str, ...] = ()


class Sellable(NamedTuple):
    """What an order line needs to know of a SKU. `active` is whether the variant and its product are."""

    sku: str
    name: str
    stocked: bool
    active: bool
    unit: str


@dataclass(frozen=True, slots=True)
class Goods:
    """What moving a SKU takes: see `VariantDraft` for the units."""

    sku: str
    unit: Unit
    weight: int
    length: int
    width: int
    height: int
    dangerous: bool
    hs_code: str
    origin: str
    category: tuple[str, ...]
    brand: str = ""

    def weighs(self, quantity: int) -> int:
        """Grams of so many units, rounded up."""
        return self.weight * quantity if self.unit is Unit.UNIT else -(-self.weight * quantity // 1000)


@dataclass(frozen=True, slots=True)
class Upserted:
    """What a bulk did to products (with their variants): how many are new, differ now, and were so already."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


class ProductChanged(Event, frozen=True, kw_only=True):
    """A product was made or changed, or these of its variants were."""

    type: ClassVar[str] = "product.changed"
    product_id: ProductId
    code: str
    skus: tuple[str, ...] = ()
    created: bool = False

    @property
    def subject(self) -> UUID | None:
        return self.product_id
