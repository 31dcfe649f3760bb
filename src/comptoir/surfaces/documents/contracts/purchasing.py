"""What a supplier is asked to send to a buyer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from comptoir.kernel.money import Money
from comptoir.surfaces.documents.contracts.parties import Address, Seller


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseItem:
    """Units of a SKU, by our number and by the supplier's."""

    sku: str
    name: str
    quantity: int
    supplier_sku: str = ""
    weighed: bool = False
    cost: Decimal | None = None
    """Major units of the currency, of one unit (a whole kilogram of what is weighed); None is as agreed."""
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseOrder:
    seller: Seller
    number: str
    """Printed as a barcode."""
    order_number: str
    """The buyer's order: what goes on the parcel."""
    supplier: Address
    ship_to: Address
    lines: tuple[PurchaseItem, ...]
    revision: int = 1
    ordered_on: date | None = None
    requested_on: date | None = None
    """The day on which it should leave."""
    total: Money | None = None
    answer_at: str = ""
    """The address of the page where it is answered; printed as a QR code."""
    note: str = ""
