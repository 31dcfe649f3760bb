"""The door to invoicing: who sells, numbers without gaps, and what was issued.

French law wants the numbers of a seller's invoices to be continuous and in the order of their days (CGI, annexe II, art. 242
nonies A): the number is taken from a locked row in the transaction that writes the invoice down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from comptoir.kernel.checking import Checks, invalid
from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import Currency
from comptoir.kernel.time import time_zone
from comptoir.modules.invoicing import store
from comptoir.modules.invoicing.contracts import HOUSE, InvoiceId, InvoiceIssued, Issued, Kind, Numbered, SellerDetails
from comptoir.modules.invoicing.errors import SellerUnknown, UnknownInvoice
from comptoir.modules.invoicing.keeping import KEPT_FOR_YEARS, forget_buyers, forget_due, kept_until
from comptoir.modules.invoicing.proving import prove
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Reader, Tx

__all__ = [
    "KEPT_FOR_YEARS",
    "forget_buyers",
    "forget_due",
    "get",
    "issue",
    "kept_until",
    "of_order",
    "of_orders",
    "prove",
    "put_seller",
    "seller",
]

_MOST = {
    "form": 80, "siren": 20, "siret": 30, "register": 80, "vat_number": 30, "line2": 200, "postcode": 20, "email": 200,
    "phone": 40, "website": 200, "mention": 600,
}  # fmt: skip
_LETTERS = {Kind.INVOICE: "F", Kind.CREDIT_NOTE: "A"}


async def seller(reader: Reader) -> SellerDetails | None:
    """Who answers for invoices; None until somebody has said it."""
    return await store.seller(reader, HOUSE)


async def put_seller(tx: Tx, details: SellerDetails) -> SellerDetails:
    """Says who answers for what is issued from now on. Raises Invalid."""
    checks = Checks()
    country = details.country.strip().upper()
    checks.require("country", len(country) == 2 and country.isalpha() and country.isascii(), "is a country's two letters")
    clean = replace(
        details,
        **{name: checks.words(name, getattr(details, name), least=1) for name in ("name", "legal_name", "line1", "city")},
        **{name: checks.words(name, getattr(details, name), most=most) for name, most in _MOST.items()},
        country=country,
        capital=checks.whole("capital", details.capital, 0, 2**53),
    )
    checks.parsed("time_zone", time_zone, details.time_zone, None)
    checks.done()
    await store.put_seller(tx, HOUSE, clean)
    return clean


async def issue(
    tx: Tx,
    kind: Kind,
    order_id: OrderId,
    total: int,
    currency: Currency,
    write: Callable[[Numbered, SellerDetails], bytes],
    *,
    refers_to: InvoiceId | None = None,
) -> Issued:
    """Issues it under the next number: `write` says what stands on it, as JSON. The order is locked. Raises SellerUnknown."""
    details = await seller(tx)
    if details is None:
        raise SellerUnknown
    if total < 0:
        raise invalid("total", "is not below nothing")
    today = tx.now.astimezone(ZoneInfo(details.time_zone)).date()
    serial, on = await store.next_serial(tx, HOUSE, kind, today)
    number = f"{_LETTERS[kind]}{today.year}-{serial:06d}"
    content = write(Numbered(number=number, issued_on=on), details)
    one = Issued(
        id=InvoiceId(uuid7()),
        kind=kind,
        number=number,
        order_id=order_id,
        refers_to=refers_to,
        issued_on=on,
        issued_at=tx.now,
        currency=currency,
        total=total,
        content=content,
    )
    await store.insert(tx, HOUSE, today.year, serial, one)
    tx.emit(InvoiceIssued(order_id=order_id, invoice_id=one.id, kind=kind, number=number, total=total, currency=currency))
    return one


async def of_order(reader: Reader, order_id: OrderId) -> list[Issued]:
    """What was issued for an order, the oldest first."""
    return await store.of_order(reader, order_id)


async def of_orders(reader: Reader, order_ids: Sequence[OrderId]) -> list[Issued]:
    """What was issued for these, the oldest first."""
    return await store.of_orders(reader, order_ids)


async def get(reader: Reader, invoice_id: InvoiceId) -> Issued:
    """Raises UnknownInvoice."""
    found = await store.get(reader, [invoice_id])
    if not found:
        raise UnknownInvoice(kind="invoice", id=invoice_id)
    return found[0]
