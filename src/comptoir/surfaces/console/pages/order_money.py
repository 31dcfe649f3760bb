"""The money of an order in words: from goods to total, what was paid, and what units that come back are worth."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.kernel.money import exponent
from comptoir.modules.orders.api import share
from comptoir.modules.orders.contracts import (
    Order,
    OrderDetails,
    OrderLine,
)
from comptoir.modules.payments.contracts import EntryKind
from comptoir.sdk.orders import LineKind
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.web import Visit


def sums(visit: Visit, details: OrderDetails) -> list[tuple[str, str]]:
    """The order's money from goods to total, in words."""
    order = details.order
    rows = [(visit.say(N_("Goods")), sum(line.amount for line in order.lines if line.kind == LineKind.ITEM))]
    rows += [(line.name or visit.say(N_("Charge")), line.amount) for line in order.lines if line.kind != LineKind.ITEM]
    rows += [(label, -amount) for label, amount in _discounts(visit, order).items()]
    if order.tax and not order.tax_included:
        rows.append((visit.say(N_("Tax")), order.tax))
    rows.append((visit.say(N_("Total")), order.total))
    return [(word, formatting.money(amount, order.currency, visit.page.locale)) for word, amount in rows]


def _discounts(visit: Visit, order: Order) -> dict[str, int]:
    """What was taken off, by its label or code."""
    found: dict[str, int] = {}
    for line in order.lines:
        for discount in line.discounts or ():
            label = str(discount.get("label") or discount.get("code") or visit.say(N_("Discount")))
            found[label] = found.get(label, 0) + int(str(discount.get("amount", 0)))
    return found or ({visit.say(N_("Discount")): order.discount} if order.discount else {})


def balance(visit: Visit, order: Order) -> list[tuple[str, str]]:
    """What has been paid and given back, and what is still owed, either way."""
    owed = order.total - order.captured + order.refunded
    rows = [(N_("Authorisation"), order.authorised)] if order.authorised and not order.captured else []
    rows += [(N_("Paid so far"), order.captured)]
    rows += [(N_("Refunded so far"), -order.refunded)] if order.refunded else []
    rows += [(N_("Still to pay") if owed >= 0 else N_("Paid too much"), abs(owed))]
    return [(visit.say(word), formatting.money(amount, order.currency, visit.page.locale)) for word, amount in rows]


PAYMENT_KINDS = {
    EntryKind.AUTHORISED: N_("Authorisation"),
    EntryKind.CAPTURED: N_("Payment received"),
    EntryKind.VOIDED: N_("Authorisation voided"),
    EntryKind.REFUNDED: N_("Refund"),
}


def unit_price(visit: Visit, order: Order, line: OrderLine) -> str:
    """Prices may have more digits than the currency has: then the number stands alone."""
    minor = line.unit_price.scaleb(exponent(order.currency))
    if minor == minor.to_integral_value():
        return formatting.money(int(minor), order.currency, visit.page.locale)
    return formatting.number(line.unit_price, visit.page.locale, 4)


def payment_word(visit: Visit, kind: EntryKind) -> str:
    return visit.say(PAYMENT_KINDS[kind])


def refundable(order: Order, typed: Mapping[str, str]) -> int:
    """What the units that were typed stand for, to the cent."""
    total = 0
    for line in order.lines:
        text = typed.get(f"line-{line.line_no}", "")
        units = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        units = min(units, line.shipped - line.returned)
        if units > 0:
            total += share(line.total, line.quantity, line.returned, units)
    return total
