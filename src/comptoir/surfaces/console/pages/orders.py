"""The order book: the list, one order with everything around it, and its export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import TypeVar
from uuid import UUID

from comptoir import i18n
from comptoir.i18n import N_, ngettext
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import exponent
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CUSTOMER_PREFIX, CustomerFilter, CustomerId
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.api import FulfilmentStatus, PaymentStatus, ReturnStatus
from comptoir.modules.orders.contracts import (
    EXCEPTION_PREFIX,
    ORDER_PREFIX,
    Order,
    OrderDetails,
    OrderException,
    OrderFilter,
    OrderId,
    OrderLine,
    Shipment,
)
from comptoir.modules.payments.contracts import EntryKind
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.sdk.orders import LineKind
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import timelines
from comptoir.surfaces.console.pages.naming import Places, channels_of, people_of, places_of
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
    PaymentStatus.REFUNDED: N_("Refunded"),
    PaymentStatus.PARTLY_REFUNDED: N_("Partly refunded"),
}
RETURN_WORDS = {
    ReturnStatus.NONE: N_("None"),
    ReturnStatus.PARTIAL: N_("Partly returned"),
    ReturnStatus.RETURNED: N_("Returned"),
}
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
        href=order_href,
        chips=[(chip.label, chip.word, chip.name) for chip in chips],
        tabs=[
            (visit.say(word), _tab_href(visit, key), key == visit.param("tab"), _tab_count(visit, key))
            for key, (word, _) in TABS.items()
        ],
        fulfilments=_options(visit, FULFILMENT_WORDS),
        payments=_options(visit, PAYMENT_WORDS),
        returns=_options(visit, RETURN_WORDS),
        is_empty=not page.items and not chips and not visit.param("q") and not visit.param("tab"),
    )


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
    N_("Refunded"), N_("Currency"), N_("State"), N_("Payment"), N_("Return"), N_("Exceptions"),
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
                *(plain_amount(amount, row.currency, locale) for amount in (row.total, row.captured, row.refunded)),
                row.currency,
                visit.say(FULFILMENT_WORDS[FulfilmentStatus(row.fulfilment_status)]),
                visit.say(PAYMENT_WORDS[PaymentStatus(row.payment_status)]),
                visit.say(RETURN_WORDS[ReturnStatus(row.return_status)]),
                row.exceptions,
            )


# One order


@dataclass(frozen=True, slots=True)
class Part:
    """Units of one line that one location keeps for the order."""

    line: OrderLine
    quantity: int


@dataclass(frozen=True, slots=True)
class Origin:
    """A location that has units of the order ready."""

    location_id: LocationId
    name: str
    parts: tuple[Part, ...]

    @property
    def id(self) -> str:
        return to_text(LOCATION_PREFIX, self.location_id)

    @property
    def units(self) -> int:
        return sum(part.quantity for part in self.parts)


def origins(details: OrderDetails, places: Places) -> list[Origin]:
    """Where the units that are still to go come from."""
    lines = {line.line_no: line for line in details.order.lines}
    held: dict[LocationId, list[Part]] = {}
    for reservation in details.reservations:
        held.setdefault(reservation.location_id, []).append(Part(lines[reservation.line_no], reservation.quantity))
    return [Origin(location, places[location], tuple(parts)) for location, parts in held.items()]


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


def _balance(visit: Visit, order: Order) -> list[tuple[str, str]]:
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


def _buyer(visit: Visit, order: Order, customer: str, pickup: str) -> list[tuple[str, str]]:
    """Who it is for, and where it goes."""
    buyer, address = order.buyer or {}, order.ship_to or {}
    rows = [
        (N_("Name"), str(buyer.get("name") or customer or "")),
        (N_("Company"), str(buyer.get("company") or "")),
        (N_("E-mail"), str(buyer.get("email") or "")),
        (N_("Phone"), str(buyer.get("phone") or "")),
        (N_("Order number of the buyer"), str(buyer.get("purchase_order") or "")),
        (N_("Collected at"), pickup),
        (N_("Ship to"), address_line(address)),
        (N_("Bill to"), address_line(order.bill_to or {}) if order.bill_to != order.ship_to else ""),
    ]
    told = [(visit.say(word), value) for word, value in rows if value]
    return told or [(visit.say(N_("Name")), visit.say(N_("Unknown: sold without a name")))]


def address_line(address: Mapping[str, object]) -> str:
    """On one line: `Amélie Fontaine, 1240 Vine Street, Cincinnati, OH 45202, US`."""
    town = " ".join(str(address[name]) for name in ("postcode", "city", "region") if address.get(name))
    parts = [str(address.get(name) or "") for name in ("name", "company", "line1", "line2")]
    return ", ".join(part for part in (*parts, town, str(address.get("country") or "")) if part)


def line_words(visit: Visit, line: OrderLine) -> str:
    """How the units of a line stand: `2 shipped, 1 reserved`."""
    locale = visit.page.locale
    parts = (
        (n := line.shipped - line.returned, ngettext(locale, "%(num)s shipped", "%(num)s shipped", n)),
        (line.reserved, ngettext(locale, "%(num)s reserved", "%(num)s reserved", line.reserved)),
        (n := line.backordered, ngettext(locale, "%(num)s waiting for stock", "%(num)s waiting for stock", n)),
        (line.returned, ngettext(locale, "%(num)s returned", "%(num)s returned", line.returned)),
        (line.cancelled, ngettext(locale, "%(num)s cancelled", "%(num)s cancelled", line.cancelled)),
    )
    return ", ".join(words for units, words in parts if units)


def _unit_price(visit: Visit, order: Order, line: OrderLine) -> str:
    """Prices may have more digits than the currency has: then the number stands alone."""
    minor = line.unit_price.scaleb(exponent(order.currency))
    if minor == minor.to_integral_value():
        return formatting.money(int(minor), order.currency, visit.page.locale)
    return formatting.number(line.unit_price, visit.page.locale, 4)


def _payment_word(visit: Visit, kind: EntryKind) -> str:
    return visit.say(PAYMENT_KINDS[kind])


def _exception_word(visit: Visit, one: OrderException) -> str:
    return timelines.kind_word(visit, one.kind)


def _exception_href(one: OrderException) -> str:
    return f"/exceptions/{to_text(EXCEPTION_PREFIX, one.id)}"


def _tracking_href(shipment: Shipment) -> str:
    """A tracking address that a link may lead to."""
    return shipment.tracking_url if shipment.tracking_url.startswith(("https://", "http://")) else ""


@area.get("/orders/{order_id:str}", Permission.ORDERS_READ)
async def order_page(visit: Visit) -> Answer:
    order_id = OrderId(visit.path_id("order_id", ORDER_PREFIX))
    async with visit.read() as reader:
        details = await orders.get(reader, order_id)
        entries = (await orders.timeline(reader, order_id, sort="-at", limit=100)).items
        channels = await channels_of(visit, reader)
        places = await places_of(
            reader,
            [
                details.order.pickup_location_id,
                details.order.location_id,
                *(
                    one.location_id
                    for one in (*details.reservations, *details.shipments, *details.returns, *details.exceptions)
                ),
                *timelines.location_ids(entries),
            ],
        )
        people = await people_of(visit, reader, [*(entry.actor for entry in entries)], channels)
        own = details.order.customer_id
        known = await customers.names(reader, [CustomerId(own)]) if own is not None else {}
    order = details.order
    name = next(iter(known.values()), "")
    return visit.respond(
        "orders/detail.html",
        details=details,
        order=order,
        href=order_href(order_id),
        channel=channels[order.channel_code],
        places=places,
        origins=origins(details, places),
        money_rows=sums(visit, details),
        balance_rows=_balance(visit, order),
        buyer_rows=_buyer(visit, order, name, places[order.pickup_location_id]),
        customer_href=f"/customers/{to_text(CUSTOMER_PREFIX, order.customer_id)}" if order.customer_id else "",
        happened=timelines.told(visit, entries, details, places, people, channels),
        steps=_steps(visit, order),
        open_exceptions=[one for one in details.exceptions if one.state == "open"],
        waiting=sum(line.backordered for line in order.lines),
        returnable=any(line.shipped > line.returned for line in order.lines),
        cancellable=any(line.open for line in order.lines),
        releasable=any(line.reserved and line.stocked for line in order.lines),
        may_act=visit.may(Permission.ORDERS_ACT),
        exception_word=partial(_exception_word, visit),
        exception_href=_exception_href,
        unit_price=partial(_unit_price, visit, order),
        line_words=partial(line_words, visit),
        payment_word=partial(_payment_word, visit),
        tracking_href=_tracking_href,
    )


def _steps(visit: Visit, order: Order) -> list[tuple[str, str, str]]:
    """Placed, promised, shipped: how far the order has come."""
    left = order.quantity - order.cancelled
    words = [
        visit.say(N_("Placed")),
        i18n.translations(visit.page.language).pgettext("state", "Reserved"),
        visit.say(N_("Completed") if order.location_id else N_("Shipped")),
    ]
    if order.quantity and order.cancelled == order.quantity:
        return [(words[0], "done", _clock(visit, order.placed_at)), (visit.say(N_("Cancelled")), "bad", "")]
    promised = left - order.backordered
    note = visit.say(N_("%(done)s of %(all)s units"), done=promised, all=left)
    reserved = "done" if not order.backordered else "bad"
    gone = visit.say(N_("%(done)s of %(all)s units"), done=order.shipped, all=left)
    sent = "done" if order.shipped >= left else "now" if order.shipped or not order.backordered else "next"
    return [(words[0], "done", _clock(visit, order.placed_at)), (words[1], reserved, note), (words[2], sent, gone)]


def _clock(visit: Visit, at: datetime) -> str:
    return formatting.instant(at, visit.page.locale, visit.page.zone)
