"""An order as a channel tells it: the shape that every connector and file layout maps into.

It is a fact: it already happened there. Amounts are minor units of the order's currency and are taken as the channel states
them, never recomputed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from comptoir.kernel.money import Currency


class OrderKind(StrEnum):
    SALE = "sale"
    CREDIT = "credit"
    """A credit note or a return that names no order: its amounts are negative, its quantities still count units."""


class LineKind(StrEnum):
    ITEM = "item"
    """Something that is stocked: only these lines move stock."""
    SHIPPING = "shipping"
    GIFT_CARD = "gift_card"
    GIFT_WRAP = "gift_wrap"
    DEPOSIT = "deposit"
    """Bottle deposits and the like: charged with an item, refunded on its own."""
    FEE = "fee"
    """Charges of the channel, the bank or the retailer; may be negative."""
    ADJUSTMENT = "adjustment"
    """Manual corrections of an amount."""


class PaymentKind(StrEnum):
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    REFUNDED = "refunded"


class Address(Struct, frozen=True, omit_defaults=True):
    """Where a parcel goes. `country` is ISO 3166-1 alpha-2; the coordinates, where known, are WGS 84 degrees."""

    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    phone: str = ""
    latitude: float | None = None
    longitude: float | None = None


class Buyer(Struct, frozen=True, omit_defaults=True):
    """Whoever bought, by whichever keys the channel gives; all of them empty is an anonymous sale."""

    name: str = ""
    email: str = ""
    phone: str = ""
    loyalty_number: str = ""
    external_id: str = ""
    """The customer's id on that channel."""
    company: str = ""
    purchase_order: str = ""
    """A business buyer's own reference."""
    notify: tuple[str, ...] = ()
    """By which ways the buyer has agreed to be told of the order beside e-mail: sms, whatsapp."""


@dataclass(frozen=True, slots=True)
class Discount:
    """A reduction of one line, positive. For a credit it is negative, as everything on it."""

    amount: int
    code: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax of one line. `rate` is a fraction (0.2 for 20 %), None where the channel gives only the amount."""

    amount: int
    name: str = ""
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One line. `amount` is what the goods cost before discounts: unit price x quantity as the channel rounds it.

    The buyer pays `amount - sum(discounts) + sum(taxes)` when `ChannelOrder.tax_included` is false, and
    `amount - sum(discounts)` when it is true. `quantity` is always >= 1, of which `cancelled`, `shipped` and `returned` units
    have gone that way already.
    """

    kind: LineKind
    name: str
    quantity: int
    amount: int
    sku: str = ""
    """Empty only for lines that are not items."""
    unit_price: Decimal | None = None
    """In major units, as stated; None where the channel gives only the line's amount."""
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    cancelled: int = 0
    shipped: int = 0
    returned: int = 0
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class ChannelPayment:
    """Money that the channel says has moved. `amount` is positive; a refund is a kind, not a sign."""

    kind: PaymentKind
    method: str
    amount: int
    at: datetime
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """One version of one order of a channel, deduplicated by (channel, external_id, version)."""

    external_id: str
    version: str
    """Grows as text with each change on the channel: an ISO time or a zero-padded number. An older never replaces a newer."""
    placed_at: datetime
    currency: Currency
    lines: tuple[ChannelLine, ...]
    kind: OrderKind = OrderKind.SALE
    tax_included: bool = True
    buyer: Buyer = field(default_factory=Buyer)
    ship_to: Address | None = None
    bill_to: Address | None = None
    location_code: str = ""
    """Where it was handed over (a till sale) or is to be collected; empty when Comptoir chooses where from."""
    pickup: bool = False
    payments: tuple[ChannelPayment, ...] = ()
    cancelled_at: datetime | None = None
    note: str = ""
    tags: tuple[str, ...] = ()
