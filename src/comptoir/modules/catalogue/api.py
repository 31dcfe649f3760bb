"""Products and their variants: what can be stocked and sold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

import psycopg.errors

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.modules.catalogue import domain, store
from comptoir.modules.catalogue.contracts import (
    Goods,
    Product,
    ProductChanged,
    ProductDraft,
    ProductFilter,
    ProductId,
    Sellable,
    Upserted,
    Variant,
    VariantDraft,
    VariantFilter,
    VariantRow,
)
from comptoir.modules.catalogue.domain import gtin
from comptoir.modules.catalogue.errors import GtinTaken, ProductCodeTaken, SkuTaken, UnknownProduct, UnknownVariant
from comptoir.modules.catalogue.labels import Label, read_label
from comptoir.runtime.database import Later, Reader, Tx
from comptoir.runtime.paging import Count, Page

__all__ = ["Label", "gtin", "read_label"]

_CHUNK = 5000


def check(draft: ProductDraft) -> ProductDraft:
    """The draft with clean values; raises Invalid. Bulks use it to refuse rows one by one before they `upsert` the others."""
    checks = Checks()
    clean = domain.checked(draft, checks)
    checks.done()
    return clean


async def create(tx: Tx, draft: ProductDraft) -> Product:
    """Raises Invalid, ProductCodeTaken, SkuTaken and GtinTaken."""
    clean = check(draft)
    product_id = await store.insert_product(tx, clean)
    if product_id is None:
        raise ProductCodeTaken(code=clean.code)
    await _write_own_variants(tx, product_id, clean)
    tx.emit(ProductChanged(product_id=product_id, code=clean.code, skus=tuple(v.sku for v in clean.variants), created=True))
    return await get(tx, product_id)


async def update(tx: Tx, product_id: ProductId, draft: ProductDraft, *, version: int | None = None) -> Product:
    """The product as the draft has it. A variant that the draft leaves out stays as it is: SKUs are never deleted.

    `version` is the one that the caller decided on; None is whichever. Raises Invalid, UnknownProduct, Stale, ProductCodeTaken,
    SkuTaken and GtinTaken.
    """
    clean = check(draft)
    try:
        done = await store.update_product(tx, product_id, clean, version)
    except psycopg.errors.UniqueViolation as problem:
        raise ProductCodeTaken(code=clean.code) from problem
    if not done:
        there = await get(tx, product_id)
        raise Stale(kind="product", id=product_id, version=there.version)
    skus = await _write_own_variants(tx, product_id, clean)
    await store.refresh_sellable(tx, [product_id])
    tx.emit(ProductChanged(product_id=product_id, code=clean.code, skus=tuple(skus)))
    return await get(tx, product_id)


async def _write_own_variants(tx: Tx, product_id: ProductId, draft: ProductDraft) -> list[str]:
    owners = await store.products_of(tx, [variant.sku for variant in draft.variants])
    foreign = sorted(sku for sku, owner in owners.items() if owner != product_id)
    if foreign:
        raise SkuTaken(skus=foreign)
    return [sku for _, sku in await _write_variants(tx, [(draft.code, variant) for variant in draft.variants])]


async def _write_variants(tx: Tx, variants: Sequence[tuple[str, VariantDraft]]) -> list[tuple[ProductId, str]]:
    """Passes GTINs on between these variants, and refuses to take one from any other."""
    wanted = {variant.gtin: variant.sku for _, variant in variants if variant.gtin is not None}
    ours = {variant.sku for _, variant in variants}
    held = {number: sku for number, sku in (await store.gtin_owners(tx, list(wanted))).items() if sku != wanted[number]}
    taken = [{"gtin": g, "sku": wanted[g], "owner": owner} for g, owner in sorted(held.items()) if owner not in ours]
    if taken:
        raise GtinTaken(taken=taken)
    if held:
        await store.free_gtins(tx, list(held.values()))
    try:
        return await store.upsert_variants(tx, variants)
    except psycopg.errors.UniqueViolation as problem:  # somebody else took it since we looked
        raise GtinTaken(taken=[]) from problem


async def upsert(tx: Tx, drafts: Sequence[ProductDraft]) -> Upserted:
    """All of them, products by code and variants by SKU; of two with one code, the later.

    A SKU that another product had goes to the one that names it now. 5000 products at a time go in one statement. Raises
    Invalid, with paths such as `[12].variants[0].gtin`, and GtinTaken (see `gtin_owners` to know before).
    """
    checks = Checks()
    clean = {d.code: d for d in [domain.checked(draft, checks.at(f"[{n}].")) for n, draft in enumerate(drafts)]}
    _require_one_owner(list(clean.values()), checks)
    checks.done()
    rows = [clean[code] for code in sorted(clean)]
    created = changed = 0
    for begin in range(0, len(rows), _CHUNK):
        new, differ = await _upsert_chunk(tx, rows[begin : begin + _CHUNK])
        created += new
        changed += differ
    return Upserted(created, changed, len(rows) - created - changed)


def _require_one_owner(drafts: Sequence[ProductDraft], checks: Checks) -> None:
    skus: dict[str, str] = {}
    gtins: dict[str, str] = {}
    for draft in drafts:
        for variant in draft.variants:
            owner = skus.setdefault(variant.sku, draft.code)
            checks.require("", owner == draft.code, f"SKU {variant.sku} is in products {owner} and {draft.code}")
            if variant.gtin is not None:
                sku = gtins.setdefault(variant.gtin, variant.sku)
                checks.require("", sku == variant.sku, f"GTIN {variant.gtin} is of both {sku} and {variant.sku}")


async def _upsert_chunk(tx: Tx, drafts: Sequence[ProductDraft]) -> tuple[int, int]:
    written = {product: (code, new) for product, code, new in await store.upsert_products(tx, drafts)}
    variants = await _write_variants(tx, [(draft.code, variant) for draft in drafts for variant in draft.variants])
    if written:
        await store.refresh_sellable(tx, list(written))
    skus: dict[ProductId, list[str]] = defaultdict(list)
    for product, sku in variants:
        skus[product].append(sku)
    only_variants = [product for product in skus if product not in written]
    if only_variants:
        touched = await store.touch_products(tx, only_variants)
        written |= {product: (code, False) for product, code in touched.items()}
    tx.emit(
        *(
            ProductChanged(product_id=product, code=code, skus=tuple(skus.get(product, ())), created=new)
            for product, (code, new) in written.items()
        )
    )
    created = sum(new for _, new in written.values())
    return created, len(written) - created


async def get(reader: Reader, product_id: ProductId) -> Product:
    found = await store.get(reader, product_id)
    if found is None:
        raise UnknownProduct(kind="product", id=product_id)
    return found


async def by_code(reader: Reader, code: str) -> Product:
    found = await store.by_code(reader, code)
    if found is None:
        raise UnknownProduct(kind="product", code=code)
    return found


async def by_sku(reader: Reader, sku: str) -> Variant:
    found = await store.by_sku(reader, sku)
    if found is None:
        raise UnknownVariant(kind="variant", sku=sku)
    return found


async def sellable(reader: Reader, skus: Sequence[str]) -> dict[str, Sellable]:
    """What there is to know of these SKUs for selling them; a SKU that nobody knows is left out. One statement."""
    return await (await ask_sellable(reader, skus))()


async def ask_sellable(reader: Reader, skus: Sequence[str]) -> Later[dict[str, Sellable]]:
    """As `sellable`, to be read later."""
    return await store.ask_sellable(reader, skus)


async def goods(reader: Reader, skus: Sequence[str]) -> dict[str, Goods]:
    """What moving these SKUs takes; those that nobody knows are left out."""
    return await store.goods(reader, skus)


async def with_siblings(reader: Reader, skus: Sequence[str]) -> set[str]:
    """Those of these SKUs whose product has other variants that are sold."""
    return await store.with_siblings(reader, skus) if skus else set()


async def known(reader: Reader, skus: Sequence[str]) -> set[str]:
    """Those of the SKUs that there are."""
    return await store.known(reader, skus)


async def gtins(reader: Reader, skus: Sequence[str]) -> dict[str, str]:
    """The GTIN of each of these SKUs that has one."""
    return await store.gtins(reader, skus) if skus else {}


async def gtin_owners(reader: Reader, gtins: Sequence[str]) -> dict[str, str]:
    """The SKU of each of these GTINs (as `gtin` writes them) that is taken."""
    return await store.gtin_owners(reader, gtins)


async def categories(reader: Reader) -> list[tuple[str, ...]]:
    """Every category path in use."""
    return await store.categories(reader)


async def brands(reader: Reader) -> list[str]:
    """Every brand in use, in order."""
    return await store.brands(reader)


async def find(
    reader: Reader, wanted: VariantFilter, *, sort: str = "sku", limit: int = 50, cursor: str | None = None
) -> Page[VariantRow]:
    """Variants. Sorts: sku, name, updated, and each with a `-` before it."""
    return await store.VARIANTS.page(reader, store.where_variants(wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: VariantFilter) -> Count:
    return await store.VARIANTS.count(reader, store.where_variants(wanted))


def stream(reader: Reader, wanted: VariantFilter, *, sort: str = "sku") -> AsyncIterator[VariantRow]:
    """Every one of them, in order, for exports."""
    return store.VARIANTS.stream(reader, store.where_variants(wanted), sort=sort)


async def find_products(
    reader: Reader, wanted: ProductFilter, *, sort: str = "code", limit: int = 50, cursor: str | None = None
) -> Page[Product]:
    """Products with their variants. Sorts: code, brand, updated, and each with a `-` before it."""
    page = await store.PRODUCTS.page(reader, store.where_products(wanted), sort=sort, limit=limit, cursor=cursor)
    return Page(await store.with_variants(reader, page.items), page.next, page.previous)


async def count_products(reader: Reader, wanted: ProductFilter) -> Count:
    return await store.PRODUCTS.count(reader, store.where_products(wanted))
