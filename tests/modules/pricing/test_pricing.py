from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from comptoir.kernel.errors import Invalid, Stale
from comptoir.kernel.money import Currency
from comptoir.modules.pricing import api
from comptoir.modules.pricing.contracts import (
    ChangedPrice,
    MarketChanged,
    MarketDraft,
    Price,
    PriceChanged,
    PriceDraft,
    PriceFilter,
    Upserted,
)
from comptoir.modules.pricing.errors import CurrencyFixed, MarketCodeTaken, UnknownMarket
from comptoir.runtime.database import Database

FRANCE = MarketDraft(code="fr", name="France", currency=Currency("EUR"), country="FR", tax_name="TVA")
US = MarketDraft(code="us", currency=Currency("USD"), country="US", tax_included=False)
VAT = Decimal("0.2")


async def test_a_market_is_read_back_as_it_was_made(database: Database) -> None:
    async with database.transaction() as tx:
        france = await api.create_market(tx, FRANCE)
        us = await api.create_market(tx, US)
        assert tx.emitted == [MarketChanged(code="fr", created=True), MarketChanged(code="us", created=True)]
    async with database.read() as reader:
        assert await api.market(reader, "fr") == france
        assert await api.markets(reader) == [france, us]
        with pytest.raises(UnknownMarket):
            await api.market(reader, "de")
    assert (france.currency, france.tax_included, france.tax_name, france.version) == ("EUR", True, "TVA", 1)
    assert us.name == "us"


async def test_everything_that_is_wrong_with_a_market_is_said_at_once(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await api.create_market(tx, MarketDraft(code="a b", currency=Currency("ABC"), country="", tax_name="x" * 41))
    errors: Any = refused.value.data["errors"]
    assert {error["path"] for error in errors} == {"code", "currency", "country", "tax_name"}


async def test_a_market_changes_only_from_the_version_that_was_seen(database: Database) -> None:
    async with database.transaction() as tx:
        france = await api.create_market(tx, FRANCE)
        before = await api.markets_version(tx)
        changed = await api.update_market(tx, replace(france, name="Hexagone"), version=1)
        assert (changed.name, changed.version) == ("Hexagone", 2)
        assert await api.markets_version(tx) == before + 1
        with pytest.raises(Stale):
            await api.update_market(tx, FRANCE, version=1)
        with pytest.raises(MarketCodeTaken):
            await api.create_market(tx, FRANCE)
        with pytest.raises(UnknownMarket):
            await api.update_market(tx, US)
        assert await api.put_market(tx, changed) == changed
        assert await api.market(tx, "fr") == changed


async def test_the_currency_of_a_market_with_prices_stays(database: Database) -> None:
    async with database.transaction() as tx:
        await api.create_market(tx, FRANCE)
        swiss = replace(FRANCE, currency=Currency("CHF"))
        assert (await api.put_market(tx, swiss)).currency == "CHF"
        await api.set_prices(tx, "fr", [PriceDraft("A", 100)])
        with pytest.raises(CurrencyFixed):
            await api.put_market(tx, FRANCE)


async def test_prices_are_set_and_read_by_market(database: Database) -> None:
    async with database.transaction() as tx:
        await api.create_market(tx, FRANCE)
        await api.create_market(tx, US)
        assert await api.set_prices(tx, "fr", [PriceDraft("A", 1990, VAT), PriceDraft("B", 0)]) == Upserted(created=2)
        assert await api.set_prices(tx, "us", [PriceDraft("A", 2100)]) == Upserted(created=1)
    async with database.read() as reader:
        assert await api.prices(reader, "fr", ["A", "B", "C"]) == {"A": Price(1990, VAT), "B": Price(0, Decimal(0))}
        assert await api.prices(reader, "us", ["A", "B"]) == {"A": Price(2100, Decimal(0))}
        assert await api.prices(reader, "de", ["A"]) == {}


async def test_setting_prices_tells_only_what_changed(database: Database) -> None:
    async with database.transaction() as tx:
        await api.create_market(tx, FRANCE)
        await api.set_prices(tx, "fr", [PriceDraft(f"S{n:04}", n, VAT) for n in range(1200)])
        sizes = [len(event.prices) for event in tx.emitted if isinstance(event, PriceChanged)]
        assert sizes == [500, 500, 200]
    async with database.transaction() as tx:
        drafts = [PriceDraft(f"S{n:04}", n, VAT) for n in range(1201)]
        drafts[7] = replace(drafts[7], amount=8)
        assert await api.set_prices(tx, "fr", drafts) == Upserted(created=1, changed=1, unchanged=1199)
        prices = (ChangedPrice("S0007", 8, Decimal("0.20000")), ChangedPrice("S1200", 1200, Decimal("0.20000")))
        assert tx.emitted == [PriceChanged(market="fr", currency="EUR", prices=prices)]


@pytest.mark.parametrize(
    ("draft", "path"),
    [
        (PriceDraft("", 1), "[0].sku"),
        (PriceDraft("A", -1), "[0].amount"),
        (PriceDraft("A", 2**53 + 1), "[0].amount"),
        (PriceDraft("A", 1, Decimal("1.1")), "[0].tax_rate"),
        (PriceDraft("A", 1, Decimal("0.123456")), "[0].tax_rate"),
        (PriceDraft("A", 1, Decimal("NaN")), "[0].tax_rate"),
    ],
)
async def test_a_bad_price_is_refused_by_name_and_none_is_set(database: Database, draft: PriceDraft, path: str) -> None:
    async with database.transaction() as tx:
        await api.create_market(tx, FRANCE)
        with pytest.raises(Invalid) as refused:
            await api.set_prices(tx, "fr", [draft, PriceDraft("B", 1)])
        errors: Any = refused.value.data["errors"]
        assert [error["path"] for error in errors] == [path]
        assert (await api.count(tx, PriceFilter())).rows == 0
        with pytest.raises(UnknownMarket):
            await api.set_prices(tx, "de", [PriceDraft("A", 1)])


async def test_prices_are_listed_by_sku(database: Database) -> None:
    async with database.transaction() as tx:
        await api.create_market(tx, FRANCE)
        await api.create_market(tx, US)
        for market in ("fr", "us"):
            await api.set_prices(tx, market, [PriceDraft(sku, 100) for sku in ("A1", "A2", "B1")])
        first = await api.find(tx, PriceFilter(), limit=4)
        assert [(row.sku, row.market) for row in first.items] == [("A1", "fr"), ("A1", "us"), ("A2", "fr"), ("A2", "us")]
        rest = await api.find(tx, PriceFilter(), limit=4, cursor=first.next)
        assert [(row.sku, row.market) for row in rest.items] == [("B1", "fr"), ("B1", "us")]
        found = await api.find(tx, PriceFilter(market="us", search="A"), sort="-sku")
        assert [row.sku for row in found.items] == ["A2", "A1"]
        assert [row.sku async for row in api.stream(tx, PriceFilter(market="fr"))] == ["A1", "A2", "B1"]
