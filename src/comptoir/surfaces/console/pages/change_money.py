"""What can be done about the money of an order: a refund is granted, paid out, withdrawn; an account pays what is owed."""

from __future__ import annotations

from comptoir.i18n import N_
from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import from_text, to_text
from comptoir.kernel.money import Currency
from comptoir.kernel.time import utcnow
from comptoir.modules.changes.errors import MarketplacePays
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, Order
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import (
    ACCOUNT_PREFIX,
    CARD,
    CARD_TERMINAL,
    CASH,
    GRANT_PREFIX,
    Account,
    AccountDraft,
    AccountId,
    AccountKind,
    EntryKind,
    GrantId,
)
from comptoir.modules.payments.errors import BalanceTooLow, UnknownAccount
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.exporting import plain_amount
from comptoir.surfaces.console.pages import shown_once, store_desk
from comptoir.surfaces.console.pages.change_words import REASON_WORDS, is_marketplace, reason_words
from comptoir.surfaces.console.pages.order_forms import Asked, Sent, Values, Work
from comptoir.surfaces.console.pages.order_money import (
    BANK_TRANSFER,
    METHOD_WORDS,
    PAYMENT_KINDS,
    method_words,
)
from comptoir.surfaces.console.pages.shown_once import Shown
from comptoir.surfaces.console.web import Done, Visit
from comptoir.surfaces.notices.credit import tell_credit

BY_HAND = (CARD, CARD_TERMINAL, CASH, BANK_TRANSFER)
"""Methods by which people move money themselves."""
_OVER_WIRES = frozenset({CARD, BANK_TRANSFER})
"""What people move from a desk without moving it there."""
RECORDED = (EntryKind.CAPTURED, EntryKind.AUTHORISED, EntryKind.VOIDED)
REASONS = ("goodwill", "price", "late", "damaged", "error", "other")
_METHOD, _ACCOUNT, _NEW, _CODE = "m:", "a:", "new:", "code"


def amount_words(visit: Visit, amount: int, currency: Currency) -> str:
    return formatting.money(amount, currency, visit.page.locale)


# A payment that somebody writes down


async def show_payment(at: Asked) -> Values:
    order = at.details.order
    there = await orders.standing_of(at.reader, order)
    kind = EntryKind(at.typed["kind"]) if at.typed.get("kind") in set(RECORDED) else EntryKind.CAPTURED
    return {
        "kind": kind.value,
        "kinds": [(code.value, at.visit.say(PAYMENT_KINDS[code])) for code in RECORDED],
        "amount": _plain(at.visit, order, there.owed_by_buyer) if kind is EntryKind.CAPTURED else "",
        "methods": [method_words(at.visit, code) for code in BY_HAND],
    }


def _plain(visit: Visit, order: Order, amount: int) -> str:
    return plain_amount(amount, order.currency, visit.page.locale) if amount > 0 else ""


def read_payment(sent: Sent) -> Work:
    kind = sent.fields.choice("kind", EntryKind)
    if kind not in RECORDED:
        sent.fields.refuse("kind", N_("Choose one."))
    amount = sent.fields.money("amount", sent.order.currency)
    method = _code_of(sent.visit, sent.fields.text("method", required=True, most=60))
    if method in set(AccountKind):
        sent.fields.refuse("method", N_("Let the gift card or store credit pay instead: then its balance follows."))
    reference = sent.fields.text("reference", most=200)

    async def work(tx: Tx, locked: Order) -> str:
        at = _place(sent.visit, method)
        if await orders.pay(tx, locked.id, kind, method, amount, reference, location_id=at):
            return sent.visit.say(N_("The payment is written down."))
        return sent.visit.say(N_("This payment was known already: nothing was written twice."))

    return work


def _place(visit: Visit, method: str) -> LocationId | None:
    """The store where it moves: where this device stands, for what somebody hands over or puts into a terminal."""
    return None if method in _OVER_WIRES else store_desk.place_of(visit)


def _code_of(visit: Visit, typed: str) -> str:
    """What we call a method that was typed in the reader's words; any other as it was typed."""
    words = {method_words(visit, code).casefold(): code for code in METHOD_WORDS}
    return words.get(typed.casefold(), typed)


# A refund that is granted, or not any more


async def show_refund(at: Asked) -> Values:
    order = at.details.order
    there = await orders.standing_of(at.reader, order)
    most = max(0, there.owed_to_buyer - there.granted)
    return {
        "amount": _plain(at.visit, order, most),
        "owed": most,
        "reasons": [(code, at.visit.say(REASON_WORDS[code])) for code in REASONS],
    }


def read_refund(sent: Sent) -> Work:
    amount = sent.fields.money("amount", sent.order.currency)
    reason = sent.fields.one_of("reason", REASONS)

    async def work(tx: Tx, locked: Order) -> str:
        await orders.grant_refund(tx, locked.id, amount, reason)
        words = amount_words(sent.visit, amount, locked.currency)
        return sent.visit.say(N_("%(amount)s is promised to the buyer."), amount=words)

    return work


async def show_withdraw(at: Asked) -> Values:
    grant = await payments.get_grant(at.reader, at.details.order.id, _grant_id(at.typed.get("grant", "")))
    return {"grant": at.typed["grant"], "open": grant.open, "why": reason_words(at.visit, grant.reason)}


def read_withdraw(sent: Sent) -> Work:
    grant_id = GrantId(sent.fields.id("grant", GRANT_PREFIX))
    reason = sent.fields.text("reason", required=True)

    async def work(tx: Tx, locked: Order) -> str:
        await orders.withdraw_refund(tx, locked.id, grant_id, reason)
        return sent.visit.say(N_("This refund is promised no more."))

    return work


def _grant_id(text: str) -> GrantId:
    try:
        return GrantId(from_text(GRANT_PREFIX, text))
    except ValueError as problem:
        raise NotFound(kind="grant", id=text) from problem


# A refund that is paid out


async def show_payout(at: Asked) -> Values:
    order = at.details.order
    grant = await payments.get_grant(at.reader, order.id, _grant_id(at.typed.get("grant", "")))
    ways = await _ways(at, order)
    parts = payments.as_paid(at.details.payments, grant.open)
    first = f"{_METHOD}{parts[0][0]}" if parts and parts[0][0] not in set(AccountKind) else ""
    amount = parts[0][1] if first else grant.open
    return {
        "grant": at.typed["grant"],
        "open": grant.open,
        "why": reason_words(at.visit, grant.reason),
        "amount": _plain(at.visit, order, amount),
        "ways": ways,
        "way": first,
        "back": at.typed.get("back", ""),
    }


async def _ways(at: Asked, order: Order) -> list[tuple[str, str]]:
    """As it was paid, with how much may go back that way; then by what the house allows, and to accounts."""
    visit = at.visit
    ways: list[tuple[str, str]] = []
    offered: set[str] = set()
    for one in payments.by_method(at.details.payments):
        if one.left and one.method not in set(AccountKind):
            most = amount_words(visit, one.left, order.currency)
            named = (one.method, CARD_TERMINAL) if one.method == CARD else (one.method,)
            for method in named:
                words = visit.say(N_("%(method)s, up to %(amount)s"), method=method_words(visit, method), amount=most)
                ways.append((f"{_METHOD}{method}", words))
                offered.add(payments.family(method))
    ways += [
        (f"{_METHOD}{method}", method_words(visit, method))
        for method in visit.console.settings.refund_anyhow
        if payments.family(method) not in offered
    ]
    ways += [(f"{_ACCOUNT}{key}", words) for key, words in await _accounts(visit, at.reader, order)]
    ways.append((f"{_NEW}{AccountKind.STORE_CREDIT.value}", visit.say(N_("New store credit"))))
    ways.append((f"{_NEW}{AccountKind.GIFT_CARD.value}", visit.say(N_("New gift card"))))
    ways.append((_CODE, visit.say(N_("Gift card or store credit, by its code"))))
    return ways


async def _accounts(visit: Visit, reader: Reader, order: Order, *, with_money: bool = False) -> list[tuple[str, str]]:
    """The customer's own accounts in the order's currency, with what is on them."""
    if order.customer_id is None:
        return []
    now = utcnow()
    return [
        (to_text(ACCOUNT_PREFIX, one.id), account_words(visit, one))
        for one in await payments.accounts_of(reader, order.customer_id)
        if one.currency == order.currency and not one.expired(now) and (one.balance or not with_money)
    ]


def account_words(visit: Visit, one: Account) -> str:
    """`Store credit ····7KQ2, $12.00 on it`."""
    words = visit.say(N_("Store credit")) if one.kind is AccountKind.STORE_CREDIT else visit.say(N_("Gift card"))
    on_it = visit.say(N_("%(amount)s on it"), amount=amount_words(visit, one.balance, one.currency))
    return f"{words} ····{one.last4}, {on_it}"


def read_payout(sent: Sent) -> Work:
    fields, visit = sent.fields, sent.visit
    grant_id = GrantId(fields.id("grant", GRANT_PREFIX))
    back = fields.raw("back") == "refunds"
    amount = fields.money("amount", sent.order.currency)
    way, reference = fields.text("way", required=True), fields.text("reference", most=200)
    method = way.removeprefix(_METHOD) if way.startswith(_METHOD) else ""
    if way and not (method or way == _CODE or way.startswith((_ACCOUNT, _NEW))):
        fields.refuse("way", N_("Choose one."))
    if method == CARD_TERMINAL and not reference:
        fields.refuse("reference", N_("Type the number of the terminal's receipt."))
    if way == _CODE and not fields.raw("code"):
        fields.refuse("code", N_("Fill this in."))

    async def work(tx: Tx, locked: Order) -> Done:
        if await is_marketplace(visit, tx, locked):
            raise MarketplacePays(order_id=locked.id)
        code = None
        if method:
            known = not await orders.execute_refund(
                tx,
                locked.id,
                grant_id,
                amount,
                method,
                reference,
                anyhow=visit.console.settings.refund_anyhow,
                location_id=_place(visit, method),
            )
            if known:
                return _said(locked, visit.say(N_("This payment was known already: nothing was written twice.")), back=back)
        else:
            account, code = await _account(sent, tx, locked, way)
            at = _place(visit, account.kind)
            await orders.execute_refund(tx, locked.id, grant_id, amount, account.kind, account_id=account.id, location_id=at)
            if account.kind is AccountKind.STORE_CREDIT:
                await tell_credit(tx, visit.console.settings, locked.id, amount, code)
        told = amount_words(visit, amount, locked.currency)
        words = visit.say(N_("%(amount)s is paid out."), amount=told)
        return _said(locked, words, code and shown_once.seal(visit, Shown("account", told, code)), back=back)

    return work


def _said(order: Order, words: str, sealed: str | None = None, *, back: bool = False) -> Done:
    """On the order's page, or (`back`) in the list of what is to be paid out, where there is no code to be read."""
    href = f"/orders/{to_text(ORDER_PREFIX, order.id)}"
    if sealed:
        return Done(f"{href}?shown={sealed}", words)
    return Done("/orders/refunds" if back else href, words)


async def _account(sent: Sent, tx: Tx, order: Order, way: str) -> tuple[Account, str | None]:
    """The account that gets it, and the code of a new one."""
    if way.startswith(_NEW):
        kind = way.removeprefix(_NEW)
        if kind not in set(AccountKind):
            raise invalid("way", "is no kind of account")
        draft = AccountDraft(kind=AccountKind(kind), currency=order.currency, amount=0, customer_id=order.customer_id)
        return await payments.issue(tx, draft)
    return await _there(sent, tx, order, way), None


async def _there(sent: Sent, reader: Reader, order: Order, way: str) -> Account:
    """An account of the customer's, or the one whose code was typed. Raises UnknownAccount."""
    if way == _CODE:
        return await payments.account_by_code(reader, sent.fields.raw("code"))
    try:
        account = await payments.get_account(reader, AccountId(from_text(ACCOUNT_PREFIX, way.removeprefix(_ACCOUNT))))
    except ValueError as problem:
        raise UnknownAccount(kind="account", id=way) from problem
    if account.customer_id is None or account.customer_id != order.customer_id:
        raise UnknownAccount(kind="account", id=way)
    return account


# An account that pays


async def show_spend(at: Asked) -> Values:
    order = at.details.order
    there = await orders.standing_of(at.reader, order)
    own = [(f"{_ACCOUNT}{key}", words) for key, words in await _accounts(at.visit, at.reader, order, with_money=True)]
    ways = [*own, (_CODE, at.visit.say(N_("Gift card or store credit, by its code")))]
    return {"ways": ways, "way": ways[0][0], "owed": there.owed_by_buyer}


def read_spend(sent: Sent) -> Work:
    fields = sent.fields
    way = fields.text("way", required=True)
    if way and way != _CODE and not way.startswith(_ACCOUNT):
        fields.refuse("way", N_("Choose one."))
    if way == _CODE and not fields.raw("code"):
        fields.refuse("code", N_("Fill this in."))
    amount = fields.money("amount", sent.order.currency) if fields.raw("amount") else None

    async def work(tx: Tx, locked: Order) -> str:
        account = await _there(sent, tx, locked, way)
        if account.balance == 0:
            raise BalanceTooLow(balance=0, asked=amount or 0)
        spent = await orders.spend(tx, locked.id, account.id, amount, location_id=_place(sent.visit, account.kind))
        return sent.visit.say(N_("%(amount)s is paid."), amount=amount_words(sent.visit, spent, locked.currency))

    return work
