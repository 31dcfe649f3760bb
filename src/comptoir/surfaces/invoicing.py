"""Invoices and credit notes of orders: what was sold and is left is invoiced, what is taken off later is credited.

Level-triggered: what the lines of an order are worth now is compared with what was invoiced and credited for them. More is an
invoice, less is a credit note, and neither is ever changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from comptoir.kernel.money import Currency, Money, round_half_even, total
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.invoicing import api as invoicing
from comptoir.modules.invoicing.contracts import Issued, Kind, Numbered, SellerDetails
from comptoir.modules.invoicing.errors import NothingToInvoice
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order, OrderId, OrderLine
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Entry, EntryKind
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.events import Recorded
from comptoir.sdk.orders import OrderKind
from comptoir.surfaces.documents.contracts import (
    Address,
    Buyer,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    LegalIdentity,
    PaymentMade,
    Seller,
    VatTotal,
)
from comptoir.surfaces.parties import locale_of, order_address

_RATE = Decimal("0.0001")
RECOVERY_FEE = 4000
"""Minor units of what collecting costs a business that pays late, by French law."""


class Value(msgspec.Struct, frozen=True):
    """What a line comes to, with tax, and for how many units."""

    gross: int = 0
    units: int = 0


class Written(msgspec.Struct, frozen=True):
    """What is kept of an invoice: the paper, and what it says of each line of the order."""

    paper: Invoice
    values: dict[int, Value]


@dataclass(frozen=True, slots=True)
class _Row:
    """What is invoiced or credited of a line."""

    line: OrderLine
    value: Value
    tax: int
    weighed: bool
    lowered: bool
    """Its price is taken back in part, and none of its units."""

    @property
    def net(self) -> int:
        return self.value.gross - self.tax


def read(one: Issued) -> Written:
    return msgspec.json.decode(one.content, type=Written)


def locale(one: Issued) -> str:
    """In which language it is printed."""
    paper = read(one).paper
    return locale_of(paper.buyer.address.country or paper.seller.address.country)


async def issue(tx: Tx, order_id: OrderId) -> Issued:
    """Invoices whatever of an order is not invoiced yet. Raises SellerUnknown and NothingToInvoice."""
    order = await orders.load(tx, order_id)
    made = await invoicing.of_order(tx, order_id)
    rows = await _differences(tx, order, _invoiced(made), Kind.INVOICE) if order.kind == OrderKind.SALE else []
    if not rows or sum(row.value.gross for row in rows) <= 0:
        raise NothingToInvoice
    return await _issue(tx, order, Kind.INVOICE, rows, made)


async def correct(tx: Tx, order_id: OrderId) -> Issued | None:
    """Credits what has been invoiced and is not sold any more; None where there is nothing of that."""
    order = await orders.load(tx, order_id)
    made = await invoicing.of_order(tx, order_id)
    rows = await _differences(tx, order, _invoiced(made), Kind.CREDIT_NOTE) if made else []
    if not rows or sum(row.value.gross for row in rows) <= 0:
        return None
    return await _issue(tx, order, Kind.CREDIT_NOTE, rows, made)


def _invoiced(made: Sequence[Issued]) -> dict[int, Value]:
    """What is invoiced of each line, without what was credited."""
    found: dict[int, Value] = {}
    for one in made:
        sign = 1 if one.kind is Kind.INVOICE else -1
        for line_no, value in read(one).values.items():
            before = found.get(line_no, Value())
            found[line_no] = Value(before.gross + sign * value.gross, before.units + sign * value.units)
    return found


async def _differences(reader: Reader, order: Order, before: Mapping[int, Value], kind: Kind) -> list[_Row]:
    off = await orders.allowances(reader, order.id)
    goods = await catalogue.goods(reader, sorted({line.sku for line in order.lines if line.sku is not None}))
    sign = 1 if kind is Kind.INVOICE else -1
    rows: list[_Row] = []
    for line in order.lines:
        old = before.get(line.line_no, Value())
        new = Value(orders.left(line, off), max(0, line.quantity - line.cancelled - line.returned))
        gross = sign * (new.gross - old.gross)
        # What lowers an order (a voucher's line) is invoiced with it, and credited with it.
        if gross == 0 or (gross < 0) != (line.total < 0):
            continue
        units = max(0, sign * (new.units - old.units))
        tax = sign * (_tax(line, new.gross) - _tax(line, old.gross))
        weighed = line.sku in goods and goods[line.sku].unit == Unit.THOUSANDTH
        rows.append(_Row(line, Value(gross, units), tax, weighed and units > 0, lowered=not units))
    return rows


def _tax(line: OrderLine, gross: int) -> int:
    """The share of the line's tax in so much of it."""
    return round_half_even(Decimal(gross) * line.tax / line.total) if line.total else 0


def _rate(line: OrderLine) -> Decimal:
    """Of all its taxes together, as a fraction of what it costs without them."""
    rates = [Decimal(str(one["rate"])) for one in line.taxes or () if one.get("rate") is not None]
    if rates:
        return sum(rates, Decimal()).normalize() + Decimal()
    net = line.total - line.tax
    return (Decimal(line.tax) / net).quantize(_RATE).normalize() if net and line.tax else Decimal()


async def _issue(tx: Tx, order: Order, kind: Kind, rows: Sequence[_Row], made: Sequence[Issued]) -> Issued:
    gross = sum(row.value.gross for row in rows)
    corrected = next((one for one in made if one.kind is Kind.INVOICE), None) if kind is Kind.CREDIT_NOTE else None
    entries = await payments.entries_of(tx, order.id) if kind is Kind.INVOICE and not made else []
    details = await orders.get(tx, order.id)
    left_at = max((one.shipped_at for one in details.shipments), default=None)

    def write(numbered: Numbered, seller: SellerDetails) -> bytes:
        zone = ZoneInfo(seller.time_zone)
        paper = Invoice(
            number=numbered.number,
            kind=InvoiceKind.INVOICE if kind is Kind.INVOICE else InvoiceKind.CREDIT_NOTE,
            seller=_seller(seller),
            buyer=_buyer(order),
            issued_on=numbered.issued_on,
            supplied_on=None if left_at is None else left_at.astimezone(zone).date(),
            lines=tuple([_line(order, row) for row in rows]),
            vat=_vat(order.currency, rows),
            total=Money(gross, order.currency),
            order_number=str(order.number),
            ordered_on=order.placed_at.astimezone(zone).date(),
            refers_to="" if corrected is None else corrected.number,
            refers_on=None if corrected is None else corrected.issued_on,
            payments=_payments(entries, gross, order.currency, zone),
            recovery_fee=Money(RECOVERY_FEE, order.currency) if order.currency == "EUR" else None,
            mentions=(seller.mention,) if seller.mention else (),
        )
        values = {row.line.line_no: row.value for row in rows}
        return msgspec.json.encode(Written(paper, values))

    return await invoicing.issue(
        tx,
        kind,
        order.id,
        gross,
        order.currency,
        write,
        refers_to=None if corrected is None else corrected.id,
    )


def _line(order: Order, row: _Row) -> InvoiceLine:
    line, units = row.line, row.value.units
    discount = 0
    if line.discount and units and line.quantity and not row.lowered:
        discount = round_half_even(Decimal(line.discount) * units / line.quantity)
        if order.tax_included and line.total:
            discount = round_half_even(Decimal(discount) * (line.total - line.tax) / line.total)
    return InvoiceLine(
        name=line.name or line.sku or line.kind,
        sku=line.sku or "",
        quantity=units or 1,
        weighed=row.weighed,
        net=Money(row.net, order.currency),
        rate=_rate(line),
        discount=Money(discount, order.currency) if discount > 0 else None,
    )


def _vat(currency: Currency, rows: Sequence[_Row]) -> tuple[VatTotal, ...]:
    rates = sorted({_rate(row.line) for row in rows}, reverse=True)
    return tuple(
        [
            VatTotal(
                rate,
                total((Money(row.net, currency) for row in rows if _rate(row.line) == rate), currency),
                total((Money(row.tax, currency) for row in rows if _rate(row.line) == rate), currency),
            )
            for rate in rates
        ]
    )


def _payments(entries: Sequence[Entry], gross: int, currency: Currency, zone: ZoneInfo) -> tuple[PaymentMade, ...]:
    """What was paid, up to what is invoiced."""
    left, found = gross, list[PaymentMade]()
    for entry in entries:
        amount = min(entry.amount, left) if entry.kind is EntryKind.CAPTURED else 0
        if amount > 0:
            day: date = entry.at.astimezone(zone).date()
            found.append(PaymentMade(entry.method, day, Money(amount, currency)))
            left -= amount
    return tuple(found)


def _seller(details: SellerDetails) -> Seller:
    capital = Money(details.capital, Currency(details.capital_currency)) if details.capital else None
    return Seller(
        name=details.name,
        address=Address(
            company=details.name,
            line1=details.line1,
            line2=details.line2,
            postcode=details.postcode,
            city=details.city,
            country=details.country,
        ),
        email=details.email,
        phone=details.phone,
        website=details.website,
        identity=LegalIdentity(
            name=details.legal_name,
            form=details.form,
            capital=capital,
            siren=details.siren,
            siret=details.siret,
            register=details.register,
            vat_number=details.vat_number,
        ),
    )


def _buyer(order: Order) -> Buyer:
    given, buyer = order.bill_to or {}, order.buyer or {}
    names = ("name", "company", "line1", "line2", "postcode", "city", "region", "country")
    address = Address(**{name: str(given.get(name) or "") for name in names}) if given else order_address(order)
    company = address.company or str(buyer.get("company") or "")
    return Buyer(
        address=address,
        business=bool(company),
        vat_number=str(buyer.get("vat_number") or ""),
        reference=str(buyer.get("purchase_order") or ""),
    )


def consumer() -> Consumer:
    """Invoices an order when all of it has left, and credits what is taken off afterwards. Does nothing while nobody has said
    who sells.
    """

    async def follow(tx: Tx, events: list[Recorded]) -> None:
        if await invoicing.seller(tx) is None:
            return
        ids = {OrderId(event.subject) for event in events if event.subject is not None}
        for order_id in sorted(ids):
            await bring_up_to_date(tx, order_id)

    kinds = ("order.shipped", "order.returned", "order.given_back", "order.cancelled", "order.updated", "refund.granted")
    return Consumer("invoicing.issue", dict.fromkeys(kinds, follow))


async def bring_up_to_date(tx: Tx, order_id: OrderId) -> None:
    """Invoices an order of which all has left, and credits what is taken off what was invoiced."""
    order = await orders.load(tx, order_id)
    if order.kind == OrderKind.SALE and order.fulfilment_status == "fulfilled":
        with contextlib.suppress(NothingToInvoice):
            await issue(tx, order_id)
    await correct(tx, order_id)
