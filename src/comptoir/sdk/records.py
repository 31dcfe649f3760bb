"""Products, stock and locations as a plain file tells them: what the readers of `connectors.plain` give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from comptoir.kernel.money import Currency
from comptoir.kernel.quantities import Sku


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """One SKU in one market; a product sold in several markets has several rows that differ in market, price and tax."""

    line: int
    sku: Sku
    name: str
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """By language, as far as the file has them (`name_fr`, `name_de`, …)."""
    gtin: str = ""
    """Digits only, with a valid check digit."""
    category: str = ""
    """A path with ` > ` between its parts."""
    price: int | None = None
    """In minor units of `currency`; None where the file has no price."""
    currency: Currency | None = None
    tax_rate: Decimal | None = None
    """A fraction: 0.2 for 20 %."""
    market: str = ""
    weight_g: int | None = None
    brand: str = ""
    """Empty leaves it as it is."""
    dangerous: bool | None = None
    """None leaves it as it is, as everywhere below."""
    lots: str | None = None
    """What is written on it: `lot`, `expiry`, or `no` for nothing."""
    shelf_life_left: int | None = None
    """Days that have to be left when it reaches the buyer."""


@dataclass(frozen=True, slots=True)
class StockRecord:
    """What is on hand of one SKU at one location; of one lot of it, where the file says lots: then its rows add up."""

    line: int
    sku: Sku
    location: str
    on_hand: int
    safety: int | None = None
    """None leaves it as it is."""
    lot: str = ""
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class LocationRecord:
    """One place that holds stock. None means that the file does not say."""

    line: int
    code: str
    name: str
    kind: str = ""
    """In small letters: warehouse, store, supplier, …"""
    address: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    """ISO 3166-1 alpha-2."""
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    time_zone: str = ""
    opening_hours: str = ""
    ships: bool | None = None
    pickup: bool | None = None
    returns: bool | None = None
    daily_capacity: int | None = None
    contact: str = ""
    phone: str = ""
    email: str = ""
    closed_on: str = ""
    public_holidays: str = ""
    open_on: str = ""


@dataclass(frozen=True, slots=True)
class BinRecord:
    """Where a SKU lies, or where a bin is; `location` is the location's code."""

    line: int
    location: str
    sku: str
    """Empty where only the bin is spoken of."""
    bin: str
    """Empty where the SKU lies in none any more."""
    zone: str | None
    sequence: int | None


@dataclass(frozen=True, slots=True)
class PostcodeRecord:
    """Where a postcode is, in WGS 84 degrees."""

    line: int
    country: str
    """ISO 3166-1 alpha-2."""
    postcode: str
    latitude: Decimal
    longitude: Decimal
    place: str = ""
