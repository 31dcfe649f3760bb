"""What crosses the door of invoicing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, NewType
from uuid import UUID

from comptoir.kernel.money import Currency
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.events import Event

InvoiceId = NewType("InvoiceId", UUID)
INVOICE_PREFIX = "inv"
HOUSE = "house"
"""The seller whose numbers these are; there is one so far."""


class Kind(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerDetails:
    """Who answers for an invoice, as the law wants it stated. `country` is ISO 3166-1 alpha-2, `capital` in minor units of
    `capital_currency`, 0 where there is none; `time_zone` says which day and which year an invoice is of.
    """

    name: str
    legal_name: str
    country: str
    form: str = ""
    capital: int = 0
    capital_currency: str = "EUR"
    siren: str = ""
    siret: str = ""
    register: str = ""
    vat_number: str = ""
    line1: str = ""
    line2: str = ""
    postcode: str = ""
    city: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    time_zone: str = "Europe/Paris"
    mention: str = ""
    """Anything else that has to stand on every invoice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """What an invoice or a credit note is to be called, and its day."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """An invoice or a credit note that was issued. It is never changed. `total` is with tax, and positive."""

    id: InvoiceId
    kind: Kind
    number: str
    order_id: OrderId
    refers_to: InvoiceId | None
    """The invoice that a credit note corrects."""
    issued_on: date
    issued_at: datetime
    currency: Currency
    total: int
    content: bytes
    """What stands on it, as whoever issued it wrote it down."""


class InvoiceIssued(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "invoice.issued"
    order_id: OrderId
    invoice_id: InvoiceId
    kind: str
    number: str
    total: int
    currency: str

    @property
    def subject(self) -> UUID:
        return self.order_id
