"""What a warehouse prints: to collect goods, to put into a parcel, on it, and to hand parcels over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from comptoir.surfaces.documents.contracts.parties import Address, Item, ItemLot, Seller


class Paper(StrEnum):
    """What a pick list is printed on."""

    A4 = "a4"
    RECEIPT = "receipt"
    """A roll of 80 mm, as tills have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickLine:
    """So many units of a SKU, in a bin, for an order."""

    bin: str
    sku: str
    name: str
    quantity: int
    order_number: str
    weighed: bool = False
    detail: str = ""
    gtin: str = ""
    """EAN-8, UPC-A, EAN-13 or ITF-14, with its check digit; shown as a barcode where it is a valid one."""
    tote: str = ""
    """Which tote of the trolley the units go into."""
    lots: tuple[ItemLot, ...] = ()
    """Which lots to take, what expires first first."""
    picture: bytes | None = None
    """A PNG, JPEG or WebP file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickList:
    """What to collect on one round. Lines may come in any order: they are printed in that of the bins.

    The same SKU of one bin for several orders is one stop with one total.
    """

    number: str
    """Of the wave; it is printed as a barcode."""
    location: str
    lines: tuple[PickLine, ...]
    on: date | None = None
    picker: str = ""
    note: str = ""
    paper: Paper = Paper.A4
    barcodes: bool = True
    """Whether a product's number is also printed as a barcode. A round is a third shorter without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackingSlip:
    """What is in a parcel. It has no prices: it may be read by whoever gets a present."""

    seller: Seller
    order_number: str
    lines: tuple[Item, ...]
    """What is in this parcel."""
    ship_to: Address
    to_follow: tuple[Item, ...] = ()
    """What comes later."""
    shipment_number: str = ""
    ordered_on: date | None = None
    packed_on: date | None = None
    carrier: str = ""
    service: str = ""
    tracking_number: str = ""
    parcel: int = 1
    parcels: int = 1
    gift_message: str = ""
    note: str = ""
    """From the seller to whoever opens the parcel."""
    return_code: str = ""
    """Printed as a QR code, with how to send things back."""
    returns_until: date | None = None
    returns_at: str = ""
    """The address of the page where a return is announced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelLabel:
    """Our own label, for a carrier that gives none: A6, black only, for thermal printers of 203 dots per inch."""

    sender: Address
    recipient: Address
    carrier: str
    service: str
    tracking_number: str
    routing_code: str = ""
    """What the carrier sorts by; the postcode where it is empty."""
    weight: int | None = None
    parcel: int = 1
    parcels: int = 1
    order_number: str = ""
    shipped_on: date | None = None
    instructions: str = ""
    """For whoever delivers: a door code, a floor."""
    signature: bool = False
    """Somebody has to sign for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestParcel:
    tracking_number: str
    order_number: str
    service: str = ""
    city: str = ""
    postcode: str = ""
    country: str = ""
    weight: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a carrier takes with it, for both to sign."""

    seller: Seller
    number: str
    carrier: str
    location: str
    parcels: tuple[ManifestParcel, ...]
    on: date
    account: str = ""
    """Our number at the carrier."""
