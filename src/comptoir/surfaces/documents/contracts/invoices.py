"""Invoices and credit notes, with all that French law asks of them (CGI, annexe II, art. 242 nonies A; code de commerce,
art. L441-9 and R123-237).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from comptoir.kernel.money import Money, total
from comptoir.surfaces.documents.contracts.parties import Address, Seller


class InvoiceKind(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class SupplyNature(StrEnum):
    """What was supplied, which an invoice has to say."""

    GOODS = "goods"
    SERVICES = "services"
    BOTH = "both"


class Exemption(StrEnum):
    """Why no VAT is charged, in the words of the law."""

    SMALL_BUSINESS = "small_business"
    """Franchise en base: art. 293 B."""
    REVERSE_CHARGE = "reverse_charge"
    INTRA_COMMUNITY = "intra_community"
    """Art. 262 ter, I."""
    EXPORT = "export"
    """Art. 262, I."""
    MARGIN = "margin"
    """Second-hand goods: art. 297 A."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who owes the invoice. `business` buyers are told what a late payment costs, as they have to be."""

    address: Address
    business: bool = False
    siren: str = ""
    vat_number: str = ""
    reference: str = ""
    """A business buyer's own: the number of its purchase order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """`net` and `discount` are without VAT and for all units together; `net` has the discount taken off.

    `unit_price` is without VAT too, in major units; None is what makes `net` of the quantity.
    """

    name: str
    quantity: int
    net: Money
    rate: Decimal
    """Of VAT, as a fraction."""
    sku: str = ""
    detail: str = ""
    weighed: bool = False
    discount: Money | None = None
    unit_price: Decimal | None = None

    @property
    def price(self) -> Decimal:
        """Without VAT, of one unit or kilogram, before the discount: in major units, not rounded."""
        if self.unit_price is not None:
            return self.unit_price
        before = self.net if self.discount is None else self.net + self.discount
        units = Decimal(self.quantity) / 1000 if self.weighed else Decimal(self.quantity)
        return before.major / units if units else before.major


@dataclass(frozen=True, slots=True)
class VatTotal:
    """What is charged at one rate."""

    rate: Decimal
    net: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class PaymentMade:
    method: str
    on: date
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccount:
    iban: str
    bic: str = ""
    holder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice, or a credit note, whose amounts are positive too.

    Raises ValueError when it does not add up to the cent: the lines of each rate to its total, the totals to `total`, and the
    payments to no more than that.
    """

    number: str
    seller: Seller
    buyer: Buyer
    issued_on: date
    lines: tuple[InvoiceLine, ...]
    vat: tuple[VatTotal, ...]
    total: Money
    """With VAT."""
    kind: InvoiceKind = InvoiceKind.INVOICE
    supplied_on: date | None = None
    """When goods were delivered or a service was done; None when that is the day of the invoice."""
    supplied_until: date | None = None
    """The end, where `supplied_on` is the beginning."""
    nature: SupplyNature = SupplyNature.GOODS
    ship_to: Address | None = None
    """Where that is not the buyer's address."""
    order_number: str = ""
    ordered_on: date | None = None
    refers_to: str = ""
    """The invoice that a credit note corrects."""
    refers_on: date | None = None
    exemption: Exemption | None = None
    vat_on_debits: bool = False
    """VAT is due when the invoice is made, not when it is paid: "option pour le paiement de la taxe d'après les débits"."""
    payments: tuple[PaymentMade, ...] = ()
    due_on: date | None = None
    early_payment: str = ""
    """What is taken off for paying early; empty is nothing, and says so."""
    late_penalty: str = ""
    """Yearly; empty is three times the legal rate."""
    recovery_fee: Money | None = None
    """What collecting costs a business that pays late: 40 € by law."""
    account: BankAccount | None = None
    mentions: tuple[str, ...] = ()
    """Anything else that has to stand there, as it is."""

    def __post_init__(self) -> None:
        if self.seller.identity is None:
            raise ValueError("an invoice says who answers for it")
        by_rate: dict[Decimal, list[Money]] = defaultdict(list)
        for line in self.lines:
            by_rate[line.rate].append(line.net)
        totals = {one.rate: one for one in self.vat}
        if len(totals) != len(self.vat) or totals.keys() != by_rate.keys():
            raise ValueError("an invoice has one total for each rate of VAT")
        for rate, nets in by_rate.items():
            if total(nets, self.total.currency) != totals[rate].net:
                raise ValueError(f"the lines at {rate} do not add up to {totals[rate].net}")
        if self.net + self.tax != self.total:
            raise ValueError(f"{self.net} and {self.tax} are not {self.total}")
        if self.paid.minor < 0 or self.total < self.paid:
            raise ValueError(f"{self.paid} is more than was owed")

    @property
    def net(self) -> Money:
        """Without VAT."""
        return total((one.net for one in self.vat), self.total.currency)

    @property
    def tax(self) -> Money:
        return total((one.tax for one in self.vat), self.total.currency)

    @property
    def discount(self) -> Money:
        return total((line.discount for line in self.lines if line.discount is not None), self.total.currency)

    @property
    def paid(self) -> Money:
        return total((one.amount for one in self.payments), self.total.currency)

    @property
    def due(self) -> Money:
        return self.total - self.paid
