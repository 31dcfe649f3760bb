"""One order with everything around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import ChangeKind
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CUSTOMER_PREFIX, CustomerId
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, Stage
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.notices import api as notices
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import (
    EXCEPTION_PREFIX,
    ORDER_PREFIX,
    Order,
    OrderDetails,
    OrderException,
    OrderId,
    OrderLine,
    Shipment,
    ShipmentId,
)
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Standing
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.substitution import api as substitution
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Tracked
from comptoir.sdk.orders import OrderKind
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import invoices, shown_once, timelines
from comptoir.surfaces.console.pages.change_words import (
    KIND_ICONS,
    KIND_WORDS,
    MENU_WORDS,
    Badge,
    badge_of,
    change_href,
    is_marketplace,
    line_name,
)
from comptoir.surfaces.console.pages.consent_words import consent_row
from comptoir.surfaces.console.pages.message_words import of_order
from comptoir.surfaces.console.pages.naming import Places, channels_of, people_of, places_of
from comptoir.surfaces.console.pages.operations_standings import orders_href
from comptoir.surfaces.console.pages.order_money import (
    balance,
    grant_rows,
    method_words,
    parts_words,
    payment_word,
    sums,
    unit_price,
)
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.parcel_words import TRACKING_WORDS
from comptoir.surfaces.console.pages.parcels import parcel_href
from comptoir.surfaces.console.pages.parcels_words import STATUS_TONES
from comptoir.surfaces.console.pages.store_desk import page_of
from comptoir.surfaces.console.pages.work_words import HOLD_WORDS, METHOD_WORDS, STAGE_TONES, STAGE_WORDS
from comptoir.surfaces.console.web import Answer, Area, Visit

area = Area("orders")


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


class Work(NamedTuple):
    """What a location has to do for the order, as the page shows it."""

    place: str
    words: str
    tone: str
    icon: str
    stage: str
    task_href: str
    place_href: str


def origins(details: OrderDetails, places: Places) -> list[Origin]:
    """Where the units that are still to go come from."""
    lines = {line.line_no: line for line in details.order.lines}
    held: dict[LocationId, list[Part]] = {}
    for reservation in details.reservations:
        held.setdefault(reservation.location_id, []).append(Part(lines[reservation.line_no], reservation.quantity))
    return [Origin(location, places[location], tuple(parts)) for location, parts in held.items()]


def _buyer(visit: Visit, order: Order, customer: str, pickup: str, instead: str, messages: str) -> list[tuple[str, str]]:
    """Who it is for, and where it goes."""
    buyer, address = order.buyer or {}, order.ship_to or {}
    rows = [
        (N_("Name"), str(buyer.get("name") or customer or "")),
        (N_("Company"), str(buyer.get("company") or "")),
        (N_("E-mail"), str(buyer.get("email") or "")),
        (N_("Phone"), str(buyer.get("phone") or "")),
        (N_("Order number of the buyer"), str(buyer.get("purchase_order") or "")),
        (N_("Collected at"), pickup),
        (N_("When something is not there"), instead),
        (N_("Messages"), messages),
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
    parts = (
        (n := line.shipped - line.returned, visit.says("%(num)s shipped", "%(num)s shipped", n)),
        (line.reserved, visit.says("%(num)s reserved", "%(num)s reserved", line.reserved)),
        (n := line.backordered, visit.says("%(num)s waiting for stock", "%(num)s waiting for stock", n)),
        (line.returned, visit.says("%(num)s returned", "%(num)s returned", line.returned)),
        (line.cancelled, visit.says("%(num)s cancelled", "%(num)s cancelled", line.cancelled)),
    )
    return ", ".join(words for units, words in parts if units)


def _exception_word(visit: Visit, one: OrderException) -> str:
    return timelines.kind_word(visit, one.kind)


def _exception_href(one: OrderException) -> str:
    return f"/exceptions/{to_text(EXCEPTION_PREFIX, one.id)}"


def _parcel(visit: Visit, tracked: Mapping[ShipmentId, Tracked], shipment: Shipment) -> tuple[str, str, tuple[str, str]] | None:
    """Where a shipment is on its way: its page, the state in a word, and its tones."""
    parcel = tracked.get(shipment.id)
    if parcel is None:
        return None
    return parcel_href(parcel.id), visit.say(TRACKING_WORDS[parcel.status]), STATUS_TONES[parcel.status]


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
        work = [one for one in await fulfilment.of_orders(reader, [order_id]) if one.stage is not Stage.CANCELLED]
        places = await places_of(
            reader,
            [
                *(one.location_id for one in work),
                details.order.pickup_location_id,
                details.order.location_id,
                *(
                    one.location_id
                    for one in (*details.reservations, *details.shipments, *details.returns, *details.exceptions)
                ),
                *timelines.location_ids(entries),
                *(one.location_id for one in details.payments),
            ],
        )
        people = await people_of(visit, reader, [*(entry.actor for entry in entries)], channels)
        shipments = [shipment.id for shipment in details.shipments]
        tracked = await tracking.of_shipments(reader, shipments) if shipments else {}
        own = details.order.customer_id
        known = await customers.names(reader, [CustomerId(own)]) if own is not None else {}
        grants = await payments.grants_of(reader, order_id)
        there = await orders.standing_of(reader, details.order, grants=grants)
        opened = await changes.of_order(reader, order_id)
        issued = await invoices.shown(visit, reader, order_id)
        marketplace = await is_marketplace(visit, reader, details.order)
        replaceable = any(line.sku is not None and line.open for line in details.order.lines)
        said = await notices.standing(reader, details.order)
        agreed = await substitution.consents(reader, order_id) if replaceable else {}
    order = details.order
    name = next(iter(known.values()), "")
    held = origins(details, places)
    own_held = [one for one in held if visit.principal.reaches(one.location_id)]
    return visit.respond(
        "orders/detail.html",
        details=details,
        order=order,
        href=order_href(order_id),
        channel=channels[order.channel_code],
        channels=channels,
        places=places,
        origins=held,
        own_origins=own_held,
        work=[_work(visit, one, places) for one in sorted(work, key=lambda one: one.number)],
        money_rows=sums(visit, details),
        balance_rows=balance(visit, there),
        there=there,
        ungranted=max(0, there.owed_to_buyer - there.granted),
        grants=grant_rows(visit, grants),
        issued=issued,
        as_paid=parts_words(visit, payments.as_paid(details.payments, there.granted), order.currency),
        opened=[_Opened(change_href(one.id), visit.say(KIND_WORDS[one.kind]), badge_of(visit, one)) for one in opened],
        acts=[one for one in _changes(visit, order, there) if own_held == held or one.kind not in _OF_LOCATIONS],
        marketplace=marketplace,
        shown=shown_once.shown(visit),
        take_back_href=f"/returns/new?order={to_text(ORDER_PREFIX, order_id)}",
        line_name=partial(line_name, visit),
        method_word=partial(method_words, visit),
        buyer_rows=_buyer(
            visit, order, name, places[order.pickup_location_id], consent_row(visit, order, agreed), of_order(visit, said)
        ),
        replaceable=replaceable,
        customer_href=f"/customers/{to_text(CUSTOMER_PREFIX, order.customer_id)}" if order.customer_id else "",
        happened=timelines.told(visit, entries, details, places, people, channels),
        steps=_steps(visit, order),
        open_exceptions=[one for one in details.exceptions if one.state == "open"],
        waiting=sum(line.backordered for line in order.lines),
        returnable=any(line.sku and line.shipped > line.returned for line in order.lines),
        releasable=any(line.reserved and line.stocked for line in order.lines),
        may_act=visit.may(Permission.ORDERS_ACT),
        exception_word=partial(_exception_word, visit),
        exception_href=_exception_href,
        unit_price=partial(unit_price, visit, order),
        line_words=partial(line_words, visit),
        payment_word=partial(payment_word, visit),
        tracking_href=_tracking_href,
        parcel_of=partial(_parcel, visit, tracked),
    )


_OF_LOCATIONS = frozenset({ChangeKind.EDIT, ChangeKind.CANCEL})
"""Changes of what locations keep for an order: for whoever works at all of those."""


class _Opened(NamedTuple):
    """A change that is open, as the page of its order shows it."""

    href: str
    kind: str
    badge: Badge


class _Change(NamedTuple):
    """A change that could be asked for."""

    kind: str
    icon: str
    word: str


def _changes(visit: Visit, order: Order, there: Standing) -> list[_Change]:
    """What of the order can be changed now."""
    if order.kind != OrderKind.SALE:
        return []
    still_here = any(line.open for line in order.lines)
    gone = any(line.sku and line.shipped > line.returned for line in order.lines)
    possible = {
        ChangeKind.EDIT: still_here,
        ChangeKind.CANCEL: still_here,
        ChangeKind.EXCHANGE: gone,
        ChangeKind.CLAIM: gone,
        ChangeKind.ADJUSTMENT: there.value > 0,
    }
    return [_Change(kind, KIND_ICONS[kind], visit.say(MENU_WORDS[kind])) for kind, may in possible.items() if may]


def _work(visit: Visit, one: Fulfilment, places: Places) -> Work:
    tone, icon = STAGE_TONES[one.stage]
    units = visit.says("%(num)s unit", "%(num)s units", one.quantity)
    parts = [f"F{one.number}", units, visit.say(METHOD_WORDS[one.method]).lower()]
    if one.hold_reason is not None:
        parts.append(visit.say(N_("held: %(reason)s"), reason=visit.say(HOLD_WORDS[one.hold_reason])))
    elif one.leaves_by is not None and one.closed_at is None:
        parts.append(visit.say(N_("ready by %(time)s"), time=_clock(visit, one.leaves_by)))
    if one.promised_on is not None:
        day = formatting.day(one.promised_on, visit.page.locale, visit.page.zone)
        parts.append(visit.say(N_("promised for %(day)s"), day=day))
    return Work(
        places[one.location_id],
        " · ".join(parts),
        tone,
        icon,
        visit.say(STAGE_WORDS[one.stage]),
        page_of(one) if one.closed_at is None else "",
        orders_href(location=to_text(LOCATION_PREFIX, one.location_id)),
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
