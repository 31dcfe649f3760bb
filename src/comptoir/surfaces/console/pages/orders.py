"""The order book: the list and its export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CUSTOMER_PREFIX, CustomerFilter, CustomerId
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.api import FulfilmentStatus, PaymentStatus, ReturnStatus
from comptoir.modules.orders.contracts import (
    ORDER_PREFIX,
    OrderFilter,
    OrderSummary,
    Owed,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages.naming import channels_of, places_of
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Visit, plain_amount

area = Area("orders")

E = TypeVar("E", bound=StrEnum)

SORTS = ("placed", "total", "number")
FULFILMENT_WORDS = {
    FulfilmentStatus.UNFULFILLED: N_("To ship"),
    FulfilmentStatus.BACKORDERED: N_("Waiting for stock"),
    FulfilmentStatus.PARTIAL: N_("Partly shipped"),
    FulfilmentStatus.FULFILLED: N_("Completed"),
    FulfilmentStatus.CANCELLED: N_("Cancelled"),
}
PAYMENT_WORDS = {
    PaymentStatus.PENDING: N_("Unpaid"),
    PaymentStatus.AUTHORISED: N_("Authorised"),
    PaymentStatus.PARTIAL: N_("Partly paid"),
    PaymentStatus.PAID: N_("Paid"),
    PaymentStatus.OVERPAID: N_("Overpaid"),
    PaymentStatus.NOTHING_DUE: N_("Nothing due"),
    PaymentStatus.REFUNDED: N_("Refunded"),
    PaymentStatus.PARTLY_REFUNDED: N_("Partly refunded"),
}
RETURN_WORDS = {
    ReturnStatus.NONE: N_("None"),
    ReturnStatus.PARTIAL: N_("Partly returned"),
    ReturnStatus.RETURNED: N_("Returned"),
}
OWED_WORDS = {Owed.TO_BUYER: N_("to the buyer"), Owed.BY_BUYER: N_("by the buyer")}
TABS: dict[str, tuple[str, OrderFilter]] = {
    "": (N_("All"), OrderFilter()),
    "ship": (N_("To ship"), OrderFilter(fulfilment=(FulfilmentStatus.UNFULFILLED, FulfilmentStatus.PARTIAL))),
    "waiting": (N_("Waiting for stock"), OrderFilter(fulfilment=(FulfilmentStatus.BACKORDERED,))),
    "exceptions": (N_("With exceptions"), OrderFilter(has_exception=True)),
    "returns": (N_("Returns"), OrderFilter(returned=(ReturnStatus.PARTIAL, ReturnStatus.RETURNED))),
}


def order_href(order_id: UUID) -> str:
    return f"/orders/{to_text(ORDER_PREFIX, order_id)}"


async def _wanted(visit: Visit, reader: Reader) -> OrderFilter:
    """What the address asks for."""
    q = visit.param("q").strip()
    wanted = TABS.get(visit.param("tab"), TABS[""])[1]
    found: tuple[UUID, ...] = ()
    location = visit.optional_id("location", LOCATION_PREFIX)
    if q and visit.may(Permission.CUSTOMERS_READ) and any(char.isalpha() for char in q):
        found = tuple(one.id for one in (await customers.find(reader, CustomerFilter(search=q), limit=50)).items)
    return replace(
        wanted,
        channels=(visit.param("channel"),) if visit.param("channel") else (),
        fulfilment=_chosen(visit, "fulfilment", FulfilmentStatus) or wanted.fulfilment,
        payment=_chosen(visit, "payment", PaymentStatus),
        owed=next(iter(_chosen(visit, "owed", Owed)), None),
        returned=_chosen(visit, "returned", ReturnStatus) or wanted.returned,
        has_exception={"yes": True, "no": False}.get(visit.param("exception"), wanted.has_exception),
        placed_from=visit.day("on_from"),
        placed_before=visit.day("on_to", end=True),
        customer=visit.optional_id("customer", CUSTOMER_PREFIX),
        location=LocationId(location) if location is not None else None,
        search=q,
        search_customers=found,
    )


def _chosen(visit: Visit, name: str, kind: type[E]) -> tuple[E, ...]:
    text = visit.param(name)
    return (kind(text),) if text in set(kind) else ()


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter in words."""

    label: str
    word: str
    name: str


@area.get("/orders", Permission.ORDERS_READ)
async def order_list(visit: Visit) -> Answer:
    sort = visit.sort(SORTS, "-placed")
    if visit.wants_csv:
        async with visit.read() as reader:
            wanted = await _wanted(visit, reader)
        return visit.csv("orders", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        wanted = await _wanted(visit, reader)
        page = await orders.find(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        total = await orders.count(reader, wanted)
        channels = await channels_of(visit, reader)
        places = await places_of(reader, [row.location_id for row in page.items])
        buyers = await _buyers(visit, reader, page.items)
    chips = _chips(visit, channels.options)
    return visit.respond(
        "orders/list.html",
        "orders/_results.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        total=total,
        sort=sort,
        channels=channels,
        places=places,
        buyers=buyers,
        href=order_href,
        chips=[(chip.label, chip.word, chip.name) for chip in chips],
        tabs=[
            (visit.say(word), _tab_href(visit, key), key == visit.param("tab"), _tab_count(visit, key))
            for key, (word, _) in TABS.items()
        ],
        fulfilments=_options(visit, FULFILMENT_WORDS),
        payments=_options(visit, PAYMENT_WORDS),
        owing=_options(visit, OWED_WORDS),
        returns=_options(visit, RETURN_WORDS),
        is_empty=not page.items and not chips and not visit.param("q") and not visit.param("tab"),
        is_tab_empty=not page.items and not chips and not visit.param("q"),
    )


async def _buyers(visit: Visit, reader: Reader, rows: Sequence[OrderSummary]) -> dict[UUID, str]:
    """The names of the customers whose orders do not carry one."""
    unnamed = {CustomerId(row.customer_id) for row in rows if row.customer_id is not None and not row.buyer_name}
    if not unnamed or not visit.may(Permission.CUSTOMERS_READ):
        return {}
    return {**await customers.names(reader, sorted(unnamed))}


def _options(visit: Visit, words: dict[E, str]) -> list[tuple[str, str]]:
    return [(code.value, visit.say(word)) for code, word in words.items()]


def _tab_href(visit: Visit, key: str) -> str:
    return visit.page.href(tab=key, fulfilment=None, returned=None, exception=None)


def _tab_count(visit: Visit, key: str) -> int | None:
    return visit.page.counts.get("exceptions") if key == "exceptions" else None


def _chips(visit: Visit, channels: Sequence[tuple[str, str]]) -> list[Chip]:
    """The filters that hold, so that each can be taken away."""
    words = {
        "channel": (N_("Channel"), dict(channels)),
        "fulfilment": (N_("State"), {code.value: visit.say(word) for code, word in FULFILMENT_WORDS.items()}),
        "payment": (N_("Payment"), {code.value: visit.say(word) for code, word in PAYMENT_WORDS.items()}),
        "owed": (N_("Owed"), {code.value: visit.say(word) for code, word in OWED_WORDS.items()}),
        "returned": (N_("Return"), {code.value: visit.say(word) for code, word in RETURN_WORDS.items()}),
        "exception": (N_("Exception"), {"yes": visit.say(N_("yes")), "no": visit.say(N_("no"))}),
    }
    chips = [
        Chip(visit.say(label), known.get(visit.param(name), visit.param(name)), name)
        for name, (label, known) in words.items()
        if visit.param(name)
    ]
    for name, label in (
        ("on_from", N_("From")),
        ("on_to", N_("To")),
        ("customer", N_("Customer")),
        ("location", N_("Location")),
    ):
        if visit.param(name):
            chips.append(Chip(visit.say(label), visit.param(name), name))
    return chips


_COLUMNS = (
    N_("Order"), N_("Channel"), N_("Number in the channel"), N_("Placed"), N_("Customer"), N_("Units"), N_("Total"), N_("Paid"),
    N_("Refunded"), N_("Owed to the buyer"), N_("Currency"), N_("State"), N_("Payment"), N_("Return"), N_("Exceptions"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: OrderFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    locale = visit.page.locale
    async with visit.read() as reader:
        channels = await channels_of(visit, reader)
        async for row in orders.stream(reader, wanted, sort=sort):
            yield (
                row.number,
                channels[row.channel_code].name,
                row.external_id,
                row.placed_at,
                row.buyer_name,
                row.quantity,
                *(plain_amount(amount, row.currency, locale) for amount in (row.total, row.captured, row.refunded, row.owed)),
                row.currency,
                visit.say(FULFILMENT_WORDS[FulfilmentStatus(row.fulfilment_status)]),
                visit.say(PAYMENT_WORDS[PaymentStatus(row.payment_status)]),
                visit.say(RETURN_WORDS[ReturnStatus(row.return_status)]),
                row.exceptions,
            )
