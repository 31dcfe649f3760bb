"""Customers: who they are, by which keys we know them, and what they have ordered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CUSTOMER_PREFIX, EMAIL, LOYALTY, PHONE, Customer, CustomerFilter, CustomerId
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import ConsentSource, Medium
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderFilter
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.pages.accounts import accounts_rows
from comptoir.surfaces.console.pages.message_words import of_addresses
from comptoir.surfaces.console.pages.naming import channels_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("orders")

SORTS = ("name", "created")
KEY_WORDS = {EMAIL: N_("E-mail"), PHONE: N_("Phone"), LOYALTY: N_("Loyalty number")}
KEY_ICONS = {EMAIL: "mail", PHONE: "phone", LOYALTY: "wallet"}


@area.get("/customers", Permission.CUSTOMERS_READ)
async def customer_list(visit: Visit) -> Answer:
    wanted = CustomerFilter(search=visit.param("q"), tag=visit.param("tag"))
    sort = visit.sort(SORTS, "name")
    if visit.wants_csv:
        return visit.csv("customers", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await customers.find(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        total = await customers.count(reader, wanted)
    return visit.respond(
        "customers/list.html",
        "customers/_results.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        total=total,
        sort=sort,
        href=_href,
        key_icon=_key_icon,
        called=partial(_called, visit),
    )


def _called(visit: Visit, customer: Customer) -> str:
    """The name; whoever gave none goes by the first key that we know."""
    first = next((key.value for key in customer.identities), "")
    return customer.name or customer.company or first or visit.say(N_("Without a name"))


def _href(customer_id: CustomerId) -> str:
    return f"/customers/{to_text(CUSTOMER_PREFIX, customer_id)}"


def _key_icon(kind: str) -> str:
    return KEY_ICONS.get(kind, "user-circle")


_COLUMNS = (N_("Name"), N_("Company"), N_("E-mail"), N_("Phone"), N_("Loyalty number"), N_("Known since"))


async def _exported(visit: Visit, wanted: CustomerFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        async for one in customers.stream(reader, wanted, sort=sort):
            keys = [next((key.value for key in one.identities if key.kind == kind), "") for kind in (EMAIL, PHONE, LOYALTY)]
            yield (one.name, one.company, *keys, one.created_at)


@area.get("/customers/{customer_id:str}", Permission.CUSTOMERS_READ)
async def customer_page(visit: Visit) -> Answer:
    customer_id = CustomerId(visit.path_id("customer_id", CUSTOMER_PREFIX))
    async with visit.read() as reader:
        customer = await customers.get(reader, customer_id)
        wanted = OrderFilter(customer=customer_id)
        page = await orders.find(reader, wanted, limit=20, cursor=visit.cursor)
        total = await orders.count(reader, wanted)
        channels = await channels_of(visit, reader)
        own = await accounts_rows(visit, reader, customer_id)
        emails, phones = ([key.value for key in customer.identities if key.kind == kind] for kind in (EMAIL, PHONE))
        said = await notices.latest(reader, [*emails, *phones])
    keys = [(_key_word(visit, key.kind), key.value, KEY_ICONS.get(key.kind, "user-circle")) for key in customer.identities]
    return visit.respond(
        "customers/detail.html",
        "customers/_orders.html",
        customer=customer,
        called=partial(_called, visit),
        keys=keys,
        rows=page.items,
        before=page.previous,
        after=page.next,
        total=total,
        channels=channels,
        href=order_href,
        all_href=f"/orders?customer={to_text(CUSTOMER_PREFIX, customer_id)}",
        accounts=own,
        messages=of_addresses(visit, emails, phones, said),
        messages_href=f"{_href(customer_id)}/messages",
        may_say=visit.may(Permission.ORDERS_ACT),
        issue_href=f"{_href(customer_id)}/accounts/new",
        erase_href=f"{_href(customer_id)}/erase" if visit.may(Permission.CUSTOMERS_ERASE) else "",
    )


@area.post("/customers/{customer_id:str}/messages", Permission.ORDERS_ACT)
async def say_messages(visit: Visit) -> Answer:
    """Somebody has told one of us which messages they want, or want no more."""
    customer_id = CustomerId(visit.path_id("customer_id", CUSTOMER_PREFIX))
    fields = visit.fields()
    address, medium = fields.raw("address"), fields.choice("medium", Medium)
    allowed = fields.raw("allowed") == "yes"
    fields.done()

    async def work(tx: Tx) -> Done:
        customer = await customers.get(tx, customer_id)
        if address not in {key.value for key in customer.identities}:
            raise NotFound(kind="identity")
        await notices.say(tx, address, [medium], ConsentSource.STAFF, allowed=allowed)
        data = {"medium": medium.value, "allowed": allowed}
        await visit.record(tx, "notice_consent.set", to_text(CUSTOMER_PREFIX, customer_id), data)
        return Done(_href(customer_id), visit.say(N_("It is written down.")))

    return await visit.act(work)


def _key_word(visit: Visit, kind: str) -> str:
    if kind in KEY_WORDS:
        return visit.say(KEY_WORDS[kind])
    return visit.say(N_("Account in %(channel)s"), channel=kind.partition(":")[2])
