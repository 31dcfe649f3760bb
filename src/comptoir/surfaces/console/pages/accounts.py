"""Gift cards and store credit: what is on them, every movement, and putting money on or taking it off with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from urllib.parse import urlencode

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.kernel.time import utcnow
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CUSTOMER_PREFIX, CustomerId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import (
    ACCOUNT_PREFIX,
    Account,
    AccountDraft,
    AccountEntryKind,
    AccountId,
    AccountKind,
)
from comptoir.modules.pricing import api as pricing
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import asking, shown_once
from comptoir.surfaces.console.pages.amounts import house_currency
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.shown_once import Shown
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("orders")

KIND_WORDS: Mapping[AccountKind, str] = {
    AccountKind.STORE_CREDIT: N_("Store credit"),
    AccountKind.GIFT_CARD: N_("Gift card"),
}
KIND_ICONS: Mapping[AccountKind, str] = {AccountKind.STORE_CREDIT: "wallet", AccountKind.GIFT_CARD: "gift"}
ENTRY_WORDS: Mapping[AccountEntryKind, str] = {
    AccountEntryKind.ISSUED: N_("Issued"),
    AccountEntryKind.SPENT: N_("Spent"),
    AccountEntryKind.GIVEN_BACK: N_("Refund"),
    AccountEntryKind.EXPIRED: N_("Expired"),
    AccountEntryKind.ADJUSTED: N_("Corrected"),
}


class Way(StrEnum):
    ON = "on"
    OFF = "off"


def account_href(account_id: AccountId) -> str:
    return f"/accounts/{to_text(ACCOUNT_PREFIX, account_id)}"


def _customer_href(account: Account) -> str:
    return f"/customers/{to_text(CUSTOMER_PREFIX, account.customer_id)}" if account.customer_id is not None else ""


def called(visit: Visit, account: Account) -> str:
    return f"{visit.say(KIND_WORDS[account.kind])} ····{account.last4}"


def _id(visit: Visit) -> AccountId:
    return AccountId(visit.path_id("account_id", ACCOUNT_PREFIX))


async def accounts_rows(visit: Visit, reader: Reader, customer_id: CustomerId) -> list[tuple[str, str, str, str, str]]:
    """A customer's accounts for their page: (address, icon, name, until when, balance)."""
    now, locale = utcnow(), visit.page.locale
    return [
        (
            account_href(one.id),
            KIND_ICONS[one.kind],
            called(visit, one),
            _until(visit, one, now),
            formatting.money(one.balance, one.currency, locale),
        )
        for one in await payments.accounts_of(reader, customer_id)
    ]


def _until(visit: Visit, one: Account, now: datetime) -> str:
    if one.expires_at is None:
        return ""
    day = formatting.day(one.expires_at.astimezone(visit.page.zone).date(), visit.page.locale, visit.page.zone)
    return visit.say(N_("expired on %(day)s"), day=day) if one.expired(now) else visit.say(N_("until %(day)s"), day=day)


@area.get("/accounts/{account_id:str}", Permission.CUSTOMERS_READ)
async def account_page(visit: Visit) -> Answer:
    async with visit.read() as reader:
        account = await payments.get_account(reader, _id(visit))
        entries = await payments.account_entries(reader, account.id)
        numbers = await orders.numbers(reader, [OrderId(one.order_id) for one in entries if one.order_id is not None])
        channels = await channels_of(visit, reader)
        people = await people_of(visit, reader, [account.actor, *(one.actor for one in entries)], channels)
        own = await customers.names(reader, [CustomerId(account.customer_id)]) if account.customer_id is not None else {}
    return visit.respond(
        "accounts/account.html",
        account=account,
        called=called(visit, account),
        kind_icon=KIND_ICONS[account.kind],
        until=_until(visit, account, utcnow()),
        expired=account.expired(utcnow()),
        entries=entries[::-1],
        entry_words={code: visit.say(word) for code, word in ENTRY_WORDS.items()},
        numbers=numbers,
        people=people,
        customer=next(iter(own.values()), "") or visit.say(N_("Customer")),
        customer_href=_customer_href(account),
        order_href=order_href,
        href=account_href(account.id),
        may_adjust=visit.may(Permission.ORDERS_APPROVE),
        shown=shown_once.shown(visit),
    )


# Put on, take off


@area.get("/accounts/{account_id:str}/adjust", Permission.ORDERS_APPROVE)
async def adjust_form(visit: Visit) -> Answer:
    return await _adjusting(visit, asking.NOTHING_TYPED)


async def _adjusting(visit: Visit, typed: Typed) -> Answer:
    async with visit.read() as reader:
        account = await payments.get_account(reader, _id(visit))
    href = account_href(account.id)
    question = Question(
        title=visit.say(N_("Correct the balance")),
        fields="accounts/_adjust.html",
        action=f"{href}/adjust",
        back=href,
        confirm=visit.say(N_("Write it down")),
        words=visit.say(N_("It stays in the movements, with your name and the reason.")),
        crumbs=[(called(visit, account), href)],
    )
    ways = [(Way.ON.value, visit.say(N_("Put on it"))), (Way.OFF.value, visit.say(N_("Take off it")))]
    return asking.ask(visit, question, typed, {}, account=account, ways=ways)


@area.post("/accounts/{account_id:str}/adjust", Permission.ORDERS_APPROVE)
async def adjust(visit: Visit) -> Answer:
    fields, account_id = visit.fields(), _id(visit)
    async with visit.read() as reader:
        account = await payments.get_account(reader, account_id)
    way = fields.choice("way", Way)
    amount = fields.money("amount", account.currency)
    reason = fields.text("reason", required=True, most=200)
    signed = amount if way is Way.ON else -amount

    async def work(tx: Tx) -> Done:
        await payments.adjust_account(tx, account_id, signed, reason)
        told = {"amount": signed, "currency": account.currency, "reason": reason}
        await visit.record(tx, "account.adjusted", to_text(ACCOUNT_PREFIX, account_id), told)
        return Done(account_href(account_id), visit.say(N_("The balance is corrected.")))

    return await asking.answer(visit, fields, work, lambda typed: _adjusting(visit, typed))


# Issue


def _customer_id(visit: Visit) -> CustomerId:
    return CustomerId(visit.path_id("customer_id", CUSTOMER_PREFIX))


@area.get("/customers/{customer_id:str}/accounts/new", Permission.ORDERS_APPROVE)
async def issue_form(visit: Visit) -> Answer:
    return await _issuing(visit, asking.NOTHING_TYPED)


async def _issuing(visit: Visit, typed: Typed) -> Answer:
    async with visit.read() as reader:
        customer = await customers.get(reader, _customer_id(visit))
        currencies, usual = await _currencies(reader)
    back = f"/customers/{to_text(CUSTOMER_PREFIX, customer.id)}"
    question = Question(
        title=visit.say(N_("Issue store credit or a gift card")),
        fields="accounts/_issue.html",
        action=f"{back}/accounts/new",
        back=back,
        confirm=visit.say(N_("Issue it")),
        icon="gift",
        words=visit.say(N_("Its code is shown once, right afterwards. Whoever knows it may spend what is on it.")),
        crumbs=[(visit.say(N_("Customers")), "/customers"), (customer.name or customer.company or "…", back)],
    )
    values = {"currency": usual, "kind": AccountKind.STORE_CREDIT.value}
    kinds = [(code.value, visit.say(word)) for code, word in KIND_WORDS.items()]
    return asking.ask(visit, question, typed, values, kinds=kinds, currencies=[(code, code) for code in currencies])


async def _currencies(reader: Reader) -> tuple[Sequence[Currency], Currency]:
    usual = await house_currency(reader)
    return sorted({usual, *(market.currency for market in await pricing.markets(reader))}), usual


@area.post("/customers/{customer_id:str}/accounts/new", Permission.ORDERS_APPROVE)
async def issue(visit: Visit) -> Answer:
    fields, customer_id = visit.fields(), _customer_id(visit)
    async with visit.read() as reader:
        await customers.get(reader, customer_id)
        currencies, usual = await _currencies(reader)
    kind = fields.choice("kind", AccountKind)
    code = Currency(fields.one_of("currency", currencies, usual))
    amount = fields.money("amount", code)
    reason = fields.text("reason", required=True, most=200)
    until = _day(visit, fields.raw("until"))
    if fields.raw("until") and (until is None or until <= utcnow()):
        fields.refuse("until", N_("Type a day in the future."))

    async def work(tx: Tx) -> Done:
        draft = AccountDraft(
            kind=kind, currency=code, amount=amount, customer_id=customer_id, expires_at=until, note=reason, reference=reason
        )
        made, secret = await payments.issue(tx, draft)
        told = {"kind": kind.value, "amount": amount, "currency": code, "reason": reason}
        await visit.record(tx, "account.issued", to_text(ACCOUNT_PREFIX, made.id), told)
        worth = formatting.money(amount, code, visit.page.locale)
        shown = shown_once.seal(visit, Shown("account", worth, secret))
        return Done(f"{account_href(made.id)}?{urlencode({'shown': shown})}", visit.say(N_("It is issued.")))

    return await asking.answer(visit, fields, work, lambda typed: _issuing(visit, typed))


def _day(visit: Visit, text: str) -> datetime | None:
    """The end of a day of the reader's; None for what is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime.combine(day, time(), visit.page.zone) + timedelta(days=1)
