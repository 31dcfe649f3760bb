"""The money of an order in words: from goods to total, what was paid, what is owed either way, and how it goes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency, exponent
from comptoir.modules.orders.contracts import Order, OrderDetails, OrderLine
from comptoir.modules.payments.contracts import (
    CARD,
    CARD_TERMINAL,
    CASH,
    GRANT_PREFIX,
    AccountKind,
    EntryKind,
    Grant,
    GrantState,
    Standing,
)
from comptoir.sdk.orders import LineKind
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.change_words import line_name, reason_words
from comptoir.surfaces.console.web import Visit

BANK_TRANSFER = "bank transfer"
METHOD_WORDS: Mapping[str, str] = {
    CARD: N_("card"),
    CARD_TERMINAL: N_("card terminal"),
    CASH: N_("cash"),
    BANK_TRANSFER: N_("bank transfer"),
    AccountKind.GIFT_CARD: N_("gift card"),
    AccountKind.STORE_CREDIT: N_("store credit"),
}
"""What Comptoir calls methods; a channel's own are shown as it calls them."""
PAYMENT_KINDS = {
    EntryKind.AUTHORISED: N_("Authorisation"),
    EntryKind.CAPTURED: N_("Payment received"),
    EntryKind.VOIDED: N_("Authorisation voided"),
    EntryKind.REFUNDED: N_("Refund"),
}
GRANT_STATES: Mapping[GrantState, tuple[str, str]] = {
    GrantState.PENDING: (N_("to be paid out"), "warn"),
    GrantState.PARTLY: (N_("partly paid out"), "warn"),
    GrantState.EXECUTED: (N_("paid out"), "good"),
    GrantState.WITHDRAWN: (N_("withdrawn"), "neutral"),
}


def sums(visit: Visit, details: OrderDetails) -> list[tuple[str, str]]:
    """The order's money from goods to total, in words."""
    order = details.order
    rows = [(visit.say(N_("Goods")), sum(line.amount for line in order.lines if line.kind == LineKind.ITEM))]
    rows += [(line_name(visit, line), line.amount) for line in order.lines if line.kind != LineKind.ITEM]
    rows += [(label, -amount) for label, amount in _discounts(visit, order).items()]
    if order.tax and not order.tax_included:
        rows.append((visit.say(N_("Tax")), order.tax))
    rows.append((visit.say(N_("Total")), order.total))
    return _told(visit, order.currency, rows)


def _told(visit: Visit, currency: Currency, rows: Iterable[tuple[str, int]]) -> list[tuple[str, str]]:
    return [(word, formatting.money(amount, currency, visit.page.locale)) for word, amount in rows]


def _discounts(visit: Visit, order: Order) -> dict[str, int]:
    """What was taken off, by its label or code."""
    found: dict[str, int] = {}
    for line in order.lines:
        for discount in line.discounts or ():
            label = str(discount.get("label") or discount.get("code") or visit.say(N_("Discount")))
            found[label] = found.get(label, 0) + int(str(discount.get("amount", 0)))
    return found or ({visit.say(N_("Discount")): order.discount} if order.discount else {})


def balance(visit: Visit, there: Standing) -> list[tuple[str, str]]:
    """What is left to pay for, what has been paid and given back, and what is still owed, either way."""
    rows = [(N_("Worth now"), there.value)] if there.value != there.total else []
    rows += [(N_("Authorisation"), there.authorised)] if there.authorised and not there.captured else []
    rows += [(N_("Paid so far"), there.captured)]
    rows += [(N_("Refunded so far"), -there.refunded)] if there.refunded else []
    owed = there.value - there.paid
    rows += [(N_("Still to pay") if owed >= 0 else N_("Owed to the buyer"), abs(owed))]
    return _told(visit, there.currency, [(visit.say(word), amount) for word, amount in rows])


class GrantRow(NamedTuple):
    """A refund that was granted, as the page of its order shows it. `id` is empty where nothing more can be done with it."""

    id: str
    grant: Grant
    words: str
    state: str
    tone: str


def grant_rows(visit: Visit, grants: Sequence[Grant]) -> list[GrantRow]:
    """The latest first."""
    rows: list[GrantRow] = []
    for one in reversed(grants):
        word, tone = GRANT_STATES[one.state]
        moved = ""
        if one.executed and one.executed != one.amount:
            paid = formatting.money(one.executed, one.currency, visit.page.locale)
            moved = visit.say(N_("%(amount)s of it has moved"), amount=paid)
        words = " · ".join(part for part in (reason_words(visit, one.reason), moved) if part)
        rows.append(GrantRow(to_text(GRANT_PREFIX, one.id) if one.open else "", one, words, visit.say(word), tone))
    return rows


def method_words(visit: Visit, method: str) -> str:
    return visit.say(METHOD_WORDS[method]) if method in METHOD_WORDS else method


def parts_words(visit: Visit, parts: Iterable[tuple[str, int]], currency: Currency) -> str:
    """`card $12.00, cash $3.00`."""
    locale = visit.page.locale
    return ", ".join(f"{method_words(visit, method)} {formatting.money(part, currency, locale)}" for method, part in parts)


def unit_price(visit: Visit, order: Order, line: OrderLine) -> str:
    """Prices may have more digits than the currency has: then the number stands alone."""
    minor = line.unit_price.scaleb(exponent(order.currency))
    if minor == minor.to_integral_value():
        return formatting.money(int(minor), order.currency, visit.page.locale)
    return formatting.number(line.unit_price, visit.page.locale, 4)


def payment_word(visit: Visit, kind: EntryKind) -> str:
    return visit.say(PAYMENT_KINDS[kind])
