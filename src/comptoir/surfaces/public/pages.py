"""The tracking page and the answer to a failed delivery, as values: read in a few queries, for whoever has the address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from comptoir.kernel.errors import NotFound
from comptoir.kernel.zones import zone_of_country
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CustomerId
from comptoir.modules.invoicing import api as invoicing
from comptoir.modules.invoicing.contracts import Issued
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location
from comptoir.modules.notices.contracts import Brand
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order, OrderId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Case, Tracked, TrackedDetails, TrackedId
from comptoir.runtime.database import Reader
from comptoir.sdk.tracking import Scan, TrackingStatus, distinct
from comptoir.surfaces import points
from comptoir.surfaces.public.branding import look_of
from comptoir.surfaces.public.collecting import CounterView, counters
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.maps import Point, Sketch, coarse, sketch
from comptoir.surfaces.public.wording import ENDED_BADLY, step_of

_MOST_SCANS = 40


@dataclass(frozen=True, slots=True)
class ParcelView:
    """A parcel as its buyer sees it."""

    status: TrackingStatus
    step: int
    ended_badly: bool
    delivered_at: datetime | None
    estimated_on: date | None
    promised_on: date | None
    carrier: str
    tracking_number: str
    tracking_url: str
    scans: tuple[Scan, ...]
    """The latest first."""
    zone: ZoneInfo
    answer: str
    """Where the buyer says what happens; empty when there is nothing to say."""
    answered: bool
    place: str
    """Of the pickup point at which it waits, as far as the carrier says."""
    map: Sketch | None


@dataclass(frozen=True, slots=True)
class OrderView:
    number: int
    placed_at: datetime
    promised_on: date | None
    cancelled: bool
    locale: str
    """The buyer's own, empty where nobody knows."""
    country: str
    zone: ZoneInfo
    parcels: tuple[ParcelView, ...]
    counters: tuple[CounterView, ...]
    """What is collected, and where."""
    waiting: bool
    """Some of it has not left yet."""
    brand: Brand = field(default_factory=Brand)
    messages: str = ""
    """Where the buyer says which messages they want."""
    returning: str = ""
    """Where something of it is sent back, which asks for the postcode first: what is printed there bears the buyer's address.
    Empty while nothing has left.
    """
    invoices: tuple[Issued, ...] = ()
    """And credit notes, the oldest first."""


async def order_view(reader: Reader, order_id: OrderId, links: PublicLinks, now: datetime) -> OrderView:
    """Raises NotFound."""
    order = await orders.order(reader, order_id)
    details = await tracking.of_order(reader, order_id)
    places = {key: await locations.get(reader, key) for key in {one.parcel.location_id for one in details}}
    home = await points.whereabouts(reader, order) if details else None
    views = await counters(reader, order, links.keyring, now)
    ship_to = order.ship_to or {}
    country = str(ship_to.get("country") or "")
    return OrderView(
        number=order.number,
        placed_at=order.placed_at,
        promised_on=order.promised_on,
        cancelled=order.quantity > 0 and order.cancelled == order.quantity,
        locale=await _locale(reader, order),
        country=country,
        zone=ZoneInfo(zone_of_country(country)),
        # What goes to the store where it is collected is between the carrier and us.
        parcels=()
        if order.pickup_location_id is not None
        else tuple(_parcel(one, places[one.parcel.location_id], home, links) for one in details),
        counters=views,
        waiting=order.quantity - order.cancelled - order.shipped > 0,
        brand=await look_of(reader, order.channel_code),
        messages=links.stopping(order.id, now) if order.buyer else "",
        returning=links.finding(order.number) if order.shipped else "",
        invoices=tuple(await invoicing.of_order(reader, order.id)),
    )


async def _locale(reader: Reader, order: Order) -> str:
    if order.customer_id is None:
        return ""
    try:
        return (await customers.get(reader, CustomerId(order.customer_id))).locale
    except NotFound:
        return ""


def _parcel(one: TrackedDetails, place: Location, home: tuple[float, float] | None, links: PublicLinks) -> ParcelView:
    parcel, case = one.parcel, one.case
    open_case = case is not None and case.state in tracking.ANSWERABLE
    scans = distinct(one.scans)
    return ParcelView(
        status=parcel.status,
        step=step_of(parcel.status),
        ended_badly=parcel.status in ENDED_BADLY,
        delivered_at=parcel.delivered_at,
        estimated_on=parcel.estimated_on,
        promised_on=parcel.promised_on,
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        tracking_url=parcel.tracking_url if parcel.tracking_url.startswith("https://") else "",
        scans=tuple(replace(scan, text="", detail="") for scan in reversed(scans[-_MOST_SCANS:])),
        zone=ZoneInfo(parcel.zone),
        answer=links.answer(parcel.id, case.answer_until) if case is not None and open_case else "",
        answered=case is not None and case.state.value == "answered",
        place=_waits_at(parcel.status, scans),
        map=_map(place, home, scans),
    )


def _waits_at(status: TrackingStatus, scans: Sequence[Scan]) -> str:
    """Where the carrier says that it can be collected."""
    if status is not TrackingStatus.AVAILABLE_FOR_PICKUP:
        return ""
    return next((scan.place for scan in reversed(scans) if scan.status is status and scan.place), "")


def _map(place: Location, home: tuple[float, float] | None, scans: Sequence[Scan]) -> Sketch | None:
    if place.latitude is None or place.longitude is None or home is None:
        return None
    stops = [Point(scan.latitude, scan.longitude) for scan in scans if scan.latitude is not None and scan.longitude is not None]
    return sketch(Point(place.latitude, place.longitude), stops, coarse(Point(*home)))


@dataclass(frozen=True, slots=True)
class AnswerView:
    """A failed delivery as its buyer is asked about it."""

    case: Case
    order: OrderView
    zone: ZoneInfo
    parcel: Tracked


async def answer_view(reader: Reader, tracked_id: UUID, links: PublicLinks, now: datetime) -> AnswerView:
    """Raises NotFound."""
    details = await tracking.get(reader, TrackedId(tracked_id))
    if details.case is None:
        raise NotFound(kind="parcel", id=str(tracked_id))
    order = await order_view(reader, details.parcel.order_id, links, now)
    return AnswerView(details.case, order, ZoneInfo(details.parcel.zone), details.parcel)
