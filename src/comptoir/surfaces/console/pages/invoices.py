"""Invoices and credit notes of an order, on its page; and who sells, under Settings."""

from __future__ import annotations

from dataclasses import asdict
from typing import NamedTuple

import msgspec

from comptoir.i18n import N_
from comptoir.kernel.errors import Invalid, Refusal
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency, Money
from comptoir.modules.invoicing import api as invoicing
from comptoir.modules.invoicing.contracts import INVOICE_PREFIX, InvoiceId, Issued, Kind, SellerDetails
from comptoir.modules.invoicing.errors import UnknownInvoice
from comptoir.modules.orders.contracts import ORDER_PREFIX, OrderId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces import invoicing as issuing
from comptoir.surfaces.console.forms import Fields, FormRefused
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.settings_tabs import tabs
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.documents import api as documents

area = Area("orders")
settings = Area("settings")

SELLER = "/settings/seller"
_KINDS = {Kind.INVOICE: N_("Invoice"), Kind.CREDIT_NOTE: N_("Credit note")}


class Shown(NamedTuple):
    """One that was issued, as the page of its order shows it."""

    one: Issued
    word: str
    href: str


async def shown(visit: Visit, reader: Reader, order_id: OrderId) -> list[Shown]:
    return [
        Shown(one, visit.say(_KINDS[one.kind]), f"{order_href(order_id)}/invoices/{to_text(INVOICE_PREFIX, one.id)}")
        for one in await invoicing.of_order(reader, order_id)
    ]


@area.post("/orders/{order_id:str}/invoices", Permission.ORDERS_ACT)
async def issue(visit: Visit) -> Answer:
    order_id = OrderId(visit.path_id("order_id", ORDER_PREFIX))

    async def work(tx: Tx) -> Done:
        one = await issuing.issue(tx, order_id)
        await visit.record(tx, "invoice.issued", to_text(ORDER_PREFIX, order_id), {"number": one.number})
        return Done(order_href(order_id), visit.say(N_("Invoice %(number)s is issued."), number=one.number))

    try:
        return await visit.act(work)
    except Refusal as refusal:
        there = SELLER if refusal.code == "seller_unknown" and visit.may(Permission.CHANNELS_WRITE) else order_href(order_id)
        return visit.finish(Done(there, visit.refusal(refusal), tone="warn"))


@area.get("/orders/{order_id:str}/invoices/{invoice_id:str}", Permission.ORDERS_READ)
async def paper(visit: Visit) -> Answer:
    """As it was issued, in the buyer's language."""
    order_id = visit.path_id("order_id", ORDER_PREFIX)
    async with visit.read() as reader:
        one = await invoicing.get(reader, InvoiceId(visit.path_id("invoice_id", INVOICE_PREFIX)))
    if one.order_id != order_id:
        raise UnknownInvoice(kind="invoice", id=visit.path("invoice_id"))
    return visit.pdf(one.number, await documents.render(issuing.read(one).paper, issuing.locale(one)))


# Who sells


@settings.get(SELLER, Permission.CHANNELS_READ)
async def seller_page(visit: Visit) -> Answer:
    async with visit.read() as reader:
        known = await invoicing.seller(reader)
    return _page(visit, {} if known is None else _typed(known), known=known is not None)


def _typed(known: SellerDetails) -> dict[str, str]:
    values = {name: str(value) for name, value in asdict(known).items()}
    capital = Money(known.capital, Currency(known.capital_currency)).major
    return values | {"capital": f"{capital.normalize():f}" if known.capital else ""}


def _page(
    visit: Visit, values: dict[str, str], *, known: bool, errors: dict[str, str] | None = None, refused: str = ""
) -> Answer:
    return visit.respond(
        "settings/seller.html",
        status=422 if refused else 200,
        tabs=tabs(visit, "seller"),
        values={"country": "FR", "time_zone": "Europe/Paris"} | values,
        errors=errors or {},
        refused=refused,
        known=known,
        may_act=visit.may(Permission.CHANNELS_WRITE),
    )


@settings.post(SELLER, Permission.CHANNELS_WRITE)
async def save_seller(visit: Visit) -> Answer:
    fields = visit.fields()

    async def work(tx: Tx) -> Done:
        saved = await invoicing.put_seller(tx, _draft(fields))
        await visit.record(tx, "seller.changed", "", {"name": saved.name, "siren": saved.siren})
        return Done(SELLER, visit.say(N_("Saved. What is issued from now on says so.")))

    try:
        return await visit.act(work)
    except FormRefused as refusal:
        errors = refusal.errors
    except Invalid as refusal:
        found = msgspec.convert(refusal.data["errors"], list[dict[str, object]])
        errors = {str(one["path"]): visit.say(N_("This is not right.")) for one in found}
    return _page(visit, fields.values, known=True, errors=errors, refused=visit.say(N_("Something is not right yet.")))


def _draft(fields: Fields) -> SellerDetails:
    euro = Currency("EUR")
    draft = SellerDetails(
        **{name: fields.text(name, required=True) for name in ("name", "legal_name", "line1", "city")},
        **{
            name: fields.text(name)
            for name in (
                "form", "siren", "siret", "register", "vat_number", "line2", "postcode", "email", "phone", "website",
            )
        },
        country=fields.text("country", required=True, most=2),
        time_zone=fields.text("time_zone", required=True, most=64),
        mention=fields.text("mention", most=600, lines=True),
        capital=fields.money("capital", euro, least=0) if fields.raw("capital") else 0,
    )  # fmt: skip
    fields.done()
    return draft
