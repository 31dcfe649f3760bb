"""All the SQL of pricing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from psycopg.rows import TupleRow

from comptoir.modules.pricing.contracts import Market, MarketDraft, Price, PriceDraft, PriceFilter, PriceRow
from comptoir.runtime import arrays
from comptoir.runtime.database import Later, Reader, Tx
from comptoir.runtime.paging import Key, Listing, Where, sorts

PRICES = "SELECT sku, amount, tax_rate FROM pricing.prices WHERE market = %(market)s AND sku = ANY(%(skus)s)"

_MARKET = "code, name, currency, country, tax_included, tax_name, version"

INSERT_MARKET = f"""
INSERT INTO pricing.markets (code, name, currency, country, tax_included, tax_name)
VALUES (%(code)s, %(name)s, %(currency)s, %(country)s, %(tax_included)s, %(tax_name)s)
ON CONFLICT (code) DO NOTHING
RETURNING {_MARKET}"""

UPDATE_MARKET = f"""
UPDATE pricing.markets
SET name = %(name)s, currency = %(currency)s, country = %(country)s, tax_included = %(tax_included)s, tax_name = %(tax_name)s,
  version = version + 1
WHERE code = %(code)s
RETURNING {_MARKET}"""

UPSERT_PRICES = """
INSERT INTO pricing.prices AS p (sku, market, amount, tax_rate, updated_at)
SELECT sku, %(market)s, amount, tax_rate::numeric, %(now)s
FROM unnest(%(skus)s::text[], %(amounts)s::bigint[], %(tax_rates)s::text[]) AS i (sku, amount, tax_rate)
ORDER BY sku
ON CONFLICT (sku, market) DO UPDATE SET amount = excluded.amount, tax_rate = excluded.tax_rate, updated_at = excluded.updated_at
WHERE (p.amount, p.tax_rate) IS DISTINCT FROM (excluded.amount, excluded.tax_rate)
RETURNING p.sku, p.amount, p.tax_rate, old.sku IS NULL"""

STAMP = "SELECT coalesce(sum(version), 0) FROM pricing.markets"
"""Markets are never deleted and every change adds to a version, so that what is committed has a sum of its own."""


def _market(row: TupleRow) -> Market:
    code, name, currency, country, tax_included, tax_name, version = row
    return Market(
        code=code,
        name=name,
        currency=currency,
        country=country,
        tax_included=tax_included,
        tax_name=tax_name,
        version=version,
    )


def _params(draft: MarketDraft) -> dict[str, object]:
    return {
        "code": draft.code,
        "name": draft.name,
        "currency": draft.currency,
        "country": draft.country,
        "tax_included": draft.tax_included,
        "tax_name": draft.tax_name,
    }


LISTING = Listing(
    "sku, market, amount, tax_rate, updated_at",
    "pricing.prices",
    lambda row: PriceRow(*row),
    sorts(("sku", [Key("sku"), Key("market")])),
)


def where(wanted: PriceFilter) -> Where:
    where = Where()
    where.equal("market", wanted.market)
    where.begins("sku", wanted.search)
    return where


async def insert_market(tx: Tx, draft: MarketDraft) -> Market | None:
    """None when another market has the code."""
    row = await tx.row(INSERT_MARKET, _params(draft))
    return None if row is None else _market(row)


async def update_market(tx: Tx, draft: MarketDraft) -> Market:
    row = await tx.row(UPDATE_MARKET, _params(draft))
    assert row is not None, "locked before"
    return _market(row)


async def market(reader: Reader, code: str, *, lock: bool = False) -> Market | None:
    suffix = " FOR NO KEY UPDATE" if lock else ""
    row = await reader.row(f"SELECT {_MARKET} FROM pricing.markets WHERE code = %(code)s{suffix}", {"code": code})
    return None if row is None else _market(row)


async def markets(reader: Reader) -> list[Market]:
    return [_market(row) for row in await reader.rows(f"SELECT {_MARKET} FROM pricing.markets ORDER BY code")]


async def has_prices(reader: Reader, market: str) -> bool:
    return bool(await reader.value("SELECT EXISTS (SELECT FROM pricing.prices WHERE market = %(market)s)", {"market": market}))


async def upsert_prices(tx: Tx, market: str, prices: Sequence[PriceDraft]) -> list[tuple[str, int, Decimal, bool]]:
    """SKU, amount and tax rate of what differs now, and whether it is new."""
    rows = await tx.rows(
        UPSERT_PRICES,
        {
            "market": market,
            "now": tx.now,
            "skus": arrays.texts([price.sku for price in prices]),
            "amounts": arrays.int8s([price.amount for price in prices]),
            "tax_rates": arrays.texts([str(price.tax_rate) for price in prices]),
        },
    )
    return [(sku, amount, rate, new) for sku, amount, rate, new in rows]


async def ask_prices(reader: Reader, market: str, skus: Sequence[str]) -> Later[dict[str, Price]]:
    return await reader.ask(_prices, PRICES, {"market": market, "skus": arrays.texts(skus)})


def _prices(rows: Sequence[TupleRow]) -> dict[str, Price]:
    return {sku: Price(amount, rate) for sku, amount, rate in rows}


async def stamp(reader: Reader) -> int:
    return int(await reader.value(STAMP))
