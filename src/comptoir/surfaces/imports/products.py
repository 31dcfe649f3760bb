"""Products and prices from a file, by SKU: new ones are made, others changed; what the file does not say stays as it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice

from comptoir.connectors.plain import read_products
from comptoir.kernel.errors import Refusal
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Product, ProductDraft, Variant, VariantDraft
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Terms, Tracks
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import PriceDraft
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.orderfiles import RejectedRow, RowId
from comptoir.sdk.records import ProductRecord
from comptoir.sdk.tabular import open_table
from comptoir.surfaces import lot_terms
from comptoir.surfaces.imports.cells import reject_rows
from comptoir.surfaces.imports.reading import Chunk, Importer, Seen, Watch
from comptoir.surfaces.imports.ready import market_of, ready_market
from comptoir.surfaces.imports.report import Report, add
from comptoir.surfaces.imports.request import ImportRequest

UNDETERMINED = "und"
"""The language of a name that a file gives without saying in which it is (BCP 47)."""

_CHUNK = 2000
Row = ProductRecord | RejectedRow


@dataclass(slots=True)
class _Judged:
    """What a chunk asks for: products by code, and each row's price, by the market that it names."""

    products: dict[str, ProductDraft] = field(default_factory=dict[str, ProductDraft])
    rows: list[ProductRecord] = field(default_factory=list[ProductRecord])
    terms: dict[str, Terms | None] = field(default_factory=dict[str, Terms | None])
    """What SKUs ask for of lots, where the file says it."""
    new: set[str] = field(default_factory=set[str])
    rejected: list[RejectedRow] = field(default_factory=list[RejectedRow])


class ProductImporter(Importer[Row]):
    layout = "products"

    def __init__(self, request: ImportRequest, watch: Watch) -> None:
        self._options = request.options
        self._market = request.market
        self._table = open_table(request.paths[0], request.options)
        self._watch = watch

    @property
    def headers(self) -> Sequence[tuple[Sequence[str], str]]:
        return [(self._table.header, self._table.dialect.separator)]

    def chunks(self, after: int) -> Iterator[Chunk[Row]]:
        rows = read_products(self._table, self._options, lambda seen: self._watch(Seen("reading", *seen)))
        left = islice(enumerate(rows, start=1), after, None)
        while chunk := list(islice(left, _CHUNK)):
            yield Chunk(chunk)

    async def apply(self, tx: Tx, chunk: Chunk[Row], report: Report) -> Sequence[RejectedRow]:
        judged = await self._judge(tx, chunk)
        done = await catalogue.upsert(tx, list(judged.products.values()))
        add(report.outcomes, {"created": done.created, "changed": done.changed, "unchanged": done.unchanged})
        add(report.made, {"lot_terms": await lot_terms.put(tx, judged.terms)} if judged.terms else {})
        for market, drafts in (await self._prices(tx, judged, report)).items():
            priced = await pricing.set_prices(tx, market, drafts)
            add(report.made, {"prices_created": priced.created, "prices_changed": priced.changed})
        report.taken += len(judged.rows)
        report.reject(judged.rejected)
        return judged.rejected

    async def preview(self, reader: Reader, chunk: Chunk[Row], report: Report) -> Sequence[RejectedRow]:
        judged = await self._judge(reader, chunk)
        there = len(judged.products) - len(judged.new)
        add(report.outcomes, {"created": len(judged.new), "there_already": there})
        add(report.made, {"prices": sum(row.price is not None for row in judged.rows)})
        report.taken += len(judged.rows)
        report.reject(judged.rejected)
        return judged.rejected

    def reject(self, item: Row, problem: Exception) -> Sequence[RejectedRow]:
        if isinstance(item, RejectedRow):
            return [item]
        return reject_rows([self._table], {RowId(0, item.line): ("not_valid", f"{problem}.", "Correct the row.")})

    async def _judge(self, reader: Reader, chunk: Chunk[Row]) -> _Judged:
        judged = _Judged(rejected=[row for _, row in chunk.items if isinstance(row, RejectedRow)])
        records = [row for _, row in chunk.items if isinstance(row, ProductRecord)]
        wrong = await self._wrong(reader, records)
        known = await catalogue.known(reader, list({record.sku for record in records}))
        asked = await lots.terms(reader, sorted({one.sku for one in records if _says_terms(one)}))
        for record in records:
            if RowId(0, record.line) in wrong:
                continue
            try:
                terms = _terms(record, judged.terms.get(record.sku, asked.get(record.sku)))
            except ValueError as problem:
                wrong[RowId(0, record.line)] = ("days_without_lots", f"{problem}.", "Write lot or expiry into the column lots.")
                continue
            product, variant = await self._there(reader, record.sku) if record.sku in known else (None, None)
            try:
                draft = catalogue.check(_draft(record, product, variant))
            except Refusal as problem:
                wrong[RowId(0, record.line)] = ("not_valid", f"{problem}.", "Correct the row.")
                continue
            judged.products[draft.code] = _joined(judged.products.get(draft.code), draft)
            judged.rows.append(record)
            if _says_terms(record):
                judged.terms[record.sku] = terms
            if record.sku not in known:
                judged.new.add(draft.code)
        judged.rejected += reject_rows([self._table], wrong)
        return judged

    async def _wrong(self, reader: Reader, records: Sequence[ProductRecord]) -> dict[RowId, tuple[str, str, str]]:
        """What only the catalogue and the markets can tell: GTINs of others, markets that there are not."""
        wrong: dict[RowId, tuple[str, str, str]] = {}
        markets = {market.code: market for market in await pricing.markets(reader)}
        gtins = {record.line: catalogue.gtin(record.gtin) for record in records if record.gtin}
        owners = await catalogue.gtin_owners(reader, list(set(gtins.values())))
        named: dict[str, str] = {}
        for record in records:
            row, code = RowId(0, record.line), record.market or self._market
            if record.line in gtins:
                owner = named.setdefault(gtins[record.line], owners.get(gtins[record.line], record.sku))
                if owner != record.sku:
                    wrong[row] = ("gtin_taken", f"{record.gtin} is the GTIN of {owner}.", "Correct the GTIN of one of them.")
            if record.price is None or not code:
                continue
            if code not in markets:
                wrong[row] = ("unknown_market", f"There is no market {code}.", "Make it, or correct the row.")
            elif markets[code].currency != record.currency:
                currencies = f"{markets[code].currency}, the price in {record.currency}"
                wrong[row] = ("other_currency", f"The market {code} is in {currencies}.", "Correct the currency or the market.")
        return wrong

    @staticmethod
    async def _there(reader: Reader, sku: str) -> tuple[Product, Variant]:
        variant = await catalogue.by_sku(reader, sku)
        return await catalogue.get(reader, variant.product_id), variant

    async def _prices(self, tx: Tx, judged: _Judged, report: Report) -> dict[str, list[PriceDraft]]:
        """By market. A row that states no rate leaves the one that is there. Raises WhichMarket."""
        by_market: dict[str, list[ProductRecord]] = defaultdict(list)
        for row in judged.rows:
            if row.price is None or row.currency is None:
                continue
            code = row.market or self._market
            if not code:
                found = await market_of(tx, row.currency)
                if found is None:
                    found, made = await ready_market(tx, row.currency)
                    report.prepared += made
                code = found.code
            by_market[code].append(row)
        result: dict[str, list[PriceDraft]] = {}
        for code, rows in by_market.items():
            there = await pricing.prices(tx, code, [row.sku for row in rows])
            result[code] = [
                PriceDraft(
                    row.sku,
                    row.price or 0,
                    row.tax_rate if row.tax_rate is not None else there[row.sku].tax_rate if row.sku in there else Decimal(0),
                )
                for row in rows
            ]
        return result


def _says_terms(record: ProductRecord) -> bool:
    return record.lots is not None or record.shelf_life_left is not None


def _terms(record: ProductRecord, there: Terms | None) -> Terms | None:
    """What the row makes of what there is. Raises ValueError for days of what has no lots."""
    has_none = record.lots == "no" or (record.lots is None and there is None)
    if has_none and record.shelf_life_left:
        raise ValueError(f"{record.sku} has no lots, so nobody knows how many days are left")
    if has_none:
        return None
    known = there or Terms(record.sku, Tracks.LOT)
    left = known.shelf_life_left if record.shelf_life_left is None else record.shelf_life_left
    return Terms(record.sku, known.tracks if record.lots is None else Tracks(record.lots), left, known.transit_days)


def _draft(record: ProductRecord, product: Product | None, variant: Variant | None) -> ProductDraft:
    """The product as it is with what the row says; a new SKU is a product of its own."""
    names = dict(record.names) or {UNDETERMINED: record.name}
    category = tuple(record.category.split(" > ")) if record.category else ()
    if product is None or variant is None:
        own = VariantDraft(sku=record.sku, name=record.name, gtin=record.gtin or None, weight=record.weight_g or 0)
        own = replace(own, dangerous=bool(record.dangerous))
        return ProductDraft(code=record.sku, names=names, brand=record.brand, category=category, variants=(own,))
    weight = variant.weight if record.weight_g is None else record.weight_g
    changed = replace(variant, name=record.name, gtin=record.gtin or variant.gtin, weight=weight)
    if record.dangerous is not None:
        changed = replace(changed, dangerous=record.dangerous)
    single = len(product.variants) == 1
    return replace(
        product,
        names={**product.names, **names} if single and record.names else product.names,
        brand=record.brand or product.brand,
        category=category or product.category,
        variants=(changed,),
    )


def _joined(earlier: ProductDraft | None, later: ProductDraft) -> ProductDraft:
    """Two rows of one product: what the later says, and the variants of both."""
    if earlier is None:
        return later
    variants = {variant.sku: variant for variant in (*earlier.variants, *later.variants)}
    return replace(later, names={**earlier.names, **later.names}, variants=tuple(variants.values()))
