"""All the SQL of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, cast
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.catalogue import domain
from comptoir.modules.catalogue.contracts import (
    Goods,
    Product,
    ProductDraft,
    ProductFilter,
    ProductId,
    Sellable,
    Unit,
    Variant,
    VariantDraft,
    VariantFilter,
    VariantRow,
)
from comptoir.runtime import arrays
from comptoir.runtime.database import Later, Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

SELLABLE = "SELECT sku, name, stocked, sellable, unit FROM catalogue.variants WHERE sku = ANY(%(skus)s)"

_PRODUCT_INPUT = """
SELECT id, code, names::jsonb AS names, brand, string_to_array(category, %(separator)s) AS category, active
FROM unnest(%(ids)s::uuid[], %(codes)s::text[], %(names)s::text[], %(brands)s::text[], %(categories)s::text[],
    %(actives)s::bool[])
  AS i (id, code, names, brand, category, active)
ORDER BY code"""

_INSERT_PRODUCTS = f"""
INSERT INTO catalogue.products AS p (id, code, names, brand, category, active, created_at, updated_at)
SELECT id, code, names, brand, category, active, %(now)s, %(now)s FROM ({_PRODUCT_INPUT}) AS i"""

INSERT_PRODUCTS = f"{_INSERT_PRODUCTS} ON CONFLICT (code) DO NOTHING RETURNING id"

UPSERT_PRODUCTS = f"""{_INSERT_PRODUCTS}
ON CONFLICT (code) DO UPDATE SET names = excluded.names, brand = excluded.brand, category = excluded.category,
  active = excluded.active, version = p.version + 1, updated_at = excluded.updated_at
WHERE (p.names, p.brand, p.category, p.active) IS DISTINCT FROM
  (excluded.names, excluded.brand, excluded.category, excluded.active)
RETURNING p.id, p.code, old.id IS NULL"""

UPDATE_PRODUCT = f"""
UPDATE catalogue.products AS p
SET code = i.code, names = i.names, brand = i.brand, category = i.category, active = i.active, version = p.version + 1,
  updated_at = %(now)s
FROM ({_PRODUCT_INPUT}) AS i
WHERE p.id = i.id AND (%(version)s::int IS NULL OR p.version = %(version)s)
RETURNING p.id"""

UPSERT_VARIANTS = """
INSERT INTO catalogue.variants AS v (id, product_id, sku, name, names, options, gtin, unit, stocked, active, sellable,
  weight, length, width, height, dangerous, hs_code, origin, created_at, updated_at)
SELECT i.id, p.id, sku, name, i.names::jsonb, options::jsonb, gtin, unit, stocked, i.active, i.active AND p.active,
  weight, length, width, height, dangerous, hs_code, origin, %(now)s, %(now)s
FROM unnest(%(ids)s::uuid[], %(products)s::text[], %(skus)s::text[], %(names)s::text[], %(translations)s::text[],
    %(options)s::text[], %(gtins)s::text[], %(units)s::text[], %(stocked)s::bool[], %(actives)s::bool[], %(weights)s::int[],
    %(lengths)s::int[], %(widths)s::int[], %(heights)s::int[], %(dangerous)s::bool[], %(hs_codes)s::text[], %(origins)s::text[])
  AS i (id, product, sku, name, names, options, gtin, unit, stocked, active, weight, length, width, height, dangerous, hs_code,
    origin)
JOIN catalogue.products p ON p.code = i.product
ORDER BY sku
ON CONFLICT (sku) DO UPDATE SET product_id = excluded.product_id, name = excluded.name, names = excluded.names,
  options = excluded.options, gtin = excluded.gtin, unit = excluded.unit, stocked = excluded.stocked, active = excluded.active,
  sellable = excluded.sellable, weight = excluded.weight, length = excluded.length, width = excluded.width,
  height = excluded.height, dangerous = excluded.dangerous, hs_code = excluded.hs_code, origin = excluded.origin,
  version = v.version + 1, updated_at = excluded.updated_at
WHERE (v.product_id, v.name, v.names, v.options, v.gtin, v.unit, v.stocked, v.active, v.weight, v.length, v.width, v.height,
    v.dangerous, v.hs_code, v.origin) IS DISTINCT FROM
  (excluded.product_id, excluded.name, excluded.names, excluded.options, excluded.gtin, excluded.unit, excluded.stocked,
   excluded.active, excluded.weight, excluded.length, excluded.width, excluded.height, excluded.dangerous, excluded.hs_code,
   excluded.origin)
RETURNING v.product_id, v.sku"""

REFRESH_SELLABLE = """
UPDATE catalogue.variants AS v SET sellable = NOT v.sellable
FROM catalogue.products p
WHERE p.id = v.product_id AND p.id = ANY(%(products)s) AND v.sellable <> (v.active AND p.active)"""

GTIN_OWNERS = """
SELECT gtin, sku FROM catalogue.variants WHERE gtin = ANY(%(gtins)s)"""

FREE_GTINS = """
UPDATE catalogue.variants SET gtin = NULL WHERE sku = ANY(%(skus)s)"""
"""Before variants of one bulk pass GTINs among them: each row is checked as it is written."""

_VARIANT = (
    "id",
    "product_id",
    "sku",
    "name",
    "names",
    "options",
    "gtin",
    "unit",
    "stocked",
    "active",
    "weight",
    "length",
    "width",
    "height",
    "dangerous",
    "hs_code",
    "origin",
    "version",
    "created_at",
    "updated_at",
)
_PRODUCT = ("id", "code", "names", "brand", "category", "active", "version", "created_at", "updated_at")
_PRODUCT_COLUMNS = ", ".join(f"p.{name}" for name in _PRODUCT)

VARIANTS_OF = f"""
SELECT {", ".join(_VARIANT)} FROM catalogue.variants WHERE product_id = ANY(%(products)s) ORDER BY product_id, sku"""


def _variant(row: TupleRow) -> Variant:
    fields: dict[str, Any] = dict(zip(_VARIANT, row, strict=True))
    fields["unit"] = Unit(fields["unit"])
    return Variant(**fields)


def _product(row: TupleRow) -> Product:
    fields: dict[str, Any] = dict(zip(_PRODUCT, row, strict=True))
    fields["category"] = tuple(fields["category"])
    return Product(**fields)


def _variant_row(row: TupleRow) -> VariantRow:
    key, sku, name, gtin, unit, stocked, active, product, code, brand, category, updated_at = row
    return VariantRow(
        id=key,
        sku=sku,
        name=name,
        gtin=gtin,
        unit=Unit(unit),
        stocked=stocked,
        active=active,
        product_id=product,
        product_code=code,
        brand=brand,
        category=tuple(category),
        updated_at=updated_at,
    )


VARIANTS = Listing(
    "v.id, v.sku, v.name, v.gtin, v.unit, v.stocked, v.sellable, p.id, p.code, p.brand, p.category, v.updated_at",
    "catalogue.variants v JOIN catalogue.products p ON p.id = v.product_id",
    _variant_row,
    sorts(
        ("sku", [Key("v.sku")]),
        ("name", [Key("runtime.plain(v.name)"), Key("v.sku")]),
        ("updated", [Key("v.updated_at", KeyKind.INSTANT), Key("v.sku")]),
    ),
)

PRODUCTS = Listing(
    _PRODUCT_COLUMNS,
    "catalogue.products p",
    _product,
    sorts(
        ("code", [Key("p.code")]),
        ("brand", [Key("runtime.plain(p.brand)"), Key("p.code")]),
        ("updated", [Key("p.updated_at", KeyKind.INSTANT), Key("p.code")]),
    ),
)


def _in_category(where: Where, category: Sequence[str]) -> None:
    if category:
        depth = len(category)
        where.add(f"p.category[1:{depth}] = string_to_array(%(category)s, %(separator)s)", **_category(category))


def _category(category: Sequence[str]) -> dict[str, object]:
    return {"category": domain.CATEGORY_SEPARATOR.join(category).replace("\0", ""), "separator": domain.CATEGORY_SEPARATOR}


def where_variants(wanted: VariantFilter) -> Where:
    where = Where()
    where.search(wanted.search, "v.name", code="v.sku", ways=["v.gtin = %(gtin)s"], gtin=domain.possible_gtin(wanted.search))
    where.equal("v.sellable", wanted.active)
    where.equal("v.stocked", wanted.stocked)
    where.equal("p.brand", wanted.brand)
    where.equal("v.product_id", wanted.product)
    _in_category(where, wanted.category)
    return where


def where_products(wanted: ProductFilter) -> Where:
    where = Where()
    found = Where()
    found.search(wanted.search, "v.name", code="v.sku", ways=["v.gtin = %(gtin)s"], gtin=domain.possible_gtin(wanted.search))
    if found.conditions:
        within = f"p.id IN (SELECT v.product_id FROM catalogue.variants v {found.sql})"
        where.begins("p.code", wanted.search, ways=[within])
        where.params |= found.params
    where.equal("p.active", wanted.active)
    where.equal("p.brand", wanted.brand)
    _in_category(where, wanted.category)
    return where


def _product_params(drafts: Sequence[ProductDraft], ids: Sequence[UUID]) -> dict[str, object]:
    return {
        "ids": arrays.uuids(ids),
        "codes": arrays.texts([d.code for d in drafts]),
        "names": arrays.raw_texts([msgspec.json.encode(d.names) for d in drafts]),
        "brands": arrays.texts([d.brand for d in drafts]),
        "categories": arrays.texts([domain.CATEGORY_SEPARATOR.join(d.category) for d in drafts]),
        "separator": domain.CATEGORY_SEPARATOR,
        "actives": [d.active for d in drafts],
    }


async def insert_product(tx: Tx, draft: ProductDraft) -> ProductId | None:
    """None when another product has the code."""
    return await tx.value(INSERT_PRODUCTS, _product_params([draft], [uuid7()]) | {"now": tx.now})


async def update_product(tx: Tx, product_id: ProductId, draft: ProductDraft, version: int | None) -> bool:
    params = _product_params([draft], [product_id]) | {"now": tx.now, "version": version}
    return await tx.value(UPDATE_PRODUCT, params) is not None


async def upsert_products(tx: Tx, drafts: Sequence[ProductDraft]) -> list[tuple[ProductId, str, bool]]:
    """The id and code of what differs now, and whether it is new."""
    rows = await tx.rows(UPSERT_PRODUCTS, _product_params(drafts, [uuid7() for _ in drafts]) | {"now": tx.now})
    return cast("list[tuple[ProductId, str, bool]]", rows)


async def upsert_variants(tx: Tx, variants: Sequence[tuple[str, VariantDraft]]) -> list[tuple[ProductId, str]]:
    """Takes (code of the product, variant); gives the product and SKU of those that differ now."""
    drafts = [variant for _, variant in variants]
    rows = await tx.rows(
        UPSERT_VARIANTS,
        {
            "now": tx.now,
            "ids": arrays.uuids([uuid7() for _ in drafts]),
            "products": arrays.texts([code for code, _ in variants]),
            "skus": arrays.texts([d.sku for d in drafts]),
            "names": arrays.texts([d.name for d in drafts]),
            "translations": arrays.raw_texts([msgspec.json.encode(d.names) for d in drafts]),
            "options": arrays.raw_texts([msgspec.json.encode(d.options) for d in drafts]),
            "gtins": arrays.optional_texts([d.gtin for d in drafts]),
            "units": arrays.texts([d.unit for d in drafts]),
            "stocked": [d.stocked for d in drafts],
            "actives": [d.active for d in drafts],
            "weights": arrays.int4s([d.weight for d in drafts]),
            "lengths": arrays.int4s([d.length for d in drafts]),
            "widths": arrays.int4s([d.width for d in drafts]),
            "heights": arrays.int4s([d.height for d in drafts]),
            "dangerous": [d.dangerous for d in drafts],
            "hs_codes": arrays.texts([d.hs_code for d in drafts]),
            "origins": arrays.texts([d.origin for d in drafts]),
        },
    )
    return cast("list[tuple[ProductId, str]]", rows)


async def refresh_sellable(tx: Tx, products: Sequence[ProductId]) -> None:
    """After these products changed: what they mean for variants that did not."""
    await tx.run(REFRESH_SELLABLE, {"products": arrays.uuids(products)})


async def touch_products(tx: Tx, ids: Sequence[ProductId]) -> dict[ProductId, str]:
    """New versions, where only variants changed; gives the codes."""
    rows = await tx.rows(
        """
        UPDATE catalogue.products SET version = version + 1, updated_at = %(now)s
        WHERE id IN (SELECT id FROM catalogue.products WHERE id = ANY(%(ids)s) ORDER BY code FOR UPDATE)
        RETURNING id, code""",
        {"ids": arrays.uuids(ids), "now": tx.now},
    )
    return dict(rows)


async def gtins(reader: Reader, skus: Sequence[str]) -> dict[str, str]:
    statement = "SELECT sku, gtin FROM catalogue.variants WHERE sku = ANY(%(skus)s::text[]) AND gtin IS NOT NULL"
    return dict(await reader.rows(statement, {"skus": arrays.texts(skus)}))


async def gtin_owners(reader: Reader, gtins: Sequence[str]) -> dict[str, str]:
    return dict(await reader.rows(GTIN_OWNERS, {"gtins": arrays.texts(gtins)}))


async def free_gtins(tx: Tx, skus: Sequence[str]) -> None:
    await tx.run(FREE_GTINS, {"skus": arrays.texts(sorted(skus))})


async def products_of(reader: Reader, skus: Sequence[str]) -> dict[str, ProductId]:
    query = "SELECT sku, product_id FROM catalogue.variants WHERE sku = ANY(%(skus)s)"
    return dict(await reader.rows(query, {"skus": arrays.texts(skus)}))


async def get(reader: Reader, product_id: ProductId) -> Product | None:
    row = await reader.row(f"SELECT {_PRODUCT_COLUMNS} FROM catalogue.products p WHERE id = %(id)s", {"id": product_id})
    return None if row is None else (await with_variants(reader, [_product(row)]))[0]


async def by_code(reader: Reader, code: str) -> Product | None:
    row = await reader.row(f"SELECT {_PRODUCT_COLUMNS} FROM catalogue.products p WHERE code = %(code)s", {"code": code})
    return None if row is None else (await with_variants(reader, [_product(row)]))[0]


async def by_sku(reader: Reader, sku: str) -> Variant | None:
    row = await reader.row(f"SELECT {', '.join(_VARIANT)} FROM catalogue.variants WHERE sku = %(sku)s", {"sku": sku})
    return None if row is None else _variant(row)


async def with_variants(reader: Reader, products: Sequence[Product]) -> list[Product]:
    rows = await reader.rows(VARIANTS_OF, {"products": arrays.uuids([product.id for product in products])})
    variants = {key: tuple(group) for key, group in groupby(map(_variant, rows), key=lambda v: v.product_id)}
    return [replace(product, variants=variants.get(product.id, ())) for product in products]


async def ask_sellable(reader: Reader, skus: Sequence[str]) -> Later[dict[str, Sellable]]:
    return await reader.ask(_sellable, SELLABLE, {"skus": arrays.texts(skus)})


def _sellable(rows: Sequence[TupleRow]) -> dict[str, Sellable]:
    make = Sellable._make
    return {row[0]: make(row) for row in rows}


async def goods(reader: Reader, skus: Sequence[str]) -> dict[str, Goods]:
    rows = await reader.rows(
        """
        SELECT v.sku, v.unit, v.weight, v.length, v.width, v.height, v.dangerous, v.hs_code, v.origin, p.category,
          p.brand
        FROM catalogue.variants v JOIN catalogue.products p ON p.id = v.product_id WHERE v.sku = ANY(%(skus)s)""",
        {"skus": arrays.texts(skus)},
    )
    names = ("sku", "unit", "weight", "length", "width", "height", "dangerous", "hs_code", "origin", "category", "brand")
    found: dict[str, Goods] = {}
    for row in rows:
        fields: dict[str, Any] = dict(zip(names, row, strict=True))
        fields["unit"], fields["category"] = Unit(fields["unit"]), tuple(fields["category"])
        found[row[0]] = Goods(**fields)
    return found


async def with_siblings(reader: Reader, skus: Sequence[str]) -> set[str]:
    statement = """
SELECT v.sku FROM catalogue.variants v WHERE v.sku = ANY(%(skus)s::text[])
  AND EXISTS (SELECT FROM catalogue.variants o WHERE o.product_id = v.product_id AND o.id <> v.id AND o.active)"""
    return set(await reader.values(statement, {"skus": arrays.texts(skus)}))


async def known(reader: Reader, skus: Sequence[str]) -> set[str]:
    return set(
        await reader.values("SELECT sku FROM catalogue.variants WHERE sku = ANY(%(skus)s)", {"skus": arrays.texts(skus)})
    )


async def categories(reader: Reader) -> list[tuple[str, ...]]:
    rows = await reader.values("SELECT DISTINCT category FROM catalogue.products WHERE category <> '{}' ORDER BY category")
    return [tuple(row) for row in rows]


async def brands(reader: Reader) -> list[str]:
    return await reader.values("SELECT DISTINCT brand FROM catalogue.products WHERE brand <> '' ORDER BY brand")
