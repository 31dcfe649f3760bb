"""Who sells, who buys, and what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from comptoir.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where something goes to or comes from. `country` is ISO 3166-1 alpha-2."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalIdentity:
    """Who answers for a document before the law. Empty is not stated.

    An invoice of a French company has to have all of these but `eori`, which only customs ask for.
    """

    name: str
    """As it is registered, which need not be the name over the door."""
    form: str = ""
    """`SAS`, `SARL`, `EI`."""
    capital: Money | None = None
    siren: str = ""
    siret: str = ""
    register: str = ""
    """Where it is registered: `RCS Lyon`."""
    vat_number: str = ""
    eori: str = ""
    office: Address | None = None
    """The registered office; None when it is the seller's address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Whose document it is: the head and the foot of the page.

    `logo` is a PNG, JPEG or WebP file; anything else is left out, and the name stands in its place.
    """

    name: str
    address: Address
    logo: bytes | None = None
    email: str = ""
    phone: str = ""
    website: str = ""
    identity: LegalIdentity | None = None


@dataclass(frozen=True, slots=True)
class ItemLot:
    """So many units of a lot; 0 where that is not said."""

    code: str
    quantity: int = 0
    expires_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """So many units of something, for those who check what is in a box."""

    sku: str
    name: str
    quantity: int
    weighed: bool = False
    """`quantity` counts thousandths of a kilogram."""
    detail: str = ""
    """What tells this one from its like: a colour, a size."""
    lots: tuple[ItemLot, ...] = ()
    """Which lots these units are of, as far as somebody has read it."""
