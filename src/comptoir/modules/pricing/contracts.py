"""What crosses the door of pricing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, NamedTuple

import msgspec

from comptoir.kernel.money import Currency
from comptoir.runtime.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDraft:
    """Where one price list holds. `country` is ISO 3166-1 alpha-2; `tax_name` is what receipts call its tax (TVA, VAT)."""

    code: str
    currency: Currency
    country: str
    name: str = ""
    tax_included: bool = True
    """Whether prices contain the tax, or it comes on top."""
    tax_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market(MarketDraft):
    """A market as it is. It is also a draft."""

    version: int


class Price(NamedTuple):
    """What one unit (or 1000 thousandths) of a SKU costs, in minor units; `tax_rate` is a fraction (0.2 for 20 %)."""

    amount: int
    tax_rate: Decimal


@dataclass(frozen=True, slots=True)
class PriceDraft:
    """See `Price`."""

    sku: str
    amount: int
    tax_rate: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A price in a list."""

    sku: str
    market: str
    amount: int
    tax_rate: Decimal
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFilter:
    """None and empty do not filter. `search` is the beginning of the SKU."""

    market: str | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class Upserted:
    """What a bulk did: how many prices are new, differ now, and were so already."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


class MarketChanged(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "market.changed"
    code: str
    created: bool = False


class ChangedPrice(msgspec.Struct, frozen=True):
    sku: str
    amount: int
    tax_rate: Decimal


class PriceChanged(Event, frozen=True, kw_only=True):
    """These prices of a market hold now: all that one command changed, at most PRICES_PER_EVENT of them in one event."""

    type: ClassVar[str] = "price.changed"
    market: str
    currency: str
    prices: tuple[ChangedPrice, ...]


PRICES_PER_EVENT = 500
