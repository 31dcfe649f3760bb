"""Markets, and one price per SKU and market."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.modules.pricing import domain, store
from comptoir.modules.pricing.contracts import (
    PRICES_PER_EVENT,
    ChangedPrice,
    Market,
    MarketChanged,
    MarketDraft,
    Price,
    PriceChanged,
    PriceDraft,
    PriceFilter,
    PriceRow,
    Upserted,
)
from comptoir.modules.pricing.errors import CurrencyFixed, MarketCodeTaken, UnknownMarket
from comptoir.runtime.database import Later, Reader, Tx
from comptoir.runtime.paging import Count, Page

_CHUNK = 10_000


async def create_market(tx: Tx, draft: MarketDraft) -> Market:
    """Raises Invalid and MarketCodeTaken."""
    clean = _checked(draft)
    made = await store.insert_market(tx, clean)
    if made is None:
        raise MarketCodeTaken(code=clean.code)
    tx.emit(MarketChanged(code=made.code, created=True))
    return made


async def update_market(tx: Tx, draft: MarketDraft, *, version: int | None = None) -> Market:
    """The market of that code as the draft has it, if it is not so already. `version` is the one that the caller decided on.

    Raises Invalid, UnknownMarket, Stale and CurrencyFixed.
    """
    clean = _checked(draft)
    there = await store.market(tx, clean.code, lock=True)
    if there is None:
        raise UnknownMarket(kind="market", code=clean.code)
    if version is not None and there.version != version:
        raise Stale(kind="market", code=clean.code, version=there.version)
    if _same(there, clean):
        return there
    if there.currency != clean.currency and await store.has_prices(tx, clean.code):
        raise CurrencyFixed(code=clean.code, currency=there.currency)
    changed = await store.update_market(tx, clean)
    tx.emit(MarketChanged(code=changed.code))
    return changed


async def put_market(tx: Tx, draft: MarketDraft) -> Market:
    """The market of that code as the draft has it, new or not."""
    there = await store.market(tx, draft.code.strip())
    return await create_market(tx, draft) if there is None else await update_market(tx, draft)


def _checked(draft: MarketDraft) -> MarketDraft:
    checks = Checks()
    clean = domain.checked_market(draft, checks)
    checks.done()
    return clean


def _same(there: Market, draft: MarketDraft) -> bool:
    return (there.name, there.currency, there.country, there.tax_included, there.tax_name) == (
        draft.name,
        draft.currency,
        draft.country,
        draft.tax_included,
        draft.tax_name,
    )


async def market(reader: Reader, code: str) -> Market:
    found = await store.market(reader, code)
    if found is None:
        raise UnknownMarket(kind="market", code=code)
    return found


async def markets(reader: Reader) -> list[Market]:
    """All of them, by code."""
    return await store.markets(reader)


async def markets_version(reader: Reader) -> int:
    """Grows whenever any market is changed."""
    return await store.stamp(reader)


def check(draft: PriceDraft) -> PriceDraft:
    """The draft with clean values; raises Invalid. Bulks use it to refuse rows one by one before they set the others."""
    checks = Checks()
    clean = domain.checked_price(draft, checks)
    checks.done()
    return clean


async def set_prices(tx: Tx, market_code: str, drafts: Sequence[PriceDraft]) -> Upserted:
    """These prices hold in the market from now on; of two for one SKU, the later.

    Raises UnknownMarket, and Invalid with paths such as `[12].amount`. A price may come before its SKU is in the catalogue.
    """
    there = await market(tx, market_code)
    checks = Checks()
    clean = {d.sku: d for d in [domain.checked_price(draft, checks.at(f"[{n}].")) for n, draft in enumerate(drafts)]}
    checks.done()
    rows = [clean[sku] for sku in sorted(clean)]
    created = changed = 0
    for begin in range(0, len(rows), _CHUNK):
        written = await store.upsert_prices(tx, there.code, rows[begin : begin + _CHUNK])
        created += sum(new for *_, new in written)
        changed += sum(not new for *_, new in written)
        for part in range(0, len(written), PRICES_PER_EVENT):
            prices = tuple(ChangedPrice(*row[:3]) for row in written[part : part + PRICES_PER_EVENT])
            tx.emit(PriceChanged(market=there.code, currency=there.currency, prices=prices))
    return Upserted(created, changed, len(rows) - created - changed)


async def prices(reader: Reader, market_code: str, skus: Sequence[str]) -> dict[str, Price]:
    """The prices of these SKUs in that market; a SKU without one is left out. One statement."""
    return await (await ask_prices(reader, market_code, skus))()


async def ask_prices(reader: Reader, market_code: str, skus: Sequence[str]) -> Later[dict[str, Price]]:
    """As `prices`, to be read later."""
    return await store.ask_prices(reader, market_code, skus)


async def find(
    reader: Reader, wanted: PriceFilter, *, sort: str = "sku", limit: int = 50, cursor: str | None = None
) -> Page[PriceRow]:
    """Sorts: sku, -sku."""
    return await store.LISTING.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: PriceFilter) -> Count:
    return await store.LISTING.count(reader, store.where(wanted))


def stream(reader: Reader, wanted: PriceFilter) -> AsyncIterator[PriceRow]:
    """Every one of them, in order, for exports."""
    return store.LISTING.stream(reader, store.where(wanted), sort="sku")
